/* simulator/ask_anthropic.c - reads Messages requests. */
#include "simulator/ask_int.h"

static void mark(struct ask_reader *r, uint32_t block)
{
    if (ask_member(r, block, "cache_control") != JSON_NONE)
        r->segment_marked = true;
}

/* The bytes of an image or document, or what names them. */
static void source_read(struct ask_reader *r, enum ask_media kind, uint32_t block)
{
    static const char *const names[] = { "data", "url", "file_id" };
    uint32_t source = ask_member(r, block, "source");
    struct str data = STR("");

    for (size_t i = 0; i < COUNT(names) && data.len == 0; i++)
        data = ask_string(r, source, names[i]);
    ask_media(r, kind, data);
}

/* The first text of a tool's answer; the rest of it is counted. */
static struct str result_text(struct ask_reader *r, uint32_t content)
{
    struct str text = STR("");

    if (content == JSON_NONE || json_text(&r->doc, content, r->arena, &text))
        return text;
    for (uint32_t b = ask_first(r, content); b != JSON_NONE; b = ask_after(r, content, b)) {
        mark(r, b);
        if (ask_is(r, b, "type", "image"))
            source_read(r, ASK_IMAGE, b);
        else if (ask_is(r, b, "type", "document"))
            source_read(r, ASK_DOCUMENT, b);
        else if (text.len == 0)
            text = ask_string(r, b, "text");
        else
            ask_count(r, ask_string(r, b, "text"));
    }
    return text;
}

static enum status result_read(struct ask_reader *r, uint32_t block)
{
    struct str id = ask_string(r, block, "tool_use_id");
    const struct ask_call *call = ask_answered(r, id);

    if (call == NULL)
        return fail(r->error, E_SYNTAX,
                    "messages: unexpected `tool_use_id` found in `tool_result` blocks: %.*s. Each "
                    "`tool_result` block must have a corresponding `tool_use` block in the "
                    "previous message.",
                    STR_ARG(id));
    ask_result(r, call, result_text(r, ask_member(r, block, "content")));
    return OK;
}

static enum status block_read(struct ask_reader *r, bool user, uint32_t block)
{
    mark(r, block);
    if (ask_is(r, block, "type", "tool_result"))
        return result_read(r, block);
    if (ask_is(r, block, "type", "image")) {
        source_read(r, ASK_IMAGE, block);
    } else if (ask_is(r, block, "type", "document")) {
        source_read(r, ASK_DOCUMENT, block);
    } else if (ask_is(r, block, "type", "tool_use")) {
        if (!ask_has_type(r, ask_member(r, block, "input"), JSON_OBJECT))
            return fail(r->error, E_SYNTAX, "messages: tool_use.input: Input should be an object");
        ask_count(r, ask_string(r, block, "name"));
        ask_count(r, ask_raw(r, block, "input"));
        ask_called(r, ask_string(r, block, "id"), ask_string(r, block, "name"));
    } else if (ask_is(r, block, "type", "thinking")) {
        ask_count(r, ask_string(r, block, "thinking"));
    } else if (ask_is(r, block, "type", "text")) {
        struct str text = ask_string(r, block, "text");

        if (text.len == 0)
            return fail(r->error, E_SYNTAX, "messages: text content blocks must be non-empty");
        if (user)
            ask_said(r, text);
        else
            ask_count(r, text);
    }
    return OK;
}

static enum status unanswered(struct ask_reader *r)
{
    return fail(r->error, E_SYNTAX,
                "messages: `tool_use` ids were found without `tool_result` blocks immediately "
                "after: %.*s. Each `tool_use` block must have a corresponding `tool_result` block "
                "in the next message.",
                STR_ARG(r->open->id));
}

static enum status message_read(struct ask_reader *r, uint32_t message)
{
    uint32_t content = ask_member(r, message, "content");
    bool assistant = ask_is(r, message, "role", "assistant");
    bool user = ask_is(r, message, "role", "user");
    struct str text;

    if (!assistant && !user && !ask_is(r, message, "role", "system"))
        return fail(r->error, E_SYNTAX,
                    "messages: Unexpected role. Allowed roles are \"user\", \"assistant\" and "
                    "\"system\".");
    if (assistant && r->in_turn && r->open != NULL)
        return unanswered(r);
    if (assistant || user)
        ask_turn(r, assistant);
    if (content != JSON_NONE && json_text(&r->doc, content, r->arena, &text)) {
        if (user)
            ask_said(r, text);
        else
            ask_count(r, text);
    }
    for (uint32_t b = ask_first(r, content); b != JSON_NONE; b = ask_after(r, content, b)) {
        enum status st = block_read(r, user, b);

        if (st != OK)
            return st;
    }
    ask_segment_end(r);
    return OK;
}

static void system_read(struct ask_reader *r)
{
    uint32_t system = ask_member(r, 0, "system");
    struct str text;

    if (system == JSON_NONE)
        return;
    if (json_text(&r->doc, system, r->arena, &text)) {
        ask_count(r, text);
        ask_segment_end(r);
    }
    for (uint32_t b = ask_first(r, system); b != JSON_NONE; b = ask_after(r, system, b)) {
        mark(r, b);
        ask_count(r, ask_string(r, b, "text"));
        ask_segment_end(r);
    }
}

/* Does the provider itself run the tool, so that no call of it reaches the client? */
static bool tool_is_served(const struct ask_reader *r, uint32_t tool)
{
    static const struct str served[] = {
        { "web_search", 10 },  { "web_fetch", 9 },    { "code_execution", 14 },
        { "tool_search", 11 }, { "mcp_toolset", 11 },
    };
    struct str type = ask_string(r, tool, "type");

    for (size_t i = 0; i < COUNT(served); i++)
        if (str_starts(type, served[i]))
            return true;
    return false;
}

static void tools_read(struct ask_reader *r)
{
    uint32_t tools = ask_member(r, 0, "tools"), choice = ask_member(r, 0, "tool_choice");
    struct ask *ask = r->ask;

    for (uint32_t t = ask_first(r, tools); t != JSON_NONE; t = ask_after(r, tools, t)) {
        mark(r, t);
        if (!tool_is_served(r, t))
            ask_tool_add(r, ask_string(r, t, "name"), ask_string(r, t, "description"),
                         ask_raw(r, t, "input_schema"), false);
    }
    ask_segment_end(r);

    if (ask_is(r, choice, "type", "none"))
        ask->tool_choice = ASK_CHOICE_NONE;
    if (ask_is(r, choice, "type", "any"))
        ask->tool_choice = ASK_CHOICE_ANY;
    if (ask_is(r, choice, "type", "tool")) {
        ask->tool_choice = ASK_CHOICE_ONE;
        ask->tool_named = ask_string(r, choice, "name");
    }
}

enum status ask_read_anthropic(struct ask_reader *r)
{
    uint32_t messages = ask_member(r, 0, "messages"), format;
    struct ask *ask = r->ask;

    ask->max_output = ask_number(r, 0, "max_tokens", -1);
    if (ask->max_output < 0 && ask->kind == ASK_GENERATE)
        return fail(r->error, E_SYNTAX, "max_tokens: Field required");
    if (ask_first(r, messages) == JSON_NONE)
        return fail(r->error, E_SYNTAX, "messages: at least one message is required");
    if (ask_member(r, 0, "thread") != JSON_NONE)
        return fail(r->error, E_ABSENT, "thread: conversations are not kept here");
    tools_read(r);
    system_read(r);
    for (uint32_t m = ask_first(r, messages); m != JSON_NONE; m = ask_after(r, messages, m)) {
        enum status st = message_read(r, m);

        if (st != OK)
            return st;
    }
    if (r->open != NULL)
        return unanswered(r);

    ask->cache_all = ask_member(r, 0, "cache_control") != JSON_NONE;
    ask->thinking_omitted = ask_is(r, ask_member(r, 0, "thinking"), "display", "omitted");
    ask_stops(r, ask_member(r, 0, "stop_sequences"));
    format = ask_member(r, ask_member(r, 0, "output_config"), "format");
    if (ask_is(r, format, "type", "json_schema")) {
        ask->format = ASK_FORMAT_SCHEMA;
        ask->schema = ask_raw(r, format, "schema");
    }
    return OK;
}
