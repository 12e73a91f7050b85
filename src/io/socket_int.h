/* io/socket_int.h - what socket.c, tls.c, listener.c and address.c share. */
#ifndef PENSTOCK_IO_SOCKET_INT_H
#define PENSTOCK_IO_SOCKET_INT_H

#include <sys/socket.h>

#include "io/loop_int.h"
#include "io/socket.h"

struct tls;

enum socket_state {
    SOCKET_CONNECTING,
    SOCKET_OPEN,
    SOCKET_HANDSHAKING, /* TLS */
    SOCKET_BROKEN,      /* could not be connected, or the handshake failed */
};

struct socket {
    uv_poll_t poll;
    struct loop *loop;
    socket_fn *fn;
    void *peer;
    struct tls *tls; /* the innermost layer; NULL: plain */
    int fd;          /* -1: closed by its owner */
    int fault;       /* errno of the last failure; 0: none, or TLS tells */
    uint8_t state;
    uint8_t wished; /* what the owner watches */
    uint8_t armed;  /* what the poll watches, which under TLS may be the other way round */
    bool hangs_up;  /* the last event told of the other side's end */
    bool emptied;   /* see socket_was_emptied() */
    bool nudged;    /* a call to socket_nudged() is on its way */
    bool uv_closed; /* libuv has let go; freed when not nudged */
    struct address to;
};

/* Watches at the kernel what state, owner and TLS together want. */
void socket_arm(struct socket *s);
/* Has tls_events(s, 0) told to the owner at the end of the turn: input that the kernel knows
 * nothing of. */
void socket_nudge(struct socket *s);

/* SOCKET_READ and SOCKET_WRITE to be watched for TLS's sake. */
unsigned tls_mask(const struct socket *s);
/* `what` happened to the descriptor; gives what the owner shall hear. */
unsigned tls_events(struct socket *s, unsigned what);
long tls_read(struct socket *s, char *at, size_t len);
long tls_writev(struct socket *s, const struct iovec *parts, int count);
void tls_shut_write(struct socket *s);
bool tls_has_input(struct socket *s);
/* The owner's wish has changed: input may be waiting in here. */
void tls_wish_changed(struct socket *s);
const char *tls_why(const struct socket *s);
/* Says goodbye to the peer unless `reset`, and frees all layers. */
void tls_end(struct socket *s, bool reset);

/* Takes `fd`. */
struct accepted *accepted_new(int fd, const struct sockaddr *peer);

socklen_t address_to_system(const struct address *a, struct sockaddr_storage *out);
/* False when it is neither IPv4 nor IPv6. */
bool address_from_system(const struct sockaddr *from, struct address *a);

#endif
