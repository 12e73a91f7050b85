/* provider/copilot.c - GitHub Copilot: three wires at one address, each model on those that the
 * list of models names. Source: docs/providers/copilot.md. */
#include "provider/provider_int.h"

static bool put_path(const struct upstream_ask *ask, struct buf *out)
{
    switch (ask->op) {
    case OP_GENERATE:
    case OP_STREAM:
        return buf_add(out, ask->wire == WIRE_OPENAI_RESPONSES ? STR("/responses")
                            : ask->wire == WIRE_ANTHROPIC      ? STR("/v1/messages")
                                                               : STR("/chat/completions"));
    case OP_MODELS:
        return buf_add(out, STR("/models"));
    case OP_EMBED:
        return buf_add(out, STR("/embeddings"));
    case OP_COUNT:
    case OP_EMBED_BATCH:
        return false;
    }
    return false;
}

/* Who has spoken last decides what a request costs, and pictures must be announced: both are told
 * as the conversation is. */
static bool put_turn(const struct upstream_ask *ask, struct buf *out)
{
    if (ask->op != OP_GENERATE && ask->op != OP_STREAM)
        return true;
    return buf_add(out, ask->turn.by_agent ? STR("X-Initiator: agent\r\n")
                                           : STR("X-Initiator: user\r\n")) &&
           (!ask->turn.has_images || buf_add(out, STR("Copilot-Vision-Request: true\r\n")));
}

#define COPILOT_WIRES \
    (WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_OPENAI_RESPONSES) | WIRE_BIT(WIRE_ANTHROPIC))

const struct dialect dialect_copilot = {
    .wires = COPILOT_WIRES,
    .auth_name = TEXT("Authorization"),
    .auth_before = TEXT("Bearer "),
    .put_path = put_path,
    .put_fields = put_turn,
    .computed = { TEXT("X-Initiator"), TEXT("Copilot-Vision-Request") },
};

const struct provider provider_copilot = {
    .name = TEXT("copilot"),
    .base_url = TEXT("https://api.githubcopilot.com"),
    .wires = COPILOT_WIRES,
    .dialect = &dialect_copilot,
    .signs_in = true,
    .speaks = DIALECT_COPILOT,
    .standard = { { TEXT("Editor-Version"), TEXT("penstock/" PENSTOCK_VERSION) },
                  { TEXT("Editor-Plugin-Version"), TEXT("penstock/" PENSTOCK_VERSION) } },
    .quota_group = quota_group_copilot,
};
