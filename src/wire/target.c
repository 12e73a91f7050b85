/* wire/target.c - facts about models, one row for each kind that differs.
 *
 * The first row whose pattern fits the id counts; ids are looked at in lower case, without what
 * stands before their last `/` and, for Claude, with `-` for each `.`, `@` and `_` (Copilot,
 * Bedrock and Vertex spell them so). The last row of a family is what newer models are taken for.
 *
 * Read in November 2026 from what the providers publish and from the catalogues of the AI SDK,
 * which follow it: npm @ai-sdk/anthropic 4.0.105, @ai-sdk/openai 4.0.118, @ai-sdk/google 4.0.121
 * (src/...-model-catalog.ts). Other sources stand at their rows. */
#include "wire/target.h"

#define EFFORT(e) (1u << EFFORT_##e)
#define LOW_TO_HIGH (EFFORT(LOW) | EFFORT(MEDIUM) | EFFORT(HIGH))
#define MINIMAL_TO_HIGH (EFFORT(MINIMAL) | LOW_TO_HIGH)
#define LOW_TO_XHIGH (LOW_TO_HIGH | EFFORT(XHIGH))
#define LOW_TO_MAX (LOW_TO_XHIGH | EFFORT(MAX))
#define ANY_EFFORT (EFFORT(MINIMAL) | LOW_TO_MAX)

/* The letters before the first star tell nearly all rows apart. */
static bool row_fits(struct str id, const char *pattern)
{
    size_t i = 0;

    while (pattern[i] != '*' && pattern[i] != '\0') {
        if (i >= id.len || id.at[i] != pattern[i])
            return false;
        i++;
    }
    return str_matches(id, str_c(pattern));
}

/* --- Anthropic --------------------------------------------------------------------------------*/

/* docs.claude.com: extended thinking, adaptive thinking, effort, structured outputs, prefill;
 * platform.claude.com/docs/en/api/migration-2026-10-21 (sampling). */
enum {
    A_BUDGET = 1 << 0,
    A_ADAPTIVE = 1 << 1,
    A_OFF = 1 << 2,     /* thinking can be switched off … */
    A_TO_HIGH = 1 << 3, /* … up to effort high */
    A_BETWEEN = 1 << 4,
    A_EFFORT = 1 << 5,
    A_XHIGH = 1 << 6,
    A_SAMPLING = 1 << 7,
    A_BESIDE = 1 << 8, /* top_p beside temperature */
    A_FORCED = 1 << 9,
    A_FORCED_THINKING = 1 << 10,
    A_PREFILL = 1 << 11,
    A_SCHEMA = 1 << 12,
    A_SYSTEM = 1 << 13,
};
#define A_CLAUDE_3 (A_SAMPLING | A_BESIDE | A_FORCED | A_PREFILL)
#define A_CLAUDE_4 (A_BUDGET | A_OFF | A_SAMPLING | A_FORCED | A_PREFILL)
#define A_ADAPTS (A_ADAPTIVE | A_EFFORT | A_SCHEMA)
#define A_CLAUDE_5 (A_ADAPTS | A_XHIGH | A_SYSTEM)

static const struct {
    const char *id;
    int64_t output_max;
    uint32_t can;
} anthropic_models[] = {
    { "*claude-sonnet-5-5*", 128000, A_CLAUDE_5 | A_BETWEEN },
    { "*claude-opus-5-5*", 128000, A_CLAUDE_5 },
    { "*claude-haiku-5-5*", 128000, A_CLAUDE_5 | A_OFF | A_TO_HIGH | A_FORCED },
    { "*claude-opus-5*", 128000, A_CLAUDE_5 | A_OFF | A_TO_HIGH | A_FORCED },
    { "*claude-fable-5-1*", 128000, A_CLAUDE_5 },
    { "*claude-fable-5-2*", 128000, A_CLAUDE_5 },
    { "*claude-fable-5*", 128000, A_CLAUDE_5 | A_FORCED | A_FORCED_THINKING },
    { "*claude-mythos*", 128000, A_CLAUDE_5 | A_FORCED | A_FORCED_THINKING },
    { "*claude-sonnet-5*", 128000, A_CLAUDE_5 | A_OFF | A_FORCED },
    { "*claude-opus-4-8*", 128000, A_ADAPTS | A_XHIGH | A_OFF | A_FORCED },
    { "*claude-opus-4-7*", 128000, A_ADAPTS | A_XHIGH | A_OFF | A_FORCED },
    { "*claude-*-4-6*", 128000, A_ADAPTS | A_BUDGET | A_OFF | A_SAMPLING | A_FORCED },
    { "*claude-opus-4-5*", 64000, A_CLAUDE_4 | A_SCHEMA | A_EFFORT },
    { "*claude-*-4-5*", 64000, A_CLAUDE_4 | A_SCHEMA },
    { "*claude-opus-4-1*", 32000, A_CLAUDE_4 | A_SCHEMA },
    { "*claude-opus-4", 32000, A_CLAUDE_4 },
    { "*claude-opus-4-0*", 32000, A_CLAUDE_4 },
    { "*claude-opus-4-2*", 32000, A_CLAUDE_4 }, /* its date */
    { "*claude-sonnet-4", 64000, A_CLAUDE_4 },
    { "*claude-sonnet-4-0*", 64000, A_CLAUDE_4 },
    { "*claude-sonnet-4-2*", 64000, A_CLAUDE_4 },
    { "*claude-3-7*", 64000, A_CLAUDE_3 | A_BUDGET | A_OFF },
    { "*claude-3-5*", 8192, A_CLAUDE_3 }, /* docs.claude.com, models overview */
    { "*claude-3*", 4096, A_CLAUDE_3 },
    { "*claude-2*", 4096, A_CLAUDE_3 },
    { "*claude-instant*", 4096, A_CLAUDE_3 },
    { "*claude-*", 128000, A_CLAUDE_5 | A_OFF | A_TO_HIGH | A_FORCED },
    /* others behind this wire: what Anthropic-compatible servers took from the start */
    { "*", 0, A_CLAUDE_4 | A_BESIDE | A_FORCED_THINKING },
};

static void find_anthropic(struct model_facts *f, struct str id)
{
    size_t at = str_find(id, STR("claude-")), row = 0;

    while (at != SIZE_MAX ? !row_fits(str_drop(id, at), anthropic_models[row].id + 1)
                          : row + 1 < COUNT(anthropic_models))
        row++;
    uint32_t can = anthropic_models[row].can;

    if (str_find(id, STR("claude")) != SIZE_MAX)
        f->output_max = anthropic_models[row].output_max;
    f->anthropic.budget = can & A_BUDGET;
    f->anthropic.adaptive = can & A_ADAPTIVE;
    f->anthropic.off = can & A_OFF;
    f->anthropic.off_to_high = can & A_TO_HIGH;
    f->anthropic.between_tools = can & A_BETWEEN;
    f->anthropic.effort = can & A_EFFORT;
    f->anthropic.xhigh = can & A_XHIGH;
    f->anthropic.sampling = can & A_SAMPLING;
    f->anthropic.top_p_beside = can & A_BESIDE;
    f->anthropic.forced_choice = can & A_FORCED;
    f->anthropic.forced_thinking = can & A_FORCED_THINKING;
    f->anthropic.prefill = can & A_PREFILL;
    f->anthropic.schema = can & A_SCHEMA;
    f->anthropic.system_messages = can & A_SYSTEM;
}

/* --- OpenAI -----------------------------------------------------------------------------------*/

/* developers.openai.com: reasoning guide (efforts), model pages (output limits, `pro` and codex
 * variants), GPT-5.3 Codex prompting guide (phases). */
enum {
    O_REASONS = 1 << 0,
    O_NONE = 1 << 1,     /* accepts effort `none` */
    O_SAMPLING = 1 << 2, /* takes temperature and its like … */
    O_IF_NONE = 1 << 3,  /* … when the effort is none */
    O_STOP = 1 << 4,
    O_CHAT_NONE = 1 << 5, /* tools over chat only with effort none */
    O_PHASES = 1 << 6,
    O_CUSTOM = 1 << 7,
    O_MARKS = 1 << 8, /* prompt_cache_breakpoint */
};
#define O_PLAIN (O_SAMPLING | O_STOP)
#define O_GPT_5 (O_REASONS | O_CUSTOM)
#define O_GPT_5_1 (O_GPT_5 | O_NONE | O_IF_NONE)

static const struct {
    const char *id;
    int64_t output_max;
    uint32_t efforts, can;
} openai_models[] = {
    { "o1*", 100000, LOW_TO_HIGH, O_REASONS },
    { "o3*", 100000, LOW_TO_HIGH, O_REASONS },
    { "o4*", 100000, LOW_TO_HIGH, O_REASONS },
    { "codex-mini*", 100000, LOW_TO_HIGH, O_REASONS },
    { "gpt-5-chat*", 16384, 0, O_PLAIN },
    { "gpt-5-pro*", 272000, EFFORT(HIGH), O_GPT_5 },
    { "gpt-5-codex*", 128000, LOW_TO_HIGH, O_GPT_5 },
    { "gpt-5", 128000, MINIMAL_TO_HIGH, O_GPT_5 },
    { "gpt-5-*", 128000, MINIMAL_TO_HIGH, O_GPT_5 },
    { "gpt-5.1-codex-max*", 128000, LOW_TO_XHIGH, O_GPT_5 },
    { "gpt-5.1-codex*", 128000, LOW_TO_HIGH, O_GPT_5 },
    { "gpt-5.1*", 128000, LOW_TO_HIGH, O_GPT_5_1 },
    { "gpt-5.2-codex*", 128000, LOW_TO_XHIGH, O_GPT_5 },
    { "gpt-5.2-pro*", 128000, EFFORT(MEDIUM) | EFFORT(HIGH) | EFFORT(XHIGH), O_GPT_5 },
    { "gpt-5.2*", 128000, LOW_TO_XHIGH, O_GPT_5_1 },
    { "gpt-5.3-codex*", 128000, LOW_TO_XHIGH, O_GPT_5 | O_PHASES },
    { "gpt-5.3*", 128000, LOW_TO_XHIGH, O_GPT_5_1 },
    { "gpt-5.4-pro*", 128000, EFFORT(MEDIUM) | EFFORT(HIGH) | EFFORT(XHIGH), O_GPT_5 | O_PHASES },
    { "gpt-5.4*", 128000, LOW_TO_XHIGH, O_GPT_5_1 | O_PHASES },
    { "gpt-5.5*", 128000, LOW_TO_XHIGH, O_GPT_5_1 | O_PHASES },
    { "gpt-5.*", 128000, LOW_TO_MAX,
      O_GPT_5_1 | O_PHASES | O_CHAT_NONE | O_MARKS }, /* 5.6 and later */
    { "gpt-6-sol*", 128000, LOW_TO_MAX, O_GPT_5_1 | O_PHASES | O_MARKS },
    { "gpt-6-luna*", 128000, LOW_TO_MAX, O_GPT_5_1 | O_PHASES | O_MARKS },
    { "gpt-6.1-terra*", 128000, LOW_TO_MAX, O_GPT_5_1 | O_PHASES | O_MARKS },
    { "gpt-3*", 4096, 0, O_PLAIN },
    { "gpt-4.1*", 32768, 0, O_PLAIN },
    { "gpt-4o*", 16384, 0, O_PLAIN },
    { "gpt-4*", 8192, 0, O_PLAIN },
    { "chatgpt-4o*", 16384, 0, O_PLAIN },
    { "gpt-oss*", 0, LOW_TO_HIGH, O_PLAIN }, /* open weights, on compatible servers */
    { "gpt-image*", 0, 0, O_PLAIN },
    { "gpt-audio*", 16384, 0, O_PLAIN },
    { "gpt-*", 128000, LOW_TO_MAX, O_GPT_5 | O_PHASES | O_MARKS }, /* 6 and later */
    /* others behind this wire: what the client says goes on as it is */
    { "*", 0, ANY_EFFORT, O_PLAIN | O_NONE },
};

static void find_openai(struct model_facts *f, struct str id)
{
    size_t row = 0;

    while (!row_fits(id, openai_models[row].id))
        row++;
    uint32_t can = openai_models[row].can;

    if (openai_models[row].output_max > 0)
        f->output_max = openai_models[row].output_max;
    f->openai.efforts = openai_models[row].efforts;
    f->openai.reasoning = can & O_REASONS;
    f->openai.effort_none = can & O_NONE;
    f->openai.sampling = can & O_SAMPLING;
    f->openai.sampling_if_none = can & O_IF_NONE;
    f->openai.stop = can & O_STOP;
    f->openai.chat_tools_need_none = can & O_CHAT_NONE;
    f->openai.phases = can & O_PHASES;
    f->openai.custom_tools = can & O_CUSTOM;
    f->openai.cache_marks = can & O_MARKS;
}

/* --- Google -----------------------------------------------------------------------------------*/

/* ai.google.dev/gemini-api/docs: thinking (budgets, levels), thought-signatures, function-calling,
 * structured-output, models (output limits). */
enum {
    G_BUDGET = 1 << 0,
    G_OFF = 1 << 1, /* budget 0 */
    G_THINKS = 1 << 2,
    G_NEW = 1 << 3, /* 3 and later: media in results, schema or search beside tools, call ids */
    G_SIGNED = 1 << 4,
    G_IMAGE = 1 << 5,
};
#define G_GEMINI_3 (G_THINKS | G_NEW | G_SIGNED)

static const struct {
    const char *id;
    uint32_t generation;
    int64_t output_max;
    uint32_t can, levels;
    int64_t budget_min, budget_max;
} gemini_models[] = {
    { "gemini-1*", 1, 8192, 0, 0, 0, 0 },
    { "gemini-pro", 1, 8192, 0, 0, 0, 0 },
    { "gemini-pro-vision", 1, 8192, 0, 0, 0, 0 },
    { "gemini-robotics-er-1.5*", 1, 65536, 0, 0, 0, 0 },
    { "gemini-2.0*image*", 1, 8192, G_IMAGE, 0, 0, 0 },
    { "gemini-2.0*", 1, 8192, 0, 0, 0, 0 },
    { "gemini-2.5*image*", 2, 32768, G_IMAGE, 0, 0, 0 },
    { "gemini-2.5*tts*", 2, 16384, 0, 0, 0, 0 },
    { "gemini-2.5-pro*", 2, 65536, G_THINKS | G_BUDGET, 0, 128, 32768 },
    { "gemini-2.5-flash-lite*", 2, 65536, G_THINKS | G_BUDGET | G_OFF, 0, 512, 24576 },
    { "gemini-2*", 2, 65536, G_THINKS | G_BUDGET | G_OFF, 0, 0, 24576 },
    { "gemini-3-pro-image*", 3, 32768, G_THINKS | G_NEW | G_BUDGET | G_IMAGE, 0, 128, 32768 },
    { "gemini-3.1-flash-image*", 3, 32768, G_GEMINI_3 | G_IMAGE, MINIMAL_TO_HIGH, 0, 0 },
    { "gemini-3-pro*", 3, 65536, G_GEMINI_3, EFFORT(LOW) | EFFORT(HIGH), 0, 0 },
    { "gemini-*-flash-lite*", 3, 65536, G_GEMINI_3, MINIMAL_TO_HIGH, 0, 0 },
    { "gemini-flash-lite-latest", 3, 65536, G_GEMINI_3, MINIMAL_TO_HIGH, 0, 0 },
    { "gemini-3-flash*", 3, 65536, G_GEMINI_3, MINIMAL_TO_HIGH, 0, 0 },
    { "gemini-3.1-flash*", 3, 65536, G_GEMINI_3, MINIMAL_TO_HIGH, 0, 0 },
    { "gemini-3.5-flash*", 3, 65536, G_GEMINI_3, MINIMAL_TO_HIGH, 0, 0 },
    { "gemini-3.6-flash*", 3, 65536, G_GEMINI_3, MINIMAL_TO_HIGH, 0, 0 },
    { "gemini-nano-banana*", 3, 32768, G_GEMINI_3 | G_IMAGE, MINIMAL_TO_HIGH, 0, 0 },
    { "nano-banana*", 3, 32768, G_THINKS | G_NEW | G_BUDGET | G_IMAGE, 0, 128, 32768 },
    { "gemini-3*", 3, 65536, G_GEMINI_3, LOW_TO_HIGH, 0, 0 },
    { "gemini-*latest", 3, 65536, G_GEMINI_3, LOW_TO_HIGH, 0, 0 },
    { "gemini-*image*", 4, 32768, G_GEMINI_3 | G_IMAGE, LOW_TO_HIGH, 0, 0 },
    { "gemini-*", 4, 65536, G_GEMINI_3, LOW_TO_HIGH, 0, 0 },
    /* Gemma, and other models that Cloud Code serves in this form */
    { "*", 0, 0, 0, 0, 0, 0 },
};

static void find_gemini(struct model_facts *f, struct str id)
{
    size_t row = 0;

    while (!row_fits(id, gemini_models[row].id))
        row++;
    uint32_t can = gemini_models[row].can;

    if (gemini_models[row].output_max > 0)
        f->output_max = gemini_models[row].output_max;
    f->gemini.generation = gemini_models[row].generation;
    f->gemini.budget = can & G_BUDGET;
    f->gemini.budget_min = gemini_models[row].budget_min;
    f->gemini.budget_max = gemini_models[row].budget_max;
    f->gemini.budget_off = can & G_OFF;
    f->gemini.levels = gemini_models[row].levels;
    f->gemini.thinks = can & G_THINKS;
    f->gemini.result_media = can & G_NEW;
    f->gemini.schema_and_tools = can & G_NEW;
    f->gemini.search_and_tools = can & G_NEW;
    f->gemini.call_ids = can & G_NEW;
    f->gemini.signatures = can & G_SIGNED;
    f->gemini.image = can & G_IMAGE;
}

/* --- all --------------------------------------------------------------------------------------*/

#define ID_MAX 128 /* of an id that is looked at; the rest of a longer one says nothing new */

/* In lower case, from behind the last `/`; `dashes` as in the story above. */
static struct str plain_id(struct str model, bool dashes, char to[ID_MAX])
{
    struct str head, tail;

    if (!str_cut_last(model, '/', &head, &tail))
        tail = model;
    tail = str_take(tail, ID_MAX);
    for (size_t i = 0; i < tail.len; i++) {
        char c = char_lower(tail.at[i]);

        to[i] = dashes && (c == '.' || c == '@' || c == '_') ? '-' : c;
    }
    return (struct str){ to, tail.len };
}

struct model_facts model_facts_find(enum wire wire, struct str model)
{
    struct model_facts f = { 0 };
    char plain[ID_MAX], dashed[ID_MAX];
    struct str id = plain_id(model, false, plain);

    (void)wire; /* a family behind a foreign wire is still that family */
    if (str_find(id, STR("claude-")) != SIZE_MAX)
        id = STR(""); /* none of the others */
    find_openai(&f, id);
    find_gemini(&f, id);
    find_anthropic(&f, plain_id(model, true, dashed));
    return f;
}

struct model_facts model_facts_kept(struct facts_cache *c, enum wire wire, struct str model)
{
    for (size_t i = 0; i < FACTS_KEPT; i++)
        if (model.len > 0 && c->rows[i].len == model.len &&
            memcmp(c->rows[i].id, model.at, model.len) == 0)
            return c->rows[i].facts;

    struct model_facts found = model_facts_find(wire, model);

    if (model.len > 0 && model.len <= sizeof(c->rows[0].id)) {
        uint32_t at = c->next++ % FACTS_KEPT;

        memcpy(c->rows[at].id, model.at, model.len);
        c->rows[at].len = (uint8_t)model.len;
        c->rows[at].facts = found;
    }
    return found;
}

void wire_lacks_add(struct wire_lacks *to, const struct wire_lacks *more)
{
    bool *a = (bool *)to;
    const bool *b = (const bool *)more;

    _Static_assert(sizeof(*to) % sizeof(bool) == 0, "switches, and nothing else");
    for (size_t i = 0; i < sizeof(*to) / sizeof(bool); i++)
        a[i] = a[i] || b[i];
}
