/* wire/openai_chat/chat_encode.h - what the files of the encoder share. */
#ifndef PENSTOCK_WIRE_CHAT_ENCODE_H
#define PENSTOCK_WIRE_CHAT_ENCODE_H

#include "wire/openai_chat/chat_int.h"

/* `finish_reason`; `refused`: the model said so in a text of its own. */
struct str chat_reason(enum stop_cause cause, bool refused, const struct answer_form *f);
void chat_put_usage(struct json_writer *w, const struct usage *u);
/* Does the client know this tool as one that takes free text? */
bool chat_is_custom(const struct tool *tools, struct str name);
/* An annotation of the block whose text stands from `begin` to `end` in the content. */
void chat_put_note(struct json_writer *w, const struct canon_note *note, int64_t begin,
                   int64_t end);
/* What an echoing legacy completion says first, or nothing. */
struct text chat_prompt(const struct canon_request *r);

static inline bool is_picture(struct text mime)
{
    return str_istarts(mime.escaped, STR("image/"));
}

/* The inside of a data URL, in pieces. */
#define DATA_URL(mime, data)                                          \
    {                                                                 \
        STR("data:"), (mime).escaped, STR(";base64,"), (data).escaped \
    }

#endif
