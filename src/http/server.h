/* http/server.h - the HTTP/1.1 server of one worker: connections in, requests out, answers in
 * order.
 *
 *     on_request       the head is in and well formed, its Host is allowed
 *         request_read_body(), or an answer at once
 *     on_body          the whole body is in r->body (only after request_read_body())
 *         response_start(), response_write()…, response_end(); or response_send(); or
 *         response_abort()
 *     on_room          after a response_write() that said false
 *     on_half_close    the client may have left: find out
 *     on_gone          instead of all that follows, once, before response_end(): the last call
 *
 * Requests of one connection are served one after the other in order. The read side stays armed
 * while an answer is awaited, so that a client that leaves is noticed at once; only one that has
 * `pipelined` requests (or 64 KiB) waiting is not read from until one of them is taken. After a
 * refusal the server answers, half-closes, discards a bounded rest of input, and closes.
 *
 * Calls into the server never call back, but for request_read_body() from outside of a hook: what
 * they find out (a socket that broke) is told later. Threads: own loop.
 * Memory: a request lives until response_end(), response_abort() or on_gone has returned. */
#ifndef PENSTOCK_HTTP_SERVER_H
#define PENSTOCK_HTTP_SERVER_H

#include "base/arena.h"
#include "base/budget.h"
#include "http/limits.h"
#include "http/parse.h"
#include "io/socket.h"

struct server;
struct request;
struct peers; /* http/peers.h */

enum gone {
    GONE_RESET,      /* reset, or closed while nothing had been answered */
    GONE_HALF_CLOSE, /* closed its side, and our next write was answered by a reset */
    GONE_STALLED,    /* took nothing for write_stall_ms */
    GONE_DRAIN,      /* the server is ending and its patience is over; in this one call the answer
                        may still be written and ended */
    GONE_BODY,       /* the body was refused or came too slowly: the server has answered itself */
};

struct server_hooks {
    void (*on_request)(void *peer, struct request *r);
    void (*on_body)(void *peer, struct request *r);
    void (*on_room)(void *peer, struct request *r);
    void (*on_gone)(void *peer, struct request *r, enum gone why);
    /* The client closed its side while an answer that had started was under way: it may have left
     * or merely finished sending, which only a write can tell. Write a keep-alive at once; when a
     * reset comes back, on_gone(GONE_HALF_CLOSE) follows. May be NULL. */
    void (*on_half_close)(void *peer, struct request *r);
    /* An error of the server's own (bad grammar, too large, time out) in the form the route's
     * caller speaks: writes a JSON body for `status`. `path` is empty when it is not known, and
     * `id` when on_gone() gave none. May be
     * NULL: then a plain text. */
    void (*error_body)(void *peer, struct str path, struct str id, int status, struct str what,
                       struct buf *body);
    void *peer;
};

struct server_options {
    struct loop *loop;
    struct server_limits limits;
    struct server_hooks hooks;
    struct budget *budget;          /* shared by all workers */
    struct server_metrics *metrics; /* this worker's own */
    _Atomic uint32_t *connections;  /* open on all workers together; the limit is on their sum */
    struct peers *peers; /* per address, shared by all workers; NULL: this server counts alone */
    const struct str
        *hosts; /* names besides the loopback ones that Host may say (`name` or `name:port`) */
    size_t host_count;
};

struct server *server_new(const struct server_options *options);
/* All connections must have ended (server_drain with 0 ends them). */
void server_free(struct server *s);

/* Takes a connection. Threads: own loop. */
void server_accept(struct server *s, struct accepted *a);
uint32_t server_connections(const struct server *s);
uint32_t server_requests_running(const struct server *s);

/* Closes idle connections, answers running requests and closes behind them; what still runs after
 * `patience_ms` gets on_gone(GONE_DRAIN), and what that leaves in the queue has linger_ms to go.
 * With a patience of 0 all this happens at once and no connection is left when this returns. `done`
 * is called later, when no connection is left. */
void server_drain(struct server *s, int64_t patience_ms, void (*done)(void *peer), void *peer);
/* New host names from a reload. */
void server_set_hosts(struct server *s, const struct str *hosts, size_t count);

/* --- a request
 * ------------------------------------------------------------------------------------- */

struct request_tap {
    void (*bytes)(struct request_tap *tap, const struct str *parts, size_t count);
    void (*over)(struct request_tap *tap); /* the request is freed; the last call */
};

struct request {
    const struct http_head *head; /* slices live as long as the request */
    struct str path;              /* decoded once */
    struct str query;             /* as it stood, without `?` */
    struct str body; /* whole, inflated; bytes are writable through request_body_bytes() */
    struct address peer, local; /* on_request may put the client behind a proxy for its peer */
    int64_t received_ms;        /* loop clock, head complete */
    int64_t received_unix_ms;
    struct arena arena;      /* dies with the request */
    struct arena body_arena; /* dies with its body: for what was read of that */
    void *owner;             /* the hook's own */
    int kind;                /* … and this; 0 at first */
    /* Sees what is answered, and that no more comes; NULL: nobody does. */
    struct request_tap *tap;
    int body_refused;     /* GONE_BODY: the status that was answered */
    struct str answer_id; /* GONE_BODY: may be set by then: goes along as X-Request-Id */
    uint64_t message_of;  /* it is a message of this WebSocket: request_upgrade(); 0: it is not */
};

/* Wants the body. `body_max` 0: the server's limit. Sends 100 Continue when it was asked for. Then
 * follows on_body (with an empty body when there is none), or on_gone when the body is refused: a
 * length over the limit (413), a coding other than gzip (415), more than 1 MiB while memory is
 * short (503), … From on_request they follow when that has returned, from elsewhere they may come
 * before this returns. An answer that is started before on_body ends the reading: the connection
 * will close behind it. */
void request_read_body(struct request *r, uint64_t body_max);
char *request_body_bytes(struct request *r);
/* Gives the memory of the body and of `body_arena` back before the request is over. */
void request_drop_body(struct request *r);
/* Gives the memory of the body to the caller; `r->body` is readable while that keeps it. */
void request_take_body(struct request *r, struct buf *body);
/* Another body in place of the one that came; takes what `body` holds. */
void request_replace_body(struct request *r, struct buf *body);

#define HTTP_UPGRADE_REQUIRED 426

/* NULL when the request asks for a WebSocket (RFC 6455) as it should; else what is wrong.
 * `other_version` is set when it is the version of the protocol: that wants 426. */
const char *request_upgrade_fault(const struct request *r, bool *other_version);
/* In place of an answer, from on_request: the connection becomes a WebSocket, and each text message
 * a request of its own with this head and path, `message_of` being `number` (not 0). Their answers:
 * each event of a stream is a message, and so is any other body. Of the head's fields those stay
 * that `keeps` says (NULL: all) and that do not speak of the connection. `r` is gone when this
 * returns. */
void request_upgrade(struct request *r, uint64_t number, const struct http_field *fields,
                     size_t count, bool (*keeps)(struct str name, struct str value));
struct loop *request_loop(const struct request *r);

/* --- its answer
 * ------------------------------------------------------------------------------------ */

#define RESPONSE_CHUNKED (-1) /* length not known: chunked, or up to the close on HTTP/1.0 */

/* What every 401 says of how to show who one is (RFC 9110, 15.5.2). No browser asks its user for
 * that. */
#define HTTP_CHALLENGE                                            \
    {                                                             \
        STR("WWW-Authenticate"), STR("Bearer realm=\"penstock\"") \
    }

/* Puts the head into the queue; nothing is sent before the first response_write(), response_flush()
 * or response_end(), so that head and first bytes go out together. Connection, Date, Content-Length
 * and Transfer-Encoding are the server's own. Fields that http_put_field() refuses are left out and
 * logged by name. */
void response_start(struct request *r, int status, const struct http_field *fields, size_t count,
                    int64_t length);
/* The same with fields as lines, of which http_lines_are_sound(); none of them the server's own. */
void response_start_lines(struct request *r, int status, struct str lines, int64_t length);
/* Instead of response_start(): what is written goes out as it stands, without head and framing, and
 * the connection closes behind it. For the provider simulator, whose answers may break every rule;
 * an abort is then always a reset. */
void response_start_raw(struct request *r);
/* Sends the parts in order. What the socket does not take is copied and kept. False: above the high
 * watermark, feed no more until on_room. To a HEAD request nothing is sent. */
bool response_write(struct request *r, const struct str *parts, size_t count);
void response_flush(struct request *r);
/* The legal end. `r` is gone when this returns. With a fixed length, all bytes must have been
 * written. */
void response_end(struct request *r);
/* The last parts and the end in one send. */
void response_end_with(struct request *r, const struct str *parts, size_t count);
/* Ends the connection so that the client sees a cut. `r` is gone when this returns. */
void response_abort(struct request *r);
/* Head, body, end in one. */
void response_send(struct request *r, int status, const struct http_field *fields, size_t count,
                   struct str body);
/* Bytes of the answer that the socket has not taken yet. */
size_t response_queued(const struct request *r);
bool response_started(const struct request *r);
/* Was anything of it handed to the socket? */
bool response_head_sent(const struct request *r);

#endif
