/* wire/openai_chat/encode.c - canonical events as what a client of this protocol reads: chunks of a
 * chat completion or of a legacy completion, put together from pieces of text that are constant for
 * the stream. */
#include "wire/openai_chat/chat_encode.h"

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

static bool front_make(struct chat_encoding *s, const struct encode_options *o, bool legacy)
{
    struct json_writer w;

    if (s->front.len > 0)
        return true;
    buf_init(&s->front, o->model.len * 6 + o->id.len + 256);
    buf_init(&s->frame, s->front.max + 128);
    if (!buf_add(&s->front, STR("data: ")))
        return false;
    w = json_writer(&s->front);
    json_put_object(&w);
    json_put_name(&w, STR("id"));
    json_put_insides(&w, (struct str[]){ legacy ? STR("cmpl-") : STR("chatcmpl-"), o->id }, 2);
    json_put_member(&w, "object", legacy ? STR("text_completion") : STR("chat.completion.chunk"));
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

#define CHUNK_END "},\"logprobs\":null,\"finish_reason\":"

static void chunk_end_because(struct encoder *e, struct str reason)
{
    put(e, STR(CHUNK_END));
    if (reason.len > 0) {
        put(e, STR("\""));
        put(e, reason);
        put(e, STR("\""));
    } else {
        put(e, STR("null"));
    }
    put(e, e->form.wants_usage ? STR("}],\"usage\":null}\n\n") : STR("}]}\n\n"));
}

static void chunk_end(struct encoder *e)
{
    chunk_end_because(e, STR(""));
}

static bool frame_make(struct chat_encoding *s, uint32_t choice, enum chat_text which)
{
    static const struct str members[] = {
        [CHAT_TEXT_CONTENT] = STR(",\"delta\":{\"content\":\""),
        [CHAT_TEXT_REASONING] = STR(",\"delta\":{\"reasoning_content\":\""),
        [CHAT_TEXT_REFUSAL] = STR(",\"delta\":{\"refusal\":\""),
        [CHAT_TEXT_OPAQUE] = STR(",\"delta\":{\"reasoning_opaque\":\""),
    };

    s->frame.len = 0;
    s->frame_choice = choice;
    s->frame_text = which;
    return buf_add(&s->frame, buf_str(&s->front)) && buf_add(&s->frame, STR("{\"index\":")) &&
           buf_add_u64(&s->frame, choice) && buf_add(&s->frame, members[which]);
}

/* One chunk with a text in it: most of a stream, and all of one block differ in nothing else. */
static void chunk_text(struct encoder *e, uint32_t choice, enum chat_text which, struct text text)
{
    struct chat_encoding *s = e->state;

    if (s->frame.len == 0 || s->frame_choice != choice || s->frame_text != which)
        e->full = e->full || !frame_make(s, choice, which);
    put(e, buf_str(&s->frame));
    put(e, text.escaped);
    put(e, e->form.wants_usage ? STR("\"" CHUNK_END "null}],\"usage\":null}\n\n")
                               : STR("\"" CHUNK_END "null}]}\n\n"));
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
    put(e, e->form.wants_usage ? STR("}],\"usage\":null}\n\n") : STR("}]}\n\n"));
}

static struct chat_shown *choice_begin(struct encoder *e, uint32_t index)
{
    struct chat_shown *c = choice_at(e, index);

    if (c->begun)
        return c;
    c->begun = true;
    if (!e->form.legacy) {
        chunk_begin(e, index);
        put(e, STR("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"));
        chunk_end(e);
    } else if (!text_is_empty(chat_prompt(e->o->request))) {
        legacy_chunk(e, index, chat_prompt(e->o->request), STR(""));
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
    struct str name = names_to_client(e->o->names, ev->name, NULL);

    c->skips = e->form.legacy || (e->form.functions && c->called);
    c->custom = ev->custom || chat_is_custom(e->form.tools, name);
    c->unwraps = c->custom && !ev->custom;
    if (c->skips)
        return;
    c->called = true;
    chunk_begin(e, ev->choice);
    if (e->form.functions) {
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
    if (e->form.functions) {
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
        c->skips = !e->o->show_thinking || e->form.legacy;
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
        if (e->form.legacy)
            legacy_chunk(e, ev->choice, text, STR(""));
        else
            chunk_text(e, ev->choice, CHAT_TEXT_CONTENT, text);
        break;
    case BLOCK_THINKING:
        if (c->pause || (ev->summary_break && c->thought))
            text = text_join(e->scratch, TEXT_LIT("\\n\\n"), text);
        c->pause = false;
        c->thought = true;
        chunk_text(e, ev->choice, CHAT_TEXT_REASONING, text);
        break;
    case BLOCK_REFUSAL:
        if (e->form.legacy)
            legacy_chunk(e, ev->choice, text, STR(""));
        else
            chunk_text(e, ev->choice, CHAT_TEXT_REFUSAL, text);
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

    if (e->form.legacy)
        return;
    if (ev->sig.signer == SIGNER_GOOGLE && !ev->sig_behind) {
        buf_clear(&c->signature);
        if (!buf_add(&c->signature, ev->sig.blob.escaped))
            e->full = true;
    } else if (ev->sig.signer == SIGNER_OTHER) {
        chunk_text(e, ev->choice, CHAT_TEXT_OPAQUE,
                   signature_wrap(&ev->sig, WIRE_OPENAI_CHAT, e->scratch));
    }
}

static void on_media(struct encoder *e, const struct canon_event *ev)
{
    const struct str pieces[] = DATA_URL(ev->mime, ev->text);

    if (!is_picture(ev->mime) || e->form.legacy)
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

    if (ev->note.url.len == 0 || e->form.legacy)
        return;
    chunk_begin(e, ev->choice);
    put(e, STR("\"annotations\":["));
    w.full = e->full;
    chat_put_note(&w, &ev->note, c->block_points, c->points);
    e->full = w.full;
    put(e, STR("]"));
    chunk_end(e);
}

static void on_finish(struct encoder *e, const struct canon_event *ev)
{
    struct chat_shown *c = choice_begin(e, ev->choice);
    struct str reason = chat_reason(ev->cause, c->refused, &e->form);

    if (e->form.legacy) {
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

    if (e->form.wants_usage) {
        put(e, buf_str(&s->front));
        put(e, STR("],\"usage\":"));
        w.full = e->full;
        chat_put_usage(&w, &s->usage);
        e->full = w.full;
        put(e, STR("}\n\n"));
    }
    encode_raw(e, STR("[DONE]"));
}

void chat_put_event(struct encoder *e, const struct canon_event *ev)
{
    struct chat_encoding *s = e->state;

    if (!front_make(s, e->o, e->form.legacy)) {
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
    buf_clear(&s->frame);
}
