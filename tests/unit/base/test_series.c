/* Rows of counters by label, and metrics as text. */
#include <stdlib.h>

#include "base/metric_text.h"
#include "base/series.h"
#include "test.h"

struct row {
    struct series_row row;
    struct counter hits;
};

static struct row *hit(struct series *s, const char *one, const char *two, uint32_t below)
{
    const struct str labels[] = { str_c(one), str_c(two) };
    struct row *r = series_row(s, labels, below);

    if (r != NULL)
        count_own(&r->hits, 1);
    return r;
}

TEST(the_same_labels_are_the_same_row)
{
    struct series s;

    series_init(&s, sizeof(struct row), 2, 100);
    struct row *a = hit(&s, "a", "b", 100);

    CHECK(hit(&s, "a", "b", 100) == a);
    CHECK(hit(&s, "ab", "", 100) != a, "where one label ends counts");
    CHECK(hit(&s, "", "ab", 100) != hit(&s, "ab", "", 100));
    CHECK_INT(count_read(&a->hits), 2);
    CHECK_INT(series_count(&s), 3);
    series_clear(&s);
}

TEST(a_set_never_grows_beyond_its_ceiling_and_keeps_a_place_for_all_others)
{
    struct series s;
    char name[16];

    series_init(&s, sizeof(struct row), 2, 50);
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        CHECK(hit(&s, name, "", 50) != NULL, "row %d", i);
    }
    CHECK(hit(&s, "m50", "", 50) == NULL);
    CHECK(hit(&s, "m49", "", 50) != NULL, "those that are there stay");
    struct row *other = hit(&s, "other", "", 51);

    CHECK(other != NULL && hit(&s, "other", "", 51) == other);
    CHECK(hit(&s, "another", "", 51) == NULL);
    CHECK_INT(series_count(&s), 51);
    series_clear(&s);
}

TEST(long_labels_are_clipped_at_a_character)
{
    struct series s;
    char text[SERIES_LABEL_BYTES_MAX + 8];

    memset(text, 'x', sizeof(text));
    memcpy(text + SERIES_LABEL_BYTES_MAX - 1, "\xc3\xa9\xc3\xa9", 5);
    series_init(&s, sizeof(struct row), 2, 10);
    struct row *r = hit(&s, text, "", 10);

    CHECK_INT(r->row.labels[0].len, SERIES_LABEL_BYTES_MAX - 1);
    CHECK(hit(&s, text, "", 10) == r);
    series_clear(&s);
}

TEST(rows_of_several_sets_come_in_one_order)
{
    struct series one, two;
    size_t count;

    series_init(&one, sizeof(struct row), 2, 1000);
    series_init(&two, sizeof(struct row), 2, 1000);
    for (int i = 0; i < 900; i++) {
        char name[8];

        snprintf(name, sizeof(name), "%zu", test_below(t, 200));
        CHECK(hit(i % 2 == 0 ? &one : &two, name, i % 3 == 0 ? "x" : "y", 1000) != NULL);
    }
    const struct series *all[] = { &one, &two };
    struct series_row **rows = series_sorted(all, 2, &count);
    uint64_t hits = 0;

    CHECK_INT(count, series_count(&one) + series_count(&two));
    for (size_t i = 0; i < count; i++) {
        hits += count_read(&((struct row *)(void *)rows[i])->hits);
        CHECK(i == 0 || series_row_cmp(rows[i - 1], rows[i], 2) <= 0, "row %zu", i);
    }
    CHECK_INT(hits, 900);
    free(rows);
    series_clear(&one);
    series_clear(&two);
}

/* --- text ------------------------------------------------------------------------------------- */

static const struct metric_family seen = { "seen_things", METRIC_COUNTER, "", "Things seen." };
static const struct metric_family took = { "took_seconds", METRIC_HISTOGRAM, "seconds", "Time." };
static const struct metric_family build = { "build", METRIC_INFO, "", "What." };
static const struct histogram_scale scale = { { "0.5", "1.0" }, { 500, 1000 }, 2, 3 };

static void put_all(struct test *t, struct buf *out, bool open_metrics)
{
    struct metric_text m = { .out = out, .open_metrics = open_metrics };
    struct buf labels = { .max = 1024 };
    struct histogram h = { .sum = { 0 } };
    struct histogram_sum sum = { .sum = 0 };
    const struct metric_label list[] = { { "of", STR("a\"b\\c\nd") }, { "no", STR("") } };

    metric_labels(&labels, list, COUNT(list));
    metric_family_begin(&m, &seen);
    metric_put(&m, buf_str(&labels), INT64_MIN);
    metric_family_begin(&m, &took);
    metric_put_histogram(&m, STR(""), &sum, &scale); /* empty: nothing */
    for (int64_t value = 499; value <= 1001; value += 251)
        histogram_own(&h, &scale, value); /* 499, 750, 1001 */
    histogram_own(&h, &scale, 500);
    histogram_add(&sum, &h);
    metric_put_histogram(&m, STR("x=\"y\""), &sum, &scale);
    metric_family_begin(&m, &build);
    metric_put(&m, STR(""), 1);
    metric_put_scaled(&m, STR(""), -1005, 3);
    metric_text_end(&m);
    CHECK_INT(m.full, 0);
    buf_clear(&labels);
}

TEST(metrics_are_told_in_both_formats)
{
    static const char *const samples = "took_seconds_bucket{x=\"y\",le=\"0.5\"} 2\n"
                                       "took_seconds_bucket{x=\"y\",le=\"1.0\"} 3\n"
                                       "took_seconds_bucket{x=\"y\",le=\"+Inf\"} 4\n"
                                       "took_seconds_sum{x=\"y\"} 2.750\n"
                                       "took_seconds_count{x=\"y\"} 4\n";
    struct buf out = { .max = 65536 };

    put_all(t, &out, false);
    CHECK_STRS(buf_str(&out),
               arena_printf(&t->arena,
                            "# HELP seen_things_total Things seen.\n"
                            "# TYPE seen_things_total counter\n"
                            "seen_things_total{of=\"a\\\"b\\\\c\\nd\"} -9223372036854775808\n"
                            "# HELP took_seconds Time.\n# TYPE took_seconds histogram\n%s"
                            "# HELP build_info What.\n# TYPE build_info gauge\n"
                            "build_info 1\nbuild_info -1.005\n",
                            samples));
    out.len = 0;
    put_all(t, &out, true);
    CHECK_STRS(buf_str(&out),
               arena_printf(&t->arena,
                            "# HELP seen_things Things seen.\n"
                            "# TYPE seen_things counter\n"
                            "seen_things_total{of=\"a\\\"b\\\\c\\nd\"} -9223372036854775808\n"
                            "# HELP took_seconds Time.\n# TYPE took_seconds histogram\n"
                            "# UNIT took_seconds seconds\n%s"
                            "# HELP build What.\n# TYPE build info\n"
                            "build_info 1\nbuild_info -1.005\n# EOF\n",
                            samples));
    buf_clear(&out);
}

TEST(a_text_that_does_not_fit_is_told)
{
    for (size_t max = 1; max < 600; max += 37) {
        struct buf out = { .max = max };
        struct metric_text m = { .out = &out };

        for (int i = 0; i < 20; i++)
            metric_one(&m, &seen, i);
        CHECK(m.full, "room for %zu", max);
        buf_clear(&out);
    }
}

TEST(bad_utf8_in_a_label_is_mended)
{
    struct buf labels = { .max = 1024 };

    metric_labels(&labels, &(struct metric_label){ "l", STR("a\xff z") }, 1);
    CHECK_STR(buf_str(&labels), "l=\"a\xef\xbf\xbd z\"");
    buf_clear(&labels);
}
