/* store/grant.c - the grants of accounts that sign in: one sealed column, renewed far more often
 * than anything else of an account changes. */
#include "base/json_secret.h"
#include "base/json_write.h"
#include "base/log.h"
#include "store/store_int.h"

#define GRANT_BYTES_MAX ((size_t)256 << 10)

/* --- as text --------------------------------------------------------------------------------- */

/* Texts of a grant, in the order in which they are written. */
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    { "email", offsetof(struct account_grant, email) },
    { "scopes", offsetof(struct account_grant, scopes) },
    { "account", offsetof(struct account_grant, account) },
    { "plan", offsetof(struct account_grant, plan) },
    { "api_url", offsetof(struct account_grant, api_url) },
    { "source", offsetof(struct account_grant, source) },
};

void grant_write(const struct account_grant *g, struct json_writer *w)
{
    json_put_object(w);
    json_put_member_i64(w, "series", g->series);
    json_put_member(w, "access", secret_reveal(&g->access));
    json_put_member(w, "refresh", secret_reveal(&g->refresh));
    json_put_member_i64(w, "expires_unix_ms", g->expires_unix_ms);
    for (size_t i = 0; i < COUNT(texts); i++)
        json_put_member(w, texts[i].name, *(const struct str *)((const char *)g + texts[i].offset));
    json_put_end(w);
}

static bool number(const struct json *doc, uint32_t object, const char *name, int64_t *to)
{
    uint32_t node = json_member(doc, object, str_c(name), NULL);

    return node != JSON_NONE && json_i64(doc, node, to) && *to >= 0;
}

static bool secret_of(const struct json *doc, uint32_t object, const char *name, struct secret *to)
{
    uint32_t node = json_member(doc, object, str_c(name), NULL);

    if (node == JSON_NONE || json_type(doc, node) != JSON_STRING)
        return false;
    *to = json_secret(doc, node);
    return true;
}

bool grant_read(const struct json *doc, uint32_t object, struct arena *a, struct account_grant *out)
{
    struct account_grant g = { .series = 0 };
    bool good = number(doc, object, "series", &g.series) &&
                number(doc, object, "expires_unix_ms", &g.expires_unix_ms) &&
                secret_of(doc, object, "access", &g.access) &&
                secret_of(doc, object, "refresh", &g.refresh);

    for (size_t i = 0; i < COUNT(texts) && good; i++) {
        uint32_t node = json_member(doc, object, str_c(texts[i].name), NULL);
        struct str text = STR("");

        good = node == JSON_NONE || json_text(doc, node, a, &text);
        *(struct str *)((char *)&g + texts[i].offset) = arena_copy(a, text);
    }
    if (good)
        *out = g;
    else
        grant_clear(&g);
    return good;
}

/* --- as a column ----------------------------------------------------------------------------- */

static enum status bind_grant(struct store *s, sqlite3_stmt *q, int index, int64_t id,
                              const struct account_grant *g, struct error *e)
{
    struct buf text = { .max = GRANT_BYTES_MAX };
    struct json_writer w = json_writer(&text);
    enum status st = OK;

    if (g->series == 0)
        return seal_bind(s, q, index, "grant", id, STR(""), e);
    char *room = buf_reserve(&text, GRANT_BYTES_MAX); /* growing would leave copies behind */

    assert(room != NULL);
    grant_write(g, &w);
    st = json_written(&w) ? seal_bind(s, q, index, "grant", id, buf_str(&text), e)
                          : fail(e, E_LIMIT, "what the sign-in gave is larger than 256 KiB");
    wipe(text.at, text.len);
    buf_clear(&text);
    return st;
}

bool grant_column(const struct store *s, sqlite3_stmt *q, int index, int64_t id, struct arena *a,
                  struct account_grant *out)
{
    struct arena scratch = { 0 };
    struct secret plain;
    struct json doc;
    bool good = seal_column(s, q, index, "grant", id, &plain);

    *out = (struct account_grant){ .series = 0 };
    if (good && !secret_is_empty(&plain))
        good = json_parse(&doc, secret_reveal(&plain), NULL, &scratch, NULL) &&
               grant_read(&doc, 0, a, out);
    arena_free(&scratch);
    secret_clear(&plain);
    return good;
}

/* --- changing it ----------------------------------------------------------------------------- */

enum status grant_insert(struct store *s, int64_t id, const struct account_grant *g,
                         struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st =
        store_prepare(s, "UPDATE account SET grant = ?1, grant_lost = ?3 WHERE id = ?2", &q, e);

    if (st == OK)
        st = bind_grant(s, q, 1, id, g, e);
    if (st == OK &&
        (sqlite3_bind_int64(q, 2, id) != SQLITE_OK || sqlite3_bind_int(q, 3, g->lost) != SQLITE_OK))
        st = store_fail(s, "cannot be changed", e);
    if (st == OK)
        return store_finish(s, q, e);
    sqlite3_finalize(q);
    return st;
}

/* A renewal of a sign-in that another has replaced must not take its place. */
static enum status same_series(struct store *s, int64_t id, int64_t series, struct error *e)
{
    struct account_grant kept = { .series = 0 };
    struct arena a = { 0 };
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(s, "SELECT grant FROM account WHERE id = ?1", &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, id);
    switch (sqlite3_step(q)) {
    case SQLITE_ROW:
        if (!grant_column(s, q, 0, id, &a, &kept))
            st = fail(e, E_REFUSED, "its grant cannot be opened with the present master key");
        else if (kept.series != series)
            st = fail(e, E_CONFLICT, "somebody has signed in again meanwhile");
        break;
    case SQLITE_DONE:
        st = fail(e, E_ABSENT, "no account %lld", (long long)id);
        break;
    default:
        st = store_fail(s, "cannot be read", e);
    }
    sqlite3_finalize(q);
    grant_clear(&kept);
    arena_free(&a);
    return st;
}

static enum status put_row(struct store *s, int64_t id, const struct grant_change *c,
                           struct error *e)
{
    /* a lost grant disables, a new one enables, a renewal leaves the flag alone */
    static const char own[] =
        "UPDATE account SET grant = ?2, disabled = coalesce(?3, disabled),"
        " reason = coalesce(?4, reason), grant_lost = coalesce(?3, grant_lost) WHERE id = ?1";
    static const char of_file[] =
        "INSERT INTO account_override(id, grant, disabled, reason, grant_lost)"
        " VALUES(?1, ?2, ?3, ?4, coalesce(?3, 0))"
        " ON CONFLICT(id) DO UPDATE SET grant = ?2, disabled = coalesce(?3, disabled),"
        " reason = coalesce(?4, reason), grant_lost = coalesce(?3, grant_lost)";
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(s, id < 0 ? of_file : own, &q, e);

    if (st == OK)
        st = bind_grant(s, q, 2, id, c->grant, e);
    if (st == OK) {
        bool bound = sqlite3_bind_int64(q, 1, id) == SQLITE_OK;

        if (c->lost.len > 0 || c->fresh)
            bound = bound && sqlite3_bind_int(q, 3, c->lost.len > 0) == SQLITE_OK &&
                    sqlite3_bind_text64(q, 4, c->lost.len > 0 ? c->lost.at : "", c->lost.len,
                                        SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK;
        if (!bound)
            st = store_fail(s, "cannot be changed", e);
    }
    if (st != OK) {
        sqlite3_finalize(q);
        return st;
    }
    st = store_finish(s, q, e);
    if (st == OK && sqlite3_changes(s->db) == 0)
        st = fail(e, E_ABSENT, "no account %lld", (long long)id);
    return st;
}

enum status store_grant_put(struct store *s, int64_t id, const struct grant_change *c,
                            struct error *e)
{
    assert(c->grant->series != 0);
    enum status st = store_run(s, "BEGIN IMMEDIATE", e);

    if (st != OK)
        return st;
    if (id > 0 && !c->fresh)
        st = same_series(s, id, c->grant->series, e);
    if (st == OK)
        st = put_row(s, id, c, e);
    return store_commit(s, st, e);
}

/* --- signing in ------------------------------------------------------------------------------ */

struct person {
    const struct account_spec *wanted;
    struct account_spec *found; /* ours */
};

static void look_for_person(void *peer, struct account_spec *spec)
{
    struct person *p = peer;
    const struct account_grant *a = &spec->grant, *b = &p->wanted->grant;
    bool same = p->found == NULL && account_has_grant(spec) &&
                str_eq(spec->provider, p->wanted->provider) && str_eq(a->email, b->email) &&
                str_eq(a->account, b->account) && a->email.len + a->account.len > 0;

    if (same)
        p->found = spec;
    else
        account_spec_free(spec);
}

#define LABEL_MAX 128
#define LABEL_TRIES 100

static enum status add_labelled(struct store *s, struct account_spec *spec, int64_t unix_ms,
                                bool (*taken)(void *peer, struct str label), void *peer,
                                struct error *e)
{
    const struct account_grant *g = &spec->grant;
    bool given = spec->label.len > 0;
    struct str base = str_take(given              ? spec->label
                               : g->email.len > 0 ? g->email
                                                  : spec->provider,
                               LABEL_MAX - 8);
    enum status st = E_CONFLICT;

    for (int i = 1; st == E_CONFLICT && i <= LABEL_TRIES && (i == 1 || !given); i++) {
        if (i > 1)
            spec->label = arena_printf(&spec->arena, "%.*s (%d)", STR_ARG(base), i);
        else if (!given)
            spec->label = arena_copy(&spec->arena, base);
        st = taken(peer, spec->label)
                 ? fail(e, E_CONFLICT, "the settings file has an account with the label `%.*s`",
                        STR_ARG(spec->label))
                 : store_account_add(s, spec, unix_ms, e);
    }
    return st;
}

enum status store_sign_in(struct store *s, struct account_spec *spec, int64_t unix_ms,
                          bool (*taken)(void *peer, struct str label), void *peer, struct error *e)
{
    struct person p = { .wanted = spec };
    enum status st = store_accounts(s, look_for_person, &p, e);

    if (st == OK && p.found != NULL) {
        st = store_grant_put(s, p.found->id,
                             &(struct grant_change){ .grant = &spec->grant, .fresh = true }, e);
        spec->id = p.found->id;
        spec->label = arena_copy(&spec->arena, p.found->label);
    } else if (st == OK) {
        st = add_labelled(s, spec, unix_ms, taken, peer, e);
    }
    account_spec_free(p.found);
    return st;
}
