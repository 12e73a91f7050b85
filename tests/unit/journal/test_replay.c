#include "journal/replay.h"
#include "test.h"

#define ACCOUNTS 5

static struct replay_options options_of(struct test *t, enum pool_mode mode, uint64_t seed)
{
    struct world_account *accounts = arena_array(&t->arena, struct world_account, ACCOUNTS);
    struct replay_options o = {
        .pool = { .mode = mode,
                  .max_wait_ms = 60000,
                  .queue_wait_ms = 5000,
                  .optimize_quota_sorting = true,
                  .backoff_ms = { 60000 },
                  .backoff_count = 1 },
        .world = world_options_default,
        .deadline_ms = 600000,
    };

    for (uint32_t i = 0; i < ACCOUNTS; i++)
        accounts[i] = (struct world_account){ .label = arena_printf(&t->arena, "account-%u", i),
                                              .requests_per_minute = 10,
                                              .tokens_per_minute = 80000 };
    o.world.seed = seed;
    o.world.accounts = accounts;
    o.world.account_count = ACCOUNTS;
    return o;
}

static struct replay_report ran(struct test *t, const struct replay_options *o, uint64_t seed)
{
    struct turns_made made = turns_made_default;
    struct turns turns;
    struct replay_report report = { 0 };
    struct error e = { .status = OK };

    made.seed = seed;
    CHECK_INT(turns_make(&made, &turns, &e), OK, "%s", e.text);
    CHECK_INT(replay_run(o, &turns, &t->arena, &report, &e), OK, "%s", e.text);
    CHECK_INT(report.requests, turns.count, "every turn ends, once");
    CHECK_INT(report.completed + report.refused + report.failed, report.requests);
    turns_free(&turns);
    return report;
}

static int64_t hit_permille(const struct replay_report *r)
{
    return r->tokens_cached * 1000 / r->tokens_prompt;
}

static void check_sums(struct test *t, const struct replay_report *r)
{
    uint64_t attempts = 0, served = 0;
    int64_t cached = 0, prompt = 0;

    for (uint32_t i = 0; i < r->account_count; i++) {
        const struct replay_account *a = &r->accounts[i];

        attempts += a->served + a->refused + a->failed;
        served += a->served;
        cached += a->tokens_cached;
        prompt += a->tokens_cached + a->tokens_new;
    }
    CHECK_INT(attempts, r->attempts);
    CHECK_INT(served, r->completed);
    CHECK_INT(cached, r->tokens_cached);
    CHECK_INT(prompt, r->tokens_prompt);
    CHECK(r->rotations == r->attempts - (r->requests - 0) || r->rotations <= r->attempts);
}

TEST(the_same_seed_gives_the_same_report)
{
    for (unsigned mode = 0; mode < 3; mode++) {
        struct replay_options o = options_of(t, (enum pool_mode)mode, t->seed);
        struct replay_report a = ran(t, &o, t->seed), b = ran(t, &o, t->seed);

        CHECK(memcmp(a.accounts, b.accounts, ACCOUNTS * sizeof(a.accounts[0])) == 0);
        a.accounts = b.accounts;
        CHECK(memcmp(&a, &b, sizeof(a)) == 0, "%s", pool_mode_word((enum pool_mode)mode));
        check_sums(t, &a);
    }
}

TEST(cache_first_keeps_more_of_the_caches_than_balance_and_balance_than_performance_first)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct replay_options cache = options_of(t, MODE_CACHE_FIRST, seed),
                              balance = options_of(t, MODE_BALANCE, seed),
                              speed = options_of(t, MODE_PERFORMANCE_FIRST, seed);
        struct replay_report c = ran(t, &cache, seed), b = ran(t, &balance, seed),
                             p = ran(t, &speed, seed);

        CHECK(hit_permille(&c) > hit_permille(&b), "seed %" PRIu64 ": %" PRId64 " and %" PRId64,
              seed, hit_permille(&c), hit_permille(&b));
        CHECK(hit_permille(&b) > hit_permille(&p), "seed %" PRIu64 ": %" PRId64 " and %" PRId64,
              seed, hit_permille(&b), hit_permille(&p));
        CHECK(c.rebinds <= b.rebinds && b.rebinds <= p.rebinds, "seed %" PRIu64, seed);
    }
}

TEST(a_wait_of_nothing_is_never_waited)
{
    struct replay_options o = options_of(t, MODE_CACHE_FIRST, 1);

    o.pool.max_wait_ms = o.pool.queue_wait_ms = 0;
    struct replay_report r = ran(t, &o, 1);

    CHECK_INT(r.waits, 0);
    CHECK(r.refused > 0);
}

TEST(the_fixed_account_serves_all_that_it_can)
{
    struct replay_options o = options_of(t, MODE_BALANCE, 1);
    struct world_account *accounts = arena_array(&t->arena, struct world_account, 2);

    accounts[0] = (struct world_account){ .label = STR("a") };
    accounts[1] = (struct world_account){ .label = STR("b") };
    o.world.accounts = accounts;
    o.world.account_count = 2;
    o.world.faults_permille = 0;
    o.fixed = "b";
    struct replay_report r = ran(t, &o, 1);

    CHECK_INT(r.accounts[0].served, 0);
    CHECK_INT(r.accounts[1].served, r.requests);
}

TEST(a_quota_that_is_used_up_refuses_and_the_reserve_spares_it)
{
    struct replay_options o = options_of(t, MODE_BALANCE, 1);
    struct world_account *accounts = arena_array(&t->arena, struct world_account, 2);

    for (int i = 0; i < 2; i++)
        accounts[i] = (struct world_account){ .label = i == 0 ? STR("a") : STR("b"),
                                              .quota_tokens = 1500000,
                                              .quota_window_ms = INT64_C(5) * 3600 * 1000 };
    o.world.accounts = accounts;
    o.world.account_count = 2;
    struct replay_report spent = ran(t, &o, 1);

    o.pool.quota_reserve_percent = 20;
    struct replay_report spared = ran(t, &o, 1);

    CHECK(spent.refused > 0 && spared.refused > spent.refused, "%" PRIu64 " and %" PRIu64,
          spent.refused, spared.refused);
    CHECK(spent.accounts[0].refused + spent.accounts[1].refused > 0);
    CHECK_INT(spared.accounts[0].refused + spared.accounts[1].refused, 0,
              "nobody is asked until it refuses");
}

/* A day that went along a flow: small first, and large behind it. */
TEST(a_request_of_a_route_goes_along_its_entries_again)
{
    static const char journal[] =
        "{\"kind\":\"arrival\",\"at_ms\":0,\"exchange\":1,\"request_bytes\":100,"
        "\"tokens_estimated\":10,\"protocol\":\"anthropic\",\"model\":\"f\",\"stream\":false,"
        "\"by\":\"flow\",\"entries\":[{\"account\":\"gone\",\"model\":\"m1\"},"
        "{\"account\":\"account-3\",\"model\":\"m2\"},{\"model\":\"m3\"}]}\n"
        "{\"kind\":\"arrival\",\"at_ms\":1,\"exchange\":2,\"request_bytes\":100,"
        "\"tokens_estimated\":10,\"protocol\":\"anthropic\",\"model\":\"x\",\"mapped\":\"y\","
        "\"stream\":false}\n";
    struct replay_options o = options_of(t, MODE_BALANCE, 1);
    struct replay_report report = { 0 };
    struct error e = { .status = OK };
    struct turns turns;

    if (!CHECK_INT(turns_read(str_c(journal), &turns, &e), OK, "%s", e.text))
        return;
    CHECK_STR(turns.at[1].model, "y");
    CHECK_INT(turns.at[0].entry_count, 3);
    CHECK_INT(replay_run(&o, &turns, &t->arena, &report, &e), OK, "%s", e.text);
    CHECK_INT(report.completed, 2);
    CHECK_INT(report.accounts[3].served, 1, "the second entry names it");
    CHECK_INT(report.accounts[0].served, 1, "the pool chose for the other one");
    turns_free(&turns);
}
