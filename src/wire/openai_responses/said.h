/* wire/openai_responses/said.h - items of answers as JSON: what a stream and an answer in one piece
 * have in common. */
#ifndef PENSTOCK_WIRE_OPENAI_RESPONSES_SAID_H
#define PENSTOCK_WIRE_OPENAI_RESPONSES_SAID_H

#include "wire/openai_responses/convert_int.h"

/* What an item says; the same for a stream and for an answer in one piece. */
struct said_item {
    enum said kind;
    uint32_t index;   /* in the output */
    struct text text; /* of a call: its arguments or input */
    struct str call_id, name, name_space;
    enum phase phase;   /* of a text */
    struct str summary; /* reasoning: raw JSON of its parts, with commas */
    struct str notes;   /* text: raw JSON of its annotations, with commas */
    struct text encrypted;
};

enum said_status { SAID_IN_PROGRESS, SAID_COMPLETED, SAID_INCOMPLETE };

/* Ids are the protocol's prefix, the id of the answer and the item's index: `msg_<id>_0`. */
struct str said_prefix(enum said kind);
struct str said_id(const struct encode_options *o, struct str prefix, uint32_t index,
                   char out[static 64]);
struct str said_response_id(const struct encode_options *o, char out[static 64]);
/* A member whose text is escaped already. */
void said_put_inside(struct json_writer *w, const char *name, struct text text);

/* A whole item; while it is in progress it has no content. */
void said_put_item(struct json_writer *w, const struct encode_options *o,
                   const struct said_item *it, enum said_status status);
/* Its one part, when it is a text or a refusal; a part of a summary. */
void said_put_part(struct json_writer *w, const struct said_item *it, struct text text,
                   struct str notes);
void said_put_summary(struct json_writer *w, struct text text);

/* Is there a place for this citation? Not for one of a document, which has no address. */
bool said_note_fits(const struct canon_note *note);
/* An annotation; one of the whole block ends at `text_end`, -1 leaves the end (and the bracket
 * behind it) to be written when it is known. */
void said_put_note(struct buf *out, const struct canon_note *note, int64_t text_end);

/* The name as the client knows it, and whether it declared a tool of free text by it. */
enum said said_find_tool(const struct encode_options *o, struct str wire_name,
                         struct str wire_space, bool custom, struct str *name,
                         struct str *name_space);
/* The upstream's id made fit, or one of ours where there is none. */
struct str said_call_id(const struct encode_options *o, struct str id, uint32_t index,
                        struct arena *a);

/* Only pictures have an item. */
bool said_is_image(struct text mime);
void said_put_image(struct json_writer *w, const struct encode_options *o, uint32_t index,
                    struct text mime, struct text data, bool whole);
/* An item for a tool that the provider ran, or empty when this protocol has none: its own items as
 * they are, searches of others by what they asked for. */
struct str said_server_item(const struct encode_options *o, const struct opaque *server,
                            uint32_t index, struct arena *a);

/* Why an answer is incomplete, or empty when it is not. A refusal in words is a complete answer. */
struct str said_incomplete(enum stop_cause cause, bool refused);
/* What the answer says of itself; the request's instructions and tools are not repeated. Its output
 * is a value of the caller's, between the first two. */
void said_begin_response(struct json_writer *w, const struct encode_options *o, struct str status,
                         struct str incomplete);
void said_end_response(struct json_writer *w, const struct encode_options *o,
                       const struct usage *usage);
void said_put_response(struct json_writer *w, const struct encode_options *o, struct str status,
                       struct str incomplete, struct str output, const struct usage *usage);

#endif
