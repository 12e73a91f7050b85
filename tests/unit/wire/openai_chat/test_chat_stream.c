/* Streams of this protocol: recorded ones in, what a client of it reads out. */
#include "chat_rig.h"

static struct canon_request client(bool usage)
{
    return (
        struct canon_request){ .protocol = WIRE_OPENAI_CHAT, .stream = true, .wants_usage = usage };
}

#define CHUNK(delta, reason)                                                               \
    "{\"id\":\"up\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt\"," \
    "\"choices\":[{\"index\":0,\"delta\":{" delta "},\"finish_reason\":" reason "}]}\n"
#define OUT(usage, delta, reason)                                                                \
    "data: {\"id\":\"chatcmpl-r1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000," \
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{" delta                                \
    "},\"logprobs\":null,\"finish_reason\":" reason "}]" usage "}\n\n"
#define ROLE "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"
#define NO_USAGE ",\"usage\":null"
#define DONE "data: [DONE]\n\n"

TEST(chat_plain_text_reads_like_the_worked_example)
{
    struct canon_request r = client(true);
    struct str got = chat_answer(
        t, WIRE_OPENAI_CHAT, &r,
        CHUNK(ROLE, "null") CHUNK("\"content\":\"Hel\"", "null") CHUNK("\"content\":\"lo\"", "null")
            CHUNK(
                "",
                "\"stop\"") "{\"id\":\"up\",\"choices\":[],\"usage\":{\"prompt_tokens\":12,"
                            "\"completion_tokens\":2,\"total_tokens\":14,\"prompt_tokens_details\":"
                            "{\"cached_tokens\":4}}}\n[DONE]",
        false);

    CHECK_STR(
        got,
        OUT(NO_USAGE, ROLE, "null") OUT(NO_USAGE, "\"content\":\"Hel\"",
                                        "null") OUT(NO_USAGE, "\"content\":\"lo\"", "null")
            OUT(NO_USAGE, "",
                "\"stop\"") "data: {\"id\":\"chatcmpl-r1\",\"object\":\"chat.completion.chunk\","
                            "\"created\":1700000000,\"model\":\"m\",\"choices\":[],\"usage\":{"
                            "\"prompt_tokens\":12,\"completion_tokens\":2,\"total_tokens\":14,"
                            "\"prompt_tokens_details\":{\"cached_tokens\":4},"
                            "\"completion_tokens_details\":{\"reasoning_tokens\":0}}}\n\n" DONE);
}

TEST(chat_two_calls_in_fragments_read_like_the_worked_example)
{
    struct canon_request r = client(false);
    struct str got = chat_answer(
        t, WIRE_OPENAI_CHAT, &r,
        CHUNK("\"content\":\"Checking.\"", "null") CHUNK(
            "\"tool_calls\":[{\"index\":0,\"id\":\"call_A\",\"type\":\"function\",\"function\":{"
            "\"name\":\"get_weather\",\"arguments\":\"\"}}]",
            "null")
            CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\"}}]",
                  "null")
                CHUNK(
                    "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\"Oslo\\\"}\"}}]",
                    "null")
                    CHUNK("\"tool_calls\":[{\"index\":1,\"id\":\"call_B\",\"type\":\"function\","
                          "\"function\":{\"name\":\"get_time\",\"arguments\":\"\"}}]",
                          "null")
                        CHUNK("\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{}\"}}]",
                              "null") CHUNK("", "\"tool_calls\"") "[DONE]",
        false);

    CHECK_STR(
        got,
        OUT("", ROLE, "null") OUT("", "\"content\":\"Checking.\"", "null") OUT(
            "",
            "\"tool_calls\":[{\"index\":0,\"id\":\"call_A\",\"type\":\"function\","
            "\"function\":{\"name\":\"get_weather\",\"arguments\":\"\"}}]",
            "null")
            OUT("",
                "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\"}}]",
                "null")
                OUT("",
                    "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\"Oslo\\\"}\"}}]",
                    "null")
                    OUT("",
                        "\"tool_calls\":[{\"index\":1,\"id\":\"call_B\",\"type\":\"function\","
                        "\"function\":{\"name\":\"get_time\",\"arguments\":\"\"}}]",
                        "null")
                        OUT("",
                            "\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{}\"}}]",
                            "null") OUT("", "", "\"tool_calls\"") DONE);
}

TEST(chat_whole_answer)
{
    struct canon_request r = client(false);
    struct str got = chat_answer(t, WIRE_OPENAI_CHAT, &r,
                                 CHUNK("\"reasoning_content\":\"hm\"", "null")
                                     CHUNK("\"content\":\"Hel\"", "null")
                                         CHUNK("\"content\":\"lo\"", "\"stop\"") "[DONE]",
                                 true);

    CHECK_STR(got, "{\"id\":\"chatcmpl-r1\",\"object\":\"chat.completion\",\"created\":1700000000,"
                   "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                   "\"content\":\"Hello\",\"refusal\":null,\"reasoning_content\":\"hm\"},"
                   "\"logprobs\":null,\"finish_reason\":\"stop\"}]}");
}

TEST(chat_request_goes_through)
{
    struct wire_target target = chat_target("gpt-4o");
    struct rewritten x = chat_rewrite(
        t, WIRE_OPENAI_CHAT,
        "{\"model\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"S\"},"
        "{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":null,"
        "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{\\\"a\\\":1}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\","
        "\"content\":\"ok\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}],"
        "\"temperature\":0.5,\"max_tokens\":10,\"tools\":[{\"type\":\"function\",\"function\":{"
        "\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}],\"stop\":\"x\"}",
        &target);

    CHECK_STR(x.complaint, "");
    CHECK_STR(x.dropped, "");
    CHECK_STR(
        x.body,
        "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"system\",\"content\":\"S\"},"
        "{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":null,"
        "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{\\\"a\\\":1}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\","
        "\"content\":\"ok\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}],"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
        "{\"type\":\"object\",\"properties\":{}}}}],\"max_completion_tokens\":10,"
        "\"temperature\":0.5,\"stop\":[\"x\"]}");
}
