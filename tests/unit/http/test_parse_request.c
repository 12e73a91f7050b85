#include "drip.h"
#include "malformed_requests.h"

static const struct http_limits limits = { 8 << 10, 32 << 10, 100 };

static struct str text(const char *bytes, size_t len)
{
    return (struct str){ bytes, len };
}

/* Everything that a whole request says, in one line. */
static struct str render(struct test *t, const struct http_head *h)
{
    static const char *const methods[] = { "get",   "head",   "post",    "put",
                                           "patch", "delete", "options", "other" };

    return arena_printf(
        &t->arena, "%s %.*s %.*s 1.%d host=%.*s len=%" PRId64 "%s%s%s%s%s%.*s%s%.*s",
        methods[h->method], STR_ARG(h->method_text), STR_ARG(h->target), h->minor, STR_ARG(h->host),
        h->content_length, h->chunked ? " chunked" : "", h->keep_alive ? " stay" : " close",
        h->expect_continue ? " expect" : "", h->upgrade ? " upgrade" : "",
        h->content_type.len > 0 ? " type=" : "", STR_ARG(h->content_type),
        h->content_encoding.len > 0 ? " coding=" : "", STR_ARG(h->content_encoding));
}

#define H "Host: localhost\r\n"

static const struct {
    const char *name, *bytes;
    const char *body; /* what follows the head in `bytes` */
    const char *want;
} valid[] = {
    { "the least", "GET / HTTP/1.1\r\n" H "\r\n", "", "get GET / 1.1 host=localhost len=-1 stay" },
    { "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "", "get GET / 1.0 host= len=-1 close" },
    { "HTTP/1.0 with Host", "GET / HTTP/1.0\r\n" H "\r\n", "",
      "get GET / 1.0 host=localhost len=-1 close" },
    { "HTTP/1.0 that stays", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "",
      "get GET / 1.0 host= len=-1 stay" },
    { "HTTP/1.0 with a body", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", "hi",
      "post POST / 1.0 host= len=2 close" },
    { "one empty line first", "\r\nGET / HTTP/1.1\r\n" H "\r\n", "",
      "get GET / 1.1 host=localhost len=-1 stay" },
    { "two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "",
      "get GET / 1.1 host=localhost len=-1 stay" },
    { "a request behind it", "GET /a HTTP/1.1\r\n" H "\r\nGET /b HTTP/1.1\r\n",
      "GET /b HTTP/1.1\r\n", "get GET /a 1.1 host=localhost len=-1 stay" },
    { "rubbish behind it", "GET /a HTTP/1.1\r\n" H "\r\n\n\x01\r", "\n\x01\r",
      "get GET /a 1.1 host=localhost len=-1 stay" },
    { "HEAD", "HEAD / HTTP/1.1\r\n" H "\r\n", "", "head HEAD / 1.1 host=localhost len=-1 stay" },
    { "PUT", "PUT / HTTP/1.1\r\n" H "\r\n", "", "put PUT / 1.1 host=localhost len=-1 stay" },
    { "PATCH", "PATCH / HTTP/1.1\r\n" H "\r\n", "",
      "patch PATCH / 1.1 host=localhost len=-1 stay" },
    { "DELETE", "DELETE / HTTP/1.1\r\n" H "\r\n", "",
      "delete DELETE / 1.1 host=localhost len=-1 stay" },
    { "OPTIONS with a path", "OPTIONS /a HTTP/1.1\r\n" H "\r\n", "",
      "options OPTIONS /a 1.1 host=localhost len=-1 stay" },
    { "OPTIONS with a star", "OPTIONS * HTTP/1.1\r\n" H "\r\n", "",
      "options OPTIONS * 1.1 host=localhost len=-1 stay" },
    { "a method nobody knows", "BREW /pot HTTP/1.1\r\n" H "\r\n", "",
      "other BREW /pot 1.1 host=localhost len=-1 stay" },
    { "methods have a case", "get / HTTP/1.1\r\n" H "\r\n", "",
      "other get / 1.1 host=localhost len=-1 stay" },
    { "a method of odd token bytes", "!#$%&'*+-.^_`|~09 / HTTP/1.1\r\n" H "\r\n", "",
      "other !#$%&'*+-.^_`|~09 / 1.1 host=localhost len=-1 stay" },
    { "a method that starts like CONNECT", "CONNECTED / HTTP/1.1\r\n" H "\r\n", "",
      "other CONNECTED / 1.1 host=localhost len=-1 stay" },
    { "all that a target may hold",
      "GET /~a!$&'()*+,;=:@%41-._[]{}|^`\"<>?x=/? HTTP/1.1\r\n" H "\r\n", "",
      "get GET /~a!$&'()*+,;=:@%41-._[]{}|^`\"<>?x=/? 1.1 host=localhost len=-1 stay" },
    { "bad escapes are not the head's business", "GET /%zz/%00/.. HTTP/1.1\r\n" H "\r\n", "",
      "get GET /%zz/%00/.. 1.1 host=localhost len=-1 stay" },
    { "absolute form", "GET http://example.com:8080/a?b HTTP/1.1\r\n" H "\r\n", "",
      "get GET http://example.com:8080/a?b 1.1 host=example.com:8080 len=-1 stay" },
    { "absolute form, https, no path", "GET HTTPS://[::1] HTTP/1.1\r\n" H "\r\n", "",
      "get GET HTTPS://[::1] 1.1 host=[::1] len=-1 stay" },
    { "absolute form, query at once", "GET http://a?b HTTP/1.1\r\n" H "\r\n", "",
      "get GET http://a?b 1.1 host=a len=-1 stay" },
    { "absolute form on HTTP/1.0", "GET http://a/ HTTP/1.0\r\n\r\n", "",
      "get GET http://a/ 1.0 host=a len=-1 close" },
    { "Host with port", "GET / HTTP/1.1\r\nHost: localhost:8317\r\n\r\n", "",
      "get GET / 1.1 host=localhost:8317 len=-1 stay" },
    { "Host IPv6 with port", "GET / HTTP/1.1\r\nhOsT:[::1]:8317\t \r\n\r\n", "",
      "get GET / 1.1 host=[::1]:8317 len=-1 stay" },
    { "length", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", "hello",
      "post POST / 1.1 host=localhost len=5 stay" },
    { "length 0", "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "",
      "post POST / 1.1 host=localhost len=0 stay" },
    { "length with zeros", "POST / HTTP/1.1\r\n" H "Content-Length: 000005\r\n\r\nhello", "hello",
      "post POST / 1.1 host=localhost len=5 stay" },
    { "length of 15 digits", "POST / HTTP/1.1\r\n" H "Content-Length: 999999999999999\r\n\r\n", "",
      "post POST / 1.1 host=localhost len=999999999999999 stay" },
    { "length without a blank", "POST / HTTP/1.1\r\n" H "content-length:5\r\n\r\nhello", "hello",
      "post POST / 1.1 host=localhost len=5 stay" },
    { "length amid blanks", "POST / HTTP/1.1\r\n" H "CONTENT-LENGTH: \t 5 \t \r\n\r\nhello",
      "hello", "post POST / 1.1 host=localhost len=5 stay" },
    { "chunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "0\r\n\r\n",
      "post POST / 1.1 host=localhost len=-1 chunked stay" },
    { "chunked in capitals", "POST / HTTP/1.1\r\n" H "tRANSFER-eNCODING:   CHUNKED \r\n\r\n", "",
      "post POST / 1.1 host=localhost len=-1 chunked stay" },
    { "close", "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 close" },
    { "Close in a list", "GET / HTTP/1.1\r\n" H "Connection: foo , ,\tClose\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 close" },
    { "close beats keep-alive", "GET / HTTP/1.1\r\n" H "Connection: close, keep-alive\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 close" },
    { "close in a second field",
      "GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 close" },
    { "not quite close", "GET / HTTP/1.1\r\n" H "Connection: closed, close-d, \"close\"\r\n\r\n",
      "", "get GET / 1.1 host=localhost len=-1 stay" },
    { "upgrade", "GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 stay upgrade" },
    { "upgrade without Upgrade", "GET / HTTP/1.1\r\n" H "Connection: upgrade\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 stay" },
    { "Upgrade without upgrade", "GET / HTTP/1.1\r\n" H "Upgrade: h2c\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 stay" },
    { "100-continue", "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n",
      "", "post POST / 1.1 host=localhost len=1 stay expect" },
    { "100-continue twice",
      "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", "",
      "post POST / 1.1 host=localhost len=-1 stay expect" },
    { "100-continue on HTTP/1.0 is ignored",
      "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", "",
      "post POST / 1.0 host= len=1 close" },
    { "type and coding",
      "POST / HTTP/1.1\r\n" H "Content-Type: application/json; charset=utf-8\r\n"
      "Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n",
      "",
      "post POST / 1.1 host=localhost len=9 stay type=application/json; charset=utf-8 "
      "coding=gzip" },
    { "empty values", "GET / HTTP/1.1\r\n" H "A:\r\nB: \r\nC:\t\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 stay" },
    { "values with high bytes and TABs", "GET / HTTP/1.1\r\n" H "A: \xc3\xa4\tb\xff\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 stay" },
    { "a name of odd token bytes", "GET / HTTP/1.1\r\n" H "!#$%&'*+-.^_`|~09aZ: b\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 stay" },
    { "names that are nearly known",
      "GET / HTTP/1.1\r\n" H "Hosta: a\r\nXost: b\r\nContent_Length: 5\r\nContent-Lengti: 5\r\n"
      "Transfer-EncodinG2: x\r\nTransfer_Encoding: chunked\r\nExpecT-: x\r\nexpekt: 1\r\n\r\n",
      "", "get GET / 1.1 host=localhost len=-1 stay" },
    { "fields twice that may be", "GET / HTTP/1.1\r\n" H "Accept: a\r\nAccept: b\r\n\r\n", "",
      "get GET / 1.1 host=localhost len=-1 stay" },
};

TEST(valid_requests_are_read)
{
    for (size_t i = 0; i < COUNT(valid); i++) {
        struct str in = str_c(valid[i].bytes);
        struct parsed p = parse_whole(http_parse_request, in, &limits);

        if (!CHECK_INT(p.verdict, HTTP_PARSE_DONE, "%s: %s", valid[i].name,
                       p.verdict == HTTP_PARSE_BAD ? p.fault.what : ""))
            continue;
        CHECK_STR(render(t, &p.head), valid[i].want, "%s", valid[i].name);
        CHECK_STR(str_drop(in, p.used), valid[i].body, "%s", valid[i].name);
    }
}

TEST(malformed_requests_are_refused)
{
    for (size_t i = 0; i < COUNT(malformed_requests); i++) {
        const struct malformed_request *m = &malformed_requests[i];
        struct parsed p = parse_whole(http_parse_request, text(m->bytes, m->len), &limits);

        if (CHECK_INT(p.verdict, HTTP_PARSE_BAD, "%s", m->name))
            CHECK_INT(p.fault.status, m->status, "%s: %s", m->name, p.fault.what);
    }
}

TEST(requests_may_be_cut_anywhere)
{
    for (size_t i = 0; i < COUNT(valid); i++)
        check_all_cuts(t, http_parse_request, valid[i].name, str_c(valid[i].bytes), &limits);
    for (size_t i = 0; i < COUNT(malformed_requests); i++) {
        const struct malformed_request *m = &malformed_requests[i];

        check_all_cuts(t, http_parse_request, m->name, text(m->bytes, m->len), &limits);
    }
}

TEST(a_prefix_of_a_valid_request_asks_for_more)
{
    for (size_t i = 0; i < COUNT(valid); i++) {
        struct str in = str_c(valid[i].bytes);
        size_t head_len = in.len - strlen(valid[i].body);

        for (size_t len = 0; len < head_len; len++) {
            struct parsed p = parse_whole(http_parse_request, str_take(in, len), &limits);

            CHECK_INT(p.verdict, HTTP_PARSE_MORE, "%s, %zu bytes", valid[i].name, len);
        }
    }
}

TEST(bytes_that_are_changed_give_the_same_verdict_in_one_piece_and_in_many)
{
    static const char odd[] = "\0\t\n\r \"#%,./0:;?@HX[\\]_a~\x7f\x80\xff";

    for (int round = 0; round < 3000; round++) {
        struct str in = str_c(valid[test_below(t, COUNT(valid))].bytes);
        char bytes[400];
        struct str broken = { bytes, in.len };

        if (in.len > sizeof(bytes))
            continue;
        memcpy(bytes, in.at, in.len);
        for (size_t changes = 1 + test_below(t, 3); changes > 0; changes--)
            bytes[test_below(t, in.len)] = odd[test_below(t, sizeof(odd) - 1)];

        struct parsed want = parse_whole(http_parse_request, broken, &limits);
        struct parsed got = parse_dripped(t, http_parse_request, broken, 1, 1, &limits);

        check_same(t, "changed", 1, 1, &got, &want);
        arena_free(&t->arena);
    }
}

TEST(rubbish_is_refused_before_its_line_ends)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
    } cases[] = {
        { "TLS", "\x16", 1 },
        { "bare LF", "\n", 1 },
        { "bare CR", "GET\r ", 5 },
        { "NUL", "GET /\0", 6 },
        { "high byte", "\xff", 1 },
        { "TAB", "GET\t", 4 },
        { "third empty line", "\r\n\r\n\r\n", 6 },
        { "request line with LF only", "GET / HTTP/1.1\n", 15 },
        { "bad request line, no fields yet", "GET / HTTP/3.0\r\n", 16 },
        { "bad field, more to come", "GET / HTTP/1.1\r\nA b: c\r\n", 24 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str in = text(cases[i].bytes, cases[i].len);
        struct parsed p = parse_whole(http_parse_request, in, &limits);

        CHECK_INT(p.verdict, HTTP_PARSE_BAD, "%s", cases[i].name);
        p = parse_whole(http_parse_request, str_drop_last(in, 1), &limits);
        CHECK_INT(p.verdict, HTTP_PARSE_MORE, "%s, a byte less", cases[i].name);
    }
}

/* --- limits ----------------------------------------------------------------------------------- */

static struct str repeat(struct test *t, char c, size_t n)
{
    char *at = arena_alloc(&t->arena, n + 1);

    memset(at, c, n);
    return (struct str){ at, n };
}

TEST(the_request_line_has_a_limit)
{
    for (size_t len = 8191; len <= 8193; len++) {
        struct str pad = repeat(t, 'a', len - strlen("GET / HTTP/1.1"));
        struct str in = arena_printf(&t->arena, "GET /%s HTTP/1.1\r\n" H "\r\n", pad.at);
        struct parsed p = parse_whole(http_parse_request, in, &limits);

        CHECK_INT(p.verdict, len <= 8192 ? HTTP_PARSE_DONE : HTTP_PARSE_BAD, "%zu bytes", len);
        if (p.verdict == HTTP_PARSE_BAD)
            CHECK_INT(p.fault.status, 414);
        check_all_cuts(t, http_parse_request, "long line", in, &limits);

        /* seen before its end: with the CR, and one more that ought to be the LF */
        p = parse_whole(http_parse_request, repeat(t, 'a', len + 1), &limits);
        CHECK_INT(p.verdict, len <= 8192 ? HTTP_PARSE_MORE : HTTP_PARSE_BAD, "%zu bytes", len + 1);
    }
}

TEST(the_head_has_a_limit)
{
    for (size_t len = 32767; len <= 32769; len++) {
        struct str pad = repeat(t, 'a', len - strlen("GET / HTTP/1.1\r\n" H "A: \r\n\r\n"));
        struct str in = arena_printf(&t->arena, "GET / HTTP/1.1\r\n" H "A: %s\r\n\r\n", pad.at);
        struct parsed p = parse_whole(http_parse_request, in, &limits);

        CHECK_INT(in.len, len);
        CHECK_INT(p.verdict, len <= 32768 ? HTTP_PARSE_DONE : HTTP_PARSE_BAD, "%zu bytes", len);
        if (p.verdict == HTTP_PARSE_BAD)
            CHECK_INT(p.fault.status, 431);
        check_all_cuts(t, http_parse_request, "large head", in, &limits);
    }
}

TEST(empty_lines_before_the_head_count_as_its_bytes)
{
    const struct http_limits tight = { 14, 35 + 4, 1 }; /* the request below, and four */
    struct str in = STR("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n");
    struct parsed p = parse_whole(http_parse_request, in, &tight);

    CHECK_INT(p.verdict, HTTP_PARSE_DONE);
    CHECK_INT(p.used, in.len);
    p = parse_whole(http_parse_request, in, &(struct http_limits){ 14, 35 + 3, 1 });
    CHECK_INT(p.verdict, HTTP_PARSE_BAD);
}

TEST(a_body_behind_the_head_does_not_count)
{
    const struct http_limits tight = { 14, 35, 1 };
    struct parsed p =
        parse_whole(http_parse_request, STR("GET / HTTP/1.1\r\n" H "\r\nand much more"), &tight);

    CHECK_INT(p.verdict, HTTP_PARSE_DONE);
    CHECK_INT(p.used, 35);
}

TEST(the_number_of_fields_has_a_limit)
{
    for (size_t count = 99; count <= 101; count++) {
        struct str in = STR("GET / HTTP/1.1\r\n" H);

        for (size_t i = 1; i < count; i++)
            in = arena_printf(&t->arena, "%sA%zu: b\r\n", in.at, i);
        in = arena_printf(&t->arena, "%s\r\n", in.at);
        struct parsed p = parse_whole(http_parse_request, in, &limits);

        CHECK_INT(p.verdict, count <= 100 ? HTTP_PARSE_DONE : HTTP_PARSE_BAD, "%zu fields", count);
        if (p.verdict == HTTP_PARSE_BAD)
            CHECK_INT(p.fault.status, 431);
        else
            CHECK_INT(p.head.field_count, count);
        check_all_cuts(t, http_parse_request, "many fields", in, &limits);
    }
}

TEST(a_field_beyond_the_limit_is_still_held_to_the_grammar)
{
    const struct http_limits tight = { 100, 1000, 1 };
    struct parsed p =
        parse_whole(http_parse_request, STR("GET / HTTP/1.1\r\n" H "A: b\r\nc\r\n\r\n"), &tight);

    CHECK_INT(p.verdict, HTTP_PARSE_BAD);
    CHECK_INT(p.fault.status, 400);
}

/* --- finding fields --------------------------------------------------------------------------- */

TEST(fields_are_found_by_name_whatever_their_case)
{
    struct parsed p = parse_whole(
        http_parse_request,
        STR("GET / HTTP/1.1\r\n" H "X-Api-Key:  k \r\nAccept: a\r\naccept: b\r\nE:\r\n\r\n"),
        &limits);

    CHECK_INT(p.verdict, HTTP_PARSE_DONE);
    CHECK_INT(p.head.field_count, 5);
    CHECK_STR(http_field_value(&p.head, STR("x-api-key")), "k");
    CHECK_STR(http_field_value(&p.head, STR("ACCEPT")), "a", "the first of two");
    CHECK_STR(http_field_value(&p.head, STR("e")), "");
    CHECK_STR(http_field_value(&p.head, STR("x-api-ke")), "");
    CHECK(http_field_find(&p.head, STR("E")) != NULL);
    CHECK(http_field_find(&p.head, STR("absent")) == NULL);
}

TEST(a_field_is_found_by_any_name_it_may_have_and_no_other_one_is)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-.^_`|~";

    for (int round = 0; round < 500; round++) {
        char name[40], other[40];
        size_t len = 1 + test_below(t, sizeof(name) - 1);

        for (size_t i = 0; i < len; i++) {
            name[i] = token[test_below(t, sizeof(token) - 1)];
            other[i] = test_below(t, 2) == 1 ? char_lower(name[i]) : name[i];
        }
        struct str sent = { name, len }, asked = { other, len };
        struct str in =
            arena_printf(&t->arena, "GET / HTTP/1.0\r\n%.*s: here\r\nZz: 1\r\n\r\n", STR_ARG(sent));
        struct parsed p = parse_whole(http_parse_request, in, &limits);

        if (p.verdict != HTTP_PARSE_DONE)
            continue; /* a name that means something */
        CHECK_STR(http_field_value(&p.head, asked), "here", "%.*s", STR_ARG(sent));
        other[len / 2] = other[len / 2] == '1' ? '2' : '1';
        if (!str_ieq(sent, asked))
            CHECK(http_field_find(&p.head, asked) == NULL, "%.*s", STR_ARG(sent));
    }
}

TEST(each_name_that_is_known_is_known_in_any_case)
{
    static const char *const once[] = { "host",         "content-length",   "transfer-encoding",
                                        "content-type", "content-encoding", "authorization",
                                        "origin" };

    for (size_t i = 0; i < COUNT(once); i++)
        for (int round = 0; round < 20; round++) {
            struct str name = arena_copy(&t->arena, str_c(once[i]));
            char *mixed = arena_alloc(&t->arena, name.len + 1);

            for (size_t k = 0; k < name.len; k++)
                mixed[k] = name.at[k] >= 'a' && test_below(t, 2) == 1 ? (char)(name.at[k] - 32)
                                                                      : name.at[k];
            struct str in =
                arena_printf(&t->arena, "GET / HTTP/1.0\r\n%s: 1\r\n%s: 1\r\n\r\n", mixed, name.at);
            struct parsed p = parse_whole(http_parse_request, in, &limits);

            CHECK_INT(p.verdict, HTTP_PARSE_BAD, "%s", mixed);
            in = arena_printf(&t->arena, "GET / HTTP/1.0\r\n%sx: 1\r\n%sx: 1\r\n\r\n", mixed,
                              name.at);
            p = parse_whole(http_parse_request, in, &limits);
            CHECK_INT(p.verdict, HTTP_PARSE_DONE, "%sx", mixed);
        }
}

/* --- bytes ------------------------------------------------------------------------------------ */

TEST(every_byte_of_a_name_value_and_target_is_judged_by_the_papers)
{
    for (int c = 0; c < 256; c++) {
        bool token = c != 0 && strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                      c) != NULL;
        bool value = c == '\t' || (c >= 0x20 && c != 0x7f);
        bool target = c > 0x20 && c < 0x7f && c != '#' && c != '\\';
        char bytes[] = "GET /_/ HTTP/1.1\r\nHost: a\r\nN_N: v\r\nV: 1234567890_1234567890\r\n\r\n";
        const struct {
            const char *where;
            char *at;
            bool good;
        } places[] = {
            { "target", strstr(bytes, "/_/") + 1, target },
            { "name", strstr(bytes, "N_N") + 1, token || c == ':' }, /* ends the name early */
            { "value", strstr(bytes, "0_1") + 1, value },
        };

        for (size_t i = 0; i < COUNT(places); i++) {
            *places[i].at = (char)c;
            struct parsed p =
                parse_whole(http_parse_request, text(bytes, sizeof(bytes) - 1), &limits);
            bool good = p.verdict == HTTP_PARSE_DONE;

            CHECK_INT(good, places[i].good, "byte %02x in the %s", (unsigned)c, places[i].where);
            *places[i].at = '_';
        }
    }
}
