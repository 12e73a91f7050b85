/* exchange/kept.h - responses that are kept here, so that their clients may go on from them.
 *
 * A client of Responses that stores (the protocol's default) sends `previous_response_id` and its
 * new words alone, or names items of before by their ids. Most providers keep nothing, and one that
 * does keeps it for its own account; so what was said is kept here, for the client key that said
 * it, and told again to whichever account goes on. Bounded in number and bytes: what was not used
 * for longest makes room. Not kept over a restart.
 * Nearly nobody comes back: so a response is kept as bytes, and read when it is asked for.
 * Threads: any (one lock, not held while texts are read or copied).   Memory: kept_free(). */
#ifndef PENSTOCK_EXCHANGE_KEPT_H
#define PENSTOCK_EXCHANGE_KEPT_H

#include "base/arena.h"
#include "base/buf.h"
#include "exchange/door.h"

#define KEPT_COUNT_MAX 65536
#define KEPT_ID_MAX 256     /* bytes of an id */
#define KEPT_CHAIN_MAX 4096 /* responses that go on from each other */

struct kept;

struct kept_limits {
    uint32_t count_max; /* 0: nothing is kept */
    uint64_t bytes_max;
    int64_t unused_ms; /* since the last use */
};

struct kept_response {
    struct key_id owner;
    struct str id, previous; /* the response it goes on from, or empty */
    int64_t account;         /* whose provider keeps it, too; 0: nobody's */
    struct str response;     /* the object, valid JSON; found: as its client got it */
    struct str model;        /* the name its client knows the model by, whatever `response` says */
    struct str input;        /* what was new in its request: items between commas, or … */
    bool input_is_text;      /* … a quoted text, which is told as a message; found: false */
};

struct kept *kept_new(void);
void kept_free(struct kept *k); /* NULL is fine */

struct kept_entry;

/* Copies what is given. What has no id, or is larger than all may be, is not kept; what proves to
 * have no output (a provider that streams items may leave them out of it) is never found.
 * `body`: the memory in which a large `input` lies, or NULL. It is taken over, and the result is to
 * be released by whoever still reads there; NULL: nothing was kept, and it is the caller's still.
 */
struct kept_entry *kept_add(struct kept *k, const struct kept_limits *limits,
                            const struct kept_response *given, struct buf *body, int64_t now_ms);
void kept_release(struct kept *k, struct kept_entry *e);
/* The message, an item of an input, that a quoted text stands for. */
struct str kept_message(struct str text, struct arena *a);
bool kept_any(const struct kept *k);

/* Who asks: a client key, and the connection of a client that keeps things for its length alone. */
struct kept_who {
    struct key_id ids[2];
    uint32_t count;
};

/* Nobody finds what another one has left. Texts are copied into the arena. */
bool kept_find(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
               struct arena *a, struct kept_response *out);
/* The account alone. */
bool kept_account(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
                  int64_t *account);
/* All that was said up to and with this response, oldest first: items between commas. False: it, or
 * one that it goes on from, is not kept (any more). */
bool kept_past(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms,
               struct arena *a, struct str *items);
/* One item of an output. */
bool kept_item(struct kept *k, const struct kept_who *who, struct str item_id, int64_t now_ms,
               struct arena *a, struct str *item, int64_t *account);
bool kept_remove(struct kept *k, const struct kept_who *who, struct str id, int64_t now_ms);

#endif
