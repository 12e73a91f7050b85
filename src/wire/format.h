/* wire/format.h - what the gateway must know of each protocol to pass it through: which members of
 * a request it reads, which may change, and what an answer says along the way.
 *
 * Bytes stay untouched but for the declared edits (docs/protocols/pass-through.md): of a request
 * the model and stream_options.include_usage; of an answer the model's name, a usage chunk nobody
 * asked for, and the terminator. Threads: pure.   Memory: slices borrow from the text read, or live
 * in the arena given. */
#ifndef PENSTOCK_WIRE_FORMAT_H
#define PENSTOCK_WIRE_FORMAT_H

#include "base/json.h"
#include "wire/protocol.h"
#include "wire/repeat.h"
#include "wire/usage.h"

/* --- requests
 * -------------------------------------------------------------------------------------- */

/* A client's request as far as it is read: an index for splicing, and what the scheduler wants to
 * know. */
struct wire_request {
    enum wire protocol;
    struct json doc;  /* the body; the root's members are on the tape, what they hold is folded */
    struct str model; /* decoded */
    struct str model_raw; /* its bytes in the body; empty when the path says it (gemini) */
    bool stream;
    bool wants_usage;         /* openai-chat: asked for the usage chunk itself */
    uint32_t stream_options;  /* node, or JSON_NONE */
    struct str include_usage; /* bytes of stream_options.include_usage, or empty */
    /* what the session key is made of, most telling first; empty when absent */
    struct str user_id; /* anthropic: metadata.user_id */
    struct str previous_response;
    struct str cache_key;   /* prompt_cache_key */
    struct str first_text;  /* first text of a user that is long enough, decoded up to 64 KiB */
    struct str system_text; /* raw JSON of the system text; used only when there is no first_text */
    struct str first_message; /* raw JSON of the first message; likewise */
};

/* What is wrong with a request, in the client's own words for its fields. */
struct wire_complaint {
    struct str param;   /* `messages[2].content`, `model`; empty for the whole body */
    struct str message; /* one sentence */
    struct str code;    /* the protocol's word for it, where clients look for one; else empty */
    bool too_large;     /* a bound of ours: 413 rather than 400 */
};

/* Reads the body; `path_model` and `path_stream` are what the path says (gemini), else empty and
 * false. `mend` as in json.h. False: `why` tells. */
bool wire_read_request(enum wire protocol, struct str body, char *mend, struct str path_model,
                       bool path_stream, struct arena *a, struct wire_request *out,
                       struct wire_complaint *why);

/* The same for what is not a request to generate in the protocol's own form (counting, legacy
 * completions): model and `stream` alone. */
bool wire_read_side_request(enum wire protocol, struct str body, char *mend, struct str path_model,
                            struct arena *a, struct wire_request *out, struct wire_complaint *why);

/* A member of the root that an upstream has refused: left out, or said under another name. */
struct wire_change {
    struct str member;
    struct str rename; /* empty: left out */
};
#define WIRE_CHANGES_MAX 8

/* The edits of a request that passes. */
struct wire_splice {
    struct str model; /* put in place of the client's when it differs */
    bool no_usage;    /* do not ask a chat stream for its usage */
    const struct wire_change *changes;
    size_t change_count;
};

/* The body to send upstream as parts that borrow from the client's body. `parts` has room for
 * WIRE_SPLICE_PARTS_OF the changes. Gives their number; `total` their bytes. */
#define WIRE_SPLICE_PARTS_OF(changes) (2 * ((changes) + 2) + 1)
#define WIRE_SPLICE_PARTS WIRE_SPLICE_PARTS_OF(WIRE_CHANGES_MAX)
size_t wire_splice_request(const struct wire_request *r, const struct wire_splice *s,
                           struct arena *a, struct str *parts, size_t *total);
/* Does the request have such a member? */
bool wire_has_member(const struct wire_request *r, struct str member);

/* --- answers
 * --------------------------------------------------------------------------------------- */

enum finish {
    FINISH_NONE,   /* none yet */
    FINISH_STOP,   /* the model was done, or wants a tool */
    FINISH_LENGTH, /* cut by a limit: open tool arguments may be half */
    FINISH_FILTER, /* blocked by policy: a legal end */
};

/* An answer that is not streamed. */
struct wire_answer {
    struct str
        model_raw; /* span of the model's name in the body, quotes included; empty when absent */
    struct str id; /* openai-responses: of the response; lives as long as the body */
    struct usage usage;
    enum finish finish;
    bool is_error;      /* a 200 that holds the protocol's error form, or nothing of an answer */
    bool may_be_signed; /* something in it may be a signature: signature_scan() */
    bool has_content;
};
/* False: not JSON. `mend` as in json.h; `a` is scratch. */
bool wire_read_answer(enum wire wire, struct str body, char *mend, struct arena *a,
                      struct wire_answer *out);

enum event_kind {
    EVENT_PREAMBLE, /* nothing a client could act on: handshake, role chunk, ping */
    EVENT_CONTENT,  /* the first of these is the content commit */
    EVENT_OTHER,    /* passes, commits nothing: finish without content, usage, annotations */
    EVENT_USAGE,    /* openai-chat: the usage chunk */
    EVENT_END,      /* the terminator of a stream that says it is complete */
    EVENT_ERROR,    /* the protocol's error */
    EVENT_BAD,      /* no JSON: dropped and counted */
};

#define STREAM_CALLS_MAX 128 /* tool calls whose arguments are followed */
#define STREAM_ARGUMENTS_MAX \
    ((size_t)4 << 20) /* bytes of arguments kept for checking, all calls together */

/* What is known of a stream so far. One for each attempt. */
struct stream_state {
    enum wire wire;
    bool content;       /* a content event has passed */
    bool ended;         /* the terminator has come */
    bool bad_arguments; /* a tool call's arguments are no JSON */
    bool unchecked;     /* more arguments than are kept: not judged */
    enum finish finish;
    struct usage usage;
    int64_t sequence;     /* openai-responses: next sequence_number */
    char response_id[96]; /* openai-responses: of the response object; NUL-ended */
    uint32_t bad_events;
    struct {
        int64_t index;
        struct buf text;
    } * calls;
    uint32_t call_count;
    size_t call_bytes;
    struct repeat repeat; /* of the event before */
};

void stream_state_init(struct stream_state *s, enum wire wire);
void stream_state_clear(struct stream_state *s);

/* What one event is. `model_raw` gets the span of the model's name in `data`, or the empty slice.
 * `surrogates` counts lone surrogate escapes in it. `a` is scratch for this event only. */
struct event_view {
    enum event_kind kind;
    struct str model_raw;
    uint32_t surrogates;
    bool may_be_signed; /* as of an answer */
    /* for stream_read_event() itself: */
    struct str text; /* of content: a text that it brings … */
    bool more;       /* … and something that is not the same with every text */
};
void stream_read_event(struct stream_state *s, struct str name, struct str data, struct arena *a,
                       struct event_view *out);
/* Would an end of the stream now be the legal one? (A terminator came, or a finish on wires that
 * may end without one.) Open tool arguments must parse. */
bool stream_is_complete(const struct stream_state *s);

#endif
