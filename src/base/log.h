/* base/log.h - one line per fact, for people (text) or programs (JSON lines).
 *
 *     log_warn("upstream refused", F_STR("host", host), F_INT("status", 503), F_SECRET("key",
 * &key));
 *
 * Fields are typed: a secret can only be logged as F_SECRET and shows at most its last four
 * characters. Control bytes are escaped, a line is at most LOG_LINE_MAX bytes, and one message
 * (same text) is written at most LOG_REPEATS times a second; what was held back is counted in the
 * next line of that message. The sink is the one piece of process-wide state of the program
 * (docs/decisions/0002-log-sink.md). Threads: any.   Memory: nothing kept. */
#ifndef PENSTOCK_BASE_LOG_H
#define PENSTOCK_BASE_LOG_H

#include "secret.h"
#include "str.h"

#define LOG_LINE_MAX 4096
#define LOG_REPEATS 10

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVELS };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
    const char *name; /* static, [a-z_]+ */
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_SECRET } kind;
    union {
        struct str text;
        int64_t number;
        const struct secret *secret;
    } as;
};

#define F_STR(n, s) ((struct log_field){ .name = (n), .kind = LOG_FIELD_STR, .as.text = (s) })
#define F_C(n, z) F_STR(n, str_c(z))
#define F_INT(n, i) \
    ((struct log_field){ .name = (n), .kind = LOG_FIELD_INT, .as.number = (int64_t)(i) })
#define F_SECRET(n, s) \
    ((struct log_field){ .name = (n), .kind = LOG_FIELD_SECRET, .as.secret = (s) })

/* `write_line` gets each finished line, newline included, under the sink's lock; NULL writes to
 * stderr. `unix_ms` gives the wall clock (io's; the log itself may not ask the system); NULL leaves
 * times out. */
struct log_options {
    enum log_level level;
    enum log_format format;
    void (*write_line)(void *peer, enum log_level level, struct str line);
    int64_t (*unix_ms)(void);
    void *peer;
};

void log_setup(const struct log_options *options);
/* From now on. Only of a log that was set up with a `write_line`, and not as JSON: what a command
 * says to a person stays text, and JSON that was asked for stays. Threads: any. */
void log_set_format(enum log_format format);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const struct log_field *fields, size_t count);
/* The same for a line that is one of many by nature and must not be held back. */
void log_write_each(enum log_level level, const struct log_field *fields, size_t count);

/* Would a line of this message be left out at this time of the wall clock? Then it counts as left
 * out and need not be made; else it is written, or left out all the same. */
bool log_holds_back(struct str message, int64_t unix_ms);

/* Lines left out so far because of LOG_REPEATS. Threads: any. */
uint64_t log_lines_held(void);

#define log_at(level, message, ...)                                                            \
    do {                                                                                       \
        if (log_enabled(level)) {                                                              \
            const struct log_field log_fields_[] = { F_C("message", message), ##__VA_ARGS__ }; \
            log_write((level), log_fields_, COUNT(log_fields_));                               \
        }                                                                                      \
    } while (0)
#define log_debug(message, ...) log_at(LOG_DEBUG, message, ##__VA_ARGS__)
#define log_info(message, ...) log_at(LOG_INFO, message, ##__VA_ARGS__)
#define log_warn(message, ...) log_at(LOG_WARN, message, ##__VA_ARGS__)
#define log_error(message, ...) log_at(LOG_ERROR, message, ##__VA_ARGS__)

#endif
