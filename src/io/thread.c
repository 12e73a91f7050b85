/* io/thread.c - threads that take no signals. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/block.h"
#include "base/log.h"
#include "io/mailbox.h"

#define STACK_BYTES ((size_t)1 << 20) /* what is not touched costs nothing */

struct thread {
    pthread_t id;
    void (*fn)(void *arg);
    void *arg;
};

static void *thread_main(void *arg)
{
    struct thread *t = arg;

    t->fn(t->arg);
    blocks_end_thread();
    return NULL;
}

struct thread *thread_start(void (*fn)(void *arg), void *arg)
{
    struct thread *t = must_calloc(1, sizeof(*t));
    pthread_attr_t attributes;
    sigset_t all, before;

    t->fn = fn;
    t->arg = arg;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);

    /* a thread is born with its maker's mask, so that no signal can slip in before it blocks them
     */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);

    int fault = pthread_create(&t->id, &attributes, thread_main, t);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (fault != 0) {
        log_error("no thread", F_INT("errno", fault));
        abort();
    }
    return t;
}

void thread_join(struct thread *t)
{
    pthread_join(t->id, NULL);
    free(t);
}
