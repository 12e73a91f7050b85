#include "wire/emitter.h"

#include "streams.h"
#include "test.h"

/* A client that keeps what it was sent. */
struct client_side {
    struct buf got;
    int starts;
    bool early, full;
    struct arena scratch;
};

static void side_start(void *peer, bool early)
{
    struct client_side *c = peer;

    c->starts++;
    c->early = early;
}

static bool side_write(void *peer, const struct str *parts, size_t count)
{
    struct client_side *c = peer;

    for (size_t i = 0; i < count; i++)
        (void)buf_add(&c->got, parts[i]);
    return !c->full;
}

static void side_open(struct client_side *c, struct emitter *e, enum wire wire, const char *model)
{
    *c = (struct client_side){ 0 };
    buf_init(&c->got, 8 << 20);
    emitter_init(e, &(struct emitter_options){ .protocol = wire,
                                               .model = str_c(model),
                                               .event_bytes_max = 1 << 20,
                                               .request_id = STR("req_1"),
                                               .scratch = &c->scratch,
                                               .sink = { side_start, side_write, c } });
}

static void side_close(struct client_side *c, struct emitter *e)
{
    emitter_clear(e);
    buf_clear(&c->got);
    arena_free(&c->scratch);
}

static bool is_done(enum emitter_fed fed)
{
    return fed == EMITTER_FED || fed == EMITTER_DONE;
}

TEST(emitter_passes_whole_streams_byte_for_byte_however_they_are_cut)
{
    for (size_t i = 0; i < COUNT(streams); i++)
        for (size_t cut = 0; cut <= streams[i].text.len; cut++) {
            struct client_side c;
            struct emitter e;

            side_open(&c, &e, streams[i].wire, "m-1");
            CHECK(is_done(emitter_feed(&e, str_take(streams[i].text, cut))), "%s at %zu",
                  streams[i].name, cut);
            CHECK(is_done(emitter_feed(&e, str_drop(streams[i].text, cut))), "%s at %zu",
                  streams[i].name, cut);
            CHECK(emitter_finish(&e), "%s at %zu", streams[i].name, cut);
            CHECK_STRS(buf_str(&c.got), streams[i].text, "%s at %zu", streams[i].name, cut);
            CHECK_INT(c.starts, 1);
            CHECK_INT(e.stream.usage.in, 100, "%s", streams[i].name);
            CHECK_INT(e.stream.usage.out, 7, "%s", streams[i].name);
            CHECK_INT(e.stream.usage.cache_read, 60, "%s", streams[i].name);
            side_close(&c, &e);
        }
}

TEST(emitter_passes_streams_fed_byte_by_byte)
{
    for (size_t i = 0; i < COUNT(streams); i++) {
        struct client_side c;
        struct emitter e;

        side_open(&c, &e, streams[i].wire, "m-1");
        for (size_t at = 0; at < streams[i].text.len; at++)
            CHECK(is_done(emitter_feed(&e, str_take(str_drop(streams[i].text, at), 1))));
        CHECK(emitter_finish(&e));
        CHECK_STRS(buf_str(&c.got), streams[i].text, "%s", streams[i].name);
        side_close(&c, &e);
    }
}

/* The words with which each protocol says that all went well. */
static bool says_success(enum wire wire, struct str got)
{
    switch (wire) {
    case WIRE_OPENAI_CHAT:
        return str_find(got, STR("[DONE]")) != SIZE_MAX;
    case WIRE_OPENAI_RESPONSES:
        return str_find(got, STR("response.completed")) != SIZE_MAX;
    case WIRE_ANTHROPIC:
        return str_find(got, STR("message_stop")) != SIZE_MAX;
    default:
        return false;
    }
}

TEST(emitter_never_makes_a_success_of_a_stream_that_was_cut)
{
    static const char *const errors[] = { "\"error\":{\"message\"", "response.failed",
                                          "event: error", "\"error\":{\"code\"" };

    for (size_t i = 0; i < COUNT(streams); i++)
        for (size_t cut = 0; cut < streams[i].text.len; cut++) {
            struct client_side c;
            struct emitter e;

            side_open(&c, &e, streams[i].wire, "m-1");
            (void)emitter_feed(&e, str_take(streams[i].text, cut));
            if (emitter_finish(&e)) {
                /* complete before its last bytes: only what may still come is missing */
                CHECK(e.stream.finish != FINISH_NONE, "%s at %zu", streams[i].name, cut);
            } else if (emitter_is_started(&e)) {
                emitter_fail(&e, &(struct fault){ .class = FAULT_SERVER, .message = STR("cut") });
                CHECK(!says_success(streams[i].wire, buf_str(&c.got)), "%s at %zu", streams[i].name,
                      cut);
                CHECK(str_find(buf_str(&c.got), str_c(errors[i])) != SIZE_MAX, "%s at %zu",
                      streams[i].name, cut);
                CHECK(str_ends(buf_str(&c.got), STR("\n\n")));
            } else {
                CHECK_INT(c.got.len, 0, "%s at %zu", streams[i].name, cut);
            }
            side_close(&c, &e);
        }
}

TEST(emitter_holds_everything_back_until_there_is_content)
{
    struct client_side c;
    struct emitter e;
    struct str all = STR(""), rest;
    size_t at = str_find((struct str){ anthropic_stream, sizeof(anthropic_stream) - 1 },
                         STR("event: content_block_delta"));

    all = (struct str){ anthropic_stream, sizeof(anthropic_stream) - 1 };
    rest = str_drop(all, at);
    side_open(&c, &e, WIRE_ANTHROPIC, "m-1");
    CHECK_INT(emitter_feed(&e, str_take(all, at)), EMITTER_FED);
    CHECK_INT(c.got.len, 0);
    CHECK(!emitter_is_started(&e));
    /* the attempt fails; the next one serves, and no trace of the first is seen */
    emitter_attempt(&e);
    CHECK_INT(emitter_feed(&e, all), EMITTER_DONE);
    CHECK_STRS(buf_str(&c.got), all);
    CHECK_INT(rest.len > 0, 1);
    side_close(&c, &e);
}

TEST(emitter_reports_errors_inside_the_stream_and_passes_none_of_them)
{
    static const struct {
        const char *name;
        enum wire wire;
        const char *text;
    } cases[] = {
        { "chat", WIRE_OPENAI_CHAT,
          "data: {\"error\":{\"message\":\"slow down\",\"code\":\"rate_limit_exceeded\"}}\n\n" },
        { "responses", WIRE_OPENAI_RESPONSES,
          "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\"}\n\n" },
        { "failed", WIRE_OPENAI_RESPONSES,
          "event: response.failed\ndata: "
          "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"x\"}}}\n\n" },
        { "anthropic", WIRE_ANTHROPIC,
          "event: error\ndata: "
          "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n" },
        { "gemini", WIRE_GEMINI,
          "data: {\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}\r\n\r\n" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct client_side c;
        struct emitter e;

        side_open(&c, &e, cases[i].wire, "m-1");
        CHECK_INT(emitter_feed(&e, str_c(cases[i].text)), EMITTER_ERROR, "%s", cases[i].name);
        CHECK(e.error.len > 0, "%s", cases[i].name);
        CHECK_INT(c.got.len, 0, "%s", cases[i].name);
        side_close(&c, &e);
    }
}

TEST(emitter_gives_its_error_the_number_of_the_event_that_it_withheld)
{
    static const char *const withheld[] = {
        "event: error\ndata: "
        "{\"type\":\"error\",\"sequence_number\":3,\"code\":\"server_error\"}\n\n",
        /* half of a call's arguments is no end */
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":3,"
        "\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":[{\"type\":"
        "\"function_call\",\"arguments\":\"{\"}]}}\n\n",
    };
    for (size_t i = 0; i < COUNT(withheld); i++) {
        struct client_side c;
        struct emitter e;
        struct str before = STR("event: response.created\ndata: {\"type\":\"response.created\","
                                "\"sequence_number\":0,\"response\":{\"id\":\"resp_1\"}}\n\n"
                                "event: response.function_call_arguments.delta\ndata: "
                                "{\"type\":\"response.function_call_arguments.delta\","
                                "\"sequence_number\":1,\"delta\":\"{\"}\n\n"
                                "event: response.function_call_arguments.done\ndata: "
                                "{\"type\":\"response.function_call_arguments.done\","
                                "\"sequence_number\":2,\"arguments\":\"{\"}\n\n");

        side_open(&c, &e, WIRE_OPENAI_RESPONSES, "m-1");
        CHECK_INT(emitter_feed(&e, before), EMITTER_FED);
        CHECK_INT(emitter_feed(&e, str_c(withheld[i])), i == 0 ? EMITTER_ERROR : EMITTER_BROKEN);
        emitter_fail(&e, &(struct fault){ .class = FAULT_SERVER, .message = STR("cut") });
        CHECK(str_find(buf_str(&c.got),
                       STR("\"type\":\"response.failed\",\"sequence_number\":3,")) != SIZE_MAX);
        side_close(&c, &e);
    }
}

TEST(emitter_drops_the_usage_chunk_that_nobody_asked_for)
{
    struct client_side c;
    struct emitter e;

    side_open(&c, &e, WIRE_OPENAI_CHAT, "m-1");
    e.o.drop_usage = true;
    CHECK_INT(emitter_feed(&e, streams[0].text), EMITTER_DONE);
    CHECK(str_find(buf_str(&c.got), STR("prompt_tokens")) == SIZE_MAX);
    CHECK(str_ends(buf_str(&c.got), STR("data: [DONE]\n\n")));
    CHECK_INT(e.stream.usage.in, 100);
    side_close(&c, &e);
}

TEST(emitter_puts_the_name_that_the_client_asked_for_and_changes_nothing_else)
{
    for (size_t i = 0; i < COUNT(streams); i++) {
        struct client_side c;
        struct emitter e;
        struct buf want;
        struct str rest = streams[i].text;
        size_t at;

        buf_init(&want, 1 << 16);
        while ((at = str_find(rest, STR("\"m-1\""))) != SIZE_MAX) {
            (void)buf_add(&want, str_take(rest, at));
            (void)buf_add(&want, STR("\"alias \\\"x\\\"\""));
            rest = str_drop(rest, at + 5);
        }
        (void)buf_add(&want, rest);
        side_open(&c, &e, streams[i].wire, "alias \"x\"");
        CHECK(is_done(emitter_feed(&e, streams[i].text)));
        CHECK(emitter_finish(&e));
        CHECK_STRS(buf_str(&c.got), buf_str(&want), "%s", streams[i].name);
        buf_clear(&want);
        side_close(&c, &e);
    }
}

TEST(emitter_withholds_the_terminator_of_a_stream_that_did_not_finish)
{
    static const char half[] = "data: "
                               "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_"
                               "reason\":null}]}\n\ndata: [DONE]\n\n";
    static const char bad_call[] = "data: "
                                   "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{"
                                   "\"index\":0,\"function\":{\"name\":\"f\","
                                   "\"arguments\":\"{\\\"a\"}}]},\"finish_reason\":null}]}\n\n"
                                   "data: "
                                   "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
                                   "\"tool_calls\"}]}\n\ndata: [DONE]\n\n";
    static const char cut_call[] =
        "data: "
        "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":"
        "\"f\","
        "\"arguments\":\"{\\\"a\"}}]},\"finish_reason\":null}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: "
        "[DONE]\n\n";
    static const struct {
        const char *name, *text;
        enum emitter_fed want;
    } cases[] = {
        { "no finish reason", half, EMITTER_BROKEN },
        { "arguments are no JSON", bad_call, EMITTER_BROKEN },
        { "arguments cut by the limit are legal", cut_call, EMITTER_DONE },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct client_side c;
        struct emitter e;

        side_open(&c, &e, WIRE_OPENAI_CHAT, "");
        CHECK_INT(emitter_feed(&e, str_c(cases[i].text)), cases[i].want, "%s", cases[i].name);
        CHECK_INT(str_find(buf_str(&c.got), STR("[DONE]")) != SIZE_MAX,
                  cases[i].want == EMITTER_DONE, "%s", cases[i].name);
        side_close(&c, &e);
    }
}

TEST(emitter_ends_a_chat_stream_that_forgot_its_terminator)
{
    struct client_side c;
    struct emitter e;

    side_open(&c, &e, WIRE_OPENAI_CHAT, "m-1");
    CHECK_INT(emitter_feed(
                  &e, str_take(streams[0].text, streams[0].text.len - strlen("data: [DONE]\n\n"))),
              EMITTER_FED);
    CHECK(emitter_finish(&e));
    CHECK_STRS(buf_str(&c.got), streams[0].text);
    side_close(&c, &e);
}

TEST(emitter_forwards_nothing_behind_the_terminator)
{
    for (size_t i = 0; i < 3; i++) {
        struct client_side c;
        struct emitter e;
        struct buf more;

        buf_init(&more, 1 << 16);
        (void)buf_add(&more, streams[i].text);
        (void)buf_add(&more, STR("data: {\"choices\":[{\"delta\":{\"content\":\"late\"}}]}\n\n"));
        side_open(&c, &e, streams[i].wire, "m-1");
        CHECK_INT(emitter_feed(&e, buf_str(&more)), EMITTER_DONE);
        CHECK_INT(emitter_feed(&e, STR("data: more\n\n")), EMITTER_DONE);
        CHECK(emitter_finish(&e));
        CHECK_STRS(buf_str(&c.got), streams[i].text, "%s", streams[i].name);
        buf_clear(&more);
        side_close(&c, &e);
    }
}

TEST(emitter_drops_events_that_are_no_json_and_breaks_on_the_ninth)
{
    struct client_side c;
    struct emitter e;

    side_open(&c, &e, WIRE_OPENAI_CHAT, "m-1");
    for (int i = 0; i < EMITTER_BAD_EVENTS_MAX; i++)
        CHECK_INT(emitter_feed(&e, STR("data: OPENROUTER NOTICE\n\n")), EMITTER_FED);
    CHECK_INT(e.events_dropped, EMITTER_BAD_EVENTS_MAX);
    CHECK_INT(emitter_feed(&e, STR("data: {\n\n")), EMITTER_BROKEN);
    CHECK_INT(c.got.len, 0);
    side_close(&c, &e);
}

TEST(emitter_mends_invalid_utf8_and_lone_surrogates)
{
    struct client_side c;
    struct emitter e;

    side_open(&c, &e, WIRE_OPENAI_CHAT, "");
    CHECK_INT(
        emitter_feed(&e, STR("data: {\"choices\":[{\"delta\":{\"content\":\"a\xff\"}}]}\n\n"
                             "data: {\"choices\":[{\"delta\":{\"content\":\"b\\ud83d\"}}]}\n\n")),
        EMITTER_FED);
    CHECK_STR(buf_str(&c.got),
              "data: {\"choices\":[{\"delta\":{\"content\":\"a\xef\xbf\xbd\"}}]}\n\n"
              "data: {\"choices\":[{\"delta\":{\"content\":\"b\\ufffd\"}}]}\n\n");
    side_close(&c, &e);
}

TEST(emitter_keeps_a_waiting_client_alive_and_still_changes_accounts)
{
    static const char *const signs[] = { ": keep-alive\n\n", ": keep-alive\n\n",
                                         "event: ping\ndata: {\"type\": \"ping\"}\n\n",
                                         ": keep-alive\n\n" };

    for (size_t i = 0; i < COUNT(streams); i++) {
        struct client_side c;
        struct emitter e;
        struct buf want;

        buf_init(&want, 1 << 16);
        side_open(&c, &e, streams[i].wire, "m-1");
        emitter_keep_alive(&e); /* before the head: nothing */
        CHECK_INT(c.got.len, 0);
        emitter_start_early(&e);
        CHECK(c.early);
        emitter_start_early(&e);
        CHECK_INT(c.starts, 1);
        emitter_keep_alive(&e);
        emitter_attempt(&e);
        CHECK(is_done(emitter_feed(&e, streams[i].text)));
        CHECK(emitter_finish(&e));
        emitter_keep_alive(&e); /* after the end: nothing */
        (void)(buf_add(&want, str_c(signs[i])) && buf_add(&want, str_c(signs[i])) &&
               buf_add(&want, streams[i].text));
        CHECK_STRS(buf_str(&c.got), buf_str(&want), "%s", streams[i].name);
        buf_clear(&want);
        side_close(&c, &e);
    }
}

TEST(emitter_serves_gemini_without_sse_as_one_json_array)
{
    for (size_t cut = 0; cut <= streams[3].text.len; cut++) {
        struct client_side c;
        struct emitter e;
        struct json doc;
        struct json_fault fault;

        side_open(&c, &e, WIRE_GEMINI, "m-1");
        e.o.json_array = true;
        CHECK_INT(emitter_feed(&e, str_take(streams[3].text, cut)), EMITTER_FED);
        if (cut == 250) /* the first element is there before the second exists */
            CHECK(str_starts(buf_str(&c.got), STR("[{\"candidates\"")));
        CHECK_INT(emitter_feed(&e, str_drop(streams[3].text, cut)), EMITTER_FED);
        CHECK(emitter_finish(&e));
        if (CHECK(json_parse(&doc, buf_str(&c.got), &(struct json_limits){ 0 }, &t->arena, &fault),
                  "cut at %zu", cut))
            CHECK_INT(doc.nodes[0].count, 3);
        side_close(&c, &e);
    }
}

TEST(emitter_puts_no_error_behind_an_end_that_the_client_has)
{
    for (int array = 0; array <= 1; array++) {
        struct client_side c;
        struct emitter e;

        side_open(&c, &e, WIRE_GEMINI, "m-1");
        e.o.json_array = array != 0;
        CHECK_INT(emitter_feed(&e, streams[3].text), EMITTER_FED);
        CHECK_INT(emitter_feed(&e, STR("data: {\"usageMetadata\":{")), EMITTER_FED);
        emitter_fail(&e, &(struct fault){ .class = FAULT_TIMEOUT, .message = STR("silent") });
        CHECK_INT(e.state, EMITTER_ENDED);
        CHECK(str_find(buf_str(&c.got), STR("error")) == SIZE_MAX, "%.*s",
              STR_ARG(buf_str(&c.got)));
        if (array) {
            struct json doc;

            CHECK(json_parse(&doc, buf_str(&c.got), NULL, &t->arena, NULL));
        } else {
            CHECK_STRS(buf_str(&c.got), streams[3].text, "nothing is added");
        }
        side_close(&c, &e);
    }
}

TEST(emitter_fails_a_json_array_as_its_last_element)
{
    struct client_side c;
    struct emitter e;
    struct json doc;
    struct json_fault fault;

    side_open(&c, &e, WIRE_GEMINI, "m-1");
    e.o.json_array = true;
    CHECK_INT(emitter_feed(&e, str_take(streams[3].text, 300)), EMITTER_FED);
    emitter_fail(&e, &(struct fault){ .class = FAULT_SERVER, .message = STR("cut") });
    CHECK(json_parse(&doc, buf_str(&c.got), &(struct json_limits){ 0 }, &t->arena, &fault));
    side_close(&c, &e);
}

TEST(emitter_says_when_the_client_is_full_and_when_an_event_is_too_large)
{
    struct client_side c;
    struct emitter e;
    char *big = arena_alloc(&t->arena, 1 << 21);

    side_open(&c, &e, WIRE_OPENAI_CHAT, "m-1");
    c.full = true;
    CHECK_INT(emitter_feed(&e, str_take(streams[0].text, 600)), EMITTER_FULL);
    memset(big, 'x', 1 << 21);
    memcpy(big, "data: ", 6);
    CHECK_INT(emitter_feed(&e, (struct str){ big, 1 << 21 }), EMITTER_BROKEN);
    side_close(&c, &e);
}

TEST(emitter_bounds_a_preamble_without_end)
{
    struct client_side c;
    struct emitter e;
    enum emitter_fed fed = EMITTER_FED;
    size_t fed_bytes = 0;
    struct str event =
        STR("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n");

    side_open(&c, &e, WIRE_OPENAI_CHAT, "");
    while (fed == EMITTER_FED && fed_bytes < 4 * EMITTER_HELD_MAX) {
        fed = emitter_feed(&e, event);
        fed_bytes += event.len;
    }
    CHECK_INT(fed, EMITTER_BROKEN);
    CHECK(fed_bytes <= EMITTER_HELD_MAX + event.len);
    side_close(&c, &e);
}
