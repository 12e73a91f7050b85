/* wire/openai_chat/format.c - OpenAI Chat Completions, as far as passing through needs it.
 *
 * Stream: `data:` chunks, no event names, `[DONE]`. A role chunk and empty deltas commit nothing.
 * Servers that are "compatible" leave out [DONE], indexes and ids: an end of the stream behind a
 * finish_reason is legal. */
#include "wire/format_int.h"

static bool read_request(struct wire_request *r, struct arena *a, struct wire_complaint *why)
{
    uint32_t model, stream, messages, cache_key;

    if (!member_used(&r->doc, 0, "model", JSON_STRING, &model, why) ||
        !member_used(&r->doc, 0, "stream", JSON_TRUE, &stream, why) ||
        !member_used(&r->doc, 0, "messages", JSON_ARRAY, &messages, why) ||
        !member_used(&r->doc, 0, "prompt_cache_key", JSON_STRING, &cache_key, why) ||
        !member_used(&r->doc, 0, "stream_options", JSON_OBJECT, &r->stream_options, why))
        return false;
    if (model == JSON_NONE || json_inside(&r->doc, model).len == 0)
        return complain(why, STR("model"), STR("is missing: name a model"));
    if (messages == JSON_NONE || r->doc.nodes[messages].count == 0)
        return complain(why, STR("messages"), STR("must be an array with at least one message"));
    r->model_raw = json_raw(&r->doc, model);
    json_text(&r->doc, model, a, &r->model);
    r->stream = stream != JSON_NONE && json_is_true(&r->doc, stream);
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
    } else {
        /* a null stays as it is unless the usage is spliced in its place */
        r->stream_options = json_member(&r->doc, 0, STR("stream_options"), NULL);
    }
    if (cache_key != JSON_NONE)
        json_text(&r->doc, cache_key, a, &r->cache_key);
    messages_scan(json_raw(&r->doc, messages), STR("content"), a, r);
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

static struct str model_span(const struct json *doc)
{
    uint32_t node = member(doc, 0, "model");

    return is_type(doc, node, JSON_STRING) ? json_raw(doc, node) : STR("");
}

static bool is_error(const struct json *doc)
{
    uint32_t error = member(doc, 0, "error");

    return error != JSON_NONE && json_type(doc, error) != JSON_FALSE;
}

static void read_answer(const struct json *doc, struct wire_answer *out)
{
    uint32_t choices = member(doc, 0, "choices");

    out->model_raw = model_span(doc);
    usage_read(&out->usage, WIRE_OPENAI_CHAT, doc, member(doc, 0, "usage"));
    out->is_error = is_error(doc) || !is_type(doc, choices, JSON_ARRAY);
    if (out->is_error)
        return;
    for (uint32_t c = json_first(doc, choices); c != JSON_NONE; c = json_after(doc, choices, c)) {
        uint32_t reason, message;

        if (json_type(doc, c) != JSON_OBJECT)
            continue;
        reason = member(doc, c, "finish_reason");
        message = member(doc, c, "message");
        if (is_type(doc, reason, JSON_STRING) && out->finish == FINISH_NONE)
            out->finish = finish_of(doc, reason);
        if (is_type(doc, message, JSON_OBJECT))
            out->has_content = true;
    }
}

/* Does a delta carry anything a client could show or act on? */
static bool delta_has_content(const struct json *doc, uint32_t delta)
{
    static const char *const texts[] = { "content", "refusal", "reasoning_content", "reasoning",
                                         "reasoning_text" };
    static const char *const others[] = { "tool_calls", "function_call", "audio", "images",
                                          "reasoning_details" };

    for (size_t i = 0; i < COUNT(texts); i++)
        if (member_has_text(doc, delta, texts[i]))
            return true;
    for (size_t i = 0; i < COUNT(others); i++) {
        uint32_t node = member(doc, delta, others[i]);

        if (node != JSON_NONE && json_first(doc, node) != JSON_NONE)
            return true;
    }
    /* some servers stream content as an array of parts */
    return is_type(doc, member(doc, delta, "content"), JSON_ARRAY);
}

static void follow_calls(struct stream_state *s, const struct json *doc, uint32_t delta)
{
    uint32_t calls = member(doc, delta, "tool_calls");
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

static void read_event(struct stream_state *s, struct str name, const struct json *doc,
                       struct event_view *out)
{
    uint32_t choices = member(doc, 0, "choices");
    uint32_t usage = member(doc, 0, "usage");

    if (is_error(doc) || str_eq(name, STR("error"))) {
        out->kind = EVENT_ERROR;
        return;
    }
    out->model_raw = model_span(doc);
    usage_read(&s->usage, WIRE_OPENAI_CHAT, doc, usage);
    if (!is_type(doc, choices, JSON_ARRAY))
        return;
    if (json_first(doc, choices) == JSON_NONE) {
        out->kind = is_type(doc, usage, JSON_OBJECT) ? EVENT_USAGE : EVENT_OTHER;
        return;
    }
    out->kind = EVENT_PREAMBLE;
    for (uint32_t c = json_first(doc, choices); c != JSON_NONE; c = json_after(doc, choices, c)) {
        uint32_t delta, reason;

        if (json_type(doc, c) != JSON_OBJECT)
            continue;
        delta = member(doc, c, "delta");
        reason = member(doc, c, "finish_reason");
        if (is_type(doc, delta, JSON_OBJECT)) {
            if (delta_has_content(doc, delta))
                out->kind = EVENT_CONTENT;
            follow_calls(s, doc, delta);
        }
        if (is_type(doc, reason, JSON_STRING) && json_inside(doc, reason).len > 0) {
            s->finish = finish_of(doc, reason);
            for (uint32_t i = 0; i < s->call_count; i++)
                stream_check_arguments(s, s->calls[i].index);
            if (out->kind == EVENT_PREAMBLE)
                out->kind = EVENT_OTHER;
        }
    }
}

const struct format format_openai_chat = { read_request, read_answer, read_event };
