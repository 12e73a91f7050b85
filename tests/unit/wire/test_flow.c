#include "wire/emitter.h"

#include "test.h"

#define EVENT_MAX ((size_t)12 << 20)

struct side {
    struct buf got;
    struct arena scratch;
    size_t held_max;
};

static void side_start(void *peer, bool early)
{
    (void)peer;
    (void)early;
}

static bool side_write(void *peer, const struct str *parts, size_t count)
{
    struct side *s = peer;

    for (size_t i = 0; i < count; i++)
        (void)buf_add(&s->got, parts[i]);
    return true;
}

static void side_open(struct side *s, struct emitter *e, enum wire wire, bool json_array,
                      size_t event_max)
{
    *s = (struct side){ 0 };
    buf_init(&s->got, 4 * EVENT_MAX);
    emitter_init(e, &(struct emitter_options){ .protocol = wire,
                                               .json_array = json_array,
                                               .model = STR("mine"),
                                               .event_bytes_max = event_max,
                                               .request_id = STR("req_1"),
                                               .scratch = &s->scratch,
                                               .sink = { side_start, side_write, s } });
}

static void side_close(struct side *s, struct emitter *e)
{
    emitter_clear(e);
    buf_clear(&s->got);
    arena_free(&s->scratch);
}

/* In pieces of random size up to `piece`. */
static enum emitter_fed feed(struct test *t, struct side *s, struct emitter *e, struct str text,
                             size_t piece)
{
    enum emitter_fed fed = EMITTER_FED;

    while (text.len > 0 && fed == EMITTER_FED) {
        size_t n = 1 + test_below(t, piece);

        fed = emitter_feed(e, str_take(text, n));
        text = str_drop(text, n);
        if (e->sse.held.cap > s->held_max)
            s->held_max = e->sse.held.cap;
    }
    return fed;
}

/* `count` times the unit. */
static struct str many(struct arena *a, const char *unit, size_t count)
{
    size_t len = strlen(unit);
    char *at = arena_alloc_raw(a, len * count + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(at + i * len, unit, len);
    return (struct str){ at, len * count };
}

static struct str joined(struct arena *a, struct str x, struct str y, struct str z)
{
    return arena_printf(a, "%.*s%.*s%.*s", (int)x.len, x.at, (int)y.len, y.at, (int)z.len, z.at);
}

static const struct {
    const char *name;
    enum wire wire;
    const char *before, *behind;           /* of the long string, as the upstream says it */
    const char *before_want, *behind_want; /* … and as the client sees it */
} events[] = {
    { "an image of gemini", WIRE_GEMINI,
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/"
      "png\",\"data\":\"",
      "\"}}],\"role\":\"model\"},\"finishReason\":\"STOP\"}],\"usageMetadata\":{"
      "\"promptTokenCount\":5,\"candidatesTokenCount\":9},\"modelVersion\":\"other\"}\r\n\r\n",
      NULL,
      "\"}}],\"role\":\"model\"},\"finishReason\":\"STOP\"}],\"usageMetadata\":{"
      "\"promptTokenCount\":5,\"candidatesTokenCount\":9},\"modelVersion\":\"mine\"}\r\n\r\n" },
    { "the model in front", WIRE_OPENAI_CHAT,
      "data: {\"model\":\"other\",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":9},"
      "\"choices\":[{\"finish_reason\":\"stop\",\"delta\":{\"content\":\"",
      "\"}}]}\n\n",
      "data: {\"model\":\"mine\",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":9},"
      "\"choices\":[{\"finish_reason\":\"stop\",\"delta\":{\"content\":\"",
      NULL },
    { "an event with a name", WIRE_ANTHROPIC,
      "\n: hello\nevent: content_block_delta\ndata:{\"type\":\"content_block_delta\",\"index\":0,"
      "\"delta\":{\"type\":\"text_delta\",\"text\":\"",
      "\"},\"a \\ud800 lone\":[1,{}]}\n\n", NULL, "\"},\"a \\ufffd lone\":[1,{}]}\n\n" },
};

static const struct {
    const char *name, *unit, *want;
} insides[] = {
    { "plain", "aGVsbG8gd29ybGQ", NULL },
    { "escapes", "a\\n\\\"b\\\\", NULL },
    { "pairs", "\\ud83d\\ude00\\u00e9", NULL },
    { "foreign", "\xf0\x9f\x98\x80 \xc3\xa9\xe4\xb8\x96", NULL },
    { "lone surrogates", "x\\ud83dy\\ude00\\ud83d\\n", "x\\ufffdy\\ufffd\\ufffd\\n" },
    { "invalid UTF-8", "x\xff\xc3(\xe4\xb8", "x\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd" },
};

TEST(flow_passes_long_events_as_they_come_however_they_are_cut)
{
    static const size_t pieces[] = { 65536, 5000, 7 };

    for (size_t i = 0; i < COUNT(events); i++)
        for (size_t k = 0; k < COUNT(insides); k++)
            for (size_t p = 0; p < COUNT(pieces); p++) {
                struct arena a = { 0 };
                struct side s;
                struct emitter e;
                size_t count = 300000 / strlen(insides[k].unit);
                struct str inside = many(&a, insides[k].unit, count);
                const char *unit_want = insides[k].want != NULL ? insides[k].want : insides[k].unit;
                const char *before =
                    events[i].before_want != NULL ? events[i].before_want : events[i].before;
                const char *behind =
                    events[i].behind_want != NULL ? events[i].behind_want : events[i].behind;
                struct str event =
                    joined(&a, str_c(events[i].before), inside, str_c(events[i].behind));
                struct str want =
                    joined(&a, str_c(before), many(&a, unit_want, count), str_c(behind));

                side_open(&s, &e, events[i].wire, false, EVENT_MAX);
                CHECK(feed(t, &s, &e, event, pieces[p]) == EMITTER_FED, "%s, %s, %zu",
                      events[i].name, insides[k].name, pieces[p]);
                CHECK_STRS(buf_str(&s.got), want, "%s, %s, %zu", events[i].name, insides[k].name,
                           pieces[p]);
                CHECK(s.held_max <= 4 * FLOW_EVENT_MIN, "%zu held", s.held_max);
                CHECK_INT(e.events_out, 1);
                if (events[i].wire != WIRE_ANTHROPIC) {
                    CHECK(emitter_finish(&e), "%s", events[i].name);
                    CHECK_INT(e.stream.usage.in, 5, "%s", events[i].name);
                    CHECK_INT(e.stream.usage.out, 9, "%s", events[i].name);
                }
                side_close(&s, &e);
                arena_free(&a);
            }
}

TEST(flow_passes_two_long_strings_of_one_event_and_events_around_it)
{
    static const char small[] =
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hi\"}]}}]}\n\n";
    struct arena a = { 0 };
    struct side s;
    struct emitter e;
    struct str image = many(&a, "QUJD", 50000);
    struct str event = arena_printf(
        &a,
        "%sdata: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"data\":\"%.*s\"}},"
        "{\"inlineData\":{\"data\":\"%.*s\"}}]},\"finishReason\":\"STOP\"}]}\n\n%s",
        small, (int)image.len, image.at, (int)image.len, image.at, small);

    side_open(&s, &e, WIRE_GEMINI, false, EVENT_MAX);
    CHECK(feed(t, &s, &e, event, 65536) == EMITTER_FED);
    CHECK(emitter_finish(&e));
    CHECK_STRS(buf_str(&s.got), event);
    CHECK(s.held_max <= 4 * FLOW_EVENT_MIN, "%zu held", s.held_max);
    CHECK_INT(e.events_out, 3);
    side_close(&s, &e);
    arena_free(&a);
}

TEST(flow_makes_elements_of_an_array)
{
    struct arena a = { 0 };
    struct side s;
    struct emitter e;
    struct str image = many(&a, "QUJD", 50000);
    struct str data = arena_printf(
        &a,
        "{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"data\":\"%.*s\"}}]},"
        "\"finishReason\":\"STOP\"}]}",
        (int)image.len, image.at);
    struct str text = arena_printf(&a, "data: %.*s\n\ndata: %.*s\n\n", (int)data.len, data.at,
                                   (int)data.len, data.at);

    side_open(&s, &e, WIRE_GEMINI, true, EVENT_MAX);
    CHECK(feed(t, &s, &e, text, 65536) == EMITTER_FED);
    CHECK(emitter_finish(&e));
    CHECK_STRS(buf_str(&s.got),
               arena_printf(&a, "[%.*s,\r\n%.*s]", (int)data.len, data.at, (int)data.len, data.at));
    side_close(&s, &e);
    arena_free(&a);
}

TEST(flow_keeps_the_limit_of_an_event)
{
    for (int more = -1; more <= 1; more++) {
        struct arena a = { 0 };
        struct side s;
        struct emitter e;
        size_t around = strlen(events[0].before) + strlen(events[0].behind);
        struct str inside = many(&a, "Q", EVENT_MAX - around + (size_t)(1 + more) - 1);
        struct str event = joined(&a, str_c(events[0].before), inside, str_c(events[0].behind));

        CHECK_INT((int64_t)event.len - (int64_t)EVENT_MAX, more);
        side_open(&s, &e, WIRE_GEMINI, false, EVENT_MAX);
        CHECK_INT(feed(t, &s, &e, event, 65536), more <= 0 ? EMITTER_FED : EMITTER_BROKEN);
        CHECK(s.held_max <= 4 * FLOW_EVENT_MIN, "%zu held", s.held_max);
        side_close(&s, &e);
        arena_free(&a);
    }
}

TEST(flow_that_proves_bad_ends_the_stream_with_an_error_of_its_own)
{
    static const struct {
        const char *name, *unit, *behind;
    } cases[] = {
        { "a control byte", "Q\x01", "" },
        { "an unknown escape", "Q\\x", "" },
        { "half a \\u", "Q\\u12x4", "" },
        { "wrong brackets behind it", "QUJD", "\"}]]\n\n" },
        { "bytes behind the end", "QUJD", "\"}}]}}],\"a\":1} 7\n\n" },
        { "another line of data", "QUJD", "\"}}]}}]\ndata: }\n\n" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a = { 0 };
        struct side s;
        struct emitter e;
        struct str inside = joined(&a, many(&a, "QUJD", 40000), str_c(cases[i].unit), STR(""));
        struct str event = joined(&a, str_c(events[0].before), inside, str_c(cases[i].behind));

        side_open(&s, &e, WIRE_GEMINI, false, EVENT_MAX);
        CHECK_INT(feed(t, &s, &e, event, 65536), EMITTER_BROKEN, "%s", cases[i].name);
        size_t len = s.got.len;
        CHECK(len > 100000, "%s: %zu", cases[i].name, len);
        emitter_keep_alive(&e);
        CHECK_INT(s.got.len, len, "no keep-alive in the middle of an event");
        emitter_fail(&e, &(struct fault){ .class = FAULT_SERVER, .message = STR("broke off") });
        struct str end = str_drop(buf_str(&s.got), len);
        CHECK(str_starts(end, STR("\"}}]}}]}\n\ndata: {\"error\"")), "%s: %.*s", cases[i].name,
              STR_ARG(end));
        side_close(&s, &e);
        arena_free(&a);
    }
}

TEST(flow_that_breaks_off_is_closed_and_counted)
{
    static const struct fault cut = { .class = FAULT_SERVER, .message = { "broke off", 9 } };
    struct arena a = { 0 };
    struct side s;
    struct emitter e;
    struct json doc;
    struct str half =
        joined(&a,
               STR("event: response.output_text.delta\ndata: {\"type\":"
                   "\"response.output_text.delta\",\"sequence_number\":5,\"delta\":\""),
               many(&a, "QUJD", 40000), STR(""));

    side_open(&s, &e, WIRE_OPENAI_RESPONSES, false, EVENT_MAX);
    CHECK(feed(t, &s, &e, half, 65536) == EMITTER_FED);
    size_t len = s.got.len;
    emitter_fail(&e, &cut);
    struct str end = str_drop(buf_str(&s.got), len);
    CHECK(str_starts(end, STR("\"}\n\n")), "%.*s", STR_ARG(end));
    CHECK(str_find(end, STR("\"sequence_number\":6")) != SIZE_MAX, "%.*s", STR_ARG(end));
    side_close(&s, &e);

    half = joined(&a, str_c(events[0].before), many(&a, "QUJD", 40000), STR(""));
    side_open(&s, &e, WIRE_GEMINI, true, EVENT_MAX);
    CHECK(feed(t, &s, &e, half, 65536) == EMITTER_FED);
    emitter_fail(&e, &cut);
    if (CHECK(json_parse(&doc, buf_str(&s.got), NULL, &a, NULL)))
        CHECK_INT(doc.nodes[0].count, 2);
    side_close(&s, &e);
    arena_free(&a);
}

TEST(flow_cut_in_a_string_is_no_end)
{
    struct arena a = { 0 };
    struct side s;
    struct emitter e;
    struct str event = joined(&a, str_c(events[0].before), many(&a, "QUJD", 40000), STR(""));

    side_open(&s, &e, WIRE_GEMINI, false, EVENT_MAX);
    CHECK(feed(t, &s, &e, event, 65536) == EMITTER_FED);
    CHECK(!emitter_finish(&e));
    side_close(&s, &e);
    arena_free(&a);
}

TEST(flow_leaves_held_what_must_be_judged_whole)
{
    static const struct {
        const char *name;
        enum wire wire;
        const char *before;
    } cases[] = {
        { "an error", WIRE_OPENAI_CHAT, "data: {\"error\":{\"message\":\"" },
        { "what commits nothing", WIRE_OPENAI_CHAT, "data: {\"choices\":[{\"delta\":{\"role\":\"" },
        { "a name", WIRE_OPENAI_CHAT, "data: {\"choices\":[{\"delta\":{\"content\":\"x\",\"" },
        { "several lines of data", WIRE_OPENAI_CHAT,
          "data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"" },
        { "a lone surrogate in front", WIRE_OPENAI_CHAT,
          "data: {\"x\":\"\\ud800\",\"choices\":[{\"delta\":{\"content\":\"" },
        { "small strings", WIRE_OPENAI_CHAT, NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a = { 0 };
        struct side s;
        struct emitter e;
        struct str text = cases[i].before != NULL
                              ? joined(&a, str_c(cases[i].before), many(&a, "QUJD", 40000), STR(""))
                              : joined(&a, STR("data: {\"choices\":[{\"delta\":{\"content\":["),
                                       many(&a, "\"QUJD\",", 20000), STR(""));

        side_open(&s, &e, cases[i].wire, false, EVENT_MAX);
        CHECK(feed(t, &s, &e, text, 65536) == EMITTER_FED, "%s", cases[i].name);
        CHECK_INT(s.got.len, 0, "%s", cases[i].name);
        CHECK(!e.flow.inside, "%s", cases[i].name);
        side_close(&s, &e);
        arena_free(&a);
    }
}

TEST(flow_never_begins_an_end_that_may_not_come)
{
    struct arena a = { 0 };
    struct side s;
    struct emitter e;
    struct str delta =
        STR("event: response.output_text.delta\ndata: {\"type\":\"response.output_text."
            "delta\",\"delta\":\"QUJD\"}\n\n");
    struct str end = STR("event: response.completed\ndata: {\"type\":\"response.completed\","
                         "\"response\":{\"status\":\"completed\",\"output\":[{\"type\":\"message\","
                         "\"content\":[{\"type\":\"output_text\",\"text\":\"");

    side_open(&s, &e, WIRE_OPENAI_RESPONSES, false, EVENT_MAX);
    CHECK(feed(t, &s, &e, joined(&a, delta, end, many(&a, "QUJD", 40000)), 65536) == EMITTER_FED);
    CHECK_STRS(buf_str(&s.got), delta);
    CHECK(!emitter_finish(&e));
    side_close(&s, &e);
    arena_free(&a);
}
