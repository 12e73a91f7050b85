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
    case OP_COMPACT:
    case OP_EMBED_BATCH:
    case OP_IMAGE:
    case OP_IMAGE_EDIT:
    case OP_TRANSCRIBE:
    case OP_LOAD:
    case OP_ONBOARD:
    case OP_AVAILABLE:
    case OP_USAGE:
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

static bool put_user_path(const struct upstream_ask *ask, struct buf *out)
{
    return ask->op == OP_USAGE && buf_add(out, STR("/copilot_internal/user"));
}

static bool put_github_version(const struct upstream_ask *ask, struct buf *out)
{
    (void)ask;
    return buf_add(out, STR("X-GitHub-Api-Version: 2022-11-28\r\n"));
}

/* GitHub itself tells, to whoever shows its own token. */
static const struct dialect dialect_github = {
    .wires = COPILOT_WIRES,
    .auth_name = TEXT("Authorization"),
    .auth_before = TEXT("token "),
    .put_path = put_user_path,
    .put_fields = put_github_version,
};
static const struct facts_source user = { .dialect = &dialect_github,
                                          .base_url = TEXT("https://api.github.com"),
                                          .drop = TEXT("/copilot_internal/v2/token"),
                                          .by_renewal = true };

const struct provider provider_copilot = {
    .name = TEXT("copilot"),
    .base_url = TEXT("https://api.githubcopilot.com"),
    .wires = COPILOT_WIRES,
    .dialect = &dialect_copilot,
    .signs_in = true,
    .quota_is_402 = true,
    .speaks = DIALECT_COPILOT,
    .facts = &user,
    .standard = { { TEXT("Editor-Version"), TEXT("penstock/" PENSTOCK_VERSION) },
                  { TEXT("Editor-Plugin-Version"), TEXT("penstock/" PENSTOCK_VERSION) } },
    .quota_group = quota_group_copilot,
};
