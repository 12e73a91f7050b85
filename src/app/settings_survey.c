/* app/settings_survey.c - what is odd about a settings text without being a fault. */
#include "app/settings_int.h"

struct survey {
    const struct json *doc;
    struct arena *a;
    void (*fn)(void *peer, enum settings_oddity kind, struct str path);
    void *peer;
};

static struct str below(const struct survey *v, struct str group, struct str name)
{
    if (group.len == 0)
        return name.len > 0 ? name : STR("\"\"");
    return arena_printf(v->a, "%.*s.%.*s", STR_ARG(group), STR_ARG(name));
}

static bool is_secret(struct str member)
{
    static const char *const names[] = { "api_key", "refresh_token", "key", "client_secret" };

    for (size_t i = 0; i < COUNT(names); i++)
        if (str_eq(member, str_c(names[i])))
            return true;
    return false;
}

/* `within` stands in front of the names in `docs`: "" or `entries[].`. */
static void members(const struct survey *v, struct str at, uint32_t object,
                    const struct member_doc *docs, const char *within)
{
    if (json_type(v->doc, object) != JSON_OBJECT)
        return;
    for (uint32_t i = json_first(v->doc, object); i != JSON_NONE;
         i = json_after(v->doc, object, i)) {
        struct str name = STR("");
        bool is_string = json_text(v->doc, i, v->a, &name);

        assert(is_string);
        i = json_after(v->doc, object, i);
        if (!settings_has_member(docs, arena_printf(v->a, "%s%.*s", within, STR_ARG(name))) &&
            !str_eq(name, STR("comment")))
            v->fn(v->peer, SETTINGS_UNKNOWN, below(v, at, name));
        else if (is_secret(name) && json_type(v->doc, i) == JSON_STRING)
            v->fn(v->peer, SETTINGS_SECRET_IN_CLEAR, below(v, at, name));
    }
}

static void list(const struct survey *v, struct str at, uint32_t array,
                 const struct member_doc *docs, const char *within)
{
    size_t n = 0;

    if (json_type(v->doc, array) != JSON_ARRAY)
        return;
    for (uint32_t i = json_first(v->doc, array); i != JSON_NONE; i = json_after(v->doc, array, i))
        members(v, arena_printf(v->a, "%.*s[%zu]", STR_ARG(at), n++), i, docs, within);
}

static void provider(const struct survey *v, struct str at, uint32_t object)
{
    uint32_t oauth = json_member(v->doc, object, STR("oauth"), NULL);

    members(v, at, object, provider_docs, "");
    if (oauth != JSON_NONE)
        members(v, below(v, at, STR("oauth")), oauth, oauth_docs, "");
}

static void providers(const struct survey *v, struct str at, uint32_t object)
{
    for (uint32_t i = json_first(v->doc, object); i != JSON_NONE;
         i = json_after(v->doc, object, i)) {
        struct str name = STR("");
        bool is_string = json_text(v->doc, i, v->a, &name);

        assert(is_string);
        i = json_after(v->doc, object, i);
        if (provider_exists(name))
            provider(v, below(v, at, name), i);
        else
            v->fn(v->peer, SETTINGS_UNKNOWN, below(v, at, name));
    }
}

/* An object of objects that all have the same members, under names of the user's; some have a list
 * of objects, `entries`. */
static void named(const struct survey *v, struct str at, uint32_t object,
                  const struct member_doc *docs)
{
    if (json_type(v->doc, object) != JSON_OBJECT)
        return;
    for (uint32_t i = json_first(v->doc, object); i != JSON_NONE;
         i = json_after(v->doc, object, i)) {
        struct str name = STR("");
        bool is_string = json_text(v->doc, i, v->a, &name);

        assert(is_string);
        i = json_after(v->doc, object, i);
        struct str here = below(v, at, name);
        uint32_t entries = json_member(v->doc, i, STR("entries"), NULL);

        members(v, here, i, docs, "");
        if (entries != JSON_NONE)
            list(v, below(v, here, STR("entries")), entries, docs, "entries[].");
    }
}

/* What else somebody writes beside flows and routes is their own, but for what they are made of. */
static void routing(const struct survey *v, struct str at, uint32_t object)
{
    uint32_t flows = json_member(v->doc, object, STR("flows"), NULL),
             accounts = json_member(v->doc, object, STR("accounts"), NULL),
             background = json_member(v->doc, object, STR("background"), NULL);

    if (flows != JSON_NONE)
        named(v, below(v, at, STR("flows")), flows, route_flow_docs);
    if (accounts != JSON_NONE)
        named(v, below(v, at, STR("accounts")), accounts, route_account_docs);
    if (background != JSON_NONE)
        members(v, below(v, at, STR("background")), background, route_background_docs, "");
}

static void key(const struct survey *v, struct str path, const struct key_row *row, uint32_t node)
{
    if (row->kind == &kind_accounts)
        list(v, path, node, account_docs, "");
    else if (row->kind == &kind_client_keys)
        list(v, path, node, client_key_docs, "");
    else if (row->kind == &kind_providers)
        providers(v, path, node);
    else if (row->kind == &kind_prices)
        named(v, path, node, price_docs);
    else if (row->kind == &kind_routing && json_type(v->doc, node) == JSON_OBJECT)
        routing(v, path, node);
}

/* As deep as the table has groups: three levels. */
static void group(const struct survey *v, struct str at, uint32_t object)
{
    for (uint32_t i = json_first(v->doc, object); i != JSON_NONE;
         i = json_after(v->doc, object, i)) {
        struct str name = STR("");
        bool is_string = json_text(v->doc, i, v->a, &name);

        assert(is_string);
        i = json_after(v->doc, object, i);
        struct str path = below(v, at, name);
        const struct key_row *row = settings_row_find(path);
        bool dotted = name.len > 0 && memchr(name.at, '.', name.len) != NULL;

        if (dotted || !settings_path_is_known(path)) /* `"a.b"` is not the `b` of `a` */
            v->fn(v->peer, SETTINGS_UNKNOWN, path);
        else if (row != NULL)
            key(v, path, row, i);
        else
            group(v, path, i);
    }
}

void settings_survey(struct str text,
                     void (*fn)(void *peer, enum settings_oddity kind, struct str path), void *peer)
{
    struct arena a = { 0 };
    struct json doc;
    struct survey v = { &doc, &a, fn, peer };

    if (json_parse(&doc, text, NULL, &a, NULL) && json_type(&doc, 0) == JSON_OBJECT)
        group(&v, STR(""), 0);
    arena_free(&a);
}
