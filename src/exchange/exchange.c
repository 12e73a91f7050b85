#include "exchange/exchange.h"

#include "base/log.h"
#include "exchange/exchange_int.h"
#include "exchange/live_int.h"
#include "exchange/history.h"
#include "exchange/minted.h"
#include "exchange/session.h"
#include "exchange/socket.h"
#include "io/crypto.h"

METRIC_TABLE(exchange_metrics, EXCHANGE_METRICS)

/* --- states
 * ---------------------------------------------------------------------------------------- */

#define TO(s) (1u << EXCHANGE_##s)
static const struct {
    const char *name;
    uint32_t next;
} states[EXCHANGE_STATES] = {
    [EXCHANGE_READING] = { "reading", TO(PICKING) | TO(ENDED) },
    [EXCHANGE_PICKING] = { "picking", TO(SENDING) | TO(ENDED) },
    [EXCHANGE_SENDING] = { "sending", TO(PICKING) | TO(STREAMING) | TO(ENDED) },
    [EXCHANGE_STREAMING] = { "streaming", TO(ENDED) },
    [EXCHANGE_ENDED] = { "ended", 0 },
};

void exchange_move(struct exchange *x, enum exchange_state to)
{
    assert(states[x->state].next & (1u << to));
    x->state = to;
    x->entered_ms[to] = loop_now(x->env->loop);
}

void exchange_env_init(struct exchange_env *env)
{
    arena_init(&env->scratch);
    buf_init(&env->head, (size_t)128 << 10);
    env->running = NULL;
    env->repairs = (struct repair_table){ .count = 0 };
    env->facts = (struct facts_cache){ .next = 0 };
    env->id_seed = random_u64();
    env->id_last = 0;
}

void exchange_env_clear(struct exchange_env *env)
{
    assert(env->running == NULL);
    arena_free(&env->scratch);
    buf_clear(&env->head);
}

/* --- the door
 * -------------------------------------------------------------------------------------- */

static void on_timer(void *peer, int64_t now_ms);
static bool again_allows(struct exchange_env *env, int64_t now_ms, bool use);

/* `claude-cli/2.1 (external, cli)` is `claude-cli`. */
#define PROGRAM_MAX 40
static struct str client_program(const struct request *r)
{
    struct str agent = http_field_value(r->head, STR("user-agent"));
    size_t len = 0;

    while (len < agent.len && len < PROGRAM_MAX && agent.at[len] > ' ' && agent.at[len] < 0x7f &&
           agent.at[len] != '/')
        len++;
    return str_take(agent, len);
}

static void trace_begin(const struct exchange_rules *rules, const struct request *r,
                        struct str request_id, struct trace_context *trace)
{
    if (rules->traces.on &&
        !trace_context_read(http_field_value(r->head, STR("traceparent")), trace))
        trace_context_new(request_id, rules->traces.permille, trace);
}

static struct exchange *exchange_new(struct exchange_env *env, struct request *r,
                                     const struct door_target *t, const struct client_key *key)
{
    struct exchange *x = arena_new(&r->arena, struct exchange);
    int64_t now_ms = loop_now(env->loop);

    x->env = env;
    x->rules = env->rules;
    x->rules->owner_ref(x->rules->owner);
    x->r = r;
    x->arena = &r->arena;
    x->target = *t;
    x->key = key;
    x->client = client_program(r);
    x->state = EXCHANGE_READING;
    x->entered_ms[EXCHANGE_READING] = now_ms;
    x->began_unix_ms = r->received_unix_ms + (now_ms - r->received_ms);
    x->usage = usage_unknown();
    x->first_out_ms = -1;
    x->deadline_ms = now_ms + x->rules->request_deadline_ms;
    x->id = ++env->id_last;
    reply_request_id(env, x->request_id);
    trace_begin(x->rules, r, str_c(x->request_id), &x->trace);
    timer_init(&x->timer, env->loop, on_timer, x);
    x->next = env->running;
    x->link = &env->running;
    if (x->next != NULL)
        x->next->link = &x->next;
    env->running = x;
    count_own(&env->metrics->exchanges, 1);
    count_own(&env->metrics->exchanges_running, 1);
    r->owner = x;
    return x;
}

/* Clients that nobody knows could fill log, usage and lists with what was refused them: only so
 * many a minute have a record, all are counted. */
#define STRANGERS_MINUTE 60
static bool is_told(struct exchange_env *env, enum ending ending, const struct client_key *key,
                    int64_t now_ms)
{
    if (ending != ENDING_KEY_REFUSED || key != NULL)
        return true;
    if (env->strangers.minute != now_ms / 60000) {
        env->strangers.minute = now_ms / 60000;
        env->strangers.told = 0;
    }
    if (env->strangers.told < STRANGERS_MINUTE) {
        env->strangers.told++;
        return true;
    }
    count_own(&env->metrics->refused_untold, 1);
    return false;
}

/* A request that is turned away before it becomes an exchange. One for a model has its record like
 * any other; without a model that a client names whom nobody knows. */
static void turn_away(struct exchange_env *env, struct request *r, const struct door_target *t,
                      const struct client_key *key, const struct fault *f, enum ending ending)
{
    int64_t now_ms = loop_now(env->loop);
    bool asks_model = t->endpoint == ENDPOINT_MODEL_CALL || t->endpoint == ENDPOINT_SOCKET;
    struct access_record record = {
        .protocol = wire_name(t->protocol),
        .path = r->path,
        .model = key != NULL ? t->model : STR(""),
        .client_key = key != NULL ? key->name : STR(""),
        .key_id = key != NULL ? key->id : (struct key_id){ { 0 } },
        .client = key != NULL ? client_program(r) : STR(""),
        .session = STR(""),
        .status = fault_status(t->protocol, f),
        .ending = ending,
        .phase = "door",
        .stream = t->stream,
        .counts_only = t->ask == ASK_COUNT,
        .usage = usage_unknown(),
        .beyond = { 0 },
        .started_ms = now_ms,
        .started_unix_ms = clock_unix_ms(),
        .first_byte_ms = -1,
    };

    reply_request_id(env, record.request_id);
    if (asks_model && is_told(env, ending, key, now_ms)) {
        count_own(&env->metrics->exchanges, 1);
        count_own(&env->metrics->failed, 1);
        record.exchange = ++env->id_last;
        trace_begin(env->rules, r, str_c(record.request_id), &record.trace);
        if (env->on_access != NULL)
            env->on_access(env->peer, &record);
    }
    reply_refuse_as(env, r, t, ending == ENDING_KEY_SPENT ? key : NULL, f,
                    str_c(record.request_id));
}

/* The gateway's own answers, and what is refused before an exchange is made. */
static bool answer_at_door(struct exchange_env *env, struct request *r, const struct door_target *t,
                           const struct client_key *key)
{
    switch (t->endpoint) {
    case ENDPOINT_MODEL_CALL:
        return false;
    case ENDPOINT_HEALTH:
        reply_health(env, r);
        return true;
    case ENDPOINT_HOME:
        response_send(r, 302, (struct http_field[]){ { STR("Location"), STR("/quota") } }, 1,
                      STR(""));
        return true;
    case ENDPOINT_MODELS:
    case ENDPOINT_MODEL:
        reply_models(env, r, t, key);
        return true;
    case ENDPOINT_STORED:
        history_answer(env, r, t, key);
        return true;
    case ENDPOINT_SOCKET:
        socket_begin(env, r, t);
        return true;
    case ENDPOINT_LATER:
        reply_refuse(
            env, r, t,
            &(struct fault){ .class = FAULT_UNSUPPORTED,
                             .message = STR("this endpoint is not served by this gateway yet") });
        return true;
    case ENDPOINT_NONE:
        break;
    }
    count_own(&env->metrics->refused_path, 1);
    reply_refuse(env, r, t,
                 &(struct fault){ .class = FAULT_NOT_FOUND, .message = STR("no such path") });
    return true;
}

void exchange_begin(struct exchange_env *env, struct request *r)
{
    struct door_target t;
    const struct client_key *key = NULL;
    struct fault f = { .class = FAULT_UNAVAILABLE };

    door_find(r->head, r->path, r->query, &t);
    if (r->head->method == HTTP_OPTIONS && door_cors_origin(&env->rules->door, r->head).len > 0) {
        reply_preflight(env, r);
        return;
    }
    if (env->draining && t.endpoint != ENDPOINT_HEALTH) {
        f = (struct fault){ .class = FAULT_UNAVAILABLE,
                            .message = STR("the gateway is ending"),
                            .retry_after_s = 1 };
        turn_away(env, r, &t, NULL, &f, ENDING_DRAINED);
        return;
    }
    if (t.endpoint != ENDPOINT_NONE && t.allow != NULL) {
        count_own(&env->metrics->refused_path, 1);
        f = (struct fault){ .class = FAULT_METHOD,
                            .message = STR("this path does not take that method") };
        reply_refuse(env, r, &t, &f);
        return;
    }
    if (!door_admit(&env->rules->door, r, &t, env->rules->door.keys_expire ? clock_unix_ms() : 0,
                    &key, &f)) {
        count_own(f.class == FAULT_CLIENT_KEY ? &env->metrics->refused_keys
                  : key != NULL               ? &env->metrics->refused_key_addresses
                                              : &env->metrics->refused_origin,
                  1);
        turn_away(env, r, &t, key, &f,
                  f.class == FAULT_CLIENT_KEY || key != NULL ? ENDING_KEY_REFUSED : ENDING_REFUSED);
        return;
    }
    if (exchange_is_paused(env) && t.endpoint != ENDPOINT_HEALTH && t.endpoint != ENDPOINT_HOME &&
        t.endpoint != ENDPOINT_NONE) {
        count_own(&env->metrics->refused_paused, 1);
        f = (struct fault){ .class = FAULT_UNAVAILABLE,
                            .message = STR("the gateway is paused by its operator"),
                            .retry_after_s = 10 };
        turn_away(env, r, &t, key, &f, ENDING_REFUSED);
        return;
    }
    if (answer_at_door(env, r, &t, key))
        return;
    if (!key_admit(env, key, &f)) {
        turn_away(env, r, &t, key, &f, ENDING_KEY_SPENT);
        return;
    }
    exchange_new(env, r, &t, key);
    request_read_body(r, 0);
}

/* --- the body is here
 * ------------------------------------------------------------------------------ */

static void journal_arrival(const struct exchange *x)
{
    if (x->env->journal == NULL)
        return;
    struct journal_event ev = journal_event_blank(JOURNAL_ARRIVAL);
    struct account_view home;

    ev.at_ms = loop_now(x->env->loop);
    ev.exchange = x->id;
    ev.session = x->session;
    ev.has_session = x->has_session;
    if (x->home != 0 &&
        pool_find(x->env->pool, arena_printf(&x->r->arena, "%lld", (long long)x->home), ev.at_ms,
                  &home))
        ev.home = str_c(home.label);
    ev.protocol = wire_name(x->target.protocol);
    ev.model = x->request.model;
    ev.mapped = x->mapped;
    ev.request_bytes = x->r->body.len;
    ev.tokens_estimated = (uint32_t)(x->r->body.len / 4);
    ev.stream = x->request.stream;
    walk_journal(x, &ev);
    journal_add(x->env->journal, &ev);
}

static bool read_body(struct exchange *x, struct wire_complaint *why)
{
    struct request *r = x->r;

    if (media_is(x))
        return media_read(x, why);
    return x->target.ask != ASK_GENERATE
               ? wire_read_side_request(x->target.protocol, r->body, request_body_bytes(r),
                                        x->target.model, &r->body_arena, &x->request, why)
               : wire_read_request(x->target.protocol, r->body, request_body_bytes(r),
                                   x->target.model, x->target.stream, &r->body_arena, &x->request,
                                   why);
}

static bool read_request(struct exchange *x, struct wire_complaint *why)
{
    if ((x->r->message_of != 0 && !socket_message(x, why)) || !read_body(x, why) ||
        !history_begin(x, why))
        return false;
    /* what is made shorter is all of it, whoever does it */
    return x->target.ask != ASK_COMPACT || x->history == NULL || !x->history->refers ||
           (history_put(x, why) && read_body(x, why));
}

/* A tap that knows its captured. Lives as long as the request. */
struct capture_tap {
    struct request_tap tap;
    struct captured *captured;
};

static void tap_bytes(struct request_tap *tap, const struct str *parts, size_t count)
{
    captured_answer(((struct capture_tap *)(void *)tap)->captured, parts, count);
}

static void tap_over(struct request_tap *tap)
{
    captured_over(((struct capture_tap *)(void *)tap)->captured);
}

static void capture_arrival(struct exchange *x)
{
    char session[SESSION_TEXT] = "";
    struct capture_tap *tap;

    if (x->env->capture == NULL || !capture_is_on(x->env->capture))
        return;
    if (x->has_session)
        session_key_text(&x->session, session);
    x->captured = capture_begin(x->env->capture, str_c(x->request_id), str_c(session),
                                clock_unix_ms(), x->r->body);
    if (x->captured == NULL)
        return;
    tap = arena_new(&x->r->arena, struct capture_tap);
    *tap = (struct capture_tap){ { tap_bytes, tap_over }, x->captured };
    x->r->tap = &tap->tap;
}

void exchange_body(struct request *r)
{
    struct exchange *x = r->owner;
    struct wire_complaint why = { 0 };

    if (!read_request(x, &why)) {
        reply_complaint(x, &why);
        return;
    }
    if (x->only_told) {
        socket_told(x);
        return;
    }
    x->has_session = session_key_make(r->head, &x->request, x->env->stored, &x->session);
    x->home = minted_home(x);
    x->request.model = arena_copy(&r->arena, x->request.model); /* it outlives the body */
    walk_begin(x);
    if (x->request.stream) {
        x->head_at_ms = loop_now(x->env->loop) + x->rules->stream_head_after_ms;
        x->emitter = arena_alloc_raw(&r->arena, sizeof(*x->emitter));
        emitter_init(x->emitter, &(struct emitter_options){
                                     .protocol = x->target.protocol,
                                     .json_array = x->target.json_array,
                                     .drop_usage = !x->request.wants_usage,
                                     .model = x->request.model,
                                     .event_bytes_max = x->rules->answer_bytes_max,
                                     .request_id = str_c(x->request_id),
                                     .scratch = &x->env->scratch,
                                     .sink = { reply_sink.start, reply_sink.write, x },
                                     .on_signature = minted_seen,
                                     .on_response = x->history != NULL ? history_keep : NULL,
                                     .on_limits = attempt_hear_limits,
                                 });
    }
    journal_arrival(x);
    capture_arrival(x);
    if (is_watched(x))
        live_tell_began(x);
    if (!key_begin(x))
        return;
    (void)again_allows(x->env, loop_now(x->env->loop), false);
    exchange_move(x, EXCHANGE_PICKING);
    if (x->target.ask == ASK_COUNT && (x->walk == NULL || x->walk->step_count > 0))
        counting_begin(x);
    else
        exchange_pick(x);
}

/* --- picking
 * --------------------------------------------------------------------------------------- */

static void journal_pick(const struct exchange *x, bool leased, int64_t now_ms)
{
    if (x->env->journal == NULL)
        return;
    struct journal_event ev = {
        .kind = JOURNAL_PICK,
        .at_ms = now_ms,
        .exchange = x->id,
        .account = leased ? str_c(x->attempt.lease.label) : STR(""),
        .reason = x->pick->reason,
        .retry_after_ms =
            x->pick->retry_at_ms == INT64_MAX || leased ? -1 : x->pick->retry_at_ms - now_ms,
        .attempt = x->attempt_count,
        .remaining_permille = leased ? x->pick->remaining_permille : -1,
    };

    memcpy(ev.skipped, x->pick->skipped, sizeof(ev.skipped));
    journal_add(x->env->journal, &ev);
}

struct str exchange_session_text(const struct exchange *x)
{
    char text[SESSION_TEXT];

    if (!x->has_session)
        return STR("");
    session_key_text(&x->session, text);
    return arena_copy(&x->r->arena, str_c(text));
}

static void wait_begin(struct exchange *x)
{
    if (x->waiting)
        return;
    x->waiting = true;
    count_own(&x->env->metrics->exchanges_waiting, 1);
    x->wait_link = &x->env->waiting;
    x->wait_next = x->env->waiting;
    if (x->wait_next != NULL)
        x->wait_next->wait_link = &x->wait_next;
    x->env->waiting = x;
}

static void wait_end(struct exchange *x)
{
    if (!x->waiting)
        return;
    x->waiting = false;
    count_own_less(&x->env->metrics->exchanges_waiting);
    *x->wait_link = x->wait_next;
    if (x->wait_next != NULL)
        x->wait_next->wait_link = x->wait_link;
}

/* Asks the pool; when nobody is free and waiting is worth it, takes a place in its queue. */
static bool exchange_lease(struct exchange *x, int64_t now_ms)
{
    bool leased = walk_lease(x, ASKING_LEASE, now_ms);

    if (leased || x->pick->wait_until_ms == 0)
        return leased;
    if (x->wait_since_ms == 0)
        x->wait_since_ms = now_ms;
    if (x->waiter != NULL)
        return false;
    x->waiter = arena_new(&x->r->arena, struct waiter);
    x->waiter->wake = x->env->wake;
    x->waiter->peer = x->env->peer;
    return walk_lease(x, ASKING_LEASE, now_ms);
}

/* No more accounts: the pool is asked only for what it says of those that are out, so that the
 * answer tells when to come back. */
static void exchange_stop(struct exchange *x, int64_t now_ms)
{
    struct pick_ask ask;

    walk_ask(x, ASKING_SURVEY, &ask);
    int64_t id;

    if (x->waiting)
        pool_unwait(x->env->pool, x->waiter, now_ms);
    wait_end(x);
    (void)pool_explain(x->env->pool, &ask, now_ms, &id, &x->env->asked);
    walk_keep_pick(x);
    exchange_give_up(x);
}

void exchange_pick(struct exchange *x)
{
    int64_t now_ms = loop_now(x->env->loop);

    assert(x->state == EXCHANGE_PICKING);
    x->again_at_ms = 0;
    if (x->walk != NULL && x->walk->step_count == 0) {
        x->env->asked = (struct pick){ .retry_at_ms = INT64_MAX };
        walk_keep_pick(x);
        exchange_give_up(x);
        return;
    }
    if (x->costly_count >= PICK_COSTLY_MAX || x->tried_count >= PICK_TRIED_MAX) {
        exchange_stop(x, now_ms);
        return;
    }
    bool leased = exchange_lease(x, now_ms);

    journal_pick(x, leased, now_ms);
    if (leased) {
        wait_end(x);
        x->wait_since_ms = 0;
        x->attempt.reason = x->pick->reason;
        exchange_move(x, EXCHANGE_SENDING);
        attempt_start(x);
    } else if (x->pick->wait_until_ms != 0) {
        wait_begin(x);
        x->again_at_ms = x->pick->ask_at_ms;
        exchange_schedule(x);
    } else {
        wait_end(x); /* the pool has forgotten it */
        exchange_give_up(x);
    }
}

void exchange_wake(struct exchange_env *env)
{
    struct exchange *x = env->waiting, *next;

    for (; x != NULL; x = next) {
        next = x->wait_next;
        if (atomic_load(&x->waiter->granted))
            exchange_pick(x);
    }
}

/* --- faults
 * ---------------------------------------------------------------------------------------- */

/* Second tries are a tenth of the requests of the minute, or AGAIN_MIN: a provider in trouble is
 * not asked twice by everybody. */
#define AGAIN_MIN 10
static bool again_allows(struct exchange_env *env, int64_t now_ms, bool use)
{
    if (env->again.minute != now_ms / 60000) {
        env->again.minute = now_ms / 60000;
        env->again.requests = env->again.used = 0;
    }
    if (!use) {
        env->again.requests++;
        return true;
    }
    if (env->again.used >= AGAIN_MIN && env->again.used >= env->again.requests / 10)
        return false;
    env->again.used++;
    return true;
}

/* Most exchanges need none of it. */
static void make_room(struct exchange *x)
{
    if (x->tried != NULL)
        return;
    x->tried = arena_array(&x->r->arena, int64_t, PICK_TRIED_MAX);
    x->tried_models = arena_array(&x->r->arena, struct str, PICK_TRIED_MAX);
    x->spared = arena_array(&x->r->arena, int64_t, PICK_TRIED_MAX);
    x->renewed = arena_array(&x->r->arena, int64_t, PICK_TRIED_MAX);
}

/* An access token has expired: its account is asked once more, with the next one. False: that was
 * done before, and the new one is refused, too. */
static bool renew(struct exchange *x, int64_t account)
{
    make_room(x);
    for (size_t i = 0; i < x->renewed_count; i++)
        if (x->renewed[i] == account)
            return false;
    if (x->renewed_count == PICK_TRIED_MAX)
        return false;
    x->renewed[x->renewed_count++] = account;
    return true;
}

/* May the same account be asked once more? Its cache is warm there, or nothing reached it at all,
 * which may be the connection's fault; what took its time to fail would take it again. */
#define FRESH_TRY_MS 1000
static bool spare(struct exchange *x, const struct verdict *v, int64_t account)
{
    bool quick = loop_now(x->env->loop) - x->attempt.started_ms < FRESH_TRY_MS;
    bool worth = (v->kind == VERDICT_CAPACITY && x->verdicts[VERDICT_CAPACITY] == 0) ||
                 (v->kind == VERDICT_NETWORK && v->nothing_sent && quick) || verdict_is_short(v);

    if (!worth || x->spared_count == PICK_TRIED_MAX)
        return false;
    make_room(x);
    for (size_t i = 0; i < x->spared_count; i++)
        if (x->spared[i] == account)
            return false;
    if (!again_allows(x->env, loop_now(x->env->loop), true))
        return false;
    x->spared[x->spared_count++] = account;
    return true;
}

/* Do these two name their errors with the same words? */
static bool same_words(enum wire upstream, enum wire protocol)
{
    static const enum wire family[WIRES] = {
        [WIRE_OPENAI_CHAT] = WIRE_OPENAI_CHAT, [WIRE_OPENAI_RESPONSES] = WIRE_OPENAI_CHAT,
        [WIRE_ANTHROPIC] = WIRE_ANTHROPIC,     [WIRE_GEMINI] = WIRE_GEMINI,
        [WIRE_CLOUDCODE] = WIRE_GEMINI,
    };

    return family[upstream] == family[protocol];
}

/* The provider says that the request is wrong. Its sentence is kept; its type and code only for a
 * client that knows them. */
static void client_fault(struct exchange *x, const struct verdict *v,
                         const struct judge_words *words)
{
    enum fault_class class = v->kind == VERDICT_TOO_LONG  ? FAULT_CONTEXT_TOO_LONG
                             : v->kind == VERDICT_BLOCKED ? FAULT_BLOCKED
                             : v->status == 413           ? FAULT_TOO_LARGE
                                                          : FAULT_BAD_REQUEST;
    bool has_status = v->status >= 400 && v->status < 500;
    bool known = same_words(x->attempt.wire, x->target.protocol);

    reply_fault(x,
                &(struct fault){
                    .class = class,
                    .status = has_status ? v->status : 0,
                    .message = words->message.len > 0 ? words->message
                                                      : STR("the provider refused the request"),
                    .type = known ? words->type : STR(""),
                    .code = known ? words->code : STR(""),
                    .param = known ? words->param : STR(""),
                },
                ENDING_REQUEST_WRONG);
}

void exchange_use_up(struct exchange *x, int64_t account)
{
    make_room(x);
    if (x->tried_count == PICK_TRIED_MAX)
        return;
    x->tried_models[x->tried_count] = x->mapped;
    x->tried[x->tried_count++] = account;
}

void exchange_fault(struct exchange *x, const struct verdict *judged,
                    const struct judge_words *words)
{
    struct lease_mark mark = { x->attempt.lease.account_id, x->attempt.lease.number };
    struct str provider = provider_name(x->attempt.upstream->provider);
    int64_t now_ms = loop_now(x->env->loop);
    struct verdict copy = *judged, *v = &copy;

    if (x->target.ask == ASK_COUNT) {
        counting_failed(x);
        return;
    }

    if (pictures_hold(x, v, words))
        return;
    if (v->kind == VERDICT_AUTH_EXPIRED && x->state != EXCHANGE_STREAMING &&
        !renew(x, mark.account))
        v->kind = VERDICT_AUTH_INVALID;
    bool spared = x->state != EXCHANGE_STREAMING && spare(x, v, mark.account);

    v->first_capacity = v->kind == VERDICT_CAPACITY && x->verdicts[VERDICT_CAPACITY] == 0;
    v->fresh_try = spared && v->kind == VERDICT_NETWORK;
    v->evidence = words->evidence;
    attempt_end(x, v);
    x->last = *v;
    x->words = *words;
    x->verdicts[v->kind]++;
    if (x->state == EXCHANGE_STREAMING) {
        reply_fault(x,
                    &(struct fault){ .class = v->kind == VERDICT_TIMEOUT    ? FAULT_TIMEOUT
                                              : v->kind == VERDICT_CAPACITY ? FAULT_OVERLOADED
                                                                            : FAULT_SERVER,
                                     .message = words->message.len > 0
                                                    ? words->message
                                                    : STR("the provider's answer broke off") },
                    ENDING_STREAM_CUT);
        return;
    }
    if (v->kind == VERDICT_AUTH_EXPIRED ||
        (v->kind == VERDICT_REPAIRABLE && outgoing_repair(x, words)) ||
        history_forgotten(x, words)) {
        x->again = mark.account;
        exchange_move(x, EXCHANGE_PICKING);
        exchange_pick(x);
        return;
    }
    if (!verdict_rotates(v->kind) && v->kind != VERDICT_NONE) {
        client_fault(x, v, words);
        return;
    }
    blame_learn(x, &mark, provider, v);
    /* its cache is worth a moment, and a fresh connection tells about the way to it; after a short
     * limit any free account goes first */
    x->again = spared && v->kind != VERDICT_RATE_LIMITED ? mark.account : 0;
    x->lingers = spared && v->kind == VERDICT_RATE_LIMITED;
    if (!spared)
        exchange_use_up(x, mark.account);
    exchange_move(x, EXCHANGE_PICKING);
    if (now_ms >= x->deadline_ms) {
        exchange_give_up(x);
        return;
    }
    if (v->kind == VERDICT_CAPACITY && spared) {
        /* the account has the prompt's cache: a moment of patience before it is asked again */
        x->again_at_ms = now_ms + 500 + (int64_t)(random_u64() % 1500);
        exchange_schedule(x);
        return;
    }
    exchange_pick(x);
}

/* --- time
 * ------------------------------------------------------------------------------------------ */

static int64_t sooner(int64_t a, int64_t b)
{
    return b != 0 && b < a ? b : a;
}

/* One timer serves whatever comes next. */
void exchange_schedule(struct exchange *x)
{
    /* an answer that flows is bounded by the call's own times, not by the deadline */
    int64_t now_ms = loop_now(x->env->loop);
    int64_t due_ms = x->state == EXCHANGE_STREAMING ? INT64_MAX : x->deadline_ms;

    if (x->state == EXCHANGE_PICKING)
        due_ms = sooner(due_ms, x->again_at_ms);
    if (x->emitter != NULL && !emitter_is_started(x->emitter))
        due_ms = sooner(due_ms, x->head_at_ms);
    else if (x->emitter != NULL)
        due_ms = sooner(due_ms, x->last_out_ms + x->rules->keep_alive_event_ms);
    if (due_ms == INT64_MAX)
        timer_stop(&x->timer);
    else
        timer_start(&x->timer, due_ms > now_ms ? due_ms - now_ms : 0);
}

static void on_timer(void *peer, int64_t now_ms)
{
    struct exchange *x = peer;

    if (now_ms >= x->deadline_ms && x->state != EXCHANGE_STREAMING) {
        /* an upstream that was given only what others had left of the time is not to blame */
        bool slow = now_ms - x->attempt.started_ms >= x->rules->request_deadline_ms / 2;

        if (x->attempt.running)
            attempt_end(x, &(struct verdict){ .kind = slow ? VERDICT_TIMEOUT : VERDICT_NONE,
                                              .delay_ms = -1 });
        reply_fault(
            x,
            &(struct fault){
                .class = FAULT_TIMEOUT,
                .message = STR("the request took longer than proxy.request_deadline_seconds") },
            ENDING_DEADLINE);
        return;
    }
    if (x->emitter != NULL && !emitter_is_started(x->emitter) && now_ms >= x->head_at_ms) {
        x->last_out_ms = now_ms;
        emitter_start_early(x->emitter);
    } else if (x->emitter != NULL && emitter_is_started(x->emitter) &&
               now_ms >= x->last_out_ms + x->rules->keep_alive_event_ms) {
        x->last_out_ms = now_ms;
        emitter_keep_alive(x->emitter);
    }
    if (x->state == EXCHANGE_PICKING && x->again_at_ms != 0 && now_ms >= x->again_at_ms) {
        exchange_pick(x);
        return;
    }
    exchange_schedule(x);
}

/* --- the client
 * ------------------------------------------------------------------------------------ */

void exchange_room(struct request *r)
{
    struct exchange *x = r->owner;

    if (x != NULL && x->attempt.running && x->attempt.call != NULL)
        call_pause(x->attempt.call, false);
}

void exchange_half_close(struct request *r)
{
    struct exchange *x = r->owner;

    /* a client that has gone for good answers this with a reset */
    if (x != NULL && x->emitter != NULL)
        emitter_keep_alive(x->emitter);
}

void exchange_gone(struct request *r, enum gone why)
{
    struct exchange *x = r->owner;

    if (x == NULL)
        return;
    if (why == GONE_BODY) {
        x->answered = r->body_refused;
        r->answer_id = arena_copy(&r->arena, str_c(x->request_id));
    }
    x->r = NULL;
    if (x->attempt.running)
        attempt_end(x, &(struct verdict){ .kind = VERDICT_CLIENT_LEFT, .delay_ms = -1 });
    exchange_end(x, why == GONE_DRAIN  ? ENDING_DRAINED
                    : why == GONE_BODY ? ENDING_REFUSED
                                       : ENDING_CLIENT_LEFT);
}

void exchange_end_all(struct exchange_env *env)
{
    while (env->running != NULL) {
        struct exchange *x = env->running;

        if (x->attempt.running)
            attempt_end(x, &(struct verdict){ .kind = VERDICT_NONE, .delay_ms = -1 });
        reply_fault(x,
                    &(struct fault){ .class = FAULT_UNAVAILABLE,
                                     .message = STR("the gateway is ending"),
                                     .retry_after_s = 1 },
                    ENDING_DRAINED);
    }
}

/* --- the end
 * --------------------------------------------------------------------------------------- */

static void count_ending(struct exchange *x, enum ending ending)
{
    struct exchange_metrics *m = x->env->metrics;

    count_own(ending == ENDING_COMPLETE      ? &m->completed
              : ending == ENDING_CLIENT_LEFT ? &m->left
                                             : &m->failed,
              1);
    count_own_less(&m->exchanges_running);
    if (x->usage.in > 0)
        count_own(&m->tokens_in, (uint64_t)x->usage.in);
    if (x->usage.out > 0)
        count_own(&m->tokens_out, (uint64_t)x->usage.out);
    if (x->usage.cache_read > 0)
        count_own(&m->tokens_cache_read, (uint64_t)x->usage.cache_read);
    if (x->emitter != NULL) {
        count_own(&m->events_dropped, x->emitter->events_dropped);
        if (emitter_is_started(x->emitter))
            count_own_less(&m->streams_running);
    }
}

static void journal_end(const struct exchange *x, int64_t now_ms)
{
    if (x->env->journal == NULL)
        return;
    journal_add(x->env->journal, &(struct journal_event){
                                     .kind = JOURNAL_END,
                                     .at_ms = now_ms,
                                     .exchange = x->id,
                                     .status = x->answered,
                                     .duration_ms = now_ms - x->entered_ms[EXCHANGE_READING],
                                     .tokens_in = x->usage.in,
                                     .tokens_out = x->usage.out,
                                     .tokens_cache_read = x->usage.cache_read,
                                     .tokens_cache_write = x->usage.cache_write,
                                     .tokens_reasoning = x->usage.reasoning,
                                 });
}

static bool found_nobody(const struct exchange *x, enum ending ending)
{
    return (ending == ENDING_NOBODY_FREE || ending == ENDING_UPSTREAM_FAILED) && x->pick != NULL &&
           x->pick->reason == PICK_NONE;
}

void exchange_end(struct exchange *x, enum ending ending)
{
    int64_t now_ms = loop_now(x->env->loop), start_ms = x->entered_ms[EXCHANGE_READING];
    char session[SESSION_TEXT] = "";
    struct access_record record;
    const char *phase = states[x->state].name;
    int64_t charged = key_end(x, ending);

    assert(!x->attempt.running);
    if (x->waiting)
        pool_unwait(x->env->pool, x->waiter, now_ms);
    wait_end(x);
    exchange_move(x, EXCHANGE_ENDED);
    timer_stop(&x->timer);
    count_ending(x, ending);
    journal_end(x, now_ms);
    if (x->env->on_access != NULL) {
        if (x->has_session)
            session_key_text(&x->session, session);
        record = (struct access_record){
            .exchange = x->id,
            .protocol = wire_name(x->target.protocol),
            .path = x->r != NULL ? x->r->path : STR(""),
            .model = x->request.model,
            .mapped_model = x->mapped,
            .client_key = x->key != NULL ? x->key->name : STR(""),
            .key_id = exchange_key_id(x),
            .client = x->client,
            .trace = x->trace,
            .session = str_c(session),
            .account = str_c(x->attempt.lease.label),
            .provider = x->attempt_count > 0 ? x->attempts[attempts_kept(x) - 1].provider : STR(""),
            .status = x->answered,
            .ending = ending,
            .phase = phase,
            .stream = x->request.stream,
            .counts_only = x->target.ask == ASK_COUNT,
            .usage = x->usage,
            .charged = charged,
            .beyond = x->beyond,
            .started_ms = start_ms,
            .started_unix_ms = x->began_unix_ms,
            .first_byte_ms = x->first_out_ms < 0 ? -1 : x->first_out_ms - start_ms,
            .duration_ms = now_ms - start_ms,
            .bytes_in = x->request.doc.text.len,
            .bytes_out = x->bytes_out,
            .attempt_count = x->attempt_count,
            .attempts_kept = attempts_kept(x),
            .attempts = x->attempts,
            .broke = x->broke,
            .broke_attempt = x->broke_attempt,
            .nobody = found_nobody(x, ending) ? x->pick : NULL,
        };
        memcpy(record.request_id, x->request_id, sizeof(record.request_id));
        x->env->on_access(x->env->peer, &record);
        if (x->captured != NULL)
            captured_record(x->captured, &record);
    }
    if (x->emitter != NULL)
        emitter_clear(x->emitter);
    minted_clear(x);
    history_end(x);
    buf_clear(&x->attempt.body);
    if (x->attempt.crossing != NULL)
        buf_clear(&x->attempt.crossing->made);
    *x->link = x->next;
    if (x->next != NULL)
        x->next->link = x->link;
    x->rules->owner_unref(x->rules->owner);
    if (x->r != NULL)
        x->r->owner = NULL;
}
