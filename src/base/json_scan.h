/* base/json_scan.h - finds the next byte that matters in JSON text, a block of bytes at a time.
 *
 * Private to the json files of base. Three kinds of block, chosen when compiling: SSE2 and NEON
 * with 16 bytes, and 8 bytes in a plain integer everywhere else (or with JSON_SCAN_PLAIN_C, so that
 * tests reach it on every machine). Long strings are passed with AVX2 where the processor has it.
 * No function reads a byte at `end` or behind it. Threads: any, pure.   Memory: none. */
#ifndef PENSTOCK_BASE_JSON_SCAN_H
#define PENSTOCK_BASE_JSON_SCAN_H

#include "str.h"

#if !defined(JSON_SCAN_PLAIN_C) && defined(__SSE2__)

#include <emmintrin.h>

#define SCAN_BLOCK 16
typedef __m128i scan_block;
typedef __m128i scan_hits; /* the high bit of each byte that was hit */

static inline scan_block scan_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline scan_hits scan_is(scan_block b, char c)
{
    return _mm_cmpeq_epi8(b, _mm_set1_epi8(c));
}

/* Control bytes, and all that is not ASCII: as signed numbers both lie below the blank. Less that,
 * and no less than the least, they are negative. */
static inline scan_hits scan_odd(scan_block b)
{
    return _mm_subs_epi8(b, _mm_set1_epi8(0x20));
}

static inline scan_hits scan_or(scan_hits a, scan_hits b)
{
    return _mm_or_si128(a, b);
}

/* The hits as bits, 0 without any, and which byte the lowest bit stands for. */
static inline uint64_t scan_bits(scan_hits h)
{
    return (unsigned)_mm_movemask_epi8(h);
}

static inline unsigned scan_first(uint64_t bits)
{
    return (unsigned)__builtin_ctz((unsigned)bits);
}

#elif !defined(JSON_SCAN_PLAIN_C) && defined(__aarch64__) && defined(__ARM_NEON)

#include <arm_neon.h>

#define SCAN_BLOCK 16
typedef uint8x16_t scan_block;
typedef uint8x16_t scan_hits; /* 0xff where a byte was hit */

static inline scan_block scan_load(const char *p)
{
    return vld1q_u8((const uint8_t *)p);
}

static inline scan_hits scan_is(scan_block b, char c)
{
    return vceqq_u8(b, vdupq_n_u8((uint8_t)c));
}

/* Control bytes, and all that is not ASCII: as signed numbers both lie below the blank. */
static inline scan_hits scan_odd(scan_block b)
{
    return vcltq_s8(vreinterpretq_s8_u8(b), vdupq_n_s8(0x20));
}

static inline scan_hits scan_or(scan_hits a, scan_hits b)
{
    return vorrq_u8(a, b);
}

/* The hits as bits, 0 without any, and which byte the lowest bit stands for. NEON has no movemask:
 * narrowing by four bits leaves a nibble per byte in one 64-bit word. */
static inline uint64_t scan_bits(scan_hits h)
{
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(h), 4)), 0);
}

static inline unsigned scan_first(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits) / 4;
}

#else

#define SCAN_BLOCK 8
typedef uint64_t scan_block; /* the first byte in the lowest bits */
/* The high bit of each byte that was hit. Subtraction borrows upwards, so there may be false hits
 * *above* a true one, never below: the first hit is right, and no other is asked for. */
typedef uint64_t scan_hits;

#define SCAN_EACH UINT64_C(0x0101010101010101)

static inline scan_block scan_load(const char *p)
{
    uint64_t b;

    memcpy(&b, p, sizeof(b));
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(b) : b;
}

static inline scan_hits scan_is(scan_block b, char c)
{
    uint64_t x = b ^ SCAN_EACH * (uint8_t)c;

    return (x - SCAN_EACH) & ~x & SCAN_EACH * 0x80;
}

/* Control bytes, and all that is not ASCII. */
static inline scan_hits scan_odd(scan_block b)
{
    return (b | ((b - SCAN_EACH * 0x20) & ~b)) & SCAN_EACH * 0x80;
}

static inline scan_hits scan_or(scan_hits a, scan_hits b)
{
    return a | b;
}

/* The hits as bits, 0 without any, and which byte the lowest bit stands for. */
static inline uint64_t scan_bits(scan_hits h)
{
    return h;
}

static inline unsigned scan_first(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits) / 8;
}

#endif

/* A byte that may stand in a string as it is, and is a character on its own. */
static inline bool scan_is_plain(char c)
{
    return c >= 0x20 && (signed char)c >= 0 && c != '"' && c != '\\';
}

static inline scan_hits scan_hit_plain(const char *p)
{
    scan_block b = scan_load(p);

    return scan_or(scan_or(scan_is(b, '"'), scan_is(b, '\\')), scan_odd(b));
}

static inline scan_hits scan_hit_quote(const char *p)
{
    scan_block b = scan_load(p);

    return scan_or(scan_is(b, '"'), scan_is(b, '\\'));
}

/* Most strings end within the first block, and are done without a call. Long ones go on in
 * scan_pass_plain() and scan_pass_quote() of json_scan.c: they pass many blocks at once while there
 * is no hit in them, and stop at the first hit or in front of it. What is left at the end is less
 * than a block. */
#define SCAN_LONG (4 * SCAN_BLOCK)
#define SCAN_RUN(p, end, hit, pass)                        \
    for (bool first_ = true; (end) - (p) >= SCAN_BLOCK;) { \
        uint64_t bits_ = scan_bits(hit(p));                \
        if (bits_ != 0)                                    \
            return (p) + scan_first(bits_);                \
        (p) += SCAN_BLOCK;                                 \
        if (first_ && (end) - (p) >= SCAN_LONG)            \
            (p) = pass((p), (end));                        \
        first_ = false;                                    \
    }

/* A place up to which nothing is hit, at most a group in front of the first hit or of `end`. */
const char *scan_pass_plain(const char *p, const char *end);
const char *scan_pass_quote(const char *p, const char *end);

/* First byte from `p` on that is a quote, a backslash, a control byte or not ASCII. */
static inline const char *scan_plain(const char *p, const char *end)
{
    SCAN_RUN(p, end, scan_hit_plain, scan_pass_plain)
    while (p < end && scan_is_plain(*p))
        p++;
    return p;
}

/* First quote or backslash: the inside of a string that is known to be valid. */
static inline const char *scan_quote(const char *p, const char *end)
{
    SCAN_RUN(p, end, scan_hit_quote, scan_pass_quote)
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* First quote or bracket of either kind: what matters between strings. */
static inline const char *scan_bracket(const char *p, const char *end)
{
    for (; end - p >= SCAN_BLOCK; p += SCAN_BLOCK) {
        scan_block b = scan_load(p);
        scan_hits square = scan_or(scan_is(b, '['), scan_is(b, ']'));
        scan_hits curly = scan_or(scan_is(b, '{'), scan_is(b, '}'));
        uint64_t bits = scan_bits(scan_or(scan_is(b, '"'), scan_or(square, curly)));

        if (bits != 0)
            return p + scan_first(bits);
    }
    while (p < end && *p != '"' && *p != '[' && *p != ']' && *p != '{' && *p != '}')
        p++;
    return p;
}

/* First byte that is not one of the four blanks of JSON: most often the very first. */
static inline const char *scan_blanks(const char *p, const char *end)
{
    while (p < end && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* How a character of more than one byte begins: what its second byte must lie between keeps
 * overlong forms, surrogates and what is above U+10FFFF out (RFC 3629 §4). `bytes` 0: no such lead
 * byte. */
struct scan_lead {
    unsigned bytes;
    uint8_t low, high;
};

static inline struct scan_lead scan_lead(uint8_t c)
{
    if (c < 0xc2 || c > 0xf4)
        return (struct scan_lead){ 0, 0, 0 };
    if (c < 0xe0)
        return (struct scan_lead){ 2, 0x80, 0xbf };
    if (c < 0xf0)
        return (struct scan_lead){ 3, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf };
    return (struct scan_lead){ 4, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf };
}

/* The character that begins at `p` with a byte above 0x7f. `valid`: all of it is there and right.
 * Otherwise `bytes` is the longest part that could have begun a character, at least 1: what
 * one U+FFFD replaces by the Unicode standard (§3.9, "substitution of maximal subparts"). */
static inline unsigned scan_character(const char *p, const char *end, bool *valid)
{
    const uint8_t *u = (const uint8_t *)p;
    struct scan_lead lead = scan_lead(u[0]);
    unsigned n = 1;

    if (lead.bytes > 0 && end - p > 1 && u[1] >= lead.low && u[1] <= lead.high)
        for (n = 2; n < lead.bytes && end - p > n && (u[n] & 0xc0) == 0x80;)
            n++;
    *valid = n == lead.bytes;
    return n;
}

#endif
