/* io/signals.h - signals and descriptors 0-2, set up once by app.
 * Threads: own loop (worker 0). */
#ifndef PENSTOCK_IO_SIGNALS_H
#define PENSTOCK_IO_SIGNALS_H

#include "io/loop.h"

/* SIGINT and SIGTERM call on_stop, SIGHUP on_reload; SIGPIPE is ignored. They run on this loop
 * whichever thread the signal met; threads of thread_start() take none. */
struct signals;
struct signals *signals_new(struct loop *l, void (*on_stop)(void *peer),
                            void (*on_reload)(void *peer), void *peer);
void signals_free(struct signals *s);

/* Opens 0-2 on /dev/null where they are closed, sets umask 077, ignores SIGPIPE, asks for 8 threads
 * to look names up, switches core dumps and attaching off unless `debuggable`. Before any loop and
 * thread. */
void process_prepare(bool debuggable);

/* Ends the process at once, with the standard streams flushed: exit() would wait for name look-ups
 * that hang in libuv's pool. */
_Noreturn void process_end(int code);

/* The value of an environment variable, or the empty slice. Lives as long as the process. */
struct str environment_get(const char *name);
/* Cores of this machine, at least 1. */
unsigned machine_cores(void);

#endif
