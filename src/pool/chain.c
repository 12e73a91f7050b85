/* pool/chain.c - a route's entries, one after the other.
 *
 * Asked once more: the entry that was asked before. A conversation: the entry that served it, while
 * its account is usable. Then the entries in order, first only for somebody who is free, and when
 * nobody is, once more for those who come last and for probes. Entries that rotate are one choice:
 * the account picked longest ago. */
#include "pool/pick_int.h"

const struct pick_ask *chain_entry(const struct pick_ask *ask, uint32_t entry)
{
    while (entry-- > 0)
        ask = ask->next;
    return ask;
}

uint8_t chain_mark(const struct pick_ask *ask)
{
    unsigned mark = 0;

    if (ask->by == PICK_NONE)
        return 1;
    for (size_t i = 0; i < ask->model.len; i++)
        mark = mark * 31 + (unsigned char)ask->model.at[i];
    return (uint8_t)(mark % 254 + 2);
}

struct chain {
    struct pool *pool;
    const struct pick_ask *first;
    int64_t now_ms;
    bool eager, elsewhere;
    struct pick *out; /* of the entry that decided; else of all */
};

static struct standing *entry_pick(const struct chain *c, const struct pick_ask *entry,
                                   uint32_t number, struct pick *out)
{
    struct pick_ask ask = *entry;

    ask.eager = c->eager;
    ask.elsewhere = c->elsewhere;
    struct standing *s = pool_pick(c->pool, &ask, c->now_ms, out);

    out->entry = number;
    return s;
}

/* --- what the entries before have said ------------------------------------------------------- */

static bool is_named(const struct pick *all, const struct pick_passed *who)
{
    for (uint32_t i = 0; i < all->passed_count && i < PICK_PASSED_MAX; i++)
        if (all->passed[i].id == who->id && all->passed[i].why == who->why)
            return true;
    return false;
}

static void add_passed(struct pick *all, const struct pick *one)
{
    uint32_t room = PICK_PASSED_MAX;

    for (uint32_t i = 0; i < one->passed_count && i < room; i++)
        if (!is_named(all, &one->passed[i])) {
            if (all->passed_count < room)
                all->passed[all->passed_count] = one->passed[i];
            all->passed_count++;
        }
    if (one->passed_count > room)
        all->passed_count += one->passed_count - room;
}

/* Accounts that no entry can use are counted once, as far as counts can tell. */
static void add_skipped(struct pick *all, const struct pick *one)
{
    for (unsigned why = 0; why < SKIPS; why++) {
        bool apart = why == SKIP_DISABLED || why == SKIP_PROXY_DISABLED || why == SKIP_NO_MODEL;

        if (!apart)
            all->skipped[why] += one->skipped[why];
        else if (all->skipped[why] < one->skipped[why])
            all->skipped[why] = one->skipped[why];
    }
    all->offering += one->offering;
    all->locked_rate += one->locked_rate;
    all->locked_quota += one->locked_quota;
    all->locked_server += one->locked_server;
    all->locked_host += one->locked_host;
    all->locked_auth += one->locked_auth;
    all->locked_model += one->locked_model;
}

static void add_times(struct pick *all, const struct pick *one)
{
    all->retry_at_ms = sooner(all->retry_at_ms, one->retry_at_ms);
    all->free_at_ms = sooner(all->free_at_ms, one->free_at_ms);
    if (one->wait_until_ms == 0)
        return;
    all->wait_until_ms = later(all->wait_until_ms, one->wait_until_ms);
    all->ask_at_ms = all->ask_at_ms == 0 ? one->ask_at_ms : sooner(all->ask_at_ms, one->ask_at_ms);
}

static void add_entry(struct pick *all, const struct pick *one)
{
    if (all->bound.fate == LAYER_ABSENT)
        all->bound = one->bound;
    if (all->fixed.fate == LAYER_ABSENT)
        all->fixed = one->fixed;
    add_passed(all, one);
    add_skipped(all, one);
    add_times(all, one);
}

/* This one decides: what was passed over before it is told with it. */
static struct standing *entry_taken(const struct chain *c, struct standing *s,
                                    const struct pick *before, const struct pick *one)
{
    struct pick *out = c->out;

    *out = *one;
    out->passed_count = before->passed_count;
    memcpy(out->passed, before->passed, sizeof(out->passed));
    add_passed(out, one);
    return s;
}

/* --- who is asked ---------------------------------------------------------------------------- */

/* Sets `awaited` when that account is back in a moment: its access token is being renewed. */
static struct standing *pick_once_more(const struct chain *c, bool *awaited)
{
    uint32_t number = 0;

    *awaited = false;
    for (const struct pick_ask *e = c->first; e != NULL; e = e->next, number++) {
        if (e->again == 0)
            continue;
        struct standing *s = entry_pick(c, e, number, c->out);

        const struct account *acc = account_find(c->pool, e->again);

        if (s != NULL && s->account->id == e->again)
            return s;
        *awaited = s == NULL && c->out->wait_until_ms != 0 && acc != NULL &&
                   account_is_renewing(acc, c->pool->now_ms);
        if (*awaited)
            return NULL;
    }
    return NULL;
}

/* The conversation's account, through the entry that served it. */
static struct standing *pick_home(const struct chain *c, bool *stays_bound)
{
    const struct bindings *b = &c->pool->bindings;
    const struct pick_ask *first = c->first;
    uint32_t row = BINDING_NONE, number = 0;

    *stays_bound = false;
    if (first->has_session && c->pool->options.mode != MODE_PERFORMANCE_FIRST)
        row = bindings_find(b, &first->session, c->now_ms);
    if (row == BINDING_NONE)
        return NULL;
    const struct account *acc = b->homes[bindings_row(b, row)->home].account;
    uint8_t via = bindings_row(b, row)->via;

    for (const struct pick_ask *e = first; e != NULL && acc != NULL; e = e->next, number++) {
        if ((e->named != 0 && e->named != acc->id) || (via != 0 && via != chain_mark(e)))
            continue;
        struct standing *s = entry_pick(c, e, number, c->out);

        if (s != NULL && s->account == acc && !first->force_rotate)
            return s;
        /* the cache stays where it is when the account is only busy */
        bool busy = e->named != 0 ? c->out->skipped[SKIP_BUSY] > 0 : c->out->bound.why == SKIP_BUSY;

        *stays_bound = *stays_bound || (busy && c->out->mode == MODE_BALANCE);
    }
    return NULL;
}

/* Entries that rotate, from this one on, are one choice. `*last` becomes the last of them. The one
 * that is chosen is asked again: what the others were asked may have moved what is known of it. */
static struct standing *pick_turn(const struct chain *c, const struct pick_ask **last,
                                  uint32_t *number, struct pick *before, struct pick *one)
{
    const struct pick_ask *best = NULL;
    uint64_t best_picked = 0;
    uint32_t best_number = 0;

    for (const struct pick_ask *e = *last;; e = e->next, ++*number) {
        struct standing *s = entry_pick(c, e, *number, one);

        if (s == NULL) {
            add_entry(before, one);
        } else if (!e->rotates) {
            return s;
        } else if (best == NULL || s->picked_last < best_picked) {
            best = e;
            best_number = *number;
            best_picked = s->picked_last;
        }
        *last = e;
        if (!e->rotates || e->next == NULL || !e->next->rotates)
            return best == NULL ? NULL : entry_pick(c, best, best_number, one);
    }
}

static struct standing *pick_in_order(const struct chain *c, struct pick *before)
{
    uint32_t number = 0;

    *before = (struct pick){ .mode = c->pool->options.mode,
                             .retry_at_ms = INT64_MAX,
                             .free_at_ms = INT64_MAX };
    for (const struct pick_ask *e = c->first; e != NULL; e = e->next, number++) {
        struct pick one;
        struct standing *s = pick_turn(c, &e, &number, before, &one);

        if (s != NULL)
            return entry_taken(c, s, before, &one);
    }
    *c->out = *before;
    return NULL;
}

struct standing *chain_pick(struct pool *p, const struct pick_ask *ask, int64_t now_ms,
                            struct pick *out)
{
    struct chain c = { p, ask, now_ms, .eager = true, .out = out };
    struct pick before;
    bool stays_bound, awaited;

    if (ask->next == NULL)
        return pool_pick(p, ask, now_ms, out);
    for (const struct pick_ask *e = ask; e != NULL && ask->spent_count > 0; e = e->next)
        c.elsewhere = c.elsewhere || pick_has_other(p, e);
    struct standing *s = pick_once_more(&c, &awaited);

    if (s != NULL || awaited)
        return s;
    s = pick_home(&c, &stays_bound);
    if (s != NULL)
        return s;
    s = pick_in_order(&c, &before);
    if (s == NULL) {
        c.eager = false;
        s = pick_in_order(&c, &before);
    }
    if (s != NULL && stays_bound)
        out->binds = false;
    return s;
}
