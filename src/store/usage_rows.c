/* store/usage_rows.c - rows of requests and their sums, written; and what is too old, removed.
 *
 * Rows go into the open pack, which is written with each batch until it is large enough: so a few
 * requests cost one page, and many cost little more than their bytes. */
#include "store/usage_rows.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/utf8.h"
#include "io/crypto.h"
#include "io/zone.h"
#include "store/usage_int.h"

/* What the tables of sums add up, in the order of their columns. */
#define SUM_TABLE(X)      \
    X(REQUESTS)           \
    X(ATTEMPTS)           \
    X(IN)                 \
    X(OUT)                \
    X(CACHE_READ)         \
    X(CACHE_WRITE)        \
    X(REASONING)          \
    X(UNKNOWN)            \
    X(FAILED_IN)          \
    X(FAILED_OUT)         \
    X(FAILED_CACHE_READ)  \
    X(FAILED_CACHE_WRITE) \
    X(FAILED_REASONING)   \
    X(CHARGED) X(COST) X(COST_UNKNOWN) X(FIRST_BYTE_MS) X(FIRST_BYTES) X(DURATION_MS)
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
    BLOCK_PUT,
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
    [BLOCK_PUT] = "INSERT INTO request_block(first, rows, since, until, pack)"
                  " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(first) DO UPDATE SET rows ="
                  " excluded.rows, since = excluded.since, until = excluded.until,"
                  " pack = excluded.pack",
    [HOUR_ADD] = ADD_TO("hour"),
    [DAY_ADD] = ADD_TO("day"),
};

/* A pack that is so large is not written again: what one page of the file holds. */
#define PACK_SMALL 3800
#define PACK_SPAN_MS (INT64_C(24) * 3600 * 1000) /* its rows end within */

#define KINDS_NEAR 512
#define KINDS_MAX 8192
#define CELLS_NEAR 8

/* What was found for names that rows have, or for who was asked. */
struct kind {
    int64_t key, asked, model, ending; /* numbers of names; of names only */
    /* of the open pack: its number there, if the age is the pack's */
    uint64_t pack_age;
    uint32_t packed;
    /* sums, of names, for accounts that are near: if the age is that of the cells */
    struct {
        uint64_t age;
        int64_t account;
        struct cell *cell;
    } cells[CELLS_NEAR];
    size_t len;
    char text[]; /* all of it together */
};

/* What a row points to, met in this batch. */
struct met {
    const void *what;
    struct kind *kind;
};

struct usage_writer {
    sqlite3_stmt *q[STATEMENTS];
    struct map names; /* what is named, to its number + 1 */
    struct map kinds; /* by their text */
    /* of them, the last one found at each place of a weak hash, so that the map's strong one is
     * seldom needed */
    struct kind *near[KINDS_NEAR];
    struct met *met;
    uint32_t met_count, met_room;
    struct pack pack; /* the open one */
    int64_t first;    /* number of its first row; 0: there is none yet */
    uint64_t pack_age, cells_age;
    void (*added)(void *peer, const struct usage_added *sum);
    void *added_peer;
    struct cell *cells;
    uint32_t *slots; /* of CELLS_MAX * 2: number of a cell + 1 */
    size_t cell_count;
    int64_t hour_s; /* of the last row */
};

/* --- life ------------------------------------------------------------------------------------ */

static void kinds_forget(struct usage_writer *w)
{
    const uint64_t key[2] = { w->kinds.key[0], w->kinds.key[1] };
    const struct map_entry *e;

    for (uint32_t i = 0; (e = map_at(&w->kinds, &i)) != NULL;)
        free(e->value);
    map_clear(&w->kinds);
    map_init(&w->kinds, key);
    memset(w->near, 0, sizeof(w->near));
    w->met_count = 0;
}

void usage_writer_free(struct usage_writer *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(w->q[i]);
    kinds_forget(w);
    map_clear(&w->kinds);
    map_clear(&w->names);
    pack_clear(&w->pack);
    free(w->met);
    free(w->cells);
    free(w->slots);
    free(w);
}

static void names_forget(struct usage_writer *w)
{
    const uint64_t key[2] = { w->names.key[0], w->names.key[1] };

    map_clear(&w->names);
    map_init(&w->names, key);
}

enum status usage_writer_make(struct usage_db *u, struct error *e)
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

static enum status key_number(struct usage_db *u, const struct usage_names *row, int64_t *number,
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
static enum status account_note(struct usage_db *u, const struct usage_who *a, struct error *e)
{
    struct usage_writer *w = u->rows;
    sqlite3_stmt *q = w->q[ACCOUNT_PUT];
    struct str label = clipped(a->label), provider = clipped(a->provider);
    char key[1 + sizeof(a->account)] = "a";
    uint64_t called = siphash(w->names.key, label) ^ siphash(w->kinds.key, provider) * 3;
    int64_t number, before;

    memcpy(key + 1, &a->account, sizeof(a->account));
    called &= INT32_MAX;
    if (name_known(w, (struct str){ key, sizeof(key) }, &before) && before == (int64_t)called)
        return OK;
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
    w->cells_age++;
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

/* The cell of what a row has in common and an account: mostly one of those just before it. */
static inline struct cell *cell_near(struct usage_writer *w, struct kind *k, int64_t account)
{
    size_t near = (uint64_t)account * UINT64_C(0x9e3779b97f4a7c15) >> 61;

    if (k->cells[near].age != w->cells_age || k->cells[near].account != account) {
        const int64_t at[6] = { w->hour_s, k->key, k->asked, k->model, account, k->ending };

        k->cells[near].cell = cell_of(w, at);
        k->cells[near].age = w->cells_age;
        k->cells[near].account = account;
    }
    return k->cells[near].cell;
}
_Static_assert(CELLS_NEAR == 1 << (64 - 61), "three bits choose one");

static void sum_row(struct usage_writer *w, const struct usage_row *row, struct kind *k)
{
    int64_t account = row->kept > 0 ? row->attempts[row->kept - 1].who->account : 0;
    struct cell *c = cell_near(w, k, account);

    c->sums[SUM_REQUESTS]++;
    c->sums[SUM_ATTEMPTS] += row->attempt_count > row->kept ? row->attempt_count - row->kept : 0;
    c->sums[SUM_CHARGED] += row->charged;
    c->sums[SUM_DURATION_MS] += known(row->duration_ms);
    if (row->first_byte_ms >= 0) {
        c->sums[SUM_FIRST_BYTE_MS] += row->first_byte_ms;
        c->sums[SUM_FIRST_BYTES]++;
    }
    if (row->attempt_count > row->kept)
        sum_tokens(&c->sums[SUM_FAILED_IN], &row->beyond);
    for (uint32_t i = 0; i < row->kept; i++) {
        const struct usage_attempt *a = &row->attempts[i];
        bool last = i + 1 == row->kept;

        c = cell_near(w, k, a->who->account);
        c->sums[SUM_ATTEMPTS]++;
        sum_tokens(&c->sums[last ? SUM_IN : SUM_FAILED_IN], &a->tokens);
        sum_cost(c, a->cost_nano);
        if (last && row->names->complete && !row->names->free && a->tokens.in < 0 &&
            a->tokens.out < 0)
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
        const int64_t *sums = w->cells[i].sums;
        int64_t hour_s = w->cells[i].at[0];

        w->added(w->added_peer, &(struct usage_added){
                                    .account = w->cells[i].at[4],
                                    .hour_s = hour_s,
                                    .requests = sums[SUM_REQUESTS],
                                    .tokens_in = sums[SUM_IN] + sums[SUM_FAILED_IN],
                                    .tokens_out = sums[SUM_OUT] + sums[SUM_FAILED_OUT],
                                });
        st = cell_write(u, &w->cells[i], HOUR_ADD, hour_s, e);
        if (st == OK)
            st = cell_write(u, &w->cells[i], DAY_ADD, zone_day(hour_s), e);
    }
    return st;
}

/* --- what rows have in common ---------------------------------------------------------------- */

#define KIND_MAX 1024

/* Texts behind one another, apart by a byte that none of them has. */
static size_t kind_texts(char *at, const struct str *texts, size_t count)
{
    const char *from = at;

    for (size_t i = 0; i < count; i++) {
        size_t len = texts[i].len < USAGE_NAME_MAX ? texts[i].len : USAGE_NAME_MAX;

        if (len > 0)
            memcpy(at, texts[i].at, len);
        at += len;
        *at++ = '\xff';
    }
    return (size_t)(at - from);
}

static struct str names_text(const struct usage_names *n, char text[KIND_MAX])
{
    const struct str texts[] = { n->key, n->client, n->protocol, n->model, n->mapped, n->ending };
    const struct {
        char key_id[16];
        int32_t what, status;
    } head = { .what = 1 | n->stream << 1 | n->complete << 2 | n->free << 3, .status = n->status };

    _Static_assert(sizeof(head) + COUNT(texts) * (USAGE_NAME_MAX + 1) <= KIND_MAX, "it fits");
    memcpy(text, &head, sizeof(head));
    memcpy(text, n->key_id, sizeof(n->key_id));
    return (struct str){ text,
                         sizeof(head) + kind_texts(text + sizeof(head), texts, COUNT(texts)) };
}

static struct str who_text(const struct usage_who *w, char text[KIND_MAX])
{
    const struct str texts[] = { w->label, w->provider, w->verdict };
    const struct {
        int64_t account;
        int32_t what, status;
    } head = { .account = w->account, .what = 0, .status = w->status };

    memcpy(text, &head, sizeof(head));
    return (struct str){ text,
                         sizeof(head) + kind_texts(text + sizeof(head), texts, COUNT(texts)) };
}

static size_t kind_place(struct str text)
{
    uint64_t h = text.len;
    size_t at = 0;

    for (uint64_t word; text.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text.at + at, sizeof(word));
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return (size_t)(h >> 32) % KINDS_NEAR;
}

/* NULL: it is new. */
static struct kind *kind_find(struct usage_writer *w, struct str text)
{
    size_t place = kind_place(text);
    struct kind *k = w->near[place];

    if (k != NULL && str_eq((struct str){ k->text, k->len }, text))
        return k;
    k = map_get(&w->kinds, text);
    if (k != NULL)
        w->near[place] = k;
    return k;
}

static struct kind *kind_make(struct usage_writer *w, struct str text)
{
    struct kind *k = must_calloc(1, sizeof(*k) + text.len);

    k->len = text.len;
    memcpy(k->text, text.at, text.len);
    (void)map_put(&w->kinds, text, k);
    return k;
}

static inline struct kind *met_before(const struct usage_writer *w, const void *what, uint32_t met)
{
    return met > 0 && met <= w->met_count && w->met[met - 1].what == what ? w->met[met - 1].kind
                                                                          : NULL;
}

static uint32_t met_now(struct usage_writer *w, const void *what, struct kind *k)
{
    if (w->met_count == w->met_room) {
        w->met_room = w->met_room > 0 ? w->met_room * 2 : 256;
        w->met = must_realloc(w->met, w->met_room * sizeof(w->met[0]));
    }
    w->met[w->met_count++] = (struct met){ what, k };
    return w->met_count;
}

static enum status numbers_look(struct usage_db *u, const struct usage_names *n, struct kind *k,
                                struct error *e)
{
    enum status st = key_number(u, n, &k->key, e);

    if (st == OK)
        st = word_number(u, n->model, &k->asked, e);
    if (st == OK)
        st = word_number(u, n->mapped, &k->model, e);
    if (st == OK)
        st = word_number(u, n->ending, &k->ending, e);
    return st;
}

static enum status names_look_up(struct usage_db *u, struct usage_names *n, struct kind **k,
                                 struct error *e)
{
    struct usage_writer *w = u->rows;
    char text[KIND_MAX];
    enum status st = OK;
    struct str all = names_text(n, text);

    *k = kind_find(w, all);
    if (*k == NULL) {
        struct kind found = { 0 };

        st = numbers_look(u, n, &found, e);
        if (st != OK)
            return st;
        *k = kind_make(w, all);
        (*k)->key = found.key;
        (*k)->asked = found.asked;
        (*k)->model = found.model;
        (*k)->ending = found.ending;
    }
    n->met = met_now(w, n, *k);
    return OK;
}

static enum status who_look_up(struct usage_db *u, struct usage_who *a, struct kind **k,
                               struct error *e)
{
    struct usage_writer *w = u->rows;
    char text[KIND_MAX];
    enum status st = account_note(u, a, e); /* it may have been called otherwise meanwhile */

    if (st != OK)
        return st;
    struct str all = who_text(a, text);

    *k = kind_find(w, all);
    if (*k == NULL)
        *k = kind_make(w, all);
    a->met = met_now(w, a, *k);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

enum status usage_block_put(struct usage_db *u, int64_t first, const struct pack *p,
                            struct error *e)
{
    sqlite3_stmt *q = u->rows->q[BLOCK_PUT];
    bool bound = sqlite3_bind_int64(q, 1, first) == SQLITE_OK &&
                 sqlite3_bind_int64(q, 2, p->rows) == SQLITE_OK &&
                 sqlite3_bind_int64(q, 3, p->since_ms) == SQLITE_OK &&
                 sqlite3_bind_int64(q, 4, p->until_ms) == SQLITE_OK &&
                 sqlite3_bind_blob64(q, 5, p->bytes, p->used, SQLITE_STATIC) == SQLITE_OK;
    int64_t nothing;

    return run_for(u, q, bound, &nothing, e);
}

static void pack_next(struct usage_writer *w)
{
    w->first += w->pack.rows;
    w->pack_age++;
    pack_begin(&w->pack);
}

/* The open pack, for the first rows of a batch. */
static enum status pack_open(struct usage_db *u, struct error *e)
{
    struct usage_writer *w = u->rows;

    if (w->first > 0) {
        if (w->pack.used >= PACK_SMALL)
            pack_next(w);
        return OK;
    }
    enum status st = store_number(
        u->db,
        "SELECT max(coalesce((SELECT first + rows FROM request_block ORDER BY first DESC LIMIT 1),"
        " 1), coalesce((SELECT max(id) + 1 FROM request_old), 1))",
        &w->first, e);

    if (st == OK) {
        w->pack.rows = 0;
        pack_next(w);
    }
    return st;
}

bool usage_row_fits(const struct pack *p, int64_t ended_unix_ms)
{
    return !pack_is_full(p) && (p->rows == 0 || (ended_unix_ms - p->since_ms < PACK_SPAN_MS &&
                                                 p->until_ms - ended_unix_ms < PACK_SPAN_MS));
}

static uint32_t names_packed(struct usage_writer *w, struct kind *k, const struct usage_names *n)
{
    if (k->pack_age != w->pack_age) {
        k->packed = pack_names(&w->pack, n);
        k->pack_age = w->pack_age;
    }
    return k->packed;
}

static uint32_t who_packed(struct usage_writer *w, struct kind *k, const struct usage_who *a)
{
    if (k->pack_age != w->pack_age) {
        k->packed = pack_who(&w->pack, a);
        k->pack_age = w->pack_age;
    }
    return k->packed;
}

static void hour_enter(struct usage_writer *w, int64_t ended_s)
{
    if (ended_s >= w->hour_s && ended_s < w->hour_s + 3600)
        return;
    w->hour_s = zone_hour(ended_s);
    w->cells_age++; /* those at hand are of another hour */
}

enum status usage_batch_put(struct usage_db *u, const struct usage_row *row, struct error *e)
{
    struct usage_writer *w = u->rows;
    struct kind *names = NULL, *who = NULL;
    uint32_t whos[USAGE_ATTEMPTS_MAX];
    enum status st = OK;

    assert(row->kept <= USAGE_ATTEMPTS_MAX);
    if (w->kinds.count >= KINDS_MAX)
        kinds_forget(w);
    if (!usage_row_fits(&w->pack, row->ended_unix_ms)) {
        st = usage_block_put(u, w->first, &w->pack, e);
        pack_next(w);
    }
    names = met_before(w, row->names, row->names->met);
    if (names == NULL && st == OK)
        st = names_look_up(u, row->names, &names, e);
    for (uint32_t i = 0; i < row->kept && st == OK; i++) {
        struct usage_who *a = row->attempts[i].who;

        who = met_before(w, a, a->met);
        if (who == NULL)
            st = who_look_up(u, a, &who, e);
        if (st == OK)
            whos[i] = who_packed(w, who, a);
    }
    if (st == OK && w->cell_count + row->kept >= CELLS_MAX) {
        st = cells_write(u, e);
        cells_begin(w);
    }
    if (st != OK)
        return st;
    pack_row(&w->pack, row, names_packed(w, names, row->names), whos);
    hour_enter(w, row->ended_unix_ms / 1000);
    sum_row(w, row, names);
    return OK;
}

/* What is remembered may be of a transaction that was rolled back, or of rows that are gone. */
static void forget(struct usage_writer *w)
{
    names_forget(w);
    kinds_forget(w);
    w->first = 0;
}

enum status usage_batch_begin(struct usage_db *u,
                              void (*added)(void *peer, const struct usage_added *sum), void *peer,
                              struct error *e)
{
    enum status st = usage_writer_make(u, e);

    if (st == OK)
        st = store_run(u->db, "BEGIN IMMEDIATE", e);
    if (st != OK)
        return st;
    struct usage_writer *w = u->rows;

    w->added = added;
    w->added_peer = peer;
    w->met_count = 0;
    cells_begin(w);
    st = pack_open(u, e);
    return st == OK ? OK : usage_batch_end(u, st, e);
}

enum status usage_batch_end(struct usage_db *u, enum status st, struct error *e)
{
    struct usage_writer *w = u->rows;

    if (st == OK && w->pack.rows > 0)
        st = usage_block_put(u, w->first, &w->pack, e);
    if (st == OK)
        st = cells_write(u, e);
    if (st == OK)
        st = store_run(u->db, "COMMIT", e);
    if (st != OK) {
        (void)sqlite3_exec(u->db->db, "ROLLBACK", NULL, NULL, NULL);
        forget(w);
    }
    return st;
}

/* --- what is too old -------------------------------------------------------------------------- */

#define PRUNE_BLOCKS "200"
#define PRUNE_BLOCKS_N 200
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

/* The open pack is begun anew: its first rows may be gone. */
static enum status delete_oldest(struct usage_db *u, int64_t before_ms, int *changed,
                                 struct error *e)
{
    enum status st = delete_before(
        u,
        "DELETE FROM request_block WHERE first IN (SELECT first FROM request_block ORDER BY first"
        " LIMIT " PRUNE_BLOCKS ") AND until < ?1",
        before_ms, changed, e);

    if (u->rows != NULL && *changed > 0)
        forget(u->rows);
    return st;
}

static enum status delete_words(struct usage_db *u, struct error *e)
{
    int64_t count = 0;
    enum status st = store_number(u->db, "SELECT count(*) FROM word", &count, e);

    if (st != OK || count <= WORDS_MAX)
        return st;
    if (u->rows != NULL)
        forget(u->rows);
    return store_run(u->db,
                     "DELETE FROM word WHERE id NOT IN (SELECT asked FROM day UNION SELECT model"
                     " FROM day UNION SELECT ending FROM day UNION SELECT asked FROM hour UNION"
                     " SELECT model FROM hour UNION SELECT ending FROM hour)",
                     e);
}

enum status usage_rows_prune(struct usage_db *u, int64_t unix_ms, int64_t days, int64_t bytes,
                             bool *more, struct error *e)
{
    int64_t before_ms = unix_ms - days * DAY_MS, used = 0;
    int changed = 0, ignored = 0;
    enum status st = usage_old_pack(u, more, e);

    if (st != OK || *more)
        return st;
    st = delete_oldest(u, before_ms, &changed, e);
    if (st == OK && changed < PRUNE_BLOCKS_N) {
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
