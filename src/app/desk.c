#include "app/desk_int.h"
#include "app/usage_keeper.h"

#include <stdlib.h>

#include "base/log.h"
#include "io/file.h"

/* How often changes that commands made to the database are looked for. */
#define STORE_LOOK_MS 1000
#define MINUTE_MS 60000

/* --- accounts
 * -------------------------------------------------------------------------------------- */

struct loading {
    struct desk *desk;
    struct settings *settings;
    int64_t *ids;
    size_t count, cap;
    enum status status; /* first failure */
    struct error *e;
    struct account_spec **late; /* put when those that are gone have left */
    size_t late_count;
    bool again;
};

static void keep_id(struct loading *l, int64_t id)
{
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? 16 : l->cap * 2;
        l->ids = must_realloc(l->ids, l->cap * sizeof(l->ids[0]));
    }
    l->ids[l->count++] = id;
}

static void load_one(struct loading *l, const struct account_spec *given)
{
    struct upstream *up = NULL;
    struct error e = { 0 };
    struct account_spec told = *given, *spec = &told; /* what it holds stays the caller's */

    desk_lay_facts(l->desk, spec);
    enum status st = upstream_new(spec, &l->settings->provider, &up, &e);

    if (st == OK)
        st = pool_put(l->desk->o.pool, spec, upstream_means(up), &e);
    if (st == OK) {
        keep_id(l, spec->id);
        return;
    }
    if (st == E_CONFLICT && !l->again) {
        /* perhaps with one that is going: its label has moved from the file to the database */
        l->late = must_realloc(l->late, (l->late_count + 1) * sizeof(struct account_spec *));
        l->late[l->late_count++] = account_spec_copy(given);
        return;
    }
    log_error("an account cannot be used", F_STR("account", spec->label), F_C("why", e.text));
    if (l->status == OK) {
        l->status = st;
        (void)fail(l->e, st, "account `%.*s`: %s", STR_ARG(spec->label), e.text);
    }
}

static void load_stored(void *peer, struct account_spec *spec)
{
    load_one(peer, spec);
    account_spec_free(spec);
}

static enum status load_file(struct loading *l, struct error *e)
{
    for (size_t i = 0; i < l->settings->account_count; i++) {
        /* what is kept in the database lies over what the file says */
        struct account_spec *spec = account_spec_copy(l->settings->accounts[i]);
        enum status st = store_account_override(l->desk->store, spec, e);

        if (st == OK)
            load_one(l, spec);
        account_spec_free(spec);
        if (st != OK)
            return st;
    }
    return OK;
}

static bool is_among(int64_t id, const int64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

bool desk_knows(const struct desk *d, int64_t id)
{
    return is_among(id, d->known, d->known_count);
}

/* Puts all accounts of file and database into the pool and takes out those that are gone. An
 * account that cannot be used is logged; the first such fault is given when `e` is not NULL. */
static enum status load_accounts(struct desk *d, struct settings *s, struct error *e)
{
    struct error ignored;
    struct loading l = { .desk = d, .settings = s, .e = e != NULL ? e : &ignored };
    enum status st;

    /* the version first: what is committed while the accounts are read is noticed next time */
    if (store_version(d->store, &d->store_version, &ignored) != OK)
        d->store_version = -1;
    st = load_file(&l, l.e);
    if (st == OK)
        st = store_accounts(d->store, load_stored, &l, l.e);
    for (size_t i = 0; i < d->known_count && st == OK; i++)
        if (!is_among(d->known[i], l.ids, l.count))
            (void)pool_remove(d->o.pool, d->known[i]);
    l.again = true;
    for (size_t i = 0; i < l.late_count; i++) {
        if (st == OK)
            load_one(&l, l.late[i]);
        account_spec_free(l.late[i]);
    }
    free(l.late);
    if (st != OK) {
        free(l.ids);
        return st;
    }
    free(d->known);
    d->known = l.ids;
    d->known_count = l.count;
    return l.status;
}

static void tell_upkeep(struct desk *d)
{
    if (d->client == NULL)
        return;
    grants_accounts(d->grants, d->known, d->known_count);
    model_lists_accounts(d->lists, d->known, d->known_count);
    quotas_accounts(d->quotas, d->known, d->known_count);
}

void desk_reload_accounts(struct desk *d)
{
    struct settings *s = settings_ref(config_file_settings(d->config));

    (void)load_accounts(d, s, NULL); /* faults are logged account by account */
    settings_unref(s);
    tell_upkeep(d);
    desk_facts_prune(d);
    d->o.on_accounts(d->o.peer, d->known_count);
}

static void set_fault(struct desk *d)
{
    const struct settings_fault *fault = config_file_fault(d->config);
    struct buf text;

    buf_init(&text, sizeof(d->fault) - 1);
    if (fault != NULL)
        config_file_describe(d->config, fault, &text);
    pthread_mutex_lock(&d->fault_lock);
    memcpy(d->fault, buf_str(&text).at, text.len);
    d->fault[text.len] = '\0';
    pthread_mutex_unlock(&d->fault_lock);
    buf_clear(&text);
}

void desk_look(struct desk *d)
{
    struct error e;
    int64_t version;

    if (store_version(d->store, &version, &e) != OK)
        log_warn("the database cannot be read", F_C("why", e.text));
    else if (version != d->store_version) {
        desk_password_look(d);
        desk_keys_reload(d);
        desk_reload_accounts(d);
    }
}

static void look_at_store(void *peer, int64_t now_ms)
{
    struct desk *d = peer;

    if (now_ms >= d->minute_ms) {
        d->minute_ms = now_ms + MINUTE_MS;
        d->o.on_minute(d->o.peer, now_ms);
    }
    set_fault(d);
    desk_capture_write(d);
    desk_look(d);
    timer_start(&d->look, STORE_LOOK_MS);
}

/* --- routes and accounts
 * --------------------------------------------------------------------------------- */

/* Those of the settings file are known to whoever reads it. */
static enum named_account named_account(void *peer, struct str label, struct str provider)
{
    const struct desk *d = peer;
    struct account_view v;

    if (!pool_find(d->o.pool, label, 0, &v) || v.from_file || !str_eq(str_c(v.label), label))
        return NAMED_NOBODY;
    return provider.len == 0 || str_eq(str_c(v.provider), provider) ? NAMED_GOOD : NAMED_ELSEWHERE;
}

static void warn_of(struct desk *d, const char *what, const struct route_spec *specs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < specs[i].entry_count; k++) {
            const struct route_entry *e = &specs[i].entries[k];
            struct account_view v;

            if (e->account.len == 0)
                continue;
            if (pool_labelled(d->o.pool, e->account) == 0)
                log_warn("a route names an account that is not there: it is passed over",
                         F_STR(what, specs[i].name), F_INT("entry", (int64_t)k),
                         F_STR("account", e->account));
            else if (e->provider.len > 0 && pool_find(d->o.pool, e->account, 0, &v) &&
                     !str_eq(str_c(v.provider), e->provider))
                log_warn("a route names an account of another provider than it says: it is passed "
                         "over",
                         F_STR(what, specs[i].name), F_INT("entry", (int64_t)k),
                         F_STR("account", e->account), F_STR("provider", e->provider));
        }
}

static void warn_of_routes(struct desk *d, const struct settings *s)
{
    warn_of(d, "flow", s->routing.flows, s->routing.flow_count);
    warn_of(d, "model", s->routing.accounts, s->routing.account_count);
}

/* --- settings
 * -------------------------------------------------------------------------------------- */

void desk_put_fault(struct desk *d, struct buf *out)
{
    pthread_mutex_lock(&d->fault_lock);
    (void)buf_add(out, str_c(d->fault));
    pthread_mutex_unlock(&d->fault_lock);
}

static void set_face(struct desk *d, const struct settings *s)
{
    atomic_store(&d->by_hand, config_file_by_hand(d->config));
    atomic_store(&d->privacy, s->privacy);
    atomic_store(&d->metrics_public, s->metrics_public);
    atomic_store(&d->bodies_allowed, s->logs_bodies);
    atomic_store(&d->compact, s->compact);
    atomic_store(&d->preload_routing, s->preload_routing);
}

static void set_upkeep(struct desk *d, struct settings *s)
{
    int64_t every_ms = s->quota_auto_refresh ? s->quota_refresh_minutes * 60000 : 0;

    desk_grants_settings(d, s);
    if (d->client == NULL)
        return;
    model_lists_every(d->lists, every_ms);
    quotas_every(d->quotas, every_ms);
}

/* Other settings are in force, by an edit, a reload or a change of ours. */
static void on_config(void *peer, struct settings *s)
{
    struct desk *d = peer;

    set_fault(d);
    set_face(d, s);
    atomic_store(&d->revision, config_file_revision(d->config));
    d->o.on_settings(d->o.peer, s, d->keys);
    reporter_settings(d->reporter, s);
    set_upkeep(d, s);
    desk_reload_accounts(d);
    warn_of_routes(d, s);
}

/* --- life
 * ------------------------------------------------------------------------------------------ */

enum status desk_open(const struct desk_options *options, struct desk **out, struct error *e)
{
    struct desk *d = must_calloc(1, sizeof(*d));
    struct master_key key;
    enum status st;

    d->o = *options;
    pthread_mutex_init(&d->fault_lock, NULL);
    *out = d;
    st = config_file_open(options->folder, options->config_path, &options->sources, &d->config,
                          NULL, e);
    if (st == OK)
        st = master_key_load(options->folder, options->master_key, &key, e);
    if (st == OK)
        st = store_open(options->folder, &key, &d->store, e);
    wipe(&key, sizeof(key));
    if (st == OK)
        st = store_password_mark(d->store, &d->password, e);
    if (st == OK) {
        atomic_store(&d->revision, config_file_revision(d->config));
        atomic_store(&d->password_set, desk_has_password(d));
        set_face(d, config_file_settings(d->config));
        desk_facts_load(d);
        st = load_accounts(d, config_file_settings(d->config), e);
    }
    if (st == OK)
        st = desk_keys_load(d, e);
    if (st == OK) {
        config_file_on_accounts(d->config, named_account, d);
        warn_of_routes(d, config_file_settings(d->config));
        desk_bindings_load(d);
        desk_ledger_load(d);
    }
    return st;
}

struct admin_today desk_today(void *desk, int64_t account)
{
    struct desk *d = desk;
    struct usage_today t;

    usage_keeper_today(d->o.keeper, account, &t);
    return (struct admin_today){ t.requests, t.tokens_in, t.tokens_out };
}

uint64_t desk_revision(struct desk *d)
{
    return atomic_load(&d->revision);
}

struct admin_face desk_face(struct desk *d)
{
    return (struct admin_face){ .by_hand = atomic_load(&d->by_hand),
                                .privacy = atomic_load(&d->privacy),
                                .compact = atomic_load(&d->compact),
                                .preload_routing = atomic_load(&d->preload_routing),
                                .password_set = atomic_load(&d->password_set),
                                .metrics_public = atomic_load(&d->metrics_public),
                                .bodies_allowed = atomic_load(&d->bodies_allowed) };
}

const struct grants_metrics *desk_grants_metrics(const struct desk *d)
{
    return &d->grants_metrics;
}

const struct client_metrics *desk_client_metrics(const struct desk *d)
{
    return &d->client_metrics;
}

const struct reporter_metrics *desk_reports(const struct desk *d)
{
    return reporter_metrics_of(d->reporter);
}

struct settings *desk_settings(struct desk *d)
{
    return settings_ref(config_file_settings(d->config));
}

struct client_keys *desk_client_keys(struct desk *d)
{
    return d->keys;
}

size_t desk_account_count(const struct desk *d)
{
    return d->known_count;
}

static void desk_run(void *arg)
{
    struct desk *d = arg;

    loop_run(d->loop);
}

void desk_start(struct desk *d)
{
    struct settings *s = config_file_settings(d->config);
    struct error e = { .status = OK };

    d->loop = loop_new();
    d->mailbox = mailbox_new(d->loop);
    d->client = client_new(
        &(struct client_options){
            .loop = d->loop, .limits = s->client, .tls = s->tls, .metrics = &d->client_metrics },
        &e);
    if (d->client == NULL) {
        log_warn(
            "providers cannot be asked for models and quotas, nor accounts be tested, signed in to "
            "or renewed",
            F_C("why", e.text));
    } else {
        desk_grants_start(d);
        d->lists = model_lists_new(&(struct model_lists_options){
            .loop = d->loop, .client = d->client, .pool = d->o.pool });
        desk_quotas_start(d);
    }
    set_upkeep(d, s);
    tell_upkeep(d);
    d->reporter = reporter_new(&(struct reporter_options){
        .loop = d->loop, .client = d->client, .folder = d->o.folder, .ring = d->o.reports });
    reporter_settings(d->reporter, config_file_settings(d->config));
    d->o.on_start(d->o.peer, d->loop, d->mailbox);
    timer_init(&d->look, d->loop, look_at_store, d);
    timer_start(&d->look, STORE_LOOK_MS);
    desk_bindings_start(d);
    config_file_on_change(d->config, on_config, d);
    if (!config_file_watch(d->config, d->loop))
        log_warn("edits of the settings file take effect on SIGHUP only");
    d->thread = thread_start(desk_run, d);
}

#define STOP_LOOK_MS 20
#define STOP_MS 5000 /* what a renewal that is under way may take when the gateway ends */

static void on_stopping(void *peer, int64_t now_ms)
{
    struct desk *d = peer;

    if (d->grants == NULL || grants_renewing(d->grants) == 0 || now_ms >= d->stop_ms)
        loop_stop(d->loop);
    else
        timer_start(&d->stopping, STOP_LOOK_MS);
}

static void reports_ended(void *peer)
{
    struct desk *d = peer;

    d->stop_ms = loop_now(d->loop) + STOP_MS;
    timer_init(&d->stopping, d->loop, on_stopping, d);
    on_stopping(d, loop_now(d->loop));
}

static void stop_here(void *message)
{
    struct desk *d = message;

    reporter_end(d->reporter, reports_ended, d);
}

static void reload_here(void *message)
{
    struct desk *d = message;

    struct error e;

    if (config_file_reload(d->config, &e) != OK)
        log_error("the settings stay as they were", F_C("why", e.text));
    set_fault(d);
}

void desk_reload(struct desk *d)
{
    if (!mailbox_send(d->mailbox, reload_here, d))
        log_warn("the settings were not read again: too many changes are waiting");
}

void desk_close(struct desk *d)
{
    if (d == NULL)
        return;
    if (d->thread != NULL) {
        if (!mailbox_send(d->mailbox, stop_here, d))
            log_error("the desk cannot be told to stop");
        thread_join(d->thread);
        timer_stop(&d->look);
        pool_on_expired(d->o.pool, NULL, NULL); /* nobody sends any more */
        mailbox_free(d->mailbox);               /* changes that still wait are made */
        d->o.on_stop(d->o.peer);
        desk_tests_end(d);
        desk_quotas_end(d);
    }
    reporter_free(d->reporter);
    desk_grants_stop(d);
    model_lists_free(d->lists);
    if (d->client != NULL)
        client_free(d->client);
    desk_bindings_stop(d);
    config_file_close(d->config);
    client_keys_unref(d->keys);
    store_close(d->store);
    if (d->thread != NULL)
        loop_free(d->loop);
    free(d->known);
    pthread_mutex_destroy(&d->fault_lock);
    free(d);
}
