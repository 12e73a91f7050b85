/* tests/unit/io/test_loop.c - the clock, timers, calls put off, and the doomed. */
#include "test.h"

#include <stdlib.h>

#include "base/log.h"
#include "io/loop.h"

/* --- timers */

#define TIMERS 10000

struct ordeal {
    struct test *t;
    struct loop *loop;
    struct timer *timers;
    int64_t *want_ms; /* when each is to fire; INT64_MAX: not */
    int64_t last_ms;
    size_t fired, awaited;
};

struct ordeal_timer {
    struct ordeal *o;
    size_t index;
};

static void ordeal_fired(void *peer, int64_t now_ms)
{
    struct ordeal_timer *which = peer;
    struct ordeal *o = which->o;
    struct test *t = o->t;
    int64_t want_ms = o->want_ms[which->index];

    CHECK(!timer_is_running(&o->timers[which->index]), "timer %zu", which->index);
    if (CHECK(want_ms != INT64_MAX, "timer %zu was stopped", which->index)) {
        CHECK(now_ms >= want_ms, "timer %zu is early by %" PRId64 " ms", which->index,
              want_ms - now_ms);
        CHECK(want_ms >= o->last_ms, "timer %zu comes after a later one", which->index);
        o->last_ms = want_ms;
    }
    o->want_ms[which->index] = INT64_MAX; /* not twice */
    if (++o->fired == o->awaited)
        loop_stop(o->loop);
}

static void ordeal_start(struct ordeal *o, size_t i, int64_t delay_ms)
{
    timer_start(&o->timers[i], delay_ms);
    o->want_ms[i] = o->timers[i].due_ms;
}

TEST(timers_fire_once_in_order_and_never_early)
{
    struct ordeal o = { .t = t, .loop = loop_new() };
    struct ordeal_timer *which = arena_array(&t->arena, struct ordeal_timer, TIMERS);

    o.timers = arena_array(&t->arena, struct timer, TIMERS);
    o.want_ms = arena_array(&t->arena, int64_t, TIMERS);
    for (size_t i = 0; i < TIMERS; i++) {
        which[i] = (struct ordeal_timer){ &o, i };
        timer_init(&o.timers[i], o.loop, ordeal_fired, &which[i]);
        ordeal_start(&o, i, (int64_t)test_below(t, 200));
    }
    for (size_t n = 0; n < TIMERS; n++) { /* later, sooner, away */
        size_t i = test_below(t, TIMERS);

        if (test_below(t, 5) == 0) {
            timer_stop(&o.timers[i]);
            o.want_ms[i] = INT64_MAX;
        } else {
            ordeal_start(&o, i, (int64_t)test_below(t, 300));
        }
    }
    for (size_t i = 0; i < TIMERS; i++)
        o.awaited += o.want_ms[i] != INT64_MAX;
    loop_run(o.loop);
    CHECK_INT(o.fired, o.awaited);
    loop_free(o.loop);
}

struct pair {
    struct loop *loop;
    struct timer *own, *other;
    int fired;
};

static void frees_the_other(void *peer, __attribute__((unused)) int64_t now_ms)
{
    struct pair *p = peer;

    p->fired++;
    if (p->other != NULL) {
        timer_stop(p->other);
        free(p->other);
        p->other = NULL;
    }
    loop_stop(p->loop);
}

TEST(a_timer_may_stop_and_free_another_that_is_due_at_the_same_time)
{
    struct pair p = { .loop = loop_new() };

    p.own = malloc(sizeof(*p.own));
    p.other = malloc(sizeof(*p.other));
    timer_init(p.own, p.loop, frees_the_other, &p);
    timer_init(p.other, p.loop, frees_the_other, &p);
    timer_start(p.own, 1);
    timer_start(p.other, 2);
    loop_run(p.loop);
    CHECK_INT(p.fired, 1);
    free(p.own);
    loop_free(p.loop);
}

static void restarts_itself(void *peer, __attribute__((unused)) int64_t now_ms)
{
    struct pair *p = peer;

    if (++p->fired == 5)
        loop_stop(p->loop);
    else
        timer_start(p->own, 0);
}

TEST(a_timer_may_start_itself_again)
{
    struct pair p = { .loop = loop_new() };
    struct timer own;

    p.own = &own;
    timer_init(&own, p.loop, restarts_itself, &p);
    timer_start(&own, -5);
    loop_run(p.loop);
    CHECK_INT(p.fired, 5);
    CHECK(!timer_is_running(&own));
    loop_free(p.loop);
}

TEST(a_timer_of_the_far_future_does_not_overflow)
{
    struct loop *l = loop_new();
    struct timer timer;

    timer_init(&timer, l, restarts_itself, NULL);
    timer_start(&timer, INT64_MAX);
    CHECK(timer_is_running(&timer));
    CHECK_INT(timer.due_ms, INT64_MAX - 1);
    timer_stop(&timer);
    timer_stop(&timer);
    loop_free(l);
}

TEST(a_timer_started_for_later_keeps_its_place_and_one_for_sooner_moves)
{
    struct loop *l = loop_new();
    struct timer timer;

    timer_init(&timer, l, restarts_itself, NULL);
    timer_start(&timer, 1000);

    int64_t filed_ms = timer.filed_ms;

    timer_start(&timer, 90000);
    CHECK_INT(timer.filed_ms, filed_ms);
    CHECK(timer.due_ms >= filed_ms + 80000);
    timer_start(&timer, 10);
    CHECK(timer.filed_ms < filed_ms);
    CHECK_INT(timer.due_ms, timer.filed_ms);
    timer_stop(&timer);
    loop_free(l);
}

/* --- later and doomed */

struct notes {
    struct loop *loop;
    char text[64];
    size_t len;
    int rounds;
};

static void note(struct notes *n, char c)
{
    n->text[n->len++] = c;
    n->text[n->len] = '\0';
}

static void note_stop(void *peer)
{
    struct notes *n = peer;

    note(n, 's');
    loop_stop(n->loop);
}

static void note_again(void *peer)
{
    struct notes *n = peer;

    note(n, 'l');
    if (++n->rounds < 3)
        loop_later(n->loop, note_again, n);
    else
        loop_later(n->loop, note_stop, n);
}

TEST(a_call_put_off_from_such_a_call_runs_without_any_event)
{
    struct notes n = { .loop = loop_new() };

    loop_later(n.loop, note_again, &n);
    loop_run(n.loop);
    CHECK_STR(str_c(n.text), "llls");
    loop_free(n.loop);
}

struct doomed {
    struct notes *notes;
    int magic;
};

static void doomed_free(void *at)
{
    struct doomed *d = at;

    note(d->notes, 'f');
    d->magic = 0;
    free(d);
}

static void doomed_used(void *peer)
{
    struct doomed *d = peer;

    note(d->notes, d->magic == 42 ? 'u' : '!');
}

static void doom_in_batch(void *peer)
{
    struct doomed *d = peer;

    note(d->notes, 'd');
    loop_later(d->notes->loop, doomed_used, d);
    loop_doom(d->notes->loop, d, doomed_free);
}

TEST(what_was_put_off_before_its_object_was_doomed_still_finds_it)
{
    struct notes n = { .loop = loop_new() };
    struct doomed *before = malloc(sizeof(*before)), *within = malloc(sizeof(*within));

    *before = *within = (struct doomed){ &n, 42 };
    loop_later(n.loop, doomed_used, before);
    loop_doom(n.loop, before, doomed_free);
    loop_later(n.loop, doom_in_batch, within);
    loop_later(n.loop, note_again, &n);
    loop_run(n.loop);
    CHECK_STR(str_c(n.text), "udlfulfls"); /* used, freed; and of the other: used, freed */
    loop_free(n.loop);
}

TEST(a_loop_that_never_ran_frees_what_was_doomed)
{
    struct notes n = { .loop = loop_new() };
    struct doomed *d = malloc(sizeof(*d));

    *d = (struct doomed){ &n, 42 };
    loop_later(n.loop, doom_in_batch, d);
    loop_free(n.loop);
    CHECK_STR(str_c(n.text), "duf");
}

/* --- the clock */

static void note_stop_timer(void *peer, __attribute__((unused)) int64_t now_ms)
{
    note_stop(peer);
}

static void clock_stands(void *peer)
{
    struct notes *n = peer;
    int64_t now_ms = loop_now(n->loop);
    int64_t began_us = clock_mono_us();

    while (clock_mono_us() - began_us < 5000)
        ;
    note(n, loop_now(n->loop) == now_ms ? '=' : '!');
}

TEST(the_clock_stands_still_within_a_turn)
{
    struct notes n = { .loop = loop_new() };
    struct timer timer;

    timer_init(&timer, n.loop, note_stop_timer, &n);
    timer_start(&timer, 5);
    loop_later(n.loop, clock_stands, &n);
    loop_run(n.loop);
    CHECK_STR(str_c(n.text), "=s");
    CHECK(clock_unix_ms() > INT64_C(1600000000000));
    CHECK(loop_scratch(n.loop) == loop_scratch(n.loop));
    loop_free(n.loop);
}

static void count_line(void *peer, __attribute__((unused)) enum log_level level,
                       __attribute__((unused)) struct str line)
{
    ++*(size_t *)peer;
}

TEST(the_watchdog_tells_of_a_turn_that_took_too_long)
{
    struct notes n = { .loop = loop_new() };
    struct timer timer;
    size_t lines = 0;

    log_setup(&(struct log_options){ .write_line = count_line, .peer = &lines });
    timer_init(&timer, n.loop, note_stop_timer, &n);
    timer_start(&timer, 20);
    loop_watchdog(n.loop, 3);
    loop_later(n.loop, clock_stands, &n);
    loop_run(n.loop);
    log_setup(&(struct log_options){ .level = LOG_INFO });
    CHECK(lines >= 1);
    loop_free(n.loop);
}
