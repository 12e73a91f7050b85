/* base/budget.h - the memory that request bodies and buffers may use together.
 *
 * Memory pressure is met at the door: at 80 % new large bodies are refused, at 95 % new requests.
 * Threads: any (one atomic). */
#ifndef PENSTOCK_BASE_BUDGET_H
#define PENSTOCK_BASE_BUDGET_H

#include <stdatomic.h>

#include "str.h"

struct budget {
    _Atomic int64_t used;
    int64_t max; /* bytes */
};

static inline void budget_charge(struct budget *b, int64_t bytes)
{
    atomic_fetch_add_explicit(&b->used, bytes, memory_order_relaxed);
}

static inline int64_t budget_used(const struct budget *b)
{
    return atomic_load_explicit(&b->used, memory_order_relaxed);
}

/* Would `bytes` more pass `permille` of the whole? */
static inline bool budget_over(const struct budget *b, int64_t bytes, int64_t permille)
{
    return budget_used(b) + bytes > b->max / 1000 * permille;
}

#endif
