/* http/messages.c - a connection that became a WebSocket: each message is a request, each event of
 * its answer a message.
 *
 * A request made of a message has the head of the handshake (as a POST of JSON) and the message as
 * its body; the hooks serve it like any other. An answer that is a stream of events goes out event
 * by event, its comments as pings; any other goes out as one message. One request at a time: what
 * comes behind it waits, but for pings and the close in front of it. */
#include "http/server_int.h"

#include "base/base64.h"
#include "base/log.h"
#include "http/sse.h"
#include "http/websocket.h"
#include "io/crypto.h"

/* A connection on which nothing is asked for is kept so long; Codex keeps its own for a session. */
#define UNUSED_MS ((int64_t)30 * 60000)
/* Codex and browsers answer pings at once. */
#define PING_MS ((int64_t)20000)

struct messages {
    struct websocket parser;
    struct buf message;
    const struct http_head *head; /* of the requests to come */
    struct str path, query;
    struct arena arena; /* of these, and of this struct */
    uint64_t number;
    int64_t used_ms;  /* when the last answer ended */
    int64_t began_ms; /* the message that is coming */
    bool waiting;     /* a message has begun behind the one that is served */
    bool pinged;      /* nothing has come since the last ping */
};

struct message_answer {
    struct sse sse;
    struct buf whole; /* of an answer that is no stream of events */
    bool events;
};

/* --- the handshake ----------------------------------------------------------------------------*/

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* The only field of that name, or the empty slice. */
static struct str only_value(const struct http_head *head, struct str name)
{
    struct str value = STR("");
    uint32_t seen = 0;

    for (uint32_t i = 0; i < head->field_count; i++)
        if (str_ieq(head->fields[i].name, name)) {
            value = head->fields[i].value;
            seen++;
        }
    return seen == 1 ? value : STR("");
}

const char *request_upgrade_fault(const struct request *r, bool *other_version)
{
    const struct http_head *head = r->head;
    struct str key = only_value(head, STR("sec-websocket-key"));
    struct buf bytes = { .max = 64 };
    bool good;

    if (!head->upgrade || !str_ieq(http_field_value(head, STR("upgrade")), STR("websocket")) ||
        head->method != HTTP_GET || head->minor < 1)
        return "a WebSocket begins with GET and Upgrade: websocket";
    *other_version = !str_eq(only_value(head, STR("sec-websocket-version")), STR("13"));
    if (*other_version)
        return "Sec-WebSocket-Version must be 13, once";
    good = key.len == 24 && base64_get(&bytes, key) && bytes.len == 16;
    buf_clear(&bytes);
    return good ? NULL : "Sec-WebSocket-Key must be 16 bytes in base64, once";
}

/* The head that the requests have: what spoke of the connection is gone. */
static const struct http_head *head_for_messages(struct arena *a, const struct http_head *from,
                                                 bool (*keeps)(struct str name, struct str value))
{
    static const char *const gone[] = { "connection", "upgrade",      "sec-websocket-",
                                        "content-",   "keep-alive",   "transfer-encoding",
                                        "expect",     "accept-encodi" };
    /* both have room for their own fields only */
    size_t fixed = offsetof(struct http_head, fields);
    struct http_head *head = arena_alloc(a, fixed + from->field_count * sizeof(from->fields[0]));

    memcpy(head, from, fixed);
    head->method = HTTP_POST;
    head->method_text = STR("POST");
    head->target = arena_copy(a, from->target);
    head->host = arena_copy(a, from->host);
    head->content_type = STR("application/json");
    head->content_encoding = STR("");
    head->content_length = -1;
    head->keep_alive = true;
    head->upgrade = head->chunked = head->expect_continue = false;
    head->field_count = 0;
    for (uint32_t i = 0; i < from->field_count; i++) {
        bool keep = keeps == NULL || keeps(from->fields[i].name, from->fields[i].value);

        for (size_t g = 0; g < COUNT(gone); g++)
            keep = keep && !str_istarts(from->fields[i].name, str_c(gone[g]));
        if (keep)
            head->fields[head->field_count++] =
                (struct http_field){ arena_copy(a, from->fields[i].name),
                                     arena_copy(a, from->fields[i].value) };
    }
    return head;
}

void request_upgrade(struct request *r, uint64_t number, const struct http_field *fields,
                     size_t count, bool (*keeps)(struct str name, struct str value))
{
    struct served *sv = served_of(r);
    struct conn *c = sv->conn;
    struct arena a = { 0 };
    struct messages *m = arena_new(&a, struct messages);
    struct http_field all[16] = { { STR("Upgrade"), STR("websocket") } };
    struct str key = http_field_value(r->head, STR("sec-websocket-key"));
    struct buf accept = { .max = 64 };
    uint8_t digest[SHA1_BYTES];
    size_t n = 1;

    assert(!sv->started && count < COUNT(all) - 2);
    sha1(arena_printf(&a, "%.*s" GUID, STR_ARG(key)), digest);
    (void)base64_put(&accept, (struct str){ (const char *)digest, sizeof(digest) },
                     BASE64_STANDARD);
    all[n++] = (struct http_field){ STR("Sec-WebSocket-Accept"), buf_str(&accept) };
    for (size_t i = 0; i < count; i++)
        all[n++] = fields[i];
    m->head = head_for_messages(&a, r->head, keeps);
    m->path = arena_copy(&a, r->path);
    m->query = arena_copy(&a, r->query);
    m->number = number;
    m->used_ms = loop_now(c->server->loop);
    buf_init(&m->message, c->server->limits.body_bytes);
    m->arena = a;
    c->messages = m;
    response_switch(sv, all, n); /* `sv` is gone */
    buf_clear(&accept);
}

void messages_free(struct conn *c)
{
    struct messages *m = c->messages;
    struct arena a = m->arena;

    buf_clear(&m->message);
    c->messages = NULL;
    arena_free(&a);
}

size_t messages_held(const struct conn *c)
{
    return c->messages->message.cap;
}

/* --- frames out -------------------------------------------------------------------------------*/

static void frame_push(struct conn *c, enum websocket_opcode op, struct str bytes)
{
    char head[WEBSOCKET_HEAD_MAX];

    conn_send(c, &bytes, bytes.len > 0 ? 1 : 0, websocket_head(op, bytes.len, head), STR(""));
}

static void close_push(struct conn *c, unsigned code)
{
    char reason[2] = { (char)(code >> 8), (char)(code & 0xff) };

    c->ends = c->lingers = true;
    frame_push(c, WEBSOCKET_OP_CLOSE,
               (struct str){ reason, code == WEBSOCKET_NO_STATUS ? 0 : sizeof(reason) });
}

void messages_part(struct conn *c)
{
    if (!c->ends)
        close_push(c, WEBSOCKET_GOING_AWAY);
}

/* Says why, and lets the client close. A request that is served is gone. */
void messages_close(struct conn *c, unsigned code)
{
    struct served *sv = c->served;

    if (c->ends)
        return;
    close_push(c, code);
    if (sv != NULL && !sv->gone) {
        sv->gone = true;
        count_one(&c->server->metrics->clients_left);
        c->server->hooks.on_gone(c->server->hooks.peer, &sv->r, GONE_RESET);
    }
    if (c->served != NULL)
        request_free(c->served);
    conn_move(c, CONN_FLUSHING);
    timer_start(&c->timer, c->server->limits.write_stall_ms);
    if (c->broken || conn_queued(c) == 0)
        conn_flushed(c);
}

/* --- answers ----------------------------------------------------------------------------------*/

void message_start(struct served *sv, struct str content_type)
{
    struct message_answer *m = arena_new(&sv->r.arena, struct message_answer);

    m->events = str_istarts(content_type, STR("text/event-stream"));
    sse_init(&m->sse, OUT_MAX);
    buf_init(&m->whole, OUT_MAX);
    sv->message = m;
}

void message_push(struct served *sv, const struct str *parts, size_t count, bool last)
{
    struct message_answer *m = sv->message;
    struct conn *c = sv->conn;
    struct sse_event ev;

    for (size_t i = 0; i < count; i++) {
        struct str rest = parts[i];

        if (!m->events)
            (void)buf_add(&m->whole, rest);
        else
            while (sse_next(&m->sse, &rest, &ev) == SSE_EVENT)
                frame_push(c, ev.is_comment ? WEBSOCKET_OP_PING : WEBSOCKET_OP_TEXT,
                           ev.is_comment ? STR("") : ev.data);
    }
    if (last && !m->events)
        frame_push(c, WEBSOCKET_OP_TEXT, buf_str(&m->whole));
}

void message_clear(struct served *sv)
{
    sse_clear(&sv->message->sse);
    buf_clear(&sv->message->whole);
    sv->conn->messages->used_ms = loop_now(sv->conn->server->loop);
}

/* --- messages in ------------------------------------------------------------------------------*/

static void message_served(struct conn *c)
{
    struct server *s = c->server;
    struct messages *m = c->messages;
    struct arena a = { 0 };
    struct served *sv = arena_new(&a, struct served);

    sv->conn = c;
    sv->answer_left = -1;
    sv->framing = BODY_NONE;
    sv->body_whole = true;
    sv->r = (struct request){
        .head = m->head,
        .path = m->path,
        .query = m->query,
        .peer = c->peer,
        .local = c->local,
        .message_of = m->number,
    };
    server_clock(s);
    sv->r.received_ms = loop_now(s->loop);
    sv->r.received_unix_ms = sv->r.received_ms + s->clock_offset_ms;
    sv->body = m->message;
    buf_init(&m->message, s->limits.body_bytes);
    sv->r.arena = a;
    c->served = sv;
    count_one(&s->metrics->requests_received);
    conn_move(c, CONN_SERVING);
    conn_rest(c);
    sv->announced = true;
    s->running++;
    s->hooks.on_request(s->hooks.peer, &sv->r);
}

/* A message must keep the pace that bodies keep. */
static void message_timer(struct conn *c)
{
    const struct server_limits *l = &c->server->limits;
    struct messages *m = c->messages;
    int64_t due_ms = m->began_ms + l->body_ms + (int64_t)m->message.len * 1000 / l->body_bytes_s;
    int64_t now_ms = loop_now(c->server->loop);

    timer_start(&c->timer, due_ms > now_ms ? due_ms - now_ms : 0);
}

bool conn_take_message(struct conn *c)
{
    struct messages *m = c->messages;

    if (m->waiting && c->served != NULL)
        return false;
    if (m->waiting) {
        m->waiting = false;
        m->began_ms = loop_now(c->server->loop);
    }
    switch (websocket_next(&m->parser, &c->unread, &m->message)) {
    case WEBSOCKET_MORE:
        if (c->state == CONN_IDLE && m->parser.in_message) {
            m->began_ms = loop_now(c->server->loop);
            conn_move(c, CONN_HEAD);
            message_timer(c);
        }
        return false;
    case WEBSOCKET_BEGINS:
        m->pinged = false;
        m->waiting = c->served != NULL;
        return !m->waiting;
    case WEBSOCKET_MESSAGE:
        if (budget_over(c->server->budget, 0, MEMORY_OUT)) {
            count_one(&c->server->metrics->refused_memory);
            messages_close(c, WEBSOCKET_TRY_LATER);
            return true;
        }
        message_served(c);
        return true;
    case WEBSOCKET_PING:
        m->pinged = false;
        frame_push(c, WEBSOCKET_OP_PONG,
                   (struct str){ (const char *)m->parser.control, m->parser.control_len });
        return true;
    case WEBSOCKET_PONG:
        m->pinged = false;
        return true;
    case WEBSOCKET_CLOSE:
        messages_close(c, m->parser.code);
        return true;
    case WEBSOCKET_BAD:
        count_one(m->parser.code == WEBSOCKET_TOO_BIG ? &c->server->metrics->refused_body_bytes
                                                      : &c->server->metrics->refused_syntax);
        log_info("message refused", F_C("why", m->parser.what), F_INT("code", m->parser.code));
        messages_close(c, m->parser.code);
        return true;
    }
    return false;
}

/* --- time -------------------------------------------------------------------------------------*/

/* Nothing is served. A ping shows whether the client is still there, and keeps what lies between
 * from cutting. */
void messages_on_timer(struct conn *c, int64_t now_ms)
{
    struct messages *m = c->messages;

    if (c->state == CONN_HEAD) {
        if (now_ms >= m->began_ms + c->server->limits.body_ms +
                          (int64_t)m->message.len * 1000 / c->server->limits.body_bytes_s) {
            count_one(&c->server->metrics->timed_out_body);
            messages_close(c, WEBSOCKET_POLICY);
        } else {
            message_timer(c);
        }
    } else if (m->pinged || now_ms - m->used_ms >= UNUSED_MS) {
        count_one(&c->server->metrics->timed_out_keep_alive);
        messages_close(c, m->pinged ? WEBSOCKET_GOING_AWAY : WEBSOCKET_NORMAL);
    } else {
        m->pinged = true;
        frame_push(c, WEBSOCKET_OP_PING, STR(""));
        messages_rest(c);
    }
}

void messages_rest(struct conn *c)
{
    timer_start(&c->timer, PING_MS);
}
