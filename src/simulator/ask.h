/* simulator/ask.h - a request as the simulator understands it, the same for all wires.
 *
 * Only what an answer depends on is read: what the last turn says, the tools, the limits, and the
 * texts for counting. Everything else is accepted and ignored, for a stand-in must not refuse what
 * a newer provider takes; what each provider itself refuses (a tool result without its call, for
 * one) is refused here too, for that finds faults in a gateway.
 *
 * Tokens: each *segment* (the tools, each system text, each message) counts its bytes of text / 4,
 * rounded up; an image, document or recording counts for ASK_MEDIA_TOKENS. Threads: pure.   Memory:
 * the arena's; texts without escapes borrow from the body. */
#ifndef PENSTOCK_SIMULATOR_ASK_H
#define PENSTOCK_SIMULATOR_ASK_H

#include "base/error.h"
#include "base/json.h"
#include "wire/protocol.h"

#define ASK_MEDIA_TOKENS 256
#define ASK_STOPS_MAX 16
#define ASK_CHOICES_MAX 8

enum ask_kind { ASK_GENERATE, ASK_COUNT };

struct ask_tool {
    struct str name;
    struct str schema; /* JSON, or empty */
    bool custom;       /* takes free text instead of an object */
    struct ask_tool *next;
};

/* A text of the last turn: what the user said, or what a tool answered. */
struct ask_text {
    struct str text;
    struct str name; /* of a tool result: the tool's */
    struct ask_text *next;
};

struct ask_texts {
    struct ask_text *first, *last;
    uint32_t count;
};

/* Where a prompt cache may end: behind a segment. */
struct ask_segment {
    uint64_t hash;  /* of everything up to here */
    int64_t tokens; /* likewise */
    bool marked;    /* anthropic: holds a cache_control */
    struct ask_segment *next;
};

enum ask_choice { ASK_CHOICE_AUTO, ASK_CHOICE_NONE, ASK_CHOICE_ANY, ASK_CHOICE_ONE };
enum ask_format { ASK_FORMAT_TEXT, ASK_FORMAT_JSON, ASK_FORMAT_SCHEMA, ASK_FORMAT_ENUM };
enum ask_media { ASK_IMAGE, ASK_DOCUMENT, ASK_RECORDING, ASK_MEDIA };

/* A member that an openai-responses answer repeats. */
struct ask_echo {
    const char *name;
    struct str raw; /* JSON; empty when it was not sent */
};
#define ASK_ECHOES 14

struct ask {
    enum wire wire;
    enum ask_kind kind;
    struct str model;
    bool stream;
    bool array;            /* gemini: a stream as one JSON array */
    bool include_usage;    /* openai-chat: the usage chunk */
    bool thinking_omitted; /* anthropic: display "omitted" */
    int64_t choices;       /* openai-chat: n */
    int64_t max_output;    /* tokens; -1: no limit */
    struct str stops[ASK_STOPS_MAX];
    uint32_t stop_count;
    struct ask_tool *tools;
    enum ask_choice tool_choice;
    struct str tool_named; /* with ASK_CHOICE_ONE */
    enum ask_format format;
    struct str schema; /* JSON; empty: any object */

    struct ask_texts said;    /* user texts of the last turn */
    struct ask_texts results; /* tool results of the last turn */
    struct {
        int64_t count, bytes;
    } media[ASK_MEDIA]; /* of the whole conversation; bytes as decoded, 0 when only named by URL */

    struct ask_segment *segments, *segment_last;
    int64_t tokens;
    bool cache_all; /* anthropic: cache_control at the top, as if the last segment were marked */
    struct ask_echo echo[ASK_ECHOES];
};

/* What a path means. */
enum ask_route {
    ROUTE_NONE,
    ROUTE_GENERATE,
    ROUTE_COUNT,
    ROUTE_EMBED,
    ROUTE_MODELS, /* the list, or one model when `model` is set */
    ROUTE_CONTROL,
};

struct ask_target {
    enum ask_route route;
    enum wire wire;   /* of ROUTE_MODELS on a shared path: openai-chat, until the fields are seen */
    bool shared;      /* ROUTE_MODELS on a path that three providers have */
    struct str model; /* gemini, and one model of a list */
    bool stream, array;
    bool batch; /* gemini: batchEmbedContents */
};

/* Reads a decoded path and the query. */
struct ask_target ask_route(struct str path, struct str query);

/* Reads the body of a ROUTE_GENERATE or ROUTE_COUNT request. Failure: the sentence for a 400. */
MUST_USE enum status ask_read(struct ask *ask, const struct ask_target *target, struct str body,
                              struct arena *a, struct error *e);

#endif
