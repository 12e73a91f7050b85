/* exchange/ledger.h - who minted what: signatures and encrypted thinking, and the account whose
 * model made them.
 *
 * Only the one that minted a blob takes it back: OpenAI binds encrypted reasoning to an account,
 * others bind signatures to their provider. What the gateway has seen on its way to a client it
 * knows when it comes back, so an account is never sent what it would refuse. Two parts:
 *
 *   marks    a fingerprint of (client key, blob) and who minted it: a table of fixed size; written
 *            to a file, so that a restart forgets nothing. No blob can be read from it.
 *   lent     what clients of a protocol without a place for it cannot send back (OpenAI Chat): the
 *            thinking in front of a call, by the call's id. In memory, bounded, per client key.
 *
 * Threads: any (one lock, held for one look).   Memory: ledger_free(). */
#ifndef PENSTOCK_EXCHANGE_LEDGER_H
#define PENSTOCK_EXCHANGE_LEDGER_H

#include "base/arena.h"
#include "exchange/door.h"
#include "wire/canonical.h"

#define LEDGER_MARKS 65536                    /* known at the most */
#define LEDGER_LENT_BYTES ((size_t)16 << 20)  /* of all that is lent */
#define LEDGER_LENT_MS ((int64_t)6 * 3600000) /* since its last use */
#define LEDGER_FILE_MAX ((size_t)LEDGER_MARKS * 40 + 64)

struct ledger;

struct minter {
    int64_t account;
    uint32_t realm; /* of accounts that take each other's signatures */
};

struct ledger *ledger_new(void);
void ledger_free(struct ledger *l); /* NULL is fine */

void ledger_mark(struct ledger *l, const struct key_id *owner, struct str blob,
                 const struct minter *by);
/* False: nobody here has seen it. */
bool ledger_find(struct ledger *l, const struct key_id *owner, struct str blob, struct minter *out);
/* Has anybody minted anything, or anybody else? While not, nothing can be foreign here. */
bool ledger_any_marked(const struct ledger *l);
bool ledger_has_other_account(const struct ledger *l, int64_t account);
bool ledger_has_other_realm(const struct ledger *l, uint32_t realm);

void ledger_lend(struct ledger *l, const struct key_id *owner, struct str call_id,
                 struct str record, int64_t now_ms);
bool ledger_any_lent(const struct ledger *l);
bool ledger_lent(struct ledger *l, const struct key_id *owner, struct str call_id, int64_t now_ms,
                 struct arena *a, struct str *record);

/* The marks as bytes, and back. `changed` is true when there is something to write; a file that is
 * none, or is cut, gives what can be read of it. */
bool ledger_changed(struct ledger *l);
void ledger_save(struct ledger *l, struct buf *out);
void ledger_load(struct ledger *l, struct str bytes);

#endif
