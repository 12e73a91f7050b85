/* wire/estimate.h - how many tokens a request is, about: for counting where no upstream can.
 *
 * Texts are cut into the pieces that OpenAI's o200k cuts them into before it looks at its
 * vocabulary; what a piece costs is a table of averages in place of the vocabulary. Within 15 % of
 * o200k's own counts on prose, code, JSON and CJK text (tests/unit/wire/estimates); other models'
 * counts differ from those by more than that. Threads: pure. */
#ifndef PENSTOCK_WIRE_ESTIMATE_H
#define PENSTOCK_WIRE_ESTIMATE_H

#include "wire/canonical.h"

int64_t estimate_text(struct str plain);
/* All of it: instructions, messages, tools, formats; media by their size. */
int64_t estimate_request(const struct canon_request *r, struct arena *a);
/* The same by the first 512 bytes of each text: a long prompt costs little more than a short one,
 * and is told less well. */
int64_t estimate_request_quick(const struct canon_request *r, struct arena *a);

#endif
