/* The questions that one reading of an account takes, and what their answers teach. */
#include "provider/facts.h"

#include "rig.h"

static const struct moment now = { .loop_ms = 1000, .unix_ms = NOW_MS };

static struct upstream *made(struct test *t, const char *provider, const char *project)
{
    struct account_spec spec = { .id = 1,
                                 .label = STR("work"),
                                 .provider = str_c(provider),
                                 .project = str_c(project),
                                 .grant = { .access = secret_copy(STR("access-1")),
                                            .refresh = secret_copy(STR("refresh-1")),
                                            .series = 1,
                                            .account = STR("chatgpt-1") } };
    struct provider_options options = { .proxy = { .global = STR("") } };
    struct upstream *u = NULL;
    struct error e = { .status = OK };

    CHECK_INT(upstream_new(&spec, &options, &u, &e), OK, "%s: %s", provider, e.text);
    secret_clear(&spec.grant.access);
    secret_clear(&spec.grant.refresh);
    return u;
}

/* `METHOD target HOST credential BODY` of the question that is next. */
static struct str question(struct test *t, struct facts_course *c)
{
    struct upstream_ask ask = facts_question(c);
    struct buf out = { .max = 65536 };
    struct http_limits limits = { .line_bytes = 8192, .head_bytes = 65536, .field_count = 200 };
    struct http_head head;
    struct http_fault fault = { 0 };
    size_t scanned = 0, used = 0;

    CHECK(upstream_put_head(facts_upstream(c), &ask, &out));
    struct str text = arena_copy(&t->arena, buf_str(&out));

    buf_clear(&out);
    CHECK(http_parse_request(text, &scanned, &limits, &head, &used, &fault) == HTTP_PARSE_DONE);
    return arena_printf(&t->arena, "%s %.*s %.*s %.*s%s%.*s",
                        head.method == HTTP_GET ? "GET" : "POST", STR_ARG(head.target),
                        STR_ARG(head.host), STR_ARG(http_field_value(&head, STR("authorization"))),
                        c->body.len > 0 ? " " : "", STR_ARG(c->body));
}

/* `group window left@reset, …` */
static struct str learned(struct test *t, const struct account_facts *f)
{
    struct buf out = { .max = 4096 };

    (void)buf_printf(&out, "%s project=%s", tier_word(f->tier), f->project);
    for (size_t i = 0; i < f->group_count; i++)
        for (uint32_t k = 0; k < f->groups[i].said.count; k++)
            (void)buf_printf(&out, ", %.*s %s %d@%lld", STR_ARG(f->groups[i].group),
                             f->groups[i].said.windows[k].name,
                             f->groups[i].said.windows[k].remaining_permille,
                             (long long)f->groups[i].said.windows[k].reset_ms);
    for (size_t i = 0; i < f->model_count; i++)
        (void)buf_printf(&out, ", %.*s|%.*s|%lld|%lld", STR_ARG(f->models[i].id),
                         STR_ARG(f->models[i].name), (long long)f->models[i].tokens_in_max,
                         (long long)f->models[i].tokens_out_max);
    struct str copy = arena_copy(&t->arena, buf_str(&out));

    buf_clear(&out);
    return copy;
}

static void take(struct test *t, struct facts_course *c, int status, const char *body,
                 enum facts_next want)
{
    struct error why = { .status = OK };

    CHECK_INT(facts_take(c, status, str_c(body), &now, &why), want, "%s: %s", body, why.text);
}

#define META "\"metadata\":{\"ideType\":\"IDE_UNSPECIFIED\",\"platform\":\"PLATFORM_UNSPECIFIED\"}"
#define AT "cloudcode-pa.googleapis.com Bearer access-1 "
#define MODELS                                                                                \
    "{\"models\":{\"gemini-3-flash\":{\"displayName\":\"Flash\",\"maxTokens\":1000,"          \
    "\"maxOutputTokens\":10,\"quotaInfo\":{\"remainingFraction\":0.8,\"resetTime\":"          \
    "\"2026-11-21T10:00:00Z\"}},\"gemini-3-pro-high\":{\"quotaInfo\":{\"remainingFraction\":" \
    "0.25}},\"gemini-3-pro-low\":{\"quotaInfo\":{\"remainingFraction\":0.5}},"                \
    "\"claude-x\":{\"quotaInfo\":{\"resetTime\":\"2026-11-21T09:10:00Z\"}},"                  \
    "\"tab_complete\":{\"quotaInfo\":{\"remainingFraction\":0}},\"gemini-no-quota\":{}}}"

TEST(antigravity_tells_who_it_is_and_what_is_left)
{
    struct upstream *u = made(t, "antigravity", "");
    struct facts_course c;

    facts_begin(&c, u, STR(""));
    CHECK_STR(question(t, &c), "POST /v1internal:loadCodeAssist " AT "{" META "}");
    take(t, &c, 200,
         "{\"cloudaicompanionProject\":\"p-1\",\"currentTier\":{\"id\":\"free-tier\",\"name\":"
         "\"Free\"},"
         "\"paidTier\":{\"id\":\"g1-ultra-tier\",\"name\":\"Google AI Ultra\"}}",
         FACTS_ASK);
    CHECK_STR(question(t, &c), "POST /v1internal:fetchAvailableModels " AT "{\"project\":\"p-1\"}");
    take(t, &c, 200, MODELS, FACTS_DONE);
    CHECK_STR(learned(t, &c.facts),
              "ULTRA project=p-1, gflash  800@3601000, gpro  250@0, claude_gpt  0@601000, "
              "gemini-3-flash|Flash|1000|10, gemini-3-pro-high||0|0, gemini-3-pro-low||0|0, "
              "claude-x||0|0");
    facts_clear(&c);
    upstream_free(u);
}

TEST(an_account_without_a_plan_is_given_one)
{
    struct upstream *u = made(t, "antigravity", "");
    struct facts_course c;

    facts_begin(&c, u, STR(""));
    take(t, &c, 200,
         "{\"allowedTiers\":[{\"id\":\"legacy\"},{\"id\":\"free-tier\",\"isDefault\":true}]}",
         FACTS_ASK);
    CHECK_STR(question(t, &c),
              "POST /v1internal:onboardUser " AT "{\"tierId\":\"free-tier\"," META "}");
    take(t, &c, 200, "{\"name\":\"operations/1\"}", FACTS_WAIT);
    take(t, &c, 200, "{\"done\":true,\"response\":{\"cloudaicompanionProject\":{\"id\":\"p-2\"}}}",
         FACTS_ASK);
    take(t, &c, 403, "{}", FACTS_ASK);
    CHECK_STR(question(t, &c), "POST /v1internal:fetchAvailableModels " AT "{}", "without it");
    take(t, &c, 200, "{\"models\":{}}", FACTS_DONE);
    CHECK_STR(learned(t, &c.facts), "FREE project=p-2");
    facts_clear(&c);
    upstream_free(u);
}

/* A project of the settings is no plan. The free tier has a project that Google makes, and refuses
 * another one. */
TEST(an_account_with_a_project_and_without_a_plan_is_given_one_too)
{
    static const struct {
        const char *load, *want;
    } cases[] = {
        { "{\"allowedTiers\":[{\"id\":\"standard-tier\",\"isDefault\":true}]}",
          "POST /v1internal:onboardUser " AT "{\"tierId\":\"standard-tier\","
          "\"cloudaicompanionProject\":\"mine\"," META "}" },
        { "{\"allowedTiers\":[{\"id\":\"free-tier\",\"isDefault\":true}]}",
          "POST /v1internal:onboardUser " AT "{\"tierId\":\"free-tier\"," META "}" },
        { "{}", "POST /v1internal:fetchAvailableModels " AT "{\"project\":\"mine\"}" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct upstream *u = made(t, "antigravity", "mine");
        struct facts_course c;

        facts_begin(&c, u, STR(""));
        take(t, &c, 200, cases[i].load, FACTS_ASK);
        CHECK_STR(question(t, &c), cases[i].want);
        facts_clear(&c);
        upstream_free(u);
    }
}

TEST(a_project_that_is_made_for_ever_is_given_up)
{
    struct upstream *u = made(t, "antigravity", "");
    struct facts_course c;

    facts_begin(&c, u, STR(""));
    take(t, &c, 200, "{\"allowedTiers\":[{\"id\":\"free-tier\"}]}", FACTS_ASK);
    for (int i = 1; i < FACTS_WAITS_MAX; i++)
        take(t, &c, 200, "{\"done\":false}", FACTS_WAIT);
    take(t, &c, 200, "{\"done\":false}", FACTS_FAIL);
    facts_clear(&c);
    upstream_free(u);
}

TEST(a_project_of_the_settings_stands_over_the_one_that_is_told)
{
    struct upstream *u = made(t, "antigravity", "mine");
    struct facts_course c;

    facts_begin(&c, u, STR("known"));
    CHECK_STR(question(t, &c), "POST /v1internal:loadCodeAssist " AT
                               "{\"cloudaicompanionProject\":\"mine\"," META "}");
    take(t, &c, 200, "{\"cloudaicompanionProject\":\"theirs\"}", FACTS_ASK);
    CHECK_STR(str_c(c.facts.project), "mine");
    facts_clear(&c);
    upstream_free(u);
}

TEST(codex_tells_its_windows)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        { "{\"plan_type\":\"plus\",\"rate_limit\":{\"primary_window\":{\"used_percent\":12.5,"
          "\"limit_window_seconds\":18000,\"reset_at\":1795251660},\"secondary_window\":"
          "{\"used_percent\":100,\"limit_window_seconds\":604800,\"reset_after_seconds\":60}}}",
          "PRO project=, codex 5h 875@61000, codex weekly 0@61000" },
        { "{\"plan_type\":\"free\",\"rate_limit\":{\"primary_window\":{\"used_percent\":3},"
          "\"secondary_window\":null}}",
          "FREE project=, codex primary 970@0" },
        { "{\"plan_type\":\"pro\",\"rate_limit\":null}", "ULTRA project=" },
        { "{}", " project=" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct upstream *u = made(t, "codex", "");
        struct facts_course c;

        facts_begin(&c, u, STR(""));
        CHECK_STR(question(t, &c), "GET /backend-api/wham/usage chatgpt.com Bearer access-1");
        take(t, &c, 200, cases[i].body, FACTS_DONE);
        CHECK_STR(learned(t, &c.facts), cases[i].want, "case %zu", i);
        facts_clear(&c);
        upstream_free(u);
    }
}

TEST(github_tells_what_is_left_of_copilot)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        { "{\"copilot_plan\":\"individual\",\"quota_reset_date\":\"2026-12-01\",\"quota_"
          "snapshots\":"
          "{\"premium_interactions\":{\"entitlement\":300,\"remaining\":186,\"percent_remaining\":"
          "62.2,\"unlimited\":false}}}",
          "PRO project=, premium premium 622@831601000" },
        { "{\"copilot_plan\":\"individual_pro\",\"quota_reset_date_utc\":\"2026-11-21T10:00:00."
          "000Z\","
          "\"quota_snapshots\":{\"premium_interactions\":{\"entitlement\":1500,\"remaining\":150}}"
          "}",
          "ULTRA project=, premium premium 100@3601000" },
        { "{\"copilot_plan\":\"business\",\"quota_snapshots\":{\"premium_interactions\":"
          "{\"unlimited\":true}}}",
          "PRO project=, premium premium 1000@0" },
        { "{\"access_type_sku\":\"free_limited_copilot\",\"copilot_plan\":\"individual\"}",
          "FREE project=" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct upstream *u = made(t, "copilot", "");
        struct facts_course c;

        facts_begin(&c, u, STR(""));
        CHECK_STR(question(t, &c), "GET /copilot_internal/user api.github.com token refresh-1");
        take(t, &c, 200, cases[i].body, FACTS_DONE);
        CHECK_STR(learned(t, &c.facts), cases[i].want, "case %zu", i);
        facts_clear(&c);
        upstream_free(u);
    }
}

TEST(what_cannot_be_read_is_named)
{
    static const struct {
        const char *provider, *body, *want;
        int status;
    } cases[] = {
        { "codex", "", "status 401", 401 },
        { "codex", "<html>", "no JSON: ", 200 },
        { "antigravity", "{}", "the provider offers this account no plan", 200 },
        { "antigravity", "{\"ineligibleTiers\":[{\"reasonCode\":\"X\"}]}", "not eligible", 200 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct upstream *u = made(t, cases[i].provider, "");
        struct facts_course c;
        struct error why = { .status = OK };

        facts_begin(&c, u, STR(""));
        CHECK_INT(facts_take(&c, cases[i].status, str_c(cases[i].body), &now, &why), FACTS_FAIL);
        CHECK(str_find(str_c(why.text), str_c(cases[i].want)) != SIZE_MAX, "%s", why.text);
        facts_clear(&c);
        upstream_free(u);
    }
}

TEST(codex_tells_in_an_event_too)
{
    struct upstream *u = made(t, "codex", ""), *other = made(t, "copilot", "");
    struct quota_said said;
    struct str event =
        STR("{\"type\":\"codex.rate_limits\",\"plan_type\":\"plus\",\"rate_limits\":{\"primary\":"
            "{\"used_percent\":12,\"window_minutes\":300,\"reset_at\":1795251660},\"secondary\":"
            "{\"used_percent\":40,\"window_minutes\":10080}}}");

    CHECK(quota_from_event(u, event, &t->arena, &now, &said));
    CHECK_INT(said.count, 2);
    CHECK_STR(str_c(said.windows[0].name), "5h");
    CHECK_INT(said.windows[0].remaining_permille, 880);
    CHECK_INT(said.windows[0].reset_ms, 61000);
    CHECK_STR(str_c(said.windows[1].name), "weekly");
    CHECK(!quota_from_event(u, STR("{\"rate_limits\":null}"), &t->arena, &now, &said));
    CHECK(!quota_from_event(u, STR("[]"), &t->arena, &now, &said));
    CHECK(!quota_from_event(other, event, &t->arena, &now, &said), "of another provider");
    upstream_free(u);
    upstream_free(other);
}
