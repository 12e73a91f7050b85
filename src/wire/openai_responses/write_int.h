/* wire/openai_responses/write_int.h - what the parts of the writer share. */
#ifndef PENSTOCK_WIRE_OPENAI_RESPONSES_WRITE_INT_H
#define PENSTOCK_WIRE_OPENAI_RESPONSES_WRITE_INT_H

#include "wire/convert.h"

static inline bool is_codex(const struct request_writer *w)
{
    return w->t->dialect == DIALECT_CODEX;
}

/* Is the client's own protocol this one? Then what only it has goes along. */
static inline bool is_own(const struct request_writer *w)
{
    return w->r->protocol == WIRE_OPENAI_RESPONSES;
}

/* Does the target know tools of free text? If not they are functions with one argument `input`. */
static inline bool takes_custom(const struct request_writer *w)
{
    return w->t->facts.openai.custom_tools || is_codex(w);
}

static inline void put_text(struct json_writer *j, const char *name, struct text text)
{
    json_put_name(j, str_c(name));
    json_put_inside(j, text.escaped);
}

/* Each writes its member when there is something to say. False: `w->why` tells. */
bool responses_write_input(struct request_writer *w);
bool responses_write_tools(struct request_writer *w);

#endif
