/* exchange/repair.h - what upstreams were learned not to take, and the second try without it.
 *
 * Learned for an account and a model for REPAIR_KEPT_MS, by each worker for itself; the table is
 * small and the oldest entry makes room. Signatures are not learned: they are refused one by one.
 * Threads: own loop.   Memory: inside exchange_env. */
#ifndef PENSTOCK_EXCHANGE_REPAIR_H
#define PENSTOCK_EXCHANGE_REPAIR_H

#include "provider/repair.h"

#define REPAIRS_MAX 64
#define REPAIR_KEPT_MS (INT64_C(60) * 60 * 1000)

struct repairs {
    int64_t account;
    uint64_t model; /* hash of its id */
    int64_t since_ms;
    struct wire_lacks lacks;
    struct wire_change changes[WIRE_CHANGES_MAX];
    size_t change_count;
};

struct repair_table {
    struct repairs rows[REPAIRS_MAX];
    size_t count; /* rows in use, from the first on */
};

/* What is known of this model on this account, or NULL. */
const struct repairs *repairs_find(const struct repair_table *t, int64_t account, struct str model,
                                   int64_t now_ms);
/* False: it was known already, so the refusal is about something else. */
bool repairs_learn(struct repair_table *t, int64_t account, struct str model,
                   const struct repair *r, int64_t now_ms);

#endif
