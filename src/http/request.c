#include "http/server_int.h"

#include "base/log.h"
#include "http/host.h"

/* What comes in: conn_take_head() makes a request of a head and shows it to the hooks;
 * conn_take_body() runs from request_read_body() to on_body. Both take bytes off the front of what
 * conn_feed() was given. */

/* --- heads ------------------------------------------------------------------------------------ */

/* A slice into the bytes of a head, moved to where their copy lies. */
static void slice_move(struct str *s, const char *from, const char *to)
{
    if (s->len > 0)
        s->at = to + (s->at - from);
}

/* The head as the request keeps it: the bytes, and of the struct as many fields as there are. */
static const struct http_head *head_copy(struct arena *a, const struct http_head *head,
                                         struct str bytes)
{
    size_t size =
        offsetof(struct http_head, fields) + head->field_count * sizeof(struct http_field);
    struct http_head *copy = arena_alloc_raw(a, size + bytes.len);
    char *to = (char *)copy + size;

    memcpy(copy, head, size);
    memcpy(to, bytes.at, bytes.len);
    slice_move(&copy->method_text, bytes.at, to);
    slice_move(&copy->target, bytes.at, to);
    slice_move(&copy->host, bytes.at, to);
    slice_move(&copy->content_type, bytes.at, to);
    slice_move(&copy->content_encoding, bytes.at, to);
    for (struct http_field *f = copy->fields, *end = f + copy->field_count; f < end; f++) {
        f->name.at = to + (f->name.at - bytes.at); /* what is empty lies in the bytes, too */
        f->value.at = to + (f->value.at - bytes.at);
    }
    return copy;
}

static struct served *request_new(struct conn *c, struct str head_bytes)
{
    struct server *s = c->server;
    const struct http_head *head = &s->parsed;
    struct arena a = { 0 };
    struct served *sv = arena_new(&a, struct served);

    sv->conn = c;
    sv->answer_left = -1;
    sv->r.head = head_copy(&a, head, head_bytes);
    sv->r.peer = c->peer;
    sv->r.local = c->local;
    server_clock(s);
    sv->r.received_ms = loop_now(s->loop);
    sv->r.received_unix_ms = sv->r.received_ms + s->clock_offset_ms;
    if (head->chunked) {
        sv->framing = BODY_CHUNKED;
    } else if (head->content_length > 0) {
        sv->framing = BODY_LENGTH;
        sv->body_left = (uint64_t)head->content_length;
    }
    sv->body_whole = sv->framing == BODY_NONE;
    sv->r.arena = a;
    c->served = sv;
    return sv;
}

void request_free(struct served *sv)
{
    struct conn *c = sv->conn;
    struct arena a = sv->r.arena;

    if (sv->announced)
        c->server->running--;
    if (sv->r.tap != NULL)
        sv->r.tap->over(sv->r.tap);
    buf_clear(&sv->body);
    arena_free(&sv->r.body_arena);
    inflate_clear(&sv->inflate);
    if (sv->message != NULL)
        message_clear(sv);
    c->served = NULL;
    c->starved = false;
    timer_stop(&c->probe);
    arena_free(&a); /* and with it the request */
}

/* Clients say the same Host in each request of a connection: it is judged once. */
static bool conn_host_allowed(struct conn *c, struct str host)
{
    struct server *s = c->server;

    if (c->host_len > 0 && c->host_epoch == s->host_epoch &&
        str_eq(host, (struct str){ c->host, c->host_len }))
        return true;
    if (!host_allowed(host, &c->local, s->hosts, s->host_count))
        return false;
    c->host_len = host.len <= sizeof(c->host) ? (uint8_t)host.len : 0;
    c->host_epoch = s->host_epoch;
    memcpy(c->host, host.at, c->host_len);
    return true;
}

/* All that is asked of a request before anybody hears of it. */
static bool request_admit(struct served *sv, struct refusal *why)
{
    struct server *s = sv->conn->server;
    struct http_fault fault = { 0 };
    struct str target = sv->r.head->target;
    char *path = arena_alloc_raw(&sv->r.arena, target.len);
    size_t path_len;

    if (!http_target_split(target, path, &path_len, &sv->r.query, &fault)) {
        *why = (struct refusal){ fault.status, fault.what, &s->metrics->refused_syntax };
        return false;
    }
    sv->r.path = (struct str){ path, path_len };
    if (!conn_host_allowed(sv->conn, sv->r.head->host)) {
        *why = (struct refusal){ 421, "this Host is not served here", &s->metrics->refused_host };
        return false;
    }
    if (budget_over(s->budget, 0, MEMORY_OUT)) {
        *why = (struct refusal){ 503, "memory is short", &s->metrics->refused_memory };
        return false;
    }
    return true;
}

static void request_begin(struct conn *c, struct str head_bytes)
{
    struct server *s = c->server;
    struct served *sv = request_new(c, head_bytes);
    struct refusal why;

    count_one(&s->metrics->requests_received);
    c->fresh = false;
    c->taken++;
    conn_move(c, CONN_SERVING);
    conn_rest(c);
    if (!request_admit(sv, &why)) {
        conn_refuse(c, why);
        return;
    }
    sv->announced = true;
    s->running++;
    s->hooks.on_request(s->hooks.peer, &sv->r);
}

static struct counter *fault_counter(struct server_metrics *m, int status)
{
    switch (status) {
    case 414:
        return &m->refused_line_bytes;
    case 431:
        return &m->refused_head_bytes;
    default:
        return &m->refused_syntax;
    }
}

bool conn_take_head(struct conn *c)
{
    struct server *s = c->server;
    struct http_fault fault;
    struct str head = c->unread;

    if (c->unread.len == 0)
        return false;
    switch (http_parse_request(c->unread, &c->scanned, &s->head_limits, &s->parsed, &head.len,
                               &fault)) {
    case HTTP_PARSE_MORE:
        if (c->state == CONN_IDLE) {
            conn_move(c, CONN_HEAD);
            timer_start(&c->timer, s->limits.head_ms);
        }
        return false;
    case HTTP_PARSE_BAD:
        conn_refuse(c, (struct refusal){ fault.status, fault.what,
                                         fault_counter(s->metrics, fault.status) });
        return true;
    case HTTP_PARSE_DONE:
        break;
    }
    c->scanned = 0;
    c->unread = str_drop(c->unread, head.len);
    if (c->read_eof && s->parsed.keep_alive && s->parsed.minor > 0) {
        /* R10: the client closed its side, and nothing of this answer has started */
        server_conn_close(c, false);
        return false;
    }
    request_begin(c, head);
    return true;
}

uint32_t conn_count_ahead(struct conn *c)
{
    struct server *s = c->server;
    struct ahead *a = &c->ahead;
    struct http_fault fault;
    size_t used;

    if (c->served != NULL && !c->served->body_whole)
        return 0;
    while (!a->stuck && a->at < c->in.len && a->count < s->limits.pipelined) {
        enum http_parse said = http_parse_request(str_drop(buf_str(&c->in), a->at), &a->scanned,
                                                  &s->head_limits, &s->parsed, &used, &fault);
        if (said == HTTP_PARSE_MORE)
            break;
        a->stuck = said == HTTP_PARSE_BAD || s->parsed.chunked ||
                   s->parsed.content_length > (int64_t)IN_MAX;
        a->scanned = 0;
        a->count++;
        if (!a->stuck)
            a->at += used + (s->parsed.content_length > 0 ? (size_t)s->parsed.content_length : 0);
    }
    return a->count;
}

/* --- bodies ----------------------------------------------------------------------------------- */

static int64_t body_time_ms(const struct server *s, uint64_t bytes)
{
    return s->limits.body_ms + (int64_t)(bytes * 1000 / (uint64_t)s->limits.body_bytes_s);
}

void request_body_timer(struct conn *c, int64_t now_ms)
{
    struct served *sv = c->served;
    struct server *s = c->server;
    /* of a chunked body the size is what has come: it must keep up the pace, no more */
    int64_t due_ms = sv->body_began_ms + body_time_ms(s, sv->body_bytes);

    if (sv->framing == BODY_CHUNKED && due_ms > now_ms)
        timer_start(&c->timer, due_ms - now_ms);
    else
        conn_refuse(c,
                    (struct refusal){ 408, "the body took too long", &s->metrics->timed_out_body });
}

/* The parser lets at most one such field in. */
static bool content_coding(const struct http_head *head, bool *gzip)
{
    struct str coding = head->content_encoding;

    *gzip = str_ieq(coding, STR("gzip")) || str_ieq(coding, STR("x-gzip"));
    return *gzip || coding.len == 0 || str_ieq(coding, STR("identity"));
}

/* Looks at what the head says about the body, before any of it is read. */
static bool body_admit(struct served *sv, struct refusal *why)
{
    struct server *s = sv->conn->server;
    struct server_metrics *m = s->metrics;

    if (!content_coding(sv->r.head, &sv->inflates)) {
        *why = (struct refusal){ 415, "the only content coding understood is gzip",
                                 &m->refused_inflate };
        return false;
    }
    if (sv->body_left > sv->body_max) {
        *why = (struct refusal){ 413, "the body is too large", &m->refused_body_bytes };
        return false;
    }
    if (sv->body_left > BODY_LARGE &&
        budget_over(s->budget, (int64_t)sv->body_left, MEMORY_SHORT)) {
        *why = (struct refusal){ 503, "memory is short", &m->refused_memory };
        return false;
    }
    return true;
}

void request_read_body(struct request *r, uint64_t body_max)
{
    struct served *sv = served_of(r);
    struct conn *c = sv->conn;
    struct server *s = c->server;
    struct refusal why;

    assert(!sv->started);
    assert(c->state == CONN_SERVING);
    sv->body_max =
        body_max > 0 && body_max < s->limits.body_bytes ? body_max : s->limits.body_bytes;
    sv->body_began_ms = loop_now(s->loop);
    conn_move(c, CONN_BODY);
    if (sv->framing != BODY_NONE && !body_admit(sv, &why)) {
        sv->refused = why;
    } else if (sv->framing != BODY_NONE) {
        /* one byte more than may be given, so that a bomb has room to show itself */
        buf_init(&sv->body, sv->inflates ? sv->body_max + 1 : sv->body_max);
        if (sv->inflates)
            inflate_init(&sv->inflate, s->limits.inflate_ratio, sv->body_max);
        timer_start(&c->timer, body_time_ms(s, sv->body_left));
        if (r->head->expect_continue && conn_unread(c).len == 0)
            conn_continue(c);
    }
    if (!c->feeding) {
        conn_feed(c, buf_str(&c->in));
        conn_settle(c);
    }
}

static bool body_refuse(struct conn *c, int status, const char *what, struct counter *counter)
{
    conn_refuse(c, (struct refusal){ status, what, counter });
    return false;
}

/* False: refused. */
static bool body_inflate(struct served *sv, struct str bytes)
{
    struct conn *c = sv->conn;
    struct server_metrics *m = c->server->metrics;

    for (;;) {
        size_t room = sv->body.max - sv->body.len, len;
        size_t step = room < (16 << 10) ? room : 16 << 10;
        char *out = buf_reserve(&sv->body, step);

        assert(out != NULL && step > 0);
        switch (inflate_next(&sv->inflate, &bytes, out, step, &len)) {
        case INFLATE_MORE:
            return true;
        case INFLATE_DATA:
            buf_commit(&sv->body, len);
            break;
        case INFLATE_BAD:
            return body_refuse(c, 400, "the body is not valid gzip", &m->refused_inflate);
        case INFLATE_RATIO:
            return body_refuse(c, 413, "the body inflates beyond measure", &m->refused_inflate);
        case INFLATE_TOO_BIG:
            return body_refuse(c, 413, "the inflated body is too large", &m->refused_body_bytes);
        }
    }
}

/* May `more` bytes come? Refuses the request when not. A body that was small when it was let in, or
 * of a length that nobody knew, meets the limits here. */
static bool body_fits(struct served *sv, uint64_t more)
{
    struct conn *c = sv->conn;
    struct server *s = c->server;

    if (more > sv->body_max || sv->body_bytes > sv->body_max - more)
        return body_refuse(c, 413, "the body is too large", &s->metrics->refused_body_bytes);
    if (sv->body.len > BODY_LARGE && budget_over(s->budget, 0, MEMORY_OUT))
        return body_refuse(c, 503, "memory is short", &s->metrics->refused_memory);
    return true;
}

static bool body_add(struct served *sv, struct str bytes)
{
    if (!body_fits(sv, bytes.len))
        return false;
    if (bytes.len == 0)
        return true; /* it was read to its place already */
    sv->body_bytes += bytes.len;
    if (sv->inflates)
        return body_inflate(sv, bytes);
    bool fits = buf_add(&sv->body, bytes);
    assert(fits);
    return true;
}

/* True when the body is whole; false when more must come or it was refused. */
static bool body_take_length(struct served *sv)
{
    struct conn *c = sv->conn;
    struct str bytes = str_take(c->unread, sv->body_left);

    /* the whole length at once: untouched pages cost nothing, growing would copy */
    if (!sv->inflates && sv->body.cap == 0 && sv->body_left > 0)
        (void)buf_reserve(&sv->body, sv->body_left);
    c->unread = str_drop(c->unread, bytes.len);
    sv->body_left -= bytes.len;
    return body_add(sv, bytes) && sv->body_left == 0;
}

static bool body_take_chunked(struct served *sv)
{
    struct conn *c = sv->conn;
    struct http_fault fault;
    struct str bytes;

    for (;;) {
        switch (chunked_next(&sv->chunked, &c->unread, &bytes, &fault)) {
        case CHUNKED_MORE:
            (void)body_fits(sv, sv->chunked.left); /* refused before the chunk is read */
            return false;
        case CHUNKED_DATA:
            if (!body_fits(sv, bytes.len + sv->chunked.left) || !body_add(sv, bytes))
                return false;
            break;
        case CHUNKED_END:
            return true;
        case CHUNKED_BAD:
            return body_refuse(c, fault.status, fault.what, &c->server->metrics->refused_syntax);
        }
    }
}

static bool body_take(struct served *sv)
{
    switch (sv->framing) {
    case BODY_NONE:
        return true;
    case BODY_LENGTH:
        return body_take_length(sv);
    case BODY_CHUNKED:
        return body_take_chunked(sv);
    }
    return false;
}

bool conn_take_body(struct conn *c)
{
    struct served *sv = c->served;
    struct server *s = c->server;

    if (sv->refused.status != 0) {
        conn_refuse(c, sv->refused);
        return true;
    }
    if (!body_take(sv)) {
        if (c->state == CONN_BODY && c->read_eof)
            conn_gone(c, GONE_RESET); /* the rest can never come */
        return c->state != CONN_BODY;
    }
    sv->body_whole = true;
    if (sv->inflates && !inflate_is_whole(&sv->inflate)) {
        body_refuse(c, 400, "the gzip body is cut", &s->metrics->refused_inflate);
        return true;
    }
    inflate_clear(&sv->inflate);
    conn_rest(c);
    conn_move(c, CONN_SERVING);
    sv->r.body = buf_str(&sv->body);
    s->hooks.on_body(s->hooks.peer, &sv->r);
    return true;
}

bool conn_reads_body(const struct conn *c)
{
    return c->state == CONN_BODY && c->served->framing == BODY_LENGTH && !c->served->inflates &&
           c->in.len == 0;
}

long conn_read_body(struct conn *c)
{
    struct served *sv = c->served;
    size_t want = sv->body_left < BODY_READ_MAX ? sv->body_left : BODY_READ_MAX;
    char *at = buf_reserve(&sv->body, want);

    assert(at != NULL && want > 0);
    long n = socket_read(c->socket, at, want);

    if (n > 0) {
        buf_commit(&sv->body, (size_t)n);
        sv->body_bytes += (size_t)n;
        sv->body_left -= (size_t)n;
    }
    return n;
}

bool request_skip_body(struct served *sv)
{
    struct conn *c = sv->conn;
    struct str rest = conn_unread(c), bytes;
    struct chunked chunked = sv->chunked;
    struct http_fault fault;
    enum chunked_result said = CHUNKED_DATA;

    if (sv->body_whole)
        return true;
    if (sv->framing == BODY_LENGTH) {
        if (rest.len < sv->body_left)
            return false;
        rest = str_drop(rest, sv->body_left);
    } else {
        while (said == CHUNKED_DATA)
            said = chunked_next(&chunked, &rest, &bytes, &fault);
        if (said != CHUNKED_END)
            return false;
    }
    sv->body_whole = true;
    conn_skip(c, rest);
    return true;
}

char *request_body_bytes(struct request *r)
{
    return served_of(r)->body.at;
}

void request_drop_body(struct request *r)
{
    struct served *sv = served_of(r);

    buf_clear(&sv->body);
    arena_free(&r->body_arena);
    r->body = STR("");
    conn_charge(sv->conn);
}

void request_take_body(struct request *r, struct buf *body)
{
    struct served *sv = served_of(r);

    *body = sv->body;
    sv->body = (struct buf){ .max = body->max };
    conn_charge(sv->conn);
}

void request_replace_body(struct request *r, struct buf *body)
{
    struct served *sv = served_of(r);

    buf_clear(&sv->body);
    sv->body = *body;
    *body = (struct buf){ .max = body->max };
    r->body = buf_str(&sv->body);
    conn_charge(sv->conn);
}

struct loop *request_loop(const struct request *r)
{
    return served_of(r)->conn->server->loop;
}
