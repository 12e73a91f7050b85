/* base/buf.h - a growing run of bytes with a hard ceiling.
 *
 * Buffers that face the network are full when they reach `max`: adding to a full one is an
 * ordinary, handled `false` and changes nothing. Threads: whoever owns it.   Memory: its own; freed
 * by buf_clear(). A zeroed one with `max` set is empty. */
#ifndef PENSTOCK_BASE_BUF_H
#define PENSTOCK_BASE_BUF_H

#include "str.h"

struct buf {
    char *at;
    size_t len, cap;
    size_t max; /* bytes; never more than this is held */
};

static inline void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

/* Frees the bytes; `max` stays, so the buffer can be filled again. */
void buf_clear(struct buf *b);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){ b->len > 0 ? b->at : "", b->len };
}

char *buf_reserve_more(struct buf *b, size_t n);

/* Room for `n` more bytes at the end, or NULL when that would pass `max`. Follow with buf_commit().
 */
static inline char *buf_reserve(struct buf *b, size_t n)
{
    return n <= b->cap - b->len ? b->at + b->len : buf_reserve_more(b, n);
}

static inline void buf_commit(struct buf *b, size_t n)
{
    assert(n <= b->cap - b->len);
    b->len += n;
}

bool buf_add_slow(struct buf *b, struct str s);

static inline bool buf_add(struct buf *b, struct str s)
{
    if (s.len > b->cap - b->len)
        return buf_add_slow(b, s);
    if (s.len > 0) {
        assert(b->at != NULL);
        memcpy(b->at + b->len, s.at, s.len);
    }
    b->len += s.len;
    return true;
}

static inline bool buf_add_char(struct buf *b, char c)
{
    return buf_add(b, (struct str){ &c, 1 });
}

bool buf_add_u64(struct buf *b, uint64_t n);
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes `n` bytes off the front (memmove). */
void buf_drop(struct buf *b, size_t n);

#endif
