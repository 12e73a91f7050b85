/* provider/gemini.c - generativelanguage.googleapis.com, and how the Gemini wire is addressed
 * everywhere. Source: docs/providers/gemini.md. */
#include "base/url.h"
#include "provider/provider_int.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '/';
}

/* Would it leave its folder? Dots need no escape in a path, so `../x` would. */
static bool model_strays(struct str model)
{
    struct str segment, rest = model;
    bool more = true;

    while (more) {
        more = str_cut(rest, '/', &segment, &rest);
        if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            return true;
    }
    return false;
}

static bool put_model(struct str model, struct buf *out)
{
    bool plain = true, dots = false; /* dots: a segment begins with one */

    if (str_starts(model, STR("models/"))) /* the form of the model list */
        model = str_drop(model, sizeof("models/") - 1);
    for (size_t i = 0; i < model.len; i++) {
        plain = plain && is_plain(model.at[i]);
        dots = dots || (model.at[i] == '.' && (i == 0 || model.at[i - 1] == '/'));
    }
    if (model.len == 0 || (dots && model_strays(model)))
        return false;
    return plain ? buf_add(out, model) : percent_put(out, model, true);
}

static bool put_method(struct str model, struct str method, struct buf *out)
{
    return buf_add(out, STR("/v1beta/models/")) && put_model(model, out) && buf_add(out, method);
}

static bool put_path(const struct upstream_ask *ask, struct buf *out)
{
    switch (ask->op) {
    case OP_GENERATE:
        return put_method(ask->model, STR(":generateContent"), out);
    case OP_STREAM:
        return put_method(ask->model, STR(":streamGenerateContent?alt=sse"), out);
    case OP_MODELS:
        return buf_add(out, STR("/v1beta/models?pageSize=1000")) &&
               (ask->page.len == 0 ||
                (buf_add(out, STR("&pageToken=")) && percent_put(out, ask->page, false)));
    case OP_COUNT:
        return put_method(ask->model, STR(":countTokens"), out);
    case OP_COMPACT:
        return false;
    case OP_EMBED:
        return put_method(ask->model, STR(":embedContent"), out);
    case OP_EMBED_BATCH:
        return put_method(ask->model, STR(":batchEmbedContents"), out);
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

const struct dialect dialect_gemini = {
    .wires = WIRE_BIT(WIRE_GEMINI),
    .auth_name = TEXT("x-goog-api-key"),
    .versions = { TEXT("/v1beta"), TEXT("/v1"), TEXT("/v1alpha") },
    .put_path = put_path,
};

const struct provider provider_gemini = {
    .name = TEXT("gemini"),
    .base_url = TEXT("https://generativelanguage.googleapis.com"),
    .wires = WIRE_BIT(WIRE_GEMINI),
};
