#include "app/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "io/process.h"

/* --- tables of counters --------------------------------------------------------------------------
 */

/* Names that end so go up and down; all others only up. */
static bool is_gauge(const char *name)
{
    static const char *const ends[] = { "_open", "_running", "_waiting" };

    for (size_t i = 0; i < COUNT(ends); i++)
        if (str_ends(str_c(name), str_c(ends[i])))
            return true;
    return false;
}

static void put_counter(struct metric_text *t, const char *prefix, const struct metric_name *row,
                        uint64_t value)
{
    char name[96];

    snprintf(name, sizeof(name), "penstock_%s%s", prefix, row->name);
    metric_one(t,
               &(struct metric_family){ .name = name,
                                        .kind = is_gauge(row->name) ? METRIC_GAUGE : METRIC_COUNTER,
                                        .unit = "",
                                        .help = row->help },
               (int64_t)value);
}

static void put_worker_counters(struct metric_text *t, const struct metrics_sources *s,
                                const char *prefix, const struct metric_name *names, size_t count,
                                size_t offset)
{
    for (size_t c = 0; c < count; c++) {
        uint64_t n = 0;

        for (unsigned i = 0; i < s->worker_count; i++) {
            const char *base = (const char *)&s->workers[i] + offset;

            n += count_read(&((const struct counter *)(const void *)base)[c]);
        }
        put_counter(t, prefix, &names[c], n);
    }
}

/* How the keeping of usage fares. */
static void put_usage(struct metric_text *t, const struct usage_counts *u)
{
    static const struct metric_family waiting = {
        "penstock_usage_rows_waiting", METRIC_GAUGE, "",
        "Finished requests that are not written to usage.db yet, because it cannot be written."
    };
    const struct {
        struct metric_name name;
        uint64_t value;
    } counters[] = {
        { { "usage_rows", "finished requests written to usage.db" }, u->written },
        { { "usage_rows_dropped",
            "finished requests that came faster than usage.db could be written" },
          u->dropped },
        { { "usage_failures", "times that usage.db could not be written" }, u->failures },
    };

    for (size_t i = 0; i < COUNT(counters); i++)
        put_counter(t, "", &counters[i].name, counters[i].value);
    metric_one(t, &waiting, u->waiting);
}

static void put_table(struct metric_text *t, const char *prefix, const struct metric_name *names,
                      size_t count, const void *values)
{
    const struct counter *counters = values;

    for (size_t c = 0; c < count; c++)
        put_counter(t, prefix, &names[c], count_read(&counters[c]));
}

static void put_counters(struct metric_text *t, const struct metrics_sources *s)
{
    put_worker_counters(t, s, "", exchange_metrics_names, COUNT(exchange_metrics_names),
                        offsetof(struct worker, exchange_metrics));
    put_worker_counters(t, s, "http_", server_metrics_names, COUNT(server_metrics_names),
                        offsetof(struct worker, server_metrics));
    put_worker_counters(t, s, "upstream_", client_metrics_names, COUNT(client_metrics_names),
                        offsetof(struct worker, client_metrics));
    put_table(t, "background_", client_metrics_names, COUNT(client_metrics_names), s->background);
    put_table(t, "admin_", admin_metrics_names, COUNT(admin_metrics_names),
              admin_metrics_of(s->admin));
    put_table(t, "report_", reporter_metrics_names, COUNT(reporter_metrics_names), s->reports);
    put_table(t, "", grants_metrics_names, COUNT(grants_metrics_names), s->grants);
    put_usage(t, &s->usage);
}

/* --- the pool
 * ------------------------------------------------------------------------------------- */

struct account_point {
    char label[129], provider[32];
    int64_t id;
    bool usable;
    int64_t in_flight, served, failed, bindings, locked_ms;
};

struct quota_point {
    uint32_t account;
    char group[64];
    int32_t permille;
    int64_t age_ms, reset_ms;
};

struct pool_points {
    int64_t now_ms;
    struct account_point *accounts; /* METRICS_ACCOUNTS_MAX, and one for the rest */
    uint32_t account_count;
    bool rest; /* the one for the rest is in use */
    struct quota_point *quotas;
    uint32_t quota_count;
    int64_t usable, disabled, refused, locked, lockouts[VERDICT_KINDS];
};

static void point_add(struct account_point *to, const struct account_point *p)
{
    to->usable = to->usable || p->usable;
    to->in_flight += p->in_flight;
    to->served += p->served;
    to->failed += p->failed;
    to->bindings += p->bindings;
}

static void see_quotas(struct pool_points *p, const struct account_view *v)
{
    for (uint32_t i = 0; i < v->quota_count && i < VIEW_QUOTAS_MAX; i++) {
        const struct quota *q = &v->quotas[i].quota;
        bool lapsed = q->reset_ms != 0 && q->reset_ms <= p->now_ms; /* says nothing more */

        if (q->remaining_permille < 0 || lapsed)
            continue;
        struct quota_point *to = &p->quotas[p->quota_count++];

        *to = (struct quota_point){ .account = p->account_count - 1,
                                    .permille = q->remaining_permille,
                                    .age_ms = p->now_ms - q->seen_ms,
                                    .reset_ms = q->reset_ms == 0 ? 0 : q->reset_ms - p->now_ms };
        memcpy(to->group, v->quotas[i].group, sizeof(to->group));
    }
}

static void see_account(void *peer, const struct account_view *v)
{
    struct pool_points *p = peer;
    bool locked = v->locked_until_ms > p->now_ms;
    struct account_point point = { .id = v->id,
                                   .usable = !v->disabled && !v->proxy_disabled && !locked,
                                   .in_flight = v->in_flight,
                                   .served = (int64_t)v->served,
                                   .failed = (int64_t)v->failed,
                                   .bindings = v->sessions };

    if (v->refused)
        p->refused++;
    else if (v->disabled || v->proxy_disabled)
        p->disabled++;
    else if (locked)
        p->locked++;
    else
        p->usable++;
    for (uint32_t i = 0; i < v->lockout_count && i < VIEW_LOCKOUTS_MAX; i++)
        p->lockouts[v->lockouts[i].why]++;
    if (p->account_count == METRICS_ACCOUNTS_MAX) {
        p->rest = true;
        point_add(&p->accounts[METRICS_ACCOUNTS_MAX], &point);
        return;
    }
    point.locked_ms = !locked                           ? 0
                      : v->locked_until_ms == INT64_MAX ? INT64_MAX
                                                        : v->locked_until_ms - p->now_ms;
    memcpy(point.label, v->label, sizeof(point.label));
    memcpy(point.provider, v->provider, sizeof(point.provider));
    p->accounts[p->account_count++] = point;
    see_quotas(p, v);
}

static struct str account_labels(const struct pool_points *p, const struct metrics_sources *s,
                                 uint32_t i, const char *name, const char *value,
                                 struct buf *labels)
{
    const struct account_point *a = &p->accounts[i];
    bool rest = i == METRICS_ACCOUNTS_MAX;
    char id[24];

    snprintf(id, sizeof(id), "%lld", (long long)a->id);
    const struct metric_label list[] = {
        { "account", rest         ? STR("other")
                     : s->privacy ? STR("")
                                  : str_c(a->label) },
        { "account_id", rest ? STR("") : str_c(id) },
        { "provider", str_c(a->provider) },
        { name, str_c(value) },
    };

    metric_labels(labels, list, COUNT(list));
    return buf_str(labels);
}

static const struct metric_family family_accounts = {
    "penstock_accounts", METRIC_GAUGE, "", "Accounts, by whether they may be used now."
};
static const struct metric_family family_locked = {
    "penstock_lockouts_in_force", METRIC_GAUGE, "",
    "Lockouts of accounts, quota groups and models in force now, by what caused them."
};
static const struct metric_family family_account_usable = {
    "penstock_account_usable", METRIC_GAUGE, "",
    "1 when the account may be used now: neither switched off nor locked out as a whole."
};
static const struct metric_family family_account_in_flight = {
    "penstock_account_attempts_in_flight", METRIC_GAUGE, "", "Attempts at the account running now."
};
static const struct metric_family family_account_attempts = {
    "penstock_account_attempts", METRIC_COUNTER, "", "Attempts at the account, by outcome."
};
static const struct metric_family family_account_bindings = {
    "penstock_account_bindings", METRIC_GAUGE, "", "Conversations bound to the account."
};
static const struct metric_family family_account_lockout = {
    "penstock_account_lockout_seconds", METRIC_GAUGE, "seconds",
    "How long the account as a whole is still left alone; +Inf: until somebody acts."
};
static const struct metric_family family_quota = {
    "penstock_quota_remaining_ratio", METRIC_GAUGE, "ratio",
    "Part of a quota group's allowance that is left, where the provider tells it."
};
static const struct metric_family family_quota_age = { "penstock_quota_age_seconds", METRIC_GAUGE,
                                                       "seconds", "How old that figure is." };
static const struct metric_family family_quota_reset = {
    "penstock_quota_reset_seconds", METRIC_GAUGE, "seconds",
    "How long until the allowance is whole again, where the provider tells it."
};
static const struct metric_family family_bindings = { "penstock_bindings", METRIC_GAUGE, "",
                                                      "Conversations bound to an account." };

static void put_word(struct metric_text *t, struct buf *labels, const char *name, const char *word,
                     int64_t value)
{
    metric_labels(labels, &(struct metric_label){ name, str_c(word) }, 1);
    metric_put(t, buf_str(labels), value);
}

static void put_account(struct metric_text *t, const struct metrics_sources *s,
                        const struct pool_points *p, uint32_t i, const struct metric_family *f,
                        struct buf *labels)
{
    const struct account_point *a = &p->accounts[i];

    if (f == &family_account_attempts) {
        metric_put(t, account_labels(p, s, i, "outcome", "served", labels), a->served);
        metric_put(t, account_labels(p, s, i, "outcome", "failed", labels), a->failed);
        return;
    }
    struct str of = account_labels(p, s, i, "", "", labels);

    if (f == &family_account_usable)
        metric_put(t, of, a->usable);
    else if (f == &family_account_in_flight)
        metric_put(t, of, a->in_flight);
    else if (f == &family_account_bindings)
        metric_put(t, of, a->bindings);
    else if (a->locked_ms == INT64_MAX)
        metric_put_inf(t, of);
    else
        metric_put_scaled(t, of, a->locked_ms, 3);
}

static void put_accounts(struct metric_text *t, const struct metrics_sources *s,
                         const struct pool_points *p, struct buf *labels)
{
    static const struct metric_family *const families[] = {
        &family_account_usable,   &family_account_in_flight, &family_account_attempts,
        &family_account_bindings, &family_account_lockout,
    };

    for (size_t f = 0; f < COUNT(families); f++) {
        metric_family_begin(t, families[f]);
        for (uint32_t i = 0; i < p->account_count; i++)
            put_account(t, s, p, i, families[f], labels);
        if (p->rest && families[f] != &family_account_lockout)
            put_account(t, s, p, METRICS_ACCOUNTS_MAX, families[f], labels);
    }
}

static void put_quotas(struct metric_text *t, const struct metrics_sources *s,
                       const struct pool_points *p, struct buf *labels)
{
    static const struct metric_family *const families[] = { &family_quota, &family_quota_age,
                                                            &family_quota_reset };

    for (size_t f = 0; f < COUNT(families); f++) {
        metric_family_begin(t, families[f]);
        for (uint32_t i = 0; i < p->quota_count; i++) {
            const struct quota_point *q = &p->quotas[i];

            if (families[f] == &family_quota_reset && q->reset_ms == 0)
                continue;
            metric_put_scaled(t, account_labels(p, s, q->account, "group", q->group, labels),
                              families[f] == &family_quota       ? q->permille
                              : families[f] == &family_quota_age ? q->age_ms
                                                                 : q->reset_ms,
                              3);
        }
    }
}

static void put_pool(struct metric_text *t, const struct metrics_sources *s, int64_t now_ms)
{
    struct buf labels = { .max = (size_t)64 << 10 };
    struct pool_points p = { .now_ms = now_ms };

    p.accounts = must_calloc(METRICS_ACCOUNTS_MAX + 1, sizeof(p.accounts[0]));
    p.quotas = must_calloc((size_t)METRICS_ACCOUNTS_MAX * VIEW_QUOTAS_MAX, sizeof(p.quotas[0]));
    (void)pool_each(s->shared->pool, now_ms, see_account, &p);
    metric_family_begin(t, &family_accounts);
    put_word(t, &labels, "state", "usable", p.usable);
    put_word(t, &labels, "state", "locked_out", p.locked);
    put_word(t, &labels, "state", "disabled", p.disabled);
    put_word(t, &labels, "state", "credential_refused", p.refused);
    metric_family_begin(t, &family_locked);
    for (unsigned i = 0; i < VERDICT_KINDS; i++)
        if (p.lockouts[i] > 0)
            put_word(t, &labels, "reason", verdict_word((enum verdict_kind)i), p.lockouts[i]);
    put_accounts(t, s, &p, &labels);
    put_quotas(t, s, &p, &labels);
    metric_one(t, &family_bindings, pool_bindings(s->shared->pool, now_ms));
    free(p.accounts);
    free(p.quotas);
    buf_clear(&labels);
}

/* --- the process
 * ---------------------------------------------------------------------------------- */

static void put_loops(struct metric_text *t, const struct metrics_sources *s)
{
    static const struct metric_family lag = {
        "penstock_loop_lag_seconds", METRIC_HISTOGRAM, "seconds",
        "How late a timer of each worker's loop came, once a second: what a turn kept waiting."
    };
    struct buf labels = { .max = 256 };
    char number[16];

    metric_family_begin(t, &lag);
    for (unsigned i = 0; i < s->worker_count; i++) {
        struct histogram_sum sum = { .sum = 0 };

        histogram_add(&sum, &s->workers[i].lag);
        snprintf(number, sizeof(number), "%u", i);
        metric_labels(&labels, &(struct metric_label){ "worker", str_c(number) }, 1);
        metric_put_histogram(t, buf_str(&labels), &sum, &worker_lag_scale);
    }
    buf_clear(&labels);
}

static void put_build(struct metric_text *t)
{
    static const struct metric_family build = { "penstock_build", METRIC_INFO, "",
                                                "Which program this is." };
    struct buf labels = { .max = 256 };
    const struct metric_label list[] = { { "version", STR(PENSTOCK_VERSION) },
                                         { "compiler", STR(__VERSION__) } };

    metric_family_begin(t, &build);
    metric_labels(&labels, list, COUNT(list));
    metric_put(t, buf_str(&labels), 1);
    buf_clear(&labels);
}

static void put_gateway(struct metric_text *t, const struct metrics_sources *s)
{
    static const struct metric_family families[] = {
        { "penstock_workers", METRIC_GAUGE, "", "Worker threads." },
        { "penstock_connections", METRIC_GAUGE, "", "Client connections open now." },
        { "penstock_buffered_bytes", METRIC_GAUGE, "bytes",
          "Bytes of bodies and answers in memory now." },
        { "penstock_buffered_max_bytes", METRIC_GAUGE, "bytes", "limits.memory_bytes." },
        { "penstock_simulator_serves", METRIC_GAUGE, "",
          "1 while there is no account and the built-in simulator answers." },
        { "penstock_serving", METRIC_GAUGE, "", "1; 0 while serving is paused." },
        { "penstock_log_lines_held", METRIC_COUNTER, "",
          "Log lines left out because the same message had had its share of the second." },
    };
    const int64_t values[] = {
        s->worker_count,
        atomic_load(&s->shared->connections),
        budget_used(&s->shared->budget),
        s->shared->budget.max,
        s->simulating,
        !atomic_load(&s->shared->paused),
        (int64_t)log_lines_held(),
    };

    _Static_assert(COUNT(families) == COUNT(values), "a value for each");
    for (size_t i = 0; i < COUNT(families); i++)
        metric_one(t, &families[i], values[i]);
    if (s->shared->journal != NULL)
        metric_one(t,
                   &(struct metric_family){ "penstock_journal_events_dropped", METRIC_COUNTER, "",
                                            "Events of the journal dropped for want of room." },
                   (int64_t)journal_dropped(s->shared->journal));
}

/* Names as every client library of Prometheus has them. */
static void put_process(struct metric_text *t)
{
    struct process_use use = process_use();
    const struct {
        struct metric_family family;
        int64_t value;
        unsigned shift;
    } rows[] = {
        { { "process_cpu_seconds", METRIC_COUNTER, "seconds", "User and system time." },
          use.cpu_ms,
          3 },
        { { "process_resident_memory_bytes", METRIC_GAUGE, "bytes", "Resident memory." },
          use.resident_bytes,
          0 },
        { { "process_virtual_memory_bytes", METRIC_GAUGE, "bytes", "Virtual memory." },
          use.virtual_bytes,
          0 },
        { { "process_open_fds", METRIC_GAUGE, "", "Descriptors open now." }, use.descriptors, 0 },
        { { "process_max_fds", METRIC_GAUGE, "", "Most descriptors that may be open." },
          use.descriptors_max,
          0 },
        { { "process_threads", METRIC_GAUGE, "", "Threads." }, use.threads, 0 },
        { { "process_start_time_seconds", METRIC_GAUGE, "seconds",
            "When the process started, in seconds since 1970." },
          use.started_unix_ms,
          3 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        metric_family_begin(t, &rows[i].family);
        if (rows[i].value >= 0)
            metric_put_scaled(t, STR(""), rows[i].value, rows[i].shift);
    }
}

bool metrics_put(const struct metrics_sources *s, bool open_metrics, int64_t now_ms,
                 struct buf *out)
{
    struct metric_text t = { .out = out, .open_metrics = open_metrics };
    struct meter *meters[WORKERS_MAX];

    for (unsigned i = 0; i < s->worker_count; i++)
        meters[i] = s->workers[i].meter;
    put_build(&t);
    meters_put(&t, meters, s->worker_count, s->privacy);
    put_pool(&t, s, now_ms);
    put_gateway(&t, s);
    put_counters(&t, s);
    put_loops(&t, s);
    put_process(&t);
    metric_text_end(&t);
    return !t.full;
}
