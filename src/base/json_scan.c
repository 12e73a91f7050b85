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

WIDE __m256i wide_quote(__m256i b)
{
    return _mm256_or_si256(_mm256_cmpeq_epi8(b, _mm256_set1_epi8('"')),
                           _mm256_cmpeq_epi8(b, _mm256_set1_epi8('\\')));
}

/* Control bytes and all that is not ASCII: see scan_odd(). Less the blank, and no less than the
 * least, they have the high bit, which is all that is looked at of a hit. */
WIDE __m256i wide_plain(__m256i b)
{
    return _mm256_or_si256(wide_quote(b), _mm256_subs_epi8(b, _mm256_set1_epi8(0x20)));
}

WIDE __m256i wide_hit(const char *p, int block, bool plain)
{
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + block * WIDE_BLOCK));

    return plain ? wide_plain(b) : wide_quote(b);
}

/* The four blocks one by one: compilers leave a loop over them as it is. */
WIDE const char *wide_pass(const char *p, const char *end, bool plain)
{
    for (; end - p >= WIDE_GROUP; p += WIDE_GROUP) {
        __m256i any =
            _mm256_or_si256(_mm256_or_si256(wide_hit(p, 0, plain), wide_hit(p, 1, plain)),
                            _mm256_or_si256(wide_hit(p, 2, plain), wide_hit(p, 3, plain)));

        if (_mm256_movemask_epi8(any) != 0)
            break;
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
        p = wide_pass_plain(p, end);
#endif
    PASS(p, end, scan_hit_plain)
    return p;
}

const char *scan_pass_quote(const char *p, const char *end)
{
#if SCAN_WIDE
    if (end - p >= WIDE_GROUP && has_wide())
        p = wide_pass_quote(p, end);
#endif
    PASS(p, end, scan_hit_quote)
    return p;
}
