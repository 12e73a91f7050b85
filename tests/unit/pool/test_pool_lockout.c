#include "rig.h"

#define S 1000
#define H (3600 * S)
#define NAMED(ms) (ms)

static const struct {
    const char *name;
    struct verdict v;
    enum lockout_scope scope;
    int64_t lengths[6]; /* of failures in a row; 0 ends */
} cases[] = {
    { "rate",
      { VERDICT_RATE_LIMITED, .delay_ms = -1 },
      LOCKOUT_ACCOUNT,
      { 5 * S, 10 * S, 20 * S, 40 * S, 80 * S, 160 * S } },
    { "rate of a group",
      { VERDICT_RATE_LIMITED, .delay_ms = -1, .group_scope = true },
      LOCKOUT_GROUP,
      { 5 * S, 10 * S } },
    { "rate, resource exhausted",
      { VERDICT_RATE_LIMITED, .delay_ms = -1, .exhausted = true },
      LOCKOUT_ACCOUNT,
      { 30 * S, 60 * S, 120 * S, 240 * S, 300 * S, 300 * S } },
    { "rate, no word we know",
      { VERDICT_RATE_LIMITED, .delay_ms = -1, .vague = true },
      LOCKOUT_ACCOUNT,
      { 60 * S, 120 * S, 240 * S, 300 * S, 300 * S } },
    { "named", { VERDICT_RATE_LIMITED, .delay_ms = 7777 }, LOCKOUT_ACCOUNT, { 7777, 7777 } },
    { "named, zero", { VERDICT_RATE_LIMITED, .delay_ms = 0 }, LOCKOUT_ACCOUNT, { 2 * S } },
    { "named, under the least",
      { VERDICT_RATE_LIMITED, .delay_ms = 1999 },
      LOCKOUT_ACCOUNT,
      { 2 * S } },
    { "named, the least", { VERDICT_RATE_LIMITED, .delay_ms = 2000 }, LOCKOUT_ACCOUNT, { 2 * S } },
    { "named, over the least",
      { VERDICT_RATE_LIMITED, .delay_ms = 2001 },
      LOCKOUT_ACCOUNT,
      { 2001 } },
    { "named, under the most",
      { VERDICT_QUOTA_EXHAUSTED, .delay_ms = 2678399999 },
      LOCKOUT_ACCOUNT,
      { 2678399999 } },
    { "named, the most",
      { VERDICT_QUOTA_EXHAUSTED, .delay_ms = 2678400000 },
      LOCKOUT_ACCOUNT,
      { 2678400000 } },
    { "named, over the most",
      { VERDICT_QUOTA_EXHAUSTED, .delay_ms = 2678400001 },
      LOCKOUT_ACCOUNT,
      { 2678400000 } },
    { "named, far too long",
      { VERDICT_QUOTA_EXHAUSTED, .delay_ms = INT64_MAX },
      LOCKOUT_ACCOUNT,
      { 2678400000 } },
    { "quota",
      { VERDICT_QUOTA_EXHAUSTED, .delay_ms = -1 },
      LOCKOUT_ACCOUNT,
      { 60 * S, 300 * S, 1800 * S, 7200 * S, 7200 * S } },
    { "quota of a group",
      { VERDICT_QUOTA_EXHAUSTED, .delay_ms = -1, .group_scope = true },
      LOCKOUT_GROUP,
      { 60 * S } },
    { "money",
      { VERDICT_QUOTA_EXHAUSTED, .delay_ms = -1, .billing = true },
      LOCKOUT_ACCOUNT,
      { 1 * H, 6 * H, 6 * H } },
    { "capacity, first",
      { VERDICT_CAPACITY, .delay_ms = -1, .first_capacity = true },
      LOCKOUT_NOBODY,
      { 0 } },
    { "capacity, first, a moment named",
      { VERDICT_CAPACITY, .delay_ms = 2000, .first_capacity = true },
      LOCKOUT_NOBODY,
      { 0 } },
    { "capacity, first, more named",
      { VERDICT_CAPACITY, .delay_ms = 2001, .first_capacity = true },
      LOCKOUT_GROUP,
      { 2001 } },
    { "capacity",
      { VERDICT_CAPACITY, .delay_ms = -1 },
      LOCKOUT_GROUP,
      { 5 * S, 10 * S, 15 * S, 15 * S } },
    { "server error", { VERDICT_SERVER_ERROR, .delay_ms = -1 }, LOCKOUT_ACCOUNT, { 8 * S, 8 * S } },
    { "forbidden", { VERDICT_FORBIDDEN, .delay_ms = -1 }, LOCKOUT_ACCOUNT, { 600 * S, 600 * S } },
    { "forbidden, of a model",
      { VERDICT_FORBIDDEN, .delay_ms = -1, .group_scope = true },
      LOCKOUT_GROUP,
      { 600 * S } },
    { "needs action", { VERDICT_NEEDS_ACTION, .delay_ms = -1 }, LOCKOUT_ACCOUNT, { 1 * H } },
    { "model missing", { VERDICT_MODEL_MISSING, .delay_ms = -1 }, LOCKOUT_GROUP, { 5 * S, 5 * S } },
    { "timeout", { VERDICT_TIMEOUT, .delay_ms = -1 }, LOCKOUT_NOBODY, { 0 } },
    { "network", { VERDICT_NETWORK, .delay_ms = -1 }, LOCKOUT_NOBODY, { 0 } },
    { "auth expired", { VERDICT_AUTH_EXPIRED, .delay_ms = -1 }, LOCKOUT_NOBODY, { 0 } },
    { "auth invalid", { VERDICT_AUTH_INVALID, .delay_ms = -1 }, LOCKOUT_NOBODY, { 0 } },
    { "client fault", { VERDICT_CLIENT_FAULT, .delay_ms = -1 }, LOCKOUT_NOBODY, { 0 } },
    { "repairable", { VERDICT_REPAIRABLE, .delay_ms = -1 }, LOCKOUT_NOBODY, { 0 } },
    { "client left", { VERDICT_CLIENT_LEFT, .delay_ms = -1 }, LOCKOUT_NOBODY, { 0 } },
    { "given up", { VERDICT_NONE, .delay_ms = -1 }, LOCKOUT_NOBODY, { 0 } },
};

TEST(each_verdict_locks_out_for_the_time_and_scope_of_the_table)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pool *p = rig_pool_of(t, 1);
        int64_t now_ms = 1000000;

        CHECK_INT(lockout_scope(&cases[i].v), cases[i].scope, "%s", cases[i].name);
        for (size_t k = 0; k < COUNT(cases[i].lengths) && cases[i].lengths[k] > 0; k++) {
            int64_t until_ms = now_ms + cases[i].lengths[k];
            bool one = cases[i].scope == LOCKOUT_GROUP; /* others stay usable */

            CHECK_STR(rig_turn(t, p, "m", now_ms, &cases[i].v), "a", "%s, failure %zu",
                      cases[i].name, k);
            CHECK_STR(rig_turn(t, p, "m", until_ms - 1, NULL), "", "%s, failure %zu, too early",
                      cases[i].name, k);
            CHECK_STR(rig_turn(t, p, "n", until_ms - 1, NULL), one ? "a" : "",
                      "%s, failure %zu, another model", cases[i].name, k);
            CHECK_STR(rig_turn(t, p, "m", until_ms, NULL), "a", "%s, failure %zu, in time",
                      cases[i].name, k);
            now_ms = until_ms;
        }
        if (cases[i].scope == LOCKOUT_NOBODY && cases[i].v.kind != VERDICT_AUTH_INVALID) {
            CHECK_STR(rig_turn(t, p, "m", now_ms, &cases[i].v), "a", "%s", cases[i].name);
            CHECK_STR(rig_turn(t, p, "m", now_ms, NULL), "a", "%s", cases[i].name);
        }
        pool_free(p);
    }
}

TEST(a_refused_credential_disables_the_account_until_somebody_acts)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict v = { .kind = VERDICT_AUTH_INVALID, .status = 401, .delay_ms = -1 };
    struct pick_ask ask = rig_ask("m");
    struct pick why;

    rig_turn(t, p, "m", 1, &v);
    CHECK(pool_pick(p, &ask, INT64_MAX / 2, &why) == NULL);
    CHECK_INT(why.skipped[SKIP_DISABLED], 1);
    CHECK_INT(why.locked_auth, 1);
    CHECK_INT(why.offering, 1, "it is no unknown model");
    CHECK_INT(why.retry_at_ms, INT64_MAX, "time does not heal it");
    pool_clear_lockouts(p, 1);
    CHECK_STR(rig_turn(t, p, "m", 2, NULL), "");
    pool_set_flags(p, 1, false, false, STR(""));
    CHECK_STR(rig_turn(t, p, "m", 2, NULL), "a");
    pool_free(p);
}

TEST(a_success_clears_the_row_of_its_account_and_group)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict rate = rig_verdict(VERDICT_RATE_LIMITED), ok = rig_verdict(VERDICT_SUCCESS);
    struct verdict group = rate;

    group.group_scope = true;
    rig_turn(t, p, "m", 0, &rate);                    /* to 5 s */
    rig_turn(t, p, "m", 5 * S, &group);               /* to 10 s */
    rig_turn(t, p, "n", 5 * S, &group);               /* to 10 s */
    CHECK_STR(rig_turn(t, p, "m", 10 * S, &ok), "a"); /* of this model only */
    rig_turn(t, p, "m", 10 * S, &group);              /* 5 s again */
    CHECK_STR(rig_turn(t, p, "m", 15 * S, NULL), "a");
    rig_turn(t, p, "n", 10 * S, &group); /* its second: 10 s */
    CHECK_STR(rig_turn(t, p, "n", 19 * S, NULL), "");
    CHECK_STR(rig_turn(t, p, "n", 20 * S, NULL), "a");
    rig_turn(t, p, "o", 20 * S, &rate); /* the account's row is clear */
    CHECK_STR(rig_turn(t, p, "o", 25 * S, NULL), "a");
    pool_free(p);
}

TEST(a_success_that_began_before_the_lockout_disproves_nothing)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict quota = rig_verdict(VERDICT_QUOTA_EXHAUSTED), ok = rig_verdict(VERDICT_SUCCESS);
    struct pick_ask ask = rig_ask("m");
    struct lease stream;
    struct pick why;

    CHECK(pool_lease(p, &ask, 100, &stream, &why));
    rig_turn(t, p, "m", 200, &quota);
    lease_return(p, &stream, &ok, 300);
    CHECK_STR(rig_turn(t, p, "m", 400, NULL), "");
    CHECK_STR(rig_turn(t, p, "m", 60200, NULL), "a");
    pool_free(p);
}

TEST(failures_that_ran_at_the_same_time_count_as_one)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict rate = rig_verdict(VERDICT_RATE_LIMITED);
    struct pick_ask ask = rig_ask("m");
    struct lease l[4];
    struct pick why;

    for (size_t i = 0; i < COUNT(l); i++)
        CHECK(pool_lease(p, &ask, 100, &l[i], &why));
    for (size_t i = 0; i < COUNT(l); i++)
        lease_return(p, &l[i], &rate, 200 + (int64_t)i);
    CHECK_STR(rig_turn(t, p, "m", 5202, NULL), "");
    CHECK_STR(rig_turn(t, p, "m", 5203, &rate), "a", "5 s after the last of them");
    CHECK_STR(rig_turn(t, p, "m", 15202, NULL), "");
    CHECK_STR(rig_turn(t, p, "m", 15203, NULL), "a", "10 s: the second incident");
    pool_free(p);
}

TEST(no_verdict_shortens_a_lockout_that_holds)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict quota = { .kind = VERDICT_QUOTA_EXHAUSTED, .delay_ms = 5 * H };
    struct verdict later[] = { rig_verdict(VERDICT_RATE_LIMITED),
                               rig_verdict(VERDICT_SERVER_ERROR),
                               { .kind = VERDICT_QUOTA_EXHAUSTED, .delay_ms = 2 * S } };
    struct pick_ask ask = rig_ask("m");
    struct lease l[COUNT(later)];
    struct pick why;

    for (size_t i = 0; i < COUNT(later); i++)
        CHECK(pool_lease(p, &ask, 100, &l[i], &why));
    rig_turn(t, p, "m", 100, &quota);
    for (size_t i = 0; i < COUNT(later); i++)
        lease_return(p, &l[i], &later[i], 200);
    CHECK(pool_pick(p, &ask, 300, &why) == NULL);
    CHECK_INT(why.retry_at_ms, 100 + 5 * H);
    CHECK_INT(why.locked_quota, 1);
    pool_free(p);
}

TEST(groups_beyond_the_ceiling_push_out_the_one_that_ends_first)
{
    struct pool *p = rig_pool_of(t, 1);
    char model[8];

    for (int i = 0; i < GROUP_LOCKOUTS_MAX + 1; i++) {
        struct verdict v = { .kind = VERDICT_QUOTA_EXHAUSTED,
                             .delay_ms = (i == 3 ? 50 : 100) * S,
                             .group_scope = true };

        snprintf(model, sizeof(model), "m%d", i);
        CHECK_STR(rig_turn(t, p, model, 1, &v), "a", "%s", model);
        if (i < GROUP_LOCKOUTS_MAX)
            CHECK_STR(rig_turn(t, p, "m3", 2, NULL), i < 3 ? "a" : "", "after %s", model);
    }
    CHECK_STR(rig_turn(t, p, "m3", 2, NULL), "a");
    CHECK_STR(rig_turn(t, p, "m2", 2, NULL), "");
    CHECK_STR(rig_turn(t, p, model, 2, NULL), "");
    pool_free(p);
}

TEST(a_group_without_a_name_is_the_account)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict v = rig_verdict(VERDICT_MODEL_MISSING);

    rig_turn(t, p, "", 1, &v);
    CHECK_STR(rig_turn(t, p, "m", 2, NULL), "");
    pool_free(p);
}

TEST(long_model_ids_share_the_lockout_of_their_first_bytes)
{
    char a[GROUP_NAME_MAX + 2], b[GROUP_NAME_MAX + 2];
    struct pool *p = rig_pool_of(t, 1);
    struct verdict v = rig_verdict(VERDICT_MODEL_MISSING);

    memset(a, 'x', sizeof(a) - 1);
    a[sizeof(a) - 1] = '\0';
    memcpy(b, a, sizeof(b));
    b[GROUP_NAME_MAX] = 'y';
    rig_turn(t, p, a, 1, &v);
    CHECK_STR(rig_turn(t, p, b, 2, NULL), "");
    b[GROUP_NAME_MAX - 1] = 'y';
    CHECK_STR(rig_turn(t, p, b, 2, NULL), "a");
    pool_free(p);
}
