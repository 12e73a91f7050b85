/* pool/pick.c - which account comes next, and why the others do not.
 *
 * Four layers, the first that gives an account decides: the fixed account, the one that the
 * conversation is bound to, the one that served last within a minute, and the order (tier, quota,
 * picked longest ago). Behind them, when nobody is usable, one real request may probe a lockout
 * that we made ourselves. Skipped accounts are counted by reason; the best-ranked are named. */
#include "pool/pick_int.h"

#define RECENT_MS 60000

/* --- the layers above the order -------------------------------------------------------------- */

static void layer_set(struct pick_layer *layer, enum layer_fate fate, const struct account *acc,
                      enum skip why)
{
    layer->fate = fate;
    layer->why = why;
    layer->id = acc->id;
    label_into(layer->label, acc);
}

/* Usable for this request, the reserve of its quota apart if that may be drawn on. */
static enum skip layer_skip(const struct asking *a, const struct account *acc, bool draws,
                            struct standing **s)
{
    *s = standing_in_lane(a, acc);
    if (*s == NULL)
        return acc->disabled         ? SKIP_DISABLED
               : acc->proxy_disabled ? SKIP_PROXY_DISABLED
                                     : SKIP_NO_MODEL;
    enum skip why = standing_skip(a, *s);

    if (why != SKIP_RESERVE || !draws)
        return why;
    struct asking with = *a;

    with.spares = false;
    return standing_skip(&with, *s);
}

/* A new access token is on its way, and comes in a moment or not at all: no patience of the
 * settings is asked for that. */
static bool await_renewal(struct asking *a, const struct account *acc)
{
    int64_t until_ms = acc == NULL ? 0 : acc->renewal.until_ms, end_ms = a->ask->deadline_ms;

    if (acc == NULL || !account_is_renewing(acc, a->now_ms) || acc->disabled ||
        acc->proxy_disabled || was_tried(a, acc) || (end_ms != 0 && end_ms <= a->now_ms))
        return false;
    a->out->wait_until_ms = end_ms != 0 ? sooner(until_ms, end_ms) : until_ms;
    a->out->ask_at_ms = a->out->wait_until_ms;
    return true;
}

/* Sets `awaited` when it is to be waited for, as pick_bound() does. */
static struct standing *pick_fixed(struct asking *a, bool *awaited)
{
    struct account *acc = a->pool->fixed == 0 ? NULL : account_find(a->pool, a->pool->fixed);
    struct standing *s = NULL;

    if (acc == NULL)
        return NULL;
    enum skip why = layer_skip(a, acc, true, &s);

    *awaited = why == SKIP_LOCKED_OUT && await_renewal(a, acc);
    layer_set(&a->out->fixed,
              why == SKIP_NONE ? LAYER_TAKEN
              : *awaited       ? LAYER_AWAITED
                               : LAYER_SKIPPED,
              acc, why);
    return why == SKIP_NONE ? s : NULL;
}

/* Will it be free before the waiting must end? A lease that ends may free a busy one any time. */
static bool worth_awaiting(struct asking *a, const struct standing *s, enum skip why)
{
    int64_t until_ms = s == NULL ? INT64_MAX : standing_until(a, s);
    bool timed = why == SKIP_LOCKED_OUT || why == SKIP_RESERVE || why == SKIP_PROTECTED;

    if (a->now_ms >= a->limit_ms || (why != SKIP_BUSY && !(timed && until_ms <= a->limit_ms)))
        return false;
    a->out->wait_until_ms = a->limit_ms;
    a->out->ask_at_ms = why == SKIP_BUSY || until_ms > a->limit_ms ? a->limit_ms : until_ms;
    return true;
}

static struct account *bound_account(const struct asking *a)
{
    const struct bindings *b = &a->pool->bindings;
    uint32_t row = BINDING_NONE;

    if (a->ask->has_session)
        row = bindings_find(b, &a->ask->session, a->now_ms);
    struct account *acc = row == BINDING_NONE ? NULL : b->homes[bindings_row(b, row)->home].account;

    if (acc == NULL)
        return NULL;
    bindings_prefetch_touch(b, row); /* lease_take() will */
    __builtin_prefetch(acc->standings);
    __builtin_prefetch(acc->config);
    return acc;
}

/* Its cache stays where it is: only this one request goes elsewhere. */
static bool keeps_binding(const struct asking *a, enum skip why)
{
    return why == SKIP_NONE || (why == SKIP_BUSY && a->out->mode == MODE_BALANCE);
}

/* Gives its standing when it decides; sets `awaited` when it is to be waited for. */
static struct standing *pick_bound(struct asking *a, bool *unbound, bool *awaited)
{
    struct pick *out = a->out;
    struct standing *s = NULL;
    struct account *acc = bound_account(a);

    *unbound = acc == NULL;
    *awaited = false;
    if (acc == NULL)
        return NULL;
    enum skip why = layer_skip(a, acc, a->ask->spends_reserve, &s);

    layer_set(&out->bound, LAYER_SKIPPED, acc, why);
    if (why == SKIP_NONE && !a->ask->force_rotate) {
        out->bound.fate = LAYER_TAKEN;
        return s;
    }
    if (keeps_binding(a, why))
        out->binds = false;
    if (a->ask->force_rotate) {
        out->bound.fate = LAYER_ROTATED;
        return NULL;
    }
    if (!a->ask->side && !a->ask->eager &&
        ((why == SKIP_LOCKED_OUT && await_renewal(a, acc)) ||
         (out->mode == MODE_CACHE_FIRST && worth_awaiting(a, s, why)))) {
        out->bound.fate = LAYER_AWAITED;
        *awaited = true;
    }
    return NULL;
}

/* Nobody is bound, but one account alone can read what the conversation holds: it comes first if it
 * may be used. It has nothing in a cache, so it is not waited for. */
static struct standing *pick_home(struct asking *a)
{
    struct account *acc = a->ask->home == 0 ? NULL : account_find(a->pool, a->ask->home);
    struct standing *s = NULL;

    if (acc == NULL || a->ask->force_rotate || a->ask->by_age ||
        layer_skip(a, acc, a->ask->spends_reserve, &s) != SKIP_NONE)
        return NULL;
    layer_set(&a->out->bound, LAYER_TAKEN, acc, SKIP_NONE);
    return s;
}

static struct standing *first_usable(const struct asking *a, const struct order *o)
{
    struct standing *s = order_first(o);

    while (s != NULL && standing_skip(a, s) != SKIP_NONE)
        s = order_next(s);
    return s;
}

static uint32_t live_sessions(const struct asking *a, const struct account *acc)
{
    return a->pool->bindings.homes[acc->home].live;
}

/* Does another account of its tier, that is free, hold fewer live conversations? */
static bool is_herded(const struct asking *a, const struct standing *recent)
{
    uint64_t tier = recent->rank >> 56;
    uint32_t live = live_sessions(a, recent->account);

    for (uint32_t i = 0; i < a->lane->count && live > 0; i++)
        for (unsigned bits = 0; bits <= (SPARE | LOW); bits++) {
            const struct standing *s =
                order_from(&a->lane->rosters[i]->orders[ORDER_READY + bits], tier << 56);

            for (; s != NULL && s->rank >> 56 == tier; s = order_next(s))
                if (live_sessions(a, s->account) < live && standing_skip(a, s) == SKIP_NONE)
                    return true;
        }
    return false;
}

static struct standing *pick_recent(struct asking *a, bool unbound)
{
    const struct pool *p = a->pool;
    struct account *acc = p->recent == 0 ? NULL : account_find(p, p->recent);
    struct standing *s = NULL;

    if (acc == NULL || !unbound || a->ask->is_image || a->ask->by_age ||
        a->now_ms - p->recent_ms > RECENT_MS)
        return NULL;
    enum skip why = layer_skip(a, acc, a->ask->spends_reserve, &s);
    enum layer_fate fate = a->ask->force_rotate                     ? LAYER_ROTATED
                           : why != SKIP_NONE                       ? LAYER_SKIPPED
                           : a->ask->has_session && is_herded(a, s) ? LAYER_HERDED
                                                                    : LAYER_TAKEN;

    layer_set(&a->out->recent, fate, acc, why);
    return fate == LAYER_TAKEN ? s : NULL;
}

/* --- the order ------------------------------------------------------------------------------- */

static struct standing *better(struct standing *a, struct standing *b)
{
    if (a == NULL || b == NULL)
        return a == NULL ? b : a;
    return standing_before(b, a) ? b : a;
}

/* All accounts of the provider have just failed alike, it had no capacity for this request, or its
 * host cannot be reached. */
static bool comes_last(const struct asking *a, const struct roster *r)
{
    const struct family *f = r->cohort->family;
    const struct host *h = r->cohort->host;

    return f->marked_until_ms > a->now_ms || (h != NULL && lockout_holds(&h->lockout, a->now_ms)) ||
           (a->ask->avoid.len > 0 && str_eq(f->name, a->ask->avoid));
}

static struct standing *pick_next(const struct asking *a, bool last)
{
    struct standing *best = NULL;

    for (uint32_t i = 0; i < a->lane->count; i++) {
        const struct roster *r = a->lane->rosters[i];

        if (comes_last(a, r) != last || is_barred(a, r) || host_lockout(a, r) != NULL)
            continue;
        for (unsigned bits = 0; bits <= (SPARE | LOW); bits++)
            if (bits_skip(a, bits) == SKIP_NONE)
                best = better(best, first_usable(a, &r->orders[ORDER_READY + bits]));
    }
    return best;
}

/* The one that was added first. */
static struct standing *pick_oldest(const struct asking *a)
{
    const struct pool *p = a->pool;

    for (uint32_t i = 0; i < p->count; i++) {
        struct standing *s = standing_in_lane(a, p->slots[i].account);

        if (s != NULL && standing_skip(a, s) == SKIP_NONE &&
            !(a->ask->eager && comes_last(a, s->roster)))
            return s;
    }
    return NULL;
}

/* Nobody better is free: the first whose lockout is half over, if we made its time ourselves. */
static struct standing *pick_probe(const struct asking *a)
{
    struct standing *best = NULL;

    for (uint32_t i = 0; i < a->lane->count; i++) {
        const struct roster *r = a->lane->rosters[i];
        struct standing *s = NULL;

        if (is_barred(a, r) || host_lockout(a, r) != NULL)
            continue;
        s = order_first_probe(&r->orders[ORDER_OUT], a->now_ms);
        while (s != NULL && !standing_may_probe(a, s))
            s = order_next_probe(s, a->now_ms);
        best = better(best, s);
    }
    return best;
}

/* An hour has passed since the provider refused the credential, or wanted its owner to act: one
 * real request asks whether that still holds. A refusal comes fast and costs nothing, so this does
 * not wait until nobody else is free. */
static struct standing *pick_asking_again(const struct asking *a)
{
    struct standing *best = NULL;

    if (a->pool->asking == NULL || a->pool->ask_again_ms > a->now_ms || a->ask->side)
        return NULL;
    for (const struct account *acc = a->pool->asking; acc != NULL; acc = acc->asking_next) {
        struct standing *s = acc->ask_again_ms > a->now_ms ? NULL : standing_in_lane(a, acc);
        bool out_by_that =
            s != NULL && (s->place == PLACE_REFUSED ||
                          (s->place == PLACE_LOCKED && s->why == VERDICT_NEEDS_ACTION &&
                           !lockout_holds(&s->lockout, a->now_ms)));

        if (out_by_that && standing_may_probe(a, s) && !is_barred(a, s->roster) &&
            host_lockout(a, s->roster) == NULL)
            best = better(best, s);
    }
    return best;
}

/* --- all together ---------------------------------------------------------------------------- */

static struct standing *chosen(struct asking *a, struct standing *s, enum pick_reason reason)
{
    struct pick *out = a->out;

    /* that the conversation is bound to it, its layer tells */
    out->reason = a->ask->by != PICK_NONE && reason != PICK_FIXED ? a->ask->by : reason;
    out->tier = s->account->tier;
    out->remaining_permille = s->remaining;
    out->in_flight = s->account->in_flight;
    out->picked_ms_ago = s->picked_last == 0 ? -1 : a->now_ms - s->picked_ms;
    out->wait_until_ms = out->ask_at_ms = 0;
    return s;
}

static enum pick_reason reason_of_order(const struct asking *a)
{
    return a->out->offering == 1 ? PICK_ONLY : PICK_ROUND_ROBIN;
}

/* The account that is to be asked once more, for the reason it was asked for before. */
static struct standing *pick_again(struct asking *a, bool binds_here, bool *awaited)
{
    struct pick *out = a->out;
    if (a->ask->again == 0)
        return NULL;
    struct account *acc = account_find(a->pool, a->ask->again), *bound;
    struct standing *s = standing_in_lane(a, acc), *elsewhere;

    if (s == NULL)
        return NULL;
    if (standing_skip(a, s) != SKIP_NONE) {
        *awaited = await_renewal(a, acc);
        return NULL;
    }
    if (acc->id == a->pool->fixed) {
        layer_set(&out->fixed, LAYER_TAKEN, acc, SKIP_NONE);
        out->binds = false;
        return chosen(a, s, PICK_FIXED);
    }
    bound = binds_here ? bound_account(a) : NULL;
    if (bound == acc) {
        layer_set(&out->bound, LAYER_TAKEN, acc, SKIP_NONE);
        return chosen(a, s, PICK_STICKY);
    }
    if (bound != NULL && keeps_binding(a, layer_skip(a, bound, a->ask->spends_reserve, &elsewhere)))
        out->binds = false;
    return chosen(a, s, reason_of_order(a));
}

/* The layers, from the top. */
static struct standing *pick_by_layers(struct asking *a)
{
    struct pick *out = a->out;
    bool binds_here = out->mode != MODE_PERFORMANCE_FIRST, unbound, awaited = false;

    out->binds = binds_here && a->ask->has_session && !a->ask->side;
    struct standing *s = pick_again(a, binds_here, &awaited);

    if (s != NULL || awaited)
        return s;
    s = pick_fixed(a, &awaited);
    if (awaited)
        return NULL;
    if (s != NULL) {
        out->binds = false;
        return chosen(a, s, PICK_FIXED);
    }
    if (binds_here) {
        s = pick_bound(a, &unbound, &awaited);
        if (s != NULL)
            return chosen(a, s, PICK_STICKY);
        if (awaited)
            return NULL;
        s = unbound ? pick_home(a) : NULL;
        if (s != NULL)
            return chosen(a, s, PICK_STICKY);
        s = pick_recent(a, unbound);
        if (s != NULL)
            return chosen(a, s, PICK_RECENT);
    }
    s = pick_asking_again(a);
    out->probe = s != NULL;
    if (s == NULL)
        s = a->ask->by_age ? pick_oldest(a) : pick_next(a, false);
    if (s == NULL && !a->ask->by_age && !a->ask->eager)
        s = pick_next(a, true);
    if (s == NULL && !a->ask->eager) {
        s = pick_probe(a);
        out->probe = s != NULL;
    }
    return s == NULL ? NULL : chosen(a, s, reason_of_order(a));
}

/* The entry of a route names the account: that one or none. */
static struct standing *pick_named(struct asking *a)
{
    struct pick *out = a->out;
    struct account *acc = account_find(a->pool, a->ask->named);
    struct standing *s = standing_in_lane(a, acc);

    memset(out->skipped, 0, sizeof(out->skipped));
    out->locked_rate = out->locked_quota = out->locked_server = 0;
    out->locked_host = out->locked_auth = out->locked_model = 0;
    out->offering = out->passed_count = 0;
    out->binds = out->mode != MODE_PERFORMANCE_FIRST && a->ask->has_session && !a->ask->side;
    if (s == NULL) {
        out->skipped[SKIP_NO_MODEL] = acc != NULL;
        return NULL;
    }
    enum skip why = standing_skip(a, s);
    enum verdict_kind verdict = standing_verdict(a, s);

    out->skipped[why] = 1;
    out->offering = s->place != PLACE_DISABLED && s->place != PLACE_PROXY_DISABLED;
    if (why == SKIP_NONE)
        return a->ask->eager && comes_last(a, s->roster) ? NULL : chosen(a, s, reason_of_order(a));
    out->passed_count = 1;
    tally_name(a, s, &out->passed[0]);
    if (verdict != VERDICT_NONE)
        *tally_of(out, lock_class_of(verdict)) = 1;
    if (!a->ask->eager && why == SKIP_LOCKED_OUT && s->place == PLACE_LOCKED &&
        s->probe_ms <= a->now_ms && host_lockout(a, s->roster) == NULL &&
        standing_may_probe(a, s)) {
        out->probe = true;
        return chosen(a, s, reason_of_order(a));
    }
    if (why != SKIP_DISABLED && why != SKIP_PROXY_DISABLED)
        out->retry_at_ms = standing_until(a, s);
    out->free_at_ms = why == SKIP_TRIED ? INT64_MAX : out->retry_at_ms;
    (void)worth_awaiting(a, s, why);
    return NULL;
}

static bool has_other_provider(const struct asking *a)
{
    if (a->ask->elsewhere)
        return true;
    for (uint32_t i = 0; i < a->lane->count && a->ask->spent_count > 0; i++)
        if (!is_convicted(a, a->lane->rosters[i]) && !is_spent(a, a->lane->rosters[i]))
            return true;
    return false;
}

/* Nobody can be had, and patience is over, but for those that are back in a moment. */
static void await_any_renewal(struct asking *a)
{
    for (const struct account *acc = a->pool->renewing; acc != NULL; acc = acc->renewing_next)
        if ((a->ask->named == 0 || a->ask->named == acc->id) && standing_in_lane(a, acc) != NULL &&
            await_renewal(a, acc))
            return;
}

bool pick_has_other(struct pool *p, const struct pick_ask *ask)
{
    const struct asking a = { .pool = p, .ask = ask, .lane = lane_get(p, ask) };

    return has_other_provider(&a);
}

struct standing *pool_pick(struct pool *p, const struct pick_ask *ask, int64_t now_ms,
                           struct pick *out)
{
    const struct pool_options *o = &p->options;
    struct asking a = { .pool = p, .ask = ask, .out = out };
    uint32_t offering = 0;

    assert(ask->tried_count <= PICK_TRIED_MAX);
    pool_settle(p, now_ms);
    a.now_ms = p->now_ms;
    a.lane = lane_get(p, ask);
    memset(out, 0, offsetof(struct pick, passed));
    out->mode = o->mode;
    out->retry_at_ms = out->free_at_ms = INT64_MAX;
    for (uint32_t i = 0; i < a.lane->count; i++)
        offering += roster_offering(a.lane->rosters[i]);
    a.spares = o->quota_reserve_percent > 0 && !ask->spends_reserve && offering > 1;
    a.protects = a.lane->monitored;
    a.hosts = !ask->defies_hosts;
    a.elsewhere = has_other_provider(&a);
    a.limit_ms = (ask->since_ms != 0 ? ask->since_ms : a.now_ms) +
                 (o->mode == MODE_CACHE_FIRST ? o->max_wait_ms : o->queue_wait_ms);
    if (ask->deadline_ms != 0 && ask->deadline_ms < a.limit_ms)
        a.limit_ms = ask->deadline_ms;

    tally_all(&a);
    struct standing *s = ask->named != 0 ? pick_named(&a) : pick_by_layers(&a);

    if (ask->named == 0) {
        tally_names(&a);
        if (s == NULL || ask->surveys)
            tally_ahead(&a);
    }
    if (s == NULL && out->wait_until_ms == 0 && !ask->side)
        await_any_renewal(&a);
    assert(out->retry_at_ms > a.now_ms && out->free_at_ms > a.now_ms);
    return s;
}
