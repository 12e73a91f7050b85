/* wire/openai_chat/format.c - OpenAI Chat Completions, as far as passing through needs it.
 *
 * Stream: `data:` chunks, no event names, `[DONE]`. A role chunk and empty deltas commit nothing.
 * Servers that are "compatible" leave out [DONE], indexes and ids: an end of the stream behind a
 * finish_reason is legal. */
#include "wire/format_int.h"

static bool read_request(struct wire_request *r, struct arena *a, struct wire_complaint *why)
{
    enum { MODEL, STREAM, MESSAGES, CACHE_KEY, STREAM_OPTIONS, USES };
    static const struct str names[USES] = {
        [MODEL] = NAME("model"),
        [STREAM] = NAME("stream"),
        [MESSAGES] = NAME("messages"),
        [CACHE_KEY] = NAME("prompt_cache_key"),
        [STREAM_OPTIONS] = NAME("stream_options"),
    };
    static const enum json_type types[USES] = {
        [MODEL] = JSON_STRING,     [STREAM] = JSON_TRUE,           [MESSAGES] = JSON_ARRAY,
        [CACHE_KEY] = JSON_STRING, [STREAM_OPTIONS] = JSON_OBJECT,
    };
    uint32_t nodes[USES];

    if (!members_used(&r->doc, 0, names, types, nodes, USES, why))
        return false;
    uint32_t model = nodes[MODEL], messages = nodes[MESSAGES];

    r->stream_options = nodes[STREAM_OPTIONS];
    if (model == JSON_NONE || json_inside(&r->doc, model).len == 0)
        return complain(why, STR("model"), STR("is missing: name a model"));
    if (messages == JSON_NONE || r->doc.nodes[messages].count == 0)
        return complain(why, STR("messages"), STR("must be an array with at least one message"));
    r->model_raw = json_raw(&r->doc, model);
    json_text(&r->doc, model, a, &r->model);
    r->stream = is_type(&r->doc, nodes[STREAM], JSON_TRUE);
    if (r->stream_options != JSON_NONE) {
        struct json options;
        bool twice = false;
        uint32_t node = JSON_NONE;

        if (object_open(&r->doc, r->stream_options, a, &options))
            node = json_member(&options, 0, STR("include_usage"), &twice);
        if (twice)
            return complain(why, STR("stream_options.include_usage"),
                            STR("stands in the request more than once"));
        if (node != JSON_NONE)
            r->include_usage = json_raw(&options, node);
        r->wants_usage = str_eq(r->include_usage, STR("true"));
    } else if (r->stream) {
        /* a null stays as it is unless the usage is spliced in its place */
        r->stream_options = json_member(&r->doc, 0, STR("stream_options"), NULL);
    }
    if (nodes[CACHE_KEY] != JSON_NONE)
        json_text(&r->doc, nodes[CACHE_KEY], a, &r->cache_key);
    messages_scan(messages, STR("content"), a, r);
    return true;
}

static enum finish finish_of(const struct json *doc, uint32_t node)
{
    if (json_says(doc, node, STR("length")))
        return FINISH_LENGTH;
    if (json_says(doc, node, STR("content_filter")))
        return FINISH_FILTER;
    return FINISH_STOP;
}

/* What is read of an answer, and of a chunk. */
enum { CHOICES, USAGE, ERROR, MODEL, ROOT };
static const struct str root_names[ROOT] = {
    [CHOICES] = NAME("choices"),
    [USAGE] = NAME("usage"),
    [ERROR] = NAME("error"),
    [MODEL] = NAME("model"),
};

static bool is_error(const struct json *doc, uint32_t error)
{
    return error != JSON_NONE && json_type(doc, error) != JSON_FALSE;
}

static void read_answer(const struct json *doc, struct wire_answer *out)
{
    static const struct str names[] = { NAME("finish_reason"), NAME("message") };
    uint32_t root[ROOT], in_choice[COUNT(names)];

    members_named(doc, 0, root_names, root, ROOT);
    out->model_raw = string_span(doc, root[MODEL]);
    usage_read(&out->usage, WIRE_OPENAI_CHAT, doc, root[USAGE]);
    out->is_error = is_error(doc, root[ERROR]) || !is_type(doc, root[CHOICES], JSON_ARRAY);
    if (out->is_error)
        return;
    for (uint32_t c = json_first(doc, root[CHOICES]); c != JSON_NONE;
         c = json_after(doc, root[CHOICES], c)) {
        members_named(doc, c, names, in_choice, COUNT(names));
        if (is_type(doc, in_choice[0], JSON_STRING) && out->finish == FINISH_NONE)
            out->finish = finish_of(doc, in_choice[0]);
        if (is_type(doc, in_choice[1], JSON_OBJECT))
            out->has_content = true;
    }
}

static void follow_calls(struct stream_state *s, const struct json *doc, uint32_t calls)
{
    int64_t position = 0;

    if (!is_type(doc, calls, JSON_ARRAY))
        return;
    for (uint32_t c = json_first(doc, calls); c != JSON_NONE;
         c = json_after(doc, calls, c), position++) {
        uint32_t function, arguments, index;
        int64_t n = position;

        if (json_type(doc, c) != JSON_OBJECT)
            continue;
        index = member(doc, c, "index");
        if (index != JSON_NONE)
            (void)json_i64(doc, index, &n);
        else
            s->unchecked = true; /* whose fragment this is cannot be told */
        function = member(doc, c, "function");
        arguments =
            is_type(doc, function, JSON_OBJECT) ? member(doc, function, "arguments") : JSON_NONE;
        if (is_type(doc, arguments, JSON_STRING))
            stream_add_arguments(s, n, doc, arguments);
    }
}

/* Follows tool calls; true when the delta carries anything a client could show or act on. */
static bool read_delta(struct stream_state *s, const struct json *doc, uint32_t delta,
                       struct event_view *out)
{
    enum { CONTENT, REFUSAL, REASONING_CONTENT, REASONING, REASONING_TEXT, TEXTS };
    enum { TOOL_CALLS = TEXTS, FUNCTION_CALL, AUDIO, IMAGES, REASONING_DETAILS, NAMES };
    static const struct str names[NAMES] = {
        [CONTENT] = NAME("content"),
        [REFUSAL] = NAME("refusal"),
        [REASONING_CONTENT] = NAME("reasoning_content"),
        [REASONING] = NAME("reasoning"),
        [REASONING_TEXT] = NAME("reasoning_text"),
        [TOOL_CALLS] = NAME("tool_calls"),
        [FUNCTION_CALL] = NAME("function_call"),
        [AUDIO] = NAME("audio"),
        [IMAGES] = NAME("images"),
        [REASONING_DETAILS] = NAME("reasoning_details"),
    };
    uint32_t nodes[NAMES];
    bool content = false;

    members_named(doc, delta, names, nodes, NAMES);
    follow_calls(s, doc, nodes[TOOL_CALLS]);
    out->more = out->more || nodes[TOOL_CALLS] != JSON_NONE;
    for (size_t i = 0; i < TEXTS && !content; i++)
        if ((content = has_text(doc, nodes[i])))
            out->text = json_inside(doc, nodes[i]);
    for (size_t i = TEXTS; i < NAMES; i++)
        content = content || (nodes[i] != JSON_NONE && json_first(doc, nodes[i]) != JSON_NONE);
    /* some servers stream content as an array of parts */
    return content || is_type(doc, nodes[CONTENT], JSON_ARRAY);
}

static void read_event(struct stream_state *s, struct str name, const struct json *doc,
                       struct event_view *out)
{
    static const struct str names[] = { NAME("delta"), NAME("finish_reason") };
    uint32_t root[ROOT], in_choice[COUNT(names)];

    members_named(doc, 0, root_names, root, ROOT);
    if (is_error(doc, root[ERROR]) || str_eq(name, STR("error"))) {
        out->kind = EVENT_ERROR;
        return;
    }
    out->model_raw = string_span(doc, root[MODEL]);
    usage_read(&s->usage, WIRE_OPENAI_CHAT, doc, root[USAGE]);
    if (!is_type(doc, root[CHOICES], JSON_ARRAY))
        return;
    if (json_first(doc, root[CHOICES]) == JSON_NONE) {
        out->kind = is_type(doc, root[USAGE], JSON_OBJECT) ? EVENT_USAGE : EVENT_OTHER;
        return;
    }
    out->kind = EVENT_PREAMBLE;
    for (uint32_t c = json_first(doc, root[CHOICES]); c != JSON_NONE;
         c = json_after(doc, root[CHOICES], c)) {
        members_named(doc, c, names, in_choice, COUNT(names));
        if (is_type(doc, in_choice[0], JSON_OBJECT) && read_delta(s, doc, in_choice[0], out))
            out->kind = EVENT_CONTENT;
        if (has_text(doc, in_choice[1])) {
            out->more = true;
            s->finish = finish_of(doc, in_choice[1]);
            for (uint32_t i = 0; i < s->call_count; i++)
                stream_check_arguments(s, s->calls[i].index);
            if (out->kind == EVENT_PREAMBLE)
                out->kind = EVENT_OTHER;
        }
    }
}

const struct format format_openai_chat = { read_request, read_answer, read_event };
