/* When which bytes go out. */
#include "simulator/pace.h"

#include "test.h"

/* Two events of handshake, three of content, one that ends: each of ten bytes. */
static void stream_make(struct reply *r)
{
    static const enum event_class classes[] = { EVENT_HANDSHAKE, EVENT_HANDSHAKE, EVENT_CONTENT,
                                                EVENT_CONTENT,   EVENT_CONTENT,   EVENT_LAST };

    reply_init(r);
    r->stream = true;
    for (size_t i = 0; i < COUNT(classes); i++) {
        reply_put(r, STR("0123456789"));
        reply_mark(r, classes[i]);
    }
}

/* The steps as text: `wait>to` each, and a word at the end. */
static struct str steps(struct test *t, const char *words, const struct reply *r)
{
    static const char *const ends[] = { "", "done", "stall", "cut", "reset" };
    struct directives d;
    struct error e;
    struct pace p;
    struct str text = STR("");
    size_t sent = 0;
    uint32_t event = 0;

    directives_init(&d);
    CHECK(directives_read(&d, str_c(words), &t->arena, &e) == OK, "%s", words);
    p = pace_make(&d, r);
    for (int i = 0; i < 100; i++) {
        struct pace_step step = pace_next(&p, r, sent, &event);

        if (step.to > sent)
            text = arena_printf(&t->arena, "%.*s%" PRId64 ">%zu ", (int)text.len, text.at,
                                step.wait_ms, step.to);
        sent = step.to;
        if (step.end != PACE_GO)
            return arena_printf(&t->arena, "%.*s%s", (int)text.len, text.at, ends[step.end]);
    }
    return STR("no end");
}

TEST(streams_go_out_at_the_pace_that_was_asked_for)
{
    static const struct {
        const char *words, *want;
    } cases[] = {
        { "", "0>60 done" },
        { "gap=5", "0>10 5>20 5>30 5>40 5>50 5>60 done" },
        { "first=7", "0>20 7>60 done" },
        { "first=7 gap=5", "0>10 5>20 7>30 5>40 5>50 5>60 done" },
        { "drip=3 split=25", "0>25 3>50 3>60 done" },
        { "split=40", "0>40 1>60 done" },
        { "first=9 drip=3 split=15", "0>15 3>20 9>35 3>50 3>60 done" },
        { "stall", "0>30 stall" },
        { "stall=0", "stall" },
        { "stall=1", "0>10 stall" },
        { "stall=99", "0>60 stall" },
        { "cut=0", "cut" },
        { "cut=33", "0>33 cut" },
        { "cut=60", "0>60 cut" },
        { "cut=61", "0>60 cut" },
        { "reset=33 gap=2", "0>10 2>20 2>30 2>33 reset" },
    };
    struct reply r;

    stream_make(&r);
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(steps(t, cases[i].words, &r), cases[i].want, "%s", cases[i].words);
    reply_clear(&r);
}

TEST(what_is_no_stream_has_a_pace_too)
{
    static const struct {
        const char *words, *want;
    } cases[] = {
        { "", "0>10 done" },
        { "first=7", "7>10 done" },
        { "gap=7", "0>10 done" },
        { "stall", "0>5 stall" },
        { "stall=0", "0>5 stall" },
        { "cut=3", "0>3 cut" },
        { "drip=2 split=6", "0>6 2>10 done" },
    };
    struct reply r;

    reply_init(&r);
    reply_put(&r, STR("0123456789"));
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(steps(t, cases[i].words, &r), cases[i].want, "%s", cases[i].words);
    reply_clear(&r);
}

TEST(large_replies_go_out_in_bounded_writes)
{
    struct reply r;

    reply_init(&r);
    r.stream = true;
    for (int i = 0; i < 20000; i++)
        reply_put(&r, STR("0123456789"));
    reply_mark(&r, EVENT_CONTENT);
    CHECK_STR(steps(t, "", &r), "0>65536 0>131072 0>196608 0>200000 done");
    CHECK_STR(steps(t, "gap=5", &r), "0>65536 0>131072 0>196608 0>200000 done");
    reply_clear(&r);
}

TEST(an_empty_reply_ends_at_once)
{
    struct reply r;

    reply_init(&r);
    r.stream = true;
    CHECK_STR(steps(t, "", &r), "done");
    CHECK_STR(steps(t, "stall", &r), "stall");
    reply_clear(&r);
}
