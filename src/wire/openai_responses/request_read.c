/* wire/openai_responses/request_read.c - a Responses request, as clients send it.
 *
 * `input` is a list of items, `instructions` and messages of developers in front of it are the
 * system text; both have files of their own (read_input.c, read_tools.c). Members that only this
 * protocol has become extras: they go along to a Responses upstream and are named elsewhere.
 * Source: OpenAI API reference, "Create a model response". */
#include "wire/openai_responses/read_int.h"

#include <stdlib.h>

#include "wire/openai_responses/convert_int.h"
#include "wire/reasoning.h"

enum {
    ROOT_MODEL,
    ROOT_INPUT,
    ROOT_INSTRUCTIONS,
    ROOT_TOOLS,
    ROOT_TOOL_CHOICE,
    ROOT_PARALLEL,
    ROOT_REASONING,
    ROOT_STORE,
    ROOT_STREAM,
    ROOT_INCLUDE,
    ROOT_CACHE_KEY,
    ROOT_TEXT,
    ROOT_MAX_OUTPUT,
    ROOT_TEMPERATURE,
    ROOT_TOP_P,
    ROOT_TOP_LOGPROBS,
    ROOT_METADATA,
    ROOT_SERVICE_TIER,
    ROOT_USER,
    ROOT_SAFETY_ID,
    ROOT_PREVIOUS,
    ROOT_TRUNCATION,
    ROOT_CACHE_OPTIONS,
    ROOT_BACKGROUND,
    ROOT_CONVERSATION,
    ROOT_PROMPT,
    ROOT_STREAM_OPTIONS,
    ROOTS,
};

static const struct member_rule root_members[ROOTS] = {
    [ROOT_MODEL] = { STR("model"), MEMBER_STRING },
    [ROOT_INPUT] = { STR("input"), MEMBER_ANY },
    [ROOT_INSTRUCTIONS] = { STR("instructions"), MEMBER_STRING },
    [ROOT_TOOLS] = { STR("tools"), MEMBER_ARRAY },
    [ROOT_TOOL_CHOICE] = { STR("tool_choice"), MEMBER_ANY },
    [ROOT_PARALLEL] = { STR("parallel_tool_calls"), MEMBER_BOOL },
    [ROOT_REASONING] = { STR("reasoning"), MEMBER_OBJECT },
    [ROOT_STORE] = { STR("store"), MEMBER_BOOL },
    [ROOT_STREAM] = { STR("stream"), MEMBER_BOOL },
    [ROOT_INCLUDE] = { STR("include"), MEMBER_ARRAY },
    [ROOT_CACHE_KEY] = { STR("prompt_cache_key"), MEMBER_STRING },
    [ROOT_TEXT] = { STR("text"), MEMBER_OBJECT },
    [ROOT_MAX_OUTPUT] = { STR("max_output_tokens"), MEMBER_NUMBER },
    [ROOT_TEMPERATURE] = { STR("temperature"), MEMBER_NUMBER },
    [ROOT_TOP_P] = { STR("top_p"), MEMBER_NUMBER },
    [ROOT_TOP_LOGPROBS] = { STR("top_logprobs"), MEMBER_NUMBER },
    [ROOT_METADATA] = { STR("metadata"), MEMBER_OBJECT },
    [ROOT_SERVICE_TIER] = { STR("service_tier"), MEMBER_STRING },
    [ROOT_USER] = { STR("user"), MEMBER_STRING },
    [ROOT_SAFETY_ID] = { STR("safety_identifier"), MEMBER_STRING },
    [ROOT_PREVIOUS] = { STR("previous_response_id"), MEMBER_STRING },
    [ROOT_TRUNCATION] = { STR("truncation"), MEMBER_STRING },
    [ROOT_CACHE_OPTIONS] = { STR("prompt_cache_options"), MEMBER_OBJECT },
    [ROOT_BACKGROUND] = { STR("background"), MEMBER_BOOL },
    [ROOT_CONVERSATION] = { STR("conversation"), MEMBER_ANY },
    [ROOT_PROMPT] = { STR("prompt"), MEMBER_OBJECT },
    [ROOT_STREAM_OPTIONS] = { STR("stream_options"), MEMBER_OBJECT },
};

static void given(struct reading *rd, enum field f, const char *path)
{
    rd->r->where[f] = str_c(path);
}

/* A word or id that is used as it is. */
static void read_str(struct reading *rd, uint32_t node, enum field f, const char *path,
                     struct str *out)
{
    if (node == JSON_NONE)
        return;
    *out = member_str(rd, node);
    given(rd, f, path);
}

/* A number that keeps its spelling. */
static bool read_number(struct reading *rd, uint32_t node, enum field f, const char *path,
                        double most, struct str *out)
{
    double n;

    if (node == JSON_NONE)
        return true;
    *out = json_raw(rd->doc, node);
    n = strtod(arena_copy(rd->a, *out).at, NULL);
    if (n < 0 || n > most)
        return complain(rd->why, str_c(path), arena_printf(rd->a, "must be from 0 to %g", most));
    given(rd, f, path);
    return true;
}

static void add_extra(struct reading *rd, uint32_t node, const char *path, bool vital)
{
    if (node != JSON_NONE)
        canon_add_extra(rd->r, rd->a, str_c(path), json_raw(rd->doc, node), vital);
}

/* members_read() of what must be an object. */
bool responses_object(struct reading *rd, uint32_t node, const struct place *at,
                      const struct member_rule *rules, size_t count, uint32_t *nodes)
{
    if (json_type(rd->doc, node) != JSON_OBJECT)
        return members_complain(rd, at, NULL, "must be an object");
    return members_read(rd, node, at, rules, count, nodes);
}

/* The same for an object of which a Responses upstream may know more than this reader. */
static bool open_object(struct reading *rd, uint32_t node, const struct place *at,
                        const struct member_rule *rules, size_t count, uint32_t *nodes)
{
    bool good;

    rd->extras = true;
    good = members_read(rd, node, at, rules, count, nodes);
    rd->extras = false;
    return good;
}

bool responses_read_effort(struct reading *rd, const struct place *at, uint32_t node)
{
    struct reasoning *out = &rd->r->reasoning;

    if (node == JSON_NONE)
        return true;
    given(rd, FIELD_REASONING, "reasoning.effort");
    if (node_says(rd->doc, node, "none"))
        out->mode = REASONING_OFF;
    else if (is_type(rd->doc, node, JSON_STRING) &&
             effort_from_word(member_str(rd, node), &out->effort))
        out->mode = REASONING_EFFORT;
    else
        return members_complain(rd, at, "effort",
                                "must be none, minimal, low, medium, high, xhigh or max");
    return true;
}

static bool read_reasoning(struct reading *rd, uint32_t node)
{
    enum { EFFORT, SUMMARY, OLD_SUMMARY, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [EFFORT] = { STR("effort"), MEMBER_STRING },
        [SUMMARY] = { STR("summary"), MEMBER_STRING },
        [OLD_SUMMARY] = { STR("generate_summary"), MEMBER_STRING },
    };
    static const struct {
        const char *word;
        enum summary summary;
    } summaries[] = {
        { "auto", SUMMARY_AUTO },
        { "concise", SUMMARY_CONCISE },
        { "detailed", SUMMARY_DETAILED },
        { "none", SUMMARY_NONE },
    };
    const struct place at = { NULL, "reasoning", 0 };
    uint32_t m[COUNT_OF];

    if (node == JSON_NONE)
        return true;
    if (!open_object(rd, node, &at, rules, COUNT_OF, m))
        return false;
    if (!responses_read_effort(rd, &at, m[EFFORT]))
        return false;
    uint32_t summary = m[SUMMARY] != JSON_NONE ? m[SUMMARY] : m[OLD_SUMMARY];

    if (summary == JSON_NONE)
        return true;
    given(rd, FIELD_REASONING_SUMMARY, "reasoning.summary");
    for (size_t i = 0; i < COUNT(summaries); i++)
        if (node_says(rd->doc, summary, summaries[i].word)) {
            rd->r->reasoning.summary = summaries[i].summary;
            return true;
        }
    return members_complain(rd, &at, "summary", "must be auto, concise or detailed");
}

static bool read_text(struct reading *rd, uint32_t node)
{
    enum { FORMAT, VERBOSITY, COUNT_OF };
    static const struct member_rule rules[COUNT_OF] = {
        [FORMAT] = { STR("format"), MEMBER_OBJECT },
        [VERBOSITY] = { STR("verbosity"), MEMBER_STRING },
    };
    const struct place at = { NULL, "text", 0 };
    uint32_t m[COUNT_OF];

    if (node == JSON_NONE)
        return true;
    if (!open_object(rd, node, &at, rules, COUNT_OF, m))
        return false;
    read_str(rd, m[VERBOSITY], FIELD_VERBOSITY, "text.verbosity", &rd->r->verbosity);
    return m[FORMAT] == JSON_NONE || responses_read_format(rd, &at, m[FORMAT]);
}

/* Encrypted reasoning is given to every client, asked for or not. */
static bool read_include(struct reading *rd, uint32_t node)
{
    bool more = false;

    if (node == JSON_NONE)
        return true;
    for (uint32_t one = json_first(rd->doc, node); one != JSON_NONE;
         one = json_after(rd->doc, node, one)) {
        if (json_type(rd->doc, one) != JSON_STRING)
            return complain(rd->why, STR("include"), STR("must be a list of strings"));
        if (json_says(rd->doc, one, STR("message.output_text.logprobs")))
            given(rd, FIELD_LOGPROBS, "include");
        more = more || !json_says(rd->doc, one, STR("reasoning.encrypted_content"));
    }
    if (!more)
        return true;
    rd->r->logprobs = rd->r->where[FIELD_LOGPROBS].len > 0 ? TRI_YES : TRI_UNSET;
    given(rd, FIELD_INCLUDE, "include");
    add_extra(rd, node, "include", false);
    return true;
}

/* What keeps a conversation at the provider: what the gateway keeps itself has been put in its
 * place before, so only a Responses upstream could know the rest. */
static void read_state(struct reading *rd, const uint32_t *m)
{
    struct canon_request *r = rd->r;

    r->store = member_tri(rd, m[ROOT_STORE]);
    if (r->store == TRI_YES) /* not storing is what happens anyway */
        given(rd, FIELD_STORE, "store");
    read_str(rd, m[ROOT_PREVIOUS], FIELD_PREVIOUS_RESPONSE, "previous_response_id",
             &r->previous_response);
    add_extra(rd, m[ROOT_CONVERSATION], "conversation", true);
    add_extra(rd, m[ROOT_PROMPT], "prompt", true);
    if (member_tri(rd, m[ROOT_BACKGROUND]) == TRI_YES)
        add_extra(rd, m[ROOT_BACKGROUND], "background", true);
    if (m[ROOT_TRUNCATION] != JSON_NONE && !node_says(rd->doc, m[ROOT_TRUNCATION], "disabled"))
        add_extra(rd, m[ROOT_TRUNCATION], "truncation", false);
}

static bool read_scalars(struct reading *rd, const uint32_t *m)
{
    struct canon_request *r = rd->r;

    if (!member_integer(rd, m[ROOT_MAX_OUTPUT], NULL, "max_output_tokens", 1, INT64_MAX,
                        &r->max_output) ||
        !member_integer(rd, m[ROOT_TOP_LOGPROBS], NULL, "top_logprobs", 0, 20, &r->top_logprobs) ||
        !read_number(rd, m[ROOT_TEMPERATURE], FIELD_TEMPERATURE, "temperature", 2,
                     &r->temperature) ||
        !read_number(rd, m[ROOT_TOP_P], FIELD_TOP_P, "top_p", 1, &r->top_p))
        return false;
    if (r->max_output > 0)
        given(rd, FIELD_MAX_OUTPUT, "max_output_tokens");
    if (r->top_logprobs > 0)
        given(rd, FIELD_TOP_LOGPROBS, "top_logprobs");
    read_str(rd, m[ROOT_CACHE_KEY], FIELD_CACHE_KEY, "prompt_cache_key", &r->cache_key);
    read_str(rd, m[ROOT_SERVICE_TIER], FIELD_SERVICE_TIER, "service_tier", &r->service_tier);
    read_str(rd, m[ROOT_USER], FIELD_USER, "user", &r->user);
    read_str(rd, m[ROOT_SAFETY_ID], FIELD_SAFETY_ID, "safety_identifier", &r->safety_id);
    if (m[ROOT_METADATA] != JSON_NONE && json_first(rd->doc, m[ROOT_METADATA]) != JSON_NONE) {
        r->metadata = json_raw(rd->doc, m[ROOT_METADATA]);
        given(rd, FIELD_METADATA, "metadata");
    }
    if (m[ROOT_CACHE_OPTIONS] != JSON_NONE) {
        given(rd, FIELD_CACHE_OPTIONS, "prompt_cache_options");
        add_extra(rd, m[ROOT_CACHE_OPTIONS], "prompt_cache_options", false);
    }
    r->parallel_tools = member_tri(rd, m[ROOT_PARALLEL]);
    if (r->parallel_tools != TRI_UNSET)
        given(rd, FIELD_PARALLEL_TOOLS, "parallel_tool_calls");
    return true;
}

/* The system text in front of what developers say. */
static void read_instructions(struct reading *rd, uint32_t node)
{
    if (node != JSON_NONE && !text_is_empty(member_text(rd, node)))
        part_append(&rd->r->system, &rd->r->system_last, rd->a, PART_TEXT, PART_AT_NONE)->text =
            member_text(rd, node);
}

bool responses_read(const struct json *doc, struct canon_request *r, struct arena *a,
                    struct wire_complaint *why)
{
    struct reading rd = { .doc = doc, .r = r, .a = a, .why = why };
    const struct place tools = { NULL, "tools", 0 };
    uint32_t m[ROOTS];

    if (!open_object(&rd, 0, NULL, root_members, ROOTS, m))
        return false;
    r->model = member_str(&rd, m[ROOT_MODEL]);
    if (r->model.len == 0)
        return complain(why, STR("model"), STR("is missing: name a model"));
    r->stream = member_tri(&rd, m[ROOT_STREAM]) == TRI_YES;
    read_state(&rd, m);
    read_instructions(&rd, m[ROOT_INSTRUCTIONS]);
    return read_scalars(&rd, m) && read_reasoning(&rd, m[ROOT_REASONING]) &&
           read_text(&rd, m[ROOT_TEXT]) && read_include(&rd, m[ROOT_INCLUDE]) &&
           (m[ROOT_TOOLS] == JSON_NONE || responses_read_tools(&rd, &tools, m[ROOT_TOOLS])) &&
           responses_read_choice(&rd, m[ROOT_TOOL_CHOICE]) &&
           responses_read_input(&rd, m[ROOT_INPUT]);
}
