/* A call passes through the phases below. What it needs of a connection it has from conn_pool.c (a
 * kept one) or dial.c (a new one), what the bytes of the answer mean it has from answer.c; here
 * they are brought together with the request, the hooks and the clock.
 *
 * Reading goes on while the request is sent: an upstream that refuses a large request answers
 * before it has read it, and then resets. So a failed write ends nothing; the read that follows
 * finds the answer, or the end. */
#include "http/client.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "http/answer.h"
#include "http/conn_pool.h"
#include "http/dial.h"

#define PARTS_AT_ONCE 128
/* for "%.*s": clipped so that the reason behind it always fits into a fault's text */
#define HOST_ARG(call) \
    (int)((call)->origin->host.len < 64 ? (call)->origin->host.len : 64), (call)->origin->host.at

enum call_phase {
    PHASE_DIALLING, /* no connection yet */
    PHASE_SENDING,  /* the request is not out yet */
    PHASE_WAITING,  /* it is; no final head so far */
    PHASE_READING,  /* the head was given */
    PHASE_OVER, /* the last hook was called, or it was cancelled; freed at the end of the turn */
    PHASES,
};

#define TO(s) (1u << PHASE_##s)
static const uint32_t phase_next[PHASES] = {
    [PHASE_DIALLING] = TO(SENDING) | TO(OVER),
    [PHASE_SENDING] = TO(WAITING) | TO(READING) | TO(DIALLING) | TO(OVER),
    [PHASE_WAITING] = TO(READING) | TO(DIALLING) | TO(OVER),
    [PHASE_READING] = TO(OVER),
};

struct client {
    struct client_options o;
    struct dns *dns;
    struct tls_client *tls;
    struct conn_pool pool;
    struct call *calls;
    struct http_head head; /* of the answer being parsed; too large for a stack or for each call */
};

struct call {
    struct client *client;
    struct call *next, *prev; /* of the client's running ones */
    const struct origin *origin;
    struct call_timeouts timeouts;
    struct call_hooks hooks;
    enum call_phase phase;
    struct dial *dial; /* in PHASE_DIALLING */
    struct conn *conn; /* from PHASE_SENDING on */
    struct answer answer;
    struct buf held; /* bytes of the answer that were read and not taken */

    struct timer timer;      /* fires at the earlier of the two, or before */
    int64_t silence_due_ms;  /* INT64_MAX: not limited now */
    int64_t total_due_ms;    /* never moves */
    int64_t silence_left_ms; /* while paused */
    int64_t sent_ms;         /* when bytes of the request last went out on this connection */
    uint64_t had_polls;      /* loop_polls() when the connection was had */

    bool paused;
    bool reused;       /* the connection is a kept one */
    bool sent;         /* on this connection */
    bool received;     /* on this connection: a byte of the answer, interim heads too */
    bool repeated;     /* its kept connection had died; a second one is not forgiven */
    bool write_failed; /* nobody listens any more, but there may be an answer */
    bool unsent;       /* the answer came before the request was out */
    bool head_seen;

    size_t part, part_at; /* the next byte to be sent */
    size_t part_count;
    struct str parts[]; /* the head, then the body's */
};

static void call_move(struct call *call, enum call_phase to)
{
    assert(phase_next[call->phase] & (1u << to));
    call->phase = to;
}

/* --- time */

static void call_arm(struct call *call, int64_t now_ms)
{
    int64_t due =
        call->silence_due_ms < call->total_due_ms ? call->silence_due_ms : call->total_due_ms;

    if (due < call->timer.due_ms) /* a later one is found out when the timer fires */
        timer_start(&call->timer, due > now_ms ? due - now_ms : 0);
}

/* Are the upstream's silences counted? While we do not listen they are our own. */
static bool call_listens(const struct call *call)
{
    return call->phase == PHASE_SENDING || !call->paused;
}

/* From now on the upstream may be silent for `ms`. */
static void call_silence(struct call *call, int64_t ms)
{
    int64_t now_ms = loop_now(call->client->o.loop);

    if (!call_listens(call)) {
        call->silence_due_ms = INT64_MAX;
        call->silence_left_ms = ms;
        return;
    }
    call->silence_due_ms = now_ms + ms;
    call_arm(call, now_ms);
}

/* --- the end */

static void call_free(void *at)
{
    struct call *call = at;

    answer_clear(&call->answer);
    buf_clear(&call->held);
    wipe((void *)(uintptr_t)call->parts[0].at, call->parts[0].len); /* holds credentials */
    free(call);
}

static void call_over(struct call *call)
{
    call_move(call, PHASE_OVER);
    timer_stop(&call->timer);
    if (call->dial != NULL)
        dial_cancel(call->dial);
    if (call->conn != NULL)
        conn_close(call->conn);
    call->dial = NULL;
    call->conn = NULL;
    if (call->next != NULL)
        call->next->prev = call->prev;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        call->client->calls = call->next;
    /* hooks further up the stack may still look at the bytes they were given */
    loop_doom(call->client->o.loop, call, call_free);
}

bool call_is_sent(const struct call *call)
{
    return call->part == call->part_count;
}

void call_cancel(struct call *call)
{
    if (call->phase != PHASE_OVER)
        call_over(call);
}

static struct counter *cause_counter(struct client_metrics *m, enum call_cause cause)
{
    switch (cause) {
    case CALL_DNS:
        return &m->failed_dns;
    case CALL_CONNECT:
        return &m->failed_connect;
    case CALL_TLS:
        return &m->failed_tls;
    case CALL_PROXY:
        return &m->failed_proxy;
    case CALL_WRITE:
        return &m->failed_write;
    case CALL_FIRST_BYTE:
    case CALL_IDLE:
    case CALL_TOTAL:
        return &m->failed_timeout;
    case CALL_RESET:
    case CALL_CUT:
        return &m->failed_cut;
    case CALL_PROTOCOL:
    case CALL_TOO_LARGE:
        break;
    }
    return &m->failed_protocol;
}

__attribute__((format(printf, 3, 4))) static void
call_fail(struct call *call, enum call_cause cause, const char *format, ...)
{
    struct call_fault fault = { .cause = cause, .sent = call->sent, .head_seen = call->head_seen };
    va_list args;

    va_start(args, format);
    vsnprintf(fault.text, sizeof(fault.text), format, args);
    va_end(args);
    count_one(cause_counter(call->client->o.metrics, cause));
    call_over(call);
    call->hooks.on_fail(call->hooks.peer, &fault);
}

/* The answer is complete; `more`: there were bytes behind it. */
static void call_end(struct call *call, bool more)
{
    if (answer_keeps(&call->answer) && !more && !call->unsent && !call->write_failed) {
        conn_keep(call->conn);
        call->conn = NULL;
    }
    call_over(call);
    call->hooks.on_end(call->hooks.peer);
}

/* --- the connection */

static void call_watch(struct call *call)
{
    bool write = call->phase == PHASE_SENDING && !call->write_failed;

    socket_watch(call->conn->socket,
                 (call->paused ? 0u : SOCKET_READ) | (write ? SOCKET_WRITE : 0u));
}

static void call_on_ready(void *peer, unsigned what);
static void call_write(struct call *call);

static void call_connected(struct call *call, struct conn *conn, bool reused)
{
    call->conn = conn;
    call->reused = reused;
    call->had_polls = loop_polls(call->client->o.loop);
    call_move(call, PHASE_SENDING);
    socket_own(conn->socket, call_on_ready, call);
    call_silence(call, call->timeouts.write_ms);
    call_write(call);
}

static void call_on_dialled(void *peer, struct socket *s)
{
    struct call *call = peer;
    struct client *c = call->client;

    call->dial = NULL;
    count_one(&c->o.metrics->connections_opened);
    if (call->origin->tls && socket_tls_resumed(s))
        count_one(&c->o.metrics->tls_resumed);
    call_connected(call, conn_new(&c->pool, call->origin->pool_key, s), false);
}

static void call_on_dial_failed(void *peer, enum call_cause cause, const char *text)
{
    struct call *call = peer;

    call->dial = NULL;
    call_fail(call, cause, "%s", text);
}

static void call_dial(struct call *call)
{
    struct client *c = call->client;
    const struct dial_options options = {
        .loop = c->o.loop,
        .dns = c->dns,
        .tls = c->tls,
        .limits = &c->o.limits,
        .origin = call->origin,
        .timeouts = &call->timeouts,
        .hooks = { call_on_dialled, call_on_dial_failed, call },
    };

    assert(call->phase == PHASE_DIALLING);
    call->silence_due_ms = INT64_MAX;
    call_arm(call, loop_now(c->o.loop));
    call->dial = dial_start(&options);
}

/* The kept connection had been given up by the upstream before it saw us: once more on a new one.
 */
static void call_repeat(struct call *call)
{
    count_one(&call->client->o.metrics->connections_stale);
    conn_close(call->conn);
    call->conn = NULL;
    call->repeated = true;
    call->sent = false;
    call->write_failed = false;
    call->part = 0;
    call->part_at = 0;
    call->reused = false;
    call_move(call, PHASE_DIALLING);
    call_dial(call);
}

/* --- the request */

static size_t call_fill(const struct call *call, struct iovec *iov, size_t *bytes)
{
    size_t count = 0, skip = call->part_at;

    *bytes = 0;
    for (size_t i = call->part; i < call->part_count && count < PARTS_AT_ONCE; i++, skip = 0) {
        struct str rest = str_drop(call->parts[i], skip);

        if (rest.len == 0)
            continue;
        iov[count++] = (struct iovec){ (void *)(uintptr_t)rest.at, rest.len };
        *bytes += rest.len;
    }
    return count;
}

static void call_advance(struct call *call, size_t bytes)
{
    while (call->part < call->part_count) {
        size_t rest = call->parts[call->part].len - call->part_at;

        if (bytes < rest) {
            call->part_at += bytes;
            return;
        }
        bytes -= rest;
        call->part++;
        call->part_at = 0;
    }
    assert(bytes == 0);
}

/* Sends until all is out or the socket is full. */
static void call_write(struct call *call)
{
    struct iovec iov[PARTS_AT_ONCE];
    size_t bytes, count;

    while ((count = call_fill(call, iov, &bytes)) > 0) {
        long took = socket_writev(call->conn->socket, iov, (int)count);

        if (took < 0) {
            call->write_failed = true;
            break;
        }
        call->sent = call->sent || took > 0;
        call_advance(call, (size_t)took);
        if (took > 0) {
            call->sent_ms = loop_now(call->client->o.loop);
            call_silence(call, call->timeouts.write_ms);
        }
        if ((size_t)took < bytes)
            break;
    }
    if (count == 0) {
        call_move(call, PHASE_WAITING);
        call_silence(call, call->timeouts.first_byte_ms);
    }
    call_watch(call);
}

/* --- the answer */

/* Keeps what was not taken: part of a head, or all that came when the owner paused. */
static void call_hold(struct call *call, struct str rest)
{
    bool is_held =
        call->held.len > 0 && rest.at >= call->held.at && rest.at <= call->held.at + call->held.len;

    if (is_held) {
        buf_drop(&call->held, call->held.len - rest.len);
    } else {
        bool fits = buf_add(&call->held, rest);
        assert(fits); /* a head below its limit and one read */
    }
    if (call->held.len == 0 && call->held.cap > 0)
        buf_clear(&call->held);
}

static void call_head(struct call *call)
{
    call->unsent = call->phase == PHASE_SENDING;
    call->head_seen = true;
    call_move(call, PHASE_READING);
    call_silence(call, call->timeouts.idle_ms);
    if (call->unsent)
        call_watch(call); /* what is not sent yet is not wanted any more */
    call->hooks.on_head(call->hooks.peer, &call->client->head);
}

/* Gives the answer as far as the bytes go and the owner wants it. */
static void call_take(struct call *call, struct str in)
{
    struct str out;

    while (call->phase != PHASE_OVER && !call->paused) {
        switch (answer_next(&call->answer, &in, &call->client->head, &out)) {
        case ANSWER_HEAD:
            call_head(call);
            break;
        case ANSWER_DATA:
            call->hooks.on_data(call->hooks.peer, out);
            break;
        case ANSWER_END:
            call_end(call, in.len > 0);
            return;
        case ANSWER_BAD:
            call_fail(call, CALL_PROTOCOL, "%.*s: bad answer: %s", HOST_ARG(call),
                      call->answer.what);
            return;
        case ANSWER_TOO_LARGE:
            call_fail(call, CALL_TOO_LARGE, "%.*s: answer over a limit: %s", HOST_ARG(call),
                      call->answer.what);
            return;
        case ANSWER_MORE:
            call_hold(call, in);
            return;
        }
    }
    if (call->phase != PHASE_OVER)
        call_hold(call, in);
}

/* Was the kept connection dead before the request came? Then it says so as soon as something is
 * sent. One that ends later may have carried the request to somebody who worked on it, which does
 * no harm when it only asks for something. */
static bool call_was_stale(const struct call *call)
{
    int64_t now_ms = loop_now(call->client->o.loop);

    return !call->received && call->reused && !call->repeated &&
           (!call->sent || str_starts(call->parts[0], STR("GET ")) ||
            now_ms - call->sent_ms <= call->client->o.limits.stale_ms);
}

/* The connection ended, or broke. */
static void call_broken(struct call *call, bool orderly)
{
    const char *why = orderly ? "closed the connection" : socket_why(call->conn->socket);

    if (call_was_stale(call))
        call_repeat(call);
    else if (!call->received && call->write_failed)
        call_fail(call, CALL_WRITE, "%.*s: cannot send the request: %s", HOST_ARG(call), why);
    else if (!call->received)
        call_fail(call, CALL_RESET, "%.*s: no answer: %s", HOST_ARG(call), why);
    else if (orderly && answer_eof(&call->answer))
        call_end(call, false);
    else
        call_fail(call, CALL_CUT, "%.*s: the answer was cut %s: %s", HOST_ARG(call),
                  call->head_seen ? "in its body" : "in its head", why);
}

static void call_read(struct call *call)
{
    char *scratch = loop_scratch(call->client->o.loop);
    long n = socket_read(call->conn->socket, scratch, LOOP_SCRATCH);

    if (n == SOCKET_AGAIN)
        return;
    if (n < 0) {
        call_broken(call, n == SOCKET_EOF);
        return;
    }
    struct str in = { scratch, (size_t)n };

    call->received = true;
    if (call->phase == PHASE_READING)
        call_silence(call, call->timeouts.idle_ms);
    if (call->held.len > 0) {
        bool fits = buf_add(&call->held, in);
        assert(fits);
        in = buf_str(&call->held);
    }
    call_take(call, in);
}

/* Is what there is to be read older than the request? A kept connection may have spoken or ended
 * while other events of the same turn had theirs. */
static bool call_is_early(const struct call *call)
{
    return call->reused && !call->received && call->had_polls == loop_polls(call->client->o.loop) &&
           socket_has_input(call->conn->socket);
}

static void call_on_ready(void *peer, unsigned what)
{
    struct call *call = peer;

    if ((what & SOCKET_READ) != 0 && call_is_early(call)) {
        call_repeat(call);
        return;
    }
    if ((what & SOCKET_READ) != 0 && !call->paused)
        call_read(call);
    if ((what & SOCKET_WRITE) != 0 && call->phase == PHASE_SENDING && !call->write_failed)
        call_write(call);
}

/* --- silence, and pauses */

static void call_on_timer(void *peer, int64_t now_ms)
{
    struct call *call = peer;

    if (now_ms >= call->total_due_ms) {
        call_fail(call, CALL_TOTAL, "%.*s: not done within %" PRId64 " ms in all", HOST_ARG(call),
                  call->timeouts.total_ms);
        return;
    }
    if (now_ms < call->silence_due_ms) {
        call_arm(call, now_ms);
        return;
    }
    switch (call->phase) {
    case PHASE_SENDING:
        call_fail(call, CALL_WRITE, "%.*s: took nothing of the request for %" PRId64 " ms",
                  HOST_ARG(call), call->timeouts.write_ms);
        return;
    case PHASE_WAITING:
        call_fail(call, CALL_FIRST_BYTE, "%.*s: no answer within %" PRId64 " ms", HOST_ARG(call),
                  call->timeouts.first_byte_ms);
        return;
    case PHASE_READING:
        call_fail(call, CALL_IDLE, "%.*s: silent for %" PRId64 " ms in the middle of its answer",
                  HOST_ARG(call), call->timeouts.idle_ms);
        return;
    case PHASE_DIALLING:
    case PHASE_OVER:
    case PHASES:
        break;
    }
    assert(false && "a phase in which silence is counted");
}

/* What came before the pause, once its owner is out of whatever it was in. */
static void call_resume(void *peer)
{
    struct call *call = peer;

    if (call->phase != PHASE_OVER && !call->paused)
        call_take(call, buf_str(&call->held));
}

void call_pause(struct call *call, bool paused)
{
    int64_t now_ms = loop_now(call->client->o.loop);

    if (call->phase == PHASE_OVER || call->paused == paused)
        return;
    call->paused = paused;
    if (call->phase == PHASE_DIALLING)
        return;
    call_watch(call);
    if (call->phase == PHASE_SENDING)
        return;
    if (paused) {
        call->silence_left_ms = call->silence_due_ms - now_ms;
        call->silence_due_ms = INT64_MAX;
    } else {
        call_silence(call, call->silence_left_ms);
        loop_later(call->client->o.loop, call_resume, call);
    }
}

bool call_is_all(const struct call *call)
{
    return answer_is_all(&call->answer);
}

bool call_is_reused(const struct call *call)
{
    return call->reused;
}

/* --- the client */

static struct call *call_new(struct client *c, const struct call_options *o)
{
    size_t count = o->body_parts + 1;
    struct call *call = must_alloc(sizeof(*call) + count * sizeof(struct str) + o->head.len);
    char *head = (char *)&call->parts[count];

    *call = (struct call){
        .client = c,
        .next = c->calls,
        .origin = o->origin,
        .timeouts = o->timeouts,
        .hooks = o->hooks,
        .silence_due_ms = INT64_MAX,
        .total_due_ms = loop_now(c->o.loop) + o->timeouts.total_ms,
        .part_count = count,
    };
    memcpy(head, o->head.at, o->head.len);
    call->parts[0] = (struct str){ head, o->head.len };
    for (size_t i = 1; i < count; i++)
        call->parts[i] = o->body[i - 1];
    answer_init(&call->answer, &c->o.limits, o->to_head);
    buf_init(&call->held, (size_t)c->o.limits.head_bytes + 2 * LOOP_SCRATCH);
    timer_init(&call->timer, c->o.loop, call_on_timer, call);
    if (c->calls != NULL)
        c->calls->prev = call;
    c->calls = call;
    return call;
}

struct call *client_send(struct client *c, const struct call_options *options)
{
    struct call *call = call_new(c, options);
    struct conn *conn = conn_take(&c->pool, call->origin->pool_key);

    assert(options->head.len > 0);
    count_one(&c->o.metrics->calls);
    if (conn == NULL) {
        call_dial(call);
        return call;
    }
    count_one(&c->o.metrics->connections_reused);
    call_connected(call, conn, true);
    return call;
}

struct client *client_new(const struct client_options *options, struct error *e)
{
    assert(options->metrics != NULL);
    assert(options->limits.field_count <= HTTP_FIELDS_MAX);
    struct tls_client *tls = tls_client_new(&options->tls, e);

    if (tls == NULL)
        return NULL;
    struct client *c = must_calloc(1, sizeof(*c));

    c->o = *options;
    c->tls = tls;
    c->dns = dns_new(options->loop);
    conn_pool_init(&c->pool, options->loop, &c->o.limits);
    return c;
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    while (c->calls != NULL)
        call_cancel(c->calls);
    conn_pool_clear(&c->pool);
    dns_free(c->dns);
    tls_client_free(c->tls);
    free(c);
}

size_t client_idle(const struct client *c)
{
    return c->pool.idle;
}
