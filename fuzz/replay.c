/* fuzz/replay.c - runs a fuzz target over files given by name or folder: the corpus as a plain
 * test. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int ran;

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");

    if (f == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    uint8_t *data = must_alloc(len);
    rewind(f);
    len = fread(data, 1, len, f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, len);
    free(data);
    ran++;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat st;
        DIR *folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? opendir(argv[i]) : NULL;

        if (folder == NULL) {
            run_file(argv[i]);
            continue;
        }
        for (struct dirent *e; (e = readdir(folder)) != NULL;) {
            struct arena a = { 0 };

            if (e->d_name[0] != '.')
                run_file(arena_printf(&a, "%s/%s", argv[i], e->d_name).at);
            arena_free(&a);
        }
        closedir(folder);
    }
    /* every input that came back without a crash has passed */
    printf("%d passed, %d failed\n", ran, ran == 0 ? 1 : 0);
    return ran == 0 ? 1 : 0;
}
