/* wire/openai_responses/encode_whole.c - an answer in one piece: the same items as in a stream. */
#include "wire/openai_responses/said.h"

#include "wire/signature.h"

/* Each block as an item of the list that is being written. */
struct whole {
    const struct encode_options *o;
    struct arena *scratch;
    struct json_writer *w;
    uint32_t index;
    bool fits;
};

static void whole_item(struct whole *wh, const struct said_item *it, enum said_status status)
{
    said_put_item(wh->w, wh->o, it, status);
    wh->index++;
}

static struct text wrapped(struct whole *wh, const struct signature *sig)
{
    return sig->signer == SIGNER_NONE ? TEXT_EMPTY
                                      : signature_wrap(sig, WIRE_OPENAI_RESPONSES, wh->scratch);
}

static void whole_notes(const struct answer_block *b, struct buf *out)
{
    int64_t end = b->note_count > 0 ? text_points(answer_text(b)) : 0;

    for (uint32_t i = 0; i < b->note_count; i++) {
        if (!said_note_fits(&b->notes[i]))
            continue;
        if (out->len > 0)
            (void)buf_add(out, STR(","));
        said_put_note(out, &b->notes[i], end);
    }
}

/* Thinking keeps the parts of a summary only while it streams: here they are one. */
static void whole_block(struct whole *wh, const struct answer_block *b, enum said_status status)
{
    struct said_item it = { .index = wh->index, .text = answer_text(b) };
    struct buf more;
    struct json_writer w;

    buf_init(&more, wh->o->bytes_max);
    w = json_writer(&more);
    switch (b->kind) {
    case BLOCK_TEXT:
        it.kind = SAID_TEXT;
        it.phase = b->phase;
        whole_notes(b, &more);
        it.notes = buf_str(&more);
        break;
    case BLOCK_REFUSAL:
        it.kind = SAID_REFUSAL;
        break;
    case BLOCK_TOOL:
        it.kind =
            said_find_tool(wh->o, b->name, b->name_space, b->custom, &it.name, &it.name_space);
        it.call_id = said_call_id(wh->o, b->id, wh->index, wh->scratch);
        if (it.kind == SAID_CUSTOM_CALL && !b->custom)
            it.text = call_input(it.text, wh->scratch);
        break;
    case BLOCK_THINKING:
    case BLOCK_REDACTED:
        it.kind = SAID_REASONING;
        it.encrypted = wrapped(wh, &b->sig);
        if (!text_is_empty(it.text)) {
            said_put_summary(&w, it.text);
            wh->fits = wh->fits && json_written(&w);
        }
        it.summary = buf_str(&more);
        break;
    }
    whole_item(wh, &it, status);
    buf_clear(&more);
}

static void whole_raw(struct whole *wh, struct str item)
{
    if (item.len == 0)
        return;
    json_put_raw(wh->w, item);
    wh->index++;
}

static void whole_media(struct whole *wh, const struct answer_block *b)
{
    struct json_writer w;
    struct buf image;

    if (!said_is_image(b->mime))
        return;
    buf_init(&image, wh->o->bytes_max);
    w = json_writer(&image);
    said_put_image(&w, wh->o, wh->index, b->mime, answer_text(b), true);
    wh->fits = wh->fits && json_written(&w);
    whole_raw(wh, buf_str(&image));
    buf_clear(&image);
}

/* A signature on what is no thinking: in front of a call, behind a text. */
static void whole_carrier(struct whole *wh, const struct answer_block *b)
{
    struct said_item it = { .kind = SAID_REASONING, .index = wh->index };

    it.encrypted = wrapped(wh, &b->sig);
    if (!text_is_empty(it.encrypted))
        whole_item(wh, &it, SAID_COMPLETED);
}

static bool has_refusal(const struct canon_answer *an)
{
    for (const struct answer_block *b = an->blocks; b != NULL; b = b->next)
        if (!b->is_media && !b->is_server && b->kind == BLOCK_REFUSAL)
            return true;
    return false;
}

static void whole_output(struct whole *wh, const struct canon_answer *an, bool incomplete)
{
    json_put_array(wh->w);
    for (const struct answer_block *b = an->blocks; b != NULL; b = b->next) {
        bool thinking = b->kind == BLOCK_THINKING || b->kind == BLOCK_REDACTED;
        bool cut = b->next == NULL && incomplete;

        if (b->choice > 0)
            continue;
        if (b->is_media) {
            whole_media(wh, b);
        } else if (b->is_server) {
            whole_raw(wh, said_server_item(wh->o, &b->server, wh->index, wh->scratch));
        } else {
            if (b->kind == BLOCK_TOOL)
                whole_carrier(wh, b);
            whole_block(wh, b, cut ? SAID_INCOMPLETE : SAID_COMPLETED);
            if (!thinking && b->kind != BLOCK_TOOL)
                whole_carrier(wh, b);
        }
    }
    json_put_end(wh->w);
}

bool responses_encode_whole(const struct canon_answer *an, const struct encode_options *o,
                            struct arena *scratch, struct buf *out)
{
    struct json_writer w = json_writer(out);
    struct whole wh = { .o = o, .scratch = scratch, .w = &w, .fits = true };
    struct str incomplete =
        said_incomplete(an->choice_count > 0 ? an->choices[0].cause : STOP_DONE, has_refusal(an));
    size_t at = out->len;

    said_begin_response(&w, o, incomplete.len > 0 ? STR("incomplete") : STR("completed"),
                        incomplete);
    whole_output(&wh, an, incomplete.len > 0);
    said_end_response(&w, o, &an->usage);
    wh.fits = wh.fits && json_written(&w);
    if (wh.fits && o->on_response != NULL) {
        char id[64];

        o->on_response(o->peer, said_response_id(o, id), str_drop(buf_str(out), at));
    }
    return wh.fits;
}
