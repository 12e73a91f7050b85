#include "exchange/usage_feed.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/metric.h"
#include "base/utf8.h"

struct usage_feed {
    uint32_t rows_max;
    void (*wake)(void *peer);
    void *peer;
    /* being filled; NULL: one of the two has it in hands, or there is none */
    _Atomic(struct usage_block *) open;
    _Atomic(struct usage_block *) full; /* the newest first */
    _Atomic uint32_t added, done;       /* rows since the beginning, wrapping */
    struct counter dropped;
};

/* A row as it stands in a block: then its attempts, who made them, and the bytes of its texts. */
struct packed {
    uint32_t bytes; /* to the next one */
    struct usage_row row;
    struct usage_names names;
};

#define ALIGNED(n) (((n) + 15) & ~(size_t)15)
#define HEAD_BYTES ALIGNED(sizeof(struct packed))
#define PACKED_MAX                                                                    \
    (HEAD_BYTES +                                                                     \
     ACCESS_ATTEMPTS_MAX *                                                            \
         (sizeof(struct usage_attempt) + sizeof(struct usage_who) + USAGE_NAME_MAX) + \
     5 * USAGE_NAME_MAX + 16)
_Static_assert(PACKED_MAX <= USAGE_BLOCK_BYTES, "any row fits an empty block");
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

static struct usage_attempt attempt_of(const struct access_attempt *a, struct usage_who *who,
                                       char **at)
{
    *who = (struct usage_who){ .account = a->account_id,
                               .label = text_put(at, str_c(a->label)),
                               .provider = a->provider,
                               .verdict = str_c(verdict_word(a->verdict)),
                               .status = a->status };
    return (struct usage_attempt){ .who = who,
                                   .number = a->number,
                                   .tokens = tokens_of(&a->usage),
                                   .duration_ms = a->duration_ms };
}

static size_t texts_bytes(const struct access_record *r)
{
    size_t len = str_take(r->client_key, USAGE_NAME_MAX).len +
                 str_take(r->client, USAGE_NAME_MAX).len + str_take(r->model, USAGE_NAME_MAX).len +
                 str_take(r->mapped_model, USAGE_NAME_MAX).len + sizeof(r->request_id);

    for (uint32_t i = 0; i < r->attempts_kept; i++)
        len += USAGE_NAME_MAX;
    return len;
}

static void row_put(struct usage_block *b, const struct access_record *r)
{
    struct packed *p = (struct packed *)(void *)(b->bytes + b->used);
    struct usage_attempt *attempts =
        (struct usage_attempt *)(void *)(b->bytes + b->used + HEAD_BYTES);
    struct usage_who *whos = (struct usage_who *)(void *)(attempts + r->attempts_kept);
    char *at = (char *)(whos + r->attempts_kept);

    for (uint32_t i = 0; i < r->attempts_kept; i++)
        attempts[i] = attempt_of(&r->attempts[i], &whos[i], &at);
    p->names = (struct usage_names){ .key = text_put(&at, r->client_key),
                                     .client = text_put(&at, r->client),
                                     .protocol = r->protocol,
                                     .model = text_put(&at, r->model),
                                     .mapped = text_put(&at, r->mapped_model),
                                     .ending = str_c(ending_word(r->ending)),
                                     .stream = r->stream,
                                     .complete = r->ending == ENDING_COMPLETE,
                                     .free = r->counts_only,
                                     .status = r->status };
    p->row = (struct usage_row){ .request_id = text_put(&at, str_c(r->request_id)),
                                 .ended_unix_ms = r->started_unix_ms + r->duration_ms,
                                 .names = &p->names,
                                 .charged = r->charged,
                                 .first_byte_ms = r->first_byte_ms,
                                 .duration_ms = r->duration_ms,
                                 .attempt_count = r->attempt_count,
                                 .kept = r->attempts_kept,
                                 .attempts = attempts,
                                 .beyond = tokens_of(&r->beyond) };
    memcpy(p->names.key_id, r->key_id.bytes, sizeof(p->names.key_id));
    p->bytes = (uint32_t)ALIGNED((size_t)(at - (char *)p));
    b->used += p->bytes;
    b->rows++;
}

static struct usage_block *block_new(struct usage_feed *f)
{
    struct usage_block *b = must_alloc(sizeof(*b));

    b->next = NULL;
    b->feed = f;
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

void usage_feed_add(struct usage_feed *f, const struct access_record *r)
{
    uint32_t added = atomic_load_explicit(&f->added, memory_order_relaxed);
    size_t need = HEAD_BYTES +
                  r->attempts_kept * (sizeof(struct usage_attempt) + sizeof(struct usage_who)) +
                  texts_bytes(r) + 16;
    uint32_t waiting = added - atomic_load_explicit(&f->done, memory_order_acquire);
    struct usage_block *b;

    if (waiting >= f->rows_max) {
        count_one(&f->dropped);
        return;
    }
    b = atomic_exchange_explicit(&f->open, NULL, memory_order_acquire);
    if (b != NULL && USAGE_BLOCK_BYTES - b->used < need) {
        block_full(f, b);
        b = NULL;
        if (waiting >= f->rows_max / 4)
            f->wake(f->peer);
    }
    if (b == NULL)
        b = block_new(f);
    row_put(b, r);
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

struct usage_row *usage_block_row(struct usage_block *b, uint32_t *at)
{
    if (*at >= b->used)
        return NULL;
    struct packed *p = (struct packed *)(void *)(b->bytes + *at);

    *at += p->bytes;
    return &p->row;
}

uint64_t usage_feed_dropped(const struct usage_feed *f)
{
    return count_read(&f->dropped);
}
