#include "rig.h"

#define USER "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define USER_OUT \
    "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]"

/* What Anthropic's clients say reaches Anthropic's models as it was, in one spelling. */
TEST(anthropic_requests_are_read_and_written_again)
{
    static const struct {
        const char *name, *in, *want;
    } cases[] = {
        { "text", "{\"model\":\"m\",\"max_tokens\":10," USER "}",
          "{\"model\":\"claude-opus-4-6\"," USER_OUT ",\"max_tokens\":10}" },
        { "system text and blocks with marks",
          "{\"max_tokens\":10,\"model\":\"m\",\"system\":[{\"type\":\"text\",\"text\":\"a\"},{"
          "\"type\":\"text\",\"text\":\"b\\n\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":"
          "\"1h\"}}]," USER "}",
          "{\"model\":\"claude-opus-4-6\",\"system\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
          "\"text\",\"text\":\"b\\n\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]"
          "," USER_OUT ",\"max_tokens\":10}" },
        { "a call and its results, with a picture in one",
          "{\"model\":\"m\",\"max_tokens\":10,\"messages\":[{\"role\":\"user\",\"content\":\"go\"},"
          "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"ok\"},{\"type\":"
          "\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{\"n\":1.0,\"big\":"
          "9223372036854775809}},{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"f\","
          "\"input\":{},\"caller\":{\"type\":\"direct\"}}]},{\"role\":\"user\",\"content\":[{"
          "\"type\":\"tool_result\",\"tool_use_id\":\"toolu_1\",\"content\":[{\"type\":\"text\","
          "\"text\":\"see\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
          "\"image/png\",\"data\":\"QQ==\"}}],\"cache_control\":{\"type\":\"ephemeral\"}},{"
          "\"type\":\"tool_result\",\"tool_use_id\":\"toolu_2\",\"content\":\"bad\",\"is_error\":"
          "true},{\"type\":\"text\",\"text\":\"and?\"}]}],\"tools\":[{\"name\":\"f\","
          "\"description\":\"does\",\"input_schema\":{\"type\":\"object\",\"properties\":{}},"
          "\"defer_loading\":true,\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"5m\"}}]}",
          "{\"model\":\"claude-opus-4-6\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
          "\"text\",\"text\":\"go\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
          "\"text\":\"ok\"},{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{"
          "\"n\":1.0,\"big\":9223372036854775809}},{\"type\":\"tool_use\",\"id\":\"toolu_2\","
          "\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\""
          ",\"tool_use_id\":\"toolu_1\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},{"
          "\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
          "\"data\":\"QQ==\"}}],\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":"
          "\"tool_result\",\"tool_use_id\":\"toolu_2\",\"content\":\"bad\",\"is_error\":true},{"
          "\"type\":\"text\",\"text\":\"and?\"}]}],\"tools\":[{\"name\":\"f\",\"description\":"
          "\"does\",\"input_schema\":{\"type\":\"object\",\"properties\":{}},\"defer_loading\":"
          "true,\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"5m\"}}],\"max_tokens\":10}" },
        { "thinking, redacted thinking and what servers did",
          "{\"model\":\"m\",\"max_tokens\":10,\"messages\":[{\"role\":\"user\",\"content\":\"go\"},"
          "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
          "\"signature\":\"EqQB\"},{\"type\":\"redacted_thinking\",\"data\":\"EmwK\"},{\"type\":"
          "\"server_tool_use\",\"id\":\"srvtoolu_1\",\"name\":\"web_search\",\"input\":{\"query\":"
          "\"x\"}},{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"srvtoolu_1\",\"content\":"
          "[]},{\"type\":\"text\",\"text\":\"so\",\"citations\":[{\"type\":\"x\"}]}]},{\"role\":"
          "\"user\",\"content\":[{\"type\":\"container_upload\",\"file_id\":\"f\"},{\"type\":"
          "\"text\",\"text\":\"go on\"}]}]}",
          "{\"model\":\"claude-opus-4-6\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
          "\"text\",\"text\":\"go\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
          "\"thinking\":\"hm\",\"signature\":\"EqQB\"},{\"type\":\"redacted_thinking\",\"data\":"
          "\"EmwK\"},{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_1\",\"name\":\"web_search\","
          "\"input\":{\"query\":\"x\"}},{\"type\":\"web_search_tool_result\",\"tool_use_id\":"
          "\"srvtoolu_1\",\"content\":[]},{\"type\":\"text\",\"text\":\"so\",\"citations\":[{"
          "\"type\":\"x\"}]}]},{\"role\":\"user\",\"content\":[{\"type\":\"container_upload\","
          "\"file_id\":\"f\"},{\"type\":\"text\",\"text\":\"go on\"}]}],\"max_tokens\":10}" },
        { "documents of every source",
          "{\"model\":\"m\",\"max_tokens\":10,\"messages\":[{\"role\":\"user\",\"content\":[{"
          "\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":"
          "\"application/pdf\",\"data\":\"QQ==\"},\"title\":\"t\",\"context\":\"c\",\"citations\":{"
          "\"enabled\":true}},{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":"
          "\"text/plain\",\"data\":\"plain\"}},{\"type\":\"document\",\"source\":{\"type\":"
          "\"content\",\"content\":[{\"type\":\"text\",\"text\":\"in\"}]}},{\"type\":\"document\","
          "\"source\":{\"type\":\"url\",\"url\":\"https://e.org/a.pdf\"}},{\"type\":\"document\","
          "\"source\":{\"type\":\"file\",\"file_id\":\"file_1\"}},{\"type\":\"image\",\"source\":{"
          "\"type\":\"url\",\"url\":\"https://e.org/a.png\"}},{\"type\":\"search_result\","
          "\"source\":\"https://e.org\",\"title\":\"T\",\"content\":[{\"type\":\"text\",\"text\":"
          "\"one\"},{\"type\":\"text\",\"text\":\"two\"}],\"citations\":{\"enabled\":true}}]}]}",
          "{\"model\":\"claude-opus-4-6\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
          "\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\","
          "\"data\":\"QQ==\"},\"title\":\"t\",\"context\":\"c\",\"citations\":{\"enabled\":true}},{"
          "\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\","
          "\"data\":\"plain\"}},{\"type\":\"document\",\"source\":{\"type\":\"content\","
          "\"content\":[{\"type\":\"text\",\"text\":\"in\"}]}},{\"type\":\"document\",\"source\":{"
          "\"type\":\"url\",\"url\":\"https://e.org/a.pdf\"}},{\"type\":\"document\",\"source\":{"
          "\"type\":\"file\",\"file_id\":\"file_1\"}},{\"type\":\"image\",\"source\":{\"type\":"
          "\"url\",\"url\":\"https://e.org/a.png\"}},{\"type\":\"search_result\",\"source\":"
          "\"https://e.org\",\"title\":\"T\",\"content\":[{\"type\":\"text\",\"text\":\"one\"},{"
          "\"type\":\"text\",\"text\":\"two\"}],\"citations\":{\"enabled\":true}}]}],\"max_"
          "tokens\":10}" },
        { "everything at the top",
          "{\"model\":\"m\",\"max_tokens\":10," USER ",\"stream\":true,\"stop_sequences\":[\"x\"],"
          "\"temperature\":0.50,\"top_k\":4,\"metadata\":{\"user_id\":\"{\\\"session_id\\\":1}\"},"
          "\"service_tier\":\"standard_only\",\"cache_control\":{\"type\":\"ephemeral\"},"
          "\"context_management\":{\"edits\":[]},\"speed\":\"fast\",\"output_config\":{\"effort\":"
          "\"low\",\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\","
          "\"properties\":{},\"additionalProperties\":false}}}}",
          "{\"model\":\"claude-opus-4-6\"," USER_OUT ",\"output_config\":{\"effort\":\"low\","
          "\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\",\"properties\":{},"
          "\"additionalProperties\":false}}},\"cache_control\":{\"type\":\"ephemeral\"},\"max_"
          "tokens\":10,\"temperature\":0.50,\"top_k\":4,\"stop_sequences\":[\"x\"],\"metadata\":{"
          "\"user_id\":\"{\\\"session_id\\\":1}\"},\"service_tier\":\"standard_only\","
          "\"context_management\":{\"edits\":[]},\"speed\":\"fast\"}" },
        { "tools of Anthropic's own and the choice",
          "{\"model\":\"m\",\"max_tokens\":10," USER ",\"tools\":[{\"type\":\"web_search_20250305\""
          ",\"name\":\"web_search\",\"max_uses\":2},{\"type\":\"custom\",\"name\":\"f\",\"input_"
          "schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"tool\","
          "\"name\":\"f\",\"disable_parallel_tool_use\":true}}",
          "{\"model\":\"claude-opus-4-6\"," USER_OUT
          ",\"tools\":[{\"type\":\"custom\",\"name\":\"f\",\"input_schema\":"
          "{\"type\":\"object\",\"properties\":{}}},{\"type\":\"web_search_20250305\",\"name\":"
          "\"web_search\",\"max_uses\":2}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\","
          "\"disable_parallel_tool_use\":true},\"max_tokens\":10}" },
        { "thinking as long as a budget",
          "{\"model\":\"m\",\"max_tokens\":4000," USER ",\"thinking\":{\"type\":\"enabled\","
          "\"budget_tokens\":2000}}",
          "{\"model\":\"claude-opus-4-6\"," USER_OUT ",\"thinking\":{\"type\":\"enabled\","
          "\"budget_tokens\":2000},\"max_tokens\":4000}" },
        { "adaptive thinking with an effort",
          "{\"model\":\"m\",\"max_tokens\":4000," USER ",\"thinking\":{\"type\":\"adaptive\","
          "\"display\":\"omitted\"},\"output_config\":{\"effort\":\"medium\"}}",
          "{\"model\":\"claude-opus-4-6\"," USER_OUT ",\"thinking\":{\"type\":\"adaptive\","
          "\"display\":\"omitted\"},\"output_config\":{\"effort\":\"medium\"},\"max_tokens\":"
          "4000}" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig_written got = rig_write(t, cases[i].in, "claude-opus-4-6", NULL);

        CHECK(got.written, "%s: %.*s %.*s", cases[i].name, STR_ARG(got.why.param),
              STR_ARG(got.why.message));
        CHECK_STR(got.body, cases[i].want, "%s", cases[i].name);
        CHECK_STR(got.dropped, "", "%s", cases[i].name);
        CHECK_STR(got.unread, "", "%s", cases[i].name);
    }
}

TEST(anthropic_requests_that_are_wrong_are_told_where)
{
#define WITH(rest) "{\"model\":\"m\",\"max_tokens\":1," rest "}"
#define CONTENT(block) WITH("\"messages\":[{\"role\":\"user\",\"content\":[" block "]}]")
    static const struct {
        const char *in, *param, *message;
    } cases[] = {
        { "{" USER "}", "model", "is missing: name a model" },
        { WITH("\"messages\":[]"), "messages", "must be an array with at least one message" },
        { WITH("\"messages\":{}"), "messages", "must be an array" },
        { WITH("\"messages\":[1]"), "messages[0]", "must be an object" },
        { WITH("\"messages\":[{\"role\":\"tool\",\"content\":\"\"}]"), "messages[0].role",
          "must be user, assistant or system" },
        { WITH("\"messages\":[{\"role\":\"user\"}]"), "messages[0].content", "is missing" },
        { WITH("\"messages\":[{\"role\":\"user\",\"content\":1}]"), "messages[0].content",
          "must be a string or an array" },
        { CONTENT("{\"type\":\"text\"}"), "messages[0].content[0].text", "is missing" },
        { CONTENT("{\"text\":\"a\"}"), "messages[0].content[0].type", "is missing" },
        { CONTENT("{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}"),
          "messages[0].content[0].type", "is no block that may stand here" },
        { CONTENT("{\"type\":\"image\",\"source\":{\"type\":\"text\",\"data\":\"a\"}}"),
          "messages[0].content[0].source.type", "must be base64, url or file" },
        { CONTENT("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"data\":\"a\"}}"),
          "messages[0].content[0].source.media_type", "is missing" },
        { CONTENT("{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":\"x\"}}"),
          "messages[0].content[0].cache_control.type", "must be \"ephemeral\"" },
        { CONTENT("{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":[{\"type\":\"text\""
                  ",\"text\":1}]}"),
          "messages[0].content[0].content[0].text", "must be a string" },
        { WITH(USER ",\"max_tokens\":2"), "max_tokens", "stands in the request more than once" },
        { "{\"model\":\"m\",\"max_tokens\":0," USER "}", "max_tokens",
          "is 0: that warms Anthropic's cache and answers nothing, which cannot be translated" },
        { "{\"model\":\"m\",\"max_tokens\":-1," USER "}", "max_tokens", "must be at least 0" },
        { WITH(USER ",\"temperature\":1.5"), "temperature", "must be from 0 to 1" },
        { WITH(USER ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1023}"),
          "thinking.budget_tokens", "must be at least 1024" },
        { WITH(USER ",\"thinking\":{\"type\":\"on\"}"), "thinking.type",
          "must be enabled, adaptive, disabled or between_tools" },
        { WITH(USER ",\"output_config\":{\"effort\":\"huge\"}"), "output_config.effort",
          "must be low, medium, high, xhigh or max" },
        { WITH(USER ",\"tools\":[{\"input_schema\":{}}]"), "tools[0].name", "is missing" },
        { WITH(USER ",\"tool_choice\":{\"type\":\"tool\"}"), "tool_choice.name", "is missing" },
        { WITH(USER ",\"stop_sequences\":[\"a\",1]"), "stop_sequences[1]", "must be a string" },
        { WITH(USER ",\"system\":[{\"type\":\"image\"}]"), "system[0].type",
          "is no block that may stand here" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig_written got = rig_write(t, cases[i].in, "claude-opus-4-6", NULL);

        CHECK(!got.read, "%s", cases[i].in);
        CHECK_STR(got.why.param, cases[i].param, "%s", cases[i].in);
        CHECK_STR(got.why.message, cases[i].message, "%s", cases[i].in);
    }
}

TEST(anthropic_members_that_nobody_knows_are_named)
{
    struct rig_written got = rig_write(
        t,
        WITH("\"x\":1,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
             "\"a\",\"id\":\"b\",\"odd\":{}},{\"type\":\"newer\",\"odd\":1}]}],\"tools\":[{"
             "\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}},\"input_"
             "examples\":[1]}],\"metadata\":{\"user_id\":\"u\",\"more\":1}"),
        "claude-opus-4-6", NULL);

    CHECK(got.written);
    CHECK_STR(got.unread, "x,messages[0].content[0].odd,messages[0].content["
                          "0].id,metadata.more");
}
