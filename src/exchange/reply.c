/* exchange/reply.c - what the client sees: fields, whole answers, streams, errors, and our own
 * answers. */
#include "exchange/exchange_int.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/json_write.h"
#include "base/log.h"
#include "http/lines.h"

#define VALUE_MAX 1024  /* bytes of a field of ours */
#define REASON_PASSED 8 /* accounts named in X-Penstock-Reason */

/* Fields being gathered, as lines of a head. */
struct gathered {
    struct arena *arena; /* where the lines stay */
    struct buf lines;    /* careful: memory of its own; else the arena's last piece */
    size_t count;
    bool careful; /* each line is judged by itself, and left out when it may not stand in a head */
};

#define LINES_ROOM ((size_t)960) /* for most heads, and for an arena's small blocks */
#define LINES_MAX (REPLY_FIELDS_MAX * (VALUE_MAX + 64))

static void gather(struct gathered *g, struct arena *a)
{
    *g = (struct gathered){ .arena = a, .lines = { .max = LINES_MAX }, .careful = true };
}

/* The arena gives nothing to others until the lines are kept. */
static void gather_quickly(struct gathered *g, struct arena *a)
{
    char *room = arena_alloc_raw(a, LINES_ROOM);

    *g = (struct gathered){ .arena = a,
                            .lines = { .at = room, .cap = LINES_ROOM, .max = LINES_ROOM } };
}

/* The lines, judged, until the arena is freed. */
static struct str gathered_keep(struct gathered *g)
{
    struct str lines = buf_str(&g->lines);

    if (!g->careful) {
        (void)arena_resize(g->arena, lines.at, LINES_ROOM, lines.len);
        return lines;
    }
    lines = arena_copy(g->arena, lines);
    buf_clear(&g->lines);
    return lines;
}

#define FIELD_LOST 1000 /* makes a count that no lines have: they are gathered again, with care */

static void add_judged(struct gathered *g, struct str name, struct str value)
{
    if (value.len == 0)
        return;
    if (g->count < REPLY_FIELDS_MAX && http_put_field(&g->lines, name, value))
        g->count++;
    else if (g->careful)
        log_warn("response field left out", F_STR("name", name));
    else
        g->count += FIELD_LOST;
}

static inline void add_line(struct gathered *g, struct str name, struct str start, struct str value)
{
    if (g->careful)
        add_judged(g, name, value);
    else if (value.len > 0)
        g->count += http_line_add(&g->lines, start, value) ? 1 : FIELD_LOST;
}

#define ADD_FIELD(g, name, value) add_line((g), STR(name), STR(name ": "), (value))

/* --- fields
 * ---------------------------------------------------------------------------------------- */

/* Fields of an upstream's answer that pass: its request id, its limits. */
static bool passes(struct str name)
{
    static const struct str exact[] = {
        { "request-id", 10 },     { "retry-after", 11 },          { "retry-after-ms", 14 },
        { "x-should-retry", 14 }, { "openai-processing-ms", 20 }, { "openai-model", 12 },
    };

    switch (char_lower(name.at[0])) {
    case 'a':
        return str_istarts(name, STR("anthropic-ratelimit-"));
    case 'x':
        if (str_istarts(name, STR("x-ratelimit-")) || str_istarts(name, STR("x-codex-")))
            return true;
        break;
    case 'r':
    case 'o':
        break;
    default:
        return false;
    }
    for (size_t i = 0; i < COUNT(exact); i++)
        if (str_ieq(name, exact[i]))
            return true;
    return false;
}

/* `ada@example.com` becomes `a***`: enough for its owner to tell accounts apart. */
static struct str masked(struct exchange *x, struct str label)
{
    return arena_printf(&x->r->arena, "%.*s***", label.len > 0 ? 1 : 0, label.at);
}

/* Lives as long as the text, or the request. */
static struct str encoded(struct exchange *x, struct str text)
{
    struct buf b;

    if (text.len <= VALUE_MAX && http_is_plain(text))
        return text;
    buf_init(&b, VALUE_MAX);
    (void)http_put_encoded(&b, text, VALUE_MAX);
    struct str out = arena_copy(&x->r->arena, buf_str(&b));
    buf_clear(&b);
    return out;
}

static struct str account_shown(struct exchange *x)
{
    struct str label = str_c(x->attempt.lease.label);

    return encoded(x, x->rules->privacy ? masked(x, label) : label);
}

static struct str reason_text(struct exchange *x)
{
    struct str word = str_c(pick_reason_word(x->attempt.reason));
    uint32_t shown = 0;
    struct buf b;

    if (x->pick->passed_count == 0)
        return word;
    buf_init(&b, VALUE_MAX);
    (void)buf_add(&b, word);
    (void)buf_add(&b, STR("; passed="));
    for (; shown < x->pick->passed_count && shown < REASON_PASSED; shown++) {
        struct str label = str_c(x->pick->passed[shown].label);

        if (shown > 0)
            (void)buf_add_char(&b, ',');
        (void)http_put_encoded(&b, x->rules->privacy ? masked(x, label) : label, 96);
        (void)buf_add_char(&b, ':');
        (void)buf_add(&b, str_c(skip_word(x->pick->passed[shown].why)));
    }
    if (x->pick->passed_count > shown)
        (void)buf_printf(&b, ",+%u", x->pick->passed_count - shown);
    struct str out = arena_copy(&x->r->arena, buf_str(&b));
    buf_clear(&b);
    return out;
}

/* What of the request this account did not get to see. */
static struct str dropped_text(struct exchange *x)
{
    struct buf b;

    buf_init(&b, VALUE_MAX);
    losses_put(&x->attempt.crossing->asked.losses,
               x->attempt.translates && x->canon != NULL ? &x->canon->unread : NULL, &b, VALUE_MAX);
    struct str out = arena_copy(&x->r->arena, buf_str(&b));
    buf_clear(&b);
    return out;
}

static struct str number_text(uint64_t n, char room[DIGITS_MAX])
{
    char *end = room + DIGITS_MAX, *at = digits_u64(end, n);

    return (struct str){ at, (size_t)(end - at) };
}

/* What a page of an allowed origin needs to read the answer. */
static void add_cors(const struct door_rules *rules, const struct http_head *head,
                     struct gathered *g)
{
    struct str origin = door_cors_origin(rules, head);

    if (origin.len == 0)
        return;
    ADD_FIELD(g, "Access-Control-Allow-Origin", origin);
    ADD_FIELD(g, "Vary", STR("Origin"));
    ADD_FIELD(g, "Access-Control-Expose-Headers",
              STR("X-Request-Id, Request-Id, Retry-After, X-Should-Retry, X-Account-Email, "
                  "X-Mapped-Model, X-Penstock-Provider, X-Penstock-Attempts, X-Penstock-Reason, "
                  "X-Penstock-Dropped, X-Penstock-Estimated"));
}

static void add_attempts(struct exchange *x, struct gathered *g)
{
    char room[DIGITS_MAX];

    ADD_FIELD(g, "X-Penstock-Attempts", number_text(x->attempt_count, room));
}

/* Who answered, and why this one. */
static void add_decision(struct exchange *x, struct str provider, struct gathered *g)
{
    ADD_FIELD(g, "X-Account-Email", account_shown(x));
    ADD_FIELD(g, "X-Mapped-Model", encoded(x, x->mapped));
    ADD_FIELD(g, "X-Penstock-Provider", provider);
    add_attempts(x, g);
    ADD_FIELD(g, "X-Penstock-Reason", reason_text(x));
}

/* What is left to a client's key. */
static void add_key(struct gathered *g, const struct client_key *key, enum wire protocol,
                    int64_t now_ms, struct arena *a)
{
    struct http_field fields[KEY_FIELDS_MAX];
    size_t count = 0;

    if (key != NULL && client_key_is_limited(key))
        count = key_fields(key, protocol, now_ms, a, fields, KEY_FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        add_judged(g, fields[i].name, fields[i].value);
}

static void add_key_of(struct exchange *x, struct gathered *g)
{
    add_key(g, x->key, x->target.protocol, loop_now(x->env->loop), &x->r->arena);
}

/* A client whose key is limited is told its own limits, not those of the account. */
static bool is_of_limits(struct str name)
{
    return str_istarts(name, STR("x-ratelimit-")) || str_istarts(name, STR("x-codex-")) ||
           str_istarts(name, STR("anthropic-ratelimit-"));
}

static void add_stream(struct exchange *x, struct gathered *g)
{
    ADD_FIELD(g, "Content-Type",
              x->target.json_array ? STR("application/json; charset=utf-8")
                                   : STR("text/event-stream; charset=utf-8"));
    ADD_FIELD(g, "Cache-Control", STR("no-cache"));
    ADD_FIELD(g, "X-Accel-Buffering", STR("no"));
}

static void collect_fields(struct exchange *x, const struct http_head *head, struct gathered *g)
{
    bool limited = x->key != NULL && client_key_is_limited(x->key);

    if (x->request.stream && !media_is(x))
        add_stream(x, g);
    else
        ADD_FIELD(g, "Content-Type", media_is(x) ? x->media_answer_type : STR("application/json"));
    ADD_FIELD(g, "X-Request-Id", str_c(x->request_id));
    add_decision(x, provider_name(x->attempt.upstream->provider), g);
    if (x->attempt.crossing != NULL)
        ADD_FIELD(g, "X-Penstock-Dropped", dropped_text(x));
    add_key_of(x, g);
    add_cors(&x->rules->door, x->r->head, g);
    for (uint32_t i = 0; i < head->field_count; i++)
        if (passes(head->fields[i].name) && !(limited && is_of_limits(head->fields[i].name)))
            add_judged(g, head->fields[i].name, str_take(head->fields[i].value, VALUE_MAX));
}

void reply_collect_fields(struct exchange *x, const struct http_head *head)
{
    struct gathered g;

    gather_quickly(&g, &x->r->body_arena);
    collect_fields(x, head, &g);
    if (!http_lines_are_sound(buf_str(&g.lines), g.count)) {
        gather(&g, &x->r->body_arena);
        collect_fields(x, head, &g);
    }
    x->lines = gathered_keep(&g);
}

void reply_estimated_fields(struct exchange *x)
{
    struct gathered g;

    gather(&g, &x->r->body_arena);
    ADD_FIELD(&g, "Content-Type", STR("application/json"));
    ADD_FIELD(&g, "X-Request-Id", str_c(x->request_id));
    ADD_FIELD(&g, "X-Penstock-Estimated", STR("1"));
    add_cors(&x->rules->door, x->r->head, &g);
    x->lines = gathered_keep(&g);
}

/* --- streams
 * --------------------------------------------------------------------------------------- */

static void stream_start(void *peer, bool early)
{
    struct exchange *x = peer;

    if (early) {
        /* nobody serves yet: the head says so */
        struct gathered g;

        gather(&g, &x->r->body_arena);
        add_stream(x, &g);
        ADD_FIELD(&g, "X-Request-Id", str_c(x->request_id));
        ADD_FIELD(&g, "X-Penstock-Reason", STR("pending"));
        add_key_of(x, &g);
        add_cors(&x->rules->door, x->r->head, &g);
        x->lines = gathered_keep(&g);
    }
    x->answered = 200;
    count_own(&x->env->metrics->streams_running, 1);
    response_start_lines(x->r, 200, x->lines, RESPONSE_CHUNKED);
}

static bool stream_write(void *peer, const struct str *parts, size_t count)
{
    struct exchange *x = peer;

    return response_write(x->r, parts, count);
}

const struct emitter_sink reply_sink = { stream_start, stream_write, NULL };

/* --- whole answers
 * --------------------------------------------------------------------------------- */

void reply_whole(struct exchange *x, const struct wire_answer *answer)
{
    struct str body = x->attempt.answer, parts[3];
    size_t count = 0, total = 0;
    struct str model = x->request.model, raw = answer->model_raw;
    bool same =
        raw.len == 0 || (raw.len == model.len + 2 && memcmp(raw.at + 1, model.at, model.len) == 0);

    if (same) {
        parts[count++] = body;
    } else {
        struct buf quoted;

        buf_init(&quoted, model.len * 6 + 2);
        (void)json_quote(&quoted, model);
        parts[count++] = (struct str){ body.at, (size_t)(raw.at - body.at) };
        parts[count++] = arena_copy(&x->r->arena, buf_str(&quoted));
        parts[count++] = str_drop(body, (size_t)(raw.at - body.at) + raw.len);
        buf_clear(&quoted);
    }
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    x->first_out_ms = loop_now(x->env->loop);
    x->bytes_out = total;
    x->answered = x->attempt.status;
    response_start_lines(x->r, x->attempt.status, x->lines, (int64_t)total);
    (void)response_write(x->r, parts, count);
    struct request *r = x->r;
    exchange_end(x, ENDING_COMPLETE);
    response_end(r);
}

void reply_made(struct exchange *x)
{
    struct str body = buf_str(&x->attempt.crossing->made);
    struct request *r = x->r;

    x->first_out_ms = loop_now(x->env->loop);
    x->bytes_out = body.len;
    x->answered = 200;
    response_start_lines(r, 200, x->lines, (int64_t)body.len);
    (void)response_write(r, &body, 1);
    exchange_end(x, ENDING_COMPLETE);
    response_end(r);
}

/* --- errors
 * ---------------------------------------------------------------------------------------- */

/* An error as a message over a WebSocket, which has no head: its fields stand in `headers`, where
 * Codex looks for them. */
static bool put_message(struct buf *out, enum wire protocol, const struct fault *f,
                        struct str request_id, struct str lines)
{
    struct buf part = { .max = out->max };
    struct json_writer w = json_writer(&part);
    struct http_field field;
    bool good;

    json_put_object(&w);
    while (http_line_take(&lines, &field)) {
        json_put_name(&w, field.name);
        json_put_str(&w, field.value);
    }
    json_put_end(&w);
    good =
        json_written(&w) && buf_printf(out, "{\"type\":\"error\",\"status\":%d,\"headers\":%.*s,",
                                       fault_status(protocol, f), STR_ARG(buf_str(&part)));
    part.len = 0;
    good = good && fault_put(&part, protocol, f, request_id) &&
           buf_add(out, str_drop(buf_str(&part), 1)); /* its members are the last of ours */
    buf_clear(&part);
    return good;
}

/* `more`: fields besides those of every fault; takes it. */
static void send_fault(struct request *r, enum wire protocol, const struct fault *f,
                       struct str request_id, struct gathered *more)
{
    struct gathered g;
    char room[DIGITS_MAX];
    struct buf body;
    int status = fault_status(protocol, f);

    gather(&g, &r->arena);
    if (r->message_of == 0)
        ADD_FIELD(&g, "Content-Type", STR("application/json"));
    ADD_FIELD(&g, "X-Request-Id", request_id);
    if (protocol == WIRE_ANTHROPIC)
        ADD_FIELD(&g, "request-id", request_id);
    if (f->class == FAULT_CLIENT_KEY) {
        const struct http_field challenge = HTTP_CHALLENGE;

        add_judged(&g, challenge.name, challenge.value);
    }
    if (f->retry_after_s > 0)
        ADD_FIELD(&g, "Retry-After", number_text((uint64_t)f->retry_after_s, room));
    if (f->class == FAULT_QUOTA && f->retry_after_s > 3600)
        ADD_FIELD(&g, "x-should-retry", STR("false"));
    (void)buf_add(&g.lines, buf_str(&more->lines));
    buf_clear(&more->lines);
    buf_init(&body, 16384);
    if (r->message_of != 0)
        (void)put_message(&body, protocol, f, request_id, buf_str(&g.lines));
    else
        (void)fault_put(&body, protocol, f, request_id);
    struct str text = buf_str(&body);

    response_start_lines(r, status, buf_str(&g.lines), (int64_t)text.len);
    response_end_with(r, &text, 1);
    buf_clear(&g.lines);
    buf_clear(&body);
}

void reply_fault(struct exchange *x, const struct fault *f, enum ending ending)
{
    struct request *r = x->r;
    bool started = x->emitter != NULL && emitter_is_started(x->emitter);
    char id[40];
    struct fault copy = *f;
    enum wire protocol = x->target.protocol;
    struct gathered g;

    if (x->answered != 0 && x->emitter == NULL) {
        /* a stream that passes as it is: nothing in it can say that it failed */
        exchange_end(x, ending);
        response_abort(r);
        return;
    }
    if (started) {
        if (x->emitter->state != EMITTER_ENDED)
            emitter_fail(x->emitter, f);
        x->bytes_out = x->emitter->bytes_out;
        exchange_end(x, ending);
        response_end(r);
        return;
    }
    memcpy(id, x->request_id, sizeof(id));
    x->answered = fault_status(protocol, f);
    gather(&g, &x->r->arena);
    add_key_of(x, &g);
    add_cors(&x->rules->door, x->r->head, &g);
    if (ending == ENDING_REQUEST_WRONG && x->last.kind != VERDICT_NONE)
        add_decision(x, x->attempts[attempts_kept(x) - 1].provider, &g); /* its own refusal */
    else if (x->attempt_count > 0)
        add_attempts(x, &g);
    /* texts of the fault live in the request's arena, which outlives the exchange until the answer
     * is sent */
    exchange_end(x, ending);
    send_fault(r, protocol, &copy, str_c(id), &g);
}

void reply_complaint(struct exchange *x, const struct wire_complaint *why)
{
    struct str text =
        why->param.len == 0
            ? why->message
            : arena_printf(&x->r->arena, "%.*s: %.*s", STR_ARG(why->param), STR_ARG(why->message));

    count_own(&x->env->metrics->refused_request, 1);
    reply_fault(x,
                &(struct fault){ .class = why->too_large ? FAULT_TOO_LARGE : FAULT_BAD_REQUEST,
                                 .message = text,
                                 .param = why->param,
                                 .code = why->code },
                ENDING_REQUEST_WRONG);
}

void reply_refuse_as(struct exchange_env *env, struct request *r, const struct door_target *t,
                     const struct client_key *key, const struct fault *f, struct str id)
{
    struct gathered g;

    gather(&g, &r->arena);
    add_key(&g, key, t->protocol, loop_now(env->loop), &r->arena);
    if (f->class == FAULT_METHOD)
        ADD_FIELD(&g, "Allow", str_c(t->allow));
    if (f->status == HTTP_UPGRADE_REQUIRED) {
        ADD_FIELD(&g, "Upgrade", STR("websocket"));
        ADD_FIELD(&g, "Sec-WebSocket-Version", STR("13"));
    }
    add_cors(&env->rules->door, r->head, &g);
    log_info("request refused", F_STR("request", id), F_STR("path", r->path),
             F_INT("status", fault_status(t->protocol, f)), F_STR("why", f->message));
    send_fault(r, t->protocol, f, id, &g);
}

void reply_refuse(struct exchange_env *env, struct request *r, const struct door_target *t,
                  const struct fault *f)
{
    char id[40];

    reply_request_id(env, id);
    reply_refuse_as(env, r, t, NULL, f, str_c(id));
}

void exchange_error_body(struct str path, struct str id, int status, struct str what,
                         struct buf *body)
{
    struct door_target t;
    static const struct http_head nobody = { .method = HTTP_POST };

    door_find(&nobody, path, STR(""), &t);
    (void)fault_put(body, t.protocol,
                    &(struct fault){
                        .class = fault_class_of_status(status), .status = status, .message = what },
                    id);
}

/* --- our own answers
 * ------------------------------------------------------------------------------- */

void reply_request_id(struct exchange_env *env, char out[40])
{
    uint64_t z = env->id_seed += 0x9e3779b97f4a7c15u, w;

    /* splitmix64: unique within a worker; an id is a name, no secret */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    w = env->id_seed ^ (z << 7);
    memcpy(out, "req_", 4);
    hex_put4(out + 4, (uint32_t)z);
    hex_put4(out + 12, (uint32_t)(z >> 32));
    hex_put4(out + 20, (uint32_t)w);
    out[28] = '\0';
}

void reply_health(struct exchange_env *env, struct request *r)
{
    char body[160];
    int len =
        snprintf(body, sizeof(body),
                 "{\"status\":\"%s\",\"version\":\"" PENSTOCK_VERSION "\",\"active_accounts\":%u}",
                 env->draining             ? "ending"
                 : exchange_is_paused(env) ? "paused"
                                           : "ok",
                 pool_active(env->pool, loop_now(env->loop)));

    reply_own(env, r, STR(""), (struct str){ body, (size_t)len });
}

void reply_own(struct exchange_env *env, struct request *r, struct str id, struct str body)
{
    struct gathered g;

    gather(&g, &r->arena);
    ADD_FIELD(&g, "Content-Type", STR("application/json"));
    ADD_FIELD(&g, "X-Request-Id", id);
    add_cors(&env->rules->door, r->head, &g);
    response_start_lines(r, 200, buf_str(&g.lines), (int64_t)body.len);
    response_end_with(r, &body, 1);
    buf_clear(&g.lines);
}

void reply_preflight(struct exchange_env *env, struct request *r)
{
    /* SDKs send a dozen of their own, and more with each version: this origin may send any */
    struct str asked = http_field_value(r->head, STR("access-control-request-headers"));
    struct http_field fields[] = {
        { STR("Access-Control-Allow-Origin"), door_cors_origin(&env->rules->door, r->head) },
        { STR("Access-Control-Allow-Methods"), STR("GET, POST, DELETE") },
        { STR("Access-Control-Allow-Headers"),
          asked.len > 0 && asked.len <= VALUE_MAX
              ? asked
              : STR("Authorization, Content-Type, X-Api-Key, X-Goog-Api-Key, Anthropic-Version, "
                    "Anthropic-Beta, X-Session-Id") },
        { STR("Access-Control-Max-Age"), STR("600") },
        { STR("Vary"), STR("Origin, Access-Control-Request-Headers") },
    };

    response_send(r, 204, fields, COUNT(fields), STR(""));
}
