/* pool/learn.c - what the verdict on an attempt does to its account, its group of models, its host
 * and its provider. The one place where anything is learned. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "pool/pool_int.h"

#define HOUR_MS (INT64_C(3600) * 1000)
#define ALIKE_MS 10000 /* all accounts of a provider failing alike within this … */
#define MARK_MS 5000   /* … is the provider's fault, for so long */

/* --- flags and counts ------------------------------------------------------------------------ */

void account_set_reason(struct account *acc, struct str reason)
{
    clip_into(acc->disabled_reason, sizeof(acc->disabled_reason), reason);
}

void account_count(struct pool *p, const struct account *acc, int by)
{
    uint32_t *counter = acc->disabled         ? &p->disabled
                        : acc->proxy_disabled ? &p->proxy_disabled
                                              : &acc->cohort->family->usable;

    *counter += (uint32_t)by;
}

void account_set_flags(struct pool *p, struct account *acc, bool disabled, bool proxy_disabled,
                       bool refused)
{
    account_count(p, acc, -1);
    acc->disabled = disabled;
    acc->proxy_disabled = proxy_disabled;
    acc->refused = refused;
    account_count(p, acc, 1);
    if (!refused && acc->lockout.why != VERDICT_NEEDS_ACTION)
        account_ask_again(p, acc, 0);
}

/* --- asking again, once an hour -------------------------------------------------------------- */

/* 0: not any more. */
void account_ask_again(struct pool *p, struct account *acc, int64_t at_ms)
{
    struct account **link = &p->asking;

    if (acc->ask_again_ms == 0 && at_ms != 0) {
        acc->asking_next = p->asking;
        p->asking = acc;
    } else if (acc->ask_again_ms != 0 && at_ms == 0) {
        while (*link != acc)
            link = &(*link)->asking_next;
        *link = acc->asking_next;
    }
    acc->ask_again_ms = at_ms;
    p->ask_again_ms = INT64_MAX;
    for (const struct account *other = p->asking; other != NULL; other = other->asking_next)
        if (other->ask_again_ms < p->ask_again_ms)
            p->ask_again_ms = other->ask_again_ms;
}

/* One real request probes what keeps the account out; until its verdict no other does. */
void account_probed(struct pool *p, struct account *acc, struct standing *s)
{
    if (acc->ask_again_ms != 0)
        account_ask_again(p, acc, p->now_ms + HOUR_MS);
    acc->lockout.probed = s->lockout.probed = true;
    account_file(p, acc);
}

/* --- access tokens that expire --------------------------------------------------------------- */

static void renewing_leave(struct pool *p, struct account *acc)
{
    struct account **link = &p->renewing;

    if (!acc->renewing)
        return;
    while (*link != acc)
        link = &(*link)->renewing_next;
    *link = acc->renewing_next;
    acc->renewing = false;
}

void account_renewal(struct pool *p, struct account *acc, bool renewing, int64_t until_ms)
{
    renewing_leave(p, acc);
    if (until_ms <= p->now_ms) {
        acc->renewal = (struct lockout){ .why = VERDICT_NONE };
        p->freed = true;
        return;
    }
    acc->renewal = (struct lockout){ .why = VERDICT_AUTH_EXPIRED,
                                     .named = true, /* a probe would only meet the old token */
                                     .status = 401,
                                     .since_ms = p->now_ms,
                                     .until_ms = until_ms };
    acc->renewing = renewing;
    if (renewing) {
        acc->renewing_next = p->renewing;
        p->renewing = acc;
    } else {
        p->freed = true; /* those who waited for it look elsewhere */
    }
}

/* Who was refused with a token that has been replaced since need only ask again. */
static void learn_expired(struct pool *p, struct account *acc, struct lease *l)
{
    acc->failed++;
    if (p->on_expired == NULL || l->config->renewal != acc->config->renewal ||
        lockout_holds(&acc->renewal, p->now_ms))
        return;
    account_renewal(p, acc, true, p->now_ms + RENEWAL_MS);
    l->locks = (struct lease_lockout){ "account", acc->renewal.until_ms };
    account_file(p, acc);
    p->on_expired(p->on_expired_peer, acc->id);
}

/* --- lockouts -------------------------------------------------------------------------------- */

static struct missing_model *missing_find(struct account *acc, struct str model)
{
    for (uint32_t i = 0; i < acc->missing_count; i++)
        if (str_eq(missing_name(&acc->missing[i]), model))
            return &acc->missing[i];
    return NULL;
}

/* The place for a new one: a free one, else that whose lockout ends first. */
static struct missing_model *missing_make(struct account *acc, struct str model)
{
    struct missing_model *m = missing_find(acc, model);

    if (m != NULL)
        return m;
    if (acc->missing == NULL)
        acc->missing = must_calloc(MISSING_MODELS_MAX, sizeof(*acc->missing));
    if (acc->missing_count < MISSING_MODELS_MAX) {
        acc->cohort->with_missing += acc->missing_count == 0;
        m = &acc->missing[acc->missing_count++];
    } else {
        m = &acc->missing[0];
        for (uint32_t i = 1; i < acc->missing_count; i++)
            if (acc->missing[i].lockout.until_ms < m->lockout.until_ms)
                m = &acc->missing[i];
        lockout_clear(&m->lockout);
    }
    m->len = (uint8_t)model.len;
    memcpy(m->name, model.at, model.len);
    return m;
}

static void missing_forget(struct account *acc, struct missing_model *m)
{
    lockout_clear(&m->lockout);
    *m = acc->missing[--acc->missing_count];
    acc->missing[acc->missing_count].lockout = (struct lockout){ .why = VERDICT_NONE };
    acc->cohort->with_missing -= acc->missing_count == 0;
}

void account_forget(struct pool *p, struct account *acc)
{
    lockout_clear(&acc->lockout);
    account_renewal(p, acc, false, 0);
    while (acc->missing_count > 0)
        missing_forget(acc, &acc->missing[0]);
    for (struct standing *s = acc->standings; s != NULL; s = s->next) {
        if (s->lockout.why == VERDICT_QUOTA_EXHAUSTED && s->quota.remaining_permille == 0)
            standing_forget_quota(s);
        lockout_clear(&s->lockout);
    }
    if (!acc->refused)
        account_ask_again(p, acc, 0);
}

/* What it lacked without listing it, and lists now, may be there. */
void account_relisted(struct pool *p, struct account *acc, const struct model_list *old)
{
    if (old == NULL || acc->listed == NULL)
        return;
    for (uint32_t i = acc->missing_count; i-- > 0;) {
        struct str model = missing_name(&acc->missing[i]);

        if (model_list_offers(acc->listed, model) && !model_list_offers(old, model))
            missing_forget(acc, &acc->missing[i]);
    }
    for (struct standing *s = acc->standings; s != NULL; s = s->next) {
        struct str model = s->roster == NULL ? STR("") : roster_group(s->roster);

        if (s->lockout.why == VERDICT_MODEL_MISSING && model_list_offers(acc->listed, model) &&
            !model_list_offers(old, model))
            lockout_clear(&s->lockout);
    }
    account_file(p, acc);
}

/* The lockout that the verdict makes or lengthens. NULL: nobody's. */
static struct lockout *lockout_concerned(struct account *acc, struct standing *s, struct str model,
                                         const struct verdict *v)
{
    struct host *host = acc->cohort->host;

    switch (lockout_scope(v)) {
    case LOCKOUT_NOBODY:
        return NULL;
    case LOCKOUT_HOST:
        return host == NULL ? NULL : &host->lockout;
    case LOCKOUT_MODEL:
        model = group_name(model);
        if (model.len > 0 && !str_eq(model, roster_group(s->roster)))
            return &missing_make(acc, model)->lockout;
        break; /* the model is its own group */
    case LOCKOUT_GROUP:
        break;
    case LOCKOUT_ACCOUNT:
        return &acc->lockout;
    }
    return s->roster->group_len > 0 ? &s->lockout : &acc->lockout;
}

/* A used-up allowance is a figure, too. It lapses with the lockout that goes with it. */
static void learn_quota(struct pool *p, struct account *acc, struct standing *s,
                        const struct verdict *v, const struct lockout *l)
{
    struct quota used = { .reset_ms = l->until_ms, .seen_ms = p->now_ms, .guessed = !l->named };

    if (v->billing)
        return;
    if (l == &s->lockout) {
        standing_set_quota(s, &used);
        return;
    }
    for (s = acc->standings; s != NULL; s = s->next)
        standing_set_quota(s, &used);
}

/* A family's allowances are its groups', and one that nobody timed ends when it is known to come
 * back. What is left is asked for. */
static void quota_verdict(struct pool *p, const struct account *acc, const struct standing *s,
                          struct verdict *v)
{
    v->group_scope = v->group_scope || acc->cohort->group != NULL;
    if (v->delay_ms < 0 && s->quota.reset_ms > p->now_ms && !s->quota.guessed)
        v->delay_ms = s->quota.reset_ms - p->now_ms;
    quota_ask(p, acc->id);
}

static void learn_refusal(struct pool *p, struct account *acc, struct lease *l,
                          const struct verdict *v)
{
    char text[sizeof(acc->disabled_reason)];
    bool has_key = secret_reveal(&acc->config->spec->api_key).len > 0;
    int len;

    acc->refused_turn = p->turn;
    if (acc->refused)
        return; /* asked again in an hour, and still */
    if (acc->disabled)
        return;
    len = snprintf(text, sizeof(text), "%s (status %d)", verdict_text(v->kind), v->status);
    account_set_flags(p, acc, true, acc->proxy_disabled, true);
    account_set_reason(acc, (struct str){ text, (size_t)len });
    l->locks = (struct lease_lockout){ "account", INT64_MAX };
    if (has_key)
        account_ask_again(p, acc, p->now_ms + HOUR_MS);
}

/* For whoever explains the attempt. */
static void lease_note(struct lease *l, const struct account *acc, const struct lockout *made)
{
    const struct host *host = acc->cohort->host;

    l->locks = (struct lease_lockout){
        .scope = made == &acc->lockout                    ? "account"
                 : made == &l->standing->lockout          ? "group"
                 : host != NULL && made == &host->lockout ? "host"
                                                          : "model",
        .until_ms = made->until_ms,
    };
}

static void account_fail(struct pool *p, struct account *acc, struct lease *l,
                         const struct verdict *v)
{
    struct lockout *lockout = NULL;
    struct verdict known = *v;

    acc->failed++;
    known.unlisted =
        v->unlisted || (acc->listed != NULL && !model_list_offers(acc->listed, l->model));
    if (v->kind == VERDICT_QUOTA_EXHAUSTED && !v->billing)
        quota_verdict(p, acc, l->standing, &known);
    if (v->kind == VERDICT_AUTH_INVALID)
        learn_refusal(p, acc, l, v);
    else
        lockout = lockout_concerned(acc, l->standing, l->model, &known);
    if (lockout != NULL) {
        lockout_extend(lockout, &known, l->number, p->turn, &p->options, p->now_ms);
        lease_note(l, acc, lockout);
        if (v->kind == VERDICT_QUOTA_EXHAUSTED)
            learn_quota(p, acc, l->standing, &known, lockout);
        if (acc->lockout.why == VERDICT_NEEDS_ACTION && acc->ask_again_ms == 0)
            account_ask_again(p, acc, p->now_ms + HOUR_MS);
        if (lockout_scope(v) == LOCKOUT_HOST)
            host_learned(p);
    }
    account_file(p, acc);
}

/* --- successes ------------------------------------------------------------------------------- */

/* The used-up figure that goes with a lockout goes with it. */
static bool disprove(struct pool *p, struct lockout *l, const struct lease *lease)
{
    struct standing *s = lease->standing;
    bool was_used_up = l->why == VERDICT_QUOTA_EXHAUSTED && lease->number > l->turn;

    if (l->why == VERDICT_NONE || lease->number <= l->turn)
        return false;
    (void)lockout_disprove(l, lease->number, p->now_ms);
    if (was_used_up && s->quota.remaining_permille == 0)
        standing_forget_quota(s);
    return true;
}

static void account_succeed(struct pool *p, struct account *acc, const struct lease *l)
{
    struct standing *s = l->standing;
    struct cohort *c = acc->cohort;
    struct missing_model *missing = missing_find(acc, group_name(l->model));
    bool changed = disprove(p, &acc->lockout, l);

    acc->served++;
    s->roster->served = true;
    c->family->failed = 0;
    c->family->marked_until_ms = 0;
    changed = disprove(p, &s->lockout, l) || changed;
    if (acc->refused && l->number > acc->refused_turn) {
        account_set_flags(p, acc, false, acc->proxy_disabled, false);
        account_set_reason(acc, STR(""));
        changed = true;
    }
    if (missing != NULL && l->number > missing->lockout.turn) {
        missing_forget(acc, missing);
        p->freed = true;
    }
    if (c->host != NULL && disprove(p, &c->host->lockout, l)) {
        host_learned(p);
        p->freed = true;
    }
    if (!changed)
        return;
    if (!acc->refused && acc->lockout.why != VERDICT_NEEDS_ACTION && acc->ask_again_ms != 0)
        account_ask_again(p, acc, 0);
    account_file(p, acc);
}

static void session_bind(struct pool *p, const struct account *acc, const struct lease *l)
{
    if (l->binds)
        bindings_bind(&p->bindings, &l->session, acc->home, l->via, p->now_ms);
    if (l->stamps) {
        p->recent = acc->id;
        p->recent_ms = p->now_ms;
    }
}

/* --- the provider as a whole ----------------------------------------------------------------- */

static void family_fail(struct pool *p, struct account *acc, const struct verdict *v)
{
    struct family *f = acc->cohort->family;

    if (v->kind != VERDICT_SERVER_ERROR && v->kind != VERDICT_TIMEOUT &&
        v->kind != VERDICT_NETWORK && v->kind != VERDICT_CAPACITY)
        return;
    if (f->failed == 0 || f->alike != v->kind || p->now_ms - f->began_ms > ALIKE_MS) {
        f->alike = v->kind;
        f->began_ms = p->now_ms;
        f->failed = 0;
        f->run++;
    }
    if (acc->run == f->run && f->failed > 0)
        return; /* it is counted */
    acc->run = f->run;
    f->failed++;
    if (f->failed > 1 && f->failed >= f->usable)
        f->marked_until_ms = p->now_ms + MARK_MS;
}

/* --- all together ---------------------------------------------------------------------------- */

void account_learn(struct pool *p, struct account *acc, struct lease *l, const struct verdict *v)
{
    if (l->config->credential != acc->config->credential)
        return; /* the verdict is on a credential that is gone */
    if (l->side)
        return; /* what counts tokens or lists models tells nothing about generation */

    switch (v->kind) {
    case VERDICT_SUCCESS:
        account_succeed(p, acc, l);
        session_bind(p, acc, l);
        return;
    case VERDICT_RATE_LIMITED:
    case VERDICT_QUOTA_EXHAUSTED:
    case VERDICT_CAPACITY:
    case VERDICT_SERVER_ERROR:
    case VERDICT_TIMEOUT:
    case VERDICT_NETWORK:
    case VERDICT_AUTH_INVALID:
    case VERDICT_FORBIDDEN:
    case VERDICT_NEEDS_ACTION:
    case VERDICT_MODEL_MISSING:
        account_fail(p, acc, l, v);
        family_fail(p, acc, v);
        return;
    case VERDICT_AUTH_EXPIRED:
        learn_expired(p, acc, l);
        return;
    case VERDICT_NONE: /* from here on: nothing about the account */
    case VERDICT_REPAIRABLE:
    case VERDICT_CLIENT_FAULT:
    case VERDICT_TOO_LONG:
    case VERDICT_BLOCKED:
    case VERDICT_CLIENT_LEFT:
    case VERDICT_KINDS:
        return;
    }
}

/* --- taking it back -------------------------------------------------------------------------- */

static bool lockout_release(struct lockout *l, uint64_t lease)
{
    if (l->why == VERDICT_NONE || l->lease != lease)
        return false;
    lockout_clear(l);
    return true;
}

static void account_release(struct pool *p, struct account *acc, uint64_t lease)
{
    struct host *host = acc->cohort->host;

    (void)lockout_release(&acc->lockout, lease);
    for (struct standing *s = acc->standings; s != NULL; s = s->next)
        (void)lockout_release(&s->lockout, lease);
    if (host != NULL && lockout_release(&host->lockout, lease)) {
        host_learned(p);
        p->freed = true;
    }
    acc->cohort->family->failed = 0;
    acc->cohort->family->marked_until_ms = 0;
    account_file(p, acc);
}

void accounts_release(struct pool *p, const struct lease_mark *marks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct account *acc = account_find(p, marks[i].account);

        if (acc != NULL)
            account_release(p, acc, marks[i].number);
    }
}
