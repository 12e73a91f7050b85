/* tests/sim/scenario.c - plays the scripts of tests/sim/scenarios against the gateway.
 *
 * A script is a sentence (its first line, a comment) and lines `who: what, what, …`, played one
 * after the other; behind each of them the world runs until nothing happens without time passing.
 * The language is in scenarios/README.md. Every script is played with the seeds 1 to 20 (or the one
 * of PENSTOCK_TEST_SEED), each twice: the same seed must give the same run, byte for byte. Behind
 * its last line all clients leave, and gate_end() checks what holds at the end of every run.
 *
 *     PROGRAM [WORD…]    only scripts whose name holds one of the words */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "play.h"

#define SEEDS 20
#define SCRIPTS_MAX 512

static bool play_all_seeds(const char *path, struct str text, const char *given)
{
    uint64_t from = given != NULL ? strtoull(given, NULL, 10) : 1;
    uint64_t count = given != NULL ? 1 : SEEDS;

    if (!str_starts(text, STR("# "))) {
        printf("FAILED %s\n  its first line is not a sentence\n", path);
        return false;
    }
    for (uint64_t seed = from; seed < from + count; seed++) {
        uint64_t first = 0, second = 0;
        bool good = play(path, text, seed, &first) && play(path, text, seed, &second);

        if (good && first != second)
            printf("  (seed %" PRIu64 ") two runs differ\n", seed);
        if (!good || first != second) {
            struct str sentence, rest;

            (void)str_cut(text, '\n', &sentence, &rest);
            printf("FAILED %s: %.*s\n", path, STR_ARG(str_drop(sentence, 2)));
            return false;
        }
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]) != NULL)
            return true;
    return argc < 2;
}

static bool file_whole(struct arena *a, const char *path, struct str *out)
{
    FILE *f = fopen(path, "rb");
    char *bytes = arena_alloc(a, (size_t)64 << 10);

    if (f == NULL)
        return false;
    *out = (struct str){ bytes, fread(bytes, 1, ((size_t)64 << 10) - 1, f) };
    fclose(f);
    return true;
}

int main(int argc, char **argv)
{
    const char *root = getenv("PENSTOCK_SOURCE_ROOT"), *seed = getenv("PENSTOCK_TEST_SEED");
    struct arena a = { 0 };
    struct str folder = arena_printf(&a, "%s/tests/sim/scenarios", root == NULL ? "." : root);
    DIR *d = opendir(folder.at);
    char *names[SCRIPTS_MAX];
    size_t count = 0;
    int passed = 0, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL && count < SCRIPTS_MAX;)
        if (str_ends(str_c(e->d_name), STR(".sim")))
            names[count++] = strdup(e->d_name);
    if (d != NULL)
        closedir(d);
    qsort(names, count, sizeof(names[0]), by_name);
    for (size_t i = 0; i < count; i++) {
        struct str text;
        struct str path = arena_printf(&a, "%s/%s", folder.at, names[i]);

        if (!is_wanted(names[i], argc, argv))
            continue;
        if (file_whole(&a, path.at, &text) && play_all_seeds(names[i], text, seed))
            passed++;
        else
            failed++;
    }
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    arena_free(&a);
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
