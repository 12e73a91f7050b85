/* store/rotate.c - another master key: everything that is sealed is sealed anew, in one
 * transaction.
 *
 * The key file changes in three steps, so that whatever is cut short leaves a pair that fits:
 * `master.key.next` is written, the database is committed, the file takes its place. Whoever finds
 * `master.key.next` at a start looks which of the two opens what is sealed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "io/file.h"
#include "store/store_int.h"

static const struct {
    const char *table, *column;
} sealed[] = {
    { "account", "secret" }, { "account", "headers" },        { "account", "proxy" },
    { "account", "grant" },  { "account_override", "grant" },
};

/* --- sealing anew ---------------------------------------------------------------------------- */

static enum status reseal_row(struct store *s, const char *table, const char *column, int64_t id,
                              const struct secret *plain, struct error *e)
{
    struct arena a = { 0 };
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(
        s, arena_printf(&a, "UPDATE %s SET %s = ?1 WHERE id = ?2", table, column).at, &q, e);

    if (st == OK)
        st = seal_bind(s, q, 1, column, id, secret_reveal(plain), e);
    if (st == OK) {
        (void)sqlite3_bind_int64(q, 2, id);
        st = store_finish(s, q, e);
    } else {
        sqlite3_finalize(q);
    }
    arena_free(&a);
    return st;
}

/* What does not open with the key of today would be lost for good: then nothing is changed. */
static enum status reseal_column(struct store *s, const struct master_key *next, const char *table,
                                 const char *column, struct error *e)
{
    const struct master_key now = s->key;
    struct arena a = { 0 };
    sqlite3_stmt *q = NULL;
    int step = SQLITE_DONE;
    enum status st =
        store_prepare(s,
                      arena_printf(&a, "SELECT id, %s FROM %s WHERE %s IS NOT NULL ORDER BY id",
                                   column, table, column)
                          .at,
                      &q, e);

    while (st == OK && (step = sqlite3_step(q)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(q, 0);
        struct secret plain;

        if (!seal_column(s, q, 1, column, id, &plain)) {
            st = fail(e, E_REFUSED,
                      "the %s of account %lld cannot be opened with the present master key: remove "
                      "that account, or start with the key that it was sealed with",
                      column, (long long)id);
            break;
        }
        s->key = *next;
        st = reseal_row(s, table, column, id, &plain, e);
        s->key = now;
        secret_clear(&plain);
    }
    if (st == OK && step != SQLITE_DONE)
        st = store_fail(s, "cannot be read", e);
    sqlite3_finalize(q);
    arena_free(&a);
    return st;
}

enum status store_rotate(struct store *s, const struct master_key *next, struct error *e)
{
    enum status st = store_run(s, "BEGIN IMMEDIATE", e);

    if (st != OK)
        return st;
    for (size_t i = 0; i < COUNT(sealed) && st == OK; i++)
        st = reseal_column(s, next, sealed[i].table, sealed[i].column, e);
    st = store_commit(s, st, e);
    if (st == OK)
        s->key = *next;
    return st;
}

/* --- the key file ---------------------------------------------------------------------------- */

/* Does the key open the first thing that is sealed? Without one, either does. */
static enum status opens(struct store *s, bool *yes, struct error *e)
{
    enum status st = OK;

    *yes = true;
    for (size_t i = 0; i < COUNT(sealed) && st == OK; i++) {
        struct arena a = { 0 };
        sqlite3_stmt *q = NULL;
        struct secret plain;

        st = store_prepare(s,
                           arena_printf(&a, "SELECT id, %s FROM %s WHERE %s IS NOT NULL LIMIT 1",
                                        sealed[i].column, sealed[i].table, sealed[i].column)
                               .at,
                           &q, e);
        bool found = st == OK && sqlite3_step(q) == SQLITE_ROW;

        if (found) {
            *yes = seal_column(s, q, 1, sealed[i].column, sqlite3_column_int64(q, 0), &plain);
            secret_clear(&plain);
        }
        sqlite3_finalize(q);
        arena_free(&a);
        if (found)
            break;
    }
    return st;
}

enum status master_key_settle(const char *folder, const char *path, const char *next_path,
                              struct error *e)
{
    struct master_key key;
    struct store *s = NULL;
    struct error absent;
    bool is_next = false;
    enum status st = master_key_read(next_path, &key, &absent);

    if (st == E_ABSENT)
        return OK;
    if (st == OK)
        st = store_open(folder, &key, &s, e);
    else
        *e = absent;
    if (st == OK)
        st = opens(s, &is_next, e);
    store_close(s);
    wipe(&key, sizeof(key));
    if (st != OK)
        return st;
    if (is_next && rename(next_path, path) != 0)
        return fail(e, E_IO, "%s cannot take the place of %s: %s", next_path, path,
                    strerror(errno));
    if (!is_next && unlink(next_path) != 0)
        return fail(e, E_IO, "%s cannot be removed: %s", next_path, strerror(errno));
    log_warn("a change of the master key had been cut short",
             F_C("now", is_next ? "the new key is in use" : "the old key stays in use"));
    return OK;
}

enum status master_key_rotate(const char *folder, struct store *s, struct error *e)
{
    struct arena a = { 0 };
    const char *path = arena_printf(&a, "%s/master.key", folder).at;
    const char *next_path = arena_printf(&a, "%s/master.key.next", folder).at;
    struct master_key next;

    random_bytes(next.bytes, sizeof(next.bytes));
    enum status st = file_write(
        next_path, (struct str){ (const char *)next.bytes, sizeof(next.bytes) }, false, e);

    if (st == OK) {
        st = store_rotate(s, &next, e);
        if (st != OK)
            (void)unlink(next_path);
    }
    if (st == OK && rename(next_path, path) != 0)
        st = fail(e, E_IO, "%s cannot take the place of %s: %s; the next start tries again",
                  next_path, path, strerror(errno));
    wipe(&next, sizeof(next));
    arena_free(&a);
    return st;
}
