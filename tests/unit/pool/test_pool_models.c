/* Lists of models: what they offer, how the pool keeps them, and whom they keep out. */
#include "rig.h"

static struct listed_model listed(const char *id)
{
    return (struct listed_model){ .id = str_c(id) };
}

static enum status set_list(struct pool *p, int64_t id, const char *const *ids, int64_t now_ms)
{
    struct listed_model models[8];
    struct account_hold h;
    struct error e;
    size_t count = 0;

    for (; ids[count] != NULL; count++)
        models[count] = listed(ids[count]);
    if (!pool_hold(p, id, &h))
        return E_ABSENT;
    enum status st = pool_set_models(p, &h, models, count, now_ms, &e);

    pool_let_go(p, &h);
    return st;
}

#define SET(p, id, now_ms, ...) \
    CHECK_INT(set_list((p), (id), (const char *const[]){ __VA_ARGS__, NULL }, (now_ms)), OK)
#define SET_EMPTY(p, id, now_ms) \
    CHECK_INT(set_list((p), (id), (const char *const[]){ NULL }, (now_ms)), OK)

static struct account_view view_of(struct test *t, struct pool *p, const char *label,
                                   int64_t now_ms)
{
    struct account_view v = { .id = 0 };

    CHECK(pool_find(p, str_c(label), now_ms, &v));
    return v;
}

TEST(a_list_offers_what_it_has_and_what_its_provider_would_take_for_that)
{
    static const struct {
        const char *model;
        bool offered;
    } cases[] = {
        { "claude-sonnet-4-5-20250929", true },
        { "claude-sonnet-4-5", true },
        { "claude-sonnet-4-5-latest", true },
        { "claude-opus-4", true },
        { "claude-opus-4-0", true },
        { "claude-opus-4-1", false },
        { "claude-sonnet-4", false },
        { "claude-sonnet-4-5-20250930", false },
        { "gpt-9", true },
        { "gpt-9-latest", true },
        { "gpt-9-2027-01-01", false },
        { "gpt-8", true },
        { "gpt-8-2026-12-31", true },
        { "gpt-7", false }, /* 13 is no month */
        { "gpt", false },
        { "GPT-9", false },
        { "models/gpt-9", true },
        { "gemini-9", true },
        { "models/gemini-9", true },
        { "llama3", true },
        { "llama3:70b", false },
        { "mistral-x", true },
        { "vendor/model", true },
        { "vendor/model:nitro", true },
        { "vendor/mode", false },
        { "", false },
        { ":", false },
        { "-latest", false },
        { "-0", false },
        { "models/", false },
    };
    static const char *const ids[] = { "gpt-9",
                                       "claude-sonnet-4-5-20250929",
                                       "claude-opus-4-20250514",
                                       "gpt-8-2026-12-31",
                                       "gpt-7-20261301",
                                       "llama3:latest",
                                       "mistral-x-latest",
                                       "vendor/model",
                                       "models/gemini-9" };
    struct listed_model models[COUNT(ids)];
    char longest[LISTED_ID_MAX + 1];

    for (size_t i = 0; i < COUNT(ids); i++)
        models[i] = listed(ids[i]);
    struct model_list *l = model_list_new(models, COUNT(ids)), *none = model_list_new(NULL, 0);

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(model_list_offers(l, str_c(cases[i].model)), cases[i].offered, "%s",
                  cases[i].model);
    memset(longest, 'x', sizeof(longest));
    CHECK(!model_list_offers(l, (struct str){ longest, LISTED_ID_MAX }));
    CHECK(!model_list_offers(l, (struct str){ longest, LISTED_ID_MAX + 1 }));
    CHECK(!model_list_offers(none, STR("gpt-9")));
    model_list_free(none);
    model_list_free(l);
    model_list_free(NULL);
}

TEST(of_models_listed_twice_the_first_one_counts)
{
    struct listed_model models[] = { listed("b"), listed("a"), listed("b"), listed("a") };

    models[0].owner = STR("first");
    models[2].owner = STR("second");
    models[1].name = STR("a"); /* says nothing that the id does not */
    struct model_list *l = model_list_new(models, 4), *other = model_list_new(models, 2);

    CHECK_INT(l->count, 2);
    CHECK_STR(l->models[0].id, "a");
    CHECK_STR(l->models[0].name, "");
    CHECK_STR(l->models[1].owner, "first");
    CHECK(model_list_equal(l, other));
    model_list_free(other);
    other = model_list_new(&models[1], 2);
    CHECK(!model_list_equal(l, other));
    model_list_free(other);
    model_list_free(l);
}

TEST(an_account_offers_anything_until_its_list_is_known_and_then_what_that_says)
{
    struct pool *p = rig_pool_of(t, 2);

    CHECK_STR(rig_free(t, p, "x", 1), "a");
    SET(p, 1, 2, "y", "z-20260101");
    SET(p, 2, 2, "x");
    CHECK_STR(rig_free(t, p, "x", 3), "b");
    CHECK_STR(rig_free(t, p, "y", 3), "a");
    CHECK_STR(rig_free(t, p, "z", 3), "a");
    CHECK_STR(rig_free(t, p, "v", 3), "");
    struct pick_ask ask = rig_ask("x");
    struct pick why;

    CHECK(pool_pick(p, &ask, 3, &why) != NULL);
    CHECK_INT(why.reason, PICK_ONLY);
    CHECK_INT(why.skipped[SKIP_NO_MODEL], 1);
    CHECK_INT(view_of(t, p, "a", 4).models, 2);
    CHECK_INT(view_of(t, p, "a", 4).models_seen_ms, 2);
    SET(p, 1, 9, "y", "z-20260101"); /* no news, but it was looked at */
    CHECK_INT(view_of(t, p, "a", 9).models_seen_ms, 9);
    SET(p, 1, 10, "x");
    CHECK_STR(rig_free(t, p, "y", 10), "");
    SET_EMPTY(p, 1, 11);
    CHECK_STR(rig_free(t, p, "y", 11), "a");
    CHECK_INT(view_of(t, p, "a", 11).models, 0);
    CHECK_INT(view_of(t, p, "a", 11).models_seen_ms, 11);
    pool_free(p);
}

TEST(accounts_with_equal_lists_share_one)
{
    struct pool *p = rig_pool_of(t, 3);

    SET(p, 1, 1, "x", "y");
    SET(p, 2, 1, "y", "x");
    CHECK(p->lists != NULL && p->lists->next == NULL);
    CHECK(account_find(p, 1)->cohort == account_find(p, 2)->cohort);
    CHECK(account_find(p, 1)->cohort != account_find(p, 3)->cohort);
    SET(p, 1, 2, "x");
    CHECK(p->lists->next != NULL);
    CHECK(pool_remove(p, 2));
    CHECK(p->lists->next == NULL);
    SET_EMPTY(p, 1, 3);
    CHECK(p->lists == NULL);
    CHECK_INT(p->lists_bytes, 0);
    CHECK(account_find(p, 1)->cohort == account_find(p, 3)->cohort);
    pool_free(p);
}

TEST(a_list_goes_with_the_credential_it_was_read_with)
{
    static struct str patterns[] = { { "qq", 2 } };
    struct pool *p = rig_pool_of(t, 1);
    struct account_spec spec = rig_spec(1, "a");
    struct account_hold h;
    struct listed_model models[] = { listed("x") };
    struct error e;

    SET(p, 1, 1, "x");
    CHECK(pool_hold(p, 1, &h));
    spec.tier = TIER_PRO;
    rig_put(t, p, &spec);
    CHECK_STR(rig_free(t, p, "y", 2), "");
    CHECK_INT(pool_set_models(p, &h, models, 1, 2, &e), OK);
    spec.base_url = STR("http://elsewhere");
    rig_put(t, p, &spec);
    CHECK_STR(rig_free(t, p, "y", 3), "a");
    CHECK_INT(pool_set_models(p, &h, models, 1, 3, &e), E_ABSENT);
    CHECK_STR(rig_free(t, p, "y", 3), "a");
    SET(p, 1, 3, "x");
    spec.models = patterns;
    spec.model_count = 1;
    rig_put(t, p, &spec);
    CHECK_STR(rig_free(t, p, "qq", 4), "a");
    CHECK_INT(set_list(p, 1, (const char *const[]){ "x", NULL }, 4), E_ABSENT);
    CHECK_INT(view_of(t, p, "a", 4).models, 1);
    CHECK(view_of(t, p, "a", 4).names_models);
    CHECK(pool_remove(p, 1));
    CHECK_INT(pool_set_models(p, &h, models, 1, 5, &e), E_ABSENT);
    CHECK_INT(set_list(p, 1, (const char *const[]){ NULL }, 5), E_ABSENT);
    pool_let_go(p, &h);
    pool_free(p);
}

TEST(lists_have_their_room)
{
    struct pool *p = rig_pool_of(t, 1);

    p->lists_bytes = LISTS_BYTES_MAX;
    CHECK_INT(set_list(p, 1, (const char *const[]){ "x", NULL }, 1), E_LIMIT);
    CHECK_STR(rig_free(t, p, "y", 1), "a");
    SET_EMPTY(p, 1, 1); /* needs none */
    p->lists_bytes = 0;
    SET(p, 1, 1, "x");
    CHECK_STR(rig_free(t, p, "y", 1), "");
    pool_free(p);
}

/* Groups are kept for a bounded number of models: those of its old cohort may have no room. */
TEST(an_account_joins_others_that_are_asked_for_many_models)
{
    struct pool *p = rig_pool_of(t, 2);
    static const struct verdict success = { .kind = VERDICT_SUCCESS, .delay_ms = -1 };
    struct listed_model models[ROSTERS_MAX];
    struct account_hold h;
    struct error e;
    struct pick_ask ask;
    struct lease l[2];
    struct pick why;

    SET(p, 2, 1, "none");
    for (size_t i = 0; i < ROSTERS_MAX; i++)
        CHECK_STR(rig_turn(t, p, arena_printf(&t->arena, "old-%zu", i).at, 2, &success), "a");
    for (size_t i = 0; i < 2; i++) { /* held while it moves */
        ask = rig_ask(i == 0 ? "old-0" : "old-63");
        CHECK(pool_lease(p, &ask, 2, &l[i], &why));
    }
    for (size_t i = 0; i < ROSTERS_MAX; i++)
        models[i] = listed(arena_printf(&t->arena, "new-%zu", i).at);
    for (int64_t id = 2; id >= 1; id--) {
        pool_set_flags(p, 1, id == 2, false, STR(""));
        CHECK(pool_hold(p, id, &h));
        CHECK_INT(pool_set_models(p, &h, models, ROSTERS_MAX, 3, &e), OK);
        pool_let_go(p, &h);
        for (size_t i = 0; i < ROSTERS_MAX && id == 2; i++)
            CHECK_STR(rig_turn(t, p, arena_printf(&t->arena, "new-%zu", i).at, 4, &success), "b");
    }
    for (size_t i = 0; i < 2; i++)
        lease_return(p, &l[i], &success, 5);
    for (size_t i = 0; i < ROSTERS_MAX; i++)
        CHECK(rig_turn(t, p, arena_printf(&t->arena, "new-%zu", i).at, 100000, &success).len > 0);
    CHECK_INT(account_find(p, 1)->cohort->roster_count, ROSTERS_MAX);
    pool_free(p);
}

/* The list comes while a request that was sent before is under way. */
TEST(a_model_that_is_missing_and_not_listed_is_out_for_an_hour_or_until_it_is_listed)
{
    static const struct verdict missing = { .kind = VERDICT_MODEL_MISSING, .delay_ms = -1 };
    const char *const lists[][2] = { { "m", NULL }, { "other", NULL } };

    for (int i = 0; i < 2; i++) {
        struct pool *p = rig_pool_of(t, 1);
        struct pick_ask ask = rig_ask("m");
        struct lease l;
        struct pick why;

        CHECK(pool_lease(p, &ask, 1, &l, &why));
        CHECK_INT(set_list(p, 1, lists[i], 2), OK);
        lease_return(p, &l, &missing, 100);
        CHECK_INT(l.locks.until_ms, 100 + (i == 0 ? 5000 : 3600000));
        if (i == 0)
            CHECK_STR(rig_free(t, p, "m", 101), "");
        SET(p, 1, 200, "m", "other");
        CHECK_STR(rig_free(t, p, "m", 201), i == 0 ? "" : "a");
        CHECK_STR(rig_free(t, p, "other", 201), "a");
        pool_free(p);
    }
}

static void woken(void *peer)
{
    (void)peer;
}

TEST(one_who_waits_is_served_by_an_account_that_lists_its_model_now)
{
    struct pool *p = rig_pool_of(t, 2);
    struct account_spec spec = rig_spec(1, "a");
    struct pick_ask ask = rig_ask("x");
    struct waiter w = { .wake = woken };
    struct lease first, l;
    struct pick why;

    spec.concurrency_max = 1;
    rig_put(t, p, &spec);
    SET(p, 1, 1, "x");
    SET(p, 2, 1, "y");
    CHECK(pool_lease(p, &ask, 2, &first, &why));
    ask.waiter = &w;
    CHECK(!pool_lease(p, &ask, 3, &l, &why));
    SET(p, 2, 4, "x");
    CHECK(pool_lease(p, &ask, 5, &l, &why));
    CHECK_STR(str_c(l.label), "b");
    struct verdict none = rig_verdict(VERDICT_NONE);

    lease_return(p, &l, &none, 6);
    lease_return(p, &first, &none, 6);
    pool_free(p);
}

struct told {
    struct buf text;
};

static void tell(void *peer, const struct offered_model *m)
{
    struct told *told = peer;

    buf_printf(&told->text, "%.*s=%.*s ", STR_ARG(m->pattern),
               m->listed == NULL ? 1 : (int)m->listed->owner.len,
               m->listed == NULL ? "*" : m->listed->owner.at);
}

TEST(what_alike_accounts_list_is_told_once)
{
    struct pool *p = rig_pool_of(t, 40);
    struct told told = { .text = { .max = 4096 } };

    for (int64_t id = 1; id <= 40; id++)
        SET(p, id, 1, "x", "y");
    pool_each_model(p, tell, &told);
    CHECK_STRS(buf_str(&told.text), STR("x= y= "));
    pool_set_flags(p, 1, true, false, STR("switched off"));
    told.text.len = 0;
    pool_each_model(p, tell, &told);
    CHECK_STRS(buf_str(&told.text), STR("x= y= "));
    buf_clear(&told.text);
    pool_free(p);
}

TEST(patterns_decide_what_is_offered_and_a_list_what_is_shown_of_them)
{
    struct str patterns[] = { STR("x*"), STR("own") };
    struct account_spec spec = rig_spec(1, "a");
    struct told told = { .text = { .max = 4096 } };
    struct pool *p = rig_pool();

    spec.models = patterns;
    spec.model_count = COUNT(patterns);
    rig_put(t, p, &spec);
    SET(p, 1, 1, "x1", "y1", "x2");
    pool_each_model(p, tell, &told);
    CHECK_STRS(buf_str(&told.text), STR("x*=* own=* x1= x2= "));
    CHECK_STR(rig_free(t, p, "x3", 2), "a");
    CHECK_STR(rig_free(t, p, "y1", 2), "");
    CHECK_INT(view_of(t, p, "a", 4).models, 2);
    CHECK(view_of(t, p, "a", 4).names_models);
    spec.model_count = 1;
    spec.models = &patterns[1];
    rig_put(t, p, &spec);
    told.text.len = 0;
    pool_each_model(p, tell, &told);
    CHECK_STRS(buf_str(&told.text), STR("own=* "));
    CHECK_INT(set_list(p, 1, (const char *const[]){ "own", NULL }, 4), E_ABSENT);
    buf_clear(&told.text);
    pool_free(p);
}

TEST(a_lease_is_over_the_wires_that_the_list_names_for_the_model)
{
    static const struct {
        const char *name, *model;
        uint32_t asked, want;
    } cases[] = {
        { "one of them", "gpt-9", CHAT | WIRE_BIT(WIRE_ANTHROPIC), CHAT },
        { "spelled otherwise", "gpt-9-latest", CHAT, CHAT },
        { "nothing is said", "plain", CHAT, CHAT | WIRE_BIT(WIRE_ANTHROPIC) },
        { "none that was asked for", "gpt-9", WIRE_BIT(WIRE_ANTHROPIC),
          CHAT | WIRE_BIT(WIRE_ANTHROPIC) },
    };
    struct listed_model models[] = { listed("gpt-9"), listed("plain") };
    struct account_means means = { .wires = CHAT | WIRE_BIT(WIRE_ANTHROPIC) };
    struct account_spec spec = rig_spec(1, "a");
    struct pool *p = rig_pool();
    struct account_hold h;
    struct error e;

    models[0].wires = CHAT | WIRE_BIT(WIRE_GEMINI);
    CHECK_INT(pool_put(p, &spec, &means, &e), OK);
    CHECK(pool_hold(p, 1, &h));
    CHECK_INT(pool_set_models(p, &h, models, COUNT(models), 0, &e), OK);
    pool_let_go(p, &h);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pick_ask ask = rig_ask(cases[i].model);
        struct lease l;
        struct pick why;

        ask.wires = cases[i].asked;
        CHECK(pool_lease(p, &ask, 1, &l, &why), "%s", cases[i].name);
        CHECK_INT(l.wires, cases[i].want, "%s", cases[i].name);
        lease_return(p, &l, &(struct verdict){ .kind = VERDICT_NONE, .delay_ms = -1 }, 1);
    }
    pool_free(p);
}
