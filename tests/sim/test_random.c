/* tests/sim/test_random.c - random days of a gateway: accounts, clients, upstreams, faults and time
 * drawn from a seed; whatever happens, the promises hold.
 *
 *     PROGRAM [COUNT]    seeds 1 to COUNT (1000); PENSTOCK_TEST_SEED plays that one alone
 *
 * Each upstream's answer says in every piece which call it belongs to, so a client can tell whether
 * what it reads is of one piece. Checked, besides what gate_end() checks:
 *   - no account is asked while it is locked out or disabled;
 *   - no account has more requests in flight than it may;
 *   - no request gets more attempts than it may;
 *   - every request whose client stayed is answered, whole, once;
 *   - a stream has one terminator or one error, last; its content is that of one call, from its
 *     beginning, and a terminator stands only behind all of it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate.h"

#define SEEDS 1000
#define SEEDS_TWICE 25 /* of them are played twice: the same seed, the same run */
#define ASKS_MAX 24
#define ROUNDS_LAST 60
#define COSTLY_MAX 5
#define CANDIDATES_MAX 64
#define MODELS 2 /* for each wire */
#define LOCK_WIRES 3

/* --- what is drawn */

struct ask { /* one request of a client */
    struct gate_client *client;
    enum wire wire;
    bool stream, json_array;
    unsigned number;
};

/* What a call gets: bytes, sent bit by bit, and what happens behind them. */
struct plan {
    struct str bytes;
    size_t sent;
    enum then { THEN_KEEP, THEN_CLOSE, THEN_RESET, THEN_SILENCE } then;
    size_t good_at;  /* so many of them are an answer to its legal end; SIZE_MAX: never */
    size_t told_at;  /* behind so many a Gemini client has that end, whatever follows; 0: never */
    struct str text; /* its content */
    unsigned ask;
};

/* How the accounts stood when the world was idle last. */
struct stand {
    bool locked, model_locked[LOCK_WIRES][MODELS];
    bool disabled;
    int64_t disabled_ms; /* since then */
    bool disturbed;      /* its network was: a call may have begun long before it arrives */
};

struct day {
    uint64_t seed;
    struct gate *g;
    struct ask asks[ASKS_MAX];
    unsigned ask_count;
    struct stand standing[GATE_ACCOUNTS_MAX];
    bool last; /* all ends now */
    char why[600];
};

static size_t below(size_t n)
{
    return (size_t)(sim_random() % n);
}

static bool one_in(size_t n)
{
    return below(n) == 0;
}

__attribute__((format(printf, 2, 3))) static void day_fail(struct day *d, const char *format, ...)
{
    va_list args;

    if (d->why[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(d->why, sizeof(d->why), format, args);
    va_end(args);
}

static struct str model_of(struct arena *a, enum wire wire, size_t which)
{
    struct str model = canned_model(wire);

    return which == 0 ? model : arena_printf(a, "%.*s-b", STR_ARG(model));
}

/* --- the gateway of the day */

static void put_settings(struct buf *b)
{
    static const char *const providers[] = { "anthropic", "openai", "gemini" };
    /* each its own: what passes over another wire is translated, and here bytes are counted */
    static const char *const models[] = { "claude-*", "gpt-*", "gemini-*" };
    static const char *const tiers[] = { "FREE", "PRO", "ULTRA" };
    size_t count = 1 + below(7);

    (void)buf_add(b, STR("{\"accounts\":["));
    for (size_t i = 0; i < count; i++) {
        size_t which = below(COUNT(providers)), most = below(4);

        (void)buf_printf(b,
                         "%s{\"label\":\"a%zu\",\"provider\":\"%s\",\"api_key\":\"key-a%zu\","
                         "\"base_url\":\"http://a%zu.test:9000%s\",\"tier\":\"%s\","
                         "\"models\":[\"%s\"]",
                         i > 0 ? "," : "", i, providers[which], i, i, which == 1 ? "/v1" : "",
                         tiers[below(COUNT(tiers))], models[which]);
        if (most > 0)
            (void)buf_printf(b, ",\"max_concurrency\":%zu", most);
        (void)buf_add(b, STR("}"));
    }
    (void)buf_printf(b,
                     "],\"proxy\":{\"scheduling\":{\"queue_wait_seconds\":%zu},"
                     "\"stream_head_after_seconds\":%zu}}",
                     below(12), 1 + below(20));
}

/* --- upstreams */

static unsigned ask_of_call(const struct gate_call *call)
{
    struct str key = STR("ask-"), number, rest;
    size_t at = str_find(call->body, key);
    uint64_t n = 0;

    assert(at != SIZE_MAX);
    (void)str_cut(str_drop(call->body, at + key.len), '.', &number, &rest);
    bool read = str_to_u64(number, &n);
    assert(read);
    return (unsigned)n;
}

/* Each chunk of the stream is an event, or some part of one. */
static void put_chunks(struct buf *b, struct str event)
{
    while (event.len > 0) {
        size_t n = one_in(3) ? 1 + below(event.len) : event.len;

        (void)buf_printf(b, "%zx\r\n", n);
        (void)(buf_add(b, str_take(event, n)) && buf_add(b, STR("\r\n")));
        event = str_drop(event, n);
    }
}

static void plan_stream(struct day *d, const struct gate_call *call, const struct canned *c,
                        struct plan *p, struct buf *b)
{
    size_t babble = one_in(6) ? 1 + below(11) : 0, spoil = SIZE_MAX;
    size_t stop = one_in(3) ? below(c->count + 1) : c->count;

    if (one_in(6))
        spoil = below(c->count);
    (void)buf_add(b, STR("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n"));
    for (size_t i = 0; i < stop; i++) {
        if (i == spoil)
            put_chunks(b, canned_error_event(&d->g->arena, call->wire,
                                             one_in(2) ? STR("overloaded_error") : STR("api_error"),
                                             STR("It broke.")));
        if (babble > 0 && one_in(3)) {
            put_chunks(b, STR("data: {\"what\": is this\n\n"));
            babble--;
        }
        put_chunks(b, c->events[i]);
        if (i == c->finish_at && call->wire == WIRE_GEMINI)
            p->told_at = b->len - 2;
        if (i == c->end_at && spoil == SIZE_MAX)
            p->good_at = b->len - 2; /* less the end of its chunk */
    }
    if (stop < c->count && one_in(2)) {
        p->then = one_in(2) ? THEN_CLOSE : THEN_RESET;
        return;
    }
    (void)buf_add(b, STR("0\r\n\r\n"));
    /* where the wire has no terminator, or is known to forget it, the end of the body will do */
    if (p->good_at == SIZE_MAX && (spoil == SIZE_MAX || spoil >= stop) && stop > c->finish_at &&
        (call->wire == WIRE_GEMINI || call->wire == WIRE_OPENAI_CHAT))
        p->good_at = b->len;
}

static void plan_refusal(struct day *d, const struct gate_call *call, struct buf *b)
{
    static const struct {
        int status;
        const char *type;
    } refusals[] = {
        { 429, "rate_limit_error" },
        { 429, "" },
        { 429, "usage_limit_reached" },
        { 402, "billing_error" },
        { 401, "" },
        { 403, "permission_error" },
        { 404, "not_found_error" },
        { 500, "" },
        { 502, "" },
        { 503, "" },
        { 504, "" },
        { 529, "overloaded_error" },
        { 400, "invalid_request_error" },
        { 302, "" },
        { 418, "" },
    };
    size_t which = below(COUNT(refusals));
    struct str body = one_in(6) ? STR("<html>no</html>")
                                : canned_error(&d->g->arena, call->wire, refusals[which].status,
                                               str_c(refusals[which].type), STR("No."));

    (void)buf_printf(b, "HTTP/1.1 %d No\r\nContent-Type: application/json\r\n",
                     refusals[which].status);
    if (one_in(2))
        (void)buf_printf(b, "Retry-After: %zu\r\n", below(40));
    (void)buf_printf(b, "Content-Length: %zu\r\n\r\n", body.len);
    (void)buf_add(b, body);
}

static void plan_whole(const struct canned *c, struct plan *p, struct buf *b)
{
    (void)buf_printf(b,
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     c->whole.len);
    (void)buf_add(b, c->whole);
    p->good_at = b->len;
}

static void plan_make(struct day *d, struct gate_call *call)
{
    struct arena *a = &d->g->arena;
    static const enum then cuts[] = { THEN_CLOSE, THEN_RESET, THEN_SILENCE };
    struct plan *p = arena_new(a, struct plan);
    struct str pieces[12];
    size_t count = 1 + below(COUNT(pieces)), padding = one_in(12) ? 30000 : below(40);
    struct canned c;
    struct buf b;

    p->ask = ask_of_call(call);
    p->good_at = SIZE_MAX;
    call->data = p;
    for (size_t i = 0; i < count; i++) {
        struct str head = arena_printf(a, "c%zu:%zu;", call->number, i);
        char *piece = arena_alloc(a, head.len + padding + 1);

        memcpy(piece, head.at, head.len);
        memset(piece + head.len, '.', padding);
        pieces[i] = (struct str){ piece, head.len + padding };
    }
    canned_answer(a, call->wire, STR("some-model"), pieces, count, &c);
    p->text = c.text;
    buf_init(&b, SIZE_MAX / 2);
    bool streams = d->asks[p->ask].stream != one_in(20); /* rarely what was not asked for */
    switch (below(8)) {
    case 0:
        plan_refusal(d, call, &b);
        break;
    case 1:
        p->then = one_in(2) ? THEN_CLOSE : THEN_RESET;
        break;
    case 2:
        p->then = THEN_SILENCE;
        break;
    default:
        if (streams)
            plan_stream(d, call, &c, p, &b);
        else
            plan_whole(&c, p, &b);
        break;
    }
    if (streams != d->asks[p->ask].stream)
        p->good_at = SIZE_MAX;
    p->bytes = arena_copy(a, buf_str(&b));
    if (p->bytes.len > 0 && one_in(8)) { /* cut anywhere */
        p->bytes.len = below(p->bytes.len);
        p->then = cuts[below(COUNT(cuts))];
    }
    buf_clear(&b);
}

static void call_go_on(struct gate_call *call, bool whole)
{
    struct plan *p = call->data;

    if (call->answered || gate_call_is_gone(call))
        return;
    struct str left = str_drop(p->bytes, p->sent);
    struct str now = str_take(left, whole || one_in(2) ? left.len : 1 + below(left.len + 1));

    sim_send(call->peer, now);
    p->sent += now.len;
    if (p->sent < p->bytes.len || (p->then == THEN_SILENCE && !whole))
        return;
    if (p->then == THEN_KEEP)
        call->answered = true;
    else
        gate_call_end(call, p->then == THEN_RESET);
}

/* A kept connection that died before it said anything is replaced within the same attempt, whatever
 * was learned of the account since that began. */
static bool is_repeat(const struct day *d, const struct gate_call *call)
{
    for (size_t i = 0; i < d->g->call_count; i++) {
        const struct gate_call *before = d->g->calls[i];
        const struct plan *p = before->data;

        if (before != call && p->ask == ask_of_call(call) && before->account == call->account &&
            before->kept && !call->kept && (before->answered || gate_call_is_gone(before)))
            return true;
    }
    return false;
}

#define PROBE_MS (INT64_C(3600) * 1000)

/* Locked out, and nobody may probe that yet. */
static bool is_kept_out(const struct day *d, const struct gate_account *a, struct str scope)
{
    struct lockout_view l;

    if (!gate_lockout(d->g, a, scope, &l))
        return false;
    if (l.until_ms == INT64_MAX)
        return sim_now() - l.since_ms < PROBE_MS;
    return l.named || sim_now() - l.since_ms < l.until_ms - sim_now();
}

/* In the middle of a turn of the world. */
static void on_call(void *peer, struct gate_call *call)
{
    struct day *d = peer;
    const struct stand *s = &d->standing[call->account - d->g->accounts];
    size_t wire = call->wire == WIRE_ANTHROPIC ? 0 : call->wire == WIRE_GEMINI ? 1 : 2;
    struct str second = model_of(&d->g->arena, call->wire, 1);
    size_t which = str_find(wire == 1 ? call->path : call->body, second) != SIZE_MAX;

    plan_make(d, call);
    if (s->disturbed || is_repeat(d, call))
        return;
    /* a success may have ended the lockout since: then it does not hold now either */
    if (s->disabled && sim_now() - s->disabled_ms < PROBE_MS)
        day_fail(d, "call %zu asks %.*s, which is disabled", call->number,
                 STR_ARG(call->account->label));
    if ((s->locked && is_kept_out(d, call->account, STR("account"))) ||
        (s->model_locked[wire][which] &&
         is_kept_out(d, call->account, model_of(&d->g->arena, call->wire, which))))
        day_fail(d, "call %zu asks %.*s, which is locked out", call->number,
                 STR_ARG(call->account->label));
}

static void look_around(struct day *d)
{
    static const enum wire wires[LOCK_WIRES] = { WIRE_ANTHROPIC, WIRE_GEMINI, WIRE_OPENAI_CHAT };

    for (size_t i = 0; i < d->g->account_count; i++) {
        struct stand *s = &d->standing[i];
        const struct gate_account *a = &d->g->accounts[i];

        if (a->concurrency_max > 0 && gate_in_flight(d->g, a) > a->concurrency_max)
            day_fail(d, "%.*s has %u requests in flight", STR_ARG(a->label),
                     gate_in_flight(d->g, a));
        if (gate_is_disabled(d->g, a) && !s->disabled)
            s->disabled_ms = sim_now();
        s->disabled = gate_is_disabled(d->g, a);
        s->locked = is_kept_out(d, a, STR("account"));
        for (size_t w = 0; w < LOCK_WIRES; w++)
            for (size_t m = 0; m < MODELS; m++)
                s->model_locked[w][m] = is_kept_out(d, a, model_of(&d->g->arena, wires[w], m));
    }
}

/* --- what happens */

static void ask_something(struct day *d)
{
    static const struct {
        enum wire wire;
        const char *path; /* `%.*s` is the model of Gemini */
        bool stream, json_array;
    } forms[] = {
        { WIRE_ANTHROPIC, "/v1/messages", false, false },
        { WIRE_ANTHROPIC, "/v1/messages", true, false },
        { WIRE_OPENAI_CHAT, "/v1/chat/completions", false, false },
        { WIRE_OPENAI_CHAT, "/v1/chat/completions", true, false },
        { WIRE_OPENAI_RESPONSES, "/v1/responses", false, false },
        { WIRE_OPENAI_RESPONSES, "/v1/responses", true, false },
        { WIRE_GEMINI, ":generateContent", false, false },
        { WIRE_GEMINI, ":streamGenerateContent?alt=sse", true, false },
        { WIRE_GEMINI, ":streamGenerateContent", true, true },
    };
    size_t f = below(COUNT(forms));
    struct arena *a = &d->g->arena;

    if (d->ask_count == ASKS_MAX)
        return;
    struct ask *q = &d->asks[d->ask_count];
    struct str model = model_of(a, forms[f].wire, below(MODELS)), path = str_c(forms[f].path);

    *q = (struct ask){ NULL, forms[f].wire, forms[f].stream, forms[f].json_array, d->ask_count++ };
    if (q->wire == WIRE_GEMINI)
        path = arena_printf(a, "/v1beta/models/%.*s%s", STR_ARG(model), forms[f].path);
    struct str body = canned_request(a, q->wire, model, q->stream && q->wire != WIRE_GEMINI,
                                     arena_printf(a, "This is ask-%u.", q->number));

    /* now and then behind another one of the same client */
    if (q->number > 0 && one_in(4)) {
        struct gate_client *before = d->asks[q->number - 1].client;

        if (!before->left && before->data == NULL && !sim_was_reset(before->peer) &&
            !sim_has_ended(before->peer))
            q->client = before;
    }
    if (q->client == NULL)
        q->client = gate_client(d->g);
    gate_send(q->client, gate_request(d->g, "POST", path, body, STR("")));
}

static void disturb_client(struct day *d)
{
    struct gate_client *c = d->ask_count > 0 ? d->asks[below(d->ask_count)].client : NULL;

    if (c == NULL || c->left)
        return;
    switch (below(6)) {
    case 0:
        gate_leave(c, false);
        break;
    case 1:
        gate_leave(c, true);
        break;
    case 2:
        sim_shut(c->peer);
        c->data = d; /* it has half left */
        break;
    default:
        c->greedy = !c->greedy;
        c->data = d; /* it may be given up for its slowness */
        sim_window(c->peer, c->greedy ? SIZE_MAX : below(5000));
        break;
    }
}

static void disturb_network(struct day *d)
{
    size_t i = below(d->g->account_count);
    struct gate_account *a = &d->g->accounts[i];

    d->standing[i].disturbed = true;
    switch (below(6)) {
    case 0:
        sim_set_reach(&a->at, SIM_REFUSED);
        break;
    case 1:
        sim_set_reach(&a->at, SIM_SILENT);
        break;
    case 2:
        sim_set_name(a->host, NULL, 0, one_in(2) ? SIM_NEVER : 0);
        break;
    default:
        sim_set_reach(&a->at, SIM_OPEN);
        sim_set_name(a->host, &a->at, 1, one_in(3) ? (int64_t)below(8000) : 0);
        break;
    }
}

static void something_happens(struct day *d)
{
    switch (below(12)) {
    case 0:
    case 1:
    case 2:
        ask_something(d);
        return;
    case 3:
        disturb_client(d);
        return;
    case 4:
        if (one_in(3))
            disturb_network(d);
        return;
    default:
        if (d->g->call_count > 0)
            call_go_on(d->g->calls[below(d->g->call_count)], false);
        return;
    }
}

static void time_passes(struct day *d)
{
    static const int64_t most_ms[] = { 1, 1, 50, 1000, 16000, 40000, 310000 };

    gate_wait(d->g, (int64_t)below((size_t)most_ms[below(COUNT(most_ms))] + 1));
}

/* Nobody is in the way any more: what was begun ends. */
static void all_ends(struct day *d)
{
    for (size_t i = 0; i < d->g->account_count; i++) {
        d->standing[i].disturbed = true;
        sim_set_reach(&d->g->accounts[i].at, SIM_OPEN);
        sim_set_name(d->g->accounts[i].host, &d->g->accounts[i].at, 1, 0);
    }
    for (unsigned i = 0; i < d->ask_count; i++) {
        struct gate_client *c = d->asks[i].client;

        c->greedy = true;
        if (!c->left)
            sim_window(c->peer, SIZE_MAX);
    }
    for (size_t round = 0; round < ROUNDS_LAST; round++) {
        for (size_t i = 0; i < d->g->call_count; i++)
            call_go_on(d->g->calls[i], true);
        gate_wait(d->g, 100 + (int64_t)below(3000));
    }
    gate_wait(d->g, 700 * 1000);
}

/* --- what must hold */

static const struct plan *plan_with_text(const struct day *d, const struct ask *q, struct str text)
{
    for (size_t i = 0; i < d->g->call_count; i++) {
        const struct plan *p = d->g->calls[i]->data;

        if (p->ask == q->number && str_starts(p->text, text) && text.len > 0)
            return p;
    }
    return NULL;
}

static void check_content(struct day *d, const struct ask *q, struct str text, bool success)
{
    const struct plan *p = plan_with_text(d, q, text);
    size_t good_at = p == NULL                                  ? 0
                     : q->wire == WIRE_GEMINI && p->told_at > 0 ? p->told_at
                                                                : p->good_at;

    if (p == NULL && text.len > 0)
        day_fail(d, "ask %u: its content is of no call of its own: %.*s", q->number, STR_ARG(text));
    else if (success && p == NULL)
        day_fail(d, "ask %u: a success without content", q->number);
    else if (success && (p->sent < good_at || text.len != p->text.len))
        day_fail(d, "ask %u: a success with %zu bytes of %zu, though %zu bytes of %zu were sent",
                 q->number, text.len, p->text.len, p->sent, good_at);
}

static void check_stream(struct day *d, const struct ask *q, const struct gate_answer *answer)
{
    struct tally t = stream_tally(&d->g->arena, q->wire, q->json_array, answer->body);

    if (t.broken != NULL)
        day_fail(d, "ask %u: the stream breaks a rule: %s: %.*s", q->number, t.broken,
                 STR_ARG(answer->body));
    if (answer->complete && (t.successes + t.errors != 1 || t.behind || t.torn))
        day_fail(d, "ask %u: the stream has %u terminators and %u errors%s%s: %.*s", q->number,
                 t.successes, t.errors, t.behind ? ", something behind them" : "",
                 t.torn ? ", and is torn" : "", STR_ARG(answer->body));
    if (!answer->complete && t.successes + t.errors > 1)
        day_fail(d, "ask %u: the stream has %u terminators and %u errors", q->number, t.successes,
                 t.errors);
    /* Gemini's end is that of the body */
    check_content(d, q, t.text, t.successes > 0 && (answer->complete || q->wire != WIRE_GEMINI));
}

static void check_answer(struct day *d, const struct ask *q, const struct gate_answer *answer)
{
    bool may_lack = q->client->left || q->client->data != NULL; /* it was disturbed */

    if (answer->bad)
        day_fail(d, "ask %u: the answer is no HTTP", q->number);
    if (!answer->complete && !may_lack)
        day_fail(d, "ask %u: it has no whole answer (%s, status %d)", q->number,
                 answer->cut ? "cut" : "open", answer->status);
    if (!answer->begun)
        return;
    if (answer->status == 200 && q->stream)
        check_stream(d, q, answer);
    else if (answer->status == 200 && answer->complete)
        check_content(d, q, whole_text(q->wire, answer->body), true);
    else if (answer->complete && str_find(answer->body, STR("\"error\"")) == SIZE_MAX)
        day_fail(d, "ask %u: a %d that says nothing: %.*s", q->number, answer->status,
                 STR_ARG(answer->body));
}

/* The answers of a connection come in the order of its requests. */
static void check_answers(struct day *d)
{
    for (unsigned i = 0; i < d->ask_count; i++) {
        struct gate_answer answer;

        gate_answer(d->asks[i].client, &answer);
        check_answer(d, &d->asks[i], &answer);
        if (answer.complete)
            gate_answer_read(d->asks[i].client, &answer);
        else if (answer.begun)
            d->asks[i].client->read = d->asks[i].client->in.len; /* the rest is of this one */
    }
}

static void check_records(struct day *d)
{
    uint64_t attempts = 0;

    for (size_t i = 0; i < d->g->record_count; i++) {
        const struct access_record *r = d->g->records[i];
        uint32_t costly = 0;

        for (uint32_t k = 0; k < r->attempts_kept; k++)
            costly += r->attempts[k].verdict != VERDICT_SUCCESS &&
                      r->attempts[k].verdict != VERDICT_CLIENT_LEFT &&
                      !verdict_is_free(r->attempts[k].verdict);
        attempts += r->attempt_count;
        if (costly > COSTLY_MAX || r->attempt_count > 2 * CANDIDATES_MAX ||
            r->attempt_count > 2 * d->g->account_count)
            day_fail(d, "a request had %u attempts, %u of them costly", r->attempt_count, costly);
        if (r->duration_ms > 4200 * 1000)
            day_fail(d, "a request took %" PRId64 " ms", r->duration_ms);
    }
    if (d->g->call_count > attempts + count_read(&d->g->worker.client_metrics.connections_stale))
        day_fail(d, "upstreams got %zu calls for %" PRIu64 " attempts", d->g->call_count, attempts);
}

/* --- a day */

static bool day_play(uint64_t seed, uint64_t *digest)
{
    struct day *d = must_calloc(1, sizeof(*d));
    struct arena a = { 0 };
    const char *wrong = NULL;
    struct buf settings;
    struct str why;

    d->seed = seed;
    sim_world_new(seed);
    buf_init(&settings, 65536);
    put_settings(&settings);
    d->g = gate_new(buf_str(&settings), &wrong);
    buf_clear(&settings);
    if (d->g == NULL) {
        fprintf(stderr, "the settings are wrong: %s\n", wrong);
        abort();
    }
    d->g->on_call = on_call;
    d->g->peer = d;
    if (one_in(3))
        sim_set_chunk(1 + below(2000));
    if (one_in(3))
        sim_set_buffers(500 + below(5000), 500 + below(5000));
    for (size_t step = 20 + below(100); step > 0; step--) {
        for (size_t n = 1 + below(3); n > 0; n--)
            something_happens(d);
        gate_run(d->g);
        look_around(d);
        if (one_in(2))
            time_passes(d);
        look_around(d);
    }
    all_ends(d);
    check_answers(d);
    check_records(d);
    if (!gate_end(d->g, digest, &why, &a))
        day_fail(d, "%.*s", STR_ARG(why));

    bool good = d->why[0] == '\0';

    if (!good)
        printf("FAILED seed %" PRIu64 ": %s\n", seed, d->why);
    arena_free(&a);
    free(d);
    return good;
}

static bool seed_play(uint64_t seed, bool twice)
{
    uint64_t first = 0, second = 0;

    if (!day_play(seed, &first) || (twice && !day_play(seed, &second)))
        return false;
    if (twice && first != second)
        printf("FAILED seed %" PRIu64 ": two runs differ\n", seed);
    return !twice || first == second;
}

int main(int argc, char **argv)
{
    const char *given = getenv("PENSTOCK_TEST_SEED");
    uint64_t from = given != NULL ? strtoull(given, NULL, 10) : 1;
    uint64_t count = given != NULL ? 1 : argc > 1 ? strtoull(argv[1], NULL, 10) : SEEDS;
    int passed = 0, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (uint64_t seed = from; seed < from + count; seed++) {
        if (seed_play(seed, given != NULL || seed <= SEEDS_TWICE))
            passed++;
        else
            failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
