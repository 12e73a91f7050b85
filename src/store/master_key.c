/* store/master_key.c - where the key comes from that seals all others. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "io/file.h"
#include "store/store_int.h"

static bool key_from_hex(struct str text, struct master_key *key)
{
    struct buf bytes = { .max = SEAL_KEY_BYTES };
    bool good = text.len == 2 * SEAL_KEY_BYTES && hex_get(&bytes, text);

    if (good)
        memcpy(key->bytes, bytes.at, SEAL_KEY_BYTES);
    if (bytes.cap > 0)
        wipe(bytes.at, bytes.cap);
    buf_clear(&bytes);
    return good;
}

static enum status key_from_passphrase(const char *folder, struct str passphrase,
                                       struct master_key *key, struct error *e)
{
    uint8_t salt[STORE_SALT_BYTES];
    struct store *s = NULL;

    if (passphrase.len < PASSPHRASE_BYTES_MIN)
        return fail(e, E_SYNTAX,
                    "the master key must be 64 hex digits, or a passphrase of at least %d bytes",
                    PASSPHRASE_BYTES_MIN);
    enum status st = schema_open(folder, &schema_store, &s, NULL, e);

    if (st == OK)
        st = schema_salt(s, salt, e);
    if (st == OK)
        passphrase_key(passphrase, (struct str){ (const char *)salt, sizeof(salt) }, key->bytes);
    store_close(s);
    return st;
}

enum status master_key_read(const char *path, struct master_key *key, struct error *e)
{
    struct buf bytes = { .max = SEAL_KEY_BYTES + 1 };
    enum status st = file_read(path, &bytes, e);

    if (st == E_LIMIT || (st == OK && bytes.len != SEAL_KEY_BYTES))
        st =
            fail(e, E_SYNTAX, "%s is damaged: it must be %d bytes; put a backup of it in its place",
                 path, SEAL_KEY_BYTES);
    if (st == OK)
        memcpy(key->bytes, bytes.at, SEAL_KEY_BYTES);
    if (bytes.cap > 0)
        wipe(bytes.at, bytes.cap);
    buf_clear(&bytes);
    return st;
}

/* Of two that start at once the second finds the first one's key: the database's write lock is
 * between them. */
static enum status key_make(const char *folder, const char *path, struct master_key *key,
                            struct error *e)
{
    struct store *s = NULL;
    enum status st = schema_open(folder, &schema_store, &s, NULL, e);

    if (st == OK)
        st = store_run(s, "BEGIN IMMEDIATE", e);
    if (st != OK)
        goto out;
    st = master_key_read(path, key, e);
    if (st == E_ABSENT) {
        random_bytes(key->bytes, sizeof(key->bytes));
        st = file_write(path, (struct str){ (const char *)key->bytes, sizeof(key->bytes) }, false,
                        e);
    }
    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
out:
    store_close(s);
    return st;
}

enum status master_key_load(const char *folder, struct str from_environment, struct master_key *key,
                            struct error *e)
{
    struct str given = str_trim(from_environment);
    struct arena a = { 0 };
    enum status st;

    if (given.len > 0 && key_from_hex(given, key))
        return OK;
    if (given.len > 0)
        return key_from_passphrase(folder, given, key, e);
    const char *path = arena_printf(&a, "%s/master.key", folder).at;

    st = master_key_settle(folder, path, arena_printf(&a, "%s.next", path).at, e);
    if (st == OK)
        st = master_key_read(path, key, e);
    if (st == E_ABSENT)
        st = key_make(folder, path, key, e);
    arena_free(&a);
    return st;
}
