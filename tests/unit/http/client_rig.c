#include "client_rig.h"

#define GUARD_MS 20000 /* a test that takes as long has hung */

const struct step answers_always[10] = {
    ASK, SAY(OK_2), ASK, SAY(OK_2), ASK, SAY(OK_2), ASK, SAY(OK_2), ASK, SAY(OK_2),
};

static void guard_rang(void *peer, int64_t now_ms)
{
    struct bench *b = peer;

    (void)now_ms;
    test_fail(b->t, __FILE__, __LINE__, "the calls came to an end", " ");
    loop_stop(b->loop);
}

void bench_open(struct bench *b, struct test *t)
{
    *b = (struct bench){ .t = t, .limits = client_limits_default };
    b->loop = loop_new();
    upstream_open(&b->upstream, b->loop);
    b->origin = (struct origin){
        .host = STR("127.0.0.1"),
        .port = b->upstream.port,
        .authority = STR("127.0.0.1"),
        .pool_key = STR("the upstream"),
    };
    timer_init(&b->guard, b->loop, guard_rang, b);
}

/* After bench_open(), so that a test can set limits in between. */
void bench_client(struct bench *b)
{
    struct error e = { 0 };

    b->client = client_new(&(struct client_options){ .loop = b->loop,
                                                     .limits = b->limits,
                                                     .tls = { .insecure = b->insecure },
                                                     .metrics = &b->metrics },
                           &e);
    struct test *t = b->t;

    CHECK(b->client != NULL, "%s", e.text);
}

/* Runs the loop until `met`, or for a time: what stops the loop meanwhile does not end it. */
struct wait {
    struct bench *bench;
    struct timer timer;
    bool (*met)(const void *peer); /* NULL: when `until_ms` has come */
    const void *peer;
    int64_t until_ms;
    bool over;
};

static void wait_rang(void *peer, int64_t now_ms)
{
    struct wait *w = peer;

    w->over = w->met == NULL || w->met(w->peer);
    if (!w->over && now_ms >= w->until_ms) {
        test_fail(w->bench->t, __FILE__, __LINE__, "what was waited for came", " ");
        w->over = true;
    }
    if (w->over)
        loop_stop(w->bench->loop);
    else
        timer_start(&w->timer, 1);
}

static void wait_run(struct wait *w, int64_t ms)
{
    timer_init(&w->timer, w->bench->loop, wait_rang, w);
    timer_start(&w->timer, ms);
    while (!w->over)
        loop_run(w->bench->loop);
    timer_stop(&w->timer);
}

void bench_idle(struct bench *b, int64_t ms)
{
    wait_run(&(struct wait){ .bench = b }, ms);
}

void bench_until(struct bench *b, bool (*met)(const void *peer), const void *peer)
{
    wait_run(
        &(struct wait){
            .bench = b, .met = met, .peer = peer, .until_ms = loop_now(b->loop) + GUARD_MS },
        1);
}

void bench_close(struct bench *b)
{
    client_free(b->client);
    upstream_close(&b->upstream);
    timer_stop(&b->guard);
    bench_idle(b, 1);
    loop_free(b->loop);
}

/* Runs until no call is left. */
void bench_run(struct bench *b)
{
    timer_start(&b->guard, GUARD_MS);
    if (b->running > 0)
        loop_run(b->loop);
    timer_stop(&b->guard);
}

/* --- calls */

static void heard_over(struct heard *h)
{
    struct test *t = h->bench->t;

    CHECK(!h->over, "the last hook is called once");
    h->over = true;
    timer_stop(&h->timer);
    if (--h->bench->running == 0)
        loop_stop(h->bench->loop);
}

void heard_cancel(struct heard *h)
{
    call_cancel(h->call);
    call_cancel(h->call); /* once more does no harm until the end of the turn */
    (void)buf_add(&h->text, STR("|cancelled"));
    heard_over(h);
}

void heard_pause(struct heard *h)
{
    h->is_paused = true;
    call_pause(h->call, true);
    timer_start(&h->timer, h->pause_ms);
}

static void heard_check(struct heard *h)
{
    struct test *t = h->bench->t;

    CHECK(!h->over, "nothing is heard of a call that is over");
    CHECK(!h->is_paused, "nothing is heard while paused");
    h->reused = call_is_reused(h->call);
}

static void on_head(void *peer, const struct http_head *head)
{
    struct heard *h = peer;

    heard_check(h);
    (void)buf_printf(&h->text, "%d|", head->status);
    if (h->then == CANCEL_AT_HEAD)
        heard_cancel(h);
    else if (h->then == PAUSE_AT_HEAD)
        heard_pause(h);
}

static void on_data(void *peer, struct str bytes)
{
    struct heard *h = peer;

    heard_check(h);
    h->pieces++;
    h->body_bytes += bytes.len;
    h->body_sum = body_sum_add(h->body_sum, bytes);
    if (h->then == CANCEL_AT_DATA)
        heard_cancel(h);
    else if (h->then == PAUSE_AT_DATA)
        heard_pause(h);
    (void)buf_add(&h->text, bytes); /* must still be there after a cancel */
}

static void on_end(void *peer)
{
    struct heard *h = peer;

    heard_check(h);
    (void)buf_add(&h->text, STR("|end"));
    if (h->then == SEND_AT_END)
        send_head(h->bench, h->next, STR(GET));
    heard_over(h);
}

static void on_fail(void *peer, const struct call_fault *fault)
{
    struct heard *h = peer;
    struct test *t = h->bench->t;

    CHECK(!h->over, "nothing is heard of a call that is over");
    h->reused = call_is_reused(h->call);
    h->failed = true;
    h->fault = *fault;
    CHECK(fault->text[0] != '\0');
    (void)buf_add(&h->text, STR("|fail"));
    heard_over(h);
}

static void heard_timer(void *peer, int64_t now_ms)
{
    struct heard *h = peer;

    (void)now_ms;
    if (h->is_paused) {
        h->is_paused = false;
        call_pause(h->call, false);
    } else {
        heard_cancel(h);
    }
}

static struct call_timeouts patient(void)
{
    return (struct call_timeouts){ 9000, 9000, 9000, 9000, 9000, 9000, 9000 };
}

struct call_options options_of(struct bench *b, struct heard *h, struct str head)
{
    return (struct call_options){ .origin = &b->origin,
                                  .head = head,
                                  .timeouts = patient(),
                                  .hooks = { on_head, on_data, on_end, on_fail, h } };
}

void send_options(struct bench *b, struct heard *h, const struct call_options *o)
{
    h->bench = b;
    buf_init(&h->text, 1 << 20);
    timer_init(&h->timer, b->loop, heard_timer, h);
    b->running++;
    h->call = client_send(b->client, o);
}

void send_head(struct bench *b, struct heard *h, struct str head)
{
    struct call_options o = options_of(b, h, head);

    send_options(b, h, &o);
}

/* One call from its start to its end. */
void ask(struct bench *b, struct heard *h)
{
    *h = (struct heard){ 0 };
    send_head(b, h, STR(GET));
    bench_run(b);
}

void heard_clear(struct heard *h)
{
    buf_clear(&h->text);
}
