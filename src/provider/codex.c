/* provider/codex.c - the Responses wire of the ChatGPT backend, with an account that is signed in
 * to. Source: docs/providers/codex.md. */
#include "provider/provider_int.h"

static bool put_path(const struct upstream_ask *ask, struct buf *out)
{
    return (ask->op == OP_GENERATE || ask->op == OP_STREAM) && dialect_openai.put_path(ask, out);
}

const struct dialect dialect_codex = {
    .wires = WIRE_BIT(WIRE_OPENAI_RESPONSES),
    .auth_name = TEXT("Authorization"),
    .auth_before = TEXT("Bearer "),
    .put_path = put_path,
};

const struct provider provider_codex = {
    .name = TEXT("codex"),
    .base_url = TEXT("https://chatgpt.com/backend-api/codex"),
    .wires = WIRE_BIT(WIRE_OPENAI_RESPONSES),
    .dialect = &dialect_codex,
    .signs_in = true,
    .quota_group = quota_group_codex,
};
