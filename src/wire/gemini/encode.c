/* wire/gemini/encode.c - events, or a whole answer, as GenerateContentResponse.
 *
 * In a stream each piece of text is a chunk; a call is said whole, so its arguments are kept until
 * it is closed, and the last one until the end, whose finishReason stands in its chunk. Signatures
 * ride on the next part that is no thought. Source: ai.google.dev/api/generate-content, as of
 * 2026-11; clients drop a chunk without parts, so there is always one. */
#include "wire/gemini/gemini_int.h"

#include <stdlib.h>

#include "wire/signature.h"

#define ARGUMENTS_MAX ((size_t)4 << 20)  /* of one call */
#define ARGUMENTS_KEPT ((size_t)4 << 10) /* room that stays for the next call */
#define SIGNATURE_MAX ((size_t)1 << 20)
#define GROUNDING_MAX ((size_t)64 << 10) /* of citations; more are left out */

/* --- parts --------------------------------------------------------------------------------------
 */

static void put_inside(struct json_writer *w, const char *name, struct str inside)
{
    json_put_name(w, str_c(name));
    json_put_inside(w, inside);
}

static void close_part(struct json_writer *w, struct text signature)
{
    if (!text_is_empty(signature))
        put_inside(w, "thoughtSignature", signature.escaped);
    json_put_end(w);
}

static void put_text(struct json_writer *w, struct text text, bool thought, struct text signature)
{
    json_put_object(w);
    put_inside(w, "text", text.escaped);
    if (thought)
        json_put_member_bool(w, "thought", true);
    close_part(w, signature);
}

static void put_blob(struct json_writer *w, struct text mime, struct text data,
                     struct text signature)
{
    json_put_object(w);
    json_put_name(w, STR("inlineData"));
    json_put_object(w);
    put_inside(w, "mimeType", mime.escaped);
    put_inside(w, "data", data.escaped);
    json_put_end(w);
    close_part(w, signature);
}

/* `arguments`: a JSON object, as call_object() gives it. */
static void put_call(struct json_writer *w, const struct encode_options *o, struct str id,
                     struct str name, struct str arguments, struct text signature, struct arena *a)
{
    json_put_object(w);
    json_put_name(w, STR("functionCall"));
    json_put_object(w);
    json_put_member(w, "id", call_id_for(WIRE_GEMINI, id, 0, a));
    json_put_member(w, "name", names_to_client(o->names, name, NULL));
    json_put_member_raw(w, "args", arguments);
    json_put_end(w);
    close_part(w, signature);
}

/* --- around the parts ---------------------------------------------------------------------------
 */

static void open_candidate(struct json_writer *w)
{
    json_put_object(w);
    json_put_name(w, STR("content"));
    json_put_object(w);
    json_put_member(w, "role", STR("model"));
    json_put_name(w, STR("parts"));
    json_put_array(w);
}

/* Behind the parts; `reason` empty: it goes on. */
static void close_candidate(struct json_writer *w, uint32_t choice, struct str reason,
                            const struct grounding *g)
{
    json_put_end(w);
    json_put_end(w);
    if (reason.len > 0)
        json_put_member(w, "finishReason", reason);
    json_put_member_i64(w, "index", choice);
    if (g != NULL && g->count > 0) {
        json_put_name(w, STR("groundingMetadata"));
        json_put_object(w);
        json_put_name(w, STR("groundingChunks"));
        json_put_array(w);
        json_put_raw(w, buf_str(&g->sources));
        json_put_end(w);
        json_put_name(w, STR("groundingSupports"));
        json_put_array(w);
        json_put_raw(w, buf_str(&g->supports));
        json_put_end(w);
        json_put_end(w);
    }
    json_put_end(w);
}

/* Thoughts are counted beside the candidates; what is nothing is left out. */
static void put_usage(struct json_writer *w, const struct usage *u)
{
    int64_t in = u->in < 0 ? 0 : u->in, out = u->out < 0 ? 0 : u->out;
    int64_t reasoning = u->reasoning < 0 ? 0 : u->reasoning, total;

    if (!usage_is_known(u))
        return;
    if (__builtin_add_overflow(in, out, &total))
        total = INT64_MAX;
    json_put_name(w, STR("usageMetadata"));
    json_put_object(w);
    json_put_member_i64(w, "promptTokenCount", in);
    if (u->cache_read > 0)
        json_put_member_i64(w, "cachedContentTokenCount", u->cache_read);
    json_put_member_i64(w, "candidatesTokenCount", out - reasoning);
    if (reasoning > 0)
        json_put_member_i64(w, "thoughtsTokenCount", reasoning);
    json_put_member_i64(w, "totalTokenCount", total);
    json_put_end(w);
}

static void open_response(struct json_writer *w)
{
    json_put_object(w);
    json_put_name(w, STR("candidates"));
    json_put_array(w);
}

static void close_response(struct json_writer *w, const struct encode_options *o,
                           const struct usage *usage)
{
    json_put_end(w);
    if (usage != NULL)
        put_usage(w, usage);
    json_put_member(w, "modelVersion", o->model);
    json_put_member(w, "responseId", o->id);
    json_put_end(w);
}

/* --- citations ----------------------------------------------------------------------------------
 */

static void grounding_init(struct grounding *g)
{
    buf_init(&g->sources, GROUNDING_MAX);
    buf_init(&g->supports, GROUNDING_MAX);
}

static void grounding_clear(struct grounding *g)
{
    buf_clear(&g->sources);
    buf_clear(&g->supports);
}

/* `start` and `end` in bytes of the text; -1: the whole of it is not known. */
static void grounding_add(struct grounding *g, const struct canon_note *n, int64_t start,
                          int64_t end)
{
    size_t sources = g->sources.len, supports = g->supports.len;
    struct json_writer w = json_writer(&g->sources);
    bool fits =
        g->count == 0 || (buf_add_char(&g->sources, ',') && buf_add_char(&g->supports, ','));

    json_put_object(&w);
    json_put_name(&w, STR("web"));
    json_put_object(&w);
    json_put_member(&w, "uri", n->url);
    json_put_member(&w, "title", n->title);
    json_put_end(&w);
    json_put_end(&w);
    fits = fits && json_written(&w);

    w = json_writer(&g->supports);
    json_put_object(&w);
    json_put_name(&w, STR("segment"));
    json_put_object(&w);
    if (start >= 0 && end >= start) {
        json_put_member_i64(&w, "startIndex", start);
        json_put_member_i64(&w, "endIndex", end);
    }
    if (!text_is_empty(n->cited) && n->start >= 0) /* else it is the source's text, not ours */
        put_inside(&w, "text", n->cited.escaped);
    json_put_end(&w);
    json_put_name(&w, STR("groundingChunkIndices"));
    json_put_array(&w);
    json_put_i64(&w, g->count);
    json_put_end(&w);
    json_put_end(&w);
    if (fits && json_written(&w)) {
        g->count++;
        return;
    }
    g->sources.len = sources;
    g->supports.len = supports;
}

/* `from`: code points of the text in front of the block that is cited. A note without a place is of
 * all that was said in it. */
static void note_add(struct grounding *g, const struct canon_note *n, const struct widths *widths,
                     int64_t from)
{
    int64_t start = -1, end = -1;

    if (!widths->lost) {
        bool exact = n->start >= 0;

        start = widths_bytes(widths, exact ? from + n->start : from);
        end = widths_bytes(widths, exact ? from + n->end : widths_total(widths));
    }
    grounding_add(g, n, start, end);
}

/* --- a stream -----------------------------------------------------------------------------------
 */

static struct gemini_encoder *state_of(struct encoder *e)
{
    struct gemini_encoder *s = e->state;

    if (s->arguments.max == 0) {
        buf_init(&s->arguments, ARGUMENTS_MAX);
        buf_init(&s->call, ARGUMENTS_MAX);
        buf_init(&s->signature, SIGNATURE_MAX);
        grounding_init(&s->grounding);
    }
    return s;
}

static void put(struct encoder *e, struct str bytes)
{
    if (e->full || !buf_add(e->out, bytes))
        e->full = true;
}

/* What stands behind the candidates of each chunk but the last. */
static void tail_make(struct gemini_encoder *s, const struct encode_options *o)
{
    struct buf b;

    if (s->tail.len > 0)
        return;
    buf_init(&b, o->model.len * 6 + o->id.len * 6 + 64);
    bool fits = buf_add(&b, STR("],\"modelVersion\":")) && json_quote(&b, o->model) &&
                buf_add(&b, STR(",\"responseId\":")) && json_quote(&b, o->id) &&
                buf_add(&b, o->json_array ? STR("}") : STR("}\n\n"));

    assert(fits); /* six bytes for each of theirs, and ours */
    s->tail = b;
}

/* A chunk with a text: what most of a stream is made of. */
static void text_chunk(struct gemini_encoder *s, struct encoder *e, uint32_t choice,
                       struct text text, bool thought, struct text signature)
{
    tail_make(s, e->o);
    put(e, !e->o->json_array ? STR("data: ") : e->begun ? STR(",\r\n") : STR("["));
    e->begun = true;
    put(e, STR("{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\""));
    put(e, text.escaped);
    put(e, thought ? STR("\",\"thought\":true") : STR("\""));
    if (!text_is_empty(signature)) {
        put(e, STR(",\"thoughtSignature\":\""));
        put(e, signature.escaped);
        put(e, STR("\""));
    }
    put(e, STR("}]},\"index\":"));
    if (e->full || !buf_add_u64(e->out, choice))
        e->full = true;
    put(e, STR("}"));
    put(e, buf_str(&s->tail));
}

static struct json_writer open_chunk(struct encoder *e)
{
    struct json_writer w = encode_begin(e, STR(""));

    open_response(&w);
    open_candidate(&w);
    return w;
}

static void close_chunk(struct encoder *e, struct json_writer *w, uint32_t choice)
{
    close_candidate(w, choice, STR(""), NULL);
    close_response(w, e->o, NULL);
    encode_finish(e, w);
}

/* The signature that waits for a part of this choice; it waits no more. The bytes stay until the
 * next one is taken. */
static struct text take_signature(struct gemini_encoder *s, uint32_t choice)
{
    struct text sig = { buf_str(&s->signature) };

    if (s->signature.len == 0 || s->signature_choice != choice)
        return TEXT_EMPTY;
    s->signature.len = 0;
    return sig;
}

static void put_held(struct gemini_encoder *s, struct encoder *e, struct json_writer *w,
                     struct str arguments)
{
    struct str both = buf_str(&s->call);

    put_call(w, e->o, str_take(both, s->id_len), str_drop(both, s->id_len), arguments,
             take_signature(s, s->held_choice), e->scratch);
    s->held = false;
}

static struct str held_arguments(struct gemini_encoder *s, struct encoder *e, bool *wrapped)
{
    struct tool_call call = { .custom = s->custom, .text = { buf_str(&s->arguments) } };

    return call_object(&call, e->scratch, wrapped);
}

static void flush_call(struct gemini_encoder *s, struct encoder *e)
{
    struct json_writer w;
    bool wrapped;

    if (!s->held)
        return;
    w = open_chunk(e);
    put_held(s, e, &w, held_arguments(s, e, &wrapped));
    close_chunk(e, &w, s->held_choice);
}

/* A signature that finds no part of its own rides on an empty text. */
static void flush_signature(struct gemini_encoder *s, struct encoder *e)
{
    if (s->signature.len == 0)
        return;
    text_chunk(s, e, s->signature_choice, TEXT_EMPTY, false,
               take_signature(s, s->signature_choice));
}

static void on_open(struct gemini_encoder *s, struct encoder *e, const struct canon_event *ev)
{
    flush_call(s, e);
    if (ev->block == BLOCK_THINKING && e->o->show_thinking)
        flush_signature(s, e); /* it stands before this thought, and says so by its place */
    s->redacted = ev->block == BLOCK_REDACTED;
    if (ev->block == BLOCK_TEXT && ev->choice == 0)
        s->block_points = widths_total(&s->widths);
    if (ev->block != BLOCK_TOOL)
        return;
    if (s->arguments.cap > ARGUMENTS_KEPT)
        buf_clear(&s->arguments);
    s->arguments.len = s->call.len = 0;
    s->id_len = ev->id.len;
    s->custom = ev->custom;
    if (!buf_add(&s->call, ev->id) || !buf_add(&s->call, ev->name))
        e->full = true;
}

static void on_delta(struct gemini_encoder *s, struct encoder *e, const struct canon_event *ev)
{
    bool thought = ev->block == BLOCK_THINKING;
    struct text text = ev->text;

    if (ev->block == BLOCK_TOOL) {
        if (!buf_add(&s->arguments, text.escaped))
            e->full = true;
        return;
    }
    if (thought && !e->o->show_thinking)
        return;
    if (thought && ev->summary_break)
        text = text_join(e->scratch, TEXT_LIT("\\n\\n"), text);
    if (ev->block == BLOCK_TEXT && ev->choice == 0)
        widths_add(&s->widths, text.escaped);
    text_chunk(s, e, ev->choice, text, thought,
               thought ? TEXT_EMPTY : take_signature(s, ev->choice));
}

static void on_signature(struct gemini_encoder *s, struct encoder *e, const struct canon_event *ev)
{
    struct text sig = signature_wrap(&ev->sig, WIRE_GEMINI, e->scratch);

    flush_call(s, e);
    flush_signature(s, e);
    s->signature_choice = ev->choice;
    if (!buf_add(&s->signature, sig.escaped))
        e->full = true;
    if (ev->sig_behind)
        flush_signature(s, e);
}

static void on_media(struct gemini_encoder *s, struct encoder *e, const struct canon_event *ev)
{
    struct json_writer w;

    flush_call(s, e);
    w = open_chunk(e);
    put_blob(&w, ev->mime, ev->text, take_signature(s, ev->choice));
    close_chunk(e, &w, ev->choice);
}

static bool is_own(const struct opaque *server)
{
    return server->wire == WIRE_GEMINI || server->wire == WIRE_CLOUDCODE;
}

/* What another provider's tools do has no form here: their answer is in the text. */
static void on_server(struct gemini_encoder *s, struct encoder *e, const struct canon_event *ev)
{
    struct json_writer w;

    flush_call(s, e);
    if (!is_own(&ev->server))
        return;
    w = open_chunk(e);
    json_put_raw(&w, ev->server.raw);
    close_chunk(e, &w, ev->choice);
}

static void on_finish(struct gemini_encoder *s, struct encoder *e, const struct canon_event *ev)
{
    if (s->count == GEMINI_CHOICES)
        return;
    s->ends[s->count].choice = ev->choice;
    s->ends[s->count].reason = gemini_reason(ev->cause, text_plain(e->scratch, ev->detail));
    s->ends[s->count].cut = ev->cause == STOP_LENGTH || ev->cause == STOP_CONTEXT_FULL;
    s->count++;
}

/* One chunk says how all of them ended. */
static void on_end(struct gemini_encoder *s, struct encoder *e)
{
    struct json_writer w = encode_begin(e, STR(""));

    open_response(&w);
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t choice = s->ends[i].choice;
        bool wrapped = false, call = s->held && s->held_choice == choice;
        struct str arguments = call ? held_arguments(s, e, &wrapped) : STR("");

        open_candidate(&w);
        if (call && !(wrapped && s->ends[i].cut))
            put_held(s, e, &w, arguments);
        else
            put_text(&w, TEXT_EMPTY, false, take_signature(s, choice));
        close_candidate(&w, choice, s->ends[i].reason, choice == 0 ? &s->grounding : NULL);
    }
    close_response(&w, e->o, s->used ? &s->usage : NULL);
    encode_finish(e, &w);
    if (e->o->json_array && !buf_add(e->out, STR("]")))
        e->full = true;
}

void gemini_encode_event(struct encoder *e, const struct canon_event *ev)
{
    struct gemini_encoder *s = state_of(e);

    switch (ev->kind) {
    case CANON_START:
        break;
    case CANON_OPEN:
        on_open(s, e, ev);
        break;
    case CANON_DELTA:
        on_delta(s, e, ev);
        break;
    case CANON_SIGNATURE:
        on_signature(s, e, ev);
        break;
    case CANON_NOTE:
        if (ev->choice == 0)
            note_add(&s->grounding, &ev->note, &s->widths, s->block_points);
        break;
    case CANON_MEDIA:
        on_media(s, e, ev);
        break;
    case CANON_SERVER:
        on_server(s, e, ev);
        break;
    case CANON_CLOSE:
        s->held = s->held || ev->block == BLOCK_TOOL;
        if (ev->block == BLOCK_TOOL)
            s->held_choice = ev->choice;
        break;
    case CANON_USAGE:
        s->usage = ev->usage;
        s->used = true;
        break;
    case CANON_FINISH:
        on_finish(s, e, ev);
        break;
    case CANON_END:
        on_end(s, e);
        break;
    }
}

void gemini_encode_clear(void *state)
{
    struct gemini_encoder *s = state;

    buf_clear(&s->arguments);
    buf_clear(&s->call);
    buf_clear(&s->signature);
    buf_clear(&s->tail);
    grounding_clear(&s->grounding);
    widths_clear(&s->widths);
}

/* --- whole --------------------------------------------------------------------------------------
 */

struct whole {
    struct json_writer w;
    const struct encode_options *o;
    struct arena *a;
    struct text signature; /* waits for a part */
    uint32_t parts;
    struct widths widths;
    struct grounding grounding;
};

static struct text take_pending(struct whole *x)
{
    struct text sig = x->signature;

    x->signature = TEXT_EMPTY;
    x->parts++;
    return sig;
}

/* A signature that finds no part of its own rides on an empty text. */
static void flush_pending(struct whole *x)
{
    if (!text_is_empty(x->signature))
        put_text(&x->w, TEXT_EMPTY, false, take_pending(x));
}

static void pend(struct whole *x, const struct signature *sig)
{
    if (sig->signer == SIGNER_NONE)
        return;
    flush_pending(x);
    x->signature = signature_wrap(sig, WIRE_GEMINI, x->a);
}

static void whole_text(struct whole *x, const struct answer_block *b)
{
    int64_t from = widths_total(&x->widths);
    struct text text = answer_text(b);

    pend(x, &b->sig);
    if (text_is_empty(text))
        return;
    if (b->choice == 0)
        widths_add(&x->widths, text.escaped);
    put_text(&x->w, text, false, take_pending(x));
    for (uint32_t i = 0; i < b->note_count && b->choice == 0; i++)
        note_add(&x->grounding, &b->notes[i], &x->widths, from);
}

static void whole_call(struct whole *x, const struct answer_block *b, bool cut)
{
    struct tool_call call = { .custom = b->custom, .text = answer_text(b) };
    bool wrapped;
    struct str arguments = call_object(&call, x->a, &wrapped);

    pend(x, &b->sig);
    if (!wrapped || !cut)
        put_call(&x->w, x->o, b->id, b->name, arguments, take_pending(x), x->a);
}

static void whole_block(struct whole *x, const struct answer_block *b, bool cut)
{
    if (b->is_media) {
        pend(x, &b->sig);
        put_blob(&x->w, b->mime, answer_text(b), take_pending(x));
        return;
    }
    if (b->is_server) {
        if (is_own(&b->server)) {
            x->parts++;
            json_put_raw(&x->w, b->server.raw);
        }
        return;
    }
    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        whole_text(x, b);
        break;
    case BLOCK_THINKING:
        if (x->o->show_thinking && !text_is_empty(answer_text(b))) {
            flush_pending(x);
            put_text(&x->w, answer_text(b), true, TEXT_EMPTY);
            x->parts++;
        }
        pend(x, &b->sig);
        break;
    case BLOCK_REDACTED:
        pend(x, &b->sig);
        break;
    case BLOCK_TOOL:
        whole_call(x, b, cut);
        break;
    }
}

static void whole_choice(struct whole *x, const struct canon_answer *an, uint32_t choice)
{
    struct answer_choice end = { .cause = STOP_DONE };

    if (choice < an->choice_count)
        end = an->choices[choice];
    bool cut = end.cause == STOP_LENGTH || end.cause == STOP_CONTEXT_FULL;

    x->parts = 0;
    open_candidate(&x->w);
    for (const struct answer_block *b = an->blocks; b != NULL; b = b->next)
        if (b->choice == choice)
            whole_block(x, b, cut);
    if (x->parts == 0 || !text_is_empty(x->signature))
        put_text(&x->w, TEXT_EMPTY, false, take_pending(x));
    close_candidate(&x->w, choice, gemini_reason(end.cause, text_plain(x->a, end.detail)),
                    choice == 0 ? &x->grounding : NULL);
}

bool gemini_encode_whole(const struct canon_answer *an, const struct encode_options *o,
                         struct arena *scratch, struct buf *out)
{
    struct whole x = { .w = json_writer(out), .o = o, .a = scratch };
    uint32_t choices = an->choice_count > 0 ? an->choice_count : 1;

    grounding_init(&x.grounding);
    open_response(&x.w);
    for (uint32_t i = 0; i < choices; i++)
        whole_choice(&x, an, i);
    close_response(&x.w, o, &an->usage);
    grounding_clear(&x.grounding);
    widths_clear(&x.widths);
    return json_written(&x.w);
}
