/* Names with many addresses. This program has a dns of its own in place of io/dns.c, so that a name
 * leads where the test says. */
#include "client_rig.h"

#include <stdlib.h>

/* --- io/dns.h, from a table */

#define ALSO_MAX 4

struct dns {
    struct loop *loop;
};

struct dns_query {
    struct timer timer;
    struct address found[ALSO_MAX];
    size_t count;
    dns_fn *fn;
    void *peer;
};

static void query_answered(void *peer, int64_t now_ms)
{
    struct dns_query *q = peer;

    (void)now_ms;
    q->fn(q->peer, q->found, q->count, "no such name in the table");
    free(q);
}

struct dns *dns_new(struct loop *l)
{
    struct dns *d = must_calloc(1, sizeof(*d));

    d->loop = l;
    return d;
}

void dns_free(struct dns *d)
{
    free(d);
}

/* Names are lists of addresses, `a+b+c`; what holds none fails. */
struct dns_query *dns_resolve(struct dns *d, struct str host, uint16_t port, int64_t timeout_ms,
                              dns_fn *fn, void *peer)
{
    struct dns_query *q = must_calloc(1, sizeof(*q));
    struct str ip;

    (void)timeout_ms;
    q->fn = fn;
    q->peer = peer;
    while (host.len > 0 && q->count < ALSO_MAX) {
        (void)str_cut(host, '+', &ip, &host);
        if (address_from_ip(ip, port, &q->found[q->count]))
            q->count++;
    }
    timer_init(&q->timer, d->loop, query_answered, q);
    timer_start(&q->timer, 0);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    timer_stop(&q->timer);
    free(q);
}

/* --- the tests: at 127.0.0.1 there is an upstream, 127.0.0.2 is deaf, 127.0.0.3 refuses */

static void open_three(struct bench *b, struct test *t, struct deaf *deaf)
{
    bench_open(b, t);
    upstream_script(&b->upstream, answers_always, COUNT(answers_always));
    bench_client(b);
    CHECK_INT(deaf_open(deaf, "127.0.0.2", b->upstream.port), b->upstream.port);
}

TEST(addresses_are_tried_in_order_until_one_answers)
{
    static const struct {
        const char *name, *host, *want;
        enum call_cause cause;
        const char *word;
    } cases[] = {
        { "the first answers", "127.0.0.1", "200|hi|end", CALL_DNS, "" },
        { "the first refuses", "127.0.0.3+127.0.0.1", "200|hi|end", CALL_DNS, "" },
        { "two refuse", "127.0.0.3+127.0.0.4+127.0.0.1", "200|hi|end", CALL_DNS, "" },
        { "the first is silent", "127.0.0.2+127.0.0.1", "200|hi|end", CALL_DNS, "" },
        { "the first is silent, the second refuses", "127.0.0.2+127.0.0.3+127.0.0.1", "200|hi|end",
          CALL_DNS, "" },
        { "the first answers, the second is silent", "127.0.0.1+127.0.0.2", "200|hi|end", CALL_DNS,
          "" },
        { "all refuse", "127.0.0.3+127.0.0.4", "|fail", CALL_CONNECT, "refused" },
        { "one is silent, one refuses", "127.0.0.2+127.0.0.3", "|fail", CALL_CONNECT, "in time" },
        { "there is none", "nowhere", "|fail", CALL_DNS, "no such name" },
        { "it leads to a metadata service", "169.254.169.254", "|fail", CALL_DNS, "metadata" },
        { "it leads there among others", "169.254.169.254+127.0.0.1", "200|hi|end", CALL_DNS, "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct deaf deaf;
        struct heard h = { 0 };

        open_three(&b, t, &deaf);
        b.origin.host = str_c(cases[i].host);
        struct call_options o = options_of(&b, &h, STR(GET));

        o.timeouts.connect_ms = 600;
        send_options(&b, &h, &o);
        bench_run(&b);
        CHECK_HEARD(&h, cases[i].want, "%s: %s", cases[i].name, h.fault.text);
        if (h.failed) {
            CHECK_INT(h.fault.cause, cases[i].cause, "%s: %s", cases[i].name, h.fault.text);
            CHECK(strstr(h.fault.text, cases[i].word) != NULL, "%s: %s", cases[i].name,
                  h.fault.text);
        }
        CHECK_INT(b.upstream.connections, h.failed ? 0 : 1, "%s", cases[i].name);
        heard_clear(&h);
        deaf_close(&deaf);
        bench_close(&b);
    }
}

TEST(a_call_is_cancelled_while_it_tries_two_addresses)
{
    struct bench b;
    struct deaf deaf;
    struct heard h = { 0 };

    open_three(&b, t, &deaf);
    b.origin.host = STR("127.0.0.2+127.0.0.2");
    send_head(&b, &h, STR(GET));
    timer_start(&h.timer, 300); /* both have begun after the head start of 250 */
    bench_run(&b);
    CHECK_HEARD(&h, "|cancelled");
    heard_clear(&h);
    deaf_close(&deaf);
    bench_close(&b);
}

TEST(a_socks_proxy_that_wants_addresses_is_given_one_of_the_name)
{
    static const struct step script[] = { TAKE(3), SAY("\5\0"), ASK };
    static const struct {
        const char *name, *host;
        enum call_cause cause;
    } cases[] = {
        { "the name has none", "nowhere", CALL_DNS },
        { "the name leads to a metadata service", "169.254.169.254", CALL_DNS },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h;

        bench_open(&b, t);
        upstream_script(&b.upstream, script, COUNT(script));
        bench_client(&b);
        b.origin.host = str_c(cases[i].host);
        b.origin.proxy = PROXY_SOCKS5;
        b.origin.proxy_host = STR("127.0.0.1");
        b.origin.proxy_port = b.upstream.port;
        ask(&b, &h);
        CHECK_INT(h.fault.cause, cases[i].cause, "%s: %s", cases[i].name, h.fault.text);
        CHECK_INT(b.upstream.connections, 0, "%s", cases[i].name);
        heard_clear(&h);
        bench_close(&b);
    }
}
