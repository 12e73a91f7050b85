#include "exchange/record_kind.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/short_text.h"

#define WAYS 4 /* places that a kind may be in */
_Static_assert((RECORD_KINDS_MAX & (RECORD_KINDS_MAX - 1)) == 0 && RECORD_KINDS_MAX > WAYS,
               "a place is some bits of a hash");

struct record_kinds {
    struct record_kind *kinds[RECORD_KINDS_MAX];
    uint32_t turn;            /* which of the ways makes room next */
    struct record_kind alone; /* of a record that no kind is kept for */
};

struct record_kinds *record_kinds_new(void)
{
    return must_calloc(1, sizeof(struct record_kinds));
}

void record_kinds_free(struct record_kinds *all)
{
    for (size_t i = 0; all != NULL && i < RECORD_KINDS_MAX; i++)
        free(all->kinds[i]);
    free(all);
}

static inline uint32_t outcome_of(const struct access_record *r)
{
    return (uint32_t)r->ending | (uint32_t)r->stream << 8 | (uint32_t)r->counts_only << 9 |
           (uint32_t)r->status << 10;
}

/* Weak: clients whose names meet cost us a comparison, and themselves nothing. */
static inline uint64_t hash_of(const struct access_record *r, uint32_t outcome)
{
    uint64_t h = short_mix(outcome, short_load8((const char *)r->key_id.bytes));

    h = short_mix(h, short_ends(r->model) ^ (uintptr_t)r->provider.at);
    return short_mix(h, short_ends(r->mapped_model) ^ r->path.len << 48 ^ r->client.len << 56);
}

static bool is_of(const struct record_kind *k, const struct access_record *r, uint32_t outcome)
{
    return k->outcome == outcome && k->protocol == r->protocol.at &&
           k->provider == r->provider.at &&
           short_load8((const char *)k->key_id.bytes) ==
               short_load8((const char *)r->key_id.bytes) &&
           short_load8((const char *)k->key_id.bytes + 8) ==
               short_load8((const char *)r->key_id.bytes + 8) &&
           short_eq(k->texts[KIND_MODEL], r->model) &&
           short_eq(k->texts[KIND_MAPPED], r->mapped_model) &&
           short_eq(k->texts[KIND_KEY], r->client_key) &&
           short_eq(k->texts[KIND_CLIENT], r->client) && short_eq(k->texts[KIND_PATH], r->path);
}

static struct record_kind *kind_make(const struct access_record *r, uint32_t outcome,
                                     const struct str texts[KIND_TEXTS])
{
    size_t bytes = sizeof(struct record_kind);

    for (size_t i = 0; i < KIND_TEXTS; i++)
        bytes += texts[i].len;
    struct record_kind *k = must_calloc(1, bytes);
    char *at = (char *)(k + 1);

    k->outcome = outcome;
    k->key_id = r->key_id;
    k->protocol = r->protocol.at;
    k->provider = r->provider.at;
    for (size_t i = 0; i < KIND_TEXTS; i++) {
        if (texts[i].len > 0)
            memcpy(at, texts[i].at, texts[i].len);
        k->texts[i] = (struct str){ at, texts[i].len };
        at += texts[i].len;
    }
    return k;
}

static struct record_kind *kind_new(struct record_kinds *all, struct record_kind **ways,
                                    const struct access_record *r, uint32_t outcome)
{
    const struct str texts[KIND_TEXTS] = {
        [KIND_MODEL] = r->model,   [KIND_MAPPED] = r->mapped_model, [KIND_KEY] = r->client_key,
        [KIND_CLIENT] = r->client, [KIND_PATH] = r->path,
    };
    uint32_t way = all->turn++ % WAYS;

    for (size_t i = 0; i < KIND_TEXTS; i++)
        if (texts[i].len > RECORD_KIND_TEXT_MAX) {
            all->alone = (struct record_kind){ .outcome = outcome };
            return &all->alone;
        }
    free(ways[way]);
    ways[way] = kind_make(r, outcome, texts);
    return ways[way];
}

struct record_kind *record_kind_find(struct record_kinds *all, const struct access_record *r)
{
    uint32_t outcome = outcome_of(r);
    uint64_t hash = hash_of(r, outcome);
    struct record_kind **ways = &all->kinds[(hash >> 32) & (RECORD_KINDS_MAX - WAYS)];

    for (size_t i = 0; i < WAYS; i++)
        if (ways[i] != NULL && ways[i]->hash == hash && is_of(ways[i], r, outcome))
            return ways[i];
    struct record_kind *k = kind_new(all, ways, r, outcome);

    k->hash = hash;
    return k;
}
