#include "server_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

#define PATIENCE_S 10

/* --- hooks ------------------------------------------------------------------------------------ */

static const struct http_field text_plain[] = { { { "Content-Type", 12 }, { "text/plain", 10 } } };

static void hold(struct rig *rig, struct request *r)
{
    assert(rig->held_count < RIG_HELD);
    rig->held[rig->held_count++] = r;
}

static void let_go(struct rig *rig, const struct request *r)
{
    for (uint32_t i = 0; i < rig->held_count; i++)
        if (rig->held[i] == r) {
            memmove(&rig->held[i], &rig->held[i + 1],
                    (rig->held_count - i - 1) * sizeof(rig->held[0]));
            rig->held_count--;
            return;
        }
}

static void flood(struct rig *rig, struct request *r)
{
    static const char block[16384];
    const struct str part = { block, sizeof(block) };
    bool room = true;

    while (room) {
        room = response_write(r, &part, 1);
        if (response_queued(r) > rig->queued_max)
            rig->queued_max = response_queued(r);
    }
}

static void send_parts(struct request *r)
{
    struct str parts[100];

    for (size_t i = 0; i < COUNT(parts); i++)
        parts[i] = i % 2 == 0 ? STR("ab") : STR("c");
    response_start(r, 200, NULL, 0, RESPONSE_CHUNKED);
    response_write(r, parts, COUNT(parts));
    response_end_with(r, parts, 2);
}

static void send_fields(struct request *r)
{
    const struct http_field fields[] = {
        { STR("X-Good"), STR("yes") },        { STR("X-Split"), STR("a\r\nX-Evil: b") },
        { STR("X Name"), STR("blank") },      { STR("X-Nul"), { "a\0b", 3 } },
        { STR("Content-Length"), STR("99") }, { STR("connection"), STR("upgrade") },
        { STR("DATE"), STR("never") },        { STR("Transfer-encoding"), STR("gzip") },
    };

    response_send(r, 200, fields, COUNT(fields), STR("ok"));
}

static void on_request(void *peer, struct request *r)
{
    struct rig *rig = peer;
    struct str p = r->path, one = STR("one");

    rig->requests++;
    if (str_eq(p, STR("/echo")) || str_eq(p, STR("/drop"))) {
        request_read_body(r, 0);
    } else if (str_eq(p, STR("/small"))) {
        request_read_body(r, 10);
    } else if (str_eq(p, STR("/refuse"))) {
        response_send(r, 401, text_plain, 1, STR("no"));
    } else if (str_eq(p, STR("/hold")) || str_eq(p, STR("/late"))) {
        hold(rig, r);
    } else if (str_eq(p, STR("/stream"))) {
        response_start(r, 200, text_plain, 1, RESPONSE_CHUNKED);
        response_write(r, &one, 1);
        hold(rig, r);
    } else if (str_eq(p, STR("/fixed"))) {
        response_start(r, 200, text_plain, 1, 5);
        one.len = 2;
        response_write(r, &one, 1);
        hold(rig, r);
    } else if (str_eq(p, STR("/flood"))) {
        response_start(r, 200, text_plain, 1, RESPONSE_CHUNKED);
        flood(rig, r);
    } else if (str_eq(p, STR("/abort"))) {
        response_start(r, 200, text_plain, 1, RESPONSE_CHUNKED);
        response_write(r, &one, 1);
        response_abort(r);
    } else if (str_eq(p, STR("/large"))) {
        char *bytes = must_calloc(1, RIG_LARGE);

        response_send(r, 200, text_plain, 1, (struct str){ bytes, RIG_LARGE });
        free(bytes);
    } else if (str_eq(p, STR("/flush"))) {
        response_start(r, 200, text_plain, 1, RESPONSE_CHUNKED);
        assert(!response_head_sent(r));
        response_flush(r);
        assert(response_head_sent(r));
        hold(rig, r);
    } else if (str_eq(p, STR("/none"))) {
        response_send(r, 204, NULL, 0, STR(""));
    } else if (str_eq(p, STR("/parts"))) {
        send_parts(r);
    } else if (str_eq(p, STR("/fields"))) {
        send_fields(r);
    } else {
        response_send(r, 200, text_plain, 1, STR("hello"));
    }
}

static void on_body(void *peer, struct request *r)
{
    struct rig *rig = peer;

    rig->bodies++;
    rig->body_bytes = r->body.len;
    assert(r->body.len == 0 || request_body_bytes(r) == r->body.at);
    assert(request_loop(r) == rig->loop);
    if (str_eq(r->path, STR("/drop"))) {
        struct str had = arena_printf(&r->arena, "%zu", r->body.len);

        request_drop_body(r);
        assert(r->body.len == 0 && budget_used(&rig->budget) == 0);
        response_send(r, 200, text_plain, 1, had);
        return;
    }
    response_send(r, 200, text_plain, 1, r->body);
}

static void on_room(void *peer, struct request *r)
{
    struct rig *rig = peer;

    rig->rooms++;
    flood(rig, r);
}

static void on_gone(void *peer, struct request *r, enum gone why)
{
    struct rig *rig = peer;
    struct str bye = STR("bye");

    let_go(rig, r);
    if (why == GONE_DRAIN && response_started(r) && str_eq(r->path, STR("/stream")))
        response_end_with(r, &bye, 1);
    rig->gone[why]++; /* last: the test waits for it */
}

static void on_half_close(void *peer, struct request *r)
{
    struct rig *rig = peer;
    struct str ping = STR("ping");

    response_write(r, &ping, 1);
    rig->half_closes++;
}

static void error_body(void *peer, struct str path, struct str id, int status, struct str what,
                       struct buf *body)
{
    (void)peer;
    (void)id;
    (void)buf_printf(body, "{\"status\":%d,\"path\":\"%.*s\",\"what\":\"%.*s\"}", status,
                     STR_ARG(path), STR_ARG(what));
}

/* --- life ------------------------------------------------------------------------------------- */

void rig_init(struct rig *rig, struct test *t)
{
    *rig = (struct rig){ .t = t };
    rig->budget.max = (int64_t)256 << 20;
    rig->options = (struct server_options){
        .limits = server_limits_default,
        .hooks = { on_request, on_body, on_room, on_gone, on_half_close, error_body, rig },
        .budget = &rig->budget,
        .metrics = &rig->metrics,
        .connections = &rig->connections,
    };
    rig->options.limits.linger_ms = 200;
    bool good = address_read(STR("127.0.0.1:0"), &rig->address);
    assert(good);
}

static void on_accepted(void *peer, struct accepted *a)
{
    struct rig *rig = peer;

    server_accept(rig->server, a);
}

static void rig_run(void *peer)
{
    struct rig *rig = peer;

    loop_run(rig->loop);
}

void rig_open(struct rig *rig)
{
    struct error e = { 0 };

    rig->loop = loop_new();
    rig->mailbox = mailbox_new(rig->loop);
    rig->options.loop = rig->loop;
    rig->server = server_new(&rig->options);
    rig->listener = listener_open(rig->loop, &rig->address, on_accepted, rig, &e);
    if (rig->listener == NULL)
        test_fail(rig->t, __FILE__, __LINE__, "listener_open", "%s", e.text);
    assert(rig->listener != NULL);
    rig->address = listener_address(rig->listener);
    rig->thread = thread_start(rig_run, rig);
}

struct rig_message {
    struct rig *rig;
    void (*fn)(struct rig *rig);
    sem_t done;
};

static void rig_deliver(void *message)
{
    struct rig_message *m = message;

    m->fn(m->rig);
    sem_post(&m->done);
}

void rig_call(struct rig *rig, void (*fn)(struct rig *rig))
{
    struct rig_message m = { .rig = rig, .fn = fn };

    sem_init(&m.done, 0, 0);
    bool sent = mailbox_send(rig->mailbox, rig_deliver, &m);
    assert(sent);
    while (sem_wait(&m.done) != 0)
        continue;
    sem_destroy(&m.done);
}

static void on_drained(void *peer)
{
    struct rig *rig = peer;

    rig->drained++;
    loop_stop(rig->loop);
}

static void rig_end(struct rig *rig)
{
    listener_close(rig->listener);
    server_drain(rig->server, 0, on_drained, rig);
    assert(server_connections(rig->server) == 0);
}

void rig_close(struct rig *rig)
{
    struct test *t = rig->t;

    rig_call(rig, rig_end);
    thread_join(rig->thread);
    CHECK_INT(rig->drained, 1);
    CHECK_INT(rig->connections, 0, "connections left");
    CHECK_INT(budget_used(&rig->budget), 0, "bytes charged for ever");
    CHECK_INT(count_read(&rig->metrics.connections_open), 0, "connections open");
    CHECK_INT(server_requests_running(rig->server), 0, "requests running");
    server_free(rig->server);
    mailbox_free(rig->mailbox);
    loop_free(rig->loop);
}

void rig_answer(struct rig *rig)
{
    if (rig->held_count == 0)
        return;
    struct request *r = rig->held[0];
    struct str rest = STR("ree");

    let_go(rig, r);
    if (str_eq(r->path, STR("/fixed")))
        response_end_with(r, &rest, 1);
    else if (response_started(r))
        response_end(r);
    else
        response_send(r, 200, text_plain, 1, STR("done"));
}

void rig_read(struct rig *rig)
{
    struct request *r = rig->held[0];

    let_go(rig, r);
    rig->reading = r;
    request_read_body(r, 0);
}

void rig_answer_early(struct rig *rig)
{
    response_send(rig->reading, 200, text_plain, 1, STR("early"));
}

static void nothing(struct rig *rig)
{
    (void)rig;
}

void rig_turn(struct rig *rig)
{
    poll(NULL, 0, 5); /* what was said has time to arrive */
    rig_call(rig, nothing);
    rig_call(rig, nothing);
}

bool rig_wait(const _Atomic uint32_t *counter, uint32_t want)
{
    for (int ms = 0; ms < PATIENCE_S * 1000; ms++) {
        if (*counter >= want)
            return true;
        poll(NULL, 0, 1);
    }
    return false;
}

bool rig_wait_counter(const struct counter *counter, uint64_t want)
{
    for (int ms = 0; ms < PATIENCE_S * 1000; ms++) {
        if (count_read(counter) >= want)
            return true;
        poll(NULL, 0, 1);
    }
    return false;
}

/* --- the client ------------------------------------------------------------------------------- */

static int dial(struct rig *rig, int buffer)
{
    int fd = socket(rig->address.is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(rig->address.port) };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    int one = 1;

    assert(fd >= 0);
    memcpy(&to.sin_addr, rig->address.ip + 12, 4);
    if (buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        test_fail(rig->t, __FILE__, __LINE__, "connect", "%s", strerror(errno));
    return fd;
}

int client_dial(struct rig *rig)
{
    return dial(rig, 0);
}

int client_dial_narrow(struct rig *rig)
{
    return dial(rig, 4096);
}

bool client_say(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        bytes = str_drop(bytes, (size_t)n);
    }
    return true;
}

/* One read behind what was heard; 0 at the end, -1 after a reset. */
static ssize_t hear_some(struct rig *rig, int fd, struct buf *heard)
{
    char *at = buf_reserve(heard, 65536);

    assert(at != NULL);
    ssize_t n = recv(fd, at, 65536, 0);

    if (n > 0)
        buf_commit(heard, (size_t)n);
    else if (n < 0 && errno != ECONNRESET && errno != EPIPE)
        test_fail(rig->t, __FILE__, __LINE__, "an answer or an end",
                  "nothing for %d s after \"%.*s\"", PATIENCE_S, STR_ARG(buf_str(heard)));
    return n;
}

static struct str heard_text(struct rig *rig, struct buf *heard)
{
    struct str text = arena_copy(&rig->t->arena, buf_str(heard));

    buf_clear(heard);
    return text;
}

struct str client_hear_all(struct rig *rig, int fd, bool *reset)
{
    struct buf heard = { .max = (size_t)1 << 30 };
    ssize_t n;

    do
        n = hear_some(rig, fd, &heard);
    while (n > 0);
    if (reset != NULL)
        *reset = n < 0;
    return heard_text(rig, &heard);
}

struct str client_hear(struct rig *rig, int fd, const char *text)
{
    struct buf heard = { .max = (size_t)1 << 30 };
    ssize_t n = 1;

    while (n > 0 && str_find(buf_str(&heard), str_c(text)) == SIZE_MAX)
        n = hear_some(rig, fd, &heard);
    if (n <= 0)
        test_fail(rig->t, __FILE__, __LINE__, "heard", "no \"%s\" in \"%.*s\"", text,
                  STR_ARG(buf_str(&heard)));
    return heard_text(rig, &heard);
}

void client_finish(int fd)
{
    shutdown(fd, SHUT_WR);
}

void client_reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

void client_close(int fd)
{
    close(fd);
}

struct str client_ask(struct rig *rig, struct str bytes)
{
    int fd = client_dial(rig);

    (void)client_say(fd, bytes);
    struct str text = client_hear_all(rig, fd, NULL);

    close(fd);
    return text;
}

int answer_status(struct str text)
{
    uint64_t status;

    if (!str_starts(text, STR("HTTP/1.1 ")) || !str_to_u64(str_take(str_drop(text, 9), 3), &status))
        return 0;
    return (int)status;
}

size_t answer_count(struct str text)
{
    size_t count = 0, at;

    while ((at = str_find(text, STR("HTTP/1.1 "))) != SIZE_MAX) {
        count++;
        text = str_drop(text, at + 9);
    }
    return count;
}

struct str answer_body(struct str text)
{
    size_t at = str_find(text, STR("\r\n\r\n"));

    return at == SIZE_MAX ? STR("") : str_drop(text, at + 4);
}
