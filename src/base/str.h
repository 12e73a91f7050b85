/* base/str.h - a borrowed run of bytes: never owns, may hold NUL, need not end in one.
 *
 * Text from outside is always a `struct str`; C strings stay at the edges (system calls, SQLite,
 * TLS). Threads: any.   Memory: borrows; the header of whoever hands one out says for how long. */
#ifndef PENSTOCK_BASE_STR_H
#define PENSTOCK_BASE_STR_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *at;
    size_t len;
};

#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_ARG(s) (int)((s).len < 200 ? (s).len : 200), (s).at /* for "%.*s"; clipped */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A C string as a slice; NULL is the empty slice. */
static inline struct str str_c(const char *z)
{
    return (struct str){ z == NULL ? "" : z, z == NULL ? 0 : strlen(z) };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline char char_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_ieq_bytes(const char *a, const char *b, size_t len);

/* Equal but for the case of ASCII letters. */
static inline bool str_ieq(struct str a, struct str b)
{
    return a.len == b.len && str_ieq_bytes(a.at, b.at, a.len);
}

static inline bool str_starts(struct str s, struct str with)
{
    return s.len >= with.len && (with.len == 0 || memcmp(s.at, with.at, with.len) == 0);
}

static inline bool str_istarts(struct str s, struct str with)
{
    return s.len >= with.len && str_ieq((struct str){ s.at, with.len }, with);
}

static inline bool str_ends(struct str s, struct str with)
{
    return s.len >= with.len &&
           (with.len == 0 || memcmp(s.at + (s.len - with.len), with.at, with.len) == 0);
}

#define DIGITS_MAX 20 /* bytes of a number of 64 bits, its sign included */

/* Writes a number so that it ends in front of `end`, behind DIGITS_MAX bytes; gives where it
 * begins. */
static inline char *digits_u64(char *end, uint64_t n)
{
    do {
        *--end = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return end;
}

static inline char *digits_i64(char *end, int64_t n)
{
    end = digits_u64(end, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
    if (n < 0)
        *--end = '-';
    return end;
}

/* Without the first `n` bytes; `n` beyond the end gives the empty slice. */
static inline struct str str_drop(struct str s, size_t n)
{
    n = n < s.len ? n : s.len;
    return (struct str){ s.at + n, s.len - n };
}

static inline struct str str_drop_last(struct str s, size_t n)
{
    return (struct str){ s.at, s.len - (n < s.len ? n : s.len) };
}

static inline struct str str_take(struct str s, size_t n)
{
    return (struct str){ s.at, n < s.len ? n : s.len };
}

/* Splits at the first `sep`; both parts borrow from `s`. Without one: false, head is all of `s`. */
static inline bool str_cut(struct str s, char sep, struct str *head, struct str *tail)
{
    const char *hit = s.len > 0 ? memchr(s.at, sep, s.len) : NULL;

    if (hit == NULL) {
        *head = s;
        *tail = STR("");
        return false;
    }
    *head = (struct str){ s.at, (size_t)(hit - s.at) };
    *tail = (struct str){ hit + 1, s.len - head->len - 1 };
    return true;
}

/* Splits at the last `sep`. Without one: false, head is all of `s`. */
bool str_cut_last(struct str s, char sep, struct str *head, struct str *tail);

/* Position of the first `what`, or SIZE_MAX. The empty string is found at 0. */
size_t str_find(struct str s, struct str what);
/* The same without regard to ASCII case. */
size_t str_ifind(struct str s, struct str what);

/* Without ASCII blanks (space, TAB, CR, LF) at both ends. */
struct str str_trim(struct str s);

/* All of `s` as a decimal number; false for the empty string, a sign where none may be, other
 * bytes, overflow. */
bool str_to_u64(struct str s, uint64_t *out);
bool str_to_i64(struct str s, int64_t *out);

/* Total order by bytes, shorter first on a tie: for sorting. */
int str_cmp(struct str a, struct str b);

/* `pattern` may hold `*`, each standing for any run of bytes, the empty one too. Linear in
 * pattern times text; nothing is allocated. */
bool str_matches(struct str s, struct str pattern);

/* `a + b` and `a * b` into `out`; false when the result does not fit. */
static inline bool add_checked(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool mul_checked(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

#endif
