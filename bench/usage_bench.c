/* bench/usage_bench.c - what keeping usage costs: the hand-over by a worker, and a row in usage.db.
 *
 *     cc -O2 -std=gnu17 -D_GNU_SOURCE -Isrc bench/usage_bench.c -o usage_bench -Wl,--start-group \
 *        BUILD/src/{exchange/libexchange,store/libstore,provider/libprovider,journal/libjournal}.a
 * \
 *        BUILD/src/{route/libroute,pool/libpool,wire/libwire,http/libhttp,http/libhttp_pure}.a \
 *        BUILD/src/{io/libio,base/libbase}.a -Wl,--end-group \
 *        -lsqlite3 -luv -lssl -lcrypto -lz -lpthread
 *     ./usage_bench FOLDER [BATCHES]
 *
 * FOLDER is of this user alone (0700); usage.db is made in it. CPU time of the thread. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exchange/usage_feed.h"
#include "io/loop.h"

#define MODELS 8
#define KEYS 4
#define ACCOUNTS 5
#define HAND_OVERS 10000 /* a quarter of what may wait: a batch at full load */

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void wake(void *peer)
{
    (void)peer;
}

static void added(void *peer, const struct usage_added *sum)
{
    (void)peer;
    (void)sum;
}

/* All that is in the feed, as one batch. */
static enum status put(struct usage_db *db, struct usage_block *list, struct error *e)
{
    enum status st = usage_batch_begin(db, added, NULL, e);

    if (st != OK)
        return st;
    for (struct usage_block *b = list; b != NULL; b = b->next) {
        struct usage_attempt alone;
        struct usage_row row;
        uint32_t at = 0;

        while (st == OK && usage_block_row(b, &at, &row, &alone))
            st = usage_batch_put(db, &row, e);
    }
    return usage_batch_end(db, st, e);
}

/* Requests as five accounts, eight models and four keys make them. */
static void record_of(unsigned n, struct access_record *r, struct access_attempt *a)
{
    static const char *const models[MODELS] = {
        "gpt-5.1", "gpt-5.1-mini", "claude-opus-5-5", "m4", "m5", "m6", "m7", "m8"
    };

    *a = (struct access_attempt){ .number = 1,
                                  .account_id = 1 + n % ACCOUNTS,
                                  .provider = STR("anthropic"),
                                  .verdict = VERDICT_SUCCESS,
                                  .status = 200,
                                  .duration_ms = 1234,
                                  .usage = { 1000 + n % 999, 200, 900, -1, 50 } };
    memcpy(a->label, "account-0@example.com", 22);
    a->label[8] = (char)('0' + n % ACCOUNTS);
    *r = (struct access_record){ .protocol = STR("openai-chat"),
                                 .model = str_c(models[n % MODELS]),
                                 .mapped_model = str_c(models[n % MODELS]),
                                 .client_key = STR("laptop"),
                                 .key_id = { { (uint8_t)(1 + n % KEYS) } },
                                 .path = STR("/v1/chat/completions"),
                                 .client = STR("claude-cli"),
                                 .provider = STR("anthropic"),
                                 .status = 200,
                                 .ending = ENDING_COMPLETE,
                                 .stream = true,
                                 .charged = 1200,
                                 .started_unix_ms = clock_unix_ms(),
                                 .duration_ms = 1234,
                                 .first_byte_ms = 300,
                                 .attempt_count = 1,
                                 .attempts_kept = 1,
                                 .attempts = a };
    memcpy(r->request_id, "req_", 4); /* 24 digits, without the cost of a format */
    for (int i = 27, rest = (int)n; i >= 4; i--, rest /= 10)
        r->request_id[i] = (char)('0' + rest % 10);
    r->request_id[28] = '\0';
}

int main(int argc, char **argv)
{
    int batches = argc > 2 ? atoi(argv[2]) : 200;
    struct usage_db *db = NULL;
    struct error e = { 0 };
    double made_us = 0, feed_us = 0, put_us = 0;
    int64_t sum = 0;
    unsigned n = 0;

    if (argc < 2 || usage_open(argv[1], clock_unix_ms(), &db, &e) != OK) {
        fprintf(stderr, "usage: usage_bench FOLDER [BATCHES] %s\n", e.text);
        return 2;
    }
    struct record_kinds *kinds = record_kinds_new();
    struct usage_feed *f = usage_feed_new(UINT32_MAX, wake, NULL);

    for (int b = 0; b < batches; b++) {
        struct usage_block *list;

        double start = cpu_us();

        for (unsigned i = 0; i < HAND_OVERS; i++) {
            struct access_attempt a;
            struct access_record r;

            record_of(n + i, &r, &a);
            sum += r.duration_ms;
        }
        made_us += cpu_us() - start;
        start = cpu_us();
        for (unsigned i = 0; i < HAND_OVERS; i++) {
            struct access_attempt a;
            struct access_record r;

            record_of(n + i, &r, &a);
            usage_feed_add(f, &r, record_kind_find(kinds, &r));
        }
        feed_us += cpu_us() - start;
        n += HAND_OVERS;
        list = usage_feed_take(f);
        start = cpu_us();
        if (put(db, list, &e) != OK) {
            fprintf(stderr, "%s\n", e.text);
            return 1;
        }
        put_us += cpu_us() - start;
        while (list != NULL) {
            struct usage_block *next = list->next;

            free(list);
            list = next;
        }
    }
    usage_feed_free(f);
    record_kinds_free(kinds);
    printf("%u rows: %.3f us each for the worker, %.3f us each for the keeper (%lld)\n", n,
           (feed_us - made_us) / n, put_us / n, (long long)(sum / n));
    usage_close(db);
    return 0;
}
