/* wire/prepare.h - what a conversation must look like before a wire takes it: calls and results
 * paired, roles alternating where they must, nothing empty.
 *
 * Works on a copy of the lists; the client's request stays as it was, because another attempt may
 * need it for another wire. Parts remember where the client had them (`home`), so that a loss is
 * named by its own path.
 * Threads: pure.   Memory: the arena given. */
#ifndef PENSTOCK_WIRE_PREPARE_H
#define PENSTOCK_WIRE_PREPARE_H

#include "wire/convert.h"

/* Gives the request as the target can take it:
 *
 * - results stand in the order of their calls first in the user's message behind them, with id and
 *   name; those without an id are matched by name and order; calls without an id get one, and so
 *   does one whose id stands in the request twice. Two results of one call become one.
 * - a missing result is made up (an error, `[no result]`), a result without a call becomes text;
 * - assistant messages in a row are one when the first of them calls tools;
 * - thinking and signatures that the target's model did not make are dropped, or become text;
 *   for gemini and cloudcode a signature alone moves to the part behind it;
 * - what a provider's own tools said becomes text for another provider;
 * - for anthropic, gemini and cloudcode: system messages in the middle become text of the user
 *   (unless the model takes them), messages of one role in a row are merged, and the first one is
 *   the user's;
 * - empty texts are left out, also inside of results, and for anthropic blank ones. A user's
 *   message that becomes empty says `(empty)`, others go.
 *
 * False: the conversation ends with a call whose result is missing (`w->why`). */
bool prepare_request(struct request_writer *w, const struct canon_request *client,
                     struct canon_request *out);

/* Is this signature one that the target's model takes back? */
bool signature_fits(const struct signature *sig, const struct wire_target *t);

/* Where the current turn of a prepared request begins: the last message of the user that is not
 * (also) results of tools; what stands behind it is the tool loop that is still open. The first
 * message when there is none such, NULL without messages. */
const struct message *turn_begin(const struct canon_request *r);

/* A part of a tool that another provider ran, in words (server_text.c). */
struct text server_part_text(const struct part *p, struct arena *a);

#endif
