#include "app/remote.h"

#include <stdio.h>

#include "app/data_dir.h"
#include "app/terminal.h"
#include "base/log.h"
#include "base/url.h"
#include "io/signals.h"

#define ANSWER_MAX ((size_t)64 << 20)
#define CALL_MS 120000 /* one call in all */
#define NOTICE_MS 3000

/* --- finding it ------------------------------------------------------------------------------ */

/* A gateway that listens everywhere is reached over loopback. */
static struct str host_of(struct str host)
{
    if (str_eq(host, STR("0.0.0.0")))
        return STR("127.0.0.1");
    return str_eq(host, STR("::")) ? STR("::1") : host;
}

static enum status origin_read(struct remote *r, struct str url, struct error *e)
{
    struct url u;
    const char *what = "";

    if (!url_read(url, &u, &what))
        return fail(e, E_SYNTAX, "the gateway's address `%.*s` cannot be read: %s", STR_ARG(url),
                    what);
    struct str host = arena_copy(&r->arena, host_of(u.host));
    bool v6 = memchr(host.at, ':', host.len) != NULL;

    r->origin = (struct origin){ .host = host, .port = (uint16_t)u.port };
    r->origin.authority =
        arena_printf(&r->arena, v6 ? "[%.*s]:%d" : "%.*s:%d", STR_ARG(host), u.port);
    r->origin.pool_key = r->origin.authority;
    return OK;
}

enum status remote_open(struct remote *r, const char *data_dir, struct error *e)
{
    struct buf url = { .max = 512 };
    char folder[DATA_DIR_MAX];
    enum status st = data_dir_find(data_dir, folder, e);

    *r = (struct remote){ .loop = NULL, .call_ms = CALL_MS };
    if (st == OK && !data_dir_running(folder, &url))
        st = fail(e, E_ABSENT, "no gateway runs on %s: start one with `penstock serve`", folder);
    if (st == OK && url.len == 0)
        st = fail(e, E_ABSENT, "the gateway on %s does not listen yet", folder);
    if (st == OK)
        st = origin_read(r, buf_str(&url), e);
    if (st == OK)
        st = data_dir_admin_token(folder, &r->token, e);
    if (st == OK) {
        r->loop = loop_new();
        r->client = client_new(&(struct client_options){ .loop = r->loop,
                                                         .limits = client_limits_default,
                                                         .metrics = &r->metrics },
                               e);
        st = r->client == NULL ? e->status : OK;
    }
    buf_clear(&url);
    return st;
}

void remote_close(struct remote *r)
{
    if (r->client != NULL)
        client_free(r->client);
    if (r->loop != NULL)
        loop_free(r->loop);
    secret_clear(&r->token);
    arena_free(&r->arena);
}

/* --- one call -------------------------------------------------------------------------------- */

struct asking {
    struct remote *remote;
    struct remote_answer *answer;
    enum status st;
    struct error *e;
};

static void on_head(void *peer, const struct http_head *head)
{
    struct asking *ask = peer;

    ask->answer->status = head->status;
}

static void on_data(void *peer, struct str bytes)
{
    struct asking *ask = peer;

    if (ask->st == OK && !buf_add(&ask->answer->body, bytes))
        ask->st = fail(ask->e, E_LIMIT, "the gateway's answer is larger than 64 MiB");
}

static void on_end(void *peer)
{
    struct asking *ask = peer;

    loop_stop(ask->remote->loop);
}

static void on_fail(void *peer, const struct call_fault *fault)
{
    struct asking *ask = peer;

    ask->st = fail(ask->e, E_IO, "the gateway did not answer: %s", fault->text);
    loop_stop(ask->remote->loop);
}

static bool put_head(const struct remote *r, const char *method, struct str path, struct str body,
                     struct arena *a, struct buf *out)
{
    struct str token = secret_reveal(&r->token);
    bool good = http_put_request_line(out, str_c(method), path) &&
                http_put_field(out, STR("Host"), r->origin.authority) &&
                http_put_field(out, STR("User-Agent"), STR("penstock/" PENSTOCK_VERSION)) &&
                http_put_field(out, STR("Accept"), STR("application/json")) &&
                http_put_field(out, STR("Authorization"),
                               arena_printf(a, "Bearer %.*s", (int)token.len, token.at));

    if (body.len > 0)
        good = good && http_put_field(out, STR("Content-Type"), STR("application/json"));
    return good && http_put_field_i64(out, STR("Content-Length"), (int64_t)body.len) &&
           http_put_end(out);
}

static enum status status_of(int http)
{
    return http == 404 ? E_ABSENT : http == 409 ? E_CONFLICT : http == 400 ? E_SYNTAX : E_REFUSED;
}

/* What came is an object of ours, or the gateway's complaint. */
static enum status answer_read(struct remote_answer *answer, bool takes_text, struct error *e)
{
    bool good = json_parse(&answer->doc, buf_str(&answer->body), NULL, &answer->arena, NULL) &&
                json_type(&answer->doc, 0) == JSON_OBJECT;

    if ((good || takes_text) && answer->status >= 200 && answer->status < 300)
        return OK;
    if (!good)
        return fail(e, E_IO, "the gateway's answer (status %d) is no JSON object", answer->status);
    uint32_t fault = answer_member(answer, 0, "error");
    struct str text = fault == JSON_NONE ? STR("") : answer_text(answer, fault, "message"),
               path = fault == JSON_NONE ? STR("") : answer_text(answer, fault, "path");

    if (path.len > 0)
        return fail(e, status_of(answer->status), "%.*s: %.*s", STR_ARG(path), STR_ARG(text));
    if (text.len > 0)
        return fail(e, status_of(answer->status), "%.*s", STR_ARG(text));
    return fail(e, status_of(answer->status), "the gateway answered with status %d",
                answer->status);
}

enum status remote_call(struct remote *r, const char *method, struct str path, struct str body,
                        struct remote_answer *out, struct error *e)
{
    struct asking ask = { .remote = r, .answer = out, .st = OK, .e = e };
    struct buf head = { .max = (size_t)64 << 10 };
    struct call_timeouts timeouts = call_timeouts_default;

    *out = (struct remote_answer){ .body = { .max = ANSWER_MAX } };
    if (!put_head(r, method, path, body, &out->arena, &head)) {
        ask.st = fail(e, E_SYNTAX, "this cannot be asked for: %.*s", STR_ARG(path));
    } else {
        timeouts.total_ms = r->call_ms;
        (void)client_send(r->client, &(struct call_options){
                                         .origin = &r->origin,
                                         .head = buf_str(&head),
                                         .body = &body,
                                         .body_parts = body.len > 0 ? 1 : 0,
                                         .timeouts = timeouts,
                                         .hooks = { on_head, on_data, on_end, on_fail, &ask },
                                     });
        loop_run(r->loop);
    }
    if (head.cap > 0)
        wipe(head.at, head.cap); /* the token is in it */
    buf_clear(&head);
    return ask.st == OK ? answer_read(out, r->takes_text, e) : ask.st;
}

void remote_answer_clear(struct remote_answer *answer)
{
    buf_clear(&answer->body);
    arena_free(&answer->arena);
}

void remote_notices(const char *data_dir)
{
    struct remote_answer answer = { .status = 0 };
    struct remote r = { .loop = NULL };
    struct error e;
    enum status st = remote_open(&r, data_dir, &e);

    if (st == OK) {
        r.call_ms = NOTICE_MS;
        st = remote_call(&r, "GET", STR("/api/keys"), STR(""), &answer, &e);
    }
    if (st != OK && st != E_ABSENT)
        log_debug("the gateway notices a little later", F_C("why", e.text));
    remote_answer_clear(&answer);
    remote_close(&r);
}

/* --- reading an answer ----------------------------------------------------------------------- */

uint32_t answer_member(const struct remote_answer *answer, uint32_t object, const char *name)
{
    uint32_t node = json_member(&answer->doc, object, str_c(name), NULL);

    return node != JSON_NONE && json_type(&answer->doc, node) != JSON_NULL ? node : JSON_NONE;
}

struct str answer_text(struct remote_answer *answer, uint32_t object, const char *name)
{
    uint32_t node = answer_member(answer, object, name);
    struct str text = STR("");

    return node != JSON_NONE && answer_string(answer, node, &text) ? text : STR("");
}

bool answer_string(struct remote_answer *answer, uint32_t node, struct str *text)
{
    if (!json_text(&answer->doc, node, &answer->arena, text))
        return false;
    *text = terminal_plain(&answer->arena, *text);
    return true;
}

int64_t answer_number(const struct remote_answer *answer, uint32_t object, const char *name,
                      int64_t or_else)
{
    uint32_t node = answer_member(answer, object, name);
    int64_t n;

    return node != JSON_NONE && json_i64(&answer->doc, node, &n) ? n : or_else;
}

bool answer_flag(const struct remote_answer *answer, uint32_t object, const char *name)
{
    uint32_t node = answer_member(answer, object, name);

    return node != JSON_NONE && json_is_true(&answer->doc, node);
}

struct str remote_path(struct arena *a, const char *before, const char *name, const char *after)
{
    struct buf b = { .max = 8192 };

    (void)(buf_add(&b, str_c(before)) && percent_put(&b, str_c(name), false) &&
           buf_add(&b, str_c(after)));
    struct str path = arena_copy(a, buf_str(&b));

    buf_clear(&b);
    return path;
}

void remote_param(struct arena *a, struct str *path, const char *name, const char *value)
{
    bool first = memchr(path->at, '?', path->len) == NULL;

    if (value != NULL)
        *path = remote_path(
            a, arena_printf(a, "%.*s%c%s=", (int)path->len, path->at, first ? '?' : '&', name).at,
            value, "");
}

/* --- a whole command ------------------------------------------------------------------------- */

int remote_fulfil(const struct remote_wish *wish)
{
    struct remote r = { .loop = NULL };
    struct remote_answer answer = { .status = 0 };
    struct error e = { .status = OK };
    enum status st;
    bool good = true;

    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_WARN, .unix_ms = clock_unix_ms });
    st = remote_open(&r, line_data_dir(wish->line), &e);
    r.takes_text = wish->text;
    if (st == OK && wish->waits != NULL)
        terminal_progress("%s", wish->waits);
    if (st == OK)
        st = remote_call(&r, wish->method, wish->path, wish->body, &answer, &e);
    terminal_progress_end();
    if (st != OK) {
        (void)line_failed(wish->line, "%s", e.text);
    } else if (wish->text) {
        fwrite(answer.body.at, 1, answer.body.len, stdout);
    } else if (line_json(wish->line)) {
        fwrite(answer.body.at, 1, answer.body.len, stdout);
        printf("\n");
    } else {
        wish->print(&answer);
    }
    if (st == OK && wish->is_good != NULL)
        good = wish->is_good(&answer);
    remote_answer_clear(&answer);
    remote_close(&r);
    return st == OK && good ? EXIT_DONE : st == E_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
}

static void pause_over(void *peer, int64_t now_ms)
{
    (void)now_ms;
    loop_stop(peer);
}

void remote_pause(struct remote *r, int64_t ms)
{
    struct timer timer;

    timer_init(&timer, r->loop, pause_over, r->loop);
    timer_start(&timer, ms);
    loop_run(r->loop);
    timer_stop(&timer);
}
