/* store/usage_list.c - rows of requests, read again, the newest first. */
#include "base/log.h"
#include "store/usage_int.h"

/* Of one block, from the last row down. False: no more are wanted, and `next` says why. */
static bool block_list(const struct usage_range *range, int64_t first, struct str bytes,
                       int64_t *left, bool (*take)(void *peer, const struct usage_row *row),
                       void *peer, struct arena *a, int64_t *next)
{
    struct usage_row *rows;
    size_t count;

    if (!pack_read(bytes, a, &rows, &count)) {
        log_warn("rows of requests cannot be read: they are left out", F_INT("first", first));
        return true;
    }
    for (size_t i = count; i > 0; i--) {
        const struct usage_row *row = &rows[i - 1];
        int64_t number = first + (int64_t)i - 1;

        if (number >= range->before || row->ended_unix_ms >= range->until_ms ||
            row->ended_unix_ms < range->since_ms)
            continue;
        *next = number + 1;
        if (*left == 0 || !take(peer, row))
            return false;
        --*left;
    }
    return true;
}

enum status usage_rows_list(struct usage_db *u, const struct usage_range *range,
                            bool (*take)(void *peer, const struct usage_row *row), void *peer,
                            int64_t *next, struct error *e)
{
    struct arena a = { 0 };
    sqlite3_stmt *q = NULL;
    int code = SQLITE_DONE;
    int64_t left = range->rows_max;
    bool stopped = false;
    enum status st =
        store_prepare(u->db,
                      "SELECT first, pack FROM request_block WHERE first < ?1 AND since < ?2"
                      " AND until >= ?3 ORDER BY first DESC",
                      &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, range->before);
    (void)sqlite3_bind_int64(q, 2, range->until_ms);
    (void)sqlite3_bind_int64(q, 3, range->since_ms);
    while (!stopped && (code = sqlite3_step(q)) == SQLITE_ROW) {
        struct str bytes = { sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1) };

        stopped =
            !block_list(range, sqlite3_column_int64(q, 0), bytes, &left, take, peer, &a, next);
        arena_reset(&a);
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        st = store_fail(u->db, "cannot be read", e);
    if (st == OK && !stopped)
        *next = 0;
    sqlite3_finalize(q);
    arena_free(&a);
    return st;
}
