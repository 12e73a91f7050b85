/* tests/unit/exchange/test_key_budget.c - the arithmetic of a client key's limits: the bucket of
 * requests, reservations at the same time, the turn of a day, and what is learned. */
#include "exchange/key_budget.h"

#include <pthread.h>
#include <stdlib.h>

#include "io/zone.h"
#include "test.h"

#define NOW INT64_C(1795957456000) /* 2026-11-29T13:04:16Z */
#define DAY_MS (INT64_C(24) * 3600 * 1000)

static struct key_budget *budget_of(struct key_budgets *b, uint8_t n)
{
    const struct key_id id = { { n } };

    setenv("TZ", "UTC", 1);
    return key_budget_of(b, &id);
}

TEST(a_budget_is_one_for_each_key_and_stays)
{
    struct key_budgets *b = key_budgets_new();

    CHECK(budget_of(b, 1) == budget_of(b, 1));
    CHECK(budget_of(b, 1) != budget_of(b, 2));
    key_budgets_free(b);
    key_budgets_free(NULL);
}

TEST(a_minute_of_requests_comes_at_once_and_then_evenly)
{
    static const int64_t limits[] = { 1, 2, 60, 1000 };

    for (size_t i = 0; i < COUNT(limits); i++) {
        struct key_budgets *b = key_budgets_new();
        struct key_budget *k = budget_of(b, 1);
        int64_t wait = 0, n = 0, at = 5000;
        struct key_limits l = { .requests_minute = limits[i] };
        struct key_left left;

        while ((wait = key_budget_admit(k, limits[i], at)) == 0)
            n++;
        CHECK_INT(n, limits[i]);
        key_budget_left(k, &l, at, NOW, &left);
        CHECK_INT(left.requests, 0);
        CHECK_INT(left.tokens, -1);
        CHECK(key_budget_admit(k, limits[i], at + wait - 1) > 0, "%" PRId64, limits[i]);
        CHECK_INT(key_budget_admit(k, limits[i], at + wait), 0, "%" PRId64, limits[i]);
        key_budget_left(k, &l, at + 3 * 60000, NOW, &left);
        CHECK_INT(left.requests, limits[i], "it fills again");
        CHECK_INT(left.requests_reset_ms, 0);
        key_budgets_free(b);
    }
}

static struct key_reserve reserve_of(int64_t day, int64_t month, int64_t prompt, int64_t output,
                                     int64_t unix_ms)
{
    return (struct key_reserve){ day, month, prompt, output, unix_ms };
}

TEST(reservations_and_what_is_spent_never_pass_the_limit_together)
{
    struct key_budgets *b = key_budgets_new();
    struct key_budget *k = budget_of(b, 1);
    struct key_limits l = { .tokens_day = 1000, .tokens_month = 5000 };
    struct key_left left;
    int64_t taken = 0, reset = 0;

    for (int i = 0; i < 10; i++) {
        struct key_reserve r = reserve_of(1000, 5000, 40, 60, NOW);

        CHECK_INT(key_budget_reserve(k, &r, &taken, &reset), KEY_LETS, "%d", i);
        CHECK_INT(taken, 100);
    }
    struct key_reserve one = reserve_of(1000, 5000, 1, 0, NOW);

    CHECK_INT(key_budget_reserve(k, &one, &taken, &reset), KEY_BUSY);
    key_budget_left(k, &l, 0, NOW, &left);
    CHECK_INT(left.tokens, 0);
    CHECK_INT(left.tokens_limit, 1000);
    CHECK_INT(left.reserved, 1000);
    for (int i = 0; i < 10; i++) /* each used less than was taken */
        key_budget_settle(k, &(struct key_settlement){ 100, 70, 40, 40, 30, NOW });
    key_budget_left(k, &l, 0, NOW, &left);
    CHECK_INT(left.used_day, 700);
    CHECK_INT(left.tokens, 300);
    struct key_reserve large = reserve_of(1000, 5000, 301, 0, NOW);

    CHECK_INT(key_budget_reserve(k, &large, &taken, &reset), KEY_SPENT_DAY);
    CHECK_INT(reset, (zone_day_after(NOW / 1000, 1)) * 1000);
    large.prompt = 300;
    CHECK_INT(key_budget_reserve(k, &large, &taken, &reset), KEY_LETS);
    key_budget_settle(k, &(struct key_settlement){ taken, 300, -1, -1, -1, NOW });

    /* the next day has its own, the month goes on */
    for (int day = 1; day < 2; day++) {
        large = reserve_of(1000, 1500, 900, 0, NOW + DAY_MS);
        CHECK_INT(key_budget_reserve(k, &large, &taken, &reset), KEY_SPENT_MONTH);
        CHECK_INT(reset, zone_month_after((NOW + DAY_MS) / 1000) * 1000);
        large.tokens_month = 5000;
        CHECK_INT(key_budget_reserve(k, &large, &taken, &reset), KEY_LETS);
        key_budget_settle(k, &(struct key_settlement){ taken, 900, -1, -1, -1, NOW + DAY_MS });
    }
    key_budget_left(k, &l, 0, NOW + DAY_MS, &left);
    CHECK_INT(left.used_day, 900);
    CHECK_INT(left.used_month, 1900);
    key_budget_left(k, &l, 0, NOW + 3 * DAY_MS, &left); /* December */
    CHECK_INT(left.used_month, 0);
    key_budgets_free(b);
}

TEST(a_fresh_budget_lets_one_large_request_in)
{
    struct key_budgets *b = key_budgets_new();
    struct key_budget *k = budget_of(b, 1);
    struct key_reserve r = reserve_of(100, 0, 1000000, -1, NOW);
    int64_t taken, reset;

    CHECK_INT(key_budget_reserve(k, &r, &taken, &reset), KEY_LETS);
    CHECK_INT(taken, 100);
    r.prompt = 1;
    r.output = 0;
    CHECK_INT(key_budget_reserve(k, &r, &taken, &reset), KEY_BUSY);
    key_budgets_free(b);
}

TEST(what_was_used_before_counts)
{
    struct key_budgets *b = key_budgets_new();
    struct key_budget *k = budget_of(b, 1);
    struct key_reserve r = reserve_of(100, 0, 11, 0, NOW);
    int64_t taken, reset;

    key_budget_load(k, NOW, 90, 400);
    CHECK_INT(key_budget_reserve(k, &r, &taken, &reset), KEY_SPENT_DAY);
    r.prompt = 10;
    CHECK_INT(key_budget_reserve(k, &r, &taken, &reset), KEY_LETS);
    key_budgets_free(b);
}

TEST(estimates_that_are_too_low_are_corrected_and_outputs_without_a_maximum_learned)
{
    struct key_budgets *b = key_budgets_new();
    struct key_budget *k = budget_of(b, 1);
    struct key_reserve r = reserve_of(INT64_MAX / 2, 0, 1000, -1, NOW);
    int64_t first = 0, later = 0, reset;

    CHECK_INT(key_budget_reserve(k, &r, &first, &reset), KEY_LETS);
    CHECK_INT(first, 1000 + 4096);
    key_budget_settle(k, &(struct key_settlement){ first, 0, -1, -1, -1, NOW });
    for (int i = 0; i < 100; i++) /* prompts are half as large again, answers have 2000 tokens */
        key_budget_settle(k, &(struct key_settlement){ 0, 0, 1000, 1500, 2000, NOW });
    CHECK_INT(key_budget_reserve(k, &r, &later, &reset), KEY_LETS);
    CHECK(later > 1450 + 3900 && later <= 1500 + 4096, "%" PRId64, later);
    key_budget_settle(k, &(struct key_settlement){ later, 0, -1, -1, -1, NOW });
    for (int i = 0; i < 100; i++) /* too high an estimate is never lowered: it is the safe side */
        key_budget_settle(k, &(struct key_settlement){ 0, 0, 1000, 10, 1, NOW });
    CHECK_INT(key_budget_reserve(k, &r, &later, &reset), KEY_LETS);
    CHECK_INT(later, 1000 + 1024);
    key_budgets_free(b);
}

struct spender {
    pthread_t thread;
    struct key_budget *budget;
    int64_t spent;
};

static void *spend(void *arg)
{
    struct spender *s = arg;

    for (int i = 0; i < 20000; i++) {
        struct key_reserve r = reserve_of(100000, 0, 7, 3, NOW);
        int64_t taken, reset;

        if (key_budget_reserve(s->budget, &r, &taken, &reset) != KEY_LETS)
            continue;
        key_budget_settle(s->budget, &(struct key_settlement){ taken, 9, 7, 7, 2, NOW });
        s->spent += 9;
    }
    return NULL;
}

TEST(threads_that_spend_at_the_same_time_never_overrun)
{
    struct key_budgets *b = key_budgets_new();
    struct key_limits l = { .tokens_day = 100000 };
    struct spender all[4];
    struct key_left left;
    int64_t sum = 0;

    for (size_t i = 0; i < COUNT(all); i++) {
        all[i] = (struct spender){ .budget = budget_of(b, 1) };
        CHECK_INT(pthread_create(&all[i].thread, NULL, spend, &all[i]), 0);
    }
    for (size_t i = 0; i < COUNT(all); i++) {
        pthread_join(all[i].thread, NULL);
        sum += all[i].spent;
    }
    key_budget_left(budget_of(b, 1), &l, 0, NOW, &left);
    CHECK_INT(left.used_day, sum);
    CHECK_INT(left.reserved, 0);
    CHECK(sum <= 100000 && sum > 100000 - 10, "%" PRId64, sum);
    key_budgets_free(b);
}
