/* tests/unit/http/client_rig.h - a client and a scripted upstream in one loop, and calls that write
 * down what they hear.
 *
 *     bench_open(&b, t); upstream_script(&b.upstream, …); bench_client(&b);
 *     ask(&b, &h); CHECK_HEARD(&h, "200|hi|end"); heard_clear(&h);
 *     bench_close(&b);
 */
#ifndef PENSTOCK_TEST_CLIENT_RIG_H
#define PENSTOCK_TEST_CLIENT_RIG_H

#include "http/client.h"
#include "test.h"
#include "upstream.h"

/* One client, one upstream, in one loop. */
struct bench {
    struct test *t;
    struct loop *loop;
    struct client *client;
    struct client_metrics metrics;
    struct client_limits limits;
    struct upstream upstream;
    struct origin origin;
    struct timer guard;
    size_t running;
    bool insecure; /* TLS without verification */
};

/* What shall be done from inside a hook. */
enum then {
    NOTHING,
    CANCEL_AT_HEAD,
    CANCEL_AT_DATA,
    PAUSE_AT_HEAD,
    PAUSE_AT_DATA,
    SEND_AT_END,
};

/* One call and what was heard of it. */
struct heard {
    struct bench *bench;
    struct call *call;
    struct buf text; /* `200|body|end`, or `…|fail` */
    struct call_fault fault;
    bool reused;
    bool over, failed;
    uint64_t body_bytes, body_sum;
    size_t pieces;
    enum then then;
    struct heard *next; /* for SEND_AT_END */
    bool is_paused;
    struct timer timer; /* resumes, or cancels */
    int64_t pause_ms;
};

#define GET "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

#define OK_LINE "HTTP/1.1 200 OK\r\n"

/* Set limits, origin and `insecure` between bench_open() and bench_client(). */
void bench_open(struct bench *b, struct test *t);
void bench_client(struct bench *b);
void bench_close(struct bench *b);
/* Runs until no call is left. */
void bench_run(struct bench *b);
/* Runs for a while, whatever happens. */
void bench_idle(struct bench *b, int64_t ms);
/* Runs until `met`, which is asked again each millisecond; fails the test when it never is. */
void bench_until(struct bench *b, bool (*met)(const void *peer), const void *peer);

/* One call from its start to its end: GET, all times patient. `h` is made anew. */
void ask(struct bench *b, struct heard *h);
/* The same in parts; `h` says what shall be done in the hooks. */
void send_head(struct bench *b, struct heard *h, struct str head);
struct call_options options_of(struct bench *b, struct heard *h, struct str head);
void send_options(struct bench *b, struct heard *h, const struct call_options *o);
void heard_cancel(struct heard *h);
void heard_pause(struct heard *h);
void heard_clear(struct heard *h);

#define CHECK_HEARD(h, want, ...) CHECK_STR(buf_str(&(h)->text), want, __VA_ARGS__)

/* A script of 200s without end, nearly. */
extern const struct step answers_always[10];

#endif
