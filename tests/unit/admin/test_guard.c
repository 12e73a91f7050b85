#include "admin/guard.h"
#include "test.h"

static struct address at(const char *text)
{
    struct address a = { .port = 0 };
    bool good = address_read(str_c(text), &a);

    assert(good);
    return a;
}

TEST(the_fifth_failure_of_a_minute_makes_an_address_wait)
{
    struct guard g;
    struct address ada = at("10.0.0.1:1"), same = at("10.0.0.1:99"), ben = at("10.0.0.2:1");
    int64_t now_ms = 5000;

    guard_init(&g);
    for (int i = 0; i < GUARD_FAILURES - 1; i++) {
        guard_failed(&g, &ada, now_ms += 1000);
        CHECK_INT(guard_wait_ms(&g, &ada, now_ms), 0, "failure %d", i + 1);
    }
    guard_failed(&g, &ada, now_ms);
    CHECK_INT(guard_wait_ms(&g, &ada, now_ms), GUARD_MINUTE_MS);
    CHECK_INT(guard_wait_ms(&g, &same, now_ms), GUARD_MINUTE_MS, "the port says nothing");
    CHECK_INT(guard_wait_ms(&g, &ben, now_ms), 0);
    CHECK_INT(guard_wait_ms(&g, &ada, now_ms + GUARD_MINUTE_MS - 1), 1);
    CHECK_INT(guard_wait_ms(&g, &ada, now_ms + GUARD_MINUTE_MS), 0);
    guard_clear(&g);
}

TEST(failures_of_different_minutes_do_not_add_up_and_a_success_clears_them)
{
    struct guard g;
    struct address ada = at("127.0.0.1:1"); /* counted alone */
    int64_t now_ms = 5000;

    guard_init(&g);
    for (int i = 0; i < 40; i++) {
        guard_failed(&g, &ada, now_ms);
        now_ms += GUARD_MINUTE_MS / (GUARD_FAILURES - 1);
        CHECK_INT(guard_wait_ms(&g, &ada, now_ms), 0, "failure %d", i + 1);
    }
    guard_passed(&g, &ada);
    for (int i = 0; i < 40; i++) {
        guard_failed(&g, &ada, now_ms);
        if (i % (GUARD_FAILURES - 1) == GUARD_FAILURES - 2)
            guard_passed(&g, &ada);
    }
    CHECK_INT(guard_wait_ms(&g, &ada, now_ms), 0);
    guard_clear(&g);
}

TEST(each_wait_is_twice_the_one_before_up_to_sixteen_minutes)
{
    struct guard g;
    struct address ada = at("127.0.0.1:1");
    int64_t now_ms = 5000;

    guard_init(&g);
    for (int round = 0; round < 7; round++) {
        int64_t want = GUARD_MINUTE_MS << (round < GUARD_DOUBLINGS ? round : GUARD_DOUBLINGS);

        for (int i = 0; i < GUARD_FAILURES; i++)
            guard_failed(&g, &ada, now_ms);
        CHECK_INT(guard_wait_ms(&g, &ada, now_ms), want, "round %d", round);
        now_ms += want;
    }
    now_ms += INT64_C(3600) * 1000;
    for (int i = 0; i < GUARD_FAILURES; i++)
        guard_failed(&g, &ada, now_ms);
    CHECK_INT(guard_wait_ms(&g, &ada, now_ms), GUARD_MINUTE_MS, "it was quiet for long");
    guard_clear(&g);
}

TEST(many_addresses_together_wait_but_not_the_machine_itself)
{
    struct guard g;
    struct address other = at("10.9.9.9:1"), here = at("127.0.0.1:1"), here6 = at("[::1]:1");

    guard_init(&g);
    for (int i = 0; i < GUARD_FAILURES_ALL; i++) {
        struct address one = at(arena_printf(&t->arena, "10.0.%d.%d:1", i / 200, 1 + i % 200).at);

        CHECK_INT(guard_wait_ms(&g, &other, 5000), 0, "failure %d", i);
        guard_failed(&g, &one, 5000);
    }
    CHECK_INT(guard_wait_ms(&g, &other, 5000), GUARD_MINUTE_MS);
    CHECK_INT(guard_wait_ms(&g, &here, 5000), 0);
    CHECK_INT(guard_wait_ms(&g, &here6, 5000), 0);
    for (int i = 0; i < 100; i++)
        guard_failed(&g, &here, 5000);
    CHECK(guard_wait_ms(&g, &here, 5000) > 0, "its own failures count");
    guard_clear(&g);
}

TEST(the_least_recent_address_makes_room)
{
    struct guard g;
    struct address first = at("10.0.0.1:1"), last = first;
    int64_t now_ms = 5000;

    guard_init(&g);
    for (int i = 0; i < GUARD_FAILURES; i++)
        guard_failed(&g, &first, now_ms);
    for (int i = 0; i < GUARD_ADDRESSES; i++) {
        CHECK(guard_wait_ms(&g, &first, 5000) > 0, "%d", i);
        last = at(arena_printf(&t->arena, "10.1.%d.%d:1", i / 200, 1 + i % 200).at);
        guard_failed(&g, &last, ++now_ms);
    }
    g.all = (struct guard_count){ 0 };
    CHECK_INT(guard_wait_ms(&g, &first, 5000), 0);
    for (int i = 1; i < GUARD_FAILURES; i++)
        guard_failed(&g, &last, now_ms);
    g.all = (struct guard_count){ 0 };
    CHECK(guard_wait_ms(&g, &last, now_ms) > 0);
    guard_clear(&g);
}
