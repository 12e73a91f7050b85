#include "io/zone.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

static struct tm local(int64_t unix_s)
{
    time_t at = (time_t)unix_s;
    struct tm tm;

    memset(&tm, 0, sizeof(tm));
    (void)localtime_r(&at, &tm);
    return tm;
}

/* Midnight of a day that may be out of range of its month. In zones whose clocks skip midnight the
 * day begins when they go on. */
static int64_t midnight(int year, int month, int day)
{
    struct tm tm;

    memset(&tm, 0, sizeof(tm));
    tm.tm_year = year;
    tm.tm_mon = month;
    tm.tm_mday = day;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm);
}

void zone_read(int64_t unix_s, struct zone_time *out)
{
    struct tm tm = local(unix_s);

    *out = (struct zone_time){ .year = tm.tm_year + 1900,
                               .month = tm.tm_mon + 1,
                               .day = tm.tm_mday,
                               .hour = tm.tm_hour,
                               .minute = tm.tm_min,
                               .second = tm.tm_sec,
                               .offset_s = (int32_t)tm.tm_gmtoff };
}

int64_t zone_hour(int64_t unix_s)
{
    struct tm tm = local(unix_s);

    return unix_s - (int64_t)tm.tm_min * 60 - tm.tm_sec;
}

int64_t zone_day(int64_t unix_s)
{
    return zone_day_after(unix_s, 0);
}

int64_t zone_day_after(int64_t unix_s, int days)
{
    struct tm tm = local(unix_s);

    return midnight(tm.tm_year, tm.tm_mon, tm.tm_mday + days);
}

int64_t zone_month(int64_t unix_s)
{
    struct tm tm = local(unix_s);

    return midnight(tm.tm_year, tm.tm_mon, 1);
}

int64_t zone_month_after(int64_t unix_s)
{
    struct tm tm = local(unix_s);

    return midnight(tm.tm_year, tm.tm_mon + 1, 1);
}

int64_t zone_date(int year, int month, int day)
{
    struct zone_time t;
    int64_t at = midnight(year - 1900, month - 1, day);

    zone_read(at, &t);
    return t.year == year && t.month == month && t.day == day ? at : -1;
}
