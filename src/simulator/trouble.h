/* simulator/trouble.h - errors as the four providers word them: status, body, and their hints on
 * when to come back.
 *
 * The table is the simulator's own and not wire/fault.c's: that one says what the gateway tells its
 * clients, this one what upstreams tell the gateway; a test that compares both with one table would
 * prove nothing. Threads: pure.   Memory: the caller's buffers and arena. */
#ifndef PENSTOCK_SIMULATOR_TROUBLE_H
#define PENSTOCK_SIMULATOR_TROUBLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "http/parse.h"
#include "wire/protocol.h"

/* name, word of the `error=` directive */
#define TROUBLE_TABLE(X)        \
    X(RATE_LIMIT, "rate_limit") \
    X(QUOTA, "quota")           \
    X(USAGE, "usage")           \
    X(KEY, "key")               \
    X(FORBIDDEN, "forbidden")   \
    X(OVERLOADED, "overloaded") \
    X(CONTEXT, "context")       \
    X(MODEL, "model")           \
    X(SERVER, "server")         \
    X(TIMEOUT, "timeout")       \
    X(BAD_REQUEST, "request")   \
    X(CONTENT, "content")       \
    X(TOO_LARGE, "too_large")   \
    X(NOT_FOUND, "not_found")   \
    X(METHOD, "method")         \
    X(BILLING, "billing")       \
    X(BEFORE, "before") /* what the request goes on from is not kept here */

enum trouble_kind {
#define X(name, word) TROUBLE_##name,
    TROUBLE_TABLE(X)
#undef X
        TROUBLES
};

/* Where the hint on the wait may stand; `hint=` picks one, the default is all that the provider
 * has. */
#define HINT_TABLE(X)   \
    X(NATIVE, "native") \
    X(NONE, "none")     \
    X(HEADER, "header") \
    X(MS, "ms")         \
    X(DATE, "date")     \
    X(TEXT, "text")     \
    X(DETAILS, "details")

enum hint_kind {
#define X(name, word) HINT_##name,
    HINT_TABLE(X)
#undef X
        HINTS
};

struct trouble {
    enum trouble_kind kind;
    int status;         /* 0: the provider's own for the kind */
    struct str message; /* empty: the provider's own */
    struct str model;
    struct str request_id;
    enum hint_kind hint;
    int64_t retry_after_ms;   /* -1: none */
    int64_t reset_in_ms;      /* -1: none; rate limit headers */
    int64_t limit, remaining; /* requests; -1: none; rate limit headers */
    int64_t now_unix_ms;      /* only for hints that are dates */
};

#define TROUBLE_FIELDS_MAX 16

/* The kind that a bare status stands for. */
enum trouble_kind trouble_of_status(int status);
int trouble_status(enum wire wire, const struct trouble *t);
/* The JSON body. False: out is full. */
bool trouble_put(struct buf *out, enum wire wire, const struct trouble *t);
/* The JSON of the event that tells of it in the middle of a stream, without framing, and that
 * event's name (empty where the wire has none). `sequence` and `response_id`: openai-responses. */
bool trouble_put_event(struct buf *out, enum wire wire, const struct trouble *t, int64_t sequence,
                       struct str response_id, struct str *name);
/* An error without any hint. */
struct trouble trouble_plain(enum trouble_kind kind, struct str message);
/* Response fields: request id, hints, limits; of a good answer too, when `hint` is HINT_NONE. Gives
 * how many, at most TROUBLE_FIELDS_MAX. */
uint32_t trouble_fields(enum wire wire, const struct trouble *t, struct arena *a,
                        struct http_field fields[TROUBLE_FIELDS_MAX]);

#endif
