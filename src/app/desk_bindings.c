/* app/desk_bindings.c - the bindings of conversations on the disk: read at start, written in
 * batches while the gateway runs, cleared with those in the pool. Requests never wait for any of
 * it, and a disk that fails costs no more than what a restart would have found there. */
#include "app/desk_int.h"
#include "app/usage_keeper.h"
#include "base/log.h"

#define KEEP_MS 1000
#define KEEP_BATCHES_MAX 20 /* at once, so that the desk does other things, too */
#define PRUNE_EVERY 3600    /* times */

_Static_assert(sizeof(((struct usage_binding *)NULL)->session) ==
                   sizeof(((struct session_key *)NULL)->digest),
               "a session is kept as it is");

static int64_t mono_ms(void)
{
    return clock_mono_us() / 1000;
}

/* --- at start -------------------------------------------------------------------------------- */

struct restoring {
    struct desk *desk;
    int64_t now_ms, unix_ms;
    size_t count;
};

static void restore(void *peer, const struct usage_binding *stored)
{
    struct restoring *r = peer;
    int64_t age_ms = r->unix_ms - stored->used_unix_ms;
    struct binding b = { .account = stored->account,
                         .used_ms = r->now_ms - (age_ms > 0 ? age_ms : 0) };

    if (!desk_knows(r->desk, stored->account))
        return;
    memcpy(b.session.digest, stored->session, sizeof(b.session.digest));
    pool_load_binding(r->desk->o.pool, &b, r->now_ms);
    r->count++;
}

void desk_bindings_load(struct desk *d)
{
    struct restoring r = { .desk = d, .now_ms = mono_ms(), .unix_ms = clock_unix_ms() };
    struct error e = { 0 };

    struct usage_db *db = usage_keeper_take(d->o.keeper, &e);

    if (db == NULL)
        return;
    enum status st = usage_bindings(db, r.unix_ms, restore, &r, &e);

    usage_keeper_return(d->o.keeper, st == OK ? NULL : &e);
    if (st == OK && r.count > 0)
        log_info("conversations go on with their accounts", F_INT("bindings", (int64_t)r.count));
}

/* --- while it runs --------------------------------------------------------------------------- */

/* Takes one batch from the pool and writes it. `more`: there is another one. */
static enum status keep_batch(struct desk *d, struct usage_db *db, bool *more, struct error *e)
{
    struct binding taken[USAGE_BATCH_MAX];
    struct usage_binding rows[USAGE_BATCH_MAX];
    int64_t now_ms = mono_ms(), unix_ms = clock_unix_ms();
    size_t count = pool_take_bindings(d->o.pool, taken, USAGE_BATCH_MAX, more);

    for (size_t i = 0; i < count; i++) {
        memcpy(rows[i].session, taken[i].session.digest, sizeof(rows[i].session));
        rows[i].account = taken[i].account;
        rows[i].used_unix_ms = unix_ms - (now_ms - taken[i].used_ms);
    }
    return count > 0 ? usage_bindings_put(db, rows, count, e) : OK;
}

/* At most so many batches. */
static void keep_batches(struct desk *d, int batches)
{
    struct error e = { 0 };
    bool more = true;
    enum status st = OK;
    struct usage_db *db = usage_keeper_take(d->o.keeper, &e);

    if (db == NULL)
        return;
    for (; batches > 0 && more && st == OK; batches--)
        st = keep_batch(d, db, &more, &e);
    if (st == OK && ++d->kept % PRUNE_EVERY == 0)
        st = usage_bindings_prune(db, clock_unix_ms(), &e);
    usage_keeper_return(d->o.keeper, st == OK ? NULL : &e);
}

static void keep(void *peer, int64_t now_ms)
{
    struct desk *d = peer;

    keep_batches(d, KEEP_BATCHES_MAX);
    desk_ledger_save(d, now_ms, false);
    timer_start(&d->keep, KEEP_MS);
}

void desk_bindings_start(struct desk *d)
{
    timer_init(&d->keep, d->loop, keep, d);
    timer_start(&d->keep, KEEP_MS);
}

/* The desk's loop has ended: writes what is left. */
void desk_bindings_stop(struct desk *d)
{
    if (d->thread != NULL)
        timer_stop(&d->keep);
    keep_batches(d, INT32_MAX);
    desk_ledger_save(d, mono_ms(), true);
}

/* --- clearing -------------------------------------------------------------------------------- */

/* What a restart would bring back could not be cleared. */
static enum status stored_stay(struct error *e)
{
    return fail(e, E_STORE,
                "cleared for this run only: the stored ones could not be, the log says why");
}

enum status desk_bindings_clear(struct desk *d, struct error *e)
{
    enum status st;

    pool_clear_bindings(d->o.pool);
    struct usage_db *db = usage_keeper_take(d->o.keeper, e);

    if (db == NULL)
        return stored_stay(e);
    st = usage_bindings_clear(db, e);
    usage_keeper_return(d->o.keeper, st == OK ? NULL : e);
    return st == OK ? OK : stored_stay(e);
}

enum status desk_binding_clear(struct desk *d, const struct session_key *session, struct error *e)
{
    bool found = pool_clear_binding(d->o.pool, session);
    struct usage_db *db = usage_keeper_take(d->o.keeper, e);
    enum status st;

    if (db == NULL)
        return stored_stay(e);
    st = usage_binding_remove(db, session->digest, e);
    usage_keeper_return(d->o.keeper, st == OK ? NULL : e);
    if (st != OK)
        return stored_stay(e);
    return found ? OK : fail(e, E_ABSENT, "no such session is bound");
}
