/* wire/anthropic/request_tools.c - the tools of a request and what the model shall do with them. */
#include "wire/anthropic/request_int.h"
#include "wire/format_int.h"

#define HISTORY_TOOLS_MAX 64

#define FREE_TEXT_SCHEMA                                                                   \
    "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},\"required\":[" \
    "\"input\"]}"

bool anthropic_put_schema(struct anthropic_body *b, struct str raw, bool openapi,
                          enum schema_form form, const struct tool *t)
{
    const char *what = "";
    enum schema_result result;
    struct str path;

    if (b->own && raw.len > 0) { /* it was written for Anthropic */
        json_put_raw(b->json, raw);
        return true;
    }
    result = schema_put(b->json, raw, openapi, form, form == SCHEMA_ANTHROPIC, b->w->a, &what);
    if (result == SCHEMA_SAME)
        return true;
    path = t == NULL ? b->w->r->where[FIELD_FORMAT] : canon_tool_path(b->w->r, t->at, b->w->a);
    if (result == SCHEMA_CHANGED) {
        approximate_path(b->w, path);
        return true;
    }
    return refuse_path(b->w, path,
                       arena_printf(b->w->a, "has a schema that cannot be used: %s", what));
}

/* A tool that takes free text becomes one with a single string; the grammar goes into words. */
static struct text description_of(struct anthropic_body *b, const struct tool *t)
{
    if (!t->custom || t->grammar.len == 0)
        return t->description;
    return anthropic_join(b->w->a, t->description,
                          text_is_empty(t->description) ? TEXT_EMPTY : TEXT_LIT("\\n\\n"),
                          text_join(b->w->a, TEXT_LIT("The input must fit this grammar: "),
                                    text_from(b->w->a, t->grammar)));
}

static bool put_tool(struct anthropic_body *b, const struct tool *t, bool last)
{
    struct json_writer *w = b->json;
    struct text description;

    if (b->own && t->raw.len > 0) {
        json_put_raw(w, t->raw);
        return true;
    }
    description = description_of(b, t);
    json_put_object(w);
    json_put_member(w, "name", names_to_wire(b->w->names, t->name_space, t->name));
    if (!text_is_empty(description))
        anthropic_put_text(w, "description", description);
    json_put_name(w, STR("input_schema"));
    if (t->custom) {
        json_put_raw(w, STR(FREE_TEXT_SCHEMA));
        approximate_path(b->w, canon_tool_path(b->w->r, t->at, b->w->a));
    } else if (!anthropic_put_schema(b, t->schema, t->openapi, SCHEMA_ANTHROPIC, t)) {
        return false;
    }
    if (t->strict == TRI_YES) {
        if (b->w->t->facts.anthropic.schema && !b->w->t->lacks.strict && !t->custom)
            json_put_member_bool(w, "strict", true);
        else
            lose_path(b->w, arena_printf(b->w->a, "%.*s.strict",
                                         STR_ARG(canon_tool_path(b->w->r, t->at, b->w->a))));
    }
    anthropic_put_cache(w, anthropic_cache_of(b, t->cache, last));
    json_put_end(w);
    return true;
}

static bool put_json_tool(struct anthropic_body *b)
{
    const struct answer_format *f = &b->w->r->format;
    struct json_writer *w = b->json;

    json_put_object(w);
    json_put_member(w, "name", b->plan.json_tool);
    anthropic_put_text(w, "description",
                       text_is_empty(f->description) ? TEXT_LIT("Gives the answer as JSON.")
                                                     : f->description);
    json_put_name(w, STR("input_schema"));
    if (!anthropic_put_schema(b, f->schema, f->openapi, SCHEMA_ANTHROPIC, NULL))
        return false;
    json_put_end(w);
    return true;
}

static bool is_named(const struct canon_request *r, struct str name)
{
    for (const struct tool *t = r->tools; t != NULL; t = t->next)
        if (str_eq(t->name, name))
            return true;
    return false;
}

/* --- tools that the provider runs -------------------------------------------------------------*/

static void put_location(struct json_writer *w, const struct json *doc, uint32_t location)
{
    static const struct str names[] = { STR("city"), STR("region"), STR("country"),
                                        STR("timezone") };
    uint32_t inner = member(doc, location, "approximate"); /* openai-chat has it one level deeper */

    if (is_type(doc, inner, JSON_OBJECT))
        location = inner;
    json_put_name(w, STR("user_location"));
    json_put_object(w);
    json_put_member(w, "type", STR("approximate"));
    for (size_t i = 0; i < COUNT(names); i++) {
        uint32_t node = member_named(doc, location, names[i]);

        if (is_type(doc, node, JSON_STRING))
            json_put_member_raw(w, names[i].at, json_raw(doc, node));
    }
    json_put_end(w);
}

/* What OpenAI's clients say about a search, as far as Anthropic has it. */
static void put_search_options(struct anthropic_body *b, const struct server_tool *t,
                               struct str path)
{
    struct json doc;
    uint32_t filters, domains, location;

    if (t->raw.len == 0 || !json_parse(&doc, t->raw, NULL, b->w->a, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return;
    filters = member(&doc, 0, "filters");
    domains =
        is_type(&doc, filters, JSON_OBJECT) ? member(&doc, filters, "allowed_domains") : JSON_NONE;
    location = member(&doc, 0, "user_location");
    if (is_type(&doc, domains, JSON_ARRAY) && json_first(&doc, domains) != JSON_NONE)
        json_put_member_raw(b->json, "allowed_domains", json_raw(&doc, domains));
    if (is_type(&doc, location, JSON_OBJECT))
        put_location(b->json, &doc, location);
    if (member(&doc, 0, "search_context_size") != JSON_NONE)
        lose_path(b->w, arena_printf(b->w->a, "%.*s.search_context_size", STR_ARG(path)));
}

/* Tools of other protocols that Anthropic has as well. */
static const struct server_word {
    enum server_tool_kind kind;
    struct str type, name;
} server_words[] = {
    { SERVER_TOOL_WEB_SEARCH, STR("web_search_20250305"), STR("web_search") },
    { SERVER_TOOL_WEB_FETCH, STR("web_fetch_20250910"), STR("web_fetch") },
};

/* NULL: there is none, or the client has a tool of its own by that name. */
static const struct server_word *server_word_find(const struct anthropic_body *b,
                                                  const struct server_tool *t)
{
    for (size_t i = 0; i < COUNT(server_words) && b->w->t->own_service; i++)
        if (server_words[i].kind == t->kind)
            return is_named(b->w->r, server_words[i].name) ? NULL : &server_words[i];
    return NULL;
}

static bool server_tool_fits(const struct anthropic_body *b, const struct server_tool *t)
{
    if (b->w->t->lacks.tools)
        return false;
    return b->own ? t->raw.len > 0 : server_word_find(b, t) != NULL;
}

/* Anthropic's own tools as they came, others in its words. */
static void put_server_tool(struct anthropic_body *b, const struct server_tool *t)
{
    const struct server_word *word = server_word_find(b, t);

    if (b->own) {
        json_put_raw(b->json, t->raw);
        return;
    }
    json_put_object(b->json);
    json_put_member(b->json, "type", word->type);
    json_put_member(b->json, "name", word->name);
    if (t->kind == SERVER_TOOL_WEB_SEARCH)
        put_search_options(b, t, canon_tool_path(b->w->r, t->at, b->w->a));
    json_put_end(b->json);
}

/* --- all of them ------------------------------------------------------------------------------*/

/* The list is opened by the first tool. */
static void begin(struct anthropic_body *b, bool *begun)
{
    if (*begun)
        return;
    json_put_name(b->json, STR("tools"));
    json_put_array(b->json);
    *begun = true;
}

/* The request declares no tools, but its history has calls: Anthropic wants them declared. The
 * names once each, without parameters; the choice is none, for the client offers none. */
static void put_history_tools(struct anthropic_body *b, bool *begun)
{
    struct str seen[HISTORY_TOOLS_MAX];
    size_t count = 0;

    for (const struct message *m = b->w->r->messages; m != NULL; m = m->next)
        for (const struct part *p = m->parts; p != NULL; p = p->next) {
            size_t i = 0;

            if (p->kind != PART_TOOL_CALL || count == HISTORY_TOOLS_MAX)
                continue;
            while (i < count && !str_eq(seen[i], p->call.name))
                i++;
            if (i < count)
                continue;
            seen[count++] = p->call.name;
            begin(b, begun);
            json_put_object(b->json);
            json_put_member(b->json, "name",
                            names_to_wire(b->w->names, p->call.name_space, p->call.name));
            json_put_member_raw(b->json, "input_schema",
                                STR("{\"type\":\"object\",\"properties\":{}}"));
            json_put_end(b->json);
        }
}

static void put_choice(struct anthropic_body *b)
{
    static const struct str types[] = {
        [CHOICE_AUTO] = STR("auto"),
        [CHOICE_NONE] = STR("none"),
        [CHOICE_ANY] = STR("any"),
        [CHOICE_ONE] = STR("tool"),
    };
    const struct anthropic_plan *p = &b->plan;

    if (p->choice == CHOICE_UNSET)
        return;
    json_put_name(b->json, STR("tool_choice"));
    json_put_object(b->json);
    json_put_member(b->json, "type", types[p->choice]);
    if (p->choice == CHOICE_ONE)
        json_put_member(b->json, "name", p->choice_name);
    if (p->serial && p->choice != CHOICE_NONE)
        json_put_member_bool(b->json, "disable_parallel_tool_use", true);
    json_put_end(b->json);
}

/* The last tool that is written, for our own cache mark. */
static const struct tool *last_offered(const struct anthropic_body *b)
{
    const struct tool *last = NULL;

    for (const struct tool *t = b->w->r->tools; t != NULL; t = t->next)
        if (plan_offers(b->w, t))
            last = t;
    return last;
}

bool anthropic_put_tools(struct anthropic_body *b)
{
    const struct tool *last = last_offered(b);
    bool begun = false;

    for (const struct tool *t = b->w->r->tools; t != NULL; t = t->next) {
        if (!plan_offers(b->w, t)) {
            if (b->w->t->lacks.tools)
                lose_path(b->w, canon_tool_path(b->w->r, t->at, b->w->a));
            continue;
        }
        begin(b, &begun);
        if (!put_tool(b, t, t == last))
            return false;
    }
    for (const struct server_tool *t = b->w->r->server_tools; t != NULL; t = t->next) {
        if (!server_tool_fits(b, t)) {
            lose_path(b->w, canon_tool_path(b->w->r, t->at, b->w->a));
            continue;
        }
        begin(b, &begun);
        put_server_tool(b, t);
    }
    if (b->plan.json_tool.len > 0) {
        begin(b, &begun);
        if (!put_json_tool(b))
            return false;
    }
    if (!begun && !b->w->t->lacks.tools) {
        put_history_tools(b, &begun);
        if (begun)
            b->plan.choice = CHOICE_NONE;
    }
    if (!begun)
        return true;
    json_put_end(b->json);
    put_choice(b);
    return true;
}
