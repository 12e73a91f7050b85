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

static const struct usage_tokens none = { 0, 0, 0, 0, 0 }, unknown = { -1, -1, -1, -1, -1 };

/* One that one account answered. */
static struct usage_row row_of(struct usage_attempt *a, const char *key, int64_t ended_unix_ms,
                               int64_t in, int64_t out)
{
    struct usage_row row = { .request_id = STR("req_0123456789abcdef01234567"),
                             .ended_unix_ms = ended_unix_ms,
                             .key = str_c(key),
                             .client = STR("test"),
                             .protocol = STR("anthropic"),
                             .model = STR("asked"),
                             .mapped = STR("mapped"),
                             .ending = STR("complete"),
                             .complete = true,
                             .status = 200,
                             .charged = in + out,
                             .first_byte_ms = 10,
                             .duration_ms = 20,
                             .attempt_count = 1,
                             .kept = 1,
                             .attempts = a };

    row.beyond = none;
    if (key[0] != '\0')
        memcpy(row.key_id, key, strlen(key) < 16 ? strlen(key) : 16);
    a[0] = (struct usage_attempt){ .number = 1,
                                   .account = 7,
                                   .label = STR("ada"),
                                   .provider = STR("anthropic"),
                                   .verdict = STR("success"),
                                   .status = 200,
                                   .tokens = { in, out, 1, -1, 2 },
                                   .cost_nano = 1000,
                                   .duration_ms = 15 };
    return row;
}

static void put(struct test *t, struct usage_db *u, const struct usage_row *row)
{
    struct error e = { 0 };

    CHECK_INT(usage_rows_put(u, &row, 1, &e), OK, "%s", e.text);
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
    struct usage_attempt a[2];
    struct usage_row row = row_of(a, "ci", NOW, 100, 10);
    struct seen s;
    struct rig r;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    /* another account failed before, in the middle of its answer */
    a[1] = a[0];
    a[1].number = 2;
    a[0] = (struct usage_attempt){ .number = 1,
                                   .account = 8,
                                   .label = STR("ben"),
                                   .provider = STR("openai"),
                                   .verdict = STR("server_error"),
                                   .status = 200,
                                   .tokens = { 40, 4, -1, -1, -1 },
                                   .cost_nano = USAGE_COST_UNKNOWN,
                                   .duration_ms = 5 };
    row.attempt_count = row.kept = 2;
    put(t, u, &row);
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
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT failed_in FROM request"), STR("40"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM attempt"), STR("2"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT cost IS NULL FROM request"), STR("1"));
    usage_close(u);
    rig_end(&r);
}

TEST(an_account_is_shown_as_it_was_called_last)
{
    static const char *const labels[] = { "ada", "ada", "ben", "ben", "ada" };
    struct usage_attempt a[1];
    struct seen s;
    struct rig r;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    for (size_t i = 0; i < COUNT(labels); i++) {
        struct usage_row row = row_of(a, "ci", NOW, 10, 1);

        a[0].label = str_c(labels[i]);
        put(t, u, &row);
        ask(t, u, &(struct usage_query){ .by = USAGE_BY_ACCOUNT }, &s);
        CHECK_INT(s.count, 1);
        CHECK_STR(str_c(s.names[0]), labels[i], "row %zu", i);
        CHECK_INT(s.sums[0].requests, i + 1);
    }
    usage_close(u);
    rig_end(&r);
}

static void make_random(struct test *t, struct usage_row *row, struct usage_attempt a[3])
{
    static const char *const keys[] = { "", "ci", "laptop" };
    static const char *const models[] = { "m1", "m2", "a model of a long name" };
    uint32_t attempts = (uint32_t)test_below(t, 4);

    *row = row_of(a, keys[test_below(t, 3)], NOW - (int64_t)test_below(t, 3 * 24 * 3600) * 1000,
                  (int64_t)test_below(t, 1000), (int64_t)test_below(t, 100));
    row->model = str_c(models[test_below(t, 3)]);
    row->mapped = str_c(models[test_below(t, 3)]);
    row->attempt_count = row->kept = attempts;
    row->complete = attempts > 0;
    row->ending = attempts > 0 ? STR("complete") : STR("nobody_free");
    for (uint32_t i = 0; i < attempts; i++) {
        a[i] = a[0];
        a[i].number = i + 1;
        a[i].account = (int64_t)test_below(t, 3) - 1;
        a[i].tokens = test_below(t, 5) == 0
                          ? unknown
                          : (struct usage_tokens){ (int64_t)test_below(t, 500),
                                                   (int64_t)test_below(t, 50), 0, 0, 0 };
    }
}

TEST(sums_by_hour_and_by_day_are_those_of_the_rows)
{
    static const char *const rows_and_sums[][2] = {
        { "count(*)", "sum(requests)" },
        { "sum(coalesce(tokens_in, 0))", "sum(tokens_in)" },
        { "sum(coalesce(tokens_out, 0))", "sum(tokens_out)" },
        { "sum(failed_in)", "sum(failed_in)" },
        { "sum(charged)", "sum(charged)" },
        { "sum(attempts)", "sum(attempts)" },
        { "sum(duration_ms)", "sum(duration_ms)" },
    };
    struct usage_row rows[50];
    const struct usage_row *list[50];
    struct usage_attempt attempts[50][3];
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    for (int batch = 0; batch < 8; batch++) {
        for (size_t i = 0; i < COUNT(rows); i++) {
            make_random(t, &rows[i], attempts[i]);
            list[i] = &rows[i];
        }
        CHECK_INT(usage_rows_put(u, list, COUNT(rows), &e), OK, "%s", e.text);
    }
    for (size_t i = 0; i < COUNT(rows_and_sums); i++)
        for (int day = 0; day < 2; day++) {
            char sql[256];
            struct str left, right;

            snprintf(sql, sizeof(sql),
                     "SELECT (SELECT %s FROM request) || '/' || (SELECT %s FROM %s)",
                     rows_and_sums[i][0], rows_and_sums[i][1], day ? "day" : "hour");
            (void)str_cut(rig_ask_of(t, &r, "usage.db", sql), '/', &left, &right);
            CHECK(left.len > 0 && !str_eq(left, STR("0")), "%s", sql);
            CHECK_STRS(left, right, "%s", sql);
        }
    /* and for each hour that there is */
    CHECK_STRS(rig_ask_of(t, &r, "usage.db",
                          "SELECT count(*) FROM (SELECT start, sum(requests) n FROM hour GROUP BY"
                          " start) h LEFT JOIN (SELECT ended / 3600000 * 3600 s, count(*) n FROM"
                          " request GROUP BY s) q ON q.s = h.start WHERE q.n IS NOT h.n"),
               STR("0"));
    usage_close(u);
    rig_end(&r);
}

/* So many groups that their sums do not fit the memory for one batch. */
TEST(a_batch_of_which_no_two_attempts_are_alike_is_summed_whole)
{
    enum { ATTEMPTS = 6 };
    struct usage_row *rows = calloc(USAGE_ROWS_MAX, sizeof(*rows));
    const struct usage_row **list = calloc(USAGE_ROWS_MAX, sizeof(const struct usage_row *));
    struct usage_attempt *attempts = calloc((size_t)USAGE_ROWS_MAX * ATTEMPTS, sizeof(*attempts));
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    for (int i = 0; i < USAGE_ROWS_MAX; i++) {
        struct usage_attempt *a = &attempts[(size_t)i * ATTEMPTS];

        rows[i] = row_of(a, "ci", NOW, 100, 10);
        rows[i].attempt_count = rows[i].kept = ATTEMPTS;
        for (int n = 0; n < ATTEMPTS; n++) {
            a[n] = a[0];
            a[n].number = (uint32_t)n + 1;
            a[n].account = i * ATTEMPTS + n + 1;
        }
        list[i] = &rows[i];
    }
    CHECK_INT(usage_rows_put(u, list, USAGE_ROWS_MAX, &e), OK, "%s", e.text);
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
    free(rows);
    free(list);
    free(attempts);
}

TEST(sums_are_asked_by_what_is_wanted_of_those_that_are_wanted)
{
    struct usage_attempt a[3][1];
    struct usage_row rows[] = { row_of(a[0], "ci", NOW, 10, 1),
                                row_of(a[1], "laptop", NOW - 3600 * 1000, 20, 2),
                                row_of(a[2], "", NOW - DAY_MS, 40, 4) };
    struct seen s;
    struct rig r;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    rows[1].mapped = STR("other");
    for (size_t i = 0; i < COUNT(rows); i++)
        put(t, u, &rows[i]);
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
    struct usage_attempt a[1];
    struct usage_row row;
    struct charged c = { 0 };
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    row = row_of(a, "ci", NOW, 10, 1);
    put(t, u, &row);
    row = row_of(a, "ci", NOW - DAY_MS, 100, 1);
    put(t, u, &row);
    row = row_of(a, "ci", NOW - 40 * DAY_MS, 1000, 1);
    put(t, u, &row);
    row = row_of(a, "other", NOW, 5, 5);
    put(t, u, &row);
    row = row_of(a, "", NOW, 7, 7);
    put(t, u, &row);
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
    struct usage_attempt a[2];
    struct usage_row row;
    struct rig r;
    struct error e = { 0 };
    bool more = false;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    row = row_of(a, "ci", NOW - 91 * DAY_MS, 10, 1);
    a[1] = a[0];
    a[1].number = 2;
    row.attempt_count = row.kept = 2;
    put(t, u, &row);
    row = row_of(a, "ci", NOW - 89 * DAY_MS, 20, 1);
    put(t, u, &row);
    CHECK_INT(usage_rows_prune(u, NOW, 90, INT64_C(1) << 30, &more, &e), OK, "%s", e.text);
    CHECK(!more);
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM request"), STR("1"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM attempt"), STR("0"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM hour"), STR("1"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM day"), STR("2"));
    CHECK_INT(usage_rows_prune(u, NOW, 90, 1, &more, &e), OK, "%s", e.text);
    CHECK(more);
    CHECK_INT(usage_rows_prune(u, NOW, 90, 1, &more, &e), OK, "%s", e.text);
    CHECK(!more, "nothing is left to remove");
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM request"), STR("0"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT sum(tokens_in) FROM day"), STR("30"));
    usage_close(u);
    rig_end(&r);
}

TEST(a_full_disk_takes_none_of_a_batch_and_all_of_it_once_there_is_room)
{
    struct rlimit old, small;
    struct usage_attempt a[400][1];
    struct usage_row rows[400];
    const struct usage_row *list[400];
    struct error e = { 0 };
    struct rig r;

    rig_start(t, &r);
    struct usage_db *u = usage_of(t, &r);

    for (size_t i = 0; i < COUNT(rows); i++) {
        rows[i] = row_of(a[i], "ci", NOW, 10, 1);
        list[i] = &rows[i];
    }
    put(t, u, &rows[0]);
    (void)signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){ (rlim_t)rig_bytes(t, &r, "usage.db-wal").len, old.rlim_max };
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum status st = usage_rows_put(u, list, COUNT(rows), &e);

    CHECK_INT(setrlimit(RLIMIT_FSIZE, &old), 0);
    CHECK_INT(st, E_STORE);
    CHECK(!usage_is_damaged(u) && !usage_is_busy(u), "%s", e.text);
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM request"), STR("1"));
    CHECK_INT(usage_rows_put(u, list, COUNT(rows), &e), OK, "%s", e.text);
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM request"), STR("401"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT sum(tokens_in) FROM hour"), STR("4010"));
    usage_close(u);
    rig_end(&r);
}

TEST(a_file_of_the_first_version_is_brought_forward_and_can_give_pages_back)
{
    struct usage_attempt a[1];
    struct usage_row row = row_of(a, "ci", NOW, 10, 1);
    struct rig r;

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

    put(t, u, &row);
    usage_close(u);
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT value FROM meta"), STR("2"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "PRAGMA auto_vacuum"), STR("2"));
    CHECK_STRS(rig_ask_of(t, &r, "usage.db", "SELECT count(*) FROM binding"), STR("1"));
    rig_end(&r);
}
