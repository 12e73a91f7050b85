#include "test.h"
#include "wire/dialect.h"
#include "wire/translate.h"

static bool takes(struct test *t, enum wire_dialect d, enum wire protocol, const char *body)
{
    struct str text = arena_copy(&t->arena, str_c(body));
    struct wire_request r;
    struct wire_complaint why = { .too_large = false };

    CHECK(wire_read_request(protocol, text, NULL, STR(""), false, &t->arena, &r, &why), "%s", body);
    return dialect_takes(d, &r);
}

#define CODEX(more) \
    "{\"model\":\"m\",\"stream\":true,\"store\":false,\"instructions\":\"i\",\"input\":[]" more "}"

TEST(codex_takes_what_its_own_client_sends_and_nothing_else)
{
    static const struct {
        const char *body;
        bool takes;
    } cases[] = {
        { CODEX(""), true },
        { CODEX(",\"reasoning\":{\"effort\":\"high\"},\"include\":[],\"client_metadata\":{}"),
          true },
        { CODEX(",\"service_tier\":\"priority\""), true },
        { CODEX(",\"service_tier\":\"flex\""), false },
        { CODEX(",\"temperature\":1"), false },
        { CODEX(",\"max_output_tokens\":1"), false },
        { CODEX(",\"previous_response_id\":\"r\""), false },
        { CODEX(",\"metadata\":{}"), false },
        { "{\"model\":\"m\",\"stream\":true,\"store\":false,\"instructions\":\"\",\"input\":[{"
          "\"role\":"
          "\"system\",\"content\":\"x\"}]}",
          false },
        { "{\"model\":\"m\",\"stream\":true,\"store\":false,\"instructions\":\"\",\"input\":[{"
          "\"role\":"
          "\"user\",\"content\":\"a \\\"system\\\" of\"}]}",
          true },
        { "{\"model\":\"m\",\"stream\":false,\"store\":false,\"instructions\":\"i\",\"input\":[]}",
          false },
        { "{\"model\":\"m\",\"stream\":true,\"instructions\":\"i\",\"input\":[]}", false },
        { "{\"model\":\"m\",\"stream\":true,\"store\":true,\"instructions\":\"i\",\"input\":[]}",
          false },
        { "{\"model\":\"m\",\"stream\":true,\"store\":false,\"input\":[]}", false },
        { "{\"model\":\"m\",\"stream\":true,\"store\":false,\"instructions\":\"i\",\"input\":"
          "\"x\"}",
          false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CHECK_INT(takes(t, DIALECT_CODEX, WIRE_OPENAI_RESPONSES, cases[i].body), cases[i].takes,
                  "%s", cases[i].body);
        CHECK(takes(t, DIALECT_PLAIN, WIRE_OPENAI_RESPONSES, cases[i].body));
    }
}

TEST(copilot_takes_chat_without_tools)
{
    CHECK(takes(t, DIALECT_COPILOT, WIRE_OPENAI_CHAT,
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"));
    CHECK(!takes(
        t, DIALECT_COPILOT, WIRE_OPENAI_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[]}"));
    CHECK(takes(t, DIALECT_COPILOT, WIRE_OPENAI_RESPONSES,
                "{\"model\":\"m\",\"input\":[],\"tools\":[]}"));
}

#define IMAGE                                                                     \
    "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/" \
    "png\",\"data\":\"iVBORw0KGgo=\"}}"

TEST(a_turn_is_the_agents_unless_a_person_spoke_last)
{
    static const struct {
        enum wire protocol;
        const char *body;
        bool by_agent, has_images;
    } cases[] = {
        { WIRE_ANTHROPIC,
          "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
          "}",
          false, false },
        { WIRE_ANTHROPIC,
          "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":[" IMAGE
          "]}]}",
          false, true },
        { WIRE_ANTHROPIC,
          "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
          "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":"
          "\"f\",\"input\":{}}]},"
          "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\","
          "\"content\":[" IMAGE "]},"
          "{\"type\":\"text\",\"text\":\"<system-reminder>go on</system-reminder>\"}]}]}",
          true, true },
        { WIRE_ANTHROPIC,
          "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
          "{\"role\":\"assistant\",\"content\":\"It\"}]}",
          true, false },
        { WIRE_OPENAI_RESPONSES,
          "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},"
          "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},"
          "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"x\"}]}",
          true, false },
        { WIRE_OPENAI_RESPONSES,
          "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},"
          "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},"
          "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"x\"},"
          "{\"role\":\"user\",\"content\":\"and now?\"}]}",
          false, false },
        { WIRE_GEMINI,
          "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},"
          "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]},"
          "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{}}}]}]"
          "}",
          true, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r = { .protocol = cases[i].protocol };
        struct wire_complaint why = { .too_large = false };

        CHECK(translate_read(cases[i].protocol, str_c(cases[i].body), STR("m"), false, &t->arena,
                             &r, &why),
              "case %zu: %.*s", i, STR_ARG(why.message));
        struct turn turn = turn_of(&r);

        CHECK_INT(turn.by_agent, cases[i].by_agent, "case %zu", i);
        CHECK_INT(turn.has_images, cases[i].has_images, "case %zu", i);
    }
}
