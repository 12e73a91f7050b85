#include "wire/protocol.h"

static const struct str names[WIRES] = {
    [WIRE_OPENAI_CHAT] = { "openai-chat", 11 },
    [WIRE_OPENAI_RESPONSES] = { "openai-responses", 16 },
    [WIRE_ANTHROPIC] = { "anthropic", 9 },
    [WIRE_GEMINI] = { "gemini", 6 },
    [WIRE_CLOUDCODE] = { "cloudcode", 9 },
};

struct str wire_name(enum wire w)
{
    assert(w < WIRES);
    return names[w];
}

bool wire_from_name(struct str name, enum wire *w)
{
    for (unsigned i = 0; i < WIRES; i++)
        if (str_eq(names[i], name)) {
            *w = (enum wire)i;
            return true;
        }
    return false;
}
