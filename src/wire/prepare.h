/* wire/prepare.h - what a conversation must look like before a wire takes it: calls and results
 * paired, roles alternating where they must, nothing empty.
 *
 * Works on a copy of the lists; the client's request stays as it was, because another attempt may
 * need it for another wire.
 * Threads: pure.   Memory: the arena given. */
#ifndef PENSTOCK_WIRE_PREPARE_H
#define PENSTOCK_WIRE_PREPARE_H

#include "wire/convert.h"

/* Gives the request as the target can take it: results moved to stand in the order of their calls
 * first in the user's message behind them, missing results made up, results without a call turned
 * into text, thinking of foreign signers dropped, messages of one role merged and a leading user's
 * message added where the wire wants it, empty parts and messages left out. False: the
 * conversation cannot be mended (`w->why`). */
bool prepare_request(struct request_writer *w, const struct canon_request *client,
                     struct canon_request *out);

/* Is this signature one that the target's model takes back? */
bool signature_fits(const struct signature *sig, const struct wire_target *t);

#endif
