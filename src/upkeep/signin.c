#include "upkeep/signin.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/url.h"
#include "io/crypto.h"
#include "upkeep/callback.h"
#include "upkeep/web_call.h"

#define RANDOM_BYTES 32
#define RANDOM_TEXT 44
#define SWEEP_MS 1
#define PASTE_MAX 8192
#define CLOSE_MS 2000
#define POLL_FAILURES_MAX 5 /* of the network, in a row, before a device sign-in is given up */

enum step {
    STEP_USER,     /* code: the browser is out there. device: asked again after `interval_ms` */
    STEP_DEVICE,   /* a device code is asked for */
    STEP_TOKEN,    /* a code is exchanged, or the token address is polled */
    STEP_EXCHANGE, /* copilot: a first token of the API */
    STEP_WHO,
    STEP_OVER,
};

struct signin {
    struct signins *signins;
    struct signin *next;
    char id[SIGNIN_ID_MAX];
    const struct signin_family *family;
    enum step step;
    enum signin_state outcome; /* STEP_OVER: done or failed */
    struct arena arena;
    struct str label, project, proxy;
    enum tier tier;
    int64_t until_ms; /* given up then; when it is over, forgotten */
    struct timer timer;
    struct web_call call;
    /* code */
    char state[RANDOM_TEXT], verifier[RANDOM_TEXT];
    bool state_used;
    struct str url, redirect_url, note;
    struct callback_use *callback; /* NULL: the port was taken, or it is over */
    /* device */
    struct secret device_code;
    struct str user_code;
    int64_t interval_ms;
    uint32_t poll_failures;
    /* what came */
    struct account_grant grant;
    int64_t lifetime_ms;
    struct str error;
    int64_t account;
    struct str account_label;
};

/* One listener for all who sign in to a provider at the same time. */
struct callback_use {
    struct signins *signins;
    struct callback_use *next;
    const struct signin_family *family;
    struct callback *callback;
    uint32_t users;
};

struct signins {
    struct signins_options o;
    const struct provider_options *settings;
    struct signin *first;
    uint32_t count;
    struct callback_use *callbacks;
    struct timer sweep;
};

/* --- its end --------------------------------------------------------------------------------- */

static void on_sweep(void *peer, int64_t now_ms)
{
    struct signins *s = peer;

    (void)now_ms;
    for (struct callback_use **link = &s->callbacks; *link != NULL;) {
        struct callback_use *use = *link;

        if (use->users > 0) {
            link = &use->next;
            continue;
        }
        *link = use->next;
        callback_close(use->callback, CLOSE_MS);
        free(use);
    }
}

/* The port is free again as soon as nobody signs in; not from within the listener's own call. */
static void leave_callback(struct signin *in)
{
    if (in->callback == NULL)
        return;
    in->callback->users--;
    in->callback = NULL;
    timer_start(&in->signins->sweep, SWEEP_MS);
}

static void over(struct signin *in, enum signin_state outcome)
{
    in->step = STEP_OVER;
    in->outcome = outcome;
    in->until_ms = loop_now(in->signins->o.loop) + SIGNIN_MS;
    leave_callback(in);
    web_call_clear(&in->call);
    secret_clear(&in->device_code);
    grant_clear(&in->grant);
    wipe(in->verifier, sizeof(in->verifier));
    timer_start(&in->timer, SIGNIN_MS);
}

static void failed(struct signin *in, struct str why)
{
    in->error = arena_copy(&in->arena, why);
    log_warn("a sign-in failed", F_STR("provider", in->family->provider), F_STR("why", in->error));
    over(in, SIGNIN_FAILED);
}

static void signin_free(struct signin *in)
{
    leave_callback(in);
    timer_stop(&in->timer);
    web_call_clear(&in->call);
    secret_clear(&in->device_code);
    grant_clear(&in->grant);
    arena_free(&in->arena);
    wipe(in, sizeof(*in));
    free(in);
}

static void signin_drop(struct signin *in)
{
    struct signins *s = in->signins;
    struct signin **link = &s->first;

    while (*link != in)
        link = &(*link)->next;
    *link = in->next;
    s->count--;
    signin_free(in);
}

static void poll_token(struct signin *in);

static void on_timer(void *peer, int64_t now_ms)
{
    struct signin *in = peer;

    if (in->step == STEP_OVER) {
        signin_drop(in);
    } else if (now_ms >= in->until_ms) {
        failed(in, in->family->kind == SIGNIN_DEVICE
                       ? STR("the device code has expired before it was entered: start again")
                       : STR("nobody came back from the provider in time: start again"));
    } else if (in->family->kind == SIGNIN_DEVICE && in->step == STEP_USER) {
        poll_token(in);
    }
}

/* --- the grant ------------------------------------------------------------------------------- */

static void keep(struct signin *in)
{
    struct signins *s = in->signins;
    struct account_spec *spec = account_spec_new();
    struct error e = { .status = OK };

    spec->provider = in->family->provider;
    spec->label = in->label;
    spec->project = in->project;
    spec->proxy = in->proxy;
    spec->tier = in->tier;
    spec->grant = grant_copy(&in->grant, &spec->arena);
    enum status st = s->o.keep(s->o.peer, spec, &e);

    if (st != OK) {
        failed(in, str_c(e.text));
    } else {
        in->account = spec->id;
        in->account_label = arena_copy(&in->arena, spec->label);
        log_info("somebody has signed in", F_STR("provider", in->family->provider),
                 F_STR("account", in->account_label));
        struct str email = in->grant.email;

        over(in, SIGNIN_DONE);
        in->grant.email = email; /* of the arena, for who looks at it */
    }
    account_spec_free(spec);
}

static void ask_web(struct signin *in, enum step step, const struct web_ask *ask)
{
    const struct signins *s = in->signins;
    struct error e = { .status = OK };

    in->step = step;
    if (web_call_send(&in->call, s->o.client, &s->settings->proxy, ask, SIGNIN_CALL_MS, &e) != OK)
        failed(in, str_c(e.text));
}

/* `Bearer` or `token`, and a token. */
static void send_with(struct signin *in, enum step step, struct str url, const char *scheme,
                      const struct secret *token)
{
    struct str bytes = secret_reveal(token);
    struct buf header = { .max = bytes.len + 16 };
    char *room = buf_reserve(&header, header.max);

    assert(room != NULL);
    (void)(buf_add(&header, str_c(scheme)) && buf_add(&header, bytes));
    ask_web(in, step,
            &(struct web_ask){ .url = url, .authorization = buf_str(&header), .proxy = in->proxy });
    wipe(header.at, header.cap);
    buf_clear(&header);
}

static struct signin_urls urls_of(const struct signin *in)
{
    return signin_urls(in->family, provider_signin(in->signins->settings, in->family->provider));
}

/* What is still to be asked. */
static void go_on(struct signin *in)
{
    struct signin_urls urls = urls_of(in);

    if (in->family->exchanges && secret_is_empty(&in->grant.access)) {
        send_with(in, STEP_EXCHANGE, urls.exchange, "token ", &in->grant.refresh);
    } else if (in->grant.email.len == 0 && urls.user.len > 0 && in->step != STEP_WHO) {
        if (in->family->exchanges)
            send_with(in, STEP_WHO, urls.user, "token ", &in->grant.refresh);
        else
            send_with(in, STEP_WHO, urls.user, "Bearer ", &in->grant.access);
    } else {
        keep(in);
    }
}

static void take_token(struct signin *in, struct token_answer *t)
{
    struct account_grant *g = &in->grant;
    int64_t unix_ms = clock_unix_ms();

    g->series = unix_ms > 0 ? unix_ms : 1;
    g->scopes = arena_copy(&in->arena, t->scopes);
    g->email = arena_copy(&in->arena, t->email);
    g->account = arena_copy(&in->arena, t->account);
    g->plan = arena_copy(&in->arena, t->plan);
    if (in->family->exchanges) {
        /* what was signed in for is what renews; it does not expire */
        g->refresh = secret_copy(secret_reveal(&t->access));
    } else {
        g->access = secret_copy(secret_reveal(&t->access));
        g->refresh = secret_copy(secret_reveal(&t->refresh));
        g->expires_unix_ms = t->lifetime_ms > 0 ? unix_ms + t->lifetime_ms : 0;
        if (secret_is_empty(&g->refresh))
            log_warn("the provider gave no refresh token: somebody must sign in again when the "
                     "access token expires",
                     F_STR("provider", in->family->provider));
    }
    go_on(in);
}

static void take_exchange(struct signin *in, const struct token_answer *t)
{
    struct account_grant *g = &in->grant;

    g->access = secret_copy(secret_reveal(&t->access));
    g->expires_unix_ms = t->lifetime_ms > 0 ? clock_unix_ms() + t->lifetime_ms : 0;
    g->api_url = arena_copy(&in->arena, t->api_url);
    if (t->plan.len > 0)
        g->plan = arena_copy(&in->arena, t->plan);
    go_on(in);
}

/* --- answers --------------------------------------------------------------------------------- */

static void wait_poll(struct signin *in, int64_t interval_ms)
{
    in->interval_ms = interval_ms > DEVICE_INTERVAL_MS_MAX ? DEVICE_INTERVAL_MS_MAX : interval_ms;
    in->step = STEP_USER;
    timer_start(&in->timer, in->interval_ms);
}

/* The provider's words for a person. They are its own, and hold nothing that we sent. */
static struct str explain(struct signin *in, struct str word)
{
    static const struct {
        const char *word, *text;
    } known[] = {
        { "access_denied", "access was not given at the provider" },
        { "expired_token", "the device code has expired before it was entered: start again" },
        { "invalid_grant", "the code is not good any more (expired, or used before): start again" },
        { "incorrect_device_code", "the device code is not known any more: start again" },
        { "device_flow_disabled", "the device flow is switched off for this OAuth client" },
        { "redirect_uri_mismatch", "the OAuth client does not allow this redirect URL" },
    };

    for (size_t i = 0; i < COUNT(known); i++)
        if (str_eq(word, str_c(known[i].word)))
            return str_c(known[i].text);
    if (token_error_is_of_client(word))
        return STR("the provider refuses the OAuth client of the settings");
    return arena_printf(&in->arena, "the provider answers with an error (status %d%s%.*s)",
                        in->call.status, word.len > 0 ? ", " : "", STR_ARG(str_take(word, 60)));
}

static void token_refused(struct signin *in, const struct token_answer *t)
{
    bool device = in->family->kind == SIGNIN_DEVICE;

    if (device && str_eq(t->error, STR("authorization_pending")))
        wait_poll(in, in->interval_ms);
    else if (device && str_eq(t->error, STR("slow_down")))
        wait_poll(in, t->interval_ms > in->interval_ms ? t->interval_ms
                                                       : in->interval_ms + DEVICE_INTERVAL_MS);
    else
        failed(in, explain(in, t->error));
}

static void on_token(struct signin *in)
{
    struct token_answer t = { .lifetime_ms = 0 };
    struct arena a = { 0 };

    in->poll_failures = 0;
    if (!token_answer_read(buf_str(&in->call.answer), &a, &t))
        failed(in, explain(in, STR("")));
    else if (t.error.len > 0) /* GitHub says so with status 200 */
        token_refused(in, &t);
    else
        take_token(in, &t);
    token_answer_clear(&t);
    arena_free(&a);
}

static void on_device(struct signin *in)
{
    struct device_answer d;
    struct token_answer t = { .lifetime_ms = 0 };

    if (in->call.status < 200 || in->call.status > 299 ||
        !device_answer_read(buf_str(&in->call.answer), &in->arena, &d)) {
        bool told = token_answer_read(buf_str(&in->call.answer), &in->arena, &t);

        failed(in, explain(in, told ? t.error : STR("")));
        token_answer_clear(&t);
        return;
    }
    in->device_code = d.device_code;
    in->user_code = d.user_code;
    in->url = d.verification_url;
    if (d.lifetime_ms > 0 && d.lifetime_ms < SIGNIN_MS)
        in->until_ms = loop_now(in->signins->o.loop) + d.lifetime_ms;
    wait_poll(in, d.interval_ms > 0 ? d.interval_ms : DEVICE_INTERVAL_MS);
}

static void on_exchange(struct signin *in)
{
    struct token_answer t = { .lifetime_ms = 0 };
    struct arena a = { 0 };
    int status = in->call.status;

    if (status >= 200 && status <= 299 &&
        exchange_answer_read(buf_str(&in->call.answer), clock_unix_ms(), &a, &t))
        take_exchange(in, &t);
    else if (status == 401 || status == 403 || status == 404)
        failed(in, STR("GitHub gives this account no access to Copilot: has it a subscription?"));
    else
        failed(in, explain(in, STR("")));
    token_answer_clear(&t);
    arena_free(&a);
}

/* Without an answer the account is kept all the same, under a name of its own. */
static void on_who(struct signin *in)
{
    if (in->call.status >= 200 && in->call.status <= 299)
        in->grant.email = user_answer_read(buf_str(&in->call.answer), &in->arena);
    go_on(in);
}

static void on_answer(void *peer, const struct call_fault *fault)
{
    struct signin *in = peer;

    if (fault != NULL && in->step == STEP_TOKEN && in->family->kind == SIGNIN_DEVICE &&
        ++in->poll_failures < POLL_FAILURES_MAX) {
        wait_poll(in, in->interval_ms + DEVICE_INTERVAL_MS); /* the way may be back then */
        return;
    }
    if (fault != NULL) {
        failed(in, arena_printf(&in->arena, "the provider could not be reached: %s", fault->text));
        return;
    }
    switch (in->step) {
    case STEP_DEVICE:
        on_device(in);
        return;
    case STEP_TOKEN:
        on_token(in);
        return;
    case STEP_EXCHANGE:
        on_exchange(in);
        return;
    case STEP_WHO:
        on_who(in);
        return;
    case STEP_USER:
    case STEP_OVER:
        assert(false); /* nothing was asked */
    }
}

static struct signin *find(const struct signins *s, struct str id)
{
    struct signin *in = s->first;

    while (in != NULL && !str_eq(str_c(in->id), id))
        in = in->next;
    return in;
}

/* --- a code ---------------------------------------------------------------------------------- */

static void exchange_code(struct signin *in, struct str code)
{
    const struct signin_settings *s = provider_signin(in->signins->settings, in->family->provider);
    struct str secret = secret_reveal(&s->client_secret);
    const struct web_field form[] = {
        { STR("grant_type"), STR("authorization_code") }, { STR("code"), code },
        { STR("redirect_uri"), in->redirect_url },        { STR("client_id"), s->client_id },
        { STR("code_verifier"), str_c(in->verifier) },    { STR("client_secret"), secret },
    };

    in->state_used = true;
    leave_callback(in);
    ask_web(in, STEP_TOKEN,
            &(struct web_ask){ .url = urls_of(in).token,
                               .form = form,
                               .form_count = COUNT(form) - (secret.len == 0),
                               .proxy = in->proxy });
}

static struct signin *find_state(const struct signins *s, const struct signin_family *f,
                                 struct str state)
{
    for (struct signin *in = s->first; in != NULL; in = in->next)
        if (in->family == f && in->step == STEP_USER && !in->state_used &&
            equal_in_constant_time(state, str_c(in->state)))
            return in;
    return NULL;
}

static enum callback_page on_return(void *peer, struct str state, struct str code, struct str error)
{
    struct callback_use *use = peer;
    struct signin *in = find_state(use->signins, use->family, state);

    if (in == NULL) {
        log_warn("a browser came back that no sign-in waits for",
                 F_STR("provider", use->family->provider));
        return CALLBACK_UNKNOWN;
    }
    if (error.len > 0) {
        in->state_used = true;
        failed(in, str_eq(error, STR("access_denied"))
                       ? STR("access was not given at the provider")
                       : STR("the provider sent the browser back with an error"));
        return CALLBACK_DENIED;
    }
    exchange_code(in, code);
    return CALLBACK_DONE;
}

/* The code of what was pasted: the text itself, or of the address or query that it stands in. */
static enum status read_paste(struct signin *in, struct str text, char code[PASTE_MAX], size_t *len,
                              bool *denied, struct error *e)
{
    char state[PASTE_MAX];
    struct buf plain = { .max = PASTE_MAX };
    struct str query, before, rest;
    size_t n = 0;

    (void)str_cut(text, '#', &query, &rest);
    if (str_cut(query, '?', &before, &rest))
        query = rest;
    else if (memchr(query.at, '=', query.len) == NULL) { /* as it stood in an address, perhaps */
        bool good = percent_get(&plain, query, false);

        *len = plain.len;
        if (good)
            memcpy(code, plain.at, plain.len);
        if (plain.cap > 0)
            wipe(plain.at, plain.cap);
        buf_clear(&plain);
        return good ? OK : fail(e, E_SYNTAX, "this is no code, nor an address with one");
    }
    if (!http_query_get(query, STR("state"), state, sizeof(state), &n) ||
        !equal_in_constant_time((struct str){ state, n }, str_c(in->state)))
        return fail(e, E_SYNTAX, "this address belongs to another sign-in (its state differs)");
    *denied = http_query_get(query, STR("error"), state, sizeof(state), &n);
    if (!*denied && (!http_query_get(query, STR("code"), code, PASTE_MAX, len) || *len == 0))
        return fail(e, E_SYNTAX, "there is no code in this address");
    return OK;
}

enum status signin_code(struct signins *s, struct str id, struct str text, struct error *e)
{
    struct signin *in = find(s, id);
    char code[PASTE_MAX];
    bool denied = false;
    size_t len = 0;

    text = str_trim(text);
    if (in == NULL)
        return fail(e, E_ABSENT, "no sign-in has this id");
    if (in->family->kind != SIGNIN_CODE || in->step != STEP_USER || in->state_used)
        return fail(e, E_CONFLICT, "this sign-in waits for no code");
    if (text.len == 0 || text.len >= PASTE_MAX)
        return fail(e, E_SYNTAX, "paste the address that the browser was sent to, or its code");
    enum status st = read_paste(in, text, code, &len, &denied, e);

    if (st == OK && denied)
        failed(in, STR("access was not given at the provider"));
    else if (st == OK)
        exchange_code(in, (struct str){ code, len });
    wipe(code, sizeof(code));
    return st;
}

/* --- a device code --------------------------------------------------------------------------- */

static void ask_device(struct signin *in)
{
    const struct signin_settings *s = provider_signin(in->signins->settings, in->family->provider);
    const struct web_field form[] = {
        { STR("client_id"), s->client_id },
        { STR("scope"), signin_scopes(in->family, s) },
    };

    ask_web(in, STEP_DEVICE,
            &(struct web_ask){ .url = urls_of(in).device,
                               .form = form,
                               .form_count = COUNT(form),
                               .proxy = in->proxy });
}

static void poll_token(struct signin *in)
{
    const struct signin_settings *s = provider_signin(in->signins->settings, in->family->provider);
    struct str secret = secret_reveal(&s->client_secret);
    const struct web_field form[] = {
        { STR("client_id"), s->client_id },
        { STR("device_code"), secret_reveal(&in->device_code) },
        { STR("grant_type"), STR("urn:ietf:params:oauth:grant-type:device_code") },
        { STR("client_secret"), secret },
    };

    ask_web(in, STEP_TOKEN,
            &(struct web_ask){ .url = urls_of(in).token,
                               .form = form,
                               .form_count = COUNT(form) - (secret.len == 0),
                               .proxy = in->proxy });
    if (in->step == STEP_TOKEN)
        timer_start(&in->timer, in->until_ms - loop_now(in->signins->o.loop) + 1);
}

/* --- the beginning --------------------------------------------------------------------------- */

static void random_text(char out[RANDOM_TEXT])
{
    uint8_t bytes[RANDOM_BYTES];
    struct buf text = { .max = RANDOM_TEXT };

    random_bytes(bytes, sizeof(bytes));
    bool fits = base64_put(&text, (struct str){ (const char *)bytes, sizeof(bytes) }, BASE64_URL);

    assert(fits && text.len == RANDOM_TEXT - 1);
    memcpy(out, text.at, text.len);
    out[text.len] = '\0';
    wipe(text.at, text.len);
    wipe(bytes, sizeof(bytes));
    buf_clear(&text);
}

/* S256 (RFC 7636). */
static struct str challenge_of(const char *verifier, struct arena *a)
{
    uint8_t digest[SHA256_BYTES];
    struct buf text = { .max = RANDOM_TEXT };

    sha256(str_c(verifier), digest);
    (void)base64_put(&text, (struct str){ (const char *)digest, sizeof(digest) }, BASE64_URL);
    struct str challenge = arena_copy(a, buf_str(&text));

    buf_clear(&text);
    return challenge;
}

static size_t addresses_of(const struct signin_family *f, const struct signin_settings *s,
                           struct address at[SIGNIN_LISTEN_MAX])
{
    static const struct str both[] = { { "127.0.0.1", 9 }, { "[::1]", 5 } };
    const struct str *texts = s->listen_count > 0 ? s->listen : both;
    size_t count = s->listen_count > 0 ? s->listen_count : COUNT(both), n = 0;

    for (size_t i = 0; i < count && n < SIGNIN_LISTEN_MAX; i++) {
        char text[96];

        if (address_read(texts[i], &at[n])) {
            n++;
            continue;
        }
        int len = snprintf(text, sizeof(text), "%.*s:%u", STR_ARG(texts[i]), f->port);

        n += address_read((struct str){ text, (size_t)len }, &at[n]);
    }
    return n;
}

/* The host and path under which a redirect URL of another machine leads here. */
static void other_of(struct str redirect, struct str *host, struct str *path)
{
    struct url u;

    *host = *path = STR("");
    if (redirect.len > 0 && url_read(redirect, &u, NULL)) {
        *host = u.host;
        *path = u.path;
    }
}

/* Joins the listener that is there, or opens one. Without one the user pastes. */
static void join_callback(struct signin *in)
{
    struct signins *s = in->signins;
    const struct signin_settings *own = provider_signin(s->settings, in->family->provider);
    struct callback_use *use = s->callbacks;
    struct address at[SIGNIN_LISTEN_MAX];
    struct error e = { .status = OK };

    while (use != NULL && use->family != in->family)
        use = use->next;
    if (use == NULL) {
        struct callback_options o = { .loop = s->o.loop,
                                      .at = at,
                                      .count = addresses_of(in->family, own, at),
                                      .path = in->family->path,
                                      .on_return = on_return };

        use = must_calloc(1, sizeof(*use));
        *use = (struct callback_use){ .signins = s, .family = in->family };
        o.peer = use;
        other_of(s->settings->redirect_url, &o.other_host, &o.other_path);
        if (callback_open(&o, &use->callback, &e) != OK) {
            in->note =
                arena_printf(&in->arena,
                             "the browser cannot come back by itself (%s): paste the address "
                             "that it is sent to in the end, even though no page opens there",
                             e.text);
            free(use);
            return;
        }
        use->next = s->callbacks;
        s->callbacks = use;
    }
    use->users++;
    in->callback = use;
}

static enum status make_url(struct signin *in, struct error *e)
{
    const struct signin_family *f = in->family;
    const struct signin_settings *s = provider_signin(in->signins->settings, f->provider);
    struct str redirect = in->signins->settings->redirect_url, base = urls_of(in).authorize;
    struct web_field pairs[8 + 4] = { { STR("response_type"), STR("code") } };
    struct buf text = { .max = (size_t)16 << 10 };
    size_t n = 1;

    assert(f->parameter_count <= 4);
    random_text(in->state);
    random_text(in->verifier);
    join_callback(in);
    in->redirect_url =
        redirect.len > 0
            ? arena_copy(&in->arena, redirect)
            : arena_printf(&in->arena, "http://localhost:%u%.*s",
                           in->callback != NULL ? callback_port(in->callback->callback) : f->port,
                           STR_ARG(f->path));
    pairs[n++] = (struct web_field){ STR("client_id"), s->client_id };
    pairs[n++] = (struct web_field){ STR("redirect_uri"), in->redirect_url };
    pairs[n++] = (struct web_field){ STR("scope"), signin_scopes(f, s) };
    pairs[n++] = (struct web_field){ STR("state"), str_c(in->state) };
    pairs[n++] =
        (struct web_field){ STR("code_challenge"), challenge_of(in->verifier, &in->arena) };
    pairs[n++] = (struct web_field){ STR("code_challenge_method"), STR("S256") };
    for (size_t i = 0; i < f->parameter_count; i++)
        pairs[n++] = (struct web_field){ f->parameters[i].name, f->parameters[i].value };
    bool fits = buf_add(&text, base) &&
                buf_add(&text, memchr(base.at, '?', base.len) != NULL ? STR("&") : STR("?")) &&
                web_put_pairs(&text, pairs, n);

    in->url = arena_copy(&in->arena, buf_str(&text));
    buf_clear(&text);
    return fits ? OK : fail(e, E_LIMIT, "the address to sign in at is too long");
}

enum status signin_start(struct signins *s, const struct signin_ask *ask, char id[SIGNIN_ID_MAX],
                         struct error *e)
{
    const struct signin_family *f = signin_family(ask->provider);
    uint8_t bytes[(SIGNIN_ID_MAX - 1) / 2];
    struct buf text = { .max = SIGNIN_ID_MAX };
    enum status st = OK;

    if (f == NULL)
        return fail(e, E_SYNTAX, "provider: accounts of `%.*s` do not sign in",
                    STR_ARG(ask->provider));
    if (provider_signin(s->settings, f->provider)->client_id.len == 0)
        return fail(e, E_ABSENT, "there is no OAuth client for %.*s", STR_ARG(f->provider));
    if (s->count == SIGNINS_MAX)
        return fail(e, E_LIMIT, "%d people sign in already: wait for one of them", SIGNINS_MAX);
    struct signin *in = must_calloc(1, sizeof(*in));

    random_bytes(bytes, sizeof(bytes));
    (void)hex_put(&text, (struct str){ (const char *)bytes, sizeof(bytes) });
    memcpy(in->id, text.at, text.len);
    buf_clear(&text);
    in->signins = s;
    in->family = f;
    in->label = arena_copy(&in->arena, ask->label);
    in->project = arena_copy(&in->arena, ask->project);
    in->proxy = arena_copy(&in->arena, ask->proxy);
    in->tier = ask->tier;
    in->until_ms = loop_now(s->o.loop) + SIGNIN_MS;
    in->step = STEP_USER;
    web_call_init(&in->call, on_answer, in);
    timer_init(&in->timer, s->o.loop, on_timer, in);
    timer_start(&in->timer, SIGNIN_MS);
    if (f->kind == SIGNIN_CODE)
        st = make_url(in, e);
    if (st != OK) {
        signin_free(in);
        return st;
    }
    in->next = s->first;
    s->first = in;
    s->count++;
    memcpy(id, in->id, SIGNIN_ID_MAX);
    if (f->kind == SIGNIN_DEVICE)
        ask_device(in);
    return OK;
}

/* --- looking, giving up ---------------------------------------------------------------------- */

bool signin_cancel(struct signins *s, struct str id)
{
    struct signin *in = find(s, id);

    if (in != NULL)
        signin_drop(in);
    return in != NULL;
}

bool signin_look(const struct signins *s, struct str id, struct signin_view *v)
{
    const struct signin *in = find(s, id);

    if (in == NULL)
        return false;
    int64_t left_ms = in->until_ms - loop_now(s->o.loop);

    *v = (struct signin_view){
        .state = in->step == STEP_OVER ? in->outcome
                 : in->step == STEP_USER || in->step == STEP_DEVICE ||
                         (in->step == STEP_TOKEN && in->family->kind == SIGNIN_DEVICE)
                     ? SIGNIN_WAITING
                     : SIGNIN_WORKING,
        .id = str_c(in->id),
        .provider = in->family->provider,
        .url = in->url,
        .user_code = in->user_code,
        .redirect_url = in->redirect_url,
        .listening = in->callback != NULL,
        .note = in->note,
        .error = in->error,
        .seconds_left = left_ms > 0 ? (left_ms + 999) / 1000 : 0,
        .account = in->account,
        .label = in->account_label,
        .email = in->grant.email,
    };
    return true;
}

static void put_text(struct json_writer *w, const char *name, struct str text)
{
    if (text.len > 0)
        json_put_member(w, name, text);
    else
        json_put_member_null(w, name);
}

void signins_each(const struct signins *s, void (*fn)(void *peer, const struct signin_view *v),
                  void *peer)
{
    struct signin_view v;

    for (const struct signin *in = s->first; in != NULL; in = in->next)
        if (signin_look(s, str_c(in->id), &v))
            fn(peer, &v);
}

const char *signin_state_word(enum signin_state state)
{
    static const char *const states[] = {
        [SIGNIN_WAITING] = "waiting",
        [SIGNIN_WORKING] = "working",
        [SIGNIN_DONE] = "done",
        [SIGNIN_FAILED] = "failed",
    };

    return states[state];
}

void signin_put(struct json_writer *w, const struct signin_view *v)
{
    json_put_object(w);
    json_put_member(w, "id", v->id);
    json_put_member(w, "provider", v->provider);
    json_put_member(w, "state", str_c(signin_state_word(v->state)));
    put_text(w, "url", v->url);
    put_text(w, "user_code", v->user_code);
    put_text(w, "redirect_url", v->redirect_url);
    json_put_member_bool(w, "listening", v->listening);
    put_text(w, "note", v->note);
    put_text(w, "error", v->error);
    json_put_member_i64(w, "seconds_left", v->seconds_left);
    if (v->state == SIGNIN_DONE) {
        json_put_key(w, STR("account"));
        json_put_object(w);
        json_put_member_i64(w, "id", v->account);
        json_put_member(w, "label", v->label);
        put_text(w, "email", v->email);
        json_put_end(w);
    } else {
        json_put_member_null(w, "account");
    }
    json_put_end(w);
}

/* --- life ------------------------------------------------------------------------------------ */

struct signins *signins_new(const struct signins_options *options)
{
    struct signins *s = must_calloc(1, sizeof(*s));

    s->o = *options;
    timer_init(&s->sweep, options->loop, on_sweep, s);
    return s;
}

void signins_settings(struct signins *s, const struct provider_options *settings)
{
    s->settings = settings;
}

void signins_free(struct signins *s)
{
    if (s == NULL)
        return;
    while (s->first != NULL)
        signin_drop(s->first);
    while (s->callbacks != NULL) {
        struct callback_use *use = s->callbacks;

        s->callbacks = use->next;
        callback_close(use->callback, 0);
        free(use);
    }
    timer_stop(&s->sweep);
    free(s);
}
