/* store/usage_int.h - what the files of usage.db share. For store/usage*.c only.
 * Threads: whoever holds the handle. */
#ifndef PENSTOCK_STORE_USAGE_INT_H
#define PENSTOCK_STORE_USAGE_INT_H

#include "store/store_int.h"
#include "store/usage_pack.h"
#include "store/usage_rows.h"

struct usage_db {
    struct store *db;
    sqlite3_stmt *put;         /* a binding */
    struct usage_writer *rows; /* statements and names of usage_rows.c; made when first needed */
};

MUST_USE enum status usage_writer_make(struct usage_db *u, struct error *e);
void usage_writer_free(struct usage_writer *w); /* NULL is fine */
/* The block of the pack whose first row has this number, new or in place of itself. The writer is
 * there. */
MUST_USE enum status usage_block_put(struct usage_db *u, int64_t first, const struct pack *p,
                                     struct error *e);
/* May a row that ended then go into it? Else another pack is begun. */
bool usage_row_fits(const struct pack *p, int64_t ended_unix_ms);

/* --- usage_old.c */

/* Packs some of the rows that older versions wrote. `more`: there are more. */
MUST_USE enum status usage_old_pack(struct usage_db *u, bool *more, struct error *e);

#endif
