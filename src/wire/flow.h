/* wire/flow.h - a long event that passes through without being held whole.
 *
 * An event is held until it is complete, so that it can be judged; but an image of 10 MB is one
 * string in one event. When an event that may pass has grown long and stands inside a long string,
 * the string flows: what came so far goes out, and the rest of the string as it comes, checked byte
 * by byte. The reader of events keeps a stand-in of one byte for it, so the event that it gives in
 * the end is short and complete, is read like any other, and what lies behind the string goes out
 * then. Should it never come, what the client has is closed, so that it is JSON. Threads: pure.
 * Memory: none of its own. */
#ifndef PENSTOCK_WIRE_FLOW_H
#define PENSTOCK_WIRE_FLOW_H

#include "http/sse.h"
#include "wire/format.h"

#define FLOW_EVENT_MIN ((size_t)64 << 10)  /* shorter events are held */
#define FLOW_STRING_MIN ((size_t)16 << 10) /* and so are events without such a string */
#define FLOW_DEPTH_MAX 15                  /* or with one that lies deeper */

struct flow {
    bool inside;               /* a string flows */
    struct json_string string; /* … its check */
    size_t given;              /* bytes of the event, as the reader holds it, that were given out */
    int64_t passed;            /* bytes of it that were given out and are not held */
    size_t try_at;             /* look again when so many bytes are held */
    int64_t sequence;          /* what the next event's number is then; 0 when it has none */
    uint8_t closing_len;       /* what closes the string and all that is open around it … */
    char closing[1 + FLOW_DEPTH_MAX];
};

/* What may go out of an event that has begun. */
struct flow_start {
    struct str block;            /* all that is held */
    size_t data_at;              /* in `block`: where its data begins */
    size_t inside_at;            /* … and the inside of the string that will flow */
    struct json_closers closers; /* what is open around it */
    int64_t sequence;            /* as in `flow` */
    struct event_view view;      /* of the event as if it ended here; its spans lie in `block` */
};

/* May the event flow? `scratch` is used. False: not now, or not at all. */
bool flow_may_start(struct flow *f, const struct sse *sse, enum wire wire, struct arena *scratch,
                    struct flow_start *out);

/* The event is over. */
static inline void flow_reset(struct flow *f)
{
    f->given = 0;
    f->passed = 0;
    f->try_at = 0;
    f->sequence = 0;
}

#endif
