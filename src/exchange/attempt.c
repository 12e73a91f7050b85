/* exchange/attempt.c - one try: the upstream call of one lease, from its head to its verdict. */
#include "exchange/exchange_int.h"
#include "exchange/live_int.h"
#include "exchange/history.h"
#include "exchange/minted.h"

#include "base/log.h"
#include "provider/quota.h"

/* --- judging
 * --------------------------------------------------------------------------------------- */

static void attempt_send(struct exchange *x);

/* The provider has another address, and this one is broken, or has nothing there: it is asked there
 * before the account is blamed. Only while nothing of an answer has come. */
static bool goes_elsewhere(const struct exchange *x, const struct judge_ask *ask)
{
    const struct attempt *a = &x->attempt;

    if (a->upstream->next == NULL || x->state != EXCHANGE_SENDING ||
        loop_now(x->env->loop) >= x->deadline_ms)
        return false;
    if (a->mode == ATTEMPT_WAITING)
        return ask->fault != NULL;
    return a->mode == ATTEMPT_FAULT && (a->status >= 500 || a->status == 404 || a->status == 408);
}

static void go_elsewhere(struct exchange *x)
{
    struct attempt *a = &x->attempt;

    log_debug("the next address of the provider is asked", F_C("request", x->request_id),
              F_STR("host", a->upstream->next->origin.authority), F_INT("status", a->status));
    assert(a->call == NULL);
    buf_clear(&a->body);
    a->upstream = a->upstream->next;
    a->mode = ATTEMPT_WAITING;
    a->status = 0;
    a->first_byte_ms = -1;
    a->fault_head = NULL;
    attempt_send(x);
}

/* The client has a part of an answer that its provider cut up, and the next request for it failed
 * before anything of it came: what there is ends as cut by a limit. (A turn that was paused in the
 * middle of the provider's own tools has no such end: that is a failure.) */
static bool ends_at_pause(struct exchange *x, const struct verdict *v)
{
    const struct attempt *a = &x->attempt;
    struct request *r = x->r;

    if (!a->goes_on || x->state != EXCHANGE_STREAMING ||
        (a->mode != ATTEMPT_WAITING && a->mode != ATTEMPT_FAULT) || !emitter_end_paused(x->emitter))
        return false;
    attempt_end(x, v);
    exchange_end(x, ENDING_COMPLETE);
    response_end(r);
    return true;
}

static void judged(struct exchange *x, const struct judge_ask *given)
{
    struct judge_ask ask = *given;
    struct judge_words words = { 0 };

    if (goes_elsewhere(x, given)) {
        go_elsewhere(x);
        return;
    }
    ask.wire = x->attempt.wire;
    ask.refreshable = x->attempt.upstream->renews;
    ask.unix_ms = clock_unix_ms();
    struct verdict v = provider_judge(x->attempt.upstream->provider, &ask, &x->r->arena, &words);
    if (v.kind == VERDICT_SUCCESS) /* a 2xx that is no answer of this wire */
        v = (struct verdict){
            .kind = VERDICT_SERVER_ERROR, .status = ask.status, .delay_ms = -1, .cut = true
        };

    /* a server that speaks Responses need not have this path: its 404 says nothing of the model */
    if (v.kind == VERDICT_MODEL_MISSING && x->target.ask == ASK_COMPACT)
        x->attempt.lease.side = true;

    log_debug("attempt failed", F_C("request", x->request_id),
              F_C("account", x->attempt.lease.label), F_C("verdict", verdict_word(v.kind)),
              F_INT("status", v.status), F_INT("delay_ms", v.delay_ms),
              F_C("why", ask.fault != NULL ? ask.fault->text : verdict_text(v.kind)));
    if (ask.fault != NULL) {
        x->broke = words.evidence;
        x->broke_attempt = x->attempt_count;
    }
    if (ends_at_pause(x, &v))
        return;
    exchange_fault(x, &v, &words);
}

void attempt_cut(struct exchange *x)
{
    judged(x, &(struct judge_ask){ .status = x->attempt.status, .stream_cut = true });
}

void attempt_refused_inside(struct exchange *x)
{
    judged(x, &(struct judge_ask){ .status = x->attempt.status, .body = x->attempt.answer });
}

/* --- the answer arrives
 * ---------------------------------------------------------------------------- */

struct http_head *attempt_head_copy(struct exchange *x, const struct http_head *head)
{
    struct http_head *copy = arena_new(&x->r->arena, struct http_head);

    *copy = *head;
    for (uint32_t i = 0; i < head->field_count; i++) {
        copy->fields[i].name = arena_copy(&x->r->arena, head->fields[i].name);
        copy->fields[i].value = arena_copy(&x->r->arena, head->fields[i].value);
    }
    copy->content_type = arena_copy(&x->r->arena, head->content_type);
    return copy;
}

/* A whole answer is to be made of a stream in another protocol. */
static void collect(struct exchange *x)
{
    struct crossing *c = x->attempt.crossing;

    buf_init(&c->made, x->rules->answer_bytes_max);
    c->collector = arena_alloc_raw(&x->r->arena, sizeof(*c->collector));
    emitter_init(c->collector, &(struct emitter_options){
                                   .protocol = x->target.protocol,
                                   .whole = &c->made,
                                   .model = x->request.model,
                                   .event_bytes_max = x->rules->answer_bytes_max,
                                   .request_id = str_c(x->request_id),
                                   .scratch = &x->env->scratch,
                                   .sink = { .peer = x },
                                   .on_limits = attempt_hear_limits,
                               });
    emitter_translate(c->collector, x->attempt.wire, &c->encode, &c->asked);
}

/* For lease_return(). */
static void keep_said(struct exchange *x, const struct quota_said *said, struct str group)
{
    struct quota_said *kept = arena_new(&x->r->arena, struct quota_said);

    *kept = *said;
    x->attempt.lease.said = kept;
    x->attempt.lease.said_group = group;
}

/* What is left of the account's allowance stands in the head of each answer, where the provider
 * says it at all. */
static void hear_quota(struct exchange *x, const struct http_head *head)
{
    int64_t now_ms = x->attempt.first_byte_ms;
    struct moment now = { now_ms, x->began_unix_ms + (now_ms - x->entered_ms[EXCHANGE_READING]) };
    struct quota_said said;

    if (x->target.ask != ASK_COUNT && quota_from_head(x->attempt.upstream, head, &now, &said))
        keep_said(x, &said, quota_head_group(x->attempt.upstream));
}

void attempt_hear_limits(void *exchange, struct str data)
{
    struct exchange *x = exchange;
    struct moment now = { loop_now(x->env->loop), clock_unix_ms() };
    struct quota_said said;

    if (quota_from_event(x->attempt.upstream, data, &x->r->arena, &now, &said))
        keep_said(x, &said, STR(""));
}

static void on_head(void *peer, const struct http_head *head)
{
    struct exchange *x = peer;
    struct attempt *a = &x->attempt;
    bool good = head->status >= 200 && head->status < 300;
    /* who was asked for a stream and does not say what this is sends one */
    bool events = http_type_is(head->content_type, STR("text/event-stream")) ||
                  (head->content_type.len == 0 && a->stream);

    a->status = head->status;
    a->first_byte_ms = loop_now(x->env->loop);
    hear_quota(x, head);
    if (media_is(x))
        x->media_answer_type =
            pictures_are(x) ? pictures_type(x) : arena_copy(&x->r->arena, head->content_type);
    if (good && events && media_is(x)) {
        a->mode = ATTEMPT_PASS;
    } else if (good && events && x->request.stream) {
        a->mode = ATTEMPT_STREAM;
    } else if (good && events && a->translates) {
        a->mode = ATTEMPT_COLLECT;
        if (!a->goes_on)
            collect(x);
    } else if (good && !events && (a->translates || !x->request.stream)) {
        a->mode = ATTEMPT_BODY;
        a->answer = STR("");
        buf_init(&a->body, x->rules->answer_bytes_max);
    } else {
        a->mode = ATTEMPT_FAULT;
        buf_init(&a->body, FAULT_BODY_MAX);
        a->fault_head = attempt_head_copy(x, head);
        return;
    }
    reply_collect_fields(x, head);
}

static void on_end(void *peer);

/* The provider paused the turn that `e` gets: the same account is asked to go on with it. */
static void go_on(struct exchange *x, struct emitter *e)
{
    struct attempt *a = &x->attempt;

    if (loop_now(x->env->loop) >= x->deadline_ms || !outgoing_go_on(x, e)) {
        attempt_cut(x);
        return;
    }
    log_debug("a paused turn is gone on with", F_C("request", x->request_id),
              F_C("account", a->lease.label));
    assert(a->call == NULL);
    buf_clear(&a->body);
    a->goes_on = true;
    a->mode = ATTEMPT_WAITING;
    a->status = 0;
    a->fault_head = NULL;
    attempt_send(x);
}

/* The client may go on from a response by its id. */
static void note_response(struct exchange *x, struct str id)
{
    if (x->env->stored != NULL && x->has_session && id.len > 0)
        stored_add(x->env->stored, id, &x->session);
}

/* `e` is the client's emitter, or the collector. */
static void fed(struct exchange *x, const struct emitter *e, enum emitter_fed result)
{
    switch (result) {
    case EMITTER_FED:
        break;
    case EMITTER_FULL:
        call_pause(x->attempt.call, true);
        break;
    case EMITTER_PAUSED: /* what is left of the body is framing */
        call_cancel(x->attempt.call);
        on_end(x);
        break;
    case EMITTER_ERROR:
        judged(x, &(struct judge_ask){ .status = x->attempt.status, .body = buf_str(&e->error) });
        break;
    case EMITTER_BROKEN:
        attempt_cut(x);
        break;
    case EMITTER_DONE:
        note_response(x, emitter_response_id(e));
        /* the client has it all; what is left of the upstream's body is framing, unless the end
         * was ours */
        if (emitter_cut_short(e)) {
            call_cancel(x->attempt.call);
            on_end(x);
        }
        break;
    }
}

/* Nobody else will be asked now, so a long stream need not keep what it was asked for, once that is
 * sent. */
static void drop_request_body(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct wire_request *q = &x->request;

    if (a->call == NULL || !call_is_sent(a->call))
        return;
    outgoing_clear(x);
    if (x->history != NULL && (x->history->keeps || x->history->keeps_here))
        return; /* its input is kept with the answer */
    if (a->translates && !translator_settle(x->emitter->translator, x->arena))
        return;
    a->crossing = NULL;
    a->parts = NULL;
    x->canon = NULL;
    x->lines = STR("");
    *q = (struct wire_request){
        .protocol = q->protocol,
        .doc = { .text = { NULL, q->doc.text.len } }, /* its length is told in the end */
        .model = q->model,
        .stream = q->stream,
        .wants_usage = q->wants_usage,
        .stream_options = JSON_NONE,
    };
    request_drop_body(x->r);
}

static void note_content(struct exchange *x, int64_t now_ms)
{
    x->first_out_ms = now_ms;
    if (is_watched(x))
        live_tell_content(x);
}

/* After each feed: has content reached the client, and when did anything last? */
static void note_progress(struct exchange *x)
{
    int64_t now_ms = loop_now(x->env->loop);

    if (x->emitter->bytes_out != x->bytes_out) {
        if (x->first_out_ms < 0 && emitter_has_content(x->emitter))
            note_content(x, now_ms); /* keep-alives and what is held back do not count */
        x->bytes_out = x->emitter->bytes_out;
        x->last_out_ms = now_ms;
    }
    if (x->state == EXCHANGE_SENDING && emitter_has_content(x->emitter)) {
        exchange_move(x, EXCHANGE_STREAMING);
        drop_request_body(x);
    }
}

static void on_data(void *peer, struct str bytes)
{
    struct exchange *x = peer;
    struct attempt *a = &x->attempt;

    switch (a->mode) {
    case ATTEMPT_STREAM: {
        enum emitter_fed result = emitter_feed(x->emitter, bytes);

        note_progress(x);
        fed(x, x->emitter, result);
        return;
    }
    case ATTEMPT_COLLECT:
        fed(x, a->crossing->collector, emitter_feed(a->crossing->collector, bytes));
        return;
    case ATTEMPT_PASS:
        media_stream(x, bytes);
        return;
    case ATTEMPT_BODY:
        if (a->body.len == 0 && bytes.len <= a->body.max && call_is_all(a->call))
            a->answer = bytes;
        else if (!buf_add(&a->body, bytes))
            judged(x, &(struct judge_ask){
                          .fault = &(struct call_fault){
                              .cause = CALL_TOO_LARGE,
                              .sent = true,
                              .head_seen = true,
                              .text = "the answer is larger than limits.answer_bytes" } });
        return;
    case ATTEMPT_FAULT:
        (void)buf_add(&a->body, str_take(bytes, a->body.max - a->body.len));
        return;
    case ATTEMPT_WAITING:
        assert(false); /* data before the head */
    }
}

void attempt_succeed(struct exchange *x)
{
    attempt_end(x, &(struct verdict){
                       .kind = VERDICT_SUCCESS, .status = x->attempt.status, .delay_ms = -1 });
}

/* The attempt is over and the client has, or now gets, all of it. */
static void stream_done(struct exchange *x)
{
    struct request *r = x->r;

    attempt_succeed(x);
    x->answered = 200;
    exchange_end(x, ENDING_COMPLETE);
    response_end(r);
}

/* An answer in one piece, in another protocol than the client's. */
static void whole_translated(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct emitter *e = x->emitter;
    enum emitter_fed result;

    if (e == NULL && !a->goes_on)
        collect(x);
    if (e == NULL)
        e = a->crossing->collector;
    assert(e != NULL);
    result = emitter_take_whole(e, a->answer);
    x->usage = *emitter_usage(e);
    switch (result) {
    case EMITTER_DONE:
        if (e == x->emitter) {
            note_progress(x);
            stream_done(x);
        } else {
            attempt_succeed(x);
            reply_made(x);
        }
        return;
    case EMITTER_PAUSED:
        go_on(x, e);
        return;
    case EMITTER_ERROR:
        attempt_refused_inside(x);
        return;
    case EMITTER_FED:
    case EMITTER_FULL:
    case EMITTER_BROKEN:
        attempt_cut(x);
        return;
    }
}

static void whole_answer(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct wire_answer answer;

    /* a lone surrogate in the answer is mended before anybody reads it */
    if (!wire_read_answer(x->target.protocol, a->answer, (char *)(uintptr_t)a->answer.at,
                          &x->env->scratch, &answer)) {
        arena_reset(&x->env->scratch);
        attempt_cut(x);
        return;
    }
    arena_reset(&x->env->scratch);
    if (answer.is_error) {
        attempt_refused_inside(x);
        return;
    }
    x->usage = answer.usage;
    note_response(x, answer.id);
    history_keep(x, json_decode(answer.id, &x->env->scratch), a->answer);
    if (answer.may_be_signed)
        minted_seen_whole(x, a->answer);
    attempt_succeed(x);
    reply_whole(x, &answer);
}

static void on_end(void *peer)
{
    struct exchange *x = peer;
    struct attempt *a = &x->attempt;

    a->call = NULL;
    switch (a->mode) {
    case ATTEMPT_STREAM: {
        bool complete = emitter_finish(x->emitter);

        note_progress(x);
        x->usage = *emitter_usage(x->emitter);
        if (emitter_is_paused(x->emitter))
            go_on(x, x->emitter);
        else if (!complete)
            attempt_cut(x);
        else
            stream_done(x);
        return;
    }
    case ATTEMPT_COLLECT: {
        assert(a->crossing != NULL); /* it came with the mode */
        struct emitter *e = a->crossing->collector;
        bool complete = emitter_finish(e);

        x->usage = *emitter_usage(e);
        if (emitter_is_paused(e)) {
            go_on(x, e);
            return;
        }
        if (!complete) {
            attempt_cut(x);
            return;
        }
        attempt_succeed(x);
        reply_made(x);
        return;
    }
    case ATTEMPT_PASS:
        media_stream_end(x);
        return;
    case ATTEMPT_BODY:
        if (a->answer.len == 0)
            a->answer = buf_str(&a->body);
        if (x->target.ask == ASK_COUNT)
            counting_answered(x);
        else if (embedding_is(x))
            embedding_answered(x);
        else if (media_is(x))
            media_answered(x);
        else if (a->translates)
            whole_translated(x);
        else
            whole_answer(x);
        return;
    case ATTEMPT_FAULT:
        judged(x, &(struct judge_ask){
                      .status = a->status, .head = a->fault_head, .body = buf_str(&a->body) });
        return;
    case ATTEMPT_WAITING:
        assert(false); /* an end before the head */
    }
}

static void on_fail(void *peer, const struct call_fault *fault)
{
    struct exchange *x = peer;

    x->attempt.call = NULL;
    const struct emitter *e = x->attempt.mode == ATTEMPT_STREAM    ? x->emitter
                              : x->attempt.mode == ATTEMPT_COLLECT ? x->attempt.crossing->collector
                                                                   : NULL;

    if ((e != NULL && (e->state == EMITTER_ENDED || emitter_is_paused(e))) ||
        x->attempt.mode == ATTEMPT_FAULT) {
        /* the legal end had come before the connection broke; or the status has told what matters
         */
        on_end(x);
        return;
    }
    if (e != NULL)
        x->usage = *emitter_usage(e);
    judged(x, &(struct judge_ask){
                  .status = x->attempt.status, .fault = fault, .stream_cut = e != NULL });
}

/* --- begin and end
 * --------------------------------------------------------------------------------- */

/* The account cannot take what the request says: nothing was sent, another one may be able to. */
static void refused(struct exchange *x, const struct wire_complaint *why)
{
    int64_t account = x->attempt.lease.account_id;

    outgoing_clear(x);
    lease_return(x->env->pool, &x->attempt.lease,
                 &(struct verdict){ .kind = VERDICT_NONE, .delay_ms = -1 }, loop_now(x->env->loop));
    if (x->target.ask == ASK_COUNT) {
        counting_estimate(x);
        return;
    }
    if (!x->refused)
        x->refusal = *why;
    x->refused = true;
    exchange_use_up(x, account);
    exchange_move(x, EXCHANGE_PICKING);
    exchange_pick(x);
}

/* The attempt's own span, for an upstream that is to know it. */
static struct str attempt_traceparent(const struct exchange *x, char out[TRACEPARENT_LEN + 1])
{
    uint8_t span[8];

    if (!x->rules->traces.on || !x->rules->traces.forward)
        return STR("");
    trace_span_id(str_c(x->request_id), x->attempt_count, span);
    return trace_context_put(&x->trace, span, out);
}

/* What was made goes to the upstream of the attempt. */
static void attempt_send(struct exchange *x)
{
    char traceparent[TRACEPARENT_LEN + 1];
    struct attempt *a = &x->attempt;
    struct exchange_env *env = x->env;

    env->head.len = 0;
    /* what a client says about its own protocol in the head means nothing to another */
    bool own = a->wire == x->target.protocol;
    bool fits = upstream_put_head(
        a->upstream,
        &(struct upstream_ask){
            .wire = a->wire,
            .op = a->op,
            .model = x->mapped,
            .body_bytes = a->body_bytes,
            .client = own ? x->r->head : NULL,
            .default_version = true,
            .traceparent = attempt_traceparent(x, traceparent),
            .session =
                upstream_dialect(a->upstream) == DIALECT_CODEX ? exchange_session_text(x) : STR(""),
            .content_type = a->translates ? STR("") : x->media_type,
            .turn = a->turn,
            .version = a->crossing != NULL ? a->crossing->asked.written.anthropic_version : STR(""),
        },
        &env->head);
    if (!fits && x->target.ask == ASK_COUNT) {
        counting_failed(x); /* the wire can, this provider of it cannot */
        return;
    }
    if (!fits) {
        /* a name that cannot stand in a request line: nobody can be asked for it */
        attempt_end(x, &(struct verdict){ .kind = VERDICT_NONE, .delay_ms = -1 });
        reply_fault(x,
                    &(struct fault){
                        .class = FAULT_BAD_REQUEST,
                        .message = STR("the model's name or a header is too long to be sent on"),
                        .param = STR("model") },
                    ENDING_REQUEST_WRONG);
        return;
    }
    struct call_timeouts timeouts = a->upstream->timeouts;
    if (!a->stream)
        timeouts.first_byte_ms *= 2; /* an answer in one piece comes when all of it is made */
    a->call = client_send(env->client, &(struct call_options){
                                           .origin = &a->upstream->origin,
                                           .head = buf_str(&env->head),
                                           .body = a->parts,
                                           .body_parts = a->part_count,
                                           .timeouts = timeouts,
                                           .hooks = { on_head, on_data, on_end, on_fail, x },
                                       });
    if (pictures_are(x))
        pictures_begin(x, buf_str(&env->head));
    exchange_schedule(x);
}

void attempt_start(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct exchange_env *env = x->env;
    struct wire_complaint why = { 0 };

    a->upstream = a->lease.upstream;
    if (!outgoing_make(x, &why)) {
        refused(x, &why);
        return;
    }
    a->running = true;
    a->call = NULL;
    a->mode = ATTEMPT_WAITING;
    a->status = 0;
    a->started_ms = loop_now(env->loop);
    a->waited_ms = a->started_ms - x->entered_ms[EXCHANGE_PICKING];
    a->first_byte_ms = -1;
    a->fault_head = NULL;
    x->words = (struct judge_words){ 0 };
    x->attempt_count++;
    count_own(&env->metrics->attempts, 1);
    if (x->attempt_count > 1)
        count_own(&env->metrics->failovers, 1);
    if (x->emitter != NULL && x->attempt_count > 1)
        emitter_attempt(x->emitter);
    if (x->emitter != NULL && a->translates)
        emitter_translate(x->emitter, a->wire, &a->crossing->encode, &a->crossing->asked);
    if (is_watched(x))
        live_tell_attempt(x);
    attempt_send(x);
}

static struct usage attempt_usage(const struct exchange *x, const struct verdict *v)
{
    const struct attempt *a = &x->attempt;
    bool streams = a->mode == ATTEMPT_STREAM || (a->goes_on && x->emitter != NULL);

    if (streams)
        return *emitter_usage(x->emitter);
    if (a->mode == ATTEMPT_COLLECT || a->goes_on)
        return *emitter_usage(a->crossing->collector);
    return v->kind == VERDICT_SUCCESS ? x->usage : usage_unknown();
}

/* A place for the attempt that ends. Most exchanges have one attempt: room for more is made with
 * the second. */
static struct access_attempt *attempt_place(struct exchange *x)
{
    if (x->attempt_count <= 2) {
        size_t room = x->attempt_count == 1 ? 1 : ACCESS_ATTEMPTS_MAX;
        struct access_attempt *all = arena_alloc_raw(x->arena, room * sizeof(*all));

        if (x->attempts != NULL)
            all[0] = x->attempts[0];
        x->attempts = all;
    }
    return &x->attempts[attempts_kept(x) - 1];
}

/* For the access record; when there are too many, the last one takes the last place, and what the
 * one before it used is added up. */
static void keep_attempt(struct exchange *x, const struct verdict *v, int64_t now_ms)
{
    const struct attempt *a = &x->attempt;
    struct access_attempt *kept = attempt_place(x);

    if (x->attempt_count > ACCESS_ATTEMPTS_MAX)
        x->beyond = usage_sum(&x->beyond, &kept->usage);
    *kept = (struct access_attempt){
        .number = x->attempt_count,
        .account_id = a->lease.account_id,
        .provider = provider_name(a->upstream->provider),
        .pick = x->pick,
        .waited_ms = a->waited_ms,
        .started_ms = a->started_ms,
        .verdict = v->kind,
        .status = v->status,
        .delay_ms = v->delay_ms,
        .first_byte_ms = a->first_byte_ms < 0 ? -1 : a->first_byte_ms - a->started_ms,
        .duration_ms = now_ms - a->started_ms,
        .usage = attempt_usage(x, v),
    };
    memcpy(kept->label, a->lease.label, sizeof(kept->label));
    x->pick_room = 0; /* it is the attempt's now */
}

void attempt_end(struct exchange *x, const struct verdict *v)
{
    struct attempt *a = &x->attempt;
    int64_t now_ms = loop_now(x->env->loop);

    assert(a->running);
    a->running = false;
    pictures_cancel(x);
    if (a->call != NULL) {
        call_cancel(a->call);
        a->call = NULL;
    }
    keep_attempt(x, v, now_ms);
    x->usage = x->attempts[attempts_kept(x) - 1].usage;
    if (x->env->journal != NULL)
        journal_add(
            x->env->journal,
            &(struct journal_event){
                .kind = JOURNAL_VERDICT,
                .at_ms = now_ms,
                .exchange = x->id,
                .attempt = x->attempt_count - 1,
                .verdict = v->kind,
                .delay_ms = v->delay_ms,
                .first_byte_ms = a->first_byte_ms < 0 ? -1 : a->first_byte_ms - a->started_ms,
                .duration_ms = now_ms - a->started_ms,
                .tokens_in = x->usage.in,
                .tokens_out = x->usage.out,
                .tokens_cache_read = x->usage.cache_read,
                .tokens_cache_write = x->usage.cache_write,
                .tokens_reasoning = x->usage.reasoning,
                .status = v->status,
            });
    lease_return(x->env->pool, &a->lease, v, now_ms);
    x->attempts[attempts_kept(x) - 1].locks = a->lease.locks;
    if (is_watched(x))
        live_tell_verdict(x, &x->attempts[attempts_kept(x) - 1]);
    if (v->kind != VERDICT_SUCCESS)
        buf_clear(&a->body);
    outgoing_clear(x);
}
