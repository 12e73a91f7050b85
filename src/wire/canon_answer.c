/* wire/canon_answer.c - events added up to a whole answer. */
#include "wire/event.h"

static struct answer_choice *choice_of(struct canon_answer *an, uint32_t index)
{
    if (index >= ANSWER_CHOICES_MAX)
        index = ANSWER_CHOICES_MAX - 1;
    if (index >= an->choice_room) {
        uint32_t room = index == 0 ? 1 : ANSWER_CHOICES_MAX; /* mostly there is one */
        struct answer_choice *more = arena_array(&an->arena, struct answer_choice, room);

        if (an->choice_count > 0)
            memcpy(more, an->choices, an->choice_count * sizeof(more[0]));
        an->choices = more;
        an->choice_room = room;
    }
    if (index >= an->choice_count)
        an->choice_count = index + 1;
    return &an->choices[index];
}

static struct answer_block *add_block(struct canon_answer *an, uint32_t choice)
{
    struct answer_block *b = arena_new(&an->arena, struct answer_block);

    b->choice = choice;
    b->piece = TEXT_EMPTY;
    buf_init(&b->pieces, an->bytes_max);
    if (an->last == NULL)
        an->blocks = b;
    else
        an->last->next = b;
    an->last = b;
    (void)choice_of(an, choice);
    return b;
}

#define TEXT_FIRST ((size_t)1 << 10) /* most answers come in pieces, and grow beyond this */

static bool is_lent(const struct canon_answer *an, struct str text)
{
    uintptr_t at = (uintptr_t)text.at, from = (uintptr_t)an->lender.at;

    return at >= from && at - from < an->lender.len;
}

/* Behind what there is; a text in one piece that may stay where it lies is not copied. */
static bool put_text(struct canon_answer *an, struct answer_block *b, struct str text)
{
    struct str first = b->piece.escaped;

    if (b->pieces.len > 0)
        return buf_add(&b->pieces, text);
    if (first.len == 0 && is_lent(an, text)) {
        b->piece.escaped = text;
        return true;
    }
    if (b->pieces.cap == 0 && first.len + text.len < TEXT_FIRST && an->bytes_max >= TEXT_FIRST)
        (void)buf_reserve(&b->pieces, TEXT_FIRST);
    b->piece = TEXT_EMPTY;
    return buf_add(&b->pieces, first) && buf_add(&b->pieces, text);
}

static void add_text(struct canon_answer *an, struct answer_block *b, struct text text)
{
    if (text.escaped.len > an->bytes_max - an->bytes || !put_text(an, b, text.escaped)) {
        an->too_large = true;
        return;
    }
    an->bytes += text.escaped.len;
}

/* What the decoder lends is copied; it counts like text. */
static struct str keep(struct canon_answer *an, struct str s)
{
    if (s.len > an->bytes_max - an->bytes) {
        an->too_large = true;
        return STR("");
    }
    an->bytes += s.len;
    return arena_copy(&an->arena, s);
}

static struct signature keep_signature(struct canon_answer *an, const struct signature *sig)
{
    return (struct signature){
        .signer = sig->signer,
        .blob = { keep(an, sig->blob.escaped) },
        .item_id = keep(an, sig->item_id),
        .redacted = sig->redacted,
    };
}

/* The block of this choice that is open, or the last one. */
static struct answer_block *block_of(struct canon_answer *an, uint32_t choice)
{
    struct answer_block *found = NULL;

    for (struct answer_block *b = an->blocks; b != NULL; b = b->next)
        if (b->choice == choice)
            found = b;
    return found;
}

static void take_signature(struct canon_answer *an, const struct canon_event *ev)
{
    struct answer_block *b = block_of(an, ev->choice);

    if (ev->sig_behind && b != NULL && b->kind == BLOCK_TOOL)
        return; /* a call's own stands before it, and is the one that must come back */
    if (b != NULL && (!b->closed || ev->sig_behind)) {
        b->sig = keep_signature(an, &ev->sig);
        return;
    }
    /* it stands in front of the next block: as thinking without text */
    b = add_block(an, ev->choice);
    b->kind = BLOCK_THINKING;
    b->sig = keep_signature(an, &ev->sig);
    b->closed = true;
}

static void take_note(struct canon_answer *an, const struct canon_event *ev)
{
    struct answer_block *b = block_of(an, ev->choice);
    struct canon_note *notes;

    if (b == NULL)
        return;
    notes = arena_array(&an->arena, struct canon_note, b->note_count + 1);
    if (b->note_count > 0)
        memcpy(notes, b->notes, b->note_count * sizeof(notes[0]));
    notes[b->note_count] = (struct canon_note){
        .url = keep(an, ev->note.url),
        .title = keep(an, ev->note.title),
        .cited = { keep(an, ev->note.cited.escaped) },
        .start = ev->note.start,
        .end = ev->note.end,
        .raw = keep(an, ev->note.raw),
        .wire = ev->note.wire,
    };
    b->notes = notes;
    b->note_count++;
}

static void take_open(struct canon_answer *an, const struct canon_event *ev)
{
    struct answer_block *b = add_block(an, ev->choice);

    b->kind = ev->block;
    b->id = keep(an, ev->id);
    b->name = keep(an, ev->name);
    b->name_space = keep(an, ev->name_space);
    b->custom = ev->custom;
    b->phase = ev->phase;
}

static void take_whole(struct canon_answer *an, const struct canon_event *ev)
{
    struct answer_block *b = add_block(an, ev->choice);

    b->closed = true;
    b->is_media = ev->kind == CANON_MEDIA;
    b->is_server = ev->kind == CANON_SERVER;
    b->mime = (struct text){ keep(an, ev->mime.escaped) };
    if (b->is_media)
        add_text(an, b, ev->text);
    else
        b->server =
            (struct opaque){ ev->server.wire, keep(an, ev->server.type), keep(an, ev->server.raw),
                             keep(an, ev->server.id), keep(an, ev->server.name) };
}

void canon_answer_init(struct canon_answer *an, size_t bytes_max)
{
    *an = (struct canon_answer){ .bytes_max = bytes_max, .usage = usage_unknown() };
}

void canon_answer_settle(struct canon_answer *an)
{
    an->lender = STR("");
    for (struct answer_block *b = an->blocks; b != NULL; b = b->next)
        if (!text_is_empty(b->piece) && !put_text(an, b, STR("")))
            an->too_large = true;
}

void canon_answer_clear(struct canon_answer *an)
{
    for (struct answer_block *b = an->blocks; b != NULL; b = b->next)
        buf_clear(&b->pieces);
    arena_free(&an->arena);
}

void canon_answer_take(void *peer, const struct canon_event *ev)
{
    struct canon_answer *an = peer;
    struct answer_block *b;

    switch (ev->kind) {
    case CANON_START:
        an->id = keep(an, ev->id);
        an->model = keep(an, ev->model);
        break;
    case CANON_OPEN:
        take_open(an, ev);
        break;
    case CANON_DELTA:
        b = block_of(an, ev->choice);
        assert(b != NULL && !b->closed);
        if (ev->summary_break && !text_is_empty(answer_text(b)))
            add_text(an, b, TEXT_LIT("\\n\\n"));
        add_text(an, b, ev->text);
        break;
    case CANON_SIGNATURE:
        take_signature(an, ev);
        break;
    case CANON_NOTE:
        take_note(an, ev);
        break;
    case CANON_MEDIA:
    case CANON_SERVER:
        take_whole(an, ev);
        break;
    case CANON_CLOSE:
        b = block_of(an, ev->choice);
        if (b != NULL)
            b->closed = true;
        break;
    case CANON_USAGE:
        an->usage = ev->usage;
        break;
    case CANON_FINISH:
        *choice_of(an, ev->choice) =
            (struct answer_choice){ ev->cause, { keep(an, ev->detail.escaped) } };
        break;
    case CANON_END:
        an->ended = true;
        break;
    }
}
