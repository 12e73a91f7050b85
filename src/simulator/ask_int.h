/* simulator/ask_int.h - what the readers of the four wires share. */
#ifndef PENSTOCK_SIMULATOR_ASK_INT_H
#define PENSTOCK_SIMULATOR_ASK_INT_H

#include "simulator/ask.h"

/* A call of a tool somewhere in the conversation. */
struct ask_call {
    struct str id, name;
    bool answered;
    struct ask_call *next;
};

struct ask_reader {
    struct ask *ask;
    struct arena *arena;
    struct json doc;
    struct error *error;
    /* the segment being counted */
    uint64_t hash;
    int64_t segment_bytes, segment_media;
    bool segment_marked;
    bool no_thoughts; /* cloudcode: counting refuses them */
    /* the turn being read */
    bool in_turn; /* user or tool messages, no assistant since */
    struct ask_tool *tool_last;
    struct ask_call *call_last;
    uint32_t open_count;
    struct ask_call *open; /* the first call that nobody has answered yet, or NULL */
};

/* --- looking into the document ------------------------------------------------------------------
 */

/* The member's value, or JSON_NONE when it is absent or null. */
uint32_t ask_member(const struct ask_reader *r, uint32_t object, const char *name);
/* The first of both spellings that is there: gemini takes camelCase and snake_case. */
uint32_t ask_member2(const struct ask_reader *r, uint32_t object, const char *name,
                     const char *other);
/* Decoded; the empty slice when absent or no string. */
struct str ask_string(const struct ask_reader *r, uint32_t object, const char *name);
/* The raw value, or the empty slice. */
struct str ask_raw(const struct ask_reader *r, uint32_t object, const char *name);
bool ask_is(const struct ask_reader *r, uint32_t object, const char *name, const char *text);
bool ask_true(const struct ask_reader *r, uint32_t object, const char *name);
int64_t ask_number(const struct ask_reader *r, uint32_t object, const char *name,
                   int64_t otherwise);
static inline bool ask_has_type(const struct ask_reader *r, uint32_t node, enum json_type type)
{
    return node != JSON_NONE && json_type(&r->doc, node) == type;
}
/* Children of an array, one by one: for (n = ask_first(r, array); n != JSON_NONE; n =
 * ask_after(...)). What is no array has none. */
uint32_t ask_first(const struct ask_reader *r, uint32_t array);
uint32_t ask_after(const struct ask_reader *r, uint32_t array, uint32_t node);

/* --- counting and gathering ---------------------------------------------------------------------
 */

void ask_count(struct ask_reader *r, struct str text);
void ask_segment_end(struct ask_reader *r);
/* Counts a picture or file; `data` is base64, a data URL, or a mere reference. */
void ask_media(struct ask_reader *r, enum ask_media kind, struct str data);
/* An image, a document or a recording by its media type. */
enum ask_media ask_media_of(struct str mime);

/* A message of the user's side begins, or one of the assistant. */
void ask_turn(struct ask_reader *r, bool assistant);
void ask_said(struct ask_reader *r, struct str text);
void ask_result(struct ask_reader *r, const struct ask_call *call, struct str text);
void ask_called(struct ask_reader *r, struct str id, struct str name);
/* Marks the open call of that id, or the first of that name, as answered; NULL: there is none. */
const struct ask_call *ask_answered(struct ask_reader *r, struct str id);
const struct ask_call *ask_answered_by_name(struct ask_reader *r, struct str name);

void ask_tool_add(struct ask_reader *r, struct str name, struct str description, struct str schema,
                  bool custom);
void ask_stops(struct ask_reader *r, uint32_t node); /* a string, or an array of them */

/* --- the wires ----------------------------------------------------------------------------------
 */

MUST_USE enum status ask_read_chat(struct ask_reader *r);
MUST_USE enum status ask_read_responses(struct ask_reader *r);
MUST_USE enum status ask_read_anthropic(struct ask_reader *r);
MUST_USE enum status ask_read_gemini(struct ask_reader *r);
MUST_USE enum status ask_read_cloudcode(struct ask_reader *r);

#endif
