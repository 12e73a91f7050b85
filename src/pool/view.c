/* pool/view.c - copies of what the pool knows, for those who show it. Each takes the lock for a
 * few accounts at a time, and calls back without it. */
#include "pool/pool_int.h"

#include "base/url.h"
#include "base/utf8.h"

#define VIEW_BATCH 16    /* accounts copied under one hold of the lock */
#define BINDING_BATCH 64 /* bindings */

void clip_into(char *to, size_t size, struct str text)
{
    text = utf8_clip(text, size - 1);
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    to[text.len] = '\0';
}

static void look_at_lockout(const struct lockout *l, struct str scope, int64_t now_ms,
                            struct account_view *v)
{
    if (!lockout_holds(l, now_ms))
        return;
    if (v->lockout_count < VIEW_LOCKOUTS_MAX) {
        struct lockout_view *to = &v->lockouts[v->lockout_count];

        *to = (struct lockout_view){ .why = l->why,
                                     .since_ms = l->since_ms,
                                     .until_ms = l->until_ms,
                                     .named = l->named,
                                     .failures = l->step + 1,
                                     .status = l->status };
        clip_into(to->scope, sizeof(to->scope), scope);
        clip_into(to->evidence, sizeof(to->evidence), str_c(l->evidence));
    }
    v->lockout_count++;
}

static void look_at_groups(const struct account *acc, int64_t now_ms, struct account_view *v)
{
    for (const struct standing *s = acc->standings; s != NULL; s = s->next) {
        if (s->roster == NULL)
            continue;
        v->groups_locked += lockout_holds(&s->lockout, now_ms);
        look_at_lockout(&s->lockout, roster_group(s->roster), now_ms, v);
        if (quota_remaining(&s->quota, now_ms) < 0)
            continue;
        if (v->quota_count < VIEW_QUOTAS_MAX) {
            struct quota_view *to = &v->quotas[v->quota_count];

            to->quota = s->quota;
            to->said.count = 0;
            if (s->said != NULL)
                to->said = *s->said;
            clip_into(to->group, sizeof(to->group), roster_group(s->roster));
        }
        v->quota_count++;
    }
    for (uint32_t i = 0; i < acc->missing_count; i++) {
        v->groups_locked += lockout_holds(&acc->missing[i].lockout, now_ms);
        look_at_lockout(&acc->missing[i].lockout, missing_name(&acc->missing[i]), now_ms, v);
    }
}

static void show_proxy(struct account_view *v, struct str proxy)
{
    struct buf shown = { .max = proxy.len + 64 };

    if (proxy.len > 0 && url_put_shown(&shown, proxy))
        clip_into(v->proxy, sizeof(v->proxy), buf_str(&shown));
    buf_clear(&shown);
}

static void account_look(const struct pool *p, const struct account *acc, struct account_view *v)
{
    const struct account_spec *spec = acc->config->spec;
    const struct home *home = &p->bindings.homes[acc->home];

    *v = (struct account_view){
        .id = acc->id,
        .tier = spec->tier,
        .disabled = acc->disabled,
        .proxy_disabled = acc->proxy_disabled,
        .from_file = spec->from_file,
        .refused = acc->refused,
        .in_flight = acc->in_flight,
        .concurrency_max = spec->concurrency_max,
        .wires = acc->config->means.wires,
        .names_models = spec->model_count > 0,
        .models = (uint32_t)(spec->model_count > 0 ? spec->model_count
                             : acc->listed != NULL ? acc->listed->count
                                                   : 0),
        .models_seen_ms = spec->model_count > 0 ? 0 : acc->listed_ms,
        .sessions = home->bound,
        .sessions_live = home->live,
        .served = acc->served,
        .failed = acc->failed,
        .created_unix_ms = spec->created_unix_ms,
    };
    clip_into(v->label, sizeof(v->label), spec->label);
    clip_into(v->provider, sizeof(v->provider), spec->provider);
    show_proxy(v, spec->proxy);
    v->signed_in = account_has_grant(spec);
    v->grant_lost = spec->grant.lost;
    v->renews = !secret_is_empty(&spec->grant.refresh);
    v->lacks_client = acc->config->means.lacks_client;
    clip_into(v->imported_from, sizeof(v->imported_from), spec->grant.source);
    v->expires_unix_ms = spec->grant.expires_unix_ms;
    clip_into(v->email, sizeof(v->email), spec->grant.email);
    clip_into(v->plan, sizeof(v->plan), spec->grant.plan);
    clip_into(v->disabled_reason, sizeof(v->disabled_reason), str_c(acc->disabled_reason));
    if (lockout_holds(&acc->lockout, p->now_ms)) {
        v->locked_until_ms = acc->lockout.until_ms;
        v->locked_why = acc->lockout.why;
    }
    look_at_lockout(&acc->lockout, STR("account"), p->now_ms, v);
    look_at_lockout(&acc->renewal, STR("account"), p->now_ms, v);
    if (acc->cohort->host != NULL)
        look_at_lockout(&acc->cohort->host->lockout, STR("host"), p->now_ms, v);
    look_at_groups(acc, p->now_ms, v);
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
        pool_settle(p, now_ms);
        for (uint32_t i = slot_behind(p, created, order); i < p->count && n < VIEW_BATCH; i++) {
            account_look(p, p->slots[i].account, &views[n++]);
            created = p->slots[i].account->created_unix_ms;
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

bool pool_find(struct pool *p, struct str id_or_label, int64_t now_ms, struct account_view *v)
{
    int64_t id;

    pool_lock(p);
    pool_settle(p, now_ms);
    const struct account *acc = account_labelled(p, id_or_label);

    if (acc == NULL && str_to_i64(id_or_label, &id))
        acc = account_find(p, id);
    if (acc != NULL)
        account_look(p, acc, v);
    pool_unlock(p);
    return acc != NULL;
}

static bool account_in_use(const struct account *acc)
{
    return !acc->disabled && !acc->proxy_disabled;
}

uint32_t pool_active(struct pool *p, int64_t now_ms)
{
    uint32_t active = 0;

    pool_lock(p);
    pool_settle(p, now_ms);
    for (uint32_t i = 0; i < p->count; i++) {
        const struct account *acc = p->slots[i].account;

        if (!acc->disabled && !lockout_holds(&acc->lockout, p->now_ms) &&
            !lockout_holds(&acc->renewal, p->now_ms))
            active++;
    }
    pool_unlock(p);
    return active;
}

uint32_t pool_bindings(struct pool *p, int64_t now_ms)
{
    pool_lock(p);
    pool_settle(p, now_ms);
    uint32_t count = p->bindings.count;

    pool_unlock(p);
    return count;
}

void pool_each_binding(struct pool *p, int64_t now_ms,
                       void (*fn)(void *peer, const struct binding *b), void *peer)
{
    struct binding batch[BINDING_BATCH];
    uint32_t row = 0;
    bool more = true;

    while (more) {
        uint32_t n = 0;

        pool_lock(p);
        pool_settle(p, now_ms);
        for (uint32_t last = row + 16 * BINDING_BATCH;
             row < p->bindings.rows && row < last && n < BINDING_BATCH; row++) {
            const struct binding_row *r = bindings_row(&p->bindings, row);
            const struct home *home = &p->bindings.homes[r->home];

            if (!r->is_dead && home->account != NULL)
                batch[n++] = (struct binding){ r->session, home->id, r->used_ms };
        }
        more = row < p->bindings.rows;
        pool_unlock(p);
        for (uint32_t i = 0; i < n; i++)
            fn(peer, &batch[i]);
    }
}

/* What accounts of one cohort offer, held while it is told. */
struct offer {
    struct account_config *config; /* of one of them */
    struct model_list *listed;
};

static bool spec_names(const struct account_spec *spec, struct str model)
{
    for (size_t i = 0; i < spec->model_count; i++)
        if (str_matches(model, spec->models[i]))
            return true;
    return false;
}

static void offer_tell(const struct offer *o, void (*fn)(void *peer, const struct offered_model *m),
                       void *peer)
{
    const struct account_spec *spec = o->config->spec;
    struct offered_model m = { .provider = spec->provider, .wires = o->config->means.wires };

    for (size_t i = 0; i < spec->model_count; i++) {
        m.pattern = spec->models[i];
        fn(peer, &m);
    }
    for (size_t i = 0; o->listed != NULL && i < o->listed->count; i++) {
        m.listed = &o->listed->models[i];
        m.pattern = m.listed->id;
        if (spec->model_count == 0 || spec_names(spec, m.pattern))
            fn(peer, &m);
    }
    if (spec->model_count == 0 && (o->listed == NULL || o->listed->count == 0)) {
        m.pattern = STR("*");
        fn(peer, &m);
    }
}

bool pool_offers(struct pool *p, struct str model, struct str provider, struct str account)
{
    const struct pick_ask ask = { .model = model, .wires = UINT32_MAX, .provider = provider };
    bool found = false;

    pool_lock(p);
    const struct account *named = account.len > 0 ? account_labelled(p, account) : NULL;

    if (named != NULL)
        found = account_in_use(named) && cohort_offers(named->cohort, &ask);
    for (const struct cohort *c = account.len > 0 ? NULL : p->cohorts; c != NULL && !found;
         c = c->next)
        for (const struct account *acc = cohort_offers(c, &ask) ? c->accounts : NULL;
             acc != NULL && !found; acc = acc->next)
            found = account_in_use(acc);
    pool_unlock(p);
    return found;
}

void pool_each_model(struct pool *p, void (*fn)(void *peer, const struct offered_model *m),
                     void *peer)
{
    struct account_config *dead[VIEW_BATCH];
    struct offer held[VIEW_BATCH];
    int64_t created = INT64_MIN;
    uint64_t order = 0, walk = 0;

    for (;;) {
        uint32_t n = 0, used = 0;

        pool_lock(p);
        walk = walk == 0 ? ++p->walks : walk;
        for (uint32_t i = slot_behind(p, created, order); i < p->count && n < VIEW_BATCH;
             i++, n++) {
            struct account *acc = p->slots[i].account;

            created = acc->config->spec->created_unix_ms;
            order = acc->order;
            if (!account_in_use(acc) || acc->cohort->told == walk)
                continue;
            acc->cohort->told = walk;
            acc->config->users++; /* so that its slices live while they are shown */
            held[used++] = (struct offer){ acc->config, list_use(acc->listed) };
        }
        pool_unlock(p);

        for (uint32_t i = 0; i < used; i++)
            offer_tell(&held[i], fn, peer);

        pool_lock(p);
        for (uint32_t i = 0; i < used; i++) {
            dead[i] = config_release(held[i].config);
            list_release(p, held[i].listed);
        }
        pool_unlock(p);
        for (uint32_t i = 0; i < used; i++)
            config_free(dead[i]);
        if (n < VIEW_BATCH)
            return;
    }
}
