/* wire/openai_chat/chat_read.h - what the two files of the reader share. */
#ifndef PENSTOCK_WIRE_CHAT_READ_H
#define PENSTOCK_WIRE_CHAT_READ_H

#include "wire/members.h"
#include "wire/openai_chat/chat_int.h"

static inline bool bad(struct reading *rd, const struct place *p, const char *name,
                       const char *message)
{
    return members_complain(rd, p, name, message);
}

/* Where the client gave a field, unless it was given elsewhere before. */
static inline void mark(struct reading *rd, enum field f, uint32_t node, const struct place *p,
                        const char *name)
{
    if (node != JSON_NONE && rd->r->where[f].len == 0)
        rd->r->where[f] = place_member(p, name, rd->a);
}

/* A cache breakpoint (`name` at `p`): `cache_control` as OpenRouter and LiteLLM have it,
 * `prompt_cache_breakpoint` as OpenAI does. Absent: `out` stays. */
bool chat_read_cache(struct reading *rd, uint32_t node, const struct place *p, const char *name,
                     enum cache_ttl *out);
bool chat_read_messages(struct reading *rd, uint32_t list);

#endif
