/* tests/unit/io/test_mailbox.c - messages between threads, and threads. */
#include "test.h"

#include <signal.h>
#include <stdlib.h>

#include "io/mailbox.h"

#define SENDERS 4
#define EACH 20000

struct office {
    struct test *t;
    struct loop *loop;
    struct mailbox *box;
    size_t next[SENDERS]; /* the number that must come next */
    size_t got;
};

struct sender {
    struct office *office;
    size_t index;
};

struct letter {
    struct office *office;
    size_t sender, number;
};

static void letter_came(void *message)
{
    struct letter *l = message;
    struct office *o = l->office;
    struct test *t = o->t;

    CHECK_INT(l->number, o->next[l->sender], "sender %zu", l->sender);
    o->next[l->sender] = l->number + 1;
    if (++o->got == SENDERS * EACH)
        loop_stop(o->loop);
    free(l);
}

static void sender_run(void *arg)
{
    struct sender *s = arg;

    for (size_t i = 0; i < EACH; i++) {
        struct letter *l = malloc(sizeof(*l));

        *l = (struct letter){ s->office, s->index, i };
        while (!mailbox_send(s->office->box, letter_came, l))
            ;
    }
}

TEST(messages_of_each_sender_arrive_once_and_in_order)
{
    struct office o = { .t = t, .loop = loop_new() };
    struct sender senders[SENDERS];
    struct thread *threads[SENDERS];

    o.box = mailbox_new(o.loop);
    for (size_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ &o, i };
        threads[i] = thread_start(sender_run, &senders[i]);
    }
    loop_run(o.loop);
    for (size_t i = 0; i < SENDERS; i++)
        thread_join(threads[i]);
    CHECK_INT(o.got, SENDERS * EACH);
    mailbox_free(o.box);
    loop_free(o.loop);
}

static void count_one_more(void *message)
{
    ++*(size_t *)message;
}

TEST(a_full_mailbox_refuses_and_takes_again_once_it_was_emptied)
{
    struct loop *l = loop_new();
    struct mailbox *m = mailbox_new(l);
    size_t ran = 0;

    for (size_t i = 0; i < MAILBOX_MAX; i++)
        if (!CHECK(mailbox_send(m, count_one_more, &ran), "message %zu", i))
            break;
    CHECK(!mailbox_send(m, count_one_more, &ran));
    CHECK(mailbox_send(m, count_one_more, &ran) == false);
    mailbox_free(m); /* runs what waits */
    CHECK_INT(ran, MAILBOX_MAX);
    loop_free(l);
}

struct echo {
    struct loop *loop;
    struct mailbox *box;
    int rounds;
};

static void echo_again(void *message)
{
    struct echo *e = message;

    if (++e->rounds == 100 || !mailbox_send(e->box, echo_again, e))
        loop_stop(e->loop);
}

TEST(a_message_may_send_the_next_one)
{
    struct echo e = { .loop = loop_new() };

    e.box = mailbox_new(e.loop);
    CHECK(mailbox_send(e.box, echo_again, &e));
    loop_run(e.loop);
    CHECK_INT(e.rounds, 100);
    mailbox_free(e.box);
    loop_free(e.loop);
}

static void read_mask(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
}

TEST(threads_take_no_signals_and_leave_the_makers_mask_alone)
{
    sigset_t inside, before, after;

    sigemptyset(&inside);
    read_mask(&before);
    thread_join(thread_start(read_mask, &inside));
    read_mask(&after);
    CHECK(sigismember(&inside, SIGTERM) == 1);
    CHECK(sigismember(&inside, SIGHUP) == 1);
    CHECK_INT(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}
