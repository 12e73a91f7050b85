#include "str.h"

#include "short_text.h"

bool str_cut_last(struct str s, char sep, struct str *head, struct str *tail)
{
    for (size_t i = s.len; i > 0; i--)
        if (s.at[i - 1] == sep) {
            *head = (struct str){ s.at, i - 1 };
            *tail = (struct str){ s.at + i, s.len - i };
            return true;
        }
    *head = s;
    *tail = STR("");
    return false;
}

size_t str_find(struct str s, struct str what)
{
    if (what.len == 0)
        return 0;
    if (what.len > s.len)
        return SIZE_MAX;
    const char *hit = memmem(s.at, s.len, what.at, what.len);
    return hit == NULL ? SIZE_MAX : (size_t)(hit - s.at);
}

/* Eight bytes at once: a difference may be in the bit of the case only, and only where there is a
 * letter. */
static inline bool ieq8(uint64_t a, uint64_t b)
{
    const uint64_t each = UINT64_C(0x0101010101010101), high = each * 0x80;
    uint64_t differs = a ^ b, low = (a | each * 0x20) & ~high;
    uint64_t letters = (low + each * (0x80 - 'a')) & ~(low + each * (0x7f - 'z')) & ~a & high;

    return (differs & ~(each * 0x20)) == 0 && ((differs << 2) & ~letters) == 0;
}

bool str_ieq_bytes(const char *a, const char *b, size_t len)
{
    size_t i = 0;

    if (len >= 8) {
        for (; i + 8 < len; i += 8)
            if (!ieq8(short_load8(a + i), short_load8(b + i)))
                return false;
        return ieq8(short_load8(a + len - 8), short_load8(b + len - 8));
    }
    if (len >= 4)
        return ieq8(short_load4(a), short_load4(b)) &&
               ieq8(short_load4(a + len - 4), short_load4(b + len - 4));
    while (i < len && char_lower(a[i]) == char_lower(b[i]))
        i++;
    return i == len;
}

size_t str_ifind(struct str s, struct str what)
{
    if (what.len == 0)
        return 0;
    char first = char_lower(what.at[0]), bit = first >= 'a' && first <= 'z' ? 0x20 : 0;

    for (size_t i = 0; i + what.len <= s.len; i++)
        if ((s.at[i] | bit) == first && str_ieq_bytes(s.at + i, what.at, what.len))
            return i;
    return SIZE_MAX;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.at[0]))
        s = str_drop(s, 1);
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

bool str_to_u64(struct str s, uint64_t *out)
{
    uint64_t n = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(s.at[i] - '0'), &n))
            return false;
    }
    *out = n;
    return true;
}

bool str_to_i64(struct str s, int64_t *out)
{
    bool negative = s.len > 0 && s.at[0] == '-';
    uint64_t n;

    if (!str_to_u64(negative ? str_drop(s, 1) : s, &n))
        return false;
    if (n > (uint64_t)INT64_MAX + (negative ? 1u : 0u))
        return false;
    *out = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n > 0 ? memcmp(a.at, b.at, n) : 0;

    return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

bool str_matches(struct str s, struct str pattern)
{
    size_t at = 0, p = 0;
    size_t star = SIZE_MAX, resume = 0; /* the last `*` seen, and where its run may end next */

    while (at < s.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            resume = at;
        } else if (p < pattern.len && pattern.at[p] == s.at[at]) {
            p++;
            at++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            at = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}
