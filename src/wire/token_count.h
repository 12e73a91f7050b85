/* wire/token_count.h - how many tokens a request is: the answers of those who count, and ours.
 *
 * `input_tokens` (anthropic; openai-responses with its `object`), `totalTokens` (gemini,
 * cloudcode). openai-chat has no such call. Threads: pure. */
#ifndef PENSTOCK_WIRE_TOKEN_COUNT_H
#define PENSTOCK_WIRE_TOKEN_COUNT_H

#include "base/buf.h"
#include "wire/protocol.h"

struct arena;

static inline bool wire_counts(enum wire wire)
{
    return wire != WIRE_OPENAI_CHAT;
}

/* False: the body holds no count. */
bool token_count_read(enum wire wire, struct str body, struct arena *a, int64_t *tokens);
void token_count_put(enum wire protocol, int64_t tokens, struct buf *out);

#endif
