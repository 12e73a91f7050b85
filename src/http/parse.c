#include "parse_int.h"

/* A head that came in one piece is read in one pass (head_parse). When that fails, because bytes
 * are missing or wrong, head_check() walks the lines that are new and says which: it finds the
 * first fault in the order of the bytes, so the verdict does not depend on how they were cut. Both
 * read lines with the same functions. Only a whole head is asked what it means (request_judge,
 * response_judge). */

enum known {
    KNOWN_HOST,
    KNOWN_CONTENT_LENGTH,
    KNOWN_TRANSFER_ENCODING,
    KNOWN_CONTENT_TYPE,
    KNOWN_CONTENT_ENCODING,
    KNOWN_AUTHORIZATION,
    KNOWN_ORIGIN,
    KNOWN_EXPECT,
    KNOWN_CONNECTION,
    KNOWN_UPGRADE,
    KNOWN_COUNT, /* none of these */
};

#define BIT(k) (1u << KNOWN_##k)

/* Fields of which a second one makes the message ambiguous. */
#define REQUEST_ONCE                                                                \
    (BIT(HOST) | BIT(CONTENT_LENGTH) | BIT(TRANSFER_ENCODING) | BIT(CONTENT_TYPE) | \
     BIT(CONTENT_ENCODING) | BIT(AUTHORIZATION) | BIT(ORIGIN))
#define RESPONSE_ONCE (BIT(CONTENT_LENGTH) | BIT(TRANSFER_ENCODING) | BIT(CONTENT_ENCODING))

static const char *const once_texts[KNOWN_COUNT] = {
    [KNOWN_HOST] = "more than one Host",
    [KNOWN_CONTENT_LENGTH] = "more than one Content-Length",
    [KNOWN_TRANSFER_ENCODING] = "more than one Transfer-Encoding",
    [KNOWN_CONTENT_TYPE] = "more than one Content-Type",
    [KNOWN_CONTENT_ENCODING] = "more than one Content-Encoding",
    [KNOWN_AUTHORIZATION] = "more than one Authorization",
    [KNOWN_ORIGIN] = "more than one Origin",
};

#define LENGTH_DIGITS_MAX 15
#define EMPTY_LINES_MAX 2 /* before a request line, from clients that send a CRLF too many */

/* One head being read. */
struct reading {
    bool is_request;
    const struct http_limits *limits;
    struct http_head *head;
    struct http_fault *fault;
    size_t used;
    struct str authority;                        /* of an absolute target */
    const struct http_field *known[KNOWN_COUNT]; /* the first of each, where `seen` has its bit */
    uint32_t seen, again;                        /* bits of enum known */
    bool close, stay, upgrade;                   /* words of Connection */
    bool expects_else;                           /* something other than 100-continue */
    bool too_many_fields;
};

/* Out of line, here and below, so that the way of a good head stays short. */
__attribute__((cold, noinline)) static void refuse(struct reading *r, int status, const char *what)
{
    *r->fault = (struct http_fault){ r->is_request ? status : 502, what };
}

/* For the readers of lines, which give back where the next line starts, or NULL. */
__attribute__((cold, noinline)) static const char *no(struct reading *r, int status,
                                                      const char *what)
{
    refuse(r, status, what);
    return NULL;
}

/* --- lines ------------------------------------------------------------------------------------ */

static enum http_method method_find(struct str text)
{
    static const struct {
        struct str text;
        enum http_method method;
    } methods[] = {
        { { "GET", 3 }, HTTP_GET },       { { "HEAD", 4 }, HTTP_HEAD },
        { { "PUT", 3 }, HTTP_PUT },       { { "PATCH", 5 }, HTTP_PATCH },
        { { "DELETE", 6 }, HTTP_DELETE }, { { "OPTIONS", 7 }, HTTP_OPTIONS },
    };

    if (text.len == 4 && memcmp(text.at, "POST", 4) == 0) /* nearly all that comes */
        return HTTP_POST;
    for (size_t i = 0; i < COUNT(methods); i++)
        if (str_eq(text, methods[i].text))
            return methods[i].method;
    return HTTP_OTHER;
}

/* Origin form, `*` for OPTIONS, absolute form (RFC 9112 §3.2). */
static bool target_form_read(struct reading *r)
{
    struct str target = r->head->target, rest, name;
    int port;

    if (target.at[0] == '/')
        return true;
    if (target.len == 1 && target.at[0] == '*')
        return r->head->method == HTTP_OPTIONS;
    return http_target_absolute(target, &r->authority, &rest) &&
           http_host_split(r->authority, &name, &port);
}

/* `HTTP/1.x` at the front of a request's or answer's line. */
static bool version_read(struct reading *r, const char *at, const char *end)
{
    if (end - at >= 8 && memcmp(at, "HTTP/1.1", 8) == 0) { /* as nearly everybody writes it */
        r->head->minor = 1;
        return true;
    }
    if (end - at < 8 || memcmp(at, "HTTP/", 5) != 0 || !http_is_digit(at[5]) || at[6] != '.' ||
        !http_is_digit(at[7])) {
        refuse(r, 400, "the version is not of the form HTTP/d.d");
        return false;
    }
    if (at[5] != '1' || at[7] > '1') {
        refuse(r, 505, "HTTP version other than 1.0 and 1.1");
        return false;
    }
    r->head->minor = at[7] - '0';
    return true;
}

static const char *request_line_read(struct reading *r, const char *line, const char *end)
{
    struct http_head *head = r->head;
    const char *at = http_token_end(line, end);

    head->method_text = (struct str){ line, (size_t)(at - line) };
    if (at == line || at == end || *at != ' ')
        return no(r, 400, "the request line does not start with a method and a space");
    const char *target = ++at;

    at = http_target_end(at, end);
    head->target = (struct str){ target, (size_t)(at - target) };
    if (at == target || at == end || *at != ' ')
        return no(r, 400, "bad byte in the target, or no target");
    at++;
    if (end - at < 10 || at[8] != '\r' || at[9] != '\n')
        return no(r, 400, "the request line does not end in a version");
    if (!version_read(r, at, end))
        return NULL;
    at += 8;
    if ((size_t)(at - line) > r->limits->line_bytes)
        return no(r, 414, "request line too long");

    head->method = method_find(head->method_text);
    if (head->method == HTTP_OTHER &&
        (str_eq(head->method_text, STR("CONNECT")) || str_eq(head->method_text, STR("TRACE"))))
        return no(r, 501, "CONNECT and TRACE are not offered");
    if (!target_form_read(r))
        return no(r, 400, "the target has none of the forms allowed");
    return at + 2;
}

/* The space after the status may be missing together with the reason, as some servers have it. */
static const char *status_line_read(struct reading *r, const char *line, const char *end)
{
    if (!version_read(r, line, end))
        return NULL;
    const char *at = line + 8;

    if (end - at < 6 || at[0] != ' ' || !http_is_digit(at[1]) || !http_is_digit(at[2]) ||
        !http_is_digit(at[3]) || (at[4] != ' ' && at[4] != '\r'))
        return no(r, 502, "no status of three digits");
    r->head->status = (at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0');
    if (r->head->status < 100 || r->head->status > 599)
        return no(r, 502, "status outside 100-599");
    at = http_value_end(at + 4, end);
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n')
        return no(r, 502, "bad byte in the status line");
    if ((size_t)(at - line) > r->limits->line_bytes)
        return no(r, 502, "status line too long");
    return at + 2;
}

/* What to call the byte that ended a field name too early. */
__attribute__((cold, noinline)) static const char *name_fault(const char *line, const char *at,
                                                              const char *end)
{
    const char stop = at < end ? *at : '\0';

    if (stop == '\n')
        return "bare LF";
    if (stop == '\r')
        return "bare CR or a line without colon";
    if (http_is_blank(stop))
        return at == line ? "folded field line" : "space in or after a field name";
    return stop == ':' ? "empty field name" : "bad byte in a field name";
}

__attribute__((cold, noinline)) static const char *value_fault(const char *at, const char *end)
{
    const char stop = at < end ? *at : '\0';

    if (stop == '\n')
        return "bare LF";
    return stop == '\r' ? "bare CR" : "control byte in a field value";
}

/* The loop over the fields is the hot path of all of HTTP: inlined, it keeps its registers. */
__attribute__((always_inline)) static inline const char *
field_read(struct reading *r, const char *line, const char *end, struct http_field *f)
{
    const char *at = http_token_end(line, end);

    if (at == line || at == end || *at != ':')
        return no(r, 400, name_fault(line, at, end));
    f->name = (struct str){ line, (size_t)(at - line) };
    const char *value = ++at;

    at = http_value_end(at, end);
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n')
        return no(r, 400, value_fault(at, end));
    const char *last = at;

    /* of what may stand in a value, only blanks are so low */
    while (value < last && (uint8_t)*value <= ' ')
        value++;
    while (last > value && (uint8_t)last[-1] <= ' ')
        last--;
    f->value = (struct str){ value, (size_t)(last - value) };
    return at + 2;
}

/* --- fields that are known -------------------------------------------------------------------- */

static inline uint64_t word_low(const char *at)
{
    uint64_t w;

    memcpy(&w, at, sizeof(w));
    return w | 0x2020202020202020u;
}

static inline uint32_t half_low(const char *at)
{
    uint32_t w;

    memcpy(&w, at, sizeof(w));
    return w | 0x20202020u;
}

/* Is the text the word `low`, of 4 to 24 bytes [a-z-], case aside? Setting bit 5 maps upper case to
 * lower case, and moves no other byte that a name or value may hold onto a letter or `-`. */
static inline bool word_is(const char *at, const char *low, size_t len)
{
    if (len < 8)
        return half_low(at) == half_low(low) && half_low(at + len - 4) == half_low(low + len - 4);
    return word_low(at) == word_low(low) && word_low(at + len - 8) == word_low(low + len - 8) &&
           (len <= 16 || word_low(at + 8) == word_low(low + 8));
}

#define SAME_WORD(text, literal) word_is((text).at, "" literal, sizeof(literal) - 1)
#define WORD_IS(text, literal) ((text).len == sizeof(literal) - 1 && SAME_WORD(text, literal))

static inline enum known known_find(struct str name)
{
    switch (name.len) {
    case sizeof("host") - 1:
        return SAME_WORD(name, "host") ? KNOWN_HOST : KNOWN_COUNT;
    case sizeof("origin") - 1: /* and "expect" */
        if (SAME_WORD(name, "origin"))
            return KNOWN_ORIGIN;
        return SAME_WORD(name, "expect") ? KNOWN_EXPECT : KNOWN_COUNT;
    case sizeof("upgrade") - 1:
        return SAME_WORD(name, "upgrade") ? KNOWN_UPGRADE : KNOWN_COUNT;
    case sizeof("connection") - 1:
        return SAME_WORD(name, "connection") ? KNOWN_CONNECTION : KNOWN_COUNT;
    case sizeof("content-type") - 1:
        return SAME_WORD(name, "content-type") ? KNOWN_CONTENT_TYPE : KNOWN_COUNT;
    case sizeof("authorization") - 1:
        return SAME_WORD(name, "authorization") ? KNOWN_AUTHORIZATION : KNOWN_COUNT;
    case sizeof("content-length") - 1:
        return SAME_WORD(name, "content-length") ? KNOWN_CONTENT_LENGTH : KNOWN_COUNT;
    case sizeof("content-encoding") - 1:
        return SAME_WORD(name, "content-encoding") ? KNOWN_CONTENT_ENCODING : KNOWN_COUNT;
    case sizeof("transfer-encoding") - 1:
        return SAME_WORD(name, "transfer-encoding") ? KNOWN_TRANSFER_ENCODING : KNOWN_COUNT;
    default:
        return KNOWN_COUNT;
    }
}

/* A list of words; those we do not know name fields for hops that forward, which we never do. */
static void connection_read(struct reading *r, struct str value)
{
    struct str word;

    while (value.len > 0) {
        (void)str_cut(value, ',', &word, &value);
        word = str_trim(word);
        if (WORD_IS(word, "close"))
            r->close = true;
        else if (WORD_IS(word, "keep-alive"))
            r->stay = true;
        else if (WORD_IS(word, "upgrade"))
            r->upgrade = true;
    }
}

static inline void known_keep(struct reading *r, const struct http_field *f)
{
    enum known k = known_find(f->name);
    uint32_t bit = 1u << k;

    if (k == KNOWN_COUNT)
        return;
    r->again |= r->seen & bit;
    if ((r->seen & bit) == 0)
        r->known[k] = f;
    r->seen |= bit;
    if ((bit & (BIT(CONNECTION) | BIT(EXPECT))) == 0)
        return;
    if (k == KNOWN_CONNECTION)
        connection_read(r, f->value);
    else if (!str_ieq(f->value, STR("100-continue")))
        r->expects_else = true;
}

/* --- whole heads ------------------------------------------------------------------------------ */

static size_t empty_lines_len(struct str in)
{
    size_t len = 0;

    while (len < 2 * EMPTY_LINES_MAX && str_starts(str_drop(in, len), STR("\r\n")))
        len += 2;
    return len;
}

/* Where the first line starts. */
static size_t head_start(const struct reading *r, struct str in)
{
    return r->is_request ? empty_lines_len(in) : 0;
}

/* The fields beyond the limit are not kept, but still held to the grammar. */
__attribute__((cold, noinline)) static const char *surplus_read(struct reading *r, const char *at,
                                                                const char *end)
{
    struct http_field spare;

    r->too_many_fields = true;
    while (at != NULL && at < end && *at != '\r')
        at = field_read(r, at, end, &spare);
    return at;
}

/* Reads all of a head; false when something is missing or wrong, and head_check() knows what. */
static bool head_parse(struct reading *r, struct str in)
{
    const char *end = in.at + in.len, *at = in.at + head_start(r, in);
    struct http_field *f = r->head->fields, *f_end = f + r->limits->field_count;
    uint64_t names = 0;

    at = r->is_request ? request_line_read(r, at, end) : status_line_read(r, at, end);
    if (at == NULL)
        return false;
    r->too_many_fields = false;
    for (; at < end && *at != '\r'; f++) {
        if (f == f_end) {
            at = surplus_read(r, at, end);
            break;
        }
        at = field_read(r, at, end, f);
        if (at == NULL)
            return false;
        names |= http_name_bit(f->name);
        known_keep(r, f);
    }
    if (at == NULL || end - at < 2 || at[1] != '\n')
        return false;
    r->head->field_count = (uint32_t)(f - r->head->fields);
    r->head->names = names;
    r->used = (size_t)(at + 2 - in.at);
    return true;
}

/* Phrases of answers may hold anything a value may, request lines only printable ASCII. */
static bool first_line_byte(const struct reading *r, char c)
{
    return r->is_request ? c >= ' ' && c < 0x7f : http_byte_is(c, HTTP_BYTE_VALUE);
}

/* The first line, of which the bytes before `from` were looked at: rubbish is refused before its
 * end has come. `end` is the line's LF, or where the bytes end. DONE: it may be read now. */
static enum http_parse first_line_check(struct reading *r, const char *line, const char *from,
                                        const char *end, bool is_whole)
{
    size_t len = (size_t)(end - line), len_max = r->limits->line_bytes;
    const char *stop = len < len_max ? end : line + len_max;

    /* one byte back: a CR is judged by what follows */
    for (const char *at = from > line ? from - 1 : line; at < stop; at++) {
        if (*at == '\r' ? at + 1 != end : !first_line_byte(r, *at)) {
            refuse(r, 400, *at == '\r' ? "bare CR" : "bad byte in the first line");
            return HTTP_PARSE_BAD;
        }
    }
    if (len > len_max + 1) { /* one for the CR */
        refuse(r, 414, r->is_request ? "request line too long" : "status line too long");
        return HTTP_PARSE_BAD;
    }
    if (!is_whole)
        return HTTP_PARSE_MORE;
    if (len == 0 || end[-1] != '\r') {
        refuse(r, 400, "bare LF");
        return HTTP_PARSE_BAD;
    }
    if (len == 1) {
        refuse(r, 400, r->is_request ? "too many empty lines" : "empty line");
        return HTTP_PARSE_BAD;
    }
    bool good = r->is_request ? request_line_read(r, line, end + 1) != NULL
                              : status_line_read(r, line, end + 1) != NULL;

    return good ? HTTP_PARSE_DONE : HTTP_PARSE_BAD;
}

/* Holds the lines to the grammar that were not whole when the first `scanned` bytes were there.
 * DONE: the head is whole, and head_parse() will read it. Each byte is searched, walked back over
 * and read at most once in all calls, but for a look for the end of the first line. */
static enum http_parse head_check(struct reading *r, struct str in, size_t scanned)
{
    size_t start = head_start(r, in), from = scanned > start ? scanned : start;
    const char *end = in.at + in.len, *first = in.at + start, *fresh = in.at + from;
    const char *lf = start < in.len ? memchr(first, '\n', in.len - start) : NULL;

    if (lf == NULL || lf >= fresh) {
        enum http_parse verdict =
            first_line_check(r, first, fresh, lf == NULL ? end : lf, lf != NULL);

        if (verdict != HTTP_PARSE_DONE)
            return verdict;
        assert(lf != NULL); /* what has no end is not done */
        fresh = lf + 1;
    }
    while (fresh < end && (lf = memchr(fresh, '\n', (size_t)(end - fresh))) != NULL) {
        const char *line = memrchr(first, '\n', (size_t)(lf - first));
        struct http_field f;

        assert(line != NULL);
        line++;
        if (lf - line == 1 && *line == '\r')
            return HTTP_PARSE_DONE;
        if (field_read(r, line, lf + 1, &f) == NULL)
            return HTTP_PARSE_BAD;
        fresh = lf + 1;
    }
    return HTTP_PARSE_MORE;
}

static void reading_start(struct reading *r)
{
    struct http_head *head = r->head;

    r->seen = r->again = 0;
    r->authority = STR("");
    r->close = r->stay = r->upgrade = r->expects_else = false;
    head->method = HTTP_OTHER;
    head->method_text = head->target = head->host = STR("");
    head->status = 0;
}

/* Grammar and sizes of a head, cut anywhere. */
static enum http_parse head_read(struct reading *r, struct str in, size_t *scanned)
{
    const struct http_limits *limits = r->limits;

    assert(limits->field_count <= HTTP_FIELDS_MAX);
    assert(*scanned <= in.len);
    in = str_take(in, limits->head_bytes);

    reading_start(r);
    if (*scanned == 0 && head_parse(r, in))
        return HTTP_PARSE_DONE;

    enum http_parse verdict = head_check(r, in, *scanned);

    *scanned = in.len;
    if (verdict == HTTP_PARSE_DONE) {
        reading_start(r);
        bool good = head_parse(r, in);

        assert(good);
        (void)good;
    }
    if (verdict == HTTP_PARSE_MORE && in.len == limits->head_bytes) {
        refuse(r, 431, "head too large");
        return HTTP_PARSE_BAD;
    }
    return verdict;
}

/* --- what it means ---------------------------------------------------------------------------- */

static bool length_read(struct str text, int64_t *out)
{
    int64_t n = 0;

    if (text.len == 0 || text.len > LENGTH_DIGITS_MAX)
        return false;
    for (const char *at = text.at, *end = at + text.len; at < end; at++) {
        unsigned digit = (unsigned)(uint8_t)*at - '0';

        if (digit > 9)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

/* Where the body ends must have one answer only (RFC 9112 §6.3, and stricter). */
static bool framing_read(struct reading *r)
{
    struct http_head *head = r->head;
    bool has_length = (r->seen & BIT(CONTENT_LENGTH)) != 0;

    head->chunked = (r->seen & BIT(TRANSFER_ENCODING)) != 0;
    head->content_length = -1;
    if (head->chunked && has_length) {
        refuse(r, 400, "Content-Length with Transfer-Encoding");
        return false;
    }
    if (head->chunked && head->minor == 0) {
        refuse(r, 400, "Transfer-Encoding in HTTP/1.0");
        return false;
    }
    if (head->chunked && !WORD_IS(r->known[KNOWN_TRANSFER_ENCODING]->value, "chunked")) {
        refuse(r, 501, "Transfer-Encoding other than chunked");
        return false;
    }
    if (has_length && !length_read(r->known[KNOWN_CONTENT_LENGTH]->value, &head->content_length)) {
        refuse(r, 400, "bad Content-Length");
        return false;
    }
    return true;
}

static struct str known_value(const struct reading *r, enum known k)
{
    return (r->seen & 1u << k) != 0 ? r->known[k]->value : STR("");
}

/* What requests and answers have in common. */
static bool fields_judge(struct reading *r, uint32_t once)
{
    struct http_head *head = r->head;
    uint32_t twice = r->again & once;

    if (r->too_many_fields) {
        refuse(r, 431, "too many fields");
        return false;
    }
    if (twice != 0) {
        refuse(r, 400, once_texts[__builtin_ctz(twice)]);
        return false;
    }
    head->keep_alive = !r->close && (r->stay || head->minor == 1);
    head->upgrade = r->upgrade && (r->seen & BIT(UPGRADE)) != 0;
    head->content_type = known_value(r, KNOWN_CONTENT_TYPE);
    head->content_encoding = known_value(r, KNOWN_CONTENT_ENCODING);
    return framing_read(r);
}

static bool request_judge(struct reading *r)
{
    struct http_head *head = r->head;
    struct str name;
    int port;

    if (!fields_judge(r, REQUEST_ONCE))
        return false;
    head->host = known_value(r, KNOWN_HOST);
    if ((r->seen & BIT(HOST)) == 0 && head->minor == 1) {
        refuse(r, 400, "no Host");
        return false;
    }
    if ((r->seen & BIT(HOST)) != 0 && !http_host_split(head->host, &name, &port)) {
        refuse(r, 400, "bad Host");
        return false;
    }
    if (r->authority.len > 0)
        head->host = r->authority;
    if (r->expects_else) {
        refuse(r, 417, "Expect other than 100-continue");
        return false;
    }
    head->expect_continue = (r->seen & BIT(EXPECT)) != 0 && head->minor == 1;
    return true;
}

static bool response_judge(struct reading *r)
{
    struct http_head *head = r->head;

    if (!fields_judge(r, RESPONSE_ONCE))
        return false;
    head->expect_continue = false;
    if (head->status < 200 || head->status == 204 || head->status == 304) {
        head->chunked = false;
        head->content_length = 0;
    }
    return true;
}

enum http_parse http_parse_request(struct str in, size_t *scanned, const struct http_limits *limits,
                                   struct http_head *head, size_t *used, struct http_fault *fault)
{
    struct reading r;

    r.is_request = true;
    r.limits = limits;
    r.head = head;
    r.fault = fault;
    enum http_parse verdict = head_read(&r, in, scanned);

    if (verdict == HTTP_PARSE_DONE && !request_judge(&r))
        verdict = HTTP_PARSE_BAD;
    if (verdict == HTTP_PARSE_DONE)
        *used = r.used;
    return verdict;
}

enum http_parse http_parse_response(struct str in, size_t *scanned,
                                    const struct http_limits *limits, struct http_head *head,
                                    size_t *used, struct http_fault *fault)
{
    struct reading r;

    r.is_request = false;
    r.limits = limits;
    r.head = head;
    r.fault = fault;
    enum http_parse verdict = head_read(&r, in, scanned);

    if (verdict == HTTP_PARSE_DONE && !response_judge(&r))
        verdict = HTTP_PARSE_BAD;
    if (verdict == HTTP_PARSE_DONE)
        *used = r.used;
    return verdict;
}

const struct http_field *http_field_search(const struct http_head *head, struct str name)
{
    const struct http_field *f = head->fields;

    for (const struct http_field *end = f + head->field_count; f < end; f++)
        if (f->name.len == name.len && str_ieq(f->name, name))
            return f;
    return NULL;
}

bool http_type_is(struct str content_type, struct str wanted)
{
    struct str type, parameters;

    if (content_type.len < wanted.len)
        return false;
    if (content_type.len == wanted.len && str_eq(content_type, wanted))
        return true; /* as nearly everybody writes it */
    (void)str_cut(content_type, ';', &type, &parameters);
    return str_ieq(str_trim(type), wanted);
}
