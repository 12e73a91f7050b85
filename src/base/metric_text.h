/* base/metric_text.h - metrics as text: the Prometheus exposition format 0.0.4, or OpenMetrics 1.0.
 *
 * A family is told by its row (name, kind, unit, help), then its samples, all of one family
 * together. The two formats differ in the names of counters' families, in UNIT and EOF.
 * Sources: prometheus.io/docs/instrumenting/exposition_formats, prometheus.io/docs/specs/om.
 * Threads: a writer is a value.   Memory: the caller's buffer; what does not fit sets `full`. */
#ifndef PENSTOCK_BASE_METRIC_TEXT_H
#define PENSTOCK_BASE_METRIC_TEXT_H

#include "buf.h"
#include "metric.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

struct metric_family {
    const char *name; /* without `_total`, `_info`; its unit at the end */
    enum metric_kind kind;
    const char *unit; /* `seconds`, `bytes`, or empty */
    const char *help; /* a sentence */
};

struct metric_label {
    const char *name;
    struct str value; /* empty: as if it were not there */
};

struct metric_text {
    struct buf *out;
    bool open_metrics;
    bool full;
    const struct metric_family *family; /* whose samples follow */
};

void metric_family_begin(struct metric_text *t, const struct metric_family *f);
/* `{…}` for samples of the same labels, without the braces, into `labels`. */
void metric_labels(struct buf *labels, const struct metric_label *list, size_t count);
/* A sample of the family. */
void metric_put(struct metric_text *t, struct str labels, int64_t value);
/* A value in an integer unit that lies `shift` decimal places below the one that is told. */
void metric_put_scaled(struct metric_text *t, struct str labels, int64_t value, unsigned shift);
/* A gauge that has no end: +Inf. */
void metric_put_inf(struct metric_text *t, struct str labels);
/* Sums of several histograms alike. Nothing when they hold no value. */
struct histogram_sum {
    uint64_t buckets[HISTOGRAM_BUCKETS_MAX + 1], sum;
};
void histogram_add(struct histogram_sum *to, const struct histogram *h);
void histogram_sum_add(struct histogram_sum *to, const struct histogram_sum *from);
void metric_put_histogram(struct metric_text *t, struct str labels, const struct histogram_sum *h,
                          const struct histogram_scale *scale);
/* The family with its one sample. */
void metric_one(struct metric_text *t, const struct metric_family *f, int64_t value);
/* The last line, where there is one. */
void metric_text_end(struct metric_text *t);

#endif
