/* provider/cloudcode.c - how the Cloud Code wire is addressed: one path for all models, the method
 * behind a colon. Its lists of models and quotas belong to signing in, which accounts with a mere
 * token do not. Source: docs/providers/compatible.md. */
#include "provider/provider_int.h"

static bool put_path(const struct upstream_ask *ask, struct buf *out)
{
    switch (ask->op) {
    case OP_GENERATE:
        return buf_add(out, STR("/v1internal:generateContent"));
    case OP_STREAM:
        return buf_add(out, STR("/v1internal:streamGenerateContent?alt=sse"));
    case OP_COUNT:
        return buf_add(out, STR("/v1internal:countTokens"));
    case OP_LOAD:
        return buf_add(out, STR("/v1internal:loadCodeAssist"));
    case OP_ONBOARD:
        return buf_add(out, STR("/v1internal:onboardUser"));
    case OP_AVAILABLE:
        return buf_add(out, STR("/v1internal:fetchAvailableModels"));
    case OP_MODELS:
    case OP_COMPACT:
    case OP_EMBED:
    case OP_EMBED_BATCH:
    case OP_IMAGE:
    case OP_IMAGE_EDIT:
    case OP_TRANSCRIBE:
    case OP_USAGE:
        return false;
    }
    return false;
}

const struct dialect dialect_cloudcode = {
    .wires = WIRE_BIT(WIRE_CLOUDCODE),
    .auth_name = TEXT("Authorization"),
    .auth_before = TEXT("Bearer "),
    .versions = { TEXT("/v1internal") },
    .put_path = put_path,
};
