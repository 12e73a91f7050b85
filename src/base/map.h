/* base/map.h - a hash map from byte strings to pointers, for tables that live long.
 *
 * Open addressing with keyed hashing (SipHash-1-3, key given at init), so that clients cannot
 * choose clashing keys. Keys are copied. Iteration order is the order of insertion (deletions leave
 * no trace; a key that is put again keeps its place). Threads: own.   Memory: its own; map_clear()
 * frees it, values are the caller's. */
#ifndef PENSTOCK_BASE_MAP_H
#define PENSTOCK_BASE_MAP_H

#include "str.h"

struct map_entry {
    struct str key;
    void *value;
    uint64_t hash;
};

/* A zeroed one with a `key` is empty. */
struct map {
    struct map_entry *entries; /* in order of insertion; deleted ones have value NULL */
    uint32_t *slots;           /* index + 1 into entries; 0 free */
    uint32_t count, entry_count, entry_cap, slot_mask;
    uint64_t key[2];
};

uint64_t siphash(const uint64_t key[2], struct str s);

void map_init(struct map *m, const uint64_t key[2]);
void map_clear(struct map *m);
void *map_get(const struct map *m, struct str key); /* NULL when absent */
/* `value` is not NULL. Gives the value that was there before, or NULL. */
void *map_put(struct map *m, struct str key, void *value);
void *map_remove(struct map *m, struct str key); /* what was there, or NULL */

/* The entry at `*i` or the next one, and moves `*i` behind it; NULL at the end. Meanwhile entries
 * may be removed and values replaced, but no new key put.
 * for (uint32_t i = 0; (e = map_at(m, &i)) != NULL;) … */
const struct map_entry *map_at(const struct map *m, uint32_t *i);

#endif
