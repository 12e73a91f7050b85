/* pool/roster.c - cohorts and their rosters: where each account stands, kept up to date.
 *
 * Nothing here decides. Whenever something is learned of an account, standing_file() works out
 * anew where it belongs; what changes by the mere passing of time stands in a heap. */
#include <stdlib.h>

#include "pool/pool_int.h"

/* --- what is due, by time -------------------------------------------------------------------- */

static void due_put(struct pool *p, uint32_t at, struct standing *s)
{
    p->due[at] = s;
    s->due_at = at;
}

static void due_up(struct pool *p, uint32_t at, struct standing *s)
{
    while (at > 0 && p->due[(at - 1) / 2]->due_ms > s->due_ms) {
        due_put(p, at, p->due[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    due_put(p, at, s);
}

static void due_down(struct pool *p, uint32_t at, struct standing *s)
{
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child + 1 < p->due_count && p->due[child + 1]->due_ms < p->due[child]->due_ms)
            child++;
        if (child >= p->due_count || p->due[child]->due_ms >= s->due_ms)
            break;
        due_put(p, at, p->due[child]);
        at = child;
    }
    due_put(p, at, s);
}

static void due_remove(struct pool *p, struct standing *s)
{
    uint32_t at = s->due_at;

    if (at == NOT_DUE)
        return;
    struct standing *last = p->due[--p->due_count];

    s->due_at = NOT_DUE;
    if (last == s)
        return;
    if (at > 0 && p->due[(at - 1) / 2]->due_ms > last->due_ms)
        due_up(p, at, last);
    else
        due_down(p, at, last);
}

static void due_set(struct pool *p, struct standing *s, int64_t due_ms)
{
    if (s->due_at != NOT_DUE && s->due_ms == due_ms)
        return;
    due_remove(p, s);
    s->due_ms = due_ms;
    if (due_ms == INT64_MAX)
        return;
    if (p->due_count == p->due_cap) {
        p->due_cap = p->due_cap == 0 ? 64 : p->due_cap * 2;
        p->due = must_realloc(p->due, sizeof(struct standing *) * p->due_cap);
    }
    p->due_count++;
    due_up(p, p->due_count - 1, s);
}

/* --- where a standing belongs ---------------------------------------------------------------- */

enum lock_class lock_class_of(enum verdict_kind kind)
{
    switch (kind) {
    case VERDICT_RATE_LIMITED:
        return LOCK_RATE;
    case VERDICT_QUOTA_EXHAUSTED:
        return LOCK_QUOTA;
    case VERDICT_CAPACITY:
    case VERDICT_SERVER_ERROR:
        return LOCK_SERVER;
    case VERDICT_TIMEOUT:
    case VERDICT_NETWORK:
        return LOCK_HOST;
    case VERDICT_FORBIDDEN:
    case VERDICT_NEEDS_ACTION:
    case VERDICT_AUTH_INVALID:
    case VERDICT_AUTH_EXPIRED:
        return LOCK_AUTH;
    case VERDICT_MODEL_MISSING:
        return LOCK_MODEL;
    case VERDICT_NONE:
    case VERDICT_SUCCESS:
    case VERDICT_REPAIRABLE:
    case VERDICT_CLIENT_FAULT:
    case VERDICT_TOO_LONG:
    case VERDICT_BLOCKED:
    case VERDICT_CLIENT_LEFT:
    case VERDICT_KINDS:
        break;
    }
    assert(false); /* a verdict that locks nobody out */
    return LOCK_CLASSES;
}

struct filing {
    unsigned place;
    uint64_t rank;
    int32_t remaining;
    enum verdict_kind why;
    int64_t until_ms, probe_ms, due_ms;
};

/* 90-100 percent is step 0, 80-89 step 1, …, 0-9 step 9; unknown is last. */
static uint64_t quota_step(int32_t remaining_permille)
{
    if (remaining_permille < 0)
        return 10;
    return remaining_permille >= 900 ? 0 : 9 - (uint64_t)remaining_permille / 100;
}

static uint64_t rank_of(const struct pool *p, const struct account *acc, int32_t remaining)
{
    uint64_t rank = (uint64_t)(TIER_ULTRA - acc->tier) << 56;

    if (p->options.mode == MODE_PERFORMANCE_FIRST)
        rank |= (uint64_t)acc->in_flight << 16;
    return p->options.optimize_quota_sorting ? rank | quota_step(remaining) : rank;
}

static unsigned quota_bits(const struct pool *p, int32_t remaining)
{
    unsigned bits = 0;

    if (remaining < 0)
        return 0;
    if (p->options.quota_reserve_percent > 0 && remaining <= p->options.quota_reserve_percent * 10)
        bits |= SPARE;
    if (remaining < p->options.protection_percent * 10)
        bits |= LOW;
    return bits;
}

static void file_locked(const struct lockout *l, int64_t now_ms, struct filing *f)
{
    if (!lockout_holds(l, now_ms))
        return;
    int64_t probe_ms = lockout_probe_ms(l);

    if (f->place != PLACE_LOCKED) {
        f->place = PLACE_LOCKED;
        f->until_ms = f->probe_ms = INT64_MIN;
    }
    if (l->until_ms > f->until_ms) {
        f->until_ms = l->until_ms;
        f->why = l->why;
    }
    if (probe_ms > f->probe_ms)
        f->probe_ms = probe_ms;
}

static struct filing filing_of(const struct pool *p, const struct standing *s)
{
    const struct account *acc = s->account;
    int64_t now_ms = p->now_ms;
    struct filing f = { .remaining = quota_remaining(&s->quota, now_ms),
                        .until_ms = INT64_MAX,
                        .probe_ms = INT64_MAX,
                        .due_ms = INT64_MAX };

    f.rank = rank_of(p, acc, f.remaining);
    if (f.remaining >= 0 && s->quota.reset_ms != 0)
        f.due_ms = s->quota.reset_ms;
    if (acc->disabled) {
        f.place = acc->refused && !acc->proxy_disabled ? PLACE_REFUSED : PLACE_DISABLED;
        return f;
    }
    if (acc->proxy_disabled) {
        f.place = PLACE_PROXY_DISABLED;
        return f;
    }
    f.place = PLACES;
    file_locked(&acc->lockout, now_ms, &f);
    file_locked(&acc->renewal, now_ms, &f);
    file_locked(&s->lockout, now_ms, &f);
    if (f.place == PLACE_LOCKED) {
        f.due_ms = f.until_ms < f.due_ms ? f.until_ms : f.due_ms;
        return f;
    }
    unsigned bits = quota_bits(p, f.remaining);

    f.place = bits + (account_is_busy(acc) ? PLACE_BUSY : PLACE_READY);
    if (bits != 0 && place_is_ready(f.place))
        f.until_ms = f.due_ms; /* its quota comes back then */
    return f;
}

static struct order *order_of(const struct standing *s)
{
    struct roster *r = s->roster;

    return &r->orders[place_is_ready(s->place) ? s->place : ORDER_OUT];
}

static void standing_take_out(struct standing *s)
{
    struct roster *r = s->roster;

    if (s->place == PLACES)
        return;
    order_remove(order_of(s), s);
    r->count[s->place]--;
    if (s->place == PLACE_LOCKED)
        r->locked[lock_class_of(s->why)]--;
    s->place = PLACES;
}

void standing_file(struct pool *p, struct standing *s)
{
    if (s->roster == NULL)
        return;
    standing_settle_quota(s, p->now_ms);
    struct filing f = filing_of(p, s);

    due_set(p, s, f.due_ms);
    if (s->place == f.place && s->rank == f.rank && s->picked == s->picked_last &&
        s->remaining == f.remaining && s->why == f.why && s->until_ms == f.until_ms &&
        s->probe_ms == f.probe_ms)
        return;
    if (place_is_ready(f.place) && s->place != f.place)
        p->freed = true;
    standing_take_out(s);
    s->place = (uint8_t)f.place;
    s->rank = f.rank;
    s->picked = s->picked_last;
    s->remaining = f.remaining;
    s->why = f.why;
    s->until_ms = f.until_ms;
    s->probe_ms = f.probe_ms;
    order_insert(order_of(s), s);
    s->roster->count[s->place]++;
    if (s->place == PLACE_LOCKED)
        s->roster->locked[lock_class_of(s->why)]++;
}

void standing_picked(struct standing *s)
{
    struct order *o = order_of(s);

    order_remove(o, s);
    s->picked = s->picked_last;
    order_insert(o, s);
}

void account_file(struct pool *p, struct account *acc)
{
    for (struct standing *s = acc->standings; s != NULL; s = s->next)
        standing_file(p, s);
}

void pool_file_all(struct pool *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        account_file(p, p->slots[i].account);
    p->shape++; /* what is monitored may be something else */
    p->freed = true;
}

void account_unfile(struct pool *p, struct account *acc)
{
    for (struct standing *s = acc->standings; s != NULL; s = s->next) {
        if (s->roster != NULL)
            standing_take_out(s);
        due_remove(p, s);
    }
}

/* --- rosters --------------------------------------------------------------------------------- */

static struct roster *roster_find(const struct cohort *c, struct str group)
{
    for (struct roster *r = c->rosters; r != NULL; r = r->next)
        if (str_eq(roster_group(r), group))
            return r;
    return NULL;
}

/* So that trees are well shaped, and the same in every run. */
static uint32_t weight_of(const struct account *acc, const struct roster *r)
{
    uint64_t z = acc->order * UINT64_C(0x9e3779b97f4a7c15) + r->asked;

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

static void standing_attach(struct pool *p, struct standing *s, struct roster *r)
{
    s->roster = r;
    s->weight = weight_of(s->account, r);
    r->leases += s->users;
    standing_file(p, s);
}

static void standing_detach(struct pool *p, struct standing *s)
{
    standing_take_out(s);
    due_remove(p, s);
    s->roster->leases -= s->users;
    s->roster = NULL;
}

static struct standing *standing_new(struct pool *p, struct account *acc, struct roster *r)
{
    struct standing *s = must_calloc(1, sizeof(*s));

    s->account = acc;
    s->place = PLACES;
    s->due_at = NOT_DUE;
    s->quota.remaining_permille = -1;
    s->next = acc->standings;
    acc->standings = s;
    standing_attach(p, s, r);
    return s;
}

void standing_free(struct pool *p, struct standing *s)
{
    struct standing **link = &s->account->standings;

    assert(s->users == 0);
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    if (s->roster != NULL)
        standing_detach(p, s);
    lockout_clear(&s->lockout);
    free(s->said);
    free(s);
}

struct standing *standing_find(const struct account *acc, const struct roster *r)
{
    for (struct standing *s = acc->standings; s != NULL; s = s->next)
        if (s->roster == r)
            return s;
    return NULL;
}

static void roster_free(struct pool *p, struct roster *r)
{
    struct roster **link = &r->cohort->rosters;

    assert(r->leases == 0);
    for (struct account *acc = r->cohort->accounts; acc != NULL; acc = acc->next)
        standing_free(p, standing_find(acc, r));
    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
    r->cohort->roster_count--;
    p->shape++;
    free(r);
}

/* The one asked for longest ago goes, first of those that never served: they may be names that
 * somebody made up. */
static void roster_make_room(struct pool *p, struct cohort *c)
{
    struct roster *worst = NULL;

    if (c->roster_count < ROSTERS_MAX)
        return;
    for (struct roster *r = c->rosters; r != NULL; r = r->next)
        if (r->leases == 0 && (worst == NULL || r->served < worst->served ||
                               (r->served == worst->served && r->asked < worst->asked)))
            worst = r;
    if (worst != NULL) /* else all are in use: there are as many as leases */
        roster_free(p, worst);
}

static struct roster *roster_new(struct pool *p, struct cohort *c, struct str group)
{
    struct roster *r = must_calloc(1, sizeof(*r));

    roster_make_room(p, c);
    assert(group.len <= GROUP_NAME_MAX);
    r->cohort = c;
    r->asked = p->turn;
    r->group_len = (uint8_t)group.len;
    if (group.len > 0)
        memcpy(r->group, group.at, group.len);
    r->next = c->rosters;
    c->rosters = r;
    c->roster_count++;
    return r;
}

struct roster *roster_make(struct pool *p, struct cohort *c, struct str group)
{
    struct roster *r = roster_find(c, group);

    if (r != NULL)
        return r;
    r = roster_new(p, c, group);
    for (struct account *acc = c->accounts; acc != NULL; acc = acc->next)
        (void)standing_new(p, acc, r);
    return r;
}

struct standing *standing_make(struct pool *p, struct account *acc, struct str group)
{
    return standing_find(acc, roster_make(p, acc->cohort, group_name(group)));
}

/* --- cohorts --------------------------------------------------------------------------------- */

static char *name_copy(struct str name)
{
    char *copy = must_alloc(name.len + 1);

    if (name.len > 0)
        memcpy(copy, name.at, name.len);
    copy[name.len] = '\0';
    return copy;
}

static struct host *host_take(struct pool *p, struct str name)
{
    struct host *h = p->hosts;

    if (name.len == 0)
        return NULL; /* nobody knows where it leads */
    while (h != NULL && !str_eq(h->name, name))
        h = h->next;
    if (h == NULL) {
        h = must_calloc(1, sizeof(*h));
        h->name = (struct str){ name_copy(name), name.len };
        h->next = p->hosts;
        p->hosts = h;
    }
    h->cohorts++;
    return h;
}

static void host_release(struct pool *p, struct host *h)
{
    struct host **link = &p->hosts;

    if (h == NULL || --h->cohorts > 0)
        return;
    while (*link != h)
        link = &(*link)->next;
    *link = h->next;
    lockout_clear(&h->lockout);
    free((void *)(uintptr_t)h->name.at);
    free(h);
}

void host_learned(struct pool *p)
{
    p->hosts_due_ms = INT64_MAX;
    for (const struct host *h = p->hosts; h != NULL; h = h->next)
        if (lockout_holds(&h->lockout, p->now_ms) && h->lockout.until_ms < p->hosts_due_ms)
            p->hosts_due_ms = h->lockout.until_ms;
}

static struct family *family_take(struct pool *p, struct str name)
{
    struct family *f = p->families;

    while (f != NULL && !str_eq(f->name, name))
        f = f->next;
    if (f == NULL) {
        f = must_calloc(1, sizeof(*f));
        f->name = (struct str){ name_copy(name), name.len };
        f->next = p->families;
        p->families = f;
    }
    f->cohorts++;
    return f;
}

static void family_release(struct pool *p, struct family *f)
{
    struct family **link = &p->families;

    if (--f->cohorts > 0)
        return;
    while (*link != f)
        link = &(*link)->next;
    *link = f->next;
    free((void *)(uintptr_t)f->name.at);
    free(f);
}

struct model_list *list_use(struct model_list *l)
{
    if (l != NULL)
        l->users++;
    return l;
}

void list_release(struct pool *p, struct model_list *l)
{
    struct model_list **link = &p->lists;

    if (l == NULL || --l->users > 0)
        return;
    while (*link != l)
        link = &(*link)->next;
    *link = l->next;
    p->lists_bytes -= l->arena.total;
    model_list_free(l);
}

static bool cohort_fits(const struct cohort *c, const struct account *acc)
{
    const struct account_config *config = acc->config;
    const struct account_spec *spec = config->spec;
    struct str host = c->host == NULL ? STR("") : c->host->name;

    if (c->listed != acc->listed || c->wires != config->means.wires ||
        c->group != config->means.group || c->model_count != spec->model_count ||
        !str_eq(c->family->name, spec->provider) || !str_eq(host, config->means.host))
        return false;
    for (size_t i = 0; i < c->model_count; i++)
        if (!str_eq(c->models[i], spec->models[i]))
            return false;
    return true;
}

static struct cohort *cohort_make(struct pool *p, const struct account *acc)
{
    const struct account_config *config = acc->config;
    const struct account_spec *spec = config->spec;
    struct cohort *c = p->cohorts;
    struct str *models;

    while (c != NULL && !cohort_fits(c, acc))
        c = c->next;
    if (c != NULL)
        return c;
    c = must_calloc(1, sizeof(*c));
    c->family = family_take(p, spec->provider);
    c->host = host_take(p, config->means.host);
    c->wires = config->means.wires;
    c->group = config->means.group;
    c->model_count = spec->model_count;
    models = arena_array(&c->arena, struct str, spec->model_count + 1);
    for (size_t i = 0; i < spec->model_count; i++)
        models[i] = arena_copy(&c->arena, spec->models[i]);
    c->models = models;
    c->listed = list_use(acc->listed);
    c->next = p->cohorts;
    p->cohorts = c;
    p->shape++;
    return c;
}

static void cohort_free(struct pool *p, struct cohort *c)
{
    struct cohort **link = &p->cohorts;

    assert(c->count == 0 && c->accounts == NULL);
    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    for (struct roster *r = c->rosters, *next; r != NULL; r = next) {
        next = r->next;
        roster_free(p, r);
    }
    family_release(p, c->family);
    host_release(p, c->host);
    list_release(p, c->listed);
    arena_free(&c->arena);
    p->shape++;
    free(c);
}

static void cohort_link(struct cohort *c, struct account *acc)
{
    acc->cohort = c;
    acc->previous = NULL;
    acc->next = c->accounts;
    if (c->accounts != NULL)
        c->accounts->previous = acc;
    c->accounts = acc;
    c->count++;
    c->with_missing += acc->missing_count > 0;
}

static void cohort_unlink(struct account *acc)
{
    struct cohort *c = acc->cohort;

    if (acc->next != NULL)
        acc->next->previous = acc->previous;
    if (acc->previous != NULL)
        acc->previous->next = acc->next;
    else
        c->accounts = acc->next;
    c->count--;
    c->with_missing -= acc->missing_count > 0;
    acc->cohort = NULL;
}

static void standing_move(struct pool *p, struct standing *s, struct cohort *to)
{
    struct str group = roster_group(s->roster);
    struct roster *r = roster_find(to, group);

    if (r == NULL && s->users == 0 && to->roster_count >= ROSTERS_MAX) {
        standing_free(p, s);
        return;
    }
    if (r == NULL)
        r = roster_make(p, to, group);
    standing_detach(p, s);
    standing_attach(p, s, r);
}

/* What is known of it in the groups of its old cohort goes with it. Those with leases go first:
 * room is made for them only, and not by rosters that it has just come to stand in. */
static void standings_move(struct pool *p, struct account *acc, struct cohort *to)
{
    for (int leased = 1; leased >= 0; leased--)
        for (struct standing *s = acc->standings, *next; s != NULL; s = next) {
            next = s->next;
            if (s->roster->cohort != to && (s->users > 0) == leased)
                standing_move(p, s, to);
        }
}

/* Into the cohort of its configuration and list, out of the one it was in. */
void cohort_join(struct pool *p, struct account *acc)
{
    struct cohort *to = cohort_make(p, acc), *from = acc->cohort;

    if (to == from) {
        account_file(p, acc);
        return;
    }
    if (from != NULL) {
        standings_move(p, acc, to);
        cohort_unlink(acc);
        if (from->count == 0)
            cohort_free(p, from);
    }
    for (struct roster *r = to->rosters; r != NULL; r = r->next)
        if (standing_find(acc, r) == NULL)
            (void)standing_new(p, acc, r);
    cohort_link(to, acc);
}

/* Standings that leases hold stay with the account, filed nowhere. */
void cohort_leave(struct pool *p, struct account *acc)
{
    struct cohort *c = acc->cohort;
    struct standing *next;

    for (struct standing *s = acc->standings; s != NULL; s = next) {
        next = s->next;
        if (s->users > 0)
            standing_detach(p, s);
        else
            standing_free(p, s);
    }
    cohort_unlink(acc);
    if (c->count == 0)
        cohort_free(p, c);
}

/* --- time, and the end ----------------------------------------------------------------------- */

void pool_settle(struct pool *p, int64_t now_ms)
{
    if (now_ms <= p->now_ms)
        return; /* what is learned at that time ends behind it */
    p->now_ms = now_ms;
    while (p->due_count > 0 && p->due[0]->due_ms <= p->now_ms) {
        struct standing *s = p->due[0];

        standing_file(p, s);
        assert(s->due_at == NOT_DUE || s->due_ms > p->now_ms);
    }
    if (p->hosts_due_ms <= p->now_ms) {
        host_learned(p);
        p->freed = true;
    }
    bindings_settle(&p->bindings, p->now_ms);
}

void rosters_free(struct pool *p)
{
    assert(p->cohorts == NULL && p->hosts == NULL && p->families == NULL && p->lists == NULL);
    free(p->due);
}
