/* io/loop.h - an event loop with a clock that is sampled once per turn, timers, and a doomed list.
 *
 * A loop is one thread's world: connections, timers and exchanges belong to one loop and never meet
 * another, except through io/mailbox. Code asks loop_now() at the top and passes `now_ms` down.
 * Threads: own loop, unless said otherwise.   Memory: loop_free() after loop_run() has returned.
 * The simulated tests (tests/sim) put another implementation of all of io/ in its place. */
#ifndef PENSTOCK_IO_LOOP_H
#define PENSTOCK_IO_LOOP_H

#include "base/str.h"

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l);
/* Runs until loop_stop(). */
void loop_run(struct loop *l);
/* Threads: own loop (from others: send a mailbox message that calls it). */
void loop_stop(struct loop *l);

/* Monotonic milliseconds, sampled once per turn (before loop_run(): at each call). */
int64_t loop_now(const struct loop *l);

/* Counts the looks for events (inside of loop_run(), else 0). Between two callbacks that find the
 * same number nobody has looked: what the later one is told had happened before the earlier one
 * ran. */
uint64_t loop_polls(const struct loop *l);

/* Wall clock, milliseconds since 1970 UTC. For token expiry, display and the wire only. Threads:
 * any. */
int64_t clock_unix_ms(void);
/* Minute of the day in the zone of `TZ`, 0 to 1439. Threads: any. */
int clock_local_minute(void);
/* Monotonic microseconds, not sampled: for durations in records and benches. Threads: any. */
int64_t clock_mono_us(void);

/* A timer is embedded in its owner. Restarting one with a later time is free of charge, so a
 * keep-alive or idle timer may be restarted at each read. It fires once, not before its time by the
 * loop's clock; its callback may start, stop and free any timer, this one too. */
struct timer;
typedef void timer_fn(void *peer, int64_t now_ms);

struct timer {
    struct loop *loop;
    timer_fn *fn;
    void *peer;
    int64_t due_ms;   /* when it is to fire; INT64_MAX: not running */
    int64_t filed_ms; /* the time under which the loop keeps it, at most due_ms */
    uint32_t slot;    /* place in the loop's heap; UINT32_MAX: not in it */
};

void timer_init(struct timer *t, struct loop *l, timer_fn *fn, void *peer);
/* At least 1 ms: what shall happen at once is for loop_later(). */
void timer_start(struct timer *t, int64_t delay_ms);
/* Also safe on one that is not running. Must have been called before the owner is freed. */
void timer_stop(struct timer *t);
static inline bool timer_is_running(const struct timer *t)
{
    return t->due_ms != INT64_MAX;
}

/* Frees `at` with `free_fn` at the end of this turn: what callbacks further up the stack may still
 * hold is not freed under them. What was put off with loop_later() before has run by then, which
 * can be a turn later. */
void loop_doom(struct loop *l, void *at, void (*free_fn)(void *at));

/* Calls `fn` once at the end of this turn, before the doomed are freed; several calls are several
 * calls. From within such a call: at the end of the next turn, which does not wait for events. What
 * has not run when the loop ends is run by loop_free(). */
void loop_later(struct loop *l, void (*fn)(void *peer), void *peer);

/* A scratch area for one read, shared by all connections of the loop; its contents mean nothing
 * after the callback returns. */
#define LOOP_SCRATCH ((size_t)64 << 10)
char *loop_scratch(struct loop *l);

/* Logs when one turn took longer than `turn_ms_max` (0, as at first: no watchdog). */
void loop_watchdog(struct loop *l, int64_t turn_ms_max);

#endif
