/* pool/verdict.h - what an answer of an upstream means for us (product: scheduling, verdicts).
 *
 * One line of the table gives the enum, the word in log, trace and journal, and the sentence. A
 * verdict is made by provider/judge from status, headers, body and transport; the pool draws the
 * consequences. Threads: values. */
#ifndef PENSTOCK_POOL_VERDICT_H
#define PENSTOCK_POOL_VERDICT_H

#include "base/str.h"

#define VERDICT_TABLE(X)                                                                      \
    X(NONE, "none", "the attempt was given up before it could teach anything")                \
    X(SUCCESS, "success", "the upstream answered")                                            \
    X(RATE_LIMITED, "rate_limited", "too many requests in a short time")                      \
    X(QUOTA_EXHAUSTED, "quota_exhausted", "the account's allowance is used up")               \
    X(CAPACITY, "capacity", "the provider has no capacity for this model now")                \
    X(SERVER_ERROR, "server_error", "the provider failed")                                    \
    X(TIMEOUT, "timeout", "the provider did not answer in time")                              \
    X(NETWORK, "network", "the provider could not be reached")                                \
    X(AUTH_EXPIRED, "auth_expired", "the access token has expired")                           \
    X(AUTH_INVALID, "auth_invalid", "the credential is refused")                              \
    X(FORBIDDEN, "forbidden", "the account may not do this")                                  \
    X(NEEDS_ACTION, "needs_action", "the provider wants the account's owner to do something") \
    X(MODEL_MISSING, "model_missing", "this account does not have the model")                 \
    X(REPAIRABLE, "repairable", "the provider refuses a parameter that can be left out")      \
    X(CLIENT_FAULT, "client_fault", "the request itself is wrong")                            \
    X(TOO_LONG, "too_long", "the request is longer than the model's context")                 \
    X(BLOCKED, "blocked", "the provider's policy refused the content")                        \
    X(CLIENT_LEFT, "client_left", "the client left")

enum verdict_kind {
#define X(name, word, text) VERDICT_##name,
    VERDICT_TABLE(X)
#undef X
        VERDICT_KINDS,
};

struct verdict {
    enum verdict_kind kind;
    int status;          /* HTTP status it was made from; of an error inside a 200 the one it stands
                            for; 0 when there was none */
    int64_t delay_ms;    /* how long the provider asks us to stay away; -1 when it named no time */
    bool group_scope;    /* concerns the model's quota group, not the whole account */
    bool billing;        /* quota: money, not time (402, credit, `limit: 0`) */
    bool exhausted;      /* rate: "resource exhausted" without a time, which waits longer */
    bool vague;          /* rate: a 429 that says nothing we know, which waits longest */
    bool first_capacity; /* capacity: the first of its exchange, which costs no lockout; set by the
                            exchange */
    bool cut;            /* server_error: a cut or empty stream */
    bool nothing_sent;   /* network: no byte of the request went out */
    bool fresh_try;      /* network, timeout: the exchange asks once more on a fresh connection, so
                            nobody learns of it yet; set by the exchange */
    bool derived;        /* the delay is our own conclusion, not a time that the provider named */
    bool daily;          /* … from a daily allowance: to its midnight */
    bool unlisted;       /* model_missing: the account's model list lacks it, too */
    struct str evidence; /* the provider's words or its link for the owner, redacted; lives for the
                            call it is given to */
};

const char *verdict_word(enum verdict_kind kind);
const char *verdict_text(enum verdict_kind kind);
bool verdict_from_word(struct str word, enum verdict_kind *kind);
/* A refusal that costs nothing uses up its account, not an attempt (429, quota, 401, 402, 403,
 * model missing, capacity). */
bool verdict_is_free(enum verdict_kind kind);
/* A limit that the provider says is over so soon that the same account is worth asking again. */
#define VERDICT_SHORT_MS 2000
bool verdict_is_short(const struct verdict *v);
/* Is another account worth asking? */
bool verdict_rotates(enum verdict_kind kind);

#endif
