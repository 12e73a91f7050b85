/* wire/gemini/request_write.c - the canonical form as a generateContent request.
 *
 * Sources: ai.google.dev/api/generate-content, …/gemini-api/docs/thought-signatures,
 * …/function-calling, as of 2026-11. */
#include "wire/gemini/gemini_int.h"

#include "wire/prepare.h"

static struct gemini_writer writer_of(struct request_writer *w)
{
    return (struct gemini_writer){ .w = w, .out = w->w, .r = w->r, .t = w->t, .a = w->a };
}

void gemini_put_text(struct gemini_writer *x, const char *name, struct text text)
{
    json_put_name(x->out, str_c(name));
    json_put_inside(x->out, text.escaped);
}

static void put_text_part(struct gemini_writer *x, struct text text)
{
    json_put_object(x->out);
    gemini_put_text(x, "text", text);
    json_put_end(x->out);
}

/* --- signatures ---------------------------------------------------------------------------------
 */

/* A signature that found no part of its own stands alone. */
static void flush_signature(struct gemini_writer *x)
{
    if (text_is_empty(x->signature))
        return;
    json_put_object(x->out);
    gemini_put_text(x, "text", TEXT_EMPTY);
    gemini_put_text(x, "thoughtSignature", x->signature);
    json_put_end(x->out);
    x->signature = TEXT_EMPTY;
}

static struct text signature_of(const struct gemini_writer *x, const struct part *p)
{
    bool fits = p->sig.signer != SIGNER_NONE && !x->counting && signature_fits(&p->sig, x->t);

    return fits ? p->sig.blob : TEXT_EMPTY;
}

/* Into the part that is open: its own, or the one that waits. */
static void put_signature(struct gemini_writer *x, struct text own)
{
    struct text sig = text_is_empty(own) ? x->signature : own;

    if (!text_is_empty(sig))
        gemini_put_text(x, "thoughtSignature", sig);
    if (text_is_empty(own))
        x->signature = TEXT_EMPTY;
}

/* --- media --------------------------------------------------------------------------------------
 */

/* The media type of base64 by its first bytes, where nobody said it. */
static struct text mime_of(const struct part *p)
{
    static const struct {
        struct str begins;
        struct text mime;
    } magic[] = {
        { { "iVBOR", 5 }, { { "image/png", 9 } } },
        { { "/9j/", 4 }, { { "image/jpeg", 10 } } },
        { { "R0lGOD", 6 }, { { "image/gif", 9 } } },
        { { "UklGR", 5 }, { { "image/webp", 10 } } },
        { { "JVBERi", 6 }, { { "application/pdf", 15 } } },
    };
    if (!text_is_empty(p->media.mime))
        return p->media.mime;
    for (size_t i = 0; i < COUNT(magic) && p->media.source == MEDIA_BASE64; i++)
        if (str_starts(p->media.data.escaped, magic[i].begins))
            return magic[i].mime;
    if (p->media.source != MEDIA_BASE64)
        return TEXT_EMPTY;
    return p->kind == PART_AUDIO      ? TEXT_LIT("audio/wav")
           : p->kind == PART_VIDEO    ? TEXT_LIT("video/mp4")
           : p->kind == PART_DOCUMENT ? TEXT_LIT("application/pdf")
                                      : TEXT_LIT("image/png");
}

static bool is_media(const struct part *p)
{
    return (p->kind == PART_IMAGE || p->kind == PART_DOCUMENT || p->kind == PART_AUDIO ||
            p->kind == PART_VIDEO) &&
           p->media.source != MEDIA_TEXT && p->media.source != MEDIA_PARTS;
}

/* `path` names the part for a complaint. The object is closed by the caller, who may add to it. */
static bool open_media(struct gemini_writer *x, const struct part *p, struct str path)
{
    bool inside = p->media.source == MEDIA_BASE64;
    bool google = x->r->protocol == WIRE_GEMINI;
    struct text mime = mime_of(p);

    if (p->media.source == MEDIA_FILE && !google)
        return refuse_path(x->w, path, STR("names a file of another provider: send what is in it"));
    if (p->media.source == MEDIA_URL && !google && x->t->facts.gemini.generation < 3)
        return refuse_path(x->w, path,
                           STR("this model takes no addresses: send the data itself as base64"));
    json_put_object(x->out);
    json_put_name(x->out, inside ? STR("inlineData") : STR("fileData"));
    json_put_object(x->out);
    if (!text_is_empty(mime))
        gemini_put_text(x, "mimeType", mime);
    gemini_put_text(x, inside ? "data" : "fileUri", p->media.data);
    json_put_end(x->out);
    return true;
}

/* --- documents and search results as text -------------------------------------------------------
 */

/* A title line, when there is one, and the text. */
static struct text titled(struct gemini_writer *x, struct text title, struct text source,
                          struct text text)
{
    struct text head = title;

    if (!text_is_empty(source))
        head = text_is_empty(head) ? source
                                   : text_join(x->a, head, text_join(x->a, TEXT_LIT(" "), source));
    return text_is_empty(head) ? text
                               : text_join(x->a, text_join(x->a, head, TEXT_LIT("\\n")), text);
}

/* What of a part can be said as text; empty when nothing. */
static struct text part_as_text(struct gemini_writer *x, const struct part *p)
{
    switch (p->kind) {
    case PART_TEXT:
    case PART_REFUSAL:
        return p->text;
    case PART_SEARCH_RESULT:
        return titled(x, p->media.title, p->media.data, p->text);
    case PART_DOCUMENT:
        if (p->media.source == MEDIA_TEXT)
            return titled(x, p->media.title, p->media.context, p->text);
        if (p->media.source == MEDIA_PARTS)
            return titled(x, p->media.title, p->media.context, parts_text(p->media.content, x->a));
        return TEXT_EMPTY;
    case PART_IMAGE:
    case PART_AUDIO:
    case PART_VIDEO:
    case PART_TOOL_CALL:
    case PART_TOOL_RESULT:
    case PART_THINKING:
    case PART_REDACTED:
    case PART_SERVER_CALL:
    case PART_SERVER_RESULT:
    case PART_OPAQUE:
        return TEXT_EMPTY;
    }
    return TEXT_EMPTY;
}

/* --- results of tools ---------------------------------------------------------------------------
 */

static struct text result_text(struct gemini_writer *x, const struct tool_result *result)
{
    struct text all = TEXT_EMPTY;
    bool begun = false;

    if (result->content != NULL && result->content->next == NULL)
        return part_as_text(x, result->content);
    for (const struct part *p = result->content; p != NULL; p = p->next) {
        struct text one = part_as_text(x, p);

        if (text_is_empty(one))
            continue;
        all = begun ? text_join(x->a, text_join(x->a, all, TEXT_LIT("\\n")), one) : one;
        begun = true;
    }
    return all;
}

static void put_response(struct gemini_writer *x, const struct tool_result *result)
{
    struct text text = result_text(x, result);
    struct str plain = STR("");
    struct json doc;

    if (result->response.len > 0) {
        json_put_raw(x->out, result->response);
        return;
    }
    if (!result->is_error && str_starts(text.escaped, STR("{")))
        plain = str_trim(text_plain(x->a, text));
    if (plain.len > 0 &&
        json_parse(&doc, plain, &(struct json_limits){ .depth_kept = 1 }, x->a, NULL)) {
        json_put_raw(x->out, plain);
        return;
    }
    json_put_object(x->out);
    gemini_put_text(x, result->is_error ? "error" : "output", text);
    json_put_end(x->out);
}

/* Pictures of a result: inside of it for models that look there. */
static bool put_result_media(struct gemini_writer *x, const struct message *m, const struct part *p,
                             bool inside)
{
    bool begun = false;

    for (const struct part *c = p->result.content; c != NULL; c = c->next) {
        if (!is_media(c))
            continue;
        if (!begun && inside) {
            json_put_name(x->out, STR("parts"));
            json_put_array(x->out);
        }
        begun = true;
        if (!open_media(x, c, canon_path(x->r, m, p, x->a)))
            return false;
        json_put_end(x->out);
    }
    if (begun && inside)
        json_put_end(x->out);
    return true;
}

/* Results stand in the order of their calls, which know the namespace of their name. */
static struct str result_name(struct gemini_writer *x, const struct tool_result *result)
{
    const struct part *p = x->next_call;

    while (p != NULL && p->kind != PART_TOOL_CALL)
        p = p->next;
    if (p == NULL || !str_eq(p->call.id, result->call_id))
        return names_to_wire(x->w->names, STR(""), result->name);
    x->next_call = p->next;
    return names_to_wire(x->w->names, p->call.name_space, p->call.name);
}

static void put_id(struct gemini_writer *x, struct str id)
{
    if (x->t->facts.gemini.call_ids && id.len > 0)
        json_put_member(x->out, "id", call_id_for(x->t->wire, id, x->t->extras.tool_id_len, x->a));
}

static bool put_result(struct gemini_writer *x, const struct message *m, const struct part *p)
{
    json_put_object(x->out);
    json_put_name(x->out, STR("functionResponse"));
    json_put_object(x->out);
    put_id(x, p->result.call_id);
    json_put_member(x->out, "name", result_name(x, &p->result));
    json_put_name(x->out, STR("response"));
    put_response(x, &p->result);
    if (x->t->facts.gemini.result_media && !put_result_media(x, m, p, true))
        return false;
    json_put_end(x->out);
    json_put_end(x->out);
    return true;
}

/* --- parts --------------------------------------------------------------------------------------
 */

/* The first call of a step must carry a signature where the model makes them. Steps behind the last
 * user's text are what is checked; all get it, so that what was sent once stays as it was and the
 * provider's cache of it holds. */
static void put_call(struct gemini_writer *x, const struct message *m, const struct part *p)
{
    struct text own = signature_of(x, p);
    bool wrapped;
    struct str args = call_object(&p->call, x->a, &wrapped);

    if (wrapped)
        approximate_path(x->w, canon_path(x->r, m, p, x->a));
    if (x->t->facts.gemini.signatures && !x->called && !x->counting && text_is_empty(own) &&
        text_is_empty(x->signature))
        own = TEXT_LIT(GEMINI_BYPASS);
    x->called = true;
    json_put_object(x->out);
    json_put_name(x->out, STR("functionCall"));
    json_put_object(x->out);
    put_id(x, p->call.id);
    json_put_member(x->out, "name", names_to_wire(x->w->names, p->call.name_space, p->call.name));
    json_put_member_raw(x->out, "args", args);
    json_put_end(x->out);
    put_signature(x, own);
    json_put_end(x->out);
}

/* A Gemini client's signature stays where it put it; for others it waits for what was thought
 * about. */
static void put_thinking(struct gemini_writer *x, const struct part *p)
{
    struct text sig = signature_of(x, p);
    bool keep = x->r->protocol == WIRE_GEMINI && !text_is_empty(p->text);

    if (x->counting)
        return;
    if (!text_is_empty(p->text)) {
        json_put_object(x->out);
        gemini_put_text(x, "text", p->text);
        json_put_member_bool(x->out, "thought", true);
        if (keep && !text_is_empty(sig))
            gemini_put_text(x, "thoughtSignature", sig);
        json_put_end(x->out);
    }
    if (keep || text_is_empty(sig))
        return;
    flush_signature(x);
    x->signature = sig;
}

/* Does the part show in the request at all? */
static bool part_shows(const struct gemini_writer *x, const struct part *p)
{
    switch (p->kind) {
    case PART_TEXT:
        return !text_is_empty(p->text) || !text_is_empty(signature_of(x, p));
    case PART_REFUSAL:
        return !text_is_empty(p->text);
    case PART_THINKING:
        return !x->counting && (!text_is_empty(p->text) || !text_is_empty(signature_of(x, p)));
    case PART_REDACTED:
        return false;
    case PART_IMAGE:
    case PART_DOCUMENT:
    case PART_AUDIO:
    case PART_VIDEO:
    case PART_TOOL_CALL:
    case PART_TOOL_RESULT:
    case PART_SERVER_CALL:
    case PART_SERVER_RESULT:
    case PART_SEARCH_RESULT:
    case PART_OPAQUE:
        return true;
    }
    return false;
}

static bool put_part(struct gemini_writer *x, const struct message *m, const struct part *p);

/* Text or a picture, with the signature of its own or the one that waits. */
static bool put_content(struct gemini_writer *x, const struct message *m, const struct part *p)
{
    struct text own = signature_of(x, p), text = part_as_text(x, p);

    if (p->kind == PART_DOCUMENT && p->media.source == MEDIA_PARTS) {
        for (const struct part *c = p->media.content; c != NULL; c = c->next)
            if (part_shows(x, c) && !put_part(x, m, c))
                return false;
        return true;
    }
    if (!text_is_empty(own))
        flush_signature(x);
    if (is_media(p)) {
        if (!open_media(x, p, canon_path(x->r, m, p, x->a)))
            return false;
    } else {
        json_put_object(x->out);
        gemini_put_text(x, "text", text);
    }
    put_signature(x, own);
    json_put_end(x->out);
    return true;
}

static bool put_part(struct gemini_writer *x, const struct message *m, const struct part *p)
{
    switch (p->kind) {
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_SEARCH_RESULT:
    case PART_IMAGE:
    case PART_DOCUMENT:
    case PART_AUDIO:
    case PART_VIDEO:
        return put_content(x, m, p);
    case PART_TOOL_CALL:
        if (!text_is_empty(signature_of(x, p)))
            flush_signature(x);
        put_call(x, m, p);
        return true;
    case PART_TOOL_RESULT:
        return put_result(x, m, p);
    case PART_THINKING:
        put_thinking(x, p);
        return true;
    case PART_SERVER_CALL:
    case PART_SERVER_RESULT:
    case PART_OPAQUE:
        json_put_raw(x->out, p->opaque.raw); /* Gemini's own: others were put into words before */
        return true;
    case PART_REDACTED:
        return true;
    }
    return true;
}

/* --- contents -----------------------------------------------------------------------------------
 */

/* Pictures of results that the model looks for behind them. */
static bool put_media_behind(struct gemini_writer *x, const struct message *m)
{
    for (const struct part *p = m->parts; p != NULL; p = p->next)
        if (p->kind == PART_TOOL_RESULT && !put_result_media(x, m, p, false))
            return false;
    return true;
}

static bool put_parts(struct gemini_writer *x, const struct message *m)
{
    bool behind = !x->t->facts.gemini.result_media, results = false;

    for (const struct part *p = m->parts; p != NULL; p = p->next) {
        if (results && p->kind != PART_TOOL_RESULT && behind) {
            if (!put_media_behind(x, m))
                return false;
            behind = false;
        }
        results = results || p->kind == PART_TOOL_RESULT;
        if (part_shows(x, p) && !put_part(x, m, p))
            return false;
    }
    return !results || !behind || put_media_behind(x, m);
}

static bool put_message(struct gemini_writer *x, const struct message *m)
{
    bool model = m->role == ROLE_ASSISTANT, shows = false;

    for (const struct part *p = m->parts; p != NULL && !shows; p = p->next)
        shows = part_shows(x, p);
    if (!shows)
        return true;
    x->called = false;
    x->signature = TEXT_EMPTY;
    json_put_object(x->out);
    json_put_member(x->out, "role", model ? STR("model") : STR("user"));
    json_put_name(x->out, STR("parts"));
    json_put_array(x->out);
    if (!put_parts(x, m))
        return false;
    flush_signature(x);
    json_put_end(x->out);
    json_put_end(x->out);
    if (model)
        x->next_call = m->parts;
    return true;
}

static bool put_messages(struct gemini_writer *x)
{
    for (const struct message *m = x->r->messages; m != NULL; m = m->next)
        if (!put_message(x, m))
            return false;
    return true;
}

static bool put_contents(struct gemini_writer *x)
{
    json_put_name(x->out, STR("contents"));
    json_put_array(x->out);
    if (!put_messages(x))
        return false;
    json_put_end(x->out);
    return true;
}

static void put_system(struct gemini_writer *x)
{
    bool begun = false;

    for (const struct part *p = x->r->system; p != NULL || x->ask_for_json;) {
        if (!begun) {
            json_put_name(x->out, STR("systemInstruction"));
            json_put_object(x->out);
            if (x->t->wire == WIRE_CLOUDCODE)
                json_put_member(x->out, "role", STR("user"));
            json_put_name(x->out, STR("parts"));
            json_put_array(x->out);
            begun = true;
        }
        if (p != NULL) {
            if (!text_is_empty(p->text))
                put_text_part(x, p->text);
            p = p->next;
            continue;
        }
        x->ask_for_json = false;
        put_text_part(x, TEXT_LIT("Answer with one JSON value and nothing else."));
        if (x->r->format.kind == FORMAT_SCHEMA)
            put_text_part(x, text_join(x->a, TEXT_LIT("It must fit this JSON Schema: "),
                                       text_from(x->a, x->r->format.schema)));
    }
    if (!begun)
        return;
    json_put_end(x->out);
    json_put_end(x->out);
}

/* --- the rest -----------------------------------------------------------------------------------
 */

static void put_tier(struct gemini_writer *x)
{
    struct str tier = x->r->service_tier;

    if (tier.len == 0 || str_eq(tier, STR("auto")))
        return;
    if (x->t->wire == WIRE_GEMINI && (str_eq(tier, STR("flex")) || str_eq(tier, STR("priority"))))
        json_put_member(x->out, "serviceTier", tier);
    else if (x->t->wire == WIRE_GEMINI && str_eq(tier, STR("default")))
        json_put_member(x->out, "serviceTier", STR("standard"));
    else if (!str_eq(tier, STR("default")))
        lose_field(x->w, FIELD_SERVICE_TIER);
}

static void lose_the_rest(struct gemini_writer *x)
{
    static const enum field lost[] = {
        FIELD_MIN_P,      FIELD_REPETITION_PENALTY, FIELD_LOGPROBS,  FIELD_TOP_LOGPROBS,
        FIELD_LOGIT_BIAS, FIELD_VERBOSITY,          FIELD_CACHE_KEY, FIELD_CACHE_OPTIONS,
        FIELD_USER,       FIELD_SAFETY_ID,          FIELD_METADATA,  FIELD_PREVIOUS_RESPONSE,
        FIELD_INCLUDE,
    };
    for (size_t i = 0; i < COUNT(lost); i++)
        lose_field(x->w, lost[i]);
    lose_cache_marks(x->w);
    if (x->r->store == TRI_YES)
        lose_field(x->w, FIELD_STORE);
    if (x->r->safety.len == 0)
        lose_field(x->w, FIELD_SAFETY);
}

bool gemini_write_members(struct request_writer *w)
{
    struct gemini_writer x = writer_of(w);

    x.ask_for_json = w->r->format.kind != FORMAT_TEXT && w->r->tools != NULL &&
                     !w->t->facts.gemini.schema_and_tools;
    if (!put_contents(&x))
        return false;
    put_system(&x);
    if (!gemini_put_tools(&x))
        return false;
    gemini_put_tool_config(&x);
    if (w->t->count) /* nothing else has tokens */
        return true;
    if (w->r->safety.len > 0)
        json_put_member_raw(x.out, "safetySettings", w->r->safety);
    if (!gemini_put_config(&x))
        return false;
    if (!text_is_empty(w->r->resume))
        gemini_put_text(&x, "continuationToken", w->r->resume);
    put_tier(&x);
    lose_the_rest(&x);
    if (gemini_has_extras(&x, STR("")))
        gemini_put_extras(&x, STR(""));
    return true;
}

/* Declarations as the text of a user: near enough to what they cost. */
static void put_counted_tools(struct gemini_writer *x)
{
    for (const struct tool *t = x->r->tools; t != NULL; t = t->next) {
        put_text_part(x, text_from(x->a, t->name));
        if (!text_is_empty(t->description))
            put_text_part(x, t->description);
        if (t->schema.len > 0)
            put_text_part(x, text_from(x->a, t->schema));
    }
}

bool gemini_write_counted(struct request_writer *w)
{
    struct gemini_writer x = writer_of(w);

    x.counting = true;
    json_put_name(x.out, STR("contents"));
    json_put_array(x.out);
    if (w->r->system != NULL || w->r->tools != NULL) {
        json_put_object(x.out);
        json_put_member(x.out, "role", STR("user"));
        json_put_name(x.out, STR("parts"));
        json_put_array(x.out);
        for (const struct part *p = w->r->system; p != NULL; p = p->next)
            if (!text_is_empty(p->text))
                put_text_part(&x, p->text);
        put_counted_tools(&x);
        json_put_end(x.out);
        json_put_end(x.out);
    }
    if (!put_messages(&x))
        return false;
    json_put_end(x.out);
    return true;
}

bool gemini_write(struct request_writer *w)
{
    json_put_object(w->w);
    if (w->t->count) {
        json_put_name(w->w, STR("generateContentRequest"));
        json_put_object(w->w);
        json_put_name(w->w, STR("model"));
        json_put_str(w->w,
                     str_starts(w->t->model, STR("models/"))
                         ? w->t->model
                         : arena_printf(w->a, "models/%.*s", (int)w->t->model.len, w->t->model.at));
    }
    if (!gemini_write_members(w))
        return false;
    if (w->t->count)
        json_put_end(w->w);
    json_put_end(w->w);
    return true;
}
