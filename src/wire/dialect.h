/* wire/dialect.h - what a provider's own dialect of a wire takes as it is, and what it wants to be
 * told of a conversation.
 *
 * Codex's backend speaks Responses and refuses much of it; Copilot spreads an answer over choices.
 * A request that a dialect takes passes byte for byte, any other is written anew for it
 * (wire_target.dialect). Sources: docs/providers/codex.md, docs/providers/copilot.md.
 * Threads: pure. */
#ifndef PENSTOCK_WIRE_DIALECT_H
#define PENSTOCK_WIRE_DIALECT_H

#include "wire/format.h"
#include "wire/target.h"

/* May a request in the dialect's own protocol pass? */
bool dialect_takes(enum wire_dialect d, const struct wire_request *r);

/* Of a conversation: who has spoken last, and whether there are pictures in it. */
struct turn {
    bool by_agent; /* not a person: the last message is the model's own, or brings results of tools
                    */
    bool has_images;
};
struct turn turn_of(const struct canon_request *r);

#endif
