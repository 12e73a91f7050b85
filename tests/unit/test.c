#include "test.h"

#include <stdarg.h>
#include <stdlib.h>

static struct test *tests;

void test_register(struct test *t)
{
    struct test **at = &tests;

    while (*at != NULL)
        at = &(*at)->next;
    *at = t;
}

static void where(struct test *t, const char *file, int line)
{
    t->failures++;
    printf("FAILED %s\n  %s:%d (seed %" PRIu64 ")", t->name, file, line, t->seed);
}

#define SAY()                   \
    do {                        \
        va_list args;           \
        va_start(args, format); \
        vprintf(format, args);  \
        va_end(args);           \
        printf("\n");           \
    } while (0)

bool test_fail(struct test *t, const char *file, int line, const char *what, const char *format,
               ...)
{
    where(t, file, line);
    SAY();
    printf("  does not hold: %s\n", what);
    return false;
}

static void show(const char *label, struct str s)
{
    printf("  %s (%zu bytes): ", label, s.len);
    for (size_t i = 0; i < s.len && i < 2000; i++) {
        unsigned char c = (unsigned char)s.at[i];

        if (c == '\n' || c == '\r' || c == '\\')
            printf("\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : '\\');
        else if (c < 0x20 || c >= 0x7f)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
    printf("\n");
}

bool test_str(struct test *t, const char *file, int line, struct str got, struct str want,
              const char *format, ...)
{
    if (str_eq(got, want))
        return true;
    where(t, file, line);
    SAY();
    show("want", want);
    show("got ", got);
    return false;
}

bool test_int(struct test *t, const char *file, int line, int64_t got, int64_t want,
              const char *format, ...)
{
    if (got == want)
        return true;
    where(t, file, line);
    SAY();
    printf("  want %" PRId64 ", got %" PRId64 "\n", want, got);
    return false;
}

uint64_t test_random(struct test *t)
{
    uint64_t z = t->seed += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct str test_path(struct test *t, const char *path)
{
    const char *root = getenv("PENSTOCK_SOURCE_ROOT");

    return arena_printf(&t->arena, "%s/%s", root == NULL ? "." : root, path);
}

struct str test_file(struct test *t, const char *path)
{
    struct str full = test_path(t, path);
    FILE *f = fopen(full.at, "rb");

    if (f == NULL) {
        test_fail(t, __FILE__, __LINE__, "the file can be read", " %s", full.at);
        return STR("");
    }
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    char *at = arena_alloc(&t->arena, len + 1);
    rewind(f);
    len = fread(at, 1, len, f);
    fclose(f);
    return (struct str){ at, len };
}

static bool wanted(const struct test *t, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(t->name, argv[i]) != NULL)
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    const char *given = getenv("PENSTOCK_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1;
    int passed = 0, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct test *t = tests; t != NULL; t = t->next) {
        if (!wanted(t, argc, argv))
            continue;
        t->seed = seed;
        t->run(t);
        arena_free(&t->arena);
        if (t->failures == 0)
            passed++;
        else
            failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
