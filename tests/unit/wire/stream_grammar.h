/* tests/unit/wire/stream_grammar.h - is this what a client of the protocol may read?
 *
 * Knows the streams of the four protocols as their documents and SDKs have them: order of events,
 * indexes, ids, what is said once, what is said of all, one end and nothing behind it. It takes the
 * bytes a client got and gives what they say, so that streams can be compared over protocols.
 * Independent of the encoders. Used by unit tests and fuzz targets; check_streams.c judges with it
 * what the other tests' clients got.
 * Threads: pure.   Memory: the arena given. */
#ifndef PENSTOCK_TESTS_STREAM_GRAMMAR_H
#define PENSTOCK_TESTS_STREAM_GRAMMAR_H

#include "wire/canonical.h"

#define SEEN_CALLS_MAX 64

struct seen_call {
    struct str id, name, arguments; /* decoded */
    bool custom;
};

enum seen_end {
    SEEN_CUT,   /* neither */
    SEEN_DONE,  /* the legal end */
    SEEN_ERROR, /* the protocol's error, as the last thing */
};

struct seen_stream {
    enum seen_end end;
    /* of choice 0, decoded and put together */
    struct str text, thinking, refusal;
    struct str order; /* `T` text, `K` thinking, `R` refusal, `C` call, in their order, runs once */
    struct seen_call calls[SEEN_CALLS_MAX];
    uint32_t call_count;
    struct str finish; /* the protocol's own word */
    int64_t in, out;   /* tokens: all of the prompt, all that was made; -1: not told */
    int64_t cached, thought;
    uint32_t signatures, images, events;
};

struct grammar_options {
    enum wire protocol;
    bool json_array;  /* gemini without alt=sse */
    bool legacy;      /* openai-chat: text completions */
    bool functions;   /* openai-chat: the old function_call */
    bool wants_usage; /* openai-chat: the usage chunk was asked for */
    bool passed;      /* bytes of an upstream that speaks the protocol itself: its line ends, its
                         comments, and what compatible servers leave out */
};

/* NULL when the grammar holds, whatever the end; else the rule that is broken. */
const char *stream_breaks(const struct grammar_options *o, struct str bytes, struct arena *a,
                          struct seen_stream *seen);

/* The same for an answer in one piece; `events` is 0 then. */
const char *answer_breaks(const struct grammar_options *o, struct str body, struct arena *a,
                          struct seen_stream *seen);

#endif
