/* simulator/reply.c - framing of events: SSE lines, or the elements of a JSON array. */
#include "simulator/reply.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"

void reply_init(struct reply *r)
{
    *r = (struct reply){ .status = 200, .eol = STR("\n") };
    buf_init(&r->body, REPLY_BYTES_MAX);
}

void reply_clear(struct reply *r)
{
    buf_clear(&r->body);
    free(r->marks);
    r->marks = NULL;
    r->mark_count = r->mark_cap = 0;
}

void reply_restart(struct reply *r, int status)
{
    r->status = status;
    r->body.len = 0;
    r->mark_count = r->field_count = 0;
    r->stream = r->array = r->full = r->raw = false;
}

void reply_field(struct reply *r, struct str name, struct str value)
{
    assert(r->field_count < REPLY_FIELDS_MAX);
    r->fields[r->field_count++] = (struct http_field){ name, value };
}

void reply_quote(struct reply *r, struct str text)
{
    if (!json_quote(&r->body, text))
        r->full = true;
}

void reply_i64(struct reply *r, int64_t n)
{
    if (!buf_printf(&r->body, "%" PRId64, n))
        r->full = true;
}

void reply_open(struct reply *r, struct str name)
{
    if (r->array) {
        reply_put(r, r->mark_count == 0 ? STR("[") : STR(",\r\n"));
        return;
    }
    if (name.len > 0) {
        reply_put(r, STR("event: "));
        reply_put(r, name);
        reply_put(r, r->eol);
    }
    reply_put(r, STR("data: "));
}

void reply_mark(struct reply *r, enum event_class class)
{
    if (r->mark_count == r->mark_cap) {
        r->mark_cap = r->mark_cap == 0 ? 64 : r->mark_cap * 2;
        r->marks = must_realloc(r->marks, sizeof(*r->marks) * r->mark_cap);
    }
    r->marks[r->mark_count++] = (struct event_mark){ .end = r->body.len, .class = class };
}

void reply_close(struct reply *r, enum event_class class)
{
    if (r->array) {
        reply_put(r, STR("\n"));
    } else {
        reply_put(r, r->eol);
        reply_put(r, r->eol);
        for (uint32_t i = 0; i < r->comments; i++) {
            reply_put(r, STR(": keep-alive"));
            reply_put(r, r->eol);
            reply_put(r, r->eol);
        }
    }
    reply_mark(r, class);
    if (class == EVENT_CONTENT && r->bad_json_pending) {
        r->bad_json_pending = false;
        reply_open(r, STR(""));
        reply_put(r, STR("{\"broken\": \"no end"));
        reply_close(r, EVENT_CONTENT);
    }
}

void reply_truncate(struct reply *r, uint32_t count)
{
    assert(count <= r->mark_count);
    r->mark_count = count;
    r->body.len = count > 0 ? r->marks[count - 1].end : 0;
}

uint32_t reply_handshake(const struct reply *r)
{
    uint32_t n = 0;

    while (n < r->mark_count && r->marks[n].class == EVENT_HANDSHAKE)
        n++;
    return n;
}
