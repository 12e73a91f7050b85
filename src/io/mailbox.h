/* io/mailbox.h - messages between threads: the only way from one loop to another.
 *
 * A message is a function and an owned argument; it runs on the receiving loop. Messages of one
 * sender arrive in order. At most MAILBOX_MAX wait: then mailbox_send() is false and the sender
 * keeps the argument. Threads: mailbox_send() any; the rest own loop. */
#ifndef PENSTOCK_IO_MAILBOX_H
#define PENSTOCK_IO_MAILBOX_H

#include "base/error.h"
#include "io/loop.h"

#define MAILBOX_MAX 65536

struct mailbox;
struct mailbox *mailbox_new(struct loop *l);
/* Messages still waiting are run first, so that what they own is freed by its receiver. Not from
 * within a message; nobody sends any more. */
void mailbox_free(struct mailbox *m);
MUST_USE bool mailbox_send(struct mailbox *m, void (*fn)(void *message), void *message);

/* A thread that runs `fn(arg)`. Signals are blocked in it. Small stacks are fine: 1 MiB. */
struct thread;
struct thread *thread_start(void (*fn)(void *arg), void *arg);
void thread_join(struct thread *t); /* waits, then frees */

#endif
