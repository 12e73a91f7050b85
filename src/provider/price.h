/* provider/price.h - what tokens cost.
 *
 * A price is for the models of a pattern, at one provider or at any. The user's own come first; of
 * those the exact name, then the longest literal part, then the one that names the provider. What
 * is built in is what providers publish for their own API (docs/usage.md names sources and dates),
 * and counts for accounts of that provider alone. Where there is no price the cost is unknown,
 * never 0. Money is whole: prices in millionths of a dollar for a million tokens, costs in thousand
 * millionths of a dollar.
 * Threads: pure. */
#ifndef PENSTOCK_PROVIDER_PRICE_H
#define PENSTOCK_PROVIDER_PRICE_H

#include "base/buf.h"
#include "wire/usage.h"

#define PRICE_MAX INT64_C(1000000000000) /* a million dollars */
#define COST_UNKNOWN (-1)

struct price {
    struct str model;    /* pattern */
    struct str provider; /* empty: any */
    int64_t input, output;
    int64_t cache_read, cache_write; /* -1: as input */
};

/* What is built in; `count` of them. */
const struct price *prices_builtin(size_t *count);

/* NULL: unknown. */
const struct price *price_find(const struct price *own, size_t count, struct str provider,
                               struct str model);

/* Of what an answer used. Nothing used at all costs nothing; what is only half known is unknown. */
int64_t price_cost(const struct price *p, const struct usage *u);

/* A price as a decimal number of dollars (`1.25`, at most six places), not negative, at most
 * PRICE_MAX. False: it is none. */
bool price_read(struct str text, int64_t *micros);

/* Money as decimal dollars: `units` are the `places`-th decimal place (6: millionths). Without
 * zeroes at the end. */
void price_put(struct buf *out, int64_t units, unsigned places);

#endif
