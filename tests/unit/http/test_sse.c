#include "http/sse.h"

#include "test.h"

#include <stdlib.h>

/* What a reader made of some input, as text: `name=data|` for an event, `#|` for a block without
 * data; what sse_finish() gave has `end:` in front, and `cut|` follows when its last line was
 * unfinished. */
struct run {
    struct sse reader;
    struct buf text;
    struct buf spans; /* all spans, and what was left: must be the input without a BOM in front */
    bool too_long;
};

static void run_start(struct run *r, size_t max)
{
    *r = (struct run){ .too_long = false };
    sse_init(&r->reader, max);
    buf_init(&r->text, SIZE_MAX);
    buf_init(&r->spans, SIZE_MAX);
}

static void run_clear(struct run *r)
{
    sse_clear(&r->reader);
    buf_clear(&r->text);
    buf_clear(&r->spans);
}

static void run_note(struct run *r, const struct sse_event *ev)
{
    assert(!ev->is_comment || ev->data.len == 0);
    buf_add(&r->spans, ev->span);
    if (ev->is_comment) {
        buf_add(&r->text, STR("#|"));
        return;
    }
    buf_add(&r->text, ev->name);
    buf_add_char(&r->text, '=');
    buf_add(&r->text, ev->data);
    buf_add_char(&r->text, '|');
}

/* The bytes live in memory of their own that dies after the call, as those of a socket do. */
static void run_feed(struct run *r, struct str piece)
{
    char *copy = must_alloc(piece.len);
    struct str in = { copy, piece.len };
    enum sse_result got;
    struct sse_event ev;

    if (piece.len > 0)
        memcpy(copy, piece.at, piece.len);
    while ((got = sse_next(&r->reader, &in, &ev)) == SSE_EVENT)
        run_note(r, &ev);
    r->too_long = r->too_long || got == SSE_TOO_LONG;
    free(copy);
}

static void run_end(struct run *r)
{
    struct sse_event ev;
    bool cut;

    if (sse_finish(&r->reader, &ev, &cut)) {
        buf_add(&r->text, STR("end:"));
        run_note(r, &ev);
        if (cut)
            buf_add(&r->text, STR("cut|"));
    } else {
        buf_add(&r->spans, (struct str){ r->reader.held.at, sse_held(&r->reader) });
    }
}

/* `~` in a case is a border between two reads. */
struct sse_case {
    const char *name, *in;
    size_t in_len;
    const char *want;
    size_t want_len;
};

#define CASE(name, in, want)                                   \
    {                                                          \
        name, "" in, sizeof(in) - 1, "" want, sizeof(want) - 1 \
    }
#define BOM "\xEF\xBB\xBF"

static const struct sse_case cases[] = {
    /* wire formats */
    CASE("UTF-8 split", "data: {\"t\":\"\xC3~\xA9\"}\n\n", "={\"t\":\"\xC3\xA9\"}|"),
    CASE("four bytes split in four", "data: {\"t\":\"\xF0~\x9F~\x98~\x80\"}\n\n",
         "={\"t\":\"\xF0\x9F\x98\x80\"}|"),
    CASE("surrogate pair over two deltas",
         "data: {\"d\":\"\\ud8~3d\"}\n\n~data: {\"d\":\"\\ude00\"}\n\n",
         "={\"d\":\"\\ud83d\"}|={\"d\":\"\\ude00\"}|"),
    CASE("event split anywhere", "da~ta: {}~\n~\n", "={}|"),
    CASE("CRLF", "data: {}\r\n\r\n", "={}|"),
    CASE("border inside each CRLF", "data: {}\r~\n\r~\n", "={}|"),
    CASE("lone CR", "data: {}\r\r", "={}|"),
    CASE("mixed line ends", "event: x\r\ndata: {}\n\r\n", "x={}|"),
    CASE("two data lines", "data: {\"a\":\ndata: 1}\n\n", "={\"a\":\n1}|"),
    CASE("comment", ": hi\n\n", "#|"),
    CASE("comment inside an event", ": hi\ndata: {}\n\n", "={}|"),
    CASE("no blank after the colon", "data:{}\n\n", "={}|"),
    CASE("two blanks after the colon", "data:  {}\n\n", "= {}|"),
    CASE("id and retry", "id: 7\nretry: 100\ndata: {}\n\n", "={}|"),
    CASE("BOM", BOM "data: {}\n\n", "={}|"),
    CASE("event without data", "event: ping\n\n", "#|"),
    CASE("blank line missing at the end", "data: {}\n", "end:={}|"),
    CASE("last line unfinished", "data: {\"a\"", "end:={\"a\"|cut|"),
    CASE("escaped NUL", "data: {\"t\":\"\\u0000\"}\n\n", "={\"t\":\"\\u0000\"}|"),
    CASE("NUL itself", "data: a\0b\n\n", "=a\0b|"),

    /* what browsers are tested for */
    CASE("BOM at the start only", BOM "data:1\n\n" BOM "data:2\n\ndata:3\n\n", "=1|#|=3|"),
    CASE("one BOM only", BOM BOM "data:1\n\ndata:2\n\ndata:3\n\n", "#|=2|=3|"),
    CASE("comments everywhere",
         "data:1\r:\0\n:\r\ndata:2\n:xxxxxxxxxxxxxxxx\rdata:3\n:data:fail\r:yyyyyyy\ndata:4\n\n",
         "=1\n2\n3\n4|"),
    CASE("data before the last blank line", "retry:1000\ndata:a\n\nid:b\ndata:c", "=a|end:=c|cut|"),
    CASE("empty data", "data:\n\ndata\ndata\n\ndata:test\n\n", "=|=\n|=test|"),
    CASE("event name lasts for one event", "event:test\ndata:x\n\ndata:x\n\n", "test=x|=x|"),
    CASE("empty event name", "event: \ndata:x\n\n", "=x|"),
    CASE("last event name wins", "event: a\nevent: b\ndata:x\n\n", "b=x|"),
    CASE("empty event name wins too", "event: a\nevent\ndata:x\n\n", "=x|"),
    CASE(
        "fields are matched exactly",
        "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n "
        "data:32\ndata:4\n\n",
        "=\0\n 2\n1\n3\n\n4|"),
    CASE("unknown fields", "data:test\n data\ndata\nfoobar:xxx\njusttext\n:comment\ndata:test\n\n",
         "=test\n\ntest|"),
    CASE("only one blank is taken", "data:\ttest\rdata: \ndata:test\n\n", "=\ttest\n\ntest|"),
    CASE("all line ends in one event", "data:test\r\ndata\ndata:test\r\n\r", "=test\n\ntest|"),
    CASE("NUL as data", "data:\0\n\n", "=\0|"),
    CASE("bad retry", "retry:3000\nretry:1000x\ndata:x\n\n", "=x|"),
    CASE("NUL in an id", "id:1\0\ndata:x\n\n", "=x|"),
    CASE("other scripts", "data:ok\xE2\x80\xA6\n\n", "=ok\xE2\x80\xA6|"),

    /* between and around events */
    CASE("nothing", "", ""),
    CASE("blank lines only", "\n\r\n\r\r\n", ""),
    CASE("BOM only", BOM, ""),
    CASE("BOM and blank lines", BOM "\r\n\n", ""),
    CASE("half a BOM", "\xEF\xBB", "end:#|cut|"),
    CASE("half a BOM in front of a field",
         "\xEF\xBB"
         "data: x\n\n",
         "#|"),
    CASE("half a BOM as a line", "\xEF\ndata: x\n\n", "=x|"),
    CASE("BOM and blank lines in front", BOM "\n\r\ndata: x\n\n", "=x|"),
    CASE("BOM and comment", BOM ": hi\n\ndata: x\n\n", "#|=x|"),
    CASE("blank lines between", "\n\ndata: a\n\n\n\r\n\rdata: b\n\n\n", "=a|=b|"),
    CASE("CR CR LF", "data: a\r\r\ndata: b\r\r\n", "=a|=b|"),
    CASE("LF CR is two line ends", "data: a\n\rdata: b\n\r", "=a|=b|"),
    CASE("several events in a read", "data: 1\n\n~data: 2\n\ndata: 3\n\nda~ta: 4\n\n",
         "=1|=2|=3|=4|"),
    CASE("named events", "event: a\ndata: 1\n\nevent: b\ndata: 2\ndata: 3\n\n", "a=1|b=2\n3|"),
    CASE("data with colons", "data: a: b:c\n\n", "=a: b:c|"),
    CASE("done", "data: {}\n\ndata: [DONE]\n\n", "={}|=[DONE]|"),
    CASE("comment at the end", "data: a\n\n: bye\n", "=a|end:#|"),
    CASE("CR at the end", "data: a\r", "end:=a|"),
    CASE("second line unfinished", "data: {}\ndat", "end:={}|cut|"),
    CASE("third line unfinished", "event: x\ndata: 1\ndata: 2", "end:x=1\n2|cut|"),
    CASE("name unfinished", "event: x", "end:#|cut|"),
};

/* The case without its border marks. */
static struct str case_bytes(struct test *t, const struct sse_case *c)
{
    char *to = arena_alloc(&t->arena, c->in_len + 1);
    size_t len = 0;

    for (size_t i = 0; i < c->in_len; i++)
        if (c->in[i] != '~')
            to[len++] = c->in[i];
    return (struct str){ to, len };
}

static void check_run(struct test *t, struct run *r, const struct sse_case *c, struct str bytes,
                      const char *how, size_t at)
{
    run_end(r);
    CHECK(!r->too_long, "%s, %s %zu", c->name, how, at);
    CHECK_STRS(buf_str(&r->text), ((struct str){ c->want, c->want_len }), "%s, %s %zu", c->name,
               how, at);
    CHECK_STRS(buf_str(&r->spans), str_starts(bytes, STR(BOM)) ? str_drop(bytes, 3) : bytes,
               "spans of %s, %s %zu", c->name, how, at);
    run_clear(r);
}

TEST(sse_reads_each_case_with_its_borders)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str rest = { cases[i].in, cases[i].in_len }, piece;
        struct run r;

        run_start(&r, 1000);
        for (bool more = true; more;) {
            more = str_cut(rest, '~', &piece, &rest);
            run_feed(&r, piece);
        }
        check_run(t, &r, &cases[i], case_bytes(t, &cases[i]), "borders", 0);
    }
}

TEST(sse_does_not_care_where_the_input_is_cut_in_two)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str bytes = case_bytes(t, &cases[i]);

        for (size_t cut = 0; cut <= bytes.len; cut++) {
            struct run r;

            run_start(&r, 1000);
            run_feed(&r, str_take(bytes, cut));
            run_feed(&r, str_drop(bytes, cut));
            check_run(t, &r, &cases[i], bytes, "cut at", cut);
        }
    }
}

TEST(sse_does_not_care_how_the_input_is_chunked)
{
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t round = 0; round < 50; round++) {
            struct str bytes = case_bytes(t, &cases[i]), rest = bytes;
            /* the first round feeds single bytes */
            size_t most = round == 0 ? 1 : 1 + test_below(t, 12);
            struct run r;

            run_start(&r, 1000);
            while (rest.len > 0) {
                size_t n = 1 + test_below(t, most);

                run_feed(&r, str_take(rest, n));
                rest = str_drop(rest, n);
            }
            check_run(t, &r, &cases[i], bytes, "round", round);
        }
}

TEST(sse_reads_streams_of_random_lines_alike_however_chunked)
{
    static const char *const parts[] = { "data: x",  "data",  "data:",  "event: e", ": c",  "id: 1",
                                         "\r",       "\n",    "\r\n",   "\n\n",     "\r\r", "\n",
                                         "\r\n\r\n", "junk:", "data: ", "\xEF",     "\n" };
    for (size_t round = 0; round < 3000; round++) {
        struct run whole, cut;
        struct buf in;

        buf_init(&in, SIZE_MAX);
        for (size_t n = test_below(t, 40); n > 0; n--)
            buf_add(&in, str_c(parts[test_below(t, COUNT(parts))]));
        run_start(&whole, 10000);
        run_feed(&whole, buf_str(&in));
        run_end(&whole);

        run_start(&cut, 10000);
        for (struct str rest = buf_str(&in); rest.len > 0;) {
            size_t n = 1 + test_below(t, 9);

            run_feed(&cut, str_take(rest, n));
            rest = str_drop(rest, n);
        }
        run_end(&cut);
        CHECK_STRS(buf_str(&cut.text), buf_str(&whole.text), "round %zu", round);
        CHECK_STRS(buf_str(&cut.spans), buf_str(&in), "spans of round %zu, cut", round);
        CHECK_STRS(buf_str(&whole.spans), buf_str(&in), "spans of round %zu, whole", round);
        run_clear(&whole);
        run_clear(&cut);
        buf_clear(&in);
    }
}

TEST(sse_gives_each_event_its_own_bytes)
{
    struct str text = STR(": hi\r\ndata: 1\r\n\r\n\n: ping\n\nevent: e\ndata: 2\n\n");
    static const char *const spans[] = { ": hi\r\ndata: 1\r\n\r\n", "\n: ping\n\n",
                                         "event: e\ndata: 2\n\n" };
    struct str in = text;
    struct sse_event ev;
    struct sse d;

    sse_init(&d, 100);
    for (size_t i = 0; i < COUNT(spans); i++) {
        CHECK_INT(sse_next(&d, &in, &ev), SSE_EVENT, "event %zu", i);
        CHECK_STR(ev.span, spans[i], "event %zu", i);
        CHECK(ev.span.at >= text.at && ev.span.at < text.at + text.len, "event %zu is copied", i);
        CHECK(ev.is_comment || (ev.data.at > ev.span.at && ev.data.at < in.at),
              "data of event %zu is copied", i);
    }
    CHECK_INT(sse_next(&d, &in, &ev), SSE_MORE);
    CHECK_INT(in.len, 0);
    CHECK_INT(sse_held(&d), 0);
    CHECK_INT(d.held.cap, 0);
    sse_clear(&d);
}

TEST(sse_says_how_much_is_held)
{
    struct str in = STR("data: 1\n\ndata: 2");
    struct sse_event ev;
    struct sse d;

    sse_init(&d, 100);
    CHECK_INT(sse_held(&d), 0);
    CHECK_INT(sse_next(&d, &in, &ev), SSE_EVENT);
    CHECK_INT(sse_held(&d), 0);
    CHECK_INT(sse_next(&d, &in, &ev), SSE_MORE);
    CHECK_INT(sse_held(&d), 7);
    in = STR("\n\n");
    CHECK_INT(sse_next(&d, &in, &ev), SSE_EVENT);
    CHECK_STR(ev.data, "2");
    CHECK_INT(sse_held(&d), 0);
    CHECK_INT(sse_next(&d, &in, &ev), SSE_MORE);
    CHECK_INT(sse_held(&d), 0);
    sse_clear(&d);
}

TEST(sse_refuses_a_block_above_the_limit)
{
    static const struct {
        const char *name, *in;
    } blocks[] = {
        { "one line", "data: 0123456789\n\n" }, { "several lines", "data: 0\ndata: 1\ndata\n\n" },
        { "CRLF", "data: 0123456\r\n\r\n" },    { "CR", "data: 0123456\r\r" },
        { "comment", ": 0123456789\n\n" },      { "blank lines in front", "\n\n\n\n\ndata: 1\n\n" },
    };
    for (size_t i = 0; i < COUNT(blocks); i++)
        for (int over = -1; over <= 1; over++) {
            struct str in = str_c(blocks[i].in);
            size_t max = (size_t)((int)in.len - over);

            for (size_t cut = 0; cut <= in.len; cut++) {
                struct run r;

                run_start(&r, max);
                run_feed(&r, str_take(in, cut));
                if (!r.too_long)
                    run_feed(&r, str_drop(in, cut));
                /* the LF of a last CRLF can be left to the next span */
                bool want = over > 0 && !str_ends(in, STR("\r\n"));

                CHECK_INT(r.too_long, want, "%s: max %zu, %zu bytes, cut at %zu", blocks[i].name,
                          max, in.len, cut);
                CHECK_INT(r.text.len > 0, !r.too_long, "%s: cut at %zu", blocks[i].name, cut);
                run_clear(&r);
            }
        }
}

TEST(sse_counts_no_bom_to_the_event_behind_it)
{
    struct str in = STR(BOM "data: 1\n\n");

    for (size_t max = 8; max <= 9; max++)
        for (size_t cut = 0; cut <= in.len; cut++) {
            struct run r;

            run_start(&r, max);
            run_feed(&r, str_take(in, cut));
            run_feed(&r, str_drop(in, cut));
            CHECK_INT(r.too_long, max == 8, "max %zu, cut at %zu", max, cut);
            run_clear(&r);
        }
}

TEST(sse_refuses_an_unfinished_line_above_the_limit)
{
    for (size_t len = 15; len <= 17; len++)
        for (size_t cut = 0; cut <= len; cut++) {
            struct str in = str_take(STR("data: 012345678901234567890"), len);
            struct run r;

            run_start(&r, 16);
            run_feed(&r, str_take(in, cut));
            run_feed(&r, str_drop(in, cut));
            CHECK_INT(r.too_long, len > 16, "%zu bytes, cut at %zu", len, cut);
            run_clear(&r);
        }
}

TEST(sse_reads_a_large_event_in_pieces_and_lets_its_memory_go)
{
    size_t len = (size_t)1 << 20;
    char *line = arena_alloc(&t->arena, len);
    struct buf in, want;
    struct run r;

    memset(line, 'x', len);
    buf_init(&in, SIZE_MAX);
    buf_init(&want, SIZE_MAX);
    buf_printf(&want, "=%.*s\ny|", (int)len, line);
    buf_printf(&in, "data: %.*s\ndata: y\n\n", (int)len, line);
    run_start(&r, in.len);
    for (struct str rest = buf_str(&in); rest.len > 0; rest = str_drop(rest, 1460))
        run_feed(&r, str_take(rest, 1460));
    CHECK(str_eq(buf_str(&r.text), buf_str(&want)));
    CHECK(str_eq(buf_str(&r.spans), buf_str(&in)));
    run_feed(&r, STR("data: z\n\n"));
    CHECK(str_ends(buf_str(&r.text), STR("y|=z|")));
    CHECK(r.reader.held.cap + r.reader.joined.cap < len);
    run_clear(&r);
    buf_clear(&in);
    buf_clear(&want);
}

TEST(sse_finish_is_silent_after_whole_events)
{
    struct str in = STR("data: 1\n\n");
    struct sse_event ev;
    struct sse d;
    bool cut = true;

    sse_init(&d, 100);
    while (sse_next(&d, &in, &ev) == SSE_EVENT)
        ;
    CHECK(!sse_finish(&d, &ev, &cut));
    CHECK(!cut);
    sse_clear(&d);

    /* an event that was held and given is over, too */
    sse_init(&d, 100);
    in = STR("data: ");
    CHECK_INT(sse_next(&d, &in, &ev), SSE_MORE);
    in = STR("1\n\n");
    CHECK_INT(sse_next(&d, &in, &ev), SSE_EVENT);
    CHECK(!sse_finish(&d, &ev, &cut));
    CHECK(!cut);
    sse_clear(&d);
}

TEST(sse_writes_events_that_read_as_meant)
{
    static const struct {
        const char *name, *data, *want;
    } puts[] = {
        { "", "{}", "data: {}\n\n" },
        { "ping", "{}", "event: ping\ndata: {}\n\n" },
        { "", "", "data: \n\n" },
        { "", "a\nb", "data: a\ndata: b\n\n" },
        { "", "a\r\nb\rc\n", "data: a\ndata: b\ndata: c\ndata: \n\n" },
        { "", " a", "data:  a\n\n" },
        { "x\nretry: 1", "a", "event: x\ndata: a\n\n" },
        { "\n", "a", "data: a\n\n" },
        { "", "[DONE]", "data: [DONE]\n\n" },
    };
    for (size_t i = 0; i < COUNT(puts); i++) {
        struct str want = str_c(puts[i].want);

        for (size_t max = 0; max <= want.len + 3; max++) {
            struct buf out;

            buf_init(&out, max);
            bool fits =
                buf_add(&out, STR("..")) && sse_put(&out, str_c(puts[i].name), str_c(puts[i].data));
            CHECK_INT(fits, max >= want.len + 2, "%s, max %zu", puts[i].data, max);
            if (fits)
                CHECK_STRS(str_drop(buf_str(&out), 2), want, "%s", puts[i].data);
            else
                CHECK(out.len <= 2, "%s, max %zu", puts[i].data, max);
            buf_clear(&out);
        }
    }
}

TEST(sse_reads_back_what_it_wrote)
{
    static const char letters[] = "ab: \n\0\xC3\xA9";

    for (size_t round = 0; round < 500; round++) {
        char bytes[12];
        struct str data = { bytes, test_below(t, sizeof(bytes)) };
        struct str name = test_below(t, 2) == 0 ? STR("") : STR("some.name");
        struct sse_event ev;
        struct buf out;
        struct sse d;

        for (size_t i = 0; i < data.len; i++)
            bytes[i] = letters[test_below(t, sizeof(letters) - 1)];
        buf_init(&out, 1000);
        sse_init(&d, 1000);
        CHECK(sse_put(&out, name, data));
        struct str in = buf_str(&out);
        CHECK_INT(sse_next(&d, &in, &ev), SSE_EVENT, "round %zu", round);
        CHECK_STRS(ev.data, data, "round %zu", round);
        CHECK_STRS(ev.name, name, "round %zu", round);
        CHECK_INT(in.len, 0, "round %zu", round);
        sse_clear(&d);
        buf_clear(&out);
    }
}

TEST(sse_writes_comments)
{
    struct buf out;

    buf_init(&out, 100);
    CHECK(sse_put_comment(&out, STR("keep-alive")));
    CHECK(sse_put_comment(&out, STR("")));
    CHECK(sse_put_comment(&out, STR("a\ndata: b")));
    CHECK_STR(buf_str(&out), ": keep-alive\n\n: \n\n: a\n: data: b\n\n");
    buf_clear(&out);
    buf_init(&out, 3);
    CHECK(!sse_put_comment(&out, STR("x")));
    CHECK_INT(out.len, 0);
    buf_clear(&out);
}

TEST(sse_gives_the_line_feed_that_came_late_at_once_when_asked)
{
    struct sse d;
    struct sse_event ev;
    struct str in = STR("data: a\r\n\r"), late = STR("\n"), next = STR("data: b\n\n");

    sse_init(&d, 1000);
    CHECK_INT(sse_next(&d, &in, &ev), SSE_EVENT);
    CHECK_STR(sse_take_blank(&d), "");
    CHECK_INT(sse_next(&d, &in, &ev), SSE_MORE);
    CHECK_INT(sse_next(&d, &late, &ev), SSE_MORE);
    CHECK_STR(sse_take_blank(&d), "\n");
    CHECK_STR(sse_take_blank(&d), "");
    CHECK_INT(sse_next(&d, &next, &ev), SSE_EVENT);
    CHECK_STR(ev.span, "data: b\n\n");
    in = STR("data");
    CHECK_INT(sse_next(&d, &in, &ev), SSE_MORE);
    CHECK_STR(sse_take_blank(&d), "");
    sse_clear(&d);
}
