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

#endif
