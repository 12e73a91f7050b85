/* tests/unit/exchange/test_usage_feed.c - rows go over in order, none twice, and too many are
 * counted; with two threads under ThreadSanitizer this proves the hand-over. */
#include "exchange/usage_feed.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "test.h"

#define ROWS 20000

static struct access_attempt attempt_of(int64_t account)
{
    struct access_attempt a = { .number = 1,
                                .account_id = account,
                                .label = "ada",
                                .provider = STR("anthropic"),
                                .verdict = VERDICT_SUCCESS,
                                .status = 200,
                                .usage = { 10, 2, -1, -1, -1 } };

    return a;
}

static struct access_record record_of(const struct access_attempt *a, int64_t number)
{
    struct access_record r = { .request_id = "req_0123456789abcdef01234567",
                               .protocol = STR("anthropic"),
                               .model = STR("asked"),
                               .mapped_model = STR("mapped"),
                               .client_key = STR("ci"),
                               .client = STR("program"),
                               .ending = ENDING_COMPLETE,
                               .status = 200,
                               .charged = number,
                               .started_unix_ms = 1000,
                               .duration_ms = 5,
                               .first_byte_ms = -1,
                               .attempt_count = 1,
                               .attempts_kept = 1,
                               .attempts = a };

    return r;
}

static void count_wakes(void *peer)
{
    atomic_fetch_add((_Atomic uint32_t *)peer, 1);
}

/* Checks that numbers go on; gives how many rows there were, and frees them. */
static uint32_t drain(struct test *t, struct usage_feed *f, int64_t *expected)
{
    struct usage_block *b = usage_feed_take(f);
    uint32_t rows = 0;

    while (b != NULL) {
        struct usage_block *next = b->next;
        struct usage_row *row;
        uint32_t at = 0, in_block = 0;

        while ((row = usage_block_row(b, &at)) != NULL) {
            if (expected != NULL)
                CHECK_INT(row->charged, (*expected)++);
            in_block++;
        }
        CHECK_INT(in_block, b->rows);
        usage_feed_done(f, b->rows);
        rows += b->rows;
        free(b);
        b = next;
    }
    return rows;
}

TEST(a_row_says_what_the_record_said_with_long_names_clipped)
{
    _Atomic uint32_t wakes = 0;
    struct usage_feed *f = usage_feed_new(10, count_wakes, &wakes);
    struct access_attempt a[ACCESS_ATTEMPTS_MAX];
    struct access_record r = record_of(a, 12);
    char *long_name = arena_alloc(&t->arena, 4000);
    uint32_t at = 0;

    memset(long_name, 'x', 4000);
    for (uint32_t i = 0; i < ACCESS_ATTEMPTS_MAX; i++)
        a[i] = attempt_of(i);
    memset(a[3].label, 'y', sizeof(a[3].label) - 1);
    r.attempt_count = 20;
    r.attempts_kept = ACCESS_ATTEMPTS_MAX;
    r.model = (struct str){ long_name, 4000 };
    usage_feed_add(f, &r);
    struct usage_block *b = usage_feed_take(f);
    assert(b != NULL);
    struct usage_row *row = usage_block_row(b, &at);

    assert(row != NULL);
    CHECK_INT(row->names->model.len, USAGE_NAME_MAX);
    CHECK_STRS(row->names->mapped, STR("mapped"));
    CHECK_STRS(row->names->key, STR("ci"));
    CHECK_STRS(row->names->client, STR("program"));
    CHECK_STRS(row->names->ending, STR("complete"));
    CHECK_STRS(row->request_id, STR("req_0123456789abcdef01234567"));
    CHECK_INT(row->ended_unix_ms, 1005);
    CHECK_INT(row->charged, 12);
    CHECK_INT(row->attempt_count, 20);
    CHECK_INT(row->kept, ACCESS_ATTEMPTS_MAX);
    CHECK_INT(row->attempts[7].who->account, 7);
    CHECK_INT(row->attempts[3].who->label.len, sizeof(a[3].label) - 1);
    CHECK_STRS(row->attempts[4].who->label, STR("ada"));
    CHECK_INT(row->attempts[4].tokens.in, 10);
    CHECK_INT(row->attempts[4].tokens.cache_read, -1);
    CHECK(usage_block_row(b, &at) == NULL);
    CHECK_INT(wakes, 0);
    free(b);
    usage_feed_free(f);
}

TEST(what_does_not_fit_the_bound_is_dropped_and_counted)
{
    _Atomic uint32_t wakes = 0;
    struct usage_feed *f = usage_feed_new(1000, count_wakes, &wakes);
    struct access_attempt a = attempt_of(1);
    int64_t expected = 0;

    for (int64_t i = 0; i < 1001; i++) {
        struct access_record r = record_of(&a, i);

        usage_feed_add(f, &r);
        CHECK_INT(usage_feed_dropped(f), i == 1000, "%" PRId64, i);
        if (i < 250) /* the keeper may take its time */
            CHECK_INT(wakes, 0, "%" PRId64, i);
    }
    CHECK(wakes > 0);
    CHECK_INT(drain(t, f, &expected), 1000);
    struct access_record r = record_of(&a, 1000);

    usage_feed_add(f, &r); /* there is room again */
    CHECK_INT(usage_feed_dropped(f), 1);
    CHECK_INT(drain(t, f, &expected), 1);
    CHECK_INT(drain(t, f, &expected), 0);
    usage_feed_free(f);
}

static void *work(void *arg)
{
    struct usage_feed *f = arg;
    struct access_attempt a = attempt_of(1);

    for (int64_t i = 0; i < ROWS; i++) {
        struct access_record r = record_of(&a, 1);

        usage_feed_add(f, &r);
        if (i % 100 == 0)
            sched_yield();
    }
    return NULL;
}

TEST(a_worker_and_the_keeper_never_lose_a_row_between_them)
{
    _Atomic uint32_t wakes = 0;
    struct usage_feed *f = usage_feed_new(UINT32_MAX, count_wakes, &wakes);
    uint64_t rows = 0;
    pthread_t thread;

    CHECK_INT(pthread_create(&thread, NULL, work, f), 0);
    while (rows < ROWS) {
        rows += drain(t, f, NULL);
        sched_yield();
    }
    pthread_join(thread, NULL);
    rows += drain(t, f, NULL);
    CHECK_INT(rows, ROWS);
    CHECK_INT(usage_feed_dropped(f), 0);
    usage_feed_free(f);
}
