/* wire/format_int.h - what the folders of the protocols give to format.c and stream.c. */
#ifndef PENSTOCK_WIRE_FORMAT_INT_H
#define PENSTOCK_WIRE_FORMAT_INT_H

#include "wire/format.h"

/* Each fills what its protocol knows. The document's root is an object. */
struct format {
    bool (*read_request)(struct wire_request *r, struct arena *a, struct wire_complaint *why);
    void (*read_answer)(const struct json *doc, struct wire_answer *out);
    void (*read_event)(struct stream_state *s, struct str name, const struct json *doc,
                       struct event_view *out);
};

extern const struct format format_openai_chat, format_openai_responses, format_anthropic,
    format_gemini;

/* Members that are used, with the types they must have (JSON_TRUE: either bool; JSON_NULL: any):
 * `nodes[i]` for `names[i]`, JSON_NONE for what is absent or null. One that stands there twice or
 * is of another type is a complaint. */
bool members_used(const struct json *doc, uint32_t object, const struct str *names,
                  const enum json_type *types, uint32_t *nodes, size_t count,
                  struct wire_complaint *why);
bool complain(struct wire_complaint *why, struct str param, struct str message);

/* Reads the inside of a folded object of the document (valid, so it never fails but for a scalar).
 */
bool object_open(const struct json *doc, uint32_t node, struct arena *a, struct json *out);

/* The first text of a user that is long enough to tell one conversation from another, in one
 * message's `content` (a string, or parts with `text`). False: there is none, and `text` is any. */
bool content_tells(const struct json *doc, uint32_t content, struct arena *a, struct str *text);
/* … and in a list of messages (an array of the request): `r->first_text`; without one,
 * `r->first_message` is filled. `parts` names the member that holds the content (`content`, or
 * gemini's `parts`). */
void messages_scan(uint32_t messages, struct str parts, struct arena *a, struct wire_request *r);

/* Member `name` of the object `object`, or JSON_NONE when absent, null, or `object` is none. */
uint32_t member_named(const struct json *doc, uint32_t object, struct str name);
#define member(doc, object, name) member_named((doc), (object), STR(name))
/* The same for several in one walk. */
static inline void members_named(const struct json *doc, uint32_t object, const struct str *names,
                                 uint32_t *nodes, size_t count)
{
    memset(nodes, 0xff, count * sizeof(nodes[0])); /* JSON_NONE */
    if (object != JSON_NONE)
        (void)json_members_find(doc, object, names, nodes, count, false);
}
#define NAME(lit)               \
    {                           \
        "" lit, sizeof(lit) - 1 \
    } /* in tables of names */
static inline bool is_type(const struct json *doc, uint32_t node, enum json_type type)
{
    return node != JSON_NONE && json_type(doc, node) == type;
}

/* Is it a string that is not empty? */
bool has_text(const struct json *doc, uint32_t node);
/* Its bytes with the quotes; nothing unless it is a string. */
struct str string_span(const struct json *doc, uint32_t node);

/* Arguments of the call `index`: a piece (a string node), and the check when it is complete. */
void stream_add_arguments(struct stream_state *s, int64_t index, const struct json *doc,
                          uint32_t piece);
void stream_check_arguments(struct stream_state *s, int64_t index);
/* Is this text JSON, or empty (no arguments)? */
bool arguments_are_json(struct str text);

#endif
