/* admin/admin.c - the door of the admin API, and calls on their way to the desk and back. */
#include "admin/admin_int.h"

#include <stdlib.h>

#include "admin/assets.h"
#include "admin/events.h"
#include "base/log.h"

METRIC_TABLE(admin_metrics, ADMIN_METRICS)

#define BODY_MAX ((uint64_t)1 << 20)

struct admin *admin_new(const struct admin_options *options)
{
    struct admin *a = must_calloc(1, sizeof(*a));

    a->o = *options;
    a->o.token = secret_copy(secret_reveal(&options->token));
    guard_init(&a->guard);
    logins_init(&a->logins);
    masks_init(&a->masks, options->pool);
    a->events = events_new(a);
    return a;
}

void admin_set_rules(struct admin *a, const struct exchange_rules *rules)
{
    masks_set_rules(&a->masks, rules);
}

bool admin_key_needed(struct admin *a)
{
    pthread_mutex_lock(&a->masks.lock);
    const struct exchange_rules *rules = a->masks.rules;
    bool needed = rules != NULL && (rules->door.require_keys || rules->door.key_count > 0);

    pthread_mutex_unlock(&a->masks.lock);
    return needed;
}

void admin_free(struct admin *a)
{
    if (a == NULL)
        return;
    secret_clear(&a->o.token);
    guard_clear(&a->guard);
    logins_clear(&a->logins);
    masks_clear(&a->masks);
    events_free(a->events);
    free(a);
}

bool admin_serve_at(struct admin *a, const struct address *at)
{
    if (a->address_count == ADMIN_ADDRESSES_MAX)
        return false;
    a->addresses[a->address_count++] = *at;
    return true;
}

const struct admin_metrics *admin_metrics_of(const struct admin *a)
{
    return &a->metrics;
}

/* --- the door ------------------------------------------------------------------------------- */

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
    struct buf allowed;

    buf_init(&allowed, 256);
    for (size_t i = 0; i < COUNT(words); i++)
        if (methods & 1u << words[i].method)
            (void)buf_printf(&allowed, "%s%s", allowed.len > 0 ? ", " : "", words[i].word);
    admin_send_allowed(r, buf_str(&allowed));
    buf_clear(&allowed);
}

static struct admin_call *call_new(struct admin *a, struct mailbox *mailbox, struct request *r,
                                   const struct admin_route *route, struct str name,
                                   const struct admin_caller *caller)
{
    struct admin_call *c = must_calloc(1, sizeof(*c));

    c->admin = a;
    c->mailbox = mailbox;
    c->r = r;
    c->route = route;
    c->change = route->change;
    c->caller = *caller;
    c->peer = r->peer;
    c->name = arena_copy(&c->arena, name);
    c->query = arena_copy(&c->arena, admin_unmasked_query(r));
    c->if_match = arena_copy(&c->arena, http_field_value(r->head, STR("if-match")));
    return c;
}

static void call_free(struct admin_call *c)
{
    if (c->outcome.body.cap > 0)
        wipe(c->outcome.body.at, c->outcome.body.cap); /* a new client key may be in it */
    buf_clear(&c->outcome.body);
    secret_clear(&c->body);
    arena_free(&c->arena);
    wipe(c, sizeof(*c));
    free(c);
}

bool admin_takes(struct str path)
{
    return str_starts(path, STR("/api/")) || str_eq(path, STR("/api")) ||
           str_eq(path, STR("/metrics")) || assets_has(path);
}

void admin_begin(struct admin *a, struct mailbox *mailbox, struct request *r)
{
    enum http_method method = r->head->method == HTTP_HEAD ? HTTP_GET : r->head->method;
    const struct admin_route *route;
    struct admin_caller caller;
    struct admin_visit *visit = arena_new(&r->arena, struct admin_visit);
    struct str name = STR("");
    uint32_t methods;

    visit->admin = a;
    visit->mailbox = mailbox;
    r->owner = visit;
    count_one(&a->metrics.calls);
    if (!access_is_served(a, r)) {
        count_one(&a->metrics.refused_listener);
        admin_send_error(r, 403,
                         STR("the dashboard is not served at this address: set a password "
                             "(`penstock password set`), or name the address in `admin_listen`"),
                         STR(""));
        return;
    }
    /* a page's address gives its data to who asks for JSON */
    if (!(assets_is_page(r->path) && assets_wants_json(r)) && assets_answer(r))
        return;
    route = admin_route_find(method, r->path, &name, &methods);
    if (!access_admit(a, r, route, &caller))
        return;
    if (route == NULL && methods == 0) {
        admin_send_error(r, 404, STR("no such path"), STR(""));
    } else if (route == NULL) {
        refuse_method(r, methods);
    } else if (route->answer != NULL) {
        route->answer(&(struct admin_ask){ a, r, admin_unmasked(r, name), &caller });
    } else if (!route->bodiless && !http_type_is(r->head->content_type, STR("application/json"))) {
        admin_send_error(r, 415, STR("Content-Type must be application/json"), STR(""));
    } else {
        visit->call = call_new(a, mailbox, r, route, admin_unmasked(r, name), &caller);
        request_read_body(r, BODY_MAX);
    }
}

void admin_body(struct admin *a, struct request *r)
{
    struct admin_visit *visit = r->owner;
    struct admin_call *c = visit->call;
    struct str body = r->body;
    bool left = false;

    if (admin_masks(a))
        body = mask_undo_json(&a->masks, body, &c->arena, &left);
    c->body = secret_copy(body);
    if (body.at != r->body.at)
        wipe((char *)(uintptr_t)body.at, body.len); /* it may hold a key */
    if (left) {
        buf_init(&c->outcome.body, ADMIN_ANSWER_MAX);
        admin_call_fail(c, 400,
                        STR("a mask in it stands for no name that is known: switch "
                            "`dashboard.privacy` off to change this"),
                        STR(""));
        return;
    }
    if (c->route->act == NULL) {
        admin_call_hand(c, c->change);
        return;
    }
    buf_init(&c->outcome.body, ADMIN_ANSWER_MAX);
    c->route->act(c);
}

void admin_half_close(struct request *r)
{
    struct admin_visit *visit = r->owner;

    if (visit->watcher != NULL)
        watcher_half_close(visit->watcher);
}

void admin_gone(struct admin *a, struct request *r)
{
    struct admin_visit *visit = r->owner;
    struct admin_call *c = visit->call;

    (void)a;
    if (visit->watcher != NULL)
        watcher_gone(visit->watcher);
    if (c == NULL)
        return;
    if (!c->handed)
        call_free(c); /* never reached the desk */
    else
        c->r = NULL; /* freed when the outcome comes */
}

/* --- changes ------------------------------------------------------------------------------ */

void admin_call_answer(struct admin_call *c)
{
    struct request *r = c->r;

    if (r != NULL) {
        ((struct admin_visit *)r->owner)->call = NULL;
        if (c->wait_s > 0)
            admin_send_wait(r, c->wait_s);
        else if (c->outcome.type != NULL)
            admin_send_as(r, c->outcome.status, c->outcome.type, buf_str(&c->outcome.body));
        else
            admin_send_cookie(r, c->outcome.status, buf_str(&c->outcome.body), c->cookie);
    }
    call_free(c);
}

void admin_call_fail(struct admin_call *c, int status, struct str message, struct str path)
{
    c->outcome.status = status;
    c->outcome.body.len = 0;
    admin_put_error(&c->outcome.body, message, path);
    admin_call_answer(c);
}

void admin_call_hand(struct admin_call *c, enum admin_change change)
{
    c->change = change;
    c->handed = true;
    buf_clear(&c->outcome.body);
    c->admin->o.desk(c->admin->o.desk_peer, c);
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

struct str admin_call_if_match(const struct admin_call *c)
{
    return c->if_match;
}

struct str admin_call_query(const struct admin_call *c)
{
    return c->query;
}

bool admin_call_by_token(const struct admin_call *c)
{
    return c->caller.who == ADMIN_TOOL;
}

static void answer_here(void *message)
{
    struct admin_call *c = message;

    if (c->change == ADMIN_LOGIN || c->change == ADMIN_PASSWORD)
        session_checked(c);
    admin_call_answer(c);
}

void admin_call_done(struct admin_call *c, struct admin_outcome *outcome)
{
    c->outcome = *outcome;
    *outcome = (struct admin_outcome){ 0 };
    if (!mailbox_send(c->mailbox, answer_here, c))
        log_error("an admin answer was lost: the worker's mailbox is full");
}
