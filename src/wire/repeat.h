/* wire/repeat.h - events of a stream that say the same as the one before, but for a piece of text.
 *
 * Nearly all events of a stream do. The first of them is read; from then on an event with the same
 * bytes around another text needs no reading: it does to its reader what the first one did. What
 * counts events or pads them (`sequence_number`, `obfuscation`) may differ, too.
 * Threads: values.   Memory: repeat_clear(). */
#ifndef PENSTOCK_WIRE_REPEAT_H
#define PENSTOCK_WIRE_REPEAT_H

#include "wire/canonical.h"

#define REPEAT_BYTES_MAX 1024 /* a longer event is read each time */
#define REPEAT_GAPS 3         /* text, number, padding */
#define REPEAT_UNLIKE_MAX 16  /* events in a row that were unlike the one before: enough learnt */

struct repeat {
    bool known;
    uint8_t unlike;    /* how many events were learnt since one was like the one before */
    struct buf bytes;  /* the event's name, and its data without what differs */
    uint32_t name_len; /* in front of the data */
    uint32_t gap_count;
    struct repeat_gap {
        uint32_t at; /* in `bytes`: it stands before this one */
        enum repeat_kind { REPEAT_TEXT, REPEAT_STRING, REPEAT_NUMBER } kind;
    } gaps[REPEAT_GAPS];
    struct {
        uint32_t at, len; /* at: from the data's beginning, or … */
        bool behind;      /* … its end */
    } mark;
};

void repeat_init(struct repeat *r);
void repeat_clear(struct repeat *r);
/* The event of this document said `text`, which is a slice of it, and nothing else. */
void repeat_learn(struct repeat *r, struct str name, const struct json *doc, struct text text);
static inline void repeat_forget(struct repeat *r)
{
    r->known = false;
}
/* … and this slice of it is wanted of those that are like it. False, and nothing is learnt: what
 * differs stands on both sides of it. */
bool repeat_mark(struct repeat *r, struct str data, struct str slice);

/* What an event says that is like the one that was learnt. */
struct repeated {
    struct text text;  /* not empty, and valid without surrogates that lack their partner */
    struct str number; /* its sequence_number, at most 18 digits; or empty */
    struct str marked;
};
bool repeat_is(struct repeat *r, struct str name, struct str data, struct repeated *out);

#endif
