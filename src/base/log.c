#include "log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define REPEAT_SLOTS 64 /* messages are counted by hash; a clash only shortens a log */

static struct {
    pthread_mutex_t lock;
    _Atomic int level;
    _Atomic uint64_t held; /* lines left out so far */
    struct log_options options;
    enum log_format format; /* in force */
    int64_t stamped;        /* second that `stamp` tells */
    char stamp[64];
    size_t stamp_len;
    struct repeat {
        /* changed under the lock; log_holds_back() only counts what is held */
        _Atomic int64_t second;
        _Atomic uint32_t written, held;
    } repeats[REPEAT_SLOTS];
} sink = { .lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO };

static const char *const level_names[LOG_LEVELS] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

struct line {
    char at[LOG_LINE_MAX];
    size_t len;
};

void log_setup(const struct log_options *options)
{
    pthread_mutex_lock(&sink.lock);
    sink.options = *options;
    sink.format = options->format;
    pthread_mutex_unlock(&sink.lock);
    atomic_store_explicit(&sink.level, (int)options->level, memory_order_relaxed);
}

void log_set_format(enum log_format format)
{
    pthread_mutex_lock(&sink.lock);
    if (sink.options.write_line != NULL && sink.options.format != LOG_JSON)
        sink.format = format;
    pthread_mutex_unlock(&sink.lock);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

uint64_t log_lines_held(void)
{
    return atomic_load_explicit(&sink.held, memory_order_relaxed);
}

/* Two bytes are kept free for the end of the line. */
static void put(struct line *l, const char *at, size_t len)
{
    size_t room = sizeof(l->at) - 2 - l->len;

    len = len < room ? len : room;
    if (len == 0) /* an empty string may have no address */
        return;
    memcpy(l->at + l->len, at, len);
    l->len += len;
}

static void put_c(struct line *l, const char *z)
{
    put(l, z, strlen(z));
}

/* Eight bytes at once: does none of them need an escape? (A false yes is not possible.) */
static bool harmless8(const char *at)
{
    const uint64_t each = UINT64_C(0x0101010101010101), high = each * 0x80;
    uint64_t b, quote, slash, rub;

    memcpy(&b, at, sizeof(b));
    quote = b ^ each * '"';
    slash = b ^ each * '\\';
    rub = b ^ each * 0x7f;
    return (((b - each * 0x20) & ~b) | ((quote - each) & ~quote) | ((slash - each) & ~slash) |
            ((rub - each) & ~rub)) &
                   high
               ? false
               : true;
}

/* Bytes that could forge a line or a field are shown as \xHH (text) or \u00HH (JSON). */
static void put_escaped(struct line *l, struct str s, enum log_format format)
{
    size_t plain = 0; /* where the run of harmless bytes began */

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c;
        char code[8];

        while (s.len - i >= 8 && harmless8(s.at + i))
            i += 8;
        if (i == s.len)
            break;
        c = (unsigned char)s.at[i];
        if (c >= 0x20 && c != 0x7f && c != '"' && c != '\\')
            continue;
        put(l, s.at + plain, i - plain);
        plain = i + 1;
        if (c == '"' || c == '\\') {
            code[0] = '\\';
            code[1] = (char)c;
            put(l, code, 2);
        } else {
            snprintf(code, sizeof(code), format == LOG_JSON ? "\\u%04x" : "\\x%02x", c);
            put_c(l, code);
        }
    }
    put(l, s.at + plain, s.len - plain);
}

static void put_number(struct line *l, int64_t n)
{
    char text[DIGITS_MAX], *end = text + sizeof(text), *at = digits_i64(end, n);

    put(l, at, (size_t)(end - at));
}

static void put_time(struct line *l, int64_t unix_ms)
{
    if (unix_ms / 1000 == sink.stamped && sink.stamp_len > 0) {
        /* within a second only the milliseconds change */
        int64_t left = unix_ms % 1000;

        for (size_t i = 0; i < 3; i++, left /= 10)
            sink.stamp[sink.stamp_len - 2 - i] = (char)('0' + left % 10);
        put(l, sink.stamp, sink.stamp_len);
        return;
    }

    int64_t days = unix_ms / 86400000, ms = unix_ms % 86400000;
    /* civil from days: proleptic Gregorian calendar, era of 400 years */
    int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
    char text[64];

    snprintf(text, sizeof(text),
             "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64
             ".%03" PRId64 "Z",
             year, month, day, ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
    put_c(l, text);
    sink.stamped = unix_ms / 1000;
    sink.stamp_len = strlen(text);
    memcpy(sink.stamp, text, sink.stamp_len);
}

static void put_field(struct line *l, const struct log_field *f, enum log_format format)
{
    char hint[SECRET_HINT_MAX];

    put_c(l, format == LOG_JSON ? ",\"" : " ");
    put_c(l, f->name);
    put_c(l, format == LOG_JSON ? "\":" : "=");
    switch (f->kind) {
    case LOG_FIELD_INT:
        put_number(l, f->as.number);
        return;
    case LOG_FIELD_SECRET:
        secret_hint(f->as.secret, hint);
        put_c(l, "\"");
        put_escaped(l, str_c(hint), format);
        break;
    case LOG_FIELD_STR:
        put_c(l, "\"");
        put_escaped(l, f->as.text, format);
        break;
    }
    put_c(l, "\"");
}

static struct repeat *repeat_of(struct str message)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < message.len; i++)
        h = (h ^ (unsigned char)message.at[i]) * 16777619u;
    return &sink.repeats[h % REPEAT_SLOTS];
}

/* The message has had its share of the second. */
static bool repeat_is_over(const struct repeat *r, int64_t second)
{
    return atomic_load_explicit(&r->second, memory_order_relaxed) == second &&
           atomic_load_explicit(&r->written, memory_order_relaxed) >= LOG_REPEATS;
}

static void repeat_hold(struct repeat *r)
{
    atomic_fetch_add_explicit(&r->held, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&sink.held, 1, memory_order_relaxed);
}

/* False when this message has had its share of the second. `held` gets what was left out before. */
static bool repeat_allows(struct str message, int64_t second, uint32_t *held)
{
    struct repeat *r = repeat_of(message);

    *held = 0;
    if (repeat_is_over(r, second)) {
        repeat_hold(r);
        return false;
    }
    if (atomic_load_explicit(&r->second, memory_order_relaxed) != second) {
        *held = atomic_exchange_explicit(&r->held, 0, memory_order_relaxed);
        atomic_store_explicit(&r->written, 0, memory_order_relaxed);
        atomic_store_explicit(&r->second, second, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&r->written, 1, memory_order_relaxed);
    return true;
}

bool log_holds_back(struct str message, int64_t unix_ms)
{
    struct repeat *r = repeat_of(message);

    if (!repeat_is_over(r, unix_ms / 1000))
        return false;
    repeat_hold(r);
    return true;
}

static void line_write(enum log_level level, const struct log_field *fields, size_t count,
                       bool each)
{
    struct line l;
    uint32_t held = 0; /* lines of this message left out before this one */

    assert(count > 0);
    l.len = 0; /* the bytes need no zeroes */
    pthread_mutex_lock(&sink.lock);

    enum log_format format = sink.format;
    int64_t unix_ms = sink.options.unix_ms != NULL ? sink.options.unix_ms() : 0;
    bool clocked = sink.options.unix_ms != NULL;

    if (clocked && level != LOG_DEBUG && !each &&
        !repeat_allows(fields[0].as.text, unix_ms / 1000, &held)) {
        pthread_mutex_unlock(&sink.lock);
        return;
    }
    if (format == LOG_JSON) {
        put_c(&l, "{\"time\":\"");
        put_time(&l, unix_ms);
        put_c(&l, "\",\"level\":\"");
        put_c(&l, level_names[level]);
        put_c(&l, "\",\"message\":\"");
        put_escaped(&l, fields[0].as.text, format);
        put_c(&l, "\"");
    } else {
        if (clocked) {
            put_time(&l, unix_ms);
            put_c(&l, " ");
        }
        put_c(&l, level_names[level]);
        put_c(&l, " ");
        put_escaped(&l, fields[0].as.text, format);
    }
    for (size_t i = 1; i < count; i++) {
        /* a field that does not fit whole is left out, so that a line always parses */
        size_t before = l.len;

        put_field(&l, &fields[i], format);
        if (l.len >= sizeof(l.at) - 64)
            l.len = before;
    }
    if (held > 0)
        put_field(&l, &F_INT("held_back", held), format);
    if (format == LOG_JSON)
        l.at[l.len++] = '}';
    l.at[l.len++] = '\n';
    if (sink.options.write_line != NULL)
        sink.options.write_line(sink.options.peer, level, (struct str){ l.at, l.len });
    else
        (void)!write(STDERR_FILENO, l.at, l.len);
    pthread_mutex_unlock(&sink.lock);
}

void log_write(enum log_level level, const struct log_field *fields, size_t count)
{
    line_write(level, fields, count, false);
}

void log_write_each(enum log_level level, const struct log_field *fields, size_t count)
{
    line_write(level, fields, count, true);
}
