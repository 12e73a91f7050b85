/* pool/pool.h - the accounts of all workers, and the only way to one of them.
 *
 * pool_lease() = lock, pick, take, unlock. The lock is held for microseconds, never across I/O or a
 * callback. pool_pick() and what it calls are pure (`now` is an argument) and are tested without
 * threads. Threads: any; the lock is inside pool.c.   Memory: bounded tables; pool_free() frees
 * all. */
#ifndef PENSTOCK_POOL_POOL_H
#define PENSTOCK_POOL_POOL_H

#include "base/error.h"
#include "pool/account.h"
#include "pool/verdict.h"

struct pool;
struct account;        /* one account's live state; its insides belong to pool/ */
struct account_config; /* one configuration of it, counted */

#define POOL_ACCOUNTS_MAX 10000

enum pool_mode { MODE_BALANCE, MODE_CACHE_FIRST, MODE_PERFORMANCE_FIRST };
const char *pool_mode_word(enum pool_mode mode); /* "Balance", "CacheFirst", "PerformanceFirst" */
bool pool_mode_from_word(struct str word, enum pool_mode *mode);

struct pool_options {
    enum pool_mode mode;
    int64_t max_wait_ms;   /* 60 s */
    int64_t queue_wait_ms; /* 5 s */
    bool optimize_quota_sorting;
    int32_t quota_reserve_percent;
};

/* Why an account was passed over: one line gives enum, word and sentence. Most final first. */
#define SKIP_TABLE(X)                                                          \
    X(NONE, "none", "may be used")                                             \
    X(DISABLED, "disabled", "switched off")                                    \
    X(PROXY_DISABLED, "proxy_disabled", "kept fresh, but not used")            \
    X(NO_MODEL, "no_model", "does not offer the model, or not over this wire") \
    X(TRIED, "tried", "has already failed this very request")                  \
    X(LOCKED_OUT, "locked_out", "asked to be left alone for a while")          \
    X(RESERVE, "reserve", "is down to the quota kept in reserve")              \
    X(PROTECTED, "protected", "is below the protected quota of this model")    \
    X(BUSY, "busy", "has as many requests in flight as it may")

enum skip {
#define X(name, word, text) SKIP_##name,
    SKIP_TABLE(X)
#undef X
        SKIPS,
};
const char *skip_word(enum skip why);
const char *skip_text(enum skip why);
bool skip_from_word(struct str word, enum skip *why);

/* Why this account was chosen. */
#define PICK_TABLE(X)                                                               \
    X(NONE, "none", "nobody was free")                                              \
    X(FIXED, "fixed", "fixed account mode")                                         \
    X(STICKY, "sticky", "the conversation is bound to it")                          \
    X(RECENT, "recent", "it served last, within the last minute")                   \
    X(ROUND_ROBIN, "round_robin", "next in order: tier, quota, picked longest ago") \
    X(ROUTE, "route", "the account route of this model says so")                    \
    X(FLOW, "flow", "the flow says so")                                             \
    X(ONLY, "only", "nobody else offers this model")

enum pick_reason {
#define X(name, word, text) PICK_##name,
    PICK_TABLE(X)
#undef X
        PICK_REASONS,
};
const char *pick_reason_word(enum pick_reason reason);
const char *pick_reason_text(enum pick_reason reason);
bool pick_reason_from_word(struct str word, enum pick_reason *reason);

struct session_key {
    uint8_t digest[16];
};

#define PICK_TRIED_MAX 64 /* candidates one exchange may ask */
#define PICK_PASSED_MAX 8 /* names kept of those passed over */

struct pick_ask {
    struct str model;        /* upstream model id */
    struct str public_model; /* what the account's model patterns are matched with */
    uint32_t wires;          /* WIRE_BITs the request can be sent over */
    struct session_key session;
    bool has_session;
    bool force_rotate;    /* attempt > 0 */
    int64_t again;        /* an account to be asked once more, if it may be used; 0: none */
    const int64_t *tried; /* ids of accounts used up by this exchange */
    size_t tried_count;
};

struct pick_passed {
    int64_t id;
    enum skip why;
    char label[32]; /* clipped */
};

struct pick {
    enum pick_reason reason;
    uint32_t skipped[SKIPS]; /* how many for each reason */
    uint32_t passed_count; /* all that offer the model and were not usable; the best-ranked ones by
                              name */
    struct pick_passed passed[PICK_PASSED_MAX];
    uint32_t offering; /* accounts that offer the model over one of the wires, usable or not. What
                          the operator disabled is not counted, what a refused credential disabled
                          is */
    /* Why they are out, tried or not: for the answer when nobody is free. Rate: rate_limited;
     * quota: quota_exhausted; server: capacity and server_error; auth: auth_invalid, forbidden,
     * needs_action; model: model_missing. */
    uint32_t locked_rate, locked_quota, locked_server, locked_auth, locked_model;
    int64_t retry_at_ms; /* the earliest time one of those that are locked out is free again: what
                            `Retry-After` says; INT64_MAX: nobody is locked out */
    int64_t free_at_ms;  /* the same without those tried by this exchange: how long it can be worth
                            waiting; busy ones may be free sooner (pool_on_free) */
};

/* Lockouts for a single group of models (their upstream id) are kept by its first bytes. */
#define GROUP_NAME_MAX 128

/* The right to use one account for one attempt; ends exactly once, in lease_return(). Embedded in
 * the attempt. */
struct lease {
    struct account *account; /* NULL when not held */
    struct account_config *config;
    void *upstream; /* the account's configuration for provider/, valid while the lease is held */
    int64_t account_id;
    uint32_t wires;
    int64_t taken_ms;
    char label[129];
    uint8_t group_len;
    char group[GROUP_NAME_MAX]; /* what the verdict is about when it has group_scope */
};

struct pool *pool_new(const struct pool_options *options);
void pool_free(struct pool *p);
void pool_set_options(struct pool *p, const struct pool_options *options);
struct pool_options pool_get_options(struct pool *p);

/* Adds or replaces (same id) an account. Takes `upstream`, which is released by `upstream_free`
 * when the last lease on it has ended; at once when the account is refused. The spec is copied.
 * E_CONFLICT when the label belongs to another id, E_LIMIT when the table is full, E_SYNTAX for a
 * label that is empty or too long.
 * What was learned of an account stays when it is replaced, unless provider, base URL or key
 * changed: a new credential starts afresh, and late verdicts on the old one teach it nothing. */
MUST_USE enum status pool_put(struct pool *p, const struct account_spec *spec, uint32_t wires,
                              void *upstream, void (*upstream_free)(void *upstream),
                              struct error *e);
/* Leases on it run on. False: no such id. */
bool pool_remove(struct pool *p, int64_t id);

/* False when nobody is free: `why` says why and when. */
bool pool_lease(struct pool *p, const struct pick_ask *ask, int64_t now_ms, struct lease *l,
                struct pick *why);
/* The one place where an account learns anything. `session` (may be NULL) is what a policy with
 * bindings binds on success; the order by turns needs none. A success disproves only what was
 * learned before its lease was taken, and failures that ran at the same time count as one. */
void lease_return(struct pool *p, struct lease *l, const struct verdict *v,
                  const struct session_key *session, int64_t now_ms);

/* Called under the pool's lock when an account may have become free (never for the mere end of a
 * lockout: that is what `free_at_ms` is for); it must only send a mailbox message. One for each
 * worker, POOL_WORKERS_MAX in all. */
#define POOL_WORKERS_MAX 256
void pool_on_free(struct pool *p, void (*fn)(void *peer), void *peer);

/* --- for admin, models and status: copies, made under the lock
 * ------------------------------------- */

struct account_view {
    int64_t id;
    char label[129], provider[32];
    enum tier tier;
    bool disabled, proxy_disabled, from_file;
    char disabled_reason[160];
    uint32_t in_flight, concurrency_max;
    uint32_t wires;
    int64_t locked_until_ms; /* loop clock; 0 when free */
    enum verdict_kind locked_why;
    uint32_t groups_locked; /* models that are out on an account that is else free */
    uint64_t served, failed;
    int64_t created_unix_ms;
};

/* Calls `fn` for each account in order of creation, without the lock. Gives their number. Accounts
 * that come or go meanwhile may or may not be seen, no other is seen twice or missed. */
size_t pool_each(struct pool *p, int64_t now_ms,
                 void (*fn)(void *peer, const struct account_view *v), void *peer);
/* Accounts that are not disabled and not locked out. */
uint32_t pool_active(struct pool *p, int64_t now_ms);
/* Calls `fn` for each model pattern of accounts that are in use, with the wires and the provider of
 * its account; without the lock. An account without patterns takes any model and is not told of. */
void pool_each_model(struct pool *p,
                     void (*fn)(void *peer, struct str pattern, struct str provider,
                                uint32_t wires),
                     void *peer);
/* Disables or enables at run time. False: no such id. */
bool pool_set_flags(struct pool *p, int64_t id, bool disabled, bool proxy_disabled,
                    struct str reason);
void pool_clear_lockouts(struct pool *p, int64_t id);

#endif
