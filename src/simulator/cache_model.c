/* simulator/cache_model.c - a set-associative table of border hashes. */
#include "simulator/cache_model.h"

#include <stdlib.h>

#include "base/map.h"

#define CACHE_SETS 8192
#define CACHE_WAYS 8

struct cache_entry {
    uint64_t border; /* account, wire, model and prefix; 0: free */
    uint64_t account;
    int64_t used_ms;
};

struct cache_model {
    uint64_t key[2];
    int64_t tokens_min, ttl_ms;
    struct cache_entry entries[CACHE_SETS][CACHE_WAYS];
};

struct cache_model *cache_model_new(uint64_t seed)
{
    struct cache_model *c = must_calloc(1, sizeof(*c));

    c->key[0] = seed;
    c->key[1] = UINT64_C(0x63616368652d3031);
    cache_model_set(c, CACHE_TOKENS_MIN, CACHE_TTL_MS);
    return c;
}

void cache_model_free(struct cache_model *c)
{
    free(c);
}

void cache_model_set(struct cache_model *c, int64_t tokens_min, int64_t ttl_ms)
{
    assert(tokens_min >= 0);
    assert(ttl_ms >= 0);
    c->tokens_min = tokens_min;
    c->ttl_ms = ttl_ms;
}

int64_t cache_model_tokens_min(const struct cache_model *c)
{
    return c->tokens_min;
}

int64_t cache_model_ttl_ms(const struct cache_model *c)
{
    return c->ttl_ms;
}

void cache_model_forget(struct cache_model *c, struct str account)
{
    uint64_t hash = siphash(c->key, account);

    for (size_t i = 0; i < CACHE_SETS; i++)
        for (size_t k = 0; k < CACHE_WAYS; k++)
            if (c->entries[i][k].account == hash)
                c->entries[i][k] = (struct cache_entry){ 0 };
}

void cache_model_forget_all(struct cache_model *c)
{
    memset(c->entries, 0, sizeof(c->entries));
}

static bool entry_lives(const struct cache_model *c, const struct cache_entry *e, int64_t now_ms)
{
    return e->border != 0 && (c->ttl_ms == 0 || now_ms - e->used_ms < c->ttl_ms);
}

static struct cache_entry *entry_find(struct cache_model *c, uint64_t border, int64_t now_ms)
{
    struct cache_entry *set = c->entries[border % CACHE_SETS];

    for (size_t k = 0; k < CACHE_WAYS; k++)
        if (set[k].border == border && entry_lives(c, &set[k], now_ms))
            return &set[k];
    return NULL;
}

static void entry_put(struct cache_model *c, uint64_t border, uint64_t account, int64_t now_ms)
{
    struct cache_entry *set = c->entries[border % CACHE_SETS], *at = entry_find(c, border, now_ms);

    if (at == NULL) {
        at = &set[0];
        for (size_t k = 1; k < CACHE_WAYS && at->border != 0; k++)
            if (set[k].border == 0 || set[k].used_ms < at->used_ms)
                at = &set[k];
    }
    *at = (struct cache_entry){ .border = border, .account = account, .used_ms = now_ms };
}

/* Prefixes of different models and wires never meet; 0 means free and is stepped over. */
static uint64_t border_of(const struct cache_model *c, uint64_t account, const struct ask *ask,
                          const struct ask_segment *s)
{
    const uint64_t key[2] = { account ^ s->hash, c->key[1] + (uint64_t)ask->wire };
    uint64_t border = siphash(key, ask->model);

    return border != 0 ? border : 1;
}

/* The last segment that may be cached at all, or NULL. */
static const struct ask_segment *cache_end(const struct ask *ask)
{
    const struct ask_segment *end = NULL;

    if (ask->wire != WIRE_ANTHROPIC || ask->cache_all)
        return ask->segment_last;
    for (const struct ask_segment *s = ask->segments; s != NULL; s = s->next)
        if (s->marked)
            end = s;
    return end;
}

struct cache_use cache_model_use(struct cache_model *c, struct str account, const struct ask *ask,
                                 int64_t now_ms)
{
    uint64_t who = siphash(c->key, account);
    const struct ask_segment *end = cache_end(ask);
    struct cache_use use = { 0, 0 };

    if (end == NULL)
        return use;
    for (const struct ask_segment *s = ask->segments;; s = s->next) {
        uint64_t border = border_of(c, who, ask, s);

        if (s->tokens >= c->tokens_min && entry_find(c, border, now_ms) != NULL)
            use.read = s->tokens;
        if (s->tokens >= c->tokens_min)
            entry_put(c, border, who, now_ms);
        if (s == end)
            break;
    }
    if (ask->wire == WIRE_ANTHROPIC && end->tokens >= c->tokens_min)
        use.written = end->tokens - use.read;
    return use;
}
