/* Streams and answers of Responses upstreams as events: in full, and as servers abbreviate them. */
#include "rig.h"

#define CREATED                                                                        \
    "data: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":" \
    "\"resp_1\",\"object\":\"response\",\"status\":\"in_progress\",\"model\":\"gpt\"}}\n\n"
#define USAGE                                                                       \
    "\"usage\":{\"input_tokens\":12,\"input_tokens_details\":{\"cached_tokens\":4," \
    "\"cache_write_tokens\":0},\"output_tokens\":9,\"output_tokens_details\":{"     \
    "\"reasoning_tokens\":3},\"total_tokens\":21}"
#define COMPLETED                                                                        \
    "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"status\":" \
    "\"completed\",\"output\":[]," USAGE "}}\n\n"
#define EVENT(type, members) "data: {\"type\":\"" type "\"," members "}\n\n"
#define ADDED(index, item) \
    EVENT("response.output_item.added", "\"output_index\":" index ",\"item\":" item)
#define DONE(index, item) \
    EVENT("response.output_item.done", "\"output_index\":" index ",\"item\":" item)
#define ENDS "usage(12,4,9,3) "

static const struct {
    const char *name, *stream, *want;
} streams[] = {
    { "text in full",
      "event: response.created\n" CREATED "event: response.in_progress\ndata: "
      "{\"type\":\"response.in_progress\",\"response\":{\"id\":\"resp_1\"}}\n\n" ADDED(
          "0", "{\"id\":\"msg_1\",\"type\":\"message\",\"status\":\"in_progress\",\"content\":[]}")
          EVENT("response.content_part.added",
                "\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\","
                "\"text\":\"\"}") EVENT("response.output_text.delta",
                                        "\"output_index\":0,\"delta\":\"Hel\",\"logprobs\":[]")
              EVENT("response.output_text.delta",
                    "\"output_index\":0,\"delta\":\"lo\",\"obfuscation\":\"x9\"")
                  EVENT("response.output_text.done", "\"text\":\"Hello\"")
                      EVENT("response.content_part.done",
                            "\"part\":{\"type\":\"output_text\",\"text\":\"Hello\"}")
                          DONE("0", "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\","
                                    "\"text\":\"Hello\"}]}") COMPLETED,
      "start(resp_1,gpt) open(text) +Hel +lo close " ENDS "finish(done) end" },
    { "the codex backend: nothing but done items, an empty output at the end",
      CREATED EVENT("codex.rate_limits", "\"rate_limits\":{}") EVENT("response.metadata", "\"x\":1")
          DONE("0", "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":"
                    "\"output_text\",\"text\":\"Hello\"}]}") COMPLETED,
      "start(resp_1,gpt) open(text) +Hello close " ENDS "finish(done) end" },
    { "no items at all: the last event holds them",
      "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"model\":\"gpt\","
      "\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"content\":[{\"type\":"
      "\"output_text\",\"text\":\"Hello\"}]}]," USAGE "}}\n\n",
      "start(resp_1,gpt) open(text) +Hello close " ENDS "finish(done) end" },
    { "deltas of a message that was not announced",
      CREATED EVENT("response.output_text.delta", "\"delta\":\"Hel\"")
          EVENT("response.output_text.delta", "\"delta\":\"lo\"")
              DONE("0", "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":"
                        "\"Hello\"}]}") COMPLETED,
      "start(resp_1,gpt) open(text) +Hel +lo close " ENDS "finish(done) end" },
    { "two parallel calls",
      CREATED ADDED("0", "{\"id\":\"fc_1\",\"type\":\"function_call\",\"call_id\":\"call_a\","
                         "\"name\":\"f\",\"arguments\":\"\"}")
          EVENT("response.function_call_arguments.delta", "\"output_index\":0,\"delta\":\"{\\\"a\"")
              EVENT("response.function_call_arguments.delta",
                    "\"output_index\":0,\"delta\":\"\\\":1}\"")
                  EVENT("response.function_call_arguments.done",
                        "\"output_index\":0,\"arguments\":\"{\\\"a\\\":1}\"")
                      DONE("0", "{\"type\":\"function_call\",\"call_id\":\"call_a\",\"name\":\"f\","
                                "\"arguments\":\"{\\\"a\\\":1}\"}")
                          ADDED("1", "{\"type\":\"function_call\",\"call_id\":\"call_b\",\"name\":"
                                     "\"g\",\"namespace\":\"ns\",\"arguments\":\"\"}")
                              DONE("1", "{\"type\":\"function_call\",\"call_id\":\"call_b\","
                                        "\"name\":\"g\",\"namespace\":\"ns\",\"arguments\":\"{}\"}")
                                  COMPLETED,
      "start(resp_1,gpt) open(tool,call_a,f) +{\\\"a +\\\":1} close open(tool,call_b,g@ns) +{} "
      "close " ENDS "finish(tool_use) end" },
    { "arguments in the done event alone",
      CREATED ADDED("0", "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\"}")
          EVENT("response.function_call_arguments.done", "\"output_index\":0,\"arguments\":\"{}\"")
              DONE("0", "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
                        "\"arguments\":\"{}\"}") COMPLETED,
      "start(resp_1,gpt) open(tool,c,f) +{} close " ENDS "finish(tool_use) end" },
    { "a call that begins inside of another waits for its end",
      CREATED ADDED("0", "{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"f\"}")
          ADDED("1", "{\"type\":\"function_call\",\"call_id\":\"b\",\"name\":\"g\"}") EVENT(
              "response.function_call_arguments.delta", "\"output_index\":1,\"delta\":\"{\"")
              EVENT("response.function_call_arguments.delta", "\"output_index\":0,\"delta\":\"{}\"")
                  EVENT("response.function_call_arguments.delta",
                        "\"output_index\":1,\"delta\":\"}\"")
                      DONE("1", "{\"type\":\"function_call\",\"call_id\":\"b\",\"name\":\"g\","
                                "\"arguments\":\"{}\"}")
                          DONE("0", "{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":"
                                    "\"f\",\"arguments\":\"{}\"}") COMPLETED,
      "start(resp_1,gpt) open(tool,a,f) +{} close open(tool,b,g) +{} close " ENDS
      "finish(tool_use) end" },
    { "a custom tool",
      CREATED ADDED("0",
                    "{\"type\":\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"apply_patch\","
                    "\"input\":\"\"}")
          EVENT("response.custom_tool_call_input.delta", "\"output_index\":0,\"delta\":\"***\"")
              EVENT("response.custom_tool_call_input.done", "\"input\":\"***\"")
                  DONE("0", "{\"type\":\"custom_tool_call\",\"call_id\":\"c\",\"name\":"
                            "\"apply_patch\",\"input\":\"***\"}") COMPLETED,
      "start(resp_1,gpt) open(tool,c,apply_patch,custom) +*** close " ENDS "finish(tool_use) end" },
    { "a summary of two parts, and what is encrypted",
      CREATED ADDED("0", "{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[],"
                         "\"encrypted_content\":\"half\"}")
          EVENT("response.reasoning_summary_part.added", "\"summary_index\":0") EVENT(
              "response.reasoning_summary_text.delta", "\"summary_index\":0,\"delta\":\"one\"")
              EVENT("response.reasoning_summary_text.done", "\"summary_index\":0,\"text\":\"one\"")
                  EVENT("response.reasoning_summary_text.delta",
                        "\"summary_index\":1,\"delta\":\"two\"")
                      DONE("0", "{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[{"
                                "\"type\":\"summary_text\",\"text\":\"one\"},{\"type\":"
                                "\"summary_text\",\"text\":\"two\"}],\"encrypted_content\":"
                                "\"gAAAAx\"}")
                          DONE("1", "{\"type\":\"message\",\"content\":[{\"type\":"
                                    "\"output_text\",\"text\":\"42\"}]}") COMPLETED,
      "start(resp_1,gpt) open(thinking) +one |two sig(3,gAAAAx,rs_1) close open(text) +42 "
      "close " ENDS "finish(done) end" },
    { "a summary without deltas",
      CREATED DONE("0", "{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[{\"text\":\"one\"},{"
                        "\"text\":\"two\"}]}") COMPLETED,
      "start(resp_1,gpt) open(thinking) +one |two close " ENDS "finish(done) end" },
    { "encrypted reasoning alone",
      CREATED DONE("0", "{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[],"
                        "\"encrypted_content\":\"gAAAAx\"}") COMPLETED,
      "start(resp_1,gpt) open(thinking) sig(3,gAAAAx,rs_1) close " ENDS "finish(done) end" },
    { "the thoughts themselves",
      CREATED ADDED("0", "{\"type\":\"reasoning\",\"summary\":[]}")
          EVENT("response.reasoning_text.delta", "\"content_index\":0,\"delta\":\"hm\"")
              EVENT("response.reasoning_text.done", "\"content_index\":0,\"text\":\"hm\"")
                  DONE("0", "{\"type\":\"reasoning\",\"content\":[{\"type\":\"reasoning_text\","
                            "\"text\":\"hm\"}]}") COMPLETED,
      "start(resp_1,gpt) open(thinking) +hm close " ENDS "finish(done) end" },
    { "phases of a turn",
      CREATED ADDED("0", "{\"type\":\"message\",\"phase\":\"commentary\"}")
          EVENT("response.output_text.delta", "\"output_index\":0,\"delta\":\"a\"")
              DONE("0", "{\"type\":\"message\",\"phase\":\"commentary\"}")
                  DONE("1", "{\"type\":\"message\",\"phase\":\"final_answer\",\"content\":[{"
                            "\"type\":\"output_text\",\"text\":\"b\"}]}")
                      DONE("2", "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\","
                                "\"text\":\"c\"}]}") COMPLETED,
      "start(resp_1,gpt) open(text,commentary) +a close open(text,final) +b close open(text) +c "
      "close " ENDS "finish(done) end" },
    { "a refusal", CREATED EVENT("response.refusal.delta", "\"delta\":\"No.\"") COMPLETED,
      "start(resp_1,gpt) open(refusal) +No. close " ENDS "finish(refusal) end" },
    { "citations",
      CREATED EVENT("response.output_text.delta", "\"delta\":\"Oslo\"")
          EVENT("response.output_text.annotation.added",
                "\"annotation\":{\"type\":\"url_citation\",\"url\":\"http://a\",\"title\":\"A\","
                "\"start_index\":0,\"end_index\":4}")
              EVENT("response.content_part.done",
                    "\"part\":{\"type\":\"output_text\",\"text\":\"Oslo\",\"annotations\":[{"
                    "\"url\":\"http://a\",\"start_index\":0,\"end_index\":4},{\"url\":\"http://b\","
                    "\"start_index\":1,\"end_index\":2}]}") COMPLETED,
      "start(resp_1,gpt) open(text) +Oslo note(http://a,0,4) note(http://b,1,2) close " ENDS
      "finish(done) end" },
    { "a picture and a search",
      CREATED ADDED("0", "{\"type\":\"web_search_call\"}")
          EVENT("response.web_search_call.searching", "\"output_index\":0")
              DONE("0", "{\"id\":\"ws_1\",\"type\":\"web_search_call\",\"action\":{}}")
                  DONE("1", "{\"id\":\"ig_1\",\"type\":\"image_generation_call\",\"result\":"
                            "\"AAAA\",\"output_format\":\"webp\"}") COMPLETED,
      "start(resp_1,gpt) server(web_search_call,web_search) media(image/webp,AAAA) " ENDS
      "finish(done) end" },
    { "a surrogate pair cut in two",
      CREATED EVENT("response.output_text.delta", "\"delta\":\"\\ud83d\"")
          EVENT("response.output_text.delta", "\"delta\":\"\\ude00\"") COMPLETED,
      "start(resp_1,gpt) open(text) +\\ud83d\\ude00 close " ENDS "finish(done) end" },
    { "C42: cut by the limit",
      CREATED EVENT(
          "response.output_text.delta",
          "\"delta\":\"Once\"") "data: "
                                "{\"type\":\"response.incomplete\",\"response\":{\"status\":"
                                "\"incomplete\","
                                "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}," USAGE
                                "}}\n\n",
      "start(resp_1,gpt) open(text) +Once close " ENDS "finish(length) end" },
    { "blocked",
      CREATED "data: {\"type\":\"response.incomplete\",\"response\":{\"incomplete_details\":{"
              "\"reason\":\"content_filter\"}}}\n\n",
      "start(resp_1,gpt) finish(filter) end" },
    { "failed", CREATED EVENT("response.failed", "\"response\":{\"error\":{}}"),
      "start(resp_1,gpt) error" },
    { "an error event", CREATED EVENT("error", "\"code\":\"x\",\"message\":\"y\""),
      "start(resp_1,gpt) error" },
    { "an error without a type", "data: {\"error\":{\"message\":\"x\"}}\n\n", "error" },
    { "the codex backend's own form of an error", "data: {\"detail\":\"x\"}\n\n", "error" },
    { "the end is missing", CREATED EVENT("response.output_text.delta", "\"delta\":\"Par\""),
      "start(resp_1,gpt) open(text) +Par cut" },
    { "[DONE] is no end", CREATED "data: [DONE]\n\n", "start(resp_1,gpt) cut" },
    { "text inside of what proves to be a call",
      CREATED ADDED("0", "{\"type\":\"message\"}")
          EVENT("response.output_text.delta", "\"output_index\":0,\"delta\":\"a\"")
              DONE("0", "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
                        "\"arguments\":\"{}\"}") COMPLETED,
      "start(resp_1,gpt) open(text) +a close open(tool,c,f) +{} close " ENDS
      "finish(tool_use) end" },
    { "arguments that something else has left without their call",
      CREATED ADDED("0", "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\"}")
          EVENT("response.output_text.delta", "\"output_index\":0,\"delta\":\"a\"")
              DONE("0", "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
                        "\"arguments\":\"{}\"}") COMPLETED,
      "start(resp_1,gpt) open(tool,c,f) close open(text) +a close cut" },
    { "a delta in an event that has none",
      CREATED EVENT("response.output_item.added", "\"delta\":\"x\"")
          EVENT("response.output_item.done", "\"delta\":\"x\"")
              EVENT("response.created", "\"delta\":\"x\"") COMPLETED,
      "start(resp_1,gpt) " ENDS "finish(done) end" },
    { "an event of nobody", "data: {}\n\n" CREATED COMPLETED,
      "bad start(resp_1,gpt) " ENDS "finish(done) end" },
};

TEST(streams_become_events)
{
    for (size_t i = 0; i < COUNT(streams); i++)
        CHECK_STR(rig_decode(t, str_c(streams[i].stream)), streams[i].want, "%s", streams[i].name);
}

TEST(a_whole_answer_becomes_events)
{
    static const struct {
        const char *name, *body, *want;
    } cases[] = {
        { "text, call, reasoning",
          "{\"id\":\"resp_1\",\"model\":\"gpt\",\"status\":\"completed\",\"error\":null,"
          "\"output\":[{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],"
          "\"encrypted_content\":\"gAAAAx\"},{\"type\":\"message\",\"content\":[{\"type\":"
          "\"output_text\",\"text\":\"a\"},{\"type\":\"output_text\",\"text\":\"b\"}]},{\"type\":"
          "\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"}]," USAGE "}",
          "start(resp_1,gpt) open(thinking) sig(3,gAAAAx,rs_1) close open(text) +a close "
          "open(text) +b close open(tool,c,f) +{} close " ENDS "finish(tool_use) end" },
        { "nothing", "{\"id\":\"r\",\"model\":\"gpt\",\"status\":\"completed\",\"output\":[]}",
          "start(r,gpt) finish(done) end" },
        { "cut",
          "{\"id\":\"r\",\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":"
          "\"max_output_tokens\"},\"output\":[]}",
          "start(r,) finish(length) end" },
        { "goes on", "{\"id\":\"r\",\"status\":\"in_progress\",\"output\":[]}", "cut" },
        { "says neither anything nor that it ends", "{\"id\":\"r\",\"output\":[]}", "cut" },
        { "failed", "{\"status\":\"failed\",\"error\":{\"code\":\"x\"},\"output\":[]}", "error" },
        { "no answer at all", "{\"hello\":1}", "cut" },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(rig_decode_whole(t, str_c(cases[i].body)), cases[i].want, "%s", cases[i].name);
}
