#include "parse_int.h"

#include "base/url.h"

/* HTTP_BYTE_*: token 1, value 2, target 4, host 8, plain 16. */
const uint8_t http_bytes[256] = {
    /* clang-format off */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  2,  0,  0,  0,  0,  0,  0, /* 0x00 */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, /* 0x10 */
     2, 23, 22, 19, 23,  7, 23, 23, 22, 22, 23, 23,  6, 31, 31, 22, /* 0x20 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 22,  6, 22, 22, 22, 22, /* 0x30 */
    22, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* 0x40 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 22, 18, 22, 23, 31, /* 0x50 */
    23, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* 0x60 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 22, 23, 22, 23,  0, /* 0x70 */
    /* bytes of other character sets: in values only */
    [0x80 ... 0xff] = HTTP_BYTE_VALUE,
    /* clang-format on */
};

static bool bad(struct http_fault *fault, const char *what)
{
    *fault = (struct http_fault){ 400, what };
    return false;
}

bool http_target_absolute(struct str target, struct str *authority, struct str *rest)
{
    size_t from = 0, len = 0;

    if (str_istarts(target, STR("http://")))
        from = sizeof("http://") - 1;
    else if (str_istarts(target, STR("https://")))
        from = sizeof("https://") - 1;
    else
        return false;
    *rest = str_drop(target, from);
    while (len < rest->len && rest->at[len] != '/' && rest->at[len] != '?')
        len++;
    *authority = str_take(*rest, len);
    *rest = str_drop(*rest, len);
    return true;
}

/* Takes one byte off the front, decoded when it is an escape. False for a broken escape and for
 * control bytes behind one: %00 cuts C strings, %0d%0a splits lines. */
static bool take_decoded(struct str *s, char *c)
{
    assert(s->len > 0);
    *c = s->at[0];
    if (*c != '%') {
        *s = str_drop(*s, 1);
        return true;
    }
    int high = s->len >= 3 ? http_hex(s->at[1]) : -1;
    int low = s->len >= 3 ? http_hex(s->at[2]) : -1;

    if (high < 0 || low < 0)
        return false;
    *c = (char)(high * 16 + low);
    *s = str_drop(*s, 3);
    return (uint8_t)*c >= 0x20 && *c != 0x7f;
}

static bool query_is_sound(struct str query)
{
    char c;

    while (query.len > 0)
        if (!take_decoded(&query, &c))
            return false;
    return true;
}

static bool has_dot_segment(struct str path)
{
    struct str segment;
    bool more = memchr(path.at, '.', path.len) != NULL;

    while (more) {
        more = str_cut(path, '/', &segment, &path);
        if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            return true;
    }
    return false;
}

/* Is it a path of which every byte stands for itself, without query, escape or dot? Nearly every
 * target is. */
static bool target_is_plain(struct str target)
{
    const char *at = target.at, *end = at + target.len;

    if (target.len == 0 || target.at[0] != '/')
        return false;
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i from = _mm_sub_epi8(b, _mm_set1_epi8('/'));
        __m128i below = _mm_cmpeq_epi8(_mm_min_epu8(from, _mm_set1_epi8('z' - '/')), from);
        __m128i ban = _mm_or_si128(_mm_cmpeq_epi8(b, _mm_set1_epi8('?')),
                                   _mm_cmpeq_epi8(b, _mm_set1_epi8('\\')));
        __m128i good =
            _mm_or_si128(_mm_andnot_si128(ban, below), _mm_cmpeq_epi8(b, _mm_set1_epi8('-')));

        if (_mm_movemask_epi8(good) != 0xffff)
            return false;
    }
#endif
    while (at < end && http_byte_is(*at, HTTP_BYTE_TARGET) && *at != '?' && *at != '%' &&
           *at != '.')
        at++;
    return at == end;
}

bool http_target_split(struct str target, char *path, size_t *path_len, struct str *query,
                       struct http_fault *fault)
{
    struct str authority = STR(""), rest = target, encoded, name;
    size_t len = 0;
    int port;
    char c;

    if (target_is_plain(target)) {
        memcpy(path, target.at, target.len);
        *path_len = target.len;
        *query = STR("");
        return true;
    }
    if (target.len == 0 ||
        http_target_end(target.at, target.at + target.len) != target.at + target.len)
        return bad(fault, "a byte that may not stand in the target");
    if (str_eq(target, STR("*"))) {
        path[0] = '*';
        *path_len = 1;
        *query = STR("");
        return true;
    }
    bool absolute = http_target_absolute(target, &authority, &rest);

    if (absolute && !http_host_split(authority, &name, &port))
        return bad(fault, "bad authority in the target");
    (void)str_cut(rest, '?', &encoded, &rest);
    if (encoded.len == 0 && absolute)
        encoded = STR("/"); /* RFC 9110 §4.2.3: the same resource */
    if (encoded.len == 0 || encoded.at[0] != '/')
        return bad(fault, "the target is neither a path nor an http URL");

    if (memchr(encoded.at, '%', encoded.len) == NULL) {
        memcpy(path, encoded.at, encoded.len);
        len = encoded.len;
    } else {
        while (encoded.len > 0) {
            if (!take_decoded(&encoded, &c))
                return bad(fault, "bad escape in the path");
            path[len++] = c;
        }
    }
    assert(len <= target.len);
    if (has_dot_segment((struct str){ path, len }))
        return bad(fault, "dot segment in the path");
    if (rest.len > 0 && !query_is_sound(rest))
        return bad(fault, "bad escape in the query");
    *path_len = len;
    *query = rest;
    return true;
}

/* 1-65535 without a leading zero, or -1. RFC 3986 also knows the empty port; nobody needs it. */
static int port_read(struct str text)
{
    int port = 0;

    if (text.len == 0 || text.len > 5 || text.at[0] == '0')
        return -1;
    for (const char *at = text.at, *end = at + text.len; at < end; at++) {
        unsigned digit = (unsigned)(uint8_t)*at - '0';

        if (digit > 9)
            return -1;
        port = port * 10 + (int)digit;
    }
    return port <= 65535 ? port : -1;
}

/* `[address]` at the front: how long it is with its brackets, or 0. Zones (`%eth0`) and the future
 * forms of RFC 3986 are refused. */
static size_t ipv6_len(struct str host)
{
    const char *close = memchr(host.at, ']', host.len);
    uint8_t ip[16];
    bool is_v4;

    if (close == NULL)
        return 0;
    struct str inner = { host.at + 1, (size_t)(close - host.at) - 1 };

    /* the colon, because ip_read() takes IPv4 as well */
    if (inner.len == 0 || memchr(inner.at, ':', inner.len) == NULL || !ip_read(inner, ip, &is_v4))
        return 0;
    return inner.len + 2;
}

bool http_host_split(struct str host, struct str *name, int *port)
{
    size_t len;
    int number = -1;

    if (host.len > 0 && host.at[0] == '[')
        len = ipv6_len(host);
    else
        len = (size_t)(http_run_end(host.at, host.at + host.len, HTTP_BYTE_HOST) - host.at);
    if (len == 0)
        return false;
    if (len < host.len) {
        number = host.at[len] == ':' ? port_read(str_drop(host, len + 1)) : -1;
        if (number < 0)
            return false;
    }
    *name = str_take(host, len);
    *port = number;
    return true;
}

static bool take_query_byte(struct str *s, char *c)
{
    bool plus = s->len > 0 && s->at[0] == '+';
    bool good = take_decoded(s, c);

    if (plus)
        *c = ' ';
    return good;
}

static bool query_text_is(struct str encoded, struct str want)
{
    char c;

    while (encoded.len > 0 && want.len > 0) {
        if (!take_query_byte(&encoded, &c) || c != want.at[0])
            return false;
        want = str_drop(want, 1);
    }
    return encoded.len == 0 && want.len == 0;
}

static bool query_decode(struct str encoded, char *out, size_t cap, size_t *len)
{
    size_t n = 0;

    while (encoded.len > 0) {
        if (n == cap || !take_query_byte(&encoded, &out[n]))
            return false;
        n++;
    }
    *len = n;
    return true;
}

bool http_query_get(struct str query, struct str name, char *out, size_t cap, size_t *len)
{
    struct str pair, key, value;

    assert(name.len > 0);
    while (query.len > 0) {
        (void)str_cut(query, '&', &pair, &query);
        (void)str_cut(pair, '=', &key, &value);
        if (query_text_is(key, name))
            return query_decode(value, out, cap, len);
    }
    return false;
}
