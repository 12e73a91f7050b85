#include "http/peers.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "io/crypto.h"

/* The map's values are the counts themselves, carried as pointers; 0 is absent. */
struct peers {
    pthread_mutex_t lock;
    struct map counts;
};

struct peers *peers_new(void)
{
    struct peers *p = must_calloc(1, sizeof(*p));
    uint64_t key[2] = { random_u64(), random_u64() };

    pthread_mutex_init(&p->lock, NULL);
    map_init(&p->counts, key);
    return p;
}

void peers_free(struct peers *p)
{
    if (p == NULL)
        return;
    map_clear(&p->counts);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static struct str peer_key(const struct address *a)
{
    return (struct str){ (const char *)a->ip, sizeof(a->ip) };
}

bool peers_take(struct peers *p, const struct address *a, uint32_t max)
{
    pthread_mutex_lock(&p->lock);
    uintptr_t count = (uintptr_t)map_get(&p->counts, peer_key(a));
    bool taken = count < max;

    if (taken)
        (void)map_put(&p->counts, peer_key(a), (void *)(count + 1));
    pthread_mutex_unlock(&p->lock);
    return taken;
}

void peers_return(struct peers *p, const struct address *a)
{
    pthread_mutex_lock(&p->lock);
    uintptr_t count = (uintptr_t)map_get(&p->counts, peer_key(a));

    assert(count > 0);
    if (count > 1)
        (void)map_put(&p->counts, peer_key(a), (void *)(count - 1));
    else
        (void)map_remove(&p->counts, peer_key(a));
    pthread_mutex_unlock(&p->lock);
}
