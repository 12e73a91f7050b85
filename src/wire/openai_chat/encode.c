/* wire/openai_chat/encode.c - canonical events as what a client of this protocol reads: chunks of a
 * chat completion or of a legacy completion, or the whole object.
 *
 * An event of a stream is put together from pieces of text that are constant for the stream; the
 * JSON writer serves the whole object. */
#include "wire/openai_chat/chat_int.h"

#include <stdlib.h>

#include "wire/signature.h"

#define INPUT_MAX ((size_t)4 << 20) /* bytes of a custom tool's input that is unwrapped */
#define SIGNATURE_MAX ((size_t)1 << 20)

struct chat_shown {
    bool begun;   /* its role was said */
    bool refused; /* in a text of its own */
    bool thought; /* thinking was shown … */
    bool pause;   /* … and what comes is set apart from it */
    bool called;  /* functions form: the one call that has room was given */
    bool skips;   /* the open block is not shown */
    bool custom;  /* the open call is of a custom tool */
    bool unwraps; /* … whose input comes as {"input": …} */
    uint32_t calls;
    int64_t points, block_points; /* code points of content, and where the block began */
    struct buf input;             /* of a call that is unwrapped */
    struct buf signature;         /* google's, for the call that comes next */
};

/* --- what stream and whole share --------------------------------------------------------------*/

static struct str reason_word(enum stop_cause cause, bool refused, const struct canon_request *r)
{
    switch (cause) {
    case STOP_LENGTH:
    case STOP_CONTEXT_FULL:
        return STR("length");
    case STOP_TOOL_USE:
        return r->legacy ? STR("stop") : r->functions ? STR("function_call") : STR("tool_calls");
    case STOP_FILTER:
    case STOP_RECITATION:
        return STR("content_filter");
    case STOP_REFUSAL: /* the model says so in a field of its own, or was stopped */
        return refused ? STR("stop") : STR("content_filter");
    case STOP_NONE:
    case STOP_DONE:
    case STOP_SEQUENCE:
    case STOP_PAUSE:
    case STOP_BAD_TOOL_CALL:
    case STOP_IMAGE_FAIL:
    case STOP_OTHER:
        break;
    }
    return STR("stop");
}

static int64_t known(int64_t n)
{
    return n < 0 ? 0 : n;
}

static void put_usage(struct json_writer *w, const struct usage *u)
{
    int64_t in = known(u->in), out = known(u->out), total;

    if (__builtin_add_overflow(in, out, &total))
        total = INT64_MAX;
    json_put_object(w);
    json_put_member_i64(w, "prompt_tokens", in);
    json_put_member_i64(w, "completion_tokens", out);
    json_put_member_i64(w, "total_tokens", total);
    json_put_name(w, STR("prompt_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "cached_tokens", known(u->cache_read));
    if (u->cache_write > 0)
        json_put_member_i64(w, "cache_write_tokens", u->cache_write);
    json_put_end(w);
    json_put_name(w, STR("completion_tokens_details"));
    json_put_object(w);
    json_put_member_i64(w, "reasoning_tokens", known(u->reasoning));
    json_put_end(w);
    json_put_end(w);
}

/* Does the client know this tool as one that takes free text? */
static bool is_custom(const struct canon_request *r, struct str name)
{
    for (const struct tool *t = r->tools; t != NULL; t = t->next)
        if (t->custom && str_eq(t->name, name))
            return true;
    return false;
}

static void put_note(struct json_writer *w, const struct canon_note *note, int64_t begin,
                     int64_t end)
{
    json_put_object(w);
    json_put_member(w, "type", STR("url_citation"));
    json_put_name(w, STR("url_citation"));
    json_put_object(w);
    json_put_member_i64(w, "start_index", note->start < 0 ? begin : begin + note->start);
    json_put_member_i64(w, "end_index", note->start < 0 ? end : begin + note->end);
    json_put_member(w, "title", note->title);
    json_put_member(w, "url", note->url);
    json_put_end(w);
    json_put_end(w);
}

static bool is_picture(struct text mime)
{
    return str_istarts(mime.escaped, STR("image/"));
}

/* The inside of a data URL, in pieces. */
#define DATA_URL(mime, data)                                          \
    {                                                                 \
        STR("data:"), (mime).escaped, STR(";base64,"), (data).escaped \
    }

/* --- the stream -------------------------------------------------------------------------------*/

static void put(struct encoder *e, struct str bytes)
{
    if (e->full || !buf_add(e->out, bytes))
        e->full = true;
}

static void put_number(struct encoder *e, uint32_t n)
{
    if (e->full || !buf_add_u64(e->out, n))
        e->full = true;
}

static void put_quoted(struct encoder *e, struct str plain)
{
    if (e->full || !json_quote(e->out, plain))
        e->full = true;
}

static bool front_make(struct chat_encoding *s, const struct encode_options *o)
{
    struct json_writer w;

    if (s->front.len > 0)
        return true;
    buf_init(&s->front, o->model.len * 6 + o->id.len + 256);
    if (!buf_add(&s->front, STR("data: ")))
        return false;
    w = json_writer(&s->front);
    json_put_object(&w);
    json_put_name(&w, STR("id"));
    json_put_insides(
        &w, (struct str[]){ o->request->legacy ? STR("cmpl-") : STR("chatcmpl-"), o->id }, 2);
    json_put_member(&w, "object",
                    o->request->legacy ? STR("text_completion") : STR("chat.completion.chunk"));
    json_put_member_i64(&w, "created", o->created_unix_s);
    json_put_member(&w, "model", o->model);
    json_put_name(&w, STR("choices"));
    json_put_array(&w);
    return !w.full;
}

static struct chat_shown *choice_at(struct encoder *e, uint32_t index)
{
    struct chat_encoding *s = e->state;

    if (index >= s->count) {
        s->choices = must_realloc(s->choices, (index + 1) * sizeof(s->choices[0]));
        for (; s->count <= index; s->count++) {
            s->choices[s->count] = (struct chat_shown){ .begun = false };
            buf_init(&s->choices[s->count].input, INPUT_MAX);
            buf_init(&s->choices[s->count].signature, SIGNATURE_MAX);
        }
    }
    return &s->choices[index];
}

/* A chunk is these two around the members of a delta. */
static void chunk_begin(struct encoder *e, uint32_t choice)
{
    struct chat_encoding *s = e->state;

    put(e, buf_str(&s->front));
    put(e, STR("{\"index\":"));
    put_number(e, choice);
    put(e, STR(",\"delta\":{"));
}

static void chunk_end_because(struct encoder *e, struct str reason)
{
    put(e, STR("},\"logprobs\":null,\"finish_reason\":"));
    if (reason.len > 0) {
        put(e, STR("\""));
        put(e, reason);
        put(e, STR("\""));
    } else {
        put(e, STR("null"));
    }
    put(e, e->o->request->wants_usage ? STR("}],\"usage\":null}\n\n") : STR("}]}\n\n"));
}

static void chunk_end(struct encoder *e)
{
    chunk_end_because(e, STR(""));
}

/* One chunk with a text in it: `name` is the member with its quotes and colon. */
static void chunk_text(struct encoder *e, uint32_t choice, struct str name, struct text text)
{
    chunk_begin(e, choice);
    put(e, name);
    put(e, STR("\""));
    put(e, text.escaped);
    put(e, STR("\""));
    chunk_end(e);
}

static void legacy_chunk(struct encoder *e, uint32_t choice, struct text text, struct str reason)
{
    struct chat_encoding *s = e->state;

    put(e, buf_str(&s->front));
    put(e, STR("{\"text\":\""));
    put(e, text.escaped);
    put(e, STR("\",\"index\":"));
    put_number(e, choice);
    put(e, STR(",\"logprobs\":null,\"finish_reason\":"));
    if (reason.len > 0)
        put_quoted(e, reason);
    else
        put(e, STR("null"));
    put(e, e->o->request->wants_usage ? STR("}],\"usage\":null}\n\n") : STR("}]}\n\n"));
}

static struct text prompt_of(const struct canon_request *r)
{
    return r->echo && r->messages != NULL && r->messages->parts != NULL ? r->messages->parts->text
                                                                        : TEXT_EMPTY;
}

static struct chat_shown *choice_begin(struct encoder *e, uint32_t index)
{
    struct chat_shown *c = choice_at(e, index);

    if (c->begun)
        return c;
    c->begun = true;
    if (!e->o->request->legacy) {
        chunk_begin(e, index);
        put(e, STR("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"));
        chunk_end(e);
    } else if (!text_is_empty(prompt_of(e->o->request))) {
        legacy_chunk(e, index, prompt_of(e->o->request), STR(""));
    }
    return c;
}

/* --- calls of a stream ------------------------------------------------------------------------*/

static void put_signature(struct encoder *e, struct str blob)
{
    put(e, STR(",\"extra_content\":{\"google\":{\"thought_signature\":\""));
    put(e, blob);
    put(e, STR("\"}}"));
}

static void open_call(struct encoder *e, struct chat_shown *c, const struct canon_event *ev)
{
    const struct canon_request *r = e->o->request;
    struct str name = names_to_client(e->o->names, ev->name, NULL);

    c->skips = r->legacy || (r->functions && c->called);
    c->custom = ev->custom || is_custom(r, name);
    c->unwraps = c->custom && !ev->custom;
    if (c->skips)
        return;
    c->called = true;
    chunk_begin(e, ev->choice);
    if (r->functions) {
        put(e, STR("\"function_call\":{\"name\":"));
        put_quoted(e, name);
        put(e, STR(",\"arguments\":\"\"}"));
    } else {
        put(e, STR("\"tool_calls\":[{\"index\":"));
        put_number(e, c->calls);
        put(e, STR(",\"id\":"));
        put_quoted(e, call_id_for(WIRE_OPENAI_CHAT, ev->id, 0, e->scratch));
        put(e, c->custom ? STR(",\"type\":\"custom\",\"custom\":{\"name\":")
                         : STR(",\"type\":\"function\",\"function\":{\"name\":"));
        put_quoted(e, name);
        put(e, c->custom ? STR(",\"input\":\"\"}") : STR(",\"arguments\":\"\"}"));
        if (c->signature.len > 0)
            put_signature(e, buf_str(&c->signature));
        put(e, STR("}]"));
    }
    chunk_end(e);
}

static void call_piece(struct encoder *e, struct chat_shown *c, uint32_t choice, struct text piece)
{
    if (text_is_empty(piece))
        return;
    chunk_begin(e, choice);
    if (e->o->request->functions) {
        put(e, STR("\"function_call\":{\"arguments\":\""));
        put(e, piece.escaped);
        put(e, STR("\"}"));
    } else {
        put(e, STR("\"tool_calls\":[{\"index\":"));
        put_number(e, c->calls);
        put(e,
            c->custom ? STR(",\"custom\":{\"input\":\"") : STR(",\"function\":{\"arguments\":\""));
        put(e, piece.escaped);
        put(e, STR("\"}}]"));
    }
    chunk_end(e);
}

static void close_call(struct encoder *e, struct chat_shown *c, uint32_t choice)
{
    if (c->unwraps && !c->skips)
        call_piece(e, c, choice, call_input((struct text){ buf_str(&c->input) }, e->scratch));
    buf_clear(&c->input);
    c->calls += !c->skips;
}

/* --- events -----------------------------------------------------------------------------------*/

static void on_open(struct encoder *e, const struct canon_event *ev)
{
    struct chat_shown *c = choice_begin(e, ev->choice);

    c->skips = false;
    switch (ev->block) {
    case BLOCK_TEXT:
        c->block_points = c->points;
        break;
    case BLOCK_THINKING:
        c->skips = !e->o->show_thinking || e->o->request->legacy;
        c->pause = c->thought;
        break;
    case BLOCK_REFUSAL:
        c->refused = true;
        break;
    case BLOCK_TOOL:
        open_call(e, c, ev);
        break;
    case BLOCK_REDACTED:
        c->skips = true;
        break;
    }
    buf_clear(&c->signature); /* it was this block's */
}

static void on_delta(struct encoder *e, const struct canon_event *ev)
{
    struct chat_shown *c = choice_at(e, ev->choice);
    struct text text = ev->text;

    if (c->skips)
        return;
    switch (ev->block) {
    case BLOCK_TEXT:
        c->points += text_points(text);
        if (e->o->request->legacy)
            legacy_chunk(e, ev->choice, text, STR(""));
        else
            chunk_text(e, ev->choice, STR("\"content\":"), text);
        break;
    case BLOCK_THINKING:
        if (c->pause || (ev->summary_break && c->thought))
            text = text_join(e->scratch, TEXT_LIT("\\n\\n"), text);
        c->pause = false;
        c->thought = true;
        chunk_text(e, ev->choice, STR("\"reasoning_content\":"), text);
        break;
    case BLOCK_REFUSAL:
        if (e->o->request->legacy)
            legacy_chunk(e, ev->choice, text, STR(""));
        else
            chunk_text(e, ev->choice, STR("\"refusal\":"), text);
        break;
    case BLOCK_TOOL:
        if (!c->unwraps)
            call_piece(e, c, ev->choice, text);
        else if (!buf_add(&c->input, text.escaped))
            e->full = true;
        break;
    case BLOCK_REDACTED:
        break;
    }
}

/* Only Google's has a place in this protocol that clients are known to send back, and that one only
 * on a call. */
static void on_signature(struct encoder *e, const struct canon_event *ev)
{
    struct chat_shown *c = choice_begin(e, ev->choice);

    if (e->o->request->legacy)
        return;
    if (ev->sig.signer == SIGNER_GOOGLE && !ev->sig_behind) {
        buf_clear(&c->signature);
        if (!buf_add(&c->signature, ev->sig.blob.escaped))
            e->full = true;
    } else if (ev->sig.signer == SIGNER_OTHER) {
        chunk_text(e, ev->choice, STR("\"reasoning_opaque\":"),
                   signature_wrap(&ev->sig, WIRE_OPENAI_CHAT, e->scratch));
    }
}

static void on_media(struct encoder *e, const struct canon_event *ev)
{
    const struct str pieces[] = DATA_URL(ev->mime, ev->text);

    if (!is_picture(ev->mime) || e->o->request->legacy)
        return;
    (void)choice_begin(e, ev->choice);
    if (e->o->image_markdown) {
        chunk_begin(e, ev->choice);
        put(e, STR("\"content\":\"![image]("));
        for (size_t i = 0; i < COUNT(pieces); i++)
            put(e, pieces[i]);
        put(e, STR(")\""));
        chunk_end(e);
    }
    chunk_begin(e, ev->choice);
    put(e, STR("\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\""));
    for (size_t i = 0; i < COUNT(pieces); i++)
        put(e, pieces[i]);
    put(e, STR("\"}}]"));
    chunk_end(e);
}

static void on_note(struct encoder *e, const struct canon_event *ev)
{
    struct chat_shown *c = choice_begin(e, ev->choice);
    struct json_writer w = json_writer(e->out);

    if (ev->note.url.len == 0 || e->o->request->legacy)
        return;
    chunk_begin(e, ev->choice);
    put(e, STR("\"annotations\":["));
    w.full = e->full;
    put_note(&w, &ev->note, c->block_points, c->points);
    e->full = w.full;
    put(e, STR("]"));
    chunk_end(e);
}

static void on_finish(struct encoder *e, const struct canon_event *ev)
{
    struct chat_shown *c = choice_begin(e, ev->choice);
    struct str reason = reason_word(ev->cause, c->refused, e->o->request);

    if (e->o->request->legacy) {
        legacy_chunk(e, ev->choice, TEXT_EMPTY, reason);
        return;
    }
    chunk_begin(e, ev->choice);
    chunk_end_because(e, reason);
}

static void on_end(struct encoder *e)
{
    struct chat_encoding *s = e->state;
    struct json_writer w = json_writer(e->out);

    if (e->o->request->wants_usage) {
        put(e, buf_str(&s->front));
        put(e, STR("],\"usage\":"));
        w.full = e->full;
        put_usage(&w, &s->usage);
        e->full = w.full;
        put(e, STR("}\n\n"));
    }
    encode_raw(e, STR("[DONE]"));
}

void chat_put_event(struct encoder *e, const struct canon_event *ev)
{
    struct chat_encoding *s = e->state;

    if (!front_make(s, e->o)) {
        e->full = true;
        return;
    }
    switch (ev->kind) {
    case CANON_START:
        s->usage = usage_unknown();
        (void)choice_begin(e, 0);
        break;
    case CANON_OPEN:
        on_open(e, ev);
        break;
    case CANON_DELTA:
        on_delta(e, ev);
        break;
    case CANON_SIGNATURE:
        on_signature(e, ev);
        break;
    case CANON_NOTE:
        on_note(e, ev);
        break;
    case CANON_MEDIA:
        on_media(e, ev);
        break;
    case CANON_SERVER: /* this protocol has no place for it */
        break;
    case CANON_CLOSE:
        if (ev->block == BLOCK_TOOL)
            close_call(e, choice_at(e, ev->choice), ev->choice);
        break;
    case CANON_USAGE:
        s->usage = ev->usage;
        break;
    case CANON_FINISH:
        on_finish(e, ev);
        break;
    case CANON_END:
        on_end(e);
        break;
    }
}

void chat_encode_clear(void *state)
{
    struct chat_encoding *s = state;

    for (uint32_t i = 0; i < s->count; i++) {
        buf_clear(&s->choices[i].input);
        buf_clear(&s->choices[i].signature);
    }
    free(s->choices);
    buf_clear(&s->front);
}

/* --- the whole answer -------------------------------------------------------------------------*/

struct whole {
    const struct canon_answer *an;
    const struct encode_options *o;
    struct arena *a;
    struct json_writer *w;
};

static bool is_kind(const struct answer_block *b, uint32_t choice, enum block_kind kind)
{
    return b->choice == choice && !b->is_media && !b->is_server && b->kind == kind;
}

/* All blocks of a kind as one string, with `between` in between; false: there are none. */
static bool put_blocks(struct whole *x, const char *name, uint32_t choice, enum block_kind kind,
                       struct str front, struct str between)
{
    struct str *pieces;
    size_t count = 0, room = 2;

    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next)
        room += 2 * (size_t)is_kind(b, choice, kind);
    pieces = arena_array(x->a, struct str, room);
    if (front.len > 0)
        pieces[count++] = front;
    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next) {
        if (!is_kind(b, choice, kind) || b->text.len == 0)
            continue;
        if (count > 0 && between.len > 0)
            pieces[count++] = between;
        pieces[count++] = buf_str(&b->text);
    }
    if (count == 0)
        return false;
    json_put_name(x->w, str_c(name));
    json_put_insides(x->w, pieces, count);
    return true;
}

static void put_call(struct whole *x, const struct answer_block *b,
                     const struct answer_block *before)
{
    struct str name = names_to_client(x->o->names, b->name, NULL);
    bool custom = b->custom || is_custom(x->o->request, name);
    struct text arguments = answer_text(b);
    const struct signature *sig = &b->sig;

    if (sig->signer == SIGNER_NONE && before != NULL && before->text.len == 0 &&
        !before->is_media && !before->is_server && before->kind == BLOCK_THINKING)
        sig = &before->sig;
    if (custom && !b->custom)
        arguments = call_input(arguments, x->a);
    if (!x->o->request->functions) {
        json_put_object(x->w);
        json_put_member(x->w, "id", call_id_for(WIRE_OPENAI_CHAT, b->id, 0, x->a));
        json_put_member(x->w, "type", custom ? STR("custom") : STR("function"));
        json_put_name(x->w, custom ? STR("custom") : STR("function"));
    }
    json_put_object(x->w);
    json_put_member(x->w, "name", name);
    json_put_name(x->w, custom ? STR("input") : STR("arguments"));
    json_put_inside(x->w, arguments.escaped);
    json_put_end(x->w);
    if (x->o->request->functions)
        return;
    if (sig->signer == SIGNER_GOOGLE) {
        json_put_name(x->w, STR("extra_content"));
        json_put_object(x->w);
        json_put_name(x->w, STR("google"));
        json_put_object(x->w);
        json_put_name(x->w, STR("thought_signature"));
        json_put_inside(x->w, sig->blob.escaped);
        json_put_end(x->w);
        json_put_end(x->w);
    }
    json_put_end(x->w);
}

static bool has_calls(const struct canon_answer *an, uint32_t choice)
{
    for (const struct answer_block *b = an->blocks; b != NULL; b = b->next)
        if (is_kind(b, choice, BLOCK_TOOL))
            return true;
    return false;
}

static void put_calls(struct whole *x, uint32_t choice)
{
    const struct answer_block *before = NULL;
    bool functions = x->o->request->functions, done = false;

    if (!has_calls(x->an, choice))
        return;
    json_put_name(x->w, functions ? STR("function_call") : STR("tool_calls"));
    if (!functions)
        json_put_array(x->w);
    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next) {
        if (b->choice != choice)
            continue;
        if (is_kind(b, choice, BLOCK_TOOL) && !(functions && done)) {
            put_call(x, b, before);
            done = true;
        }
        before = b;
    }
    if (!functions)
        json_put_end(x->w);
}

static void put_notes(struct whole *x, uint32_t choice)
{
    int64_t points = 0;
    bool any = false;

    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next) {
        if (!is_kind(b, choice, BLOCK_TEXT))
            continue;
        int64_t begin = points;

        points += text_points(answer_text(b));
        for (uint32_t i = 0; i < b->note_count; i++) {
            if (b->notes[i].url.len == 0)
                continue;
            if (!any) {
                json_put_name(x->w, STR("annotations"));
                json_put_array(x->w);
            }
            any = true;
            put_note(x->w, &b->notes[i], begin, points);
        }
    }
    if (any)
        json_put_end(x->w);
}

static void put_images(struct whole *x, uint32_t choice)
{
    bool any = false;

    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next) {
        if (b->choice != choice || !b->is_media || !is_picture(b->mime))
            continue;
        const struct str pieces[] = DATA_URL(b->mime, answer_text(b));

        if (!any) {
            json_put_name(x->w, STR("images"));
            json_put_array(x->w);
        }
        any = true;
        json_put_object(x->w);
        json_put_member(x->w, "type", STR("image_url"));
        json_put_name(x->w, STR("image_url"));
        json_put_object(x->w);
        json_put_name(x->w, STR("url"));
        json_put_insides(x->w, pieces, COUNT(pieces));
        json_put_end(x->w);
        json_put_end(x->w);
    }
    if (any)
        json_put_end(x->w);
}

/* Content with pictures as markdown among the texts. */
static void put_content(struct whole *x, uint32_t choice)
{
    struct str *pieces;
    size_t count = 0, room = 1;

    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next)
        room += 6;
    pieces = arena_array(x->a, struct str, room);
    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next) {
        if (is_kind(b, choice, BLOCK_TEXT)) {
            pieces[count++] = buf_str(&b->text);
        } else if (x->o->image_markdown && b->choice == choice && b->is_media &&
                   is_picture(b->mime)) {
            const struct str url[] = DATA_URL(b->mime, answer_text(b));

            pieces[count++] = STR("![image](");
            memcpy(&pieces[count], url, sizeof(url));
            count += COUNT(url);
            pieces[count++] = STR(")");
        }
    }
    json_put_name(x->w, STR("content"));
    if (count == 0 && has_calls(x->an, choice))
        json_put_null(x->w);
    else
        json_put_insides(x->w, pieces, count);
}

static void put_message(struct whole *x, uint32_t choice)
{
    json_put_name(x->w, STR("message"));
    json_put_object(x->w);
    json_put_member(x->w, "role", STR("assistant"));
    put_content(x, choice);
    if (!put_blocks(x, "refusal", choice, BLOCK_REFUSAL, STR(""), STR("")))
        json_put_member_null(x->w, "refusal");
    if (x->o->show_thinking)
        (void)put_blocks(x, "reasoning_content", choice, BLOCK_THINKING, STR(""), STR("\\n\\n"));
    for (const struct answer_block *b = x->an->blocks; b != NULL; b = b->next)
        if (b->choice == choice && b->sig.signer == SIGNER_OTHER) {
            json_put_name(x->w, STR("reasoning_opaque"));
            json_put_inside(x->w, signature_wrap(&b->sig, WIRE_OPENAI_CHAT, x->a).escaped);
            break;
        }
    put_calls(x, choice);
    put_notes(x, choice);
    put_images(x, choice);
    json_put_end(x->w);
}

static bool is_refused(const struct canon_answer *an, uint32_t choice)
{
    for (const struct answer_block *b = an->blocks; b != NULL; b = b->next)
        if (is_kind(b, choice, BLOCK_REFUSAL))
            return true;
    return false;
}

static void put_choice(struct whole *x, uint32_t choice)
{
    const struct canon_request *r = x->o->request;

    json_put_object(x->w);
    if (r->legacy) {
        if (!put_blocks(x, "text", choice, BLOCK_TEXT, prompt_of(r).escaped, STR("")))
            json_put_member(x->w, "text", STR(""));
        json_put_member_i64(x->w, "index", choice);
    } else {
        json_put_member_i64(x->w, "index", choice);
        put_message(x, choice);
    }
    json_put_member_null(x->w, "logprobs");
    json_put_member(x->w, "finish_reason",
                    reason_word(x->an->choices[choice].cause, is_refused(x->an, choice), r));
    json_put_end(x->w);
}

bool chat_put_whole(const struct canon_answer *an, const struct encode_options *o,
                    struct arena *scratch, struct buf *out)
{
    const struct canon_request *r = o->request;
    struct json_writer w = json_writer(out);
    struct whole x = { an, o, scratch, &w };

    json_put_object(&w);
    json_put_name(&w, STR("id"));
    json_put_insides(&w, (struct str[]){ r->legacy ? STR("cmpl-") : STR("chatcmpl-"), o->id }, 2);
    json_put_member(&w, "object", r->legacy ? STR("text_completion") : STR("chat.completion"));
    json_put_member_i64(&w, "created", o->created_unix_s);
    json_put_member(&w, "model", o->model);
    json_put_name(&w, STR("choices"));
    json_put_array(&w);
    for (uint32_t i = 0; i < an->choice_count; i++)
        put_choice(&x, i);
    json_put_end(&w);
    if (usage_is_known(&an->usage)) {
        json_put_name(&w, STR("usage"));
        put_usage(&w, &an->usage);
    }
    json_put_end(&w);
    return json_written(&w);
}
