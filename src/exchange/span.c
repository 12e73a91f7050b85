#include "exchange/span.h"

#include <inttypes.h>

#include "exchange/meter.h"

enum { SPAN_SERVER = 2, SPAN_CLIENT = 3 }; /* of OTLP's enum SpanKind */
enum { STATUS_ERROR = 2 };

/* --- attributes */

static void attribute_begin(struct json_writer *w, const char *key, const char *type)
{
    json_put_object(w);
    json_put_member(w, "key", str_c(key));
    json_put_name(w, STR("value"));
    json_put_object(w);
    json_put_name(w, str_c(type));
}

static void attribute_end(struct json_writer *w)
{
    json_put_end(w);
    json_put_end(w);
}

void span_put_text(struct json_writer *w, const char *key, struct str text)
{
    if (text.len == 0)
        return;
    attribute_begin(w, key, "stringValue");
    json_put_str(w, text);
    attribute_end(w);
}

/* 64-bit integers are strings in the JSON of protocol buffers. Below zero: unknown. */
static void put_number(struct json_writer *w, const char *key, int64_t n)
{
    if (n < 0)
        return;
    attribute_begin(w, key, "intValue");
    json_put_format(w, "%" PRId64, n);
    attribute_end(w);
}

static void put_bool(struct json_writer *w, const char *key, bool yes)
{
    attribute_begin(w, key, "boolValue");
    json_put_bool(w, yes);
    attribute_end(w);
}

static void put_usage(struct json_writer *w, const struct usage *u)
{
    put_number(w, "gen_ai.usage.input_tokens", u->in);
    put_number(w, "gen_ai.usage.output_tokens", u->out);
    put_number(w, "gen_ai.usage.cache_read.input_tokens", u->cache_read);
    put_number(w, "gen_ai.usage.cache_creation.input_tokens", u->cache_write);
    put_number(w, "gen_ai.usage.reasoning.output_tokens", u->reasoning);
}

/* --- spans */

struct span {
    const struct access_record *r;
    uint32_t attempt; /* 0: the request itself */
    int kind;
    int64_t began_unix_ms, took_ms;
    struct str operation, model;
    const char *error, *message; /* NULL: none */
};

static void put_hex(struct json_writer *w, const char *name, const uint8_t *bytes, size_t count)
{
    char text[33];

    trace_hex(bytes, count, text);
    json_put_member(w, name, str_c(text));
}

static void put_time(struct json_writer *w, const char *name, int64_t unix_ms)
{
    json_put_name(w, str_c(name));
    json_put_format(w, "%" PRId64 "000000", unix_ms);
}

/* All but the attributes; their list is left open. */
static void span_begin(struct json_writer *w, const struct span *s)
{
    const struct trace_context *c = &s->r->trace;
    struct str id = str_c(s->r->request_id);
    uint8_t own[8], parent[8];

    trace_span_id(id, s->attempt, own);
    trace_span_id(id, 0, parent);
    json_put_object(w);
    put_hex(w, "traceId", c->trace, 16);
    put_hex(w, "spanId", own, 8);
    if (s->attempt > 0)
        put_hex(w, "parentSpanId", parent, 8);
    else if (c->has_parent)
        put_hex(w, "parentSpanId", c->parent, 8);
    json_put_name(w, STR("name"));
    json_put_format(w, "%.*s%s%.*s", STR_ARG(s->operation), s->model.len > 0 ? " " : "",
                    STR_ARG(s->model));
    json_put_member_i64(w, "kind", s->kind);
    put_time(w, "startTimeUnixNano", s->began_unix_ms);
    put_time(w, "endTimeUnixNano", s->began_unix_ms + (s->took_ms > 0 ? s->took_ms : 0));
    if (s->error != NULL) {
        json_put_name(w, STR("status"));
        json_put_object(w);
        json_put_member_i64(w, "code", STATUS_ERROR);
        json_put_member(w, "message", str_c(s->message));
        json_put_end(w);
    }
    json_put_name(w, STR("attributes"));
    json_put_array(w);
    span_put_text(w, "gen_ai.operation.name", s->operation);
    span_put_text(w, "gen_ai.request.model", s->model);
    if (s->error != NULL)
        span_put_text(w, "error.type", str_c(s->error));
}

static void span_end(struct json_writer *w)
{
    json_put_end(w);
    json_put_end(w);
}

static void put_request(struct json_writer *w, const struct access_record *r, struct str operation)
{
    bool good = r->ending == ENDING_COMPLETE;

    span_begin(w, &(struct span){ .r = r,
                                  .kind = SPAN_SERVER,
                                  .began_unix_ms = r->started_unix_ms,
                                  .took_ms = r->duration_ms,
                                  .operation = operation,
                                  .model = r->model,
                                  .error = good ? NULL : ending_word(r->ending),
                                  .message = good ? NULL : ending_text(r->ending) });
    span_put_text(w, "gen_ai.provider.name", gen_ai_provider(r->provider));
    span_put_text(w, "gen_ai.response.model", r->mapped_model);
    span_put_text(w, "gen_ai.conversation.id", r->session);
    put_usage(w, &r->usage);
    put_bool(w, "gen_ai.request.stream", r->stream);
    span_put_text(w, "url.path", r->path);
    put_number(w, "http.response.status_code", r->status);
    put_number(w, "http.request.body.size", (int64_t)r->bytes_in);
    put_number(w, "http.response.body.size", (int64_t)r->bytes_out);
    span_put_text(w, "penstock.request_id", str_c(r->request_id));
    span_put_text(w, "penstock.protocol", r->protocol);
    span_put_text(w, "penstock.client_key", r->client_key);
    span_put_text(w, "penstock.ending", str_c(ending_word(r->ending)));
    put_number(w, "penstock.attempts", r->attempt_count);
    put_number(w, "penstock.first_byte_ms", r->first_byte_ms);
    span_end(w);
}

static void put_attempt(struct json_writer *w, const struct access_record *r, struct str operation,
                        const struct access_attempt *a, bool privacy)
{
    bool good = a->verdict == VERDICT_SUCCESS;

    span_begin(
        w, &(struct span){ .r = r,
                           .attempt = a->number,
                           .kind = SPAN_CLIENT,
                           .began_unix_ms = r->started_unix_ms + (a->started_ms - r->started_ms),
                           .took_ms = a->duration_ms,
                           .operation = operation,
                           .model = r->mapped_model,
                           .error = good ? NULL : verdict_word(a->verdict),
                           .message = good ? NULL : verdict_text(a->verdict) });
    span_put_text(w, "gen_ai.provider.name", gen_ai_provider(a->provider));
    put_usage(w, &a->usage);
    put_number(w, "http.response.status_code", a->status > 0 ? a->status : -1);
    if (!privacy)
        span_put_text(w, "penstock.account", str_c(a->label));
    attribute_begin(w, "penstock.account.id", "intValue");
    json_put_format(w, "%" PRId64, a->account_id);
    attribute_end(w);
    span_put_text(w, "penstock.pick.reason", str_c(pick_reason_word(a->pick->reason)));
    span_put_text(w, "penstock.verdict", str_c(verdict_word(a->verdict)));
    put_number(w, "penstock.attempt", a->number);
    put_number(w, "penstock.waited_ms", a->waited_ms > 0 ? a->waited_ms : -1);
    put_number(w, "penstock.first_byte_ms", a->first_byte_ms);
    if (a->locks.scope != NULL)
        span_put_text(w, "penstock.lockout.scope", str_c(a->locks.scope));
    span_end(w);
}

uint32_t spans_put(struct json_writer *w, const struct access_record *r, bool privacy)
{
    struct str operation = gen_ai_operation(r->protocol, r->path);

    put_request(w, r, operation);
    for (uint32_t i = 0; i < r->attempts_kept; i++)
        put_attempt(w, r, operation, &r->attempts[i], privacy);
    return 1 + r->attempts_kept;
}
