/* route/image_id.h - the 21 names of the image model: `gemini-3-pro-image`, then perhaps a
 * resolution, then perhaps a ratio (`gemini-3-pro-image-4k-16x9`). Threads: pure. */
#ifndef PENSTOCK_ROUTE_IMAGE_ID_H
#define PENSTOCK_ROUTE_IMAGE_ID_H

#include "base/str.h"

/* Empty members: not said. All static. */
struct image_id {
    struct str size;   /* `2K`, `4K` */
    struct str aspect; /* `16:9` */
};

#define IMAGE_IDS 21

/* `*model` is the id without its tail. False: no such name, and nothing is written. */
bool image_id_read(struct str name, struct str *model, struct image_id *out);
/* The i-th of the names, into `out` (static storage is not used). */
#define IMAGE_ID_TEXT 40
struct str image_id_name(size_t i, char out[IMAGE_ID_TEXT]);

#endif
