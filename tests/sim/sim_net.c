/* tests/sim/sim_net.c - the simulated network: connections, listeners, sockets.
 *
 * A connection has two ends. What an end sends is in flight until the network lets some of it
 * arrive at the other one, as far as that one's window allows. An end belongs to a socket of the
 * program or to the test. */
#include <stdio.h>
#include <stdlib.h>

#include "sim_int.h"

#define BUFFER_BYTES ((size_t)64 << 10)
#define ACCEPTS_PER_TURN 16
#define FIRST_PORT 40001

enum { CLIENT, SERVER };

struct sim_peer {
    struct connection *connection;
    unsigned side;
    struct socket *socket; /* NULL: the test's, or not adopted yet */
    bool is_test;
    bool shut;     /* nothing more is sent */
    bool closed;   /* nothing more is taken */
    bool resets;   /* a reset is in flight */
    bool ended;    /* the other side's end has arrived */
    bool is_reset; /* … or its reset, or the connection broke */
    struct queue flight, arrived;
    size_t window;
    size_t breaks_after; /* bytes that still arrive here; SIZE_MAX: it does not break */
    struct sim_hooks hooks;
    void *data;
    struct buf taken; /* what sim_take() gave last */
};

struct connection {
    uint64_t id;
    struct address addresses[2];
    struct sim_peer *ends[2]; /* the server's is NULL until accepted */
    bool settled;             /* accepted or refused */
    bool stalled;
    char tls_host[256];
};

enum socket_state { CONNECTING, OPEN, HANDSHAKING, BROKEN };

struct socket {
    struct source source;
    struct sim_peer *end;
    socket_fn *fn;
    void *peer;
    enum socket_state state;
    unsigned wished;
    bool emptied;
    struct tls_client *tls;
    bool resumed;
    char why[128];
};

struct accepted {
    struct sim_peer *end;
};

struct listener {
    struct source source;
    struct address at;
    listener_fn *fn;
    void *peer;
    bool paused;
    struct list queue; /* of struct accepted */
};

struct sim_listener {
    struct address at;
    struct sim_hooks hooks;
    bool open;
    size_t accepted;
};

struct tls_client {
    struct list seen; /* hosts that gave a ticket, as C strings */
};

struct reach {
    struct address at;
    enum sim_reach reach;
};

struct refusal {
    char host[256];
    char why[128];
};

struct network {
    struct list active;      /* connections on which something may still happen */
    struct list connections; /* all, for the end of the world */
    struct list ends;
    struct list listeners, sim_listeners, reaches, refusals;
    uint64_t next_id;
    uint16_t next_port;
    size_t send_room, receive_room, chunk_max;
    bool no_descriptors;
};

struct network *network_new(void)
{
    struct network *n = must_calloc(1, sizeof(*n));

    n->send_room = n->receive_room = BUFFER_BYTES;
    n->chunk_max = SIZE_MAX;
    n->next_port = FIRST_PORT;
    return n;
}

static void list_free_items(struct list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->at[i]);
    list_free(l);
}

void network_free(struct network *n)
{
    for (size_t i = 0; i < n->ends.count; i++) {
        struct sim_peer *end = n->ends.at[i];

        queue_clear(&end->flight);
        queue_clear(&end->arrived);
        buf_clear(&end->taken);
    }
    list_free_items(&n->ends);
    list_free_items(&n->connections);
    list_free_items(&n->sim_listeners);
    list_free_items(&n->reaches);
    list_free_items(&n->refusals);
    list_free(&n->active);
    list_free(&n->listeners);
    free(n);
}

/* --- addresses */

static bool address_eq(const struct address *a, const struct address *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* Does one who listens at `at` take what is for `to`? */
static bool address_covers(const struct address *at, const struct address *to)
{
    static const struct address any = { .is_v4 = false };
    size_t from = at->is_v4 ? 12 : 0;

    return address_eq(at, to) || (at->port == to->port && at->is_v4 == to->is_v4 &&
                                  memcmp(at->ip + from, any.ip + from, sizeof(any.ip) - from) == 0);
}

static struct address local_address(uint16_t port)
{
    return (struct address){ .ip = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 },
                             .port = port,
                             .is_v4 = true };
}

static uint16_t port_next(void)
{
    struct network *n = world->network;
    uint16_t port = n->next_port;

    n->next_port = port == UINT16_MAX ? FIRST_PORT : (uint16_t)(port + 1);
    return port;
}

/* --- connections */

static struct sim_peer *end_new(struct connection *c, unsigned side)
{
    struct sim_peer *end = must_calloc(1, sizeof(*end));

    end->connection = c;
    end->side = side;
    end->window = world->network->receive_room;
    end->breaks_after = SIZE_MAX;
    c->ends[side] = end;
    list_add(&world->network->ends, end);
    return end;
}

static struct connection *connection_new(const struct address *from, const struct address *to)
{
    struct connection *c = must_calloc(1, sizeof(*c));

    c->id = ++world->network->next_id;
    c->addresses[CLIENT] = *from;
    c->addresses[SERVER] = *to;
    list_add(&world->network->connections, c);
    list_add(&world->network->active, c);
    end_new(c, CLIENT);
    return c;
}

static struct sim_peer *end_other(const struct sim_peer *end)
{
    return end->connection->ends[1 - end->side];
}

static void tell(struct sim_peer *end, void (*hook)(void *arg, struct sim_peer *p))
{
    if (hook != NULL)
        hook(end->hooks.arg, end);
}

static void end_reset(struct sim_peer *end)
{
    if (end->is_reset)
        return;
    world_note('R', end->connection->id, end->side);
    end->is_reset = true;
    queue_clear(&end->flight);
    tell(end, end->hooks.on_reset);
}

static size_t chunk_size(size_t most)
{
    size_t max = world->network->chunk_max;

    most = most < max ? most : max;
    switch (world_draw() % 8) {
    case 0:
        return 1;
    case 1:
        return most;
    case 2:
        most = most < 16 ? most : 16;
        break;
    default:
        break;
    }
    return 1 + (size_t)(world_draw() % most);
}

/* Some of what `from` has in flight arrives. */
static void arrive(struct sim_peer *from, struct sim_peer *to, size_t room)
{
    struct str bytes = queue_bytes(&from->flight);
    size_t most = bytes.len < room ? bytes.len : room;
    size_t n = chunk_size(most < to->breaks_after ? most : to->breaks_after);

    queue_add(&to->arrived, str_take(bytes, n));
    queue_drop(&from->flight, n);
    world_note('D', to->connection->id * 2 + to->side, n);
    if (to->breaks_after != SIZE_MAX)
        to->breaks_after -= n;
    tell(to, to->hooks.on_data);
    if (to->breaks_after == 0) {
        end_reset(to);
        end_reset(from);
    }
}

/* One way of one connection. False: nothing can move there. */
static bool pipe_step(struct sim_peer *from, struct sim_peer *to)
{
    if (from->resets) {
        from->resets = false;
        end_reset(to);
        return true;
    }
    if (from->is_reset || to->is_reset)
        return false;

    size_t flight = queue_bytes(&from->flight).len, waiting = queue_bytes(&to->arrived).len;

    if (flight > 0 && to->closed) { /* nobody is there any more */
        end_reset(from);
        return true;
    }
    if (flight > 0 && to->window <= waiting)
        return false;
    if (flight == 0 && (!from->shut || to->ended))
        return false;
    if (world_chance(4))
        return true; /* not just now */
    if (flight > 0) {
        arrive(from, to, to->window - waiting);
    } else {
        world_note('E', to->connection->id, to->side);
        to->ended = true;
        tell(to, to->hooks.on_end);
    }
    return true;
}

static enum sim_reach reach_of(const struct address *to)
{
    const struct list *l = &world->network->reaches;

    for (size_t i = 0; i < l->count; i++) {
        const struct reach *r = l->at[i];

        if (address_eq(&r->at, to))
            return r->reach;
    }
    return SIM_OPEN;
}

/* Gives the connection to whoever listens there. False: nobody. */
static bool connection_offer(struct connection *c)
{
    const struct network *n = world->network;
    const struct address *to = &c->addresses[SERVER];

    for (size_t i = 0; i < n->listeners.count; i++) {
        struct listener *l = n->listeners.at[i];

        if (!address_covers(&l->at, to))
            continue;

        struct accepted *a = must_calloc(1, sizeof(*a));

        a->end = end_new(c, SERVER);
        list_add(&l->queue, a);
        return true;
    }
    for (size_t i = 0; i < n->sim_listeners.count; i++) {
        struct sim_listener *l = n->sim_listeners.at[i];

        if (!l->open || !address_covers(&l->at, to))
            continue;

        struct sim_peer *end = end_new(c, SERVER);

        end->is_test = true;
        end->window = SIZE_MAX;
        end->hooks = l->hooks;
        l->accepted++;
        return true;
    }
    return false;
}

static bool connection_settle(struct connection *c)
{
    enum sim_reach reach = reach_of(&c->addresses[SERVER]);
    struct sim_peer *client = c->ends[CLIENT];

    if (reach == SIM_SILENT)
        return false;
    if (world_chance(4))
        return true;
    c->settled = true;
    if (reach == SIM_REFUSED || !connection_offer(c)) {
        world_note('X', c->id, 0);
        end_reset(client);
        return true;
    }
    world_note('C', c->id, 0);
    tell(client, client->hooks.on_connect);
    if (c->ends[SERVER]->is_test)
        tell(c->ends[SERVER], c->ends[SERVER]->hooks.on_connect);
    return true;
}

/* Nothing can happen on it any more, whatever the test or the program does. */
static bool connection_is_over(const struct connection *c)
{
    if (!c->settled) /* the program has given up */
        return c->ends[CLIENT]->closed && !c->ends[CLIENT]->is_test;
    for (unsigned i = 0; i < 2; i++) {
        const struct sim_peer *end = c->ends[i];

        if (end == NULL)
            continue; /* refused: the other one was reset */
        if (end->resets || (!end->is_reset && (!end->closed || !end_other(end)->ended)))
            return false;
    }
    return true;
}

static bool connection_step(struct connection *c)
{
    unsigned first = (unsigned)(world_draw() % 2);

    if (c->stalled)
        return false;
    if (!c->settled)
        return connection_settle(c);
    if (c->ends[SERVER] == NULL)
        return false;

    bool moved = pipe_step(c->ends[first], c->ends[1 - first]);

    return pipe_step(c->ends[1 - first], c->ends[first]) || moved;
}

bool network_step(void)
{
    struct list *active = &world->network->active;
    size_t count = active->count; /* hooks may make more */
    size_t first = count > 0 ? (size_t)(world_draw() % count) : 0;
    bool moved = false;

    for (size_t i = 0; i < count; i++)
        moved |= connection_step(active->at[(first + i) % count]);

    size_t kept = 0;

    for (size_t i = 0; i < active->count; i++)
        if (!connection_is_over(active->at[i]))
            active->at[kept++] = active->at[i];
    active->count = kept;
    return moved;
}

/* --- sockets */

static bool socket_is_ready(const struct source *source);
static void socket_run(struct source *source);

static struct socket *socket_of(struct source *source)
{
    return (struct socket *)(void *)source; /* its first member */
}

static struct socket *socket_new(struct loop *l, struct sim_peer *end, enum socket_state state,
                                 socket_fn *fn, void *peer)
{
    struct socket *s = must_calloc(1, sizeof(*s));

    assert(fn != NULL);
    source_add(&s->source, l, socket_is_ready, socket_run);
    s->end = end;
    s->state = state;
    s->fn = fn;
    s->peer = peer;
    end->socket = s;
    return s;
}

struct socket *socket_connect(struct loop *l, const struct address *to, socket_fn *fn, void *peer,
                              struct error *e)
{
    if (world->network->no_descriptors) {
        (void)fail(e, E_IO, "no socket: too many open files");
        return NULL;
    }

    struct address from = local_address(port_next());
    struct connection *c = connection_new(&from, to);

    return socket_new(l, c->ends[CLIENT], CONNECTING, fn, peer);
}

static bool end_has_input(const struct sim_peer *end)
{
    return queue_bytes(&end->arrived).len > 0 || end->ended || end->is_reset;
}

static unsigned socket_ready(const struct socket *s)
{
    const struct sim_peer *end = s->end;
    unsigned what = 0;

    switch (s->state) {
    case CONNECTING:
        return end->connection->settled ? SOCKET_WRITE : 0;
    case HANDSHAKING:
        return end->connection->stalled ? 0 : SOCKET_WRITE;
    case OPEN:
    case BROKEN:
        break;
    }
    if (s->state == BROKEN || end->is_reset)
        return s->wished;
    if (end_has_input(end))
        what |= SOCKET_READ;
    if (queue_bytes(&end->flight).len <= world->network->send_room / 3 * 2)
        what |= SOCKET_WRITE;
    return what & s->wished;
}

static bool socket_is_ready(const struct source *source)
{
    return socket_ready((const struct socket *)(const void *)source) != 0;
}

static const char *tls_refusal(const char *host)
{
    const struct list *l = &world->network->refusals;

    for (size_t i = 0; i < l->count; i++) {
        const struct refusal *r = l->at[i];

        if (strcmp(r->host, host) == 0 && r->why[0] != '\0')
            return r->why;
    }
    return NULL;
}

static void socket_break(struct socket *s, const char *why)
{
    s->state = BROKEN;
    snprintf(s->why, sizeof(s->why), "%s", why);
}

static void socket_end_handshake(struct socket *s)
{
    const struct sim_peer *end = s->end;
    struct list *seen = &s->tls->seen;
    const char *host = end->connection->tls_host, *why = tls_refusal(host);

    if (end->is_reset || (end->ended && queue_bytes(&end->arrived).len == 0))
        why = "the connection was cut";
    if (why != NULL) {
        socket_break(s, why);
        return;
    }
    s->state = OPEN;
    for (size_t i = 0; i < seen->count && !s->resumed; i++)
        s->resumed = strcmp(seen->at[i], host) == 0;
    if (!s->resumed) {
        char *copy = must_alloc(strlen(host) + 1);

        memcpy(copy, host, strlen(host) + 1);
        list_add(seen, copy);
    }
}

static void socket_run(struct source *source)
{
    struct socket *s = socket_of(source);
    unsigned what = socket_ready(s);

    world_note('S', s->end->connection->id * 2 + s->end->side, what);
    if (s->state == HANDSHAKING)
        socket_end_handshake(s);
    else if (s->state == CONNECTING && s->end->is_reset && end_other(s->end) == NULL)
        socket_break(s, "connection refused");
    else if (s->state == CONNECTING)
        s->state = OPEN;
    s->fn(s->peer, what);
}

enum status socket_connected(struct socket *s, struct error *e)
{
    char text[ADDRESS_TEXT_MAX];
    struct str to = address_text(&s->end->connection->addresses[1 - s->end->side], text);

    switch (s->state) {
    case OPEN:
        return OK;
    case CONNECTING:
    case HANDSHAKING:
        return fail(e, E_IO, "still connecting to %.*s", STR_ARG(to));
    case BROKEN:
        break;
    }
    return fail(e, E_IO, "%.*s: %s", STR_ARG(to), socket_why(s));
}

void socket_watch(struct socket *s, unsigned what)
{
    assert(!s->source.gone);
    s->wished = what;
}

void socket_own(struct socket *s, socket_fn *fn, void *peer)
{
    assert(fn != NULL);
    s->fn = fn;
    s->peer = peer;
}

static long socket_fail(struct socket *s)
{
    if (s->why[0] == '\0')
        snprintf(s->why, sizeof(s->why), "connection reset by peer");
    return SOCKET_FAILED;
}

long socket_read(struct socket *s, char *at, size_t len)
{
    struct sim_peer *end = s->end;
    struct str bytes = str_take(queue_bytes(&end->arrived), len);

    assert(!s->source.gone && len > 0);
    if (s->state != OPEN)
        return SOCKET_FAILED;
    if (bytes.len > 0) {
        memcpy(at, bytes.at, bytes.len);
        queue_drop(&end->arrived, bytes.len);
        s->emptied = bytes.len < len && !end->ended;
        return (long)bytes.len;
    }
    if (end->is_reset)
        return socket_fail(s);
    return end->ended ? SOCKET_EOF : SOCKET_AGAIN;
}

long socket_writev(struct socket *s, const struct iovec *parts, int count)
{
    struct sim_peer *end = s->end;
    size_t flight = queue_bytes(&end->flight).len, total = 0, sent = 0;
    size_t room = world->network->send_room > flight ? world->network->send_room - flight : 0;

    assert(!s->source.gone && count > 0);
    if (s->state != OPEN)
        return SOCKET_FAILED;
    if (end->is_reset)
        return socket_fail(s);
    assert(!end->shut);
    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    total = total < room ? total : room;
    if (total > 1 && world_chance(8)) /* taken in part, for whatever reason */
        total = 1 + (size_t)(world_draw() % total);
    for (int i = 0; i < count && sent < total; i++) {
        struct str part = { parts[i].iov_base, parts[i].iov_len };

        part = str_take(part, total - sent);
        queue_add(&end->flight, part);
        sent += part.len;
    }
    return (long)sent;
}

void socket_shut_write(struct socket *s)
{
    s->end->shut = true;
}

/* As the kernel does it: input that nobody read makes the end a reset. */
static void end_close(struct sim_peer *end, bool reset)
{
    end->closed = true;
    end->shut = true;
    if (reset || queue_bytes(&end->arrived).len > 0) {
        end->resets = !end->is_reset && end_other(end) != NULL;
        end->is_reset = true;
        queue_clear(&end->flight);
    }
    queue_clear(&end->arrived);
}

void socket_close(struct socket *s, bool reset)
{
    end_close(s->end, reset);
    s->end->socket = NULL;
    source_remove(&s->source);
}

struct address socket_peer(const struct socket *s)
{
    return s->end->connection->addresses[1 - s->end->side];
}

struct address socket_local(const struct socket *s)
{
    return s->end->connection->addresses[s->end->side];
}

const char *socket_why(const struct socket *s)
{
    return s->why[0] != '\0' ? s->why : "nothing has failed";
}

bool socket_has_input(struct socket *s)
{
    return s->state == BROKEN || end_has_input(s->end);
}

bool socket_was_emptied(const struct socket *s)
{
    return s->emptied && s->tls == NULL;
}

/* --- TLS, which is none */

struct tls_client *tls_client_new(__attribute__((unused)) const struct tls_options *options,
                                  __attribute__((unused)) struct error *e)
{
    return must_calloc(1, sizeof(struct tls_client));
}

void tls_client_free(struct tls_client *t)
{
    if (t == NULL)
        return;
    list_free_items(&t->seen);
    free(t);
}

void socket_start_tls(struct socket *s, struct tls_client *t, struct str host,
                      __attribute__((unused)) uint16_t port)
{
    assert(s->state == OPEN);
    s->state = HANDSHAKING;
    s->tls = t;
    s->resumed = false;
    snprintf(s->end->connection->tls_host, sizeof(s->end->connection->tls_host), "%.*s",
             STR_ARG(host));
}

bool socket_tls_resumed(const struct socket *s)
{
    return s->resumed;
}

void sim_tls_refuse(struct str host, const char *why)
{
    struct refusal *r = must_calloc(1, sizeof(*r));
    struct list *l = &world->network->refusals;

    for (size_t i = 0; i < l->count; i++) {
        struct refusal *old = l->at[i];

        if (str_eq(str_c(old->host), host))
            old->why[0] = '\0';
    }
    snprintf(r->host, sizeof(r->host), "%.*s", STR_ARG(host));
    snprintf(r->why, sizeof(r->why), "%s", why != NULL ? why : "");
    list_add(l, r);
}

/* --- listeners of the program */

static bool listener_is_ready(const struct source *source)
{
    const struct listener *l = (const struct listener *)(const void *)source;

    return !l->paused && l->queue.count > 0;
}

static void listener_run(struct source *source)
{
    struct listener *l = (struct listener *)(void *)source;

    for (int i = 0; i < ACCEPTS_PER_TURN && !source->gone && listener_is_ready(source); i++) {
        struct accepted *a = l->queue.at[0];

        list_remove(&l->queue, a);
        l->fn(l->peer, a);
    }
}

struct listener *listener_open(struct loop *l, const struct address *at, listener_fn *fn,
                               void *peer, struct error *e)
{
    struct network *n = world->network;
    char text[ADDRESS_TEXT_MAX];

    for (size_t i = 0; i < n->listeners.count; i++) {
        const struct listener *other = n->listeners.at[i];

        if (at->port != 0 && address_eq(&other->at, at)) {
            address_text(at, text);
            (void)fail(e, E_CONFLICT, "cannot listen at %s: address already in use", text);
            return NULL;
        }
    }

    struct listener *made = must_calloc(1, sizeof(*made));

    source_add(&made->source, l, listener_is_ready, listener_run);
    made->at = *at;
    if (at->port == 0)
        made->at.port = port_next();
    made->fn = fn;
    made->peer = peer;
    list_add(&n->listeners, made);
    return made;
}

struct address listener_address(const struct listener *l)
{
    return l->at;
}

void listener_pause(struct listener *l, bool paused)
{
    l->paused = paused;
}

void listener_close(struct listener *l)
{
    if (l == NULL)
        return;
    while (l->queue.count > 0) {
        struct accepted *a = l->queue.at[--l->queue.count];

        end_close(a->end, true);
        free(a);
    }
    list_free(&l->queue);
    list_remove(&world->network->listeners, l);
    source_remove(&l->source);
}

struct address accepted_peer(const struct accepted *a)
{
    return a->end->connection->addresses[CLIENT];
}

struct address accepted_local(const struct accepted *a)
{
    return a->end->connection->addresses[SERVER];
}

struct socket *accepted_adopt(struct accepted *a, struct loop *l, socket_fn *fn, void *peer)
{
    struct sim_peer *end = a->end;

    free(a);
    return socket_new(l, end, OPEN, fn, peer);
}

void accepted_drop(struct accepted *a)
{
    end_close(a->end, false);
    free(a);
}

uint64_t descriptor_limit(void)
{
    return 20000;
}

/* --- the test's side */

struct sim_peer *sim_connect_from(const struct address *to, const struct address *from)
{
    struct address local = local_address(0);

    if (from != NULL)
        local = *from;
    if (local.port == 0)
        local.port = port_next();

    struct sim_peer *p = connection_new(&local, to)->ends[CLIENT];

    p->is_test = true;
    p->window = SIZE_MAX;
    return p;
}

struct sim_peer *sim_connect(const struct address *to)
{
    return sim_connect_from(to, NULL);
}

void sim_hook(struct sim_peer *p, const struct sim_hooks *hooks)
{
    p->hooks = *hooks;
}

void sim_set_data(struct sim_peer *p, void *data)
{
    p->data = data;
}

void *sim_data(const struct sim_peer *p)
{
    return p->data;
}

void sim_send(struct sim_peer *p, struct str bytes)
{
    assert(!p->shut);
    if (!p->is_reset)
        queue_add(&p->flight, bytes);
}

struct str sim_take(struct sim_peer *p)
{
    struct str bytes = queue_bytes(&p->arrived);

    p->taken.max = SIZE_MAX / 2;
    p->taken.len = 0;

    bool added = buf_add(&p->taken, bytes);

    assert(added);
    queue_drop(&p->arrived, bytes.len);
    return buf_str(&p->taken);
}

size_t sim_waiting(const struct sim_peer *p)
{
    return queue_bytes(&p->arrived).len;
}

size_t sim_unsent(const struct sim_peer *p)
{
    return queue_bytes(&p->flight).len;
}

void sim_shut(struct sim_peer *p)
{
    p->shut = true;
}

void sim_close(struct sim_peer *p)
{
    end_close(p, false);
}

void sim_reset(struct sim_peer *p)
{
    end_close(p, true);
}

bool sim_is_connected(const struct sim_peer *p)
{
    return p->connection->settled && end_other(p) != NULL && !p->is_reset;
}

bool sim_has_ended(const struct sim_peer *p)
{
    return p->ended;
}

bool sim_was_reset(const struct sim_peer *p)
{
    return p->is_reset && !p->closed;
}

struct str sim_tls_host(const struct sim_peer *p)
{
    return str_c(p->connection->tls_host);
}

struct address sim_peer_address(const struct sim_peer *p)
{
    return p->connection->addresses[1 - p->side];
}

struct sim_listener *sim_listen(const struct address *at, const struct sim_hooks *hooks)
{
    struct sim_listener *l = must_calloc(1, sizeof(*l));

    assert(at->port != 0);
    *l = (struct sim_listener){ .at = *at, .open = true };
    if (hooks != NULL)
        l->hooks = *hooks;
    list_add(&world->network->sim_listeners, l);
    return l;
}

void sim_unlisten(struct sim_listener *l)
{
    l->open = false;
}

size_t sim_accepted(const struct sim_listener *l)
{
    return l->accepted;
}

void sim_window(struct sim_peer *p, size_t bytes)
{
    p->window = bytes;
}

void sim_set_buffers(size_t send, size_t receive)
{
    assert(send > 0 && receive > 0);
    world->network->send_room = send;
    world->network->receive_room = receive;
}

void sim_set_chunk(size_t max)
{
    assert(max > 0);
    world->network->chunk_max = max;
}

void sim_set_reach(const struct address *at, enum sim_reach reach)
{
    struct list *l = &world->network->reaches;

    for (size_t i = 0; i < l->count; i++) {
        struct reach *r = l->at[i];

        if (address_eq(&r->at, at)) {
            r->reach = reach;
            return;
        }
    }

    struct reach *r = must_alloc(sizeof(*r));

    *r = (struct reach){ *at, reach };
    list_add(l, r);
}

void sim_stall(struct sim_peer *p, bool stalled)
{
    p->connection->stalled = stalled;
}

void sim_reset_after_received(struct sim_peer *p, size_t bytes)
{
    assert(bytes > 0);
    p->breaks_after = bytes;
}

void sim_reset_after_sent(struct sim_peer *p, size_t bytes)
{
    assert(bytes > 0 && end_other(p) != NULL);
    end_other(p)->breaks_after = bytes;
}

void sim_no_descriptors(bool none)
{
    world->network->no_descriptors = none;
}
