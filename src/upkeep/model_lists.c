#include "upkeep/model_lists.h"

#include <stdlib.h>

#include "base/fingerprint.h"
#include "base/log.h"
#include "io/crypto.h"
#include "io/loop.h"
#include "provider/model_page.h"
#include "upkeep/question.h"

/* One account. */
struct listing {
    int64_t id;
    struct fingerprint way; /* all that decides how it is asked, and whether */
    int64_t due_ms;         /* INT64_MAX: nothing to be asked */
    bool known;             /* read since it is asked this way */
    uint32_t failures;      /* in a row */
    struct reading *reading;
};

/* One list on its way, page by page. */
struct reading {
    struct model_lists *lists;
    int64_t id; /* of its listing */
    struct account_hold account;
    struct question call;
    int64_t until_ms;
    unsigned pages;
    struct arena arena; /* of the models */
    struct listed_model *models;
    size_t count, cap;
    struct str next; /* the page that is asked for */
};

struct model_lists {
    struct model_lists_options o;
    int64_t every_ms;
    struct listing *listings; /* by id */
    size_t count;
    unsigned reading;
    struct timer timer;
};

static void lists_go_on(struct model_lists *m, int64_t now_ms);

/* --- when */

/* A tenth less to a tenth more, so that accounts do not ask in step. */
static int64_t about(int64_t ms)
{
    return ms - ms / 10 + (int64_t)(random_u64() % (uint64_t)(ms / 5 + 1));
}

static int64_t again_ms(const struct model_lists *m, const struct listing *l, int64_t now_ms)
{
    int64_t wait_ms = MODEL_LIST_RETRY_MS;

    if (l->known && m->every_ms == 0)
        return INT64_MAX;
    if (l->failures == 0)
        return now_ms + about(m->every_ms > 0 ? m->every_ms : MODEL_LIST_RETRY_MS_MAX);
    for (uint32_t i = 1; i < l->failures && wait_ms < MODEL_LIST_RETRY_MS_MAX; i++)
        wait_ms *= 2;
    return now_ms + about(wait_ms < MODEL_LIST_RETRY_MS_MAX ? wait_ms : MODEL_LIST_RETRY_MS_MAX);
}

/* --- the accounts */

static int by_id(const void *a, const void *b)
{
    const struct listing *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static struct listing *listing_find(const struct model_lists *m, int64_t id)
{
    return m->count == 0 ? NULL
                         : bsearch(&(struct listing){ .id = id }, m->listings, m->count,
                                   sizeof(m->listings[0]), by_id);
}

/* Is there a list to ask for? One that is disabled is looked at again later: the pool enables
 * accounts without telling. */
static bool is_wanted(const struct account_hold *h)
{
    return h->wants_list && upstream_has_models(h->upstream);
}

static struct fingerprint way_of(const struct account_hold *h)
{
    const struct upstream *u = h->upstream;
    struct fingerprint way = { { is_wanted(h), h->disabled } };

    fingerprint_add(&way, u->origin.pool_key);
    fingerprint_add(&way, u->starts[SHAPE_GET]);
    fingerprint_add(&way, secret_reveal(&u->lines[SHAPE_GET]));
    return way;
}

static void reading_free(struct reading *r)
{
    struct listing *l = listing_find(r->lists, r->id);

    if (l != NULL)
        l->reading = NULL;
    r->lists->reading--;
    question_clear(&r->call);
    pool_let_go(r->lists->o.pool, &r->account);
    arena_free(&r->arena);
    free(r->models);
    free(r);
}

/* What it was, and whether it is still asked the same way. */
static void listing_renew(struct model_lists *m, struct listing *l, const struct listing *old,
                          int64_t now_ms)
{
    struct account_hold h;

    if (old != NULL)
        *l = *old;
    if (!pool_hold(m->o.pool, l->id, &h)) {
        l->due_ms = INT64_MAX;
        return;
    }
    struct fingerprint way = way_of(&h);

    if (old == NULL || memcmp(&way, &old->way, sizeof(way)) != 0) {
        if (l->reading != NULL)
            reading_free(l->reading);
        *l = (struct listing){ .id = l->id,
                               .way = way,
                               .due_ms = is_wanted(&h) ? now_ms : INT64_MAX };
    }
    pool_let_go(m->o.pool, &h);
}

void model_lists_accounts(struct model_lists *m, const int64_t *ids, size_t count)
{
    struct listing *now = must_calloc(count + 1, sizeof(now[0]));
    int64_t now_ms = loop_now(m->o.loop);

    for (size_t i = 0; i < count; i++) {
        struct listing *old = listing_find(m, ids[i]);

        now[i].id = ids[i];
        listing_renew(m, &now[i], old, now_ms);
        if (old != NULL)
            old->reading = NULL; /* it has moved, or is given up */
    }
    for (size_t i = 0; i < m->count; i++)
        if (m->listings[i].reading != NULL)
            reading_free(m->listings[i].reading);
    free(m->listings);
    qsort(now, count, sizeof(now[0]), by_id);
    m->listings = now;
    m->count = count;
    lists_go_on(m, now_ms);
}

void model_lists_every(struct model_lists *m, int64_t every_ms)
{
    int64_t now_ms = loop_now(m->o.loop);

    if (every_ms == m->every_ms)
        return;
    m->every_ms = every_ms;
    for (size_t i = 0; i < m->count; i++) {
        struct listing *l = &m->listings[i];

        if (l->known)
            l->due_ms = again_ms(m, l, now_ms);
    }
    lists_go_on(m, now_ms);
}

/* --- one list */

/* `why` is NULL when it was read. */
static void reading_end(struct reading *r, const char *why)
{
    struct model_lists *m = r->lists;
    struct listing *l = listing_find(m, r->id);
    int64_t now_ms = loop_now(m->o.loop);

    assert(l != NULL && l->reading == r);
    if (why == NULL) {
        if (l->failures > 0)
            log_info("the list of models can be read again", F_STR("account", r->account.label));
        log_debug("list of models read", F_STR("account", r->account.label),
                  F_INT("models", (int64_t)r->count));
        l->known = true;
        l->failures = 0;
    } else {
        if (l->failures == 0)
            log_info("the list of models cannot be read", F_STR("account", r->account.label),
                     F_C("why", why));
        l->failures++;
    }
    l->due_ms = again_ms(m, l, now_ms);
    reading_free(r);
    lists_go_on(m, now_ms);
}

static void keep_models(struct reading *r, const struct model_page *page)
{
    if (r->count + page->count > r->cap) {
        r->cap = r->count + page->count + r->cap;
        r->models = must_realloc(r->models, r->cap * sizeof(r->models[0]));
    }
    for (size_t i = 0; i < page->count; i++) {
        struct listed_model *m = &r->models[r->count++];

        *m = page->models[i];
        m->id = arena_copy(&r->arena, m->id);
        m->name = arena_copy(&r->arena, m->name);
        m->owner = arena_copy(&r->arena, m->owner);
    }
}

/* Asks for the page `next`. */
static enum status reading_ask(struct reading *r, int64_t now_ms, struct error *e)
{
    if (r->pages == MODEL_LIST_PAGES_MAX)
        return fail(e, E_LIMIT, "it has more than %d pages", MODEL_LIST_PAGES_MAX);
    if (now_ms >= r->until_ms)
        return fail(e, E_LIMIT, "it takes longer than %d s", MODEL_LIST_MS / 1000);
    r->pages++;
    if (!question_send_list(&r->call, r->lists->o.client, r->account.upstream, r->next,
                            r->until_ms - now_ms))
        return fail(e, E_SYNTAX, "its next page cannot be asked for");
    return OK;
}

static enum status page_take(struct reading *r, struct error *e)
{
    struct model_page page;
    struct arena a = { 0 };
    enum status st;

    if (r->call.status != 200)
        return fail(e, E_REFUSED, "status %d", r->call.status);
    if (r->call.body_too_long)
        return fail(e, E_LIMIT, "a page of it has more than %zu MiB",
                    MODEL_LIST_PAGE_BYTES_MAX >> 20);
    st = model_page_read(upstream_model_form(r->account.upstream), buf_str(&r->call.body), &a,
                         &page, e);
    if (st == OK && r->count + page.count > LISTED_MODELS_MAX)
        st = fail(e, E_LIMIT, "it lists more than %d models", LISTED_MODELS_MAX);
    if (st == OK && page.next.len > 0 && str_eq(page.next, r->next))
        st = fail(e, E_SYNTAX, "its pages go round in a circle");
    if (st == OK) {
        keep_models(r, &page);
        r->next = arena_copy(&r->arena, page.next);
    }
    arena_free(&a);
    return st;
}

static void on_page(void *peer, const struct call_fault *fault)
{
    struct reading *r = peer;
    struct error e = { .status = OK };
    int64_t now_ms = loop_now(r->lists->o.loop);
    enum status st;

    if (fault != NULL) {
        reading_end(r, fault->text);
        return;
    }
    st = page_take(r, &e);
    if (st == OK && r->next.len > 0) {
        st = reading_ask(r, now_ms, &e);
        if (st == OK)
            return;
    } else if (st == OK) {
        st = pool_set_models(r->lists->o.pool, &r->account, r->models, r->count, now_ms, &e);
    }
    reading_end(r, st == OK ? NULL : e.text);
}

/* --- one after the other */

static void reading_start(struct model_lists *m, struct listing *l, int64_t now_ms)
{
    struct account_hold h;
    struct error e;

    l->due_ms = INT64_MAX;
    if (!pool_hold(m->o.pool, l->id, &h))
        return; /* it is going */
    if (h.disabled || !is_wanted(&h)) {
        l->due_ms = is_wanted(&h) ? again_ms(m, l, now_ms) : INT64_MAX;
        pool_let_go(m->o.pool, &h);
        return;
    }
    struct reading *r = must_calloc(1, sizeof(*r));

    *r = (struct reading){
        .lists = m, .id = l->id, .account = h, .until_ms = now_ms + MODEL_LIST_MS
    };
    question_init(&r->call, MODEL_LIST_PAGE_BYTES_MAX, on_page, r);
    l->reading = r;
    m->reading++;
    if (reading_ask(r, now_ms, &e) != OK)
        reading_free(r); /* it has no list, after all */
}

/* Starts what is due and sets the timer to what comes next. */
static void lists_go_on(struct model_lists *m, int64_t now_ms)
{
    for (;;) {
        struct listing *first = NULL;

        for (size_t i = 0; i < m->count; i++)
            if (m->listings[i].reading == NULL &&
                (first == NULL || m->listings[i].due_ms < first->due_ms))
                first = &m->listings[i];
        timer_stop(&m->timer);
        if (first == NULL || first->due_ms == INT64_MAX || m->reading == MODEL_LISTS_AT_ONCE)
            return; /* the end of a reading goes on */
        if (first->due_ms > now_ms) {
            timer_start(&m->timer, first->due_ms - now_ms);
            return;
        }
        reading_start(m, first, now_ms);
    }
}

bool model_lists_refresh(struct model_lists *m, int64_t id)
{
    struct listing *l = listing_find(m, id);
    struct account_hold h;

    if (l == NULL || !pool_hold(m->o.pool, id, &h))
        return false;
    bool wanted = is_wanted(&h);

    pool_let_go(m->o.pool, &h);
    if (!wanted)
        return false;
    l->due_ms = loop_now(m->o.loop);
    lists_go_on(m, l->due_ms);
    return true;
}

static void on_due(void *peer, int64_t now_ms)
{
    lists_go_on(peer, now_ms);
}

/* --- life */

struct model_lists *model_lists_new(const struct model_lists_options *options)
{
    struct model_lists *m = must_calloc(1, sizeof(*m));

    m->o = *options;
    timer_init(&m->timer, options->loop, on_due, m);
    return m;
}

void model_lists_free(struct model_lists *m)
{
    if (m == NULL)
        return;
    timer_stop(&m->timer);
    for (size_t i = 0; i < m->count; i++)
        if (m->listings[i].reading != NULL)
            reading_free(m->listings[i].reading);
    assert(m->reading == 0);
    free(m->listings);
    free(m);
}

unsigned model_lists_reading(const struct model_lists *m)
{
    return m->reading;
}
