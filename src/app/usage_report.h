/* app/usage_report.h - GET /api/usage: what was used, added up as it is asked for; and the rows of
 * GET /api/requests.
 *
 * Answered on the keeper's thread, behind the rows that had come until then.
 * Threads: any. */
#ifndef PENSTOCK_APP_USAGE_REPORT_H
#define PENSTOCK_APP_USAGE_REPORT_H

#include "admin/admin.h"
#include "app/usage_keeper.h"

/* Takes the call over, and answers it. */
void usage_report(struct usage_keeper *k, struct admin_call *c);

/* Takes the call (ADMIN_REQUESTS) over, and answers it. */
void usage_requests(struct usage_keeper *k, struct admin_call *c);

/* Where a time of a query lies: unix milliseconds, `2026-11-29` (the local midnight), RFC 3339, or
 * how long ago (`7d`, `12h`). False: it is none of them. */
#define USAGE_TIME_WORDS "a date (2026-11-29), a time (RFC 3339) or how long ago (7d, 12h)"
bool usage_time_read(struct str text, int64_t now_ms, int64_t *unix_ms);

/* A field of CSV: quoted when it has to be, never a formula of a spreadsheet, and nothing that a
 * terminal would obey. */
void usage_csv_put(struct buf *out, struct str text);

#endif
