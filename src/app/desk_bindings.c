/* app/desk_bindings.c - the bindings of conversations on the disk: read at start, written in
 * batches while the gateway runs, cleared with those in the pool. Requests never wait for any of
 * it, and a disk that fails costs no more than what a restart would have found there. */
#include "app/desk_int.h"
#include "base/log.h"
#include "store/usage.h"

#define KEEP_MS 1000
#define KEEP_BATCHES_MAX 20            /* at once, so that the desk does other things, too */
#define PRUNE_EVERY 3600               /* times */
#define OPEN_AGAIN_MS ((int64_t)60000) /* after the database could not be opened */

_Static_assert(sizeof(((struct usage_binding *)NULL)->session) ==
                   sizeof(((struct session_key *)NULL)->digest),
               "a session is kept as it is");

static int64_t mono_ms(void)
{
    return clock_mono_us() / 1000;
}

static bool bindings_open(struct desk *d)
{
    struct error e = { 0 };

    if (d->usage != NULL)
        return true;
    if (d->usage_failed_ms != 0 && mono_ms() - d->usage_failed_ms < OPEN_AGAIN_MS)
        return false;
    if (usage_open(d->o.folder, clock_unix_ms(), &d->usage, &e) == OK)
        return true;
    d->usage_failed_ms = mono_ms();
    log_warn("conversations are not kept over a restart: the usage database cannot be opened",
             F_C("why", e.text));
    return false;
}

/* After a failure: a damaged file is moved aside when it is opened again. */
static void bindings_failed(struct desk *d, const struct error *e)
{
    log_warn("conversations cannot be kept", F_C("why", e->text));
    if (!usage_is_damaged(d->usage))
        return;
    usage_close(d->usage);
    d->usage = NULL;
    d->usage_failed_ms = 0;
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

    if (!bindings_open(d))
        return;
    if (usage_bindings(d->usage, r.unix_ms, restore, &r, &e) != OK)
        bindings_failed(d, &e);
    else if (r.count > 0)
        log_info("conversations go on with their accounts", F_INT("bindings", (int64_t)r.count));
}

/* --- while it runs --------------------------------------------------------------------------- */

/* Takes one batch from the pool and writes it. False: there is no more, or it failed. */
static bool keep_batch(struct desk *d)
{
    struct binding taken[USAGE_BATCH_MAX];
    struct usage_binding rows[USAGE_BATCH_MAX];
    int64_t now_ms = mono_ms(), unix_ms = clock_unix_ms();
    struct error e = { 0 };
    bool more = false;
    size_t count = pool_take_bindings(d->o.pool, taken, USAGE_BATCH_MAX, &more);

    for (size_t i = 0; i < count; i++) {
        memcpy(rows[i].session, taken[i].session.digest, sizeof(rows[i].session));
        rows[i].account = taken[i].account;
        rows[i].used_unix_ms = unix_ms - (now_ms - taken[i].used_ms);
    }
    if (count > 0 && usage_bindings_put(d->usage, rows, count, &e) != OK) {
        bindings_failed(d, &e);
        return false;
    }
    return more;
}

static void keep(void *peer, int64_t now_ms)
{
    struct desk *d = peer;
    struct error e = { 0 };

    (void)now_ms;
    if (bindings_open(d)) {
        for (int i = 0; i < KEEP_BATCHES_MAX && keep_batch(d); i++)
            ;
        if (d->usage != NULL && ++d->kept % PRUNE_EVERY == 0 &&
            usage_bindings_prune(d->usage, clock_unix_ms(), &e) != OK)
            bindings_failed(d, &e);
    }
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
    while (d->usage != NULL && keep_batch(d))
        ;
    usage_close(d->usage);
    d->usage = NULL;
}

/* --- clearing -------------------------------------------------------------------------------- */

/* What a restart would bring back could not be cleared. */
static enum status stored_stay(struct desk *d, enum status st, struct error *e)
{
    if (d->usage != NULL && st != OK)
        bindings_failed(d, e);
    return fail(e, E_STORE,
                "cleared for this run only: the stored ones could not be, the log says why");
}

enum status desk_bindings_clear(struct desk *d, struct error *e)
{
    enum status st = E_STORE;

    pool_clear_bindings(d->o.pool);
    if (bindings_open(d))
        st = usage_bindings_clear(d->usage, e);
    return st == OK ? OK : stored_stay(d, st, e);
}

enum status desk_binding_clear(struct desk *d, const struct session_key *session, struct error *e)
{
    bool found = pool_clear_binding(d->o.pool, session);
    enum status st = E_STORE;

    if (bindings_open(d))
        st = usage_binding_remove(d->usage, session->digest, e);
    if (st != OK)
        return stored_stay(d, st, e);
    return found ? OK : fail(e, E_ABSENT, "no such session is bound");
}
