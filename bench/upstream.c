/* bench/upstream.c - the upstream behind a measured proxy: answers fixed bytes, as fast as it can.
 *
 *     upstream ANSWERS_FOLDER
 *
 * prints `upstream listening on PORT` (loopback). The request's path chooses the answer, each a
 * file of the folder: chat.json, messages.json, responses.json, gemini.json, cloudcode.json. A chat
 * request that says `"stream":true` is answered with as many copies of event.txt as its
 * `max_tokens`, then last.txt; one of messages with messages-first.txt, copies of
 * messages-event.txt and messages-last.txt, or, when it names no user, with messages.sse at once.
 *
 * Each event is one send() of its own, and the next is sent only when the load generator has
 * acknowledged the one before (a datagram of struct ack to the same port number; the request's
 * `"user":"sNNNNN"` names its stream, or its `user_id`; without one the stream comes at once). So
 * events run as fast as the sink takes them, and still no proxy ever finds two events in one read,
 * which would flatter it.
 *
 * GET /stats tells what arrived since it was last asked: requests, and bytes of their bodies. */
#include "ends.h"

enum conn_state { CONN_HEAD, CONN_BODY, CONN_ANSWER };

/* Texts of a stream, framed as chunks; `first` with the head and the first event. */
struct stream_texts {
    struct text first, event, last;
};

struct conn {
    int fd;
    enum conn_state state;
    char in[HEAD_BYTES_MAX]; /* the head and as much of the body as fits */
    size_t in_len;
    size_t head_len;
    size_t body_left;
    struct text out; /* not yet sent; borrowed from the answers */
    bool streaming;
    const struct stream_texts *texts;
    uint32_t stream;         /* number given by the load generator */
    uint32_t events, wanted; /* sent, and how many before last.txt */
};

struct upstream {
    int epoll, listener, acks;
    struct conn *conns[FD_MAX];
    struct conn *streams[FD_MAX];
    struct text chat, messages, messages_stream, responses, gemini, cloudcode; /* head and body */
    struct stream_texts of_chat, of_messages;
    struct text stats;
    uint64_t requests, body_bytes, body_sum;
};

static char scratch[1 << 18];

static struct text joined(const char *head, struct text body, const char *tail)
{
    size_t head_len = strlen(head), tail_len = strlen(tail);
    struct text t = { .at = make(1, head_len + body.len + tail_len) };

    memcpy(t.at, head, head_len);
    memcpy(t.at + head_len, body.at, body.len);
    memcpy(t.at + head_len + body.len, tail, tail_len);
    t.len = head_len + body.len + tail_len;
    return t;
}

static struct text answer_json(struct text body)
{
    char head[200];

    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             body.len);
    return joined(head, body, "");
}

static struct text answer_chunk(const char *http_head, struct text body, const char *tail)
{
    char head[400];

    snprintf(head, sizeof head, "%s%zx\r\n", http_head, body.len);
    return joined(head, body, tail);
}

static struct text answer_read(const char *folder, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return file_read(path);
}

/* X-Accel-Buffering is nginx's own way to hear "do not hold this back" */
#define STREAM_HEAD \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n"

static struct stream_texts stream_read(const char *folder, const char *first, const char *event,
                                       const char *last)
{
    struct text head = answer_read(folder, first), one = answer_read(folder, event);

    return (struct stream_texts){
        .first = answer_chunk(STREAM_HEAD "Transfer-Encoding: chunked\r\n\r\n",
                              joined(head.at, one, ""), "\r\n"),
        .event = answer_chunk("", one, "\r\n"),
        .last = answer_chunk("", answer_read(folder, last), "\r\n0\r\n\r\n"),
    };
}

static void upstream_read_answers(struct upstream *u, const char *folder)
{
    u->chat = answer_json(answer_read(folder, "chat.json"));
    u->messages = answer_json(answer_read(folder, "messages.json"));
    u->responses = answer_json(answer_read(folder, "responses.json"));
    u->gemini = answer_json(answer_read(folder, "gemini.json"));
    u->cloudcode = answer_json(answer_read(folder, "cloudcode.json"));
    u->messages_stream = answer_chunk(STREAM_HEAD "Transfer-Encoding: chunked\r\n\r\n",
                                      answer_read(folder, "messages.sse"), "\r\n0\r\n\r\n");
    u->of_chat = stream_read(folder, "first.txt", "event.txt", "last.txt");
    u->of_messages =
        stream_read(folder, "messages-first.txt", "messages-event.txt", "messages-last.txt");
}

static void conn_close(struct upstream *u, struct conn *c)
{
    if (c->streaming)
        u->streams[c->stream] = NULL;
    u->conns[c->fd] = NULL;
    close(c->fd);
    free(c);
}

/* False: the connection is gone. */
static bool conn_flush(struct upstream *u, struct conn *c)
{
    while (c->out.len > 0) {
        ssize_t n = send(c->fd, c->out.at, c->out.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            loop_watch(u->epoll, EPOLL_CTL_MOD, c->fd, EPOLLIN | EPOLLOUT);
            return true;
        }
        if (n < 0) {
            conn_close(u, c);
            return false;
        }
        c->out.at += n;
        c->out.len -= (size_t)n;
    }
    if (!c->streaming)
        c->state = CONN_HEAD;
    return true;
}

static bool conn_send(struct upstream *u, struct conn *c, struct text t)
{
    if (c->out.len > 0)
        die("an answer while another is being sent");
    c->out = t;
    return conn_flush(u, c);
}

/* The sink has the last event: the next one, or the end. */
static void stream_continue(struct upstream *u, const struct ack *a)
{
    struct conn *c = a->stream < FD_MAX ? u->streams[a->stream] : NULL;

    if (c == NULL || c->events != a->events)
        return; /* the end of the answer before */
    if (c->events == c->wanted) {
        u->streams[a->stream] = NULL;
        c->streaming = false;
        conn_send(u, c, c->texts->last);
        return;
    }
    c->events++;
    conn_send(u, c, c->texts->event);
}

static struct text appended(struct text one, struct text two)
{
    struct text t = { .at = make(1, one.len + two.len), .len = one.len + two.len };

    memcpy(t.at, one.at, one.len);
    memcpy(t.at + one.len, two.at, two.len);
    return t;
}

/* For the one request that asks what the stream looks like. */
static struct text stream_whole(const struct stream_texts *t, uint32_t events)
{
    struct text all = t->first;

    while (--events > 0)
        all = appended(all, t->event);
    return appended(all, t->last);
}

static const char *behind(const char *body, const char *name)
{
    const char *at = strstr(body, name);

    return at == NULL ? NULL : at + strlen(name);
}

static bool stream_start(struct upstream *u, struct conn *c, const char *body,
                         const struct stream_texts *t)
{
    const char *user = behind(body, "\"user\":\"s"), *events = behind(body, "\"max_tokens\":");

    if (user == NULL)
        user = behind(body, "\"user_id\":\"s");
    if (events == NULL)
        events = behind(body, "\"max_completion_tokens\":");
    if (events == NULL)
        die("a stream's request lacks max_tokens: %.300s", body);
    c->texts = t;
    c->wanted = number_read(events, 1000000);
    if (user == NULL)
        return conn_send(u, c, stream_whole(t, c->wanted));
    c->stream = number_read(user, FD_MAX - 1);
    c->events = 1;
    c->streaming = true;
    u->streams[c->stream] = c;
    return conn_send(u, c, t->first);
}

static bool stats_answer(struct upstream *u, struct conn *c)
{
    char text[200];
    int n = snprintf(text, sizeof text, "{\"requests\":%llu,\"body_bytes\":%llu,\"body_sum\":%llu}",
                     (unsigned long long)u->requests, (unsigned long long)u->body_bytes,
                     (unsigned long long)u->body_sum);

    free(u->stats.at);
    u->stats = answer_json((struct text){ text, (size_t)n });
    u->requests = u->body_bytes = u->body_sum = 0;
    return conn_send(u, c, u->stats);
}

static bool path_is(const struct conn *c, const char *part)
{
    const char *line_end = memchr(c->in, '\r', c->head_len);

    return memmem(c->in, (size_t)(line_end - c->in), part, strlen(part)) != NULL;
}

static bool conn_answer(struct upstream *u, struct conn *c)
{
    char *body = c->in + c->head_len;
    size_t end = c->in_len < sizeof c->in ? c->in_len : sizeof c->in - 1;

    c->in[end] = '\0';
    c->in_len = 0;
    c->state = CONN_ANSWER;
    if (path_is(c, "/stats "))
        return stats_answer(u, c);
    u->requests++;
    if (path_is(c, "/chat/completions ") && strstr(body, "\"stream\":true") != NULL)
        return stream_start(u, c, body, &u->of_chat);
    if (path_is(c, "/chat/completions "))
        return conn_send(u, c, u->chat);
    if (path_is(c, "/messages ") && strstr(body, "\"user_id\":\"") != NULL)
        return stream_start(u, c, body, &u->of_messages);
    if (path_is(c, "/messages ") && strstr(body, "\"stream\":true") != NULL)
        return conn_send(u, c, u->messages_stream);
    if (path_is(c, "/messages "))
        return conn_send(u, c, u->messages);
    if (path_is(c, "/responses "))
        return conn_send(u, c, u->responses);
    if (path_is(c, "/v1internal:generateContent "))
        return conn_send(u, c, u->cloudcode);
    if (path_is(c, ":generateContent "))
        return conn_send(u, c, u->gemini);
    die("no answer for %.120s", c->in);
}

static void body_count(struct upstream *u, struct conn *c, const char *at, size_t len)
{
    uint64_t sum = 0;

    if (len > c->body_left)
        die("more bytes than Content-Length said, after %.120s", c->in);
    for (size_t i = 0; i < len; i++)
        sum += (unsigned char)at[i];
    u->body_sum += sum;
    u->body_bytes += len;
    c->body_left -= len;
}

/* Reads the head once it is whole. False: more is needed. */
static bool head_take(struct upstream *u, struct conn *c)
{
    c->head_len = head_find(c->in, c->in_len);
    if (c->head_len == 0) {
        if (c->in_len == sizeof c->in)
            die("a head of more than %zu bytes", sizeof c->in);
        return false;
    }
    const char *length = head_field(c->in, c->head_len, "\r\ncontent-length:");

    if (head_field(c->in, c->head_len, "\r\ntransfer-encoding:") != NULL)
        die("only bodies with Content-Length are expected: %.400s", c->in);
    c->body_left = length == NULL ? 0 : number_read(length, 1U << 30);
    c->state = CONN_BODY;
    body_count(u, c, c->in + c->head_len, c->in_len - c->head_len);
    return true;
}

/* What came goes to `in` while there is room; the rest of a large body is counted and dropped. */
static bool conn_read(struct upstream *u, struct conn *c)
{
    size_t room = sizeof c->in - c->in_len;
    bool keep = c->state == CONN_HEAD || room >= c->body_left;
    ssize_t n =
        keep ? recv(c->fd, c->in + c->in_len, room, 0) : recv(c->fd, scratch, sizeof scratch, 0);

    if (n < 0 && errno == EAGAIN)
        return true;
    if (n <= 0) {
        conn_close(u, c);
        return false;
    }
    if (c->state == CONN_ANSWER)
        die("bytes of a next request before the answer's end");
    if (c->state == CONN_HEAD) {
        c->in_len += (size_t)n;
        if (!head_take(u, c))
            return true;
    } else {
        body_count(u, c, keep ? c->in + c->in_len : scratch, (size_t)n);
        c->in_len += keep ? (size_t)n : 0;
    }
    return c->body_left > 0 || conn_answer(u, c);
}

static void upstream_accept(struct upstream *u)
{
    int fd;

    while ((fd = accept4(u->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        socket_prepare(fd);
        u->conns[fd] = make(1, sizeof(struct conn));
        u->conns[fd]->fd = fd;
        loop_watch(u->epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

static void upstream_acknowledge(struct upstream *u)
{
    struct ack acks[ACKS_MAX];
    ssize_t n;

    while ((n = recv(u->acks, acks, sizeof acks, MSG_DONTWAIT)) > 0)
        for (size_t i = 0; i < (size_t)n / sizeof acks[0]; i++)
            stream_continue(u, &acks[i]);
}

static void upstream_listen(struct upstream *u)
{
    struct sockaddr_in at = loopback(0);
    socklen_t len = sizeof at;

    u->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(u->listener, (struct sockaddr *)&at, len) != 0 || listen(u->listener, 4096) != 0 ||
        getsockname(u->listener, (struct sockaddr *)&at, &len) != 0)
        die("cannot listen: %s", strerror(errno));
    socket_prepare(u->listener);
    u->acks = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(u->acks, (struct sockaddr *)&at, sizeof at) != 0)
        die("cannot listen for acknowledgements: %s", strerror(errno));
    u->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop_watch(u->epoll, EPOLL_CTL_ADD, u->listener, EPOLLIN);
    loop_watch(u->epoll, EPOLL_CTL_ADD, u->acks, EPOLLIN);
    printf("upstream listening on %u\n", ntohs(at.sin_port));
    fflush(stdout);
}

static void upstream_turn(struct upstream *u, const struct epoll_event *e)
{
    if (e->data.fd == u->listener) {
        upstream_accept(u);
        return;
    }
    if (e->data.fd == u->acks) {
        upstream_acknowledge(u);
        return;
    }
    struct conn *c = u->conns[e->data.fd];

    if (c == NULL)
        return; /* closed earlier in this turn */
    if ((e->events & EPOLLOUT) != 0) {
        loop_watch(u->epoll, EPOLL_CTL_MOD, c->fd, EPOLLIN);
        if (!conn_flush(u, c))
            return;
    }
    if ((e->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
        conn_read(u, c);
}

int main(int argc, char **argv)
{
    struct upstream *u = make(1, sizeof *u);
    struct epoll_event events[512];

    if (argc != 2)
        die("usage: upstream ANSWERS_FOLDER");
    upstream_read_answers(u, argv[1]);
    upstream_listen(u);
    for (;;) {
        int n = epoll_wait(u->epoll, events, 512, -1);

        for (int i = 0; i < n; i++)
            upstream_turn(u, &events[i]);
    }
}
