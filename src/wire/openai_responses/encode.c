/* wire/openai_responses/encode.c - answers for Responses clients.
 *
 * Each block is one item of the output. Clients read items from their done events and the whole
 * output from the last one (Codex needs response.completed and complete items), so the bytes of
 * each finished item are kept until the end. An item is finished when the next one begins or the
 * answer does: until then citations and signatures may still follow, and it is known whether it was
 * cut by a limit.
 *
 * A signature without thinking of its own travels as a reasoning item with an empty summary: in
 * front of the item it belongs to, or behind it when it came with it or later. */
#include "wire/openai_responses/said.h"

#include "wire/signature.h"

/* --- pieces of the stream --------------------------------------------------------------------*/

static struct said_item item_at_hand(const struct responses_encoder *st)
{
    struct str call = buf_str(&st->call);

    return (struct said_item){
        .kind = st->kind,
        .index = st->index,
        .phase = st->phase,
        .text = { buf_str(&st->text) },
        .call_id = str_take(call, st->call_id_len),
        .name = str_take(str_drop(call, st->call_id_len), st->name_len),
        .name_space = str_drop(call, st->call_id_len + st->name_len),
        .summary = buf_str(&st->parts),
        .notes = buf_str(&st->notes),
        .encrypted = { buf_str(&st->encrypted) },
    };
}

static void keep(struct encoder *e, struct buf *b, struct str bytes)
{
    b->max = e->o->bytes_max;
    if (!buf_add(b, bytes))
        e->full = true;
}

/* The beginning that all events share. */
static struct json_writer begin(struct encoder *e, struct str type)
{
    struct json_writer w = encode_begin(e, type);

    json_put_object(&w);
    json_put_member(&w, "type", type);
    json_put_member_i64(&w, "sequence_number", e->sequence++);
    return w;
}

static void end(struct encoder *e, struct json_writer *w)
{
    json_put_end(w);
    encode_finish(e, w);
}

/* … and those about a piece of the item at hand; `part` names the index of the piece. */
static struct json_writer begin_piece(struct encoder *e, struct str type, const char *part,
                                      uint32_t part_index)
{
    struct responses_encoder *st = e->state;
    struct json_writer w = begin(e, type);
    char id[64];

    json_put_member(&w, "item_id", said_id(e->o, said_prefix(st->kind), st->index, id));
    json_put_member_i64(&w, "output_index", st->index);
    if (part != NULL)
        json_put_member_i64(&w, part, part_index);
    return w;
}

static void put_response_event(struct encoder *e, struct str type, struct str status,
                               struct str incomplete)
{
    struct responses_encoder *st = e->state;
    struct json_writer w = begin(e, type);
    char id[64];

    json_put_name(&w, STR("response"));
    size_t at = e->out->len;

    said_put_response(&w, e->o, status, incomplete, buf_str(&st->output), &st->usage);
    if (!w.full && e->o->on_response != NULL && !str_eq(status, STR("in_progress")))
        e->o->on_response(e->o->peer, said_response_id(e->o, id), str_drop(buf_str(e->out), at));
    end(e, &w);
}

/* An item whose JSON is known; a done one is kept for the end. */
static void put_item_event(struct encoder *e, struct str type, struct str raw, bool done)
{
    struct responses_encoder *st = e->state;
    struct json_writer w = begin(e, type);

    json_put_member_i64(&w, "output_index", st->index);
    json_put_member_raw(&w, "item", raw);
    end(e, &w);
    if (!done)
        return;
    if (st->output.len > 0)
        keep(e, &st->output, STR(","));
    keep(e, &st->output, raw);
}

static void put_item_state(struct encoder *e, enum said_status status)
{
    struct responses_encoder *st = e->state;
    struct said_item it = item_at_hand(st);
    struct json_writer w;
    struct buf b;

    buf_init(&b, e->o->bytes_max);
    w = json_writer(&b);
    said_put_item(&w, e->o, &it, status);
    if (json_written(&w))
        put_item_event(e,
                       status == SAID_IN_PROGRESS ? STR("response.output_item.added")
                                                  : STR("response.output_item.done"),
                       buf_str(&b), status != SAID_IN_PROGRESS);
    else
        e->full = true;
    buf_clear(&b);
}

static void begin_item(struct encoder *e, enum said kind)
{
    struct responses_encoder *st = e->state;
    struct said_item it = { .kind = kind };
    struct json_writer w;

    st->kind = kind;
    st->closed = false;
    put_item_state(e, SAID_IN_PROGRESS);
    if (kind != SAID_TEXT && kind != SAID_REFUSAL)
        return;
    w = begin_piece(e, STR("response.content_part.added"), "content_index", 0);
    json_put_name(&w, STR("part"));
    said_put_part(&w, &it, TEXT_EMPTY, STR(""));
    end(e, &w);
}

/* Deltas are most of a stream, and all of one piece are the same but for their number and text:
 * what stands before and between these is made once. */
static void make_delta(struct encoder *e, struct str type, const char *part, uint32_t part_index)
{
    struct responses_encoder *st = e->state;
    struct str frames[] = { STR("event: "), type, STR("\ndata: {\"type\":\""), type,
                            STR("\",\"sequence_number\":") };
    struct json_writer w;
    char id[64];

    for (size_t i = 0; i < COUNT(frames); i++)
        keep(e, &st->delta, frames[i]);
    st->delta_number = (uint32_t)st->delta.len;
    w = json_writer(&st->delta);
    json_put_object(&w);
    json_put_member(&w, "item_id", said_id(e->o, said_prefix(st->kind), st->index, id));
    json_put_member_i64(&w, "output_index", st->index);
    if (part != NULL)
        json_put_member_i64(&w, part, part_index);
    json_put_name(&w, STR("delta"));
    keep(e, &st->delta, STR("\""));
    if (!e->full)
        st->delta.at[st->delta_number] = ','; /* in place of the bracket */
}

static void put_bytes(struct encoder *e, struct str bytes)
{
    if (!buf_add(e->out, bytes))
        e->full = true;
}

static void put_delta(struct encoder *e, struct str type, const char *part, uint32_t part_index,
                      struct text text)
{
    struct responses_encoder *st = e->state;

    if (st->delta.len == 0)
        make_delta(e, type, part, part_index);
    put_bytes(e, str_take(buf_str(&st->delta), st->delta_number));
    e->full = e->full || !buf_add_u64(e->out, (uint64_t)e->sequence++);
    put_bytes(e, str_drop(buf_str(&st->delta), st->delta_number));
    put_bytes(e, text.escaped);
    put_bytes(e, st->kind == SAID_TEXT ? STR("\",\"logprobs\":[]}\n\n") : STR("\"}\n\n"));
}

static void begin_summary(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    struct json_writer w =
        begin_piece(e, STR("response.reasoning_summary_part.added"), "summary_index", st->summary);

    json_put_name(&w, STR("part"));
    said_put_summary(&w, TEXT_EMPTY);
    end(e, &w);
    st->summary_open = true;
}

static void end_summary(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    struct text text = { buf_str(&st->text) };
    struct json_writer w;

    if (!st->summary_open)
        return;
    w = begin_piece(e, STR("response.reasoning_summary_text.done"), "summary_index", st->summary);
    said_put_inside(&w, "text", text);
    end(e, &w);
    w = begin_piece(e, STR("response.reasoning_summary_part.done"), "summary_index", st->summary);
    json_put_name(&w, STR("part"));
    said_put_summary(&w, text);
    end(e, &w);
    if (st->parts.len > 0)
        keep(e, &st->parts, STR(","));
    st->parts.max = e->o->bytes_max;
    w = json_writer(&st->parts);
    said_put_summary(&w, text);
    e->full = e->full || !json_written(&w);
    st->text.len = st->delta.len = 0;
    st->summary++;
    st->summary_open = false;
}

/* Annotations stand behind the text. */
static void end_notes(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    struct str line, rest = buf_str(&st->held_notes);
    uint32_t index = 0;

    while (str_cut(rest, '\0', &line, &rest)) {
        struct json_writer w;
        size_t before;

        if (st->notes.len > 0)
            keep(e, &st->notes, STR(","));
        before = st->notes.len;
        keep(e, &st->notes, line);
        if (str_ends(line, STR(":"))) {
            (void)buf_add_u64(&st->notes,
                              (uint64_t)text_points((struct text){ buf_str(&st->text) }));
            keep(e, &st->notes, STR("}"));
        }
        w = begin_piece(e, STR("response.output_text.annotation.added"), "content_index", 0);
        json_put_member_i64(&w, "annotation_index", index++);
        json_put_member_raw(&w, "annotation", str_drop(buf_str(&st->notes), before));
        end(e, &w);
    }
}

static void end_text(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    bool refusal = st->kind == SAID_REFUSAL;
    struct json_writer w;
    struct said_item it;

    end_notes(e);
    it = item_at_hand(st);
    w = begin_piece(e, refusal ? STR("response.refusal.done") : STR("response.output_text.done"),
                    "content_index", 0);
    said_put_inside(&w, refusal ? "refusal" : "text", it.text);
    if (!refusal)
        json_put_member_raw(&w, "logprobs", STR("[]"));
    end(e, &w);
    w = begin_piece(e, STR("response.content_part.done"), "content_index", 0);
    json_put_name(&w, STR("part"));
    said_put_part(&w, &it, it.text, it.notes);
    end(e, &w);
}

static void end_call(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    struct said_item it;
    struct json_writer w;

    if (st->wrapped) {
        struct text input = call_input((struct text){ buf_str(&st->text) }, e->scratch);

        put_delta(e, STR("response.custom_tool_call_input.delta"), NULL, 0, input);
        input.escaped = arena_copy(e->scratch, input.escaped);
        st->text.len = 0;
        keep(e, &st->text, input.escaped);
    }
    it = item_at_hand(st);
    if (st->kind == SAID_CUSTOM_CALL) {
        w = begin_piece(e, STR("response.custom_tool_call_input.done"), NULL, 0);
        said_put_inside(&w, "input", it.text);
    } else {
        w = begin_piece(e, STR("response.function_call_arguments.done"), NULL, 0);
        json_put_member(&w, "name", it.name);
        said_put_inside(&w, "arguments", it.text);
    }
    end(e, &w);
}

/* Nothing of the item before is left. */
static void forget_item(struct responses_encoder *st)
{
    if (st->kind == SAID_REASONING)
        st->encrypted.len = 0;
    st->kind = SAID_NOTHING;
    st->closed = st->wrapped = st->summary_open = false;
    st->summary = 0;
    st->call_id_len = st->name_len = 0;
    st->phase = PHASE_NONE;
    st->delta.len = 0;
    st->call.len = st->text.len = st->parts.len = st->notes.len = st->held_notes.len = 0;
    st->index++;
}

static void end_item(struct encoder *e, enum said_status status);

/* A signature that waits, as an item of its own. */
static void put_carrier(struct encoder *e)
{
    struct responses_encoder *st = e->state;

    if (st->encrypted.len == 0)
        return;
    st->carries = false;
    begin_item(e, SAID_REASONING);
    end_item(e, SAID_COMPLETED);
}

static void end_item(struct encoder *e, enum said_status status)
{
    struct responses_encoder *st = e->state;

    switch (st->kind) {
    case SAID_NOTHING:
        return;
    case SAID_TEXT:
    case SAID_REFUSAL:
        end_text(e);
        break;
    case SAID_CALL:
    case SAID_CUSTOM_CALL:
        end_call(e);
        break;
    case SAID_REASONING:
        end_summary(e);
        break;
    }
    put_item_state(e, status);
    forget_item(st);
    if (st->carries) /* a signature that came with it: behind it */
        put_carrier(e);
}

/* --- events -----------------------------------------------------------------------------------*/

static void on_open(struct encoder *e, const struct canon_event *ev)
{
    static const enum said of_block[] = {
        [BLOCK_TEXT] = SAID_TEXT, [BLOCK_THINKING] = SAID_REASONING, [BLOCK_REFUSAL] = SAID_REFUSAL,
        [BLOCK_TOOL] = SAID_CALL, [BLOCK_REDACTED] = SAID_REASONING,
    };
    struct responses_encoder *st = e->state;
    enum said kind = of_block[ev->block];
    struct str id, name, name_space;

    end_item(e, SAID_COMPLETED);
    if (kind != SAID_REASONING)
        put_carrier(e);
    if (kind == SAID_CALL) {
        kind = said_find_tool(e->o, ev->name, ev->name_space, ev->custom, &name, &name_space);
        id = said_call_id(e->o, ev->id, st->index, e->scratch);
        st->wrapped = kind == SAID_CUSTOM_CALL && !ev->custom;
        st->call_id_len = (uint32_t)id.len;
        st->name_len = (uint32_t)name.len;
        keep(e, &st->call, id);
        keep(e, &st->call, name);
        keep(e, &st->call, name_space);
    }
    st->refused = st->refused || kind == SAID_REFUSAL;
    st->phase = ev->phase;
    begin_item(e, kind);
}

static void on_delta(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;

    if (text_is_empty(ev->text))
        return;
    switch (st->kind) {
    case SAID_TEXT:
        put_delta(e, STR("response.output_text.delta"), "content_index", 0, ev->text);
        break;
    case SAID_REFUSAL:
        put_delta(e, STR("response.refusal.delta"), "content_index", 0, ev->text);
        break;
    case SAID_CALL:
        put_delta(e, STR("response.function_call_arguments.delta"), NULL, 0, ev->text);
        break;
    case SAID_CUSTOM_CALL:
        if (!st->wrapped)
            put_delta(e, STR("response.custom_tool_call_input.delta"), NULL, 0, ev->text);
        break;
    case SAID_REASONING:
        if (ev->summary_break)
            end_summary(e);
        if (!st->summary_open)
            begin_summary(e);
        put_delta(e, STR("response.reasoning_summary_text.delta"), "summary_index", st->summary,
                  ev->text);
        break;
    case SAID_NOTHING:
        return;
    }
    keep(e, &st->text, ev->text.escaped);
}

/* It belongs to the item at hand, or to what comes next. */
static void on_signature(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;

    if (st->closed && !ev->sig_behind)
        end_item(e, SAID_COMPLETED);
    st->carries = st->kind != SAID_NOTHING && st->kind != SAID_REASONING;
    st->encrypted.len = 0;
    keep(e, &st->encrypted, signature_wrap(&ev->sig, WIRE_OPENAI_RESPONSES, e->scratch).escaped);
}

static void on_note(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;

    if (st->kind != SAID_TEXT || !said_note_fits(&ev->note))
        return; /* its item is out already */
    st->held_notes.max = e->o->bytes_max;
    said_put_note(&st->held_notes, &ev->note, -1);
    keep(e, &st->held_notes, STR("\0"));
}

static void put_image_event(struct encoder *e, struct str type)
{
    struct responses_encoder *st = e->state;
    struct json_writer w = begin(e, type);
    char id[64];

    json_put_member(&w, "item_id", said_id(e->o, STR("ig_"), st->index, id));
    json_put_member_i64(&w, "output_index", st->index);
    end(e, &w);
}

static void on_media(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;
    struct json_writer w;
    struct buf b;

    end_item(e, SAID_COMPLETED);
    put_carrier(e);
    if (!said_is_image(ev->mime))
        return; /* this protocol has no place for sounds */
    for (int whole = 0; whole <= 1; whole++) {
        buf_init(&b, e->o->bytes_max);
        w = json_writer(&b);
        said_put_image(&w, e->o, st->index, ev->mime, ev->text, whole);
        e->full = e->full || !json_written(&w);
        if (whole)
            put_image_event(e, STR("response.image_generation_call.completed"));
        if (!e->full)
            put_item_event(
                e, whole ? STR("response.output_item.done") : STR("response.output_item.added"),
                buf_str(&b), whole);
        if (!whole)
            put_image_event(e, STR("response.image_generation_call.in_progress"));
        buf_clear(&b);
    }
    st->index++;
}

static void on_server(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;
    struct str item;

    end_item(e, SAID_COMPLETED);
    put_carrier(e);
    item = said_server_item(e->o, &ev->server, st->index, e->scratch);
    if (item.len == 0)
        return;
    put_item_event(e, STR("response.output_item.added"), item, false);
    put_item_event(e, STR("response.output_item.done"), item, true);
    st->index++;
}

/* --- beginning and end ------------------------------------------------------------------------*/

static void on_start(struct encoder *e)
{
    struct responses_encoder *st = e->state;

    st->usage = usage_unknown();
    put_response_event(e, STR("response.created"), STR("in_progress"), STR(""));
    put_response_event(e, STR("response.in_progress"), STR("in_progress"), STR(""));
}

static void on_finish(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;
    bool cut = said_incomplete(ev->cause, st->refused).len > 0;

    st->cause = ev->cause;
    end_item(e, cut ? SAID_INCOMPLETE : SAID_COMPLETED);
    put_carrier(e);
}

static void on_end(struct encoder *e)
{
    struct responses_encoder *st = e->state;
    struct str incomplete = said_incomplete(st->cause, st->refused);
    bool whole = incomplete.len == 0;

    put_response_event(e, whole ? STR("response.completed") : STR("response.incomplete"),
                       whole ? STR("completed") : STR("incomplete"), incomplete);
}

void responses_encode_event(struct encoder *e, const struct canon_event *ev)
{
    struct responses_encoder *st = e->state;

    if (ev->choice > 0) /* this protocol has one */
        return;
    switch (ev->kind) {
    case CANON_START:
        on_start(e);
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
    case CANON_SERVER:
        on_server(e, ev);
        break;
    case CANON_CLOSE:
        st->closed = true;
        break;
    case CANON_USAGE:
        st->usage = ev->usage;
        break;
    case CANON_FINISH:
        on_finish(e, ev);
        break;
    case CANON_END:
        on_end(e);
        break;
    }
}

void responses_encode_clear(void *state)
{
    struct responses_encoder *st = state;

    buf_clear(&st->call);
    buf_clear(&st->delta);
    buf_clear(&st->text);
    buf_clear(&st->parts);
    buf_clear(&st->held_notes);
    buf_clear(&st->notes);
    buf_clear(&st->encrypted);
    buf_clear(&st->output);
}
