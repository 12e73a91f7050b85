/* store/facts.c - what a provider told of an account whose settings do not say it, so that the next
 * start need not ask before it can use the account. */
#include "store/store_int.h"

enum status store_fact_put(struct store *s, int64_t id, const struct account_fact *fact,
                           struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st =
        store_prepare(s,
                      "INSERT OR REPLACE INTO account_fact(id, provider, project, tier)"
                      " VALUES(?1, ?2, ?3, ?4)",
                      &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, id);
    (void)(store_bind(q, 2, fact->provider) && store_bind(q, 3, fact->project) &&
           store_bind(q, 4, str_c(tier_word(fact->tier))));
    st = store_finish(s, q, e);
    s->commits += st == OK;
    return st;
}

enum status store_fact_remove(struct store *s, int64_t id, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(s, "DELETE FROM account_fact WHERE id = ?1", &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, id);
    st = store_finish(s, q, e);
    s->commits += st == OK;
    return st;
}

enum status store_facts(struct store *s,
                        void (*take)(void *peer, int64_t id, const struct account_fact *fact),
                        void *peer, struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st =
        store_prepare(s, "SELECT id, provider, project, tier FROM account_fact ORDER BY id", &q, e);
    int got = SQLITE_DONE;

    while (st == OK && (got = sqlite3_step(q)) == SQLITE_ROW) {
        struct account_fact fact = { .provider = store_column(q, 1),
                                     .project = store_column(q, 2) };

        (void)tier_from_word(store_column(q, 3), &fact.tier);
        take(peer, sqlite3_column_int64(q, 0), &fact);
    }
    if (st == OK && got != SQLITE_DONE)
        st = store_fail(s, "cannot be read", e);
    sqlite3_finalize(q);
    return st;
}
