/* exchange/key_budget.h - what a client key has used of what it may: requests in a minute, tokens
 * of the local day and month.
 *
 * Requests are let in by a bucket that holds a minute's worth and fills evenly. Tokens are taken
 * before a request is sent on (an estimate of its prompt and the most it may generate) and settled
 * when its answer has told what it was, so that requests at the same time cannot pass the limit
 * together. A reservation is never larger than the limit itself: a key that has used nothing may
 * always ask one thing. How far the estimates are off is learned from the answers.
 * A budget lives as long as the process, whatever becomes of settings and keys; what was used
 * before comes from usage.db.
 * Threads: any (a lock for each).   Memory: key_budgets_free(). */
#ifndef PENSTOCK_EXCHANGE_KEY_BUDGET_H
#define PENSTOCK_EXCHANGE_KEY_BUDGET_H

#include "exchange/door.h"

struct key_budgets;
struct key_budget;

struct key_budgets *key_budgets_new(void);
void key_budgets_free(struct key_budgets *b); /* NULL is fine */
/* The budget of this key; made when it is new. */
struct key_budget *key_budget_of(struct key_budgets *b, const struct key_id *id);
/* What was used before this process, of the local day and month of `unix_ms`. */
void key_budget_load(struct key_budget *k, int64_t unix_ms, int64_t day, int64_t month);

/* Lets a request in: 0, or in how many ms it may come again. */
int64_t key_budget_admit(struct key_budget *k, int64_t requests_minute, int64_t now_ms);

/* Takes `tokens` before a request is sent on. */
enum key_refusal {
    KEY_LETS, /* `taken` is what to give back when it is settled */
    KEY_BUSY, /* others have reserved what is left: they may need less */
    KEY_SPENT_DAY,
    KEY_SPENT_MONTH,
};
struct key_reserve {
    int64_t tokens_day, tokens_month; /* limits; 0: none */
    int64_t prompt, output;           /* estimates; output -1: the client names no maximum */
    int64_t unix_ms;
};
enum key_refusal key_budget_reserve(struct key_budget *k, const struct key_reserve *r,
                                    int64_t *taken, int64_t *reset_unix_ms);

/* The request has ended: `taken` goes back, `charged` is spent. `estimated` and `prompt`: the
 * prompt as it was estimated and as it was told, `output` what was generated; -1 unknown. */
struct key_settlement {
    int64_t taken, charged;
    int64_t estimated, prompt, output;
    int64_t unix_ms;
};
void key_budget_settle(struct key_budget *k, const struct key_settlement *s);

/* What is left, for headers and lists. Of limits that there are not, -1. */
struct key_left {
    int64_t requests, requests_reset_ms;                /* until the bucket is full */
    int64_t tokens, tokens_limit, tokens_reset_unix_ms; /* of day or month, whichever has less */
    int64_t used_day, used_month, reserved;
};
void key_budget_left(struct key_budget *k, const struct key_limits *limits, int64_t now_ms,
                     int64_t unix_ms, struct key_left *out);

#endif
