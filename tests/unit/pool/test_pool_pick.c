#include <stdlib.h>

#include "rig.h"

TEST(words_come_back_as_what_they_were)
{
    for (unsigned i = 0; i < VERDICT_KINDS; i++) {
        enum verdict_kind k = VERDICT_NONE;

        CHECK(verdict_from_word(str_c(verdict_word((enum verdict_kind)i)), &k) && k == i, "%u", i);
        CHECK(verdict_text((enum verdict_kind)i)[0] != '\0', "%u", i);
    }
    for (unsigned i = 0; i < SKIPS; i++) {
        enum skip s = SKIP_NONE;

        CHECK(skip_from_word(str_c(skip_word((enum skip)i)), &s) && s == i, "%u", i);
        CHECK(skip_text((enum skip)i)[0] != '\0', "%u", i);
    }
    for (unsigned i = 0; i < PICK_REASONS; i++) {
        enum pick_reason r = PICK_NONE;

        CHECK(pick_reason_from_word(str_c(pick_reason_word((enum pick_reason)i)), &r) && r == i,
              "%u", i);
        CHECK(pick_reason_text((enum pick_reason)i)[0] != '\0', "%u", i);
    }
    for (unsigned i = 0; i <= MODE_PERFORMANCE_FIRST; i++) {
        enum pool_mode m = MODE_BALANCE;

        CHECK(pool_mode_from_word(str_c(pool_mode_word((enum pool_mode)i)), &m) && m == i, "%u", i);
    }
    for (unsigned i = 0; i <= TIER_ULTRA; i++) {
        enum tier tier = TIER_UNKNOWN;

        CHECK(tier_from_word(str_c(tier_word((enum tier)i)), &tier) && tier == i, "%u", i);
    }
    enum tier tier = TIER_UNKNOWN;
    enum skip skip = SKIP_NONE;
    enum pool_mode mode = MODE_BALANCE;
    enum verdict_kind kind = VERDICT_NONE;
    enum pick_reason reason = PICK_NONE;

    CHECK(tier_from_word(STR("pro"), &tier) && tier == TIER_PRO);
    CHECK(!tier_from_word(STR("GOLD"), &tier));
    CHECK(!skip_from_word(STR("gone"), &skip) && !pool_mode_from_word(STR("balance"), &mode));
    CHECK(!verdict_from_word(STR(""), &kind) && !pick_reason_from_word(STR("?"), &reason));
}

TEST(free_refusals_and_rotating_ones_are_those_of_the_verdict_table)
{
    static const struct {
        enum verdict_kind kind;
        bool is_free, rotates;
    } cases[] = {
        { VERDICT_NONE, false, false },         { VERDICT_SUCCESS, false, false },
        { VERDICT_RATE_LIMITED, true, true },   { VERDICT_QUOTA_EXHAUSTED, true, true },
        { VERDICT_CAPACITY, true, true },       { VERDICT_SERVER_ERROR, false, true },
        { VERDICT_TIMEOUT, false, true },       { VERDICT_NETWORK, false, true },
        { VERDICT_AUTH_EXPIRED, true, true },   { VERDICT_AUTH_INVALID, true, true },
        { VERDICT_FORBIDDEN, true, true },      { VERDICT_NEEDS_ACTION, true, true },
        { VERDICT_MODEL_MISSING, true, true },  { VERDICT_REPAIRABLE, false, false },
        { VERDICT_CLIENT_FAULT, false, false }, { VERDICT_TOO_LONG, false, false },
        { VERDICT_BLOCKED, false, false },      { VERDICT_CLIENT_LEFT, false, false },
    };

    CHECK_INT(COUNT(cases), VERDICT_KINDS);
    for (size_t i = 0; i < COUNT(cases); i++) {
        CHECK_INT(verdict_is_free(cases[i].kind), cases[i].is_free, "%s",
                  verdict_word(cases[i].kind));
        CHECK_INT(verdict_rotates(cases[i].kind), cases[i].rotates, "%s",
                  verdict_word(cases[i].kind));
    }
}

TEST(accounts_of_one_tier_take_turns)
{
    static const char *const labels[] = { "a", "b", "c" };
    struct pool *p = rig_pool_of(t, 3);

    for (int i = 0; i < 9; i++)
        CHECK_STR(rig_turn(t, p, "m", i, NULL), labels[i % 3], "turn %d", i);
    pool_free(p);
}

TEST(a_higher_tier_comes_first_and_a_new_account_before_one_that_was_picked)
{
    struct pool *p = rig_pool();
    const char *const labels[] = { "unknown", "free", "pro", "ultra" };

    for (int i = 0; i < 4; i++) {
        struct account_spec spec = rig_spec(i + 1, labels[i]);

        spec.tier = (enum tier)i;
        rig_put(t, p, &spec);
    }
    struct verdict v = rig_verdict(VERDICT_SERVER_ERROR);

    for (int i = 3; i >= 0; i--)
        CHECK_STR(rig_turn(t, p, "m", 1, &v), labels[i], "tier %d", i);
    CHECK_STR(rig_turn(t, p, "m", 1, NULL), "");

    struct account_spec late = rig_spec(9, "late");

    late.tier = TIER_ULTRA;
    CHECK_STR(rig_turn(t, p, "m", 100000, NULL), "ultra");
    rig_put(t, p, &late);
    CHECK_STR(rig_turn(t, p, "m", 100000, NULL), "late");
    pool_free(p);
}

TEST(among_equals_the_oldest_account_comes_first)
{
    struct pool *p = rig_pool();
    struct account_spec young = rig_spec(1, "young"), old = rig_spec(2, "old");
    struct account_spec same = rig_spec(3, "same age");

    young.created_unix_ms = 2000;
    old.created_unix_ms = same.created_unix_ms = 1000;
    rig_put(t, p, &young);
    rig_put(t, p, &old);
    rig_put(t, p, &same);
    CHECK_STR(rig_turn(t, p, "m", 1, NULL), "old");
    CHECK_STR(rig_turn(t, p, "m", 1, NULL), "same age");
    CHECK_STR(rig_turn(t, p, "m", 1, NULL), "young");
    pool_free(p);
}

TEST(an_account_that_cannot_serve_is_passed_over_with_the_word_for_it)
{
    static struct str patterns[] = { { "qwen*", 5 }, { "llama-4", 7 } };
    static const struct {
        const char *name, *model;
        enum skip why;
        bool disabled, proxy_disabled, tried, locked, busy, other_wire;
    } cases[] = {
        { "usable", "qwen3", SKIP_NONE, 0 },
        { "exact name", "llama-4", SKIP_NONE, 0 },
        { "other model", "llama-4o", SKIP_NO_MODEL, 0 },
        { "other wire", "qwen3", SKIP_NO_MODEL, .other_wire = true },
        { "tried", "qwen3", SKIP_TRIED, .tried = true },
        { "locked out", "qwen3", SKIP_LOCKED_OUT, .locked = true },
        { "busy", "qwen3", SKIP_BUSY, .busy = true },
        { "proxy disabled", "qwen3", SKIP_PROXY_DISABLED, .proxy_disabled = true },
        { "disabled", "qwen3", SKIP_DISABLED, .disabled = true },
        { "locked out is more final than busy", "qwen3", SKIP_LOCKED_OUT, .locked = true,
          .busy = true },
        { "tried is more final than locked out", "qwen3", SKIP_TRIED, .tried = true,
          .locked = true },
        { "disabled is the most final", "x", SKIP_DISABLED, .disabled = true,
          .proxy_disabled = true, .tried = true },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pool *p = rig_pool();
        struct account_spec spec = rig_spec(7, "one");
        struct pick_ask ask = rig_ask("qwen3");
        int64_t tried = 7;
        struct lease held = { 0 }, l = { 0 };
        struct pick why;

        spec.models = patterns;
        spec.model_count = COUNT(patterns);
        spec.concurrency_max = 1;
        rig_put(t, p, &spec);
        if (cases[i].locked) {
            struct verdict v = rig_verdict(VERDICT_RATE_LIMITED);
            rig_turn(t, p, "qwen3", 10, &v);
        }
        if (cases[i].busy)
            CHECK(pool_lease(p, &ask, cases[i].locked ? 5010 : 10, &held, &why), "%s",
                  cases[i].name);
        if (cases[i].busy && cases[i].locked) /* locked out while it is used */
            p->slots[0].account->lockout.until_ms = 99999;
        pool_set_flags(p, 7, cases[i].disabled, cases[i].proxy_disabled, STR(""));
        ask = rig_ask(cases[i].model);
        if (cases[i].other_wire)
            ask.wires = WIRE_BIT(WIRE_GEMINI);
        if (cases[i].tried) {
            ask.tried = &tried;
            ask.tried_count = 1;
        }
        bool got = pool_lease(p, &ask, 11, &l, &why);

        CHECK_INT(got, cases[i].why == SKIP_NONE, "%s", cases[i].name);
        for (unsigned s = 0; s < SKIPS; s++)
            CHECK_INT(why.skipped[s], s == cases[i].why ? 1 : 0, "%s: %s", cases[i].name,
                      skip_word((enum skip)s));
        struct verdict none = rig_verdict(VERDICT_NONE);

        if (got)
            lease_return(p, &l, &none, 12);
        if (cases[i].busy)
            lease_return(p, &held, &none, 12);
        pool_free(p);
    }
}

TEST(patterns_are_matched_with_the_model)
{
    static struct str patterns[] = { { "fast", 4 } };
    struct pool *p = rig_pool();
    struct account_spec spec = rig_spec(1, "a");
    struct pick_ask ask = rig_ask("upstream-id");
    struct lease l;
    struct pick why;

    spec.models = patterns;
    spec.model_count = 1;
    rig_put(t, p, &spec);
    CHECK(!pool_lease(p, &ask, 1, &l, &why));
    ask.model = STR("fast");
    CHECK(pool_lease(p, &ask, 1, &l, &why));
    struct verdict none = rig_verdict(VERDICT_NONE);
    lease_return(p, &l, &none, 1);
    pool_free(p);
}

TEST(the_reason_is_only_when_nobody_else_offers_the_model)
{
    struct pool *p = rig_pool_of(t, 2);
    struct pick_ask ask = rig_ask("m");
    struct pick why;

    CHECK(pool_pick(p, &ask, 1, &why) != NULL);
    CHECK_INT(why.reason, PICK_ROUND_ROBIN);
    CHECK_INT(why.offering, 2);
    pool_set_flags(p, 2, true, false, STR("switched off"));
    CHECK(pool_pick(p, &ask, 1, &why) != NULL);
    CHECK_INT(why.reason, PICK_ONLY);
    CHECK_INT(why.offering, 1);
    CHECK_INT(why.passed_count, 1);
    CHECK_INT(why.passed[0].why, SKIP_DISABLED);
    pool_set_flags(p, 1, true, false, STR("switched off"));
    CHECK(pool_pick(p, &ask, 1, &why) == NULL);
    CHECK_INT(why.reason, PICK_NONE);
    CHECK_INT(why.offering, 0);
    pool_free(p);
}

TEST(a_busy_but_able_account_keeps_the_other_from_being_the_only_one)
{
    struct pool *p = rig_pool_of(t, 2);
    struct verdict v = rig_verdict(VERDICT_RATE_LIMITED);
    struct pick_ask ask = rig_ask("m");
    struct pick why;

    rig_turn(t, p, "m", 1, &v);
    CHECK(pool_pick(p, &ask, 2, &why) != NULL);
    CHECK_INT(why.reason, PICK_ROUND_ROBIN);
    pool_free(p);
}

TEST(the_best_ranked_eight_of_those_passed_over_are_named_and_all_are_counted)
{
    for (int count = PICK_PASSED_MAX - 1; count <= PICK_PASSED_MAX + 1; count++) {
        struct pool *p = rig_pool_of(t, count);
        struct account_spec stranger = rig_spec(99, "offers something else");
        static struct str other[] = { { "x", 1 } };
        struct pick_ask ask = rig_ask("m");
        struct verdict v = rig_verdict(VERDICT_RATE_LIMITED);
        struct pick why;

        stranger.models = other;
        stranger.model_count = 1;
        rig_put(t, p, &stranger);
        for (int i = 0; i < count; i++)
            rig_turn(t, p, "m", 1, &v);
        CHECK(pool_pick(p, &ask, 2, &why) == NULL, "%d", count);
        CHECK_INT(why.passed_count, count);
        CHECK_INT(why.skipped[SKIP_LOCKED_OUT], count);
        CHECK_INT(why.skipped[SKIP_NO_MODEL], 1);
        for (int i = 0; i < count && i < PICK_PASSED_MAX; i++) {
            CHECK_INT(why.passed[i].id, i + 1, "of %d", count);
            CHECK_INT(why.passed[i].why, SKIP_LOCKED_OUT, "of %d", count);
        }
        pool_free(p);
    }
}

TEST(a_long_label_is_clipped_at_a_character)
{
    struct pool *p = rig_pool();
    struct account_spec spec = rig_spec(1, "0123456789012345678901234567890\xc3\xa9t\xc3\xa9");
    struct pick_ask ask = rig_ask("m");
    struct pick why;

    spec.disabled = true;
    rig_put(t, p, &spec);
    CHECK(pool_pick(p, &ask, 1, &why) == NULL);
    CHECK_STR(str_c(why.passed[0].label), "0123456789012345678901234567890");
    pool_free(p);
}

TEST(when_all_are_locked_out_the_pick_says_why_and_when_the_first_is_free)
{
    static const struct {
        enum verdict_kind kind;
        int64_t delay_ms;
    } faults[] = {
        { VERDICT_RATE_LIMITED, 40000 }, { VERDICT_QUOTA_EXHAUSTED, -1 },
        { VERDICT_CAPACITY, 30000 },     { VERDICT_SERVER_ERROR, 90000 },
        { VERDICT_FORBIDDEN, -1 },       { VERDICT_NEEDS_ACTION, -1 },
        { VERDICT_AUTH_INVALID, -1 },    { VERDICT_MODEL_MISSING, 20000 },
    };
    struct pool *p = rig_pool_of(t, COUNT(faults));
    struct pick_ask ask = rig_ask("m");
    struct pick why;
    int64_t tried = COUNT(faults);

    for (size_t i = 0; i < COUNT(faults); i++) {
        struct verdict v = rig_verdict(faults[i].kind);

        v.delay_ms = faults[i].delay_ms;
        rig_turn(t, p, "m", 1000, &v);
    }
    CHECK(pool_pick(p, &ask, 1001, &why) == NULL);
    CHECK_INT(why.locked_rate, 1);
    CHECK_INT(why.locked_quota, 1);
    CHECK_INT(why.locked_server, 2);
    CHECK_INT(why.locked_auth, 3);
    CHECK_INT(why.locked_model, 1);
    CHECK_INT(why.offering, COUNT(faults));
    CHECK_INT(why.retry_at_ms, 21000);
    CHECK_INT(why.free_at_ms, 21000);

    /* those that this exchange has tried count for the client, not for its waiting */
    ask.tried = &tried;
    ask.tried_count = 1;
    CHECK(pool_pick(p, &ask, 1001, &why) == NULL);
    CHECK_INT(why.retry_at_ms, 21000);
    CHECK_INT(why.free_at_ms, 31000);
    CHECK_INT(why.locked_model, 1);
    pool_free(p);
}

TEST(put_refuses_a_label_of_another_account_and_what_is_no_label)
{
    static const struct {
        const char *name;
        int64_t id;
        size_t label_len;
        enum status want;
    } cases[] = {
        { "same id, same label", 1, 0, OK }, { "other id, same label", 2, 0, E_CONFLICT },
        { "empty", 2, SIZE_MAX, E_SYNTAX },  { "127 bytes", 2, 127, OK },
        { "128 bytes", 2, 128, OK },         { "129 bytes", 2, 129, E_SYNTAX },
    };
    char text[129];

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pool *p = rig_pool_of(t, 1);
        struct account_spec spec = rig_spec(cases[i].id, "a");
        struct error e = { .status = OK };

        if (cases[i].label_len == SIZE_MAX)
            spec.label = STR("");
        else if (cases[i].label_len > 0)
            spec.label = (struct str){ text, cases[i].label_len };
        CHECK_INT(pool_put(p, &spec, &rig_means, &e), cases[i].want, "%s", cases[i].name);
        if (cases[i].want == OK) {
            struct pick_ask ask = rig_ask("m");
            struct lease l;
            struct pick why;
            struct verdict none = rig_verdict(VERDICT_NONE);

            CHECK(pool_lease(p, &ask, 1, &l, &why), "%s", cases[i].name);
            lease_return(p, &l, &none, 1);
        }
        pool_free(p);
    }
}

TEST(the_table_of_accounts_has_a_ceiling)
{
    struct pool *p = rig_pool();
    char label[16];

    for (int i = 0; i < POOL_ACCOUNTS_MAX + 1; i++) {
        struct error e = { .status = OK };

        snprintf(label, sizeof(label), "%d", i);
        struct account_spec spec = rig_spec(i, label);

        enum status st = pool_put(p, &spec, &rig_means, &e);
        if (i >= POOL_ACCOUNTS_MAX - 1)
            CHECK_INT(st, i < POOL_ACCOUNTS_MAX ? OK : E_LIMIT, "account %d", i);
    }
    CHECK_INT(pool_active(p, 1), POOL_ACCOUNTS_MAX);
    pool_free(p);
}

static void count_release(void *upstream)
{
    ++*(int *)upstream;
}

static enum status put_upstream(struct pool *p, const struct account_spec *spec, int *released)
{
    return pool_put(p, spec,
                    &(struct account_means){ CHAT, released, count_release, .group = NULL }, NULL);
}

TEST(a_replaced_configuration_lives_until_its_last_lease_ends)
{
    struct pool *p = rig_pool();
    struct account_spec spec = rig_spec(1, "a"), other = rig_spec(2, "b");
    struct pick_ask ask = rig_ask("m");
    struct verdict ok = rig_verdict(VERDICT_SUCCESS);
    struct lease first, second;
    struct pick why;
    int one = 0, two = 0, three = 0, refused = 0;

    CHECK_INT(put_upstream(p, &spec, &one), OK);
    CHECK(pool_lease(p, &ask, 1, &first, &why));
    CHECK(first.upstream == &one);
    CHECK_INT(put_upstream(p, &spec, &two), OK);
    CHECK_INT(one, 0);
    CHECK(pool_lease(p, &ask, 1, &second, &why));
    CHECK(second.upstream == &two);
    lease_return(p, &first, &ok, 2);
    CHECK_INT(one, 1);
    CHECK(first.account == NULL && first.upstream == NULL);

    CHECK_INT(put_upstream(p, &other, &three), OK);
    other.id = 3;
    CHECK_INT(put_upstream(p, &other, &refused), E_CONFLICT);
    CHECK_INT(refused, 1);
    CHECK(pool_remove(p, 1));
    CHECK(!pool_remove(p, 1));
    CHECK_INT(two, 0);
    lease_return(p, &second, &ok, 3);
    CHECK_INT(two, 1);
    pool_free(p);
    CHECK_INT(three, 1);
    CHECK_INT(one + two + refused, 3);
}

TEST(what_was_learned_stays_with_the_credential_and_goes_with_it)
{
    static const struct {
        const char *name, *base_url, *key;
        bool kept;
    } cases[] = {
        { "same", "http://h", "k", true },
        { "other base URL", "http://i", "k", false },
        { "other key", "http://h", "l", false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pool *p = rig_pool();
        struct account_spec spec = rig_spec(1, "a");
        struct verdict v = rig_verdict(VERDICT_AUTH_INVALID);
        struct pick_ask ask = rig_ask("m");
        struct lease l;
        struct pick why;

        spec.base_url = STR("http://h");
        spec.api_key = secret_copy(STR("k"));
        rig_put(t, p, &spec);
        rig_turn(t, p, "m", 1, &v);
        CHECK_STR(rig_turn(t, p, "m", 2, NULL), "", "%s", cases[i].name);
        secret_clear(&spec.api_key);
        spec.api_key = secret_copy(str_c(cases[i].key));
        spec.base_url = str_c(cases[i].base_url);
        rig_put(t, p, &spec);
        CHECK_INT(pool_lease(p, &ask, 3, &l, &why), !cases[i].kept, "%s", cases[i].name);
        if (!cases[i].kept) {
            /* a late verdict on a credential that is gone is not about this one */
            secret_clear(&spec.api_key);
            spec.api_key = secret_copy(STR("third"));
            rig_put(t, p, &spec);
            lease_return(p, &l, &v, 4);
            CHECK_STR(rig_turn(t, p, "m", 5, NULL), "a", "%s", cases[i].name);
        }
        secret_clear(&spec.api_key);
        pool_free(p);
    }
}

TEST(options_are_what_was_set)
{
    struct pool *p = rig_pool();
    struct pool_options o = pool_get_options(p);

    CHECK_INT(o.max_wait_ms, 60000);
    o.mode = MODE_CACHE_FIRST;
    pool_set_options(p, &o);
    CHECK_INT(pool_get_options(p).mode, MODE_CACHE_FIRST);
    pool_free(p);
}

struct seen {
    struct test *t;
    int64_t last_created;
    size_t count;
    struct account_view one; /* id 1 */
};

static void see(void *peer, const struct account_view *v)
{
    struct seen *s = peer;

    if (v->created_unix_ms < s->last_created)
        test_fail(s->t, __FILE__, __LINE__, "order of creation", "account %" PRId64, v->id);
    s->last_created = v->created_unix_ms;
    s->count++;
    if (v->id == 1)
        s->one = *v;
}

TEST(each_account_is_shown_once_in_order_of_creation)
{
    for (size_t count = 15; count <= 17; count++) { /* around one batch */
        struct pool *p = rig_pool();
        struct seen s = { .t = t };
        char label[24];

        for (size_t i = 0; i < count; i++) {
            snprintf(label, sizeof(label), "%zu", i);
            struct account_spec spec = rig_spec((int64_t)i + 1, label);

            spec.created_unix_ms = (int64_t)(i * 7 % count / 2);
            spec.tier = TIER_PRO;
            spec.concurrency_max = 3;
            rig_put(t, p, &spec);
        }
        CHECK_INT(pool_each(p, 1, see, &s), count);
        CHECK_INT(s.count, count);
        CHECK_STR(str_c(s.one.label), "0");
        CHECK_STR(str_c(s.one.provider), "compatible");
        CHECK_INT(s.one.tier, TIER_PRO);
        CHECK_INT(s.one.wires, CHAT);
        CHECK_INT(s.one.concurrency_max, 3);
        CHECK_INT(s.one.locked_until_ms, 0);
        pool_free(p);
    }
}

TEST(a_view_shows_lockouts_flags_and_counts)
{
    struct pool *p = rig_pool_of(t, 1);
    struct verdict ok = rig_verdict(VERDICT_SUCCESS), slow = rig_verdict(VERDICT_RATE_LIMITED);
    struct verdict missing = rig_verdict(VERDICT_MODEL_MISSING);
    struct verdict refused = { .kind = VERDICT_AUTH_INVALID, .status = 401, .delay_ms = -1 };
    struct seen s = { .t = t };

    rig_turn(t, p, "m", 100, &ok);
    rig_turn(t, p, "other", 100, &missing);
    rig_turn(t, p, "m", 100, &slow);
    pool_each(p, 101, see, &s);
    CHECK_INT(s.one.served, 1);
    CHECK_INT(s.one.failed, 2);
    CHECK_INT(s.one.locked_until_ms, 5100);
    CHECK_INT(s.one.locked_why, VERDICT_RATE_LIMITED);
    CHECK_INT(s.one.groups_locked, 1);
    CHECK_INT(pool_active(p, 101), 0);
    CHECK_INT(pool_active(p, 5100), 1);
    rig_turn(t, p, "m", 5100, &refused);
    s = (struct seen){ .t = t };
    pool_each(p, 5101, see, &s);
    CHECK(s.one.disabled);
    CHECK_STR(str_c(s.one.disabled_reason), "the credential is refused (status 401)");
    CHECK_INT(pool_active(p, 99999), 0);
    pool_free(p);
}

struct models {
    struct test *t;
    struct buf text;
};

static void see_model(void *peer, const struct offered_model *o)
{
    struct models *m = peer;

    buf_printf(&m->text, "%.*s/%.*s/%u ", STR_ARG(o->provider), STR_ARG(o->pattern), o->wires);
}

TEST(model_patterns_are_those_of_accounts_in_use)
{
    static struct str one[] = { { "a*", 2 }, { "b", 1 } }, two[] = { { "c", 1 } };
    struct pool *p = rig_pool();
    struct models m = { .t = t, .text = { .max = 4096 } };
    struct account_spec spec = rig_spec(1, "one");

    spec.models = one;
    spec.model_count = 2;
    rig_put(t, p, &spec);
    spec = rig_spec(2, "two");
    spec.models = two;
    spec.model_count = 1;
    rig_put(t, p, &spec);
    spec = rig_spec(3, "any");
    rig_put(t, p, &spec);
    pool_each_model(p, see_model, &m);
    CHECK_STRS(buf_str(&m.text),
               STR("compatible/a*/1 compatible/b/1 compatible/c/1 compatible/*/1 "));
    m.text.len = 0;
    pool_set_flags(p, 1, false, true, STR(""));
    pool_each_model(p, see_model, &m);
    CHECK_STRS(buf_str(&m.text), STR("compatible/c/1 compatible/*/1 "));
    buf_clear(&m.text);
    pool_free(p);
}

TEST(a_copied_spec_shares_nothing_with_its_model)
{
    static struct str models[] = { { "a", 1 }, { "b", 1 } };
    static struct header_pair headers[] = { { { "X-A", 3 }, { "1", 1 } } };
    struct account_spec spec = rig_spec(5, "label");

    spec.api_key = secret_copy(STR("sk-secret"));
    spec.models = models;
    spec.model_count = 2;
    spec.headers = headers;
    spec.header_count = 1;
    spec.proxy = STR("direct");
    struct account_spec *copy = account_spec_copy(&spec);

    secret_clear(&spec.api_key);
    CHECK_STR(copy->label, "label");
    CHECK(copy->label.at != spec.label.at && copy->models != spec.models);
    CHECK_STR(copy->models[1], "b");
    CHECK_STR(copy->headers[0].name, "X-A");
    CHECK_STR(copy->headers[0].value, "1");
    CHECK_STR(copy->proxy, "direct");
    CHECK_STR(secret_reveal(&copy->api_key), "sk-secret");
    account_spec_free(copy);
    account_spec_free(account_spec_new());
    account_spec_free(NULL);
    pool_free(NULL);
}

TEST(an_unbound_conversation_goes_home_unless_something_says_otherwise)
{
    static const struct {
        const char *name;
        enum pool_mode mode;
        bool fixed, rotates, by_age, out;
        const char *want;
        enum pick_reason reason;
    } cases[] = {
        { "home", MODE_BALANCE, false, false, false, false, "c", PICK_STICKY },
        { "home, the cache first", MODE_CACHE_FIRST, false, false, false, false, "c", PICK_STICKY },
        { "no stickiness", MODE_PERFORMANCE_FIRST, false, false, false, false, "a",
          PICK_ROUND_ROBIN },
        { "fixed", MODE_BALANCE, true, false, false, false, "b", PICK_FIXED },
        { "after a fault", MODE_BALANCE, false, true, false, false, "a", PICK_ROUND_ROBIN },
        { "a route's order", MODE_BALANCE, false, false, true, false, "a", PICK_ROUND_ROBIN },
        { "locked out", MODE_CACHE_FIRST, false, false, false, true, "a", PICK_ROUND_ROBIN },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pool *p = rig_pool_of(t, 3);
        struct pool_options o = pool_get_options(p);
        struct pick_ask ask = rig_ask("m");
        struct verdict limited = rig_verdict(VERDICT_RATE_LIMITED),
                       ok = rig_verdict(VERDICT_SUCCESS);
        struct lease l;
        struct pick why;

        o.mode = cases[i].mode;
        pool_set_options(p, &o);
        if (cases[i].out) {
            ask.named = 3;
            ask.by = PICK_ROUTE;
            CHECK(pool_lease(p, &ask, 0, &l, &why));
            lease_return(p, &l, &limited, 0);
        }
        if (cases[i].fixed)
            CHECK(pool_fix(p, 2));
        ask = rig_ask("m");
        ask.has_session = true;
        ask.session.digest[0] = 1;
        ask.home = 3;
        ask.force_rotate = cases[i].rotates;
        ask.by_age = cases[i].by_age;
        if (!CHECK(pool_lease(p, &ask, 1, &l, &why), "%s", cases[i].name))
            continue;
        CHECK_STR(str_c(l.label), cases[i].want, "%s", cases[i].name);
        CHECK_INT(why.reason, cases[i].reason, "%s", cases[i].name);
        lease_return(p, &l, &ok, 2);
        /* now it is bound, and that counts */
        ask.home = 1;
        ask.force_rotate = ask.by_age = false;
        CHECK(pool_lease(p, &ask, 3, &l, &why));
        if (cases[i].mode != MODE_PERFORMANCE_FIRST)
            CHECK_STR(str_c(l.label), cases[i].fixed ? "b" : cases[i].want, "%s", cases[i].name);
        lease_return(p, &l, &ok, 4);
        pool_free(p);
    }
}
