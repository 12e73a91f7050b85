/* pool/pool_int.h - what the files of pool/ and its tests share. Everything here is read and
 * changed under the pool's lock.
 *
 * Accounts that are alike in all that decides whether a request may go to them (provider, host,
 * wires, models, listed models, quota groups) are one *cohort*. For each quota group that is asked
 * for, a cohort has a *roster*: its accounts in the order in which they are picked, the usable ones
 * apart from those that are out. An account's place in a roster is its *standing*, with all that is
 * known of the account in that group. A *lane* is what one kind of request may choose from: one
 * roster of each cohort that offers the model. So a pick looks at the first of a few orders,
 * whatever the number of accounts. */
#ifndef PENSTOCK_POOL_POOL_INT_H
#define PENSTOCK_POOL_POOL_INT_H

#include <pthread.h>

#include "pool/bindings.h"
#include "pool/lockout.h"
#include "pool/order.h"
#include "pool/pool.h"

/* One configuration of an account. Immutable but for its count; released by the last of the
 * account and the leases on it. */
struct account_config {
    struct str label, provider; /* of the spec */
    struct account_means means;
    struct account_spec *spec; /* ours */
    uint32_t credential;       /* number of the account's credential, counted up when it changes */
    uint32_t renewal;          /* … of its access token, however often it was renewed */
    uint32_t users;            /* leases, and 1 while it is the account's own */
};

/* Where several accounts lead, and what was learned of the way. */
struct host {
    struct host *next;
    struct str name;
    uint32_t cohorts;
    struct lockout lockout;
};

/* What was learned of a provider as a whole: when all of its accounts fail alike. */
struct family {
    struct family *next;
    struct str name;
    uint32_t cohorts;
    uint32_t usable;         /* accounts that are in use */
    enum verdict_kind alike; /* the kind of the failures in a row */
    uint32_t failed;         /* accounts that failed so */
    uint64_t run;            /* number of the row */
    int64_t began_ms, marked_until_ms;
};

/* Where a standing is found in its roster. The usable ones are parted by what may be held against
 * them: bits SPARE (down to the reserve) and LOW (below the protected quota). */
enum { SPARE = 1, LOW = 2 };
enum place {
    PLACE_READY = 0, /* + bits */
    PLACE_BUSY = 4,  /* + bits */
    PLACE_LOCKED = 8,
    PLACE_REFUSED, /* disabled because the provider refuses the credential */
    PLACE_PROXY_DISABLED,
    PLACE_DISABLED,
    PLACES,
};
enum { ORDER_READY = 0, ORDER_OUT = 4, ORDERS };

/* Why accounts are locked out, as far as it matters to the client. */
enum lock_class {
    LOCK_RATE,
    LOCK_QUOTA,
    LOCK_SERVER,
    LOCK_HOST,
    LOCK_AUTH,
    LOCK_MODEL,
    LOCK_CLASSES,
};
enum lock_class lock_class_of(enum verdict_kind kind);

struct roster {
    struct roster *next; /* of its cohort */
    struct cohort *cohort;
    uint64_t asked; /* turn when it was asked for last */
    bool served;
    uint32_t leases;
    struct order orders[ORDERS];
    uint32_t count[PLACES];
    uint32_t locked[LOCK_CLASSES]; /* of those in PLACE_LOCKED */
    uint8_t group_len;
    char group[GROUP_NAME_MAX];
};

#define NOT_DUE UINT32_MAX

struct standing {
    /* in the order of its place: what a walk reads lies together */
    struct standing *left, *right, *up;
    uint64_t rank;
    uint64_t picked;
    struct account *account;
    int32_t remaining;
    uint32_t weight;
    uint8_t place; /* PLACES: nowhere */
    /* what follows from all that is known, as of when it was filed */
    enum verdict_kind why; /* PLACE_LOCKED */
    int64_t until_ms;      /* somebody out: when it is free again, INT64_MAX unknown */
    int64_t probe_ms;      /* from when it may be probed; INT64_MAX never */
    int64_t soonest_ms, soonest_probe_ms;
    int64_t due_ms; /* when it must be filed anew; in the heap at `due_at` */
    uint32_t due_at;
    uint32_t users;        /* leases */
    struct roster *roster; /* NULL: the account is gone */
    struct standing *next; /* of its account */
    uint64_t picked_last;  /* number of its last lease; 0: never */
    int64_t picked_ms;
    struct quota quota;
    struct quota_said *said; /* the windows it comes from; NULL, or none of them: it was given as
                                one figure */
    struct lockout lockout;
};

/* A model that an account does not have, although its group is open. */
struct missing_model {
    struct lockout lockout;
    uint8_t len;
    char name[GROUP_NAME_MAX];
};
#define MISSING_MODELS_MAX 16 /* of one account; the one that ends first makes room */

struct account {
    /* what each pick reads lies together */
    int64_t id;
    struct account_config *config;
    struct cohort *cohort; /* NULL: no longer in the pool; its leases run on */
    struct standing *standings;
    uint32_t in_flight, concurrency_max;
    uint32_t home; /* in the bindings */
    uint32_t missing_count;
    enum tier tier;
    bool disabled, proxy_disabled;
    bool refused;  /* disabled because the provider refuses the credential */
    bool renewing; /* `renewal` ends as soon as there is a new token: worth waiting for */
    struct lockout lockout;
    struct lockout renewal;          /* its access token has expired */
    struct account *renewing_next;   /* in the pool's list, while it is `renewing` */
    uint64_t order;                  /* of insertion */
    int64_t created_unix_ms;         /* of its configuration */
    struct account *next, *previous; /* in the cohort */
    struct missing_model *missing;   /* room for MISSING_MODELS_MAX, made when first needed */
    struct model_list *listed;       /* what its provider lists; NULL: not known, or not wanted */
    int64_t listed_ms;               /* when that was read last; 0: never */
    uint64_t served, failed;
    uint64_t refused_turn;       /* leases given when that was learned */
    int64_t ask_again_ms;        /* refused, or its owner is to act: when one real request asks
                                    again; 0: never */
    struct account *asking_next; /* in the pool's list, while that is not 0 */
    uint64_t run;                /* of its family, when it failed last */
    char disabled_reason[160];
};

struct cohort {
    struct cohort *next;
    struct family *family;
    struct host *host;
    uint32_t wires;
    struct str (*group)(struct str model);
    struct arena arena;
    const struct str *models;
    size_t model_count;
    struct model_list *listed;
    uint64_t told; /* the last walk over what is offered that has told of it */
    struct account *accounts;
    uint32_t count;
    uint32_t with_missing; /* accounts that lack a model of a group */
    struct roster *rosters;
    uint32_t roster_count;
};
#define ROSTERS_MAX 64 /* of one cohort; the one asked for longest ago makes room */

struct lane {
    uint64_t hash; /* 0: nothing here */
    uint64_t shape, asked;
    char *text;                 /* of what was asked; ours */
    struct str model, provider; /* in it */
    uint32_t wires;
    bool monitored; /* its model's quota is protected */
    struct roster **rosters;
    uint32_t count;
};
#define LANE_SETS 64
#define LANE_WAYS 4

/* What a search for a label reads. */
struct pool_slot {
    int64_t id;
    uint64_t label_hash;
    struct account *account;
};

struct pool {
    pthread_mutex_t lock;
    struct pool_options options;
    struct arena *options_arena;
    int64_t now_ms;          /* the latest time anybody came with: loops differ by a little */
    struct pool_slot *slots; /* in order of creation, then of insertion */
    uint32_t count, cap;
    struct account **by_id; /* open addressing */
    uint32_t by_id_mask;
    int64_t quota_asks[QUOTA_ASKS_MAX];
    uint32_t quota_ask_count;
    uint32_t disabled, proxy_disabled; /* accounts; those with both flags are disabled */
    struct cohort *cohorts;
    struct model_list *lists; /* of accounts and cohorts */
    size_t lists_bytes;
    uint64_t walks; /* over what is offered */
    struct host *hosts;
    int64_t hosts_due_ms; /* when the first lockout of a host ends */
    struct family *families;
    uint64_t shape; /* counted up when a lane may hold other rosters than before */
    struct lane lanes[LANE_SETS][LANE_WAYS];
    struct standing **due; /* a heap by due_ms */
    uint32_t due_count, due_cap;
    struct account *renewing; /* those whose access token is being renewed */
    void (*on_expired)(void *peer, int64_t id);
    void *on_expired_peer;
    struct account *asking; /* those that are asked again in an hour */
    int64_t ask_again_ms;   /* when the first of them is */
    struct bindings bindings;
    int64_t fixed;  /* id; 0: none */
    int64_t recent; /* id of the account that served last; 0: none */
    int64_t recent_ms;
    uint64_t turn;     /* leases given so far */
    uint64_t inserted; /* accounts ever put */
    uint32_t leases;   /* held now */
    bool freed;        /* somebody may be usable who was not when those who wait were asked */
    struct waiter *waiters, *waiters_last;
};

/* The name under which a group or a model is kept: its first bytes. */
static inline struct str group_name(struct str model)
{
    return str_take(model, GROUP_NAME_MAX);
}

static inline struct str roster_group(const struct roster *r)
{
    return (struct str){ r->group, r->group_len };
}

static inline struct str missing_name(const struct missing_model *m)
{
    return (struct str){ m->name, m->len };
}

static inline bool place_is_ready(unsigned place)
{
    return place < PLACE_BUSY;
}

static inline bool account_is_busy(const struct account *acc)
{
    return acc->concurrency_max > 0 && acc->in_flight >= acc->concurrency_max;
}

/* --- table.c: accounts by id and label ------------------------------------------------------- */

struct account *account_find(const struct pool *p, int64_t id);
struct account *account_labelled(const struct pool *p, struct str label);
/* The first position behind (created, order). */
uint32_t slot_behind(const struct pool *p, int64_t created_unix_ms, uint64_t order);
void table_insert(struct pool *p, struct account *acc);
void table_remove(struct pool *p, struct account *acc);

/* --- roster.c: cohorts, rosters, standings, lanes -------------------------------------------- */

void cohort_join(struct pool *p, struct account *acc);
void cohort_leave(struct pool *p, struct account *acc);
/* The account's standing in a group, made when there is none. NULL: there is no room. */
struct standing *standing_make(struct pool *p, struct account *acc, struct str group);
void standing_free(struct pool *p, struct standing *s);
struct standing *standing_find(const struct account *acc, const struct roster *r);
static inline bool account_is_renewing(const struct account *acc, int64_t now_ms)
{
    return acc->renewing && lockout_holds(&acc->renewal, now_ms);
}

/* Files it where it belongs by now; must follow every change of what that goes by. */
void standing_file(struct pool *p, struct standing *s);
/* The same when all that has changed is that it was picked. */
void standing_picked(struct standing *s);
void account_file(struct pool *p, struct account *acc);   /* all of them */
void account_unfile(struct pool *p, struct account *acc); /* before its age changes */
void pool_file_all(struct pool *p);                       /* other options are in force */
/* Time has passed: lockouts and figures that are over are let go of. */
void pool_settle(struct pool *p, int64_t now_ms);
void host_learned(struct pool *p); /* some host's lockout is another one */
struct roster *roster_make(struct pool *p, struct cohort *c, struct str group);
void rosters_free(struct pool *p);
/* One use more; NULL is fine. */
struct model_list *list_use(struct model_list *l);
void list_release(struct pool *p, struct model_list *l);

/* --- pool.c ---------------------------------------------------------------------------------- */

/* Somebody may be free: those who wait are given what there is. */
void pool_grant(struct pool *p);

/* --- quota.c --------------------------------------------------------------------------------- */

/* The remaining quota as far as it still says anything; -1: unknown. */
int32_t quota_remaining(const struct quota *q, int64_t now_ms);
/* The tightest window is over: the next one counts. */
void standing_settle_quota(struct standing *s, int64_t now_ms);
/* One figure in place of whatever was known. It is to be filed then. */
void standing_set_quota(struct standing *s, const struct quota *q);
void standing_forget_quota(struct standing *s);
/* What the head of the attempt's answer said. */
void lease_hear(struct pool *p, struct account *acc, const struct lease *l,
                const struct verdict *v);
/* The account's provider is to be asked what is left. */
void quota_ask(struct pool *p, int64_t id);

/* --- lane.c ---------------------------------------------------------------------------------- */

/* Do its accounts offer what is asked for, over one of the wires? */
bool cohort_offers(const struct cohort *c, const struct pick_ask *ask);
const struct lane *lane_get(struct pool *p, const struct pick_ask *ask);
void lanes_free(struct pool *p);

/* --- pick.c ------------------------------------------------------------------------------------
 */

/* What the account lacks for the model though its group is open, or NULL. */
const struct lockout *account_missing(const struct account *acc, struct str model, int64_t now_ms);
/* Chooses an account for one attempt, or NULL. Changes nothing that another pick would notice: same
 * in, same out. `out` is filled either way. */
struct standing *pool_pick(struct pool *p, const struct pick_ask *ask, int64_t now_ms,
                           struct pick *out);

/* --- chain.c --------------------------------------------------------------------------------- */

/* pool_pick() for an ask that may have others behind it; `out->entry` is the one that decided. */
struct standing *chain_pick(struct pool *p, const struct pick_ask *ask, int64_t now_ms,
                            struct pick *out);
const struct pick_ask *chain_entry(const struct pick_ask *ask, uint32_t entry);
/* What a binding keeps of the entry that served it; 1: none did, the pool chose. 0 is for those
 * that were loaded: nobody knows. */
uint8_t chain_mark(const struct pick_ask *ask);

/* --- learn.c -----------------------------------------------------------------------------------
 */

/* What the verdict teaches. */
void account_learn(struct pool *p, struct account *acc, struct lease *l, const struct verdict *v);
void account_forget(struct pool *p, struct account *acc); /* it is to be filed then */
/* It is out until then, unless there is a token before; `renewing`: others wait for that. 0: it is
 * not any more. It is to be filed then. */
void account_renewal(struct pool *p, struct account *acc, bool renewing, int64_t until_ms);
/* It had this list before. */
void account_relisted(struct pool *p, struct account *acc, const struct model_list *old);
void account_ask_again(struct pool *p, struct account *acc, int64_t at_ms);
void account_probed(struct pool *p, struct account *acc, struct standing *s);
void accounts_release(struct pool *p, const struct lease_mark *marks, size_t count);
/* It counts as disabled, as kept from use, or as usable; -1 before that changes, 1 after. */
void account_count(struct pool *p, const struct account *acc, int by);
void account_set_reason(struct account *acc, struct str reason);
void account_set_flags(struct pool *p, struct account *acc, bool disabled, bool proxy_disabled,
                       bool refused);

/* --- view.c ------------------------------------------------------------------------------------
 */

void pool_lock(struct pool *p);
void pool_unlock(struct pool *p);
struct account_config *config_release(struct account_config *c);
void config_free(struct account_config *c);
void clip_into(char *to, size_t size, struct str text);

#endif
