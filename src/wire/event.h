/* wire/event.h - an answer as events that mean the same for every wire, and the answer they add up
 * to.
 *
 * A decoder turns what an upstream sends (a stream, or an answer in one piece) into these; an
 * encoder turns them into what a client reads. The order every decoder keeps:
 *
 *     START  ( OPEN (DELTA | SIGNATURE | NOTE)* CLOSE | SERVER | MEDIA | SIGNATURE )*  FINISH  END
 *
 * with START first, blocks of one choice that never overlap, FINISH once for each choice behind
 * its blocks, USAGE anywhere before END, and nothing behind END. An upstream's error is no event:
 * the decoder says DECODED_ERROR and the caller judges its data.
 * Threads: values.   Memory: slices live until the decoder is given more. */
#ifndef PENSTOCK_WIRE_EVENT_H
#define PENSTOCK_WIRE_EVENT_H

#include "wire/canonical.h"
#include "wire/usage.h"

enum block_kind {
    BLOCK_TEXT,
    BLOCK_THINKING,
    BLOCK_REFUSAL,
    BLOCK_TOOL,     /* deltas are its arguments, as the inside of a string */
    BLOCK_REDACTED, /* no deltas: its SIGNATURE is all there is */
};

/* Why a choice ended. */
enum stop_cause {
    STOP_NONE,
    STOP_DONE,
    STOP_SEQUENCE,
    STOP_LENGTH,
    STOP_CONTEXT_FULL,
    STOP_TOOL_USE,
    STOP_FILTER,
    STOP_REFUSAL,
    STOP_RECITATION,
    STOP_PAUSE,
    STOP_BAD_TOOL_CALL,
    STOP_IMAGE_FAIL,
    STOP_OTHER,
};

enum canon_event_kind {
    CANON_START,     /* id, model: the upstream's */
    CANON_OPEN,      /* block; of a tool: id, name, name_space, custom */
    CANON_DELTA,     /* text of the open block */
    CANON_SIGNATURE, /* sig: of the open block; between blocks, of the next one (`sig_behind`: of
                        the one before) */
    CANON_NOTE,      /* note: a citation of the open (or last) text block */
    CANON_MEDIA,     /* mime, text: a whole picture or sound, base64 */
    CANON_SERVER,    /* server: progress or result of a tool the provider ran itself */
    CANON_CLOSE,
    CANON_USAGE,  /* usage: all that is known so far */
    CANON_FINISH, /* cause, detail (stop sequence, or the provider's own word), resume */
    CANON_END,
};

struct canon_note {
    struct str url, title; /* plain */
    struct text cited;     /* text that was cited; may be empty */
    int64_t start, end;    /* code points in the block's text; -1: the whole block */
    struct str raw;        /* the provider's own JSON, in the form of `wire` */
    enum wire wire;
};

struct canon_event {
    enum canon_event_kind kind;
    uint32_t choice;
    enum block_kind block;
    enum phase phase; /* OPEN of a text: what it is in its turn */
    bool custom;
    bool sig_behind;
    bool summary_break; /* DELTA of thinking: a new summary part begins with it */
    enum stop_cause cause;
    struct text text;
    struct str id, name, name_space, model;
    struct text mime;
    struct text detail;
    struct text resume; /* FINISH: the provider's token for going on; empty: none */
    union {             /* nothing else than what `kind` says */
        struct signature sig;
        struct canon_note note;
        struct opaque server;
        struct usage usage;
    };
};

/* --- the whole answer -------------------------------------------------------------------------*/

struct answer_block {
    enum block_kind kind;
    bool is_media, is_server; /* then `kind` says nothing */
    bool closed;
    uint32_t choice;
    /* escaped inside of a string: text, thinking, arguments, base64 (see answer_text()) */
    struct text piece; /* borrowed, while it is all of it */
    struct buf pieces; /* else */
    struct str id, name, name_space;
    bool custom;
    enum phase phase;
    struct signature sig; /* of this block; for a call: the one that stood before it */
    struct text mime;
    struct opaque server;
    struct canon_note *notes;
    uint32_t note_count;
    struct answer_block *next;
};

struct answer_choice {
    enum stop_cause cause;
    struct text detail;
};

#define ANSWER_CHOICES_MAX 128

/* What the events of one answer add up to. Bounded: at most `bytes_max` of text. */
struct canon_answer {
    struct arena arena; /* everything but the blocks' bufs */
    size_t bytes, bytes_max;
    struct str
        lender;     /* a text that lies in here stays there; else, and in the end, it is copied */
    bool too_large; /* more came than was kept: a failure of the upstream */
    struct str id, model;
    struct answer_block *blocks, *last;
    struct answer_choice *choices;
    uint32_t choice_count, choice_room;
    struct usage usage;
    bool ended;
};

void canon_answer_init(struct canon_answer *an, size_t bytes_max);
void canon_answer_clear(struct canon_answer *an);
/* A sink for events (`peer` is the answer). */
void canon_answer_take(void *an, const struct canon_event *ev);
/* What was borrowed so far is copied, and no more is. */
void canon_answer_settle(struct canon_answer *an);
static inline struct text answer_text(const struct answer_block *b)
{
    return b->pieces.len > 0 ? (struct text){ buf_str(&b->pieces) } : b->piece;
}

#endif
