/* app/desk_int.h - what the files of the desk share. For desk*.c only. Threads: the desk's own. */
#ifndef PENSTOCK_APP_DESK_INT_H
#define PENSTOCK_APP_DESK_INT_H

#include <pthread.h>

#include "app/desk.h"
#include "app/outcome.h"
#include "base/json_write.h"
#include "store/password.h"
#include "upkeep/check.h"
#include "upkeep/grants.h"
#include "upkeep/model_lists.h"
#include "upkeep/signin.h"
#include "upkeep/quotas.h"

/* What a provider told of an account, where its settings say nothing. */
struct found_facts {
    int64_t id;
    char provider[32];
    enum tier tier;
    char project[FACTS_PROJECT_MAX];
};

struct desk {
    struct desk_options o;
    struct loop *loop;
    struct mailbox *mailbox;
    struct thread *thread;
    struct timer look, keep;
    int64_t minute_ms; /* when the next one is over */
    struct config_file *config;
    struct store *store;
    int64_t store_version;
    struct client_keys *keys; /* of the database */
    uint64_t kept;            /* times that bindings were written */
    int64_t ledger_saved_ms;
    int64_t *known; /* ids in the pool */
    size_t known_count;
    struct client *client; /* of the desk's loop: for what accounts are asked in the background */
    struct model_lists *lists; /* NULL: there is no client */
    struct quotas *quotas;     /* likewise */
    struct found_facts *found;
    size_t found_count;
    unsigned refresh_count; /* calls that wait for figures */
    struct grants *grants;  /* likewise, and the next */
    struct signins *signins;
    struct settings *grant_settings; /* those that the two go by */
    struct timer follow, stopping;
    int64_t stop_ms;           /* the loop stops then at the latest */
    struct followed *followed; /* files of other programs that grants came from */
    struct client_metrics client_metrics;
    struct grants_metrics grants_metrics;
    struct reporter *reporter;
    struct account_test *tests; /* under way */
    unsigned test_count;
    /* for other threads */
    _Atomic uint64_t revision; /* of the settings in force */
    _Atomic bool by_hand, privacy, compact, preload_routing, password_set, metrics_public,
        bodies_allowed;
    struct password_mark password; /* which one is set */
    pthread_mutex_t fault_lock;
    char fault[512]; /* of the settings file on disk; empty: none */
};

/* Reads the accounts of file and database again and puts them into the pool. */
void desk_reload_accounts(struct desk *d);
/* What commands have written into the database since it was last looked at is taken in. */
void desk_look(struct desk *d);
bool desk_knows(const struct desk *d, int64_t id);

/* --- desk_bindings.c: which account holds the cache of a conversation */

void desk_bindings_load(struct desk *d);
void desk_bindings_start(struct desk *d);
void desk_bindings_stop(struct desk *d);
/* In the pool and on the disk. */
MUST_USE enum status desk_bindings_clear(struct desk *d, struct error *e);
/* E_ABSENT: it is not bound. */
MUST_USE enum status desk_binding_clear(struct desk *d, const struct session_key *session,
                                        struct error *e);

/* --- desk_ledger.c: who minted which signature */

void desk_ledger_load(struct desk *d);
/* When there is something new and the last time is long ago; `last`: at once. */
void desk_ledger_save(struct desk *d, int64_t now_ms, bool last);

/* --- changes over the admin API: desk_changes.c finds the one that is wanted */

typedef void desk_change(struct desk *d, const struct admin_call *c, struct admin_outcome *out);

/* desk_scheduling.c */
desk_change desk_scheduling, desk_fix, desk_unfix, desk_unbind_all, desk_unbind;
/* desk_settings.c */
desk_change desk_settings_show, desk_settings_change;
/* desk_accounts.c */
desk_change desk_account_change, desk_account_remove, desk_lockouts_clear;
/* As desk_account_test(). */
bool desk_account_add(struct desk *d, struct admin_call *c, struct admin_outcome *out);
/* Adds it, unless its provider says that its key is none. */
void desk_account_checked(struct desk *d, struct account_spec *spec,
                          const struct check_result *result, struct admin_outcome *out);

/* desk_capture.c: what was captured becomes files. */
void desk_capture_write(struct desk *d);

/* desk_password.c */
desk_change desk_login, desk_password;
/* desk_routing.c */
desk_change desk_routing, desk_routing_set, desk_routing_explain;
bool desk_has_password(const struct desk *d);
/* Looks whether another password is set than before: then all browsers have to log in again. */
void desk_password_look(struct desk *d);

/* desk_grants.c */
desk_change desk_signin_start, desk_signin_look, desk_signin_cancel, desk_signin_code;
void desk_grants_start(struct desk *d);
void desk_grants_settings(struct desk *d, struct settings *s);
void desk_grants_stop(struct desk *d);

/* desk_prices.c */
desk_change desk_price_list, desk_price_set, desk_price_remove;

/* desk_keys.c */
MUST_USE enum status desk_keys_load(struct desk *d, struct error *e);
void desk_keys_reload(struct desk *d);
desk_change desk_key_list, desk_key_add, desk_key_change, desk_key_rotate, desk_key_remove;

/* desk_test.c: true when it is under way, and the call is answered later. */
bool desk_account_test(struct desk *d, struct admin_call *c, struct admin_outcome *out);
/* The key of an account that is to be added is checked first; desk_account_checked() comes when
 * that is over. False: it cannot be, and the spec is still the caller's. */
bool desk_check_new(struct desk *d, struct admin_call *c, struct account_spec *spec);
/* Those under way are given up. */
void desk_tests_end(struct desk *d);

/* desk_quota.c */
desk_change desk_quota_refresh;
/* As desk_account_test(). */
bool desk_account_refresh(struct desk *d, struct admin_call *c, struct admin_outcome *out);
void desk_quotas_start(struct desk *d);
void desk_quotas_end(struct desk *d); /* those who wait are answered */
/* What its provider told lies over what the account does not say. The slices are the desk's. */
void desk_lay_facts(const struct desk *d, struct account_spec *spec);
void desk_facts_load(struct desk *d);
void desk_facts_prune(struct desk *d); /* of accounts that are gone */

#endif
