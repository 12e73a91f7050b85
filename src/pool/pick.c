/* pool/pick.c - which account comes next, and why the others do not.
 *
 * Four layers, the first that gives an account decides: the fixed account, the one that the
 * conversation is bound to, the one that served last within a minute, and the order (tier, quota,
 * picked longest ago). Behind them, when nobody is usable, one real request may probe a lockout
 * that we made ourselves. Skipped accounts are counted by reason; the best-ranked are named. */
#include "pool/pool_int.h"

#include "base/utf8.h"

#define RECENT_MS 60000

/* One pick while it is worked out. */
struct asking {
    struct pool *pool;
    const struct pick_ask *ask;
    const struct lane *lane;
    int64_t now_ms;
    bool hosts;       /* what is known of hosts keeps accounts out */
    bool spares;      /* the reserve is kept */
    bool protects;    /* the model's quota is protected */
    bool elsewhere;   /* there is a provider that is neither convicted nor spent */
    int64_t limit_ms; /* waiting must end then */
    struct pick *out;
};

/* --- what keeps an account out --------------------------------------------------------------- */

static bool is_among(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i], name))
            return true;
    return false;
}

static bool is_convicted(const struct asking *a, const struct roster *r)
{
    return is_among(r->cohort->family->name, a->ask->convicted, a->ask->convicted_count);
}

static bool is_spent(const struct asking *a, const struct roster *r)
{
    return is_among(r->cohort->family->name, a->ask->spent, a->ask->spent_count);
}

/* This request is asked no more accounts of the provider. */
static bool is_barred(const struct asking *a, const struct roster *r)
{
    return is_convicted(a, r) || (a->elsewhere && is_spent(a, r));
}

/* What is known of the way to its host; NULL: nothing, or this request defies it. */
static const struct lockout *host_lockout(const struct asking *a, const struct roster *r)
{
    const struct host *h = r->cohort->host;

    return a->hosts && h != NULL && lockout_holds(&h->lockout, a->now_ms) ? &h->lockout : NULL;
}

static bool was_tried(const struct asking *a, const struct account *acc)
{
    for (size_t i = 0; i < a->ask->tried_count; i++)
        if (a->ask->tried[i] == acc->id)
            return true;
    return false;
}

/* Of an account of the roster's own cohort. */
static struct standing *standing_get(const struct account *acc, const struct roster *r)
{
    struct standing *s = standing_find(acc, r);

    assert(s != NULL);
    return s;
}

/* The tried account number `i`; NULL: it is gone, or has come before. */
static const struct account *tried_account(const struct asking *a, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (a->ask->tried[k] == a->ask->tried[i])
            return NULL;
    return account_find(a->pool, a->ask->tried[i]);
}

const struct lockout *account_missing(const struct account *acc, struct str model, int64_t now_ms)
{
    model = group_name(model);
    for (uint32_t i = 0; i < acc->missing_count; i++)
        if (str_eq(missing_name(&acc->missing[i]), model) &&
            lockout_holds(&acc->missing[i].lockout, now_ms))
            return &acc->missing[i].lockout;
    return NULL;
}

/* What is held against its quota. */
static enum skip bits_skip(const struct asking *a, unsigned bits)
{
    if ((bits & SPARE) != 0 && a->spares)
        return SKIP_RESERVE;
    return (bits & LOW) != 0 && a->protects ? SKIP_PROTECTED : SKIP_NONE;
}

static enum skip standing_skip(const struct asking *a, const struct standing *s)
{
    const struct account *acc = s->account;
    enum skip why;

    if (s->place == PLACE_DISABLED || s->place == PLACE_REFUSED)
        return SKIP_DISABLED;
    if (s->place == PLACE_PROXY_DISABLED)
        return SKIP_PROXY_DISABLED;
    if (is_barred(a, s->roster) || was_tried(a, acc))
        return SKIP_TRIED;
    if (s->place == PLACE_LOCKED || account_missing(acc, a->ask->model, a->now_ms) != NULL ||
        (host_lockout(a, s->roster) != NULL && acc->id != a->ask->again))
        return SKIP_LOCKED_OUT;
    why = bits_skip(a, s->place & (SPARE | LOW));
    if (why == SKIP_NONE && !place_is_ready(s->place))
        return SKIP_BUSY;
    return why;
}

/* Its standing among those that may be chosen from; NULL: it does not offer the model. */
static struct standing *standing_in_lane(const struct asking *a, const struct account *acc)
{
    for (uint32_t i = 0; acc != NULL && i < a->lane->count; i++)
        if (a->lane->rosters[i]->cohort == acc->cohort)
            return standing_find(acc, a->lane->rosters[i]);
    return NULL;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* When it is free again; INT64_MAX: time alone does not tell. */
static int64_t standing_until(const struct asking *a, const struct standing *s)
{
    const struct lockout *host =
        s->account->id == a->ask->again ? NULL : host_lockout(a, s->roster);
    const struct lockout *missing = account_missing(s->account, a->ask->model, a->now_ms);
    int64_t other_ms =
        later(host == NULL ? 0 : host->until_ms, missing == NULL ? 0 : missing->until_ms);

    if (s->place >= PLACE_LOCKED)
        return later(s->until_ms, other_ms);
    /* behind a lockout nobody knows how busy it will be, or how much quota it has left */
    return other_ms > 0 ? other_ms : s->until_ms;
}

static enum verdict_kind standing_verdict(const struct asking *a, const struct standing *s)
{
    const struct lockout *host = host_lockout(a, s->roster);
    const struct lockout *missing = account_missing(s->account, a->ask->model, a->now_ms);

    if (s->place == PLACE_REFUSED)
        return VERDICT_AUTH_INVALID;
    if (s->place == PLACE_LOCKED)
        return s->why;
    if (missing != NULL)
        return missing->why;
    return host != NULL ? host->why : VERDICT_NONE;
}

/* --- counting -------------------------------------------------------------------------------- */

static uint32_t roster_offering(const struct roster *r)
{
    return r->cohort->count - r->count[PLACE_DISABLED] - r->count[PLACE_PROXY_DISABLED];
}

static uint32_t *locked_counter(struct pick *out, enum lock_class class)
{
    switch (class) {
    case LOCK_RATE:
        return &out->locked_rate;
    case LOCK_QUOTA:
        return &out->locked_quota;
    case LOCK_SERVER:
        return &out->locked_server;
    case LOCK_HOST:
        return &out->locked_host;
    case LOCK_AUTH:
        return &out->locked_auth;
    case LOCK_MODEL:
    case LOCK_CLASSES:
        break;
    }
    return &out->locked_model;
}

static void count_roster(struct asking *a, const struct roster *r)
{
    struct pick *out = a->out;
    bool barred = is_barred(a, r), cut_off = host_lockout(a, r) != NULL;

    for (unsigned bits = 0; bits <= (SPARE | LOW); bits++) {
        uint32_t ready = r->count[PLACE_READY + bits], busy = r->count[PLACE_BUSY + bits];
        enum skip why = barred ? SKIP_TRIED : cut_off ? SKIP_LOCKED_OUT : bits_skip(a, bits);

        out->skipped[why] += ready;
        out->skipped[why == SKIP_NONE ? SKIP_BUSY : why] += busy;
        if (cut_off)
            out->locked_host += ready + busy;
    }
    out->skipped[barred ? SKIP_TRIED : SKIP_LOCKED_OUT] += r->count[PLACE_LOCKED];
    for (unsigned class = 0; class < LOCK_CLASSES; class ++)
        *locked_counter(out, class) += r->locked[class];
    out->locked_auth += r->count[PLACE_REFUSED];
}

/* What the counts of the roster do not know of this one: it was tried, or lacks just this model. */
static void count_apart(struct asking *a, const struct standing *s)
{
    struct asking plain = *a;
    struct pick_ask ask = *a->ask;
    enum skip why = standing_skip(a, s), counted;
    bool lacks = account_missing(s->account, a->ask->model, a->now_ms) != NULL;

    ask.tried_count = 0;
    ask.again = 0;
    ask.model = STR("");
    plain.ask = &ask;
    counted = standing_skip(&plain, s);
    a->out->skipped[counted]--;
    a->out->skipped[why]++;
    if (lacks && s->place < PLACE_LOCKED && host_lockout(a, s->roster) == NULL)
        a->out->locked_model++;
}

static void count_all(struct asking *a)
{
    struct pool *p = a->pool;
    struct pick *out = a->out;
    uint32_t here = 0;

    for (uint32_t i = 0; i < a->lane->count; i++) {
        const struct roster *r = a->lane->rosters[i];

        count_roster(a, r);
        here += roster_offering(r);
        for (const struct account *acc = r->cohort->with_missing > 0 ? r->cohort->accounts : NULL;
             acc != NULL; acc = acc->next)
            if (account_missing(acc, a->ask->model, a->now_ms) != NULL && !was_tried(a, acc))
                count_apart(a, standing_get(acc, r));
    }
    for (size_t i = 0; i < a->ask->tried_count; i++) {
        const struct standing *s = standing_in_lane(a, tried_account(a, i));

        if (s != NULL)
            count_apart(a, s);
    }
    const struct standing *again = standing_in_lane(a, account_find(p, a->ask->again));

    if (a->ask->again != 0 && again != NULL && !was_tried(a, again->account) &&
        account_missing(again->account, a->ask->model, a->now_ms) == NULL)
        count_apart(a, again);
    out->offering = here;
    for (uint32_t i = 0; i < a->lane->count; i++)
        here -= a->lane->rosters[i]->count[PLACE_REFUSED];
    out->skipped[SKIP_DISABLED] = p->disabled;
    out->skipped[SKIP_PROXY_DISABLED] = p->proxy_disabled;
    out->skipped[SKIP_NO_MODEL] = p->count - p->disabled - p->proxy_disabled - here;
}

/* --- naming those passed over ---------------------------------------------------------------- */

struct passed_list {
    const struct standing *at[PICK_PASSED_MAX];
    uint32_t count;
};

/* False: it and all that rank behind it have no room. */
static bool passed_add(struct passed_list *list, const struct standing *s)
{
    uint32_t at = list->count;

    while (at > 0 && standing_before(s, list->at[at - 1]))
        at--;
    if (at == PICK_PASSED_MAX)
        return false;
    uint32_t last = list->count < PICK_PASSED_MAX ? list->count++ : PICK_PASSED_MAX - 1;

    for (uint32_t i = last; i > at; i--)
        list->at[i] = list->at[i - 1];
    list->at[at] = s;
    return true;
}

static void passed_add_order(const struct asking *a, struct passed_list *list,
                             const struct order *o)
{
    const struct standing *s = order_first(o);

    while (s != NULL && (standing_skip(a, s) == SKIP_NONE || passed_add(list, s)))
        s = order_next(s);
}

/* The usable ones among these are many, and seldom is one not. */
static void passed_add_apart(const struct asking *a, struct passed_list *list,
                             const struct roster *r)
{
    for (const struct account *acc = r->cohort->with_missing > 0 ? r->cohort->accounts : NULL;
         acc != NULL; acc = acc->next) {
        const struct standing *s = standing_get(acc, r);

        if (place_is_ready(s->place) && bits_skip(a, s->place) == SKIP_NONE &&
            account_missing(acc, a->ask->model, a->now_ms) != NULL && !was_tried(a, acc))
            (void)passed_add(list, s);
    }
    for (size_t i = 0; i < a->ask->tried_count; i++) {
        const struct account *acc = tried_account(a, i);
        const struct standing *s = acc == NULL ? NULL : standing_find(acc, r);

        if (s != NULL && place_is_ready(s->place) && bits_skip(a, s->place) == SKIP_NONE)
            (void)passed_add(list, s);
    }
}

static void label_into(char to[32], const struct account *acc)
{
    clip_into(to, 32, acc->config->label);
}

static void name_passed(const struct asking *a, const struct standing *s, struct pick_passed *to)
{
    int64_t until_ms = standing_until(a, s);

    to->id = s->account->id;
    to->why = standing_skip(a, s);
    to->verdict = standing_verdict(a, s);
    to->until_ms = until_ms == INT64_MAX ? 0 : until_ms;
    label_into(to->label, s->account);
}

static void name_all_passed(struct asking *a)
{
    struct passed_list list = { .count = 0 };
    struct pick *out = a->out;
    uint32_t all = 0;

    for (uint32_t i = 0; i < a->lane->count; i++)
        all += a->lane->rosters[i]->cohort->count;
    out->passed_count = all - out->skipped[SKIP_NONE];
    for (uint32_t i = 0; i < a->lane->count && out->passed_count > 0; i++) {
        const struct roster *r = a->lane->rosters[i];
        bool shut = is_barred(a, r) || host_lockout(a, r) != NULL;

        for (unsigned bits = 0; bits <= (SPARE | LOW); bits++)
            if (shut || bits_skip(a, bits) != SKIP_NONE)
                passed_add_order(a, &list, &r->orders[ORDER_READY + bits]);
        passed_add_order(a, &list, &r->orders[ORDER_OUT]);
        if (!shut)
            passed_add_apart(a, &list, r);
    }
    for (uint32_t i = 0; i < list.count; i++)
        name_passed(a, list.at[i], &out->passed[i]);
}

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
    struct asking with = *a;

    *s = standing_in_lane(a, acc);
    if (*s == NULL)
        return acc->disabled         ? SKIP_DISABLED
               : acc->proxy_disabled ? SKIP_PROXY_DISABLED
                                     : SKIP_NO_MODEL;
    with.spares = with.spares && !draws;
    return standing_skip(&with, *s);
}

static struct standing *pick_fixed(struct asking *a)
{
    struct account *acc = account_find(a->pool, a->pool->fixed);
    struct standing *s = NULL;

    if (a->pool->fixed == 0 || acc == NULL)
        return NULL;
    enum skip why = layer_skip(a, acc, true, &s);

    layer_set(&a->out->fixed, why == SKIP_NONE ? LAYER_TAKEN : LAYER_SKIPPED, acc, why);
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
    if (out->mode == MODE_CACHE_FIRST && !a->ask->side && worth_awaiting(a, s, why)) {
        out->bound.fate = LAYER_AWAITED;
        *awaited = true;
    }
    return NULL;
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
    struct account *acc = account_find(p, p->recent);
    struct standing *s = NULL;

    if (p->recent == 0 || acc == NULL || !unbound || a->ask->is_image ||
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

static bool may_probe(const struct asking *a, const struct standing *s)
{
    return !was_tried(a, s->account) && !account_is_busy(s->account) &&
           account_missing(s->account, a->ask->model, a->now_ms) == NULL;
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
        while (s != NULL && !may_probe(a, s))
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

        if (out_by_that && may_probe(a, s) && !is_barred(a, s->roster) &&
            host_lockout(a, s->roster) == NULL)
            best = better(best, s);
    }
    return best;
}

/* --- nobody ---------------------------------------------------------------------------------- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The earliest time somebody in this part of an order is free again. Parts that cannot better what
 * is known are not entered, and few are left out: so few are looked at. */
static int64_t soonest_in(const struct asking *a, const struct standing *s, bool tried_too,
                          int64_t best_ms)
{
    if (s == NULL || s->soonest_ms >= best_ms)
        return best_ms;
    if (s->until_ms < best_ms && (tried_too || !was_tried(a, s->account)))
        best_ms = sooner(best_ms, standing_until(a, s));
    best_ms = soonest_in(a, s->left, tried_too, best_ms);
    return soonest_in(a, s->right, tried_too, best_ms);
}

/* The earliest time from now on at which somebody may be probed. */
static int64_t soonest_probe_in(const struct asking *a, const struct standing *s, int64_t best_ms)
{
    if (s == NULL || s->soonest_probe_ms >= best_ms)
        return best_ms;
    if (s->probe_ms > a->now_ms && s->probe_ms < best_ms && may_probe(a, s))
        best_ms = s->probe_ms;
    best_ms = soonest_probe_in(a, s->left, best_ms);
    return soonest_probe_in(a, s->right, best_ms);
}

/* Accounts that only their host keeps out. */
static uint32_t count_cut_off(const struct asking *a, const struct roster *r, bool tried_too)
{
    uint32_t n = 0;

    for (unsigned place = PLACE_READY; place < PLACE_LOCKED; place++)
        n += r->count[place];
    for (size_t i = 0; i < a->ask->tried_count && !tried_too && n > 0; i++) {
        const struct account *acc = tried_account(a, i);
        const struct standing *s = acc == NULL ? NULL : standing_find(acc, r);

        n -= s != NULL && s->place < PLACE_LOCKED;
    }
    for (const struct account *acc = r->cohort->with_missing > 0 ? r->cohort->accounts : NULL;
         acc != NULL; acc = acc->next)
        n -= (tried_too || !was_tried(a, acc)) && standing_get(acc, r)->place < PLACE_LOCKED &&
             account_missing(acc, a->ask->model, a->now_ms) != NULL;
    return n;
}

static int64_t soonest_of_roster(const struct asking *a, const struct roster *r, bool tried_too)
{
    const struct lockout *host = host_lockout(a, r);
    int64_t best_ms = soonest_in(a, r->orders[ORDER_OUT].root, tried_too, INT64_MAX);

    if (host != NULL && count_cut_off(a, r, tried_too) > 0)
        best_ms = host->until_ms;
    for (unsigned bits = 0; bits <= (SPARE | LOW) && host == NULL; bits++)
        if (bits_skip(a, bits) != SKIP_NONE)
            best_ms = soonest_in(a, r->orders[ORDER_READY + bits].root, tried_too, best_ms);
    for (const struct account *acc = r->cohort->with_missing > 0 ? r->cohort->accounts : NULL;
         acc != NULL; acc = acc->next)
        if (account_missing(acc, a->ask->model, a->now_ms) != NULL &&
            (tried_too || !was_tried(a, acc)) && standing_get(acc, r)->place < PLACE_REFUSED)
            best_ms = sooner(best_ms, standing_until(a, standing_get(acc, r)));
    return host != NULL && best_ms < host->until_ms ? host->until_ms : best_ms;
}

/* Nobody can be had now: when can somebody, and is it worth waiting for that? */
static void look_ahead(struct asking *a)
{
    struct asking anybody = *a; /* what others may be told */
    struct pick_ask plain = *a->ask;
    struct pick *out = a->out;
    int64_t probe_ms = INT64_MAX;

    plain.again = 0;
    anybody.ask = &plain;
    anybody.hosts = true;

    for (uint32_t i = 0; i < a->lane->count; i++) {
        const struct roster *r = a->lane->rosters[i];

        out->retry_at_ms = sooner(out->retry_at_ms, soonest_of_roster(&anybody, r, true));
        if (is_barred(a, r))
            continue;
        out->free_at_ms = sooner(out->free_at_ms, soonest_of_roster(a, r, false));
        if (host_lockout(a, r) == NULL)
            probe_ms = soonest_probe_in(a, r->orders[ORDER_OUT].root, probe_ms);
    }
    if (out->wait_until_ms != 0 || a->now_ms >= a->limit_ms)
        return; /* the bound account is waited for, or patience is over */
    int64_t next_ms = sooner(out->free_at_ms, probe_ms);

    if (out->skipped[SKIP_BUSY] == 0 && next_ms >= a->limit_ms)
        return;
    out->wait_until_ms = a->limit_ms;
    out->ask_at_ms = sooner(next_ms, a->limit_ms);
}

/* --- all together ---------------------------------------------------------------------------- */

static struct standing *chosen(struct asking *a, struct standing *s, enum pick_reason reason)
{
    struct pick *out = a->out;

    out->reason = reason;
    out->tier = s->account->tier;
    out->remaining_permille = s->remaining;
    out->in_flight = s->account->in_flight;
    out->picked_ms_ago = s->picked_last == 0 ? -1 : a->now_ms - s->picked_ms;
    out->wait_until_ms = out->ask_at_ms = 0;
    return s;
}

static enum pick_reason reason_of_order(const struct asking *a)
{
    if (a->ask->by != PICK_NONE)
        return a->ask->by;
    return a->out->offering == 1 ? PICK_ONLY : PICK_ROUND_ROBIN;
}

/* The account that is to be asked once more, for the reason it was asked for before. */
static struct standing *pick_again(struct asking *a, bool binds_here)
{
    struct pick *out = a->out;
    struct account *acc = account_find(a->pool, a->ask->again), *bound;
    struct standing *s = standing_in_lane(a, acc), *elsewhere;

    if (a->ask->again == 0 || s == NULL || standing_skip(a, s) != SKIP_NONE)
        return NULL;
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
    bool binds_here = out->mode != MODE_PERFORMANCE_FIRST, unbound, awaited;

    out->binds = binds_here && a->ask->has_session && !a->ask->side;
    struct standing *s = pick_again(a, binds_here);

    if (s != NULL)
        return s;
    s = pick_fixed(a);
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
        s = pick_recent(a, unbound);
        if (s != NULL)
            return chosen(a, s, PICK_RECENT);
    }
    s = pick_asking_again(a);
    out->probe = s != NULL;
    if (s == NULL)
        s = pick_next(a, false);
    if (s == NULL)
        s = pick_next(a, true);
    if (s == NULL) {
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
        return chosen(a, s, reason_of_order(a));
    out->passed_count = 1;
    name_passed(a, s, &out->passed[0]);
    if (verdict != VERDICT_NONE)
        *locked_counter(out, lock_class_of(verdict)) = 1;
    if (why == SKIP_LOCKED_OUT && s->place == PLACE_LOCKED && s->probe_ms <= a->now_ms &&
        host_lockout(a, s->roster) == NULL && may_probe(a, s)) {
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
    for (uint32_t i = 0; i < a->lane->count && a->ask->spent_count > 0; i++)
        if (!is_convicted(a, a->lane->rosters[i]) && !is_spent(a, a->lane->rosters[i]))
            return true;
    return false;
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
    *out = (struct pick){ .mode = o->mode, .retry_at_ms = INT64_MAX, .free_at_ms = INT64_MAX };
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

    count_all(&a);
    struct standing *s = ask->named != 0 ? pick_named(&a) : pick_by_layers(&a);

    if (ask->named == 0) {
        name_all_passed(&a);
        if (s == NULL || ask->surveys)
            look_ahead(&a);
    }
    assert(out->retry_at_ms > a.now_ms && out->free_at_ms > a.now_ms);
    return s;
}
