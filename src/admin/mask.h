/* admin/mask.h - names that are not shown while `dashboard.privacy` is on: of accounts, client keys
 * and people, and addresses of clients.
 *
 * The one place where that happens is the way out: every document that the admin side sends, as an
 * answer or as an event, passes through here, whoever made it. A name becomes `w***-3f2a`: its
 * first character, and a mark by which accounts can be told apart, keyed anew in each run so that
 * nobody can try names out. On the way in a mask stands for the name it was made of, so that what a
 * page got it can send back. Threads: any.   Memory: the caller's arena and buffers. */
#ifndef PENSTOCK_ADMIN_MASK_H
#define PENSTOCK_ADMIN_MASK_H

#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "exchange/exchange.h"
#include "pool/pool.h"

struct masks {
    struct pool *pool; /* its accounts are known by name, and: */
    pthread_mutex_t lock;
    const struct exchange_rules *rules; /* the client keys of these; NULL: none are known */
    uint64_t key[2];
};

void masks_init(struct masks *m, struct pool *pool);
void masks_clear(struct masks *m);
/* Takes a count of its own. */
void masks_set_rules(struct masks *m, const struct exchange_rules *rules);

/* One name. */
void mask_put(const struct masks *m, struct str name, struct buf *out);
/* A JSON document of this noun (`keys`), or lines of CSV with a head. False: `out` is full, or it
 * is none. */
bool mask_json(const struct masks *m, struct str noun, struct str json, struct buf *out);
bool mask_csv(const struct masks *m, struct str csv, struct buf *out);

/* The name of an account or client key that this mask stands for; other text is given back. */
struct str mask_undo(const struct masks *m, struct str text, struct arena *a);
/* The same for each text in a document, also within texts; `left`: a mask stands for no name that
 * is known. What is no JSON is given back. */
struct str mask_undo_json(const struct masks *m, struct str json, struct arena *a, bool *left);

#endif
