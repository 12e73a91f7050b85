#include "app/usage_keeper.h"

#include <pthread.h>
#include <stdlib.h>

#include "app/worker.h"
#include "base/log.h"
#include "io/mailbox.h"
#include "io/zone.h"
#include "provider/price.h"

#define QUEUE_ROWS 40000 /* of all feeds together */
#define TICK_MS 500
#define AGAIN_MS 1000      /* after the database could not be written */
#define OPEN_AGAIN_MS 5000 /* after it could not be opened */
#define PRUNE_MS ((int64_t)3600 * 1000)
#define PRUNE_FIRST_MS 5000

/* Rows of a worker, taken from its feed and not written yet, oldest first. */
struct line {
    struct usage_feed *feed;
    struct usage_block *first, **end; /* blocks */
    uint32_t at, rows;                /* so much of the first block is written; rows that are not */
    /* of the batch being written: its next row, and behind which block and place it was read */
    bool has;
    uint32_t taken; /* rows before it */
    struct usage_block *block;
    uint32_t place, behind;
    struct usage_row row;
    struct usage_attempt alone;
};

/* What was found for a model of a provider, by where their names are. */
struct priced {
    const void *names, *provider;
    const struct price *price;
};
#define PRICED 256

struct usage_keeper {
    struct arena arena;
    const char *folder;
    struct loop *loop;
    struct mailbox *mailbox;
    struct thread *thread; /* NULL: not running */
    struct timer tick;
    _Atomic bool woken;             /* a message is on its way */
    struct line lines[WORKERS_MAX]; /* the keeper's thread alone */
    unsigned line_count;
    struct usage_added *adding; /* by the batch that is being written */
    size_t adding_count, adding_cap;
    struct priced priced[PRICED];
    int64_t again_ms, prune_ms;

    pthread_mutex_t db_lock; /* whoever has it has the database */
    struct usage_db *db;     /* NULL: not open */
    int64_t opened_ms;       /* when opening it failed last; 0: it did not */

    pthread_mutex_t lock; /* of what follows */
    struct settings *settings;
    struct usage_today *today; /* by account */
    size_t today_count, today_cap;
    int64_t day_s;
    struct usage_counts counts;
};

static int64_t mono_ms(void)
{
    return clock_mono_us() / 1000;
}

/* --- the database ---------------------------------------------------------------------------- */

static void today_clear(struct usage_keeper *k, int64_t day_s)
{
    k->today_count = 0;
    k->day_s = day_s;
}

/* The place of an account, made when it is new. Under the lock. */
static struct usage_today *today_of(struct usage_keeper *k, int64_t account, bool make)
{
    size_t low = 0, high = k->today_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (k->today[middle].account < account)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < k->today_count && k->today[low].account == account)
        return &k->today[low];
    if (!make)
        return NULL;
    if (k->today_count == k->today_cap) {
        k->today_cap = k->today_cap > 0 ? k->today_cap * 2 : 16;
        k->today = must_realloc(k->today, k->today_cap * sizeof(k->today[0]));
    }
    memmove(&k->today[low + 1], &k->today[low], (k->today_count - low) * sizeof(k->today[0]));
    k->today_count++;
    k->today[low] = (struct usage_today){ .account = account };
    return &k->today[low];
}

static void today_load(void *peer, const struct usage_today *t)
{
    struct usage_keeper *k = peer;

    *today_of(k, t->account, true) = *t;
}

/* Under the database's lock. */
static enum status today_read(struct usage_keeper *k, struct error *e)
{
    int64_t day_s = zone_day(clock_unix_ms() / 1000);

    pthread_mutex_lock(&k->lock);
    today_clear(k, day_s);
    enum status st = usage_of_accounts(k->db, day_s, today_load, k, e);

    pthread_mutex_unlock(&k->lock);
    return st;
}

/* Under the database's lock. */
static void database_close(struct usage_keeper *k, bool damaged)
{
    struct error e;

    usage_close(k->db);
    k->db = NULL;
    k->opened_ms = 0;
    if (damaged && usage_set_aside(k->folder, clock_unix_ms(), &e) != OK)
        log_error("the damaged usage database stays in the way", F_C("why", e.text));
}

struct usage_db *usage_keeper_take(struct usage_keeper *k, struct error *e)
{
    pthread_mutex_lock(&k->db_lock);
    if (k->db != NULL)
        return k->db;
    if (k->opened_ms != 0 && mono_ms() - k->opened_ms < OPEN_AGAIN_MS) {
        (void)fail(e, E_STORE, "the usage database could not be opened a moment ago");
    } else if (usage_open(k->folder, clock_unix_ms(), &k->db, e) == OK && today_read(k, e) == OK) {
        k->opened_ms = 0;
        return k->db;
    } else {
        usage_close(k->db);
        k->db = NULL;
        k->opened_ms = mono_ms();
        log_warn("usage is not kept now: its database cannot be opened", F_C("why", e->text));
    }
    pthread_mutex_unlock(&k->db_lock);
    return NULL;
}

void usage_keeper_return(struct usage_keeper *k, const struct error *failed)
{
    if (failed != NULL) {
        bool damaged = usage_is_damaged(k->db);

        log_warn("the usage database failed", F_C("why", failed->text));
        /* what is wrong may lie with the file: the next one who wants it opens it anew */
        if (!usage_is_busy(k->db))
            database_close(k, damaged);
    }
    pthread_mutex_unlock(&k->db_lock);
}

/* --- costs ----------------------------------------------------------------------------------- */

static const struct price *price_of(struct usage_keeper *k, const struct settings *s,
                                    const struct usage_names *n, struct str provider)
{
    uint64_t mixed = ((uintptr_t)n ^ (uintptr_t)provider.at) * UINT64_C(0x9e3779b97f4a7c15);
    struct priced *p = &k->priced[(mixed >> 32) % PRICED];

    if (p->names != n || p->provider != provider.at)
        *p = (struct priced){ n, provider.at,
                              price_find(s != NULL ? s->prices : NULL,
                                         s != NULL ? s->price_count : 0, provider, n->mapped) };
    return p->price;
}

/* An attempt that named no tokens cost nothing when it was refused or only counted; when it was
 * answered, broke off in the middle, or was given up with its client, nobody knows what it cost. */
static bool costs_nothing(const struct usage_row *row, const struct usage_attempt *a)
{
    return row->names->free || (a->tokens.in < 0 && a->tokens.out < 0 &&
                                (a->who->status < 200 || a->who->status >= 300) &&
                                !str_eq(a->who->verdict, str_c(verdict_word(VERDICT_CLIENT_LEFT))));
}

static void reckon(struct usage_keeper *k, const struct settings *s, const struct usage_row *row)
{
    for (uint32_t i = 0; i < row->kept; i++) {
        struct usage_attempt *a = &row->attempts[i];
        const struct usage u = { a->tokens.in, a->tokens.out, a->tokens.cache_read,
                                 a->tokens.cache_write, a->tokens.reasoning };

        a->cost_nano = costs_nothing(row, a)
                           ? 0
                           : price_cost(price_of(k, s, row->names, a->who->provider), &u);
    }
}

/* --- writing --------------------------------------------------------------------------------- */

static void take_feeds(struct usage_keeper *k)
{
    for (unsigned i = 0; i < k->line_count; i++) {
        struct line *l = &k->lines[i];

        *l->end = usage_feed_take(l->feed);
        for (; *l->end != NULL; l->end = &(*l->end)->next)
            l->rows += (*l->end)->rows;
    }
}

static uint32_t rows_pending(const struct usage_keeper *k)
{
    uint32_t rows = 0;

    for (unsigned i = 0; i < k->line_count; i++)
        rows += k->lines[i].rows;
    return rows;
}

/* The next row that is not in the batch yet. */
static void line_next(struct line *l)
{
    l->place = l->behind;
    while (l->block != NULL) {
        l->has = usage_block_row(l->block, &l->behind, &l->row, &l->alone);
        if (l->has)
            return;
        if (l->block->next == NULL)
            return; /* it stays where it is: nothing is behind */
        l->block = l->block->next;
        l->place = l->behind = 0;
    }
}

static void line_begin(struct line *l)
{
    l->has = false;
    l->taken = 0;
    l->block = l->first;
    l->behind = l->at;
    line_next(l);
}

/* What the batch has taken is written, or given up: blocks behind which it is need not be kept. */
static void line_done(struct line *l)
{
    while (l->first != NULL && (l->first != l->block || !l->has)) {
        struct usage_block *b = l->first;
        bool last = b == l->block;

        l->first = b->next;
        free(b);
        if (last)
            break;
    }
    l->at = l->first != NULL && l->has ? l->place : 0;
    if (l->first == NULL)
        l->end = &l->first;
    l->rows -= l->taken;
    usage_feed_done(l->feed, l->taken);
    l->taken = 0;
    l->block = NULL;
}

/* Of the workers' rows the one whose request ended first: lists of requests are in that order.
 * `until_ms`: it stays that line's turn up to then. */
static struct line *line_first(struct usage_keeper *k, int64_t *until_ms)
{
    struct line *first = NULL;

    *until_ms = INT64_MAX;
    for (unsigned i = 0; i < k->line_count; i++) {
        struct line *l = &k->lines[i];

        if (!l->has)
            continue;
        if (first == NULL) {
            first = l;
        } else if (l->row.ended_unix_ms < first->row.ended_unix_ms) {
            *until_ms = first->row.ended_unix_ms;
            first = l;
        } else if (l->row.ended_unix_ms < *until_ms) {
            *until_ms = l->row.ended_unix_ms;
        }
    }
    return first;
}

static void on_added(void *peer, const struct usage_added *sum)
{
    struct usage_keeper *k = peer;

    if (k->adding_count == k->adding_cap) {
        k->adding_cap = k->adding_cap > 0 ? k->adding_cap * 2 : 64;
        k->adding = must_realloc(k->adding, k->adding_cap * sizeof(k->adding[0]));
    }
    k->adding[k->adding_count++] = *sum;
}

/* Under the lock. Days begin where an hour does. */
static void today_add(struct usage_keeper *k, const struct usage_added *sum)
{
    if (sum->hour_s < k->day_s)
        return;
    if (sum->hour_s >= k->day_s + (int64_t)22 * 3600) { /* days may be so short */
        int64_t day_s = zone_day(sum->hour_s);

        if (day_s != k->day_s)
            today_clear(k, day_s);
    }
    if (sum->account == 0)
        return;
    struct usage_today *t = today_of(k, sum->account, true);

    t->requests += sum->requests;
    t->tokens_in += sum->tokens_in;
    t->tokens_out += sum->tokens_out;
}

static void count_written(struct usage_keeper *k, uint32_t rows)
{
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < k->adding_count; i++)
        today_add(k, &k->adding[i]);
    k->counts.written += rows;
    k->counts.batches++;
    bool recovered = k->counts.failing;

    k->counts.failing = false;
    pthread_mutex_unlock(&k->lock);
    if (recovered)
        log_info("usage is kept again");
}

static void count_failure(struct usage_keeper *k, const struct error *e)
{
    pthread_mutex_lock(&k->lock);
    bool before = k->counts.failing;

    k->counts.failures++;
    k->counts.failing = true;
    pthread_mutex_unlock(&k->lock);
    if (!before)
        log_warn("usage of requests waits in memory: its database cannot be written",
                 F_C("why", e->text));
    k->again_ms = mono_ms() + AGAIN_MS;
}

static struct settings *settings_now(struct usage_keeper *k)
{
    pthread_mutex_lock(&k->lock);
    struct settings *s = k->settings != NULL ? settings_ref(k->settings) : NULL;

    pthread_mutex_unlock(&k->lock);
    return s;
}

/* As many rows as one transaction takes. False: there is no more, or it failed. */
static bool write_batch(struct usage_keeper *k, const struct settings *s)
{
    struct error e = { 0 };
    struct line *l;
    uint32_t count = 0;
    int64_t until_ms;

    if (rows_pending(k) == 0)
        return false;
    for (unsigned i = 0; i < k->line_count; i++)
        line_begin(&k->lines[i]);
    k->adding_count = 0;
    memset(k->priced, 0, sizeof(k->priced));
    struct usage_db *db = usage_keeper_take(k, &e);

    if (db == NULL) {
        count_failure(k, &e);
        return false;
    }
    enum status st = usage_batch_begin(db, on_added, k, &e);

    if (st == OK) {
        while (st == OK && count < USAGE_ROWS_MAX && (l = line_first(k, &until_ms)) != NULL)
            do {
                reckon(k, s, &l->row);
                st = usage_batch_put(db, &l->row, &e);
                count++;
                l->taken++;
                line_next(l);
            } while (st == OK && count < USAGE_ROWS_MAX && l->has &&
                     l->row.ended_unix_ms <= until_ms);
        st = usage_batch_end(db, st, &e);
    }
    usage_keeper_return(k, st == OK ? NULL : &e);
    if (st != OK) {
        count_failure(k, &e);
        return false;
    }
    count_written(k, count);
    for (unsigned i = 0; i < k->line_count; i++)
        line_done(&k->lines[i]);
    return true;
}

void usage_keeper_write(struct usage_keeper *k)
{
    struct settings *s = settings_now(k);

    take_feeds(k);
    if (k->again_ms == 0 || mono_ms() >= k->again_ms) {
        k->again_ms = 0;
        while (write_batch(k, s))
            ;
    }
    uint32_t waiting = rows_pending(k);

    pthread_mutex_lock(&k->lock);
    k->counts.waiting = waiting;
    pthread_mutex_unlock(&k->lock);
    settings_unref(s);
}

static void prune(struct usage_keeper *k)
{
    struct settings *s = settings_now(k);
    struct error e = { 0 };
    bool again = false;
    struct usage_db *db = s != NULL ? usage_keeper_take(k, &e) : NULL;

    if (db != NULL) {
        enum status st =
            usage_rows_prune(db, clock_unix_ms(), s->usage_days, s->usage_bytes, &again, &e);

        usage_keeper_return(k, st == OK ? NULL : &e);
    }
    k->prune_ms = mono_ms() + (again ? 0 : PRUNE_MS);
    settings_unref(s);
}

static void on_tick(void *peer, int64_t now_ms)
{
    struct usage_keeper *k = peer;

    (void)now_ms;
    usage_keeper_write(k);
    if (mono_ms() >= k->prune_ms)
        prune(k);
    timer_start(&k->tick, TICK_MS);
}

static void woken_here(void *message)
{
    struct usage_keeper *k = message;

    atomic_store(&k->woken, false);
    usage_keeper_write(k);
}

/* A worker's thread. */
static void wake(void *peer)
{
    struct usage_keeper *k = peer;

    if (!atomic_exchange(&k->woken, true) && !mailbox_send(k->mailbox, woken_here, k))
        atomic_store(&k->woken, false);
}

/* --- life ------------------------------------------------------------------------------------ */

struct usage_keeper *usage_keeper_new(const char *folder)
{
    struct usage_keeper *k = must_calloc(1, sizeof(*k));

    k->folder = arena_copy(&k->arena, str_c(folder)).at;
    k->prune_ms = mono_ms() + PRUNE_FIRST_MS;
    pthread_mutex_init(&k->db_lock, NULL);
    pthread_mutex_init(&k->lock, NULL);
    k->loop = loop_new();
    k->mailbox = mailbox_new(k->loop);
    timer_init(&k->tick, k->loop, on_tick, k);
    return k;
}

struct usage_feed *usage_keeper_feed(struct usage_keeper *k, unsigned workers)
{
    assert(k->thread == NULL && k->line_count < WORKERS_MAX);
    struct line *l = &k->lines[k->line_count++];

    l->feed = usage_feed_new(QUEUE_ROWS / workers, wake, k);
    l->end = &l->first;
    return l->feed;
}

static void keeper_run(void *arg)
{
    struct usage_keeper *k = arg;

    loop_run(k->loop);
}

void usage_keeper_start(struct usage_keeper *k)
{
    timer_start(&k->tick, TICK_MS);
    k->thread = thread_start(keeper_run, k);
}

static void stop_here(void *message)
{
    struct usage_keeper *k = message;

    loop_stop(k->loop);
}

void usage_keeper_stop(struct usage_keeper *k)
{
    if (k == NULL || k->thread == NULL)
        return;
    if (!mailbox_send(k->mailbox, stop_here, k))
        log_error("the keeper of usage cannot be told to stop");
    thread_join(k->thread);
    k->thread = NULL;
    timer_stop(&k->tick);
    k->again_ms = 0;
    usage_keeper_write(k);
}

void usage_keeper_free(struct usage_keeper *k)
{
    if (k == NULL)
        return;
    usage_keeper_stop(k);
    mailbox_free(k->mailbox);
    uint32_t lost = rows_pending(k);

    if (lost > 0)
        log_error("usage of requests was lost: its database cannot be written",
                  F_INT("requests", lost));
    for (unsigned i = 0; i < k->line_count; i++) {
        for (struct usage_block *b = k->lines[i].first; b != NULL; b = k->lines[i].first) {
            k->lines[i].first = b->next;
            free(b);
        }
        usage_feed_free(k->lines[i].feed);
    }
    free(k->adding);
    usage_close(k->db);
    loop_free(k->loop);
    settings_unref(k->settings);
    free(k->today);
    pthread_mutex_destroy(&k->db_lock);
    pthread_mutex_destroy(&k->lock);
    arena_free(&k->arena);
    free(k);
}

/* --- from other threads ---------------------------------------------------------------------- */

void usage_keeper_settings(struct usage_keeper *k, struct settings *s)
{
    pthread_mutex_lock(&k->lock);
    struct settings *old = k->settings;

    k->settings = settings_ref(s);
    pthread_mutex_unlock(&k->lock);
    settings_unref(old);
}

void usage_keeper_today(struct usage_keeper *k, int64_t account, struct usage_today *out)
{
    int64_t day_s = zone_day(clock_unix_ms() / 1000);

    *out = (struct usage_today){ .account = account };
    pthread_mutex_lock(&k->lock);
    const struct usage_today *t = k->day_s == day_s ? today_of(k, account, false) : NULL;

    if (t != NULL)
        *out = *t;
    pthread_mutex_unlock(&k->lock);
}

bool usage_keeper_ask(struct usage_keeper *k, void (*fn)(void *message), void *message)
{
    return mailbox_send(k->mailbox, fn, message);
}

void usage_keeper_counts(struct usage_keeper *k, struct usage_counts *out)
{
    pthread_mutex_lock(&k->lock);
    *out = k->counts;
    pthread_mutex_unlock(&k->lock);
    for (unsigned i = 0; i < k->line_count; i++)
        out->dropped += usage_feed_dropped(k->lines[i].feed);
}
