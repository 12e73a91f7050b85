/* bench/meter_bench.c - what counting a finished request costs, what copying its record for access
 * log and traces costs, and what telling all metrics costs.
 *
 *     cc -O2 -std=gnu17 -D_GNU_SOURCE -Isrc -o /tmp/meter_bench bench/meter_bench.c \
 *        build/src/exchange/libexchange.a build/src/provider/libprovider.a build/src/pool/libpool.a
 * \ build/src/wire/libwire.a build/src/http/libhttp_pure.a build/src/base/libbase.a -lpthread
 *     /tmp/meter_bench             microseconds
 *     valgrind --tool=callgrind --callgrind-out-file=/dev/null /tmp/meter_bench add 10000
 *     … and 20000: the difference is 10 000 records
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exchange/meter.h"
#include "exchange/trace.h"

#define WORKERS 4

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The i-th of many records that differ in model, provider and outcome as real ones do. */
static void add(struct meter *m, struct record_kinds *kinds, struct trace_ring *ring, unsigned i,
                unsigned models)
{
    static const char *const providers[] = { "openai", "anthropic", "gemini", "codex" };
    char model[32];
    bool good = i % 7 != 0;
    static const struct pick sticky = { .reason = PICK_STICKY };
    struct access_attempt a = {
        .number = 1,
        .provider = str_c(providers[i % 4]),
        .verdict = good ? VERDICT_SUCCESS : VERDICT_SERVER_ERROR,
        .pick = &sticky,
        .duration_ms = i % 5000,
        .first_byte_ms = i % 900,
        .usage = { .in = i % 20000, .out = i % 900, .cache_read = i % 9000, -1, -1 },
    };

    snprintf(model, sizeof(model), "vendor-model-%u", i / 4 % models);
    const struct access_record record = { .protocol = STR("openai-chat"),
                                          .path = STR("/v1/chat/completions"),
                                          .model = str_c(model),
                                          .mapped_model = str_c(model),
                                          .client_key = STR("ci"),
                                          .provider = a.provider,
                                          .ending = good ? ENDING_COMPLETE : ENDING_UPSTREAM_FAILED,
                                          .stream = true,
                                          .usage = a.usage,
                                          .first_byte_ms = a.first_byte_ms,
                                          .duration_ms = a.duration_ms,
                                          .attempts = &a,
                                          .attempt_count = 1,
                                          .attempts_kept = 1 };

    if (m != NULL)
        meter_add(m, &record, record_kind_find(kinds, &record));
    if (ring != NULL)
        trace_ring_add(ring, &record);
}

static size_t lines(const struct buf *out)
{
    size_t n = 0;

    for (size_t i = 0; i < out->len; i++)
        n += out->at[i] == '\n' && i + 1 < out->len && out->at[i + 1] != '#';
    return n;
}

int main(int argc, char **argv)
{
    struct meter *all[WORKERS];
    struct record_kinds *kinds[WORKERS];

    for (size_t i = 0; i < WORKERS; i++) {
        all[i] = meter_new();
        kinds[i] = record_kinds_new();
    }
    if (argc == 3) {
        struct trace_ring *ring = trace_ring_new((size_t)8 << 20);

        for (unsigned i = 0; i < (unsigned)atoi(argv[2]); i++)
            add(all[0], kinds[0], ring, i, 20);
        trace_ring_free(ring);
        return 0;
    }
    for (unsigned models = 5; models <= 80; models *= 4) {
        struct buf out = { .max = (size_t)64 << 20 };
        double began;

        for (unsigned i = 0; i < 20000; i++)
            add(all[i / 7 % WORKERS], kinds[i / 7 % WORKERS], NULL, i, models);
        began = now_us();
        for (int round = 0; round < 20; round++) {
            out.len = 0;
            meters_put(&(struct metric_text){ .out = &out }, all, WORKERS, false);
        }
        printf("%6zu series, %7zu bytes, %d workers: %8.0f us for a scrape\n", lines(&out), out.len,
               WORKERS, (now_us() - began) / 20);
        buf_clear(&out);
    }
    double began = now_us(), made;

    for (unsigned i = 0; i < 1000000; i++)
        add(NULL, NULL, NULL, i, 20);
    made = now_us() - began; /* what making the record costs */
    began = now_us();
    for (unsigned i = 0; i < 1000000; i++)
        add(all[0], kinds[0], NULL, i, 20);
    printf("a record: %.3f us\n", (now_us() - began - made) / 1e6);

    struct trace_ring *ring = trace_ring_new((size_t)8 << 20);

    began = now_us();
    for (unsigned i = 0; i < 1000000; i++)
        add(NULL, NULL, ring, i, 20);
    printf("a record, copied into the ring: %.3f us\n", (now_us() - began - made) / 1e6);
    trace_ring_free(ring);
    for (size_t i = 0; i < WORKERS; i++) {
        meter_free(all[i]);
        record_kinds_free(kinds[i]);
    }
    return 0;
}
