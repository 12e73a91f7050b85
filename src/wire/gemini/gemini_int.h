/* wire/gemini/gemini_int.h - between the files of this folder, and for cloudcode, which speaks the
 * same in a wrapper.
 * Threads: pure. */
#ifndef PENSTOCK_WIRE_GEMINI_INT_H
#define PENSTOCK_WIRE_GEMINI_INT_H

#include "wire/convert.h"
#include "wire/format_int.h"

/* What Google's documents on thought signatures say to send with a call that has none: valid
 * base64 as it stands, and never a real signature. */
#define GEMINI_BYPASS "skip_thought_signature_validator"

/* --- requests -----------------------------------------------------------------------------------
 */

bool gemini_read(const struct json *doc, struct canon_request *r, struct arena *a,
                 struct wire_complaint *why);
bool gemini_write(struct request_writer *w);

/* A request being written. */
struct gemini_writer {
    struct request_writer *w;
    struct json_writer *out;
    const struct canon_request *r;
    const struct wire_target *t;
    struct arena *a;
    bool counting;     /* contents alone: nothing of thoughts, no signatures */
    bool opened;       /* generationConfig was begun */
    bool ask_for_json; /* the schema stands in the system text */
    bool served;       /* a tool of the service's own was written */
    /* of the message being written */
    struct text signature;        /* waits for the part that it belongs to */
    bool called;                  /* its first call was written */
    const struct part *next_call; /* whose result comes next */
};

void gemini_put_text(struct gemini_writer *x, const char *name, struct text text);
bool gemini_put_tools(struct gemini_writer *x);
void gemini_put_tool_config(struct gemini_writer *x);
bool gemini_put_config(struct gemini_writer *x);
/* What only Gemini has, of the object whose path is `under` (`generationConfig.`). */
bool gemini_has_extras(const struct gemini_writer *x, struct str under);
void gemini_put_extras(struct gemini_writer *x, struct str under);
/* The members of a request into the object that is open: without the model, which stands
 * elsewhere. */
bool gemini_write_members(struct request_writer *w);
/* All that counts as tokens, as contents alone: for a service that counts nothing else. */
bool gemini_write_counted(struct request_writer *w);

/* --- answers ------------------------------------------------------------------------------------
 */

/* The code points of a text and their bytes: citations are counted in either. Runs of characters
 * of one width; beyond WIDTH_RUNS_MAX of them places are not known any more. */
#define WIDTH_RUNS_MAX 1024
struct widths {
    struct width_run {
        uint32_t points : 29, width : 3;
    } * runs;
    uint32_t count, cap;
    bool lost;
};
void widths_add(struct widths *w, struct str escaped);
void widths_clear(struct widths *w);
/* -1: not known, or beyond the end. */
int64_t widths_points(const struct widths *w, int64_t bytes);
int64_t widths_bytes(const struct widths *w, int64_t points);
/* Code points of all of it. */
int64_t widths_total(const struct widths *w);

/* finishReason and blockReason. `name` is static; of an unknown word it is empty. */
enum stop_cause gemini_cause(struct str word, struct str *name);
/* The finishReason that says it; `detail` may be one of the service's own words. */
struct str gemini_reason(enum stop_cause cause, struct str detail);

#define GEMINI_CHOICES 8 /* candidates that one request may ask for */

#define GEMINI_RESUME_MAX ((size_t)1 << 20) /* bytes of a token for going on */

struct gemini_decoder {
    uint32_t id;    /* of the response, hashed: begins the ids of its calls */
    uint32_t calls; /* ordinal of the next one */
    uint32_t seen;  /* a bit for each candidate */
    bool content;   /* something of the model's own */
    bool used;      /* usage was told */
    bool blocked;   /* the prompt was */
    uint32_t notes;
    struct {
        enum stop_cause cause; /* STOP_NONE: none yet */
        struct str word;       /* static */
    } ends[GEMINI_CHOICES];
    struct widths widths; /* of the text block of candidate 0 that is open or was last */
    struct buf resume;    /* candidate 0 may go on with this token, escaped */
};

/* `chunk` is the object with candidates; `id` empty: it says so itself. */
enum decoded gemini_decode_chunk(struct decoder *d, const struct json *doc, uint32_t chunk,
                                 struct str id);
enum decoded gemini_decode_event(struct decoder *d, struct str name, const struct json *doc);
bool gemini_decode_again(struct decoder *d, struct text text);
enum decoded gemini_decode_done(struct decoder *d, bool eof, bool clean);
enum decoded gemini_decode_whole(struct decoder *d, const struct json *doc);
void gemini_decode_clear(void *state);

/* Citations until the end, as the JSON they will be. */
struct grounding {
    struct buf sources, supports;
    uint32_t count;
};

struct gemini_encoder {
    struct buf arguments; /* of the call: the inside of a string */
    struct buf call;      /* its id and name, one behind the other */
    size_t id_len;
    bool custom;
    bool held; /* a closed call waits for what comes next */
    uint32_t held_choice;
    bool redacted;        /* the open block is encrypted thinking */
    struct buf tail;      /* of each chunk: see tail_make() */
    struct buf signature; /* waits for a part */
    uint32_t signature_choice;
    uint32_t count; /* of choices that have ended */
    struct {
        uint32_t choice;
        struct str reason; /* static */
        bool cut;          /* by a limit: half a call is no call */
    } ends[GEMINI_CHOICES];
    struct usage usage;
    bool used;
    struct widths widths; /* of choice 0's text */
    int64_t block_points; /* where its open block began */
    struct grounding grounding;
};

void gemini_encode_event(struct encoder *e, const struct canon_event *ev);
bool gemini_encode_whole(const struct canon_answer *an, const struct encode_options *o,
                         struct arena *scratch, struct buf *out);
void gemini_encode_clear(void *state);

#endif
