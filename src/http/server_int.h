/* http/server_int.h - what the files of the server share: server.c has the connections and their
 * states, request.c what comes in, response.c what goes out.
 *
 * Input. A read goes into the loop's scratch area. `unread` is the part of it that nobody has
 * taken; what is left of it when a callback ends is kept in `in`, which is empty and freed nearly
 * always. Output. `out` holds the head of an answer until its first bytes go out, and later what
 * the socket did not take; `out_sent` of it are gone already. Memory. All of a request lies in its
 * arena, the struct itself included, but for the body. */
#ifndef PENSTOCK_HTTP_SERVER_INT_H
#define PENSTOCK_HTTP_SERVER_INT_H

#include "base/buf.h"
#include "http/inflate.h"
#include "http/peers.h"
#include "http/server.h"

/* A connection that waits for a head holds at most this: the largest head that can be set, and one
 * byte more so that the parser can say that it is too large. It is also what pipelined requests may
 * fill before the server stops reading. */
#define IN_MAX (LOOP_SCRATCH + 4096)
/* One read where a head is awaited: of a large body, most is then read to where it shall lie. */
#define HEAD_READ ((size_t)16 << 10)
/* A queue this long means that somebody ignores response_write() saying false. */
#define OUT_MAX ((size_t)1 << 30)
/* Bodies above this are refused when memory is short. */
#define BODY_LARGE ((uint64_t)1 << 20)
#define MEMORY_SHORT 800 /* permille of the budget */
#define MEMORY_OUT 950
/* One read of a large body: other connections want their turn. */
#define BODY_READ_MAX ((size_t)256 << 10)
/* How soon, and then how often, a client that closed its side is asked whether it is there. */
#define PROBE_FIRST_MS 20
#define PROBE_LAST_MS 1000
/* A timer that is not to fire soon: see conn_rest(). */
#define NO_DEADLINE_MS 3600000

enum conn_state {
    CONN_IDLE,     /* between requests, or before the first */
    CONN_HEAD,     /* part of a head is in */
    CONN_SERVING,  /* the hooks have the request */
    CONN_BODY,     /* the hooks have the request and wait for its body */
    CONN_FLUSHING, /* answered; the rest of the answer waits for the socket */
    CONN_LINGER,   /* FIN sent; input is discarded for a while */
    CONN_CLOSED,   /* freed at the end of the turn */
    CONN_STATES,
};

struct refusal {
    int status;
    const char *what; /* static */
    struct counter *counter;
};

enum body_framing { BODY_NONE, BODY_LENGTH, BODY_CHUNKED };

/* A request with what is nobody's business but the server's. */
struct served {
    struct request r; /* first */
    struct conn *conn;

    enum body_framing framing;
    bool body_whole;        /* nothing of it is to come: the next byte begins another request */
    bool inflates;          /* Content-Encoding: gzip */
    struct refusal refused; /* status 0: not */
    uint64_t body_left;     /* BODY_LENGTH: bytes still to come */
    uint64_t body_max;      /* of this request, inflated */
    uint64_t body_bytes;    /* as they came, without framing */
    int64_t body_began_ms;
    struct chunked chunked;
    struct inflate inflate;
    struct buf body;

    struct message_answer *message; /* messages.c: of an answer to a message that has started */

    bool announced; /* on_request was called: the hooks have to be told the end */
    bool gone;      /* on_gone is being called, or was */
    bool parting;   /* … for a drain: the answer may still be given */
    bool started;   /* the answer's head is written */
    bool bodiless;  /* the answer has no body: HEAD, 204, 304 */
    bool chunking;  /* the answer is chunked */
    bool head_sent;
    int64_t answer_left; /* bytes of a fixed length still to be written; -1: not fixed */
};

/* How many whole requests lie in `in` behind the one that is served. */
struct ahead {
    size_t at; /* up to here they were counted */
    size_t scanned;
    uint32_t count;
    bool stuck; /* the rest cannot be counted: a chunked body, or bad grammar */
};

struct conn {
    struct server *server;
    struct socket *socket;
    struct served *served;
    struct messages *messages; /* messages.c: it is a WebSocket; else NULL */
    struct conn *prev, *next;
    struct timer timer; /* the state's one deadline */
    struct timer probe; /* after a half-close */
    int64_t probe_ms;
    struct address peer, local;
    char host[48]; /* the Host that was last allowed, when it fits */
    uint8_t host_len;
    uint32_t host_epoch; /* the server's when it was */

    struct str unread;
    struct buf in;
    size_t scanned; /* by the parser of the head at the front */
    struct ahead ahead;
    uint32_t taken; /* requests in this feed */

    struct buf out;
    size_t out_sent;
    int64_t charged; /* bytes that the budget knows of */
    uint64_t lingered;

    enum conn_state state;
    bool counted;      /* in the connection limits */
    bool peer_counted; /* … of its address */
    bool fresh;        /* no request yet */
    bool feeding;      /* `unread` is being worked on, further up the stack */
    bool resuming;     /* conn_resume() is on its way */
    bool read_eof;
    bool broken;   /* a write failed: the end is on its way */
    bool full;     /* the socket takes no more */
    bool stalling; /* the timer is that of a reader that takes nothing */
    bool starved;  /* response_write() said false: on_room is owed */
    bool ends;     /* no request after this one */
    bool lingers;  /* … and the client may still be sending */
};

struct server {
    struct loop *loop;
    struct server_limits limits;
    struct http_limits head_limits;
    struct server_hooks hooks;
    struct budget *budget;
    struct server_metrics *metrics;
    _Atomic uint32_t *total; /* connections of all workers */
    struct peers *peers;
    bool peers_own;

    struct conn *conns;
    uint32_t conn_count, running, turned_away;
    struct arena host_arena;
    const struct str *hosts;
    size_t host_count;
    uint32_t host_epoch; /* of these names */

    bool draining, drain_over, done_coming;
    struct timer drain_timer;
    void (*drained)(void *peer);
    void *drained_peer;

    int64_t clock_until_ms;  /* loop clock: until then the two below hold */
    int64_t clock_offset_ms; /* from loop clock to wall clock */
    struct buf date;         /* `Date: …`, with its line end */

    struct http_head parsed; /* scratch of one parse */
};

/* --- server.c */

void conn_move(struct conn *c, enum conn_state to);
/* There is no deadline now. */
void conn_rest(struct conn *c);
/* Frees the connection at the end of the turn. */
void server_conn_close(struct conn *c, bool reset);
/* The hooks hear that their request is over; the connection ends. */
void conn_gone(struct conn *c, enum gone why);
/* Works on input until there is no more or somebody must act first. */
void conn_feed(struct conn *c, struct str bytes);
/* What nobody has taken yet, in or out of a feed; and taking all of it but `rest`. */
struct str conn_unread(const struct conn *c);
void conn_skip(struct conn *c, struct str rest);
/* The answer is out of our hands but for the queue. */
void conn_flushed(struct conn *c);
/* Brings watches and budget up to date: at the end of whatever touched the connection. */
void conn_settle(struct conn *c);
/* Tells the budget what the connection holds. */
void conn_charge(struct conn *c);
/* Wall clock and Date, sampled once a second. */
void server_clock(struct server *s);

/* --- request.c */

/* Takes a head off the front of `unread`. True: something changed, look again. */
bool conn_take_head(struct conn *c);
bool conn_take_body(struct conn *c);
/* Reads a body of known length from the socket to where it shall lie. What socket_read() said. */
long conn_read_body(struct conn *c);
bool conn_reads_body(const struct conn *c);
/* Takes the rest of the body off the input when all of it is there: true when nothing is to come.
 */
bool request_skip_body(struct served *sv);
void request_body_timer(struct conn *c, int64_t now_ms);
void request_free(struct served *sv);
/* Counts the whole requests that wait in `in`. */
uint32_t conn_count_ahead(struct conn *c);

/* --- messages.c */

/* Takes frames off the front of `unread`. True: something changed, look again. */
bool conn_take_message(struct conn *c);
void messages_on_timer(struct conn *c, int64_t now_ms);
/* The timer of a connection that waits for a message. */
void messages_rest(struct conn *c);
/* Sends a close frame because the server ends: the connection ends behind what is queued. */
void messages_part(struct conn *c);
/* Sends a close frame; a request that is served is gone, and the connection ends. */
void messages_close(struct conn *c, unsigned code);
void messages_free(struct conn *c);
size_t messages_held(const struct conn *c);
void message_start(struct served *sv, struct str content_type);
void message_push(struct served *sv, const struct str *parts, size_t count, bool last);
void message_clear(struct served *sv);

/* --- response.c */

/* `before`, the parts and `after` in one send, behind what the queue holds. */
void conn_send(struct conn *c, const struct str *parts, size_t count, struct str before,
               struct str after);
/* 101: the connection is no more HTTP, and the request is gone. */
void response_switch(struct served *sv, const struct http_field *fields, size_t count);

/* Answers an error of the server's own and ends the connection behind it. With a request: the hooks
 * hear GONE_BODY if they know of it, and it is gone when this returns. */
void conn_refuse(struct conn *c, struct refusal why);
/* Writes what the queue holds. */
void conn_write(struct conn *c);
void conn_continue(struct conn *c);

static inline size_t conn_queued(const struct conn *c)
{
    return c->out.len - c->out_sent;
}

static inline struct served *served_of(const struct request *r)
{
    struct served *sv = (struct served *)(uintptr_t)r;

    assert(sv->conn->served == sv);
    return sv;
}

#endif
