#include "rig.h"

static struct quota_said said_of(int64_t seen_ms, int32_t first, int64_t first_reset_ms,
                                 int32_t second, int64_t second_reset_ms)
{
    return (struct quota_said){ .windows = { { "5h", first, first_reset_ms },
                                             { "weekly", second, second_reset_ms } },
                                .count = 2,
                                .seen_ms = seen_ms };
}

static struct account_view view_of(struct test *t, struct pool *p, const char *label,
                                   int64_t now_ms)
{
    struct account_view v;

    CHECK(pool_find(p, str_c(label), now_ms, &v), "%s", label);
    return v;
}

static void hear(struct test *t, struct pool *p, int64_t id, const struct quota_said *said,
                 int64_t now_ms)
{
    struct account_hold h;

    CHECK(pool_hold(p, id, &h));
    CHECK(pool_hear_quota(p, &h, STR("m"), said, now_ms));
    pool_let_go(p, &h);
}

TEST(the_tightest_window_is_the_figure_until_its_time_is_over)
{
    struct pool *p = rig_pool_of(t, 1);
    struct quota_said said = said_of(10, 300, 1000, 700, 50000);

    hear(t, p, 1, &said, 10);
    struct account_view v = view_of(t, p, "a", 20);

    CHECK_INT(v.quota_count, 1);
    CHECK_INT(v.quotas[0].quota.remaining_permille, 300);
    CHECK_INT(v.quotas[0].quota.reset_ms, 1000);
    CHECK_INT(v.quotas[0].quota.seen_ms, 10);
    CHECK_INT(v.quotas[0].said.count, 2);

    v = view_of(t, p, "a", 1000);
    CHECK_INT(v.quotas[0].quota.remaining_permille, 700, "the week still says something");
    CHECK_INT(v.quotas[0].quota.reset_ms, 50000);
    v = view_of(t, p, "a", 50000);
    CHECK_INT(v.quota_count, 0, "nothing is known any more");
    pool_free(p);
}

TEST(an_answers_head_is_heard_with_the_lease)
{
    struct pool *p = rig_pool_of(t, 2);
    struct pick_ask ask = rig_ask("m");
    struct quota_said said = said_of(5, 150, 9000, 900, 9000);
    struct lease l;
    struct pick why;

    CHECK(pool_lease(p, &ask, 5, &l, &why));
    CHECK_INT(l.account_id, 1);
    l.said = &said;
    lease_return(p, &l, &(struct verdict){ .kind = VERDICT_SUCCESS, .delay_ms = -1 }, 5);
    CHECK_INT(view_of(t, p, "a", 6).quotas[0].quota.remaining_permille, 150);
    ask.force_rotate = true;
    CHECK(pool_lease(p, &ask, 7, &l, &why));
    CHECK(l.said == NULL, "of the lease before");
    lease_return(p, &l, &(struct verdict){ .kind = VERDICT_NONE, .delay_ms = -1 }, 7);
    pool_free(p);
}

TEST(a_refusal_for_want_of_quota_is_believed_before_the_head_it_came_with)
{
    static const struct {
        const char *name;
        int32_t head;
        int64_t delay_ms;
        int32_t want;
        int64_t want_reset_ms;
    } cases[] = {
        { "the head agrees", 0, 4000, 0, 9000 },
        { "the head says otherwise", 400, 4000, 0, 4100 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pool *p = rig_pool_of(t, 1);
        struct pick_ask ask = rig_ask("m");
        struct quota_said said = said_of(100, cases[i].head, 9000, 900, 80000);
        struct lease l;
        struct pick why;

        CHECK(pool_lease(p, &ask, 100, &l, &why));
        l.said = &said;
        lease_return(p, &l,
                     &(struct verdict){ .kind = VERDICT_QUOTA_EXHAUSTED,
                                        .status = 429,
                                        .group_scope = true,
                                        .delay_ms = cases[i].delay_ms },
                     100);
        struct account_view v = view_of(t, p, "a", 101);

        CHECK_INT(v.quotas[0].quota.remaining_permille, cases[i].want, "%s", cases[i].name);
        CHECK_INT(v.quotas[0].quota.reset_ms, cases[i].want_reset_ms, "%s", cases[i].name);
        CHECK_INT(v.lockouts[0].until_ms, 4100, "%s: figure and lockout at once", cases[i].name);
        pool_free(p);
    }
}

TEST(a_quota_that_nobody_timed_ends_when_it_is_known_to_come_back)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict used_up = {
        .kind = VERDICT_QUOTA_EXHAUSTED, .status = 429, .group_scope = true, .delay_ms = -1
    };
    struct quota known = { .remaining_permille = 20, .reset_ms = 500000, .seen_ms = 0 };
    int64_t ids[QUOTA_ASKS_MAX];

    CHECK(pool_set_quota(p, 1, STR("m"), &known, 0));
    (void)rig_turn(t, p, "m", 1000, &used_up);
    struct account_view v = view_of(t, p, "a", 1001);

    CHECK_INT(v.lockouts[0].until_ms, 500000);
    CHECK(v.lockouts[0].named);
    CHECK_INT(pool_take_quota_asks(p, ids), 1);
    CHECK_INT(ids[0], 1);
    CHECK_INT(pool_take_quota_asks(p, ids), 0, "once");
    pool_free(p);
}

TEST(a_lockout_out_of_the_table_takes_the_time_that_is_learned_later)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict used_up = {
        .kind = VERDICT_QUOTA_EXHAUSTED, .status = 429, .group_scope = true, .delay_ms = -1
    };
    struct quota_said said = said_of(1100, 0, 900000, 500, 900000);

    (void)rig_turn(t, p, "m", 1000, &used_up);
    CHECK_INT(view_of(t, p, "a", 1001).lockouts[0].until_ms, 61000, "a step of the table");
    hear(t, p, 1, &said, 1100);
    CHECK_INT(view_of(t, p, "a", 1101).lockouts[0].until_ms, 900000);
    CHECK_STRS(rig_turn(t, p, "m", 61001, NULL), STR(""), "out until then");
    CHECK_STRS(rig_turn(t, p, "m", 900000, NULL), STR("a"));
    pool_free(p);
}

static struct str by_family(struct str model)
{
    return str_starts(model, STR("claude")) ? STR("claude") : STR("other");
}

TEST(where_models_share_allowances_one_that_is_used_up_leaves_the_others_open)
{
    struct pool *p = rig_pool();
    struct account_spec spec = rig_spec(1, "a");
    struct account_means means = { .wires = CHAT, .group = by_family };
    struct verdict used_up = { .kind = VERDICT_QUOTA_EXHAUSTED, .status = 429, .delay_ms = 5000 };
    struct error e;

    CHECK_INT(pool_put(p, &spec, &means, &e), OK);
    (void)rig_turn(t, p, "claude-1", 0, &used_up);
    CHECK_STRS(rig_turn(t, p, "claude-2", 1, NULL), STR(""), "the same allowance");
    CHECK_STRS(rig_turn(t, p, "gemini-1", 2, NULL), STR("a"));
    pool_free(p);
}

TEST(a_new_credential_has_no_figures)
{
    struct pool *p = rig_pool_of(t, 1);
    struct quota_said said = said_of(10, 300, 0, 700, 0);
    struct account_spec spec = rig_spec(1, "a");
    struct account_hold h;

    hear(t, p, 1, &said, 10);
    CHECK(pool_hold(p, 1, &h));
    spec.api_key = secret_copy(STR("another"));
    rig_put(t, p, &spec);
    CHECK_INT(view_of(t, p, "a", 20).quota_count, 0);
    CHECK(!pool_hear_quota(p, &h, STR("m"), &said, 30), "it was the old one's");
    pool_let_go(p, &h);
    secret_clear(&spec.api_key);
    pool_free(p);
}
