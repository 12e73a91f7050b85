/* wire/pictures.h - OpenAI's calls for making and changing pictures, for models of Google's that
 * make them: the request becomes a canonical one, and pictures out of answers become OpenAI's list.
 *
 * (platform.openai.com: images; ai.google.dev: image generation; as of 2026-11.)
 * Threads: pure.   Memory: the arena's. */
#ifndef PENSTOCK_WIRE_PICTURES_H
#define PENSTOCK_WIRE_PICTURES_H

#include "wire/canonical.h"
#include "wire/format.h"
#include "wire/usage.h"

#define PICTURES_MAX 10       /* that one request may ask for */
#define PICTURES_GIVEN_MAX 16 /* that it may bring */

struct pictures_ask {
    struct canon_request *canon;
    uint32_t n;
    bool as_url; /* data URLs in place of base64 */
};

/* `boundary` empty: the body is JSON, else a form. `edits`: pictures are wanted in it. False: `why`
 * tells. */
bool pictures_read(struct str body, struct str boundary, bool edits, struct arena *a,
                   struct pictures_ask *out, struct wire_complaint *why);

struct picture {
    struct str mime, data; /* base64 */
};
struct pictures {
    struct picture at[PICTURES_MAX];
    uint32_t count;
    struct str said; /* words in place of pictures: why there are none */
    struct usage usage;
};

/* Takes the pictures of one whole answer, and adds what it used. False: it is no answer of this
 * wire, or an error. */
bool pictures_take(enum wire wire, struct str body, struct arena *a, struct pictures *all);

/* OpenAI's answer; false: it does not fit. As a stream: one event for each. */
bool pictures_put(const struct pictures *all, const struct pictures_ask *ask,
                  int64_t created_unix_s, bool stream, struct buf *out);

#endif
