/* A route's entries, one after the other: who is asked, who waits, and what is told of it. */
#include "rig.h"

#define ENTRIES_MAX 6

static const struct verdict rig_verdict_none = { .kind = VERDICT_NONE, .delay_ms = -1 };

/* A chain of these, each with its model; account 0: any. */
static struct pick_ask *chain_of(struct test *t, const int64_t *accounts, size_t count)
{
    struct pick_ask *asks = arena_array(&t->arena, struct pick_ask, count);

    for (size_t i = 0; i < count; i++) {
        asks[i] = rig_ask(arena_printf(&t->arena, "m%zu", i).at);
        asks[i].named = accounts[i];
        asks[i].by = PICK_FLOW;
        asks[i].next = i + 1 < count ? &asks[i + 1] : NULL;
    }
    return asks;
}

static void lock_out(struct test *t, struct pool *p, int64_t account, const char *model,
                     const struct verdict *v, int64_t now_ms)
{
    struct pick_ask ask = rig_ask(model);
    struct lease l;
    struct pick why;

    ask.named = account;
    ask.by = PICK_ROUTE;
    if (CHECK(pool_lease(p, &ask, now_ms, &l, &why)))
        lease_return(p, &l, v, now_ms);
}

TEST(the_first_entry_that_has_somebody_decides_and_the_others_are_told)
{
    struct pool *p = rig_pool_of(t, 3);
    struct pick_ask *asks = chain_of(t, (int64_t[]){ 1, 2, 3 }, 3);
    const struct verdict rate = { .kind = VERDICT_RATE_LIMITED, .delay_ms = 9000 };
    struct pick why;
    struct lease l;

    lock_out(t, p, 1, "m0", &rate, 1);
    CHECK(pool_set_flags(p, 2, true, false, STR("off")));
    if (!CHECK(pool_lease(p, asks, 2, &l, &why)))
        return;
    CHECK_STR(str_c(l.label), "c");
    CHECK_STR(l.model, "m2");
    CHECK_INT(why.entry, 2);
    CHECK_INT(why.reason, PICK_FLOW);
    CHECK_INT(why.passed_count, 2);
    CHECK_INT(why.passed[0].why, SKIP_LOCKED_OUT);
    CHECK_INT(why.passed[1].why, SKIP_DISABLED);
    lease_return(p, &l, &(struct verdict){ .kind = VERDICT_NONE, .delay_ms = -1 }, 2);
    pool_free(p);
}

TEST(nobody_is_probed_while_a_later_entry_has_somebody)
{
    struct pool *p = rig_pool_of(t, 2);
    struct pick_ask *asks = chain_of(t, (int64_t[]){ 0, 2 }, 2);
    const struct verdict server = { .kind = VERDICT_SERVER_ERROR, .status = 500, .delay_ms = -1 };
    const struct verdict named = { .kind = VERDICT_RATE_LIMITED, .delay_ms = 60000 };
    struct pick why;
    struct lease l;

    lock_out(t, p, 1, "m0", &server, 1000); /* 8 s, by ourselves: to be probed behind 4 */
    CHECK(pool_lease(p, asks, 6000, &l, &why));
    CHECK_STR(str_c(l.label), "b");
    CHECK_INT(why.entry, 0, "b serves the entry for any account, too");
    lease_return(p, &l, &named, 6000);
    CHECK(pool_lease(p, asks, 6001, &l, &why));
    CHECK_STR(str_c(l.label), "a");
    CHECK(why.probe);
    lease_return(p, &l, &rig_verdict_none, 6001);
    pool_free(p);
}

static void on_wake(void *peer)
{
    *(int *)peer += 1;
}

TEST(who_waits_is_given_whoever_is_free_first_through_the_entry_that_has_him)
{
    struct pool *p = rig_pool();
    struct pick_ask *asks = chain_of(t, (int64_t[]){ 1, 2 }, 2);
    struct waiter w = { .wake = on_wake };
    struct lease a, b, l;
    struct pick why;
    int woken = 0;

    for (int i = 0; i < 2; i++) {
        char label[2] = { (char)('a' + i), '\0' };
        struct account_spec spec = rig_spec(i + 1, label);

        spec.concurrency_max = 1;
        rig_put(t, p, &spec);
    }
    w.peer = &woken;
    CHECK(pool_lease(p, asks, 1, &a, &why));
    CHECK(pool_lease(p, asks, 1, &b, &why));
    CHECK_INT(why.entry, 1);
    asks[0].waiter = &w;
    CHECK(!pool_lease(p, asks, 2, &l, &why));
    CHECK(why.wait_until_ms > 2);
    CHECK_INT(why.skipped[SKIP_BUSY], 2);
    lease_return(p, &b, &rig_verdict_none, 3);
    CHECK_INT(woken, 1);
    CHECK(pool_lease(p, asks, 3, &l, &why));
    CHECK_STR(str_c(l.label), "b");
    CHECK_STR(l.model, "m1");
    lease_return(p, &l, &rig_verdict_none, 4);
    lease_return(p, &a, &rig_verdict_none, 4);
    pool_free(p);
}

TEST(the_earliest_of_all_entries_is_told_when_nobody_is_free)
{
    struct pool *p = rig_pool_of(t, 2);
    struct pick_ask *asks = chain_of(t, (int64_t[]){ 1, 2 }, 2);
    const struct verdict late = { .kind = VERDICT_RATE_LIMITED, .delay_ms = 90000 };
    const struct verdict soon = { .kind = VERDICT_QUOTA_EXHAUSTED, .delay_ms = 30000 };
    struct pick why;
    struct lease l;

    lock_out(t, p, 1, "m0", &late, 1);
    lock_out(t, p, 2, "m1", &soon, 1);
    CHECK(!pool_lease(p, asks, 2, &l, &why));
    CHECK_INT(why.retry_at_ms, 30001);
    CHECK_INT(why.locked_rate, 1);
    CHECK_INT(why.locked_quota, 1);
    CHECK_INT(why.offering, 2);
    CHECK_INT(why.wait_until_ms, 0, "nobody is back in time");
    pool_free(p);
}

TEST(entries_that_rotate_are_asked_in_turn_whatever_their_order)
{
    struct pool *p = rig_pool_of(t, 3);
    struct pick_ask *asks = chain_of(t, (int64_t[]){ 3, 1, 2 }, 3);
    char got[8] = "";

    for (int i = 0; i < 3; i++) {
        asks[i].rotates = true;
        asks[i].model = STR("m");
    }
    for (int i = 0; i < 6; i++) {
        struct pick why;
        struct lease l;

        if (!CHECK(pool_lease(p, asks, i, &l, &why)))
            return;
        got[i] = l.label[0];
        lease_return(p, &l, &rig_verdict_none, i);
    }
    CHECK_STR(str_c(got), "cabcab");
    pool_free(p);
}

TEST(a_route_of_several_entries_does_not_wait_for_a_conversations_account)
{
    struct pool *p = rig_pool_of(t, 2);
    struct pool_options o = rig_options();
    struct pick_ask *asks = chain_of(t, (int64_t[]){ 1, 2 }, 2);
    const struct verdict rate = { .kind = VERDICT_RATE_LIMITED, .delay_ms = 5000 };
    const struct verdict good = { .kind = VERDICT_SUCCESS, .delay_ms = -1 };
    struct pick why;
    struct lease l;

    o.mode = MODE_CACHE_FIRST;
    pool_set_options(p, &o);
    for (int i = 0; i < 2; i++)
        asks[i].has_session = true;
    CHECK(pool_lease(p, asks, 1, &l, &why));
    lease_return(p, &l, &good, 1);
    lock_out(t, p, 1, "m0", &rate, 2);
    CHECK(pool_lease(p, asks, 3, &l, &why));
    CHECK_STR(str_c(l.label), "b");
    lease_return(p, &l, &good, 3);
    /* and stays there when the first is back */
    CHECK(pool_lease(p, asks, 9000, &l, &why));
    CHECK_STR(str_c(l.label), "b");
    CHECK_INT(why.bound.fate, LAYER_ABSENT, "a named entry has no layers");
    lease_return(p, &l, &good, 9000);
    pool_free(p);
}

/* The first entry with somebody free, as a look at each alone would find it. */
static int first_free(struct pool *p, const struct pick_ask *asks, int64_t now_ms)
{
    int n = 0;

    for (const struct pick_ask *e = asks; e != NULL; e = e->next, n++) {
        struct pick_ask one = *e;
        struct pick why;
        int64_t id;

        one.next = NULL;
        if (pool_explain(p, &one, now_ms, &id, &why) && !why.probe)
            return n;
    }
    return -1;
}

TEST(whatever_happens_the_first_entry_with_somebody_free_is_taken)
{
    static const enum verdict_kind kinds[] = { VERDICT_SUCCESS,      VERDICT_RATE_LIMITED,
                                               VERDICT_SERVER_ERROR, VERDICT_QUOTA_EXHAUSTED,
                                               VERDICT_NONE,         VERDICT_MODEL_MISSING };
    struct pool *p = rig_pool_of(t, 5);
    int64_t now_ms = 1;

    for (int step = 0; step < 4000; step++) {
        int64_t accounts[ENTRIES_MAX];
        size_t count = 2 + test_below(t, ENTRIES_MAX - 1);
        struct pick why;
        struct lease l;

        for (size_t i = 0; i < count; i++)
            accounts[i] = (int64_t)test_below(t, 6);
        struct pick_ask *asks = chain_of(t, accounts, count);
        int want = first_free(p, asks, now_ms);
        bool leased = pool_lease(p, asks, now_ms, &l, &why);

        if (want >= 0)
            CHECK(leased && (int)why.entry == want, "step %d: entry %u, not %d", step, why.entry,
                  want);
        else
            CHECK(!leased || why.probe, "step %d: nobody was free", step);
        if (leased)
            lease_return(p, &l,
                         &(struct verdict){ .kind = kinds[test_below(t, COUNT(kinds))],
                                            .status = 500,
                                            .delay_ms = -1 },
                         now_ms);
        now_ms += (int64_t)test_below(t, 4000);
    }
    pool_free(p);
}
