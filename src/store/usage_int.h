/* store/usage_int.h - what the files of usage.db share. For store/usage*.c only.
 * Threads: whoever holds the handle. */
#ifndef PENSTOCK_STORE_USAGE_INT_H
#define PENSTOCK_STORE_USAGE_INT_H

#include "store/store_int.h"
#include "store/usage_rows.h"

struct usage_db {
    struct store *db;
    sqlite3_stmt *put;         /* a binding */
    struct usage_writer *rows; /* statements and names of usage_rows.c; made when first needed */
};

void usage_writer_free(struct usage_writer *w); /* NULL is fine */

#endif
