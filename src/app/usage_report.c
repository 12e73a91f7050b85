#include "app/usage_report.h"

#include <stdlib.h>

#include "base/timetext.h"
#include "http/parse.h"
#include "io/zone.h"
#include "provider/price.h"

#define ANSWER_MAX ((size_t)16 << 20)
#define LIMIT 1000
#define LIMIT_MAX 10000
#define PARAM_MAX 256
#define NANO_PLACES 9

struct report {
    struct usage_keeper *keeper;
    struct admin_call *call;
    struct arena arena;
    struct usage_query query;
    int64_t now_ms;
    bool csv;
    struct json_writer w;
    struct usage_sum total;
    struct admin_outcome out;
};

/* --- what is asked --------------------------------------------------------------------------- */

static bool two_digits(struct str s, size_t at, int *n)
{
    if (s.at[at] < '0' || s.at[at] > '9' || s.at[at + 1] < '0' || s.at[at + 1] > '9')
        return false;
    *n = (s.at[at] - '0') * 10 + (s.at[at + 1] - '0');
    return true;
}

static bool date_read(struct str s, int64_t *unix_ms)
{
    int century, year, month, day;

    if (s.len != 10 || s.at[4] != '-' || s.at[7] != '-' || !two_digits(s, 0, &century) ||
        !two_digits(s, 2, &year) || !two_digits(s, 5, &month) || !two_digits(s, 8, &day))
        return false;
    int64_t at = zone_date(century * 100 + year, month, day);

    *unix_ms = at * 1000;
    return at >= 0;
}

bool usage_time_read(struct str text, int64_t now_ms, int64_t *unix_ms)
{
    int64_t ago_ms;

    if (text.len >= 12 && str_to_i64(text, unix_ms))
        return *unix_ms >= 0;
    if (date_read(text, unix_ms) || date_read_rfc3339(text, unix_ms))
        return true;
    /* a bare number would be seconds, or a year: nobody means that */
    if (str_to_i64(text, &ago_ms) || !duration_read(text, &ago_ms))
        return false;
    *unix_ms = now_ms > ago_ms ? now_ms - ago_ms : 0;
    return true;
}

static bool wrong(struct report *r, const char *param, const char *text)
{
    r->out.status = 400;
    r->out.body.len = 0;
    admin_put_error(&r->out.body, str_c(text), str_c(param));
    return false;
}

/* Empty when it is absent. */
static bool param(struct report *r, const char *name, struct str *value)
{
    struct str rest = admin_call_query(r->call), one, key, given;
    char *text = arena_alloc(&r->arena, PARAM_MAX);
    size_t len;

    *value = STR("");
    if (http_query_get(rest, str_c(name), text, PARAM_MAX, &len)) {
        *value = (struct str){ text, len };
        return true;
    }
    while (rest.len > 0) {
        (void)str_cut(rest, '&', &one, &rest);
        (void)str_cut(one, '=', &key, &given);
        if (str_eq(key, str_c(name)))
            return wrong(r, name, "the parameter is too long or badly escaped");
    }
    return true;
}

static bool read_by(struct report *r)
{
    struct str by;

    if (!param(r, "by", &by))
        return false;
    r->query.by = USAGE_BY_DAY;
    return by.len == 0 || usage_by_from_word(by, &r->query.by) ||
           wrong(r, "by", "is none of model, asked, account, provider, key, ending, hour, day");
}

/* Sums by day are asked for whole days, because they are kept longer and are fewer. */
static bool read_times(struct report *r)
{
    struct usage_query *q = &r->query;
    int64_t now_s = r->now_ms / 1000, from_ms, to_ms;
    struct str from, to;

    if (!param(r, "from", &from) || !param(r, "to", &to))
        return false;
    q->from_s = q->by == USAGE_BY_HOUR ? zone_hour(now_s - 23 * 3600) : zone_day_after(now_s, -29);
    q->to_s = INT64_MAX;
    if (from.len > 0) {
        if (!usage_time_read(from, r->now_ms, &from_ms))
            return wrong(r, "from",
                         "must be a date (2026-11-29), a time (RFC 3339), milliseconds since 1970, "
                         "or how long ago (7d, 12h)");
        q->from_s = zone_hour(from_ms / 1000);
    }
    if (to.len > 0) {
        if (!usage_time_read(to, r->now_ms, &to_ms))
            return wrong(r, "to", "must be a time as `from`");
        q->to_s = zone_hour(to_ms / 1000);
        if (q->to_s * 1000 < to_ms)
            q->to_s += 3600; /* the hour that has begun */
        if (q->to_s <= q->from_s)
            return wrong(r, "to", "lies before `from`");
    }
    q->by_day =
        q->by == USAGE_BY_DAY || (q->by != USAGE_BY_HOUR && zone_day(q->from_s) == q->from_s &&
                                  (q->to_s > now_s || zone_day(q->to_s) == q->to_s));
    if (q->by == USAGE_BY_DAY) {
        q->from_s = zone_day(q->from_s);
        if (q->to_s <= now_s && zone_day(q->to_s) != q->to_s)
            q->to_s = zone_day_after(q->to_s, 1);
    }
    return true;
}

static bool read_rest(struct report *r)
{
    struct usage_query *q = &r->query;
    struct str format, limit;
    int64_t n = LIMIT;

    if (!param(r, "model", &q->model) || !param(r, "asked", &q->asked) ||
        !param(r, "account", &q->account) || !param(r, "provider", &q->provider) ||
        !param(r, "key", &q->key) || !param(r, "ending", &q->ending) ||
        !param(r, "format", &format) || !param(r, "limit", &limit))
        return false;
    if (limit.len > 0 && (!str_to_i64(limit, &n) || n < 1 || n > LIMIT_MAX))
        return wrong(r, "limit", "must be a number from 1 to 10000");
    q->limit = (size_t)n;
    r->csv = str_eq(format, STR("csv"));
    return r->csv || format.len == 0 || str_eq(format, STR("json")) ||
           wrong(r, "format", "is none of json, csv");
}

/* --- what is answered ------------------------------------------------------------------------ */

/* `2026-11-29`, or `2026-11-29T14:00:00+01:00`. */
static struct str time_text(struct arena *a, int64_t unix_s, bool day)
{
    struct zone_time z;

    zone_read(unix_s, &z);
    if (day)
        return arena_printf(a, "%04d-%02d-%02d", z.year, z.month, z.day);
    int32_t minutes = z.offset_s < 0 ? -z.offset_s / 60 : z.offset_s / 60;

    return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", z.year, z.month, z.day,
                        z.hour, z.minute, z.second, z.offset_s < 0 ? '-' : '+', minutes / 60,
                        minutes % 60);
}

static struct str cost_text(struct report *r, const struct usage_sum *s)
{
    struct buf b = { .max = 64 };

    if (s->cost_nano == 0 && s->cost_unknown > 0)
        return STR(""); /* unknown is not 0 */
    price_put(&b, s->cost_nano, NANO_PLACES);
    struct str text = arena_copy(&r->arena, buf_str(&b));

    buf_clear(&b);
    return text;
}

static const struct {
    const char *name;
    size_t offset;
} columns[] = {
    { "requests", offsetof(struct usage_sum, requests) },
    { "complete", offsetof(struct usage_sum, complete) },
    { "client_left", offsetof(struct usage_sum, left) },
    { "attempts", offsetof(struct usage_sum, attempts) },
    { "tokens_in", offsetof(struct usage_sum, tokens.in) },
    { "tokens_out", offsetof(struct usage_sum, tokens.out) },
    { "tokens_cache_read", offsetof(struct usage_sum, tokens.cache_read) },
    { "tokens_cache_write", offsetof(struct usage_sum, tokens.cache_write) },
    { "tokens_reasoning", offsetof(struct usage_sum, tokens.reasoning) },
    { "tokens_unknown", offsetof(struct usage_sum, tokens_unknown) },
    { "failed_tokens_in", offsetof(struct usage_sum, failed.in) },
    { "failed_tokens_out", offsetof(struct usage_sum, failed.out) },
    { "tokens_charged", offsetof(struct usage_sum, charged) },
    { "cost_unknown", offsetof(struct usage_sum, cost_unknown) },
    { "duration_ms", offsetof(struct usage_sum, duration_ms) },
};

static int64_t column(const struct usage_sum *s, size_t i)
{
    int64_t n;

    memcpy(&n, (const char *)s + columns[i].offset, sizeof(n));
    return n;
}

static int64_t mean(int64_t sum, int64_t count)
{
    return count > 0 ? sum / count : -1;
}

static void put_numbers(struct report *r, const struct usage_sum *s)
{
    struct str cost = cost_text(r, s);
    int64_t first_byte = mean(s->first_byte_ms, s->first_bytes);

    for (size_t i = 0; i < COUNT(columns); i++)
        json_put_member_i64(&r->w, columns[i].name, column(s, i));
    if (cost.len > 0)
        json_put_member_raw(&r->w, "cost_usd", cost);
    else
        json_put_member_null(&r->w, "cost_usd");
    if (first_byte >= 0)
        json_put_member_i64(&r->w, "first_byte_ms_mean", first_byte);
    else
        json_put_member_null(&r->w, "first_byte_ms_mean");
}

static bool is_of_time(enum usage_by by)
{
    return by == USAGE_BY_HOUR || by == USAGE_BY_DAY;
}

static struct str group_text(struct report *r, const struct usage_sum *s)
{
    return is_of_time(r->query.by) ? time_text(&r->arena, s->start_s, r->query.by == USAGE_BY_DAY)
                                   : s->name;
}

static void put_json(void *peer, const struct usage_sum *s)
{
    struct report *r = peer;

    json_put_object(&r->w);
    json_put_member(&r->w, usage_by_word(r->query.by), group_text(r, s));
    if (r->query.by == USAGE_BY_ACCOUNT) {
        json_put_member_i64(&r->w, "id", s->id);
        json_put_member(&r->w, "provider", s->owner);
    }
    put_numbers(r, s);
    json_put_end(&r->w);
}

void usage_csv_put(struct buf *out, struct str text)
{
    static const char starters[] = "=+-@\t\r", breaks[] = ",\"\r\n";
    bool formula = text.len > 0 && memchr(starters, text.at[0], sizeof(starters) - 1) != NULL;
    bool quoted = formula;

    for (size_t i = 0; i < text.len; i++)
        quoted = quoted || memchr(breaks, text.at[i], sizeof(breaks) - 1) != NULL;
    if (quoted)
        (void)(buf_add_char(out, '"') && (!formula || buf_add_char(out, '\'')));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool obeyed = ((unsigned char)c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f;

        (void)((c != '"' || buf_add_char(out, '"')) && buf_add_char(out, obeyed ? '?' : c));
    }
    if (quoted)
        (void)buf_add_char(out, '"');
}

static void put_csv(void *peer, const struct usage_sum *s)
{
    struct report *r = peer;
    struct buf *out = &r->out.body;

    usage_csv_put(out, group_text(r, s));
    if (r->query.by == USAGE_BY_ACCOUNT) {
        (void)buf_printf(out, ",%lld,", (long long)s->id);
        usage_csv_put(out, s->owner);
    }
    for (size_t i = 0; i < COUNT(columns); i++)
        (void)buf_printf(out, ",%lld", (long long)column(s, i));
    (void)(buf_add_char(out, ',') && buf_add(out, cost_text(r, s)) && buf_add(out, STR("\r\n")));
}

static void put_csv_head(struct report *r)
{
    struct buf *out = &r->out.body;

    (void)buf_add(out, str_c(usage_by_word(r->query.by)));
    if (r->query.by == USAGE_BY_ACCOUNT)
        (void)buf_add(out, STR(",id,provider"));
    for (size_t i = 0; i < COUNT(columns); i++)
        (void)(buf_add_char(out, ',') && buf_add(out, str_c(columns[i].name)));
    (void)buf_add(out, STR(",cost_usd\r\n"));
}

static void add_up(void *peer, const struct usage_sum *s)
{
    struct report *r = peer;

    for (size_t i = 0; i < COUNT(columns); i++) {
        int64_t n = column(&r->total, i) + column(s, i);

        memcpy((char *)&r->total + columns[i].offset, &n, sizeof(n));
    }
    r->total.cost_nano += s->cost_nano;
    r->total.first_byte_ms += s->first_byte_ms;
    r->total.first_bytes += s->first_bytes;
}

static void put_head(struct report *r)
{
    struct usage_counts counts;
    bool day = r->query.by_day;

    usage_keeper_counts(r->keeper, &counts);
    json_put_object(&r->w);
    json_put_member(&r->w, "by", str_c(usage_by_word(r->query.by)));
    json_put_member(&r->w, "from", time_text(&r->arena, r->query.from_s, day));
    if (r->query.to_s == INT64_MAX)
        json_put_member_null(&r->w, "to");
    else
        json_put_member(&r->w, "to", time_text(&r->arena, r->query.to_s, day));
    json_put_member(&r->w, "currency", STR("USD"));
    /* since the gateway started */
    json_put_member_i64(&r->w, "rows_dropped", (int64_t)counts.dropped);
    json_put_member_i64(&r->w, "rows_waiting", counts.waiting);
}

/* Two looks at the same state: nobody else writes meanwhile. */
static enum status answer(struct report *r, struct usage_db *db, struct error *e)
{
    struct usage_query all = r->query;
    enum status st;

    all.by = USAGE_BY_ENDING;
    all.limit = LIMIT_MAX;
    if (r->csv) {
        put_csv_head(r);
        return usage_sums(db, &r->query, put_csv, r, e);
    }
    put_head(r);
    json_put_key(&r->w, STR("rows"));
    json_put_array(&r->w);
    st = usage_sums(db, &r->query, put_json, r, e);
    json_put_end(&r->w);
    if (st == OK)
        st = usage_sums(db, &all, add_up, r, e);
    json_put_key(&r->w, STR("total"));
    json_put_object(&r->w);
    put_numbers(r, &r->total);
    json_put_end(&r->w);
    json_put_end(&r->w);
    return st;
}

static void report(struct report *r)
{
    struct error e = { 0 };
    struct usage_db *db;
    enum status st;

    if (!read_by(r) || !read_times(r) || !read_rest(r))
        return;
    usage_keeper_write(r->keeper);
    db = usage_keeper_take(r->keeper, &e);
    if (db == NULL) {
        r->out.status = 503;
        admin_put_error(&r->out.body, str_c(e.text), STR(""));
        return;
    }
    r->w = json_writer(&r->out.body);
    r->out.status = 200;
    r->out.type = r->csv ? "text/csv; charset=utf-8" : NULL;
    st = answer(r, db, &e);
    usage_keeper_return(r->keeper, st == OK ? NULL : &e);
    if (st == OK && (r->csv ? r->out.body.len < ANSWER_MAX : json_written(&r->w)))
        return;
    r->out.status = 500;
    r->out.type = NULL;
    r->out.body.len = 0;
    admin_put_error(&r->out.body,
                    st == OK ? STR("the answer would be larger than 16 MiB: ask for less of it")
                             : str_c(e.text),
                    STR(""));
}

static void report_here(void *message)
{
    struct report *r = message;

    report(r);
    admin_call_done(r->call, &r->out);
    arena_free(&r->arena);
    free(r);
}

void usage_report(struct usage_keeper *k, struct admin_call *c)
{
    struct report *r = must_calloc(1, sizeof(*r));

    r->keeper = k;
    r->call = c;
    r->now_ms = clock_unix_ms();
    buf_init(&r->out.body, ANSWER_MAX);
    if (usage_keeper_ask(k, report_here, r))
        return;
    r->out.status = 503;
    admin_put_error(&r->out.body, STR("too many questions are waiting"), STR(""));
    admin_call_done(c, &r->out);
    free(r);
}

/* --- rows ------------------------------------------------------------------------------------ */

struct rows_asked {
    struct usage_keeper *keeper;
    struct admin_call *call;
};

static void rows_here(void *message)
{
    struct rows_asked *asked = message;
    struct usage_range range = admin_rows_wanted(asked->call);
    struct error e = { 0 };
    int64_t next = 0;

    usage_keeper_write(asked->keeper);
    struct usage_db *db = usage_keeper_take(asked->keeper, &e);
    enum status st = E_STORE;

    if (db != NULL) {
        st = usage_rows_list(db, &range, admin_row_put, asked->call, &next, &e);
        usage_keeper_return(asked->keeper, st == OK ? NULL : &e);
    }
    admin_rows_done(asked->call, next, st == OK ? NULL : e.text);
    free(asked);
}

void usage_requests(struct usage_keeper *k, struct admin_call *c)
{
    struct rows_asked *asked = must_alloc(sizeof(*asked));

    *asked = (struct rows_asked){ k, c };
    if (usage_keeper_ask(k, rows_here, asked))
        return;
    admin_rows_done(c, 0, "too many questions are waiting");
    free(asked);
}
