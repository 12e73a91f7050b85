#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "arena.h"

#define BUF_FIRST ((size_t)128)
#define BUF_LARGE ((size_t)1 << 20) /* from here on buffers grow by a quarter, not by double */

void buf_clear(struct buf *b)
{
    block_give(b->at, b->cap);
    *b = (struct buf){ .max = b->max };
}

char *buf_reserve_more(struct buf *b, size_t n)
{
    size_t need;

    assert(b->len <= b->cap);
    if (!add_checked(b->len, n, &need) || need > b->max)
        return NULL;
    if (need > b->cap) {
        size_t cap = b->cap < BUF_LARGE ? b->cap * 2 : b->cap + b->cap / 4;

        if (cap < BUF_FIRST)
            cap = BUF_FIRST;
        if (cap < need)
            cap = need;
        cap = block_size(cap);
        if (cap > b->max)
            cap = b->max;
        if (b->cap == 0)
            b->at = block_take(cap);
        else
            b->at = must_realloc(b->at, cap);
        b->cap = cap;
    }
    return b->at + b->len;
}

bool buf_add_slow(struct buf *b, struct str s)
{
    char *at = buf_reserve(b, s.len);

    if (at == NULL)
        return false;
    if (s.len > 0)
        memcpy(at, s.at, s.len);
    b->len += s.len;
    return true;
}

bool buf_add_u64(struct buf *b, uint64_t n)
{
    char text[DIGITS_MAX], *end = text + sizeof(text), *at = digits_u64(end, n);

    return buf_add(b, (struct str){ at, (size_t)(end - at) });
}

bool buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    /* one byte more for the NUL that vsnprintf insists on; where `max` forbids it, a detour */
    char *at = buf_reserve(b, (size_t)len + 1);
    bool fits = at != NULL;

    if (fits) {
        vsnprintf(at, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    } else if (buf_reserve(b, (size_t)len) != NULL) {
        char *text = must_alloc((size_t)len + 1);

        vsnprintf(text, (size_t)len + 1, format, again);
        fits = buf_add(b, (struct str){ text, (size_t)len });
        free(text);
    }
    va_end(again);
    return fits;
}

void buf_drop(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n > 0 && n < b->len)
        memmove(b->at, b->at + n, b->len - n);
    b->len -= n;
}
