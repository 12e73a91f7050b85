/* http/forwarded.h - whose request it is when a reverse proxy brings it.
 *
 * What a head says of the client's address anybody can write, so it counts only where a proxy that
 * is trusted brought it, and of `X-Forwarded-For` only what such proxies wrote: read from its end,
 * the first address that is not one of theirs. Where there is none, `X-Real-IP`.
 * Threads: pure. */
#ifndef PENSTOCK_HTTP_FORWARDED_H
#define PENSTOCK_HTTP_FORWARDED_H

#include "http/parse.h"
#include "io/socket.h"

/* `trusted`: addresses and networks. Gives `peer` itself when it is none of them, or tells nothing
 * that is an address. The port is that of the peer. */
struct address forwarded_client(const struct http_head *head, const struct str *trusted,
                                size_t count, const struct address *peer);

#endif
