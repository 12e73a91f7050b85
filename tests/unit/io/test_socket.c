/* tests/unit/io/test_socket.c - addresses, plain sockets and listeners, over the loopback. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "io/socket.h"

/* --- addresses */

static const struct {
    const char *text, *back; /* back NULL: refused */
    bool loopback;
} addresses[] = {
    { "127.0.0.1:8045", "127.0.0.1:8045", true },
    { "127.9.9.9:1", "127.9.9.9:1", true },
    { "0.0.0.0:0", "0.0.0.0:0", false },
    { "10.1.2.3:65535", "10.1.2.3:65535", false },
    { "[::1]:8045", "[::1]:8045", true },
    { "[::]:80", "[::]:80", false },
    { "[2001:DB8:0:0::1]:443", "[2001:db8::1]:443", false },
    { "[::ffff:127.0.0.1]:5", "127.0.0.1:5", true },
    { "10.1.2.3:65536", NULL, false },
    { "10.1.2.3", NULL, false },
    { "10.1.2.3:", NULL, false },
    { "10.1.2.3:+1", NULL, false },
    { ":80", NULL, false },
    { "10.1.2:80", NULL, false },
    { "10.1.2.300:80", NULL, false },
    { "[10.1.2.3]:80", NULL, false },
    { "::1:80", NULL, false },
    { "[::1:80", NULL, false },
    { "[]:80", NULL, false },
    { "localhost:80", NULL, false },
    { "", NULL, false },
};

TEST(addresses_are_read_and_written_back)
{
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct address a;
        char text[ADDRESS_TEXT_MAX];
        bool ok = address_read(str_c(addresses[i].text), &a);

        CHECK_INT(ok, addresses[i].back != NULL, "%s", addresses[i].text);
        if (!ok || addresses[i].back == NULL)
            continue;
        CHECK_STR(address_text(&a, text), addresses[i].back, "%s", addresses[i].text);
        CHECK_INT(address_is_loopback(&a), addresses[i].loopback, "%s", addresses[i].text);
    }
}

TEST(an_address_ends_with_its_slice_and_may_not_hold_a_nul)
{
    struct address a;

    CHECK(address_from_ip(str_take(STR("10.0.0.12345"), 9), 80, &a));
    CHECK(!address_from_ip(STR("10.0.0.1\0.2"), 80, &a));
}

/* --- a world with one listener and what connects to it */

enum { SIDES = 2 }; /* 0 connects, 1 is accepted */

struct world;

struct side {
    struct world *w;
    struct socket *socket;
    void (*on_ready)(struct side *side, unsigned what);
    size_t sent, got;
    long last_read;
    unsigned told; /* how often */
};

struct world {
    struct test *t;
    struct loop *loop;
    struct listener *listener;
    struct side sides[SIDES];
    struct timer timer;
    size_t accepted;
    struct error e;
};

static void side_ready(void *peer, unsigned what)
{
    struct side *side = peer;

    side->told++;
    side->on_ready(side, what);
}

static void stop_now(void *peer, __attribute__((unused)) int64_t now_ms)
{
    loop_stop(peer);
}

static void take_one(void *peer, struct accepted *a)
{
    struct world *w = peer;
    struct test *t = w->t;
    struct address from = accepted_peer(a), at = accepted_local(a),
                   want = listener_address(w->listener);
    char got_text[ADDRESS_TEXT_MAX], want_text[ADDRESS_TEXT_MAX];

    w->accepted++;
    CHECK(address_is_loopback(&from));
    CHECK_STRS(address_text(&at, got_text), address_text(&want, want_text));
    if (w->sides[1].socket != NULL || w->sides[1].on_ready == NULL) {
        accepted_drop(a);
        return;
    }
    w->sides[1].socket = accepted_adopt(a, w->loop, side_ready, &w->sides[1]);
    socket_watch(w->sides[1].socket, SOCKET_READ | SOCKET_WRITE);
}

static struct address loopback(uint16_t port)
{
    struct address a = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 },
                         .port = port,
                         .is_v4 = true };

    return a;
}

static void world_start(struct test *t, struct world *w,
                        void (*connecting)(struct side *side, unsigned what),
                        void (*accepting)(struct side *side, unsigned what))
{
    struct address any = loopback(0);

    *w = (struct world){ .t = t, .loop = loop_new() };
    w->sides[0] = (struct side){ .w = w, .on_ready = connecting };
    w->sides[1] = (struct side){ .w = w, .on_ready = accepting };
    w->listener = listener_open(w->loop, &any, take_one, w, &w->e);
    CHECK(w->listener != NULL, "%s", w->e.text);
    timer_init(&w->timer, w->loop, stop_now, w->loop);

    struct address at = listener_address(w->listener);

    CHECK(at.port != 0);
    w->sides[0].socket = socket_connect(w->loop, &at, side_ready, &w->sides[0], &w->e);
    CHECK(w->sides[0].socket != NULL, "%s", w->e.text);
}

static void world_end(struct world *w)
{
    for (size_t i = 0; i < SIDES; i++)
        if (w->sides[i].socket != NULL)
            socket_close(w->sides[i].socket, false);
    timer_stop(&w->timer);
    listener_close(w->listener);
    loop_free(w->loop);
}

/* --- bytes there and back */

#define BULK ((size_t)3 << 20)

static char bulk_byte(size_t at)
{
    return (char)(at * 2654435761u >> 13);
}

static void send_bulk(struct side *side, unsigned what)
{
    struct test *t = side->w->t;
    char block[3][7000];
    struct iovec parts[4];

    if ((what & SOCKET_WRITE) == 0)
        return;
    CHECK_INT(socket_connected(side->socket, &side->w->e), OK, "%s", side->w->e.text);
    for (;;) {
        size_t left = BULK - side->sent, at = side->sent;

        for (int i = 0; i < 3; i++) {
            size_t n = left < sizeof(block[i]) ? left : sizeof(block[i]);

            for (size_t k = 0; k < n; k++)
                block[i][k] = bulk_byte(at + k);
            parts[i] = (struct iovec){ block[i], n };
            at += n;
            left -= n;
        }
        parts[3] = (struct iovec){ block, 0 };
        if (at == side->sent) {
            socket_shut_write(side->socket);
            socket_watch(side->socket, SOCKET_READ);
            return;
        }

        long n = socket_writev(side->socket, parts, 4);

        CHECK(n >= 0, "%s", socket_why(side->socket));
        if (n <= 0) {
            socket_watch(side->socket, SOCKET_WRITE);
            return;
        }
        side->sent += (size_t)n;
    }
}

static void take_bulk(struct side *side, unsigned what)
{
    struct test *t = side->w->t;
    char *scratch = loop_scratch(side->w->loop);

    socket_watch(side->socket, SOCKET_READ);
    if ((what & SOCKET_READ) == 0)
        return;
    side->last_read = socket_read(side->socket, scratch, LOOP_SCRATCH);
    if (side->last_read == SOCKET_EOF) {
        loop_stop(side->w->loop);
        return;
    }
    for (long i = 0; i < side->last_read; i++)
        if (!CHECK(scratch[i] == bulk_byte(side->got + (size_t)i), "byte %zu",
                   side->got + (size_t)i)) {
            loop_stop(side->w->loop);
            return;
        }
    if (side->last_read > 0)
        side->got += (size_t)side->last_read;
}

TEST(what_is_sent_arrives_whole_and_then_the_end)
{
    struct world w;

    world_start(t, &w, send_bulk, take_bulk);
    loop_run(w.loop);
    CHECK_INT(w.sides[0].sent, BULK);
    CHECK_INT(w.sides[1].got, BULK);
    CHECK_INT(w.sides[1].last_read, SOCKET_EOF);
    world_end(&w);
}

/* --- how connections end */

static void connected_then_reads(struct side *side, unsigned what)
{
    if (side->told == 1) {
        socket_watch(side->socket, SOCKET_READ);
        return;
    }
    if ((what & SOCKET_READ) == 0)
        return;
    side->last_read = socket_read(side->socket, loop_scratch(side->w->loop), LOOP_SCRATCH);
    if (side->last_read < 0 && side->last_read != SOCKET_AGAIN)
        loop_stop(side->w->loop);
}

static void closes(struct side *side, __attribute__((unused)) unsigned what)
{
    socket_close(side->socket, false);
    side->socket = NULL;
}

static void resets(struct side *side, __attribute__((unused)) unsigned what)
{
    socket_close(side->socket, true);
    side->socket = NULL;
}

TEST(a_peer_that_closes_is_an_end)
{
    struct world w;

    world_start(t, &w, connected_then_reads, closes);
    loop_run(w.loop);
    CHECK_INT(w.sides[0].last_read, SOCKET_EOF);
    CHECK(socket_has_input(w.sides[0].socket));
    world_end(&w);
}

TEST(a_peer_that_resets_is_a_failure_with_its_reason)
{
    struct world w;

    world_start(t, &w, connected_then_reads, resets);
    loop_run(w.loop);
    CHECK_INT(w.sides[0].last_read, SOCKET_FAILED);
    CHECK_STR(str_c(socket_why(w.sides[0].socket)), "connection reset by peer");
    world_end(&w);
}

static void sends_three_bytes(struct side *side, __attribute__((unused)) unsigned what)
{
    struct iovec part = { (char[]){ 'a', 'b', 'c' }, 3 };

    if (side->sent == 0)
        side->sent += (size_t)socket_writev(side->socket, &part, 1);
    socket_watch(side->socket, SOCKET_READ);
}

static void reads_once(struct side *side, unsigned what)
{
    socket_watch(side->socket, SOCKET_READ);
    if ((what & SOCKET_READ) == 0)
        return;
    side->last_read = socket_read(side->socket, loop_scratch(side->w->loop), LOOP_SCRATCH);
    loop_stop(side->w->loop);
}

static void sends_three_bytes_and_closes(struct side *side, unsigned what)
{
    sends_three_bytes(side, what);
    closes(side, what);
}

TEST(a_read_that_left_nothing_behind_is_known)
{
    static const struct {
        const char *name;
        void (*peer)(struct side *side, unsigned what);
        bool emptied;
    } cases[] = {
        { "more may come", sends_three_bytes, true },
        { "the end has come with it", sends_three_bytes_and_closes, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;

        world_start(t, &w, reads_once, cases[i].peer);
        loop_run(w.loop);
        CHECK_INT(w.sides[0].last_read, 3, "%s", cases[i].name);
        CHECK(socket_was_emptied(w.sides[0].socket) == cases[i].emptied, "%s", cases[i].name);
        CHECK(socket_has_input(w.sides[0].socket) != cases[i].emptied, "%s", cases[i].name);
        world_end(&w);
    }
}

static void ignores(struct side *side, __attribute__((unused)) unsigned what)
{
    socket_watch(side->socket, 0);
    if (side->told == 1)
        timer_start(&side->w->timer, 30);
}

TEST(nothing_watched_is_nothing_told_even_when_the_peer_has_reset)
{
    struct world w;

    world_start(t, &w, ignores, resets);
    loop_run(w.loop);
    CHECK_INT(w.sides[0].told, 1);
    CHECK(w.sides[1].socket == NULL);
    CHECK(socket_has_input(w.sides[0].socket));
    world_end(&w);
}

static void reads_nothing(struct side *side, __attribute__((unused)) unsigned what)
{
    socket_watch(side->socket, SOCKET_READ);
    if (side->told == 5)
        loop_stop(side->w->loop);
}

TEST(what_was_not_read_is_told_again)
{
    struct world w;

    world_start(t, &w, reads_nothing, sends_three_bytes);
    loop_run(w.loop);
    CHECK_INT(w.sides[0].told, 5);
    CHECK(socket_has_input(w.sides[0].socket));
    CHECK(!socket_has_input(w.sides[1].socket));
    CHECK_INT(socket_read(w.sides[0].socket, loop_scratch(w.loop), 2), 2);
    CHECK_INT(socket_read(w.sides[0].socket, loop_scratch(w.loop), 2), 1);
    CHECK_INT(socket_read(w.sides[0].socket, loop_scratch(w.loop), 2), SOCKET_AGAIN);

    struct address a = socket_peer(w.sides[1].socket), b = socket_local(w.sides[0].socket);

    CHECK_INT(a.port, b.port);
    world_end(&w);
}

static void is_refused(struct side *side, unsigned what)
{
    struct test *t = side->w->t;
    struct error e;

    CHECK_INT(what, SOCKET_WRITE);
    CHECK_INT(socket_connected(side->socket, &e), E_IO);
    CHECK(str_find(str_c(e.text), STR("127.0.0.1:")) != SIZE_MAX, "%s", e.text);
    CHECK(str_find(str_c(e.text), STR("connection refused")) != SIZE_MAX, "%s", e.text);
    loop_stop(side->w->loop);
}

TEST(a_refused_connection_is_told_once_with_its_reason)
{
    struct world w;

    world_start(t, &w, connected_then_reads, NULL);

    struct address gone = listener_address(w.listener);
    struct side side = { .w = &w, .on_ready = is_refused };

    listener_close(w.listener);
    w.listener = NULL;
    socket_close(w.sides[0].socket, false);
    w.sides[0].socket = NULL;
    side.socket = socket_connect(w.loop, &gone, side_ready, &side, &w.e);
    loop_run(w.loop);
    CHECK_INT(side.told, 1);
    socket_close(side.socket, false);
    world_end(&w);
}

static void cannot_begin(struct side *side, __attribute__((unused)) unsigned what)
{
    struct test *t = side->w->t;

    CHECK_INT(socket_connected(side->socket, NULL), E_IO);
    loop_stop(side->w->loop);
}

TEST(a_connection_that_fails_at_once_is_told_later_too)
{
    struct world w = { .t = t, .loop = loop_new() };
    struct side side = { .w = &w, .on_ready = cannot_begin };
    /* a broadcast address is refused by connect() itself */
    struct address to = { .ip = { [10] = 0xff, [11] = 0xff, 255, 255, 255, 255 },
                          .port = 9,
                          .is_v4 = true };

    side.socket = socket_connect(w.loop, &to, side_ready, &side, &w.e);
    CHECK_INT(side.told, 0);
    loop_run(w.loop);
    CHECK_INT(side.told, 1);
    socket_close(side.socket, false);
    loop_free(w.loop);
}

/* --- listeners */

TEST(a_port_in_use_is_a_conflict_that_names_the_address)
{
    struct world w;
    struct error e;

    world_start(t, &w, connected_then_reads, closes);

    struct address taken = listener_address(w.listener);
    struct listener *second = listener_open(w.loop, &taken, take_one, &w, &e);

    CHECK(second == NULL);
    CHECK_INT(e.status, E_CONFLICT);
    CHECK(str_find(str_c(e.text), STR("127.0.0.1:")) != SIZE_MAX, "%s", e.text);
    world_end(&w);
}

static void waits(__attribute__((unused)) struct side *side, __attribute__((unused)) unsigned what)
{
}

TEST(a_paused_listener_accepts_nothing_until_it_is_resumed)
{
    struct world w;

    world_start(t, &w, waits, waits);
    listener_pause(w.listener, true);
    timer_start(&w.timer, 30);
    loop_run(w.loop);
    CHECK_INT(w.accepted, 0);
    listener_pause(w.listener, false);
    timer_start(&w.timer, 30);
    loop_run(w.loop);
    CHECK_INT(w.accepted, 1);
    world_end(&w);
}

static void count_line(void *peer, __attribute__((unused)) enum log_level level,
                       __attribute__((unused)) struct str line)
{
    ++*(size_t *)peer;
}

TEST(out_of_descriptors_the_client_is_turned_away_and_accepting_goes_on_later)
{
    struct world w;
    struct rlimit before, tight;
    int hoard[512];
    size_t hoarded = 0, lines = 0;

    log_setup(&(struct log_options){ .write_line = count_line, .peer = &lines });
    world_start(t, &w, connected_then_reads, waits);
    getrlimit(RLIMIT_NOFILE, &before);
    tight = (struct rlimit){ .rlim_cur = 200, .rlim_max = before.rlim_max };
    setrlimit(RLIMIT_NOFILE, &tight);
    while (hoarded < COUNT(hoard) && (hoard[hoarded] = open("/dev/null", O_RDONLY)) >= 0)
        hoarded++;

    loop_run(w.loop); /* until the connecting side sees its end */
    CHECK_INT(w.accepted, 0);
    CHECK_INT(w.sides[0].last_read, SOCKET_EOF);
    while (hoarded > 0)
        close(hoard[--hoarded]);
    setrlimit(RLIMIT_NOFILE, &before);

    struct address at = listener_address(w.listener);

    socket_close(w.sides[0].socket, false);
    w.sides[0].socket = socket_connect(w.loop, &at, side_ready, &w.sides[0], &w.e);
    w.sides[1].on_ready = closes;
    w.sides[0].told = 0;
    loop_run(w.loop);
    CHECK_INT(w.accepted, 1);
    CHECK_INT(lines, 1);
    log_setup(&(struct log_options){ .level = LOG_INFO });
    world_end(&w);
}

TEST(the_limit_of_descriptors_is_raised_to_the_hard_one)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    CHECK_INT(descriptor_limit(), limit.rlim_max);
}
