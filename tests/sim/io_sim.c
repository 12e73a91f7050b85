/* tests/sim/io_sim.c - the simulated world: clock, loops, timers, and the order of things.
 *
 * The world goes round: the network moves, then each loop has a turn: what is ready is told in a
 * drawn order, due timers fire, what was put off runs, the doomed are freed. When a whole round has
 * done nothing the world is idle, and only then may time pass. */
#include "io_sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/crypto.h"
#include "sim_int.h"

#define ROUNDS_MAX 5000000 /* a world that is never idle has a loop that spins */
#define START_MS 1000000
#define START_UNIX_MS INT64_C(1767225600000) /* 2026-01-01 */
#define NO_SLOT UINT32_MAX

struct world *world;

/* --- lists and queues */

void list_add(struct list *l, void *item)
{
    if (l->count == l->cap) {
        l->cap = l->cap > 0 ? l->cap * 2 : 16;
        l->at = must_realloc(l->at, l->cap * sizeof(l->at[0]));
    }
    l->at[l->count++] = item;
}

void list_remove(struct list *l, const void *item)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->at[i] == item) {
            l->count--;
            memmove(l->at + i, l->at + i + 1, (l->count - i) * sizeof(l->at[0]));
            return;
        }
}

void list_free(struct list *l)
{
    free(l->at);
    *l = (struct list){ 0 };
}

void queue_add(struct queue *q, struct str bytes)
{
    q->buf.max = SIZE_MAX / 2;

    bool added = buf_add(&q->buf, bytes);

    assert(added);
}

struct str queue_bytes(const struct queue *q)
{
    return str_drop(buf_str(&q->buf), q->gone);
}

void queue_drop(struct queue *q, size_t n)
{
    assert(n <= q->buf.len - q->gone);
    q->gone += n;
    if (q->gone == q->buf.len) {
        q->buf.len = q->gone = 0;
    } else if (q->gone > q->buf.len / 2) {
        buf_drop(&q->buf, q->gone);
        q->gone = 0;
    }
}

void queue_clear(struct queue *q)
{
    buf_clear(&q->buf);
    q->gone = 0;
}

/* --- chance and order */

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t world_draw(void)
{
    return draw(&world->order);
}

uint64_t sim_random(void)
{
    return draw(&world->test);
}

uint64_t random_u64(void)
{
    return draw(&world->bytes);
}

void random_bytes(void *at, size_t len)
{
    for (size_t done = 0; done < len; done += sizeof(uint64_t)) {
        uint64_t number = random_u64();
        size_t n = len - done < sizeof(number) ? len - done : sizeof(number);

        memcpy((char *)at + done, &number, n);
    }
}

void world_note(char what, uint64_t who, uint64_t how_much)
{
    uint64_t event = ((uint64_t)(unsigned char)what << 56) ^ (who << 32) ^ how_much;

    event ^= world->digest + (uint64_t)world->now_ms;
    world->digest = draw(&event);
}

uint64_t sim_digest(void)
{
    return world->digest;
}

/* --- the world */

void sim_world_new(uint64_t seed)
{
    assert(world == NULL);
    world = must_calloc(1, sizeof(*world));
    world->now_ms = START_MS;
    world->order = draw(&seed);
    world->bytes = draw(&seed);
    world->test = draw(&seed);
    world->network = network_new();
    world->system = system_new();
}

static void gone_free(void)
{
    for (size_t i = 0; i < world->gone.count; i++)
        free(world->gone.at[i]);
    world->gone.count = 0;
}

void sim_world_free(void)
{
    assert(world->loops.count == 0);
    assert(world->sources.count == 0); /* a socket or listener of the program was not closed */
    gone_free();
    network_free(world->network);
    system_free(world->system);
    list_free(&world->loops);
    list_free(&world->sources);
    list_free(&world->gone);
    free(world->timers);
    free(world);
    world = NULL;
}

void sim_world_abandon(void)
{
    world = NULL;
}

int64_t sim_now(void)
{
    return world->now_ms;
}

int64_t clock_unix_ms(void)
{
    return START_UNIX_MS + world->now_ms - START_MS;
}

/* The world's zone is UTC. */
int clock_local_minute(void)
{
    return (int)(clock_unix_ms() / 60000 % (24 * 60));
}

int64_t clock_mono_us(void)
{
    return world->now_ms * 1000;
}

/* --- timers */

void timer_init(struct timer *t, struct loop *l, timer_fn *fn, void *peer)
{
    assert(fn != NULL);
    *t = (struct timer){ .loop = l, .fn = fn, .peer = peer, .due_ms = INT64_MAX, .slot = NO_SLOT };
}

void timer_start(struct timer *t, int64_t delay_ms)
{
    if (t->slot == NO_SLOT) {
        if (world->timer_count == world->timer_cap) {
            world->timer_cap = world->timer_cap > 0 ? world->timer_cap * 2 : 64;
            world->timers =
                must_realloc(world->timers, world->timer_cap * sizeof(world->timers[0]));
        }
        t->slot = (uint32_t)world->timer_count++;
        world->timers[t->slot].timer = t;
    }
    world->timers[t->slot].number = ++world->timers_started;
    if (__builtin_add_overflow(world->now_ms, delay_ms > 1 ? delay_ms : 1, &t->due_ms) ||
        t->due_ms == INT64_MAX)
        t->due_ms = INT64_MAX - 1;
    t->filed_ms = t->due_ms;
}

void timer_stop(struct timer *t)
{
    t->due_ms = INT64_MAX;
    if (t->slot == NO_SLOT)
        return;
    world->timers[t->slot] = world->timers[--world->timer_count];
    world->timers[t->slot].timer->slot = t->slot;
    t->slot = NO_SLOT;
}

/* The one to fire first, of `l` or, with NULL, of all; NULL when there is none. */
static struct timer *timer_first(const struct loop *l)
{
    const struct filed *first = NULL;

    for (size_t i = 0; i < world->timer_count; i++) {
        const struct filed *f = &world->timers[i];

        if (l != NULL && f->timer->loop != l)
            continue;
        if (first == NULL || f->timer->due_ms < first->timer->due_ms ||
            (f->timer->due_ms == first->timer->due_ms && f->number < first->number))
            first = f;
    }
    return first != NULL ? first->timer : NULL;
}

static bool loop_fire_timers(struct loop *l)
{
    struct timer *t;
    bool fired = false;

    while ((t = timer_first(l)) != NULL && t->due_ms <= world->now_ms) {
        timer_stop(t);
        t->fn(t->peer, world->now_ms);
        fired = true;
    }
    return fired;
}

/* --- loops */

struct loop *loop_new(void)
{
    struct loop *l = must_calloc(1, sizeof(*l));

    assert(world != NULL); /* sim_world_new() comes first */
    list_add(&world->loops, l);
    return l;
}

static void calls_add(struct calls *c, void (*fn)(void *peer), void *peer)
{
    assert(fn != NULL);
    if (c->count == c->cap) {
        c->cap = c->cap > 0 ? c->cap * 2 : 32;
        c->at = must_realloc(c->at, c->cap * sizeof(c->at[0]));
    }
    c->at[c->count++] = (struct call){ fn, peer };
}

void loop_later(struct loop *l, void (*fn)(void *peer), void *peer)
{
    calls_add(&l->later, fn, peer);
}

void loop_doom(struct loop *l, void *at, void (*free_fn)(void *at))
{
    calls_add(&l->doomed, free_fn, at);
}

static void calls_run(struct calls *c, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct call call = c->at[i]; /* the list may grow and move */

        call.fn(call.peer);
    }
    c->count -= count;
    memmove(c->at, c->at + count, c->count * sizeof(c->at[0]));
}

/* What was there when it began: what these calls add has to wait for the next turn. */
static bool loop_end_turn(struct loop *l)
{
    size_t later = l->later.count, doomed = l->doomed.count;

    if (later > 0)
        calls_run(&l->later, later);
    if (doomed > 0)
        calls_run(&l->doomed, doomed);
    return later + doomed > 0;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    while (loop_end_turn(l))
        ;
    assert(timer_first(l) == NULL);
    list_remove(&world->loops, l);
    free(l->later.at);
    free(l->doomed.at);
    free(l->scratch);
    free(l);
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

int64_t loop_now(__attribute__((unused)) const struct loop *l)
{
    return world->now_ms;
}

uint64_t loop_polls(const struct loop *l)
{
    return l->polls;
}

char *loop_scratch(struct loop *l)
{
    if (l->scratch == NULL)
        l->scratch = must_alloc(LOOP_SCRATCH);
    return l->scratch;
}

void loop_watchdog(__attribute__((unused)) struct loop *l,
                   __attribute__((unused)) int64_t turn_ms_max)
{
    /* turns take no time here */
}

/* --- sources and rounds */

void source_add(struct source *s, struct loop *l, bool (*is_ready)(const struct source *s),
                void (*run)(struct source *s))
{
    *s = (struct source){ l, is_ready, run, false };
    list_add(&world->sources, s);
}

void source_remove(struct source *s)
{
    assert(!s->gone);
    s->gone = true;
    list_remove(&world->sources, s);
    list_add(&world->gone, s);
}

static bool loop_run_sources(struct loop *l)
{
    struct list ready = { 0 };

    l->polls++;
    for (size_t i = 0; i < world->sources.count; i++) {
        struct source *s = world->sources.at[i];

        if (s->loop == l && s->is_ready(s))
            list_add(&ready, s);
    }
    for (size_t i = ready.count; i > 1; i--) { /* a drawn order */
        size_t k = (size_t)(world_draw() % i);
        void *swap = ready.at[k];

        ready.at[k] = ready.at[i - 1];
        ready.at[i - 1] = swap;
    }
    for (size_t i = 0; i < ready.count; i++) {
        struct source *s = ready.at[i];

        if (!s->gone && s->is_ready(s)) /* the ones before may have changed that */
            s->run(s);
    }

    bool ran = ready.count > 0;

    list_free(&ready);
    return ran;
}

static bool loop_turn(struct loop *l)
{
    bool ran = loop_run_sources(l);

    ran |= loop_fire_timers(l);
    ran |= loop_end_turn(l);
    return ran;
}

static bool world_round(void)
{
    bool did = network_step();

    for (size_t i = 0; i < world->loops.count; i++)
        did |= loop_turn(world->loops.at[i]);
    gone_free();
    return did;
}

__attribute__((noreturn)) static void world_die(const char *why)
{
    fprintf(stderr, "the simulated world: %s\n", why);
    abort();
}

void sim_run_until_idle(void)
{
    for (size_t i = 0; world_round(); i++)
        if (i == ROUNDS_MAX)
            world_die("never idle: somebody is told of something and does not take it");
}

void sim_advance(int64_t ms)
{
    int64_t until_ms = world->now_ms + ms;

    for (;;) {
        sim_run_until_idle();

        const struct timer *t = timer_first(NULL);

        if (t == NULL || t->due_ms > until_ms)
            break;
        world->now_ms = t->due_ms;
    }
    world->now_ms = until_ms;
}

void loop_run(struct loop *l)
{
    while (!l->stopped) {
        const struct timer *t;

        if (world_round())
            continue;
        t = timer_first(NULL);
        if (t == NULL)
            world_die("loop_run() waits for what cannot come");
        world->now_ms = t->due_ms;
    }
    l->stopped = false;
}
