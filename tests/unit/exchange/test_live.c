#include "exchange/live.h"
#include "io/mailbox.h"
#include "test.h"

static struct live_event numbered(int64_t n)
{
    return (struct live_event){ .kind = LIVE_CONTENT, .first_byte_ms = n };
}

TEST(what_happens_unwatched_is_dropped_and_not_counted)
{
    struct live *l = live_new();
    struct live_event e = numbered(1);

    live_add(l, &e);
    CHECK(!live_take(l, &e) && live_lost(l) == 0);
    live_watch(l, true);
    live_add(l, &e);
    live_watch(l, false);
    live_add(l, &e);
    CHECK(live_take(l, &e) && !live_take(l, &e));
    live_free(l);
}

TEST(what_does_not_fit_is_lost_and_counted)
{
    struct live *l = live_new();
    struct live_event e;

    live_watch(l, true);
    for (int64_t i = 0; i < LIVE_EVENTS + 7; i++) {
        e = numbered(i);
        live_add(l, &e);
    }
    CHECK_INT(live_lost(l), 7);
    CHECK_INT(live_lost(l), 0, "asked before");
    for (int64_t i = 0; i < LIVE_EVENTS; i++)
        CHECK(live_take(l, &e) && e.first_byte_ms == i, "%lld", (long long)i);
    CHECK(!live_take(l, &e));
    e = numbered(5);
    live_add(l, &e);
    CHECK(live_take(l, &e) && e.first_byte_ms == 5, "there is room again");
    live_free(l);
}

#define MANY 200000

static void put_many(void *arg)
{
    struct live *l = arg;

    for (int64_t i = 1; i <= MANY; i++) {
        struct live_event e = numbered(i);

        live_add(l, &e);
    }
}

TEST(a_reader_on_another_thread_gets_everything_that_was_not_lost_in_order)
{
    struct live *l = live_new();
    struct live_event e;
    int64_t last = 0, taken = 0, lost = 0;

    live_watch(l, true);
    struct thread *writer = thread_start(put_many, l);

    while (last < MANY && taken + lost < MANY) {
        lost += (int64_t)live_lost(l);
        if (!live_take(l, &e))
            continue;
        taken++;
        CHECK(e.first_byte_ms > last, "%lld behind %lld", (long long)e.first_byte_ms,
              (long long)last);
        last = e.first_byte_ms;
    }
    thread_join(writer);
    while (live_take(l, &e))
        taken++;
    lost += (int64_t)live_lost(l);
    CHECK_INT(taken + lost, MANY);
    live_free(l);
}
