#include "wire/format.h"

#include "test.h"

TEST(stream_events_are_told_apart)
{
    static const struct {
        const char *name;
        enum wire wire;
        const char *event, *data;
        enum event_kind want;
    } cases[] = {
        { "role chunk", WIRE_OPENAI_CHAT, "",
          "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}", EVENT_PREAMBLE },
        { "null content", WIRE_OPENAI_CHAT, "", "{\"choices\":[{\"delta\":{\"content\":null}}]}",
          EVENT_PREAMBLE },
        { "text", WIRE_OPENAI_CHAT, "", "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
          EVENT_CONTENT },
        { "refusal", WIRE_OPENAI_CHAT, "", "{\"choices\":[{\"delta\":{\"refusal\":\"no\"}}]}",
          EVENT_CONTENT },
        { "reasoning", WIRE_OPENAI_CHAT, "",
          "{\"choices\":[{\"delta\":{\"reasoning_content\":\"a\"}}]}", EVENT_CONTENT },
        { "tool call", WIRE_OPENAI_CHAT, "",
          "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}", EVENT_CONTENT },
        { "no tool calls", WIRE_OPENAI_CHAT, "", "{\"choices\":[{\"delta\":{\"tool_calls\":[]}}]}",
          EVENT_PREAMBLE },
        { "finish", WIRE_OPENAI_CHAT, "",
          "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}", EVENT_OTHER },
        { "usage chunk", WIRE_OPENAI_CHAT, "", "{\"choices\":[],\"usage\":{\"prompt_tokens\":1}}",
          EVENT_USAGE },
        { "empty choices without usage", WIRE_OPENAI_CHAT, "", "{\"choices\":[],\"usage\":null}",
          EVENT_OTHER },
        { "error", WIRE_OPENAI_CHAT, "", "{\"error\":{\"message\":\"x\"}}", EVENT_ERROR },
        { "error: null is none", WIRE_OPENAI_CHAT, "", "{\"error\":null,\"choices\":[]}",
          EVENT_OTHER },
        { "done", WIRE_OPENAI_CHAT, "", " [DONE] ", EVENT_END },
        { "no JSON", WIRE_OPENAI_CHAT, "", "PROCESSING", EVENT_BAD },
        { "an array", WIRE_OPENAI_CHAT, "", "[]", EVENT_BAD },
        { "created", WIRE_OPENAI_RESPONSES, "", "{\"type\":\"response.created\",\"response\":{}}",
          EVENT_PREAMBLE },
        { "item added", WIRE_OPENAI_RESPONSES, "", "{\"type\":\"response.output_item.added\"}",
          EVENT_PREAMBLE },
        { "rate limits", WIRE_OPENAI_RESPONSES, "", "{\"type\":\"codex.rate_limits\"}",
          EVENT_PREAMBLE },
        { "text delta", WIRE_OPENAI_RESPONSES, "",
          "{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}", EVENT_CONTENT },
        { "empty delta", WIRE_OPENAI_RESPONSES, "",
          "{\"type\":\"response.output_text.delta\",\"delta\":\"\"}", EVENT_PREAMBLE },
        { "item done", WIRE_OPENAI_RESPONSES, "", "{\"type\":\"response.output_item.done\"}",
          EVENT_CONTENT },
        { "name only in the event line", WIRE_OPENAI_RESPONSES, "response.completed",
          "{\"response\":{}}", EVENT_END },
        { "incomplete", WIRE_OPENAI_RESPONSES, "",
          "{\"type\":\"response.incomplete\",\"response\":{}}", EVENT_END },
        { "failed", WIRE_OPENAI_RESPONSES, "", "{\"type\":\"response.failed\",\"response\":{}}",
          EVENT_ERROR },
        { "stray [DONE]", WIRE_OPENAI_RESPONSES, "", "[DONE]", EVENT_PREAMBLE },
        { "ping", WIRE_ANTHROPIC, "ping", "{\"type\":\"ping\"}", EVENT_PREAMBLE },
        { "message start", WIRE_ANTHROPIC, "", "{\"type\":\"message_start\",\"message\":{}}",
          EVENT_PREAMBLE },
        { "text block", WIRE_ANTHROPIC, "",
          "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"\"}}",
          EVENT_PREAMBLE },
        { "redacted block", WIRE_ANTHROPIC, "",
          "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"redacted_thinking\","
          "\"data\":\"x\"}}",
          EVENT_CONTENT },
        { "text delta", WIRE_ANTHROPIC, "",
          "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}",
          EVENT_CONTENT },
        { "empty json delta", WIRE_ANTHROPIC, "",
          "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_"
          "json\":\"\"}}",
          EVENT_PREAMBLE },
        { "signature", WIRE_ANTHROPIC, "",
          "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"signature_delta\",\"signature\":"
          "\"s\"}}",
          EVENT_CONTENT },
        { "message delta", WIRE_ANTHROPIC, "",
          "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{}}",
          EVENT_OTHER },
        { "message stop", WIRE_ANTHROPIC, "message_stop", "{}", EVENT_END },
        { "overloaded", WIRE_ANTHROPIC, "", "{\"type\":\"error\",\"error\":{}}", EVENT_ERROR },
        { "gemini text", WIRE_GEMINI, "",
          "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}", EVENT_CONTENT },
        { "gemini thought", WIRE_GEMINI, "",
          "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\",\"thought\":true}]}}]}",
          EVENT_CONTENT },
        { "gemini empty", WIRE_GEMINI, "",
          "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]}}]}", EVENT_PREAMBLE },
        { "gemini call", WIRE_GEMINI, "",
          "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{}}]}}]}", EVENT_CONTENT },
        { "gemini signature alone", WIRE_GEMINI, "",
          "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\",\"thoughtSignature\":\"x\"}]}}]"
          "}",
          EVENT_CONTENT },
        { "gemini finish", WIRE_GEMINI, "", "{\"candidates\":[{\"finishReason\":\"STOP\"}]}",
          EVENT_OTHER },
        { "gemini blocked", WIRE_GEMINI, "", "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}",
          EVENT_OTHER },
        { "gemini error", WIRE_GEMINI, "", "{\"error\":{\"code\":429}}", EVENT_ERROR },
        { "gemini usage only", WIRE_GEMINI, "", "{\"usageMetadata\":{\"promptTokenCount\":3}}",
          EVENT_PREAMBLE },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct stream_state s;
        struct event_view view;

        stream_state_init(&s, cases[i].wire);
        stream_read_event(&s, str_c(cases[i].event), str_c(cases[i].data), &t->arena, &view);
        CHECK_INT(view.kind, cases[i].want, "%s (%s)", cases[i].name, wire_name(cases[i].wire).at);
        stream_state_clear(&s);
    }
}

TEST(stream_keeps_the_sequence_and_the_id_of_a_response)
{
    struct stream_state s;
    struct event_view view;

    stream_state_init(&s, WIRE_OPENAI_RESPONSES);
    stream_read_event(&s, STR(""),
                      STR("{\"type\":\"response.created\",\"sequence_number\":4,\"response\":{"
                          "\"id\":\"resp_9\"}}"),
                      &t->arena, &view);
    CHECK_INT(s.sequence, 5);
    CHECK_STR(str_c(s.response_id), "resp_9");
    stream_state_clear(&s);
}

TEST(stream_arguments_of_interleaved_calls_are_checked_apart)
{
    struct stream_state s;
    struct event_view view;
    static const char *const events[] = {
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{"
        "\\\"a\\\"\"}}]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{"
        "\\\"b\\\"\"}}]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}"
        "\"}}]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\":2}"
        "\"}}]}}]}",
        "{\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}",
    };

    stream_state_init(&s, WIRE_OPENAI_CHAT);
    for (size_t i = 0; i < COUNT(events); i++)
        stream_read_event(&s, STR(""), str_c(events[i]), &t->arena, &view);
    CHECK(!s.bad_arguments);
    CHECK(stream_is_complete(&s));
    stream_state_clear(&s);
}

/* Events as upstreams send them; `*` stands for a text or number that differs each time. */
static const struct {
    enum wire wire;
    const char *name, *data;
} shapes[] = {
    { WIRE_OPENAI_CHAT, "",
      "{\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"*\"}}]}" },
    { WIRE_OPENAI_CHAT, "",
      "{\"choices\":[{\"delta\":{\"reasoning\":\"*\",\"content\":\"*\"}}],\"model\":\"m\"}" },
    { WIRE_OPENAI_CHAT, "",
      "{\"choices\":[{\"delta\":{\"content\":\"*\"},\"finish_reason\":\"stop\"}]}" },
    { WIRE_OPENAI_CHAT, "",
      "{\"choices\":[{\"delta\":{\"content\":\"*\"}}],\"usage\":{\"prompt_tokens\":*}}" },
    { WIRE_OPENAI_CHAT, "",
      "{\"choices\":[{\"delta\":{\"content\":\"a\",\"tool_calls\":[{\"index\":0,\"function\":{"
      "\"arguments\":\"*\"}}]}}]}" },
    { WIRE_OPENAI_CHAT, "",
      "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}" },
    { WIRE_OPENAI_CHAT, "",
      "{\"choices\":[{\"delta\":{\"content\":\"*\",\"thought_signature\":\"*\"}}]}" },
    { WIRE_OPENAI_RESPONSES, "",
      "{\"type\":\"response.output_text.delta\",\"sequence_number\":*,\"delta\":\"*\"}" },
    { WIRE_OPENAI_RESPONSES, "response.output_text.delta",
      "{\"delta\":\"*\",\"obfuscation\":\"*\",\"sequence_number\":*}" },
    { WIRE_OPENAI_RESPONSES, "",
      "{\"type\":\"response.x.delta\",\"delta\":\"*\",\"response\":{\"id\":\"*\",\"model\":\"m\"}"
      "}" },
    { WIRE_OPENAI_RESPONSES, "",
      "{\"type\":\"response.function_call_arguments.done\",\"arguments\":\"*\"}" },
    { WIRE_ANTHROPIC, "",
      "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
      "\"*\"}}" },
    { WIRE_ANTHROPIC, "content_block_delta", "{\"index\":*,\"delta\":{\"thinking\":\"*\"}}" },
    { WIRE_ANTHROPIC, "content_block_delta", "{\"index\":0,\"delta\":{\"partial_json\":\"*\"}}" },
    { WIRE_ANTHROPIC, "content_block_delta",
      "{\"index\":0,\"delta\":{\"text\":\"*\",\"partial_json\":\"*\"}}" },
    { WIRE_ANTHROPIC, "content_block_delta", "{\"delta\":{\"signature\":\"*\"}}" },
    { WIRE_ANTHROPIC, "content_block_stop", "{\"index\":0}" },
    { WIRE_ANTHROPIC, "message_delta",
      "{\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":*}}" },
    { WIRE_GEMINI, "",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"*\"}]}}],\"modelVersion\":\"m\"}" },
    { WIRE_GEMINI, "",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"*\"}]},\"finishReason\":\"STOP\"}]}" },
    { WIRE_GEMINI, "",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"*\",\"thoughtSignature\":\"*\"}]}}]"
      "}" },
    { WIRE_GEMINI, "",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"*\"}]}}],\"promptFeedback\":{"
      "\"blockReason\":\"SAFETY\"}}" },
    { WIRE_GEMINI, "",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"*\"}]}}],\"usageMetadata\":{"
      "\"promptTokenCount\":*}}" },
};

static struct str filled(struct test *t, const char *shape)
{
    static const char *const texts[] = { "",           "a",       "{}",
                                         "{\\\"a\\\"", "thought", "thoughts of",
                                         "\\ud83d",    "\\n",     "\xc3\xa4" };
    struct buf b = { .max = 4096 };

    for (const char *p = shape; *p != '\0'; p++) {
        if (*p != '*')
            CHECK(buf_add_char(&b, *p));
        else if (p[-1] == '"')
            CHECK(buf_add(&b, str_c(texts[test_below(t, COUNT(texts))])));
        else
            CHECK(buf_add_u64(&b, test_random(t) % 3));
    }
    struct str data = arena_copy(&t->arena, buf_str(&b));

    buf_clear(&b);
    return data;
}

/* What is known of a stream, as text. */
static struct str known_of(struct test *t, const struct stream_state *s)
{
    struct str out = arena_printf(
        &t->arena, "%d%d%d%d finish %d usage %d %d seq %d id %s bad %u calls", s->content, s->ended,
        s->bad_arguments, s->unchecked, s->finish, (int)s->usage.in, (int)s->usage.out,
        (int)s->sequence, s->response_id, s->bad_events);

    for (uint32_t i = 0; i < s->call_count; i++)
        out = arena_printf(&t->arena, "%.*s %d:%.*s", (int)out.len, out.at, (int)s->calls[i].index,
                           (int)s->calls[i].text.len, buf_str(&s->calls[i].text).at);
    return out;
}

/* Two readers of one stream: one that reads every event, and one that knows what repeats. */
TEST(an_event_like_the_one_before_is_read_the_same)
{
    uint32_t repeated = 0;

    for (uint32_t round = 0; round < 400; round++) {
        size_t first = test_below(t, COUNT(shapes)), shape = first;
        struct stream_state knows, reads;

        stream_state_init(&knows, shapes[first].wire);
        stream_state_init(&reads, shapes[first].wire);
        for (uint32_t n = 0; n < 40; n++) {
            struct event_view one, two;

            if (test_random(t) % 6 == 0) { /* another of the same wire */
                size_t other = test_below(t, COUNT(shapes));

                shape = shapes[other].wire == shapes[first].wire ? other : shape;
            }
            struct str data = filled(t, shapes[shape].data), name = str_c(shapes[shape].name);
            struct repeated like;

            repeated += repeat_is(&knows.repeat, name, data, &like) ? 1 : 0;
            repeat_forget(&reads.repeat);
            stream_read_event(&knows, name, data, &t->arena, &one);
            stream_read_event(&reads, name, data, &t->arena, &two);
            CHECK_INT(one.kind, two.kind, "%.*s", STR_ARG(data));
            CHECK_INT(one.model_raw.len, two.model_raw.len, "%.*s", STR_ARG(data));
            CHECK(one.model_raw.len == 0 || one.model_raw.at == two.model_raw.at);
            CHECK_INT(one.surrogates, two.surrogates);
            CHECK(!two.may_be_signed || one.may_be_signed ||
                      str_find(data, STR("ignature")) == SIZE_MAX,
                  "%.*s", STR_ARG(data));
            CHECK_STRS(known_of(t, &knows), known_of(t, &reads), "%.*s", STR_ARG(data));
        }
        stream_state_clear(&knows);
        stream_state_clear(&reads);
        arena_reset(&t->arena);
    }
    CHECK(repeated > 1000, "%u", repeated);
}
