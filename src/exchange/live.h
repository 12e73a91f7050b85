/* exchange/live.h - what exchanges do just now, for whoever watches them.
 *
 * A ring of fixed size for each worker: its loop puts in, one reader on another thread takes out.
 * While nobody watches, an exchange pays one look at a flag. When the ring is full the news is lost
 * and counted: an exchange never waits for it. How exchanges end is not told here but by their
 * access records (exchange/trace.h). Threads: live_add() and live_survey() the worker's,
 * live_take() one reader's, the rest any.   Memory: live_free(). */
#ifndef PENSTOCK_EXCHANGE_LIVE_H
#define PENSTOCK_EXCHANGE_LIVE_H

#include <stdatomic.h>

#include "exchange/access.h"

#define LIVE_EVENTS 1024 /* a power of two */
#define LIVE_TEXT 96     /* bytes kept of a model's or account's name, with a NUL */

enum live_kind {
    LIVE_BEGAN,   /* a request was read */
    LIVE_ATTEMPT, /* an account is asked */
    LIVE_VERDICT, /* … and this came of it */
    LIVE_CONTENT, /* the first of the answer went out */
};

struct live_event {
    enum live_kind kind;
    char request_id[40];
    int64_t unix_ms; /* when; of an attempt: when it began */
    union {
        struct {
            struct str protocol; /* static */
            bool stream;
            char model[LIVE_TEXT], mapped_model[LIVE_TEXT], client_key[LIVE_TEXT], session[32];
        } began;
        struct { /* ATTEMPT and VERDICT */
            uint32_t number;
            int64_t account_id;
            char account[LIVE_TEXT];
            struct str provider; /* static */
            enum pick_reason reason;
            enum verdict_kind verdict; /* VERDICT: */
            int status;
            int64_t duration_ms;
        } attempt;
        int64_t first_byte_ms; /* CONTENT */
    };
};

struct live;

struct live *live_new(void);
void live_free(struct live *l); /* NULL is fine */

void live_watch(struct live *l, bool watched);
bool live_is_watched(const struct live *l);
/* Copied; dropped when nobody watches. */
void live_add(struct live *l, const struct live_event *e);
/* The oldest that was not taken yet. */
bool live_take(struct live *l, struct live_event *out);
/* Lost since this was asked last. */
uint64_t live_lost(struct live *l);

struct exchange_env;
/* Tells of all that run now, as far as they have come: for somebody who begins to watch. */
void live_survey(struct exchange_env *env);

#endif
