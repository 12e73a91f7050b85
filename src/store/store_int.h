/* store/store_int.h - what the files of the store share. For store/ only.
 * Threads: whoever holds the handle. */
#ifndef PENSTOCK_STORE_STORE_INT_H
#define PENSTOCK_STORE_STORE_INT_H

#include <sqlite3.h>

#include "base/arena.h"
#include "store/store.h"

#define STORE_FILE_NAME "penstock.db"
#define STORE_VERSION 7 /* of its schema */
#define USAGE_FILE_NAME "usage.db"
#define USAGE_VERSION 3
#define STORE_SALT_BYTES 16

struct store {
    sqlite3 *db;
    struct master_key key;
    int fault;       /* what SQLite said when something failed last */
    int64_t commits; /* made by this handle: PRAGMA data_version counts only those of others */
    struct arena arena;
    const char *path;
    const struct schema *schema;
};

/* One of our databases. */
struct schema {
    const char *file;
    const char *const *steps; /* each brings it one version further */
    int64_t version;
    const char *pragmas;
    const char *at_birth; /* for an empty file, before anything else; NULL: nothing */
    bool precious;        /* what is damaged is left as it is, for its owner to restore */
};
extern const struct schema schema_store, schema_usage;

/* --- schema.c */

/* Opens the file, makes it when absent, checks it, and brings it to its version. `damaged` (NULL:
 * never mind): it failed because the file is no sound database. */
MUST_USE enum status schema_open(const char *folder, const struct schema *schema,
                                 struct store **out, bool *damaged, struct error *e);
/* What SQLite said last was that the file is damaged. */
bool store_is_damaged(const struct store *s);
/* E_STORE for what SQLite says last; a damaged file gets the sentence on how to restore. */
enum status store_fail(struct store *s, const char *what, struct error *e);
MUST_USE enum status store_run(struct store *s, const char *sql, struct error *e);
MUST_USE enum status store_prepare(struct store *s, const char *sql, sqlite3_stmt **out,
                                   struct error *e);
/* The first column of the only row. */
MUST_USE enum status store_number(struct store *s, const char *sql, int64_t *number,
                                  struct error *e);
/* A statement that gives no rows; finalizes it. */
MUST_USE enum status store_finish(struct store *s, sqlite3_stmt *q, struct error *e);
/* The random bytes that go into stretching a passphrase; `out` of STORE_SALT_BYTES. */
MUST_USE enum status schema_salt(struct store *s, uint8_t *out, struct error *e);

/* A column as text; dies with the row. */
struct str store_column(sqlite3_stmt *q, int index);
/* Copies the text. */
bool store_bind(sqlite3_stmt *q, int index, struct str text);

/* --- seal.c: columns of `account` that are sealed, each bound to its name and row */

MUST_USE enum status seal_bind(struct store *s, sqlite3_stmt *q, int index, const char *column,
                               int64_t id, struct str plain, struct error *e);
/* An empty column is an empty secret. False: not sealed with this key for this place. */
bool seal_column(const struct store *s, sqlite3_stmt *q, int index, const char *column, int64_t id,
                 struct secret *plain);

/* --- master_key.c, rotate.c */

MUST_USE enum status master_key_read(const char *path, struct master_key *key, struct error *e);
/* A change of the key was cut short, perhaps: finds out which of the two files is the key. */
MUST_USE enum status master_key_settle(const char *folder, const char *path, const char *next_path,
                                       struct error *e);

/* --- store.c */

/* Ends the transaction: for good when `st` is OK. */
enum status store_commit(struct store *s, enum status st, struct error *e);

/* --- grant.c */

/* The sealed column; an account without a grant has an empty one. False: it cannot be opened, or is
 * not what we wrote. */
bool grant_column(const struct store *s, sqlite3_stmt *q, int index, int64_t id, struct arena *a,
                  struct account_grant *out);
/* Of a row that was just inserted, in the same transaction. */
MUST_USE enum status grant_insert(struct store *s, int64_t id, const struct account_grant *g,
                                  struct error *e);

#endif
