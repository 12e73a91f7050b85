#include "http/inflate.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/arena.h"

#define STEP_MAX ((size_t)1 << 30) /* zlib counts in unsigned int */
#define GZIP_ONLY (15 + 16)        /* window of 32 KiB; +16: a gzip header, nothing else */

static void *stream_alloc(void *peer, uInt count, uInt size)
{
    (void)peer;
    return must_calloc(count, size);
}

static void stream_free(void *peer, void *at)
{
    (void)peer;
    free(at);
}

void inflate_init(struct inflate *z, uint32_t ratio_max, uint64_t bytes_max)
{
    assert(ratio_max > 0);
    *z = (struct inflate){ .ratio_max = ratio_max, .bytes_max = bytes_max };
}

void inflate_clear(struct inflate *z)
{
    if (z->stream != NULL)
        inflateEnd(z->stream);
    free(z->stream);
    *z = (struct inflate){ .ratio_max = z->ratio_max, .bytes_max = z->bytes_max };
}

static void inflate_begin(struct inflate *z)
{
    z->stream = must_calloc(1, sizeof(*z->stream));
    z->stream->zalloc = stream_alloc;
    z->stream->zfree = stream_free;
    int r = inflateInit2(z->stream, GZIP_ONLY);
    assert(r == Z_OK);
}

static enum inflate_result inflate_failed(struct inflate *z, enum inflate_result why)
{
    z->failed = true;
    return why;
}

/* One call of zlib: true when it went well; `*in` and `*len` tell how far. */
static bool inflate_step(struct inflate *z, struct str *in, char *out, size_t cap, size_t *len)
{
    z_stream *s = z->stream;
    uInt avail = (uInt)(in->len < STEP_MAX ? in->len : STEP_MAX);

    assert(s != NULL);
    s->next_in = (z_const Bytef *)(uintptr_t)in->at;
    s->avail_in = avail;
    s->next_out = (Bytef *)out;
    s->avail_out = (uInt)(cap < STEP_MAX ? cap : STEP_MAX);
    int r = inflate(s, Z_NO_FLUSH);

    *len = (size_t)((char *)s->next_out - out);
    z->taken += avail - s->avail_in;
    z->given += *len;
    *in = str_drop(*in, avail - s->avail_in);
    if (r == Z_STREAM_END) {
        z->in_member = false;
        return inflateReset(s) == Z_OK;
    }
    /* Z_BUF_ERROR: nothing to take and nothing to give, which is no fault */
    return r == Z_OK || r == Z_BUF_ERROR;
}

enum inflate_result inflate_next(struct inflate *z, struct str *in, char *out, size_t cap,
                                 size_t *len)
{
    assert(cap > 0);
    *len = 0;
    if (z->failed)
        return INFLATE_BAD;
    if (z->stream == NULL && in->len > 0)
        inflate_begin(z);

    while (in->len > 0 || z->in_member) {
        size_t before = in->len;

        z->in_member = true;
        if (!inflate_step(z, in, out, cap, len))
            return inflate_failed(z, INFLATE_BAD);
        if (z->given > z->bytes_max)
            return inflate_failed(z, INFLATE_TOO_BIG);
        if (z->given > INFLATE_SMALL && (z->given - 1) / z->ratio_max >= z->taken)
            return inflate_failed(z, INFLATE_RATIO);
        if (*len > 0)
            return INFLATE_DATA;
        if (in->len == before)
            break; /* nothing in, nothing out: the rest of the member is still to come */
    }
    return INFLATE_MORE;
}

bool inflate_is_whole(const struct inflate *z)
{
    return z->stream != NULL && !z->failed && !z->in_member;
}
