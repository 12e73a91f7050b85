/* wire/gemini/format.c - Gemini generateContent, as far as passing through needs it.
 *
 * Model and streaming are in the path. A stream is a run of partial responses; it just ends, and is
 * complete when a finishReason came, or a promptFeedback that says the prompt was blocked.
 * snake_case spellings are accepted by the service and read here too. */
#include "wire/format_int.h"

static uint32_t either_of(uint32_t camel, uint32_t snake)
{
    return camel != JSON_NONE ? camel : snake;
}

#define either(doc, object, camel, snake) \
    either_of(member(doc, object, camel), member(doc, object, snake))

static bool read_request(struct wire_request *r, struct arena *a, struct wire_complaint *why)
{
    static const struct str name = NAME("contents");
    static const enum json_type type = JSON_ARRAY;
    uint32_t contents, system;

    if (r->model.len == 0)
        return complain(why, STR("model"), STR("is missing: name a model in the path"));
    if (!members_used(&r->doc, 0, &name, &type, &contents, 1, why))
        return false;
    system = either(&r->doc, 0, "systemInstruction", "system_instruction");
    if (system != JSON_NONE)
        r->system_text = json_raw(&r->doc, system);
    if (contents == JSON_NONE || r->doc.nodes[contents].count == 0)
        return complain(why, STR("contents"), STR("must be an array with at least one content"));
    messages_scan(contents, STR("parts"), a, r);
    return true;
}

/* What is read of an answer, and of a part of one in a stream; the second spellings last. */
enum { CANDIDATES, ERROR, MODEL, USAGE, FEEDBACK, MODEL_2, USAGE_2, FEEDBACK_2, ROOT };
static const struct str root_names[ROOT] = {
    [CANDIDATES] = NAME("candidates"),   [ERROR] = NAME("error"),
    [MODEL] = NAME("modelVersion"),      [MODEL_2] = NAME("model_version"),
    [USAGE] = NAME("usageMetadata"),     [USAGE_2] = NAME("usage_metadata"),
    [FEEDBACK] = NAME("promptFeedback"), [FEEDBACK_2] = NAME("prompt_feedback"),
};

static void root_read(const struct json *doc, uint32_t nodes[ROOT])
{
    members_named(doc, 0, root_names, nodes, ROOT);
    nodes[MODEL] = either_of(nodes[MODEL], nodes[MODEL_2]);
    nodes[USAGE] = either_of(nodes[USAGE], nodes[USAGE_2]);
    nodes[FEEDBACK] = either_of(nodes[FEEDBACK], nodes[FEEDBACK_2]);
}

static bool is_blocked(const struct json *doc, uint32_t feedback)
{
    return is_type(doc, feedback, JSON_OBJECT) &&
           either(doc, feedback, "blockReason", "block_reason") != JSON_NONE;
}

static enum finish finish_of(const struct json *doc, uint32_t reason)
{
    static const struct str legal[] = { { "STOP", 4 }, { "FINISH_REASON_UNSPECIFIED", 25 } };

    if (json_says(doc, reason, STR("MAX_TOKENS")))
        return FINISH_LENGTH;
    for (size_t i = 0; i < COUNT(legal); i++)
        if (json_says(doc, reason, legal[i]))
            return FINISH_STOP;
    return FINISH_FILTER;
}

/* Does a part carry data a client could act on? A signature alone does: it must go back later. */
static bool part_has_content(const struct json *doc, uint32_t part, struct str *said)
{
    if (json_type(doc, part) != JSON_OBJECT)
        return false;
    uint32_t text = member(doc, part, "text");

    if (has_text(doc, text)) {
        *said = json_inside(doc, text);
        return true;
    }
    for (uint32_t key = json_first(doc, part); key != JSON_NONE;) {
        uint32_t value = key + 1;

        if (!json_says(doc, key, STR("text")) && !json_says(doc, key, STR("thought")))
            return true;
        key = json_after(doc, part, value);
    }
    return false;
}

/* Is there content? Then `said` is its text, if that is what it is. */
static bool read_candidates(const struct json *doc, uint32_t candidates, enum finish *finish,
                            struct str *said)
{
    enum { HOLDER, REASON, REASON_2, NAMES };
    static const struct str names[NAMES] = {
        [HOLDER] = NAME("content"),
        [REASON] = NAME("finishReason"),
        [REASON_2] = NAME("finish_reason"),
    };
    uint32_t nodes[NAMES];
    bool content = false;

    if (!is_type(doc, candidates, JSON_ARRAY))
        return false;
    for (uint32_t c = json_first(doc, candidates); c != JSON_NONE;
         c = json_after(doc, candidates, c)) {
        members_named(doc, c, names, nodes, NAMES);
        uint32_t reason = either_of(nodes[REASON], nodes[REASON_2]);
        uint32_t parts = is_type(doc, nodes[HOLDER], JSON_OBJECT)
                             ? member(doc, nodes[HOLDER], "parts")
                             : JSON_NONE;

        if (is_type(doc, reason, JSON_STRING))
            *finish = finish_of(doc, reason);
        if (!is_type(doc, parts, JSON_ARRAY))
            continue;
        for (uint32_t p = json_first(doc, parts); p != JSON_NONE; p = json_after(doc, parts, p))
            content = content || part_has_content(doc, p, said);
    }
    return content;
}

static void read_answer(const struct json *doc, struct wire_answer *out)
{
    uint32_t root[ROOT];

    root_read(doc, root);
    bool blocked = is_blocked(doc, root[FEEDBACK]);
    struct str said;

    out->model_raw = string_span(doc, root[MODEL]);
    usage_read(&out->usage, WIRE_GEMINI, doc, root[USAGE]);
    out->has_content = read_candidates(doc, root[CANDIDATES], &out->finish, &said);
    if (blocked)
        out->finish = FINISH_FILTER;
    out->is_error = root[ERROR] != JSON_NONE || (!blocked && root[CANDIDATES] == JSON_NONE);
}

static void read_event(struct stream_state *s, struct str name, const struct json *doc,
                       struct event_view *out)
{
    uint32_t root[ROOT];

    (void)name;
    root_read(doc, root);
    if (root[ERROR] != JSON_NONE) {
        out->kind = EVENT_ERROR;
        return;
    }
    out->model_raw = string_span(doc, root[MODEL]);
    usage_read(&s->usage, WIRE_GEMINI, doc, root[USAGE]);

    enum finish finish = FINISH_NONE;
    bool content = read_candidates(doc, root[CANDIDATES], &finish, &out->text);

    if (finish != FINISH_NONE)
        s->finish = finish;
    out->more = finish != FINISH_NONE || root[FEEDBACK] != JSON_NONE;
    if (is_blocked(doc, root[FEEDBACK]))
        s->finish = FINISH_FILTER;
    out->kind = content ? EVENT_CONTENT : s->finish != FINISH_NONE ? EVENT_OTHER : EVENT_PREAMBLE;
}

const struct format format_gemini = { read_request, read_answer, read_event };
