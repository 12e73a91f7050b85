/* Answers for Responses clients: whole streams byte for byte, and what must hold of any. */
#include "rig.h"

/* --- events of the tables below ---------------------------------------------------------------*/

#define START(of)                                                    \
    {                                                                \
        .kind = CANON_START, .id = STR(of), .model = STR("upstream") \
    }
#define OPEN(kind_of)                                \
    {                                                \
        .kind = CANON_OPEN, .block = BLOCK_##kind_of \
    }
#define OPEN_TOOL(id_of, name_of)                                                       \
    {                                                                                   \
        .kind = CANON_OPEN, .block = BLOCK_TOOL, .id = STR(id_of), .name = STR(name_of) \
    }
#define DELTA(kind_of, text_of)                                                 \
    {                                                                           \
        .kind = CANON_DELTA, .block = BLOCK_##kind_of, .text = { STR(text_of) } \
    }
#define CLOSE(kind_of)                                \
    {                                                 \
        .kind = CANON_CLOSE, .block = BLOCK_##kind_of \
    }
#define SIGNATURE(of, blob_of)                                                             \
    {                                                                                      \
        .kind = CANON_SIGNATURE, .sig = {.signer = SIGNER_##of, .blob = { STR(blob_of) } } \
    }
#define USAGE(in_of, cached, out_of, thought)                               \
    {                                                                       \
        .kind = CANON_USAGE, .usage = { in_of, out_of, cached, 0, thought } \
    }
#define FINISH(why)                               \
    {                                             \
        .kind = CANON_FINISH, .cause = STOP_##why \
    }
#define END               \
    {                     \
        .kind = CANON_END \
    }

static const struct canon_request asked = { .protocol = WIRE_OPENAI_RESPONSES };

/* --- worked examples --------------------------------------------------------------------------*/

static const char plain_text[] =
    "event: response.created\n"
    "data: "
    "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_r1\","
    "\"object\":\"response\",\"created_at\":1700000000,\"status\":\"in_progress\",\"error\":null,"
    "\"incomplete_details\":null,\"instructions\":null,\"metadata\":{},\"model\":\"m\",\"output\":["
    "],\"parallel_tool_calls\":true,\"temperature\":null,\"tool_choice\":\"auto\",\"tools\":[],"
    "\"top_p\":null,\"store\":false,\"usage\":null}}\n"
    "\n"
    "event: response.in_progress\n"
    "data: "
    "{\"type\":\"response.in_progress\",\"sequence_number\":1,\"response\":{\"id\":\"resp_r1\","
    "\"object\":\"response\",\"created_at\":1700000000,\"status\":\"in_progress\",\"error\":null,"
    "\"incomplete_details\":null,\"instructions\":null,\"metadata\":{},\"model\":\"m\",\"output\":["
    "],\"parallel_tool_calls\":true,\"temperature\":null,\"tool_choice\":\"auto\",\"tools\":[],"
    "\"top_p\":null,\"store\":false,\"usage\":null}}\n"
    "\n"
    "event: response.output_item.added\n"
    "data: "
    "{\"type\":\"response.output_item.added\",\"sequence_number\":2,\"output_index\":0,\"item\":{"
    "\"id\":\"msg_r1_0\",\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\","
    "\"content\":[]}}\n"
    "\n"
    "event: response.content_part.added\n"
    "data: "
    "{\"type\":\"response.content_part.added\",\"sequence_number\":3,\"item_id\":\"msg_r1_0\","
    "\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\","
    "\"annotations\":[],\"logprobs\":[]}}\n"
    "\n"
    "event: response.output_text.delta\n"
    "data: "
    "{\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"item_id\":\"msg_r1_0\","
    "\"output_index\":0,\"content_index\":0,\"delta\":\"Hel\",\"logprobs\":[]}\n"
    "\n"
    "event: response.output_text.delta\n"
    "data: "
    "{\"type\":\"response.output_text.delta\",\"sequence_number\":5,\"item_id\":\"msg_r1_0\","
    "\"output_index\":0,\"content_index\":0,\"delta\":\"lo\",\"logprobs\":[]}\n"
    "\n"
    "event: response.output_text.done\n"
    "data: "
    "{\"type\":\"response.output_text.done\",\"sequence_number\":6,\"item_id\":\"msg_r1_0\","
    "\"output_index\":0,\"content_index\":0,\"text\":\"Hello\",\"logprobs\":[]}\n"
    "\n"
    "event: response.content_part.done\n"
    "data: "
    "{\"type\":\"response.content_part.done\",\"sequence_number\":7,\"item_id\":\"msg_r1_0\","
    "\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"Hello\","
    "\"annotations\":[],\"logprobs\":[]}}\n"
    "\n"
    "event: response.output_item.done\n"
    "data: "
    "{\"type\":\"response.output_item.done\",\"sequence_number\":8,\"output_index\":0,\"item\":{"
    "\"id\":\"msg_r1_0\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\","
    "\"content\":[{\"type\":\"output_text\",\"text\":\"Hello\",\"annotations\":[],\"logprobs\":[]}]"
    "}}\n"
    "\n"
    "event: response.completed\n"
    "data: "
    "{\"type\":\"response.completed\",\"sequence_number\":9,\"response\":{\"id\":\"resp_r1\","
    "\"object\":\"response\",\"created_at\":1700000000,\"status\":\"completed\",\"error\":null,"
    "\"incomplete_details\":null,\"instructions\":null,\"metadata\":{},\"model\":\"m\",\"output\":["
    "{\"id\":\"msg_r1_0\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\","
    "\"content\":[{\"type\":\"output_text\",\"text\":\"Hello\",\"annotations\":[],\"logprobs\":[]}]"
    "}],\"parallel_tool_calls\":true,\"temperature\":null,\"tool_choice\":\"auto\",\"tools\":[],"
    "\"top_p\":null,\"store\":false,\"usage\":{\"input_tokens\":12,\"input_tokens_details\":{"
    "\"cached_tokens\":4,\"cache_write_tokens\":0},\"output_tokens\":2,\"output_tokens_details\":{"
    "\"reasoning_tokens\":0},\"total_tokens\":14}}}\n"
    "\n";

TEST(plain_text_byte_for_byte)
{
    static const struct canon_event events[] = {
        START("r1"), OPEN(TEXT),   DELTA(TEXT, "Hel"), DELTA(TEXT, "lo"),
        CLOSE(TEXT), FINISH(DONE), USAGE(12, 4, 2, 0), END,
    };
    struct encode_options o = rig_options(t, &asked, "r1");
    struct str got = rig_encode(t, &o, events, COUNT(events));

    CHECK_STR(got, plain_text);
    (void)rig_check_stream(t, got);
}

static const char two_calls[] =
    "event: response.output_item.added\n"
    "data: "
    "{\"type\":\"response.output_item.added\",\"sequence_number\":8,\"output_index\":1,\"item\":{"
    "\"id\":\"fc_r2_1\",\"type\":\"function_call\",\"status\":\"in_progress\",\"call_id\":\"call_"
    "A\",\"name\":\"get_weather\",\"arguments\":\"\"}}\n"
    "\n"
    "event: response.function_call_arguments.delta\n"
    "data: "
    "{\"type\":\"response.function_call_arguments.delta\",\"sequence_number\":9,\"item_id\":\"fc_"
    "r2_1\",\"output_index\":1,\"delta\":\"{\\\"city\\\":\"}\n"
    "\n"
    "event: response.function_call_arguments.delta\n"
    "data: "
    "{\"type\":\"response.function_call_arguments.delta\",\"sequence_number\":10,\"item_id\":\"fc_"
    "r2_1\",\"output_index\":1,\"delta\":\"\\\"Oslo\\\"}\"}\n"
    "\n"
    "event: response.function_call_arguments.done\n"
    "data: "
    "{\"type\":\"response.function_call_arguments.done\",\"sequence_number\":11,\"item_id\":\"fc_"
    "r2_1\",\"output_index\":1,\"name\":\"get_weather\",\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}"
    "\"}\n"
    "\n"
    "event: response.output_item.done\n"
    "data: "
    "{\"type\":\"response.output_item.done\",\"sequence_number\":12,\"output_index\":1,\"item\":{"
    "\"id\":\"fc_r2_1\",\"type\":\"function_call\",\"status\":\"completed\",\"call_id\":\"call_A\","
    "\"name\":\"get_weather\",\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"}}\n"
    "\n"
    "event: response.output_item.added\n"
    "data: "
    "{\"type\":\"response.output_item.added\",\"sequence_number\":13,\"output_index\":2,\"item\":{"
    "\"id\":\"fc_r2_2\",\"type\":\"function_call\",\"status\":\"in_progress\",\"call_id\":\"call_"
    "B\",\"name\":\"get_time\",\"arguments\":\"\"}}\n"
    "\n"
    "event: response.function_call_arguments.delta\n"
    "data: "
    "{\"type\":\"response.function_call_arguments.delta\",\"sequence_number\":14,\"item_id\":\"fc_"
    "r2_2\",\"output_index\":2,\"delta\":\"{}\"}\n"
    "\n"
    "event: response.function_call_arguments.done\n"
    "data: "
    "{\"type\":\"response.function_call_arguments.done\",\"sequence_number\":15,\"item_id\":\"fc_"
    "r2_2\",\"output_index\":2,\"name\":\"get_time\",\"arguments\":\"{}\"}\n"
    "\n"
    "event: response.output_item.done\n"
    "data: "
    "{\"type\":\"response.output_item.done\",\"sequence_number\":16,\"output_index\":2,\"item\":{"
    "\"id\":\"fc_r2_2\",\"type\":\"function_call\",\"status\":\"completed\",\"call_id\":\"call_B\","
    "\"name\":\"get_time\",\"arguments\":\"{}\"}}\n"
    "\n";

/* The events about the two calls: from the first to the last `output_index` 1 or 2. */
TEST(two_parallel_calls_byte_for_byte)
{
    static const struct canon_event events[] = {
        START("r2"),
        OPEN(TEXT),
        DELTA(TEXT, "Checking."),
        CLOSE(TEXT),
        OPEN_TOOL("call_A", "get_weather"),
        DELTA(TOOL, "{\\\"city\\\":"),
        DELTA(TOOL, "\\\"Oslo\\\"}"),
        CLOSE(TOOL),
        OPEN_TOOL("call_B", "get_time"),
        DELTA(TOOL, "{}"),
        CLOSE(TOOL),
        FINISH(TOOL_USE),
        USAGE(50, 0, 30, 0),
        END,
    };
    struct encode_options o = rig_options(t, &asked, "r2");
    struct str got = rig_encode(t, &o, events, COUNT(events));

    CHECK(str_find(got, str_c(two_calls)) != SIZE_MAX, "got %s", got.at);
    (void)rig_check_stream(t, got);
}

static const char thinking[] =
    "event: response.output_item.added\n"
    "data: "
    "{\"type\":\"response.output_item.added\",\"sequence_number\":2,\"output_index\":0,\"item\":{"
    "\"id\":\"rs_r3_0\",\"type\":\"reasoning\",\"status\":\"in_progress\",\"summary\":[]}}\n"
    "\n"
    "event: response.reasoning_summary_part.added\n"
    "data: "
    "{\"type\":\"response.reasoning_summary_part.added\",\"sequence_number\":3,\"item_id\":\"rs_r3_"
    "0\",\"output_index\":0,\"summary_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":\"\"}}"
    "\n"
    "\n"
    "event: response.reasoning_summary_text.delta\n"
    "data: "
    "{\"type\":\"response.reasoning_summary_text.delta\",\"sequence_number\":4,\"item_id\":\"rs_r3_"
    "0\",\"output_index\":0,\"summary_index\":0,\"delta\":\"Let me \"}\n"
    "\n"
    "event: response.reasoning_summary_text.delta\n"
    "data: "
    "{\"type\":\"response.reasoning_summary_text.delta\",\"sequence_number\":5,\"item_id\":\"rs_r3_"
    "0\",\"output_index\":0,\"summary_index\":0,\"delta\":\"see.\"}\n"
    "\n"
    "event: response.reasoning_summary_text.done\n"
    "data: "
    "{\"type\":\"response.reasoning_summary_text.done\",\"sequence_number\":6,\"item_id\":\"rs_r3_"
    "0\",\"output_index\":0,\"summary_index\":0,\"text\":\"Let me see.\"}\n"
    "\n"
    "event: response.reasoning_summary_part.done\n"
    "data: "
    "{\"type\":\"response.reasoning_summary_part.done\",\"sequence_number\":7,\"item_id\":\"rs_r3_"
    "0\",\"output_index\":0,\"summary_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":\"Let "
    "me see.\"}}\n"
    "\n"
    "event: response.output_item.done\n"
    "data: "
    "{\"type\":\"response.output_item.done\",\"sequence_number\":8,\"output_index\":0,\"item\":{"
    "\"id\":\"rs_r3_0\",\"type\":\"reasoning\",\"status\":\"completed\",\"summary\":[{\"type\":"
    "\"summary_text\",\"text\":\"Let me see.\"}],\"encrypted_content\":\"gw1.ant.RXFRQg\"}}\n"
    "\n";

TEST(thinking_with_a_foreign_signature_byte_for_byte)
{
    static const struct canon_event events[] = {
        START("r3"),
        OPEN(THINKING),
        DELTA(THINKING, "Let me "),
        DELTA(THINKING, "see."),
        SIGNATURE(ANTHROPIC, "EqQB"),
        CLOSE(THINKING),
        OPEN(TEXT),
        DELTA(TEXT, "42"),
        CLOSE(TEXT),
        FINISH(DONE),
        USAGE(20, 0, 15, 10),
        END,
    };
    struct encode_options o = rig_options(t, &asked, "r3");
    struct str got = rig_encode(t, &o, events, COUNT(events));

    CHECK(str_find(got, str_c(thinking)) != SIZE_MAX, "got %s", got.at);
    (void)rig_check_stream(t, got);
}

/* --- ends -------------------------------------------------------------------------------------*/

/* What `stream` says behind `from`, as far as `until`; for looking at one event. */
static struct str between(struct test *t, struct str stream, const char *from, const char *until)
{
    size_t at = str_find(stream, str_c(from)), end;

    if (!CHECK(at != SIZE_MAX, "no `%s` in %s", from, stream.at))
        return STR("");
    stream = str_drop(stream, at);
    end = str_find(stream, str_c(until));
    return str_take(stream, end == SIZE_MAX ? stream.len : end);
}

TEST(an_answer_cut_by_the_limit_is_incomplete_and_so_is_its_last_item)
{
    static const struct canon_event events[] = {
        START("r5"),       OPEN(TEXT), DELTA(TEXT, "Once upon"), CLOSE(TEXT), FINISH(LENGTH),
        USAGE(5, 0, 2, 0), END,
    };
    struct encode_options o = rig_options(t, &asked, "r5");
    struct str got = rig_encode(t, &o, events, COUNT(events));

    CHECK_STR(
        between(t, got, "event: response.incomplete", "\n\n"),
        "event: response.incomplete\ndata: {\"type\":\"response.incomplete\",\"sequence_number\":8,"
        "\"response\":{\"id\":\"resp_r5\",\"object\":\"response\",\"created_at\":1700000000,"
        "\"status\":\"incomplete\",\"error\":null,\"incomplete_details\":{\"reason\":"
        "\"max_output_tokens\"},\"instructions\":null,\"metadata\":{},\"model\":\"m\",\"output\":[{"
        "\"id\":\"msg_r5_0\",\"type\":\"message\",\"status\":\"incomplete\",\"role\":\"assistant\","
        "\"content\":[{\"type\":\"output_text\",\"text\":\"Once upon\",\"annotations\":[],"
        "\"logprobs\":[]}]}],\"parallel_tool_calls\":true,\"temperature\":null,\"tool_choice\":"
        "\"auto\",\"tools\":[],\"top_p\":null,\"store\":false,\"usage\":{\"input_tokens\":5,"
        "\"input_tokens_details\":{\"cached_tokens\":0,\"cache_write_tokens\":0},"
        "\"output_tokens\":2,\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":"
        "7}}}");
    (void)rig_check_stream(t, got);
}

TEST(causes_become_status_and_reason)
{
    static const struct {
        enum stop_cause cause;
        bool refusal;
        const char *want;
    } cases[] = {
        { STOP_DONE, false, "\"status\":\"completed\",\"error\":null,\"incomplete_details\":null" },
        { STOP_SEQUENCE, false, "\"status\":\"completed\"" },
        { STOP_TOOL_USE, false, "\"status\":\"completed\"" },
        { STOP_PAUSE, false, "\"status\":\"completed\"" },
        { STOP_BAD_TOOL_CALL, false, "\"status\":\"completed\"" },
        { STOP_OTHER, false, "\"status\":\"completed\"" },
        { STOP_REFUSAL, true, "\"status\":\"completed\"" },
        { STOP_REFUSAL, false, "{\"reason\":\"content_filter\"}" },
        { STOP_FILTER, false, "{\"reason\":\"content_filter\"}" },
        { STOP_RECITATION, false, "{\"reason\":\"content_filter\"}" },
        { STOP_LENGTH, false, "{\"reason\":\"max_output_tokens\"}" },
        { STOP_CONTEXT_FULL, false, "{\"reason\":\"max_output_tokens\"}" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct canon_event events[] = {
            START("r"),
            { .kind = CANON_OPEN, .block = cases[i].refusal ? BLOCK_REFUSAL : BLOCK_TEXT },
            DELTA(TEXT, "No."),
            CLOSE(TEXT),
            { .kind = CANON_FINISH, .cause = cases[i].cause },
            END,
        };
        struct encode_options o = rig_options(t, &asked, "r");
        struct str response = rig_check_stream(t, rig_encode(t, &o, events, COUNT(events)));

        CHECK(str_find(response, str_c(cases[i].want)) != SIZE_MAX, "cause %d: %s",
              (int)cases[i].cause, response.at);
        CHECK_STRS(rig_encode_whole(t, &o, events, COUNT(events)), response, "cause %d",
                   (int)cases[i].cause);
    }
}

TEST(an_empty_answer_has_no_items)
{
    static const struct canon_event events[] = { START("r6"), FINISH(DONE), END };
    struct encode_options o = rig_options(t, &asked, "r6");
    struct str response = rig_check_stream(t, rig_encode(t, &o, events, COUNT(events)));

    CHECK(str_find(response, STR("\"output\":[]")) != SIZE_MAX);
    CHECK(str_find(response, STR("\"usage\":null")) != SIZE_MAX);
}

TEST(counts_that_nobody_said_are_no_less_than_what_they_hold)
{
    static const struct {
        struct usage usage;
        const char *want;
    } cases[] = {
        { { -1, -1, -1, -1, -1 }, "\"usage\":null" },
        { { 12, -1, 4, -1, 10 },
          "\"usage\":{\"input_tokens\":12,\"input_tokens_details\":{\"cached_tokens\":4,"
          "\"cache_write_tokens\":0},\"output_tokens\":10,\"output_tokens_details\":{"
          "\"reasoning_tokens\":10},\"total_tokens\":22}" },
        { { -1, 3, 4, 5, -1 },
          "\"usage\":{\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":4,"
          "\"cache_write_tokens\":5},\"output_tokens\":3,\"output_tokens_details\":{"
          "\"reasoning_tokens\":0},\"total_tokens\":12}" },
        { { INT64_MAX, 3, 0, 0, 0 }, "\"total_tokens\":9223372036854775807}" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct canon_event events[] = {
            START("r"), { .kind = CANON_USAGE, .usage = cases[i].usage }, FINISH(DONE), END
        };
        struct encode_options o = rig_options(t, &asked, "r");
        struct str response = rig_check_stream(t, rig_encode(t, &o, events, COUNT(events)));

        CHECK(str_find(response, str_c(cases[i].want)) != SIZE_MAX, "%s", response.at);
    }
}

TEST(what_the_request_said_is_said_again_on_one_line)
{
    static const struct str force = STR("f");
    static const struct canon_event events[] = { START("r"), FINISH(DONE), END };
    struct canon_request r = {
        .protocol = WIRE_OPENAI_RESPONSES,
        .metadata = STR("{\n  \"a\": \"b c\"\r\n}"),
        .temperature = STR("0.50"),
        .top_p = STR("1"),
        .parallel_tools = TRI_NO,
        .choice = { .mode = CHOICE_ONE, .names = &force, .name_count = 1 },
    };
    struct encode_options o = rig_options(t, &r, "r");
    struct str response = rig_check_stream(t, rig_encode(t, &o, events, COUNT(events)));

    CHECK_STR(between(t, response, "\"metadata\"", ",\"usage\""),
              "\"metadata\":{  \"a\": \"b c\"},\"model\":\"m\",\"output\":[],"
              "\"parallel_tool_calls\":false,\"temperature\":0.50,\"tool_choice\":{\"type\":"
              "\"function\",\"name\":\"f\"},\"tools\":[],\"top_p\":1,\"store\":false");
}

TEST(the_phase_of_a_text_is_told)
{
    static const struct canon_event events[] = {
        START("r"),
        { .kind = CANON_OPEN, .block = BLOCK_TEXT, .phase = PHASE_COMMENTARY },
        DELTA(TEXT, "a"),
        CLOSE(TEXT),
        OPEN(TEXT),
        DELTA(TEXT, "b"),
        CLOSE(TEXT),
        FINISH(DONE),
        END,
    };
    struct encode_options o = rig_options(t, &asked, "r");
    struct str response = rig_check_stream(t, rig_encode(t, &o, events, COUNT(events)));

    CHECK_STRS(rig_encode_whole(t, &o, events, COUNT(events)), response);
    CHECK_STR(between(t, response, "\"output\":", ",\"parallel"),
              "\"output\":[{\"id\":\"msg_r_0\",\"type\":\"message\",\"status\":\"completed\","
              "\"role\":\"assistant\",\"phase\":\"commentary\",\"content\":[{\"type\":"
              "\"output_text\",\"text\":\"a\",\"annotations\":[],\"logprobs\":[]}]},{\"id\":"
              "\"msg_r_1\",\"type\":\"message\",\"status\":\"completed\",\"role\":"
              "\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"b\","
              "\"annotations\":[],\"logprobs\":[]}]}]");
}

/* --- tools ------------------------------------------------------------------------------------*/

static struct str output_of(struct test *t, const struct encode_options *o,
                            const struct canon_event *events, size_t count)
{
    struct str response = rig_check_stream(t, rig_encode(t, o, events, count));

    CHECK_STRS(rig_encode_whole(t, o, events, count), response, "the whole answer");
    return between(t, response, "\"output\":", ",\"parallel_tool_calls\"");
}

TEST(a_custom_tool_that_the_target_knew_as_a_function_gets_its_text)
{
    static const struct canon_event events[] = {
        START("r"),
        OPEN_TOOL("toolu_1", "apply_patch"),
        DELTA(TOOL, "{\\\"input\\\": \\\"*** Begin\\\\n+\\\\\\\"x"),
        DELTA(TOOL, "\\\\\\\"\\\"}"),
        CLOSE(TOOL),
        FINISH(TOOL_USE),
        END,
    };
    struct rig_request *q =
        rig_read(t, "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":\"custom\",\"name\":"
                    "\"apply_patch\"}]}");
    struct encode_options o = rig_options(t, &q->r, "r");
    struct str got = rig_encode(t, &o, events, COUNT(events));

    CHECK_STR(output_of(t, &o, events, COUNT(events)),
              "\"output\":[{\"id\":\"ctc_r_0\",\"type\":\"custom_tool_call\",\"status\":"
              "\"completed\",\"call_id\":\"toolu_1\",\"name\":\"apply_patch\",\"input\":\"*** "
              "Begin\\n+\\\"x\\\"\"}]");
    CHECK_STR(between(t, got, "event: response.custom_tool_call_input.delta", "event: response.o"),
              "event: response.custom_tool_call_input.delta\ndata: {\"type\":"
              "\"response.custom_tool_call_input.delta\",\"sequence_number\":3,\"item_id\":"
              "\"ctc_r_0\",\"output_index\":0,\"delta\":\"*** Begin\\n+\\\"x\\\"\"}\n\n"
              "event: response.custom_tool_call_input.done\ndata: {\"type\":"
              "\"response.custom_tool_call_input.done\",\"sequence_number\":4,\"item_id\":"
              "\"ctc_r_0\",\"output_index\":0,\"input\":\"*** Begin\\n+\\\"x\\\"\"}\n\n");
}

TEST(a_custom_call_that_is_no_object_is_its_own_input)
{
    static const struct canon_event events[] = {
        START("r"),
        OPEN_TOOL("c", "apply_patch"),
        DELTA(TOOL, "{\\\"patch\\\":1}"),
        CLOSE(TOOL),
        FINISH(TOOL_USE),
        END,
    };
    struct rig_request *q =
        rig_read(t, "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":\"custom\",\"name\":"
                    "\"apply_patch\"}]}");
    struct encode_options o = rig_options(t, &q->r, "r");

    CHECK_STR(output_of(t, &o, events, COUNT(events)),
              "\"output\":[{\"id\":\"ctc_r_0\",\"type\":\"custom_tool_call\",\"status\":"
              "\"completed\",\"call_id\":\"c\",\"name\":\"apply_patch\",\"input\":"
              "\"{\\\"patch\\\":1}\"}]");
}

TEST(names_and_namespaces_come_back_as_the_client_knows_them)
{
    static const struct canon_event events[] = {
        START("r"),        OPEN_TOOL("", "mcp__docs__search"),
        DELTA(TOOL, "{}"), CLOSE(TOOL),
        FINISH(TOOL_USE),  END,
    };
    struct rig_request *q =
        rig_read(t, "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":\"namespace\",\"name\":"
                    "\"mcp__docs\",\"tools\":[{\"type\":\"function\",\"name\":\"search\"}]}]}");
    struct encode_options o = rig_options(t, &q->r, "r");
    struct name_map names;

    names_make(&names, &q->r, WIRE_ANTHROPIC, &t->arena);
    o.names = &names;
    CHECK_STR(output_of(t, &o, events, COUNT(events)),
              "\"output\":[{\"id\":\"fc_r_0\",\"type\":\"function_call\",\"status\":\"completed\","
              "\"call_id\":\"call_r_0\",\"name\":\"search\",\"namespace\":\"mcp__docs\","
              "\"arguments\":\"{}\"}]");
}

/* --- thinking ---------------------------------------------------------------------------------*/

TEST(parts_of_a_summary_stay_apart)
{
    static const struct canon_event events[] = {
        START("r"),
        OPEN(THINKING),
        DELTA(THINKING, "one"),
        { .kind = CANON_DELTA,
          .block = BLOCK_THINKING,
          .text = { STR("two") },
          .summary_break = true },
        CLOSE(THINKING),
        FINISH(DONE),
        END,
    };
    struct encode_options o = rig_options(t, &asked, "r");
    struct str got = rig_encode(t, &o, events, COUNT(events));

    CHECK_STR(between(t, rig_check_stream(t, got), "\"output\":", ",\"parallel"),
              "\"output\":[{\"id\":\"rs_r_0\",\"type\":\"reasoning\",\"status\":\"completed\","
              "\"summary\":[{\"type\":\"summary_text\",\"text\":\"one\"},{\"type\":"
              "\"summary_text\",\"text\":\"two\"}]}]");
    CHECK(str_find(got, STR("\"summary_index\":1,\"delta\":\"two\"")) != SIZE_MAX);
}

/* Reads the answer's output as the input of the client's next request. */
static struct rig_request *read_back(struct test *t, struct str output)
{
    struct str list = str_drop(output, sizeof("\"output\":") - 1);

    return rig_read(
        t, arena_printf(&t->arena, "{\"model\":\"m\",\"input\":%.*s}", (int)list.len, list.at).at);
}

TEST(C36_redacted_thinking_goes_to_the_client_and_comes_back)
{
    static const struct canon_event events[] = {
        START("r"),
        OPEN(REDACTED),
        { .kind = CANON_SIGNATURE,
          .sig = { .signer = SIGNER_ANTHROPIC, .blob = { STR("DATA") }, .redacted = true } },
        CLOSE(REDACTED),
        FINISH(DONE),
        END,
    };
    struct encode_options o = rig_options(t, &asked, "r");
    struct str output = output_of(t, &o, events, COUNT(events));
    struct rig_request *q = read_back(t, output);

    CHECK(str_find(output, STR("\"summary\":[],\"encrypted_content\":\"gw1.an")) != SIZE_MAX, "%s",
          output.at);
    if (!CHECK(q->good && q->r.messages != NULL && q->r.messages->parts != NULL))
        return;
    CHECK_INT(q->r.messages->parts->kind, PART_REDACTED);
    CHECK_INT(q->r.messages->parts->sig.signer, SIGNER_ANTHROPIC);
    CHECK_STR(q->r.messages->parts->sig.blob.escaped, "DATA");
}

TEST(thinking_that_was_not_shown_comes_back_as_thinking)
{
    static const struct canon_event events[] = {
        START("r"),      OPEN(THINKING), SIGNATURE(ANTHROPIC, "EqQB"),
        CLOSE(THINKING), FINISH(DONE),   END,
    };
    struct encode_options o = rig_options(t, &asked, "r");
    struct rig_request *q = read_back(t, output_of(t, &o, events, COUNT(events)));

    if (CHECK(q->good && q->r.messages != NULL && q->r.messages->parts != NULL)) {
        CHECK_INT(q->r.messages->parts->kind, PART_THINKING);
        CHECK_STR(q->r.messages->parts->sig.blob.escaped, "EqQB");
    }
}

TEST(a_signature_of_a_call_stands_in_front_of_it_and_one_of_a_text_behind_it)
{
    static const struct canon_event events[] = {
        START("r"),          OPEN(TEXT),
        DELTA(TEXT, "a"),    SIGNATURE(GOOGLE, "AAAA"),
        CLOSE(TEXT),         SIGNATURE(GOOGLE, "BBBB"),
        OPEN_TOOL("c", "f"), CLOSE(TOOL),
        FINISH(TOOL_USE),    END,
    };
    static const struct {
        enum part_kind kind;
        const char *blob;
    } want[] = {
        { PART_TEXT, "" },
        { PART_THINKING, "AAAA" },
        { PART_THINKING, "BBBB" },
        { PART_TOOL_CALL, "" },
    };
    struct encode_options o = rig_options(t, &asked, "r");
    struct rig_request *q = read_back(t, output_of(t, &o, events, COUNT(events)));
    const struct part *p;

    if (!CHECK(q->good && q->r.messages != NULL))
        return;
    p = q->r.messages->parts;
    for (size_t i = 0; i < COUNT(want); i++, p = p->next) {
        if (!CHECK(p != NULL, "part %zu", i))
            return;
        CHECK_INT(p->kind, want[i].kind, "part %zu", i);
        CHECK_STR(p->sig.blob.escaped, want[i].blob, "part %zu", i);
    }
}

/* --- citations, pictures, searches ------------------------------------------------------------*/

TEST(citations_stand_behind_the_text)
{
    static const struct canon_event events[] = {
        START("r"),
        OPEN(TEXT),
        { .kind = CANON_NOTE, .note = { .url = STR("http://a"), .title = STR("A"), .start = -1 } },
        DELTA(TEXT, "\\u00d8yer"),
        { .kind = CANON_NOTE,
          .note = { .url = STR("http://b"), .title = STR(""), .start = 1, .end = 3 } },
        { .kind = CANON_NOTE, .note = { .title = STR("a document without address"), .start = -1 } },
        CLOSE(TEXT),
        { .kind = CANON_NOTE,
          .note = { .raw = STR("{\"type\":\"file_citation\",\n\"file_id\":\"f\",\"index\":0}"),
                    .wire = WIRE_OPENAI_RESPONSES } },
        FINISH(DONE),
        END,
    };
    struct encode_options o = rig_options(t, &asked, "r");
    struct str got = rig_encode(t, &o, events, COUNT(events));

    CHECK_STR(between(t, rig_check_stream(t, got), "\"annotations\"", ",\"logprobs\""),
              "\"annotations\":[{\"type\":\"url_citation\",\"url\":\"http://a\",\"title\":\"A\","
              "\"start_index\":0,\"end_index\":4},{\"type\":\"url_citation\",\"url\":\"http://b\","
              "\"title\":\"\",\"start_index\":1,\"end_index\":3},{\"type\":\"file_citation\","
              "\"file_id\":\"f\",\"index\":0}]");
    CHECK(str_find(got, STR("\"content_index\":0,\"annotation_index\":2,\"annotation\":{\"type\":"
                            "\"file_citation\"")) != SIZE_MAX);
    CHECK(str_find(got, STR("annotation.added")) < str_find(got, STR("output_text.done")));
}

TEST(what_the_provider_made_and_searched_become_items)
{
    static const struct canon_event events[] = {
        START("r"),
        { .kind = CANON_MEDIA, .mime = { STR("image/png") }, .text = { STR("iVBO") } },
        { .kind = CANON_MEDIA, .mime = { STR("audio/wav") }, .text = { STR("AAAA") } },
        { .kind = CANON_SERVER,
          .server = { .wire = WIRE_ANTHROPIC,
                      .type = STR("server_tool_use"),
                      .name = STR("web_search"),
                      .raw = STR("{\"input\":{\"query\":\"a \\\"b\\\"\"}}") } },
        { .kind = CANON_SERVER,
          .server = { .wire = WIRE_ANTHROPIC,
                      .type = STR("web_search_tool_result"),
                      .raw = STR("{\"content\":[]}") } },
        { .kind = CANON_SERVER,
          .server = { .wire = WIRE_OPENAI_RESPONSES,
                      .type = STR("local_shell_call"),
                      .raw = STR("{\"type\":\"local_shell_call\"}") } },
        OPEN(TEXT),
        DELTA(TEXT, "x"),
        CLOSE(TEXT),
        FINISH(DONE),
        END,
    };
    struct encode_options o = rig_options(t, &asked, "r");

    CHECK_STR(output_of(t, &o, events, COUNT(events)),
              "\"output\":[{\"id\":\"ig_r_0\",\"type\":\"image_generation_call\",\"status\":"
              "\"completed\",\"output_format\":\"png\",\"result\":\"iVBO\"},{\"id\":\"ws_r_1\","
              "\"type\":\"web_search_call\",\"status\":\"completed\",\"action\":{\"type\":"
              "\"search\",\"query\":\"a \\\"b\\\"\"}},{\"type\":\"local_shell_call\"},{\"id\":"
              "\"msg_r_3\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\","
              "\"content\":[{\"type\":\"output_text\",\"text\":\"x\",\"annotations\":[],"
              "\"logprobs\":[]}]}]");
}

/* --- any answer -------------------------------------------------------------------------------*/

#define RANDOM_ANSWERS 500
#define RANDOM_EVENTS 64

static void random_block(struct test *t, struct canon_event *events, size_t *count)
{
    static const struct canon_event texts[] = { DELTA(TEXT, "a"), DELTA(TEXT, "\\u00e6\\n"),
                                                DELTA(TEXT, "") };
    static const struct canon_event whole[] = {
        { .kind = CANON_MEDIA, .mime = { STR("image/webp") }, .text = { STR("AAAA") } },
        { .kind = CANON_SERVER,
          .server = { .wire = WIRE_OPENAI_RESPONSES, .raw = STR("{\"type\":\"x_call\"}") } },
    };
    enum block_kind kind = (enum block_kind)test_below(t, 6);
    bool tool = kind == BLOCK_TOOL;

    if (test_below(t, 6) == 0) {
        events[(*count)++] = whole[test_below(t, COUNT(whole))];
        return;
    }
    kind = kind > BLOCK_REDACTED ? BLOCK_TEXT : kind;
    events[(*count)++] = (struct canon_event){ .kind = CANON_OPEN,
                                               .block = kind,
                                               .id = tool ? STR("call_1") : STR(""),
                                               .name = tool ? STR("f") : STR(""),
                                               .custom = tool && test_below(t, 3) == 0 };
    for (size_t n = kind == BLOCK_REDACTED ? 0 : test_below(t, 4); n > 0; n--) {
        events[*count] = texts[test_below(t, COUNT(texts))];
        events[(*count)++].block = kind;
    }
    if (kind == BLOCK_TEXT && test_below(t, 3) == 0)
        events[(*count)++] =
            (struct canon_event){ .kind = CANON_NOTE,
                                  .note = { .url = STR("http://a"), .start = -1, .end = -1 } };
    if (kind == BLOCK_REDACTED || (kind == BLOCK_THINKING && test_below(t, 2) == 0))
        events[(*count)++] = (struct canon_event)SIGNATURE(ANTHROPIC, "EqQB");
    events[(*count)++] = (struct canon_event){ .kind = CANON_CLOSE, .block = kind };
}

TEST(any_stream_keeps_the_grammar_and_ends_with_the_whole_answer)
{
    for (int n = 0; n < RANDOM_ANSWERS; n++) {
        struct canon_event events[RANDOM_EVENTS] = { START("r") };
        struct encode_options o = rig_options(t, &asked, "0123456789abcdef");
        size_t count = 1;

        for (size_t blocks = test_below(t, 6); blocks > 0; blocks--)
            random_block(t, events, &count);
        if (test_below(t, 2) == 0)
            events[count++] = (struct canon_event)USAGE(10, 2, 5, 1);
        events[count++] =
            (struct canon_event){ .kind = CANON_FINISH,
                                  .cause = (enum stop_cause)(1 + test_below(t, STOP_OTHER)) };
        events[count++] = (struct canon_event)END;
        if (!CHECK_STRS(rig_check_stream(t, rig_encode(t, &o, events, count)),
                        rig_encode_whole(t, &o, events, count), "answer %d", n))
            return;
    }
}
