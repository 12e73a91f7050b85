/* What is said on a connection, and what the server makes of it: grammar, limits, bodies, answers.
 */

#include <stdlib.h>
#include <zlib.h>

#include "base/buf.h"

#include "malformed_requests.h"
#include "server_rig.h"

#define GET_BYE GET_CLOSE("/hello")

/* `count` times `c` behind the text. */
static void add_run(struct buf *b, char c, size_t count)
{
    char *at = buf_reserve(b, count);

    assert(at != NULL);
    memset(at, c, count);
    buf_commit(b, count);
}

static struct str take_text(struct test *t, struct buf *b)
{
    struct str text = arena_copy(&t->arena, buf_str(b));

    buf_clear(b);
    return text;
}

TEST(malformed_requests_get_their_status_and_nothing_after_them_is_served)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    for (size_t i = 0; i < COUNT(malformed_requests); i++) {
        const struct malformed_request *m = &malformed_requests[i];
        int fd = client_dial(&rig);

        (void)client_say(fd, (struct str){ m->bytes, m->len });
        (void)client_say_c(fd, GET("/hello"));
        struct str text = client_hear_all(&rig, fd, NULL);

        client_close(fd);
        CHECK_INT(answer_status(text), m->status, "%s", m->name);
        CHECK_INT(answer_count(text), 1, "%s", m->name);
        CHECK(str_find(text, STR("Connection: close\r\n")) != SIZE_MAX, "%s", m->name);
        CHECK(str_find(text, STR("Content-Type: application/json\r\n")) != SIZE_MAX, "%s", m->name);
        CHECK(str_starts(answer_body(text), STR("{\"status\":")), "%s", m->name);
    }
    CHECK_INT(rig.requests, 0, "the hooks hear of none");
    CHECK_INT(count_read(&rig.metrics.refused_syntax) +
                  count_read(&rig.metrics.refused_line_bytes) +
                  count_read(&rig.metrics.refused_head_bytes),
              COUNT(malformed_requests));
    rig_close(&rig);
}

TEST(malformed_requests_are_refused_however_they_are_cut)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    for (size_t i = 0; i < COUNT(malformed_requests); i += 7) {
        const struct malformed_request *m = &malformed_requests[i];
        size_t cut = test_below(t, m->len < 200 ? m->len : 200);
        int fd = client_dial(&rig);

        (void)client_say(fd, (struct str){ m->bytes, cut });
        rig_turn(&rig);
        (void)client_say(fd, (struct str){ m->bytes + cut, m->len - cut });
        (void)client_say_c(fd, GET("/hello"));
        struct str text = client_hear_all(&rig, fd, NULL);

        client_close(fd);
        CHECK_INT(answer_status(text), m->status, "%s, cut at %zu", m->name, cut);
        CHECK_INT(answer_count(text), 1, "%s, cut at %zu", m->name, cut);
    }
    CHECK_INT(rig.requests, 0);
    rig_close(&rig);
}

static const struct {
    const char *name, *say;
    int status;
    const char *body; /* of a well-formed answer; NULL: of no interest */
    size_t answers;
} talks[] = {
    { "a request", GET_BYE, 200, "hello", 1 },
    { "empty lines before it", "\r\n\r\n" GET_BYE, 200, "hello", 1 },
    { "two requests in one write", GET("/none") GET_BYE, 204, NULL, 2 },
    { "absolute target",
      "GET http://localhost/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200, "hello",
      1 },
    { "upgrade is ignored",
      "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade, close\r\nUpgrade: "
      "h2c\r\n\r\n",
      200, "hello", 1 },
    { "HTTP/1.0 ends by itself", "GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n", 200, "hello",
      1 },
    { "HTTP/1.0 kept alive",
      "GET /hello HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n"
      "GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n",
      200, NULL, 2 },
    { "body back", POST("/echo", "Content-Length: 5\r\nConnection: close\r\n") "12345", 200,
      "12345", 1 },
    { "body of length 0", POST("/echo", "Content-Length: 0\r\nConnection: close\r\n"), 200, "", 1 },
    { "no body, but asked for", GET_CLOSE("/echo"), 200, "", 1 },
    { "chunked body back",
      POST("/echo", "Transfer-Encoding: chunked\r\nConnection: close\r\n") "3\r\n123\r\n2;x=y\r\n45"
                                                                           "\r\n0\r\nA: b\r\n\r\n",
      200, "12345", 1 },
    { "body and the next request", POST("/echo", "Content-Length: 5\r\n") "12345" GET_BYE, 200,
      NULL, 2 },
    { "chunked body and the next request",
      POST("/echo", "Transfer-Encoding: chunked\r\n") "1\r\na\r\n0\r\n\r\n" GET_BYE, 200, NULL, 2 },
    { "unread body that is there is skipped",
      POST("/refuse", "Content-Length: 27\r\n") "GET /hello HTTP/1.1\r\nHost:" GET_BYE, 401, NULL,
      2 },
    { "unread chunked body that is there is skipped",
      POST("/refuse", "Transfer-Encoding: chunked\r\n") "3\r\nGET\r\n0\r\n\r\n" GET_BYE, 401, NULL,
      2 },
    { "unread body that is not there ends it", POST("/refuse", "Content-Length: 600\r\n") GET_BYE,
      401, "no", 1 },
    { "unread chunked body that is cut ends it",
      POST("/refuse", "Transfer-Encoding: chunked\r\n") "fff\r\n" GET_BYE, 401, "no", 1 },
    { "bad chunk", POST("/echo", "Transfer-Encoding: chunked\r\n") "zz\r\n" GET_BYE, 400, NULL, 1 },
    { "chunk without its CRLF",
      POST("/echo", "Transfer-Encoding: chunked\r\n") "1\r\nab\r\n0\r\n\r\n" GET_BYE, 400, NULL,
      1 },
    { "foreign Host", "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n" GET_BYE, 421, NULL, 1 },
    { "foreign authority",
      "GET http://evil.example/hello HTTP/1.1\r\nHost: localhost\r\n\r\n" GET_BYE, 421, NULL, 1 },
    { "no Host on HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", 421, NULL, 1 },
    { "a listed Host", "GET /hello HTTP/1.1\r\nHost: gate.example\r\nConnection: close\r\n\r\n",
      200, "hello", 1 },
    { "other codings",
      POST("/echo", "Content-Encoding: br\r\nContent-Length: 5\r\n") "12345" GET_BYE, 415, NULL,
      1 },
    { "two codings",
      POST("/echo", "Content-Encoding: gzip, gzip\r\nContent-Length: 5\r\n") "12345" GET_BYE, 415,
      NULL, 1 },
    { "two fields of codings",
      POST("/echo", "Content-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: "
                    "5\r\n") "12345" GET_BYE,
      400, NULL, 1 },
    { "identity",
      POST("/echo", "Content-Encoding: identity\r\nContent-Length: 5\r\nConnection: "
                    "close\r\n") "12345",
      200, "12345", 1 },
    { "gzip that is none",
      POST("/echo", "Content-Encoding: gzip\r\nContent-Length: 5\r\n") "12345" GET_BYE, 400, NULL,
      1 },
    { "HEAD", "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n" GET_BYE, 200, NULL, 2 },
    { "HEAD of a stream", "HEAD /parts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      200, "", 1 },
    { "HEAD refused", "HEAD /hello HTTP/1.1\r\nHost: evil\r\n\r\n", 421, "", 1 },
    { "204 has no body", GET("/none") GET_BYE, 204, NULL, 2 },
    { "many parts in a chunk", GET_CLOSE("/parts"), 200,
      "96\r\nabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabca"
      "bcabcabc"
      "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc\r\n3\r\nabc\r\n0\r\n\r\n",
      1 },
    { "many parts to HTTP/1.0",
      "GET /parts HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", 200,
      "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabca"
      "bc"
      "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc",
      1 },
    { "a cut answer has no end", GET("/abort"), 200, "3\r\none\r\n", 1 },
};

TEST(a_connection_is_a_row_of_requests_and_answers)
{
    const struct str hosts[] = { STR("gate.example") };
    struct rig rig;

    rig_init(&rig, t);
    rig.options.hosts = hosts;
    rig.options.host_count = COUNT(hosts);
    rig_open(&rig);
    for (size_t i = 0; i < COUNT(talks); i++) {
        struct str text = client_ask(&rig, str_c(talks[i].say));

        CHECK_INT(answer_status(text), talks[i].status, "%s", talks[i].name);
        CHECK_INT(answer_count(text), talks[i].answers, "%s", talks[i].name);
        if (talks[i].body != NULL)
            CHECK_STR(answer_body(text), talks[i].body, "%s", talks[i].name);
    }
    rig_close(&rig);
}

static void forget_hosts(struct rig *rig)
{
    server_set_hosts(rig->server, NULL, 0);
}

TEST(a_host_that_is_no_longer_listed_is_refused_on_open_connections_too)
{
    const struct str hosts[] = { STR("gate.example") };
    struct rig rig;

    rig_init(&rig, t);
    rig.options.hosts = hosts;
    rig.options.host_count = COUNT(hosts);
    rig_open(&rig);
    int fd = client_dial(&rig);

    for (int i = 0; i < 3; i++) {
        if (i == 2)
            rig_call(&rig, forget_hosts);
        client_say_c(fd, "GET /hello HTTP/1.1\r\nHost: gate.example\r\n\r\n");
        struct str text = i < 2 ? client_hear(&rig, fd, "hello") : client_hear_all(&rig, fd, NULL);

        CHECK_INT(answer_status(text), i < 2 ? 200 : 421, "request %d", i);
    }
    CHECK_INT(count_read(&rig.metrics.refused_host), 1);
    client_close(fd);
    rig_close(&rig);
}

TEST(the_same_talk_in_single_bytes_gives_the_same_answers)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    for (size_t i = 0; i < COUNT(talks); i++) {
        struct str say = str_c(talks[i].say);
        int fd = client_dial(&rig);

        if (str_find(str_c(talks[i].name), STR("skipped")) != SIZE_MAX ||
            str_find(str_c(talks[i].name), STR("listed")) != SIZE_MAX)
            say = STR(""); /* depends on what is there already; on a setting */
        for (size_t at = 0; at < say.len; at++)
            if (!client_say(fd, str_take(str_drop(say, at), 1)))
                break;
        if (say.len > 0) {
            struct str text = client_hear_all(&rig, fd, NULL);

            CHECK_INT(answer_status(text), talks[i].status, "%s", talks[i].name);
            CHECK_INT(answer_count(text), talks[i].answers, "%s", talks[i].name);
        }
        client_close(fd);
    }
    rig_close(&rig);
}

TEST(answers_carry_the_servers_own_fields_once_and_no_bad_ones)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    struct str text = client_ask(&rig, STR(GET_CLOSE("/fields")));

    CHECK(str_starts(text, STR("HTTP/1.1 200 OK\r\nDate: ")));
    CHECK(str_find(text,
                   STR("GMT\r\nX-Good: yes\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")) !=
              SIZE_MAX,
          "%.*s", STR_ARG(text));
    CHECK(str_ifind(text, STR("X-Evil")) == SIZE_MAX);
    CHECK(str_ifind(text, STR("X-Nul")) == SIZE_MAX);
    CHECK(str_ifind(text, STR("never")) == SIZE_MAX);

    text = client_ask(&rig,
                      STR("HEAD /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    CHECK(str_find(text, STR("Content-Length: 5\r\n")) != SIZE_MAX, "HEAD says what GET would");
    CHECK_STR(answer_body(text), "");
    text = client_ask(&rig, STR(GET("/none") GET_BYE));
    CHECK(str_find(str_take(text, str_find(text, STR("\r\n\r\n"))), STR("Content-Length")) ==
              SIZE_MAX,
          "204 says no length");
    text =
        client_ask(&rig, STR("GET /hello HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n"
                             "\r\n" GET_BYE));
    CHECK(str_find(text, STR("Connection: keep-alive\r\n")) != SIZE_MAX, "HTTP/1.0 is told");
    CHECK_INT(answer_count(text), 2);
    rig_close(&rig);
}

/* --- limits ----------------------------------------------------------------------------------- */

enum { LINE, HEAD, FIELDS, BODY, BODY_CHUNKS, BODY_SMALL, BODY_ZIPPED };

static const struct {
    const char *name;
    int kind, status;
    size_t limit;
} limits[] = {
    { "request line", LINE, 414, 100 },
    { "head", HEAD, 431, 400 },
    { "fields", FIELDS, 431, 10 },
    { "body by its length", BODY, 413, 1000 },
    { "large body by its length", BODY, 413, 300000 },
    { "body by its chunks", BODY_CHUNKS, 413, 1000 },
    { "large body by its chunks", BODY_CHUNKS, 413, 300000 },
    { "body of one route", BODY_SMALL, 413, 10 },
    { "body inflated", BODY_ZIPPED, 413, 1000 },
    { "large body inflated", BODY_ZIPPED, 413, 100000 },
};

/* gzip of bytes that do not repeat much: the ratio is not what is tested here. */
static struct str zip(struct test *t, struct str plain)
{
    z_stream s = { 0 };
    size_t room = plain.len + plain.len / 100 + 1000;
    char *out = arena_alloc(&t->arena, room);

    int r = deflateInit2(&s, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    assert(r == Z_OK);
    s.next_in = (z_const Bytef *)(uintptr_t)plain.at;
    s.avail_in = (uInt)plain.len;
    s.next_out = (Bytef *)out;
    s.avail_out = (uInt)room;
    r = deflate(&s, Z_FINISH);
    assert(r == Z_STREAM_END);
    struct str zipped = { out, s.total_out };

    deflateEnd(&s);
    return zipped;
}

static struct str random_text(struct test *t, size_t len)
{
    char *at = arena_alloc(&t->arena, len + 1);

    for (size_t i = 0; i < len; i++)
        at[i] = (char)('a' + test_below(t, 26));
    return (struct str){ at, len };
}

static struct str ask_of_size(struct test *t, int kind, size_t size)
{
    const struct str close = STR("Host: localhost\r\nConnection: close\r\n");
    struct buf b = { .max = 1 << 20 };
    bool good = true;

    switch (kind) {
    case LINE:
        good = buf_add(&b, STR("GET /"));
        add_run(&b, 'a', size - 14);
        good = good && buf_printf(&b, " HTTP/1.1\r\n%.*s\r\n", STR_ARG(close));
        break;
    case HEAD:
        good = buf_printf(&b, "GET / HTTP/1.1\r\n%.*sX: ", STR_ARG(close));
        add_run(&b, 'a', size - b.len - 4);
        good = good && buf_add(&b, STR("\r\n\r\n"));
        assert(b.len == size);
        break;
    case FIELDS:
        good = buf_printf(&b, "GET / HTTP/1.1\r\n%.*s", STR_ARG(close));
        for (size_t i = 2; i < size; i++)
            good = good && buf_add(&b, STR("A: b\r\n"));
        good = good && buf_add(&b, STR("\r\n"));
        break;
    case BODY:
    case BODY_SMALL:
        good = buf_printf(&b, "POST %s HTTP/1.1\r\n%.*sContent-Length: %zu\r\n\r\n",
                          kind == BODY ? "/echo" : "/small", STR_ARG(close), size);
        add_run(&b, 'a', size);
        break;
    case BODY_CHUNKS:
        good = buf_printf(&b, "POST /echo HTTP/1.1\r\n%.*sTransfer-Encoding: chunked\r\n\r\n",
                          STR_ARG(close));
        for (size_t left = size, n; left > 0; left -= n) {
            n = left < 333 ? left : 333;
            good = good && buf_printf(&b, "%zx\r\n", n);
            add_run(&b, 'a', n);
            good = good && buf_add(&b, STR("\r\n"));
        }
        good = good && buf_add(&b, STR("0\r\n\r\n"));
        break;
    case BODY_ZIPPED: {
        struct str zipped = zip(t, random_text(t, size));

        good = buf_printf(&b,
                          "POST /echo HTTP/1.1\r\n%.*sContent-Encoding: gzip\r\n"
                          "Content-Length: %zu\r\n\r\n",
                          STR_ARG(close), zipped.len) &&
               buf_add(&b, zipped);
        break;
    }
    }
    assert(good);
    return take_text(t, &b);
}

TEST(sizes_are_held_to_the_byte)
{
    for (size_t i = 0; i < COUNT(limits); i++) {
        size_t limit = limits[i].limit;
        struct rig rig;

        rig_init(&rig, t);
        if (limits[i].kind == LINE)
            rig.options.limits.line_bytes = (uint32_t)limit;
        if (limits[i].kind == HEAD)
            rig.options.limits.head_bytes = (uint32_t)limit;
        if (limits[i].kind == FIELDS)
            rig.options.limits.field_count = (uint32_t)limit;
        if (limits[i].kind == BODY || limits[i].kind == BODY_CHUNKS ||
            limits[i].kind == BODY_ZIPPED)
            rig.options.limits.body_bytes = limit;
        rig_open(&rig);
        for (size_t size = limit - 1; size <= limit + 1; size++) {
            struct str text = client_ask(&rig, ask_of_size(t, limits[i].kind, size));

            CHECK_INT(answer_status(text), size <= limit ? 200 : limits[i].status, "%s %zu of %zu",
                      limits[i].name, size, limit);
            CHECK_INT(answer_count(text), 1, "%s %zu of %zu", limits[i].name, size, limit);
            if (limits[i].kind >= BODY && size <= limit)
                CHECK_INT(answer_body(text).len, size, "%s", limits[i].name);
        }
        struct server_metrics *m = &rig.metrics;
        CHECK_INT(count_read(&m->refused_line_bytes), limits[i].status == 414, "%s",
                  limits[i].name);
        CHECK_INT(count_read(&m->refused_head_bytes), limits[i].status == 431, "%s",
                  limits[i].name);
        CHECK_INT(count_read(&m->refused_body_bytes), limits[i].status == 413, "%s",
                  limits[i].name);
        rig_close(&rig);
    }
}

TEST(a_body_too_large_is_refused_before_it_is_read)
{
    struct rig rig;

    rig_init(&rig, t);
    rig.options.limits.body_bytes = 100;
    rig_open(&rig);
    struct str text = client_ask(&rig, STR(POST("/echo", "Content-Length: 101\r\n")));
    CHECK_INT(answer_status(text), 413, "by its length");
    text = client_ask(&rig,
                      STR(POST("/echo", "Transfer-Encoding: chunked\r\n") "5\r\n12345\r\n60\r\n"));
    CHECK_INT(answer_status(text), 413, "at the chunk that would cross the limit");
    text = client_ask(&rig, STR(POST("/echo", "Content-Length: 999999999999999\r\n")));
    CHECK_INT(answer_status(text), 413, "the largest length there is");
    text = client_ask(&rig,
                      STR(POST("/echo", "Transfer-Encoding: chunked\r\n") "fffffffffffffff\r\n"));
    CHECK_INT(answer_status(text), 413, "the largest chunk there is");
    CHECK_INT(rig.gone[GONE_BODY], 4, "the hooks heard each time");
    CHECK_INT(rig.bodies, 0);
    rig_close(&rig);
}

static struct str gzip_post(struct test *t, struct str zipped, bool chunked)
{
    struct buf b = { .max = 1 << 24 };
    bool good;

    if (chunked)
        good = buf_printf(&b, "%s%zx\r\n",
                          POST("/echo", "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"
                                        "Connection: close\r\n"),
                          zipped.len) &&
               buf_add(&b, zipped) && buf_add(&b, STR("\r\n0\r\n\r\n"));
    else
        good = buf_printf(&b,
                          "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                          "Content-Encoding: x-gzip\r\nContent-Length: %zu\r\n\r\n",
                          zipped.len) &&
               buf_add(&b, zipped);
    assert(good);
    return take_text(t, &b);
}

TEST(gzip_bodies_are_inflated_and_bombs_are_not)
{
    struct rig rig;
    char *zeros = must_calloc(1, 8 << 20);

    rig_init(&rig, t);
    rig.options.limits.body_bytes = 4 << 20;
    rig_open(&rig);
    for (int chunked = 0; chunked <= 1; chunked++) {
        struct str plain = random_text(t, 200000), zipped = zip(t, plain);
        struct str text = client_ask(&rig, gzip_post(t, zipped, chunked));

        CHECK_INT(answer_status(text), 200, "chunked %d", chunked);
        CHECK(str_eq(answer_body(text), plain), "chunked %d", chunked);

        text = client_ask(&rig, gzip_post(t, str_drop_last(zipped, 1), chunked));
        CHECK_INT(answer_status(text), 400, "cut, chunked %d", chunked);
        /* 1 MiB of zeros is 1000 : 1 */
        text = client_ask(&rig, gzip_post(t, zip(t, (struct str){ zeros, 1 << 20 }), chunked));
        CHECK_INT(answer_status(text), 413, "ratio, chunked %d", chunked);
    }
    CHECK_INT(count_read(&rig.metrics.refused_inflate), 4);
    rig_close(&rig);

    rig_init(&rig, t);
    rig.options.limits.body_bytes = 4 << 20;
    rig.options.limits.inflate_ratio = 2000;
    rig_open(&rig);
    struct str text = client_ask(&rig, gzip_post(t, zip(t, (struct str){ zeros, 4 << 20 }), false));
    CHECK_INT(answer_status(text), 200, "at the limit of a body");
    text = client_ask(&rig, gzip_post(t, zip(t, (struct str){ zeros, (4 << 20) + 1 }), false));
    CHECK_INT(answer_status(text), 413, "a byte more");
    text = client_ask(&rig, gzip_post(t, zip(t, (struct str){ zeros, 8 << 20 }), true));
    CHECK_INT(answer_status(text), 413, "twice as much");
    CHECK_INT(count_read(&rig.metrics.refused_body_bytes), 2);
    rig_close(&rig);
    free(zeros);
}

/* --- Expect ----------------------------------------------------------------------------------- */

TEST(continue_is_said_once_the_body_is_wanted)
{
    struct rig rig;

    rig_init(&rig, t);
    rig.options.limits.body_bytes = 100;
    rig_open(&rig);

    int fd = client_dial(&rig);
    client_say_c(fd, POST("/echo", "Content-Length: 3\r\nExpect: 100-continue\r\n"));
    CHECK_STRS(client_hear(&rig, fd, "\r\n\r\n"), STR("HTTP/1.1 100 Continue\r\n\r\n"));
    client_say_c(fd, "abc");
    CHECK_INT(answer_status(client_hear(&rig, fd, "abc")), 200);
    client_close(fd);

    fd = client_dial(&rig);
    client_say_c(fd, POST("/late", "Content-Length: 3\r\nExpect: 100-continue\r\n"));
    CHECK(rig_wait(&rig.requests, 2), "nobody has asked for the body yet");
    rig_call(&rig, rig_read);
    CHECK_STRS(client_hear(&rig, fd, "\r\n\r\n"), STR("HTTP/1.1 100 Continue\r\n\r\n"));
    client_say_c(fd, "abc");
    CHECK_INT(answer_status(client_hear(&rig, fd, "abc")), 200);
    client_close(fd);

    struct str text =
        client_ask(&rig, STR(POST("/echo", "Content-Length: 101\r\nExpect: 100-continue\r\n")));
    CHECK_INT(answer_status(text), 413, "the final status at once");
    text = client_ask(&rig, STR(POST("/refuse", "Content-Length: 3\r\nExpect: 100-continue\r\n")));
    CHECK_INT(answer_status(text), 401, "an answer without the body");
    CHECK(str_find(text, STR("Connection: close")) != SIZE_MAX);
    text = client_ask(&rig, STR(POST("/echo", "Content-Length: 3\r\nExpect: 100-continue\r\n"
                                              "Connection: close\r\n") "abc"));
    CHECK_INT(answer_count(text), 1, "no 100 when the body is there");
    rig_close(&rig);
}

/* --- bodies ----------------------------------------------------------------------------------- */

TEST(a_large_body_arrives_whole_and_is_charged_while_it_is_held)
{
    struct rig rig;
    size_t size = 10 << 20;
    struct buf b = { .max = size + 1000 };

    rig_init(&rig, t);
    rig_open(&rig);
    bool good = buf_printf(&b,
                           "POST /late HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n"
                           "Connection: close\r\n\r\n",
                           size);
    assert(good);
    size_t head = b.len;

    for (size_t i = 0; i < size / 8; i++) {
        uint64_t word = test_random(t);

        (void)buf_add(&b, (struct str){ (const char *)&word, 8 });
    }
    int fd = client_dial(&rig);

    client_say(fd, str_take(buf_str(&b), head + 1000));
    CHECK(rig_wait(&rig.requests, 1));
    rig_call(&rig, rig_read);
    client_say(fd, str_drop(str_drop_last(buf_str(&b), 1), head + 1000));
    for (int i = 0; i < 2000 && budget_used(&rig.budget) < (int64_t)size - 1; i++)
        rig_turn(&rig);
    CHECK_INT(budget_used(&rig.budget), size - 1, "what has come is charged, no more");
    client_say(fd, str_drop(buf_str(&b), b.len - 1));
    struct str text = client_hear_all(&rig, fd, NULL);

    CHECK_INT(answer_status(text), 200);
    CHECK(str_eq(answer_body(text), str_drop(buf_str(&b), head)), "the same bytes");
    client_close(fd);
    buf_clear(&b);
    rig_close(&rig);
}

TEST(an_answer_before_the_body_ends_the_reading_and_the_connection)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    int fd = client_dial(&rig);

    client_say_c(fd, POST("/late", "Content-Length: 10\r\n") "12345");
    CHECK(rig_wait(&rig.requests, 1));
    rig_call(&rig, rig_read);
    rig_call(&rig, rig_answer_early);
    client_say_c(fd, "67890" GET("/hello"));
    struct str text = client_hear_all(&rig, fd, NULL);

    CHECK_INT(answer_count(text), 1);
    CHECK(str_find(text, STR("Connection: close\r\n")) != SIZE_MAX);
    CHECK_STR(answer_body(text), "early");
    CHECK_INT(rig.bodies, 0);
    client_close(fd);

    CHECK_STR(answer_body(client_ask(
                  &rig, STR(POST("/drop", "Content-Length: 5\r\nConnection: close\r\n") "12345"))),
              "5", "a body may be given back early");
    rig_close(&rig);
}

TEST(a_large_body_is_given_up_when_memory_runs_out_meanwhile)
{
    struct rig rig;
    size_t size = 3 << 20;
    char *bytes = must_calloc(1, size);

    rig_init(&rig, t);
    rig_open(&rig);
    int fd = client_dial(&rig);

    client_say_c(fd, POST("/late", "Content-Length: 3145728\r\n"));
    CHECK(rig_wait(&rig.requests, 1));
    rig_call(&rig, rig_read);
    client_say(fd, (struct str){ bytes, 2 << 20 });
    for (int i = 0; i < 2000 && budget_used(&rig.budget) < 2 << 20; i++)
        rig_turn(&rig);
    budget_charge(&rig.budget, rig.budget.max);
    client_say(fd, (struct str){ bytes, 1000 });
    CHECK_INT(answer_status(client_hear(&rig, fd, "}")), 503);
    CHECK_INT(rig.gone[GONE_BODY], 1);
    client_close(fd);
    free(bytes);
    budget_charge(&rig.budget, -rig.budget.max);
    rig_close(&rig);
}

TEST(errors_are_plain_text_when_nobody_shapes_them)
{
    struct rig rig;

    rig_init(&rig, t);
    rig.options.hooks.error_body = NULL;
    rig_open(&rig);
    struct str text = client_ask(&rig, STR("GET / HTTP/1.1\r\n\r\n"));

    CHECK_INT(answer_status(text), 400);
    CHECK(str_find(text, STR("Content-Type: text/plain\r\n")) != SIZE_MAX);
    CHECK(answer_body(text).len > 1);
    rig_close(&rig);
}

static const struct {
    const char *name, *say;
    int64_t used_permille;
    int status;
} pressures[] = {
    { "a small request below 95 %", GET_BYE, 949, 200 },
    { "any request above 95 %", GET_BYE, 951, 503 },
    { "a small body above 80 %",
      POST("/echo", "Content-Length: 5\r\nConnection: close\r\n") "12345", 850, 200 },
    { "a large body above 80 %", POST("/echo", "Content-Length: 1048577\r\n"), 850, 503 },
    { "a body that would go above 80 %", POST("/echo", "Content-Length: 30000000\r\n"), 750, 503 },
    { "a body of 1 MiB above 80 %", POST("/small", "Content-Length: 1048576\r\n"), 850, 413 },
};

TEST(memory_is_refused_at_the_door)
{
    for (size_t i = 0; i < COUNT(pressures); i++) {
        struct rig rig;
        int64_t held;

        rig_init(&rig, t);
        held = rig.budget.max / 1000 * pressures[i].used_permille;
        budget_charge(&rig.budget, held);
        rig_open(&rig);
        struct str text = client_ask(&rig, str_c(pressures[i].say));

        CHECK_INT(answer_status(text), pressures[i].status, "%s", pressures[i].name);
        CHECK_INT(count_read(&rig.metrics.refused_memory), pressures[i].status == 503, "%s",
                  pressures[i].name);
        if (pressures[i].status == 503)
            CHECK(str_find(text, STR("Retry-After: 1\r\n")) != SIZE_MAX, "%s", pressures[i].name);
        budget_charge(&rig.budget, -held);
        rig_close(&rig);
    }
}

/* --- pipelining ------------------------------------------------------------------------------- */

TEST(pipelined_requests_are_answered_in_order)
{
    struct rig rig;
    struct buf b = { .max = 1 << 20 };

    rig_init(&rig, t);
    rig_open(&rig);
    for (int i = 0; i < 200; i++) {
        bool good = buf_printf(&b,
                               "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
                               "%04d",
                               i);
        assert(good);
    }
    (void)buf_add(&b, STR(GET_BYE));
    struct str text = client_ask(&rig, take_text(t, &b));

    CHECK_INT(answer_count(text), 201);
    for (int i = 0; i < 200; i++) {
        uint64_t n;

        text = answer_body(text);
        CHECK(str_to_u64(str_take(text, 4), &n) && n == (uint64_t)i, "answer %d", i);
    }
    rig_close(&rig);
}

TEST(requests_wait_while_one_is_served)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    int fd = client_dial(&rig);

    client_say_c(fd,
                 GET("/hold") GET("/stream") POST("/late", "Content-Length: 3\r\n") "abc" GET_BYE);
    CHECK(rig_wait(&rig.requests, 1));
    rig_turn(&rig);
    CHECK_INT(rig.requests, 1, "the others wait");
    rig_call(&rig, rig_answer);
    CHECK(rig_wait(&rig.requests, 2));
    CHECK(str_ends(client_hear(&rig, fd, "one\r\n"), STR("one\r\n")));
    CHECK_INT(rig.requests, 2);
    rig_call(&rig, rig_answer);
    CHECK(rig_wait(&rig.requests, 3));
    rig_call(&rig, rig_read);
    struct str text = client_hear_all(&rig, fd, NULL);

    CHECK_INT(answer_count(text), 2, "%.*s", STR_ARG(text));
    CHECK(str_find(text, STR("abc")) != SIZE_MAX);
    CHECK(str_ends(text, STR("hello")));
    client_close(fd);
    rig_close(&rig);
}

/* What was read is seen by the requests that were taken; how much may wait, by what the client can
 * still get rid of: with a full queue nothing is read, and the kernel's buffers fill. */
TEST(a_client_that_pipelines_without_end_is_not_read_from)
{
    for (uint32_t limit = 1; limit <= 3; limit++)
        for (uint32_t waiting = limit - 1; waiting <= limit + 1; waiting++) {
            struct rig rig;

            rig_init(&rig, t);
            rig.options.limits.pipelined = limit;
            rig_open(&rig);
            int fd = client_dial(&rig);

            client_say_c(fd, GET("/hold"));
            CHECK(rig_wait(&rig.requests, 1));
            for (uint32_t i = 0; i < waiting; i++)
                client_say_c(fd, GET("/hold"));
            rig_turn(&rig);
            client_reset(fd); /* heard by a server that reads */
            bool heard = waiting < limit;

            if (heard)
                CHECK(rig_wait(&rig.gone[GONE_RESET], 1), "%u of %u", waiting, limit);
            rig_turn(&rig);
            CHECK_INT(rig.gone[GONE_RESET], heard, "%u of %u", waiting, limit);
            rig_close(&rig);
        }
}
