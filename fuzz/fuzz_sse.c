/* A stream read whole and the same read in pieces give the same events, and the spans together are
 * the input, but for a BOM in front. The first bytes of the input choose the pieces. */
#include <stdlib.h>

#include "base/arena.h"
#include "http/sse.h"

#define PIECES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct buf events; /* names, data and their lengths */
    struct buf spans;
    bool too_long;
};

static void event_note(struct outcome *o, const struct sse_event *ev)
{
    struct str parts[] = { ev->name, ev->data };
    bool fits = buf_add(&o->spans, ev->span) && buf_add_char(&o->events, (char)ev->is_comment);

    for (size_t i = 0; i < COUNT(parts); i++)
        fits = fits && buf_add_u64(&o->events, parts[i].len) && buf_add_char(&o->events, ' ') &&
               buf_add(&o->events, parts[i]);
    assert(fits);
    assert(ev->span.len > 0);
    assert(!ev->is_comment || ev->data.len == 0);
}

static void read_all(struct str in, const uint8_t *pieces, size_t max, struct outcome *o)
{
    struct sse_event ev;
    struct sse d;
    bool cut;

    *o = (struct outcome){ .too_long = false };
    buf_init(&o->events, SIZE_MAX);
    buf_init(&o->spans, SIZE_MAX);
    sse_init(&d, max);
    for (size_t i = 0; in.len > 0 && !o->too_long; i++) {
        size_t n = pieces == NULL ? in.len : (size_t)1 + pieces[i % PIECES] % 64;
        struct str piece = str_take(in, n);
        /* memory of its own, so that a read beyond it or after it is seen */
        char *copy = must_alloc(piece.len);
        struct str rest = { copy, piece.len };
        enum sse_result got;

        memcpy(copy, piece.at, piece.len);
        while ((got = sse_next(&d, &rest, &ev)) == SSE_EVENT)
            event_note(o, &ev);
        o->too_long = got == SSE_TOO_LONG;
        assert(o->too_long || rest.len == 0);
        assert(sse_held(&d) <= max);
        free(copy);
        in = str_drop(in, n);
    }
    if (!o->too_long && sse_finish(&d, &ev, &cut)) {
        event_note(o, &ev);
        (void)buf_add_char(&o->events, (char)cut);
    } else if (!o->too_long && sse_held(&d) > 0) {
        (void)buf_add(&o->spans, buf_str(&d.held));
    }
    sse_clear(&d);
}

static void outcome_clear(struct outcome *o)
{
    buf_clear(&o->events);
    buf_clear(&o->spans);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, pieces, narrow;

    if (size <= PIECES)
        return 0;
    struct str in = { (const char *)data + PIECES, size - PIECES };

    read_all(in, NULL, in.len, &whole);
    read_all(in, data, in.len, &pieces);
    assert(!whole.too_long && !pieces.too_long);
    assert(str_eq(buf_str(&whole.events), buf_str(&pieces.events)));
    if (str_starts(in, STR("\xEF\xBB\xBF")))
        in = str_drop(in, 3);
    assert(str_eq(buf_str(&whole.spans), in));
    assert(str_eq(buf_str(&pieces.spans), in));

    /* with a limit that bites: what was given is still a prefix of the truth */
    read_all((struct str){ (const char *)data + PIECES, size - PIECES }, data, (size_t)1 + data[0],
             &narrow);
    assert(str_starts(in, buf_str(&narrow.spans)));
    assert(narrow.too_long || narrow.spans.len == in.len);
    outcome_clear(&whole);
    outcome_clear(&pieces);
    outcome_clear(&narrow);
    return 0;
}
