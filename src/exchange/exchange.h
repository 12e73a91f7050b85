/* exchange/exchange.h - the journey of one client request through us, attempts included.
 *
 * The states, in the order they run (the table in exchange.c checks every move):
 *
 *     READING ──► PICKING ──► SENDING ──► STREAMING ──► ENDED
 *        │           ▲ │          │            ▲            ▲
 *        │           └─┼──────────┘ fault      │            │
 *        └─────────────┴───────────────────────┴────────────┘
 *
 * Threads: own loop; one `struct exchange_env` for each worker.   Memory: an exchange lives in its
 * request's arena and dies with the request. */
#ifndef PENSTOCK_EXCHANGE_EXCHANGE_H
#define PENSTOCK_EXCHANGE_EXCHANGE_H

#include "base/metric.h"
#include "exchange/access.h"
#include "exchange/door.h"
#include "exchange/live.h"
#include "exchange/kept.h"
#include "exchange/ledger.h"
#include "exchange/repair.h"
#include "exchange/stored.h"
#include "http/client.h"
#include "journal/journal.h"
#include "route/table.h"

/* A snapshot of the settings that exchanges follow. Immutable; counted through its owner. */
struct exchange_rules {
    struct door_rules door;
    const struct route_table *routes;
    int64_t request_deadline_ms;
    int64_t stream_head_after_ms; /* head commit without content */
    int64_t keep_alive_event_ms;  /* silence in a started stream before a keep-alive */
    uint64_t answer_bytes_max;    /* an answer that is not streamed, and one event of a stream */
    bool privacy;                 /* mask account names */
    bool usage_track;             /* keep what requests use */
    bool chat_image_markdown;     /* pictures also as markdown in the text of a chat */
    struct kept_limits kept;      /* responses that clients may go on from */
    bool websocket;               /* Responses may come over a WebSocket */
    struct {
        bool on;           /* requests are traced */
        bool forward;      /* attempts name their span to the upstream */
        uint32_t permille; /* of those whose client does not decide it */
    } traces;
    const struct str *trusted_proxies; /* whose word on a client's address counts */
    size_t trusted_proxy_count;
    bool strict; /* refuse what cannot be said to the account in place of dropping it */
    void *owner;
    void (*owner_ref)(void *owner);
    void (*owner_unref)(void *owner);
};

#define EXCHANGE_METRICS(X)                                                                        \
    X(exchanges, "client requests for a model")                                                    \
    X(exchanges_running, "client requests running now")                                            \
    X(exchanges_waiting, "client requests waiting for an account now")                             \
    X(streams_running, "streams that have begun and not ended")                                    \
    X(completed, "answered to the end")                                                            \
    X(failed, "answered with an error")                                                            \
    X(left, "given up by their client")                                                            \
    X(attempts, "upstream attempts")                                                               \
    X(failovers, "attempts after the first of an exchange")                                        \
    X(events_dropped, "stream events that were no JSON and were dropped")                          \
    X(refused_keys, "requests refused for their client key")                                       \
    X(refused_key_addresses, "requests refused because their client key is not for their address") \
    X(refused_key_requests,                                                                        \
      "requests refused because their client key has made those of a minute")                      \
    X(refused_key_tokens, "requests refused because their client key has too few tokens left")     \
    X(refused_key_models, "requests refused because their client key is not for their model")      \
    X(refused_origin, "requests refused because another site's page seems to have sent them")      \
    X(refused_request, "requests refused because their body is wrong")                             \
    X(refused_paused, "requests refused while serving is paused")                                  \
    X(refused_path, "requests for unknown paths and methods")                                      \
    X(refused_untold,                                                                              \
      "requests of clients without a valid key that only refused_keys tells of, for their number") \
    X(tokens_in, "prompt tokens of complete answers")                                              \
    X(tokens_out, "generated tokens of complete answers")                                          \
    X(tokens_cache_read, "prompt tokens read from a cache")
METRIC_STRUCT(exchange_metrics, EXCHANGE_METRICS)

struct exchange;

/* What the exchanges of one worker stand on. */
struct exchange_env {
    struct loop *loop;
    struct client *client;
    struct pool *pool;
    struct journal *journal;            /* NULL: none */
    struct capture *capture;            /* of all workers; NULL: none */
    struct live *live;                  /* this worker's; NULL: none */
    struct stored *stored;              /* of all workers; NULL: none */
    struct kept *kept;                  /* of all workers; NULL: none */
    struct ledger *ledger;              /* of all workers; NULL: none */
    struct exchange_metrics *metrics;   /* counted by this loop alone */
    const struct exchange_rules *rules; /* current; app swaps it, running exchanges keep theirs */
    void (*on_access)(void *peer, const struct access_record *record); /* NULL: none */
    void (*wake)(void *peer); /* from any thread: calls exchange_wake() on the env's own */
    void *peer;
    bool draining;              /* new requests are refused */
    const _Atomic bool *paused; /* likewise, while it is true; NULL: never */
    /* kept by exchange.c */
    struct arena scratch;
    struct buf head;             /* the upstream request head being written */
    struct pick asked;           /* what the pool says, until it is kept */
    struct exchange *running;    /* list */
    struct exchange *waiting;    /* those of them that the pool will wake */
    struct repair_table repairs; /* what upstreams were learned not to take */
    struct facts_cache facts;    /* of the models that are asked for */
    uint64_t id_seed, id_last;
    struct {
        int64_t minute;
        uint32_t requests, used;
    } again; /* second tries of the same account, this minute */
    struct {
        int64_t minute;
        uint32_t told;
    } strangers; /* requests refused for their key that have a record, this minute */
};

void exchange_env_init(struct exchange_env *env);
void exchange_env_clear(struct exchange_env *env);

/* The server's hooks (http/server.h), for paths that are not the admin's. */
void exchange_begin(struct exchange_env *env, struct request *r);
void exchange_body(struct request *r);
void exchange_room(struct request *r);
void exchange_half_close(struct request *r);
void exchange_gone(struct request *r, enum gone why);

/* Some that wait were given an account. */
void exchange_wake(struct exchange_env *env);
/* Ends what still runs with an error in its protocol's form: the last step of a drain. */
void exchange_end_all(struct exchange_env *env);

/* An error of the HTTP layer's own in the protocol of its path (hook error_body). */
void exchange_error_body(struct str path, struct str id, int status, struct str what,
                         struct buf *body);

#endif
