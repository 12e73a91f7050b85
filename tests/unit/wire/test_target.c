#include "wire/reasoning.h"

#include "test.h"

#define BIT(e) (1u << EFFORT_##e)
#define LMH (BIT(LOW) | BIT(MEDIUM) | BIT(HIGH))

TEST(facts_of_claude_models)
{
    static const struct {
        const char *id;
        int64_t output_max;
        const char *can; /* letters, in the order asked below */
    } cases[] = {
        /* b budget, a adaptive, o off, h only to high, w between tools, e effort, x xhigh,
         * s sampling, t top_p beside, f forced choice, F while thinking, p prefill, j schema,
         * m system messages */
        { "claude-3-haiku-20240307", 4096, "stfp" },
        { "claude-3-5-sonnet-20241022", 8192, "stfp" },
        { "claude-3-7-sonnet-latest", 64000, "bostfp" },
        { "claude-3.7-sonnet", 64000, "bostfp" },
        { "claude-sonnet-4-20250514", 64000, "bosfp" },
        { "claude-sonnet-4", 64000, "bosfp" },
        { "claude-opus-4-20250514", 32000, "bosfp" },
        { "claude-opus-4-1-20250805", 32000, "bosfpj" },
        { "claude-opus-4-5-20251101", 64000, "boesfpj" },
        { "claude-opus-4.5", 64000, "boesfpj" },
        { "us.anthropic.claude-sonnet-4-5-20250929-v1:0", 64000, "bosfpj" },
        { "claude-haiku-4-5@20251001", 64000, "bosfpj" },
        { "anthropic/claude-sonnet-4.6", 128000, "baoesfj" },
        { "claude-opus-4-7", 128000, "aoexfj" },
        { "claude-sonnet-5", 128000, "aoexfjm" },
        { "claude-opus-5", 128000, "aohexfjm" },
        { "claude-haiku-5-5", 128000, "aohexfjm" },
        { "claude-sonnet-5-5", 128000, "awexjm" },
        { "claude-opus-5-5", 128000, "aexjm" },
        { "claude-fable-5", 128000, "aexfFjm" },
        { "claude-fable-5-1", 128000, "aexjm" },
        { "CLAUDE-OPUS-9", 128000, "aohexfjm" },
        { "kimi-k2", 0, "bostfFp" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct model_facts f = model_facts_find(WIRE_ANTHROPIC, str_c(cases[i].id));
        const struct {
            bool is;
            char letter;
        } facts[] = {
            { f.anthropic.budget, 'b' },
            { f.anthropic.adaptive, 'a' },
            { f.anthropic.off, 'o' },
            { f.anthropic.off_to_high, 'h' },
            { f.anthropic.between_tools, 'w' },
            { f.anthropic.effort, 'e' },
            { f.anthropic.xhigh, 'x' },
            { f.anthropic.sampling, 's' },
            { f.anthropic.top_p_beside, 't' },
            { f.anthropic.forced_choice, 'f' },
            { f.anthropic.forced_thinking, 'F' },
            { f.anthropic.prefill, 'p' },
            { f.anthropic.schema, 'j' },
            { f.anthropic.system_messages, 'm' },
        };
        char got[COUNT(facts)];
        size_t n = 0;

        for (size_t k = 0; k < COUNT(facts); k++)
            if (facts[k].is)
                got[n++] = facts[k].letter;
        CHECK_STRS(((struct str){ got, n }), str_c(cases[i].can), "%s", cases[i].id);
        CHECK_INT(f.output_max, cases[i].output_max, "%s", cases[i].id);
    }
}

TEST(facts_of_openai_models)
{
    static const struct {
        const char *id;
        uint32_t efforts;
        const char *can; /* r reasons, n effort none, s sampling, i … if none, S stop, c chat tools
                            need none, p phases, u custom tools */
    } cases[] = {
        { "o3", LMH, "r" },
        { "o4-mini-2025-04-16", LMH, "r" },
        { "gpt-5", LMH | BIT(MINIMAL), "ru" },
        { "gpt-5-mini-2025-08-07", LMH | BIT(MINIMAL), "ru" },
        { "gpt-5-chat-latest", 0, "sS" },
        { "gpt-5-codex", LMH, "ru" },
        { "gpt-5.1", LMH, "rniu" },
        { "gpt-5.2", LMH | BIT(XHIGH), "rniu" },
        { "gpt-5.3-codex", LMH | BIT(XHIGH), "rpu" },
        { "openai/gpt-5.5-2026-04-23", LMH | BIT(XHIGH), "rnipu" },
        { "gpt-5.6-sol", LMH | BIT(XHIGH) | BIT(MAX), "rnicpu" },
        { "gpt-6-astra", LMH | BIT(XHIGH) | BIT(MAX), "rpu" },
        { "gpt-6-sol", LMH | BIT(XHIGH) | BIT(MAX), "rnipu" },
        { "gpt-6.1-terra", LMH | BIT(XHIGH) | BIT(MAX), "rnipu" },
        { "gpt-8", LMH | BIT(XHIGH) | BIT(MAX), "rpu" },
        { "gpt-4o-mini", 0, "sS" },
        { "gpt-4.1", 0, "sS" },
        { "gpt-oss-120b", LMH, "sS" },
        { "llama-3.3-70b", LMH | BIT(MINIMAL) | BIT(XHIGH) | BIT(MAX), "nsS" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct model_facts f = model_facts_find(WIRE_OPENAI_CHAT, str_c(cases[i].id));
        const struct {
            bool is;
            char letter;
        } facts[] = {
            { f.openai.reasoning, 'r' }, { f.openai.effort_none, 'n' },
            { f.openai.sampling, 's' },  { f.openai.sampling_if_none, 'i' },
            { f.openai.stop, 'S' },      { f.openai.chat_tools_need_none, 'c' },
            { f.openai.phases, 'p' },    { f.openai.custom_tools, 'u' },
        };
        char got[COUNT(facts)];
        size_t n = 0;

        for (size_t k = 0; k < COUNT(facts); k++)
            if (facts[k].is)
                got[n++] = facts[k].letter;
        CHECK_STRS(((struct str){ got, n }), str_c(cases[i].can), "%s", cases[i].id);
        CHECK_INT(f.openai.efforts, cases[i].efforts, "%s", cases[i].id);
    }
}

TEST(facts_of_gemini_models)
{
    static const struct {
        const char *id;
        uint32_t generation, levels;
        int64_t min, max; /* of the budget; -1: no budget */
        bool off, signatures, image;
    } cases[] = {
        { "gemini-1.5-pro", 1, 0, -1, 0, false, false, false },
        { "gemini-2.0-flash-001", 1, 0, -1, 0, false, false, false },
        { "models/gemini-2.5-pro", 2, 0, 128, 32768, false, false, false },
        { "gemini-2.5-flash", 2, 0, 0, 24576, true, false, false },
        { "gemini-2.5-flash-lite", 2, 0, 512, 24576, true, false, false },
        { "gemini-2.5-flash-image", 2, 0, -1, 0, false, false, true },
        { "gemini-3-pro-preview", 3, BIT(LOW) | BIT(HIGH), -1, 0, false, true, false },
        { "gemini-3-pro-high", 3, BIT(LOW) | BIT(HIGH), -1, 0, false, true, false },
        { "gemini-3-pro-image-preview", 3, 0, 128, 32768, false, false, true },
        { "gemini-3-flash", 3, LMH | BIT(MINIMAL), -1, 0, false, true, false },
        { "gemini-3.1-pro-preview", 3, LMH, -1, 0, false, true, false },
        { "gemini-3.5-flash-lite", 3, LMH | BIT(MINIMAL), -1, 0, false, true, false },
        { "gemini-3.8-flash", 3, LMH, -1, 0, false, true, false },
        { "gemini-flash-latest", 3, LMH, -1, 0, false, true, false },
        { "gemini-4-hydrogen", 4, LMH, -1, 0, false, true, false },
        { "gemini-7", 4, LMH, -1, 0, false, true, false },
        { "gemma-3-27b-it", 0, 0, -1, 0, false, false, false },
        { "claude-opus-4-6", 0, 0, -1, 0, false, false, false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct model_facts f = model_facts_find(WIRE_GEMINI, str_c(cases[i].id));

        CHECK_INT(f.gemini.generation, cases[i].generation, "%s", cases[i].id);
        CHECK_INT(f.gemini.levels, cases[i].levels, "%s", cases[i].id);
        CHECK_INT(f.gemini.budget, cases[i].min >= 0, "%s", cases[i].id);
        CHECK_INT(f.gemini.budget_min, cases[i].min >= 0 ? cases[i].min : 0, "%s", cases[i].id);
        CHECK_INT(f.gemini.budget_max, cases[i].max, "%s", cases[i].id);
        CHECK_INT(f.gemini.budget_off, cases[i].off, "%s", cases[i].id);
        CHECK_INT(f.gemini.signatures, cases[i].signatures, "%s", cases[i].id);
        CHECK_INT(f.gemini.image, cases[i].image, "%s", cases[i].id);
        CHECK_INT(f.gemini.call_ids, cases[i].generation >= 3, "%s", cases[i].id);
    }
}

TEST(efforts_and_budgets_become_each_other)
{
    static const struct {
        int64_t budget;
        enum effort effort;
    } budgets[] = {
        { -1, EFFORT_UNSET },    { 0, EFFORT_UNSET },       { 1, EFFORT_MINIMAL },
        { 512, EFFORT_MINIMAL }, { 513, EFFORT_LOW },       { 2048, EFFORT_LOW },
        { 2049, EFFORT_MEDIUM }, { 12288, EFFORT_MEDIUM },  { 12289, EFFORT_HIGH },
        { 28672, EFFORT_HIGH },  { 28673, EFFORT_XHIGH },   { 65536, EFFORT_XHIGH },
        { 65537, EFFORT_MAX },   { INT64_MAX, EFFORT_MAX },
    };
    for (size_t i = 0; i < COUNT(budgets); i++)
        CHECK_INT(budget_effort(budgets[i].budget), budgets[i].effort, "%" PRId64,
                  budgets[i].budget);
    for (enum effort e = EFFORT_MINIMAL; e <= EFFORT_MAX; e++) {
        enum effort back;

        CHECK(effort_from_word(str_c(effort_word(e)), &back) && back == e, "%s", effort_word(e));
        CHECK_INT(budget_effort(effort_budget(e, 0)), e, "%s", effort_word(e));
        CHECK(effort_budget(e, 1000) <= 1000, "%s", effort_word(e));
    }
    CHECK_INT(effort_nearest(EFFORT_MINIMAL, LMH), EFFORT_LOW);
    CHECK_INT(effort_nearest(EFFORT_MEDIUM, BIT(LOW) | BIT(HIGH)), EFFORT_HIGH);
    CHECK_INT(effort_nearest(EFFORT_MAX, LMH), EFFORT_HIGH);
    CHECK_INT(effort_nearest(EFFORT_HIGH, 0), EFFORT_UNSET);
    CHECK_INT(effort_nearest(EFFORT_UNSET, LMH), EFFORT_UNSET);
}

TEST(the_effort_asked_for_and_whether_thinking_is_shown)
{
    static const struct {
        const char *name;
        enum wire protocol;
        struct reasoning r;
        enum effort effort;
        bool shown;
    } cases[] = {
        { "nothing, chat", WIRE_OPENAI_CHAT, { 0 }, EFFORT_UNSET, true },
        { "excluded, chat",
          WIRE_OPENAI_CHAT,
          { .mode = REASONING_EFFORT, .effort = EFFORT_HIGH, .summary = SUMMARY_NONE },
          EFFORT_HIGH,
          false },
        { "nothing, anthropic", WIRE_ANTHROPIC, { 0 }, EFFORT_UNSET, false },
        { "effort alone, anthropic", WIRE_ANTHROPIC, { .effort = EFFORT_LOW }, EFFORT_LOW, false },
        { "budget, anthropic",
          WIRE_ANTHROPIC,
          { .mode = REASONING_BUDGET, .budget = 31999 },
          EFFORT_XHIGH,
          true },
        { "budget and effort",
          WIRE_ANTHROPIC,
          { .mode = REASONING_BUDGET, .budget = 31999, .effort = EFFORT_LOW },
          EFFORT_LOW,
          true },
        { "omitted, anthropic",
          WIRE_ANTHROPIC,
          { .mode = REASONING_AUTO, .summary = SUMMARY_NONE },
          EFFORT_UNSET,
          false },
        { "off",
          WIRE_ANTHROPIC,
          { .mode = REASONING_OFF, .effort = EFFORT_HIGH },
          EFFORT_UNSET,
          false },
        { "level, gemini",
          WIRE_GEMINI,
          { .mode = REASONING_EFFORT, .effort = EFFORT_HIGH },
          EFFORT_HIGH,
          false },
        { "includeThoughts", WIRE_GEMINI, { .summary = SUMMARY_AUTO }, EFFORT_UNSET, true },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct canon_request r = { .protocol = cases[i].protocol, .reasoning = cases[i].r };

        CHECK_INT(reasoning_effort(&r.reasoning), cases[i].effort, "%s", cases[i].name);
        CHECK_INT(reasoning_is_shown(&r), cases[i].shown, "%s", cases[i].name);
    }
}

TEST(facts_that_are_kept_are_those_that_were_found)
{
    static const char *const ids[] = {
        "claude-sonnet-4-5",
        "gpt-5.2",
        "gemini-3-flash",
        "o3",
        "llama-4",
        "claude-opus-4-1",
        "gemini-2.5-pro",
        "gpt-4.1",
        "gpt-6-sol",
        "claude-sonnet-4-5",
        "",
        "a-name-that-is-longer-than-any-model-that-was-ever-offered-to-anybody"
    };
    struct facts_cache cache = { .next = 0 };

    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < COUNT(ids); i++) {
            struct model_facts found = model_facts_find(WIRE_OPENAI_CHAT, str_c(ids[i]));
            struct model_facts kept = model_facts_kept(&cache, WIRE_OPENAI_CHAT, str_c(ids[i]));

            CHECK(kept.output_max == found.output_max &&
                      kept.openai.efforts == found.openai.efforts &&
                      kept.gemini.generation == found.gemini.generation &&
                      kept.gemini.levels == found.gemini.levels &&
                      kept.anthropic.budget == found.anthropic.budget &&
                      kept.anthropic.adaptive == found.anthropic.adaptive,
                  "round %d: %s", round, ids[i]);
        }
}
