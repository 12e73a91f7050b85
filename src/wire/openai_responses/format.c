/* wire/openai_responses/format.c - OpenAI Responses, as far as passing through needs it.
 *
 * Stream: named events whose data repeats the name in `type`; ends with response.completed or
 * response.incomplete; response.failed and `error` are failures. There is no [DONE]. */
#include "wire/format_int.h"

static bool read_request(struct wire_request *r, struct arena *a, struct wire_complaint *why)
{
    uint32_t model, stream, input, cache_key, previous, instructions;

    if (!member_used(&r->doc, 0, "model", JSON_STRING, &model, why) ||
        !member_used(&r->doc, 0, "stream", JSON_TRUE, &stream, why) ||
        !member_used(&r->doc, 0, "prompt_cache_key", JSON_STRING, &cache_key, why) ||
        !member_used(&r->doc, 0, "previous_response_id", JSON_STRING, &previous, why) ||
        !member_used(&r->doc, 0, "instructions", JSON_STRING, &instructions, why))
        return false;

    bool twice = false;
    input = json_member(&r->doc, 0, STR("input"), &twice);
    if (twice)
        return complain(why, STR("input"), STR("stands in the request more than once"));
    if (model == JSON_NONE || json_inside(&r->doc, model).len == 0)
        return complain(why, STR("model"), STR("is missing: name a model"));
    if (input != JSON_NONE && json_type(&r->doc, input) == JSON_NULL)
        input = JSON_NONE;
    if (input != JSON_NONE && json_type(&r->doc, input) != JSON_STRING &&
        json_type(&r->doc, input) != JSON_ARRAY)
        return complain(why, STR("input"), STR("must be a string or an array"));
    r->model_raw = json_raw(&r->doc, model);
    json_text(&r->doc, model, a, &r->model);
    r->stream = stream != JSON_NONE && json_is_true(&r->doc, stream);
    if (cache_key != JSON_NONE)
        json_text(&r->doc, cache_key, a, &r->cache_key);
    if (previous != JSON_NONE)
        json_text(&r->doc, previous, a, &r->previous_response);
    if (instructions != JSON_NONE)
        r->system_text = json_raw(&r->doc, instructions);
    if (input == JSON_NONE)
        return true;
    if (json_type(&r->doc, input) == JSON_ARRAY) {
        messages_scan(json_raw(&r->doc, input), STR("content"), a, r);
        return true;
    }
    r->first_message = json_raw(&r->doc, input);
    (void)content_tells(r->first_message, a, &r->first_text);
    return true;
}

static struct str model_span(const struct json *doc, uint32_t response)
{
    uint32_t node = member(doc, response, "model");

    return is_type(doc, node, JSON_STRING) ? json_raw(doc, node) : STR("");
}

static enum finish finish_of(const struct json *doc, uint32_t response)
{
    uint32_t details = member(doc, response, "incomplete_details");

    if (is_type(doc, details, JSON_OBJECT) && member_is(doc, details, "reason", "content_filter"))
        return FINISH_FILTER;
    return member_is(doc, response, "status", "incomplete") ? FINISH_LENGTH : FINISH_STOP;
}

static void read_answer(const struct json *doc, struct wire_answer *out)
{
    uint32_t output = member(doc, 0, "output");

    out->model_raw = model_span(doc, 0);
    usage_read(&out->usage, WIRE_OPENAI_RESPONSES, doc, member(doc, 0, "usage"));
    out->is_error = member(doc, 0, "error") != JSON_NONE || member_is(doc, 0, "status", "failed") ||
                    !is_type(doc, output, JSON_ARRAY);
    if (out->is_error)
        return;
    out->finish = finish_of(doc, 0);
    out->has_content = json_first(doc, output) != JSON_NONE;
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

static void check_done_arguments(struct stream_state *s, const struct json *doc)
{
    uint32_t arguments = member(doc, 0, "arguments");
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
    uint32_t type_node = member(doc, 0, "type"), response = member(doc, 0, "response");
    uint32_t sequence = member(doc, 0, "sequence_number");
    struct str type = is_type(doc, type_node, JSON_STRING) ? json_inside(doc, type_node) : name;
    int64_t n;

    if (sequence != JSON_NONE && json_i64(doc, sequence, &n) && n >= 0 && n < INT64_MAX)
        s->sequence = n + 1;
    if (is_type(doc, response, JSON_OBJECT)) {
        out->model_raw = model_span(doc, response);
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
        out->kind = member_has_text(doc, 0, "delta") ? EVENT_CONTENT : EVENT_PREAMBLE;
    } else {
        out->kind = EVENT_CONTENT; /* items that are done, tool progress, images: all of it can be
                                      acted on */
        if (str_eq(type, STR("response.function_call_arguments.done")))
            check_done_arguments(s, doc);
    }
}

const struct format format_openai_responses = { read_request, read_answer, read_event };
