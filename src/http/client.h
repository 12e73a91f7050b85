/* http/client.h - the pooled HTTP/1.1 client of one worker: calls to upstreams.
 *
 *     client_send()   name, connection (kept or new, through a proxy, under TLS), request
 *     on_head         the final head (1xx are skipped)
 *     on_data…        body bytes without their framing, inflated if need be
 *     on_end          the answer was complete: the last hook
 *     on_fail         at any point, once, in place of the rest: the cause; the last hook
 *
 * A kept connection is used again only if its last answer was complete, with explicit framing,
 * nothing behind it and no `Connection: close`. One that dies before any byte of the answer, and
 * within `stale_ms` of sending (of a GET at any time), is replaced by a new one, once, unseen.
 * Redirects are answers like any other: nobody follows them.
 * Threads: own loop.   Memory: the body's parts are borrowed until the last hook or call_cancel(),
 * or, once an answer has begun, until call_is_sent().
 */
#ifndef PENSTOCK_HTTP_CLIENT_H
#define PENSTOCK_HTTP_CLIENT_H

#include "base/error.h"
#include "base/secret.h"
#include "http/limits.h"
#include "http/parse.h"
#include "io/dns.h"
#include "io/socket.h"

/* Where a call goes, and through what: everything that decides whether two calls may share a
 * connection. Made once per account, immutable, owned by whoever made it; lives longer than its
 * calls. */
struct origin {
    bool tls;
    struct str host; /* without brackets; also the name in the certificate */
    uint16_t port;
    struct str authority; /* `host[:port]` as the Host field says it */
    enum { PROXY_NONE, PROXY_HTTP, PROXY_SOCKS5 } proxy;
    bool proxy_tls;   /* the proxy itself is spoken to under TLS */
    bool proxy_names; /* SOCKS5: the proxy resolves the name */
    struct str proxy_host;
    uint16_t proxy_port;
    struct secret proxy_auth; /* `Basic …`, or user:password for SOCKS5; empty when none */
    struct str pool_key;      /* all of the above in one text: equal keys share connections */
};

enum call_cause {
    CALL_DNS,
    CALL_CONNECT,
    CALL_TLS,
    CALL_PROXY,
    CALL_WRITE,      /* sending failed or stalled */
    CALL_FIRST_BYTE, /* no answer in time */
    CALL_IDLE,       /* silent in the middle */
    CALL_TOTAL,      /* all in all too long */
    CALL_RESET,      /* the connection broke before any byte of the answer */
    CALL_CUT,        /* … after some */
    CALL_PROTOCOL,   /* not HTTP as we accept it */
    CALL_TOO_LARGE,  /* head or inflated body over its limit */
};

struct call_fault {
    enum call_cause cause;
    bool sent;      /* bytes of the request were handed to the kernel on this connection */
    bool head_seen; /* on_head was called */
    char text[160]; /* one sentence, names the host, no secrets */
};

struct call_hooks {
    void (*on_head)(void *peer, const struct http_head *head); /* borrowed for the call */
    void (*on_data)(void *peer, struct str bytes);
    void (*on_end)(void *peer);
    void (*on_fail)(void *peer, const struct call_fault *fault);
    void *peer;
};

struct call_options {
    const struct origin *origin;
    struct str head;        /* the complete request head, its empty line included; copied */
    const struct str *body; /* parts, sent as they lie */
    size_t body_parts;
    bool to_head; /* the method is HEAD */
    struct call_timeouts timeouts;
    struct call_hooks hooks;
};

struct client_options {
    struct loop *loop;
    struct client_limits limits;
    struct tls_options tls;
    struct client_metrics *metrics; /* this worker's own */
};

struct client;
struct client *client_new(const struct client_options *options, struct error *e);
/* Cancels what runs and closes all connections. */
void client_free(struct client *c);

struct call;
/* Hooks come later, never from inside. */
struct call *client_send(struct client *c, const struct call_options *options);
/* The connection is closed unless the answer was complete. No hook is called after this. */
void call_cancel(struct call *call);
/* All of the request is out: once an answer has begun its body is borrowed no longer. */
bool call_is_sent(const struct call *call);
/* Stops and resumes reading the answer: backpressure. Timers of silence stand still while paused.
 */
void call_pause(struct call *call, bool paused);
/* From on_data: these bytes are the last, and they stay where they are until on_end, which comes
 * next, has returned (unless the call is paused or cancelled). */
bool call_is_all(const struct call *call);
/* Is it on a kept connection? For tests. */
bool call_is_reused(const struct call *call);

/* Idle connections kept, for tests and the status page. */
size_t client_idle(const struct client *c);

#endif
