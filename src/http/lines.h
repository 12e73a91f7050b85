/* http/lines.h - fields of a head as one text of lines, put together without a look at each and
 * judged once.
 *
 *     http_line_add(&out, STR("X-Kind: "), kind); …
 *     if (!http_lines_are_sound(buf_str(&out), count))
 *         …again, with http_put_field(), which leaves out what may not stand in a head
 *
 * Threads: any, pure.   Memory: the caller's. */
#ifndef PENSTOCK_HTTP_LINES_H
#define PENSTOCK_HTTP_LINES_H

#include "base/buf.h"
#include "http/parse.h"

/* `start` is a name in the source, its colon and a blank. False: the buffer is full. */
static inline bool http_line_add(struct buf *out, struct str start, struct str value)
{
    char *at = buf_reserve(out, start.len + value.len + 2);

    if (at == NULL)
        return false;
    memcpy(at, start.at, start.len);
    if (value.len > 0)
        memcpy(at + start.len, value.at, value.len);
    memcpy(at + start.len + value.len, "\r\n", 2);
    out->len += start.len + value.len + 2;
    return true;
}

/* Is there no control byte in `count` lines that http_line_add() wrote, but for their ends? Of long
 * lines, and of some with a TAB, that is not said: then each has to be judged. */
bool http_lines_are_sound(struct str lines, size_t count);

/* Takes a line off the front of sound ones. False when there is none left. */
bool http_line_take(struct str *lines, struct http_field *f);

#endif
