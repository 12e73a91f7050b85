/* provider/model_page.h - one page of a provider's list of models, in any of the three forms.
 *
 * Read are the ids and what our own list can show. What cannot be read whole is refused whole: a
 * list with a hole would keep an account from models that it has. Sources: docs/providers.
 * Threads: any, pure. */
#ifndef PENSTOCK_PROVIDER_MODEL_PAGE_H
#define PENSTOCK_PROVIDER_MODEL_PAGE_H

#include "base/error.h"
#include "pool/model_list.h"
#include "wire/protocol.h"

struct model_page {
    struct listed_model *models;
    size_t count;
    struct str next; /* names the next page; empty: this is the last one */
};

/* All is in `a`, or borrows from `body`. E_SYNTAX names what is wrong, E_LIMIT: more than
 * LISTED_MODELS_MAX. */
MUST_USE enum status model_page_read(enum wire wire, struct str body, struct arena *a,
                                     struct model_page *out, struct error *e);

#endif
