#include "exchange/explain.h"

#include "test.h"

static void add_line(void *peer, struct str text)
{
    struct buf *b = peer;

    (void)(buf_add(b, text) && buf_add_char(b, '\n'));
}

static struct str explained(struct test *t, const struct access_record *r)
{
    struct buf b = { .max = 64 << 10 };

    access_explain(r, add_line, &b);
    struct str out = arena_copy(&t->arena, buf_str(&b));

    buf_clear(&b);
    return out;
}

static struct pick picked(enum pick_reason reason)
{
    return (struct pick){ .reason = reason, .retry_at_ms = INT64_MAX, .free_at_ms = INT64_MAX };
}

TEST(a_failover_is_told_from_the_first_account_to_the_last)
{
    const struct pick first = picked(PICK_ROUND_ROBIN);
    struct pick second = first;
    struct access_attempt attempts[2] = {
        { .number = 1,
          .label = "ada",
          .provider = STR("anthropic"),
          .pick = &first,
          .verdict = VERDICT_RATE_LIMITED,
          .status = 429,
          .delay_ms = 30000,
          .locks = { "account", 30120 },
          .duration_ms = 120,
          .usage = { -1, -1, -1, -1, -1 } },
        { .number = 2,
          .label = "ben",
          .provider = STR("anthropic"),
          .pick = &second,
          .waited_ms = 2500,
          .verdict = VERDICT_SUCCESS,
          .status = 200,
          .delay_ms = -1,
          .duration_ms = 1200,
          .usage = { 1000, 1, 900, -1, -1 } },
    };
    struct access_record r = {
        .protocol = STR("anthropic"),
        .model = STR("fast"),
        .mapped_model = STR("claude"),
        .session = STR("sid-0011223344556677"),
        .stream = true,
        .status = 200,
        .ending = ENDING_COMPLETE,
        .duration_ms = 3900,
        .attempt_count = 2,
        .attempts_kept = 2,
        .attempts = attempts,
    };

    second.passed_count = 10;
    for (uint32_t i = 0; i < PICK_PASSED_MAX; i++)
        second.passed[i] = (struct pick_passed){ .why = SKIP_BUSY, .label = "x" };
    second.passed[0] = (struct pick_passed){ .why = SKIP_TRIED, .label = "ada" };
    second.passed[1] = (struct pick_passed){ .why = SKIP_LOCKED_OUT,
                                             .verdict = VERDICT_QUOTA_EXHAUSTED,
                                             .until_ms = 3600000,
                                             .label = "eve" };
    second.bound = (struct pick_layer){ .fate = LAYER_ROTATED, .id = 7, .label = "ada" };
    struct str text = explained(t, &r);
    static const char *const said[] = {
        "anthropic stream of model `fast`, mapped to `claude`, conversation "
        "sid-0011223344556677.\n",
        "Attempt 1 went to `ada` (anthropic): ",
        "(round_robin)",
        "After 120ms: too many requests in a short time (rate_limited, status 429); the provider "
        "asked for 30s; `ada` is locked out (account) for 30s.\n",
        "It waited 3s.\n",
        "The conversation is bound to `ada`: not asked again after a fault.\n",
        "Passed over: `ada` has already failed this very request, or its provider has (tried); "
        "`eve` asked to be left alone for a while (locked_out: quota_exhausted, for another 1h); "
        "`x` ",
        "; and 2 more.\n",
        "After 2s: the upstream answered (success, status 200), 1000 prompt tokens (90 % of them "
        "from the cache), 1 token generated.\n",
        "The client got status 200; after 4s it ended: the client has the whole answer "
        "(complete).\n",
    };

    for (size_t i = 0, from = 0; i < COUNT(said); i++) {
        size_t at = str_find(str_drop(text, from), str_c(said[i]));

        if (!CHECK(at != SIZE_MAX, "in this order: %s\n%.*s", said[i], (int)text.len, text.at))
            return;
        from += at + strlen(said[i]);
    }
}

TEST(a_second_try_of_the_same_account_is_no_choice_by_order)
{
    const struct pick pick = picked(PICK_ROUND_ROBIN);
    struct access_attempt attempts[2] = {
        { .number = 1,
          .label = "ada",
          .pick = &pick,
          .verdict = VERDICT_NETWORK,
          .delay_ms = -1,
          .usage = { -1, -1, -1, -1, -1 } },
        { .number = 2,
          .label = "ada",
          .pick = &pick,
          .verdict = VERDICT_SUCCESS,
          .status = 200,
          .delay_ms = -1,
          .usage = { -1, -1, -1, -1, -1 } },
    };
    struct access_record r = {
        .status = 200,
        .ending = ENDING_COMPLETE,
        .attempt_count = 2,
        .attempts_kept = 2,
        .attempts = attempts,
        .broke = STR("cannot connect to ada.test:443: refused"),
        .broke_attempt = 1,
    };
    struct str text = explained(t, &r);

    CHECK(str_find(text, STR("(network): cannot connect to ada.test:443: refused.\n")) != SIZE_MAX,
          "%.*s", (int)text.len, text.at);
    CHECK(str_find(text, STR("Attempt 1 went to `ada` (): next in order")) != SIZE_MAX, "%.*s",
          (int)text.len, text.at);
    CHECK(str_find(text, STR("Attempt 2 went to `ada` (): the same account once more")) != SIZE_MAX,
          "%.*s", (int)text.len, text.at);
    attempts[1].number = 4; /* others lay between them */
    text = explained(t, &r);
    CHECK(str_find(text, STR("Attempt 4 went to `ada` (): next in order")) != SIZE_MAX, "%.*s",
          (int)text.len, text.at);
}

TEST(the_search_that_found_nobody_is_told)
{
    struct pick nobody = picked(PICK_NONE);
    struct access_record r = {
        .protocol = STR("openai-chat"),
        .model = STR("m"),
        .mapped_model = STR("m"),
        .status = 429,
        .ending = ENDING_NOBODY_FREE,
        .started_ms = 5000,
        .duration_ms = 1000,
        .nobody = &nobody,
    };

    nobody.retry_at_ms = 66000;
    nobody.skipped[SKIP_DISABLED] = 3;
    nobody.skipped[SKIP_LOCKED_OUT] = 1;
    nobody.recent =
        (struct pick_layer){ .fate = LAYER_SKIPPED, .why = SKIP_PROXY_DISABLED, .label = "ben" };
    nobody.passed_count = 1;
    nobody.passed[0] = (struct pick_passed){ .why = SKIP_LOCKED_OUT, .label = "ada" };
    struct str text = explained(t, &r);
    static const char *const said[] = {
        "openai-chat request for model `m`, of no known conversation.\n",
        "Then nobody was free; the first account that is locked out is free again 1m later.\n",
        ("The account that served last is `ben`: not to be used now; it is kept fresh, but not "
         "used "
         "(proxy_disabled).\n"),
        "3 disabled, 1 locked_out.\n",
        "Passed over: `ada` asked to be left alone for a while (locked_out).\n",
        "The client got status 429; after 1s it ended: no account was free (nobody_free).\n",
    };

    for (size_t i = 0; i < COUNT(said); i++)
        CHECK(str_find(text, str_c(said[i])) != SIZE_MAX, "%s\n%.*s", said[i], (int)text.len,
              text.at);
}

TEST(attempts_that_were_not_kept_are_counted)
{
    const struct pick pick = picked(PICK_ROUND_ROBIN);
    struct access_attempt attempts[2] = {
        { .number = 7,
          .label = "ada",
          .pick = &pick,
          .verdict = VERDICT_RATE_LIMITED,
          .delay_ms = -1 },
        { .number = 10,
          .label = "ben",
          .pick = &pick,
          .verdict = VERDICT_RATE_LIMITED,
          .delay_ms = -1 },
    };
    struct access_record r = { .attempts = attempts, .attempts_kept = 2, .attempt_count = 10 };

    CHECK(str_find(explained(t, &r), STR("2 attempts were made here and not kept one by one.\n")) !=
          SIZE_MAX);
}
