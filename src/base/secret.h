/* base/secret.h - bytes that must never be printed: keys, tokens, passwords.
 *
 * A type of its own, so that no format string takes it. The log has a field kind for it that shows
 * at most the last four characters. Threads: whoever owns it.   Memory: its own; wiped and freed by
 * secret_clear(). */
#ifndef PENSTOCK_BASE_SECRET_H
#define PENSTOCK_BASE_SECRET_H

#include "buf.h"

struct secret {
    char *bytes_;
    size_t len_;
};

struct secret secret_copy(struct str plain);
void secret_clear(struct secret *s);

static inline bool secret_is_empty(const struct secret *s)
{
    return s->len_ == 0;
}

/* The bytes themselves, for the two places that need them: the request head and the sealing. */
static inline struct str secret_reveal(const struct secret *s)
{
    return (struct str){ s->len_ > 0 ? s->bytes_ : "", s->len_ };
}

/* `sk-…abcd`: the part before the first `-` when it is short, and the last four characters, only of
 * secrets of 12 bytes and more; shorter ones are `…`. Into `out` of SECRET_HINT_MAX bytes,
 * NUL-ended. */
#define SECRET_HINT_MAX 24
void secret_hint(const struct secret *s, char out[SECRET_HINT_MAX]);

/* Overwrites in a way the compiler may not drop. */
void wipe(void *at, size_t len);

/* True when equal; takes the same time wherever they differ. Lengths are no secret. */
bool equal_in_constant_time(struct str a, struct str b);

#endif
