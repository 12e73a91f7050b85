/* io/dns.h - names to addresses, off the loop.
 *
 * getaddrinfo runs on libuv's pool; a query is abandoned at its timeout (the thread cannot be
 * stopped). Answers are cached 30 s, failures 5 s, 256 names. A numeric host answers at once, still
 * through the callback. Threads: own loop. */
#ifndef PENSTOCK_IO_DNS_H
#define PENSTOCK_IO_DNS_H

#include "io/socket.h"

#define DNS_ADDRESSES_MAX 8

struct dns; /* the cache of one loop */
struct dns *dns_new(struct loop *l);
/* Its queries must have ended or been cancelled. */
void dns_free(struct dns *d);

/* `count` 0: failed, and `why` says so. Both families in the order of the system, interleaved. */
typedef void dns_fn(void *peer, const struct address *found, size_t count, const char *why);

struct dns_query;
/* Always calls back later, never from inside. */
struct dns_query *dns_resolve(struct dns *d, struct str host, uint16_t port, int64_t timeout_ms,
                              dns_fn *fn, void *peer);
/* No callback comes after this. */
void dns_cancel(struct dns_query *q);

#endif
