#include "metric_text.h"

#include "utf8.h"

static const struct {
    const char *word, *suffix;
} kinds[] = {
    [METRIC_COUNTER] = { "counter", "_total" },
    [METRIC_GAUGE] = { "gauge", "" },
    [METRIC_HISTOGRAM] = { "histogram", "" },
    [METRIC_INFO] = { "info", "_info" },
};

static void add(struct metric_text *t, struct str s)
{
    t->full = !buf_add(t->out, s) || t->full;
}

static void add_c(struct metric_text *t, const char *text)
{
    add(t, str_c(text));
}

static void add_number(struct metric_text *t, int64_t n)
{
    if (n < 0)
        add(t, STR("-"));
    t->full = !buf_add_u64(t->out, n < 0 ? 0 - (uint64_t)n : (uint64_t)n) || t->full;
}

/* In 0.0.4 the name of a family is that of its samples, in OpenMetrics it stands without the
 * suffix; and 0.0.4 knows no info. */
static void add_comment(struct metric_text *t, const char *what, const char *text)
{
    const struct metric_family *f = t->family;

    add_c(t, what);
    add_c(t, f->name);
    if (!t->open_metrics)
        add_c(t, kinds[f->kind].suffix);
    add(t, STR(" "));
    add_c(t, text);
    add(t, STR("\n"));
}

void metric_family_begin(struct metric_text *t, const struct metric_family *f)
{
    bool info = f->kind == METRIC_INFO && !t->open_metrics;

    t->family = f;
    add_comment(t, "# HELP ", f->help);
    add_comment(t, "# TYPE ", info ? "gauge" : kinds[f->kind].word);
    if (t->open_metrics && f->unit[0] != '\0')
        add_comment(t, "# UNIT ", f->unit);
}

/* Quote, backslash and line feed have escapes. */
static void add_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];

        if (c == '"' || c == '\\')
            (void)buf_add_char(out, '\\');
        if (c == '\n')
            (void)buf_add(out, STR("\\n"));
        else
            (void)buf_add_char(out, c);
    }
}

void metric_labels(struct buf *labels, const struct metric_label *list, size_t count)
{
    labels->len = 0;
    for (size_t i = 0; i < count; i++) {
        struct buf mended = { .max = 4096 };
        struct str value = list[i].value;

        if (value.len == 0)
            continue;
        if (utf8_valid(value) != value.len && utf8_mend(&mended, value))
            value = buf_str(&mended);
        if (labels->len > 0)
            (void)buf_add_char(labels, ',');
        (void)(buf_add(labels, str_c(list[i].name)) && buf_add(labels, STR("=\"")));
        add_value(labels, value);
        (void)buf_add_char(labels, '"');
        buf_clear(&mended);
    }
}

/* Name, suffix and labels up to the value. */
static void sample_begin(struct metric_text *t, const char *suffix, struct str labels)
{
    add_c(t, t->family->name);
    add_c(t, suffix);
    if (labels.len > 0) {
        add(t, STR("{"));
        add(t, labels);
        add(t, STR("}"));
    }
    add(t, STR(" "));
}

static void add_scaled(struct metric_text *t, int64_t value, unsigned shift)
{
    char places[20];
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    assert(shift < sizeof(places));
    for (unsigned i = shift; i > 0; i--) {
        places[i - 1] = (char)('0' + left % 10);
        left /= 10;
    }
    if (value < 0)
        add(t, STR("-"));
    t->full = !buf_add_u64(t->out, left) || t->full;
    if (shift == 0)
        return;
    add(t, STR("."));
    add(t, (struct str){ places, shift });
}

void metric_put(struct metric_text *t, struct str labels, int64_t value)
{
    sample_begin(t, kinds[t->family->kind].suffix, labels);
    add_number(t, value);
    add(t, STR("\n"));
}

void metric_put_scaled(struct metric_text *t, struct str labels, int64_t value, unsigned shift)
{
    sample_begin(t, kinds[t->family->kind].suffix, labels);
    add_scaled(t, value, shift);
    add(t, STR("\n"));
}

void metric_put_inf(struct metric_text *t, struct str labels)
{
    sample_begin(t, "", labels);
    add(t, STR("+Inf\n"));
}

void histogram_add(struct histogram_sum *to, const struct histogram *h)
{
    for (size_t i = 0; i < COUNT(h->buckets); i++)
        to->buckets[i] += count_read(&h->buckets[i]);
    to->sum += count_read(&h->sum);
}

static void put_bucket(struct metric_text *t, struct str labels, const char *bound, uint64_t count)
{
    add_c(t, t->family->name);
    add(t, STR("_bucket{"));
    add(t, labels);
    add_c(t, labels.len > 0 ? ",le=\"" : "le=\"");
    add_c(t, bound);
    add(t, STR("\"} "));
    add_number(t, (int64_t)count);
    add(t, STR("\n"));
}

void histogram_sum_add(struct histogram_sum *to, const struct histogram_sum *from)
{
    for (size_t i = 0; i < COUNT(to->buckets); i++)
        to->buckets[i] += from->buckets[i];
    to->sum += from->sum;
}

void metric_put_histogram(struct metric_text *t, struct str labels, const struct histogram_sum *h,
                          const struct histogram_scale *scale)
{
    uint64_t all = 0, below = 0;

    for (unsigned i = 0; i <= scale->count; i++)
        all += h->buckets[i];
    if (all == 0)
        return;
    for (unsigned i = 0; i < scale->count; i++) {
        below += h->buckets[i];
        put_bucket(t, labels, scale->texts[i], below);
    }
    put_bucket(t, labels, "+Inf", all);
    sample_begin(t, "_sum", labels);
    add_scaled(t, (int64_t)h->sum, scale->shift);
    add(t, STR("\n"));
    sample_begin(t, "_count", labels);
    add_number(t, (int64_t)all);
    add(t, STR("\n"));
}

void metric_one(struct metric_text *t, const struct metric_family *f, int64_t value)
{
    metric_family_begin(t, f);
    metric_put(t, STR(""), value);
}

void metric_text_end(struct metric_text *t)
{
    if (t->open_metrics)
        add(t, STR("# EOF\n"));
}
