/* JSON that comes in pieces: where it stands, and the inside of a long string while it comes. */
#include "json.h"
#include "json_scan.h"

/* --- where a beginning stands --- */

bool json_ends_in_string(struct str text, size_t *inside, struct json_closers *closers)
{
    const char *p = text.at, *end = p + text.len;

    closers->count = 0;
    while ((p = scan_bracket(p, end)) < end) {
        char c = *p++;

        if (c == '"') {
            const char *from = p;

            for (p = scan_quote(p, end); end - p >= 2 && *p == '\\';)
                p = scan_quote(p + 2, end);
            if (p == end || *p == '\\') {
                *inside = (size_t)(from - text.at);
                return true;
            }
            p++;
        } else if (c == '[' || c == '{') {
            if (closers->count == JSON_DEPTH_MAX)
                return false;
            closers->at[closers->count++] = c == '[' ? ']' : '}';
        } else if (closers->count-- == 0) {
            return false;
        }
    }
    return false;
}

/* --- a string in pieces --- */

enum unit { UNIT_GOOD, UNIT_REPLACED, UNIT_UNFINISHED, UNIT_BAD };

static bool is_hex(char c)
{
    c = char_lower(c);
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* `\uXXXX` at `p`, as far as it is there. */
static enum unit hex_read(const char *p, const char *end, uint32_t *unit)
{
    *unit = 0;
    for (int i = 2; i < 6; i++) {
        if (end - p <= i)
            return UNIT_UNFINISHED;
        if (!is_hex(p[i]))
            return UNIT_BAD;
        char c = char_lower(p[i]);
        *unit = *unit * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return UNIT_GOOD;
}

/* A surrogate of 6 bytes at `p`: good with its partner, else replaced. */
static enum unit surrogate_read(const char *p, const char *end, uint32_t unit, size_t *len)
{
    uint32_t low;

    *len = 6;
    if (unit > 0xdbff || (end - p > 6 && p[6] != '\\') || (end - p > 7 && p[7] != 'u'))
        return UNIT_REPLACED;
    if (end - p < 8)
        return UNIT_UNFINISHED;
    switch (hex_read(p + 6, end, &low)) {
    case UNIT_UNFINISHED:
        return UNIT_UNFINISHED;
    case UNIT_GOOD:
        if (low >= 0xdc00 && low <= 0xdfff) {
            *len = 12;
            return UNIT_GOOD;
        }
        return UNIT_REPLACED;
    case UNIT_BAD: /* found again as the next unit */
    case UNIT_REPLACED:
        break;
    }
    return UNIT_REPLACED;
}

static enum unit escape_read(const char *p, const char *end, size_t *len)
{
    uint32_t unit;

    *len = 2;
    if (end - p < 2)
        return UNIT_UNFINISHED;
    if (p[1] != 'u')
        return memchr("\"\\/bfnrt", p[1], 8) != NULL ? UNIT_GOOD : UNIT_BAD;
    enum unit read = hex_read(p, end, &unit);

    *len = 6;
    if (read == UNIT_GOOD && unit >= 0xd800 && unit <= 0xdfff)
        return surrogate_read(p, end, unit, len);
    return read;
}

/* An escape or a character outside ASCII at `p`: how long it is, when all that matters is there. */
static enum unit unit_read(const char *p, const char *end, size_t *len)
{
    bool valid;

    if (*p == '\\')
        return escape_read(p, end, len);
    if ((*p & 0x80) == 0)
        return UNIT_BAD;
    *len = scan_character(p, end, &valid);
    if (valid)
        return UNIT_GOOD;
    bool may_go_on = *len == (size_t)(end - p) && *len < scan_lead((uint8_t)*p).bytes;

    return may_go_on ? UNIT_UNFINISHED : UNIT_REPLACED;
}

static struct str replacement(char first)
{
    return first == '\\' ? STR("\\ufffd") : STR("\xef\xbf\xbd");
}

/* What was cut in two by the end of the last piece, with as much of this one as it takes. */
static enum json_inside part_next(struct json_string *s, struct str *in, struct str *run)
{
    struct str more = str_take(*in, sizeof(s->part) - s->part_len);
    size_t len, all = s->part_len + more.len;
    char whole[sizeof(s->part)];

    memcpy(whole, s->part, s->part_len);
    memcpy(whole + s->part_len, more.at, more.len);
    switch (unit_read(whole, whole + all, &len)) {
    case UNIT_BAD:
        return JSON_INSIDE_BAD;
    case UNIT_UNFINISHED:
        assert(all < sizeof(whole));
        memcpy(s->part, whole, all);
        s->part_len = (uint8_t)all;
        *in = str_drop(*in, more.len);
        return JSON_INSIDE_MORE;
    case UNIT_GOOD:
        memcpy(s->made, whole, len);
        *run = (struct str){ s->made, len };
        break;
    case UNIT_REPLACED:
        *run = replacement(whole[0]);
        break;
    }
    if (len < s->part_len) { /* half a surrogate pair that is none */
        memmove(s->part, s->part + len, s->part_len - len);
        s->part_len = (uint8_t)(s->part_len - len);
        return JSON_INSIDE_RUN;
    }
    *in = str_drop(*in, len - s->part_len);
    s->part_len = 0;
    return JSON_INSIDE_RUN;
}

enum json_inside json_inside_next(struct json_string *s, struct str *in, struct str *run)
{
    const char *start = in->at, *end = start + in->len, *p = start;
    enum unit unit = UNIT_GOOD;
    size_t len = 0;

    if (in->len == 0)
        return JSON_INSIDE_MORE;
    if (s->part_len > 0)
        return part_next(s, in, run);
    while ((p = scan_plain(p, end)) < end && *p != '"') {
        unit = unit_read(p, end, &len);
        if (unit != UNIT_GOOD)
            break;
        p += len;
    }
    if (p > start) {
        *run = str_take(*in, (size_t)(p - start));
        *in = str_drop(*in, run->len);
        return JSON_INSIDE_RUN;
    }
    switch (unit) {
    case UNIT_GOOD:
        return JSON_INSIDE_END;
    case UNIT_BAD:
        return JSON_INSIDE_BAD;
    case UNIT_REPLACED:
        *run = replacement(*p);
        *in = str_drop(*in, len);
        return JSON_INSIDE_RUN;
    case UNIT_UNFINISHED:
        assert(in->len < sizeof(s->part));
        memcpy(s->part, in->at, in->len);
        s->part_len = (uint8_t)in->len;
        *in = str_drop(*in, in->len);
        return JSON_INSIDE_MORE;
    }
    return JSON_INSIDE_BAD;
}
