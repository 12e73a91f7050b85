/* exchange/blame.c - who is to blame when the same request fails again and again.
 *
 * Server errors, timeouts and broken streams on three accounts of one provider are the request's
 * own doing: it is sent to no more accounts of that provider, and what its failures did to the
 * three is taken back. Refusals with a reason (limits, quota, capacity, credentials), and failures
 * for which the provider named a time, convict nobody. */
#include "exchange/exchange_int.h"

static bool is_among(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i], name))
            return true;
    return false;
}

/* Its place in the list; the last one serves all that have no other. */
static size_t place_of(struct blame *b, struct str provider)
{
    size_t i = 0;

    while (i < b->count && !str_eq(b->of[i].provider, provider))
        i++;
    if (i == b->count && b->count < BLAME_PROVIDERS_MAX)
        b->of[b->count++].provider = provider;
    return i < BLAME_PROVIDERS_MAX ? i : BLAME_PROVIDERS_MAX - 1;
}

static void convict(struct exchange *x, size_t at)
{
    struct blame *b = x->blame;

    b->convicted[b->convicted_count++] = b->of[at].provider;
    pool_release(x->env->pool, b->of[at].marks, b->of[at].count, loop_now(x->env->loop));
}

static void suspect(struct exchange *x, size_t at, const struct lease_mark *mark)
{
    struct blame *b = x->blame;

    if (is_among(b->of[at].provider, b->convicted, b->convicted_count))
        return;
    for (uint32_t i = 0; i < b->of[at].count; i++)
        if (b->of[at].marks[i].account == mark->account) {
            b->of[at].marks[i] = *mark;
            return;
        }
    b->of[at].marks[b->of[at].count++] = *mark;
    if (b->of[at].count == CONVICT_ACCOUNTS)
        convict(x, at);
}

void blame_learn(struct exchange *x, const struct lease_mark *mark, struct str provider,
                 const struct verdict *v)
{
    bool costly = v->kind != VERDICT_NONE && !verdict_is_free(v->kind);
    bool suspicious = v->kind == VERDICT_SERVER_ERROR || v->kind == VERDICT_TIMEOUT;

    if (!costly && v->kind != VERDICT_CAPACITY)
        return;
    if (x->blame == NULL)
        x->blame = arena_new(&x->r->arena, struct blame);

    struct blame *b = x->blame;
    size_t at = place_of(b, provider);

    if (!costly) {
        b->avoid = provider; /* its other accounts share the lack of capacity */
        return;
    }
    x->costly_count++;
    if (++b->of[at].costly == ATTEMPTS_COSTLY_PROVIDER &&
        !is_among(provider, b->spent, b->spent_count))
        b->spent[b->spent_count++] = provider;
    if (suspicious && v->delay_ms < 0)
        suspect(x, at, mark);
}
