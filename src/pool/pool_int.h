/* pool/pool_int.h - what the files of pool/ and its tests share. Everything here is read and
 * changed under the pool's lock. */
#ifndef PENSTOCK_POOL_POOL_INT_H
#define PENSTOCK_POOL_POOL_INT_H

#include <pthread.h>

#include "pool/lockout.h"
#include "pool/pool.h"

/* One configuration of an account. Immutable but for its count; released by the last of the
 * account and the leases on it. */
struct account_config {
    struct account_spec *spec; /* ours */
    uint32_t wires;
    uint32_t credential; /* number of the account's credential, counted up when it changes */
    uint32_t users;      /* leases, and 1 while it is the account's own */
    void *upstream;
    void (*upstream_free)(void *upstream);
};

#define GROUP_LOCKOUTS_MAX 16 /* per account; the one that ends first makes room */

struct group_lockout {
    struct lockout lockout;
    uint8_t len;
    char name[GROUP_NAME_MAX];
};

struct account {
    int64_t id;
    struct account_config *config;
    uint64_t order; /* of insertion */
    bool removed;   /* no longer in the table; its leases run on */
    bool disabled, proxy_disabled;
    bool refused; /* disabled because the provider refuses the credential */
    char disabled_reason[160];
    uint32_t in_flight;
    uint64_t picked; /* turn of its last pick; 0: never */
    struct lockout lockout;
    struct group_lockout *groups; /* room for GROUP_LOCKOUTS_MAX, made when first needed */
    uint32_t group_count;
    uint64_t served, failed;
};

/* What a search for an id or a label reads, side by side. */
struct pool_slot {
    int64_t id;
    uint64_t label_hash;
    struct account *account;
};

struct pool {
    pthread_mutex_t lock;
    struct pool_options options;
    struct pool_slot *slots; /* in order of creation, then of insertion */
    uint32_t count, cap;
    uint64_t turn;     /* picks made so far */
    uint64_t inserted; /* accounts ever put */
    uint32_t leases;   /* held now */
    struct {
        void (*fn)(void *peer);
        void *peer;
    } wakers[POOL_WORKERS_MAX];
    uint32_t waker_count;
};

/* The name under which a model's lockouts are kept: its first bytes. */
static inline struct str group_name(struct str model)
{
    return str_take(model, GROUP_NAME_MAX);
}

/* The group's lockout on this account, or NULL. */
struct lockout *account_group(const struct account *acc, struct str group);

/* Chooses an account for one attempt, or NULL. Pure: reads the pool, changes nothing, same in, same
 * out. `out` is filled either way. */
struct account *pool_pick(const struct pool *p, const struct pick_ask *ask, int64_t now_ms,
                          struct pick *out);

#endif
