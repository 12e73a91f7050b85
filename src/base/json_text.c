/* Strings between text and JSON, and the one number type that is computed with. */
#include "json.h"
#include "json_scan.h"
#include "utf8.h"

/* --- decoding --- */

static uint32_t hex4(const char *p)
{
    uint32_t n = 0;

    for (int i = 0; i < 4; i++) {
        char c = char_lower(p[i]);

        n = n * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return n;
}

static char letter_decode(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c; /* quote, backslash, slash */
    }
}

/* One escape at the front of `s`, which starts with its backslash: one character into `out`, its
 * length as the result; `s` goes on behind it. A lone surrogate is U+FFFD. */
static size_t escape_decode(struct str *s, char out[4])
{
    assert(s->len >= 2);
    if (s->at[1] != 'u') {
        out[0] = letter_decode(s->at[1]);
        *s = str_drop(*s, 2);
        return 1;
    }
    assert(s->len >= 6);

    uint32_t point = hex4(s->at + 2);
    *s = str_drop(*s, 6);
    if (point < 0xd800 || point > 0xdfff)
        return utf8_put(out, point);

    uint32_t low = s->len >= 6 && s->at[0] == '\\' && s->at[1] == 'u' ? hex4(s->at + 2) : 0;
    if (point > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return utf8_put(out, 0xfffd);
    *s = str_drop(*s, 6);
    return utf8_put(out, 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff));
}

/* What stands before the first escape; `s` goes on with that, or is empty. */
static struct str run_take(struct str *s)
{
    const char *hit = s->len > 0 ? memchr(s->at, '\\', s->len) : NULL;
    struct str run = { s->at, hit == NULL ? s->len : (size_t)(hit - s->at) };

    *s = str_drop(*s, run.len);
    return run;
}

/* Text is never longer than its JSON: `out` with room for `inside.len` bytes is large enough. */
static size_t decode(char *out, struct str inside)
{
    size_t len = 0;
    char c[4];

    while (inside.len > 0) {
        struct str run = run_take(&inside);

        if (run.len > 0)
            memcpy(out + len, run.at, run.len);
        len += run.len;
        if (inside.len > 0) {
            size_t n = escape_decode(&inside, c);

            memcpy(out + len, c, n);
            len += n;
        }
    }
    return len;
}

static size_t decoded_len(struct str inside)
{
    size_t len = 0;
    char c[4];

    while (inside.len > 0) {
        len += run_take(&inside).len;
        if (inside.len > 0)
            len += escape_decode(&inside, c);
    }
    return len;
}

bool json_unescape(struct buf *out, struct str inside)
{
    if (inside.len == 0)
        return true;

    char *at = buf_reserve(out, inside.len);

    /* near its maximum the buffer may still hold the text, though not its JSON */
    if (at == NULL)
        at = buf_reserve(out, decoded_len(inside));
    if (at == NULL)
        return false;
    buf_commit(out, decode(at, inside));
    return true;
}

size_t json_plain_run(struct str inside)
{
    return inside.len > 0 ? (size_t)(scan_plain(inside.at, inside.at + inside.len) - inside.at) : 0;
}

struct str json_decode(struct str inside, struct arena *a)
{
    if (inside.len == 0 || memchr(inside.at, '\\', inside.len) == NULL)
        return inside;

    char *at = arena_alloc_raw(a, inside.len);

    return (struct str){ at, decode(at, inside) };
}

bool json_text(const struct json *doc, uint32_t node, struct arena *a, struct str *out)
{
    if (json_type(doc, node) != JSON_STRING)
        return false;

    struct str inside = json_inside(doc, node);
    *out = doc->nodes[node].flags & JSON_ESCAPED ? json_decode(inside, a) : inside;
    return true;
}

bool json_says(const struct json *doc, uint32_t node, struct str text)
{
    if (json_type(doc, node) != JSON_STRING)
        return false;

    struct str inside = json_inside(doc, node);
    if (!(doc->nodes[node].flags & JSON_ESCAPED))
        return str_eq(inside, text);
    while (inside.len > 0) {
        char c[4];
        struct str part = run_take(&inside);

        if (part.len == 0)
            part = (struct str){ c, escape_decode(&inside, c) };
        if (!str_starts(text, part))
            return false;
        text = str_drop(text, part.len);
    }
    return text.len == 0;
}

/* --- encoding --- */

static bool escape_add(struct buf *out, char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };

    if (c == '"' || c == '\\')
        return buf_add(out, (struct str){ (const char[]){ '\\', c }, 2 });
    if (letters[(uint8_t)c] != 0)
        return buf_add(out, (struct str){ (const char[]){ '\\', letters[(uint8_t)c] }, 2 });
    return buf_add(
        out, (struct str){ (const char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6 });
}

/* A run of characters outside ASCII from `*at` on: copied, what is broken replaced. */
static bool foreign_add(struct buf *out, const char **at, const char *end)
{
    const char *from = *at, *p = from;
    bool valid = true;

    while (valid && p < end && (*p & 0x80) != 0) {
        *at = p;
        p += scan_character(p, end, &valid);
    }
    if (!valid) {
        struct str whole = { from, (size_t)(*at - from) };

        *at = p;
        return buf_add(out, whole) && buf_add(out, STR("\xef\xbf\xbd"));
    }
    *at = p;
    return buf_add(out, (struct str){ from, (size_t)(p - from) });
}

static bool inside_add(struct buf *out, struct str text)
{
    const char *p = text.len > 0 ? text.at : "", *end = p + text.len;

    while (p < end) {
        const char *odd = scan_plain(p, end);

        if (!buf_add(out, (struct str){ p, (size_t)(odd - p) }))
            return false;
        p = odd;
        if (p < end && !((*p & 0x80) != 0 ? foreign_add(out, &p, end) : escape_add(out, *p++)))
            return false;
    }
    return true;
}

bool json_quote(struct buf *out, struct str text)
{
    size_t before = out->len, room;

    /* grows once for the usual text; where `max` forbids that, it is found out piece by piece */
    if (add_checked(text.len, 2, &room))
        (void)buf_reserve(out, room);
    if (buf_add_char(out, '"') && inside_add(out, text) && buf_add_char(out, '"'))
        return true;
    out->len = before;
    return false;
}

/* --- numbers --- */

#define EXPONENT_FAR 100000 /* beyond what JSON_NUMBER_MAX digits can make good */
#define INTEGER_SHORT 18    /* bytes of a number that always fits */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The number after `e`, held within ±EXPONENT_FAR. */
static int32_t exponent_read(struct str s)
{
    bool minus = str_starts(s, STR("-"));
    int32_t n = 0;

    if (minus || str_starts(s, STR("+")))
        s = str_drop(s, 1);
    for (; s.len > 0; s = str_drop(s, 1))
        n = n < EXPONENT_FAR ? n * 10 + (s.at[0] - '0') : EXPONENT_FAR;
    return minus ? -n : n;
}

/* value = value * 10 - digit: below zero there is room for INT64_MIN too. */
static bool digit_push(int64_t *value, int digit)
{
    return !__builtin_mul_overflow(*value, 10, value) &&
           !__builtin_sub_overflow(*value, digit, value);
}

/* A number with point or exponent: digits are pushed when it is known that they are not a tail of
 * zeros, so that 1.000 and 1000e-3 stay whole. */
static bool decimal_i64(struct str s, int64_t *negative)
{
    int32_t zeros = 0, exponent = 0; /* zeros held back; powers of ten after the last digit */
    bool point = false;

    *negative = 0;
    for (; s.len > 0 && (is_digit(s.at[0]) || s.at[0] == '.'); s = str_drop(s, 1)) {
        if (s.at[0] == '.') {
            point = true;
            continue;
        }
        exponent -= point;
        if (s.at[0] == '0') {
            zeros++;
            continue;
        }
        for (; zeros > 0 && *negative != 0; zeros--)
            if (!digit_push(negative, 0))
                return false;
        zeros = 0;
        if (!digit_push(negative, s.at[0] - '0'))
            return false;
    }
    if (*negative == 0)
        return true;
    exponent += zeros + exponent_read(str_drop(s, 1));
    for (; exponent > 0; exponent--)
        if (!digit_push(negative, 0))
            return false;
    return exponent == 0;
}

bool json_i64(const struct json *doc, uint32_t node, int64_t *out)
{
    if (json_type(doc, node) != JSON_NUMBER)
        return false;

    struct str s = json_inside(doc, node);
    bool minus = s.at[0] == '-';
    int64_t n = 0;

    if ((doc->nodes[node].flags & JSON_INTEGER) != 0) {
        if (s.len > INTEGER_SHORT)
            return str_to_i64(s, out);
        for (size_t i = minus; i < s.len; i++)
            n = n * 10 + (s.at[i] - '0');
        *out = minus ? -n : n;
        return true;
    }
    if (!decimal_i64(str_drop(s, minus), &n) || (!minus && n == INT64_MIN))
        return false;
    *out = minus ? n : -n;
    return true;
}
