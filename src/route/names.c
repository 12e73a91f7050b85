#include "route/names.h"

#include <stdlib.h>

#define LONG_NAME 256 /* longer ones are compared with every pattern */

static uint64_t step(uint64_t hash, char c)
{
    return (hash ^ (unsigned char)c) * UINT64_C(0x100000001b3);
}

static const uint64_t seed = UINT64_C(0xcbf29ce484222325);

static uint64_t join(uint64_t head, uint64_t tail)
{
    uint64_t h = (head ^ (tail << 31 | tail >> 33)) * UINT64_C(0x9e3779b97f4a7c15);

    return h ^ h >> 29;
}

static uint64_t hash_forward(struct str s)
{
    uint64_t h = seed;

    for (size_t i = 0; i < s.len; i++)
        h = step(h, s.at[i]);
    return h;
}

static uint64_t hash_backward(struct str s)
{
    uint64_t h = seed;

    for (size_t i = s.len; i > 0; i--)
        h = step(h, s.at[i - 1]);
    return h;
}

/* What stands before the first `*` and behind the last. */
static void ends_of(const struct name_row *row, struct str *head, struct str *tail)
{
    struct str rest;

    *tail = STR("");
    if (row->exact) {
        *head = row->name;
        return;
    }
    (void)str_cut(row->name, '*', head, &rest);
    (void)str_cut_last(row->name, '*', &rest, tail);
}

static uint64_t row_hash(const struct name_row *row)
{
    struct str head, tail;

    ends_of(row, &head, &tail);
    return join(hash_forward(head), hash_backward(tail)) + row->exact;
}

static bool same_ends(const struct name_row *a, const struct name_row *b)
{
    struct str head_a, tail_a, head_b, tail_b;

    ends_of(a, &head_a, &tail_a);
    ends_of(b, &head_b, &tail_b);
    return a->exact == b->exact && str_eq(head_a, head_b) && str_eq(tail_a, tail_b);
}

void names_init(struct names *n, uint32_t cap, struct arena *a)
{
    uint32_t slots = 8;

    while (slots < cap * 2)
        slots *= 2;
    *n = (struct names){ .cap = cap, .mask = slots - 1 };
    n->rows = arena_array(a, struct name_row, cap + 1);
    n->slots = arena_array(a, struct name_slot, slots);
}

bool names_add(struct names *n, struct str name, uint32_t value)
{
    struct name_row *row = &n->rows[n->count];
    uint64_t hash;
    uint32_t at, *link;

    assert(n->count < n->cap);
    *row = (struct name_row){ .name = name, .value = value };
    for (size_t i = 0; i < name.len; i++)
        row->literal += name.at[i] != '*';
    row->exact = row->literal == name.len;
    hash = row_hash(row);
    at = (uint32_t)hash & n->mask;
    while (n->slots[at].row != 0 && !same_ends(&n->rows[n->slots[at].row - 1], row))
        at = (at + 1) & n->mask;
    n->slots[at].tag = (uint32_t)(hash >> 32);
    link = &n->slots[at].row;
    for (uint32_t i = *link; i != 0; i = n->rows[i - 1].next)
        if (str_eq(n->rows[i - 1].name, name))
            return false;
    while (*link != 0 && n->rows[*link - 1].literal >= row->literal)
        link = &n->rows[*link - 1].next;
    row->next = *link;
    *link = ++n->count;
    return true;
}

static int shape_order(const void *a, const void *b)
{
    const struct name_shape *x = a, *y = b;

    if (x->literal != y->literal)
        return x->literal < y->literal ? 1 : -1;
    return x->head != y->head ? (x->head < y->head ? 1 : -1)
                              : (x->tail < y->tail) - (x->tail > y->tail);
}

static int shape_ends_order(const void *a, const void *b)
{
    const struct name_shape *x = a, *y = b;

    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    if (x->tail != y->tail)
        return x->tail < y->tail ? -1 : 1;
    return (x->literal < y->literal) - (x->literal > y->literal);
}

void names_settle(struct names *n, struct arena *a)
{
    uint32_t kept = 0;

    n->shapes = arena_array(a, struct name_shape, n->count + 1);
    n->shape_count = 0;
    for (uint32_t i = 0; i < n->count; i++) {
        struct str head, tail;

        if (n->rows[i].exact)
            continue;
        ends_of(&n->rows[i], &head, &tail);
        n->shapes[n->shape_count++] =
            (struct name_shape){ (uint32_t)head.len, (uint32_t)tail.len, n->rows[i].literal };
    }
    qsort(n->shapes, n->shape_count, sizeof(n->shapes[0]), shape_ends_order);
    for (uint32_t i = 0; i < n->shape_count; i++)
        if (kept == 0 || n->shapes[kept - 1].head != n->shapes[i].head ||
            n->shapes[kept - 1].tail != n->shapes[i].tail)
            n->shapes[kept++] = n->shapes[i];
    n->shape_count = kept;
    qsort(n->shapes, n->shape_count, sizeof(n->shapes[0]), shape_order);
}

/* The first row of those with these ends, or NULL. */
static const struct name_row *bucket(const struct names *n, uint64_t hash, struct str head,
                                     struct str tail, bool exact)
{
    for (uint32_t at = (uint32_t)hash & n->mask; n->slots[at].row != 0; at = (at + 1) & n->mask) {
        const struct name_row *row = &n->rows[n->slots[at].row - 1];
        struct str h, t;

        if (n->slots[at].tag != (uint32_t)(hash >> 32))
            continue;
        ends_of(row, &h, &t);
        if (row->exact == exact && str_eq(h, head) && str_eq(t, tail))
            return row;
    }
    return NULL;
}

uint32_t names_find(const struct names *n, struct str name)
{
    const struct name_row *row;

    if (n->count == 0)
        return NAME_NONE;
    row = bucket(n, join(hash_forward(name), seed) + 1, name, STR(""), true);
    return row == NULL ? NAME_NONE : row->value;
}

static bool is_better(const struct name_row *row, const struct name_row *best)
{
    return best == NULL || row->literal > best->literal ||
           (row->literal == best->literal && row < best); /* rows stand as they were added */
}

static const struct name_row *better_of(const struct names *n, const struct name_row *first,
                                        struct str name, const struct name_row *best)
{
    for (const struct name_row *row = first; row != NULL && is_better(row, best);
         row = row->next == 0 ? NULL : &n->rows[row->next - 1])
        if (str_matches(name, row->name))
            return row;
    return best;
}

static uint32_t match_slowly(const struct names *n, struct str name)
{
    const struct name_row *best = NULL;

    for (uint32_t i = 0; i < n->count; i++)
        if (!n->rows[i].exact && is_better(&n->rows[i], best) && str_matches(name, n->rows[i].name))
            best = &n->rows[i];
    return best == NULL ? NAME_NONE : best->value;
}

uint32_t names_match(const struct names *n, struct str name)
{
    uint64_t heads[LONG_NAME + 1], tails[LONG_NAME + 1];
    const struct name_row *best = NULL;
    uint32_t found = names_find(n, name);

    if (found != NAME_NONE || n->shape_count == 0)
        return found;
    if (name.len > LONG_NAME)
        return match_slowly(n, name);
    heads[0] = tails[0] = seed;
    for (size_t i = 0; i < name.len; i++) {
        heads[i + 1] = step(heads[i], name.at[i]);
        tails[i + 1] = step(tails[i], name.at[name.len - 1 - i]);
    }
    for (uint32_t i = 0; i < n->shape_count; i++) {
        const struct name_shape *s = &n->shapes[i];

        if (best != NULL && s->literal < best->literal)
            break;
        if (s->head + s->tail > name.len)
            continue;
        best = better_of(n,
                         bucket(n, join(heads[s->head], tails[s->tail]), str_take(name, s->head),
                                str_drop(name, name.len - s->tail), false),
                         name, best);
    }
    return best == NULL ? NAME_NONE : best->value;
}
