#include "upkeep/question.h"

#define HEAD_MAX ((size_t)64 << 10)

static void on_head(void *peer, const struct http_head *head)
{
    struct question *q = peer;

    q->status = head->status;
}

static void on_data(void *peer, struct str bytes)
{
    struct question *q = peer;
    struct str fitting = str_take(bytes, q->body.max - q->body.len);

    q->body_too_long = q->body_too_long || fitting.len < bytes.len;
    (void)buf_add(&q->body, fitting);
}

static void on_end(void *peer)
{
    struct question *q = peer;

    q->call = NULL;
    q->done(q->peer, NULL);
}

static void on_fail(void *peer, const struct call_fault *fault)
{
    struct question *q = peer;

    q->call = NULL;
    q->done(q->peer, fault);
}

void question_init(struct question *q, size_t body_bytes_max,
                   void (*done)(void *peer, const struct call_fault *fault), void *peer)
{
    *q = (struct question){ .done = done, .peer = peer };
    buf_init(&q->body, body_bytes_max);
}

void question_clear(struct question *q)
{
    if (q->call != NULL)
        call_cancel(q->call);
    q->call = NULL;
    buf_clear(&q->body);
}

bool question_send(struct question *q, struct client *client, const struct upstream *u,
                   const struct upstream_ask *ask, struct str body, int64_t total_ms)
{
    struct call_timeouts timeouts = u->timeouts;
    struct buf head = { .max = HEAD_MAX };
    bool fits = upstream_put_head(u, ask, &head);

    assert(q->call == NULL);
    q->status = 0;
    q->body.len = 0;
    q->body_too_long = false;
    q->sent = body;
    if (timeouts.total_ms > total_ms)
        timeouts.total_ms = total_ms;
    if (fits)
        q->call = client_send(
            client, &(struct call_options){ .origin = &u->origin,
                                            .head = buf_str(&head),
                                            .body = &q->sent,
                                            .body_parts = body.len > 0 ? 1 : 0,
                                            .timeouts = timeouts,
                                            .hooks = { on_head, on_data, on_end, on_fail, q } });
    if (head.cap > 0)
        wipe(head.at, head.cap); /* the credential is in it */
    buf_clear(&head);
    return fits;
}

bool question_send_list(struct question *q, struct client *client, const struct upstream *u,
                        struct str page, int64_t total_ms)
{
    static const struct http_head nobody = { .method = HTTP_GET };

    return question_send(q, client, u,
                         &(struct upstream_ask){ .wire = upstream_first_wire(u),
                                                 .op = OP_MODELS,
                                                 .client = &nobody,
                                                 .default_version = true,
                                                 .page = page },
                         STR(""), total_ms);
}
