#include "provider/quota.h"

#include "base/timetext.h"
#include "provider/delay.h"
#include "rig.h"

static const struct moment now = { .loop_ms = 1000, .unix_ms = NOW_MS };

static struct upstream *made(struct test *t, const char *provider)
{
    struct account_spec spec = { .id = 1,
                                 .label = STR("work"),
                                 .provider = str_c(provider),
                                 .api_key = secret_copy(STR("key")) };
    struct provider_options options = { .proxy = { .global = STR("") } };
    struct upstream *u = NULL;
    struct error e = { .status = OK };

    CHECK_INT(upstream_new(&spec, &options, &u, &e), OK, "%s: %s", provider, e.text);
    secret_clear(&spec.api_key);
    return u;
}

/* `5h 300@1500, …`: name, thousandths, and when it comes back on the loop's clock. */
static struct str shown(struct test *t, const struct quota_said *said)
{
    struct buf out = { .max = 4096 };

    for (uint32_t i = 0; i < said->count; i++)
        (void)buf_printf(&out, "%s%s %d@%lld", i > 0 ? ", " : "", said->windows[i].name,
                         said->windows[i].remaining_permille, (long long)said->windows[i].reset_ms);
    struct str copy = arena_copy(&t->arena, buf_str(&out));

    buf_clear(&out);
    return copy;
}

TEST(heads_say_what_is_left)
{
    static const struct {
        const char *name, *provider, *fields, *want;
    } cases[] = {
        { "openai", "openai",
          "x-ratelimit-limit-requests: 5000\r\nx-ratelimit-remaining-requests: 4999\r\n"
          "x-ratelimit-reset-requests: 12ms\r\nX-RateLimit-Limit-Tokens: 160000\r\n"
          "x-ratelimit-remaining-tokens: 40000\r\nx-ratelimit-reset-tokens: 1m30s\r\n",
          "requests 999@1012, tokens 250@91000" },
        { "without what is counted", "openai",
          "X-RateLimit-Limit: 20\r\nX-RateLimit-Remaining: 5\r\nX-RateLimit-Reset: 60\r\n",
          "requests 250@61000" },
        { "no limit, no figure", "openai", "x-ratelimit-remaining-requests: 7\r\n", "" },
        { "a limit of nothing", "openai",
          "x-ratelimit-limit-requests: 0\r\nx-ratelimit-remaining-requests: 0\r\n", "" },
        { "garbage", "openai",
          "x-ratelimit-limit-requests: many\r\nx-ratelimit-remaining-requests: -1\r\n"
          "x-ratelimit-reset-requests: soon\r\n",
          "" },
        { "more left than there is", "openai",
          "x-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 20\r\n",
          "requests 1000@0" },
        { "another form", "openai",
          "anthropic-ratelimit-requests-limit: 10\r\nanthropic-ratelimit-requests-remaining: 5\r\n",
          "" },
        { "anthropic", "anthropic",
          "anthropic-ratelimit-requests-limit: 50\r\nanthropic-ratelimit-requests-remaining: 49\r\n"
          "anthropic-ratelimit-requests-reset: 2026-11-21T09:00:30Z\r\n"
          "anthropic-ratelimit-input-tokens-limit: 30000\r\n"
          "anthropic-ratelimit-input-tokens-remaining: 3000\r\n"
          "anthropic-ratelimit-input-tokens-reset: 2026-11-21T08:59:00Z\r\n",
          "requests 980@31000, input-tokens 100@0" },
        { "anthropic, unified", "anthropic",
          "anthropic-ratelimit-unified-status: allowed\r\n"
          "anthropic-ratelimit-unified-reset: 1795251700\r\n"
          "anthropic-ratelimit-unified-5h-utilization: 0.874\r\n"
          "anthropic-ratelimit-unified-5h-reset: 1795251700\r\n"
          "anthropic-ratelimit-unified-5h-status: allowed\r\n"
          "anthropic-ratelimit-unified-7d-utilization: 1.02\r\n",
          "5h 126@101000, 7d 0@0" },
        { "codex", "codex",
          "x-codex-primary-used-percent: 12.5\r\nx-codex-primary-window-minutes: 300\r\n"
          "x-codex-primary-reset-at: 1795251660\r\nx-codex-secondary-used-percent: 100\r\n"
          "x-codex-secondary-window-minutes: 10080\r\n"
          "x-codex-secondary-reset-after-seconds: 3600\r\nx-codex-credits-has-credits: false\r\n"
          "x-codex-bengalfox-primary-used-percent: 99\r\nx-codex-active-limit: primary\r\n",
          "5h 875@61000, weekly 0@3601000" },
        { "codex without minutes", "codex", "x-codex-primary-used-percent: 40\r\n",
          "primary 600@0" },
        { "copilot", "copilot",
          "x-quota-snapshot-premium_interactions: "
          "ent=300&ov=0.0&ovPerm=false&rem=62.5&rst=2026-11-21T10%3A00%3A00Z\r\n"
          "x-quota-snapshot-chat: ent=-1&rem=100.0\r\n",
          "premium 625@3601000" },
        { "copilot, by its other name", "copilot",
          "x-quota-snapshot-premium_models: ent=300&rem=10.0&rst=2026-11-21T10%3A00%3A00Z\r\n",
          "premium 100@3601000" },
        { "copilot, unlimited", "copilot",
          "x-quota-snapshot-premium_interactions: ent=-1&ov=0.0&rem=0.0\r\n", "premium 1000@0" },
        { "gemini has none", "gemini", "x-ratelimit-limit-requests: 5\r\n", "" },
        { "antigravity has none", "antigravity", "x-ratelimit-limit-requests: 5\r\n", "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct upstream *u = made(t, cases[i].provider);
        struct quota_said said = { .count = 0 };
        bool found = quota_from_head(u, rig_head(t, 200, cases[i].fields), &now, &said);

        CHECK_INT(found, cases[i].want[0] != '\0', "%s", cases[i].name);
        CHECK_STR(shown(t, &said), cases[i].want, "%s", cases[i].name);
        CHECK(!found || said.seen_ms == now.loop_ms, "%s", cases[i].name);
        upstream_free(u);
    }
}

TEST(of_more_windows_than_there_is_room_for_the_tightest_stay)
{
    struct quota_said said = { .count = 0 };
    static const int left[] = { 900, 100, 800, 500, 950, 50, 300 };

    for (size_t i = 0; i < COUNT(left); i++) {
        char name[2] = { (char)('a' + i), '\0' };

        quota_add(&said, str_c(name), left[i], DELAY_NONE, &now);
    }
    CHECK_STR(shown(t, &said), "f 50@0, b 100@0, g 300@0, d 500@0");
}

TEST(numbers_are_read_to_their_places)
{
    static const struct {
        const char *text;
        unsigned places;
        int64_t want; /* -1: none */
    } cases[] = {
        { "12.5", 1, 125 },    { "0.874", 3, 874 }, { "1", 3, 1000 },
        { "0.12345", 3, 123 }, { "100", 1, 1000 },  { "", 1, -1 },
        { ".", 1, -1 },        { "1.2.3", 1, -1 },  { "-1", 0, -1 },
        { "1e3", 0, -1 },      { "7.9", 0, 7 },     { "99999999999999999999", 0, -1 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t n = -1;
        bool good = quota_number(str_c(cases[i].text), cases[i].places, &n);

        CHECK_INT(good, cases[i].want >= 0, "%s", cases[i].text);
        if (good)
            CHECK_INT(n, cases[i].want, "%s", cases[i].text);
    }
}
