/* wire/names.h - names of tools and ids of calls, in the spelling that a wire takes, and back.
 *
 * A name that the target does not take is changed the same way each time (a function of the name
 * alone, but for collisions within one request); answers get the client's own spelling back. Ids
 * of calls need no memory: a changed id is derived from the original by its hash, so call and
 * result agree, also in the next request.
 * Threads: values.   Memory: the arena given. */
#ifndef PENSTOCK_WIRE_NAMES_H
#define PENSTOCK_WIRE_NAMES_H

#include "wire/canonical.h"

struct name_pair {
    struct str client, name_space; /* as the client knows it */
    struct str wire;               /* as the target does */
};

struct name_map {
    struct name_pair *pairs; /* by client's name, then namespace; none when each fits as it is */
    uint32_t count;
    uint32_t *by_wire; /* indexes of pairs, by the name on the wire */
};

/* Spellings of the request's tools (declared ones, those in its history and those of its choice)
 * for a wire. openai-responses has namespaces of its own: there they stay apart, elsewhere they
 * become part of the name. */
void names_make(struct name_map *m, const struct canon_request *r, enum wire wire, struct arena *a);
/* To the target. A name without its namespace finds the first tool of that name; one that the
 * request does not hold is itself. */
struct str names_to_wire(const struct name_map *m, struct str name_space, struct str name);
/* Back to the client; gives the namespace as well (may be NULL). */
struct str names_to_client(const struct name_map *m, struct str wire_name, struct str *name_space);

/* An id that the wire takes: `id` itself, or one derived from it. `exact`: letters and digits of
 * exactly this length (0: no such rule). The empty id stays empty. */
struct str call_id_for(enum wire wire, struct str id, uint32_t exact, struct arena *a);
/* An id for a call that has none, or one that stands in its request twice: a function of the words
 * given. */
struct str call_id_made(struct str name, uint64_t message, uint64_t ordinal, struct arena *a);

#endif
