/* base/short_text.h - texts of a few bytes, names as a rule, compared and hashed where they stand:
 * a call for each costs more than the work.
 *
 * Threads: any, pure. */
#ifndef PENSTOCK_BASE_SHORT_TEXT_H
#define PENSTOCK_BASE_SHORT_TEXT_H

#include "str.h"

static inline uint64_t short_load8(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint32_t short_load4(const char *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* str_eq() */
__attribute__((always_inline)) static inline bool short_eq(struct str a, struct str b)
{
    size_t i = 0;

    if (a.len != b.len)
        return false;
    if (a.len >= 8) {
        for (; i + 8 < a.len; i += 8)
            if (short_load8(a.at + i) != short_load8(b.at + i))
                return false;
        return short_load8(a.at + a.len - 8) == short_load8(b.at + a.len - 8);
    }
    if (a.len >= 4)
        return short_load4(a.at) == short_load4(b.at) &&
               short_load4(a.at + a.len - 4) == short_load4(b.at + a.len - 4);
    while (i < a.len && a.at[i] == b.at[i])
        i++;
    return i == a.len;
}

/* Both ends of a text, and its length. */
static inline uint64_t short_ends(struct str s)
{
    if (s.len >= 8)
        return (short_load8(s.at) ^ short_load8(s.at + s.len - 8) * 3) + s.len;
    if (s.len >= 4)
        return ((uint64_t)short_load4(s.at) << 32 | short_load4(s.at + s.len - 4)) + s.len;
    return s.len == 0 ? 0 : (uint64_t)(uint8_t)s.at[0] << 8 ^ (uint8_t)s.at[s.len - 1];
}

/* A step of a hash. Weak: whoever chooses texts can make them meet, so that must cost a comparison
 * and no more. */
static inline uint64_t short_mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

#endif
