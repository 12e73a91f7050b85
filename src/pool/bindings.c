#include "pool/bindings.h"

#include <stdlib.h>

#include "base/arena.h"

#define BUCKETS (1u << 20)
#define SETTLE_MAX 16 /* rows ended by one call, so that none takes long */
/* A use is worth storing when it is this much later than the one before. */
#define STORED_STEP_MS (INT64_C(10) * 60 * 1000)

_Static_assert(sizeof(struct binding_row) == 48, "a million of them are 48 MB");
_Static_assert(BINDINGS_MAX <= BUCKETS, "chains stay short");

void bindings_init(struct bindings *b)
{
    *b = (struct bindings){
        .free_row = BINDING_NONE,
        .newest = BINDING_NONE,
        .oldest = BINDING_NONE,
        .oldest_live = BINDING_NONE,
        .changed_first = BINDING_NONE,
        .changed_last = BINDING_NONE,
        .max = BINDINGS_MAX,
    };
    b->chunks = must_calloc(BINDINGS_MAX / BINDING_CHUNK + 2, sizeof(*b->chunks));
}

void bindings_free(struct bindings *b)
{
    for (uint32_t i = 0; b->chunks != NULL && b->chunks[i] != NULL; i++)
        free(b->chunks[i]);
    free(b->chunks);
    free(b->buckets);
    free(b->homes);
    free(b->home_slots);
    *b = (struct bindings){ .max = 0 };
}

/* --- homes ----------------------------------------------------------------------------------- */

static uint32_t id_slot(int64_t id, uint32_t mask)
{
    uint64_t h = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(h >> 32) & mask;
}

static void home_index(struct bindings *b, uint32_t home)
{
    uint32_t at = id_slot(b->homes[home].id, b->home_mask);

    while (b->home_slots[at] != 0)
        at = (at + 1) & b->home_mask;
    b->home_slots[at] = home + 1;
}

static void homes_grow(struct bindings *b)
{
    b->home_cap = b->home_cap == 0 ? 16 : b->home_cap * 2;
    b->homes = must_realloc(b->homes, sizeof(*b->homes) * b->home_cap);
    free(b->home_slots);
    b->home_mask = b->home_cap * 2 - 1;
    b->home_slots = must_calloc((size_t)b->home_mask + 1, sizeof(*b->home_slots));
    for (uint32_t i = 0; i < b->home_count; i++)
        home_index(b, i);
}

uint32_t bindings_home(struct bindings *b, int64_t id)
{
    if (b->home_count == b->home_cap)
        homes_grow(b);
    for (uint32_t at = id_slot(id, b->home_mask); b->home_slots[at] != 0;
         at = (at + 1) & b->home_mask)
        if (b->homes[b->home_slots[at] - 1].id == id)
            return b->home_slots[at] - 1;
    b->homes[b->home_count] = (struct home){ .id = id };
    home_index(b, b->home_count);
    return b->home_count++;
}

/* --- rows ------------------------------------------------------------------------------------ */

static uint32_t *bucket_of(const struct bindings *b, const struct session_key *key)
{
    uint32_t word;

    memcpy(&word, key->digest, sizeof(word)); /* a digest is as good as any hash */
    return &b->buckets[word & (BUCKETS - 1)];
}

void bindings_prefetch(const struct bindings *b, const struct session_key *key)
{
    if (b->count > 0)
        __builtin_prefetch(bucket_of(b, key));
}

void bindings_prefetch_touch(const struct bindings *b, uint32_t row)
{
    const struct binding_row *r = bindings_row(b, row);

    if (r->newer != BINDING_NONE)
        __builtin_prefetch(bindings_row(b, r->newer), 1);
    if (r->older != BINDING_NONE)
        __builtin_prefetch(bindings_row(b, r->older), 1);
}

/* Buckets hold index + 1, so that zeroed memory is an empty table. */
uint32_t bindings_find(const struct bindings *b, const struct session_key *key, int64_t now_ms)
{
    if (b->count == 0)
        return BINDING_NONE;
    for (uint32_t at = *bucket_of(b, key); at != 0;) {
        const struct binding_row *r = bindings_row(b, at - 1);

        if (memcmp(r->session.digest, key->digest, sizeof(key->digest)) == 0)
            return now_ms - r->used_ms < BINDING_IDLE_MS ? at - 1 : BINDING_NONE;
        at = r->chain;
    }
    return BINDING_NONE;
}

static uint32_t row_make(struct bindings *b)
{
    uint32_t row = b->free_row;

    if (row != BINDING_NONE) {
        b->free_row = bindings_row(b, row)->chain;
        return row;
    }
    if (b->rows % BINDING_CHUNK == 0)
        b->chunks[b->rows / BINDING_CHUNK] = must_alloc(sizeof(struct binding_row) * BINDING_CHUNK);
    return b->rows++;
}

static void row_free(struct bindings *b, uint32_t row)
{
    struct binding_row *r = bindings_row(b, row);

    r->is_dead = true;
    if (r->is_changed)
        return; /* it goes when it is taken for the store */
    r->chain = b->free_row;
    b->free_row = row;
}

static void mark_changed(struct bindings *b, uint32_t row)
{
    struct binding_row *r = bindings_row(b, row);

    if (r->is_changed)
        return;
    r->is_changed = true;
    r->changed = BINDING_NONE;
    if (b->changed_last == BINDING_NONE)
        b->changed_first = row;
    else
        bindings_row(b, b->changed_last)->changed = row;
    b->changed_last = row;
}

static void row_unlink(struct bindings *b, uint32_t row)
{
    struct binding_row *r = bindings_row(b, row);

    if (b->oldest_live == row)
        b->oldest_live = r->newer;
    if (r->newer == BINDING_NONE)
        b->newest = r->older;
    else
        bindings_row(b, r->newer)->older = r->older;
    if (r->older == BINDING_NONE)
        b->oldest = r->newer;
    else
        bindings_row(b, r->older)->newer = r->newer;
    if (r->is_live)
        b->homes[r->home].live--;
    r->is_live = false;
}

/* As the most recently used one. */
static void row_link(struct bindings *b, uint32_t row, bool live)
{
    struct binding_row *r = bindings_row(b, row);

    r->newer = BINDING_NONE;
    r->older = b->newest;
    if (b->newest == BINDING_NONE)
        b->oldest = row;
    else
        bindings_row(b, b->newest)->newer = row;
    b->newest = row;
    r->is_live = live;
    if (!live)
        return;
    b->homes[r->home].live++;
    if (b->oldest_live == BINDING_NONE)
        b->oldest_live = row;
}

void bindings_touch(struct bindings *b, uint32_t row, int64_t now_ms)
{
    struct binding_row *r = bindings_row(b, row);

    if (now_ms / STORED_STEP_MS != r->used_ms / STORED_STEP_MS)
        mark_changed(b, row);
    r->used_ms = now_ms;
    if (b->newest == row && r->is_live)
        return;
    row_unlink(b, row);
    row_link(b, row, true);
}

void bindings_remove(struct bindings *b, uint32_t row)
{
    struct binding_row *r = bindings_row(b, row);
    uint32_t *at = bucket_of(b, &r->session);

    while (*at != row + 1)
        at = &bindings_row(b, *at - 1)->chain;
    *at = r->chain;
    row_unlink(b, row);
    b->homes[r->home].bound--;
    b->count--;
    row_free(b, row);
}

/* All at once, not row by row: a million of them would stop the pool. */
void bindings_remove_all(struct bindings *b)
{
    for (uint32_t i = 0; b->chunks[i] != NULL; i++) {
        free(b->chunks[i]);
        b->chunks[i] = NULL;
    }
    free(b->buckets);
    b->buckets = NULL;
    b->rows = b->count = 0;
    b->free_row = b->newest = b->oldest = b->oldest_live = BINDING_NONE;
    b->changed_first = b->changed_last = BINDING_NONE;
    for (uint32_t i = 0; i < b->home_count; i++)
        b->homes[i].bound = b->homes[i].live = 0;
}

static uint32_t row_add(struct bindings *b, const struct session_key *key, uint32_t home,
                        int64_t used_ms, bool live)
{
    if (b->buckets == NULL)
        b->buckets = must_calloc(BUCKETS, sizeof(*b->buckets));
    if (b->count >= b->max)
        bindings_remove(b, b->oldest);

    uint32_t row = row_make(b), *bucket = bucket_of(b, key);

    *bindings_row(b, row) =
        (struct binding_row){ .session = *key, .used_ms = used_ms, .home = home, .chain = *bucket };
    *bucket = row + 1;
    row_link(b, row, live);
    b->homes[home].bound++;
    b->count++;
    return row;
}

void bindings_bind(struct bindings *b, const struct session_key *key, uint32_t home, uint8_t via,
                   int64_t now_ms)
{
    uint32_t row = bindings_find(b, key, INT64_MIN / 2); /* an idle one is used again */

    if (row == BINDING_NONE) {
        row = row_add(b, key, home, now_ms, true);
        bindings_row(b, row)->via = via;
        mark_changed(b, row);
        return;
    }
    struct binding_row *r = bindings_row(b, row);

    r->via = via;

    if (r->home != home) {
        if (r->is_live) {
            b->homes[r->home].live--;
            b->homes[home].live++;
        }
        b->homes[r->home].bound--;
        b->homes[home].bound++;
        r->home = home;
        mark_changed(b, row);
    }
    bindings_touch(b, row, now_ms);
}

void bindings_load(struct bindings *b, const struct binding *stored, int64_t now_ms)
{
    bool live = b->oldest_live != BINDING_NONE || now_ms - stored->used_ms < SESSION_LIVE_MS;

    if (now_ms - stored->used_ms >= BINDING_IDLE_MS ||
        bindings_find(b, &stored->session, INT64_MIN / 2) != BINDING_NONE)
        return;
    (void)row_add(b, &stored->session, bindings_home(b, stored->account), stored->used_ms, live);
}

void bindings_settle(struct bindings *b, int64_t now_ms)
{
    while (b->oldest_live != BINDING_NONE) {
        struct binding_row *r = bindings_row(b, b->oldest_live);

        if (now_ms - r->used_ms <= SESSION_LIVE_MS)
            break;
        r->is_live = false;
        b->homes[r->home].live--;
        b->oldest_live = r->newer;
    }
    for (int i = 0; i < SETTLE_MAX && b->oldest != BINDING_NONE &&
                    now_ms - bindings_row(b, b->oldest)->used_ms >= BINDING_IDLE_MS;
         i++)
        bindings_remove(b, b->oldest);
}

size_t bindings_take(struct bindings *b, struct binding *out, size_t max)
{
    size_t n = 0;

    while (n < max && b->changed_first != BINDING_NONE) {
        uint32_t row = b->changed_first;
        struct binding_row *r = bindings_row(b, row);

        b->changed_first = r->changed;
        if (b->changed_first == BINDING_NONE)
            b->changed_last = BINDING_NONE;
        r->is_changed = false;
        if (r->is_dead)
            row_free(b, row);
        else
            out[n++] = (struct binding){ r->session, b->homes[r->home].id, r->used_ms };
    }
    return n;
}
