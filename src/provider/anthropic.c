/* provider/anthropic.c - api.anthropic.com, and how the Messages wire is addressed everywhere.
 * Source: docs/providers/anthropic.md. */
#include "base/url.h"
#include "provider/provider_int.h"

static bool put_path(const struct upstream_ask *ask, struct buf *out)
{
    switch (ask->op) {
    case OP_GENERATE:
    case OP_STREAM:
        return buf_add(out, STR("/v1/messages"));
    case OP_MODELS:
        return buf_add(out, STR("/v1/models?limit=1000")) &&
               (ask->page.len == 0 ||
                (buf_add(out, STR("&after_id=")) && percent_put(out, ask->page, false)));
    case OP_COUNT:
        return buf_add(out, STR("/v1/messages/count_tokens"));
    case OP_COMPACT:
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

const struct dialect dialect_anthropic = {
    .wires = WIRE_BIT(WIRE_ANTHROPIC),
    .auth_name = TEXT("x-api-key"),
    .versions = { TEXT("/v1") },
    .passed = { { .start = TEXT("anthropic-version: "), .standard = TEXT("2023-06-01") },
                { .start = TEXT("anthropic-beta: "), .list = true } },
    .put_path = put_path,
};

const struct provider provider_anthropic = {
    .name = TEXT("anthropic"),
    .base_url = TEXT("https://api.anthropic.com"),
    .wires = WIRE_BIT(WIRE_ANTHROPIC),
};
