/* wire/fault.h - errors of ours in the form the client speaks, before a stream and in the middle of
 * one.
 *
 * One class gives status, type and code for each protocol (the table in fault.c; OpenAI, Anthropic
 * and Gemini error references as of 2026-11). Texts are ours or the provider's own words after
 * redaction; at most FAULT_TEXT_MAX bytes, never with keys, paths or upstream headers. Threads:
 * pure.   Memory: slices are borrowed for the call. */
#ifndef PENSTOCK_WIRE_FAULT_H
#define PENSTOCK_WIRE_FAULT_H

#include "base/buf.h"
#include "wire/protocol.h"

#define FAULT_TEXT_MAX 512

enum fault_class {
    FAULT_BAD_REQUEST,
    FAULT_CONTEXT_TOO_LONG,
    FAULT_CLIENT_KEY,    /* missing, unknown or expired client key */
    FAULT_UPSTREAM_AUTH, /* every account needs sign-in */
    FAULT_FORBIDDEN,
    FAULT_NO_ROUTE,      /* no account or route offers the model */
    FAULT_MODEL_MISSING, /* the upstream's own 404 */
    FAULT_NOT_FOUND,     /* no such path, model list entry or object */
    FAULT_METHOD,
    FAULT_RATE_LIMITED,
    FAULT_QUOTA,
    FAULT_OVERLOADED,
    FAULT_BLOCKED, /* the provider's content policy */
    FAULT_TOO_LARGE,
    FAULT_MEDIA_TYPE,
    FAULT_TIMEOUT,
    FAULT_SERVER,      /* an upstream failed */
    FAULT_UNAVAILABLE, /* we ourselves: draining, paused, out of memory budget */
    FAULT_UNSUPPORTED, /* the target cannot do this */
    FAULT_HOST,        /* 421 */
    FAULT_CLASSES,
};

struct fault {
    enum fault_class class;
    int status; /* 0: the class's own for the protocol */
    struct str message;
    struct str type, code, param; /* empty: the class's own */
    int64_t retry_after_s;        /* ≤ 0: none */
};

int fault_status(enum wire protocol, const struct fault *f);
/* The JSON body of an error answer. False: out is full. */
bool fault_put(struct buf *out, enum wire protocol, const struct fault *f, struct str request_id);
/* The error as an event in the middle of a stream; `sequence` is the next sequence_number and
 * `response` the response object's id, both of openai-responses only. The stream is over after it.
 */
bool fault_put_event(struct buf *out, enum wire protocol, const struct fault *f,
                     struct str request_id, int64_t sequence, struct str response);
/* A class for a status that the HTTP layer refused with. */
enum fault_class fault_class_of_status(int status);

#endif
