/* wire/openai_responses/convert_int.h - the pieces of the folder's converter (convert.c joins
 * them). */
#ifndef PENSTOCK_WIRE_OPENAI_RESPONSES_CONVERT_INT_H
#define PENSTOCK_WIRE_OPENAI_RESPONSES_CONVERT_INT_H

#include "wire/convert.h"
#include "wire/format_int.h"

/* Is the member `name` (a literal) the string `word`? */
#define member_says(doc, object, name, word) node_says((doc), member((doc), (object), name), word)
static inline bool node_says(const struct json *doc, uint32_t node, const char *word)
{
    return is_type(doc, node, JSON_STRING) && json_says(doc, node, str_c(word));
}

bool responses_read(const struct json *doc, struct canon_request *r, struct arena *a,
                    struct wire_complaint *why);
bool responses_write(struct request_writer *w);

/* What is known of a stream from upstream. */
struct responses_decoder {
    int64_t item;      /* output_index of the item that is being followed */
    bool following;    /* it is not done yet */
    bool opened;       /* … and has opened a block */
    bool piece;        /* text has come of the open part */
    bool called;       /* the item is a call and has opened its block … */
    bool argued;       /* … of which arguments have come */
    bool raw_thinking; /* reasoning_text has come, and no summary counts any more */
    int64_t summary;   /* index of the part of the summary that came last; -1: none */
    uint32_t notes;    /* annotations of the open part */
    bool any, refused; /* of the whole answer */
    bool lost;         /* of arguments: no room for what waits, or no block for them */
    struct buf late;   /* raw items, each behind a comma */
};

enum decoded responses_decode_event(struct decoder *d, struct str name, const struct json *doc);
enum decoded responses_decode_done(struct decoder *d, bool eof, bool clean);
enum decoded responses_decode_whole(struct decoder *d, const struct json *doc);
void responses_decode_clear(void *state);

enum said {
    SAID_NOTHING,
    SAID_TEXT,
    SAID_REFUSAL,
    SAID_CALL,
    SAID_CUSTOM_CALL,
    SAID_REASONING,
};

/* A stream for a client: the item at hand, and what is kept for the end. */
struct responses_encoder {
    enum said kind;   /* of the item at hand */
    enum phase phase; /* of a text */
    bool closed;      /* its block is: it is finished when something else comes */
    bool wrapped;     /* custom call: the target calls a function with `input` */
    bool refused;
    bool carries;     /* `encrypted` goes behind the item at hand, which is no reasoning */
    uint32_t index;   /* of the item at hand, else of the next */
    uint32_t summary; /* index of the open part of a summary */
    bool summary_open;
    uint32_t call_id_len, name_len;
    struct buf call;       /* id, name and namespace, one behind the other */
    uint32_t delta_number; /* where in `delta` the number of the event goes */
    struct buf delta;      /* what deltas of this piece have in common */
    struct buf text;       /* of the open part; escaped */
    struct buf parts;      /* finished parts of the summary */
    struct buf held_notes; /* annotations, a NUL behind each; without its end when that is the end
                              of the text */
    struct buf notes;      /* annotations that were told */
    struct buf encrypted;  /* of this item, or of the next when none is open; escaped */
    struct buf output;     /* finished items */
    struct usage usage;
    enum stop_cause cause;
};

void responses_encode_event(struct encoder *e, const struct canon_event *ev);
bool responses_encode_whole(const struct canon_answer *an, const struct encode_options *o,
                            struct arena *scratch, struct buf *out);
void responses_encode_clear(void *state);

#endif
