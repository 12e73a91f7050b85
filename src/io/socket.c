/* io/socket.c - sockets: readiness by uv_poll, bytes by the system calls themselves.
 *
 * libuv takes two epoll_ctl() to change what is watched, so the mask is kept as it is as long as it
 * can be: a server's read watch stays armed from the first byte to the last. epoll tells errors and
 * hang-ups whether asked or not; what watches nothing must therefore not be in epoll at all, or a
 * peer that left would spin the loop. */
#include "io/socket_int.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"

_Static_assert(SOCKET_READ == (int)UV_READABLE && SOCKET_WRITE == (int)UV_WRITABLE,
               "masks are handed to libuv as they are");

/* What reads is told of the other side's end together with the bytes before it: that costs nothing.
 */
static int poll_mask(unsigned mask)
{
    return (int)mask | ((mask & SOCKET_READ) != 0 ? UV_DISCONNECT : 0);
}

static void socket_on_event(uv_poll_t *poll, int status, int events);

static unsigned socket_mask(const struct socket *s)
{
    if (s->state == SOCKET_CONNECTING)
        return SOCKET_WRITE;
    return s->tls != NULL ? tls_mask(s) : s->wished;
}

void socket_arm(struct socket *s)
{
    unsigned mask = socket_mask(s);

    if (mask == s->armed)
        return;
    s->armed = (uint8_t)mask;
    if (mask == 0)
        uv_poll_stop(&s->poll);
    else
        uv_poll_start(&s->poll, poll_mask(mask), socket_on_event);
}

static unsigned socket_end_connecting(struct socket *s)
{
    socklen_t len = sizeof(s->fault);

    if (s->fault == 0 && getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &s->fault, &len) != 0)
        s->fault = errno;
    s->state = s->fault == 0 ? SOCKET_OPEN : SOCKET_BROKEN;
    return SOCKET_WRITE;
}

static void socket_on_event(uv_poll_t *poll, int status, int events)
{
    struct socket *s = poll->data;
    unsigned what = (unsigned)events & (SOCKET_READ | SOCKET_WRITE);

    s->hangs_up = (events & UV_DISCONNECT) != 0;
    loop_tells(s->loop);
    if (status < 0) { /* an error on the socket: libuv has stopped the poll */
        what = s->armed;
        s->armed = 0;
    }
    if (s->state == SOCKET_CONNECTING)
        what = socket_end_connecting(s);
    else if (s->tls != NULL)
        what = tls_events(s, what);
    if (what != 0)
        s->fn(s->peer, what);
    if (s->fd >= 0)
        socket_arm(s);
}

static void socket_nudged(void *peer)
{
    struct socket *s = peer;

    s->nudged = false;
    if (s->fd < 0) {
        if (s->uv_closed)
            free(s);
        return;
    }

    unsigned what = s->tls != NULL ? tls_events(s, 0) : 0;

    if (what != 0)
        s->fn(s->peer, what);
    if (s->fd >= 0)
        socket_arm(s);
}

void socket_nudge(struct socket *s)
{
    if (s->nudged)
        return;
    s->nudged = true;
    loop_later(s->loop, socket_nudged, s);
}

/* Takes `fd`, also when it fails. */
static struct socket *socket_new(struct loop *l, int fd, const struct address *to, socket_fn *fn,
                                 void *peer)
{
    struct socket *s = must_calloc(1, sizeof(*s));

    assert(fn != NULL);
    s->loop = l;
    s->fn = fn;
    s->peer = peer;
    s->fd = fd;
    s->to = *to;
    if (uv_poll_init(loop_uv(l), &s->poll, fd) != 0) {
        close(fd);
        free(s);
        return NULL;
    }
    s->poll.data = s;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return s;
}

struct socket *socket_connect(struct loop *l, const struct address *to, socket_fn *fn, void *peer,
                              struct error *e)
{
    struct sockaddr_storage name;
    socklen_t name_len = address_to_system(to, &name);
    int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

    if (fd < 0) {
        (void)fail(e, E_IO, "no socket: %s", uv_strerror(-errno));
        return NULL;
    }

    struct socket *s = socket_new(l, fd, to, fn, peer);

    if (s == NULL) {
        (void)fail(e, E_IO, "no socket: it cannot be watched");
        return NULL;
    }
    /* What fails at once is told like everything else: a socket that is not connected counts as
     * hung up, so the poll reports at the next turn. */
    if (connect(fd, (const struct sockaddr *)&name, name_len) != 0 && errno != EINPROGRESS)
        s->fault = errno;
    s->state = SOCKET_CONNECTING;
    socket_arm(s);
    return s;
}

enum status socket_connected(struct socket *s, struct error *e)
{
    char text[ADDRESS_TEXT_MAX];
    struct str to = address_text(&s->to, text);

    switch ((enum socket_state)s->state) {
    case SOCKET_OPEN:
        return OK;
    case SOCKET_CONNECTING:
    case SOCKET_HANDSHAKING:
        return fail(e, E_IO, "still connecting to %.*s", STR_ARG(to));
    case SOCKET_BROKEN:
        break;
    }
    return fail(e, E_IO, "%.*s: %s", STR_ARG(to), socket_why(s));
}

void socket_watch(struct socket *s, unsigned what)
{
    assert(s->fd >= 0);
    assert((what & ~(unsigned)(SOCKET_READ | SOCKET_WRITE)) == 0);

    if (what == s->wished)
        return;
    s->wished = (uint8_t)what;
    if (s->tls != NULL)
        tls_wish_changed(s);
    socket_arm(s);
}

void socket_own(struct socket *s, socket_fn *fn, void *peer)
{
    assert(fn != NULL);
    s->fn = fn;
    s->peer = peer;
}

long socket_read(struct socket *s, char *at, size_t len)
{
    assert(s->fd >= 0);
    assert(len > 0);

    if (s->tls != NULL)
        return tls_read(s, at, len);

    ssize_t n;

    do
        n = recv(s->fd, at, len, 0);
    while (n < 0 && errno == EINTR);
    s->emptied = n > 0 && (size_t)n < len && !s->hangs_up;
    if (n > 0)
        return n;
    if (n == 0)
        return SOCKET_EOF;
    if (errno == EAGAIN)
        return SOCKET_AGAIN;
    s->fault = errno;
    return SOCKET_FAILED;
}

/* The kernel takes longer over a list of parts than a copy takes: of 1.45 microseconds, 0.05 up to
 * 1.5 KiB, 0.04 at 2.5 KiB, and nothing at 4.5 KiB. */
#define COPIED_MAX ((size_t)3072)

/* Joins the parts in `room` when they are small enough. */
static bool parts_join(const struct iovec *parts, int count, char room[COPIED_MAX], size_t *len)
{
    *len = 0;
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > COPIED_MAX - *len)
            return false;
        if (parts[i].iov_len > 0)
            memcpy(room + *len, parts[i].iov_base, parts[i].iov_len);
        *len += parts[i].iov_len;
    }
    return true;
}

static ssize_t send_parts(int fd, const struct iovec *parts, int count)
{
    char room[COPIED_MAX];
    size_t len;

    if (count == 1)
        return send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    if (parts_join(parts, count, room, &len))
        return send(fd, room, len, MSG_NOSIGNAL);

    struct msghdr message = {
        .msg_iov = (struct iovec *)(uintptr_t)parts,
        .msg_iovlen = (size_t)(count < IOV_MAX ? count : IOV_MAX),
    };

    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

long socket_writev(struct socket *s, const struct iovec *parts, int count)
{
    assert(s->fd >= 0);
    assert(count > 0);

    if (s->tls != NULL)
        return tls_writev(s, parts, count);

    ssize_t n;

    do
        n = send_parts(s->fd, parts, count);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    if (errno == EAGAIN)
        return 0;
    s->fault = errno;
    return SOCKET_FAILED;
}

void socket_shut_write(struct socket *s)
{
    assert(s->fd >= 0);
    if (s->tls != NULL)
        tls_shut_write(s);
    else
        shutdown(s->fd, SHUT_WR);
}

static void socket_uv_closed(uv_handle_t *handle)
{
    struct socket *s = handle->data;

    s->uv_closed = true;
    if (!s->nudged)
        free(s);
}

void socket_close(struct socket *s, bool reset)
{
    assert(s->fd >= 0);

    if (s->tls != NULL)
        tls_end(s, reset);
    if (reset)
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 },
                   sizeof(struct linger));
    uv_close((uv_handle_t *)&s->poll,
             socket_uv_closed); /* out of epoll before the number is free */
    close(s->fd);
    s->fd = -1;
}

struct address socket_peer(const struct socket *s)
{
    return s->to;
}

static struct address local_of(int fd)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof(name);
    struct address a = { 0 };

    if (getsockname(fd, (struct sockaddr *)&name, &len) == 0)
        (void)address_from_system((const struct sockaddr *)&name, &a);
    return a;
}

struct address socket_local(const struct socket *s)
{
    return local_of(s->fd);
}

const char *socket_why(const struct socket *s)
{
    const char *why = s->tls != NULL ? tls_why(s) : NULL;

    if (why != NULL)
        return why;
    return s->fault != 0 ? uv_strerror(-s->fault) : "nothing has failed";
}

bool socket_has_input(struct socket *s)
{
    if (s->tls != NULL)
        return tls_has_input(s);

    char byte;
    ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK);

    return n >= 0 || errno != EAGAIN;
}

bool socket_was_emptied(const struct socket *s)
{
    return s->emptied && s->tls == NULL;
}

/* --- connections that belong to no loop yet */

struct accepted {
    int fd;
    struct address peer, local;
};

struct accepted *accepted_new(int fd, const struct sockaddr *peer)
{
    struct accepted *a = must_calloc(1, sizeof(*a));

    a->fd = fd;
    (void)address_from_system(peer, &a->peer);
    a->local = local_of(fd);
    return a;
}

struct address accepted_peer(const struct accepted *a)
{
    return a->peer;
}

struct address accepted_local(const struct accepted *a)
{
    return a->local;
}

struct socket *accepted_adopt(struct accepted *a, struct loop *l, socket_fn *fn, void *peer)
{
    struct socket *s = socket_new(l, a->fd, &a->peer, fn, peer);

    free(a);
    if (s != NULL)
        s->state = SOCKET_OPEN;
    return s;
}

void accepted_drop(struct accepted *a)
{
    close(a->fd);
    free(a);
}

uint64_t descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = { .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };

        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            return raised.rlim_cur;
    }
    return limit.rlim_cur;
}
