/* Reading requests: routes, counting, and what a provider refuses. */
#include "sim_rig.h"

TEST(paths_lead_to_their_wires)
{
    static const struct {
        const char *path, *query;
        enum ask_route route;
        enum wire wire;
        const char *model;
        bool stream, array;
    } cases[] = {
        { "/v1/chat/completions", "", ROUTE_GENERATE, WIRE_OPENAI_CHAT, "", false, false },
        { "/chat/completions", "", ROUTE_GENERATE, WIRE_OPENAI_CHAT, "", false, false },
        { "/v1/responses", "", ROUTE_GENERATE, WIRE_OPENAI_RESPONSES, "", false, false },
        { "/responses", "", ROUTE_GENERATE, WIRE_OPENAI_RESPONSES, "", false, false },
        { "/v1/responses/input_tokens", "", ROUTE_COUNT, WIRE_OPENAI_RESPONSES, "", false, false },
        { "/v1/messages", "beta=true", ROUTE_GENERATE, WIRE_ANTHROPIC, "", false, false },
        { "/v1/messages/count_tokens", "", ROUTE_COUNT, WIRE_ANTHROPIC, "", false, false },
        { "/v1beta/models/g:generateContent", "", ROUTE_GENERATE, WIRE_GEMINI, "g", false, false },
        { "/v1/models/g:generateContent", "", ROUTE_GENERATE, WIRE_GEMINI, "g", false, false },
        { "/v1beta/models/a/b:c:streamGenerateContent", "alt=sse", ROUTE_GENERATE, WIRE_GEMINI,
          "a/b:c", true, false },
        { "/v1beta/models/g:streamGenerateContent", "key=x&alt=json", ROUTE_GENERATE, WIRE_GEMINI,
          "g", true, true },
        { "/v1beta/models/g:countTokens", "", ROUTE_COUNT, WIRE_GEMINI, "g", false, false },
        { "/v1internal:generateContent", "", ROUTE_GENERATE, WIRE_CLOUDCODE, "", false, false },
        { "/v1internal:streamGenerateContent", "alt=sse", ROUTE_GENERATE, WIRE_CLOUDCODE, "", true,
          false },
        { "/v1internal:countTokens", "", ROUTE_COUNT, WIRE_CLOUDCODE, "", false, false },
        { "/v1internal:loadCodeAssist", "", ROUTE_NONE, WIRE_CLOUDCODE, "", false, false },
        { "/v1beta/models", "", ROUTE_MODELS, WIRE_GEMINI, "", false, false },
        { "/v1beta/models/g", "", ROUTE_MODELS, WIRE_GEMINI, "g", false, false },
        { "/v1/models", "", ROUTE_MODELS, WIRE_OPENAI_CHAT, "", false, false },
        { "/models", "", ROUTE_MODELS, WIRE_OPENAI_CHAT, "", false, false },
        { "/v1/models/g", "", ROUTE_MODELS, WIRE_OPENAI_CHAT, "g", false, false },
        { "/v1beta/models/g:unknown", "", ROUTE_NONE, WIRE_GEMINI, "g", false, false },
        { "/v1/modelsx", "", ROUTE_NONE, WIRE_OPENAI_CHAT, "", false, false },
        { "/v1/messages/batches", "", ROUTE_NONE, WIRE_ANTHROPIC, "", false, false },
        { "/", "", ROUTE_NONE, WIRE_OPENAI_CHAT, "", false, false },
        { "/_sim/status", "", ROUTE_CONTROL, WIRE_OPENAI_CHAT, "", false, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ask_target got = ask_route(str_c(cases[i].path), str_c(cases[i].query));

        CHECK_INT(got.route, cases[i].route, "%s", cases[i].path);
        CHECK_INT(got.wire, cases[i].wire, "%s", cases[i].path);
        CHECK_STR(got.model, cases[i].model, "%s", cases[i].path);
        CHECK_INT(got.stream, cases[i].stream, "%s", cases[i].path);
        CHECK_INT(got.array, cases[i].array, "%s", cases[i].path);
    }
}

TEST(tokens_are_bytes_of_text_by_four_for_each_segment)
{
    static const struct {
        const char *name, *target, *body, *path, *want;
    } cases[] = {
        { "a message", "/v1/messages/count_tokens",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"12345\"}]}",
          "input_tokens", "2" },
        { "system, tools and a picture", "/v1/messages/count_tokens",
          "{\"model\":\"m\",\"system\":[{\"type\":\"text\",\"text\":\"1\"}],\"tools\":[{\"name\":"
          "\"abc\",\"description\":\"d\",\"input_schema\":{}}],\"messages\":[{\"role\":\"user\","
          "\"content\":[{\"type\":\"text\",\"text\":\"12345678\"},{\"type\":\"image\",\"source\":"
          "{\"type\":\"url\",\"url\":\"https://example.com\"}}]}]}",
          "input_tokens", "261" },
        { "responses", "/v1/responses/input_tokens",
          "{\"model\":\"m\",\"input\":\"12345\",\"instructions\":\"123\"}", "input_tokens", "3" },
        { "gemini", "/v1beta/models/m:countTokens",
          "{\"contents\":[{\"parts\":[{\"text\":\"12345\"}]}]}", "totalTokens", "2" },
        { "gemini in a wrapper", "/v1beta/models/m:countTokens",
          "{\"generateContentRequest\":{\"model\":\"models/m\",\"contents\":[{\"parts\":[{\"text\":"
          "\"12345\"}]}],\"systemInstruction\":{\"parts\":[{\"text\":\"1234\"}]}}}",
          "totalTokens", "3" },
        { "cloudcode", "/v1internal:countTokens",
          "{\"request\":{\"model\":\"models/"
          "m\",\"contents\":[{\"parts\":[{\"text\":\"12345\"}]}]}}",
          "totalTokens", "2" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct response r = rig_post(&rig, cases[i].target, str_c(cases[i].body));

        CHECK_INT(r.reply.status, 200, "%s", cases[i].name);
        CHECK_STR(json_at(t, buf_str(&r.reply.body), cases[i].path), cases[i].want, "%s",
                  cases[i].name);
        respond_clear(&r);
    }
    rig_close(&rig);
}

#define USER "{\"role\":\"user\",\"content\":\"hi\"}"
#define CHAT_CALL                                                                                 \
    "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{" \
    "\"name\":\"f\",\"arguments\":\"{}\"}}]}"
#define MESSAGES_CALL                                                                           \
    "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\"," \
    "\"input\":{}}]}"
#define GEMINI_CALL \
    "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]}"

TEST(what_the_provider_refuses_is_refused)
{
    static const struct {
        const char *name, *target, *body, *in_message;
    } cases[] = {
        { "no JSON", "/v1/chat/completions", "{\"model\":", "line 1, column 10" },
        { "an array", "/v1/messages", "[]", "JSON object" },
        { "no model", "/v1/responses", "{\"input\":\"x\"}", "model" },
        { "no messages", "/v1/chat/completions", "{\"model\":\"m\",\"messages\":[]}", "messages" },
        { "no max_tokens", "/v1/messages", "{\"model\":\"m\",\"messages\":[" USER "]}",
          "max_tokens: Field required" },
        { "no input", "/v1/responses", "{\"model\":\"m\"}", "input" },
        { "no contents", "/v1beta/models/m:generateContent", "{}", "contents" },
        { "no parts", "/v1beta/models/m:generateContent", "{\"contents\":[{\"parts\":[]}]}",
          "must not be empty" },
        { "an empty part", "/v1beta/models/m:generateContent", "{\"contents\":[{\"parts\":[{}]}]}",
          "oneof field" },
        { "an unanswered call, chat", "/v1/chat/completions",
          "{\"model\":\"m\",\"messages\":[" USER "," CHAT_CALL "," USER "]}", "c1" },
        { "a call at the end, chat", "/v1/chat/completions",
          "{\"model\":\"m\",\"messages\":[" USER "," CHAT_CALL "]}", "c1" },
        { "a result without a call, chat", "/v1/chat/completions",
          "{\"model\":\"m\",\"messages\":[" USER
          ",{\"role\":\"tool\",\"tool_call_id\":\"c9\",\"content\":\"x\"}]}",
          "messages[1]" },
        { "stream options without a stream", "/v1/chat/completions",
          "{\"model\":\"m\",\"messages\":[" USER "],\"stream_options\":{}}", "stream_options" },
        { "too many choices", "/v1/chat/completions",
          "{\"model\":\"m\",\"n\":9,\"messages\":[" USER "]}", "'n'" },
        { "an unanswered call, responses", "/v1/responses",
          "{\"model\":\"m\",\"input\":[{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":"
          "\"f\",\"arguments\":\"{}\"}]}",
          "No tool output found for function call c1" },
        { "a result without a call, responses", "/v1/responses",
          "{\"model\":\"m\",\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c1\","
          "\"output\":\"x\"}]}",
          "No tool call found for function call output with call_id c1" },
        { "an unknown earlier response", "/v1/responses",
          "{\"model\":\"m\",\"input\":\"x\",\"previous_response_id\":\"resp_1\"}", "resp_1" },
        { "an unanswered call, messages", "/v1/messages",
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[" USER "," MESSAGES_CALL "," USER
          ",{\"role\":\"assistant\",\"content\":\"x\"}]}",
          "tool_use` ids were found" },
        { "a result without a call, messages", "/v1/messages",
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[{"
          "\"type\":\"tool_result\",\"tool_use_id\":\"c1\"}]}]}",
          "unexpected `tool_use_id`" },
        { "an empty text, messages", "/v1/messages",
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[{"
          "\"type\":\"text\",\"text\":\"\"}]}]}",
          "non-empty" },
        { "an input that is text, messages", "/v1/messages",
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"assistant\",\"content\":[{"
          "\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":\"{}\"}]}]}",
          "object" },
        { "a strange role, messages", "/v1/messages",
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}",
          "role" },
        { "an unanswered call, gemini", "/v1beta/models/m:generateContent",
          "{\"contents\":[" GEMINI_CALL "]}", "number of function response parts" },
        { "a result without a call, gemini", "/v1beta/models/m:generateContent",
          "{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{}}}]}]}",
          "number of function response parts" },
        { "an unanswered call, cloudcode", "/v1internal:generateContent",
          "{\"model\":\"m\",\"request\":{\"contents\":[" GEMINI_CALL "]}}",
          "number of function response parts" },
        { "no wrapper, cloudcode", "/v1internal:generateContent",
          "{\"model\":\"m\",\"contents\":[{\"parts\":[{\"text\":\"a\"}]}]}", "request" },
        { "models/ in front, cloudcode", "/v1internal:generateContent",
          "{\"model\":\"models/m\",\"request\":{\"contents\":[{\"parts\":[{\"text\":\"a\"}]}]}}",
          "must not begin with models/" },
        { "thoughts to be counted, cloudcode", "/v1internal:countTokens",
          "{\"request\":{\"model\":\"models/"
          "m\",\"contents\":[{\"parts\":[{\"text\":\"a\",\"thought\":"
          "true}]}]}}",
          "thought parts" },
        { "a bad directive", "/v1/messages",
          "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"[[sim: "
          "what]]\"}]}",
          "there is no directive \\\"what\\\"" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct response r = rig_post(&rig, cases[i].target, str_c(cases[i].body));

        CHECK_INT(r.reply.status, 400, "%s", cases[i].name);
        CHECK(str_find(buf_str(&r.reply.body), str_c(cases[i].in_message)) != SIZE_MAX, "%s: %.*s",
              cases[i].name, STR_ARG(buf_str(&r.reply.body)));
        respond_clear(&r);
    }
    rig_close(&rig);
}

TEST(what_a_request_goes_on_from_is_refused_with_the_code_of_the_provider)
{
    static const struct {
        const char *target, *body, *path, *want;
    } cases[] = {
        { "/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"previous_response_id\":\"resp_1\"}",
          "error.code", "previous_response_not_found" },
        { "/v1/messages",
          "{\"model\":\"m\",\"max_tokens\":9,\"thread\":{\"type\":\"create\"},\"messages\":[" USER
          "]}",
          "error.details.error_code", "thread_unsupported_request" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct response r = rig_post(&rig, cases[i].target, str_c(cases[i].body));

        CHECK_INT(r.reply.status, 400);
        CHECK_STR(json_at(t, buf_str(&r.reply.body), cases[i].path), cases[i].want);
        respond_clear(&r);
    }
    rig_close(&rig);
}

TEST(unknown_paths_and_methods_are_refused_in_the_words_of_the_path)
{
    static const struct {
        const char *method, *target;
        int status;
        const char *path, *want;
    } cases[] = {
        { "GET", "/v1/chat/completions", 405, "error.type", "invalid_request_error" },
        { "POST", "/v1/models", 405, "error.type", "invalid_request_error" },
        { "POST", "/v1/nothing", 404, "error.type", "invalid_request_error" },
        { "POST", "/v1/messages/nothing", 404, "error.type", "not_found_error" },
        { "POST", "/v1beta/nothing", 404, "error.status", "NOT_FOUND" },
        { "GET", "/v1/models/nothing", 404, "error.code", "model_not_found" },
        { "GET", "/_sim/status", 404, "error.type", "invalid_request_error" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct response r = rig_call(&rig, cases[i].method, cases[i].target, "", STR("{}"));

        CHECK_INT(r.reply.status, cases[i].status, "%s", cases[i].target);
        CHECK_STR(json_at(t, buf_str(&r.reply.body), cases[i].path), cases[i].want, "%s",
                  cases[i].target);
        respond_clear(&r);
    }
    rig_close(&rig);
}

TEST(lists_of_models_have_the_shape_of_who_asks)
{
    static const struct {
        const char *target, *fields, *path, *want;
    } cases[] = {
        { "/v1/models", "Authorization: Bearer k\n", "data.1.id", "sim-small" },
        { "/v1/models", "", "object", "list" },
        { "/v1/models", "anthropic-version: 2023-06-01\n", "data.0.display_name", "sim-large" },
        { "/v1/models", "x-api-key: k\n", "first_id", "sim-large" },
        { "/v1/models", "x-goog-api-key: k\n", "models.0.name", "models/sim-large" },
        { "/v1beta/models", "", "models.1.displayName", "sim-small" },
        { "/v1/models/sim-small", "", "owned_by", "simulator" },
        { "/v1/models/sim-small", "anthropic-version: 2023-06-01\n", "type", "model" },
        { "/v1beta/models/sim-small", "", "name", "models/sim-small" },
    };
    struct rig rig;

    rig_open(&rig, t, "models sim-large sim-small\n");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct response r = rig_call(&rig, "GET", cases[i].target, cases[i].fields, STR(""));

        CHECK_INT(r.reply.status, 200, "%s", cases[i].target);
        CHECK_STR(json_at(t, buf_str(&r.reply.body), cases[i].path), cases[i].want, "%s with %s",
                  cases[i].target, cases[i].fields);
        respond_clear(&r);
    }
    rig_close(&rig);
}

TEST(the_account_is_the_key_in_whichever_place)
{
    static const struct {
        const char *target, *fields, *want;
    } cases[] = {
        { "/v1/chat/completions", "", "" },
        { "/v1/chat/completions", "Authorization: Bearer one\nx-api-key: two\n", "one" },
        { "/v1/chat/completions", "authorization: bearer  one \n", "one" },
        { "/v1/chat/completions", "x-api-key: two\nx-goog-api-key: three\n", "two" },
        { "/v1/chat/completions?key=four", "x-goog-api-key: three\n", "three" },
        { "/v1/chat/completions?a=b&key=fo%2Bur", "", "fo+ur" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct response r = rig_call(&rig, "POST", cases[i].target, cases[i].fields,
                                     rig_ask(t, WIRE_OPENAI_CHAT, false, "x", ""));

        CHECK_STR(r.account, cases[i].want, "%s %s", cases[i].target, cases[i].fields);
        respond_clear(&r);
    }
    rig_close(&rig);
}

TEST(directives_stand_anywhere_in_the_last_turn_but_not_before_it)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
          "\"text\":\"[[sim: text=a]]\"},{\"type\":\"text\",\"text\":\"a reminder\"}]}]}",
          "a" },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"[[sim: text=a]]\"},"
          "{\"role\":\"assistant\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"and?\"}]}",
          "You said: and? (model m)" },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"[[sim: text=s]]\"},"
          "{\"role\":\"user\",\"content\":\"hi\"}]}",
          "You said: hi (model m)" },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"[[sim: text=a]]\"},"
          "{\"role\":\"system\",\"content\":\"be brief\"}]}",
          "a" },
    };
    struct rig rig;

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct response r = rig_post(&rig, "/v1/chat/completions", str_c(cases[i].body));

        CHECK_STR(json_at(t, buf_str(&r.reply.body), "choices.0.message.content"), cases[i].want,
                  "case %zu", i);
        respond_clear(&r);
    }
    rig_close(&rig);
}
