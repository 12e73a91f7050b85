/* base/base64.h - RFC 4648 with both alphabets. Threads: any, pure. */
#ifndef PENSTOCK_BASE_BASE64_H
#define PENSTOCK_BASE_BASE64_H

#include "buf.h"

enum base64_kind { BASE64_STANDARD, BASE64_URL /* without padding */ };

/* False when `out` is full; nothing is added then. */
bool base64_put(struct buf *out, struct str bytes, enum base64_kind kind);
/* Both alphabets are taken, padding may be missing; blanks, wrong padding and stray last bits are
 * refused. False also when `out` is full; nothing is added then. */
bool base64_get(struct buf *out, struct str text);
/* Lower-case hex; both cases are taken. False for an odd length, other bytes, and when `out` is
 * full; nothing is added then. */
bool hex_put(struct buf *out, struct str bytes);
bool hex_get(struct buf *out, struct str text);

/* The digits of four bytes, the least significant first, all at once: the nibbles are spread over
 * the bytes of a word, and those above 9 moved up to the letters. */
static inline void hex_put4(char out[8], uint32_t bytes)
{
    uint64_t n = (bytes >> 4 & 0x0f0f0f0f) | (bytes & 0x0f0f0f0f) << 4; /* the high one first */

    n = (n | n << 16) & 0x0000ffff0000ffff;
    n = (n | n << 8) & 0x00ff00ff00ff00ff;
    n = (n | n << 4) & 0x0f0f0f0f0f0f0f0f;
    n += 0x3030303030303030 +
         ((n + 0x0606060606060606) >> 4 & 0x0101010101010101) * ('a' - '0' - 10);
    if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
        n = __builtin_bswap64(n);
    memcpy(out, &n, sizeof(n));
}

#endif
