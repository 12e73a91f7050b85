/* store/usage.h - usage.db: what is kept over a restart but may be lost: which account holds the
 * cache of each conversation, and what each request used (store/usage_rows.h). No text of a
 * conversation, no credential is in it.
 *
 * SQLite in WAL mode with synchronous=NORMAL: a crash costs at most what the last second brought. A
 * damaged file is moved aside (`usage.db.corrupt-<unix time>`) and a new one begun.
 * Threads: one at a time per handle; requests never wait for it. */
#ifndef PENSTOCK_STORE_USAGE_H
#define PENSTOCK_STORE_USAGE_H

#include <stdint.h>

#include "base/error.h"

struct usage_db;

#define USAGE_BATCH_MAX 500 /* bindings in one transaction */
#define USAGE_BINDINGS_MAX 1000000
#define USAGE_BINDING_IDLE_MS (INT64_C(24) * 3600 * 1000)

struct usage_binding {
    uint8_t session[16];
    int64_t account;
    int64_t used_unix_ms;
};

/* Moves a file aside that turned out to be damaged; nobody has it open. */
MUST_USE enum status usage_set_aside(const char *folder, int64_t unix_ms, struct error *e);
MUST_USE enum status usage_open(const char *folder, int64_t unix_ms, struct usage_db **out,
                                struct error *e);
void usage_close(struct usage_db *u);
/* The last failure came from damage: close it, set it aside and open it again. */
bool usage_is_damaged(const struct usage_db *u);
/* … from another process that held it. */
bool usage_is_busy(const struct usage_db *u);

/* Calls `take` with each binding that was used within the last day, the least recently used
 * first. */
MUST_USE enum status usage_bindings(struct usage_db *u, int64_t unix_ms,
                                    void (*take)(void *peer, const struct usage_binding *b),
                                    void *peer, struct error *e);
/* All of them, or none: one transaction. */
MUST_USE enum status usage_bindings_put(struct usage_db *u, const struct usage_binding *rows,
                                        size_t count, struct error *e);
MUST_USE enum status usage_binding_remove(struct usage_db *u, const uint8_t session[16],
                                          struct error *e);
MUST_USE enum status usage_bindings_clear(struct usage_db *u, struct error *e);
/* Removes what has been idle for a day, and the least recently used beyond the most that there may
 * be. */
MUST_USE enum status usage_bindings_prune(struct usage_db *u, int64_t unix_ms, struct error *e);

#endif
