/* tests/unit/store/test_usage_rows.c - rows of requests and their sums: they always agree, they end
 * in time, and a database that fails takes none of a batch or all of it. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "io/zone.h"
#include "store/usage_rows.h"
#include "store_rig.h"

#define NOW_S INT64_C(1795957456) /* 2026-11-29T13:04:16Z */
#define NOW (NOW_S * 1000)
#define DAY_MS (INT64_C(24) * 3600 * 1000)

static struct usage_db *usage_of(struct test *t, const struct rig *r)
{
    struct usage_db *u = NULL;
    struct error e = { 0 };

    setenv("TZ", "UTC", 1);
    CHECK_INT(usage_open(r->folder, NOW, &u, &e), OK, "%s", e.text);
    return u;
}

static const struct usage_tokens unknown = { -1, -1, -1, -1, -1 };

#define ATTEMPTS 6

struct made {
    struct usage_row row;
    struct usage_names names;
    struct usage_attempt attempts[ATTEMPTS];
    struct usage_who whos[ATTEMPTS];
};

/* One that one account answered. */
static void make(struct made *m, const char *key, int64_t ended_unix_ms, int64_t in, int64_t out)
{
    *m = (struct made){ .row = { .request_id = STR("req_0123456789abcdef01234567"),
                                 .ended_unix_ms = ended_unix_ms,
                                 .names = &m->names,
                                 .charged = in + out,
                                 .first_byte_ms = 10,
                                 .duration_ms = 20,
                                 .attempt_count = 1,
                                 .kept = 1,
                                 .attempts = m->attempts },
                        .names = { .key = str_c(key),
                                   .client = STR("test"),
                                   .protocol = STR("anthropic"),
                                   .model = STR("asked"),
                                   .mapped = STR("mapped"),
                                   .ending = STR("complete"),
                                   .complete = true,
                                   .status = 200 } };
    if (key[0] != '\0')
        memcpy(m->names.key_id, key, strlen(key) < 16 ? strlen(key) : 16);
    for (uint32_t i = 0; i < ATTEMPTS; i++) {
        m->whos[i] = (struct usage_who){ .account = 7,
                                         .label = STR("ada"),
                                         .provider = STR("anthropic"),
                                         .verdict = STR("success"),
                                         .status = 200 };
        m->attempts[i] = (struct usage_attempt){ .who = &m->whos[i],
                                                 .number = i + 1,
                                                 .tokens = { in, out, 1, -1, 2 },
                                                 .cost_nano = 1000,
                                                 .duration_ms = 15 };
    }
}

static void added_nobody(void *peer, const struct usage_added *sum)
{
    (void)peer;
    (void)sum;
}

/* One batch. */
static enum status put_all(struct usage_db *u, const struct usage_row *const *rows, size_t count,
                           struct error *e)
{
    enum status st = usage_batch_begin(u, added_nobody, NULL, e);

    if (st != OK)
        return st;
    for (size_t i = 0; i < count && st == OK; i++)
        st = usage_batch_put(u, rows[i], e);
    return usage_batch_end(u, st, e);
}

static void put(struct test *t, struct usage_db *u, const struct made *m)
{
    const struct usage_row *row = &m->row;
    struct error e = { 0 };

    CHECK_INT(put_all(u, &row, 1, &e), OK, "%s", e.text);
}

/* What rows say that are there. */
struct told {
    int64_t rows, attempts, in, out, failed_in, charged, duration_ms, cost_unknown;
    int64_t in_hour[24 * 5]; /* rows, by the hour before NOW in which they ended */
    char ids[64][USAGE_NAME_MAX + 1];
};

static bool tell(void *peer, const struct usage_row *row)
{
    struct told *told = peer;

    if (told->rows < 64)
        snprintf(told->ids[told->rows], sizeof(told->ids[0]), "%.*s", STR_ARG(row->request_id));
    told->rows++;
    told->attempts += row->attempt_count;
    told->charged += row->charged;
    told->duration_ms += row->duration_ms;
    told->failed_in += row->beyond.in;
    int64_t hour = zone_hour(NOW_S) / 3600 - row->ended_unix_ms / 3600000;

    if (hour >= 0 && hour < (int64_t)COUNT(told->in_hour))
        told->in_hour[hour]++;
    for (uint32_t i = 0; i < row->kept; i++) {
        const struct usage_attempt *a = &row->attempts[i];

        told->cost_unknown += a->cost_nano == USAGE_COST_UNKNOWN;
        if (a->tokens.in > 0)
            *(i + 1 == row->kept ? &told->in : &told->failed_in) += a->tokens.in;
        if (a->tokens.out > 0 && i + 1 == row->kept)
            told->out += a->tokens.out;
    }
    return true;
}

static void read_all(struct test *t, struct usage_db *u, struct told *told)
{
    struct usage_range all = { INT64_MAX, INT64_MAX, INT64_MIN, INT64_MAX };
    struct error e = { 0 };
    int64_t next = -1;

    *told = (struct told){ 0 };
    CHECK_INT(usage_rows_list(u, &all, tell, told, &next, &e), OK, "%s", e.text);
    CHECK_INT(next, 0);
}

static int64_t rows_there(struct test *t, struct usage_db *u)
{
    struct told told;

    read_all(t, u, &told);
    return told.rows;
}

struct seen {
    struct usage_sum sums[64];
    char names[64][32];
    size_t count;
};

static void see(void *peer, const struct usage_sum *sum)
{
    struct seen *s = peer;

    if (s->count == COUNT(s->sums))
        return;
    s->sums[s->count] = *sum;
    snprintf(s->names[s->count], sizeof(s->names[0]), "%.*s", STR_ARG(sum->name));
    s->count++;
}

static void ask(struct test *t, struct usage_db *u, const struct usage_query *q, struct seen *s)
{
    struct error e = { 0 };
    struct usage_query copy = *q;

    s->count = 0;
    copy.limit = 64;
    copy.to_s = q->to_s != 0 ? q->to_s : INT64_MAX;
    CHECK_INT(usage_sums(u, &copy, see, s, &e), OK, "%s", e.text);
}

TEST(an_attempt_counts_for_the_account_that_made_it)
{
    struct made m;
    struct told told;
    struct seen s;
    struct rig r;

    make(&m, "ci", NOW, 100, 10);
    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    /* another account failed before, in the middle of its answer */
    m.whos[0] = (struct usage_who){ .account = 8,
                                    .label = STR("ben"),
                                    .provider = STR("openai"),
                                    .verdict = STR("server_error"),
                                    .status = 200 };
    m.attempts[0].tokens = (struct usage_tokens){ 40, 4, -1, -1, -1 };
    m.attempts[0].cost_nano = USAGE_COST_UNKNOWN;
    m.row.attempt_count = m.row.kept = 2;
    put(t, u, &m);
    ask(t, u, &(struct usage_query){ .by = USAGE_BY_ACCOUNT }, &s);
    CHECK_INT(s.count, 2);
    CHECK_STR(str_c(s.names[0]), "ada"); /* spent more */
    CHECK_INT(s.sums[0].id, 7);
    CHECK_INT(s.sums[0].requests, 1);
    CHECK_INT(s.sums[0].complete, 1);
    CHECK_INT(s.sums[0].attempts, 1);
    CHECK_INT(s.sums[0].tokens.in, 100);
    CHECK_INT(s.sums[0].tokens.out, 10);
    CHECK_INT(s.sums[0].tokens.reasoning, 2);
    CHECK_INT(s.sums[0].failed.in, 0);
    CHECK_INT(s.sums[0].cost_nano, 1000);
    CHECK_INT(s.sums[0].charged, 110);
    CHECK_STR(str_c(s.names[1]), "ben");
    CHECK_INT(s.sums[1].requests, 0);
    CHECK_INT(s.sums[1].attempts, 1);
    CHECK_INT(s.sums[1].tokens.in, 0);
    CHECK_INT(s.sums[1].failed.in, 40);
    CHECK_INT(s.sums[1].failed.out, 4);
    CHECK_INT(s.sums[1].cost_unknown, 1);
    read_all(t, u, &told);
    CHECK_INT(told.rows, 1);
    CHECK_INT(told.failed_in, 40);
    CHECK_INT(told.attempts, 2);
    CHECK_INT(told.cost_unknown, 1);
    usage_close(u);
    rig_end(&r);
}

TEST(an_account_is_shown_as_it_was_called_last)
{
    static const char *const labels[] = { "ada", "ada", "ben", "ben", "ada" };
    struct made m;
    struct seen s;
    struct rig r;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    for (size_t i = 0; i < COUNT(labels); i++) {
        make(&m, "ci", NOW, 10, 1);
        m.whos[0].label = str_c(labels[i]);
        put(t, u, &m);
        ask(t, u, &(struct usage_query){ .by = USAGE_BY_ACCOUNT }, &s);
        CHECK_INT(s.count, 1);
        CHECK_STR(str_c(s.names[0]), labels[i], "row %zu", i);
        CHECK_INT(s.sums[0].requests, i + 1);
    }
    usage_close(u);
    rig_end(&r);
}

static void make_random(struct test *t, struct made *m)
{
    static const char *const keys[] = { "", "ci", "laptop" };
    static const char *const models[] = { "m1", "m2", "a model of a long name" };
    uint32_t attempts = (uint32_t)test_below(t, 4);

    make(m, keys[test_below(t, 3)], NOW - (int64_t)test_below(t, 3 * 24 * 3600) * 1000,
         (int64_t)test_below(t, 1000), (int64_t)test_below(t, 100));
    m->names.model = str_c(models[test_below(t, 3)]);
    m->names.mapped = str_c(models[test_below(t, 3)]);
    m->row.attempt_count = m->row.kept = attempts;
    m->names.complete = attempts > 0;
    m->names.ending = attempts > 0 ? STR("complete") : STR("nobody_free");
    for (uint32_t i = 0; i < attempts; i++) {
        m->whos[i].account = (int64_t)test_below(t, 3) - 1;
        m->attempts[i].tokens = test_below(t, 5) == 0
                                    ? unknown
                                    : (struct usage_tokens){ (int64_t)test_below(t, 500),
                                                             (int64_t)test_below(t, 50), 0, 0, 0 };
    }
}

TEST(sums_by_hour_and_by_day_are_those_of_the_rows)
{
    static const struct {
        const char *sum;
        size_t member;
    } sums[] = {
        { "requests", offsetof(struct told, rows) },
        { "attempts", offsetof(struct told, attempts) },
        { "tokens_in", offsetof(struct told, in) },
        { "tokens_out", offsetof(struct told, out) },
        { "failed_in", offsetof(struct told, failed_in) },
        { "charged", offsetof(struct told, charged) },
        { "duration_ms", offsetof(struct told, duration_ms) },
    };
    struct made *made = calloc(50, sizeof(*made));
    const struct usage_row *list[50];
    struct told told;
    struct rig r;
    struct error e = { 0 };
    char sql[128], number[32];

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    for (int batch = 0; batch < 8; batch++) {
        for (size_t i = 0; i < COUNT(list); i++) {
            make_random(t, &made[i]);
            list[i] = &made[i].row;
        }
        CHECK_INT(put_all(u, list, COUNT(list), &e), OK, "%s", e.text);
    }
    read_all(t, u, &told);
    for (size_t i = 0; i < COUNT(sums); i++)
        for (int day = 0; day < 2; day++) {
            int64_t want;

            memcpy(&want, (const char *)&told + sums[i].member, sizeof(want));
            CHECK(want > 0, "%s", sums[i].sum);
            snprintf(sql, sizeof(sql), "SELECT sum(%s) FROM %s", sums[i].sum, day ? "day" : "hour");
            snprintf(number, sizeof(number), "%" PRId64, want);
            CHECK_STR(rig_ask_of(t, &r, "usage.db", sql), number, "%s", sql);
        }
    /* and for each hour that there is */
    for (size_t i = 0; i < COUNT(told.in_hour); i++) {
        snprintf(sql, sizeof(sql), "SELECT coalesce(sum(requests), 0) FROM hour WHERE start = %lld",
                 (long long)(zone_hour(NOW_S) - (int64_t)i * 3600));
        snprintf(number, sizeof(number), "%" PRId64, told.in_hour[i]);
        CHECK_STR(rig_ask_of(t, &r, "usage.db", sql), number, "%s", sql);
    }
    usage_close(u);
    rig_end(&r);
    free(made);
}

/* So many groups that their sums do not fit the memory for one batch. */
TEST(a_batch_of_which_no_two_attempts_are_alike_is_summed_whole)
{
    enum { ROWS = 2000 };
    struct made *made = calloc(ROWS, sizeof(*made));
    const struct usage_row **list = calloc(ROWS, sizeof(const struct usage_row *));
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    for (int i = 0; i < ROWS; i++) {
        make(&made[i], "ci", NOW, 100, 10);
        made[i].row.attempt_count = made[i].row.kept = ATTEMPTS;
        for (int n = 0; n < ATTEMPTS; n++)
            made[i].whos[n].account = i * ATTEMPTS + n + 1;
        list[i] = &made[i].row;
    }
    CHECK_INT(put_all(u, list, ROWS, &e), OK, "%s", e.text);
    CHECK_INT(rows_there(t, u), ROWS);
    for (int day = 0; day < 2; day++) {
        char sql[128];

        snprintf(sql, sizeof(sql),
                 "SELECT count(*) || ' ' || sum(requests) || ' ' || sum(attempts) || ' ' ||"
                 " sum(tokens_in) || ' ' || sum(failed_in) FROM %s",
                 day ? "day" : "hour");
        CHECK_STRS(rig_ask_of(t, &r, "usage.db", sql), STR("12000 2000 12000 200000 1000000"));
    }
    usage_close(u);
    rig_end(&r);
    free(made);
    free(list);
}

TEST(sums_are_asked_by_what_is_wanted_of_those_that_are_wanted)
{
    struct made made[3];
    struct seen s;
    struct rig r;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    make(&made[0], "ci", NOW, 10, 1);
    make(&made[1], "laptop", NOW - 3600 * 1000, 20, 2);
    make(&made[2], "", NOW - DAY_MS, 40, 4);
    made[1].names.mapped = STR("other");
    for (size_t i = 0; i < COUNT(made); i++)
        put(t, u, &made[i]);
    ask(t, u, &(struct usage_query){ .by = USAGE_BY_KEY }, &s);
    CHECK_INT(s.count, 3);
    CHECK_STR(str_c(s.names[0]), "");
    CHECK_INT(s.sums[0].tokens.in, 40);
    ask(t, u, &(struct usage_query){ .by = USAGE_BY_MODEL, .key = STR("laptop") }, &s);
    CHECK_INT(s.count, 1);
    CHECK_STR(str_c(s.names[0]), "other");
    ask(t, u, &(struct usage_query){ .by = USAGE_BY_DAY, .by_day = true }, &s);
    CHECK_INT(s.count, 2);
    CHECK_INT(s.sums[0].start_s, zone_day(NOW_S - 24 * 3600));
    CHECK_INT(s.sums[1].tokens.in, 30);
    ask(t, u, &(struct usage_query){ .by = USAGE_BY_HOUR, .from_s = zone_hour(NOW_S) }, &s);
    CHECK_INT(s.count, 1);
    CHECK_INT(s.sums[0].tokens.in, 10);
    ask(t, u, &(struct usage_query){ .by = USAGE_BY_HOUR, .to_s = zone_hour(NOW_S) }, &s);
    CHECK_INT(s.count, 2);
    ask(t, u, &(struct usage_query){ .by = USAGE_BY_ACCOUNT, .account = STR("7") }, &s);
    CHECK_INT(s.count, 1);
    CHECK_INT(s.sums[0].tokens.out, 7);
    ask(t, u, &(struct usage_query){ .by = USAGE_BY_ASKED, .model = STR("' OR 1=1 --") }, &s);
    CHECK_INT(s.count, 0);
    usage_close(u);
    rig_end(&r);
}

struct charged {
    int64_t day, month;
    size_t count;
};

static void see_charged(void *peer, const uint8_t key_id[16], int64_t day, int64_t month)
{
    struct charged *c = peer;

    if (memcmp(key_id, "ci\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) == 0) {
        c->day = day;
        c->month = month;
    }
    c->count++;
}

TEST(what_a_key_was_charged_is_known_after_a_restart)
{
    struct made m;
    struct charged c = { 0 };
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    make(&m, "ci", NOW, 10, 1);
    put(t, u, &m);
    make(&m, "ci", NOW - DAY_MS, 100, 1);
    put(t, u, &m);
    make(&m, "ci", NOW - 40 * DAY_MS, 1000, 1);
    put(t, u, &m);
    make(&m, "other", NOW, 5, 5);
    put(t, u, &m);
    make(&m, "", NOW, 7, 7);
    put(t, u, &m);
    usage_close(u);
    u = usage_of(t, &r);
    CHECK_INT(usage_charged(u, zone_day(NOW_S), zone_month(NOW_S), see_charged, &c, &e), OK, "%s",
              e.text);
    CHECK_INT(c.count, 2);
    CHECK_INT(c.day, 11);
    CHECK_INT(c.month, 112);
    usage_close(u);
    rig_end(&r);
}

TEST(what_is_too_old_or_too_much_goes_and_sums_by_day_stay)
{
    struct made m;
    struct rig r;
    struct error e = { 0 };
    bool more = false;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    make(&m, "ci", NOW - 91 * DAY_MS, 10, 1);
    m.row.attempt_count = m.row.kept = 2;
    put(t, u, &m);
    make(&m, "ci", NOW - 89 * DAY_MS, 20, 1);
    put(t, u, &m);
    CHECK_INT(usage_rows_prune(u, NOW, 90, INT64_C(1) << 30, &more, &e), OK, "%s", e.text);
    CHECK(!more);
    CHECK_INT(rows_there(t, u), 1);
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM hour"), STR("1"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM day"), STR("2"));
    CHECK_INT(usage_rows_prune(u, NOW, 90, 1, &more, &e), OK, "%s", e.text);
    CHECK(more);
    CHECK_INT(usage_rows_prune(u, NOW, 90, 1, &more, &e), OK, "%s", e.text);
    CHECK(!more, "nothing is left to remove");
    CHECK_INT(rows_there(t, u), 0);
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT sum(tokens_in) FROM day"), STR("30"));
    usage_close(u);
    rig_end(&r);
}

TEST(a_full_disk_takes_none_of_a_batch_and_all_of_it_once_there_is_room)
{
    struct rlimit old, small;
    struct made *made = calloc(400, sizeof(*made));
    const struct usage_row *list[400];
    struct error e = { 0 };
    struct rig r;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    for (size_t i = 0; i < COUNT(list); i++) {
        make(&made[i], "ci", NOW, 10, 1);
        list[i] = &made[i].row;
    }
    put(t, u, &made[0]);
    (void)signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){ (rlim_t)rig_bytes(t, &r, "usage.db-wal").len, old.rlim_max };
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum status st = put_all(u, list, COUNT(list), &e);

    CHECK_INT(setrlimit(RLIMIT_FSIZE, &old), 0);
    CHECK_INT(st, E_STORE);
    CHECK(!usage_is_damaged(u) && !usage_is_busy(u), "%s", e.text);
    CHECK_INT(rows_there(t, u), 1);
    CHECK_INT(put_all(u, list, COUNT(list), &e), OK, "%s", e.text);
    CHECK_INT(rows_there(t, u), 401);
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT sum(tokens_in) FROM hour"), STR("4010"));
    usage_close(u);
    rig_end(&r);
    free(made);
}

TEST(a_file_of_the_first_version_is_brought_forward_and_can_give_pages_back)
{
    struct made m;
    struct rig r;

    make(&m, "ci", NOW, 10, 1);
    rig_start(t, &r);
    rig_sql_on(
        t, &r, "usage.db",
        "PRAGMA journal_mode = WAL;"
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE binding(session BLOB PRIMARY KEY, account INTEGER NOT NULL,"
        " used INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE INDEX binding_used ON binding(used);"
        "INSERT INTO meta(name, value) VALUES('schema_version', 1);"
        "INSERT INTO binding VALUES(x'01000000000000000000000000000000', 7, 1795957000000);");
    struct usage_db *u = usage_of(t, &r);

    put(t, u, &m);
    usage_close(u);
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT value FROM meta"), STR("3"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "PRAGMA auto_vacuum"), STR("2"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM binding"), STR("1"));
    rig_end(&r);
}

/* Stops when it has as many as it wants. */
struct page {
    struct told told;
    int64_t wanted;
};

static bool page_tell(void *peer, const struct usage_row *row)
{
    struct page *p = peer;

    return p->told.rows < p->wanted && tell(&p->told, row);
}

/* Rows are `id-0`, `id-1`, …, as many in a batch as `batches` say. */
static void put_numbered(struct test *t, struct usage_db *u, const int *batches, size_t count)
{
    struct made *made = calloc(3000, sizeof(*made));
    const struct usage_row *list[3000];
    struct error e = { 0 };
    int64_t number = 0;

    for (size_t b = 0; b < count; b++) {
        for (int i = 0; i < batches[b]; i++) {
            make(&made[i], "ci", NOW + number * 1000, 10, 1);
            made[i].row.request_id = arena_printf(&t->arena, "id-%" PRId64, number++);
            list[i] = &made[i].row;
        }
        CHECK_INT(put_all(u, list, (size_t)batches[b], &e), OK, "%s", e.text);
    }
    free(made);
}

TEST(rows_are_listed_page_by_page_while_others_come)
{
    static const int batches[] = { 1, 1, 2, 3000, 1, 500, 1, 1 };
    struct usage_range range = { INT64_MAX, INT64_MAX, INT64_MIN, INT64_MAX };
    struct error e = { 0 };
    struct rig r;
    int64_t expected = 3506;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    put_numbered(t, u, batches, COUNT(batches));
    while (range.before != 0) {
        struct page page = { .wanted = 40 };
        char id[32];

        CHECK_INT(usage_rows_list(u, &range, page_tell, &page, &range.before, &e), OK, "%s",
                  e.text);
        for (int64_t i = 0; i < page.told.rows; i++) {
            snprintf(id, sizeof(id), "id-%" PRId64, expected--);
            CHECK_STR(str_c(page.told.ids[i]), id);
        }
        put_numbered(t, u, (int[]){ 1 }, 1);
    }
    CHECK_INT(expected, -1);
    usage_close(u);
    rig_end(&r);
}

TEST(a_list_looks_at_no_more_rows_than_it_may_and_only_at_those_of_its_time)
{
    struct usage_range range = { INT64_MAX, NOW + 20 * 1000, NOW + 10 * 1000, INT64_MAX };
    struct error e = { 0 };
    struct rig r;
    struct page page = { .wanted = 100 };

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    put_numbered(t, u, (int[]){ 5, 3, 50 }, 3);
    CHECK_INT(usage_rows_list(u, &range, page_tell, &page, &range.before, &e), OK, "%s", e.text);
    CHECK_INT(page.told.rows, 10);
    CHECK_STR(str_c(page.told.ids[0]), "id-19");
    CHECK_STR(str_c(page.told.ids[9]), "id-10");
    CHECK_INT(range.before, 0);
    range = (struct usage_range){ INT64_MAX, INT64_MAX, INT64_MIN, 30 };
    page = (struct page){ .wanted = 100 };
    CHECK_INT(usage_rows_list(u, &range, page_tell, &page, &range.before, &e), OK, "%s", e.text);
    CHECK_INT(page.told.rows, 30);
    CHECK(range.before > 0);
    page.told.rows = 0;
    CHECK_INT(usage_rows_list(u, &range, page_tell, &page, &range.before, &e), OK, "%s", e.text);
    CHECK_STR(str_c(page.told.ids[0]), "id-27");
    usage_close(u);
    rig_end(&r);
}

TEST(rows_after_a_restart_go_into_a_block_of_their_own)
{
    struct rig r;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    put_numbered(t, u, (int[]){ 3 }, 1);
    put_numbered(t, u, (int[]){ 3 }, 1);
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT first || ' ' || rows FROM request_block"),
               STR("1 6"));
    usage_close(u);
    u = usage_of(t, &r);
    put_numbered(t, u, (int[]){ 2 }, 1);
    CHECK_STRS(
        rig_ask_of(t, &r, "usage.db", "SELECT max(first) || ' ' || sum(rows) FROM request_block"),
        STR("7 8"));
    usage_close(u);
    rig_end(&r);
}

TEST(a_block_that_cannot_be_read_is_left_out)
{
    struct rig r;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    put_numbered(t, u, (int[]){ 3000 }, 1);
    rig_sql_on(t, &r, "usage.db", "UPDATE request_block SET pack = x'09' WHERE first = 1");
    CHECK_STRS(rig_ask_of(t, &r, "usage.db",
                          "SELECT sum(rows) = 3000 AND count(*) > 1 FROM request_block"),
               STR("1"));
    struct str first =
        rig_ask_of(t, &r, "usage.db", "SELECT rows FROM request_block WHERE first = 1");
    int64_t lost = 0;

    CHECK(str_to_i64(first, &lost) && lost > 0);
    CHECK_INT(rows_there(t, u), 3000 - lost);
    usage_close(u);
    rig_end(&r);
}

#define OLD_SUMS(table)                                                                            \
    "CREATE TABLE " table "(start INTEGER NOT NULL, key INTEGER NOT NULL, asked INTEGER NOT NULL," \
    " model INTEGER NOT NULL, account INTEGER NOT NULL, ending INTEGER NOT NULL,"                  \
    " requests INTEGER NOT NULL, attempts INTEGER NOT NULL, tokens_in INTEGER NOT NULL,"           \
    " tokens_out INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL,"     \
    " reasoning INTEGER NOT NULL, tokens_unknown INTEGER NOT NULL, failed_in INTEGER NOT NULL,"    \
    " failed_out INTEGER NOT NULL, failed_cache_read INTEGER NOT NULL,"                            \
    " failed_cache_write INTEGER NOT NULL, failed_reasoning INTEGER NOT NULL,"                     \
    " charged INTEGER NOT NULL, cost INTEGER NOT NULL, cost_unknown INTEGER NOT NULL,"             \
    " first_byte_ms INTEGER NOT NULL, first_bytes INTEGER NOT NULL, duration_ms INTEGER NOT NULL," \
    " PRIMARY KEY(start, key, asked, model, account, ending)) WITHOUT ROWID;"

/* As versions before the third wrote it: one request that went well at once, one with three
 * attempts of which two are told, one that nobody answered. */
static const char second_version[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE binding(session BLOB PRIMARY KEY, account INTEGER NOT NULL,"
    " used INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX binding_used ON binding(used);"
    "CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE client_key(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, name TEXT NOT NULL);"
    "CREATE TABLE account(id INTEGER PRIMARY KEY, label TEXT NOT NULL, provider TEXT NOT NULL);"
    "CREATE TABLE request(id INTEGER PRIMARY KEY, ended INTEGER NOT NULL, request TEXT NOT NULL,"
    " key INTEGER NOT NULL, client INTEGER NOT NULL, protocol INTEGER NOT NULL,"
    " asked INTEGER NOT NULL, model INTEGER NOT NULL, account INTEGER NOT NULL,"
    " ending INTEGER NOT NULL, stream INTEGER NOT NULL, status INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, tokens_in INTEGER, tokens_out INTEGER, cache_read INTEGER,"
    " cache_write INTEGER, reasoning INTEGER, failed_in INTEGER NOT NULL,"
    " failed_out INTEGER NOT NULL, charged INTEGER NOT NULL, cost INTEGER,"
    " first_byte_ms INTEGER, duration_ms INTEGER NOT NULL);"
    "CREATE TABLE attempt(request INTEGER NOT NULL, number INTEGER NOT NULL,"
    " account INTEGER NOT NULL, verdict INTEGER NOT NULL, status INTEGER NOT NULL,"
    " tokens_in INTEGER, tokens_out INTEGER, cache_read INTEGER, cache_write INTEGER,"
    " reasoning INTEGER, cost INTEGER, duration_ms INTEGER NOT NULL,"
    " PRIMARY KEY(request, number)) WITHOUT ROWID;" OLD_SUMS("hour") OLD_SUMS(
        "day") "INSERT INTO meta VALUES('schema_version', 2);"
               "INSERT INTO word VALUES(1, 'prog'), (2, 'anthropic'), (3, 'asked'), (4, 'mapped'),"
               " (5, 'complete'), (6, 'nobody_free'), (7, 'server_error'), (8, 'success');"
               "INSERT INTO client_key VALUES(1, x'01000000000000000000000000000000', 'ci');"
               "INSERT INTO account VALUES(7, 'ada', 'anthropic'), (8, 'ben', 'openai');"
               "INSERT INTO request VALUES"
               " (11, 1795957000000, 'req_0123456789abcdef01234567', 1, 1, 2, 3, 4, 7, 5, 1, 200, "
               "1,"
               "  100, 10, 1, NULL, 2, 0, 0, 110, 5000, 33, 44),"
               " (12, 1795957001000, 'other', 0, 1, 2, 3, 4, 7, 5, 0, 200, 3,"
               "  200, 20, NULL, NULL, NULL, 45, 4, 220, NULL, 3, 4),"
               " (14, 1795957002000, 'third', 1, 0, 2, 3, 0, 0, 6, 0, 429, 0,"
               "  NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, 5);"
               "INSERT INTO attempt VALUES"
               " (12, 1, 8, 7, 500, 40, 4, NULL, NULL, NULL, NULL, 6),"
               " (12, 3, 7, 8, 200, 200, 20, NULL, NULL, NULL, 7000, 9);";

static bool see_old(void *peer, const struct usage_row *row)
{
    struct buf *out = peer;

    (void)buf_printf(
        out, "%.*s %lld %.*s/%.*s %.*s %.*s>%.*s %.*s %d%d%d %d charged %lld %lld/%lld",
        STR_ARG(row->request_id), (long long)row->ended_unix_ms, STR_ARG(row->names->key),
        STR_ARG(row->names->client), STR_ARG(row->names->protocol), STR_ARG(row->names->model),
        STR_ARG(row->names->mapped), STR_ARG(row->names->ending), row->names->stream,
        row->names->complete, row->names->free, row->names->status, (long long)row->charged,
        (long long)row->first_byte_ms, (long long)row->duration_ms);
    (void)buf_printf(out, " %u attempts", row->attempt_count);
    for (uint32_t i = 0; i < row->kept; i++) {
        const struct usage_attempt *a = &row->attempts[i];

        (void)buf_printf(
            out, " [%u %lld %.*s/%.*s %.*s %d %lld,%lld,%lld,%lld,%lld cost %lld %lld]", a->number,
            (long long)a->who->account, STR_ARG(a->who->label), STR_ARG(a->who->provider),
            STR_ARG(a->who->verdict), a->who->status, (long long)a->tokens.in,
            (long long)a->tokens.out, (long long)a->tokens.cache_read,
            (long long)a->tokens.cache_write, (long long)a->tokens.reasoning,
            (long long)a->cost_nano, (long long)a->duration_ms);
    }
    (void)buf_printf(out, " beyond %lld,%lld\n", (long long)row->beyond.in,
                     (long long)row->beyond.out);
    return true;
}

TEST(rows_of_the_second_version_are_packed_and_nothing_of_them_is_lost)
{
    struct usage_range all = { INT64_MAX, INT64_MAX, INT64_MIN, INT64_MAX };
    struct buf out = { .max = 4096 };
    struct error e = { 0 };
    struct made m;
    struct rig r;
    int64_t next;
    int steps = 0;
    bool more = true;

    rig_start(t, &r);
    rig_sql_on(t, &r, "usage.db", second_version);
    struct usage_db *u = usage_of(t, &r);

    make(&m, "ci", NOW, 1, 1);
    put(t, u, &m); /* before they are packed */
    CHECK_INT(rows_there(t, u), 1);
    for (; more && steps < 5; steps++)
        CHECK_INT(usage_rows_prune(u, NOW, 90, INT64_C(1) << 30, &more, &e), OK, "%s", e.text);
    CHECK_INT(steps, 2);
    put(t, u, &m);
    CHECK_INT(usage_rows_list(u, &all, see_old, &out, &next, &e), OK, "%s", e.text);
    const char *of_now =
        "req_0123456789abcdef01234567 1795957456000 ci/test anthropic asked>mapped "
        "complete 010 200 charged 2 10/20 1 attempts [1 7 ada/anthropic success "
        "200 1,1,1,-1,2 cost 1000 15] beyond 0,0\n";

    CHECK_STRS(
        buf_str(&out),
        arena_printf(
            &t->arena,
            "%s%sthird 1795957002000 ci/ anthropic asked> nobody_free 000 429 charged 0 -1/5 0 "
            "attempts"
            " beyond 0,0\n"
            "other 1795957001000 /prog anthropic asked>mapped complete 010 200 charged 220 3/4 3 "
            "attempts [1 8 ben/openai server_error 500 40,4,-1,-1,-1 cost -1 6] [3 7 ada/anthropic "
            "success 200 200,20,-1,-1,-1 cost 7000 9] beyond 5,0\n"
            "req_0123456789abcdef01234567 1795957000000 ci/prog anthropic asked>mapped complete "
            "110 "
            "200 charged 110 33/44 1 attempts [1 7 ada/anthropic success 200 100,10,1,-1,2 cost "
            "5000 "
            "44] beyond 0,0\n",
            of_now, of_now));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db",
                          "SELECT group_concat(first || '+' || rows, ' ') FROM request_block"),
               STR("11+2 14+1 15+2"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db",
                          "SELECT (SELECT count(*) FROM request_old) + (SELECT count(*) FROM"
                          " attempt_old)"),
               STR("0"));
    buf_clear(&out);
    usage_close(u);
    rig_end(&r);
}

struct added_all {
    struct usage_added sums[8];
    size_t count;
};

static void see_added(void *peer, const struct usage_added *sum)
{
    struct added_all *all = peer;

    if (all->count < COUNT(all->sums))
        all->sums[all->count++] = *sum;
}

TEST(a_batch_tells_what_it_added_to_each_account)
{
    struct made made[2];
    struct added_all all = { .count = 0 };
    struct error e = { 0 };
    struct rig r;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    make(&made[0], "ci", NOW, 100, 10);
    made[0].whos[0].account = 8; /* failed, in the middle of its answer */
    made[0].row.attempt_count = made[0].row.kept = 2;
    make(&made[1], "ci", NOW, 7, 1);
    CHECK_INT(usage_batch_begin(u, see_added, &all, &e), OK, "%s", e.text);
    CHECK_INT(usage_batch_put(u, &made[0].row, &e), OK, "%s", e.text);
    CHECK_INT(usage_batch_put(u, &made[1].row, &e), OK, "%s", e.text);
    CHECK_INT(usage_batch_end(u, OK, &e), OK, "%s", e.text);
    CHECK_INT(all.count, 2);
    for (size_t i = 0; i < all.count; i++) {
        bool failed = all.sums[i].account == 8;

        CHECK_INT(all.sums[i].hour_s, zone_hour(NOW_S));
        CHECK_INT(all.sums[i].requests, failed ? 0 : 2);
        CHECK_INT(all.sums[i].tokens_in, failed ? 100 : 107);
        CHECK_INT(all.sums[i].tokens_out, failed ? 10 : 11);
    }
    usage_close(u);
    rig_end(&r);
}
