/* provider/openai.c - api.openai.com, and how both OpenAI wires are addressed everywhere. Source:
 * docs/providers/openai.md. */
#include "provider/provider_int.h"

static bool put_path(const struct upstream_ask *ask, struct buf *out)
{
    bool responses = ask->wire == WIRE_OPENAI_RESPONSES;

    switch (ask->op) {
    case OP_GENERATE:
    case OP_STREAM:
        return buf_add(out, responses ? STR("/responses") : STR("/chat/completions"));
    case OP_MODELS:
        return buf_add(out, STR("/models"));
    case OP_COUNT: /* Chat has no such call */
        return responses && buf_add(out, STR("/responses/input_tokens"));
    case OP_COMPACT:
        return responses && buf_add(out, STR("/responses/compact"));
    case OP_EMBED:
        return buf_add(out, STR("/embeddings"));
    case OP_IMAGE:
        return buf_add(out, STR("/images/generations"));
    case OP_IMAGE_EDIT:
        return buf_add(out, STR("/images/edits"));
    case OP_TRANSCRIBE:
        return buf_add(out, STR("/audio/transcriptions"));
    case OP_EMBED_BATCH:
    case OP_LOAD:
    case OP_ONBOARD:
    case OP_AVAILABLE:
    case OP_USAGE:
        return false;
    }
    return false;
}

const struct dialect dialect_openai = {
    .wires = WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_OPENAI_RESPONSES),
    .auth_name = TEXT("Authorization"),
    .auth_before = TEXT("Bearer "),
    .version_in_base = true,
    .versions = { TEXT("/v1") },
    /* OpenAI-Organization and OpenAI-Project belong to the account: its `headers` */
    .passed = { { .start = TEXT("OpenAI-Beta: "), .list = true },
                { .start = TEXT("Idempotency-Key: ") } },
    .put_path = put_path,
};

const struct provider provider_openai = {
    .name = TEXT("openai"),
    .base_url = TEXT("https://api.openai.com/v1"),
    .wires = WIRE_BIT(WIRE_OPENAI_CHAT) | WIRE_BIT(WIRE_OPENAI_RESPONSES),
};
