#include "exchange/repair.h"

static uint64_t model_hash(struct str model)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < model.len; i++)
        h = (h ^ (uint8_t)model.at[i]) * UINT64_C(0x100000001b3);
    return h;
}

static bool is_for(const struct repairs *row, int64_t account, uint64_t model, int64_t now_ms)
{
    return row->account == account && row->model == model &&
           now_ms - row->since_ms < REPAIR_KEPT_MS;
}

const struct repairs *repairs_find(const struct repair_table *t, int64_t account, struct str model,
                                   int64_t now_ms)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < t->count; i++) {
        if (t->rows[i].account != account)
            continue;
        if (hash == 0)
            hash = model_hash(model);
        if (is_for(&t->rows[i], account, hash, now_ms))
            return &t->rows[i];
    }
    return NULL;
}

/* The row of the account and model, else a free one, else the oldest; emptied. */
static struct repairs *row_for(struct repair_table *t, int64_t account, uint64_t model,
                               int64_t now_ms)
{
    struct repairs *oldest = &t->rows[0];

    for (size_t i = 0; i < t->count; i++) {
        struct repairs *row = &t->rows[i];

        if (is_for(row, account, model, now_ms))
            return row;
        if (row->since_ms < oldest->since_ms)
            oldest = row;
    }
    if (t->count < REPAIRS_MAX)
        oldest = &t->rows[t->count++];
    *oldest = (struct repairs){ .account = account, .model = model, .since_ms = now_ms };
    return oldest;
}

bool repairs_learn(struct repair_table *t, int64_t account, struct str model,
                   const struct repair *r, int64_t now_ms)
{
    struct repairs *row = row_for(t, account, model_hash(model), now_ms);
    struct wire_lacks before = row->lacks;
    bool is_new = false;

    wire_lacks_add(&row->lacks, &r->lacks);
    is_new = memcmp(&before, &row->lacks, sizeof(before)) != 0;
    if (r->change.member.len == 0)
        return is_new;
    for (size_t i = 0; i < row->change_count; i++)
        if (str_eq(row->changes[i].member, r->change.member))
            return is_new;
    if (row->change_count == WIRE_CHANGES_MAX)
        return is_new;
    row->changes[row->change_count++] = r->change;
    return true;
}
