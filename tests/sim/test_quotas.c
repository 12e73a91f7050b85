/* tests/sim/test_quotas.c - when accounts are asked what is left, and what comes of the answers, on
 * a clock that is the test's. */
#include "upkeep_world.h"

#include "upkeep/quotas.h"

#define LEFT(percent) \
    "{\"plan_type\":\"plus\",\"rate_limit\":{\"primary_window\":{\"used_percent\":" percent "}}}"

static void on_facts(void *peer, int64_t id, const struct account_facts *facts)
{
    struct world *w = peer;

    (void)id;
    w->told++;
    w->tier = facts->tier;
}

static void put_account(struct world *w, int64_t id, const char *provider)
{
    struct account_spec spec = {
        .id = id,
        .label = arena_printf(&w->t->arena, "a%lld", (long long)id),
        .provider = str_c(provider),
        .base_url = STR("http://provider.test:9000/backend-api/codex"),
        .api_key = secret_copy(STR("token")),
    };

    world_put(w, &spec);
    secret_clear(&spec.api_key);
}

static void world_open(struct world *w, struct test *t, size_t accounts)
{
    int64_t ids[ACCOUNTS];

    world_begin(w, t, LEFT("40"),
                &(struct pool_options){
                    .mode = MODE_BALANCE, .backoff_ms = { 3600000 }, .backoff_count = 1 });
    w->quotas = quotas_new(&(struct quotas_options){
        .loop = w->loop, .client = w->client, .pool = w->pool, .on_facts = on_facts, .peer = w });
    quotas_every(w->quotas, 10 * MINUTE_MS);
    for (size_t i = 0; i < accounts; i++) {
        ids[i] = (int64_t)i + 1;
        put_account(w, ids[i], "codex");
    }
    quotas_accounts(w->quotas, ids, accounts);
}

static void world_close(struct world *w)
{
    quotas_free(w->quotas);
    world_end(w);
}

/* What is left of the account in permille; -1: unknown. */
static int32_t left_of(struct world *w, const char *label)
{
    struct account_view v;
    struct test *t = w->t;

    CHECK(pool_find(w->pool, str_c(label), sim_now(), &v));
    return v.quota_count == 0 ? -1 : v.quotas[0].quota.remaining_permille;
}

/* How long until it is asked again; -1: not within `ms`. */
static int64_t until_asked(struct world *w, int64_t ms)
{
    int64_t began_ms = sim_now();
    unsigned asked = w->asked;

    for (int64_t i = 0; i < ms / 1000 && w->asked == asked; i++)
        sim_advance(1000);
    return w->asked == asked ? -1 : w->asked_ms - began_ms;
}

TEST(accounts_are_asked_at_once_and_then_every_ten_minutes_or_so)
{
    struct world w;

    world_open(&w, t, 1);
    CHECK_INT(left_of(&w, "a1"), -1);
    sim_run_until_idle();
    CHECK_INT(w.asked, 1);
    CHECK_INT(left_of(&w, "a1"), 600);
    CHECK_INT(w.told, 1);
    CHECK_INT(w.tier, TIER_PRO);
    w.answer = LEFT("90");
    int64_t after_ms = until_asked(&w, 12 * MINUTE_MS);

    CHECK(after_ms >= 9 * MINUTE_MS && after_ms <= 11 * MINUTE_MS, "%lld", (long long)after_ms);
    sim_run_until_idle();
    CHECK_INT(left_of(&w, "a1"), 100);
    quotas_every(w.quotas, MINUTE_MS);
    after_ms = until_asked(&w, 2 * MINUTE_MS);
    CHECK(after_ms >= 54000 && after_ms <= 66000, "%lld", (long long)after_ms);
    quotas_every(w.quotas, 0);
    CHECK_INT(until_asked(&w, 24 * 60 * MINUTE_MS), -1);
    world_close(&w);
}

TEST(failures_are_asked_again_after_longer_and_longer_and_change_nothing)
{
    static const struct {
        int status;
        const char *answer;
    } bad[] = { { 404, "{}" }, { 500, "" }, { 200, "<html>" }, { 401, "{\"error\":{}}" } };
    struct world w;
    int64_t wait_ms = QUOTA_RETRY_MS;

    world_open(&w, t, 1);
    sim_run_until_idle();
    w.status = 503;
    w.answer = "";
    CHECK(until_asked(&w, 12 * MINUTE_MS) > 0);
    for (size_t i = 0; i < 10; i++) {
        w.status = bad[i % COUNT(bad)].status;
        w.answer = bad[i % COUNT(bad)].answer;
        int64_t after_ms = until_asked(&w, 90 * MINUTE_MS);

        /* a second of the steps, and the way there and back */
        CHECK(after_ms >= wait_ms * 9 / 10 - 1100 && after_ms <= wait_ms * 11 / 10 + 100,
              "failure %zu: %lld", i, (long long)after_ms);
        wait_ms = wait_ms * 2 < QUOTA_RETRY_MS_MAX ? wait_ms * 2 : QUOTA_RETRY_MS_MAX;
        CHECK_INT(left_of(&w, "a1"), 600, "what it said before");
        CHECK_INT(pool_active(w.pool, sim_now()), 1);
    }
    CHECK_INT(w.told, 1);
    world_close(&w);
}

TEST(four_are_asked_at_one_time_and_none_for_longer_than_its_time)
{
    struct world w;

    world_open(&w, t, ACCOUNTS);
    w.answer = NULL;
    sim_run_until_idle();
    CHECK_INT(w.asked, QUOTAS_AT_ONCE);
    CHECK_INT(quotas_reading(w.quotas), QUOTAS_AT_ONCE);
    w.answer = LEFT("40");
    sim_advance(QUOTA_QUESTION_MS + 1000);
    CHECK(w.asked >= ACCOUNTS, "%u", w.asked);
    CHECK_INT(left_of(&w, "a9"), 600);
    world_close(&w);
}

struct wished {
    struct quota_wish wish;
    unsigned done;
    char why[128];
};

static void on_wish(void *peer, const char *why)
{
    struct wished *one = peer;

    one->done++;
    snprintf(one->why, sizeof(one->why), "%s", why == NULL ? "" : why);
}

static struct wished wish(void)
{
    return (struct wished){ .wish = { .done = on_wish } };
}

TEST(who_waits_for_fresh_figures_is_answered_once_whatever_happens)
{
    struct world w;
    struct wished first = wish(), second = wish(), failed = wish(), gone = wish(), end = wish();

    first.wish.peer = &first;
    second.wish.peer = &second;
    failed.wish.peer = &failed;
    gone.wish.peer = &gone;
    end.wish.peer = &end;
    world_open(&w, t, 2);
    sim_run_until_idle();
    w.answer = LEFT("70");
    CHECK(quotas_refresh(w.quotas, 1, &first.wish));
    CHECK(quotas_refresh(w.quotas, 1, &second.wish), "the same reading serves both");
    sim_run_until_idle();
    CHECK_INT(w.asked, 3);
    CHECK_INT(first.done, 1);
    CHECK_INT(second.done, 1);
    CHECK_STR(str_c(first.why), "");
    CHECK_INT(left_of(&w, "a1"), 300);

    w.status = 500;
    CHECK(quotas_refresh(w.quotas, 1, &failed.wish));
    sim_run_until_idle();
    CHECK_INT(failed.done, 1);
    CHECK_STR(str_c(failed.why), "status 500");

    w.answer = NULL;
    CHECK(quotas_refresh(w.quotas, 1, &gone.wish));
    CHECK(quotas_refresh(w.quotas, 2, &end.wish));
    sim_run_until_idle();
    CHECK(pool_remove(w.pool, 1));
    quotas_accounts(w.quotas, (int64_t[]){ 2 }, 1);
    CHECK_INT(gone.done, 1);
    CHECK_STR(str_c(gone.why), "the account is gone");
    CHECK_INT(end.done, 0);
    world_close(&w);
    CHECK_INT(end.done, 1);
    CHECK_STR(str_c(end.why), "the gateway is ending");
}

TEST(accounts_that_tell_nothing_are_not_asked)
{
    struct world w;
    struct wished one = wish();

    world_open(&w, t, 0);
    put_account(&w, 1, "openai");
    put_account(&w, 2, "copilot"); /* without GitHub's own token */
    quotas_accounts(w.quotas, (int64_t[]){ 1, 2 }, 2);
    CHECK_INT(until_asked(&w, 30 * MINUTE_MS), -1);
    CHECK(!quotas_refresh(w.quotas, 1, &one.wish));
    CHECK(!quotas_refresh(w.quotas, 3, &one.wish), "there is no such account");
    CHECK_INT(quotas_refresh_all(w.quotas), 0);
    world_close(&w);
}

TEST(a_quota_fault_is_asked_about_but_not_more_often_than_every_half_minute)
{
    struct world w;
    struct pick_ask ask = { .model = STR("m"), .wires = UINT32_MAX };
    struct verdict used_up = { .kind = VERDICT_QUOTA_EXHAUSTED, .status = 429, .delay_ms = -1 };
    struct lease l;
    struct pick why;

    world_open(&w, t, 1);
    sim_run_until_idle();
    w.answer = "{\"rate_limit\":{\"primary_window\":{\"used_percent\":100,"
               "\"reset_after_seconds\":7200}}}";
    CHECK(pool_lease(w.pool, &ask, sim_now(), &l, &why));
    lease_return(w.pool, &l, &used_up, sim_now());
    int64_t after_ms = until_asked(&w, 2 * MINUTE_MS), asked_ms = w.asked_ms;

    CHECK(after_ms >= QUOTA_FAULT_MS - 1000 && after_ms <= QUOTA_FAULT_MS + 1000, "%lld",
          (long long)after_ms);
    sim_run_until_idle();
    struct account_view v;

    CHECK(pool_find(w.pool, STR("a1"), sim_now(), &v));
    CHECK_INT(v.lockouts[0].until_ms, asked_ms + 7200000, "its end is known now");
    CHECK(v.lockouts[0].named);
    world_close(&w);
}

TEST(who_is_disabled_is_not_asked_until_he_is_enabled)
{
    struct world w;

    world_open(&w, t, 0);
    put_account(&w, 1, "codex");
    CHECK(pool_set_flags(w.pool, 1, true, false, STR("switched off")));
    quotas_accounts(w.quotas, (int64_t[]){ 1 }, 1);
    CHECK_INT(until_asked(&w, 30 * MINUTE_MS), -1);
    CHECK(pool_set_flags(w.pool, 1, false, false, STR("")));
    quotas_accounts(w.quotas, (int64_t[]){ 1 }, 1);
    CHECK(until_asked(&w, MINUTE_MS) >= 0);
    world_close(&w);
}
