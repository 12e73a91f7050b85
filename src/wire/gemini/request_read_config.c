/* wire/gemini/request_read_config.c - the part of a request that is not what was said: tools,
 * toolConfig, generationConfig, serviceTier. */
#include "wire/gemini/reading.h"

#include <stdlib.h>

#include "wire/reasoning.h"

/* --- values -------------------------------------------------------------------------------------
 */

/* What 64-bit numbers may be. */
#define MEMBER_WHOLE (MEMBER_NUMBER | MEMBER_STRING)

/* A whole number, perhaps spelled as a string; absent: `out` stays. */
static bool read_int(struct reading *r, uint32_t node, const struct place *p, const char *name,
                     int64_t least, int64_t most, int64_t *out)
{
    if (!is(r, node, JSON_STRING))
        return member_integer(r, node, p, name, least, most, out);
    if (!str_to_i64(json_inside(r->doc, node), out) || *out < least || *out > most)
        return wrong(r, p, name, "must be a whole number within its range");
    return true;
}

/* The same as text; `40.0` becomes `40`. */
static bool read_whole(struct reading *r, uint32_t node, const struct place *p, const char *name,
                       int64_t least, int64_t most, struct str *out)
{
    int64_t n = 0;

    if (!read_int(r, node, p, name, least, most, &n))
        return false;
    if (node != JSON_NONE)
        *out = arena_printf(r->a, "%lld", (long long)n);
    return true;
}

/* A number whose spelling is kept. */
static bool read_number(struct reading *r, uint32_t node, const struct place *p, const char *name,
                        double least, double most, struct str *out)
{
    char room[64];

    if (node == JSON_NONE)
        return true;
    *out = json_raw(r->doc, node);
    if (out->len >= sizeof(room))
        return wrong(r, p, name, "is out of range");
    memcpy(room, out->at, out->len);
    room[out->len] = '\0';

    double n = strtod(room, NULL);
    return (n >= least && n <= most) || wrong(r, p, name, "is out of range");
}

/* A word of an enum in upper case, without the enum's own name before it. */
static struct str read_word(struct reading *r, uint32_t node, struct str before)
{
    struct str word = member_str(r, node);
    char *upper;

    if (word.len == 0)
        return word;
    upper = arena_alloc_raw(r->a, word.len);
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];

        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    word.at = upper;
    return str_starts(word, before) ? str_drop(word, before.len) : word;
}

/* --- tools --------------------------------------------------------------------------------------
 */

static bool read_declaration(struct reading *r, const struct place *p, uint32_t node,
                             uint32_t entry)
{
    enum { NAME, DESCRIPTION, OPENAPI, SCHEMA };
    static const struct member_rule rules[] = {
        [NAME] = { { "name", 4 }, MEMBER_STRING },
        [DESCRIPTION] = { { "description", 11 }, MEMBER_STRING },
        [OPENAPI] = { { "parameters", 10 }, MEMBER_OBJECT },
        [SCHEMA] = { { "parametersJsonSchema", 20 }, MEMBER_OBJECT },
    };
    uint32_t n[COUNT(rules)];
    struct str name;
    struct tool *t;

    if (!want_object(r, p, node) || !READ(r, node, p, rules, n))
        return false;
    name = member_str(r, n[NAME]);
    if (name.len == 0)
        return wrong(r, p, "name", "is missing");
    if (n[OPENAPI] != JSON_NONE && n[SCHEMA] != JSON_NONE)
        return wrong(r, p, NULL, "has both parameters and parametersJsonSchema");
    t = canon_add_tool(r->r, r->a, name, tool_at_declaration(entry, p->index));
    t->description = member_text(r, n[DESCRIPTION]);
    t->openapi = n[OPENAPI] != JSON_NONE;
    t->schema = member_raw(r, n[OPENAPI] != JSON_NONE ? n[OPENAPI] : n[SCHEMA]);
    return true;
}

enum { TOOL_FUNCTIONS };
static const struct member_rule tool_rules[] = {
    [TOOL_FUNCTIONS] = { { "functionDeclarations", 20 }, MEMBER_ARRAY },
    { { "googleSearch", 12 }, MEMBER_OBJECT },
    { { "googleSearchRetrieval", 21 }, MEMBER_OBJECT },
    { { "enterpriseWebSearch", 19 }, MEMBER_OBJECT },
    { { "codeExecution", 13 }, MEMBER_OBJECT },
    { { "urlContext", 10 }, MEMBER_OBJECT },
    { { "googleMaps", 10 }, MEMBER_OBJECT },
    { { "fileSearch", 10 }, MEMBER_OBJECT },
    { { "computerUse", 11 }, MEMBER_OBJECT },
    { { "mcpServers", 10 }, MEMBER_ARRAY },
};
static const enum server_tool_kind server_kinds[COUNT(tool_rules)] = {
    [1] = SERVER_TOOL_WEB_SEARCH,  [2] = SERVER_TOOL_WEB_SEARCH, [3] = SERVER_TOOL_WEB_SEARCH,
    [4] = SERVER_TOOL_CODE,        [5] = SERVER_TOOL_WEB_FETCH,  [6] = SERVER_TOOL_MAPS,
    [7] = SERVER_TOOL_FILE_SEARCH, [8] = SERVER_TOOL_OTHER,      [9] = SERVER_TOOL_OTHER,
};

static bool read_tool(struct reading *r, const struct place *p, uint32_t node)
{
    struct place list = { p, "functionDeclarations", 0 }, here = { &list, NULL, 0 };
    uint32_t n[COUNT(tool_rules)], functions;

    if (!want_object(r, p, node) || !READ(r, node, p, tool_rules, n))
        return false;
    for (size_t i = TOOL_FUNCTIONS + 1; i < COUNT(tool_rules); i++) {
        struct str raw = member_raw(r, n[i]), name = tool_rules[i].name;

        if (n[i] != JSON_NONE)
            canon_add_server_tool(
                r->r, r->a, server_kinds[i], name,
                arena_printf(r->a, "{\"%s\":%.*s}", name.at, (int)raw.len, raw.at),
                part_at_item(p->index, PART_AT_NONE));
    }
    functions = n[TOOL_FUNCTIONS];
    if (functions == JSON_NONE)
        return true;
    for (uint32_t e = json_first(r->doc, functions); e != JSON_NONE;
         e = json_after(r->doc, functions, e), here.index++)
        if (!read_declaration(r, &here, e, p->index))
            return false;
    return true;
}

bool gemini_read_tools(struct reading *r, const struct place *up, uint32_t list)
{
    struct place tools = { up, "tools", 0 }, here = { &tools, NULL, 0 };

    for (uint32_t e = json_first(r->doc, list); e != JSON_NONE;
         e = json_after(r->doc, list, e), here.index++)
        if (!read_tool(r, &here, e))
            return false;
    return true;
}

/* The strings of a list: names, stop sequences. */
static bool read_strings(struct reading *r, const struct place *p, const char *name, uint32_t list,
                         struct text **out, size_t *count)
{
    struct place up = { p, name, 0 }, here = { &up, NULL, 0 };

    *count = 0;
    if (list == JSON_NONE)
        return true;
    *out = arena_array(r->a, struct text, r->doc->nodes[list].next - list);
    for (uint32_t e = json_first(r->doc, list); e != JSON_NONE;
         e = json_after(r->doc, list, e), here.index++) {
        if (!is(r, e, JSON_STRING))
            return wrong(r, &here, NULL, "must be a string");
        (*out)[(*count)++] = text_of(r->doc, e);
    }
    return true;
}

static bool read_calling(struct reading *r, const struct place *p, uint32_t node)
{
    enum { MODE, ALLOWED };
    static const struct member_rule rules[] = {
        [MODE] = { { "mode", 4 }, MEMBER_STRING },
        [ALLOWED] = { { "allowedFunctionNames", 20 }, MEMBER_ARRAY },
    };
    struct tool_choice *choice = &r->r->choice;
    struct text *allowed = NULL;
    struct str *names;
    struct str mode;
    size_t count;
    uint32_t n[COUNT(rules)];

    if (!READ(r, node, p, rules, n) ||
        !read_strings(r, p, "allowedFunctionNames", n[ALLOWED], &allowed, &count))
        return false;
    mode = read_word(r, n[MODE], STR("MODE_"));
    bool any = str_eq(mode, STR("ANY")), validated = str_eq(mode, STR("VALIDATED"));

    if (str_eq(mode, STR("NONE")))
        choice->mode = CHOICE_NONE;
    else if (any && count == 1)
        choice->mode = CHOICE_ONE;
    else if ((any || validated) && count > 0)
        choice->mode = CHOICE_ALLOWED;
    else if (any)
        choice->mode = CHOICE_ANY;
    else if (validated || str_eq(mode, STR("AUTO")))
        choice->mode = CHOICE_AUTO;
    else if (mode.len > 0 && !str_eq(mode, STR("UNSPECIFIED")))
        return wrong(r, p, "mode", "must be AUTO, ANY, NONE or VALIDATED");
    choice->allowed_any = any;
    (void)given(r, FIELD_TOOL_CHOICE, node, STR("toolConfig.functionCallingConfig"));
    if (choice->mode != CHOICE_ONE && choice->mode != CHOICE_ALLOWED)
        return true;
    names = arena_array(r->a, struct str, count);
    for (size_t i = 0; i < count; i++)
        names[i] = text_plain(r->a, allowed[i]);
    choice->names = names;
    choice->name_count = count;
    return true;
}

bool gemini_read_tool_config(struct reading *r, const struct place *up, uint32_t node)
{
    enum { CALLING, RETRIEVAL, SERVER_SIDE };
    static const struct member_rule rules[] = {
        [CALLING] = { { "functionCallingConfig", 21 }, MEMBER_OBJECT },
        [RETRIEVAL] = { { "retrievalConfig", 15 }, MEMBER_OBJECT },
        [SERVER_SIDE] = { { "includeServerSideToolInvocations", 32 }, MEMBER_BOOL },
    };
    struct place p = { up, "toolConfig", 0 }, inner = { &p, "functionCallingConfig", 0 };
    uint32_t n[COUNT(rules)];

    if (!READ(r, node, &p, rules, n))
        return false;
    extra(r, n[RETRIEVAL], STR("toolConfig.retrievalConfig"), false);
    extra(r, n[SERVER_SIDE], STR("toolConfig.includeServerSideToolInvocations"), false);
    return n[CALLING] == JSON_NONE || read_calling(r, &inner, n[CALLING]);
}

/* --- generationConfig ---------------------------------------------------------------------------
 */

#define CONFIG "generationConfig."

static bool read_thinking(struct reading *r, const struct place *up, uint32_t node)
{
    enum { SHOWN, BUDGET, LEVEL };
    static const struct member_rule rules[] = {
        [SHOWN] = { { "includeThoughts", 15 }, MEMBER_BOOL },
        [BUDGET] = { { "thinkingBudget", 14 }, MEMBER_WHOLE },
        [LEVEL] = { { "thinkingLevel", 13 }, MEMBER_STRING },
    };
    struct place p = { up, "thinkingConfig", 0 };
    struct reasoning *to = &r->r->reasoning;
    int64_t budget = 0;
    struct str level;
    uint32_t n[COUNT(rules)];

    if (!READ(r, node, &p, rules, n) ||
        !read_int(r, n[BUDGET], &p, "thinkingBudget", -1, INT32_MAX, &budget))
        return false;
    if (given(r, FIELD_REASONING_SUMMARY, n[SHOWN], STR(CONFIG "thinkingConfig.includeThoughts")))
        to->summary = json_is_true(r->doc, n[SHOWN]) ? SUMMARY_AUTO : SUMMARY_NONE;
    if (given(r, FIELD_REASONING, n[BUDGET], STR(CONFIG "thinkingConfig.thinkingBudget")))
        to->mode = budget < 0 ? REASONING_AUTO : budget == 0 ? REASONING_OFF : REASONING_BUDGET;
    to->budget = budget > 0 ? budget : 0;

    level = read_word(r, n[LEVEL], STR("THINKING_LEVEL_"));
    if (level.len == 0 || str_eq(level, STR("UNSPECIFIED")))
        return true;
    if (n[BUDGET] != JSON_NONE)
        return wrong(r, &p, NULL, "has both a thinkingBudget and a thinkingLevel");
    if (!effort_from_word(level, &to->effort))
        return wrong(r, &p, "thinkingLevel", "must be MINIMAL, LOW, MEDIUM or HIGH");
    to->mode = REASONING_EFFORT;
    (void)given(r, FIELD_REASONING, n[LEVEL], STR(CONFIG "thinkingConfig.thinkingLevel"));
    return true;
}

static bool read_image_config(struct reading *r, const struct place *up, uint32_t node)
{
    enum { ASPECT, SIZE };
    static const struct member_rule rules[] = {
        [ASPECT] = { { "aspectRatio", 11 }, MEMBER_STRING },
        [SIZE] = { { "imageSize", 9 }, MEMBER_STRING },
    };
    struct place p = { up, "imageConfig", 0 };
    uint32_t n[COUNT(rules)];

    if (!READ(r, node, &p, rules, n))
        return false;
    r->r->image.aspect = member_str(r, n[ASPECT]);
    r->r->image.size = member_str(r, n[SIZE]);
    (void)given(r, FIELD_IMAGE, node, STR(CONFIG "imageConfig"));
    return true;
}

static bool read_modalities(struct reading *r, const struct place *up, uint32_t list)
{
    static const struct {
        struct str word;
        uint32_t bit;
    } words[] = {
        { { "TEXT", 4 }, MODALITY_TEXT },
        { { "IMAGE", 5 }, MODALITY_IMAGE },
        { { "AUDIO", 5 }, MODALITY_AUDIO },
    };
    struct place p = { up, "responseModalities", 0 }, here = { &p, NULL, 0 };

    if (!given(r, FIELD_MODALITIES, list, STR(CONFIG "responseModalities")))
        return true;
    for (uint32_t e = json_first(r->doc, list); e != JSON_NONE;
         e = json_after(r->doc, list, e), here.index++) {
        size_t i = 0;

        if (!is(r, e, JSON_STRING))
            return wrong(r, &here, NULL, "must be a string");
        struct str word = read_word(r, e, STR("MODALITY_"));

        while (i < COUNT(words) && !str_eq(words[i].word, word))
            i++;
        if (i == COUNT(words))
            return wrong(r, &here, NULL, "must be TEXT, IMAGE or AUDIO");
        r->r->modalities |= words[i].bit;
    }
    return true;
}

enum {
    CONFIG_MAX_OUTPUT,
    CONFIG_TEMPERATURE,
    CONFIG_TOP_P,
    CONFIG_TOP_K,
    CONFIG_CANDIDATES,
    CONFIG_STOPS,
    CONFIG_PRESENCE,
    CONFIG_FREQUENCY,
    CONFIG_SEED,
    CONFIG_LOGPROBS,
    CONFIG_TOP_LOGPROBS,
    CONFIG_MIME,
    CONFIG_SCHEMA,
    CONFIG_JSON_SCHEMA,
    CONFIG_MODALITIES,
    CONFIG_THINKING,
    CONFIG_IMAGE,
    CONFIG_EXTRAS, /* from here on: for the same wire only */
};

static const struct member_rule config_rules[] = {
    [CONFIG_MAX_OUTPUT] = { { "maxOutputTokens", 15 }, MEMBER_WHOLE },
    [CONFIG_TEMPERATURE] = { { "temperature", 11 }, MEMBER_NUMBER },
    [CONFIG_TOP_P] = { { "topP", 4 }, MEMBER_NUMBER },
    [CONFIG_TOP_K] = { { "topK", 4 }, MEMBER_WHOLE },
    [CONFIG_CANDIDATES] = { { "candidateCount", 14 }, MEMBER_WHOLE },
    [CONFIG_STOPS] = { { "stopSequences", 13 }, MEMBER_ARRAY },
    [CONFIG_PRESENCE] = { { "presencePenalty", 15 }, MEMBER_NUMBER },
    [CONFIG_FREQUENCY] = { { "frequencyPenalty", 16 }, MEMBER_NUMBER },
    [CONFIG_SEED] = { { "seed", 4 }, MEMBER_WHOLE },
    [CONFIG_LOGPROBS] = { { "responseLogprobs", 16 }, MEMBER_BOOL },
    [CONFIG_TOP_LOGPROBS] = { { "logprobs", 8 }, MEMBER_WHOLE },
    [CONFIG_MIME] = { { "responseMimeType", 16 }, MEMBER_STRING },
    [CONFIG_SCHEMA] = { { "responseSchema", 14 }, MEMBER_OBJECT },
    [CONFIG_JSON_SCHEMA] = { { "responseJsonSchema", 18 }, MEMBER_OBJECT },
    [CONFIG_MODALITIES] = { { "responseModalities", 18 }, MEMBER_ARRAY },
    [CONFIG_THINKING] = { { "thinkingConfig", 14 }, MEMBER_OBJECT },
    [CONFIG_IMAGE] = { { "imageConfig", 11 }, MEMBER_OBJECT },
    [CONFIG_EXTRAS] = { { "speechConfig", 12 }, MEMBER_OBJECT },
    { { "mediaResolution", 15 }, MEMBER_STRING },
    { { "audioTimestamp", 14 }, MEMBER_BOOL },
    { { "enableEnhancedCivicAnswers", 26 }, MEMBER_BOOL },
    { { "routingConfig", 13 }, MEMBER_OBJECT },
    { { "modelSelectionConfig", 20 }, MEMBER_OBJECT },
};

static bool read_numbers(struct reading *r, const struct place *p, const uint32_t *n)
{
    struct canon_request *to = r->r;

    if (given(r, FIELD_LOGPROBS, n[CONFIG_LOGPROBS], STR(CONFIG "responseLogprobs")))
        to->logprobs = member_tri(r, n[CONFIG_LOGPROBS]);
    (void)given(r, FIELD_MAX_OUTPUT, n[CONFIG_MAX_OUTPUT], STR(CONFIG "maxOutputTokens"));
    (void)given(r, FIELD_TEMPERATURE, n[CONFIG_TEMPERATURE], STR(CONFIG "temperature"));
    (void)given(r, FIELD_TOP_P, n[CONFIG_TOP_P], STR(CONFIG "topP"));
    (void)given(r, FIELD_TOP_K, n[CONFIG_TOP_K], STR(CONFIG "topK"));
    (void)given(r, FIELD_N, n[CONFIG_CANDIDATES], STR(CONFIG "candidateCount"));
    (void)given(r, FIELD_PRESENCE_PENALTY, n[CONFIG_PRESENCE], STR(CONFIG "presencePenalty"));
    (void)given(r, FIELD_FREQUENCY_PENALTY, n[CONFIG_FREQUENCY], STR(CONFIG "frequencyPenalty"));
    (void)given(r, FIELD_SEED, n[CONFIG_SEED], STR(CONFIG "seed"));
    (void)given(r, FIELD_TOP_LOGPROBS, n[CONFIG_TOP_LOGPROBS], STR(CONFIG "logprobs"));
    return read_int(r, n[CONFIG_MAX_OUTPUT], p, "maxOutputTokens", 1, INT32_MAX, &to->max_output) &&
           read_number(r, n[CONFIG_TEMPERATURE], p, "temperature", 0, 2, &to->temperature) &&
           read_number(r, n[CONFIG_TOP_P], p, "topP", 0, 1, &to->top_p) &&
           read_whole(r, n[CONFIG_TOP_K], p, "topK", 0, INT32_MAX, &to->top_k) &&
           read_int(r, n[CONFIG_CANDIDATES], p, "candidateCount", 1, 8, &to->n) &&
           read_number(r, n[CONFIG_PRESENCE], p, "presencePenalty", -2, 2, &to->presence_penalty) &&
           read_number(r, n[CONFIG_FREQUENCY], p, "frequencyPenalty", -2, 2,
                       &to->frequency_penalty) &&
           read_whole(r, n[CONFIG_SEED], p, "seed", INT64_MIN, INT64_MAX, &to->seed) &&
           read_int(r, n[CONFIG_TOP_LOGPROBS], p, "logprobs", 0, 20, &to->top_logprobs);
}

static bool read_format(struct reading *r, const struct place *p, const uint32_t *n)
{
    struct str mime = member_str(r, n[CONFIG_MIME]);
    struct answer_format *to = &r->r->format;
    bool json_schema = n[CONFIG_JSON_SCHEMA] != JSON_NONE;
    uint32_t schema = n[json_schema ? CONFIG_JSON_SCHEMA : CONFIG_SCHEMA];

    if (json_schema && n[CONFIG_SCHEMA] != JSON_NONE)
        return wrong(r, p, NULL, "has both responseSchema and responseJsonSchema");
    if (str_ieq(mime, STR("text/x.enum"))) { /* one bare word of an enum: nobody else has it */
        extra(r, n[CONFIG_MIME], STR(CONFIG "responseMimeType"), false);
        extra(r, schema,
              json_schema ? STR(CONFIG "responseJsonSchema") : STR(CONFIG "responseSchema"), false);
        return true;
    }
    if (!str_ieq(mime, STR("application/json")))
        return mime.len == 0 || str_ieq(mime, STR("text/plain")) ||
               wrong(r, p, "responseMimeType",
                     "must be text/plain, application/json or text/x.enum");
    (void)given(r, FIELD_FORMAT, n[CONFIG_MIME], STR(CONFIG "responseMimeType"));
    to->kind = FORMAT_JSON;
    if (!given(r, FIELD_FORMAT, schema,
               json_schema ? STR(CONFIG "responseJsonSchema") : STR(CONFIG "responseSchema")))
        return true;
    to->kind = FORMAT_SCHEMA;
    to->schema = json_raw(r->doc, schema);
    to->openapi = !json_schema;
    return true;
}

bool gemini_read_config(struct reading *r, const struct place *up, uint32_t node)
{
    struct place p = { up, "generationConfig", 0 };
    struct text *stops = NULL;
    uint32_t n[COUNT(config_rules)];

    if (!READ(r, node, &p, config_rules, n) || !read_numbers(r, &p, n) || !read_format(r, &p, n) ||
        !read_modalities(r, &p, n[CONFIG_MODALITIES]) ||
        !read_strings(r, &p, "stopSequences", n[CONFIG_STOPS], &stops, &r->r->stop_count))
        return false;
    r->r->stop = stops;
    (void)given(r, FIELD_STOP, n[CONFIG_STOPS], STR(CONFIG "stopSequences"));
    for (size_t i = CONFIG_EXTRAS; i < COUNT(config_rules); i++)
        if (n[i] != JSON_NONE)
            extra(r, n[i], arena_printf(r->a, CONFIG "%s", config_rules[i].name.at), false);
    return (n[CONFIG_THINKING] == JSON_NONE || read_thinking(r, &p, n[CONFIG_THINKING])) &&
           (n[CONFIG_IMAGE] == JSON_NONE || read_image_config(r, &p, n[CONFIG_IMAGE]));
}

/* --- serviceTier --------------------------------------------------------------------------------
 */

bool gemini_read_tier(struct reading *r, const struct place *up, uint32_t node)
{
    static const struct {
        struct str theirs, ours;
    } tiers[] = {
        { { "STANDARD", 8 }, { "default", 7 } },
        { { "FLEX", 4 }, { "flex", 4 } },
        { { "PRIORITY", 8 }, { "priority", 8 } },
    };
    struct str word = read_word(r, node, STR("SERVICE_TIER_"));

    if (word.len == 0 || str_eq(word, STR("UNSPECIFIED")))
        return true;
    (void)given(r, FIELD_SERVICE_TIER, node, STR("serviceTier"));
    for (size_t i = 0; i < COUNT(tiers); i++)
        if (str_eq(tiers[i].theirs, word))
            r->r->service_tier = tiers[i].ours;
    return r->r->service_tier.len > 0 ||
           wrong(r, up, "serviceTier", "must be standard, flex or priority");
}
