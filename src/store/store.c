#include "store/store.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/json_write.h"
#include "base/log.h"
#include "io/file.h"
#include "store/store_int.h"

#define LISTS_MAX ((size_t)16 << 20) /* models or headers of one account as JSON */

/* --- life */

enum status store_open(const char *folder, const struct master_key *key, struct store **out,
                       struct error *e)
{
    enum status st = schema_open(folder, &schema_store, out, NULL, e);

    if (st == OK)
        (*out)->key = *key;
    return st;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    (void)sqlite3_close_v2(s->db);
    wipe(&s->key, sizeof(s->key));
    arena_free(&s->arena);
    free(s);
}

enum status store_version(struct store *s, int64_t *version, struct error *e)
{
    enum status st = store_number(s, "PRAGMA data_version", version, e);

    if (st == OK)
        *version += s->commits;
    return st;
}

/* --- columns */

static struct str models_text(const struct account_spec *spec, struct buf *out)
{
    struct json_writer w = json_writer(out);

    json_put_array(&w);
    for (size_t i = 0; i < spec->model_count; i++)
        json_put_str(&w, spec->models[i]);
    json_put_end(&w);
    return buf_str(out);
}

static struct str headers_text(const struct account_spec *spec, struct buf *out)
{
    struct json_writer w = json_writer(out);

    if (spec->header_count == 0)
        return STR("");
    json_put_object(&w);
    for (size_t i = 0; i < spec->header_count; i++) {
        json_put_key(&w, spec->headers[i].name);
        json_put_str(&w, spec->headers[i].value);
    }
    json_put_end(&w);
    return buf_str(out);
}

/* What we wrote ourselves; text that is anything else gives false. */
static bool models_read(struct account_spec *spec, struct str text)
{
    struct arena a = { 0 };
    struct json doc;
    bool good = json_parse(&doc, text, NULL, &a, NULL) && json_type(&doc, 0) == JSON_ARRAY;

    if (good && doc.count > 1)
        spec->models = arena_array(&spec->arena, struct str, doc.count - 1);
    for (uint32_t i = good ? json_first(&doc, 0) : JSON_NONE; i != JSON_NONE && good;
         i = json_after(&doc, 0, i)) {
        struct str model;

        good = json_text(&doc, i, &a, &model);
        if (good)
            spec->models[spec->model_count++] = arena_copy(&spec->arena, model);
    }
    arena_free(&a);
    return good;
}

static bool headers_read(struct account_spec *spec, struct str text)
{
    struct arena a = { 0 };
    struct json doc;
    bool good;

    if (text.len == 0)
        return true;
    good = json_parse(&doc, text, NULL, &a, NULL) && json_type(&doc, 0) == JSON_OBJECT;
    if (good)
        spec->headers = arena_array(&spec->arena, struct header_pair, doc.count);
    for (uint32_t i = good ? json_first(&doc, 0) : JSON_NONE; i != JSON_NONE && good;
         i = json_after(&doc, 0, i)) {
        struct header_pair *h = &spec->headers[spec->header_count];
        struct str name, value;

        good = json_text(&doc, i, &a, &name);
        i = json_after(&doc, 0, i);
        good = good && json_text(&doc, i, &a, &value);
        if (good) {
            *h = (struct header_pair){ arena_copy(&spec->arena, name),
                                       arena_copy(&spec->arena, value) };
            spec->header_count++;
        }
    }
    arena_free(&a);
    return good;
}

/* --- reading accounts */

static void disable(struct account_spec *spec, const char *why)
{
    spec->disabled = true;
    spec->disabled_reason = str_c(why);
    log_warn("an account was disabled", F_STR("account", spec->label), F_C("why", why));
}

static void read_sealed(struct store *s, sqlite3_stmt *q, struct account_spec *spec)
{
    struct secret headers, proxy;
    bool good = seal_column(s, q, 5, "secret", spec->id, &spec->api_key);

    good = seal_column(s, q, 6, "headers", spec->id, &headers) && good;
    good = seal_column(s, q, 7, "proxy", spec->id, &proxy) && good;
    good = grant_column(s, q, 17, spec->id, &spec->arena, &spec->grant) && good;
    spec->grant.lost = sqlite3_column_int(q, 18) != 0;
    good = good && headers_read(spec, secret_reveal(&headers));
    spec->proxy = arena_copy(&spec->arena, secret_reveal(&proxy));
    secret_clear(&headers);
    secret_clear(&proxy);
    if (!good)
        disable(spec, "its key cannot be opened with the present master key");
}

static struct account_spec *read_account(struct store *s, sqlite3_stmt *q)
{
    struct account_spec *spec = account_spec_new();
    struct arena *a = &spec->arena;

    spec->id = sqlite3_column_int64(q, 0);
    spec->label = arena_copy(a, store_column(q, 1));
    spec->provider = arena_copy(a, store_column(q, 2));
    spec->wire = arena_copy(a, store_column(q, 3));
    spec->base_url = arena_copy(a, store_column(q, 4));
    (void)tier_from_word(store_column(q, 8), &spec->tier);
    spec->concurrency_max = (uint32_t)sqlite3_column_int64(q, 10);
    spec->capabilities = arena_copy(a, store_column(q, 11));
    spec->disabled = sqlite3_column_int(q, 12) != 0;
    spec->proxy_disabled = sqlite3_column_int(q, 13) != 0;
    spec->disabled_reason = arena_copy(a, store_column(q, 14));
    spec->created_unix_ms = sqlite3_column_int64(q, 15);
    spec->project = arena_copy(a, store_column(q, 16));
    read_sealed(s, q, spec);
    if (!models_read(spec, store_column(q, 9)))
        disable(spec, "its list of models cannot be read");
    return spec;
}

enum status store_accounts(struct store *s, void (*take)(void *peer, struct account_spec *spec),
                           void *peer, struct error *e)
{
    sqlite3_stmt *q = NULL;
    int step;
    enum status st =
        store_prepare(s,
                      "SELECT id, label, provider, wire, base_url, secret, headers, proxy, tier,"
                      " models, concurrency_max, capabilities, disabled, proxy_disabled, reason,"
                      " created, project, grant, grant_lost FROM account ORDER BY created, id",
                      &q, e);

    if (st != OK)
        return st;
    while ((step = sqlite3_step(q)) == SQLITE_ROW)
        take(peer, read_account(s, q));
    if (step != SQLITE_DONE)
        st = store_fail(s, "cannot be read", e);
    sqlite3_finalize(q);
    return st;
}

/* --- changing accounts */

static enum status insert_account(struct store *s, const struct account_spec *spec, int64_t unix_ms,
                                  struct error *e)
{
    struct buf models = { .max = LISTS_MAX };
    sqlite3_stmt *q = NULL;
    enum status st =
        store_prepare(s,
                      "INSERT INTO account(label, provider, wire, base_url, tier, models,"
                      " concurrency_max, capabilities, disabled, proxy_disabled, reason, created,"
                      " project)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                      &q, e);

    if (st != OK)
        return st;
    bool bound = store_bind(q, 1, spec->label) && store_bind(q, 2, spec->provider) &&
                 store_bind(q, 3, spec->wire) && store_bind(q, 4, spec->base_url) &&
                 store_bind(q, 5, str_c(tier_word(spec->tier))) &&
                 store_bind(q, 6, models_text(spec, &models)) &&
                 sqlite3_bind_int64(q, 7, spec->concurrency_max) == SQLITE_OK &&
                 store_bind(q, 8, spec->capabilities) &&
                 sqlite3_bind_int(q, 9, spec->disabled) == SQLITE_OK &&
                 sqlite3_bind_int(q, 10, spec->proxy_disabled) == SQLITE_OK &&
                 store_bind(q, 11, spec->disabled_reason) &&
                 sqlite3_bind_int64(q, 12, unix_ms) == SQLITE_OK &&
                 store_bind(q, 13, spec->project);

    if (!bound)
        st = store_fail(s, "cannot be changed", e);
    else if (sqlite3_step(q) == SQLITE_DONE)
        st = OK;
    else if (sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_UNIQUE)
        st = fail(e, E_CONFLICT, "there is an account `%.*s` already", STR_ARG(spec->label));
    else
        st = store_fail(s, "cannot be changed", e);
    sqlite3_finalize(q);
    buf_clear(&models);
    return st;
}

/* The row's number is part of what seals it: so this comes after the row is there, in the same
 * transaction. */
static enum status insert_sealed(struct store *s, const struct account_spec *spec, int64_t id,
                                 struct error *e)
{
    struct buf headers = { .max = LISTS_MAX };
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(
        s, "UPDATE account SET secret = ?1, headers = ?2, proxy = ?3 WHERE id = ?4", &q, e);

    if (st == OK)
        st = seal_bind(s, q, 1, "secret", id, secret_reveal(&spec->api_key), e);
    if (st == OK)
        st = seal_bind(s, q, 2, "headers", id, headers_text(spec, &headers), e);
    if (st == OK)
        st = seal_bind(s, q, 3, "proxy", id, spec->proxy, e);
    if (st == OK && sqlite3_bind_int64(q, 4, id) != SQLITE_OK)
        st = store_fail(s, "cannot be changed", e);
    if (st == OK)
        st = store_finish(s, q, e);
    else
        sqlite3_finalize(q);
    if (headers.cap > 0)
        wipe(headers.at, headers.cap);
    buf_clear(&headers);
    return st;
}

enum status store_commit(struct store *s, enum status st, struct error *e)
{
    if (st == OK)
        st = store_run(s, "COMMIT", e);
    if (st == OK)
        s->commits++;
    else
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

enum status store_account_add(struct store *s, struct account_spec *spec, int64_t unix_ms,
                              struct error *e)
{
    int64_t id = 0;
    enum status st = store_run(s, "BEGIN IMMEDIATE", e);

    if (st != OK)
        return st;
    st = insert_account(s, spec, unix_ms, e);
    if (st == OK) {
        id = sqlite3_last_insert_rowid(s->db);
        st = insert_sealed(s, spec, id, e);
    }
    if (st == OK)
        st = grant_insert(s, id, &spec->grant, e);
    st = store_commit(s, st, e);
    if (st != OK)
        return st;
    spec->id = id;
    spec->created_unix_ms = unix_ms;
    return OK;
}

enum status store_account_remove(struct store *s, int64_t id, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(s, "DELETE FROM account WHERE id = ?1", &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, id);
    st = store_finish(s, q, e);
    if (st != OK)
        return st;
    s->commits++;
    return sqlite3_changes(s->db) > 0 ? OK : fail(e, E_ABSENT, "no account %lld", (long long)id);
}

/* The row that is changed, of a file account made when it is not there. */
static enum status change_begin(struct store *s, int64_t id, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st;

    if (id >= 0)
        return OK;
    st = store_prepare(s, "INSERT INTO account_override(id) VALUES(?1) ON CONFLICT(id) DO NOTHING",
                       &q, e);
    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, id);
    return store_finish(s, q, e);
}

/* Members that are not changed are NULL, and coalesce() leaves them as they are. */
static bool change_bind(sqlite3_stmt *q, int64_t id, const struct account_change *c,
                        struct buf *models)
{
    const struct account_spec spec = { .models = (struct str *)(uintptr_t)c->models,
                                       .model_count = c->model_count };
    bool bound = sqlite3_bind_int64(q, 1, id) == SQLITE_OK;

    if (c->members & ACCOUNT_DISABLED)
        bound = bound && sqlite3_bind_int(q, 2, c->disabled) == SQLITE_OK &&
                store_bind(q, 4, c->reason);
    if (c->members & ACCOUNT_PROXY_DISABLED)
        bound = bound && sqlite3_bind_int(q, 3, c->proxy_disabled) == SQLITE_OK;
    if (c->members & ACCOUNT_TIER)
        bound = bound && store_bind(q, 5, str_c(tier_word(c->tier)));
    if (c->members & ACCOUNT_CONCURRENCY)
        bound = bound && sqlite3_bind_int64(q, 6, c->concurrency_max) == SQLITE_OK;
    if (c->members & ACCOUNT_LABEL)
        bound = bound && store_bind(q, 7, c->label);
    if (c->members & ACCOUNT_MODELS)
        bound = bound && store_bind(q, 8, models_text(&spec, models));
    return bound;
}

static enum status change_row(struct store *s, int64_t id, const struct account_change *c,
                              struct error *e)
{
    static const char own[] =
        "UPDATE account SET disabled = coalesce(?2, disabled),"
        " proxy_disabled = coalesce(?3, proxy_disabled), reason = coalesce(?4, reason),"
        " tier = coalesce(?5, tier), concurrency_max = coalesce(?6, concurrency_max),"
        " label = coalesce(?7, label), models = coalesce(?8, models),"
        " grant_lost = iif(?2 IS NULL, grant_lost, 0) WHERE id = ?1";
    static const char of_file[] =
        "UPDATE account_override SET disabled = coalesce(?2, disabled),"
        " proxy_disabled = coalesce(?3, proxy_disabled), reason = coalesce(?4, reason),"
        " tier = coalesce(?5, tier), concurrency_max = coalesce(?6, concurrency_max),"
        " grant_lost = iif(?2 IS NULL, grant_lost, 0) WHERE id = ?1";
    struct buf models = { .max = LISTS_MAX };
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(s, id < 0 ? of_file : own, &q, e);

    if (st != OK)
        return st;
    if (!change_bind(q, id, c, &models))
        st = store_fail(s, "cannot be changed", e);
    else if (sqlite3_step(q) != SQLITE_DONE)
        st = sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_UNIQUE
                 ? fail(e, E_CONFLICT, "there is an account `%.*s` already", STR_ARG(c->label))
                 : store_fail(s, "cannot be changed", e);
    else if (sqlite3_changes(s->db) == 0)
        st = fail(e, E_ABSENT, "no account %lld", (long long)id);
    sqlite3_finalize(q);
    buf_clear(&models);
    return st;
}

/* By itself: sealed, none is NULL. */
static enum status change_proxy(struct store *s, int64_t id, struct str proxy, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(s, "UPDATE account SET proxy = ?2 WHERE id = ?1", &q, e);

    if (st == OK)
        st = seal_bind(s, q, 2, "proxy", id, proxy, e);
    if (st == OK) {
        (void)sqlite3_bind_int64(q, 1, id);
        return store_finish(s, q, e);
    }
    sqlite3_finalize(q);
    return st;
}

enum status store_account_change(struct store *s, int64_t id, const struct account_change *c,
                                 struct error *e)
{
    assert(id >= 0 || (c->members & (ACCOUNT_LABEL | ACCOUNT_MODELS | ACCOUNT_PROXY)) == 0);
    enum status st = store_run(s, "BEGIN IMMEDIATE", e);

    if (st != OK)
        return st;
    st = change_begin(s, id, e);
    if (st == OK)
        st = change_row(s, id, c, e);
    if (st == OK && (c->members & ACCOUNT_PROXY))
        st = change_proxy(s, id, c->proxy, e);
    return store_commit(s, st, e);
}

/* The file's grant as it was renewed since; false when the file has got another one by now. */
static bool lay_grant(struct store *s, struct account_spec *spec, sqlite3_stmt *q)
{
    struct account_grant kept;

    if (!grant_column(s, q, 5, spec->id, &spec->arena, &kept) ||
        kept.series != spec->grant.series || kept.series == 0) {
        grant_clear(&kept);
        return false;
    }
    grant_clear(&spec->grant);
    spec->grant = kept;
    spec->grant.lost = sqlite3_column_int(q, 6) != 0;
    return true;
}

/* What disables an account for a reason of its own, a key that is not there, no override undoes. A
 * grant that was lost is not what the file has by now, when it has another one. */
static void lay_over(struct store *s, struct account_spec *spec, sqlite3_stmt *q)
{
    bool stuck = spec->disabled && spec->disabled_reason.len > 0;

    if (account_has_grant(spec) && !lay_grant(s, spec, q) && sqlite3_column_int(q, 6) != 0)
        stuck = true;
    if (sqlite3_column_type(q, 1) != SQLITE_NULL)
        spec->proxy_disabled = sqlite3_column_int(q, 1) != 0;
    if (sqlite3_column_type(q, 3) != SQLITE_NULL)
        (void)tier_from_word(store_column(q, 3), &spec->tier);
    if (sqlite3_column_type(q, 4) != SQLITE_NULL)
        spec->concurrency_max = (uint32_t)sqlite3_column_int64(q, 4);
    if (stuck || sqlite3_column_type(q, 0) == SQLITE_NULL)
        return;
    spec->disabled = sqlite3_column_int(q, 0) != 0;
    spec->disabled_reason = arena_copy(&spec->arena, store_column(q, 2));
}

enum status store_account_override(struct store *s, struct account_spec *spec, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st =
        store_prepare(s,
                      "SELECT disabled, proxy_disabled, reason, tier, concurrency_max, grant,"
                      " grant_lost FROM account_override"
                      " WHERE id = ?1",
                      &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, spec->id);
    switch (sqlite3_step(q)) {
    case SQLITE_ROW:
        lay_over(s, spec, q);
        break;
    case SQLITE_DONE:
        break;
    default:
        st = store_fail(s, "cannot be read", e);
    }
    sqlite3_finalize(q);
    return st;
}

enum status database_check(const char *path, struct error *e)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    enum status st = OK;

    if (!file_facts(path).there)
        return fail(e, E_ABSENT, "%s is not there", path);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(db, 2000) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &q, NULL) != SQLITE_OK ||
        sqlite3_step(q) != SQLITE_ROW)
        st = fail(e, E_STORE, "%s: %s", path, db != NULL ? sqlite3_errmsg(db) : "out of memory");
    else if (strcmp((const char *)sqlite3_column_text(q, 0), "ok") != 0)
        st = fail(e, E_STORE, "%s is damaged: %.150s", path, sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    (void)sqlite3_close(db);
    return st;
}
