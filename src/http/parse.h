/* http/parse.h - HTTP/1.1 heads and chunks by white list: bytes in, one answer out, no I/O.
 *
 * Strict on both sides: CRLF only, exactly one space, token names, no obs-fold, one digits-only
 * Content-Length, Transfer-Encoding exactly `chunked`, never both. A head is never forwarded: we
 * read these fields and write our own (RFC 9110, RFC 9112; the limits are ours). Threads: any,
 * pure.   Memory: slices borrow from the bytes given. */
#ifndef PENSTOCK_HTTP_PARSE_H
#define PENSTOCK_HTTP_PARSE_H

#include "base/str.h"

#define HTTP_FIELDS_MAX 200

struct http_field {
    struct str name, value; /* value without blanks at its ends */
};

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER, /* a token that is none of these */
};

/* What is wanted often is found while parsing; the rest by http_field_find(). */
struct http_head {
    enum http_method method;
    struct str method_text; /* request */
    struct str target;      /* request: as it stood in the request line */
    struct str host;        /* request: Host, or the authority of an absolute target; empty only on
                               HTTP/1.0. Valid for http_host_split(); who may come in is not judged */
    int status;             /* response: 100-599 */
    int minor;              /* HTTP/1.minor */
    bool chunked;
    bool keep_alive; /* what this message says about the connection, by version and Connection */
    bool expect_continue;   /* request: 1.1 only, HTTP/1.0 cannot wait for a 100 */
    bool upgrade;           /* Connection: upgrade, with an Upgrade field */
    int64_t content_length; /* -1: none given */
    struct str content_type, content_encoding; /* empty when absent */
    uint64_t names; /* bits of http_name_bit() of all fields; 0: not known */
    uint32_t field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

struct http_limits {
    uint32_t line_bytes;  /* request line or status line, without its CRLF */
    uint32_t head_bytes;  /* all of the head, empty lines around it included */
    uint32_t field_count; /* at most HTTP_FIELDS_MAX */
};

/* Why a message was refused: the status to answer, and a word for log and counter. */
struct http_fault {
    int status;       /* 400, 414, 417, 431, 501, 505; for responses always 502 */
    const char *what; /* static: "bare LF", "more than one Content-Length", … */
};

enum http_parse { HTTP_PARSE_MORE, HTTP_PARSE_DONE, HTTP_PARSE_BAD };

/* Reads one whole head from the front of `in`. MORE: not complete yet; call again with all bytes
 * from the same start. `scanned` (0 at first) remembers how far the search came, so that a dripping
 * client costs linear time. DONE: `used` bytes were the head, empty lines before it included. BAD:
 * `fault` is set; never look for another message on this connection.
 *
 * Faults come in the order of the bytes, whatever the cuts between reads: grammar and sizes line by
 * line, as soon as a line is there (rubbish in the first line even before its end); what the fields
 * mean together (Host, framing, Expect, their number) when the head is whole. `head` is of use
 * after DONE only, and of its `fields` just the first `field_count`. */
enum http_parse http_parse_request(struct str in, size_t *scanned, const struct http_limits *limits,
                                   struct http_head *head, size_t *used, struct http_fault *fault);
/* The same for answers; no empty lines before them. A 1xx, 204 or 304 has no body whatever it says:
 * its head comes with a content length of 0. Nor has the answer to HEAD, but that only the caller
 * knows. */
enum http_parse http_parse_response(struct str in, size_t *scanned,
                                    const struct http_limits *limits, struct http_head *head,
                                    size_t *used, struct http_fault *fault);

/* A bit that stands for some names, case aside: most of those that nobody sent are known to be
 * absent by it. For a name in the source the compiler knows it. */
static inline uint64_t http_name_bit(struct str name)
{
    unsigned first = (uint8_t)name.at[0], last = (uint8_t)name.at[name.len - 1];

    /* below 32 the case of a letter makes no difference */
    return UINT64_C(1) << (((first + last * 5) & 31) | ((unsigned)name.len << 5 & 63));
}

const struct http_field *http_field_search(const struct http_head *head, struct str name);

/* First field of that name (case does not matter), or NULL. */
static inline const struct http_field *http_field_find(const struct http_head *head,
                                                       struct str name)
{
    if (head->names != 0 && (head->names & http_name_bit(name)) == 0)
        return NULL;
    return http_field_search(head, name);
}

/* Its value, or the empty slice. */
static inline struct str http_field_value(const struct http_head *head, struct str name)
{
    const struct http_field *f = http_field_find(head, name);

    return f == NULL ? STR("") : f->value;
}

/* Is this Content-Type of the type `wanted` (`application/json`), whatever its parameters? */
bool http_type_is(struct str content_type, struct str wanted);

/* --- chunked coding --------------------------------------------------------------------------- */

#define CHUNKED_DIGITS_MAX 15       /* of a chunk size */
#define CHUNKED_EXTENSION_MAX 1024  /* bytes in one chunk line, `;` included */
#define CHUNKED_EXTENSIONS_MAX 4096 /* bytes in one message */
#define CHUNKED_TRAILERS_MAX 8192   /* bytes in one message, line ends included */

struct chunked {
    uint64_t left;                           /* bytes of the current chunk still to come */
    uint32_t line_bytes;                     /* extension bytes of the line being read */
    uint32_t extension_bytes, trailer_bytes; /* of the whole message */
    uint8_t state;
    uint8_t digits; /* of the size being read */
};

enum chunked_result {
    CHUNKED_MORE, /* `in` is used up */
    CHUNKED_DATA, /* `out` is the next run of body bytes, borrowed from `in`; call again */
    CHUNKED_END,  /* the body and its trailers are over; `in` is what follows */
    CHUNKED_BAD,  /* `in` starts with the byte that is wrong */
};

/* A zeroed struct starts. Takes bytes off the front of `in`. Extensions and trailers are held to
 * their grammar and dropped. The fault is a 400, whoever sent the body. */
enum chunked_result chunked_next(struct chunked *c, struct str *in, struct str *out,
                                 struct http_fault *fault);

/* --- targets and hosts ------------------------------------------------------------------------ */

/* Splits a request target in path and query and decodes the path once into `path` (room for
 * target.len bytes); the query stays encoded, its escapes are checked. Scheme and authority of an
 * absolute target are left out. False with a fault: bad escape, escaped control byte (%00), a `.`
 * or
 * `..` segment after decoding, forbidden bytes. `//`, `;x`, case and trailing dots stay as they
 * are, so that they match no route by accident. `*` (for OPTIONS) gives the path `*`. */
bool http_target_split(struct str target, char *path, size_t *path_len, struct str *query,
                       struct http_fault *fault);

/* `host[:port]` of RFC 3986, by white list: a name of letters, digits, `-`, `.` and `_` (IPv4 in
 * any spelling is one: compare, never resolve), or [IPv6] without zone; a port of 1-65535. `port`
 * is -1 when absent. `name` keeps the brackets of an IPv6 address. */
bool http_host_split(struct str host, struct str *name, int *port);

/* The first parameter of that name in a query string, decoded (%XX and +) into `out` of `cap`
 * bytes; false when absent, badly escaped or too long. */
bool http_query_get(struct str query, struct str name, char *out, size_t cap, size_t *len);

/* --- writing ---------------------------------------------------------------------------------- */

struct buf;

/* The one place where heads are written. Each refuses (false) CR, LF, NUL and the other control
 * bytes but TAB in what it is given, names that are not tokens, targets that we would refuse, and a
 * full buffer; a refused line leaves nothing behind. */
bool http_put_request_line(struct buf *out, struct str method, struct str target);
bool http_put_status_line(struct buf *out, int status); /* 100-599 */
bool http_put_field(struct buf *out, struct str name, struct str value);
bool http_put_field_i64(struct buf *out, struct str name, int64_t value);
bool http_put_end(struct buf *out); /* the empty line */
struct str http_reason(int status); /* "Not Found"; "Unknown" for what has no name */

/* Percent-encodes bytes outside printable ASCII, and `%`, `,`, `;` and blanks, for header values
 * that carry text of users; at most `max` bytes are written, no half escape or character at the
 * end.
 */
bool http_put_encoded(struct buf *out, struct str text, size_t max);
/* Would nothing of it be encoded? */
bool http_is_plain(struct str text);

#endif
