/* io/zone.h - the local calendar of the process (TZ): where hours, days and months begin.
 *
 * Instants are whole seconds since 1970 UTC. Threads: any. */
#ifndef PENSTOCK_IO_ZONE_H
#define PENSTOCK_IO_ZONE_H

#include <stdint.h>

struct zone_time {
    int year, month, day, hour, minute, second; /* month and day from 1 */
    int32_t offset_s;                           /* of this zone's clock from UTC, then */
};

/* The local reading of this instant. */
void zone_read(int64_t unix_s, struct zone_time *out);
/* When the local hour, day and month of this instant began. */
int64_t zone_hour(int64_t unix_s);
int64_t zone_day(int64_t unix_s);
int64_t zone_month(int64_t unix_s);
/* When the local day `days` behind this instant's begins (negative: before it). */
int64_t zone_day_after(int64_t unix_s, int days);
/* When the local month after this instant's begins. */
int64_t zone_month_after(int64_t unix_s);
/* When this local day began; -1: there is no such date. */
int64_t zone_date(int year, int month, int day);

#endif
