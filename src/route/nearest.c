#include "route/nearest.h"

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
