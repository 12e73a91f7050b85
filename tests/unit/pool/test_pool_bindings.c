#include <stdlib.h>

#include "rig.h"

#define DAY BINDING_IDLE_MS

static struct session_key key_of(uint64_t n)
{
    struct session_key key = { { 0 } };

    n *= UINT64_C(0x9e3779b97f4a7c15);
    memcpy(key.digest, &n, sizeof(n));
    return key;
}

static void bind(struct bindings *b, uint64_t session, int64_t account, int64_t now_ms)
{
    struct session_key key = key_of(session);

    bindings_bind(b, &key, bindings_home(b, account), 0, now_ms);
}

/* The account; 0: there is none. */
static int64_t bound_to(const struct bindings *b, uint64_t session, int64_t now_ms)
{
    struct session_key key = key_of(session);
    uint32_t row = bindings_find(b, &key, now_ms);

    return row == BINDING_NONE ? 0 : b->homes[bindings_row(b, row)->home].id;
}

TEST(the_least_recently_used_one_makes_room)
{
    for (uint32_t max = 3; max <= 5; max++) {
        struct bindings b;
        struct session_key first = key_of(0);

        bindings_init(&b);
        b.max = max;
        for (uint64_t i = 0; i < max; i++)
            bind(&b, i, 7, (int64_t)i);
        CHECK_INT(b.count, max);
        bindings_touch(&b, bindings_find(&b, &first, 10), 10);
        bind(&b, max, 7, 11);
        CHECK_INT(b.count, max, "a ceiling of %u", max);
        CHECK_INT(bound_to(&b, 0, 12), 7, "it was used since");
        CHECK_INT(bound_to(&b, 1, 12), 0, "the least recently used one");
        CHECK_INT(bound_to(&b, max, 12), 7);
        bindings_free(&b);
    }
}

TEST(a_binding_ends_when_it_was_idle_for_a_day)
{
    struct bindings b;

    bindings_init(&b);
    for (uint64_t i = 0; i < 100; i++)
        bind(&b, i, 7, 0);
    CHECK_INT(bound_to(&b, 1, DAY - 1), 7);
    CHECK_INT(bound_to(&b, 1, DAY), 0);
    bind(&b, 1, 8, DAY); /* again, in its old row */
    CHECK_INT(bound_to(&b, 1, DAY), 8);
    for (int i = 0; i < 10; i++)
        bindings_settle(&b, DAY); /* a few at a time */
    CHECK_INT(b.count, 1);
    CHECK_INT(b.homes[bindings_home(&b, 7)].bound, 0);
    CHECK_INT(b.homes[bindings_home(&b, 8)].bound, 1);
    bindings_free(&b);
}

TEST(live_are_those_with_a_request_in_ten_minutes)
{
    struct bindings b;

    bindings_init(&b);
    const struct home *home = &b.homes[bindings_home(&b, 7)];

    bind(&b, 1, 7, 0);
    bind(&b, 2, 7, 1000);
    home = &b.homes[bindings_home(&b, 7)];
    CHECK_INT(home->live, 2);
    bindings_settle(&b, SESSION_LIVE_MS);
    CHECK_INT(home->live, 2);
    bindings_settle(&b, SESSION_LIVE_MS + 1);
    CHECK_INT(home->live, 1);
    CHECK_INT(home->bound, 2);
    bind(&b, 1, 7, SESSION_LIVE_MS + 2);
    CHECK_INT(home->live, 2);
    bind(&b, 1, 8, SESSION_LIVE_MS + 3); /* elsewhere */
    CHECK_INT(b.homes[bindings_home(&b, 7)].live, 1);
    CHECK_INT(b.homes[bindings_home(&b, 8)].live, 1);
    bindings_free(&b);
}

TEST(changes_are_taken_once_for_the_store)
{
    struct bindings b;
    struct binding out[4];
    struct session_key gone = key_of(2);

    bindings_init(&b);
    for (uint64_t i = 0; i < 5; i++)
        bind(&b, i, 7, 1000);
    bindings_remove(&b, bindings_find(&b, &gone, 1000)); /* before anybody took it */
    bind(&b, 9, 7, 1000); /* not in the row that still stands in the list */
    CHECK_INT(bindings_take(&b, out, 4), 4);
    CHECK_INT(out[0].account, 7);
    CHECK_INT(out[0].used_ms, 1000);
    CHECK(memcmp(out[2].session.digest, key_of(3).digest, 16) == 0, "the removed one is left out");
    CHECK_INT(bindings_take(&b, out, 4), 1);
    CHECK_INT(bindings_take(&b, out, 4), 0);
    bind(&b, 0, 7, 2000); /* used again: not worth writing */
    CHECK_INT(bindings_take(&b, out, 4), 0);
    bind(&b, 0, 7, 2000 + 600000); /* ten minutes later it is */
    CHECK_INT(bindings_take(&b, out, 4), 1);
    bind(&b, 0, 8, 2000 + 600001); /* and a move always */
    CHECK_INT(bindings_take(&b, out, 4), 1);
    CHECK_INT(out[0].account, 8);
    bindings_free(&b);
}

TEST(what_was_stored_comes_back_in_the_order_of_use)
{
    struct bindings b;
    const struct binding stored[] = {
        { key_of(1), 7, -DAY },
        { key_of(2), 7, -SESSION_LIVE_MS },
        { key_of(3), 8, -5 },
        { key_of(3), 9, -5 },
    };

    bindings_init(&b);
    for (size_t i = 0; i < COUNT(stored); i++)
        bindings_load(&b, &stored[i], 0);
    CHECK_INT(b.count, 2, "the idle one and the double are left out");
    CHECK_INT(bound_to(&b, 2, 0), 7);
    CHECK_INT(bound_to(&b, 3, 0), 8);
    CHECK_INT(b.homes[bindings_home(&b, 7)].live, 0);
    CHECK_INT(b.homes[bindings_home(&b, 8)].live, 1);
    bindings_remove_all(&b);
    CHECK_INT(b.count, 0);
    CHECK_INT(b.homes[bindings_home(&b, 8)].bound, 0);
    bind(&b, 1, 7, 1);
    CHECK_INT(bound_to(&b, 1, 1), 7);
    bindings_free(&b);
}

TEST(many_are_found_again)
{
    struct bindings b;
    const uint64_t many = 100000;

    bindings_init(&b);
    for (uint64_t i = 0; i < many; i++)
        bind(&b, i, (int64_t)(1 + i % 10), (int64_t)i);
    for (uint64_t i = 0; i < many && t->failures == 0; i += 7)
        CHECK_INT(bound_to(&b, i, (int64_t)many), (int64_t)(1 + i % 10), "%u", (unsigned)i);
    CHECK_INT(bound_to(&b, many, (int64_t)many), 0);
    for (int64_t id = 1; id <= 10; id++)
        CHECK_INT(b.homes[bindings_home(&b, id)].bound, many / 10);
    bindings_free(&b);
}

TEST(the_pool_shows_counts_and_clears_them)
{
    struct pool *p = rig_pool_of(t, 2);
    struct verdict ok = rig_verdict(VERDICT_SUCCESS);
    struct pick_ask ask = rig_ask("m");
    struct account_view v;
    struct binding out[4];
    struct lease l;
    struct pick why;
    bool more = true;

    ask.has_session = true;
    for (uint64_t i = 0; i < 3; i++) {
        ask.session = key_of(i);
        CHECK(pool_lease(p, &ask, 0, &l, &why) && why.binds);
        lease_return(p, &l, &ok, 1);
    }
    CHECK_INT(pool_bindings(p, 2), 3);
    CHECK(pool_find(p, STR("a"), 2, &v));
    CHECK_INT(v.sessions + v.sessions_live, 2);
    CHECK_INT(pool_take_bindings(p, out, 4, &more), 3);
    CHECK(!more);
    ask.session = key_of(0);
    CHECK(pool_clear_binding(p, &ask.session));
    CHECK(!pool_clear_binding(p, &ask.session));
    CHECK(pool_remove(p, 2), "its conversations are not bound to anybody then");
    ask.session = key_of(1);
    CHECK(pool_lease(p, &ask, 2, &l, &why));
    CHECK(why.reason != PICK_STICKY);
    lease_return(p, &l, &ok, 3);
    pool_clear_bindings(p);
    CHECK_INT(pool_bindings(p, 4), 0);
    pool_free(p);
}
