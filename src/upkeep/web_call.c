#include "upkeep/web_call.h"

#include "base/url.h"

#define HEAD_MAX ((size_t)32 << 10)
#define FORM_MAX ((size_t)64 << 10)
#define RETRY_AFTER_S_MAX 86400

/* --- the answer ------------------------------------------------------------------------------ */

static void on_head(void *peer, const struct http_head *head)
{
    struct web_call *c = peer;
    uint64_t seconds;

    c->status = head->status;
    if (str_to_u64(http_field_value(head, STR("retry-after")), &seconds))
        c->retry_after_ms =
            (int64_t)(seconds < RETRY_AFTER_S_MAX ? seconds : RETRY_AFTER_S_MAX) * 1000;
}

static void on_data(void *peer, struct str bytes)
{
    struct web_call *c = peer;

    /* what does not fit makes it no JSON, and so no answer */
    (void)buf_add(&c->answer, str_take(bytes, c->answer.max - c->answer.len));
}

static void over(struct web_call *c, const struct call_fault *fault)
{
    c->call = NULL;
    secret_clear(&c->form);
    c->done(c->peer, fault);
}

static void on_end(void *peer)
{
    over(peer, NULL);
}

static void on_fail(void *peer, const struct call_fault *fault)
{
    over(peer, fault);
}

/* --- sending --------------------------------------------------------------------------------- */

void web_call_init(struct web_call *c, void (*done)(void *peer, const struct call_fault *fault),
                   void *peer)
{
    *c = (struct web_call){ .done = done, .peer = peer };
    buf_init(&c->answer, WEB_ANSWER_MAX);
}

static void forget(struct web_call *c)
{
    if (c->answer.cap > 0)
        wipe(c->answer.at, c->answer.cap); /* tokens are in it */
    buf_clear(&c->answer);
    secret_clear(&c->form);
    origin_clear(&c->origin);
    arena_free(&c->arena);
    c->origin = (struct origin){ .tls = false };
    c->status = 0;
    c->retry_after_ms = 0;
}

void web_call_clear(struct web_call *c)
{
    if (c->call != NULL)
        call_cancel(c->call);
    c->call = NULL;
    forget(c);
}

bool web_put_pairs(struct buf *out, const struct web_field *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!((i == 0 || buf_add_char(out, '&')) && percent_put(out, pairs[i].name, false) &&
              buf_add_char(out, '=') && percent_put(out, pairs[i].value, false)))
            return false;
    return true;
}

static bool put_form(struct web_call *c, const struct web_ask *ask)
{
    struct buf text = { .max = FORM_MAX };
    char *room = buf_reserve(&text, FORM_MAX); /* growing would leave copies behind */
    bool fits = web_put_pairs(&text, ask->form, ask->form_count);

    assert(room != NULL);
    c->form = secret_copy(buf_str(&text));
    c->body = secret_reveal(&c->form);
    wipe(text.at, text.len);
    buf_clear(&text);
    return fits;
}

static bool put_head(const struct web_call *c, const struct web_ask *ask, struct str target,
                     struct buf *out)
{
    bool post = ask->form_count > 0;

    return http_put_request_line(out, post ? STR("POST") : STR("GET"), target) &&
           http_put_field(out, STR("Host"), c->origin.authority) &&
           http_put_field(out, STR("User-Agent"), STR("penstock/" PENSTOCK_VERSION)) &&
           http_put_field(out, STR("Accept"), STR("application/json")) &&
           (ask->authorization.len == 0 ||
            http_put_field(out, STR("Authorization"), ask->authorization)) &&
           (!post ||
            (http_put_field(out, STR("Content-Type"), STR("application/x-www-form-urlencoded")) &&
             http_put_field_i64(out, STR("Content-Length"), (int64_t)c->body.len))) &&
           http_put_end(out);
}

enum status web_call_send(struct web_call *c, struct client *client,
                          const struct proxy_settings *proxies, const struct web_ask *ask,
                          int64_t total_ms, struct error *e)
{
    struct call_timeouts timeouts = call_timeouts_default;
    struct buf head = { .max = HEAD_MAX };
    struct str path;
    struct url u;
    const char *what = "";
    enum status st = OK;

    assert(c->call == NULL);
    forget(c);
    if (!url_read(ask->url, &u, &what))
        return fail(e, E_SYNTAX, "`%.*s` is no URL: %s", STR_ARG(ask->url), what);
    st = origin_make(ask->url, proxies, ask->proxy, &c->arena, &c->origin, &path, e);
    if (st != OK)
        return st;
    struct str target = arena_printf(&c->arena, "%.*s%s%.*s", (int)u.path.len, u.path.at,
                                     u.query.len > 0 ? "?" : "", (int)u.query.len, u.query.at);

    if (target.len == 0 || target.at[0] != '/')
        target = arena_printf(&c->arena, "/%.*s", (int)target.len, target.at);
    if ((ask->form_count > 0 && !put_form(c, ask)) || !put_head(c, ask, target, &head))
        st = fail(e, E_LIMIT, "what is to be sent to %.*s does not fit", STR_ARG(u.host));
    timeouts.first_byte_ms = timeouts.idle_ms = timeouts.total_ms = total_ms;
    if (st == OK)
        c->call = client_send(client, &(struct call_options){
                                          .origin = &c->origin,
                                          .head = buf_str(&head),
                                          .body = &c->body,
                                          .body_parts = c->body.len > 0 && ask->form_count > 0,
                                          .timeouts = timeouts,
                                          .hooks = { on_head, on_data, on_end, on_fail, c },
                                      });
    if (head.cap > 0)
        wipe(head.at, head.cap);
    buf_clear(&head);
    return st;
}
