#include "app/log_out.h"

#include <pthread.h>
#include <unistd.h>

#include "base/arena.h"

struct log_out {
    pthread_mutex_t lock; /* between the log's writers and the timer */
    char bytes[LOG_OUT_BYTES];
    size_t len;
    bool batched;
    struct timer timer;
};

static void write_all(struct log_out *o)
{
    for (size_t done = 0; done < o->len;) {
        ssize_t n = write(STDERR_FILENO, o->bytes + done, o->len - done);

        if (n <= 0)
            break; /* nobody reads it: the lines are lost, the gateway goes on */
        done += (size_t)n;
    }
    o->len = 0;
}

static void log_out_line(void *peer, enum log_level level, struct str line)
{
    struct log_out *o = peer;

    pthread_mutex_lock(&o->lock);
    if (o->len + line.len > sizeof(o->bytes))
        write_all(o);
    memcpy(o->bytes + o->len, line.at, line.len);
    o->len += line.len;
    if (!o->batched || level >= LOG_WARN)
        write_all(o);
    pthread_mutex_unlock(&o->lock);
}

static void on_timer(void *peer, int64_t now_ms)
{
    struct log_out *o = peer;

    (void)now_ms;
    pthread_mutex_lock(&o->lock);
    write_all(o);
    pthread_mutex_unlock(&o->lock);
    timer_start(&o->timer, LOG_OUT_MS);
}

struct log_out *log_out_new(enum log_level level, enum log_format format)
{
    struct log_out *o = must_calloc(1, sizeof(*o));

    _Static_assert(LOG_OUT_BYTES >= LOG_LINE_MAX, "a line fits the empty buffer");
    pthread_mutex_init(&o->lock, NULL);
    log_setup(&(struct log_options){ .level = level,
                                     .format = format,
                                     .write_line = log_out_line,
                                     .unix_ms = clock_unix_ms,
                                     .peer = o });
    return o;
}

void log_out_start(struct log_out *o, struct loop *l)
{
    pthread_mutex_lock(&o->lock);
    o->batched = true;
    pthread_mutex_unlock(&o->lock);
    timer_init(&o->timer, l, on_timer, o);
    timer_start(&o->timer, LOG_OUT_MS);
}

void log_out_stop(struct log_out *o)
{
    timer_stop(&o->timer);
    pthread_mutex_lock(&o->lock);
    o->batched = false;
    write_all(o);
    pthread_mutex_unlock(&o->lock);
}
