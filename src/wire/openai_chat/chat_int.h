/* wire/openai_chat/chat_int.h - what the files of this folder give to each other. */
#ifndef PENSTOCK_WIRE_CHAT_INT_H
#define PENSTOCK_WIRE_CHAT_INT_H

#include "wire/convert.h"
#include "wire/format_int.h"

bool chat_read(const struct json *doc, struct canon_request *r, struct arena *a,
               struct wire_complaint *why);
bool chat_write(struct request_writer *w);

/* --- decode.c: an upstream's answer -----------------------------------------------------------*/

/* Kept for one stream; a zeroed one begins. Each call's pieces that wait are bounded. */
struct chat_decoding {
    struct chat_choice *choices;
    uint32_t count;
    bool broken; /* nothing legal can come of it */
    bool lone;   /* what waits may hold surrogates without a partner */
    /* What the event at hand has given: pieces of text (whose the last of them is), and whether
     * anything else. */
    uint32_t pieces, choice, call;
    enum block_kind kind;
    bool more;
};
enum decoded chat_event(struct decoder *d, struct str name, const struct json *doc);
bool chat_again(struct decoder *d, struct text piece);
enum decoded chat_done(struct decoder *d, bool eof, bool clean);
enum decoded chat_whole(struct decoder *d, const struct json *doc);
void chat_decode_clear(void *state);

/* --- encode.c: a client's answer --------------------------------------------------------------*/

/* The members of a delta that are one text. */
enum chat_text { CHAT_TEXT_CONTENT, CHAT_TEXT_REASONING, CHAT_TEXT_REFUSAL, CHAT_TEXT_OPAQUE };

struct chat_encoding {
    struct buf front; /* `data: {"id":…,"choices":[` of each event */
    struct buf frame; /* … and all else before the text of the last chunk that had one: */
    uint32_t frame_choice;
    enum chat_text frame_text;
    struct chat_shown *choices;
    uint32_t count;
    struct usage usage;
};
void chat_put_event(struct encoder *e, const struct canon_event *ev);
bool chat_put_whole(const struct canon_answer *an, const struct encode_options *o,
                    struct arena *scratch, struct buf *out);
void chat_encode_clear(void *state);

/* --- shared -----------------------------------------------------------------------------------*/

/* The string at extra_content.google.thought_signature, where Google's own endpoint for this
 * protocol keeps it, or JSON_NONE. */
uint32_t chat_google_signature(const struct json *doc, uint32_t extra_content);

#endif
