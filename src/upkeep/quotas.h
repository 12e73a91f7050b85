/* upkeep/quotas.h - keeps fresh what the pool knows of allowances: each account whose provider
 * tells (provider/facts.h) is asked when it is new or changed, then again and again, on demand, and
 * when the pool finds an allowance used up.
 *
 * A few are asked at once, in the order in which they are due. What is learned goes into the pool
 * (figures, lists of models) and to whoever keeps accounts (project, tier). Failures are logged
 * once and asked again after longer and longer; they never lock or disable anybody. Threads: own
 * loop.   Memory: bounded; quotas_free() gives up what is under way. */
#ifndef PENSTOCK_UPKEEP_QUOTAS_H
#define PENSTOCK_UPKEEP_QUOTAS_H

#include "http/client.h"
#include "pool/pool.h"
#include "provider/facts.h"

#define QUOTAS_AT_ONCE 4
#define QUOTA_QUESTION_MS 20000 /* one of them */
#define QUOTA_RETRY_MS 30000
#define QUOTA_RETRY_MS_MAX (INT64_C(3600) * 1000)
#define QUOTA_FAULT_MS 30000   /* after a quota fault an account is not asked more often */
#define QUOTA_RENEWAL_MS 60000 /* so long a renewed credential is waited for */
#define QUOTA_LOOK_MS 1000     /* how often the pool is asked for such faults */

struct quotas_options {
    struct loop *loop;
    struct client *client; /* of this loop */
    struct pool *pool;
    /* An account's provider has told. May change accounts: quotas_accounts(). */
    void (*on_facts)(void *peer, int64_t id, const struct account_facts *facts);
    /* A provider refuses a credential that can be renewed. True: that is under way;
     * quotas_renewed(). */
    bool (*renew)(void *peer, int64_t id);
    void *peer;
};

struct quotas;
struct quotas *quotas_new(const struct quotas_options *options);
void quotas_free(struct quotas *q); /* NULL is fine */

/* How often they are asked again; 0: never, once they have told. */
void quotas_every(struct quotas *q, int64_t every_ms);
/* These accounts are in the pool now, and no others. To be called after each change. */
void quotas_accounts(struct quotas *q, const int64_t *ids, size_t count);

/* The credential of one of them has been renewed: whoever waited for that is asked. */
void quotas_renewed(struct quotas *q, int64_t id);

/* Somebody waits for figures that are fresh. Embedded in whoever asks; `done` is called once, with
 * NULL or a sentence that says why there are none. */
struct quota_wish {
    void (*done)(void *peer, const char *why);
    void *peer;
    struct quota_wish *next;
};
/* Now, or as soon as it is the account's turn; a disabled one, too. False: it has nothing to tell;
 * `done` is not called. */
bool quotas_refresh(struct quotas *q, int64_t id, struct quota_wish *wish);
/* All accounts that can tell, when it is their turn. Gives their number. */
size_t quotas_refresh_all(struct quotas *q);

/* Readings under way, for tests. */
unsigned quotas_reading(const struct quotas *q);

#endif
