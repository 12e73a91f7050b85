/* app/usage_keeper.h - usage.db's keeper: a thread that writes what the workers' requests used.
 *
 * Every half second, and when a worker has a block full, it takes what the feeds have, reckons
 * costs, and writes batches; requests never wait for it. While the database cannot be written the
 * rows stay where they are, up to the feeds' bounds, and the rest is counted; when it can be
 * again, they follow. A damaged file is set aside and a new one begun.
 * Threads: made, started and ended by the main thread; usage_keeper_take/return, _today, _settings,
 * _put_status, _ask any.   Memory: usage_keeper_free(). */
#ifndef PENSTOCK_APP_USAGE_KEEPER_H
#define PENSTOCK_APP_USAGE_KEEPER_H

#include "app/settings.h"
#include "base/json_write.h"
#include "exchange/usage_feed.h"

struct usage_keeper;

struct usage_keeper *usage_keeper_new(const char *folder);
/* Workers have ended: what is left is written. */
void usage_keeper_free(struct usage_keeper *k);

/* A worker's feed, the keeper's own. Before the start. `workers`: how many there will be. */
struct usage_feed *usage_keeper_feed(struct usage_keeper *k, unsigned workers);
void usage_keeper_start(struct usage_keeper *k);
/* Its thread ends; the database is still open. */
void usage_keeper_stop(struct usage_keeper *k);

/* Prices and retention from now on. */
void usage_keeper_settings(struct usage_keeper *k, struct settings *s);

/* The database, for the caller alone until it gives it back; NULL (and `e`): it cannot be opened
 * now. */
struct usage_db *usage_keeper_take(struct usage_keeper *k, struct error *e);
/* `failed`: what went wrong, or NULL. */
void usage_keeper_return(struct usage_keeper *k, const struct error *failed);

/* What an account did today. */
void usage_keeper_today(struct usage_keeper *k, int64_t account, struct usage_today *out);
/* Runs on the keeper's thread. False: too much waits. */
bool usage_keeper_ask(struct usage_keeper *k, void (*fn)(void *message), void *message);
/* Waits at most until all rows that had come before are written. On the keeper's thread. */
void usage_keeper_write(struct usage_keeper *k);

struct usage_counts {
    uint64_t written, dropped, batches, failures;
    uint32_t waiting; /* rows that could not be written yet */
    bool failing;
};
void usage_keeper_counts(struct usage_keeper *k, struct usage_counts *out);

#endif
