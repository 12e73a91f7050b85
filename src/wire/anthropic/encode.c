/* wire/anthropic/encode.c - canonical events as the stream of a Messages client, and whole answers.
 *
 * The client's message has one choice. message_start waits for the event behind the first, because
 * an upstream that knows its usage early says so there. */
#include "wire/anthropic/anthropic.h"

#include "wire/format_int.h"
#include "wire/signature.h"

#define DETAIL_MAX ((size_t)8 << 10)
#define FRAME_MAX 256

void anthropic_encode_clear(void *state)
{
    struct anthropic_encoding *s = state;

    buf_clear(&s->detail);
    buf_clear(&s->frame);
}

/* --- what stream and whole answer share -------------------------------------------------------*/

static void put_usage(struct json_writer *w, const struct usage *u, int64_t out_unknown)
{
    int64_t read = u->cache_read > 0 ? u->cache_read : 0;
    int64_t write = u->cache_write > 0 ? u->cache_write : 0;
    int64_t in = u->in > 0 ? u->in : 0;

    json_put_object(w);
    json_put_member_i64(w, "input_tokens", in > read + write ? in - read - write : 0);
    json_put_member_i64(w, "cache_creation_input_tokens", write);
    json_put_member_i64(w, "cache_read_input_tokens", read);
    json_put_member_i64(w, "output_tokens", u->out >= 0 ? u->out : out_unknown);
    if (u->reasoning > 0) {
        json_put_name(w, STR("output_tokens_details"));
        json_put_object(w);
        json_put_member_i64(w, "thinking_tokens", u->reasoning);
        json_put_end(w);
    }
    json_put_end(w);
}

static void put_text_member(struct json_writer *w, const char *name, struct text text)
{
    json_put_key(w, str_c(name));
    json_put_inside(w, text.escaped);
}

/* Members of an end: reason, sequence, and what is known of a refusal. */
static void put_stop(struct json_writer *w, enum stop_cause cause, struct text detail)
{
    static const struct str categories[] = {
        STR("cyber"),         STR("bio"), STR("frontier_llm"), STR("reasoning_extraction"),
        STR("general_harms"),
    };
    struct str word = anthropic_stop_word(cause);
    bool category = false;

    json_put_member(w, "stop_reason", word);
    if (cause == STOP_SEQUENCE)
        put_text_member(w, "stop_sequence", detail);
    else
        json_put_member_null(w, "stop_sequence");
    if (cause != STOP_REFUSAL || text_is_empty(detail))
        return;
    for (size_t i = 0; i < COUNT(categories); i++)
        category = category || str_eq(detail.escaped, categories[i]);
    json_put_name(w, STR("stop_details"));
    json_put_object(w);
    json_put_member(w, "type", STR("refusal"));
    json_put_name(w, STR("category"));
    if (category)
        json_put_inside(w, detail.escaped);
    else
        json_put_null(w);
    json_put_name(w, STR("explanation"));
    if (category)
        json_put_null(w);
    else
        json_put_inside(w, detail.escaped);
    json_put_end(w);
}

static bool citation_fits(const struct canon_note *note, const struct answer_form *f)
{
    if (note->wire == WIRE_ANTHROPIC && note->raw.len > 0)
        return true;
    return note->url.len > 0 && f->cites;
}

/* Anthropic's own as it is, another one as a page of the web. */
static void put_citation(struct json_writer *w, const struct canon_note *note)
{
    if (note->wire == WIRE_ANTHROPIC && note->raw.len > 0) {
        json_put_raw(w, note->raw);
        return;
    }
    json_put_object(w);
    json_put_member(w, "type", STR("web_search_result_location"));
    json_put_member(w, "url", note->url);
    json_put_member(w, "title", note->title);
    put_text_member(w, "cited_text", note->cited);
    json_put_member(w, "encrypted_index", STR(""));
    json_put_end(w);
}

/* A picture or sound cannot stand in an answer: a line says that there was one. */
static struct text media_note(struct text mime, struct arena *a)
{
    return text_join(a, TEXT_LIT("[The answer holds "),
                     text_join(a, text_is_empty(mime) ? TEXT_LIT("a picture") : mime,
                               TEXT_LIT(", which this protocol cannot carry.]")));
}

/* --- the stream -------------------------------------------------------------------------------*/

static void message_start(struct encoder *e, struct anthropic_encoding *s)
{
    struct json_writer w = encode_begin(e, STR("message_start"));
    struct text id = text_join(e->scratch, TEXT_LIT("msg_"), (struct text){ e->o->id });

    json_put_object(&w);
    json_put_member(&w, "type", STR("message_start"));
    json_put_name(&w, STR("message"));
    json_put_object(&w);
    put_text_member(&w, "id", id);
    json_put_member(&w, "type", STR("message"));
    json_put_member(&w, "role", STR("assistant"));
    json_put_member(&w, "model", e->o->model);
    json_put_member_raw(&w, "content", STR("[]"));
    json_put_member_null(&w, "stop_reason");
    json_put_member_null(&w, "stop_sequence");
    json_put_name(&w, STR("usage"));
    put_usage(&w, &s->usage, 1);
    json_put_end(&w);
    json_put_end(&w);
    encode_finish(e, &w);
    s->begun = true;
}

/* Up to the inside of content_block, whose `type` is written. */
static struct json_writer block_begin(struct encoder *e, struct anthropic_encoding *s,
                                      struct str type)
{
    struct json_writer w = encode_begin(e, STR("content_block_start"));

    json_put_object(&w);
    json_put_member(&w, "type", STR("content_block_start"));
    json_put_member_i64(&w, "index", s->index);
    json_put_name(&w, STR("content_block"));
    json_put_object(&w);
    json_put_member(&w, "type", type);
    return w;
}

static void block_begun(struct encoder *e, struct anthropic_encoding *s, struct json_writer *w)
{
    json_put_end(w);
    json_put_end(w);
    encode_finish(e, w);
    s->open = true;
    s->frame.len = 0;
}

/* Up to the inside of delta, whose `type` is written. */
static struct json_writer delta_begin(struct encoder *e, struct anthropic_encoding *s,
                                      struct str type)
{
    struct json_writer w = encode_begin(e, STR("content_block_delta"));

    json_put_object(&w);
    json_put_member(&w, "type", STR("content_block_delta"));
    json_put_member_i64(&w, "index", s->index);
    json_put_name(&w, STR("delta"));
    json_put_object(&w);
    json_put_member(&w, "type", type);
    return w;
}

static void delta_finish(struct encoder *e, struct json_writer *w)
{
    json_put_end(w);
    json_put_end(w);
    encode_finish(e, w);
}

static void put_delta(struct encoder *e, struct anthropic_encoding *s, struct str type,
                      const char *name, struct text text)
{
    struct json_writer w = delta_begin(e, s, type);

    put_text_member(&w, name, text);
    delta_finish(e, &w);
}

static bool add_index(struct buf *to, struct str before, uint64_t index, struct str behind)
{
    return buf_add(to, before) && buf_add_u64(to, index) && buf_add(to, behind);
}

/* A piece of what the open block is made of: most events of a stream are these, and all of one
 * block differ in nothing but the piece. */
static void put_piece(struct encoder *e, struct anthropic_encoding *s, struct text piece)
{
    static const struct str kinds[] = {
        [BLOCK_TEXT] = NAME("\"type\":\"text_delta\",\"text\":\""),
        [BLOCK_THINKING] = NAME("\"type\":\"thinking_delta\",\"thinking\":\""),
        [BLOCK_REFUSAL] = NAME("\"type\":\"text_delta\",\"text\":\""),
        [BLOCK_TOOL] = NAME("\"type\":\"input_json_delta\",\"partial_json\":\""),
        [BLOCK_REDACTED] = NAME(""),
    };
    bool good = true;

    if (s->frame.len == 0)
        good = add_index(&s->frame,
                         STR("event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
                             "\"index\":"),
                         s->index, STR(",\"delta\":{")) &&
               buf_add(&s->frame, kinds[s->kind]);
    assert(good); /* it is short */
    if (!buf_add(e->out, buf_str(&s->frame)) || !buf_add(e->out, piece.escaped) ||
        !buf_add(e->out, STR("\"}}\n\n")))
        e->full = true;
}

static void block_stop(struct encoder *e, struct anthropic_encoding *s)
{
    struct json_writer w = encode_begin(e, STR("content_block_stop"));

    json_put_object(&w);
    json_put_member(&w, "type", STR("content_block_stop"));
    json_put_member_i64(&w, "index", s->index);
    json_put_end(&w);
    encode_finish(e, &w);
    s->open = false;
    s->index++;
}

static void open_text(struct encoder *e, struct anthropic_encoding *s)
{
    struct json_writer w = block_begin(e, s, STR("text"));

    json_put_member(&w, "text", STR(""));
    block_begun(e, s, &w);
}

static void open_thinking(struct encoder *e, struct anthropic_encoding *s)
{
    struct json_writer w = block_begin(e, s, STR("thinking"));

    json_put_member(&w, "thinking", STR(""));
    json_put_member(&w, "signature", STR(""));
    block_begun(e, s, &w);
}

static void open_tool(struct encoder *e, struct anthropic_encoding *s, const struct canon_event *ev)
{
    struct json_writer w = block_begin(e, s, STR("tool_use"));

    json_put_member(&w, "id", call_id_for(WIRE_ANTHROPIC, ev->id, 0, e->scratch));
    json_put_member(&w, "name", names_to_client(e->o->names, ev->name, NULL));
    json_put_member_raw(&w, "input", STR("{}"));
    block_begun(e, s, &w);
    s->custom = ev->custom;
    if (s->custom)
        put_piece(e, s, TEXT_LIT("{\\\"input\\\":\\\""));
}

static void open_block(struct encoder *e, struct anthropic_encoding *s,
                       const struct canon_event *ev)
{
    s->kind = ev->block;
    s->inside = true;
    s->text = s->custom = false;
    s->hidden = ev->block == BLOCK_THINKING && !e->o->show_thinking;
    switch (ev->block) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        open_text(e, s);
        break;
    case BLOCK_THINKING:
        if (!s->hidden)
            open_thinking(e, s);
        break;
    case BLOCK_TOOL:
        open_tool(e, s, ev);
        break;
    case BLOCK_REDACTED: /* written with its data */
        break;
    }
}

static void delta(struct encoder *e, struct anthropic_encoding *s, const struct canon_event *ev)
{
    if (!s->open) /* thinking that is not shown */
        return;
    if (ev->summary_break && s->text)
        put_piece(e, s, TEXT_LIT("\\n\\n"));
    put_piece(e, s, s->custom ? text_from(e->scratch, ev->text.escaped) : ev->text);
    s->text = true;
}

/* A signature has its place at the end of thinking. One that belongs to the block behind it, or to
 * thinking that is not shown, comes as thinking without text; other blocks have no place for one.
 */
static void signature(struct encoder *e, struct anthropic_encoding *s, const struct canon_event *ev)
{
    struct text blob = signature_wrap(&ev->sig, WIRE_ANTHROPIC, e->scratch);

    if (text_is_empty(blob) || ev->sig_behind)
        return;
    if (s->inside && s->kind == BLOCK_REDACTED && !s->open) {
        struct json_writer w = block_begin(e, s, STR("redacted_thinking"));

        put_text_member(&w, "data", blob);
        block_begun(e, s, &w);
    } else if (s->inside && s->kind == BLOCK_THINKING && s->hidden == !s->open) {
        if (s->hidden)
            open_thinking(e, s);
        put_delta(e, s, STR("signature_delta"), "signature", blob);
    } else if (!s->inside) {
        open_thinking(e, s);
        put_delta(e, s, STR("signature_delta"), "signature", blob);
        block_stop(e, s);
    }
}

static void close_block(struct encoder *e, struct anthropic_encoding *s)
{
    if (s->custom)
        put_piece(e, s, TEXT_LIT("\\\"}"));
    if (s->open)
        block_stop(e, s);
    s->inside = s->custom = false;
}

static void note(struct encoder *e, struct anthropic_encoding *s, const struct canon_note *n)
{
    if (!s->open || s->kind != BLOCK_TEXT || !citation_fits(n, &e->form))
        return;

    struct json_writer w = delta_begin(e, s, STR("citations_delta"));

    json_put_name(&w, STR("citation"));
    put_citation(&w, n);
    delta_finish(e, &w);
}

static void media(struct encoder *e, struct anthropic_encoding *s, const struct canon_event *ev)
{
    s->kind = BLOCK_TEXT;
    open_text(e, s);
    put_piece(e, s, media_note(ev->mime, e->scratch));
    block_stop(e, s);
}

/* The block of a tool that Anthropic ran: its input travels as a delta, a result comes whole. */
static void server(struct encoder *e, struct anthropic_encoding *s, const struct opaque *o)
{
    struct json_writer w;
    struct json block;
    uint32_t input;

    if (o->wire != WIRE_ANTHROPIC ||
        !json_parse(&block, o->raw, &(struct json_limits){ .depth_kept = 1 }, e->scratch, NULL))
        return;
    input = member(&block, 0, "input");
    w = encode_begin(e, STR("content_block_start"));
    json_put_object(&w);
    json_put_member(&w, "type", STR("content_block_start"));
    json_put_member_i64(&w, "index", s->index);
    json_put_name(&w, STR("content_block"));
    json_put_object(&w);
    for (uint32_t key = json_first(&block, 0); key != JSON_NONE;
         key = json_after(&block, 0, key + 1)) {
        struct str name = STR("");

        (void)json_text(&block, key, e->scratch, &name);
        json_put_key(&w, name);
        json_put_raw(&w, key + 1 == input ? STR("{}") : json_raw(&block, key + 1));
    }
    block_begun(e, s, &w);
    if (input != JSON_NONE)
        put_delta(e, s, STR("input_json_delta"), "partial_json",
                  text_from(e->scratch, json_raw(&block, input)));
    block_stop(e, s);
}

static void message_end(struct encoder *e, struct anthropic_encoding *s)
{
    struct json_writer w = encode_begin(e, STR("message_delta"));

    json_put_object(&w);
    json_put_member(&w, "type", STR("message_delta"));
    json_put_name(&w, STR("delta"));
    json_put_object(&w);
    put_stop(&w, s->cause, (struct text){ buf_str(&s->detail) });
    json_put_end(&w);
    json_put_name(&w, STR("usage"));
    put_usage(&w, &s->usage, 0);
    json_put_end(&w);
    encode_finish(e, &w);
    w = encode_begin(e, STR("message_stop"));
    json_put_object(&w);
    json_put_member(&w, "type", STR("message_stop"));
    json_put_end(&w);
    encode_finish(e, &w);
}

void anthropic_encode_event(struct encoder *e, const struct canon_event *ev)
{
    struct anthropic_encoding *s = e->state;

    if (ev->choice != 0)
        return;
    if (ev->kind == CANON_START) {
        s->usage = usage_unknown();
        buf_init(&s->detail, DETAIL_MAX);
        buf_init(&s->frame, FRAME_MAX);
        return;
    }
    if (ev->kind == CANON_USAGE)
        s->usage = ev->usage;
    if (!s->begun)
        message_start(e, s);
    switch (ev->kind) {
    case CANON_START:
    case CANON_USAGE:
        break;
    case CANON_OPEN:
        open_block(e, s, ev);
        break;
    case CANON_DELTA:
        delta(e, s, ev);
        break;
    case CANON_SIGNATURE:
        signature(e, s, ev);
        break;
    case CANON_NOTE:
        note(e, s, &ev->note);
        break;
    case CANON_MEDIA:
        media(e, s, ev);
        break;
    case CANON_SERVER:
        server(e, s, &ev->server);
        break;
    case CANON_CLOSE:
        close_block(e, s);
        break;
    case CANON_FINISH:
        s->cause = ev->cause;
        (void)buf_add(&s->detail, ev->detail.escaped);
        break;
    case CANON_END:
        message_end(e, s);
        break;
    }
}

/* --- a whole answer ---------------------------------------------------------------------------*/

static void put_thinking(struct json_writer *w, struct text text, struct text signature)
{
    json_put_object(w);
    json_put_member(w, "type", STR("thinking"));
    put_text_member(w, "thinking", text);
    put_text_member(w, "signature", signature);
    json_put_end(w);
}

static void put_text_block(struct json_writer *w, const struct answer_block *b,
                           const struct encode_options *o)
{
    const struct answer_form form = answer_form_of(o->request);
    bool cited = false;

    json_put_object(w);
    json_put_member(w, "type", STR("text"));
    put_text_member(w, "text", answer_text(b));
    for (uint32_t i = 0; i < b->note_count; i++) {
        if (!citation_fits(&b->notes[i], &form))
            continue;
        if (!cited) {
            json_put_name(w, STR("citations"));
            json_put_array(w);
            cited = true;
        }
        put_citation(w, &b->notes[i]);
    }
    if (cited)
        json_put_end(w);
    json_put_end(w);
}

static void put_tool_block(struct json_writer *w, const struct answer_block *b,
                           const struct encode_options *o, struct arena *a)
{
    struct tool_call call = { .custom = b->custom, .text = answer_text(b) };

    json_put_object(w);
    json_put_member(w, "type", STR("tool_use"));
    json_put_member(w, "id", call_id_for(WIRE_ANTHROPIC, b->id, 0, a));
    json_put_member(w, "name", names_to_client(o->names, b->name, NULL));
    json_put_member_raw(w, "input", call_object(&call, a, NULL));
    json_put_end(w);
}

static void put_block(struct json_writer *w, const struct answer_block *b,
                      const struct encode_options *o, struct arena *a)
{
    struct text blob = signature_wrap(&b->sig, WIRE_ANTHROPIC, a);

    switch (b->kind) {
    case BLOCK_TEXT:
    case BLOCK_REFUSAL:
        put_text_block(w, b, o);
        break;
    case BLOCK_THINKING:
        if (o->show_thinking || !text_is_empty(blob))
            put_thinking(w, o->show_thinking ? answer_text(b) : TEXT_EMPTY, blob);
        break;
    case BLOCK_TOOL:
        if (!text_is_empty(blob))
            put_thinking(w, TEXT_EMPTY, blob);
        put_tool_block(w, b, o, a);
        break;
    case BLOCK_REDACTED:
        if (text_is_empty(blob))
            break;
        json_put_object(w);
        json_put_member(w, "type", STR("redacted_thinking"));
        put_text_member(w, "data", blob);
        json_put_end(w);
        break;
    }
}

static void put_blocks(struct json_writer *w, const struct canon_answer *an,
                       const struct encode_options *o, struct arena *a)
{
    json_put_array(w);
    for (const struct answer_block *b = an->blocks; b != NULL; b = b->next) {
        if (b->choice != 0)
            continue;
        if (b->is_server) {
            if (b->server.wire == WIRE_ANTHROPIC && b->server.raw.len > 0)
                json_put_raw(w, b->server.raw);
        } else if (b->is_media) {
            json_put_object(w);
            json_put_member(w, "type", STR("text"));
            put_text_member(w, "text", media_note(b->mime, a));
            json_put_end(w);
        } else {
            put_block(w, b, o, a);
        }
    }
    json_put_end(w);
}

bool anthropic_encode_whole(const struct canon_answer *an, const struct encode_options *o,
                            struct arena *scratch, struct buf *out)
{
    struct json_writer w = json_writer(out);
    struct answer_choice end = { STOP_NONE, TEXT_EMPTY };

    if (an->choice_count > 0)
        end = an->choices[0];
    json_put_object(&w);
    put_text_member(&w, "id", text_join(scratch, TEXT_LIT("msg_"), (struct text){ o->id }));
    json_put_member(&w, "type", STR("message"));
    json_put_member(&w, "role", STR("assistant"));
    json_put_member(&w, "model", o->model);
    json_put_name(&w, STR("content"));
    put_blocks(&w, an, o, scratch);
    put_stop(&w, end.cause, end.detail);
    json_put_name(&w, STR("usage"));
    put_usage(&w, &an->usage, 0);
    json_put_end(&w);
    return json_written(&w);
}
