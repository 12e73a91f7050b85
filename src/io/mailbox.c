/* io/mailbox.c - a locked list of messages and an event that wakes the loop.
 *
 * The receiver takes the whole list at once and runs it without the lock, so senders wait for each
 * other only as long as it takes to add one entry. */
#include "io/mailbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "io/loop_int.h"

#define KEEP_CAP 1024 /* a list that grew beyond is given back once empty */

struct message {
    void (*fn)(void *message);
    void *arg;
};

struct messages {
    struct message *at;
    size_t count, cap;
};

struct mailbox {
    uv_async_t wake;
    pthread_mutex_t lock;
    struct messages waiting; /* under the lock */
    struct messages running; /* the loop's own */
    bool is_running;
};

/* Runs what waits now; what these messages send waits for the next turn. */
static void mailbox_run(struct mailbox *m)
{
    struct messages empty = m->running;

    pthread_mutex_lock(&m->lock);
    m->running = m->waiting;
    m->waiting = empty;
    pthread_mutex_unlock(&m->lock);

    m->is_running = true;
    for (size_t i = 0; i < m->running.count; i++)
        m->running.at[i].fn(m->running.at[i].arg);
    m->is_running = false;

    m->running.count = 0;
    if (m->running.cap > KEEP_CAP) {
        free(m->running.at);
        m->running = (struct messages){ 0 };
    }
}

static void mailbox_woken(uv_async_t *wake)
{
    mailbox_run(wake->data);
}

struct mailbox *mailbox_new(struct loop *l)
{
    struct mailbox *m = must_calloc(1, sizeof(*m));

    if (uv_async_init(loop_uv(l), &m->wake, mailbox_woken) != 0)
        abort();
    m->wake.data = m;
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

static void mailbox_uv_closed(uv_handle_t *handle)
{
    struct mailbox *m = handle->data;

    pthread_mutex_destroy(&m->lock);
    free(m->waiting.at);
    free(m->running.at);
    free(m);
}

void mailbox_free(struct mailbox *m)
{
    if (m == NULL)
        return;
    assert(!m->is_running); /* not from one of its own messages */
    while (m->waiting.count > 0)
        mailbox_run(m);
    uv_close((uv_handle_t *)&m->wake, mailbox_uv_closed);
}

bool mailbox_send(struct mailbox *m, void (*fn)(void *message), void *message)
{
    assert(fn != NULL);
    pthread_mutex_lock(&m->lock);

    struct messages *w = &m->waiting;
    bool taken = w->count < MAILBOX_MAX;
    bool was_empty = w->count == 0;

    if (taken && w->count == w->cap) {
        w->cap = w->cap > 0 ? w->cap * 2 : 32;
        w->at = must_realloc(w->at, w->cap * sizeof(w->at[0]));
    }
    if (taken)
        w->at[w->count++] = (struct message){ fn, message };
    pthread_mutex_unlock(&m->lock);

    if (taken && was_empty)
        uv_async_send(&m->wake);
    return taken;
}
