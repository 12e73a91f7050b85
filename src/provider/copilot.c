/* provider/copilot.c - GitHub Copilot: three wires at one address, which its token exchange names.
 * Source: docs/providers/copilot.md. */
#include "provider/provider_int.h"

static bool put_path(const struct upstream_ask *ask, struct buf *out)
{
    return ask->wire == WIRE_ANTHROPIC ? dialect_anthropic.put_path(ask, out)
                                       : dialect_openai.put_path(ask, out);
}

#define COPILOT_WIRES \
    (WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_OPENAI_RESPONSES) | WIRE_BIT(WIRE_ANTHROPIC))

const struct dialect dialect_copilot = {
    .wires = COPILOT_WIRES,
    .auth_name = TEXT("Authorization"),
    .auth_before = TEXT("Bearer "),
    .passed = { { .start = TEXT("anthropic-version: "), .standard = TEXT("2023-06-01") },
                { .start = TEXT("anthropic-beta: "), .list = true } },
    .put_path = put_path,
};

const struct provider provider_copilot = {
    .name = TEXT("copilot"),
    .base_url = TEXT("https://api.githubcopilot.com"),
    .wires = COPILOT_WIRES,
    .dialect = &dialect_copilot,
    .signs_in = true,
};
