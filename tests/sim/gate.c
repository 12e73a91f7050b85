#include "gate.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/rules.h"
#include "base/log.h"
#include "http/peers.h"
#include "pool/pool_int.h"
#include "store/client_keys.h"

#define UPSTREAM_PORT 9000

/* --- the digest */

static void note(struct gate *g, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        g->digest = (g->digest ^ (uint8_t)bytes.at[i]) * UINT64_C(0x100000001b3);
}

static void note_number(struct gate *g, uint64_t n)
{
    note(g, (struct str){ (const char *)&n, sizeof(n) });
}

/* --- upstreams */

struct upstream_connection {
    struct gate_account *account;
    struct buf in;
    size_t served;
    struct upstream_connection *next;
};

/* Takes a whole request off the front; false: it has not come yet. */
static bool request_take(struct upstream_connection *u, struct gate *g, struct gate_call *call)
{
    struct str in = buf_str(&u->in), line, rest;
    size_t end = str_find(in, STR("\r\n\r\n"));
    uint64_t length = 0;

    if (end == SIZE_MAX)
        return false;
    struct str head = str_take(in, end + 2);
    (void)str_cut(head, '\n', &line, &rest);
    struct str value = gate_field(rest, "content-length");
    if (value.len > 0 && !str_to_u64(value, &length))
        assert(false); /* the gateway wrote it */
    if (in.len < end + 4 + length)
        return false;
    line = arena_copy(&g->arena, str_trim(line));
    (void)str_cut(line, ' ', &call->method, &rest);
    (void)str_cut(rest, ' ', &call->path, &rest);
    call->fields = arena_copy(&g->arena, str_drop(head, str_find(head, STR("\r\n")) + 2));
    call->body = arena_copy(&g->arena, str_take(str_drop(in, end + 4), (size_t)length));
    buf_drop(&u->in, end + 4 + (size_t)length);
    return true;
}

static void upstream_on_data(void *arg, struct sim_peer *p)
{
    struct gate_account *account = arg;
    struct gate *g = account->gate;
    struct upstream_connection *u = sim_data(p);
    struct str bytes = sim_take(p);
    struct gate_call found = { 0 };

    note(g, bytes);
    bool fits = buf_add(&u->in, bytes);
    assert(fits);
    while (request_take(u, g, &found)) {
        struct gate_call *call = arena_new(&g->arena, struct gate_call);

        assert(g->call_count < GATE_CALLS_MAX);
        *call = found;
        call->number = g->call_count + 1;
        call->account = account;
        call->peer = p;
        call->wire = canned_wire(call->path);
        call->kept = u->served++ > 0;
        call->at_ms = sim_now();
        account->calls++;
        g->calls[g->call_count++] = call;
        if (g->on_call != NULL)
            g->on_call(g->peer, call);
    }
}

static void upstream_on_connect(void *arg, struct sim_peer *p)
{
    struct gate_account *account = arg;
    struct upstream_connection *u = arena_new(&account->gate->arena, struct upstream_connection);

    u->account = account;
    buf_init(&u->in, SIZE_MAX / 2);
    sim_set_data(p, u);
    account->gate->upstream_connections++;
}

/* It is over, in one way or the other. */
static void upstream_over(struct sim_peer *p)
{
    struct upstream_connection *u = sim_data(p);

    if (u == NULL)
        return;
    buf_clear(&u->in);
    u->account->gate->upstream_connections--;
    sim_set_data(p, NULL);
}

static void upstream_on_end(void *arg, struct sim_peer *p)
{
    (void)arg;
    upstream_over(p);
    sim_close(p);
}

static void upstream_on_reset(void *arg, struct sim_peer *p)
{
    (void)arg;
    upstream_over(p);
}

void gate_call_end(struct gate_call *call, bool reset)
{
    call->answered = true;
    if (gate_call_is_gone(call))
        return;
    upstream_over(call->peer);
    if (reset)
        sim_reset(call->peer);
    else
        sim_close(call->peer);
}

bool gate_call_is_gone(const struct gate_call *call)
{
    return sim_was_reset(call->peer) || sim_has_ended(call->peer);
}

struct gate_call *gate_call_next(struct gate *g)
{
    return g->call_taken < g->call_count ? g->calls[g->call_taken++] : NULL;
}

/* --- records */

static struct str kept(struct gate *g, struct str s)
{
    note(g, s);
    return arena_copy(&g->arena, s);
}

static void on_access(void *peer, const struct access_record *record)
{
    struct gate *g = peer;
    struct access_record *r = arena_new(&g->arena, struct access_record);

    assert(g->record_count < GATE_RECORDS_MAX);
    *r = *record;
    r->protocol = kept(g, record->protocol);
    r->model = kept(g, record->model);
    r->mapped_model = kept(g, record->mapped_model);
    r->client_key = kept(g, record->client_key);
    r->session = kept(g, record->session);
    r->account = kept(g, record->account);
    r->provider = kept(g, record->provider);
    r->path = kept(g, record->path);
    r->nobody = NULL;
    if (r->attempts_kept > 0) {
        struct access_attempt *all =
            arena_array(&g->arena, struct access_attempt, r->attempts_kept);

        memcpy(all, record->attempts, r->attempts_kept * sizeof(*all));
        for (uint32_t i = 0; i < r->attempts_kept; i++)
            all[i].pick = NULL; /* like `nobody`: of no use afterwards */
        r->attempts = all;
    }
    note(g, str_c(ending_word(record->ending)));
    note(g, str_c(record->phase));
    note(g, str_c(record->request_id));
    note_number(g, (uint64_t)record->status);
    note_number(g, record->attempt_count);
    note_number(g, (uint64_t)record->duration_ms);
    note_number(g, record->bytes_out);
    g->records[g->record_count++] = r;
}

/* --- life */

static struct str no_environment(const char *name)
{
    (void)name;
    return STR("");
}

static void on_accept(void *peer, struct accepted *a)
{
    struct gate *g = peer;

    worker_accept(&g->worker, a);
}

static bool account_start(struct gate *g, const struct account_spec *spec, struct error *e)
{
    struct gate_account *a = &g->accounts[g->account_count++];
    struct upstream *up = NULL;

    assert(g->account_count <= GATE_ACCOUNTS_MAX);
    *a = (struct gate_account){ .gate = g,
                                .id = spec->id,
                                .concurrency_max = spec->concurrency_max };
    a->label = arena_copy(&g->arena, spec->label);
    a->host = arena_printf(&g->arena, "%.*s.test", STR_ARG(spec->label));
    bool read = address_read(arena_printf(&g->arena, "10.0.%zu.%zu:%d", g->account_count / 200,
                                          g->account_count % 200 + 1, UPSTREAM_PORT),
                             &a->at);
    assert(read);
    sim_set_name(a->host, &a->at, 1, 0);
    a->listener = sim_listen(&a->at, &(struct sim_hooks){ .on_connect = upstream_on_connect,
                                                          .on_data = upstream_on_data,
                                                          .on_end = upstream_on_end,
                                                          .on_reset = upstream_on_reset,
                                                          .arg = a });
    return upstream_new(spec, &g->settings->provider, &up, e) == OK &&
           pool_put(g->pool, spec, upstream_means(up), e) == OK;
}

void gate_group(struct gate *g, const struct gate_account *a, struct str (*group)(struct str model))
{
    const struct account_spec *spec = g->settings->accounts[a - g->accounts];
    struct upstream *up = NULL;
    struct error e;
    bool made = upstream_new(spec, &g->settings->provider, &up, &e) == OK;
    assert(made);
    struct account_means means = *upstream_means(up);

    means.group = group;
    made = pool_put(g->pool, spec, &means, &e) == OK;
    assert(made);
}

static const struct exchange_rules *rules_of(struct gate *g, struct settings *s)
{
    struct client_keys *none = must_calloc(1, sizeof(*none));

    atomic_init(&none->refs, 1);
    const struct exchange_rules *rules = exchange_rules_new(s, none, g->budgets);

    client_keys_unref(none);
    return rules;
}

static bool gate_start(struct gate *g, struct error *e)
{
    const struct exchange_rules *rules = rules_of(g, g->settings);
    enum status st;

    struct pool_options options = settings_pool_options(g->settings);

    g->pool = pool_new(&options);
    g->shared = (struct worker_shared){ .pool = g->pool,
                                        .stored = stored_new(),
                                        .ledger = ledger_new(),
                                        .on_access = on_access,
                                        .peer = g };
    g->shared.budget.max = (int64_t)g->settings->memory_bytes;
    g->shared.peers = peers_new();
    st = worker_init(&g->worker,
                     &(struct worker_options){ .shared = &g->shared,
                                               .rules = rules,
                                               .server = g->settings->server,
                                               .client = g->settings->client,
                                               .tls = g->settings->tls,
                                               .hosts = g->settings->hosts,
                                               .host_count = g->settings->host_count },
                     e);
    rules->owner_unref(rules->owner);
    if (st != OK)
        return false;
    (void)address_read(STR("127.0.0.1:8045"), &g->at);
    g->listener = listener_open(g->worker.loop, &g->at, on_accept, g, e);
    for (size_t i = 0; i < g->settings->account_count; i++)
        if (!account_start(g, g->settings->accounts[i], e))
            return false;
    return g->listener != NULL;
}

bool gate_edit(struct gate *g, struct str text, const char **why)
{
    static struct settings_fault fault;
    struct settings *s = NULL;

    if (!settings_read(text, &(struct settings_sources){ no_environment }, &s, &fault)) {
        *why = fault.text;
        return false;
    }
    struct pool_options options = settings_pool_options(s);
    const struct exchange_rules *rules = rules_of(g, s);

    pool_set_options(g->pool, &options);
    worker_set_rules(&g->worker, rules);
    rules->owner_unref(rules->owner);
    settings_unref(s);
    return true;
}

struct gate *gate_new(struct str text, const char **why)
{
    static struct settings_fault fault; /* outlives the call: its text is shown */
    static struct error e;
    struct settings *s = NULL;

    /* failures are wanted here: only PENSTOCK_VERBOSE shows what is said of them */
    log_setup(&(struct log_options){ .level = getenv("PENSTOCK_VERBOSE") != NULL ? LOG_DEBUG
                                                                                 : LOG_ERROR });
    if (!settings_read(text, &(struct settings_sources){ no_environment }, &s, &fault)) {
        *why = fault.text;
        return NULL;
    }
    struct gate *g = must_calloc(1, sizeof(*g));
    g->settings = s;
    g->budgets = key_budgets_new();
    g->digest = UINT64_C(0xcbf29ce484222325);
    if (!gate_start(g, &e)) {
        fprintf(stderr, "the gateway does not start: %s\n", e.text);
        abort();
    }
    gate_run(g);
    return g;
}

static void client_take(struct gate_client *c)
{
    struct str bytes = sim_take(c->peer);

    note(c->gate, bytes);
    bool fits = buf_add(&c->in, bytes);
    assert(fits);
}

/* What has arrived is taken before and after: a client with a window takes it bit by bit. */
static void clients_take(struct gate *g)
{
    bool more = true;

    while (more) {
        more = false;
        for (size_t i = 0; i < g->client_count; i++) {
            struct gate_client *c = g->clients[i];

            if (c->greedy && !c->left && sim_waiting(c->peer) > 0) {
                client_take(c);
                more = true;
            }
        }
        sim_run_until_idle();
    }
}

void gate_run(struct gate *g)
{
    sim_run_until_idle();
    clients_take(g);
}

void gate_wait(struct gate *g, int64_t ms)
{
    sim_advance(ms);
    gate_run(g);
}

static void on_drained(void *peer, struct worker *w)
{
    struct gate *g = peer;

    (void)w;
    g->drained = true;
}

void gate_drain(struct gate *g, int64_t patience_ms)
{
    listener_close(g->listener);
    g->listener = NULL;
    worker_drain(&g->worker, patience_ms, on_drained, g);
}

/* --- the end */

static bool said(struct arena *a, struct str *why, const char *what, uint64_t number)
{
    *why = arena_printf(a, "at the end: %s (%llu)", what, (unsigned long long)number);
    return false;
}

static bool gate_check(struct gate *g, struct str *why, struct arena *a)
{
    const struct exchange_metrics *m = &g->worker.exchange_metrics;
    uint64_t n;

    if ((n = count_read(&m->exchanges_running)) != 0)
        return said(a, why, "exchanges still run", n);
    if ((n = count_read(&m->exchanges)) != g->record_count)
        return said(a, why, "exchanges and access records differ in number", n);
    if ((n = count_read(&m->completed) + count_read(&m->failed) + count_read(&m->left)) !=
        g->record_count)
        return said(a, why, "endings and access records differ in number", n);
    if ((n = count_read(&m->streams_running)) != 0)
        return said(a, why, "streams still run", n);
    if (g->worker.env.running != NULL)
        return said(a, why, "an exchange is still on the list", 0);
    if ((n = g->pool->leases) != 0)
        return said(a, why, "leases are still held", n);
    for (size_t i = 0; i < g->account_count; i++)
        if ((n = gate_in_flight(g, &g->accounts[i])) != 0)
            return said(a, why, "an account is still in flight", n);
    if ((n = (uint64_t)budget_used(&g->shared.budget)) != 0)
        return said(a, why, "the memory budget is still charged", n);
    if ((n = server_connections(g->worker.server)) != 0)
        return said(a, why, "connections of clients are still open", n);
    if ((n = atomic_load(&g->shared.connections)) != 0)
        return said(a, why, "connections are still counted", n);
    if ((n = count_read(&g->worker.server_metrics.connections_open)) != 0)
        return said(a, why, "open connections are still counted", n);
    if ((n = client_idle(g->worker.client)) != 0)
        return said(a, why, "connections to upstreams are still kept", n);
    if ((n = g->upstream_connections) != 0)
        return said(a, why, "connections to upstreams are still open", n);
    return true;
}

bool gate_end(struct gate *g, uint64_t *digest, struct str *why, struct arena *a)
{
    for (size_t i = 0; i < g->account_count; i++)
        sim_set_reach(&g->accounts[i].at, SIM_OPEN);
    for (size_t i = 0; i < g->client_count; i++)
        gate_leave(g->clients[i], false);
    /* first what must be gone at once when its client is, then kept connections in their time */
    gate_run(g);
    gate_wait(g, 2 * g->settings->client.idle_ms + 2000);

    bool good = gate_check(g, why, a);

    if (!g->drained && good) {
        if (g->listener != NULL)
            gate_drain(g, 0);
        gate_wait(g, 2000);
        if (!g->drained)
            good = said(a, why, "the worker does not drain", 0);
    }
    *digest = g->digest ^ sim_digest();
    if (!good) {
        sim_world_abandon(); /* it is in use: nothing of it can be freed */
        return false;
    }
    listener_close(g->listener);
    worker_clear(&g->worker);
    key_budgets_free(g->budgets);
    pool_free(g->pool);
    peers_free(g->shared.peers);
    stored_free(g->shared.stored);
    ledger_free(g->shared.ledger);
    settings_unref(g->settings);
    sim_world_free();
    for (size_t i = 0; i < g->client_count; i++)
        buf_clear(&g->clients[i]->in);
    arena_free(&g->arena);
    free(g);
    return true;
}

/* --- clients */

struct gate_client *gate_client(struct gate *g)
{
    struct gate_client *c = arena_new(&g->arena, struct gate_client);

    assert(g->client_count < GATE_CALLS_MAX);
    c->gate = g;
    c->peer = sim_connect(&g->at);
    c->greedy = true;
    buf_init(&c->in, SIZE_MAX / 2);
    g->clients[g->client_count++] = c;
    return c;
}

struct str gate_request(struct gate *g, const char *method, struct str path, struct str body,
                        struct str fields)
{
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    (void)buf_printf(&b, "%s %.*s HTTP/1.1\r\nHost: 127.0.0.1:8045\r\n", method, STR_ARG(path));
    if (body.len > 0)
        (void)buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.len);
    (void)(buf_add(&b, fields) && buf_add(&b, STR("\r\n")) && buf_add(&b, body));
    struct str out = arena_copy(&g->arena, buf_str(&b));
    buf_clear(&b);
    return out;
}

void gate_send(struct gate_client *c, struct str bytes)
{
    sim_send(c->peer, bytes);
}

void gate_leave(struct gate_client *c, bool reset)
{
    if (c->left)
        return;
    client_take(c);
    c->left = true;
    if (reset)
        sim_reset(c->peer);
    else
        sim_close(c->peer);
}

struct str gate_field(struct str fields, const char *name)
{
    struct str line, rest = fields, key, value;

    while (rest.len > 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (str_cut(line, ':', &key, &value) && str_ieq(key, str_c(name)))
            return str_trim(value);
    }
    return STR("");
}

/* Undoes the chunks. False: they are not whole, or wrong (`bad`). */
static bool dechunk(struct str in, struct buf *out, size_t *used, bool *bad)
{
    struct str rest = in;

    for (;;) {
        size_t end = str_find(rest, STR("\r\n")), size = 0;

        if (end == SIZE_MAX)
            return false;
        for (size_t i = 0; i < end; i++) {
            char c = char_lower(rest.at[i]);

            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) || i > 8) {
                *bad = true;
                return false;
            }
            size = size * 16 + (size_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        rest = str_drop(rest, end + 2);
        (void)buf_add(out, str_take(rest, size));
        if (rest.len < size + 2)
            return false;
        *bad = *bad || rest.at[size] != '\r' || rest.at[size + 1] != '\n';
        rest = str_drop(rest, size + 2);
        if (size == 0 || *bad) {
            *used = (size_t)(rest.at - in.at);
            return !*bad;
        }
    }
}

void gate_answer(struct gate_client *c, struct gate_answer *out)
{
    struct str in, line, fields, body, word, rest;
    bool over = sim_was_reset(c->peer) || sim_has_ended(c->peer);
    uint64_t length = 0, status = 0;
    struct buf plain;
    size_t end, used = 0;

    if (c->greedy && !c->left)
        client_take(c);
    in = str_drop(buf_str(&c->in), c->read);
    *out = (struct gate_answer){ 0 };
    end = str_find(in, STR("\r\n\r\n"));
    if (end == SIZE_MAX) {
        out->cut = over;
        return;
    }
    (void)str_cut(str_take(in, end + 2), '\n', &line, &fields);
    body = str_drop(in, end + 4);
    (void)str_cut(line, ' ', &word, &rest);
    (void)str_cut(rest, ' ', &rest, &line);
    out->bad = !str_eq(word, STR("HTTP/1.1")) || !str_to_u64(rest, &status);
    out->begun = true;
    out->status = (int)status;
    out->fields = arena_copy(&c->gate->arena, fields);
    out->chunked = str_ieq(gate_field(fields, "transfer-encoding"), STR("chunked"));
    if (out->chunked) {
        buf_init(&plain, SIZE_MAX / 2);
        out->complete = dechunk(body, &plain, &used, &out->bad);
        out->body = arena_copy(&c->gate->arena, buf_str(&plain));
        buf_clear(&plain);
    } else {
        out->bad |= !str_to_u64(gate_field(fields, "content-length"), &length) && status != 204;
        used = (size_t)length;
        out->complete = body.len >= length;
        out->body = arena_copy(&c->gate->arena, str_take(body, used));
    }
    out->bytes = end + 4 + used;
    out->cut = over && !out->complete;
}

void gate_answer_read(struct gate_client *c, const struct gate_answer *a)
{
    assert(a->complete);
    c->read += a->bytes;
}

/* --- accounts */

struct gate_account *gate_account(struct gate *g, struct str label)
{
    for (size_t i = 0; i < g->account_count; i++)
        if (str_eq(g->accounts[i].label, label))
            return &g->accounts[i];
    return NULL;
}

static struct account_view account_of(const struct gate *g, const struct gate_account *a)
{
    struct account_view v = { .id = 0 };
    bool found = pool_find(g->pool, a->label, sim_now(), &v);

    assert(found);
    return v;
}

bool gate_lockout(const struct gate *g, const struct gate_account *a, struct str scope,
                  struct lockout_view *out)
{
    struct account_view v = account_of(g, a);

    for (uint32_t i = 0; i < v.lockout_count && i < VIEW_LOCKOUTS_MAX; i++)
        if (str_eq(str_c(v.lockouts[i].scope), scope)) {
            *out = v.lockouts[i];
            return true;
        }
    return false;
}

bool gate_is_disabled(const struct gate *g, const struct gate_account *a)
{
    return account_of(g, a).disabled;
}

uint32_t gate_in_flight(const struct gate *g, const struct gate_account *a)
{
    return account_of(g, a).in_flight;
}
