#include <stdlib.h>

#include "rig.h"

struct asker {
    struct waiter waiter;
    struct pick_ask ask;
    struct lease lease;
    struct pick why;
    int woken;
};

static void wake(void *peer)
{
    struct asker *a = peer;

    a->woken++;
}

static void asker_init(struct asker *a, const char *model)
{
    *a = (struct asker){ .ask = rig_ask(model) };
    a->waiter.wake = wake;
    a->waiter.peer = a;
    a->ask.waiter = &a->waiter;
}

static bool asks(struct pool *p, struct asker *a, int64_t now_ms)
{
    return pool_lease(p, &a->ask, now_ms, &a->lease, &a->why);
}

static void ends(struct pool *p, struct asker *a, int64_t now_ms)
{
    struct verdict none = rig_verdict(VERDICT_NONE);

    lease_return(p, &a->lease, &none, now_ms);
}

static struct pool *narrow_pool(struct test *t, int count)
{
    struct pool *p = rig_pool();

    for (int i = 0; i < count; i++) {
        char label[2] = { (char)('a' + i), '\0' };
        struct account_spec spec = rig_spec(i + 1, label);

        spec.concurrency_max = 1;
        rig_put(t, p, &spec);
    }
    return p;
}

TEST(who_came_first_is_served_first_and_only_that_one_is_woken)
{
    struct pool *p = narrow_pool(t, 1);
    struct asker a[4];

    for (int i = 0; i < 4; i++)
        asker_init(&a[i], "m");
    CHECK(asks(p, &a[0], 0));
    for (int i = 1; i < 4; i++) {
        CHECK(!asks(p, &a[i], i), "asker %d", i);
        CHECK_INT(a[i].why.wait_until_ms, i + 5000);
        CHECK_INT(a[i].why.ask_at_ms, i + 5000, "a lease that ends wakes it before");
    }
    ends(p, &a[0], 10);
    CHECK_INT(a[1].woken, 1);
    CHECK_INT(a[2].woken + a[3].woken, 0);
    CHECK(!asks(p, &a[2], 11), "what was given to another is not free");
    CHECK(asks(p, &a[1], 12));
    CHECK(!a[1].waiter.queued);
    ends(p, &a[1], 13);
    CHECK_INT(a[2].woken, 1);
    pool_unwait(p, &a[2].waiter, 14); /* it has left: what it was given goes on */
    CHECK_INT(a[3].woken, 1);
    CHECK(asks(p, &a[3], 15));
    ends(p, &a[3], 16);
    CHECK(asks(p, &a[0], 17));
    ends(p, &a[0], 18);
    pool_free(p);
}

TEST(a_newcomer_takes_what_those_who_wait_cannot_use)
{
    static struct str other[] = { { "n", 1 } };
    struct pool *p = narrow_pool(t, 1);
    struct account_spec spec = rig_spec(9, "other");
    struct asker first, waits, comes;

    spec.models = other;
    spec.model_count = 1;
    rig_put(t, p, &spec);
    asker_init(&first, "m");
    asker_init(&waits, "m");
    asker_init(&comes, "n");
    CHECK(asks(p, &first, 0));
    CHECK(!asks(p, &waits, 0));
    CHECK(asks(p, &comes, 0));
    CHECK_STR(str_c(comes.lease.label), "other");
    ends(p, &comes, 1);
    CHECK_INT(waits.woken, 0);
    pool_unwait(p, &waits.waiter, 1);
    ends(p, &first, 2);
    pool_free(p);
}

TEST(those_who_wait_go_first_when_a_lockout_ends_by_itself)
{
    struct pool *p = narrow_pool(t, 1);
    struct verdict v = { .kind = VERDICT_RATE_LIMITED, .delay_ms = 3000 };
    struct asker first, waits, comes;

    asker_init(&first, "m");
    asker_init(&waits, "m");
    asker_init(&comes, "m");
    CHECK(asks(p, &first, 0));
    lease_return(p, &first.lease, &v, 0);
    CHECK(!asks(p, &waits, 100));
    CHECK_INT(waits.why.ask_at_ms, 3000);
    CHECK(!asks(p, &comes, 3000), "at that moment, before the other's timer");
    CHECK_INT(waits.woken, 1);
    CHECK(asks(p, &waits, 3001));
    ends(p, &waits, 3002);
    CHECK_INT(comes.woken, 1);
    CHECK(asks(p, &comes, 3003));
    ends(p, &comes, 3003);
    pool_free(p);
}

TEST(waiting_ends_at_once_by_whatever_makes_an_account_free)
{
    static const char *const ways[] = { "enabled", "cleared", "put", "quota", "options", "fixed" };

    for (size_t i = 0; i < COUNT(ways); i++) {
        struct pool *p = narrow_pool(t, 2);
        struct pool_options options = rig_options();
        struct verdict v = { .kind = VERDICT_RATE_LIMITED, .delay_ms = 100000 };
        struct account_spec spec = rig_spec(9, "late");
        struct quota low = { .remaining_permille = 5 }, high = { .remaining_permille = 900 };
        struct asker busy, first, waits;

        asker_init(&busy, "m");
        asker_init(&first, "m");
        asker_init(&waits, "m");
        CHECK(asks(p, &busy, 0)); /* account a, for as long as it takes */
        if (i == 0) {
            pool_set_flags(p, 2, true, false, STR("holiday"));
        } else if (i >= 3) {
            options.quota_reserve_percent = 10;
            pool_set_options(p, &options);
            CHECK(pool_set_quota(p, 2, STR("m"), &low, 0));
        } else {
            CHECK(asks(p, &first, 0));
            lease_return(p, &first.lease, &v, 0);
        }
        CHECK(!asks(p, &waits, 1), "%s", ways[i]);
        CHECK_INT(waits.woken, 0, "%s", ways[i]);
        options.quota_reserve_percent = 0;
        switch (i) {
        case 0:
            pool_set_flags(p, 2, false, false, STR(""));
            break;
        case 1:
            pool_clear_lockouts(p, 2);
            break;
        case 2:
            rig_put(t, p, &spec);
            break;
        case 3:
            CHECK(pool_set_quota(p, 2, STR("m"), &high, 2));
            break;
        case 4:
            pool_set_options(p, &options);
            break;
        default:
            CHECK(pool_fix(p, 2));
        }
        CHECK_INT(waits.woken, 1, "%s", ways[i]);
        CHECK(asks(p, &waits, 3), "%s", ways[i]);
        ends(p, &waits, 3);
        ends(p, &busy, 3);
        pool_free(p);
    }
}

TEST(patience_ends_at_the_deadline_and_nobody_waits_at_zero)
{
    struct pool_options options = rig_options();
    struct pool *p = narrow_pool(t, 1);
    struct asker first, waits;

    asker_init(&first, "m");
    asker_init(&waits, "m");
    CHECK(asks(p, &first, 0));
    waits.ask.deadline_ms = 2000;
    CHECK(!asks(p, &waits, 1000));
    CHECK_INT(waits.why.wait_until_ms, 2000);
    waits.ask.since_ms = 1000;
    CHECK(!asks(p, &waits, 2000));
    CHECK_INT(waits.why.wait_until_ms, 0);
    CHECK(!waits.waiter.queued, "the pool has forgotten it");
    waits.ask.deadline_ms = waits.ask.since_ms = 0;
    options.queue_wait_ms = 0;
    pool_set_options(p, &options);
    CHECK(!asks(p, &waits, 3000));
    CHECK_INT(waits.why.wait_until_ms, 0);
    ends(p, &first, 3001);
    CHECK_INT(waits.woken, 0);
    pool_free(p);
}

TEST(what_would_happen_is_told_without_doing_it)
{
    struct pool *p = rig_pool_of(t, 2);
    struct pick_ask ask = rig_ask("m");
    struct pick why;
    int64_t id = 0;

    for (int i = 0; i < 3; i++) {
        CHECK(pool_explain(p, &ask, 5, &id, &why));
        CHECK_INT(id, 1);
        CHECK_INT(why.reason, PICK_ROUND_ROBIN);
        CHECK_INT(why.picked_ms_ago, -1);
    }
    CHECK_STR(rig_turn(t, p, "m", 5, NULL), "a");
    CHECK(pool_explain(p, &ask, 15, &id, &why));
    CHECK_INT(id, 2);
    CHECK(pool_fix(p, 1));
    CHECK(pool_explain(p, &ask, 25, &id, &why));
    CHECK_INT(why.reason, PICK_FIXED);
    CHECK_INT(why.fixed.fate, LAYER_TAKEN);
    CHECK_INT(why.picked_ms_ago, 20);
    CHECK(!pool_fix(p, 77));
    CHECK_INT(pool_fixed(p), 1);
    pool_unfix(p);
    CHECK_INT(pool_fixed(p), 0);
    pool_free(p);
}

TEST(the_entry_of_a_route_names_its_account)
{
    struct pool *p = rig_pool_of(t, 2);
    struct verdict v = { .kind = VERDICT_RATE_LIMITED, .delay_ms = 3000 };
    struct pick_ask ask = rig_ask("m");
    struct pick why;
    struct lease l;

    ask.named = 2;
    ask.by = PICK_ROUTE;
    CHECK(pool_fix(p, 1), "it beats the fixed account");
    CHECK(pool_lease(p, &ask, 0, &l, &why));
    CHECK_STR(str_c(l.label), "b");
    CHECK_INT(why.reason, PICK_ROUTE);
    lease_return(p, &l, &v, 0);
    CHECK(!pool_lease(p, &ask, 1, &l, &why));
    CHECK_INT(why.skipped[SKIP_LOCKED_OUT], 1);
    CHECK_INT(why.locked_rate, 1);
    CHECK_INT(why.retry_at_ms, 3000);
    CHECK_INT(why.ask_at_ms, 3000);
    ask.named = 77;
    CHECK(!pool_lease(p, &ask, 1, &l, &why));
    CHECK_INT(why.offering, 0);
    pool_free(p);
}
