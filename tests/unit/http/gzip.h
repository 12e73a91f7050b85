/* tests/unit/http/gzip.h - gzip made with zlib, for the tests of what reads it. */
#ifndef PENSTOCK_TEST_GZIP_H
#define PENSTOCK_TEST_GZIP_H

#include <zlib.h>

#include "base/arena.h"

#define WINDOW_GZIP (15 + 16)
#define WINDOW_ZLIB 15
#define WINDOW_RAW (-15)

static inline struct str zip(struct arena *a, struct str plain, int window)
{
    z_stream z = { 0 };
    int r = deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
    assert(r == Z_OK);
    size_t cap = deflateBound(&z, plain.len) + 64;
    char *out = arena_alloc_raw(a, cap);

    z.next_in = (Bytef *)(uintptr_t)plain.at;
    z.avail_in = (uInt)plain.len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)cap;
    r = deflate(&z, Z_FINISH);
    assert(r == Z_STREAM_END);
    size_t len = cap - z.avail_out;
    deflateEnd(&z);
    return (struct str){ out, len };
}

static inline struct str gzip(struct arena *a, struct str plain)
{
    return zip(a, plain, WINDOW_GZIP);
}

static inline struct str zeros(struct arena *a, size_t len)
{
    return (struct str){ arena_alloc(a, len), len };
}

#endif
