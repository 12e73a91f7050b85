#include "utf8.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* What may follow a lead byte: how many bytes in all, and the range of the second. The narrow
 * ranges shut out overlong forms (E0, F0), surrogates (ED) and what is above U+10FFFF (F4); the
 * third and fourth byte are always 80…BF. */
struct lead {
    uint8_t first, last, len, second_low, second_high;
};

static const struct lead leads[] = {
    { 0xC2, 0xDF, 2, 0x80, 0xBF }, { 0xE0, 0xE0, 3, 0xA0, 0xBF }, { 0xE1, 0xEC, 3, 0x80, 0xBF },
    { 0xED, 0xED, 3, 0x80, 0x9F }, { 0xEE, 0xEF, 3, 0x80, 0xBF }, { 0xF0, 0xF0, 4, 0x90, 0xBF },
    { 0xF1, 0xF3, 4, 0x80, 0xBF }, { 0xF4, 0xF4, 4, 0x80, 0x8F },
};

static const struct lead *lead_find(uint8_t byte)
{
    for (size_t i = 0; i < COUNT(leads); i++)
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    return NULL;
}

static uint8_t byte_at(struct str s, size_t i)
{
    return (uint8_t)s.at[i];
}

/* How many bytes at the front of `s`, which begins with a byte above 7F, are a character
 * (`*whole`) or the beginning of one; 0 when its first byte begins none. */
static size_t char_span(struct str s, bool *whole)
{
    const struct lead *lead = lead_find(byte_at(s, 0));
    size_t n = 1;

    *whole = false;
    if (lead == NULL)
        return 0;
    if (s.len > 1 && byte_at(s, 1) >= lead->second_low && byte_at(s, 1) <= lead->second_high)
        for (n = 2; n < lead->len && n < s.len && (byte_at(s, n) & 0xC0) == 0x80;)
            n++;
    *whole = n == lead->len;
    return n;
}

/* The first byte at or after `at` that is not ASCII, or s.len. */
static size_t ascii_end(struct str s, size_t at)
{
    uint64_t four[4];

    for (; s.len - at >= sizeof(four); at += sizeof(four)) {
        memcpy(four, s.at + at, sizeof(four));
        if (((four[0] | four[1] | four[2] | four[3]) & HIGH_BITS) != 0)
            break;
    }
    while (at < s.len && byte_at(s, at) < 0x80)
        at++;
    return at;
}

size_t utf8_valid(struct str s)
{
    size_t at = 0;

    for (;;) {
        bool whole;

        at = ascii_end(s, at);
        /* other scripts come in runs: do not look for 32 ASCII bytes after each character */
        while (at < s.len && byte_at(s, at) >= 0x80) {
            size_t n = char_span(str_drop(s, at), &whole);

            if (!whole)
                return at;
            at += n;
        }
        if (at == s.len)
            return at;
    }
}

size_t utf8_put(char out[4], uint32_t point)
{
    assert(point <= 0x10FFFF);
    assert(point < 0xD800 || point > 0xDFFF);

    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    for (size_t i = len - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3F));
    /* the lead byte has `len` ones and a zero on top */
    out[0] = (char)((0xF0 << (4 - len) & 0xFF) | (int)point);
    return len;
}

uint32_t utf8_get(struct str s, size_t *used)
{
    assert(s.len > 0);
    uint8_t first = byte_at(s, 0);

    if (first < 0x80) {
        *used = 1;
        return first;
    }
    size_t len = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t point = first & (0x7Fu >> len);

    assert(first >= 0xC2 && s.len >= len);
    for (size_t i = 1; i < len; i++)
        point = point << 6 | (byte_at(s, i) & 0x3F);
    *used = len;
    return point;
}

bool utf8_mend(struct buf *out, struct str s)
{
    size_t len = out->len;

    while (s.len > 0) {
        size_t good = utf8_valid(s);
        bool bad = good < s.len;

        if (!buf_add(out, str_take(s, good)) || (bad && !buf_add(out, STR("\xEF\xBF\xBD")))) {
            out->len = len;
            return false;
        }
        s = str_drop(s, good);
        if (bad) {
            bool whole;
            size_t n = char_span(s, &whole);

            s = str_drop(s, n > 0 ? n : 1);
        }
    }
    return true;
}

struct str utf8_clip(struct str s, size_t max)
{
    if (s.len <= max)
        return s;
    /* step back over the bytes of a character that goes on behind `max` */
    size_t at = max;

    while (at > 0 && max - at < 3 && (byte_at(s, at) & 0xC0) == 0x80)
        at--;
    return str_take(s, at);
}
