#include "series.h"

#include <stdlib.h>

#include "arena.h"
#include "utf8.h"

void series_init(struct series *s, size_t row_bytes, uint32_t label_count, uint32_t row_max)
{
    assert(row_bytes >= sizeof(struct series_row));
    assert(label_count <= SERIES_LABELS_MAX);
    *s = (struct series){ .row_bytes = row_bytes, .label_count = label_count, .row_max = row_max };
    /* one more: the row for all others has a place at any time */
    s->rows = must_calloc(row_max + 1, sizeof(struct series_row *));
    s->slot_count = 64;
    while (s->slot_count < row_max * 2)
        s->slot_count *= 2;
    s->slots = must_calloc(s->slot_count, sizeof(s->slots[0]));
}

void series_clear(struct series *s)
{
    uint32_t count = series_count(s);

    for (uint32_t i = 0; i < count; i++)
        free(s->rows[i]);
    free(s->rows);
    free(s->slots);
    *s = (struct series){ .row_bytes = 0 };
}

static inline struct str clipped(struct str label)
{
    return label.len <= SERIES_LABEL_BYTES_MAX ? label : utf8_clip(label, SERIES_LABEL_BYTES_MAX);
}

/* Eight bytes a step; the last eight may overlap those before. */
static uint64_t hash_str(uint64_t h, struct str s)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word = 0;

    for (size_t i = 0; i + 8 <= s.len; i += 8) {
        memcpy(&word, s.at + i, 8);
        h = (h ^ word) * odd;
        h ^= h >> 29;
    }
    if (s.len >= 8)
        memcpy(&word, s.at + s.len - 8, 8);
    else
        for (size_t i = 0; i < s.len; i++)
            word = word << 8 | (uint8_t)s.at[i];
    h = (h ^ word ^ s.len << 56) * odd;
    return h ^ h >> 32;
}

static bool same_labels(const struct series *s, const struct series_row *row,
                        const struct str *labels)
{
    for (uint32_t i = 0; i < s->label_count; i++)
        if (!str_eq(row->labels[i], clipped(labels[i])))
            return false;
    return true;
}

static struct series_row *row_new(const struct series *s, uint64_t hash, const struct str *labels)
{
    size_t bytes = s->row_bytes, at = s->row_bytes;

    for (uint32_t i = 0; i < s->label_count; i++)
        bytes += clipped(labels[i]).len;
    char *memory = must_calloc(1, bytes);
    struct series_row *row = (struct series_row *)(void *)memory;

    row->hash = hash;
    for (uint32_t i = 0; i < s->label_count; i++) {
        struct str label = clipped(labels[i]);

        if (label.len > 0)
            memcpy(memory + at, label.at, label.len);
        row->labels[i] = (struct str){ memory + at, label.len };
        at += label.len;
    }
    return row;
}

void *series_row(struct series *s, const struct str *labels, uint32_t below)
{
    uint32_t mask = s->slot_count - 1, count = series_count(s), slot;
    uint64_t hash = 0;

    for (uint32_t i = 0; i < s->label_count; i++)
        hash = hash_str(hash, clipped(labels[i]));
    for (slot = (uint32_t)hash & mask; s->slots[slot] != 0; slot = (slot + 1) & mask) {
        struct series_row *row = s->rows[s->slots[slot] - 1];

        if (row->hash == hash && same_labels(s, row, labels))
            return row;
    }
    if (count >= below || count > s->row_max)
        return NULL;
    s->rows[count] = row_new(s, hash, labels);
    s->slots[slot] = count + 1;
    atomic_store_explicit(&s->row_count, count + 1, memory_order_release);
    return s->rows[count];
}

int series_row_cmp(const struct series_row *a, const struct series_row *b, uint32_t label_count)
{
    for (uint32_t i = 0; i < label_count; i++) {
        int order = str_cmp(a->labels[i], b->labels[i]);

        if (order != 0)
            return order;
    }
    return 0;
}

static int by_labels(const void *a, const void *b)
{
    const struct series_row *const *one = a, *const *two = b;

    return series_row_cmp(*one, *two, SERIES_LABELS_MAX);
}

struct series_row **series_sorted(const struct series *const *all, size_t all_count, size_t *count)
{
    struct series_row **rows;
    size_t room = 0, n = 0;

    for (size_t i = 0; i < all_count; i++)
        room += series_count(all[i]);
    rows = must_calloc(room + 1, sizeof(struct series_row *));
    for (size_t i = 0; i < all_count; i++) {
        uint32_t there = series_count(all[i]);

        for (uint32_t k = 0; k < there && n < room; k++)
            rows[n++] = all[i]->rows[k];
    }
    qsort(rows, n, sizeof(struct series_row *), by_labels);
    *count = n;
    return rows;
}
