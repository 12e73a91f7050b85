/* app/worker.h - one event loop with its server, its client and its exchanges.
 *
 * Worker 0 runs on the main thread and accepts; each other worker has a thread. What reaches a
 * worker from outside comes through its mailbox. Threads: made and freed by the main thread;
 * `worker_send` any; the rest own loop. */
#ifndef PENSTOCK_APP_WORKER_H
#define PENSTOCK_APP_WORKER_H

#include "admin/admin.h"
#include "exchange/exchange.h"
#include "exchange/usage_feed.h"
#include "exchange/meter.h"
#include "http/server.h"
#include "io/mailbox.h"

#define WORKERS_MAX 64

/* What all workers share. */
struct worker_shared {
    struct pool *pool;
    struct journal *journal; /* NULL: none */
    struct stored *stored;   /* to which conversations responses belong */
    struct ledger *ledger;   /* who minted which signature */
    struct kept *kept;       /* responses that clients may go on from */
    struct budget budget;
    struct capture *capture;
    _Atomic bool paused; /* clients are not served */
    _Atomic uint32_t connections;
    struct peers *peers; /* connections of each remote address */
    void (*on_access)(void *peer, const struct access_record *record);
    void *peer;
};

struct worker {
    unsigned number;
    struct loop *loop;
    struct mailbox *mailbox;
    struct thread *thread; /* NULL: worker 0 */
    struct server *server;
    struct client *client;
    struct exchange_env env;
    struct usage_feed *usage; /* to the keeper of usage; NULL: nobody keeps any */
    struct live *live;
    struct admin *admin; /* shared; answers what admin_takes() */
    struct worker_shared *shared;
    struct server_metrics server_metrics;
    struct client_metrics client_metrics;
    struct exchange_metrics exchange_metrics;
    struct meter *meter; /* of the requests that it has finished */
    struct record_kinds *kinds;
    struct timer beat; /* once a second: how late is the loop? */
    int64_t beat_due_us;
    struct histogram lag;
    struct timer drain;
    _Atomic bool wake_sent;       /* a message to wake those that wait is on its way */
    _Atomic uint32_t connections; /* for the acceptor's choice */
    void (*on_drained)(void *peer, struct worker *w);
    void *on_drained_peer;
};

/* Of the timers that measure how late loops are, in microseconds. */
extern const struct histogram_scale worker_lag_scale;

struct worker_options {
    unsigned number;
    struct worker_shared *shared;
    const struct exchange_rules *rules; /* a count of its own is taken */
    struct server_limits server;
    struct client_limits client;
    struct tls_options tls;
    const struct str *hosts;
    size_t host_count;
    struct admin *admin;
    struct usage_feed *usage;
};

MUST_USE enum status worker_init(struct worker *w, const struct worker_options *options,
                                 struct error *e);
/* Its loop must have ended. */
void worker_clear(struct worker *w);

/* Runs `fn(message)` on the worker's loop. */
bool worker_send(struct worker *w, void (*fn)(void *message), void *message);
/* Hands a connection over. Threads: worker 0. */
void worker_accept(struct worker *w, struct accepted *a);
/* New rules for requests that begin from now on; takes a count of its own. */
void worker_set_rules(struct worker *w, const struct exchange_rules *rules);
/* Finishes what runs for at most `patience_ms`, then ends it with an error; `done` is called on the
 * worker's loop. */
void worker_drain(struct worker *w, int64_t patience_ms, void (*done)(void *peer, struct worker *w),
                  void *peer);

#endif
