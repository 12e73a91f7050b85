/* tests/sim/canned.h - what clients ask and upstreams answer in the simulated tests, in the four
 * protocols; and what a stream that reached a client amounts to.
 *
 * Written by hand, apart from src/wire: so that the tests do not believe what they test. Streams
 * are judged by the grammar of tests/unit/wire as well. Memory: the given arena. */
#ifndef PENSTOCK_CANNED_H
#define PENSTOCK_CANNED_H

#include "base/arena.h"
#include "wire/protocol.h"

#define CANNED_PIECES_MAX 80

/* An answer, as a whole and as the events of a stream. */
struct canned {
    struct str events[CANNED_PIECES_MAX + 12];
    size_t count;
    size_t content_at; /* first event that carries content */
    size_t finish_at;  /* the one that says why generation ended */
    size_t end_at;     /* the terminator; `count` where the wire has none */
    size_t usage_at;   /* the usage chunk that only those see who asked; SIZE_MAX: none */
    struct str whole;
    struct str text; /* the content */
};

void canned_answer(struct arena *a, enum wire wire, struct str model, const struct str *pieces,
                   size_t count, struct canned *out);
/* `hello`: three pieces; `long`: a megabyte of them; `empty`: no content at all; `signed`: `hello`
 * in one piece behind encrypted thinking, on the wire that has it. False: no such. */
bool canned_named(struct arena *a, enum wire wire, struct str model, struct str name,
                  struct canned *out);
/* The events as a client sees that did not ask for usage. */
struct str canned_stream(struct arena *a, bool json_array, const struct canned *c);

/* The body of a request whose user says `text`. Gemini's model is in the path. */
struct str canned_request(struct arena *a, enum wire wire, struct str model, bool stream,
                          struct str text);
struct str canned_model(enum wire wire);
/* Which protocol a path belongs to, of a client or an upstream. */
enum wire canned_wire(struct str path);

/* An error in the form of the wire: as a body, and as an event in a stream. */
struct str canned_error(struct arena *a, enum wire wire, int status, struct str type,
                        struct str text);
struct str canned_error_event(struct arena *a, enum wire wire, struct str type, struct str text);

/* A stream, as its client reads it. */
struct tally {
    uint32_t successes;   /* terminators, or what stands for one */
    uint32_t errors;      /* error events */
    uint32_t keep_alives; /* pings, comments, blank lines of an array */
    bool behind;          /* something came behind the terminator or error */
    bool torn;            /* the last event is not whole, or the array is not closed */
    const char *broken;   /* the rule of the protocol's grammar that does not hold; NULL: all do */
    struct str text;      /* content */
    struct str rest;      /* all of it but for the keep-alives */
};

struct tally stream_tally(struct arena *a, enum wire wire, bool json_array, struct str body);
/* The content of an answer that is not streamed. */
struct str whole_text(enum wire wire, struct str body);

#endif
