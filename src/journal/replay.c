/* journal/replay.c - a queue of moments, and what happens at each.
 *
 *     BEGIN    a turn arrives: it asks the pool
 *     ASK      one that waits asks again (also when the pool wakes it)
 *     ANSWER   its account has answered: the pool learns, and the turn ends or rotates
 *
 * Moments at the same time happen in the order in which they were put there; those whom the pool
 * woke come right behind the moment that freed an account. */
#include "journal/replay.h"

#include <stdlib.h>

#define CLOCK_BEGINS_MS 1000000 /* a clock that does not begin at 0, as loops' do not */

/* One request under way. */
struct flight {
    struct replay *replay;
    uint32_t turn, attempts, costly;
    int64_t began_ms, asked_ms, waited_ms; /* asked 0: it is not looking for an account */
    uint64_t ask_number;                   /* of the ASK that counts; others are out of date */
    struct waiter waiter;
    struct lease lease;
    struct world_answer answer;
    int64_t tried[PICK_TRIED_MAX];
    size_t tried_count;
    int64_t spared; /* the account that was given a second chance; 0: none */
    struct flight *woken_next;
    bool woken;
    struct pick_ask *asks; /* along a route: two times as many as entries, one half may be queued */
    bool second_half;
};

enum moment_kind { BEGIN, ASK, ANSWER };

struct moment {
    int64_t at_ms;
    uint64_t number; /* order among those of one time */
    enum moment_kind kind;
    uint32_t turn;
};

struct replay {
    const struct replay_options *o;
    const struct turns *turns;
    struct pool *pool;
    struct world *world;
    struct moment *heap;
    size_t heap_count, heap_cap;
    uint64_t number;
    struct flight **flights; /* of each turn, while it is under way */
    struct flight *woken;    /* first in, first out */
    struct flight **woken_end;
    uint32_t *served_by; /* of each conversation: account + 1; 0 nobody yet */
    int64_t *waits, *took;
    size_t wait_count, took_count;
    struct replay_report *out;
};

/* --- the queue ------------------------------------------------------------------------------- */

static bool sooner(const struct moment *a, const struct moment *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static uint64_t moment_add(struct replay *r, struct moment m)
{
    if (r->heap_count == r->heap_cap) {
        r->heap_cap = r->heap_cap == 0 ? 256 : r->heap_cap * 2;
        r->heap = must_realloc(r->heap, r->heap_cap * sizeof(r->heap[0]));
    }
    size_t i = r->heap_count++;

    m.number = ++r->number;
    for (; i > 0 && sooner(&m, &r->heap[(i - 1) / 2]); i = (i - 1) / 2)
        r->heap[i] = r->heap[(i - 1) / 2];
    r->heap[i] = m;
    return m.number;
}

static struct moment moment_take(struct replay *r)
{
    assert(r->heap_count > 0);
    struct moment first = r->heap[0], last = r->heap[--r->heap_count];
    size_t i = 0;

    for (size_t child; (child = 2 * i + 1) < r->heap_count; i = child) {
        if (child + 1 < r->heap_count && sooner(&r->heap[child + 1], &r->heap[child]))
            child++;
        if (!sooner(&r->heap[child], &last))
            break;
        r->heap[i] = r->heap[child];
    }
    if (r->heap_count > 0)
        r->heap[i] = last;
    return first;
}

/* --- a request ------------------------------------------------------------------------------- */

/* Called under the pool's lock: only put on a list. */
static void on_wake(void *peer)
{
    struct flight *f = peer;
    struct replay *r = f->replay;

    if (f->woken)
        return;
    f->woken = true;
    f->woken_next = NULL;
    *r->woken_end = f;
    r->woken_end = &f->woken_next;
}

static const struct turn *turn_of(const struct flight *f)
{
    return &f->replay->turns->at[f->turn];
}

static void flight_end(struct flight *f, int status, int64_t now_ms)
{
    struct replay *r = f->replay;
    const struct turn *t = turn_of(f);

    r->out->requests++;
    if (status == 200) {
        r->out->completed++;
        r->took[r->took_count++] = now_ms - f->began_ms;
    } else if (status == 429) {
        r->out->refused++;
    } else {
        r->out->failed++;
    }
    if (f->waited_ms > 0) {
        r->out->waits++;
        r->out->wait_ms_sum += f->waited_ms;
        r->waits[r->wait_count++] = f->waited_ms;
    }
    if (now_ms - CLOCK_BEGINS_MS > r->out->ended_ms)
        r->out->ended_ms = now_ms - CLOCK_BEGINS_MS;
    if (t->next != TURN_NONE)
        (void)moment_add(r, (struct moment){ .at_ms = now_ms + r->turns->at[t->next].think_ms,
                                             .kind = BEGIN,
                                             .turn = t->next });
    r->flights[f->turn] = NULL;
    free(f->asks);
    free(f);
}

/* What the client is told when nobody is left to be asked or waited for. */
static int status_of_nobody(const struct pick *why)
{
    return why->locked_rate + why->locked_quota + why->skipped[SKIP_BUSY] +
                       why->skipped[SKIP_RESERVE] + why->skipped[SKIP_PROTECTED] >
                   0
               ? 429
               : 503;
}

static void flight_send(struct flight *f, int64_t now_ms)
{
    struct replay *r = f->replay;
    uint32_t account = (uint32_t)(f->lease.account_id - 1);

    f->waited_ms += now_ms - f->asked_ms;
    f->asked_ms = 0;
    if (f->attempts > 0)
        r->out->rotations++;
    r->out->attempts++;
    f->answer = world_ask(r->world, account, turn_of(f), f->turn, f->attempts++, now_ms);
    (void)moment_add(
        r,
        (struct moment){ .at_ms = now_ms + f->answer.takes_ms, .kind = ANSWER, .turn = f->turn });
}

/* The account with this label; one that nobody here has: nobody. */
static int64_t account_named(struct replay *r, struct str label)
{
    int64_t id = pool_labelled(r->pool, label);

    return id != 0 ? id : INT64_MIN;
}

/* Along a route each entry is asked for. Which provider an account belongs to is not known here: an
 * entry for any account of one may be served by all. */
static struct pick_ask asks_of_route(struct flight *f, const struct pick_ask *plain)
{
    const struct turn *t = turn_of(f);

    if (f->asks == NULL)
        f->asks = must_calloc((size_t)t->entry_count * 2, sizeof(f->asks[0]));
    struct pick_ask *asks = f->asks + (f->second_half ? t->entry_count : 0);

    f->second_half = !f->second_half;
    for (uint32_t i = 0; i < t->entry_count; i++) {
        const struct journal_entry *e = &t->entries[i];
        struct pick_ask *ask = &asks[i];

        *ask = *plain;
        ask->model = e->model;
        ask->by = t->by;
        ask->named = e->account.len > 0 ? account_named(f->replay, e->account) : 0;
        ask->by_age = e->by_age;
        ask->rotates = e->rotates;
        ask->spends_reserve = e->spends_reserve;
        ask->next = i + 1 < t->entry_count ? &asks[i + 1] : NULL;
    }
    return asks[0];
}

static void flight_ask(struct flight *f, int64_t now_ms)
{
    struct replay *r = f->replay;
    const struct turn *t = turn_of(f);
    struct pick why;

    if (f->asked_ms == 0)
        f->asked_ms = now_ms;
    struct pick_ask ask = {
        .model = t->model,
        .wires = 1,
        .has_session = t->session != TURN_NONE,
        .home = t->home.len > 0 ? pool_labelled(r->pool, t->home) : 0,
        .force_rotate = f->attempts > 0,
        .tried = f->tried,
        .tried_count = f->tried_count,
        .since_ms = f->asked_ms,
        .deadline_ms = f->began_ms + r->o->deadline_ms,
        .waiter = &f->waiter,
    };

    if (ask.has_session)
        ask.session = r->turns->sessions[t->session];
    if (t->by != PICK_NONE)
        ask = asks_of_route(f, &ask);
    if (pool_lease(r->pool, &ask, now_ms, &f->lease, &why)) {
        flight_send(f, now_ms);
    } else if (why.wait_until_ms > 0) {
        f->ask_number = moment_add(
            r, (struct moment){ .at_ms = why.ask_at_ms > now_ms ? why.ask_at_ms : now_ms + 1,
                                .kind = ASK,
                                .turn = f->turn });
    } else {
        f->waited_ms += now_ms - f->asked_ms;
        flight_end(f, status_of_nobody(&why), now_ms);
    }
}

static void count_answer(struct replay *r, const struct flight *f)
{
    uint32_t number = (uint32_t)(f->lease.account_id - 1);
    struct replay_account *a = &r->out->accounts[number];
    const struct turn *t = turn_of(f);

    if (f->answer.verdict.kind != VERDICT_SUCCESS) {
        if (f->answer.verdict.status == 429)
            a->refused++;
        else
            a->failed++;
        return;
    }
    a->served++;
    a->tokens_new += f->answer.tokens_new;
    a->tokens_cached += f->answer.tokens_cached;
    a->tokens_out += t->tokens_out;
    r->out->tokens_prompt += t->tokens_prompt;
    r->out->tokens_cached += f->answer.tokens_cached;
    r->out->tokens_out += t->tokens_out;
    if (t->session == TURN_NONE)
        return;
    if (r->served_by[t->session] != 0 && r->served_by[t->session] != number + 1)
        r->out->rebinds++;
    r->served_by[t->session] = number + 1;
}

static void tell_quota(struct replay *r, const struct flight *f, int64_t now_ms)
{
    if (f->answer.quota_permille >= 0)
        (void)pool_set_quota(r->pool, f->lease.account_id, f->lease.model,
                             &(struct quota){ .remaining_permille = f->answer.quota_permille,
                                              .reset_ms = f->answer.quota_reset_ms,
                                              .seen_ms = now_ms },
                             now_ms);
}

static void flight_answered(struct flight *f, int64_t now_ms)
{
    struct replay *r = f->replay;
    const struct verdict *v = &f->answer.verdict;
    int64_t account = f->lease.account_id;

    count_answer(r, f);
    if (v->kind == VERDICT_SUCCESS)
        world_end(r->world, (uint32_t)(account - 1), turn_of(f), now_ms);
    tell_quota(r, f, now_ms);
    lease_return(r->pool, &f->lease, v, now_ms);
    if (v->kind == VERDICT_SUCCESS) {
        flight_end(f, 200, now_ms);
        return;
    }
    if (!verdict_is_free(v->kind))
        f->costly++;
    if (verdict_is_short(v) && f->spared != account)
        f->spared = account;
    else if (f->tried_count < PICK_TRIED_MAX)
        f->tried[f->tried_count++] = account;
    if (f->costly >= PICK_COSTLY_MAX || f->tried_count >= PICK_TRIED_MAX ||
        now_ms >= f->began_ms + r->o->deadline_ms)
        flight_end(f, v->status == 429 ? 429 : 502, now_ms);
    else
        flight_ask(f, now_ms);
}

static void flight_begin(struct replay *r, uint32_t turn, int64_t now_ms)
{
    struct flight *f = must_calloc(1, sizeof(*f));

    r->flights[turn] = f;
    f->replay = r;
    f->turn = turn;
    f->began_ms = now_ms;
    f->waiter.wake = on_wake;
    f->waiter.peer = f;
    flight_ask(f, now_ms);
}

/* --- a run ----------------------------------------------------------------------------------- */

static void run_woken(struct replay *r, int64_t now_ms)
{
    while (r->woken != NULL) {
        struct flight *f = r->woken;

        r->woken = f->woken_next;
        if (r->woken == NULL)
            r->woken_end = &r->woken;
        f->woken = false;
        if (f->asked_ms != 0) {
            f->ask_number = 0;
            flight_ask(f, now_ms);
        }
    }
}

static void run(struct replay *r)
{
    for (uint32_t i = 0; i < r->turns->count; i++)
        if (!r->turns->at[i].follows)
            (void)moment_add(r, (struct moment){ .at_ms = CLOCK_BEGINS_MS + r->turns->at[i].at_ms,
                                                 .kind = BEGIN,
                                                 .turn = i });
    while (r->heap_count > 0) {
        struct moment m = moment_take(r);

        switch (m.kind) {
        case BEGIN:
            flight_begin(r, m.turn, m.at_ms);
            break;
        case ASK: {
            struct flight *f = r->flights[m.turn];

            if (f != NULL && f->ask_number == m.number)
                flight_ask(f, m.at_ms);
            break;
        }
        case ANSWER:
            flight_answered(r->flights[m.turn], m.at_ms);
            break;
        }
        run_woken(r, m.at_ms);
    }
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The value that `percent` of all are not above; 0 of none. */
static int64_t percentile(int64_t *list, size_t count, size_t percent)
{
    if (count == 0)
        return 0;
    qsort(list, count, sizeof(list[0]), by_number);
    return list[(count * percent + 99) / 100 - 1];
}

static enum status accounts_put(struct replay *r, struct error *e)
{
    const struct world_options *w = &r->o->world;
    enum status st = OK;

    for (uint32_t i = 0; i < w->account_count && st == OK; i++) {
        const struct world_account *a = &w->accounts[i];
        struct account_spec *spec = account_spec_new();

        spec->id = i + 1;
        spec->label = a->label;
        spec->provider = STR("replay");
        spec->tier = a->tier;
        spec->concurrency_max = a->concurrency_max;
        spec->models = (struct str *)(uintptr_t)a->models;
        spec->model_count = a->model_count;
        spec->created_unix_ms = i;
        st = pool_put(r->pool, spec, &(struct account_means){ .wires = 1 }, e);
        account_spec_free(spec);
        r->out->accounts[i].label = a->label;
        if (st == OK && r->o->fixed != NULL && str_eq(a->label, str_c(r->o->fixed)))
            (void)pool_fix(r->pool, i + 1);
    }
    return st;
}

enum status replay_run(const struct replay_options *options, const struct turns *turns,
                       struct arena *a, struct replay_report *out, struct error *e)
{
    struct replay r = { .o = options, .turns = turns, .out = out };
    enum status st = world_new(&options->world, turns->session_count, &r.world, e);

    if (st != OK)
        return st;
    *out = (struct replay_report){
        .accounts = arena_array(a, struct replay_account, options->world.account_count + 1),
        .account_count = options->world.account_count,
    };
    r.woken_end = &r.woken;
    r.pool = pool_new(&options->pool);
    r.flights = must_calloc(turns->count + 1, sizeof(r.flights[0]));
    r.served_by = must_calloc(turns->session_count + 1, sizeof(r.served_by[0]));
    r.waits = must_calloc(turns->count + 1, sizeof(r.waits[0]));
    r.took = must_calloc(turns->count + 1, sizeof(r.took[0]));
    st = accounts_put(&r, e);
    if (st == OK) {
        run(&r);
        out->wait_ms_p50 = percentile(r.waits, r.wait_count, 50);
        out->wait_ms_p95 = percentile(r.waits, r.wait_count, 95);
        out->took_ms_p50 = percentile(r.took, r.took_count, 50);
        out->took_ms_p95 = percentile(r.took, r.took_count, 95);
    }
    pool_free(r.pool);
    world_free(r.world);
    free(r.heap);
    free(r.flights);
    free(r.served_by);
    free(r.waits);
    free(r.took);
    return st;
}
