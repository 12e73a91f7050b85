/* simulator/ask_openai.c - reads Chat Completions and Responses requests. */
#include <inttypes.h>

#include "simulator/ask_int.h"

/* --- parts, of both wires ------------------------------------------------------------------------
 */

enum side { SIDE_USER, SIDE_ASSISTANT, SIDE_SYSTEM };

static void text_part(struct ask_reader *r, enum side side, struct str text)
{
    if (side == SIDE_USER)
        ask_said(r, text);
    else
        ask_count(r, text);
}

/* `image_url` is an object in one wire, a string in the other, and in the wild. */
static struct str image_url(const struct ask_reader *r, uint32_t part)
{
    struct str url = ask_string(r, part, "image_url");

    return url.len > 0 ? url : ask_string(r, ask_member(r, part, "image_url"), "url");
}

static struct str file_data(const struct ask_reader *r, uint32_t file)
{
    static const char *const names[] = { "file_data", "file_url", "file_id" };
    struct str data = STR("");

    for (size_t i = 0; i < COUNT(names) && data.len == 0; i++)
        data = ask_string(r, file, names[i]);
    return data;
}

static void part_read(struct ask_reader *r, enum side side, uint32_t part)
{
    uint32_t inner;

    if (ask_is(r, part, "type", "image_url") || ask_is(r, part, "type", "input_image")) {
        ask_media(r, ASK_IMAGE, image_url(r, part));
    } else if (ask_is(r, part, "type", "input_audio")) {
        inner = ask_member(r, part, "input_audio");
        ask_media(r, ASK_RECORDING, ask_string(r, inner, "data"));
    } else if (ask_is(r, part, "type", "file")) {
        ask_media(r, ASK_DOCUMENT, file_data(r, ask_member(r, part, "file")));
    } else if (ask_is(r, part, "type", "input_file")) {
        ask_media(r, ASK_DOCUMENT, file_data(r, part));
    } else if (ask_is(r, part, "type", "refusal")) {
        ask_count(r, ask_string(r, part, "refusal"));
    } else {
        text_part(r, side, ask_string(r, part, "text"));
    }
}

/* A string, or a list of parts. */
static void content_read(struct ask_reader *r, enum side side, uint32_t content)
{
    struct str text;

    if (content == JSON_NONE)
        return;
    if (json_text(&r->doc, content, r->arena, &text)) {
        text_part(r, side, text);
        return;
    }
    for (uint32_t p = ask_first(r, content); p != JSON_NONE; p = ask_after(r, content, p))
        part_read(r, side, p);
}

/* The texts of a tool's answer, as one; pictures in it are counted. */
static struct str result_text(struct ask_reader *r, uint32_t content)
{
    struct str text = STR("");

    if (content == JSON_NONE || json_text(&r->doc, content, r->arena, &text))
        return text;
    for (uint32_t p = ask_first(r, content); p != JSON_NONE; p = ask_after(r, content, p)) {
        if (text.len == 0 && ask_member(r, p, "text") != JSON_NONE)
            text = ask_string(r, p, "text");
        else
            part_read(r, SIDE_ASSISTANT, p);
    }
    return text;
}

static enum side side_of(const struct ask_reader *r, uint32_t message)
{
    return ask_is(r, message, "role", "assistant") ? SIDE_ASSISTANT
           : ask_is(r, message, "role", "system") || ask_is(r, message, "role", "developer")
               ? SIDE_SYSTEM
               : SIDE_USER;
}

/* `choice` is a word, or an object that may name a tool. */
static void choice_read(struct ask_reader *r, uint32_t choice)
{
    struct ask *ask = r->ask;
    struct str name;

    if (choice == JSON_NONE)
        return;
    if (json_type(&r->doc, choice) == JSON_STRING) {
        if (json_says(&r->doc, choice, STR("none")))
            ask->tool_choice = ASK_CHOICE_NONE;
        else if (json_says(&r->doc, choice, STR("required")))
            ask->tool_choice = ASK_CHOICE_ANY;
        return;
    }
    name = ask_string(r, choice, "name");
    if (name.len == 0)
        name = ask_string(r, ask_member(r, choice, "function"), "name");
    if (name.len == 0)
        name = ask_string(r, ask_member(r, choice, "custom"), "name");
    if (name.len > 0) {
        ask->tool_choice = ASK_CHOICE_ONE;
        ask->tool_named = name;
    } else if (ask_is(r, choice, "mode", "required") ||
               ask_is(r, ask_member(r, choice, "allowed_tools"), "mode", "required")) {
        ask->tool_choice = ASK_CHOICE_ANY;
    }
}

/* The tool's own members lie in `at`: the tool itself, or its `function` or `custom`. */
static void tool_read(struct ask_reader *r, uint32_t tool)
{
    bool custom = ask_is(r, tool, "type", "custom");
    uint32_t at = ask_member(r, tool, custom ? "custom" : "function"), nested;

    if (ask_is(r, tool, "type", "namespace")) {
        nested = ask_member(r, tool, "tools");
        for (uint32_t t = ask_first(r, nested); t != JSON_NONE; t = ask_after(r, nested, t)) {
            if (ask_string(r, t, "name").len > 0)
                ask_tool_add(r, ask_string(r, t, "name"), ask_string(r, t, "description"),
                             ask_raw(r, t, "parameters"), ask_is(r, t, "type", "custom"));
        }
        return;
    }
    if (at == JSON_NONE)
        at = tool;
    if (ask_string(r, at, "name").len == 0)
        return; /* a tool of the server's own: it is never called here */
    ask_tool_add(r, ask_string(r, at, "name"), ask_string(r, at, "description"),
                 ask_raw(r, at, "parameters"), custom);
}

static void tools_read(struct ask_reader *r)
{
    uint32_t tools = ask_member(r, 0, "tools");

    for (uint32_t t = ask_first(r, tools); t != JSON_NONE; t = ask_after(r, tools, t))
        tool_read(r, t);
    ask_segment_end(r);
    choice_read(r, ask_member(r, 0, "tool_choice"));
}

/* `holder` has `type`, and the schema in it or in its `json_schema`. */
static void format_read(struct ask_reader *r, uint32_t holder)
{
    uint32_t at = ask_member(r, holder, "json_schema");

    if (ask_is(r, holder, "type", "json_object"))
        r->ask->format = ASK_FORMAT_JSON;
    if (!ask_is(r, holder, "type", "json_schema"))
        return;
    r->ask->format = ASK_FORMAT_SCHEMA;
    r->ask->schema = ask_raw(r, at != JSON_NONE ? at : holder, "schema");
}

static void call_count(struct ask_reader *r, uint32_t call, const char *text_member)
{
    ask_count(r, ask_string(r, call, "name"));
    ask_count(r, ask_string(r, call, text_member));
}

/* --- chat ----------------------------------------------------------------------------------------
 */

static void chat_calls_read(struct ask_reader *r, uint32_t message)
{
    uint32_t calls = ask_member(r, message, "tool_calls"), at;

    for (uint32_t c = ask_first(r, calls); c != JSON_NONE; c = ask_after(r, calls, c)) {
        bool custom = ask_is(r, c, "type", "custom");

        at = ask_member(r, c, custom ? "custom" : "function");
        call_count(r, at, custom ? "input" : "arguments");
        ask_called(r, ask_string(r, c, "id"), ask_string(r, at, "name"));
    }
}

static enum status chat_unanswered(struct ask_reader *r)
{
    return fail(r->error, E_SYNTAX,
                "An assistant message with 'tool_calls' must be followed by tool messages "
                "responding to each 'tool_call_id'. No answer to: %.*s",
                STR_ARG(r->open->id));
}

static enum status chat_message_read(struct ask_reader *r, uint32_t message, uint32_t index)
{
    uint32_t content = ask_member(r, message, "content");
    const struct ask_call *call;
    struct str id;

    if (ask_is(r, message, "role", "tool")) {
        id = ask_string(r, message, "tool_call_id");
        ask_turn(r, false);
        call = ask_answered(r, id);
        if (call == NULL)
            return fail(r->error, E_SYNTAX,
                        "Invalid parameter: messages[%" PRIu32
                        "] with role 'tool' must be a response to a preceding message with "
                        "'tool_calls'.",
                        index);
        ask_result(r, call, result_text(r, content));
        ask_segment_end(r);
        return OK;
    }
    if (r->open != NULL)
        return chat_unanswered(r);
    if (side_of(r, message) != SIDE_SYSTEM)
        ask_turn(r, side_of(r, message) == SIDE_ASSISTANT);
    content_read(r, side_of(r, message), content);
    chat_calls_read(r, message);
    ask_segment_end(r);
    return OK;
}

enum status ask_read_chat(struct ask_reader *r)
{
    uint32_t messages = ask_member(r, 0, "messages"), index = 0;
    struct ask *ask = r->ask;

    if (ask_first(r, messages) == JSON_NONE)
        return fail(r->error, E_SYNTAX, "Missing required parameter: 'messages'.");
    tools_read(r);
    for (uint32_t m = ask_first(r, messages); m != JSON_NONE; m = ask_after(r, messages, m)) {
        enum status st = chat_message_read(r, m, index++);

        if (st != OK)
            return st;
    }
    if (r->open != NULL)
        return chat_unanswered(r);

    ask->max_output = ask_number(r, 0, "max_tokens", -1);
    ask->max_output = ask_number(r, 0, "max_completion_tokens", ask->max_output);
    ask->choices = ask_number(r, 0, "n", 1);
    if (ask->choices < 1 || ask->choices > ASK_CHOICES_MAX)
        return fail(r->error, E_LIMIT, "'n' must lie between 1 and %d.", ASK_CHOICES_MAX);
    ask->include_usage = ask_true(r, ask_member(r, 0, "stream_options"), "include_usage");
    if (!ask->stream && ask_member(r, 0, "stream_options") != JSON_NONE)
        return fail(r->error, E_SYNTAX,
                    "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
    ask_stops(r, ask_member(r, 0, "stop"));
    format_read(r, ask_member(r, 0, "response_format"));
    return OK;
}

/* --- responses -----------------------------------------------------------------------------------
 */

static void reasoning_read(struct ask_reader *r, uint32_t item)
{
    uint32_t summary = ask_member(r, item, "summary");

    ask_turn(r, true);
    for (uint32_t p = ask_first(r, summary); p != JSON_NONE; p = ask_after(r, summary, p))
        ask_count(r, ask_string(r, p, "text"));
}

static enum status item_read(struct ask_reader *r, uint32_t item)
{
    bool custom = ask_is(r, item, "type", "custom_tool_call");
    struct str id = ask_string(r, item, "call_id");
    const struct ask_call *call;

    if (custom || ask_is(r, item, "type", "function_call")) {
        ask_turn(r, true);
        call_count(r, item, custom ? "input" : "arguments");
        ask_called(r, id, ask_string(r, item, "name"));
    } else if (ask_is(r, item, "type", "function_call_output") ||
               ask_is(r, item, "type", "custom_tool_call_output")) {
        ask_turn(r, false);
        call = ask_answered(r, id);
        if (call == NULL)
            return fail(r->error, E_SYNTAX,
                        "No tool call found for function call output with call_id %.*s.",
                        STR_ARG(id));
        ask_result(r, call, result_text(r, ask_member(r, item, "output")));
    } else if (ask_is(r, item, "type", "reasoning")) {
        reasoning_read(r, item);
    } else if (ask_member(r, item, "role") != JSON_NONE) {
        if (side_of(r, item) != SIDE_SYSTEM)
            ask_turn(r, side_of(r, item) == SIDE_ASSISTANT);
        content_read(r, side_of(r, item), ask_member(r, item, "content"));
    }
    ask_segment_end(r);
    return OK;
}

static void echo_read(struct ask_reader *r)
{
    static const char *const names[ASK_ECHOES] = {
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "parallel_tool_calls",
        "previous_response_id",
        "reasoning",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
        "truncation",
    };

    for (size_t i = 0; i < ASK_ECHOES; i++)
        r->ask->echo[i] = (struct ask_echo){ names[i], ask_raw(r, 0, names[i]) };
}

enum status ask_read_responses(struct ask_reader *r)
{
    uint32_t input = ask_member(r, 0, "input");
    struct ask *ask = r->ask;
    struct str text;

    if (input == JSON_NONE)
        return fail(r->error, E_SYNTAX, "Missing required parameter: 'input'.");
    if (ask_member(r, 0, "previous_response_id") != JSON_NONE)
        return fail(r->error, E_ABSENT, "Previous response with id '%.*s' not found.",
                    STR_ARG(ask_string(r, 0, "previous_response_id")));
    tools_read(r);
    ask_count(r, ask_string(r, 0, "instructions"));
    ask_segment_end(r);
    if (json_text(&r->doc, input, r->arena, &text)) {
        ask_turn(r, false);
        ask_said(r, text);
        ask_segment_end(r);
    }
    for (uint32_t i = ask_first(r, input); i != JSON_NONE; i = ask_after(r, input, i)) {
        enum status st = item_read(r, i);

        if (st != OK)
            return st;
    }
    if (r->open != NULL)
        return fail(r->error, E_SYNTAX, "No tool output found for function call %.*s.",
                    STR_ARG(r->open->id));
    ask->max_output = ask_number(r, 0, "max_output_tokens", -1);
    format_read(r, ask_member(r, ask_member(r, 0, "text"), "format"));
    echo_read(r);
    return OK;
}
