/* Entries lie in one array in the order they came; slots are a hash table of their indexes. A
 * removed entry stays in the array without a value, and keeps its slot, so that probing walks on
 * over it; when the array is full it is rebuilt without them, to twice what is alive. There are
 * twice as many slots as there is room for entries, so probing always meets a free one. */
#include "map.h"

#include <stdlib.h>

#include "arena.h"

#define CAP_FIRST 8u
#define CAP_MAX (1u << 30)

/* --- SipHash-1-3 (Aumasson, Bernstein): one round per word, three at the end ------------------ */

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

__attribute__((always_inline)) static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

/* Eight bytes, or the fewer that are left; the first is the lowest. */
static inline uint64_t word_at(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(word) : word;
}

static inline uint64_t word_left(const char *at, size_t n)
{
    uint64_t word = 0;

    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)(uint8_t)at[i] << (8 * i);
    return word;
}

uint64_t siphash(const uint64_t key[2], struct str s)
{
    /* the constants are the letters of "somepseudorandomlygeneratedbytes" */
    uint64_t v[4] = {
        key[0] ^ UINT64_C(0x736f6d6570736575),
        key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261),
        key[1] ^ UINT64_C(0x7465646279746573),
    };
    size_t at = 0;

    for (; s.len - at >= 8; at += 8)
        sip_word(v, word_at(s.at + at));
    sip_word(v, (uint64_t)s.len << 56 | word_left(s.at + at, s.len - at));
    v[2] ^= 0xFF;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* --- the map --------------------------------------------------------------------------------- */

void map_init(struct map *m, const uint64_t key[2])
{
    *m = (struct map){ .key = { key[0], key[1] } };
}

void map_clear(struct map *m)
{
    for (uint32_t i = 0; i < m->entry_count; i++)
        free((void *)(uintptr_t)m->entries[i].key.at); /* NULL once removed */
    free(m->entries);
    free(m->slots);
    map_init(m, m->key);
}

static void slot_fill(struct map *m, uint32_t entry)
{
    uint32_t at = (uint32_t)m->entries[entry].hash & m->slot_mask;

    while (m->slots[at] != 0)
        at = (at + 1) & m->slot_mask;
    m->slots[at] = entry + 1;
}

/* Leaves removed entries behind, and makes room for as many again as are alive. */
static void map_rebuild(struct map *m)
{
    struct map_entry *old = m->entries;
    uint32_t old_count = m->entry_count;
    uint32_t cap = CAP_FIRST;

    assert(m->count < CAP_MAX / 2);
    while (cap < m->count * 2)
        cap *= 2;
    free(m->slots);
    m->slots = must_calloc((size_t)cap * 2, sizeof(*m->slots));
    m->slot_mask = cap * 2 - 1;
    m->entries = must_calloc(cap, sizeof(*m->entries));
    m->entry_cap = cap;
    m->entry_count = 0;
    for (uint32_t i = 0; i < old_count; i++)
        if (old[i].value != NULL) {
            m->entries[m->entry_count] = old[i];
            slot_fill(m, m->entry_count++);
        }
    free(old);
    assert(m->entry_count == m->count);
}

static struct map_entry *entry_find(const struct map *m, struct str key, uint64_t hash)
{
    if (m->count == 0)
        return NULL;
    for (uint32_t at = (uint32_t)hash & m->slot_mask; m->slots[at] != 0;
         at = (at + 1) & m->slot_mask) {
        struct map_entry *e = &m->entries[m->slots[at] - 1];

        if (e->value != NULL && e->hash == hash && str_eq(e->key, key))
            return e;
    }
    return NULL;
}

void *map_get(const struct map *m, struct str key)
{
    const struct map_entry *e = entry_find(m, key, siphash(m->key, key));

    return e == NULL ? NULL : e->value;
}

void *map_put(struct map *m, struct str key, void *value)
{
    uint64_t hash = siphash(m->key, key);
    struct map_entry *e = entry_find(m, key, hash);

    assert(value != NULL);
    if (e != NULL) {
        void *old = e->value;

        e->value = value;
        return old;
    }
    char *copy = must_alloc(key.len);

    if (key.len > 0)
        memcpy(copy, key.at, key.len);
    if (m->entry_count == m->entry_cap)
        map_rebuild(m);
    m->entries[m->entry_count] = (struct map_entry){ { copy, key.len }, value, hash };
    slot_fill(m, m->entry_count++);
    m->count++;
    return NULL;
}

void *map_remove(struct map *m, struct str key)
{
    struct map_entry *e = entry_find(m, key, siphash(m->key, key));

    if (e == NULL)
        return NULL;
    void *old = e->value;

    free((void *)(uintptr_t)e->key.at);
    *e = (struct map_entry){ .hash = e->hash };
    m->count--;
    return old;
}

const struct map_entry *map_at(const struct map *m, uint32_t *i)
{
    while (*i < m->entry_count) {
        const struct map_entry *e = &m->entries[(*i)++];

        if (e->value != NULL)
            return e;
    }
    return NULL;
}
