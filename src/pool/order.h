/* pool/order.h - standings in the order in which they are picked.
 *
 * A binary tree by standing_before() that is a heap by `weight` (a treap), with links upwards. Each
 * node knows the earliest time in its part of the tree at which somebody is free again, and at
 * which somebody may be probed. What the order goes by must not change while a standing is in it.
 * Threads: under the pool's lock.   Memory: the links are the standings' own. */
#ifndef PENSTOCK_POOL_ORDER_H
#define PENSTOCK_POOL_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct standing;

struct order {
    struct standing *root;
};

/* A total order: tier, (in flight,) step of the quota, picked longest ago, more quota left, older.
 */
bool standing_before(const struct standing *a, const struct standing *b);

void order_insert(struct order *o, struct standing *s);
void order_remove(struct order *o, struct standing *s);

struct standing *order_first(const struct order *o);
struct standing *order_next(const struct standing *s);
/* The first one whose rank is at least this. */
struct standing *order_from(const struct order *o, uint64_t rank);
/* The first one that may be probed by now, at or behind `from` (NULL: the beginning). */
struct standing *order_first_probe(const struct order *o, int64_t now_ms);
struct standing *order_next_probe(const struct standing *s, int64_t now_ms);

#endif
