#include "drip.h"

static const struct http_limits limits = { 1 << 10, 64 << 10, 200 };

static struct str render(struct test *t, const struct http_head *h)
{
    return arena_printf(&t->arena, "%d 1.%d len=%" PRId64 "%s%s%s", h->status, h->minor,
                        h->content_length, h->chunked ? " chunked" : "",
                        h->keep_alive ? " stay" : " close", h->upgrade ? " upgrade" : "");
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *name, *bytes, *want;
} valid[] = {
    { "the least", "HTTP/1.1 200 OK\r\n\r\n", "200 1.1 len=-1 stay" },
    { "no reason", "HTTP/1.1 200 \r\n\r\n", "200 1.1 len=-1 stay" },
    { "no reason and no blank", "HTTP/1.1 200\r\n\r\n", "200 1.1 len=-1 stay" },
    { "a reason of anything", "HTTP/1.1 404 Ni\xc3\xa4 \t(gone)\r\n\r\n", "404 1.1 len=-1 stay" },
    { "two blanks before the reason", "HTTP/1.1 200  OK\r\n\r\n", "200 1.1 len=-1 stay" },
    { "lowest status", "HTTP/1.1 100 Continue\r\n\r\n", "100 1.1 len=0 stay" },
    { "highest status", "HTTP/1.1 599 x\r\n\r\n", "599 1.1 len=-1 stay" },
    { "HTTP/1.0 closes", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "200 1.0 len=5 close" },
    { "HTTP/1.0 stays", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
      "200 1.0 len=-1 stay" },
    { "close", OK_LINE "Connection: Close\r\n\r\n", "200 1.1 len=-1 close" },
    { "length", OK_LINE "Content-Length: 12\r\n\r\n", "200 1.1 len=12 stay" },
    { "chunked", OK_LINE "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
      "200 1.1 len=-1 chunked stay" },
    { "204 has no body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
      "204 1.1 len=0 stay" },
    { "304 has no body", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
      "304 1.1 len=0 stay" },
    { "103 has no body", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n",
      "103 1.1 len=0 stay" },
    { "101", "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
      "101 1.1 len=0 stay upgrade" },
    { "no Host is needed, two do no harm", OK_LINE "Host: a b\r\nHost:\r\nExpect: x\r\n\r\n",
      "200 1.1 len=-1 stay" },
    { "two Content-Types: the first", OK_LINE "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n",
      "200 1.1 len=-1 stay" },
    { "two Set-Cookies", OK_LINE "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n",
      "200 1.1 len=-1 stay" },
};

#define BAD(name, bytes)               \
    {                                  \
        name, bytes, sizeof(bytes) - 1 \
    }

static const struct {
    const char *name, *bytes;
    size_t len;
} malformed[] = {
    BAD("empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n"),
    BAD("empty lines only", "\r\n\r\n"),
    BAD("a request", "GET / HTTP/1.1\r\n\r\n"),
    BAD("HTML", "<html><body>no</body></html>\r\n\r\n"),
    BAD("JSON", "{\"error\": 1}\r\n"),
    BAD("TLS alert", "\x15\x03\x01\x00\x02\x02\x46"),
    BAD("HTTP/0.9", "hello\r\n\r\n"),
    BAD("ICY", "ICY 200 OK\r\n\r\n"),
    BAD("no version", "200 OK\r\n\r\n"),
    BAD("version 2", "HTTP/2 200\r\n\r\n"),
    BAD("version 2.0", "HTTP/2.0 200 OK\r\n\r\n"),
    BAD("version 1.2", "HTTP/1.2 200 OK\r\n\r\n"),
    BAD("version 0.9", "HTTP/0.9 200 OK\r\n\r\n"),
    BAD("version 1.10", "HTTP/1.10 200 OK\r\n\r\n"),
    BAD("version in lower case", "http/1.1 200 OK\r\n\r\n"),
    BAD("version and no status", "HTTP/1.1\r\n\r\n"),
    BAD("version and a blank", "HTTP/1.1 \r\n\r\n"),
    BAD("blank before the version", " HTTP/1.1 200 OK\r\n\r\n"),
    BAD("BOM before the version", "\xef\xbb\xbfHTTP/1.1 200 OK\r\n\r\n"),
    BAD("two blanks before the status", "HTTP/1.1  200 OK\r\n\r\n"),
    BAD("TAB before the status", "HTTP/1.1\t200 OK\r\n\r\n"),
    BAD("TAB after the status", "HTTP/1.1 200\tOK\r\n\r\n"),
    BAD("status of two digits", "HTTP/1.1 20 OK\r\n\r\n"),
    BAD("status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"),
    BAD("status in words", "HTTP/1.1 two OK\r\n\r\n"),
    BAD("status with a sign", "HTTP/1.1 +20 OK\r\n\r\n"),
    BAD("negative status", "HTTP/1.1 -20 OK\r\n\r\n"),
    BAD("status with a fraction", "HTTP/1.1 200.1 OK\r\n\r\n"),
    BAD("status in hex", "HTTP/1.1 0xc OK\r\n\r\n"),
    BAD("status 000", "HTTP/1.1 000 OK\r\n\r\n"),
    BAD("status 099", "HTTP/1.1 099 OK\r\n\r\n"),
    BAD("status 600", "HTTP/1.1 600 OK\r\n\r\n"),
    BAD("status 999", "HTTP/1.1 999 OK\r\n\r\n"),
    BAD("status glued to the reason", "HTTP/1.1 200OK\r\n\r\n"),
    BAD("reason with a NUL", "HTTP/1.1 200 O\0K\r\n\r\n"),
    BAD("reason with a control byte", "HTTP/1.1 200 O\x01K\r\n\r\n"),
    BAD("reason with DEL", "HTTP/1.1 200 O\x7fK\r\n\r\n"),
    BAD("reason with a bare CR", "HTTP/1.1 200 O\rK\r\n\r\n"),
    BAD("bare LF after the status line", "HTTP/1.1 200 OK\nA: b\r\n\r\n"),
    BAD("bare LF everywhere", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    BAD("bare LF after a field", OK_LINE "A: b\n\r\n"),
    BAD("bare LF for the empty line", OK_LINE "A: b\r\n\n"),
    BAD("bare CR in a value", OK_LINE "A: b\rc: d\r\n\r\n"),
    BAD("bare CR for the empty line", OK_LINE "A: b\r\n\rX\r\n"),
    BAD("folded value", OK_LINE "A: b\r\n c\r\n\r\n"),
    BAD("blank line amid fields", OK_LINE "A: b\r\n \r\n\r\n"),
    BAD("blank before the colon", OK_LINE "Content-Length : 5\r\n\r\n"),
    BAD("blank before the first name", OK_LINE " A: b\r\n\r\n"),
    BAD("blank in a name", OK_LINE "A b: c\r\n\r\n"),
    BAD("line without colon", OK_LINE "abc\r\n\r\n"),
    BAD("empty name", OK_LINE ": a\r\n\r\n"),
    BAD("name with a high byte", OK_LINE "\xc3\xa4: a\r\n\r\n"),
    BAD("name with a NUL", OK_LINE "A\0: a\r\n\r\n"),
    BAD("value with a NUL", OK_LINE "A: b\0\r\n\r\n"),
    BAD("value with a control byte", OK_LINE "A: \x02\r\n\r\n"),
    BAD("value with DEL", OK_LINE "A: \x7f\r\n\r\n"),
    BAD("negative length", OK_LINE "Content-Length: -1\r\n\r\n"),
    BAD("length with a plus", OK_LINE "Content-Length: +5\r\n\r\nhello"),
    BAD("empty length", OK_LINE "Content-Length:\r\n\r\n"),
    BAD("length as a list", OK_LINE "Content-Length: 5, 5\r\n\r\nhello"),
    BAD("length in hex", OK_LINE "Content-Length: 0x5\r\n\r\nhello"),
    BAD("length with a word", OK_LINE "Content-Length: 5 bytes\r\n\r\nhello"),
    BAD("length of 16 digits", OK_LINE "Content-Length: 1000000000000000\r\n\r\n"),
    BAD("length of 2^64", OK_LINE "Content-Length: 18446744073709551616\r\n\r\n"),
    BAD("two equal lengths", OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    BAD("two lengths", OK_LINE "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    BAD("length and coding", OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD("coding and length", OK_LINE "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
    BAD("two codings", OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD("coding on HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD("coding gzip", OK_LINE "Transfer-Encoding: gzip\r\n\r\n"),
    BAD("coding gzip, chunked", OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    BAD("coding chunked, identity", OK_LINE "Transfer-Encoding: chunked, identity\r\n\r\n"),
    BAD("coding identity", OK_LINE "Transfer-Encoding: identity\r\n\r\n"),
    BAD("coding xchunked", OK_LINE "Transfer-Encoding: xchunked\r\n\r\n"),
    BAD("empty coding", OK_LINE "Transfer-Encoding: \r\n\r\n"),
    BAD("coding with a vertical tab", OK_LINE "Transfer-Encoding: \x0b"
                                              "chunked\r\n\r\n"),
    BAD("bad length on a 204", "HTTP/1.1 204 x\r\nContent-Length: a\r\n\r\n"),
    BAD("two Content-Encodings",
        OK_LINE "Content-Encoding: gzip\r\nContent-Encoding: identity\r\n\r\n"),
};

TEST(valid_responses_are_read)
{
    for (size_t i = 0; i < COUNT(valid); i++) {
        struct parsed p = parse_whole(http_parse_response, str_c(valid[i].bytes), &limits);

        if (CHECK_INT(p.verdict, HTTP_PARSE_DONE, "%s: %s", valid[i].name,
                      p.verdict == HTTP_PARSE_BAD ? p.fault.what : ""))
            CHECK_STR(render(t, &p.head), valid[i].want, "%s", valid[i].name);
    }
}

TEST(malformed_responses_are_refused_with_502)
{
    for (size_t i = 0; i < COUNT(malformed); i++) {
        struct str in = { malformed[i].bytes, malformed[i].len };
        struct parsed p = parse_whole(http_parse_response, in, &limits);

        if (CHECK_INT(p.verdict, HTTP_PARSE_BAD, "%s", malformed[i].name))
            CHECK_INT(p.fault.status, 502, "%s", malformed[i].name);
    }
}

TEST(responses_may_be_cut_anywhere)
{
    for (size_t i = 0; i < COUNT(valid); i++)
        check_all_cuts(t, http_parse_response, valid[i].name, str_c(valid[i].bytes), &limits);
    for (size_t i = 0; i < COUNT(malformed); i++)
        check_all_cuts(t, http_parse_response, malformed[i].name,
                       (struct str){ malformed[i].bytes, malformed[i].len }, &limits);
}

TEST(type_and_coding_of_a_response_are_found)
{
    struct parsed p = parse_whole(http_parse_response,
                                  STR(OK_LINE "content-type: text/event-stream\r\n"
                                              "CONTENT-ENCODING: gzip\r\n\r\n"),
                                  &limits);

    CHECK_INT(p.verdict, HTTP_PARSE_DONE);
    CHECK_STR(p.head.content_type, "text/event-stream");
    CHECK_STR(p.head.content_encoding, "gzip");
}

static struct str repeat(struct test *t, char c, size_t n)
{
    char *at = arena_alloc(&t->arena, n + 1);

    memset(at, c, n);
    return (struct str){ at, n };
}

TEST(the_status_line_has_a_limit)
{
    for (size_t len = 1023; len <= 1025; len++) {
        struct str pad = repeat(t, 'a', len - strlen("HTTP/1.1 200 "));
        struct str in = arena_printf(&t->arena, "HTTP/1.1 200 %s\r\n\r\n", pad.at);
        struct parsed p = parse_whole(http_parse_response, in, &limits);

        CHECK_INT(p.verdict, len <= 1024 ? HTTP_PARSE_DONE : HTTP_PARSE_BAD, "%zu bytes", len);
        check_all_cuts(t, http_parse_response, "long line", in, &limits);
    }
}

TEST(the_head_of_a_response_has_a_limit)
{
    for (size_t len = 65535; len <= 65537; len++) {
        struct str pad = repeat(t, 'a', len - strlen(OK_LINE "A: \r\n\r\n"));
        struct str in = arena_printf(&t->arena, OK_LINE "A: %s\r\n\r\n", pad.at);
        struct parsed p = parse_whole(http_parse_response, in, &limits);

        CHECK_INT(p.verdict, len <= 65536 ? HTTP_PARSE_DONE : HTTP_PARSE_BAD, "%zu bytes", len);
        check_all_cuts(t, http_parse_response, "large head", in, &limits);
    }
}

TEST(the_number_of_fields_of_a_response_has_a_limit)
{
    for (size_t count = 199; count <= 201; count++) {
        struct str in = STR(OK_LINE);

        for (size_t i = 0; i < count; i++)
            in = arena_printf(&t->arena, "%sA%zu: b\r\n", in.at, i);
        in = arena_printf(&t->arena, "%s\r\n", in.at);
        struct parsed p = parse_whole(http_parse_response, in, &limits);

        CHECK_INT(p.verdict, count <= 200 ? HTTP_PARSE_DONE : HTTP_PARSE_BAD, "%zu fields", count);
    }
}
