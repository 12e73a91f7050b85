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

/* Adds a record as a worker does. */
static void add(struct usage_feed *f, struct record_kinds *kinds, const struct access_record *r)
{
    usage_feed_add(f, r, record_kind_find(kinds, r));
}

/* Checks that numbers go on; gives how many rows there were, and frees them. */
static uint32_t drain(struct test *t, struct usage_feed *f, int64_t *expected)
{
    struct usage_block *b = usage_feed_take(f);
    uint32_t rows = 0;

    while (b != NULL) {
        struct usage_block *next = b->next;
        struct usage_attempt alone;
        struct usage_row row;
        uint32_t at = 0, in_block = 0;

        while (usage_block_row(b, &at, &row, &alone)) {
            if (expected != NULL)
                CHECK_INT(row.charged, (*expected)++);
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
    struct record_kinds *kinds = record_kinds_new();
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
    add(f, kinds, &r);
    struct usage_block *b = usage_feed_take(f);
    assert(b != NULL);
    struct usage_attempt alone;
    struct usage_row found, *row = &found;

    assert(usage_block_row(b, &at, row, &alone));
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
    CHECK(!usage_block_row(b, &at, row, &alone));
    CHECK_INT(wakes, 0);
    free(b);
    usage_feed_free(f);
    record_kinds_free(kinds);
}

/* Numbers that do not fit the short form, and an id that is none of ours, go over all the same. */
TEST(each_row_says_what_its_record_said)
{
    static const int64_t large[] = { -1, 0, INT32_MAX, (int64_t)INT32_MAX + 1, INT64_C(1) << 40 };
    _Atomic uint32_t wakes = 0;
    struct usage_feed *f = usage_feed_new(5000, count_wakes, &wakes);
    struct record_kinds *kinds = record_kinds_new();
    struct access_record *made = calloc(3000, sizeof(*made));
    struct access_attempt *attempts = calloc(3000, sizeof(*attempts));
    size_t n = 0;

    for (size_t i = 0; i < 3000; i++) {
        static const char *const models[] = { "m1", "m2", "m3", "a-longer-name", "a-longer-namf" };
        struct access_attempt *a = &attempts[i];

        *a = attempt_of((int64_t)test_below(t, 5) - 2);
        snprintf(a->label, sizeof(a->label), "account %d", (int)test_below(t, 3));
        a->verdict = test_below(t, 2) == 0 ? VERDICT_SUCCESS : VERDICT_SERVER_ERROR;
        a->status = 200 + (int)test_below(t, 3);
        a->usage.in = large[test_below(t, COUNT(large))];
        a->duration_ms = test_below(t, 20) == 0 ? INT64_C(1) << 33 : 7;
        made[i] = record_of(a, (int64_t)i);
        made[i].model = str_c(models[test_below(t, COUNT(models))]);
        made[i].mapped_model = str_c(models[test_below(t, COUNT(models))]);
        made[i].client_key = test_below(t, 2) == 0 ? STR("ci") : STR("");
        made[i].key_id.bytes[15] = (uint8_t)test_below(t, 2);
        made[i].stream = test_below(t, 2) == 0;
        made[i].counts_only = test_below(t, 9) == 0;
        made[i].status = 200 + (int)test_below(t, 2);
        made[i].ending = test_below(t, 2) == 0 ? ENDING_COMPLETE : ENDING_CLIENT_LEFT;
        if (test_below(t, 20) == 0)
            snprintf(made[i].request_id, sizeof(made[i].request_id), "given-%zu", i);
        if (test_below(t, 20) == 0)
            made[i].attempts_kept = made[i].attempt_count = 0;
        add(f, kinds, &made[i]);
    }
    for (struct usage_block *b = usage_feed_take(f), *next; b != NULL; b = next) {
        struct usage_attempt alone;
        struct usage_row row;
        uint32_t at = 0;

        for (; n < 3000 && usage_block_row(b, &at, &row, &alone); n++) {
            const struct access_record *r = &made[n];
            char id[USAGE_NAME_MAX];
            int len = snprintf(id, sizeof(id), "req_");

            for (size_t i = 0; i < USAGE_ID_BYTES; i++)
                len += snprintf(id + len, sizeof(id) - (size_t)len, "%02x", row.id[i]);
            CHECK_STRS(row.request_id.len > 0 ? row.request_id : str_c(id), str_c(r->request_id));
            CHECK_INT(row.charged, r->charged);
            CHECK_STRS(row.names->model, r->model);
            CHECK_STRS(row.names->mapped, r->mapped_model);
            CHECK_STRS(row.names->key, r->client_key);
            CHECK_INT(memcmp(row.names->key_id, r->key_id.bytes, 16), 0);
            CHECK_INT(row.names->stream, r->stream);
            CHECK_INT(row.names->free, r->counts_only);
            CHECK_INT(row.names->status, r->status);
            CHECK_STRS(row.names->ending, str_c(ending_word(r->ending)));
            CHECK_INT(row.kept, r->attempts_kept);
            if (row.kept > 0) {
                const struct access_attempt *a = r->attempts;

                CHECK_INT(row.attempts[0].who->account, a->account_id);
                CHECK_STRS(row.attempts[0].who->label, str_c(a->label));
                CHECK_STRS(row.attempts[0].who->verdict, str_c(verdict_word(a->verdict)));
                CHECK_INT(row.attempts[0].who->status, a->status);
                CHECK_INT(row.attempts[0].tokens.in, a->usage.in);
                CHECK_INT(row.attempts[0].duration_ms, a->duration_ms);
            }
        }
        next = b->next;
        free(b);
    }
    CHECK_INT(n, 3000);
    usage_feed_free(f);
    record_kinds_free(kinds);
    free(made);
    free(attempts);
}

TEST(what_does_not_fit_the_bound_is_dropped_and_counted)
{
    _Atomic uint32_t wakes = 0;
    struct usage_feed *f = usage_feed_new(1000, count_wakes, &wakes);
    struct record_kinds *kinds = record_kinds_new();
    struct access_attempt a = attempt_of(1);
    int64_t expected = 0;

    for (int64_t i = 0; i < 1001; i++) {
        struct access_record r = record_of(&a, i);

        add(f, kinds, &r);
        CHECK_INT(usage_feed_dropped(f), i == 1000, "%" PRId64, i);
        if (i < 250) /* the keeper may take its time */
            CHECK_INT(wakes, 0, "%" PRId64, i);
    }
    CHECK(wakes > 0);
    CHECK_INT(drain(t, f, &expected), 1000);
    struct access_record r = record_of(&a, 1000);

    add(f, kinds, &r); /* there is room again */
    CHECK_INT(usage_feed_dropped(f), 1);
    CHECK_INT(drain(t, f, &expected), 1);
    CHECK_INT(drain(t, f, &expected), 0);
    usage_feed_free(f);
    record_kinds_free(kinds);
}

static void *work(void *arg)
{
    struct usage_feed *f = arg;
    struct record_kinds *kinds = record_kinds_new(); /* a worker's own */
    struct access_attempt a = attempt_of(1);

    for (int64_t i = 0; i < ROWS; i++) {
        struct access_record r = record_of(&a, 1);

        add(f, kinds, &r);
        if (i % 100 == 0)
            sched_yield();
    }
    record_kinds_free(kinds);
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
