/* tests/unit/test.h - a test is a sentence and a list of checks.
 *
 *     TEST(sse_joins_two_data_lines) { CHECK_STR(got, "a\nb", "case %s", name); }
 *
 * Each file of tests is one program; TEST registers itself, main() is in test.c. It prints a line
 * per failure (file, line, what was wanted, what came) and ends with `N passed, N failed`. `PROGRAM
 * word…` runs only tests whose name holds a word; PENSTOCK_TEST_SEED sets the seed of
 * test_random(). */
#ifndef PENSTOCK_TEST_H
#define PENSTOCK_TEST_H

#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

struct test {
    const char *name;
    void (*run)(struct test *t);
    struct test *next;
    struct arena arena; /* freed after the test */
    uint64_t seed;
    int failures;
};

void test_register(struct test *t);
bool test_fail(struct test *t, const char *file, int line, const char *what, const char *format,
               ...) __attribute__((format(printf, 5, 6)));
bool test_str(struct test *t, const char *file, int line, struct str got, struct str want,
              const char *format, ...) __attribute__((format(printf, 6, 7)));
bool test_int(struct test *t, const char *file, int line, int64_t got, int64_t want,
              const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Deterministic 64-bit numbers (splitmix64) from the test's seed, which a failure prints. */
uint64_t test_random(struct test *t);
/* 0 … below-1 */
static inline size_t test_below(struct test *t, size_t below)
{
    return (size_t)(test_random(t) % below);
}

#define TEST(sentence)                                                           \
    static void sentence(struct test *t);                                        \
    static struct test sentence##_test = { .name = #sentence, .run = sentence }; \
    __attribute__((constructor)) static void sentence##_register(void)           \
    {                                                                            \
        test_register(&sentence##_test);                                         \
    }                                                                            \
    static void sentence(__attribute__((unused)) struct test *t)

/* Each takes an optional printf text that says which case it was; each gives true when it held. */
#define CHECK(condition, ...) \
    ((condition) ? true : test_fail(t, __FILE__, __LINE__, #condition, " " __VA_ARGS__))
#define CHECK_STR(got, want, ...) \
    test_str(t, __FILE__, __LINE__, (got), str_c(want), " " __VA_ARGS__)
#define CHECK_STRS(got, want, ...) test_str(t, __FILE__, __LINE__, (got), (want), " " __VA_ARGS__)
#define CHECK_INT(got, want, ...) \
    test_int(t, __FILE__, __LINE__, (int64_t)(got), (int64_t)(want), " " __VA_ARGS__)

/* A path below the source root from wherever the test runs, with a NUL behind it, in its arena. */
struct str test_path(struct test *t, const char *path);
/* The bytes of a file below tests/ (path from the source root), in the test's arena. Fails the test
 * when absent. */
struct str test_file(struct test *t, const char *path);

#endif
