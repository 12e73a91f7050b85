/* admin/assets_int.h - the table that the build makes of web/ (tools/web_build.py). For assets.c
 * and that file only. */
#ifndef PENSTOCK_ADMIN_ASSETS_INT_H
#define PENSTOCK_ADMIN_ASSETS_INT_H

#include <stddef.h>

struct asset {
    const char *path; /* `/` is the one document, for every page */
    const char *type;
    const char *tag; /* an ETag, with its quotes */
    const unsigned char *packed;
    size_t packed_len, len; /* gzip, and what it becomes */
};

extern const struct asset assets[]; /* ordered by their paths */
extern const size_t asset_count;

#endif
