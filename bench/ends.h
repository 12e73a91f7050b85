/* bench/ends.h - what both ends of a measured proxy share: sockets on loopback, and just enough of
 * HTTP/1.1 to read a head that a sound proxy wrote.
 *
 * These programs are test equipment: they speak to loopback only, and whatever they do not expect
 * ends them with a sentence, because a run with one wrong answer is worth nothing.
 * Threads: one.   Memory: nothing is given back before exit. */
#ifndef PENSTOCK_BENCH_ENDS_H
#define PENSTOCK_BENCH_ENDS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_BYTES_MAX ((size_t)16384)
#define FD_MAX 20000
#define ACKS_MAX 4096 /* in one datagram */

struct text {
    char *at;
    size_t len;
};

/* What the load generator tells the upstream: the sink has this event of this stream. */
struct ack {
    uint32_t stream;
    uint32_t events; /* received so far, in this answer */
};

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static inline void *make(size_t count, size_t size)
{
    void *at = calloc(count, size);

    if (at == NULL)
        die("out of memory");
    return at;
}

static inline struct text file_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct text t = { 0 };

    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        die("%s: %s", path, strerror(errno));
    long size = ftell(f);

    rewind(f);
    t.len = size > 0 ? (size_t)size : 0;
    t.at = make(t.len + 1, 1);
    if (fread(t.at, 1, t.len, f) != t.len)
        die("%s: cannot be read", path);
    fclose(f);
    return t;
}

static inline struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static inline unsigned number_read(const char *digits, unsigned max)
{
    char *end;
    unsigned long value = strtoul(digits, &end, 10);

    if (end == digits || value > max)
        die("`%.40s` is no number up to %u", digits, max);
    return (unsigned)value;
}

/* Nagle would meet the other side's delayed ACK and show as 40 ms. */
static inline void socket_prepare(int fd)
{
    int on = 1;

    if (fd >= FD_MAX)
        die("descriptor %d is over the ceiling of %d", fd, FD_MAX);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        die("cannot prepare a socket: %s", strerror(errno));
}

static inline void loop_watch(int epoll, int op, int fd, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.fd = fd };

    if (epoll_ctl(epoll, op, fd, &e) != 0)
        die("epoll_ctl: %s", strerror(errno));
}

/* Length of the head with its empty line, 0 while it is incomplete. */
static inline size_t head_find(const char *at, size_t len)
{
    const char *end = memmem(at, len, "\r\n\r\n", 4);

    return end == NULL ? 0 : (size_t)(end - at) + 4;
}

/* The value of the field `name` (`"\r\ncontent-length:"`), or NULL. */
static inline const char *head_field(const char *head, size_t len, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i + n < len; i++)
        if (head[i] == '\r' && strncasecmp(head + i, name, n) == 0) {
            const char *value = head + i + n;

            return value + strspn(value, " \t");
        }
    return NULL;
}

#endif
