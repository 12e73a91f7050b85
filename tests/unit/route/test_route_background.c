/* Which requests an agent makes for itself. */
#include "route/background.h"
#include "test.h"

static const struct background_spec on = { .enabled = true, .model = { "small", 5 } };

TEST(what_agents_ask_for_themselves_is_known_by_its_first_words)
{
    static const struct {
        const char *system, *user;
        bool is_one;
    } cases[] = {
        { "", "Warmup", true },
        { "", " Warmup\n", true },
        { "", "Warmup my coffee", false },
        { "", "quota", true },
        { "", "my quota", false },
        { "You are Claude Code. Analyze if this message indicates a new conversation topic. If it "
          "does, …",
          "hello", true },
        { "You are a title generator. You output ONLY a thread title.", "fix the tests", true },
        { "You are a helpful assistant.", "You are a title generator.", false },
        { "", "Please write a 5-10 word title for the following conversation:", true },
        { "", "Please write a 5-page essay", false },
        { "",
          "Analyze *only* the content and structure of your immediately preceding response "
          "(your last turn)",
          true },
        { "", "Summarize the user's primary intent or goal in this conversation in ONE sentence",
          true },
        { "", "", false },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(background_model(&on, str_c(cases[i].system), str_c(cases[i].user)).len > 0,
                  cases[i].is_one, "%s | %s", cases[i].system, cases[i].user);
}

TEST(it_is_off_unless_it_is_switched_on_and_long_texts_are_a_persons)
{
    static char text[BACKGROUND_USER_MAX + 1];
    const char begin[] = "Please write a 5-10 word title";
    const struct background_spec off = { .model = { "small", 5 } };

    CHECK_STR(background_model(&off, STR(""), STR("Warmup")), "");
    memset(text, 'x', sizeof(text));
    memcpy(text, begin, sizeof(begin) - 1);
    CHECK_STR(background_model(&on, STR(""), (struct str){ text, sizeof(text) - 1 }), "small");
    CHECK_STR(background_model(&on, STR(""), (struct str){ text, sizeof(text) }), "");
}

TEST(a_kind_may_have_a_model_of_its_own_and_rules_may_be_replaced)
{
    static const struct background_rule rules[] = {
        { BACKGROUND_TOPIC, false, { "is * a topic", 12 } },
        { BACKGROUND_TITLE, true, { "name it", 7 } },
    };
    struct background_spec s = on;

    s.models[BACKGROUND_WARMUP] = STR("tiny");
    CHECK_STR(background_model(&s, STR(""), STR("Warmup")), "tiny");
    s.rules = rules;
    s.rule_count = COUNT(rules);
    CHECK_STR(background_model(&s, STR(""), STR("Warmup")), "");
    CHECK_STR(background_model(&s, STR(""), STR("is this a topic?")), "small");
    CHECK_STR(background_model(&s, STR("name it now"), STR("x")), "small");
}

TEST(kinds_have_words)
{
    enum background_kind kind;

    for (unsigned i = 0; i < BACKGROUND_KINDS; i++)
        CHECK(background_from_word(str_c(background_word((enum background_kind)i)), &kind) &&
              kind == i);
    CHECK(!background_from_word(STR("other"), &kind));
}
