/* pool/pool.c - the one lock, and all that the outside may do under it.
 *
 * Each function locks once, does its work on memory that is already there (but for what is new to
 * the pool), and unlocks; what has to be freed, logged or told is put aside under the lock and done
 * after it. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "pool/pool_int.h"

#define LABEL_MAX 128

void pool_lock(struct pool *p)
{
    int failed = pthread_mutex_lock(&p->lock);

    assert(failed == 0);
}

void pool_unlock(struct pool *p)
{
    int failed = pthread_mutex_unlock(&p->lock);

    assert(failed == 0);
}

/* --- configurations -------------------------------------------------------------------------- */

/* Lets go of a use, under the lock. Gives what must be freed behind it, or NULL. */
struct account_config *config_release(struct account_config *c)
{
    assert(c->users > 0);
    c->users--;
    return c->users == 0 ? c : NULL;
}

void config_free(struct account_config *c)
{
    if (c == NULL)
        return;
    assert(c->users == 0);
    if (c->means.upstream_free != NULL)
        c->means.upstream_free(c->means.upstream);
    account_spec_free(c->spec);
    free(c);
}

static struct account_config *config_new(const struct account_spec *spec,
                                         const struct account_means *means)
{
    struct account_config *c = must_calloc(1, sizeof(*c));

    c->spec = account_spec_copy(spec);
    c->label = c->spec->label;
    c->provider = c->spec->provider;
    c->means = *means;
    c->means.host = arena_copy(&c->spec->arena, means->host);
    return c;
}

/* --- life ------------------------------------------------------------------------------------ */

static void account_free(struct pool *p, struct account *acc)
{
    if (acc == NULL)
        return;
    assert(acc->in_flight == 0 && acc->cohort == NULL);
    while (acc->standings != NULL)
        standing_free(p, acc->standings);
    lockout_clear(&acc->lockout);
    for (uint32_t i = 0; i < acc->missing_count; i++)
        lockout_clear(&acc->missing[i].lockout);
    free(acc->missing);
    free(acc);
}

static struct arena *options_copy(struct pool_options *to, const struct pool_options *from)
{
    struct arena *a = must_calloc(1, sizeof(*a));
    size_t count = from->protected_model_count < PROTECTED_MODELS_MAX ? from->protected_model_count
                                                                      : PROTECTED_MODELS_MAX;
    struct str *models = arena_array(a, struct str, count + 1);

    *to = *from;
    for (size_t i = 0; i < count; i++)
        models[i] = arena_copy(a, from->protected_models[i]);
    to->protected_models = models;
    to->protected_model_count = count;
    return a;
}

struct pool *pool_new(const struct pool_options *options)
{
    struct pool *p = must_calloc(1, sizeof(*p));
    int failed = pthread_mutex_init(&p->lock, NULL);

    assert(failed == 0);
    p->options_arena = options_copy(&p->options, options);
    p->hosts_due_ms = p->ask_again_ms = INT64_MAX;
    p->shape = 1;
    bindings_init(&p->bindings);
    return p;
}

static void account_unlist(struct pool *p, struct account *acc)
{
    list_release(p, acc->listed);
    acc->listed = NULL;
    acc->listed_ms = 0;
}

/* Out of the table and its cohort. Gives the configuration to be freed, or NULL. */
static struct account_config *account_leave(struct pool *p, struct account *acc)
{
    account_ask_again(p, acc, 0);
    account_renewal(p, acc, false, 0);
    account_count(p, acc, -1);
    cohort_leave(p, acc);
    account_unlist(p, acc);
    table_remove(p, acc);
    p->bindings.homes[acc->home].account = NULL;
    return config_release(acc->config);
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    assert(p->leases == 0 && p->waiters == NULL);
    while (p->count > 0) {
        struct account *acc = p->slots[p->count - 1].account;

        config_free(account_leave(p, acc));
        account_free(p, acc);
    }
    lanes_free(p);
    rosters_free(p);
    bindings_free(&p->bindings);
    free(p->slots);
    free(p->by_id);
    arena_free(p->options_arena);
    free(p->options_arena);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* --- leases ---------------------------------------------------------------------------------- */

/* Its number of leases has become another one: does that matter where it stands? */
static bool in_flight_counts(const struct pool *p, const struct account *acc, bool was_busy)
{
    return was_busy || account_is_busy(acc) || p->options.mode == MODE_PERFORMANCE_FIRST;
}

/* What the account speaks, but for a model that its list says to be served over some wires only. */
static uint32_t wires_of(const struct account *acc, const struct pick_ask *ask)
{
    uint32_t all = acc->config->means.wires, some;

    if (acc->listed == NULL || !acc->listed->tells_wires)
        return all;
    some = all & model_list_wires(acc->listed, ask->model);
    return (some & ask->wires) != 0 ? some : all;
}

static void lease_take(struct pool *p, const struct pick_ask *ask, struct standing *s,
                       const struct pick *why, struct lease *l)
{
    struct account *acc = s->account;
    struct str label = acc->config->label;
    bool was_busy = account_is_busy(acc);

    __builtin_prefetch(s->left); /* its place in the order changes below */
    __builtin_prefetch(s->right);
    __builtin_prefetch(s->up);
    l->account = acc;
    l->config = acc->config;
    l->standing = s;
    l->number = ++p->turn;
    l->upstream = acc->config->means.upstream;
    l->account_id = acc->id;
    l->wires = wires_of(acc, ask);
    l->taken_ms = p->now_ms;
    l->model = ask->model;
    l->provider = acc->config->provider;
    l->side = ask->side;
    l->binds = why->binds;
    l->probe = why->probe;
    l->stamps = why->reason != PICK_RECENT && why->mode != MODE_PERFORMANCE_FIRST &&
                !ask->is_image && !ask->side;
    l->said = NULL;
    l->said_group = STR("");
    l->via = chain_mark(ask);
    l->session = ask->session;
    memcpy(l->label, label.at, label.len);
    l->label[label.len] = '\0';

    p->leases++;
    acc->in_flight++;
    acc->config->users++;
    s->users++;
    s->roster->leases++;
    s->picked_last = l->number;
    s->picked_ms = p->now_ms;
    if (in_flight_counts(p, acc, was_busy))
        account_file(p, acc); /* in all groups */
    else
        standing_picked(s);
    if (why->probe)
        account_probed(p, acc, s);
    if (ask->has_session && why->mode != MODE_PERFORMANCE_FIRST) {
        uint32_t row = bindings_find(&p->bindings, &ask->session, p->now_ms);

        if (row != BINDING_NONE)
            bindings_touch(&p->bindings, row, p->now_ms);
    }
}

static struct account *lease_give_back(struct pool *p, struct lease *l, const struct verdict *v)
{
    struct account *acc = l->account;
    bool was_busy = acc->cohort != NULL && account_is_busy(acc);

    assert(p->leases > 0 && acc->in_flight > 0 && l->standing->users > 0);
    p->leases--;
    acc->in_flight--;
    l->standing->users--;
    if (acc->cohort == NULL)
        return acc->in_flight == 0 ? acc : NULL;
    l->standing->roster->leases--;
    account_learn(p, acc, l, v);
    lease_hear(p, acc, l, v);
    if (in_flight_counts(p, acc, was_busy))
        account_file(p, acc);
    return NULL;
}

/* --- those who wait -------------------------------------------------------------------------- */

static void waiter_unlink(struct pool *p, struct waiter *w)
{
    if (w->next != NULL)
        w->next->previous = w->previous;
    else
        p->waiters_last = w->previous;
    if (w->previous != NULL)
        w->previous->next = w->next;
    else
        p->waiters = w->next;
    w->next = w->previous = NULL;
    w->queued = false;
}

static void waiter_link(struct pool *p, struct waiter *w)
{
    w->queued = true;
    w->granted = false;
    w->next = NULL;
    w->previous = p->waiters_last;
    if (p->waiters_last != NULL)
        p->waiters_last->next = w;
    else
        p->waiters = w;
    p->waiters_last = w;
}

/* Lanes in which nobody was usable for one who would have taken anybody: the others that wait for
 * the same need not be asked. */
#define DRY_MAX 16
struct dry {
    const struct lane *lanes[DRY_MAX];
    size_t count;
};

static bool takes_anybody(const struct pick_ask *ask)
{
    return ask->tried_count == 0 && ask->named == 0 && ask->convicted_count == 0 &&
           ask->spent_count == 0 && !ask->spends_reserve && ask->again == 0 && ask->next == NULL;
}

static bool is_dry(const struct dry *dry, const struct lane *lane)
{
    for (size_t i = 0; i < dry->count; i++)
        if (dry->lanes[i] == lane)
            return true;
    return false;
}

static void grant_all(struct pool *p)
{
    struct dry dry = { .count = 0 };

    for (struct waiter *w = p->waiters; w != NULL; w = w->next) {
        bool plain = takes_anybody(&w->ask);

        if (w->granted || (plain && is_dry(&dry, lane_get(p, &w->ask))))
            continue;
        struct standing *s = chain_pick(p, &w->ask, p->now_ms, &w->pick);

        if (s != NULL) {
            lease_take(p, chain_entry(&w->ask, w->pick.entry), s, &w->pick, &w->lease);
            w->granted = true;
            w->wake(w->peer);
        } else if (plain && w->pick.skipped[SKIP_NONE] == 0 && dry.count < DRY_MAX) {
            dry.lanes[dry.count++] = lane_get(p, &w->ask);
        }
    }
}

/* Somebody may have become usable: those who came first are served first. */
void pool_grant(struct pool *p)
{
    if (p->freed && p->waiters != NULL)
        grant_all(p);
    p->freed = false;
}

static void waiter_wait(struct pool *p, struct waiter *w, const struct pick_ask *ask)
{
    if (!w->queued)
        waiter_link(p, w);
    w->ask = *ask;
    if (ask->since_ms == 0)
        w->ask.since_ms = p->now_ms;
}

/* --- the way to an account --------------------------------------------------------------------
 */

static bool lease_locked(struct pool *p, const struct pick_ask *ask, int64_t now_ms,
                         struct lease *l, struct pick *why)
{
    struct waiter *w = ask->waiter;

    if (ask->has_session)
        bindings_prefetch(&p->bindings, &ask->session);
    pool_settle(p, now_ms);
    pool_grant(p);
    if (w != NULL && w->queued && w->granted) {
        *l = w->lease;
        *why = w->pick;
        l->model = chain_entry(ask, why->entry)->model;
        waiter_unlink(p, w);
        return true;
    }
    struct standing *s = chain_pick(p, ask, now_ms, why);

    if (s != NULL)
        lease_take(p, chain_entry(ask, why->entry), s, why, l);
    if (w != NULL && s == NULL && why->wait_until_ms != 0)
        waiter_wait(p, w, ask);
    else if (w != NULL && w->queued)
        waiter_unlink(p, w);
    return s != NULL;
}

bool pool_lease(struct pool *p, const struct pick_ask *ask, int64_t now_ms, struct lease *l,
                struct pick *why)
{
    l->account = NULL;
    pool_lock(p);
    bool leased = lease_locked(p, ask, now_ms, l, why);

    pool_unlock(p);
    return leased;
}

int64_t pool_labelled(struct pool *p, struct str label)
{
    pool_lock(p);
    const struct account *acc = account_labelled(p, label);
    int64_t id = acc == NULL ? 0 : acc->id;

    pool_unlock(p);
    return id;
}

bool pool_explain(struct pool *p, const struct pick_ask *ask, int64_t now_ms, int64_t *id,
                  struct pick *why)
{
    pool_lock(p);
    const struct standing *s = chain_pick(p, ask, now_ms, why);

    if (s != NULL)
        *id = s->account->id;
    pool_unlock(p);
    return s != NULL;
}

void lease_return(struct pool *p, struct lease *l, const struct verdict *v, int64_t now_ms)
{
    struct account *acc = l->account, *gone = NULL;
    struct account_config *dead = NULL;

    assert(acc != NULL);
    l->locks = (struct lease_lockout){ .scope = NULL };
    pool_lock(p);
    bool was_refused = acc->refused;

    pool_settle(p, now_ms);
    gone = lease_give_back(p, l, v);
    bool refused = acc->refused && !was_refused, back = was_refused && !acc->refused;

    dead = config_release(l->config);
    pool_grant(p);
    pool_unlock(p);

    if (refused)
        log_warn("account disabled: its credential is refused", F_C("account", l->label),
                 F_INT("status", v->status));
    else if (back)
        log_info("account enabled: its credential is accepted again", F_C("account", l->label));
    config_free(dead);
    account_free(p, gone);
    l->account = NULL;
    l->config = NULL;
    l->standing = NULL;
    l->upstream = NULL;
}

void pool_unwait(struct pool *p, struct waiter *w, int64_t now_ms)
{
    bool granted = false;

    pool_lock(p);
    if (w->queued) {
        granted = w->granted;
        waiter_unlink(p, w);
    }
    pool_unlock(p);
    if (granted)
        lease_return(p, &w->lease, &(struct verdict){ .kind = VERDICT_NONE, .delay_ms = -1 },
                     now_ms);
}

void pool_release(struct pool *p, const struct lease_mark *marks, size_t count, int64_t now_ms)
{
    pool_lock(p);
    pool_settle(p, now_ms);
    accounts_release(p, marks, count);
    pool_grant(p);
    pool_unlock(p);
}

/* --- options --------------------------------------------------------------------------------- */

void pool_set_options(struct pool *p, const struct pool_options *options)
{
    struct pool_options copy;
    struct arena *arena = options_copy(&copy, options), *old;

    pool_lock(p);
    old = p->options_arena;
    p->options = copy;
    p->options_arena = arena;
    pool_file_all(p);
    pool_grant(p);
    pool_unlock(p);
    arena_free(old);
    free(old);
}

struct pool_options pool_get_options(struct pool *p)
{
    pool_lock(p);
    struct pool_options options = p->options;

    pool_unlock(p);
    options.protected_models = NULL;
    options.protected_model_count = 0;
    return options;
}

/* --- accounts come, change and go --------------------------------------------------------------
 */

/* Gives the account its (first or next) configuration. What is to be freed of the old one, or
 * NULL. */
static struct account_config *account_configure(struct pool *p, struct account *acc,
                                                struct account_config *config)
{
    struct account_config *old = acc->config;
    const struct account_spec *spec = config->spec;
    bool fresh = old == NULL || !account_same_credential(old->spec, spec);

    config->users = 1;
    config->credential = old == NULL ? 0 : old->credential + (fresh ? 1 : 0);
    config->renewal = old == NULL ? 0 : old->renewal;
    if (old != NULL && !equal_in_constant_time(secret_reveal(&old->spec->grant.access),
                                               secret_reveal(&spec->grant.access))) {
        config->renewal++;
        account_renewal(p, acc, false, 0);
    }
    if (fresh && old != NULL) {
        account_forget(p, acc);
        for (struct standing *s = acc->standings; s != NULL; s = s->next)
            standing_forget_quota(s);
        acc->refused = false;
        account_ask_again(p, acc, 0);
    }
    if (fresh || !account_wants_list(spec))
        account_unlist(p, acc);
    acc->config = config;
    acc->created_unix_ms = spec->created_unix_ms;
    acc->concurrency_max = spec->concurrency_max;
    acc->tier = spec->tier;
    acc->proxy_disabled = spec->proxy_disabled;
    if (!acc->refused || spec->disabled) {
        acc->refused = spec->disabled && spec->grant.lost;
        acc->disabled = spec->disabled;
        account_set_reason(acc, spec->disabled_reason);
    }
    return old == NULL ? NULL : config_release(old);
}

static enum status put_locked(struct pool *p, struct account_config *config,
                              struct account_config **dead, struct error *e)
{
    const struct account_spec *spec = config->spec;
    struct account *acc = account_find(p, spec->id), *other = account_labelled(p, spec->label);

    if (other != NULL && other != acc)
        return fail(e, E_CONFLICT, "another account has the label %.*s", STR_ARG(spec->label));
    if (acc == NULL && p->count >= POOL_ACCOUNTS_MAX)
        return fail(e, E_LIMIT, "there are already %d accounts", POOL_ACCOUNTS_MAX);
    if (acc == NULL) {
        acc = must_calloc(1, sizeof(*acc));
        acc->id = spec->id;
        acc->order = ++p->inserted;
        acc->home = bindings_home(&p->bindings, spec->id);
        p->bindings.homes[acc->home].account = acc;
    } else { /* while the old configuration, by which it is sorted, still stands */
        account_count(p, acc, -1);
        account_unfile(p, acc);
        table_remove(p, acc);
    }
    *dead = account_configure(p, acc, config);
    table_insert(p, acc);
    cohort_join(p, acc);
    account_count(p, acc, 1);
    p->freed = true;
    pool_grant(p);
    return OK;
}

enum status pool_put(struct pool *p, const struct account_spec *spec,
                     const struct account_means *means, struct error *e)
{
    struct account_config *config = config_new(spec, means), *dead = NULL;
    enum status st = OK;

    if (spec->label.len == 0 || spec->label.len > LABEL_MAX) {
        st = fail(e, E_SYNTAX, "label: 1 to %d bytes are wanted", LABEL_MAX);
    } else {
        pool_lock(p);
        st = put_locked(p, config, &dead, e);
        pool_unlock(p);
    }
    config_free(st == OK ? dead : config);
    return st;
}

bool pool_remove(struct pool *p, int64_t id)
{
    struct account_config *dead = NULL;
    struct account *acc, *gone = NULL;

    pool_lock(p);
    acc = account_find(p, id);
    if (acc != NULL) {
        dead = account_leave(p, acc);
        gone = acc->in_flight == 0 ? acc : NULL;
    }
    pool_unlock(p);
    config_free(dead);
    account_free(p, gone);
    return acc != NULL;
}

bool pool_set_flags(struct pool *p, int64_t id, bool disabled, bool proxy_disabled,
                    struct str reason)
{
    pool_lock(p);
    struct account *acc = account_find(p, id);

    if (acc != NULL) {
        account_set_flags(p, acc, disabled, proxy_disabled, false);
        account_set_reason(acc, reason);
        account_file(p, acc);
        pool_grant(p);
    }
    pool_unlock(p);
    return acc != NULL;
}

bool pool_clear_lockouts(struct pool *p, int64_t id)
{
    pool_lock(p);
    struct account *acc = account_find(p, id);

    if (acc != NULL) {
        struct host *host = acc->cohort->host;

        if (acc->refused) {
            account_set_flags(p, acc, false, acc->proxy_disabled, false);
            account_set_reason(acc, STR(""));
        }
        account_forget(p, acc);
        account_file(p, acc);
        if (host != NULL) {
            lockout_clear(&host->lockout);
            host_learned(p);
        }
        p->freed = true;
        pool_grant(p);
    }
    pool_unlock(p);
    return acc != NULL;
}

/* --- lists of models ------------------------------------------------------------------------- */

bool pool_hold(struct pool *p, int64_t id, struct account_hold *h)
{
    pool_lock(p);
    struct account *acc = account_find(p, id);

    if (acc != NULL) {
        acc->config->users++;
        *h = (struct account_hold){ .config = acc->config,
                                    .id = id,
                                    .label = acc->config->spec->label,
                                    .upstream = acc->config->means.upstream,
                                    .spec = acc->config->spec,
                                    .wants_list = account_wants_list(acc->config->spec),
                                    .expired = account_is_renewing(acc, p->now_ms),
                                    .disabled = acc->disabled };
    }
    pool_unlock(p);
    return acc != NULL;
}

void pool_let_go(struct pool *p, struct account_hold *h)
{
    pool_lock(p);
    struct account_config *dead = config_release(h->config);

    pool_unlock(p);
    config_free(dead);
    h->config = NULL;
}

/* `l` itself, or one like it that was there before. NULL: no room. */
static struct model_list *list_keep(struct pool *p, struct model_list *l)
{
    struct model_list *known = p->lists;

    while (known != NULL && !model_list_equal(known, l))
        known = known->next;
    if (known != NULL || p->lists_bytes + l->arena.total > LISTS_BYTES_MAX)
        return known;
    l->next = p->lists;
    p->lists = l;
    p->lists_bytes += l->arena.total;
    return l;
}

static enum status set_models_locked(struct pool *p, const struct account_hold *h,
                                     struct model_list *l, int64_t now_ms, struct error *e)
{
    struct account *acc = account_find(p, h->id);
    struct model_list *kept = NULL, *old;

    if (acc == NULL || acc->config->credential != h->config->credential ||
        !account_wants_list(acc->config->spec))
        return fail(e, E_ABSENT, "the account has changed meanwhile");
    if (l->count > 0 && (kept = list_keep(p, l)) == NULL)
        return fail(e, E_LIMIT, "the lists of all accounts take more than %zu MiB",
                    LISTS_BYTES_MAX >> 20);
    acc->listed_ms = now_ms;
    if (kept == acc->listed)
        return OK;
    old = acc->listed;
    acc->listed = list_use(kept);
    cohort_join(p, acc);
    account_relisted(p, acc, old);
    list_release(p, old);
    p->freed = true; /* it may offer what somebody waits for */
    return OK;
}

enum status pool_set_models(struct pool *p, const struct account_hold *h,
                            const struct listed_model *models, size_t count, int64_t now_ms,
                            struct error *e)
{
    assert(count <= LISTED_MODELS_MAX);
    struct model_list *l = model_list_new(models, count);

    pool_lock(p);
    pool_settle(p, now_ms);
    enum status st = set_models_locked(p, h, l, now_ms, e);
    bool kept = l->users > 0;

    pool_grant(p);
    pool_unlock(p);
    if (!kept)
        model_list_free(l);
    return st;
}

/* --- grants ---------------------------------------------------------------------------------- */

void pool_on_expired(struct pool *p, void (*fn)(void *peer, int64_t id), void *peer)
{
    pool_lock(p);
    p->on_expired = fn;
    p->on_expired_peer = peer;
    pool_unlock(p);
}

bool pool_renewal(struct pool *p, int64_t id, enum renewal how, int64_t for_ms, int64_t now_ms)
{
    pool_lock(p);
    pool_settle(p, now_ms);
    struct account *acc = account_find(p, id);

    if (acc != NULL) {
        account_renewal(p, acc, how == RENEWAL_RUNS, how == RENEWAL_OVER ? 0 : p->now_ms + for_ms);
        account_file(p, acc);
        pool_grant(p);
    }
    pool_unlock(p);
    return acc != NULL;
}

/* --- fixed account --------------------------------------------------------------------------- */

bool pool_fix(struct pool *p, int64_t id)
{
    pool_lock(p);
    bool found = account_find(p, id) != NULL;

    if (found) {
        p->fixed = id;
        p->freed = true; /* it may draw on the reserve */
        pool_grant(p);
    }
    pool_unlock(p);
    return found;
}

void pool_unfix(struct pool *p)
{
    pool_lock(p);
    p->fixed = 0;
    pool_unlock(p);
}

int64_t pool_fixed(struct pool *p)
{
    pool_lock(p);
    int64_t id = p->fixed;

    pool_unlock(p);
    return id;
}

/* --- bindings -------------------------------------------------------------------------------- */

bool pool_clear_binding(struct pool *p, const struct session_key *session)
{
    pool_lock(p);
    uint32_t row = bindings_find(&p->bindings, session, p->now_ms);

    if (row != BINDING_NONE) {
        bindings_remove(&p->bindings, row);
        p->freed = true; /* who waited for its account may take another */
        pool_grant(p);
    }
    pool_unlock(p);
    return row != BINDING_NONE;
}

void pool_clear_bindings(struct pool *p)
{
    pool_lock(p);
    bindings_remove_all(&p->bindings);
    p->freed = true;
    pool_grant(p);
    pool_unlock(p);
}

void pool_load_binding(struct pool *p, const struct binding *b, int64_t now_ms)
{
    pool_lock(p);
    bindings_load(&p->bindings, b, now_ms);
    pool_unlock(p);
}

size_t pool_take_bindings(struct pool *p, struct binding *out, size_t max, bool *more)
{
    pool_lock(p);
    size_t n = bindings_take(&p->bindings, out, max);

    *more = p->bindings.changed_first != BINDING_NONE;
    pool_unlock(p);
    return n;
}
