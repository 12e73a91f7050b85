/* Connections through their life: times, clients that leave, slow readers, caps, drain. */

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include "base/buf.h"

#include "server_rig.h"

#define SHORT_MS 50

/* --- times ------------------------------------------------------------------------------------ */

enum { FIRST_BYTE, HEAD, BODY, KEEP_ALIVE };

static const struct {
    const char *name, *say;
    int kind, status; /* 0: the end comes without a word */
} times[] = {
    { "nothing is said", "", FIRST_BYTE, 0 },
    { "half a head", "GET / HTTP/1.1\r\nHost: lo", HEAD, 408 },
    { "one byte", "G", HEAD, 408 },
    { "empty lines only", "\r\n\r\n", HEAD, 408 },
    { "half a body", POST("/echo", "Content-Length: 5\r\n") "12", BODY, 408 },
    { "no body", POST("/echo", "Content-Length: 5\r\n"), BODY, 408 },
    { "half a chunked body", POST("/echo", "Transfer-Encoding: chunked\r\n") "5\r\n12", BODY, 408 },
    { "no second request", GET("/hello"), KEEP_ALIVE, 200 },
};

TEST(a_connection_that_says_too_little_ends_in_time)
{
    for (size_t i = 0; i < COUNT(times); i++) {
        struct rig rig;

        rig_init(&rig, t);
        if (times[i].kind == FIRST_BYTE)
            rig.options.limits.first_byte_ms = SHORT_MS;
        if (times[i].kind == HEAD)
            rig.options.limits.head_ms = SHORT_MS;
        if (times[i].kind == BODY)
            rig.options.limits.body_ms = SHORT_MS;
        if (times[i].kind == KEEP_ALIVE)
            rig.options.limits.keep_alive_ms = SHORT_MS;
        rig_open(&rig);
        struct str text = client_ask(&rig, str_c(times[i].say));
        struct server_metrics *m = &rig.metrics;

        CHECK_INT(answer_status(text), times[i].status, "%s", times[i].name);
        CHECK_INT(count_read(&m->timed_out_first_byte), times[i].kind == FIRST_BYTE, "%s",
                  times[i].name);
        CHECK_INT(count_read(&m->timed_out_head), times[i].kind == HEAD, "%s", times[i].name);
        CHECK_INT(count_read(&m->timed_out_body), times[i].kind == BODY, "%s", times[i].name);
        CHECK_INT(count_read(&m->timed_out_keep_alive), times[i].kind == KEEP_ALIVE, "%s",
                  times[i].name);
        CHECK_INT(rig.gone[GONE_BODY], times[i].kind == BODY, "%s", times[i].name);
        rig_close(&rig);
    }
}

/* One byte at a time, each well within the time: only the absolute end can stop it. */
TEST(a_drip_does_not_keep_a_deadline_away)
{
    static const struct {
        const char *name, *say;
        char drip;
    } cases[] = {
        { "head", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", 'a' },
        { "body", POST("/echo", "Content-Length: 100000\r\n"), 'a' },
        { "chunk", POST("/echo", "Transfer-Encoding: chunked\r\n") "fffff\r\n", 'a' },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig;

        rig_init(&rig, t);
        rig.options.limits.head_ms = SHORT_MS;
        rig.options.limits.body_ms = SHORT_MS;
        rig.options.limits.body_bytes_s = 1 << 20;
        rig_open(&rig);
        int fd = client_dial(&rig);
        struct server_metrics *m = &rig.metrics;

        client_say_c(fd, cases[i].say);
        while (count_read(&m->timed_out_head) + count_read(&m->timed_out_body) == 0)
            if (!client_say(fd, (struct str){ &cases[i].drip, 1 }))
                break;
            else
                rig_turn(&rig);
        CHECK_INT(count_read(&m->timed_out_head) + count_read(&m->timed_out_body), 1, "%s",
                  cases[i].name);
        CHECK_INT(rig.bodies, 0, "%s", cases[i].name);
        client_close(fd);
        rig_close(&rig);
    }
}

TEST(a_chunked_body_has_the_time_that_its_bytes_earn)
{
    struct rig rig;

    rig_init(&rig, t);
    rig.options.limits.body_ms = SHORT_MS;
    rig.options.limits.body_bytes_s = 1; /* a second for each */
    rig_open(&rig);
    int fd = client_dial(&rig);

    client_say_c(fd, POST("/echo", "Transfer-Encoding: chunked\r\n") "a\r\n0123456789\r\n");
    for (int i = 0; i < 20; i++)
        rig_turn(&rig);
    client_say_c(fd, "0\r\n\r\n");
    CHECK_INT(answer_status(client_hear(&rig, fd, "0123456789")), 200);
    client_close(fd);
    rig_close(&rig);
}

/* --- clients that leave ----------------------------------------------------------------------- */

TEST(a_reset_ends_a_request_at_once)
{
    static const struct {
        const char *name, *say;
    } cases[] = {
        { "waiting", GET("/hold") },
        { "waiting on HTTP/1.0", "GET /hold HTTP/1.0\r\nHost: localhost\r\n\r\n" },
        { "streaming", GET("/stream") },
        { "in the body", POST("/echo", "Content-Length: 5\r\n") "12" },
        { "in a chunk", POST("/echo", "Transfer-Encoding: chunked\r\n") "5\r\n12" },
        { "with more behind it", GET("/hold") GET("/hold") "GET /" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig;

        rig_init(&rig, t);
        rig_open(&rig);
        int fd = client_dial(&rig);

        client_say_c(fd, cases[i].say);
        CHECK(rig_wait(&rig.requests, 1), "%s", cases[i].name);
        rig_turn(&rig);
        client_reset(fd);
        CHECK(rig_wait(&rig.gone[GONE_RESET], 1), "%s", cases[i].name);
        CHECK_INT(count_read(&rig.metrics.clients_left), 1, "%s", cases[i].name);
        CHECK_INT(rig.requests, 1, "%s", cases[i].name);
        rig_close(&rig);
    }
}

TEST(a_fin_behind_a_request_means_what_the_request_said)
{
    static const struct {
        const char *name, *say;
        bool answered;
        uint32_t half_closes;
    } cases[] = {
        { "nothing has started", GET("/hold"), false, 0 },
        { "the end was announced", GET_CLOSE("/hold"), true, 0 },
        { "HTTP/1.0", "GET /hold HTTP/1.0\r\nHost: localhost\r\n\r\n", true, 0 },
        { "HTTP/1.0 kept alive",
          "GET /hold HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", true, 0 },
        { "a stream has started", GET("/stream"), true, 1 },
        { "a fixed answer has started", GET_CLOSE("/fixed"), true, 0 },
        { "a stream, the end was announced", GET_CLOSE("/stream"), true, 0 },
        { "in the body", POST("/echo", "Content-Length: 5\r\n") "12", false, 0 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig;

        rig_init(&rig, t);
        rig_open(&rig);
        int fd = client_dial(&rig);

        client_say_c(fd, cases[i].say);
        CHECK(rig_wait(&rig.requests, 1), "%s", cases[i].name);
        client_finish(fd);
        if (cases[i].answered) {
            if (cases[i].half_closes > 0)
                CHECK(rig_wait(&rig.half_closes, 1), "%s", cases[i].name);
            for (int n = 0; n < 20; n++)
                rig_turn(&rig); /* the probe must not take it for a client that left */
            rig_call(&rig, rig_answer);
            struct str text = client_hear_all(&rig, fd, NULL);

            CHECK_INT(answer_status(text), 200, "%s", cases[i].name);
            CHECK(str_find(text, STR("done")) != SIZE_MAX || str_ends(text, STR("0\r\n\r\n")) ||
                      str_ends(text, STR("onree")),
                  "%s: whole: %.*s", cases[i].name, STR_ARG(text));
            CHECK_INT(str_find(text, STR("ping")) != SIZE_MAX, cases[i].half_closes, "%s",
                      cases[i].name);
        } else {
            CHECK(rig_wait(&rig.gone[GONE_RESET], 1), "%s", cases[i].name);
            CHECK_INT(client_hear_all(&rig, fd, NULL).len, 0, "%s", cases[i].name);
        }
        CHECK_INT(rig.half_closes, cases[i].half_closes, "%s", cases[i].name);
        client_close(fd);
        rig_close(&rig);
    }
}

TEST(a_client_that_closed_and_left_is_found_out_by_a_write)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    int fd = client_dial(&rig);

    client_say_c(fd, GET("/stream"));
    client_hear(&rig, fd, "one\r\n");
    client_close(fd); /* a FIN now; a reset in answer to what is written then */
    CHECK(rig_wait(&rig.gone[GONE_HALF_CLOSE], 1));
    CHECK_INT(rig.half_closes, 1);
    CHECK_INT(count_read(&rig.metrics.clients_left), 1);
    rig_close(&rig);
}

TEST(requests_behind_a_fin_are_not_begun_unless_they_announce_the_end)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    int fd = client_dial(&rig);

    client_say_c(fd, GET("/stream") GET_CLOSE("/hello"));
    CHECK(rig_wait(&rig.requests, 1));
    client_finish(fd);
    CHECK(rig_wait(&rig.half_closes, 1));
    rig_call(&rig, rig_answer);
    struct str text = client_hear_all(&rig, fd, NULL);

    CHECK_INT(answer_count(text), 2, "%.*s", STR_ARG(text));
    client_close(fd);

    fd = client_dial(&rig);
    client_say_c(fd, GET("/stream") GET("/hello"));
    CHECK(rig_wait(&rig.requests, 3));
    client_finish(fd);
    CHECK(rig_wait(&rig.half_closes, 2));
    rig_call(&rig, rig_answer);
    CHECK_INT(answer_count(client_hear_all(&rig, fd, NULL)), 1);
    CHECK_INT(rig.requests, 3);
    client_close(fd);
    rig_close(&rig);
}

TEST(an_answer_into_a_connection_that_is_gone_ends_it)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    for (uint32_t i = 1; i <= 20; i++) {
        int fd = client_dial(&rig);

        client_say_c(fd, GET("/flush"));
        CHECK(str_ends(client_hear(&rig, fd, "\r\n\r\n"), STR("chunked\r\n\r\n")));
        client_close(fd);
        CHECK(rig_wait(&rig.half_closes, i));
        /* the reset in answer is on its way, or here: whoever comes first, the write or the probe
         */
        rig_call(&rig, rig_answer);
        for (int n = 0; n < 2000 && rig.connections > 0; n++)
            rig_turn(&rig);
        CHECK_INT(rig.connections, 0);
    }
    rig_close(&rig);
}

/* --- slow readers ----------------------------------------------------------------------------- */

TEST(a_slow_reader_stops_the_answer_and_reading_on_resumes_it)
{
    struct rig rig;
    size_t heard = 0;

    rig_init(&rig, t);
    rig_open(&rig);
    int fd = client_dial_narrow(&rig);

    client_say_c(fd, GET("/flood"));
    CHECK(rig_wait(&rig.requests, 1));
    rig_turn(&rig);
    CHECK(rig.queued_max > rig.options.limits.write_high_bytes, "it was stopped");
    while (heard < (32 << 20) && rig.rooms < 5)
        heard += client_hear(&rig, fd, "4000\r\n").len;
    CHECK(rig.rooms > 0, "and went on");
    CHECK(rig.queued_max <= rig.options.limits.write_high_bytes + 16384 + 64,
          "no more was kept than the watermark and one write: %" PRIu64, rig.queued_max);
    client_reset(fd);
    CHECK(rig_wait(&rig.gone[GONE_RESET], 1));
    rig_close(&rig);
}

TEST(the_watermark_is_the_byte_after_which_an_answer_stops)
{
    struct rig rig;

    rig_init(&rig, t);
    rig.options.limits.write_high_bytes = 100000;
    rig.options.limits.write_low_bytes = 1000;
    rig_open(&rig);
    int fd = client_dial_narrow(&rig);

    client_say_c(fd, GET("/flood"));
    CHECK(rig_wait(&rig.requests, 1));
    rig_turn(&rig);
    CHECK(rig.queued_max > 100000 && rig.queued_max <= 100000 + 16384 + 8, "%" PRIu64,
          rig.queued_max);
    client_reset(fd);
    CHECK(rig_wait(&rig.gone[GONE_RESET], 1));
    rig_close(&rig);
}

TEST(a_reader_that_takes_nothing_is_given_up)
{
    struct rig rig;

    rig_init(&rig, t);
    rig.options.limits.write_stall_ms = SHORT_MS;
    rig_open(&rig);
    int fd = client_dial_narrow(&rig);

    client_say_c(fd, GET("/flood"));
    CHECK(rig_wait(&rig.gone[GONE_STALLED], 1));
    CHECK_INT(count_read(&rig.metrics.timed_out_write), 1);
    client_close(fd);
    rig_close(&rig);
}

TEST(an_answer_that_is_complete_outlives_its_request)
{
    struct rig rig;

    for (int finish = 0; finish <= 1; finish++) {
        rig_init(&rig, t);
        rig_open(&rig);
        int fd = client_dial_narrow(&rig);

        client_say_c(fd, GET_CLOSE("/large"));
        CHECK(rig_wait(&rig.requests, 1));
        rig_turn(&rig);
        CHECK(budget_used(&rig.budget) > 0, "what waits is charged");
        if (finish)
            client_finish(fd);
        rig_turn(&rig);
        CHECK_INT(answer_body(client_hear_all(&rig, fd, NULL)).len, RIG_LARGE, "finish %d", finish);
        client_close(fd);
        rig_close(&rig);
    }
    rig_init(&rig, t);
    rig.options.limits.write_stall_ms = SHORT_MS;
    rig_open(&rig);
    int fd = client_dial_narrow(&rig);

    client_say_c(fd, GET("/large"));
    CHECK(rig_wait_counter(&rig.metrics.timed_out_write, 1), "but not a reader that takes nothing");
    for (int i = 0; i < 2000 && rig.connections > 0; i++)
        rig_turn(&rig);
    CHECK_INT(rig.connections, 0);
    client_close(fd);
    rig_close(&rig);
}

/* --- many connections ------------------------------------------------------------------------- */

static size_t heap_used(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

TEST(a_thousand_idle_and_dripping_connections_leave_room_for_one_that_asks)
{
    enum { MANY = 1000 };
    struct rig rig;
    int *fds = arena_array(&t->arena, int, MANY);
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    rig_init(&rig, t);
    rig_open(&rig);
    CHECK_INT(answer_status(client_ask(&rig, STR(GET_CLOSE("/hello")))), 200);
    size_t before = heap_used();

    for (int i = 0; i < MANY; i++) {
        fds[i] = client_dial(&rig);
        if (i % 2 == 0)
            client_say_c(fds[i], i % 4 == 0 ? "GET / HT" : GET("/hello"));
    }
    CHECK(rig_wait(&rig.connections, MANY));
    CHECK(rig_wait(&rig.requests, MANY / 4 + 1));
    rig_turn(&rig);
    CHECK(heap_used() - before < (size_t)MANY * 4096, "%zu bytes each",
          (heap_used() - before) / MANY);
    for (int i = 0; i < 10; i++)
        CHECK_INT(answer_status(client_ask(&rig, STR(GET_CLOSE("/hello")))), 200);
    for (int i = 0; i < MANY; i++)
        client_close(fds[i]);
    rig_close(&rig);
}

TEST(connections_over_the_cap_are_told_so)
{
    struct rig rig;
    int fds[3];

    rig_init(&rig, t);
    rig.options.limits.connections = 3;
    rig_open(&rig);
    for (int i = 0; i < 3; i++) {
        fds[i] = client_dial(&rig);
        client_say_c(fds[i], GET("/hello"));
        CHECK_INT(answer_status(client_hear(&rig, fds[i], "hello")), 200, "connection %d", i);
    }
    struct str text = client_ask(&rig, STR(GET("/hello")));

    CHECK_INT(answer_status(text), 503, "one too many");
    CHECK(str_find(text, STR("Retry-After: 1\r\n")) != SIZE_MAX);
    CHECK_INT(count_read(&rig.metrics.refused_connections), 1);
    client_close(fds[0]);
    for (int i = 0; i < 1000 && rig.connections == 3; i++)
        rig_turn(&rig);
    CHECK_INT(answer_status(client_ask(&rig, STR(GET_CLOSE("/hello")))), 200, "a place is free");
    client_close(fds[1]);
    client_close(fds[2]);
    rig_close(&rig);
}

TEST(of_those_turned_away_only_so_many_are_told)
{
    enum { TOLD = 64, DIALLED = 70 };
    struct rig rig;
    int fds[DIALLED];
    uint32_t told = 0;

    rig_init(&rig, t);
    rig.options.limits.connections = 0;
    rig.options.limits.linger_ms = 60000;
    rig_open(&rig);
    for (int i = 0; i < DIALLED; i++)
        fds[i] = client_dial(&rig);
    for (int i = 0; i < DIALLED; i++)
        told += answer_status(client_hear_all(&rig, fds[i], NULL)) == 503;
    CHECK_INT(told, TOLD);
    CHECK_INT(count_read(&rig.metrics.refused_connections), DIALLED);
    for (int i = 0; i < DIALLED; i++)
        client_close(fds[i]);
    rig_close(&rig);
}

/* An address of this machine that is not loopback, if it has one. */
static bool outer_address(struct address *out)
{
    struct ifaddrs *all = NULL;
    bool found = false;

    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next) {
        struct sockaddr_in in;
        char text[INET_ADDRSTRLEN];

        if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(&in, i->ifa_addr, sizeof(in));
        found = inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)) != NULL &&
                address_from_ip(str_c(text), 0, out) && !address_is_loopback(out);
    }
    freeifaddrs(all);
    return found;
}

TEST(an_address_that_is_not_loopback_has_a_cap_of_its_own)
{
    struct rig rig;
    int fds[2];

    rig_init(&rig, t);
    rig.options.limits.connections_peer = 2;
    if (!outer_address(&rig.address))
        return; /* nothing to connect to; test_host.c counts without sockets */
    rig_open(&rig);
    for (int i = 0; i < 2; i++) {
        fds[i] = client_dial(&rig);
        client_say_c(fds[i], GET("/hello"));
        CHECK_INT(answer_status(client_hear(&rig, fds[i], "hello")), 200, "connection %d", i);
    }
    CHECK_INT(answer_status(client_ask(&rig, STR(GET("/hello")))), 503);
    CHECK_INT(count_read(&rig.metrics.refused_connections_peer), 1);
    client_close(fds[0]);
    client_close(fds[1]);
    for (int i = 0; i < 2000 && rig.connections > 0; i++)
        rig_turn(&rig);
    CHECK_INT(answer_status(client_ask(&rig, STR(GET_CLOSE("/hello")))), 200, "places are free");
    rig_close(&rig);
}

TEST(a_refused_client_may_talk_for_a_while_and_is_not_listened_to)
{
    static const uint32_t bounds[] = { 1000, 65536 };

    for (size_t i = 0; i < COUNT(bounds); i++) {
        struct rig rig;
        char junk[1000];

        memset(junk, 'x', sizeof(junk));
        rig_init(&rig, t);
        rig.options.limits.linger_bytes = bounds[i];
        rig.options.limits.linger_ms = 60000;
        rig_open(&rig);
        int fd = client_dial(&rig);

        client_say_c(fd, "rubbish\r\n\r\n");
        struct str text = client_hear_all(&rig, fd, NULL);
        CHECK_INT(answer_status(text), 400, "%u", bounds[i]);
        CHECK_INT(rig.connections, 1, "half closed");
        while (client_say(fd, (struct str){ junk, sizeof(junk) }) && rig.connections > 0)
            rig_turn(&rig);
        CHECK_INT(rig.connections, 0, "%u bytes are enough", bounds[i]);
        CHECK_INT(rig.requests, 0);
        client_close(fd);
        rig_close(&rig);
    }
}

TEST(a_refused_client_that_stays_silent_is_left_in_time)
{
    struct rig rig;

    rig_init(&rig, t);
    rig.options.limits.linger_ms = SHORT_MS;
    rig_open(&rig);
    int fd = client_dial(&rig);

    client_say_c(fd, "rubbish\r\n\r\n");
    CHECK_INT(answer_status(client_hear_all(&rig, fd, NULL)), 400);
    for (int i = 0; i < 2000 && rig.connections > 0; i++)
        rig_turn(&rig);
    CHECK_INT(rig.connections, 0);
    client_close(fd);
    rig_close(&rig);
}

/* --- drain ------------------------------------------------------------------------------------ */

static void on_drained_early(void *peer)
{
    struct rig *rig = peer;

    rig->drained++;
}

static void drain_patiently(struct rig *rig)
{
    server_drain(rig->server, 60000, on_drained_early, rig);
}

static void drain_briefly(struct rig *rig)
{
    server_drain(rig->server, SHORT_MS, on_drained_early, rig);
}

TEST(a_drain_closes_who_is_idle_and_answers_who_waits)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    int idle = client_dial(&rig), half = client_dial(&rig), busy = client_dial(&rig);

    client_say_c(half, "GET / HT");
    client_say_c(busy, GET("/hold") GET("/hello"));
    CHECK(rig_wait(&rig.requests, 1) && rig_wait(&rig.connections, 3));
    rig_turn(&rig);
    rig_call(&rig, drain_patiently);
    CHECK_INT(client_hear_all(&rig, idle, NULL).len, 0);
    CHECK_INT(client_hear_all(&rig, half, NULL).len, 0);
    CHECK_INT(rig.drained, 0, "one is still busy");
    rig_call(&rig, rig_answer);
    struct str text = client_hear_all(&rig, busy, NULL);

    CHECK_INT(answer_count(text), 1, "no further request is begun");
    CHECK(str_find(text, STR("Connection: close")) != SIZE_MAX);
    client_close(busy);
    CHECK(rig_wait(&rig.drained, 1));
    rig.drained = 0;
    client_close(idle);
    client_close(half);
    rig_close(&rig);
}

TEST(a_drain_without_end_is_ended)
{
    struct rig rig;

    rig_init(&rig, t);
    rig_open(&rig);
    int stream = client_dial(&rig), hold = client_dial(&rig), flood = client_dial_narrow(&rig);

    client_say_c(stream, GET("/stream"));
    client_say_c(hold, GET("/hold"));
    client_say_c(flood, GET("/flood"));
    CHECK(rig_wait(&rig.requests, 3));
    rig_turn(&rig);
    rig_call(&rig, drain_briefly);
    CHECK(rig_wait(&rig.gone[GONE_DRAIN], 3));
    CHECK(str_ends(client_hear_all(&rig, stream, NULL), STR("bye\r\n0\r\n\r\n")),
          "the hook may still say a last word");
    CHECK_INT(client_hear_all(&rig, hold, NULL).len, 0);
    CHECK(rig_wait(&rig.drained, 1));
    rig.drained = 0;
    client_close(stream);
    client_close(hold);
    client_close(flood);
    rig_close(&rig);
}
