/* exchange/trace.h - the decision traces of the last requests: access records in a ring.
 *
 * The ring holds a fixed number of bytes, made at once; the oldest traces make room. What is kept
 * of a request is its access record with all attempts that the record has: metadata only, texts
 * clipped. Readers get copies.   Threads: any (one lock, held for one copy).
 * Memory: trace_ring_free(). */
#ifndef PENSTOCK_EXCHANGE_TRACE_H
#define PENSTOCK_EXCHANGE_TRACE_H

#include "base/arena.h"
#include "exchange/access.h"

#define TRACE_TEXT_MAX 256 /* bytes kept of each text: models and paths are the clients' */

struct trace_ring;

struct trace_ring *trace_ring_new(size_t bytes);
void trace_ring_free(struct trace_ring *ring); /* NULL is fine */

void trace_ring_add(struct trace_ring *ring, const struct access_record *r);

/* The newest trace that is older than `place` (UINT64_MAX: than none), copied into `a`; `place`
 * moves to it. False: there is none left. */
bool trace_ring_next(struct trace_ring *ring, uint64_t *place, struct arena *a,
                     struct access_record *out);
/* The oldest trace whose number is not below `*number` (0 at first), copied into `a`; `*number`
 * moves behind it, and `*missed` counts those that had to make room before they were read. False:
 * there is none yet. */
bool trace_ring_after(struct trace_ring *ring, uint64_t *number, uint64_t *missed, struct arena *a,
                      struct access_record *out);
/* The trace of this request id, copied into `a`. */
bool trace_ring_find(struct trace_ring *ring, struct str id, struct arena *a,
                     struct access_record *out);
/* Is the trace of this request kept? At once when the oldest one ended later than at `ended_ms`. */
bool trace_ring_has(struct trace_ring *ring, struct str id, int64_t ended_ms);
/* All are forgotten. */
void trace_ring_clear(struct trace_ring *ring);
/* How many are kept now. */
size_t trace_ring_count(struct trace_ring *ring);

#endif
