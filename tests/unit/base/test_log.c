#include "base/log.h"

#include "test.h"

static char text[64 * 1024];
static size_t text_len;
static int64_t now;

static void keep(void *peer, enum log_level level, struct str line)
{
    (void)peer;
    (void)level;
    if (text_len + line.len < sizeof(text))
        memcpy(text + text_len, line.at, line.len);
    text_len += line.len;
}

static int64_t clock_now(void)
{
    return now;
}

static struct str logged(void)
{
    struct str all = { text, text_len };

    text_len = 0;
    return all;
}

static void setup(enum log_level level, enum log_format format)
{
    logged();
    now += 1000;
    log_setup(&(struct log_options){ level, format, keep, clock_now, NULL });
}

TEST(log_writes_text_and_json_with_typed_fields)
{
    struct secret key = secret_copy(STR("sk-test-0123456789abcd"));

    now = 1767225600000 - 1000;
    setup(LOG_INFO, LOG_TEXT);
    log_info("up", F_INT("port", 8045), F_C("host", "a\n\"b"), F_SECRET("key", &key));
    CHECK_STR(logged(),
              "2026-01-01T00:00:00.000Z info up port=8045 host=\"a\\x0a\\\"b\" key=\"sk-…abcd\"\n");
    setup(LOG_INFO, LOG_JSON);
    log_warn("down", F_C("why", "\x01"), F_INT("n", -1));
    CHECK_STR(logged(),
              "{\"time\":\"2026-01-01T00:00:01.000Z\",\"level\":\"warn\",\"message\":\"down\","
              "\"why\":\"\\u0001\",\"n\":-1}\n");
    secret_clear(&key);
}

TEST(log_changes_its_format_while_it_runs_unless_json_was_asked_for)
{
    static const struct {
        enum log_format asked, set;
        const char *start;
    } cases[] = {
        { LOG_TEXT, LOG_JSON, "{" },
        { LOG_TEXT, LOG_TEXT, "2" },
        { LOG_JSON, LOG_TEXT, "{" },
        { LOG_JSON, LOG_JSON, "{" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        setup(LOG_INFO, cases[i].asked);
        log_set_format(cases[i].set);
        log_info("said");
        CHECK(str_starts(logged(), str_c(cases[i].start)), "%zu", i);
    }
}

TEST(log_leaves_out_what_is_below_its_level)
{
    setup(LOG_WARN, LOG_TEXT);
    log_info("quiet");
    log_debug("quiet");
    CHECK_INT(logged().len, 0);
}

TEST(log_bounds_a_line_and_drops_fields_whole)
{
    static char big[2 * LOG_LINE_MAX];

    memset(big, 'x', sizeof(big));
    setup(LOG_INFO, LOG_JSON);
    log_info("big", F_STR("field", ((struct str){ big, sizeof(big) })));
    struct str line = logged();
    CHECK(line.len <= LOG_LINE_MAX);
    CHECK(str_ends(line, STR("\"big\"}\n")));
}

TEST(log_holds_back_repeats_and_counts_them)
{
    setup(LOG_INFO, LOG_TEXT);
    size_t lines = 0;
    for (int i = 0; i < 100; i++) {
        log_info("again and again");
        lines += logged().len > 0;
    }
    CHECK_INT(lines, LOG_REPEATS);
    now += 1000;
    log_info("again and again");
    CHECK(str_ends(logged(), STR("held_back=90\n")));
}

TEST(who_asks_first_need_not_make_a_line_that_would_be_held_back)
{
    const struct str message = STR("asked first");
    uint64_t before = log_lines_held();

    setup(LOG_INFO, LOG_TEXT);
    now += 10000;
    CHECK(!log_holds_back(message, now));
    for (int i = 0; i < LOG_REPEATS; i++) {
        CHECK(!log_holds_back(message, now));
        log_info("asked first");
    }
    CHECK(log_holds_back(message, now) && log_holds_back(message, now + 1));
    CHECK(logged().len > 0);
    log_info("asked first");
    CHECK_STR(logged(), "");
    CHECK(!log_holds_back(message, now + 1000)); /* another second: it may be said again */
    CHECK_INT(log_lines_held() - before, 3);
    now += 1000;
    log_info("asked first");
    CHECK(str_ends(logged(), STR("held_back=3\n")));
}
