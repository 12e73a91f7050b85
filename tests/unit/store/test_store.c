/* tests/unit/store/test_store.c - accounts, flags and the count of changes. */
#include <stdio.h>

#include "store_rig.h"

static bool contains(const char *text, const char *part)
{
    return str_find(str_c(text), str_c(part)) != SIZE_MAX;
}

static void check_same_grant(struct test *t, const struct account_grant *got,
                             const struct account_grant *want, const char *name)
{
    CHECK_INT(got->series, want->series, "%s", name);
    CHECK_INT(got->lost, want->lost, "%s", name);
    CHECK_INT(got->expires_unix_ms, want->expires_unix_ms, "%s", name);
    CHECK_STRS(secret_reveal(&got->access), secret_reveal(&want->access), "%s", name);
    CHECK_STRS(secret_reveal(&got->refresh), secret_reveal(&want->refresh), "%s", name);
    CHECK_STRS(got->email, want->email, "%s", name);
    CHECK_STRS(got->scopes, want->scopes, "%s", name);
    CHECK_STRS(got->account, want->account, "%s", name);
    CHECK_STRS(got->plan, want->plan, "%s", name);
    CHECK_STRS(got->api_url, want->api_url, "%s", name);
    CHECK_STRS(got->source, want->source, "%s", name);
}

static void check_same(struct test *t, const struct account_spec *got,
                       const struct account_spec *want)
{
    const char *name = want->label.at;

    CHECK_INT(got->id, want->id, "%s", name);
    CHECK_STRS(got->label, want->label, "%s", name);
    CHECK_STRS(got->provider, want->provider, "%s", name);
    CHECK_STRS(got->wire, want->wire, "%s", name);
    CHECK_STRS(got->base_url, want->base_url, "%s", name);
    CHECK_STRS(got->project, want->project, "%s", name);
    CHECK_STRS(secret_reveal(&got->api_key), secret_reveal(&want->api_key), "%s", name);
    check_same_grant(t, &got->grant, &want->grant, name);
    CHECK_INT(got->tier, want->tier, "%s", name);
    CHECK_INT(got->concurrency_max, want->concurrency_max, "%s", name);
    CHECK_STRS(got->proxy, want->proxy, "%s", name);
    CHECK_STRS(got->capabilities, want->capabilities, "%s", name);
    CHECK_INT(got->disabled, want->disabled, "%s", name);
    CHECK_INT(got->proxy_disabled, want->proxy_disabled, "%s", name);
    CHECK_STRS(got->disabled_reason, want->disabled_reason, "%s", name);
    CHECK_INT(got->created_unix_ms, want->created_unix_ms, "%s", name);
    CHECK(!got->from_file, "%s", name);
    if (CHECK_INT(got->model_count, want->model_count, "%s", name))
        for (size_t i = 0; i < want->model_count; i++)
            CHECK_STRS(got->models[i], want->models[i], "%s, model %zu", name, i);
    if (CHECK_INT(got->header_count, want->header_count, "%s", name))
        for (size_t i = 0; i < want->header_count; i++) {
            CHECK_STRS(got->headers[i].name, want->headers[i].name, "%s, header %zu", name, i);
            CHECK_STRS(got->headers[i].value, want->headers[i].value, "%s, header %zu", name, i);
        }
}

static struct account_spec *spec_full(void)
{
    static struct str models[] = { { "gpt-*", 5 },
                                   { "a \"quoted\\ one", 14 },
                                   { "\xc3\xa9t\xc3\xa9", 5 } };
    static struct header_pair headers[] = {
        { { "x-first", 7 }, { "1", 1 } },
        { { "x-empty", 7 }, { "", 0 } },
        { { "x-first", 7 }, { "again, \"quoted\"\ttab", 19 } },
    };
    struct account_spec *spec = rig_spec("all of it, \"quoted\" '; --", "sk-full-0123456789");

    spec->provider = STR("compatible");
    spec->wire = STR("anthropic");
    spec->base_url = STR("https://example.test/v1");
    spec->project = STR("project-1");
    spec->tier = TIER_ULTRA;
    spec->models = models;
    spec->model_count = COUNT(models);
    spec->concurrency_max = UINT32_MAX;
    spec->headers = headers;
    spec->header_count = COUNT(headers);
    spec->proxy = STR("socks5h://user:pass@127.0.0.1:1080");
    spec->capabilities = STR("{\"vision\":true,  \"tools\":[1,2]}");
    spec->disabled = true;
    spec->proxy_disabled = true;
    spec->disabled_reason = STR("switched off by the operator");
    return spec;
}

/* Of one that signs in; its texts are literals. */
static struct account_grant grant_of(int64_t series, const char *access, const char *refresh)
{
    return (struct account_grant){
        .access = secret_copy(str_c(access)),
        .refresh = secret_copy(str_c(refresh)),
        .expires_unix_ms = 1800000000000,
        .series = series,
        .email = STR("ada@example.test"),
        .scopes = STR("openid email"),
        .account = STR("11111111-2222"),
        .plan = STR("a \"plan\" with \n everything"),
        .api_url = STR("https://api.example.test"),
        .source = STR("/home/ada/.codex/auth.json"),
    };
}

static struct account_spec *spec_signed_in(void)
{
    struct account_spec *spec = account_spec_new();

    spec->label = STR("ada@example.test");
    spec->provider = STR("codex");
    spec->grant = grant_of(1700000000001, "at-1", "rt-1");
    return spec;
}

static struct account_spec *spec_bare(void)
{
    struct account_spec *spec = account_spec_new();

    spec->label = STR("b");
    spec->provider = STR("compatible");
    return spec;
}

/* As long as a label may be. */
static struct account_spec *spec_long(void)
{
    char label[129];

    memset(label, 'l', 128);
    label[128] = '\0';

    struct account_spec *spec = rig_spec(label, "k");

    spec->tier = TIER_FREE;
    spec->concurrency_max = 1;
    spec->proxy = STR("direct");
    return spec;
}

TEST(an_account_comes_back_with_every_member_it_had)
{
    struct rig r;
    struct account_spec *specs[] = { spec_full(), spec_bare(), spec_long(), spec_signed_in() };

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        for (size_t i = 0; i < COUNT(specs); i++) {
            struct error e = { 0 };
            int64_t unix_ms = 1700000000000 + (int64_t)i;

            CHECK_INT(store_account_add(r.store, specs[i], unix_ms, &e), OK, "%s", e.text);
            CHECK(specs[i]->id > 0, "ids of the database are positive");
            CHECK_INT(specs[i]->created_unix_ms, unix_ms);
        }
        for (int opened = 1; opened <= 2; opened++) {
            if (rig_take(t, &r) && CHECK_INT(r.taken_count, COUNT(specs)))
                for (size_t i = 0; i < COUNT(specs); i++)
                    check_same(t, r.taken[i], specs[i]);
            rig_close(&r);
            if (!rig_open(t, &r))
                break;
        }
    }
    for (size_t i = 0; i < COUNT(specs); i++)
        account_spec_free(specs[i]);
    rig_end(&r);
}

/* Puts a grant and reads the account back: its status, what is kept, and why it is off. */
static enum status put_grant(struct rig *r, int64_t id, struct account_grant g, bool fresh,
                             const char *lost)
{
    struct error e = { 0 };
    enum status st = store_grant_put(
        r->store, id, &(struct grant_change){ .grant = &g, .fresh = fresh, .lost = str_c(lost) },
        &e);

    grant_clear(&g);
    return st;
}

TEST(a_grant_is_renewed_lost_and_signed_in_to_again)
{
    static const struct {
        const char *name;
        int64_t series;
        bool fresh;
        const char *lost;
        enum status want;
        int64_t kept;
        bool disabled;
    } steps[] = {
        { "renewed", 5, false, "", OK, 5, false },
        { "a renewal of another sign-in", 4, false, "", E_CONFLICT, 5, false },
        { "lost", 5, false, "refused", OK, 5, true },
        { "renewed while it is off", 5, false, "", OK, 5, true },
        { "signed in again", 6, true, "", OK, 6, false },
        { "a late renewal of the first", 5, false, "", E_CONFLICT, 6, false },
        { "a late loss of the first", 5, false, "late", E_CONFLICT, 6, false },
    };
    struct rig r;
    struct account_spec *spec = spec_signed_in();
    struct error e = { 0 };

    spec->grant.series = 5;
    rig_start(t, &r);
    if (rig_open(t, &r) && CHECK_INT(store_account_add(r.store, spec, 1, &e), OK, "%s", e.text)) {
        char access[24] = "at-1";

        for (size_t i = 0; i < COUNT(steps); i++) {
            char next[24];

            snprintf(next, sizeof(next), "at-step-%zu", i);
            CHECK_INT(put_grant(&r, spec->id, grant_of(steps[i].series, next, "rt"), steps[i].fresh,
                                steps[i].lost),
                      steps[i].want, "%s", steps[i].name);
            if (steps[i].want == OK)
                snprintf(access, sizeof(access), "%s", next);
            if (!rig_take(t, &r) || !CHECK_INT(r.taken_count, 1))
                break;
            CHECK_INT(r.taken[0]->grant.series, steps[i].kept, "%s", steps[i].name);
            CHECK_STR(secret_reveal(&r.taken[0]->grant.access), access, "%s", steps[i].name);
            CHECK_INT(r.taken[0]->disabled, steps[i].disabled, "%s", steps[i].name);
            CHECK_INT(r.taken[0]->disabled_reason.len > 0, steps[i].disabled, "%s", steps[i].name);
            CHECK_INT(r.taken[0]->grant.lost, steps[i].disabled, "%s", steps[i].name);
        }
        CHECK_INT(put_grant(&r, spec->id + 1, grant_of(5, "a", "r"), false, ""), E_ABSENT);
    }
    account_spec_free(spec);
    rig_end(&r);
}

TEST(a_grant_of_the_file_is_kept_renewed_until_the_file_has_another)
{
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        CHECK_INT(put_grant(&r, -7, grant_of(5, "renewed", "rotated"), false, ""), OK);
        for (int series = 5; series <= 6; series++) {
            struct account_spec *spec = spec_signed_in();

            spec->id = -7;
            spec->grant.series = series;
            CHECK_INT(store_account_override(r.store, spec, &e), OK, "%s", e.text);
            CHECK_STR(secret_reveal(&spec->grant.access), series == 5 ? "renewed" : "at-1");
            CHECK_STR(secret_reveal(&spec->grant.refresh), series == 5 ? "rotated" : "rt-1");
            account_spec_free(spec);
        }
        CHECK_INT(put_grant(&r, -7, grant_of(5, "renewed", "rotated"), false, "x"), OK);
        for (int series = 5; series <= 6; series++) {
            struct account_spec *spec = spec_signed_in();

            spec->id = -7;
            spec->grant.series = series;
            CHECK_INT(store_account_override(r.store, spec, &e), OK, "%s", e.text);
            CHECK_INT(spec->disabled, series == 5);
            CHECK_INT(spec->grant.lost, series == 5);
            account_spec_free(spec);
        }
    }
    rig_end(&r);
}

TEST(accounts_come_in_order_of_creation_also_within_one_millisecond)
{
    struct rig r;
    static const char *const labels[] = { "zoe", "ada", "mia", "ben" };

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        for (size_t i = 0; i < COUNT(labels); i++)
            (void)rig_add(t, &r, labels[i], "key");
        if (rig_take(t, &r) && CHECK_INT(r.taken_count, COUNT(labels)))
            for (size_t i = 0; i < COUNT(labels); i++)
                CHECK_STR(r.taken[i]->label, labels[i]);
    }
    rig_end(&r);
}

TEST(a_label_is_given_once)
{
    struct rig r;
    struct account_spec *second = rig_spec("ada", "another key");
    struct error e = { 0 };

    second->id = -77;
    rig_start(t, &r);
    if (rig_open(t, &r) && rig_add(t, &r, "ada", "key") > 0) {
        CHECK_INT(store_account_add(r.store, second, 1, &e), E_CONFLICT);
        CHECK(contains(e.text, "ada"), "%s", e.text);
        CHECK_INT(second->id, -77, "what failed gives no id");
        CHECK(rig_add(t, &r, "Ada", "key") > 0, "case counts");
        if (rig_take(t, &r) && CHECK_INT(r.taken_count, 2))
            CHECK_STR(secret_reveal(&r.taken[0]->api_key), "key", "the first one stayed");
    }
    account_spec_free(second);
    rig_end(&r);
}

TEST(a_removed_account_is_gone_and_neither_its_label_is_kept_nor_its_id_reused)
{
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        int64_t first = rig_add(t, &r, "ada", "key"), last = rig_add(t, &r, "ben", "key");

        CHECK_INT(store_account_remove(r.store, last, &e), OK, "%s", e.text);
        CHECK_INT(store_account_remove(r.store, last, &e), E_ABSENT);
        CHECK_INT(store_account_remove(r.store, 0, &e), E_ABSENT);
        CHECK_INT(store_account_remove(r.store, -5, &e), E_ABSENT);
        CHECK_INT(store_account_remove(r.store, INT64_MAX, &e), E_ABSENT);
        rig_close(&r);
        if (rig_open(t, &r)) {
            CHECK(rig_add(t, &r, "ben", "key") > last);
            if (rig_take(t, &r) && CHECK_INT(r.taken_count, 2))
                CHECK_INT(r.taken[0]->id, first);
        }
    }
    rig_end(&r);
}

/* --- flags */

static const struct {
    const char *name;
    bool disabled, proxy_disabled;
    const char *reason;
} flags[] = {
    { "off", true, false, "switched off by the operator" },
    { "fresh but not used", false, true, "" },
    { "both", true, true, "another reason" },
    { "on again", false, false, "" },
};

TEST(flags_of_a_stored_account_are_kept)
{
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        int64_t other = rig_add(t, &r, "ada", "key"), id = rig_add(t, &r, "ben", "key");

        for (size_t i = 0; i < COUNT(flags); i++) {
            CHECK_INT(rig_flags(r.store, id, flags[i].disabled, flags[i].proxy_disabled,
                                str_c(flags[i].reason), &e),
                      OK, "%s: %s", flags[i].name, e.text);
            if (!rig_take(t, &r) || !CHECK_INT(r.taken_count, 2))
                break;
            CHECK_INT(r.taken[1]->disabled, flags[i].disabled, "%s", flags[i].name);
            CHECK_INT(r.taken[1]->proxy_disabled, flags[i].proxy_disabled, "%s", flags[i].name);
            CHECK_STR(r.taken[1]->disabled_reason, flags[i].reason, "%s", flags[i].name);
            CHECK_INT(r.taken[0]->id, other);
            CHECK(!r.taken[0]->disabled && !r.taken[0]->proxy_disabled, "the other: %s",
                  flags[i].name);
        }
        CHECK_INT(rig_flags(r.store, 999, true, false, STR("x"), &e), E_ABSENT);
    }
    rig_end(&r);
}

TEST(flags_of_a_file_account_are_kept_beside_the_file_and_laid_over_it)
{
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        for (size_t i = 0; i < COUNT(flags); i++) {
            struct account_spec *spec = rig_spec("from the file", "key");
            struct account_spec *other = rig_spec("another", "key");

            spec->id = INT64_MIN + 1;
            other->id = -2;
            CHECK_INT(rig_flags(r.store, spec->id, flags[i].disabled, flags[i].proxy_disabled,
                                str_c(flags[i].reason), &e),
                      OK, "%s: %s", flags[i].name, e.text);
            rig_close(&r);
            if (!rig_open(t, &r)) {
                account_spec_free(spec);
                account_spec_free(other);
                break;
            }
            CHECK_INT(store_account_override(r.store, spec, &e), OK, "%s", e.text);
            CHECK_INT(store_account_override(r.store, other, &e), OK, "%s", e.text);
            /* the reason lives in the spec: what comes after cannot change it */
            CHECK_INT(rig_flags(r.store, -3, true, true, STR("overwritten"), &e), OK);
            CHECK_INT(spec->disabled, flags[i].disabled, "%s", flags[i].name);
            CHECK_INT(spec->proxy_disabled, flags[i].proxy_disabled, "%s", flags[i].name);
            CHECK_STR(spec->disabled_reason, flags[i].reason, "%s", flags[i].name);
            CHECK_STR(secret_reveal(&spec->api_key), "key", "%s", flags[i].name);
            CHECK(!other->disabled && !other->proxy_disabled, "%s", flags[i].name);
            account_spec_free(spec);
            account_spec_free(other);
        }
        if (rig_take(t, &r))
            CHECK_INT(r.taken_count, 0, "an override is no account");
    }
    rig_end(&r);
}

TEST(an_override_switches_a_file_account_on_but_not_one_that_lacks_its_key)
{
    struct rig r;
    struct error e = { 0 };
    struct account_spec *plain = rig_spec("switched off in the file", "key");
    struct account_spec *keyless = rig_spec("without its key", "");

    plain->id = -11;
    plain->disabled = true;
    keyless->id = -12;
    keyless->disabled = true;
    keyless->disabled_reason = STR("the environment variable SOME_KEY is not set");
    rig_start(t, &r);
    if (rig_open(t, &r)) {
        CHECK_INT(rig_flags(r.store, -11, false, false, STR(""), &e), OK, "%s", e.text);
        CHECK_INT(rig_flags(r.store, -12, false, false, STR(""), &e), OK, "%s", e.text);
        CHECK_INT(store_account_override(r.store, plain, &e), OK, "%s", e.text);
        CHECK_INT(store_account_override(r.store, keyless, &e), OK, "%s", e.text);
        CHECK(!plain->disabled);
        CHECK(keyless->disabled);
        CHECK_STR(keyless->disabled_reason, "the environment variable SOME_KEY is not set");
    }
    account_spec_free(plain);
    account_spec_free(keyless);
    rig_end(&r);
}

TEST(single_members_are_changed_and_the_others_stay)
{
    static const struct str models[] = { { "gpt-*", 5 }, { "o3", 2 } };
    const struct account_change change = { .members = ACCOUNT_TIER | ACCOUNT_CONCURRENCY |
                                                      ACCOUNT_LABEL | ACCOUNT_MODELS |
                                                      ACCOUNT_PROXY,
                                           .tier = TIER_ULTRA,
                                           .concurrency_max = 7,
                                           .label = STR("renamed"),
                                           .models = models,
                                           .model_count = COUNT(models),
                                           .proxy = STR("socks5h://ada:pw@10.0.0.1:1080") },
                                none = { .members = ACCOUNT_MODELS | ACCOUNT_PROXY },
                                taken = { .members = ACCOUNT_LABEL | ACCOUNT_TIER,
                                          .label = STR("other") };
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        int64_t id = rig_add(t, &r, "ada", "key"), other = rig_add(t, &r, "other", "key");

        CHECK(other > id);
        CHECK_INT(rig_flags(r.store, id, true, false, STR("why"), &e), OK, "%s", e.text);
        CHECK_INT(store_account_change(r.store, id, &change, &e), OK, "%s", e.text);
        CHECK_INT(store_account_change(r.store, id, &taken, &e), E_CONFLICT);
        CHECK_INT(store_account_change(r.store, 999, &change, &e), E_ABSENT);
        if (rig_take(t, &r)) {
            const struct account_spec *got = r.taken[0];

            CHECK_STR(got->label, "renamed");
            CHECK_INT(got->tier, TIER_ULTRA, "a refused change leaves all as it was");
            CHECK_INT(got->concurrency_max, 7);
            CHECK_INT(got->model_count, 2);
            CHECK_STRS(got->proxy, change.proxy);
            CHECK(got->disabled && !got->proxy_disabled);
            CHECK_STR(got->disabled_reason, "why");
            CHECK_STR(secret_reveal(&got->api_key), "key");
        }
        CHECK_INT(store_account_change(r.store, id, &none, &e), OK, "%s", e.text);
        if (rig_take(t, &r)) {
            CHECK_INT(r.taken[0]->model_count, 0);
            CHECK_INT(r.taken[0]->proxy.len, 0);
        }
    }
    rig_end(&r);
}

TEST(an_override_changes_what_it_names_and_follows_the_file_in_the_rest)
{
    struct rig r;
    struct error e = { 0 };
    struct account_spec *spec = rig_spec("from the file", "key");

    spec->id = -5;
    spec->tier = TIER_PRO;
    spec->concurrency_max = 3;
    spec->disabled = true;
    rig_start(t, &r);
    if (rig_open(t, &r)) {
        const struct account_change change = { .members = ACCOUNT_TIER, .tier = TIER_UNKNOWN },
                                    more = { .members =
                                                 ACCOUNT_CONCURRENCY | ACCOUNT_PROXY_DISABLED,
                                             .proxy_disabled = true };

        CHECK_INT(store_account_change(r.store, -5, &change, &e), OK, "%s", e.text);
        CHECK_INT(store_account_override(r.store, spec, &e), OK, "%s", e.text);
        CHECK_INT(spec->tier, TIER_UNKNOWN);
        CHECK(spec->concurrency_max == 3 && spec->disabled && !spec->proxy_disabled);
        CHECK_INT(store_account_change(r.store, -5, &more, &e), OK, "%s", e.text);
        CHECK_INT(store_account_override(r.store, spec, &e), OK, "%s", e.text);
        CHECK(spec->concurrency_max == 0 && spec->disabled && spec->proxy_disabled);
    }
    account_spec_free(spec);
    rig_end(&r);
}

/* --- the count of changes */

static int64_t version_of(struct test *t, struct store *s)
{
    struct error e = { 0 };
    int64_t version = -1;

    CHECK_INT(store_version(s, &version, &e), OK, "%s", e.text);
    return version;
}

/* One change of each kind, by one of two handles. */
static bool change_once(struct test *t, struct rig *r, struct store *by, int kind)
{
    struct error e = { 0 };
    char word[16]; /* another each time: what writes the same again changes nothing */
    struct account_spec *spec;
    enum status st = OK;

    snprintf(word, sizeof(word), "n%d", kind);
    switch (kind % 4) {
    case 0:
        spec = rig_spec(word, "key");
        st = store_account_add(by, spec, 1, &e);
        account_spec_free(spec);
        break;
    case 1:
        st =
            rig_take(t, r) ? rig_flags(by, r->taken[0]->id, true, false, str_c(word), &e) : E_STORE;
        break;
    case 2:
        st = rig_flags(by, -9, true, false, str_c(word), &e);
        break;
    default:
        st = rig_take(t, r) ? store_account_remove(by, r->taken[0]->id, &e) : E_STORE;
        break;
    }
    return CHECK_INT(st, OK, "change %d: %s", kind, e.text);
}

TEST(the_version_goes_up_with_each_change_whoever_made_it_and_stays_without)
{
    struct rig r;
    struct store *other = NULL;
    struct error e = { 0 };

    rig_start(t, &r);
    if (rig_open(t, &r) && CHECK_INT(store_open(r.folder, &r.key, &other, &e), OK, "%s", e.text)) {
        for (int kind = 0; kind < 16; kind++) {
            int64_t mine = version_of(t, r.store), theirs = version_of(t, other);
            bool by_other = kind / 4 % 2 == 1;

            CHECK_INT(version_of(t, r.store), mine, "before %d, nothing changed", kind);
            if (!change_once(t, &r, by_other ? other : r.store, kind))
                break;
            CHECK(version_of(t, r.store) > mine, "change %d, seen by the first", kind);
            CHECK(version_of(t, other) > theirs, "change %d, seen by the second", kind);
        }
    }
    store_close(other);
    rig_end(&r);
}

static void put_fact(void *peer, int64_t id, const struct account_fact *fact)
{
    (void)buf_printf(peer, "%lld %.*s %.*s %s; ", (long long)id, STR_ARG(fact->provider),
                     STR_ARG(fact->project), tier_word(fact->tier));
}

TEST(what_providers_told_is_kept_over_a_restart_and_forgotten_with_its_account)
{
    static const struct account_fact facts[] = {
        { STR("antigravity"), STR("p-1"), TIER_PRO },
        { STR("codex"), STR(""), TIER_UNKNOWN },
        { STR("antigravity"), STR("p-2"), TIER_ULTRA },
    };
    struct buf seen = { .max = 4096 };
    struct error e = { 0 };
    struct rig r;

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        CHECK_INT(store_fact_put(r.store, -7, &facts[0], &e), OK, "%s", e.text);
        CHECK_INT(store_fact_put(r.store, 3, &facts[1], &e), OK, "%s", e.text);
        CHECK_INT(store_fact_put(r.store, -7, &facts[2], &e), OK, "%s", e.text);
        rig_close(&r);
    }
    if (rig_open(t, &r)) {
        CHECK_INT(store_facts(r.store, put_fact, &seen, &e), OK, "%s", e.text);
        CHECK_STR(buf_str(&seen), "-7 antigravity p-2 ULTRA; 3 codex  ; ");
        CHECK_INT(store_fact_remove(r.store, -7, &e), OK, "%s", e.text);
        CHECK_INT(store_fact_remove(r.store, 99, &e), OK, "there is none: %s", e.text);
        seen.len = 0;
        CHECK_INT(store_facts(r.store, put_fact, &seen, &e), OK, "%s", e.text);
        CHECK_STR(buf_str(&seen), "3 codex  ; ");
    }
    buf_clear(&seen);
    rig_end(&r);
}

static bool is_of_the_file(void *peer, struct str label)
{
    return str_eq(label, str_c(peer));
}

TEST(who_signs_in_again_is_known_and_who_is_new_gets_a_label)
{
    static const struct {
        const char *label, *email, *account;
        const char *want; /* the label */
        int same_as;      /* the sign-in whose account it is; -1: a new one */
    } steps[] = {
        { "", "ada@x", "1", "ada@x", -1 },    { "", "ada@x", "1", "ada@x", 0 },
        { "work", "ada@x", "1", "ada@x", 0 }, { "", "ada@x", "2", "ada@x (2)", -1 },
        { "work", "ben@x", "", "work", -1 },  { "", "file@x", "", "file@x (2)", -1 },
        { "", "", "", "codex", -1 },          { "", "", "", "codex (2)", -1 },
    };
    int64_t ids[COUNT(steps)];
    struct rig r;

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        for (size_t i = 0; i < COUNT(steps); i++) {
            struct account_spec *spec = account_spec_new();
            struct error e = { 0 };

            spec->label = str_c(steps[i].label);
            spec->provider = STR("codex");
            spec->grant = grant_of((int64_t)i + 1, "at", "rt");
            spec->grant.email = str_c(steps[i].email);
            spec->grant.account = str_c(steps[i].account);
            CHECK_INT(
                store_sign_in(r.store, spec, 1, is_of_the_file, (void *)(uintptr_t) "file@x", &e),
                OK, "step %zu: %s", i, e.text);
            CHECK_STR(spec->label, steps[i].want, "step %zu", i);
            ids[i] = spec->id;
            for (size_t k = 0; k < i; k++)
                CHECK_INT(ids[i] == ids[k],
                          steps[i].same_as >= 0 && ids[steps[i].same_as] == ids[k],
                          "steps %zu and %zu", i, k);
            account_spec_free(spec);
        }
        struct account_spec *taken = spec_signed_in();
        struct error e = { 0 };

        taken->label = STR("work");
        taken->grant.email = STR("new@x");
        CHECK_INT(store_sign_in(r.store, taken, 1, is_of_the_file, (void *)(uintptr_t) "", &e),
                  E_CONFLICT, "a label that was asked for is not changed");
        account_spec_free(taken);
    }
    rig_end(&r);
}
