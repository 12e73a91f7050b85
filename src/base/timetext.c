#include "timetext.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

#define YEAR_0_MS INT64_C(-62167219200000)
#define YEAR_10000_MS INT64_C(253402300800000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return char_lower(c) >= 'a' && char_lower(c) <= 'z';
}

/* --- durations ------------------------------------------------------------------------------- */

/* Sums are kept in 1e-9 ns, so that rounding happens once. 128 bits hold any sum of parts that each
 * are below 2^64 ms, with room to spare. */
__extension__ typedef unsigned __int128 wide;

#define FRACTION_ONE UINT64_C(1000000000) /* fractions of a unit are kept to nine digits */
#define MS_NS UINT64_C(1000000)
#define WIDE_MS ((wide)MS_NS * FRACTION_ONE)

struct unit {
    uint64_t ns;
    const char *words[7];
};

static const struct unit units[] = {
    { 7 * DAY_MS * MS_NS, { "w", "week", "weeks" } },
    { DAY_MS * MS_NS, { "d", "day", "days" } },
    { HOUR_MS * MS_NS, { "h", "hr", "hrs", "hour", "hours" } },
    { MINUTE_MS * MS_NS, { "m", "min", "mins", "minute", "minutes" } },
    { SECOND_MS * MS_NS, { "s", "sec", "secs", "second", "seconds" } },
    { MS_NS, { "ms", "msec", "msecs", "millisecond", "milliseconds" } },
    /* both the micro sign and the Greek letter are in use */
    { 1000, { "us", "\u00b5s", "\u03bcs", "microsecond", "microseconds" } },
    { 1, { "ns", "nanosecond", "nanoseconds" } },
};

struct decimal {
    uint64_t whole;
    uint64_t fraction; /* of FRACTION_ONE, rounded up */
};

/* Digits, and a fraction when a digit follows the point (else it is the end of a sentence). */
static bool decimal_read(struct str s, size_t *at, struct decimal *n)
{
    size_t i = *at, start = *at;
    uint64_t place = FRACTION_ONE;

    *n = (struct decimal){ 0 };
    while (i < s.len && is_digit(s.at[i]))
        i++;
    if (!str_to_u64((struct str){ s.at + start, i - start }, &n->whole))
        return false;
    if (i + 1 < s.len && s.at[i] == '.' && is_digit(s.at[i + 1])) {
        bool more = false;

        for (i++; i < s.len && is_digit(s.at[i]); i++) {
            uint64_t digit = (uint64_t)(s.at[i] - '0');

            place /= 10;
            n->fraction += digit * place;
            more = more || (place == 0 && digit > 0);
        }
        n->fraction += more;
    }
    *at = i;
    return true;
}

static bool sum_add(wide *sum, const struct decimal *n, uint64_t unit_ns)
{
    if (unit_ns >= MS_NS && n->whole > (uint64_t)INT64_MAX / (unit_ns / MS_NS))
        return false;
    *sum += ((wide)n->whole * FRACTION_ONE + n->fraction) * unit_ns;
    return true;
}

static bool sum_end(wide sum, int64_t *ms)
{
    wide up = (sum + WIDE_MS - 1) / WIDE_MS;

    if (up > INT64_MAX)
        return false;
    *ms = (int64_t)up;
    return true;
}

/* The unit whose word stands at `*at`, all letters of it: so `ms` is never read as `m`. */
static const struct unit *unit_read(struct str s, size_t *at)
{
    size_t end = *at;

    while (end < s.len && end - *at < 2 && (uint8_t)s.at[end] >= 0x80)
        end++; /* the micro sign */
    while (end < s.len && is_letter(s.at[end]))
        end++;
    struct str word = { s.at + *at, end - *at };

    for (size_t i = 0; word.len > 0 && i < COUNT(units); i++)
        for (size_t j = 0; j < COUNT(units[i].words) && units[i].words[j] != NULL; j++)
            if (str_ieq(word, str_c(units[i].words[j]))) {
                *at = end;
                return &units[i];
            }
    return NULL;
}

static size_t skip_blank(struct str s, size_t at)
{
    return at < s.len && s.at[at] == ' ' ? at + 1 : at;
}

/* May a bare number end here? */
static bool ends_number(struct str s, size_t at)
{
    return at == s.len || (s.at[at] != '\0' && strchr(" \t\r\n.,;!?)]}\"'", s.at[at]) != NULL);
}

/* `6m0s`, `2 days 4 hours`, `30` */
static bool parts_read(struct str s, wide *sum, size_t *used)
{
    uint64_t above_ns = UINT64_MAX; /* of the part before */

    for (size_t at = 0; at < s.len;) {
        struct decimal n;
        size_t next = at;

        if (!decimal_read(s, &next, &n))
            return at > 0 && !is_digit(s.at[at]);
        size_t bare = next;

        next = skip_blank(s, next);
        const struct unit *u = unit_read(s, &next);

        if (u == NULL && at == 0) {
            *used = bare;
            return ends_number(s, bare) && sum_add(sum, &n, SECOND_MS * MS_NS);
        }
        if (u == NULL || u->ns >= above_ns)
            return true; /* not of this duration */
        if (!sum_add(sum, &n, u->ns))
            return false;
        above_ns = u->ns;
        *used = next;
        at = skip_blank(s, next);
    }
    return *used > 0;
}

/* `P1DT2H`, `PT0.5S`. The letter M is minutes only behind the T; months have no fixed length. */
static bool iso_read(struct str s, wide *sum, size_t *used)
{
    static const char *const letters[] = { "wd", "hms" };
    uint64_t above_ns = UINT64_MAX;
    size_t at = 1; /* behind the P */
    bool timed = false;

    for (;;) {
        struct decimal n;

        if (!timed && at + 1 < s.len && char_lower(s.at[at]) == 't' && is_digit(s.at[at + 1])) {
            timed = true;
            at++;
        }
        if (!decimal_read(s, &at, &n) || at == s.len)
            break;
        char letter = char_lower(s.at[at]);
        size_t end = 0;
        const struct unit *u = unit_read((struct str){ &letter, 1 }, &end);

        if (u == NULL || strchr(letters[timed], letter) == NULL || u->ns >= above_ns ||
            !sum_add(sum, &n, u->ns))
            return false;
        above_ns = u->ns;
        *used = ++at;
    }
    return *used > 0;
}

bool duration_read_prefix(struct str s, int64_t *ms, size_t *used)
{
    bool iso = s.len > 0 && char_lower(s.at[0]) == 'p';
    size_t took = 0;
    wide sum = 0;

    if (!(iso ? iso_read(s, &sum, &took) : parts_read(s, &sum, &took)) || !sum_end(sum, ms))
        return false;
    *used = took;
    return true;
}

bool duration_read(struct str s, int64_t *ms)
{
    size_t used;
    int64_t got;

    if (!duration_read_prefix(s, &got, &used) || used != s.len)
        return false;
    *ms = got;
    return true;
}

/* for people */
static const struct step {
    uint64_t ms;
    const char *name;
} steps[] = { { DAY_MS, "d" }, { HOUR_MS, "h" }, { MINUTE_MS, "m" }, { SECOND_MS, "s" } };

static size_t step_of(uint64_t ms)
{
    size_t i = 0;

    while (i + 1 < COUNT(steps) && ms < steps[i].ms)
        i++;
    return i;
}

static uint64_t round_up(uint64_t ms, const struct step *to)
{
    return (ms + to->ms - 1) / to->ms * to->ms;
}

static bool step_put(struct buf *out, uint64_t ms, const struct step *step)
{
    return buf_add_u64(out, ms / step->ms) && buf_add(out, str_c(step->name));
}

bool duration_put(struct buf *out, int64_t ms)
{
    size_t len = out->len;

    if (ms <= 0)
        return buf_add(out, STR("0s"));
    if (ms < SECOND_MS)
        return buf_printf(out, "%dms", (int)ms);

    uint64_t left = round_up((uint64_t)ms, &steps[COUNT(steps) - 1]);
    size_t big = step_of(left);
    size_t small = big + 1 < COUNT(steps) ? big + 1 : big;

    left = round_up(left, &steps[small]);
    big = step_of(left); /* `23h59m30s` has become `1d`, with nothing behind it */
    uint64_t rest = left % steps[big].ms;

    if (step_put(out, left, &steps[big]) && (rest == 0 || step_put(out, rest, &steps[small])))
        return true;
    out->len = len;
    return false;
}

/* --- the calendar ---------------------------------------------------------------------------- */

struct date {
    int64_t year;
    int month, day; /* from 1 */
    int hour, minute, second;
};

/* Years are counted from March here, so that the leap day is the last of its year and the months
 * before it have the same lengths always: (153 * month + 2) / 5 days, April being 1. */
static int64_t days_from_date(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t month_from_march = (month + 9) % 12;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468; /* 1970-01-01 */
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static struct date date_from_days(int64_t days)
{
    int64_t from_era_0 = days + 719468;
    int64_t era = floor_div(from_era_0, 146097);
    int64_t day_of_era = from_era_0 - era * 146097;
    /* leap days taken out, each year has 365 */
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);

    return (struct date){
        .year = era * 400 + year_of_era + (month <= 2),
        .month = month,
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
}

static int month_days(int64_t year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

/* 0 is Sunday */
static int weekday(int64_t days)
{
    return (int)(((days + 4) % 7 + 7) % 7);
}

static bool date_is_real(const struct date *d)
{
    return d->month >= 1 && d->month <= 12 && d->day >= 1 &&
           d->day <= month_days(d->year, d->month) && d->hour <= 23 && d->minute <= 59 &&
           d->second <= 60;
}

static int64_t date_ms(const struct date *d)
{
    return days_from_date(d->year, d->month, d->day) * DAY_MS + d->hour * HOUR_MS +
           d->minute * MINUTE_MS + d->second * SECOND_MS;
}

static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char *const day_names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday" };

/* --- reading dates --------------------------------------------------------------------------- */

static bool digits_take(struct str *s, size_t n, int64_t *out)
{
    uint64_t value;

    if (s->len < n || !str_to_u64(str_take(*s, n), &value))
        return false;
    *out = (int64_t)value;
    *s = str_drop(*s, n);
    return true;
}

static bool month_take(struct str *s, int *out)
{
    for (size_t i = 0; i < COUNT(month_names); i++)
        if (str_istarts(*s, str_c(month_names[i]))) {
            *out = (int)i + 1;
            *s = str_drop(*s, 3);
            return true;
        }
    return false;
}

static bool weekday_take(struct str *s, bool whole)
{
    for (size_t i = 0; i < COUNT(day_names); i++) {
        struct str name = str_c(day_names[i]);

        name = whole ? name : str_take(name, 3);
        if (str_istarts(*s, name)) {
            *s = str_drop(*s, name.len);
            return true;
        }
    }
    return false;
}

/* Two digits, or with `blank` also a blank and one digit. */
static bool two_take(struct str *s, bool blank, int *out)
{
    int64_t n;

    blank = blank && str_starts(*s, STR(" "));
    if (blank)
        *s = str_drop(*s, 1);
    if (!digits_take(s, blank ? 1 : 2, &n))
        return false;
    *out = (int)n;
    return true;
}

/* 94 is 1994, 26 is 2026 */
static bool short_year_take(struct str *s, int64_t *out)
{
    if (!digits_take(s, 2, out))
        return false;
    *out += *out < 70 ? 2000 : 1900;
    return true;
}

/* Takes what one `%` letter stands for. */
static bool date_field_take(struct str *s, char field, struct date *d)
{
    switch (field) {
    case 'w': /* Sun */
        return weekday_take(s, false);
    case 'W': /* Sunday */
        return weekday_take(s, true);
    case 'Y':
        return digits_take(s, 4, &d->year);
    case 'y':
        return short_year_take(s, &d->year);
    case 'b': /* Nov */
        return month_take(s, &d->month);
    case 'm':
        return two_take(s, false, &d->month);
    case 'd':
        return two_take(s, false, &d->day);
    case 'e': /* a blank for the day's zero */
        return two_take(s, true, &d->day);
    case 'H':
        return two_take(s, false, &d->hour);
    case 'M':
        return two_take(s, false, &d->minute);
    default:
        assert(field == 'S');
        return two_take(s, false, &d->second);
    }
}

/* Takes a date off the front of `s` as `pattern` has it: `%` and a letter is a field, everything
 * else stands for itself in either case. */
static bool date_take(struct str *s, const char *pattern, struct date *d)
{
    *d = (struct date){ 0 };
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '%') {
            if (!date_field_take(s, *++p, d))
                return false;
        } else {
            if (s->len == 0 || char_lower(s->at[0]) != char_lower(*p))
                return false;
            *s = str_drop(*s, 1);
        }
    }
    return date_is_real(d);
}

/* `Z`, `+02:00` */
static bool offset_take(struct str *s, int64_t *ms)
{
    int64_t hours, minutes;

    if (s->len == 0)
        return false;
    char sign = char_lower(s->at[0]);

    *s = str_drop(*s, 1);
    *ms = 0;
    if (sign == 'z')
        return true;
    if ((sign != '+' && sign != '-') || !digits_take(s, 2, &hours) || !str_starts(*s, STR(":")))
        return false;
    *s = str_drop(*s, 1);
    if (!digits_take(s, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ms = (hours * HOUR_MS + minutes * MINUTE_MS) * (sign == '-' ? -1 : 1);
    return true;
}

/* `.25`, where there is one; rounded up. */
static bool fraction_take(struct str *s, int64_t *ms)
{
    int64_t place = SECOND_MS;
    bool more = false;
    size_t n = 1;

    *ms = 0;
    if (!str_starts(*s, STR(".")))
        return true;
    for (; n < s->len && is_digit(s->at[n]); n++) {
        place /= 10;
        *ms += (s->at[n] - '0') * place;
        more = more || (place == 0 && s->at[n] != '0');
    }
    *ms += more;
    *s = str_drop(*s, n);
    return n > 1;
}

bool date_read_rfc3339(struct str s, int64_t *unix_ms)
{
    int64_t fraction_ms, offset_ms;
    struct str rest = s;
    struct date d;

    if (!date_take(&rest, "%Y-%m-%dT%H:%M:%S", &d)) {
        rest = s;
        if (!date_take(&rest, "%Y-%m-%d %H:%M:%S", &d))
            return false;
    }
    if (!fraction_take(&rest, &fraction_ms) || !offset_take(&rest, &offset_ms) || rest.len > 0)
        return false;
    *unix_ms = date_ms(&d) + fraction_ms - offset_ms;
    return true;
}

bool date_read_http(struct str s, int64_t *unix_ms)
{
    static const char *const patterns[] = {
        "%w, %d %b %Y %H:%M:%S GMT",
        "%W, %d-%b-%y %H:%M:%S GMT",
        "%w %b %e %H:%M:%S %Y",
    };
    for (size_t i = 0; i < COUNT(patterns); i++) {
        struct str rest = s;
        struct date d;

        if (date_take(&rest, patterns[i], &d) && rest.len == 0) {
            *unix_ms = date_ms(&d);
            return true;
        }
    }
    return false;
}

/* --- writing dates --------------------------------------------------------------------------- */

static struct date date_from_ms(int64_t unix_ms, int64_t *days)
{
    if (unix_ms < YEAR_0_MS)
        unix_ms = YEAR_0_MS;
    if (unix_ms >= YEAR_10000_MS)
        unix_ms = YEAR_10000_MS - 1;
    *days = floor_div(unix_ms, DAY_MS);
    struct date d = date_from_days(*days);
    int seconds = (int)((unix_ms - *days * DAY_MS) / SECOND_MS);

    d.hour = seconds / 3600;
    d.minute = seconds / 60 % 60;
    d.second = seconds % 60;
    return d;
}

bool date_put_rfc3339(struct buf *out, int64_t unix_ms)
{
    int64_t days;
    struct date d = date_from_ms(unix_ms, &days);

    return buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)d.year, d.month, d.day, d.hour,
                      d.minute, d.second);
}

bool date_put_http(struct buf *out, int64_t unix_ms)
{
    int64_t days;
    struct date d = date_from_ms(unix_ms, &days);

    return buf_printf(out, "%.3s, %02d %s %04d %02d:%02d:%02d GMT", day_names[weekday(days)], d.day,
                      month_names[d.month - 1], (int)d.year, d.hour, d.minute, d.second);
}

/* --- Pacific time ---------------------------------------------------------------------------- */

/* The n-th Sunday of a month. */
static int64_t sunday(int64_t year, int month, int n)
{
    int64_t first = days_from_date(year, month, 1);

    return first + (7 - weekday(first)) % 7 + 7 * (n - 1);
}

/* Midnight of a Pacific day. Clocks change at two in the morning, so the second Sunday of March
 * still begins in standard time (UTC-8), and the first of November in daylight time (UTC-7). */
static int64_t pacific_midnight(int64_t days)
{
    int64_t year = date_from_days(days).year;
    bool daylight = days > sunday(year, 3, 2) && days <= sunday(year, 11, 1);

    return days * DAY_MS + (daylight ? 7 : 8) * HOUR_MS;
}

int64_t date_next_pacific_midnight(int64_t unix_ms)
{
    int64_t later;

    if (unix_ms < YEAR_0_MS || unix_ms >= YEAR_10000_MS)
        return __builtin_add_overflow(unix_ms, DAY_MS, &later) ? INT64_MAX : later;

    /* the Pacific day is that of UTC or the one before */
    int64_t days = floor_div(unix_ms, DAY_MS);

    while (pacific_midnight(days) <= unix_ms)
        days++;
    assert(pacific_midnight(days - 1) <= unix_ms);
    return pacific_midnight(days);
}
