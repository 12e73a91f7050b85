/* simulator/simulator.c - the simulator on a socket: requests from http/server, replies at the pace
 * that was asked for.
 *
 *     sim_on_request   head is in: noted, body wanted
 *     sim_on_body      job_make(): the whole reply is made (respond.c)
 *     job_run          waits, writes, asks pace_next() again; comes back by timer or on_room
 *     job_end          the record is closed; the request's arena takes the rest
 *
 * A good reply goes the server's usual way. One whose framing is part of the fault (cut, reset,
 * garbage, a wrong length) is written raw: head and chunks are then ours. */
#include "simulator/simulator.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/server.h"
#include "simulator/control.h"
#include "simulator/pace.h"

#define BODY_MAX ((uint64_t)256 << 20)
#define MEMORY_MAX (INT64_C(4) << 30)
#define RESET_MS 20 /* the bytes before a reset should arrive: a reset overtakes them */

struct simulator {
    struct loop *loop;
    struct listener *listener;
    struct server *server;
    struct server_metrics metrics;
    struct budget budget;
    _Atomic uint32_t connections;
    struct address address;
    struct world world;
    struct records *records; /* NULL without the control API */
};

/* One request being answered; lies in its arena. */
struct job {
    struct simulator *sim;
    struct request *r;
    struct response response;
    struct pace pace;
    struct timer timer;
    uint64_t record;
    size_t sent; /* bytes of the body */
    uint32_t event;
    bool made;    /* the reply is there */
    bool started; /* its head is written */
    bool waited;  /* the pause before the next write is over */
    bool stalled; /* it says no more */
    bool raw, chunked;
};

/* --- records -------------------------------------------------------------------------------------
 */

static void job_note(struct job *j, enum record_state state)
{
    struct record *record =
        j->sim->records != NULL ? records_get(j->sim->records, j->record) : NULL;

    if (record == NULL)
        return;
    record->state = state;
    record->sent_bytes = j->sent;
    record->status = j->started ? j->response.reply.status : 0;
}

static void job_end(struct job *j, enum record_state state)
{
    job_note(j, state);
    timer_stop(&j->timer);
    if (j->made)
        respond_clear(&j->response);
    j->made = false;
}

/* --- heads ---------------------------------------------------------------------------------------
 */

static bool reply_is_raw(const struct job *j)
{
    const struct directives *d = &j->response.directives;

    return j->response.reply.raw || j->pace.end == PACE_CUT || j->pace.end == PACE_RESET ||
           d->length_off != 0 || d->framing == FRAMING_CLOSE;
}

static bool reply_is_chunked(const struct job *j)
{
    const struct directives *d = &j->response.directives;

    if (d->framing >= 0)
        return d->framing == FRAMING_CHUNKED;
    return j->response.reply.stream && d->length_off == 0;
}

/* A head of our own, in front of the first bytes of a raw reply. */
static void head_put_raw(const struct job *j, struct buf *out)
{
    const struct directives *d = &j->response.directives;
    const struct reply *r = &j->response.reply;
    int64_t length = (int64_t)r->body.len + d->length_off;

    (void)http_put_status_line(out, r->status);
    for (uint32_t i = 0; i < r->field_count; i++)
        (void)http_put_field(out, r->fields[i].name, r->fields[i].value);
    if (j->chunked)
        (void)http_put_field(out, STR("transfer-encoding"), STR("chunked"));
    else if (d->framing != FRAMING_CLOSE)
        (void)http_put_field_i64(out, STR("content-length"), length > 0 ? length : 0);
    (void)http_put_field(out, STR("connection"), STR("close"));
    (void)http_put_end(out);
}

static void job_start(struct job *j)
{
    const struct reply *r = &j->response.reply;
    struct buf head;
    struct str part;

    j->started = true;
    j->raw = reply_is_raw(j);
    j->chunked = reply_is_chunked(j);
    if (!j->raw) {
        response_start(j->r, r->status, r->fields, r->field_count,
                       j->chunked ? RESPONSE_CHUNKED : (int64_t)r->body.len);
        if (j->pace.first_ms > 0 || j->pace.limit == 0)
            response_flush(j->r);
        return;
    }
    response_start_raw(j->r);
    if (r->raw)
        return;
    buf_init(&head, (size_t)64 << 10);
    head_put_raw(j, &head);
    part = buf_str(&head);
    (void)response_write(j->r, &part, 1);
    buf_clear(&head);
}

/* --- bodies --------------------------------------------------------------------------------------
 */

#define CHUNK_LINE_MAX 24

static struct str chunk_line(char line[CHUNK_LINE_MAX], size_t size)
{
    return (struct str){ line, (size_t)snprintf(line, CHUNK_LINE_MAX, "%zx\r\n", size) };
}

/* False: wait for room. */
static bool job_write(struct job *j, struct str bytes)
{
    char line[CHUNK_LINE_MAX];
    struct str parts[3] = { STR(""), bytes, STR("\r\n") };

    j->sent += bytes.len;
    if (!j->raw || !j->chunked)
        return response_write(j->r, &parts[1], 1);
    parts[0] = chunk_line(line, bytes.len);
    return response_write(j->r, parts, 3);
}

/* The last bytes and the legal end in one send. */
static void job_done(struct job *j, struct str bytes)
{
    struct reply kept = j->response.reply; /* `bytes` lies in it, and `j` dies with the request */
    struct str parts[4] = { STR(""), bytes, STR(""), STR("") };
    char line[CHUNK_LINE_MAX];
    struct request *r = j->r;
    size_t count = 2;

    if (j->raw && j->chunked) {
        parts[0] = bytes.len > 0 ? chunk_line(line, bytes.len) : STR("");
        parts[2] = bytes.len > 0 ? STR("\r\n") : STR("");
        parts[3] = STR("0\r\n\r\n");
        count = 4;
    }
    j->sent += bytes.len;
    j->made = false;
    job_end(j, RECORD_DONE);
    response_end_with(r, parts, count);
    reply_clear(&kept);
}

/* What follows the last byte that goes out. */
static void job_finish(struct job *j, enum pace_end end)
{
    struct request *r = j->r;
    assert(end != PACE_GO);
    assert(end != PACE_DONE); /* job_done() */

    switch (end) {
    case PACE_GO:
    case PACE_DONE:
        return;
    case PACE_STALL:
        response_flush(r);
        job_note(j, RECORD_RUNNING);
        j->stalled = true;
        return;    /* on_gone will come, or on_half_close */
    case PACE_CUT: /* raw: the end of the connection is the cut */
        job_end(j, RECORD_CLOSED);
        response_end(r);
        return;
    case PACE_RESET:
        job_end(j, RECORD_CLOSED);
        response_abort(r);
        return;
    }
}

/* Goes on until it has to wait for time, for room, or for ever. `j` may be gone afterwards. */
static void job_run(struct job *j)
{
    const struct reply *r = &j->response.reply;

    if (j->response.directives.stall == STALL_HEAD)
        return;
    if (!j->started)
        job_start(j);
    for (;;) {
        struct pace_step step = pace_next(&j->pace, r, j->sent, &j->event);
        struct str bytes;
        bool room = true;

        if (step.wait_ms > 0 && !j->waited) {
            response_flush(j->r);
            job_note(j, RECORD_RUNNING);
            j->waited = true;
            timer_start(&j->timer, step.wait_ms);
            return;
        }
        bytes = str_drop(str_take(buf_str(&r->body), step.to), j->sent);
        if (step.end == PACE_DONE) {
            job_done(j, bytes);
            return;
        }
        if (bytes.len > 0) {
            room = job_write(j, bytes);
            j->waited = false;
        }
        if (step.end == PACE_RESET && !j->waited) {
            j->waited = true; /* once more, with nothing left to write */
            timer_start(&j->timer, RESET_MS);
            return;
        }
        if (step.end != PACE_GO) {
            job_finish(j, step.end);
            return;
        }
        if (!room)
            return;
    }
}

static void job_on_timer(void *peer, int64_t now_ms)
{
    struct job *j = peer;

    (void)now_ms;
    job_run(j);
}

/* --- requests ------------------------------------------------------------------------------------
 */

static void job_make(struct job *j)
{
    struct request *r = j->r;
    struct simulator *s = j->sim;
    struct call call = { .method = r->head->method,
                         .path = r->path,
                         .query = r->query,
                         .body = r->body,
                         .head = r->head,
                         .now_ms = loop_now(s->loop),
                         .now_unix_ms = r->received_unix_ms };
    struct response *out = &j->response;

    j->made = true;
    if (s->records != NULL && str_starts(r->path, STR("/_sim/"))) {
        *out = (struct response){ .wire = WIRE_OPENAI_CHAT };
        directives_init(&out->directives);
        reply_init(&out->reply);
        control_respond(&s->world, s->records, server_requests_running(s->server), &call, &r->arena,
                        &out->reply);
    } else {
        respond(&s->world, &call, &r->arena, out);
        if (s->records != NULL)
            records_set_call(s->records, j->record, out->account, out->model,
                             out->is_call ? wire_name(out->wire) : STR(""));
    }
    j->pace = pace_make(&out->directives, &out->reply);
}

static void sim_on_request(void *peer, struct request *r)
{
    struct simulator *s = peer;
    struct job *j = arena_new(&r->arena, struct job);

    j->sim = s;
    j->r = r;
    r->owner = j;
    timer_init(&j->timer, s->loop, job_on_timer, j);
    if (s->records != NULL && !str_starts(r->path, STR("/_sim/")))
        j->record = records_begin(s->records, r->head, r->path, r->query);
    request_read_body(r, BODY_MAX);
}

static void sim_on_body(void *peer, struct request *r)
{
    struct simulator *s = peer;
    struct job *j = r->owner;

    if (s->records != NULL)
        records_set_body(s->records, j->record, r->body);
    job_make(j);
    if (j->response.directives.delay_ms > 0)
        timer_start(&j->timer, j->response.directives.delay_ms);
    else
        job_run(j);
}

static void sim_on_room(void *peer, struct request *r)
{
    struct job *j = r->owner;

    (void)peer;
    if (!timer_is_running(&j->timer))
        job_run(j);
}

static void sim_on_gone(void *peer, struct request *r, enum gone why)
{
    struct job *j = r->owner;

    (void)peer;
    job_end(j, why == GONE_DRAIN ? RECORD_CLOSED : RECORD_ABORTED);
}

/* An answer that stalls has no write left that could tell whether its client is still there. */
static void sim_on_half_close(void *peer, struct request *r)
{
    struct job *j = r->owner;

    (void)peer;
    if (!j->stalled)
        return;
    job_end(j, RECORD_ABORTED);
    response_abort(r);
}

/* What the server itself refuses is worded as the path's provider would. */
static void sim_error_body(void *peer, struct str path, struct str id, int status, struct str what,
                           struct buf *body)
{
    struct trouble t = trouble_plain(trouble_of_status(status), what);

    (void)peer;
    (void)id;
    t.status = status;
    (void)trouble_put(body, ask_route(path, STR("")).wire, &t);
}

static void sim_on_accept(void *peer, struct accepted *a)
{
    struct simulator *s = peer;

    server_accept(s->server, a);
}

/* --- life ----------------------------------------------------------------------------------------
 */

static void server_make(struct simulator *s)
{
    struct server_options options = { .loop = s->loop,
                                      .limits = server_limits_default,
                                      .hooks = { .on_request = sim_on_request,
                                                 .on_body = sim_on_body,
                                                 .on_room = sim_on_room,
                                                 .on_gone = sim_on_gone,
                                                 .on_half_close = sim_on_half_close,
                                                 .error_body = sim_error_body,
                                                 .peer = s },
                                      .budget = &s->budget,
                                      .metrics = &s->metrics,
                                      .connections = &s->connections };

    options.limits.body_bytes = BODY_MAX;
    /* a stalled answer is what was asked for; the other side's clocks are under test, not ours */
    options.limits.write_stall_ms = INT64_C(3600) * 1000;
    s->server = server_new(&options);
}

enum status simulator_new(const struct simulator_options *options, struct simulator **out,
                          struct error *e)
{
    struct simulator *s = must_calloc(1, sizeof(*s));
    enum status st = world_init(&s->world, options->seed, options->script, e);

    if (st != OK) {
        free(s);
        return st;
    }
    s->loop = options->loop;
    s->budget.max = MEMORY_MAX;
    s->listener = listener_open(s->loop, &options->listen, sim_on_accept, s, e);
    if (s->listener == NULL) {
        world_clear(&s->world);
        free(s);
        return E_IO;
    }
    s->address = listener_address(s->listener);
    s->records = options->control ? records_new() : NULL;
    server_make(s);
    *out = s;
    return OK;
}

struct address simulator_address(const struct simulator *s)
{
    return s->address;
}

static void simulator_drained(void *peer)
{
    struct simulator *s = peer;

    server_free(s->server);
    records_free(s->records);
    world_clear(&s->world);
    free(s);
}

void simulator_free(struct simulator *s)
{
    if (s == NULL)
        return;
    listener_close(s->listener);
    server_drain(s->server, 0, simulator_drained, s);
}
