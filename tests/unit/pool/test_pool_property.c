/* Random pools, faults and clocks against what the scheduler promises. The oracle is written the
 * slow, plain way: it looks at every account for itself, and knows nothing of rosters, orders and
 * heaps; so it also proves that these are always up to date. */
#include <stdlib.h>

#include "rig.h"

#define ACCOUNTS 12
#define LEASES 24
#define SESSIONS 10
#define STEPS 100000
#define CHAOS_STEPS 3000 /* of each small world */

static const char *const models[] = { "alpha", "beta", "gamma-pro", "gamma-mini" };
static struct str patterns[] = { { "alpha", 5 }, { "gamma*", 6 }, { "*", 1 } };
static const char *const providers[] = { "east", "west" };
static const char *const hosts[] = { "", "one", "two" };
static const struct str watched[] = { { "gamma", 5 } };

/* alpha and beta share an allowance; the others have their own */
static struct str shared_group(struct str model)
{
    return str_eq(model, STR("alpha")) || str_eq(model, STR("beta")) ? STR("letters") : model;
}

struct world {
    struct pool *pool;
    struct lease leases[LEASES];
    bool bound_before[LEASES];
    uint32_t held;
    int64_t now_ms;
    int64_t tried[PICK_TRIED_MAX];
    int released, made;
    uint64_t passed_by[ACCOUNTS + 1][COUNT(models)]; /* usable turns that went to its equals */
    int step;
};

static void release(void *upstream)
{
    ++*(int *)upstream;
}

static bool one_in(struct test *t, uint64_t n)
{
    return test_below(t, n) == 0;
}

static void fair_again(struct world *w)
{
    memset(w->passed_by, 0, sizeof(w->passed_by));
}

static void world_put(struct test *t, struct world *w, int64_t id)
{
    char label[8];

    snprintf(label, sizeof(label), "a%d", (int)id);
    struct account_spec spec = rig_spec(id, label);

    spec.tier = (enum tier)test_below(t, 3);
    spec.concurrency_max = (uint32_t)test_below(t, 4);
    spec.created_unix_ms = (int64_t)test_below(t, 3);
    spec.disabled = one_in(t, 10);
    spec.proxy_disabled = one_in(t, 10);
    spec.provider = str_c(providers[test_below(t, 2)]);
    spec.api_key = secret_copy(str_c(one_in(t, 4) ? "other" : "key"));
    if (one_in(t, 2)) {
        spec.models = patterns + test_below(t, 3);
        spec.model_count = 1;
    }
    w->made++;
    CHECK_INT(pool_put(w->pool, &spec,
                       &(struct account_means){ .wires = one_in(t, 8) ? 0x10 : CHAT,
                                                .upstream = &w->released,
                                                .upstream_free = release,
                                                .host = str_c(hosts[test_below(t, 3)]),
                                                .group = one_in(t, 2) ? shared_group : NULL },
                       NULL),
              OK);
    secret_clear(&spec.api_key);
    fair_again(w);
}

/* --- the oracle: every account for itself ---------------------------------------------------- */

static bool holds(const struct lockout *l, int64_t now_ms)
{
    return l->why != VERDICT_NONE && l->until_ms > now_ms;
}

static const struct standing *stand(const struct account *acc, struct str model)
{
    struct str group = acc->config->means.group != NULL ? acc->config->means.group(model) : model;

    for (const struct standing *s = acc->standings; s != NULL; s = s->next)
        if (s->roster != NULL && str_eq(roster_group(s->roster), group))
            return s;
    return NULL;
}

static bool offers(const struct account *acc, const struct pick_ask *ask)
{
    const struct account_spec *spec = acc->config->spec;

    return (acc->config->means.wires & ask->wires) != 0 &&
           (ask->provider.len == 0 || str_eq(ask->provider, spec->provider)) &&
           (spec->model_count == 0 || str_matches(ask->model, spec->models[0]));
}

static int64_t later(int64_t a, const struct lockout *l, int64_t now_ms)
{
    return holds(l, now_ms) && l->until_ms > a ? l->until_ms : a;
}

static int64_t locked_until(const struct account *acc, const struct pick_ask *ask, int64_t now_ms)
{
    const struct standing *s = stand(acc, ask->model);
    int64_t at = later(0, &acc->lockout, now_ms);

    if (s != NULL)
        at = later(at, &s->lockout, now_ms);
    if (acc->cohort->host != NULL && acc->id != ask->again && !ask->defies_hosts)
        at = later(at, &acc->cohort->host->lockout, now_ms);
    for (uint32_t i = 0; i < acc->missing_count; i++)
        if (str_eq(missing_name(&acc->missing[i]), ask->model))
            at = later(at, &acc->missing[i].lockout, now_ms);
    return at;
}

static int32_t remaining(const struct account *acc, struct str model, int64_t now_ms)
{
    const struct standing *s = stand(acc, model);

    if (s == NULL || (s->quota.reset_ms != 0 && s->quota.reset_ms <= now_ms))
        return -1;
    return s->quota.remaining_permille;
}

static bool in_list(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i], name))
            return true;
    return false;
}

static bool has_other(const struct world *w, const struct pick_ask *ask)
{
    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;
        struct str provider = acc->config->spec->provider;

        if (offers(acc, ask) && !in_list(provider, ask->convicted, ask->convicted_count) &&
            !in_list(provider, ask->spent, ask->spent_count))
            return true;
    }
    return false;
}

static uint32_t count_offering(const struct world *w, const struct pick_ask *ask)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;

        n += offers(acc, ask) && !acc->proxy_disabled && (!acc->disabled || acc->refused);
    }
    return n;
}

static enum skip oracle_skip(const struct world *w, const struct account *acc,
                             const struct pick_ask *ask, bool draws)
{
    const struct pool_options *o = &w->pool->options;
    const struct account_spec *spec = acc->config->spec;
    int32_t left = remaining(acc, ask->model, w->now_ms);

    if (acc->disabled)
        return SKIP_DISABLED;
    if (acc->proxy_disabled)
        return SKIP_PROXY_DISABLED;
    if (!offers(acc, ask))
        return SKIP_NO_MODEL;
    for (size_t i = 0; i < ask->tried_count; i++)
        if (ask->tried[i] == acc->id)
            return SKIP_TRIED;
    if (in_list(spec->provider, ask->convicted, ask->convicted_count) ||
        (in_list(spec->provider, ask->spent, ask->spent_count) && has_other(w, ask)))
        return SKIP_TRIED;
    if (locked_until(acc, ask, w->now_ms) > 0)
        return SKIP_LOCKED_OUT;
    if (o->quota_reserve_percent > 0 && !draws && !ask->spends_reserve && left >= 0 &&
        left <= o->quota_reserve_percent * 10 && count_offering(w, ask) > 1)
        return SKIP_RESERVE;
    if (left >= 0 && left < o->protection_percent * 10 && str_starts(ask->model, STR("gamma")))
        return SKIP_PROTECTED;
    if (spec->concurrency_max > 0 && acc->in_flight >= spec->concurrency_max)
        return SKIP_BUSY;
    return SKIP_NONE;
}

static int step_of(int32_t permille)
{
    return permille < 0 ? 10 : permille >= 900 ? 0 : 9 - permille / 100;
}

/* Less than 0: `a` comes first. */
static int oracle_compare(const struct world *w, const struct account *a, const struct account *b,
                          struct str model)
{
    const struct pool_options *o = &w->pool->options;
    const struct standing *sa = stand(a, model), *sb = stand(b, model);
    int32_t la = remaining(a, model, w->now_ms), lb = remaining(b, model, w->now_ms);

    if (a->config->spec->tier != b->config->spec->tier)
        return a->config->spec->tier > b->config->spec->tier ? -1 : 1;
    if (o->mode == MODE_PERFORMANCE_FIRST && a->in_flight != b->in_flight)
        return a->in_flight < b->in_flight ? -1 : 1;
    if (o->optimize_quota_sorting && step_of(la) != step_of(lb))
        return step_of(la) < step_of(lb) ? -1 : 1;
    if (sa->picked_last != sb->picked_last)
        return sa->picked_last < sb->picked_last ? -1 : 1;
    if (la != lb)
        return la > lb ? -1 : 1;
    if (a->config->spec->created_unix_ms != b->config->spec->created_unix_ms)
        return a->config->spec->created_unix_ms < b->config->spec->created_unix_ms ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static const struct account *oracle_order(const struct world *w, const struct pick_ask *ask,
                                          bool last)
{
    const struct account *best = NULL;

    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;
        bool is_last =
            acc->cohort->family->marked_until_ms > w->now_ms ||
            (acc->cohort->host != NULL && holds(&acc->cohort->host->lockout, w->now_ms)) ||
            (ask->avoid.len > 0 && str_eq(ask->avoid, acc->config->spec->provider));

        if (is_last == last && oracle_skip(w, acc, ask, false) == SKIP_NONE &&
            (best == NULL || oracle_compare(w, acc, best, ask->model) < 0))
            best = acc;
    }
    return best;
}

static bool oracle_herded(const struct world *w, const struct account *recent,
                          const struct pick_ask *ask)
{
    const struct home *homes = w->pool->bindings.homes;

    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;

        if (acc->config->spec->tier == recent->config->spec->tier &&
            oracle_skip(w, acc, ask, false) == SKIP_NONE &&
            homes[acc->home].live < homes[recent->home].live)
            return true;
    }
    return false;
}

struct verdict_of_oracle {
    const struct account *account; /* NULL: nobody, or somebody who is probed */
    enum pick_reason reason;
    bool awaits;
};

static struct verdict_of_oracle oracle_pick(const struct world *w, const struct pick_ask *ask)
{
    struct pool *p = w->pool;
    bool cached = p->options.mode != MODE_PERFORMANCE_FIRST, unbound = true;
    const struct account *acc = account_find(p, ask->again);
    enum pick_reason by_order = count_offering(w, ask) == 1 ? PICK_ONLY : PICK_ROUND_ROBIN;
    uint32_t row =
        ask->has_session ? bindings_find(&p->bindings, &ask->session, w->now_ms) : BINDING_NONE;
    const struct account *bound =
        row == BINDING_NONE ? NULL
                            : p->bindings.homes[bindings_row(&p->bindings, row)->home].account;

    if (ask->again != 0 && acc != NULL && oracle_skip(w, acc, ask, false) == SKIP_NONE)
        return (struct verdict_of_oracle){ acc,
                                           acc->id == p->fixed      ? PICK_FIXED
                                           : cached && acc == bound ? PICK_STICKY
                                                                    : by_order,
                                           false };
    acc = account_find(p, p->fixed);
    if (p->fixed != 0 && acc != NULL && oracle_skip(w, acc, ask, true) == SKIP_NONE)
        return (struct verdict_of_oracle){ acc, PICK_FIXED, false };
    acc = bound;
    if (cached && acc != NULL) {
        enum skip why = oracle_skip(w, acc, ask, false);
        int64_t until_ms = why == SKIP_LOCKED_OUT ? locked_until(acc, ask, w->now_ms)
                           : why == SKIP_RESERVE || why == SKIP_PROTECTED
                               ? stand(acc, ask->model)->quota.reset_ms
                               : 0;

        if (acc->config->spec->concurrency_max > 0 && why != SKIP_LOCKED_OUT &&
            acc->in_flight >= acc->config->spec->concurrency_max && why != SKIP_BUSY)
            until_ms = 0; /* nobody knows how busy it will be */
        unbound = false;
        if (!ask->force_rotate && why == SKIP_NONE)
            return (struct verdict_of_oracle){ acc, PICK_STICKY, false };
        if (!ask->force_rotate && p->options.mode == MODE_CACHE_FIRST &&
            (why == SKIP_BUSY || (until_ms > 0 && until_ms <= w->now_ms + 60000)))
            return (struct verdict_of_oracle){ NULL, PICK_NONE, true };
    }
    acc = account_find(p, p->recent);
    if (cached && unbound && !ask->force_rotate && !ask->is_image && p->recent != 0 &&
        acc != NULL && w->now_ms - p->recent_ms <= 60000 &&
        oracle_skip(w, acc, ask, false) == SKIP_NONE &&
        !(ask->has_session && oracle_herded(w, acc, ask)))
        return (struct verdict_of_oracle){ acc, PICK_RECENT, false };
    acc = oracle_order(w, ask, false);
    if (acc == NULL)
        acc = oracle_order(w, ask, true);
    return (struct verdict_of_oracle){ acc, acc == NULL ? PICK_NONE : by_order, false };
}

/* The earliest time somebody is free again; quotas come back, too. */
static int64_t oracle_retry(const struct world *w, const struct pick_ask *ask)
{
    int64_t best_ms = INT64_MAX;

    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;
        const struct standing *s = stand(acc, ask->model);
        struct pick_ask plain = *ask;

        plain.tried_count = plain.convicted_count = plain.spent_count = 0;
        plain.again = 0;
        plain.defies_hosts = false;
        int64_t until_ms = locked_until(acc, &plain, w->now_ms);
        enum skip why = oracle_skip(w, acc, &plain, false);

        if (why == SKIP_RESERVE || why == SKIP_PROTECTED)
            until_ms =
                s->quota.reset_ms == 0 || s->place >= PLACE_BUSY ? INT64_MAX : s->quota.reset_ms;
        else if (why != SKIP_LOCKED_OUT)
            continue;
        if (until_ms < best_ms)
            best_ms = until_ms;
    }
    return best_ms;
}

/* --- what must hold of each pick ------------------------------------------------------------- */

static void check_probe(struct test *t, const struct world *w, const struct account *acc,
                        const struct pick_ask *ask)
{
    const struct standing *s = stand(acc, ask->model);
    const struct lockout *locks[] = { &acc->lockout, &s->lockout };

    if (acc->refused) {
        CHECK(acc->ask_again_ms != 0 && acc->ask_again_ms <= w->now_ms, "step %d", w->step);
        return;
    }
    for (size_t i = 0; i < COUNT(locks); i++) {
        const struct lockout *l = locks[i];

        if (!holds(l, w->now_ms))
            continue;
        if (l->why == VERDICT_NEEDS_ACTION)
            CHECK(acc->ask_again_ms != 0 && acc->ask_again_ms <= w->now_ms, "step %d", w->step);
        else
            CHECK(!l->named && !l->probed &&
                      w->now_ms - l->since_ms >= (l->until_ms - l->since_ms) / 2,
                  "step %d: probed too early, twice, or against a named time", w->step);
    }
    CHECK_INT(acc->missing_count > 0 && account_missing(acc, ask->model, w->now_ms) != NULL, 0,
              "step %d", w->step);
}

static void check_counts(struct test *t, const struct world *w, const struct pick_ask *ask,
                         const struct pick *why)
{
    uint32_t want[SKIPS] = { 0 };

    for (uint32_t i = 0; i < w->pool->count; i++)
        want[oracle_skip(w, w->pool->slots[i].account, ask, false)]++;
    for (unsigned s = 0; s < SKIPS; s++)
        CHECK_INT(why->skipped[s], want[s], "step %d: %s", w->step, skip_word((enum skip)s));
    CHECK_INT(why->offering, count_offering(w, ask), "step %d", w->step);
    for (uint32_t i = 0; i < why->passed_count && i < PICK_PASSED_MAX; i++) {
        const struct account *acc = account_find(w->pool, why->passed[i].id);

        CHECK(offers(acc, ask), "step %d", w->step);
        CHECK_INT(why->passed[i].why, oracle_skip(w, acc, ask, false), "step %d", w->step);
        CHECK(why->passed[i].why != SKIP_NONE, "step %d", w->step);
        if (i > 0)
            CHECK(oracle_compare(w, account_find(w->pool, why->passed[i - 1].id), acc, ask->model) <
                      0,
                  "step %d: the best-ranked are named first", w->step);
    }
}

static void check_pick(struct test *t, struct world *w, const struct pick_ask *ask,
                       const struct account *got, const struct pick *why)
{
    struct verdict_of_oracle want = oracle_pick(w, ask);

    check_counts(t, w, ask, why);
    if (got != NULL && why->probe) {
        check_probe(t, w, got, ask);
        CHECK(got->refused || got->lockout.why == VERDICT_NEEDS_ACTION || want.account == NULL,
              "step %d: somebody better was free", w->step);
        return;
    }
    CHECK_INT(got == NULL ? 0 : got->id, want.account == NULL ? 0 : want.account->id, "step %d, %s",
              w->step, pick_reason_word(why->reason));
    CHECK_INT(why->reason, want.reason, "step %d", w->step);
    if (got != NULL)
        return;
    CHECK_INT(why->bound.fate == LAYER_AWAITED, want.awaits, "step %d", w->step);
    CHECK_INT(why->retry_at_ms, oracle_retry(w, ask), "step %d: the true minimum", w->step);
    CHECK((ask->defies_hosts || why->free_at_ms >= why->retry_at_ms) &&
              why->retry_at_ms > w->now_ms && why->free_at_ms > w->now_ms,
          "step %d", w->step);
    if (why->wait_until_ms != 0)
        CHECK(why->ask_at_ms > w->now_ms && why->ask_at_ms <= why->wait_until_ms, "step %d",
              w->step);
}

/* Among equals (tier and quota step) nobody waits for more turns than there are others. */
static void check_turns(struct test *t, struct world *w, const struct pick_ask *ask, size_t model,
                        const struct account *got)
{
    int step = step_of(remaining(got, ask->model, w->now_ms));

    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;
        bool equal = acc->config->spec->tier == got->config->spec->tier &&
                     (!w->pool->options.optimize_quota_sorting ||
                      step_of(remaining(acc, ask->model, w->now_ms)) == step);

        if (acc == got)
            w->passed_by[acc->id][model] = 0;
        else if (equal && oracle_skip(w, acc, ask, false) == SKIP_NONE)
            CHECK(++w->passed_by[acc->id][model] <= ACCOUNTS, "step %d: account %d starves",
                  w->step, (int)acc->id);
    }
}

static struct session_key session_of(uint64_t n)
{
    struct session_key key = { { 0 } };

    memcpy(key.digest, &n, sizeof(n));
    return key;
}

static struct pick_ask random_ask(struct test *t, struct world *w, size_t *model)
{
    static const struct str some[] = { { "east", 4 }, { "west", 4 } };

    *model = test_below(t, COUNT(models));
    struct pick_ask ask = rig_ask(models[*model]);

    ask.has_session = !one_in(t, 3);
    ask.session = session_of(test_below(t, SESSIONS));
    ask.is_image = one_in(t, 8);
    ask.force_rotate = one_in(t, 6);
    ask.spends_reserve = one_in(t, 8);
    ask.tried = w->tried;
    ask.tried_count = one_in(t, 4) ? test_below(t, 4) : 0;
    for (size_t i = 0; i < ask.tried_count; i++)
        w->tried[i] = 1 + (int64_t)test_below(t, ACCOUNTS);
    if (one_in(t, 8))
        ask.again = 1 + (int64_t)test_below(t, ACCOUNTS);
    if (one_in(t, 10))
        ask.provider = some[test_below(t, 2)];
    if (one_in(t, 10))
        ask.avoid = some[test_below(t, 2)];
    ask.defies_hosts = one_in(t, 10);
    ask.convicted = some + test_below(t, 2);
    ask.convicted_count = one_in(t, 10);
    ask.spent = some + test_below(t, 2);
    ask.spent_count = one_in(t, 10);
    return ask;
}

static void step_lease(struct test *t, struct world *w)
{
    struct pick before, why;
    size_t model = 0;
    struct pick_ask ask = random_ask(t, w, &model);

    if (w->held == LEASES)
        return;
    struct lease *l = &w->leases[w->held];
    const struct standing *foreseen = pool_pick(w->pool, &ask, w->now_ms, &before);

    check_pick(t, w, &ask, foreseen == NULL ? NULL : foreseen->account, &before);
    if (foreseen != NULL && before.reason == PICK_ROUND_ROBIN && !before.probe && ask.again == 0 &&
        ask.avoid.len == 0 && w->pool->options.mode != MODE_PERFORMANCE_FIRST)
        check_turns(t, w, &ask, model, foreseen->account);
    bool got = pool_lease(w->pool, &ask, w->now_ms, l, &why);

    CHECK(got == (foreseen != NULL) && (!got || l->account == foreseen->account),
          "step %d: same in, same out", w->step);
    w->held += got;
}

/* --- lockouts end early only in the ways there are ------------------------------------------- */

#define SHADOWS 400
struct shadow {
    const struct lockout *lockout;
    int64_t until_ms;
    const struct account *account; /* NULL: of a host */
};
struct shadows {
    struct shadow all[SHADOWS];
    size_t count;
};

static void shadow_take(struct shadows *s, const struct lockout *l, const struct account *acc,
                        int64_t now_ms)
{
    if (holds(l, now_ms) && s->count < SHADOWS)
        s->all[s->count++] = (struct shadow){ l, l->until_ms, acc };
}

static void shadows_take(struct shadows *s, const struct world *w)
{
    s->count = 0;
    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;

        shadow_take(s, &acc->lockout, acc, w->now_ms);
        for (const struct standing *st = acc->standings; st != NULL; st = st->next)
            shadow_take(s, &st->lockout, acc, w->now_ms);
    }
    for (const struct host *h = w->pool->hosts; h != NULL; h = h->next)
        shadow_take(s, &h->lockout, NULL, w->now_ms);
}

static void step_return(struct test *t, struct world *w)
{
    static const char *const evidence[] = { "", "the provider said so" };
    struct shadows before;

    if (w->held == 0)
        return;
    size_t at = test_below(t, w->held);
    struct lease *l = &w->leases[at];
    const struct account *acc = l->account;
    uint64_t number = l->number;
    struct verdict v = {
        .kind = one_in(t, 2) ? VERDICT_SUCCESS : (enum verdict_kind)test_below(t, VERDICT_KINDS),
        .delay_ms = one_in(t, 3) ? (int64_t)(test_random(t) >> (1 + test_below(t, 60))) : -1,
        .group_scope = one_in(t, 2),
        .billing = one_in(t, 4),
        .exhausted = one_in(t, 4),
        .vague = one_in(t, 4),
        .derived = one_in(t, 4),
        .first_capacity = one_in(t, 2),
        .fresh_try = one_in(t, 4),
        .unlisted = one_in(t, 4),
        .evidence = str_c(evidence[test_below(t, 2)]),
    };

    if ((v.kind == VERDICT_AUTH_INVALID || v.kind == VERDICT_NEEDS_ACTION) && !one_in(t, 6))
        v.kind = VERDICT_TIMEOUT;
    shadows_take(&before, w);
    lease_return(w->pool, l, &v, w->now_ms);
    w->leases[at] = w->leases[--w->held];
    for (size_t i = 0; i < before.count; i++) {
        const struct shadow *s = &before.all[i];
        bool may_end = v.kind == VERDICT_SUCCESS && (s->account == acc || s->account == NULL);

        CHECK(s->lockout->until_ms >= s->until_ms || may_end,
              "step %d: a lockout ended early by %s", w->step, verdict_word(v.kind));
        if (s->lockout->until_ms >= s->until_ms && s->lockout->why != VERDICT_NONE && may_end &&
            s->account == acc)
            CHECK(number <= s->lockout->turn || s->lockout != &acc->lockout,
                  "step %d: a success disproves its account's lockout", w->step);
    }
    if (v.kind == VERDICT_QUOTA_EXHAUSTED)
        fair_again(w); /* it is another step now */
}

static void check_bindings(struct test *t, const struct world *w)
{
    const struct bindings *b = &w->pool->bindings;
    uint32_t bound = 0, live = 0, rows = 0, live_rows = 0;

    for (uint32_t i = 0; i < b->home_count; i++) {
        bound += b->homes[i].bound;
        live += b->homes[i].live;
    }
    for (uint32_t row = b->newest; row != BINDING_NONE; row = bindings_row(b, row)->older) {
        const struct binding_row *r = bindings_row(b, row);

        rows++;
        live_rows += r->is_live;
        CHECK_INT(r->is_live, w->now_ms - r->used_ms <= SESSION_LIVE_MS, "step %d", w->step);
        if (r->older != BINDING_NONE)
            CHECK(bindings_row(b, r->older)->used_ms <= r->used_ms, "step %d", w->step);
    }
    CHECK_INT(rows, b->count, "step %d", w->step);
    CHECK_INT(bound, b->count, "step %d", w->step);
    CHECK_INT(live, live_rows, "step %d", w->step);
}

static void check_world(struct test *t, const struct world *w)
{
    uint32_t in_flight = 0, gone = 0, out = 0, kept = 0;

    for (uint32_t i = 0; i < w->held; i++)
        gone += w->leases[i].account->cohort == NULL;
    for (uint32_t i = 0; i < w->pool->count; i++) {
        const struct account *acc = w->pool->slots[i].account;
        int64_t until_ms = acc->lockout.until_ms;

        in_flight += acc->in_flight;
        out += acc->disabled;
        kept += acc->proxy_disabled && !acc->disabled;
        CHECK(acc->lockout.why == VERDICT_NEEDS_ACTION ||
                  until_ms <= w->now_ms + LOCKOUT_NAMED_MS_MAX,
              "step %d: locked out for ever", w->step);
    }
    CHECK_INT(in_flight + gone, w->held, "step %d: leases balance", w->step);
    CHECK_INT(w->pool->leases, w->held, "step %d: leases balance", w->step);
    CHECK_INT(w->pool->disabled, out, "step %d", w->step);
    CHECK_INT(w->pool->proxy_disabled, kept, "step %d", w->step);
}

/* --- what happens ---------------------------------------------------------------------------- */

static void step_options(struct test *t, struct world *w)
{
    struct pool_options o = rig_options();

    o.mode = (enum pool_mode)test_below(t, 3);
    o.optimize_quota_sorting = !one_in(t, 4);
    o.quota_reserve_percent = one_in(t, 2) ? (int32_t)test_below(t, 51) : 0;
    o.protection_percent = one_in(t, 2) ? (int32_t)test_below(t, 101) : 0;
    o.protected_models = watched;
    o.protected_model_count = 1;
    pool_set_options(w->pool, &o);
    fair_again(w);
}

static void step_quota(struct test *t, struct world *w, int64_t id)
{
    struct quota q = { .remaining_permille = (int32_t)test_below(t, 1002) - 1,
                       .reset_ms = one_in(t, 2) ? 0 : w->now_ms + 1 + (int64_t)test_below(t, 90000),
                       .seen_ms = w->now_ms };
    struct str groups[] = { STR("letters"), STR("alpha"), STR("gamma-pro"), STR("gamma-mini") };

    (void)pool_set_quota(w->pool, id, groups[test_below(t, COUNT(groups))], &q, w->now_ms);
    fair_again(w);
}

static void step_operator(struct test *t, struct world *w, int64_t id)
{
    struct session_key key = session_of(test_below(t, SESSIONS));
    struct lease_mark mark = { id, w->pool->turn - test_below(t, 5) };

    switch (test_below(t, 9)) {
    case 0:
        pool_clear_lockouts(w->pool, id);
        break;
    case 1:
        pool_set_flags(w->pool, id, one_in(t, 8), one_in(t, 8), STR("test"));
        break;
    case 2:
        (void)pool_fix(w->pool, id);
        break;
    case 3:
    case 4:
        pool_unfix(w->pool);
        break;
    case 5:
        pool_clear_binding(w->pool, &key);
        break;
    case 6:
        if (one_in(t, 8))
            pool_clear_bindings(w->pool);
        break;
    case 7:
        step_options(t, w);
        break;
    default:
        pool_release(w->pool, &mark, 1, w->now_ms);
    }
}

static void live_through(struct test *t, int steps, int offset)
{
    struct world w = { .pool = rig_pool(), .now_ms = 1 };

    for (int64_t id = 1; id <= ACCOUNTS; id++)
        if (!one_in(t, 4))
            world_put(t, &w, id);
    for (int i = 0; i < steps && t->failures == 0; i++) {
        int64_t id = 1 + (int64_t)test_below(t, ACCOUNTS);

        w.step = offset + i;
        switch (test_below(t, 20)) {
        case 0:
            world_put(t, &w, id);
            break;
        case 1:
            if (one_in(t, 3))
                pool_remove(w.pool, id);
            break;
        case 2:
            step_operator(t, &w, id);
            break;
        case 3:
            step_quota(t, &w, id);
            break;
        case 4:
        case 5:
            /* from a millisecond to days */
            w.now_ms += (int64_t)(test_random(t) >> (36 + test_below(t, 28)));
            fair_again(&w); /* figures lapse: then it is another step */
            break;
        case 6:
        case 7:
        case 8:
        case 9:
        case 10:
            step_return(t, &w);
            break;
        default:
            step_lease(t, &w);
        }
        pool_lock(w.pool);
        pool_settle(w.pool, w.now_ms);
        pool_unlock(w.pool);
        check_world(t, &w);
        if (i % 16 == 0)
            check_bindings(t, &w);
    }
    while (w.held > 0)
        step_return(t, &w);
    /* lockouts end in time: what is enabled and offers the model is found again */
    w.now_ms += LOCKOUT_NAMED_MS_MAX;
    for (uint32_t i = 0; i < w.pool->count; i++) {
        struct account *acc = w.pool->slots[i].account;
        struct pick_ask ask = rig_ask("alpha");

        CHECK(locked_until(acc, &ask, w.now_ms) == 0 || acc->lockout.why == VERDICT_NEEDS_ACTION,
              "account %d", (int)acc->id);
    }
    pool_free(w.pool);
    CHECK_INT(w.released, w.made, "each upstream is released once");
}

TEST(a_random_pool_keeps_its_promises)
{
    for (int done = 0; done < STEPS && t->failures == 0; done += CHAOS_STEPS)
        live_through(t, CHAOS_STEPS, done);
}
