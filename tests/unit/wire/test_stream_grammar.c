/* tests/unit/wire/test_stream_grammar.c - the judge of streams is judged: good streams pass, each
 * kind of damage is told by its rule. */
#include "translation_rig.h"

#include "test.h"

static struct str good_stream(struct test *t, enum wire protocol, const char *file, bool array)
{
    struct rig_request asked;
    struct rig_answer answer;

    rig_read(protocol, rig_ask(protocol), &t->arena, &asked);
    rig_feed(
        &(struct rig_options){ .wire = WIRE_ANTHROPIC, .asked = &asked, .json_array = array },
        test_file(t, arena_printf(&t->arena, "tests/unit/wire/streams/anthropic/%s.sse", file).at),
        &t->arena, &answer);
    CHECK(answer.done);
    return answer.bytes;
}

static const char *judge(struct test *t, enum wire protocol, struct str bytes, bool array,
                         struct seen_stream *seen)
{
    struct grammar_options o = { .protocol = protocol,
                                 .json_array = array,
                                 .wants_usage = protocol == WIRE_OPENAI_CHAT };

    return stream_breaks(&o, bytes, &t->arena, seen);
}

/* `from` once replaced by `to`; an empty `from`: added at the end. */
static struct str replace(struct test *t, struct str in, const char *from, const char *to)
{
    size_t at = from[0] == '\0' ? in.len : str_find(in, str_c(from));

    if (!CHECK(at != SIZE_MAX, "%s is not in %.*s", from, (int)in.len, in.at))
        return in;
    return arena_printf(&t->arena, "%.*s%s%.*s", (int)at, in.at, to,
                        (int)(in.len - at - strlen(from)), in.at + at + strlen(from));
}

TEST(good_streams_are_understood)
{
    for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++)
        for (int array = 0; array <= (protocol == WIRE_GEMINI); array++) {
            struct seen_stream seen;
            const char *broken =
                judge(t, protocol, good_stream(t, protocol, "tools", array), array, &seen);

            CHECK(broken == NULL, "%s: %s", wire_name(protocol).at, broken);
            CHECK_INT(seen.end, SEEN_DONE);
            CHECK_STR(seen.text, "Checking.");
            CHECK_STR(seen.order, "TCC");
            CHECK_INT(seen.call_count, 2);
            CHECK_STR(seen.calls[0].name, "get_weather");
            CHECK_STR(seen.calls[0].arguments, "{\"city\":\"Oslo\",\"n\":1.0}");
            CHECK_INT(seen.in, 120);
            CHECK_INT(seen.out, 30);
            CHECK_INT(seen.cached, 64);
            broken = judge(t, protocol, good_stream(t, protocol, "thinking", array), array, &seen);
            CHECK(broken == NULL, "%s: %s", wire_name(protocol).at, broken);
            CHECK_STR(seen.thinking, "Let me see.");
            CHECK_STR(seen.order, "KT");
        }
}

TEST(each_damage_breaks_its_rule)
{
    static const struct {
        enum wire protocol;
        const char *from, *to, *rule; /* a part of the rule's words; NULL: a cut, no broken rule */
    } cases[] = {
        { WIRE_OPENAI_CHAT, "", "data: {}\n\n", "behind the end" },
        { WIRE_OPENAI_CHAT, "data: [DONE]\n\n", "", NULL },
        { WIRE_OPENAI_CHAT, "\"finish_reason\":\"tool_calls\"", "\"finish_reason\":null",
          "before each choice has finished" },
        { WIRE_OPENAI_CHAT, "\"role\":\"assistant\",", "", "the role" },
        { WIRE_OPENAI_CHAT, "chatcmpl-", "cmpl-", "id or created" },
        { WIRE_OPENAI_CHAT, "\"index\":1,\"id\"", "\"index\":2,\"id\"", "not in order" },
        { WIRE_OPENAI_CHAT, "\"total_tokens\":150", "\"total_tokens\":151", "not the sum" },
        { WIRE_OPENAI_CHAT, "\"usage\":null}\n\n", "\"usage\":{}}\n\n", "usage is null" },
        { WIRE_OPENAI_CHAT, "data: {", ": note\ndata: {", "comment in the block" },
        { WIRE_OPENAI_CHAT, "data: [DONE]\n\n", "data: [DONE]\n", "behind the last blank line" },
        { WIRE_OPENAI_CHAT, "\\\"city\\\":", "\\\"city\\\"", "no JSON" },
        { WIRE_OPENAI_CHAT, "\"content\":\"Checking.\"", "\"content\":Checking", "no JSON" },
        { WIRE_OPENAI_CHAT, "\"finish_reason\":null}]", "\"finish_reason\":\"stop\"}]",
          "behind its finish" },
        { WIRE_OPENAI_RESPONSES, "\"sequence_number\":3", "\"sequence_number\":4", "the next one" },
        { WIRE_OPENAI_RESPONSES, "event: response.created", "event: created", "is not its type" },
        { WIRE_OPENAI_RESPONSES, "\"delta\":\"Checking.\"", "\"delta\":\"Check.\"",
          "differs from its pieces" },
        { WIRE_OPENAI_RESPONSES, "\"output_index\":1", "\"output_index\":2", "the next one" },
        { WIRE_OPENAI_RESPONSES, "\"item_id\":\"msg_", "\"item_id\":\"xsg_", "not open" },
        { WIRE_OPENAI_RESPONSES, "\"total_tokens\":150", "\"total_tokens\":1", "not the sum" },
        { WIRE_OPENAI_RESPONSES, "", "event: ping\ndata: {\"type\":\"ping\"}\n\n",
          "behind the end" },
        { WIRE_OPENAI_RESPONSES, "\"id\":\"fc_", "\"id\":\"xc_", "as its type wants" },
        { WIRE_ANTHROPIC, "event: message_start\n", "", "is not its type" },
        { WIRE_ANTHROPIC, "\"index\":1", "\"index\":2", "not the next one" },
        { WIRE_ANTHROPIC, "\"type\":\"text_delta\"", "\"type\":\"thinking_delta\"",
          "another kind" },
        { WIRE_ANTHROPIC, "\"stop_reason\":\"tool_use\"", "\"stop_reason\":\"end_turn\"",
          "end_turn behind a call" },
        { WIRE_ANTHROPIC,
          "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n", "",
          "begins where none may" },
        { WIRE_ANTHROPIC, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", "", NULL },
        { WIRE_ANTHROPIC, "toolu_01A", "toolu 01A", "an id that may not be" },
        { WIRE_ANTHROPIC, "\"id\":\"toolu_01B\"", "\"id\":\"toolu_01A\"", "two calls have one id" },
        { WIRE_GEMINI, "\"finishReason\":\"STOP\",", "", NULL },
        { WIRE_GEMINI, "\"totalTokenCount\":150", "\"totalTokenCount\":7", "not the sum" },
        { WIRE_GEMINI, "\"text\":\"Checking.\"", "\"text\":\"Checking.\",\"inlineData\":{}",
          "exactly one thing" },
        { WIRE_GEMINI, "\"args\":{\"city\"", "\"args\":[{\"city\"", "no JSON" },
        { WIRE_GEMINI, "data: ", "event: x\ndata: ", "has a name" },
        { WIRE_GEMINI, "\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Checking.\"}]}",
          "\"content\":{\"role\":\"model\",\"parts\":[]}", "without parts" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str good = good_stream(t, cases[i].protocol, "tools", false);
        struct seen_stream seen;
        const char *broken =
            judge(t, cases[i].protocol, replace(t, good, cases[i].from, cases[i].to), false, &seen);

        if (cases[i].rule == NULL) {
            CHECK(broken == NULL, "%zu: %s", i, broken);
            CHECK_INT(seen.end, SEEN_CUT, "%zu", i);
            continue;
        }
        CHECK(broken != NULL && strstr(broken, cases[i].rule) != NULL,
              "%zu: %s in place of %s: %s, not %s", i, cases[i].to, cases[i].from, broken,
              cases[i].rule);
    }
}
