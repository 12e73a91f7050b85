/* wire/openai_chat/request_read.c - a client's chat completion, or legacy completion, as a
 * canonical request.
 *
 * Besides what OpenAI documents, what other servers of this protocol taught its clients is read,
 * too: `reasoning_content`, `cache_control`, `thinking`, … (docs/protocols/openai-chat.md). */
#include "wire/openai_chat/chat_read.h"

#include <stdlib.h>

#include "wire/reasoning.h"

#define STOPS_MAX 64

/* --- tools ------------------------------------------------------------------------------------*/

/* The object that describes a function or a custom tool. */
static bool read_declared(struct reading *rd, uint32_t node, const struct place *p, uint32_t at,
                          bool custom, enum cache_ttl cache)
{
    enum { NAME, DESCRIPTION, PARAMETERS, STRICT, FORMAT, RULES };
    static const struct member_rule rules[] = {
        [NAME] = { STR("name"), MEMBER_STRING },
        [DESCRIPTION] = { STR("description"), MEMBER_STRING },
        [PARAMETERS] = { STR("parameters"), MEMBER_OBJECT },
        [STRICT] = { STR("strict"), MEMBER_BOOL },
        [FORMAT] = { STR("format"), MEMBER_OBJECT },
    };
    uint32_t m[RULES];
    struct tool *tool;

    if (json_type(rd->doc, node) != JSON_OBJECT)
        return bad(rd, p, NULL, "must be an object");
    if (!members_read(rd, node, p, rules, RULES, m))
        return false;
    if (m[NAME] == JSON_NONE || json_inside(rd->doc, m[NAME]).len == 0)
        return bad(rd, p, "name", "is missing");
    tool = canon_add_tool(rd->r, rd->a, member_str(rd, m[NAME]), at);
    tool->description = member_text(rd, m[DESCRIPTION]);
    tool->schema = member_raw(rd, m[PARAMETERS]);
    tool->strict = member_tri(rd, m[STRICT]);
    tool->custom = custom;
    tool->grammar = member_raw(rd, m[FORMAT]);
    tool->cache = cache;
    return true;
}

static bool read_tool(struct reading *rd, uint32_t node, const struct place *p)
{
    enum { TYPE, FUNCTION, CUSTOM, CACHE, RULES };
    static const struct member_rule rules[] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [FUNCTION] = { STR("function"), MEMBER_OBJECT },
        [CUSTOM] = { STR("custom"), MEMBER_OBJECT },
        [CACHE] = { STR("cache_control"), MEMBER_OBJECT },
    };
    enum cache_ttl cache = CACHE_NONE;
    uint32_t m[RULES], said, which = FUNCTION;

    if (json_type(rd->doc, node) != JSON_OBJECT)
        return bad(rd, p, NULL, "must be an object");
    said = json_member(rd->doc, node, STR("type"), NULL);
    if (is_type(rd->doc, said, JSON_STRING) && !json_says(rd->doc, said, STR("function"))) {
        which = CUSTOM;
        if (!json_says(rd->doc, said,
                       STR("custom"))) { /* of some server: its members are its own */
            (void)canon_add_server_tool(rd->r, rd->a, SERVER_TOOL_OTHER, member_str(rd, said),
                                        json_raw(rd->doc, node), p->index);
            return true;
        }
    }
    if (!members_read(rd, node, p, rules, RULES, m) ||
        !chat_read_cache(rd, m[CACHE], p, "cache_control", &cache))
        return false;
    if (m[which] == JSON_NONE)
        return bad(rd, p, rules[which].name.at, "is missing");
    return read_declared(rd, m[which], &(struct place){ p, rules[which].name.at, 0 }, p->index,
                         which == CUSTOM, cache);
}

static bool read_tools(struct reading *rd, uint32_t list, const char *name, bool old)
{
    const struct place here = { NULL, name, 0 };
    uint32_t at = 0;

    if (list == JSON_NONE)
        return true;
    for (uint32_t e = json_first(rd->doc, list); e != JSON_NONE;
         e = json_after(rd->doc, list, e), at++) {
        const struct place p = { &here, NULL, at };

        if (!(old ? read_declared(rd, e, &p, at, false, CACHE_NONE) : read_tool(rd, e, &p)))
            return false;
    }
    return true;
}

static void choose_one(struct reading *rd, struct str name)
{
    struct str *names = arena_array(rd->a, struct str, 1);

    names[0] = name;
    rd->r->choice = (struct tool_choice){ .mode = CHOICE_ONE, .names = names, .name_count = 1 };
}

/* The name in `{"function": {"name": …}}` or `{"custom": {"name": …}}`; empty: there is none. */
static struct str choice_name(struct reading *rd, uint32_t node)
{
    uint32_t inner = json_member(rd->doc, node, STR("function"), NULL);

    if (inner == JSON_NONE)
        inner = json_member(rd->doc, node, STR("custom"), NULL);
    if (inner != JSON_NONE)
        inner = json_member(rd->doc, inner, STR("name"), NULL);
    return is_type(rd->doc, inner, JSON_STRING) ? member_str(rd, inner) : STR("");
}

static bool read_allowed(struct reading *rd, uint32_t node)
{
    static const struct place here = { NULL, "tool_choice", 0 };
    uint32_t in = json_member(rd->doc, node, STR("allowed_tools"), NULL), list, mode;
    struct str *names;
    size_t n = 0, count;

    list = in == JSON_NONE ? JSON_NONE : json_member(rd->doc, in, STR("tools"), NULL);
    mode = in == JSON_NONE ? JSON_NONE : json_member(rd->doc, in, STR("mode"), NULL);
    if (!is_type(rd->doc, list, JSON_ARRAY) || json_first(rd->doc, list) == JSON_NONE)
        return bad(rd, &here, "allowed_tools.tools", "must be a list of tools");
    count = rd->doc->nodes[list].count;
    names = arena_array(rd->a, struct str, count);
    for (uint32_t e = json_first(rd->doc, list); e != JSON_NONE && n < count;
         e = json_after(rd->doc, list, e), n++) {
        names[n] = choice_name(rd, e);
        if (names[n].len == 0)
            return bad(rd, &here, "allowed_tools.tools", "must name functions");
    }
    rd->r->choice = (struct tool_choice){
        .mode = CHOICE_ALLOWED,
        .allowed_any =
            is_type(rd->doc, mode, JSON_STRING) && json_says(rd->doc, mode, STR("required")),
        .names = names,
        .name_count = n,
    };
    return true;
}

static bool read_choice(struct reading *rd, uint32_t node)
{
    static const struct {
        struct str word;
        enum choice_mode mode;
    } words[] = {
        { STR("auto"), CHOICE_AUTO },
        { STR("none"), CHOICE_NONE },
        { STR("required"), CHOICE_ANY },
        { STR("any"), CHOICE_ANY }, /* Mistral's word */
    };
    uint32_t type;
    struct str name;

    if (node == JSON_NONE)
        return true;
    mark(rd, FIELD_TOOL_CHOICE, node, NULL, "tool_choice");
    if (json_type(rd->doc, node) == JSON_STRING) {
        for (size_t i = 0; i < COUNT(words); i++)
            if (json_says(rd->doc, node, words[i].word)) {
                rd->r->choice.mode = words[i].mode;
                return true;
            }
        return bad(rd, NULL, "tool_choice", "must be none, auto, required, or an object");
    }
    type = json_member(rd->doc, node, STR("type"), NULL);
    if (is_type(rd->doc, type, JSON_STRING) && json_says(rd->doc, type, STR("allowed_tools")))
        return read_allowed(rd, node);
    name = choice_name(rd, node);
    if (name.len == 0)
        return bad(rd, NULL, "tool_choice", "must name a function");
    choose_one(rd, name);
    return true;
}

/* The old form: none, auto, or an object with the name. */
static bool read_function_choice(struct reading *rd, uint32_t node)
{
    uint32_t name;

    if (node == JSON_NONE)
        return true;
    mark(rd, FIELD_TOOL_CHOICE, node, NULL, "function_call");
    if (json_type(rd->doc, node) == JSON_STRING) {
        rd->r->choice.mode = json_says(rd->doc, node, STR("none")) ? CHOICE_NONE : CHOICE_AUTO;
        return rd->r->choice.mode == CHOICE_NONE || json_says(rd->doc, node, STR("auto")) ||
               bad(rd, NULL, "function_call", "must be none, auto, or an object with a name");
    }
    name = json_member(rd->doc, node, STR("name"), NULL);
    if (!is_type(rd->doc, name, JSON_STRING))
        return bad(rd, NULL, "function_call", "must be none, auto, or an object with a name");
    choose_one(rd, member_str(rd, name));
    return true;
}

/* --- members of the request -------------------------------------------------------------------*/

enum {
    ASK_MODEL,
    ASK_MESSAGES,
    ASK_STREAM,
    ASK_TEMPERATURE,
    ASK_TOOLS,
    ASK_TOOL_CHOICE,
    ASK_MAX_TOKENS,
    ASK_MAX_COMPLETION_TOKENS,
    ASK_STREAM_OPTIONS,
    ASK_TOP_P,
    ASK_STOP,
    ASK_N,
    ASK_PARALLEL,
    ASK_FORMAT,
    ASK_EFFORT,
    ASK_FREQUENCY,
    ASK_PRESENCE,
    ASK_SEED,
    ASK_LOGPROBS,
    ASK_TOP_LOGPROBS,
    ASK_LOGIT_BIAS,
    ASK_USER,
    ASK_SAFETY_ID,
    ASK_METADATA,
    ASK_STORE,
    ASK_TIER,
    ASK_VERBOSITY,
    ASK_CACHE_KEY,
    ASK_CACHE_OPTIONS,
    ASK_CACHE_RETENTION,
    ASK_MODALITIES,
    ASK_AUDIO,
    ASK_PREDICTION,
    ASK_MODERATION,
    ASK_SEARCH,
    ASK_FUNCTIONS,
    ASK_FUNCTION_CALL,
    ASK_TOP_K,
    ASK_MIN_P,
    ASK_REPETITION,
    ASK_REASONING,
    ASK_THINKING,
    ASK_ENABLE_THINKING,
    ASK_EXTRA_BODY,
    ASK_IMAGE,
    ASK_PROMPT, /* from here on: legacy completions */
    ASK_SUFFIX,
    ASK_ECHO,
    ASK_BEST_OF,
    ASKED,
};
static const struct member_rule ask_rules[ASKED] = {
    [ASK_MODEL] = { STR("model"), MEMBER_STRING },
    [ASK_MESSAGES] = { STR("messages"), MEMBER_ARRAY },
    [ASK_STREAM] = { STR("stream"), MEMBER_BOOL },
    [ASK_TEMPERATURE] = { STR("temperature"), MEMBER_NUMBER },
    [ASK_TOOLS] = { STR("tools"), MEMBER_ARRAY },
    [ASK_TOOL_CHOICE] = { STR("tool_choice"), MEMBER_STRING | MEMBER_OBJECT },
    [ASK_MAX_TOKENS] = { STR("max_tokens"), MEMBER_NUMBER },
    [ASK_MAX_COMPLETION_TOKENS] = { STR("max_completion_tokens"), MEMBER_NUMBER },
    [ASK_STREAM_OPTIONS] = { STR("stream_options"), MEMBER_OBJECT },
    [ASK_TOP_P] = { STR("top_p"), MEMBER_NUMBER },
    [ASK_STOP] = { STR("stop"), MEMBER_STRING | MEMBER_ARRAY },
    [ASK_N] = { STR("n"), MEMBER_NUMBER },
    [ASK_PARALLEL] = { STR("parallel_tool_calls"), MEMBER_BOOL },
    [ASK_FORMAT] = { STR("response_format"), MEMBER_OBJECT },
    [ASK_EFFORT] = { STR("reasoning_effort"), MEMBER_STRING },
    [ASK_FREQUENCY] = { STR("frequency_penalty"), MEMBER_NUMBER },
    [ASK_PRESENCE] = { STR("presence_penalty"), MEMBER_NUMBER },
    [ASK_SEED] = { STR("seed"), MEMBER_NUMBER },
    [ASK_LOGPROBS] = { STR("logprobs"), MEMBER_BOOL | MEMBER_NUMBER },
    [ASK_TOP_LOGPROBS] = { STR("top_logprobs"), MEMBER_NUMBER },
    [ASK_LOGIT_BIAS] = { STR("logit_bias"), MEMBER_OBJECT },
    [ASK_USER] = { STR("user"), MEMBER_STRING },
    [ASK_SAFETY_ID] = { STR("safety_identifier"), MEMBER_STRING },
    [ASK_METADATA] = { STR("metadata"), MEMBER_OBJECT },
    [ASK_STORE] = { STR("store"), MEMBER_BOOL },
    [ASK_TIER] = { STR("service_tier"), MEMBER_STRING },
    [ASK_VERBOSITY] = { STR("verbosity"), MEMBER_STRING },
    [ASK_CACHE_KEY] = { STR("prompt_cache_key"), MEMBER_STRING },
    [ASK_CACHE_OPTIONS] = { STR("prompt_cache_options"), MEMBER_OBJECT },
    [ASK_CACHE_RETENTION] = { STR("prompt_cache_retention"), MEMBER_STRING },
    [ASK_MODALITIES] = { STR("modalities"), MEMBER_ARRAY },
    [ASK_AUDIO] = { STR("audio"), MEMBER_OBJECT },
    [ASK_PREDICTION] = { STR("prediction"), MEMBER_OBJECT },
    [ASK_MODERATION] = { STR("moderation"), MEMBER_OBJECT },
    [ASK_SEARCH] = { STR("web_search_options"), MEMBER_OBJECT },
    [ASK_FUNCTIONS] = { STR("functions"), MEMBER_ARRAY },
    [ASK_FUNCTION_CALL] = { STR("function_call"), MEMBER_STRING | MEMBER_OBJECT },
    [ASK_TOP_K] = { STR("top_k"), MEMBER_NUMBER },
    [ASK_MIN_P] = { STR("min_p"), MEMBER_NUMBER },
    [ASK_REPETITION] = { STR("repetition_penalty"), MEMBER_NUMBER },
    [ASK_REASONING] = { STR("reasoning"), MEMBER_OBJECT },
    [ASK_THINKING] = { STR("thinking"), MEMBER_OBJECT },
    [ASK_ENABLE_THINKING] = { STR("enable_thinking"), MEMBER_BOOL },
    [ASK_EXTRA_BODY] = { STR("extra_body"), MEMBER_OBJECT },
    [ASK_IMAGE] = { STR("image_config"), MEMBER_OBJECT },
    [ASK_PROMPT] = { STR("prompt"), MEMBER_STRING | MEMBER_ARRAY },
    [ASK_SUFFIX] = { STR("suffix"), MEMBER_STRING },
    [ASK_ECHO] = { STR("echo"), MEMBER_BOOL },
    [ASK_BEST_OF] = { STR("best_of"), MEMBER_NUMBER },
};

static void mark_asked(struct reading *rd, enum field f, const uint32_t *m, uint32_t which)
{
    if (m[which] != JSON_NONE && rd->r->where[f].len == 0)
        rd->r->where[f] = ask_rules[which].name;
}

static bool read_stop(struct reading *rd, const uint32_t *m)
{
    uint32_t node = m[ASK_STOP];
    struct text *texts;
    size_t n = 0;

    if (node == JSON_NONE)
        return true;
    if (json_type(rd->doc, node) == JSON_STRING) {
        texts = arena_array(rd->a, struct text, 1);
        texts[n++] = text_of(rd->doc, node);
    } else {
        if (rd->doc->nodes[node].count > STOPS_MAX)
            return bad(rd, NULL, "stop", "holds more than 64 sequences");
        texts = arena_array(rd->a, struct text, STOPS_MAX);
        for (uint32_t e = json_first(rd->doc, node); e != JSON_NONE;
             e = json_after(rd->doc, node, e)) {
            if (json_type(rd->doc, e) != JSON_STRING)
                return bad(rd, NULL, "stop", "must be a string or an array of strings");
            texts[n++] = text_of(rd->doc, e);
        }
    }
    if (n == 0 || (n == 1 && text_is_empty(texts[0])))
        return true;
    rd->r->stop = texts;
    rd->r->stop_count = n;
    mark_asked(rd, FIELD_STOP, m, ASK_STOP);
    return true;
}

static bool read_format(struct reading *rd, const uint32_t *m)
{
    enum { TYPE, SCHEMA, RULES };
    static const struct member_rule rules[] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [SCHEMA] = { STR("json_schema"), MEMBER_OBJECT },
    };
    enum { NAME, DESCRIPTION, SHAPE, STRICT, SHAPES };
    static const struct member_rule shapes[] = {
        [NAME] = { STR("name"), MEMBER_STRING },
        [DESCRIPTION] = { STR("description"), MEMBER_STRING },
        [SHAPE] = { STR("schema"), MEMBER_OBJECT },
        [STRICT] = { STR("strict"), MEMBER_BOOL },
    };
    static const struct place here = { NULL, "response_format", 0 },
                              inner = { &here, "json_schema", 0 };
    struct answer_format *format = &rd->r->format;
    uint32_t in[RULES], shape[SHAPES];

    if (m[ASK_FORMAT] == JSON_NONE)
        return true;
    if (!members_read(rd, m[ASK_FORMAT], &here, rules, RULES, in))
        return false;
    struct str type = member_str(rd, in[TYPE]);

    if (str_eq(type, STR("text")))
        return true;
    mark_asked(rd, FIELD_FORMAT, m, ASK_FORMAT);
    format->kind = FORMAT_JSON;
    if (str_eq(type, STR("json_object")))
        return true;
    format->kind = FORMAT_SCHEMA;
    if (!str_eq(type, STR("json_schema")))
        return bad(rd, &here, "type", "must be text, json_object or json_schema");
    if (in[SCHEMA] == JSON_NONE)
        return bad(rd, &here, "json_schema", "is missing");
    if (!members_read(rd, in[SCHEMA], &inner, shapes, SHAPES, shape))
        return false;
    format->name = member_str(rd, shape[NAME]);
    format->description = member_text(rd, shape[DESCRIPTION]);
    format->schema = member_raw(rd, shape[SHAPE]);
    format->strict = member_tri(rd, shape[STRICT]);
    return true;
}

/* --- reasoning, in the words of many servers --------------------------------------------------*/

static bool effort_said(struct reading *rd, uint32_t node, const struct place *p, const char *name)
{
    struct reasoning *how = &rd->r->reasoning;
    struct str word = member_str(rd, node);

    if (node == JSON_NONE)
        return true;
    mark(rd, FIELD_REASONING, node, p, name);
    if (str_ieq(word, STR("none")))
        how->mode = REASONING_OFF;
    else if (str_ieq(word, STR("auto")))
        how->mode = REASONING_AUTO;
    else if (effort_from_word(word, &how->effort))
        how->mode = REASONING_EFFORT;
    else
        return bad(rd, p, name, "must be none, minimal, low, medium, high, xhigh or max");
    return true;
}

static bool budget_said(struct reading *rd, uint32_t node, const struct place *p, const char *name)
{
    struct reasoning *how = &rd->r->reasoning;

    if (node == JSON_NONE)
        return true;
    if (!member_integer(rd, node, p, name, -1, INT32_MAX, &how->budget))
        return false;
    mark(rd, FIELD_REASONING, node, p, name);
    how->mode = how->budget < 0    ? REASONING_AUTO
                : how->budget == 0 ? REASONING_OFF
                                   : REASONING_BUDGET;
    return true;
}

/* On or off, unless something more telling stands beside it. */
static void switch_said(struct reading *rd, uint32_t node, const struct place *p, const char *name)
{
    if (node == JSON_NONE)
        return;
    mark(rd, FIELD_REASONING, node, p, name);
    if (!json_is_true(rd->doc, node))
        rd->r->reasoning.mode = REASONING_OFF;
    else if (rd->r->reasoning.mode == REASONING_UNSET)
        rd->r->reasoning.mode = REASONING_AUTO;
}

static void shown_said(struct reading *rd, uint32_t node, const struct place *p, const char *name,
                       bool shown)
{
    if (node == JSON_NONE)
        return;
    mark(rd, FIELD_REASONING_SUMMARY, node, p, name);
    rd->r->reasoning.summary = shown ? SUMMARY_AUTO : SUMMARY_NONE;
}

/* OpenRouter: {effort, max_tokens, exclude, enabled}. */
static bool read_reasoning(struct reading *rd, uint32_t node)
{
    enum { EFFORT, BUDGET, EXCLUDE, ENABLED, RULES };
    static const struct member_rule rules[] = {
        [EFFORT] = { STR("effort"), MEMBER_STRING },
        [BUDGET] = { STR("max_tokens"), MEMBER_NUMBER },
        [EXCLUDE] = { STR("exclude"), MEMBER_BOOL },
        [ENABLED] = { STR("enabled"), MEMBER_BOOL },
    };
    static const struct place here = { NULL, "reasoning", 0 };
    uint32_t m[RULES];

    if (!members_read(rd, node, &here, rules, RULES, m) ||
        !effort_said(rd, m[EFFORT], &here, "effort") ||
        !budget_said(rd, m[BUDGET], &here, "max_tokens"))
        return false;
    switch_said(rd, m[ENABLED], &here, "enabled");
    shown_said(rd, m[EXCLUDE], &here, "exclude",
               m[EXCLUDE] != JSON_NONE && !json_is_true(rd->doc, m[EXCLUDE]));
    return true;
}

/* As Anthropic and several others have it: {type, budget_tokens}. */
static bool read_thinking_switch(struct reading *rd, uint32_t node)
{
    enum { TYPE, BUDGET, RULES };
    static const struct member_rule rules[] = {
        [TYPE] = { STR("type"), MEMBER_STRING },
        [BUDGET] = { STR("budget_tokens"), MEMBER_NUMBER },
    };
    static const struct place here = { NULL, "thinking", 0 };
    struct reasoning *how = &rd->r->reasoning;
    uint32_t m[RULES];

    if (!members_read(rd, node, &here, rules, RULES, m) ||
        !budget_said(rd, m[BUDGET], &here, "budget_tokens"))
        return false;
    mark(rd, FIELD_REASONING, m[TYPE], &here, "type");
    if (m[TYPE] != JSON_NONE && json_says(rd->doc, m[TYPE], STR("disabled")))
        how->mode = REASONING_OFF;
    else if (how->mode == REASONING_UNSET)
        how->mode = REASONING_AUTO;
    return true;
}

/* Google: {google: {thinking_config: {thinking_budget, thinking_level, include_thoughts}}}. */
static bool read_google(struct reading *rd, uint32_t node)
{
    static const struct member_rule bodies[] = { { STR("google"), MEMBER_OBJECT } },
                                    configs[] = { { STR("thinking_config"), MEMBER_OBJECT } };
    enum { BUDGET, LEVEL, SHOWN, RULES };
    static const struct member_rule rules[] = {
        [BUDGET] = { STR("thinking_budget"), MEMBER_NUMBER },
        [LEVEL] = { STR("thinking_level"), MEMBER_STRING },
        [SHOWN] = { STR("include_thoughts"), MEMBER_BOOL },
    };
    static const struct place root = { NULL, "extra_body", 0 }, google = { &root, "google", 0 },
                              here = { &google, "thinking_config", 0 };
    uint32_t body, config, m[RULES];

    if (!members_read(rd, node, &root, bodies, COUNT(bodies), &body))
        return false;
    if (body == JSON_NONE)
        return true;
    if (!members_read(rd, body, &google, configs, COUNT(configs), &config))
        return false;
    if (config == JSON_NONE)
        return true;
    if (!members_read(rd, config, &here, rules, RULES, m) ||
        !budget_said(rd, m[BUDGET], &here, "thinking_budget") ||
        !effort_said(rd, m[LEVEL], &here, "thinking_level"))
        return false;
    shown_said(rd, m[SHOWN], &here, "include_thoughts",
               m[SHOWN] != JSON_NONE && json_is_true(rd->doc, m[SHOWN]));
    return true;
}

/* The first of them that is given counts; others are named as not read. */
static bool read_all_reasoning(struct reading *rd, const uint32_t *m)
{
    static const uint32_t forms[] = { ASK_EFFORT, ASK_REASONING, ASK_THINKING, ASK_ENABLE_THINKING,
                                      ASK_EXTRA_BODY };

    for (size_t i = 0; i < COUNT(forms); i++) {
        uint32_t form = forms[i], node = m[form];

        if (node == JSON_NONE)
            continue;
        if (rd->r->reasoning.mode != REASONING_UNSET)
            members_unread(rd, NULL, ask_rules[form].name.at);
        else if (form == ASK_ENABLE_THINKING)
            switch_said(rd, node, NULL, "enable_thinking");
        else if (!(form == ASK_EFFORT      ? effort_said(rd, node, NULL, "reasoning_effort")
                   : form == ASK_REASONING ? read_reasoning(rd, node)
                   : form == ASK_THINKING  ? read_thinking_switch(rd, node)
                                           : read_google(rd, node)))
            return false;
    }
    return true;
}

/* --- the rest ---------------------------------------------------------------------------------*/

static bool read_modalities(struct reading *rd, const uint32_t *m)
{
    static const struct {
        struct str word;
        uint32_t bit;
    } words[] = {
        { STR("text"), MODALITY_TEXT },
        { STR("image"), MODALITY_IMAGE },
        { STR("audio"), MODALITY_AUDIO },
    };
    uint32_t list = m[ASK_MODALITIES];

    if (list == JSON_NONE)
        return true;
    mark_asked(rd, FIELD_MODALITIES, m, ASK_MODALITIES);
    for (uint32_t e = json_first(rd->doc, list); e != JSON_NONE; e = json_after(rd->doc, list, e)) {
        uint32_t bit = 0;

        for (size_t i = 0; i < COUNT(words); i++)
            if (json_type(rd->doc, e) == JSON_STRING && json_says(rd->doc, e, words[i].word))
                bit = words[i].bit;
        if (bit == 0)
            return bad(rd, NULL, "modalities", "may hold text, image and audio");
        rd->r->modalities |= bit;
    }
    return true;
}

/* OpenRouter: {aspect_ratio, image_size}. */
static bool read_image(struct reading *rd, const uint32_t *m)
{
    enum { ASPECT, SIZE, QUALITY, RULES };
    static const struct member_rule rules[] = {
        [ASPECT] = { STR("aspect_ratio"), MEMBER_STRING },
        [SIZE] = { STR("image_size"), MEMBER_STRING },
        [QUALITY] = { STR("quality"), MEMBER_STRING },
    };
    static const struct place here = { NULL, "image_config", 0 };
    uint32_t in[RULES];

    if (m[ASK_IMAGE] == JSON_NONE)
        return true;
    mark_asked(rd, FIELD_IMAGE, m, ASK_IMAGE);
    if (!members_read(rd, m[ASK_IMAGE], &here, rules, RULES, in))
        return false;
    rd->r->image = (struct image_ask){
        .aspect = member_str(rd, in[ASPECT]),
        .size = member_str(rd, in[SIZE]),
        .quality = member_str(rd, in[QUALITY]),
    };
    return true;
}

static bool read_stream(struct reading *rd, const uint32_t *m)
{
    enum { USAGE, OBFUSCATION, RULES };
    static const struct member_rule rules[] = {
        [USAGE] = { STR("include_usage"), MEMBER_BOOL },
        [OBFUSCATION] = { STR("include_obfuscation"), MEMBER_BOOL },
    };
    static const struct place here = { NULL, "stream_options", 0 };
    uint32_t in[RULES];

    rd->r->stream = member_tri(rd, m[ASK_STREAM]) == TRI_YES;
    if (m[ASK_STREAM_OPTIONS] == JSON_NONE)
        return true;
    if (!members_read(rd, m[ASK_STREAM_OPTIONS], &here, rules, RULES, in))
        return false;
    rd->r->wants_usage = member_tri(rd, in[USAGE]) == TRI_YES;
    return true;
}

static bool read_limits(struct reading *rd, const uint32_t *m)
{
    struct canon_request *r = rd->r;
    bool newer = m[ASK_MAX_COMPLETION_TOKENS] != JSON_NONE;

    if (!member_integer(rd, m[ASK_MAX_TOKENS], NULL, "max_tokens", 1, INT64_MAX, &r->max_output) ||
        !member_integer(rd, m[ASK_MAX_COMPLETION_TOKENS], NULL, "max_completion_tokens", 1,
                        INT64_MAX, &r->max_output) ||
        !member_integer(rd, m[ASK_N], NULL, "n", 1, ANSWER_CHOICES_MAX, &r->n))
        return false;
    mark_asked(rd, FIELD_MAX_OUTPUT, m, newer ? ASK_MAX_COMPLETION_TOKENS : ASK_MAX_TOKENS);
    mark_asked(rd, FIELD_N, m, ASK_N);
    return read_stop(rd, m);
}

/* A number within bounds, in its own spelling. */
static bool read_number(struct reading *rd, uint32_t node, const char *name, double least,
                        double most, struct str *out)
{
    double n;

    if (node == JSON_NONE)
        return true;
    *out = json_raw(rd->doc, node);
    n = strtod(arena_copy(rd->a, *out).at, NULL);
    return (n >= least && n <= most) ||
           complain(rd->why, str_c(name),
                    arena_printf(rd->a, "must be from %g to %g", least, most));
}

static bool read_sampling(struct reading *rd, const uint32_t *m)
{
    struct canon_request *r = rd->r;
    const struct {
        uint32_t which;
        enum field field;
        double least, most;
        struct str *out;
    } numbers[] = {
        { ASK_TEMPERATURE, FIELD_TEMPERATURE, 0, 2, &r->temperature },
        { ASK_TOP_P, FIELD_TOP_P, 0, 1, &r->top_p },
        { ASK_TOP_K, FIELD_TOP_K, -1, INT32_MAX, &r->top_k },
        { ASK_MIN_P, FIELD_MIN_P, 0, 1, &r->min_p },
        { ASK_FREQUENCY, FIELD_FREQUENCY_PENALTY, -2, 2, &r->frequency_penalty },
        { ASK_PRESENCE, FIELD_PRESENCE_PENALTY, -2, 2, &r->presence_penalty },
        { ASK_REPETITION, FIELD_REPETITION_PENALTY, 0, 100, &r->repetition_penalty },
    };
    int64_t seed;

    for (size_t i = 0; i < COUNT(numbers); i++) {
        uint32_t which = numbers[i].which;

        if (!read_number(rd, m[which], ask_rules[which].name.at, numbers[i].least, numbers[i].most,
                         numbers[i].out))
            return false;
        mark_asked(rd, numbers[i].field, m, which);
    }
    if (!member_integer(rd, m[ASK_SEED], NULL, "seed", INT64_MIN, INT64_MAX, &seed))
        return false;
    r->seed = member_raw(rd, m[ASK_SEED]);
    mark_asked(rd, FIELD_SEED, m, ASK_SEED);
    return true;
}

/* A legacy completion has a number where a chat has a switch and a number. */
static bool read_logprobs(struct reading *rd, const uint32_t *m)
{
    struct canon_request *r = rd->r;
    uint32_t node = m[ASK_LOGPROBS];

    if (r->legacy && is_type(rd->doc, node, JSON_NUMBER)) {
        if (!member_integer(rd, node, NULL, "logprobs", 0, 5, &r->top_logprobs))
            return false;
        r->logprobs = TRI_YES;
    } else if (is_type(rd->doc, node, JSON_NUMBER)) {
        return bad(rd, NULL, "logprobs", "must be true or false");
    } else {
        r->logprobs = member_tri(rd, node);
    }
    if (!member_integer(rd, m[ASK_TOP_LOGPROBS], NULL, "top_logprobs", 0, 20, &r->top_logprobs))
        return false;
    if (r->logprobs == TRI_YES)
        mark_asked(rd, FIELD_LOGPROBS, m, ASK_LOGPROBS);
    if (r->top_logprobs > 0)
        mark_asked(rd, FIELD_TOP_LOGPROBS, m, ASK_TOP_LOGPROBS);
    return true;
}

static bool read_words(struct reading *rd, const uint32_t *m)
{
    struct canon_request *r = rd->r;
    const struct {
        uint32_t which;
        enum field field;
        struct str *out;
    } words[] = {
        { ASK_USER, FIELD_USER, &r->user },
        { ASK_SAFETY_ID, FIELD_SAFETY_ID, &r->safety_id },
        { ASK_TIER, FIELD_SERVICE_TIER, &r->service_tier },
        { ASK_CACHE_KEY, FIELD_CACHE_KEY, &r->cache_key },
        { ASK_VERBOSITY, FIELD_VERBOSITY, &r->verbosity },
    };
    static const uint32_t own[] = { ASK_CACHE_OPTIONS, ASK_CACHE_RETENTION, ASK_PREDICTION,
                                    ASK_MODERATION, ASK_AUDIO };

    for (size_t i = 0; i < COUNT(words); i++) {
        *words[i].out = member_str(rd, m[words[i].which]);
        mark_asked(rd, words[i].field, m, words[i].which);
    }
    r->metadata = member_raw(rd, m[ASK_METADATA]);
    r->logit_bias = member_raw(rd, m[ASK_LOGIT_BIAS]);
    r->store = member_tri(rd, m[ASK_STORE]);
    mark_asked(rd, FIELD_METADATA, m, ASK_METADATA);
    mark_asked(rd, FIELD_LOGIT_BIAS, m, ASK_LOGIT_BIAS);
    mark_asked(rd, FIELD_STORE, m, ASK_STORE);
    for (size_t i = 0; i < COUNT(own); i++)
        if (m[own[i]] != JSON_NONE)
            canon_add_extra(r, rd->a, ask_rules[own[i]].name, json_raw(rd->doc, m[own[i]]),
                            own[i] == ASK_AUDIO);
    return true;
}

static bool read_all_tools(struct reading *rd, const uint32_t *m)
{
    struct canon_request *r = rd->r;

    if (m[ASK_TOOLS] != JSON_NONE && m[ASK_FUNCTIONS] != JSON_NONE)
        return bad(rd, NULL, "functions", "is the old form of tools: give only one of them");
    r->functions = m[ASK_FUNCTIONS] != JSON_NONE;
    if (!read_tools(rd, m[ASK_TOOLS], "tools", false) ||
        !read_tools(rd, m[ASK_FUNCTIONS], "functions", true) ||
        !read_choice(rd, m[ASK_TOOL_CHOICE]))
        return false;
    r->parallel_tools = member_tri(rd, m[ASK_PARALLEL]);
    mark_asked(rd, FIELD_PARALLEL_TOOLS, m, ASK_PARALLEL);
    if (r->functions) {
        r->parallel_tools = TRI_NO; /* the old answer has room for one call */
        if (!read_function_choice(rd, m[ASK_FUNCTION_CALL]))
            return false;
    } else if (m[ASK_FUNCTION_CALL] != JSON_NONE) {
        members_unread(rd, NULL, "function_call");
    }
    if (m[ASK_SEARCH] != JSON_NONE)
        (void)canon_add_server_tool(r, rd->a, SERVER_TOOL_WEB_SEARCH, STR("web_search_options"),
                                    json_raw(rd->doc, m[ASK_SEARCH]), PART_AT_NONE);
    return true;
}

/* A legacy completion: its prompt is what a user says. */
static bool read_prompt(struct reading *rd, const uint32_t *m)
{
    uint32_t node = m[ASK_PROMPT];
    int64_t best_of = 1;
    struct message *msg;

    if (json_type(rd->doc, node) == JSON_ARRAY) {
        uint32_t list = node;

        node = json_first(rd->doc, list);
        if (node == JSON_NONE)
            return bad(rd, NULL, "prompt", "is empty");
        if (json_type(rd->doc, node) != JSON_STRING)
            return bad(rd, NULL, "prompt", "must be text: token ids mean nothing to this model");
        if (json_after(rd->doc, list, node) != JSON_NONE)
            return bad(rd, NULL, "prompt", "must be one text: this model takes one at a time");
    }
    if (m[ASK_SUFFIX] != JSON_NONE && json_inside(rd->doc, m[ASK_SUFFIX]).len > 0)
        return bad(rd, NULL, "suffix", "cannot be said to this model");
    if (!member_integer(rd, m[ASK_BEST_OF], NULL, "best_of", 1, 20, &best_of))
        return false;
    if (best_of > 1)
        members_unread(rd, NULL, "best_of");
    rd->r->echo = member_tri(rd, m[ASK_ECHO]) == TRI_YES;
    msg = canon_add_message(rd->r, rd->a, ROLE_USER, PART_AT_NONE);
    message_add(msg, rd->a, PART_TEXT, PART_AT_NONE)->text = text_of(rd->doc, node);
    return true;
}

bool chat_read(const struct json *doc, struct canon_request *r, struct arena *a,
               struct wire_complaint *why)
{
    struct reading rd = { .doc = doc, .r = r, .a = a, .why = why };
    uint32_t m[ASKED];

    if (!members_read(&rd, 0, NULL, ask_rules, ASKED, m))
        return false;
    r->model = member_str(&rd, m[ASK_MODEL]);
    if (r->model.len == 0)
        return bad(&rd, NULL, "model", "is missing: name a model");
    r->legacy = m[ASK_PROMPT] != JSON_NONE && m[ASK_MESSAGES] == JSON_NONE;
    if (r->legacy) {
        if (!read_prompt(&rd, m))
            return false;
    } else {
        if (m[ASK_MESSAGES] == JSON_NONE || json_first(doc, m[ASK_MESSAGES]) == JSON_NONE)
            return bad(&rd, NULL, "messages", "must be an array with at least one message");
        if (!chat_read_messages(&rd, m[ASK_MESSAGES]))
            return false;
        for (uint32_t which = ASK_PROMPT; which < ASKED; which++)
            if (m[which] != JSON_NONE)
                members_unread(&rd, NULL, ask_rules[which].name.at);
    }
    return read_stream(&rd, m) && read_limits(&rd, m) && read_sampling(&rd, m) &&
           read_logprobs(&rd, m) && read_format(&rd, m) && read_all_reasoning(&rd, m) &&
           read_all_tools(&rd, m) && read_words(&rd, m) && read_modalities(&rd, m) &&
           read_image(&rd, m);
}
