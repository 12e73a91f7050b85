#include "app/gateway.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/data_dir.h"
#include "app/desk.h"
#include "app/metrics.h"
#include "app/open.h"
#include "app/usage_keeper.h"
#include "app/worker.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/url.h"
#include "http/peers.h"
#include "io/file.h"
#include "io/signals.h"
#include "io/zone.h"
#include "io/terminal.h"
#include "simulator/simulator.h"

#define JOURNAL_FLUSH_MS 1000
/* Descriptors that are open before anybody calls: files, listeners, what each loop needs. */
#define DESCRIPTORS_OWN 40
#define DESCRIPTORS_WORKER 8

struct gateway {
    const struct gateway_options *options;
    struct pool *pool;
    struct desk *desk;
    struct usage_keeper *keeper;
    struct key_budgets *budgets; /* of client keys */
    struct admin *admin;
    struct trace_ring *traces; /* of finished requests */
    struct history *history;   /* of accounts */
    struct stored *stored;     /* the conversations of responses */
    struct ledger *ledger;     /* who minted which signature */
    struct kept *kept;         /* responses that clients may go on from */
    _Atomic bool capturing;
    struct capture *capture;    /* of bodies */
    struct trace_ring *reports; /* records on their way to access log and traces */
    _Atomic bool reporting;
    struct journal *journal;
    struct file_append *journal_file;
    struct timer journal_timer;
    struct worker_shared shared;
    struct worker *workers;
    unsigned worker_count;
    struct listener *listeners[LISTENERS_MAX];
    struct address addresses[LISTENERS_MAX];
    size_t listener_count;
    struct signals *signals;
    struct simulator *simulator;
    _Atomic bool simulating;
    struct address simulator_at;
    int64_t started_ms;
    int64_t drain_ms;
    unsigned draining; /* workers that have not finished yet */
    bool stopping;
};

static struct loop *main_loop(const struct gateway *g)
{
    return g->workers[0].loop;
}

/* --- the simulator, while there is no account
 * ------------------------------------------------------ */

/* below all that settings_account_id() gives */
#define SIMULATOR_ID (-((int64_t)1 << 53))

static enum status simulator_start(struct gateway *g, struct error *e)
{
    struct account_spec *spec;
    struct upstream *up = NULL;
    char text[ADDRESS_TEXT_MAX];
    enum status st;

    if (g->simulator == NULL) {
        struct simulator_options options = { .loop = main_loop(g), .seed = 1 };

        (void)address_read(STR("127.0.0.1:0"), &options.listen);
        st = simulator_new(&options, &g->simulator, e);
        if (st != OK)
            return st;
        g->simulator_at = simulator_address(g->simulator);
    }
    spec = account_spec_new();
    spec->id = SIMULATOR_ID;
    spec->label = STR("simulator");
    spec->provider = STR("simulator");
    spec->base_url =
        arena_printf(&spec->arena, "http://%.*s", STR_ARG(address_text(&g->simulator_at, text)));
    spec->models = arena_array(&spec->arena, struct str, 2);
    spec->models[0] = STR("simulator");
    spec->models[1] = STR("*");
    spec->model_count = 2;
    struct settings *s = desk_settings(g->desk);
    st = upstream_new(spec, &s->provider, &up, e);
    if (st == OK)
        st = pool_put(g->pool, spec, upstream_means(up), e);
    settings_unref(s);
    account_spec_free(spec);
    if (st == OK) {
        atomic_store(&g->simulating, true);
        log_warn("no account is configured: every request is answered by the built-in provider "
                 "simulator, "
                 "not by a model; add an account to end that",
                 F_STR("simulator", address_text(&g->simulator_at, text)));
    }
    return st;
}

/* The account goes at once; the listener stays, so that answers that are running end well. */
static void simulator_stop(struct gateway *g)
{
    if (!atomic_load(&g->simulating))
        return;
    (void)pool_remove(g->pool, SIMULATOR_ID);
    atomic_store(&g->simulating, false);
    log_info("there is an account now: the simulator serves no more");
}

struct account_news {
    struct gateway *gateway;
    size_t count;
};

static void accounts_changed_here(void *message)
{
    struct account_news *news = message;
    struct error e;

    if (news->count > 0)
        simulator_stop(news->gateway);
    else if (!atomic_load(&news->gateway->simulating) && simulator_start(news->gateway, &e) != OK)
        log_error("the simulator did not start", F_C("why", e.text));
    free(news);
}

/* The desk's loop. */
static void on_accounts(void *peer, size_t count)
{
    struct gateway *g = peer;
    struct account_news *news = must_alloc(sizeof(*news));

    *news = (struct account_news){ g, count };
    if (!worker_send(&g->workers[0], accounts_changed_here, news))
        free(news);
}

/* --- settings
 * -------------------------------------------------------------------------------------- */

struct rules_news {
    struct worker *worker;
    const struct exchange_rules *rules; /* one count */
    struct settings *settings;          /* one count */
};

static void rules_changed_here(void *message)
{
    struct rules_news *news = message;

    worker_set_rules(news->worker, news->rules);
    server_set_hosts(news->worker->server, news->settings->hosts, news->settings->host_count);
    news->rules->owner_unref(news->rules->owner);
    settings_unref(news->settings);
    free(news);
}

static void publish_rules(struct gateway *g, struct settings *s, struct client_keys *keys)
{
    const struct exchange_rules *rules = exchange_rules_new(s, keys, g->budgets);

    admin_set_rules(g->admin, rules);
    for (unsigned i = 0; i < g->worker_count; i++) {
        struct rules_news *news = must_alloc(sizeof(*news));

        rules->owner_ref(rules->owner);
        *news = (struct rules_news){ &g->workers[i], rules, settings_ref(s) };
        if (!worker_send(&g->workers[i], rules_changed_here, news)) {
            rules->owner_unref(rules->owner);
            settings_unref(s);
            free(news);
        }
    }
    rules->owner_unref(rules->owner);
}

/* The desk's loop. */
static void on_keys(void *peer, struct settings *s, struct client_keys *keys)
{
    struct gateway *g = peer;

    publish_rules(g, s, keys);
}

/* The desk's loop: what can change while running does; listeners, workers and limits are read at
 * start. */
static void on_settings(void *peer, struct settings *s, struct client_keys *keys)
{
    struct gateway *g = peer;
    struct pool_options options = settings_pool_options(s);

    pool_set_options(g->pool, &options);
    admin_set_login_times(g->admin, s->login_idle_ms, s->login_life_ms);
    usage_keeper_settings(g->keeper, s);
    /* what is kept has no gaps: lists go on where it ends */
    if (!s->logs_capture || !atomic_load(&g->capturing))
        trace_ring_clear(g->traces);
    atomic_store(&g->capturing, s->logs_capture);
    if (!s->logs_bodies)
        capture_stop(g->capture);
    atomic_store(&g->reporting, reporter_wants(s));
    publish_rules(g, s, keys);
    log_info("new settings are in force");
}

/* --- status
 * ---------------------------------------------------------------------------------------- */

static uint64_t sum_streams(const struct gateway *g)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < g->worker_count; i++)
        n += count_read(&g->workers[i].exchange_metrics.streams_running);
    return n;
}

static void put_counters(struct json_writer *w, const struct gateway *g,
                         const struct metric_name *names, size_t count, size_t offset)
{
    for (size_t c = 0; c < count; c++) {
        uint64_t n = 0;

        for (unsigned i = 0; i < g->worker_count; i++) {
            const char *base = (const char *)&g->workers[i];
            const struct counter *all = (const struct counter *)(const void *)(base + offset);

            n += count_read(&all[c]);
        }
        json_put_member_i64(w, names[c].name, (int64_t)n);
    }
}

/* Members of /api/status, each with a comma in front. Any worker's thread: reads counters and what
 * is fixed at start. */
static void put_status(void *peer, struct buf *out)
{
    struct gateway *g = peer;
    char text[ADDRESS_TEXT_MAX];
    struct buf b;

    buf_init(&b, (size_t)64 << 10);
    struct json_writer w = json_writer(&b);
    json_put_object(&w);
    json_put_member_i64(&w, "uptime_seconds", (clock_mono_us() / 1000 - g->started_ms) / 1000);
    json_put_key(&w, STR("listeners"));
    json_put_array(&w);
    for (size_t i = 0; i < g->listener_count; i++)
        json_put_str(&w, address_text(&g->addresses[i], text));
    json_put_end(&w);
    json_put_member_i64(&w, "workers", g->worker_count);
    json_put_member_i64(&w, "streams", (int64_t)sum_streams(g));
    json_put_member_i64(&w, "connections", atomic_load(&g->shared.connections));
    json_put_member_i64(&w, "buffered_bytes", budget_used(&g->shared.budget));
    json_put_member_bool(&w, "simulator", atomic_load(&g->simulating));
    json_put_member_bool(&w, "serving", !atomic_load(&g->shared.paused));
    json_put_key(&w, STR("capture"));
    capture_put_state(&w, g->capture, clock_unix_ms());
    json_put_key(&w, STR("settings_fault"));
    struct buf fault;
    buf_init(&fault, 2048);
    desk_put_fault(g->desk, &fault);
    if (fault.len == 0)
        json_put_null(&w);
    else
        json_put_str(&w, buf_str(&fault));
    buf_clear(&fault);
    json_put_key(&w, STR("counters"));
    json_put_object(&w);
    put_counters(&w, g, server_metrics_names, COUNT(server_metrics_names),
                 offsetof(struct worker, server_metrics));
    put_counters(&w, g, client_metrics_names, COUNT(client_metrics_names),
                 offsetof(struct worker, client_metrics));
    put_counters(&w, g, exchange_metrics_names, COUNT(exchange_metrics_names),
                 offsetof(struct worker, exchange_metrics));
    json_put_end(&w);
    json_put_end(&w);
    /* the object's inside, behind what the admin wrote */
    (void)(buf_add_char(out, ',') && buf_add(out, str_drop_last(str_drop(buf_str(&b), 1), 1)));
    buf_clear(&b);
}

static void set_serving(void *peer, bool serving)
{
    struct gateway *g = peer;

    if (atomic_exchange(&g->shared.paused, !serving) != !serving)
        log_warn(serving ? "clients are served again" : "serving is paused: clients get 503");
}

static bool put_metrics(void *peer, bool open_metrics, int64_t now_ms, struct buf *out)
{
    struct gateway *g = peer;
    struct usage_counts usage;

    usage_keeper_counts(g->keeper, &usage);
    return metrics_put(&(struct metrics_sources){ .workers = g->workers,
                                                  .worker_count = g->worker_count,
                                                  .shared = &g->shared,
                                                  .admin = g->admin,
                                                  .reports = desk_reports(g->desk),
                                                  .grants = desk_grants_metrics(g->desk),
                                                  .background = desk_client_metrics(g->desk),
                                                  .usage = usage,
                                                  .simulating = atomic_load(&g->simulating),
                                                  .privacy = desk_face(g->desk).privacy },
                       open_metrics, now_ms, out);
}

/* --- what dashboards watch. Any thread. */

static void put_notice(struct json_writer *w, const char *kind, struct str text)
{
    json_put_object(w);
    json_put_member(w, "kind", str_c(kind));
    json_put_member(w, "text", text);
    json_put_end(w);
}

static void put_notices(void *peer, struct json_writer *w)
{
    struct gateway *g = peer;
    struct buf fault = { .max = 2048 };
    struct usage_counts usage;

    if (atomic_load(&g->simulating))
        put_notice(w, "simulator",
                   STR("No account is set up: every request is answered by the built-in provider "
                       "simulator, not by a model."));
    if (atomic_load(&g->shared.paused))
        put_notice(w, "paused", STR("Serving is paused: clients get 503."));
    usage_keeper_counts(g->keeper, &usage);
    if (usage.failing)
        put_notice(w, "usage",
                   STR("Usage is not being written: its database fails, and requests wait in "
                       "memory. The log says why."));
    desk_put_fault(g->desk, &fault);
    if (fault.len > 0)
        put_notice(w, "settings_fault", buf_str(&fault));
    struct capture_state bodies;

    capture_get(g->capture, clock_unix_ms(), &bodies);
    if (bodies.until_unix_ms != 0)
        put_notice(w, "bodies",
                   STR("Bodies of requests are kept for a while: they hold what users wrote."));
    buf_clear(&fault);
}

static void put_signins(void *peer, struct json_writer *w)
{
    struct gateway *g = peer;

    desk_put_signins(g->desk, w);
}

static void count_all(void *peer, struct admin_counts *out)
{
    struct gateway *g = peer;

    *out = (struct admin_counts){ 0 };
    for (unsigned i = 0; i < g->worker_count; i++) {
        const struct exchange_metrics *m = &g->workers[i].exchange_metrics;

        out->requests += count_read(&m->exchanges);
        out->failed += count_read(&m->failed);
        out->tokens_in += count_read(&m->tokens_in);
        out->tokens_out += count_read(&m->tokens_out);
        out->tokens_cache_read += count_read(&m->tokens_cache_read);
        out->running += count_read(&m->exchanges_running);
        out->streams += count_read(&m->streams_running);
    }
}

static struct live *live_of(void *peer, unsigned i)
{
    struct gateway *g = peer;

    return i < g->worker_count ? g->workers[i].live : NULL;
}

static void survey_here(void *message)
{
    struct worker *w = message;

    live_survey(&w->env);
}

static void watch_all(void *peer, bool watched)
{
    struct gateway *g = peer;

    for (unsigned i = 0; i < g->worker_count; i++) {
        live_watch(g->workers[i].live, watched);
        if (watched && !worker_send(&g->workers[i], survey_here, &g->workers[i]))
            log_warn("dashboards will not see what runs already: a worker's mailbox is full");
    }
}

static void on_minute(void *peer, int64_t now_ms)
{
    struct gateway *g = peer;

    history_sample(g->history, g->pool, now_ms, clock_unix_ms());
}

static void on_desk_start(void *peer, struct loop *l, struct mailbox *m)
{
    struct gateway *g = peer;

    admin_events_start(g->admin, l, m);
}

static void on_desk_stop(void *peer)
{
    struct gateway *g = peer;

    admin_events_stop(g->admin);
}

/* --- connections
 * ----------------------------------------------------------------------------------- */

/* To the worker with the fewest connections; ties go round. */
static void on_accept(void *peer, struct accepted *a)
{
    struct gateway *g = peer;
    struct worker *best = &g->workers[0];

    for (unsigned i = 1; i < g->worker_count; i++)
        if (atomic_load_explicit(&g->workers[i].connections, memory_order_relaxed) <
            atomic_load_explicit(&best->connections, memory_order_relaxed))
            best = &g->workers[i];
    worker_accept(best, a);
}

static enum status listen_at(struct gateway *g, struct str text, bool for_admin, bool has_keys,
                             struct error *e)
{
    struct address at;

    bool good = address_read(text, &at);

    assert(good); /* check_listen() has seen to it */
    if (!for_admin && !address_is_loopback(&at) && !has_keys)
        return fail(e, E_REFUSED,
                    "listen: %.*s is not a loopback address, and there is no client key: make one "
                    "with `penstock keys add`, or add one to `client_keys`",
                    STR_ARG(text));
    if (g->listener_count == LISTENERS_MAX)
        return fail(e, E_LIMIT, "listen: more than %d addresses", LISTENERS_MAX);
    struct listener *l = listener_open(main_loop(g), &at, on_accept, g, e);
    if (l == NULL)
        return e->status;
    g->addresses[g->listener_count] = listener_address(l);
    if (for_admin && !admin_serve_at(g->admin, &g->addresses[g->listener_count]))
        return fail(e, E_LIMIT, "admin_listen: more than %d addresses", ADMIN_ADDRESSES_MAX);
    if (!address_is_loopback(&at))
        log_warn("this address speaks plain http: whoever is between can read and change what "
                 "passes; put a proxy with TLS in front of it",
                 F_STR("listen", text));
    g->listeners[g->listener_count++] = l;
    return OK;
}

/* A container image serves everywhere and says so with PENSTOCK_CONTAINER; nobody can make a key
 * before it runs: its first start does. */
static enum status first_key(struct gateway *g, const struct settings *s, struct error *e)
{
    bool contained = environment_get("PENSTOCK_CONTAINER").len > 0;
    bool given = g->options->listen_count > 0, open = false;
    const struct str *list = given ? g->options->listen : s->listen;
    size_t count = given ? g->options->listen_count : s->listen_count;
    struct secret key = { 0 };
    struct address at;

    for (size_t i = 0; i < count; i++)
        open = open || (address_read(list[i], &at) && !address_is_loopback(&at));
    if (!open || !contained || s->client_key_count > 0 || desk_client_keys(g->desk)->count > 0)
        return OK;
    enum status st = desk_first_key(g->desk, &key, e);

    if (st == OK) {
        struct str text = secret_reveal(&key);

        /* on the terminal, and nowhere else */
        fprintf(stderr,
                "penstock serve: a first client key was made, `default`; it is shown this once:\n"
                "    %.*s\n",
                (int)text.len, text.at);
        fflush(stderr);
    }
    secret_clear(&key);
    return st;
}

static enum status listen_everywhere(struct gateway *g, const struct settings *s, struct error *e)
{
    bool given = g->options->listen_count > 0;
    const struct str *list = given ? g->options->listen : s->listen;
    size_t count = given ? g->options->listen_count : s->listen_count;
    bool has_keys = s->client_key_count > 0 || desk_client_keys(g->desk)->count > 0;

    for (size_t i = 0; i < count; i++) {
        enum status st = listen_at(g, list[i], false, has_keys, e);

        /* a machine without IPv6 is no error: the other loopback address serves */
        if (st == E_IO && str_starts(list[i], STR("[")) && g->listener_count > 0 &&
            e->text[0] != '\0' && str_find(str_c(e->text), STR("in use")) == SIZE_MAX) {
            log_info("no IPv6 here", F_STR("listen", list[i]), F_C("why", e->text));
            continue;
        }
        if (st != OK)
            return st;
    }
    for (size_t i = 0; i < s->admin_listen_count; i++) {
        enum status st = listen_at(g, s->admin_listen[i], true, false, e);

        if (st != OK)
            return st;
    }
    return g->listener_count > 0 ? OK : fail(e, E_SYNTAX, "listen: no address to listen on");
}

/* --- stopping
 * -------------------------------------------------------------------------------------- */

static void worker_done_here(void *message)
{
    struct gateway *g = message;

    if (--g->draining == 0)
        loop_stop(main_loop(g));
}

static void on_worker_drained(void *peer, struct worker *w)
{
    struct gateway *g = peer;

    if (w->number == 0) {
        worker_done_here(g);
        return;
    }
    loop_stop(w->loop);
    if (!worker_send(&g->workers[0], worker_done_here, g))
        log_error("a worker could not tell that it is done");
}

struct drain_order {
    struct gateway *gateway;
    struct worker *worker;
};

static void drain_here(void *message)
{
    struct drain_order *order = message;

    worker_drain(order->worker, order->gateway->drain_ms, on_worker_drained, order->gateway);
    free(order);
}

static void on_stop(void *peer)
{
    struct gateway *g = peer;

    if (g->stopping) {
        log_warn("told to stop a second time: ending at once");
        process_end(0);
    }
    g->stopping = true;
    admin_drain(g->admin);
    log_info("stopping: running requests are finished", F_INT("drain_ms", g->drain_ms));
    for (size_t i = 0; i < g->listener_count; i++)
        listener_close(g->listeners[i]);
    g->draining = g->worker_count;
    for (unsigned i = 0; i < g->worker_count; i++) {
        struct drain_order *order = must_alloc(sizeof(*order));

        *order = (struct drain_order){ g, &g->workers[i] };
        if (i == 0)
            drain_here(order);
        else if (!worker_send(&g->workers[i], drain_here, order))
            free(order);
    }
}

static void on_reload(void *peer)
{
    struct gateway *g = peer;

    desk_reload(g->desk);
}

/* --- the journal
 * ----------------------------------------------------------------------------------- */

static bool journal_write(void *peer, struct str lines)
{
    struct gateway *g = peer;
    struct error e;

    if (file_append_bytes(g->journal_file, lines, &e) == OK)
        return true;
    log_error("the journal cannot be written", F_C("why", e.text));
    return false;
}

static void journal_tick(void *peer, int64_t now_ms)
{
    struct gateway *g = peer;

    (void)now_ms;
    journal_flush(g->journal);
    timer_start(&g->journal_timer, JOURNAL_FLUSH_MS);
}

static enum status journal_start(struct gateway *g, struct error *e)
{
    enum status st;

    if (g->options->journal_path == NULL)
        return OK;
    st = file_append_open(g->options->journal_path, &g->journal_file, e);
    if (st == OK)
        g->journal = journal_new(clock_mono_us() / 1000, journal_write, g);
    return st;
}

/* --- start
 * ----------------------------------------------------------------------------------------- */

/* Any worker's thread. */
static void on_access(void *peer, const struct access_record *record)
{
    struct gateway *g = peer;

    access_log(record);
    history_add(g->history, record);
    if (atomic_load_explicit(&g->capturing, memory_order_relaxed))
        trace_ring_add(g->traces, record);
    if (atomic_load_explicit(&g->reporting, memory_order_relaxed))
        trace_ring_add(g->reports, record);
}

static uint64_t settings_revision(void *desk)
{
    return desk_revision(desk);
}

static struct admin_face dashboard_face(void *desk)
{
    return desk_face(desk);
}

/* The desk's loop. */
static void on_password(void *peer)
{
    struct gateway *g = peer;

    admin_end_logins(g->admin);
}

static void run_worker(void *arg)
{
    struct worker *w = arg;

    loop_run(w->loop);
}

/* Clients that merely sit there must leave descriptors for upstreams. So of those that are not our
 * own a fifth, at most, is for clients that are turned away, and of the rest half for clients, each
 * of which may need an upstream. Never more than the settings say. */
static void bound_connections(struct server_limits *limits, unsigned workers)
{
    uint64_t all = descriptor_limit(), own = DESCRIPTORS_OWN + workers * DESCRIPTORS_WORKER;
    uint64_t rest = all > own ? all - own : 0, turned = rest / 5 / workers;

    if (turned < limits->turned_away)
        limits->turned_away = (uint32_t)turned;
    uint64_t room = (rest - workers * (uint64_t)limits->turned_away) / 2;

    if (room >= limits->connections)
        return;
    limits->connections = room > 0 ? (uint32_t)room : 1;
    log_info("connections are bounded by the descriptors that may be open",
             F_INT("connections", limits->connections), F_INT("descriptors", (int64_t)all));
}

static enum status workers_start(struct gateway *g, const struct settings *s, struct error *e)
{
    const struct exchange_rules *rules =
        exchange_rules_new((struct settings *)(uintptr_t)s, desk_client_keys(g->desk), g->budgets);
    unsigned count = s->workers > 0 ? s->workers : machine_cores();
    enum status st = OK;

    admin_set_rules(g->admin, rules);
    count = count > WORKERS_MAX ? WORKERS_MAX : count;

    struct server_limits server = s->server;

    bound_connections(&server, count);
    g->workers = must_calloc(count, sizeof(g->workers[0]));
    for (unsigned i = 0; i < count && st == OK; i++) {
        st = worker_init(&g->workers[i],
                         &(struct worker_options){ .number = i,
                                                   .shared = &g->shared,
                                                   .rules = rules,
                                                   .server = server,
                                                   .client = s->client,
                                                   .tls = s->tls,
                                                   .hosts = s->hosts,
                                                   .host_count = s->host_count,
                                                   .admin = g->admin,
                                                   .usage = usage_keeper_feed(g->keeper, count) },
                         e);
        if (st == OK)
            g->worker_count++;
    }
    rules->owner_unref(rules->owner);
    return st;
}

/* Which proxy leads out, without its credentials. */
static void log_proxy(const char *what, struct str text)
{
    struct url u;

    if (text.len == 0)
        return;
    if (url_read(text, &u, NULL))
        log_info("upstreams are reached through a proxy", F_C("set_by", what),
                 F_STR("host", u.host), F_INT("port", u.port));
    else
        log_info("upstreams are reached as this says", F_C("set_by", what),
                 F_STR("value", str_take(text, 8)));
}

static void log_proxies(const struct proxy_settings *p)
{
    log_proxy("proxy.upstream_proxy", p->global);
    if (p->global.len > 0)
        return;
    log_proxy("HTTPS_PROXY", p->https_proxy);
    log_proxy("HTTP_PROXY", p->http_proxy);
    log_proxy("ALL_PROXY", p->all_proxy);
}

/* A person at a terminal gets a link that logs in, and the browser, if there is one. What is not a
 * terminal may be a log, and keeps nothing that opens a door. */
static void invite(struct gateway *g, struct str at)
{
    struct settings *s = desk_settings(g->desk);
    struct buf url = { .max = 1024 };
    struct error e;

    if (terminal_is_error()) {
        (void)admin_put_link(g->admin, at, loop_now(main_loop(g)), &url);
        fprintf(stderr,
                "dashboard: %.*s (serves once, for ten minutes; `penstock open` gives "
                "another)\n",
                (int)url.len, url.at);
        if (s->auto_open && environment_get("PENSTOCK_NO_OPEN").len == 0 &&
            environment_get("ANTI_API_NO_OPEN").len == 0 && browser_is_there() &&
            browser_open(g->options->folder, buf_str(&url), &e) != OK)
            log_warn("the browser was not opened", F_C("why", e.text));
    }
    buf_clear(&url);
    settings_unref(s);
}

static void announce(struct gateway *g)
{
    char text[ADDRESS_TEXT_MAX];
    struct str at = address_text(&g->addresses[0], text);

    data_dir_announce(g->options->folder, at);
    printf("penstock listening on http://%.*s\n", STR_ARG(at));
    fflush(stdout);
    invite(g, at);
}

static void run(struct gateway *g)
{
    for (unsigned i = 1; i < g->worker_count; i++)
        g->workers[i].thread = thread_start(run_worker, &g->workers[i]);
    usage_keeper_start(g->keeper);
    desk_start(g->desk);
    if (g->journal != NULL) {
        timer_init(&g->journal_timer, main_loop(g), journal_tick, g);
        timer_start(&g->journal_timer, JOURNAL_FLUSH_MS);
    }
    announce(g);
    log_out_start(g->options->log, main_loop(g));
    loop_run(main_loop(g));
    log_out_stop(g->options->log);
    for (unsigned i = 1; i < g->worker_count; i++)
        thread_join(g->workers[i].thread);
    usage_keeper_stop(g->keeper);
    if (g->journal != NULL)
        timer_stop(&g->journal_timer);
}

static void gateway_clear(struct gateway *g)
{
    desk_close(g->desk); /* its thread ends first: it sends to workers */
    simulator_free(g->simulator);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_clear(&g->workers[g->worker_count - 1 - i]);
    free(g->workers);
    key_budgets_free(g->budgets);
    usage_keeper_free(g->keeper); /* workers and desk have given it the last they had */
    if (g->shared.peers != NULL)
        peers_free(g->shared.peers);
    admin_free(g->admin);
    pool_free(g->pool);
    trace_ring_free(g->traces);
    history_free(g->history);
    trace_ring_free(g->reports);
    capture_free(g->capture);
    stored_free(g->stored);
    kept_free(g->kept);
    ledger_free(g->ledger);
    journal_free(g->journal);
    file_append_close(g->journal_file);
}

static void budget_load(void *peer, const uint8_t key_id[16], int64_t day, int64_t month)
{
    struct gateway *g = peer;
    struct key_id id;

    memcpy(id.bytes, key_id, sizeof(id.bytes));
    key_budget_load(key_budget_of(g->budgets, &id), clock_unix_ms(), day, month);
}

/* What client keys had used before. */
static void budgets_load(struct gateway *g)
{
    int64_t now_s = clock_unix_ms() / 1000;
    struct error e = { 0 };
    struct usage_db *db = usage_keeper_take(g->keeper, &e);

    if (db == NULL)
        return;
    enum status st = usage_charged(db, zone_day(now_s), zone_month(now_s), budget_load, g, &e);

    usage_keeper_return(g->keeper, st == OK ? NULL : &e);
    if (st != OK)
        log_warn("the budgets of client keys begin anew: what was used is not known",
                 F_C("why", e.text));
}

enum status gateway_run(const struct gateway_options *options, struct error *e)
{
    struct gateway g = { .options = options, .started_ms = clock_mono_us() / 1000 };
    struct settings *s = NULL;
    enum status st;

    g.pool = pool_new(&(struct pool_options){ 0 });
    g.reports = trace_ring_new(REPORTER_RING_BYTES);
    g.capture = capture_new();
    g.keeper = usage_keeper_new(options->folder);
    g.budgets = key_budgets_new();
    g.ledger = ledger_new();
    st = desk_open(&(struct desk_options){ .folder = options->folder,
                                           .config_path = options->config_path,
                                           .sources = { environment_get },
                                           .master_key = environment_get("PENSTOCK_MASTER_KEY"),
                                           .pool = g.pool,
                                           .reports = g.reports,
                                           .capture = g.capture,
                                           .keeper = g.keeper,
                                           .budgets = g.budgets,
                                           .ledger = g.ledger,
                                           .on_settings = on_settings,
                                           .on_keys = on_keys,
                                           .on_accounts = on_accounts,
                                           .on_password = on_password,
                                           .on_minute = on_minute,
                                           .on_start = on_desk_start,
                                           .on_stop = on_desk_stop,
                                           .peer = &g },
                   &g.desk, e);
    if (st != OK || options->check_only)
        goto out;
    s = desk_settings(g.desk);
    struct pool_options scheduling = settings_pool_options(s);
    pool_set_options(g.pool, &scheduling);
    usage_keeper_settings(g.keeper, s);
    g.drain_ms = s->drain_ms;
    g.traces = trace_ring_new(s->capture_bytes);
    g.history = history_new();
    g.stored = stored_new();
    g.kept = kept_new();
    atomic_store(&g.capturing, s->logs_capture);
    atomic_store(&g.reporting, reporter_wants(s));
    g.admin = admin_new(&(struct admin_options){ .pool = g.pool,
                                                 .traces = g.traces,
                                                 .capture = g.capture,
                                                 .history = g.history,
                                                 .token = options->admin_token,
                                                 .desk = desk_ask,
                                                 .desk_peer = g.desk,
                                                 .status = put_status,
                                                 .metrics = put_metrics,
                                                 .set_serving = set_serving,
                                                 .status_peer = &g,
                                                 .today = desk_today,
                                                 .revision = settings_revision,
                                                 .face = dashboard_face,
                                                 .counts = count_all,
                                                 .notices = put_notices,
                                                 .signins = put_signins,
                                                 .live = live_of,
                                                 .watch = watch_all });
    admin_set_login_times(g.admin, s->login_idle_ms, s->login_life_ms);
    log_proxies(&s->provider.proxy);
    st = journal_start(&g, e);
    if (st != OK)
        goto out;
    g.shared = (struct worker_shared){ .pool = g.pool,
                                       .journal = g.journal,
                                       .stored = g.stored,
                                       .kept = g.kept,
                                       .ledger = g.ledger,
                                       .capture = g.capture,
                                       .on_access = on_access,
                                       .peer = &g };
    g.shared.budget.max = (int64_t)s->memory_bytes;
    g.shared.peers = peers_new();
    budgets_load(&g);
    st = first_key(&g, s, e);
    if (st == OK)
        st = workers_start(&g, s, e);
    if (st == OK)
        st = listen_everywhere(&g, s, e);
    if (st == OK && desk_account_count(g.desk) == 0)
        st = simulator_start(&g, e);
    if (st != OK)
        goto out;
    g.signals = signals_new(main_loop(&g), on_stop, on_reload, &g);
    run(&g);
    signals_free(g.signals);
    log_info("ended");
out:
    settings_unref(s);
    gateway_clear(&g);
    return st;
}
