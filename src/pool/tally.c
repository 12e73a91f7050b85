/* pool/tally.c - how many accounts are out for which reason, who of them are the best-ranked, and
 * when the first of them is back. */
#include "pool/pick_int.h"

/* --- counting -------------------------------------------------------------------------------- */

uint32_t *tally_of(struct pick *out, enum lock_class class)
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

    if (r->count[PLACE_READY] == r->cohort->count) { /* as a rule */
        out->skipped[barred    ? SKIP_TRIED
                     : cut_off ? SKIP_LOCKED_OUT
                               : SKIP_NONE] += r->cohort->count;
        out->locked_host += cut_off ? r->cohort->count : 0;
        return;
    }
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
        *tally_of(out, class) += r->locked[class];
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

void tally_all(struct asking *a)
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
    const struct standing *again =
        a->ask->again == 0 ? NULL : standing_in_lane(a, account_find(p, a->ask->again));

    if (again != NULL && !was_tried(a, again->account) &&
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

void tally_name(const struct asking *a, const struct standing *s, struct pick_passed *to)
{
    int64_t until_ms = standing_until(a, s);

    to->id = s->account->id;
    to->why = standing_skip(a, s);
    to->verdict = standing_verdict(a, s);
    to->until_ms = until_ms == INT64_MAX ? 0 : until_ms;
    label_into(to->label, s->account);
}

void tally_names(struct asking *a)
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
        tally_name(a, list.at[i], &out->passed[i]);
}

/* --- looking ahead --------------------------------------------------------------------------- */

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
    if (s->probe_ms > a->now_ms && s->probe_ms < best_ms && standing_may_probe(a, s))
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

void tally_ahead(struct asking *a)
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
