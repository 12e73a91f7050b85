/* provider/gemini.c - generativelanguage.googleapis.com, and how the Gemini wire is addressed
 * everywhere. Source: docs/providers/gemini.md. */
#include "base/url.h"
#include "provider/provider_int.h"

/* Dots need no escape in a path, so a model named `../x` would leave its folder. */
static bool model_stays(struct str model)
{
    struct str segment, rest = model;
    bool more = true;

    if (model.len == 0)
        return false;
    while (more) {
        more = str_cut(rest, '/', &segment, &rest);
        if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            return false;
    }
    return true;
}

static bool put_method(struct str model, struct str method, struct buf *out)
{
    if (str_starts(model, STR("models/"))) /* the form of the model list */
        model = str_drop(model, sizeof("models/") - 1);
    return model_stays(model) && buf_add(out, STR("/v1beta/models/")) &&
           percent_put(out, model, true) && buf_add(out, method);
}

static bool put_path(const struct upstream_ask *ask, struct buf *out)
{
    switch (ask->op) {
    case OP_GENERATE:
        return put_method(ask->model, STR(":generateContent"), out);
    case OP_STREAM:
        return put_method(ask->model, STR(":streamGenerateContent?alt=sse"), out);
    case OP_MODELS:
        return buf_add(out, STR("/v1beta/models"));
    case OP_COUNT:
        return put_method(ask->model, STR(":countTokens"), out);
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
