/* wire/losses.h - what of a request the target does not get to see: for X-Penstock-Dropped and the
 * strict mode.
 *
 * Bounded: what is beyond LOSSES_MAX is counted only.
 * Threads: a value.   Memory: paths live in the arena of the request. */
#ifndef PENSTOCK_WIRE_LOSSES_H
#define PENSTOCK_WIRE_LOSSES_H

#include "base/arena.h"
#include "base/buf.h"

#define LOSSES_MAX 64

struct loss {
    struct str path;   /* in the client's own words: `temperature`, `tools[2].strict` */
    bool approximated; /* replaced by something near; else left out */
};

struct losses {
    struct loss *items; /* made when first needed */
    uint32_t count;     /* all of them; items hold the first LOSSES_MAX */
};

/* A path that is there already is not added again. */
void losses_add(struct losses *l, struct arena *a, struct str path, bool approximated);
/* `seed,tools[2].strict,temperature~`; at most `max` bytes, then `,+N`. */
void losses_put(const struct losses *l, const struct losses *more, struct buf *out, size_t max);

#endif
