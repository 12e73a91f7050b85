#include "rig.h"

#define ASK \
    "{\"model\":\"m\",\"max_tokens\":10,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define SEARCH                                                                                  \
    "{\"model\":\"m\",\"max_tokens\":10,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]," \
    "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]}"

#define AT_START                                                \
    {                                                           \
        .kind = CANON_START, .id = STR("r1"), .model = STR("x") \
    }
#define OPENS(what)                       \
    {                                     \
        .kind = CANON_OPEN, .block = what \
    }
#define CALLS(call, tool)                                                           \
    {                                                                               \
        .kind = CANON_OPEN, .block = BLOCK_TOOL, .id = STR(call), .name = STR(tool) \
    }
#define SAYS(what, said)                                           \
    {                                                              \
        .kind = CANON_DELTA, .block = what, .text = TEXT_LIT(said) \
    }
#define SIGNS(by, said)                                                         \
    {                                                                           \
        .kind = CANON_SIGNATURE, .sig = {.signer = by, .blob = TEXT_LIT(said) } \
    }
#define CLOSES              \
    {                       \
        .kind = CANON_CLOSE \
    }
#define USED(all, cached, given)                                   \
    {                                                              \
        .kind = CANON_USAGE, .usage = { all, given, cached, 0, 0 } \
    }
#define STOPS(why)                         \
    {                                      \
        .kind = CANON_FINISH, .cause = why \
    }
#define ENDS              \
    {                     \
        .kind = CANON_END \
    }

#define MESSAGE(usage)                                                                            \
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_r1\","     \
    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":" \
    "null,\"stop_sequence\":null,\"usage\":{" usage "}}}\n\n"
#define NO_USAGE                                                                          \
    "\"input_tokens\":0,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0," \
    "\"output_tokens\":1"
#define BLOCK(index, body)                                                                  \
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":" #index \
    ",\"content_block\":{" body "}}\n\n"
#define DELTA(index, body)                                                                  \
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":" #index \
    ",\"delta\":{" body "}}\n\n"
#define CLOSED(index) \
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":" #index "}\n\n"
#define STOPPED(reason, usage)                                                               \
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"    \
    "\"" reason "\",\"stop_sequence\":null},\"usage\":{" usage "}}\n\nevent: message_stop\n" \
    "data: {\"type\":\"message_stop\"}\n\n"
#define ZERO                                                                              \
    "\"input_tokens\":0,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0," \
    "\"output_tokens\":0"

/* Each event has its own line, as Anthropic's API documents it. */
TEST(anthropic_client_sees_plain_text)
{
    const struct canon_event events[] = {
        AT_START, OPENS(BLOCK_TEXT), SAYS(BLOCK_TEXT, "Hel"), SAYS(BLOCK_TEXT, "lo"),
        CLOSES,   STOPS(STOP_DONE),  USED(12, 4, 2),          ENDS,
    };
    CHECK_STR(rig_encode(t, ASK, false, events, COUNT(events)),
              MESSAGE(NO_USAGE) BLOCK(0, "\"type\":\"text\",\"text\":\"\"")
                  DELTA(0, "\"type\":\"text_delta\",\"text\":\"Hel\"")
                      DELTA(0, "\"type\":\"text_delta\",\"text\":\"lo\"") CLOSED(0)
                          STOPPED("end_turn",
                                  "\"input_tokens\":8,\"cache_creation_input_tokens\":0,\"cache_"
                                  "read_input_tokens\":4,\"output_tokens\":2"));
    CHECK_STR(rig_encode_whole(t, ASK, false, events, COUNT(events)),
              "{\"id\":\"msg_r1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
              "\"content\":[{\"type\":\"text\",\"text\":\"Hello\"}],\"stop_reason\":\"end_turn\","
              "\"stop_sequence\":null,\"usage\":{\"input_tokens\":8,\"cache_creation_input_"
              "tokens\":0,\"cache_read_input_tokens\":4,\"output_tokens\":2}}");
}

TEST(anthropic_client_sees_usage_at_the_start_when_it_is_known_there)
{
    const struct canon_event events[] = {
        AT_START,
        { .kind = CANON_USAGE, .usage = { 105, 7, 90, 5, 3 } },
        STOPS(STOP_DONE),
        ENDS,
    };
#define KNOWN                                                                               \
    "\"input_tokens\":10,\"cache_creation_input_tokens\":5,\"cache_read_input_tokens\":90," \
    "\"output_tokens\":7,\"output_tokens_details\":{\"thinking_tokens\":3}"
    CHECK_STR(rig_encode(t, ASK, false, events, COUNT(events)),
              MESSAGE(KNOWN) STOPPED("end_turn", KNOWN));
}

TEST(anthropic_client_sees_calls_one_after_the_other)
{
    const struct canon_event events[] = {
        AT_START,
        OPENS(BLOCK_TEXT),
        SAYS(BLOCK_TEXT, "Checking."),
        CLOSES,
        CALLS("call_A", "get_weather"),
        SAYS(BLOCK_TOOL, "{\\\"city\\\":"),
        SAYS(BLOCK_TOOL, "\\\"Oslo\\\"}"),
        CLOSES,
        CALLS("call:B", "get_time"),
        SAYS(BLOCK_TOOL, "{}"),
        CLOSES,
        STOPS(STOP_TOOL_USE),
        USED(50, 0, 30),
        ENDS,
    };
    struct str derived = call_id_for(WIRE_ANTHROPIC, STR("call:B"), 0, &t->arena);
    struct str want = arena_printf(
        &t->arena,
        MESSAGE(NO_USAGE) BLOCK(0, "\"type\":\"text\",\"text\":\"\"")
            DELTA(0, "\"type\":\"text_delta\",\"text\":\"Checking.\"") CLOSED(0) BLOCK(
                1, "\"type\":\"tool_use\",\"id\":\"call_A\",\"name\":\"get_weather\","
                   "\"input\":{}")
                DELTA(1, "\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"city\\\":\"") DELTA(
                    1, "\"type\":\"input_json_delta\",\"partial_json\":\"\\\"Oslo\\\"}\"") CLOSED(1)
                    BLOCK(2, "\"type\":\"tool_use\",\"id\":\"%.*s\",\"name\":\"get_"
                             "time\",\"input\":{}")
                        DELTA(2, "\"type\":\"input_json_delta\",\"partial_json\":\"{}\"") CLOSED(2)
                            STOPPED("tool_use", "\"input_tokens\":50,\"cache_creation_input_"
                                                "tokens\":0,\"cache_read_input_tokens\":0,"
                                                "\"output_tokens\":30"),
        STR_ARG(derived));

    CHECK(!str_eq(derived, STR("call:B")));
    CHECK_STRS(rig_encode(t, ASK, false, events, COUNT(events)), want);
    want = arena_printf(
        &t->arena,
        "{\"id\":\"msg_r1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
        "\"content\":"
        "[{\"type\":\"text\",\"text\":\"Checking.\"},{\"type\":\"tool_use\",\"id\":\"call_A\","
        "\"name\":\"get_weather\",\"input\":{\"city\":\"Oslo\"}},{\"type\":\"tool_use\",\"id\":"
        "\"%.*s\",\"name\":\"get_time\",\"input\":{}}],\"stop_reason\":\"tool_use\",\"stop_"
        "sequence\":null,\"usage\":{\"input_tokens\":50,\"cache_creation_input_tokens\":0,\"cache_"
        "read_input_tokens\":0,\"output_tokens\":30}}",
        STR_ARG(derived));
    CHECK_STRS(rig_encode_whole(t, ASK, false, events, COUNT(events)), want);
}

TEST(anthropic_client_sees_thinking_and_its_signature)
{
    const struct canon_event events[] = {
        AT_START,
        OPENS(BLOCK_THINKING),
        SAYS(BLOCK_THINKING, "Let me "),
        SAYS(BLOCK_THINKING, "see."),
        SIGNS(SIGNER_ANTHROPIC, "EqQB"),
        CLOSES,
        OPENS(BLOCK_TEXT),
        SAYS(BLOCK_TEXT, "42"),
        CLOSES,
        STOPS(STOP_DONE),
        ENDS,
    };
#define THINKING(index) BLOCK(index, "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"")
#define SIGNED(index, blob) \
    DELTA(index, "\"type\":\"signature_delta\",\"signature\":\"" blob "\"") CLOSED(index)
    CHECK_STR(rig_encode(t, ASK, true, events, COUNT(events)),
              MESSAGE(NO_USAGE) THINKING(0)
                  DELTA(0, "\"type\":\"thinking_delta\",\"thinking\":\"Let me \"")
                      DELTA(0, "\"type\":\"thinking_delta\",\"thinking\":\"see.\"")
                          SIGNED(0, "EqQB") BLOCK(1, "\"type\":\"text\",\"text\":\"\"")
                              DELTA(1, "\"type\":\"text_delta\",\"text\":\"42\"") CLOSED(1)
                                  STOPPED("end_turn", ZERO));
    /* who did not ask for thinking gets no more of it than the next request needs */
    CHECK_STR(rig_encode(t, ASK, false, events, COUNT(events)),
              MESSAGE(NO_USAGE) THINKING(0) SIGNED(0, "EqQB")
                  BLOCK(1, "\"type\":\"text\",\"text\":\"\"")
                      DELTA(1, "\"type\":\"text_delta\",\"text\":\"42\"") CLOSED(1)
                          STOPPED("end_turn", ZERO));
    CHECK_STR(rig_encode_whole(t, ASK, true, events, COUNT(events)),
              "{\"id\":\"msg_r1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
              "\"content\":[{\"type\":\"thinking\",\"thinking\":\"Let me see.\",\"signature\":"
              "\"EqQB\"},{\"type\":\"text\",\"text\":\"42\"}],\"stop_reason\":\"end_turn\","
              "\"stop_sequence\":null,\"usage\":{" ZERO "}}");
}

TEST(anthropic_client_that_did_not_ask_for_thinking_sees_none_without_a_signature)
{
    const struct canon_event events[] = {
        AT_START, OPENS(BLOCK_THINKING), SAYS(BLOCK_THINKING, "hm"),
        CLOSES,   OPENS(BLOCK_TEXT),     SAYS(BLOCK_TEXT, "a"),
        CLOSES,   STOPS(STOP_DONE),      ENDS,
    };
    CHECK_STR(rig_encode(t, ASK, false, events, COUNT(events)),
              MESSAGE(NO_USAGE) BLOCK(0, "\"type\":\"text\",\"text\":\"\"")
                  DELTA(0, "\"type\":\"text_delta\",\"text\":\"a\"") CLOSED(0)
                      STOPPED("end_turn", ZERO));
    CHECK_STR(
        rig_encode_whole(t, ASK, false, events, COUNT(events)),
        "{\"id\":\"msg_r1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
        "\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"stop_reason\":\"end_turn\",\"stop_"
        "sequence\":null,\"usage\":{" ZERO "}}");
}

/* Gemini signs its calls: a client of another protocol carries that in thinking without text. */
TEST(anthropic_client_carries_the_signature_of_a_call)
{
    const struct canon_event events[] = {
        AT_START,
        SIGNS(SIGNER_GOOGLE, "Q2dB"),
        CALLS("call_1", "f"),
        SAYS(BLOCK_TOOL, "{}"),
        CLOSES,
        STOPS(STOP_TOOL_USE),
        ENDS,
    };
#define CALL(index)                                                                     \
    BLOCK(index, "\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"input\":{}") \
    DELTA(index, "\"type\":\"input_json_delta\",\"partial_json\":\"{}\"") CLOSED(index)
    CHECK_STR(rig_encode(t, ASK, false, events, COUNT(events)),
              MESSAGE(NO_USAGE) THINKING(0) SIGNED(0, "gw1.goo.UTJkQg") CALL(1)
                  STOPPED("tool_use", ZERO));
    CHECK_STR(rig_encode_whole(t, ASK, false, events, COUNT(events)),
              "{\"id\":\"msg_r1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
              "\"content\":[{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"gw1.goo."
              "UTJkQg\"},{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"input\":{}}],"
              "\"stop_reason\":\"tool_use\",\"stop_sequence\":null,\"usage\":{" ZERO "}}");
}

TEST(anthropic_client_gets_encrypted_thinking_of_others_as_redacted)
{
    const struct canon_event events[] = {
        AT_START, OPENS(BLOCK_REDACTED), SIGNS(SIGNER_OPENAI, "gAAAAA"),
        CLOSES,   STOPS(STOP_DONE),      ENDS,
    };
    CHECK_STR(rig_encode(t, ASK, true, events, COUNT(events)),
              MESSAGE(NO_USAGE)
                  BLOCK(0, "\"type\":\"redacted_thinking\",\"data\":\"gw1.oai.Z0FBQUFB\"") CLOSED(0)
                      STOPPED("end_turn", ZERO));
    CHECK_STR(rig_encode_whole(t, ASK, true, events, COUNT(events)),
              "{\"id\":\"msg_r1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
              "\"content\":[{\"type\":\"redacted_thinking\",\"data\":\"gw1.oai.Z0FBQUFB\"}],"
              "\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{" ZERO "}}");
}

TEST(anthropic_client_sees_pages_cited_only_when_it_asked_for_a_search)
{
    const struct canon_event events[] = {
        AT_START,
        OPENS(BLOCK_TEXT),
        SAYS(BLOCK_TEXT, "a"),
        { .kind = CANON_NOTE,
          .block = BLOCK_TEXT,
          .note = { .url = STR("https://e.org"), .title = STR("E"), .wire = WIRE_GEMINI } },
        CLOSES,
        STOPS(STOP_DONE),
        ENDS,
    };
#define CITATION                                                                          \
    "{\"type\":\"web_search_result_location\",\"url\":\"https://e.org\",\"title\":\"E\"," \
    "\"cited_text\":\"\",\"encrypted_index\":\"\"}"
    CHECK_STR(rig_encode(t, SEARCH, true, events, COUNT(events)),
              MESSAGE(NO_USAGE) BLOCK(0, "\"type\":\"text\",\"text\":\"\"")
                  DELTA(0, "\"type\":\"text_delta\",\"text\":\"a\"")
                      DELTA(0, "\"type\":\"citations_delta\",\"citation\":" CITATION) CLOSED(0)
                          STOPPED("end_turn", ZERO));
    CHECK(str_find(rig_encode(t, ASK, true, events, COUNT(events)), STR("citation")) == SIZE_MAX);
    CHECK(str_find(rig_encode_whole(t, SEARCH, true, events, COUNT(events)),
                   STR("\"citations\":[" CITATION "]")) != SIZE_MAX);
    CHECK(str_find(rig_encode_whole(t, ASK, true, events, COUNT(events)), STR("citation")) ==
          SIZE_MAX);
}

TEST(anthropic_client_sees_what_a_server_did_only_of_anthropic)
{
    const struct canon_event events[] = {
        AT_START,
        { .kind = CANON_SERVER,
          .server = { .wire = WIRE_ANTHROPIC,
                      .raw = STR("{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"n\","
                                 "\"input\":{\"q\":\"x\"}}") } },
        { .kind = CANON_SERVER,
          .server = { .wire = WIRE_GEMINI, .raw = STR("{\"executableCode\":{}}") } },
        STOPS(STOP_DONE),
        ENDS,
    };
    CHECK_STR(
        rig_encode(t, ASK, true, events, COUNT(events)),
        MESSAGE(NO_USAGE)
            BLOCK(0, "\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"n\",\"input\":{}")
                DELTA(0, "\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\\\":\\\"x\\\"}\"")
                    CLOSED(0) STOPPED("end_turn", ZERO));
}

TEST(anthropic_client_is_told_of_pictures_it_cannot_get)
{
    const struct canon_event events[] = {
        AT_START,
        { .kind = CANON_MEDIA, .mime = TEXT_LIT("image/png"), .text = TEXT_LIT("QQ==") },
        STOPS(STOP_DONE),
        ENDS,
    };
    CHECK_STR(rig_encode(t, ASK, true, events, COUNT(events)),
              MESSAGE(NO_USAGE) BLOCK(0, "\"type\":\"text\",\"text\":\"\"")
                  DELTA(0, "\"type\":\"text_delta\",\"text\":\"[The answer holds image/png, which "
                           "this protocol cannot carry.]\"") CLOSED(0) STOPPED("end_turn", ZERO));
}

TEST(anthropic_client_sees_free_text_of_a_call_as_an_object)
{
    struct canon_event events[] = {
        AT_START, CALLS("call_1", "f"), SAYS(BLOCK_TOOL, "a \\\"b\\\"\\n"),
        CLOSES,   STOPS(STOP_TOOL_USE), ENDS,
    };
    events[1].custom = true;
    CHECK_STR(rig_encode(t, ASK, true, events, COUNT(events)),
              MESSAGE(NO_USAGE)
                  BLOCK(0, "\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"input\":{}")
                      DELTA(0, "\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"input\\\":"
                               "\\\"\"")
                          DELTA(0, "\"type\":\"input_json_delta\",\"partial_json\":\"a \\\\\\\"b"
                                   "\\\\\\\"\\\\n\"")
                              DELTA(0, "\"type\":\"input_json_delta\",\"partial_json\":\"\\\"}\"")
                                  CLOSED(0) STOPPED("tool_use", ZERO));
    CHECK(str_find(rig_encode_whole(t, ASK, true, events, COUNT(events)),
                   STR("\"input\":{\"input\":\"a \\\"b\\\"\\n\"}")) != SIZE_MAX);
}

TEST(anthropic_client_is_told_why_it_ended)
{
    static const struct {
        enum stop_cause cause;
        const char *detail, *want;
    } cases[] = {
        { STOP_DONE, "", "\"stop_reason\":\"end_turn\",\"stop_sequence\":null}" },
        { STOP_LENGTH, "", "\"stop_reason\":\"max_tokens\",\"stop_sequence\":null}" },
        { STOP_SEQUENCE, "\\n\\n",
          "\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"\\n\\n\"}" },
        { STOP_CONTEXT_FULL, "",
          "\"stop_reason\":\"model_context_window_exceeded\",\"stop_sequence\":null}" },
        { STOP_FILTER, "SAFETY", "\"stop_reason\":\"refusal\",\"stop_sequence\":null}" },
        { STOP_RECITATION, "", "\"stop_reason\":\"refusal\",\"stop_sequence\":null}" },
        { STOP_REFUSAL, "bio",
          "\"stop_reason\":\"refusal\",\"stop_sequence\":null,\"stop_details\":{\"type\":"
          "\"refusal\",\"category\":\"bio\",\"explanation\":null}}" },
        { STOP_REFUSAL, "because",
          "\"stop_reason\":\"refusal\",\"stop_sequence\":null,\"stop_details\":{\"type\":"
          "\"refusal\",\"category\":null,\"explanation\":\"because\"}}" },
        { STOP_PAUSE, "", "\"stop_reason\":\"pause_turn\",\"stop_sequence\":null}" },
        { STOP_BAD_TOOL_CALL, "MALFORMED", "\"stop_reason\":\"end_turn\",\"stop_sequence\":null}" },
        { STOP_OTHER, "", "\"stop_reason\":\"end_turn\",\"stop_sequence\":null}" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_event events[] = { AT_START, STOPS(STOP_NONE), ENDS };
        struct str want =
            arena_printf(&t->arena,
                         MESSAGE(NO_USAGE) "event: message_delta\ndata: {\"type\":\"message_delta\""
                                           ",\"delta\":{%s,\"usage\":{" ZERO
                                           "}}\n\nevent: message_stop\ndata: {\"type\":\"message_"
                                           "stop\"}\n\n",
                         cases[i].want);

        events[1].cause = cases[i].cause;
        events[1].detail = (struct text){ str_c(cases[i].detail) };
        CHECK_STRS(rig_encode(t, ASK, true, events, COUNT(events)), want, "%d", (int)i);
    }
}

TEST(anthropic_client_has_one_choice)
{
    struct canon_event events[] = {
        AT_START, OPENS(BLOCK_TEXT), SAYS(BLOCK_TEXT, "a"), CLOSES, STOPS(STOP_DONE), ENDS,
    };
    for (size_t i = 1; i < 5; i++)
        events[i].choice = 1;
    CHECK_STR(rig_encode(t, ASK, true, events, COUNT(events)),
              MESSAGE(NO_USAGE) STOPPED("end_turn", ZERO));
}
