/* exchange/stored.c - sets of eight entries each, chosen by the fingerprint of the response's id.
 */
#include "exchange/stored.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/fingerprint.h"

#define WAYS 8
#define SETS (STORED_MAX / WAYS)

struct entry {
    uint8_t id[16];
    struct session_key session;
    uint64_t used; /* 0: empty */
};

struct stored {
    pthread_mutex_t lock;
    uint64_t clock; /* counts uses */
    struct entry sets[SETS][WAYS];
};

struct stored *stored_new(void)
{
    struct stored *s = must_calloc(1, sizeof(*s)); /* pages that are not reached cost nothing */
    int failed = pthread_mutex_init(&s->lock, NULL);

    assert(failed == 0);
    (void)failed;
    return s;
}

void stored_free(struct stored *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

static struct entry *set_of(struct stored *s, struct str response_id, uint8_t id[16])
{
    struct fingerprint f = { 0 };
    uint32_t at;

    fingerprint_add(&f, response_id);
    fingerprint_bytes(&f, id);
    memcpy(&at, id, sizeof(at));
    return s->sets[at % SETS];
}

static struct entry *entry_find(struct entry *set, const uint8_t id[16])
{
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].used != 0 && memcmp(set[i].id, id, sizeof(set[i].id)) == 0)
            return &set[i];
    return NULL;
}

static struct entry *longest_unused(struct entry *set)
{
    struct entry *oldest = &set[0];

    for (size_t i = 1; i < WAYS; i++)
        if (set[i].used < oldest->used)
            oldest = &set[i];
    return oldest;
}

void stored_add(struct stored *s, struct str response_id, const struct session_key *session)
{
    uint8_t id[16];
    struct entry *set = set_of(s, response_id, id), *e;

    (void)pthread_mutex_lock(&s->lock);
    e = entry_find(set, id);
    if (e == NULL)
        e = longest_unused(set);
    memcpy(e->id, id, sizeof(e->id));
    e->session = *session;
    e->used = ++s->clock;
    (void)pthread_mutex_unlock(&s->lock);
}

bool stored_find(struct stored *s, struct str response_id, struct session_key *session)
{
    uint8_t id[16];
    struct entry *set = set_of(s, response_id, id), *e;

    (void)pthread_mutex_lock(&s->lock);
    e = entry_find(set, id);
    if (e != NULL) {
        *session = e->session;
        e->used = ++s->clock;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return e != NULL;
}
