/* wire/openai_responses/read_tools.c - tools, the choice among them, and the form of the answer.
 *
 * Functions and custom tools (free text, perhaps with a grammar) are the client's own; those of a
 * namespace keep its name. All others are run by the provider or belong to this protocol alone
 * (tool_search, local_shell …): they are kept whole, for a target that knows them. */
#include "wire/openai_responses/read_int.h"

/* What tools have in common when they stand in the same entry of the list. */
struct tool_context {
    uint32_t at; /* index in the client's list */
    struct str name_space;
    struct text name_space_description;
};

static bool read_own_tool(struct reading *rd, uint32_t object, const struct place *at,
                          const struct tool_context *context, bool custom)
{
    enum { TYPE, NAME, DESCRIPTION, PARAMETERS, STRICT, FORMAT, DEFER, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [NAME] = { STR("name"), MEMBER_STRING },
        [DESCRIPTION] = { STR("description"), MEMBER_STRING },
        [PARAMETERS] = { STR("parameters"), MEMBER_OBJECT },
        [STRICT] = { STR("strict"), MEMBER_BOOL },
        [FORMAT] = { STR("format"), MEMBER_OBJECT },
        [DEFER] = { STR("defer_loading"), MEMBER_BOOL },
    };
    struct tool *tool;
    uint32_t m[COUNT_OF];

    if (!members_read(rd, object, at, rules, COUNT_OF, m))
        return false;
    if (text_is_empty(member_text(rd, m[NAME])))
        return members_complain(rd, at, "name", "is missing: name the tool");
    tool = canon_add_tool(rd->r, rd->a, member_str(rd, m[NAME]), context->at);
    tool->name_space = context->name_space;
    tool->name_space_description = context->name_space_description;
    tool->description = member_text(rd, m[DESCRIPTION]);
    tool->schema = member_raw(rd, m[PARAMETERS]);
    tool->strict = member_tri(rd, m[STRICT]);
    tool->custom = custom;
    tool->grammar = member_raw(rd, m[FORMAT]);
    tool->deferred = member_tri(rd, m[DEFER]) == TRI_YES;
    return true;
}

static enum server_tool_kind server_kind(struct str type)
{
    static const struct {
        struct str begins;
        enum server_tool_kind kind;
    } kinds[] = {
        { { "web_search", 10 }, SERVER_TOOL_WEB_SEARCH },
        { { "file_search", 11 }, SERVER_TOOL_FILE_SEARCH },
        { { "code_interpreter", 16 }, SERVER_TOOL_CODE },
        { { "image_generation", 16 }, SERVER_TOOL_IMAGE },
    };

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_starts(type, kinds[i].begins))
            return kinds[i].kind;
    return SERVER_TOOL_OTHER;
}

static bool read_tool(struct reading *rd, uint32_t node, const struct place *at,
                      const struct tool_context *context);

static bool read_namespace(struct reading *rd, uint32_t object, const struct place *at,
                           const struct tool_context *outer)
{
    enum { TYPE, NAME, DESCRIPTION, TOOLS, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [NAME] = { STR("name"), MEMBER_STRING },
        [DESCRIPTION] = { STR("description"), MEMBER_STRING },
        [TOOLS] = { STR("tools"), MEMBER_ARRAY },
    };
    const struct place list = { at, "tools", 0 };
    struct place here = { &list, NULL, 0 };
    struct tool_context context = { .at = outer->at };
    uint32_t m[COUNT_OF];

    if (outer->name_space.len > 0)
        return members_complain(rd, at, "type", "a namespace cannot stand in a namespace");
    if (!members_read(rd, object, at, rules, COUNT_OF, m))
        return false;
    if (text_is_empty(member_text(rd, m[NAME])))
        return members_complain(rd, at, "name", "is missing: name the namespace");
    if (m[TOOLS] == JSON_NONE)
        return members_complain(rd, at, "tools", "is missing");
    context.name_space = member_str(rd, m[NAME]);
    context.name_space_description = member_text(rd, m[DESCRIPTION]);
    for (uint32_t one = json_first(rd->doc, m[TOOLS]); one != JSON_NONE;
         one = json_after(rd->doc, m[TOOLS], one), here.index++)
        if (!read_tool(rd, one, &here, &context))
            return false;
    return true;
}

static bool read_tool(struct reading *rd, uint32_t node, const struct place *at,
                      const struct tool_context *context)
{
    uint32_t type_node;
    struct str type;

    if (json_type(rd->doc, node) != JSON_OBJECT)
        return members_complain(rd, at, NULL, "must be an object");
    type_node = member(rd->doc, node, "type");
    if (!is_type(rd->doc, type_node, JSON_STRING))
        return members_complain(rd, at, "type", "must be a word: function, custom, web_search …");
    type = member_str(rd, type_node);
    if (str_eq(type, STR("function")) || str_eq(type, STR("custom")))
        return read_own_tool(rd, node, at, context, str_eq(type, STR("custom")));
    if (str_eq(type, STR("namespace")))
        return read_namespace(rd, node, at, context);
    (void)canon_add_server_tool(rd->r, rd->a, server_kind(type), type, json_raw(rd->doc, node),
                                context->at);
    return true;
}

bool responses_read_tools(struct reading *rd, const struct place *at, uint32_t tools)
{
    struct place here = { at, NULL, 0 };

    for (uint32_t one = json_first(rd->doc, tools); one != JSON_NONE;
         one = json_after(rd->doc, tools, one), here.index++)
        if (!read_tool(rd, one, &here, &(struct tool_context){ .at = here.index }))
            return false;
    return true;
}

/* --- tool_choice ------------------------------------------------------------------------------*/

enum { CHOICE_TYPE, CHOICE_NAME, CHOICE_MODE, CHOICE_TOOLS, CHOICE_MEMBERS };

static const struct member_rule choice_members[CHOICE_MEMBERS] = {
    [CHOICE_TYPE] = { STR("type"), MEMBER_STRING },
    [CHOICE_NAME] = { STR("name"), MEMBER_STRING },
    [CHOICE_MODE] = { STR("mode"), MEMBER_STRING },
    [CHOICE_TOOLS] = { STR("tools"), MEMBER_ARRAY },
};

/* The names of allowed tools; tools of the provider among them have none and are left out. */
static bool read_allowed(struct reading *rd, const struct place *at, const uint32_t *m)
{
    struct tool_choice *choice = &rd->r->choice;
    const struct place list = { at, "tools", 0 };
    struct place here = { &list, NULL, 0 };
    uint32_t tools = m[CHOICE_TOOLS], count = 0;
    struct str *names;

    if (tools == JSON_NONE)
        return members_complain(rd, at, "tools", "is missing: list the allowed tools");
    if (m[CHOICE_MODE] != JSON_NONE && !node_says(rd->doc, m[CHOICE_MODE], "auto") &&
        !node_says(rd->doc, m[CHOICE_MODE], "required"))
        return members_complain(rd, at, "mode", "must be auto or required");
    for (uint32_t one = json_first(rd->doc, tools); one != JSON_NONE;
         one = json_after(rd->doc, tools, one))
        count++;
    names = arena_array(rd->a, struct str, count + 1);
    for (uint32_t one = json_first(rd->doc, tools); one != JSON_NONE;
         one = json_after(rd->doc, tools, one), here.index++) {
        uint32_t tool[CHOICE_MEMBERS];

        if (!responses_object(rd, one, &here, choice_members, CHOICE_MEMBERS, tool))
            return false;
        if (tool[CHOICE_NAME] != JSON_NONE)
            names[choice->name_count++] = member_str(rd, tool[CHOICE_NAME]);
        else
            losses_add(&rd->r->unread, rd->a, place_text(&here, rd->a), false);
    }
    choice->names = names;
    choice->mode = CHOICE_ALLOWED;
    choice->allowed_any = node_says(rd->doc, m[CHOICE_MODE], "required");
    return true;
}

bool responses_read_choice(struct reading *rd, uint32_t node)
{
    const struct place at = { NULL, "tool_choice", 0 };
    struct tool_choice *choice = &rd->r->choice;
    uint32_t m[CHOICE_MEMBERS], type;

    if (node == JSON_NONE)
        return true;
    rd->r->where[FIELD_TOOL_CHOICE] = STR("tool_choice");
    if (json_type(rd->doc, node) == JSON_STRING) {
        if (json_says(rd->doc, node, STR("auto")))
            choice->mode = CHOICE_AUTO;
        else if (json_says(rd->doc, node, STR("none")))
            choice->mode = CHOICE_NONE;
        else if (json_says(rd->doc, node, STR("required")))
            choice->mode = CHOICE_ANY;
        else
            return members_complain(rd, &at, NULL, "must be auto, none, required or an object");
        return true;
    }
    if (json_type(rd->doc, node) != JSON_OBJECT)
        return members_complain(rd, &at, NULL, "must be auto, none, required or an object");
    type = member(rd->doc, node, "type");
    if (!is_type(rd->doc, type, JSON_STRING))
        return members_complain(rd, &at, "type", "must be a word: function, custom …");
    if (!node_says(rd->doc, type, "function") && !node_says(rd->doc, type, "custom") &&
        !node_says(rd->doc, type, "allowed_tools")) {
        /* a tool of the provider: only this wire can be told to use it */
        canon_add_extra(rd->r, rd->a, STR("tool_choice"), json_raw(rd->doc, node), false);
        return true;
    }
    if (!members_read(rd, node, &at, choice_members, CHOICE_MEMBERS, m))
        return false;
    if (node_says(rd->doc, type, "allowed_tools"))
        return read_allowed(rd, &at, m);
    if (m[CHOICE_NAME] == JSON_NONE)
        return members_complain(rd, &at, "name", "is missing: name the tool");
    struct str *name = arena_new(rd->a, struct str);

    *name = member_str(rd, m[CHOICE_NAME]);
    *choice = (struct tool_choice){ .mode = CHOICE_ONE, .names = name, .name_count = 1 };
    return true;
}

/* --- text.format ------------------------------------------------------------------------------*/

bool responses_read_format(struct reading *rd, const struct place *up, uint32_t node)
{
    enum { TYPE, NAME, DESCRIPTION, SCHEMA, STRICT, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [NAME] = { STR("name"), MEMBER_STRING },
        [DESCRIPTION] = { STR("description"), MEMBER_STRING },
        [SCHEMA] = { STR("schema"), MEMBER_OBJECT },
        [STRICT] = { STR("strict"), MEMBER_BOOL },
    };
    const struct place at = { up, "format", 0 };
    struct answer_format *format = &rd->r->format;
    uint32_t m[COUNT_OF];

    if (!members_read(rd, node, &at, rules, COUNT_OF, m))
        return false;
    if (node_says(rd->doc, m[TYPE], "text")) {
        format->kind = FORMAT_TEXT; /* what is the case anyway */
        return true;
    }
    rd->r->where[FIELD_FORMAT] = STR("text.format");
    if (node_says(rd->doc, m[TYPE], "json_object")) {
        format->kind = FORMAT_JSON;
        return true;
    }
    if (!node_says(rd->doc, m[TYPE], "json_schema"))
        return members_complain(rd, &at, "type", "must be text, json_object or json_schema");
    if (m[SCHEMA] == JSON_NONE)
        return members_complain(rd, &at, "schema", "is missing");
    format->kind = FORMAT_SCHEMA;
    format->name = member_str(rd, m[NAME]);
    format->description = member_text(rd, m[DESCRIPTION]);
    format->schema = json_raw(rd->doc, m[SCHEMA]);
    format->strict = member_tri(rd, m[STRICT]);
    return true;
}
