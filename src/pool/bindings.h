/* pool/bindings.h - which account holds the cache of a conversation.
 *
 * A table of at most BINDINGS_MAX rows, found by the session's digest, in the order of their last
 * use: the least recently used one goes first, and those idle for BINDING_IDLE_MS end. Each home
 * (an account, as far as bindings know it) counts its rows and those that are live. Rows that
 * changed stand in a list until they are taken for the store.
 *
 * A row is 48 bytes in chunks that never move, so that growing never stops the pool; the buckets
 * are 4 bytes for each possible row, and the system gives them as they are touched.
 * Threads: under the pool's lock.   Memory: its own; bindings_clear() frees it. */
#ifndef PENSTOCK_POOL_BINDINGS_H
#define PENSTOCK_POOL_BINDINGS_H

#include "pool/pool.h"

#define BINDING_NONE UINT32_MAX

struct home {
    int64_t id;              /* of the account */
    struct account *account; /* NULL: it is gone, its rows are void */
    uint32_t bound, live;
};

struct binding_row {
    struct session_key session;
    int64_t used_ms;
    uint32_t home, newer, older, chain, changed;
    bool is_live, is_changed, is_dead;
    uint8_t via; /* chain_mark(); 0: it was loaded */
};

struct bindings {
    struct binding_row **chunks;
    uint32_t *buckets;
    uint32_t rows;  /* ever used, free ones included */
    uint32_t count; /* in use */
    uint32_t free_row;
    uint32_t newest, oldest;
    uint32_t oldest_live; /* all newer ones are live, all older ones are not */
    uint32_t changed_first, changed_last;
    struct home *homes; /* never fewer than there are ids */
    uint32_t home_count, home_cap;
    uint32_t *home_slots; /* index + 1, by id */
    uint32_t home_mask;
    uint32_t max; /* BINDINGS_MAX, less in tests */
};

#define BINDING_CHUNK 16384u /* rows */

static inline struct binding_row *bindings_row(const struct bindings *b, uint32_t row)
{
    assert(row < b->rows);
    return &b->chunks[row / BINDING_CHUNK][row % BINDING_CHUNK];
}

void bindings_init(struct bindings *b);
void bindings_free(struct bindings *b);

/* The home of this account's id, made when there is none. */
uint32_t bindings_home(struct bindings *b, int64_t id);

/* Brings what bindings_find() will read nearer, while other work is done; and what a touch of the
 * row will. A million rows fit no cache. */
void bindings_prefetch(const struct bindings *b, const struct session_key *key);
void bindings_prefetch_touch(const struct bindings *b, uint32_t row);
/* The row, or BINDING_NONE when there is none, or it has been idle for too long. */
uint32_t bindings_find(const struct bindings *b, const struct session_key *key, int64_t now_ms);
/* A request of that conversation: the row is the most recently used one, and live. */
void bindings_touch(struct bindings *b, uint32_t row, int64_t now_ms);
/* `via` stands for the entry of a route that served it; 0: nobody knows. */
void bindings_bind(struct bindings *b, const struct session_key *key, uint32_t home, uint8_t via,
                   int64_t now_ms);
/* A row as it was stored; must be loaded in the order of use, the least recent first. */
void bindings_load(struct bindings *b, const struct binding *stored, int64_t now_ms);
void bindings_remove(struct bindings *b, uint32_t row);
void bindings_remove_all(struct bindings *b);
/* Ends what is idle, a few at a time, and counts who is live no more. */
void bindings_settle(struct bindings *b, int64_t now_ms);
/* Takes changed rows for the store. */
size_t bindings_take(struct bindings *b, struct binding *out, size_t max);

#endif
