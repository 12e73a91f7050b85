/* fuzz/http_head.h - what the fuzz targets of requests and of answers share: a head read whole and
 * the same read in pieces get the same verdict, and what a good head says lies in its bytes. */
#ifndef PENSTOCK_FUZZ_HTTP_HEAD_H
#define PENSTOCK_FUZZ_HTTP_HEAD_H

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/parse.h"

typedef enum http_parse head_parser(struct str in, size_t *scanned,
                                    const struct http_limits *limits, struct http_head *head,
                                    size_t *used, struct http_fault *fault);

struct outcome {
    enum http_parse verdict;
    size_t used;
    struct http_fault fault;
    struct http_head head; /* of a head in pieces: numbers and lengths are of use, not the bytes */
};

static inline void parse_whole(head_parser *parse, struct str in, const struct http_limits *limits,
                               struct outcome *o)
{
    size_t scanned = 0;

    o->verdict = parse(in, &scanned, limits, &o->head, &o->used, &o->fault);
}

/* `step` bytes more each time (0: sizes drawn from `seed`), each time in memory of its own. */
static inline void parse_pieces(head_parser *parse, struct str in, size_t step, uint64_t seed,
                                const struct http_limits *limits, struct outcome *o)
{
    size_t scanned = 0, len = 0;

    do {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t more = step > 0 ? step : 1 + (size_t)(seed >> 33) % (in.len + 1);

        len = more < in.len - len ? len + more : in.len;
        char *copy = must_alloc(len);
        struct str given = { copy, len };

        if (len > 0)
            memcpy(copy, in.at, len);
        o->verdict = parse(given, &scanned, limits, &o->head, &o->used, &o->fault);
        assert(scanned <= len);
        free(copy);
    } while (o->verdict == HTTP_PARSE_MORE && len < in.len);
}

static inline void check_same(const struct outcome *a, const struct outcome *b)
{
    assert(a->verdict == b->verdict);
    if (a->verdict == HTTP_PARSE_BAD) {
        assert(a->fault.status == b->fault.status);
        assert(a->fault.what == b->fault.what);
    }
    if (a->verdict != HTTP_PARSE_DONE)
        return;
    assert(a->used == b->used);
    assert(a->head.method == b->head.method);
    assert(a->head.status == b->head.status);
    assert(a->head.minor == b->head.minor);
    assert(a->head.chunked == b->head.chunked);
    assert(a->head.content_length == b->head.content_length);
    assert(a->head.keep_alive == b->head.keep_alive);
    assert(a->head.expect_continue == b->head.expect_continue);
    assert(a->head.upgrade == b->head.upgrade);
    assert(a->head.host.len == b->head.host.len);
    assert(a->head.field_count == b->head.field_count);
    for (uint32_t i = 0; i < a->head.field_count; i++) {
        assert(a->head.fields[i].name.len == b->head.fields[i].name.len);
        assert(a->head.fields[i].value.len == b->head.fields[i].value.len);
    }
}

static inline bool lies_in(struct str part, struct str whole)
{
    return part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

/* A good head: within its limits, CRLF only, no control bytes, one framing. */
static inline void check_done(struct str in, const struct http_limits *limits,
                              const struct outcome *o)
{
    const struct http_head *h = &o->head;

    assert(o->used <= in.len && o->used <= limits->head_bytes);
    assert(h->field_count <= limits->field_count);
    in = str_take(in, o->used);
    assert(str_ends(in, STR("\r\n\r\n")));
    for (size_t i = 0; i < in.len; i++) {
        assert(in.at[i] != '\n' || (i > 0 && in.at[i - 1] == '\r'));
        assert(in.at[i] != '\r' || in.at[i + 1] == '\n');
        assert((uint8_t)in.at[i] >= ' ' || memchr("\t\r\n", in.at[i], 3) != NULL);
        assert(in.at[i] != 0x7f);
    }
    assert(lies_in(h->host, in) && lies_in(h->target, in) && lies_in(h->content_type, in));
    for (uint32_t i = 0; i < h->field_count; i++) {
        struct str name = h->fields[i].name, value = h->fields[i].value;

        assert(lies_in(name, in) && name.len > 0 && name.at[name.len] == ':');
        assert(lies_in(value, in) && str_eq(value, str_trim(value)));
    }
    assert(!h->chunked || (h->content_length == -1 && h->minor == 1));
    assert(h->content_length >= -1 && h->content_length <= 999999999999999);
}

/* Whole, byte by byte and in odd pieces. */
static inline void check_cuts(head_parser *parse, struct str in, const struct http_limits *limits,
                              struct outcome *whole)
{
    struct outcome pieces;
    uint64_t seed = in.len;

    for (size_t i = 0; i < in.len; i++)
        seed = (seed ^ (uint8_t)in.at[i]) * 0x100000001b3u;
    parse_whole(parse, in, limits, whole);
    parse_pieces(parse, in, 0, seed, limits, &pieces);
    check_same(&pieces, whole);
    if (in.len <= 300) {
        parse_pieces(parse, in, 1, seed, limits, &pieces);
        check_same(&pieces, whole);
    }
    if (whole->verdict == HTTP_PARSE_DONE) {
        check_done(in, limits, whole);
        parse_whole(parse, str_take(in, whole->used), limits, &pieces);
        check_same(&pieces, whole);
    }
    if (whole->verdict == HTTP_PARSE_BAD)
        assert(whole->fault.what != NULL);
}

/* Fields written by our writer are read back as they were. */
static inline void check_rewritten(head_parser *parse, struct buf *out, const struct outcome *o)
{
    const struct http_limits wide = { 1 << 20, 1 << 22, HTTP_FIELDS_MAX };
    const struct http_head *h = &o->head;
    struct outcome again;
    bool fits = true;

    for (uint32_t i = 0; i < h->field_count; i++)
        fits = fits && http_put_field(out, h->fields[i].name, h->fields[i].value);
    fits = fits && http_put_end(out);
    assert(fits);
    parse_whole(parse, buf_str(out), &wide, &again);
    assert(again.verdict == HTTP_PARSE_DONE);
    assert(again.used == out->len);
    assert(again.head.field_count == h->field_count);
    for (uint32_t i = 0; i < h->field_count; i++) {
        assert(str_eq(again.head.fields[i].name, h->fields[i].name));
        assert(str_eq(again.head.fields[i].value, h->fields[i].value));
    }
    assert(again.head.content_length == h->content_length && again.head.chunked == h->chunked);
}

#endif
