/* Reading the settings: defaults, every key, what is refused and where, the environment. */
#include "app/settings_account.h"
#include "app/settings_int.h"
#include "rig.h"

static struct settings *read_good(struct test *t, const char *text)
{
    struct settings *s = NULL;
    struct settings_fault fault = { .line = 0 };

    CHECK(settings_read(str_c(text), &rig_sources, &s, &fault), "%.300s: %s: %s", text, fault.path,
          fault.text);
    return s;
}

static bool read_bad(struct test *t, const char *text, struct settings_fault *fault)
{
    struct settings *s = NULL;
    bool taken = settings_read(str_c(text), &rig_sources, &s, fault);

    CHECK(!taken, "%.300s was taken", text);
    settings_unref(s);
    return !taken;
}

static struct str get(struct test *t, const struct settings *s, const char *path)
{
    struct buf out = { .max = 1 << 20 };
    struct str text;

    CHECK(settings_get(s, str_c(path), &out), "%s", path);
    text = arena_copy(&t->arena, buf_str(&out));
    buf_clear(&out);
    return text;
}

TEST(without_a_text_the_defaults_are_in_force)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        { "listen", "[\"127.0.0.1:8045\",\"[::1]:8045\"]" },
        { "workers", "0" },
        { "require_keys", "false" },
        { "hosts", "[]" },
        { "proxy.scheduling",
          "{\"mode\":\"Balance\",\"max_wait_seconds\":60,\"queue_wait_seconds\":5,"
          "\"optimize_quota_sorting\":true}" },
        { "proxy.custom_mapping", "{}" },
        { "proxy.quota_reserve_percent", "0" },
        { "proxy.request_deadline_seconds", "600" },
        { "proxy.stream_head_after_seconds", "15" },
        { "proxy.upstream_proxy", "null" },
        { "quota_protection", "{\"enabled\":false,\"threshold_percentage\":10,\"monitored_models\":"
                              "[\"claude\",\"gemini-3-pro-high\",\"gemini-3-flash\"]}" },
        { "circuit_breaker", "{\"enabled\":true,\"backoff_steps\":[60,300,1800,7200]}" },
        { "providers", "{}" },
        { "routing", "{}" },
        { "accounts", "[]" },
        { "client_keys", "[]" },
        { "dashboard",
          "{\"auto_open\":true,\"preload_routing\":true,\"privacy\":false,\"compact\":false,"
          "\"login_idle_minutes\":30,\"login_hours\":12}" },
        { "quota", "{\"auto_refresh\":true,\"refresh_minutes\":10}" },
        { "usage.track", "true" },
        { "logs", "{\"capture\":true,\"capture_bytes\":4194304,\"bodies\":false,\"format\":"
                  "\"text\",\"access\":\"off\"}" },
        { "tunnel", "{\"auto_start\":false,\"kind\":null}" },
        { "limits.line_bytes", "8192" },
        { "limits.head_bytes", "32768" },
        { "limits.body_bytes", "33554432" },
        { "limits.memory_bytes", "268435456" },
        { "limits.answer_bytes", "67108864" },
        { "timeouts.connect_ms", "5000" },
        { "timeouts.first_byte_ms", "300000" },
        { "timeouts.client_first_byte_ms", "30000" },
        { "timeouts.drain_ms", "30000" },
        { "timeouts.keep_alive_event_ms", "15000" },
    };
    struct settings *s = read_good(t, "{}");

    for (size_t i = 0; i < COUNT(cases) && s != NULL; i++)
        CHECK_STR(get(t, s, cases[i].path), cases[i].want, "%s", cases[i].path);
    CHECK_INT(s->scheduling.max_wait_ms, 60000);
    CHECK_INT(s->request_deadline_ms, 600000);
    CHECK_INT(s->provider.timeouts.total_ms, 3600000);
    struct buf out = { .max = 1 << 20 };

    CHECK(!settings_get(s, STR("proxy.nothing"), &out));
    CHECK(!settings_get(s, STR("proxy.scheduling.mode.deeper"), &out));
    CHECK_INT(out.len, 0);
    settings_unref(s);
}

TEST(the_layers_defaults_are_the_settings_defaults)
{
    struct settings *s = read_good(t, "{}");

    CHECK(memcmp(&s->server, &server_limits_default, sizeof(s->server)) == 0);
    CHECK(memcmp(&s->client, &client_limits_default, sizeof(s->client)) == 0);
    CHECK(memcmp(&s->provider.timeouts, &call_timeouts_default, sizeof(s->provider.timeouts)) == 0);
    settings_unref(s);
}

/* What the whole snapshot says of itself, read again, is the same snapshot: so each row writes what
 * it reads. (Accounts and keys are not in it: their secrets are hidden.) */
TEST(what_is_given_back_reads_as_the_same)
{
    struct settings *s = read_good(
        t, "{\"listen\":[\"0.0.0.0:1\"],\"workers\":3,\"hosts\":[\"a.example:80\"],"
           "\"cors_origins\":[\"https://a.example\"],\"trusted_proxies\":[\"10.0.0.0/8\",\"::1\"],"
           "\"proxy\":{\"scheduling\":{\"mode\":\"CacheFirst\",\"max_wait_seconds\":0},"
           "\"custom_mapping\":{\"b*\":\"x\",\"a\":\"y\"},\"quota_reserve_percent\":50,"
           "\"upstream_proxy\":\"socks5h://127.0.0.1:1080\"},"
           "\"circuit_breaker\":{\"backoff_steps\":[1]},\"tunnel\":{\"kind\":\"ngrok\"},"
           "\"logs\":{\"format\":\"json\"},\"limits\":{\"body_bytes\":268435456,"
           "\"write_high_bytes\":4096},\"timeouts\":{\"drain_ms\":0,\"idle_ms\":7},"
           "\"routing\":{\"flows\":{\"f\":{ \"entries\" : [] }}}}");
    struct str once = get(t, s, ""), again;
    struct settings *second = read_good(t, once.at);

    CHECK_INT(s->server.write_low_bytes, 1024, "a low mark that fits was found");
    CHECK_STR(s->routing.mapping[0].from, "b*");
    CHECK_STR(s->routing.mapping[1].to, "y");
    CHECK_STR(s->routing_raw, "{\"flows\":{\"f\":{ \"entries\" : [] }}}");
    again = get(t, second, "");
    CHECK_STRS(again, once);
    settings_unref(s);
    settings_unref(second);
}

TEST(integers_hold_their_bounds)
{
    const struct key_row *row;

    for (size_t i = 0; (row = settings_row(i)) != NULL; i++) {
        struct str path = str_c(row->path), group, name;
        const int64_t tries[] = { row->min - 1, row->min, row->max - 1, row->max, row->max + 1 };

        if (row->size == 0 || row->scale == 0)
            continue;
        bool grouped = str_cut_last(path, '.', &group, &name);

        for (size_t k = 0; k < COUNT(tries); k++) {
            struct buf text = { .max = 1000 }, open = { .max = 1000 };
            struct settings *s = NULL;
            struct settings_fault fault = { .line = 0 };
            struct str one, rest = group;
            int depth = 0;

            if (strcmp(row->path, "limits.write_low_bytes") == 0)
                (void)buf_printf(&text, "{\"limits\":{\"write_high_bytes\":1048576,");
            else {
                for (bool more = grouped; more; depth++) {
                    more = str_cut(rest, '.', &one, &rest);
                    (void)buf_printf(&text, "{\"%.*s\":", STR_ARG(one));
                }
                (void)buf_add_char(&text, '{');
            }
            if (strcmp(row->path, "limits.write_low_bytes") == 0)
                depth = 1;
            (void)buf_printf(&text, "\"%.*s\":%" PRId64 "}", STR_ARG(grouped ? name : path),
                             tries[k]);
            for (; depth > 0; depth--)
                (void)buf_add_char(&text, '}');
            bool good = tries[k] >= row->min && tries[k] <= row->max;
            bool low_at_high = strcmp(row->path, "limits.write_low_bytes") == 0 &&
                               tries[k] == row->max; /* must be below the high one */

            CHECK(settings_read(buf_str(&text), &rig_sources, &s, &fault) == (good && !low_at_high),
                  "%s = %" PRId64 ": %s", row->path, tries[k], fault.text);
            if (!good) {
                CHECK_STR(str_c(fault.path), row->path);
                CHECK(str_find(str_c(fault.text), tries[k] > row->max && row->ceiling
                                                      ? STR("above its ceiling")
                                                      : STR("must be from")) != SIZE_MAX,
                      "%s", fault.text);
            }
            settings_unref(s);
            buf_clear(&text);
            buf_clear(&open);
        }
    }
}

TEST(what_is_wrong_is_told_with_its_place)
{
    static const struct {
        const char *text, *path, *why;
        unsigned line, col;
    } cases[] = {
        { "", "", "", 1, 1 },
        { "[]", "", "is no JSON object", 1, 1 },
        { "{\n  \"a\": 1,\n}", "", "comma", 2, 9 },
        { "{\"workers\":\"3\"}", "workers", "is a string, must be a whole number", 1, 12 },
        { "{\"workers\":1.5}", "workers", "is 1.5, must be a whole number", 1, 12 },
        { "{\"workers\":1e99}", "workers", "is 1e99, must be a whole number", 1, 12 },
        { "{\"workers\":null}", "workers", "is null, must be", 1, 12 },
        { "{\"workers\":1,\n\"workers\":2}", "workers", "stands there twice", 2, 11 },
        { "{\"proxy\":{},\"proxy\":{}}", "proxy", "stands there twice", 1, 21 },
        { "{\"proxy\":5}", "proxy", "is a number, must be an object", 1, 10 },
        { "{\"proxy\":{\"scheduling\":[]}}", "proxy.scheduling", "is a list, must be an object", 1,
          24 },
        { "{\"proxy\":{\"scheduling\":{\n\"mode\":\"Fast\"}}}", "proxy.scheduling.mode",
          "\"Fast\" is none of Balance, CacheFirst, PerformanceFirst", 2, 8 },
        { "{\"require_keys\":1}", "require_keys", "is a number, must be true or false", 1, 17 },
        { "{\"listen\":[]}", "listen", "has 0 entries, must have at least 1", 1, 11 },
        { "{\"listen\":[\"127.0.0.1:1\",\"host:1\"]}", "listen[1]", "\"host:1\" is not HOST:PORT",
          1, 26 },
        { "{\"listen\":[\"127.0.0.1\"]}", "listen[0]", "is not HOST:PORT", 1, 12 },
        { "{\"listen\":[7]}", "listen[0]", "is a number, must be a string", 1, 12 },
        { "{\"listen\":\"127.0.0.1:1\"}", "listen", "must be a list", 1, 11 },
        { "{\"hosts\":[\"a b\"]}", "hosts[0]", "is no host name", 1, 11 },
        { "{\"hosts\":[\"a\\u0007\"]}", "hosts[0]", "control byte", 1, 11 },
        { "{\"trusted_proxies\":[\"10.0.0.0/33\"]}", "trusted_proxies[0]", "is neither", 1, 21 },
        { "{\"trusted_proxies\":[\"fd00::/129\"]}", "trusted_proxies[0]", "is neither", 1, 21 },
        { "{\"cors_origins\":[\"*\"]}", "cors_origins[0]", "is no web origin", 1, 18 },
        { "{\"cors_origins\":[\"null\"]}", "cors_origins[0]", "is no web origin", 1, 18 },
        { "{\"cors_origins\":[\"https://a.example/\"]}", "cors_origins[0]", "is no web origin", 1,
          18 },
        { "{\"cors_origins\":[\"https://A.example\"]}", "cors_origins[0]", "lower case", 1, 18 },
        { "{\"cors_origins\":[\"https://a.example:443\"]}", "cors_origins[0]", "leave out", 1, 18 },
        { "{\"proxy\":{\"custom_mapping\":{\"a\":1}}}", "proxy.custom_mapping.a",
          "must be a string", 1, 33 },
        { "{\"proxy\":{\"custom_mapping\":{\"a\":\"x\",\"a\":\"y\"}}}", "proxy.custom_mapping.a",
          "twice", 1, 41 },
        { "{\"proxy\":{\"upstream_proxy\":\"ftp://u:pass@x\"}}", "proxy.upstream_proxy",
          "is neither", 1, 28 },
        { "{\"circuit_breaker\":{\"backoff_steps\":[60,0]}}", "circuit_breaker.backoff_steps[1]",
          "is 0, must be from 1", 1, 41 },
        { "{\"tunnel\":{\"kind\":\"ssh\"}}", "tunnel.kind", "is none of ngrok", 1, 19 },
        { "{\"routing\":{\"flows\":[]}}", "routing.flows", "is a list, must be an object", 1, 21 },
        { "{\"routing\":{\"flows\":{\"route:x\":{}}}}", "routing.flows.route:x",
          "a flow's name does not begin with `route:`", 1, 32 },
        { "{\"routing\":{\"flows\":{\"f\":{\"entries\":[{}]}}}}", "routing.flows.f.entries[0]",
          "names no model, and no flow either", 1, 38 },
        { "{\"routing\":{\"flows\":{\"f\":{\"entries\":[{\"flow\":\"f\"}]}}}}",
          "routing.flows.f.entries[0].flow", "leads back to the flow itself: f", 1, 46 },
        { "{\"routing\":{\"flows\":{\"f\":{\"entries\":[{\"flow\":\"g\",\"model\":\"m\"}]}}}}",
          "routing.flows.f.entries[0]", "names a flow: then it has no provider, account or model",
          1, 38 },
        { "{\"routing\":{\"flows\":{\"f\":{\"entries\":[{\"provider\":\"p\",\"model\":\"m\"}]}}}}",
          "routing.flows.f.entries[0].provider", "no such provider: p", 1, 50 },
        { "{\"routing\":{\"flows\":{\"f\":{\"entries\":[{\"model\":\"m\",\"when\":{\"tool\":true}}]"
          "}}}}",
          "routing.flows.f.entries[0].when.tool", "is no condition that is known here", 1, 66 },
        { "{\"routing\":{\"flows\":{\"f\":{\"entries\":[{\"model\":\"m\",\"when\":{\"hours\":\"9-"
          "5\"}}]}}}}",
          "routing.flows.f.entries[0].when.hours", "\"9-5\" is no time of the day, as 22:00-06:30",
          1, 67 },
        { "{\"routing\":{\"accounts\":{\"m\":{\"order\":\"random\"}}}}", "routing.accounts.m.order",
          "\"random\" is none of listed, rotate", 1, 38 },
        { "{\"routing\":{\"accounts\":{\"m\":{\"entries\":[{\"model\":\"x\"}]}}}}",
          "routing.accounts.m.entries[0]", "names no account", 1, 41 },
        { "{\"proxy\":{\"custom_mapping\":{\"a\":\"b\",\"c\":\"route:x\"}}}",
          "proxy.custom_mapping.c", "no such flow: x", 1, 41 },
        { "{\"limits\":{\"head_bytes\":65537}}", "limits.head_bytes", "above its ceiling of 65536",
          1, 25 },
        { "{\"limits\":{\"write_low_bytes\":300000}}", "limits.write_low_bytes",
          "is not below limits.write_high_bytes (262144)", 1, 30 },
        { "{\"client_keys\":[{\"key\":\"k1\"}]}", "client_keys[0].name", "is missing", 1, 17 },
        { "{\"client_keys\":[{\"name\":\"a\"}]}", "client_keys[0].key", "is missing", 1, 17 },
        { "{\"client_keys\":[{\"name\":\"a\",\"key\":\"any-value\"}]}", "client_keys[0].key",
          "well-known placeholder", 1, 35 },
        { "{\"client_keys\":[{\"name\":\"a\",\"key\":\"sk-REPLACE_ME\"}]}", "client_keys[0].key",
          "well-known placeholder", 1, 35 },
        { "{\"client_keys\":[{\"name\":\"a\",\"key\":\"ChangeMe\"}]}", "client_keys[0].key",
          "well-known placeholder", 1, 35 },
        { "{\"client_keys\":[{\"name\":\"a\",\"key\":\"sk-xxxxxxxx\"}]}", "client_keys[0].key",
          "well-known placeholder", 1, 35 },
        { "{\"client_keys\":[{\"name\":\"a\",\"key\":\"\"}]}", "client_keys[0].key", "is empty", 1,
          35 },
        { "{\"client_keys\":[{\"name\":\"a\",\"key\":\"two words\"}]}", "client_keys[0].key",
          "no header can carry", 1, 35 },
        { "{\"client_keys\":[{\"name\":\"a\",\"key_env\":\"NOT_SET\"}]}", "client_keys[0].key_env",
          "NOT_SET is not set", 1, 39 },
        { "{\"client_keys\":[{\"name\":\"a\",\"key\":\"k1\",\"key_env\":\"X\"}]}",
          "client_keys[0].key_env", "exclude each other", 1, 50 },
        { "{\"client_keys\":[{\"name\":\"a\",\"key\":\"k1\"},{\"name\":\"a\",\"key\":\"k2\"}]}",
          "client_keys[1].name", "another key", 1, 49 },
        { "{\"providers\":{\"openai\":{\"timeouts\":{\"connect_ms\":0}}}}",
          "providers.openai.timeouts.connect_ms", "must be from 1", 1, 50 },
        { "{\"providers\":{\"openai\":{\"base_url\":[]}}}", "providers.openai.base_url",
          "empty list", 1, 36 },
        { "{\"providers\":{\"openai\":{\"base_url\":\"ftp://x\"}}}", "providers.openai.base_url",
          "is no http", 1, 36 },
        { "{\"providers\":{\"openai\":{\"headers\":{\"Host\":\"x\"}}}}",
          "providers.openai.headers.Host", "is not for settings", 1, 35 },
        { "{\"providers\":{\"openai\":{},\"openai\":{}}}", "providers.openai", "twice", 1, 15 },
        { "{\"providers\":{\"openai\":{\"oauth\":{}}}}", "providers.openai.oauth", "do not sign in",
          1, 33 },
        { "{\"providers\":{\"codex\":{\"oauth\":{\"listen\":[\"x\"]}}}}",
          "providers.codex.oauth.listen[0]", "is no address", 1, 43 },
        { "{\"providers\":{\"codex\":{\"oauth\":{\"token_url\":\"x\"}}}}",
          "providers.codex.oauth.token_url", "is no http", 1, 45 },
        { "{\"providers\":{\"codex\":{\"oauth\":7}}}", "providers.codex.oauth", "must be an object",
          1, 32 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct settings_fault fault = { .line = 0 };

        if (!read_bad(t, cases[i].text, &fault))
            continue;
        CHECK_STR(str_c(fault.path), cases[i].path, "%s: %s", cases[i].text, fault.text);
        CHECK(str_find(str_c(fault.text), str_c(cases[i].why)) != SIZE_MAX, "%s: %s", cases[i].text,
              fault.text);
        CHECK_INT(fault.line, cases[i].line, "%s", cases[i].text);
        CHECK_INT(fault.col, cases[i].col, "%s", cases[i].text);
        CHECK(str_find(str_c(fault.text), STR("pass@")) == SIZE_MAX, "a password was shown");
    }
}

#define ACCOUNT(members) "{\"accounts\":[{\"label\":\"w\",\"provider\":\"openai\"," members "}]}"
#define COMPATIBLE(members) \
    "{\"accounts\":[{\"label\":\"w\",\"provider\":\"compatible\"," members "}]}"

TEST(accounts_that_cannot_be_used_are_refused)
{
    static const struct {
        const char *text, *path, *why;
    } cases[] = {
        { "{\"accounts\":{}}", "accounts", "must be a list" },
        { "{\"accounts\":[7]}", "accounts[0]", "must be an object" },
        { "{\"accounts\":[{\"provider\":\"openai\"}]}", "accounts[0].label", "is missing" },
        { "{\"accounts\":[{\"label\":\"w\"}]}", "accounts[0].provider", "is missing" },
        { "{\"accounts\":[{\"label\":\"\",\"provider\":\"openai\"}]}", "accounts[0].label",
          "is empty" },
        { "{\"accounts\":[{\"label\":\"w\",\"provider\":\"acme\"}]}", "accounts[0].provider",
          "\"acme\" is none of antigravity, codex, copilot, openai, anthropic, gemini, "
          "compatible" },
        { "{\"accounts\":[{\"label\":\"w\",\"provider\":\"codex\"}]}", "accounts[0].provider",
          "sign in, and nobody has signed in to this one" },
        { "{\"accounts\":[{\"label\":\"w\",\"provider\":\"copilot\"}]}", "accounts[0].provider",
          "sign in" },
        { "{\"accounts\":[{\"label\":\"w\",\"provider\":\"antigravity\"}]}", "accounts[0].provider",
          "sign in" },
        { ACCOUNT("\"tier\":\"PRO\""), "accounts[0].api_key", "needs one" },
        { ACCOUNT("\"api_key\":\"k\",\"tier\":\"GOLD\""), "accounts[0].tier", "none of ULTRA" },
        { ACCOUNT("\"api_key\":\"k\",\"wire\":\"openai-chat\""), "accounts[0].wire",
          "`compatible` only" },
        { ACCOUNT("\"api_key\":\"k\",\"api_key_env\":\"X\""), "accounts[0].api_key_env",
          "excludes the member" },
        { "{\"accounts\":[{\"label\":\"w\",\"provider\":\"codex\",\"api_key\":\"k\","
          "\"refresh_token\":\"r\"}]}",
          "accounts[0].refresh_token", "exclude each other" },
        { ACCOUNT("\"refresh_token\":\"r\""), "accounts[0].provider", "does not sign in" },
        { ACCOUNT("\"api_key_env\":\"1X\""), "accounts[0].api_key_env", "no name" },
        { ACCOUNT("\"api_key\":\"two words\""), "accounts[0].api_key", "no header can carry" },
        { ACCOUNT("\"api_key\":\"k\",\"base_url\":\"nowhere\""), "accounts[0].base_url", "" },
        { ACCOUNT("\"api_key\":\"k\",\"models\":\"gpt\""), "accounts[0].models", "must be a list" },
        { ACCOUNT("\"api_key\":\"k\",\"models\":[\"a\",7]"), "accounts[0].models[1]",
          "must be a string" },
        { ACCOUNT("\"api_key\":\"k\",\"models\":[\"\"]"), "accounts[0].models[0]", "is empty" },
        { ACCOUNT("\"api_key\":\"k\",\"max_concurrency\":-1"), "accounts[0].max_concurrency",
          "must be from 0" },
        { ACCOUNT("\"api_key\":\"k\",\"headers\":{\"Host\":\"x\"}"), "accounts[0].headers.Host",
          "is not for settings" },
        { ACCOUNT("\"api_key\":\"k\",\"headers\":{\"X-A\":\"1\",\"x-a\":\"2\"}"),
          "accounts[0].headers.x-a", "twice" },
        { ACCOUNT("\"api_key\":\"k\",\"proxy\":\"nowhere\""), "accounts[0].proxy", "is neither" },
        { ACCOUNT("\"api_key\":\"k\",\"capabilities\":[]"), "accounts[0].capabilities",
          "must be an object" },
        { ACCOUNT("\"api_key\":\"k\",\"capabilities\":{\"stream_options\":1}"),
          "accounts[0].capabilities.stream_options", "neither true nor false" },
        { ACCOUNT("\"api_key\":\"k\",\"disabled\":\"no\""), "accounts[0].disabled",
          "must be true or false" },
        { ACCOUNT("\"api_key\":\"k\",\"api_key\":\"l\""), "accounts[0].api_key", "twice" },
        { COMPATIBLE("\"base_url\":\"http://127.0.0.1:1/v1\""), "accounts[0].wire", "is missing" },
        { COMPATIBLE("\"wire\":\"openai-chat\""), "accounts[0].base_url", "must give one" },
        { COMPATIBLE("\"wire\":\"telex\",\"base_url\":\"http://127.0.0.1:1/v1\""),
          "accounts[0].wire", "does not speak" },
        { "{\"accounts\":[{\"label\":\"w\",\"provider\":\"openai\",\"api_key\":\"k\"},"
          "{\"label\":\"w\",\"provider\":\"openai\",\"api_key\":\"k\"}]}",
          "accounts[1].label", "another account" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct settings_fault fault = { .line = 0 };

        if (!read_bad(t, cases[i].text, &fault))
            continue;
        CHECK_STR(str_c(fault.path), cases[i].path, "%s: %s", cases[i].text, fault.text);
        CHECK(str_find(str_c(fault.text), str_c(cases[i].why)) != SIZE_MAX, "%s: %s", cases[i].text,
              fault.text);
        CHECK_INT(fault.line, 1, "%s", cases[i].text);
    }
}

TEST(an_account_has_all_that_is_written)
{
    struct settings *s = read_good(
        t,
        "{\"accounts\":[{\"label\":\"lab\",\"provider\":\"compatible\",\"wire\":\"openai-chat\","
        "\"base_url\":\"http://127.0.0.1:9001/v1\",\"api_key\":\"sk-\\u006cab\",\"tier\":\"PRO\","
        "\"models\":[\"qwen*\",\"llama-4\"],\"max_concurrency\":8,"
        "\"headers\":{\"X-Gone\":null,\"X-Team\":\"a\\\"b\"},\"proxy\":\"direct\","
        "\"capabilities\":{\"stream_options\":false},\"proxy_disabled\":true,"
        "\"comment\":\"kept\"},"
        "{\"label\":\"two\",\"provider\":\"gemini\",\"api_key\":\"k\",\"disabled\":true,"
        "\"tier\":null,\"proxy\":null},"
        "{\"label\":\"cloud\",\"provider\":\"compatible\",\"wire\":\"cloudcode\","
        "\"base_url\":\"https://h\",\"project\":\"p-1\"}]}");
    const struct account_spec *a = s->accounts[0], *b = s->accounts[1];

    CHECK_INT(s->account_count, 3);
    CHECK_STR(s->accounts[2]->project, "p-1");
    CHECK_STR(a->label, "lab");
    CHECK_STR(a->wire, "openai-chat");
    CHECK_STR(a->base_url, "http://127.0.0.1:9001/v1");
    CHECK_STR(secret_reveal(&a->api_key), "sk-lab");
    CHECK_INT(a->tier, TIER_PRO);
    CHECK_INT(a->model_count, 2);
    CHECK_STR(a->models[1], "llama-4");
    CHECK_INT(a->concurrency_max, 8);
    CHECK_INT(a->header_count, 1); /* one that is null is absent */
    CHECK_STR(a->headers[0].value, "a\"b");
    CHECK_STR(a->proxy, "direct");
    CHECK_STR(a->capabilities, "{\"stream_options\":false}");
    CHECK(a->proxy_disabled && !a->disabled && a->from_file);
    CHECK(b->disabled && b->disabled_reason.len == 0 && b->tier == TIER_UNKNOWN);
    CHECK_INT(a->created_unix_ms, 0);
    CHECK_INT(b->created_unix_ms, 1);
    CHECK(a->id < 0 && b->id < 0 && a->id != b->id);
    CHECK(a->id < 0 && a->id > -((int64_t)1 << 53), "a number that every program can say");
    CHECK_INT(a->id, settings_account_id(STR("lab")), "the same at every start");
    CHECK_INT(a->id, -4862948811473090LL, "of the first eight bytes of SHA-256");
    settings_unref(s);
}

TEST(a_missing_variable_disables_its_account_and_nothing_else)
{
    static const struct variable with[] = { { "WORK_KEY", " sk-work\n" }, { NULL, NULL } };
    static const char text[] = ACCOUNT("\"api_key_env\":\"WORK_KEY\"");
    struct settings *s = read_good(t, text);

    CHECK(s->accounts[0]->disabled);
    CHECK_STR(s->accounts[0]->disabled_reason, "the environment variable WORK_KEY is not set");
    CHECK(secret_is_empty(&s->accounts[0]->api_key));
    settings_unref(s);
    rig_variables = with;
    s = read_good(t, text);
    CHECK(!s->accounts[0]->disabled);
    CHECK_STR(secret_reveal(&s->accounts[0]->api_key), "sk-work");
    settings_unref(s);
    rig_variables = NULL;
}

static void check_key(struct test *t, const struct client_key_spec *spec, const char *key)
{
    uint8_t digest[SHA256_BYTES];

    sha256(str_c(key), digest);
    CHECK(memcmp(spec->digest, digest, sizeof(digest)) == 0, "%s", key);
    CHECK(spec->declared);
}

TEST(client_keys_in_the_file_have_limits_and_wrong_ones_are_named)
{
    static const struct {
        const char *members, *path; /* NULL: good */
    } cases[] = {
        { "\"key\":\"sk-own-key\"", NULL },
        { "\"hash\":\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"", NULL },
        { "\"key\":\"k1\",\"models\":[\"gpt-*\"],\"addresses\":[\"10.0.0.0/8\",\"::1\"],"
          "\"requests_per_minute\":1,\"tokens_per_day\":2,\"tokens_per_month\":3,"
          "\"expires\":\"2027-01-31\",\"disabled\":true",
          NULL },
        { "\"key\":\"k1\",\"models\":null,\"expires\":null,\"tokens_per_day\":null", NULL },
        { "\"key\":\"any-value\"", "client_keys[0].key" },
        { "\"key\":\"sk-REPLACE_ME\"", "client_keys[0].key" },
        { "\"key\":\"k1\",\"hash\":\"00\"", "client_keys[0].hash" },
        { "\"hash\":\"00\"", "client_keys[0].hash" },
        { "\"hash\":\"zz\"", "client_keys[0].hash" },
        { "\"disabled\":true", "client_keys[0].key" },
        { "\"key\":\"k1\",\"models\":[\"\"]", "client_keys[0].models[0]" },
        { "\"key\":\"k1\",\"models\":\"gpt\"", "client_keys[0].models" },
        { "\"key\":\"k1\",\"addresses\":[\"here\"]", "client_keys[0].addresses[0]" },
        { "\"key\":\"k1\",\"addresses\":[\"10.0.0.0/33\"]", "client_keys[0].addresses[0]" },
        { "\"key\":\"k1\",\"requests_per_minute\":0", "client_keys[0].requests_per_minute" },
        { "\"key\":\"k1\",\"tokens_per_day\":-1", "client_keys[0].tokens_per_day" },
        { "\"key\":\"k1\",\"tokens_per_month\":1.5", "client_keys[0].tokens_per_month" },
        { "\"key\":\"k1\",\"expires\":\"2027-02-30\"", "client_keys[0].expires" },
        { "\"key\":\"k1\",\"expires\":\"soon\"", "client_keys[0].expires" },
        { "\"key\":\"k1\",\"disabled\":1", "client_keys[0].disabled" },
        { "\"key\":\"k1\",\"models\":[],\"models\":[]", "client_keys[0].models" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[600];
        struct settings_fault fault;

        snprintf(text, sizeof(text), "{\"client_keys\":[{\"name\":\"ci\",%s}]}", cases[i].members);
        if (cases[i].path != NULL) {
            if (read_bad(t, text, &fault))
                CHECK_STR(str_c(fault.path), cases[i].path, "%s", text);
            continue;
        }
        struct settings *s = read_good(t, text);

        if (s == NULL)
            continue;
        CHECK_INT(s->client_key_count, 1, "%s", text);
        if (s->client_keys[0].model_count > 0) {
            CHECK_INT(s->client_keys[0].address_count, 2);
            CHECK_INT(s->client_keys[0].requests_minute, 1);
            CHECK_INT(s->client_keys[0].tokens_day, 2);
            CHECK_INT(s->client_keys[0].tokens_month, 3);
            CHECK(s->client_keys[0].expires_unix_ms > INT64_C(1800000000000));
            CHECK(s->client_keys[0].disabled);
        }
        settings_unref(s);
    }
}

TEST(the_environment_stands_above_the_file)
{
    static const struct variable both[] = { { "PENSTOCK_LISTEN", "127.0.0.1:0, localhost:9" },
                                            { "PENSTOCK_API_KEY", "sk-env-1" },
                                            { "ABV_API_KEY", "sk-env-2" },
                                            { "https_proxy", "http://low:1" },
                                            { "HTTPS_PROXY", "http://up:1" },
                                            { "CI_KEY", "sk-ci" },
                                            { NULL, NULL } };
    static const struct variable alias[] = { { "ABV_API_KEY", "sk-env-2" }, { NULL, NULL } };
    static const struct variable bad_key[] = { { "PENSTOCK_API_KEY", "any-value" },
                                               { NULL, NULL } };
    static const struct variable bad_listen[] = { { "PENSTOCK_LISTEN", "8045" }, { NULL, NULL } };
    static const char text[] = "{\"listen\":[\"127.0.0.1:1\"],"
                               "\"client_keys\":[{\"name\":\"ci\",\"key_env\":\"CI_KEY\"}]}";
    struct settings_fault fault;

    rig_variables = both;
    struct settings *s = read_good(t, text);

    CHECK_STR(get(t, s, "listen"), "[\"127.0.0.1:0\",\"127.0.0.1:9\"]");
    CHECK_INT(s->client_key_count, 2);
    CHECK_STR(s->client_keys[0].name, "ci");
    check_key(t, &s->client_keys[0], "sk-ci");
    CHECK_STR(s->client_keys[1].name, "environment");
    check_key(t, &s->client_keys[1], "sk-env-1");
    CHECK_STR(s->provider.proxy.https_proxy, "http://low:1");
    settings_unref(s);
    rig_variables = alias;
    s = read_good(t, "{}");
    check_key(t, &s->client_keys[0], "sk-env-2");
    settings_unref(s);
    rig_variables = bad_key;
    if (read_bad(t, "{}", &fault))
        CHECK_STR(str_c(fault.path), "PENSTOCK_API_KEY");
    rig_variables = bad_listen;
    if (read_bad(t, "{}", &fault))
        CHECK_STR(str_c(fault.path), "PENSTOCK_LISTEN");
    rig_variables = NULL;
}

TEST(secrets_are_not_given_back)
{
    struct settings *s = read_good(
        t, "{\"client_keys\":[{\"name\":\"ci\",\"key\":\"sk-clientplanted\"}],"
           "\"proxy\":{\"upstream_proxy\":\"http://u:planted@127.0.0.1:1\"},"
           "\"providers\":{\"openai\":{\"headers\":{\"X\":\"planted\"}},"
           "\"codex\":{\"oauth\":{\"client_id\":\"x\",\"client_secret\":\"planted\"}}},"
           "\"accounts\":[{\"label\":\"w\",\"provider\":\"openai\",\"api_key\":\"sk-planted-1234\","
           "\"headers\":{\"X-K\":\"planted\"},\"proxy\":\"http://u:planted@127.0.0.1:1\"}]}");
    struct str all = get(t, s, "");

    CHECK(str_find(all, STR("planted")) == SIZE_MAX, "%.*s", STR_ARG(all));
    CHECK(str_find(all, STR("sk-…1234")) != SIZE_MAX);
    CHECK(str_find(all, STR("http://…@127.0.0.1:1")) != SIZE_MAX);
    settings_unref(s);
}

TEST(provider_settings_reach_the_providers_options)
{
    struct settings *s = read_good(
        t,
        "{\"providers\":{\"gemini\":{\"base_url\":[\"http://127.0.0.1:1\",\"http://127.0.0.1:2\"],"
        "\"headers\":{\"X-A\":\"1\"},\"timeouts\":{\"idle_ms\":5}},"
        "\"antigravity\":{\"oauth\":{\"client_id\":\"x\",\"client_secret\":\"it-is-a-secret\","
        "\"scopes\":[\"a\",\"b\"],\"listen\":\"127.0.0.1:0\",\"token_url\":\"http://127.0.0.1:9/"
        "t\"}},"
        "\"unheard\":{}}}");
    const struct signin_settings *oauth = provider_signin(&s->provider, STR("antigravity"));

    CHECK_INT(s->provider.of_count, 2);
    CHECK_STR(s->provider.of[0].name, "gemini");
    CHECK_STR(s->provider.of[0].base_url, "http://127.0.0.1:1");
    CHECK_INT(s->provider.of[0].more_url_count, 1);
    CHECK_STR(s->provider.of[0].more_urls[0], "http://127.0.0.1:2");
    CHECK_STR(s->provider.of[0].headers[0].value, "1");
    CHECK_INT(s->provider.of[0].timeouts.idle_ms, 5);
    CHECK_INT(s->provider.of[0].timeouts.total_ms, 0);
    CHECK_STR(get(t, s, "providers"),
              "{\"gemini\":{\"base_url\":[\"http://127.0.0.1:1\",\"http://127.0.0.1:2\"],"
              "\"headers\":{\"X-A\":\"…\"},\"timeouts\":{\"idle_ms\":5}},\"antigravity\":{"
              "\"headers\":{},\"timeouts\":{},"
              "\"oauth\":{\"client_id\":\"x\",\"client_secret\":\"it-…cret\",\"scopes\":\"a b\","
              "\"token_url\":\"http://127.0.0.1:9/t\",\"listen\":[\"127.0.0.1:0\"]}}}");
    CHECK_STR(secret_reveal(&oauth->client_secret), "it-is-a-secret");
    CHECK_STR(signin_urls(signin_family(STR("antigravity")), oauth).token, "http://127.0.0.1:9/t");
    CHECK_STR(signin_urls(signin_family(STR("antigravity")), oauth).user,
              "https://www.googleapis.com/oauth2/v2/userinfo");
    CHECK_INT(provider_signin(&s->provider, STR("codex"))->client_id.len, 0);
    settings_unref(s);
}

static void note(void *peer, enum settings_oddity kind, struct str path)
{
    (void)buf_printf(peer, "%s%.*s ", kind == SETTINGS_UNKNOWN ? "?" : "!", STR_ARG(path));
}

TEST(unknown_keys_and_keys_in_clear_are_told_not_refused)
{
    static const char text[] =
        "{\"lisen\":1,\"proxy\":{\"scheduling\":{\"mod\":1},\"custom_mapping\":{\"any\":\"x\"}},"
        "\"proxy.scheduling.mode\":1,\"\":1,\"routing\":{\"own\":1,\"background\":{\"enable\":true}"
        ","
        "\"flows\":{\"f\":{\"entries\":[{\"model\":\"m\",\"acount\":\"w\"}],\"comment\":\"mine\","
        "\"entrys\":[]}},"
        "\"accounts\":{\"m\":{\"entries\":[],\"mode\":\"rotate\"}}},"
        "\"accounts\":[{\"label\":\"w\",\"provider\":\"openai\",\"api_key\":\"k\",\"Tier\":1}],"
        "\"client_keys\":[{\"name\":\"a\",\"key\":\"k1\",\"budget\":1}],"
        "\"providers\":{\"openai\":{\"url\":1},\"codex\":{\"oauth\":{\"client_secret\":\"s\","
        "\"id\":1}},"
        "\"acme\":{}}}";
    struct buf seen = { .max = 4096 };

    settings_unref(read_good(t, text));
    settings_survey(str_c(text), note, &seen);
    CHECK_STR(buf_str(&seen),
              "?lisen ?proxy.scheduling.mod ?proxy.scheduling.mode ?\"\" "
              "?routing.flows.f.entrys ?routing.flows.f.entries[0].acount ?routing.accounts.m.mode "
              "?routing.background.enable "
              "!accounts[0].api_key "
              "?accounts[0].Tier !client_keys[0].key ?client_keys[0].budget ?providers.openai.url "
              "!providers.codex.oauth.client_secret ?providers.codex.oauth.id ?providers.acme ");
    buf_clear(&seen);
}

TEST(a_single_account_reads_as_in_the_file)
{
    struct account_spec *spec = NULL;
    struct settings_fault fault = { .line = 0 };

    CHECK(settings_account_read(
        STR("{\"label\":\"w\",\"provider\":\"openai\",\"api_key\":\"k\",\"tier\":\"FREE\"}"),
        &rig_sources, &spec, &fault));
    CHECK(spec != NULL && !spec->from_file && spec->id == 0 && spec->tier == TIER_FREE);
    account_spec_free(spec);
    CHECK(!settings_account_read(STR("{\"label\":\"w\",\"provider\":\"openai\",\"apikey\":\"k\"}"),
                                 &rig_sources, &spec, &fault));
    CHECK_STR(str_c(fault.path), "apikey");
    CHECK(!settings_account_read(STR("{\"label\":\"w\",\"provider\":\"openai\"}"), &rig_sources,
                                 &spec, &fault));
    CHECK_STR(str_c(fault.path), "api_key");
    CHECK(!settings_account_read(STR("[]"), &rig_sources, &spec, &fault));
    CHECK_STR(str_c(fault.text), "is a list, must be an object");
    CHECK(!settings_account_read(STR("{"), &rig_sources, &spec, &fault));
}

TEST(a_text_that_is_too_large_is_refused)
{
    static const size_t over[] = { 0, 1 };

    for (size_t i = 0; i < COUNT(over); i++) {
        size_t len = SETTINGS_BYTES_MAX + over[i];
        char *text = arena_alloc(&t->arena, len);
        struct settings *s = NULL;
        struct settings_fault fault;

        memset(text, ' ', len);
        memcpy(text, "{}", 2);
        CHECK(settings_read((struct str){ text, len }, &rig_sources, &s, &fault) == (over[i] == 0));
        settings_unref(s);
    }
}

TEST(ten_thousand_accounts_are_read_and_one_more_is_refused)
{
    for (size_t n = 9999; n <= 10001; n++) {
        struct buf text = { .max = SETTINGS_BYTES_MAX };
        struct settings *s = NULL;
        struct settings_fault fault = { .line = 0 };

        (void)buf_add(&text, STR("{\"accounts\":["));
        for (size_t i = 0; i < n; i++)
            (void)buf_printf(&text,
                             "%s{\"label\":\"a%zu\",\"provider\":\"gemini\",\"api_key\":\"k\"}",
                             i > 0 ? "," : "", i);
        (void)buf_add(&text, STR("]}"));
        CHECK(settings_read(buf_str(&text), &rig_sources, &s, &fault) == (n <= 10000), "%zu: %s", n,
              fault.text);
        settings_unref(s);
        buf_clear(&text);
    }
}
