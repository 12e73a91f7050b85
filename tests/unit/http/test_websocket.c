#include "http/websocket.h"

#include "test.h"

#define MAX 20

/* What happened, in words; `step` bytes at a time. */
static struct str follow(struct test *t, struct str in, size_t step)
{
    struct websocket w = { 0 };
    struct buf message = { .max = MAX }, seen = { .max = 1 << 16 };
    bool over = false;

    while (in.len > 0 && !over) {
        struct str piece = str_take(in, step);
        struct str rest = arena_copy(&t->arena, piece);
        enum websocket_event ev;

        in = str_drop(in, piece.len);
        while (!over && (ev = websocket_next(&w, &rest, &message)) != WEBSOCKET_MORE) {
            switch (ev) {
            case WEBSOCKET_MORE:
                break;
            case WEBSOCKET_BEGINS:
                CHECK_INT(message.len, 0);
                (void)buf_add(&seen, STR("<"));
                break;
            case WEBSOCKET_MESSAGE:
                (void)(buf_add(&seen, buf_str(&message)) && buf_add(&seen, STR(">")));
                message.len = 0;
                break;
            case WEBSOCKET_PING:
                (void)buf_printf(&seen, "(ping %.*s)", w.control_len, (const char *)w.control);
                break;
            case WEBSOCKET_PONG:
                (void)buf_add(&seen, STR("(pong)"));
                break;
            case WEBSOCKET_CLOSE:
                (void)buf_printf(&seen, "(close %d)", (int)w.code);
                over = true;
                break;
            case WEBSOCKET_BAD:
                CHECK(w.what != NULL);
                (void)buf_printf(&seen, "(bad %d)", (int)w.code);
                over = true;
                break;
            }
        }
        CHECK(over || rest.len == 0);
    }
    struct str said = arena_copy(&t->arena, buf_str(&seen));

    buf_clear(&message);
    buf_clear(&seen);
    return said;
}

/* Frames with a mask of zeroes: their bytes are to be read here. */
#define MASK "\0\0\0\0"
#define CASE(name, bytes, want)              \
    {                                        \
        name, bytes, sizeof(bytes) - 1, want \
    }

static const struct {
    const char *name, *bytes;
    size_t len;
    const char *want;
} cases[] = {
    CASE("a text", "\x81\x82" MASK "hi", "<hi>"),
    CASE("two", "\x81\x82" MASK "hi\x81\x81" MASK "!", "<hi><!>"),
    CASE("nothing", "\x81\x80" MASK, "<>"),
    CASE("the example of RFC 6455", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "<Hello>"),
    CASE("in pieces, a ping between them", "\x01\x82" MASK "he\x89\x81" MASK "p\x80\x82" MASK "y!",
         "<(ping p)hey!>"),
    CASE("a character cut in two", "\x01\x81" MASK "\xc3\x80\x81" MASK "\xa9", "<\xc3\xa9>"),
    CASE("as long as may be", "\x81\x94" MASK "01234567890123456789", "<01234567890123456789>"),
    CASE("one more", "\x81\x95" MASK "012345678901234567890", "<(bad 1009)"),
    CASE("one more, in pieces", "\x01\x94" MASK "01234567890123456789\x80\x81" MASK "0",
         "<(bad 1009)"),
    CASE("one more, of which nothing came", "\x81\x95" MASK, "<(bad 1009)"),
    CASE("a length that is larger than memory", "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" MASK "a",
         "<(bad 1009)"),
    CASE("a negative length", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" MASK, "(bad 1002)"),
    CASE("a length written too wide", "\x81\xfe\x00\x05" MASK "abcde", "(bad 1002)"),
    CASE("… and wider", "\x81\xff\0\0\0\0\0\0\x00\x05" MASK "abcde", "(bad 1002)"),
    CASE("not masked", "\x81\x02hi", "(bad 1002)"),
    CASE("reserved bits", "\xc1\x82" MASK "hi", "(bad 1002)"),
    CASE("bytes", "\x82\x82" MASK "hi", "(bad 1003)"),
    CASE("an unknown kind of message", "\x83\x82" MASK "hi", "(bad 1002)"),
    CASE("an unknown kind of control", "\x8b\x80" MASK, "(bad 1002)"),
    CASE("goes on from nothing", "\x80\x82" MASK "hi", "(bad 1002)"),
    CASE("one inside of another", "\x01\x81" MASK "a\x81\x81" MASK "b", "<(bad 1002)"),
    CASE("not UTF-8", "\x81\x81" MASK "\xff", "<(bad 1007)"),
    CASE("half a character at the end", "\x81\x81" MASK "\xc3", "<(bad 1007)"),
    CASE("a ping in pieces", "\x09\x80" MASK, "(bad 1002)"),
    CASE("a ping that is too long", "\x89\xfe\x00\x7e" MASK, "(bad 1002)"),
    CASE("a pong", "\x8a\x80" MASK, "(pong)"),
    CASE("closed", "\x88\x82" MASK "\x03\xe8", "(close 1000)"),
    CASE("closed with words",
         "\x88\x85" MASK "\x0f\xa0"
         "bye",
         "(close 4000)"),
    CASE("closed without a reason", "\x88\x80" MASK, "(close 1005)"),
    CASE("half a reason", "\x88\x81" MASK "\x03", "(bad 1002)"),
    CASE("a reason nobody may send", "\x88\x82" MASK "\x03\xed", "(bad 1002)"),
    CASE("a reason of nobody", "\x88\x82" MASK "\x07\xd0", "(bad 1002)"),
    CASE("words that are none", "\x88\x83" MASK "\x03\xe8\xff", "(bad 1002)"),
    CASE("a head that never ends", "\x81", ""),
};

TEST(frames_mean_the_same_however_they_are_cut)
{
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t step = 1; step <= cases[i].len; step++)
            CHECK_STR(follow(t, (struct str){ cases[i].bytes, cases[i].len }, step), cases[i].want,
                      "%s, %zu bytes at a time", cases[i].name, step);
}

TEST(a_servers_head_is_as_short_as_it_can_be)
{
    char head[WEBSOCKET_HEAD_MAX];
    static const struct {
        uint64_t len;
        struct str want;
    } heads[] = {
        { 0, { "\x81\x00", 2 } },
        { 125, { "\x81\x7d", 2 } },
        { 126, { "\x81\x7e\x00\x7e", 4 } },
        { 65535, { "\x81\x7e\xff\xff", 4 } },
        { 65536, { "\x81\x7f\0\0\0\0\0\x01\0\0", 10 } },
    };

    for (size_t i = 0; i < COUNT(heads); i++)
        CHECK(str_eq(websocket_head(WEBSOCKET_OP_TEXT, heads[i].len, head), heads[i].want), "%zu",
              i);
    CHECK(str_eq(websocket_head(WEBSOCKET_OP_CLOSE, 2, head), STR("\x88\x02")));
}
