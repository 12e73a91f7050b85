#include "base/buf.h"
#include "http/lines.h"
#include "test.h"

TEST(a_request_head_is_written)
{
    struct buf b;

    buf_init(&b, 4096);
    CHECK(http_put_request_line(&b, STR("POST"), STR("/v1/messages?beta=true")));
    CHECK(http_put_field(&b, STR("Host"), STR("api.example.com")));
    CHECK(http_put_field_i64(&b, STR("Content-Length"), 1234567890123));
    CHECK(http_put_field(&b, STR("X-Empty"), STR("")));
    CHECK(http_put_field(&b, STR("X-Text"), STR("a\tb \xc3\xa4")));
    CHECK(http_put_end(&b));
    CHECK_STR(buf_str(&b), "POST /v1/messages?beta=true HTTP/1.1\r\n"
                           "Host: api.example.com\r\n"
                           "Content-Length: 1234567890123\r\n"
                           "X-Empty: \r\n"
                           "X-Text: a\tb \xc3\xa4\r\n"
                           "\r\n");
    buf_clear(&b);
}

TEST(a_response_head_is_written)
{
    struct buf b;

    buf_init(&b, 4096);
    CHECK(http_put_status_line(&b, 429));
    CHECK(http_put_field_i64(&b, STR("Retry-After"), 0));
    CHECK(http_put_end(&b));
    CHECK_STR(buf_str(&b), "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\n\r\n");
    buf_clear(&b);
    CHECK(http_put_status_line(&b, 599));
    CHECK(http_put_status_line(&b, 100));
    CHECK_STR(buf_str(&b), "HTTP/1.1 599 Unknown\r\nHTTP/1.1 100 Continue\r\n");
    buf_clear(&b);
}

TEST(numbers_are_written_up_to_their_ends)
{
    struct buf b;

    buf_init(&b, 4096);
    CHECK(http_put_field_i64(&b, STR("A"), INT64_MAX));
    CHECK(http_put_field_i64(&b, STR("B"), INT64_MIN));
    CHECK(http_put_field_i64(&b, STR("C"), -1));
    CHECK_STR(buf_str(&b), "A: 9223372036854775807\r\nB: -9223372036854775808\r\nC: -1\r\n");
    buf_clear(&b);
}

#define S(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

TEST(fields_that_would_break_a_head_are_refused_and_leave_nothing)
{
    static const struct {
        const char *what;
        struct str name, value;
    } cases[] = {
        { "empty name", S(""), S("a") },
        { "blank in the name", S("A b"), S("a") },
        { "colon in the name", S("A:"), S("a") },
        { "CR in the name", S("A\r"), S("a") },
        { "LF in the name", S("A\n"), S("a") },
        { "NUL in the name", S("A\0"), S("a") },
        { "high byte in the name", S("\xc3\xa4"), S("a") },
        { "CR in the value", S("A"), S("a\rb") },
        { "LF in the value", S("A"), S("a\nb") },
        { "CRLF and a field in the value", S("A"), S("a\r\nSet-Cookie: b") },
        { "NUL in the value", S("A"), S("a\0") },
        { "control byte in the value", S("A"), S("\x1b[0m") },
        { "DEL in the value", S("A"), S("\x7f") },
        { "LF late in a long value", S("A"), S("abcdefghijklmnopqrstuvwxyz0123456789\n") },
        { "LF at byte 16", S("A"), S("abcdefghijklmnop\nabcdefghijklmnopqrstuvwxyz") },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b;

        buf_init(&b, 4096);
        CHECK(http_put_field(&b, STR("A"), STR("b")));
        CHECK(!http_put_field(&b, cases[i].name, cases[i].value), "%s", cases[i].what);
        CHECK_STR(buf_str(&b), "A: b\r\n", "%s", cases[i].what);
        buf_clear(&b);
    }
}

TEST(lines_are_sound_unless_a_value_breaks_them)
{
    static const char bad[] = { '\0', '\n', '\r', '\x01', '\x1f', '\x7f', '\t' };

    for (int round = 0; round < 2000; round++) {
        size_t count = 1 + test_below(t, 12);
        bool breaks = round % 2 == 1;
        size_t broken = test_below(t, count);
        struct buf b;

        buf_init(&b, 8192);
        for (size_t i = 0; i < count; i++) {
            char value[70];
            size_t len = 1 + test_below(t, sizeof(value) - 1);

            for (size_t k = 0; k < len; k++)
                value[k] = (char)(test_below(t, 2) == 1 ? 0x80 + test_below(t, 0x80)
                                                        : ' ' + test_below(t, 0x5f));
            if (breaks && i == broken)
                value[test_below(t, len)] = bad[test_below(t, sizeof(bad))];
            CHECK(http_line_add(&b, STR("X-Kind: "), (struct str){ value, len }));
        }
        CHECK(http_lines_are_sound(buf_str(&b), count) == !breaks, "round %d", round);
        CHECK(!http_lines_are_sound(buf_str(&b), count + 1));
        buf_clear(&b);
    }
}

TEST(lines_are_as_fields_would_have_been_and_are_taken_apart_again)
{
    static const struct http_field fields[] = { { S("X-Kind"), S("a b") },
                                                { S("X-Empty"), S("") },
                                                { S("X-Url"), S("http://x:1/") } };
    struct buf lines, want;
    struct http_field f;
    size_t count = 0;

    buf_init(&lines, 100);
    buf_init(&want, 100);
    CHECK(http_line_add(&lines, STR("X-Kind: "), fields[0].value));
    CHECK(http_line_add(&lines, STR("X-Empty: "), fields[1].value));
    CHECK(http_line_add(&lines, STR("X-Url: "), fields[2].value));
    for (size_t i = 0; i < COUNT(fields); i++)
        CHECK(http_put_field(&want, fields[i].name, fields[i].value));
    CHECK(str_eq(buf_str(&lines), buf_str(&want)));
    for (struct str rest = buf_str(&lines); http_line_take(&rest, &f); count++) {
        CHECK(str_eq(f.name, fields[count].name), "%zu", count);
        CHECK(str_eq(f.value, fields[count].value), "%zu", count);
    }
    CHECK_INT(count, COUNT(fields));
    CHECK(!http_line_add(&lines, STR("X-Long: "), (struct str){ want.at, 60 }));
    CHECK(str_eq(buf_str(&lines), buf_str(&want)), "what does not fit is not begun");
    buf_clear(&lines);
    buf_clear(&want);
}

TEST(request_lines_that_would_break_a_head_are_refused)
{
    static const struct {
        struct str method, target;
    } cases[] = {
        { S(""), S("/") },        { S("G T"), S("/") },          { S("GET\r\n"), S("/") },
        { S("GET"), S("") },      { S("GET"), S("/ HTTP/1.1") }, { S("GET"), S("/\r\nA: b") },
        { S("GET"), S("/\n") },   { S("GET"), S("/\0") },        { S("GET"), S("/\t") },
        { S("GET"), S("/\x7f") }, { S("GET"), S("/\xc3\xa4") },  { S("GET"), S("/#a") },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b;

        buf_init(&b, 4096);
        CHECK(!http_put_request_line(&b, cases[i].method, cases[i].target), "case %zu", i);
        CHECK_INT(b.len, 0, "case %zu", i);
        buf_clear(&b);
    }
}

TEST(a_line_that_does_not_fit_is_not_begun)
{
    const size_t field = strlen("Name: value\r\n"), request = strlen("GET / HTTP/1.1\r\n"),
                 status = strlen("HTTP/1.1 200 OK\r\n");

    for (int less = 1; less >= -1; less--) {
        struct buf b;
        bool fits = less <= 0;

        buf_init(&b, (size_t)((int)field - less));
        CHECK_INT(http_put_field(&b, STR("Name"), STR("value")), fits, "field, %d", less);
        CHECK_INT(b.len, fits ? field : 0);
        buf_clear(&b);
        buf_init(&b, (size_t)((int)request - less));
        CHECK_INT(http_put_request_line(&b, STR("GET"), STR("/")), fits, "request, %d", less);
        CHECK_INT(b.len, fits ? request : 0);
        buf_clear(&b);
        buf_init(&b, (size_t)((int)status - less));
        CHECK_INT(http_put_status_line(&b, 200), fits, "status, %d", less);
        CHECK_INT(b.len, fits ? status : 0);
        buf_clear(&b);
        buf_init(&b, (size_t)(2 - less));
        CHECK_INT(http_put_end(&b), fits, "end, %d", less);
        buf_clear(&b);
    }
}

TEST(reasons_have_words)
{
    CHECK_STR(http_reason(200), "OK");
    CHECK_STR(http_reason(404), "Not Found");
    CHECK_STR(http_reason(413), "Content Too Large");
    CHECK_STR(http_reason(529), "Overloaded");
    CHECK_STR(http_reason(299), "Unknown");
    CHECK_STR(http_reason(-1), "Unknown");
}

TEST(text_of_users_is_encoded_and_clipped_at_characters)
{
    static const struct {
        const char *text;
        size_t max;
        const char *want;
    } cases[] = {
        { "claude-sonnet-4", 100, "claude-sonnet-4" },
        { "a b", 100, "a%20b" },
        { "a\r\nb\tc", 100, "a%0D%0Ab%09c" },
        { "50%,a;b", 100, "50%25%2Ca%3Bb" },
        { "\x7f\x01", 100, "%7F%01" },
        { "\xc3\xa4", 100, "%C3%A4" },
        { "\xff\xfe", 100, "%FF%FE" },
        { "me@example.com/!\"'()*+=", 100, "me@example.com/!\"'()*+=" },
        { "", 100, "" },
        { "abc", 0, "" },
        { "abc", 2, "ab" },
        { "abc", 3, "abc" },
        { "a b", 3, "a" }, /* the escape would be cut */
        { "a b", 4, "a%20" },
        { "a\xc3\xa4", 6, "a" }, /* half a character */
        { "a\xc3\xa4", 7, "a%C3%A4" },
        { "\xe2\x82\xac!", 8, "" },
        { "\xe2\x82\xac!", 9, "%E2%82%AC" },
        { "\xf0\x9f\x98\x80", 11, "" },
        { "\xf0\x9f\x98\x80", 12, "%F0%9F%98%80" },
        { "\xf0\x9f", 12, "%F0%9F" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b;

        buf_init(&b, 4096);
        CHECK(http_put_encoded(&b, str_c(cases[i].text), cases[i].max), "case %zu", i);
        CHECK_STR(buf_str(&b), cases[i].want, "case %zu", i);
        buf_clear(&b);
    }
    struct buf full;

    buf_init(&full, 4);
    CHECK(!http_put_encoded(&full, STR("a b"), 100));
    CHECK_INT(full.len, 0);
    CHECK(http_put_encoded(&full, STR(""), 100));
    buf_clear(&full);
}

TEST(plain_is_what_is_written_as_it_stands)
{
    for (int round = 0; round < 2000; round++) {
        char text[60];
        size_t len = test_below(t, sizeof(text));
        struct buf b;

        for (size_t i = 0; i < len; i++)
            text[i] = (char)('!' + test_below(t, '%' - '!'));
        if (len > 0 && round % 2 == 1)
            text[test_below(t, len)] = (char)test_below(t, 256);
        struct str s = { text, len };

        buf_init(&b, 1000);
        CHECK(http_put_encoded(&b, s, 1000));
        CHECK(http_is_plain(s) == str_eq(buf_str(&b), s), "round %d", round);
        buf_clear(&b);
    }
}

TEST(what_is_written_is_read_back)
{
    for (int round = 0; round < 500; round++) {
        const struct http_limits limits = { 1000, 20000, 100 };
        struct str names[20], values[20];
        size_t count = test_below(t, COUNT(names));
        struct buf b;

        buf_init(&b, 1 << 16);
        CHECK(http_put_status_line(&b, 200));
        for (size_t i = 0; i < count; i++) {
            struct buf value;

            buf_init(&value, 300);
            for (size_t k = test_below(t, 60); k > 0; k--) {
                char c = (char)test_random(t);

                CHECK(http_put_encoded(&value, (struct str){ &c, 1 }, 3));
            }
            names[i] = arena_printf(&t->arena, "X-%zu", test_below(t, 1000));
            values[i] = arena_copy(&t->arena, buf_str(&value));
            buf_clear(&value);
            CHECK(http_put_field(&b, names[i], values[i]));
        }
        CHECK(http_put_end(&b));
        struct http_head head;
        struct http_fault fault;
        size_t used = 0, scanned = 0;

        CHECK_INT(http_parse_response(buf_str(&b), &scanned, &limits, &head, &used, &fault),
                  HTTP_PARSE_DONE);
        CHECK_INT(used, b.len);
        if (CHECK_INT(head.field_count, count))
            for (size_t i = 0; i < count; i++) {
                CHECK_STRS(head.fields[i].name, names[i]);
                CHECK_STRS(head.fields[i].value, values[i]);
            }
        buf_clear(&b);
    }
}
