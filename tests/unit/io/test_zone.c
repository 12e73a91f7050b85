/* tests/unit/io/test_zone.c - where local hours, days and months begin, in zones of half hours and
 * on days when clocks change. */
#include "io/zone.h"

#include <stdlib.h>
#include <time.h>

#include "test.h"

static void enter(const char *tz)
{
    setenv("TZ", tz, 1);
    tzset();
}

TEST(hours_days_and_months_begin_where_local_clocks_say)
{
    static const struct {
        const char *tz;
        int64_t at, hour, day, month, next_day, next_month;
    } cases[] = {
        /* 2026-11-29T13:04:16Z */
        { "UTC", 1795957456, 1795957200, 1795910400, 1793491200, 1795996800, 1796083200 },
        /* there it is 18:34:16 */
        { "IST-5:30", 1795957456, 1795955400, 1795890600, 1793471400, 1795977000, 1796063400 },
        /* 2026-03-08, 23 hours long: 2026-03-08T20:00:00-04:00 */
        { "EST5EDT,M3.2.0,M11.1.0", 1773014400, 1773014400, 1772946000, 1772341200, 1773028800,
          1775016000 },
        /* 2026-11-01, 25 hours long: 2026-11-01T12:30:00-05:00 */
        { "EST5EDT,M3.2.0,M11.1.0", 1793554200, 1793552400, 1793505600, 1793505600, 1793595600,
          1796101200 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        enter(cases[i].tz);
        CHECK_INT(zone_hour(cases[i].at), cases[i].hour, "case %zu", i);
        CHECK_INT(zone_day(cases[i].at), cases[i].day, "case %zu", i);
        CHECK_INT(zone_month(cases[i].at), cases[i].month, "case %zu", i);
        CHECK_INT(zone_day_after(cases[i].at, 1), cases[i].next_day, "case %zu", i);
        CHECK_INT(zone_day_after(cases[i].next_day, -1), cases[i].day, "case %zu", i);
        CHECK_INT(zone_month_after(cases[i].at), cases[i].next_month, "case %zu", i);
    }
}

TEST(a_date_is_where_its_day_begins_and_there_are_no_others)
{
    struct zone_time z;

    enter("IST-5:30");
    CHECK_INT(zone_date(2026, 11, 29), 1795890600);
    CHECK_INT(zone_date(2026, 2, 29), -1);
    CHECK_INT(zone_date(2026, 13, 1), -1);
    CHECK_INT(zone_date(2026, 1, 0), -1);
    zone_read(1795957456, &z);
    CHECK_INT(z.year, 2026);
    CHECK_INT(z.month, 11);
    CHECK_INT(z.day, 29);
    CHECK_INT(z.hour, 18);
    CHECK_INT(z.minute, 34);
    CHECK_INT(z.second, 16);
    CHECK_INT(z.offset_s, 19800);
}
