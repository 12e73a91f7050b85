/* pool/pool.h - the accounts of all workers, and the only way to one of them.
 *
 * pool_lease() = lock, pick, take, unlock. The lock is held for microseconds, never across I/O or a
 * callback. pool_pick() and what it calls are pure (`now` is an argument) and are tested without
 * threads. Threads: any; the lock is inside pool.c.   Memory: bounded tables; pool_free() frees
 * all. */
#ifndef PENSTOCK_POOL_POOL_H
#define PENSTOCK_POOL_POOL_H

#include <stdatomic.h>

#include "base/error.h"
#include "pool/account.h"
#include "pool/model_list.h"
#include "pool/verdict.h"

struct pool;
struct account;        /* one account's live state; its insides belong to pool/ */
struct account_config; /* one configuration of it, counted */

#define POOL_ACCOUNTS_MAX 10000

enum pool_mode { MODE_BALANCE, MODE_CACHE_FIRST, MODE_PERFORMANCE_FIRST };
const char *pool_mode_word(enum pool_mode mode); /* "Balance", "CacheFirst", "PerformanceFirst" */
bool pool_mode_from_word(struct str word, enum pool_mode *mode);

#define BACKOFF_STEPS_MAX 32
#define PROTECTED_MODELS_MAX 1000

struct pool_options {
    enum pool_mode mode;
    int64_t max_wait_ms;   /* 60 s */
    int64_t queue_wait_ms; /* 5 s */
    bool optimize_quota_sorting;
    int32_t quota_reserve_percent; /* 0: off */
    /* Models whose quota is protected below this part of it; 0: off. A name stands for all ids that
     * hold it, and may be a pattern. The pool copies the list; pool_get_options() gives none. */
    int32_t protection_percent;
    const struct str *protected_models;
    size_t protected_model_count;
    /* Lockouts of a quota whose end nobody names, one failure after the other; the last one
     * repeats. None: 60 s each time, however often (the circuit breaker is off). */
    int64_t backoff_ms[BACKOFF_STEPS_MAX];
    size_t backoff_count;
};

/* Why an account was passed over: one line gives enum, word and sentence. Most final first. */
#define SKIP_TABLE(X)                                                              \
    X(NONE, "none", "may be used")                                                 \
    X(DISABLED, "disabled", "is switched off")                                     \
    X(PROXY_DISABLED, "proxy_disabled", "is kept fresh, but not used")             \
    X(NO_MODEL, "no_model", "does not offer the model, or not over this wire")     \
    X(TRIED, "tried", "has already failed this very request, or its provider has") \
    X(LOCKED_OUT, "locked_out", "asked to be left alone for a while")              \
    X(RESERVE, "reserve", "is down to the quota kept in reserve")                  \
    X(PROTECTED, "protected", "is below the protected quota of this model")        \
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
    X(STICKY, "sticky", "the conversation belongs to it")                           \
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

#define PICK_TRIED_MAX 64   /* candidates one exchange may ask */
#define PICK_COSTLY_MAX 5   /* attempts of one exchange that cost time or money */
#define PICK_PASSED_MAX 8   /* names kept of those passed over */
#define PICK_LABEL_BYTES 64 /* of a label there, which is clipped; with its NUL */

struct waiter;

struct pick_ask {
    struct str model; /* upstream model id: decides who offers it, and the quota group */
    uint32_t wires;   /* WIRE_BITs the request can be sent over */
    struct session_key session;
    bool has_session;
    int64_t home;      /* an account that alone takes back something in the request; 0: none. Of an
                          unbound conversation it is as its bound one would be */
    bool is_image;     /* an image model: no 60 s window */
    bool side;         /* counts tokens, lists models: what comes of it never locks generation */
    bool force_rotate; /* attempt > 0: neither the session's account nor the one that served last */
    int64_t again;     /* an account to be asked once more, if it may be used; 0: none. What is
                          known of the way to its host does not keep it: a fresh connection tells */
    const int64_t *tried; /* ids of accounts used up by this exchange */
    size_t tried_count;
    /* What a route or flow entry says. `by`: PICK_ROUTE or PICK_FLOW, else PICK_NONE. */
    enum pick_reason by;
    int64_t named;       /* the one account that may be used; 0: any */
    struct str provider; /* only accounts of this provider; empty: any */
    bool spends_reserve; /* the entry names an account, or is the route's only one */
    bool by_age;         /* the oldest account first, in place of the order */
    bool rotates; /* of entries next to each other that rotate, the one whose account was picked
                     longest ago comes first */
    /* The route's next entry, which is asked when nobody can be had for this one; NULL: none. It
     * lives as long as what the ask points to. Each says all of the rest for itself, but the first
     * one has the waiter. */
    const struct pick_ask *next;
    /* Set by the pool while it goes along the entries: */
    bool eager;     /* one behind it may have somebody: no probe here, and nobody who comes last */
    bool elsewhere; /* one of them has a provider that is neither convicted nor spent */
    const struct str *convicted; /* providers at which this request is not asked any more */
    size_t convicted_count;
    const struct str *spent; /* providers that are not asked again if there is another one */
    size_t spent_count;
    struct str avoid;    /* a provider to come last; empty: none */
    bool defies_hosts;   /* it has met a fault of the way to one: those that cannot be reached come
                            last, but they come */
    int64_t since_ms;    /* when it asked first since it last had a lease: patience counts from
                            there; 0: now */
    int64_t deadline_ms; /* waiting must end before; 0: none */
    struct waiter *waiter; /* its place in the queue while nobody is free; NULL: it will not wait */
    bool surveys;          /* wants to know when those that are out are back, whoever is free */
};

struct pick_passed {
    int64_t id;
    enum skip why;
    enum verdict_kind verdict; /* locked_out, or disabled by the provider: what was the reason */
    int64_t until_ms;          /* when that ends; 0: nobody knows */
    char label[PICK_LABEL_BYTES];
};

/* What became of a layer above the order. */
#define LAYER_TABLE(X)                                                                   \
    X(ABSENT, "absent", "nothing is fixed, bound or recent here, or the mode asks none") \
    X(TAKEN, "taken", "decided")                                                         \
    X(SKIPPED, "skipped", "not to be used now")                                          \
    X(AWAITED, "awaited", "waited for")                                                  \
    X(ROTATED, "rotated", "not asked again after a fault")                               \
    X(HERDED, "herded", "another account of the tier holds fewer live conversations")

enum layer_fate {
#define X(name, word, text) LAYER_##name,
    LAYER_TABLE(X)
#undef X
        LAYER_FATES,
};
const char *layer_fate_word(enum layer_fate fate);
const char *layer_fate_text(enum layer_fate fate);

struct pick_layer {
    enum layer_fate fate;
    enum skip why; /* SKIPPED, AWAITED */
    int64_t id;    /* 0: absent */
    char label[PICK_LABEL_BYTES];
};

/* A pick with its reasons: all that is needed to explain it later. */
struct pick {
    enum pick_reason reason;
    enum pool_mode mode;
    struct pick_layer fixed, bound, recent;
    bool probe;     /* the one real request that probes a lockout */
    bool binds;     /* a success binds the session to this account */
    uint32_t entry; /* of a route: which ask decided, counted from 0 */
    /* where the account stood in the order */
    enum tier tier;
    int32_t remaining_permille; /* of the model's group; -1 unknown */
    uint32_t in_flight;         /* without this one */
    int64_t picked_ms_ago;      /* for this group; -1 never */

    uint32_t skipped[SKIPS]; /* how many for each reason; NONE: usable */
    uint32_t passed_count; /* all that offer the model and were not usable; the best-ranked ones by
                              name */
    uint32_t offering; /* accounts that offer the model over one of the wires, usable or not. What
                          the operator disabled is not counted, what a refused credential disabled
                          is */
    /* Why they are out, tried or not: for the answer when nobody is free. Rate: rate_limited;
     * quota: quota_exhausted; server: capacity and server_error; host: timeout and network; auth:
     * auth_invalid, forbidden, needs_action; model: model_missing. */
    uint32_t locked_rate, locked_quota, locked_server, locked_host, locked_auth, locked_model;
    int64_t retry_at_ms; /* the earliest time one of those that are out is free again: what
                            `Retry-After` says; INT64_MAX: time alone brings nobody back */
    int64_t free_at_ms;  /* the same without those tried by this exchange */
    /* Nobody was free: */
    int64_t wait_until_ms; /* waiting is worth it until then; 0: it is not */
    int64_t ask_at_ms;     /* when waiting: ask again then at the latest. The pool wakes the waiter
                              when somebody is free before */
    struct pick_passed passed[PICK_PASSED_MAX]; /* passed_count, or all; the rest is not set */
};

/* Whoever keeps a pick needs no more of it than this: it ends behind the names that it has. */
static inline size_t pick_bytes(const struct pick *p)
{
    uint32_t named = p->passed_count < PICK_PASSED_MAX ? p->passed_count : PICK_PASSED_MAX;

    return offsetof(struct pick, passed) + named * sizeof(p->passed[0]);
}

/* --- quota --------------------------------------------------------------------------------------
 */

struct quota {
    int32_t remaining_permille; /* -1: unknown */
    int64_t reset_ms;           /* loop clock; 0: unknown. Behind it the figure says nothing more */
    int64_t seen_ms;
    bool guessed; /* nobody has said when it comes back: the time is our own */
};

/* An allowance that a group draws on: `5h`, `weekly`, `requests`, `tokens` … */
#define QUOTA_WINDOWS_MAX 4
struct quota_window {
    char name[20];
    int32_t remaining_permille;
    int64_t reset_ms;
};
/* All that was said of a group at one time; its figure is that of the tightest window. */
struct quota_said {
    struct quota_window windows[QUOTA_WINDOWS_MAX];
    uint32_t count;
    int64_t seen_ms;
};

/* Groups are kept by the first bytes of their name. */
#define GROUP_NAME_MAX 128

/* What the verdict on an attempt locks out from now on. */
struct lease_lockout {
    const char *scope; /* static: `account`, `group`, `model`, `host`; NULL: nothing */
    int64_t until_ms;  /* INT64_MAX: until somebody acts */
};

/* The right to use one account for one attempt; ends exactly once, in lease_return(). Embedded in
 * the attempt. */
struct lease {
    struct account *account; /* NULL when not held */
    struct account_config *config;
    struct standing *standing; /* the account's standing in the model's quota group */
    uint64_t number;           /* of this lease, counted from 1 */
    void *upstream; /* the account's configuration for provider/, valid while the lease is held */
    int64_t account_id;
    uint32_t wires;
    int64_t taken_ms;
    struct str model;    /* borrowed from the ask: lives as long as the lease */
    struct str provider; /* of the configuration */
    bool side, binds, probe;
    bool stamps; /* a success makes it the account that served last */
    uint8_t via; /* stands for the route's entry that it came by */
    struct session_key session;
    struct lease_lockout locks; /* set by lease_return() */
    /* What the answer's head said, for lease_return(); NULL: nothing. `said_group`: of this group
     * of the account; empty: of the model's own. */
    const struct quota_said *said;
    struct str said_group;
    char label[129];
};

/* A place in the queue of those for whom nobody was free. Embedded in the exchange; what the ask
 * points to lives as long. All but the first two belong to the pool. */
struct waiter {
    void (*wake)(void *peer); /* called under the pool's lock when the waiter was given an account;
                                 it must only send a mailbox message: then pool_lease() again */
    void *peer;
    bool queued;
    _Atomic bool granted;
    struct waiter *next, *previous;
    struct pick_ask ask;
    struct lease lease;
    struct pick pick;
};

struct pool *pool_new(const struct pool_options *options);
void pool_free(struct pool *p);
void pool_set_options(struct pool *p, const struct pool_options *options);
struct pool_options pool_get_options(struct pool *p);

/* What a provider makes of a spec. The pool carries `upstream` without looking inside. */
struct account_means {
    uint32_t wires;
    void *upstream;
    void (*upstream_free)(void *upstream);
    struct str host; /* where it leads: accounts with the same one share the faults of the way */
    /* The quota group of an upstream model; NULL: each model is its own. Pure; the slice is static
     * or borrows from the model's id. */
    struct str (*group)(struct str model);
    bool lacks_client; /* it has a grant, and there is no OAuth client to renew it with */
};

/* Adds or replaces (same id) an account. Takes `means->upstream`, which is released by
 * `upstream_free` when the last lease on it has ended; at once when the account is refused. The
 * rest is copied. E_CONFLICT when the label belongs to another id, E_LIMIT when the table is full,
 * E_SYNTAX for a label that is empty or too long.
 * What was learned of an account stays when it is replaced, unless provider, base URL or key
 * changed: a new credential starts afresh, and late verdicts on the old one teach it nothing. */
MUST_USE enum status pool_put(struct pool *p, const struct account_spec *spec,
                              const struct account_means *means, struct error *e);
/* Leases on it run on. False: no such id. */
bool pool_remove(struct pool *p, int64_t id);

/* Picks and takes under the lock. False when nobody is free: `why` says why, when, and whether
 * waiting is worth it; then an asker with a waiter has a place in the queue, and those who came
 * first are served first. True, or false without wait_until_ms: it has none any more. */
bool pool_lease(struct pool *p, const struct pick_ask *ask, int64_t now_ms, struct lease *l,
                struct pick *why);
/* The asker waits no longer: its place is given up, and what it was given meanwhile goes back. */
void pool_unwait(struct pool *p, struct waiter *w, int64_t now_ms);
/* The id of the account with this label; 0: there is none. */
int64_t pool_labelled(struct pool *p, struct str label);
/* What pool_lease() would do now, without doing it. True: `why` explains the account `id`. */
bool pool_explain(struct pool *p, const struct pick_ask *ask, int64_t now_ms, int64_t *id,
                  struct pick *why);

/* The one place where an account learns anything. A success binds the session to the account,
 * unless the pick said otherwise, and disproves only what was learned before its lease was taken;
 * failures that ran at the same time count as one. */
void lease_return(struct pool *p, struct lease *l, const struct verdict *v, int64_t now_ms);
/* The same request failed alike on three accounts of one provider: the request is to blame. Takes
 * back what those failures, and nobody else's since, did to the accounts. */
struct lease_mark {
    int64_t account;
    uint64_t number;
};
void pool_release(struct pool *p, const struct lease_mark *marks, size_t count, int64_t now_ms);

/* --- grants: access tokens that expire and are renewed -----------------------------------------
 */

/* Called when a provider says that an account's access token has expired, once for each token and
 * under the pool's lock: it must only send a mailbox message. From then on, for RENEWAL_MS, the
 * account is out, and whoever was refused waits for it; who renews it says how it goes on. NULL, as
 * at first: nobody renews anything, and a 401 keeps nobody out. */
#define RENEWAL_MS 4000
void pool_on_expired(struct pool *p, void (*fn)(void *peer, int64_t id), void *peer);

enum renewal {
    RENEWAL_RUNS,   /* out for so long, and waited for */
    RENEWAL_FAILED, /* out for so long */
    RENEWAL_OVER,   /* not out any more, as when pool_put() brings another access token */
};
/* False: no such id. */
bool pool_renewal(struct pool *p, int64_t id, enum renewal how, int64_t for_ms, int64_t now_ms);

/* --- fixed account: only while the process runs ------------------------------------------------
 */

/* False: no such account. */
bool pool_fix(struct pool *p, int64_t id);
void pool_unfix(struct pool *p);
/* The id; 0: none. It stays fixed while the account is locked out, disabled or even gone. */
int64_t pool_fixed(struct pool *p);

/* --- lists of models: what an account offers whose settings do not say it, and what is shown of
 * one whose settings have patterns. The patterns alone decide what may be asked of that one. */

#define LISTS_BYTES_MAX ((size_t)64 << 20) /* of all accounts together */

/* An account's configuration, held for work that is no attempt. The slices live as long. */
struct account_hold {
    struct account_config *config;
    int64_t id;
    struct str label;
    void *upstream;
    const struct account_spec *spec; /* as it was put */
    bool wants_list;                 /* account_wants_list() */
    bool disabled;
    bool expired; /* its access token was refused, and no other has come since */
};
/* False: no such id. */
bool pool_hold(struct pool *p, int64_t id, struct account_hold *h);
void pool_let_go(struct pool *p, struct account_hold *h);

/* What the provider lists for the account, in place of what it listed before; an empty list says
 * nothing. Until there is one, the account offers any model. E_ABSENT: it is gone, has another
 * credential by now, or names all its models itself; E_LIMIT: there is no room for so many lists.
 */
MUST_USE enum status pool_set_models(struct pool *p, const struct account_hold *h,
                                     const struct listed_model *models, size_t count,
                                     int64_t now_ms, struct error *e);

/* --- quota: what is left, as providers say it ------------------------------------------------- */

/* One figure for a quota group of the account. False: no such id. */
bool pool_set_quota(struct pool *p, int64_t id, struct str group, const struct quota *q,
                    int64_t now_ms);
/* All windows of a group. False: the account is gone, or has another credential by now. */
bool pool_hear_quota(struct pool *p, const struct account_hold *h, struct str group,
                     const struct quota_said *said, int64_t now_ms);
/* Accounts whose allowance was found used up since this was asked last: what is left should be
 * asked for. Gives their number. */
#define QUOTA_ASKS_MAX 32
size_t pool_take_quota_asks(struct pool *p, int64_t ids[QUOTA_ASKS_MAX]);

/* --- bindings: which account holds the cache of a conversation -------------------------------- */

#define BINDINGS_MAX 1000000
#define BINDING_IDLE_MS (INT64_C(24) * 3600 * 1000)
#define SESSION_LIVE_MS (INT64_C(10) * 60 * 1000) /* a request within this time: it is live */

struct binding {
    struct session_key session;
    int64_t account; /* its id */
    int64_t used_ms; /* loop clock; of a loaded binding it may be negative */
};

uint32_t pool_bindings(struct pool *p, int64_t now_ms); /* how many there are */
/* Calls `fn` for each binding, without the lock and in no order. */
void pool_each_binding(struct pool *p, int64_t now_ms,
                       void (*fn)(void *peer, const struct binding *b), void *peer);
/* False: there is none. The stored ones are the caller's to clear. */
bool pool_clear_binding(struct pool *p, const struct session_key *session);
void pool_clear_bindings(struct pool *p);
/* At start: puts back what was kept. */
void pool_load_binding(struct pool *p, const struct binding *b, int64_t now_ms);
/* Bindings that are new or changed since they were last taken, for the store; `more`: call again.
 */
size_t pool_take_bindings(struct pool *p, struct binding *out, size_t max, bool *more);

/* --- for admin, models and status: copies, made under the lock
 * ------------------------------------- */

#define EVIDENCE_MAX 512
#define VIEW_LOCKOUTS_MAX 8
#define VIEW_QUOTAS_MAX 8

struct lockout_view {
    char scope[64]; /* `account`, `host`, or the name of the group or model, clipped */
    enum verdict_kind why;
    int64_t since_ms, until_ms; /* loop clock; until INT64_MAX: until somebody acts */
    bool named;                 /* the provider named the time */
    uint32_t failures;          /* in a row */
    int status;
    char evidence[EVIDENCE_MAX]; /* the provider's words or link, redacted; may be empty */
};

struct quota_view {
    char group[64];
    struct quota quota;
    struct quota_said said; /* no windows: it was given as one figure */
};

struct account_view {
    int64_t id;
    char label[129], provider[32];
    enum tier tier;
    bool disabled, proxy_disabled, from_file;
    bool refused;            /* disabled because the provider refuses the credential */
    char proxy[128];         /* its own, without user and password; empty: the general rule */
    bool signed_in;          /* it has a grant */
    bool grant_lost;         /* … which its provider renews no more */
    bool renews;             /* … and something to renew it with … */
    bool lacks_client;       /* … but for the OAuth client that it was made with */
    char imported_from[256]; /* another program's file, read again when it changes; or empty */
    int64_t expires_unix_ms; /* … whose access token expires then; 0: unknown */
    char email[129], plan[64];
    char disabled_reason[160];
    uint32_t in_flight, concurrency_max;
    uint32_t wires;
    bool names_models;       /* its settings do: so many patterns */
    uint32_t models;         /* patterns, or models of its provider's list */
    int64_t models_seen_ms;  /* when that list was read last; 0: none is known */
    int64_t locked_until_ms; /* of the whole account, loop clock; 0 when free */
    enum verdict_kind locked_why;
    uint32_t groups_locked; /* groups and models that are out on an account that is else free */
    uint32_t sessions, sessions_live; /* bound to it */
    uint64_t served, failed;
    int64_t created_unix_ms;
    uint32_t lockout_count, quota_count; /* all; as many as there is room for follow */
    struct lockout_view lockouts[VIEW_LOCKOUTS_MAX];
    struct quota_view quotas[VIEW_QUOTAS_MAX];
};

/* Calls `fn` for each account in order of creation, without the lock. Gives their number. Accounts
 * that come or go meanwhile may or may not be seen, no other is seen twice or missed. */
size_t pool_each(struct pool *p, int64_t now_ms,
                 void (*fn)(void *peer, const struct account_view *v), void *peer);
/* Accounts that are not disabled and not locked out. */
uint32_t pool_active(struct pool *p, int64_t now_ms);
/* What is offered by accounts that are alike: a pattern of their settings, or a model of their
 * provider's list. */
struct offered_model {
    struct str pattern;
    const struct listed_model *listed; /* NULL: of the settings; else a list has it, and a pattern
                                          of the settings, if there are any, fits */
    struct str provider;
    uint32_t wires;
};
/* Is there an account in use that offers the model? `provider` and `account` (a label) may be
 * empty: any. */
bool pool_offers(struct pool *p, struct str model, struct str provider, struct str account);
/* Calls `fn` for each that accounts in use offer; without the lock. Of an account that takes any
 * model, since neither its settings nor a list name any, the pattern is `*`. */
void pool_each_model(struct pool *p, void (*fn)(void *peer, const struct offered_model *m),
                     void *peer);
/* Disables or enables at run time. False: no such id. */
bool pool_set_flags(struct pool *p, int64_t id, bool disabled, bool proxy_disabled,
                    struct str reason);
/* The operator says that all is well: lockouts, a refused credential and what the provider wanted
 * done are forgotten. False: no such id. */
bool pool_clear_lockouts(struct pool *p, int64_t id);
/* The account with this id or label. */
bool pool_find(struct pool *p, struct str id_or_label, int64_t now_ms, struct account_view *v);

#endif
