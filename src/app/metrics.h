/* app/metrics.h - all metrics of the gateway as one text: what the workers counted, summed, and
 * what pool, process and loops say at this moment. docs/metrics.md lists them; a test compares.
 * Threads: any worker's; reads counters and copies. */
#ifndef PENSTOCK_APP_METRICS_H
#define PENSTOCK_APP_METRICS_H

#include "app/reporter.h"
#include "app/usage_keeper.h"
#include "app/worker.h"
#include "upkeep/grants.h"

#define METRICS_ACCOUNTS_MAX 1000 /* told one by one; the rest as one, `other` */

struct metrics_sources {
    const struct worker *workers;
    unsigned worker_count;
    const struct worker_shared *shared;
    const struct admin *admin;
    const struct reporter_metrics *reports;
    const struct grants_metrics *grants;
    const struct client_metrics *background; /* calls of the desk */
    struct usage_counts usage;
    bool simulating;
    bool privacy; /* accounts by their number only */
};

/* False: it does not fit. */
bool metrics_put(const struct metrics_sources *s, bool open_metrics, int64_t now_ms,
                 struct buf *out);

#endif
