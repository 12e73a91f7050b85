#include "http/answer.h"

#include "base/buf.h"

#include "gzip.h"
#include "test.h"

/* What a reader of the whole answer sees: `200|body|end`, or what was wrong. */
struct seen {
    struct buf text;
    enum answer_result last;
    bool keeps;
    size_t behind;
    char what[64];
};

static const struct client_limits *limits(void)
{
    return &client_limits_default;
}

/* Feeds `in` in pieces of `step`, keeping what is not taken, and then the end of the connection. */
static void read_answer(struct test *t, const struct client_limits *l, struct str in, size_t step,
                        bool to_head, struct seen *seen)
{
    struct http_head *head = arena_new(&t->arena, struct http_head);
    struct buf held = { .max = 1 << 20 };
    struct answer a;
    struct str out;

    *seen = (struct seen){ .text = { .max = 1 << 26 }, .last = ANSWER_MORE };
    answer_init(&a, l, to_head);
    while (seen->last == ANSWER_MORE && in.len > 0) {
        struct str piece = str_take(in, step);

        in = str_drop(in, step);
        (void)buf_add(&held, piece);
        piece = buf_str(&held);
        while ((seen->last = answer_next(&a, &piece, head, &out)) == ANSWER_HEAD ||
               seen->last == ANSWER_DATA) {
            if (seen->last == ANSWER_HEAD)
                (void)buf_printf(&seen->text, "%d|", head->status);
            else
                (void)buf_add(&seen->text, out);
        }
        buf_drop(&held, held.len - piece.len);
    }
    seen->behind = held.len + in.len;
    if (seen->last == ANSWER_MORE && answer_eof(&a))
        seen->last = ANSWER_END;
    if (seen->last == ANSWER_END)
        (void)buf_add(&seen->text, STR("|end"));
    seen->keeps = seen->last == ANSWER_END && answer_keeps(&a);
    snprintf(seen->what, sizeof(seen->what), "%s", a.what == NULL ? "" : a.what);
    answer_clear(&a);
    buf_clear(&held);
}

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define INTERIM "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
#define INTERIM_8 INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM

static const struct {
    const char *name, *in, *want;
    bool keeps, to_head;
    size_t behind;
} whole[] = {
    { "a length", OK_HEAD "Content-Length: 5\r\n\r\nhello", "200|hello|end", true, false, 0 },
    { "a length of nothing", OK_HEAD "Content-Length: 0\r\n\r\n", "200||end", true, false, 0 },
    { "chunks", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
      "200|hello|end", true, false, 0 },
    { "trailers are dropped",
      OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n", "200|hi|end", true,
      false, 0 },
    { "no framing: up to the close", OK_HEAD "\r\nhello", "200|hello|end", false, false, 0 },
    { "up to the close, of nothing", OK_HEAD "\r\n", "200||end", false, false, 0 },
    { "HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200|hi|end",
      false, false, 0 },
    { "HTTP/1.0 that stays",
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", "200|hi|end",
      true, false, 0 },
    { "Connection: close", OK_HEAD "Connection: close\r\nContent-Length: 2\r\n\r\nhi", "200|hi|end",
      false, false, 0 },
    { "204 has no body", "HTTP/1.1 204 No Content\r\n\r\n", "204||end", true, false, 0 },
    { "304 has no body whatever it says", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
      "304||end", true, false, 0 },
    { "an answer to HEAD has no body", OK_HEAD "Content-Length: 5\r\n\r\n", "200||end", true, true,
      0 },
    { "an answer to HEAD without framing", OK_HEAD "\r\n", "200||end", true, true, 0 },
    { "interim heads are skipped",
      "HTTP/1.1 100 Continue\r\n\r\n" INTERIM OK_HEAD "Content-Length: 2\r\n\r\nhi", "200|hi|end",
      true, false, 0 },
    { "eight interim heads", INTERIM_8 OK_HEAD "Content-Length: 2\r\n\r\nhi", "200|hi|end", true,
      false, 0 },
    { "bytes behind a length", OK_HEAD "Content-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n",
      "200|hi|end", true, false, 17 },
    { "bytes behind chunks", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", "200||end",
      true, false, 1 },
    { "bytes behind a 204", "HTTP/1.1 204 No Content\r\n\r\nhello", "204||end", true, false, 5 },
    { "identity is no coding", OK_HEAD "Content-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi",
      "200|hi|end", true, false, 0 },
    { "a redirect is an answer", "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
      "302||end", true, false, 0 },
};

TEST(an_answer_reads_the_same_however_it_is_cut)
{
    for (size_t i = 0; i < COUNT(whole); i++)
        for (size_t step = 1; step <= strlen(whole[i].in); step++) {
            struct seen seen;

            read_answer(t, limits(), str_c(whole[i].in), step, whole[i].to_head, &seen);
            CHECK_STR(buf_str(&seen.text), whole[i].want, "%s, step %zu", whole[i].name, step);
            CHECK_INT(seen.keeps, whole[i].keeps, "%s, step %zu", whole[i].name, step);
            CHECK_INT(seen.behind, whole[i].behind, "%s, step %zu", whole[i].name, step);
            buf_clear(&seen.text);
        }
}

TEST(an_answer_cut_at_any_byte_is_never_a_short_success)
{
    for (size_t i = 0; i < COUNT(whole); i++) {
        struct str in = str_take(str_c(whole[i].in), strlen(whole[i].in) - whole[i].behind);
        size_t head = str_find(in, STR("200 OK")) == SIZE_MAX ? 0 : str_find(in, STR("200 OK"));
        bool to_close = !whole[i].keeps && str_find(in, STR("Length")) == SIZE_MAX;

        for (size_t cut = 0; cut < in.len; cut++) {
            struct seen seen;
            size_t head_end = str_find(str_drop(in, head), STR("\r\n\r\n")) + head + 4;
            bool legal = to_close && cut >= head_end;

            read_answer(t, limits(), str_take(in, cut), 1000, whole[i].to_head, &seen);
            CHECK_INT(seen.last, legal ? ANSWER_END : ANSWER_MORE, "%s, cut at %zu", whole[i].name,
                      cut);
            buf_clear(&seen.text);
        }
    }
}

static const struct {
    const char *name, *in;
    enum answer_result want;
} bad[] = {
    { "rubbish", "220 smtp.example ready\r\n", ANSWER_BAD },
    { "nothing but a TLS alert", "\x15\x03\x01\x02\x02\x16", ANSWER_BAD },
    { "length and chunks",
      OK_HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ANSWER_BAD },
    { "two lengths", OK_HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", ANSWER_BAD },
    { "a negative length", OK_HEAD "Content-Length: -5\r\n\r\nhello", ANSWER_BAD },
    { "a length with a sign", OK_HEAD "Content-Length: +5\r\n\r\nhello", ANSWER_BAD },
    { "a length of 16 digits", OK_HEAD "Content-Length: 1000000000000000\r\n\r\n", ANSWER_BAD },
    { "a bad chunk size", OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", ANSWER_BAD },
    { "a chunk longer than it says", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
      ANSWER_BAD },
    { "another coding of the transfer", OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n",
      ANSWER_BAD },
    { "101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
      ANSWER_BAD },
    { "nine interim heads", INTERIM_8 INTERIM OK_HEAD "Content-Length: 2\r\n\r\nhi", ANSWER_BAD },
    { "brotli", OK_HEAD "Content-Encoding: br\r\nContent-Length: 2\r\n\r\nhi", ANSWER_BAD },
    { "two codings", OK_HEAD "Content-Encoding: gzip, gzip\r\nContent-Length: 2\r\n\r\nhi",
      ANSWER_BAD },
    { "gzip that is none", OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
      ANSWER_BAD },
    { "gzip of no bytes, with a length",
      OK_HEAD "Content-Encoding: gzip\r\n"
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ANSWER_BAD },
};

TEST(an_answer_against_the_rules_is_refused)
{
    for (size_t i = 0; i < COUNT(bad); i++)
        for (size_t step = 1; step < 200; step += 66) {
            struct seen seen;

            read_answer(t, limits(), str_c(bad[i].in), step, false, &seen);
            CHECK_INT(seen.last, bad[i].want, "%s, step %zu", bad[i].name, step);
            CHECK(seen.what[0] != '\0', "%s", bad[i].name);
            buf_clear(&seen.text);
        }
}

/* A head of exactly `len` bytes, made longer in the value of one field. */
static struct str head_of(struct test *t, size_t len)
{
    static const char front[] = OK_HEAD "Content-Length: 0\r\nX: ", back[] = "\r\n\r\n";
    char *at = arena_alloc(&t->arena, len);
    size_t f = sizeof(front) - 1, b = sizeof(back) - 1;

    memset(at, 'x', len);
    memcpy(at, front, f);
    memcpy(at + len - b, back, b);
    return (struct str){ at, len };
}

TEST(a_head_may_have_its_limit_of_bytes_and_not_one_more)
{
    for (int over = -1; over <= 1; over++)
        for (size_t step = 777; step <= 100000; step *= 100) {
            struct seen seen;
            struct str in = head_of(t, (size_t)((int)limits()->head_bytes + over));

            read_answer(t, limits(), in, step, false, &seen);
            CHECK_INT(seen.last, over > 0 ? ANSWER_TOO_LARGE : ANSWER_END, "limit%+d, step %zu",
                      over, step);
            buf_clear(&seen.text);
        }
}

TEST(a_head_may_have_its_limit_of_fields_and_not_one_more)
{
    for (int over = -1; over <= 1; over++) {
        struct buf in = { .max = 1 << 20 };
        struct seen seen;

        (void)buf_add(&in, STR(OK_HEAD "Content-Length: 0\r\n"));
        for (int i = 1; i < (int)limits()->field_count + over; i++)
            (void)buf_printf(&in, "X-%d: y\r\n", i);
        (void)buf_add(&in, STR("\r\n"));
        read_answer(t, limits(), buf_str(&in), 1000, false, &seen);
        CHECK_INT(seen.last, over > 0 ? ANSWER_TOO_LARGE : ANSWER_END, "limit%+d", over);
        buf_clear(&seen.text);
        buf_clear(&in);
    }
}

TEST(a_status_line_may_have_its_limit_of_bytes_and_not_one_more)
{
    for (int over = -1; over <= 1; over++) {
        char line[2000];
        size_t len = (size_t)((int)limits()->status_line_bytes + over);
        struct seen seen;

        memset(line, 'x', sizeof(line));
        memcpy(line, "HTTP/1.1 200 ", 13);
        struct str in =
            arena_printf(&t->arena, "%.*s\r\nContent-Length: 0\r\n\r\n", (int)len, line);
        read_answer(t, limits(), in, 300, false, &seen);
        CHECK_INT(seen.last, over > 0 ? ANSWER_TOO_LARGE : ANSWER_END, "limit%+d", over);
        buf_clear(&seen.text);
    }
}

static struct str gzip_answer(struct test *t, struct str plain, bool chunked)
{
    struct str coded = gzip(&t->arena, plain);
    struct buf out = { .max = 1 << 26 };

    (void)buf_add(&out, STR(OK_HEAD "Content-Encoding: gzip\r\n"));
    if (chunked) {
        (void)buf_add(&out, STR("Transfer-Encoding: chunked\r\n\r\n"));
        for (; coded.len > 0; coded = str_drop(coded, 10)) {
            struct str piece = str_take(coded, 10);

            (void)buf_printf(&out, "%zx\r\n", piece.len);
            (void)buf_add(&out, piece);
            (void)buf_add(&out, STR("\r\n"));
        }
        (void)buf_add(&out, STR("0\r\n\r\n"));
    } else {
        (void)buf_printf(&out, "Content-Length: %zu\r\n\r\n", coded.len);
        (void)buf_add(&out, coded);
    }
    struct str copy = arena_copy(&t->arena, buf_str(&out));
    buf_clear(&out);
    return copy;
}

TEST(a_gzip_body_is_inflated_in_all_framings)
{
    struct str plain = arena_printf(&t->arena, "%0*d", 50000, 7);
    struct str want = arena_printf(&t->arena, "200|%.*s|end", (int)plain.len, plain.at);

    for (int chunked = 0; chunked <= 1; chunked++)
        for (size_t step = 1; step < 1000; step += 333) {
            struct seen seen;

            read_answer(t, limits(), gzip_answer(t, plain, chunked), step, false, &seen);
            CHECK_STRS(buf_str(&seen.text), want, "chunked %d, step %zu", chunked, step);
            CHECK(seen.keeps, "chunked %d, step %zu", chunked, step);
            buf_clear(&seen.text);
        }
}

TEST(a_gzip_body_is_held_to_ratio_and_size)
{
    struct client_limits small = client_limits_default;
    struct seen seen;

    read_answer(t, limits(), gzip_answer(t, zeros(&t->arena, 1 << 20), false), 1000, false, &seen);
    CHECK_INT(seen.last, ANSWER_TOO_LARGE, "ratio");
    CHECK_STR(str_c(seen.what), "a gzip body over inflate_ratio");
    buf_clear(&seen.text);
    for (size_t over = 0; over <= 2; over++) {
        small.inflate_bytes = 1000;
        read_answer(t, &small, gzip_answer(t, zeros(&t->arena, 999 + over), true), 1000, false,
                    &seen);
        CHECK_INT(seen.last, over < 2 ? ANSWER_END : ANSWER_TOO_LARGE, "%zu bytes", 999 + over);
        buf_clear(&seen.text);
    }
}
