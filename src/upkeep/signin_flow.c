/* upkeep/signin_flow.c - what is asked of the provider, one after the other, and what its answers
 * mean. */
#include "base/log.h"
#include "upkeep/signin_int.h"

/* --- its end --------------------------------------------------------------------------------- */

void signin_over(struct signin *in, enum signin_state outcome)
{
    in->step = STEP_OVER;
    in->outcome = outcome;
    in->until_ms = loop_now(in->signins->o.loop) + SIGNIN_MS;
    signin_leave(in);
    web_call_clear(&in->call);
    secret_clear(&in->device_code);
    secret_clear(&in->code);
    grant_clear(&in->grant);
    wipe(in->verifier, sizeof(in->verifier));
    timer_start(&in->timer, SIGNIN_MS);
}

void signin_failed(struct signin *in, struct str why)
{
    in->error = arena_copy(&in->arena, why);
    log_warn("a sign-in failed", F_STR("provider", in->family->provider), F_STR("why", in->error));
    signin_over(in, SIGNIN_FAILED);
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
        signin_failed(in, str_c(e.text));
    } else {
        in->account = spec->id;
        in->account_label = arena_copy(&in->arena, spec->label);
        log_info("somebody has signed in", F_STR("provider", in->family->provider),
                 F_STR("account", in->account_label));
        struct str email = in->grant.email;

        signin_over(in, SIGNIN_DONE);
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
        signin_failed(in, str_c(e.text));
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

struct signin_urls signin_urls_of(const struct signin *in)
{
    return signin_urls(in->family, provider_signin(in->signins->settings, in->family->provider));
}

static void ask_exchange(struct signin *in)
{
    send_with(in, STEP_EXCHANGE, signin_urls_of(in).exchange, "token ", &in->grant.refresh);
}

static void ask_who(struct signin *in)
{
    struct str url = signin_urls_of(in).user;

    if (in->family->exchanges)
        send_with(in, STEP_WHO, url, "token ", &in->grant.refresh);
    else
        send_with(in, STEP_WHO, url, "Bearer ", &in->grant.access);
}

/* What is still to be asked, when this step is done. */
static void go_on(struct signin *in)
{
    in->failures = 0;
    if (in->family->exchanges && in->step == STEP_TOKEN)
        ask_exchange(in);
    else if (in->grant.email.len == 0 && signin_urls_of(in).user.len > 0 && in->step != STEP_WHO)
        ask_who(in);
    else
        keep(in);
}

static void take_token(struct signin *in, struct token_answer *t)
{
    struct account_grant *g = &in->grant;
    int64_t unix_ms = clock_unix_ms();

    signin_leave(in);
    secret_clear(&in->code);
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

/* Nobody knows where a bare word comes from: a wrong one is not the end. */
static void ask_for_another(struct signin *in)
{
    secret_clear(&in->code);
    in->state_used = false;
    in->step = STEP_USER;
    in->error = STR("the provider does not take this code: it is mistyped, expired, or was used "
                    "before. Paste the address that the browser was sent to in the end, or open "
                    "the address to sign in at once more");
}

static void token_refused(struct signin *in, const struct token_answer *t)
{
    bool device = in->family->kind == SIGNIN_DEVICE;
    bool of_code = !token_error_is_of_client(t->error) &&
                   !str_eq(t->error, STR("redirect_uri_mismatch")) && in->call.status < 500 &&
                   in->call.status != 429;

    in->failures = 0;
    if (device && str_eq(t->error, STR("authorization_pending")))
        wait_poll(in, in->interval_ms);
    else if (device && str_eq(t->error, STR("slow_down")))
        wait_poll(in, t->interval_ms > in->interval_ms ? t->interval_ms
                                                       : in->interval_ms + DEVICE_INTERVAL_MS);
    else if (in->maybe_used && of_code)
        signin_failed(in, STR("the connection was lost while the code was exchanged, and the "
                              "provider holds the code for used now: start again"));
    else if (in->by_hand && of_code)
        ask_for_another(in);
    else
        signin_failed(in, explain(in, t->error));
}

/* The network or the provider was at fault: is the same thing asked once more? Who has entered a
 * device code is asked about as ever, a little later. */
static bool again_later(struct signin *in)
{
    int64_t wait_ms = SIGNIN_PAUSE_MS << in->failures;

    if (++in->failures >= SIGNIN_TRIES_MAX)
        return false;
    if (in->step == STEP_TOKEN && in->family->kind == SIGNIN_DEVICE) {
        wait_poll(in, in->interval_ms + DEVICE_INTERVAL_MS);
        return true;
    }
    if (in->call.retry_after_ms > wait_ms)
        wait_ms = in->call.retry_after_ms;
    if (wait_ms > SIGNIN_PAUSE_MS_MAX)
        wait_ms = SIGNIN_PAUSE_MS_MAX;
    in->paused = in->step;
    in->step = STEP_PAUSE;
    timer_start(&in->timer, wait_ms);
    return true;
}

/* A grant is had by now: it is kept, and what lacks is found out later. */
static bool can_do_without(struct signin *in)
{
    return in->step == STEP_EXCHANGE || in->step == STEP_WHO;
}

static void unanswered(struct signin *in, struct str why)
{
    if (again_later(in))
        return;
    if (can_do_without(in)) {
        log_warn("a sign-in ends without all that it asked for",
                 F_STR("provider", in->family->provider), F_STR("why", why));
        go_on(in);
        return;
    }
    signin_failed(in, arena_printf(&in->arena, "%.*s, after %d tries: start again later",
                                   STR_ARG(why), SIGNIN_TRIES_MAX));
}

static bool is_out_of_order(int status)
{
    return status == 408 || status == 429 || status >= 500;
}

static void on_token(struct signin *in)
{
    struct token_answer t = { .lifetime_ms = 0 };
    struct arena a = { 0 };
    bool answered = token_answer_read(buf_str(&in->call.answer), &a, &t);
    bool word = answered && t.error.len > 0 && in->family->kind == SIGNIN_DEVICE;

    if (is_out_of_order(in->call.status) && !word)
        unanswered(in, explain(in, STR("")));
    else if (!answered)
        signin_failed(in, explain(in, STR("")));
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

    if (is_out_of_order(in->call.status)) {
        unanswered(in, explain(in, STR("")));
        return;
    }
    if (in->call.status < 200 || in->call.status > 299 ||
        !device_answer_read(buf_str(&in->call.answer), &in->arena, &d)) {
        bool told = token_answer_read(buf_str(&in->call.answer), &in->arena, &t);

        signin_failed(in, explain(in, told ? t.error : STR("")));
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
        signin_failed(
            in, STR("GitHub gives this account no access to Copilot: has it a subscription?"));
    else if (is_out_of_order(status))
        unanswered(in, explain(in, STR("")));
    else
        signin_failed(in, explain(in, STR("")));
    token_answer_clear(&t);
    arena_free(&a);
}

/* Without an answer the account is kept all the same, under a name of its own. */
static void on_who(struct signin *in)
{
    if (is_out_of_order(in->call.status)) {
        unanswered(in, explain(in, STR("")));
        return;
    }
    if (in->call.status >= 200 && in->call.status <= 299)
        in->grant.email = user_answer_read(buf_str(&in->call.answer), &in->arena);
    go_on(in);
}

void signin_on_answer(void *peer, const struct call_fault *fault)
{
    struct signin *in = peer;

    if (fault != NULL) {
        in->maybe_used = in->maybe_used || (in->step == STEP_TOKEN && fault->sent);
        unanswered(in,
                   arena_printf(&in->arena, "the provider could not be reached: %s", fault->text));
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
    case STEP_PAUSE:
    case STEP_OVER:
        assert(false); /* nothing was asked */
    }
}

/* --- a code, and a device code --------------------------------------------------------------- */

static void ask_token(struct signin *in)
{
    const struct signin_settings *s = provider_signin(in->signins->settings, in->family->provider);
    struct str secret = secret_reveal(&s->client_secret);
    const struct web_field form[] = {
        { STR("grant_type"), STR("authorization_code") }, { STR("code"), secret_reveal(&in->code) },
        { STR("redirect_uri"), in->redirect_url },        { STR("client_id"), s->client_id },
        { STR("code_verifier"), str_c(in->verifier) },    { STR("client_secret"), secret },
    };

    ask_web(in, STEP_TOKEN,
            &(struct web_ask){ .url = signin_urls_of(in).token,
                               .form = form,
                               .form_count = COUNT(form) - (secret.len == 0),
                               .proxy = in->proxy });
}

void signin_exchange_code(struct signin *in, struct str code, bool by_hand)
{
    in->state_used = true;
    in->by_hand = by_hand;
    in->maybe_used = false;
    in->failures = 0;
    in->error = STR("");
    in->code = secret_copy(code);
    if (!by_hand)
        signin_leave(in);
    ask_token(in);
}

void signin_ask_device(struct signin *in)
{
    const struct signin_settings *s = provider_signin(in->signins->settings, in->family->provider);
    const struct web_field form[] = {
        { STR("client_id"), s->client_id },
        { STR("scope"), signin_scopes(in->family, s) },
    };

    ask_web(in, STEP_DEVICE,
            &(struct web_ask){ .url = signin_urls_of(in).device,
                               .form = form,
                               .form_count = COUNT(form),
                               .proxy = in->proxy });
}

void signin_poll(struct signin *in)
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
            &(struct web_ask){ .url = signin_urls_of(in).token,
                               .form = form,
                               .form_count = COUNT(form) - (secret.len == 0),
                               .proxy = in->proxy });
    if (in->step == STEP_TOKEN)
        timer_start(&in->timer, in->until_ms - loop_now(in->signins->o.loop) + 1);
}

void signin_ask_again(struct signin *in)
{
    static void (*const asks[])(struct signin * in) = {
        [STEP_DEVICE] = signin_ask_device,
        [STEP_TOKEN] = ask_token,
        [STEP_EXCHANGE] = ask_exchange,
        [STEP_WHO] = ask_who,
    };

    asks[in->paused](in);
    if (in->step != STEP_OVER)
        timer_start(&in->timer, in->until_ms - loop_now(in->signins->o.loop) + 1);
}
