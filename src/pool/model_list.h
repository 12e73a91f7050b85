/* pool/model_list.h - the models that the provider of an account lists.
 *
 * A list is immutable and counted; accounts whose lists are alike share one. Threads: any to read,
 * its count under the pool's lock.   Memory: its own. */
#ifndef PENSTOCK_POOL_MODEL_LIST_H
#define PENSTOCK_POOL_MODEL_LIST_H

#include "base/arena.h"

#define LISTED_ID_MAX 256
#define LISTED_TEXT_MAX 256     /* of a name and of an owner */
#define LISTED_MODELS_MAX 10000 /* of one account */

/* A model as its provider describes it. */
struct listed_model {
    struct str id;
    struct str name, owner;                /* empty: the list does not say */
    int64_t created_unix_ms;               /* 0: the same */
    int64_t tokens_in_max, tokens_out_max; /* 0: the same */
    uint32_t wires; /* WIRE_BITs that it is served over; 0: all that the account speaks */
};

struct model_list {
    struct model_list *next; /* in the pool */
    uint32_t users;
    struct arena arena;
    bool tells_wires;                  /* of some model */
    const struct listed_model *models; /* in the order of their ids, each of them once */
    size_t count;
};

/* Copies. Of those with the same id the first one counts. */
struct model_list *model_list_new(const struct listed_model *models, size_t count);
void model_list_free(struct model_list *l); /* NULL is fine */
bool model_list_equal(const struct model_list *a, const struct model_list *b);

/* Is it listed, or would a provider with this list take it for one that is? Names without their
 * date, `-latest`, `:latest` and the like are understood. */
bool model_list_offers(const struct model_list *l, struct str model);

/* The wires that the list names for the model, in the spelling of the list or in one that stands
 * for it; 0: none. */
uint32_t model_list_wires(const struct model_list *l, struct str model);

#endif
