/* store/usage_pack.h - rows of requests as bytes: what usage.db holds of some hundred requests is
 * one value, because a row of a table for each costs a hundred times as much as its bytes.
 *
 * A pack is complete in itself: what its rows have in common, names and outcomes, stands in front
 * of the first row that needs it, and rows name it by number. It grows at its end. Byte by byte
 * (docs/usage.md has the table): a version, then entries, each of a tag and what belongs to it;
 * numbers are varints (7 bits a byte, low ones first), those that may be negative zigzag, those
 * that may be unknown one more than they are. Pure. Threads: whoever holds the pack.   Memory:
 * pack_clear(). */
#ifndef PENSTOCK_STORE_USAGE_PACK_H
#define PENSTOCK_STORE_USAGE_PACK_H

#include "base/arena.h"
#include "store/usage_rows.h"

#define PACK_VERSION 1
#define PACK_BYTES ((size_t)64 << 10) /* a pack with so many is full */

struct pack {
    uint8_t *bytes; /* PACK_BYTES and room for one more row; NULL: nothing was ever put */
    size_t used;
    uint32_t rows, names, whos; /* numbers of what is in it */
    int64_t since_ms, until_ms; /* least and greatest end of its rows; unix ms */
    int64_t ended_ms;           /* of the last row */
};

/* Empty, for other rows. */
void pack_begin(struct pack *p);
void pack_clear(struct pack *p);

static inline bool pack_is_full(const struct pack *p)
{
    return p->used >= PACK_BYTES;
}

/* What rows name; each gives its number in this pack. Not into a full one. */
uint32_t pack_names(struct pack *p, const struct usage_names *n);
uint32_t pack_who(struct pack *p, const struct usage_who *w);
/* `names` and `whos` (one for each attempt) are numbers from above. */
void pack_row(struct pack *p, const struct usage_row *row, uint32_t names, const uint32_t *whos);

/* All rows, in the order they were put; their texts borrow from `bytes`, the rest lives in `a`.
 * False: these bytes are no pack. */
bool pack_read(struct str bytes, struct arena *a, struct usage_row **rows, size_t *count);

#endif
