/* pool/skip.c - what keeps an account out, and until when. */
#include "pool/pick_int.h"

const struct lockout *account_missing(const struct account *acc, struct str model, int64_t now_ms)
{
    model = group_name(model);
    for (uint32_t i = 0; i < acc->missing_count; i++)
        if (str_eq(missing_name(&acc->missing[i]), model) &&
            lockout_holds(&acc->missing[i].lockout, now_ms))
            return &acc->missing[i].lockout;
    return NULL;
}

enum skip standing_skip(const struct asking *a, const struct standing *s)
{
    const struct account *acc = s->account;
    enum skip why;

    if (s->place == PLACE_DISABLED || s->place == PLACE_REFUSED)
        return SKIP_DISABLED;
    if (s->place == PLACE_PROXY_DISABLED)
        return SKIP_PROXY_DISABLED;
    if (is_barred(a, s->roster) || was_tried(a, acc))
        return SKIP_TRIED;
    if (s->place == PLACE_LOCKED || account_missing(acc, a->ask->model, a->now_ms) != NULL ||
        (host_lockout(a, s->roster) != NULL && acc->id != a->ask->again))
        return SKIP_LOCKED_OUT;
    why = bits_skip(a, s->place & (SPARE | LOW));
    if (why == SKIP_NONE && !place_is_ready(s->place))
        return SKIP_BUSY;
    return why;
}

struct standing *standing_in_lane(const struct asking *a, const struct account *acc)
{
    for (uint32_t i = 0; acc != NULL && i < a->lane->count; i++)
        if (a->lane->rosters[i]->cohort == acc->cohort)
            return standing_find(acc, a->lane->rosters[i]);
    return NULL;
}

int64_t standing_until(const struct asking *a, const struct standing *s)
{
    const struct lockout *host =
        s->account->id == a->ask->again ? NULL : host_lockout(a, s->roster);
    const struct lockout *missing = account_missing(s->account, a->ask->model, a->now_ms);
    int64_t other_ms =
        later(host == NULL ? 0 : host->until_ms, missing == NULL ? 0 : missing->until_ms);

    if (s->place >= PLACE_LOCKED)
        return later(s->until_ms, other_ms);
    /* behind a lockout nobody knows how busy it will be, or how much quota it has left */
    return other_ms > 0 ? other_ms : s->until_ms;
}

enum verdict_kind standing_verdict(const struct asking *a, const struct standing *s)
{
    const struct lockout *host = host_lockout(a, s->roster);
    const struct lockout *missing = account_missing(s->account, a->ask->model, a->now_ms);

    if (s->place == PLACE_REFUSED)
        return VERDICT_AUTH_INVALID;
    if (s->place == PLACE_LOCKED)
        return s->why;
    if (missing != NULL)
        return missing->why;
    return host != NULL ? host->why : VERDICT_NONE;
}

bool standing_may_probe(const struct asking *a, const struct standing *s)
{
    return !was_tried(a, s->account) && !account_is_busy(s->account) &&
           account_missing(s->account, a->ask->model, a->now_ms) == NULL;
}
