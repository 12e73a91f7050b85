/* app/log_out.h - where log lines go: standard error, in batches.
 *
 * A line a request would cost a system call each; so lines wait for at most LOG_OUT_MS or until the
 * buffer is full. Warnings and errors are written at once, with all that waited before them.
 * Threads: log_out_line any (under the log's lock); the rest main thread. */
#ifndef PENSTOCK_APP_LOG_OUT_H
#define PENSTOCK_APP_LOG_OUT_H

#include "base/log.h"
#include "io/loop.h"

#define LOG_OUT_MS 100
#define LOG_OUT_BYTES ((size_t)64 << 10)

struct log_out;

/* Sets the log up on it. Until log_out_start() every line is written at once. */
struct log_out *log_out_new(enum log_level level, enum log_format format);
/* From now on lines are written in batches, by a timer of this loop. */
void log_out_start(struct log_out *o, struct loop *l);
/* Writes what waits; every line at once again. Before the loop is freed. */
void log_out_stop(struct log_out *o);

#endif
