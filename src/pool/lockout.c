#include "pool/lockout.h"

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
    [VERDICT_QUOTA_EXHAUSTED] = { LOCKOUT_ACCOUNT,
                                  true,
                                  { MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR } },
    [VERDICT_CAPACITY] = { LOCKOUT_GROUP, false, { 5 * SECOND, 10 * SECOND, 15 * SECOND } },
    [VERDICT_SERVER_ERROR] = { LOCKOUT_ACCOUNT, true, { 8 * SECOND } },
    [VERDICT_FORBIDDEN] = { LOCKOUT_ACCOUNT, true, { 10 * MINUTE } },
    /* one real request an hour is the probe that notices when the owner has acted */
    [VERDICT_NEEDS_ACTION] = { LOCKOUT_ACCOUNT, true, { HOUR } },
    [VERDICT_MODEL_MISSING] = { LOCKOUT_GROUP, false, { 5 * SECOND } },
};

static const int64_t steps_exhausted[] = { 30 * SECOND, 60 * SECOND, 120 * SECOND, 240 * SECOND,
                                           300 * SECOND };
static const int64_t steps_vague[] = { 60 * SECOND, 120 * SECOND, 240 * SECOND, 300 * SECOND };
static const int64_t steps_billing[] = { HOUR, 6 * HOUR };

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
    if (c->by_group && v->group_scope)
        return LOCKOUT_GROUP;
    return c->scope;
}

int64_t lockout_length_ms(const struct verdict *v, uint32_t step)
{
    assert(v->kind < VERDICT_KINDS);
    const struct consequence *c = &consequences[v->kind];
    assert(c->scope != LOCKOUT_NOBODY);

    if (v->delay_ms > LOCKOUT_NAMED_MS_MAX)
        return LOCKOUT_NAMED_MS_MAX;
    if (v->delay_ms >= 0)
        return v->delay_ms > LOCKOUT_NAMED_MS_MIN ? v->delay_ms : LOCKOUT_NAMED_MS_MIN;
    if (v->kind == VERDICT_QUOTA_EXHAUSTED && v->billing)
        return step_at(steps_billing, COUNT(steps_billing), step);
    if (v->kind == VERDICT_RATE_LIMITED && v->vague)
        return step_at(steps_vague, COUNT(steps_vague), step);
    if (v->kind == VERDICT_RATE_LIMITED && v->exhausted)
        return step_at(steps_exhausted, COUNT(steps_exhausted), step);
    return step_at(c->steps, COUNT(c->steps), step);
}

void lockout_extend(struct lockout *l, const struct verdict *v, int64_t taken_ms, int64_t now_ms)
{
    assert(lockout_scope(v) != LOCKOUT_NOBODY);
    bool in_a_row = l->why == v->kind && l->billing == v->billing;
    bool same_incident = in_a_row && taken_ms <= l->since_ms;
    uint32_t step = !in_a_row ? 0 : same_incident ? l->step : l->step + 1;
    int64_t until_ms = now_ms + lockout_length_ms(v, step);

    if (lockout_holds(l, now_ms) && l->until_ms >= until_ms && !in_a_row)
        return; /* a weaker reason: the longer one stays, with its row */
    if (!lockout_holds(l, now_ms) || until_ms > l->until_ms)
        l->until_ms = until_ms;
    l->why = v->kind;
    l->billing = v->billing;
    l->step = step;
    if (!same_incident)
        l->since_ms = now_ms;
    assert(l->until_ms > now_ms);
}

bool lockout_disprove(struct lockout *l, int64_t taken_ms, int64_t now_ms)
{
    if (l->why == VERDICT_NONE || taken_ms <= l->since_ms)
        return false;
    bool held = lockout_holds(l, now_ms);

    *l = (struct lockout){ .why = VERDICT_NONE };
    return held;
}
