#include "provider/delay.h"
#include "rig.h"

TEST(fields_say_how_long)
{
    static const struct {
        const char *name, *fields;
        int64_t want;
    } cases[] = {
        { "nothing", "", -1 },
        { "seconds", "retry-after: 7\r\n", 7000 },
        { "seconds, mixed case", "Retry-After: 7\r\n", 7000 },
        { "part seconds", "retry-after: 1.5\r\n", 1500 },
        { "zero", "retry-after: 0\r\n", 0 },
        { "milliseconds", "retry-after-ms: 1500\r\n", 1500 },
        { "part milliseconds", "retry-after-ms: 1500.2\r\n", 1501 },
        { "milliseconds first",
          "retry-after: Thu, 31 Dec 2026 23:59:59 GMT\r\nretry-after-ms: 1500\r\n", 1500 },
        { "bad milliseconds", "retry-after: 3\r\nretry-after-ms: soon\r\n", 3000 },
        { "unit in milliseconds", "retry-after-ms: 10s\r\n", -1 },
        { "date", "retry-after: Sat, 21 Nov 2026 09:01:00 GMT\r\n", 60000 },
        { "date of RFC 850", "retry-after: Saturday, 21-Nov-26 09:01:00 GMT\r\n", 60000 },
        { "date of asctime", "retry-after: Sat Nov 21 09:01:00 2026\r\n", 60000 },
        { "date against the answer's own",
          "date: Sat, 21 Nov 2026 09:00:50 GMT\r\nretry-after: Sat, 21 Nov 2026 09:01:00 GMT\r\n",
          10000 },
        { "past date", "retry-after: Sat, 21 Nov 2026 08:59:59 GMT\r\n", -1 },
        { "this very second", "retry-after: Sat, 21 Nov 2026 09:00:00 GMT\r\n", -1 },
        { "negative", "retry-after: -5\r\n", -1 },
        { "signed", "retry-after: +5\r\n", -1 },
        { "garbage", "retry-after: a while\r\n", -1 },
        { "exponent", "retry-after: 1e9\r\n", -1 },
        { "hexadecimal", "retry-after: 0x10\r\n", -1 },
        { "dots only", "retry-after: ..\r\n", -1 },
        { "two dots", "retry-after: 1.2.3\r\n", -1 },
        { "empty", "retry-after:\r\n", -1 },
        { "overflow", "retry-after: 99999999999999999999999\r\n", -1 },
        { "nearly overflow", "retry-after: 9223372036854775807\r\n", -1 },
        { "huge", "retry-after: 9999999999\r\n", 9999999999000 },

        { "OpenAI, nothing remains",
          "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 6m0s\r\n", 360000 },
        { "OpenAI, something remains",
          "x-ratelimit-remaining-requests: 3\r\nx-ratelimit-reset-requests: 6m0s\r\n", -1 },
        { "OpenAI, one of two",
          "x-ratelimit-remaining-requests: 3\r\nx-ratelimit-reset-requests: 6m0s\r\n"
          "x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 17ms\r\n",
          17 },
        { "OpenAI, the later of two",
          "x-ratelimit-reset-requests: 1s\r\nx-ratelimit-reset-tokens: 1h2m3.5s\r\n", 3723500 },
        { "OpenAI, garbage", "x-ratelimit-reset-requests: m5\r\n", -1 },
        { "OpenAI, negative", "x-ratelimit-reset-requests: -6m0s\r\n", -1 },
        { "retry-after wins", "retry-after: 2\r\nx-ratelimit-reset-tokens: 1h\r\n", 2000 },

        { "others, seconds from now", "x-ratelimit-reset: 30\r\n", 30000 },
        { "others, the last of them", "x-ratelimit-reset: 9999999\r\n", 9999999000 },
        { "others, the first past date", "x-ratelimit-reset: 10000000\r\n", -1 },
        { "others, unix seconds", "x-ratelimit-reset: 1795251610\r\n", 10000 },
        { "others, unix milliseconds", "x-ratelimit-reset: 1795251610500\r\n", 10500 },
        { "others, past", "x-ratelimit-reset: 1795251599\r\n", -1 },
        { "others, overflow", "x-ratelimit-reset: 18446744073709551615\r\n", -1 },
        { "others, something remains",
          "x-ratelimit-remaining: 5\r\nx-ratelimit-reset: 1795251610\r\n", -1 },

        { "Anthropic",
          "anthropic-ratelimit-requests-remaining: 0\r\n"
          "anthropic-ratelimit-requests-reset: 2026-11-21T09:00:30Z\r\n",
          30000 },
        { "Anthropic, the later of those used up",
          "anthropic-ratelimit-requests-remaining: 9\r\n"
          "anthropic-ratelimit-requests-reset: 2026-11-21T10:00:00Z\r\n"
          "anthropic-ratelimit-input-tokens-remaining: 0\r\n"
          "anthropic-ratelimit-input-tokens-reset: 2026-11-21T09:00:10Z\r\n"
          "anthropic-ratelimit-output-tokens-remaining: 0\r\n"
          "anthropic-ratelimit-output-tokens-reset: 2026-11-21T09:00:20Z\r\n",
          20000 },
        { "Anthropic, past", "anthropic-ratelimit-tokens-reset: 2026-11-21T08:00:00Z\r\n", -1 },
        { "subscription, the rejected window",
          "anthropic-ratelimit-unified-status: rejected\r\n"
          "anthropic-ratelimit-unified-reset: 1795337999\r\n"
          "anthropic-ratelimit-unified-5h-status: rejected\r\n"
          "anthropic-ratelimit-unified-5h-reset: 1795255200\r\n"
          "anthropic-ratelimit-unified-7d-status: allowed_warning\r\n"
          "anthropic-ratelimit-unified-7d-reset: 1795856400\r\n",
          3600000 },
        { "subscription, the latest of two rejected",
          "anthropic-ratelimit-unified-5h-status: rejected\r\n"
          "anthropic-ratelimit-unified-5h-reset: 1795255200\r\n"
          "anthropic-ratelimit-unified-7d-status: rejected\r\n"
          "anthropic-ratelimit-unified-7d-reset: 1795856400\r\n",
          604800000 },
        { "subscription, no window said",
          "anthropic-ratelimit-unified-status: rejected\r\n"
          "anthropic-ratelimit-unified-reset: 1795251660\r\n",
          60000 },
        { "subscription, allowed",
          "anthropic-ratelimit-unified-status: allowed\r\n"
          "anthropic-ratelimit-unified-reset: 1795251660\r\n",
          -1 },

        { "Codex, at 100 percent",
          "x-codex-primary-used-percent: 100\r\nx-codex-primary-reset-at: 1795251700\r\n", 100000 },
        { "Codex, below",
          "x-codex-primary-used-percent: 99.9\r\nx-codex-primary-reset-at: 1795251700\r\n", -1 },
        { "Codex, old form",
          "x-codex-secondary-used-percent: 100.0\r\n"
          "x-codex-secondary-reset-after-seconds: 90\r\n",
          90000 },
        { "Codex, another limit",
          "x-codex-bengalfox-primary-used-percent: 101\r\n"
          "x-codex-bengalfox-primary-reset-at: 1795251605\r\n",
          5000 },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(delay_from_head(rig_head(t, 429, cases[i].fields), NOW_MS), cases[i].want, "%s",
                  cases[i].name);
}

TEST(only_retry_after_counts_where_only_that_is_asked)
{
    CHECK_INT(delay_retry_after(rig_head(t, 500, "x-ratelimit-reset-requests: 6m0s\r\n"), NOW_MS),
              -1);
    CHECK_INT(delay_retry_after(rig_head(t, 500, "retry-after: 6\r\n"), NOW_MS), 6000);
}

TEST(words_say_how_long)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        { "", -1 },
        { "Rate limit reached for gpt-5 on tokens per min (TPM): Limit 1, Used 2. Please try again "
          "in 1.302s. Visit https://x to learn more.",
          1302 },
        { "Please try again in 20ms.", 20 },
        { "please TRY AGAIN IN 6m0s", 360000 },
        { "try again in 12 seconds", 12000 },
        { "try again in 12", 12000 },
        { "Try again in about 3 hours.", 10800000 },
        { "Please retry in 34.0748s.", 34075 },
        { "retry after 5 seconds", 5000 },
        { "Your quota will reset after 161h39m41s.", 581981000 },
        { "Resets in 9h22m20s.", 33740000 },
        { "(reset after 24h)", 86400000 },
        { "limit resets after 2 days", 172800000 },
        { "Please wait 71 minutes before trying again", 4260000 },
        { "wait 5 before that", -1 },
        { "Your limit resets at 2026-11-21T09:00:05Z.", 5000 },
        { "resets at 1795251610", 10000 },
        { "reset at 1795251610, not before", 10000 },
        { "resets at noon", -1 },
        { "resets at 2026-11-21T08:00:00Z", -1 },
        { "You can continue in about 40 minutes", 2400000 },
        { "Usage comes back in 3 days 4 hours", 273600000 },
        { "Usage comes back in 4 hours", -1 },
        { "try again in -5s", -1 },
        { "try again in a moment", -1 },
        { "try again in a moment, or try again in 3s", 3000 },
        { "try again in 99999999999999999999999s", -1 },
        { "try again in", -1 },
        { "try again in 5xx", -1 },
        { "entry again in 5m", 300000 }, /* we do not insist on words */
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(delay_from_text(str_c(cases[i].text), NOW_MS), cases[i].want, "%s",
                  cases[i].text);
}

TEST(a_long_text_of_leads_takes_no_long_time)
{
    struct buf text = { .max = JUDGE_BODY_MAX };

    while (buf_add(&text, STR("try again in wait in about ")))
        ;
    CHECK_INT(delay_from_text(buf_str(&text), NOW_MS), -1);
    buf_clear(&text);
}

TEST(C50_milliseconds_go_before_a_date_and_a_date_is_understood)
{
    CHECK_INT(delay_from_head(rig_head(t, 429,
                                       "retry-after: Thu, 31 Dec 2026 23:59:59 GMT\r\n"
                                       "retry-after-ms: 1500\r\n"),
                              NOW_MS),
              1500);
    CHECK_INT(
        delay_from_head(rig_head(t, 429, "retry-after: Sat, 21 Nov 2026 09:01:00 GMT\r\n"), NOW_MS),
        60000);
}
