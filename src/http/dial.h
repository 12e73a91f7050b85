/* http/dial.h - one new connection to an origin: name, TCP, proxy, TLS, in that order.
 *
 *     RESOLVING -> CONNECTING -> (TLS to the proxy) -> (CONNECT or SOCKS5) -> (TLS) -> done
 *
 * Addresses are tried in the order they were given; the next one starts 250 ms after the last, or
 * at once when one has failed, and the first that answers wins (RFC 8305 in short). A proxy is
 * asked for a tunnel for http origins too: the heads we send are then the same in all cases.
 * Threads: own loop.   Memory: dial_start() makes it, it ends with its hook or dial_cancel(); the
 * origin is borrowed. */
#ifndef PENSTOCK_HTTP_DIAL_H
#define PENSTOCK_HTTP_DIAL_H

#include "http/client.h"

struct dial_hooks {
    /* Connected, with nobody watching: the socket is the owner's now. */
    void (*on_done)(void *peer, struct socket *s);
    /* `text` is one sentence without secrets. */
    void (*on_fail)(void *peer, enum call_cause cause, const char *text);
    void *peer;
};

struct dial_options {
    struct loop *loop;
    struct dns *dns;
    struct tls_client *tls;
    const struct client_limits *limits;
    const struct origin *origin;
    const struct call_timeouts *timeouts; /* read at the start only */
    struct dial_hooks hooks;
};

struct dial;
/* Hooks come later, never from inside. */
struct dial *dial_start(const struct dial_options *options);
void dial_cancel(struct dial *d);

#endif
