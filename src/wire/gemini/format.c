/* wire/gemini/format.c - Gemini generateContent, as far as passing through needs it.
 *
 * Model and streaming are in the path. A stream is a run of partial responses; it just ends, and is
 * complete when a finishReason came, or a promptFeedback that says the prompt was blocked.
 * snake_case spellings are accepted by the service and read here too. */
#include "wire/format_int.h"

static uint32_t either(const struct json *doc, uint32_t object, const char *camel,
                       const char *snake)
{
    uint32_t node = member(doc, object, camel);

    return node != JSON_NONE ? node : member(doc, object, snake);
}

static bool read_request(struct wire_request *r, struct arena *a, struct wire_complaint *why)
{
    uint32_t contents, system;

    if (r->model.len == 0)
        return complain(why, STR("model"), STR("is missing: name a model in the path"));
    if (!member_used(&r->doc, 0, "contents", JSON_ARRAY, &contents, why))
        return false;
    system = either(&r->doc, 0, "systemInstruction", "system_instruction");
    if (system != JSON_NONE)
        r->system_text = json_raw(&r->doc, system);
    if (contents == JSON_NONE || r->doc.nodes[contents].count == 0)
        return complain(why, STR("contents"), STR("must be an array with at least one content"));
    messages_scan(json_raw(&r->doc, contents), STR("parts"), a, r);
    return true;
}

static struct str model_span(const struct json *doc)
{
    uint32_t node = either(doc, 0, "modelVersion", "model_version");

    return is_type(doc, node, JSON_STRING) ? json_raw(doc, node) : STR("");
}

static bool is_blocked(const struct json *doc)
{
    uint32_t feedback = either(doc, 0, "promptFeedback", "prompt_feedback");

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
static bool part_has_content(const struct json *doc, uint32_t part)
{
    if (json_type(doc, part) != JSON_OBJECT)
        return false;
    if (member_has_text(doc, part, "text"))
        return true;
    for (uint32_t key = json_first(doc, part); key != JSON_NONE;) {
        uint32_t value = key + 1;

        if (!json_says(doc, key, STR("text")) && !json_says(doc, key, STR("thought")))
            return true;
        key = json_after(doc, part, value);
    }
    return false;
}

static bool read_candidates(const struct json *doc, enum finish *finish)
{
    uint32_t candidates = member(doc, 0, "candidates");
    bool content = false;

    if (!is_type(doc, candidates, JSON_ARRAY))
        return false;
    for (uint32_t c = json_first(doc, candidates); c != JSON_NONE;
         c = json_after(doc, candidates, c)) {
        uint32_t holder, parts, reason;

        if (json_type(doc, c) != JSON_OBJECT)
            continue;
        reason = either(doc, c, "finishReason", "finish_reason");
        if (is_type(doc, reason, JSON_STRING))
            *finish = finish_of(doc, reason);
        holder = member(doc, c, "content");
        parts = is_type(doc, holder, JSON_OBJECT) ? member(doc, holder, "parts") : JSON_NONE;
        if (!is_type(doc, parts, JSON_ARRAY))
            continue;
        for (uint32_t p = json_first(doc, parts); p != JSON_NONE; p = json_after(doc, parts, p))
            content = content || part_has_content(doc, p);
    }
    return content;
}

static void read_answer(const struct json *doc, struct wire_answer *out)
{
    out->model_raw = model_span(doc);
    usage_read(&out->usage, WIRE_GEMINI, doc, either(doc, 0, "usageMetadata", "usage_metadata"));
    out->has_content = read_candidates(doc, &out->finish);
    if (is_blocked(doc))
        out->finish = FINISH_FILTER;
    out->is_error = member(doc, 0, "error") != JSON_NONE ||
                    (!is_blocked(doc) && member(doc, 0, "candidates") == JSON_NONE);
}

static void read_event(struct stream_state *s, struct str name, const struct json *doc,
                       struct event_view *out)
{
    (void)name;
    if (member(doc, 0, "error") != JSON_NONE) {
        out->kind = EVENT_ERROR;
        return;
    }
    out->model_raw = model_span(doc);
    usage_read(&s->usage, WIRE_GEMINI, doc, either(doc, 0, "usageMetadata", "usage_metadata"));

    bool content = read_candidates(doc, &s->finish);
    if (is_blocked(doc))
        s->finish = FINISH_FILTER;
    out->kind = content ? EVENT_CONTENT : s->finish != FINISH_NONE ? EVENT_OTHER : EVENT_PREAMBLE;
}

const struct format format_gemini = { read_request, read_answer, read_event };
