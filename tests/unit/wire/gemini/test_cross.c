/* What clients of other protocols read of Gemini's answers, and Gemini clients of others'. */
#include "rig.h"

static const char *const calls =
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":"
    "\"get_weather\","
    "\"args\":{\"city\":\"Oslo\"}},\"thoughtSignature\":\"Q2dB\"},{\"functionCall\":{\"name\":"
    "\"get_time\","
    "\"args\":{}}}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{"
    "\"promptTokenCount\":40,"
    "\"candidatesTokenCount\":12,\"thoughtsTokenCount\":8,\"totalTokenCount\":60},\"modelVersion\":"
    "\"gemini-3.8-flash\",\"responseId\":\"abc\"}";

static const char *const blocked =
    "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":5,"
    "\"totalTokenCount\":5}}";

static bool says(struct str text, const char *what)
{
    return str_find(text, str_c(what)) != SIZE_MAX;
}

static struct str read_by(struct test *t, enum wire protocol, const char *chunk)
{
    enum translation last;
    struct str text = rig_answer(t, WIRE_GEMINI, protocol, &chunk, 1, false, false, &last);

    CHECK_INT(last, TRANSLATION_END);
    return text;
}

TEST(C20_calls_without_ids_have_two_that_stay_the_same_for_a_chat_client)
{
    struct str text = read_by(t, WIRE_OPENAI_CHAT, calls);

    CHECK(says(text, "{\"index\":0,\"id\":\"call_26c5d452_0\",\"type\":\"function\""), "%.*s",
          STR_ARG(text));
    CHECK(says(text, "{\"index\":1,\"id\":\"call_26c5d452_1\",\"type\":\"function\""));
    CHECK(says(text, "\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\""));
    CHECK(says(text, "\"thought_signature\":\"Q2dB\""));
    CHECK(says(text, "\"finish_reason\":\"tool_calls\""));
    CHECK_STRS(read_by(t, WIRE_OPENAI_CHAT, calls), text, "the same each time");
}

TEST(whole_calls_as_in_the_reference_for_an_anthropic_client)
{
    struct str text = read_by(t, WIRE_ANTHROPIC, calls);

    CHECK(says(text, "\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\""));
    CHECK(says(text, "\"signature\":\"gw1.goo.UTJkQg\""));
    CHECK(says(text,
               "\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"call_26c5d452_0\","
               "\"name\":\"get_weather\",\"input\":{}}"));
    CHECK(says(text,
               "\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"call_26c5d452_1\""));
    CHECK(says(text, "\"stop_reason\":\"tool_use\""));
    CHECK(says(text, "\"output_tokens\":20"));
}

TEST(C43_a_blocked_prompt_is_a_filter_and_a_refusal)
{
    CHECK(says(read_by(t, WIRE_OPENAI_CHAT, blocked), "\"finish_reason\":\"content_filter\""));
    CHECK(says(read_by(t, WIRE_ANTHROPIC, blocked), "\"stop_reason\":\"refusal\""));
    CHECK(says(read_by(t, WIRE_OPENAI_RESPONSES, blocked),
               "\"incomplete_details\":{\"reason\":\"content_filter\"}"));
    CHECK(says(read_by(t, WIRE_GEMINI, blocked), "\"finishReason\":\"SAFETY\""));
}

TEST(C45_usage_of_gemini_in_anthropics_arithmetic)
{
    struct str text = read_by(
        t, WIRE_ANTHROPIC,
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]},\"finishReason\":\"STOP\"}],"
        "\"usageMetadata\":{\"promptTokenCount\":100,\"cachedContentTokenCount\":60,"
        "\"candidatesTokenCount\":5,\"thoughtsTokenCount\":20,\"toolUsePromptTokenCount\":4,"
        "\"totalTokenCount\":129}}");
    size_t delta = str_find(text, STR("event: message_delta"));
    struct str last = str_drop(text, delta);

    CHECK(says(last, "\"input_tokens\":44"), "%.*s", STR_ARG(last));
    CHECK(says(last, "\"cache_read_input_tokens\":60"));
    CHECK(says(last, "\"output_tokens\":25"));
}

/* One conversation step: what Gemini said goes to a client, and comes back with a result. */
TEST(a_signature_comes_back_from_an_anthropic_client_to_its_call)
{
    static const struct rig_target target = { WIRE_GEMINI, "gemini-3-flash" };
    struct str lost;
    struct str body = rig_request(
        t, WIRE_ANTHROPIC,
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"\","
        "\"signature\":"
        "\"gw1.goo.UTJkQg\"},{\"type\":\"tool_use\",\"id\":\"call_26c5d452_0\",\"name\":\"get_"
        "weather\","
        "\"input\":{\"city\":\"Oslo\"}},{\"type\":\"tool_use\",\"id\":\"call_26c5d452_1\",\"name\":"
        "\"get_time\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
        "\"tool_use_id\":\"call_26c5d452_1\",\"content\":\"noon\"},{\"type\":\"tool_result\","
        "\"tool_use_id\":\"call_26c5d452_0\",\"content\":\"rain\"}]}]}",
        &target, &lost);

    CHECK(
        says(
            body,
            "\"name\":\"get_weather\",\"args\":{\"city\":\"Oslo\"}},\"thoughtSignature\":\"Q2dB\"},"
            "{\"functionCall\":{\"id\":\"call_26c5d452_1\",\"name\":\"get_time\",\"args\":{}}}"),
        "%.*s", STR_ARG(body));
    CHECK(says(body, "\"name\":\"get_weather\",\"response\":{\"output\":\"rain\"}}},"
                     "{\"functionResponse\":{\"id\":\"call_26c5d452_1\",\"name\":\"get_time\","
                     "\"response\":{\"output\":\"noon\"}}}"));
    CHECK(!says(body, "skip_thought_signature_validator"));
}

TEST(thinking_of_claude_comes_back_from_a_gemini_client_as_it_was)
{
    static const struct rig_target target = { WIRE_ANTHROPIC, "claude-opus-4-5" };
    struct str lost;
    struct str body = rig_request(t, WIRE_GEMINI,
                                  "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]},{\"role\":"
                                  "\"model\",\"parts\":[{\"text\":\"Let me \","
                                  "\"thought\":true},{\"text\":\"see.\",\"thought\":true},{"
                                  "\"text\":\"42\",\"thoughtSignature\":"
                                  "\"Z3cxLmFudC5SWEZSUWc=\"}]},{\"parts\":[{\"text\":\"so?\"}]}]}",
                                  &target, &lost);

    CHECK(says(body, "{\"type\":\"thinking\",\"thinking\":\"Let me see.\",\"signature\":\"EqQB\"}"),
          "%.*s", STR_ARG(body));
}

/* Encrypted thinking in front of thinking that is shown: each keeps its own signature, streamed and
 * whole. */
TEST(a_signature_comes_before_the_thought_behind_it)
{
    static const char *const events[] = {
        "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
        "\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
        "\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}",
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
        "\"redacted_thinking\",\"data\":\"RWdh\"}}",
        "{\"type\":\"content_block_stop\",\"index\":0}",
        "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"thinking\","
        "\"thinking\":\"\",\"signature\":\"\"}}",
        "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"thinking_delta\","
        "\"thinking\":\"hm\"}}",
        "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"signature_delta\","
        "\"signature\":\"EqQB\"}}",
        "{\"type\":\"content_block_stop\",\"index\":1}",
        "{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"text\","
        "\"text\":\"\"}}",
        "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"text_delta\","
        "\"text\":\"42\"}}",
        "{\"type\":\"content_block_stop\",\"index\":2}",
        "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":"
        "null},"
        "\"usage\":{\"output_tokens\":3}}",
        "{\"type\":\"message_stop\"}",
    };
    enum translation last;
    struct str text =
        rig_answer(t, WIRE_ANTHROPIC, WIRE_GEMINI, events, COUNT(events), false, true, &last);
    size_t sealed = str_find(text, STR("{\"text\":\"\",\"thoughtSignature\":\"Z3cx"));
    size_t thought = str_find(text, STR("{\"text\":\"hm\",\"thought\":true}"));
    size_t said = str_find(text, STR("{\"text\":\"42\",\"thoughtSignature\":\"Z3cx"));

    CHECK_INT(last, TRANSLATION_END);
    CHECK(sealed < thought && thought < said && said != SIZE_MAX, "%.*s", STR_ARG(text));
}

TEST(a_signature_that_goes_nowhere_is_named)
{
    static const struct rig_target targets[] = { { WIRE_OPENAI_CHAT, "gpt-5" },
                                                 { WIRE_OPENAI_RESPONSES, "gpt-5" },
                                                 { WIRE_ANTHROPIC, "claude-opus-4-5" } };

    for (size_t i = 0; i < COUNT(targets); i++) {
        struct str lost;
        struct str body = rig_request(
            t, WIRE_GEMINI,
            "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]},{\"role\":\"model\",\"parts\":["
            "{\"text\":\"42\",\"thoughtSignature\":\"Q2dB\"},{\"functionCall\":{\"id\":\"c\","
            "\"name\":\"f\",\"args\":{}},\"thoughtSignature\":\"Q2dC\"}]},{\"parts\":[{"
            "\"functionResponse\":{\"id\":\"c\",\"name\":\"f\",\"response\":{\"output\":\"o\"}}}]"
            "}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"generationConfig\":{"
            "\"maxOutputTokens\":99}}",
            &targets[i], &lost);

        CHECK(says(body, "42"), "%.*s", STR_ARG(body));
        CHECK_STR(lost, "contents[1].parts[0].thoughtSignature,"
                        "contents[1].parts[1].thoughtSignature");
    }
}

/* The JavaScript SDK keeps each chunk of a stream as a content of its own. */
TEST(a_thought_in_several_contents_is_one)
{
    static const struct rig_target target = { WIRE_ANTHROPIC, "claude-opus-4-5" };
    struct str lost;
    struct str body = rig_request(
        t, WIRE_GEMINI,
        "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]},{\"role\":\"model\",\"parts\":[{\"text\":"
        "\"Let me \",\"thought\":true}]},{\"role\":\"model\",\"parts\":[{\"text\":\"see.\","
        "\"thought\":true}]},{\"role\":\"model\",\"parts\":[{\"text\":\"42\",\"thoughtSignature\":"
        "\"Z3cxLmFudC5SWEZSUWc=\"}]},{\"parts\":[{\"text\":\"so?\"}]}]}",
        &target, &lost);

    CHECK(says(body,
               "\"content\":[{\"type\":\"thinking\",\"thinking\":\"Let me see.\",\"signature\":"
               "\"EqQB\"},{\"type\":\"text\",\"text\":\"42\"}]"),
          "%.*s", STR_ARG(body));
    CHECK_STR(lost, "");
}

/* C10: five stop sequences are Gemini's, the sixth is watched for. */
TEST(C10_more_stop_sequences_than_gemini_takes)
{
    static const char *const body = "{\"model\":\"m\",\"stop\":[\"a\",\"b\",\"c\",\"d\"],"
                                    "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    static const char *const six = "{\"model\":\"m\",\"max_tokens\":9,\"stop_sequences\":[\"a\","
                                   "\"b\",\"c\",\"d\",\"e\",\"f\"],"
                                   "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    static const struct rig_target target = { WIRE_GEMINI, "gemini-3-flash" };
    struct str lost;

    CHECK(says(rig_request(t, WIRE_OPENAI_CHAT, body, &target, &lost),
               "\"stopSequences\":[\"a\",\"b\",\"c\",\"d\"]"));
    CHECK(says(rig_request(t, WIRE_ANTHROPIC, six, &target, &lost),
               "\"stopSequences\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"));
    CHECK_STR(lost, "", "all are kept to");
}
