/* admin/history.h - what befell accounts: when they were locked out, and what was left of their
 * quota over time. For the page of one account.
 *
 * In memory, since the start, and bounded: of many the oldest go. A lockout is kept when the access
 * record of its request comes; quota is looked at once a minute, and kept when it is another
 * figure. Threads: any (one lock).   Memory: history_free(). */
#ifndef PENSTOCK_ADMIN_HISTORY_H
#define PENSTOCK_ADMIN_HISTORY_H

#include "exchange/access.h"

#define HISTORY_LOCKOUTS 4096
#define HISTORY_QUOTAS 32768
#define HISTORY_GROUP 40 /* bytes kept of a group's name, with a NUL */

struct history;

struct history *history_new(void);
void history_free(struct history *h); /* NULL is fine */

/* Most records have nothing for it: then it costs a look at their attempts. */
void history_add(struct history *h, const struct access_record *r);
/* Looks at all accounts. */
void history_sample(struct history *h, struct pool *pool, int64_t now_ms, int64_t unix_ms);

struct history_lockout {
    int64_t account_id, unix_ms, until_unix_ms; /* until INT64_MAX: until somebody acts */
    const char *scope;                          /* static */
    enum verdict_kind why;
    int status;
};
struct history_quota {
    int64_t account_id, unix_ms;
    char group[HISTORY_GROUP];
    int32_t remaining_permille;
};

/* Of this account, the oldest first; under the lock: `fn` only copies. */
void history_lockouts(struct history *h, int64_t account_id,
                      void (*fn)(void *peer, const struct history_lockout *l), void *peer);
void history_quotas(struct history *h, int64_t account_id,
                    void (*fn)(void *peer, const struct history_quota *q), void *peer);

#endif
