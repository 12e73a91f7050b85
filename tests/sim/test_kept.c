/* tests/sim/test_kept.c - kept connections of which their upstream says or ends something just when
 * they are to be used again. */
#include "test.h"

#include "http/client.h"
#include "io_sim.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define POISON "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

enum mischief { SPEAKS, ENDS, IS_RESET, MISCHIEFS };

static const char *const mischiefs[MISCHIEFS] = { "speaks", "ends", "is reset" };

struct play {
    struct test *t;
    struct loop *loop;
    struct listener *listener;
    struct socket *trigger; /* its first byte begins the second call */
    struct client *client;
    struct client_metrics metrics;
    struct origin origin;
    struct sim_peer *upstream; /* the first connection */
    struct str heard;          /* of the call that ran last */
    bool failed;
    bool had_come; /* some of the mischief was there when the second call began */
};

static void upstream_data(__attribute__((unused)) void *arg, struct sim_peer *p)
{
    struct str got = sim_take(p);

    if (str_ends(got, STR("\n"))) /* the end of the request, whatever the cuts */
        sim_send(p, STR(ANSWER));
}

static void upstream_connect(void *arg, struct sim_peer *p)
{
    struct play *play = arg;

    if (play->upstream == NULL)
        play->upstream = p;
}

static void on_head(__attribute__((unused)) void *peer,
                    __attribute__((unused)) const struct http_head *head)
{
}

static void on_data(void *peer, struct str bytes)
{
    struct play *p = peer;

    p->heard = arena_printf(&p->t->arena, "%.*s%.*s", STR_ARG(p->heard), STR_ARG(bytes));
}

static void on_end(__attribute__((unused)) void *peer)
{
}

static void on_fail(void *peer, __attribute__((unused)) const struct call_fault *fault)
{
    ((struct play *)peer)->failed = true;
}

static void call_begin(struct play *p)
{
    const struct call_options o = {
        .origin = &p->origin,
        .head = STR("POST / HTTP/1.1 \n"), /* its end is one byte that stands nowhere else */
        .timeouts = call_timeouts_default,
        .hooks = { on_head, on_data, on_end, on_fail, p },
    };

    p->heard = STR("");
    (void)client_send(p->client, &o);
}

static void trigger_ready(void *peer, __attribute__((unused)) unsigned what)
{
    struct play *p = peer;
    char byte;

    if (socket_read(p->trigger, &byte, 1) != 1)
        return;
    p->had_come = sim_unsent(p->upstream) < strlen(POISON);
    call_begin(p);
}

static void take_trigger(void *peer, struct accepted *a)
{
    struct play *p = peer;

    p->trigger = accepted_adopt(a, p->loop, trigger_ready, p);
    socket_watch(p->trigger, SOCKET_READ);
}

static struct address at(const char *text)
{
    struct address a;
    bool ok = address_read(str_c(text), &a);

    assert(ok);
    return a;
}

static void play_open(struct play *p, struct test *t, uint64_t seed)
{
    struct address here = at("127.0.0.1:8045"), there = at("10.0.0.1:80");
    struct error e;

    *p = (struct play){ .t = t };
    sim_world_new(seed);
    p->loop = loop_new();
    p->listener = listener_open(p->loop, &here, take_trigger, p, &e);
    p->client = client_new(&(struct client_options){ .loop = p->loop,
                                                     .limits = client_limits_default,
                                                     .metrics = &p->metrics },
                           &e);
    p->origin = (struct origin){ .host = STR("10.0.0.1"),
                                 .port = 80,
                                 .authority = STR("10.0.0.1"),
                                 .pool_key = STR("the upstream") };
    sim_listen(&there, &(struct sim_hooks){
                           .on_connect = upstream_connect, .on_data = upstream_data, .arg = p });
}

static void play_close(struct play *p)
{
    client_free(p->client);
    listener_close(p->listener);
    socket_close(p->trigger, false);
    loop_free(p->loop);
    sim_world_free();
}

TEST(what_was_there_before_a_call_is_not_its_answer)
{
    int before = 0, stale = 0;

    for (uint64_t seed = 1; seed <= 600; seed++) {
        enum mischief how = (enum mischief)(seed % MISCHIEFS);
        struct address here = at("127.0.0.1:8045");
        struct play p;

        play_open(&p, t, seed);
        struct sim_peer *trigger = sim_connect(&here);

        sim_run_until_idle();
        call_begin(&p);
        sim_run_until_idle();
        CHECK_STR(p.heard, "hi", "seed %" PRIu64, seed);
        CHECK_INT(client_idle(p.client), 1, "seed %" PRIu64, seed);
        sim_send(trigger, STR("x"));
        if (how == SPEAKS)
            sim_send(p.upstream, STR(POISON));
        else if (how == ENDS)
            sim_close(p.upstream);
        else
            sim_reset(p.upstream);
        sim_run_until_idle();
        CHECK(!p.failed, "seed %" PRIu64 ": it %s", seed, mischiefs[how]);
        if (how != SPEAKS || p.had_come)
            CHECK_STR(p.heard, "hi", "seed %" PRIu64 ": it %s", seed, mischiefs[how]);
        before += how == SPEAKS && p.had_come;
        stale += (int)count_read(&p.metrics.connections_stale);
        play_close(&p);
    }
    CHECK(before > 0 && stale > 0, "chance met the cases: %d, %d", before, stale);
}
