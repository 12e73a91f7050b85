#include "wire/dialect.h"

/* --- what passes ------------------------------------------------------------------------------*/

static bool has_any(const struct wire_request *r, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (wire_has_member(r, names[i]))
            return true;
    return false;
}

static bool member_is(const struct wire_request *r, struct str name, enum json_type type)
{
    uint32_t node = json_member(&r->doc, 0, name, NULL);

    return node != JSON_NONE && json_type(&r->doc, node) == type;
}

/* A word that stands in the input as a string of its own: inside of a longer one its quotes would
 * have backslashes before them. */
static bool input_says(const struct wire_request *r, struct str quoted)
{
    uint32_t input = json_member(&r->doc, 0, STR("input"), NULL);

    return input != JSON_NONE && str_find(json_raw(&r->doc, input), quoted) != SIZE_MAX;
}

static bool codex_takes(const struct wire_request *r)
{
    static const struct str refused[] = {
        STR("max_output_tokens"),
        STR("max_completion_tokens"),
        STR("temperature"),
        STR("top_p"),
        STR("truncation"),
        STR("context_management"),
        STR("user"),
        STR("safety_identifier"),
        STR("metadata"),
        STR("prompt_cache_retention"),
        STR("prompt_cache_options"),
        STR("previous_response_id"),
        STR("stream_options"),
    };
    uint32_t tier = json_member(&r->doc, 0, STR("service_tier"), NULL);

    return r->stream && member_is(r, STR("store"), JSON_FALSE) &&
           member_is(r, STR("instructions"), JSON_STRING) &&
           member_is(r, STR("input"), JSON_ARRAY) && !has_any(r, refused, COUNT(refused)) &&
           (tier == JSON_NONE || json_says(&r->doc, tier, STR("priority"))) &&
           !input_says(r, STR("\"system\"")) && !input_says(r, STR("\"prompt_cache_breakpoint\""));
}

static bool copilot_takes(const struct wire_request *r)
{
    static const struct str others[] = { STR("tools"), STR("max_completion_tokens") };

    return r->protocol != WIRE_OPENAI_CHAT || !has_any(r, others, COUNT(others));
}

bool dialect_takes(enum wire_dialect d, const struct wire_request *r)
{
    switch (d) {
    case DIALECT_PLAIN:
        return true;
    case DIALECT_CODEX:
        return codex_takes(r);
    case DIALECT_COPILOT:
        return copilot_takes(r);
    }
    return true;
}

/* --- who speaks -------------------------------------------------------------------------------*/

static bool parts_have_image(const struct part *p)
{
    for (; p != NULL; p = p->next)
        if (p->kind == PART_IMAGE ||
            (p->kind == PART_TOOL_RESULT && parts_have_image(p->result.content)))
            return true;
    return false;
}

/* Responses puts items that follow each other into one message: its last one tells. Elsewhere a
 * client may add a reminder behind the results that it brings. */
static bool brings_results(const struct canon_request *r, const struct message *m)
{
    if (r->protocol == WIRE_OPENAI_RESPONSES)
        return m->last != NULL && m->last->kind == PART_TOOL_RESULT;
    for (const struct part *p = m->parts; p != NULL; p = p->next)
        if (p->kind == PART_TOOL_RESULT)
            return true;
    return false;
}

struct turn turn_of(const struct canon_request *r)
{
    struct turn turn = { .by_agent = false };

    for (const struct message *m = r->messages; m != NULL; m = m->next)
        turn.has_images = turn.has_images || parts_have_image(m->parts);
    if (r->last != NULL)
        turn.by_agent = r->last->role == ROLE_ASSISTANT || brings_results(r, r->last);
    return turn;
}
