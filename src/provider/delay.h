/* provider/delay.h - how long a provider asks us to stay away, from its fields and its words
 * (docs/providers/signals.md).
 *
 * All give milliseconds from now, or -1 when nothing usable was said: what is negative, past,
 * garbage or overflows counts as not said. Bounds are the pool's business.
 * Threads: pure. */
#ifndef PENSTOCK_PROVIDER_DELAY_H
#define PENSTOCK_PROVIDER_DELAY_H

#include "http/parse.h"

#define DELAY_NONE INT64_C(-1)

/* `retry-after-ms`, else `retry-after` (seconds, or a date set against the answer's own Date). */
int64_t delay_retry_after(const struct http_head *head, int64_t unix_ms);

/* The same, else the reset of what is used up: `x-ratelimit-reset-*`, `anthropic-*-reset`, the
 * rejected windows of `anthropic-ratelimit-unified-*`, `x-codex-*` at 100 percent,
 * `x-ratelimit-reset`. Of several the latest: the account is free when all of them are. */
int64_t delay_from_head(const struct http_head *head, int64_t unix_ms);

#define DELAY_TEXT_MAX ((size_t)4096) /* sentences are short, and searched often */

/* The first phrase that tells (`try again in 1.5s`, `resets at …`) in the first bytes of a text. */
int64_t delay_from_text(struct str text, int64_t unix_ms);

/* From now to a time; none when it is past. */
int64_t delay_until(int64_t at_unix_ms, int64_t unix_ms);

/* A number told apart by its size: seconds from now (below 10^7), unix seconds, unix milliseconds
 * (above 10^11). */
int64_t delay_from_number(struct str digits, int64_t unix_ms);

/* What tells when something is whole again, in any of the forms that fields use: such a number, a
 * date of RFC 3339, a duration. */
int64_t delay_from_reset(struct str value, int64_t unix_ms);

#endif
