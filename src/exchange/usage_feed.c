#include "exchange/usage_feed.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/metric.h"
#include "base/short_text.h"
#include "base/utf8.h"

#define WHOS_NEAR 256

/* Whom the feed told of last at this place, and where. */
struct who_near {
    uint64_t block; /* number of the block; 0: of none */
    struct usage_who *who;
    int64_t account;
    enum verdict_kind verdict;
    int status;
};

struct usage_feed {
    uint32_t rows_max;
    void (*wake)(void *peer);
    void *peer;
    uint64_t blocks; /* that were begun */
    struct who_near whos[WHOS_NEAR];
    /* being filled; NULL: one of the two has it in hands, or there is none */
    _Atomic(struct usage_block *) open;
    _Atomic(struct usage_block *) full; /* the newest first */
    _Atomic uint32_t added, done;       /* rows since the beginning, wrapping */
    struct counter dropped;
};

/* What lies in a block, one behind the other, each aligned to ALIGN. */
enum item_type { ITEM_NAMES, ITEM_WHO, ITEM_BRIEF, ITEM_WHOLE };

struct item {
    uint16_t type;
    uint16_t size; /* of all of it, in ALIGNs */
};

#define ALIGN 16
#define ALIGNED(n) (((n) + ALIGN - 1) & ~(size_t)(ALIGN - 1))
_Static_assert(USAGE_BLOCK_BYTES / ALIGN <= UINT16_MAX, "places in a block fit 16 bits");

struct names_item {
    struct item item;
    struct usage_names names; /* then its texts */
};

struct who_item {
    struct item item;
    struct usage_who who; /* then its label */
};

/* A row with one attempt whose numbers are no large ones, as nearly all are. */
struct brief {
    struct item item;
    uint16_t names, who; /* where their items are in the block, in ALIGNs */
    int64_t ended_unix_ms;
    int32_t in, out, cache_read, cache_write, reasoning;
    int32_t charged, first_byte_ms, duration_ms, attempt_ms;
    uint8_t id[USAGE_ID_BYTES];
};
_Static_assert(sizeof(struct brief) == 64, "a line of the cache");

/* Any row, by itself: then its attempts, who made them, and the bytes of its texts. */
struct whole {
    struct item item;
    struct usage_row row;
    struct usage_names names;
    struct usage_attempt attempts[];
};

#define TEXTS_MAX (5 * (USAGE_NAME_MAX + 1))
#define NAMES_MAX ALIGNED(sizeof(struct names_item) + TEXTS_MAX)
#define WHO_MAX ALIGNED(sizeof(struct who_item) + USAGE_NAME_MAX + 1)
#define BRIEF_MAX (NAMES_MAX + WHO_MAX + sizeof(struct brief))
#define WHOLE_MAX                                                                            \
    ALIGNED(sizeof(struct whole) +                                                           \
            ACCESS_ATTEMPTS_MAX *                                                            \
                (sizeof(struct usage_attempt) + sizeof(struct usage_who) + USAGE_NAME_MAX) + \
            TEXTS_MAX)
_Static_assert(WHOLE_MAX <= USAGE_BLOCK_BYTES && BRIEF_MAX <= USAGE_BLOCK_BYTES,
               "any row fits an empty block");
_Static_assert(sizeof(((struct access_attempt *)NULL)->label) <= USAGE_NAME_MAX + 1,
               "no label is clipped");
_Static_assert(ACCESS_ATTEMPTS_MAX <= USAGE_ATTEMPTS_MAX, "all attempts of a record fit a row");

struct usage_feed *usage_feed_new(uint32_t rows_max, void (*wake)(void *peer), void *peer)
{
    struct usage_feed *f = must_calloc(1, sizeof(*f));

    f->rows_max = rows_max;
    f->wake = wake;
    f->peer = peer;
    return f;
}

static void blocks_free(struct usage_block *b)
{
    while (b != NULL) {
        struct usage_block *next = b->next;

        free(b);
        b = next;
    }
}

void usage_feed_free(struct usage_feed *f)
{
    if (f == NULL)
        return;
    blocks_free(atomic_load(&f->open));
    blocks_free(atomic_load(&f->full));
    free(f);
}

/* --- the worker's side ----------------------------------------------------------------------- */

/* Bytes of the texts go behind one another from `*at` on. */
static struct str text_put(char **at, struct str text)
{
    struct str clipped = utf8_clip(text, USAGE_NAME_MAX);

    if (clipped.len > 0)
        memcpy(*at, clipped.at, clipped.len);
    clipped.at = *at;
    *at += clipped.len;
    return clipped;
}

static struct usage_tokens tokens_of(const struct usage *u)
{
    return (struct usage_tokens){ u->in, u->out, u->cache_read, u->cache_write, u->reasoning };
}

static struct usage_who who_of(const struct access_attempt *a, char **at)
{
    return (struct usage_who){ .account = a->account_id,
                               .label = text_put(at, str_c(a->label)),
                               .provider = a->provider,
                               .verdict = str_c(verdict_word(a->verdict)),
                               .status = a->status };
}

static struct usage_names names_of(const struct access_record *r, char **at)
{
    struct usage_names n = { .key = text_put(at, r->client_key),
                             .client = text_put(at, r->client),
                             .protocol = r->protocol,
                             .model = text_put(at, r->model),
                             .mapped = text_put(at, r->mapped_model),
                             .ending = str_c(ending_word(r->ending)),
                             .stream = r->stream,
                             .complete = r->ending == ENDING_COMPLETE,
                             .free = r->counts_only,
                             .status = r->status };

    memcpy(n.key_id, r->key_id.bytes, sizeof(n.key_id));
    return n;
}

static inline void *item_place(struct usage_block *b)
{
    return b->bytes + b->used;
}

static void item_put(struct usage_block *b, struct item *item, enum item_type type, const char *end)
{
    size_t bytes = ALIGNED((size_t)(end - (const char *)item));

    *item = (struct item){ (uint16_t)type, (uint16_t)(bytes / ALIGN) };
    b->used += (uint32_t)bytes;
}

/* Of the item that this is the first member of. */
static inline uint16_t place_in(const struct usage_block *b, const void *member)
{
    return (uint16_t)((size_t)((const char *)member - b->bytes) / ALIGN);
}

static const struct usage_names *names_in(struct usage_block *b, const struct access_record *r,
                                          struct record_kind *k)
{
    if (k->block == b->number)
        return k->names;
    struct names_item *to = item_place(b);
    char *at = (char *)(to + 1);

    to->names = names_of(r, &at);
    item_put(b, &to->item, ITEM_NAMES, at);
    k->block = b->number;
    k->names = &to->names;
    return k->names;
}

static const struct usage_who *who_in(struct usage_feed *f, struct usage_block *b,
                                      const struct access_attempt *a)
{
    uint64_t mixed = (uint64_t)a->account_id * UINT64_C(0x9e3779b97f4a7c15);
    struct who_near *near = &f->whos[(mixed >> 32 ^ (uint64_t)a->verdict) % WHOS_NEAR];

    if (near->block == b->number && near->account == a->account_id && near->verdict == a->verdict &&
        near->status == a->status && near->who->provider.at == a->provider.at &&
        short_eq((struct str){ near->who->label.at, near->who->label.len + 1 },
                 (struct str){ a->label, near->who->label.len + 1 })) /* with their ends */
        return near->who;
    struct who_item *to = item_place(b);
    char *at = (char *)(to + 1);

    to->who = who_of(a, &at);
    *at++ = '\0'; /* so that it is compared at once */
    item_put(b, &to->item, ITEM_WHO, at);
    *near = (struct who_near){ b->number, &to->who, a->account_id, a->verdict, a->status };
    return &to->who;
}

/* -1 and what is told of a request as a rule. A number, so that many are asked without a branch for
 * each. */
static inline unsigned is_small(int64_t n)
{
    return n >= -1 && n <= INT32_MAX;
}

static bool is_brief(const struct access_record *r, uint8_t id[USAGE_ID_BYTES])
{
    const struct access_attempt *a = r->attempts;

    return r->attempt_count == 1 && r->attempts_kept == 1 && a->number == 1 &&
           (is_small(a->usage.in) & is_small(a->usage.out) & is_small(a->usage.cache_read) &
            is_small(a->usage.cache_write) & is_small(a->usage.reasoning) & is_small(r->charged) &
            is_small(r->first_byte_ms) & is_small(r->duration_ms) & is_small(a->duration_ms)) !=
               0 &&
           r->request_id[USAGE_ID_TEXT] == '\0' &&
           usage_id_read((struct str){ r->request_id, USAGE_ID_TEXT }, id);
}

static void brief_put(struct usage_feed *f, struct usage_block *b, const struct access_record *r,
                      struct record_kind *k, const uint8_t id[USAGE_ID_BYTES])
{
    const struct access_attempt *a = r->attempts;
    uint16_t names = place_in(b, names_in(b, r, k)), who = place_in(b, who_in(f, b, a));
    struct brief *to = item_place(b);

    to->item = (struct item){ ITEM_BRIEF, sizeof(*to) / ALIGN };
    to->names = names;
    to->who = who;
    to->ended_unix_ms = r->started_unix_ms + r->duration_ms;
    to->in = (int32_t)a->usage.in;
    to->out = (int32_t)a->usage.out;
    to->cache_read = (int32_t)a->usage.cache_read;
    to->cache_write = (int32_t)a->usage.cache_write;
    to->reasoning = (int32_t)a->usage.reasoning;
    to->charged = (int32_t)r->charged;
    to->first_byte_ms = (int32_t)r->first_byte_ms;
    to->duration_ms = (int32_t)r->duration_ms;
    to->attempt_ms = (int32_t)a->duration_ms;
    memcpy(to->id, id, sizeof(to->id));
    b->used += (uint32_t)sizeof(*to);
}

static void whole_put(struct usage_block *b, const struct access_record *r)
{
    struct whole *to = item_place(b);
    struct usage_who *whos = (struct usage_who *)(void *)(to->attempts + r->attempts_kept);
    char *at = (char *)(whos + r->attempts_kept);

    for (uint32_t i = 0; i < r->attempts_kept; i++) {
        const struct access_attempt *a = &r->attempts[i];

        whos[i] = who_of(a, &at);
        to->attempts[i] = (struct usage_attempt){ .who = &whos[i],
                                                  .number = a->number,
                                                  .tokens = tokens_of(&a->usage),
                                                  .duration_ms = a->duration_ms };
    }
    to->names = names_of(r, &at);
    to->row = (struct usage_row){ .request_id = text_put(&at, str_c(r->request_id)),
                                  .ended_unix_ms = r->started_unix_ms + r->duration_ms,
                                  .names = &to->names,
                                  .charged = r->charged,
                                  .first_byte_ms = r->first_byte_ms,
                                  .duration_ms = r->duration_ms,
                                  .attempt_count = r->attempt_count,
                                  .kept = r->attempts_kept,
                                  .attempts = to->attempts,
                                  .beyond = tokens_of(&r->beyond) };
    item_put(b, &to->item, ITEM_WHOLE, at);
}

static struct usage_block *block_new(struct usage_feed *f)
{
    struct usage_block *b = must_alloc(sizeof(*b));

    b->next = NULL;
    b->number = ++f->blocks;
    b->rows = b->used = 0;
    return b;
}

static void block_full(struct usage_feed *f, struct usage_block *b)
{
    b->next = atomic_load_explicit(&f->full, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&f->full, &b->next, b, memory_order_release,
                                                  memory_order_relaxed))
        ;
}

void usage_feed_add(struct usage_feed *f, const struct access_record *r, struct record_kind *k)
{
    uint32_t added = atomic_load_explicit(&f->added, memory_order_relaxed);
    uint32_t waiting = added - atomic_load_explicit(&f->done, memory_order_acquire);
    uint8_t id[USAGE_ID_BYTES];
    struct usage_block *b;

    if (waiting >= f->rows_max) {
        count_one(&f->dropped);
        return;
    }
    bool brief = is_brief(r, id);

    b = atomic_exchange_explicit(&f->open, NULL, memory_order_acquire);
    if (b != NULL && USAGE_BLOCK_BYTES - b->used < (brief ? BRIEF_MAX : WHOLE_MAX)) {
        block_full(f, b);
        b = NULL;
        if (waiting >= f->rows_max / 4)
            f->wake(f->peer);
    }
    if (b == NULL)
        b = block_new(f);
    if (brief)
        brief_put(f, b, r, k, id);
    else
        whole_put(b, r);
    b->rows++;
    atomic_store_explicit(&f->added, added + 1, memory_order_relaxed);
    atomic_store_explicit(&f->open, b, memory_order_release);
}

/* --- the keeper's side ----------------------------------------------------------------------- */

struct usage_block *usage_feed_take(struct usage_feed *f)
{
    struct usage_block *full = atomic_exchange_explicit(&f->full, NULL, memory_order_acquire);
    struct usage_block *open = atomic_exchange_explicit(&f->open, NULL, memory_order_acquire);
    struct usage_block *list = open;

    while (full != NULL) {
        struct usage_block *older = full->next;

        full->next = list;
        list = full;
        full = older;
    }
    return list;
}

void usage_feed_done(struct usage_feed *f, uint32_t rows)
{
    uint32_t done = atomic_load_explicit(&f->done, memory_order_relaxed);

    atomic_store_explicit(&f->done, done + rows, memory_order_release);
}

static void brief_row(struct usage_block *b, const struct brief *p, struct usage_row *row,
                      struct usage_attempt *alone)
{
    void *names = b->bytes + (size_t)p->names * ALIGN, *who = b->bytes + (size_t)p->who * ALIGN;

    alone->who = &((struct who_item *)who)->who;
    alone->number = 1;
    alone->tokens =
        (struct usage_tokens){ p->in, p->out, p->cache_read, p->cache_write, p->reasoning };
    alone->cost_nano = USAGE_COST_UNKNOWN;
    alone->duration_ms = p->attempt_ms;
    row->request_id = STR("");
    memcpy(row->id, p->id, sizeof(row->id));
    row->ended_unix_ms = p->ended_unix_ms;
    row->names = &((struct names_item *)names)->names;
    row->charged = p->charged;
    row->first_byte_ms = p->first_byte_ms;
    row->duration_ms = p->duration_ms;
    row->attempt_count = row->kept = 1;
    row->attempts = alone;
    row->beyond = (struct usage_tokens){ 0, 0, 0, 0, 0 };
}

bool usage_block_row(struct usage_block *b, uint32_t *at, struct usage_row *row,
                     struct usage_attempt *alone)
{
    while (*at < b->used) {
        void *place = b->bytes + *at;
        const struct item *item = place;

        *at += (uint32_t)item->size * ALIGN;
        if (item->type == ITEM_BRIEF) {
            brief_row(b, place, row, alone);
            return true;
        }
        if (item->type == ITEM_WHOLE) {
            *row = ((const struct whole *)place)->row;
            return true;
        }
    }
    return false;
}

uint64_t usage_feed_dropped(const struct usage_feed *f)
{
    return count_read(&f->dropped);
}
