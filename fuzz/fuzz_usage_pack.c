/* fuzz/fuzz_usage_pack.c - bytes out of usage.db that should be packed rows of requests. They are
 * refused or read; what is read is written, read and written again with the same bytes. */
#include <assert.h>

#include "store/usage_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As many of the rows as a pack takes, each with names of its own. */
static void write_rows(struct pack *p, const struct usage_row *rows, size_t count)
{
    pack_begin(p);
    for (size_t i = 0; i < count && !pack_is_full(p); i++) {
        uint32_t whos[USAGE_ATTEMPTS_MAX], names = pack_names(p, rows[i].names);

        assert(rows[i].kept <= USAGE_ATTEMPTS_MAX);
        for (uint32_t k = 0; k < rows[i].kept; k++)
            whos[k] = pack_who(p, rows[i].attempts[k].who);
        pack_row(p, &rows[i], names, whos);
    }
}

static struct str pack_bytes(const struct pack *p)
{
    return (struct str){ (const char *)p->bytes, p->used };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack once = { .bytes = NULL }, twice = { .bytes = NULL };
    struct arena a = { 0 };
    struct usage_row *rows;
    size_t count;

    if (pack_read((struct str){ (const char *)data, size }, &a, &rows, &count)) {
        write_rows(&once, rows, count);
        bool good = pack_read(pack_bytes(&once), &a, &rows, &count);

        assert(good && count == once.rows);
        write_rows(&twice, rows, count);
        assert(str_eq(pack_bytes(&once), pack_bytes(&twice)));
    }
    pack_clear(&once);
    pack_clear(&twice);
    arena_free(&a);
    return 0;
}
