/* base/utf8.h - UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 * Threads: any, pure. */
#ifndef PENSTOCK_BASE_UTF8_H
#define PENSTOCK_BASE_UTF8_H

#include "buf.h"

/* Length of the longest valid prefix; equal to `s.len` when all of it is valid. Fast on ASCII. */
size_t utf8_valid(struct str s);
/* Bytes of one character for a code point (1-4), written to `out`. Not for surrogates. */
size_t utf8_put(char out[4], uint32_t point);
/* The code point at the front of valid text that is not empty, and how many bytes it takes. */
uint32_t utf8_get(struct str s, size_t *used);
/* Copies `s`, with U+FFFD for each piece of it that is no character: the longest beginning of a
 * character where there is one, else a single byte. (So do browsers and Python; Unicode 15 §3.9.)
 * False: out is full; nothing is added then. */
bool utf8_mend(struct buf *out, struct str s);
/* The longest prefix of at most `max` bytes that does not cut a character. Of invalid text, at most
 * three bytes fewer than that. */
struct str utf8_clip(struct str s, size_t max);

#endif
