/* provider/codex.c - the ChatGPT backend that Codex talks to: Responses, in a dialect that always
 * streams and never stores. Source: docs/providers/codex.md. */
#include "provider/provider_int.h"

static bool put_path(const struct upstream_ask *ask, struct buf *out)
{
    switch (ask->op) {
    case OP_GENERATE:
    case OP_STREAM:
        return buf_add(out, STR("/responses"));
    case OP_MODELS: /* it lists what a client of some version may use: we say ours */
        return buf_add(out, STR("/models?client_version=" PENSTOCK_VERSION));
    case OP_COMPACT:
        return buf_add(out, STR("/responses/compact"));
    case OP_COUNT:
    case OP_EMBED:
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

/* A conversation without a session of its own gets ours, by which the backend finds its cache. */
static bool put_session(const struct upstream_ask *ask, struct buf *out)
{
    if (ask->session.len == 0)
        return true;
    if (ask->client != NULL && (http_field_find(ask->client, STR("session_id")) != NULL ||
                                http_field_find(ask->client, STR("session-id")) != NULL))
        return true;
    return buf_add(out, STR("session_id: ")) && buf_add(out, ask->session) &&
           buf_add(out, STR("\r\n"));
}

const struct dialect dialect_codex = {
    .wires = WIRE_BIT(WIRE_OPENAI_RESPONSES),
    .auth_name = TEXT("Authorization"),
    .auth_before = TEXT("Bearer "),
    .account_name = TEXT("chatgpt-account-id"),
    /* what a Codex client says of its conversation, not of itself */
    .passed = { { .start = TEXT("session_id: ") },
                { .start = TEXT("session-id: ") },
                { .start = TEXT("thread-id: ") },
                { .start = TEXT("x-codex-turn-state: ") },
                { .start = TEXT("x-codex-turn-metadata: ") },
                { .start = TEXT("x-codex-window-id: ") },
                { .start = TEXT("OpenAI-Beta: "), .list = true } },
    .put_path = put_path,
    .put_fields = put_session,
};

static bool put_usage_path(const struct upstream_ask *ask, struct buf *out)
{
    return ask->op == OP_USAGE && buf_add(out, STR("/wham/usage"));
}

static const struct dialect dialect_usage = {
    .wires = WIRE_BIT(WIRE_OPENAI_RESPONSES),
    .auth_name = TEXT("Authorization"),
    .auth_before = TEXT("Bearer "),
    .account_name = TEXT("chatgpt-account-id"),
    .put_path = put_usage_path,
};
static const struct facts_source usage = { .dialect = &dialect_usage, .drop = TEXT("/codex") };

const struct provider provider_codex = {
    .name = TEXT("codex"),
    .base_url = TEXT("https://chatgpt.com/backend-api/codex"),
    .wires = WIRE_BIT(WIRE_OPENAI_RESPONSES),
    .dialect = &dialect_codex,
    .signs_in = true,
    .speaks = DIALECT_CODEX,
    .facts = &usage,
    .standard = { { TEXT("originator"), TEXT("penstock") } },
    .quota_group = quota_group_codex,
};
