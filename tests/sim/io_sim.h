/* tests/sim/io_sim.h - a simulated world in place of src/io: the test's side.
 *
 * Link io_sim instead of io, and the program runs on a clock that stands still until told, over a
 * network in memory, with files in memory and random bytes from the seed. All loops run in turns on
 * the one thread. Time advances only when nothing can be done without it. What the real world
 * leaves open (in which order sockets become ready, how bytes are cut into pieces, when a
 * connection is accepted, whether a write is taken whole) is drawn from the seed: same seed, same
 * run.
 *
 *     sim_world_new(seed);
 *     ...make loops, listeners and servers as ever...
 *     struct sim_peer *p = sim_connect(&address);
 *     sim_send(p, STR("GET / HTTP/1.1\r\n\r\n"));
 *     sim_run_until_idle();
 *     CHECK_STR(sim_take(p), "HTTP/1.1 200 OK\r\n...");
 *     ...free everything as ever...
 *     sim_world_free();
 *
 * TLS is a plain pass: a peer sees what is said under it, and the name that was asked for.
 * Threads: one; thread_start() is not simulated. One world at a time. */
#ifndef PENSTOCK_IO_SIM_H
#define PENSTOCK_IO_SIM_H

#include "io/socket.h"

/* --- the world */

void sim_world_new(uint64_t seed);
/* All loops must have been freed. Frees peers and listeners of the test. */
void sim_world_free(void);
/* Forgets the world and frees nothing of it: after a failure, when it is in use still. */
void sim_world_abandon(void);

/* Runs until nothing more can happen without time passing. */
void sim_run_until_idle(void);
/* Lets `ms` pass: from timer to timer, each time until idle. */
void sim_advance(int64_t ms);
/* As loop_now(). */
int64_t sim_now(void);
/* The test's own choices, from a stream of their own: they do not disturb the world's. */
uint64_t sim_random(void);
/* Of all that has happened on the network, in order: equal for equal runs. */
uint64_t sim_digest(void);

/* --- peers: the other ends of connections, held by the test */

struct sim_peer; /* lives until sim_world_free() */

/* What a peer wants to be told; any may be NULL. Called in the middle of a turn of the world: they
 * may do everything but run it. */
struct sim_hooks {
    void (*on_connect)(void *arg, struct sim_peer *p);
    void (*on_data)(void *arg, struct sim_peer *p); /* sim_take() has more */
    void (*on_end)(void *arg, struct sim_peer *p);  /* the other side will send no more */
    void (*on_reset)(void *arg, struct sim_peer *p);
    void *arg;
};

/* Connects to a listener of the program, or of the test. `from` may be NULL: 127.0.0.1. Refused:
 * sim_was_reset(). */
struct sim_peer *sim_connect(const struct address *to);
struct sim_peer *sim_connect_from(const struct address *to, const struct address *from);
void sim_hook(struct sim_peer *p, const struct sim_hooks *hooks);
/* A word of the test's own, NULL at first. */
void sim_set_data(struct sim_peer *p, void *data);
void *sim_data(const struct sim_peer *p);

void sim_send(struct sim_peer *p, struct str bytes);
/* All that has arrived; valid until the next sim_take() of this peer. Makes room in its window. */
struct str sim_take(struct sim_peer *p);
size_t sim_waiting(const struct sim_peer *p); /* bytes arrived and not taken */
size_t sim_unsent(const struct sim_peer *p);  /* bytes sent that the other side has no room for */
void sim_shut(struct sim_peer *p);            /* no more will be sent; still takes */
void sim_close(struct sim_peer *p); /* sends no more, and what still comes is answered by a reset */
void sim_reset(struct sim_peer *p);

bool sim_is_connected(const struct sim_peer *p);
/* The other side has sent its end, and all before it has arrived here. */
bool sim_has_ended(const struct sim_peer *p);
bool sim_was_reset(const struct sim_peer *p);
/* The host that TLS was begun for, innermost layer; empty: none. */
struct str sim_tls_host(const struct sim_peer *p);
struct address sim_peer_address(const struct sim_peer *p); /* of the other side */

/* --- listeners of the test: upstreams */

struct sim_listener;
struct sim_listener *sim_listen(const struct address *at, const struct sim_hooks *hooks);
void sim_unlisten(struct sim_listener *l); /* from now on refused */
size_t sim_accepted(const struct sim_listener *l);

/* --- backpressure and chunks */

/* How many bytes the peer lets arrive that it has not taken. At first there is no end to it. */
void sim_window(struct sim_peer *p, size_t bytes);
/* The program's sockets made from now on: bytes on their way out, bytes unread. At first 64 KiB
 * each. */
void sim_set_buffers(size_t send, size_t receive);
/* The most that arrives at once; SIZE_MAX, as at first: up to all of it. */
void sim_set_chunk(size_t max);

/* --- faults */

enum sim_reach {
    SIM_OPEN,
    SIM_REFUSED, /* connections are refused, though somebody listens */
    SIM_SILENT,  /* nothing answers: packets are lost */
};
void sim_set_reach(const struct address *at, enum sim_reach reach);

/* No byte, end or reset moves either way, until it is switched off again. */
void sim_stall(struct sim_peer *p, bool stalled);
/* The connection breaks once so many more bytes have arrived at the peer, or from it. */
void sim_reset_after_received(struct sim_peer *p, size_t bytes);
void sim_reset_after_sent(struct sim_peer *p, size_t bytes);
/* socket_connect() gives NULL. */
void sim_no_descriptors(bool none);

/* Handshakes for `host` fail with this sentence; NULL: no longer. */
void sim_tls_refuse(struct str host, const char *why);

/* --- names. Unknown ones fail; `localhost` is known */

#define SIM_NEVER INT64_MAX
/* `count` 0: fails. The answer takes `delay_ms`. */
void sim_set_name(struct str host, const struct address *found, size_t count, int64_t delay_ms);
size_t sim_names_asked(void);

/* --- files, environment, signals */

void sim_file_put(const char *path, struct str bytes);
/* False: there is none. Valid until it is written again. */
bool sim_file_get(const char *path, struct str *bytes);
/* Reading and writing it fails with E_IO. */
void sim_file_fail(const char *path, bool fails);
void sim_set_environment(const char *name, const char *value); /* NULL: not set */
/* As if SIGTERM (or, `reload`, SIGHUP) had come. */
void sim_signal(bool reload);

#endif
