#include "http/server_int.h"

#include "base/log.h"
#include "http/lines.h"
#include "http/websocket.h"

/* What goes out. Each function of the answer ends in conn_push(): one send for what waits in the
 * queue, the framing and the parts given; what the socket does not take is copied to the queue. */

#define PUSH_PARTS 32            /* more parts than this are copied first */
#define HEAD_ROOM ((size_t)2048) /* for most heads */

/* --- the queue -------------------------------------------------------------------------------- */

static void conn_broken(void *peer)
{
    struct conn *c = peer;

    if (c->state == CONN_CLOSED)
        return;
    if (c->served != NULL)
        conn_gone(c, c->read_eof ? GONE_HALF_CLOSE : GONE_RESET);
    else
        server_conn_close(c, true);
}

/* A write failed. The hooks hear of it in a turn of their own, not in the middle of their call. */
static void conn_break(struct conn *c)
{
    if (c->broken)
        return;
    c->broken = true;
    c->out.len = c->out_sent = 0;
    loop_later(c->server->loop, conn_broken, c);
}

static void out_sent(struct conn *c, size_t n)
{
    c->out_sent += n;
    assert(c->out_sent <= c->out.len);
    if (c->out_sent < c->out.len)
        return;
    c->out_sent = 0;
    buf_clear(&c->out); /* a connection that waits has none */
}

/* Keeps what follows the first `taken` bytes of the parts. The room is asked for once, and where
 * much was sent already, the rest moves to the front first. */
static bool out_keep(struct conn *c, const struct iovec *parts, int count, size_t taken,
                     size_t total)
{
    if (c->out_sent > c->out.len / 2) {
        buf_drop(&c->out, c->out_sent);
        c->out_sent = 0;
    }
    if (buf_reserve(&c->out, total - taken) == NULL)
        return false;
    for (int i = 0; i < count; i++) {
        struct str part = { parts[i].iov_base, parts[i].iov_len };
        size_t skip = taken < part.len ? taken : part.len;

        taken -= skip;
        (void)buf_add(&c->out, str_drop(part, skip));
    }
    return true;
}

/* The clock of a reader that takes nothing runs while something is queued. */
static void stall_timer(struct conn *c, bool progress)
{
    if (c->state != CONN_SERVING && c->state != CONN_FLUSHING)
        return; /* the body has a deadline of its own */
    if (!c->full) {
        conn_rest(c);
    } else if (!c->stalling || progress) {
        timer_start(&c->timer, c->server->limits.write_stall_ms);
        c->stalling = true;
    }
}

/* Sends `parts`, the first of which is the queue. */
static void conn_push(struct conn *c, struct iovec *parts, int count, size_t total)
{
    size_t queued = conn_queued(c), taken = 0;
    assert(parts[0].iov_len == queued);
    if (c->broken)
        return;
    if (!c->full) {
        long n = socket_writev(c->socket, parts, count);

        if (n < 0) {
            conn_break(c);
            return;
        }
        taken = (size_t)n;
        c->full = taken < total;
        if (c->served != NULL && c->served->started && taken > 0)
            c->served->head_sent = true;
    }
    size_t from_queue = taken < queued ? taken : queued;

    if (taken < total && total > queued &&
        !out_keep(c, parts + 1, count - 1, taken - from_queue, total - queued)) {
        conn_break(c);
        return;
    }
    out_sent(c, from_queue);
    if (c->full || c->stalling)
        stall_timer(c, taken > 0);
}

static struct iovec iovec_of(struct str s)
{
    return (struct iovec){ .iov_base = (void *)(uintptr_t)s.at, .iov_len = s.len };
}

static struct iovec iovec_queue(const struct conn *c)
{
    return iovec_of(str_drop(buf_str(&c->out), c->out_sent));
}

void conn_write(struct conn *c)
{
    struct iovec queue = iovec_queue(c);

    if (queue.iov_len > 0)
        conn_push(c, &queue, 1, queue.iov_len);
}

void conn_continue(struct conn *c)
{
    struct iovec parts[] = { iovec_queue(c), iovec_of(STR("HTTP/1.1 100 Continue\r\n\r\n")) };

    conn_push(c, parts, 2, parts[0].iov_len + parts[1].iov_len);
}

/* --- heads ------------------------------------------------------------------------------------ */

struct head_plan {
    int status;
    const struct http_field *fields;
    size_t field_count;
    struct str lines; /* more fields, judged before */
    int64_t length;   /* -1: none is said */
    bool chunked;
    struct str connection; /* the line, or nothing */
};

/* Fields that the server writes itself. */
static bool field_is_own(struct str name)
{
    switch (name.len) {
    case 4:
        return str_ieq(name, STR("Date"));
    case 10:
        return str_ieq(name, STR("Connection")) || str_ieq(name, STR("Keep-Alive"));
    case 14:
        return str_ieq(name, STR("Content-Length"));
    case 17:
        return str_ieq(name, STR("Transfer-Encoding"));
    default:
        return false;
    }
}

static void head_put(struct conn *c, const struct head_plan *plan)
{
    struct server *s = c->server;
    struct buf *out = &c->out;

    server_clock(s);
    if (c->broken)
        return;
    (void)buf_reserve(out, HEAD_ROOM);
    bool fits = http_put_status_line(out, plan->status) && buf_add(out, buf_str(&s->date)) &&
                buf_add(out, plan->lines);

    for (size_t i = 0; i < plan->field_count; i++) {
        const struct http_field *f = &plan->fields[i];

        if (field_is_own(f->name) || !http_put_field(out, f->name, f->value))
            log_warn("response field left out", F_STR("name", f->name));
    }
    if (plan->length >= 0)
        fits = fits && buf_add(out, STR("Content-Length: ")) &&
               buf_add_u64(out, (uint64_t)plan->length) && buf_add(out, STR("\r\n"));
    if (plan->chunked)
        fits = fits && buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
    fits = fits && buf_add(out, plan->connection);
    if (!fits || !http_put_end(out))
        conn_break(c);
}

static struct str connection_line(const struct conn *c, int minor)
{
    if (c->ends)
        return STR("Connection: close\r\n");
    return minor == 0 ? STR("Connection: keep-alive\r\n") : STR("");
}

/* From here on the body is of no interest: it must be there, or nothing can follow it. */
static void answer_begin(struct served *sv)
{
    struct conn *c = sv->conn;

    assert(!sv->started);
    assert(!sv->gone || sv->parting);
    if (c->state == CONN_BODY) {
        conn_rest(c);
        conn_move(c, CONN_SERVING);
    }
    sv->started = true;
    c->lingers = !request_skip_body(sv);
}

static struct str content_type_of(const struct http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_ieq(fields[i].name, STR("content-type")))
            return fields[i].value;
    return STR("");
}

/* Begins the answer; `plan` says status, fields and length, and gets the rest. */
static void head_start(struct served *sv, struct head_plan *plan)
{
    const struct http_head *asked = sv->r.head;
    struct conn *c = sv->conn;
    bool old = asked->minor == 0, to_head = asked->method == HTTP_HEAD;
    int64_t length = plan->length;

    sv->bodiless = plan->status == 204 || plan->status == 304;
    sv->chunking = length < 0 && !old && !sv->bodiless && !to_head;
    sv->answer_left = sv->bodiless ? 0 : length;
    c->ends = c->lingers || !asked->keep_alive || c->server->draining || c->read_eof ||
              (length < 0 && old && !sv->bodiless && !to_head);
    if (sv->bodiless)
        plan->length = -1;
    plan->chunked = sv->chunking;
    plan->connection = connection_line(c, asked->minor);
    sv->bodiless = sv->bodiless || to_head;
    head_put(c, plan);
}

void response_start(struct request *r, int status, const struct http_field *fields, size_t count,
                    int64_t length)
{
    struct served *sv = served_of(r);
    struct head_plan plan = {
        .status = status, .fields = fields, .field_count = count, .length = length
    };

    assert(status >= 200 && status <= 599);
    assert(length >= RESPONSE_CHUNKED);
    answer_begin(sv);
    if (sv->conn->messages != NULL)
        message_start(sv, content_type_of(fields, count));
    else
        head_start(sv, &plan);
}

void response_start_lines(struct request *r, int status, struct str lines, int64_t length)
{
    struct served *sv = served_of(r);
    struct head_plan plan = { .status = status, .lines = lines, .length = length };
    struct http_field f, type = { .value = STR("") };

    assert(status >= 200 && status <= 599);
    assert(length >= RESPONSE_CHUNKED);
    answer_begin(sv);
    if (sv->conn->messages == NULL) {
        head_start(sv, &plan);
        return;
    }
    while (type.value.len == 0 && http_line_take(&lines, &f))
        if (str_ieq(f.name, STR("content-type")))
            type = f;
    message_start(sv, type.value);
}

void response_start_raw(struct request *r)
{
    struct served *sv = served_of(r);
    struct conn *c = sv->conn;

    answer_begin(sv);
    sv->answer_left = -1;
    c->ends = true;
}

/* --- bodies ----------------------------------------------------------------------------------- */

static size_t parts_len(const struct str *parts, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++) {
        bool fits = add_checked(total, parts[i].len, &total);
        assert(fits);
    }
    return total;
}

/* The size line of a chunk, in `line`. */
static struct str chunk_line(char line[18], size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 18;

    line[--at] = '\n';
    line[--at] = '\r';
    do {
        line[--at] = digits[size & 15];
        size >>= 4;
    } while (size > 0);
    return (struct str){ line + at, 18 - at };
}

static void parts_push_copied(struct conn *c, const struct str *parts, size_t count,
                              struct str before, struct str after)
{
    bool fits = buf_add(&c->out, before);

    for (size_t i = 0; i < count; i++)
        fits = fits && buf_add(&c->out, parts[i]);
    if (!fits || !buf_add(&c->out, after)) {
        conn_break(c);
        return;
    }
    struct iovec queue = iovec_queue(c);

    conn_push(c, &queue, 1, queue.iov_len);
}

/* The queue, `before`, the parts, `after` in one send. */
void conn_send(struct conn *c, const struct str *parts, size_t count, struct str before,
               struct str after)
{
    struct iovec all[PUSH_PARTS + 3];
    int n = 0;
    size_t total;

    if (c->broken)
        return;
    if (count > PUSH_PARTS) {
        parts_push_copied(c, parts, count, before, after);
        return;
    }
    all[n++] = iovec_queue(c);
    if (before.len > 0)
        all[n++] = iovec_of(before);
    for (size_t i = 0; i < count; i++)
        all[n++] = iovec_of(parts[i]);
    if (after.len > 0)
        all[n++] = iovec_of(after);
    total = all[0].iov_len + before.len + parts_len(parts, count) + after.len;
    if (total > 0)
        conn_push(c, all, n, total);
}

/* Sends parts of the body, framed; with `last`, also what ends it. */
static void body_push(struct served *sv, const struct str *parts, size_t count, bool last)
{
    struct conn *c = sv->conn;
    size_t len = parts_len(parts, count);
    char line[18];
    struct str before = STR(""), after = STR("");

    assert(sv->started);
    assert(!sv->gone || sv->parting);
    if (sv->r.tap != NULL)
        sv->r.tap->bytes(sv->r.tap, parts, count);
    if (sv->message != NULL) {
        message_push(sv, parts, count, last);
        return;
    }
    if (sv->answer_left >= 0) {
        assert(len <= (uint64_t)sv->answer_left || sv->bodiless);
        sv->answer_left -= sv->bodiless ? 0 : (int64_t)len;
    }
    if (sv->bodiless || len == 0)
        count = 0;
    if (sv->chunking && count > 0) {
        before = chunk_line(line, len);
        after = last ? STR("\r\n0\r\n\r\n") : STR("\r\n");
    } else if (sv->chunking && last) {
        after = STR("0\r\n\r\n");
    }
    conn_send(c, parts, count, before, after);
}

static bool conn_has_room(struct conn *c)
{
    if (c->broken)
        return false;
    c->starved = conn_queued(c) > c->server->limits.write_high_bytes;
    return !c->starved;
}

bool response_write(struct request *r, const struct str *parts, size_t count)
{
    struct served *sv = served_of(r);

    body_push(sv, parts, count, false);
    bool room = conn_has_room(sv->conn);

    conn_settle(sv->conn);
    return room;
}

void response_flush(struct request *r)
{
    (void)response_write(r, NULL, 0);
}

/* The request is over, its answer is with the socket or in the queue. */
static void response_done(struct served *sv)
{
    struct conn *c = sv->conn;

    assert(sv->answer_left <= 0 || sv->bodiless);
    if (c->broken)
        count_one(&c->server->metrics->clients_left);
    request_free(sv);
    if (c->messages != NULL && c->server->draining)
        messages_part(c);
    conn_move(c, CONN_FLUSHING);
    if (c->broken || conn_queued(c) == 0)
        conn_flushed(c);
    conn_settle(c);
}

void response_switch(struct served *sv, const struct http_field *fields, size_t count)
{
    struct conn *c = sv->conn;
    const struct head_plan plan = {
        .status = 101,
        .fields = fields,
        .field_count = count,
        .length = -1,
        .connection = STR("Connection: Upgrade\r\n"),
    };

    answer_begin(sv);
    head_put(c, &plan);
    sv->answer_left = 0;
    conn_write(c);
    response_done(sv);
}

void response_end_with(struct request *r, const struct str *parts, size_t count)
{
    struct served *sv = served_of(r);

    body_push(sv, parts, count, true);
    response_done(sv);
}

void response_end(struct request *r)
{
    response_end_with(r, NULL, 0);
}

void response_send(struct request *r, int status, const struct http_field *fields, size_t count,
                   struct str body)
{
    response_start(r, status, fields, count, (int64_t)body.len);
    response_end_with(r, &body, 1);
}

void response_abort(struct request *r)
{
    struct served *sv = served_of(r);
    struct conn *c = sv->conn;
    /* a chunk or a length that is missing shows the cut; elsewhere, only a reset does */
    bool shows = sv->chunking || sv->answer_left > 0;

    assert(!sv->gone || sv->parting);
    if (c->messages != NULL) {
        sv->gone = true; /* whoever aborts knows */
        messages_close(c, WEBSOCKET_FAILED);
        conn_settle(c);
        return;
    }
    request_free(sv);
    server_conn_close(c, !shows);
}

size_t response_queued(const struct request *r)
{
    return conn_queued(served_of(r)->conn);
}

bool response_started(const struct request *r)
{
    return served_of(r)->started;
}

bool response_head_sent(const struct request *r)
{
    return served_of(r)->head_sent;
}

/* --- errors of the server's own --------------------------------------------------------------- */

/* The hooks know the form that the route's callers expect. */
static void refusal_text(struct conn *c, const struct refusal *why, struct str id, struct buf *body)
{
    struct server *s = c->server;
    struct str path = c->served != NULL ? c->served->r.path : STR("");

    buf_init(body, 4096);
    if (s->hooks.error_body != NULL)
        s->hooks.error_body(s->hooks.peer, path, id, why->status, str_c(why->what), body);
    else
        (void)buf_printf(body, "%s\n", why->what);
}

static void refusal_put(struct conn *c, const struct refusal *why, bool bodiless, struct str id,
                        const struct buf *body)
{
    struct http_field fields[3] = {
        { STR("Content-Type"),
          c->server->hooks.error_body != NULL ? STR("application/json") : STR("text/plain") },
    };
    size_t count = 1;

    if (why->status == 503)
        fields[count++] = (struct http_field){ STR("Retry-After"), STR("1") };
    if (id.len > 0)
        fields[count++] = (struct http_field){ STR("X-Request-Id"), id };
    const struct head_plan plan = {
        .status = why->status,
        .fields = fields,
        .field_count = count,
        .length = (int64_t)body->len,
        .connection = STR("Connection: close\r\n"),
    };

    head_put(c, &plan);
    struct str text = buf_str(body);

    conn_send(c, &text, bodiless ? 0 : 1, STR(""), STR(""));
}

void conn_refuse(struct conn *c, struct refusal why)
{
    struct server *s = c->server;
    struct served *sv = c->served;
    bool bodiless = sv != NULL && sv->r.head->method == HTTP_HEAD;
    struct arena a = { 0 };
    struct str id = STR("");
    struct buf body;

    count_one(why.counter);
    if (log_enabled(LOG_INFO)) {
        char peer[ADDRESS_TEXT_MAX];

        log_info("request refused", F_INT("status", why.status), F_C("why", why.what),
                 F_STR("peer", address_text(&c->peer, peer)));
    }
    if (sv != NULL && sv->announced) {
        sv->gone = true;
        sv->r.body_refused = why.status;
        s->hooks.on_gone(s->hooks.peer, &sv->r, GONE_BODY);
        id = arena_copy(&a, sv->r.answer_id);
    }
    refusal_text(c, &why, id, &body);
    if (sv != NULL)
        request_free(sv);
    conn_rest(c);
    conn_move(c, CONN_FLUSHING);
    c->ends = c->lingers = true;
    refusal_put(c, &why, bodiless, id, &body);
    buf_clear(&body);
    arena_free(&a);
    if (c->broken || conn_queued(c) == 0)
        conn_flushed(c);
    conn_settle(c);
}
