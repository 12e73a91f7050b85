/* app/desk_routing.c - the routes as the admin API shows and changes them, and what would become of
 * a name. */
#include "app/desk_int.h"

#include "exchange/forecast.h"
#include "exchange/session.h"
#include "route/preset.h"

#define ROUTING_MAX ((size_t)16 << 20) /* of an answer: as large as settings may be */

/* --- looking */

static void put_mapping(struct json_writer *w, const struct mapping_spec *list, size_t count)
{
    json_put_object(w);
    for (size_t i = 0; i < count; i++) {
        json_put_key(w, list[i].from);
        json_put_str(w, list[i].to);
    }
    json_put_end(w);
}

static void put_presets(struct json_writer *w)
{
    const struct route_preset *p;

    json_put_key(w, STR("presets"));
    json_put_array(w);
    for (size_t i = 0; (p = route_preset_at(i)) != NULL; i++) {
        json_put_object(w);
        json_put_member(w, "id", str_c(p->id));
        json_put_member(w, "title", str_c(p->title));
        json_put_member(w, "text", str_c(p->text));
        json_put_key(w, STR("mapping"));
        put_mapping(w, p->mapping, p->mapping_count);
        json_put_end(w);
    }
    json_put_end(w);
}

/* A member of `routing` as the file has it. */
static void put_raw_member(struct json_writer *w, const struct json *doc, const char *name)
{
    uint32_t node = json_member(doc, 0, str_c(name), NULL);

    json_put_key(w, str_c(name));
    if (node == JSON_NONE || json_type(doc, node) == JSON_NULL)
        json_put_raw(w, STR("{}"));
    else
        json_put_raw(w, json_raw(doc, node));
}

/* With the rules that are in force where the file names none. */
static void put_background(struct json_writer *w, const struct background_spec *s)
{
    const struct background_rule *rules = s->rules;
    size_t count = s->rule_count;

    if (rules == NULL)
        rules = background_builtin(&count);
    json_put_key(w, STR("background"));
    json_put_object(w);
    json_put_member_bool(w, "enabled", s->enabled);
    json_put_key(w, STR("model"));
    if (s->model.len > 0)
        json_put_str(w, s->model);
    else
        json_put_null(w);
    json_put_key(w, STR("models"));
    json_put_object(w);
    for (unsigned i = 0; i < BACKGROUND_KINDS; i++)
        if (s->models[i].len > 0)
            json_put_member(w, background_word((enum background_kind)i), s->models[i]);
    json_put_end(w);
    json_put_member_bool(w, "builtin_rules", s->rules == NULL);
    json_put_key(w, STR("rules"));
    json_put_array(w);
    for (size_t i = 0; i < count; i++) {
        json_put_object(w);
        json_put_member(w, "kind", str_c(background_word(rules[i].kind)));
        json_put_member(w, "in", rules[i].in_system ? STR("system") : STR("user"));
        json_put_member(w, "pattern", rules[i].pattern);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_end(w);
}

static void put_missing(struct desk *d, struct json_writer *w, const struct route_spec *specs,
                        size_t count, const char *list)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < specs[i].entry_count; k++) {
            struct str account = specs[i].entries[k].account;

            if (account.len == 0 || pool_labelled(d->o.pool, account) != 0)
                continue;
            json_put_object(w);
            json_put_key(w, STR("path"));
            json_put_format(w, "routing.%s.%.*s.entries[%zu].account", list, STR_ARG(specs[i].name),
                            k);
            json_put_member(w, "account", account);
            json_put_end(w);
        }
}

static void put_routing(struct desk *d, struct admin_outcome *out)
{
    const struct settings *s = config_file_settings(d->config);
    const struct routing_spec *spec = &s->routing;
    struct arena a = { 0 };
    struct json doc;
    bool good = json_parse(&doc, s->routing_raw, NULL, &a, NULL);

    assert(good); /* the settings were read from it */
    buf_clear(&out->body);
    buf_init(&out->body, ROUTING_MAX);
    struct json_writer w = json_writer(&out->body);

    json_put_object(&w);
    json_put_key(&w, STR("mapping"));
    put_mapping(&w, spec->mapping, spec->mapping_count);
    put_raw_member(&w, &doc, "flows");
    put_raw_member(&w, &doc, "accounts");
    put_background(&w, &spec->background);
    json_put_key(&w, STR("missing"));
    json_put_array(&w);
    put_missing(d, &w, spec->flows, spec->flow_count, "flows");
    put_missing(d, &w, spec->accounts, spec->account_count, "accounts");
    json_put_end(&w);
    put_presets(&w);
    json_put_member_i64(&w, "revision", (int64_t)desk_revision(d));
    json_put_end(&w);
    out->status = 200;
    if (!json_written(&w))
        outcome_error(out, E_IO, "the answer would be larger than 16 MiB");
    arena_free(&a);
}

void desk_routing(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    (void)c;
    put_routing(d, out);
}

/* --- changing */

/* `"7"`, or 7, as an If-Match field says it; 0: any. */
static bool read_revision(const struct admin_call *c, const struct json *doc, int64_t *revision,
                          struct admin_outcome *out)
{
    struct str match = str_trim(admin_call_if_match(c));
    uint32_t node = json_member(doc, 0, STR("revision"), NULL);

    *revision = 0;
    if (node != JSON_NONE && (!json_i64(doc, node, revision) || *revision < 1)) {
        outcome_wrong(out, "revision", "must be a number that GET /api/routing has given");
        return false;
    }
    if (match.len == 0 || str_eq(match, STR("*")))
        return true;
    if (match.len > 2 && match.at[0] == '"' && str_ends(match, STR("\"")))
        match = str_drop_last(str_drop(match, 1), 1);
    if (!str_to_i64(match, revision) || *revision < 1) {
        outcome_wrong(out, "If-Match", "must be a revision that GET /api/routing has given");
        return false;
    }
    return true;
}

/* `path: reason` as the settings tell it. */
static void refuse(struct admin_outcome *out, enum status st, const char *text, struct arena *a)
{
    size_t colon = str_find(str_c(text), STR(": "));

    if (st != E_SYNTAX || colon == SIZE_MAX)
        outcome_error(out, st, text);
    else
        outcome_wrong(out, arena_copy(a, str_take(str_c(text), colon)).at, text + colon + 2);
}

/* What GET has told comes back as the file has it: whether the rules are the built-in ones is not
 * written, nor are those then. */
static struct str background_raw(const struct json *doc, uint32_t node, struct arena *a)
{
    uint32_t builtin = json_member(doc, node, STR("builtin_rules"), NULL);
    struct buf out = { .max = SETTINGS_BYTES_MAX };
    struct json_writer w = json_writer(&out);

    if (builtin == JSON_NONE)
        return json_raw(doc, node);
    json_put_object(&w);
    for (uint32_t i = json_first(doc, node); i != JSON_NONE;) {
        uint32_t key = i, value = json_after(doc, node, key);

        i = json_after(doc, node, value);
        if (json_says(doc, key, STR("builtin_rules")) ||
            (json_says(doc, key, STR("rules")) && json_is_true(doc, builtin)))
            continue;
        json_put_name(&w, json_inside(doc, key));
        json_put_raw(&w, json_raw(doc, value));
    }
    json_put_end(&w);
    bool good = json_written(&w);

    assert(good); /* it is shorter than what came */
    struct str raw = arena_copy(a, buf_str(&out));

    buf_clear(&out);
    return raw;
}

/* Members that are absent stay as they are. A mapping may name a flow that comes or goes with it:
 * so it is taken out first, and put in last. */
void desk_routing_set(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    static const char *const members[] = { "mapping",    "flows",    "accounts",
                                           "background", "revision", NULL };
    static const char *const paths[] = { "proxy.custom_mapping", "routing.flows",
                                         "routing.accounts", "routing.background" };
    struct settings_change changes[COUNT(paths) + 1];
    struct arena a = { 0 };
    struct json doc;
    struct error e = { 0 };
    size_t count = 0;
    int64_t revision;

    if (!outcome_body(admin_call_body(c), members, &a, &doc, out) ||
        !read_revision(c, &doc, &revision, out))
        goto done;
    uint32_t mapping = json_member(&doc, 0, STR("mapping"), NULL);

    if (mapping != JSON_NONE)
        changes[count++] = (struct settings_change){ str_c(paths[0]), STR("{}") };
    for (size_t i = 1; i < COUNT(paths); i++) {
        uint32_t node = json_member(&doc, 0, str_c(members[i]), NULL);

        if (node != JSON_NONE)
            changes[count++] =
                (struct settings_change){ str_c(paths[i]),
                                          str_eq(str_c(members[i]), STR("background"))
                                              ? background_raw(&doc, node, &a)
                                              : json_raw(&doc, node) };
    }
    if (mapping != JSON_NONE)
        changes[count++] = (struct settings_change){ str_c(paths[0]), json_raw(&doc, mapping) };
    if (count == 0) {
        outcome_error(out, E_SYNTAX, "give mapping, flows, accounts or background");
        goto done;
    }
    enum status st = config_file_change_all(d->config, changes, count, (uint64_t)revision, &e);

    if (st == OK)
        put_routing(d, out);
    else
        refuse(out, st, e.text, &a);
done:
    arena_free(&a);
}

/* --- what would become of a name */

static bool take_flag(const struct json *doc, const char *name, bool *flag,
                      struct admin_outcome *out)
{
    uint32_t node = json_member(doc, 0, str_c(name), NULL);

    if (node == JSON_NONE || json_type(doc, node) == JSON_NULL)
        return true;
    *flag = json_type(doc, node) == JSON_TRUE;
    if (*flag || json_type(doc, node) == JSON_FALSE)
        return true;
    outcome_wrong(out, name, "must be true or false");
    return false;
}

static bool take_text(const struct json *doc, const char *name, struct arena *a, struct str *text,
                      struct admin_outcome *out)
{
    uint32_t node = json_member(doc, 0, str_c(name), NULL);

    *text = STR("");
    if (node == JSON_NONE || json_type(doc, node) == JSON_NULL || json_text(doc, node, a, text))
        return true;
    outcome_wrong(out, name, "must be a text");
    return false;
}

static bool explain_read(const struct json *doc, struct arena *a, struct forecast_ask *ask,
                         struct admin_outcome *out)
{
    struct str protocol, session;
    uint32_t tokens = json_member(doc, 0, STR("context_tokens"), NULL);

    ask->facts.minute = clock_local_minute();
    if (!take_text(doc, "model", a, &ask->model, out) ||
        !take_text(doc, "protocol", a, &protocol, out) ||
        !take_text(doc, "session", a, &session, out) ||
        !take_flag(doc, "images", &ask->facts.images, out) ||
        !take_flag(doc, "tools", &ask->facts.tools, out) ||
        !take_flag(doc, "thinking", &ask->facts.thinking, out))
        return false;
    if (ask->model.len == 0) {
        outcome_wrong(out, "model", "is missing");
        return false;
    }
    if (protocol.len > 0 &&
        (!wire_from_name(protocol, &ask->protocol) || ask->protocol >= PROTOCOLS)) {
        outcome_wrong(out, "protocol",
                      "is none of openai-chat, openai-responses, anthropic, gemini");
        return false;
    }
    if (tokens != JSON_NONE &&
        (!json_i64(doc, tokens, &ask->facts.context_tokens) || ask->facts.context_tokens < 0)) {
        outcome_wrong(out, "context_tokens", "must be a number of tokens");
        return false;
    }
    ask->has_session = session.len > 0;
    if (ask->has_session && !session_key_from_hex(session, &ask->session))
        session_key_named(session, &ask->session);
    return true;
}

void desk_routing_explain(struct desk *d, const struct admin_call *c, struct admin_outcome *out)
{
    static const char *const members[] = { "model", "protocol", "session",        "images",
                                           "tools", "thinking", "context_tokens", NULL };
    const struct settings *s = config_file_settings(d->config);
    struct forecast_ask ask = { .protocol = WIRE_OPENAI_CHAT };
    struct arena a = { 0 };
    struct json doc;

    if (outcome_body(admin_call_body(c), members, &a, &doc, out) &&
        explain_read(&doc, &a, &ask, out)) {
        struct json_writer w = json_writer(&out->body);

        out->status = 200;
        forecast_put(d->o.pool, s->routes, &ask, loop_now(d->loop), &w);
    }
    arena_free(&a);
}
