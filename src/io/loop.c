/* io/loop.c - the loop over libuv.
 *
 * A turn is: wait for events, their callbacks, then loop_end_turn(): due timers, what was put off
 * with loop_later(), the doomed. The clock is libuv's, which it samples when the wait returns.
 *
 * Timers are ours, not libuv's: a 4-ary heap of (time, timer), of which the alarm, one uv_timer,
 * knows only the first. A timer that is started anew for later keeps its place and is filed again
 * when it comes up, so the timers that every read pushes back cost two stores. libuv runs its
 * timers before it waits, that is at the other end of its turn; the alarm therefore ends the turn
 * as well. */
#include "io/loop_int.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/log.h"

#define NO_SLOT UINT32_MAX
#define HEAP_WAYS 4

struct filed {
    int64_t at_ms; /* the timer's filed_ms, here to spare a cache miss per comparison */
    struct timer *timer;
};

struct call {
    void (*fn)(void *peer);
    void *peer;
};

struct calls {
    struct call *at;
    size_t count, cap;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare; /* before the wait */
    uv_check_t check;     /* after the events of a turn */
    uv_timer_t alarm;     /* wakes the loop for the first timer */
    uv_idle_t busy;       /* runs while something is left to do without any event */
    int64_t alarm_ms;     /* what the alarm is set to; INT64_MAX: off */

    struct filed *heap;
    uint32_t heap_count, heap_cap;

    struct calls later, later_now; /* later_now: the batch that runs */
    struct calls doomed;

    uint64_t polls;
    uint32_t told; /* events of sockets since the wait */

    char *scratch;
    int64_t turn_ms_max;
    bool running;
    bool is_busy;
    struct loop *left_next;
};

/* Loops that could not be closed; kept, so that a check for leaks knows where they are. */
static struct loop *_Atomic loops_left;

/* --- calls put off to the end of the turn */

static void calls_add(struct calls *c, void (*fn)(void *peer), void *peer)
{
    if (c->count == c->cap) {
        c->cap = c->cap > 0 ? c->cap * 2 : 32;
        c->at = must_realloc(c->at, c->cap * sizeof(c->at[0]));
    }
    c->at[c->count++] = (struct call){ fn, peer };
}

void loop_later(struct loop *l, void (*fn)(void *peer), void *peer)
{
    assert(fn != NULL);
    calls_add(&l->later, fn, peer);
}

void loop_doom(struct loop *l, void *at, void (*free_fn)(void *at))
{
    assert(free_fn != NULL);
    calls_add(&l->doomed, free_fn, at);
}

/* One batch: what these calls put off in their turn waits for the next one, or two that keep
 * calling for each other would keep the loop from its sockets. */
static void loop_run_later(struct loop *l)
{
    struct calls batch = l->later;

    l->later = l->later_now;
    l->later_now = batch;
    for (size_t i = 0; i < batch.count; i++)
        batch.at[i].fn(batch.at[i].peer);
    l->later_now.count = 0;
}

/* Frees the first `count`. Freeing may doom more. */
static void loop_free_doomed(struct loop *l, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct call c = l->doomed.at[i];

        c.fn(c.peer);
    }
    l->doomed.count -= count;
    if (l->doomed.count > 0)
        memmove(l->doomed.at, l->doomed.at + count, l->doomed.count * sizeof(l->doomed.at[0]));
}

/* --- timers */

static void heap_place(struct loop *l, uint32_t slot, struct filed f)
{
    l->heap[slot] = f;
    f.timer->slot = slot;
}

static void heap_up(struct loop *l, uint32_t slot, struct filed f)
{
    while (slot > 0) {
        uint32_t parent = (slot - 1) / HEAP_WAYS;

        if (l->heap[parent].at_ms <= f.at_ms)
            break;
        heap_place(l, slot, l->heap[parent]);
        slot = parent;
    }
    heap_place(l, slot, f);
}

static void heap_down(struct loop *l, uint32_t slot, struct filed f)
{
    for (;;) {
        uint32_t first = slot * HEAP_WAYS + 1;
        uint32_t end = first + HEAP_WAYS < l->heap_count ? first + HEAP_WAYS : l->heap_count;
        uint32_t least = first;

        if (first >= l->heap_count)
            break;
        for (uint32_t i = first + 1; i < end; i++)
            if (l->heap[i].at_ms < l->heap[least].at_ms)
                least = i;
        if (l->heap[least].at_ms >= f.at_ms)
            break;
        heap_place(l, slot, l->heap[least]);
        slot = least;
    }
    heap_place(l, slot, f);
}

static void heap_add(struct loop *l, struct timer *t)
{
    if (l->heap_count == l->heap_cap) {
        l->heap_cap = l->heap_cap > 0 ? l->heap_cap * 2 : 64;
        l->heap = must_realloc(l->heap, l->heap_cap * sizeof(l->heap[0]));
    }
    l->heap_count++;
    heap_up(l, l->heap_count - 1, (struct filed){ t->filed_ms, t });
}

static void heap_remove(struct loop *l, struct timer *t)
{
    uint32_t slot = t->slot;

    assert(slot < l->heap_count);
    assert(l->heap[slot].timer == t);

    struct filed last = l->heap[--l->heap_count];

    t->slot = NO_SLOT;
    if (last.timer == t)
        return;
    if (slot > 0 && l->heap[(slot - 1) / HEAP_WAYS].at_ms > last.at_ms)
        heap_up(l, slot, last);
    else
        heap_down(l, slot, last);
}

void timer_init(struct timer *t, struct loop *l, timer_fn *fn, void *peer)
{
    assert(fn != NULL);
    *t = (struct timer){
        .loop = l, .fn = fn, .peer = peer, .due_ms = INT64_MAX, .filed_ms = 0, .slot = NO_SLOT
    };
}

void timer_start(struct timer *t, int64_t delay_ms)
{
    assert(t->loop != NULL);

    int64_t due_ms;

    /* at least 1, so that a timer that restarts itself cannot come due in the pass that runs it */
    if (__builtin_add_overflow(loop_now(t->loop), delay_ms > 1 ? delay_ms : 1, &due_ms) ||
        due_ms == INT64_MAX)
        due_ms = INT64_MAX - 1;

    t->due_ms = due_ms;
    if (t->slot != NO_SLOT && due_ms >= t->filed_ms)
        return;
    t->filed_ms = due_ms;
    if (t->slot != NO_SLOT)
        heap_up(t->loop, t->slot, (struct filed){ due_ms, t });
    else
        heap_add(t->loop, t);
}

void timer_stop(struct timer *t)
{
    t->due_ms = INT64_MAX;
    if (t->slot != NO_SLOT)
        heap_remove(t->loop, t);
}

static void loop_fire_timers(struct loop *l, int64_t now_ms)
{
    while (l->heap_count > 0 && l->heap[0].at_ms <= now_ms) {
        struct timer *t = l->heap[0].timer;

        if (t->due_ms > t->filed_ms) { /* was pushed back meanwhile */
            t->filed_ms = t->due_ms;
            heap_down(l, 0, (struct filed){ t->filed_ms, t });
            continue;
        }
        timer_stop(t);
        t->fn(t->peer, now_ms);
    }
}

/* --- the turn */

static void alarm_rang(uv_timer_t *alarm);

static void busy_turn(__attribute__((unused)) uv_idle_t *busy)
{
    /* its being there keeps libuv from waiting */
}

/* Sees to it that the next wait ends in time. */
static void loop_arm(struct loop *l)
{
    bool is_busy = l->later.count > 0 || l->doomed.count > 0;
    int64_t first_ms = l->heap_count > 0 ? l->heap[0].at_ms : INT64_MAX;

    if (is_busy != l->is_busy) {
        l->is_busy = is_busy;
        if (is_busy)
            uv_idle_start(&l->busy, busy_turn);
        else
            uv_idle_stop(&l->busy);
    }
    if (first_ms == l->alarm_ms)
        return;
    l->alarm_ms = first_ms;
    if (first_ms == INT64_MAX) {
        uv_timer_stop(&l->alarm);
        return;
    }

    int64_t now_ms = loop_now(l);

    uv_timer_start(&l->alarm, alarm_rang, first_ms > now_ms ? (uint64_t)(first_ms - now_ms) : 0, 0);
}

static void loop_watch_turn(const struct loop *l, int64_t began_ms)
{
    int64_t took_ms = clock_mono_us() / 1000 - began_ms;

    if (took_ms > l->turn_ms_max)
        log_warn("a turn of the loop took too long", F_INT("took_ms", took_ms),
                 F_INT("limit_ms", l->turn_ms_max));
}

static void loop_end_turn(struct loop *l)
{
    int64_t now_ms = loop_now(l);

    loop_fire_timers(l, now_ms);

    /* What is doomed while the batch runs is freed a turn later: the batch may have put off a call
     * that still holds it. */
    size_t doomed = l->doomed.count;

    if (l->later.count > 0)
        loop_run_later(l);
    if (doomed > 0)
        loop_free_doomed(l, doomed);
    loop_arm(l);
    if (l->turn_ms_max > 0)
        loop_watch_turn(l, now_ms);
}

static void alarm_rang(uv_timer_t *alarm)
{
    struct loop *l = alarm->data;

    l->alarm_ms = INT64_MAX;
    loop_end_turn(l);
}

static void before_wait(uv_prepare_t *prepare)
{
    struct loop *l = prepare->data;

    l->polls++;
    l->told = 0;
}

/* After so many events libuv may have looked again without a turn in between: it does when it got
 * 1024 at once. */
#define TOLD_AT_ONCE 512

void loop_tells(struct loop *l)
{
    if (++l->told >= TOLD_AT_ONCE)
        l->polls++;
}

uint64_t loop_polls(const struct loop *l)
{
    return l->running ? l->polls : 0;
}

static void check_turn(uv_check_t *check)
{
    loop_end_turn(check->data);
}

struct loop *loop_new(void)
{
    struct loop *l = must_calloc(1, sizeof(*l));

    if (uv_loop_init(&l->uv) != 0) {
        log_error("no event loop: out of descriptors?");
        abort();
    }
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    uv_timer_init(&l->uv, &l->alarm);
    uv_idle_init(&l->uv, &l->busy);
    l->prepare.data = l->check.data = l->alarm.data = l;
    l->alarm_ms = INT64_MAX;
    uv_prepare_start(&l->prepare, before_wait);
    uv_check_start(&l->check, check_turn);
    return l;
}

static void handle_is_left(uv_handle_t *handle, __attribute__((unused)) void *peer)
{
    assert(uv_is_closing(handle)); /* a socket, mailbox or watch that its owner did not close */
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    assert(!l->running);

    while (l->later.count > 0 || l->doomed.count > 0) {
        size_t doomed = l->doomed.count;

        loop_run_later(l);
        loop_free_doomed(l, doomed);
    }
    assert(l->heap_count == 0); /* a timer that still runs belongs to somebody */
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->alarm, NULL);
    uv_close((uv_handle_t *)&l->busy, NULL);
    uv_run(&l->uv, UV_RUN_NOWAIT); /* what was closed is freed */
    uv_walk(&l->uv, handle_is_left, NULL);
    free(l->heap);
    free(l->later.at);
    free(l->later_now.at);
    free(l->doomed.at);
    free(l->scratch);
    /* A name look-up that hangs in libuv's pool cannot be stopped and will report to this loop one
     * day; waiting for it could take a minute. Then the loop's memory is left to the system. */
    if (uv_loop_close(&l->uv) == 0)
        free(l);
    else
        l->left_next = atomic_exchange(&loops_left, l);
}

void loop_run(struct loop *l)
{
    assert(!l->running);
    uv_update_time(&l->uv);
    l->running = true;
    loop_arm(l);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    l->running = false;
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

int64_t loop_now(const struct loop *l)
{
    struct loop *writable = (struct loop *)(uintptr_t)l;

    /* before loop_run() nobody samples: a timer started then would be early by the time since */
    if (!l->running)
        uv_update_time(&writable->uv);
    return (int64_t)uv_now(&l->uv);
}

int64_t clock_unix_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int clock_local_minute(void)
{
    time_t now = time(NULL);
    struct tm local = { 0 };

    (void)localtime_r(&now, &local);
    return local.tm_hour * 60 + local.tm_min;
}

int64_t clock_mono_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

char *loop_scratch(struct loop *l)
{
    if (l->scratch == NULL)
        l->scratch = must_alloc(LOOP_SCRATCH);
    return l->scratch;
}

void loop_watchdog(struct loop *l, int64_t turn_ms_max)
{
    l->turn_ms_max = turn_ms_max;
}

uv_loop_t *loop_uv(struct loop *l)
{
    return &l->uv;
}
