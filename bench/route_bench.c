/* bench/route_bench.c - what finding a model's route costs with 5 000 entries in the mapping, 500
 * flows and 500 account routes.
 *
 *     cc -O2 -std=gnu17 -D_GNU_SOURCE -Isrc bench/route_bench.c BUILD/src/route/libroute.a \
 *        BUILD/src/pool/libpool.a BUILD/src/base/libbase.a -lpthread -o route_bench
 *     ./route_bench
 *
 * CPU time of the thread in batches of BATCH names, drawn at random of all names of the cell's
 * kind, so that little of the table is in the nearest cache. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "route/table.h"

#define BATCH 500
#define BATCHES 2000
#define EXACT 2500
#define WILD 2500
#define ROUTES 500

static uint64_t seed = 1;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static const char *const families[] = { "claude-sonnet", "claude-opus", "gpt", "gemini-flash",
                                        "qwen3-coder",   "llama",       "glm", "deepseek-v3" };

/* Patterns as people write them: by their beginning, their end, and with both. */
static struct str pattern(struct arena *a, int i)
{
    const char *family = families[i % 8];

    switch (i % 4) {
    case 0:
        return arena_printf(a, "%s-%d*", family, i);
    case 1:
        return arena_printf(a, "*-%d-%s", i, family);
    case 2:
        return arena_printf(a, "%s-%d-*-mini", family, i);
    default:
        return arena_printf(a, "%s-*-%d", family, i);
    }
}

static struct str fitting(struct arena *a, int i)
{
    const char *family = families[i % 8];

    switch (i % 4) {
    case 0:
        return arena_printf(a, "%s-%d-20260601", family, i);
    case 1:
        return arena_printf(a, "vendor-%d-%s", i, family);
    case 2:
        return arena_printf(a, "%s-%d-preview-mini", family, i);
    default:
        return arena_printf(a, "%s-turbo-%d", family, i);
    }
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void measure(const struct route_table *t, const char *what, const struct str *names,
                    size_t count)
{
    static double ns[BATCHES];
    size_t found = 0;

    for (int b = 0; b < BATCHES; b++) {
        int64_t began = cpu_ns();

        for (int i = 0; i < BATCH; i++) {
            struct route_found f;

            route_find(t, names[next_random() % count], &f);
            found += f.route != NULL || f.mapped != NULL;
        }
        ns[b] = (double)(cpu_ns() - began) / BATCH;
    }
    qsort(ns, BATCHES, sizeof(ns[0]), by_value);
    printf("| %s | %.0f | %.0f | %.0f %% |\n", what, ns[BATCHES / 2], ns[BATCHES * 99 / 100],
           (double)found * 100 / ((double)BATCH * BATCHES));
}

int main(void)
{
    static struct mapping_spec mapping[EXACT + WILD];
    static struct route_spec flows[ROUTES], accounts[ROUTES];
    static struct str exact[EXACT], wild[WILD], routed[2 * ROUTES], unknown[1000];
    static const struct route_entry entry = { .model = { "gemini-3-flash", 14 } };
    struct arena a = { 0 };
    struct route_fault fault = { .text = "" };

    for (int i = 0; i < EXACT; i++) {
        exact[i] = arena_printf(&a, "%s-exact-%d", families[i % 8], i);
        mapping[i] = (struct mapping_spec){ exact[i], STR("gemini-3-flash") };
    }
    for (int i = 0; i < WILD; i++) {
        wild[i] = fitting(&a, i);
        mapping[EXACT + i] = (struct mapping_spec){ pattern(&a, i), STR("route:flow-1") };
    }
    for (int i = 0; i < ROUTES; i++) {
        flows[i] = (struct route_spec){ arena_printf(&a, "flow-%d", i), &entry, 1 };
        accounts[i] = (struct route_spec){ arena_printf(&a, "claude-model-%d", i), &entry, 1 };
        routed[2 * i] = arena_printf(&a, "route:flow-%d", i);
        routed[2 * i + 1] = accounts[i].name;
    }
    for (int i = 0; i < 1000; i++)
        unknown[i] = arena_printf(&a, "claude-unknown-%d-20260101", i);
    int64_t began = cpu_ns();
    const struct route_table *t = route_compile(
        &(struct routing_spec){ mapping, flows, accounts, EXACT + WILD, ROUTES, ROUTES }, &a,
        &fault);

    if (t == NULL) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    printf("compiled in %.1f ms\n\n| Name | ns, median | ns, 99 of 100 | found |\n"
           "| --- | --- | --- | --- |\n",
           (double)(cpu_ns() - began) / 1e6);
    measure(t, "mapped by its exact name", exact, EXACT);
    measure(t, "mapped by a pattern", wild, WILD);
    measure(t, "flow, or account route", routed, 2 * ROUTES);
    measure(t, "nothing fits, and it has other names", unknown, 1000);
    arena_free(&a);
    return 0;
}
