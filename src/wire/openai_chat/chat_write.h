/* wire/openai_chat/chat_write.h - what the two files of the writer share. */
#ifndef PENSTOCK_WIRE_CHAT_WRITE_H
#define PENSTOCK_WIRE_CHAT_WRITE_H

#include "wire/openai_chat/chat_int.h"

struct writing {
    struct request_writer *w;
    const struct canon_request *r;
    const struct wire_target *t;
    struct json_writer *j;
    struct arena *a;
    bool own;  /* OpenAI itself */
    bool same; /* the client speaks this protocol, too */
    bool wide; /* either: what only OpenAI documents is said, too */
    uint32_t marks;
    /* media of tool results, for the message behind their group */
    struct part *attached, *attached_last;
    uint32_t pictures, files;
    bool tools; /* some tool was written */
};

static inline void put_text(struct json_writer *j, const char *name, struct text text)
{
    json_put_name(j, str_c(name));
    json_put_inside(j, text.escaped);
}

/* `messages`; `added`: a sentence of ours that the model must be told, or empty. */
bool chat_put_messages(struct writing *x, struct text added);

#endif
