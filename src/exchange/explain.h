/* exchange/explain.h - a decision trace in sentences, for `penstock why` and the dashboard.
 *
 * The words and sentences of reasons, skips, verdicts and endings come from their tables; what
 * stands between them is here.   Threads: pure. */
#ifndef PENSTOCK_EXCHANGE_EXPLAIN_H
#define PENSTOCK_EXCHANGE_EXPLAIN_H

#include "exchange/access.h"

/* Calls `line` with each sentence, in order; the text lives for the call. */
void access_explain(const struct access_record *r, void (*line)(void *peer, struct str text),
                    void *peer);

/* The same of one pick: what became of the layers above the order, and who was passed over.
 * `moment_ms` is when it was made. */
void pick_explain(const struct pick *p, int64_t moment_ms,
                  void (*line)(void *peer, struct str text), void *peer);

#endif
