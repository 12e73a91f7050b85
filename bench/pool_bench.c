/* bench/pool_bench.c - what the scheduler costs: CPU time of a pick with its return, for pools of
 * several sizes, and what waiting for its one lock costs eight workers.
 *
 *     cc -O2 -std=gnu17 -D_GNU_SOURCE -Isrc -Wl,--wrap=pthread_mutex_lock bench/pool_bench.c \
 *        BUILD/src/pool/libpool.a BUILD/src/base/libbase.a -lpthread -o pool_bench
 *     ./pool_bench                  all cells
 *     ./pool_bench sticky 10000 1000000 100000
 *                                   one cell: accounts, bindings, rounds; for counting
 *                                   instructions, as the difference of two numbers of rounds
 *
 * CPU time of the thread in batches of BATCH picks and returns; median and range of the batches.
 * Conversations are drawn at random, so that a pick of 1 000 000 finds little in the processor's
 * caches, as in life. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "pool/pool.h"

#define BATCH 200
#define BATCHES 1500
#define THREADS 8
#define WORK_NS 20000 /* what else a request costs its worker, about */

static uint64_t seed = 1;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static int64_t cpu_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static const struct pool_options options = { .mode = MODE_BALANCE,
                                             .max_wait_ms = 60000,
                                             .queue_wait_ms = 5000,
                                             .optimize_quota_sorting = true,
                                             .backoff_ms = { 60000 },
                                             .backoff_count = 1 };

static struct session_key session_of(uint64_t n)
{
    struct session_key key;
    uint64_t word[2] = { n * UINT64_C(0x9e3779b97f4a7c15), n ^ UINT64_C(0xbf58476d1ce4e5b9) };

    memcpy(key.digest, word, sizeof(word));
    return key;
}

static struct pool *pool_make(int accounts)
{
    struct pool *p = pool_new(&options);
    struct account_means means = { .wires = 1 };

    for (int i = 0; i < accounts; i++) {
        char label[24];
        struct account_spec spec = { .id = i + 1, .provider = STR("anthropic"), .tier = TIER_PRO };

        means.host = STR("api.anthropic.test");
        spec.label = (struct str){ label, (size_t)snprintf(label, sizeof(label), "acc-%d", i) };
        spec.created_unix_ms = i;
        if (pool_put(p, &spec, &means, NULL) != OK)
            abort();
    }
    return p;
}

static void bind_all(struct pool *p, int accounts, int bindings)
{
    for (int i = 0; i < bindings; i++)
        pool_load_binding(
            p, &(struct binding){ session_of((uint64_t)i), 1 + i % accounts, i / 1000 }, 1000);
}

static struct pick_ask ask_plain(void)
{
    return (struct pick_ask){ .model = STR("claude-sonnet-4-5"), .wires = 1 };
}

/* Locks out those that would come next. */
static void lock_out(struct pool *p, int count, int64_t now_ms)
{
    const struct verdict v = { .kind = VERDICT_RATE_LIMITED, .delay_ms = INT64_C(86400000) };
    struct pick_ask ask = ask_plain();
    struct lease l;
    struct pick why;

    for (int i = 0; i < count; i++)
        if (pool_lease(p, &ask, now_ms, &l, &why))
            lease_return(p, &l, &v, now_ms);
}

enum cell { STICKY, NEXT, NEXT_PASSING_60, NOBODY, NEW_CONVERSATION, CELLS };
static const char *const cell_names[CELLS] = { "sticky", "next", "next-60", "nobody", "new" };
static const char *const cell_texts[CELLS] = { "sticky hit", "next free account",
                                               "next free account, 60 passed over",
                                               "nobody free: when is somebody?",
                                               "new conversation: order, then bound" };

static void round_do(struct pool *p, enum cell cell, uint64_t bindings, int64_t now_ms)
{
    const struct verdict ok = { .kind = VERDICT_SUCCESS, .delay_ms = -1 };
    const struct verdict none = { .kind = VERDICT_NONE, .delay_ms = -1 };
    struct pick_ask ask = ask_plain();
    struct lease l;
    struct pick why;

    if (cell == STICKY) {
        ask.has_session = true;
        ask.session = session_of(next_random() % bindings);
    } else if (cell == NEW_CONVERSATION) {
        ask.has_session = true;
        ask.session = session_of(UINT64_C(1) << 40 | next_random() >> 30);
    } else {
        ask.is_image = true; /* no conversation, no 60 s window: the order */
    }
    bool leased = pool_lease(p, &ask, now_ms, &l, &why);

    if (leased == (cell == NOBODY) || (leased && cell == STICKY && why.reason != PICK_STICKY))
        abort();
    if (leased)
        lease_return(p, &l, cell == STICKY || cell == NEW_CONVERSATION ? &ok : &none, now_ms);
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void cell_measure(enum cell cell, int accounts, int bindings)
{
    static int64_t batch[BATCHES];
    struct pool *p = pool_make(accounts);

    bind_all(p, accounts, bindings);
    lock_out(p, cell == NOBODY ? accounts : cell == NEXT_PASSING_60 ? 60 : 0, 1000);
    for (int i = 0; i < BATCH; i++)
        round_do(p, cell, (uint64_t)bindings, 1001);
    for (int b = 0; b < BATCHES; b++) {
        int64_t from = cpu_ns(CLOCK_THREAD_CPUTIME_ID);

        for (int i = 0; i < BATCH; i++)
            round_do(p, cell, (uint64_t)bindings, 1001 + b);
        batch[b] = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - from;
    }
    qsort(batch, BATCHES, sizeof(batch[0]), by_size);
    printf("| %s | %d | %d | %.2f | %.2f–%.2f |\n", cell_texts[cell], accounts, bindings,
           (double)batch[BATCHES / 2] / BATCH / 1000, (double)batch[BATCHES / 20] / BATCH / 1000,
           (double)batch[BATCHES - BATCHES / 20] / BATCH / 1000);
    pool_free(p);
}

/* --- the lock -------------------------------------------------------------------------------- */

static _Thread_local int64_t waited_ns;
static _Thread_local uint64_t contended;

int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);

int __wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
    if (pthread_mutex_trylock(m) == 0)
        return 0;
    int64_t from = cpu_ns(CLOCK_MONOTONIC);
    int failed = __real_pthread_mutex_lock(m);

    waited_ns += cpu_ns(CLOCK_MONOTONIC) - from;
    contended++;
    return failed;
}

struct crew {
    pthread_t thread;
    struct pool *pool;
    int rounds;
    uint64_t bindings;
    int64_t waited_ns, wall_ns, cpu_ns;
    uint64_t contended;
};

/* Work that touches nothing shared. */
static void work(void)
{
    int64_t until = cpu_ns(CLOCK_THREAD_CPUTIME_ID) + WORK_NS;

    while (cpu_ns(CLOCK_THREAD_CPUTIME_ID) < until)
        ;
}

static void *crew_run(void *arg)
{
    struct crew *c = arg;
    int64_t wall = cpu_ns(CLOCK_MONOTONIC), cpu = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    uint64_t own = (uint64_t)(uintptr_t)c | 1;

    for (int i = 0; i < c->rounds; i++) {
        const struct verdict ok = { .kind = VERDICT_SUCCESS, .delay_ms = -1 };
        struct pick_ask ask = ask_plain();
        struct lease l;
        struct pick why;

        own = own * UINT64_C(6364136223846793005) + 1442695040888963407;
        ask.has_session = true;
        ask.session = session_of((own >> 20) % c->bindings);
        work();
        if (pool_lease(c->pool, &ask, 2000 + i, &l, &why))
            lease_return(c->pool, &l, &ok, 2000 + i);
    }
    c->wall_ns = cpu_ns(CLOCK_MONOTONIC) - wall;
    c->cpu_ns = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
    c->waited_ns = waited_ns;
    c->contended = contended;
    return NULL;
}

static void lock_measure(int threads)
{
    struct crew crew[THREADS];
    struct pool *p = pool_make(10000);
    int64_t waited = 0, wall = 0, cpu = 0;
    uint64_t times = 0;
    const int rounds = 40000;

    bind_all(p, 10000, 1000000);
    for (int i = 0; i < threads; i++) {
        crew[i] = (struct crew){ .pool = p, .rounds = rounds, .bindings = 1000000 };
        if (pthread_create(&crew[i].thread, NULL, crew_run, &crew[i]) != 0)
            abort();
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(crew[i].thread, NULL);
        waited += crew[i].waited_ns;
        wall += crew[i].wall_ns;
        cpu += crew[i].cpu_ns;
        times += crew[i].contended;
    }
    printf("| %d | %.2f | %.3f %% | %.3f %% |\n", threads,
           (double)cpu / threads / rounds / 1000 - WORK_NS / 1000.0,
           100.0 * (double)times / (2.0 * threads * rounds), 100.0 * (double)waited / (double)wall);
    pool_free(p);
}

int main(int argc, char **argv)
{
    static const struct {
        enum cell cell;
        int accounts, bindings;
    } cells[] = {
        { STICKY, 5, 1000 },
        { STICKY, 10000, 1000000 },
        { NEXT, 5, 0 },
        { NEXT, 10000, 0 },
        { NEXT, 10000, 1000000 },
        { NEXT_PASSING_60, 10000, 1000000 },
        { NOBODY, 10000, 1000000 },
        { NEW_CONVERSATION, 10000, 900000 },
    };

    if (argc == 5) {
        struct pool *p = pool_make(atoi(argv[2]));
        int bindings = atoi(argv[3]);

        for (unsigned c = 0; c < CELLS; c++)
            if (strcmp(argv[1], cell_names[c]) == 0) {
                bind_all(p, atoi(argv[2]), bindings);
                lock_out(p, c == NOBODY ? atoi(argv[2]) : c == NEXT_PASSING_60 ? 60 : 0, 1000);
                for (int i = 0; i < atoi(argv[4]); i++)
                    round_do(p, (enum cell)c, (uint64_t)bindings, 1001);
            }
        pool_free(p);
        return 0;
    }
    printf("| Pick and return | accounts | bindings | µs, median | 5–95 %% |\n");
    printf("| --- | ---: | ---: | ---: | ---: |\n");
    for (size_t i = 0; i < COUNT(cells); i++)
        cell_measure(cells[i].cell, cells[i].accounts, cells[i].bindings);
    printf("\n| Workers | µs in the pool | found the lock held | waited, of all time |\n");
    printf("| ---: | ---: | ---: | ---: |\n");
    for (int threads = 1; threads <= THREADS; threads *= 2)
        lock_measure(threads);
    return 0;
}
