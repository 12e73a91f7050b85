/* wire/anthropic/format.c - Anthropic Messages, as far as passing through needs it.
 *
 * Stream: message_start, blocks, message_delta with the stop reason, message_stop. `ping` may stand
 * anywhere. An end of the stream before message_stop is a failure. */
#include "wire/format_int.h"

static bool read_request(struct wire_request *r, struct arena *a, struct wire_complaint *why)
{
    uint32_t model, stream, messages, metadata, user;
    struct json inside;

    if (!member_used(&r->doc, 0, "model", JSON_STRING, &model, why) ||
        !member_used(&r->doc, 0, "stream", JSON_TRUE, &stream, why) ||
        !member_used(&r->doc, 0, "messages", JSON_ARRAY, &messages, why) ||
        !member_used(&r->doc, 0, "metadata", JSON_OBJECT, &metadata, why))
        return false;
    if (model == JSON_NONE || json_inside(&r->doc, model).len == 0)
        return complain(why, STR("model"), STR("is missing: name a model"));
    if (messages == JSON_NONE || r->doc.nodes[messages].count == 0)
        return complain(why, STR("messages"), STR("must be an array with at least one message"));
    r->model_raw = json_raw(&r->doc, model);
    json_text(&r->doc, model, a, &r->model);
    r->stream = stream != JSON_NONE && json_is_true(&r->doc, stream);
    if (metadata != JSON_NONE && object_open(&r->doc, metadata, a, &inside)) {
        user = member(&inside, 0, "user_id");
        if (is_type(&inside, user, JSON_STRING))
            json_text(&inside, user, a, &r->user_id);
    }

    uint32_t system = member(&r->doc, 0, "system");
    if (system != JSON_NONE)
        r->system_text = json_raw(&r->doc, system);
    messages_scan(json_raw(&r->doc, messages), STR("content"), a, r);
    return true;
}

static enum finish finish_of(const struct json *doc, uint32_t reason)
{
    if (json_says(doc, reason, STR("max_tokens")) ||
        json_says(doc, reason, STR("model_context_window_exceeded")))
        return FINISH_LENGTH;
    return json_says(doc, reason, STR("refusal")) ? FINISH_FILTER : FINISH_STOP;
}

static struct str model_span(const struct json *doc, uint32_t message)
{
    uint32_t node = member(doc, message, "model");

    return is_type(doc, node, JSON_STRING) ? json_raw(doc, node) : STR("");
}

static void read_answer(const struct json *doc, struct wire_answer *out)
{
    uint32_t content = member(doc, 0, "content"), reason = member(doc, 0, "stop_reason");

    out->model_raw = model_span(doc, 0);
    usage_read(&out->usage, WIRE_ANTHROPIC, doc, member(doc, 0, "usage"));
    out->is_error = member_is(doc, 0, "type", "error") || !is_type(doc, content, JSON_ARRAY);
    if (out->is_error)
        return;
    out->has_content = json_first(doc, content) != JSON_NONE;
    if (is_type(doc, reason, JSON_STRING))
        out->finish = finish_of(doc, reason);
}

static int64_t index_of(const struct json *doc)
{
    uint32_t node = member(doc, 0, "index");
    int64_t n = 0;

    if (node != JSON_NONE)
        (void)json_i64(doc, node, &n);
    return n;
}

/* A block that is whole when it opens (a redacted thought, a server tool's result) commits at once.
 */
static enum event_kind block_start(const struct json *doc)
{
    uint32_t block = member(doc, 0, "content_block");
    static const char *const empty_at_start[] = { "text", "thinking", "tool_use",
                                                  "server_tool_use" };

    if (!is_type(doc, block, JSON_OBJECT))
        return EVENT_PREAMBLE;
    for (size_t i = 0; i < COUNT(empty_at_start); i++)
        if (member_is(doc, block, "type", empty_at_start[i]))
            return member_has_text(doc, block, "text") || member_has_text(doc, block, "thinking")
                       ? EVENT_CONTENT
                       : EVENT_PREAMBLE;
    return EVENT_CONTENT;
}

static enum event_kind block_delta(struct stream_state *s, const struct json *doc)
{
    static const char *const texts[] = { "text", "thinking", "signature", "partial_json" };
    uint32_t delta = member(doc, 0, "delta"), piece;

    if (!is_type(doc, delta, JSON_OBJECT))
        return EVENT_PREAMBLE;
    piece = member(doc, delta, "partial_json");
    if (is_type(doc, piece, JSON_STRING))
        stream_add_arguments(s, index_of(doc), doc, piece);
    for (size_t i = 0; i < COUNT(texts); i++)
        if (member_has_text(doc, delta, texts[i]))
            return EVENT_CONTENT;
    return member(doc, delta, "citation") != JSON_NONE ? EVENT_CONTENT : EVENT_PREAMBLE;
}

static void read_event(struct stream_state *s, struct str name, const struct json *doc,
                       struct event_view *out)
{
    uint32_t type_node = member(doc, 0, "type");
    struct str type = is_type(doc, type_node, JSON_STRING) ? json_inside(doc, type_node) : name;

    if (str_eq(type, STR("content_block_delta"))) {
        out->kind = block_delta(s, doc);
    } else if (str_eq(type, STR("content_block_start"))) {
        out->kind = block_start(doc);
    } else if (str_eq(type, STR("content_block_stop"))) {
        stream_check_arguments(s, index_of(doc));
        out->kind = s->content ? EVENT_OTHER : EVENT_PREAMBLE;
    } else if (str_eq(type, STR("message_start"))) {
        uint32_t message = member(doc, 0, "message");

        out->kind = EVENT_PREAMBLE;
        if (is_type(doc, message, JSON_OBJECT)) {
            out->model_raw = model_span(doc, message);
            usage_read(&s->usage, WIRE_ANTHROPIC, doc, member(doc, message, "usage"));
        }
    } else if (str_eq(type, STR("message_delta"))) {
        uint32_t delta = member(doc, 0, "delta");
        uint32_t reason =
            is_type(doc, delta, JSON_OBJECT) ? member(doc, delta, "stop_reason") : JSON_NONE;

        usage_read(&s->usage, WIRE_ANTHROPIC, doc, member(doc, 0, "usage"));
        if (is_type(doc, reason, JSON_STRING))
            s->finish = finish_of(doc, reason);
    } else if (str_eq(type, STR("message_stop"))) {
        out->kind = EVENT_END;
    } else if (str_eq(type, STR("error"))) {
        out->kind = EVENT_ERROR;
    } else {
        out->kind = EVENT_PREAMBLE; /* ping, and what is not known yet */
    }
}

const struct format format_anthropic = { read_request, read_answer, read_event };
