#include "block.h"

#include <stdlib.h>

#include "arena.h"

#define SIZES 5 /* from BLOCK_MIN on, each twice the one before */
_Static_assert(BLOCK_MIN << (SIZES - 1) == BLOCK_MAX, "the last of them");

struct kept {
    struct kept *next;
};

static _Thread_local struct {
    struct kept *lists[SIZES];
    size_t bytes;
} kept;

size_t block_size(size_t bytes)
{
    return BLOCK_ALONE || bytes <= BLOCK_MIN || bytes > BLOCK_MAX
               ? bytes
               : (size_t)1 << (64 - __builtin_clzl(bytes - 1));
}

/* The list for blocks of this size; NULL: it is no usual one. */
static struct kept **list_of(size_t size)
{
    if (BLOCK_ALONE || size < BLOCK_MIN || size > BLOCK_MAX || (size & (size - 1)) != 0)
        return NULL;
    return &kept.lists[__builtin_ctzl(size) - __builtin_ctzl(BLOCK_MIN)];
}

void *block_take(size_t size)
{
    struct kept **list = list_of(size), *b = list != NULL ? *list : NULL;

    if (b == NULL)
        return must_alloc(size);
    *list = b->next;
    kept.bytes -= size;
    return b;
}

void block_give(void *at, size_t size)
{
    struct kept **list = list_of(size), *b = at;

    if (b == NULL || list == NULL || kept.bytes + size > BLOCKS_KEPT) {
        free(at);
        return;
    }
    b->next = *list;
    *list = b;
    kept.bytes += size;
}

void blocks_end_thread(void)
{
    for (size_t i = 0; i < SIZES; i++)
        for (struct kept *b; (b = kept.lists[i]) != NULL; free(b))
            kept.lists[i] = b->next;
    kept.bytes = 0;
}
