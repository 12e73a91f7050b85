#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Static_assert(offsetof(struct arena_block, bytes) % 16 == 0, "arena pieces must be aligned");

static void *or_die(void *got)
{
    static const char line[] = "penstock: out of memory, ending\n";

    if (got == NULL) {
        (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
        abort();
    }
    return got;
}

void *must_alloc(size_t size)
{
    return or_die(malloc(size > 0 ? size : 1));
}

void *must_calloc(size_t count, size_t size)
{
    return or_die(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *must_realloc(void *old, size_t size)
{
    return or_die(realloc(old, size > 0 ? size : 1));
}

static void arena_block_free(struct arena_block *b)
{
    block_give(b, sizeof(*b) + b->cap);
}

static struct arena_block *arena_block_new(size_t cap)
{
    struct arena_block *b = block_take(sizeof(*b) + cap);

    b->used = 0;
    b->cap = cap;
    b->next = NULL;
    return b;
}

static size_t rounded(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

/* A new block with room for `need`, and where that begins. Most arenas need little more than the
 * first block, and many are open at a time: so the next ones are small, and only then they grow. */
static char *arena_grow(struct arena *a, size_t need)
{
    struct arena_block *last = a->last, *b;
    size_t size = last == NULL                     ? ARENA_BLOCK
                  : a->total < ARENA_BLOCK_GROWS   ? ARENA_BLOCK_MORE
                  : a->total / 2 < ARENA_BLOCK_MAX ? (a->total / 2) & ~(size_t)4095
                                                   : ARENA_BLOCK_MAX;
    size_t cap = size - sizeof(*b);

    if (need > cap || BLOCK_ALONE)
        cap = need;
    b = arena_block_new(cap);
    b->used = need;
    if (last != NULL && last->cap - last->used > cap - need) {
        /* the one before has more room left, still */
        b->next = last->next;
        last->next = b;
    } else {
        b->next = last;
        a->last = b;
    }
    return b->bytes;
}

void *arena_alloc_more(struct arena *a, size_t size)
{
    assert(size <= ARENA_ALLOC_MAX);

    size_t need = rounded(size);

    a->total += need;
    return arena_grow(a, need);
}

void *arena_alloc(struct arena *a, size_t size)
{
    return memset(arena_alloc_raw(a, size), 0, size);
}

bool arena_resize(struct arena *a, const void *at, size_t size_was, size_t size)
{
    struct arena_block *b = a->last;
    size_t was = rounded(size_was), need = rounded(size);

    if (BLOCK_ALONE || b == NULL || b->used < was || b->bytes + b->used - was != at ||
        b->cap - b->used + was < need)
        return false;
    b->used = b->used - was + need;
    a->total = a->total - was + need;
    return true;
}

void arena_free(struct arena *a)
{
    for (struct arena_block *b = a->last, *next; b != NULL; b = next) {
        next = b->next;
        arena_block_free(b);
    }
    *a = (struct arena){ 0 };
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;

    for (struct arena_block *b = a->last, *next; b != NULL; b = next) {
        next = b->next;
        if (!BLOCK_ALONE && keep == NULL && b->cap == ARENA_BLOCK - sizeof(*b)) {
            keep = b;
            keep->used = 0;
            keep->next = NULL;
        } else {
            arena_block_free(b);
        }
    }
    *a = (struct arena){ .last = keep };
}

struct str arena_copy(struct arena *a, struct str s)
{
    char *at = arena_alloc_raw(a, s.len + 1);

    if (s.len > 0)
        memcpy(at, s.at, s.len);
    at[s.len] = '\0';
    return (struct str){ at, s.len };
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    char *at = arena_alloc_raw(a, (size_t)len + 1);
    vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    return (struct str){ at, (size_t)len };
}
