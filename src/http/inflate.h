/* http/inflate.h - gzip (RFC 1952) to bytes, in bounded steps, under two ceilings.
 *
 *     inflate_init(&z, 200, body_max);
 *     while ((r = inflate_next(&z, &in, out, sizeof(out), &len)) == INFLATE_DATA)
 *         …len bytes at out…
 *     // INFLATE_MORE: all of `in` was taken; at the end of the input ask inflate_is_whole()
 *     inflate_clear(&z);
 *
 * A bomb is seen while it goes off, not after: no step gives more than `cap` bytes, and both the
 * ratio and the total are judged at each. Members that follow one another are one text; checksums
 * and lengths are verified. Threads: own, pure.   Memory: about 40 KiB from the first byte of input
 * on; inflate_clear() frees. */
#ifndef PENSTOCK_HTTP_INFLATE_H
#define PENSTOCK_HTTP_INFLATE_H

#include "base/str.h"

/* Output up to here is never a bomb: a short text of one letter beats any ratio. */
#define INFLATE_SMALL ((uint64_t)64 << 10)

enum inflate_result {
    INFLATE_MORE,    /* `in` is used up */
    INFLATE_DATA,    /* `len` bytes were written; call again, also when `in` is empty */
    INFLATE_BAD,     /* no gzip, or damaged */
    INFLATE_RATIO,   /* more than `ratio_max` bytes out for one in */
    INFLATE_TOO_BIG, /* more than `bytes_max` bytes in all */
};

struct inflate {
    struct z_stream_s *stream; /* NULL before the first byte */
    uint64_t taken, given;     /* bytes in, bytes out */
    uint64_t bytes_max;
    uint32_t ratio_max;
    bool in_member; /* the end would be a cut now */
    bool failed;
};

void inflate_init(struct inflate *z, uint32_t ratio_max, uint64_t bytes_max);
void inflate_clear(struct inflate *z);

/* Takes bytes off the front of `in`, writes at most `cap` (> 0) bytes to `out`. What is wrong is
 * said as soon as it is known; after that every call says INFLATE_BAD. */
enum inflate_result inflate_next(struct inflate *z, struct str *in, char *out, size_t cap,
                                 size_t *len);

/* May the input end here? Once INFLATE_MORE was given: at least one member, none unfinished. */
bool inflate_is_whole(const struct inflate *z);

#endif
