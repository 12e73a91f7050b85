#include "app/worker.h"

#include <stdlib.h>

#include "base/log.h"
#include "http/forwarded.h"

/* --- the server's hooks
 * ---------------------------------------------------------------------------- */

/* Kinds of requests: who answers them. */
enum { FOR_EXCHANGE, FOR_ADMIN };

static void on_request(void *peer, struct request *r)
{
    struct worker *w = peer;
    const struct exchange_rules *rules = w->env.rules;

    r->owner = NULL;
    r->peer =
        forwarded_client(r->head, rules->trusted_proxies, rules->trusted_proxy_count, &r->peer);
    r->kind = admin_takes(r->path) ? FOR_ADMIN : FOR_EXCHANGE;
    if (r->kind == FOR_ADMIN)
        admin_begin(w->admin, w->mailbox, r);
    else
        exchange_begin(&w->env, r);
}

static void on_body(void *peer, struct request *r)
{
    struct worker *w = peer;

    if (r->kind == FOR_ADMIN)
        admin_body(w->admin, r);
    else
        exchange_body(r);
}

static void on_room(void *peer, struct request *r)
{
    (void)peer;
    if (r->kind != FOR_ADMIN)
        exchange_room(r);
}

static void on_half_close(void *peer, struct request *r)
{
    (void)peer;
    if (r->kind == FOR_ADMIN)
        admin_half_close(r);
    else
        exchange_half_close(r);
}

static void on_gone(void *peer, struct request *r, enum gone why)
{
    struct worker *w = peer;

    if (r->kind == FOR_ADMIN)
        admin_gone(w->admin, r);
    else
        exchange_gone(r, why);
}

static void error_body(void *peer, struct str path, struct str id, int status, struct str what,
                       struct buf *body)
{
    (void)peer;
    exchange_error_body(path, id, status, what, body);
}

/* --- waking
 * ---------------------------------------------------------------------------------------- */

static void wake_here(void *message)
{
    struct worker *w = message;

    atomic_store(&w->wake_sent, false);
    exchange_wake(&w->env);
}

/* Called under the pool's lock: only sends. */
static void on_account_free(void *peer)
{
    struct worker *w = peer;

    /* one message wakes all that were given an account; when the mailbox is full, their own timers
     * do */
    if (!atomic_exchange(&w->wake_sent, true) && !mailbox_send(w->mailbox, wake_here, w))
        atomic_store(&w->wake_sent, false);
}

/* --- life
 * ------------------------------------------------------------------------------------------ */

static void on_access(void *peer, const struct access_record *record)
{
    struct worker *w = peer;

    struct record_kind *kind = record_kind_find(w->kinds, record);

    meter_add(w->meter, record, kind);
    w->shared->on_access(w->shared->peer, record);
    if (w->usage != NULL && w->env.rules->usage_track)
        usage_feed_add(w->usage, record, kind);
}

const struct histogram_scale worker_lag_scale = {
    { "0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1.0", "5.0" },
    { 1000, 5000, 10000, 50000, 100000, 500000, 1000000, 5000000 },
    8,
    6,
};

#define BEAT_MS 1000
#define LAG_TELL_MS 1000

static void beat(void *peer, int64_t now_ms)
{
    struct worker *w = peer;
    int64_t late_us = clock_mono_us() - w->beat_due_us;

    (void)now_ms;
    histogram_own(&w->lag, &worker_lag_scale, late_us > 0 ? late_us : 0);
    if (late_us > LAG_TELL_MS * 1000)
        log_warn("a worker's loop was kept for too long", F_INT("worker", w->number),
                 F_INT("late_ms", late_us / 1000));
    w->beat_due_us = clock_mono_us() + BEAT_MS * 1000;
    timer_start(&w->beat, BEAT_MS);
}

enum status worker_init(struct worker *w, const struct worker_options *options, struct error *e)
{
    *w = (struct worker){ .number = options->number,
                          .shared = options->shared,
                          .usage = options->usage,
                          .admin = options->admin };
    w->loop = loop_new();
    w->mailbox = mailbox_new(w->loop);
    w->client = client_new(&(struct client_options){ .loop = w->loop,
                                                     .limits = options->client,
                                                     .tls = options->tls,
                                                     .metrics = &w->client_metrics },
                           e);
    if (w->client == NULL) {
        mailbox_free(w->mailbox);
        loop_free(w->loop);
        return e->status;
    }
    w->server = server_new(&(struct server_options){
        .loop = w->loop,
        .limits = options->server,
        .hooks = { .on_request = on_request,
                   .on_body = on_body,
                   .on_room = on_room,
                   .on_half_close = on_half_close,
                   .on_gone = on_gone,
                   .error_body = error_body,
                   .peer = w },
        .budget = &options->shared->budget,
        .metrics = &w->server_metrics,
        .connections = &options->shared->connections,
        .peers = options->shared->peers,
        .hosts = options->hosts,
        .host_count = options->host_count,
    });
    w->live = live_new();
    options->rules->owner_ref(options->rules->owner);
    w->env = (struct exchange_env){
        .loop = w->loop,
        .client = w->client,
        .pool = options->shared->pool,
        .journal = options->shared->journal,
        .live = w->live,
        .stored = options->shared->stored,
        .kept = options->shared->kept,
        .ledger = options->shared->ledger,
        .metrics = &w->exchange_metrics,
        .paused = &options->shared->paused,
        .capture = options->shared->capture,
        .rules = options->rules,
        .on_access = on_access,
        .wake = on_account_free,
        .peer = w,
    };
    exchange_env_init(&w->env);
    w->meter = meter_new();
    w->kinds = record_kinds_new();
    timer_init(&w->beat, w->loop, beat, w);
    w->beat_due_us = clock_mono_us() + BEAT_MS * 1000;
    timer_start(&w->beat, BEAT_MS);
    w->env.id_last = (uint64_t)w->number << 40; /* numbers of exchanges are the process's */
    return OK;
}

void worker_clear(struct worker *w)
{
    timer_stop(&w->beat);
    meter_free(w->meter);
    record_kinds_free(w->kinds);
    server_free(w->server);
    client_free(w->client);
    exchange_env_clear(&w->env);
    live_free(w->live);
    w->env.rules->owner_unref(w->env.rules->owner);
    mailbox_free(w->mailbox);
    loop_free(w->loop);
}

bool worker_send(struct worker *w, void (*fn)(void *message), void *message)
{
    return mailbox_send(w->mailbox, fn, message);
}

/* --- connections
 * ----------------------------------------------------------------------------------- */

struct handed {
    struct worker *worker;
    struct accepted *accepted;
};

static void accept_here(void *message)
{
    struct handed *h = message;

    server_accept(h->worker->server, h->accepted);
    atomic_store_explicit(&h->worker->connections, server_connections(h->worker->server),
                          memory_order_relaxed);
    free(h);
}

void worker_accept(struct worker *w, struct accepted *a)
{
    struct handed *h;

    if (w->number == 0) {
        server_accept(w->server, a);
        atomic_store_explicit(&w->connections, server_connections(w->server), memory_order_relaxed);
        return;
    }
    h = must_alloc(sizeof(*h));
    *h = (struct handed){ w, a };
    atomic_fetch_add_explicit(&w->connections, 1, memory_order_relaxed);
    if (!worker_send(w, accept_here, h)) {
        accepted_drop(a);
        free(h);
    }
}

/* --- rules
 * ----------------------------------------------------------------------------------------- */

void worker_set_rules(struct worker *w, const struct exchange_rules *rules)
{
    const struct exchange_rules *old = w->env.rules;

    rules->owner_ref(rules->owner);
    w->env.rules = rules;
    old->owner_unref(old->owner);
}

/* --- drain
 * ----------------------------------------------------------------------------------------- */

static void drained(void *peer)
{
    struct worker *w = peer;

    timer_stop(&w->drain);
    w->on_drained(w->on_drained_peer, w);
}

static void patience_over(void *peer, int64_t now_ms)
{
    struct worker *w = peer;

    (void)now_ms;
    exchange_end_all(&w->env);
}

void worker_drain(struct worker *w, int64_t patience_ms, void (*done)(void *peer, struct worker *w),
                  void *peer)
{
    w->on_drained = done;
    w->on_drained_peer = peer;
    w->env.draining = true;
    timer_init(&w->drain, w->loop, patience_over, w);
    timer_start(&w->drain, patience_ms);
    /* a second more: the error that patience_over() writes must reach its client */
    server_drain(w->server, patience_ms + 1000, drained, w);
}
