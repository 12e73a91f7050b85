#include "secret.h"

#include <stdio.h>
#include <stdlib.h>

#include "arena.h"

#define HINT_MIN 12   /* a shorter secret would lose too much of itself to a hint */
#define HINT_PREFIX 4 /* "sk", "AIza": vendor marks, not secret */
#define HINT_TAIL 4

struct secret secret_copy(struct str plain)
{
    struct secret s = { must_alloc(plain.len + 1), plain.len };

    if (plain.len > 0)
        memcpy(s.bytes_, plain.at, plain.len);
    s.bytes_[plain.len] = '\0';
    return s;
}

void wipe(void *at, size_t len)
{
    if (len > 0)
        explicit_bzero(at, len);
}

void secret_clear(struct secret *s)
{
    if (s->bytes_ != NULL)
        wipe(s->bytes_, s->len_);
    free(s->bytes_);
    *s = (struct secret){ 0 };
}

void secret_hint(const struct secret *s, char out[SECRET_HINT_MAX])
{
    struct str all = secret_reveal(s), prefix, rest;

    if (all.len < HINT_MIN) {
        snprintf(out, SECRET_HINT_MAX, "%s", all.len == 0 ? "" : "…");
        return;
    }
    if (!str_cut(all, '-', &prefix, &rest) || prefix.len > HINT_PREFIX)
        prefix = STR("");
    int n = snprintf(out, SECRET_HINT_MAX, "%.*s%s…%.*s", (int)prefix.len, prefix.at,
                     prefix.len > 0 ? "-" : "", HINT_TAIL, all.at + all.len - HINT_TAIL);
    for (int i = 0; i < n && i < SECRET_HINT_MAX; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            out[i] = '?';
}

bool equal_in_constant_time(struct str a, struct str b)
{
    unsigned char differ = 0;

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        differ |= (unsigned char)(a.at[i] ^ b.at[i]);
    return differ == 0;
}
