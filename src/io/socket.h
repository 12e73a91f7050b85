/* io/socket.h - non-blocking stream sockets, plain or under TLS, and listeners.
 *
 * The owner is told that a socket is ready and then reads and writes itself. Readiness is
 * level-triggered: what was not read is told again. Reading is watched as long as the owner wants
 * it, which is nearly always: so a peer that leaves is seen at once. Threads: own loop.   Memory:
 * socket_close() ends it at once; no callback comes after it. */
#ifndef PENSTOCK_IO_SOCKET_H
#define PENSTOCK_IO_SOCKET_H

#include <sys/uio.h>

#include "base/error.h"
#include "io/loop.h"

/* An IP address and port. Text forms: `127.0.0.1:8045`, `[::1]:8045`. */
struct address {
    uint8_t ip[16]; /* IPv4 as v4-mapped */
    uint16_t port;
    bool is_v4;
};
#define ADDRESS_TEXT_MAX 56

bool address_read(struct str text, struct address *a); /* numeric, with port */
bool address_from_ip(struct str ip, uint16_t port,
                     struct address *a); /* numeric, no brackets needed */
struct str address_text(const struct address *a, char out[ADDRESS_TEXT_MAX]);
bool address_is_loopback(const struct address *a);

struct socket;

enum { SOCKET_READ = 1, SOCKET_WRITE = 2 };

/* `what` is SOCKET_READ and/or SOCKET_WRITE. An error or hang-up is told as both watched kinds: the
 * read or write that follows says what it is. */
typedef void socket_fn(void *peer, unsigned what);

/* Begins to connect. The owner hears SOCKET_WRITE when that is done, well or badly: then
 * socket_connected() tells. NULL with an error when not even that can begin (no descriptors). */
struct socket *socket_connect(struct loop *l, const struct address *to, socket_fn *fn, void *peer,
                              struct error *e);
/* OK once connected (and, under TLS, once the handshake is done); else the fault, as `address:
 * reason`. Both moments are told once, whatever is watched. */
enum status socket_connected(struct socket *s, struct error *e);

/* Sets what is watched; starts with nothing. Cheap when nothing changes, and dear (four system
 * calls) when something does. With nothing watched nothing is told, not even that the peer has
 * left. */
void socket_watch(struct socket *s, unsigned what);

enum { SOCKET_AGAIN = -1, SOCKET_EOF = -2, SOCKET_FAILED = -3 };

/* Bytes read (> 0), or one of the above. */
long socket_read(struct socket *s, char *at, size_t len);
/* Bytes taken (≥ 0; fewer than given means the socket is full), or SOCKET_FAILED. */
long socket_writev(struct socket *s, const struct iovec *parts, int count);
/* No more will be written (FIN; close_notify first under TLS). */
void socket_shut_write(struct socket *s);
/* `reset`: the peer gets a reset instead of an orderly end. */
void socket_close(struct socket *s, bool reset);

struct address socket_peer(const struct socket *s);
struct address socket_local(const struct socket *s);
/* One sentence on the last failure of this socket. */
const char *socket_why(const struct socket *s);
/* Is there a byte, an end or an error to be read right now? Costs a system call. */
bool socket_has_input(struct socket *s);
/* Did the last read leave nothing behind? True when it got less than it had room for and the event
 * it followed told of no end. Never under TLS, whose records tell nothing of that. */
bool socket_was_emptied(const struct socket *s);

/* The tags of a socket's owner can be moved: a pooled connection changes hands. */
void socket_own(struct socket *s, socket_fn *fn, void *peer);

/* --- TLS to upstreams */

struct tls_client; /* trust anchors and resumption tickets; one per loop */

struct tls_options {
    struct str ca_file; /* PEM; empty: the system's */
    /* for tests, from the config file only: no verification; logged at every start */
    bool insecure;
};

/* Are there trust anchors at all: in the file, or where the system keeps them? */
MUST_USE enum status tls_trust_check(const struct tls_options *options, struct error *e);
/* NULL when the file of trust anchors cannot be read. Lives longer than the sockets under it. */
struct tls_client *tls_client_new(const struct tls_options *options, struct error *e);
void tls_client_free(struct tls_client *t);

/* Begins the handshake on a connected socket: chain and `host` are verified, TLS 1.2 or later,
 * session tickets are kept per host and port (a TLS 1.3 ticket is used once). The owner hears
 * SOCKET_WRITE when it is over: then socket_connected() tells; the error names the reason (expired,
 * self-signed, wrong name …). An IP address as `host` must be in the certificate, too.
 * On a socket that is under TLS already, a second layer is laid within the first: for what is
 * reached through a proxy that is itself spoken to under TLS. At most 16 KiB that writev took may
 * wait for the kernel in here; reading may say SOCKET_AGAIN after SOCKET_READ was told. OpenSSL
 * writes without MSG_NOSIGNAL: the process must ignore SIGPIPE (process_prepare() does). */
void socket_start_tls(struct socket *s, struct tls_client *t, struct str host, uint16_t port);
bool socket_tls_resumed(const struct socket *s);

/* --- listeners */

struct listener;
struct accepted; /* a connection that belongs to no loop yet */

/* Called on the listener's loop for each connection; hand it to the loop that shall serve it. */
typedef void listener_fn(void *peer, struct accepted *a);

/* Port 0 takes a free one; listener_address() tells. E_CONFLICT when it is taken; `[::]` does not
 * mean IPv4 too. Out of descriptors: the reserved one is used
 * to turn the client away, accepting stops for 100 ms, and one line is logged per 10 s. */
struct listener *listener_open(struct loop *l, const struct address *at, listener_fn *fn,
                               void *peer, struct error *e);
struct address listener_address(const struct listener *l);
void listener_close(struct listener *l);
/* Stops or resumes accepting (the kernel's queue fills meanwhile). */
void listener_pause(struct listener *l, bool paused);

struct address accepted_peer(const struct accepted *a);
/* Which listener it came in by: its local address. */
struct address accepted_local(const struct accepted *a);
/* Makes it a socket of loop `l`. Threads: the loop's. Takes `a`. NULL when that fails. */
struct socket *accepted_adopt(struct accepted *a, struct loop *l, socket_fn *fn, void *peer);
void accepted_drop(struct accepted *a);

/* Raises the soft limit of descriptors to the hard one and gives it. */
uint64_t descriptor_limit(void);

#endif
