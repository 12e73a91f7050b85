/* wire/openai_responses/write_tools.c - tools and the choice among them. */
#include "wire/openai_responses/write_int.h"

#include <stdlib.h>

#include "wire/format_int.h"
#include "wire/schema.h"

static bool put_schema(struct request_writer *w, const struct tool *tool)
{
    bool strict = tool->strict == TRI_YES && !w->t->lacks.strict;
    const char *what = "";

    json_put_name(w->w, STR("parameters"));
    switch (schema_put(w->w, tool->schema, tool->openapi,
                       strict ? SCHEMA_OPENAI_STRICT : SCHEMA_OPENAI, true, w->a, &what)) {
    case SCHEMA_SAME:
        break;
    case SCHEMA_CHANGED:
        approximate_path(w, canon_tool_path(w->r, tool->at, w->a));
        break;
    case SCHEMA_REFUSED:
        return refuse_path(w, canon_tool_path(w->r, tool->at, w->a), str_c(what));
    }
    return true;
}

static bool put_function(struct request_writer *w, const struct tool *tool)
{
    json_put_object(w->w);
    json_put_member(w->w, "type", STR("function"));
    json_put_member(w->w, "name", names_to_wire(w->names, tool->name_space, tool->name));
    if (!text_is_empty(tool->description))
        put_text(w->w, "description", tool->description);
    if (!put_schema(w, tool))
        return false;
    /* left out it means true here, as nowhere else */
    if (!w->t->lacks.strict && (tool->strict != TRI_UNSET || !is_own(w)))
        json_put_member_bool(w->w, "strict", tool->strict == TRI_YES);
    else if (tool->strict == TRI_YES)
        lose_path(w, arena_printf(w->a, "%s.strict", canon_tool_path(w->r, tool->at, w->a).at));
    if (tool->deferred && is_own(w))
        json_put_member_bool(w->w, "defer_loading", true);
    json_put_end(w->w);
    return true;
}

/* Chat has the grammar in an object of its own, here its members stand beside the type. */
static void put_format(struct request_writer *w, struct str raw)
{
    struct json doc;
    uint32_t grammar;

    json_put_name(w->w, STR("format"));
    if (w->r->protocol != WIRE_OPENAI_CHAT || !json_parse(&doc, raw, NULL, w->a, NULL) ||
        !is_type(&doc, grammar = member(&doc, 0, "grammar"), JSON_OBJECT)) {
        json_put_raw(w->w, raw);
        return;
    }
    json_put_object(w->w);
    json_put_member(w->w, "type", STR("grammar"));
    for (uint32_t key = json_first(&doc, grammar); key != JSON_NONE;
         key = json_after(&doc, grammar, key + 1)) {
        json_put_key(w->w, json_inside(&doc, key));
        json_put_raw(w->w, json_raw(&doc, key + 1));
    }
    json_put_end(w->w);
}

static void put_custom(struct request_writer *w, const struct tool *tool)
{
    json_put_object(w->w);
    json_put_member(w->w, "type", STR("custom"));
    json_put_member(w->w, "name", names_to_wire(w->names, tool->name_space, tool->name));
    if (!text_is_empty(tool->description))
        put_text(w->w, "description", tool->description);
    if (tool->grammar.len > 0)
        put_format(w, tool->grammar);
    json_put_end(w->w);
}

/* Free text as the one argument of a function; the grammar becomes part of its description. */
static void put_custom_as_function(struct request_writer *w, const struct tool *tool)
{
    struct text description = tool->description;

    if (tool->grammar.len > 0)
        description =
            text_join(w->a, text_join(w->a, description, TEXT_LIT("\\n\\nFormat of the input: ")),
                      text_from(w->a, tool->grammar));
    json_put_object(w->w);
    json_put_member(w->w, "type", STR("function"));
    json_put_member(w->w, "name", names_to_wire(w->names, tool->name_space, tool->name));
    if (!text_is_empty(description))
        put_text(w->w, "description", description);
    json_put_member_raw(w->w, "parameters",
                        STR("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
                            "\"required\":[\"input\"]}"));
    if (!w->t->lacks.strict)
        json_put_member_bool(w->w, "strict", false);
    json_put_end(w->w);
    approximate_path(w, canon_tool_path(w->r, tool->at, w->a));
}

static bool put_tool(struct request_writer *w, const struct tool *tool)
{
    if (!tool->custom)
        return put_function(w, tool);
    if (takes_custom(w))
        put_custom(w, tool);
    else
        put_custom_as_function(w, tool);
    return true;
}

/* Tools of one namespace stand together; gives the tool behind them, NULL with `good` false when
 * one was refused. */
static const struct tool *put_namespace(struct request_writer *w, const struct tool *tool,
                                        bool *good)
{
    struct str name = tool->name_space;

    json_put_object(w->w);
    json_put_member(w->w, "type", STR("namespace"));
    json_put_member(w->w, "name", name);
    if (!text_is_empty(tool->name_space_description))
        put_text(w->w, "description", tool->name_space_description);
    json_put_name(w->w, STR("tools"));
    json_put_array(w->w);
    for (; tool != NULL && str_eq(tool->name_space, name); tool = tool->next)
        if (!(*good = put_tool(w, tool)))
            return NULL;
    json_put_end(w->w);
    json_put_end(w->w);
    return tool;
}

/* --- tools that the provider runs -------------------------------------------------------------*/

/* What the client said about searching, as far as both have a word for it. */
static void put_search_options(struct request_writer *w, const struct server_tool *tool)
{
    struct json doc;
    uint32_t domains, place;

    if (tool->raw.len == 0 || !json_parse(&doc, tool->raw, NULL, w->a, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return;
    domains = member(&doc, 0, "allowed_domains"); /* anthropic */
    if (is_type(&doc, domains, JSON_ARRAY)) {
        json_put_name(w->w, STR("filters"));
        json_put_object(w->w);
        json_put_member_raw(w->w, "allowed_domains", json_raw(&doc, domains));
        json_put_end(w->w);
    }
    if (has_text(&doc, member(&doc, 0, "search_context_size"))) /* openai-chat */
        json_put_member_raw(w->w, "search_context_size",
                            json_raw(&doc, member(&doc, 0, "search_context_size")));
    place = member(&doc, 0, "user_location");
    if (!is_type(&doc, place, JSON_OBJECT))
        return;
    if (is_type(&doc, member(&doc, place, "approximate"), JSON_OBJECT)) {
        place = member(&doc, place, "approximate");
        json_put_name(w->w, STR("user_location"));
        json_put_object(w->w);
        json_put_member(w->w, "type", STR("approximate"));
        for (uint32_t key = json_first(&doc, place); key != JSON_NONE;
             key = json_after(&doc, place, key + 1)) {
            json_put_key(w->w, json_inside(&doc, key));
            json_put_raw(w->w, json_raw(&doc, key + 1));
        }
        json_put_end(w->w);
        return;
    }
    json_put_member_raw(w->w, "user_location", json_raw(&doc, place));
}

/* Options that have no word here. */
static bool search_loses(struct request_writer *w, const struct server_tool *tool)
{
    static const struct str lost[] = { STR("max_uses"), STR("blocked_domains") };
    struct json doc;

    if (tool->raw.len == 0 || !json_parse(&doc, tool->raw, NULL, w->a, NULL))
        return false;
    for (size_t i = 0; i < COUNT(lost); i++)
        if (member_named(&doc, 0, lost[i]) != JSON_NONE)
            return true;
    return false;
}

static void put_image_options(struct request_writer *w)
{
    static const struct {
        struct str aspect, size;
    } sizes[] = {
        { STR("1:1"), STR("1024x1024") },  { STR("3:2"), STR("1536x1024") },
        { STR("4:3"), STR("1536x1024") },  { STR("5:4"), STR("1536x1024") },
        { STR("16:9"), STR("1536x1024") }, { STR("21:9"), STR("1536x1024") },
        { STR("2:3"), STR("1024x1536") },  { STR("3:4"), STR("1024x1536") },
        { STR("4:5"), STR("1024x1536") },  { STR("9:16"), STR("1024x1536") },
    };
    static const struct str qualities[] = { STR("low"), STR("medium"), STR("high"), STR("auto") };

    for (size_t i = 0; i < COUNT(sizes); i++)
        if (str_eq(w->r->image.aspect, sizes[i].aspect))
            json_put_member(w->w, "size", sizes[i].size);
    for (size_t i = 0; i < COUNT(qualities); i++)
        if (str_eq(w->r->image.quality, qualities[i]))
            json_put_member(w->w, "quality", qualities[i]);
    approximate_field(w, FIELD_IMAGE);
}

/* Which of another protocol's tools this wire has, too. */
static void put_server_tool(struct request_writer *w, const struct server_tool *tool)
{
    if (is_own(w)) {
        json_put_raw(w->w, tool->raw);
        return;
    }
    struct str path = tool->raw.len > 0 ? canon_tool_path(w->r, tool->at, w->a) : tool->type;

    switch (tool->kind) {
    case SERVER_TOOL_WEB_SEARCH:
        json_put_object(w->w);
        json_put_member(w->w, "type", STR("web_search"));
        put_search_options(w, tool);
        json_put_end(w->w);
        if (search_loses(w, tool))
            approximate_path(w, path);
        return;
    case SERVER_TOOL_CODE:
        if (is_codex(w))
            break;
        json_put_raw(w->w,
                     STR("{\"type\":\"code_interpreter\",\"container\":{\"type\":\"auto\"}}"));
        return;
    case SERVER_TOOL_IMAGE:
        json_put_object(w->w);
        json_put_member(w->w, "type", STR("image_generation"));
        put_image_options(w);
        json_put_end(w->w);
        return;
    case SERVER_TOOL_WEB_FETCH:
    case SERVER_TOOL_FILE_SEARCH:
    case SERVER_TOOL_MAPS:
    case SERVER_TOOL_OTHER:
        break;
    }
    lose_path(w, path);
}

static bool wants_images(const struct canon_request *r)
{
    if ((r->modalities & MODALITY_IMAGE) == 0)
        return false;
    for (const struct server_tool *tool = r->server_tools; tool != NULL; tool = tool->next)
        if (tool->kind == SERVER_TOOL_IMAGE)
            return false; /* it is among the tools */
    return true;
}

/* --- the choice -------------------------------------------------------------------------------*/

/* Names of tools of free text that the target knows as such, to be found in O(log n). */
struct custom_names {
    struct str *names;
    size_t count;
};

static int by_name(const void *one, const void *two)
{
    return str_cmp(*(const struct str *)one, *(const struct str *)two);
}

static struct custom_names custom_names(struct request_writer *w)
{
    struct custom_names found = { NULL, 0 };

    if (!takes_custom(w))
        return found;
    found.names = arena_array(w->a, struct str, w->r->tool_count + 1);
    for (const struct tool *tool = w->r->tools; tool != NULL; tool = tool->next)
        if (tool->custom)
            found.names[found.count++] = tool->name;
    qsort(found.names, found.count, sizeof(found.names[0]), by_name);
    return found;
}

static void put_choice_of(struct request_writer *w, const struct custom_names *customs,
                          struct str name)
{
    bool custom = customs->count > 0 && bsearch(&name, customs->names, customs->count,
                                                sizeof(customs->names[0]), by_name) != NULL;

    json_put_object(w->w);
    json_put_member(w->w, "type", custom ? STR("custom") : STR("function"));
    json_put_member(w->w, "name", names_to_wire(w->names, STR(""), name));
    json_put_end(w->w);
}

static void put_choice(struct request_writer *w)
{
    const struct tool_choice *choice = &w->r->choice;
    struct custom_names customs;

    switch (choice->mode) {
    case CHOICE_UNSET: /* or a tool of the provider, which only this protocol can choose */
        for (const struct extra *x = w->r->extras; x != NULL && is_own(w); x = x->next)
            if (str_eq(x->path, STR("tool_choice")))
                json_put_member_raw(w->w, "tool_choice", x->raw);
        return;
    case CHOICE_AUTO:
        json_put_member(w->w, "tool_choice", STR("auto"));
        return;
    case CHOICE_NONE:
        json_put_member(w->w, "tool_choice", STR("none"));
        return;
    case CHOICE_ANY:
        json_put_member(w->w, "tool_choice", STR("required"));
        return;
    case CHOICE_ONE:
        json_put_name(w->w, STR("tool_choice"));
        customs = custom_names(w);
        put_choice_of(w, &customs, choice->names[0]);
        return;
    case CHOICE_ALLOWED:
        customs = custom_names(w);
        json_put_name(w->w, STR("tool_choice"));
        json_put_object(w->w);
        json_put_member(w->w, "type", STR("allowed_tools"));
        json_put_member(w->w, "mode", choice->allowed_any ? STR("required") : STR("auto"));
        json_put_name(w->w, STR("tools"));
        json_put_array(w->w);
        for (size_t i = 0; i < choice->name_count; i++)
            put_choice_of(w, &customs, choice->names[i]);
        json_put_end(w->w);
        json_put_end(w->w);
        return;
    }
}

/* Without tools there is nothing to choose; only a choice that demanded a call is a loss. */
static void lose_choice(struct request_writer *w)
{
    if (w->r->choice.mode == CHOICE_ANY || w->r->choice.mode == CHOICE_ONE)
        lose_field(w, FIELD_TOOL_CHOICE);
}

bool responses_write_tools(struct request_writer *w)
{
    const struct canon_request *r = w->r;
    const struct tool *tool = r->tools;
    bool good = true;

    if (w->t->lacks.tools) {
        for (; tool != NULL; tool = tool->next)
            lose_path(w, canon_tool_path(r, tool->at, w->a));
        lose_field(w, FIELD_TOOL_CHOICE);
        return true;
    }
    if (r->tools == NULL && r->server_tools == NULL && !wants_images(r)) {
        lose_choice(w);
        return true;
    }
    json_put_name(w->w, STR("tools"));
    json_put_array(w->w);
    while (tool != NULL && good) {
        if (tool->name_space.len > 0) {
            tool = put_namespace(w, tool, &good);
        } else {
            good = put_tool(w, tool);
            tool = tool->next;
        }
    }
    if (!good)
        return false;
    for (const struct server_tool *s = r->server_tools; s != NULL; s = s->next)
        put_server_tool(w, s);
    if (wants_images(r)) {
        json_put_object(w->w);
        json_put_member(w->w, "type", STR("image_generation"));
        put_image_options(w);
        json_put_end(w->w);
    }
    json_put_end(w->w);
    put_choice(w);
    if (r->parallel_tools != TRI_UNSET && !w->t->lacks.parallel_tool_calls)
        json_put_member_bool(w->w, "parallel_tool_calls", r->parallel_tools == TRI_YES);
    else
        lose_field(w, FIELD_PARALLEL_TOOLS);
    return true;
}
