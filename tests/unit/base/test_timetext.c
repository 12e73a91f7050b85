#include "base/timetext.h"

#include "test.h"

#define UNTOUCHED INT64_C(-12345)

TEST(durations_are_read_in_all_their_forms)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "0", 0 },
        { "0s", 0 },
        { "1s", 1000 },
        { "1.5s", 1500 },
        { "8.64s", 8640 },
        { "1.302s", 1302 },
        { "17ms", 17 },
        { "20ms", 20 },
        { "6m0s", 360000 },
        { "1h2m3.5s", 3723500 },
        { "9h22m20s", 33740000 },
        { "161h39m41s", 581981000 },
        { "161h39m41.300432511s", 581981301 },
        { "33740.910400305s", 33740911 },
        { "34.0748s", 34075 },
        { "34.07s", 34070 },
        { "900ms", 900 },
        { "24h", 86400000 },
        { "1d", 86400000 },
        { "1d2h3m4s5ms", 93784005 },
        { "2w", 1209600000 },
        { "1.5h", 5400000 },
        { "0.5d", 43200000 },
        { "1h5ms", 3600005 },
        /* a bare number is seconds */
        { "30", 30000 },
        { "1.5", 1500 },
        { "007", 7000 },
        { "0.0", 0 },
        /* m is not ms */
        { "5m", 300000 },
        { "5ms", 5 },
        { "5m5ms", 300005 },
        { "1m1s1ms", 61001 },
        /* below a ms; rounded up, once */
        { "0.5ms", 1 },
        { "1.0001ms", 2 },
        { "350us", 1 },
        { "1500\xC2\xB5s", 2 },
        { "2000\xCE\xBCs", 2 },
        { "1ns", 1 },
        { "0.0000000000001s", 1 },
        { "1.0000000000000s", 1000 },
        { "0.0001s0.9ms", 1 },
        { "0.0001s0.95ms", 2 },
        { "1ms999us", 2 },
        /* words */
        { "12 seconds", 12000 },
        { "71 minutes", 4260000 },
        { "1 minute", 60000 },
        { "2 days", 172800000 },
        { "2 days 4 hours", 187200000 },
        { "3 hours 5 minutes 1 second", 11101000 },
        { "5 Min", 300000 },
        { "5mins", 300000 },
        { "1 hr", 3600000 },
        { "2 HRS", 7200000 },
        { "10 sec", 10000 },
        { "1 week", 604800000 },
        { "250 milliseconds", 250 },
        { "1h 30m", 5400000 },
        { "5 s", 5000 },
        /* ISO 8601 */
        { "PT1H2M", 3720000 },
        { "P1DT2H", 93600000 },
        { "PT0S", 0 },
        { "PT1.5S", 1500 },
        { "PT90M", 5400000 },
        { "P1W", 604800000 },
        { "P2D", 172800000 },
        { "pt1h", 3600000 },
        { "P1DT2H3M4.005S", 93784005 },
        /* the largest there is */
        { "9223372036854775807ms", INT64_MAX },
        { "9223372036854775s", INT64_C(9223372036854775000) },
        { "9223372036854775.807s", INT64_MAX },
        { "106751991167d", INT64_C(9223372036828800000) },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = UNTOUCHED;

        CHECK(duration_read(str_c(cases[i].text), &ms), "%s", cases[i].text);
        CHECK_INT(ms, cases[i].ms, "%s", cases[i].text);
    }
}

static const char *const no_durations[] = {
    "",
    " ",
    "s",
    "ms",
    "-1",
    "-1s",
    "+1s",
    "- 1s",
    "1s-1ms",
    ".5s",
    "1.s",
    "1.",
    "1..5s",
    "1.5.5s",
    "1e3",
    "1e3s",
    "0x10",
    "1,5s",
    "1_000",
    "NaN",
    "inf",
    "never",
    "soon",
    "5x",
    "5 x",
    "5 sx",
    "5mm",
    "5mss",
    "1h30",
    "30 1h",
    "1s1m",
    "1s1s",
    "1ms1s",
    "5m5h",
    " 1s",
    "1s ",
    "1  s",
    "1h  2m",
    "1s,",
    "1s.",
    "1\ts",
    "12:30",
    "1h:2m",
    "P",
    "PT",
    "P1",
    "PT1",
    "P1H",
    "PT1D",
    "P1M",
    "P1Y",
    "P1DT",
    "PT1S1M",
    "PT1S1S",
    "PT-1S",
    "-PT1S",
    "PT1Sx",
    "PT 1S",
    "P1D2H",
    "PTT1H",
    "1h2",
    "5\xC2\xB5",
    "5\xC2s",
    "5\xE2\x80\xA6",
    "2026-11-21T09:00:00Z",
    "one minute",
    "1 month",
    "1 year",
    /* overflow, one above the largest and far above */
    "9223372036854775808ms",
    "9223372036854775808",
    "9223372036854775.808s",
    "9223372036854776s",
    "9223372036854775807ms1ns",
    "106751991168d",
    "106751991167d7h12m55s808ms",
    "18446744073709551615s",
    "18446744073709551616ns",
    "99999999999999999999999999s",
    "P99999999999999999999999999D",
    "106751991167d99999999999999999999999h",
};

TEST(durations_of_other_text_are_refused)
{
    for (size_t i = 0; i < COUNT(no_durations); i++) {
        int64_t ms = UNTOUCHED;

        CHECK(!duration_read(str_c(no_durations[i]), &ms), "\"%s\"", no_durations[i]);
        CHECK_INT(ms, UNTOUCHED, "\"%s\"", no_durations[i]);
    }
    int64_t ms;

    CHECK(!duration_read(STR("5\0"), &ms));
    CHECK(!duration_read(STR("5\0s"), &ms));
}

TEST(durations_are_read_at_the_front_of_text)
{
    static const struct {
        const char *text;
        bool good;
        int64_t ms;
        size_t used;
    } cases[] = {
        { "1.302s. Visit the page", true, 1302, 6 },
        { "34.0748s.", true, 34075, 8 },
        { "20ms", true, 20, 4 },
        { "6m0s.", true, 360000, 4 },
        { "12 seconds before", true, 12000, 10 },
        { "71 minutes before trying again", true, 4260000, 10 },
        { "161h39m41s.", true, 581981000, 10 },
        { "24h)", true, 86400000, 3 },
        { "2 days 4 hours.", true, 187200000, 14 },
        { "2 days, then", true, 172800000, 6 },
        { "2 days 4 cats", true, 172800000, 6 },
        { "1s and 2ms", true, 1000, 2 },
        { "1m 1h", true, 60000, 2 },
        { "5s\xE2\x80\xA6", true, 5000, 2 },
        { "30 or so", true, 30000, 2 },
        { "30.", true, 30000, 2 },
        { "30", true, 30000, 2 },
        { "30)", true, 30000, 2 },
        { "30\"}", true, 30000, 2 },
        { "PT1H2M.", true, 3720000, 6 },
        { "P1D, maybe", true, 86400000, 3 },
        { "12:30", false, 0, 0 },
        { "5xx errors", false, 0, 0 },
        { "2026-11-21", false, 0, 0 },
        { "50% more", false, 0, 0 },
        { "a minute", false, 0, 0 },
        { "please", false, 0, 0 },
        { " 5s", false, 0, 0 },
        { "-5s", false, 0, 0 },
        { "", false, 0, 0 },
        { "1h99999999999999999999m", false, 0, 0 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = 0;
        size_t used = 0;

        CHECK_INT(duration_read_prefix(str_c(cases[i].text), &ms, &used), cases[i].good, "%s",
                  cases[i].text);
        CHECK_INT(ms, cases[i].ms, "%s", cases[i].text);
        CHECK_INT(used, cases[i].used, "%s", cases[i].text);
    }
}

TEST(durations_are_written_for_people)
{
    static const struct {
        int64_t ms;
        const char *want;
    } cases[] = {
        { 0, "0s" },
        { -1, "0s" },
        { INT64_MIN, "0s" },
        { 1, "1ms" },
        { 900, "900ms" },
        { 999, "999ms" },
        { 1000, "1s" },
        { 1001, "2s" },
        { 35000, "35s" },
        { 59000, "59s" },
        { 59001, "1m" },
        { 60000, "1m" },
        { 61000, "1m1s" },
        { 3599000, "59m59s" },
        { 3599001, "1h" },
        { 3600000, "1h" },
        { 3601000, "1h1m" },
        { 3720000, "1h2m" },
        { 86340000, "23h59m" },
        { 86340001, "1d" },
        { 86400000, "1d" },
        { 86400001, "1d1h" },
        { 581981301, "6d18h" },
        { INT64_MAX, "106751991167d8h" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str want = str_c(cases[i].want);

        for (size_t max = want.len - 1; max <= want.len + 1; max++) {
            struct buf out;

            buf_init(&out, max);
            CHECK_INT(duration_put(&out, cases[i].ms), max >= want.len, "%s", want.at);
            CHECK_STR(buf_str(&out), max >= want.len ? want.at : "", "max %zu", max);
            buf_clear(&out);
        }
    }
}

TEST(rfc3339_dates_are_read)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1969-12-31T23:59:59Z", -1000 },
        { "2026-11-21T09:00:00Z", INT64_C(1795251600000) },
        { "2026-11-21t09:00:00z", INT64_C(1795251600000) },
        { "2026-11-21 09:00:00Z", INT64_C(1795251600000) },
        { "2026-11-21T09:00:00+00:00", INT64_C(1795251600000) },
        { "2026-11-21T09:00:00-00:00", INT64_C(1795251600000) },
        { "2026-11-21T10:30:00+01:30", INT64_C(1795251600000) },
        { "2026-11-21T01:00:00-08:00", INT64_C(1795251600000) },
        { "2026-11-22T08:59:00+23:59", INT64_C(1795251600000) },
        { "2026-11-21T09:00:00.25Z", INT64_C(1795251600250) },
        { "2026-11-21T09:00:00.000000001Z", INT64_C(1795251600001) },
        { "2026-11-21T09:00:00.1230000000Z", INT64_C(1795251600123) },
        { "2026-11-21T08:59:59.9999Z", INT64_C(1795251600000) },
        { "2016-12-31T23:59:60Z", INT64_C(1483228800000) },
        { "2000-02-29T00:00:00Z", INT64_C(951782400000) },
        { "2024-02-29T00:00:00Z", INT64_C(1709164800000) },
        { "1900-03-01T00:00:00Z", INT64_C(-2203891200000) },
        { "0000-01-01T00:00:00Z", INT64_C(-62167219200000) },
        { "0000-02-29T00:00:00Z", INT64_C(-62162121600000) },
        { "9999-12-31T23:59:59Z", INT64_C(253402300799000) },
    };
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-21",
        "2026-11-21T09:00:00",
        "2026-11-21T09:00Z",
        "2026-11-21T9:00:00Z",
        "26-11-21T09:00:00Z",
        "2026-11-21T09:00:00 Z",
        " 2026-11-21T09:00:00Z",
        "2026-11-21T09:00:00Z ",
        "2026-11-21T09:00:00ZZ",
        "2026-11-21T09:00:00.Z",
        "2026-11-21T09:00:00,5Z",
        "2026-11-21T09:00:00+0100",
        "2026-11-21T09:00:00+01",
        "2026-11-21T09:00:00+24:00",
        "2026-11-21T09:00:00+01:60",
        "2026-11-21T24:00:00Z",
        "2026-11-21T09:60:00Z",
        "2026-11-21T09:00:61Z",
        "2026-00-21T09:00:00Z",
        "2026-13-21T09:00:00Z",
        "2026-11-00T09:00:00Z",
        "2026-11-31T09:00:00Z",
        "2026-02-29T09:00:00Z",
        "1900-02-29T09:00:00Z",
        "2100-02-29T00:00:00Z",
        "-026-11-21T09:00:00Z",
        "+026-11-21T09:00:00Z",
        "2026-1121T09:00:00Z",
        "2026/11/21T09:00:00Z",
        "20261121T090000Z",
        "2026-11-21_09:00:00Z",
        "12026-11-21T09:00:00Z",
        "garbage",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = UNTOUCHED;

        CHECK(date_read_rfc3339(str_c(cases[i].text), &ms), "%s", cases[i].text);
        CHECK_INT(ms, cases[i].ms, "%s", cases[i].text);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t ms = UNTOUCHED;

        CHECK(!date_read_rfc3339(str_c(bad[i]), &ms), "%s", bad[i]);
        CHECK_INT(ms, UNTOUCHED, "%s", bad[i]);
    }
}

TEST(http_dates_are_read_in_their_three_forms)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000) },
        { "Sunday, 06-Nov-94 08:49:37 GMT", INT64_C(784111777000) },
        { "Sun Nov  6 08:49:37 1994", INT64_C(784111777000) },
        { "Sun Nov 06 08:49:37 1994", INT64_C(784111777000) },
        { "Sat, 21 Nov 2026 09:00:00 GMT", INT64_C(1795251600000) },
        { "sat, 21 nov 2026 09:00:00 gmt", INT64_C(1795251600000) },
        { "Saturday, 21-Nov-26 09:00:00 GMT", INT64_C(1795251600000) },
        { "Sat Nov 21 09:00:00 2026", INT64_C(1795251600000) },
        { "Thursday, 01-Jan-70 00:00:00 GMT", 0 },
        { "Tuesday, 31-Dec-69 00:00:00 GMT", INT64_C(3155673600000) }, /* 2069 */
        { "Mon, 21 Nov 2026 09:00:00 GMT", INT64_C(1795251600000) },   /* was a Saturday */
        { "Thu, 29 Feb 2024 00:00:00 GMT", INT64_C(1709164800000) },
        { "Sat, 31 Dec 2016 23:59:60 GMT", INT64_C(1483228800000) },
    };
    static const char *const bad[] = {
        "",
        "0",
        "120",
        "-1",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 GMTx",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nop 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  0 08:49:37 1994",
        "1994-11-06T08:49:37Z",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = UNTOUCHED;

        CHECK(date_read_http(str_c(cases[i].text), &ms), "%s", cases[i].text);
        CHECK_INT(ms, cases[i].ms, "%s", cases[i].text);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t ms = UNTOUCHED;

        CHECK(!date_read_http(str_c(bad[i]), &ms), "%s", bad[i]);
        CHECK_INT(ms, UNTOUCHED, "%s", bad[i]);
    }
}

TEST(dates_are_written)
{
    static const struct {
        int64_t ms;
        const char *rfc3339, *http;
    } cases[] = {
        { 0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT" },
        { -1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT" },
        { 999, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT" },
        { INT64_C(784111777000), "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT" },
        { INT64_C(1795251600000), "2026-11-21T09:00:00Z", "Sat, 21 Nov 2026 09:00:00 GMT" },
        { INT64_C(951868799000), "2000-02-29T23:59:59Z", "Tue, 29 Feb 2000 23:59:59 GMT" },
        { INT64_C(-62167219200000), "0000-01-01T00:00:00Z", "Sat, 01 Jan 0000 00:00:00 GMT" },
        { INT64_C(-62167219200001), "0000-01-01T00:00:00Z", "Sat, 01 Jan 0000 00:00:00 GMT" },
        { INT64_MIN, "0000-01-01T00:00:00Z", "Sat, 01 Jan 0000 00:00:00 GMT" },
        { INT64_C(253402300799999), "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT" },
        { INT64_C(253402300800000), "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT" },
        { INT64_MAX, "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;

        buf_init(&out, 100);
        CHECK(date_put_rfc3339(&out, cases[i].ms), "%s", cases[i].rfc3339);
        CHECK_STR(buf_str(&out), cases[i].rfc3339, "%" PRId64, cases[i].ms);
        out.len = 0;
        CHECK(date_put_http(&out, cases[i].ms), "%s", cases[i].http);
        CHECK_STR(buf_str(&out), cases[i].http, "%" PRId64, cases[i].ms);
        buf_clear(&out);
    }
    for (size_t max = 18; max <= 30; max++) {
        struct buf out;

        buf_init(&out, max);
        CHECK_INT(date_put_rfc3339(&out, 0), max >= 20, "max %zu", max);
        CHECK_INT(out.len, max >= 20 ? 20 : 0, "max %zu", max);
        out.len = 0;
        CHECK_INT(date_put_http(&out, 0), max >= 29, "max %zu", max);
        CHECK_INT(out.len, max >= 29 ? 29 : 0, "max %zu", max);
        buf_clear(&out);
    }
}

TEST(dates_that_were_written_are_read_back)
{
    for (size_t round = 0; round < 20000; round++) {
        int64_t span = INT64_C(253402300800) + INT64_C(62167219200); /* of the years 0 to 9999 */
        int64_t ms = ((int64_t)(test_random(t) % (uint64_t)span) - INT64_C(62167219200)) * 1000;
        int64_t back = 0;
        struct buf out;

        buf_init(&out, 100);
        CHECK(date_put_rfc3339(&out, ms));
        CHECK(date_read_rfc3339(buf_str(&out), &back), "%" PRId64, ms);
        CHECK_INT(back, ms, "RFC 3339");
        out.len = 0;
        CHECK(date_put_http(&out, ms));
        CHECK(date_read_http(buf_str(&out), &back), "%" PRId64, ms);
        CHECK_INT(back, ms, "HTTP");
        buf_clear(&out);
    }
}

TEST(every_day_follows_the_one_before)
{
    char text[40];
    int64_t want = INT64_C(-11676096000000); /* 1600-01-01 */
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    for (int year = 1600; year < 2401; year++)
        for (int month = 1; month <= 12; month++) {
            bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
            int days = lengths[month - 1] + (leap && month == 2);

            for (int day = 1; day <= days + 1; day++) {
                int64_t ms = 0;

                snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", year, month, day);
                bool good = date_read_rfc3339(str_c(text), &ms);

                CHECK_INT(good, day <= days, "%s", text);
                if (good && !CHECK_INT(ms, want, "%s", text))
                    return;
                want += good ? 86400000 : 0;
            }
        }
}

TEST(pacific_midnight_is_right_at_every_change_of_clocks)
{
    static const struct {
        const char *at, *next;
    } cases[] = {
        { "2026-01-15T12:00:00Z", "2026-01-16T08:00:00Z" },
        /* clocks go forward on March 8th */
        { "2026-03-07T08:00:00Z", "2026-03-08T08:00:00Z" },
        { "2026-03-08T07:59:59Z", "2026-03-08T08:00:00Z" },
        { "2026-03-08T07:59:59.999Z", "2026-03-08T08:00:00Z" },
        { "2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z" },
        { "2026-03-08T09:59:59Z", "2026-03-09T07:00:00Z" },
        { "2026-03-08T10:00:00Z", "2026-03-09T07:00:00Z" },
        { "2026-03-09T06:59:59Z", "2026-03-09T07:00:00Z" },
        { "2026-03-09T07:00:00Z", "2026-03-10T07:00:00Z" },
        { "2026-07-01T03:00:00Z", "2026-07-01T07:00:00Z" },
        /* and back on November 1st */
        { "2026-11-01T06:59:59Z", "2026-11-01T07:00:00Z" },
        { "2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z" },
        { "2026-11-01T08:59:59Z", "2026-11-02T08:00:00Z" },
        { "2026-11-01T09:00:00Z", "2026-11-02T08:00:00Z" },
        { "2026-11-02T07:59:59Z", "2026-11-02T08:00:00Z" },
        { "2026-11-02T08:00:00Z", "2026-11-03T08:00:00Z" },
        { "2026-12-31T20:00:00Z", "2027-01-01T08:00:00Z" },
        { "2028-02-29T07:00:00Z", "2028-02-29T08:00:00Z" },
        { "2028-02-29T08:00:00Z", "2028-03-01T08:00:00Z" },
        /* the latest and the earliest days they can be */
        { "2027-03-14T07:30:00Z", "2027-03-14T08:00:00Z" },
        { "2027-03-14T08:00:00Z", "2027-03-15T07:00:00Z" },
        { "2027-11-07T07:30:00Z", "2027-11-08T08:00:00Z" },
        { "2009-11-01T07:00:00Z", "2009-11-02T08:00:00Z" },
        { "2015-03-08T08:00:00Z", "2015-03-09T07:00:00Z" },
        { "2037-11-01T07:00:00Z", "2037-11-02T08:00:00Z" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t at = 0, next = 0;

        CHECK(date_read_rfc3339(str_c(cases[i].at), &at));
        CHECK(date_read_rfc3339(str_c(cases[i].next), &next));
        CHECK_INT(date_next_pacific_midnight(at), next, "%s", cases[i].at);
    }
}

TEST(pacific_midnight_is_later_and_at_most_25_hours_away)
{
    static const int64_t edges[] = { INT64_MIN,
                                     -1,
                                     0,
                                     INT64_C(-62167219200001),
                                     INT64_C(-62167219200000),
                                     INT64_C(253402300799999),
                                     INT64_C(253402300800000),
                                     INT64_MAX - 1 };
    for (size_t i = 0; i < COUNT(edges); i++)
        CHECK(date_next_pacific_midnight(edges[i]) > edges[i], "%" PRId64, edges[i]);
    for (size_t round = 0; round < 20000; round++) {
        int64_t at = (int64_t)(test_random(t) % UINT64_C(4102444800000)); /* 1970 to 2099 */
        int64_t next = date_next_pacific_midnight(at);

        CHECK(next > at && next - at <= INT64_C(90000000), "%" PRId64, at);
        CHECK(next % 86400000 == 25200000 || next % 86400000 == 28800000, "%" PRId64, at);
    }
}
