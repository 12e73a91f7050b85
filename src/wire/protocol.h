/* wire/protocol.h - the words for what is spoken. A *protocol* is what a client speaks, a *wire*
 * what an upstream speaks: the four protocols, and `cloudcode`. Values are stable: they are bits in
 * masks. */
#ifndef PENSTOCK_WIRE_PROTOCOL_H
#define PENSTOCK_WIRE_PROTOCOL_H

#include "base/str.h"

enum wire {
    WIRE_OPENAI_CHAT,
    WIRE_OPENAI_RESPONSES,
    WIRE_ANTHROPIC,
    WIRE_GEMINI,
    WIRE_CLOUDCODE,
    WIRES,
};
#define PROTOCOLS 4 /* the first four wires are also client protocols */

#define WIRE_BIT(w) (1u << (w))
#define WIRES_ALL (WIRE_BIT(WIRES) - 1) /* clients of any protocol are served over any of them */
/* Beside the wires: takes OpenAI's calls for pictures and recordings, which are never translated.
 */
#define WIRE_MEDIA (1u << 16)

/* `openai-chat`, `openai-responses`, `anthropic`, `gemini`, `cloudcode` */
struct str wire_name(enum wire w);
bool wire_from_name(struct str name, enum wire *w);

#endif
