/* provider/simulator.c - the provider simulator, which speaks all wires at one address: the
 * account that serves while there is no other, and what `penstock simulate` is configured as.
 * Source: docs/simulator.md. */
#include "provider/provider_int.h"

static bool put_path(const struct upstream_ask *ask, struct buf *out)
{
    switch (ask->wire) {
    case WIRE_ANTHROPIC:
        return dialect_anthropic.put_path(ask, out);
    case WIRE_GEMINI:
        return dialect_gemini.put_path(ask, out);
    case WIRE_OPENAI_CHAT:
    case WIRE_OPENAI_RESPONSES:
        return buf_add(out, STR("/v1")) && dialect_openai.put_path(ask, out);
    case WIRE_CLOUDCODE:
        return dialect_cloudcode.put_path(ask, out);
    case WIRES:
        break;
    }
    return false;
}

#define ALL_WIRES                                                                              \
    (WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_OPENAI_RESPONSES) | WIRE_BIT(WIRE_ANTHROPIC) | \
     WIRE_BIT(WIRE_GEMINI) | WIRE_BIT(WIRE_CLOUDCODE))

const struct dialect dialect_simulator = {
    .wires = ALL_WIRES,
    .auth_name = TEXT("Authorization"),
    .auth_before = TEXT("Bearer "),
    .passed = { { .start = TEXT("anthropic-version: ") },
                { .start = TEXT("anthropic-beta: "), .list = true } },
    .put_path = put_path,
};

const struct provider provider_simulator = {
    .name = TEXT("simulator"),
    .wires = ALL_WIRES,
    .keyless = true,
};
