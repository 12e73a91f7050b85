#include "admin/admin.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/json_write.h"
#include "base/log.h"

METRIC_TABLE(admin_metrics, ADMIN_METRICS)

#define BODY_MAX ((uint64_t)1 << 20)
#define ANSWER_MAX ((size_t)16 << 20)

struct admin {
    struct admin_options o;
    struct admin_metrics metrics;
};

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
    return a;
}

void admin_free(struct admin *a)
{
    if (a == NULL)
        return;
    secret_clear(&a->o.token);
    free(a);
}

const struct admin_metrics *admin_metrics_of(const struct admin *a)
{
    return &a->metrics;
}

/* --- answers
 * --------------------------------------------------------------------------------------- */

static const struct http_field json_fields[] = {
    { { "Content-Type", 12 }, { "application/json", 16 } },
    { { "Cache-Control", 13 }, { "no-store", 8 } },
    { { "X-Content-Type-Options", 22 }, { "nosniff", 7 } },
};

static void send_json(struct request *r, int status, struct str body)
{
    response_send(r, status, json_fields, COUNT(json_fields), body);
}

void admin_put_error(struct buf *out, struct str message, struct str path)
{
    struct json_writer w = json_writer(out);

    json_put_object(&w);
    json_put_key(&w, STR("error"));
    json_put_object(&w);
    json_put_member(&w, "message", message);
    if (path.len > 0)
        json_put_member(&w, "path", path);
    json_put_end(&w);
    json_put_end(&w);
}

static void send_error(struct request *r, int status, struct str message)
{
    struct buf b;

    buf_init(&b, 4096);
    admin_put_error(&b, message, STR(""));
    send_json(r, status, buf_str(&b));
    buf_clear(&b);
}

/* --- reads
 * ----------------------------------------------------------------------------------------- */

struct account_writer {
    struct json_writer w;
    struct str wanted; /* id or label; empty: all */
    int64_t now_ms, now_unix_ms;
    bool found;
};

static bool account_is(const struct account_view *v, struct str wanted)
{
    int64_t id;

    return str_eq(str_c(v->label), wanted) || (str_to_i64(wanted, &id) && id == v->id);
}

static void put_account(void *peer, const struct account_view *v)
{
    struct account_writer *out = peer;
    struct json_writer *w = &out->w;

    if (out->wanted.len > 0 && !account_is(v, out->wanted))
        return;
    out->found = true;
    json_put_object(w);
    json_put_member_i64(w, "id", v->id);
    json_put_member(w, "label", str_c(v->label));
    json_put_member(w, "provider", str_c(v->provider));
    json_put_member(w, "tier", str_c(tier_word(v->tier)));
    json_put_member_bool(w, "disabled", v->disabled);
    json_put_member_bool(w, "proxy_disabled", v->proxy_disabled);
    json_put_member(w, "disabled_reason", str_c(v->disabled_reason));
    json_put_member(w, "declared_in", v->from_file ? STR("file") : STR("database"));
    json_put_member_i64(w, "in_flight", v->in_flight);
    json_put_member_i64(w, "max_concurrency", v->concurrency_max);
    json_put_member_i64(w, "served", (int64_t)v->served);
    json_put_member_i64(w, "failed", (int64_t)v->failed);
    json_put_key(w, STR("quota"));
    json_put_null(w); /* nothing is known before a provider has told */
    json_put_key(w, STR("lockouts"));
    json_put_array(w);
    if (v->locked_until_ms > out->now_ms) {
        json_put_object(w);
        json_put_member(w, "scope", STR("account"));
        json_put_member(w, "reason", str_c(verdict_word(v->locked_why)));
        json_put_member_i64(w, "until_unix_ms",
                            out->now_unix_ms + v->locked_until_ms - out->now_ms);
        json_put_member_i64(w, "seconds_left", (v->locked_until_ms - out->now_ms + 999) / 1000);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_member_i64(w, "groups_locked", v->groups_locked);
    json_put_end(w);
}

/* `wanted` empty: {"accounts":[…]}; else the one, or 404. */
static void get_accounts(struct admin *a, struct request *r, struct str wanted)
{
    struct buf b;

    buf_init(&b, ANSWER_MAX);
    struct account_writer out = { .w = json_writer(&b),
                                  .wanted = wanted,
                                  .now_ms = loop_now(request_loop(r)),
                                  .now_unix_ms = clock_unix_ms() };
    if (wanted.len == 0) {
        json_put_object(&out.w);
        json_put_key(&out.w, STR("accounts"));
        json_put_array(&out.w);
    }
    (void)pool_each(a->o.pool, out.now_ms, put_account, &out);
    if (wanted.len == 0) {
        json_put_end(&out.w);
        json_put_end(&out.w);
    }
    if (wanted.len > 0 && !out.found)
        send_error(r, 404, STR("no account has this id or label"));
    else
        send_json(r, 200, buf_str(&b));
    buf_clear(&b);
}

void admin_put_scheduling(struct buf *out, struct pool *pool)
{
    struct pool_options o = pool_get_options(pool);
    struct json_writer w = json_writer(out);

    json_put_object(&w);
    json_put_member(&w, "mode", str_c(pool_mode_word(o.mode)));
    json_put_member_i64(&w, "max_wait_seconds", o.max_wait_ms / 1000);
    json_put_member_i64(&w, "queue_wait_seconds", o.queue_wait_ms / 1000);
    json_put_member_bool(&w, "optimize_quota_sorting", o.optimize_quota_sorting);
    json_put_member_i64(&w, "quota_reserve_percent", o.quota_reserve_percent);
    json_put_member_null(&w, "fixed_account");
    json_put_member_i64(&w, "bindings", 0); /* accounts are taken in turns: nothing is bound */
    json_put_end(&w);
}

static void get_scheduling(struct admin *a, struct request *r)
{
    struct buf b;

    buf_init(&b, 4096);
    admin_put_scheduling(&b, a->o.pool);
    send_json(r, 200, buf_str(&b));
    buf_clear(&b);
}

static void get_status(struct admin *a, struct request *r)
{
    struct buf b;

    buf_init(&b, ANSWER_MAX);
    (void)buf_add(&b, STR("{\"name\":\"penstock\",\"version\":\"" PENSTOCK_VERSION "\""));
    (void)buf_printf(&b, ",\"active_accounts\":%u",
                     pool_active(a->o.pool, loop_now(request_loop(r))));
    a->o.status(a->o.status_peer, &b);
    (void)buf_add_char(&b, '}');
    send_json(r, 200, buf_str(&b));
    buf_clear(&b);
}

/* --- the door
 * -------------------------------------------------------------------------------------- */

static bool is_admin(const struct admin *a, const struct http_head *head)
{
    struct str value = http_field_value(head, STR("authorization"));

    return str_istarts(value, STR("bearer ")) && !secret_is_empty(&a->o.token) &&
           equal_in_constant_time(str_trim(str_drop(value, 7)), secret_reveal(&a->o.token));
}

/* What stands behind /api/accounts/; the decoded path may hold slashes in a label. */
static struct str account_name(struct str path)
{
    struct str prefix = STR("/api/accounts/");

    return str_starts(path, prefix) ? str_drop(path, prefix.len) : STR("");
}

static const struct {
    const char *path; /* "…/" stands for a name behind it */
    enum http_method method;
    enum admin_change change;
} changes[] = {
    { "/api/scheduling", HTTP_PATCH, ADMIN_SCHEDULING },
    { "/api/accounts", HTTP_POST, ADMIN_ACCOUNT_ADD },
    { "/api/accounts/", HTTP_PATCH, ADMIN_ACCOUNT_CHANGE },
    { "/api/accounts/", HTTP_DELETE, ADMIN_ACCOUNT_REMOVE },
};

static bool path_is(struct str path, struct str pattern)
{
    return str_ends(pattern, STR("/")) ? str_starts(path, pattern) && path.len > pattern.len
                                       : str_eq(path, pattern);
}

static bool find_change(const struct request *r, enum admin_change *change)
{
    for (size_t i = 0; i < COUNT(changes); i++)
        if (r->head->method == changes[i].method && path_is(r->path, str_c(changes[i].path))) {
            *change = changes[i].change;
            return true;
        }
    return false;
}

static bool is_known(struct str path)
{
    return str_eq(path, STR("/api/status")) || str_eq(path, STR("/api/scheduling")) ||
           str_eq(path, STR("/api/accounts")) || account_name(path).len > 0;
}

static bool read_now(struct admin *a, struct request *r)
{
    if (r->head->method != HTTP_GET && r->head->method != HTTP_HEAD)
        return false;
    if (str_eq(r->path, STR("/api/status")))
        get_status(a, r);
    else if (str_eq(r->path, STR("/api/scheduling")))
        get_scheduling(a, r);
    else if (str_eq(r->path, STR("/api/accounts")) || account_name(r->path).len > 0)
        get_accounts(a, r, account_name(r->path));
    else
        return false;
    return true;
}

static struct admin_call *call_new(struct admin *a, struct mailbox *mailbox, struct request *r,
                                   enum admin_change change)
{
    struct admin_call *c = must_calloc(1, sizeof(*c));

    c->admin = a;
    c->mailbox = mailbox;
    c->r = r;
    c->change = change;
    c->name = arena_copy(&c->arena, account_name(r->path));
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
    enum admin_change change;

    count_one(&a->metrics.calls);
    if (!is_admin(a, r->head)) {
        count_one(&a->metrics.refused_token);
        send_error(
            r, 401,
            STR("the admin API needs `Authorization: Bearer <token>` with the token of the file "
                "admin.token in the data directory"));
        return;
    }
    if (read_now(a, r))
        return;
    if (!find_change(r, &change)) {
        bool known = is_known(r->path);

        send_error(r, known ? 405 : 404,
                   known ? STR("this path does not take that method") : STR("no such path"));
        return;
    }
    if (change != ADMIN_ACCOUNT_REMOVE &&
        !http_type_is(r->head->content_type, STR("application/json"))) {
        send_error(r, 415, STR("Content-Type must be application/json"));
        return;
    }
    r->owner = call_new(a, mailbox, r, change);
    request_read_body(r, BODY_MAX);
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

/* --- the desk's side
 * ------------------------------------------------------------------------------- */

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
        send_json(c->r, c->outcome.status, buf_str(&c->outcome.body));
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
