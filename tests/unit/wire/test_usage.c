#include "wire/usage.h"

#include "test.h"

TEST(usage_means_the_same_on_every_wire)
{
    static const struct {
        const char *name;
        enum wire wire;
        const char *text;
        struct usage want;
    } cases[] = {
        { "chat",
          WIRE_OPENAI_CHAT,
          "{\"prompt_tokens\":105,\"completion_tokens\":7,\"total_tokens\":112,\"prompt_tokens_"
          "details\":{\"cached_tokens\":90,"
          "\"cache_write_tokens\":5},\"completion_tokens_details\":{\"reasoning_tokens\":3}}",
          { 105, 7, 90, 5, 3 } },
        { "responses",
          WIRE_OPENAI_RESPONSES,
          "{\"input_tokens\":105,\"output_tokens\":7,\"input_tokens_details\":{\"cached_tokens\":"
          "90}}",
          { 105, 7, 90, -1, -1 } },
        { "anthropic adds its parts",
          WIRE_ANTHROPIC,
          "{\"input_tokens\":10,\"cache_read_input_tokens\":90,\"cache_creation_input_tokens\":5,"
          "\"output_tokens\":7,"
          "\"output_tokens_details\":{\"thinking_tokens\":3}}",
          { 105, 7, 90, 5, 3 } },
        { "gemini adds tool prompt and thoughts",
          WIRE_GEMINI,
          "{\"promptTokenCount\":100,\"cachedContentTokenCount\":60,\"candidatesTokenCount\":5,"
          "\"thoughtsTokenCount\":20,"
          "\"toolUsePromptTokenCount\":4,\"totalTokenCount\":129}",
          { 104, 25, 60, -1, 20 } },
        { "gemini with thoughts included",
          WIRE_GEMINI,
          "{\"promptTokenCount\":100,\"candidatesTokenCount\":25,\"thoughtsTokenCount\":20,"
          "\"totalTokenCount\":125}",
          { 100, 25, -1, -1, 20 } },
        { "deepseek",
          WIRE_OPENAI_CHAT,
          "{\"prompt_tokens\":100,\"prompt_cache_hit_tokens\":64,\"prompt_cache_miss_tokens\":36,"
          "\"completion_tokens\":2}",
          { 100, 2, 64, -1, -1 } },
        { "reasoning beside completion",
          WIRE_OPENAI_CHAT,
          "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":35,\"completion_tokens_"
          "details\":{\"reasoning_tokens\":20}}",
          { 10, 25, -1, -1, 20 } },
        { "more cached than read is clamped",
          WIRE_OPENAI_CHAT,
          "{\"prompt_tokens\":10,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_"
          "tokens\":20}}",
          { 10, 5, 10, -1, -1 } },
        { "negative and wrong types are unknown",
          WIRE_OPENAI_CHAT,
          "{\"prompt_tokens\":-1,\"completion_tokens\":\"5\"}",
          { -1, -1, -1, -1, -1 } },
        { "sums do not overflow",
          WIRE_ANTHROPIC,
          "{\"input_tokens\":9223372036854775807,\"cache_read_input_tokens\":9223372036854775807,"
          "\"output_tokens\":1}",
          { INT64_MAX, 1, INT64_MAX, -1, -1 } },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct usage u = usage_unknown();
        struct json doc;

        CHECK(json_parse(&doc, str_c(cases[i].text), &(struct json_limits){ 0 }, &t->arena, NULL),
              "%s", cases[i].name);
        usage_read(&u, cases[i].wire, &doc, 0);
        CHECK_INT(u.in, cases[i].want.in, "in, %s", cases[i].name);
        CHECK_INT(u.out, cases[i].want.out, "out, %s", cases[i].name);
        CHECK_INT(u.cache_read, cases[i].want.cache_read, "cache read, %s", cases[i].name);
        CHECK_INT(u.reasoning, cases[i].want.reasoning, "reasoning, %s", cases[i].name);
        if (cases[i].want.cache_write >= 0)
            CHECK_INT(u.cache_write, cases[i].want.cache_write, "cache write, %s", cases[i].name);
    }
}

TEST(usage_of_anthropic_is_cumulative_over_events)
{
    struct usage u = usage_unknown();
    static const char *const events[] = {
        "{\"input_tokens\":10,\"cache_read_input_tokens\":90,\"output_tokens\":1}",
        "{\"output_tokens\":7}",
        "{\"input_tokens\":12,\"output_tokens\":9}",
    };
    static const int64_t in[] = { 100, 100, 102 }, out[] = { 1, 7, 9 };

    for (size_t i = 0; i < COUNT(events); i++) {
        struct json doc;

        CHECK(json_parse(&doc, str_c(events[i]), &(struct json_limits){ 0 }, &t->arena, NULL));
        usage_read(&u, WIRE_ANTHROPIC, &doc, 0);
        CHECK_INT(u.in, in[i]);
        CHECK_INT(u.out, out[i]);
    }
}

TEST(a_part_that_is_known_bounds_a_sum_that_is_not)
{
    static const struct {
        const char *text;
        int64_t in, out, cache_read, reasoning;
    } cases[] = {
        { "{\"input_tokens\":12,\"output_tokens_details\":{\"reasoning_tokens\":10}}", 12, 10, -1,
          10 },
        { "{\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":3}", 4, 3, 4, -1 },
        { "{\"input_tokens\":1}", 1, -1, -1, -1 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct usage u = usage_unknown();
        struct json doc;

        if (!CHECK(json_parse(&doc, str_c(cases[i].text), NULL, &t->arena, NULL)))
            continue;
        usage_read(&u, WIRE_OPENAI_RESPONSES, &doc, 0);
        CHECK_INT(u.in, cases[i].in, "%s", cases[i].text);
        CHECK_INT(u.out, cases[i].out, "%s", cases[i].text);
        CHECK_INT(u.cache_read, cases[i].cache_read, "%s", cases[i].text);
        CHECK_INT(u.reasoning, cases[i].reasoning, "%s", cases[i].text);
    }
}
