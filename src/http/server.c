#include "http/server_int.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/timetext.h"
#include "http/websocket.h"

/* From accept to close:
 *
 *     conn_on_ready    socket is readable or writable
 *       conn_readable    one read, then conn_feed() until nothing moves
 *       conn_writable    the queue, then on_room or the next request
 *     conn_on_timer    the state's deadline has passed
 *     conn_on_probe    is a half-closed client still there?
 *
 * Everything ends in conn_settle(). A connection that is closed stays in memory until the turn is
 * over, so whoever called a hook looks at the state and touches nothing else. */

#define TO(s) (1u << CONN_##s)
static const struct {
    const char *name;
    uint32_t next;
} conn_states[CONN_STATES] = {
    [CONN_IDLE] = { "idle", TO(HEAD) | TO(SERVING) | TO(FLUSHING) | TO(CLOSED) },
    [CONN_HEAD] = { "head", TO(SERVING) | TO(FLUSHING) | TO(CLOSED) },
    [CONN_SERVING] = { "serving", TO(BODY) | TO(FLUSHING) | TO(CLOSED) },
    [CONN_BODY] = { "body", TO(SERVING) | TO(FLUSHING) | TO(CLOSED) },
    [CONN_FLUSHING] = { "flushing", TO(IDLE) | TO(LINGER) | TO(CLOSED) },
    [CONN_LINGER] = { "linger", TO(CLOSED) },
    [CONN_CLOSED] = { "closed", 0 },
};

void conn_move(struct conn *c, enum conn_state to)
{
    assert(conn_states[c->state].next & (1u << to));
    c->state = to;
}

/* Stopping a timer and starting it anew moves it about in the loop's heap; pushing it back costs
 * two stores, and each request would stop and start it once. */
void conn_rest(struct conn *c)
{
    c->stalling = false;
    timer_start(&c->timer, NO_DEADLINE_MS);
}

/* --- the end of a connection ------------------------------------------------------------------ */

static void server_done(void *peer)
{
    struct server *s = peer;
    void (*drained)(void *peer) = s->drained;

    s->drained = NULL;
    s->done_coming = false;
    drained(s->drained_peer); /* which may free the server */
}

static void server_check_drained(struct server *s)
{
    if (!s->draining || s->conn_count > 0 || s->drained == NULL || s->done_coming)
        return;
    timer_stop(&s->drain_timer);
    s->done_coming = true;
    loop_later(s->loop, server_done, s);
}

static void conn_uncount(struct conn *c)
{
    struct server *s = c->server;

    if (c->counted)
        atomic_fetch_sub_explicit(s->total, 1, memory_order_relaxed);
    else
        s->turned_away--;
    if (c->peer_counted)
        peers_return(s->peers, &c->peer);
    s->conn_count--;
    count_add(&s->metrics->connections_open, UINT64_MAX); /* one less */
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    server_check_drained(s);
}

void server_conn_close(struct conn *c, bool reset)
{
    struct server *s = c->server;

    assert(c->served == NULL);
    conn_move(c, CONN_CLOSED);
    socket_close(c->socket, reset);
    timer_stop(&c->timer);
    timer_stop(&c->probe);
    buf_clear(&c->in);
    buf_clear(&c->out);
    if (c->messages != NULL)
        messages_free(c);
    c->out_sent = 0;
    budget_charge(s->budget, -c->charged);
    conn_uncount(c);
    loop_doom(s->loop, c, free);
}

void conn_gone(struct conn *c, enum gone why)
{
    struct served *sv = c->served;
    /* on HTTP/1.0 an answer may end with the connection: only a reset shows that it was cut */
    bool reset = why == GONE_RESET || why == GONE_HALF_CLOSE || why == GONE_STALLED ||
                 (sv->started && !sv->chunking && sv->answer_left < 0);

    if (why == GONE_RESET || why == GONE_HALF_CLOSE)
        count_one(&c->server->metrics->clients_left);
    sv->gone = true;
    sv->parting = why == GONE_DRAIN;
    c->server->hooks.on_gone(c->server->hooks.peer, &sv->r, why);
    if (c->served != sv)
        return; /* the answer was ended after all */
    request_free(sv);
    server_conn_close(c, reset);
}

/* A client that may still be sending would answer our close with a reset, and the reset would
 * destroy the answer it has not read yet: so FIN first, and its input goes nowhere for a while. */
static void conn_linger(struct conn *c)
{
    conn_move(c, CONN_LINGER);
    if (!c->feeding) {
        c->lingered += c->in.len;
        buf_clear(&c->in);
    }
    socket_shut_write(c->socket);
    timer_start(&c->timer, c->server->limits.linger_ms);
}

static bool conn_discard(struct conn *c)
{
    c->lingered += c->unread.len;
    c->unread = STR("");
    if (c->state == CONN_LINGER && c->lingered >= c->server->limits.linger_bytes)
        server_conn_close(c, false);
    return false;
}

/* --- the next request ------------------------------------------------------------------------- */

static void conn_resume(void *peer)
{
    struct conn *c = peer;

    c->resuming = false;
    if (c->state != CONN_IDLE)
        return;
    conn_feed(c, buf_str(&c->in));
    conn_settle(c);
}

void conn_flushed(struct conn *c)
{
    struct server *s = c->server;
    bool unread = conn_unread(c).len > 0;

    assert(c->state == CONN_FLUSHING);
    assert(conn_queued(c) == 0);
    if (c->broken || (c->read_eof && (c->ends || !unread)))
        server_conn_close(c, c->broken);
    else if ((c->ends || s->draining) && (c->lingers || unread))
        conn_linger(c);
    else if (c->ends || s->draining)
        server_conn_close(c, false);
    else {
        conn_move(c, CONN_IDLE);
        c->stalling = false;
        if (c->messages != NULL)
            messages_rest(c);
        else
            timer_start(&c->timer, s->limits.keep_alive_ms);
        /* not from here: further up the stack somebody is still busy with the old request */
        if (unread && !c->feeding && !c->resuming) {
            c->resuming = true;
            loop_later(s->loop, conn_resume, c);
        }
    }
}

/* --- input ------------------------------------------------------------------------------------ */

struct str conn_unread(const struct conn *c)
{
    return c->feeding ? c->unread : buf_str(&c->in);
}

static bool conn_step(struct conn *c)
{
    switch (c->state) {
    case CONN_IDLE:
    case CONN_HEAD:
        return c->messages != NULL ? conn_take_message(c) : conn_take_head(c);
    case CONN_BODY:
        return conn_take_body(c);
    case CONN_FLUSHING:
        return c->ends && conn_discard(c);
    case CONN_LINGER:
        return conn_discard(c);
    case CONN_SERVING:
        return c->messages != NULL && conn_take_message(c);
    case CONN_CLOSED:
    case CONN_STATES:
        break;
    }
    return false;
}

/* What was dropped from the front are the requests that were counted first, so the count stays
 * good; when more was dropped than was counted, it begins anew. */
static void ahead_drop(struct ahead *a, size_t bytes, uint32_t requests)
{
    if (bytes > a->at) {
        *a = (struct ahead){ 0 };
        return;
    }
    a->at -= bytes;
    a->count -= requests < a->count ? requests : a->count;
}

/* Keeps what was not taken: it lies in `in` already, or in the scratch area. */
static void conn_keep(struct conn *c)
{
    assert(c->in.len == 0 || c->unread.len <= c->in.len);
    if (c->in.len > 0) {
        size_t taken = c->in.len - c->unread.len;

        buf_drop(&c->in, taken);
        ahead_drop(&c->ahead, taken, c->taken);
    } else if (c->unread.len > 0) {
        bool kept = buf_add(&c->in, c->unread);
        assert(kept);
    }
    if (c->in.len == 0) {
        buf_clear(&c->in);
        c->ahead = (struct ahead){ 0 };
    }
    c->unread = STR("");
}

void conn_skip(struct conn *c, struct str rest)
{
    if (c->feeding) {
        c->unread = rest;
        return;
    }
    c->taken = 0;
    c->unread = rest;
    conn_keep(c);
}

void conn_feed(struct conn *c, struct str bytes)
{
    assert(!c->feeding);
    c->feeding = true;
    c->unread = bytes;
    c->taken = 0;
    while (conn_step(c))
        continue;
    c->feeding = false;
    if (c->state == CONN_CLOSED)
        return;
    conn_keep(c);
    if (c->read_eof && (c->state == CONN_IDLE || c->state == CONN_HEAD))
        server_conn_close(c, false); /* what is left can never become a request */
}

static void conn_start_probe(struct conn *c)
{
    c->probe_ms = PROBE_FIRST_MS;
    timer_start(&c->probe, c->probe_ms);
}

/* R10. A FIN is the same for a client that has left and one that has merely said all it will say:
 * who speaks HTTP/1.0 or announced the end is taken for the latter. */
static void conn_eof_serving(struct conn *c)
{
    struct served *sv = c->served;
    struct server *s = c->server;

    if (sv->r.head->minor > 0 && sv->r.head->keep_alive) {
        if (!sv->started) {
            conn_gone(c, GONE_RESET);
            return;
        }
        if (s->hooks.on_half_close != NULL)
            s->hooks.on_half_close(s->hooks.peer, &sv->r);
    }
    if (c->state == CONN_SERVING)
        conn_start_probe(c);
}

static void conn_eof(struct conn *c)
{
    c->read_eof = true;
    switch (c->state) {
    case CONN_IDLE:
    case CONN_HEAD:
    case CONN_LINGER:
        server_conn_close(c, false);
        break;
    case CONN_BODY:
        conn_gone(c, GONE_RESET);
        break;
    case CONN_SERVING:
        conn_eof_serving(c);
        break;
    case CONN_FLUSHING: /* there is an answer to be finished; the write will tell */
    case CONN_CLOSED:
    case CONN_STATES:
        break;
    }
}

static void conn_reset(struct conn *c)
{
    if (c->served != NULL)
        conn_gone(c, c->read_eof ? GONE_HALF_CLOSE : GONE_RESET);
    else
        server_conn_close(c, true);
}

static void conn_read_failed(struct conn *c, long how)
{
    if (how == SOCKET_EOF)
        conn_eof(c);
    else if (how == SOCKET_FAILED)
        conn_reset(c);
}

static void conn_readable(struct conn *c)
{
    char *scratch = loop_scratch(c->server->loop);

    if (conn_reads_body(c)) {
        long n = conn_read_body(c);

        if (n > 0)
            conn_feed(c, STR(""));
        else
            conn_read_failed(c, n);
        return;
    }
    bool awaits_head = c->state == CONN_IDLE || c->state == CONN_HEAD;
    size_t room = c->in.len > 0 ? IN_MAX - c->in.len : awaits_head ? HEAD_READ : LOOP_SCRATCH;
    long n = socket_read(c->socket, scratch, room < LOOP_SCRATCH ? room : LOOP_SCRATCH);

    if (n <= 0) {
        conn_read_failed(c, n);
        return;
    }
    struct str bytes = { scratch, (size_t)n };

    if (c->in.len > 0) {
        bool kept = buf_add(&c->in, bytes);
        assert(kept);
        bytes = buf_str(&c->in);
    }
    conn_feed(c, bytes);
}

/* --- output ----------------------------------------------------------------------------------- */

static void conn_writable(struct conn *c)
{
    struct server *s = c->server;

    c->full = false;
    conn_write(c);
    if (c->broken) {
        conn_reset(c);
        return;
    }
    if (c->state == CONN_FLUSHING && conn_queued(c) == 0) {
        conn_flushed(c);
        return;
    }
    if (c->starved && c->served != NULL && conn_queued(c) <= s->limits.write_low_bytes) {
        c->starved = false;
        s->hooks.on_room(s->hooks.peer, &c->served->r);
    }
}

/* A write of nothing takes no room and still tells when the other side has answered with a reset:
 * after a FIN the socket is readable for ever, so no other event says so. */
static void conn_on_probe(void *peer, int64_t now_ms)
{
    struct conn *c = peer;
    const struct iovec nothing = { .iov_base = NULL, .iov_len = 0 };

    (void)now_ms;
    if (c->state != CONN_SERVING)
        return;
    if (socket_writev(c->socket, &nothing, 1) == SOCKET_FAILED) {
        conn_reset(c);
        return;
    }
    c->probe_ms = c->probe_ms * 2 < PROBE_LAST_MS ? c->probe_ms * 2 : PROBE_LAST_MS;
    timer_start(&c->probe, c->probe_ms);
}

/* --- events ----------------------------------------------------------------------------------- */

static bool conn_wants_input(struct conn *c)
{
    if (c->read_eof)
        return false;
    if (c->state == CONN_FLUSHING && c->lingered >= c->server->limits.linger_bytes)
        return false;
    if (c->in.len == 0)
        return true;
    if (c->messages != NULL)
        return c->in.len < LOOP_SCRATCH;
    if (c->state != CONN_SERVING && c->state != CONN_FLUSHING)
        return c->in.len < IN_MAX; /* all of it is taken before this turn is over */
    return c->in.len < LOOP_SCRATCH && conn_count_ahead(c) < c->server->limits.pipelined;
}

static void conn_on_ready(void *peer, unsigned what)
{
    struct conn *c = peer;

    if ((what & SOCKET_WRITE) && c->full)
        conn_writable(c);
    if ((what & SOCKET_READ) && c->state != CONN_CLOSED && conn_wants_input(c))
        conn_readable(c);
    conn_settle(c);
}

static void conn_on_timer(void *peer, int64_t now_ms)
{
    struct conn *c = peer;
    struct server_metrics *m = c->server->metrics;

    if (c->messages != NULL && (c->state == CONN_IDLE || c->state == CONN_HEAD)) {
        messages_on_timer(c, now_ms);
        conn_settle(c);
        return;
    }
    switch (c->state) {
    case CONN_IDLE:
        count_one(c->fresh ? &m->timed_out_first_byte : &m->timed_out_keep_alive);
        server_conn_close(c, false);
        break;
    case CONN_HEAD:
        conn_refuse(c, (struct refusal){ 408, "the head took too long", &m->timed_out_head });
        break;
    case CONN_BODY:
        request_body_timer(c, now_ms);
        break;
    case CONN_SERVING:
        if (!c->stalling) {
            conn_rest(c);
            break;
        }
        count_one(&m->timed_out_write);
        conn_gone(c, GONE_STALLED);
        break;
    case CONN_FLUSHING:
        count_one(&m->timed_out_write);
        server_conn_close(c, true);
        break;
    case CONN_LINGER:
        server_conn_close(c, false);
        break;
    case CONN_CLOSED:
    case CONN_STATES:
        break;
    }
    conn_settle(c);
}

void conn_charge(struct conn *c)
{
    int64_t held = (int64_t)(c->in.cap + (c->full ? c->out.cap : 0) +
                             (c->served != NULL ? c->served->body.len : 0) +
                             (c->messages != NULL ? messages_held(c) : 0));

    if (held == c->charged)
        return;
    budget_charge(c->server->budget, held - c->charged);
    c->charged = held;
}

void conn_settle(struct conn *c)
{
    if (c->state == CONN_CLOSED || c->feeding)
        return;
    conn_charge(c);
    socket_watch(c->socket, (conn_wants_input(c) ? (unsigned)SOCKET_READ : 0) |
                                (c->full ? (unsigned)SOCKET_WRITE : 0));
}

/* --- the server ------------------------------------------------------------------------------- */

/* Milliseconds of a wall clock second that are over decide when the next sample is due, so Date is
 * never a second behind. */
void server_clock(struct server *s)
{
    int64_t now_ms = loop_now(s->loop);

    if (now_ms < s->clock_until_ms)
        return;
    int64_t unix_ms = clock_unix_ms();

    s->clock_offset_ms = unix_ms - now_ms;
    s->clock_until_ms = now_ms + 1000 - unix_ms % 1000;
    s->date.len = 0;
    bool fits = buf_add(&s->date, STR("Date: ")) && date_put_http(&s->date, unix_ms) &&
                buf_add(&s->date, STR("\r\n"));
    assert(fits);
}

static void server_drain_on_timer(void *peer, int64_t now_ms);

struct server *server_new(const struct server_options *options)
{
    struct server *s = must_calloc(1, sizeof(*s));

    assert(options->loop != NULL);
    assert(options->budget != NULL);
    assert(options->metrics != NULL);
    assert(options->connections != NULL);
    assert(options->limits.body_bytes_s > 0);
    assert(options->limits.inflate_ratio > 0);
    assert(options->hooks.on_request != NULL && options->hooks.on_body != NULL);
    assert(options->hooks.on_room != NULL && options->hooks.on_gone != NULL);
    s->loop = options->loop;
    s->limits = options->limits;
    s->head_limits = (struct http_limits){
        .line_bytes = s->limits.line_bytes,
        .head_bytes =
            s->limits.head_bytes < LOOP_SCRATCH ? s->limits.head_bytes : (uint32_t)LOOP_SCRATCH,
        .field_count =
            s->limits.field_count < HTTP_FIELDS_MAX ? s->limits.field_count : HTTP_FIELDS_MAX,
    };
    s->hooks = options->hooks;
    s->budget = options->budget;
    s->metrics = options->metrics;
    s->total = options->connections;
    s->peers_own = options->peers == NULL;
    s->peers = s->peers_own ? peers_new() : options->peers;
    buf_init(&s->date, 64);
    s->clock_until_ms = INT64_MIN;
    timer_init(&s->drain_timer, s->loop, server_drain_on_timer, s);
    server_set_hosts(s, options->hosts, options->host_count);
    return s;
}

void server_free(struct server *s)
{
    if (s == NULL)
        return;
    assert(s->conn_count == 0);
    timer_stop(&s->drain_timer);
    if (s->peers_own)
        peers_free(s->peers);
    arena_free(&s->host_arena);
    buf_clear(&s->date);
    free(s);
}

void server_set_hosts(struct server *s, const struct str *hosts, size_t count)
{
    arena_free(&s->host_arena);
    struct str *copies = count > 0 ? arena_array(&s->host_arena, struct str, count) : NULL;

    for (size_t i = 0; i < count; i++)
        copies[i] = arena_copy(&s->host_arena, hosts[i]);
    s->hosts = copies;
    s->host_count = count;
    s->host_epoch++;
}

uint32_t server_connections(const struct server *s)
{
    return s->conn_count;
}

uint32_t server_requests_running(const struct server *s)
{
    return s->running;
}

/* --- accepting -------------------------------------------------------------------------------- */

/* Takes the connection's places under the limits; what it could not get, `why` says. */
static bool conn_count_in(struct conn *c, struct refusal *why)
{
    struct server *s = c->server;
    uint32_t before = atomic_fetch_add_explicit(s->total, 1, memory_order_relaxed);

    if (before >= s->limits.connections) {
        *why = (struct refusal){ 503, "too many connections", &s->metrics->refused_connections };
    } else if (!address_is_loopback(&c->peer) &&
               !peers_take(s->peers, &c->peer, s->limits.connections_peer)) {
        *why = (struct refusal){ 503, "too many connections from this address",
                                 &s->metrics->refused_connections_peer };
    } else {
        c->counted = true;
        c->peer_counted = !address_is_loopback(&c->peer);
        return true;
    }
    atomic_fetch_sub_explicit(s->total, 1, memory_order_relaxed);
    return false;
}

static void conn_link(struct conn *c)
{
    struct server *s = c->server;

    c->next = s->conns;
    if (c->next != NULL)
        c->next->prev = c;
    s->conns = c;
    s->conn_count++;
    if (!c->counted)
        s->turned_away++;
    count_one(&s->metrics->connections_open);
}

void server_accept(struct server *s, struct accepted *a)
{
    struct conn *c = must_calloc(1, sizeof(*c));
    struct refusal why = { 0 };

    count_one(&s->metrics->connections_accepted);
    c->server = s;
    c->fresh = true;
    c->peer = accepted_peer(a);
    bool admitted = !s->draining && conn_count_in(c, &why);

    if (!admitted && (s->draining || s->turned_away >= s->limits.turned_away)) {
        if (why.counter != NULL)
            count_one(why.counter);
        accepted_drop(a);
        free(c);
        return;
    }
    c->socket = accepted_adopt(a, s->loop, conn_on_ready, c);
    if (c->socket == NULL) {
        if (c->peer_counted)
            peers_return(s->peers, &c->peer);
        if (c->counted)
            atomic_fetch_sub_explicit(s->total, 1, memory_order_relaxed);
        free(c);
        return;
    }
    c->local = socket_local(c->socket);
    buf_init(&c->in, IN_MAX);
    buf_init(&c->out, OUT_MAX);
    timer_init(&c->timer, s->loop, conn_on_timer, c);
    timer_init(&c->probe, s->loop, conn_on_probe, c);
    conn_link(c);
    if (admitted)
        timer_start(&c->timer, s->limits.first_byte_ms);
    else
        conn_refuse(c, why);
    conn_settle(c);
}

/* --- draining --------------------------------------------------------------------------------- */

/* Calls `fn` for each connection there is now; a hook may meanwhile close any of them, and then
 * they are still in memory. */
static void server_each(struct server *s, void (*fn)(struct conn *c))
{
    uint32_t count = 0;
    struct conn **all = must_alloc(sizeof(struct conn *) * s->conn_count);

    for (struct conn *c = s->conns; c != NULL; c = c->next)
        all[count++] = c;
    assert(count == s->conn_count);
    for (uint32_t i = 0; i < count; i++)
        if (all[i]->state != CONN_CLOSED)
            fn(all[i]);
    free(all);
}

static void conn_drain_idle(struct conn *c)
{
    if (c->state != CONN_IDLE && c->state != CONN_HEAD)
        return;
    if (c->messages != NULL) {
        messages_close(c, WEBSOCKET_GOING_AWAY);
        conn_settle(c);
    } else {
        server_conn_close(c, false);
    }
}

static void conn_drain_running(struct conn *c)
{
    if (c->served != NULL)
        conn_gone(c, GONE_DRAIN);
    conn_settle(c);
}

static void conn_drain_rest(struct conn *c)
{
    server_conn_close(c, false);
}

static void server_drain_on_timer(void *peer, int64_t now_ms)
{
    struct server *s = peer;

    (void)now_ms;
    if (s->drain_over) {
        server_each(s, conn_drain_rest);
        return;
    }
    s->drain_over = true;
    server_each(s, conn_drain_running);
    if (s->conn_count > 0)
        timer_start(&s->drain_timer, s->limits.linger_ms);
}

void server_drain(struct server *s, int64_t patience_ms, void (*done)(void *peer), void *peer)
{
    s->draining = true;
    s->drained = done;
    s->drained_peer = peer;
    server_each(s, conn_drain_idle);
    if (patience_ms <= 0) {
        s->drain_over = true;
        server_each(s, conn_drain_running);
        server_each(s, conn_drain_rest);
    } else if (s->conn_count > 0 && !s->drain_over) {
        timer_start(&s->drain_timer, patience_ms);
    }
    server_check_drained(s);
}
