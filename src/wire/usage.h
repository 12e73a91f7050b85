/* wire/usage.h - tokens of one answer in one meaning for all wires.
 *
 * `in` is all prompt tokens, cached ones included; `out` all that was generated, reasoning
 * included. -1 is unknown. Invariants (kept by usage_read): cache_read + cache_write ≤ in,
 * reasoning ≤ out. Threads: values. */
#ifndef PENSTOCK_WIRE_USAGE_H
#define PENSTOCK_WIRE_USAGE_H

#include "base/json.h"
#include "wire/protocol.h"

struct usage {
    int64_t in, out, cache_read, cache_write, reasoning;
};

static inline struct usage usage_unknown(void)
{
    return (struct usage){ -1, -1, -1, -1, -1 };
}

static inline bool usage_is_known(const struct usage *u)
{
    return u->in >= 0 || u->out >= 0;
}

/* Both; what one does not know counts as nothing. */
struct usage usage_sum(const struct usage *one, const struct usage *two);

/* Reads the usage object of a wire (`usage`, `usageMetadata`) at `node`. Numbers that are there
 * replace what was known: later events count more. */
void usage_read(struct usage *u, enum wire wire, const struct json *doc, uint32_t node);

#endif
