/* admin/requests.c - GET /api/requests[/{id}]: the last requests with how each was decided. */
#include "admin/admin_int.h"

#include "base/timetext.h"
#include "exchange/explain.h"
#include "exchange/trace.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

/* --- one request */

/* Unknown is null. */
static void put_count(struct json_writer *w, const char *name, int64_t n)
{
    if (n >= 0)
        json_put_member_i64(w, name, n);
    else
        json_put_member_null(w, name);
}

static void put_tokens(struct json_writer *w, const struct usage *u)
{
    json_put_key(w, STR("tokens"));
    json_put_object(w);
    put_count(w, "in", u->in);
    put_count(w, "out", u->out);
    put_count(w, "cache_read", u->cache_read);
    put_count(w, "cache_write", u->cache_write);
    put_count(w, "reasoning", u->reasoning);
    json_put_end(w);
}

void admin_put_request(struct json_writer *w, const struct access_record *r)
{
    json_put_member(w, "id", str_c(r->request_id));
    json_put_member_i64(w, "started_unix_ms", r->started_unix_ms);
    json_put_member(w, "protocol", r->protocol);
    json_put_member_bool(w, "stream", r->stream);
    json_put_member_or_null(w, "model", r->model);
    json_put_member_or_null(w, "mapped_model", r->mapped_model);
    json_put_member_or_null(w, "session", r->session);
    json_put_member_or_null(w, "client_key", r->client_key);
    json_put_member_or_null(w, "account", r->account);
    json_put_member_or_null(w, "provider", r->provider);
    json_put_member_i64(w, "status", r->status);
    json_put_member(w, "ending", str_c(ending_word(r->ending)));
    json_put_member_i64(w, "attempt_count", r->attempt_count);
    put_count(w, "first_byte_ms", r->first_byte_ms);
    json_put_member_i64(w, "duration_ms", r->duration_ms);
    put_tokens(w, &r->usage);
}

static int64_t unix_of(const struct access_record *r, int64_t loop_ms)
{
    return loop_ms - r->started_ms + r->started_unix_ms;
}

/* A moment of the loop's clock; `none` stands for an unknown one. */
static void put_moment(struct json_writer *w, const char *name, const struct access_record *r,
                       int64_t loop_ms, int64_t none)
{
    if (loop_ms == none)
        json_put_member_null(w, name);
    else
        json_put_member_i64(w, name, unix_of(r, loop_ms));
}

static void put_passed(struct json_writer *w, const struct access_record *r, const struct pick *p)
{
    uint32_t named = p->passed_count < PICK_PASSED_MAX ? p->passed_count : PICK_PASSED_MAX;

    json_put_key(w, STR("passed"));
    json_put_array(w);
    for (uint32_t i = 0; i < named; i++) {
        const struct pick_passed *who = &p->passed[i];

        json_put_object(w);
        json_put_member_i64(w, "account_id", who->id);
        json_put_member(w, "account", str_c(who->label));
        json_put_member(w, "skip", str_c(skip_word(who->why)));
        json_put_member_or_null(w, "verdict",
                                who->verdict == VERDICT_NONE ? STR("")
                                                             : str_c(verdict_word(who->verdict)));
        put_moment(w, "until_unix_ms", r, who->until_ms, 0);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_member_i64(w, "passed_more", p->passed_count - named);
}

static void put_layer(struct json_writer *w, const char *name, const struct pick_layer *l)
{
    json_put_key(w, str_c(name));
    if (l->fate == LAYER_ABSENT) {
        json_put_null(w);
        return;
    }
    json_put_object(w);
    json_put_member(w, "fate", str_c(layer_fate_word(l->fate)));
    json_put_member_i64(w, "account_id", l->id);
    json_put_member(w, "account", str_c(l->label));
    json_put_member_or_null(w, "skip", l->why == SKIP_NONE ? STR("") : str_c(skip_word(l->why)));
    json_put_end(w);
}

static void put_pick(struct json_writer *w, const struct access_record *r, const struct pick *p)
{
    json_put_member(w, "reason", str_c(pick_reason_word(p->reason)));
    json_put_member(w, "mode", str_c(pool_mode_word(p->mode)));
    put_layer(w, "fixed", &p->fixed);
    put_layer(w, "bound", &p->bound);
    put_layer(w, "recent", &p->recent);
    json_put_member_bool(w, "probe", p->probe);
    json_put_member_bool(w, "binds", p->binds);
    json_put_member(w, "tier", str_c(tier_word(p->tier)));
    put_count(w, "remaining_permille", p->remaining_permille);
    json_put_member_i64(w, "in_flight", p->in_flight);
    put_count(w, "picked_ms_ago", p->picked_ms_ago);
    json_put_key(w, STR("skipped"));
    json_put_object(w);
    for (unsigned i = 0; i < SKIPS; i++)
        if (i != SKIP_NONE && p->skipped[i] > 0)
            json_put_member_i64(w, skip_word((enum skip)i), p->skipped[i]);
    json_put_end(w);
    json_put_member_i64(w, "usable", p->skipped[SKIP_NONE]);
    put_passed(w, r, p);
    put_moment(w, "free_at_unix_ms", r, p->retry_at_ms, INT64_MAX);
}

static void put_attempt(struct json_writer *w, const struct access_record *r,
                        const struct access_attempt *a)
{
    json_put_object(w);
    json_put_member_i64(w, "number", a->number);
    json_put_member_i64(w, "account_id", a->account_id);
    json_put_member(w, "account", str_c(a->label));
    json_put_member(w, "provider", a->provider);
    json_put_key(w, STR("pick"));
    json_put_object(w);
    put_pick(w, r, &a->pick);
    json_put_end(w);
    json_put_member_i64(w, "waited_ms", a->waited_ms);
    json_put_member_i64(w, "started_unix_ms", unix_of(r, a->started_ms));
    json_put_member(w, "verdict", str_c(verdict_word(a->verdict)));
    json_put_member_i64(w, "status", a->status);
    put_count(w, "delay_ms", a->delay_ms);
    put_count(w, "first_byte_ms", a->first_byte_ms);
    json_put_member_i64(w, "duration_ms", a->duration_ms);
    put_tokens(w, &a->usage);
    json_put_key(w, STR("lockout"));
    if (a->locks.scope != NULL) {
        json_put_object(w);
        json_put_member(w, "scope", str_c(a->locks.scope));
        put_moment(w, "until_unix_ms", r, a->locks.until_ms, INT64_MAX);
        json_put_end(w);
    } else {
        json_put_null(w);
    }
    json_put_end(w);
}

static void put_line(void *peer, struct str text)
{
    json_put_str(peer, text);
}

static void put_whole(struct json_writer *w, const struct access_record *r)
{
    json_put_object(w);
    admin_put_request(w, r);
    json_put_member_or_null(w, "path", r->path);
    json_put_member(w, "phase", str_c(r->phase));
    json_put_member_i64(w, "bytes_in", (int64_t)r->bytes_in);
    json_put_member_i64(w, "bytes_out", (int64_t)r->bytes_out);
    json_put_key(w, STR("attempts"));
    json_put_array(w);
    for (uint32_t i = 0; i < r->attempts_kept; i++)
        put_attempt(w, r, &r->attempts[i]);
    json_put_end(w);
    json_put_key(w, STR("nobody_free"));
    if (r->nobody != NULL) {
        json_put_object(w);
        put_pick(w, r, r->nobody);
        json_put_end(w);
    } else {
        json_put_null(w);
    }
    json_put_key(w, STR("explanation"));
    json_put_array(w);
    access_explain(r, put_line, w);
    json_put_end(w);
    json_put_end(w);
}

void request_get(const struct admin_ask *a)
{
    struct trace_ring *traces = a->admin->o.traces;
    struct access_record r;
    uint64_t place = UINT64_MAX;
    struct buf b;
    bool found = traces != NULL && (str_eq(a->name, STR("last"))
                                        ? trace_ring_next(traces, &place, &a->r->arena, &r)
                                        : trace_ring_find(traces, a->name, &a->r->arena, &r));

    if (!found) {
        admin_send_error(a->r, 404,
                         STR("no trace of such a request: it is unknown, still running, or older "
                             "than what is kept"),
                         STR(""));
        return;
    }
    buf_init(&b, ADMIN_ANSWER_MAX);
    struct json_writer w = json_writer(&b);

    put_whole(&w, &r);
    admin_send_written(a->r, &w);
}

/* --- many */

struct wanted {
    struct str model, account, session, client_key, text, ending_name, since_text;
    int64_t status, since_unix_ms, limit;
    int64_t before; /* the `next` of the page before; 0: from the newest on */
    enum ending ending;
};

static bool wanted_read(struct request *r, struct wanted *q)
{
    if (!admin_param_text(r, "model", &q->model) || !admin_param_text(r, "account", &q->account) ||
        !admin_param_text(r, "session", &q->session) ||
        !admin_param_text(r, "client_key", &q->client_key) ||
        !admin_param_text(r, "text", &q->text) ||
        !admin_param_number(r, "before", 0, INT64_MAX, &q->before) ||
        !admin_param_text(r, "ending", &q->ending_name) ||
        !admin_param_text(r, "since", &q->since_text) ||
        !admin_param_number(r, "status", 0, 599, &q->status) ||
        !admin_param_number(r, "limit", 1, LIMIT_MAX, &q->limit))
        return false;
    if (q->ending_name.len > 0 && !ending_from_word(q->ending_name, &q->ending)) {
        admin_send_error(r, 400, STR("is the word of no ending"), STR("ending"));
        return false;
    }
    if (q->since_text.len > 0 && !str_to_i64(q->since_text, &q->since_unix_ms) &&
        !date_read_rfc3339(q->since_text, &q->since_unix_ms)) {
        admin_send_error(r, 400, STR("milliseconds since 1970 or an RFC 3339 date are wanted"),
                         STR("since"));
        return false;
    }
    return true;
}

static bool was_asked(const struct access_record *r, struct str account)
{
    int64_t id;
    bool is_id = str_to_i64(account, &id);

    if (str_eq(r->account, account))
        return true;
    for (uint32_t i = 0; i < r->attempts_kept; i++)
        if (str_eq(str_c(r->attempts[i].label), account) ||
            (is_id && r->attempts[i].account_id == id))
            return true;
    return false;
}

/* Does any of its texts hold this, whatever the case? */
static bool holds(const struct access_record *r, struct str text)
{
    const struct str texts[] = { str_c(r->request_id), r->model,    r->mapped_model,
                                 r->account,           r->provider, r->client_key,
                                 r->session,           r->path,     str_c(ending_word(r->ending)) };

    for (size_t i = 0; i < COUNT(texts); i++)
        if (str_ifind(texts[i], text) != SIZE_MAX)
            return true;
    for (uint32_t i = 0; i < r->attempts_kept; i++)
        if (str_ifind(str_c(r->attempts[i].label), text) != SIZE_MAX ||
            str_ifind(str_c(verdict_word(r->attempts[i].verdict)), text) != SIZE_MAX)
            return true;
    return false;
}

static bool is_wanted(const struct wanted *q, const struct access_record *r)
{
    if (q->model.len > 0 && !str_matches(r->model, q->model) &&
        !str_matches(r->mapped_model, q->model))
        return false;
    if (q->account.len > 0 && !was_asked(r, q->account))
        return false;
    if (q->session.len > 0 && !str_eq(r->session, q->session))
        return false;
    if (q->client_key.len > 0 && !str_eq(r->client_key, q->client_key))
        return false;
    if (q->text.len > 0 && !holds(r, q->text))
        return false;
    if (q->ending_name.len > 0 && r->ending != q->ending)
        return false;
    return q->status < 0 || r->status == q->status;
}

void requests_get(const struct admin_ask *a)
{
    struct wanted q = { .status = -1, .since_unix_ms = INT64_MIN, .limit = LIMIT_DEFAULT };
    struct arena scratch = { 0 };
    struct access_record r;
    uint64_t place;
    bool more = false;
    struct buf b;

    if (!wanted_read(a->r, &q))
        return;
    place = q.before > 0 ? (uint64_t)q.before : UINT64_MAX;
    buf_init(&b, ADMIN_ANSWER_MAX);
    struct json_writer w = json_writer(&b);

    json_put_object(&w);
    json_put_key(&w, STR("requests"));
    json_put_array(&w);
    while (a->admin->o.traces != NULL &&
           trace_ring_next(a->admin->o.traces, &place, &scratch, &r)) {
        /* by the end of a request, which is the order here */
        if (r.started_unix_ms + r.duration_ms < q.since_unix_ms)
            break;
        if (is_wanted(&q, &r)) {
            more = q.limit == 0;
            if (more)
                break;
            json_put_object(&w);
            admin_put_request(&w, &r);
            json_put_end(&w);
            q.limit--;
        }
        arena_reset(&scratch);
    }
    json_put_end(&w);
    if (more)
        json_put_member_i64(&w, "next", (int64_t)place + 1); /* the page begins with this one */
    else
        json_put_member_null(&w, "next");
    json_put_end(&w);
    arena_free(&scratch);
    admin_send_written(a->r, &w);
}
