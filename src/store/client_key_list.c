/* store/client_key_list.c - a list of keys in memory; knows of no database. */
#include "store/client_keys.h"

#include <stdatomic.h>
#include <stdlib.h>

struct client_keys *client_keys_ref(struct client_keys *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void client_keys_unref(struct client_keys *k)
{
    if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) > 1)
        return;
    arena_free(&k->arena);
    free(k);
}

const struct client_key_spec *client_keys_find(const struct client_keys *k, struct str name)
{
    for (size_t i = 0; i < k->count; i++)
        if (str_eq(k->at[i].name, name))
            return &k->at[i];
    return NULL;
}
