#include "journal/world.h"
#include "test.h"

static const struct turn hello = {
    .session = 0, .next = TURN_NONE, .tokens_prompt = 2000, .tokens_out = 100
};

static struct world *world_of(struct test *t, const struct world_account *account)
{
    struct world_options o = world_options_default;
    struct world *w = NULL;
    struct error e = { .status = OK };

    o.faults_permille = 0;
    o.accounts = account;
    o.account_count = 1;
    CHECK_INT(world_new(&o, 2, &w, &e), OK, "%s", e.text);
    return w;
}

TEST(a_prompt_stays_in_the_cache_for_a_while_after_its_last_use)
{
    const struct world_account a = { .label = STR("a") };
    struct world *w = world_of(t, &a);
    int64_t life_ms = world_options_default.cache_ms, now_ms = 1000;
    struct turn next = hello, other = hello, small = hello;

    CHECK_INT(world_ask(w, 0, &hello, 0, 0, now_ms).tokens_cached, 0);
    CHECK_INT(world_ask(w, 0, &hello, 0, 0, now_ms).tokens_cached, 0, "not before the answer");
    world_end(w, 0, &hello, now_ms);
    next.tokens_prompt = 5000;
    struct world_answer warm = world_ask(w, 0, &next, 1, 0, now_ms + life_ms - 1);

    CHECK_INT(warm.tokens_cached, 2100, "the prompt and its answer");
    CHECK_INT(warm.tokens_new, 2900);
    CHECK(warm.takes_ms < world_ask(w, 0, &next, 1, 0, now_ms + life_ms).takes_ms);
    CHECK_INT(world_ask(w, 0, &next, 1, 0, now_ms + life_ms).tokens_cached, 0, "it is over");
    other.session = 1;
    CHECK_INT(world_ask(w, 0, &other, 2, 0, now_ms).tokens_cached, 0, "another conversation");
    small.tokens_prompt = world_options_default.cache_tokens_min - 1 - small.tokens_out;
    small.session = 1;
    world_end(w, 0, &small, now_ms);
    CHECK_INT(world_ask(w, 0, &small, 3, 0, now_ms).tokens_cached, 0, "too short");
    small.session = TURN_NONE;
    world_end(w, 0, &small, now_ms);
    world_free(w);
}

TEST(a_refusal_names_the_time_after_which_it_is_served)
{
    const struct world_account a = { .label = STR("a"), .requests_per_minute = 3 };
    struct world *w = world_of(t, &a);
    int64_t now_ms = 1000;

    for (int i = 0; i < 3; i++)
        CHECK_INT(world_ask(w, 0, &hello, 0, 0, now_ms).verdict.kind, VERDICT_SUCCESS);
    for (int i = 0; i < 20; i++) {
        struct world_answer no = world_ask(w, 0, &hello, 0, 0, now_ms);

        CHECK_INT(no.verdict.kind, VERDICT_RATE_LIMITED);
        CHECK_INT(no.verdict.delay_ms, 20000);
        CHECK_INT(world_ask(w, 0, &hello, 0, 0, now_ms + 19999).verdict.kind, VERDICT_RATE_LIMITED);
        now_ms += no.verdict.delay_ms;
        CHECK_INT(world_ask(w, 0, &hello, 0, 0, now_ms).verdict.kind, VERDICT_SUCCESS);
    }
    world_free(w);
}

TEST(no_more_tokens_are_served_than_the_minute_allows)
{
    const struct world_account a = { .label = STR("a"), .tokens_per_minute = 10000 };
    struct world *w = world_of(t, &a);
    int64_t now_ms = 1000, served = 0;

    for (int i = 0; i < 2000; i++) {
        struct turn turn = { .session = TURN_NONE,
                             .tokens_prompt = 1 + (int64_t)test_below(t, 6000),
                             .tokens_out = 1 + (int64_t)test_below(t, 500) };
        struct world_answer got = world_ask(w, 0, &turn, (uint32_t)i, 0, now_ms);

        if (got.verdict.kind == VERDICT_SUCCESS)
            served += turn.tokens_prompt + turn.tokens_out;
        else
            CHECK(got.verdict.delay_ms >= 1000 && got.verdict.delay_ms <= 60000, "%" PRId64,
                  got.verdict.delay_ms);
        CHECK(served <= 10000 + (now_ms - 1000) * 10000 / 60000, "%" PRId64 " at %" PRId64, served,
              now_ms);
        now_ms += (int64_t)test_below(t, 20000);
    }
    CHECK(served > 10000);
    world_free(w);
}

TEST(an_allowance_lasts_until_its_window_is_over)
{
    const struct world_account a = { .label = STR("a"),
                                     .quota_tokens = 5000,
                                     .quota_window_ms = 100000 };
    struct world *w = world_of(t, &a);
    struct world_answer got = world_ask(w, 0, &hello, 0, 0, 1000);

    CHECK_INT(got.quota_permille, 580);
    CHECK_INT(got.quota_reset_ms, 101000);
    CHECK_INT(world_ask(w, 0, &hello, 0, 0, 2000).quota_permille, 160);
    CHECK_INT(world_ask(w, 0, &hello, 0, 0, 3000).quota_permille, 0, "the last one may go over");
    got = world_ask(w, 0, &hello, 0, 0, 41000);
    CHECK_INT(got.verdict.kind, VERDICT_QUOTA_EXHAUSTED);
    CHECK_INT(got.verdict.delay_ms, 60000);
    CHECK_INT(world_ask(w, 0, &hello, 0, 0, 101000).quota_permille, 580);
    world_free(w);
}

TEST(bad_luck_belongs_to_the_turn_and_the_attempt)
{
    const struct world_account accounts[2] = { { .label = STR("a") }, { .label = STR("b") } };
    struct world_options o = world_options_default;
    struct world *w = NULL;
    struct error e = { .status = OK };
    uint32_t faults = 0;

    o.faults_permille = 200;
    o.accounts = accounts;
    o.account_count = 2;
    CHECK_INT(world_new(&o, 1, &w, &e), OK, "%s", e.text);
    for (uint32_t turn = 0; turn < 1000; turn++) {
        enum verdict_kind one = world_ask(w, 0, &hello, turn, 0, 1000).verdict.kind;

        CHECK_INT(world_ask(w, 1, &hello, turn, 0, 9000).verdict.kind, one, "turn %u", turn);
        faults += one == VERDICT_SERVER_ERROR;
    }
    CHECK(faults > 100 && faults < 300, "%u of 1000", faults);
    world_free(w);
    CHECK_INT(world_new(&o, UINT32_MAX, &w, &e), E_LIMIT);
}
