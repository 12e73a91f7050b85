/* tests/unit/wire/test_conformance.c - conformance cases of docs/protocols/cases.md that concern
 * requests and answers alone, by their ids; others stand with their protocols. */
#include "translation_rig.h"

#include "test.h"

#define CHAT WIRE_OPENAI_CHAT
#define RESPONSES WIRE_OPENAI_RESPONSES
#define ANTHROPIC WIRE_ANTHROPIC
#define GEMINI WIRE_GEMINI

static bool has(struct str text, const char *what)
{
    return str_find(text, str_c(what)) != SIZE_MAX;
}
#define CHECK_HAS(text, what) \
    CHECK(has(text, what), "%s\n  in %.*s", what, (int)(text).len, (text).at)
#define CHECK_LACKS(text, what) \
    CHECK(!has(text, what), "%s\n  in %.*s", what, (int)(text).len, (text).at)

static size_t times(struct str text, struct str what)
{
    size_t n = 0, at;

    while ((at = str_find(text, what)) != SIZE_MAX) {
        text = str_drop(text, at + what.len);
        n++;
    }
    return n;
}

/* A client's request as the model's own service gets it. */
static struct rig_request asked(struct test *t, enum wire protocol, const char *body,
                                enum wire wire, const char *model)
{
    struct wire_target target = rig_target(wire, model);
    struct rig_request q;

    rig_write(protocol, str_c(body), &target, &t->arena, &q);
    CHECK(q.written, "%.*s: %.*s", STR_ARG(q.why.param), STR_ARG(q.why.message));
    return q;
}

/* What the client of a plain request gets for these bytes. */
static struct rig_answer answered(struct test *t, enum wire protocol, enum wire wire,
                                  const char *bytes)
{
    struct rig_request q;
    struct rig_answer answer;
    struct seen_stream seen;

    rig_read(protocol, rig_ask(protocol), &t->arena, &q);
    struct rig_options o = { .wire = wire, .asked = &q };
    struct grammar_options grammar = rig_grammar(&o);

    rig_feed(&o, str_c(bytes), &t->arena, &answer);
    const char *broken = stream_breaks(&grammar, answer.bytes, &t->arena, &seen);

    CHECK(broken == NULL, "%s\n%.*s", broken, (int)answer.bytes.len, answer.bytes.at);
    return answer;
}

/* --- requests ---------------------------------------------------------------------------------*/

TEST(a_thread_that_only_anthropic_keeps_is_refused_with_the_code_its_sdk_goes_on_from)
{
    for (enum wire wire = 0; wire < WIRES; wire++) {
        struct wire_target target = rig_target(wire, rig_model(wire));
        struct rig_request q;

        rig_write(ANTHROPIC,
                  STR("{\"model\":\"a\",\"max_tokens\":100,\"thread\":{\"type\":\"create\"},"
                      "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"),
                  &target, &t->arena, &q);
        CHECK_INT(q.written, wire == ANTHROPIC, "%s", wire_name(wire).at);
        if (wire != ANTHROPIC) {
            CHECK_STR(q.why.param, "thread");
            CHECK_STR(q.why.code, "thread_unsupported_request");
        }
    }
}

TEST(C05_codex_backend_gets_what_it_takes)
{
    struct wire_target target = rig_target(RESPONSES, "gpt-5.2-codex");
    struct rig_request q;

    target.dialect = DIALECT_CODEX;
    rig_write(ANTHROPIC,
              STR("{\"model\":\"a\",\"max_tokens\":100,\"temperature\":1,\"messages\":[{\"role\":"
                  "\"user\",\"content\":\"hi\"}]}"),
              &target, &t->arena, &q);
    CHECK(q.written);
    CHECK_LACKS(q.body, "max_output_tokens");
    CHECK_LACKS(q.body, "temperature");
    CHECK_HAS(q.body, "\"store\":false");
    CHECK_HAS(q.body, "\"stream\":true");
    CHECK_HAS(q.body, "\"instructions\":\"\"");
    CHECK_HAS(q.body, "\"include\":[\"reasoning.encrypted_content\"]");
    CHECK_STR(q.losses, "max_tokens,temperature");
}

#define CALLED_BY_CLAUDE(result)                                                                \
    "{\"model\":\"a\",\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}," \
    "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":"  \
    "\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","          \
    "\"tool_use_id\":\"toolu_1\"," result "}]}],\"tools\":[{\"name\":\"f\",\"input_schema\":{"  \
    "\"type\":\"object\"}}]}"

TEST(C16_a_failed_result_over_gemini)
{
    struct rig_request q =
        asked(t, ANTHROPIC, CALLED_BY_CLAUDE("\"is_error\":true,\"content\":\"no such city\""),
              GEMINI, "gemini-3-pro");

    CHECK_HAS(q.body, "\"response\":{\"error\":\"no such city\"}");
}

TEST(C17_a_result_with_an_image_over_anthropic)
{
    struct rig_request q = asked(
        t, RESPONSES,
        "{\"model\":\"a\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},{\"type\":\"function_"
        "call\",\"call_id\":\"call_1\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"function_"
        "call_output\",\"call_id\":\"call_1\",\"output\":[{\"type\":\"input_text\",\"text\":"
        "\"see\"},{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,iVBO\"}]}]}",
        ANTHROPIC, "claude-sonnet-4-5");

    CHECK_HAS(q.body,
              "{\"type\":\"tool_result\",\"tool_use_id\":\"call_1\",\"content\":[{\"type\":"
              "\"text\",\"text\":\"see\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\","
              "\"media_type\":\"image/png\",\"data\":\"iVBO\"}}]}");
}

TEST(C18_results_of_two_calls_of_one_name_without_ids)
{
    struct rig_request q = asked(
        t, GEMINI,
        "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role\":\"model\","
        "\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"n\":1}}},{\"functionCall\":{"
        "\"name\":\"f\",\"args\":{\"n\":2}}}]},{\"role\":\"user\",\"parts\":[{"
        "\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"one\"}}},{"
        "\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"two\"}}}]}]}",
        ANTHROPIC, "claude-sonnet-4-5");
    struct json doc;
    struct str ids[4];
    size_t count = 0;

    CHECK(json_parse(&doc, q.body, NULL, &t->arena, NULL));
    for (uint32_t n = 0; n + 1 < doc.count && count < 4; n++)
        if (json_type(&doc, n) == JSON_STRING && json_type(&doc, n + 1) == JSON_STRING &&
            (json_says(&doc, n, STR("id")) || json_says(&doc, n, STR("tool_use_id"))))
            ids[count++] = json_inside(&doc, n + 1);
    if (!CHECK_INT(count, 4))
        return;
    CHECK(!str_eq(ids[0], ids[1]), "%.*s", STR_ARG(q.body));
    CHECK(str_eq(ids[0], ids[2]) && str_eq(ids[1], ids[3]), "%.*s", STR_ARG(q.body));
    CHECK(str_find(q.body, STR("one")) < str_find(q.body, STR("two")));
}

#define TOOL_OF(schema)                                                                   \
    "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{" \
    "\"type\":\"function\",\"function\":{\"name\":\"f\"" schema "}}]}"

/* The OpenAPI form, for a server that knows no other. */
static struct rig_request in_openapi(struct test *t, const char *body)
{
    struct wire_target target = rig_target(GEMINI, "gemini-3-pro");
    struct rig_request q;

    target.lacks.json_schema_parameters = true;
    rig_write(CHAT, str_c(body), &target, &t->arena, &q);
    CHECK(q.written);
    return q;
}

TEST(C22_a_recursive_schema_ends)
{
    struct rig_request q = in_openapi(
        t, TOOL_OF(",\"parameters\":{\"type\":\"object\",\"properties\":{\"n\":{\"$ref\":"
                   "\"#/$defs/node\"}},\"$defs\":{\"node\":{\"type\":\"object\",\"properties\":{"
                   "\"next\":{\"$ref\":\"#/$defs/node\"},\"v\":{\"type\":\"string\"}}}}}"));

    CHECK_LACKS(q.body, "$ref");
    CHECK_LACKS(q.body, "$defs");
    CHECK_HAS(q.body, "\"n\":{\"type\":\"OBJECT\",\"properties\":{\"next\":{\"type\":\"OBJECT\"");
    CHECK_HAS(q.body, "\"v\":{\"type\":\"STRING\"}");
    CHECK_INT(times(q.body, STR("\"next\"")), 1); /* one level */
}

TEST(C23_properties_named_as_keywords_stay)
{
    struct rig_request q = in_openapi(
        t, TOOL_OF(",\"parameters\":{\"type\":\"object\",\"properties\":{\"title\":{\"type\":"
                   "\"string\"},\"format\":{\"type\":\"string\"}},\"required\":[\"title\"]}"));

    CHECK_HAS(q.body, "\"title\":{\"type\":\"STRING\"}");
    CHECK_HAS(q.body, "\"format\":{\"type\":\"STRING\"}");
}

#define ODD_TYPES                                                                           \
    TOOL_OF(",\"parameters\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":["        \
            "\"string\",\"null\"]},\"b\":{\"const\":\"x\"},\"c\":{\"oneOf\":[{\"type\":"    \
            "\"string\"},{\"type\":\"integer\"}]},\"d\":{\"type\":\"integer\",\"enum\":[1," \
            "2]}}}")

TEST(C24_types_that_gemini_says_otherwise)
{
    struct rig_request q = in_openapi(t, ODD_TYPES);

    CHECK_HAS(q.body, "\"a\":{\"type\":\"STRING\",\"nullable\":true}");
    CHECK_HAS(q.body, "\"enum\":[\"x\"]");
    CHECK_HAS(q.body, "\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"INTEGER\"}]");
    CHECK_LACKS(q.body, "oneOf");
    q = asked(t, CHAT, ODD_TYPES, GEMINI, "gemini-3-pro");
    CHECK_HAS(q.body, "\"type\":[\"string\",\"null\"]");
    CHECK_HAS(q.body, "\"enum\":[\"x\"]");
    CHECK_HAS(q.body, "\"enum\":[1,2]");
    CHECK_LACKS(q.body, "const");
}

TEST(C25_a_tool_without_parameters)
{
    static const char *const bodies[] = { TOOL_OF(""), TOOL_OF(",\"parameters\":{}") };

    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct rig_request q = asked(t, CHAT, bodies[i], ANTHROPIC, "claude-sonnet-4-5");

        CHECK_HAS(q.body, "\"input_schema\":{\"type\":\"object\",\"properties\":{}}");
        q = asked(t, CHAT, bodies[i], GEMINI, "gemini-3-pro");
        CHECK_HAS(q.body, "\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{}}");
        q = in_openapi(t, bodies[i]);
        CHECK_HAS(q.body, "\"functionDeclarations\":[{\"name\":\"f\"}]");
    }
}

#define EFFORT_HIGH                                                                    \
    "{\"model\":\"a\",\"reasoning_effort\":\"high\",\"temperature\":1,\"messages\":[{" \
    "\"role\":\"user\",\"content\":\"hi\"}]}"

TEST(C28_an_effort_as_a_budget)
{
    struct rig_request q = asked(t, CHAT, EFFORT_HIGH, ANTHROPIC, "claude-sonnet-4-5");

    CHECK_HAS(q.body, "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":24576");
    CHECK_HAS(q.body, "\"max_tokens\":64000"); /* more than the budget */
    CHECK_LACKS(q.body, "temperature");
}

TEST(C29_an_effort_where_thinking_is_adaptive)
{
    struct rig_request q = asked(t, CHAT, EFFORT_HIGH, ANTHROPIC, "claude-opus-4-6");

    CHECK_HAS(q.body, "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"}");
    CHECK_HAS(q.body, "\"output_config\":{\"effort\":\"high\"}");
}

#define THINKING(value, more)                                       \
    "{\"model\":\"a\",\"max_tokens\":9000,\"thinking\":" value more \
    ",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"

TEST(C30_a_budget_as_a_level)
{
    struct rig_request q =
        asked(t, ANTHROPIC, THINKING("{\"type\":\"enabled\",\"budget_tokens\":2000}", ""), GEMINI,
              "gemini-3-pro");

    CHECK_HAS(q.body, "\"thinkingLevel\":\"LOW\"");
    CHECK_LACKS(q.body, "thinkingBudget");
}

TEST(C31_thinking_that_cannot_be_switched_off)
{
    struct rig_request q = asked(t, CHAT,
                                 "{\"model\":\"a\",\"reasoning_effort\":\"none\",\"messages\":[{"
                                 "\"role\":\"user\",\"content\":\"hi\"}]}",
                                 ANTHROPIC, "claude-opus-5-5");

    CHECK_LACKS(q.body, "\"thinking\"");
    CHECK_HAS(q.body, "\"output_config\":{\"effort\":\"low\"}");
}

TEST(C32_a_forced_call_goes_before_thinking)
{
    struct rig_request q =
        asked(t, CHAT,
              "{\"model\":\"a\",\"reasoning_effort\":\"high\",\"tool_choice\":\"required\","
              "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":"
              "\"function\",\"function\":{\"name\":\"f\"}}]}",
              ANTHROPIC, "claude-sonnet-4-5");

    CHECK_HAS(q.body, "\"tool_choice\":{\"type\":\"any\"}");
    CHECK_LACKS(q.body, "\"thinking\":{\"type\":\"enabled\"");
}

TEST(C33_thinking_of_another_provider_is_left_out)
{
    struct rig_request q = asked(
        t, ANTHROPIC,
        "{\"model\":\"a\",\"max_tokens\":9000,\"messages\":[{\"role\":\"user\",\"content\":"
        "\"hi\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
        "\"signature\":\"gw1.goo.UTJkQg\"},{\"type\":\"text\",\"text\":\"yes\"}]},{\"role\":"
        "\"user\",\"content\":\"on\"}]}",
        ANTHROPIC, "claude-sonnet-4-5");

    CHECK_LACKS(q.body, "gw1.");
    CHECK_LACKS(q.body, "\"type\":\"thinking\"");
    CHECK_HAS(q.losses, "messages[1].content[0]");
}

#define LOOP_OF_CHAT(extra)                                                                    \
    "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":"         \
    "\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\"," \
    "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}" extra "},{\"id\":\"call_2\","         \
    "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":"   \
    "\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"1\"},{\"role\":\"tool\","              \
    "\"tool_call_id\":\"call_2\",\"content\":\"2\"}],\"tools\":[{\"type\":\"function\","       \
    "\"function\":{\"name\":\"f\"}}]}"

TEST(C34_a_tool_loop_on_gemini_with_its_signature_and_without)
{
    struct rig_request q = asked(
        t, CHAT,
        LOOP_OF_CHAT(",\"extra_content\":{\"google\":{\"thought_signature\":\"Q2dBYWJjZGVm\"}}"),
        GEMINI, "gemini-3-pro");

    CHECK_HAS(q.body, "\"thoughtSignature\":\"Q2dBYWJjZGVm\"");
    CHECK_INT(times(q.body, STR("thoughtSignature")), 1);
    q = asked(t, CHAT, LOOP_OF_CHAT(""), GEMINI, "gemini-3-pro");
    CHECK_HAS(q.body, "\"thoughtSignature\":\"skip_thought_signature_validator\"");
    CHECK_INT(times(q.body, STR("thoughtSignature")), 1);
    CHECK(str_find(q.body, STR("thoughtSignature")) < str_find(q.body, STR("call_2")));
}

/* --- answers ----------------------------------------------------------------------------------*/

TEST(C40_a_stream_that_is_cut_behind_text)
{
    struct rig_answer answer = answered(
        t, RESPONSES, ANTHROPIC,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\","
        "\"model\":\"c\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n"
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
        "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
        "\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n");

    CHECK(!answer.done && answer.started);
    CHECK_HAS(answer.bytes, "response.failed");
    CHECK_LACKS(answer.bytes, "response.completed");
}

TEST(C42_an_answer_that_the_limit_cut)
{
    struct rig_answer answer = answered(
        t, ANTHROPIC, RESPONSES,
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":"
        "\"resp_1\",\"model\":\"m\"}}\n\n"
        "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\","
        "\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"content\":[{"
        "\"type\":\"output_text\",\"text\":\"Hi\"}]}}\n\n"
        "event: response.incomplete\ndata: {\"type\":\"response.incomplete\",\"response\":{"
        "\"id\":\"resp_1\",\"model\":\"m\",\"status\":\"incomplete\",\"incomplete_details\":{"
        "\"reason\":\"max_output_tokens\"},\"output\":[],\"usage\":{\"input_tokens\":1,"
        "\"output_tokens\":2,\"total_tokens\":3}}}\n\n");

    CHECK(answer.done);
    CHECK_HAS(answer.bytes, "\"stop_reason\":\"max_tokens\"");
}

static size_t cut_once(void *peer, size_t left)
{
    size_t *first = peer, n = *first > 0 ? *first : left;

    *first = 0;
    return n;
}

/* The byte cases of server-sent events, in every possible cut. */
TEST(C47_bytes_of_a_stream_cut_anywhere)
{
    static const struct {
        const char *name, *bytes, *want; /* text of the answer, as it stands in JSON */
    } cases[] = {
        { "a character of two bytes", "{\"t\":\"\xc3\xa9\"}", "\xc3\xa9" },
        { "a character of four", "{\"t\":\"\xf0\x9f\x98\x80\"}", "\xf0\x9f\x98\x80" },
        { "a NUL", "{\"t\":\"\\u0000\"}", "\\u0000" },
        { "a pair of surrogates", "{\"t\":\"\\ud83d\\ude00\"}", "\\ud83d\\ude00" },
    };
    static const char *const frames[] = {
        "data: %s\n\n",
        "data: %s\r\n\r\n",
        "data: %s\r\r",
        "data:%s\n\n",
        "data:  %s\n\n",
        "id: 7\nretry: 9\ndata: %s\n\n",
        ": hi\ndata: %s\n\n",
        ": hi\n\ndata: %s\n\n",
        "event: ping\n\ndata: %s\n\n", /* an event without data is none */
        "event: x\r\ndata: %s\n\r\n",
        "\357\273\277data: %s\n\n", /* a byte order mark */
        "data: %s\n",               /* the last blank line is missing */
        "data: %s",
    };

    for (size_t c = 0; c < COUNT(cases); c++)
        for (size_t f = 0; f < COUNT(frames); f++) {
            struct str inside = str_drop_last(str_drop(str_c(cases[c].bytes), 6), 2);
            struct str chunk = arena_printf(
                &t->arena,
                "{\"candidates\":[{\"index\":0,\"content\":{\"parts\":[{\"text\":\"%.*s\"}]},"
                "\"finishReason\":\"STOP\"}],\"modelVersion\":\"m\",\"responseId\":\"r\"}",
                STR_ARG(inside));
            const char *mark = strstr(frames[f], "%s");
            struct str bytes = arena_printf(&t->arena, "%.*s%.*s%s", (int)(mark - frames[f]),
                                            frames[f], (int)chunk.len, chunk.at, mark + 2);
            struct rig_request q;
            struct rig_answer whole;

            rig_read(CHAT, rig_ask(CHAT), &t->arena, &q);
            struct rig_options o = { .wire = GEMINI, .asked = &q };

            rig_feed(&o, bytes, &t->arena, &whole);
            CHECK(whole.done && str_find(whole.bytes, str_c(cases[c].want)) != SIZE_MAX,
                  "%s in %s: %.*s", cases[c].name, frames[f], (int)whole.bytes.len, whole.bytes.at);
            for (size_t cut = 1; cut < bytes.len; cut++) {
                struct rig_answer pieces;
                size_t first = cut;

                o.next = cut_once;
                o.peer = &first;
                rig_feed(&o, bytes, &t->arena, &pieces);
                CHECK(str_eq(pieces.bytes, whole.bytes), "%s in %s, cut at %zu", cases[c].name,
                      frames[f], cut);
            }
        }
}

#define GEMINI_TEXT(text, more)                                                            \
    "{\"candidates\":[{\"index\":0,\"content\":{\"parts\":[{\"text\":\"" text "\"}]}" more \
    "}],\"modelVersion\":\"m\",\"responseId\":\"r\"}"

TEST(C47_what_is_not_cut_by_lines_alone)
{
    /* a pair of surrogates over two events, data in two lines */
    struct rig_answer answer =
        answered(t, CHAT, GEMINI,
                 "data: " GEMINI_TEXT("\\ud83d", "") "\n\n"
                                                     "data: " GEMINI_TEXT(
                                                         "\\ude00",
                                                         ",\n"
                                                         "data: \"finishReason\":\"STOP\"") "\n\n");

    CHECK(answer.done);
    CHECK_HAS(answer.bytes, "\\ud83d\\ude00");
    /* half a line is a cut, whatever stood before */
    answer = answered(
        t, CHAT, GEMINI,
        "data: " GEMINI_TEXT("Hi", "") "\n\n"
                                       "data: {\"candidates\":[{\"finishReason\":\"STOP\"");
    CHECK(!answer.done && answer.started);
    CHECK_LACKS(answer.bytes, "[DONE]");
}

TEST(C06_a_stream_of_codex_as_one_answer)
{
    static const char stream[] =
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":"
        "\"resp_1\",\"model\":\"m\",\"output\":[]}}\n\n"
        "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\","
        "\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\","
        "\"content\":[{\"type\":\"output_text\",\"text\":\"Hello\"}]}}\n\n"
        "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\","
        "\"output_index\":1,\"item\":{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":"
        "\"call_1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}\n\n"
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":"
        "\"resp_1\",\"model\":\"m\",\"status\":\"completed\",\"output\":[],\"usage\":{"
        "\"input_tokens\":7,\"output_tokens\":3,\"total_tokens\":10}}}\n\n";
    struct rig_request q;
    struct rig_answer answer;

    rig_read(ANTHROPIC,
             "{\"model\":\"a\",\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":"
             "\"hi\"}],\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}]}",
             &t->arena, &q);
    rig_feed(&(struct rig_options){ .wire = RESPONSES, .asked = &q, .whole = true }, str_c(stream),
             &t->arena, &answer);
    CHECK(answer.done);
    CHECK_HAS(answer.bytes, "{\"id\":\"msg_");
    CHECK_HAS(answer.bytes, "\"content\":[{\"type\":\"text\",\"text\":\"Hello\"},{\"type\":"
                            "\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"input\":{\"a\":1}}]");
    CHECK_HAS(answer.bytes, "\"stop_reason\":\"tool_use\"");
    CHECK_HAS(answer.bytes, "\"input_tokens\":7");
    CHECK_HAS(answer.bytes, "\"output_tokens\":3");
}

TEST(C60_further_answers_are_of_one_stream_however_they_are_cut)
{
    struct str bytes = STR("data: " GEMINI_TEXT(
        "One, ", "") "\n\n"
                     "data: " GEMINI_TEXT(
                         "two, ", ",\"finishReason\":\"CONTINUATION\",\"continuationToken\":"
                                  "\"abc\"") "\n\n\x1e"
                                             "data: " GEMINI_TEXT(
                                                 "three.", ",\"finishReason\":\"STOP\"") "\n\n");

    for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++) {
        struct rig_request q;
        struct rig_answer whole, pieces;
        struct seen_stream seen;

        rig_read(protocol, rig_ask(protocol), &t->arena, &q);
        struct rig_options o = { .wire = GEMINI, .asked = &q, .pauses = 1 };
        struct grammar_options grammar = rig_grammar(&o);

        rig_feed(&o, bytes, &t->arena, &whole);
        CHECK(whole.done && stream_breaks(&grammar, whole.bytes, &t->arena, &seen) == NULL, "%s",
              wire_name(protocol).at);
        CHECK_STR(seen.text, "One, two, three.");
        for (size_t cut = 1; cut < 200; cut++) {
            size_t first = cut;

            o.next = cut_once;
            o.peer = &first;
            rig_feed(&o, bytes, &t->arena, &pieces);
            CHECK(str_eq(pieces.bytes, whole.bytes), "%s, cut at %zu", wire_name(protocol).at, cut);
        }
        o.next = NULL;
        o.pauses = 0; /* nobody goes on */
        rig_feed(&o, str_take(bytes, str_find(bytes, STR("\x1e"))), &t->arena, &whole);
        CHECK(whole.done && stream_breaks(&grammar, whole.bytes, &t->arena, &seen) == NULL);
        CHECK_STR(seen.text, "One, two, ");
    }
}

TEST(C60_an_answer_that_nobody_goes_on_with_ends_as_cut_by_length)
{
    struct rig_answer answer =
        answered(t, CHAT, GEMINI,
                 "data: {\"candidates\":[{\"index\":0,\"content\":{\"parts\":[{\"text\":\"Hi\"}]},"
                 "\"finishReason\":\"CONTINUATION\",\"continuationToken\":\"abc\"}],"
                 "\"modelVersion\":\"m\",\"responseId\":\"r\"}\n\n");

    CHECK(answer.done);
    CHECK_HAS(answer.bytes, "\"finish_reason\":\"length\"");
}
