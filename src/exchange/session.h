/* exchange/session.h - the key of a conversation, as stable as can be made (product: one exchange,
 * step 2). Threads: any. */
#ifndef PENSTOCK_EXCHANGE_SESSION_H
#define PENSTOCK_EXCHANGE_SESSION_H

#include "exchange/stored.h"
#include "http/parse.h"
#include "pool/pool.h"
#include "wire/format.h"

/* False when there is nothing to tell the conversation by. `stored`: NULL when none are known. */
bool session_key_make(const struct http_head *head, const struct wire_request *r,
                      struct stored *stored, struct session_key *key);
/* Of the name that a client itself gives its conversation (`X-Session-Id` and its like). */
void session_key_named(struct str name, struct session_key *key);
/* `sid-` and 16 hex digits. */
#define SESSION_TEXT 21
void session_key_text(const struct session_key *key, char out[SESSION_TEXT]);
/* All of it: 32 hex digits, and back. */
#define SESSION_HEX 33
void session_key_hex(const struct session_key *key, char out[SESSION_HEX]);
bool session_key_from_hex(struct str hex, struct session_key *key);
/* Is this the shown form of the key, or all of it? */
bool session_key_is(const struct session_key *key, struct str shown);

#endif
