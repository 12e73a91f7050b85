/* route/nearest.h - which known name was perhaps meant. Threads: pure. */
#ifndef PENSTOCK_ROUTE_NEAREST_H
#define PENSTOCK_ROUTE_NEAREST_H

#include "base/str.h"

/* Edit distance without regard to case: how far apart two names are, for the hints of error texts.
 */
size_t names_alike(struct str a, struct str b);

#endif
