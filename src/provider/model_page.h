/* provider/model_page.h - one page of a provider's list of models, in any of its forms.
 *
 * Read are the ids and what our own list can show. What cannot be read whole is refused whole: a
 * list with a hole would keep an account from models that it has. Sources: docs/providers.
 * Threads: any, pure. */
#ifndef PENSTOCK_PROVIDER_MODEL_PAGE_H
#define PENSTOCK_PROVIDER_MODEL_PAGE_H

#include "base/error.h"
#include "provider/provider.h"

enum model_form {
    MODELS_OPENAI,    /* `data`; Copilot's says over which wires, and its limits, too */
    MODELS_ANTHROPIC, /* `data`, page by page */
    MODELS_GEMINI,    /* `models`, page by page, with names `models/x` */
    MODELS_CODEX,     /* `models` with slugs */
};
/* How the upstream lists its models. */
enum model_form upstream_model_form(const struct upstream *u);

struct model_page {
    struct listed_model *models;
    size_t count;
    struct str next; /* names the next page; empty: this is the last one */
};

/* All is in `a`, or borrows from `body`. E_SYNTAX names what is wrong, E_LIMIT: more than
 * LISTED_MODELS_MAX. */
MUST_USE enum status model_page_read(enum model_form form, struct str body, struct arena *a,
                                     struct model_page *out, struct error *e);

#endif
