/* Prints docs/settings.md; with a file's name, compares it with that file. */
#include <stdio.h>
#include <string.h>

#include "app/settings.h"
#include "io/file.h"

int main(int argc, char **argv)
{
    struct buf page = { .max = 1 << 20 }, file = { .max = 1 << 20 };
    struct error e = { .status = OK };
    int code = 0;

    settings_reference(&page);
    if (argc < 2) {
        fwrite(page.at, 1, page.len, stdout);
    } else if (file_read(argv[1], &file, &e) != OK) {
        printf("0 passed, 1 failed: %s\n", e.text);
        code = 1;
    } else if (!str_eq(buf_str(&page), buf_str(&file))) {
        printf("0 passed, 1 failed: %s is not what %s prints; write it anew\n", argv[1], argv[0]);
        code = 1;
    } else {
        printf("1 passed, 0 failed\n");
    }
    buf_clear(&page);
    buf_clear(&file);
    return code;
}
