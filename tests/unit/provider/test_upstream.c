#include "provider/provider.h"
#include "rig.h"

static const struct header_pair no_headers[1];

static struct account_spec spec_of(const char *provider, const char *wire, const char *base_url)
{
    return (struct account_spec){
        .id = 1,
        .label = STR("work"),
        .provider = str_c(provider),
        .wire = str_c(wire),
        .base_url = str_c(base_url),
        .api_key = secret_copy(STR("sk-test-1234567890")),
    };
}

/* Makes it, or fails the test. */
static struct upstream *made(struct test *t, struct account_spec *spec,
                             const struct provider_options *options, const char *name)
{
    struct upstream *u = NULL;
    struct error e = { .status = OK };

    CHECK_INT(upstream_new(spec, options, &u, &e), OK, "%s: %s", name, e.text);
    secret_clear(&spec->api_key);
    return u;
}

static struct str head_of(struct test *t, const struct upstream *u, const struct upstream_ask *ask,
                          const char *name)
{
    struct buf out = { .max = 65536 };

    CHECK(upstream_put_head(u, ask, &out), "%s", name);
    struct str copy = arena_copy(&t->arena, buf_str(&out));

    buf_clear(&out);
    return copy;
}

static struct str request_line(struct str head)
{
    size_t end = str_find(head, STR("\r\n"));

    return str_take(head, end == SIZE_MAX ? 0 : end);
}

static struct str field_of(struct test *t, struct str head, const char *name)
{
    struct http_limits limits = { .line_bytes = 8192, .head_bytes = 65536, .field_count = 200 };
    struct http_head parsed;
    struct http_fault fault = { 0 };
    size_t scanned = 0, used = 0;

    CHECK(http_parse_request(head, &scanned, &limits, &parsed, &used, &fault) == HTTP_PARSE_DONE,
          "%s in %.*s", fault.what, STR_ARG(head));
    return http_field_value(&parsed, str_c(name));
}

TEST(base_urls_get_their_version_segment_right_and_lead_to_the_path_of_the_wire)
{
    static const struct {
        const char *provider, *wire, *base_url;
        enum wire ask;
        const char *want;
    } cases[] = {
        { "openai", "", "", WIRE_OPENAI_CHAT, "/v1/chat/completions" },
        { "openai", "", "", WIRE_OPENAI_RESPONSES, "/v1/responses" },
        { "openai", "", "https://api.openai.com", WIRE_OPENAI_CHAT, "/v1/chat/completions" },
        { "openai", "", "https://api.openai.com/", WIRE_OPENAI_CHAT, "/v1/chat/completions" },
        { "openai", "", "https://api.openai.com/v1/", WIRE_OPENAI_CHAT, "/v1/chat/completions" },
        { "openai", "", "https://api.openai.com/v1/v1", WIRE_OPENAI_CHAT, "/v1/chat/completions" },
        { "openai", "", "https://h/proxy", WIRE_OPENAI_CHAT, "/proxy/v1/chat/completions" },
        { "openai", "", "https://h/v1/me/openai", WIRE_OPENAI_CHAT,
          "/v1/me/openai/chat/completions" },
        { "compatible", "openai-chat", "http://h:9001", WIRE_OPENAI_CHAT, "/v1/chat/completions" },
        { "compatible", "openai-chat", "http://h:9001/v1", WIRE_OPENAI_CHAT,
          "/v1/chat/completions" },
        { "compatible", "openai-chat", "http://h:9001/v1/v1/v1/", WIRE_OPENAI_CHAT,
          "/v1/chat/completions" },
        { "compatible", "openai-chat", "http://h:1/api", WIRE_OPENAI_CHAT,
          "/api/chat/completions" },
        { "compatible", "openai-chat", "http://h/api/v1", WIRE_OPENAI_CHAT,
          "/api/v1/chat/completions" },
        { "compatible", "openai-chat", "http://h/v1beta/openai", WIRE_OPENAI_CHAT,
          "/v1beta/openai/chat/completions" },
        { "compatible", "openai-responses", "http://h/v1", WIRE_OPENAI_RESPONSES, "/v1/responses" },
        { "anthropic", "", "", WIRE_ANTHROPIC, "/v1/messages" },
        { "anthropic", "", "https://api.anthropic.com/v1", WIRE_ANTHROPIC, "/v1/messages" },
        { "anthropic", "", "https://api.anthropic.com/v1/v1/", WIRE_ANTHROPIC, "/v1/messages" },
        { "compatible", "anthropic", "https://h/api/anthropic", WIRE_ANTHROPIC,
          "/api/anthropic/v1/messages" },
        { "compatible", "anthropic", "https://h/apiv1", WIRE_ANTHROPIC, "/apiv1/v1/messages" },
        { "gemini", "", "", WIRE_GEMINI, "/v1beta/models/m:generateContent" },
        { "gemini", "", "https://h/v1beta", WIRE_GEMINI, "/v1beta/models/m:generateContent" },
        { "gemini", "", "https://h/v1", WIRE_GEMINI, "/v1beta/models/m:generateContent" },
        { "compatible", "gemini", "https://h/g/v1beta/", WIRE_GEMINI,
          "/g/v1beta/models/m:generateContent" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct account_spec spec = spec_of(cases[i].provider, cases[i].wire, cases[i].base_url);
        struct provider_options options = { .proxy = { .global = STR("") } };
        struct upstream *u = made(t, &spec, &options, cases[i].base_url);
        struct upstream_ask ask = { .wire = cases[i].ask, .op = OP_GENERATE, .model = STR("m") };
        struct str want = arena_printf(&t->arena, "POST %s HTTP/1.1", cases[i].want);

        CHECK_STRS(request_line(head_of(t, u, &ask, cases[i].base_url)), want, "%s %s",
                   cases[i].provider, cases[i].base_url);
        upstream_free(u);
    }
}

TEST(each_operation_has_its_path)
{
    static const struct {
        const char *wire;
        enum wire ask;
        enum upstream_op op;
        const char *model, *want; /* NULL: there is none */
    } cases[] = {
        { "openai-chat", WIRE_OPENAI_CHAT, OP_STREAM, "m", "POST /v1/chat/completions" },
        { "openai-chat", WIRE_OPENAI_CHAT, OP_MODELS, "", "GET /v1/models" },
        { "openai-chat", WIRE_OPENAI_CHAT, OP_COUNT, "m", NULL },
        { "openai-responses", WIRE_OPENAI_RESPONSES, OP_COUNT, "m",
          "POST /v1/responses/input_tokens" },
        { "anthropic", WIRE_ANTHROPIC, OP_STREAM, "m", "POST /v1/messages" },
        { "anthropic", WIRE_ANTHROPIC, OP_MODELS, "", "GET /v1/models?limit=1000" },
        { "anthropic", WIRE_ANTHROPIC, OP_COUNT, "m", "POST /v1/messages/count_tokens" },
        { "gemini", WIRE_GEMINI, OP_GENERATE, "gemini-3-pro",
          "POST /v1beta/models/gemini-3-pro:generateContent" },
        { "gemini", WIRE_GEMINI, OP_STREAM, "models/gemini-3-pro",
          "POST /v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse" },
        { "gemini", WIRE_GEMINI, OP_COUNT, "publishers/google/models/x",
          "POST /v1beta/models/publishers/google/models/x:countTokens" },
        { "gemini", WIRE_GEMINI, OP_GENERATE, "a b?c#d:e/f",
          "POST /v1beta/models/a%20b%3Fc%23d%3Ae/f:generateContent" },
        { "gemini", WIRE_GEMINI, OP_MODELS, "", "GET /v1beta/models?pageSize=1000" },
        { "gemini", WIRE_GEMINI, OP_GENERATE, "../secrets", NULL },
        { "gemini", WIRE_GEMINI, OP_GENERATE, "a/../../b", NULL },
        { "gemini", WIRE_GEMINI, OP_GENERATE, "a/.", NULL },
        { "gemini", WIRE_GEMINI, OP_GENERATE, "", NULL },
        { "gemini", WIRE_GEMINI, OP_GENERATE, "a..b", "POST /v1beta/models/a..b:generateContent" },
        { "cloudcode", WIRE_CLOUDCODE, OP_GENERATE, "m", "POST /v1internal:generateContent" },
        { "cloudcode", WIRE_CLOUDCODE, OP_STREAM, "m",
          "POST /v1internal:streamGenerateContent?alt=sse" },
        { "cloudcode", WIRE_CLOUDCODE, OP_COUNT, "m", "POST /v1internal:countTokens" },
        { "cloudcode", WIRE_CLOUDCODE, OP_MODELS, "", NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct account_spec spec = spec_of("compatible", cases[i].wire, "http://h");
        struct provider_options options = { .proxy = { .global = STR("") } };
        struct upstream *u = made(t, &spec, &options, cases[i].wire);
        struct upstream_ask ask = { .wire = cases[i].ask,
                                    .op = cases[i].op,
                                    .model = str_c(cases[i].model) };
        struct buf out = { .max = 4096 };

        buf_add(&out, STR("before"));
        CHECK_INT(upstream_put_head(u, &ask, &out), cases[i].want != NULL, "case %zu", i);
        if (cases[i].want == NULL) {
            CHECK_STR(buf_str(&out), "before", "case %zu", i);
        } else {
            struct str want = arena_printf(&t->arena, "%s HTTP/1.1", cases[i].want);

            CHECK_STRS(request_line(str_drop(buf_str(&out), 6)), want, "case %zu", i);
        }
        buf_clear(&out);
        upstream_free(u);
    }
}

TEST(a_list_of_models_is_asked_for_page_by_page)
{
    static const struct {
        const char *provider, *wire, *want;
        bool has_list;
    } cases[] = {
        { "openai", "", "GET /v1/models", true },
        { "anthropic", "", "GET /v1/models?limit=1000&after_id=a%2Fb%26c", true },
        { "gemini", "", "GET /v1beta/models?pageSize=1000&pageToken=a%2Fb%26c", true },
        { "compatible", "openai-responses", "GET /v1/models", true },
        { "compatible", "cloudcode", NULL, false },
        { "simulator", "", "GET /v1/models", false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        bool own = cases[i].wire[0] != '\0' || strcmp(cases[i].provider, "simulator") == 0;
        struct account_spec spec = spec_of(cases[i].provider, cases[i].wire, own ? "http://h" : "");
        struct provider_options options = { .proxy = { .global = STR("") } };
        struct upstream *u = made(t, &spec, &options, cases[i].provider);
        struct upstream_ask ask = { .wire = upstream_first_wire(u),
                                    .op = OP_MODELS,
                                    .page = STR("a/b&c") };
        struct buf out = { .max = 4096 };

        CHECK_INT(upstream_has_models(u), cases[i].has_list, "case %zu", i);
        CHECK_INT(upstream_put_head(u, &ask, &out), cases[i].want != NULL, "case %zu", i);
        if (cases[i].want != NULL)
            CHECK_STRS(request_line(buf_str(&out)),
                       arena_printf(&t->arena, "%s HTTP/1.1", cases[i].want), "case %zu", i);
        buf_clear(&out);
        upstream_free(u);
    }
}

TEST(a_head_is_whole_and_says_who_we_are)
{
    static const struct {
        const char *provider, *want;
        enum wire wire;
        enum upstream_op op;
    } cases[] = {
        { "openai",
          "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n"
          "User-Agent: penstock/" PENSTOCK_VERSION "\r\nAccept-Encoding: identity\r\n"
          "Authorization: Bearer sk-test-1234567890\r\nAccept: text/event-stream\r\n"
          "Content-Type: application/json\r\nContent-Length: 42\r\n\r\n",
          WIRE_OPENAI_CHAT, OP_STREAM },
        { "anthropic",
          "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\n"
          "User-Agent: penstock/" PENSTOCK_VERSION "\r\nAccept-Encoding: identity\r\n"
          "x-api-key: sk-test-1234567890\r\nAccept: application/json\r\n"
          "Content-Type: application/json\r\n"
          "Content-Length: 42\r\nanthropic-version: 2023-06-01\r\n\r\n",
          WIRE_ANTHROPIC, OP_GENERATE },
        { "gemini",
          "GET /v1beta/models?pageSize=1000 HTTP/1.1\r\nHost: generativelanguage.googleapis.com\r\n"
          "User-Agent: penstock/" PENSTOCK_VERSION "\r\nAccept-Encoding: identity\r\n"
          "x-goog-api-key: sk-test-1234567890\r\nAccept: application/json\r\n\r\n",
          WIRE_GEMINI, OP_MODELS },
        { "antigravity",
          "POST /v1internal:streamGenerateContent?alt=sse HTTP/1.1\r\n"
          "Host: cloudcode-pa.googleapis.com\r\n"
          "User-Agent: penstock/" PENSTOCK_VERSION "\r\nAccept-Encoding: identity\r\n"
          "Authorization: Bearer sk-test-1234567890\r\nAccept: text/event-stream\r\n"
          "Content-Type: application/json\r\nContent-Length: 42\r\n\r\n",
          WIRE_CLOUDCODE, OP_STREAM },
        { "codex",
          "POST /backend-api/codex/responses HTTP/1.1\r\nHost: chatgpt.com\r\n"
          "User-Agent: penstock/" PENSTOCK_VERSION "\r\nAccept-Encoding: identity\r\n"
          "originator: penstock\r\nAuthorization: Bearer sk-test-1234567890\r\n"
          "Accept: text/event-stream\r\n"
          "Content-Type: application/json\r\nContent-Length: 42\r\nsession_id: sid-1\r\n\r\n",
          WIRE_OPENAI_RESPONSES, OP_STREAM },
        { "copilot",
          "POST /v1/messages HTTP/1.1\r\nHost: api.githubcopilot.com\r\n"
          "User-Agent: penstock/" PENSTOCK_VERSION "\r\nAccept-Encoding: identity\r\n"
          "Editor-Version: penstock/" PENSTOCK_VERSION "\r\n"
          "Editor-Plugin-Version: penstock/" PENSTOCK_VERSION "\r\n"
          "Authorization: Bearer sk-test-1234567890\r\nAccept: application/json\r\n"
          "Content-Type: application/json\r\nContent-Length: 42\r\nX-Initiator: agent\r\n"
          "Copilot-Vision-Request: true\r\n\r\n",
          WIRE_ANTHROPIC, OP_GENERATE },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct account_spec spec = spec_of(cases[i].provider, "", "");
        struct provider_options options = { .proxy = { .global = STR("") } };
        struct upstream *u = made(t, &spec, &options, cases[i].provider);
        struct upstream_ask ask = { .wire = cases[i].wire,
                                    .op = cases[i].op,
                                    .model = STR("m"),
                                    .body_bytes = 42,
                                    .session = STR("sid-1"),
                                    .turn = { .by_agent = true, .has_images = true },
                                    .default_version = true };

        CHECK_STR(head_of(t, u, &ask, cases[i].provider), cases[i].want, "%s", cases[i].provider);
        upstream_free(u);
    }
}

TEST(a_project_belongs_to_cloudcode_and_goes_into_its_requests)
{
    struct account_spec spec = spec_of("compatible", "cloudcode", "https://h/v1internal");
    struct provider_options options = { .proxy = { .global = STR("") } };
    struct facts_cache facts = { .next = 0 };
    struct wire_target target;
    struct upstream *u;
    struct error e = { .status = OK };

    spec.project = STR("p-1");
    u = made(t, &spec, &options, "cloudcode");
    CHECK_STR(u->base_path, "", "the version is the dialect's");
    upstream_target(u, &facts, WIRE_CLOUDCODE, STR("m"), &target);
    CHECK_STR(target.project, "p-1");
    upstream_free(u);

    spec = spec_of("compatible", "gemini", "https://h");
    spec.project = STR("p-1");
    CHECK_INT(upstream_new(&spec, &options, &u, &e), E_SYNTAX);
    CHECK(str_starts(str_c(e.text), STR("project:")), "%s", e.text);
    secret_clear(&spec.api_key);
}

TEST(a_head_that_does_not_fit_leaves_nothing_behind)
{
    struct account_spec spec = spec_of("openai", "", "");
    struct provider_options options = { .proxy = { .global = STR("") } };
    struct upstream *u = made(t, &spec, &options, "openai");
    struct upstream_ask ask = { .wire = WIRE_OPENAI_CHAT, .op = OP_STREAM };
    size_t len = head_of(t, u, &ask, "openai").len;

    for (size_t max = 0; max <= len; max++) {
        struct buf out = { .max = max };

        CHECK_INT(upstream_put_head(u, &ask, &out), max == len, "%zu of %zu", max, len);
        CHECK_INT(out.len, max == len ? len : 0, "%zu", max);
        buf_clear(&out);
    }
    upstream_free(u);
}

/* The head of a client, with fields that may pass and fields that may not. */
static const struct http_head *client_head(struct test *t, const char *fields)
{
    return rig_head(t, 200, fields);
}

TEST(fields_of_the_clients_protocol_pass_and_no_others)
{
    static const char fields[] = "Authorization: Bearer client-key\r\n"
                                 "x-api-key: client-key\r\n"
                                 "Cookie: a=b\r\n"
                                 "X-Forwarded-For: 10.0.0.1\r\n"
                                 "User-Agent: claude-cli/2.1\r\n"
                                 "Anthropic-Version: 2026-10-21\r\n"
                                 "anthropic-beta: one,two\r\n"
                                 "anthropic-beta: three\r\n"
                                 "OpenAI-Beta: responses=v1\r\n"
                                 "OpenAI-Organization: org-client\r\n"
                                 "Idempotency-Key: k1\r\n";
    static const struct {
        const char *name, *wire, *field, *want;
        enum wire ask;
        bool standard;
    } cases[] = {
        { "version unchanged", "anthropic", "anthropic-version", "2026-10-21", WIRE_ANTHROPIC,
          true },
        { "betas joined", "anthropic", "anthropic-beta", "one,two,three", WIRE_ANTHROPIC, true },
        { "no beta of another wire", "anthropic", "openai-beta", "", WIRE_ANTHROPIC, true },
        { "no key of the client", "anthropic", "x-api-key", "sk-test-1234567890", WIRE_ANTHROPIC,
          true },
        { "no authorization of the client", "anthropic", "authorization", "", WIRE_ANTHROPIC,
          true },
        { "no cookie", "anthropic", "cookie", "", WIRE_ANTHROPIC, true },
        { "no forwarding field", "anthropic", "x-forwarded-for", "", WIRE_ANTHROPIC, true },
        { "our own name", "anthropic", "user-agent", "penstock/" PENSTOCK_VERSION, WIRE_ANTHROPIC,
          true },
        { "OpenAI beta", "openai-responses", "openai-beta", "responses=v1", WIRE_OPENAI_RESPONSES,
          false },
        { "idempotency key", "openai-chat", "idempotency-key", "k1", WIRE_OPENAI_CHAT, false },
        { "no organization", "openai-chat", "openai-organization", "", WIRE_OPENAI_CHAT, false },
        { "no version over another wire", "openai-chat", "anthropic-version", "", WIRE_OPENAI_CHAT,
          true },
        { "nothing over gemini", "gemini", "anthropic-beta", "", WIRE_GEMINI, true },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct account_spec spec = spec_of("compatible", cases[i].wire, "http://h");
        struct provider_options options = { .proxy = { .global = STR("") } };
        struct upstream *u = made(t, &spec, &options, cases[i].name);
        struct upstream_ask ask = { .wire = cases[i].ask,
                                    .op = OP_GENERATE,
                                    .model = STR("m"),
                                    .client = client_head(t, fields),
                                    .default_version = cases[i].standard };

        CHECK_STR(field_of(t, head_of(t, u, &ask, cases[i].name), cases[i].field), cases[i].want,
                  "%s", cases[i].name);
        upstream_free(u);
    }
}

TEST(the_anthropic_version_has_a_default_only_where_it_is_asked_for)
{
    static const struct {
        const char *name, *client, *version, *want;
        bool standard;
    } cases[] = {
        { "client's", "anthropic-version: 2026-10-21\r\n", "", "2026-10-21", true },
        { "default", "", "", "2023-06-01", true },
        { "none", "", "", "", false },
        { "the body's", "", "2026-10-21", "2026-10-21", true },
        { "client's before the body's", "anthropic-version: 2023-06-01\r\n", "2026-10-21",
          "2023-06-01", true },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct account_spec spec = spec_of("anthropic", "", "");
        struct provider_options options = { .proxy = { .global = STR("") } };
        struct upstream *u = made(t, &spec, &options, cases[i].name);
        struct upstream_ask ask = { .wire = WIRE_ANTHROPIC,
                                    .op = OP_GENERATE,
                                    .client = client_head(t, cases[i].client),
                                    .default_version = cases[i].standard,
                                    .version = str_c(cases[i].version) };

        CHECK_STR(field_of(t, head_of(t, u, &ask, cases[i].name), "anthropic-version"),
                  cases[i].want, "%s", cases[i].name);
        upstream_free(u);
    }
}

TEST(configured_headers_stand_over_ours_the_accounts_over_the_providers)
{
    static struct header_pair own[] = { { { "user-agent", 10 }, { "mine/1", 6 } },
                                        { { "X-Team", 6 }, { "a", 1 } },
                                        { { "anthropic-beta", 14 }, { "own-beta", 8 } },
                                        { { "Accept", 6 }, { "*/*", 3 } } };
    static struct header_pair family[] = { { { "x-team", 6 }, { "b", 1 } },
                                           { { "X-Family", 8 }, { "f", 1 } },
                                           { { "content-type", 12 }, { "text/x", 6 } },
                                           { { "anthropic-version", 17 }, { "2023-01-01", 10 } },
                                           { { "x-api-key", 9 }, { "other", 5 } } };
    static const struct {
        const char *field, *want;
    } cases[] = {
        { "user-agent", "mine/1" },
        { "x-team", "a" },
        { "x-family", "f" },
        { "accept", "*/*" },
        { "content-type", "text/x" },
        { "anthropic-beta", "own-beta,theirs" },
        { "anthropic-version", "2023-01-01" },
        { "x-api-key", "other" },
    };
    struct account_spec spec = spec_of("anthropic", "", "");
    struct provider_options options = { .proxy = { .global = STR("") }, .of_count = 2 };

    spec.headers = own;
    spec.header_count = COUNT(own);
    options.of[0].name = STR("openai");
    options.of[0].headers = no_headers;
    options.of[1].name = STR("anthropic");
    options.of[1].headers = family;
    options.of[1].header_count = COUNT(family);
    struct upstream *u = made(t, &spec, &options, "headers");
    struct upstream_ask ask = {
        .wire = WIRE_ANTHROPIC,
        .op = OP_GENERATE,
        .client = client_head(t, "anthropic-beta: theirs\r\nanthropic-version: 2026-10-21\r\n"),
        .default_version = true
    };
    struct str head = head_of(t, u, &ask, "headers");

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str again = arena_printf(&t->arena, "\r\n%s:", cases[i].field);
        size_t first = str_ifind(head, again);

        CHECK_STR(field_of(t, head, cases[i].field), cases[i].want, "%s", cases[i].field);
        CHECK(first != SIZE_MAX && str_ifind(str_drop(head, first + again.len), again) == SIZE_MAX,
              "%s stands there once", cases[i].field);
    }
    upstream_free(u);
}

TEST(settings_of_the_provider_stand_between_ours_and_the_accounts)
{
    struct provider_options options = {
        .proxy = { .global = STR("") },
        .timeouts = { .dns_ms = 1,
                      .connect_ms = 2,
                      .tls_ms = 3,
                      .write_ms = 4,
                      .first_byte_ms = 5,
                      .idle_ms = 6,
                      .total_ms = 7 },
        .of_count = 1,
    };
    struct account_spec spec = spec_of("openai", "", "");

    options.of[0].name = STR("openai");
    options.of[0].base_url = STR("http://one.example/v1");
    options.of[0].timeouts.idle_ms = 60;
    struct upstream *u = made(t, &spec, &options, "provider's");

    CHECK_STR(u->origin.host, "one.example");
    CHECK_INT(u->timeouts.idle_ms, 60);
    CHECK_INT(u->timeouts.connect_ms, 2);
    CHECK_INT(u->wires, WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_OPENAI_RESPONSES));
    upstream_free(u);
    spec = spec_of("openai", "openai-chat", "http://two.example:81/v1");
    u = made(t, &spec, &options, "account's");
    CHECK_STR(u->origin.authority, "two.example:81");
    CHECK_INT(u->wires, WIRE_BIT(WIRE_OPENAI_CHAT));
    upstream_free(u);
}

TEST(an_account_that_cannot_be_is_refused_by_the_name_of_its_member)
{
    static struct header_pair hosts[] = { { { "Host", 4 }, { "x", 1 } } };
    static struct header_pair length[] = { { { "content-length", 14 }, { "1", 1 } } };
    static struct header_pair split[] = { { { "X-A", 3 }, { "a\r\nX-B: b", 9 } } };
    static struct header_pair name[] = { { { "X A", 3 }, { "a", 1 } } };
    static const struct {
        const char *provider, *wire, *base_url, *key;
        struct header_pair *header;
        const char *capabilities;
        enum status want;
        const char *named;
    } cases[] = {
        { "mistral", "", "", "k", NULL, "", E_SYNTAX, "provider:" },
        { "openai", "", "", "", NULL, "", E_SYNTAX, "api_key:" },
        { "openai", "", "", "zq zq", NULL, "", E_SYNTAX, "api_key:" },
        { "openai", "", "", "zq\nzq", NULL, "", E_SYNTAX, "api_key:" },
        { "openai", "", "", "k\xc3\xa9", NULL, "", E_SYNTAX, "api_key:" },
        { "openai", "anthropic", "", "k", NULL, "", E_SYNTAX, "wire:" },
        { "compatible", "", "http://h", "k", NULL, "", E_SYNTAX, "wire:" },
        { "compatible", "telnet", "http://h", "k", NULL, "", E_SYNTAX, "wire:" },
        { "gemini", "cloudcode", "", "k", NULL, "", E_SYNTAX, "wire:" },
        { "compatible", "anthropic", "", "k", NULL, "", E_SYNTAX, "base_url:" },
        { "compatible", "anthropic", "h/v1", "k", NULL, "", E_SYNTAX, "base_url:" },
        { "compatible", "anthropic", "http://u:p@h", "k", NULL, "", E_SYNTAX, "base_url:" },
        { "compatible", "anthropic", "http://h?a", "k", NULL, "", E_SYNTAX, "base_url:" },
        { "compatible", "anthropic", "http://169.254.169.254/", "k", NULL, "", E_REFUSED,
          "base_url:" },
        { "openai", "", "", "k", hosts, "", E_SYNTAX, "headers.Host:" },
        { "openai", "", "", "k", length, "", E_SYNTAX, "headers.content-length:" },
        { "openai", "", "", "k", split, "", E_SYNTAX, "headers.X-A:" },
        { "openai", "", "", "k", name, "", E_SYNTAX, "headers.X A:" },
        { "openai", "", "", "k", NULL, "[]", E_SYNTAX, "capabilities:" },
        { "openai", "", "", "k", NULL, "{", E_SYNTAX, "capabilities:" },
        { "openai", "", "", "k", NULL, "{\"stream_options\":1}", E_SYNTAX,
          "capabilities.stream_options:" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct account_spec spec = spec_of(cases[i].provider, cases[i].wire, cases[i].base_url);
        struct provider_options options = { .proxy = { .global = STR("") } };
        struct upstream *u = NULL;
        struct error e = { .status = OK };

        secret_clear(&spec.api_key);
        spec.api_key = secret_copy(str_c(cases[i].key));
        spec.headers = cases[i].header;
        spec.header_count = cases[i].header != NULL;
        spec.capabilities = str_c(cases[i].capabilities);
        CHECK_INT(upstream_new(&spec, &options, &u, &e), cases[i].want, "case %zu: %s", i, e.text);
        CHECK(u == NULL, "case %zu", i);
        CHECK(str_starts(str_c(e.text), str_c(cases[i].named)), "case %zu: %s", i, e.text);
        if (cases[i].key[0] != '\0' && cases[i].key[1] != '\0')
            CHECK(str_find(str_c(e.text), str_c(cases[i].key)) == SIZE_MAX, "case %zu", i);
        secret_clear(&spec.api_key);
    }
    upstream_free(NULL);
}

TEST(a_proxy_that_cannot_be_is_the_proxys_fault)
{
    struct account_spec spec = spec_of("openai", "", "");
    struct provider_options options = { .proxy = { .global = STR("") } };
    struct upstream *u = NULL;
    struct error e = { .status = OK };

    spec.proxy = STR("gopher://x");
    CHECK_INT(upstream_new(&spec, &options, &u, &e), E_SYNTAX);
    CHECK(str_starts(str_c(e.text), STR("proxy:")), "%s", e.text);
    secret_clear(&spec.api_key);
}

TEST(capabilities_say_what_an_upstream_lacks)
{
    static const struct {
        const char *text;
        bool lacks;
    } cases[] = {
        { "", false },
        { "{}", false },
        { "{\"stream_options\":true,\"other\":[1]}", false },
        { "{\"stream_options\":false}", true },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct account_spec spec = spec_of("openai", "", "");
        struct provider_options options = { .proxy = { .global = STR("") } };

        spec.capabilities = str_c(cases[i].text);
        struct upstream *u = made(t, &spec, &options, cases[i].text);

        CHECK_INT(u->lacks.stream_options, cases[i].lacks, "%s", cases[i].text);
        upstream_free(u);
    }
}

TEST(a_compatible_account_needs_no_key)
{
    struct account_spec spec = spec_of("compatible", "openai-chat", "http://127.0.0.1:1");
    struct provider_options options = { .proxy = { .global = STR("") } };
    struct upstream_ask ask = { .wire = WIRE_OPENAI_CHAT, .op = OP_GENERATE };

    secret_clear(&spec.api_key);
    struct upstream *u = made(t, &spec, &options, "keyless");

    CHECK_STR(field_of(t, head_of(t, u, &ask, "keyless"), "authorization"), "");
    upstream_free(u);
}

static void join(void *peer, struct str name)
{
    struct buf *b = peer;

    buf_printf(b, "%.*s ", STR_ARG(name));
}

TEST(the_providers_are_known_by_name)
{
    struct buf names = { .max = 256 };

    provider_each_name(join, &names);
    CHECK(str_starts(buf_str(&names),
                     STR("antigravity codex copilot openai anthropic gemini compatible ")),
          "%.*s", STR_ARG(buf_str(&names)));
    CHECK(provider_exists(STR("gemini")) && !provider_exists(STR("Gemini")));
    CHECK(!provider_exists(STR("")));
    buf_clear(&names);
}

TEST(families_that_sign_in_have_a_path_for_each_operation_or_none)
{
    static const struct {
        const char *provider;
        enum wire wire;
        enum upstream_op op;
        const char *want; /* NULL: there is none */
    } cases[] = {
        { "antigravity", WIRE_CLOUDCODE, OP_COUNT, "POST /v1internal:countTokens" },
        { "antigravity", WIRE_CLOUDCODE, OP_EMBED, NULL },
        { "codex", WIRE_OPENAI_RESPONSES, OP_MODELS,
          "GET /backend-api/codex/models?client_version=" PENSTOCK_VERSION },
        { "codex", WIRE_OPENAI_RESPONSES, OP_COUNT, NULL },
        { "codex", WIRE_OPENAI_RESPONSES, OP_EMBED, NULL },
        { "copilot", WIRE_OPENAI_CHAT, OP_STREAM, "POST /chat/completions" },
        { "copilot", WIRE_OPENAI_RESPONSES, OP_STREAM, "POST /responses" },
        { "copilot", WIRE_ANTHROPIC, OP_COUNT, NULL },
        { "copilot", WIRE_OPENAI_CHAT, OP_EMBED, "POST /embeddings" },
        { "copilot", WIRE_OPENAI_CHAT, OP_MODELS, "GET /models" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct account_spec spec = spec_of(cases[i].provider, "", "");
        struct provider_options options = { .proxy = { .global = STR("") } };
        struct upstream *u = made(t, &spec, &options, cases[i].provider);
        struct upstream_ask ask = { .wire = cases[i].wire, .op = cases[i].op, .model = STR("m") };
        struct buf out = { .max = 4096 };

        CHECK_INT(upstream_put_head(u, &ask, &out), cases[i].want != NULL, "case %zu", i);
        if (cases[i].want != NULL)
            CHECK_STRS(request_line(buf_str(&out)),
                       arena_printf(&t->arena, "%s HTTP/1.1", cases[i].want), "case %zu", i);
        buf_clear(&out);
        upstream_free(u);
    }
}

TEST(codex_keeps_the_session_of_its_client)
{
    struct account_spec spec = spec_of("codex", "", "");
    struct provider_options options = { .proxy = { .global = STR("") } };

    spec.grant.series = 1;
    spec.grant.account = STR("account-1");
    struct upstream *u = made(t, &spec, &options, "codex");
    struct upstream_ask ask = { .wire = WIRE_OPENAI_RESPONSES,
                                .op = OP_STREAM,
                                .client = client_head(t, "session-id: theirs\r\n"),
                                .session = STR("sid-1") };
    struct str head = head_of(t, u, &ask, "codex");

    CHECK_STR(field_of(t, head, "session-id"), "theirs");
    CHECK_STR(field_of(t, head, "session_id"), "");
    CHECK_STR(field_of(t, head, "chatgpt-account-id"), "account-1");
    upstream_free(u);
}

TEST(what_a_provider_is_told_of_a_request_is_no_setting)
{
    static struct header_pair forced[] = { { { "x-initiator", 11 }, { "user", 4 } } };
    struct account_spec spec = spec_of("copilot", "", "");
    struct provider_options options = { .proxy = { .global = STR("") } };
    struct upstream *u = NULL;
    struct error e = { .status = OK };

    spec.headers = forced;
    spec.header_count = COUNT(forced);
    CHECK_INT(upstream_new(&spec, &options, &u, &e), E_SYNTAX);
    CHECK_STR(str_c(e.text), "headers.x-initiator: is not for settings");
    secret_clear(&spec.api_key);
}

TEST(a_provider_with_several_addresses_has_an_upstream_for_each)
{
    struct provider_options options = { .proxy = { .global = STR("") }, .of_count = 1 };
    struct account_spec spec = spec_of("antigravity", "", "");

    options.of[0].name = STR("antigravity");
    options.of[0].base_url = STR("https://one");
    options.of[0].more_urls[0] = STR("https://two/v1internal");
    options.of[0].more_url_count = 1;
    options.of[0].timeouts.connect_ms = 77;
    struct upstream *u = made(t, &spec, &options, "several");

    CHECK_STR(u->origin.host, "one");
    CHECK(u->next != NULL);
    CHECK_STR(u->next->origin.host, "two");
    CHECK_INT(u->next->timeouts.connect_ms, 77);
    CHECK(u->next->next == NULL);
    upstream_free(u);

    spec = spec_of("antigravity", "", "https://own");
    u = made(t, &spec, &options, "an account's own");
    CHECK_STR(u->origin.host, "own");
    CHECK(u->next == NULL);
    upstream_free(u);
}
