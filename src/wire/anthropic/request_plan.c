/* wire/anthropic/request_plan.c - what depends on the model: limits, thinking, forced tools, the
 * form of the answer, sampling. Everything is decided before the first byte of the body is written.
 *
 * Sources: docs.claude.com on extended and adaptive thinking, effort, tool use, structured outputs;
 * platform.claude.com/docs/en/api/migration-2026-10-21. Facts about models: target.c. */
#include "wire/anthropic/request_int.h"

#include <stdlib.h>

#include "wire/prepare.h"
#include "wire/reasoning.h"

#define OUTPUT_DEFAULT 32000 /* tokens, of a model whose most is not known */
#define ANSWER_ROOM 1024     /* tokens that thinking leaves for the answer */

static const struct model_facts *facts(const struct request_writer *w)
{
    return &w->t->facts;
}

void plan_say(struct anthropic_plan *p, struct text sentence)
{
    assert(p->sentence_count < COUNT(p->sentences));
    p->sentences[p->sentence_count++] = sentence;
}

/* --- thinking ---------------------------------------------------------------------------------*/

static bool is_thinking(const struct anthropic_plan *p)
{
    return p->thinking == THINKING_ENABLED || p->thinking == THINKING_ADAPTIVE ||
           p->thinking == THINKING_BETWEEN_TOOLS;
}

static void plan_effort(struct request_writer *w, struct anthropic_plan *p, enum effort e)
{
    enum effort said = e;

    if (e == EFFORT_UNSET)
        return;
    if (!facts(w)->anthropic.effort) {
        lose_field(w, FIELD_REASONING);
        return;
    }
    if (said == EFFORT_MINIMAL)
        said = EFFORT_LOW;
    if (said > EFFORT_HIGH && !facts(w)->anthropic.xhigh)
        said = EFFORT_HIGH;
    if (said != e)
        approximate_field(w, FIELD_REASONING);
    p->effort = said;
}

/* No thinking, as near to it as the model goes. */
static void plan_off(struct request_writer *w, struct anthropic_plan *p)
{
    bool low = true;

    if (facts(w)->anthropic.off) {
        p->thinking = THINKING_DISABLED;
        low = facts(w)->anthropic.off_to_high;
    } else if (facts(w)->anthropic.between_tools) {
        p->thinking = THINKING_BETWEEN_TOOLS;
        approximate_field(w, FIELD_REASONING);
    } else {
        p->thinking = THINKING_UNSAID;
        p->effort = EFFORT_LOW;
        approximate_field(w, FIELD_REASONING);
        return;
    }
    if (low && p->effort > EFFORT_HIGH) {
        p->effort = EFFORT_HIGH;
        approximate_field(w, FIELD_REASONING);
    }
}

/* Models that decide for themselves how much to think: 4.6 and later. */
static void plan_adaptive(struct request_writer *w, struct anthropic_plan *p)
{
    const struct reasoning *how = &w->r->reasoning;
    bool asked = how->mode != REASONING_UNSET ||
                 (w->r->protocol != WIRE_ANTHROPIC && how->summary > SUMMARY_NONE);
    bool keeps = how->mode == REASONING_BUDGET && facts(w)->anthropic.budget &&
                 w->r->protocol == WIRE_ANTHROPIC;

    plan_effort(w, p, keeps ? how->effort : reasoning_effort(how));
    if (how->mode == REASONING_OFF) {
        p->effort = EFFORT_UNSET;
        plan_effort(w, p, how->effort);
        plan_off(w, p);
        return;
    }
    if (!asked)
        return;
    p->thinking = THINKING_ADAPTIVE;
    if (how->mode == REASONING_BETWEEN_TOOLS && facts(w)->anthropic.between_tools) {
        p->thinking = THINKING_BETWEEN_TOOLS;
        p->effort = p->effort > EFFORT_HIGH ? EFFORT_HIGH : p->effort;
        return;
    }
    if (keeps) {
        p->thinking = THINKING_ENABLED;
        p->budget = how->budget;
    } else if (how->mode == REASONING_BUDGET || how->mode == REASONING_BETWEEN_TOOLS) {
        approximate_field(w, FIELD_REASONING);
    }
}

/* Models that think as long as a number of tokens: 4.5 and earlier. */
static void plan_budget(struct request_writer *w, struct anthropic_plan *p)
{
    const struct reasoning *how = &w->r->reasoning;
    int64_t most = facts(w)->output_max;

    switch (how->mode) {
    case REASONING_UNSET:
        plan_effort(w, p, how->effort);
        return;
    case REASONING_OFF:
        if (facts(w)->anthropic.off)
            p->thinking = THINKING_DISABLED;
        return;
    case REASONING_BUDGET:
        p->budget = how->budget;
        break;
    case REASONING_EFFORT:
        p->budget = effort_budget(how->effort, most);
        break;
    case REASONING_AUTO:
    case REASONING_BETWEEN_TOOLS:
        p->budget = effort_budget(how->effort == EFFORT_UNSET ? EFFORT_MEDIUM : how->effort, most);
        approximate_field(w, FIELD_REASONING);
        break;
    }
    p->thinking = THINKING_ENABLED;
    if (w->r->protocol == WIRE_ANTHROPIC && facts(w)->anthropic.effort)
        plan_effort(w, p, how->effort);
    if (p->budget < THINKING_BUDGET_MIN) {
        p->budget = THINKING_BUDGET_MIN;
        if (how->mode == REASONING_BUDGET)
            approximate_field(w, FIELD_REASONING);
    }
}

/* Does the open tool loop begin its last step with thinking? Models of the budget kind refuse the
 * request otherwise. */
static bool loop_has_thinking(const struct canon_request *r)
{
    const struct message *last = NULL;
    bool results = false;

    for (const struct message *m = turn_begin(r); m != NULL; m = m->next) {
        if (m->role == ROLE_ASSISTANT) {
            last = m;
            results = false;
        } else if (m->parts != NULL && m->parts->kind == PART_TOOL_RESULT) {
            results = true;
        }
    }
    return last == NULL || !results || last->parts == NULL || last->parts->kind == PART_THINKING ||
           last->parts->kind == PART_REDACTED;
}

static void drop_thinking(struct request_writer *w, struct anthropic_plan *p)
{
    p->thinking = THINKING_UNSAID;
    approximate_field(w, FIELD_REASONING);
    if (facts(w)->anthropic.adaptive)
        plan_off(w, p);
}

static void plan_thinking(struct request_writer *w, struct anthropic_plan *p)
{
    if (w->t->lacks.thinking) {
        lose_field(w, FIELD_REASONING);
        return;
    }
    if (facts(w)->anthropic.adaptive)
        plan_adaptive(w, p);
    else if (facts(w)->anthropic.budget)
        plan_budget(w, p);
    else if (w->r->reasoning.mode != REASONING_OFF)
        lose_field(w, FIELD_REASONING);
    if (p->thinking == THINKING_ENABLED && !loop_has_thinking(w->r))
        drop_thinking(w, p);
}

/* How thinking is shown; the models of the budget kind always show it. */
static void plan_display(struct request_writer *w, struct anthropic_plan *p)
{
    enum summary said = w->r->reasoning.summary;

    if (!is_thinking(p) || p->thinking == THINKING_BETWEEN_TOOLS) {
        lose_field(w, FIELD_REASONING_SUMMARY);
        return;
    }
    if (said == SUMMARY_NONE && (w->t->own_service || p->thinking == THINKING_ADAPTIVE))
        p->display = "omitted";
    else if (said == SUMMARY_NONE)
        lose_field(w, FIELD_REASONING_SUMMARY);
    else if (p->thinking == THINKING_ADAPTIVE && reasoning_is_shown(w->r))
        p->display = "summarized";
    if (said == SUMMARY_CONCISE || said == SUMMARY_DETAILED)
        approximate_field(w, FIELD_REASONING_SUMMARY);
}

/* --- limits -----------------------------------------------------------------------------------*/

/* Thinking counts: there must be room for the answer behind it. */
static void plan_max_tokens(struct request_writer *w, struct anthropic_plan *p)
{
    int64_t most = facts(w)->output_max, asked = w->r->max_output;
    int64_t room = asked > ANSWER_ROOM ? asked : ANSWER_ROOM;

    p->max_tokens = asked > 0 ? asked : most > 0 ? most : OUTPUT_DEFAULT;
    if (most > 0 && p->max_tokens > most) {
        p->max_tokens = most;
        approximate_field(w, FIELD_MAX_OUTPUT);
    }
    if (p->thinking != THINKING_ENABLED || p->budget < p->max_tokens)
        return;
    if (most > 0 && p->budget > most - ANSWER_ROOM) {
        p->budget = most - ANSWER_ROOM;
        approximate_field(w, FIELD_REASONING);
    }
    if (p->budget < THINKING_BUDGET_MIN) {
        drop_thinking(w, p);
        return;
    }
    if (p->budget >= p->max_tokens) {
        p->max_tokens = p->budget > INT64_MAX - room ? INT64_MAX : p->budget + room;
        if (most > 0 && p->max_tokens > most)
            p->max_tokens = most;
        approximate_field(w, FIELD_MAX_OUTPUT);
    }
}

/* --- the form of the answer -------------------------------------------------------------------*/

static bool tool_is_named(const struct canon_request *r, struct str name)
{
    for (const struct tool *t = r->tools; t != NULL; t = t->next)
        if (str_eq(t->name, name))
            return true;
    return false;
}

/* Models without output_config.format are made to call a tool whose arguments are the answer. */
static void plan_json_tool(struct request_writer *w, struct anthropic_plan *p)
{
    struct str name = STR("json_response");

    for (unsigned i = 2; tool_is_named(w->r, name); i++)
        name = arena_printf(w->a, "json_response_%u", i);
    p->json_tool = name;
    w->written.json_tool = name;
    if (w->r->tools == NULL || p->choice == CHOICE_NONE) {
        p->choice = CHOICE_ONE;
        p->choice_name = name;
    } else {
        p->choice = CHOICE_ANY; /* a tool of the client's, or this one */
    }
}

static void plan_format(struct request_writer *w, struct anthropic_plan *p)
{
    const struct answer_format *f = &w->r->format;
    bool forced = p->choice == CHOICE_ONE || p->choice == CHOICE_ANY;

    if (f->kind == FORMAT_TEXT)
        return;
    if (f->kind == FORMAT_SCHEMA && facts(w)->anthropic.schema && !w->t->lacks.json_schema) {
        p->native_schema = true;
        return;
    }
    if (f->kind == FORMAT_SCHEMA && !forced && !w->t->lacks.tools) {
        plan_json_tool(w, p);
        return;
    }
    approximate_field(w, FIELD_FORMAT);
    plan_say(p, TEXT_LIT("Answer with a single JSON object and nothing else: no introduction, no "
                         "explanation, no code fence."));
    if (f->kind == FORMAT_SCHEMA)
        plan_say(p, text_join(w->a, TEXT_LIT("The JSON object must fit this JSON Schema: "),
                              text_from(w->a, f->schema)));
}

/* --- tools ------------------------------------------------------------------------------------*/

bool plan_offers(const struct request_writer *w, const struct tool *t)
{
    const struct tool_choice *c = &w->r->choice;

    if (w->t->lacks.tools)
        return false;
    if (c->mode != CHOICE_ALLOWED)
        return true;
    for (size_t i = 0; i < c->name_count; i++)
        if (str_eq(c->names[i], t->name))
            return true;
    return false;
}

static bool offers_any(const struct request_writer *w)
{
    for (const struct tool *t = w->r->tools; t != NULL; t = t->next)
        if (plan_offers(w, t))
            return true;
    return false;
}

/* The client's choice, before the model has its say. */
static void plan_choice(struct request_writer *w, struct anthropic_plan *p)
{
    const struct tool_choice *c = &w->r->choice;

    if (!offers_any(w) && (w->r->server_tools == NULL || w->t->lacks.tools)) {
        lose_field(w, FIELD_TOOL_CHOICE);
        lose_field(w, FIELD_PARALLEL_TOOLS);
        return;
    }
    p->choice = c->mode;
    if (c->mode == CHOICE_ONE && c->name_count > 0)
        p->choice_name = names_to_wire(w->names, STR(""), c->names[0]);
    if (c->mode == CHOICE_ALLOWED) {
        p->choice = c->allowed_any ? CHOICE_ANY : CHOICE_AUTO;
        approximate_field(w, FIELD_TOOL_CHOICE);
    }
    if (w->r->parallel_tools != TRI_NO)
        return;
    if (w->t->lacks.parallel_tool_calls || p->choice == CHOICE_NONE) {
        lose_field(w, FIELD_PARALLEL_TOOLS);
        return;
    }
    p->serial = true;
    p->choice = p->choice == CHOICE_UNSET ? CHOICE_AUTO : p->choice;
}

/* A forced call and thinking do not go together everywhere: the call is kept where thinking can be
 * given up, else it is asked for in words. */
static void plan_forced(struct request_writer *w, struct anthropic_plan *p)
{
    if (p->choice != CHOICE_ANY && p->choice != CHOICE_ONE)
        return;
    if (facts(w)->anthropic.forced_choice) {
        if (!is_thinking(p) || facts(w)->anthropic.forced_thinking)
            return;
        if (facts(w)->anthropic.off) {
            drop_thinking(w, p);
            return;
        }
    }
    approximate_field(w, FIELD_TOOL_CHOICE);
    if (p->choice == CHOICE_ONE)
        plan_say(p, text_join(w->a, TEXT_LIT("Call this tool in your next answer: "),
                              text_from(w->a, p->choice_name)));
    else
        plan_say(p, TEXT_LIT("Call one of the tools in your next answer."));
    p->choice = CHOICE_AUTO;
}

/* The conversation ends with the assistant's own words, to be gone on with. Blocks of a server's
 * tool at the end are a turn that was paused: every model goes on with such a one. */
bool plan_is_prefill(const struct canon_request *r)
{
    const struct message *last = r->last;

    return !r->goes_on && last != NULL && last->role == ROLE_ASSISTANT && last->last != NULL &&
           last->last->kind != PART_SERVER_CALL && last->last->kind != PART_SERVER_RESULT &&
           last->last->kind != PART_OPAQUE;
}

/* --- sampling ---------------------------------------------------------------------------------*/

static double number_of(struct request_writer *w, struct str raw)
{
    return raw.len == 0 ? 0 : strtod(arena_copy(w->a, raw).at, NULL);
}

static void plan_sampling(struct request_writer *w, struct anthropic_plan *p)
{
    const struct canon_request *r = w->r;
    double temperature = number_of(w, r->temperature), top_p = number_of(w, r->top_p);
    bool thinking = is_thinking(p);

    if (!facts(w)->anthropic.sampling || w->t->lacks.sampling) {
        if (temperature != 1) /* what it is anyway */
            lose_field(w, FIELD_TEMPERATURE);
        if (top_p != 1)
            lose_field(w, FIELD_TOP_P);
        lose_field(w, FIELD_TOP_K);
        return;
    }
    if (r->temperature.len > 0 && thinking) {
        if (temperature != 1)
            lose_field(w, FIELD_TEMPERATURE);
    } else if (r->temperature.len > 0) {
        p->temperature = temperature > 1 ? STR("1") : r->temperature;
        if (temperature > 1)
            approximate_field(w, FIELD_TEMPERATURE);
    }
    if (r->top_p.len > 0) {
        bool beside = p->temperature.len == 0 || facts(w)->anthropic.top_p_beside;

        if (beside && (!thinking || (top_p >= 0.95 && top_p <= 1)))
            p->top_p = r->top_p;
        else if (top_p != 1)
            lose_field(w, FIELD_TOP_P);
    }
    if (r->top_k.len > 0 && !thinking)
        p->top_k = r->top_k;
    else
        lose_field(w, FIELD_TOP_K);
}

/* --- all of it --------------------------------------------------------------------------------*/

void anthropic_plan_make(struct request_writer *w, struct anthropic_plan *p)
{
    *p = (struct anthropic_plan){ .choice_name = STR("") };
    plan_choice(w, p);
    plan_format(w, p);
    plan_thinking(w, p);
    if (p->thinking == THINKING_ENABLED && plan_is_prefill(w->r))
        drop_thinking(w, p); /* the one excludes the other */
    plan_forced(w, p);
    plan_max_tokens(w, p);
    plan_display(w, p);
    plan_sampling(w, p);
}
