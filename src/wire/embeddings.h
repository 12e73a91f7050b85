/* wire/embeddings.h - vectors for texts: OpenAI's form and Google's, each turned into the other.
 *
 *     POST /v1/embeddings            {model, input, dimensions, encoding_format}
 *     :embedContent                  {content, outputDimensionality}
 *     :batchEmbedContents            {requests: [{model, content, …}]}
 *
 * One request of OpenAI's form is one batch of Google's. Numbers keep their spelling, but for those
 * that travel as base64.
 * Threads: pure.   Memory: the arena given; texts borrow from the bodies. */
#ifndef PENSTOCK_WIRE_EMBEDDINGS_H
#define PENSTOCK_WIRE_EMBEDDINGS_H

#include "wire/canonical.h"
#include "wire/format.h"
#include "wire/usage.h"

enum embeddings_form { EMBEDDINGS_OPENAI, EMBEDDINGS_GEMINI, EMBEDDINGS_GEMINI_BATCH };

#define EMBEDDINGS_INPUTS_MAX 2048u

struct embeddings_ask {
    enum embeddings_form form; /* the client's */
    struct str model;          /* as the client asked for it */
    const struct text *inputs;
    size_t count;
    int64_t dimensions;   /* 0: not given */
    bool base64;          /* openai: vectors as little-endian floats in base64 */
    struct losses losses; /* what the other form cannot say, and members that are not known */
};

/* The client's request; `path_model` is what the path says (gemini). Token ids in place of text are
 * refused: they mean nothing to another provider's model. False: `why` tells. */
bool embeddings_read(enum embeddings_form form, struct str body, struct str path_model,
                     struct arena *a, struct embeddings_ask *out, struct wire_complaint *why);

/* The upstream's request for `model`. EMBEDDINGS_GEMINI holds one text alone. False: `out` is full.
 */
bool embeddings_write(const struct embeddings_ask *ask, enum embeddings_form form, struct str model,
                      struct arena *a, struct buf *out);

/* The upstream's answer (`form`) in the client's form; `model` is the name the client asked for.
 * An upstream that counts no tokens leaves it to an estimate. False: it is no answer to this
 * request, or `out` is full. */
bool embeddings_answer(const struct embeddings_ask *ask, enum embeddings_form form, struct str body,
                       struct str model, struct arena *a, struct buf *out, struct usage *usage);

#endif
