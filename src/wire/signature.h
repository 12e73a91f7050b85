/* wire/signature.h - signatures and encrypted thinking on their way through a client that speaks
 * another protocol.
 *
 * A blob that the client's protocol has a place for but did not mint travels in an envelope,
 * `gw1.<signer>.<base64url of the blob>`, so that its signer is certain when it comes back. Nothing
 * in an envelope ever goes to a provider.
 * Threads: pure.   Memory: the arena given. */
#ifndef PENSTOCK_WIRE_SIGNATURE_H
#define PENSTOCK_WIRE_SIGNATURE_H

#include "wire/canonical.h"

#define SIGNATURE_ENVELOPE "gw1."

/* What to show a client of `protocol`: the blob itself when that protocol's own provider minted
 * it, else its envelope. */
struct text signature_wrap(const struct signature *sig, enum wire protocol, struct arena *a);
/* What a client of `protocol` sent back: out of its envelope, or told by its shape. An envelope
 * that does not open, or a blob of unknown shape, is SIGNER_OTHER. */
struct signature signature_unwrap(struct text blob, enum wire protocol, struct arena *a);
/* Does a request's body hold an envelope? Then it cannot pass as it is. Searches all of it. */
bool signature_any(struct str body);
/* Each blob in a JSON text of this wire, decoded; whoever searches for something pays for what is
 * there alone. */
void signature_scan(enum wire wire, struct str text, struct arena *a,
                    void (*found)(void *peer, struct str blob), void *peer);
/* The last of them, as it stands there; empty: there is none. */
struct text signature_last(enum wire wire, struct str text);

#endif
