/* tests/unit/wire/translation_rig.h - clients of one protocol over upstreams of another, without
 * sockets: requests through reader and writer, recorded answers through the emitter.
 *
 * Used by unit tests and fuzz targets.
 * Threads: pure.   Memory: the arena given. */
#ifndef PENSTOCK_TESTS_TRANSLATION_RIG_H
#define PENSTOCK_TESTS_TRANSLATION_RIG_H

#include "stream_grammar.h"
#include "wire/emitter.h"
#include "wire/reasoning.h"
#include "wire/translate.h"

#define RIG_BYTES_MAX ((size_t)4 << 20)

/* The provider's own service with what is known of the model. */
struct wire_target rig_target(enum wire wire, const char *model);
/* A model of the wire's own provider that can do much. */
const char *rig_model(enum wire wire);

/* --- requests ---------------------------------------------------------------------------------*/

struct rig_request {
    struct canon_request r;
    bool read, written; /* not read: `r` is of no use */
    struct wire_complaint why;
    struct translated out; /* its body is empty: */
    struct str body;       /* … it is here */
    struct str losses;     /* of reader and target, as X-Penstock-Dropped names them, not clipped */
};

/* A client's body to the upstream's. */
void rig_write(enum wire protocol, struct str body, const struct wire_target *target,
               struct arena *a, struct rig_request *out);
/* The client's half only, for the answer to it. */
void rig_read(enum wire protocol, const char *body, struct arena *a, struct rig_request *out);
/* A plain request of each protocol that wants a stream, its usage, and to see thinking. */
const char *rig_ask(enum wire protocol);

/* --- answers ----------------------------------------------------------------------------------*/

struct rig_answer {
    bool done;        /* the legal end; else the error was written */
    bool started;     /* something reached the client before that */
    bool broken;      /* garbage of the upstream, not just a cut */
    struct str bytes; /* all that the client got */
};

#define RIG_NEXT '\x1e'

struct rig_options {
    enum wire wire;
    const struct rig_request *asked;
    bool json_array;
    bool whole;      /* the client wants one piece */
    bool one_piece;  /* `bytes` is an answer in one piece, no stream */
    uint32_t pauses; /* so often a paused turn may be gone on with: `bytes` holds an answer for each
                        request, between RIG_NEXT */
    /* Where all of `asked` lies: freed as soon as the stream can do without. NULL: it stays. */
    struct arena *forgets;
    /* How many bytes to feed next, of so many left; NULL: all at once. */
    size_t (*next)(void *peer, size_t left);
    void *peer;
};

/* What the client of `asked` gets when the upstream sends these bytes and then nothing. A stream
 * without its legal end gets the protocol's error, as the exchange writes it. */
void rig_feed(const struct rig_options *o, struct str bytes, struct arena *a,
              struct rig_answer *out);

/* How the grammar is to be read for this client. */
struct grammar_options rig_grammar(const struct rig_options *o);

#endif
