/* What upstreams refuse by name: how it is told, and for how long it is known. */
#include "exchange/repair.h"

#include "test.h"

TEST(words_of_a_refusal_say_what_to_leave_out)
{
    static const struct {
        const char *name;
        enum wire wire;
        const char *param, *message;
        size_t lack;
        const char *member, *rename;
    } cases[] = {
#define LACK(member) offsetof(struct wire_lacks, member)
        { "a parameter by name", WIRE_OPENAI_CHAT, "temperature", "Unsupported value",
          LACK(sampling), "temperature", "" },
        { "the limit under its new name", WIRE_OPENAI_CHAT, "max_tokens",
          "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
          "'max_completion_tokens' instead.",
          LACK(max_tokens), "max_tokens", "max_completion_tokens" },
        { "only in the sentence", WIRE_OPENAI_RESPONSES, "",
          "Unsupported parameter: parallel_tool_calls", LACK(parallel_tool_calls),
          "parallel_tool_calls", "" },
        { "a member of Google's", WIRE_GEMINI, "",
          "Unknown name \"parametersJsonSchema\" at 'tools[0]'", LACK(json_schema_parameters), "",
          "" },
        { "a signature", WIRE_ANTHROPIC, "", "Invalid `signature` in `thinking` block",
          LACK(signatures), "", "" },
        { "a form of thinking", WIRE_ANTHROPIC, "", "thinking.type: enabled is not supported",
          LACK(thinking), "thinking", "" },
        { "a format changes the answer: not for what passes", WIRE_OPENAI_CHAT, "response_format",
          "", LACK(json_schema), "", "" },
#undef LACK
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct judge_words words = { .param = str_c(cases[i].param),
                                     .message = str_c(cases[i].message) };
        struct repair r;

        if (!CHECK(provider_repair(cases[i].wire, &words, &r), "%s", cases[i].name))
            continue;
        CHECK(*(const bool *)((const char *)&r.lacks + cases[i].lack), "%s", cases[i].name);
        CHECK_STR(r.change.member, cases[i].member, "%s", cases[i].name);
        CHECK_STR(r.change.rename, cases[i].rename, "%s", cases[i].name);
    }
}

TEST(other_words_mend_nothing)
{
    static const char *const messages[] = { "Unknown parameter: 'foo'.", "", "tools: bad name" };

    for (size_t i = 0; i < COUNT(messages); i++) {
        struct judge_words words = { .message = str_c(messages[i]) };
        struct repair r;

        CHECK(!provider_repair(WIRE_OPENAI_CHAT, &words, &r), "%s", messages[i]);
    }
}

static const struct repair no_sampling = {
    .lacks = { .sampling = true },
    .change = { { "temperature", 11 }, { "", 0 } },
};

TEST(what_was_learned_is_known_for_an_hour_for_that_account_and_model)
{
    static struct repair_table table;

    CHECK(repairs_find(&table, 1, STR("m"), 0) == NULL);
    CHECK(repairs_learn(&table, 1, STR("m"), &no_sampling, 1000));
    CHECK(!repairs_learn(&table, 1, STR("m"), &no_sampling, 2000), "it was known");

    const struct repairs *known = repairs_find(&table, 1, STR("m"), 3000);
    if (!CHECK(known != NULL))
        return;
    CHECK(known->lacks.sampling);
    CHECK_INT(known->change_count, 1);
    CHECK(repairs_find(&table, 2, STR("m"), 3000) == NULL, "another account");
    CHECK(repairs_find(&table, 1, STR("n"), 3000) == NULL, "another model");
    CHECK(repairs_find(&table, 1, STR("m"), 999 + REPAIR_KEPT_MS) != NULL);
    CHECK(repairs_find(&table, 1, STR("m"), 1000 + REPAIR_KEPT_MS) == NULL);
}

TEST(the_oldest_makes_room)
{
    static struct repair_table table;

    for (int64_t i = 0; i < REPAIRS_MAX + 1; i++)
        CHECK(repairs_learn(&table, i + 1, STR("m"), &no_sampling, i));
    CHECK(repairs_find(&table, 1, STR("m"), REPAIRS_MAX) == NULL);
    CHECK(repairs_find(&table, 2, STR("m"), REPAIRS_MAX) != NULL);
    CHECK(repairs_find(&table, REPAIRS_MAX + 1, STR("m"), REPAIRS_MAX) != NULL);
    CHECK_INT(table.count, REPAIRS_MAX);
}
