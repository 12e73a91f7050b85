#include "http/answer.h"

#include <stdlib.h>

#include "base/arena.h"
#include "http/inflate.h"

enum answer_state { ANSWER_IN_HEAD, ANSWER_IN_BODY, ANSWER_OVER };
enum answer_framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

#define ZIP_ROOM ((size_t)16 << 10)

struct answer_zip {
    struct inflate inflate;
    bool waiting; /* more output may come without more input */
    char out[ZIP_ROOM];
};

void answer_init(struct answer *a, const struct client_limits *limits, bool to_head)
{
    *a = (struct answer){ .limits = limits, .to_head = to_head };
}

void answer_clear(struct answer *a)
{
    if (a->zip != NULL)
        inflate_clear(&a->zip->inflate);
    free(a->zip);
    a->zip = NULL;
}

static enum answer_result answer_bad(struct answer *a, enum answer_result r, const char *what)
{
    a->state = ANSWER_OVER;
    a->what = what;
    return r;
}

/* --- the head */

static enum answer_framing framing_of(const struct answer *a, const struct http_head *head)
{
    if (a->to_head || head->status == 204 || head->status == 304)
        return FRAMING_NONE;
    if (head->chunked)
        return FRAMING_CHUNKED;
    if (head->content_length == 0)
        return FRAMING_NONE;
    return head->content_length > 0 ? FRAMING_LENGTH : FRAMING_CLOSE;
}

/* We ask for identity; gzip is understood all the same, because some send it whatever they are
 * asked for. */
static bool coding_begin(struct answer *a, struct str coding)
{
    if (coding.len == 0 || str_ieq(coding, STR("identity")))
        return true;
    if (!str_ieq(coding, STR("gzip")) && !str_ieq(coding, STR("x-gzip")))
        return false;
    a->zip = must_alloc(sizeof(*a->zip));
    a->zip->waiting = false;
    inflate_init(&a->zip->inflate, a->limits->inflate_ratio, a->limits->inflate_bytes);
    return true;
}

static enum answer_result answer_final(struct answer *a, const struct http_head *head)
{
    enum answer_framing framing = framing_of(a, head);

    a->framing = (uint8_t)framing;
    a->keep_alive = head->keep_alive;
    a->left = framing == FRAMING_LENGTH ? (uint64_t)head->content_length : 0;
    if (framing != FRAMING_NONE && !coding_begin(a, head->content_encoding))
        return answer_bad(a, ANSWER_BAD, "a content coding that was not asked for");
    a->state = ANSWER_IN_BODY;
    return ANSWER_HEAD;
}

/* Which of the parser's words mean "over a limit of ours" and not "wrong". */
static enum answer_result head_fault(struct answer *a, const char *what)
{
    static const char *const limits[] = { "head too large", "too many fields",
                                          "status line too long" };

    for (size_t i = 0; i < COUNT(limits); i++)
        if (str_eq(str_c(what), str_c(limits[i])))
            return answer_bad(a, ANSWER_TOO_LARGE, what);
    return answer_bad(a, ANSWER_BAD, what);
}

static enum answer_result answer_head(struct answer *a, struct str *in, struct http_head *head)
{
    const struct http_limits limits = { a->limits->status_line_bytes, a->limits->head_bytes,
                                        a->limits->field_count };

    for (;;) {
        struct http_fault fault = { 0 };
        size_t used = 0;

        switch (http_parse_response(*in, &a->scanned, &limits, head, &used, &fault)) {
        case HTTP_PARSE_MORE:
            return ANSWER_MORE;
        case HTTP_PARSE_BAD:
            return head_fault(a, fault.what);
        case HTTP_PARSE_DONE:
            break;
        }
        *in = str_drop(*in, used);
        a->scanned = 0;
        if (head->status >= 200)
            return answer_final(a, head);
        if (head->status == 101)
            return answer_bad(a, ANSWER_BAD, "101 without an upgrade");
        if (++a->interim > a->limits->interim_heads)
            return answer_bad(a, ANSWER_BAD, "too many interim heads");
    }
}

/* --- the body */

/* Finds the next run: `a->run` bytes at the front of `in` are body. ANSWER_DATA: there is one. */
static enum answer_result answer_frame(struct answer *a, struct str *in)
{
    struct http_fault fault = { 0 };
    struct str run;

    switch ((enum answer_framing)a->framing) {
    case FRAMING_NONE:
        return ANSWER_END;
    case FRAMING_LENGTH:
        if (a->left == 0)
            return ANSWER_END;
        a->run = in->len < a->left ? in->len : (size_t)a->left;
        a->left -= a->run;
        return a->run > 0 ? ANSWER_DATA : ANSWER_MORE;
    case FRAMING_CLOSE:
        a->run = in->len;
        return a->run > 0 ? ANSWER_DATA : ANSWER_MORE;
    case FRAMING_CHUNKED:
        break;
    }
    switch (chunked_next(&a->chunked, in, &run, &fault)) {
    case CHUNKED_MORE:
        return ANSWER_MORE;
    case CHUNKED_END:
        return ANSWER_END;
    case CHUNKED_BAD:
        return answer_bad(a, ANSWER_BAD, fault.what);
    case CHUNKED_DATA:
        break;
    }
    assert(run.len > 0);
    assert(run.at + run.len == in->at); /* so that the run can be put back */
    *in = (struct str){ run.at, run.len + in->len };
    a->run = run.len;
    return ANSWER_DATA;
}

/* Inflates from the run. ANSWER_MORE: it is used up. */
static enum answer_result answer_inflate(struct answer *a, struct str *in, struct str *out)
{
    struct answer_zip *zip = a->zip;
    struct str coded = str_take(*in, a->run);
    size_t len;
    enum inflate_result r = inflate_next(&zip->inflate, &coded, zip->out, sizeof(zip->out), &len);

    *in = str_drop(*in, a->run - coded.len);
    a->run = coded.len;
    zip->waiting = r == INFLATE_DATA;
    switch (r) {
    case INFLATE_MORE:
        assert(a->run == 0);
        return ANSWER_MORE;
    case INFLATE_DATA:
        *out = (struct str){ zip->out, len };
        return ANSWER_DATA;
    case INFLATE_BAD:
        return answer_bad(a, ANSWER_BAD, "damaged gzip");
    case INFLATE_RATIO:
        return answer_bad(a, ANSWER_TOO_LARGE, "a gzip body over inflate_ratio");
    case INFLATE_TOO_BIG:
        return answer_bad(a, ANSWER_TOO_LARGE, "a gzip body over inflate_bytes");
    }
    return ANSWER_BAD;
}

static enum answer_result answer_end(struct answer *a)
{
    if (a->zip != NULL && !inflate_is_whole(&a->zip->inflate))
        return answer_bad(a, ANSWER_BAD, "a gzip body that is cut short");
    a->state = ANSWER_OVER;
    return ANSWER_END;
}

static enum answer_result answer_body(struct answer *a, struct str *in, struct str *out)
{
    for (;;) {
        if (a->run == 0 && (a->zip == NULL || !a->zip->waiting)) {
            enum answer_result r = answer_frame(a, in);

            if (r == ANSWER_END)
                return answer_end(a);
            if (r != ANSWER_DATA)
                return r;
        }
        if (a->zip == NULL) {
            *out = str_take(*in, a->run);
            *in = str_drop(*in, a->run);
            a->run = 0;
            return ANSWER_DATA;
        }
        enum answer_result r = answer_inflate(a, in, out);
        if (r != ANSWER_MORE)
            return r;
    }
}

enum answer_result answer_next(struct answer *a, struct str *in, struct http_head *head,
                               struct str *out)
{
    switch ((enum answer_state)a->state) {
    case ANSWER_IN_HEAD:
        return answer_head(a, in, head);
    case ANSWER_IN_BODY:
        return answer_body(a, in, out);
    case ANSWER_OVER:
        break;
    }
    assert(false && "an answer that is over is not asked again");
    return ANSWER_BAD;
}

bool answer_is_all(const struct answer *a)
{
    return a->framing == FRAMING_LENGTH && a->left == 0 && a->zip == NULL;
}

bool answer_eof(struct answer *a)
{
    assert(a->state != ANSWER_OVER);
    assert(a->run == 0);
    a->what = a->state == ANSWER_IN_HEAD ? "in its head" : "in its body";
    if (a->state == ANSWER_IN_HEAD || a->framing != FRAMING_CLOSE)
        return false;
    if (a->zip != NULL && !inflate_is_whole(&a->zip->inflate))
        return false;
    a->state = ANSWER_OVER;
    return true;
}

bool answer_keeps(const struct answer *a)
{
    return a->state == ANSWER_OVER && a->what == NULL && a->keep_alive &&
           a->framing != FRAMING_CLOSE;
}
