/* simulator/plan.h - what will be answered, before it is put into the words of a wire.
 *
 * The one place where request and directives meet: parts in order, how the answer ends, and what it
 * costs. Same request, same directives, same cache: same plan, byte for byte. Threads: pure.
 * Memory: the arena's. */
#ifndef PENSTOCK_SIMULATOR_PLAN_H
#define PENSTOCK_SIMULATOR_PLAN_H

#include "simulator/ask.h"
#include "simulator/cache_model.h"
#include "simulator/directive.h"

#define PLAN_PARTS_MAX (DIRECTIVE_TOOLS_MAX + 4)
#define PLAN_CHUNK 24      /* bytes of a delta when nobody asks for another size */
#define PLAN_ECHO_MAX 1000 /* bytes of the prompt or of a tool's answer that are quoted */

enum part_kind { PART_THINK, PART_TEXT, PART_REFUSAL, PART_TOOL, PART_IMAGE };

struct part {
    enum part_kind kind;
    struct str text;      /* thought, text, arguments, or base64 of a PNG */
    struct str name, id;  /* of a tool call */
    struct str signature; /* of a thought, in the form of the wire */
    bool custom;          /* a tool call with free text */
    bool partial;         /* cut by the limit of tokens */
};

enum finish {
    FINISH_STOP,
    FINISH_SEQUENCE, /* a stop sequence of the request */
    FINISH_LENGTH,
    FINISH_TOOLS,
    FINISH_REFUSED, /* the model will not */
    FINISH_BLOCKED, /* the prompt was not even read */
};

struct plan_usage {
    int64_t prompt; /* all of it, cached or not */
    int64_t cached, written;
    int64_t output; /* thoughts included */
    int64_t thoughts;
};

struct plan {
    const struct ask *ask;
    struct str model; /* as the answer names it */
    struct str id;    /* 24 hex digits; each wire puts its prefix before it */
    int64_t created;  /* unix seconds; from the seed, never from a clock */
    struct part parts[PLAN_PARTS_MAX];
    uint32_t part_count;
    enum finish finish;
    struct str stop_sequence;
    struct plan_usage usage;
    bool usage_off, ids_off;
    size_t chunk; /* bytes of one delta */
};

struct plan_input {
    const struct ask *ask;
    const struct directives *directives; /* prompt and rules, already joined */
    struct str prompt;                   /* the last user text without its directives */
    struct str body;                     /* ids come from its hash */
    struct cache_use cache;
    uint64_t seed;
};

void plan_make(struct plan *p, const struct plan_input *in, struct arena *a);
/* Takes the next delta off the front of `rest`: at most `chunk` bytes, never half a character. */
struct str plan_piece(struct str *rest, size_t chunk);
/* Tokens of a text: bytes / 4, rounded up. */
static inline int64_t plan_tokens(struct str text)
{
    return (int64_t)((text.len + 3) / 4);
}

#endif
