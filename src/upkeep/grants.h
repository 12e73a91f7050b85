/* upkeep/grants.h - keeps the access tokens of accounts that sign in fresh.
 *
 * A token is renewed five minutes (and a little more, by chance) before it expires, and at once
 * when a provider says that it has expired. One renewal of an account runs at a time; whoever waits
 * for it waits in the pool. What comes is kept first, by `keep`, and used after that: a refresh
 * token that was rotated and lost would be the end of the grant. A grant that the provider refuses
 * for good disables its account, with the words *sign in again*; every other failure is tried
 * again, later and later, and keeps the account out only once its token has expired.
 *
 * How long a token lives is told in seconds from its answer on, and measured by the loop's clock;
 * the clock on the wall is asked only for tokens that an earlier process left (product: clock).
 * Threads: own loop.   Memory: bounded by the pool's accounts; grants_free() gives up what is under
 * way. */
#ifndef PENSTOCK_UPKEEP_GRANTS_H
#define PENSTOCK_UPKEEP_GRANTS_H

#include "base/metric.h"
#include "http/client.h"
#include "pool/pool.h"
#include "provider/provider.h"

#define GRANTS_AT_ONCE 16
#define GRANT_AHEAD_MS (INT64_C(5) * 60 * 1000)
#define GRANT_JITTER_MS (INT64_C(60) * 1000) /* at most so much more */
#define GRANT_CALL_MS 30000
#define GRANT_RETRY_MS 5000
#define GRANT_RETRY_MS_MAX (INT64_C(5) * 60 * 1000)
/* A lifetime is believed up to this: a clock that was wrong must not put a renewal off for ever. */
#define GRANT_LIFETIME_MS_MAX (INT64_C(31) * 86400 * 1000)

#define GRANTS_METRICS(X)                                           \
    X(renewals, "access tokens renewed")                            \
    X(renewals_failed, "renewals that failed, and are tried again") \
    X(grants_lost, "grants that their provider does not renew any more")
METRIC_STRUCT(grants_metrics, GRANTS_METRICS)

struct grants_options {
    struct loop *loop;
    struct client *client; /* of this loop */
    struct pool *pool;
    /* Puts the account's grant on the disk and then the account into the pool. `lost` is not empty
     * when the grant is gone: then the account is disabled with that reason. E_ABSENT, E_CONFLICT:
     * it is another account's by now, and nothing was changed. */
    enum status (*keep)(void *peer, struct account_spec *spec, struct str lost, struct error *e);
    void *peer;
    struct grants_metrics *metrics; /* NULL: nobody counts */
};

struct grants;
struct grants *grants_new(const struct grants_options *options);
void grants_free(struct grants *g); /* NULL is fine */

/* Addresses, clients and proxies; borrowed until it is called again. */
void grants_settings(struct grants *g, const struct provider_options *settings);
/* These accounts are in the pool now, and no others. To be called after each change. */
void grants_accounts(struct grants *g, const int64_t *ids, size_t count);
/* Its token has expired, or somebody wants a new one. False: it has no grant that can be renewed.
 */
bool grants_renew(struct grants *g, int64_t id);

/* Renewals under way. Whoever ends the process waits a moment for them: what a provider gave out in
 * place of a token that it holds for used would be lost. */
unsigned grants_renewing(const struct grants *g);

/* The grant as a token's answer makes it of the one before. */
struct account_grant grant_renewed(const struct account_grant *before,
                                   const struct token_answer *answer, int64_t unix_ms,
                                   struct arena *a);

#endif
