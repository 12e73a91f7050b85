/* store/usage_sums.c - the sums of usage.db, asked. */
#include "store/usage_int.h"

static const char *const by_words[USAGE_BYS] = {
#define X(name, word, text) [USAGE_BY_##name] = word,
    USAGE_BY_TABLE(X)
#undef X
};

const char *usage_by_word(enum usage_by by)
{
    assert(by < USAGE_BYS);
    return by_words[by];
}

bool usage_by_from_word(struct str word, enum usage_by *by)
{
    for (unsigned i = 0; i < USAGE_BYS; i++)
        if (str_eq(str_c(by_words[i]), word)) {
            *by = (enum usage_by)i;
            return true;
        }
    return false;
}

/* What stands for a group: its name, an account's number and provider, when an hour begins; and the
 * order. */
static const struct {
    const char *name, *id, *owner, *start, *group, *order;
} groups[USAGE_BYS] = {
    [USAGE_BY_MODEL] = { "m.text", "0", "''", "0", "m.text", "spent DESC, 1" },
    [USAGE_BY_ASKED] = { "a.text", "0", "''", "0", "a.text", "spent DESC, 1" },
    [USAGE_BY_ACCOUNT] = { "c.label", "s.account", "c.provider", "0", "s.account",
                           "spent DESC, 2" },
    [USAGE_BY_PROVIDER] = { "c.provider", "0", "''", "0", "c.provider", "spent DESC, 1" },
    [USAGE_BY_KEY] = { "k.name", "0", "''", "0", "s.key", "spent DESC, 1" },
    [USAGE_BY_ENDING] = { "e.text", "0", "''", "0", "e.text", "5 DESC, 1" },
    [USAGE_BY_HOUR] = { "''", "0", "''", "s.start", "s.start", "4" },
    [USAGE_BY_DAY] = { "''", "0", "''", "s.start", "s.start", "4" },
};

#define SUMMED                                                                                 \
    " sum(requests), sum(requests) FILTER (WHERE e.text = 'complete'),"                        \
    " sum(requests) FILTER (WHERE e.text = 'client_left'), sum(attempts),"                     \
    " sum(tokens_in), sum(tokens_out), sum(cache_read), sum(cache_write), sum(reasoning),"     \
    " sum(failed_in), sum(failed_out), sum(failed_cache_read), sum(failed_cache_write),"       \
    " sum(failed_reasoning), sum(tokens_unknown), sum(charged), sum(cost), sum(cost_unknown)," \
    " sum(first_byte_ms), sum(first_bytes), sum(duration_ms),"                                 \
    " sum(tokens_in + tokens_out + failed_in + failed_out) AS spent"

static const char *query_sql(const struct usage_query *q, struct arena *a)
{
    const char *table = q->by_day ? "day" : "hour";

    return arena_printf(
               a,
               "SELECT %s, %s, %s, %s," SUMMED " FROM %s s LEFT JOIN word m ON m.id = s.model"
               " LEFT JOIN word a ON a.id = s.asked LEFT JOIN word e ON e.id = s.ending"
               " LEFT JOIN account c ON c.id = s.account LEFT JOIN client_key k ON k.id = s.key"
               " WHERE start >= ?1 AND start < ?2 AND (?3 = '' OR m.text = ?3)"
               " AND (?4 = '' OR a.text = ?4)"
               " AND (?5 = '' OR c.label = ?5 OR CAST(s.account AS TEXT) = ?5)"
               " AND (?6 = '' OR c.provider = ?6) AND (?7 = '' OR k.name = ?7)"
               " AND (?8 = '' OR e.text = ?8) GROUP BY %s ORDER BY %s LIMIT ?9",
               groups[q->by].name, groups[q->by].id, groups[q->by].owner, groups[q->by].start,
               table, groups[q->by].group, groups[q->by].order)
        .at;
}

static struct usage_tokens column_tokens(sqlite3_stmt *q, int index)
{
    return (struct usage_tokens){ sqlite3_column_int64(q, index),
                                  sqlite3_column_int64(q, index + 1),
                                  sqlite3_column_int64(q, index + 2),
                                  sqlite3_column_int64(q, index + 3),
                                  sqlite3_column_int64(q, index + 4) };
}

static struct usage_sum sum_read(sqlite3_stmt *q)
{
    return (struct usage_sum){ .name = store_column(q, 0),
                               .id = sqlite3_column_int64(q, 1),
                               .owner = store_column(q, 2),
                               .start_s = sqlite3_column_int64(q, 3),
                               .requests = sqlite3_column_int64(q, 4),
                               .complete = sqlite3_column_int64(q, 5),
                               .left = sqlite3_column_int64(q, 6),
                               .attempts = sqlite3_column_int64(q, 7),
                               .tokens = column_tokens(q, 8),
                               .failed = column_tokens(q, 13),
                               .tokens_unknown = sqlite3_column_int64(q, 18),
                               .charged = sqlite3_column_int64(q, 19),
                               .cost_nano = sqlite3_column_int64(q, 20),
                               .cost_unknown = sqlite3_column_int64(q, 21),
                               .first_byte_ms = sqlite3_column_int64(q, 22),
                               .first_bytes = sqlite3_column_int64(q, 23),
                               .duration_ms = sqlite3_column_int64(q, 24) };
}

enum status usage_sums(struct usage_db *u, const struct usage_query *query,
                       void (*take)(void *peer, const struct usage_sum *sum), void *peer,
                       struct error *e)
{
    const struct str filters[] = { query->model,    query->asked, query->account,
                                   query->provider, query->key,   query->ending };
    struct arena a = { 0 };
    sqlite3_stmt *q = NULL;
    int code = SQLITE_DONE;
    enum status st = store_prepare(u->db, query_sql(query, &a), &q, e);

    arena_free(&a);
    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, query->from_s);
    (void)sqlite3_bind_int64(q, 2, query->to_s);
    for (size_t i = 0; i < COUNT(filters); i++)
        (void)sqlite3_bind_text64(q, (int)i + 3, filters[i].len > 0 ? filters[i].at : "",
                                  filters[i].len, SQLITE_STATIC, SQLITE_UTF8);
    (void)sqlite3_bind_int64(q, 9, (int64_t)query->limit);
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        struct usage_sum sum = sum_read(q);

        take(peer, &sum);
    }
    if (code != SQLITE_DONE)
        st = store_fail(u->db, "cannot be read", e);
    sqlite3_finalize(q);
    return st;
}

enum status usage_charged(struct usage_db *u, int64_t day_s, int64_t month_s,
                          void (*take)(void *peer, const uint8_t key_id[16], int64_t day,
                                       int64_t month),
                          void *peer, struct error *e)
{
    sqlite3_stmt *q = NULL;
    int code = SQLITE_DONE;
    enum status st = store_prepare(
        u->db,
        "SELECT k.key, sum(s.charged) FILTER (WHERE s.start >= ?1), sum(s.charged)"
        " FROM day s JOIN client_key k ON k.id = s.key WHERE s.start >= ?2 GROUP BY s.key",
        &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, day_s);
    (void)sqlite3_bind_int64(q, 2, month_s);
    while ((code = sqlite3_step(q)) == SQLITE_ROW)
        if (sqlite3_column_bytes(q, 0) == 16)
            take(peer, sqlite3_column_blob(q, 0), sqlite3_column_int64(q, 1),
                 sqlite3_column_int64(q, 2));
    if (code != SQLITE_DONE)
        st = store_fail(u->db, "cannot be read", e);
    sqlite3_finalize(q);
    return st;
}

enum status usage_of_accounts(struct usage_db *u, int64_t day_s,
                              void (*take)(void *peer, const struct usage_today *t), void *peer,
                              struct error *e)
{
    sqlite3_stmt *q = NULL;
    int code = SQLITE_DONE;
    enum status st = store_prepare(
        u->db,
        "SELECT account, sum(requests), sum(tokens_in + failed_in), sum(tokens_out + failed_out)"
        " FROM day WHERE start >= ?1 AND account <> 0 GROUP BY account ORDER BY account",
        &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, day_s);
    while ((code = sqlite3_step(q)) == SQLITE_ROW)
        take(peer, &(struct usage_today){
                       .account = sqlite3_column_int64(q, 0),
                       .requests = sqlite3_column_int64(q, 1),
                       .tokens_in = sqlite3_column_int64(q, 2),
                       .tokens_out = sqlite3_column_int64(q, 3),
                   });
    if (code != SQLITE_DONE)
        st = store_fail(u->db, "cannot be read", e);
    sqlite3_finalize(q);
    return st;
}
