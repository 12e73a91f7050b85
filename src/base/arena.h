/* base/arena.h - memory that dies together: one exchange, one parse, one test.
 *
 * Allocation never fails: input limits bound what can be asked for, and when malloc itself fails
 * the process logs one line and ends (the supervisor restarts it). Under AddressSanitizer each
 * piece is its own malloc, so that an overrun is seen at once. Threads: whoever owns the arena.
 * Memory: all of it freed by arena_free(). */
#ifndef PENSTOCK_BASE_ARENA_H
#define PENSTOCK_BASE_ARENA_H

#include "block.h"
#include "str.h"

#define ARENA_BLOCK ((size_t)4096)          /* first block, header included */
#define ARENA_BLOCK_MORE ((size_t)1024)     /* the next, until … */
#define ARENA_BLOCK_GROWS ((size_t)8192)    /* … so much was handed out: then half of that … */
#define ARENA_BLOCK_MAX ((size_t)256 << 10) /* … up to here */
#define ARENA_ALLOC_MAX ((size_t)1 << 30)

struct arena_block {
    struct arena_block *next;
    size_t used, cap; /* of `bytes`; whole pieces */
    size_t pad;       /* keeps `bytes` 16-byte aligned */
    char bytes[];
};

struct arena {
    struct arena_block *last;
    size_t total; /* bytes handed out */
};

/* A zeroed `struct arena` is ready; this is for clarity. */
static inline void arena_init(struct arena *a)
{
    *a = (struct arena){ 0 };
}

/* Frees everything; the arena is empty and usable again. */
void arena_free(struct arena *a);

/* Forgets everything but keeps one block, so that a scratch arena costs no malloc each time. */
void arena_reset(struct arena *a);

/* From another block. */
void *arena_alloc_more(struct arena *a, size_t size);

/* 16-byte aligned, never NULL, for what is filled at once. Lives until arena_free(). */
static inline void *arena_alloc_raw(struct arena *a, size_t size)
{
    struct arena_block *b = a->last;

    if (BLOCK_ALONE || b == NULL || size > b->cap - b->used) /* which is a multiple of 16 */
        return arena_alloc_more(a, size);
    size_t need = (size + 15) & ~(size_t)15;
    char *at = b->bytes + b->used;

    b->used += need;
    a->total += need;
    return at;
}

/* The same, zeroed. */
void *arena_alloc(struct arena *a, size_t size);
/* The piece that was given last becomes longer or shorter where it is. False: it is not the last,
 * or there is no room; it stays as it was. */
bool arena_resize(struct arena *a, const void *at, size_t size_was, size_t size);
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

/* A copy followed by a NUL (not counted in its length), so that `.at` serves as a C string. */
struct str arena_copy(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* malloc, calloc, realloc that end the process instead of failing. */
void *must_alloc(size_t size);
void *must_calloc(size_t count, size_t size);
void *must_realloc(void *old, size_t size);

#endif
