#include "upkeep/grants.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "io/crypto.h"
#include "store/store.h"
#include "upkeep/web_call.h"

/* A token that lives for less than twice the usual time ahead is renewed after half its life. */
#define DUE_MS_MIN 1000
/* The time to correct a wrong client in the settings, or to have a subscription again. */
#define GRANT_HELPLESS_MS (INT64_C(10) * 60 * 1000)

struct renewal_run;

struct holding {
    int64_t id, series;
    int64_t expires_unix_ms; /* of the token that is in the pool */
    int64_t due_ms;          /* loop clock; INT64_MAX: nothing is to be renewed */
    int64_t good_until_ms;   /* the token in the pool, loop clock */
    uint32_t failures;       /* in a row */
    bool wanted;             /* somebody waits for it */
    bool told;               /* the failure that lasts has been logged */
    struct renewal_run *run; /* under way, or made and not kept yet */
};

struct renewal_run {
    struct grants *grants;
    int64_t id;
    struct account_hold account;
    struct web_call call;
    struct account_grant made; /* has come, but could not be kept yet: not used */
    struct arena made_arena;   /* its texts */
    int64_t lifetime_ms;       /* of its token; 0: nobody said */
};

struct grants {
    struct grants_options o;
    const struct provider_options *settings;
    struct timer due, tick;
    struct holding *holdings; /* sorted by id */
    size_t count;
    unsigned renewing; /* runs whose call is under way */
};

/* --- when ------------------------------------------------------------------------------------ */

static int64_t jitter(int64_t most_ms)
{
    return (int64_t)(random_u64() % (uint64_t)most_ms);
}

/* From now on, for a token that lives so long from now on. */
static int64_t due_in(int64_t lifetime_ms)
{
    int64_t in_ms = lifetime_ms - GRANT_AHEAD_MS - jitter(GRANT_JITTER_MS);

    if (in_ms < lifetime_ms / 2)
        in_ms = lifetime_ms / 2;
    return in_ms > DUE_MS_MIN ? in_ms : DUE_MS_MIN;
}

static int64_t clamp_lifetime(int64_t ms)
{
    return ms > GRANT_LIFETIME_MS_MAX ? GRANT_LIFETIME_MS_MAX : ms;
}

static void set_lifetime(struct holding *h, int64_t lifetime_ms, int64_t now_ms)
{
    if (lifetime_ms <= 0) { /* nobody says: a refusal will */
        h->due_ms = h->good_until_ms = INT64_MAX;
        return;
    }
    lifetime_ms = clamp_lifetime(lifetime_ms);
    h->due_ms = now_ms + due_in(lifetime_ms);
    h->good_until_ms = now_ms + lifetime_ms;
}

static int64_t retry_ms(const struct holding *h)
{
    int64_t wait_ms = GRANT_RETRY_MS;

    for (uint32_t i = 1; i < h->failures && wait_ms < GRANT_RETRY_MS_MAX; i++)
        wait_ms *= 2;
    if (wait_ms > GRANT_RETRY_MS_MAX)
        wait_ms = GRANT_RETRY_MS_MAX;
    return wait_ms + jitter(wait_ms / 4 + 1);
}

/* --- the accounts ---------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const struct holding *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static struct holding *holding_find(const struct grants *g, int64_t id)
{
    return g->count == 0 ? NULL
                         : bsearch(&(struct holding){ .id = id }, g->holdings, g->count,
                                   sizeof(g->holdings[0]), by_id);
}

static void run_free(struct renewal_run *r)
{
    struct holding *h = holding_find(r->grants, r->id);

    if (h != NULL && h->run == r)
        h->run = NULL;
    if (r->call.call != NULL)
        r->grants->renewing--;
    web_call_clear(&r->call);
    grant_clear(&r->made);
    arena_free(&r->made_arena);
    if (r->account.config != NULL)
        pool_let_go(r->grants->o.pool, &r->account);
    free(r);
}

static bool is_renewable(const struct account_hold *h)
{
    return account_has_grant(h->spec) && !secret_is_empty(&h->spec->grant.refresh) &&
           secret_is_empty(&h->spec->api_key) && !h->spec->disabled;
}

/* What an earlier process left: its time is told by the wall clock alone. */
static void holding_begin(struct grants *g, struct holding *h, const struct account_grant *grant,
                          int64_t now_ms)
{
    int64_t left_ms = grant->expires_unix_ms - clock_unix_ms();

    h->series = grant->series;
    h->expires_unix_ms = grant->expires_unix_ms;
    if (secret_is_empty(&grant->access) || (grant->expires_unix_ms != 0 && left_ms <= 0)) {
        h->due_ms = now_ms;
        h->good_until_ms = now_ms;
        h->wanted = true;
        (void)pool_renewal(g->o.pool, h->id, RENEWAL_RUNS, RENEWAL_MS, now_ms);
    } else {
        set_lifetime(h, grant->expires_unix_ms == 0 ? 0 : left_ms, now_ms);
    }
}

/* What it was, and whether its token is still the same one. */
static void holding_renew(struct grants *g, struct holding *h, const struct holding *old,
                          int64_t now_ms)
{
    struct account_hold hold;

    if (old != NULL)
        *h = *old;
    if (!pool_hold(g->o.pool, h->id, &hold)) {
        h->due_ms = INT64_MAX;
        return;
    }
    const struct account_grant *grant = &hold.spec->grant;

    if (!is_renewable(&hold) && h->run != NULL) {
        h->due_ms = INT64_MAX; /* what is under way must be kept: the token before may be gone */
        h->wanted = false;
    } else if (!is_renewable(&hold)) {
        *h = (struct holding){ .id = h->id, .due_ms = INT64_MAX };
    } else if (old == NULL || old->series != grant->series ||
               old->expires_unix_ms != grant->expires_unix_ms) {
        if (h->run != NULL)
            run_free(h->run);
        *h = (struct holding){ .id = h->id };
        holding_begin(g, h, grant, now_ms);
    }
    pool_let_go(g->o.pool, &hold);
}

static void grants_go_on(struct grants *g, int64_t now_ms);

void grants_accounts(struct grants *g, const int64_t *ids, size_t count)
{
    int64_t now_ms = loop_now(g->o.loop);
    struct holding *list = must_calloc(count + 1, sizeof(*list));

    for (size_t i = 0; i < count; i++)
        list[i].id = ids[i];
    qsort(list, count, sizeof(*list), by_id);
    for (size_t i = 0; i < g->count; i++)
        if (g->holdings[i].run != NULL &&
            bsearch(&g->holdings[i], list, count, sizeof(*list), by_id) == NULL)
            run_free(g->holdings[i].run);
    for (size_t i = 0; i < count; i++)
        holding_renew(g, &list[i], holding_find(g, list[i].id), now_ms);
    free(g->holdings);
    g->holdings = list;
    g->count = count;
    grants_go_on(g, now_ms);
}

/* --- how it ends ----------------------------------------------------------------------------- */

struct account_grant grant_renewed(const struct account_grant *before,
                                   const struct token_answer *answer, int64_t unix_ms,
                                   struct arena *a)
{
    struct account_grant g = grant_copy(before, a);

    secret_clear(&g.access);
    g.access = secret_copy(secret_reveal(&answer->access));
    if (!secret_is_empty(&answer->refresh)) {
        secret_clear(&g.refresh);
        g.refresh = secret_copy(secret_reveal(&answer->refresh));
    }
    g.expires_unix_ms = answer->lifetime_ms > 0 ? unix_ms + clamp_lifetime(answer->lifetime_ms) : 0;
    if (answer->scopes.len > 0)
        g.scopes = arena_copy(a, answer->scopes);
    if (answer->email.len > 0)
        g.email = arena_copy(a, answer->email);
    if (answer->account.len > 0 && g.account.len == 0)
        g.account = arena_copy(a, answer->account);
    if (answer->plan.len > 0)
        g.plan = arena_copy(a, answer->plan);
    if (answer->api_url.len > 0)
        g.api_url = arena_copy(a, answer->api_url);
    return g;
}

/* Tries again later; the account is out meanwhile if its token is no good any more. */
static void put_off(struct grants *g, struct holding *h, int64_t wait_ms, int64_t now_ms)
{
    h->due_ms = now_ms + wait_ms;
    if (h->wanted || h->good_until_ms <= now_ms)
        (void)pool_renewal(g->o.pool, h->id, RENEWAL_FAILED, wait_ms, now_ms);
    h->wanted = false;
}

METRIC_TABLE(grants_metrics, GRANTS_METRICS)

#define COUNT_ONE(g, name)                    \
    do {                                      \
        if ((g)->o.metrics != NULL)           \
            count_one(&(g)->o.metrics->name); \
    } while (0)

static void run_failed(struct renewal_run *r, const char *why, int64_t wait_ms)
{
    struct grants *g = r->grants;
    struct holding *h = holding_find(g, r->id);
    int64_t now_ms = loop_now(g->o.loop);

    if (h == NULL) {
        run_free(r);
        return;
    }
    COUNT_ONE(g, renewals_failed);
    h->failures++;
    if (wait_ms == 0)
        wait_ms = retry_ms(h);
    if (!h->told)
        log_warn("an access token cannot be renewed", F_STR("account", r->account.label),
                 F_C("why", why), F_INT("again_in_seconds", wait_ms / 1000));
    h->told = true;
    put_off(g, h, wait_ms, now_ms);
    if (r->made.series == 0)
        run_free(r);
}

/* The account as it is by now, with another grant in place of the one that was renewed. E_CONFLICT:
 * it has got a new one meanwhile. */
static enum status keep_grant(struct renewal_run *r, const struct account_grant *grant,
                              const char *lost, struct error *e)
{
    struct grants *g = r->grants;
    struct account_hold hold;

    if (!pool_hold(g->o.pool, r->id, &hold))
        return fail(e, E_ABSENT, "the account is gone");
    struct account_spec *spec = account_spec_copy(hold.spec);

    pool_let_go(g->o.pool, &hold);
    enum status st = spec->grant.series == grant->series
                         ? OK
                         : fail(e, E_CONFLICT, "somebody has signed in again meanwhile");
    if (st == OK) {
        grant_clear(&spec->grant);
        spec->grant = grant_copy(grant, &spec->arena);
        st = g->o.keep(g->o.peer, spec, str_c(lost), e);
    }
    account_spec_free(spec);
    return st;
}

/* On the disk, then in the pool, then used. */
static void run_keep(struct renewal_run *r)
{
    struct grants *g = r->grants;
    struct holding *h = holding_find(g, r->id);
    int64_t now_ms = loop_now(g->o.loop);
    struct error e = { .status = OK };

    if (h == NULL) {
        run_free(r);
        return;
    }
    enum status st = keep_grant(r, &r->made, "", &e);

    if (st == E_ABSENT || st == E_CONFLICT) {
        /* another sign-in has taken its place: it comes with the next look at the accounts */
        log_info("a renewed access token was dropped", F_STR("account", r->account.label),
                 F_C("why", e.text));
        h->wanted = false;
        h->due_ms = INT64_MAX;
        run_free(r);
        return;
    }
    if (st != OK) {
        run_failed(r, e.text, 0);
        return;
    }
    (void)pool_renewal(g->o.pool, r->id, RENEWAL_OVER, 0, now_ms);
    h->failures = 0;
    h->wanted = h->told = false;
    h->expires_unix_ms = r->made.expires_unix_ms;
    set_lifetime(h, r->lifetime_ms, now_ms);
    COUNT_ONE(g, renewals);
    log_info("an access token was renewed", F_STR("account", r->account.label),
             F_INT("lifetime_seconds", r->lifetime_ms / 1000));
    run_free(r);
}

static void run_lost(struct renewal_run *r, struct str word)
{
    struct grants *g = r->grants;
    struct holding *h = holding_find(g, r->id);
    struct error e = { .status = OK };
    char reason[160];

    snprintf(reason, sizeof(reason),
             "sign in again: the provider does not renew its grant any more (%.*s)",
             STR_ARG(word.len > 0 ? str_take(word, 60) : STR("401")));
    enum status st = keep_grant(r, &r->account.spec->grant, reason, &e);

    if (st != OK && st != E_ABSENT && st != E_CONFLICT) {
        run_failed(r, e.text, 0);
        return;
    }
    COUNT_ONE(g, grants_lost);
    log_warn("account disabled: its grant is refused", F_STR("account", r->account.label),
             F_STR("why", word));
    if (h != NULL) {
        h->due_ms = INT64_MAX;
        h->wanted = false;
        (void)pool_renewal(g->o.pool, h->id, RENEWAL_OVER, 0, loop_now(g->o.loop));
    }
    run_free(r);
}

/* --- one renewal ----------------------------------------------------------------------------- */

static void run_take(struct renewal_run *r, const struct token_answer *t)
{
    r->made = grant_renewed(&r->account.spec->grant, t, clock_unix_ms(), &r->made_arena);
    r->lifetime_ms = t->lifetime_ms;
    run_keep(r);
}

/* What is no success: gone for good, the client's fault, or something that passes. */
static void run_refused(struct renewal_run *r, struct str word)
{
    const struct signin_family *f = signin_family(r->account.spec->provider);
    int status = r->call.status;
    char why[160];
    bool of_client = token_error_is_of_client(word);
    bool no_right = f->exchanges && (status == 403 || status == 404);

    if (!no_right && status < 500 && status != 429 && token_error_is_final(word, status)) {
        run_lost(r, word);
        return;
    }
    snprintf(why, sizeof(why), "%s (status %d%s%.*s)",
             of_client  ? "the provider refuses the OAuth client of the settings"
             : no_right ? "GitHub gives this account no access to Copilot"
                        : "the provider answers with an error",
             status, word.len > 0 ? ", " : "", STR_ARG(str_take(word, 40)));
    run_failed(r, why,
               of_client || no_right        ? GRANT_HELPLESS_MS
               : r->call.retry_after_ms > 0 ? r->call.retry_after_ms
                                            : 0);
}

static void on_answer(void *peer, const struct call_fault *fault)
{
    struct renewal_run *r = peer;
    struct grants *g = r->grants;
    const struct signin_family *f = signin_family(r->account.spec->provider);
    struct token_answer t = { .lifetime_ms = 0 };
    struct arena a = { 0 };
    int status = r->call.status;

    g->renewing--;
    if (fault != NULL) {
        run_failed(r, fault->text, 0);
        grants_go_on(g, loop_now(g->o.loop));
        return;
    }
    bool good = status >= 200 && status < 300;
    bool read = good && f->exchanges
                    ? exchange_answer_read(buf_str(&r->call.answer), clock_unix_ms(), &a, &t)
                    : token_answer_read(buf_str(&r->call.answer), &a, &t);

    if (good && read && t.error.len == 0)
        run_take(r, &t);
    else if (good && !read)
        run_failed(r, "the answer of the token address holds no token", 0);
    else
        run_refused(r, t.error);
    token_answer_clear(&t);
    arena_free(&a);
    grants_go_on(g, loop_now(g->o.loop));
}

/* A GitHub token is exchanged, any other grant is renewed with the client that it was made with. */
static enum status run_send(struct renewal_run *r, struct error *e)
{
    const struct grants *g = r->grants;
    const struct account_spec *spec = r->account.spec;
    const struct signin_family *f = signin_family(spec->provider);
    const struct signin_settings *s = provider_signin(g->settings, spec->provider);
    struct signin_urls urls = signin_urls(f, s);
    struct str refresh = secret_reveal(&spec->grant.refresh),
               client_secret = secret_reveal(&s->client_secret);
    struct web_field form[4] = {
        { STR("grant_type"), STR("refresh_token") },
        { STR("refresh_token"), refresh },
        { STR("client_id"), s->client_id },
        { STR("client_secret"), client_secret },
    };
    struct web_ask ask = { .url = urls.token,
                           .form = form,
                           .form_count = client_secret.len > 0 ? 4 : 3,
                           .proxy = spec->proxy };
    struct buf header = { .max = refresh.len + 8 };
    char *room = buf_reserve(&header, header.max);

    assert(room != NULL);
    if (f->exchanges) {
        (void)(buf_add(&header, STR("token ")) && buf_add(&header, refresh));
        ask = (struct web_ask){ .url = urls.exchange,
                                .authorization = buf_str(&header),
                                .proxy = spec->proxy };
    } else if (s->client_id.len == 0) {
        buf_clear(&header);
        return fail(e, E_ABSENT, "there is no OAuth client"); /* see signin_explain() */
    }
    enum status st =
        web_call_send(&r->call, g->o.client, &g->settings->proxy, &ask, GRANT_CALL_MS, e);

    wipe(header.at, header.cap);
    buf_clear(&header);
    return st;
}

static void run_start(struct grants *g, struct holding *h)
{
    struct error e = { .status = OK };

    h->due_ms = INT64_MAX;
    if (h->run != NULL) { /* it has come, and is to be kept at last */
        run_keep(h->run);
        return;
    }
    struct renewal_run *r = must_calloc(1, sizeof(*r));

    *r = (struct renewal_run){ .grants = g, .id = h->id };
    web_call_init(&r->call, on_answer, r);
    h->run = r;
    if (!pool_hold(g->o.pool, h->id, &r->account) || !is_renewable(&r->account)) {
        h->wanted = false;
        run_free(r);
        return;
    }
    enum status st = run_send(r, &e);

    if (st == OK) {
        g->renewing++;
        return;
    }
    struct arena a = { 0 };
    const char *why =
        st == E_ABSENT ? signin_explain(signin_family(r->account.spec->provider), &a).at : e.text;

    run_failed(r, why, GRANT_HELPLESS_MS);
    arena_free(&a);
}

/* --- one after the other --------------------------------------------------------------------- */

/* Those that somebody waits for go first, and are kept out of use. */
static struct holding *next_due(const struct grants *g)
{
    struct holding *first = NULL;

    for (size_t i = 0; i < g->count; i++) {
        struct holding *h = &g->holdings[i];

        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): run_free() takes a run out of its holding */
        if (h->run != NULL && h->run->call.call != NULL)
            continue;
        if (first == NULL || (h->wanted && !first->wanted) ||
            (h->wanted == first->wanted && h->due_ms < first->due_ms))
            first = h;
    }
    return first;
}

static bool any_wanted(const struct grants *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->holdings[i].wanted)
            return true;
    return false;
}

/* Starts what is due and sets the timers to what comes next. */
static void grants_go_on(struct grants *g, int64_t now_ms)
{
    struct holding *first;

    timer_stop(&g->due);
    while (g->settings != NULL && g->renewing < GRANTS_AT_ONCE && (first = next_due(g)) != NULL &&
           first->due_ms != INT64_MAX) {
        if (first->due_ms > now_ms) {
            timer_start(&g->due, first->due_ms - now_ms);
            break;
        }
        run_start(g, first);
    }
    if (!any_wanted(g))
        timer_stop(&g->tick);
    else if (!timer_is_running(&g->tick))
        timer_start(&g->tick, RENEWAL_MS / 2);
}

static void on_due(void *peer, int64_t now_ms)
{
    grants_go_on(peer, now_ms);
}

/* Whoever waits goes on waiting, for as long as a renewal may take. */
static void on_tick(void *peer, int64_t now_ms)
{
    struct grants *g = peer;

    for (size_t i = 0; i < g->count; i++)
        if (g->holdings[i].wanted)
            (void)pool_renewal(g->o.pool, g->holdings[i].id, RENEWAL_RUNS, RENEWAL_MS, now_ms);
    if (any_wanted(g))
        timer_start(&g->tick, RENEWAL_MS / 2);
}

bool grants_renew(struct grants *g, int64_t id)
{
    struct holding *h = holding_find(g, id);
    int64_t now_ms = loop_now(g->o.loop);

    if (h == NULL || h->series == 0) {
        (void)pool_renewal(g->o.pool, id, RENEWAL_OVER, 0, now_ms);
        return false;
    }
    h->wanted = true;
    h->due_ms = now_ms;
    (void)pool_renewal(g->o.pool, id, RENEWAL_RUNS, RENEWAL_MS, now_ms);
    grants_go_on(g, now_ms);
    return true;
}

/* --- life ------------------------------------------------------------------------------------ */

struct grants *grants_new(const struct grants_options *options)
{
    struct grants *g = must_calloc(1, sizeof(*g));

    g->o = *options;
    timer_init(&g->due, options->loop, on_due, g);
    timer_init(&g->tick, options->loop, on_tick, g);
    return g;
}

void grants_free(struct grants *g)
{
    if (g == NULL)
        return;
    timer_stop(&g->due);
    timer_stop(&g->tick);
    for (size_t i = 0; i < g->count; i++)
        if (g->holdings[i].run != NULL)
            run_free(g->holdings[i].run);
    assert(g->renewing == 0);
    free(g->holdings);
    free(g);
}

void grants_settings(struct grants *g, const struct provider_options *settings)
{
    int64_t now_ms = loop_now(g->o.loop);

    g->settings = settings;
    /* what failed may have been for what the settings said */
    for (size_t i = 0; i < g->count; i++)
        if (g->holdings[i].failures > 0 && g->holdings[i].due_ms != INT64_MAX) {
            g->holdings[i].due_ms = now_ms;
            g->holdings[i].told = false;
        }
    grants_go_on(g, now_ms);
}

unsigned grants_renewing(const struct grants *g)
{
    return g->renewing;
}
