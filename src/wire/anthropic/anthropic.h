/* wire/anthropic/anthropic.h - what the files of this folder share. */
#ifndef PENSTOCK_WIRE_ANTHROPIC_H
#define PENSTOCK_WIRE_ANTHROPIC_H

#include "wire/convert.h"

#define THINKING_BUDGET_MIN 1024 /* tokens: less is refused */

bool anthropic_read(const struct json *doc, struct canon_request *r, struct arena *a,
                    struct wire_complaint *why);
bool anthropic_write(struct request_writer *w);

/* --- decoding ---------------------------------------------------------------------------------*/

/* What the open block of the upstream is for us. */
enum anthropic_shape {
    ANTHROPIC_NONE,
    ANTHROPIC_TEXT,
    ANTHROPIC_THINKING,
    ANTHROPIC_REDACTED,
    ANTHROPIC_TOOL,
    ANTHROPIC_JSON, /* the call of a tool that was forced to get JSON: its arguments are the text */
    ANTHROPIC_SERVER, /* whatever else: passed whole when it is complete */
};

struct anthropic_decoding {
    enum anthropic_shape shape;
    bool deltas;  /* of the open block */
    bool stopped; /* the reason has come */
    enum stop_cause cause;
    struct buf detail; /* of the end, still escaped */
    struct buf block; /* of a server's tool its start, raw; of a call the input that came with it */
    struct buf pieces;  /* of a server's tool: the member that came in deltas */
    bool pieces_text;   /* … which is a string, not JSON */
    bool prefill_over;  /* of the text that an answer may repeat: nothing more is looked for */
    struct buf prefill; /* text that may be part of it, decoded */
};

enum decoded anthropic_decode_event(struct decoder *d, struct str name, const struct json *doc);
enum decoded anthropic_decode_done(struct decoder *d, bool eof, bool clean);
enum decoded anthropic_decode_whole(struct decoder *d, const struct json *doc);
void anthropic_decode_clear(void *state);

/* --- encoding ---------------------------------------------------------------------------------*/

struct anthropic_encoding {
    bool begun;           /* message_start was written */
    bool inside;          /* a block of events is open */
    bool open;            /* one of the client's is */
    bool hidden;          /* the open block is thinking that is not shown */
    bool text;            /* the open block has had text */
    bool custom;          /* the open call takes free text: it travels as {"input": text} */
    enum block_kind kind; /* of the open block */
    uint32_t index;       /* of the next block */
    enum stop_cause cause;
    struct buf detail;
    struct buf frame; /* of a piece of the open block, up to the piece; empty until it is needed */
    struct usage usage;
};

void anthropic_encode_event(struct encoder *e, const struct canon_event *ev);
bool anthropic_encode_whole(const struct canon_answer *an, const struct encode_options *o,
                            struct arena *scratch, struct buf *out);
void anthropic_encode_clear(void *state);

/* Causes of an end and Anthropic's words for them. */
struct str anthropic_stop_word(enum stop_cause cause);
enum stop_cause anthropic_stop_cause(const struct json *doc, uint32_t word);

#endif
