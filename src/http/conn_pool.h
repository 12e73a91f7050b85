/* http/conn_pool.h - kept connections to upstreams, by origin.
 *
 * An idle connection is watched: a byte, an end or an error closes it, for whatever an upstream
 * says unasked could only be taken for the answer to somebody else's question. The one that was
 * used last is given first. Nothing here walks over connections: a busy one costs its site a
 * count.
 * Threads: own loop.   Memory: the pool owns idle connections, whoever took one owns it until
 * conn_keep() or conn_close(). */
#ifndef PENSTOCK_HTTP_CONN_POOL_H
#define PENSTOCK_HTTP_CONN_POOL_H

#include "base/map.h"
#include "http/limits.h"
#include "io/socket.h"

#define CONN_RECENT 64

struct conn_pool {
    struct loop *loop;
    const struct client_limits *limits;
    struct map sites; /* by pool key */
    /* Sites found last, by the address of the key they were asked with: hashing a key costs more
     * than comparing it. */
    struct conn_site *recent[CONN_RECENT];
    size_t idle;
};

/* All connections of one pool key. It lives while there is one. */
struct conn_site {
    struct conn_pool *pool;
    struct str key;
    struct conn *newest, *oldest; /* idle ones */
    uint32_t idle;
    uint32_t users; /* connections, idle and busy */
    char key_bytes[];
};

struct conn {
    struct socket *socket;
    struct conn_site *site;
    struct conn *older, *newer; /* while idle */
    struct timer timer;         /* ends an idle one; left running while busy, which costs nothing */
    uint64_t kept_polls;        /* loop_polls() when it became idle */
    bool was_emptied;           /* … with nothing left to be read */
    bool is_idle;
};

void conn_pool_init(struct conn_pool *p, struct loop *l, const struct client_limits *limits);
/* Closes the idle ones; no busy one may be left. */
void conn_pool_clear(struct conn_pool *p);

/* The newest idle connection to that origin which is silent as it should be, or NULL. What its
 * owner can read in the same turn of the loop, loop_polls() being the same, is older than the
 * taking. */
struct conn *conn_take(struct conn_pool *p, struct str key);
/* A busy connection out of a connected socket, which it takes. */
struct conn *conn_new(struct conn_pool *p, struct str key, struct socket *s);
/* The answer was complete: the connection may serve another call. */
void conn_keep(struct conn *c);
/* Ends a busy connection. */
void conn_close(struct conn *c);

#endif
