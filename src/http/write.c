#include "parse_int.h"

#include "http/lines.h"

#define LINES_SOUND_MAX ((size_t)16 * UINT8_MAX) /* each of sixteen bytes counts to 255 */

/* Each writer looks at all it was given, asks for room for its whole line, and then cannot fail:
 * a refused line leaves nothing behind. */

static char *put(char *at, struct str s)
{
    if (s.len > 0)
        memcpy(at, s.at, s.len);
    return at + s.len;
}

bool http_put_request_line(struct buf *out, struct str method, struct str target)
{
    const struct str version = STR(" HTTP/1.1\r\n");
    size_t len = method.len + 1 + target.len + version.len;

    if (method.len == 0 || !http_all_are(method, HTTP_BYTE_TOKEN))
        return false;
    if (target.len == 0 || !http_all_are(target, HTTP_BYTE_TARGET))
        return false;
    char *at = buf_reserve(out, len);

    if (at == NULL)
        return false;
    at = put(at, method);
    *at++ = ' ';
    put(put(at, target), version);
    buf_commit(out, len);
    return true;
}

bool http_put_status_line(struct buf *out, int status)
{
    assert(status >= 100 && status <= 599);
    if (status == 200) /* nearly all */
        return buf_add(out, STR("HTTP/1.1 200 OK\r\n"));
    const struct str reason = http_reason(status);
    size_t len = sizeof("HTTP/1.1 200 ") - 1 + reason.len + 2;
    char *at = buf_reserve(out, len);

    if (at == NULL)
        return false;
    at = put(at, STR("HTTP/1.1 "));
    *at++ = (char)('0' + status / 100);
    *at++ = (char)('0' + status / 10 % 10);
    *at++ = (char)('0' + status % 10);
    *at++ = ' ';
    put(put(at, reason), STR("\r\n"));
    buf_commit(out, len);
    return true;
}

bool http_put_field(struct buf *out, struct str name, struct str value)
{
    size_t len = name.len + 2 + value.len + 2;
    char *line = buf_reserve(out, len);

    if (name.len == 0 || line == NULL)
        return false;
    char *value_at = put(put(line, name), STR(": ")), *end = put(value_at, value);

    put(end, STR("\r\n"));
    /* the line is held to the grammar where it lies, like one that comes in: what follows a name
     * and a value stops the readers, and so does every byte that may not stand in them */
    if (http_token_end(line, line + len) != line + name.len ||
        http_value_end(value_at, line + len) != end)
        return false;
    buf_commit(out, len);
    return true;
}

/* How many control bytes there are, TAB included; of at most LINES_SOUND_MAX bytes. */
static size_t controls_in(struct str text)
{
    const char *at = text.at, *end = at + text.len;
    size_t count = 0;

#ifdef __SSE2__
    __m128i sum = _mm_setzero_si128();

    for (; end - at >= 16; at += 16) {
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)at);

        sum = _mm_sub_epi8(sum, _mm_cmpeq_epi8(_mm_min_epu8(b, _mm_set1_epi8(0x1f)), b));
        sum = _mm_sub_epi8(sum, _mm_cmpeq_epi8(b, _mm_set1_epi8(0x7f)));
    }
    sum = _mm_sad_epu8(sum, _mm_setzero_si128());
    count = (size_t)_mm_cvtsi128_si64(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum)));
#endif
    for (; at < end; at++)
        count += (uint8_t)*at < ' ' || *at == 0x7f;
    return count;
}

bool http_lines_are_sound(struct str lines, size_t count)
{
    return lines.len <= LINES_SOUND_MAX && controls_in(lines) == 2 * count;
}

bool http_line_take(struct str *lines, struct http_field *f)
{
    struct str line;

    if (lines->len == 0)
        return false;
    (void)str_cut(*lines, '\n', &line, lines);
    (void)str_cut(line, ':', &f->name, &f->value);
    f->value = str_trim(f->value);
    return true;
}

bool http_put_field_i64(struct buf *out, struct str name, int64_t value)
{
    char text[DIGITS_MAX], *end = text + sizeof(text), *at = digits_i64(end, value);

    return http_put_field(out, name, (struct str){ at, (size_t)(end - at) });
}

bool http_put_end(struct buf *out)
{
    return buf_add(out, STR("\r\n"));
}

struct str http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        { 200, "OK" },
        { 100, "Continue" },
        { 101, "Switching Protocols" },
        { 103, "Early Hints" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 303, "See Other" },
        { 304, "Not Modified" },
        { 307, "Temporary Redirect" },
        { 308, "Permanent Redirect" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 402, "Payment Required" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 411, "Length Required" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" },
        { 421, "Misdirected Request" },
        { 422, "Unprocessable Content" },
        { 423, "Locked" },
        { 424, "Failed Dependency" },
        { 425, "Too Early" },
        { 426, "Upgrade Required" },
        { 428, "Precondition Required" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 451, "Unavailable For Legal Reasons" },
        { 499, "Client Closed Request" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
        { 507, "Insufficient Storage" },
        { 529, "Overloaded" },
    };

    for (size_t i = 0; i < COUNT(reasons); i++)
        if (reasons[i].status == status)
            return str_c(reasons[i].reason);
    return STR("Unknown");
}

static bool must_encode(char c)
{
    return !http_byte_is(c, HTTP_BYTE_PLAIN);
}

bool http_is_plain(struct str text)
{
    return http_all_are(text, HTTP_BYTE_PLAIN);
}

/* Bytes of the UTF-8 character at the front; of broken text, one. A clipped value shall not end
 * in half a character. */
static size_t character_len(struct str text)
{
    uint8_t lead = (uint8_t)text.at[0];
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;

    return len <= text.len ? len : text.len;
}

/* How much of `text` fits into `max` encoded bytes. */
static struct str clip_encoded(struct str text, size_t max, size_t *encoded)
{
    size_t used = 0;

    *encoded = 0;
    while (used < text.len) {
        size_t len = character_len(str_drop(text, used)), need = 0;

        for (size_t i = used; i < used + len; i++)
            need += must_encode(text.at[i]) ? 3 : 1;
        if (need > max - *encoded)
            break;
        *encoded += need;
        used += len;
    }
    return str_take(text, used);
}

bool http_put_encoded(struct buf *out, struct str text, size_t max)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t len;
    struct str clipped = clip_encoded(text, max, &len);

    if (len == 0)
        return true;
    char *at = buf_reserve(out, len);

    if (at == NULL)
        return false;
    for (size_t i = 0; i < clipped.len; i++) {
        uint8_t c = (uint8_t)clipped.at[i];

        if (must_encode((char)c)) {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        } else {
            *at++ = (char)c;
        }
    }
    buf_commit(out, len);
    return true;
}
