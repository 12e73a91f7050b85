/* wire/anthropic/format.c - Anthropic Messages, as far as passing through needs it.
 *
 * Stream: message_start, blocks, message_delta with the stop reason, message_stop. `ping` may stand
 * anywhere. An end of the stream before message_stop is a failure. */
#include "wire/format_int.h"

static bool read_request(struct wire_request *r, struct arena *a, struct wire_complaint *why)
{
    enum { MODEL, STREAM, MESSAGES, METADATA, USES };
    static const struct str names[USES] = {
        [MODEL] = NAME("model"),
        [STREAM] = NAME("stream"),
        [MESSAGES] = NAME("messages"),
        [METADATA] = NAME("metadata"),
    };
    static const enum json_type types[USES] = {
        [MODEL] = JSON_STRING,
        [STREAM] = JSON_TRUE,
        [MESSAGES] = JSON_ARRAY,
        [METADATA] = JSON_OBJECT,
    };
    uint32_t nodes[USES], user;
    struct json inside;

    if (!members_used(&r->doc, 0, names, types, nodes, USES, why))
        return false;
    uint32_t model = nodes[MODEL], messages = nodes[MESSAGES], metadata = nodes[METADATA];

    if (model == JSON_NONE || json_inside(&r->doc, model).len == 0)
        return complain(why, STR("model"), STR("is missing: name a model"));
    if (messages == JSON_NONE || r->doc.nodes[messages].count == 0)
        return complain(why, STR("messages"), STR("must be an array with at least one message"));
    r->model_raw = json_raw(&r->doc, model);
    json_text(&r->doc, model, a, &r->model);
    r->stream = is_type(&r->doc, nodes[STREAM], JSON_TRUE);
    if (metadata != JSON_NONE && object_open(&r->doc, metadata, a, &inside)) {
        user = member(&inside, 0, "user_id");
        if (is_type(&inside, user, JSON_STRING))
            json_text(&inside, user, a, &r->user_id);
    }

    uint32_t system = member(&r->doc, 0, "system");
    if (system != JSON_NONE)
        r->system_text = json_raw(&r->doc, system);
    messages_scan(messages, STR("content"), a, r);
    return true;
}

static enum finish finish_of(const struct json *doc, uint32_t reason)
{
    if (json_says(doc, reason, STR("max_tokens")) ||
        json_says(doc, reason, STR("model_context_window_exceeded")))
        return FINISH_LENGTH;
    return json_says(doc, reason, STR("refusal")) ? FINISH_FILTER : FINISH_STOP;
}

static void read_answer(const struct json *doc, struct wire_answer *out)
{
    enum { TYPE, CONTENT, REASON, MODEL, USAGE, NAMES };
    static const struct str names[NAMES] = {
        [TYPE] = NAME("type"),   [CONTENT] = NAME("content"), [REASON] = NAME("stop_reason"),
        [MODEL] = NAME("model"), [USAGE] = NAME("usage"),
    };
    uint32_t nodes[NAMES];

    members_named(doc, 0, names, nodes, NAMES);
    out->model_raw = string_span(doc, nodes[MODEL]);
    usage_read(&out->usage, WIRE_ANTHROPIC, doc, nodes[USAGE]);
    out->is_error = (nodes[TYPE] != JSON_NONE && json_says(doc, nodes[TYPE], STR("error"))) ||
                    !is_type(doc, nodes[CONTENT], JSON_ARRAY);
    if (out->is_error)
        return;
    out->has_content = json_first(doc, nodes[CONTENT]) != JSON_NONE;
    if (is_type(doc, nodes[REASON], JSON_STRING))
        out->finish = finish_of(doc, nodes[REASON]);
}

/* What is read of an event. */
enum { TYPE, INDEX, DELTA, BLOCK, MESSAGE, USAGE, EVENT };
static const struct str event_names[EVENT] = {
    [TYPE] = NAME("type"),           [INDEX] = NAME("index"),     [DELTA] = NAME("delta"),
    [BLOCK] = NAME("content_block"), [MESSAGE] = NAME("message"), [USAGE] = NAME("usage"),
};

static int64_t index_of(const struct json *doc, uint32_t index)
{
    int64_t n = 0;

    if (index != JSON_NONE)
        (void)json_i64(doc, index, &n);
    return n;
}

/* A block that is whole when it opens (a redacted thought, a server tool's result) commits at once.
 */
static enum event_kind block_start(const struct json *doc, uint32_t block)
{
    static const struct str empty_at_start[] = { NAME("text"), NAME("thinking"), NAME("tool_use"),
                                                 NAME("server_tool_use") };
    uint32_t type;

    if (!is_type(doc, block, JSON_OBJECT))
        return EVENT_PREAMBLE;
    type = member(doc, block, "type");
    for (size_t i = 0; i < COUNT(empty_at_start); i++)
        if (type != JSON_NONE && json_says(doc, type, empty_at_start[i]))
            return has_text(doc, member(doc, block, "text")) ||
                           has_text(doc, member(doc, block, "thinking"))
                       ? EVENT_CONTENT
                       : EVENT_PREAMBLE;
    return EVENT_CONTENT;
}

static enum event_kind block_delta(struct stream_state *s, const struct json *doc, uint32_t delta,
                                   uint32_t index, struct event_view *out)
{
    enum { JSON_PIECE, TEXT, THINKING, SIGNATURE, CITATION, NAMES };
    static const struct str names[NAMES] = {
        [JSON_PIECE] = NAME("partial_json"), [TEXT] = NAME("text"),
        [THINKING] = NAME("thinking"),       [SIGNATURE] = NAME("signature"),
        [CITATION] = NAME("citation"),
    };
    uint32_t nodes[NAMES];

    if (!is_type(doc, delta, JSON_OBJECT))
        return EVENT_PREAMBLE;
    members_named(doc, delta, names, nodes, NAMES);
    if (is_type(doc, nodes[JSON_PIECE], JSON_STRING)) {
        out->more = true;
        stream_add_arguments(s, index_of(doc, index), doc, nodes[JSON_PIECE]);
    }
    for (size_t i = 0; i < CITATION; i++)
        if (has_text(doc, nodes[i])) {
            out->text = json_inside(doc, nodes[i]);
            return EVENT_CONTENT;
        }
    return nodes[CITATION] != JSON_NONE ? EVENT_CONTENT : EVENT_PREAMBLE;
}

static void read_event(struct stream_state *s, struct str name, const struct json *doc,
                       struct event_view *out)
{
    uint32_t nodes[EVENT];

    members_named(doc, 0, event_names, nodes, EVENT);
    struct str type = is_type(doc, nodes[TYPE], JSON_STRING) ? json_inside(doc, nodes[TYPE]) : name;

    if (str_eq(type, STR("content_block_delta"))) {
        out->kind = block_delta(s, doc, nodes[DELTA], nodes[INDEX], out);
    } else if (str_eq(type, STR("content_block_start"))) {
        out->kind = block_start(doc, nodes[BLOCK]);
    } else if (str_eq(type, STR("content_block_stop"))) {
        stream_check_arguments(s, index_of(doc, nodes[INDEX]));
        out->kind = s->content ? EVENT_OTHER : EVENT_PREAMBLE;
    } else if (str_eq(type, STR("message_start"))) {
        uint32_t message = nodes[MESSAGE];

        out->kind = EVENT_PREAMBLE;
        if (is_type(doc, message, JSON_OBJECT)) {
            out->model_raw = string_span(doc, member(doc, message, "model"));
            usage_read(&s->usage, WIRE_ANTHROPIC, doc, member(doc, message, "usage"));
        }
    } else if (str_eq(type, STR("message_delta"))) {
        uint32_t reason = is_type(doc, nodes[DELTA], JSON_OBJECT)
                              ? member(doc, nodes[DELTA], "stop_reason")
                              : JSON_NONE;

        usage_read(&s->usage, WIRE_ANTHROPIC, doc, nodes[USAGE]);
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
