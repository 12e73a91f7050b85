/* The long way through strings: groups of blocks. Prompts are mostly long strings, so this is where
 * reading a request spends its time; AVX2, asked for when running, halves it. */
#include "json_scan.h"

#if !defined(JSON_SCAN_PLAIN_C) && defined(__SSE2__) && defined(__x86_64__)
#define SCAN_WIDE 1
#include <immintrin.h>
#else
#define SCAN_WIDE 0
#endif

#if SCAN_WIDE

#define WIDE __attribute__((target("avx2"), always_inline)) static inline
#define WIDE_BLOCK 32
#define WIDE_GROUP (4 * WIDE_BLOCK)

WIDE __m256i wide_load(const char *p, int block)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(p + block * WIDE_BLOCK));
}

/* Quotes and backslashes: each byte against what stands at the place of its low four bits, where no
 * other byte meets itself; one outside ASCII is against 0. */
WIDE __m256i wide_quote(__m256i b)
{
    const __m256i at = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(1, 0, '"', 0, 0, 0, 0, 0, 0, 0, 0, 0, '\\', 0, 0, 0));

    return _mm256_cmpeq_epi8(b, _mm256_shuffle_epi8(at, b));
}

/* See scan_odd(). */
WIDE __m256i wide_odd(__m256i b)
{
    return _mm256_subs_epi8(b, _mm256_set1_epi8(0x20));
}

/* A group is there. Four blocks at once, up to those that have a hit: the least byte of each place
 * tells for all whether one is odd. Then block by block; what is left at the end is less than one.
 */
WIDE const char *wide_pass(const char *p, const char *end, bool plain)
{
    for (const char *last = end - WIDE_GROUP; p <= last; p += WIDE_GROUP) {
        __m256i a = wide_load(p, 0), b = wide_load(p, 1), c = wide_load(p, 2), d = wide_load(p, 3);
        __m256i any = _mm256_or_si256(_mm256_or_si256(wide_quote(a), wide_quote(b)),
                                      _mm256_or_si256(wide_quote(c), wide_quote(d)));

        if (plain)
            any = _mm256_or_si256(
                any, wide_odd(_mm256_min_epi8(_mm256_min_epi8(a, b), _mm256_min_epi8(c, d))));
        if (_mm256_movemask_epi8(any) != 0)
            break;
    }
    for (; end - p >= WIDE_BLOCK; p += WIDE_BLOCK) {
        __m256i b = wide_load(p, 0);
        __m256i hit = plain ? _mm256_or_si256(wide_quote(b), wide_odd(b)) : wide_quote(b);
        unsigned bits = (unsigned)_mm256_movemask_epi8(hit);

        if (bits != 0)
            return p + __builtin_ctz(bits);
    }
    return p;
}

__attribute__((target("avx2"))) static const char *wide_pass_plain(const char *p, const char *end)
{
    return wide_pass(p, end, true);
}

__attribute__((target("avx2"))) static const char *wide_pass_quote(const char *p, const char *end)
{
    return wide_pass(p, end, false);
}

static bool has_wide(void)
{
    return __builtin_cpu_supports("avx2");
}

#endif

#define PASS(p, end, hit)                                                                          \
    while ((end) - (p) >= SCAN_LONG &&                                                             \
           scan_bits(scan_or(scan_or(hit(p), hit((p) + SCAN_BLOCK)),                               \
                             scan_or(hit((p) + 2 * SCAN_BLOCK), hit((p) + 3 * SCAN_BLOCK)))) == 0) \
        (p) += SCAN_LONG;

const char *scan_pass_plain(const char *p, const char *end)
{
#if SCAN_WIDE
    if (end - p >= WIDE_GROUP && has_wide())
        return wide_pass_plain(p, end);
#endif
    PASS(p, end, scan_hit_plain)
    return p;
}

const char *scan_pass_quote(const char *p, const char *end)
{
#if SCAN_WIDE
    if (end - p >= WIDE_GROUP && has_wide())
        return wide_pass_quote(p, end);
#endif
    PASS(p, end, scan_hit_quote)
    return p;
}
