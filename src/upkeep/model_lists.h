/* upkeep/model_lists.h - keeps the pool told of what each account's provider lists.
 *
 * An account whose settings name no models offers what its provider's list says. That list is read
 * when the account comes or its way changes (address, proxy, headers, credential), and then every
 * so often; of an account that is disabled it is not. A list that cannot be read changes nothing:
 * the last one holds, and before the first one the account offers any model. Failures are logged
 * once, and asked again after longer and longer; they never lock or disable anybody.
 * Threads: own loop.   Memory: bounded; model_lists_free() gives up what is under way. */
#ifndef PENSTOCK_UPKEEP_MODEL_LISTS_H
#define PENSTOCK_UPKEEP_MODEL_LISTS_H

#include "http/client.h"
#include "pool/pool.h"

#define MODEL_LISTS_AT_ONCE 4
#define MODEL_LIST_PAGES_MAX 100
#define MODEL_LIST_PAGE_BYTES_MAX ((size_t)4 << 20)
#define MODEL_LIST_MS 60000 /* all pages of one list together */
#define MODEL_LIST_RETRY_MS 30000
#define MODEL_LIST_RETRY_MS_MAX (INT64_C(3600) * 1000)

struct model_lists_options {
    struct loop *loop;
    struct client *client; /* of this loop */
    struct pool *pool;
};

struct model_lists;
struct model_lists *model_lists_new(const struct model_lists_options *options);
void model_lists_free(struct model_lists *m); /* NULL is fine */

/* How often lists are read again; 0: never, once they are known. */
void model_lists_every(struct model_lists *m, int64_t every_ms);
/* These accounts are in the pool now, and no others. To be called after each change. */
void model_lists_accounts(struct model_lists *m, const int64_t *ids, size_t count);

/* The account's list is read again, as soon as it is its turn. False: it has none that matters. */
bool model_lists_refresh(struct model_lists *m, int64_t id);

/* Readings under way, for tests. */
unsigned model_lists_reading(const struct model_lists *m);

#endif
