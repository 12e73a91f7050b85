/* io/listener.c - listening sockets.
 *
 * Out of descriptors the connection at the head of the queue can neither be taken nor refused, and
 * a level-triggered watch would spin on it. So one descriptor is held in reserve: it is given up to
 * take that connection and close it, and then no more are taken for a while. */
#include "io/socket_int.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"

#define ACCEPTS_PER_TURN 16 /* then the other sockets have their turn */
#define BACKLOG 4096        /* the kernel takes net.core.somaxconn when that is less */
#define EXHAUSTED_PAUSE_MS 100
#define EXHAUSTED_LOG_MS 10000

struct listener {
    uv_poll_t poll;
    struct loop *loop;
    listener_fn *fn;
    void *peer;
    struct address at;
    int fd;      /* -1: closed */
    int reserve; /* -1: not to be had at the moment */
    struct timer pause;
    bool paused;    /* by the owner */
    bool exhausted; /* until the timer fires */
    bool logged;
    int64_t logged_ms;
};

static void listener_on_event(uv_poll_t *poll, int status, int events);

static void listener_arm(struct listener *l)
{
    if (l->paused || l->exhausted)
        uv_poll_stop(&l->poll);
    else
        uv_poll_start(&l->poll, UV_READABLE, listener_on_event);
}

static void listener_reserve(struct listener *l)
{
    if (l->reserve < 0)
        l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void listener_pause_is_over(void *peer, __attribute__((unused)) int64_t now_ms)
{
    struct listener *l = peer;

    l->exhausted = false;
    listener_reserve(l);
    listener_arm(l);
}

static void listener_exhausted(struct listener *l, int fault)
{
    int64_t now_ms = loop_now(l->loop);

    if (l->reserve >= 0) {
        close(l->reserve);
        l->reserve = -1;

        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            close(fd);
        listener_reserve(l);
    }
    if (!l->logged || now_ms - l->logged_ms >= EXHAUSTED_LOG_MS) {
        char text[ADDRESS_TEXT_MAX];

        l->logged = true;
        l->logged_ms = now_ms;
        log_error("cannot accept connections: waiting a moment",
                  F_STR("listener", address_text(&l->at, text)), F_C("why", uv_strerror(-fault)));
    }
    l->exhausted = true;
    timer_start(&l->pause, EXHAUSTED_PAUSE_MS);
    listener_arm(l);
}

/* False when no more are to be taken now. */
static bool listener_take(struct listener *l)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);
    int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        l->fn(l->peer, accepted_new(fd, (const struct sockaddr *)&peer));
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        listener_exhausted(l, errno);
        return false;
    default:
        return true; /* this one has left already: ECONNABORTED and the like */
    }
}

static void listener_on_event(uv_poll_t *poll, int status, __attribute__((unused)) int events)
{
    struct listener *l = poll->data;

    for (int i = 0; i < ACCEPTS_PER_TURN; i++)
        if (l->fd < 0 || l->paused ||
            !listener_take(l)) /* the owner may have closed or paused it */
            break;
    if (status < 0 && l->fd >= 0) /* libuv has stopped the poll */
        listener_arm(l);
}

/* The listening descriptor, or -1 with `e` set. */
static int listener_bind(const struct address *at, struct error *e)
{
    char text[ADDRESS_TEXT_MAX];
    struct sockaddr_storage name;
    socklen_t len = address_to_system(at, &name);
    int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

    if (fd < 0) {
        (void)fail(e, E_IO, "no listening socket: %s", uv_strerror(-errno));
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    /* an address means its own family only, whatever the system's default: `[::]` and `0.0.0.0` can
     * both be listened at */
    if (!at->is_v4)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int));
    if (bind(fd, (const struct sockaddr *)&name, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;

    int fault = errno;

    address_text(at, text);
    (void)fail(e, fault == EADDRINUSE ? E_CONFLICT : E_IO, "cannot listen at %s: %s", text,
               uv_strerror(-fault));
    close(fd);
    return -1;
}

struct listener *listener_open(struct loop *l, const struct address *at, listener_fn *fn,
                               void *peer, struct error *e)
{
    int fd = listener_bind(at, e);

    assert(fn != NULL);
    if (fd < 0)
        return NULL;

    struct listener *n = must_calloc(1, sizeof(*n));

    if (uv_poll_init(loop_uv(l), &n->poll, fd) != 0) {
        (void)fail(e, E_IO, "no listening socket: it cannot be watched");
        close(fd);
        free(n);
        return NULL;
    }
    n->poll.data = n;
    n->loop = l;
    n->fn = fn;
    n->peer = peer;
    n->fd = fd;
    n->reserve = -1;
    timer_init(&n->pause, l, listener_pause_is_over, n);
    listener_reserve(n);

    struct sockaddr_storage name;
    socklen_t len = sizeof(name);

    n->at = *at;
    if (getsockname(fd, (struct sockaddr *)&name, &len) == 0)
        (void)address_from_system((const struct sockaddr *)&name, &n->at);
    listener_arm(n);
    return n;
}

struct address listener_address(const struct listener *l)
{
    return l->at;
}

void listener_pause(struct listener *l, bool paused)
{
    if (l->paused == paused)
        return;
    l->paused = paused;
    listener_arm(l);
}

static void listener_uv_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void listener_close(struct listener *l)
{
    if (l == NULL)
        return;
    timer_stop(&l->pause);
    uv_close((uv_handle_t *)&l->poll, listener_uv_closed);
    close(l->fd);
    l->fd = -1;
    if (l->reserve >= 0)
        close(l->reserve);
}
