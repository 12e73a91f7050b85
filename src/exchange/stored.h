/* exchange/stored.h - to which conversation a response belongs that a provider has stored.
 *
 * A client of Responses may send `previous_response_id` and its new words alone: only the account
 * that made the response knows it, so the conversation is that of the response. The table has a
 * fixed size; the longest unused makes room. It is not kept over a restart.
 * Threads: any (one lock, held for one look).   Memory: stored_free(). */
#ifndef PENSTOCK_EXCHANGE_STORED_H
#define PENSTOCK_EXCHANGE_STORED_H

#include "pool/pool.h"

#define STORED_MAX 65536 /* responses known, at the most */

struct stored;

struct stored *stored_new(void);
void stored_free(struct stored *s); /* NULL is fine */

void stored_add(struct stored *s, struct str response_id, const struct session_key *session);
bool stored_find(struct stored *s, struct str response_id, struct session_key *session);

#endif
