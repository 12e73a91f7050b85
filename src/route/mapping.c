#include "mapping.h"

static size_t literal_bytes(struct str pattern)
{
    size_t n = 0;

    for (size_t i = 0; i < pattern.len; i++)
        n += pattern.at[i] != '*';
    return n;
}

const struct mapping_rule *mapping_find(const struct mapping_rule *rules, size_t count,
                                        struct str model)
{
    const struct mapping_rule *best = NULL;

    for (size_t i = 0; i < count; i++) {
        if (str_eq(rules[i].from, model))
            return &rules[i];
        if (str_matches(model, rules[i].from) &&
            (best == NULL || literal_bytes(rules[i].from) > literal_bytes(best->from)))
            best = &rules[i];
    }
    return best;
}

#define ALIKE_MAX 64 /* names are compared by their first bytes */

size_t names_alike(struct str a, struct str b)
{
    size_t row[ALIKE_MAX + 1];

    a = str_take(a, ALIKE_MAX);
    b = str_take(b, ALIKE_MAX);
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            size_t change = diagonal + (char_lower(a.at[i - 1]) != char_lower(b.at[j - 1]));
            size_t least = (above < row[j - 1] ? above : row[j - 1]) + 1;

            row[j] = change < least ? change : least;
            diagonal = above;
        }
    }
    return row[b.len];
}
