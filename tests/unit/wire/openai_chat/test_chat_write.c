/* What a request says to OpenAI and to servers that are compatible with it, and what it loses. */
#include "chat_rig.h"

#define CHAT WIRE_OPENAI_CHAT
#define ANTHROPIC WIRE_ANTHROPIC
#define GEMINI WIRE_GEMINI
#define RESPONSES WIRE_OPENAI_RESPONSES

enum place { OPENAI, COMPATIBLE, PLAIN, COPILOT };

static struct wire_target target_at(enum place place, const char *model)
{
    struct wire_target target = chat_target(model);

    target.own_service = place == OPENAI;
    if (place == COPILOT)
        target.dialect = DIALECT_COPILOT;
    if (place == PLAIN) /* it takes text and tools */
        target.lacks = (struct wire_lacks){
            .stream_options = true,
            .max_completion_tokens = true,
            .developer_role = true,
            .parallel_tool_calls = true,
            .reasoning_effort = true,
            .json_schema = true,
            .strict = true,
            .array_content = true,
            .null_content = true,
            .sampling = true,
            .images = true,
        };
    return target;
}

#define ASK(more) "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]" more "}"
#define CLAUDE(more)                                                                               \
    "{\"model\":\"a\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]" more \
    "}"
#define GOOGLE(more) "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}]" more "}"
#define CODEX(more) "{\"model\":\"a\",\"input\":\"hi\"" more "}"
#define ONE_TOOL "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"
#define ONE_SAID                                                                               \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":" \
    "\"object\",\"properties\":{}}}}]"

#define SHAPE                                                                                 \
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]," \
    "\"additionalProperties\":false}"

/* `want` stands behind the one message, `hi`; with a `!` in front it is the complaint. */
static const struct {
    const char *name;
    enum wire protocol;
    const char *body;
    enum place place;
    const char *model, *want, *dropped;
} cases[] = {
    { "nothing", CHAT, ASK(""), OPENAI, "gpt-4o", "", "" },
    /* limits */
    { "the limit elsewhere", CHAT, ASK(",\"max_completion_tokens\":5"), COMPATIBLE, "llama",
      ",\"max_tokens\":5", "" },
    { "the limit of a reasoning model elsewhere", CHAT, ASK(",\"max_tokens\":5"), COMPATIBLE,
      "gpt-5.2", ",\"max_completion_tokens\":5", "" },
    { "beyond what the model can", CHAT, ASK(",\"max_tokens\":99999"), OPENAI, "gpt-4o",
      ",\"max_completion_tokens\":16384", "max_tokens~" },
    { "Copilot wants a limit for Claude", CHAT, ASK(""), COPILOT, "claude-sonnet-4.5",
      ",\"max_tokens\":64000", "" },
    /* sampling */
    { "sampling of a plain model", CHAT,
      ASK(",\"temperature\":0.50,\"top_p\":1,\"frequency_penalty\":-1,\"presence_penalty\":1e0,"
          "\"seed\":-7,\"logit_bias\":{\"1\":2}"),
      OPENAI, "gpt-4o",
      ",\"temperature\":0.50,\"top_p\":1,\"frequency_penalty\":-1,\"presence_penalty\":1e0,"
      "\"seed\":-7,\"logit_bias\":{\"1\":2}",
      "" },
    { "a reasoning model samples by itself", CHAT,
      ASK(",\"temperature\":0.5,\"top_p\":1,\"seed\":1"), OPENAI, "gpt-5.2", ",\"seed\":1",
      "temperature,top_p" },
    { "… unless it does not reason", CHAT,
      ASK(",\"temperature\":0.5,\"reasoning_effort\":\"none\""), OPENAI, "gpt-5.2",
      ",\"reasoning_effort\":\"none\",\"temperature\":0.5", "" },
    { "a server that samples by itself", CHAT, ASK(",\"temperature\":0.5"), PLAIN, "llama", "",
      "temperature" },
    { "top_k at OpenAI", CHAT, ASK(",\"top_k\":5,\"min_p\":0.1,\"repetition_penalty\":1.1"), OPENAI,
      "gpt-4o", "", "top_k,min_p,repetition_penalty" },
    { "top_k of a client of this protocol", CHAT, ASK(",\"top_k\":5"), COMPATIBLE, "llama",
      ",\"top_k\":5", "" },
    { "top_k of another client", GEMINI, GOOGLE(",\"generationConfig\":{\"topK\":5}"), COMPATIBLE,
      "llama", "", "generationConfig.topK" },
    { "log probabilities have no place in an answer", CHAT,
      ASK(",\"logprobs\":true,\"top_logprobs\":2"), OPENAI, "gpt-4o", "", "logprobs,top_logprobs" },
    { "several answers", GEMINI, GOOGLE(",\"generationConfig\":{\"candidateCount\":2}"), OPENAI,
      "gpt-4o", ",\"n\":2", "" },
    { "one answer", CHAT, ASK(",\"n\":1"), OPENAI, "gpt-4o", "", "" },
    /* reasoning */
    { "an effort", CHAT, ASK(",\"reasoning_effort\":\"low\""), OPENAI, "gpt-5.2",
      ",\"reasoning_effort\":\"low\"", "" },
    { "the nearest effort", CHAT, ASK(",\"reasoning_effort\":\"max\""), OPENAI, "gpt-5.2",
      ",\"reasoning_effort\":\"xhigh\"", "reasoning_effort~" },
    { "off where it cannot be", CHAT, ASK(",\"reasoning_effort\":\"none\""), OPENAI, "o3",
      ",\"reasoning_effort\":\"low\"", "reasoning_effort~" },
    { "a model that does not reason", CHAT, ASK(",\"reasoning_effort\":\"low\""), OPENAI, "gpt-4o",
      "", "reasoning_effort" },
    { "off for a model that does not reason", CHAT, ASK(",\"reasoning_effort\":\"none\""), OPENAI,
      "gpt-4o", "", "" },
    { "an effort of Anthropic's client", ANTHROPIC,
      CLAUDE(",\"output_config\":{\"effort\":\"low\"}"), OPENAI, "gpt-5.2",
      ",\"max_completion_tokens\":9,\"reasoning_effort\":\"low\"", "" },
    { "a budget", ANTHROPIC, CLAUDE(",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}"),
      OPENAI, "gpt-5.2", ",\"max_completion_tokens\":9,\"reasoning_effort\":\"low\"", "thinking~" },
    { "a budget for a server of unknown kind", ANTHROPIC,
      CLAUDE(",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}"), COMPATIBLE, "llama",
      ",\"max_tokens\":9", "thinking" },
    { "an effort goes to any server as it is", CHAT, ASK(",\"reasoning_effort\":\"minimal\""),
      COMPATIBLE, "llama", ",\"reasoning_effort\":\"minimal\"", "" },
    { "… that takes it", CHAT, ASK(",\"reasoning_effort\":\"minimal\""), PLAIN, "llama", "",
      "reasoning_effort" },
    { "tools over chat without reasoning", CHAT, ASK("," ONE_TOOL ",\"reasoning_effort\":\"low\""),
      OPENAI, "gpt-5.6", "," ONE_SAID ",\"reasoning_effort\":\"none\"", "reasoning_effort~" },
    { "shown thinking", RESPONSES, CODEX(",\"reasoning\":{\"summary\":\"auto\"}"), OPENAI,
      "gpt-5.2", "", "reasoning.summary" },
    /* stop sequences */
    { "four of five, the fifth is watched for", CHAT,
      ASK(",\"stop\":[\"a\",\"b\",\"\",\"c\",\"d\",\"e\"]"), OPENAI, "gpt-4o",
      ",\"stop\":[\"a\",\"b\",\"c\",\"d\"]", "" },
    { "all are watched for", CHAT, ASK(",\"stop\":\"a\""), OPENAI, "gpt-5.2", "", "" },
    /* tools */
    { "a tool", CHAT,
      ASK("," ONE_TOOL ",\"tool_choice\":\"required\",\"parallel_tool_calls\":true"), OPENAI,
      "gpt-4o", "," ONE_SAID ",\"tool_choice\":\"required\",\"parallel_tool_calls\":true", "" },
    { "a choice without tools", CHAT,
      ASK(",\"tool_choice\":\"required\",\"parallel_tool_calls\":"
          "true"),
      OPENAI, "gpt-4o", "", "tool_choice" },
    { "no choice without tools", CHAT, ASK(",\"tool_choice\":\"none\""), OPENAI, "gpt-4o", "", "" },
    { "one at a time where that cannot be said", CHAT,
      ASK("," ONE_TOOL ",\"parallel_tool_calls\":"
          "false"),
      PLAIN, "llama", "," ONE_SAID, "parallel_tool_calls" },
    { "strict", CHAT,
      ASK(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true,"
          "\"parameters\":" SHAPE "}}]"),
      OPENAI, "gpt-4o",
      ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":" SHAPE
      ",\"strict\":true}}]",
      "" },
    { "strict where it is not known", CHAT,
      ASK(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true,"
          "\"parameters\":" SHAPE "}}]"),
      PLAIN, "llama",
      ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":" SHAPE "}}]",
      "tools[0].strict" },
    { "some tools of several", CHAT,
      ASK(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":"
          "\"function\","
          "\"function\":{\"name\":\"g\"}}],\"tool_choice\":{\"type\":\"allowed_tools\","
          "\"allowed_tools\":{\"mode\":\"auto\",\"tools\":[{\"type\":\"function\",\"function\":"
          "{\"name\":\"f\"}}]}}"),
      COMPATIBLE, "llama", "," ONE_SAID ",\"tool_choice\":\"auto\"", "" },
    { "some tools, said to OpenAI", CHAT,
      ASK("," ONE_TOOL ",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":"
          "\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}}"),
      OPENAI, "gpt-4o",
      "," ONE_SAID ",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":"
      "\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}}",
      "" },
    { "a custom tool with a grammar", RESPONSES,
      CODEX(",\"tools\":[{\"type\":\"custom\",\"name\":\"p\",\"format\":{\"type\":\"grammar\","
            "\"syntax\":\"lark\",\"definition\":\"x\"}}],\"tool_choice\":{\"type\":\"custom\","
            "\"name\":\"p\"}"),
      OPENAI, "gpt-5.2",
      ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"p\",\"format\":{\"type\":"
      "\"grammar\","
      "\"grammar\":{\"syntax\":\"lark\",\"definition\":\"x\"}}}}],\"tool_choice\":{\"type\":"
      "\"custom\",\"custom\":{\"name\":\"p\"}}",
      "" },
    { "a custom tool as a function", CHAT,
      ASK(",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"p\",\"description\":\"d\","
          "\"format\":{\"type\":\"text\"}}}]"),
      OPENAI, "gpt-4o",
      ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"p\",\"description\":"
      "\"d\\n\\nThe "
      "input has this format: {\\\"type\\\":\\\"text\\\"}\",\"parameters\":{\"type\":\"object\","
      "\"properties\":{\"input\":{\"type\":\"string\"}},\"required\":[\"input\"]}}}]",
      "tools[0]~" },
    { "a tool of some server", CHAT, ASK(",\"tools\":[{\"type\":\"crystal_ball\",\"x\":1}]"),
      OPENAI, "gpt-4o", "", "tools[0]" },
    { "web search of a model that searches", RESPONSES,
      CODEX(",\"tools\":[{\"type\":\"web_search\"}]"), OPENAI, "gpt-4o-search-preview",
      ",\"web_search_options\":{}", "tools[0]~" },
    { "web search of one that does not", RESPONSES, CODEX(",\"tools\":[{\"type\":\"web_search\"}]"),
      OPENAI, "gpt-4o", "", "tools[0]" },
    /* the form of the answer */
    { "a schema", CHAT,
      ASK(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
          "\"description\":\"d\",\"strict\":true,\"schema\":" SHAPE "}}"),
      OPENAI, "gpt-4o",
      ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
      "\"description\":\"d\",\"schema\":" SHAPE ",\"strict\":true}}",
      "" },
    { "a schema without a name", ANTHROPIC,
      CLAUDE(",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":" SHAPE "}}"),
      OPENAI, "gpt-4o",
      ",\"max_completion_tokens\":9,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
      "{\"name\":\"answer\",\"schema\":" SHAPE "}}",
      "" },
    { "JSON of a client of this protocol", CHAT,
      ASK(",\"response_format\":{\"type\":\"json_object\"}"), OPENAI, "gpt-4o",
      ",\"response_format\":{\"type\":\"json_object\"}", "" },
    /* modalities */
    { "text alone", CHAT, ASK(",\"modalities\":[\"text\"]"), OPENAI, "gpt-4o", "", "" },
    { "pictures of a server that makes them", GEMINI,
      GOOGLE(",\"generationConfig\":{\"responseModalities\":[\"TEXT\",\"IMAGE\"],\"imageConfig\":"
             "{\"aspectRatio\":\"16:9\",\"imageSize\":\"2K\"}}"),
      COMPATIBLE, "painter",
      ",\"modalities\":[\"image\",\"text\"],\"image_config\":{\"aspect_ratio\":\"16:9\","
      "\"image_size\":\"2K\"}",
      "" },
    { "pictures of which only the size is said", GEMINI,
      GOOGLE(",\"generationConfig\":{\"imageConfig\":{\"imageSize\":\"4K\"}}"), COMPATIBLE,
      "painter", ",\"modalities\":[\"image\",\"text\"],\"image_config\":{\"image_size\":\"4K\"}",
      "" },
    { "pictures, and no pictures", GEMINI,
      GOOGLE(",\"generationConfig\":{\"responseModalities\":[\"TEXT\"],\"imageConfig\":"
             "{\"imageSize\":\"4K\"}}"),
      COMPATIBLE, "painter", "", "generationConfig.imageConfig" },
    { "pictures of OpenAI's chat", GEMINI,
      GOOGLE(",\"generationConfig\":{\"responseModalities\":[\"IMAGE\"]}"), OPENAI, "gpt-4o",
      "!generationConfig.responseModalities: asks for pictures: this model makes none", "" },
    { "sound", CHAT, ASK(",\"modalities\":[\"text\",\"audio\"],\"audio\":{\"format\":\"wav\"}"),
      OPENAI, "gpt-4o", "!modalities: asks for sound, which translated answers cannot carry", "" },
    /* what only OpenAI documents */
    { "for OpenAI", CHAT,
      ASK(",\"verbosity\":\"low\",\"service_tier\":\"flex\",\"user\":\"u\",\"safety_identifier\":"
          "\"s\",\"prompt_cache_key\":\"k\",\"metadata\":{\"a\":\"b\"},\"store\":false,"
          "\"prediction\":{\"type\":\"content\"},\"prompt_cache_retention\":\"24h\""),
      OPENAI, "gpt-5.2",
      ",\"service_tier\":\"flex\",\"user\":\"u\",\"safety_identifier\":\"s\",\"verbosity\":\"low\","
      "\"prompt_cache_key\":\"k\",\"metadata\":{\"a\":\"b\"},\"store\":false,"
      "\"prompt_cache_retention\":\"24h\",\"prediction\":{\"type\":\"content\"}",
      "" },
    { "for others", RESPONSES,
      CODEX(",\"text\":{\"verbosity\":\"low\"},\"service_tier\":\"flex\",\"user\":\"u\","
            "\"safety_identifier\":\"s\",\"prompt_cache_key\":\"k\",\"metadata\":{\"a\":\"b\"},"
            "\"store\":true"),
      COMPATIBLE, "llama", ",\"user\":\"u\"",
      "service_tier,safety_identifier,text.verbosity,prompt_cache_key,metadata,store" },
    { "a tier of Anthropic's", ANTHROPIC, CLAUDE(",\"service_tier\":\"standard_only\""), OPENAI,
      "gpt-4o", ",\"max_completion_tokens\":9,\"service_tier\":\"default\"", "service_tier~" },
    { "a long name of a user", ANTHROPIC,
      CLAUDE(",\"metadata\":{\"user_id\":\"01234567890123456789012345678901234567890123456789012345"
             "678901234\"}"),
      OPENAI, "gpt-4o",
      ",\"max_completion_tokens\":9,\"user\":\"user_1ecbe7522e3734bde23dae1aa133bbcf\"",
      "metadata.user_id~" },
    { "safety settings", GEMINI, GOOGLE(",\"safetySettings\":[]"), OPENAI, "gpt-4o", "",
      "safetySettings" },
};

TEST(chat_requests_say_what_the_target_takes)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wire_target target = target_at(cases[i].place, cases[i].model);
        struct rewritten x = chat_rewrite(t, cases[i].protocol, cases[i].body, &target);
        struct str front = arena_printf(&t->arena,
                                        "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\","
                                        "\"content\":\"hi\"}]",
                                        cases[i].model);

        if (cases[i].want[0] == '!') {
            CHECK_STR(x.complaint, cases[i].want + 1, "%s", cases[i].name);
            continue;
        }
        CHECK_STR(x.complaint, "", "%s", cases[i].name);
        if (CHECK(str_starts(x.body, front), "%s: %.*s", cases[i].name, (int)x.body.len, x.body.at))
            CHECK_STR(str_drop_last(str_drop(x.body, front.len), 1), cases[i].want, "%s",
                      cases[i].name);
        CHECK_STR(x.dropped, cases[i].dropped, "%s", cases[i].name);
    }
}

/* --- messages ---------------------------------------------------------------------------------*/

#define LONG_CLAUDE                                                                                \
    "{\"model\":\"a\",\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"S1\","            \
    "\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\",\"text\":\"S2\"}],"            \
    "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\","            \
    "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}},{\"type\":\"document\",\"title\":" \
    "\"T\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"doc\"}},"        \
    "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\","   \
    "\"data\":\"AAAA\"}},{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"http://a\"}}"  \
    "]},{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","          \
    "\"signature\":\"EqQB\"},{\"type\":\"text\",\"text\":\"A\"},{\"type\":\"tool_use\",\"id\":"    \
    "\"t1\",\"name\":\"f\",\"input\":{\"a\":1}},{\"type\":\"text\",\"text\":\"B\"}]},{\"role\":"   \
    "\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\"},{\"type\":\"text\","  \
    "\"text\":\"more\"}]}]}"
#define FILES                                                                                 \
    "{\"type\":\"text\",\"text\":\"T\\n\\ndoc\"},{\"type\":\"file\",\"file\":{\"file_data\":" \
    "\"data:application/pdf;base64,AAAA\",\"filename\":\"document.pdf\"}},{\"type\":"         \
    "\"image_url\",\"image_url\":{\"url\":\"http://a\"}}"
#define CALLED(id)                                                                           \
    "\"tool_calls\":[{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"f\"," \
    "\"arguments\":\"{\\\"a\\\":1}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"" id          \
    "\",\"content\":\"\"},{\"role\":\"user\",\"content\":\"more\"}]"

static struct str messages_of(struct test *t, struct str body)
{
    size_t from = str_find(body, STR("\"messages\":[")), to = str_find(body, STR("],\"max_"));

    (void)t;
    if (from == SIZE_MAX)
        return body;
    return str_drop(str_take(body, to == SIZE_MAX ? body.len - 1 : to + 1), from + 11);
}

TEST(chat_messages_of_a_long_conversation)
{
    struct wire_target own = target_at(OPENAI, "gpt-5.2"), marks = target_at(OPENAI, "gpt-6-sol"),
                       other = target_at(COMPATIBLE, "llama");
    struct rewritten x = chat_rewrite(t, ANTHROPIC, LONG_CLAUDE, &own);

    CHECK_STR(
        messages_of(t, x.body),
        "[{\"role\":\"developer\",\"content\":\"S1\"},{\"role\":\"developer\",\"content\":"
        "\"S2\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}," FILES
        "]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"A\"},{\"type\":"
        "\"text\",\"text\":\"B\"}]," CALLED("t1"));
    CHECK_STR(
        x.dropped,
        "messages[1].content[0],system[0].cache_control,messages[0].content[0].cache_control");
    /* the newest models take cache breakpoints */
    x = chat_rewrite(t, ANTHROPIC, LONG_CLAUDE, &marks);
    CHECK(str_starts(messages_of(t, x.body),
                     STR("[{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"S1\","
                         "\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}]},{\"role\":"
                         "\"developer\",\"content\":\"S2\"},{\"role\":\"user\",\"content\":["
                         "{\"type\":\"text\",\"text\":\"hi\",\"prompt_cache_breakpoint\":{\"mode\":"
                         "\"explicit\",\"ttl\":\"30m\"}}," FILES)),
          "%.*s", (int)x.body.len, x.body.at);
    CHECK_STR(x.dropped, "messages[1].content[0]");
    /* others take one system message, and an assistant's text as a string */
    x = chat_rewrite(t, ANTHROPIC, LONG_CLAUDE, &other);
    CHECK_STR(messages_of(t, x.body),
              "[{\"role\":\"system\",\"content\":\"S1\\n\\nS2\"},{\"role\":\"user\",\"content\":["
              "{\"type\":\"text\",\"text\":\"hi\"}," FILES "]},{\"role\":\"assistant\",\"content\":"
              "\"A\\nB\"," CALLED("t1"));
    /* what such a server can beyond the wire */
    other.extras.replay_reasoning = true;
    other.extras.tool_id_len = 9;
    x = chat_rewrite(t, ANTHROPIC, LONG_CLAUDE, &other);
    CHECK(str_find(x.body, STR("\"content\":\"A\\nB\",\"reasoning_content\":\"hm\",\"tool_calls\":["
                               "{\"id\":\"x2yftUZNp\",")) != SIZE_MAX,
          "%.*s", (int)x.body.len, x.body.at);
    CHECK_STR(x.dropped, "system[0].cache_control,messages[0].content[0].cache_control");
}

static const struct {
    const char *name;
    enum wire protocol;
    const char *body;
    enum place place;
    const char *model, *want, *dropped;
} talks[] = {
    { "lists of texts where only strings are taken", CHAT,
      "{\"model\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\","
      "\"name\":\"bob\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
      "\"text\":"
      "\"b\"}]},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":"
      "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]},{\"role\":\"tool\","
      "\"tool_call_id\":\"c\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"text\","
      "\"text\":\"y\"}]}]}",
      PLAIN, "llama",
      "[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"name\":\"bob\",\"content\":"
      "\"a\\nb\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"c\",\"type\":"
      "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\","
      "\"tool_call_id\":\"c\",\"content\":\"x\\ny\"}]",
      "" },
    { "a picture where none is taken", CHAT,
      "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":\"http://a\"}]}]}",
      PLAIN, "llama",
      "!messages[0].content[0]: is no text: the model's provider takes nothing else", "" },
    { "a schema as words, where it cannot be said", ANTHROPIC,
      CLAUDE(",\"system\":\"S\",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":"
             "{\"type\":\"object\"}}}"),
      PLAIN, "llama",
      "[{\"role\":\"system\",\"content\":\"S\\n\\nAnswer with one JSON object and nothing else. It "
      "keeps to this JSON Schema: {\\\"type\\\":\\\"object\\\"}\"},{\"role\":\"user\",\"content\":"
      "\"hi\"}]",
      "output_config.format~" },
    { "OpenAI wants the word JSON", GEMINI,
      GOOGLE(",\"generationConfig\":{\"responseMimeType\":\"application/json\"}"), OPENAI, "gpt-4o",
      "[{\"role\":\"system\",\"content\":\"Answer with one JSON object and nothing else.\"},"
      "{\"role\":\"user\",\"content\":\"hi\"}],\"response_format\":{\"type\":\"json_object\"}",
      "generationConfig.responseMimeType~" },
    { "… and has it", GEMINI,
      "{\"contents\":[{\"parts\":[{\"text\":\"as json\"}]}],\"generationConfig\":"
      "{\"responseMimeType\":\"application/json\"}}",
      OPENAI, "gpt-4o",
      "[{\"role\":\"user\",\"content\":\"as "
      "json\"}],\"response_format\":{\"type\":\"json_object\"}",
      "" },
    { "a file of OpenAI's own", RESPONSES,
      "{\"model\":\"a\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\","
      "\"file_id\":\"file-1\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
      "\"text\":\"A\"},{\"type\":\"refusal\",\"refusal\":\"no\"}]}]}",
      OPENAI, "gpt-4o",
      "[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}}]},"
      "{\"role\":\"assistant\",\"content\":\"A\",\"refusal\":\"no\"}]",
      "" },
    { "a file of OpenAI's own, elsewhere", RESPONSES,
      "{\"model\":\"a\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\","
      "\"file_id\":\"file-1\"}]}]}",
      COMPATIBLE, "llama",
      "!input[0].content[0]: is a file of another provider: send the file itself", "" },
    { "a refusal, elsewhere", RESPONSES,
      "{\"model\":\"a\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\","
      "\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]}]}",
      COMPATIBLE, "llama",
      "[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"no\"}]", "" },
    { "sound in", GEMINI,
      "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/"
      "mpeg\",\"data\":\"AAAA\"}}]}]"
      "}",
      OPENAI, "gpt-4o",
      "[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\",\"input_audio\":{\"data\":"
      "\"AAAA\",\"format\":\"mp3\"}}]}]",
      "" },
    { "sound that is not taken", GEMINI,
      "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/"
      "ogg\",\"data\":\"AAAA\"}}]}]}",
      OPENAI, "gpt-4o", "!contents[0].parts[0]: must be wav or mp3, with its bytes, for this model",
      "" },
    { "a video", GEMINI,
      "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":\"video/"
      "mp4\",\"data\":\"AAAA\"}}]}]}",
      OPENAI, "gpt-4o", "!contents[0].parts[0]: is a video: the model's provider takes none", "" },
    { "results of pictures in several messages", CHAT,
      "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":"
      "\"assistant\","
      "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"id\":"
      "\"d\",\"type\":\"function\",\"function\":{\"name\":\"f\"}}]},{\"role\":\"tool\","
      "\"tool_call_id\":\"c\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"http://a\"}]},"
      "{\"role\":\"tool\",\"tool_call_id\":\"d\",\"content\":[{\"type\":\"image_url\",\"image_"
      "url\":"
      "\"http://b\"}]},{\"role\":\"assistant\",\"content\":\"x\"}]}",
      OPENAI, "gpt-4o",
      "[{\"role\":\"user\",\"content\":\"go\"},{\"role\":\"assistant\",\"content\":null,"
      "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"{}\"}},{\"id\":\"d\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"[image 1 "
      "attached below]\"},{\"role\":\"tool\",\"tool_call_id\":\"d\",\"content\":\"[image 2 "
      "attached "
      "below]\"},{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
      "\"http://a\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://b\"}}]},{\"role\":"
      "\"assistant\",\"content\":\"x\"}]",
      "" },
    { "a custom tool's call as a function's", RESPONSES,
      "{\"model\":\"a\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},{\"type\":"
      "\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"p\",\"input\":\"a \\\"b\\\"\"},{\"type\":"
      "\"custom_tool_call_output\",\"call_id\":\"c\",\"output\":\"ok\"}]}",
      COMPATIBLE, "llama",
      "[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":null,"
      "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"p\","
      "\"arguments\":\"{\\\"input\\\":\\\"a \\\\\\\"b\\\\\\\"\\\"}\"}}]},{\"role\":\"tool\","
      "\"tool_call_id\":\"c\",\"content\":\"ok\"}]",
      "" },
    { "Google's own endpoint gets its signature back", CHAT,
      "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":"
      "\"assistant\","
      "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"Q2dB\"}}}]},"
      "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"x\"}]}",
      COMPATIBLE, "gemini-3-pro",
      "[{\"role\":\"user\",\"content\":\"go\"},{\"role\":\"assistant\",\"content\":null,"
      "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"{}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"Q2dB\"}}}]},"
      "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"x\"}]",
      "" },
    { "Copilot gets its own thinking back", CHAT,
      "{\"model\":\"a\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"go\"},"
      "{\"role\":\"assistant\",\"content\":\"x\",\"reasoning_text\":\"hm\",\"reasoning_opaque\":"
      "\"gw1.oth.YjNCeA\"},{\"role\":\"user\",\"content\":\"on\"}]}",
      COPILOT, "claude-sonnet-4.5",
      "[{\"role\":\"user\",\"content\":\"go\"},{\"role\":\"assistant\",\"content\":\"x\","
      "\"reasoning_text\":\"hm\",\"reasoning_opaque\":\"b3Bx\"},{\"role\":\"user\",\"content\":"
      "\"on\"}]",
      "" },
};

TEST(chat_messages_say_what_the_target_takes)
{
    for (size_t i = 0; i < COUNT(talks); i++) {
        struct wire_target target = target_at(talks[i].place, talks[i].model);
        struct rewritten x = chat_rewrite(t, talks[i].protocol, talks[i].body, &target);

        if (talks[i].want[0] == '!') {
            CHECK_STR(x.complaint, talks[i].want + 1, "%s", talks[i].name);
            continue;
        }
        CHECK_STR(x.complaint, "", "%s", talks[i].name);
        CHECK(str_starts(messages_of(t, x.body), str_c(talks[i].want)), "%s:\nwant %s\n got %.*s",
              talks[i].name, talks[i].want, (int)x.body.len, x.body.at);
        CHECK_STR(x.dropped, talks[i].dropped, "%s", talks[i].name);
    }
}

TEST(chat_asks_for_a_stream_with_its_usage)
{
    struct wire_target target = target_at(COMPATIBLE, "llama");
    struct rewritten x;

    target.stream = true;
    x = chat_rewrite(t, CHAT, ASK(""), &target);
    CHECK_STR(x.body, "{\"model\":\"llama\",\"stream\":true,\"stream_options\":{\"include_usage\":"
                      "true},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
    target.lacks.stream_options = true;
    x = chat_rewrite(t, CHAT, ASK(",\"stream\":true,\"stream_options\":{\"include_usage\":true}"),
                     &target);
    CHECK_STR(x.body, "{\"model\":\"llama\",\"stream\":true,\"messages\":[{\"role\":\"user\","
                      "\"content\":\"hi\"}]}");
}
