#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ONE_BY_ONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ONE_BY_ONE 1
#endif
#endif
#ifndef ARENA_ONE_BY_ONE
#define ARENA_ONE_BY_ONE 0
#endif

struct arena_block {
    struct arena_block *next;
    size_t used, cap;
    size_t pad; /* keeps `bytes` 16-byte aligned */
    char bytes[];
};

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

/* First blocks that arenas of this thread gave back. An exchange takes one or two and returns them
 * a moment later, and malloc has no quick way with pieces of that size. */
#define BLOCKS_KEPT 32
static _Thread_local struct {
    struct arena_block *first;
    unsigned count;
} kept;

static void arena_block_free(struct arena_block *b)
{
    if (ARENA_ONE_BY_ONE || b->cap != ARENA_BLOCK - sizeof(*b) || kept.count == BLOCKS_KEPT) {
        free(b);
        return;
    }
    b->next = kept.first;
    kept.first = b;
    kept.count++;
}

void arena_end_thread(void)
{
    for (struct arena_block *b; (b = kept.first) != NULL; free(b))
        kept.first = b->next;
    kept.count = 0;
}

static struct arena_block *arena_block_new(size_t cap)
{
    struct arena_block *b = kept.first;

    if (b != NULL && cap == b->cap) {
        kept.first = b->next;
        kept.count--;
    } else {
        b = must_alloc(sizeof(*b) + cap);
    }
    b->used = 0;
    b->cap = cap;
    b->next = NULL;
    return b;
}

void *arena_alloc_raw(struct arena *a, size_t size)
{
    assert(size <= ARENA_ALLOC_MAX);

    size_t need = (size + 15) & ~(size_t)15;
    struct arena_block *b = a->last;

    if (b == NULL || ARENA_ONE_BY_ONE || b->cap - b->used < need) {
        assert(b != NULL || a->total == 0);
        /* the second block is no larger than the first: most arenas need a little more than one */
        size_t cap = a->total < 2 * ARENA_BLOCK || ARENA_ONE_BY_ONE ? ARENA_BLOCK : b->cap * 2;

        if (cap > ARENA_BLOCK_MAX)
            cap = ARENA_BLOCK_MAX;
        cap -= sizeof(*b);
        if (need > cap || ARENA_ONE_BY_ONE)
            cap = need;
        b = arena_block_new(cap);
        if (a->last != NULL && cap == need && a->last->cap > a->last->used) {
            /* a piece with a block of its own goes behind the block that still has room */
            b->next = a->last->next;
            a->last->next = b;
        } else {
            b->next = a->last;
            a->last = b;
        }
    }
    char *at = b->bytes + b->used;
    b->used += need;
    a->total += need;
    return at;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return memset(arena_alloc_raw(a, size), 0, size);
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
        if (!ARENA_ONE_BY_ONE && keep == NULL && b->cap <= ARENA_BLOCK) {
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
