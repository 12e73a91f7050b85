/* store/usage_rows.c - rows of requests and their sums, written; and what is too old, removed. */
#include "store/usage_rows.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/utf8.h"
#include "io/crypto.h"
#include "io/zone.h"
#include "store/usage_int.h"

/* What the tables of sums add up, in the order of their columns. */
#define SUM_TABLE(X)                                                                        \
    X(REQUESTS)                                                                             \
    X(ATTEMPTS)                                                                             \
    X(IN)                                                                                   \
    X(OUT)                                                                                  \
    X(CACHE_READ)                                                                           \
    X(CACHE_WRITE)                                                                          \
    X(REASONING)                                                                            \
    X(UNKNOWN)                                                                              \
    X(FAILED_IN)                                                                            \
    X(FAILED_OUT) X(FAILED_CACHE_READ) X(FAILED_CACHE_WRITE) X(FAILED_REASONING) X(CHARGED) \
        X(COST) X(COST_UNKNOWN) X(FIRST_BYTE_MS) X(FIRST_BYTES) X(DURATION_MS)
enum sum {
#define X(name) SUM_##name,
    SUM_TABLE(X)
#undef X
        SUMS,
};

/* Sums of one batch for one hour and all that tells requests apart. */
struct cell {
    int64_t at[6]; /* start, key, asked, model, account, ending: the first columns */
    int64_t sums[SUMS];
    uint32_t slot; /* where it is found */
};

/* Beyond, those of a batch are written before its end. A row has one, and one for each attempt. */
#define CELLS_MAX 8192
#define NAMES_MAX 8192  /* remembered with their numbers */
#define WORDS_MAX 50000 /* in the file; beyond, those that nothing names are removed */

enum statement {
    WORD_FIND,
    WORD_ADD,
    KEY_PUT,
    ACCOUNT_PUT,
    REQUEST_ADD,
    ATTEMPT_ADD,
    HOUR_ADD,
    DAY_ADD,
    STATEMENTS
};

#define SUM_COLUMNS                                                                          \
    "start, key, asked, model, account, ending, requests, attempts, tokens_in, tokens_out,"  \
    " cache_read, cache_write, reasoning, tokens_unknown, failed_in, failed_out,"            \
    " failed_cache_read, failed_cache_write, failed_reasoning, charged, cost, cost_unknown," \
    " first_byte_ms, first_bytes, duration_ms"
#define MORE(column) " " column " = " column " + excluded." column
#define ADD_TO(table)                                                                        \
    "INSERT INTO " table "(" SUM_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10," \
    " ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)"            \
    " ON CONFLICT DO UPDATE SET" MORE("requests") "," MORE("attempts") "," MORE(             \
        "tokens_in") "," MORE("tokens_out") "," MORE("cache_read") "," MORE("cache_write") "," MORE("reasoning") "," MORE("tokens_unknown") "," MORE("failed_in") "," MORE("failed_out") "," MORE("failed_cache_read") "," MORE("failed_cache_write") "," MORE("failed_reasoning") "," MORE("charged") "," MORE("cost") "," MORE("cost_unknown") "," MORE("first_byte_ms") "," MORE("first_bytes") "," MORE("duration_ms")

static const char *const statements[STATEMENTS] = {
    [WORD_FIND] = "SELECT id FROM word WHERE text = ?1",
    [WORD_ADD] = "INSERT INTO word(text) VALUES(?1)",
    [KEY_PUT] = "INSERT INTO client_key(key, name) VALUES(?1, ?2)"
                " ON CONFLICT(key) DO UPDATE SET name = excluded.name RETURNING id",
    [ACCOUNT_PUT] = "INSERT INTO account(id, label, provider) VALUES(?1, ?2, ?3)"
                    " ON CONFLICT(id) DO UPDATE SET label = excluded.label,"
                    " provider = excluded.provider RETURNING id",
    [REQUEST_ADD] = "INSERT INTO request(ended, request, key, client, protocol, asked, model,"
                    " account, ending, stream, status, attempts, tokens_in, tokens_out, cache_read,"
                    " cache_write, reasoning, failed_in, failed_out, charged, cost, first_byte_ms,"
                    " duration_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
                    " ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)",
    [ATTEMPT_ADD] = "INSERT INTO attempt(request, number, account, verdict, status, tokens_in,"
                    " tokens_out, cache_read, cache_write, reasoning, cost, duration_ms)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [HOUR_ADD] = ADD_TO("hour"),
    [DAY_ADD] = ADD_TO("day"),
};

#define KINDS_NEAR 512

/* The numbers that stand for the names of one row. */
struct numbers {
    int64_t key, client, protocol, asked, model, ending, account;
};

/* All names of a row together, and their numbers. */
struct kind {
    struct numbers n;
    size_t len;
    char text[];
};

struct usage_writer {
    sqlite3_stmt *q[STATEMENTS];
    struct map names; /* what is named, to its number + 1 */
    struct map kinds; /* what rows are like: most are like one before */
    /* of them, the last one found at each place of a weak hash, so that the map's strong one is
     * seldom needed */
    const struct kind *near[KINDS_NEAR];
    struct cell *cells;
    uint32_t *slots; /* of CELLS_MAX * 2: number of a cell + 1 */
    size_t cell_count;
    int64_t hour_s; /* of the last row */
};

/* --- life ------------------------------------------------------------------------------------ */

static void kinds_clear(struct usage_writer *w)
{
    const struct map_entry *e;

    for (uint32_t i = 0; (e = map_at(&w->kinds, &i)) != NULL;)
        free(e->value);
    map_clear(&w->kinds);
    memset(w->near, 0, sizeof(w->near));
}

void usage_writer_free(struct usage_writer *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(w->q[i]);
    map_clear(&w->names);
    kinds_clear(w);
    free(w->cells);
    free(w->slots);
    free(w);
}

static void names_forget(struct usage_writer *w)
{
    const uint64_t key[2] = { w->names.key[0], w->names.key[1] };

    map_clear(&w->names);
    kinds_clear(w);
    map_init(&w->names, key);
    map_init(&w->kinds, key);
}

static enum status writer_make(struct usage_db *u, struct error *e)
{
    const uint64_t key[2] = { random_u64(), random_u64() };
    enum status st = OK;

    if (u->rows != NULL)
        return OK;
    struct usage_writer *w = must_calloc(1, sizeof(*w));

    map_init(&w->names, key);
    map_init(&w->kinds, key);
    for (size_t i = 0; i < STATEMENTS && st == OK; i++)
        st = store_prepare(u->db, statements[i], &w->q[i], e);
    if (st != OK) {
        usage_writer_free(w);
        return st;
    }
    w->cells = must_alloc(CELLS_MAX * sizeof(w->cells[0]));
    w->slots = must_calloc((size_t)CELLS_MAX * 2, sizeof(w->slots[0]));
    u->rows = w;
    return OK;
}

/* --- names ----------------------------------------------------------------------------------- */

static bool bind_text(sqlite3_stmt *q, int index, struct str text)
{
    return sqlite3_bind_text64(q, index, text.len > 0 ? text.at : "", text.len, SQLITE_STATIC,
                               SQLITE_UTF8) == SQLITE_OK;
}

static struct str clipped(struct str text)
{
    return utf8_clip(text, USAGE_NAME_MAX);
}

/* Runs a statement that gives a number, or nothing (then `number` stays). */
static enum status run_for(struct usage_db *u, sqlite3_stmt *q, bool bound, int64_t *number,
                           struct error *e)
{
    int step = bound ? sqlite3_step(q) : SQLITE_MISUSE;
    enum status st = OK;

    if (step == SQLITE_ROW) {
        *number = sqlite3_column_int64(q, 0);
        step = sqlite3_step(q);
    }
    if (step != SQLITE_DONE)
        st = store_fail(u->db, "cannot be changed", e);
    (void)sqlite3_reset(q);
    return st;
}

static bool name_known(const struct usage_writer *w, struct str key, int64_t *number)
{
    const void *kept = map_get(&w->names, key);

    if (kept == NULL)
        return false;
    *number = (int64_t)(intptr_t)kept - 1;
    return true;
}

static void name_keep(struct usage_writer *w, struct str key, int64_t number)
{
    if (w->names.count >= NAMES_MAX)
        names_forget(w);
    (void)map_put(&w->names, key, (void *)(intptr_t)(number + 1));
}

/* The number of a word; 0 for the empty one. */
static enum status word_number(struct usage_db *u, struct str text, int64_t *number,
                               struct error *e)
{
    struct usage_writer *w = u->rows;
    char key[USAGE_NAME_MAX + 1] = "w";
    enum status st;

    text = clipped(text);
    *number = 0;
    if (text.len == 0)
        return OK;
    memcpy(key + 1, text.at, text.len);
    if (name_known(w, (struct str){ key, text.len + 1 }, number))
        return OK;
    st = run_for(u, w->q[WORD_FIND], bind_text(w->q[WORD_FIND], 1, text), number, e);
    if (st == OK && *number == 0) {
        st = run_for(u, w->q[WORD_ADD], bind_text(w->q[WORD_ADD], 1, text), number, e);
        *number = sqlite3_last_insert_rowid(u->db->db);
    }
    if (st == OK)
        name_keep(w, (struct str){ key, text.len + 1 }, *number);
    return st;
}

static enum status key_number(struct usage_db *u, const struct usage_row *row, int64_t *number,
                              struct error *e)
{
    static const uint8_t nobody[sizeof(row->key_id)];
    struct usage_writer *w = u->rows;
    sqlite3_stmt *q = w->q[KEY_PUT];
    struct str name = clipped(row->key);
    char key[1 + sizeof(row->key_id) + USAGE_NAME_MAX] = "k";
    struct str known = { key, 1 + sizeof(row->key_id) + name.len };

    *number = 0;
    if (memcmp(row->key_id, nobody, sizeof(nobody)) == 0)
        return OK;
    memcpy(key + 1, row->key_id, sizeof(row->key_id));
    if (name.len > 0)
        memcpy(key + 1 + sizeof(row->key_id), name.at, name.len);
    if (name_known(w, known, number))
        return OK;
    bool bound =
        sqlite3_bind_blob(q, 1, row->key_id, sizeof(row->key_id), SQLITE_STATIC) == SQLITE_OK &&
        bind_text(q, 2, name);
    enum status st = run_for(u, q, bound, number, e);

    if (st == OK)
        name_keep(w, known, *number);
    return st;
}

/* Accounts have numbers of their own; their names are what they were called last. */
static enum status account_note(struct usage_db *u, const struct usage_attempt *a, struct error *e)
{
    struct usage_writer *w = u->rows;
    sqlite3_stmt *q = w->q[ACCOUNT_PUT];
    struct str label = clipped(a->label), provider = clipped(a->provider);
    char key[1 + sizeof(a->account)] = "a";
    uint64_t called = siphash(w->names.key, label) ^ siphash(w->kinds.key, provider) * 3;
    int64_t number, before;

    memcpy(key + 1, &a->account, sizeof(a->account));
    called &= INT32_MAX;
    bool noted = name_known(w, (struct str){ key, sizeof(key) }, &before);

    if (noted && before == (int64_t)called)
        return OK;
    if (noted)
        kinds_clear(w); /* it has another name now */
    bool bound = sqlite3_bind_int64(q, 1, a->account) == SQLITE_OK && bind_text(q, 2, label) &&
                 bind_text(q, 3, provider);
    enum status st = run_for(u, q, bound, &number, e);

    if (st == OK)
        name_keep(w, (struct str){ key, sizeof(key) }, (int64_t)called);
    return st;
}

/* --- sums ------------------------------------------------------------------------------------ */

static uint64_t cell_hash(const int64_t at[6])
{
    uint64_t h = 0;

    for (size_t i = 0; i < 6; i++)
        h = (h ^ (uint64_t)at[i]) * UINT64_C(0x9e3779b97f4a7c15) >> 7 ^ h << 57;
    return h ^ h >> 32;
}

static struct cell *cell_of(struct usage_writer *w, const int64_t at[6])
{
    uint32_t mask = CELLS_MAX * 2 - 1, slot = (uint32_t)cell_hash(at) & mask;

    for (; w->slots[slot] != 0; slot = (slot + 1) & mask) {
        struct cell *c = &w->cells[w->slots[slot] - 1];

        if (memcmp(c->at, at, sizeof(c->at)) == 0)
            return c;
    }
    assert(w->cell_count < CELLS_MAX);
    struct cell *c = &w->cells[w->cell_count++];

    *c = (struct cell){ .at = { at[0], at[1], at[2], at[3], at[4], at[5] }, .slot = slot };
    w->slots[slot] = (uint32_t)w->cell_count;
    return c;
}

static void cells_begin(struct usage_writer *w)
{
    for (size_t i = 0; i < w->cell_count; i++)
        w->slots[w->cells[i].slot] = 0;
    w->cell_count = 0;
}

static int64_t known(int64_t n)
{
    return n > 0 ? n : 0;
}

static void sum_tokens(int64_t *sums, const struct usage_tokens *t)
{
    sums[0] += known(t->in);
    sums[1] += known(t->out);
    sums[2] += known(t->cache_read);
    sums[3] += known(t->cache_write);
    sums[4] += known(t->reasoning);
}

static void sum_cost(struct cell *c, int64_t nano)
{
    c->sums[SUM_COST] += known(nano);
    c->sums[SUM_COST_UNKNOWN] += nano == USAGE_COST_UNKNOWN;
}

static void sum_row(struct usage_writer *w, const struct usage_row *row, const struct numbers *n)
{
    int64_t at[6] = { w->hour_s, n->key, n->asked, n->model, n->account, n->ending };
    struct cell *c = cell_of(w, at);

    c->sums[SUM_REQUESTS]++;
    c->sums[SUM_ATTEMPTS] += row->attempt_count > row->kept ? row->attempt_count - row->kept : 0;
    c->sums[SUM_CHARGED] += row->charged;
    c->sums[SUM_DURATION_MS] += known(row->duration_ms);
    if (row->first_byte_ms >= 0) {
        c->sums[SUM_FIRST_BYTE_MS] += row->first_byte_ms;
        c->sums[SUM_FIRST_BYTES]++;
    }
    sum_tokens(&c->sums[SUM_FAILED_IN], &row->beyond);
    for (uint32_t i = 0; i < row->kept; i++) {
        const struct usage_attempt *a = &row->attempts[i];
        bool last = i + 1 == row->kept;

        at[4] = a->account;
        c = cell_of(w, at);
        c->sums[SUM_ATTEMPTS]++;
        sum_tokens(&c->sums[last ? SUM_IN : SUM_FAILED_IN], &a->tokens);
        sum_cost(c, a->cost_nano);
        if (last && row->complete && !row->free && a->tokens.in < 0 && a->tokens.out < 0)
            c->sums[SUM_UNKNOWN]++;
    }
}

static enum status cell_write(struct usage_db *u, const struct cell *c, enum statement to,
                              int64_t start_s, struct error *e)
{
    sqlite3_stmt *q = u->rows->q[to];
    bool bound = sqlite3_bind_int64(q, 1, start_s) == SQLITE_OK;
    int64_t nothing;

    for (int i = 1; i < 6; i++)
        bound = bound && sqlite3_bind_int64(q, i + 1, c->at[i]) == SQLITE_OK;
    for (int i = 0; i < SUMS; i++)
        bound = bound && sqlite3_bind_int64(q, i + 7, c->sums[i]) == SQLITE_OK;
    return run_for(u, q, bound, &nothing, e);
}

static enum status cells_write(struct usage_db *u, struct error *e)
{
    struct usage_writer *w = u->rows;
    enum status st = OK;

    for (size_t i = 0; i < w->cell_count && st == OK; i++) {
        int64_t hour_s = w->cells[i].at[0];

        st = cell_write(u, &w->cells[i], HOUR_ADD, hour_s, e);
        if (st == OK)
            st = cell_write(u, &w->cells[i], DAY_ADD, zone_day(hour_s), e);
    }
    return st;
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool bind_known(sqlite3_stmt *q, int index, int64_t n)
{
    return (n < 0 ? sqlite3_bind_null(q, index) : sqlite3_bind_int64(q, index, n)) == SQLITE_OK;
}

static bool bind_tokens(sqlite3_stmt *q, int index, const struct usage_tokens *t)
{
    return bind_known(q, index, t->in) && bind_known(q, index + 1, t->out) &&
           bind_known(q, index + 2, t->cache_read) && bind_known(q, index + 3, t->cache_write) &&
           bind_known(q, index + 4, t->reasoning);
}

static enum status numbers_look(struct usage_db *u, const struct usage_row *row, struct numbers *n,
                                struct error *e)
{
    enum status st = key_number(u, row, &n->key, e);

    if (st == OK)
        st = word_number(u, row->client, &n->client, e);
    if (st == OK)
        st = word_number(u, row->protocol, &n->protocol, e);
    if (st == OK)
        st = word_number(u, row->model, &n->asked, e);
    if (st == OK)
        st = word_number(u, row->mapped, &n->model, e);
    if (st == OK)
        st = word_number(u, row->ending, &n->ending, e);
    for (uint32_t i = 0; i < row->kept && st == OK; i++)
        st = account_note(u, &row->attempts[i], e);
    n->account = row->kept > 0 ? row->attempts[row->kept - 1].account : 0;
    return st;
}

/* All names of a row behind one another, apart by a byte that no name has. */
#define KIND_MAX \
    (sizeof(((struct usage_row *)NULL)->key_id) + sizeof(int64_t) + 8 * (USAGE_NAME_MAX + 1))
static struct str kind_of(const struct usage_row *row, char text[KIND_MAX])
{
    const struct usage_attempt *a = &row->attempts[0];
    const struct str names[] = { row->key,    row->client, row->protocol, row->model,
                                 row->mapped, row->ending, a->label,      a->provider };
    char *at = text;

    memcpy(at, row->key_id, sizeof(row->key_id));
    at += sizeof(row->key_id);
    memcpy(at, &a->account, sizeof(a->account));
    at += sizeof(a->account);
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t len = names[i].len < USAGE_NAME_MAX ? names[i].len : USAGE_NAME_MAX;

        if (len > 0)
            memcpy(at, names[i].at, len);
        at += len;
        *at++ = '\xff';
    }
    return (struct str){ text, (size_t)(at - text) };
}

static size_t kind_place(struct str name)
{
    uint64_t h = name.len;
    size_t at = 0;

    for (uint64_t word; name.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, name.at + at, sizeof(word));
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return (size_t)(h >> 32) % KINDS_NEAR;
}

/* Most rows were answered at the first try, by an account that has done the like before. */
static enum status numbers_find(struct usage_db *u, const struct usage_row *row, struct numbers *n,
                                struct error *e)
{
    struct usage_writer *w = u->rows;
    char text[KIND_MAX];
    enum status st;

    if (row->kept != 1)
        return numbers_look(u, row, n, e);
    struct str name = kind_of(row, text);
    size_t place = kind_place(name);
    const struct kind *known = w->near[place];

    if (known == NULL || !str_eq((struct str){ known->text, known->len }, name))
        known = map_get(&w->kinds, name);
    if (known != NULL) {
        w->near[place] = known;
        *n = known->n;
        return OK;
    }
    st = numbers_look(u, row, n, e);
    if (st != OK)
        return st;
    if (w->kinds.count >= NAMES_MAX)
        names_forget(w);
    struct kind *kept = must_alloc(sizeof(*kept) + name.len);

    kept->n = *n;
    kept->len = name.len;
    memcpy(kept->text, name.at, name.len);
    (void)map_put(&w->kinds, name, kept);
    return OK;
}

static int64_t row_cost(const struct usage_row *row)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < row->kept; i++) {
        if (row->attempts[i].cost_nano == USAGE_COST_UNKNOWN)
            return USAGE_COST_UNKNOWN;
        sum += row->attempts[i].cost_nano;
    }
    return sum;
}

static struct usage_tokens row_failed(const struct usage_row *row)
{
    int64_t sums[5] = { 0 };

    sum_tokens(sums, &row->beyond);
    for (uint32_t i = 0; i + 1 < row->kept; i++)
        sum_tokens(sums, &row->attempts[i].tokens);
    return (struct usage_tokens){ .in = sums[0], .out = sums[1] };
}

static enum status request_add(struct usage_db *u, const struct usage_row *row,
                               const struct numbers *n, struct error *e)
{
    static const struct usage_tokens unknown = { -1, -1, -1, -1, -1 };
    sqlite3_stmt *q = u->rows->q[REQUEST_ADD];
    const struct usage_attempt *last = row->kept > 0 ? &row->attempts[row->kept - 1] : NULL;
    struct usage_tokens failed = row_failed(row);
    const int64_t columns[] = {
        n->key,     n->client, n->protocol, n->asked,    n->model,
        n->account, n->ending, row->stream, row->status, row->attempt_count
    };
    bool bound = sqlite3_bind_int64(q, 1, row->ended_unix_ms) == SQLITE_OK &&
                 bind_text(q, 2, row->request_id);
    int64_t nothing;

    for (size_t i = 0; i < COUNT(columns); i++)
        bound = bound && sqlite3_bind_int64(q, (int)i + 3, columns[i]) == SQLITE_OK;
    bound = bound && bind_tokens(q, 13, last != NULL ? &last->tokens : &unknown) &&
            sqlite3_bind_int64(q, 18, failed.in) == SQLITE_OK &&
            sqlite3_bind_int64(q, 19, failed.out) == SQLITE_OK &&
            sqlite3_bind_int64(q, 20, row->charged) == SQLITE_OK &&
            bind_known(q, 21, row_cost(row)) && bind_known(q, 22, row->first_byte_ms) &&
            sqlite3_bind_int64(q, 23, row->duration_ms) == SQLITE_OK;
    return run_for(u, q, bound, &nothing, e);
}

static enum status attempt_add(struct usage_db *u, int64_t request, const struct usage_attempt *a,
                               struct error *e)
{
    sqlite3_stmt *q = u->rows->q[ATTEMPT_ADD];
    int64_t verdict, nothing;
    enum status st = word_number(u, a->verdict, &verdict, e);

    if (st != OK)
        return st;
    bool bound = sqlite3_bind_int64(q, 1, request) == SQLITE_OK &&
                 sqlite3_bind_int64(q, 2, a->number) == SQLITE_OK &&
                 sqlite3_bind_int64(q, 3, a->account) == SQLITE_OK &&
                 sqlite3_bind_int64(q, 4, verdict) == SQLITE_OK &&
                 sqlite3_bind_int64(q, 5, a->status) == SQLITE_OK &&
                 bind_tokens(q, 6, &a->tokens) && bind_known(q, 11, a->cost_nano) &&
                 sqlite3_bind_int64(q, 12, a->duration_ms) == SQLITE_OK;

    return run_for(u, q, bound, &nothing, e);
}

static void hour_enter(struct usage_writer *w, int64_t ended_s)
{
    if (ended_s >= w->hour_s && ended_s < w->hour_s + 3600)
        return;
    w->hour_s = zone_hour(ended_s);
}

static enum status row_put(struct usage_db *u, const struct usage_row *row, struct error *e)
{
    struct usage_writer *w = u->rows;
    struct numbers n = { 0 };
    enum status st = numbers_find(u, row, &n, e);

    if (st == OK)
        st = request_add(u, row, &n, e);
    int64_t id = sqlite3_last_insert_rowid(u->db->db);

    /* an only attempt that succeeded says no more than its request */
    for (uint32_t i = 0; i < row->kept && st == OK; i++)
        if (row->attempt_count > 1 || !row->complete)
            st = attempt_add(u, id, &row->attempts[i], e);
    if (st == OK && w->cell_count + row->kept >= CELLS_MAX) {
        st = cells_write(u, e);
        cells_begin(w);
    }
    if (st == OK) {
        hour_enter(w, row->ended_unix_ms / 1000);
        sum_row(w, row, &n);
    }
    return st;
}

enum status usage_rows_put(struct usage_db *u, const struct usage_row *const *rows, size_t count,
                           struct error *e)
{
    enum status st = writer_make(u, e);

    assert(count <= USAGE_ROWS_MAX);
    if (st == OK)
        st = store_run(u->db, "BEGIN IMMEDIATE", e);
    if (st != OK)
        return st;
    cells_begin(u->rows);
    for (size_t i = 0; i < count && st == OK; i++)
        st = row_put(u, rows[i], e);
    if (st == OK)
        st = cells_write(u, e);
    if (st == OK)
        st = store_run(u->db, "COMMIT", e);
    if (st != OK) {
        (void)sqlite3_exec(u->db->db, "ROLLBACK", NULL, NULL, NULL);
        names_forget(u->rows); /* some were of this transaction */
    }
    return st;
}

/* --- what is too old -------------------------------------------------------------------------- */

#define PRUNE_ROWS "4000"
#define PRUNE_ROWS_N 4000
#define DAY_MS (INT64_C(24) * 3600 * 1000)

static enum status delete_before(struct usage_db *u, const char *sql, int64_t before, int *changed,
                                 struct error *e)
{
    sqlite3_stmt *q = NULL;
    enum status st = store_prepare(u->db, sql, &q, e);

    if (st != OK)
        return st;
    (void)sqlite3_bind_int64(q, 1, before);
    st = store_finish(u->db, q, e);
    *changed = st == OK ? sqlite3_changes(u->db->db) : 0;
    return st;
}

/* Bytes of the file that hold something. */
static enum status bytes_used(struct usage_db *u, int64_t *bytes, struct error *e)
{
    int64_t pages, unused, size;
    enum status st = store_number(u->db, "PRAGMA page_count", &pages, e);

    if (st == OK)
        st = store_number(u->db, "PRAGMA freelist_count", &unused, e);
    if (st == OK)
        st = store_number(u->db, "PRAGMA page_size", &size, e);
    if (st == OK)
        *bytes = (pages - unused) * size;
    return st;
}

static enum status delete_oldest(struct usage_db *u, int64_t before_ms, int *changed,
                                 struct error *e)
{
    enum status st = delete_before(
        u,
        "DELETE FROM request WHERE id IN (SELECT id FROM request ORDER BY id LIMIT " PRUNE_ROWS ")"
        " AND ended < ?1",
        before_ms, changed, e);
    int ignored;

    if (st == OK && *changed > 0)
        st = delete_before(u,
                           "DELETE FROM attempt WHERE request <"
                           " (SELECT coalesce(min(id), ?1) FROM request)",
                           INT64_MAX, &ignored, e);
    return st;
}

static enum status delete_words(struct usage_db *u, struct error *e)
{
    int64_t count = 0;
    enum status st = store_number(u->db, "SELECT count(*) FROM word", &count, e);

    if (st != OK || count <= WORDS_MAX)
        return st;
    if (u->rows != NULL)
        names_forget(u->rows);
    return store_run(
        u->db,
        "DELETE FROM word WHERE id NOT IN (SELECT client FROM request UNION SELECT protocol FROM"
        " request UNION SELECT asked FROM request UNION SELECT model FROM request UNION SELECT"
        " ending FROM request UNION SELECT verdict FROM attempt UNION SELECT asked FROM day UNION"
        " SELECT model FROM day UNION SELECT ending FROM day UNION SELECT asked FROM hour UNION"
        " SELECT model FROM hour UNION SELECT ending FROM hour)",
        e);
}

enum status usage_rows_prune(struct usage_db *u, int64_t unix_ms, int64_t days, int64_t bytes,
                             bool *more, struct error *e)
{
    int64_t before_ms = unix_ms - days * DAY_MS, used = 0;
    int changed = 0, ignored = 0;
    enum status st = delete_oldest(u, before_ms, &changed, e);

    *more = false;
    if (st == OK && changed < PRUNE_ROWS_N) {
        st = delete_before(u, "DELETE FROM hour WHERE start < ?1", before_ms / 1000, &ignored, e);
        if (st == OK)
            st = delete_before(u, "DELETE FROM day WHERE start < ?1",
                               (unix_ms - USAGE_DAYS_KEPT * DAY_MS) / 1000, &ignored, e);
        if (st == OK)
            st = bytes_used(u, &used, e);
        if (st == OK && used > bytes)
            st = delete_oldest(u, INT64_MAX, &changed, e);
        else
            changed = 0;
        if (st == OK && changed == 0)
            st = delete_words(u, e);
    }
    if (st == OK)
        st = store_run(u->db, "PRAGMA incremental_vacuum(2000)", e);
    *more = st == OK && changed > 0;
    return st;
}
