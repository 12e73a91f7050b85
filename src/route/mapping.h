/* route/mapping.h - the user's `from → to` for model names (`proxy.custom_mapping`).
 *
 * Exact before wildcard, then the longest literal part, ties by order in the file.
 * Threads: immutable once made.   Memory: the caller's array, borrowed. */
#ifndef PENSTOCK_ROUTE_MAPPING_H
#define PENSTOCK_ROUTE_MAPPING_H

#include "base/str.h"

struct mapping_rule {
    struct str from, to; /* `from` may hold `*` */
};

/* The rule that decides for `model`, or NULL: the name stays as it is. */
const struct mapping_rule *mapping_find(const struct mapping_rule *rules, size_t count,
                                        struct str model);

/* Edit distance without regard to case: how far apart two names are, for the hints of error texts.
 */
size_t names_alike(struct str a, struct str b);

#endif
