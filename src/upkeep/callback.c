#include "upkeep/callback.h"

#include <stdlib.h>

#include "base/secret.h"
#include "http/server.h"

#define LISTENERS_MAX 4
#define PARAM_MAX ((size_t)4096)
#define MEMORY_MAX (INT64_C(8) << 20)

struct callback {
    struct callback_options o;
    struct arena arena; /* what the options point to */
    struct listener *listeners[LISTENERS_MAX];
    size_t listener_count;
    struct server *server;
    struct server_metrics metrics;
    struct budget budget;
    _Atomic uint32_t connections;
    bool closed;
};

/* --- answers --------------------------------------------------------------------------------- */

static void send_page(struct request *r, int status, struct str text)
{
    static const struct http_field fields[] = {
        { { "Content-Type", 12 }, { "text/html; charset=utf-8", 24 } },
        { { "Cache-Control", 13 }, { "no-store", 8 } },
        { { "Content-Security-Policy", 23 }, { "default-src 'none'", 18 } },
        { { "Referrer-Policy", 15 }, { "no-referrer", 11 } },
        { { "X-Content-Type-Options", 22 }, { "nosniff", 7 } },
    };
    struct buf page = { .max = 1024 };

    (void)buf_printf(&page,
                     "<!doctype html><meta charset=\"utf-8\"><title>Penstock</title><p>%.*s</p>\n",
                     STR_ARG(text));
    response_send(r, status, fields, COUNT(fields), buf_str(&page));
    buf_clear(&page);
}

static bool parameter(const struct request *r, const char *name, char out[PARAM_MAX],
                      struct str *value)
{
    size_t len = 0;

    if (!http_query_get(r->query, str_c(name), out, PARAM_MAX, &len))
        return false;
    *value = (struct str){ out, len };
    return true;
}

static void on_return(struct callback *c, struct request *r)
{
    char state_text[PARAM_MAX], code_text[PARAM_MAX], error_text[PARAM_MAX];
    struct str state = STR(""), code = STR(""), error = STR("");
    bool known = parameter(r, "state", state_text, &state);
    bool has_code = parameter(r, "code", code_text, &code);
    bool has_error = parameter(r, "error", error_text, &error);
    enum callback_page page = known && (has_code != has_error)
                                  ? c->o.on_return(c->o.peer, state, code, error)
                                  : CALLBACK_UNKNOWN;

    wipe(code_text, sizeof(code_text));
    switch (page) {
    case CALLBACK_DONE:
        send_page(r, 200,
                  STR("You are back. Penstock goes on by itself; this page can be closed."));
        return;
    case CALLBACK_DENIED:
        send_page(r, 200,
                  STR("The provider says that access was not given. This page can be closed."));
        return;
    case CALLBACK_UNKNOWN:
        send_page(r, 400, STR("No sign-in is waiting for this. Please start again."));
        return;
    }
}

static void on_request(void *peer, struct request *r)
{
    struct callback *c = peer;
    bool here =
        str_eq(r->path, c->o.path) || (c->o.other_path.len > 0 && str_eq(r->path, c->o.other_path));

    r->owner = c;
    if (c->closed || !here || r->head->method != HTTP_GET)
        send_page(r, 400, STR("There is nothing here."));
    else
        on_return(c, r);
}

static void on_body(void *peer, struct request *r)
{
    (void)peer;
    (void)r; /* none is asked for */
}

static void on_room(void *peer, struct request *r)
{
    (void)peer;
    (void)r;
}

static void on_gone(void *peer, struct request *r, enum gone why)
{
    (void)peer;
    (void)r;
    (void)why;
}

static void on_accept(void *peer, struct accepted *a)
{
    struct callback *c = peer;

    server_accept(c->server, a);
}

/* --- life ------------------------------------------------------------------------------------ */

static void callback_free(void *peer)
{
    struct callback *c = peer;

    server_free(c->server);
    arena_free(&c->arena);
    free(c);
}

static enum status listen_all(struct callback *c, const struct callback_options *o, struct error *e)
{
    struct error first = { .status = OK };
    uint16_t port = 0;

    for (size_t i = 0; i < o->count && c->listener_count < LISTENERS_MAX; i++) {
        struct error why = { .status = OK };
        struct address at = o->at[i];

        if (at.port == 0)
            at.port = port;
        struct listener *l = listener_open(o->loop, &at, on_accept, c, &why);

        if (l == NULL) {
            if (first.status == OK || why.status == E_CONFLICT)
                first = why;
            continue;
        }
        c->listeners[c->listener_count++] = l;
        port = listener_address(l).port;
    }
    if (c->listener_count > 0 && first.status != E_CONFLICT)
        return OK;
    /* half a callback would miss the browser that takes the other address */
    *e = first;
    return first.status == OK ? E_IO : first.status;
}

enum status callback_open(const struct callback_options *options, struct callback **out,
                          struct error *e)
{
    struct callback *c = must_calloc(1, sizeof(*c));
    struct str hosts[1];

    c->o = *options;
    c->o.path = arena_copy(&c->arena, options->path);
    c->o.other_path = arena_copy(&c->arena, options->other_path);
    c->budget.max = MEMORY_MAX;
    hosts[0] = arena_copy(&c->arena, options->other_host);

    struct server_options server = { .loop = options->loop,
                                     .limits = server_limits_default,
                                     .hooks = { .on_request = on_request,
                                                .on_body = on_body,
                                                .on_room = on_room,
                                                .on_gone = on_gone,
                                                .peer = c },
                                     .budget = &c->budget,
                                     .metrics = &c->metrics,
                                     .connections = &c->connections,
                                     .hosts = hosts,
                                     .host_count = options->other_host.len > 0 };

    server.limits.connections = 16;
    c->server = server_new(&server);
    enum status st = listen_all(c, options, e);

    if (st != OK) {
        callback_close(c, 0);
        return st;
    }
    *out = c;
    return OK;
}

uint16_t callback_port(const struct callback *c)
{
    return listener_address(c->listeners[0]).port;
}

void callback_close(struct callback *c, int64_t patience_ms)
{
    if (c == NULL)
        return;
    c->closed = true;
    for (size_t i = 0; i < c->listener_count; i++)
        listener_close(c->listeners[i]);
    c->listener_count = 0;
    server_drain(c->server, patience_ms, callback_free, c);
}
