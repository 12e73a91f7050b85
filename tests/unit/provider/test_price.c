/* tests/unit/provider/test_price.c - what tokens cost, and which price it is. */
#include "provider/price.h"
#include "test.h"

TEST(a_price_is_read_as_decimal_dollars)
{
    static const struct {
        const char *text;
        int64_t micros; /* -1: refused */
    } cases[] = {
        { "0", 0 },
        { "1", 1000000 },
        { "1.25", 1250000 },
        { "0.000001", 1 },
        { "1000000", PRICE_MAX },
        { "1000000.000001", -1 },
        { "0.0000001", -1 },
        { "1.", -1 },
        { ".5", -1 },
        { "", -1 },
        { "-1", -1 },
        { "1e3", 1000000000 },
        { "1e-06", 1 },
        { "1.5E+1", 15000000 },
        { "1e-7", -1 },
        { "1e7", -1 },
        { "1e", -1 },
        { "1e400", -1 },
        { "1,5", -1 },
        { "12345678", -1 },
        { "1.2.3", -1 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t micros = -1;

        CHECK_INT(price_read(str_c(cases[i].text), &micros), cases[i].micros >= 0, "%s",
                  cases[i].text);
        CHECK_INT(micros, cases[i].micros, "%s", cases[i].text);
    }
}

TEST(money_is_written_without_needless_zeroes)
{
    static const struct {
        int64_t units;
        unsigned places;
        const char *text;
    } cases[] = {
        { 0, 6, "0" },           { 1250000, 6, "1.25" }, { 1, 9, "0.000000001" },
        { 10, 9, "0.00000001" }, { 3000000, 6, "3" },    { 1000000001, 9, "1.000000001" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b = { .max = 64 };

        price_put(&b, cases[i].units, cases[i].places);
        CHECK_STR(buf_str(&b), cases[i].text);
        buf_clear(&b);
    }
}

#define OWN(pattern, provider, in)                                                           \
    {                                                                                        \
        { pattern, sizeof(pattern) - 1 }, { provider, sizeof(provider) - 1 }, in, in, -1, -1 \
    }

TEST(the_exact_name_then_the_longest_pattern_then_the_provider_decides)
{
    static const struct price own[] = {
        OWN("*", "", 1),       OWN("gpt-*", "", 2),    OWN("gpt-5*", "", 3),
        OWN("gpt-5-x", "", 4), OWN("gpt-*", "lab", 5), OWN("claude-opus-4-5*", "", 6),
    };
    static const struct {
        const char *provider, *model;
        int64_t input; /* -1: none of them */
    } cases[] = {
        { "openai", "o3", 1 },
        { "openai", "gpt-4", 2 },
        { "openai", "gpt-5-mini", 3 },
        { "openai", "gpt-5-x", 4 },
        { "lab", "gpt-4", 5 },
        { "lab", "gpt-5-mini", 3 },
        { "anthropic", "claude-opus-4-5", 6 }, /* the user's own stands above what is built in */
        { "anthropic", "claude-opus-4-6", 1 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct price *p =
            price_find(own, COUNT(own), str_c(cases[i].provider), str_c(cases[i].model));

        CHECK_INT(p != NULL ? p->input : -1, cases[i].input, "%s", cases[i].model);
    }
}

TEST(what_is_built_in_counts_for_its_provider_alone)
{
    const struct price *p = price_find(NULL, 0, STR("anthropic"), STR("claude-opus-4-5-20251101"));

    if (CHECK(p != NULL)) {
        CHECK_INT(p->input, 5000000);
        CHECK_INT(p->output, 25000000);
        CHECK_INT(p->cache_read, 500000);
        CHECK_INT(p->cache_write, 6250000);
    }
    p = price_find(NULL, 0, STR("anthropic"), STR("claude-opus-5-5"));
    CHECK_INT(p != NULL ? p->input : -1, 4000000);
    p = price_find(NULL, 0, STR("anthropic"), STR("claude-opus-5"));
    CHECK_INT(p != NULL ? p->input : -1, 5000000);
    p = price_find(NULL, 0, STR("openai"), STR("gpt-5-mini-2025-08-07"));
    if (CHECK(p != NULL)) {
        CHECK_INT(p->input, 250000);
        CHECK_INT(p->cache_read, 25000);
        CHECK_INT(p->cache_write, -1);
    }
    p = price_find(NULL, 0, STR("gemini"), STR("gemini-3.5-flash-lite"));
    CHECK_INT(p != NULL ? p->output : -1, 2500000);
    CHECK(price_find(NULL, 0, STR("compatible"), STR("claude-opus-5")) == NULL);
    CHECK(price_find(NULL, 0, STR("codex"), STR("gpt-5")) == NULL);
    CHECK(price_find(NULL, 0, STR("openai"), STR("gpt-4o-mini-transcribe")) == NULL);
    CHECK(price_find(NULL, 0, STR("openai"), STR("gpt-5-pro")) == NULL);
    CHECK(price_find(NULL, 0, STR("anthropic"), STR("claude-of-tomorrow")) == NULL);
}

TEST(cached_tokens_have_their_own_price_and_what_is_not_known_stays_unknown)
{
    static const struct price p = { .input = 3000000, /* 3 dollars */
                                    .output = 15000000,
                                    .cache_read = 300000,
                                    .cache_write = -1 };
    static const struct {
        const char *name;
        struct usage u;
        bool priced;
        int64_t nano;
    } cases[] = {
        { "plain", { 1000, 100, -1, -1, -1 }, true, 3000000 + 1500000 },
        { "cached", { 1000, 0, 900, -1, -1 }, true, 100 * 3000 + 900 * 300 },
        { "written costs as input", { 1000, 0, -1, 400, -1 }, true, 3000000 },
        { "reasoning is part of the output", { 0, 100, -1, -1, 90 }, true, 1500000 },
        { "nothing", { 0, 0, 0, 0, 0 }, false, 0 },
        { "no price", { 1, 1, -1, -1, -1 }, false, COST_UNKNOWN },
        { "no numbers", { -1, -1, -1, -1, -1 }, true, COST_UNKNOWN },
        { "half a number", { 10, -1, -1, -1, -1 }, true, COST_UNKNOWN },
        { "huge", { INT64_MAX, INT64_MAX, -1, -1, -1 }, true, INT64_MAX / 1024 },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(price_cost(cases[i].priced ? &p : NULL, &cases[i].u), cases[i].nano, "%s",
                  cases[i].name);
}
