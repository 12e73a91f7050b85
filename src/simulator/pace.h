/* simulator/pace.h - when which bytes of a reply go out: delays, drips, stalls, cuts.
 *
 * Pure: the sender asks for the next step and takes it. Threads: pure.   Memory: none. */
#ifndef PENSTOCK_SIMULATOR_PACE_H
#define PENSTOCK_SIMULATOR_PACE_H

#include "simulator/reply.h"

#define PACE_WRITE_MAX ((size_t)64 << 10) /* bytes in one write */

enum pace_end {
    PACE_GO,    /* there is more */
    PACE_DONE,  /* the legal end */
    PACE_STALL, /* nothing more, and the connection stays */
    PACE_CUT,   /* closed without the end */
    PACE_RESET,
};

struct pace {
    int64_t first_ms, gap_ms, drip_ms;
    size_t piece;      /* bytes of a write; 0: as it comes */
    size_t limit;      /* bytes that go out at all */
    enum pace_end end; /* what follows them */
    size_t handshake;  /* bytes before the first content; 0 of what is no stream */
    bool by_events;    /* each event is a write of its own */
};

struct pace_step {
    int64_t wait_ms;   /* before the write */
    size_t to;         /* bytes that are out after it */
    enum pace_end end; /* PACE_GO, or what happens behind this write */
};

struct pace pace_make(const struct directives *d, const struct reply *r);
/* `sent` bytes are out, `event` is the first that is not (kept up by the callee). When nothing is
 * left to write, `to` equals `sent`. */
struct pace_step pace_next(const struct pace *p, const struct reply *r, size_t sent,
                           uint32_t *event);

#endif
