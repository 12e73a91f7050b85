/* pool/quota.c - what is left of an account's allowances, group by group.
 *
 * A provider tells of a group in windows (5 hours, a week; requests, tokens), all of them at one
 * time; the tightest is the figure that picks go by. When its window is over, the next one counts,
 * as long as it says anything. */
#include "pool/pool_int.h"

#include <stdlib.h>

int32_t quota_remaining(const struct quota *q, int64_t now_ms)
{
    return q->reset_ms == 0 || q->reset_ms > now_ms ? q->remaining_permille : -1;
}

static bool window_tells(const struct quota_window *w, int64_t now_ms)
{
    return w->remaining_permille >= 0 && (w->reset_ms == 0 || w->reset_ms > now_ms);
}

/* Of two that have as much left, the one that comes back later. */
static bool is_tighter(const struct quota_window *a, const struct quota_window *b)
{
    int64_t a_ms = a->reset_ms == 0 ? INT64_MAX : a->reset_ms;
    int64_t b_ms = b->reset_ms == 0 ? INT64_MAX : b->reset_ms;

    return a->remaining_permille != b->remaining_permille
               ? a->remaining_permille < b->remaining_permille
               : a_ms > b_ms;
}

static struct quota tightest(const struct quota_said *said, int64_t now_ms)
{
    const struct quota_window *found = NULL;

    for (uint32_t i = 0; i < said->count; i++)
        if (window_tells(&said->windows[i], now_ms) &&
            (found == NULL || is_tighter(&said->windows[i], found)))
            found = &said->windows[i];
    return found == NULL ? (struct quota){ .remaining_permille = -1, .seen_ms = said->seen_ms }
                         : (struct quota){ .remaining_permille = found->remaining_permille,
                                           .reset_ms = found->reset_ms,
                                           .seen_ms = said->seen_ms };
}

void standing_settle_quota(struct standing *s, int64_t now_ms)
{
    if (s->said != NULL && s->said->count > 0 && s->quota.reset_ms != 0 &&
        s->quota.reset_ms <= now_ms)
        s->quota = tightest(s->said, now_ms);
}

void standing_set_quota(struct standing *s, const struct quota *q)
{
    s->quota = *q;
    if (s->said != NULL)
        s->said->count = 0;
}

void standing_forget_quota(struct standing *s)
{
    standing_set_quota(s, &(struct quota){ .remaining_permille = -1 });
}

/* A lockout whose length nobody had named ends when the allowance is known to come back. */
static void lockout_take_reset(struct lockout *l, const struct quota *q, int64_t now_ms)
{
    if (l->why != VERDICT_QUOTA_EXHAUSTED || l->named || l->billing || !lockout_holds(l, now_ms) ||
        q->remaining_permille != 0 || q->reset_ms <= now_ms)
        return;
    l->until_ms = q->reset_ms;
    l->named = true;
}

static void standing_hear(struct pool *p, struct standing *s, const struct quota_said *said)
{
    struct quota q = tightest(said, p->now_ms);

    if (s->said == NULL)
        s->said = must_alloc(sizeof(*s->said));
    *s->said = *said;
    s->quota = q;
    lockout_take_reset(&s->lockout, &q, p->now_ms);
    standing_file(p, s);
}

void lease_hear(struct pool *p, struct account *acc, const struct lease *l, const struct verdict *v)
{
    if (l->said == NULL || l->side || l->config->credential != acc->config->credential)
        return;
    /* what an answer says of its account is not believed against the answer itself */
    if (v->kind == VERDICT_QUOTA_EXHAUSTED && tightest(l->said, p->now_ms).remaining_permille > 0)
        return;
    standing_hear(p, l->said_group.len > 0 ? standing_make(p, acc, l->said_group) : l->standing,
                  l->said);
}

bool pool_set_quota(struct pool *p, int64_t id, struct str group, const struct quota *q,
                    int64_t now_ms)
{
    assert(q->remaining_permille >= -1 && q->remaining_permille <= 1000);
    pool_lock(p);
    pool_settle(p, now_ms);
    struct account *acc = account_find(p, id);

    if (acc != NULL) {
        struct standing *s = standing_make(p, acc, group);

        standing_set_quota(s, q);
        lockout_take_reset(&s->lockout, q, p->now_ms);
        standing_file(p, s);
        p->freed = true; /* it may be another step, or above what is kept */
        pool_grant(p);
    }
    pool_unlock(p);
    return acc != NULL;
}

bool pool_hear_quota(struct pool *p, const struct account_hold *h, struct str group,
                     const struct quota_said *said, int64_t now_ms)
{
    assert(said->count <= QUOTA_WINDOWS_MAX);
    pool_lock(p);
    pool_settle(p, now_ms);
    struct account *acc = account_find(p, h->id);
    bool heard = acc != NULL && acc->config->credential == h->config->credential;

    if (heard) {
        standing_hear(p, standing_make(p, acc, group), said);
        p->freed = true;
        pool_grant(p);
    }
    pool_unlock(p);
    return heard;
}

/* --- who is to be asked ------------------------------------------------------------------------*/

void quota_ask(struct pool *p, int64_t id)
{
    for (uint32_t i = 0; i < p->quota_ask_count; i++)
        if (p->quota_asks[i] == id)
            return;
    if (p->quota_ask_count < QUOTA_ASKS_MAX)
        p->quota_asks[p->quota_ask_count++] = id;
}

size_t pool_take_quota_asks(struct pool *p, int64_t ids[QUOTA_ASKS_MAX])
{
    pool_lock(p);
    size_t count = p->quota_ask_count;

    memcpy(ids, p->quota_asks, count * sizeof(ids[0]));
    p->quota_ask_count = 0;
    pool_unlock(p);
    return count;
}
