/* http/parse_int.h - which bytes may stand where, for the parsers and the writer of heads.
 *
 * One table of classes (RFC 9110 §5.6.2, RFC 9112 §2-3, the bans are ours) and the one loop that
 * must be quick: over the bytes of a field value. Threads: any, pure.   Memory: none. */
#ifndef PENSTOCK_HTTP_PARSE_INT_H
#define PENSTOCK_HTTP_PARSE_INT_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "parse.h"

enum http_byte {
    HTTP_BYTE_TOKEN = 1,  /* methods and field names */
    HTTP_BYTE_VALUE = 2,  /* field values, reason phrases, chunk extensions: no controls but TAB */
    HTTP_BYTE_TARGET = 4, /* request targets: printable ASCII but `#` and `\` */
    HTTP_BYTE_HOST = 8,   /* registered names as DNS has them, and IPv4 */
    HTTP_BYTE_PLAIN = 16, /* what http_put_encoded() leaves as it is: printable, none of `%,;` */
};

extern const uint8_t http_bytes[256];

static inline bool http_byte_is(char c, enum http_byte class)
{
    return (http_bytes[(uint8_t)c] & class) != 0;
}

/* Where the run of bytes of that class ends that starts at `at`. */
static inline const char *http_run_end(const char *at, const char *end, enum http_byte class)
{
    while (at < end && http_byte_is(*at, class))
        at++;
    return at;
}

/* The same for HTTP_BYTE_VALUE, sixteen bytes at a time: most of a head is values. */
static inline const char *http_value_end(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i tab = _mm_set1_epi8('\t'), low = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);

    for (; end - at >= 16; at += 16) {
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(b, low), b);
        __m128i bad = _mm_andnot_si128(_mm_cmpeq_epi8(b, tab), control);
        int mask = _mm_movemask_epi8(_mm_or_si128(bad, _mm_cmpeq_epi8(b, del)));

        if (mask != 0)
            return at + __builtin_ctz((unsigned)mask);
    }
#endif
    return http_run_end(at, end, HTTP_BYTE_VALUE);
}

/* The same for HTTP_BYTE_TARGET. */
static inline const char *http_target_end(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i last = _mm_set1_epi8(0x7e - 0x21);

    for (; end - at >= 16; at += 16) {
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i from_first = _mm_sub_epi8(b, _mm_set1_epi8(0x21));
        __m128i fine = _mm_cmpeq_epi8(_mm_min_epu8(from_first, last), from_first);
        __m128i banned = _mm_or_si128(_mm_cmpeq_epi8(b, _mm_set1_epi8('#')),
                                      _mm_cmpeq_epi8(b, _mm_set1_epi8('\\')));
        int mask = _mm_movemask_epi8(_mm_andnot_si128(banned, fine));

        if (mask != 0xffff)
            return at + __builtin_ctz(~(unsigned)mask);
    }
#endif
    return http_run_end(at, end, HTTP_BYTE_TARGET);
}

/* The same for HTTP_BYTE_TOKEN, quick for names of letters and `-`; of the others, the rest goes by
 * the table. */
static inline const char *http_token_end(const char *at, const char *end)
{
#ifdef __SSE2__
    if (end - at >= 16) {
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i from_a = _mm_sub_epi8(_mm_or_si128(b, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
        __m128i letter = _mm_cmpeq_epi8(_mm_min_epu8(from_a, _mm_set1_epi8('z' - 'a')), from_a);
        __m128i dash = _mm_cmpeq_epi8(b, _mm_set1_epi8('-'));

        at += __builtin_ctz(~(unsigned)_mm_movemask_epi8(_mm_or_si128(letter, dash)));
    }
#endif
    return http_run_end(at, end, HTTP_BYTE_TOKEN);
}

static inline bool http_all_are(struct str s, enum http_byte class)
{
    return http_run_end(s.at, s.at + s.len, class) == s.at + s.len;
}

static inline bool http_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline bool http_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 0-15, or -1 for what is no hex digit. */
static inline int http_hex(char c)
{
    if (http_is_digit(c))
        return c - '0';
    c = char_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* True for `http://…` and `https://…`: the authority, and what follows it (empty, or from its `/`
 * or
 * `?` on). The authority is not looked at. */
bool http_target_absolute(struct str target, struct str *authority, struct str *rest);

#endif
