/* Scripts, rules of accounts, quotas, and the prompt cache. */
#include "sim_rig.h"

#include <stdlib.h>

#include "simulator/control.h"

static int status_of(struct rig *rig, const char *target, const char *fields, struct str body)
{
    struct response r = rig_call(rig, "POST", target, fields, body);
    int status = r.reply.status;

    respond_clear(&r);
    return status;
}

static int chat(struct rig *rig, const char *fields)
{
    return status_of(rig, "/v1/chat/completions", fields,
                     rig_ask(rig->t, WIRE_OPENAI_CHAT, false, "x", ""));
}

TEST(the_first_rule_that_matches_and_is_not_used_up_is_taken)
{
    struct rig rig;

    rig_open(&rig, t,
             "# first a bad start\n"
             "account k1: status=429 times=2\n"
             "account k1: after=1 status=500 times=1\r\n"
             "\n"
             "  account \"k 2\" wire anthropic: status=529\n"
             "model m*: status=404 times=1\n");
    CHECK_INT(chat(&rig, "x-api-key: k1\n"), 429);
    CHECK_INT(chat(&rig, "x-api-key: k1\n"), 429);
    CHECK_INT(chat(&rig, "x-api-key: k1\n"), 404, "the second rule lets one pass");
    CHECK_INT(chat(&rig, "x-api-key: k1\n"), 500);
    CHECK_INT(chat(&rig, "x-api-key: k1\n"), 200);
    CHECK_INT(chat(&rig, "x-api-key: k 2\n"), 200, "another wire");
    CHECK_INT(status_of(&rig, "/v1/messages", "x-api-key: k 2\n",
                        rig_ask(t, WIRE_ANTHROPIC, false, "x", "")),
              529);
    rig_close(&rig);
}

TEST(words_of_the_prompt_overrule_those_of_the_rule)
{
    struct rig rig;
    struct heard h;

    rig_open(&rig, t, "any: text=rule chunk=2 model=ruled\n");
    rig_hear(&rig, WIRE_OPENAI_CHAT, false, "[[sim: text=prompt]]", "", &h);
    CHECK_STR(h.text, "prompt");
    CHECK_STR(h.model, "ruled");
    rig_close(&rig);
}

TEST(a_script_sets_models_cache_and_quotas)
{
    struct rig rig;
    struct response r;

    rig_open(&rig, t, "models one \"two 2\"\ncache 10 0s\nquota k1 2 60s\n");
    r = rig_call(&rig, "GET", "/v1/models", "", STR(""));
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "data.0.id"), "one");
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "data.1.id"), "two 2");
    CHECK_STR(json_at(t, buf_str(&r.reply.body), "data.2"), "-");
    respond_clear(&r);
    CHECK_INT(cache_model_tokens_min(rig.world.cache), 10);
    CHECK_INT(cache_model_ttl_ms(rig.world.cache), 0);
    CHECK_INT(chat(&rig, "x-api-key: k1\n"), 200);
    CHECK_INT(chat(&rig, "x-api-key: k1\n"), 200);
    CHECK_INT(chat(&rig, "x-api-key: k1\n"), 429);
    CHECK_INT(chat(&rig, "x-api-key: k2\n"), 200);
    rig.now_ms += 60000;
    CHECK_INT(chat(&rig, "x-api-key: k1\n"), 200);
    rig_close(&rig);
}

TEST(a_used_up_quota_says_when_to_come_back)
{
    struct rig rig;
    struct response r;

    rig_open(&rig, t, "quota k1 1 60s\n");
    r = rig_call(&rig, "POST", "/v1/chat/completions", "x-api-key: k1\n",
                 rig_ask(t, WIRE_OPENAI_CHAT, false, "x", ""));
    CHECK_STR(reply_header(&r, "x-ratelimit-limit-requests"), "1");
    CHECK_STR(reply_header(&r, "x-ratelimit-remaining-requests"), "0");
    respond_clear(&r);
    rig.now_ms += 15000;
    r = rig_call(&rig, "POST", "/v1/chat/completions", "x-api-key: k1\n",
                 rig_ask(t, WIRE_OPENAI_CHAT, false, "[[sim: garbage]]", ""));
    CHECK_INT(r.reply.status, 429);
    CHECK_STR(reply_header(&r, "retry-after"), "45");
    CHECK_STR(reply_header(&r, "x-ratelimit-reset-requests"), "45s");
    respond_clear(&r);
    rig_close(&rig);
}

TEST(a_wrong_script_is_refused_with_its_line)
{
    static const struct {
        const char *script, *want;
    } cases[] = {
        { "any: text=a\nbogus\n", "line 2: a rule begins with account, model, wire or any" },
        { "any: nope\n", "line 1: there is no directive \"nope\"" },
        { "account k", "line 1: a \":\" was expected in front of the directives" },
        { "account : text=a", "line 1: \"account\" wants a value" },
        { "wire smoke: text=a", "line 1: there is no wire \"smoke\"" },
        { "wire gopher: text=a", "line 1: there is no wire \"gopher\"" },
        { "account a colour b: text=a", "line 1: \"colour\" is none of account, model, wire, any" },
        { "quota k1 many 60s", NULL },
        { "quota k1 5 0s", NULL },
        { "cache 1024", NULL },
        { "any: text=\"\xff\"", "line 1: the text is not valid UTF-8" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        struct error e = { .text = "" };

        CHECK(world_init(&w, 1, str_c(cases[i].script), &e) != OK, "%s", cases[i].script);
        if (cases[i].want != NULL)
            CHECK_STR(str_c(e.text), cases[i].want, "%s", cases[i].script);
    }
}

TEST(rules_are_bounded)
{
    struct rules *r = rules_new();
    struct str texts[RULES_MAX + 1];
    struct error e;

    for (size_t i = 0; i < COUNT(texts); i++)
        texts[i] = STR("status=500");
    CHECK(rules_set_account(r, STR("k"), texts, RULES_MAX, &e) == OK);
    CHECK_INT(rules_set_account(r, STR("k"), texts, RULES_MAX + 1, &e), E_LIMIT);
    CHECK_INT(r->accounts->rules.count, RULES_MAX, "all or nothing");
    for (int i = 1; i < RULE_ACCOUNTS_MAX; i++) {
        struct str key = arena_printf(&t->arena, "k%d", i);

        CHECK(rules_set_account(r, key, texts, 0, &e) == OK, "%d", i);
    }
    CHECK_INT(rules_set_account(r, STR("one more"), texts, 1, &e), E_LIMIT);
    CHECK(rules_forget_account(r, STR("k5")));
    CHECK(!rules_forget_account(r, STR("k5")));
    CHECK(rules_set_account(r, STR("one more"), texts, 1, &e) == OK);
    rules_free(r);
}

/* --- the prompt cache */

static void hear_for(struct rig *rig, enum wire wire, const char *fields, struct str body,
                     struct heard *h)
{
    struct response r = rig_call(rig, "POST", rig_target(wire, false), fields, body);

    hear_whole(rig->t, wire, arena_copy(&rig->t->arena, buf_str(&r.reply.body)), h);
    respond_clear(&r);
}

/* A conversation whose system text has `bytes` bytes, with `turns` user messages. */
static struct str conversation(struct test *t, size_t bytes, int turns)
{
    char *system = arena_alloc(&t->arena, bytes + 1);
    struct str text = STR("");

    memset(system, 's', bytes);
    for (int i = 0; i < turns; i++)
        text = arena_printf(&t->arena, "%.*s%s{\"role\":\"user\",\"content\":\"turn number %04d\"}",
                            (int)text.len, text.at, i > 0 ? "," : "", i);
    return arena_printf(&t->arena,
                        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"%s\"},"
                        "%.*s]}",
                        system, (int)text.len, text.at);
}

TEST(a_prompt_that_begins_like_an_earlier_one_is_read_from_the_cache)
{
    struct rig rig;
    struct heard h;

    rig_open(&rig, t, "");
    hear_for(&rig, WIRE_OPENAI_CHAT, "x-api-key: k1\n", conversation(t, 8000, 2), &h);
    CHECK_INT(h.prompt, 2000 + 2 * 4);
    CHECK_INT(h.cached, 0);
    hear_for(&rig, WIRE_OPENAI_CHAT, "x-api-key: k1\n", conversation(t, 8000, 3), &h);
    CHECK_INT(h.prompt, 2000 + 3 * 4);
    CHECK_INT(h.cached, 2000 + 2 * 4);
    hear_for(&rig, WIRE_OPENAI_CHAT, "x-api-key: k2\n", conversation(t, 8000, 3), &h);
    CHECK_INT(h.cached, 0, "another account");
    rig.now_ms += CACHE_TTL_MS;
    hear_for(&rig, WIRE_OPENAI_CHAT, "x-api-key: k1\n", conversation(t, 8000, 3), &h);
    CHECK_INT(h.cached, 0, "too late");
    cache_model_forget(rig.world.cache, STR("k1"));
    hear_for(&rig, WIRE_OPENAI_CHAT, "x-api-key: k1\n", conversation(t, 8000, 3), &h);
    CHECK_INT(h.cached, 0, "forgotten");
    rig_close(&rig);
}

TEST(short_prompts_are_not_cached)
{
    struct rig rig;
    struct heard h;

    rig_open(&rig, t, "");
    for (size_t tokens = CACHE_TOKENS_MIN - 1; tokens <= CACHE_TOKENS_MIN + 1; tokens++) {
        /* one turn of 4 tokens behind the system text */
        struct str body = conversation(t, (tokens - 4) * 4, 1);

        hear_for(&rig, WIRE_OPENAI_CHAT, "", body, &h);
        hear_for(&rig, WIRE_OPENAI_CHAT, "", body, &h);
        CHECK_INT(h.cached, tokens < CACHE_TOKENS_MIN ? 0 : (int64_t)tokens, "%zu tokens", tokens);
    }
    rig_close(&rig);
}

static struct str marked(struct test *t, bool mark, int turns)
{
    char system[8001];
    struct str text = STR("");

    memset(system, 's', 8000);
    system[8000] = 0;
    for (int i = 0; i < turns; i++)
        text = arena_printf(&t->arena, "%.*s%s{\"role\":\"user\",\"content\":\"turn number %04d\"}",
                            (int)text.len, text.at, i > 0 ? "," : "", i);
    return arena_printf(&t->arena,
                        "{\"model\":\"m\",\"max_tokens\":99,\"system\":[{\"type\":\"text\","
                        "\"text\":\"%s\"%s}],\"messages\":[%.*s]}",
                        system, mark ? ",\"cache_control\":{\"type\":\"ephemeral\"}" : "",
                        (int)text.len, text.at);
}

TEST(anthropic_caches_up_to_the_last_mark)
{
    struct rig rig;
    struct heard h;

    rig_open(&rig, t, "");
    hear_for(&rig, WIRE_ANTHROPIC, "", marked(t, false, 1), &h);
    hear_for(&rig, WIRE_ANTHROPIC, "", marked(t, false, 1), &h);
    CHECK_INT(h.cached, 0, "without a mark");
    CHECK_INT(h.written, 0, "without a mark");
    hear_for(&rig, WIRE_ANTHROPIC, "", marked(t, true, 1), &h);
    CHECK_INT(h.cached, 0);
    CHECK_INT(h.written, 2000);
    CHECK_INT(h.prompt, 2004);
    hear_for(&rig, WIRE_ANTHROPIC, "", marked(t, true, 2), &h);
    CHECK_INT(h.cached, 2000);
    CHECK_INT(h.written, 0);
    CHECK_INT(h.prompt, 2008);
    rig_close(&rig);
}

/* --- control */

static struct str control(struct rig *rig, struct records *records, const char *method,
                          const char *target, const char *body, int want)
{
    struct test *t = rig->t;
    struct http_head *head = arena_new(&t->arena, struct http_head);
    struct call call = { .head = head, .body = str_c(body) };
    struct reply r;
    struct str text;

    call.method = strcmp(method, "GET") == 0   ? HTTP_GET
                  : strcmp(method, "PUT") == 0 ? HTTP_PUT
                                               : HTTP_DELETE;
    (void)str_cut(str_c(target), '?', &call.path, &call.query);
    reply_init(&r);
    control_respond(&rig->world, records, 1, &call, &t->arena, &r);
    CHECK_INT(r.status, want, "%s %s %s", method, target, body);
    text = arena_copy(&t->arena, buf_str(&r.body));
    reply_clear(&r);
    return text;
}

TEST(the_control_api_sets_what_an_account_gets)
{
    struct rig rig;
    struct records *records = records_new();
    struct str status;

    rig_open(&rig, t, "");
    control(
        &rig, records, "PUT", "/_sim/accounts/k/1",
        "{\"rules\":[\"status=429 times=1\",\"model x*: status=404\"],\"quota\":{\"requests\":2,"
        "\"window_seconds\":5}}",
        200);
    CHECK_INT(chat(&rig, "x-api-key: k/1\n"), 429);
    CHECK_INT(chat(&rig, "x-api-key: k/1\n"), 200);
    CHECK_INT(chat(&rig, "x-api-key: k/1\n"), 429, "the quota");
    status = control(&rig, records, "GET", "/_sim/status", "", 200);
    CHECK_STR(json_at(t, status, "accounts.0.key"), "k/1");
    CHECK_STR(json_at(t, status, "accounts.0.rules.0.times_left"), "0");
    CHECK_STR(json_at(t, status, "accounts.0.rules.1.rule"), "model x*: status=404");
    CHECK_STR(json_at(t, status, "accounts.0.quota.used"), "2");
    control(&rig, records, "DELETE", "/_sim/accounts/k/1", "", 200);
    CHECK_INT(chat(&rig, "x-api-key: k/1\n"), 200);
    control(&rig, records, "PUT", "/_sim/accounts/", "{\"rules\":[\"status=500\"]}", 200);
    CHECK_INT(chat(&rig, ""), 500, "no key is an account too");
    control(&rig, records, "PUT", "/_sim/cache", "{\"tokens_min\":1,\"ttl_seconds\":9}", 200);
    CHECK_INT(cache_model_ttl_ms(rig.world.cache), 9000);
    control(&rig, records, "DELETE", "/_sim/cache", "", 200);
    records_free(records);
    rig_close(&rig);
}

TEST(the_control_api_refuses_what_is_wrong)
{
    static const struct {
        const char *method, *target, *body;
        int status;
    } cases[] = {
        { "PUT", "/_sim/accounts/k", "{", 400 },
        { "PUT", "/_sim/accounts/k", "[]", 400 },
        { "PUT", "/_sim/accounts/k", "{\"rulez\":[]}", 400 },
        { "PUT", "/_sim/accounts/k", "{\"rules\":{}}", 400 },
        { "PUT", "/_sim/accounts/k", "{\"rules\":[1]}", 400 },
        { "PUT", "/_sim/accounts/k", "{\"rules\":[\"nope\"]}", 400 },
        { "PUT", "/_sim/accounts/k", "{\"quota\":{\"requests\":-1,\"window_seconds\":1}}", 400 },
        { "PUT", "/_sim/accounts/k", "{\"quota\":{\"requests\":1,\"window_seconds\":0}}", 400 },
        { "PUT", "/_sim/accounts/k", "{\"quota\":7}", 400 },
        { "PUT", "/_sim/cache", "{\"tokens_min\":1}", 400 },
        { "PUT", "/_sim/status", "{}", 405 },
        { "GET", "/_sim/nothing", "", 404 },
    };
    struct rig rig;
    struct records *records = records_new();

    rig_open(&rig, t, "");
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(json_at(t,
                      control(&rig, records, cases[i].method, cases[i].target, cases[i].body,
                              cases[i].status),
                      "error.message")
                  .len > 5);
    records_free(records);
    rig_close(&rig);
}

static uint64_t arrive(struct records *r, const char *name, size_t body_bytes)
{
    struct http_head head = { .method_text = STR("POST"), .field_count = 1 };
    char *body = must_calloc(1, body_bytes + 1);
    uint64_t n;

    memset(body, 'b', body_bytes);
    head.fields[0] = (struct http_field){ STR("X-Name"), str_c(name) };
    n = records_begin(r, &head, STR("/p"), STR("q=1"));
    records_set_body(r, n, (struct str){ body, body_bytes });
    records_set_call(r, n, STR("k"), STR("m"), STR("gemini"));
    free(body);
    return n;
}

TEST(requests_that_arrived_are_listed)
{
    struct rig rig;
    struct records *records = records_new();
    struct str list;

    rig_open(&rig, t, "");
    for (int i = 0; i < 3; i++)
        arrive(records, "a", 5);
    records_get(records, 2)->state = RECORD_ABORTED;
    list = control(&rig, records, "GET", "/_sim/requests?after=1&limit=1", "", 200);
    CHECK_STR(json_at(t, list, "requests.0.sequence"), "2");
    CHECK_STR(json_at(t, list, "requests.0.headers.0.name"), "X-Name");
    CHECK_STR(json_at(t, list, "requests.0.body"), "bbbbb");
    CHECK_STR(json_at(t, list, "requests.0.account"), "k");
    CHECK_STR(json_at(t, list, "requests.0.aborted"), "true");
    CHECK_STR(json_at(t, list, "requests.1"), "-");
    CHECK_STR(json_at(t, list, "last"), "3");
    CHECK_STR(json_at(t, list, "more"), "true");
    control(&rig, records, "DELETE", "/_sim/requests", "", 200);
    list = control(&rig, records, "GET", "/_sim/requests", "", 200);
    CHECK_STR(json_at(t, list, "requests"), "[]");
    CHECK_STR(json_at(t, list, "last"), "3");
    records_free(records);
    rig_close(&rig);
}

TEST(the_list_of_requests_is_bounded_in_number_and_bytes)
{
    struct records *records = records_new();
    uint64_t n = 0;

    for (int i = 0; i < RECORDS_MAX; i++)
        n = arrive(records, "a", 10);
    CHECK_INT(records_count(records), RECORDS_MAX);
    CHECK(records_get(records, 1) != NULL);
    n = arrive(records, "a", 10);
    CHECK_INT(records_count(records), RECORDS_MAX);
    CHECK(records_get(records, 1) == NULL);
    CHECK(records_get(records, 2) != NULL);
    for (int i = 0; i < 70; i++)
        n = arrive(records, "a", RECORD_BODY_MAX + 1);
    CHECK(records_count(records) < 70, "%u", records_count(records));
    CHECK(records_count(records) > 50, "%u", records_count(records));
    CHECK_INT(records_get(records, n)->body.len, RECORD_BODY_MAX);
    CHECK_INT(records_get(records, n)->body_bytes, RECORD_BODY_MAX + 1);
    records_free(records);
}
