/* exchange/minted.h - what the ledger learns from answers, and what requests learn from it.
 *
 * Threads: own loop.   Memory: the request's arena. */
#ifndef PENSTOCK_EXCHANGE_MINTED_H
#define PENSTOCK_EXCHANGE_MINTED_H

#include "exchange/exchange_int.h"

/* A blob of an answer that passes; `peer` is the exchange. */
void minted_seen(void *peer, struct str blob);
/* All of them in the body of a whole answer that passes. */
void minted_seen_whole(struct exchange *x, struct str body);
/* An event of an answer that is translated. */
void minted_event(void *peer, const struct canon_event *ev);

void minted_clear(struct exchange *x);

/* Would the account of this attempt refuse something that the request gives back? Then it cannot
 * pass as it is. */
bool minted_elsewhere_any(struct exchange *x);
/* … and of a request that is translated: that one signature; `peer` is the exchange. */
bool minted_elsewhere(const void *peer, const struct signature *sig);
/* The account that alone takes back the newest encrypted thinking in the client's body; 0: it holds
 * none, or nobody here has seen it. */
int64_t minted_home(const struct exchange *x);
/* Puts what was lent in front of the calls it belongs to. */
void minted_recall(struct exchange *x, struct canon_request *r);

#endif
