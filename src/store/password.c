#include "store/password.h"

#include "store/store_int.h"

/* The row of `meta`: a version, the salt, the key. */
#define ROW_NAME "admin_password"
#define ROW_VERSION 1

struct row {
    uint8_t version;
    uint8_t salt[sizeof(((struct password_mark *)NULL)->salt)];
    uint8_t key[SEAL_KEY_BYTES];
};
_Static_assert(sizeof(struct row) == 1 + 16 + SEAL_KEY_BYTES, "bytes without gaps");

static enum status row_read(struct store *s, struct row *row, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(s, "SELECT value FROM meta WHERE name = '" ROW_NAME "'", &q, e);

    if (st != OK)
        return st;
    switch (sqlite3_step(q)) {
    case SQLITE_ROW:
        if (sqlite3_column_bytes(q, 0) == (int)sizeof(*row))
            memcpy(row, sqlite3_column_blob(q, 0), sizeof(*row));
        else
            row->version = 0;
        if (row->version != ROW_VERSION)
            st = fail(e, E_STORE, "%s: the password was stored by another version", s->path);
        break;
    case SQLITE_DONE:
        st = fail(e, E_ABSENT, "no password is set");
        break;
    default:
        st = store_fail(s, "the password cannot be read", e);
    }
    sqlite3_finalize(q);
    return st;
}

enum status store_password_mark(struct store *s, struct password_mark *mark, struct error *e)
{
    struct row row;
    enum status st = row_read(s, &row, e);

    *mark = (struct password_mark){ { 0 } };
    if (st == OK)
        memcpy(mark->salt, row.salt, sizeof(mark->salt));
    wipe(&row, sizeof(row));
    return st == E_ABSENT ? OK : st;
}

static struct str salt_of(const struct row *row)
{
    return (struct str){ (const char *)row->salt, sizeof(row->salt) };
}

enum status store_password_set(struct store *s, struct str password, struct error *e)
{
    struct row row = { .version = ROW_VERSION };
    sqlite3_stmt *q = NULL;
    enum status st;

    if (password.len == 0)
        return store_run(s, "DELETE FROM meta WHERE name = '" ROW_NAME "'", e);
    if (password.len < PASSWORD_LEN_MIN || password.len > PASSWORD_LEN_MAX)
        return fail(e, E_SYNTAX, "a password has %d to %d bytes", PASSWORD_LEN_MIN,
                    PASSWORD_LEN_MAX);
    random_bytes(row.salt, sizeof(row.salt));
    passphrase_key(password, salt_of(&row), row.key);
    st = store_prepare(s, "INSERT OR REPLACE INTO meta(name, value) VALUES('" ROW_NAME "', ?1)", &q,
                       e);
    if (st == OK) {
        (void)sqlite3_bind_blob(q, 1, &row, sizeof(row), SQLITE_STATIC);
        st = store_finish(s, q, e);
    }
    wipe(&row, sizeof(row));
    return st;
}

enum status store_password_check(struct store *s, struct str password, struct error *e)
{
    struct row row;
    uint8_t key[SEAL_KEY_BYTES];
    enum status st = row_read(s, &row, e);

    if (st == OK && password.len > PASSWORD_LEN_MAX)
        st = fail(e, E_REFUSED, "the password is wrong");
    if (st == OK) {
        passphrase_key(password, salt_of(&row), key);
        if (!equal_in_constant_time((struct str){ (const char *)key, sizeof(key) },
                                    (struct str){ (const char *)row.key, sizeof(row.key) }))
            st = fail(e, E_REFUSED, "the password is wrong");
        wipe(key, sizeof(key));
    }
    wipe(&row, sizeof(row));
    return st;
}
