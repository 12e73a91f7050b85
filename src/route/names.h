/* route/names.h - names and patterns, found again in well under a microsecond however many there
 * are.
 *
 * A pattern is kept by what stands before its first `*` and behind its last one; the hashes of all
 * beginnings and ends of a name are worked out once, and one place is looked at for each pair of
 * lengths that patterns have. A name without `*` is the pair of its length and 0.
 * Threads: immutable once made.   Memory: the arena it was made in; names are borrowed. */
#ifndef PENSTOCK_ROUTE_NAMES_H
#define PENSTOCK_ROUTE_NAMES_H

#include "base/arena.h"

struct name_row {
    struct str name;  /* may hold `*` */
    uint32_t value;   /* the user's */
    uint32_t literal; /* bytes that are no `*` */
    uint32_t next; /* of the same ends: index + 1, 0 ends; the more literal first, then the first */
    bool exact;
};

/* Where a row may be: most looks end at the tag, without the row's memory. */
struct name_slot {
    uint32_t row; /* index + 1; 0 free */
    uint32_t tag; /* the upper half of its hash */
};

struct name_shape {
    uint32_t head, tail; /* lengths */
    uint32_t literal;    /* the most that a pattern of this shape has */
};

struct names {
    struct name_row *rows;
    struct name_slot *slots;
    uint32_t count, cap, mask;
    struct name_shape *shapes; /* of patterns; the most literal first */
    uint32_t shape_count;
};

#define NAME_NONE UINT32_MAX

/* Room for so many. */
void names_init(struct names *n, uint32_t cap, struct arena *a);
/* False: the name is there already; the value stays what it was. */
bool names_add(struct names *n, struct str name, uint32_t value);
/* When all are there. */
void names_settle(struct names *n, struct arena *a);

/* The value of exactly this name, or NAME_NONE. */
uint32_t names_find(const struct names *n, struct str name);
/* … or of the pattern with the longest literal part that fits; of equals, the one added first. */
uint32_t names_match(const struct names *n, struct str name);

#endif
