/* simulator/ask_gemini.c - reads generateContent and countTokens requests, and those of Cloud Code,
 * which wraps them. Fields may be spelled in camelCase or snake_case, as the service has it. */
#include "simulator/ask_int.h"

/* `{"output": "…"}` and `{"result": "…"}` stand for their text, anything else for itself. */
static struct str response_text(struct ask_reader *r, uint32_t call)
{
    static const char *const names[] = { "output", "result", "error" };
    uint32_t response = ask_member(r, call, "response");
    struct str text = STR("");

    for (size_t i = 0; i < COUNT(names) && text.len == 0; i++)
        text = ask_string(r, response, names[i]);
    return text.len > 0 ? text : ask_raw(r, call, "response");
}

static void blob_read(struct ask_reader *r, uint32_t blob)
{
    struct str mime = ask_string(r, blob, "mimeType"), data = ask_string(r, blob, "data");

    if (mime.len == 0)
        mime = ask_string(r, blob, "mime_type");
    if (data.len == 0)
        data = ask_string(r, blob, "fileUri");
    if (data.len == 0)
        data = ask_string(r, blob, "file_uri");
    ask_media(r, ask_media_of(mime), data);
}

static enum status response_read(struct ask_reader *r, uint32_t response)
{
    struct str id = ask_string(r, response, "id"), name = ask_string(r, response, "name");
    uint32_t parts = ask_member(r, response, "parts");
    const struct ask_call *call = id.len > 0 ? ask_answered(r, id) : NULL;

    if (call == NULL)
        call = ask_answered_by_name(r, name);
    if (call == NULL || !ask_has_type(r, ask_member(r, response, "response"), JSON_OBJECT))
        return fail(r->error, E_SYNTAX,
                    "Please ensure that the number of function response parts is equal to the "
                    "number of function call parts of the function call turn.");
    ask_result(r, call, response_text(r, response));
    for (uint32_t p = ask_first(r, parts); p != JSON_NONE; p = ask_after(r, parts, p))
        blob_read(r, ask_member2(r, p, "inlineData", "inline_data"));
    return OK;
}

static enum status part_read(struct ask_reader *r, bool user, uint32_t part)
{
    uint32_t blob = ask_member2(r, part, "inlineData", "inline_data");
    uint32_t call = ask_member2(r, part, "functionCall", "function_call");
    uint32_t response = ask_member2(r, part, "functionResponse", "function_response");

    if (blob == JSON_NONE)
        blob = ask_member2(r, part, "fileData", "file_data");
    if (r->no_thoughts && ask_member(r, part, "thought") != JSON_NONE)
        return fail(r->error, E_SYNTAX, "contents.parts: thought parts cannot be counted");
    if (response != JSON_NONE)
        return response_read(r, response);
    if (call != JSON_NONE) {
        ask_count(r, ask_string(r, call, "name"));
        ask_count(r, ask_raw(r, call, "args"));
        ask_called(r, ask_string(r, call, "id"), ask_string(r, call, "name"));
    } else if (blob != JSON_NONE) {
        blob_read(r, blob);
    } else if (ask_member(r, part, "text") != JSON_NONE) {
        if (user)
            ask_said(r, ask_string(r, part, "text"));
        else
            ask_count(r, ask_string(r, part, "text"));
    } else if (!ask_has_type(r, part, JSON_OBJECT) || r->doc.nodes[part].count == 0) {
        return fail(r->error, E_SYNTAX,
                    "contents.parts: required oneof field 'data' must have one initialized field");
    }
    return OK;
}

static enum status content_read(struct ask_reader *r, uint32_t content)
{
    uint32_t parts = ask_member(r, content, "parts");
    bool model = ask_is(r, content, "role", "model");

    if (ask_first(r, parts) == JSON_NONE)
        return fail(r->error, E_SYNTAX, "contents.parts: contents.parts must not be empty.");
    if (model && r->in_turn && r->open != NULL)
        return fail(r->error, E_SYNTAX,
                    "Please ensure that function call turn comes immediately after a user turn or "
                    "after a function response turn.");
    ask_turn(r, model);
    for (uint32_t p = ask_first(r, parts); p != JSON_NONE; p = ask_after(r, parts, p)) {
        enum status st = part_read(r, !model, p);

        if (st != OK)
            return st;
    }
    ask_segment_end(r);
    return OK;
}

static void instruction_read(struct ask_reader *r, uint32_t root)
{
    uint32_t system = ask_member2(r, root, "systemInstruction", "system_instruction");
    uint32_t parts = ask_member(r, system, "parts");
    struct str text;

    if (system != JSON_NONE && json_text(&r->doc, system, r->arena, &text))
        ask_count(r, text);
    for (uint32_t p = ask_first(r, parts); p != JSON_NONE; p = ask_after(r, parts, p))
        ask_count(r, ask_string(r, p, "text"));
    ask_segment_end(r);
}

static void declarations_read(struct ask_reader *r, uint32_t tool)
{
    uint32_t list = ask_member2(r, tool, "functionDeclarations", "function_declarations");

    for (uint32_t d = ask_first(r, list); d != JSON_NONE; d = ask_after(r, list, d)) {
        static const char *const names[] = { "parametersJsonSchema", "parameters_json_schema",
                                             "parameters" };
        struct str schema = STR("");

        for (size_t i = 0; i < COUNT(names) && schema.len == 0; i++)
            schema = ask_raw(r, d, names[i]);
        ask_tool_add(r, ask_string(r, d, "name"), ask_string(r, d, "description"), schema, false);
    }
}

static void tools_read(struct ask_reader *r, uint32_t root)
{
    uint32_t tools = ask_member(r, root, "tools");
    uint32_t config = ask_member2(r, ask_member2(r, root, "toolConfig", "tool_config"),
                                  "functionCallingConfig", "function_calling_config");
    uint32_t allowed = ask_member2(r, config, "allowedFunctionNames", "allowed_function_names");
    struct ask *ask = r->ask;
    struct str mode = ask_string(r, config, "mode");

    for (uint32_t t = ask_first(r, tools); t != JSON_NONE; t = ask_after(r, tools, t))
        declarations_read(r, t);
    ask_segment_end(r);

    if (str_ieq(mode, STR("NONE")))
        ask->tool_choice = ASK_CHOICE_NONE;
    if (!str_ieq(mode, STR("ANY")))
        return;
    ask->tool_choice = ASK_CHOICE_ANY;
    if (ask_first(r, allowed) != JSON_NONE &&
        json_text(&r->doc, ask_first(r, allowed), r->arena, &ask->tool_named))
        ask->tool_choice = ASK_CHOICE_ONE;
}

static int64_t config_number(const struct ask_reader *r, uint32_t config, const char *name,
                             const char *other)
{
    return ask_number(r, config, name, ask_number(r, config, other, -1));
}

static void format_read(struct ask_reader *r, uint32_t config)
{
    static const char *const names[] = { "responseJsonSchema", "response_json_schema",
                                         "responseSchema", "response_schema" };
    uint32_t mime = ask_member2(r, config, "responseMimeType", "response_mime_type");
    struct ask *ask = r->ask;

    for (size_t i = 0; i < COUNT(names) && ask->schema.len == 0; i++)
        ask->schema = ask_raw(r, config, names[i]);
    if (!ask_has_type(r, mime, JSON_STRING))
        return;
    if (json_says(&r->doc, mime, STR("text/x.enum")))
        ask->format = ASK_FORMAT_ENUM;
    else if (json_says(&r->doc, mime, STR("application/json")))
        ask->format = ask->schema.len > 0 ? ASK_FORMAT_SCHEMA : ASK_FORMAT_JSON;
}

static enum status request_read(struct ask_reader *r, uint32_t root)
{
    uint32_t contents, config;
    struct ask *ask = r->ask;

    contents = ask_member(r, root, "contents");
    if (ask_first(r, contents) == JSON_NONE)
        return fail(r->error, E_SYNTAX, "contents: contents is not specified");
    tools_read(r, root);
    instruction_read(r, root);
    for (uint32_t c = ask_first(r, contents); c != JSON_NONE; c = ask_after(r, contents, c)) {
        enum status st = content_read(r, c);

        if (st != OK)
            return st;
    }
    if (r->open != NULL)
        return fail(r->error, E_SYNTAX,
                    "Please ensure that the number of function response parts is equal to the "
                    "number of function call parts of the function call turn.");

    config = ask_member2(r, root, "generationConfig", "generation_config");
    ask->max_output = config_number(r, config, "maxOutputTokens", "max_output_tokens");
    ask_stops(r, ask_member2(r, config, "stopSequences", "stop_sequences"));
    format_read(r, config);
    return OK;
}

/* A count may be asked for a whole request in a wrapper. */
enum status ask_read_gemini(struct ask_reader *r)
{
    uint32_t wrapped = r->ask->kind == ASK_COUNT
                           ? ask_member2(r, 0, "generateContentRequest", "generate_content_request")
                           : JSON_NONE;

    return request_read(r, wrapped != JSON_NONE ? wrapped : 0);
}

/* {model, project, user_prompt_id, request}; to count {request: {model, contents}}. Unlike Gemini,
 * counting takes no thoughts. */
enum status ask_read_cloudcode(struct ask_reader *r)
{
    uint32_t request = ask_member(r, 0, "request");
    bool count = r->ask->kind == ASK_COUNT;
    struct str model;

    if (!ask_has_type(r, request, JSON_OBJECT))
        return fail(r->error, E_SYNTAX, "request: is not specified");
    model = ask_string(r, count ? request : 0, "model");
    if (model.len == 0)
        return fail(r->error, E_SYNTAX, "model: is not specified");
    if (count != str_starts(model, STR("models/")))
        return fail(r->error, E_SYNTAX,
                    count ? "model: must begin with models/"
                          : "model: must not begin with models/");
    r->ask->model = count ? str_drop(model, strlen("models/")) : model;
    r->no_thoughts = count;
    return request_read(r, request);
}
