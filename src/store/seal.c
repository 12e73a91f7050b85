/* store/seal.c - sealed columns. A seal is bound to table, column and row: one that is copied to
 * another place does not open there. */
#include <stdio.h>

#include "store/store_int.h"

static struct str bound_to(const char *column, int64_t id, char out[64])
{
    int len = snprintf(out, 64, "account/%s/%lld", column, (long long)id);

    assert(len > 0 && len < 64);
    return (struct str){ out, (size_t)len };
}

enum status seal_bind(struct store *s, sqlite3_stmt *q, int index, const char *column, int64_t id,
                      struct str plain, struct error *e)
{
    struct buf sealed = { .max = plain.len + SEAL_EXTRA };
    char place[64];
    int code;

    if (plain.len == 0) {
        code = sqlite3_bind_null(q, index);
    } else {
        bool fits = seal(s->key.bytes, plain, bound_to(column, id, place), &sealed);

        assert(fits);
        code = sqlite3_bind_blob(q, index, sealed.at, (int)sealed.len, SQLITE_TRANSIENT);
        buf_clear(&sealed);
    }
    return code == SQLITE_OK ? OK : store_fail(s, "cannot be changed", e);
}

bool seal_column(const struct store *s, sqlite3_stmt *q, int index, const char *column, int64_t id,
                 struct secret *plain)
{
    const char *at = sqlite3_column_blob(q, index);
    int len = sqlite3_column_bytes(q, index);
    char place[64];

    *plain = (struct secret){ 0 };
    if (sqlite3_column_type(q, index) == SQLITE_NULL)
        return true;
    if (sqlite3_column_type(q, index) != SQLITE_BLOB || len <= SEAL_EXTRA)
        return false;
    return seal_open(s->key.bytes, (struct str){ at, (size_t)len }, bound_to(column, id, place),
                     plain);
}
