/* exchange/record_kind.h - what access records have in common.
 *
 * Most requests are like one before them: same client, model, provider and ending. A worker keeps
 * the kinds of records that it met, so that whoever counts requests looks names up once for each
 * kind, and from then on finds its place in the kind. A bounded set: what is rare makes room.
 * Threads: own loop.   Memory: record_kinds_free(); a kind lives until the next one is found. */
#ifndef PENSTOCK_EXCHANGE_RECORD_KIND_H
#define PENSTOCK_EXCHANGE_RECORD_KIND_H

#include "exchange/access.h"

#define RECORD_KINDS_MAX 1024
#define RECORD_KIND_TEXT_MAX 128 /* a record with a longer text has a kind for itself */

enum kind_text { KIND_MODEL, KIND_MAPPED, KIND_KEY, KIND_CLIENT, KIND_PATH, KIND_TEXTS };

struct record_kind {
    uint64_t hash;
    uint32_t outcome; /* ending, status and flags together */
    struct key_id key_id;
    const char *protocol, *provider; /* static texts are the same when they are at one place */
    struct str texts[KIND_TEXTS];    /* the kind's own */
    /* --- places of those who count; NULL or 0: not looked up yet */
    void *request_row, *key_row; /* exchange/meter.c */
    void *attempt_row;           /* ... of this outcome of an attempt: */
    const char *attempt_provider;
    enum verdict_kind attempt_verdict;
    uint64_t block; /* exchange/usage_feed.c: number of the block that has its names */
    const void *names;
};

struct record_kinds;

struct record_kinds *record_kinds_new(void);
void record_kinds_free(struct record_kinds *all); /* NULL is fine */
struct record_kind *record_kind_find(struct record_kinds *all, const struct access_record *r);

#endif
