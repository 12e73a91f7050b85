/* wire/openai_responses/request_write.c - a request for a Responses upstream.
 *
 * Nothing is stored (`store` false), so reasoning has to come back encrypted: it is asked for where
 * the model reasons. Stop sequences are unknown here; the translator watches for them.
 *
 * The ChatGPT backend of Codex takes less: it wants instructions, a stream and no storage, and
 * answers 400 to limits, sampling, metadata, users and cache options.
 * Sources: OpenAI API reference, "Create a model response" and "Get input token counts"; Codex,
 * codex-api/src/common.rs. */
#include "wire/openai_responses/convert_int.h"
#include "wire/openai_responses/write_int.h"

#include "wire/reasoning.h"
#include "wire/schema.h"

#define MAX_OUTPUT_LEAST 16
#define USER_MAX 128 /* bytes */

static bool is_off(const struct request_writer *w)
{
    return w->r->reasoning.mode == REASONING_OFF;
}

static bool takes_reasoning(const struct request_writer *w)
{
    return !w->t->lacks.reasoning_effort &&
           (w->t->facts.openai.reasoning || is_codex(w) || !w->t->own_service);
}

/* Members of objects that only this protocol has; `in` is empty for the root. */
static void put_extras(struct request_writer *w, struct str in)
{
    static const struct str own[] = { STR("include"), STR("tool_choice") };

    for (const struct extra *x = w->r->extras; x != NULL && is_own(w); x = x->next) {
        struct str object, name;
        bool written = false;

        if (!str_cut_last(x->path, '.', &object, &name)) {
            name = x->path;
            object = STR("");
        }
        if (!str_eq(object, in))
            continue;
        for (size_t i = 0; i < COUNT(own); i++)
            written = written || (in.len == 0 && str_eq(name, own[i]));
        if (!written && !(is_codex(w) && in.len == 0 && !str_eq(name, STR("client_metadata")))) {
            json_put_key(w->w, name);
            json_put_raw(w->w, x->raw);
        }
    }
}

/* What only this protocol has and this dialect of it refuses. */
static bool lose_refused_extras(struct request_writer *w)
{
    for (const struct extra *x = w->r->extras; x != NULL && is_own(w) && is_codex(w); x = x->next) {
        if (x->vital)
            return refuse_path(w, x->path, STR("is not taken by the provider of this model"));
        if (!str_eq(x->path, STR("client_metadata")) && !str_eq(x->path, STR("include")) &&
            !str_eq(x->path, STR("tool_choice")) && memchr(x->path.at, '.', x->path.len) == NULL)
            lose_path(w, x->path);
    }
    return true;
}

static const struct extra *find_extra(const struct request_writer *w, struct str path)
{
    for (const struct extra *x = w->r->extras; x != NULL && is_own(w); x = x->next)
        if (str_eq(x->path, path))
            return x;
    return NULL;
}

/* --- the system text --------------------------------------------------------------------------*/

/* Texts with a blank line between; a Responses client's messages of developers stay messages. */
static struct text instructions(struct request_writer *w)
{
    struct text all = TEXT_EMPTY;
    size_t len = 0;
    char *at, *to;

    for (const struct part *p = w->r->system; p != NULL; p = p->next)
        if (!is_own(w) || p->at == PART_AT_NONE) {
            all = p->text;
            len += p->text.escaped.len + 4;
        }
    if (len == 0 || len == all.escaped.len + 4)
        return all;
    at = to = arena_alloc_raw(w->a, len);
    for (const struct part *p = w->r->system; p != NULL; p = p->next) {
        if ((is_own(w) && p->at != PART_AT_NONE) || text_is_empty(p->text))
            continue;
        if (to > at) {
            memcpy(to, "\\n\\n", 4);
            to += 4;
        }
        memcpy(to, p->text.escaped.at, p->text.escaped.len);
        to += p->text.escaped.len;
    }
    return (struct text){ { at, (size_t)(to - at) } };
}

/* --- reasoning and the form of the text -------------------------------------------------------*/

/* The effort in words, or NULL when it is the model's own. */
static const char *effort_for(struct request_writer *w)
{
    const struct reasoning *how = &w->r->reasoning;
    uint32_t allowed = w->t->facts.openai.efforts;
    enum effort asked = reasoning_effort(how), nearest;

    if (how->mode == REASONING_OFF && w->t->facts.openai.effort_none)
        return "none";
    if (how->mode == REASONING_OFF || how->mode == REASONING_BETWEEN_TOOLS)
        approximate_field(w, FIELD_REASONING);
    if (how->mode == REASONING_OFF)
        asked = EFFORT_MINIMAL;
    if (asked == EFFORT_UNSET)
        return NULL;
    nearest = allowed == 0 ? asked : effort_nearest(asked, allowed);
    if (nearest != asked || how->mode == REASONING_BUDGET)
        approximate_field(w, FIELD_REASONING);
    return effort_word(nearest);
}

/* Summaries are asked for when the client shows thinking: it said so, or its protocol has it on
 * wherever it asks for reasoning at all. A Responses client says what it wants itself. */
static const char *summary_for(const struct request_writer *w)
{
    static const char *const words[] = {
        [SUMMARY_UNSET] = NULL,        [SUMMARY_NONE] = NULL,           [SUMMARY_AUTO] = "auto",
        [SUMMARY_CONCISE] = "concise", [SUMMARY_DETAILED] = "detailed",
    };
    const struct reasoning *how = &w->r->reasoning;

    if (how->summary != SUMMARY_UNSET)
        return words[how->summary];
    if (is_own(w) || is_off(w) || !reasoning_is_shown(w->r))
        return NULL;
    return how->mode != REASONING_UNSET || is_codex(w) ? "auto" : NULL;
}

static bool has_extras_in(const struct request_writer *w, struct str prefix)
{
    for (const struct extra *x = w->r->extras; x != NULL && is_own(w); x = x->next)
        if (str_starts(x->path, prefix))
            return true;
    return false;
}

static void write_reasoning(struct request_writer *w)
{
    const char *effort, *summary;

    if (!takes_reasoning(w)) {
        if (!is_off(w)) /* not thinking is what it does */
            lose_field(w, FIELD_REASONING);
        lose_field(w, FIELD_REASONING_SUMMARY);
        for (const struct extra *x = w->r->extras; x != NULL; x = x->next)
            if (str_starts(x->path, STR("reasoning.")))
                lose_path(w, x->path);
        return;
    }
    effort = effort_for(w);
    summary = summary_for(w);
    if (effort == NULL && summary == NULL && !has_extras_in(w, STR("reasoning.")))
        return;
    json_put_name(w->w, STR("reasoning"));
    json_put_object(w->w);
    if (effort != NULL)
        json_put_member(w->w, "effort", str_c(effort));
    if (summary != NULL)
        json_put_member(w->w, "summary", str_c(summary));
    put_extras(w, STR("reasoning"));
    json_put_end(w->w);
}

static bool put_format(struct request_writer *w)
{
    const struct answer_format *format = &w->r->format;
    bool strict = format->strict == TRI_YES && !w->t->lacks.strict;
    const char *what = "";
    enum schema_result result;

    if (format->kind == FORMAT_TEXT)
        return true;
    json_put_name(w->w, STR("format"));
    json_put_object(w->w);
    if (format->kind == FORMAT_JSON || w->t->lacks.json_schema) {
        json_put_member(w->w, "type", STR("json_object"));
        json_put_end(w->w);
        if (format->kind == FORMAT_SCHEMA)
            approximate_field(w, FIELD_FORMAT);
        return true;
    }
    json_put_member(w->w, "type", STR("json_schema"));
    json_put_member(w->w, "name", format->name.len > 0 ? format->name : STR("response"));
    if (!text_is_empty(format->description))
        put_text(w->w, "description", format->description);
    json_put_name(w->w, STR("schema"));
    result = schema_put(w->w, format->schema, format->openapi,
                        strict ? SCHEMA_OPENAI_STRICT : SCHEMA_OPENAI, false, w->a, &what);
    if (result == SCHEMA_REFUSED)
        return refuse_field(w, FIELD_FORMAT, str_c(what));
    if (result == SCHEMA_CHANGED || (format->strict == TRI_YES && !strict))
        approximate_field(w, FIELD_FORMAT);
    if (format->strict != TRI_UNSET && !w->t->lacks.strict)
        json_put_member_bool(w->w, "strict", strict);
    json_put_end(w->w);
    return true;
}

static bool write_text(struct request_writer *w)
{
    bool verbosity = w->r->verbosity.len > 0 &&
                     (w->t->facts.openai.custom_tools || is_codex(w) || !w->t->own_service);

    if (!verbosity) /* a word of gpt-5 and later */
        lose_field(w, FIELD_VERBOSITY);
    if (!verbosity && w->r->format.kind == FORMAT_TEXT && !has_extras_in(w, STR("text.")))
        return true;
    json_put_name(w->w, STR("text"));
    json_put_object(w->w);
    if (!put_format(w))
        return false;
    if (verbosity)
        json_put_member(w->w, "verbosity", w->r->verbosity);
    put_extras(w, STR("text"));
    json_put_end(w->w);
    return true;
}

/* --- scalars ----------------------------------------------------------------------------------*/

static void write_limits(struct request_writer *w)
{
    const struct canon_request *r = w->r;
    bool sampling =
        !is_codex(w) && !w->t->lacks.sampling &&
        (w->t->facts.openai.sampling || (w->t->facts.openai.sampling_if_none && is_off(w)));

    if (is_codex(w)) {
        lose_field(w, FIELD_MAX_OUTPUT);
    } else if (r->max_output > 0) {
        if (r->max_output < MAX_OUTPUT_LEAST)
            approximate_field(w, FIELD_MAX_OUTPUT);
        json_put_member_i64(w->w, "max_output_tokens",
                            r->max_output < MAX_OUTPUT_LEAST ? MAX_OUTPUT_LEAST : r->max_output);
    }
    if (sampling && r->temperature.len > 0)
        json_put_member_raw(w->w, "temperature", r->temperature);
    else
        lose_field(w, FIELD_TEMPERATURE);
    if (sampling && r->top_p.len > 0)
        json_put_member_raw(w->w, "top_p", r->top_p);
    else
        lose_field(w, FIELD_TOP_P);
}

static void write_tier(struct request_writer *w)
{
    static const struct str tiers[] = { STR("auto"), STR("default"),   STR("flex"),    STR("scale"),
                                        STR("fast"), STR("ultrafast"), STR("priority") };
    struct str tier = w->r->service_tier;

    for (size_t i = is_codex(w) ? COUNT(tiers) - 1 : 0; i < COUNT(tiers); i++)
        if (str_eq(tier, tiers[i])) {
            json_put_member(w->w, "service_tier", tier);
            return;
        }
    lose_field(w, FIELD_SERVICE_TIER);
}

static void write_str(struct request_writer *w, const char *name, struct str value, size_t most,
                      enum field f)
{
    if (value.len > 0 && value.len <= most && !is_codex(w))
        json_put_member(w->w, name, value);
    else
        lose_field(w, f);
}

static void write_people(struct request_writer *w)
{
    write_str(w, "user", w->r->user, USER_MAX, FIELD_USER);
    write_str(w, "safety_identifier", w->r->safety_id, USER_MAX, FIELD_SAFETY_ID);
    if (w->r->metadata.len > 0 && !is_codex(w))
        json_put_member_raw(w->w, "metadata", w->r->metadata);
    else
        lose_field(w, FIELD_METADATA);
    struct str key = w->r->cache_key.len > 0 ? w->r->cache_key : w->t->cache_key;

    if (key.len > 0)
        json_put_member(w->w, "prompt_cache_key", key);
}

static bool asks_for_encrypted(const struct request_writer *w)
{
    return is_codex(w) || w->t->facts.openai.reasoning;
}

static void write_include(struct request_writer *w)
{
    const struct extra *asked = find_extra(w, STR("include"));
    struct json_cursor c;
    struct str one;

    if (asked == NULL && !asks_for_encrypted(w))
        return;
    json_put_name(w->w, STR("include"));
    json_put_array(w->w);
    if (asks_for_encrypted(w))
        json_put_str(w->w, STR("reasoning.encrypted_content"));
    if (asked != NULL) {
        c = json_open(asked->raw);
        while (json_next(&c, &one))
            if (!str_eq(one, STR("\"reasoning.encrypted_content\"")) || !asks_for_encrypted(w))
                json_put_raw(w->w, one);
    }
    json_put_end(w->w);
}

/* What this wire has no word for, or what it answers to it cannot be told. */
static bool lose_others(struct request_writer *w)
{
    static const enum field lost[] = {
        FIELD_TOP_K,
        FIELD_MIN_P,
        FIELD_FREQUENCY_PENALTY,
        FIELD_PRESENCE_PENALTY,
        FIELD_LOGPROBS,
        FIELD_TOP_LOGPROBS,
        FIELD_REPETITION_PENALTY,
        FIELD_SEED,
        FIELD_LOGIT_BIAS,
        FIELD_SAFETY,
        FIELD_STORE,
    };
    bool openai = w->r->protocol == WIRE_OPENAI_CHAT || is_own(w);

    for (size_t i = 0; i < COUNT(lost); i++)
        lose_field(w, lost[i]);
    if (w->r->n > 1)
        return refuse_field(w, FIELD_N, STR("must be 1: this model gives one answer"));
    if ((w->r->modalities & MODALITY_AUDIO) != 0)
        return refuse_field(w, FIELD_MODALITIES, STR("this model does not answer in sound"));
    if (!is_own(w))
        lose_field(w, FIELD_CACHE_OPTIONS);
    if (is_codex(w) || !openai || !w->t->own_service)
        lose_cache_marks(w);
    if ((w->r->modalities & MODALITY_IMAGE) == 0)
        lose_field(w, FIELD_IMAGE);
    return lose_refused_extras(w);
}

static bool write_state(struct request_writer *w)
{
    bool stream = w->t->stream || is_codex(w);

    json_put_member_bool(w->w, "store", false);
    json_put_member_bool(w->w, "stream", stream);
    if (w->r->previous_response.len == 0)
        return true;
    if (is_codex(w))
        return refuse_previous(w);
    json_put_member(w->w, "previous_response_id", w->r->previous_response);
    return true;
}

bool responses_write(struct request_writer *w)
{
    struct text system = instructions(w);

    json_put_object(w->w);
    json_put_member(w->w, "model", w->t->model);
    if (!text_is_empty(system) || is_codex(w))
        put_text(w->w, "instructions", system);
    if (!responses_write_input(w) || !responses_write_tools(w))
        return false;
    write_reasoning(w);
    if (!write_text(w))
        return false;
    if (!w->t->count) { /* the rest does not change how many tokens there are */
        write_limits(w);
        write_tier(w);
        write_people(w);
        write_include(w);
        if (!lose_others(w) || !write_state(w))
            return false;
        put_extras(w, STR(""));
    }
    json_put_end(w->w);
    return true;
}
