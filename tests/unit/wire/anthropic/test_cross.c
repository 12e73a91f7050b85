/* Clients of other protocols at an Anthropic account, and Anthropic's clients at other accounts. */
#include "rig.h"

#include "../translated_body.h"

struct crossed {
    bool done;
    struct wire_complaint why;
    struct str body, dropped;
};

/* A client's request, as the account gets it. */
static struct crossed ask(struct test *t, enum wire protocol, const char *body, enum wire wire,
                          const char *model, struct canon_request *r, struct translated *translated)
{
    struct crossed out = { .done = false };
    struct buf dropped;
    struct wire_target target = {
        .wire = wire,
        .model = str_c(model),
        .facts = model_facts_find(wire, str_c(model)),
        .own_service = true,
    };

    if (!translate_read(protocol, arena_copy(&t->arena, str_c(body)), STR("m"), false, &t->arena, r,
                        &out.why))
        return out;
    out.done = translate_write(r, &target, RIG_BYTES_MAX, &t->arena, translated, &out.why);
    out.body = translated_body(translated, &t->arena);
    buf_init(&dropped, 4096);
    losses_put(&translated->losses, NULL, &dropped, 4096);
    out.dropped = arena_copy(&t->arena, buf_str(&dropped));
    buf_clear(&dropped);
    translated_clear(translated);
    return out;
}

/* The request's answer, as the client gets it: events of the upstream, one in each line. */
static struct str answer(struct test *t, enum wire protocol, const char *body, enum wire wire,
                         const char *model, const char *events, bool whole)
{
    struct canon_request r;
    struct translated translated;
    struct crossed asked = ask(t, protocol, body, wire, model, &r, &translated);
    struct str rest = str_c(events), line;
    enum translation last = TRANSLATION_MORE;
    struct translator tr;
    struct buf out;

    if (!CHECK(asked.done, "%.*s: %.*s", STR_ARG(asked.why.param), STR_ARG(asked.why.message)))
        return STR("");
    translator_init(&tr, wire,
                    &(struct encode_options){
                        .protocol = protocol,
                        .request = &r,
                        .names = &translated.names,
                        .model = STR("m"),
                        .id = STR("r1"),
                        .created_unix_s = 1700000000,
                        .show_thinking = true,
                        .bytes_max = RIG_BYTES_MAX,
                    },
                    &translated, whole);
    buf_init(&out, RIG_BYTES_MAX);
    while (rest.len > 0 && (last == TRANSLATION_MORE || last == TRANSLATION_BAD)) {
        (void)str_cut(rest, '\n', &line, &rest);
        last = translator_event(&tr, STR(""), line, &t->arena, &out);
    }
    if (last == TRANSLATION_MORE || last == TRANSLATION_BAD)
        last = translator_finish(&tr, true, &t->arena, &out);
    (void)buf_printf(&out, "%s",
                     last == TRANSLATION_END     ? ""
                     : last == TRANSLATION_ERROR ? "ERROR"
                                                 : "BROKEN");
    translator_clear(&tr);

    struct str text = arena_copy(&t->arena, buf_str(&out));

    buf_clear(&out);
    return text;
}

#define OLD "claude-sonnet-4-5"

TEST(anthropic_accounts_serve_clients_of_other_protocols)
{
    static const struct {
        const char *name;
        enum wire protocol;
        const char *body, *want, *dropped;
    } cases[] = {
        { "C01: hi", WIRE_OPENAI_CHAT,
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
          "{\"model\":\"" OLD "\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
          "\"text\":\"hi\"}]}],\"max_tokens\":64000}",
          "" },
        { "C02: system and developer", WIRE_OPENAI_CHAT,
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"system\",\"content\":\"a\"},"
          "{"
          "\"role\":\"developer\",\"content\":\"b\"},{\"role\":\"user\",\"content\":\"hi\"}]}",
          "{\"model\":\"" OLD
          "\",\"system\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
          "\"text\":\"b\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
          "\"text\":\"hi\"}]}],\"max_tokens\":9}",
          "" },
        { "C11, C26: two calls, answered in the other order", WIRE_OPENAI_CHAT,
          "{\"model\":\"m\",\"max_tokens\":9,\"tools\":[{\"type\":\"function\",\"function\":{"
          "\"name\":\"f\"}}],\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":"
          "\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\","
          "\"function\":{\"name\":\"f\",\"arguments\":\"\"}},{\"id\":\"call_2\",\"type\":"
          "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"not "
          "json\"}},{\"id\":\"call_3\""
          ",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"[1]\"}}]},{\"role\":"
          "\"tool\",\"tool_call_id\":\"call_3\",\"content\":\"three\"},{\"role\":\"tool\",\"tool_"
          "call_id\":\"call_2\",\"content\":\"two\"},{\"role\":\"tool\",\"tool_call_id\":\"call_"
          "1\","
          "\"content\":\"\"}]}",
          "{\"model\":\"" OLD "\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
          "\"text\":\"go\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":"
          "\"call_1\",\"name\":\"f\",\"input\":{}},{\"type\":\"tool_use\",\"id\":\"call_2\","
          "\"name\":"
          "\"f\",\"input\":{\"_raw\":\"not json\"}},{\"type\":\"tool_use\",\"id\":\"call_3\","
          "\"name\":\"f\",\"input\":{\"_raw\":\"[1]\"}}]},{\"role\":\"user\",\"content\":[{"
          "\"type\":"
          "\"tool_result\",\"tool_use_id\":\"call_1\"},{\"type\":\"tool_result\",\"tool_use_id\":"
          "\"call_2\",\"content\":\"two\"},{\"type\":\"tool_result\",\"tool_use_id\":\"call_3\","
          "\"content\":\"three\"}]}],\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":"
          "\"object\",\"properties\":{}}}],\"max_tokens\":9}",
          "messages[1].tool_calls[1]~,messages[1].tool_calls[2]~" },
        { "C13: a result is missing", WIRE_OPENAI_CHAT,
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{"
          "\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\","
          "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"user\",\"content\":"
          "\"so?\"}]}",
          "{\"model\":\"" OLD "\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
          "\"text\":\"go\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":"
          "\"call_1\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":"
          "\"tool_result\",\"tool_use_id\":\"call_1\",\"content\":\"[no "
          "result]\",\"is_error\":true}"
          ",{\"type\":\"text\",\"text\":\"so?\"}]}],\"tools\":[{\"name\":\"f\",\"input_schema\":{"
          "\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"none\"},\"max_"
          "tokens\":9}",
          "messages[1].tool_calls[0]~" },
        { "C17: a picture in a result", WIRE_OPENAI_RESPONSES,
          "{\"model\":\"m\",\"max_output_tokens\":99,\"store\":false,\"input\":[{\"type\":"
          "\"function_call\",\"call_id\":\"call_1\",\"name\":\"f\",\"arguments\":\"{\\\"n\\\":1.0}"
          "\""
          "},{\"type\":\"function_call_output\",\"call_id\":\"call_1\",\"output\":[{\"type\":"
          "\"input_text\",\"text\":\"see\"},{\"type\":\"input_image\",\"image_url\":"
          "\"data:image/png;base64,QQ==\"}]}],\"tools\":[{\"type\":\"function\",\"name\":\"f\","
          "\"parameters\":{\"type\":\"object\",\"properties\":{}}}]}",
          "{\"model\":\"" OLD "\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
          "\"text\":\"(continue)\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\","
          "\"id\":\"call_1\",\"name\":\"f\",\"input\":{\"n\":1.0}}]},{\"role\":\"user\","
          "\"content\":"
          "[{\"type\":\"tool_result\",\"tool_use_id\":\"call_1\",\"content\":[{\"type\":\"text\","
          "\"text\":\"see\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
          "\"image/png\",\"data\":\"QQ==\"}}]}]}],\"tools\":[{\"name\":\"f\",\"input_schema\":{"
          "\"type\":\"object\",\"properties\":{}}}],\"max_tokens\":99}",
          "input~" },
        { "a search, as OpenAI's clients ask for it", WIRE_OPENAI_RESPONSES,
          "{\"model\":\"m\",\"max_output_tokens\":99,\"input\":\"hi\",\"tools\":[{\"type\":\"web_"
          "search\",\"filters\":{\"allowed_domains\":[\"e.org\"]},\"user_location\":{\"type\":"
          "\"approximate\",\"city\":\"Oslo\"}}]}",
          "{\"model\":\"" OLD "\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
          "\"text\":\"hi\"}]}],\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_"
          "search\","
          "\"allowed_domains\":[\"e.org\"],\"user_location\":{\"type\":\"approximate\",\"city\":"
          "\"Oslo\"}}],\"max_tokens\":99}",
          "" },
        { "C18: results without ids", WIRE_GEMINI,
          "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"go\"}]},{\"role\":\"model\","
          "\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":1}}},{\"functionCall\":{"
          "\"name\":\"f\",\"args\":{\"a\":2}}}]},{\"role\":\"user\",\"parts\":[{"
          "\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"one\"}}},{"
          "\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"two\"}}}]}],\"tools\":[{"
          "\"functionDeclarations\":[{\"name\":\"f\"}]}],\"generationConfig\":{\"maxOutputTokens\":"
          "9}}",
          NULL, "" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r;
        struct translated translated;
        struct crossed got =
            ask(t, cases[i].protocol, cases[i].body, WIRE_ANTHROPIC, OLD, &r, &translated);

        CHECK(got.done, "%s: %.*s: %.*s", cases[i].name, STR_ARG(got.why.param),
              STR_ARG(got.why.message));
        if (cases[i].want != NULL)
            CHECK_STR(got.body, cases[i].want, "%s", cases[i].name);
        else /* ids are made up: a pair of each */
            CHECK(str_find(got.body, STR("\"input\":{\"a\":1}")) != SIZE_MAX &&
                      str_find(got.body, STR("\"content\":\"two\"}]}],\"tools\"")) != SIZE_MAX,
                  "%s: %.*s", cases[i].name, (int)got.body.len, got.body.at);
        CHECK_STR(got.dropped, cases[i].dropped, "%s", cases[i].name);
    }
}

TEST(anthropic_accounts_refuse_what_they_cannot_do_in_the_clients_words)
{
    static const struct {
        const char *name;
        enum wire protocol;
        const char *body, *param;
    } cases[] = {
        { "C09: two answers", WIRE_OPENAI_CHAT,
          "{\"model\":\"m\",\"n\":2,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", "n" },
        { "C14: the last call has no result", WIRE_OPENAI_CHAT,
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":"
          "\"assistant\",\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{"
          "\"name\":\"f\",\"arguments\":\"{}\"}}]}]}",
          "messages" },
        { "audio", WIRE_OPENAI_CHAT,
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_"
          "audio\","
          "\"input_audio\":{\"data\":\"QQ==\",\"format\":\"wav\"}}]}]}",
          "messages[0].content[0]" },
        { "a picture of another kind", WIRE_GEMINI,
          "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/heic\",\"data\":"
          "\"QQ==\"}}]}]}",
          "contents[0].parts[0]" },
        { "pictures to be made", WIRE_GEMINI,
          "{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}],\"generationConfig\":{"
          "\"responseModalities\":[\"TEXT\",\"IMAGE\"]}}",
          "generationConfig.responseModalities" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r;
        struct translated translated;
        struct crossed got =
            ask(t, cases[i].protocol, cases[i].body, WIRE_ANTHROPIC, OLD, &r, &translated);

        CHECK(!got.done, "%s", cases[i].name);
        CHECK_STR(got.why.param, cases[i].param, "%s", cases[i].name);
    }
}

/* --- answers ----------------------------------------------------------------------------------*/

#define CHAT "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define RESPONSES "{\"model\":\"m\",\"input\":\"hi\"}"
#define MESSAGES \
    "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define START                                                                               \
    "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"x\",\"usage\":{" \
    "\"input_tokens\":10,\"cache_read_input_tokens\":90,\"cache_creation_input_tokens\":5," \
    "\"output_tokens\":1}}}\n"
#define STOP                                                                                    \
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_" \
    "tokens\":7,\"output_tokens_details\":{\"thinking_tokens\":3}}}\n{\"type\":\"message_stop\"}"

static bool holds(struct str text, const char *what)
{
    return str_find(text, str_c(what)) != SIZE_MAX;
}

TEST(anthropic_usage_is_counted_as_the_other_protocols_count_it)
{
    struct str got = answer(t, WIRE_OPENAI_CHAT, CHAT, WIRE_ANTHROPIC, OLD, START STOP, true);

    /* C44 */
    CHECK(holds(got, "\"prompt_tokens\":105"), "%.*s", (int)got.len, got.at);
    CHECK(holds(got, "\"completion_tokens\":7"), "%.*s", (int)got.len, got.at);
    CHECK(holds(got, "\"total_tokens\":112"), "%.*s", (int)got.len, got.at);
    CHECK(holds(got, "\"cached_tokens\":90"), "%.*s", (int)got.len, got.at);
    CHECK(holds(got, "\"reasoning_tokens\":3"), "%.*s", (int)got.len, got.at);
    /* C45 */
    got =
        answer(t, WIRE_ANTHROPIC, MESSAGES, WIRE_GEMINI, "gemini-3-flash",
               "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":"
               "\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":100,"
               "\"cachedContentTokenCount\":60,\"candidatesTokenCount\":5,"
               "\"thoughtsTokenCount\":20,\"toolUsePromptTokenCount\":4,\"totalTokenCount\":129}}",
               true);
    CHECK(holds(got,
                "\"usage\":{\"input_tokens\":44,\"cache_creation_input_tokens\":0,\"cache_read_"
                "input_tokens\":60,\"output_tokens\":25,\"output_tokens_details\":{"
                "\"thinking_tokens\":20}}"),
          "%.*s", (int)got.len, got.at);
}

TEST(anthropic_clients_are_told_why_other_accounts_ended)
{
    /* C42 */
    struct str got =
        answer(t, WIRE_ANTHROPIC, MESSAGES, WIRE_OPENAI_RESPONSES, "gpt-5.1",
               "{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n{\"type\":\"response."
               "incomplete\",\"response\":{\"id\":\"r\",\"status\":\"incomplete\",\"incomplete_"
               "details\":{\"reason\":\"max_output_tokens\"},\"output\":[]}}",
               false);

    CHECK(holds(got, "\"stop_reason\":\"max_tokens\""), "%.*s", (int)got.len, got.at);
    /* C43 */
    got = answer(t, WIRE_ANTHROPIC, MESSAGES, WIRE_GEMINI, "gemini-3-flash",
                 "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}", false);
    CHECK(holds(got, "\"stop_reason\":\"refusal\""), "%.*s", (int)got.len, got.at);
    /* C40 */
    got = answer(t, WIRE_OPENAI_RESPONSES, RESPONSES, WIRE_ANTHROPIC, OLD,
                 START "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
                       "\"text\",\"text\":\"Par\"}}",
                 false);
    CHECK(holds(got, "\"delta\":\"Par\""), "%.*s", (int)got.len, got.at);
    CHECK(str_ends(got, STR("BROKEN")), "%.*s", (int)got.len, got.at);
    CHECK(!holds(got, "response.completed"));
    /* C41 */
    got = answer(t, WIRE_OPENAI_RESPONSES, RESPONSES, WIRE_ANTHROPIC, OLD,
                 "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", false);
    CHECK_STR(got, "ERROR");
}

TEST(anthropic_redacted_thinking_comes_back_through_responses)
{
    /* C36 */
    struct canon_request r;
    struct translated translated;
    struct str got = answer(
        t, WIRE_OPENAI_RESPONSES, RESPONSES, WIRE_ANTHROPIC, OLD,
        START "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
              "\"redacted_thinking\",\"data\":\"EmwK\"}}\n{\"type\":\"content_block_stop\"}\n" STOP,
        true);
    struct crossed back;

    CHECK(holds(got, "\"summary\":[]"), "%.*s", (int)got.len, got.at);
    CHECK(holds(got, "\"encrypted_content\":\"gw1.anr.RW13Sw\""), "%.*s", (int)got.len, got.at);
    back = ask(t, WIRE_OPENAI_RESPONSES,
               "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"a\"},{\"type\":"
               "\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":\"gw1.anr."
               "RW13Sw\"},{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":"
               "\"output_text\",\"text\":\"b\"}]},{\"role\":\"user\",\"content\":\"c\"}]}",
               WIRE_ANTHROPIC, OLD, &r, &translated);
    CHECK(holds(back.body, "{\"type\":\"redacted_thinking\",\"data\":\"EmwK\"},{\"type\":\"text\","
                           "\"text\":\"b\"}"),
          "%.*s", (int)back.body.len, back.body.at);
}

TEST(anthropic_numbers_of_arguments_keep_their_digits_on_every_way)
{
    /* C27 */
    static const char body[] =
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{"
        "\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":"
        "\"f\","
        "\"input\":{\"a\":9223372036854775809,\"b\":1.0,\"c\":1e400}}]},{\"role\":\"user\","
        "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"call_1\",\"content\":\"ok\"}]}]}";
    static const enum wire wires[] = { WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES, WIRE_GEMINI };
    static const char *const models[] = { "gpt-4o", "gpt-4o", "gemini-3-flash" };

    for (size_t i = 0; i < COUNT(wires); i++) {
        struct canon_request r;
        struct translated translated;
        struct crossed got = ask(t, WIRE_ANTHROPIC, body, wires[i], models[i], &r, &translated);
        struct crossed back;

        CHECK(got.done, "%s", wire_name(wires[i]).at);
        back = ask(t, wires[i], arena_copy(&t->arena, got.body).at, WIRE_ANTHROPIC, OLD, &r,
                   &translated);
        CHECK(back.done, "%s: %.*s", wire_name(wires[i]).at, STR_ARG(back.why.message));
        CHECK(holds(back.body, "\"input\":{\"a\":9223372036854775809,\"b\":1.0,\"c\":1e400}"),
              "%s: %.*s", wire_name(wires[i]).at, (int)back.body.len, back.body.at);
    }
}

TEST(anthropic_signatures_of_calls_travel_to_the_client_and_back)
{
    /* Gemini's first call of a step is signed; the client carries that in empty thinking */
    struct canon_request r;
    struct translated translated;
    struct str got = answer(
        t, WIRE_ANTHROPIC, MESSAGES, WIRE_GEMINI, "gemini-3-flash",
        "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":"
        "\"get_weather\",\"args\":{\"city\":\"Oslo\"}},\"thoughtSignature\":\"Q2dB\"},{"
        "\"functionCall\":{\"name\":\"get_time\",\"args\":{}}}]},\"finishReason\":\"STOP\","
        "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":40,\"candidatesTokenCount\":12,"
        "\"thoughtsTokenCount\":8,\"totalTokenCount\":60},\"responseId\":\"abc\"}",
        false);
    struct crossed back;

    CHECK(holds(got,
                "\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"));
    CHECK(holds(got, "\"signature\":\"gw1.goo.UTJkQg\""), "%.*s", (int)got.len, got.at);
    CHECK(holds(got, "\"stop_reason\":\"tool_use\""));
    CHECK(holds(got, "\"output_tokens\":20"));
    back = ask(
        t, WIRE_ANTHROPIC,
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{"
        "\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"\","
        "\"signature\":\"gw1.goo.UTJkQg\"},{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":"
        "\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
        "\"tool_use_id\":\"call_1\",\"content\":\"ok\"}]}]}",
        WIRE_GEMINI, "gemini-3-flash", &r, &translated);
    CHECK(holds(back.body, "\"thoughtSignature\":\"Q2dB\""), "%.*s", (int)back.body.len,
          back.body.at);
}

TEST(anthropic_clients_results_say_in_words_what_only_anthropic_knows)
{
    static const char body[] =
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{"
        "\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":"
        "\"f\","
        "\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
        "\"call_1\",\"content\":[{\"type\":\"tool_reference\",\"tool_name\":\"Skill\"}]}]}]}";
    struct canon_request r;
    struct translated translated;
    struct crossed got = ask(t, WIRE_ANTHROPIC, body, WIRE_OPENAI_CHAT, "gpt-4o", &r, &translated);

    CHECK(holds(got.body, "\"content\":\"[tool_reference] Skill\""), "%.*s", (int)got.body.len,
          got.body.at);
    CHECK(holds(got.dropped, "messages[2].content[0]~"), "%.*s", STR_ARG(got.dropped));
    got = ask(t, WIRE_ANTHROPIC, body, WIRE_ANTHROPIC, OLD, &r, &translated);
    CHECK(holds(got.body, "[{\"type\":\"tool_reference\",\"tool_name\":\"Skill\"}]"), "%.*s",
          (int)got.body.len, got.body.at);
}

TEST(anthropic_forced_json_is_text_to_the_client)
{
    static const char body[] =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_"
        "format\":{"
        "\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"type\":\"object\","
        "\"properties\":{\"a\":{\"type\":\"integer\"}}}}}}";
    struct str got = answer(
        t, WIRE_OPENAI_CHAT, body, WIRE_ANTHROPIC, "claude-sonnet-4-20250514",
        START
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\","
        "\"id\":\"t\",\"name\":\"json_response\",\"input\":{}}}\n{\"type\":\"content_block_"
        "delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{"
        "\\\"a\\\":1}\"}}\n{\"type\":\"content_block_stop\",\"index\":0}\n" STOP,
        true);

    CHECK(holds(got, "\"content\":\"{\\\"a\\\":1}\""), "%.*s", (int)got.len, got.at);
    CHECK(holds(got, "\"finish_reason\":\"stop\""), "%.*s", (int)got.len, got.at);
}
