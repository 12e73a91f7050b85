#include "rig.h"

#define S ((int64_t)1000)
#define H (3600 * S)

static struct str quota_group_one(struct str model)
{
    (void)model;
    return STR("one");
}

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
    { "model missing", { VERDICT_MODEL_MISSING, .delay_ms = -1 }, LOCKOUT_MODEL, { 5 * S, 5 * S } },
    { "model missing, and not in the list",
      { VERDICT_MODEL_MISSING, .delay_ms = -1, .unlisted = true },
      LOCKOUT_MODEL,
      { 1 * H, 1 * H } },
    { "timeout", { VERDICT_TIMEOUT, .delay_ms = -1 }, LOCKOUT_HOST, { 5 * S, 5 * S } },
    { "network", { VERDICT_NETWORK, .delay_ms = -1 }, LOCKOUT_HOST, { 5 * S, 5 * S } },
    { "network, before a fresh connection is tried",
      { VERDICT_NETWORK, .delay_ms = -1, .fresh_try = true },
      LOCKOUT_NOBODY,
      { 0 } },
    { "derived",
      { VERDICT_RATE_LIMITED, .delay_ms = 60000, .derived = true },
      LOCKOUT_ACCOUNT,
      { 60 * S } },
    { "derived, over the most",
      { VERDICT_QUOTA_EXHAUSTED, .delay_ms = 7 * H, .derived = true },
      LOCKOUT_ACCOUNT,
      { 6 * H } },
    { "derived from a day's allowance",
      { VERDICT_QUOTA_EXHAUSTED, .delay_ms = 23 * H, .derived = true, .daily = true },
      LOCKOUT_ACCOUNT,
      { 23 * H } },
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
        struct pool *p = rig_pool();
        struct account_spec spec = rig_spec(1, "a");
        int64_t now_ms = 1000000;

        CHECK_INT(
            pool_put(p, &spec, &(struct account_means){ .wires = CHAT, .host = STR("host") }, NULL),
            OK);
        CHECK_INT(lockout_scope(&cases[i].v), cases[i].scope, "%s", cases[i].name);
        for (size_t k = 0; k < COUNT(cases[i].lengths) && cases[i].lengths[k] > 0; k++) {
            int64_t until_ms = now_ms + cases[i].lengths[k];
            bool one = cases[i].scope == LOCKOUT_GROUP || cases[i].scope == LOCKOUT_MODEL;

            CHECK_STR(rig_turn(t, p, "m", now_ms, &cases[i].v), "a", "%s, failure %zu",
                      cases[i].name, k);
            CHECK_STR(rig_free(t, p, "m", until_ms - 1), "", "%s, failure %zu, too early",
                      cases[i].name, k);
            CHECK_STR(rig_free(t, p, "n", until_ms - 1), one ? "a" : "",
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
    CHECK(pool_pick(p, &ask, 1000 * H, &why) == NULL);
    CHECK_INT(why.skipped[SKIP_DISABLED], 1);
    CHECK_INT(why.locked_auth, 1);
    CHECK_INT(why.offering, 1, "it is no unknown model");
    CHECK_INT(why.retry_at_ms, INT64_MAX, "time does not heal it");
    pool_set_flags(p, 1, false, false, STR(""));
    CHECK_STR(rig_turn(t, p, "m", 1000 * H, &v), "a");
    CHECK_STR(rig_free(t, p, "m", 1000 * H), "");
    CHECK(pool_clear_lockouts(p, 1), "the operator says that all is well");
    CHECK_STR(rig_turn(t, p, "m", 1000 * H, NULL), "a");
    CHECK(!pool_clear_lockouts(p, 2));
    pool_free(p);
}

/* The labels of those that are asked, one after the other. */
static struct str probed(struct test *t, struct pool *p, int64_t now_ms, enum verdict_kind kind)
{
    struct pick_ask ask = rig_ask("m");
    struct verdict v = rig_verdict(kind);
    struct lease l;
    struct pick why;

    if (!pool_lease(p, &ask, now_ms, &l, &why))
        return STR("");
    struct str text = arena_printf(&t->arena, "%s%s", l.label, why.probe ? " probed" : "");

    lease_return(p, &l, &v, now_ms);
    return text;
}

TEST(a_refused_key_is_asked_again_by_one_real_request_an_hour_whoever_else_is_free)
{
    struct pool *p = rig_pool_of(t, 1);
    struct account_spec spec = rig_spec(2, "key");

    spec.api_key = secret_copy(STR("k"));
    rig_put(t, p, &spec);
    CHECK_STR(probed(t, p, 0, VERDICT_NONE), "a");
    CHECK_STR(probed(t, p, 0, VERDICT_AUTH_INVALID), "key");
    CHECK_STR(probed(t, p, 1 * H - 1, VERDICT_NONE), "a");
    CHECK_STR(probed(t, p, 1 * H, VERDICT_AUTH_INVALID), "key probed");
    CHECK_STR(probed(t, p, 1 * H, VERDICT_NONE), "a");
    CHECK_STR(probed(t, p, 2 * H - 1, VERDICT_NONE), "a");
    CHECK_STR(probed(t, p, 2 * H, VERDICT_SUCCESS), "key probed");
    CHECK_STR(probed(t, p, 2 * H + 61 * S, VERDICT_NONE), "a");
    CHECK_STR(probed(t, p, 2 * H + 61 * S, VERDICT_NONE), "key", "it is in use again");
    secret_clear(&spec.api_key);
    pool_free(p);
}

TEST(what_its_owner_is_to_do_is_shown_and_asked_for_once_an_hour)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict v = { .kind = VERDICT_NEEDS_ACTION,
                         .status = 403,
                         .delay_ms = -1,
                         .evidence = STR("https://accounts.test/verify?x=1") };
    struct pick_ask ask = rig_ask("m");
    struct account_view view;
    struct pick why;

    rig_turn(t, p, "m", 0, &v);
    CHECK(pool_find(p, STR("a"), 1, &view));
    CHECK_INT(view.lockout_count, 1);
    CHECK_STR(str_c(view.lockouts[0].scope), "account");
    CHECK_STR(str_c(view.lockouts[0].evidence), "https://accounts.test/verify?x=1");
    CHECK_INT(view.lockouts[0].until_ms, LOCKOUT_FOR_EVER);
    CHECK_INT(view.lockouts[0].status, 403);
    CHECK(pool_pick(p, &ask, 1 * H - 1, &why) == NULL);
    CHECK_INT(why.retry_at_ms, INT64_MAX, "time does not heal it");
    CHECK_STR(probed(t, p, 1 * H, VERDICT_NEEDS_ACTION), "a probed");
    CHECK_STR(probed(t, p, 1 * H, VERDICT_NEEDS_ACTION), "");
    CHECK_STR(probed(t, p, 2 * H, VERDICT_SUCCESS), "a probed");
    CHECK_STR(probed(t, p, 2 * H, VERDICT_NEEDS_ACTION), "a");
    CHECK(pool_clear_lockouts(p, 1), "done");
    CHECK_STR(probed(t, p, 2 * H, VERDICT_SUCCESS), "a");
    pool_free(p);
}

TEST(a_lockout_of_our_own_making_is_probed_once_after_half_its_time_when_nobody_better_is_free)
{
    struct pool *p = rig_pool_of(t, 2);
    struct pick_ask ask = rig_ask("m");
    struct verdict none = rig_verdict(VERDICT_NONE);
    struct lease held;
    struct pick why;

    CHECK_STR(probed(t, p, 0, VERDICT_QUOTA_EXHAUSTED), "a"); /* 60 s */
    CHECK_STR(probed(t, p, 30 * S, VERDICT_SUCCESS), "b", "somebody better is free");
    CHECK_STR(probed(t, p, 30 * S, VERDICT_QUOTA_EXHAUSTED), "b");
    CHECK(pool_lease(p, &ask, 30 * S, &held, &why) && why.probe);
    CHECK_STR(str_c(held.label), "a");
    CHECK(pool_pick(p, &ask, 31 * S, &why) == NULL, "only once, and that of b is not half over");
    CHECK_INT(why.free_at_ms, 60 * S);
    CHECK_INT(why.ask_at_ms, 0, "not worth the 5 s");
    lease_return(p, &held, &none, 32 * S);
    CHECK(pool_pick(p, &ask, 59 * S, &why) == NULL);
    CHECK_INT(why.ask_at_ms, 60 * S, "the lockout ends before b may be probed");
    pool_free(p);
}

TEST(a_named_time_is_not_probed_but_a_success_of_before_its_knowledge_ends_nothing_either)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict v = { .kind = VERDICT_QUOTA_EXHAUSTED, .delay_ms = 60 * S };

    rig_turn(t, p, "m", 0, &v);
    CHECK_STR(probed(t, p, 59 * S, VERDICT_SUCCESS), "");
    CHECK_STR(probed(t, p, 60 * S, VERDICT_SUCCESS), "a");
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
    rig_turn(t, p, "n", 10 * S, &group);              /* its second: 10 s */
    CHECK_STR(rig_free(t, p, "m", 14 * S), "");
    CHECK_STR(rig_turn(t, p, "m", 15 * S, NULL), "a");
    CHECK_STR(rig_free(t, p, "n", 19 * S), "");
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
    CHECK_STR(rig_free(t, p, "m", 400), "");
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
    CHECK_STR(rig_free(t, p, "m", 5202), "");
    CHECK_STR(rig_turn(t, p, "m", 5203, &rate), "a", "5 s after the last of them");
    CHECK_STR(rig_free(t, p, "m", 15202), "");
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

TEST(groups_beyond_the_ceiling_push_out_the_one_asked_for_longest_ago_and_never_served)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict ok = rig_verdict(VERDICT_SUCCESS);
    struct verdict v = { .kind = VERDICT_QUOTA_EXHAUSTED, .delay_ms = 1 * H, .group_scope = true };
    struct account_view view;
    char model[8];

    rig_turn(t, p, "real", 1, &ok);
    rig_turn(t, p, "real", 1, &v);
    for (int i = 0; i < ROSTERS_MAX - 1; i++) {
        snprintf(model, sizeof(model), "m%d", i);
        CHECK_STR(rig_turn(t, p, model, 1, &v), "a", "%s", model);
    }
    CHECK(pool_find(p, STR("a"), 2, &view));
    CHECK_INT(view.lockout_count, ROSTERS_MAX);
    CHECK_INT(view.groups_locked, ROSTERS_MAX);
    CHECK_STR(rig_turn(t, p, "one more", 2, &v), "a");
    CHECK_STR(rig_free(t, p, "real", 2), "");
    CHECK_STR(rig_free(t, p, "m1", 2), "");
    CHECK_STR(rig_free(t, p, "m0", 2), "a", "forgotten");
    pool_free(p);
}

TEST(a_model_that_an_account_lacks_leaves_the_others_of_its_group_alone)
{
    struct pool *p = rig_pool();
    struct account_spec spec = rig_spec(1, "a"), other = rig_spec(2, "b");
    struct account_means means = { .wires = CHAT, .group = quota_group_one };
    struct verdict missing = rig_verdict(VERDICT_MODEL_MISSING), ok = rig_verdict(VERDICT_SUCCESS);
    struct pick_ask ask = rig_ask("m");
    struct account_view view;
    struct pick why;

    CHECK_INT(pool_put(p, &spec, &means, NULL), OK);
    CHECK_STR(rig_turn(t, p, "m", 0, &missing), "a");
    CHECK(pool_pick(p, &ask, 1, &why) == NULL);
    CHECK_INT(why.skipped[SKIP_LOCKED_OUT], 1);
    CHECK_INT(why.locked_model, 1);
    CHECK_INT(why.retry_at_ms, 5 * S);
    CHECK_INT(why.passed[0].verdict, VERDICT_MODEL_MISSING);
    CHECK_STR(rig_free(t, p, "n", 1), "a");
    CHECK_INT(pool_put(p, &other, &means, NULL), OK);
    CHECK_STR(rig_free(t, p, "m", 1), "b");
    CHECK(pool_pick(p, &ask, 1, &why) != NULL);
    CHECK_INT(why.skipped[SKIP_NONE], 1);
    CHECK_INT(why.passed_count, 1);
    CHECK(pool_find(p, STR("a"), 1, &view));
    CHECK_STR(str_c(view.lockouts[0].scope), "m");
    pool_set_flags(p, 2, true, false, STR(""));
    CHECK_STR(rig_turn(t, p, "m", 5 * S, &ok), "a");

    char model[8]; /* beyond the ceiling the one that ends first makes room */
    for (int i = 0; i < MISSING_MODELS_MAX + 1; i++) {
        snprintf(model, sizeof(model), "m%d", i);
        CHECK_STR(rig_turn(t, p, model, 6 * S + i, &missing), "a", "%s", model);
    }
    CHECK_STR(rig_free(t, p, "m0", 7 * S), "a");
    CHECK_STR(rig_free(t, p, "m1", 7 * S), "");
    CHECK_STR(rig_free(t, p, model, 7 * S), "");
    pool_clear_lockouts(p, 1);
    CHECK_STR(rig_free(t, p, model, 7 * S), "a");
    pool_free(p);
}

TEST(a_host_that_cannot_be_reached_keeps_all_its_accounts_out_and_no_other)
{
    struct pool *p = rig_pool();
    static const char *const labels[] = { "a", "b", "c" };
    struct verdict network = rig_verdict(VERDICT_NETWORK), ok = rig_verdict(VERDICT_SUCCESS);
    struct pick_ask ask = rig_ask("m");
    struct account_view view;
    struct lease l;
    struct pick why;

    for (int i = 0; i < 3; i++) {
        struct account_spec spec = rig_spec(i + 1, labels[i]);
        struct account_means means = { .wires = CHAT, .host = i < 2 ? STR("one") : STR("two") };

        CHECK_INT(pool_put(p, &spec, &means, NULL), OK);
    }
    CHECK_STR(rig_turn(t, p, "m", 0, &network), "a");
    CHECK_STR(rig_turn(t, p, "m", 1, NULL), "c");
    CHECK_STR(rig_turn(t, p, "m", 1, NULL), "c");
    CHECK(pool_pick(p, &ask, 1, &why) != NULL);
    CHECK_INT(why.skipped[SKIP_LOCKED_OUT], 2);
    CHECK_INT(why.locked_host, 2);
    CHECK_INT(why.passed[0].verdict, VERDICT_NETWORK);
    CHECK_INT(why.passed[0].until_ms, 5 * S);
    CHECK(pool_find(p, STR("b"), 1, &view));
    CHECK_STR(str_c(view.lockouts[0].scope), "host");
    CHECK_INT(view.locked_until_ms, 0, "the account itself is free");
    pool_set_flags(p, 3, true, false, STR(""));
    CHECK(pool_pick(p, &ask, 1, &why) == NULL);
    CHECK_INT(why.retry_at_ms, 5 * S);
    CHECK_INT(why.ask_at_ms, 5 * S);

    ask.again = 1; /* a fresh connection to the same account tells, and a success ends it for all */
    CHECK(pool_lease(p, &ask, 1, &l, &why));
    CHECK_STR(str_c(l.label), "a");
    CHECK_INT(why.skipped[SKIP_NONE], 1);
    lease_return(p, &l, &ok, 2);
    CHECK(pool_pick(p, &ask, 3, &why) != NULL);
    CHECK_INT(why.skipped[SKIP_NONE], 2);
    pool_free(p);
}

TEST(what_the_request_was_to_blame_for_is_taken_back_and_nothing_else)
{
    struct pool *p = rig_pool_of(t, 3);
    struct verdict v = rig_verdict(VERDICT_SERVER_ERROR);
    struct pick_ask ask = rig_ask("m");
    struct lease l[3], other;
    struct lease_mark marks[3];
    struct pick why;

    for (int i = 0; i < 3; i++) {
        CHECK(pool_lease(p, &ask, 0, &l[i], &why));
        marks[i] = (struct lease_mark){ l[i].account_id, l[i].number };
    }
    CHECK(pool_lease(p, &ask, 0, &other, &why)); /* of a, by another request */
    for (int i = 0; i < 3; i++)
        lease_return(p, &l[i], &v, 1);
    lease_return(p, &other, &v, 2);
    CHECK_STR(rig_free(t, p, "m", 3), "");
    pool_release(p, marks, 3, 3);
    CHECK_STR(rig_turn(t, p, "m", 3, NULL), "b");
    CHECK_STR(rig_turn(t, p, "m", 3, NULL), "c");
    CHECK(pool_pick(p, &ask, 3, &why) != NULL);
    CHECK_INT(why.skipped[SKIP_LOCKED_OUT], 1, "a failed for somebody else, too");
    pool_free(p);
}

TEST(a_side_request_teaches_nothing)
{
    static const enum verdict_kind kinds[] = { VERDICT_RATE_LIMITED, VERDICT_AUTH_INVALID,
                                               VERDICT_QUOTA_EXHAUSTED, VERDICT_MODEL_MISSING };

    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct pool *p = rig_pool_of(t, 1);
        struct verdict v = rig_verdict(kinds[i]);
        struct pick_ask ask = rig_ask("m");
        struct lease l;
        struct pick why;

        ask.side = true;
        CHECK(pool_lease(p, &ask, 0, &l, &why));
        lease_return(p, &l, &v, 1);
        CHECK_STR(rig_free(t, p, "m", 2), "a", "%s", verdict_word(kinds[i]));
        pool_free(p);
    }
}

TEST(backoff_steps_are_those_of_the_settings_and_switched_off_they_do_not_grow)
{
    struct pool_options options = rig_options();
    struct pool *p = rig_pool_of(t, 1);
    struct verdict v = rig_verdict(VERDICT_QUOTA_EXHAUSTED);

    options.backoff_ms[0] = 10 * S;
    options.backoff_ms[1] = 100 * H;
    options.backoff_count = 2;
    pool_set_options(p, &options);
    rig_turn(t, p, "m", 0, &v);
    CHECK_STR(rig_free(t, p, "m", 10 * S - 1), "");
    CHECK_STR(rig_turn(t, p, "m", 10 * S, &v), "a");
    CHECK_STR(rig_free(t, p, "m", 10 * S + 6 * H - 1), "");
    CHECK_STR(rig_free(t, p, "m", 10 * S + 6 * H), "a", "what we make ourselves ends within 6 h");
    options.backoff_count = 0;
    pool_set_options(p, &options);
    for (int i = 7; i < 10; i++) {
        CHECK_STR(rig_turn(t, p, "m", i * H, &v), "a");
        CHECK_STR(rig_free(t, p, "m", i * H + 60 * S - 1), "");
        CHECK_STR(rig_free(t, p, "m", i * H + 60 * S), "a");
    }
    pool_free(p);
}

TEST(a_group_without_a_name_is_the_account)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict v = rig_verdict(VERDICT_MODEL_MISSING);

    rig_turn(t, p, "", 1, &v);
    CHECK_STR(rig_free(t, p, "m", 2), "");
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
    CHECK_STR(rig_free(t, p, b, 2), "");
    b[GROUP_NAME_MAX - 1] = 'y';
    CHECK_STR(rig_turn(t, p, b, 2, NULL), "a");
    pool_free(p);
}
