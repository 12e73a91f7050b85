#include "exchange/ledger.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/fingerprint.h"
#include "base/map.h"
#include "io/crypto.h"

#define WAYS 8
#define SETS (LEDGER_MARKS / WAYS)
#define MAGIC STR("penstock ledger 1\n")
#define ROW_BYTES 28 /* of the file: fingerprint, account, realm */
#define LENT_COST ((size_t)256)
#define CALL_ID_MAX 256

struct mark {
    uint8_t id[16];
    struct minter by;
    uint64_t used; /* 0: empty */
};

struct lent {
    struct lent *newer, *older;
    int64_t used_ms;
    size_t bytes;
    struct str key, record;
    char texts[];
};

#define NOBODY INT64_MIN
#define SEVERAL (INT64_MIN + 1)

struct ledger {
    pthread_mutex_t lock;
    uint64_t clock; /* counts uses */
    bool changed;
    _Atomic bool any_lent;
    _Atomic int64_t account, realm; /* who minted all of it; NOBODY, or SEVERAL */
    struct map lent;
    struct lent *newest, *oldest;
    size_t lent_bytes;
    struct mark sets[SETS][WAYS];
};

struct ledger *ledger_new(void)
{
    struct ledger *l = must_calloc(1, sizeof(*l)); /* pages that are not reached cost nothing */
    uint64_t seeds[2];
    int failed = pthread_mutex_init(&l->lock, NULL);

    assert(failed == 0);
    (void)failed;
    random_bytes(seeds, sizeof(seeds));
    map_init(&l->lent, seeds);
    l->account = l->realm = NOBODY;
    return l;
}

/* --- marks ------------------------------------------------------------------------------------*/

static struct mark *set_of(struct ledger *l, const uint8_t id[16])
{
    uint32_t at;

    memcpy(&at, id, sizeof(at));
    return l->sets[at % SETS];
}

static void mark_id(const struct key_id *owner, struct str blob, uint8_t id[16])
{
    struct fingerprint f = { 0 };

    fingerprint_add(&f, (struct str){ (const char *)owner->bytes, sizeof(owner->bytes) });
    fingerprint_add(&f, blob);
    fingerprint_bytes(&f, id);
}

static void note(_Atomic int64_t *all, int64_t one)
{
    int64_t known = atomic_load_explicit(all, memory_order_relaxed);

    if (known != one)
        atomic_store_explicit(all, known == NOBODY ? one : SEVERAL, memory_order_relaxed);
}

static void put(struct ledger *l, const uint8_t id[16], const struct minter *by)
{
    struct mark *set = set_of(l, id), *m = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].used != 0 && memcmp(set[i].id, id, sizeof(set[i].id)) == 0) {
            m = &set[i];
            break;
        }
        if (set[i].used < m->used)
            m = &set[i];
    }
    memcpy(m->id, id, sizeof(m->id));
    m->by = *by;
    m->used = ++l->clock;
    note(&l->account, by->account);
    note(&l->realm, by->realm);
}

void ledger_mark(struct ledger *l, const struct key_id *owner, struct str blob,
                 const struct minter *by)
{
    uint8_t id[16];

    if (blob.len == 0)
        return;
    mark_id(owner, blob, id);
    (void)pthread_mutex_lock(&l->lock);
    put(l, id, by);
    l->changed = true;
    (void)pthread_mutex_unlock(&l->lock);
}

bool ledger_find(struct ledger *l, const struct key_id *owner, struct str blob, struct minter *out)
{
    uint8_t id[16];
    bool found = false;

    mark_id(owner, blob, id);
    (void)pthread_mutex_lock(&l->lock);
    struct mark *set = set_of(l, id);

    for (size_t i = 0; i < WAYS && !found; i++) {
        found = set[i].used != 0 && memcmp(set[i].id, id, sizeof(set[i].id)) == 0;
        if (found) {
            *out = set[i].by;
            set[i].used = ++l->clock;
        }
    }
    (void)pthread_mutex_unlock(&l->lock);
    return found;
}

static bool is_other(const _Atomic int64_t *all, int64_t self)
{
    int64_t known = atomic_load_explicit(all, memory_order_relaxed);

    return known != NOBODY && known != self;
}

bool ledger_any_marked(const struct ledger *l)
{
    return atomic_load_explicit(&l->account, memory_order_relaxed) != NOBODY;
}

bool ledger_has_other_account(const struct ledger *l, int64_t account)
{
    return is_other(&l->account, account);
}

bool ledger_has_other_realm(const struct ledger *l, uint32_t realm)
{
    return is_other(&l->realm, realm);
}

/* --- the file ---------------------------------------------------------------------------------*/

bool ledger_changed(struct ledger *l)
{
    (void)pthread_mutex_lock(&l->lock);
    bool changed = l->changed;

    l->changed = false;
    (void)pthread_mutex_unlock(&l->lock);
    return changed;
}

static void put_number(char *to, uint64_t n, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (char)(n >> (8 * i) & 0xff);
}

static uint64_t get_number(const char *from, size_t bytes)
{
    uint64_t n = 0;

    for (size_t i = bytes; i-- > 0;)
        n = n << 8 | (uint8_t)from[i];
    return n;
}

static int by_use(const void *one, const void *two)
{
    const struct mark *x = one, *y = two;

    return (x->used > y->used) - (x->used < y->used);
}

/* The longest unused first, so that reading them gives the same order of use. */
void ledger_save(struct ledger *l, struct buf *out)
{
    struct mark *all = must_alloc(sizeof(*all) * LEDGER_MARKS);
    size_t count = 0;

    (void)pthread_mutex_lock(&l->lock);
    for (size_t s = 0; s < SETS; s++)
        for (size_t i = 0; i < WAYS; i++)
            if (l->sets[s][i].used != 0)
                all[count++] = l->sets[s][i];
    (void)pthread_mutex_unlock(&l->lock);
    qsort(all, count, sizeof(*all), by_use);
    bool fits = buf_add(out, MAGIC);

    for (size_t i = 0; i < count && fits; i++) {
        char row[ROW_BYTES];

        memcpy(row, all[i].id, 16);
        put_number(row + 16, (uint64_t)all[i].by.account, 8);
        put_number(row + 24, all[i].by.realm, 4);
        fits = buf_add(out, (struct str){ row, sizeof(row) });
    }
    free(all);
}

void ledger_load(struct ledger *l, struct str bytes)
{
    if (!str_starts(bytes, MAGIC))
        return;
    bytes = str_drop(bytes, MAGIC.len);
    (void)pthread_mutex_lock(&l->lock);
    for (; bytes.len >= ROW_BYTES; bytes = str_drop(bytes, ROW_BYTES)) {
        struct minter by = { (int64_t)get_number(bytes.at + 16, 8),
                             (uint32_t)get_number(bytes.at + 24, 4) };
        uint8_t id[16];

        memcpy(id, bytes.at, sizeof(id));
        put(l, id, &by);
    }
    (void)pthread_mutex_unlock(&l->lock);
}

/* --- what is lent -----------------------------------------------------------------------------*/

static void unlink_lent(struct ledger *l, struct lent *e)
{
    *(e->newer != NULL ? &e->newer->older : &l->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &l->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void link_lent(struct ledger *l, struct lent *e)
{
    e->newer = NULL;
    e->older = l->newest;
    *(l->newest != NULL ? &l->newest->newer : &l->oldest) = e;
    l->newest = e;
}

static void drop_lent(struct ledger *l, struct lent *e)
{
    (void)map_remove(&l->lent, e->key);
    unlink_lent(l, e);
    l->lent_bytes -= e->bytes;
    free(e);
}

void ledger_free(struct ledger *l)
{
    if (l == NULL)
        return;
    while (l->oldest != NULL)
        drop_lent(l, l->oldest);
    map_clear(&l->lent);
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}

static struct str lent_key(const struct key_id *owner, struct str call_id,
                           char to[KEY_ID_BYTES + CALL_ID_MAX])
{
    memcpy(to, owner->bytes, KEY_ID_BYTES);
    memcpy(to + KEY_ID_BYTES, call_id.at, call_id.len);
    return (struct str){ to, KEY_ID_BYTES + call_id.len };
}

void ledger_lend(struct ledger *l, const struct key_id *owner, struct str call_id,
                 struct str record, int64_t now_ms)
{
    char key[KEY_ID_BYTES + CALL_ID_MAX];
    struct lent *e, *before;

    if (call_id.len == 0 || call_id.len > CALL_ID_MAX || record.len > LEDGER_LENT_BYTES / 4)
        return;
    struct str name = lent_key(owner, call_id, key);

    e = must_alloc(sizeof(*e) + name.len + record.len);
    *e = (struct lent){ .used_ms = now_ms, .bytes = name.len + record.len + LENT_COST };
    memcpy(e->texts, name.at, name.len);
    memcpy(e->texts + name.len, record.at, record.len);
    e->key = (struct str){ e->texts, name.len };
    e->record = (struct str){ e->texts + name.len, record.len };
    (void)pthread_mutex_lock(&l->lock);
    before = map_get(&l->lent, name);
    if (before != NULL)
        drop_lent(l, before);
    link_lent(l, e);
    l->lent_bytes += e->bytes;
    (void)map_put(&l->lent, e->key, e);
    while (l->lent_bytes > LEDGER_LENT_BYTES || now_ms - l->oldest->used_ms >= LEDGER_LENT_MS)
        drop_lent(l, l->oldest);
    atomic_store_explicit(&l->any_lent, l->oldest != NULL, memory_order_relaxed);
    (void)pthread_mutex_unlock(&l->lock);
}

bool ledger_any_lent(const struct ledger *l)
{
    return atomic_load_explicit(&l->any_lent, memory_order_relaxed);
}

bool ledger_lent(struct ledger *l, const struct key_id *owner, struct str call_id, int64_t now_ms,
                 struct arena *a, struct str *record)
{
    char key[KEY_ID_BYTES + CALL_ID_MAX];
    struct lent *e = NULL;

    if (call_id.len == 0 || call_id.len > CALL_ID_MAX)
        return false;
    (void)pthread_mutex_lock(&l->lock);
    e = map_get(&l->lent, lent_key(owner, call_id, key));
    if (e != NULL && now_ms - e->used_ms >= LEDGER_LENT_MS) {
        drop_lent(l, e);
        e = NULL;
    }
    if (e != NULL) {
        e->used_ms = now_ms;
        unlink_lent(l, e);
        link_lent(l, e);
        *record = arena_copy(a, e->record);
    }
    (void)pthread_mutex_unlock(&l->lock);
    return e != NULL;
}
