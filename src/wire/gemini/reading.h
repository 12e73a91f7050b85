/* wire/gemini/reading.h - what the two halves of the request reader share.
 * Threads: pure. */
#ifndef PENSTOCK_WIRE_GEMINI_READING_H
#define PENSTOCK_WIRE_GEMINI_READING_H

#include "wire/gemini/gemini_int.h"
#include "wire/members.h"

#define READ(r, object, place, rules, nodes) \
    members_read((r), (object), (place), (rules), COUNT(rules), (nodes))

static inline bool wrong(struct reading *r, const struct place *p, const char *name,
                         const char *message)
{
    return members_complain(r, p, name, message);
}

static inline bool is(const struct reading *r, uint32_t node, enum json_type type)
{
    return is_type(r->doc, node, type);
}

static inline bool want_object(struct reading *r, const struct place *p, uint32_t node)
{
    return is(r, node, JSON_OBJECT) || wrong(r, p, NULL, "must be an object");
}

/* Notes where the client gave a field; true when it did. */
static inline bool given(struct reading *r, enum field f, uint32_t node, struct str path)
{
    if (node == JSON_NONE)
        return false;
    r->r->where[f] = path;
    return true;
}

/* What goes along to the same wire, and is not known elsewhere. */
static inline void extra(struct reading *r, uint32_t node, struct str path, bool vital)
{
    if (node != JSON_NONE)
        canon_add_extra(r->r, r->a, path, json_raw(r->doc, node), vital);
}

/* Each reads the member of that name; `up` is where it stands. */
bool gemini_read_tools(struct reading *r, const struct place *up, uint32_t list);
bool gemini_read_tool_config(struct reading *r, const struct place *up, uint32_t node);
bool gemini_read_config(struct reading *r, const struct place *up, uint32_t node);
bool gemini_read_tier(struct reading *r, const struct place *up, uint32_t node);

#endif
