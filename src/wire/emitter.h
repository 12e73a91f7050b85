/* wire/emitter.h - the one owner of what a streaming client sees.
 *
 * Attempts feed it upstream bytes; it decides which of them reach the client, and when. Until the
 * *content commit* (the first text, thinking or tool delta) everything of an attempt is held back,
 * so that a failed attempt leaves no trace; the *head commit* may come earlier, when the client has
 * waited long. A stream has exactly one legal end: the upstream's own terminator, passed on only
 * when the stream is complete. Any other end becomes the protocol's error event.
 *
 * In a same-protocol stream the bytes pass as they come; the declared edits are the model's name,
 * the usage chunk nobody asked for, the terminator, events behind it, and events that are no JSON.
 * Over another wire the events go through a translator; the two commit points are the same.
 * Threads: pure (a sink does the writing).   Memory: emitter_clear(). */
#ifndef PENSTOCK_WIRE_EMITTER_H
#define PENSTOCK_WIRE_EMITTER_H

#include "http/sse.h"
#include "wire/fault.h"
#include "wire/flow.h"
#include "wire/format.h"
#include "wire/translate.h"

#define EMITTER_HELD_MAX ((size_t)1 << 20) /* bytes of a preamble before any content */
#define EMITTER_BAD_EVENTS_MAX 8
#define EMITTER_PARTS 48

enum emitter_state {
    EMITTER_HELD,    /* nothing has reached the client */
    EMITTER_WAITING, /* head and keep-alives have, no content: another attempt may still take over
                      */
    EMITTER_FLOWING, /* content has: no way back */
    EMITTER_ENDED,   /* one legal end or one error was written */
    EMITTER_STATES,
};

/* Where the bytes go. `start` is called once, before the first write, and says whether the head
 * goes out early, before any account is known to serve. `write` is false when no more should be fed
 * for now. */
struct emitter_sink {
    void (*start)(void *peer, bool early);
    bool (*write)(void *peer, const struct str *parts, size_t count);
    void *peer;
};

struct emitter_options {
    enum wire protocol;
    bool json_array;   /* gemini without alt=sse: one JSON array in place of events */
    bool drop_usage;   /* openai-chat: the usage chunk was our wish, not the client's */
    struct buf *whole; /* the client gets its answer in one piece, which is made in here of a
                          translated one; NULL: as it comes, by the sink */
    struct str model;  /* the name the client asked for: put in place of another one */
    size_t event_bytes_max;
    struct str request_id;
    struct arena *scratch; /* emptied after each feed; may be shared by all streams of a worker */
    struct emitter_sink sink;
    /* openai-responses: told the whole response of a stream that ended well; NULL: nobody. `peer`
     * is the sink's. What a translator makes tells it by its own options. */
    void (*on_response)(void *peer, struct str id, struct str response);
    /* Codex' backend tells what is left of the account in an event of its own, which passes like
     * any other: told its data. NULL: nobody. */
    void (*on_limits)(void *peer, struct str data);
    /* … each signature and encrypted blob of a stream that passes; NULL: nobody */
    void (*on_signature)(void *peer, struct str blob);
};

enum emitter_fed {
    EMITTER_FED,    /* go on */
    EMITTER_FULL,   /* go on when the client has room */
    EMITTER_PAUSED, /* the turn is not over, but this answer is: emitter_go_on() */
    EMITTER_ERROR,  /* the upstream sent the protocol's error: `emitter.error` holds its data */
    EMITTER_BROKEN, /* garbage, an event too large, a preamble without end: a failure of the
                       upstream */
    EMITTER_DONE,   /* the legal end was written */
};

struct emitter {
    struct emitter_options o;
    enum emitter_state state;
    struct sse sse;
    struct stream_state stream;    /* of an attempt over the client's own wire */
    struct flow flow;              /* of the event that is not complete */
    struct translator *translator; /* of one over another; else NULL */
    struct buf held;               /* spans of this attempt that wait for its content */
    struct buf error;              /* data of the error event */
    struct buf items;              /* items of the response so far, when somebody wants it whole */
    struct buf edited;             /* events that had to be written anew, until the next flush */
    struct str *parts;             /* EMITTER_PARTS, on the stack while bytes are worked on */
    size_t part_count;
    bool started, full, finishing;
    uint64_t bytes_out, events_out, events_dropped;
};

void emitter_init(struct emitter *e, const struct emitter_options *options);
void emitter_clear(struct emitter *e);

/* A new attempt begins: what the last one left held is forgotten. Not after the content commit. */
void emitter_attempt(struct emitter *e);
/* … over another wire. The translator's options and what they point to must outlive the attempt. */
void emitter_translate(struct emitter *e, enum wire wire, const struct encode_options *o,
                       const struct translated *asked);
/* Bytes of the upstream's body. What they yield is written before this returns. */
enum emitter_fed emitter_feed(struct emitter *e, struct str bytes);
/* The upstream's body is over. True when that was the legal end, which is then written; false: the
 * stream was cut. */
bool emitter_finish(struct emitter *e);
/* The upstream of a translated attempt answered in one piece, though a stream was asked for. */
enum emitter_fed emitter_take_whole(struct emitter *e, struct str body);
/* The provider has paused the turn (translate.h): nothing more of this answer is read. */
bool emitter_is_paused(const struct emitter *e);
/* Another request, written as `asked`, goes on with it; its answer is fed next. */
void emitter_go_on(struct emitter *e, const struct translated *asked);
/* Nobody can go on, and nothing has come since: what there is ends legally. False: that cannot
 * be. */
bool emitter_end_paused(struct emitter *e);
/* The head commit without content: the client has waited long enough. Nothing happens when it was
 * started before. */
void emitter_start_early(struct emitter *e);
/* A sign of life; only after the head commit. */
void emitter_keep_alive(struct emitter *e);
/* Ends a stream that was started with the protocol's error, unless the client has its end already
 * (Gemini's, which is a chunk like others). */
void emitter_fail(struct emitter *e, const struct fault *f);

/* Tokens of the attempt so far. */
const struct usage *emitter_usage(const struct emitter *e);
/* The upstream's id of the response, where the client has it, too; else empty. */
struct str emitter_response_id(const struct emitter *e);
/* The stream's end was ours (a stop sequence that the upstream does not know): it may still be
 * talking. */
bool emitter_cut_short(const struct emitter *e);

static inline bool emitter_is_started(const struct emitter *e)
{
    return e->started;
}
static inline bool emitter_has_content(const struct emitter *e)
{
    return e->state == EMITTER_FLOWING || e->state == EMITTER_ENDED;
}

#endif
