/* tests/unit/http/drip.h - a head given to its parser cut in pieces, as a socket would. */
#ifndef PENSTOCK_HTTP_DRIP_H
#define PENSTOCK_HTTP_DRIP_H

#include "http/parse.h"
#include "test.h"

typedef enum http_parse http_parser(struct str in, size_t *scanned,
                                    const struct http_limits *limits, struct http_head *head,
                                    size_t *used, struct http_fault *fault);

struct parsed {
    enum http_parse verdict;
    size_t given; /* bytes that were there when the verdict came */
    size_t used;
    struct http_fault fault;
    struct http_head head;
};

/* Gives all at once. */
static inline struct parsed parse_whole(http_parser *parse, struct str in,
                                        const struct http_limits *limits)
{
    struct parsed p = { .given = in.len };
    size_t scanned = 0;

    p.verdict = parse(in, &scanned, limits, &p.head, &p.used, &p.fault);
    return p;
}

/* Gives `first` bytes, then `step` more at a time. Short heads are copied for each call, so that
 * nothing behind the end can be read unseen, and nothing kept from before. */
static inline struct parsed parse_dripped(struct test *t, http_parser *parse, struct str in,
                                          size_t first, size_t step,
                                          const struct http_limits *limits)
{
    struct parsed p = { .verdict = HTTP_PARSE_MORE };
    size_t scanned = 0;

    for (size_t len = first < in.len ? first : in.len;; len += step) {
        struct str given = str_take(in, len < in.len ? len : in.len);

        if (in.len < 400 && given.len > 0) {
            char *copy = arena_alloc_raw(&t->arena, given.len);

            given.at = memcpy(copy, given.at, given.len);
        }
        p.given = given.len;
        p.verdict = parse(given, &scanned, limits, &p.head, &p.used, &p.fault);
        if (p.verdict != HTTP_PARSE_MORE || given.len == in.len)
            return p;
        if (scanned != given.len) /* or the next call would look at old bytes again */
            CHECK_INT(scanned, given.len, "scanned after %zu bytes", given.len);
    }
}

/* The same verdict in every way, and the same words. */
static inline void check_same(struct test *t, const char *name, size_t first, size_t step,
                              const struct parsed *got, const struct parsed *want)
{
    if (!CHECK_INT(got->verdict, want->verdict, "%s, cut at %zu, then %zu", name, first, step))
        return;
    if (want->verdict == HTTP_PARSE_BAD) {
        CHECK_INT(got->fault.status, want->fault.status, "%s, cut at %zu, then %zu", name, first,
                  step);
        CHECK_STR(str_c(got->fault.what), want->fault.what, "%s, cut at %zu, then %zu", name, first,
                  step);
    }
    if (want->verdict == HTTP_PARSE_DONE) {
        CHECK_INT(got->used, want->used, "%s, cut at %zu, then %zu", name, first, step);
        CHECK_INT(got->head.field_count, want->head.field_count, "%s, cut at %zu, then %zu", name,
                  first, step);
        for (uint32_t i = 0; i < want->head.field_count; i++) {
            CHECK_STRS(got->head.fields[i].name, want->head.fields[i].name, "%s", name);
            CHECK_STRS(got->head.fields[i].value, want->head.fields[i].value, "%s", name);
        }
    }
}

/* Byte by byte, in two pieces at every cut, and in random pieces. */
static inline void check_all_cuts(struct test *t, http_parser *parse, const char *name,
                                  struct str in, const struct http_limits *limits)
{
    const struct parsed want = parse_whole(parse, in, limits);
    size_t stride = in.len < 400 ? 1 : in.len / 50;
    struct parsed got = parse_dripped(t, parse, in, 1, 1, limits);

    check_same(t, name, 1, 1, &got, &want);
    for (size_t first = 0; first <= in.len; first += stride) {
        got = parse_dripped(t, parse, in, first, in.len, limits);
        check_same(t, name, first, in.len, &got, &want);
    }
    for (int round = 0; round < 5; round++) {
        size_t first = test_below(t, in.len + 1), step = 1 + test_below(t, in.len + 1);

        got = parse_dripped(t, parse, in, first, step, limits);
        check_same(t, name, first, step, &got, &want);
    }
}

#endif
