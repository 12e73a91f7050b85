#include "base/buf.h"
#include "http/parse.h"
#include "test.h"

/* The body read, a `|`, and what was left behind it; or `BAD`, or `MORE` and the body so far. */
static struct str decode(struct test *t, struct str in, size_t first, size_t step)
{
    struct chunked c = { 0 };
    struct buf body;
    struct http_fault fault = { 0 };
    struct str result = STR("");

    buf_init(&body, 1 << 20);
    for (size_t done = 0, len = first < in.len ? first : in.len;;) {
        struct str given = str_take(str_drop(in, done), len), out = STR("");
        char *copy = given.len > 0 ? arena_alloc_raw(&t->arena, given.len) : NULL;
        enum chunked_result got;

        done += given.len;
        if (copy != NULL)
            given.at = memcpy(copy, given.at, given.len);
        while ((got = chunked_next(&c, &given, &out, &fault)) == CHUNKED_DATA) {
            CHECK(out.len > 0);
            buf_add(&body, out);
        }
        if (got == CHUNKED_BAD) {
            CHECK_INT(fault.status, 400);
            CHECK(fault.what != NULL);
            CHECK_INT(chunked_next(&c, &given, &out, &fault), CHUNKED_BAD, "bad stays bad");
            result = STR("BAD");
            break;
        }
        if (got == CHUNKED_END) {
            struct str rest = { in.at + done - given.len, in.len - done + given.len };

            CHECK_INT(chunked_next(&c, &given, &out, &fault), CHUNKED_END, "the end stays the end");
            result = arena_printf(&t->arena, "%.*s|%.*s", STR_ARG(buf_str(&body)), STR_ARG(rest));
            break;
        }
        CHECK_INT(given.len, 0);
        if (done == in.len) {
            result = arena_printf(&t->arena, "MORE %.*s", STR_ARG(buf_str(&body)));
            break;
        }
        len = step;
    }
    buf_clear(&body);
    return result;
}

#define CASE(name, bytes, want)              \
    {                                        \
        name, bytes, sizeof(bytes) - 1, want \
    }

static const struct {
    const char *name, *bytes;
    size_t len;
    const char *want;
} cases[] = {
    CASE("nothing", "0\r\n\r\n", "|"),
    CASE("one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello|"),
    CASE("two chunks", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world|"),
    CASE("what follows stays", "1\r\na\r\n0\r\n\r\nGET /", "a|GET /"),
    CASE("hex in both cases", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
         "01234567890123456789a|"),
    CASE("zeros in front", "000005\r\nhello\r\n00\r\n\r\n", "hello|"),
    CASE("size of 15 digits", "000000000000005\r\nhello\r\n0\r\n\r\n", "hello|"),
    CASE("end of 15 digits", "000000000000000\r\n\r\n", "|"),
    CASE("data that looks like framing", "7\r\n0\r\n\r\n0\r\r\n0\r\n\r\n", "0\r\n\r\n0\r|"),
    CASE("extension", "5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello|"),
    CASE("extension with blanks and quotes", "5; a=\"b;c\"\t\r\nhello\r\n0\r\n\r\n", "hello|"),
    CASE("empty extension", "5;\r\nhello\r\n0;\r\n\r\n", "hello|"),
    CASE("trailer", "1\r\na\r\n0\r\nA: b\r\n\r\n", "a|"),
    CASE("trailers", "1\r\na\r\n0\r\nA: b\r\nC:\r\nD:\t\xc3\xa4\r\n\r\nx", "a|x"),
    CASE("trailer that would be framing", "0\r\nContent-Length: 9\r\nHost: x\r\n\r\nx", "|x"),
    CASE("empty input", "", "MORE "),
    CASE("cut in the size", "5", "MORE "),
    CASE("cut after the CR", "5\r", "MORE "),
    CASE("cut in the data", "5\r\nhel", "MORE hel"),
    CASE("cut after the data", "5\r\nhello", "MORE hello"),
    CASE("cut before the end", "5\r\nhello\r\n", "MORE hello"),
    CASE("cut in the last line", "5\r\nhello\r\n0\r\n", "MORE hello"),
    CASE("cut in the last CRLF", "5\r\nhello\r\n0\r\n\r", "MORE hello"),
    CASE("cut in a trailer", "0\r\nA: b", "MORE "),
    CASE("large size, little data", "fffffffffffffff\r\nab", "MORE ab"),

    CASE("size of 16 digits", "0000000000000005\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size of 16 digits, large", "ffffffffffffffff\r\n", "BAD"),
    CASE("size that overflows", "10000000000000005\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("no size", "\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("extension without size", ";a\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size with a blank in front", " 5\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size with a blank behind", "5 \r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size with a blank before the extension", "5 ;a\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size with a TAB", "5\t\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size with a plus", "+5\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size with a minus", "-5\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size with 0x", "0x5\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size in other letters", "g\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size with an underscore", "1_0\r\n", "BAD"),
    CASE("size with a comma", "5,5\r\nhello\r\n", "BAD"),
    CASE("size with a dot", "5.0\r\nhello\r\n", "BAD"),
    CASE("size with a NUL", "5\0\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("size with a high byte", "5\xb2\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("bare LF after the size", "5\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("bare CR after the size", "5\rhello\r\n0\r\n\r\n", "BAD"),
    CASE("two CRs after the size", "5\r\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("bare CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("NUL in an extension", "5;a\0\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("DEL in an extension", "5;a\x7f\r\nhello\r\n0\r\n\r\n", "BAD"),
    CASE("bare LF after the data", "5\r\nhello\n0\r\n\r\n", "BAD"),
    CASE("bare CR after the data", "5\r\nhello\r0\r\n\r\n", "BAD"),
    CASE("nothing after the data", "5\r\nhello0\r\n\r\n", "BAD"),
    CASE("too much data", "5\r\nhello!\r\n0\r\n\r\n", "BAD"),
    CASE("too little data", "5\r\nhell\r\n0\r\n\r\n", "BAD"),
    CASE("bare LF after the last size", "0\n\r\n", "BAD"),
    CASE("bare LF at the end", "0\r\n\n", "BAD"),
    CASE("bare CR at the end", "0\r\n\rx", "BAD"),
    CASE("two CRs at the end", "0\r\n\r\r\n", "BAD"),
    CASE("request in place of the end", "0\r\nGET / HTTP/1.1\r\n\r\n", "BAD"),
    CASE("trailer without colon", "0\r\nabc\r\n\r\n", "BAD"),
    CASE("trailer with an empty name", "0\r\n: a\r\n\r\n", "BAD"),
    CASE("trailer with a blank in front", "0\r\n A: b\r\n\r\n", "BAD"),
    CASE("trailer with a blank before the colon", "0\r\nA : b\r\n\r\n", "BAD"),
    CASE("trailer folded", "0\r\nA: b\r\n c\r\n\r\n", "BAD"),
    CASE("trailer with a bare LF", "0\r\nA: b\n\r\n", "BAD"),
    CASE("trailer with a bare CR", "0\r\nA: b\rc\r\n\r\n", "BAD"),
    CASE("trailer with a LF in its name", "0\r\nA\n: b\r\n\r\n", "BAD"),
    CASE("trailer with a NUL", "0\r\nA: \0\r\n\r\n", "BAD"),
    CASE("trailer with a high byte in its name", "0\r\n\xc3\xa4: b\r\n\r\n", "BAD"),
};

TEST(chunked_bodies_are_decoded_or_refused)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str in = { cases[i].bytes, cases[i].len };

        CHECK_STR(decode(t, in, in.len, 1), cases[i].want, "%s", cases[i].name);
    }
}

TEST(chunked_bodies_may_be_cut_anywhere)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str in = { cases[i].bytes, cases[i].len };

        for (size_t cut = 0; cut <= in.len; cut++)
            CHECK_STR(decode(t, in, cut, in.len + 1), cases[i].want, "%s, cut at %zu",
                      cases[i].name, cut);
        for (size_t step = 1; step <= 3; step++)
            CHECK_STR(decode(t, in, step, step), cases[i].want, "%s, %zu at a time", cases[i].name,
                      step);
    }
}

TEST(the_bad_byte_is_left_in_the_input)
{
    struct chunked c = { 0 };
    struct http_fault fault;
    struct str in = STR("5\r\nhelloX"), out;

    CHECK_INT(chunked_next(&c, &in, &out, &fault), CHUNKED_DATA);
    CHECK_INT(chunked_next(&c, &in, &out, &fault), CHUNKED_BAD);
    CHECK_STR(in, "X");
}

TEST(data_is_borrowed_not_copied)
{
    struct chunked c = { 0 };
    struct http_fault fault;
    struct str whole = STR("5\r\nhello\r\n"), in = whole, out;

    CHECK_INT(chunked_next(&c, &in, &out, &fault), CHUNKED_DATA);
    CHECK(out.at == whole.at + 3);
    CHECK_STR(out, "hello");
}

/* --- limits ----------------------------------------------------------------------------------- */

static struct str repeat(struct test *t, char c, size_t n)
{
    char *at = arena_alloc(&t->arena, n + 1);

    memset(at, c, n);
    return (struct str){ at, n };
}

static void check_limit(struct test *t, const char *name, struct str in, bool fits)
{
    CHECK_STR(decode(t, in, in.len, 1), fits ? "|" : "BAD", "%s", name);
    CHECK_STR(decode(t, in, 1, 7), fits ? "|" : "BAD", "%s, in pieces", name);
}

TEST(the_extensions_of_one_line_have_a_limit)
{
    for (size_t len = CHUNKED_EXTENSION_MAX - 1; len <= CHUNKED_EXTENSION_MAX + 1; len++)
        check_limit(t, "extension",
                    arena_printf(&t->arena, "0;%s\r\n\r\n", repeat(t, 'x', len - 1).at),
                    len <= CHUNKED_EXTENSION_MAX);
}

static struct str chunk_with_extension(struct test *t, struct str before, size_t len)
{
    return arena_printf(&t->arena, "%s1;%s\r\n\r\r\n", before.at, repeat(t, 'x', len - 1).at);
}

TEST(the_extensions_of_a_message_have_a_limit)
{
    for (size_t last = 0; last <= 2; last++) {
        struct str in = STR("");
        size_t sum = 5 * 800;

        for (int i = 0; i < 5; i++)
            in = chunk_with_extension(t, in, 800);
        /* the last line ends at the limit, one below, one above */
        in = chunk_with_extension(t, in, CHUNKED_EXTENSIONS_MAX - sum - 1 + last);
        in = arena_printf(&t->arena, "%s0\r\n\r\n", in.at);
        CHECK_STR(decode(t, in, in.len, 1), last <= 1 ? "\r\r\r\r\r\r|" : "BAD", "%zu", last);
        CHECK_STR(decode(t, in, 1, 5), last <= 1 ? "\r\r\r\r\r\r|" : "BAD", "%zu", last);
    }
}

TEST(many_short_extensions_have_the_same_limit)
{
    for (size_t count = CHUNKED_EXTENSIONS_MAX - 1; count <= CHUNKED_EXTENSIONS_MAX + 1; count++) {
        struct chunked c = { 0 };
        struct http_fault fault;
        enum chunked_result got = CHUNKED_MORE;

        for (size_t i = 0; i < count && got != CHUNKED_BAD; i++) {
            struct str in = STR("1;\r\na\r\n"), out;

            while ((got = chunked_next(&c, &in, &out, &fault)) == CHUNKED_DATA)
                ;
        }
        CHECK_INT(got, count <= CHUNKED_EXTENSIONS_MAX ? CHUNKED_MORE : CHUNKED_BAD, "%zu", count);
    }
}

TEST(trailers_have_a_limit)
{
    for (size_t len = CHUNKED_TRAILERS_MAX - 1; len <= CHUNKED_TRAILERS_MAX + 1; len++) {
        struct str pad = repeat(t, 'x', len - strlen("A: \r\nB: c\r\n"));

        check_limit(t, "trailers", arena_printf(&t->arena, "0\r\nA: %s\r\nB: c\r\n\r\n", pad.at),
                    len <= CHUNKED_TRAILERS_MAX);
    }
}

TEST(the_largest_size_is_read_exactly)
{
    struct chunked c = { 0 };
    struct http_fault fault;
    struct str in = STR("fffffffffffffff\r\n"), out;

    CHECK_INT(chunked_next(&c, &in, &out, &fault), CHUNKED_MORE);
    CHECK(c.left == ((uint64_t)1 << 60) - 1);
}

TEST(random_bodies_survive_random_chunks_and_cuts)
{
    for (int round = 0; round < 300; round++) {
        char body[150];
        size_t len = test_below(t, sizeof(body));
        struct buf coded;

        for (size_t i = 0; i < len; i++)
            body[i] = "ab0\r\n;:"[test_below(t, 7)];
        buf_init(&coded, 1 << 16);
        for (size_t at = 0; at < len;) {
            size_t n = 1 + test_below(t, len - at);

            buf_printf(&coded, test_below(t, 2) == 0 ? "%zx\r\n" : "%zX;x\r\n", n);
            buf_add(&coded, (struct str){ body + at, n });
            buf_add(&coded, STR("\r\n"));
            at += n;
        }
        buf_add(&coded, STR("0\r\n\r\n"));
        struct str want = arena_printf(&t->arena, "%.*s|", (int)len, body);

        CHECK_STRS(decode(t, buf_str(&coded), test_below(t, 50), 1 + test_below(t, 9)), want,
                   "round %d", round);
        buf_clear(&coded);
    }
}
