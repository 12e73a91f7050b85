/* admin/admin.c - the door of the admin API, and calls on their way to the desk and back. */
#include "admin/admin_int.h"

#include <stdlib.h>

#include "base/log.h"

METRIC_TABLE(admin_metrics, ADMIN_METRICS)

#define BODY_MAX ((uint64_t)1 << 20)

/* Lives from the request's body to the desk's outcome; the request may be gone before. */
struct admin_call {
    struct admin *admin;
    struct mailbox *mailbox;
    struct request *r; /* NULL: gone. Own loop only */
    enum admin_change change;
    struct arena arena;
    struct str name;
    struct secret body; /* it may hold a key */
    bool handed;        /* to the desk */
    struct admin_outcome outcome;
};

struct admin *admin_new(const struct admin_options *options)
{
    struct admin *a = must_calloc(1, sizeof(*a));

    a->o = *options;
    a->o.token = secret_copy(secret_reveal(&options->token));
    guard_init(&a->guard);
    return a;
}

void admin_free(struct admin *a)
{
    if (a == NULL)
        return;
    secret_clear(&a->o.token);
    guard_clear(&a->guard);
    free(a);
}

const struct admin_metrics *admin_metrics_of(const struct admin *a)
{
    return &a->metrics;
}

/* --- the door ------------------------------------------------------------------------------- */

static bool is_admin(const struct admin *a, struct str authorization)
{
    return str_istarts(authorization, STR("bearer ")) && !secret_is_empty(&a->o.token) &&
           equal_in_constant_time(str_trim(str_drop(authorization, 7)), secret_reveal(&a->o.token));
}

/* False: it has been refused. Who shows nothing guesses nothing, and is not counted. */
static bool admit(struct admin *a, struct request *r)
{
    struct str shown = http_field_value(r->head, STR("authorization"));
    int64_t now_ms = loop_now(request_loop(r));
    int64_t wait_ms = shown.len > 0 ? guard_wait_ms(&a->guard, &r->peer, now_ms) : 0;

    if (wait_ms > 0) {
        count_one(&a->metrics.refused_guesses);
        admin_send_wait(r, (wait_ms + 999) / 1000);
        return false;
    }
    if (is_admin(a, shown)) {
        guard_passed(&a->guard, &r->peer);
        return true;
    }
    count_one(&a->metrics.refused_token);
    if (shown.len > 0)
        guard_failed(&a->guard, &r->peer, now_ms);
    admin_send_error(
        r, 401,
        STR("the admin API needs `Authorization: Bearer <token>` with the token of the file "
            "admin.token in the data directory"),
        STR(""));
    return false;
}

static void refuse_method(struct request *r, uint32_t methods)
{
    static const struct {
        enum http_method method;
        const char *word;
    } words[] = { { HTTP_GET, "GET" },
                  { HTTP_POST, "POST" },
                  { HTTP_PUT, "PUT" },
                  { HTTP_PATCH, "PATCH" },
                  { HTTP_DELETE, "DELETE" } };
    struct buf text;

    buf_init(&text, 256);
    (void)buf_add(&text, STR("this path takes "));
    for (size_t i = 0, n = 0; i < COUNT(words); i++)
        if (methods & 1u << words[i].method)
            (void)buf_printf(&text, "%s%s", n++ > 0 ? ", " : "", words[i].word);
    admin_send_error(r, 405, buf_str(&text), STR(""));
    buf_clear(&text);
}

static struct admin_call *call_new(struct admin *a, struct mailbox *mailbox, struct request *r,
                                   enum admin_change change, struct str name)
{
    struct admin_call *c = must_calloc(1, sizeof(*c));

    c->admin = a;
    c->mailbox = mailbox;
    c->r = r;
    c->change = change;
    c->name = arena_copy(&c->arena, name);
    return c;
}

static void call_free(struct admin_call *c)
{
    buf_clear(&c->outcome.body);
    secret_clear(&c->body);
    arena_free(&c->arena);
    free(c);
}

void admin_begin(struct admin *a, struct mailbox *mailbox, struct request *r)
{
    enum http_method method = r->head->method == HTTP_HEAD ? HTTP_GET : r->head->method;
    const struct admin_route *route;
    struct str name = STR("");
    uint32_t methods;

    count_one(&a->metrics.calls);
    if (!admit(a, r))
        return;
    route = admin_route_find(method, r->path, &name, &methods);
    if (route == NULL && methods == 0) {
        admin_send_error(r, 404, STR("no such path"), STR(""));
    } else if (route == NULL) {
        refuse_method(r, methods);
    } else if (route->answer != NULL) {
        route->answer(&(struct admin_ask){ a, r, name });
    } else if (!route->bodiless && !http_type_is(r->head->content_type, STR("application/json"))) {
        admin_send_error(r, 415, STR("Content-Type must be application/json"), STR(""));
    } else {
        r->owner = call_new(a, mailbox, r, route->change, name);
        request_read_body(r, BODY_MAX);
    }
}

void admin_body(struct admin *a, struct request *r)
{
    struct admin_call *c = r->owner;

    c->body = secret_copy(r->body);
    c->handed = true;
    a->o.desk(a->o.desk_peer, c);
}

void admin_gone(struct admin *a, struct request *r)
{
    struct admin_call *c = r->owner;

    (void)a;
    if (c == NULL)
        return;
    r->owner = NULL;
    if (!c->handed) {
        call_free(c); /* never reached the desk */
        return;
    }
    c->r = NULL; /* freed when the outcome comes */
}

/* --- the desk's side ---------------------------------------------------------------------- */

enum admin_change admin_call_change(const struct admin_call *c)
{
    return c->change;
}

struct str admin_call_name(const struct admin_call *c)
{
    return c->name;
}

struct str admin_call_body(const struct admin_call *c)
{
    return secret_reveal(&c->body);
}

static void answer_here(void *message)
{
    struct admin_call *c = message;

    if (c->r != NULL) {
        c->r->owner = NULL;
        admin_send(c->r, c->outcome.status, buf_str(&c->outcome.body));
    }
    call_free(c);
}

void admin_call_done(struct admin_call *c, struct admin_outcome *outcome)
{
    c->outcome = *outcome;
    *outcome = (struct admin_outcome){ 0 };
    if (!mailbox_send(c->mailbox, answer_here, c))
        log_error("an admin answer was lost: the worker's mailbox is full");
}
