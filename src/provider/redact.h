/* provider/redact.h - a provider's words made fit for a client and the log (reliability R19).
 *
 * Masks key-like strings, bearer tokens, e-mail addresses, account and organisation ids, logins and
 * queries of URLs, internal hosts and addresses, file system paths. Control bytes become blanks,
 * invalid UTF-8 U+FFFD. It errs on the side of masking: what it spoils is a sentence, what it lets
 * through may be somebody's key.
 * Threads: pure.   Memory: the arena. */
#ifndef PENSTOCK_PROVIDER_REDACT_H
#define PENSTOCK_PROVIDER_REDACT_H

#include "base/arena.h"

/* At most `max` bytes, cut at a character. Reads at most the first 4 KiB and a bit of `text`. */
struct str redact(struct arena *a, struct str text, size_t max);

#endif
