#include "admin/history.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/utf8.h"
#include "io/crypto.h"

#define KNOWN_MAX 20000 /* last figures that are remembered; then all are told anew */

struct history {
    pthread_mutex_t lock;
    uint64_t lockout_count, quota_count; /* ever; the last so many are there */
    struct history_lockout lockouts[HISTORY_LOCKOUTS];
    struct history_quota quotas[HISTORY_QUOTAS];
    struct map last; /* account and group: the figure, and one more so that it is no NULL */
};

struct history *history_new(void)
{
    struct history *h = must_calloc(1, sizeof(*h)); /* places that were never used cost nothing */
    uint64_t key[2];
    int failed = pthread_mutex_init(&h->lock, NULL);

    assert(failed == 0);
    random_bytes(key, sizeof(key));
    map_init(&h->last, key);
    return h;
}

void history_free(struct history *h)
{
    if (h == NULL)
        return;
    map_clear(&h->last);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* --- lockouts */

static void add_lockout(struct history *h, const struct access_record *r,
                        const struct access_attempt *a)
{
    bool ends = a->locks.until_ms != INT64_MAX;
    struct history_lockout *l;

    pthread_mutex_lock(&h->lock);
    l = &h->lockouts[h->lockout_count++ % HISTORY_LOCKOUTS];
    *l = (struct history_lockout){
        .account_id = a->account_id,
        .unix_ms = a->started_ms + a->duration_ms - r->started_ms + r->started_unix_ms,
        .until_unix_ms = ends ? a->locks.until_ms - r->started_ms + r->started_unix_ms : INT64_MAX,
        .scope = a->locks.scope,
        .why = a->verdict,
        .status = a->status,
    };
    pthread_mutex_unlock(&h->lock);
}

void history_add(struct history *h, const struct access_record *r)
{
    for (uint32_t i = 0; i < r->attempts_kept; i++)
        if (r->attempts[i].locks.scope != NULL)
            add_lockout(h, r, &r->attempts[i]);
}

void history_lockouts(struct history *h, int64_t account_id,
                      void (*fn)(void *peer, const struct history_lockout *l), void *peer)
{
    pthread_mutex_lock(&h->lock);
    uint64_t from = h->lockout_count > HISTORY_LOCKOUTS ? h->lockout_count - HISTORY_LOCKOUTS : 0;

    for (uint64_t i = from; i < h->lockout_count; i++)
        if (h->lockouts[i % HISTORY_LOCKOUTS].account_id == account_id)
            fn(peer, &h->lockouts[i % HISTORY_LOCKOUTS]);
    pthread_mutex_unlock(&h->lock);
}

/* --- quota */

struct sampling {
    struct history *history;
    int64_t unix_ms;
};

/* Under the lock. */
static bool is_new(struct history *h, int64_t account_id, const char *group, int32_t permille)
{
    char key[sizeof(account_id) + sizeof(((struct quota_view *)NULL)->group)];
    size_t len = strlen(group);
    void *now = (void *)(uintptr_t)(permille + 1);

    memcpy(key, &account_id, sizeof(account_id));
    memcpy(key + sizeof(account_id), group, len);
    if (h->last.count >= KNOWN_MAX) {
        uint64_t seed[2] = { h->last.key[0], h->last.key[1] };

        map_clear(&h->last);
        map_init(&h->last, seed);
    }
    return map_put(&h->last, (struct str){ key, sizeof(account_id) + len }, now) != now;
}

static void sample_one(void *peer, const struct account_view *v)
{
    struct sampling *s = peer;
    struct history *h = s->history;

    pthread_mutex_lock(&h->lock);
    for (uint32_t i = 0; i < v->quota_count && i < VIEW_QUOTAS_MAX; i++) {
        const struct quota_view *q = &v->quotas[i];

        if (q->quota.remaining_permille < 0 ||
            !is_new(h, v->id, q->group, q->quota.remaining_permille))
            continue;
        struct history_quota *place = &h->quotas[h->quota_count++ % HISTORY_QUOTAS];
        struct str group = utf8_clip(str_c(q->group), HISTORY_GROUP - 1);

        *place = (struct history_quota){ .account_id = v->id,
                                         .unix_ms = s->unix_ms,
                                         .remaining_permille = q->quota.remaining_permille };
        memcpy(place->group, group.at, group.len);
    }
    pthread_mutex_unlock(&h->lock);
}

void history_sample(struct history *h, struct pool *pool, int64_t now_ms, int64_t unix_ms)
{
    struct sampling s = { h, unix_ms };

    (void)pool_each(pool, now_ms, sample_one, &s);
}

void history_quotas(struct history *h, int64_t account_id,
                    void (*fn)(void *peer, const struct history_quota *q), void *peer)
{
    pthread_mutex_lock(&h->lock);
    uint64_t from = h->quota_count > HISTORY_QUOTAS ? h->quota_count - HISTORY_QUOTAS : 0;

    for (uint64_t i = from; i < h->quota_count; i++)
        if (h->quotas[i % HISTORY_QUOTAS].account_id == account_id)
            fn(peer, &h->quotas[i % HISTORY_QUOTAS]);
    pthread_mutex_unlock(&h->lock);
}
