/* http/answer.h - the answer to one request out of the bytes of a connection: heads, framing,
 * gzip. Bytes in, one event out, no I/O.
 *
 *     answer_next()   …interim heads are skipped… ANSWER_HEAD, ANSWER_DATA…, ANSWER_END
 *     answer_eof()    the connection ended instead of more bytes
 *
 * Strict as the server side is: an answer is whole only if its framing says so. A body of neither
 * length nor chunks ends with the connection, which is why such a connection is never kept.
 * Threads: own, pure.   Memory: 17 KiB and zlib's while a gzip body is read; answer_clear() frees.
 */
#ifndef PENSTOCK_HTTP_ANSWER_H
#define PENSTOCK_HTTP_ANSWER_H

#include "http/limits.h"
#include "http/parse.h"

enum answer_result {
    ANSWER_MORE,      /* keep what is left of `in` (part of a head) and come back with more */
    ANSWER_HEAD,      /* the final head */
    ANSWER_DATA,      /* `out` is the next run of the body */
    ANSWER_END,       /* complete; what is left of `in` does not belong to it */
    ANSWER_BAD,       /* `what` says why */
    ANSWER_TOO_LARGE, /* over one of our limits, `what` says which */
};

struct answer {
    const struct client_limits *limits;
    const char *what;       /* static, after BAD or TOO_LARGE */
    struct answer_zip *zip; /* NULL unless the body is gzip */
    size_t scanned;         /* of an unfinished head */
    uint64_t left;          /* of a body with a length */
    size_t run;             /* bytes at the front of `in` whose framing is behind them already */
    struct chunked chunked;
    uint32_t interim;
    uint8_t state;
    uint8_t framing;
    bool to_head;    /* the request's method was HEAD */
    bool keep_alive; /* as the head said */
};

void answer_init(struct answer *a, const struct client_limits *limits, bool to_head);
void answer_clear(struct answer *a);

/* Takes bytes off the front of `in`. After ANSWER_HEAD, `head` borrows from the bytes given; after
 * ANSWER_DATA, `out` borrows from them or from `a`, until the next call. */
enum answer_result answer_next(struct answer *a, struct str *in, struct http_head *head,
                               struct str *out);

/* After ANSWER_DATA: `out` lies in the bytes given, and nothing but ANSWER_END follows. */
bool answer_is_all(const struct answer *a);

/* The connection ended. True when that is the legal end; else `what` names what is missing. All
 * bytes must have been given first. */
bool answer_eof(struct answer *a);

/* After ANSWER_END with nothing behind it: may the connection serve another request? */
bool answer_keeps(const struct answer *a);

#endif
