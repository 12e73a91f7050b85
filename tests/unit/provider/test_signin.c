/* tests/unit/provider/test_signin.c - what the answers of sign-in addresses say. */
#include "test.h"

#include "base/base64.h"
#include "provider/signin.h"

TEST(a_family_is_known_by_its_provider_and_settings_lie_over_its_addresses)
{
    static const char *const names[] = { "antigravity", "codex", "copilot" };
    struct signin_settings s = { .scopes = STR("own"), .urls = { .token = STR("http://t") } };

    for (size_t i = 0; i < COUNT(names); i++) {
        const struct signin_family *f = signin_family(str_c(names[i]));
        struct arena a = { 0 };

        if (!CHECK(f != NULL, "%s", names[i]))
            continue;
        CHECK_STR(signin_urls(f, &s).token, "http://t");
        CHECK_STRS(signin_urls(f, &s).user, f->urls.user, "%s", names[i]);
        CHECK_STR(signin_scopes(f, &s), "own");
        struct str text = signin_explain(f, &a);

        CHECK(str_find(text, f->where) != SIZE_MAX, "%s", names[i]);
        CHECK(str_find(text, STR("oauth.client_id")) != SIZE_MAX, "%s", names[i]);
        arena_free(&a);
    }
    CHECK(signin_family(STR("openai")) == NULL);
}

TEST(an_answer_of_a_token_address_is_a_token_or_an_error)
{
    static const struct {
        const char *body;
        bool good;
        const char *access, *refresh, *error;
        int64_t lifetime_ms;
    } cases[] = {
        { "{\"access_token\":\"a\",\"refresh_token\":\"r\",\"expires_in\":3600}", true, "a", "r",
          "", 3600000 },
        { "{\"access_token\":\"a\\u002fb\",\"expires_in\":\"60\"}", true, "a/b", "", "", 60000 },
        { "{\"access_token\":\"a\",\"expires_in\":-5}", true, "a", "", "", 0 },
        { "{\"access_token\":\"a\",\"expires_in\":99999999999}", true, "a", "", "", 0 },
        { "{\"access_token\":\"a\",\"expires_in\":{}}", true, "a", "", "", 0 },
        { "{\"error\":\"invalid_grant\"}", true, "", "", "invalid_grant", 0 },
        { "{\"error\":{\"code\":\"refresh_token_reused\",\"message\":\"m\"}}", true, "", "",
          "refresh_token_reused", 0 },
        { "{\"error\":{\"type\":\"server_error\"}}", true, "", "", "server_error", 0 },
        { "{\"access_token\":7}", false, "", "", "", 0 },
        { "{}", false, "", "", "", 0 },
        { "[]", false, "", "", "", 0 },
        { "access_token=a", false, "", "", "", 0 },
        { "", false, "", "", "", 0 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct token_answer a = { .lifetime_ms = 0 };
        bool good = token_answer_read(str_c(cases[i].body), &t->arena, &a);

        CHECK_INT(good, cases[i].good, "%s", cases[i].body);
        if (good) {
            CHECK_STR(secret_reveal(&a.access), cases[i].access, "%s", cases[i].body);
            CHECK_STR(secret_reveal(&a.refresh), cases[i].refresh, "%s", cases[i].body);
            CHECK_STR(a.error, cases[i].error, "%s", cases[i].body);
            CHECK_INT(a.lifetime_ms, cases[i].lifetime_ms, "%s", cases[i].body);
        }
        token_answer_clear(&a);
    }
}

static struct str token_of(struct test *t, const char *claims)
{
    struct buf b = { .max = 4096 };

    CHECK(buf_add(&b, STR("e30.")) && base64_put(&b, str_c(claims), BASE64_URL) &&
          buf_add(&b, STR(".sig")));
    struct str token = arena_copy(&t->arena, buf_str(&b));

    buf_clear(&b);
    return token;
}

TEST(claims_are_read_of_what_is_a_token)
{
    struct token_answer a = { .lifetime_ms = 0 };
    struct str token =
        token_of(t, "{\"email\":\"a@b\",\"exp\":1800000000,\"https://api.openai.com/auth\":"
                    "{\"chatgpt_account_id\":\"acc\",\"chatgpt_plan_type\":\"pro\"}}");

    CHECK(id_token_read(token, &t->arena, &a));
    CHECK_STR(a.email, "a@b");
    CHECK_STR(a.account, "acc");
    CHECK_STR(a.plan, "pro");
    CHECK_INT(token_expires_unix_ms(token), INT64_C(1800000000000));
    CHECK_INT(token_expires_unix_ms(token_of(t, "{\"exp\":9223372036854775807}")), 0);
    CHECK_INT(token_expires_unix_ms(token_of(t, "{\"exp\":\"soon\"}")), 0);
    CHECK_INT(token_expires_unix_ms(token_of(t, "[]")), 0);
    CHECK_INT(token_expires_unix_ms(STR("opaque")), 0);
    CHECK(!id_token_read(STR("a.b"), &t->arena, &a));
    CHECK(!id_token_read(STR("a.!!.c"), &t->arena, &a));
    CHECK(!id_token_read(STR(""), &t->arena, &a));
}

TEST(an_exchange_says_when_to_renew_and_where_the_api_is)
{
    static const struct {
        const char *body;
        bool good;
        int64_t lifetime_ms;
        const char *api;
    } cases[] = {
        { "{\"token\":\"t\",\"expires_at\":2000,\"refresh_in\":1500,\"endpoints\":{\"api\":\"https:"
          "//x\"}}",
          true, 1740000, "https://x" },
        { "{\"token\":\"t\",\"expires_at\":2000}", true, 1000000, "" },
        { "{\"token\":\"t\",\"expires_at\":900}", true, 0,
          "" }, /* our clock is ahead: a 401 tells */
        { "{\"token\":\"t\",\"endpoints\":7}", true, 0, "" },
        { "{\"token\":\"\"}", false, 0, "" },
        { "{\"message\":\"Not Found\"}", false, 0, "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct token_answer a = { .lifetime_ms = 0 };
        bool good = exchange_answer_read(str_c(cases[i].body), 1000000, &t->arena, &a);

        CHECK_INT(good, cases[i].good, "%s", cases[i].body);
        if (good) {
            CHECK_INT(a.lifetime_ms, cases[i].lifetime_ms, "%s", cases[i].body);
            CHECK_STR(a.api_url, cases[i].api, "%s", cases[i].body);
        }
        token_answer_clear(&a);
    }
}

TEST(a_device_code_needs_all_that_a_person_needs)
{
    struct device_answer d;

    CHECK(device_answer_read(
        STR("{\"device_code\":\"d\",\"user_code\":\"AB-CD\",\"verification_uri\":"
            "\"https://x/device\",\"expires_in\":899,\"interval\":5}"),
        &t->arena, &d));
    CHECK_STR(d.user_code, "AB-CD");
    CHECK_INT(d.interval_ms, 5000);
    CHECK_INT(d.lifetime_ms, 899000);
    secret_clear(&d.device_code);
    CHECK(!device_answer_read(STR("{\"device_code\":\"d\",\"user_code\":\"AB\"}"), &t->arena, &d));
    CHECK(!device_answer_read(STR("{\"user_code\":\"AB\",\"verification_uri\":\"u\"}"), &t->arena,
                              &d));
    CHECK(!device_answer_read(STR("nothing"), &t->arena, &d));
}

TEST(a_person_is_an_address_else_a_name)
{
    CHECK_STR(user_answer_read(STR("{\"login\":\"octo\",\"email\":\"o@x\"}"), &t->arena), "o@x");
    CHECK_STR(user_answer_read(STR("{\"login\":\"octo\",\"email\":null}"), &t->arena), "octo");
    CHECK_STR(user_answer_read(STR("{}"), &t->arena), "");
    CHECK_STR(user_answer_read(STR("<html>"), &t->arena), "");
}

TEST(errors_are_of_the_grant_of_the_client_or_of_the_moment)
{
    static const struct {
        const char *word;
        int status;
        bool final, of_client;
    } cases[] = {
        { "invalid_grant", 400, true, false },
        { "refresh_token_reused", 401, true, false },
        { "refresh_token_expired", 401, true, false },
        { "", 401, true, false },
        { "invalid_client", 401, false, true },
        { "unauthorized_client", 400, false, true },
        { "invalid_request", 400, false, false },
        { "temporarily_unavailable", 503, false, false },
        { "", 500, false, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CHECK_INT(token_error_is_final(str_c(cases[i].word), cases[i].status), cases[i].final,
                  "case %zu", i);
        CHECK_INT(token_error_is_of_client(str_c(cases[i].word)), cases[i].of_client, "case %zu",
                  i);
    }
}
