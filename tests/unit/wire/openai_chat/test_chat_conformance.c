/* Conformance cases in which this protocol is the client's or the upstream's, by their ids. */
#include "chat_rig.h"

static struct wire_target target_of(enum wire wire, const char *model)
{
    struct wire_target target = chat_target(model);

    target.wire = wire;
    target.facts = model_facts_find(wire, target.model);
    return target;
}

static struct rewritten over(struct test *t, enum wire protocol, const char *body, enum wire wire,
                             const char *model)
{
    struct wire_target target = target_of(wire, model);

    return chat_rewrite(t, protocol, body, &target);
}

static bool has(struct str text, const char *what)
{
    return str_find(text, str_c(what)) != SIZE_MAX;
}
#define CHECK_HAS(text, what) \
    CHECK(has(text, what), "%s\n  in %.*s", what, (int)(text).len, (text).at)
#define CHECK_LACKS(text, what) \
    CHECK(!has(text, what), "%s\n  in %.*s", what, (int)(text).len, (text).at)

#define CHAT WIRE_OPENAI_CHAT
#define ANTHROPIC WIRE_ANTHROPIC
#define GEMINI WIRE_GEMINI
#define ASK(more) "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]" more "}"

TEST(C01_hi_over_anthropic)
{
    struct rewritten x = over(t, CHAT, ASK(""), ANTHROPIC, "claude-sonnet-4-5");

    CHECK_HAS(x.body, "\"max_tokens\":64000");
    CHECK_LACKS(x.body, "\"system\"");
    CHECK_HAS(x.body, "\"messages\":[{\"role\":\"user\",\"content\":");
    CHECK_STR(
        chat_answer(t, ANTHROPIC, &x.r,
                    "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":"
                    "\"claude\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n"
                    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
                    "{\"type\":\"text\",\"text\":\"\"}}\n"
                    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
                    "{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n"
                    "{\"type\":\"content_block_stop\",\"index\":0}\n"
                    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
                    "\"usage\":{\"output_tokens\":2}}\n"
                    "{\"type\":\"message_stop\"}",
                    true),
        "{\"id\":\"chatcmpl-r1\",\"object\":\"chat.completion\",\"created\":1700000000,"
        "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        "\"content\":\"Hello\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":"
        "\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3,"
        "\"prompt_tokens_details\":{\"cached_tokens\":0},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":0}}}");
}

TEST(C02_system_and_developer_over_anthropic)
{
    struct rewritten x =
        over(t, CHAT,
             "{\"model\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":"
             "\"developer\",\"content\":\"D\"},{\"role\":\"user\",\"content\":\"hi\"}]}",
             ANTHROPIC, "claude-sonnet-4-5");

    CHECK_HAS(x.body, "\"system\":[{\"type\":\"text\",\"text\":\"S\"},{\"type\":\"text\","
                      "\"text\":\"D\"}]");
}

TEST(C03_a_system_message_in_the_middle_over_gemini)
{
    struct rewritten x =
        over(t, CHAT,
             "{\"model\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":"
             "\"user\",\"content\":\"hi\"},{\"role\":\"system\",\"content\":\"M\"},{\"role\":"
             "\"user\",\"content\":\"on\"}]}",
             GEMINI, "gemini-3-pro");

    CHECK_HAS(x.body, "\"systemInstruction\":{\"parts\":[{\"text\":\"S\"}]}");
    CHECK_HAS(x.body,
              "{\"text\":\"hi\"},{\"text\":\"<system>\\nM\\n</system>\"},{\"text\":\"on\"}");
}

TEST(C04_the_limit_for_a_reasoning_model)
{
    struct rewritten x = over(t, ANTHROPIC, ASK(",\"max_tokens\":100"), CHAT, "gpt-5.2");

    CHECK_STR(x.body,
              "{\"model\":\"gpt-5.2\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
              "\"max_completion_tokens\":100}");
}

TEST(C07_C08_temperature_over_anthropic)
{
    struct rewritten x = over(t, CHAT, ASK(",\"temperature\":0.7"), ANTHROPIC, "claude-opus-5-5");

    CHECK_LACKS(x.body, "temperature");
    CHECK_STR(x.dropped, "temperature");
    x = over(t, CHAT, ASK(",\"temperature\":1.7"), ANTHROPIC, "claude-sonnet-4-5");
    CHECK_HAS(x.body, "\"temperature\":1}");
    CHECK_STR(x.dropped, "temperature~");
}

TEST(C09_two_choices_over_anthropic)
{
    struct rewritten x = over(t, CHAT, ASK(",\"n\":2"), ANTHROPIC, "claude-sonnet-4-5");

    CHECK(str_starts(x.complaint, STR("n: ")), "%.*s", STR_ARG(x.complaint));
}

TEST(C10_six_stop_sequences_over_gemini)
{
    struct rewritten x = over(t, CHAT, ASK(",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]"),
                              GEMINI, "gemini-3-pro");

    CHECK_HAS(x.body, "\"stopSequences\":[\"1\",\"2\",\"3\",\"4\",\"5\"]");
    CHECK_INT(x.out.stop_count, 1);
    CHECK_STR(x.out.stops[0].escaped, "6");
}

#define CALL(id, args)                                                                     \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":" \
    "\"" args "\"}}"
#define CALLED(calls) "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" calls "]}"
#define RESULT(id, text) "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" text "\"}"
#define TALK(messages)                                                                     \
    "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"go\"}," messages "]," \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}"

TEST(C11_C12_results_in_the_order_of_their_calls)
{
    const char *talk = TALK(CALLED(CALL("c1", "{}") "," CALL("c2", "{}")) "," RESULT(
        "c2", "two") "," RESULT("c1", "one"));
    struct rewritten x = over(t, CHAT, talk, ANTHROPIC, "claude-sonnet-4-5");
    size_t first = str_find(x.body, STR("\"tool_use_id\":\"c1\"")),
           second = str_find(x.body, STR("\"tool_use_id\":\"c2\""));

    CHECK(first < second && second != SIZE_MAX, "%.*s", STR_ARG(x.body));
    x = over(t, CHAT, talk, GEMINI, "gemini-3-pro");
    CHECK_HAS(x.body,
              "{\"functionResponse\":{\"id\":\"c1\",\"name\":\"f\",\"response\":{\"output\":"
              "\"one\"}}},{\"functionResponse\":{\"id\":\"c2\",\"name\":\"f\",\"response\":"
              "{\"output\":\"two\"}}}");
    x = over(t, CHAT, talk, CHAT, "gpt-4o");
    CHECK_HAS(x.body, RESULT("c1", "one") "," RESULT("c2", "two"));
}

TEST(C13_a_result_is_missing)
{
    struct rewritten x = over(t, CHAT,
                              TALK(CALLED(CALL("c1", "{}")) ",{\"role\":\"user\",\"content\":"
                                                            "\"well?\"}"),
                              ANTHROPIC, "claude-sonnet-4-5");

    CHECK_HAS(x.body, "[no result]");
    CHECK_HAS(x.body, "\"is_error\":true");
    CHECK_STR(x.dropped, "messages[1].tool_calls[0]~");
}

TEST(C14_the_last_call_is_not_answered)
{
    struct rewritten x =
        over(t, CHAT, TALK(CALLED(CALL("c1", "{}"))), ANTHROPIC, "claude-sonnet-4-5");

    CHECK(str_starts(x.complaint, STR("messages: ")), "%.*s", STR_ARG(x.complaint));
}

#define USES(uses) "{\"role\":\"assistant\",\"content\":[" uses "]}"
#define USE(id) "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"f\",\"input\":{}}"

TEST(C15_pictures_in_results_follow_the_group)
{
    struct rewritten x =
        over(t, ANTHROPIC,
             "{\"model\":\"a\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
             "\"go\"}," USES(USE("a1") "," USE(
                 "a2")) ",{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                        "\"tool_use_id\":\"a1\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},{"
                        "\"type\":"
                        "\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/"
                        "png\",\"data\":\"AAAA\"}}"
                        "]},{\"type\":\"tool_result\",\"tool_use_id\":\"a2\",\"is_error\":true,"
                        "\"content\":\"no\"},"
                        "{\"type\":\"text\",\"text\":\"and?\"}]}],\"tools\":[{\"name\":\"f\","
                        "\"input_schema\":"
                        "{\"type\":\"object\",\"properties\":{}}}]}",
             CHAT, "gpt-4o");

    CHECK_HAS(x.body,
              "{\"role\":\"tool\",\"tool_call_id\":\"a1\",\"content\":\"see\\n[image 1 attached "
              "below]\"},{\"role\":\"tool\",\"tool_call_id\":\"a2\",\"content\":\"Error: no\"},"
              "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
              "\"data:image/png;base64,AAAA\"}},{\"type\":\"text\",\"text\":\"and?\"}]}");
}

TEST(C19_ids_fit)
{
    static const char talk[] =
        "{\"model\":\"a\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"go\"}"
        "," USES(USE("%s")) ",{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                            "\"tool_use_id\":\"%s\",\"content\":\"ok\"}]}],\"tools\":[{\"name\":"
                            "\"f\",\"input_schema\":"
                            "{\"type\":\"object\"}}]}";
    static const struct {
        const char *id;
        bool kept;
    } ids[] = {
        { "toolu_01ABCDEFGHIJKLMNOPQRSTUVW", true },
        { "toolu_0123456789012345678901234567890123456789012345678901234567890123", false },
    };

    for (size_t i = 0; i < COUNT(ids); i++) {
        struct rewritten x = over(
            t, ANTHROPIC, arena_printf(&t->arena, talk, ids[i].id, ids[i].id).at, CHAT, "gpt-4o");
        size_t at = str_find(x.body, STR("\"tool_call_id\":\""));
        struct str id, rest, call;

        if (!CHECK(at != SIZE_MAX, "%.*s", STR_ARG(x.complaint)))
            continue;
        (void)str_cut(str_drop(x.body, at + 16), '"', &id, &rest);
        CHECK_INT(id.len, ids[i].kept ? strlen(ids[i].id) : 27);
        call = arena_printf(&t->arena, "\"tool_calls\":[{\"id\":\"%.*s\",", STR_ARG(id));
        CHECK_HAS(x.body, call.at);
    }
}

#define TWO_CALLS                                                                               \
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":" \
    "\"get_weather\",\"args\":{\"city\":\"Oslo\"}},\"thoughtSignature\":\"Q2dB\"},"             \
    "{\"functionCall\":{\"name\":\"get_time\",\"args\":{}}}]},\"finishReason\":\"STOP\","       \
    "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":40,\"candidatesTokenCount\":12,"     \
    "\"thoughtsTokenCount\":8,\"totalTokenCount\":60},\"modelVersion\":\"gemini-3.8-flash\","   \
    "\"responseId\":\"abc\"}"

TEST(C20_calls_of_gemini_without_ids)
{
    struct canon_request r = { .protocol = CHAT, .stream = true };
    struct str got = chat_answer(t, GEMINI, &r, TWO_CALLS, false);
    size_t one = str_find(got, STR("{\"index\":0,\"id\":\"")),
           two = str_find(got, STR("{\"index\":1,\"id\":\""));
    struct str first, second, rest;

    if (!CHECK(one != SIZE_MAX && two != SIZE_MAX, "%.*s", (int)got.len, got.at))
        return;
    (void)str_cut(str_drop(got, one + 17), '"', &first, &rest);
    (void)str_cut(str_drop(got, two + 17), '"', &second, &rest);
    CHECK(first.len > 0 && second.len > 0 && !str_eq(first, second));
    CHECK_HAS(got, "\"finish_reason\":\"tool_calls\"");
    CHECK_HAS(got, "\"extra_content\":{\"google\":{\"thought_signature\":\"Q2dB\"}}");
    CHECK_HAS(got, "{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"}}");
    /* the same in one piece, with the same ids */
    struct str whole = chat_answer(t, GEMINI, &r, TWO_CALLS, true);

    CHECK_HAS(whole, arena_printf(&t->arena,
                                  "{\"id\":\"%.*s\",\"type\":\"function\",\"function\":"
                                  "{\"name\":\"get_weather\",\"arguments\":"
                                  "\"{\\\"city\\\":\\\"Oslo\\\"}\"},\"extra_content\":"
                                  "{\"google\":{\"thought_signature\":\"Q2dB\"}}}",
                                  STR_ARG(first))
                         .at);
    CHECK_HAS(whole, "\"content\":null");
}

#define LONG_NAME                                                                \
    "a_tool_with_a_name_that_is_much_longer_than_the_sixty_four_bytes_that_are_" \
    "taken"

TEST(C21_names_fit_and_come_back)
{
    static const char *const names[] = { "my.tool/x", LONG_NAME };

    for (size_t i = 0; i < COUNT(names); i++) {
        struct str body = arena_printf(&t->arena,
                                       "{\"model\":\"a\",\"messages\":[{\"role\":\"user\","
                                       "\"content\":\"hi\"}],\"tools\":[{\"type\":\"function\","
                                       "\"function\":{\"name\":\"%s\"}}]}",
                                       names[i]);
        struct rewritten x = over(t, CHAT, body.at, CHAT, "gpt-4o");
        size_t at = str_find(x.body, STR("\"function\":{\"name\":\""));
        struct str wire, rest;

        (void)str_cut(str_drop(x.body, at + 20), '"', &wire, &rest);
        CHECK(wire.len <= 64 && !has(wire, ".") && !has(wire, "/"), "%.*s", STR_ARG(wire));
        CHECK_STR(names_to_client(&x.out.names, wire, NULL), names[i]);
    }
}

TEST(C26_arguments_that_are_no_object)
{
    static const struct {
        const char *text, *input;
    } cases[] = {
        { "", "{}" },
        { " ", "{}" },
        { "not json", "{\"_raw\":\"not json\"}" },
        { "[1]", "{\"_raw\":\"[1]\"}" },
        { "{\\\"a\\\":1.0}", "{\"a\":1.0}" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str talk = arena_printf(
            &t->arena, TALK(CALLED(CALL("c1", "%s")) "," RESULT("c1", "ok")), cases[i].text);
        struct rewritten x = over(t, CHAT, talk.at, ANTHROPIC, "claude-sonnet-4-5");

        CHECK_HAS(x.body, arena_printf(&t->arena, "\"input\":%s}", cases[i].input).at);
    }
}

TEST(C27_digits_stay)
{
    struct rewritten x = over(
        t, ANTHROPIC,
        "{\"model\":\"a\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"go\"},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\","
        "\"input\":{\"n\":9223372036854775809,\"x\":1.0,\"y\":1e400}}]},{\"role\":\"user\","
        "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c1\",\"content\":\"ok\"}]}],"
        "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}]}",
        CHAT, "gpt-4o");

    CHECK_HAS(x.body, "\"arguments\":\"{\\\"n\\\":9223372036854775809,\\\"x\\\":1.0,\\\"y\\\":"
                      "1e400}\"");
    x = over(t, CHAT, x.body.at, ANTHROPIC, "claude-sonnet-4-5");
    CHECK_HAS(x.body, "\"input\":{\"n\":9223372036854775809,\"x\":1.0,\"y\":1e400}");
}

#define PIECE(index, more) "{\"index\":" index "," more "}"
#define ARGS(text) "\"function\":{\"arguments\":\"" text "\"}"
#define NAMED(id, name, text)                                                \
    "\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name \
    "\",\"arguments\":\"" text "\"}"
#define CHUNK(delta, reason)                                                       \
    "{\"id\":\"up\",\"model\":\"gpt\",\"choices\":[{\"index\":0,\"delta\":{" delta \
    "},\"finish_reason\":" reason "}]}\n"
#define CALLS(pieces) CHUNK("\"tool_calls\":[" pieces "]", "null")

/* The blocks of an answer in words: `f({"a":1}) g({})`, with the finish behind. */
static struct str blocks(struct test *t, const char *events)
{
    struct canon_request r = { .protocol = CHAT, .stream = true };
    struct str whole = chat_answer(t, CHAT, &r, events, true);

    return whole;
}

static struct str calls_of(struct str whole)
{
    size_t at = str_find(whole, STR("\"tool_calls\":"));
    size_t end = str_find(whole, STR(",\"logprobs\""));

    return at == SIZE_MAX || end == SIZE_MAX ? whole : str_drop(str_take(whole, end - 1), at);
}

TEST(C37_interleaved_fragments)
{
    struct canon_request r = { .protocol = ANTHROPIC, .stream = true };
    const char *events = CALLS(PIECE("0", NAMED("c1", "f", "{\\\"a\\\":")))
        CALLS(PIECE("1", NAMED("c2", "g", "{\\\"b\\\":"))) CALLS(PIECE("0", ARGS("1}")))
            CALLS(PIECE("1", ARGS("2}"))) CHUNK("", "\"tool_calls\"") "[DONE]";
    struct str got = chat_answer(t, CHAT, &r, events, false);
    size_t one = str_find(got, STR("\"name\":\"f\"")), two = str_find(got, STR("\"name\":\"g\""));

    CHECK(one < two && two != SIZE_MAX);
    CHECK_LACKS(str_drop(got, two), "{\\\"a\\\":");
    CHECK_HAS(str_drop(got, two), "\"partial_json\":\"{\\\"b\\\":\"");
    CHECK_HAS(str_drop(got, two), "\"partial_json\":\"2}\"");
    CHECK_STR(
        calls_of(blocks(t, events)),
        "\"tool_calls\":[" CALL("c1", "{\\\"a\\\":1}") ",{\"id\":"
                                                       "\"c2\",\"type\":\"function\",\"function\":{"
                                                       "\"name\":\"g\",\"arguments\":"
                                                       "\"{\\\"b\\\":2}\"}}]");
}

TEST(C38_a_call_in_one_chunk_with_everything_repeated)
{
    static const char *const streams[] = {
        CALLS("{" NAMED("c1", "f", "{\\\"a\\\":1}") "}") CHUNK("", "\"stop\""),
        CALLS("{" NAMED("c1", "f", "{\\\"a\\\":") "}") CALLS("{" NAMED("c1", "f", "1}") "}")
            CHUNK("", "\"tool_calls\"") "[DONE]",
        CALLS(PIECE("0", NAMED("c1", "f", ""))) CALLS(PIECE("0", NAMED("", "", "{\\\"a\\\":1}")))
            CHUNK("", "\"tool_calls\"") "[DONE]",
        CALLS(PIECE("0", NAMED("c1", "f", ""))) CALLS(PIECE("0", NAMED("c9", "", "{\\\"a\\\":1}")))
            CHUNK("", "\"tool_calls\"") "[DONE]",
        CALLS("{" NAMED("c1", "f", "") "}") CALLS("{" ARGS("{\\\"a\\\":1}") "}")
            CHUNK("", "\"tool_calls\"") "[DONE]",
    };

    for (size_t i = 0; i < COUNT(streams); i++)
        CHECK_STR(calls_of(blocks(t, streams[i])),
                  "\"tool_calls\":[" CALL("c1", "{\\\"a\\\":1}") "]", "stream %zu", i);
}

TEST(C39_no_terminator)
{
    struct canon_request r = { .protocol = CHAT, .stream = true };

    CHECK(str_ends(
        chat_answer(t, CHAT, &r, CHUNK("\"content\":\"x\"", "null") CHUNK("", "\"stop\""), false),
        STR("data: [DONE]\n\n")));
    CHECK(str_ends(chat_answer(t, CHAT, &r, CHUNK("\"content\":\"x\"", "null"), false),
                   STR("BROKEN")));
}

TEST(C43_a_prompt_that_gemini_blocks)
{
    struct canon_request r = { .protocol = CHAT, .stream = true };

    CHECK_HAS(chat_answer(t, GEMINI, &r,
                          "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"responseId\":\"a\"}",
                          false),
              "\"finish_reason\":\"content_filter\"");
}

TEST(C44_usage_of_anthropic)
{
    struct canon_request r = { .protocol = CHAT };

    CHECK_HAS(chat_answer(
                  t, ANTHROPIC, &r,
                  "{\"type\":\"message_start\",\"message\":{\"id\":\"a\",\"usage\":{"
                  "\"input_tokens\":10,\"cache_read_input_tokens\":90,"
                  "\"cache_creation_input_tokens\":5,\"output_tokens\":1}}}\n"
                  "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":"
                  "{\"output_tokens\":7,\"output_tokens_details\":{\"thinking_tokens\":3}}}\n"
                  "{\"type\":\"message_stop\"}",
                  true),
              "\"usage\":{\"prompt_tokens\":105,\"completion_tokens\":7,\"total_tokens\":112,"
              "\"prompt_tokens_details\":{\"cached_tokens\":90,\"cache_write_tokens\":5},"
              "\"completion_tokens_details\":{\"reasoning_tokens\":3}}");
}

TEST(C46_usage_is_asked_for_but_not_shown)
{
    struct wire_target target = chat_target("gpt-4o");
    struct rewritten x;

    target.stream = true;
    x = chat_rewrite(t, CHAT, ASK(",\"stream\":true"), &target);
    CHECK_HAS(x.body, "\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    CHECK_LACKS(chat_answer(t, CHAT, &x.r,
                            CHUNK("\"content\":\"x\"",
                                  "\"stop\"") "{\"id\":\"up\",\"choices\":[],\"usage\":{\"prompt_"
                                              "tokens\":1}}\n[DONE]",
                            false),
                "usage");
    target.lacks.stream_options = true;
    x = chat_rewrite(t, CHAT, ASK(",\"stream\":true"), &target);
    CHECK_LACKS(x.body, "stream_options");
}

#define MERGED                                                                                     \
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Let me see.\","   \
    "\"refusal\":null,\"tool_calls\":[" CALL("c1", "{}") "]},\"logprobs\":null,\"finish_reason\":" \
                                                         "\"tool_calls\"}]"

TEST(C59_one_answer_in_two_choices)
{
    struct canon_request r = { .protocol = CHAT };

    CHECK_HAS(
        chat_answer(
            t, CHAT, &r,
            "{\"id\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n"
            "{\"id\":\"\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Let me see.\"}}]}\n"
            "{\"id\":\"\",\"choices\":[{\"index\":1,\"delta\":{\"tool_calls\":[{\"index\":0,"
            "\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
            "\"{}\"}}]}}]}\n"
            "{\"id\":\"\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"},"
            "{\"index\":1,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n[DONE]",
            true),
        MERGED);
    CHECK_HAS(chat_answer_of(t, CHAT, &r, UPSTREAM_WHOLE,
                             "{\"id\":\"x\",\"choices\":[{\"message\":{\"role\":\"assistant\","
                             "\"content\":\"Let me see.\"},\"finish_reason\":\"tool_calls\"},"
                             "{\"message\":{\"role\":\"assistant\",\"content\":null,"
                             "\"tool_calls\":[" CALL("c1", "{}") "]},\"finish_reason\":"
                                                                 "\"tool_calls\"}]}",
                             true, false),
              MERGED);
}
