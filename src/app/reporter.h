/* app/reporter.h - tells of finished requests outside of the process: the access log, and traces.
 *
 * Workers put access records into a ring, which costs them a copy; the reporter, on the desk's
 * loop, reads it a few times a second, writes a line for each record (`logs.access`) and hands the
 * sampled ones to the tracer. When it cannot keep up, the oldest records make room and are counted.
 * The file is `access.log` in the data directory; at 10 MiB it becomes `access.log.1`, and so on up
 * to `access.log.5`.
 * Threads: the desk's own, but reporter_wants() any.   Memory: reporter_free(). */
#ifndef PENSTOCK_APP_REPORTER_H
#define PENSTOCK_APP_REPORTER_H

#include "app/settings.h"
#include "base/metric.h"
#include "exchange/trace.h"

#define REPORTER_RING_BYTES ((size_t)8 << 20)
#define ACCESS_LOG_BYTES ((int64_t)10 << 20)
#define ACCESS_LOG_FILES 5 /* beside the one that is written */

#define REPORTER_METRICS(X)                                                            \
    X(records_missed, "finished requests that had to make room before they were told") \
    X(access_lines, "lines of the access log written")                                 \
    X(access_lines_dropped, "lines of the access log that could not be written")       \
    X(spans_sent, "spans that the collector took")                                     \
    X(spans_dropped, "spans that found no room, or that the collector did not take")
METRIC_STRUCT(reporter_metrics, REPORTER_METRICS)

struct reporter;

struct reporter_options {
    struct loop *loop;
    struct client *client; /* NULL: no traces */
    const char *folder;
    struct trace_ring *ring; /* of records */
};

struct reporter *reporter_new(const struct reporter_options *options);
void reporter_free(struct reporter *r);
void reporter_settings(struct reporter *r, struct settings *s);
/* Do these settings want records at all? */
bool reporter_wants(const struct settings *s);
/* Tells what is left, for at most two seconds; then `fn` is called. */
void reporter_end(struct reporter *r, void (*fn)(void *peer), void *peer);
const struct reporter_metrics *reporter_metrics_of(const struct reporter *r);

#endif
