#include "journal/journal.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/metric.h"

struct journal {
    pthread_mutex_t lock;
    struct buf lines;
    struct counter dropped;
    int64_t opened_ms;
    bool (*write)(void *peer, struct str lines);
    void *peer;
};

struct journal *journal_new(int64_t now_ms, bool (*write)(void *peer, struct str lines), void *peer)
{
    struct journal *j = must_calloc(1, sizeof(*j));
    int failed = pthread_mutex_init(&j->lock, NULL);

    assert(failed == 0);
    buf_init(&j->lines, JOURNAL_BUFFER_MAX);
    j->opened_ms = now_ms;
    j->write = write;
    j->peer = peer;
    return j;
}

/* Under the lock. What the writer does not take stays. */
static void journal_offer(struct journal *j)
{
    if (j->lines.len > 0 && j->write(j->peer, buf_str(&j->lines)))
        j->lines.len = 0;
}

void journal_free(struct journal *j)
{
    if (j == NULL)
        return;
    journal_offer(j);
    buf_clear(&j->lines);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

void journal_add(struct journal *j, const struct journal_event *given)
{
    struct journal_event copy = *given, *ev = &copy;
    int failed = pthread_mutex_lock(&j->lock);

    assert(failed == 0);
    ev->at_ms = ev->at_ms > j->opened_ms ? ev->at_ms - j->opened_ms : 0;
    if (!journal_put(&j->lines, ev)) {
        journal_offer(j);
        if (!journal_put(&j->lines, ev))
            count_one(&j->dropped);
    }
    pthread_mutex_unlock(&j->lock);
}

void journal_flush(struct journal *j)
{
    int failed = pthread_mutex_lock(&j->lock);

    assert(failed == 0);
    journal_offer(j);
    pthread_mutex_unlock(&j->lock);
}

uint64_t journal_dropped(const struct journal *j)
{
    return count_read(&j->dropped);
}
