/* http/peers.h - how many connections each remote address has open, on all workers together.
 *
 * Loopback is never counted (everybody there shares one address), so on a gateway for one person
 * this is never called. Threads: any (a lock, held for a look-up).   Memory: an entry for each
 * address with a connection. */
#ifndef PENSTOCK_HTTP_PEERS_H
#define PENSTOCK_HTTP_PEERS_H

#include "io/socket.h"

struct peers;
struct peers *peers_new(void);
void peers_free(struct peers *p);

/* Counts one more connection, unless the address has `max` of them. */
bool peers_take(struct peers *p, const struct address *a, uint32_t max);
void peers_return(struct peers *p, const struct address *a);

#endif
