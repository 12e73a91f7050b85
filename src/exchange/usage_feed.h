/* exchange/usage_feed.h - what requests used, on its way from a worker to the thread that keeps it.
 *
 * Each worker has a feed. It writes rows into the open block, which the keeper may take away at any
 * moment; blocks that are full wait in a list. Neither ever waits for the other: who finds the open
 * block gone begins another one. A row is a line of the processor's cache, mostly: what its record
 * has in common with others stands once in the block. At most `rows_max` rows are under way; then
 * rows are dropped and counted. An idle feed holds no memory.
 * Threads: usage_feed_add() the worker's; usage_feed_take(), usage_feed_done() the keeper's;
 * counting any.   Memory: blocks are malloc()ed; rows and their texts live in them. */
#ifndef PENSTOCK_EXCHANGE_USAGE_FEED_H
#define PENSTOCK_EXCHANGE_USAGE_FEED_H

#include "exchange/record_kind.h"
#include "store/usage_rows.h"

struct usage_feed;

/* Some 450 rows. */
#define USAGE_BLOCK_BYTES ((size_t)32 << 10)

struct usage_block {
    struct usage_block *next;
    uint64_t number;     /* of the feed's blocks, from 1 */
    uint32_t rows, used; /* rows in it; bytes of it */
    _Alignas(16) char bytes[USAGE_BLOCK_BYTES];
};

/* `wake` is called by the worker when a block is full and a quarter of `rows_max` is under way:
 * rows should be taken soon. Before, they wait for a batch to become large: what a batch costs
 * beside its rows is paid less often. */
struct usage_feed *usage_feed_new(uint32_t rows_max, void (*wake)(void *peer), void *peer);
/* Nobody uses it any more; what was not taken is gone. */
void usage_feed_free(struct usage_feed *f);

/* `k`: the record's kind, of this worker. */
void usage_feed_add(struct usage_feed *f, const struct access_record *r, struct record_kind *k);

/* All that has come, oldest first. Each block is the taker's, to be freed. */
struct usage_block *usage_feed_take(struct usage_feed *f);
/* So many of the rows that were taken need no room any more. */
void usage_feed_done(struct usage_feed *f, uint32_t rows);

/* The row at `*at` (0 at first), which moves behind it; false behind the last. Its costs are for
 * the keeper to fill in. What it points to is in the block, or is `alone`, its only attempt. */
bool usage_block_row(struct usage_block *b, uint32_t *at, struct usage_row *row,
                     struct usage_attempt *alone);

uint64_t usage_feed_dropped(const struct usage_feed *f);

#endif
