#include "store/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/usage_int.h"

/* --- life */

/* With what belongs to it. SQLite has let go of all of them. */
enum status usage_set_aside(const char *folder, int64_t unix_ms, struct error *e)
{
    static const char *const tails[] = { "", "-wal", "-shm" };
    struct arena a = { 0 };
    const char *path = arena_printf(&a, "%s/" USAGE_FILE_NAME, folder).at;
    const char *aside = arena_printf(&a, "%s.corrupt-%" PRId64, path, unix_ms / 1000).at;
    enum status st = OK;

    for (size_t i = 0; i < COUNT(tails) && st == OK; i++) {
        const char *from = arena_printf(&a, "%s%s", path, tails[i]).at;
        const char *to = arena_printf(&a, "%s%s", aside, tails[i]).at;

        if (rename(from, to) != 0 && i == 0)
            st = fail(e, E_IO, "%s is damaged and cannot be moved aside", path);
    }
    if (st == OK)
        log_warn("the usage database is damaged: it was moved aside and a new one begun",
                 F_C("aside", aside));
    arena_free(&a);
    return st;
}

/* A file of the first version cannot give pages back: it is written anew, once. */
static enum status vacuum_prepare(struct store *db, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(db, "PRAGMA auto_vacuum", &q, e);

    if (st != OK)
        return st;
    bool able = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0) != 0;

    sqlite3_finalize(q);
    return able ? OK : store_run(db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM", e);
}

enum status usage_open(const char *folder, int64_t unix_ms, struct usage_db **out, struct error *e)
{
    struct store *db = NULL;
    bool damaged = false;
    enum status st = schema_open(folder, &schema_usage, &db, &damaged, e);

    if (st != OK && damaged) {
        st = usage_set_aside(folder, unix_ms, e);
        if (st == OK)
            st = schema_open(folder, &schema_usage, &db, NULL, e);
    }
    if (st == OK)
        st = vacuum_prepare(db, e);
    if (st != OK) {
        store_close(db);
        return st;
    }
    struct usage_db *u = must_calloc(1, sizeof(*u));

    u->db = db;
    st = store_prepare(db,
                       "INSERT INTO binding(session, account, used) VALUES(?1, ?2, ?3)"
                       " ON CONFLICT(session) DO UPDATE SET account = ?2, used = ?3",
                       &u->put, e);
    if (st == OK)
        *out = u;
    else
        usage_close(u);
    return st;
}

void usage_close(struct usage_db *u)
{
    if (u == NULL)
        return;
    sqlite3_finalize(u->put);
    usage_writer_free(u->rows);
    store_close(u->db);
    free(u);
}

bool usage_is_damaged(const struct usage_db *u)
{
    return store_is_damaged(u->db);
}

bool usage_is_busy(const struct usage_db *u)
{
    return u->db->fault == SQLITE_BUSY;
}

/* --- bindings */

enum status usage_bindings(struct usage_db *u, int64_t unix_ms,
                           void (*take)(void *peer, const struct usage_binding *b), void *peer,
                           struct error *e)
{
    sqlite3_stmt *q = NULL;
    int code = SQLITE_DONE;
    enum status st = store_prepare(
        u->db, "SELECT session, account, used FROM binding WHERE used > ?1 ORDER BY used", &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, unix_ms - USAGE_BINDING_IDLE_MS);
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        struct usage_binding b = { .account = sqlite3_column_int64(q, 1),
                                   .used_unix_ms = sqlite3_column_int64(q, 2) };

        if (sqlite3_column_bytes(q, 0) != (int)sizeof(b.session))
            continue; /* not ours */
        memcpy(b.session, sqlite3_column_blob(q, 0), sizeof(b.session));
        take(peer, &b);
    }
    if (code != SQLITE_DONE)
        st = store_fail(u->db, "cannot be read", e);
    sqlite3_finalize(q);
    return st;
}

static enum status put_one(struct usage_db *u, const struct usage_binding *b, struct error *e)
{
    sqlite3_stmt *q = u->put;
    bool bound =
        sqlite3_bind_blob(q, 1, b->session, sizeof(b->session), SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_bind_int64(q, 2, b->account) == SQLITE_OK &&
        sqlite3_bind_int64(q, 3, b->used_unix_ms) == SQLITE_OK;
    enum status st =
        bound && sqlite3_step(q) == SQLITE_DONE ? OK : store_fail(u->db, "cannot be changed", e);

    (void)sqlite3_reset(q);
    (void)sqlite3_clear_bindings(q);
    return st;
}

enum status usage_bindings_put(struct usage_db *u, const struct usage_binding *rows, size_t count,
                               struct error *e)
{
    enum status st = store_run(u->db, "BEGIN IMMEDIATE", e);

    assert(count <= USAGE_BATCH_MAX);
    if (st != OK)
        return st;
    for (size_t i = 0; i < count && st == OK; i++)
        st = put_one(u, &rows[i], e);
    if (st == OK)
        st = store_run(u->db, "COMMIT", e);
    if (st != OK)
        (void)sqlite3_exec(u->db->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

enum status usage_binding_remove(struct usage_db *u, const uint8_t session[16], struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(u->db, "DELETE FROM binding WHERE session = ?1", &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_blob(q, 1, session, 16, SQLITE_STATIC);
    return store_finish(u->db, q, e);
}

enum status usage_bindings_clear(struct usage_db *u, struct error *e)
{
    return store_run(u->db, "DELETE FROM binding", e);
}

/* What there are at most is the newest ones. */
enum status usage_bindings_prune(struct usage_db *u, int64_t unix_ms, struct error *e)
{
    static const char *const statements[] = {
        "DELETE FROM binding WHERE used <= ?1",
        "DELETE FROM binding WHERE session IN"
        " (SELECT session FROM binding ORDER BY used DESC LIMIT -1 OFFSET ?1)",
    };
    const int64_t values[] = { unix_ms - USAGE_BINDING_IDLE_MS, USAGE_BINDINGS_MAX };
    enum status st = OK;

    for (size_t i = 0; i < COUNT(statements) && st == OK; i++) {
        sqlite3_stmt *q = NULL;

        st = store_prepare(u->db, statements[i], &q, e);
        if (st != OK)
            break;
        (void)sqlite3_bind_int64(q, 1, values[i]);
        st = store_finish(u->db, q, e);
    }
    return st;
}
