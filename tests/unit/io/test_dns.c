/* tests/unit/io/test_dns.c - names to addresses: numeric ones, the local ones, and giving up.
 *
 * No name server is asked. A look-up that hangs is one that never gets its turn: libuv's pool has
 * one thread here, and a test can keep it busy. */
#include "test.h"

#include <stdlib.h>
#include <uv.h>

#include "io/dns.h"

__attribute__((constructor)) static void one_thread(void)
{
    setenv("UV_THREADPOOL_SIZE", "1", 1);
}

struct asked {
    struct loop *loop;
    struct dns *dns;
    size_t count, answers, awaited;
    struct address first;
    char why[128];
};

static void answered(void *peer, const struct address *found, size_t count, const char *why)
{
    struct asked *a = peer;

    a->answers++;
    a->count = count;
    if (count > 0)
        a->first = found[0];
    snprintf(a->why, sizeof(a->why), "%s", why != NULL ? why : "");
    if (a->answers == a->awaited)
        loop_stop(a->loop);
}

static void asked_start(struct asked *a)
{
    *a = (struct asked){ .loop = loop_new(), .awaited = 1 };
    a->dns = dns_new(a->loop);
}

static void asked_end(struct asked *a)
{
    dns_free(a->dns);
    loop_free(a->loop);
}

static const struct {
    const char *host, *want;
} numeric[] = {
    { "10.1.2.3", "10.1.2.3:443" },
    { "::1", "[::1]:443" },
    { "2001:db8::7", "[2001:db8::7]:443" },
};

TEST(a_numeric_host_is_answered_later_and_without_a_look_up)
{
    for (size_t i = 0; i < COUNT(numeric); i++) {
        struct asked a;
        char text[ADDRESS_TEXT_MAX];

        asked_start(&a);
        dns_resolve(a.dns, str_c(numeric[i].host), 443, 1000, answered, &a);
        CHECK_INT(a.answers, 0, "%s", numeric[i].host);
        loop_run(a.loop);
        CHECK_INT(a.count, 1, "%s", numeric[i].host);
        CHECK_STR(address_text(&a.first, text), numeric[i].want);
        asked_end(&a);
    }
}

TEST(localhost_is_a_loopback_address_the_first_time_and_from_the_cache)
{
    struct asked a;

    asked_start(&a);
    for (int i = 0; i < 2; i++) {
        a.answers = 0;
        dns_resolve(a.dns, i == 0 ? STR("localhost") : STR("LocalHost"), 80, 10000, answered, &a);
        CHECK_INT(a.answers, 0);
        loop_run(a.loop);
        if (CHECK(a.count >= 1, "%s", a.why))
            CHECK(address_is_loopback(&a.first));
        CHECK_INT(a.first.port, 80);
    }
    asked_end(&a);
}

static const char *const no_names[] = { "", "two words", "line\nbreak" };

TEST(what_is_no_name_fails_with_a_sentence)
{
    for (size_t i = 0; i < COUNT(no_names); i++) {
        struct asked a;

        asked_start(&a);
        dns_resolve(a.dns, str_c(no_names[i]), 80, 10000, answered, &a);
        loop_run(a.loop);
        CHECK_INT(a.count, 0, "%s", no_names[i]);
        CHECK_STR(str_c(a.why), "that is no host name", "%s", no_names[i]);
        asked_end(&a);
    }
}

TEST(a_name_of_254_bytes_is_none_and_one_with_a_nul_neither)
{
    struct asked a;
    char name[254];

    memset(name, 'a', sizeof(name));
    asked_start(&a);
    a.awaited = 2;
    dns_resolve(a.dns, (struct str){ name, sizeof(name) }, 80, 10000, answered, &a);
    dns_resolve(a.dns, STR("localhost\0.example"), 80, 10000, answered, &a);
    loop_run(a.loop);
    CHECK_INT(a.count, 0);
    CHECK_STR(str_c(a.why), "that is no host name");
    asked_end(&a);
}

TEST(many_queries_for_one_name_share_its_look_up_and_all_are_answered)
{
    struct asked a;

    asked_start(&a);
    a.awaited = 20;
    for (size_t i = 0; i < a.awaited; i++)
        dns_resolve(a.dns, STR("localhost"), (uint16_t)i, 10000, answered, &a);
    loop_run(a.loop);
    CHECK_INT(a.answers, 20);
    CHECK(a.count >= 1, "%s", a.why);
    CHECK_INT(a.first.port, 19);
    asked_end(&a);
}

TEST(a_cancelled_query_is_not_answered)
{
    struct asked a, other;

    asked_start(&a);
    other = a;
    dns_cancel(dns_resolve(a.dns, STR("10.1.2.3"), 80, 10000, answered, &other));
    dns_cancel(dns_resolve(a.dns, STR("localhost"), 80, 10000, answered, &other));

    struct dns_query *q = dns_resolve(a.dns, STR("localhost"), 80, 10000, answered, &other);

    dns_resolve(a.dns, STR("localhost"), 80, 10000, answered, &a);
    dns_cancel(q);
    loop_run(a.loop);
    CHECK_INT(a.answers, 1);
    CHECK_INT(other.answers, 0);
    asked_end(&a);
}

/* --- a pool that is busy */

struct jam {
    uv_loop_t loop;
    uv_work_t work;
    uv_sem_t begun, go_on;
};

static void jam_work(uv_work_t *work)
{
    struct jam *j = work->data;

    uv_sem_post(&j->begun);
    uv_sem_wait(&j->go_on);
}

static void jam_worked(__attribute__((unused)) uv_work_t *work, __attribute__((unused)) int status)
{
}

static void jam_start(struct jam *j)
{
    uv_loop_init(&j->loop);
    uv_sem_init(&j->begun, 0);
    uv_sem_init(&j->go_on, 0);
    j->work.data = j;
    uv_queue_work(&j->loop, &j->work, jam_work, jam_worked);
    uv_sem_wait(&j->begun);
}

static void jam_end(struct jam *j)
{
    uv_sem_post(&j->go_on);
    uv_run(&j->loop, UV_RUN_DEFAULT);
    uv_loop_close(&j->loop);
    uv_sem_destroy(&j->begun);
    uv_sem_destroy(&j->go_on);
}

TEST(a_look_up_that_hangs_is_given_up_at_each_querys_own_time)
{
    struct asked first, second;
    struct jam jam;

    jam_start(&jam);
    asked_start(&first);
    second = first;
    dns_resolve(first.dns, STR("localhost"), 80, 1, answered, &first);
    dns_resolve(first.dns, STR("localhost"), 81, 600000, answered, &second);
    loop_run(first.loop);
    CHECK_INT(first.count, 0);
    CHECK_STR(str_c(first.why), "the name server did not answer in time");
    CHECK_INT(second.answers, 0);
    jam_end(&jam); /* now it has its turn */
    loop_run(first.loop);
    CHECK(second.count >= 1, "%s", second.why);
    CHECK_INT(second.first.port, 81);
    CHECK_INT(first.answers, 1);
    asked_end(&first);
}

TEST(a_look_up_outlives_its_cache)
{
    struct asked a;
    struct jam jam;

    jam_start(&jam);
    asked_start(&a);
    dns_cancel(dns_resolve(a.dns, STR("localhost"), 80, 600000, answered, &a));
    asked_end(&a);
    jam_end(&jam);
    CHECK_INT(a.answers, 0);
}
