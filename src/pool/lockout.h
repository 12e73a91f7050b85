/* pool/lockout.h - how long an account, a group of its models or a host is left alone.
 *
 * The consequences of the verdicts as one table. Times that the provider names are taken as told,
 * within bounds; the others grow with each failure in a row. A lockout that has ended stays as the
 * memory of that row until a success disproves it.
 *
 * Whether a failure or a success came before or after is told by the numbers of the leases, not by
 * the clock: all that was learned had been learned when lease `turn` was the last one given.
 * Threads: values, under the pool's lock.   Memory: `evidence` is the lockout's own. */
#ifndef PENSTOCK_POOL_LOCKOUT_H
#define PENSTOCK_POOL_LOCKOUT_H

#include "pool/pool.h"

#define LOCKOUT_NAMED_MS_MIN 2000                         /* a named time is at least this … */
#define LOCKOUT_NAMED_MS_MAX (INT64_C(31) * 86400 * 1000) /* … and at most this */
#define LOCKOUT_MADE_MS_MAX (INT64_C(6) * 3600 * 1000)    /* what we worked out ourselves */
#define LOCKOUT_FOR_EVER INT64_MAX                        /* until somebody acts */

enum lockout_scope { LOCKOUT_NOBODY, LOCKOUT_ACCOUNT, LOCKOUT_GROUP, LOCKOUT_MODEL, LOCKOUT_HOST };

struct lockout {
    enum verdict_kind why; /* VERDICT_NONE: nothing to remember */
    bool billing;
    bool named;    /* by the provider: no probe ends it early */
    bool probed;   /* the one probe has been sent */
    uint32_t step; /* failures in a row before the last one */
    int status;
    uint64_t lease; /* number of the lease whose failure made it what it is */
    uint64_t turn;  /* leases given when the last failure that counted came in */
    int64_t since_ms, until_ms;
    char *evidence; /* NULL: none */
};

/* Whom the verdict concerns. */
enum lockout_scope lockout_scope(const struct verdict *v);
/* For how long, `step` failures of its kind having gone before. Not for LOCKOUT_NOBODY. */
int64_t lockout_length_ms(const struct verdict *v, uint32_t step, const struct pool_options *o);

static inline bool lockout_holds(const struct lockout *l, int64_t now_ms)
{
    return l->why != VERDICT_NONE && l->until_ms > now_ms;
}

/* From when on one real request may probe it; INT64_MAX: none may. */
int64_t lockout_probe_ms(const struct lockout *l);

/* Learns the failure of a lease, `turn` leases having been given by now. One that was already
 * running when an earlier one was learned belongs to the same incident and does not advance the
 * step; none shortens what holds. */
void lockout_extend(struct lockout *l, const struct verdict *v, uint64_t lease, uint64_t turn,
                    const struct pool_options *o, int64_t now_ms);

/* Learns the success of a lease: forgets what was learned before that was taken. True when a
 * lockout that still held ended by it. */
bool lockout_disprove(struct lockout *l, uint64_t lease, int64_t now_ms);

void lockout_clear(struct lockout *l);

#endif
