/* base/series.h - rows of counters found by their labels: a bounded set that one thread adds to and
 * any thread reads.
 *
 * Labels come from outside (names of models), so there is a ceiling: when it is reached, what is
 * new is counted in the row that the caller names for all others. Rows are never removed; a row's
 * address stays.
 * Threads: series_row() one thread, the rest any.   Memory: series_clear(). */
#ifndef PENSTOCK_BASE_SERIES_H
#define PENSTOCK_BASE_SERIES_H

#include <stdatomic.h>

#include "str.h"

#define SERIES_LABELS_MAX 6
#define SERIES_LABEL_BYTES_MAX 128 /* of one label; longer ones are clipped */

/* Lies in front of what is counted. */
struct series_row {
    uint64_t hash;
    struct str labels[SERIES_LABELS_MAX];
};

struct series {
    size_t row_bytes; /* of a row, its `struct series_row` included */
    uint32_t row_max, label_count;
    _Atomic uint32_t row_count;
    struct series_row **rows; /* row_max of them; published by row_count */
    uint32_t *slots;          /* index + 1 by hash; of the one that adds */
    uint32_t slot_count;
};

void series_init(struct series *s, size_t row_bytes, uint32_t label_count, uint32_t row_max);
void series_clear(struct series *s);

/* The row of these labels; a new one is made while fewer than `below` are there. Else NULL: take
 * the row for all others, for which `below` is row_max + 1. */
void *series_row(struct series *s, const struct str *labels, uint32_t below);

static inline uint32_t series_count(const struct series *s)
{
    return atomic_load_explicit(&s->row_count, memory_order_acquire);
}

/* By labels, one after the other: 0 when they are the same. */
int series_row_cmp(const struct series_row *a, const struct series_row *b, uint32_t label_count);

/* Rows of several sets (one for each worker) in the order of their labels, those with the same
 * labels side by side. Free the array. */
struct series_row **series_sorted(const struct series *const *all, size_t all_count, size_t *count);

#endif
