#include "upkeep/signin.h"

#include <stdlib.h>

#include "base/base64.h"
#include "io/crypto.h"
#include "upkeep/signin_int.h"

#define RANDOM_BYTES 32

/* --- its end --------------------------------------------------------------------------------- */

static void signin_free(struct signin *in)
{
    signin_leave(in);
    timer_stop(&in->timer);
    web_call_clear(&in->call);
    secret_clear(&in->device_code);
    secret_clear(&in->code);
    grant_clear(&in->grant);
    arena_free(&in->arena);
    wipe(in, sizeof(*in));
    free(in);
}

static void signin_drop(struct signins *s, struct signin *in)
{
    struct signin **link = &s->first;

    while (*link != in)
        link = &(*link)->next;
    *link = in->next;
    s->count--;
    signin_free(in);
}

static void on_timer(void *peer, int64_t now_ms)
{
    struct signin *in = peer;

    if (in->step == STEP_OVER) {
        signin_drop(in->signins, in);
    } else if (now_ms >= in->until_ms) {
        signin_failed(in,
                      in->family->kind == SIGNIN_DEVICE
                          ? STR("the device code has expired before it was entered: start again")
                          : STR("nobody came back from the provider in time: start again"));
    } else if (in->step == STEP_PAUSE) {
        signin_ask_again(in);
    } else if (in->family->kind == SIGNIN_DEVICE && in->step == STEP_USER) {
        signin_poll(in);
    }
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

static enum status make_url(struct signin *in, struct error *e)
{
    const struct signin_family *f = in->family;
    const struct signin_settings *s = provider_signin(in->signins->settings, f->provider);
    struct str redirect = in->signins->settings->redirect_url, base = signin_urls_of(in).authorize;
    struct web_field pairs[8 + 4] = { { STR("response_type"), STR("code") } };
    struct buf text = { .max = (size_t)16 << 10 };
    size_t n = 1;

    assert(f->parameter_count <= 4);
    random_text(in->state);
    random_text(in->verifier);
    signin_join(in);
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
    web_call_init(&in->call, signin_on_answer, in);
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
        signin_ask_device(in);
    return OK;
}

/* --- looking, giving up ---------------------------------------------------------------------- */

struct signin *signin_find(const struct signins *s, struct str id)
{
    struct signin *in = s->first;

    while (in != NULL && !str_eq(str_c(in->id), id))
        in = in->next;
    return in;
}

bool signin_cancel(struct signins *s, struct str id)
{
    struct signin *in = signin_find(s, id);

    if (in != NULL)
        signin_drop(in->signins, in);
    return in != NULL;
}

bool signin_look(const struct signins *s, struct str id, struct signin_view *v)
{
    const struct signin *in = signin_find(s, id);

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
    json_put_member_or_null(w, "url", v->url);
    json_put_member_or_null(w, "user_code", v->user_code);
    json_put_member_or_null(w, "redirect_url", v->redirect_url);
    json_put_member_bool(w, "listening", v->listening);
    json_put_member_or_null(w, "note", v->note);
    json_put_member_or_null(w, "error", v->error);
    json_put_member_i64(w, "seconds_left", v->seconds_left);
    if (v->state == SIGNIN_DONE) {
        json_put_key(w, STR("account"));
        json_put_object(w);
        json_put_member_i64(w, "id", v->account);
        json_put_member(w, "label", v->label);
        json_put_member_or_null(w, "email", v->email);
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
    timer_init(&s->sweep, options->loop, signin_sweep, s);
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
        signin_drop(s, s->first);
    while (s->callbacks != NULL) {
        struct callback_use *use = s->callbacks;

        s->callbacks = use->next;
        callback_close(use->callback, 0);
        free(use);
    }
    timer_stop(&s->sweep);
    free(s);
}
