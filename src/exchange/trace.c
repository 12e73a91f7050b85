/* exchange/trace.c - access records packed one behind the other: the record, its attempts, the
 * search that found nobody, then the bytes of its texts. Slices and pointers mean nothing while
 * packed; whoever unpacks sets them. Of a pick only the names that it has are kept: most have none,
 * and there is room for eight. */
#include "exchange/trace.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/short_text.h"
#include "base/utf8.h"

struct slot {
    uint64_t id_hash;
    size_t at, len; /* in `bytes` */
};

struct trace_ring {
    pthread_mutex_t lock;
    char *bytes;
    size_t size, end;     /* the next trace goes behind `end`, or to the front */
    struct slot *slots;   /* of trace n: its last bits */
    uint64_t first, next; /* numbers of the oldest trace and of the one to come */
    size_t slot_count;    /* a power of two */
};

/* Those that are not static. */
static const size_t texts[] = {
    offsetof(struct access_record, path),         offsetof(struct access_record, model),
    offsetof(struct access_record, mapped_model), offsetof(struct access_record, client_key),
    offsetof(struct access_record, session),      offsetof(struct access_record, account),
    offsetof(struct access_record, client),       offsetof(struct access_record, broke),
};
#define TEXTS COUNT(texts)

static struct str *text_of(struct access_record *r, size_t i)
{
    return (struct str *)(void *)((char *)r + texts[i]);
}

_Static_assert(ACCESS_ID_BYTES % 8 == 0, "an id is some words");

static uint64_t id_hash(const char id[ACCESS_ID_BYTES])
{
    uint64_t h = 0;

    for (size_t i = 0; i < ACCESS_ID_BYTES; i += 8)
        h = short_mix(h, short_load8(id + i));
    return h;
}

/* Of an id as somebody asks for it. False: none of ours looks so. */
static bool asked_hash(struct str id, uint64_t *hash)
{
    char padded[ACCESS_ID_BYTES] = "";

    if (id.len == 0 || id.len >= sizeof(padded))
        return false;
    memcpy(padded, id.at, id.len);
    *hash = id_hash(padded);
    return true;
}

static struct slot *slot_of(const struct trace_ring *ring, uint64_t number)
{
    return &ring->slots[number & (ring->slot_count - 1)];
}

struct trace_ring *trace_ring_new(size_t bytes)
{
    struct trace_ring *ring = must_calloc(1, sizeof(*ring));
    int failed = pthread_mutex_init(&ring->lock, NULL);

    assert(failed == 0);
    ring->size = bytes;
    ring->slot_count = 1;
    while (ring->slot_count <= bytes / sizeof(struct access_record))
        ring->slot_count *= 2;
    /* not zeroed: memory that no trace has reached is not used */
    ring->bytes = must_alloc(bytes > 0 ? bytes : 1);
    ring->slots = must_calloc(ring->slot_count, sizeof(ring->slots[0]));
    return ring;
}

void trace_ring_free(struct trace_ring *ring)
{
    if (ring == NULL)
        return;
    pthread_mutex_destroy(&ring->lock);
    free(ring->bytes);
    free(ring->slots);
    free(ring);
}

static void ring_lock(struct trace_ring *ring)
{
    int failed = pthread_mutex_lock(&ring->lock);

    assert(failed == 0);
}

static void ring_unlock(struct trace_ring *ring)
{
    pthread_mutex_unlock(&ring->lock);
}

/* Room for `len` bytes: at the front when they do not fit before the end. What lies there are the
 * oldest traces, and they go. */
static char *ring_place(struct trace_ring *ring, size_t len)
{
    size_t from = ring->end, to;

    if (ring->size - from < len) {
        while (ring->first < ring->next && slot_of(ring, ring->first)->at >= from)
            ring->first++;
        from = 0;
    }
    to = from + len;
    while (ring->first < ring->next && slot_of(ring, ring->first)->at >= from &&
           slot_of(ring, ring->first)->at < to)
        ring->first++;
    assert(ring->next - ring->first < ring->slot_count);
    ring->end = to;
    return ring->bytes + from;
}

/* --- packing ------------------------------------------------------------------------------------
 *
 * The record, its attempts, their picks, that of the search that found nobody, the texts. */

_Static_assert(sizeof(struct access_record) % _Alignof(struct access_attempt) == 0 &&
                   sizeof(struct access_attempt) % _Alignof(struct pick) == 0 &&
                   offsetof(struct pick, passed) % _Alignof(struct pick) == 0 &&
                   sizeof(struct pick_passed) % _Alignof(struct pick) == 0,
               "each lies where the one before it ends");

static char *pack(const void *thing, size_t bytes, char *to)
{
    memcpy(to, thing, bytes);
    return to + bytes;
}

/* The pick at `at`, and where it ends. */
static const struct pick *unpack_pick(const char **at)
{
    const struct pick *p = (const struct pick *)(const void *)*at;

    *at += pick_bytes(p);
    return p;
}

/* `clipped` gets the texts as they are kept. */
static size_t record_bytes(const struct access_record *r, struct str clipped[TEXTS])
{
    size_t len = sizeof(*r) + r->attempts_kept * sizeof(r->attempts[0]);

    for (uint32_t i = 0; i < r->attempts_kept; i++)
        len += pick_bytes(r->attempts[i].pick);
    if (r->nobody != NULL)
        len += pick_bytes(r->nobody);
    for (size_t i = 0; i < TEXTS; i++) {
        struct str text = *(const struct str *)(const void *)((const char *)r + texts[i]);

        clipped[i] = text.len <= TRACE_TEXT_MAX ? text : utf8_clip(text, TRACE_TEXT_MAX);
        len += clipped[i].len;
    }
    return (len + 15) & ~(size_t)15; /* the next record is aligned, too */
}

void trace_ring_add(struct trace_ring *ring, const struct access_record *r)
{
    struct str clipped[TEXTS];
    size_t len = record_bytes(r, clipped);

    if (len > ring->size)
        return;
    ring_lock(ring);
    char *at = ring_place(ring, len);
    struct access_record *packed = (struct access_record *)(void *)at;

    *slot_of(ring, ring->next++) =
        (struct slot){ id_hash(r->request_id), (size_t)(at - ring->bytes), len };
    at = pack(r, sizeof(*r), at);
    if (r->attempts_kept > 0)
        at = pack(r->attempts, r->attempts_kept * sizeof(r->attempts[0]), at);
    for (uint32_t i = 0; i < r->attempts_kept; i++)
        at = pack(r->attempts[i].pick, pick_bytes(r->attempts[i].pick), at);
    if (r->nobody != NULL)
        at = pack(r->nobody, pick_bytes(r->nobody), at);
    for (size_t i = 0; i < TEXTS; i++) {
        *text_of(packed, i) = clipped[i];
        if (clipped[i].len > 0)
            at = pack(clipped[i].at, clipped[i].len, at);
    }
    ring_unlock(ring);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Under the lock. */
static struct access_record *ring_copy(const struct trace_ring *ring, uint64_t number,
                                       struct arena *a)
{
    const struct slot *slot = slot_of(ring, number);
    char *copy = arena_alloc_raw(a, slot->len);

    memcpy(copy, ring->bytes + slot->at, slot->len);
    return (struct access_record *)(void *)copy;
}

/* In place: `packed` is a copy. */
static void record_unpack(struct access_record *packed, struct access_record *out)
{
    struct access_attempt *all = (struct access_attempt *)(void *)(packed + 1);
    const char *at = (const char *)(all + packed->attempts_kept);

    *out = *packed;
    out->attempts = all;
    for (uint32_t i = 0; i < out->attempts_kept; i++)
        all[i].pick = unpack_pick(&at);
    if (out->nobody != NULL)
        out->nobody = unpack_pick(&at);
    for (size_t i = 0; i < TEXTS; i++) {
        struct str *text = text_of(out, i);

        text->at = at;
        at += text->len;
    }
}

bool trace_ring_next(struct trace_ring *ring, uint64_t *place, struct arena *a,
                     struct access_record *out)
{
    struct access_record *packed = NULL;

    ring_lock(ring);
    uint64_t below = *place < ring->next ? *place : ring->next;

    if (below > ring->first) {
        *place = below - 1;
        packed = ring_copy(ring, *place, a);
    }
    ring_unlock(ring);
    if (packed != NULL)
        record_unpack(packed, out);
    return packed != NULL;
}

bool trace_ring_after(struct trace_ring *ring, uint64_t *number, uint64_t *missed, struct arena *a,
                      struct access_record *out)
{
    struct access_record *packed = NULL;

    ring_lock(ring);
    if (*number < ring->first) {
        *missed += ring->first - *number;
        *number = ring->first;
    }
    if (*number < ring->next)
        packed = ring_copy(ring, (*number)++, a);
    ring_unlock(ring);
    if (packed != NULL)
        record_unpack(packed, out);
    return packed != NULL;
}

bool trace_ring_find(struct trace_ring *ring, struct str id, struct arena *a,
                     struct access_record *out)
{
    struct access_record *packed = NULL;
    uint64_t hash;

    if (!asked_hash(id, &hash))
        return false;
    ring_lock(ring);
    for (uint64_t n = ring->next; n > ring->first && packed == NULL; n--)
        if (slot_of(ring, n - 1)->id_hash == hash)
            packed = ring_copy(ring, n - 1, a);
    ring_unlock(ring);
    if (packed == NULL || !str_eq(str_c(packed->request_id), id))
        return false;
    record_unpack(packed, out);
    return true;
}

bool trace_ring_has(struct trace_ring *ring, struct str id, int64_t ended_ms)
{
    uint64_t hash;
    bool found = false;

    if (!asked_hash(id, &hash))
        return false;
    ring_lock(ring);
    if (ring->first < ring->next) {
        const struct access_record *oldest =
            (const void *)(ring->bytes + slot_of(ring, ring->first)->at);

        if (oldest->started_unix_ms + oldest->duration_ms <= ended_ms)
            for (uint64_t n = ring->first; n < ring->next && !found; n++)
                found = slot_of(ring, n)->id_hash == hash;
    }
    ring_unlock(ring);
    return found;
}

void trace_ring_clear(struct trace_ring *ring)
{
    ring_lock(ring);
    ring->first = ring->next;
    ring_unlock(ring);
}

size_t trace_ring_count(struct trace_ring *ring)
{
    ring_lock(ring);
    size_t count = (size_t)(ring->next - ring->first);
    ring_unlock(ring);
    return count;
}
