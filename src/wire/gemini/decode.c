/* wire/gemini/decode.c - GenerateContentResponse objects, whole or as chunks, as events.
 *
 * A chunk carries new text, whole calls and whole pictures; usage is the sum so far. Nothing says
 * that the stream is over: it ends, and was complete when a finishReason or the reason of a blocked
 * prompt had come. Source: ai.google.dev/api/generate-content, as of 2026-11. */
#include "wire/gemini/gemini_int.h"

#include "base/fingerprint.h"

#define NOTES_MAX 256

static struct str string_of(struct decoder *d, const struct json *doc, uint32_t node)
{
    struct str s = STR("");

    if (is_type(doc, node, JSON_STRING))
        (void)json_text(doc, node, d->scratch, &s);
    return s;
}

static struct text text_in(const struct json *doc, uint32_t node)
{
    return is_type(doc, node, JSON_STRING) ? text_of(doc, node) : TEXT_EMPTY;
}

/* --- parts --------------------------------------------------------------------------------------
 */

/* Raw JSON without its blanks, as the inside of a string. */
static struct text quoted_compact(struct arena *a, struct str raw)
{
    char *start = arena_alloc_raw(a, raw.len * 2 + 1), *to = start;
    bool inside = false;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];

        if (!inside && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
            continue;
        if (c == '"')
            inside = !inside;
        if (c == '"' || c == '\\')
            *to++ = '\\';
        *to++ = c;
        if (c == '\\') { /* what is escaped is no end of the string */
            c = raw.at[++i];
            if (c == '"' || c == '\\')
                *to++ = '\\';
            *to++ = c;
        }
    }
    return (struct text){ { start, (size_t)(to - start) } };
}

/* A call without an id gets one of the response's id and its place. */
static struct str call_id(struct decoder *d, struct gemini_decoder *s, struct str given)
{
    uint32_t ordinal = s->calls++;

    return given.len > 0 ? given : arena_printf(d->scratch, "call_%08x_%u", s->id, ordinal);
}

static void decode_call(struct decoder *d, struct gemini_decoder *s, uint32_t choice,
                        const struct json *doc, uint32_t node, const struct signature *sig)
{
    static const struct str names[] = { STR("id"), STR("name"), STR("args") };
    struct text args = TEXT_LIT("{}");
    uint32_t n[COUNT(names)];

    members_named(doc, node, names, n, COUNT(names));
    if (is_type(doc, n[2], JSON_OBJECT))
        args = quoted_compact(d->scratch, json_raw(doc, n[2]));
    decode_close(d, choice);
    if (sig->signer != SIGNER_NONE)
        decode_signature(d, choice, sig, false);
    decode_open_tool(d, choice, call_id(d, s, string_of(d, doc, n[0])), string_of(d, doc, n[1]),
                     STR(""), false);
    decode_delta(d, choice, args);
    decode_close(d, choice);
    s->content = true;
}

static bool is_open(const struct decoder *d, uint32_t choice, enum block_kind kind)
{
    return d->open && d->choice == choice && d->kind == kind;
}

static void decode_text(struct decoder *d, struct gemini_decoder *s, uint32_t choice, bool thought,
                        struct text text, const struct signature *sig)
{
    enum block_kind kind = thought ? BLOCK_THINKING : BLOCK_TEXT;
    bool open = d->open && d->choice == choice, signed_ = sig->signer != SIGNER_NONE;

    if (text_is_empty(text)) { /* only a signature: of what stands here */
        if (signed_)
            decode_signature(d, choice, sig, !open && (s->seen >> choice & 1) != 0 && s->content);
        return;
    }
    if (!thought && choice == 0) {
        if (!is_open(d, choice, kind)) {
            s->widths.count = 0;
            s->widths.lost = false;
        }
        widths_add(&s->widths, text.escaped);
    }
    decode_switch(d, choice, kind);
    if (signed_ && !thought)
        decode_signature(d, choice, sig, false);
    decode_delta(d, choice, text);
    if (signed_ && thought)
        decode_signature(d, choice, sig, false);
    s->content = true;
}

static void decode_blob(struct decoder *d, struct gemini_decoder *s, uint32_t choice,
                        const struct json *doc, uint32_t node, const struct signature *sig)
{
    static const struct str names[] = { STR("mimeType"), STR("data") };
    uint32_t n[COUNT(names)];

    members_named(doc, node, names, n, COUNT(names));
    decode_close(d, choice);
    if (sig->signer != SIGNER_NONE)
        decode_signature(d, choice, sig, false);
    decode_media(d, choice, text_in(doc, n[0]), text_in(doc, n[1]));
    s->content = true;
}

enum {
    PART_IS_TEXT,
    PART_IS_CALL,
    PART_IS_BLOB,
    PART_IS_CODE, /* from here on: the service's own tools */
    PART_IS_CODE_RESULT,
    PART_IS_SERVER_CALL,
    PART_IS_SERVER_RESULT,
    PART_KINDS,
    PART_HAS_THOUGHT = PART_KINDS,
    PART_HAS_SIGNATURE,
    PART_MEMBERS,
};

static const struct str part_names[PART_MEMBERS] = {
    [PART_IS_TEXT] = STR("text"),
    [PART_IS_CALL] = STR("functionCall"),
    [PART_IS_BLOB] = STR("inlineData"),
    [PART_IS_CODE] = STR("executableCode"),
    [PART_IS_CODE_RESULT] = STR("codeExecutionResult"),
    [PART_IS_SERVER_CALL] = STR("toolCall"),
    [PART_IS_SERVER_RESULT] = STR("toolResponse"),
    [PART_HAS_THOUGHT] = STR("thought"),
    [PART_HAS_SIGNATURE] = STR("thoughtSignature"),
};

static void decode_server_part(struct decoder *d, struct gemini_decoder *s, uint32_t choice,
                               const struct json *doc, uint32_t part, uint32_t node, int kind)
{
    bool code = kind == PART_IS_CODE || kind == PART_IS_CODE_RESULT;
    uint32_t type = member(doc, node, "toolType");

    decode_server(d, choice,
                  &(struct opaque){
                      .wire = WIRE_GEMINI,
                      .type = part_names[kind],
                      .raw = json_raw(doc, part),
                      .id = string_of(d, doc, member(doc, node, "id")),
                      .name = code ? STR("code_execution") : string_of(d, doc, type),
                  });
    s->content = true;
}

static void decode_part(struct decoder *d, struct gemini_decoder *s, uint32_t choice,
                        const struct json *doc, uint32_t part)
{
    struct signature sig = { .signer = SIGNER_NONE };
    uint32_t n[PART_MEMBERS];

    members_named(doc, part, part_names, n, PART_MEMBERS);
    bool thought = n[PART_HAS_THOUGHT] != JSON_NONE && json_is_true(doc, n[PART_HAS_THOUGHT]);
    struct text blob = text_in(doc, n[PART_HAS_SIGNATURE]);

    if (!text_is_empty(blob))
        sig = (struct signature){ .signer = SIGNER_GOOGLE, .blob = blob };
    if (is_type(doc, n[PART_IS_CALL], JSON_OBJECT)) {
        decode_call(d, s, choice, doc, n[PART_IS_CALL], &sig);
        return;
    }
    if (is_type(doc, n[PART_IS_BLOB], JSON_OBJECT)) {
        if (!thought) /* a picture the model thought with is none of the answer */
            decode_blob(d, s, choice, doc, n[PART_IS_BLOB], &sig);
        return;
    }
    for (int i = PART_IS_CODE; i < PART_KINDS; i++)
        if (is_type(doc, n[i], JSON_OBJECT)) {
            decode_server_part(d, s, choice, doc, part, n[i], i);
            return;
        }
    decode_text(d, s, choice, thought, text_in(doc, n[PART_IS_TEXT]), &sig);
}

/* --- citations ----------------------------------------------------------------------------------
 */

static void note(struct decoder *d, struct gemini_decoder *s, const struct json *doc,
                 uint32_t source, struct canon_note n)
{
    static const struct str kinds[] = { STR("web"), STR("retrievedContext"), STR("maps") };

    for (size_t i = 0; i < COUNT(kinds) && n.url.len == 0; i++) {
        uint32_t inner = member_named(doc, source, kinds[i]);

        n.url = string_of(d, doc, member(doc, inner, "uri"));
        n.title = string_of(d, doc, member(doc, inner, "title"));
    }
    if (n.url.len == 0 || s->notes == NOTES_MAX)
        return;
    s->notes++;
    decode_note(d, 0, &n);
}

/* The n-th element; JSON_NONE beyond the end. */
static uint32_t element(const struct json *doc, uint32_t list, int64_t n)
{
    uint32_t e = is_type(doc, list, JSON_ARRAY) ? json_first(doc, list) : JSON_NONE;

    for (; e != JSON_NONE && n > 0; n--)
        e = json_after(doc, list, e);
    return e;
}

/* Places are bytes of the text, for everybody else code points. */
static void read_place(const struct gemini_decoder *s, const struct json *doc, uint32_t segment,
                       struct canon_note *n)
{
    uint32_t first = member(doc, segment, "startIndex"), last = member(doc, segment, "endIndex");
    int64_t start = 0, end = -1;

    if (first != JSON_NONE)
        (void)json_i64(doc, first, &start);
    if (last != JSON_NONE)
        (void)json_i64(doc, last, &end);
    n->start = widths_points(&s->widths, start);
    n->end = widths_points(&s->widths, end);
    if (s->widths.lost || n->start < 0 || n->end < n->start)
        n->start = n->end = -1;
}

static void decode_support(struct decoder *d, struct gemini_decoder *s, const struct json *doc,
                           uint32_t support, uint32_t sources)
{
    uint32_t segment = member(doc, support, "segment");
    uint32_t indexes = member(doc, support, "groundingChunkIndices");
    int64_t index;
    struct canon_note n = {
        .cited = text_in(doc, member(doc, segment, "text")),
        .raw = json_raw(doc, support),
    };

    read_place(s, doc, segment, &n);
    if (!is_type(doc, indexes, JSON_ARRAY))
        return;
    for (uint32_t e = json_first(doc, indexes); e != JSON_NONE && s->notes < NOTES_MAX;
         e = json_after(doc, indexes, e)) {
        uint32_t source = json_i64(doc, e, &index) && index >= 0 && index < NOTES_MAX
                              ? element(doc, sources, index)
                              : JSON_NONE;

        if (is_type(doc, source, JSON_OBJECT))
            note(d, s, doc, source, n);
    }
}

static void decode_grounding(struct decoder *d, struct gemini_decoder *s, const struct json *doc,
                             uint32_t grounding)
{
    uint32_t sources = member(doc, grounding, "groundingChunks");
    uint32_t supports = member(doc, grounding, "groundingSupports");

    if (is_type(doc, supports, JSON_ARRAY) && doc->nodes[supports].count > 0) {
        for (uint32_t e = json_first(doc, supports); e != JSON_NONE && s->notes < NOTES_MAX;
             e = json_after(doc, supports, e))
            if (json_type(doc, e) == JSON_OBJECT)
                decode_support(d, s, doc, e, sources);
        return;
    }
    if (!is_type(doc, sources, JSON_ARRAY))
        return;
    for (uint32_t e = json_first(doc, sources); e != JSON_NONE && s->notes < NOTES_MAX;
         e = json_after(doc, sources, e))
        if (json_type(doc, e) == JSON_OBJECT)
            note(d, s, doc, e,
                 (struct canon_note){ .start = -1, .end = -1, .raw = json_raw(doc, e) });
}

/* What the model recited, and from where. */
static void decode_recited(struct decoder *d, struct gemini_decoder *s, const struct json *doc,
                           uint32_t citations)
{
    uint32_t list = member(doc, citations, "citationSources");

    if (list == JSON_NONE)
        list = member(doc, citations, "citations");
    if (!is_type(doc, list, JSON_ARRAY))
        return;
    for (uint32_t e = json_first(doc, list); e != JSON_NONE && s->notes < NOTES_MAX;
         e = json_after(doc, list, e)) {
        struct canon_note n = { .raw = json_raw(doc, e) };

        if (json_type(doc, e) != JSON_OBJECT)
            continue;
        n.url = string_of(d, doc, member(doc, e, "uri"));
        n.title = string_of(d, doc, member(doc, e, "title"));
        read_place(s, doc, e, &n);
        note(d, s, doc, JSON_NONE, n);
    }
}

/* --- candidates ---------------------------------------------------------------------------------
 */

static void decode_candidate(struct decoder *d, struct gemini_decoder *s, const struct json *doc,
                             uint32_t candidate)
{
    enum { CONTENT, REASON, INDEX, GROUNDING, RECITED, RESUME };
    static const struct str names[] = {
        [CONTENT] = STR("content"),
        [REASON] = STR("finishReason"),
        [INDEX] = STR("index"),
        [GROUNDING] = STR("groundingMetadata"),
        [RECITED] = STR("citationMetadata"),
        [RESUME] = STR("continuationToken"),
    };
    uint32_t n[COUNT(names)], parts;
    int64_t choice = 0;

    members_named(doc, candidate, names, n, COUNT(names));
    if (n[INDEX] != JSON_NONE &&
        (!json_i64(doc, n[INDEX], &choice) || choice < 0 || choice >= GEMINI_CHOICES))
        return;
    s->seen |= 1u << choice;
    parts = is_type(doc, n[CONTENT], JSON_OBJECT) ? member(doc, n[CONTENT], "parts") : JSON_NONE;
    if (is_type(doc, parts, JSON_ARRAY))
        for (uint32_t e = json_first(doc, parts); e != JSON_NONE; e = json_after(doc, parts, e))
            if (json_type(doc, e) == JSON_OBJECT)
                decode_part(d, s, (uint32_t)choice, doc, e);
    if (choice == 0 && is_type(doc, n[GROUNDING], JSON_OBJECT))
        decode_grounding(d, s, doc, n[GROUNDING]);
    if (choice == 0 && is_type(doc, n[RECITED], JSON_OBJECT))
        decode_recited(d, s, doc, n[RECITED]);
    if (is_type(doc, n[REASON], JSON_STRING)) {
        decode_close(d, (uint32_t)choice);
        s->ends[choice].cause = gemini_cause(json_inside(doc, n[REASON]), &s->ends[choice].word);
        if (choice == 0 && is_type(doc, n[RESUME], JSON_STRING) &&
            json_says(doc, n[REASON], STR("CONTINUATION"))) {
            s->resume.max = GEMINI_RESUME_MAX;
            (void)buf_add(&s->resume, json_inside(doc, n[RESUME]));
        }
    }
}

static void decode_feedback(struct gemini_decoder *s, const struct json *doc, uint32_t feedback)
{
    uint32_t reason = member(doc, feedback, "blockReason");

    if (!is_type(doc, reason, JSON_STRING) ||
        json_says(doc, reason, STR("BLOCK_REASON_UNSPECIFIED")))
        return;
    s->blocked = true;
    (void)gemini_cause(json_inside(doc, reason), &s->ends[0].word);
}

/* --- chunks -------------------------------------------------------------------------------------
 */

static uint32_t short_id(struct str id)
{
    struct fingerprint f = { { 0, 0 } };

    fingerprint_add(&f, id);
    return (uint32_t)f.lane[0];
}

enum decoded gemini_decode_chunk(struct decoder *d, const struct json *doc, uint32_t chunk,
                                 struct str id)
{
    enum { CANDIDATES, FEEDBACK, USAGE, MODEL, ID, ERROR };
    static const struct str names[] = {
        [CANDIDATES] = STR("candidates"), [FEEDBACK] = STR("promptFeedback"),
        [USAGE] = STR("usageMetadata"),   [MODEL] = STR("modelVersion"),
        [ID] = STR("responseId"),         [ERROR] = STR("error"),
    };
    struct gemini_decoder *s = d->state;
    uint32_t n[COUNT(names)];

    members_named(doc, chunk, names, n, COUNT(names));
    if (n[ERROR] != JSON_NONE)
        return DECODED_ERROR;
    if (n[CANDIDATES] == JSON_NONE && n[FEEDBACK] == JSON_NONE && n[USAGE] == JSON_NONE)
        return DECODED_BAD;
    if (!d->started) {
        if (id.len == 0)
            id = string_of(d, doc, n[ID]);
        s->id = short_id(id.len > 0 ? id : (struct str){ (const char *)&d->seed, sizeof(d->seed) });
        decode_start(d, id, string_of(d, doc, n[MODEL]));
    }
    usage_read(&d->usage, WIRE_GEMINI, doc, n[USAGE]);
    if (!s->used && usage_is_known(&d->usage)) {
        s->used = true;
        decode_usage(d);
    }
    if (is_type(doc, n[CANDIDATES], JSON_ARRAY))
        for (uint32_t e = json_first(doc, n[CANDIDATES]); e != JSON_NONE;
             e = json_after(doc, n[CANDIDATES], e))
            if (json_type(doc, e) == JSON_OBJECT)
                decode_candidate(d, s, doc, e);
    if (is_type(doc, n[FEEDBACK], JSON_OBJECT))
        decode_feedback(s, doc, n[FEEDBACK]);
    return DECODED_MORE;
}

enum decoded gemini_decode_event(struct decoder *d, struct str name, const struct json *doc)
{
    (void)name;
    return gemini_decode_chunk(d, doc, 0, STR(""));
}

bool gemini_decode_again(struct decoder *d, struct text text)
{
    struct gemini_decoder *s = d->state;

    if (d->kind == BLOCK_TEXT && d->choice == 0)
        widths_add(&s->widths, text.escaped);
    decode_delta(d, d->choice, text);
    return true;
}

/* A stream that just stops without a finishReason of each candidate asked for was cut, however
 * clean its framing. Only an answer in one piece, or one whose end is said otherwise (`[DONE]`),
 * may leave it out, as some of what answers in Gemini's name does. */
enum decoded gemini_decode_done(struct decoder *d, bool eof, bool clean)
{
    struct gemini_decoder *s = d->state;
    uint32_t finished = 0, wanted = eof && d->choices > 1 ? d->choices : 1;

    (void)clean;
    for (uint32_t i = 0; i < GEMINI_CHOICES; i++)
        finished += s->ends[i].cause != STOP_NONE;
    if (!s->blocked && finished < wanted && !(s->content && !eof))
        return DECODED_CUT;
    if (s->blocked && (s->seen & 1) == 0) {
        s->seen |= 1;
        s->ends[0].cause = STOP_FILTER;
    }
    for (uint32_t i = 0; i < GEMINI_CHOICES; i++) {
        enum stop_cause cause = s->ends[i].cause == STOP_NONE ? STOP_DONE : s->ends[i].cause;
        bool plain = cause == STOP_DONE || cause == STOP_LENGTH;

        if (i == 0)
            d->resume = (struct text){ buf_str(&s->resume) };
        if ((s->seen >> i & 1) != 0)
            decode_finish(d, i, cause, (struct text){ plain ? STR("") : s->ends[i].word });
    }
    if (usage_is_known(&d->usage))
        decode_usage(d);
    return decode_end(d);
}

enum decoded gemini_decode_whole(struct decoder *d, const struct json *doc)
{
    enum decoded said = gemini_decode_event(d, STR(""), doc);

    return said == DECODED_MORE ? gemini_decode_done(d, false, true) : said;
}

void gemini_decode_clear(void *state)
{
    struct gemini_decoder *s = state;

    widths_clear(&s->widths);
    buf_clear(&s->resume);
}
