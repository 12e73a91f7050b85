/* simulator/reply.h - the bytes of an answer, and where its events end.
 *
 * Everything is made before the first byte goes out; sending is then only a matter of time. Events
 * have a class, so that "stall behind the first content" or "leave the terminator out" means the
 * same on each wire. Threads: pure.   Memory: reply_clear(); fields borrow from the arena. */
#ifndef PENSTOCK_SIMULATOR_REPLY_H
#define PENSTOCK_SIMULATOR_REPLY_H

#include "base/buf.h"
#include "simulator/directive.h"
#include "simulator/plan.h"

#define REPLY_BYTES_MAX ((size_t)64 << 20)
#define REPLY_FIELDS_MAX (TROUBLE_FIELDS_MAX + DIRECTIVE_HEADERS_MAX + 8)

enum event_class {
    EVENT_HANDSHAKE, /* commits to nothing: role chunk, message_start, response.created */
    EVENT_CONTENT,
    EVENT_FINISH, /* says how it ended */
    EVENT_LAST,   /* the terminator */
};

struct event_mark {
    size_t end; /* offset behind the event */
    enum event_class class;
};

struct reply {
    int status;
    struct http_field fields[REPLY_FIELDS_MAX];
    uint32_t field_count;
    struct buf body;
    struct event_mark *marks;
    uint32_t mark_count, mark_cap;
    bool stream; /* body is a run of events */
    bool array;  /* … of one JSON array */
    bool full;   /* it did not fit: not to be sent */
    bool raw;    /* the body is not even HTTP */
    struct str eol;
    uint32_t comments;     /* comment blocks behind each event */
    bool bad_json_pending; /* the first content event is to be followed by a broken one */
};

void reply_init(struct reply *r);
void reply_clear(struct reply *r);
/* Empties the body and sets the status: an error instead of an answer. */
void reply_restart(struct reply *r, int status);
void reply_field(struct reply *r, struct str name, struct str value);

static inline void reply_put(struct reply *r, struct str text)
{
    if (!buf_add(&r->body, text))
        r->full = true;
}
void reply_quote(struct reply *r, struct str text); /* as a JSON string */
void reply_i64(struct reply *r, int64_t n);

/* An event: its data is what is put between the two. `name` empty: without an `event:` line. */
void reply_open(struct reply *r, struct str name);
void reply_close(struct reply *r, enum event_class class);
/* What was put since the last mark belongs to an event of that class. */
void reply_mark(struct reply *r, enum event_class class);
/* Drops the events from `count` on. */
void reply_truncate(struct reply *r, uint32_t count);
/* How many events stand before the first one with content. */
uint32_t reply_handshake(const struct reply *r);

#endif
