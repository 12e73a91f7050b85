/* bench/load.c - the client of a measured proxy: sends one request over and over on some keep-alive
 * connections and compares every byte of every answer.
 *
 *     load [OPTIONS] PORT PATH BODY_FILE EXPECTED_FILE
 *       -c N  connections (1)
 *       -n N  requests in all (as many as connections)
 *       -a P  answers are streams: acknowledge each event to the upstream at port P (upstream.c);
 *             the connection's number takes the place of `sNNNNN` in the body
 *       -f N  a stream begins with N events of the proxy's own making: they are not acknowledged
 *       -k N  keep streams open: stop acknowledging after N events of each
 *       -s    one request on each connection, one after another
 *       -b    hold back the last bytes of each body until all connections have sent the rest
 *       -w    when done, print the result and wait for the end of standard input before closing
 *
 * A byte 0x01 of the expected answer stands for any one byte: ids and times differ each time.
 *
 * The result is a line of JSON. The first answer that is late or not as expected ends the run with
 * exit code 1 and the reason. Threads: one. */
#include <getopt.h>
#include <time.h>

#include "ends.h"

#define SILENCE_MS_MAX 30000
#define HELD_BACK ((size_t)64)
#define BARRIER_REST_US 500000
#define ANY_BYTE '\1'

enum conn_state { CONN_SEND, CONN_HEAD, CONN_BODY, CONN_IDLE };

enum chunk_state { CHUNK_SIZE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER };

struct conn {
    int fd;
    enum conn_state state;
    struct text request; /* own copy for streams, else shared */
    size_t sent;
    bool blocked; /* the socket took no more: its event is awaited */
    char head[HEAD_BYTES_MAX];
    size_t head_len;
    bool chunked;
    enum chunk_state chunk;
    size_t left; /* of the body, or of the chunk */
    size_t line; /* bytes seen of a chunk's size line or of a trailer line */
    size_t got;  /* bytes of payload, all equal to the expected ones */
    unsigned events, front;
};

struct load {
    unsigned port, connections, requests, ack_port, events_kept, events_front;
    bool sequence, barrier, wait;
    const char *path;
    struct text body, expected;
    int epoll, acks;
    struct conn *conns;
    unsigned started, done, at_barrier;
    bool released;
    uint64_t events;
    struct ack ack[ACKS_MAX]; /* to be sent at the end of the turn */
    size_t ack_count;
};

static char scratch[1 << 18];

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The head is what the SDKs send, without their long tail of x-headers. */
static struct text request_make(const struct load *l, uint32_t stream)
{
    struct text t = { .at = make(1, l->body.len + 1024) };
    int n = snprintf(t.at, 1024,
                     "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: bench/1\r\n"
                     "Accept: application/json\r\nAuthorization: Bearer sk-any-value\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                     l->path, l->port, l->body.len);

    if (n >= 1024)
        die("the path is too long");
    memcpy(t.at + n, l->body.at, l->body.len);
    t.len = (size_t)n + l->body.len;
    if (l->ack_port != 0) {
        char *mark = memmem(t.at, t.len, "sNNNNN", 6);
        char number[16];

        if (mark == NULL)
            die("a stream's body needs `sNNNNN`");
        snprintf(number, sizeof number, "s%05u", stream);
        memcpy(mark, number, 6);
    }
    return t;
}

static void conn_block(struct load *l, struct conn *c, bool blocked)
{
    struct epoll_event e = { .events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c };

    if (c->blocked == blocked)
        return;
    c->blocked = blocked;
    if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &e) != 0)
        die("epoll_ctl: %s", strerror(errno));
}

static void conn_send(struct load *l, struct conn *c);

/* A request that stands at the barrier goes on when the last has come. */
static void barrier_arrive(struct load *l)
{
    l->at_barrier++;
    if (l->at_barrier < l->connections)
        return;
    usleep(BARRIER_REST_US); /* what is in socket buffers is to be with the proxy */
    l->released = true;
    for (unsigned i = 0; i < l->connections; i++)
        conn_send(l, &l->conns[i]);
}

static void conn_send(struct load *l, struct conn *c)
{
    size_t end = l->barrier && !l->released ? c->request.len - HELD_BACK : c->request.len;

    while (c->sent < end) {
        ssize_t n = send(c->fd, c->request.at + c->sent, end - c->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            conn_block(l, c, true);
            return;
        }
        if (n < 0)
            die("sending a request: %s", strerror(errno));
        c->sent += (size_t)n;
    }
    conn_block(l, c, false);
    if (end < c->request.len)
        barrier_arrive(l);
    else
        c->state = CONN_HEAD;
}

static void conn_start(struct load *l, struct conn *c)
{
    c->state = CONN_IDLE;
    if (l->started == l->requests)
        return;
    l->started++;
    c->state = CONN_SEND;
    c->sent = c->head_len = c->got = 0;
    c->events = c->front = 0;
    conn_send(l, c);
}

static void answer_end(struct load *l, struct conn *c)
{
    if (c->got != l->expected.len)
        die("an answer of %zu bytes, expected %zu", c->got, l->expected.len);
    l->done++;
    conn_start(l, l->sequence && l->done < l->connections ? &l->conns[l->done] : c);
}

static void load_acknowledge(struct load *l)
{
    struct sockaddr_in at = loopback(l->ack_port);
    size_t size = l->ack_count * sizeof l->ack[0];

    if (size == 0)
        return;
    if (sendto(l->acks, l->ack, size, 0, (struct sockaddr *)&at, sizeof at) < 0)
        die("cannot acknowledge events: %s", strerror(errno));
    l->ack_count = 0;
}

static void event_seen(struct load *l, struct conn *c)
{
    if (c->front < l->events_front) {
        c->front++;
        return;
    }
    l->events++;
    c->events++;
    if (c->events == l->events_kept) {
        l->done++;
        if (l->sequence && l->done < l->connections)
            conn_start(l, &l->conns[l->done]);
        return;
    }
    if (l->ack_count == ACKS_MAX)
        load_acknowledge(l);
    l->ack[l->ack_count++] = (struct ack){ (uint32_t)(c - l->conns), c->events };
}

static bool is_as_expected(const char *at, const char *expected, size_t len)
{
    if (memcmp(at, expected, len) == 0)
        return true;
    for (size_t i = 0; i < len; i++)
        if (at[i] != expected[i] && expected[i] != ANY_BYTE)
            return false;
    return true;
}

static void payload_take(struct load *l, struct conn *c, const char *at, size_t len)
{
    if (len > l->expected.len - c->got || !is_as_expected(at, l->expected.at + c->got, len))
        die("an answer differs from the expected after %zu bytes: %.*s", c->got,
            (int)(len < 300 ? len : 300), at);
    c->got += len;
    if (l->ack_port == 0)
        return;
    /* an empty line ends an event; looking one byte back finds one that the reads cut in two */
    for (size_t i = c->got - len; i < c->got; i++)
        if (i > 0 && l->expected.at[i] == '\n' && l->expected.at[i - 1] == '\n')
            event_seen(l, c);
}

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch = (char)(ch | 0x20);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static void chunk_size_byte(struct conn *c, char ch)
{
    int digit = hex_digit(ch);

    if (ch == '\r')
        return;
    if (ch == '\n') {
        c->chunk = c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
        c->line = 0;
        return;
    }
    if (digit < 0 || ++c->line > 8)
        die("a chunk size holds byte %d", ch);
    c->left = c->left * 16 + (size_t)digit;
}

/* True: the trailer's empty line, the answer is whole. */
static bool trailer_byte(struct conn *c, char ch)
{
    if (ch == '\r')
        return false;
    if (ch != '\n') {
        c->line++;
        return false;
    }
    if (c->line == 0)
        return true;
    c->line = 0;
    return false;
}

/* Gives how many of the bytes belong to this answer; sets *end with the last. */
static size_t chunked_take(struct load *l, struct conn *c, const char *at, size_t len, bool *end)
{
    size_t i = 0;

    while (i < len && !*end) {
        switch (c->chunk) {
        case CHUNK_SIZE:
            chunk_size_byte(c, at[i++]);
            break;
        case CHUNK_DATA: {
            size_t n = len - i < c->left ? len - i : c->left;

            payload_take(l, c, at + i, n);
            c->left -= n;
            i += n;
            if (c->left == 0)
                c->chunk = CHUNK_DATA_END;
            break;
        }
        case CHUNK_DATA_END:
            if (at[i++] == '\n') {
                c->chunk = CHUNK_SIZE;
                c->line = 0;
            }
            break;
        case CHUNK_TRAILER:
            *end = trailer_byte(c, at[i++]);
            break;
        }
    }
    return i;
}

static void body_take(struct load *l, struct conn *c, const char *at, size_t len)
{
    bool end = false;

    if (c->chunked) {
        if (chunked_take(l, c, at, len, &end) < len)
            die("bytes after the end of an answer");
    } else {
        if (len > c->left)
            die("bytes after the end of an answer");
        payload_take(l, c, at, len);
        c->left -= len;
        end = c->left == 0;
    }
    if (end)
        answer_end(l, c);
}

static void head_take(struct load *l, struct conn *c, const char *at, size_t len)
{
    size_t had = c->head_len, n = len < sizeof c->head - had ? len : sizeof c->head - had;

    memcpy(c->head + had, at, n);
    c->head_len += n;
    size_t end = head_find(c->head, c->head_len);

    if (end == 0) {
        if (c->head_len == sizeof c->head)
            die("a head of more than %zu bytes", sizeof c->head);
        return;
    }
    if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0)
        die("not 200: %.*s", (int)(c->head_len < 800 ? c->head_len : 800), c->head);
    const char *length = head_field(c->head, end, "\r\ncontent-length:");
    const char *coding = head_field(c->head, end, "\r\ntransfer-encoding:");

    c->chunked = coding != NULL;
    if (c->chunked == (length != NULL))
        die("an answer needs exactly one framing: %.*s", (int)end, c->head);
    c->left = c->chunked ? 0 : number_read(length, 1U << 30);
    c->chunk = CHUNK_SIZE;
    c->line = 0;
    c->state = CONN_BODY;
    if (len > end - had)
        body_take(l, c, at + (end - had), len - (end - had));
}

static void conn_read(struct load *l, struct conn *c)
{
    ssize_t n = recv(c->fd, scratch, sizeof scratch, 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("the proxy closed a connection %s", n == 0 ? "" : strerror(errno));
    if (c->state == CONN_HEAD)
        head_take(l, c, scratch, (size_t)n);
    else if (c->state == CONN_BODY)
        body_take(l, c, scratch, (size_t)n);
    else
        die("an answer before the request was sent: %.*s", (int)(n < 300 ? n : 300), scratch);
}

static void load_connect(struct load *l)
{
    struct sockaddr_in at = loopback(l->port);
    struct text shared = { 0 };

    l->conns = make(l->connections, sizeof *l->conns);
    if (l->ack_port == 0)
        shared = request_make(l, 0);
    for (unsigned i = 0; i < l->connections; i++) {
        struct conn *c = &l->conns[i];
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

        c->request = l->ack_port == 0 ? shared : request_make(l, i);
        c->state = CONN_IDLE;
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof at) != 0)
            die("cannot connect to port %u: %s", l->port, strerror(errno));
        socket_prepare(c->fd);
        if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
            die("epoll_ctl: %s", strerror(errno));
    }
}

static void load_run(struct load *l)
{
    struct epoll_event events[512];

    for (unsigned i = 0; i < (l->sequence ? 1 : l->connections); i++)
        conn_start(l, &l->conns[i]);
    while (l->done < l->requests) {
        int n = epoll_wait(l->epoll, events, 512, SILENCE_MS_MAX);

        if (n == 0)
            die("nothing came for %d s; %u of %u answers", SILENCE_MS_MAX / 1000, l->done,
                l->requests);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;

            if ((events[i].events & EPOLLOUT) != 0)
                conn_send(l, c);
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
                conn_read(l, c);
        }
        load_acknowledge(l);
    }
}

static void load_wait(void)
{
    while (read(STDIN_FILENO, scratch, sizeof scratch) > 0)
        continue;
}

static void options_read(struct load *l, int argc, char **argv)
{
    int option;

    l->connections = 1;
    while ((option = getopt(argc, argv, "c:n:a:f:k:sbw")) >= 0) {
        switch (option) {
        case 'c':
            l->connections = number_read(optarg, FD_MAX - 100);
            break;
        case 'n':
            l->requests = number_read(optarg, 100000000);
            break;
        case 'a':
            l->ack_port = number_read(optarg, 65535);
            break;
        case 'f':
            l->events_front = number_read(optarg, 100);
            break;
        case 'k':
            l->events_kept = number_read(optarg, 1000000);
            break;
        case 's':
            l->sequence = true;
            break;
        case 'b':
            l->barrier = true;
            break;
        case 'w':
            l->wait = true;
            break;
        default:
            die("usage: load [OPTIONS] PORT PATH BODY_FILE EXPECTED_FILE; see bench/load.c");
        }
    }
    if (argc - optind != 4)
        die("usage: load [OPTIONS] PORT PATH BODY_FILE EXPECTED_FILE; see bench/load.c");
    l->port = number_read(argv[optind], 65535);
    l->path = argv[optind + 1];
    l->body = file_read(argv[optind + 2]);
    l->expected = file_read(argv[optind + 3]);
    if (l->requests == 0 || l->sequence || l->barrier || l->events_kept > 0)
        l->requests = l->connections;
    if (l->requests < l->connections)
        l->connections = l->requests;
}

int main(int argc, char **argv)
{
    struct load *l = make(1, sizeof *l);

    options_read(l, argc, argv);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->acks = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    load_connect(l);
    int64_t start = now_ns();

    load_run(l);
    printf("{\"answers\":%u,\"events\":%llu,\"wall_ms\":%.3f}\n", l->done,
           (unsigned long long)l->events, (double)(now_ns() - start) / 1e6);
    fflush(stdout);
    if (l->wait)
        load_wait();
    return 0;
}
