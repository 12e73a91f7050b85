/* upkeep/signin_return.c - the browser comes back: to the listener that those share who sign in to
 * a provider at the same time, or as what the user pastes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/url.h"
#include "upkeep/signin_int.h"

#define SWEEP_MS 1
#define PASTE_MAX 8192
#define CLOSE_MS 2000

void signin_sweep(void *peer, int64_t now_ms)
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
void signin_leave(struct signin *in)
{
    if (in->callback == NULL)
        return;
    in->callback->users--;
    in->callback = NULL;
    timer_start(&in->signins->sweep, SWEEP_MS);
}

/* --- it comes back --------------------------------------------------------------------------- */

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
        signin_failed(in, str_eq(error, STR("access_denied"))
                              ? STR("access was not given at the provider")
                              : STR("the provider sent the browser back with an error"));
        return CALLBACK_DENIED;
    }
    signin_exchange_code(in, code, false);
    return CALLBACK_DONE;
}

struct pasted {
    char code[PASTE_MAX];
    size_t len;
    bool bare, denied;
};

/* The code of what was pasted: the text itself, or of the address or query that it stands in. */
static enum status read_paste(const struct signin *in, struct str text, struct pasted *p,
                              struct error *e)
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

        p->bare = true;
        p->len = plain.len;
        if (good)
            memcpy(p->code, plain.at, plain.len);
        if (plain.cap > 0)
            wipe(plain.at, plain.cap);
        buf_clear(&plain);
        return good ? OK : fail(e, E_SYNTAX, "this is no code, nor an address with one");
    }
    if (!http_query_get(query, STR("state"), state, sizeof(state), &n))
        return fail(e, E_SYNTAX,
                    "there is no state in this address: paste all of it, or the code alone");
    if (!equal_in_constant_time((struct str){ state, n }, str_c(in->state)))
        return fail(e, E_SYNTAX, "this address belongs to another sign-in (its state differs)");
    p->denied = http_query_get(query, STR("error"), state, sizeof(state), &n);
    if (!p->denied &&
        (!http_query_get(query, STR("code"), p->code, PASTE_MAX, &p->len) || p->len == 0))
        return fail(e, E_SYNTAX,
                    "there is no code in this address: paste the one that the browser was sent to "
                    "in the end");
    return OK;
}

enum status signin_code(struct signins *s, struct str id, struct str text, struct error *e)
{
    struct signin *in = signin_find(s, id);
    struct pasted p = { .len = 0 };

    text = str_trim(text);
    if (in == NULL)
        return fail(e, E_ABSENT, "no sign-in has this id");
    if (in->family->kind != SIGNIN_CODE || in->step != STEP_USER || in->state_used)
        return fail(e, E_CONFLICT, "this sign-in waits for no code");
    if (text.len == 0 || text.len >= PASTE_MAX)
        return fail(e, E_SYNTAX, "paste the address that the browser was sent to, or its code");
    enum status st = read_paste(in, text, &p, e);

    if (st == OK && p.denied)
        signin_failed(in, STR("access was not given at the provider"));
    else if (st == OK)
        signin_exchange_code(in, (struct str){ p.code, p.len }, p.bare);
    wipe(&p, sizeof(p));
    return st;
}

/* --- where it comes back to ------------------------------------------------------------------ */

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
void signin_join(struct signin *in)
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
