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
