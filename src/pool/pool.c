/* pool/pool.c - the table of accounts, its one lock, and what the verdicts do to it.
 *
 * Each function locks once, does its work on memory that is already there, and unlocks; what has to
 * be freed, logged or told is put aside under the lock and done after it. */
#include "pool/pool_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/utf8.h"

#define LABEL_MAX 128
#define VIEW_BATCH 16 /* accounts copied under one hold of the lock */

static const char *const mode_words[] = {
    [MODE_BALANCE] = "Balance",
    [MODE_CACHE_FIRST] = "CacheFirst",
    [MODE_PERFORMANCE_FIRST] = "PerformanceFirst",
};

const char *pool_mode_word(enum pool_mode mode)
{
    assert(mode < COUNT(mode_words));
    return mode_words[mode];
}

bool pool_mode_from_word(struct str word, enum pool_mode *mode)
{
    for (unsigned i = 0; i < COUNT(mode_words); i++)
        if (str_eq(str_c(mode_words[i]), word)) {
            *mode = (enum pool_mode)i;
            return true;
        }
    return false;
}

static void pool_lock(struct pool *p)
{
    int failed = pthread_mutex_lock(&p->lock);

    assert(failed == 0);
}

static void pool_unlock(struct pool *p)
{
    int failed = pthread_mutex_unlock(&p->lock);

    assert(failed == 0);
}

/* --- configurations -------------------------------------------------------------------------- */

/* Lets go of a use, under the lock. Gives what must be freed behind it, or NULL. */
static struct account_config *config_release(struct account_config *c)
{
    assert(c->users > 0);
    c->users--;
    return c->users == 0 ? c : NULL;
}

static void config_free(struct account_config *c)
{
    if (c == NULL)
        return;
    assert(c->users == 0);
    if (c->upstream_free != NULL)
        c->upstream_free(c->upstream);
    account_spec_free(c->spec);
    free(c);
}

static bool same_credential(const struct account_spec *a, const struct account_spec *b)
{
    return str_eq(a->provider, b->provider) && str_eq(a->wire, b->wire) &&
           str_eq(a->base_url, b->base_url) &&
           equal_in_constant_time(secret_reveal(&a->api_key), secret_reveal(&b->api_key));
}

/* --- the table ------------------------------------------------------------------------------- */

static uint64_t label_hash(struct str label)
{
    uint64_t h =
        UINT64_C(0xcbf29ce484222325); /* FNV-1a: labels are the operator's, not a client's */

    for (size_t i = 0; i < label.len; i++)
        h = (h ^ (uint8_t)label.at[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* Position of the id, or `count`. */
static uint32_t slot_by_id(const struct pool *p, int64_t id)
{
    uint32_t i = 0;

    while (i < p->count && p->slots[i].id != id)
        i++;
    return i;
}

static struct account *account_find(const struct pool *p, int64_t id)
{
    uint32_t i = slot_by_id(p, id);

    return i < p->count ? p->slots[i].account : NULL;
}

static bool label_is_taken(const struct pool *p, struct str label, int64_t but_by)
{
    uint64_t hash = label_hash(label);

    for (uint32_t i = 0; i < p->count; i++) {
        const struct pool_slot *s = &p->slots[i];

        if (s->label_hash == hash && s->id != but_by &&
            str_eq(s->account->config->spec->label, label))
            return true;
    }
    return false;
}

/* Is the account of this place in the order at or before (created, order)? */
static bool slot_before(const struct pool_slot *s, int64_t created, uint64_t order)
{
    int64_t own = s->account->config->spec->created_unix_ms;

    return own < created || (own == created && s->account->order <= order);
}

/* The first position behind (created, order). */
static uint32_t slot_behind(const struct pool *p, int64_t created, uint64_t order)
{
    uint32_t low = 0, high = p->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (slot_before(&p->slots[mid], created, order))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void slot_remove(struct pool *p, uint32_t at)
{
    assert(at < p->count);
    p->count--;
    memmove(p->slots + at, p->slots + at + 1, sizeof(*p->slots) * (p->count - at));
}

static void slot_insert(struct pool *p, struct account *acc)
{
    const struct account_spec *spec = acc->config->spec;
    uint32_t at = slot_behind(p, spec->created_unix_ms, acc->order);

    if (p->count == p->cap) {
        p->cap = p->cap == 0 ? 16 : p->cap * 2;
        p->slots = must_realloc(p->slots, sizeof(*p->slots) * p->cap);
    }
    memmove(p->slots + at + 1, p->slots + at, sizeof(*p->slots) * (p->count - at));
    p->slots[at] = (struct pool_slot){ acc->id, label_hash(spec->label), acc };
    p->count++;
}

static void account_free(struct account *acc)
{
    if (acc == NULL)
        return;
    assert(acc->in_flight == 0);
    free(acc->groups);
    free(acc);
}

static void account_set_reason(struct account *acc, struct str reason)
{
    reason = utf8_clip(reason, sizeof(acc->disabled_reason) - 1);
    memcpy(acc->disabled_reason, reason.at, reason.len);
    acc->disabled_reason[reason.len] = '\0';
}

static void account_forget_lockouts(struct account *acc)
{
    acc->lockout = (struct lockout){ .why = VERDICT_NONE };
    acc->group_count = 0;
}

/* --- life ------------------------------------------------------------------------------------ */

struct pool *pool_new(const struct pool_options *options)
{
    struct pool *p = must_calloc(1, sizeof(*p));
    int failed = pthread_mutex_init(&p->lock, NULL);

    assert(failed == 0);
    p->options = *options;
    return p;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    assert(p->leases == 0);
    for (uint32_t i = 0; i < p->count; i++) {
        struct account *acc = p->slots[i].account;

        config_free(config_release(acc->config));
        account_free(acc);
    }
    free(p->slots);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void pool_set_options(struct pool *p, const struct pool_options *options)
{
    pool_lock(p);
    p->options = *options;
    pool_unlock(p);
}

struct pool_options pool_get_options(struct pool *p)
{
    pool_lock(p);
    struct pool_options options = p->options;
    pool_unlock(p);
    return options;
}

void pool_on_free(struct pool *p, void (*fn)(void *peer), void *peer)
{
    pool_lock(p);
    assert(p->waker_count < POOL_WORKERS_MAX);
    p->wakers[p->waker_count].fn = fn;
    p->wakers[p->waker_count].peer = peer;
    p->waker_count++;
    pool_unlock(p);
}

/* Under the lock. */
static void pool_wake(struct pool *p)
{
    for (uint32_t i = 0; i < p->waker_count; i++)
        p->wakers[i].fn(p->wakers[i].peer);
}

/* --- accounts come, change and go --------------------------------------------------------------
 */

/* Under the lock: gives the account its (first or next) configuration. */
static struct account_config *account_configure(struct account *acc, struct account_config *config)
{
    struct account_config *old = acc->config;
    bool fresh = old == NULL || !same_credential(old->spec, config->spec);

    config->users = 1;
    config->credential = old == NULL ? 0 : old->credential + (fresh ? 1 : 0);
    acc->config = config;
    if (fresh) {
        account_forget_lockouts(acc);
        acc->refused = false;
    }
    acc->proxy_disabled = config->spec->proxy_disabled;
    if (!acc->refused || config->spec->disabled) {
        acc->refused = false;
        acc->disabled = config->spec->disabled;
        account_set_reason(acc, config->spec->disabled_reason);
    }
    return old == NULL ? NULL : config_release(old);
}

static enum status pool_put_locked(struct pool *p, struct account_config *config,
                                   struct account_config **dead, struct error *e)
{
    const struct account_spec *spec = config->spec;
    uint32_t at = slot_by_id(p, spec->id);
    struct account *acc = at < p->count ? p->slots[at].account : NULL;

    if (label_is_taken(p, spec->label, spec->id))
        return fail(e, E_CONFLICT, "another account has the label %.*s", STR_ARG(spec->label));
    if (acc == NULL && p->count >= POOL_ACCOUNTS_MAX)
        return fail(e, E_LIMIT, "there are already %d accounts", POOL_ACCOUNTS_MAX);
    if (acc == NULL) {
        acc = must_calloc(1, sizeof(*acc));
        acc->id = spec->id;
        acc->order = ++p->inserted;
    } else {
        slot_remove(p, at); /* while the old configuration, by which it is sorted, still stands */
    }
    *dead = account_configure(acc, config);
    slot_insert(p, acc);
    pool_wake(p);
    return OK;
}

enum status pool_put(struct pool *p, const struct account_spec *spec,
                     const struct account_means *means, struct error *e)
{
    struct account_config *config = must_calloc(1, sizeof(*config)), *dead = NULL;
    enum status st = OK;

    config->spec = account_spec_copy(spec);
    config->wires = means->wires;
    config->upstream = means->upstream;
    config->upstream_free = means->upstream_free;
    if (spec->label.len == 0 || spec->label.len > LABEL_MAX) {
        st = fail(e, E_SYNTAX, "label: 1 to %d bytes are wanted", LABEL_MAX);
    } else {
        pool_lock(p);
        st = pool_put_locked(p, config, &dead, e);
        pool_unlock(p);
    }
    config_free(st == OK ? dead : config);
    return st;
}

bool pool_remove(struct pool *p, int64_t id)
{
    struct account_config *dead = NULL;
    struct account *gone = NULL;

    pool_lock(p);
    uint32_t at = slot_by_id(p, id);
    bool found = at < p->count;

    if (found) {
        struct account *acc = p->slots[at].account;

        slot_remove(p, at);
        acc->removed = true;
        dead = config_release(acc->config);
        gone = acc->in_flight == 0 ? acc : NULL;
    }
    pool_unlock(p);
    config_free(dead);
    account_free(gone);
    return found;
}

bool pool_set_flags(struct pool *p, int64_t id, bool disabled, bool proxy_disabled,
                    struct str reason)
{
    pool_lock(p);
    struct account *acc = account_find(p, id);

    if (acc != NULL) {
        acc->disabled = disabled;
        acc->proxy_disabled = proxy_disabled;
        acc->refused = false;
        account_set_reason(acc, reason);
        if (!disabled && !proxy_disabled)
            pool_wake(p);
    }
    pool_unlock(p);
    return acc != NULL;
}

bool pool_clear_lockouts(struct pool *p, int64_t id)
{
    pool_lock(p);
    struct account *acc = account_find(p, id);

    if (acc != NULL) {
        account_forget_lockouts(acc);
        pool_wake(p);
    }
    pool_unlock(p);
    return acc != NULL;
}

/* --- leases ---------------------------------------------------------------------------------- */

static void lease_take(struct lease *l, struct account *acc, struct str model, int64_t now_ms)
{
    struct str label = acc->config->spec->label;
    struct str group = group_name(model);

    acc->in_flight++;
    acc->config->users++;
    l->account = acc;
    l->config = acc->config;
    l->upstream = acc->config->upstream;
    l->account_id = acc->id;
    l->wires = acc->config->wires;
    l->taken_ms = now_ms;
    memcpy(l->label, label.at, label.len);
    l->label[label.len] = '\0';
    if (group.len > 0)
        memcpy(l->group, group.at, group.len);
    l->group_len = (uint8_t)group.len;
}

bool pool_lease(struct pool *p, const struct pick_ask *ask, int64_t now_ms, struct lease *l,
                struct pick *why)
{
    pool_lock(p);
    struct account *acc = pool_pick(p, ask, now_ms, why);

    l->account = NULL;
    if (acc != NULL) {
        acc->picked = ++p->turn;
        p->leases++;
        lease_take(l, acc, ask->model, now_ms);
    }
    pool_unlock(p);
    return acc != NULL;
}

/* The place for a new group: a free one, else that of the group whose lockout ends first. */
static struct group_lockout *group_make(struct account *acc, struct str group)
{
    struct group_lockout *g = NULL;

    if (acc->groups == NULL)
        acc->groups = must_calloc(GROUP_LOCKOUTS_MAX, sizeof(*acc->groups));
    if (acc->group_count < GROUP_LOCKOUTS_MAX) {
        g = &acc->groups[acc->group_count++];
    } else {
        g = &acc->groups[0];
        for (uint32_t i = 1; i < acc->group_count; i++)
            if (acc->groups[i].lockout.until_ms < g->lockout.until_ms)
                g = &acc->groups[i];
    }
    *g = (struct group_lockout){ .len = (uint8_t)group.len };
    memcpy(g->name, group.at, group.len);
    return g;
}

static void account_fail(struct account *acc, const struct lease *l, const struct verdict *v,
                         int64_t now_ms)
{
    struct str group = { l->group, l->group_len };
    enum lockout_scope scope = lockout_scope(v);
    struct lockout *lockout = &acc->lockout;

    acc->failed++;
    if (v->kind == VERDICT_AUTH_INVALID && !acc->disabled) {
        char text[160];
        int len = snprintf(text, sizeof(text), "%s (status %d)", verdict_text(v->kind), v->status);

        acc->disabled = acc->refused = true;
        account_set_reason(acc, (struct str){ text, (size_t)len });
    }
    if (scope == LOCKOUT_NOBODY)
        return;
    if (scope == LOCKOUT_GROUP && group.len > 0) {
        lockout = account_group(acc, group);
        if (lockout == NULL)
            lockout = &group_make(acc, group)->lockout;
    }
    lockout_extend(lockout, v, l->taken_ms, now_ms);
}

/* True when the account became free by it. */
static bool account_succeed(struct account *acc, const struct lease *l, int64_t now_ms)
{
    struct lockout *group = account_group(acc, (struct str){ l->group, l->group_len });
    bool freed = lockout_disprove(&acc->lockout, l->taken_ms, now_ms);

    acc->served++;
    if (group != NULL && lockout_disprove(group, l->taken_ms, now_ms))
        freed = true;
    return freed;
}

/* What the verdict teaches the account. True when it may have become free. */
static bool account_learn(struct account *acc, const struct lease *l, const struct verdict *v,
                          int64_t now_ms)
{
    if (l->config->credential != acc->config->credential)
        return false; /* the verdict is on a credential that is gone */

    switch (v->kind) {
    case VERDICT_SUCCESS:
        return account_succeed(acc, l, now_ms);
    case VERDICT_RATE_LIMITED:
    case VERDICT_QUOTA_EXHAUSTED:
    case VERDICT_CAPACITY:
    case VERDICT_SERVER_ERROR:
    case VERDICT_TIMEOUT:
    case VERDICT_NETWORK:
    case VERDICT_AUTH_EXPIRED:
    case VERDICT_AUTH_INVALID:
    case VERDICT_FORBIDDEN:
    case VERDICT_NEEDS_ACTION:
    case VERDICT_MODEL_MISSING:
        account_fail(acc, l, v, now_ms);
        return false;
    case VERDICT_NONE: /* from here on: nothing about the account */
    case VERDICT_REPAIRABLE:
    case VERDICT_CLIENT_FAULT:
    case VERDICT_TOO_LONG:
    case VERDICT_BLOCKED:
    case VERDICT_CLIENT_LEFT:
    case VERDICT_KINDS:
        return false;
    }
    return false;
}

void lease_return(struct pool *p, struct lease *l, const struct verdict *v, int64_t now_ms)
{
    struct account *acc = l->account, *gone = NULL;

    assert(acc != NULL);
    pool_lock(p);
    assert(p->leases > 0 && acc->in_flight > 0);
    uint32_t most = acc->removed ? 0 : acc->config->spec->concurrency_max;
    bool was_disabled = acc->disabled;
    bool wake = most > 0 && acc->in_flight == most;

    p->leases--;
    acc->in_flight--;
    if (!acc->removed && account_learn(acc, l, v, now_ms))
        wake = true;
    bool refused = acc->disabled && !was_disabled;
    struct account_config *dead = config_release(l->config);

    if (acc->removed && acc->in_flight == 0)
        gone = acc;
    if (wake)
        pool_wake(p);
    pool_unlock(p);

    if (refused)
        log_warn("account disabled: its credential is refused", F_C("account", l->label),
                 F_INT("status", v->status));
    config_free(dead);
    account_free(gone);
    l->account = NULL;
    l->config = NULL;
    l->upstream = NULL;
}

/* --- copies for others -------------------------------------------------------------------------
 */

static void clip_into(char *to, size_t size, struct str text)
{
    text = utf8_clip(text, size - 1);
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    to[text.len] = '\0';
}

static void account_look(const struct account *acc, int64_t now_ms, struct account_view *v)
{
    const struct account_spec *spec = acc->config->spec;

    *v = (struct account_view){
        .id = acc->id,
        .tier = spec->tier,
        .disabled = acc->disabled,
        .proxy_disabled = acc->proxy_disabled,
        .from_file = spec->from_file,
        .in_flight = acc->in_flight,
        .concurrency_max = spec->concurrency_max,
        .wires = acc->config->wires,
        .served = acc->served,
        .failed = acc->failed,
        .created_unix_ms = spec->created_unix_ms,
    };
    clip_into(v->label, sizeof(v->label), spec->label);
    clip_into(v->provider, sizeof(v->provider), spec->provider);
    clip_into(v->disabled_reason, sizeof(v->disabled_reason), str_c(acc->disabled_reason));
    if (lockout_holds(&acc->lockout, now_ms)) {
        v->locked_until_ms = acc->lockout.until_ms;
        v->locked_why = acc->lockout.why;
    }
    for (uint32_t i = 0; i < acc->group_count; i++)
        if (lockout_holds(&acc->groups[i].lockout, now_ms))
            v->groups_locked++;
}

size_t pool_each(struct pool *p, int64_t now_ms,
                 void (*fn)(void *peer, const struct account_view *v), void *peer)
{
    struct account_view views[VIEW_BATCH];
    int64_t created = INT64_MIN; /* where the walk stands: behind this place in the order */
    uint64_t order = 0;
    size_t total = 0;

    for (;;) {
        uint32_t n = 0;

        pool_lock(p);
        for (uint32_t i = slot_behind(p, created, order); i < p->count && n < VIEW_BATCH; i++) {
            account_look(p->slots[i].account, now_ms, &views[n++]);
            created = p->slots[i].account->config->spec->created_unix_ms;
            order = p->slots[i].account->order;
        }
        pool_unlock(p);
        for (uint32_t i = 0; i < n; i++)
            fn(peer, &views[i]);
        total += n;
        if (n < VIEW_BATCH)
            return total;
    }
}

static bool account_in_use(const struct account *acc)
{
    return !acc->disabled && !acc->proxy_disabled;
}

uint32_t pool_active(struct pool *p, int64_t now_ms)
{
    uint32_t active = 0;

    pool_lock(p);
    for (uint32_t i = 0; i < p->count; i++) {
        const struct account *acc = p->slots[i].account;

        if (!acc->disabled && !lockout_holds(&acc->lockout, now_ms))
            active++;
    }
    pool_unlock(p);
    return active;
}

void pool_each_model(struct pool *p,
                     void (*fn)(void *peer, struct str pattern, struct str provider,
                                uint32_t wires),
                     void *peer)
{
    struct account_config *held[VIEW_BATCH], *dead[VIEW_BATCH];
    int64_t created = INT64_MIN;
    uint64_t order = 0;

    for (;;) {
        uint32_t n = 0, used = 0;

        pool_lock(p);
        for (uint32_t i = slot_behind(p, created, order); i < p->count && n < VIEW_BATCH;
             i++, n++) {
            struct account *acc = p->slots[i].account;

            created = acc->config->spec->created_unix_ms;
            order = acc->order;
            if (!account_in_use(acc))
                continue;
            acc->config->users++; /* so that its slices live while they are shown */
            held[used++] = acc->config;
        }
        pool_unlock(p);

        for (uint32_t i = 0; i < used; i++)
            for (size_t k = 0; k < held[i]->spec->model_count; k++)
                fn(peer, held[i]->spec->models[k], held[i]->spec->provider, held[i]->wires);

        pool_lock(p);
        for (uint32_t i = 0; i < used; i++)
            dead[i] = config_release(held[i]);
        pool_unlock(p);
        for (uint32_t i = 0; i < used; i++)
            config_free(dead[i]);
        if (n < VIEW_BATCH)
            return;
    }
}
