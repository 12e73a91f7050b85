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
#define HAND_OVERS 2000 /* as many as one batch holds, at full load */

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
    snprintf(a->label, sizeof(a->label), "account-%u@example.com", n % ACCOUNTS);
    *r = (struct access_record){ .protocol = STR("openai-chat"),
                                 .model = str_c(models[n % MODELS]),
                                 .mapped_model = str_c(models[n % MODELS]),
                                 .client_key = STR("laptop"),
                                 .key_id = { { (uint8_t)(1 + n % KEYS) } },
                                 .client = STR("claude-cli"),
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
    snprintf(r->request_id, sizeof(r->request_id), "req_%024u", n);
}

int main(int argc, char **argv)
{
    int batches = argc > 2 ? atoi(argv[2]) : 200;
    struct usage_db *db = NULL;
    struct error e = { 0 };
    double feed_us = 0, put_us = 0;
    unsigned n = 0;

    if (argc < 2 || usage_open(argv[1], clock_unix_ms(), &db, &e) != OK) {
        fprintf(stderr, "usage: usage_bench FOLDER [BATCHES] %s\n", e.text);
        return 2;
    }
    for (int b = 0; b < batches; b++) {
        struct usage_feed *f = usage_feed_new(10000, wake, NULL);
        struct usage_row *rows[USAGE_ROWS_MAX];
        struct usage_block *list;
        size_t count = 0;

        for (int i = 0; i < HAND_OVERS; i++) {
            struct access_attempt a;
            struct access_record r;

            record_of(n++, &r, &a);
            double start = cpu_us();
            usage_feed_add(f, &r);
            feed_us += cpu_us() - start;
        }
        list = usage_feed_take(f);
        for (struct usage_block *at = list; at != NULL; at = at->next) {
            uint32_t place = 0;

            while ((rows[count] = usage_block_row(at, &place)) != NULL)
                count++;
        }
        double start = cpu_us();
        if (usage_rows_put(db, (const struct usage_row *const *)rows, count, &e) != OK) {
            fprintf(stderr, "%s\n", e.text);
            return 1;
        }
        put_us += cpu_us() - start;
        while (list != NULL) {
            struct usage_block *next = list->next;

            free(list);
            list = next;
        }
        usage_feed_free(f);
    }
    printf("%u rows: %.3f us each for the worker (with two looks at the clock), %.3f us each for "
           "the keeper\n",
           n, feed_us / n, put_us / n);
    usage_close(db);
    return 0;
}
