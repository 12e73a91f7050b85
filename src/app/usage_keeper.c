#include "app/usage_keeper.h"

#include <pthread.h>
#include <stdlib.h>

#include "app/worker.h"
#include "base/log.h"
#include "io/mailbox.h"
#include "io/zone.h"
#include "provider/price.h"

#define QUEUE_ROWS 10000 /* of all feeds together */
#define TICK_MS 500
#define AGAIN_MS 1000      /* after the database could not be written */
#define OPEN_AGAIN_MS 5000 /* after it could not be opened */
#define PRUNE_MS ((int64_t)3600 * 1000)
#define PRUNE_FIRST_MS 5000

struct usage_keeper {
    struct arena arena;
    const char *folder;
    struct loop *loop;
    struct mailbox *mailbox;
    struct thread *thread; /* NULL: not running */
    struct timer tick;
    _Atomic bool woken; /* a message is on its way */
    struct usage_feed *feeds[WORKERS_MAX];
    unsigned feed_count;
    /* taken from the feeds and not written yet, oldest first. The keeper's thread alone. */
    struct usage_block *pending, **pending_end;
    struct usage_row *rows[USAGE_ROWS_MAX],
        *ordered[USAGE_ROWS_MAX]; /* of the batch being written */
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

struct reckoning {
    const struct settings *settings;
    /* of the last price looked for; the model's name is a copy, since its row may be gone by now */
    struct str provider, model;
    char name[USAGE_NAME_MAX];
    const struct price *price;
};

static const struct price *price_of(struct reckoning *r, struct str provider, struct str model)
{
    if (r->provider.at == NULL || !str_eq(r->provider, provider) || !str_eq(r->model, model)) {
        struct str kept = str_take(model, sizeof(r->name));

        if (kept.len > 0)
            memcpy(r->name, kept.at, kept.len);
        r->provider = provider;
        r->model = (struct str){ r->name, kept.len };
        r->price = price_find(r->settings != NULL ? r->settings->prices : NULL,
                              r->settings != NULL ? r->settings->price_count : 0, provider, model);
    }
    return r->price;
}

/* An attempt that named no tokens cost nothing when it was refused or only counted; when it was
 * answered, broke off in the middle, or was given up with its client, nobody knows what it cost. */
static bool costs_nothing(const struct usage_row *row, const struct usage_attempt *a)
{
    return row->names->free || (a->tokens.in < 0 && a->tokens.out < 0 &&
                                (a->who->status < 200 || a->who->status >= 300) &&
                                !str_eq(a->who->verdict, str_c(verdict_word(VERDICT_CLIENT_LEFT))));
}

static void reckon(struct reckoning *r, struct usage_row *row)
{
    for (uint32_t i = 0; i < row->kept; i++) {
        struct usage_attempt *a = &row->attempts[i];
        const struct usage u = { a->tokens.in, a->tokens.out, a->tokens.cache_read,
                                 a->tokens.cache_write, a->tokens.reasoning };

        a->cost_nano = costs_nothing(row, a)
                           ? 0
                           : price_cost(price_of(r, a->who->provider, row->names->mapped), &u);
    }
}

/* --- writing --------------------------------------------------------------------------------- */

static void take_feeds(struct usage_keeper *k)
{
    for (unsigned i = 0; i < k->feed_count; i++) {
        *k->pending_end = usage_feed_take(k->feeds[i]);
        while (*k->pending_end != NULL)
            k->pending_end = &(*k->pending_end)->next;
    }
}

static int64_t more(int64_t n)
{
    return n > 0 ? n : 0;
}

/* Under the lock. */
static void today_add(struct usage_keeper *k, const struct usage_row *row)
{
    int64_t ended_s = row->ended_unix_ms / 1000;

    if (ended_s < k->day_s)
        return;
    if (ended_s >= k->day_s + (int64_t)22 * 3600) { /* days may be so short */
        int64_t day_s = zone_day(ended_s);

        if (day_s != k->day_s)
            today_clear(k, day_s);
    }
    for (uint32_t i = 0; i < row->kept; i++) {
        struct usage_today *t = today_of(k, row->attempts[i].who->account, true);

        t->requests += i + 1 == row->kept;
        t->tokens_in += more(row->attempts[i].tokens.in);
        t->tokens_out += more(row->attempts[i].tokens.out);
    }
}

static uint32_t rows_pending(const struct usage_keeper *k)
{
    uint32_t rows = 0;

    for (const struct usage_block *b = k->pending; b != NULL; b = b->next)
        rows += b->rows;
    return rows;
}

/* The blocks at the front up to `end` are written, or given up. */
static void blocks_done(struct usage_keeper *k, const struct usage_block *end)
{
    while (k->pending != end) {
        struct usage_block *b = k->pending;

        k->pending = b->next;
        usage_feed_done(b->feed, b->rows);
        free(b);
    }
    if (k->pending == NULL)
        k->pending_end = &k->pending;
}

static void count_written(struct usage_keeper *k, struct usage_row *const *rows, size_t count)
{
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < count; i++)
        today_add(k, rows[i]);
    k->counts.written += count;
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

/* The first `count` rows of `from` and of `with`, as one list by the end of each. */
static void rows_merge(struct usage_row **to, struct usage_row *const *from, size_t from_count,
                       struct usage_row *const *with, size_t with_count)
{
    while (from_count > 0 && with_count > 0) {
        bool first = (*from)->ended_unix_ms <= (*with)->ended_unix_ms;

        *to++ = first ? *from++ : *with++;
        from_count -= first;
        with_count -= !first;
    }
    memcpy(to, from, from_count * sizeof(*to));
    memcpy(to + from_count, with, with_count * sizeof(*to));
}

/* `count` rows of which those from `begun` on are of another worker than those before: both are in
 * the order in which their requests ended, nearly, and so is what becomes of them. */
static void rows_order(struct usage_keeper *k, size_t begun, size_t count)
{
    struct usage_row **rows = k->rows;

    if (begun == 0 || begun == count ||
        rows[begun]->ended_unix_ms >= rows[begun - 1]->ended_unix_ms)
        return;
    rows_merge(k->ordered, rows, begun, rows + begun, count - begun);
    memcpy(rows, k->ordered, count * sizeof(rows[0]));
}

/* As many whole blocks as one transaction takes. False: there is no more, or it failed. */
static bool write_batch(struct usage_keeper *k, struct reckoning *r)
{
    struct usage_block *b = k->pending;
    struct usage_row **rows = k->rows;
    const struct usage_feed *feed = NULL;
    struct error e = { 0 };
    size_t count = 0, begun = 0;

    for (; b != NULL && count + b->rows <= USAGE_ROWS_MAX; b = b->next) {
        uint32_t at = 0;

        if (b->feed != feed) {
            rows_order(k, begun, count);
            begun = count;
            feed = b->feed;
        }
        while ((rows[count] = usage_block_row(b, &at)) != NULL)
            reckon(r, rows[count++]);
    }
    rows_order(k, begun, count);
    if (count == 0)
        return false;
    struct usage_db *db = usage_keeper_take(k, &e);

    if (db == NULL) {
        count_failure(k, &e);
        return false;
    }
    enum status st = usage_rows_put(db, (const struct usage_row *const *)rows, count, &e);

    usage_keeper_return(k, st == OK ? NULL : &e);
    if (st != OK) {
        count_failure(k, &e);
        return false;
    }
    count_written(k, rows, count);
    blocks_done(k, b);
    return true;
}

void usage_keeper_write(struct usage_keeper *k)
{
    struct settings *s = settings_now(k);
    struct reckoning r = { .settings = s };

    take_feeds(k);
    if (k->again_ms == 0 || mono_ms() >= k->again_ms) {
        k->again_ms = 0;
        while (write_batch(k, &r))
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
    k->pending_end = &k->pending;
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
    assert(k->thread == NULL && k->feed_count < WORKERS_MAX);
    struct usage_feed *f = usage_feed_new(QUEUE_ROWS / workers, wake, k);

    k->feeds[k->feed_count++] = f;
    return f;
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
    blocks_done(k, NULL);
    for (unsigned i = 0; i < k->feed_count; i++)
        usage_feed_free(k->feeds[i]);
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
    for (unsigned i = 0; i < k->feed_count; i++)
        out->dropped += usage_feed_dropped(k->feeds[i]);
}
