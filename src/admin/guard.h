/* admin/guard.h - how often a credential may be guessed.
 *
 * Five failures a minute from one address, thirty from all that are not of this machine: then who
 * shows a credential from there is told to wait, whether it is right or not (else the answer would
 * still tell), for a minute at first and for twice as long each time, up to sixteen. A success
 * clears its address. Failures from elsewhere never keep out the operator at the machine itself.
 * Threads: any (one lock).   Memory: fixed; of many addresses the least recent make room. */
#ifndef PENSTOCK_ADMIN_GUARD_H
#define PENSTOCK_ADMIN_GUARD_H

#include <pthread.h>

#include "io/socket.h"

#define GUARD_ADDRESSES 256
#define GUARD_FAILURES 5
#define GUARD_FAILURES_ALL 30
#define GUARD_MINUTE_MS 60000
#define GUARD_DOUBLINGS 4

/* Of one address, or of all together. */
struct guard_count {
    uint8_t ip[16];
    bool used;
    uint32_t failures, blocks; /* in this minute; in a row */
    int64_t minute_ms;         /* when it began */
    int64_t until_ms;          /* blocked until then */
    int64_t seen_ms;
};

struct guard {
    pthread_mutex_t lock;
    struct guard_count all, of[GUARD_ADDRESSES];
};

void guard_init(struct guard *g);
void guard_clear(struct guard *g);
/* How long somebody at this address has to wait before a credential of theirs is looked at; 0: not
 * at all. */
int64_t guard_wait_ms(struct guard *g, const struct address *peer, int64_t now_ms);
void guard_failed(struct guard *g, const struct address *peer, int64_t now_ms);
void guard_passed(struct guard *g, const struct address *peer);
/* A failure that was counted in advance was none: it is taken back, and the address has passed. */
void guard_take_back(struct guard *g, const struct address *peer);

#endif
