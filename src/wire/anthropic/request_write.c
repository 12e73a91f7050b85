/* wire/anthropic/request_write.c - a canonical request as the body of a Messages request, or of one
 * for counting its tokens.
 *
 * The conversation has been prepared: roles alternate, results stand first behind their calls. */
#include <stdlib.h>

#include "base/base64.h"
#include "wire/anthropic/request_int.h"
#include "wire/reasoning.h"

#define VERSION_2023 STR("2023-06-01")
#define VERSION_2026 STR("2026-10-21") /* takes no sampling parameters */

void anthropic_put_text(struct json_writer *w, const char *name, struct text text)
{
    json_put_key(w, str_c(name));
    json_put_inside(w, text.escaped);
}

struct text anthropic_join(struct arena *a, struct text one, struct text two, struct text three)
{
    return text_join(a, one, text_join(a, two, three));
}

/* --- cache breakpoints ------------------------------------------------------------------------*/

void anthropic_put_cache(struct json_writer *w, enum cache_ttl ttl)
{
    if (ttl == CACHE_NONE)
        return;
    json_put_name(w, STR("cache_control"));
    json_put_object(w);
    json_put_member(w, "type", STR("ephemeral"));
    if (ttl == CACHE_5M)
        json_put_member(w, "ttl", STR("5m"));
    else if (ttl == CACHE_1H)
        json_put_member(w, "ttl", STR("1h"));
    json_put_end(w);
}

/* Marks of clients that know Anthropic's; for others our own, when they are wanted. */
enum cache_ttl anthropic_cache_of(const struct anthropic_body *b, enum cache_ttl said, bool last)
{
    if (b->own)
        return said;
    return b->w->t->auto_cache && last ? CACHE_DEFAULT : CACHE_NONE;
}

/* --- texts and media --------------------------------------------------------------------------*/

static void put_text_block(struct anthropic_body *b, struct text text, enum cache_ttl cache)
{
    json_put_object(b->json);
    json_put_member(b->json, "type", STR("text"));
    anthropic_put_text(b->json, "text", text);
    anthropic_put_cache(b->json, cache);
    json_put_end(b->json);
}

static struct str path_of(const struct anthropic_body *b, const struct part *p)
{
    return canon_path(b->w->r, p->home != NULL ? p->home : b->message, p, b->w->a);
}

/* The part cannot be said where it stands: a line in its place says what there was. */
static bool put_note(struct anthropic_body *b, const struct part *p, struct text what,
                     enum cache_ttl cache)
{
    put_text_block(b, what, cache);
    approximate_path(b->w, path_of(b, p));
    return true;
}

static bool mime_is(struct str mime, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_ieq(mime, str_c(list[i])))
            return true;
    return false;
}

static void put_source(struct json_writer *w, struct str type, const char *name, struct text data,
                       struct str mime)
{
    json_put_name(w, STR("source"));
    json_put_object(w);
    json_put_member(w, "type", type);
    if (mime.len > 0)
        json_put_member(w, "media_type", mime);
    anthropic_put_text(w, name, data);
    json_put_end(w);
}

static bool is_url_or_file(const struct anthropic_body *b, const struct part *p, bool *refused)
{
    *refused = p->media.source == MEDIA_FILE && !b->own;
    if (*refused)
        (void)refuse_path(b->w, path_of(b, p),
                          STR("is a file of another provider: send its content"));
    return p->media.source == MEDIA_URL || p->media.source == MEDIA_FILE;
}

static bool put_image(struct anthropic_body *b, const struct part *p, enum cache_ttl cache)
{
    static const char *const mimes[] = { "image/jpeg", "image/png", "image/gif", "image/webp" };
    struct json_writer *w = b->json;
    struct str mime = text_plain(b->w->a, p->media.mime);
    bool refused, linked = is_url_or_file(b, p, &refused);

    if (refused)
        return false;
    if (b->w->t->lacks.images)
        return put_note(b, p, TEXT_LIT("[image]"), cache);
    if (str_ieq(mime, STR("image/jpg")))
        mime = STR("image/jpeg");
    if (!linked && !mime_is(mime, mimes, COUNT(mimes)))
        return refuse_path(
            b->w, path_of(b, p),
            STR("is no picture that this account takes: send JPEG, PNG, GIF or WebP"));
    if (p->media.detail != DETAIL_UNSET && p->media.detail != DETAIL_AUTO)
        lose_path(b->w, arena_printf(b->w->a, "%.*s.detail", STR_ARG(path_of(b, p))));
    json_put_object(w);
    json_put_member(w, "type", STR("image"));
    if (p->media.source == MEDIA_URL)
        put_source(w, STR("url"), "url", p->media.data, STR(""));
    else if (p->media.source == MEDIA_FILE)
        put_source(w, STR("file"), "file_id", p->media.data, STR(""));
    else
        put_source(w, STR("base64"), "data", p->media.data, mime);
    anthropic_put_cache(w, cache);
    json_put_end(w);
    return true;
}

/* Text that came as base64: in plain. */
static bool decode_text(struct anthropic_body *b, struct text data, struct text *out)
{
    struct str plain = text_plain(b->w->a, data);
    struct buf bytes;
    bool good;

    buf_init(&bytes, plain.len + 8);
    good = base64_get(&bytes, plain);
    if (good)
        *out = text_from(b->w->a, arena_copy(b->w->a, buf_str(&bytes)));
    buf_clear(&bytes);
    return good;
}

static bool put_parts(struct anthropic_body *b, const struct part *first);

static bool put_document_source(struct anthropic_body *b, const struct part *p)
{
    struct json_writer *w = b->json;
    struct str mime = text_plain(b->w->a, p->media.mime);
    struct text text = p->text;

    switch (p->media.source) {
    case MEDIA_URL:
        put_source(w, STR("url"), "url", p->media.data, STR(""));
        return true;
    case MEDIA_FILE:
        put_source(w, STR("file"), "file_id", p->media.data, STR(""));
        return true;
    case MEDIA_PARTS:
        json_put_name(w, STR("source"));
        json_put_object(w);
        json_put_member(w, "type", STR("content"));
        json_put_name(w, STR("content"));
        json_put_array(w);
        if (!put_parts(b, p->media.content))
            return false;
        json_put_end(w);
        json_put_end(w);
        return true;
    case MEDIA_BASE64:
        if (str_ieq(mime, STR("application/pdf"))) {
            put_source(w, STR("base64"), "data", p->media.data, STR("application/pdf"));
            return true;
        }
        if (!(str_istarts(mime, STR("text/")) || str_ieq(mime, STR("application/json"))) ||
            !decode_text(b, p->media.data, &text))
            return refuse_path(b->w, path_of(b, p),
                               STR("is no document that this account takes: send PDF or text"));
        break;
    case MEDIA_TEXT:
        break;
    }
    put_source(w, STR("text"), "data", text, STR("text/plain"));
    return true;
}

static bool put_document(struct anthropic_body *b, const struct part *p, enum cache_ttl cache)
{
    struct json_writer *w = b->json;
    bool refused;

    (void)is_url_or_file(b, p, &refused);
    if (refused)
        return false;
    json_put_object(w);
    json_put_member(w, "type", STR("document"));
    if (!put_document_source(b, p))
        return false;
    if (!text_is_empty(p->media.title))
        anthropic_put_text(w, "title", p->media.title);
    if (!text_is_empty(p->media.context))
        anthropic_put_text(w, "context", p->media.context);
    if (b->own && p->citations.len > 0)
        json_put_member_raw(w, "citations", p->citations);
    anthropic_put_cache(w, cache);
    json_put_end(w);
    return true;
}

static bool put_search_result(struct anthropic_body *b, const struct part *p, enum cache_ttl cache)
{
    struct json_writer *w = b->json;

    json_put_object(w);
    json_put_member(w, "type", STR("search_result"));
    anthropic_put_text(w, "source", p->media.data);
    anthropic_put_text(w, "title", p->media.title);
    json_put_name(w, STR("content"));
    json_put_array(w);
    if (p->media.content == NULL && !text_is_empty(p->text))
        put_text_block(b, p->text, CACHE_NONE);
    if (!put_parts(b, p->media.content))
        return false;
    json_put_end(w);
    if (b->own && p->citations.len > 0)
        json_put_member_raw(w, "citations", p->citations);
    anthropic_put_cache(w, cache);
    json_put_end(w);
    return true;
}

/* --- calls, results, thinking -----------------------------------------------------------------*/

static void put_call(struct anthropic_body *b, const struct part *p, enum cache_ttl cache)
{
    struct json_writer *w = b->json;
    bool wrapped;

    json_put_object(w);
    json_put_member(w, "type", STR("tool_use"));
    json_put_member(w, "id", call_id_for(WIRE_ANTHROPIC, p->call.id, 0, b->w->a));
    json_put_member(w, "name", names_to_wire(b->w->names, p->call.name_space, p->call.name));
    json_put_member_raw(w, "input", call_object(&p->call, b->w->a, &wrapped));
    anthropic_put_cache(w, cache);
    json_put_end(w);
    if (wrapped)
        approximate_path(b->w, path_of(b, p));
}

static bool put_result(struct anthropic_body *b, const struct part *p, enum cache_ttl cache)
{
    struct json_writer *w = b->json;
    const struct part *content = p->result.content;

    json_put_object(w);
    json_put_member(w, "type", STR("tool_result"));
    json_put_member(w, "tool_use_id", call_id_for(WIRE_ANTHROPIC, p->result.call_id, 0, b->w->a));
    if (content != NULL && content->next == NULL && content->kind == PART_TEXT &&
        content->cache == CACHE_NONE) {
        anthropic_put_text(w, "content", content->text);
    } else if (content != NULL) {
        json_put_name(w, STR("content"));
        json_put_array(w);
        if (!put_parts(b, content))
            return false;
        json_put_end(w);
    }
    if (content == NULL && p->result.is_error) /* an error has to say something */
        json_put_member(w, "content", STR("(empty)"));
    if (p->result.is_error)
        json_put_member_bool(w, "is_error", true);
    anthropic_put_cache(w, cache);
    json_put_end(w);
    return true;
}

static void put_thinking(struct anthropic_body *b, const struct part *p)
{
    struct json_writer *w = b->json;

    if (p->sig.signer != SIGNER_ANTHROPIC)
        return;
    json_put_object(w);
    if (p->sig.redacted) {
        json_put_member(w, "type", STR("redacted_thinking"));
        anthropic_put_text(w, "data", p->sig.blob);
    } else {
        json_put_member(w, "type", STR("thinking"));
        anthropic_put_text(w, "thinking", p->text);
        anthropic_put_text(w, "signature", p->sig.blob);
    }
    json_put_end(w);
}

/* Without blanks at the end: Anthropic refuses them in a text it shall go on with. */
static struct text trimmed(struct text text)
{
    struct str s = text.escaped;

    for (;;) {
        if (str_ends(s, STR(" ")))
            s = str_drop_last(s, 1);
        else if ((str_ends(s, STR("\\n")) || str_ends(s, STR("\\t")) || str_ends(s, STR("\\r"))) &&
                 !str_ends(str_drop_last(s, 1), STR("\\\\")))
            s = str_drop_last(s, 2);
        else
            return (struct text){ s };
    }
}

static void put_text_part(struct anthropic_body *b, const struct part *p, enum cache_ttl cache)
{
    struct json_writer *w = b->json;
    bool cites = (b->own || b->w->r->goes_on) && p->citations.len > 0 && b->message != NULL &&
                 b->message->role == ROLE_ASSISTANT;

    json_put_object(w);
    json_put_member(w, "type", STR("text"));
    anthropic_put_text(w, "text", b->prefill && p->next == NULL ? trimmed(p->text) : p->text);
    if (cites)
        json_put_member_raw(w, "citations", p->citations);
    anthropic_put_cache(w, cache);
    json_put_end(w);
}

/* --- parts ------------------------------------------------------------------------------------*/

/* What an assistant cannot say: it stands there only because another protocol let it. */
static bool put_in_words(struct anthropic_body *b, const struct part *p, enum cache_ttl cache)
{
    struct text name = text_is_empty(p->media.title) ? p->media.mime : p->media.title;
    struct text what = p->kind == PART_IMAGE ? TEXT_LIT("[image") : TEXT_LIT("[document");

    if (p->kind == PART_DOCUMENT && p->media.source == MEDIA_TEXT && !text_is_empty(p->text))
        return put_note(b, p, p->text, cache);
    if (!text_is_empty(name))
        what = anthropic_join(b->w->a, what, TEXT_LIT(": "), name);
    return put_note(b, p, text_join(b->w->a, what, TEXT_LIT("]")), cache);
}

static bool put_part(struct anthropic_body *b, const struct part *p, bool last)
{
    bool assistant = b->message != NULL && b->message->role == ROLE_ASSISTANT;
    enum cache_ttl cache = anthropic_cache_of(b, p->cache, last);

    switch (p->kind) {
    case PART_TEXT:
        put_text_part(b, p, cache);
        return true;
    case PART_REFUSAL:
        put_text_block(b, p->text, cache);
        return true;
    case PART_IMAGE:
        return assistant ? put_in_words(b, p, cache) : put_image(b, p, cache);
    case PART_DOCUMENT:
        return assistant ? put_in_words(b, p, cache) : put_document(b, p, cache);
    case PART_AUDIO:
        return refuse_path(b->w, path_of(b, p), STR("is audio, which this account does not take"));
    case PART_VIDEO:
        return refuse_path(b->w, path_of(b, p), STR("is video, which this account does not take"));
    case PART_TOOL_CALL:
        put_call(b, p, cache);
        return true;
    case PART_TOOL_RESULT:
        return put_result(b, p, cache);
    case PART_THINKING:
    case PART_REDACTED:
        put_thinking(b, p);
        return true;
    case PART_SEARCH_RESULT:
        return put_search_result(b, p, cache);
    case PART_SERVER_CALL:
    case PART_SERVER_RESULT:
    case PART_OPAQUE:
        if (p->opaque.wire == WIRE_ANTHROPIC)
            json_put_raw(b->json, p->opaque.raw);
        return true;
    }
    return true;
}

static bool put_parts(struct anthropic_body *b, const struct part *first)
{
    for (const struct part *p = first; p != NULL; p = p->next)
        if (!put_part(b, p, false))
            return false;
    return true;
}

/* --- messages ---------------------------------------------------------------------------------*/

static bool put_message(struct anthropic_body *b, const struct message *m)
{
    static const struct str roles[] = {
        [ROLE_USER] = STR("user"),
        [ROLE_ASSISTANT] = STR("assistant"),
        [ROLE_SYSTEM] = STR("system"),
    };
    struct json_writer *w = b->json;
    bool marked = m == b->marks[0] || m == b->marks[1];

    b->message = m;
    json_put_object(w);
    json_put_member(w, "role", roles[m->role]);
    json_put_name(w, STR("content"));
    json_put_array(w);
    for (const struct part *p = m->parts; p != NULL; p = p->next)
        if (!put_part(b, p, marked && p->next == NULL))
            return false;
    json_put_end(w);
    json_put_end(w);
    b->message = NULL;
    return true;
}

/* The last two messages of the user end where the next request begins to differ. */
static void find_marks(struct anthropic_body *b)
{
    for (const struct message *m = b->w->r->messages; m != NULL; m = m->next)
        if (m->role == ROLE_USER) {
            b->marks[0] = b->marks[1];
            b->marks[1] = m;
        }
}

static void put_continue(struct anthropic_body *b, const struct message *last)
{
    b->w->written.prefill = last->last->kind == PART_TEXT ? last->last->text : TEXT_EMPTY;
    approximate_path(b->w, canon_path(b->w->r, last, NULL, b->w->a));
    json_put_object(b->json);
    json_put_member(b->json, "role", STR("user"));
    json_put_name(b->json, STR("content"));
    json_put_array(b->json);
    put_text_block(b,
                   TEXT_LIT("Continue your last message exactly where it stops. Do not repeat any "
                            "of it, and add no introduction."),
                   CACHE_NONE);
    json_put_end(b->json);
    json_put_end(b->json);
}

static bool put_messages(struct anthropic_body *b)
{
    const struct message *last = b->w->r->last;
    bool prefill = plan_is_prefill(b->w->r), native = b->w->t->facts.anthropic.prefill;

    if (prefill && !native && !b->w->t->emulate_prefill)
        return refuse_path(b->w, canon_path(b->w->r, NULL, NULL, b->w->a),
                           STR("ends with a message of the assistant, and this model does not "
                               "continue one: end with a message of the user"));
    json_put_name(b->json, STR("messages"));
    json_put_array(b->json);
    for (const struct message *m = b->w->r->messages; m != NULL; m = m->next) {
        b->prefill = prefill && native && m == last;
        if (!put_message(b, m))
            return false;
    }
    if (prefill && !native)
        put_continue(b, last);
    json_put_end(b->json);
    return true;
}

/* Leading instructions block by block, then what no field can say. */
static void put_system(struct anthropic_body *b)
{
    const struct anthropic_plan *p = &b->plan;

    if (b->w->r->system == NULL && p->sentence_count == 0)
        return;
    json_put_name(b->json, STR("system"));
    json_put_array(b->json);
    for (const struct part *part = b->w->r->system; part != NULL; part = part->next)
        if (!text_is_blank(part->text))
            put_text_block(b, part->text, anthropic_cache_of(b, part->cache, part->next == NULL));
    for (size_t i = 0; i < p->sentence_count; i++)
        put_text_block(b, p->sentences[i], CACHE_NONE);
    json_put_end(b->json);
}

/* --- the rest of the body ---------------------------------------------------------------------*/

static void put_thinking_config(struct anthropic_body *b)
{
    static const struct str types[] = {
        [THINKING_ENABLED] = STR("enabled"),
        [THINKING_ADAPTIVE] = STR("adaptive"),
        [THINKING_BETWEEN_TOOLS] = STR("between_tools"),
        [THINKING_DISABLED] = STR("disabled"),
    };
    const struct anthropic_plan *p = &b->plan;

    if (p->thinking == THINKING_UNSAID)
        return;
    json_put_name(b->json, STR("thinking"));
    json_put_object(b->json);
    json_put_member(b->json, "type", types[p->thinking]);
    if (p->thinking == THINKING_ENABLED)
        json_put_member_i64(b->json, "budget_tokens", p->budget);
    if (p->display != NULL)
        json_put_member(b->json, "display", str_c(p->display));
    json_put_end(b->json);
}

static bool put_output_config(struct anthropic_body *b)
{
    const struct anthropic_plan *p = &b->plan;

    if (p->effort == EFFORT_UNSET && !p->native_schema)
        return true;
    json_put_name(b->json, STR("output_config"));
    json_put_object(b->json);
    if (p->effort != EFFORT_UNSET)
        json_put_member(b->json, "effort", str_c(effort_word(p->effort)));
    if (p->native_schema) {
        json_put_name(b->json, STR("format"));
        json_put_object(b->json);
        json_put_member(b->json, "type", STR("json_schema"));
        json_put_name(b->json, STR("schema"));
        if (!anthropic_put_schema(b, b->w->r->format.schema, b->w->r->format.openapi,
                                  SCHEMA_ANTHROPIC_FORMAT, NULL))
            return false;
        json_put_end(b->json);
    }
    json_put_end(b->json);
    return true;
}

static void put_number(struct json_writer *w, const char *name, struct str number)
{
    if (number.len > 0)
        json_put_member_raw(w, name, number);
}

/* A sequence of blanks alone is refused: it is watched for here. */
static void put_stops(struct anthropic_body *b)
{
    const struct canon_request *r = b->w->r;
    bool begun = false;

    for (size_t i = 0; i < r->stop_count && i < 64; i++) {
        if (text_is_blank(r->stop[i]))
            continue;
        if (!begun) {
            json_put_name(b->json, STR("stop_sequences"));
            json_put_array(b->json);
            begun = true;
        }
        json_put_inside(b->json, r->stop[i].escaped);
        b->w->stops_native |= UINT64_C(1) << i;
    }
    if (begun)
        json_put_end(b->json);
}

/* One id of the user: what the client calls safety identifier stands for the user where both are
 * given. */
static void put_user(struct anthropic_body *b)
{
    const struct canon_request *r = b->w->r;
    struct str id = r->safety_id.len > 0 ? r->safety_id : r->user;

    if (id.len == 0)
        return;
    json_put_name(b->json, STR("metadata"));
    json_put_object(b->json);
    json_put_member(b->json, "user_id", id);
    json_put_end(b->json);
    if (r->safety_id.len > 0)
        lose_field(b->w, FIELD_USER);
}

static void put_service_tier(struct anthropic_body *b)
{
    static const struct {
        struct str said, sent;
        bool exact;
    } tiers[] = {
        { STR("auto"), STR("auto"), true },
        { STR("default"), STR("auto"), true },
        { STR("standard_only"), STR("standard_only"), true },
        { STR("flex"), STR("auto"), false },
        { STR("priority"), STR("auto"), false },
    };
    struct str said = b->w->r->service_tier;

    if (said.len == 0)
        return;
    for (size_t i = 0; i < COUNT(tiers); i++)
        if (str_ieq(said, tiers[i].said)) {
            json_put_member(b->json, "service_tier", tiers[i].sent);
            if (!tiers[i].exact)
                approximate_field(b->w, FIELD_SERVICE_TIER);
            return;
        }
    lose_field(b->w, FIELD_SERVICE_TIER);
}

/* What Anthropic's API has no word for. */
static bool refuse_or_lose(struct request_writer *w)
{
    static const enum field lost[] = {
        FIELD_MIN_P,
        FIELD_FREQUENCY_PENALTY,
        FIELD_PRESENCE_PENALTY,
        FIELD_SEED,
        FIELD_LOGPROBS,
        FIELD_REPETITION_PENALTY,
        FIELD_LOGIT_BIAS,
        FIELD_TOP_LOGPROBS,
        FIELD_VERBOSITY,
        FIELD_IMAGE,
        FIELD_CACHE_KEY,
        FIELD_CACHE_OPTIONS,
        FIELD_SAFETY,
        FIELD_METADATA,
        FIELD_STORE,
        FIELD_PREVIOUS_RESPONSE,
        FIELD_INCLUDE,
    };
    if (w->r->n > 1)
        return refuse_field(w, FIELD_N, STR("must be 1: this account gives one answer"));
    if ((w->r->modalities & (MODALITY_IMAGE | MODALITY_AUDIO)) != 0)
        return refuse_field(w, FIELD_MODALITIES,
                            STR("asks for pictures or sound, which this account does not make"));
    for (size_t i = 0; i < COUNT(lost); i++)
        lose_field(w, lost[i]);
    if (w->r->protocol != WIRE_ANTHROPIC)
        lose_cache_marks(w);
    return true;
}

/* Members that a request for counting does not have. */
static void put_generation(struct anthropic_body *b)
{
    const struct anthropic_plan *p = &b->plan;

    json_put_member_i64(b->json, "max_tokens", p->max_tokens);
    put_number(b->json, "temperature", p->temperature);
    put_number(b->json, "top_p", p->top_p);
    put_number(b->json, "top_k", p->top_k);
    put_stops(b);
    put_user(b);
    put_service_tier(b);
    if (b->own)
        for (const struct extra *x = b->w->r->extras; x != NULL; x = x->next)
            if (memchr(x->path.at, '[', x->path.len) == NULL) /* a tool's goes with the tool */
                json_put_member_raw(b->json, arena_copy(b->w->a, x->path).at, x->raw);
    if (b->w->t->stream)
        json_put_member_bool(b->json, "stream", true);
}

bool anthropic_write(struct request_writer *w)
{
    struct anthropic_body b = {
        .w = w,
        .json = w->w,
        .own = w->r->protocol == WIRE_ANTHROPIC,
    };

    if (!refuse_or_lose(w))
        return false;
    anthropic_plan_make(w, &b.plan);
    if (!b.own && w->t->auto_cache)
        find_marks(&b);
    json_put_object(b.json);
    json_put_member(b.json, "model", w->t->model);
    put_system(&b);
    if (!put_messages(&b) || !anthropic_put_tools(&b))
        return false;
    put_thinking_config(&b);
    if (!put_output_config(&b))
        return false;
    if (w->r->cache_last != CACHE_NONE && b.own)
        anthropic_put_cache(b.json, w->r->cache_last);
    if (!w->t->count)
        put_generation(&b);
    json_put_end(b.json);
    w->written.anthropic_version =
        b.plan.temperature.len + b.plan.top_p.len + b.plan.top_k.len > 0 || !w->t->own_service
            ? VERSION_2023
            : VERSION_2026;
    return true;
}
