/* http/socks.h - SOCKS5 (RFC 1928, RFC 1929), the client's side: bytes in, bytes out, no I/O.
 *
 * Greeting, name and password when the proxy asks for them, CONNECT. Threads: own, pure.
 * Memory: embedded; name, user and password are borrowed until SOCKS_DONE or SOCKS_BAD. */
#ifndef PENSTOCK_HTTP_SOCKS_H
#define PENSTOCK_HTTP_SOCKS_H

#include "base/buf.h"

#define SOCKS_OUT_MAX ((size_t)1024) /* more than all three of our messages together */

enum socks_result {
    SOCKS_MORE, /* send what `out` holds, then come back with more bytes */
    SOCKS_DONE, /* the tunnel is open; what is left of `in` is its first bytes */
    SOCKS_BAD,  /* `why` says it in words */
};

struct socks {
    struct str name;    /* where to: a name, or … */
    const uint8_t *ip;  /* … 16 bytes (IPv4 as v4-mapped) when not NULL */
    struct str account; /* `user:password`; empty: we offer no login */
    const char *why;    /* static, after SOCKS_BAD */
    uint16_t port;
    uint8_t state;
    uint8_t have; /* bytes of the message that is being read */
    uint8_t message[4 + 1 + 255 + 2];
};

/* A `user:password` that SOCKS5 can carry: 1 to 255 bytes each. */
bool socks_account_fits(struct str account);

/* The first call comes with an empty `in`. Appends to `out` (room for SOCKS_OUT_MAX). */
enum socks_result socks_next(struct socks *s, struct str *in, struct buf *out);

#endif
