#include "wire/fault.h"

#include "base/json.h"
#include "test.h"

TEST(fault_has_the_form_of_each_protocol)
{
    struct fault f = { .class = FAULT_RATE_LIMITED,
                       .message = STR("wait \"a\" bit"),
                       .retry_after_s = 7 };
    static const struct {
        enum wire wire;
        int status;
        const char *body, *event;
    } cases[] = {
        { WIRE_OPENAI_CHAT, 429,
          "{\"error\":{\"message\":\"wait \\\"a\\\" "
          "bit\",\"type\":\"rate_limit_error\",\"param\":null,"
          "\"code\":\"rate_limit_exceeded\"}}",
          "data: {\"error\":{\"message\":\"wait \\\"a\\\" "
          "bit\",\"type\":\"rate_limit_error\",\"param\":null,"
          "\"code\":\"rate_limit_exceeded\"}}\n\n" },
        { WIRE_OPENAI_RESPONSES, 429,
          "{\"error\":{\"message\":\"wait \\\"a\\\" "
          "bit\",\"type\":\"rate_limit_error\",\"param\":null,"
          "\"code\":\"rate_limit_exceeded\"}}",
          "event: error\ndata: {\"type\":\"error\",\"message\":\"wait \\\"a\\\" "
          "bit\",\"param\":null,"
          "\"code\":\"rate_limit_exceeded\",\"sequence_number\":3}\n\n" },
        { WIRE_ANTHROPIC, 429,
          "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"wait "
          "\\\"a\\\" bit\"},"
          "\"request_id\":\"req_1\"}",
          "event: error\ndata: "
          "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"wait "
          "\\\"a\\\" "
          "bit\"},\"request_id\":\"req_1\"}\n\n" },
        { WIRE_GEMINI, 429,
          "{\"error\":{\"code\":429,\"message\":\"wait \\\"a\\\" "
          "bit\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{"
          "\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"7s\"}]}}",
          "data: {\"error\":{\"code\":429,\"message\":\"wait \\\"a\\\" "
          "bit\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":"
          "[{\"@type\":\"type.googleapis.com/"
          "google.rpc.RetryInfo\",\"retryDelay\":\"7s\"}]}}\n\n" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b;

        buf_init(&b, 4096);
        CHECK_INT(fault_status(cases[i].wire, &f), cases[i].status);
        CHECK(fault_put(&b, cases[i].wire, &f, STR("req_1")));
        CHECK_STR(buf_str(&b), cases[i].body);
        b.len = 0;
        CHECK(fault_put_event(&b, cases[i].wire, &f, STR("req_1"), 3, STR("")));
        CHECK_STR(buf_str(&b), cases[i].event);
        buf_clear(&b);
    }
}

TEST(fault_code_stands_where_anthropic_sdks_look_for_it)
{
    struct fault f = { .class = FAULT_BAD_REQUEST,
                       .message = STR("no"),
                       .code = STR("thread_not_found") };
    struct buf b;

    buf_init(&b, 4096);
    CHECK(fault_put(&b, WIRE_ANTHROPIC, &f, STR("req_1")));
    CHECK_STR(buf_str(&b), "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
                           "\"message\":\"no\",\"details\":{\"error_code\":\"thread_not_found\"}},"
                           "\"request_id\":\"req_1\"}");
    buf_clear(&b);
}

TEST(fault_ends_a_known_response_with_response_failed)
{
    struct fault f = { .class = FAULT_OVERLOADED, .message = STR("busy") };
    struct buf b;

    buf_init(&b, 4096);
    CHECK(fault_put_event(&b, WIRE_OPENAI_RESPONSES, &f, STR("req_1"), 9, STR("resp_1")));
    CHECK_STR(buf_str(&b),
              "event: response.failed\ndata: "
              "{\"type\":\"response.failed\",\"sequence_number\":9,\"response\":{"
              "\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"failed\",\"error\":{\"code\":"
              "\"server_error\",\"message\":\"busy\"},\"output\":[],\"usage\":null}}\n\n");
    CHECK(str_find(buf_str(&b), STR("overloaded")) == SIZE_MAX, "codex takes it as final");
    buf_clear(&b);
}

TEST(fault_bodies_of_all_classes_are_json_with_bounded_text)
{
    char *text = arena_alloc(&t->arena, 4000);

    memset(text, 'x', 4000);
    for (unsigned wire = 0; wire < PROTOCOLS; wire++)
        for (unsigned class = 0; class < FAULT_CLASSES; class ++) {
            struct fault f = { .class = (enum fault_class) class, .message = { text, 4000 } };
            struct json doc;
            struct buf b;

            buf_init(&b, 8192);
            CHECK(fault_put(&b, (enum wire)wire, &f, STR("r")));
            CHECK(b.len < FAULT_TEXT_MAX + 300);
            CHECK(json_parse(&doc, buf_str(&b), &(struct json_limits){ 0 }, &t->arena, NULL),
                  "wire %u class %u", wire, class);
            CHECK(fault_status((enum wire)wire, &f) >= 400);
            buf_clear(&b);
        }
}

TEST(C58_overload_in_a_responses_stream_is_something_to_wait_for)
{
    struct fault f = { .class = FAULT_OVERLOADED,
                       .message = STR("No capacity. Please try again in 7s."),
                       .retry_after_s = 7 };
    struct buf b;

    buf_init(&b, 4096);
    CHECK(fault_put_event(&b, WIRE_OPENAI_RESPONSES, &f, STR("req_1"), 9, STR("resp_1")));
    CHECK(str_find(buf_str(&b), STR("\"code\":\"rate_limit_exceeded\",\"message\":\"No capacity. "
                                    "Please try again in 7s.\"")) != SIZE_MAX,
          "%.*s", STR_ARG(buf_str(&b)));
    b.len = 0;
    CHECK(fault_put_event(&b, WIRE_OPENAI_RESPONSES, &f, STR("req_1"), 0, STR("")));
    CHECK(str_find(buf_str(&b), STR("\"code\":\"rate_limit_exceeded\"")) != SIZE_MAX);
    b.len = 0;
    f.retry_after_s = 0;
    CHECK(fault_put_event(&b, WIRE_OPENAI_RESPONSES, &f, STR("req_1"), 9, STR("resp_1")));
    CHECK(str_find(buf_str(&b), STR("\"code\":\"server_error\"")) != SIZE_MAX);
    buf_clear(&b);
}

TEST(fault_too_long_is_said_in_the_sentence_the_client_looks_for)
{
    static const struct {
        enum wire wire;
        const char *said, *told;
    } cases[] = {
        { WIRE_ANTHROPIC, "maximum context length is 9 tokens",
          "\"prompt is too long: maximum context length is 9 tokens\"" },
        { WIRE_ANTHROPIC, "prompt is too long: 5 tokens > 4 maximum",
          "\"prompt is too long: 5 tokens > 4 maximum\"" },
        { WIRE_ANTHROPIC, "input length and `max_tokens` exceed context limit: 3 + 4 > 5",
          "\"input length and `max_tokens` exceed context limit: 3 + 4 > 5\"" },
        { WIRE_GEMINI, "prompt is too long: 5 tokens > 4 maximum",
          "\"The input exceeds the maximum number of tokens: prompt is too long: 5 tokens > 4 "
          "maximum\"" },
        { WIRE_OPENAI_CHAT, "prompt is too long: 5 tokens > 4 maximum",
          "\"prompt is too long: 5 tokens > 4 maximum\"" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fault f = { .class = FAULT_CONTEXT_TOO_LONG, .message = str_c(cases[i].said) };
        struct buf b;

        buf_init(&b, 4096);
        CHECK(fault_put(&b, cases[i].wire, &f, STR("r")));
        CHECK(str_find(buf_str(&b), str_c(cases[i].told)) != SIZE_MAX, "%.*s",
              STR_ARG(buf_str(&b)));
        b.len = 0;
        CHECK(fault_put_event(&b, cases[i].wire, &f, STR("r"), 1, STR("")));
        CHECK(str_find(buf_str(&b), str_c(cases[i].told)) != SIZE_MAX, "%.*s",
              STR_ARG(buf_str(&b)));
        buf_clear(&b);
    }
}
