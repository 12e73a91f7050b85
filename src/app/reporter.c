#include "app/reporter.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/data_dir.h"
#include "app/tracer.h"
#include "base/log.h"
#include "io/file.h"

METRIC_TABLE(reporter_metrics, REPORTER_METRICS)

#define TICK_MS 200
#define RECORDS_PER_TICK 20000 /* so that the desk does other things, too */
#define LINE_MAX ((size_t)64 << 10)
#define LINES_MAX ((size_t)1 << 20) /* before they are written */
#define END_MS 2000

struct reporter {
    struct reporter_options o;
    struct reporter_metrics metrics;
    struct settings *settings;
    struct timer timer;
    struct tracer *tracer; /* NULL: none */
    uint64_t next;         /* number of the record to read */
    struct arena arena;
    struct buf lines;
    uint32_t line_count;
    char path[DATA_DIR_MAX + 16];
    bool failing;   /* the file cannot be written; told once */
    int64_t end_ms; /* 0: it goes on */
    void (*ended)(void *peer);
    void *ended_peer;
};

bool reporter_wants(const struct settings *s)
{
    return s->logs_access != ACCESS_OFF || s->traces_endpoint.len > 0;
}

/* --- the access log --------------------------------------------------------------------------- */

static void lines_lost(struct reporter *r, const struct error *e)
{
    if (!r->failing)
        log_error("the access log cannot be written", F_C("why", e->text));
    r->failing = true;
    count_add(&r->metrics.access_lines_dropped, r->line_count);
}

/* Opened anew each time: another program may have moved the file away, or removed it. */
static enum status file_write_lines(struct reporter *r, struct error *e)
{
    struct file_append *file = NULL;
    enum status st = file_append_open(r->path, &file, e);

    if (st == OK && file_append_size(file) >= ACCESS_LOG_BYTES) {
        file_append_close(file);
        file = NULL;
        st = file_shift(r->path, ACCESS_LOG_FILES, e);
        if (st == OK)
            st = file_append_open(r->path, &file, e);
    }
    if (st == OK)
        st = file_append_bytes(file, buf_str(&r->lines), e);
    file_append_close(file);
    return st;
}

static void lines_write(struct reporter *r)
{
    struct error e = { .status = OK };

    if (r->lines.len == 0)
        return;
    enum status st = r->settings->logs_access == ACCESS_FILE
                         ? file_write_lines(r, &e)
                         : standard_output_write(buf_str(&r->lines), &e);

    if (st == OK) {
        count_add(&r->metrics.access_lines, r->line_count);
        r->failing = false;
    } else {
        lines_lost(r, &e);
    }
    r->lines.len = 0;
    r->line_count = 0;
}

static void line_add(struct reporter *r, const struct access_record *record)
{
    if (r->lines.len + LINE_MAX > LINES_MAX)
        lines_write(r);
    size_t before = r->lines.len;
    struct json_writer w = json_writer(&r->lines);

    access_put(&w, record);
    if (json_written(&w) && buf_add_char(&r->lines, '\n'))
        r->line_count++;
    else
        r->lines.len = before; /* half a line would spoil the next one */
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_ring(struct reporter *r)
{
    struct access_record record;
    uint64_t missed = 0;

    for (unsigned i = 0; i < RECORDS_PER_TICK; i++) {
        arena_reset(&r->arena);
        if (!trace_ring_after(r->o.ring, &r->next, &missed, &r->arena, &record))
            break;
        if (r->settings->logs_access != ACCESS_OFF)
            line_add(r, &record);
        if (r->tracer != NULL)
            tracer_add(r->tracer, &record);
    }
    if (missed > 0)
        count_add(&r->metrics.records_missed, missed);
    lines_write(r);
}

static void tick(void *peer, int64_t now_ms)
{
    struct reporter *r = peer;

    read_ring(r);
    if (r->tracer != NULL)
        tracer_tick(r->tracer, now_ms, r->end_ms != 0);
    if (r->end_ms != 0 && (now_ms >= r->end_ms || r->tracer == NULL || tracer_is_idle(r->tracer))) {
        r->ended(r->ended_peer);
        return;
    }
    if (reporter_wants(r->settings) || r->end_ms != 0)
        timer_start(&r->timer, r->end_ms != 0 ? 1 : TICK_MS);
}

/* --- life ------------------------------------------------------------------------------------- */

struct reporter *reporter_new(const struct reporter_options *options)
{
    struct reporter *r = must_calloc(1, sizeof(*r));

    r->o = *options;
    buf_init(&r->lines, LINES_MAX);
    timer_init(&r->timer, options->loop, tick, r);
    if (options->client != NULL)
        r->tracer = tracer_new(options->loop, options->client, &r->metrics.spans_sent,
                               &r->metrics.spans_dropped);
    snprintf(r->path, sizeof(r->path), "%s/access.log", options->folder);
    return r;
}

void reporter_settings(struct reporter *r, struct settings *s)
{
    if (r->settings != NULL)
        read_ring(r); /* what came under the old ones is told as they say */
    settings_unref(r->settings);
    r->settings = settings_ref(s);
    if (r->tracer != NULL)
        tracer_settings(r->tracer, s);
    if (reporter_wants(s) && !timer_is_running(&r->timer))
        timer_start(&r->timer, TICK_MS);
}

void reporter_end(struct reporter *r, void (*fn)(void *peer), void *peer)
{
    r->ended = fn;
    r->ended_peer = peer;
    r->end_ms = loop_now(r->o.loop) + END_MS;
    timer_start(&r->timer, 1);
}

void reporter_free(struct reporter *r)
{
    if (r == NULL)
        return;
    timer_stop(&r->timer);
    tracer_free(r->tracer);
    settings_unref(r->settings);
    buf_clear(&r->lines);
    arena_free(&r->arena);
    free(r);
}

const struct reporter_metrics *reporter_metrics_of(const struct reporter *r)
{
    return &r->metrics;
}
