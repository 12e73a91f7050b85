/* pool/lockout.h - how long an account, or one group of models on it, is left alone.
 *
 * The consequences of the verdicts as one table (product: scheduling, verdicts). Times that the
 * provider names are taken as told, within bounds; the others grow with each failure in a row. A
 * lockout that has ended stays as the memory of that row until a success disproves it.
 * Threads: pure values, under the pool's lock. */
#ifndef PENSTOCK_POOL_LOCKOUT_H
#define PENSTOCK_POOL_LOCKOUT_H

#include "pool/verdict.h"

#define LOCKOUT_NAMED_MS_MIN 2000                         /* a named time is at least this … */
#define LOCKOUT_NAMED_MS_MAX (INT64_C(31) * 86400 * 1000) /* … and at most this */

enum lockout_scope { LOCKOUT_NOBODY, LOCKOUT_ACCOUNT, LOCKOUT_GROUP };

struct lockout {
    enum verdict_kind why; /* VERDICT_NONE: nothing to remember */
    bool billing;
    uint32_t step;    /* failures in a row before the last one */
    int64_t since_ms; /* when the last failure that counted came in */
    int64_t until_ms;
};

/* Whom the verdict concerns. */
enum lockout_scope lockout_scope(const struct verdict *v);
/* For how long, `step` failures of its kind having gone before. Not for LOCKOUT_NOBODY. */
int64_t lockout_length_ms(const struct verdict *v, uint32_t step);

static inline bool lockout_holds(const struct lockout *l, int64_t now_ms)
{
    return l->why != VERDICT_NONE && l->until_ms > now_ms;
}

/* Learns a failure of a lease taken at `taken_ms`. One that ran while an earlier one was being
 * learned belongs to the same incident and does not advance the step; none shortens what holds. */
void lockout_extend(struct lockout *l, const struct verdict *v, int64_t taken_ms, int64_t now_ms);

/* Learns a success: forgets what was learned before that lease was taken. True when a lockout that
 * still held ended by it. */
bool lockout_disprove(struct lockout *l, int64_t taken_ms, int64_t now_ms);

#endif
