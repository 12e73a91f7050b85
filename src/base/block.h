/* base/block.h - pieces of memory of a few usual sizes, which come and go with each exchange.
 *
 * Arenas and buffers take some for a moment, and malloc has no quick way with pieces of that size:
 * a thread keeps those that it gave back for the next ones, BLOCKS_KEPT bytes at most. All of them
 * are malloc()ed, so whoever has one may as well realloc() or free() it. Under AddressSanitizer
 * none is kept, so that a use of what was given back is seen. Threads: any; a block may be given
 * back by another thread than the one that took it. */
#ifndef PENSTOCK_BASE_BLOCK_H
#define PENSTOCK_BASE_BLOCK_H

#include <stddef.h>

#define BLOCKS_KEPT ((size_t)192 << 10) /* bytes, for each thread */
#define BLOCK_MIN ((size_t)1024)
#define BLOCK_MAX ((size_t)16 << 10)

#if defined(__SANITIZE_ADDRESS__)
#define BLOCK_ALONE 1 /* each piece of memory has its own malloc */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCK_ALONE 1
#endif
#endif
#ifndef BLOCK_ALONE
#define BLOCK_ALONE 0
#endif

/* The usual size for this many bytes: the next power of two. Up to BLOCK_MIN malloc is quick, and
 * above BLOCK_MAX none is kept: then it is `bytes` itself. */
size_t block_size(size_t bytes);
/* Never NULL. */
void *block_take(size_t size);
/* NULL is fine. */
void block_give(void *at, size_t size);
/* A thread gives back what it keeps before it ends. */
void blocks_end_thread(void);

#endif
