/* tests/unit/wire/streams.h - one whole stream of each wire, as its provider sends it: preamble,
 * thinking or text, a tool call, usage, and the legal end. */
#ifndef PENSTOCK_TEST_WIRE_STREAMS_H
#define PENSTOCK_TEST_WIRE_STREAMS_H

#include "wire/protocol.h"

static const char chat_stream[] =
    "data: "
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\","
    "\"choices\":[{"
    "\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"finish_"
    "reason\":null}],"
    "\"usage\":null}\n\n"
    "data: "
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\","
    "\"choices\":[{"
    "\"index\":0,\"delta\":{\"content\":\"h\xc3\xa9llo\"},\"finish_reason\":null}],\"usage\":null}"
    "\n\n"
    ": keep-alive\n\n"
    "data: "
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\","
    "\"choices\":[{"
    "\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\","
    "\"function\":{"
    "\"name\":\"f\",\"arguments\":\"\"}}]},\"finish_reason\":null}],\"usage\":null}\n\n"
    "data: "
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\","
    "\"choices\":[{"
    "\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":"
    "\"}}]},"
    "\"finish_reason\":null}],\"usage\":null}\n\n"
    "data: "
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\","
    "\"choices\":[{"
    "\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]},"
    "\"finish_reason\":null}],\"usage\":null}\n\n"
    "data: "
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\","
    "\"choices\":[{"
    "\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}],\"usage\":null}\n\n"
    "data: "
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\","
    "\"choices\":[],"
    "\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":7,\"total_tokens\":107,\"prompt_tokens_"
    "details\":{"
    "\"cached_tokens\":60}}}\n\n"
    "data: [DONE]\n\n";

static const char responses_stream[] =
    "event: response.created\ndata: "
    "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\","
    "\"object\":\"response\",\"status\":\"in_progress\",\"model\":\"m-1\",\"output\":[],\"usage\":"
    "null}}\n\n"
    "event: response.in_progress\ndata: "
    "{\"type\":\"response.in_progress\",\"sequence_number\":1,\"response\":{\"id\":"
    "\"resp_1\",\"model\":\"m-1\"}}\n\n"
    "event: response.output_item.added\ndata: "
    "{\"type\":\"response.output_item.added\",\"sequence_number\":2,"
    "\"output_index\":0,\"item\":{\"id\":\"fc_1\",\"type\":\"function_call\",\"name\":\"f\",\"call_"
    "id\":\"c\","
    "\"arguments\":\"\"}}\n\n"
    "event: response.function_call_arguments.delta\ndata: "
    "{\"type\":\"response.function_call_arguments.delta\","
    "\"sequence_number\":3,\"output_index\":0,\"item_id\":\"fc_1\",\"delta\":\"{\\\"a\\\":1}\"}\n\n"
    "event: response.function_call_arguments.done\ndata: "
    "{\"type\":\"response.function_call_arguments.done\","
    "\"sequence_number\":4,\"output_index\":0,\"item_id\":\"fc_1\",\"arguments\":\"{\\\"a\\\":1}\"}"
    "\n\n"
    "event: response.output_item.done\ndata: "
    "{\"type\":\"response.output_item.done\",\"sequence_number\":5,"
    "\"output_index\":0,\"item\":{\"id\":\"fc_1\",\"type\":\"function_call\"}}\n\n"
    "event: response.completed\ndata: "
    "{\"type\":\"response.completed\",\"sequence_number\":6,\"response\":{\"id\":"
    "\"resp_1\",\"status\":\"completed\",\"model\":\"m-1\",\"output\":[],\"usage\":{\"input_"
    "tokens\":100,"
    "\"input_tokens_details\":{\"cached_tokens\":60},\"output_tokens\":7,\"output_tokens_details\":"
    "{"
    "\"reasoning_tokens\":3},\"total_tokens\":107}}}\n\n";

static const char anthropic_stream[] =
    "event: message_start\ndata: "
    "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
    "\"assistant\",\"model\":\"m-1\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_"
    "tokens\":40,"
    "\"cache_read_input_tokens\":60,\"cache_creation_input_tokens\":0,\"output_tokens\":1}}}\n\n"
    "event: ping\ndata: {\"type\": \"ping\"}\n\n"
    "event: content_block_start\ndata: "
    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
    "\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n"
    "event: content_block_delta\ndata: "
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
    "\"thinking_delta\",\"thinking\":\"hm\"}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
    "event: content_block_start\ndata: "
    "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
    "\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{}}}\n\n"
    "event: content_block_delta\ndata: "
    "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
    "\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\n\n"
    "event: content_block_delta\ndata: "
    "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
    "\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
    "event: message_delta\ndata: "
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\","
    "\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

static const char gemini_stream[] =
    "data: "
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"h\xc3\xa9\"}]},"
    "\"index\":0}],"
    "\"usageMetadata\":{\"promptTokenCount\":100,\"totalTokenCount\":100},\"modelVersion\":\"m-1\"}"
    "\r\n\r\n"
    "data: "
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":"
    "\"f\",\"args\":{"
    "\"a\":1}}}]},\"index\":0}],\"modelVersion\":\"m-1\"}\r\n\r\n"
    "data: "
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},"
    "\"finishReason\":\"STOP\","
    "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":100,\"cachedContentTokenCount\":60,"
    "\"candidatesTokenCount\":4,\"thoughtsTokenCount\":3,\"totalTokenCount\":107},\"modelVersion\":"
    "\"m-1\"}\r\n\r\n";

static const struct {
    const char *name;
    enum wire wire;
    struct str text;
} streams[] = {
    { "chat", WIRE_OPENAI_CHAT, { chat_stream, sizeof(chat_stream) - 1 } },
    { "responses", WIRE_OPENAI_RESPONSES, { responses_stream, sizeof(responses_stream) - 1 } },
    { "anthropic", WIRE_ANTHROPIC, { anthropic_stream, sizeof(anthropic_stream) - 1 } },
    { "gemini", WIRE_GEMINI, { gemini_stream, sizeof(gemini_stream) - 1 } },
};

#endif
