#include "store/client_keys.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/base64.h"
#include "store/store_int.h"

#define KEY_BYTES 32
#define COLUMNS                                                                        \
    "key, name, digest, hint, disabled, created, rotated, expires, models, addresses," \
    " requests_minute, tokens_day, tokens_month"

/* --- reading --------------------------------------------------------------------------------- */

static bool column_bytes(sqlite3_stmt *q, int index, uint8_t *out, int len)
{
    if (sqlite3_column_bytes(q, index) != len)
        return false;
    memcpy(out, sqlite3_column_blob(q, index), (size_t)len);
    return true;
}

/* Lines; what we wrote ourselves. */
static struct str *lines_read(struct arena *a, struct str text, size_t *count)
{
    struct str rest = arena_copy(a, text), *list;
    size_t lines = 1;

    *count = 0;
    if (text.len == 0)
        return NULL;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    list = arena_array(a, struct str, lines);
    while (rest.len > 0)
        (void)str_cut(rest, '\n', &list[(*count)++], &rest);
    return list;
}

static bool spec_read(sqlite3_stmt *q, struct arena *a, struct client_key_spec *out)
{
    struct str hint = store_column(q, 3);

    *out = (struct client_key_spec){ .name = arena_copy(a, store_column(q, 1)),
                                     .disabled = sqlite3_column_int(q, 4) != 0,
                                     .created_unix_ms = sqlite3_column_int64(q, 5),
                                     .rotated_unix_ms = sqlite3_column_int64(q, 6),
                                     .expires_unix_ms = sqlite3_column_int64(q, 7),
                                     .requests_minute = sqlite3_column_int64(q, 10),
                                     .tokens_day = sqlite3_column_int64(q, 11),
                                     .tokens_month = sqlite3_column_int64(q, 12) };
    memcpy(out->hint, hint.at, hint.len < SECRET_HINT_MAX ? hint.len : SECRET_HINT_MAX - 1);
    out->models = lines_read(a, store_column(q, 8), &out->model_count);
    out->addresses = lines_read(a, store_column(q, 9), &out->address_count);
    return column_bytes(q, 0, out->id, sizeof(out->id)) &&
           column_bytes(q, 2, out->digest, sizeof(out->digest));
}

#define COUNT_KEYS "SELECT count(*) FROM client_key"

enum status client_keys_load(struct store *s, struct client_keys **out, struct error *e)
{
    struct client_keys *k = must_calloc(1, sizeof(*k));
    sqlite3_stmt *q = NULL;
    int code = SQLITE_DONE;
    int64_t room = 0;
    enum status st = store_number(s, COUNT_KEYS, &room, e);

    atomic_init(&k->refs, 1);
    if (st == OK)
        st = store_prepare(s, "SELECT " COLUMNS " FROM client_key ORDER BY id", &q, e);
    k->at = arena_array(&k->arena, struct client_key_spec, (size_t)room + 1);
    while (st == OK && k->count < (size_t)room && (code = sqlite3_step(q)) == SQLITE_ROW)
        k->count += spec_read(q, &k->arena, &k->at[k->count]);
    if (st == OK && code != SQLITE_DONE && code != SQLITE_ROW)
        st = store_fail(s, "cannot be read", e);
    sqlite3_finalize(q);
    if (st == OK)
        *out = k;
    else
        client_keys_unref(k);
    return st;
}

/* --- changing -------------------------------------------------------------------------------- */

static bool bind_lines(sqlite3_stmt *q, int index, const struct str *list, size_t count)
{
    struct buf b = { .max = (size_t)1 << 20 };
    bool good = true;

    for (size_t i = 0; i < count; i++)
        good = good && (i == 0 || buf_add_char(&b, '\n')) && buf_add(&b, list[i]);
    good = good && store_bind(q, index, buf_str(&b));
    buf_clear(&b);
    return good;
}

static bool spec_bind(sqlite3_stmt *q, const struct client_key_spec *spec)
{
    const int64_t numbers[] = { spec->disabled, spec->created_unix_ms, spec->rotated_unix_ms,
                                spec->expires_unix_ms };
    const int64_t limits[] = { spec->requests_minute, spec->tokens_day, spec->tokens_month };
    bool good =
        sqlite3_bind_blob(q, 1, spec->id, sizeof(spec->id), SQLITE_TRANSIENT) == SQLITE_OK &&
        store_bind(q, 2, spec->name) &&
        sqlite3_bind_blob(q, 3, spec->digest, sizeof(spec->digest), SQLITE_TRANSIENT) ==
            SQLITE_OK &&
        store_bind(q, 4, str_c(spec->hint)) && bind_lines(q, 9, spec->models, spec->model_count) &&
        bind_lines(q, 10, spec->addresses, spec->address_count);

    for (size_t i = 0; i < COUNT(numbers); i++)
        good = good && sqlite3_bind_int64(q, (int)i + 5, numbers[i]) == SQLITE_OK;
    for (size_t i = 0; i < COUNT(limits); i++)
        good = good && sqlite3_bind_int64(q, (int)i + 11, limits[i]) == SQLITE_OK;
    return good;
}

static enum status run(struct store *s, const char *sql, const struct client_key_spec *spec,
                       struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(s, sql, &q, e);

    if (st != OK)
        return st;
    if (!spec_bind(q, spec))
        st = store_fail(s, "cannot be changed", e);
    else if (sqlite3_step(q) == SQLITE_DONE)
        st = OK;
    else if (sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_UNIQUE)
        st = fail(e, E_CONFLICT, "there is a client key `%.*s` already", STR_ARG(spec->name));
    else
        st = store_fail(s, "cannot be changed", e);
    sqlite3_finalize(q);
    return st;
}

enum status client_key_add(struct store *s, const struct client_key_spec *spec, struct error *e)
{
    int64_t count = 0;
    enum status st = store_run(s, "BEGIN IMMEDIATE", e);

    if (st != OK)
        return st;
    st = store_number(s, COUNT_KEYS, &count, e);
    if (st == OK && count >= CLIENT_KEYS_MAX)
        st = fail(e, E_LIMIT, "there are %d client keys already", CLIENT_KEYS_MAX);
    if (st == OK)
        st = run(s,
                 "INSERT INTO client_key(" COLUMNS
                 ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                 spec, e);
    return store_commit(s, st, e);
}

enum status client_key_change(struct store *s, const struct client_key_spec *spec, struct error *e)
{
    enum status st = store_run(s, "BEGIN IMMEDIATE", e);

    if (st != OK)
        return st;
    st = run(s,
             "UPDATE client_key SET digest = ?3, hint = ?4, disabled = ?5, created = ?6,"
             " rotated = ?7, expires = ?8, models = ?9, addresses = ?10, requests_minute = ?11,"
             " tokens_day = ?12, tokens_month = ?13 WHERE key = ?1 AND name = ?2",
             spec, e);
    if (st == OK && sqlite3_changes(s->db) == 0)
        st = fail(e, E_ABSENT, "there is no client key `%.*s`", STR_ARG(spec->name));
    return store_commit(s, st, e);
}

enum status client_key_remove(struct store *s, struct str name, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_run(s, "BEGIN IMMEDIATE", e);

    if (st != OK)
        return st;
    st = store_prepare(s, "DELETE FROM client_key WHERE name = ?1", &q, e);
    if (st == OK && !store_bind(q, 1, name))
        st = store_fail(s, "cannot be changed", e);
    if (st == OK && sqlite3_step(q) != SQLITE_DONE)
        st = store_fail(s, "cannot be changed", e);
    sqlite3_finalize(q);
    if (st == OK && sqlite3_changes(s->db) == 0)
        st = fail(e, E_ABSENT, "there is no client key `%.*s`", STR_ARG(name));
    return store_commit(s, st, e);
}

/* --- a new one ------------------------------------------------------------------------------- */

void client_key_make(struct client_key_spec *spec, struct secret *key)
{
    uint8_t bytes[KEY_BYTES];
    struct buf text = { .max = CLIENT_KEY_TEXT };

    random_bytes(bytes, sizeof(bytes));
    bool fits = buf_add(&text, STR("sk-ps-")) &&
                base64_put(&text, (struct str){ (const char *)bytes, sizeof(bytes) }, BASE64_URL);

    assert(fits);
    *key = secret_copy(buf_str(&text));
    sha256(buf_str(&text), spec->digest);
    secret_hint(key, spec->hint);
    wipe(bytes, sizeof(bytes));
    wipe(text.at, text.cap);
    buf_clear(&text);
}
