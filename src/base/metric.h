/* base/metric.h - counters that a module owns and others read as a snapshot.
 *
 *     #define HTTP_METRICS(X) X(head_too_long, "requests refused: head over limits.head_bytes") ...
 *     METRIC_STRUCT(http_metrics, HTTP_METRICS)     declares the struct of counters
 *     METRIC_TABLE(http_metrics, HTTP_METRICS)      defines its name table (in one .c file)
 *
 * Every refusal is counted in a counter named after its limit.
 * Threads: counting any (relaxed atomics); a struct per worker keeps the cache line at home. */
#ifndef PENSTOCK_BASE_METRIC_H
#define PENSTOCK_BASE_METRIC_H

#include <stdatomic.h>

#include "str.h"

struct counter {
    _Atomic uint64_t value;
};

struct metric_name {
    const char *name; /* snake_case */
    const char *help; /* one sentence */
};

#define METRIC_FIELD_(name, help) struct counter name;
#define METRIC_NAME_(name, help) { #name, help },
#define METRIC_STRUCT(type, TABLE) \
    struct type {                  \
        TABLE(METRIC_FIELD_)       \
    };                             \
    extern const struct metric_name type##_names[sizeof(struct type) / sizeof(struct counter)];
#define METRIC_TABLE(type, TABLE)                                                                  \
    const struct metric_name type##_names[sizeof(struct type) / sizeof(struct counter)] = { TABLE( \
        METRIC_NAME_) };

static inline void count_add(struct counter *c, uint64_t n)
{
    /* each counter has one writer at a time in practice; relaxed is enough */
    atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

static inline void count_one(struct counter *c)
{
    count_add(c, 1);
}

/* The same for a counter that only one thread ever counts with: no locked instruction. */
static inline void count_own(struct counter *c, uint64_t n)
{
    atomic_store_explicit(&c->value, atomic_load_explicit(&c->value, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void count_own_less(struct counter *c)
{
    count_own(c, UINT64_MAX); /* wraps */
}

static inline uint64_t count_read(const struct counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

/* --- distributions ---------------------------------------------------------------------------- */

#define HISTOGRAM_BUCKETS_MAX 20

/* Upper bounds of buckets, fixed for good, in the integer unit that is counted in; `shift` is how
 * many decimal places that unit lies below the one that is told (3: milliseconds for seconds). */
struct histogram_scale {
    const char *texts[HISTOGRAM_BUCKETS_MAX]; /* as told: `0.01` */
    int64_t bounds[HISTOGRAM_BUCKETS_MAX];
    unsigned count, shift;
};

/* Values by bucket (the last one: above all bounds) and their sum. One writer, any reader. */
struct histogram {
    struct counter buckets[HISTOGRAM_BUCKETS_MAX + 1];
    struct counter sum;
};

static inline void histogram_own(struct histogram *h, const struct histogram_scale *scale,
                                 int64_t value)
{
    unsigned half = scale->count / 2, i = value > scale->bounds[half] ? half + 1 : 0;

    while (i < scale->count && value > scale->bounds[i])
        i++;
    count_own(&h->buckets[i], 1);
    count_own(&h->sum, (uint64_t)value);
}

#endif
