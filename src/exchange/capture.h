/* exchange/capture.h - bodies of requests and answers, kept while the operator looks for something.
 *
 * Off, a request pays one look at a clock's end. On, for a quarter of an hour at most, requests of
 * one conversation or of all are copied with what their clients were answered, each body up to
 * CAPTURE_BODY_MAX, all together up to CAPTURE_BYTES_MAX; the desk takes what is finished and
 * writes a file for each. What looks like a key is masked (capture_mask()). Threads:
 * capture_begin() and what follows on one captured: its loop; the rest any. Memory: a captured
 * belongs to its request until both it and the exchange are over, then to the queue. */
#ifndef PENSTOCK_EXCHANGE_CAPTURE_H
#define PENSTOCK_EXCHANGE_CAPTURE_H

#include "exchange/access.h"

#define CAPTURE_MS_MAX (INT64_C(15) * 60 * 1000)
#define CAPTURE_BODY_MAX ((size_t)1 << 20)
#define CAPTURE_BYTES_MAX ((int64_t)64 << 20) /* of one capture */
#define CAPTURE_SESSION 64

struct capture;

struct capture *capture_new(void);
void capture_free(struct capture *c); /* NULL is fine; workers have ended */

/* From now on until then; `session` is `sid-…`, or empty for all. */
void capture_start(struct capture *c, struct str session, int64_t now_unix_ms,
                   int64_t until_unix_ms);
void capture_stop(struct capture *c);

/* May it be on? */
bool capture_is_on(const struct capture *c);

struct capture_state {
    int64_t until_unix_ms; /* 0: off */
    char session[CAPTURE_SESSION];
    int64_t bytes; /* so far */
    uint64_t requests;
};
void capture_get(struct capture *c, int64_t now_unix_ms, struct capture_state *out);

/* --- one request */

struct captured {
    struct captured *next;
    struct capture *capture;
    char request_id[40], session[CAPTURE_SESSION];
    int64_t unix_ms;
    struct buf asked, answered;
    bool asked_clipped, answered_clipped;
    bool request_over, exchange_over;
    struct buf record; /* of the access log, when it has come */
};

/* NULL: it is not wanted. */
struct captured *capture_begin(struct capture *c, struct str request_id, struct str session,
                               int64_t unix_ms, struct str body);
void captured_answer(struct captured *d, const struct str *parts, size_t count);
/* How the exchange ended. */
void captured_record(struct captured *d, const struct access_record *r);
/* No more of the answer comes. */
void captured_over(struct captured *d);

/* What is finished, the oldest first; the taker frees each. */
struct captured *capture_take(struct capture *c);
void captured_free(struct captured *d);
/* The file's text: a JSON object. */
void captured_put(const struct captured *d, struct buf *out);

/* Overwrites what looks like a key: `sk-…`, `AIza…`, `ghp_…`, `gho_…`, `ya29.…`, `Bearer …`, JSON
 * web tokens. */
void capture_mask(struct buf *text);

#endif
