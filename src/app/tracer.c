#include "app/tracer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_write.h"
#include "base/log.h"
#include "exchange/span.h"
#include "http/client.h"
#include "http/proxy.h"

#define GATHER_MS 1000
#define CALL_MS 10000
#define TRIES 5
#define PAUSE_MS 1000 /* before the second try; then twice as long each time */
#define HEAD_MAX ((size_t)64 << 10)
#define ANSWER_MAX ((size_t)64 << 10)

struct batch {
    struct buf spans; /* `[…` while it is gathered */
    struct json_writer writer;
    uint32_t count;
    int64_t began_ms;
};

struct tracer {
    struct loop *loop;
    struct client *client;
    struct counter *sent, *dropped;
    struct settings *settings; /* NULL: none yet */
    struct arena arena;        /* of origin and frame; emptied with each other settings */
    bool on;
    struct origin origin;
    struct str path, before; /* what stands in the body before the spans */
    struct batch gathered, sending;
    struct str parts[3];
    struct call *call; /* NULL: none is under way */
    int status;        /* of its answer */
    struct buf answer;
    uint32_t tries;
    int64_t again_ms; /* when to try again; 0: at once */
    bool told;        /* that it fails */
};

static const struct str after_spans = { "}]}]}", 5 };

static void batch_clear(struct batch *b)
{
    b->spans.len = 0;
    b->count = 0;
}

struct tracer *tracer_new(struct loop *l, struct client *c, struct counter *sent,
                          struct counter *dropped)
{
    struct tracer *t = must_calloc(1, sizeof(*t));

    *t = (struct tracer){ .loop = l, .client = c, .sent = sent, .dropped = dropped };
    t->gathered.spans.max = t->sending.spans.max = TRACER_BYTES_MAX + ((size_t)1 << 20);
    t->answer.max = ANSWER_MAX;
    return t;
}

void tracer_free(struct tracer *t)
{
    if (t == NULL)
        return;
    if (t->call != NULL)
        call_cancel(t->call);
    count_add(t->dropped, t->gathered.count + t->sending.count);
    buf_clear(&t->gathered.spans);
    buf_clear(&t->sending.spans);
    buf_clear(&t->answer);
    settings_unref(t->settings);
    origin_clear(&t->origin);
    arena_free(&t->arena);
    free(t);
}

/* --- where to --------------------------------------------------------------------------------- */

static void put_frame(struct tracer *t)
{
    struct buf b = { .max = HEAD_MAX };
    struct json_writer w = json_writer(&b);

    json_put_object(&w);
    json_put_key(&w, STR("resourceSpans"));
    json_put_array(&w);
    json_put_object(&w);
    json_put_key(&w, STR("resource"));
    json_put_object(&w);
    json_put_key(&w, STR("attributes"));
    json_put_array(&w);
    span_put_text(&w, "service.name", t->settings->traces_service);
    span_put_text(&w, "service.version", STR(PENSTOCK_VERSION));
    json_put_end(&w);
    json_put_end(&w);
    json_put_key(&w, STR("scopeSpans"));
    json_put_array(&w);
    json_put_object(&w);
    json_put_key(&w, STR("scope"));
    json_put_object(&w);
    json_put_member(&w, "name", STR("penstock"));
    json_put_member(&w, "version", STR(PENSTOCK_VERSION));
    json_put_end(&w);
    json_put_key(&w, STR("spans"));
    t->before = arena_copy(&t->arena, buf_str(&b));
    buf_clear(&b);
}

void tracer_settings(struct tracer *t, struct settings *s)
{
    struct error e = { .status = OK };
    struct str path = STR("");

    if (t->call != NULL)
        call_cancel(t->call);
    t->call = NULL;
    settings_unref(t->settings);
    t->settings = settings_ref(s);
    origin_clear(&t->origin);
    t->origin = (struct origin){ .proxy = PROXY_NONE };
    arena_free(&t->arena);
    t->told = false;
    t->on = s->traces_endpoint.len > 0;
    if (t->on && origin_make(s->traces_endpoint, &s->provider.proxy, STR(""), &t->arena, &t->origin,
                             &path, &e) != OK) {
        log_warn("traces cannot be sent", F_STR("collector", s->traces_endpoint),
                 F_C("why", e.text));
        t->on = false;
    }
    if (!t->on) {
        count_add(t->dropped, t->gathered.count + t->sending.count);
        batch_clear(&t->gathered);
        batch_clear(&t->sending);
        return;
    }
    t->path = path.len == 0 ? STR("/v1/traces") : path;
    put_frame(t);
}

/* --- gathering -------------------------------------------------------------------------------- */

void tracer_add(struct tracer *t, const struct access_record *r)
{
    struct batch *b = &t->gathered;

    if (!t->on || !r->trace.sampled)
        return;
    if (b->spans.len > TRACER_BYTES_MAX) {
        count_add(t->dropped, 1 + r->attempts_kept);
        return;
    }
    if (b->count == 0) {
        b->writer = json_writer(&b->spans);
        b->began_ms = loop_now(t->loop);
        json_put_array(&b->writer);
    }
    b->count += spans_put(&b->writer, r, t->settings->privacy);
}

bool tracer_is_idle(const struct tracer *t)
{
    return t->gathered.count == 0 && t->sending.count == 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void tell_once(struct tracer *t, const char *why)
{
    if (!t->told)
        log_warn("traces cannot be sent", F_STR("collector", t->origin.authority), F_C("why", why));
    t->told = true;
}

/* The collector took the batch, or never will. */
static void batch_done(struct tracer *t, uint32_t refused)
{
    uint32_t lost = refused < t->sending.count ? refused : t->sending.count;

    count_add(t->sent, t->sending.count - lost);
    count_add(t->dropped, lost);
    batch_clear(&t->sending);
    t->tries = 0;
    t->again_ms = 0;
}

static void batch_again(struct tracer *t, const char *why)
{
    tell_once(t, why);
    if (++t->tries == TRIES)
        batch_done(t, UINT32_MAX);
    else
        t->again_ms = loop_now(t->loop) + ((int64_t)PAUSE_MS << (t->tries - 1));
}

static void on_head(void *peer, const struct http_head *head)
{
    struct tracer *t = peer;

    t->status = head->status;
}

static void on_data(void *peer, struct str bytes)
{
    struct tracer *t = peer;

    (void)buf_add(&t->answer, str_take(bytes, t->answer.max - t->answer.len));
}

/* Of a collector that took some: how many it did not. A number, or a number in a string. */
static uint32_t rejected(const struct tracer *t)
{
    struct arena a = { 0 };
    struct json doc;
    struct str text;
    int64_t n = 0;

    if (t->answer.len > 0 && json_parse(&doc, buf_str(&t->answer), NULL, &a, NULL) &&
        json_type(&doc, 0) == JSON_OBJECT) {
        uint32_t some = json_member(&doc, 0, STR("partialSuccess"), NULL);
        uint32_t node = some != JSON_NONE && json_type(&doc, some) == JSON_OBJECT
                            ? json_member(&doc, some, STR("rejectedSpans"), NULL)
                            : JSON_NONE;

        if (node != JSON_NONE && !json_i64(&doc, node, &n) &&
            !(json_text(&doc, node, &a, &text) && str_to_i64(text, &n)))
            n = 0;
    }
    arena_free(&a);
    return n > 0 && n < UINT32_MAX ? (uint32_t)n : 0;
}

static void on_end(void *peer)
{
    struct tracer *t = peer;
    char why[64];

    t->call = NULL;
    snprintf(why, sizeof(why), "it answered with status %d", t->status);
    if (t->status >= 200 && t->status < 300) {
        t->told = false;
        batch_done(t, rejected(t));
    } else if (t->status == 429 || t->status >= 500) {
        batch_again(t, why);
    } else {
        tell_once(t, why);
        batch_done(t, UINT32_MAX);
    }
}

static void on_fail(void *peer, const struct call_fault *fault)
{
    struct tracer *t = peer;

    t->call = NULL;
    batch_again(t, fault->text);
}

static bool put_head(const struct tracer *t, size_t body_bytes, struct buf *out)
{
    const struct settings *s = t->settings;
    bool good = http_put_request_line(out, STR("POST"), t->path) &&
                http_put_field(out, STR("Host"), t->origin.authority) &&
                http_put_field(out, STR("User-Agent"), STR("penstock/" PENSTOCK_VERSION)) &&
                http_put_field(out, STR("Content-Type"), STR("application/json"));

    for (size_t i = 0; i < s->traces_header_count; i++)
        good = good && http_put_field(out, s->traces_headers[i].name, s->traces_headers[i].value);
    return good && http_put_field_i64(out, STR("Content-Length"), (int64_t)body_bytes) &&
           http_put_end(out);
}

static void batch_send(struct tracer *t)
{
    struct buf head = { .max = HEAD_MAX };
    struct call_timeouts timeouts = call_timeouts_default;

    t->parts[0] = t->before;
    t->parts[1] = buf_str(&t->sending.spans);
    t->parts[2] = after_spans;
    t->status = 0;
    t->answer.len = 0;
    timeouts.total_ms = CALL_MS;
    if (put_head(t, t->before.len + t->parts[1].len + after_spans.len, &head)) {
        t->call = client_send(t->client, &(struct call_options){
                                             .origin = &t->origin,
                                             .head = buf_str(&head),
                                             .body = t->parts,
                                             .body_parts = COUNT(t->parts),
                                             .timeouts = timeouts,
                                             .hooks = { on_head, on_data, on_end, on_fail, t },
                                         });
    } else {
        tell_once(t, "its address or a header is too long");
        batch_done(t, UINT32_MAX);
    }
    wipe(head.at, head.cap); /* a header may hold a credential */
    buf_clear(&head);
}

void tracer_tick(struct tracer *t, int64_t now_ms, bool all)
{
    struct batch *b = &t->gathered;

    if (t->call != NULL || !t->on)
        return;
    if (t->sending.count > 0) {
        if (now_ms >= t->again_ms || all)
            batch_send(t);
        return;
    }
    if (b->count == 0 || (b->count < TRACER_BATCH && now_ms - b->began_ms < GATHER_MS && !all))
        return;
    json_put_end(&b->writer);
    struct batch swap = t->sending;

    t->sending = t->gathered;
    t->gathered = swap;
    batch_clear(&t->gathered);
    batch_send(t);
}
