/* A block is what ends in a blank line. Two functions look at bytes: block_read() takes a block's
 * fields out of bytes that lie together, and gives up when the blank line is not there; block_end()
 * walks bytes as they trickle in, remembers in `d` where it stands, and finds the blank line. The
 * usual read holds whole events, so block_read() on the bytes given is all that runs. What it gave
 * up on is held and left to block_end(), until block_read() gets the whole. */
#include "sse.h"

#define LINE_WINDOW ((size_t)1024) /* most lines end in it */
#define KEEP_BYTES                                                                \
    ((size_t)64 << 10) /* a buffer that grew beyond this is freed after its event \
                        */

static const char bom[3] = { '\xEF', '\xBB', '\xBF' };

void sse_init(struct sse *d, size_t max)
{
    assert(max > 0);
    *d = (struct sse){ .max = max };
    buf_init(&d->held, max);
    buf_init(&d->joined, max);
}

void sse_clear(struct sse *d)
{
    buf_clear(&d->held);
    buf_clear(&d->joined);
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

static size_t skip_breaks(struct str s, size_t at)
{
    while (at < s.len && is_break(s.at[at]))
        at++;
    return at;
}

/* The place of the first CR or LF at or after `at`, or s.len. Searched in windows that grow: were
 * the whole rest searched for LF first, a stream of lone CRs would be searched once per line. */
static size_t line_stop(struct str s, size_t at)
{
    if (at < s.len && is_break(s.at[at]))
        return at; /* blank lines are every other line of most streams */
    for (size_t window = LINE_WINDOW; at < s.len; window *= 4) {
        size_t n = window < s.len - at ? window : s.len - at;
        const char *lf = memchr(s.at + at, '\n', n);
        const char *cr = memchr(s.at + at, '\r', lf == NULL ? n : (size_t)(lf - (s.at + at)));

        if (cr != NULL || lf != NULL)
            return (size_t)((cr != NULL ? cr : lf) - s.at);
        at += n;
    }
    return s.len;
}

/* Behind the line end at `at`. */
static size_t break_skip(struct str s, size_t at)
{
    bool two = s.at[at] == '\r' && at + 1 < s.len && s.at[at + 1] == '\n';

    return at + (two ? 2 : 1);
}

/* --- the fields of a block ------------------------------------------------------------------- */

static void data_add(struct sse *d, struct sse_event *ev, struct str value)
{
    if (ev->is_comment) { /* the first data line */
        ev->is_comment = false;
        ev->data = value;
        return;
    }
    bool fits = (d->joined.len > 0 || buf_add(&d->joined, ev->data)) &&
                buf_add_char(&d->joined, '\n') && buf_add(&d->joined, value);

    /* at most `max` bytes are read at once, and where each LF is now a field name was */
    assert(fits);
    ev->data = buf_str(&d->joined);
}

/* Is the line this field? Then `value` is what stands behind its colon and one blank. */
static inline bool field_is(struct str line, struct str name, struct str *value)
{
    if (line.len < name.len || memcmp(line.at, name.at, name.len) != 0 ||
        (line.len > name.len && line.at[name.len] != ':'))
        return false;
    *value = str_drop(line, name.len + 1);
    if (value->len > 0 && value->at[0] == ' ')
        *value = str_drop(*value, 1);
    return true;
}

static void field_take(struct sse *d, struct sse_event *ev, struct str line)
{
    struct str value;

    if (field_is(line, STR("data"), &value))
        data_add(d, ev, value);
    else if (field_is(line, STR("event"), &value))
        ev->name = value;
    /* `id` and `retry` are for clients that reconnect, which we do not; a comment's field is empty
     */
}

/* Reads the block whose first line is at `*at` of at most `max` bytes. True: its blank line was
 * there, and `*at` is behind it. False: `*at` is at the last line, which has no end (it may be
 * empty). */
static bool block_read(struct sse *d, struct str s, size_t *at, struct sse_event *ev)
{
    *ev = (struct sse_event){ .name = STR(""), .data = STR(""), .is_comment = true };
    d->joined.len = 0;
    while (*at < s.len) {
        size_t stop = line_stop(s, *at);

        if (stop == s.len)
            return false;
        if (stop > *at)
            field_take(d, ev, (struct str){ s.at + *at, stop - *at });
        bool blank = stop == *at;
        *at = break_skip(s, stop);
        if (blank)
            return true;
    }
    return false;
}

/* --- a block that comes in pieces ------------------------------------------------------------ */

/* Takes a BOM off the stream's beginning; a part of one is held until it is known to be one. */
static void bom_skip(struct sse *d, struct str *in)
{
    while (d->held.len < sizeof(bom) && in->len > 0 && in->at[0] == bom[d->held.len]) {
        if (!buf_add_char(&d->held, in->at[0]))
            return; /* `max` is that small: next_held() says so */
        *in = str_drop(*in, 1);
    }
    if (d->held.len == sizeof(bom)) {
        d->begun = true;
        d->held.len = 0;
    } else if (in->len > 0) {
        d->begun = true; /* something else; what looked like a BOM so far begins a line */
        d->in_block = d->in_line = d->held.len > 0;
    }
}

/* Walks `s`, the bytes that follow those held. True: the block ends before `*end`. */
static bool block_end(struct sse *d, struct str s, size_t *end)
{
    size_t at = 0;

    if (!d->in_block) {
        at = skip_breaks(s, 0);
        d->lead += at;
        d->in_block = d->in_line = at < s.len;
    }
    while (at < s.len) {
        if (d->in_line) {
            at = line_stop(s, at);
            if (at == s.len)
                return false;
            d->in_line = false;
            d->skip_lf = s.at[at] == '\r';
            at++;
        } else if (d->skip_lf && s.at[at] == '\n') {
            d->skip_lf = false;
            at++;
        } else if (is_break(s.at[at])) {
            *end = break_skip(s, at);
            return true;
        } else {
            d->skip_lf = false;
            d->in_line = true;
        }
    }
    return false;
}

static void buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->cap > KEEP_BYTES)
        buf_clear(b);
}

static void held_drop(struct sse *d)
{
    buf_reset(&d->held);
    buf_reset(&d->joined);
    d->lead = 0;
    d->in_block = d->in_line = d->skip_lf = d->held_given = false;
}

static enum sse_result next_held(struct sse *d, struct str *in, struct sse_event *ev)
{
    struct str view = str_take(*in, d->max - d->held.len);
    size_t end = view.len;
    bool complete = block_end(d, view, &end);

    if (!complete && view.len < in->len)
        return SSE_TOO_LONG;
    bool fits = buf_add(&d->held, str_take(view, end));

    assert(fits);
    *in = str_drop(*in, end);
    if (!complete)
        return SSE_MORE;

    struct str block = buf_str(&d->held);
    size_t at = d->lead;
    bool whole = block_read(d, block, &at, ev);

    assert(whole);
    assert(at == block.len);
    ev->span = block;
    d->held_given = true;
    return SSE_EVENT;
}

enum sse_result sse_next(struct sse *d, struct str *in, struct sse_event *ev)
{
    if (d->held_given)
        held_drop(d);
    if (!d->begun)
        bom_skip(d, in);
    if (in->len == 0)
        return SSE_MORE;
    if (d->held.len > 0)
        return next_held(d, in, ev);

    struct str view = str_take(*in, d->max);
    size_t at = skip_breaks(view, 0);

    if (!block_read(d, view, &at, ev))
        return next_held(d, in, ev);
    ev->span = str_take(*in, at);
    *in = str_drop(*in, at);
    return SSE_EVENT;
}

struct str sse_take_blank(struct sse *d)
{
    if (d->held_given || d->in_block || d->held.len == 0 || d->held.len != d->lead)
        return STR("");
    d->held_given = true;
    return buf_str(&d->held);
}

struct str sse_begun(const struct sse *d)
{
    return d->in_line && !d->held_given ? buf_str(&d->held) : STR("");
}

void sse_shorten(struct sse *d, size_t len, char stand_in)
{
    assert(d->in_line && !d->held_given);
    assert(len > d->lead && len <= d->held.len);
    d->held.len = len;
    d->held.at[len - 1] = stand_in;
}

bool sse_finish(struct sse *d, struct sse_event *ev, bool *cut)
{
    struct str block = buf_str(&d->held);
    size_t at = d->lead;

    *cut = false;
    if (d->held_given || at == block.len)
        return false;
    if (!block_read(d, block, &at, ev) && at < block.len) {
        field_take(d, ev, str_drop(block, at));
        *cut = true;
    }
    ev->span = block;
    d->held_given = true;
    return true;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Each line of `text` with `prefix` in front; one line at least. */
static bool lines_put(struct buf *out, struct str prefix, struct str text)
{
    for (;;) {
        size_t stop = line_stop(text, 0);

        if (!buf_add(out, prefix) || !buf_add(out, str_take(text, stop)) ||
            !buf_add_char(out, '\n'))
            return false;
        if (stop == text.len)
            return true;
        text = str_drop(text, break_skip(text, stop));
    }
}

static bool put_or_undo(struct buf *out, size_t len, bool put)
{
    if (!put)
        out->len = len;
    return put;
}

bool sse_put(struct buf *out, struct str name, struct str data)
{
    size_t len = out->len;

    name = str_take(name, line_stop(name, 0));
    return put_or_undo(out, len,
                       (name.len == 0 || lines_put(out, STR("event: "), name)) &&
                           lines_put(out, STR("data: "), data) && buf_add_char(out, '\n'));
}

bool sse_put_comment(struct buf *out, struct str text)
{
    size_t len = out->len;

    return put_or_undo(out, len, lines_put(out, STR(": "), text) && buf_add_char(out, '\n'));
}
