/* store/usage_old.c - rows as versions before 3 of the schema wrote them, one in a table for each
 * request, are packed. Some thousands at a time, the oldest first, between other work: nobody waits
 * for it, and lists grow backwards meanwhile. Their numbers are the ids that they had. */
#include "base/map.h"
#include "io/crypto.h"
#include "store/usage_int.h"

#define ROWS_AT_ONCE "4000"

struct packing {
    struct usage_db *u;
    sqlite3_stmt *rows, *attempts;
    struct pack pack;
    int64_t first;          /* number of its first row */
    int64_t last;           /* id read last */
    struct map names, whos; /* what is in the pack, by the numbers that stood for it: number + 1 */
};

static const char rows_sql[] =
    "SELECT r.id, r.ended, r.request, r.stream, r.status, r.attempts, r.charged, r.first_byte_ms,"
    " r.duration_ms, r.failed_in, r.failed_out, r.cost, r.tokens_in, r.tokens_out, r.cache_read,"
    " r.cache_write, r.reasoning, r.key, r.client, r.protocol, r.asked, r.model, r.ending,"
    " k.name, c.text, p.text, a.text, m.text, e.text, r.account, o.label, o.provider"
    " FROM request_old r LEFT JOIN client_key k ON k.id = r.key LEFT JOIN word c ON c.id = r.client"
    " LEFT JOIN word p ON p.id = r.protocol LEFT JOIN word a ON a.id = r.asked"
    " LEFT JOIN word m ON m.id = r.model LEFT JOIN word e ON e.id = r.ending"
    " LEFT JOIN account o ON o.id = r.account ORDER BY r.id LIMIT " ROWS_AT_ONCE;
enum {
    ID,
    ENDED,
    REQUEST,
    STREAM,
    STATUS,
    ATTEMPTS,
    CHARGED,
    FIRST_BYTE,
    DURATION,
    FAILED_IN,
    FAILED_OUT,
    COST,
    TOKENS,
    KEY = TOKENS + 5,
    ENDING = KEY + 5,
    KEY_TEXT,
    ACCOUNT = KEY_TEXT + 6,
    LABEL,
    PROVIDER
};

static const char attempts_sql[] =
    "SELECT t.number, t.status, t.cost, t.duration_ms, t.tokens_in, t.tokens_out, t.cache_read,"
    " t.cache_write, t.reasoning, t.account, t.verdict, o.label, o.provider, v.text"
    " FROM attempt_old t LEFT JOIN account o ON o.id = t.account LEFT JOIN word v ON v.id ="
    " t.verdict WHERE t.request = ?1 ORDER BY t.number";

static int64_t column_known(sqlite3_stmt *q, int index)
{
    return sqlite3_column_type(q, index) == SQLITE_NULL ? -1 : sqlite3_column_int64(q, index);
}

static struct usage_tokens column_tokens(sqlite3_stmt *q, int index)
{
    return (struct usage_tokens){ column_known(q, index), column_known(q, index + 1),
                                  column_known(q, index + 2), column_known(q, index + 3),
                                  column_known(q, index + 4) };
}

static void pack_start(struct packing *p)
{
    const uint64_t key[2] = { random_u64(), random_u64() };

    map_clear(&p->names);
    map_clear(&p->whos);
    map_init(&p->names, key);
    map_init(&p->whos, key);
    pack_begin(&p->pack);
}

static enum status pack_done(struct packing *p, struct error *e)
{
    enum status st = p->pack.rows > 0 ? usage_block_put(p->u, p->first, &p->pack, e) : OK;

    pack_start(p);
    return st;
}

/* The number in the pack of what these numbers stood for; UINT32_MAX: it has none yet. */
static uint32_t packed(const struct map *known, const int64_t *numbers, size_t bytes)
{
    const void *kept = map_get(known, (struct str){ (const char *)numbers, bytes });

    return kept != NULL ? (uint32_t)((uintptr_t)kept - 1) : UINT32_MAX;
}

static void packed_now(struct map *known, const int64_t *numbers, size_t bytes, uint32_t number)
{
    (void)map_put(known, (struct str){ (const char *)numbers, bytes },
                  (void *)((uintptr_t)number + 1));
}

static uint32_t names_of(struct packing *p)
{
    sqlite3_stmt *q = p->rows;
    struct usage_names n = { .stream = sqlite3_column_int(q, STREAM) != 0,
                             .status = sqlite3_column_int(q, STATUS) };
    struct str *const texts[] = { &n.key, &n.client, &n.protocol, &n.model, &n.mapped, &n.ending };
    int64_t numbers[8] = { n.stream, n.status };

    for (int i = 0; i < 6; i++)
        numbers[i + 2] = sqlite3_column_int64(q, KEY + i);
    uint32_t number = packed(&p->names, numbers, sizeof(numbers));

    if (number != UINT32_MAX)
        return number;
    for (int i = 0; i < 6; i++)
        *texts[i] = store_column(q, KEY_TEXT + i);
    n.complete = str_eq(n.ending, STR("complete"));
    number = pack_names(&p->pack, &n);
    packed_now(&p->names, numbers, sizeof(numbers), number);
    return number;
}

static uint32_t who_of(struct packing *p, int64_t account, int64_t verdict, int status,
                       struct str label, struct str provider, struct str word)
{
    const int64_t numbers[] = { account, verdict, status };
    uint32_t number = packed(&p->whos, numbers, sizeof(numbers));

    if (number != UINT32_MAX)
        return number;
    number = pack_who(&p->pack, &(struct usage_who){ .account = account,
                                                     .label = label,
                                                     .provider = provider,
                                                     .verdict = word,
                                                     .status = status });
    packed_now(&p->whos, numbers, sizeof(numbers), number);
    return number;
}

static enum status attempts_read(struct packing *p, struct usage_row *row,
                                 uint32_t whos[USAGE_ATTEMPTS_MAX], struct error *e)
{
    sqlite3_stmt *q = p->attempts;
    int code = SQLITE_DONE;

    (void)sqlite3_bind_int64(q, 1, p->last);
    while (row->kept < USAGE_ATTEMPTS_MAX && (code = sqlite3_step(q)) == SQLITE_ROW) {
        whos[row->kept] = who_of(p, sqlite3_column_int64(q, 9), sqlite3_column_int64(q, 10),
                                 sqlite3_column_int(q, 1), store_column(q, 11), store_column(q, 12),
                                 store_column(q, 13));
        row->attempts[row->kept++] =
            (struct usage_attempt){ .number = (uint32_t)sqlite3_column_int64(q, 0),
                                    .tokens = column_tokens(q, 4),
                                    .cost_nano = column_known(q, 2),
                                    .duration_ms = sqlite3_column_int64(q, 3) };
    }
    (void)sqlite3_reset(q);
    return code == SQLITE_ROW || code == SQLITE_DONE ? OK
                                                     : store_fail(p->u->db, "cannot be read", e);
}

/* An only attempt that succeeded had no row of its own. */
static void attempt_alone(struct packing *p, struct usage_row *row, uint32_t *who)
{
    sqlite3_stmt *q = p->rows;

    *who = who_of(p, sqlite3_column_int64(q, ACCOUNT), -1, sqlite3_column_int(q, STATUS),
                  store_column(q, LABEL), store_column(q, PROVIDER), STR("success"));
    row->attempts[row->kept++] = (struct usage_attempt){ .number = 1,
                                                         .tokens = column_tokens(q, TOKENS),
                                                         .cost_nano = column_known(q, COST),
                                                         .duration_ms = row->duration_ms };
}

static int64_t beyond(int64_t all, const struct usage_row *row, size_t member)
{
    int64_t n;

    for (uint32_t i = 0; i + 1 < row->kept; i++) {
        memcpy(&n, (const char *)&row->attempts[i].tokens + member, sizeof(n));
        all -= n > 0 ? n : 0;
    }
    return all > 0 ? all : 0;
}

static enum status row_pack(struct packing *p, struct error *e)
{
    struct usage_attempt attempts[USAGE_ATTEMPTS_MAX];
    uint32_t whos[USAGE_ATTEMPTS_MAX];
    sqlite3_stmt *q = p->rows;
    struct usage_row row = { .request_id = store_column(q, REQUEST),
                             .ended_unix_ms = sqlite3_column_int64(q, ENDED),
                             .charged = sqlite3_column_int64(q, CHARGED),
                             .first_byte_ms = column_known(q, FIRST_BYTE),
                             .duration_ms = sqlite3_column_int64(q, DURATION),
                             .attempt_count = (uint32_t)sqlite3_column_int64(q, ATTEMPTS),
                             .attempts = attempts };
    enum status st = OK;

    p->last = sqlite3_column_int64(q, ID);
    if (!usage_row_fits(&p->pack, row.ended_unix_ms) || p->last != p->first + p->pack.rows)
        st = pack_done(p, e);
    if (p->pack.rows == 0)
        p->first = p->last;
    if (st == OK)
        st = attempts_read(p, &row, whos, e);
    if (st == OK && row.kept == 0 && row.attempt_count == 1)
        attempt_alone(p, &row, &whos[0]);
    if (st != OK)
        return st;
    row.beyond.in =
        beyond(sqlite3_column_int64(q, FAILED_IN), &row, offsetof(struct usage_tokens, in));
    row.beyond.out =
        beyond(sqlite3_column_int64(q, FAILED_OUT), &row, offsetof(struct usage_tokens, out));
    pack_row(&p->pack, &row, names_of(p), whos);
    return OK;
}

static enum status remove_packed(struct packing *p, struct error *e)
{
    static const char *const statements[] = { "DELETE FROM request_old WHERE id <= ?1",
                                              "DELETE FROM attempt_old WHERE request <= ?1" };
    enum status st = OK;

    for (size_t i = 0; i < COUNT(statements) && st == OK; i++) {
        sqlite3_stmt *q = NULL;

        st = store_prepare(p->u->db, statements[i], &q, e);
        if (st != OK)
            break;
        (void)sqlite3_bind_int64(q, 1, p->last);
        st = store_finish(p->u->db, q, e);
    }
    return st;
}

static enum status some_pack(struct packing *p, bool *more, struct error *e)
{
    int code = SQLITE_DONE;
    enum status st = OK;

    pack_start(p);
    while (st == OK && (code = sqlite3_step(p->rows)) == SQLITE_ROW) {
        st = row_pack(p, e);
        *more = true;
    }
    if (st == OK && code != SQLITE_DONE)
        st = store_fail(p->u->db, "cannot be read", e);
    if (st == OK)
        st = pack_done(p, e);
    (void)sqlite3_reset(p->rows);
    return st == OK && *more ? remove_packed(p, e) : st;
}

enum status usage_old_pack(struct usage_db *u, bool *more, struct error *e)
{
    struct packing p = { .u = u };
    enum status st = usage_writer_make(u, e);

    *more = false;
    if (st == OK)
        st = store_prepare(u->db, rows_sql, &p.rows, e);
    if (st == OK)
        st = store_prepare(u->db, attempts_sql, &p.attempts, e);
    if (st == OK)
        st = store_run(u->db, "BEGIN IMMEDIATE", e);
    if (st == OK) {
        st = some_pack(&p, more, e);
        if (st == OK)
            st = store_run(u->db, "COMMIT", e);
        if (st != OK)
            (void)sqlite3_exec(u->db->db, "ROLLBACK", NULL, NULL, NULL);
    }
    sqlite3_finalize(p.rows);
    sqlite3_finalize(p.attempts);
    map_clear(&p.names);
    map_clear(&p.whos);
    pack_clear(&p.pack);
    return st;
}
