/* Four threads lease and return; run under ThreadSanitizer this proves the lock, and everywhere
 * that the counts balance. */
#include <pthread.h>
#include <sched.h>

#include "rig.h"

#define THREADS 4
#define ROUNDS 25000

struct worker {
    pthread_t thread;
    struct pool *pool;
    uint64_t leased, refused;
    unsigned number;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pick_ask ask = rig_ask("m");
    struct verdict ok = rig_verdict(VERDICT_SUCCESS), slow = rig_verdict(VERDICT_RATE_LIMITED);

    for (int i = 0; i < ROUNDS; i++) {
        struct lease l;
        struct pick why;

        if (!pool_lease(w->pool, &ask, i, &l, &why)) {
            w->refused++;
            continue;
        }
        w->leased++;
        lease_return(w->pool, &l, i % 1000 == 0 ? &slow : &ok, i);
        if (w->number == 0 && i % 500 == 0) {
            struct account_spec spec = rig_spec(1, "a");

            (void)pool_active(w->pool, i);
            if (pool_put(w->pool, &spec, &rig_means, NULL) != OK)
                w->refused = UINT64_MAX;
        }
    }
    return NULL;
}

static void add_up(void *peer, const struct account_view *v)
{
    uint64_t *sum = peer;

    sum[0] += v->served + v->failed;
    sum[1] += v->in_flight;
}

TEST(leases_of_four_threads_balance)
{
    struct pool *p = rig_pool_of(t, 4);
    struct worker workers[THREADS];
    uint64_t leased = 0, sum[2] = { 0, 0 };

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .pool = p, .number = i };
        CHECK_INT(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_join(workers[i].thread, NULL), 0);
        CHECK_INT(workers[i].leased + workers[i].refused, ROUNDS, "thread %u", i);
        leased += workers[i].leased;
    }
    pool_each(p, 0, add_up, sum);
    CHECK_INT(sum[0], leased, "each lease taught its account something");
    CHECK_INT(sum[1], 0, "nothing is in flight");
    CHECK_INT(p->leases, 0);
    pool_free(p);
}

/* --- those who wait, each on a thread of its own --------------------------------------------- */

#define WAIT_ROUNDS 2000

struct flag {
    _Atomic bool up;
};

static void wake_flag(void *peer)
{
    struct flag *f = peer;

    atomic_store(&f->up, true);
}

static void *wait_and_work(void *arg)
{
    struct worker *w = arg;
    struct verdict ok = rig_verdict(VERDICT_SUCCESS);

    for (int i = 0; i < WAIT_ROUNDS; i++) {
        struct flag woken = { false };
        struct waiter waiter = { .wake = wake_flag, .peer = &woken };
        struct pick_ask ask = rig_ask("m");
        struct lease l;
        struct pick why;

        ask.waiter = &waiter;
        ask.session.digest[0] = (uint8_t)(w->number * 16 + (unsigned)i % 16);
        ask.has_session = i % 2 == 0;
        while (!pool_lease(w->pool, &ask, 1, &l, &why)) {
            while (!atomic_load(&woken.up))
                sched_yield();
            atomic_store(&woken.up, false);
            w->refused++;
        }
        w->leased++;
        lease_return(w->pool, &l, &ok, 1);
    }
    return NULL;
}

TEST(nobody_who_waits_is_forgotten)
{
    struct pool *p = rig_pool();
    struct worker workers[THREADS];
    uint64_t sum[2] = { 0, 0 };

    for (int i = 0; i < 2; i++) {
        struct account_spec spec = rig_spec(i + 1, i == 0 ? "a" : "b");

        spec.concurrency_max = 1;
        rig_put(t, p, &spec);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .pool = p, .number = i };
        CHECK_INT(pthread_create(&workers[i].thread, NULL, wait_and_work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_join(workers[i].thread, NULL), 0);
        CHECK_INT(workers[i].leased, WAIT_ROUNDS, "thread %u", i);
    }
    pool_each(p, 1, add_up, sum);
    CHECK_INT(sum[0], THREADS * WAIT_ROUNDS);
    CHECK_INT(sum[1], 0);
    CHECK(p->waiters == NULL);
    pool_free(p);
}
