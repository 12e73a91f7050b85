/* wire/openai_responses/format.c - OpenAI Responses, as far as passing through needs it.
 *
 * Stream: named events whose data repeats the name in `type`; ends with response.completed or
 * response.incomplete; response.failed and `error` are failures. There is no [DONE]. */
#include "wire/format_int.h"

static bool read_request(struct wire_request *r, struct arena *a, struct wire_complaint *why)
{
    enum { MODEL, STREAM, CACHE_KEY, PREVIOUS, INSTRUCTIONS, INPUT, USES };
    static const struct str names[USES] = {
        [MODEL] = NAME("model"),
        [STREAM] = NAME("stream"),
        [CACHE_KEY] = NAME("prompt_cache_key"),
        [PREVIOUS] = NAME("previous_response_id"),
        [INSTRUCTIONS] = NAME("instructions"),
        [INPUT] = NAME("input"),
    };
    static const enum json_type types[USES] = {
        [MODEL] = JSON_STRING,        [STREAM] = JSON_TRUE,
        [CACHE_KEY] = JSON_STRING,    [PREVIOUS] = JSON_STRING,
        [INSTRUCTIONS] = JSON_STRING, [INPUT] = JSON_NULL, /* a string or an array: see below */
    };
    uint32_t nodes[USES];

    if (!members_used(&r->doc, 0, names, types, nodes, USES, why))
        return false;
    uint32_t model = nodes[MODEL], input = nodes[INPUT];

    if (model == JSON_NONE || json_inside(&r->doc, model).len == 0)
        return complain(why, STR("model"), STR("is missing: name a model"));
    if (input != JSON_NONE && json_type(&r->doc, input) != JSON_STRING &&
        json_type(&r->doc, input) != JSON_ARRAY)
        return complain(why, STR("input"), STR("must be a string or an array"));
    r->model_raw = json_raw(&r->doc, model);
    json_text(&r->doc, model, a, &r->model);
    r->stream = is_type(&r->doc, nodes[STREAM], JSON_TRUE);
    if (nodes[CACHE_KEY] != JSON_NONE)
        json_text(&r->doc, nodes[CACHE_KEY], a, &r->cache_key);
    if (nodes[PREVIOUS] != JSON_NONE)
        json_text(&r->doc, nodes[PREVIOUS], a, &r->previous_response);
    if (nodes[INSTRUCTIONS] != JSON_NONE)
        r->system_text = json_raw(&r->doc, nodes[INSTRUCTIONS]);
    if (input == JSON_NONE)
        return true;
    if (json_type(&r->doc, input) == JSON_ARRAY) {
        messages_scan(input, STR("content"), a, r);
        return true;
    }
    r->first_message = json_raw(&r->doc, input);
    if (!content_tells(&r->doc, input, a, &r->first_text))
        r->first_text = STR("");
    return true;
}

/* What is read of an answer; a stream's last event holds one as well. */
enum { ID, OUTPUT, MODEL, USAGE, ERROR, STATUS, DETAILS, ANSWER };
static const struct str answer_names[ANSWER] = {
    [ID] = NAME("id"),
    [OUTPUT] = NAME("output"),
    [MODEL] = NAME("model"),
    [USAGE] = NAME("usage"),
    [ERROR] = NAME("error"),
    [STATUS] = NAME("status"),
    [DETAILS] = NAME("incomplete_details"),
};

static bool says(const struct json *doc, uint32_t node, struct str text)
{
    return node != JSON_NONE && json_says(doc, node, text);
}

static enum finish finish_of(const struct json *doc, const uint32_t nodes[ANSWER])
{
    if (is_type(doc, nodes[DETAILS], JSON_OBJECT) &&
        says(doc, member(doc, nodes[DETAILS], "reason"), STR("content_filter")))
        return FINISH_FILTER;
    return says(doc, nodes[STATUS], STR("incomplete")) ? FINISH_LENGTH : FINISH_STOP;
}

static void read_answer(const struct json *doc, struct wire_answer *out)
{
    uint32_t nodes[ANSWER];

    members_named(doc, 0, answer_names, nodes, ANSWER);
    out->model_raw = string_span(doc, nodes[MODEL]);
    usage_read(&out->usage, WIRE_OPENAI_RESPONSES, doc, nodes[USAGE]);
    out->is_error = nodes[ERROR] != JSON_NONE || says(doc, nodes[STATUS], STR("failed")) ||
                    !is_type(doc, nodes[OUTPUT], JSON_ARRAY);
    if (out->is_error)
        return;
    if (is_type(doc, nodes[ID], JSON_STRING))
        out->id = json_inside(doc, nodes[ID]);
    out->finish = finish_of(doc, nodes);
    out->has_content = json_first(doc, nodes[OUTPUT]) != JSON_NONE;
}

/* Events that open or repeat something and carry nothing yet. */
static bool is_handshake(struct str type)
{
    static const struct str opening[] = {
        { "response.created", 16 },
        { "response.queued", 15 },
        { "response.in_progress", 20 },
        { "response.output_item.added", 26 },
        { "response.content_part.added", 27 },
        { "response.reasoning_summary_part.added", 37 },
    };

    for (size_t i = 0; i < COUNT(opening); i++)
        if (str_eq(type, opening[i]))
            return true;
    return !str_starts(type, STR("response."));
}

static void keep_id(struct stream_state *s, const struct json *doc, uint32_t response)
{
    uint32_t id = member(doc, response, "id");

    if (s->response_id[0] != '\0' || !is_type(doc, id, JSON_STRING))
        return;
    struct str text = json_inside(doc, id);
    if (text.len >= sizeof(s->response_id) || memchr(text.at, '\\', text.len) != NULL)
        return;
    memcpy(s->response_id, text.at, text.len);
    s->response_id[text.len] = '\0';
}

static void check_done_arguments(struct stream_state *s, const struct json *doc, uint32_t arguments)
{
    struct arena a = { 0 };
    struct str text;

    if (is_type(doc, arguments, JSON_STRING) && json_text(doc, arguments, &a, &text) &&
        !arguments_are_json(text))
        s->bad_arguments = true;
    arena_free(&a);
}

static void read_event(struct stream_state *s, struct str name, const struct json *doc,
                       struct event_view *out)
{
    enum { TYPE, RESPONSE, SEQUENCE, DELTA, ARGUMENTS, NAMES };
    static const struct str names[NAMES] = {
        [TYPE] = NAME("type"),
        [RESPONSE] = NAME("response"),
        [SEQUENCE] = NAME("sequence_number"),
        [DELTA] = NAME("delta"),
        [ARGUMENTS] = NAME("arguments"),
    };
    uint32_t nodes[NAMES];

    members_named(doc, 0, names, nodes, NAMES);
    uint32_t response = nodes[RESPONSE];
    struct str type = is_type(doc, nodes[TYPE], JSON_STRING) ? json_inside(doc, nodes[TYPE]) : name;
    if (is_type(doc, response, JSON_OBJECT)) {
        out->more = true;
        out->model_raw = string_span(doc, member(doc, response, "model"));
        usage_read(&s->usage, WIRE_OPENAI_RESPONSES, doc, member(doc, response, "usage"));
        keep_id(s, doc, response);
    }
    if (str_eq(type, STR("error")) || str_eq(type, STR("response.failed"))) {
        out->kind = EVENT_ERROR;
    } else if (str_eq(type, STR("response.completed")) ||
               str_eq(type, STR("response.incomplete"))) {
        out->kind = EVENT_END;
        s->finish = str_eq(type, STR("response.completed")) ? FINISH_STOP : FINISH_LENGTH;
    } else if (is_handshake(type)) {
        out->kind = EVENT_PREAMBLE;
    } else if (str_ends(type, STR(".delta"))) {
        out->kind = has_text(doc, nodes[DELTA]) ? EVENT_CONTENT : EVENT_PREAMBLE;
        if (out->kind == EVENT_CONTENT)
            out->text = json_inside(doc, nodes[DELTA]);
    } else {
        out->kind = EVENT_CONTENT; /* items that are done, tool progress, images: all of it can be
                                      acted on */
        if (str_eq(type, STR("response.function_call_arguments.done")))
            check_done_arguments(s, doc, nodes[ARGUMENTS]);
    }

    /* an error, and an end that may not be one, do not pass: ours takes their number */
    bool passes = out->kind != EVENT_ERROR && out->kind != EVENT_END;
    int64_t n;

    if (passes && nodes[SEQUENCE] != JSON_NONE && json_i64(doc, nodes[SEQUENCE], &n) && n >= 0 &&
        n < INT64_MAX)
        s->sequence = n + 1;
}

const struct format format_openai_responses = { read_request, read_answer, read_event };
