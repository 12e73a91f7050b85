/* simulator/control.c - six resources, one table. Errors are `{"error":{"message":"…"}}`. */
#include "simulator/control.h"

#include "base/json_write.h"

#define LIST_LIMIT 1000
#define CONTROL_BYTES_MAX \
    ((size_t)512 << 20) /* 64 MiB of records, each byte escaped at its worst */

struct control {
    struct world *world;
    struct records *records;
    uint32_t running;
    const struct call *call;
    struct str rest; /* of the path, behind the resource */
    struct arena *arena;
    struct reply *reply;
    struct json doc; /* of a PUT */
};

static void refuse(struct control *c, int status, struct str message)
{
    struct json_writer w;

    reply_restart(c->reply, status);
    reply_field(c->reply, STR("content-type"), STR("application/json"));
    w = json_writer(&c->reply->body);
    json_put_object(&w);
    json_put_key(&w, STR("error"));
    json_put_object(&w);
    json_put_member(&w, "message", message);
    json_put_end(&w);
    json_put_end(&w);
}

static void done(struct control *c)
{
    reply_put(c->reply, STR("{\"ok\":true}"));
}

static uint64_t query_number(const struct control *c, struct str name, uint64_t otherwise)
{
    char text[24];
    size_t len = 0;
    uint64_t n;

    return http_query_get(c->call->query, name, text, sizeof(text), &len) &&
                   str_to_u64((struct str){ text, len }, &n)
               ? n
               : otherwise;
}

/* --- requests and status ------------------------------------------------------------------------
 */

static void requests_get(struct control *c)
{
    c->reply->body.max = CONTROL_BYTES_MAX;
    if (!records_put(c->records, query_number(c, STR("after"), 0),
                     query_number(c, STR("limit"), LIST_LIMIT), &c->reply->body))
        refuse(c, 500, STR("the list is too long; ask for less with ?after= and ?limit="));
}

static void requests_delete(struct control *c)
{
    records_clear(c->records);
    done(c);
}

static void account_put(struct json_writer *w, const struct rule_account *account)
{
    json_put_object(w);
    json_put_member(w, "key", account->key);
    json_put_key(w, STR("rules"));
    json_put_array(w);
    for (uint32_t i = 0; i < account->rules.count; i++) {
        const struct rule *rule = &account->rules.at[i];

        json_put_object(w);
        json_put_member(w, "rule", rule->text);
        json_put_key(w, STR("times_left"));
        if (rule->directives.times >= 0)
            json_put_i64(w, rule->directives.times);
        else
            json_put_null(w);
        json_put_end(w);
    }
    json_put_end(w);
    if (account->quota.requests > 0) {
        json_put_key(w, STR("quota"));
        json_put_object(w);
        json_put_member_i64(w, "requests", account->quota.requests);
        json_put_member_i64(w, "window_seconds", account->quota.window_ms / 1000);
        json_put_member_i64(w, "used", account->quota.used);
        json_put_end(w);
    }
    json_put_end(w);
}

static void status_get(struct control *c)
{
    const struct rules *rules = c->world->rules;
    struct json_writer w = json_writer(&c->reply->body);

    json_put_object(&w);
    json_put_member(&w, "version", STR(PENSTOCK_VERSION));
    json_put_member_i64(&w, "seed", (int64_t)c->world->seed);
    json_put_member_i64(&w, "last", (int64_t)records_last(c->records));
    json_put_member_i64(&w, "requests", records_count(c->records));
    json_put_member_i64(&w, "running", c->running);
    json_put_key(&w, STR("cache"));
    json_put_object(&w);
    json_put_member_i64(&w, "tokens_min", cache_model_tokens_min(c->world->cache));
    json_put_member_i64(&w, "ttl_seconds", cache_model_ttl_ms(c->world->cache) / 1000);
    json_put_end(&w);
    json_put_member_i64(&w, "script_rules", rules->script.count);
    json_put_key(&w, STR("accounts"));
    json_put_array(&w);
    for (const struct rule_account *a = rules->accounts; a != NULL; a = a->next)
        account_put(&w, a);
    json_put_end(&w);
    json_put_end(&w);
    c->reply->full |= !json_written(&w);
}

/* --- accounts and cache -------------------------------------------------------------------------
 */

/* The body as a JSON object; false when refused. */
static bool object_read(struct control *c)
{
    struct json_fault fault;

    if (!json_parse(&c->doc, c->call->body, NULL, c->arena, &fault)) {
        refuse(c, 400, arena_printf(c->arena, "the body is no JSON: %s", fault.what));
        return false;
    }
    if (json_type(&c->doc, 0) != JSON_OBJECT) {
        refuse(c, 400, STR("the body must be a JSON object"));
        return false;
    }
    return true;
}

/* … that has no members but those of an account or of the cache. */
static bool body_read(struct control *c)
{
    if (!object_read(c))
        return false;
    for (uint32_t key = json_first(&c->doc, 0), value; key != JSON_NONE;
         key = json_after(&c->doc, 0, value)) {
        static const struct str known[] = {
            { "rules", 5 },       { "quota", 5 },        { "usage", 5 },
            { "tokens_min", 10 }, { "ttl_seconds", 11 },
        };
        bool found = false;

        value = json_after(&c->doc, 0, key);
        for (size_t i = 0; i < COUNT(known); i++)
            found = found || json_says(&c->doc, key, known[i]);
        if (!found) {
            refuse(c, 400,
                   STR("known members: rules, quota and usage of an account, tokens_min and "
                       "ttl_seconds of the cache"));
            return false;
        }
    }
    return true;
}

/* A number that must be there, from 0 on. */
static bool number_read(struct control *c, uint32_t object, const char *name, int64_t *out)
{
    uint32_t node = json_member(&c->doc, object, str_c(name), NULL);

    if (node != JSON_NONE && json_i64(&c->doc, node, out) && *out >= 0 && *out <= INT32_MAX)
        return true;
    refuse(c, 400, arena_printf(c->arena, "\"%s\" must be a number from 0 on", name));
    return false;
}

static bool rules_put(struct control *c, uint32_t list)
{
    struct str texts[RULES_MAX];
    uint32_t count = 0;
    struct error e;

    if (json_type(&c->doc, list) != JSON_ARRAY) {
        refuse(c, 400, STR("\"rules\" must be a list of texts"));
        return false;
    }
    for (uint32_t n = json_first(&c->doc, list); n != JSON_NONE; n = json_after(&c->doc, list, n)) {
        if (count == RULES_MAX || !json_text(&c->doc, n, c->arena, &texts[count])) {
            refuse(c, 400, STR("\"rules\" must be a list of at most 256 texts"));
            return false;
        }
        count++;
    }
    if (rules_set_account(c->world->rules, c->rest, texts, count, &e) == OK)
        return true;
    refuse(c, 400, str_c(e.text));
    return false;
}

static bool quota_put(struct control *c, uint32_t quota)
{
    int64_t requests = 0, seconds = 0;
    struct error e;

    if (json_type(&c->doc, quota) == JSON_NULL)
        return rules_set_quota(c->world->rules, c->rest, 0, 0, &e) == OK;
    if (!number_read(c, quota, "requests", &requests) ||
        !number_read(c, quota, "window_seconds", &seconds))
        return false;
    if (rules_set_quota(c->world->rules, c->rest, requests, seconds * 1000, &e) == OK)
        return true;
    refuse(c, 400, str_c(e.text));
    return false;
}

static bool usage_put(struct control *c, uint32_t usage)
{
    struct error e;

    if (tells_set(c->world->tells, c->rest, &c->doc, usage, c->call->now_unix_ms, &e) == OK)
        return true;
    refuse(c, 400, arena_copy(c->arena, str_c(e.text)));
    return false;
}

static void account_set(struct control *c)
{
    uint32_t rules, quota, usage;

    if (!body_read(c))
        return;
    rules = json_member(&c->doc, 0, STR("rules"), NULL);
    quota = json_member(&c->doc, 0, STR("quota"), NULL);
    usage = json_member(&c->doc, 0, STR("usage"), NULL);
    if ((rules == JSON_NONE || rules_put(c, rules)) &&
        (quota == JSON_NONE || quota_put(c, quota)) && (usage == JSON_NONE || usage_put(c, usage)))
        done(c);
}

static void account_delete(struct control *c)
{
    (void)rules_forget_account(c->world->rules, c->rest);
    cache_model_forget(c->world->cache, c->rest);
    tells_forget(c->world->tells, c->rest);
    done(c);
}

static void oauth_get(struct control *c)
{
    struct json_writer w = json_writer(&c->reply->body);

    oauth_put(c->world->oauth, &w);
}

static void oauth_change(struct control *c)
{
    const char *wrong;

    if (!object_read(c))
        return;
    wrong = oauth_set(c->world->oauth, &c->doc, c->arena);
    if (wrong != NULL)
        refuse(c, 400, str_c(wrong));
    else
        done(c);
}

static void oauth_delete(struct control *c)
{
    oauth_forget(c->world->oauth);
    done(c);
}

static void cache_set(struct control *c)
{
    int64_t tokens = 0, seconds = 0;

    if (!body_read(c) || !number_read(c, 0, "tokens_min", &tokens) ||
        !number_read(c, 0, "ttl_seconds", &seconds))
        return;
    cache_model_set(c->world->cache, tokens, seconds * 1000);
    done(c);
}

static void cache_delete(struct control *c)
{
    cache_model_forget_all(c->world->cache);
    done(c);
}

static const struct {
    enum http_method method;
    struct str path; /* with `/` at its end: what follows is a name */
    void (*fn)(struct control *c);
} resources[] = {
    { HTTP_GET, { "/_sim/requests", 14 }, requests_get },
    { HTTP_DELETE, { "/_sim/requests", 14 }, requests_delete },
    { HTTP_GET, { "/_sim/status", 12 }, status_get },
    { HTTP_PUT, { "/_sim/accounts/", 15 }, account_set },
    { HTTP_DELETE, { "/_sim/accounts/", 15 }, account_delete },
    { HTTP_GET, { "/_sim/oauth", 11 }, oauth_get },
    { HTTP_PUT, { "/_sim/oauth", 11 }, oauth_change },
    { HTTP_DELETE, { "/_sim/oauth", 11 }, oauth_delete },
    { HTTP_PUT, { "/_sim/cache", 11 }, cache_set },
    { HTTP_DELETE, { "/_sim/cache", 11 }, cache_delete },
};

void control_respond(struct world *w, struct records *records, uint32_t running,
                     const struct call *call, struct arena *a, struct reply *r)
{
    struct control c = {
        .world = w, .records = records, .running = running, .call = call, .arena = a, .reply = r
    };
    bool path_known = false;

    reply_field(r, STR("content-type"), STR("application/json"));
    for (size_t i = 0; i < COUNT(resources); i++) {
        bool prefix = str_ends(resources[i].path, STR("/"));
        bool matches = prefix ? str_starts(call->path, resources[i].path)
                              : str_eq(call->path, resources[i].path);

        if (matches && resources[i].method == call->method) {
            c.rest = str_drop(call->path, resources[i].path.len);
            resources[i].fn(&c);
            return;
        }
        path_known = path_known || matches;
    }
    refuse(&c, path_known ? 405 : 404,
           path_known ? STR("the method is not allowed here") : STR("there is no such resource"));
}
