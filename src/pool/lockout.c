#include "pool/lockout.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/utf8.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* What a kind costs when the provider names no time. `steps` are the lengths of the first, second …
 * failure in a row; the last one repeats. */
static const struct consequence {
    enum lockout_scope scope;
    bool by_group; /* the verdict may narrow it to the group */
    int64_t steps[7];
} consequences[VERDICT_KINDS] = {
    [VERDICT_RATE_LIMITED] = { LOCKOUT_ACCOUNT,
                               true,
                               { 5 * SECOND, 10 * SECOND, 20 * SECOND, 40 * SECOND, 80 * SECOND,
                                 160 * SECOND, 300 * SECOND } },
    [VERDICT_QUOTA_EXHAUSTED] = { LOCKOUT_ACCOUNT, true, { MINUTE } }, /* or as the settings say */
    [VERDICT_CAPACITY] = { LOCKOUT_GROUP, false, { 5 * SECOND, 10 * SECOND, 15 * SECOND } },
    [VERDICT_SERVER_ERROR] = { LOCKOUT_ACCOUNT, true, { 8 * SECOND } },
    [VERDICT_TIMEOUT] = { LOCKOUT_HOST, false, { 5 * SECOND } },
    [VERDICT_NETWORK] = { LOCKOUT_HOST, false, { 5 * SECOND } },
    [VERDICT_FORBIDDEN] = { LOCKOUT_ACCOUNT, true, { 10 * MINUTE } },
    [VERDICT_NEEDS_ACTION] = { LOCKOUT_ACCOUNT, false, { LOCKOUT_FOR_EVER } },
    [VERDICT_MODEL_MISSING] = { LOCKOUT_MODEL, false, { 5 * SECOND } },
};

static const int64_t steps_exhausted[] = { 30 * SECOND, 60 * SECOND, 120 * SECOND, 240 * SECOND,
                                           300 * SECOND };
static const int64_t steps_vague[] = { 60 * SECOND, 120 * SECOND, 240 * SECOND, 300 * SECOND };
static const int64_t steps_billing[] = { HOUR, 6 * HOUR };
static const int64_t steps_unlisted[] = { HOUR };

static int64_t step_at(const int64_t *steps, size_t count, uint32_t step)
{
    size_t last = count - 1;

    while (last > 0 && steps[last] == 0)
        last--;
    return steps[step < last ? step : last];
}

enum lockout_scope lockout_scope(const struct verdict *v)
{
    assert(v->kind < VERDICT_KINDS);
    const struct consequence *c = &consequences[v->kind];

    /* the cache is at this account, so the exchange asks it once more before anybody learns of it;
     * unless the provider itself wants more time than that */
    if (v->kind == VERDICT_CAPACITY && v->first_capacity && v->delay_ms <= LOCKOUT_NAMED_MS_MIN)
        return LOCKOUT_NOBODY;
    if (c->scope == LOCKOUT_HOST && v->fresh_try)
        return LOCKOUT_NOBODY; /* a connection of its own will tell */
    if (c->by_group && v->group_scope)
        return LOCKOUT_GROUP;
    return c->scope;
}

static int64_t clamp(int64_t ms, int64_t least, int64_t most)
{
    return ms < least ? least : ms > most ? most : ms;
}

static int64_t length_of_table(const struct verdict *v, uint32_t step, const struct pool_options *o)
{
    const struct consequence *c = &consequences[v->kind];

    if (v->kind == VERDICT_QUOTA_EXHAUSTED && v->billing)
        return step_at(steps_billing, COUNT(steps_billing), step);
    if (v->kind == VERDICT_QUOTA_EXHAUSTED && o->backoff_count > 0)
        return step_at(o->backoff_ms, o->backoff_count, step);
    if (v->kind == VERDICT_RATE_LIMITED && v->vague)
        return step_at(steps_vague, COUNT(steps_vague), step);
    if (v->kind == VERDICT_RATE_LIMITED && v->exhausted)
        return step_at(steps_exhausted, COUNT(steps_exhausted), step);
    if (v->kind == VERDICT_MODEL_MISSING && v->unlisted)
        return step_at(steps_unlisted, COUNT(steps_unlisted), step);
    return step_at(c->steps, COUNT(c->steps), step);
}

int64_t lockout_length_ms(const struct verdict *v, uint32_t step, const struct pool_options *o)
{
    assert(v->kind < VERDICT_KINDS);
    assert(consequences[v->kind].scope != LOCKOUT_NOBODY);
    if (v->kind == VERDICT_NEEDS_ACTION)
        return LOCKOUT_FOR_EVER;
    if (v->delay_ms >= 0 && v->derived && !v->daily)
        return clamp(v->delay_ms, LOCKOUT_NAMED_MS_MIN, LOCKOUT_MADE_MS_MAX);
    if (v->delay_ms >= 0)
        return clamp(v->delay_ms, LOCKOUT_NAMED_MS_MIN, LOCKOUT_NAMED_MS_MAX);
    return clamp(length_of_table(v, step, o), SECOND, LOCKOUT_MADE_MS_MAX);
}

int64_t lockout_probe_ms(const struct lockout *l)
{
    if (l->named || l->probed || l->until_ms == LOCKOUT_FOR_EVER)
        return INT64_MAX;
    return l->since_ms + (l->until_ms - l->since_ms + 1) / 2;
}

static void lockout_show(struct lockout *l, struct str evidence)
{
    evidence = utf8_clip(evidence, EVIDENCE_MAX - 1);
    free(l->evidence);
    l->evidence = NULL;
    if (evidence.len == 0)
        return;
    l->evidence = must_alloc(evidence.len + 1);
    memcpy(l->evidence, evidence.at, evidence.len);
    l->evidence[evidence.len] = '\0';
}

void lockout_extend(struct lockout *l, const struct verdict *v, uint64_t lease, uint64_t turn,
                    const struct pool_options *o, int64_t now_ms)
{
    assert(lockout_scope(v) != LOCKOUT_NOBODY);
    assert(lease <= turn);
    bool in_a_row = l->why == v->kind && l->billing == v->billing;
    bool same_incident = in_a_row && lease <= l->turn;
    uint32_t step = !in_a_row ? 0 : same_incident ? l->step : l->step + 1;
    int64_t length_ms = lockout_length_ms(v, step, o);
    int64_t until_ms = length_ms == LOCKOUT_FOR_EVER ? LOCKOUT_FOR_EVER : now_ms + length_ms;
    bool holds = lockout_holds(l, now_ms);

    if (holds && l->until_ms >= until_ms && !in_a_row)
        return; /* a weaker reason: the longer one stays, with its row */
    if (!holds || until_ms > l->until_ms) {
        l->until_ms = until_ms;
        l->since_ms = now_ms;
        l->named = v->delay_ms >= 0 && !v->derived;
        l->probed = false;
        l->lease = lease;
        l->status = v->status;
        lockout_show(l, v->evidence);
    }
    l->why = v->kind;
    l->billing = v->billing;
    l->step = step;
    if (!same_incident)
        l->turn = turn;
    assert(l->until_ms > now_ms);
}

void lockout_clear(struct lockout *l)
{
    free(l->evidence);
    *l = (struct lockout){ .why = VERDICT_NONE };
}

bool lockout_disprove(struct lockout *l, uint64_t lease, int64_t now_ms)
{
    if (l->why == VERDICT_NONE || lease <= l->turn)
        return false;
    bool held = lockout_holds(l, now_ms);

    lockout_clear(l);
    return held;
}
