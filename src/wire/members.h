/* wire/members.h - how a reader walks an object of the client's request.
 *
 * A table names the members that the reader uses, each with the types it may have. One walk finds
 * them all: a used member that stands there twice or has another type is a complaint, `null` is
 * absent, and what the table does not know is noted as unread. Places are chains on the stack; they
 * become text only when somebody has to be told.
 * Threads: pure.   Memory: the request's arena. */
#ifndef PENSTOCK_WIRE_MEMBERS_H
#define PENSTOCK_WIRE_MEMBERS_H

#include "wire/format_int.h"
#include "wire/canonical.h"

/* Where in the request: `messages[2].content[0]` is index 0 of `content` of index 2 of `messages`.
 */
struct place {
    const struct place *up; /* NULL: the root */
    const char *name;       /* of a member; NULL: an element of an array */
    uint32_t index;
};
struct str place_text(const struct place *p, struct arena *a);
/* The same with a member behind it; `name` may be NULL. */
struct str place_member(const struct place *p, const char *name, struct arena *a);

enum member_types {
    MEMBER_BOOL = 1 << JSON_TRUE | 1 << JSON_FALSE,
    MEMBER_NUMBER = 1 << JSON_NUMBER,
    MEMBER_STRING = 1 << JSON_STRING,
    MEMBER_ARRAY = 1 << JSON_ARRAY,
    MEMBER_OBJECT = 1 << JSON_OBJECT,
    MEMBER_ANY = 0xff,
};

struct member_rule {
    struct str name;
    uint32_t types; /* enum member_types */
};

/* The reader at work. */
struct reading {
    const struct json *doc;
    struct canon_request *r;
    struct arena *a;
    struct wire_complaint *why;
    bool extras; /* what no rule knows becomes an extra (canonical.h) in place of unread */
    bool snake;  /* names are taken in snake_case as well (gemini) */
};

/* Fills `nodes`, one for each rule: JSON_NONE when absent. `object` is an object at `p`. */
bool members_read(struct reading *rd, uint32_t object, const struct place *p,
                  const struct member_rule *rules, size_t count, uint32_t *nodes);

/* The same for one member that was found with MEMBER_ANY. */
bool member_type_check(struct reading *rd, uint32_t node, uint32_t types, const struct place *p,
                       const char *name);

/* False, with the place of the member (NULL: the place itself) and the sentence. */
bool members_complain(struct reading *rd, const struct place *p, const char *name,
                      const char *message);
/* A member that is known but says what cannot be carried: noted as unread. */
void members_unread(struct reading *rd, const struct place *p, const char *name);

/* Values of nodes that members_read() has checked; of JSON_NONE: empty, 0, unset. */
struct str member_str(struct reading *rd, uint32_t node);   /* decoded */
struct text member_text(struct reading *rd, uint32_t node); /* still escaped */
struct str member_raw(struct reading *rd, uint32_t node);   /* as it stands */
enum tri member_tri(struct reading *rd, uint32_t node);
/* A whole number from `least` to `most` (INT64_MAX: no bound); else a complaint that says so.
 * Absent: `*out` stays. */
bool member_integer(struct reading *rd, uint32_t node, const struct place *p, const char *name,
                    int64_t least, int64_t most, int64_t *out);

#endif
