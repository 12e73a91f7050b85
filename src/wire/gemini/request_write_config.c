/* wire/gemini/request_write_config.c - the part of a generateContent request that is not what was
 * said: tools, toolConfig, generationConfig.
 *
 * Sources: ai.google.dev/gemini-api/docs/thinking, …/function-calling, …/structured-output,
 * …/image-generation, as of 2026-11. */
#include "wire/gemini/gemini_int.h"

#include "wire/reasoning.h"
#include "wire/schema.h"

#define STOPS_MAX 5
#define CANDIDATES_MAX 8

/* --- tools --------------------------------------------------------------------------------------
 */

static bool speaks_openapi(const struct gemini_writer *x)
{
    return x->t->lacks.json_schema_parameters ||
           (x->t->wire == WIRE_CLOUDCODE && x->t->facts.gemini.generation == 0);
}

/* `tool` NULL: of the answer. */
static bool put_schema(struct gemini_writer *x, struct str schema, bool openapi_from,
                       bool openapi_to, const struct tool *tool)
{
    enum schema_form form = openapi_to ? SCHEMA_GEMINI_OPENAPI : SCHEMA_GEMINI_JSON;
    const char *what = "";
    enum schema_result said =
        schema_put(x->out, schema, openapi_from, form, tool != NULL, x->a, &what);

    if (said == SCHEMA_SAME)
        return true;
    struct str path =
        tool != NULL ? canon_tool_path(x->r, tool->at, x->a) : x->r->where[FIELD_FORMAT];

    if (said == SCHEMA_REFUSED)
        return refuse_path(x->w, path, str_c(what));
    approximate_path(x->w, path);
    return true;
}

#define INPUT_SCHEMA                                                                       \
    "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},\"required\":[" \
    "\"input\"]}"

static bool put_function(struct gemini_writer *x, const struct tool *t)
{
    struct str schema = t->custom ? STR(INPUT_SCHEMA) : t->schema;
    struct text description = t->description;
    bool openapi = speaks_openapi(x) || t->openapi;

    if (t->custom) { /* free text becomes the one string of an object */
        approximate_path(x->w, canon_tool_path(x->r, t->at, x->a));
        if (t->grammar.len > 0)
            description =
                text_join(x->a, description,
                          text_from(x->a, arena_printf(x->a, "\n\nThe input keeps to: %.*s",
                                                       (int)t->grammar.len, t->grammar.at)));
    }
    if (t->strict == TRI_YES && x->t->facts.gemini.generation < 3) {
        struct str path = canon_tool_path(x->r, t->at, x->a);

        lose_path(x->w, arena_printf(x->a, "%.*s.strict", (int)path.len, path.at));
    }
    json_put_object(x->out);
    json_put_member(x->out, "name", names_to_wire(x->w->names, t->name_space, t->name));
    if (!text_is_empty(description))
        gemini_put_text(x, "description", description);
    if (!openapi || !schema_is_bare(schema, x->a)) {
        json_put_name(x->out, openapi ? STR("parameters") : STR("parametersJsonSchema"));
        if (!put_schema(x, schema, t->openapi, openapi, t))
            return false;
    }
    json_put_end(x->out);
    return true;
}

static struct str server_tool_word(enum server_tool_kind kind)
{
    switch (kind) {
    case SERVER_TOOL_WEB_SEARCH:
        return STR("googleSearch");
    case SERVER_TOOL_WEB_FETCH:
        return STR("urlContext");
    case SERVER_TOOL_CODE:
        return STR("codeExecution");
    case SERVER_TOOL_MAPS:
        return STR("googleMaps");
    case SERVER_TOOL_FILE_SEARCH:
    case SERVER_TOOL_IMAGE:
    case SERVER_TOOL_OTHER:
        return STR("");
    }
    return STR("");
}

static bool takes_server_tools(const struct gemini_writer *x)
{
    return x->t->facts.gemini.generation > 0 &&
           (x->r->tools == NULL || x->t->facts.gemini.search_and_tools);
}

/* Does the client's entry say more than that the tool is wanted? */
static bool says_more(struct gemini_writer *x, const struct server_tool *s)
{
    struct json doc;

    if (s->raw.len == 0 ||
        !json_parse(&doc, s->raw, &(struct json_limits){ .depth_kept = 1 }, x->a, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return false;
    for (uint32_t key = json_first(&doc, 0); key != JSON_NONE; key = json_after(&doc, 0, key + 1))
        if (!json_says(&doc, key, STR("type")) && !json_says(&doc, key, STR("name")) &&
            json_type(&doc, key + 1) != JSON_NULL)
            return true;
    return false;
}

/* The list is begun by its first tool: `tools: []` is refused. */
static void begin_tools(struct gemini_writer *x, bool *begun)
{
    if (*begun)
        return;
    json_put_name(x->out, STR("tools"));
    json_put_array(x->out);
    *begun = true;
}

static void put_server_tool(struct gemini_writer *x, const struct server_tool *s, bool *begun)
{
    struct str path = canon_tool_path(x->r, s->at, x->a), word = server_tool_word(s->kind);

    if (s->kind == SERVER_TOOL_IMAGE && x->t->facts.gemini.image)
        return; /* the model makes them by itself: see put_modalities() */
    if (!takes_server_tools(x) || (word.len == 0 && x->r->protocol != WIRE_GEMINI)) {
        lose_path(x->w, path);
        return;
    }
    begin_tools(x, begun);
    x->served = true;
    if (x->r->protocol == WIRE_GEMINI) {
        json_put_raw(x->out, s->raw);
        return;
    }
    if (says_more(x, s))
        approximate_path(x->w, path);
    json_put_object(x->out);
    json_put_key(x->out, word);
    json_put_raw(x->out, STR("{}"));
    json_put_end(x->out);
}

bool gemini_put_tools(struct gemini_writer *x)
{
    bool begun = false;

    if (x->r->tools != NULL) {
        begin_tools(x, &begun);
        json_put_object(x->out);
        json_put_name(x->out, STR("functionDeclarations"));
        json_put_array(x->out);
        for (const struct tool *t = x->r->tools; t != NULL; t = t->next)
            if (!put_function(x, t))
                return false;
        json_put_end(x->out);
        json_put_end(x->out);
    }
    for (const struct server_tool *s = x->r->server_tools; s != NULL; s = s->next)
        put_server_tool(x, s, &begun);
    if (begun)
        json_put_end(x->out);
    return true;
}

static bool any_strict(const struct canon_request *r)
{
    for (const struct tool *t = r->tools; t != NULL; t = t->next)
        if (t->strict == TRI_YES)
            return true;
    return false;
}

/* What only Gemini has, of the object whose path is `under` (`generationConfig.`). */
void gemini_put_extras(struct gemini_writer *x, struct str under)
{
    for (const struct extra *e = x->r->extras; e != NULL; e = e->next) {
        struct str name = str_drop(e->path, under.len);

        if (!str_starts(e->path, under) || memchr(name.at, '.', name.len) != NULL)
            continue;
        json_put_key(x->out, name);
        json_put_raw(x->out, e->raw);
    }
}

bool gemini_has_extras(const struct gemini_writer *x, struct str under)
{
    if (x->t->wire != x->r->protocol)
        return false;
    for (const struct extra *e = x->r->extras; e != NULL; e = e->next)
        if (str_starts(e->path, under))
            return true;
    return false;
}

static void put_calling(struct gemini_writer *x)
{
    const struct tool_choice *c = &x->r->choice;
    bool validated = x->t->facts.gemini.generation >= 3 && any_strict(x->r);
    struct str mode;

    switch (c->mode) {
    case CHOICE_UNSET:
        if (!validated)
            return;
        mode = STR("VALIDATED");
        break;
    case CHOICE_AUTO:
        mode = validated ? STR("VALIDATED") : STR("AUTO");
        break;
    case CHOICE_NONE:
        mode = STR("NONE");
        break;
    case CHOICE_ANY:
    case CHOICE_ONE:
        mode = STR("ANY");
        break;
    case CHOICE_ALLOWED:
        mode = c->allowed_any ? STR("ANY") : STR("VALIDATED");
        break;
    }
    json_put_name(x->out, STR("functionCallingConfig"));
    json_put_object(x->out);
    json_put_member(x->out, "mode", mode);
    if (c->mode == CHOICE_ONE || c->mode == CHOICE_ALLOWED) {
        json_put_name(x->out, STR("allowedFunctionNames"));
        json_put_array(x->out);
        for (size_t i = 0; i < c->name_count; i++)
            json_put_str(x->out, names_to_wire(x->w->names, STR(""), c->names[i]));
        json_put_end(x->out);
    }
    json_put_end(x->out);
}

void gemini_put_tool_config(struct gemini_writer *x)
{
    bool tools = x->r->tools != NULL, extras = gemini_has_extras(x, STR("toolConfig."));
    bool choice = tools && (x->r->choice.mode != CHOICE_UNSET || any_strict(x->r));
    /* the service's own tools beside functions: their parts must be shown to be sent back */
    bool shown = tools && x->served && !extras && x->t->wire == WIRE_GEMINI;

    if (!tools)
        lose_field(x->w, FIELD_TOOL_CHOICE);
    if (x->r->parallel_tools == TRI_NO)
        lose_field(x->w, FIELD_PARALLEL_TOOLS);
    if (!choice && !extras && !shown)
        return;
    json_put_name(x->out, STR("toolConfig"));
    json_put_object(x->out);
    if (choice)
        put_calling(x);
    if (shown)
        json_put_member_bool(x->out, "includeServerSideToolInvocations", true);
    if (extras)
        gemini_put_extras(x, STR("toolConfig."));
    json_put_end(x->out);
}

/* --- generationConfig ---------------------------------------------------------------------------
 */

/* The object is begun by its first member. */
static struct json_writer *config(struct gemini_writer *x)
{
    if (!x->opened) {
        json_put_name(x->out, STR("generationConfig"));
        json_put_object(x->out);
        x->opened = true;
    }
    return x->out;
}

static void put_number(struct gemini_writer *x, const char *name, struct str number)
{
    if (number.len > 0)
        json_put_member_raw(config(x), name, number);
}

static void put_max_output(struct gemini_writer *x)
{
    int64_t max = x->r->max_output, most = x->t->facts.output_max;

    if (max <= 0)
        return;
    if (most > 0 && max > most) {
        approximate_field(x->w, FIELD_MAX_OUTPUT);
        max = most;
    }
    json_put_member_i64(config(x), "maxOutputTokens", max);
}

/* The service takes [-2, 2). Generation 2.5 takes none of its own accord. */
static void put_penalty(struct gemini_writer *x, const char *name, struct str number, enum field f)
{
    bool two = number.len > 0 && number.at[0] == '2';

    if (x->t->facts.gemini.generation == 2 && x->t->wire == WIRE_GEMINI &&
        x->r->protocol != WIRE_GEMINI) {
        lose_field(x->w, f);
        return;
    }
    if (two)
        approximate_field(x->w, f);
    put_number(x, name, two ? STR("1.99") : number);
}

static void put_seed(struct gemini_writer *x)
{
    int64_t seed;
    struct str given = x->r->seed;

    if (given.len == 0)
        return;
    if (!str_to_i64(given, &seed)) {
        lose_field(x->w, FIELD_SEED);
        return;
    }
    if (seed < 0 || seed > INT32_MAX)
        approximate_field(x->w, FIELD_SEED);
    json_put_member_i64(config(x), "seed", seed & INT32_MAX);
}

static void put_stops(struct gemini_writer *x)
{
    size_t put = 0;

    for (size_t i = 0; i < x->r->stop_count && put < STOPS_MAX && i < 64; i++) {
        if (text_is_empty(x->r->stop[i]))
            continue;
        if (put++ == 0) {
            json_put_name(config(x), STR("stopSequences"));
            json_put_array(x->out);
        }
        json_put_inside(x->out, x->r->stop[i].escaped);
        x->w->stops_native |= UINT64_C(1) << i;
    }
    if (put > 0)
        json_put_end(x->out);
}

static bool put_format(struct gemini_writer *x)
{
    const struct answer_format *f = &x->r->format;
    bool openapi = speaks_openapi(x) || f->openapi;

    if (f->kind == FORMAT_TEXT)
        return true;
    if (x->r->tools != NULL && !x->t->facts.gemini.schema_and_tools) {
        approximate_field(x->w, FIELD_FORMAT); /* it stands in the system text */
        return true;
    }
    json_put_member(config(x), "responseMimeType", STR("application/json"));
    if (f->kind == FORMAT_JSON)
        return true;
    json_put_name(x->out, openapi ? STR("responseSchema") : STR("responseJsonSchema"));
    return put_schema(x, f->schema, f->openapi, openapi, NULL);
}

/* --- thinking -----------------------------------------------------------------------------------
 */

/* The thinkingLevel, or EFFORT_UNSET to leave it to the model. */
static enum effort level_of(struct gemini_writer *x)
{
    const struct reasoning *r = &x->r->reasoning;
    uint32_t levels = x->t->facts.gemini.levels;
    enum effort wanted = reasoning_effort(r), level;

    if (r->mode == REASONING_OFF) { /* there is no off */
        approximate_field(x->w, FIELD_REASONING);
        return effort_nearest(EFFORT_MINIMAL, levels);
    }
    if (r->mode == REASONING_BETWEEN_TOOLS)
        approximate_field(x->w, FIELD_REASONING);
    if (wanted == EFFORT_UNSET)
        return EFFORT_UNSET;
    level = effort_nearest(wanted, levels);
    if (level != wanted || r->mode == REASONING_BUDGET)
        approximate_field(x->w, FIELD_REASONING);
    return level;
}

/* The thinkingBudget; false: left to the model. */
static bool budget_of(struct gemini_writer *x, int64_t *budget)
{
    const struct reasoning *r = &x->r->reasoning;
    int64_t least = x->t->facts.gemini.budget_min, most = x->t->facts.gemini.budget_max;
    enum effort wanted = reasoning_effort(r);

    if (r->mode == REASONING_OFF) {
        *budget = x->t->facts.gemini.budget_off ? 0 : least;
        if (*budget != 0)
            approximate_field(x->w, FIELD_REASONING);
        return true;
    }
    if (r->mode == REASONING_BUDGET) {
        *budget = r->budget;
    } else if (wanted != EFFORT_UNSET) {
        *budget = effort_budget(wanted, most);
    } else {
        *budget = -1;
        return r->mode == REASONING_AUTO;
    }
    if (*budget < least || (most > 0 && *budget > most)) {
        *budget = *budget < least ? least : most;
        approximate_field(x->w, FIELD_REASONING);
    } else if (r->mode != REASONING_BUDGET) {
        approximate_field(x->w, FIELD_REASONING);
    }
    return true;
}

static struct str level_word(enum effort level)
{
    switch (level) {
    case EFFORT_MINIMAL:
        return STR("MINIMAL");
    case EFFORT_LOW:
        return STR("LOW");
    case EFFORT_MEDIUM:
        return STR("MEDIUM");
    case EFFORT_HIGH:
    case EFFORT_XHIGH:
    case EFFORT_MAX:
    case EFFORT_UNSET:
        break;
    }
    return STR("HIGH");
}

static void put_thinking_config(struct gemini_writer *x)
{
    const struct reasoning *r = &x->r->reasoning;
    bool leveled = x->t->facts.gemini.levels != 0, budgeted = x->t->facts.gemini.budget;
    bool shown = reasoning_is_shown(x->r) && r->mode != REASONING_OFF;
    enum effort level = EFFORT_UNSET;
    int64_t budget = 0;
    bool with_budget = false;

    if (x->t->lacks.thinking || !x->t->facts.gemini.thinks) {
        if (r->mode != REASONING_OFF)
            lose_field(x->w, FIELD_REASONING);
        if (r->summary != SUMMARY_NONE)
            lose_field(x->w, FIELD_REASONING_SUMMARY);
        return;
    }
    if (leveled)
        level = level_of(x);
    else if (budgeted)
        with_budget = budget_of(x, &budget);
    else if (r->mode != REASONING_UNSET || r->effort != EFFORT_UNSET)
        lose_field(x->w, FIELD_REASONING);
    if (r->summary == SUMMARY_CONCISE || r->summary == SUMMARY_DETAILED)
        approximate_field(x->w, FIELD_REASONING_SUMMARY);
    if (!shown && level == EFFORT_UNSET && !with_budget)
        return;
    json_put_name(config(x), STR("thinkingConfig"));
    json_put_object(x->out);
    if (shown)
        json_put_member_bool(x->out, "includeThoughts", true);
    if (with_budget)
        json_put_member_i64(x->out, "thinkingBudget", budget);
    if (level != EFFORT_UNSET)
        json_put_member(x->out, "thinkingLevel", level_word(level));
    json_put_end(x->out);
}

/* --- pictures -----------------------------------------------------------------------------------
 */

/* `1536x1024` as ratio and class: the nearest ratio, and what the longest edge needs. */
static bool size_read(struct str size, struct str *aspect, struct str *class)
{
    static const struct {
        struct str name;
        int64_t w, h;
    } ratios[] = {
        { STR("1:1"), 1, 1 },   { STR("2:3"), 2, 3 },   { STR("3:2"), 3, 2 },
        { STR("3:4"), 3, 4 },   { STR("4:3"), 4, 3 },   { STR("4:5"), 4, 5 },
        { STR("5:4"), 5, 4 },   { STR("9:16"), 9, 16 }, { STR("16:9"), 16, 9 },
        { STR("21:9"), 21, 9 },
    };
    struct str left, right;
    uint64_t w, h, longest;
    double best = 0;

    if (!str_cut(size, 'x', &left, &right) || !str_to_u64(left, &w) || !str_to_u64(right, &h) ||
        w == 0 || h == 0 || w > 100000 || h > 100000)
        return false;
    for (size_t i = 0; i < COUNT(ratios); i++) {
        /* how far off, as a factor of at most 1: order as by the logarithm */
        double a = (double)w * (double)ratios[i].h, b = (double)h * (double)ratios[i].w;
        double near = a < b ? a / b : b / a;

        if (near > best) {
            best = near;
            *aspect = ratios[i].name;
        }
    }
    longest = w > h ? w : h;
    bool old_wide = longest == 1792 && (w < h ? w : h) == 1024; /* OpenAI's, the size of a 1K one */

    *class = longest <= 1536 || old_wide ? STR("1K") : longest <= 2560 ? STR("2K") : STR("4K");
    return true;
}

static void put_image(struct gemini_writer *x)
{
    const struct image_ask *ask = &x->r->image;
    struct str aspect = ask->aspect, size = ask->size;
    bool auto_size = size.len == 0 || str_eq(size, STR("auto"));

    if (x->r->where[FIELD_IMAGE].len == 0)
        return;
    if (auto_size)
        size = str_eq(ask->quality, STR("high")) ? STR("2K") : STR("");
    else if (memchr(size.at, 'x', size.len) != NULL && !size_read(size, &aspect, &size))
        size = STR("");
    if (!x->t->facts.gemini.image && x->r->protocol != WIRE_GEMINI) {
        lose_field(x->w, FIELD_IMAGE);
        return;
    }
    if (aspect.len == 0 && size.len == 0)
        return;
    json_put_name(config(x), STR("imageConfig"));
    json_put_object(x->out);
    if (aspect.len > 0)
        json_put_member(x->out, "aspectRatio", aspect);
    if (size.len > 0)
        json_put_member(x->out, "imageSize", size);
    json_put_end(x->out);
}

static bool wants_pictures(const struct canon_request *r)
{
    for (const struct server_tool *s = r->server_tools; s != NULL; s = s->next)
        if (s->kind == SERVER_TOOL_IMAGE)
            return true;
    return (r->modalities & MODALITY_IMAGE) != 0;
}

static bool put_modalities(struct gemini_writer *x)
{
    static const struct {
        uint32_t bit;
        struct str word;
    } words[] = {
        { MODALITY_TEXT, STR("TEXT") },
        { MODALITY_IMAGE, STR("IMAGE") },
        { MODALITY_AUDIO, STR("AUDIO") },
    };
    uint32_t wanted = x->r->modalities;

    if (x->r->protocol != WIRE_GEMINI) {
        if ((wanted & MODALITY_AUDIO) != 0)
            return refuse_field(x->w, FIELD_MODALITIES,
                                STR("spoken answers cannot be translated from this model"));
        wanted =
            wants_pictures(x->r) && x->t->facts.gemini.image ? MODALITY_TEXT | MODALITY_IMAGE : 0;
        if (wanted == 0 && (x->r->modalities & MODALITY_IMAGE) != 0)
            return refuse_field(x->w, FIELD_MODALITIES, STR("this model makes no pictures"));
    }
    if (wanted == 0)
        return true;
    json_put_name(config(x), STR("responseModalities"));
    json_put_array(x->out);
    for (size_t i = 0; i < COUNT(words); i++)
        if ((wanted & words[i].bit) != 0)
            json_put_str(x->out, words[i].word);
    json_put_end(x->out);
    return true;
}

/* How closely pictures are looked at is said once for all of them. */
static void put_resolution(struct gemini_writer *x)
{
    enum image_detail all = DETAIL_UNSET;
    bool mixed = false;

    for (const struct message *m = x->r->messages; m != NULL; m = m->next)
        for (const struct part *p = m->parts; p != NULL; p = p->next) {
            if (p->kind != PART_IMAGE || p->media.detail <= DETAIL_AUTO)
                continue;
            mixed = mixed || (all != DETAIL_UNSET && all != p->media.detail);
            all = p->media.detail;
            if (p->media.detail == DETAIL_ORIGINAL || mixed)
                lose_path(x->w, canon_path(x->r, m, p, x->a));
            else
                approximate_path(x->w, canon_path(x->r, m, p, x->a));
        }
    if (mixed || (all != DETAIL_LOW && all != DETAIL_HIGH))
        return;
    json_put_member(config(x), "mediaResolution",
                    all == DETAIL_LOW ? STR("MEDIA_RESOLUTION_LOW") : STR("MEDIA_RESOLUTION_HIGH"));
}

bool gemini_put_config(struct gemini_writer *x)
{
    const struct canon_request *r = x->r;
    bool sampling = !x->t->lacks.sampling;

    if (r->n > CANDIDATES_MAX)
        return refuse_field(x->w, FIELD_N, STR("more than 8 answers at once are not possible"));
    put_max_output(x);
    if (sampling) {
        put_number(x, "temperature", r->temperature);
        put_number(x, "topP", r->top_p);
        put_number(x, "topK", r->top_k);
    } else {
        lose_field(x->w, FIELD_TEMPERATURE);
        lose_field(x->w, FIELD_TOP_P);
        lose_field(x->w, FIELD_TOP_K);
    }
    put_penalty(x, "presencePenalty", r->presence_penalty, FIELD_PRESENCE_PENALTY);
    put_penalty(x, "frequencyPenalty", r->frequency_penalty, FIELD_FREQUENCY_PENALTY);
    put_seed(x);
    if (r->n > 1)
        json_put_member_i64(config(x), "candidateCount", r->n);
    put_stops(x);
    if (!put_format(x) || !put_modalities(x))
        return false;
    put_thinking_config(x);
    put_image(x);
    put_resolution(x);
    if (gemini_has_extras(x, STR("generationConfig."))) {
        (void)config(x);
        gemini_put_extras(x, STR("generationConfig."));
    }
    if (x->opened)
        json_put_end(x->out);
    return true;
}
