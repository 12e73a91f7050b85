#include "app/desk.h"

#include <pthread.h>
#include <stdlib.h>

#include "app/settings_account.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/log.h"
#include "io/file.h"

/* How often changes that commands made to the database are looked for. */
#define STORE_LOOK_MS 1000

struct desk {
    struct desk_options o;
    struct loop *loop;
    struct mailbox *mailbox;
    struct thread *thread;
    struct timer look;
    struct config_file *config;
    struct store *store;
    int64_t store_version;
    int64_t *known; /* ids in the pool */
    size_t known_count;
    pthread_mutex_t fault_lock;
    char fault[512]; /* of the settings file on disk; empty: none */
};

/* --- accounts
 * -------------------------------------------------------------------------------------- */

struct loading {
    struct desk *desk;
    struct settings *settings;
    int64_t *ids;
    size_t count, cap;
    enum status status; /* first failure */
    struct error *e;
};

static void keep_id(struct loading *l, int64_t id)
{
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? 16 : l->cap * 2;
        l->ids = must_realloc(l->ids, l->cap * sizeof(l->ids[0]));
    }
    l->ids[l->count++] = id;
}

static void load_one(struct loading *l, const struct account_spec *spec)
{
    struct upstream *up = NULL;
    struct error e = { 0 };
    enum status st = upstream_new(spec, &l->settings->provider, &up, &e);

    if (st == OK)
        st = pool_put(l->desk->o.pool, spec, upstream_means(up), &e);
    if (st == OK) {
        keep_id(l, spec->id);
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
        /* flags kept in the database lie over those of the file; what they allocate is the copy's
         * own */
        struct account_spec spec = *l->settings->accounts[i];

        spec.arena = (struct arena){ 0 };
        enum status st = store_account_override(l->desk->store, &spec, e);
        if (st == OK)
            load_one(l, &spec);
        arena_free(&spec.arena);
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
    if (st != OK) {
        free(l.ids);
        return st;
    }
    for (size_t i = 0; i < d->known_count; i++)
        if (!is_among(d->known[i], l.ids, l.count))
            (void)pool_remove(d->o.pool, d->known[i]);
    free(d->known);
    d->known = l.ids;
    d->known_count = l.count;
    return l.status;
}

static void reload_accounts(struct desk *d)
{
    struct settings *s = settings_ref(config_file_settings(d->config));

    (void)load_accounts(d, s, NULL); /* faults are logged account by account */
    settings_unref(s);
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

static void look_at_store(void *peer, int64_t now_ms)
{
    struct desk *d = peer;
    struct error e;
    int64_t version;

    (void)now_ms;
    set_fault(d);
    if (store_version(d->store, &version, &e) != OK)
        log_warn("the database cannot be read", F_C("why", e.text));
    else if (version != d->store_version)
        reload_accounts(d);
    timer_start(&d->look, STORE_LOOK_MS);
}

/* --- settings
 * -------------------------------------------------------------------------------------- */

void desk_put_fault(struct desk *d, struct buf *out)
{
    pthread_mutex_lock(&d->fault_lock);
    (void)buf_add(out, str_c(d->fault));
    pthread_mutex_unlock(&d->fault_lock);
}

/* Other settings are in force, by an edit, a reload or a change of ours. */
static void on_config(void *peer, struct settings *s)
{
    struct desk *d = peer;

    set_fault(d);
    d->o.on_settings(d->o.peer, s);
    reload_accounts(d);
}

/* --- changes over the admin API
 * -------------------------------------------------------------------- */

static int http_status_of(enum status st)
{
    switch (st) {
    case OK:
        return 200;
    case E_ABSENT:
        return 404;
    case E_CONFLICT:
        return 409;
    case E_SYNTAX:
    case E_LIMIT:
    case E_REFUSED:
        return 400;
    case E_IO:
    case E_STORE:
        break;
    }
    return 500;
}

static void outcome_error(struct admin_outcome *out, enum status st, const char *text)
{
    out->status = http_status_of(st);
    out->body.len = 0;
    admin_put_error(&out->body, str_c(text), STR(""));
}

static bool read_body(struct str body, struct arena *a, struct json *doc, struct admin_outcome *out)
{
    struct json_fault fault;

    if (!json_parse(doc, body, &(struct json_limits){ 0 }, a, &fault)) {
        outcome_error(out, E_SYNTAX, fault.what);
        return false;
    }
    if (json_type(doc, 0) != JSON_OBJECT) {
        outcome_error(out, E_SYNTAX, "the body must be a JSON object");
        return false;
    }
    return true;
}

static void change_scheduling(struct desk *d, struct str body, struct admin_outcome *out)
{
    static const struct {
        const char *member, *path;
    } keys[] = {
        { "mode", "proxy.scheduling.mode" },
        { "max_wait_seconds", "proxy.scheduling.max_wait_seconds" },
        { "queue_wait_seconds", "proxy.scheduling.queue_wait_seconds" },
    };
    struct arena a = { 0 };
    struct json doc;
    struct error e = { 0 };
    size_t changed = 0;

    if (!read_body(body, &a, &doc, out))
        goto done;
    for (size_t i = 0; i < COUNT(keys); i++) {
        uint32_t node = json_member(&doc, 0, str_c(keys[i].member), NULL);

        if (node == JSON_NONE)
            continue;
        enum status st =
            config_file_change(d->config, str_c(keys[i].path), json_raw(&doc, node), 0, &e);
        if (st != OK) {
            outcome_error(out, st, e.text);
            goto done;
        }
        changed++;
    }
    if (changed == 0) {
        outcome_error(out, E_SYNTAX, "give mode, max_wait_seconds or queue_wait_seconds");
        goto done;
    }
    out->status = 200;
    admin_put_scheduling(&out->body, d->o.pool);
done:
    arena_free(&a);
}

static void put_id(struct admin_outcome *out, const struct account_spec *spec)
{
    struct json_writer w = json_writer(&out->body);

    json_put_object(&w);
    json_put_member_i64(&w, "id", spec->id);
    json_put_member(&w, "label", spec->label);
    json_put_end(&w);
}

static void add_account(struct desk *d, struct str body, struct admin_outcome *out)
{
    struct settings *s = config_file_settings(d->config);
    struct settings_fault fault = { 0 };
    struct account_spec *spec = NULL;
    struct upstream *up = NULL;
    struct error e = { 0 };
    enum status st = OK;

    if (!settings_account_read(body, &d->o.sources, &spec, &fault)) {
        out->status = 400;
        admin_put_error(&out->body, str_c(fault.text), str_c(fault.path));
        return;
    }
    for (size_t i = 0; i < s->account_count && st == OK; i++)
        if (str_eq(s->accounts[i]->label, spec->label))
            st = fail(&e, E_CONFLICT, "the settings file has an account with this label");
    if (st == OK)
        st = upstream_new(spec, &s->provider, &up, &e);
    if (st == OK)
        st = store_account_add(d->store, spec, clock_unix_ms(), &e);
    if (st == OK) {
        reload_accounts(d);
        out->status = 201;
        put_id(out, spec);
    } else {
        outcome_error(out, st, e.text);
    }
    if (up != NULL)
        upstream_free(up);
    account_spec_free(spec);
}

struct search {
    struct str wanted;
    struct account_view found;
    bool is_found;
};

static void consider_account(void *peer, const struct account_view *v)
{
    struct search *s = peer;
    int64_t id;

    if (str_eq(str_c(v->label), s->wanted) || (str_to_i64(s->wanted, &id) && id == v->id)) {
        s->found = *v;
        s->is_found = true;
    }
}

static bool find_account(struct desk *d, struct str name, struct account_view *found,
                         struct admin_outcome *out)
{
    struct search s = { .wanted = name };

    (void)pool_each(d->o.pool, 0, consider_account, &s);
    if (!s.is_found || !is_among(s.found.id, d->known, d->known_count)) {
        outcome_error(out, E_ABSENT, "no account has this id or label");
        return false;
    }
    *found = s.found;
    return true;
}

static bool read_flag(const struct json *doc, const char *name, bool *flag,
                      struct admin_outcome *out)
{
    uint32_t node = json_member(doc, 0, str_c(name), NULL);

    if (node == JSON_NONE)
        return true;
    if (json_type(doc, node) != JSON_TRUE && json_type(doc, node) != JSON_FALSE) {
        out->status = 400;
        admin_put_error(&out->body, STR("must be true or false"), str_c(name));
        return false;
    }
    *flag = json_is_true(doc, node);
    return true;
}

static void change_account(struct desk *d, struct str name, struct str body,
                           struct admin_outcome *out)
{
    struct account_view v;
    struct arena a = { 0 };
    struct json doc;
    struct error e = { 0 };

    if (find_account(d, name, &v, out) && read_body(body, &a, &doc, out) &&
        read_flag(&doc, "disabled", &v.disabled, out) &&
        read_flag(&doc, "proxy_disabled", &v.proxy_disabled, out)) {
        struct str reason = v.disabled ? STR("switched off by the operator") : STR("");
        enum status st =
            store_account_flags(d->store, v.id, v.disabled, v.proxy_disabled, reason, &e);

        if (st == OK) {
            (void)pool_set_flags(d->o.pool, v.id, v.disabled, v.proxy_disabled, reason);
            out->status = 200;
            (void)buf_add(&out->body, STR("{}"));
        } else {
            outcome_error(out, st, e.text);
        }
    }
    arena_free(&a);
}

static void remove_account(struct desk *d, struct str name, struct admin_outcome *out)
{
    struct account_view v;
    struct error e = { 0 };
    enum status st;

    if (!find_account(d, name, &v, out))
        return;
    if (v.from_file) {
        outcome_error(out, E_CONFLICT,
                      "the account is declared in the settings file: remove it there");
        return;
    }
    st = store_account_remove(d->store, v.id, &e);
    if (st != OK) {
        outcome_error(out, st, e.text);
        return;
    }
    reload_accounts(d);
    out->status = 200;
    (void)buf_add(&out->body, STR("{}"));
}

struct asked {
    struct desk *desk;
    struct admin_call *call;
};

static void change_here(void *message)
{
    struct asked *asked = message;
    struct desk *d = asked->desk;
    struct admin_call *c = asked->call;
    struct admin_outcome out = { .status = 500 };

    buf_init(&out.body, (size_t)1 << 20);
    switch (admin_call_change(c)) {
    case ADMIN_SCHEDULING:
        change_scheduling(d, admin_call_body(c), &out);
        break;
    case ADMIN_ACCOUNT_ADD:
        add_account(d, admin_call_body(c), &out);
        break;
    case ADMIN_ACCOUNT_CHANGE:
        change_account(d, admin_call_name(c), admin_call_body(c), &out);
        break;
    case ADMIN_ACCOUNT_REMOVE:
        remove_account(d, admin_call_name(c), &out);
        break;
    }
    admin_call_done(c, &out);
    free(asked);
}

void desk_ask(void *desk, struct admin_call *c)
{
    struct desk *d = desk;
    struct asked *asked = must_alloc(sizeof(*asked));

    *asked = (struct asked){ d, c };
    if (mailbox_send(d->mailbox, change_here, asked))
        return;
    struct admin_outcome out = { .status = 503 };
    buf_init(&out.body, 4096);
    admin_put_error(&out.body, STR("too many changes are waiting"), STR(""));
    admin_call_done(c, &out);
    free(asked);
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
        st = load_accounts(d, config_file_settings(d->config), e);
    return st;
}

struct settings *desk_settings(struct desk *d)
{
    return settings_ref(config_file_settings(d->config));
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
    d->loop = loop_new();
    d->mailbox = mailbox_new(d->loop);
    timer_init(&d->look, d->loop, look_at_store, d);
    timer_start(&d->look, STORE_LOOK_MS);
    config_file_on_change(d->config, on_config, d);
    if (!config_file_watch(d->config, d->loop))
        log_warn("edits of the settings file take effect on SIGHUP only");
    d->thread = thread_start(desk_run, d);
}

static void stop_here(void *message)
{
    struct desk *d = message;

    loop_stop(d->loop);
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
    }
    config_file_close(d->config);
    store_close(d->store);
    if (d->thread != NULL) {
        mailbox_free(d->mailbox);
        loop_free(d->loop);
    }
    free(d->known);
    pthread_mutex_destroy(&d->fault_lock);
    free(d);
}
