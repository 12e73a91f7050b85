/* route/alias.h - other names of the same model: dated ids and undated ones, `-thinking` forms,
 * dotted versions, short names, ids that were retired. Threads: pure. */
#ifndef PENSTOCK_ROUTE_ALIAS_H
#define PENSTOCK_ROUTE_ALIAS_H

#include "base/str.h"

#define ALIASES_MAX 12
#define ALIAS_TEXT 96 /* longer names have none */

struct aliases {
    struct str at[ALIASES_MAX]; /* the nearest first */
    size_t count;
    size_t spellings; /* the first so many are the very same model: dates, dots, prefixes */
    char text[ALIASES_MAX][ALIAS_TEXT]; /* of those that are made */
};

/* Names to try in turn where nobody offers `model` itself. `out` may not move. */
void aliases_of(struct str model, struct aliases *out);

#endif
