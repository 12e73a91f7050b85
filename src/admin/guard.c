#include "admin/guard.h"

void guard_init(struct guard *g)
{
    *g = (struct guard){ 0 };
    int failed = pthread_mutex_init(&g->lock, NULL);

    assert(failed == 0);
}

void guard_clear(struct guard *g)
{
    pthread_mutex_destroy(&g->lock);
}

static struct guard_count *find(struct guard *g, const struct address *peer)
{
    for (size_t i = 0; i < GUARD_ADDRESSES; i++)
        if (g->of[i].used && memcmp(g->of[i].ip, peer->ip, sizeof(peer->ip)) == 0)
            return &g->of[i];
    return NULL;
}

/* A free place, else that of the address that was seen longest ago. */
static struct guard_count *make(struct guard *g, const struct address *peer)
{
    struct guard_count *oldest = &g->of[0];

    for (size_t i = 1; i < GUARD_ADDRESSES && oldest->used; i++)
        if (!g->of[i].used || g->of[i].seen_ms < oldest->seen_ms)
            oldest = &g->of[i];
    *oldest = (struct guard_count){ .used = true };
    memcpy(oldest->ip, peer->ip, sizeof(peer->ip));
    return oldest;
}

static int64_t wait_of(const struct guard_count *c, int64_t now_ms)
{
    return c != NULL && c->until_ms > now_ms ? c->until_ms - now_ms : 0;
}

static void count_failure(struct guard_count *c, uint32_t most, int64_t now_ms)
{
    if (c->failures == 0 || now_ms - c->minute_ms >= GUARD_MINUTE_MS) {
        c->failures = 0;
        c->minute_ms = now_ms;
    }
    if (now_ms - c->seen_ms > (int64_t)(1 << GUARD_DOUBLINGS) * GUARD_MINUTE_MS * 2)
        c->blocks = 0; /* it was quiet for long */
    c->seen_ms = now_ms;
    if (++c->failures < most)
        return;
    c->until_ms = now_ms + ((int64_t)GUARD_MINUTE_MS << c->blocks);
    c->blocks += c->blocks < GUARD_DOUBLINGS;
    c->failures = 0;
}

int64_t guard_wait_ms(struct guard *g, const struct address *peer, int64_t now_ms)
{
    pthread_mutex_lock(&g->lock);
    int64_t own = wait_of(find(g, peer), now_ms);
    int64_t all = address_is_loopback(peer) ? 0 : wait_of(&g->all, now_ms);

    pthread_mutex_unlock(&g->lock);
    return own > all ? own : all;
}

void guard_failed(struct guard *g, const struct address *peer, int64_t now_ms)
{
    pthread_mutex_lock(&g->lock);
    struct guard_count *c = find(g, peer);

    count_failure(c != NULL ? c : make(g, peer), GUARD_FAILURES, now_ms);
    if (!address_is_loopback(peer))
        count_failure(&g->all, GUARD_FAILURES_ALL, now_ms);
    pthread_mutex_unlock(&g->lock);
}

void guard_passed(struct guard *g, const struct address *peer)
{
    pthread_mutex_lock(&g->lock);
    struct guard_count *c = find(g, peer);

    if (c != NULL)
        c->used = false;
    pthread_mutex_unlock(&g->lock);
}

void guard_take_back(struct guard *g, const struct address *peer)
{
    guard_passed(g, peer);
    pthread_mutex_lock(&g->lock);
    if (!address_is_loopback(peer) && g->all.failures > 0)
        g->all.failures--;
    pthread_mutex_unlock(&g->lock);
}
