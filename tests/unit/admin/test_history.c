#include "admin/history.h"
#include "test.h"

struct seen {
    int64_t first_ms, last_ms;
    size_t count;
};

static void see_lockout(void *peer, const struct history_lockout *l)
{
    struct seen *s = peer;

    s->first_ms = s->count++ == 0 ? l->unix_ms : s->first_ms;
    s->last_ms = l->unix_ms;
}

static void see_quota(void *peer, const struct history_quota *q)
{
    struct seen *s = peer;

    s->first_ms = s->count++ == 0 ? q->unix_ms : s->first_ms;
    s->last_ms = q->unix_ms;
}

static void lock_out(struct history *h, int64_t account, int64_t unix_ms, const char *scope)
{
    struct access_attempt attempt = { .account_id = account,
                                      .verdict = VERDICT_RATE_LIMITED,
                                      .started_ms = 1000,
                                      .locks = { .scope = scope, .until_ms = 6000 } };

    history_add(h, &(struct access_record){ .started_ms = 1000,
                                            .started_unix_ms = unix_ms,
                                            .attempts = &attempt,
                                            .attempts_kept = 1 });
}

TEST(lockouts_are_kept_by_account_and_the_oldest_go)
{
    struct history *h = history_new();
    struct seen one = { 0 }, two = { 0 }, none = { 0 };

    lock_out(h, 1, 5000, "account");
    lock_out(h, 2, 6000, "group");
    lock_out(h, 1, 7000, NULL);
    history_lockouts(h, 1, see_lockout, &one);
    history_lockouts(h, 2, see_lockout, &two);
    history_lockouts(h, 3, see_lockout, &none);
    CHECK(one.count == 1 && one.first_ms == 5000, "what locked nothing out is none");
    CHECK(two.count == 1 && none.count == 0);
    for (int64_t i = 0; i < HISTORY_LOCKOUTS; i++)
        lock_out(h, 3, 10000 + i, "host");
    one = none = (struct seen){ 0 };
    history_lockouts(h, 1, see_lockout, &one);
    history_lockouts(h, 3, see_lockout, &none);
    CHECK_INT(one.count, 0, "it made room");
    CHECK(none.count == HISTORY_LOCKOUTS && none.first_ms == 10000 &&
          none.last_ms == 10000 + HISTORY_LOCKOUTS - 1);
    history_free(h);
}

TEST(a_figure_is_kept_when_it_is_another_one)
{
    static const int32_t figures[] = { 900, 900, 800, -1, 800, 700, 700, 900 };
    struct history *h = history_new();
    struct pool *pool = pool_new(&(struct pool_options){ 0 });
    struct account_spec *spec = account_spec_new();
    struct error e;
    struct seen seen = { 0 };

    spec->id = 7;
    spec->label = STR("seven");
    spec->provider = STR("openai");
    CHECK_INT(pool_put(pool, spec, &(struct account_means){ .wires = 1 }, &e), OK);
    account_spec_free(spec);
    for (size_t i = 0; i < COUNT(figures); i++) {
        struct quota q = { .remaining_permille = figures[i], .seen_ms = 1000 + (int64_t)i };

        CHECK(pool_set_quota(pool, 7, STR("group"), &q, q.seen_ms));
        history_sample(h, pool, q.seen_ms, 5000 + (int64_t)i);
    }
    history_quotas(h, 7, see_quota, &seen);
    CHECK_INT(seen.count, 4, "900, 800, 700, 900");
    CHECK(seen.first_ms == 5000 && seen.last_ms == 5007);
    pool_free(pool);
    history_free(h);
}
