/* wire/convert.h - what each protocol's folder gives to the translation: a reader and a writer of
 * requests, a decoder and an encoder of answers.
 *
 * Everything is pure; translate.h is the way in from outside.
 * Threads: own.   Memory: requests in the request's arena; a decoder and an encoder keep what a
 * stream needs in `state`, which their `clear` frees. */
#ifndef PENSTOCK_WIRE_CONVERT_H
#define PENSTOCK_WIRE_CONVERT_H

#include "base/json_write.h"
#include "wire/event.h"
#include "wire/format.h"
#include "wire/names.h"
#include "wire/target.h"

/* --- requests ---------------------------------------------------------------------------------*/

/* What the body alone does not say: for the head of the request, and for reading its answer.
 * Empty where it does not apply. */
struct written {
    struct str anthropic_version; /* the API version that this body keeps to */
    struct str json_tool; /* forced upon the model to get JSON: its arguments are the text */
    struct text prefill;  /* the answer may begin with this once more: cut it off */
};

/* One request being written. */
struct request_writer {
    const struct canon_request *r; /* prepared for the target: prepare.h */
    const struct wire_target *t;
    struct arena *a;
    struct json_writer *w;
    struct losses *losses;
    const struct name_map *names;
    struct wire_complaint *why;
    /* Set by the writer: a bit for each of the request's stop sequences that the target was told.
     * The others are watched for in its answer. */
    uint64_t stops_native;
    struct written written; /* set by the writer */
};

/* A field of the client that the target does not get; nothing happens when it was not given. */
void lose_path(struct request_writer *w, struct str path);
void approximate_path(struct request_writer *w, struct str path);
static inline void lose_field(struct request_writer *w, enum field f)
{
    if (w->r->where[f].len > 0)
        lose_path(w, w->r->where[f]);
}
static inline void approximate_field(struct request_writer *w, enum field f)
{
    if (w->r->where[f].len > 0)
        approximate_path(w, w->r->where[f]);
}
/* All breakpoints of the prompt's cache. */
void lose_cache_marks(struct request_writer *w);
/* What only the client's own protocol has (canonical.h: extras), for a target of another wire: all
 * of it is lost; false when something of it cannot be left out. */
bool lose_extras(struct request_writer *w);
/* Names, titles, citations and the like that stand beside the content, for a target of another wire
 * than the client's protocol. */
void lose_details(struct request_writer *w);
/* False, always: a response that is stored elsewhere, with the code at which clients send all of
 * it. */
bool refuse_previous(struct request_writer *w);
/* False, with the complaint in the client's own words. */
bool refuse_field(struct request_writer *w, enum field f, struct str message);
bool refuse_path(struct request_writer *w, struct str path, struct str message);

/* --- answers from an upstream -----------------------------------------------------------------*/

enum decoded {
    DECODED_MORE,  /* go on */
    DECODED_END,   /* CANON_END was given to the sink */
    DECODED_ERROR, /* the wire's error form: the caller judges the data */
    DECODED_CUT,   /* no legal end of this wire */
    DECODED_BAD,   /* nothing this wire knows; the event is dropped and counted */
};

/* What is open of one choice. */
struct decode_choice {
    uint32_t open : 1, kind : 3, saw_tool : 1;
    uint32_t high : 11; /* a surrogate that waits for its partner: its low ten bits, and a mark */
};

#define DECODE_CALLS_MAX 64 /* of one answer whose ids are looked at */

struct decoder {
    enum wire wire;
    struct arena *scratch; /* for one event */
    void (*sink)(void *peer, const struct canon_event *ev);
    void *peer;
    uint64_t seed;   /* for ids that the upstream does not give (gemini): the same for one answer */
    bool one_choice; /* the client asked for one: several are pieces of it */
    uint32_t choices; /* that were asked for: a stream that just ends without all of them was cut */
    uint32_t lone;    /* surrogate escapes without a partner in the event at hand */
    /* kept by decode_* (decode.c) */
    bool started, ended, first_finished;
    uint32_t choice; /* the one that the next four tell of; `parked`: the others */
    bool open;
    enum block_kind kind; /* of the open block */
    bool saw_tool;
    uint32_t high;
    bool summary_break; /* set by a decoder: the next delta begins a new part of a summary */
    enum phase phase;   /* set by a decoder: of the texts that it opens */
    struct text resume; /* set by a decoder before it finishes the choice that may go on */
    struct decode_choice *parked; /* ANSWER_CHOICES_MAX; NULL: there is one choice so far */
    uint32_t *calls; /* DECODE_CALLS_MAX hashes of the ids of calls: each stands once; or NULL */
    uint32_t call_count;
    struct usage usage;
    struct written asked; /* of the request that is being answered */
    void *state;          /* the wire's own */
};

struct decode_ops {
    size_t state_bytes;
    /* One event of a stream; `doc` is its data, an object. */
    enum decoded (*event)(struct decoder *d, struct str name, const struct json *doc);
    /* An event that differs from the one before it in a piece of text (and in what no decoder
     * reads) is not parsed: this does with the text what `event` did. False: it has to be read
     * after all. NULL: decode_delta() is all there is to do. */
    bool (*again)(struct decoder *d, struct text text);
    /* `data: [DONE]` came, or the body ended (`eof`; `clean` when its framing did). */
    enum decoded (*done)(struct decoder *d, bool eof, bool clean);
    /* A whole answer that is not streamed. */
    enum decoded (*whole)(struct decoder *d, const struct json *doc);
    void (*clear)(void *state); /* may be NULL; the block itself is freed by the caller */
};

void decode_clear(struct decoder *d); /* but for `state` */

/* For decoders: keep the order of events, and see to what all wires share. `choice` is below
 * ANSWER_CHOICES_MAX; blocks of several choices may be open at once, one of each. */
void decode_start(struct decoder *d, struct str id, struct str model);
/* Opens a block of text, thinking or refusal unless one of this kind is open; closes another. */
void decode_switch(struct decoder *d, uint32_t choice, enum block_kind kind);
void decode_open_tool(struct decoder *d, uint32_t choice, struct str id, struct str name,
                      struct str name_space, bool custom);
/* A surrogate escape cut in two by the upstream's deltas is joined again, one without a partner
 * becomes U+FFFD: decoders need not look at them. */
void decode_delta(struct decoder *d, uint32_t choice, struct text text);
/* A whole picture or sound (base64) as a block of its own. */
void decode_media(struct decoder *d, uint32_t choice, struct text mime, struct text data);
/* A citation of the open or last block of text. */
void decode_note(struct decoder *d, uint32_t choice, const struct canon_note *note);
/* Progress or result of a tool that the provider ran itself. */
void decode_server(struct decoder *d, uint32_t choice, const struct opaque *server);
void decode_signature(struct decoder *d, uint32_t choice, const struct signature *sig, bool behind);
void decode_close(struct decoder *d, uint32_t choice);
void decode_usage(struct decoder *d);
/* A finish of STOP_DONE (or of a cause that most protocols have no word for) behind tool calls is
 * STOP_TOOL_USE, one of STOP_TOOL_USE without any is STOP_DONE. */
void decode_finish(struct decoder *d, uint32_t choice, enum stop_cause cause, struct text detail);
enum decoded decode_end(struct decoder *d);

/* --- answers to a client ----------------------------------------------------------------------*/

struct encode_options {
    enum wire protocol;
    const struct canon_request *request;
    const struct name_map *names;
    struct str model; /* the name the client asked for */
    struct str id;    /* hex digits of ours: `chatcmpl-`, `resp_`, `msg_` come before it */
    int64_t created_unix_s;
    bool json_array; /* gemini without alt=sse */
    bool show_thinking;
    bool image_markdown; /* openai-chat: pictures stand in the text, too, as markdown */
    size_t bytes_max;    /* of an answer that has to be kept (openai-responses) */
    uint32_t pauses_max; /* so many times a turn that its provider paused is gone on with */
    /* every event, before it is encoded; NULL: nobody */
    void (*on_event)(void *peer, const struct canon_event *ev);
    /* openai-responses: what is said of it beside the answer, and who wants the whole object */
    bool stores;
    struct str previous_response;
    void (*on_response)(void *peer, struct str id, struct str response);
    void *peer;
};

/* What of a request shapes the events of its answer. */
struct answer_form {
    bool legacy, wants_usage, functions; /* openai-chat: as in struct canon_request */
    bool cites;                          /* the client turned on something whose answers cite */
    const struct tool *tools;            /* those that take free text are among them */
};
struct answer_form answer_form_of(const struct canon_request *r);

struct encoder {
    const struct encode_options *o;
    struct answer_form form;
    struct buf *out; /* bytes for the client are added here */
    struct arena *scratch;
    bool full;        /* `out` could not take all: the stream is broken */
    bool begun;       /* json_array: the first element was written */
    size_t data_at;   /* where the data of the event at hand begins in `out` */
    int64_t sequence; /* openai-responses: of the next event */
    void *state;
};

struct encode_ops {
    size_t state_bytes;
    void (*event)(struct encoder *e, const struct canon_event *ev);
    /* A whole answer; false when `out` is full. */
    bool (*whole)(const struct canon_answer *an, const struct encode_options *o,
                  struct arena *scratch, struct buf *out);
    void (*clear)(void *state); /* may be NULL */
    bool repeats; /* its events say again what the request said: it is needed to the end */
};

/* An event of the stream around the JSON that is written in between: `event:` line when there is a
 * name, `data: `, the blank line; or the array's separators. */
struct json_writer encode_begin(struct encoder *e, struct str name);
void encode_finish(struct encoder *e, struct json_writer *w);
/* A line of data that is no JSON: `[DONE]`. */
void encode_raw(struct encoder *e, struct str data);

/* --- the four, and cloudcode ------------------------------------------------------------------*/

struct converter {
    /* The client's request; the document's root is an object, all of it on the tape. False: `why`
     * tells. NULL for wires that are no protocol. */
    bool (*read)(const struct json *doc, struct canon_request *r, struct arena *a,
                 struct wire_complaint *why);
    /* The upstream's body. False: `w->why` tells what cannot be said to this target. */
    bool (*write)(struct request_writer *w);
    struct decode_ops decode;
    struct encode_ops encode; /* `event` NULL for cloudcode */
};

extern const struct converter convert_openai_chat, convert_openai_responses, convert_anthropic,
    convert_gemini, convert_cloudcode;

#endif
