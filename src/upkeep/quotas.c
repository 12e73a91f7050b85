#include "upkeep/quotas.h"

#include <stdlib.h>

#include "base/fingerprint.h"
#include "base/log.h"
#include "io/crypto.h"
#include "io/loop.h"
#include "upkeep/question.h"

/* One account. */
struct teller {
    int64_t id;
    struct fingerprint way; /* all that decides how it is asked, and whether */
    bool tells;
    int64_t due_ms;    /* INT64_MAX: nothing to be asked */
    int64_t told_ms;   /* when it was asked last; 0: never */
    bool known;        /* it has told since it is asked this way */
    uint32_t failures; /* in a row */
    bool renewing;     /* it is asked again when its credential has been renewed */
    char project[FACTS_PROJECT_MAX];
    struct quota_wish *wishes;
    struct reading *reading;
};

/* One course of questions. */
struct reading {
    struct quotas *quotas;
    int64_t id; /* of its teller */
    struct account_hold account;
    struct facts_course course;
    struct question question;
    struct timer timer; /* the same question once more */
};

struct quotas {
    struct quotas_options o;
    int64_t every_ms;
    struct teller *tellers; /* by id */
    size_t count;
    unsigned reading;
    struct timer timer, look;
};

static void quotas_go_on(struct quotas *q, int64_t now_ms);

/* --- when -------------------------------------------------------------------------------------*/

/* A tenth less to a tenth more, so that accounts do not ask in step. */
static int64_t about(int64_t ms)
{
    return ms - ms / 10 + (int64_t)(random_u64() % (uint64_t)(ms / 5 + 1));
}

static int64_t again_ms(const struct quotas *q, const struct teller *t, int64_t now_ms)
{
    int64_t wait_ms = QUOTA_RETRY_MS;

    if (t->failures == 0)
        return q->every_ms > 0 ? now_ms + about(q->every_ms) : INT64_MAX;
    if (t->known && q->every_ms == 0)
        return INT64_MAX;
    for (uint32_t i = 1; i < t->failures && wait_ms < QUOTA_RETRY_MS_MAX; i++)
        wait_ms *= 2;
    return now_ms + about(wait_ms < QUOTA_RETRY_MS_MAX ? wait_ms : QUOTA_RETRY_MS_MAX);
}

/* --- the accounts -----------------------------------------------------------------------------*/

static int by_id(const void *a, const void *b)
{
    const struct teller *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static struct teller *teller_find(const struct quotas *q, int64_t id)
{
    return q->count == 0 ? NULL
                         : bsearch(&(struct teller){ .id = id }, q->tellers, q->count,
                                   sizeof(q->tellers[0]), by_id);
}

static struct fingerprint way_of(const struct account_hold *h)
{
    const struct upstream *u = h->upstream;
    const struct upstream *asked = u->facts != NULL ? u->facts : u;
    struct fingerprint way = { { upstream_has_facts(u), h->disabled } };

    fingerprint_add(&way, asked->origin.pool_key);
    fingerprint_add(&way, asked->base_path);
    fingerprint_add(&way, secret_reveal(&asked->lines[SHAPE_GET]));
    return way;
}

static void wishes_answer(struct quota_wish *w, const char *why)
{
    for (struct quota_wish *next; w != NULL; w = next) {
        next = w->next;
        w->done(w->peer, why);
    }
}

/* It is its teller's no more: nothing comes of it by itself from now on. */
static void reading_leave(struct reading *r)
{
    struct teller *t = teller_find(r->quotas, r->id);

    if (t != NULL)
        t->reading = NULL;
    r->quotas->reading--;
    timer_stop(&r->timer);
    question_clear(&r->question);
}

static void reading_drop(struct reading *r)
{
    facts_clear(&r->course);
    pool_let_go(r->quotas->o.pool, &r->account);
    free(r);
}

static void reading_free(struct reading *r)
{
    reading_leave(r);
    reading_drop(r);
}

/* What it was, and whether it is still asked the same way. */
static void teller_renew(struct quotas *q, struct teller *t, const struct teller *old,
                         int64_t now_ms)
{
    struct account_hold h;

    if (old != NULL)
        *t = *old;
    if (!pool_hold(q->o.pool, t->id, &h)) {
        t->due_ms = INT64_MAX;
        return;
    }
    struct fingerprint way = way_of(&h);

    if (old == NULL || memcmp(&way, &old->way, sizeof(way)) != 0) {
        if (t->reading != NULL)
            reading_free(t->reading);
        t->reading = NULL;
        t->way = way;
        t->tells = upstream_has_facts(h.upstream);
        t->due_ms = t->tells && (!h.disabled || t->wishes != NULL) ? now_ms : INT64_MAX;
        t->known = false;
        t->failures = 0;
    }
    pool_let_go(q->o.pool, &h);
}

void quotas_accounts(struct quotas *q, const int64_t *ids, size_t count)
{
    struct teller *now = must_calloc(count + 1, sizeof(now[0]));
    int64_t now_ms = loop_now(q->o.loop);

    for (size_t i = 0; i < count; i++) {
        struct teller *old = teller_find(q, ids[i]);

        now[i].id = ids[i];
        teller_renew(q, &now[i], old, now_ms);
        if (old != NULL) { /* it has moved */
            old->reading = NULL;
            old->wishes = NULL;
        }
    }
    struct teller *before = q->tellers;
    size_t before_count = q->count;

    for (size_t i = 0; i < before_count; i++)
        if (before[i].reading != NULL)
            reading_free(before[i].reading);
    qsort(now, count, sizeof(now[0]), by_id);
    q->tellers = now;
    q->count = count;
    for (size_t i = 0; i < before_count; i++)
        wishes_answer(before[i].wishes, "the account is gone");
    free(before);
    for (size_t i = 0; i < q->count; i++)
        if (!q->tellers[i].tells) {
            struct quota_wish *wishes = q->tellers[i].wishes;

            q->tellers[i].wishes = NULL;
            wishes_answer(wishes, "the account's provider tells nothing any more");
        }
    quotas_go_on(q, now_ms);
}

void quotas_renewed(struct quotas *q, int64_t id)
{
    struct teller *t = teller_find(q, id);
    struct account_hold h;

    if (t == NULL || !pool_hold(q->o.pool, id, &h))
        return;
    t->way = way_of(&h); /* the same account, asked the same way */
    t->tells = upstream_has_facts(h.upstream);
    pool_let_go(q->o.pool, &h);
    if (t->tells && (t->renewing || (!t->known && t->reading == NULL)))
        t->due_ms = loop_now(q->o.loop);
    quotas_go_on(q, loop_now(q->o.loop));
}

void quotas_every(struct quotas *q, int64_t every_ms)
{
    int64_t now_ms = loop_now(q->o.loop);

    if (every_ms == q->every_ms)
        return;
    q->every_ms = every_ms;
    for (size_t i = 0; i < q->count; i++) {
        struct teller *t = &q->tellers[i];

        if (t->known && t->reading == NULL)
            t->due_ms = again_ms(q, t, now_ms);
    }
    quotas_go_on(q, now_ms);
}

/* --- one course -------------------------------------------------------------------------------*/

static void take_figures(struct reading *r, int64_t now_ms)
{
    const struct account_facts *f = &r->course.facts;
    struct pool *pool = r->quotas->o.pool;
    struct error e;

    for (size_t i = 0; i < f->group_count; i++)
        if (f->groups[i].said.count > 0)
            (void)pool_hear_quota(pool, &r->account, f->groups[i].group, &f->groups[i].said,
                                  now_ms);
    if (f->models != NULL && r->account.wants_list &&
        pool_set_models(pool, &r->account, f->models, f->model_count, now_ms, &e) != OK)
        log_info("the list of models is not used", F_STR("account", r->account.label),
                 F_C("why", e.text));
}

static void note_success(const struct reading *r, struct teller *t)
{
    if (t->failures > 0)
        log_info("what is left can be asked again", F_STR("account", r->account.label));
    log_debug("what is left was asked", F_STR("account", r->account.label),
              F_INT("groups", (int64_t)r->course.facts.group_count));
    memcpy(t->project, r->course.facts.project, sizeof(t->project));
    t->known = true;
    t->failures = 0;
}

static void note_failure(const struct reading *r, struct teller *t, const char *why)
{
    if (t->failures == 0)
        log_info("what is left cannot be asked", F_STR("account", r->account.label),
                 F_C("why", why));
    t->failures++;
}

/* `why` is NULL when it has told. */
static void reading_end(struct reading *r, const char *why)
{
    struct quotas *q = r->quotas;
    struct teller *t = teller_find(q, r->id);
    int64_t now_ms = loop_now(q->o.loop);
    struct error kept = { .status = OK };

    assert(t != NULL && t->reading == r);
    struct quota_wish *wishes = t->wishes;

    t->wishes = NULL;
    t->told_ms = now_ms;
    t->renewing = false;
    if (why == NULL)
        note_success(r, t);
    else
        note_failure(r, t, why);
    t->due_ms = again_ms(q, t, now_ms);
    if (why != NULL)
        (void)fail(&kept, E_IO, "%s", why); /* it may lie in the question */
    reading_leave(r);
    if (why == NULL) {
        /* accounts may change now; who sees the figures finds the rest in force, too */
        if (q->o.on_facts != NULL)
            q->o.on_facts(q->o.peer, r->id, &r->course.facts);
        take_figures(r, now_ms);
    }
    wishes_answer(wishes, why == NULL ? NULL : kept.text);
    reading_drop(r);
    quotas_go_on(q, now_ms);
}

/* Somebody waits: with a renewed credential it is asked anew, once. Else that is left to those who
 * keep credentials fresh. */
static bool renews(struct reading *r)
{
    struct quotas *q = r->quotas;
    struct teller *t = teller_find(q, r->id);
    const struct upstream *u = r->account.upstream;
    int64_t id = r->id;

    if (r->question.status != 401 || t->wishes == NULL || t->renewing || q->o.renew == NULL ||
        !u->renews || !facts_prove_credential(u))
        return false;
    t->renewing = true;
    t->due_ms = loop_now(q->o.loop) + QUOTA_RENEWAL_MS;
    reading_free(r);
    if (!q->o.renew(q->o.peer, id) && (t = teller_find(q, id)) != NULL)
        t->due_ms = loop_now(q->o.loop);
    quotas_go_on(q, loop_now(q->o.loop));
    return true;
}

static void reading_ask(struct reading *r)
{
    struct upstream_ask ask = facts_question(&r->course);

    if (!question_send(&r->question, r->quotas->o.client, facts_upstream(&r->course), &ask,
                       r->course.body, QUOTA_QUESTION_MS))
        reading_end(r, "the question cannot be written");
}

static bool is_broken(const struct reading *r, const struct call_fault *fault)
{
    int status = r->question.status;

    return fault != NULL || status >= 500 || status == 404 || status == 408;
}

static void on_answer(void *peer, const struct call_fault *fault)
{
    struct reading *r = peer;
    struct moment now = { loop_now(r->quotas->o.loop), clock_unix_ms() };
    struct error why = { .status = OK };

    if (is_broken(r, fault) && facts_elsewhere(&r->course)) {
        reading_ask(r);
        return;
    }
    if (fault == NULL && renews(r))
        return;
    if (fault != NULL || r->question.body_too_long) {
        reading_end(r, fault != NULL ? fault->text : "its answer is too long");
        return;
    }
    switch (facts_take(&r->course, r->question.status, buf_str(&r->question.body), &now, &why)) {
    case FACTS_ASK:
        reading_ask(r);
        return;
    case FACTS_WAIT:
        timer_start(&r->timer, FACTS_WAIT_MS);
        return;
    case FACTS_DONE:
        reading_end(r, NULL);
        return;
    case FACTS_FAIL:
        reading_end(r, why.text);
        return;
    }
}

static void on_wait_over(void *peer, int64_t now_ms)
{
    (void)now_ms;
    reading_ask(peer);
}

/* --- one after the other ----------------------------------------------------------------------*/

static void reading_start(struct quotas *q, struct teller *t, int64_t now_ms)
{
    struct account_hold h;

    t->due_ms = INT64_MAX;
    if (!pool_hold(q->o.pool, t->id, &h))
        return; /* it is going */
    if (h.disabled && t->wishes == NULL) {
        /* the pool enables accounts without telling: it is looked at again later */
        t->due_ms = now_ms + about(q->every_ms > 0 ? q->every_ms : QUOTA_RETRY_MS_MAX);
        pool_let_go(q->o.pool, &h);
        return;
    }
    struct reading *r = must_calloc(1, sizeof(*r));

    *r = (struct reading){ .quotas = q, .id = t->id, .account = h };
    question_init(&r->question, FACTS_BODY_MAX, on_answer, r);
    timer_init(&r->timer, q->o.loop, on_wait_over, r);
    facts_begin(&r->course, h.upstream, str_c(t->project));
    t->reading = r;
    q->reading++;
    reading_ask(r);
}

/* Starts what is due and sets the timer to what comes next. */
static void quotas_go_on(struct quotas *q, int64_t now_ms)
{
    for (;;) {
        struct teller *first = NULL;

        for (size_t i = 0; i < q->count; i++)
            if (q->tellers[i].reading == NULL &&
                (first == NULL || q->tellers[i].due_ms < first->due_ms))
                first = &q->tellers[i];
        timer_stop(&q->timer);
        if (first == NULL || first->due_ms == INT64_MAX || q->reading == QUOTAS_AT_ONCE)
            return; /* the end of a reading goes on */
        if (first->due_ms > now_ms) {
            timer_start(&q->timer, first->due_ms - now_ms);
            return;
        }
        reading_start(q, first, now_ms);
    }
}

static void on_due(void *peer, int64_t now_ms)
{
    quotas_go_on(peer, now_ms);
}

/* --- on demand --------------------------------------------------------------------------------*/

bool quotas_refresh(struct quotas *q, int64_t id, struct quota_wish *wish)
{
    struct teller *t = teller_find(q, id);

    if (t == NULL || !t->tells)
        return false;
    wish->next = t->wishes;
    t->wishes = wish;
    t->due_ms = loop_now(q->o.loop);
    quotas_go_on(q, t->due_ms);
    return true;
}

size_t quotas_refresh_all(struct quotas *q)
{
    int64_t now_ms = loop_now(q->o.loop);
    size_t count = 0;

    for (size_t i = 0; i < q->count; i++)
        if (q->tellers[i].tells) {
            q->tellers[i].due_ms = now_ms;
            count++;
        }
    quotas_go_on(q, now_ms);
    return count;
}

/* Allowances that were found used up: their providers know when they are whole again. */
static void look_at_faults(void *peer, int64_t now_ms)
{
    struct quotas *q = peer;
    int64_t ids[QUOTA_ASKS_MAX];
    size_t count = pool_take_quota_asks(q->o.pool, ids);

    for (size_t i = 0; i < count; i++) {
        struct teller *t = teller_find(q, ids[i]);
        int64_t due_ms = now_ms;

        if (t == NULL || !t->tells)
            continue;
        if (t->told_ms != 0 && t->told_ms + QUOTA_FAULT_MS > now_ms)
            due_ms = t->told_ms + QUOTA_FAULT_MS;
        if (due_ms < t->due_ms)
            t->due_ms = due_ms;
    }
    if (count > 0)
        quotas_go_on(q, now_ms);
    timer_start(&q->look, QUOTA_LOOK_MS);
}

/* --- life -------------------------------------------------------------------------------------*/

struct quotas *quotas_new(const struct quotas_options *options)
{
    struct quotas *q = must_calloc(1, sizeof(*q));

    q->o = *options;
    timer_init(&q->timer, options->loop, on_due, q);
    timer_init(&q->look, options->loop, look_at_faults, q);
    timer_start(&q->look, QUOTA_LOOK_MS);
    return q;
}

void quotas_free(struct quotas *q)
{
    if (q == NULL)
        return;
    timer_stop(&q->timer);
    timer_stop(&q->look);
    for (size_t i = 0; i < q->count; i++) {
        struct quota_wish *wishes = q->tellers[i].wishes;

        q->tellers[i].wishes = NULL;
        if (q->tellers[i].reading != NULL)
            reading_free(q->tellers[i].reading);
        wishes_answer(wishes, "the gateway is ending");
    }
    assert(q->reading == 0);
    free(q->tellers);
    free(q);
}

unsigned quotas_reading(const struct quotas *q)
{
    return q->reading;
}
