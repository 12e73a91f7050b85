#include "upkeep/list_call.h"

#define HEAD_MAX ((size_t)64 << 10)

static void on_head(void *peer, const struct http_head *head)
{
    struct list_call *c = peer;

    c->status = head->status;
}

static void on_data(void *peer, struct str bytes)
{
    struct list_call *c = peer;
    struct str fitting = str_take(bytes, c->body.max - c->body.len);

    c->body_too_long = c->body_too_long || fitting.len < bytes.len;
    (void)buf_add(&c->body, fitting);
}

static void on_end(void *peer)
{
    struct list_call *c = peer;

    c->call = NULL;
    c->done(c->peer, NULL);
}

static void on_fail(void *peer, const struct call_fault *fault)
{
    struct list_call *c = peer;

    c->call = NULL;
    c->done(c->peer, fault);
}

void list_call_init(struct list_call *c, size_t body_bytes_max,
                    void (*done)(void *peer, const struct call_fault *fault), void *peer)
{
    *c = (struct list_call){ .done = done, .peer = peer };
    buf_init(&c->body, body_bytes_max);
}

void list_call_clear(struct list_call *c)
{
    if (c->call != NULL)
        call_cancel(c->call);
    c->call = NULL;
    buf_clear(&c->body);
}

bool list_call_send(struct list_call *c, struct client *client, const struct upstream *u,
                    struct str page, int64_t total_ms)
{
    static const struct http_head nobody = { .method = HTTP_GET };
    struct call_timeouts timeouts = u->timeouts;
    struct buf head = { .max = HEAD_MAX };
    bool fits = upstream_put_head(u,
                                  &(struct upstream_ask){ .wire = upstream_first_wire(u),
                                                          .op = OP_MODELS,
                                                          .client = &nobody,
                                                          .default_version = true,
                                                          .page = page },
                                  &head);

    assert(c->call == NULL);
    c->status = 0;
    c->body.len = 0;
    c->body_too_long = false;
    if (timeouts.total_ms > total_ms)
        timeouts.total_ms = total_ms;
    if (fits)
        c->call = client_send(
            client, &(struct call_options){ .origin = &u->origin,
                                            .head = buf_str(&head),
                                            .timeouts = timeouts,
                                            .hooks = { on_head, on_data, on_end, on_fail, c } });
    if (head.cap > 0)
        wipe(head.at, head.cap); /* the credential is in it */
    buf_clear(&head);
    return fits;
}
