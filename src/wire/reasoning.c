#include "wire/reasoning.h"

/* The words are those of OpenAI's `reasoning_effort` and Anthropic's `output_config.effort`; the
 * budgets are what the providers' own compatibility layers use (Gemini's OpenAI endpoint: 1 024,
 * 8 192, 24 576), continued upwards. `up_to`: budgets that are nearest to this effort. */
static const struct {
    const char *word;
    int64_t budget, up_to;
} efforts[] = {
    [EFFORT_UNSET] = { "", 0, 0 },
    [EFFORT_MINIMAL] = { "minimal", 512, 512 },
    [EFFORT_LOW] = { "low", 1024, 2048 },
    [EFFORT_MEDIUM] = { "medium", 8192, 12288 },
    [EFFORT_HIGH] = { "high", 24576, 28672 },
    [EFFORT_XHIGH] = { "xhigh", 32768, 65536 },
    [EFFORT_MAX] = { "max", 128000, INT64_MAX },
};

const char *effort_word(enum effort e)
{
    return efforts[e].word;
}

bool effort_from_word(struct str word, enum effort *e)
{
    for (enum effort i = EFFORT_MINIMAL; i <= EFFORT_MAX; i++)
        if (str_ieq(word, str_c(efforts[i].word))) {
            *e = i;
            return true;
        }
    return false;
}

int64_t effort_budget(enum effort e, int64_t most)
{
    int64_t budget = efforts[e].budget;

    return most > 0 && budget > most ? most : budget;
}

enum effort budget_effort(int64_t budget)
{
    enum effort e = EFFORT_MINIMAL;

    if (budget <= 0)
        return EFFORT_UNSET;
    while (budget > efforts[e].up_to)
        e++;
    return e;
}

enum effort effort_nearest(enum effort e, uint32_t allowed)
{
    if (e == EFFORT_UNSET)
        return EFFORT_UNSET;
    for (enum effort up = e; up <= EFFORT_MAX; up++)
        if (allowed & 1u << up)
            return up;
    for (enum effort down = EFFORT_MAX; down > EFFORT_UNSET; down--)
        if (allowed & 1u << down)
            return down;
    return EFFORT_UNSET;
}

enum effort reasoning_effort(const struct reasoning *r)
{
    if (r->mode == REASONING_OFF)
        return EFFORT_UNSET;
    if (r->effort == EFFORT_UNSET && r->mode == REASONING_BUDGET)
        return budget_effort(r->budget);
    return r->effort;
}

bool reasoning_is_shown(const struct canon_request *r)
{
    const struct reasoning *how = &r->reasoning;

    if (how->summary == SUMMARY_NONE)
        return false;
    switch (r->protocol) {
    case WIRE_ANTHROPIC: /* `thinking` was asked for; an effort alone is not */
        return how->mode == REASONING_AUTO || how->mode == REASONING_BUDGET ||
               how->mode == REASONING_BETWEEN_TOOLS;
    case WIRE_GEMINI: /* includeThoughts */
        return how->summary != SUMMARY_UNSET;
    case WIRE_OPENAI_CHAT:
    case WIRE_OPENAI_RESPONSES:
    case WIRE_CLOUDCODE:
    case WIRES:
        break;
    }
    return true;
}
