/* exchange/access.h - the one access record of an exchange: log, usage, metrics, dashboard and
 * journal feed on it.
 *
 * Made when the exchange ends, never changed. Metadata only. A request for a model that is turned
 * away before it becomes an exchange has one, too.
 * Threads: a value; slices live for the call. */
#ifndef PENSTOCK_EXCHANGE_ACCESS_H
#define PENSTOCK_EXCHANGE_ACCESS_H

#include "exchange/door.h"
#include "base/json_write.h"
#include "exchange/trace_context.h"
#include "pool/pool.h"
#include "wire/protocol.h"
#include "wire/usage.h"

/* How an exchange ended. Causes are one table: enum, word, sentence. */
#define ENDING_TABLE(X)                                                                     \
    X(COMPLETE, "complete", "the client has the whole answer")                              \
    X(REFUSED, "refused", "refused at the door: another site's page, a pause, its body")    \
    X(KEY_REFUSED, "key_refused", "the client key is missing, not valid or not for this")   \
    X(KEY_SPENT, "key_spent", "the requests or tokens of the client key are used up")       \
    X(REQUEST_WRONG, "request_wrong", "the request itself was wrong")                       \
    X(MODEL_UNKNOWN, "model_unknown", "no account and no route offers the model")           \
    X(NOBODY_FREE, "nobody_free", "no account was free")                                    \
    X(UPSTREAM_FAILED, "upstream_failed", "every account that was asked failed")            \
    X(STREAM_CUT, "stream_cut", "the upstream failed after content had reached the client") \
    X(DEADLINE, "deadline", "proxy.request_deadline_seconds were over")                     \
    X(CLIENT_LEFT, "client_left", "the client left")                                        \
    X(DRAINED, "drained", "the gateway is ending")

enum ending {
#define X(name, word, text) ENDING_##name,
    ENDING_TABLE(X)
#undef X
        ENDINGS,
};
const char *ending_word(enum ending e);
const char *ending_text(enum ending e);
bool ending_from_word(struct str word, enum ending *e);

/* The first attempts and the last one are kept; those between are counted. */
#define ACCESS_ATTEMPTS_MAX 8

struct access_attempt {
    uint32_t number; /* from 1 */
    int64_t account_id;
    char label[129];
    struct str provider;     /* static */
    const struct pick *pick; /* how it was chosen, and who was passed over: pick_bytes() of it */
    int64_t waited_ms;       /* before it: nobody was free, or the same account got a moment */
    int64_t started_ms;      /* loop clock */
    enum verdict_kind verdict;
    int status;
    struct lease_lockout locks;         /* what it locked out */
    int64_t delay_ms;                   /* named by the provider; -1 none */
    int64_t first_byte_ms, duration_ms; /* from its start; -1: never came */
    struct usage usage;
};

#define ACCESS_ID_BYTES 40

struct access_record {
    char request_id[ACCESS_ID_BYTES]; /* zeroed behind its end */
    uint64_t exchange;
    struct str protocol;                  /* static */
    struct str path, model, mapped_model; /* path: empty when the client has left */
    struct str client_key;                /* its name; empty when none was needed */
    struct key_id key_id;
    struct str client;          /* the program, as it calls itself */
    struct trace_context trace; /* sampled only while traces are on */
    struct str session;         /* `sid-…`, or empty */
    struct str account;
    struct str provider; /* static */
    int status;          /* of the client's answer */
    enum ending ending;
    const char *phase; /* state of the exchange when the ending began */
    bool stream;
    bool counts_only; /* tokens were to be counted, nothing to be generated */
    struct usage usage;
    int64_t charged;                     /* tokens, to the client key's budget */
    int64_t started_ms, started_unix_ms; /* the same moment on both clocks */
    int64_t first_byte_ms, duration_ms;  /* from the head of the request; -1 never */
    uint64_t bytes_in, bytes_out;
    uint32_t attempt_count, attempts_kept;
    const struct access_attempt *attempts; /* live for the call */
    struct str broke;       /* the last fault on the way to an upstream, in a sentence; or empty */
    uint32_t broke_attempt; /* … and the number of its attempt */
    struct usage beyond;    /* of attempts that were not kept; 0: nothing known */
    const struct pick *nobody; /* the search that found nobody, when it ended so; else NULL.
                                  pick_bytes() of it */
};

void access_log(const struct access_record *r);
/* The line of the access log, without its end: an object with all that is known. */
void access_put(struct json_writer *w, const struct access_record *r);

#endif
