/* admin/requests.c - GET /api/requests[/{id}]: finished requests, the newest first.
 *
 * The last ones are in memory, with how each was decided. Where they end, a list goes on with the
 * rows of usage.db, which the keeper of that file hands over (admin_row_put()): the same list, and
 * one kind of page after the other. */
#include "admin/admin_int.h"

#include <inttypes.h>

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
    put_pick(w, r, a->pick);
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

#define ROWS_LOOKED_AT_MAX 100000 /* of usage.db, for one page */
/* By so much the end of one request may lie before that of another and still be told after it:
 * workers tell theirs one after the other. */
#define SKEW_MS 500
/* What made room for others before its page was asked for is looked for in the file by its end: a
 * few that were told are told again, rather than one left out. */
#define AGAIN_MS 10

struct wanted {
    struct str model, account, session, client_key, text, ending_name, since, before;
    int64_t status, since_unix_ms, limit;
    enum ending ending;
};

/* Where a page begins. Pages name it in `next`: `m12-1795957456000`, in memory, and when that one
 * ended; or `u345`, a number of a row. */
struct place {
    uint64_t in_memory; /* above the first one; 0: what was in memory is told */
    int64_t ended_unix_ms;
    int64_t row;      /* above the first row */
    int64_t until_ms; /* what ended then or later is left out */
};

/* A page that is being made. Of the call, in its arena. */
struct admin_list {
    struct wanted q;
    struct place at;
    struct buf body;
    struct json_writer w;
    uint32_t told;
    struct access_attempt attempts[ACCESS_ATTEMPTS_MAX]; /* of a row that is looked at */
};

static bool time_read(struct str text, int64_t *unix_ms)
{
    return str_to_i64(text, unix_ms) ? *unix_ms >= 0 : date_read_rfc3339(text, unix_ms);
}

static bool place_read(struct str text, struct place *at)
{
    struct str place, ended;
    int64_t n;

    *at = (struct place){ .in_memory = UINT64_MAX, .row = INT64_MAX, .until_ms = INT64_MAX };
    if (text.len == 0)
        return true;
    if (text.at[0] == 'u') {
        at->in_memory = 0;
        return str_to_i64(str_drop(text, 1), &at->row) && at->row > 0;
    }
    if (text.at[0] != 'm')
        return time_read(text, &at->until_ms);
    if (!str_cut(str_drop(text, 1), '-', &place, &ended) || !str_to_i64(place, &n) || n <= 0)
        return false;
    at->in_memory = (uint64_t)n;
    return str_to_i64(ended, &at->ended_unix_ms);
}

static bool wanted_read(struct request *r, struct wanted *q, struct place *at)
{
    *q = (struct wanted){ .status = -1, .since_unix_ms = INT64_MIN, .limit = LIMIT_DEFAULT };
    if (!admin_param_text(r, "model", &q->model) || !admin_param_text(r, "account", &q->account) ||
        !admin_param_text(r, "session", &q->session) ||
        !admin_param_text(r, "client_key", &q->client_key) ||
        !admin_param_text(r, "text", &q->text) || !admin_param_text(r, "before", &q->before) ||
        !admin_param_text(r, "ending", &q->ending_name) ||
        !admin_param_text(r, "since", &q->since) ||
        !admin_param_number(r, "status", 0, 599, &q->status) ||
        !admin_param_number(r, "limit", 1, LIMIT_MAX, &q->limit))
        return false;
    if (q->ending_name.len > 0 && !ending_from_word(q->ending_name, &q->ending)) {
        admin_send_error(r, 400, STR("is the word of no ending"), STR("ending"));
        return false;
    }
    if (q->since.len > 0 && !time_read(q->since, &q->since_unix_ms)) {
        admin_send_error(r, 400, STR("milliseconds since 1970 or an RFC 3339 date are wanted"),
                         STR("since"));
        return false;
    }
    if (!place_read(q->before, at)) {
        admin_send_error(r, 400,
                         STR("the `next` of a page, milliseconds since 1970 or an RFC 3339 date "
                             "are wanted"),
                         STR("before"));
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

static void list_answer(struct admin_call *c, struct str next)
{
    struct admin_list *l = c->list;

    json_put_end(&l->w);
    json_put_member_or_null(&l->w, "next", next);
    json_put_end(&l->w);
    if (!json_written(&l->w)) {
        buf_clear(&l->body);
        admin_put_error(&l->body, STR("the answer is too large: ask for less of it"), STR(""));
    }
    c->outcome.status = json_written(&l->w) ? 200 : 500;
}

static int64_t ended_of(const struct access_record *r)
{
    return r->started_unix_ms + r->duration_ms;
}

/* The place is one in memory, and what is there ended when it says: else that has made room for
 * others, or was of a gateway before this one. */
static bool place_holds(struct trace_ring *ring, const struct place *at, struct arena *a)
{
    struct access_record r;
    uint64_t place = at->in_memory;

    return at->in_memory == UINT64_MAX ||
           (trace_ring_next(ring, &place, a, &r) && ended_of(&r) == at->ended_unix_ms);
}

enum listed { LISTED, LISTED_FULL, LISTED_OUT };

/* LISTED_FULL: `at` is where the next page begins. LISTED_OUT: memory ends here. LISTED: what is
 * wanted does. */
static enum listed memory_list(struct trace_ring *ring, struct admin_list *l)
{
    struct place *at = &l->at;
    struct arena scratch = { 0 };
    struct access_record r;
    enum listed done = LISTED_OUT;
    int64_t oldest_ms = INT64_MAX;

    if (ring == NULL || at->in_memory == 0)
        return LISTED_OUT;
    if (!place_holds(ring, at, &scratch)) {
        at->until_ms = at->ended_unix_ms + AGAIN_MS;
        at->in_memory = 0;
    }
    while (done == LISTED_OUT && trace_ring_next(ring, &at->in_memory, &scratch, &r)) {
        int64_t ended_ms = ended_of(&r);

        oldest_ms = ended_ms < oldest_ms ? ended_ms : oldest_ms;
        if (ended_ms < l->q.since_unix_ms) {
            done = LISTED;
        } else if (ended_ms < at->until_ms && is_wanted(&l->q, &r)) {
            if (l->told == l->q.limit) {
                at->in_memory++; /* above this one */
                at->ended_unix_ms = ended_ms;
                done = LISTED_FULL;
            } else {
                json_put_object(&l->w);
                admin_put_request(&l->w, &r);
                json_put_member_bool(&l->w, "trace", true);
                json_put_end(&l->w);
                l->told++;
            }
        }
        arena_reset(&scratch);
    }
    if (oldest_ms < at->until_ms - SKEW_MS)
        at->until_ms = oldest_ms + SKEW_MS;
    arena_free(&scratch);
    return done;
}

static void list_copy(struct admin_list *l, struct arena *a)
{
    struct str *const texts[] = { &l->q.model, &l->q.account,     &l->q.session, &l->q.client_key,
                                  &l->q.text,  &l->q.ending_name, &l->q.since,   &l->q.before };

    for (size_t i = 0; i < COUNT(texts); i++)
        *texts[i] = arena_copy(a, *texts[i]);
}

void requests_list(struct admin_call *c)
{
    struct admin_list *l = arena_new(&c->arena, struct admin_list);
    struct str next = STR("");

    if (!wanted_read(c->r, &l->q, &l->at))
        return;              /* it was told what is wrong */
    list_copy(l, &c->arena); /* the request may be gone before the answer is there */
    c->list = l;
    buf_init(&l->body, ADMIN_ANSWER_MAX);
    l->w = json_writer(&l->body);
    json_put_object(&l->w);
    json_put_key(&l->w, STR("requests"));
    json_put_array(&l->w);
    switch (memory_list(c->admin->o.traces, l)) {
    case LISTED_OUT:
        if (l->q.session.len == 0) { /* rows have none */
            admin_call_hand(c, c->change);
            return;
        }
        break;
    case LISTED_FULL:
        next =
            arena_printf(&c->arena, "m%" PRIu64 "-%" PRId64, l->at.in_memory, l->at.ended_unix_ms);
        break;
    case LISTED:
        break;
    }
    list_answer(c, next);
    buf_clear(&c->outcome.body);
    c->outcome.body = l->body;
    admin_call_answer(c);
}

/* --- rows of usage.db, on their keeper's thread */

struct usage_range admin_rows_wanted(const struct admin_call *c)
{
    const struct admin_list *l = c->list;

    return (struct usage_range){ .before = l->at.row,
                                 .until_ms = l->at.until_ms,
                                 .since_ms = l->q.since_unix_ms,
                                 .rows_max = ROWS_LOOKED_AT_MAX };
}

static struct usage usage_of(const struct usage_tokens *t)
{
    return (struct usage){ t->in, t->out, t->cache_read, t->cache_write, t->reasoning };
}

/* Rows are many, and a format is slow. */
static void text_set(char *to, size_t size, struct str text)
{
    text = str_take(text, size - 1);
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    to[text.len] = '\0';
}

/* What a row knows of a request. False: it is of words that we do not know. */
static bool record_of(const struct usage_row *row, struct access_attempt *attempts,
                      struct access_record *r)
{
    const struct usage_names *n = row->names;

    *r = (struct access_record){ .started_unix_ms = row->ended_unix_ms - row->duration_ms,
                                 .duration_ms = row->duration_ms,
                                 .first_byte_ms = row->first_byte_ms,
                                 .protocol = n->protocol,
                                 .model = n->model,
                                 .mapped_model = n->mapped,
                                 .client_key = n->key,
                                 .stream = n->stream,
                                 .status = n->status,
                                 .usage = { -1, -1, -1, -1, -1 },
                                 .attempt_count = row->attempt_count,
                                 .attempts = attempts };
    text_set(r->request_id, sizeof(r->request_id), row->request_id);
    for (uint32_t i = 0; i < row->kept && i < ACCESS_ATTEMPTS_MAX; i++) {
        const struct usage_attempt *a = &row->attempts[i];
        struct access_attempt *to = &attempts[r->attempts_kept++];

        to->number = a->number;
        to->account_id = a->who->account;
        text_set(to->label, sizeof(to->label), a->who->label);
        to->provider = a->who->provider;
        to->verdict = VERDICT_NONE;
        (void)verdict_from_word(a->who->verdict, &to->verdict);
        to->status = a->who->status;
        to->duration_ms = a->duration_ms;
        to->usage = usage_of(&a->tokens);
        r->account = a->who->label;
        r->provider = a->who->provider;
        r->usage = to->usage;
    }
    return ending_from_word(n->ending, &r->ending);
}

static void put_row_attempts(struct json_writer *w, const struct access_record *r)
{
    json_put_key(w, STR("attempts"));
    json_put_array(w);
    for (uint32_t i = 0; i < r->attempts_kept; i++) {
        const struct access_attempt *a = &r->attempts[i];

        json_put_object(w);
        json_put_member_i64(w, "number", a->number);
        json_put_member_i64(w, "account_id", a->account_id);
        json_put_member(w, "account", str_c(a->label));
        json_put_member(w, "provider", a->provider);
        json_put_member(w, "verdict", str_c(verdict_word(a->verdict)));
        json_put_member_i64(w, "status", a->status);
        json_put_member_i64(w, "duration_ms", a->duration_ms);
        put_tokens(w, &a->usage);
        json_put_end(w);
    }
    json_put_end(w);
}

bool admin_row_put(void *call, const struct usage_row *row)
{
    struct admin_call *c = call;
    struct admin_list *l = c->list;
    struct access_record r;

    if (!record_of(row, l->attempts, &r) || !is_wanted(&l->q, &r))
        return true;
    /* those that are in memory were told, with more */
    if (c->admin->o.traces != NULL &&
        trace_ring_has(c->admin->o.traces, row->request_id, row->ended_unix_ms + SKEW_MS))
        return true;
    if (l->told == l->q.limit)
        return false;
    json_put_object(&l->w);
    admin_put_request(&l->w, &r);
    json_put_member_bool(&l->w, "trace", false);
    put_row_attempts(&l->w, &r);
    json_put_end(&l->w);
    l->told++;
    return true;
}

void admin_rows_done(struct admin_call *c, int64_t next, const char *failed)
{
    struct admin_list *l = c->list;
    struct admin_outcome out;

    if (failed != NULL && l->told == 0) {
        buf_clear(&l->body);
        admin_put_error(&l->body, str_c(failed), STR(""));
        c->outcome.status = 503;
    } else if (failed != NULL) { /* what there is, and where to try again */
        list_answer(c, l->at.row < INT64_MAX ? arena_printf(&c->arena, "u%" PRId64, l->at.row)
                                             : arena_printf(&c->arena, "%" PRId64, l->at.until_ms));
    } else {
        list_answer(c, next > 0 ? arena_printf(&c->arena, "u%" PRId64, next) : STR(""));
    }
    out = (struct admin_outcome){ .status = c->outcome.status, .body = l->body };
    admin_call_done(c, &out);
}
