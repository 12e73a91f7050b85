/* wire/translate.h - a client of one protocol served over another wire.
 *
 *     client's body ─ read ─► canonical request ─ prepare, write ─► upstream's body
 *     upstream's answer ─ decode ─► events ─ encode ─► client's answer
 *
 * The upstream's body is a function of the client's bytes and the target alone. Every loss is
 * named. Threads: own.   Memory: requests in the arena given; translator_clear(). */
#ifndef PENSTOCK_WIRE_TRANSLATE_H
#define PENSTOCK_WIRE_TRANSLATE_H

#include "wire/convert.h"
#include "wire/repeat.h"

/* The whole of a client's request. False: `why` tells. */
bool translate_read(enum wire protocol, struct str body, struct str path_model, bool stream,
                    struct arena *a, struct canon_request *out, struct wire_complaint *why);

/* A request as it goes upstream. */
struct translated {
    struct buf body;         /* without … */
    struct json_loans loans; /* … long pieces that stay in the client's body */
    struct losses losses;    /* of the target; those of the reader are in the request */
    struct name_map names;
    const struct text *stops; /* sequences the target does not know: watched for in its answer */
    size_t stop_count;
    struct written written; /* the rest that the writer had to say */
};
/* False: the target cannot take it (`why`). `out` is cleared with translated_clear(); its body
 * needs the bytes that `r` was read from. */
bool translate_write(const struct canon_request *r, const struct wire_target *t, size_t bytes_max,
                     struct arena *a, struct translated *out, struct wire_complaint *why);
/* The whole of the body, in order; the list is in the arena. Returns how many parts. */
size_t translated_parts(const struct translated *t, struct str **parts, size_t *bytes);
void translated_clear(struct translated *t);

/* --- the way back -----------------------------------------------------------------------------*/

struct translator {
    struct encode_options o;
    const struct converter *from, *to;
    struct decoder decoder;
    struct encoder encoder;
    char *states; /* of decoder and encoder, or of the first and the answer, in one piece */
    struct canon_answer *answer; /* of a client that gets it in one piece; else NULL */
    enum stop_cause paused;      /* the turn can be gone on with; STOP_NONE: it cannot */
    enum stop_cause left_at;     /* how the answer before this one had ended */
    uint32_t pauses;             /* how many times it was */
    struct buf resume;           /* the provider's token for that */
    struct canon_answer *so_far; /* what it has said, where that must go back; else NULL */
    struct usage before, sum;    /* of the requests before; of all */
    struct repeat *repeat;       /* of the event before, the caller's; NULL: each is read */
    struct text said;            /* by the event at hand, … */
    bool said_more;              /* … and something else than one piece of text */
    struct buf arguments;        /* of the open call, until they are known to be JSON */
    bool unchecked;              /* more of them than are kept */
    bool content;                /* something of the model's own has come */
    bool bad_arguments;          /* a call's arguments are no JSON, or it has no name */
    bool nameless;               /* such a call is open */
    bool over;                   /* the legal end was given to the encoder */
    bool cut_short;              /* … by us: the upstream may still be talking */
    struct {                     /* stop sequences that the target does not know */
        const struct text *texts;
        size_t count;
        struct buf tail; /* plain text held back because one may have begun in it */
        bool in_text;    /* a block of text is open */
    } stop;
};

/* `whole`: the client gets its answer in one piece. What `o` and `stops` point to must outlive the
 * translator. */
void translator_init(struct translator *t, enum wire wire, const struct encode_options *o,
                     const struct translated *asked, bool whole);
void translator_clear(struct translator *t);

/* What is needed still of the request, and of what it became, is copied: the client's bytes, and
 * what was made of them, may go. False: they may not. */
bool translator_settle(struct translator *t, struct arena *a);

enum translation {
    TRANSLATION_MORE,   /* look at `content` */
    TRANSLATION_END,    /* the legal end was written */
    TRANSLATION_PAUSED, /* next comes translator_go_on() or translator_end_paused() */
    TRANSLATION_ERROR,  /* the upstream's error: judge the data */
    TRANSLATION_BROKEN, /* no legal end, or an end that must not be passed on */
    TRANSLATION_BAD,    /* an event that is no JSON, or none of this wire: dropped */
};

/* One event of the upstream; bytes for the client are added to `out`. */
enum translation translator_event(struct translator *t, struct str name, struct str data,
                                  struct arena *scratch, struct buf *out);
/* The upstream's body is over; `clean`: with its framing whole. END or BROKEN. */
enum translation translator_finish(struct translator *t, bool clean, struct arena *scratch,
                                   struct buf *out);
/* The upstream's answer in one piece, whatever the client wants. Not MORE. */
enum translation translator_whole(struct translator *t, struct str body, struct arena *scratch,
                                  struct buf *out);

/* --- turns that are paused ----------------------------------------------------------------------
 *
 * Two providers end an answer that is not over: Anthropic while its own tools run long
 * (`pause_turn`), Google where one request may not give more (`CONTINUATION`). With
 * `encode_options.pauses_max` the client sees nothing of it: it is one answer, in one stream. */

/* The request that goes on with the turn, in terms of the client's own: borrows from the translator
 * until it is written. */
void translator_resume(const struct translator *t, const struct canon_request *r, struct arena *a,
                       struct canon_request *out);
/* The answer to that request, which was written as `asked`, comes next. */
void translator_go_on(struct translator *t, const struct translated *asked);
/* It cannot be gone on with, and nothing has come since: what there is ends as cut by a limit where
 * that was why it paused (END), else not at all (BROKEN). */
enum translation translator_end_paused(struct translator *t, struct arena *scratch,
                                       struct buf *out);
/* Tokens of all requests of the turn so far. */
const struct usage *translator_usage(struct translator *t);

#endif
