/* pool/table.c - the accounts by age, by id and by label. */
#include <stdlib.h>

#include "pool/pool_int.h"

static uint64_t label_hash(struct str label)
{
    uint64_t h =
        UINT64_C(0xcbf29ce484222325); /* FNV-1a: labels are the operator's, not a client's */

    for (size_t i = 0; i < label.len; i++)
        h = (h ^ (uint8_t)label.at[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* --- by id ----------------------------------------------------------------------------------- */

static uint32_t id_place(const struct pool *p, int64_t id)
{
    return (uint32_t)(((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & p->by_id_mask;
}

struct account *account_find(const struct pool *p, int64_t id)
{
    if (p->count == 0)
        return NULL;
    for (uint32_t at = id_place(p, id); p->by_id[at] != NULL; at = (at + 1) & p->by_id_mask)
        if (p->by_id[at]->id == id)
            return p->by_id[at];
    return NULL;
}

static void index_add(struct pool *p, struct account *acc)
{
    uint32_t at = id_place(p, acc->id);

    while (p->by_id[at] != NULL)
        at = (at + 1) & p->by_id_mask;
    p->by_id[at] = acc;
}

/* What stands behind it in the same run moves up, as if it had never been there. */
static void index_remove(struct pool *p, const struct account *acc)
{
    uint32_t at = id_place(p, acc->id);

    while (p->by_id[at] != acc)
        at = (at + 1) & p->by_id_mask;
    p->by_id[at] = NULL;
    for (at = (at + 1) & p->by_id_mask; p->by_id[at] != NULL; at = (at + 1) & p->by_id_mask) {
        struct account *moved = p->by_id[at];

        p->by_id[at] = NULL;
        index_add(p, moved);
    }
}

static void index_grow(struct pool *p)
{
    free(p->by_id);
    p->by_id_mask = p->cap * 2 - 1;
    p->by_id = must_calloc((size_t)p->by_id_mask + 1, sizeof(struct account *));
    for (uint32_t i = 0; i < p->count; i++)
        index_add(p, p->slots[i].account);
}

/* --- by label -------------------------------------------------------------------------------- */

struct account *account_labelled(const struct pool *p, struct str label)
{
    uint64_t hash = label_hash(label);

    for (uint32_t i = 0; i < p->count; i++)
        if (p->slots[i].label_hash == hash &&
            str_eq(p->slots[i].account->config->spec->label, label))
            return p->slots[i].account;
    return NULL;
}

/* --- by age ---------------------------------------------------------------------------------- */

/* Is the account of this place in the order at or before (created, order)? */
static bool slot_before(const struct pool_slot *s, int64_t created_unix_ms, uint64_t order)
{
    int64_t own = s->account->created_unix_ms;

    return own < created_unix_ms || (own == created_unix_ms && s->account->order <= order);
}

uint32_t slot_behind(const struct pool *p, int64_t created_unix_ms, uint64_t order)
{
    uint32_t low = 0, high = p->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (slot_before(&p->slots[mid], created_unix_ms, order))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void table_insert(struct pool *p, struct account *acc)
{
    uint32_t at = slot_behind(p, acc->created_unix_ms, acc->order);

    if (p->count == p->cap) {
        p->cap = p->cap == 0 ? 16 : p->cap * 2;
        p->slots = must_realloc(p->slots, sizeof(*p->slots) * p->cap);
        index_grow(p);
    }
    memmove(p->slots + at + 1, p->slots + at, sizeof(*p->slots) * (p->count - at));
    p->slots[at] = (struct pool_slot){ acc->id, label_hash(acc->config->spec->label), acc };
    p->count++;
    index_add(p, acc);
}

void table_remove(struct pool *p, struct account *acc)
{
    uint32_t at = slot_behind(p, acc->created_unix_ms, acc->order);

    assert(at > 0 && p->slots[at - 1].account == acc);
    p->count--;
    memmove(p->slots + at - 1, p->slots + at, sizeof(*p->slots) * (p->count - (at - 1)));
    index_remove(p, acc);
}
