/* tests/unit/pool/test_pool_renewal.c - access tokens that expire: who is kept out, who waits for
 * the next one, and how often it is asked for. */
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

static void asker_init(struct asker *a)
{
    *a = (struct asker){ .ask = rig_ask("m") };
    a->waiter.wake = wake;
    a->waiter.peer = a;
    a->ask.waiter = &a->waiter;
}

static bool asks(struct pool *p, struct asker *a, int64_t now_ms)
{
    return pool_lease(p, &a->ask, now_ms, &a->lease, &a->why);
}

static void ends(struct pool *p, struct asker *a, enum verdict_kind kind, int64_t now_ms)
{
    struct verdict v = rig_verdict(kind);

    v.status = kind == VERDICT_AUTH_EXPIRED ? 401 : 200;
    lease_return(p, &a->lease, &v, now_ms);
    if (kind == VERDICT_AUTH_EXPIRED)
        a->ask.again = a->lease.account_id;
}

/* Which accounts a renewal was asked for. */
struct news {
    int count;
    int64_t last;
};

static void on_expired(void *peer, int64_t id)
{
    struct news *n = peer;

    n->count++;
    n->last = id;
}

static bool is_expired(struct pool *p, int64_t id)
{
    struct account_hold h;
    bool expired = pool_hold(p, id, &h) && h.expired;

    pool_let_go(p, &h);
    return expired;
}

static void put(struct test *t, struct pool *p, int64_t id, const char *label, const char *token)
{
    struct account_spec spec = rig_spec(id, label);

    spec.grant = (struct account_grant){ .access = secret_copy(str_c(token)), .series = 7 };
    rig_put(t, p, &spec);
    secret_clear(&spec.grant.access);
}

static struct pool *signed_in_pool(struct test *t, int count, struct news *n)
{
    struct pool *p = rig_pool();

    *n = (struct news){ .count = 0 };
    for (int i = 0; i < count; i++) {
        char label[2] = { (char)('a' + i), '\0' };

        put(t, p, i + 1, label, "token-1");
    }
    pool_on_expired(p, on_expired, n);
    return p;
}

#define MANY 100

TEST(a_hundred_refusals_of_one_token_ask_for_one_renewal_and_all_are_served_by_it)
{
    static struct asker a[MANY];
    struct news n;
    struct pool *p = signed_in_pool(t, 1, &n);

    for (int i = 0; i < MANY; i++) {
        asker_init(&a[i]);
        CHECK(asks(p, &a[i], 0));
    }
    for (int i = 0; i < MANY; i++) {
        ends(p, &a[i], VERDICT_AUTH_EXPIRED, 10);
        CHECK(!asks(p, &a[i], 10), "asker %d", i);
        CHECK_INT(a[i].why.wait_until_ms, 10 + RENEWAL_MS);
    }
    CHECK_INT(n.count, 1);
    CHECK_INT(n.last, 1);
    CHECK(is_expired(p, 1));
    put(t, p, 1, "a", "token-2");
    CHECK(!is_expired(p, 1), "who hears of it late need not renew again");
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(a[i].woken, 1, "asker %d", i);
        CHECK(asks(p, &a[i], 20));
    }
    for (int i = 0; i < MANY; i++)
        ends(p, &a[i], VERDICT_SUCCESS, 30);
    CHECK_INT(n.count, 1);
    pool_free(p);
}

TEST(a_refusal_of_the_token_before_asks_for_nothing)
{
    struct asker a, late;
    struct news n;
    struct pool *p = signed_in_pool(t, 1, &n);

    asker_init(&a);
    asker_init(&late);
    CHECK(asks(p, &a, 0) && asks(p, &late, 0));
    ends(p, &a, VERDICT_AUTH_EXPIRED, 10);
    put(t, p, 1, "a", "token-2");
    ends(p, &late, VERDICT_AUTH_EXPIRED, 20);
    CHECK_INT(n.count, 1);
    CHECK(asks(p, &late, 20), "the next token is there already");
    ends(p, &late, VERDICT_AUTH_EXPIRED, 30);
    CHECK_INT(n.count, 2, "this one is refused, too");
    pool_free(p);
}

TEST(while_one_is_renewed_newcomers_take_another_and_the_refused_one_waits)
{
    struct asker a, other;
    struct news n;
    struct pool *p = signed_in_pool(t, 2, &n);

    asker_init(&a);
    asker_init(&other);
    CHECK(asks(p, &a, 0));
    int64_t first = a.lease.account_id;

    ends(p, &a, VERDICT_AUTH_EXPIRED, 10);
    CHECK(!asks(p, &a, 10), "its account is back in a moment");
    CHECK(asks(p, &other, 10));
    CHECK(other.lease.account_id != first);
    ends(p, &other, VERDICT_SUCCESS, 11);
    CHECK_INT(a.woken, 0);
    put(t, p, first, first == 1 ? "a" : "b", "token-2");
    CHECK_INT(a.woken, 1);
    CHECK(asks(p, &a, 12));
    CHECK_INT(a.lease.account_id, first);
    ends(p, &a, VERDICT_SUCCESS, 13);
    pool_free(p);
}

TEST(a_renewal_that_fails_sends_those_who_wait_elsewhere_and_keeps_the_account_out)
{
    struct asker a;
    struct news n;
    struct account_view v;
    struct pool *p = signed_in_pool(t, 2, &n);

    asker_init(&a);
    CHECK(asks(p, &a, 0));
    int64_t first = a.lease.account_id;

    ends(p, &a, VERDICT_AUTH_EXPIRED, 10);
    CHECK(!asks(p, &a, 10));
    CHECK(pool_renewal(p, first, RENEWAL_RUNS, RENEWAL_MS, 3000));
    CHECK_INT(a.woken, 0);
    CHECK(pool_renewal(p, first, RENEWAL_FAILED, 30000, 5000));
    CHECK_INT(a.woken, 1);
    CHECK(asks(p, &a, 5000));
    CHECK(a.lease.account_id != first);
    ends(p, &a, VERDICT_SUCCESS, 5001);
    CHECK(pool_find(p, first == 1 ? STR("a") : STR("b"), 5001, &v));
    CHECK_INT(v.lockout_count, 1);
    CHECK_INT(v.lockouts[0].why, VERDICT_AUTH_EXPIRED);
    CHECK_INT(v.lockouts[0].until_ms, 35000);
    CHECK(pool_renewal(p, first, RENEWAL_OVER, 0, 6000));
    CHECK(pool_find(p, first == 1 ? STR("a") : STR("b"), 6000, &v));
    CHECK_INT(v.lockout_count, 0);
    CHECK(!pool_renewal(p, 99, RENEWAL_OVER, 0, 6000));
    pool_free(p);
}

TEST(who_finds_only_such_accounts_waits_whatever_the_patience)
{
    struct pool_options options = rig_options();
    struct asker a, comes;
    struct news n;
    struct pool *p = signed_in_pool(t, 1, &n);

    options.queue_wait_ms = 0;
    pool_set_options(p, &options);
    asker_init(&a);
    asker_init(&comes);
    CHECK(asks(p, &a, 0));
    ends(p, &a, VERDICT_AUTH_EXPIRED, 10);
    CHECK(!asks(p, &comes, 20));
    CHECK_INT(comes.why.wait_until_ms, 10 + RENEWAL_MS);
    comes.ask.deadline_ms = 15;
    CHECK(!asks(p, &comes, 20));
    CHECK_INT(comes.why.wait_until_ms, 0, "its own time is over");
    comes.ask.deadline_ms = 0;
    CHECK(!asks(p, &comes, 25));
    CHECK(pool_renewal(p, 1, RENEWAL_FAILED, 30000, 30));
    CHECK_INT(comes.woken, 0, "there is nobody else");
    CHECK(!asks(p, &comes, 31));
    CHECK_INT(comes.why.wait_until_ms, 0);
    CHECK_INT(comes.why.locked_auth, 1);
    pool_free(p);
}

TEST(a_conversation_waits_for_its_account_in_every_mode_that_binds)
{
    static const enum pool_mode modes[] = { MODE_BALANCE, MODE_CACHE_FIRST };

    for (size_t i = 0; i < COUNT(modes); i++) {
        struct pool_options options = rig_options();
        struct asker a, next;
        struct news n;
        struct pool *p = signed_in_pool(t, 2, &n);

        options.mode = modes[i];
        pool_set_options(p, &options);
        asker_init(&a);
        asker_init(&next);
        a.ask.has_session = next.ask.has_session = true;
        CHECK(asks(p, &a, 0));
        ends(p, &a, VERDICT_SUCCESS, 1);
        CHECK(asks(p, &a, 2));
        int64_t first = a.lease.account_id;

        ends(p, &a, VERDICT_AUTH_EXPIRED, 3);
        CHECK(!asks(p, &next, 4));
        CHECK_INT(next.why.bound.fate, LAYER_AWAITED);
        put(t, p, first, first == 1 ? "a" : "b", "token-2");
        CHECK(asks(p, &next, 5));
        CHECK_INT(next.lease.account_id, first);
        CHECK_INT(next.why.reason, PICK_STICKY);
        ends(p, &next, VERDICT_SUCCESS, 6);
        pool_free(p);
    }
}

TEST(a_renewed_token_is_the_same_credential_and_a_new_sign_in_is_not)
{
    struct verdict limit = { .kind = VERDICT_RATE_LIMITED, .delay_ms = 60000 };
    struct news n;
    struct pool *p = signed_in_pool(t, 1, &n);
    struct account_spec spec = rig_spec(1, "a");

    (void)rig_turn(t, p, "m", 0, &limit);
    put(t, p, 1, "a", "token-2");
    CHECK_STR(rig_free(t, p, "m", 1), "", "what was learned stays");
    spec.grant = (struct account_grant){ .access = secret_copy(STR("token-3")), .series = 8 };
    rig_put(t, p, &spec);
    secret_clear(&spec.grant.access);
    CHECK_STR(rig_free(t, p, "m", 2), "a");
    pool_free(p);
}

TEST(without_anybody_who_renews_nobody_is_kept_out)
{
    struct asker a;
    struct news n;
    struct pool *p = signed_in_pool(t, 1, &n);

    pool_on_expired(p, NULL, NULL);
    asker_init(&a);
    CHECK(asks(p, &a, 0));
    ends(p, &a, VERDICT_AUTH_EXPIRED, 1);
    CHECK(asks(p, &a, 2));
    ends(p, &a, VERDICT_SUCCESS, 3);
    CHECK_INT(n.count, 0);
    pool_free(p);
}

TEST(an_account_that_goes_while_it_is_renewed_leaves_nothing_behind)
{
    struct asker a, comes;
    struct news n;
    struct pool *p = signed_in_pool(t, 2, &n);

    asker_init(&a);
    asker_init(&comes);
    CHECK(asks(p, &a, 0));
    int64_t first = a.lease.account_id;

    ends(p, &a, VERDICT_AUTH_EXPIRED, 1);
    CHECK(!asks(p, &a, 2));
    CHECK(pool_remove(p, first));
    CHECK(asks(p, &a, 3 + RENEWAL_MS));
    CHECK(a.lease.account_id != first);
    ends(p, &a, VERDICT_SUCCESS, 4 + RENEWAL_MS);
    pool_free(p);
}

TEST(an_account_that_must_sign_in_again_is_told_of_and_comes_back_with_a_new_grant)
{
    struct asker a;
    struct news n;
    struct pool *p = signed_in_pool(t, 1, &n);
    struct account_spec spec = rig_spec(1, "a");

    spec.grant =
        (struct account_grant){ .access = secret_copy(STR("token-2")), .series = 7, .lost = true };
    spec.disabled = true;
    rig_put(t, p, &spec);
    secret_clear(&spec.grant.access);
    asker_init(&a);
    CHECK(!asks(p, &a, 1));
    CHECK_INT(a.why.offering, 1);
    CHECK_INT(a.why.locked_auth, 1);
    spec.grant = (struct account_grant){ .access = secret_copy(STR("token-3")), .series = 8 };
    spec.disabled = false;
    spec.disabled_reason = STR("");
    rig_put(t, p, &spec);
    secret_clear(&spec.grant.access);
    CHECK(asks(p, &a, 2));
    ends(p, &a, VERDICT_SUCCESS, 3);
    pool_free(p);
}
