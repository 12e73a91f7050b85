/* route/catalogue.h - what is known of models without asking anybody: which ids the providers have
 * that sign in, and what models can.
 *
 * A provider's own list goes before both. Threads: pure. */
#ifndef PENSTOCK_ROUTE_CATALOGUE_H
#define PENSTOCK_ROUTE_CATALOGUE_H

#include "base/str.h"

struct catalogue_model {
    struct str provider, id;
};

/* NULL behind the last one. Those of a provider stand together. */
const struct catalogue_model *catalogue_at(size_t i);

struct model_traits {
    int64_t tokens_in_max, tokens_out_max; /* 0: not published */
    bool vision, tools, thinking;
    bool images; /* it makes them */
};

/* By the upstream id. False: nothing is known. */
bool model_traits_find(struct str model, struct model_traits *out);

#endif
