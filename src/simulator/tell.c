#include "simulator/tell.h"

#include <stdlib.h>

#include "base/json_write.h"
#include "base/timetext.h"

struct told {
    struct told *next;
    char *key;
    size_t key_len;
    char plan[TELL_NAME_MAX], project[TELL_NAME_MAX];
    int64_t onboard; /* calls of onboardUser until there is a project */
    struct tell_figure windows[TELL_WINDOWS_MAX], models[TELL_MODELS_MAX];
    uint32_t window_count, model_count;
};

struct tells {
    struct told *first;
    uint32_t count;
};

struct tells *tells_new(void)
{
    return must_calloc(1, sizeof(struct tells));
}

static void told_free(struct told *t)
{
    free(t->key);
    free(t);
}

void tells_free(struct tells *t)
{
    if (t == NULL)
        return;
    for (struct told *one = t->first, *next; one != NULL; one = next) {
        next = one->next;
        told_free(one);
    }
    free(t);
}

static struct told *told_find(const struct tells *t, struct str key)
{
    struct told *one = t->first;

    while (one != NULL && !str_eq((struct str){ one->key, one->key_len }, key))
        one = one->next;
    return one;
}

void tells_forget(struct tells *t, struct str key)
{
    for (struct told **at = &t->first; *at != NULL; at = &(*at)->next)
        if (str_eq((struct str){ (*at)->key, (*at)->key_len }, key)) {
            struct told *gone = *at;

            *at = gone->next;
            t->count--;
            told_free(gone);
            return;
        }
}

/* --- setting ----------------------------------------------------------------------------------*/

static enum status name_read(const struct json *doc, uint32_t node, const char *what,
                             char to[TELL_NAME_MAX], struct error *e)
{
    struct arena a = { 0 };
    struct str text = STR("");
    bool good = json_text(doc, node, &a, &text) && text.len > 0 && text.len < TELL_NAME_MAX;

    if (good) {
        memcpy(to, text.at, text.len);
        to[text.len] = '\0';
    }
    arena_free(&a);
    return good ? OK : fail(e, E_SYNTAX, "usage.%s: wants 1 to %d bytes", what, TELL_NAME_MAX - 1);
}

static enum status number_read(const struct json *doc, uint32_t object, const char *name,
                               int64_t most, int64_t *out, struct error *e)
{
    uint32_t node = json_member(doc, object, str_c(name), NULL);

    if (node == JSON_NONE)
        return OK;
    if (!json_i64(doc, node, out) || *out < 0 || *out > most)
        return fail(e, E_SYNTAX, "usage: \"%s\" wants a number from 0 to %lld", name,
                    (long long)most);
    return OK;
}

static enum status figures_read(const struct json *doc, uint32_t node, const char *what,
                                uint32_t most, int64_t now_unix_ms, struct tell_figure *to,
                                uint32_t *count, struct error *e)
{
    enum status st = OK;

    if (json_type(doc, node) != JSON_OBJECT)
        return fail(e, E_SYNTAX, "usage.%s: wants an object", what);
    for (uint32_t key = json_first(doc, node); key != JSON_NONE && st == OK;) {
        uint32_t value = json_after(doc, node, key);
        struct tell_figure *f = &to[*count];
        int64_t seconds = -1;

        if (*count == most)
            return fail(e, E_LIMIT, "usage.%s: has more than %u members", what, most);
        if (json_type(doc, value) != JSON_OBJECT)
            return fail(e, E_SYNTAX, "usage.%s: its members want objects", what);
        f->remaining_percent = 100;
        st = name_read(doc, key, what, f->name, e);
        if (st == OK)
            st = number_read(doc, value, "remaining_percent", 100, &f->remaining_percent, e);
        if (st == OK)
            st = number_read(doc, value, "reset_in_seconds", INT32_MAX, &seconds, e);
        if (st == OK)
            st = number_read(doc, value, "minutes", INT32_MAX, &f->minutes, e);
        if (seconds >= 0)
            f->reset_unix_ms = now_unix_ms + seconds * 1000;
        ++*count;
        key = json_after(doc, node, value);
    }
    return st;
}

static enum status told_read(struct told *t, const struct json *doc, uint32_t node,
                             int64_t now_unix_ms, struct error *e)
{
    enum status st = OK;

    for (uint32_t key = json_first(doc, node); key != JSON_NONE && st == OK;) {
        uint32_t value = json_after(doc, node, key);

        if (json_says(doc, key, STR("plan")))
            st = name_read(doc, value, "plan", t->plan, e);
        else if (json_says(doc, key, STR("project")))
            st = name_read(doc, value, "project", t->project, e);
        else if (json_says(doc, key, STR("onboard")))
            st = number_read(doc, node, "onboard", 100, &t->onboard, e);
        else if (json_says(doc, key, STR("windows")))
            st = figures_read(doc, value, "windows", TELL_WINDOWS_MAX, now_unix_ms, t->windows,
                              &t->window_count, e);
        else if (json_says(doc, key, STR("models")))
            st = figures_read(doc, value, "models", TELL_MODELS_MAX, now_unix_ms, t->models,
                              &t->model_count, e);
        else
            st = fail(e, E_SYNTAX,
                      "known members of usage: plan, project, onboard, windows, models");
        key = json_after(doc, node, value);
    }
    return st;
}

enum status tells_set(struct tells *t, struct str key, const struct json *doc, uint32_t node,
                      int64_t now_unix_ms, struct error *e)
{
    struct told *one;
    enum status st;

    if (json_type(doc, node) == JSON_NULL) {
        tells_forget(t, key);
        return OK;
    }
    if (json_type(doc, node) != JSON_OBJECT)
        return fail(e, E_SYNTAX, "\"usage\" must be an object or null");
    if (told_find(t, key) == NULL && t->count == TELL_ACCOUNTS_MAX)
        return fail(e, E_LIMIT, "more than %d accounts with usage", TELL_ACCOUNTS_MAX);
    one = must_calloc(1, sizeof(*one));
    one->key = must_alloc(key.len + 1);
    one->key_len = key.len;
    if (key.len > 0)
        memcpy(one->key, key.at, key.len);
    st = told_read(one, doc, node, now_unix_ms, e);
    if (st != OK) {
        told_free(one);
        return st;
    }
    tells_forget(t, key);
    one->next = t->first;
    t->first = one;
    t->count++;
    return OK;
}

/* --- paths ------------------------------------------------------------------------------------*/

enum tell_what tell_of_path(struct str path, const char **pseudo, bool *is_post)
{
    static const struct {
        struct str path;
        enum tell_what what;
        const char *pseudo;
        bool is_post;
    } paths[] = {
        { STR("/v1internal:loadCodeAssist"), TELL_LOAD, "loadCodeAssist", true },
        { STR("/v1internal:onboardUser"), TELL_ONBOARD, "onboardUser", true },
        { STR("/v1internal:fetchAvailableModels"), TELL_AVAILABLE, "fetchAvailableModels", true },
        { STR("/backend-api/wham/usage"), TELL_CODEX_USAGE, "usage", false },
        { STR("/backend-api/codex/models"), TELL_CODEX_MODELS, "models", false },
        { STR("/copilot_internal/user"), TELL_COPILOT_USER, "usage", false },
    };

    for (size_t i = 0; i < COUNT(paths); i++)
        if (str_eq(path, paths[i].path)) {
            *pseudo = paths[i].pseudo;
            *is_post = paths[i].is_post;
            return paths[i].what;
        }
    return TELL_NOTHING;
}

/* --- telling ----------------------------------------------------------------------------------*/

static void put_date(struct json_writer *w, const char *name, int64_t unix_ms)
{
    struct buf date;

    if (unix_ms == 0)
        return;
    buf_init(&date, 64);
    (void)date_put_rfc3339(&date, unix_ms);
    json_put_member(w, name, buf_str(&date));
    buf_clear(&date);
}

static struct str plan_of(const struct told *t, const char *otherwise)
{
    return str_c(t != NULL && t->plan[0] != '\0' ? t->plan : otherwise);
}

static void put_tier(struct json_writer *w, const char *name, struct str plan)
{
    json_put_key(w, str_c(name));
    json_put_object(w);
    json_put_key(w, STR("id"));
    json_put_format(w, "%.*s-tier", STR_ARG(plan));
    json_put_member(w, "name", plan);
    json_put_end(w);
}

static const char *project_of(const struct told *t)
{
    return t != NULL && t->project[0] != '\0' ? t->project : "sim-project";
}

static void tell_load(struct json_writer *w, const struct told *t)
{
    json_put_object(w);
    if (t != NULL && t->onboard > 0) {
        json_put_key(w, STR("allowedTiers"));
        json_put_array(w);
        json_put_object(w);
        json_put_key(w, STR("id"));
        json_put_format(w, "%.*s-tier", STR_ARG(plan_of(t, "free")));
        json_put_member_bool(w, "isDefault", true);
        json_put_end(w);
        json_put_end(w);
    } else {
        put_tier(w, "currentTier", STR("free"));
        if (t != NULL && t->plan[0] != '\0')
            put_tier(w, "paidTier", str_c(t->plan));
        json_put_member(w, "cloudaicompanionProject", str_c(project_of(t)));
    }
    json_put_end(w);
}

static void tell_onboard(struct json_writer *w, struct told *t)
{
    if (t != NULL && t->onboard > 0)
        t->onboard--;
    json_put_object(w);
    json_put_member(w, "name", STR("operations/onboard"));
    json_put_member_bool(w, "done", t == NULL || t->onboard == 0);
    if (t == NULL || t->onboard == 0) {
        json_put_key(w, STR("response"));
        json_put_object(w);
        json_put_key(w, STR("cloudaicompanionProject"));
        json_put_object(w);
        json_put_member(w, "id", str_c(project_of(t)));
        json_put_end(w);
        json_put_end(w);
    }
    json_put_end(w);
}

static void put_available(struct json_writer *w, struct str id, int64_t percent, int64_t reset_ms)
{
    json_put_key(w, id);
    json_put_object(w);
    json_put_member(w, "displayName", id);
    json_put_member_i64(w, "maxTokens", 1048576);
    json_put_member_i64(w, "maxOutputTokens", 65536);
    json_put_key(w, STR("quotaInfo"));
    json_put_object(w);
    if (percent > 0) { /* what is nothing is left out, as protobuf does */
        char text[16];
        struct buf number = { .at = text, .cap = sizeof(text), .max = sizeof(text) };

        (void)buf_printf(&number, "%lld.%02lld", (long long)(percent / 100),
                         (long long)(percent % 100));
        json_put_member_raw(w, "remainingFraction", buf_str(&number));
    }
    put_date(w, "resetTime", reset_ms);
    json_put_end(w);
    json_put_end(w);
}

static void tell_available(struct json_writer *w, const struct told *t, const struct rules *rules)
{
    json_put_object(w);
    json_put_key(w, STR("models"));
    json_put_object(w);
    if (t != NULL && t->model_count > 0) {
        for (uint32_t i = 0; i < t->model_count; i++)
            put_available(w, str_c(t->models[i].name), t->models[i].remaining_percent,
                          t->models[i].reset_unix_ms);
    } else {
        for (uint32_t i = 0; i < rules->model_count; i++)
            put_available(w, rules->models[i], 100, 0);
    }
    json_put_end(w);
    json_put_end(w);
}

static const struct tell_figure *window_of(const struct told *t, const char *name)
{
    for (uint32_t i = 0; t != NULL && i < t->window_count; i++)
        if (strcmp(t->windows[i].name, name) == 0)
            return &t->windows[i];
    return NULL;
}

static void put_codex_window(struct json_writer *w, const char *name, const struct told *t,
                             const char *window, int64_t minutes)
{
    const struct tell_figure *f = window_of(t, window);

    json_put_key(w, str_c(name));
    if (t != NULL && f == NULL) {
        json_put_null(w);
        return;
    }
    json_put_object(w);
    json_put_member_i64(w, "used_percent", f == NULL ? 0 : 100 - f->remaining_percent);
    json_put_member_i64(w, "limit_window_seconds",
                        (f == NULL || f->minutes == 0 ? minutes : f->minutes) * 60);
    if (f != NULL && f->reset_unix_ms != 0)
        json_put_member_i64(w, "reset_at", f->reset_unix_ms / 1000);
    json_put_end(w);
}

static void tell_codex_usage(struct json_writer *w, const struct told *t)
{
    json_put_object(w);
    json_put_member(w, "plan_type", plan_of(t, "plus"));
    json_put_key(w, STR("rate_limit"));
    json_put_object(w);
    json_put_member_bool(w, "allowed", true);
    put_codex_window(w, "primary_window", t, "primary", 300);
    put_codex_window(w, "secondary_window", t, "secondary", 10080);
    json_put_end(w);
    json_put_end(w);
}

static void tell_codex_models(struct json_writer *w, const struct rules *rules)
{
    json_put_object(w);
    json_put_key(w, STR("models"));
    json_put_array(w);
    for (uint32_t i = 0; i < rules->model_count; i++) {
        json_put_object(w);
        json_put_member(w, "slug", rules->models[i]);
        json_put_member(w, "display_name", rules->models[i]);
        json_put_member(w, "visibility", STR("list"));
        json_put_member_i64(w, "context_window", 272000);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_end(w);
}

static void tell_copilot_user(struct json_writer *w, const struct told *t)
{
    const struct tell_figure *f = window_of(t, "premium");
    int64_t left = f == NULL ? 100 : f->remaining_percent;

    json_put_object(w);
    json_put_member(w, "copilot_plan", plan_of(t, "individual"));
    json_put_key(w, STR("quota_snapshots"));
    json_put_object(w);
    json_put_key(w, STR("premium_interactions"));
    json_put_object(w);
    json_put_member_i64(w, "entitlement", 300);
    json_put_member_i64(w, "remaining", left * 3);
    json_put_member_i64(w, "percent_remaining", left);
    json_put_member_bool(w, "unlimited", false);
    json_put_end(w);
    json_put_end(w);
    if (f != NULL)
        put_date(w, "quota_reset_date_utc", f->reset_unix_ms);
    json_put_end(w);
}

bool tell_copilot_serves(struct str model, enum wire wire)
{
    bool claude = str_starts(model, STR("claude"));
    bool codex = str_find(model, STR("codex")) != SIZE_MAX;

    switch (wire) {
    case WIRE_OPENAI_CHAT:
        return !codex;
    case WIRE_OPENAI_RESPONSES:
        return codex || str_starts(model, STR("gpt-5"));
    case WIRE_ANTHROPIC:
        return claude;
    case WIRE_GEMINI:
    case WIRE_CLOUDCODE:
    case WIRES:
        break;
    }
    return false;
}

static void put_copilot_model(struct json_writer *w, struct str id)
{
    static const struct {
        enum wire wire;
        const char *path;
    } paths[] = { { WIRE_OPENAI_CHAT, "/chat/completions" },
                  { WIRE_OPENAI_RESPONSES, "/responses" },
                  { WIRE_ANTHROPIC, "/v1/messages" } };

    json_put_object(w);
    json_put_member(w, "id", id);
    json_put_member(w, "object", STR("model"));
    json_put_member(w, "name", id);
    json_put_member(w, "vendor", STR("simulator"));
    json_put_member_raw(w, "capabilities",
                        STR("{\"type\":\"chat\",\"limits\":{\"max_prompt_tokens\":128000,"
                            "\"max_output_tokens\":16384}}"));
    json_put_key(w, STR("supported_endpoints"));
    json_put_array(w);
    for (size_t i = 0; i < COUNT(paths); i++)
        if (tell_copilot_serves(id, paths[i].wire))
            json_put_str(w, str_c(paths[i].path));
    json_put_end(w);
    json_put_end(w);
}

static void tell_copilot_models(struct json_writer *w, const struct rules *rules)
{
    json_put_object(w);
    json_put_member(w, "object", STR("list"));
    json_put_key(w, STR("data"));
    json_put_array(w);
    for (uint32_t i = 0; i < rules->model_count; i++)
        put_copilot_model(w, rules->models[i]);
    json_put_end(w);
    json_put_end(w);
}

void tell(struct tells *t, enum tell_what what, struct str key, const struct rules *rules,
          struct reply *r)
{
    struct json_writer w = json_writer(&r->body);
    struct told *one = told_find(t, key);

    reply_field(r, STR("content-type"), STR("application/json"));
    switch (what) {
    case TELL_NOTHING:
        assert(false);
        return;
    case TELL_LOAD:
        tell_load(&w, one);
        break;
    case TELL_ONBOARD:
        tell_onboard(&w, one);
        break;
    case TELL_AVAILABLE:
        tell_available(&w, one, rules);
        break;
    case TELL_CODEX_USAGE:
        tell_codex_usage(&w, one);
        break;
    case TELL_CODEX_MODELS:
        tell_codex_models(&w, rules);
        break;
    case TELL_COPILOT_USER:
        tell_copilot_user(&w, one);
        break;
    case TELL_COPILOT_MODELS:
        tell_copilot_models(&w, rules);
        break;
    }
    r->full |= !json_written(&w);
}

void tell_codex_fields(const struct tells *t, struct str key, struct arena *a, struct reply *r)
{
    const struct told *one = told_find(t, key);

    for (uint32_t i = 0; one != NULL && i < one->window_count; i++) {
        const struct tell_figure *f = &one->windows[i];

        reply_field(r, arena_printf(a, "x-codex-%s-used-percent", f->name),
                    arena_printf(a, "%lld", (long long)(100 - f->remaining_percent)));
        if (f->minutes > 0)
            reply_field(r, arena_printf(a, "x-codex-%s-window-minutes", f->name),
                        arena_printf(a, "%lld", (long long)f->minutes));
        if (f->reset_unix_ms != 0)
            reply_field(r, arena_printf(a, "x-codex-%s-reset-at", f->name),
                        arena_printf(a, "%lld", (long long)(f->reset_unix_ms / 1000)));
    }
}

void tell_copilot_fields(const struct tells *t, struct str key, struct arena *a, struct reply *r)
{
    const struct tell_figure *f = window_of(told_find(t, key), "premium");
    struct buf value = { .max = 256 };

    if (f == NULL)
        return;
    (void)buf_printf(&value, "ent=300&ov=0.0&ovPerm=false&rem=%lld.0",
                     (long long)f->remaining_percent);
    if (f->reset_unix_ms != 0) {
        (void)buf_add(&value, STR("&rst="));
        (void)date_put_rfc3339(&value, f->reset_unix_ms);
    }
    reply_field(r, STR("x-quota-snapshot-premium_interactions"), arena_copy(a, buf_str(&value)));
    buf_clear(&value);
}
