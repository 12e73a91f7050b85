#include "store_rig.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"

void rig_start(struct test *t, struct rig *r)
{
    *r = (struct rig){ 0 };
    snprintf(r->folder, sizeof(r->folder), "/tmp/penstock-store-XXXXXX");
    CHECK(mkdtemp(r->folder) != NULL);
    for (size_t i = 0; i < sizeof(r->key.bytes); i++)
        r->key.bytes[i] = (uint8_t)(i * 7 + 1);
}

static int remove_one(const char *path, __attribute__((unused)) const struct stat *st,
                      __attribute__((unused)) int kind, __attribute__((unused)) struct FTW *at)
{
    return remove(path);
}

static void taken_clear(struct rig *r)
{
    for (size_t i = 0; i < r->taken_count; i++)
        account_spec_free(r->taken[i]);
    r->taken_count = 0;
}

void rig_end(struct rig *r)
{
    rig_close(r);
    taken_clear(r);
    nftw(r->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

bool rig_open(struct test *t, struct rig *r)
{
    struct error e = { 0 };

    return CHECK_INT(store_open(r->folder, &r->key, &r->store, &e), OK, "%s", e.text);
}

void rig_close(struct rig *r)
{
    store_close(r->store);
    r->store = NULL;
}

static void take(void *peer, struct account_spec *spec)
{
    struct rig *r = peer;

    assert(r->taken_count < TAKEN_MAX);
    r->taken[r->taken_count++] = spec;
}

bool rig_take(struct test *t, struct rig *r)
{
    struct error e = { 0 };

    taken_clear(r);
    return CHECK_INT(store_accounts(r->store, take, r, &e), OK, "%s", e.text);
}

const char *rig_path(struct test *t, const struct rig *r, const char *name)
{
    return arena_printf(&t->arena, "%s/%s", r->folder, name).at;
}

unsigned rig_mode(struct test *t, const struct rig *r, const char *name)
{
    struct stat st;

    return lstat(rig_path(t, r, name), &st) == 0 ? st.st_mode & 07777 : 0xffff;
}

struct str rig_bytes(struct test *t, const struct rig *r, const char *name)
{
    struct buf b;
    struct error e = { 0 };

    buf_init(&b, (size_t)64 << 20);

    enum status st = file_read(rig_path(t, r, name), &b, &e);

    CHECK(st == OK || st == E_ABSENT, "%s", e.text);

    struct str copy = arena_copy(&t->arena, buf_str(&b));

    buf_clear(&b);
    return copy;
}

void rig_overwrite(struct test *t, const struct rig *r, const char *name, struct str bytes)
{
    struct error e = { 0 };

    CHECK_INT(file_write(rig_path(t, r, name), bytes, false, &e), OK, "%s", e.text);
}

void rig_sql(struct test *t, const struct rig *r, const char *sql)
{
    rig_sql_on(t, r, "penstock.db", sql);
}

void rig_sql_on(struct test *t, const struct rig *r, const char *name, const char *sql)
{
    sqlite3 *db = NULL;

    if (CHECK_INT(sqlite3_open(rig_path(t, r, name), &db), SQLITE_OK))
        CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    sqlite3_close(db);
}

struct str rig_ask(struct test *t, const struct rig *r, const char *sql)
{
    return rig_ask_of(t, r, "penstock.db", sql);
}

struct str rig_ask_of(struct test *t, const struct rig *r, const char *name, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    struct str answer = STR("");

    if (CHECK_INT(sqlite3_open(rig_path(t, r, name), &db), SQLITE_OK) &&
        CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db)) &&
        CHECK_INT(sqlite3_step(q), SQLITE_ROW, "%s", sql))
        answer = arena_copy(&t->arena, str_c((const char *)sqlite3_column_text(q, 0)));
    sqlite3_finalize(q);
    sqlite3_close(db);
    return answer;
}

struct account_spec *rig_spec(const char *label, const char *key)
{
    struct account_spec *spec = account_spec_new();

    spec->label = arena_copy(&spec->arena, str_c(label));
    spec->provider = STR("openai");
    spec->api_key = secret_copy(str_c(key));
    return spec;
}

int64_t rig_add(struct test *t, struct rig *r, const char *label, const char *key)
{
    struct account_spec *spec = rig_spec(label, key);
    struct error e = { 0 };
    bool added = CHECK_INT(store_account_add(r->store, spec, 1700000000000, &e), OK, "%s: %s",
                           label, e.text);
    int64_t id = added ? spec->id : 0;

    account_spec_free(spec);
    return id;
}
