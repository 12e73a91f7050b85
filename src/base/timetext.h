/* base/timetext.h - durations and dates as providers and RFCs write them, read and written without
 * the C library's locale and zone. Everything is int64 milliseconds; wall times count from 1970
 * UTC. Threads: any, pure. */
#ifndef PENSTOCK_BASE_TIMETEXT_H
#define PENSTOCK_BASE_TIMETEXT_H

#include "buf.h"

/* Parts from large to small, each a decimal number and its unit: `161h39m41.300432511s`, `6m0s`,
 * `17ms`, `1d`, proto durations (`3.5s`), `350µs`; also as words and with single blanks (`12
 * seconds`, `71 minutes`, `2 days 4 hours`); ISO 8601 of weeks and smaller (`PT1H2M`, `P1DT2H`). A
 * bare number is seconds. Case does not matter. The sum is rounded up to whole ms. False for the
 * empty text, signs, other text, overflow; all of `s` must be used. */
bool duration_read(struct str s, int64_t *ms);
/* The same at the front of longer text; `used` says how many bytes it took. A bare number counts
 * only in front of a blank, a mark that ends a clause, or nothing: not in `12:30` or `5xx`. */
bool duration_read_prefix(struct str s, int64_t *ms, size_t *used);

/* RFC 3339 (`2026-11-21T09:00:00Z`, with fraction and offset; a blank may stand for the T). The
 * fraction is rounded up to whole ms, so that a reset is not taken for past before it is. Second 60
 * is the first of the next minute. */
bool date_read_rfc3339(struct str s, int64_t *unix_ms);
/* HTTP dates: IMF-fixdate, RFC 850, asctime (RFC 9110 §5.6.7). Two-digit years are 1970 to 2069.
 * The day of the week must be one, but not the right one. */
bool date_read_http(struct str s, int64_t *unix_ms);

/* Part seconds are cut off; what is outside the years 0 to 9999 becomes the first or last second of
 * them. False when `out` is full; nothing is added then. */
bool date_put_rfc3339(struct buf *out, int64_t unix_ms); /* whole seconds, Z */
bool date_put_http(struct buf *out, int64_t unix_ms);    /* IMF-fixdate */
/* `1h2m`, `35s`, `900ms`: for people, two units at most, rounded up; ms only below a second. What
 * is negative is `0s`. */
bool duration_put(struct buf *out, int64_t ms);

/* The next midnight at America/Los_Angeles strictly after `unix_ms` (US daylight rules since 2007):
 * where Google's daily quotas begin. Outside the years 0 to 9999, where clocks do not go, simply a
 * day later. */
int64_t date_next_pacific_midnight(int64_t unix_ms);

#endif
