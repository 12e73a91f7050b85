/* store/schema.c - opening a database: its modes, its check, its versions.
 *
 * penstock.db: what was acknowledged is on the disk (WAL with synchronous=FULL), and a file that
 * does not pass the check is left exactly as it is: it holds grants that nothing else holds.
 * usage.db: the last second may be lost (synchronous=NORMAL), and so may the file. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "io/file.h"
#include "store/store_int.h"

#define BUSY_MS 2000
#define WAL_TRIES 40
#define WAL_TRY_MS 50

/* Each brings the schema one version further. */
static const char *const store_steps[] = {
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE account("
    " id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used twice: seals are bound to it */
    " label TEXT NOT NULL UNIQUE,"
    " provider TEXT NOT NULL,"
    " wire TEXT NOT NULL,"
    " base_url TEXT NOT NULL,"
    " secret BLOB,"  /* sealed */
    " headers BLOB," /* sealed JSON object: may hold keys */
    " proxy BLOB,"   /* sealed: may hold a password */
    " tier TEXT NOT NULL,"
    " models TEXT NOT NULL," /* JSON list */
    " concurrency_max INTEGER NOT NULL,"
    " capabilities TEXT NOT NULL," /* JSON object or empty */
    " disabled INTEGER NOT NULL,"
    " proxy_disabled INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " created INTEGER NOT NULL);"
    /* flags of accounts that the settings file owns */
    "CREATE TABLE account_override("
    " id INTEGER PRIMARY KEY," /* negative, from the label */
    " disabled INTEGER NOT NULL,"
    " proxy_disabled INTEGER NOT NULL,"
    " reason TEXT NOT NULL);"
    "INSERT INTO meta(name, value) VALUES('salt', randomblob(16));"
    "INSERT INTO meta(name, value) VALUES('schema_version', 1);",
    "ALTER TABLE account ADD COLUMN project TEXT NOT NULL DEFAULT '';" /* cloudcode */
    "UPDATE meta SET value = 2 WHERE name = 'schema_version';",
    /* overrides of single members: what is NULL is as the file says */
    "CREATE TABLE override("
    " id INTEGER PRIMARY KEY,"
    " disabled INTEGER, proxy_disabled INTEGER, reason TEXT,"
    " tier TEXT, concurrency_max INTEGER);"
    "INSERT INTO override(id, disabled, proxy_disabled, reason)"
    " SELECT id, disabled, proxy_disabled, reason FROM account_override;"
    "DROP TABLE account_override;"
    "ALTER TABLE override RENAME TO account_override;"
    "UPDATE meta SET value = 3 WHERE name = 'schema_version';",
    /* sealed: what a sign-in gave, as it was renewed last */
    "ALTER TABLE account ADD COLUMN grant BLOB;"
    "ALTER TABLE account_override ADD COLUMN grant BLOB;"
    "UPDATE meta SET value = 4 WHERE name = 'schema_version';",
    "CREATE TABLE client_key("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " key BLOB NOT NULL UNIQUE," /* 16 bytes: who it is, over rotation */
    " name TEXT NOT NULL UNIQUE,"
    " digest BLOB NOT NULL UNIQUE," /* SHA-256 of what the client shows */
    " hint TEXT NOT NULL,"
    " disabled INTEGER NOT NULL, created INTEGER NOT NULL, rotated INTEGER NOT NULL,"
    " expires INTEGER NOT NULL,"                      /* unix ms; 0 never */
    " models TEXT NOT NULL, addresses TEXT NOT NULL," /* lines */
    " requests_minute INTEGER NOT NULL, tokens_day INTEGER NOT NULL,"
    " tokens_month INTEGER NOT NULL);" /* 0: no limit */
    "UPDATE meta SET value = 5 WHERE name = 'schema_version';",
    /* what providers told of accounts, of the settings file (negative ids) too */
    "CREATE TABLE account_fact("
    " id INTEGER PRIMARY KEY,"
    " provider TEXT NOT NULL, project TEXT NOT NULL, tier TEXT NOT NULL);"
    "UPDATE meta SET value = 6 WHERE name = 'schema_version';",
    /* that a grant is lost was told by how the reason began */
    "ALTER TABLE account ADD COLUMN grant_lost INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE account_override ADD COLUMN grant_lost INTEGER NOT NULL DEFAULT 0;"
    "UPDATE account SET grant_lost = 1 WHERE disabled = 1 AND reason LIKE 'sign in again%';"
    "UPDATE account_override SET grant_lost = 1"
    " WHERE disabled = 1 AND reason LIKE 'sign in again%';"
    "UPDATE meta SET value = 7 WHERE name = 'schema_version';",
};
_Static_assert(COUNT(store_steps) == STORE_VERSION, "a step for each version");

/* Sums of requests that ended in the hour or day that began at `start` (unix s), of which all these
 * are the same. */
#define USAGE_SUMS(table)                                                                         \
    "CREATE TABLE " table "("                                                                     \
    " start INTEGER NOT NULL, key INTEGER NOT NULL, asked INTEGER NOT NULL,"                      \
    " model INTEGER NOT NULL, account INTEGER NOT NULL, ending INTEGER NOT NULL,"                 \
    " requests INTEGER NOT NULL, attempts INTEGER NOT NULL,"                                      \
    " tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cache_read INTEGER NOT NULL,"      \
    " cache_write INTEGER NOT NULL, reasoning INTEGER NOT NULL, tokens_unknown INTEGER NOT NULL," \
    " failed_in INTEGER NOT NULL, failed_out INTEGER NOT NULL,"                                   \
    " failed_cache_read INTEGER NOT NULL, failed_cache_write INTEGER NOT NULL,"                   \
    " failed_reasoning INTEGER NOT NULL, charged INTEGER NOT NULL, cost INTEGER NOT NULL,"        \
    " cost_unknown INTEGER NOT NULL, first_byte_ms INTEGER NOT NULL,"                             \
    " first_bytes INTEGER NOT NULL, duration_ms INTEGER NOT NULL,"                                \
    " PRIMARY KEY(start, key, asked, model, account, ending)) WITHOUT ROWID;"

static const char *const usage_steps[] = {
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    /* which account holds the cache of a conversation */
    "CREATE TABLE binding("
    " session BLOB PRIMARY KEY," /* 16 bytes */
    " account INTEGER NOT NULL,"
    " used INTEGER NOT NULL" /* unix ms */
    ") WITHOUT ROWID;"
    "CREATE INDEX binding_used ON binding(used);"
    "INSERT INTO meta(name, value) VALUES('schema_version', 1);",
    /* rows of requests and their sums (usage_rows.c); names have numbers, 0 is none */
    "CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE client_key(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, name TEXT NOT NULL);"
    "CREATE TABLE account(id INTEGER PRIMARY KEY, label TEXT NOT NULL, provider TEXT NOT NULL);"
    "CREATE TABLE request("
    " id INTEGER PRIMARY KEY,"
    " ended INTEGER NOT NULL," /* unix ms */
    " request TEXT NOT NULL, key INTEGER NOT NULL, client INTEGER NOT NULL,"
    " protocol INTEGER NOT NULL, asked INTEGER NOT NULL, model INTEGER NOT NULL,"
    " account INTEGER NOT NULL, ending INTEGER NOT NULL, stream INTEGER NOT NULL,"
    " status INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " tokens_in INTEGER, tokens_out INTEGER, cache_read INTEGER, cache_write INTEGER,"
    " reasoning INTEGER,"
    " failed_in INTEGER NOT NULL, failed_out INTEGER NOT NULL," /* of attempts before the last */
    " charged INTEGER NOT NULL,"
    " cost INTEGER," /* thousand millionths of a dollar; NULL unknown */
    " first_byte_ms INTEGER, duration_ms INTEGER NOT NULL);"
    /* of requests with more than one, or that did not end complete */
    "CREATE TABLE attempt("
    " request INTEGER NOT NULL, number INTEGER NOT NULL, account INTEGER NOT NULL,"
    " verdict INTEGER NOT NULL, status INTEGER NOT NULL,"
    " tokens_in INTEGER, tokens_out INTEGER, cache_read INTEGER, cache_write INTEGER,"
    " reasoning INTEGER, cost INTEGER, duration_ms INTEGER NOT NULL,"
    " PRIMARY KEY(request, number)) WITHOUT ROWID;" USAGE_SUMS("hour")
        USAGE_SUMS("day") "UPDATE meta SET value = 2 WHERE name = 'schema_version';",
    /* rows are packed (usage_pack.h); those of before are, step by step (usage_old.c) */
    "CREATE TABLE request_block("
    " first INTEGER PRIMARY KEY," /* number of its first row */
    " rows INTEGER NOT NULL,"
    " since INTEGER NOT NULL, until INTEGER NOT NULL," /* least and greatest end; unix ms */
    " pack BLOB NOT NULL);"
    "ALTER TABLE request RENAME TO request_old;"
    "ALTER TABLE attempt RENAME TO attempt_old;"
    "UPDATE meta SET value = 3 WHERE name = 'schema_version';",
};
_Static_assert(COUNT(usage_steps) == USAGE_VERSION, "a step for each version");

const struct schema schema_store = {
    .file = STORE_FILE_NAME,
    .steps = store_steps,
    .version = STORE_VERSION,
    .pragmas = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
               "PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF",
    .precious = true,
};

const struct schema schema_usage = {
    .file = USAGE_FILE_NAME,
    .at_birth = "PRAGMA auto_vacuum = INCREMENTAL",
    .steps = usage_steps,
    .version = USAGE_VERSION,
    .pragmas = "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys "
               "= ON; PRAGMA trusted_schema = OFF;"
               "PRAGMA journal_size_limit = 67108864",
};

bool store_is_damaged(const struct store *s)
{
    return s->fault == SQLITE_CORRUPT || s->fault == SQLITE_NOTADB;
}

static enum status fail_damaged(const struct store *s, struct error *e)
{
    if (!s->schema->precious)
        return fail(e, E_STORE, "%s is damaged", s->path);
    return fail(e, E_STORE,
                "%s is damaged and was left as it is: stop the gateway, put a backup of it in its "
                "place, and remove %s-wal and -shm",
                s->path, s->schema->file);
}

enum status store_fail(struct store *s, const char *what, struct error *e)
{
    /* kept: what is rolled back next would leave no trace of it */
    s->fault = s->db == NULL ? SQLITE_NOMEM : sqlite3_errcode(s->db) & 0xff;
    if (store_is_damaged(s))
        return fail_damaged(s, e);
    return fail(e, E_STORE, "%s: %s: %s", s->path, what,
                s->db == NULL ? "out of memory" : sqlite3_errmsg(s->db));
}

enum status store_run(struct store *s, const char *sql, struct error *e)
{
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(s, "cannot be used", e);
    return OK;
}

enum status store_prepare(struct store *s, const char *sql, sqlite3_stmt **out, struct error *e)
{
    *out = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, out, NULL) != SQLITE_OK)
        return store_fail(s, "cannot be asked", e);
    return OK;
}

enum status store_finish(struct store *s, sqlite3_stmt *q, struct error *e)
{
    enum status st = sqlite3_step(q) == SQLITE_DONE ? OK : store_fail(s, "cannot be changed", e);

    sqlite3_finalize(q);
    return st;
}

struct str store_column(sqlite3_stmt *q, int index)
{
    const char *at = (const char *)sqlite3_column_text(q, index);

    return (struct str){ at == NULL ? "" : at, (size_t)sqlite3_column_bytes(q, index) };
}

bool store_bind(sqlite3_stmt *q, int index, struct str text)
{
    return sqlite3_bind_text64(q, index, text.len > 0 ? text.at : "", text.len, SQLITE_TRANSIENT,
                               SQLITE_UTF8) == SQLITE_OK;
}

enum status store_number(struct store *s, const char *sql, int64_t *number, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(s, sql, &q, e);

    if (st != OK)
        return st;
    if (sqlite3_step(q) == SQLITE_ROW)
        *number = sqlite3_column_int64(q, 0);
    else
        st = store_fail(s, "cannot be read", e);
    sqlite3_finalize(q);
    return st;
}

/* The first column of the first row. `len` bytes are wanted; 0: an integer into `number`. */
static enum status ask_one(struct store *s, const char *sql, uint8_t *bytes, size_t len,
                           int64_t *number, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(s, sql, &q, e);

    if (st != OK)
        return st;
    if (sqlite3_step(q) != SQLITE_ROW) {
        st = sqlite3_errcode(s->db) == SQLITE_DONE
                 ? fail(e, E_STORE, "%s lacks a row that it must have", s->path)
                 : store_fail(s, "cannot be read", e);
    } else if (number != NULL) {
        *number = sqlite3_column_int64(q, 0);
    } else if ((size_t)sqlite3_column_bytes(q, 0) == len) {
        memcpy(bytes, sqlite3_column_blob(q, 0), len);
    } else {
        st = fail(e, E_STORE, "%s holds a value of the wrong length", s->path);
    }
    sqlite3_finalize(q);
    return st;
}

enum status schema_salt(struct store *s, uint8_t *out, struct error *e)
{
    return ask_one(s, "SELECT value FROM meta WHERE name = 'salt'", out, STORE_SALT_BYTES, NULL, e);
}

static int take_word(void *peer, int count, char **values, __attribute__((unused)) char **names)
{
    char *word = peer;

    snprintf(word, 64, "%s", count > 0 && values[0] != NULL ? values[0] : "");
    return 0;
}

static enum status check_whole(struct store *s, bool *damaged, struct error *e)
{
    char word[64] = "";

    if (sqlite3_exec(s->db, "PRAGMA quick_check(1)", take_word, word, NULL) != SQLITE_OK)
        return store_fail(s, "cannot be checked", e);
    if (strcmp(word, "ok") == 0)
        return OK;
    *damaged = true;
    return fail_damaged(s, e);
}

/* A large file that may be lost is not read whole at each start: its damage shows when it is met.
 */
#define SMALL_BYTES (INT64_C(32) << 20)
static bool is_small(const struct store *s, int64_t bytes)
{
    struct stat found;

    return stat(s->path, &found) == 0 && found.st_size <= bytes;
}

static enum status version_read(struct store *s, int64_t *version, struct error *e)
{
    int64_t tables = 0;
    enum status st =
        ask_one(s, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'",
                NULL, 0, &tables, e);

    *version = 0;
    if (st != OK || tables == 0)
        return st;
    return ask_one(s, "SELECT value FROM meta WHERE name = 'schema_version'", NULL, 0, version, e);
}

/* Under the write lock, so that two that start at once do not both take the steps. */
static enum status upgrade(struct store *s, struct error *e)
{
    int64_t version;
    enum status st = store_run(s, "BEGIN IMMEDIATE", e);

    if (st != OK)
        return st;
    st = version_read(s, &version, e);
    for (; st == OK && version < s->schema->version; version++)
        st = store_run(s, s->schema->steps[version], e);
    if (st == OK)
        return store_run(s, "COMMIT", e);
    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

static enum status bring_forward(struct store *s, struct error *e)
{
    int64_t version;
    enum status st = version_read(s, &version, e);

    if (st != OK)
        return st;
    if (version < 0 || version > s->schema->version)
        return fail(e, E_STORE, "%s was written by a newer version of this program (schema %lld)",
                    s->path, (long long)version);
    return version == s->schema->version ? OK : upgrade(s, e);
}

/* SQLite gives -wal and -shm the mode of the database: that is set before it opens it. A file that
 * is there is looked at without opening it: closing a descriptor of our own would drop the locks of
 * any other handle of this process (POSIX), and where there is one the mode is right already. */
static enum status make_file(const char *path, struct error *e)
{
    struct file_append *f = NULL;
    struct stat found;
    enum status st;

    if (lstat(path, &found) == 0) {
        if (!S_ISREG(found.st_mode))
            return fail(e, E_REFUSED, "%s is not an ordinary file", path);
        if (found.st_uid == geteuid() && (found.st_mode & 07077) == 0)
            return OK;
        return file_tighten(path, e);
    }
    st = file_append_open(path, &f, e);
    file_append_close(f);
    return st;
}

/* The mode stays with the file. SQLite does not wait for others that set it at the same moment, as
 * several commands at the first start do: so this waits, as long as the busy timeout. */
static enum status wal_start(struct store *s, struct error *e)
{
    char mode[64] = "";
    int code = SQLITE_BUSY;

    for (int i = 0; i < WAL_TRIES && (code & 0xff) == SQLITE_BUSY; i++) {
        if (i > 0)
            (void)sqlite3_sleep(WAL_TRY_MS);
        code = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", take_word, mode, NULL);
    }
    if (code != SQLITE_OK)
        return store_fail(s, "its journal cannot be set up", e);
    if (strcmp(mode, "wal") == 0)
        return OK;
    return fail(e, E_STORE,
                "%s: the file system cannot hold a write-ahead log; use a folder on a local disk",
                s->path);
}

/* Once, before SQLite is first used: it need not count its memory, which costs a lock at each
 * allocation, of all threads together. */
static void sqlite_setup(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum status schema_open(const char *folder, const struct schema *schema, struct store **out,
                        bool *damaged, struct error *e)
{
    struct store *s = must_calloc(1, sizeof(*s));
    static pthread_once_t setup = PTHREAD_ONCE_INIT;
    bool unsound = false;
    enum status st;

    (void)pthread_once(&setup, sqlite_setup);
    s->schema = schema;
    s->path = arena_printf(&s->arena, "%s/%s", folder, schema->file).at;
    st = make_file(s->path, e);
    if (st != OK)
        goto out;
    if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        st = store_fail(s, "cannot be opened", e);
        goto out;
    }
    (void)sqlite3_busy_timeout(s->db, BUSY_MS);
    if (schema->at_birth != NULL && is_small(s, 0))
        st = store_run(s, schema->at_birth, e);
    if (st == OK)
        st = store_run(s, schema->pragmas, e);
    if (st == OK)
        st = wal_start(s, e);
    if (st == OK && (schema->precious || is_small(s, SMALL_BYTES)))
        st = check_whole(s, &unsound, e);
    if (st == OK)
        st = bring_forward(s, e);
out:
    if (damaged != NULL)
        *damaged = st != OK && (unsound || store_is_damaged(s));
    if (st == OK)
        *out = s;
    else
        store_close(s);
    return st;
}
