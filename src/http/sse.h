/* http/sse.h - server-sent events (WHATWG HTML §9.2): bytes in, one event out, no I/O.
 *
 * Line ends LF, CRLF and lone CR; a BOM once at the start; comments; several data lines; unknown
 * fields; boundaries of reads anywhere. An event without data is none. Data is given as it came:
 * whether it is UTF-8 and JSON is for the reader of the whole event to say.
 *
 * Events are given with their *span*: the bytes of the event as they came, its blank line included,
 * so that a stream can be passed through untouched. All spans and what is held at the end, put
 * together, are the input: what lies between two events (more blank lines, the LF of a CRLF that
 * was cut in two) is the front of the next span, and so is the BOM.
 *
 * When a whole event lies in the bytes given, nothing is copied; only data of several lines is
 * joined. (A first event behind a BOM is copied too.) Threads: own.   Memory: held bytes of an
 * unfinished event, and joined data, each at most `max`; sse_clear() frees. */
#ifndef PENSTOCK_HTTP_SSE_H
#define PENSTOCK_HTTP_SSE_H

#include "base/buf.h"

struct sse_event {
    struct str name; /* of the last `event:` line; empty when there was none */
    struct str data; /* data lines joined by LF */
    struct str span; /* all bytes of the block, comments and blank line included */
    bool is_comment; /* no data line in the block: comments, unknown fields, an `event:` alone. A
                      * sign of life, to be forwarded or dropped by rule */
};

enum sse_result { SSE_MORE, SSE_EVENT, SSE_TOO_LONG };

struct sse {
    struct buf held;   /* an unfinished block: bytes from its start */
    struct buf joined; /* several data lines of one event, joined */
    size_t lead;       /* bytes held in front of the block's first line: blank lines */
    size_t max;        /* bytes of one event */
    bool begun;        /* the place where a BOM may stand is behind us; until then it is held */
    bool in_block;     /* the block's first line has begun */
    bool in_line;      /* the held bytes end inside a line */
    bool skip_lf;      /* they end in a CR: a LF now belongs to it */
    bool held_given;   /* the last event was given from `held`, which may be emptied now */
};

void sse_init(struct sse *d, size_t max);
void sse_clear(struct sse *d);

/* Takes whole events off the front of `in`; a BOM in front of the first is of no event. SSE_EVENT:
 * `ev` borrows from `in`'s bytes or from `d`, until the next call. SSE_MORE: all of `in` was taken;
 * what is unfinished is held. SSE_TOO_LONG: the span of one event is larger than `max` (but for the
 * LF of a last CRLF, which can be the next span's); the reader is of no use any more. */
enum sse_result sse_next(struct sse *d, struct str *in, struct sse_event *ev);

/* The stream is over. True with the last block when only its blank line is missing (some servers
 * leave it out); `ev` borrows from `d`. `cut` is set when its last line is unfinished: the line
 * counts, but it may be half of what was meant, which the reader of the data can see. False, and no
 * cut, when nothing is held but blank lines. */
bool sse_finish(struct sse *d, struct sse_event *ev, bool *cut);

/* Blank lines behind the last event that belong to no other event yet (the LF of a CRLF that was
 * cut in two): whoever passes a stream on may send them at once. Borrowed until the next call. */
struct str sse_take_blank(struct sse *d);

/* The unfinished block, when its last line has begun: with blank lines that may lie in front of it.
 * Borrowed until the next call. Else empty. */
struct str sse_begun(const struct sse *d);
/* … keeps of it only the first `len` bytes, the last of which must be of its last line, and puts
 * `stand_in` in the place of that last byte: whoever lets a long event flow takes its bytes out of
 * the reader, and the event that it gives in the end is short. */
void sse_shorten(struct sse *d, size_t len, char stand_in);

/* How many bytes of something unfinished are held? (Then the end of the stream is a cut unless
 * sse_finish() says otherwise.) */
static inline size_t sse_held(const struct sse *d)
{
    return d->held_given ? 0 : d->held.len;
}

/* Writes one event: `event: name\n` (unless empty), a `data: ` line for each line of `data`, a
 * blank line. CR and CRLF in `data` are line ends like LF; `name` ends where its first line ends.
 * False when `out` is full; nothing is written then. */
bool sse_put(struct buf *out, struct str name, struct str data);
/* `: text\n\n`, with a `: ` in front of each further line. */
bool sse_put_comment(struct buf *out, struct str text);

#endif
