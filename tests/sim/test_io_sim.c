/* tests/sim/test_io_sim.c - the simulated world keeps the promises of io/ and its own. */
#include "test.h"

#include "io/crypto.h"
#include "io/dns.h"
#include "io/file.h"
#include "io/mailbox.h"
#include "io/signals.h"
#include "io_sim.h"

static struct address at(const char *text)
{
    struct address a;
    bool ok = address_read(str_c(text), &a);

    assert(ok);
    return a;
}

/* --- a program to be run: it sends back what it gets, as io/'s owners do */

#define ECHO_BYTES ((size_t)16 << 10)

struct echo {
    struct socket *socket;
    char bytes[ECHO_BYTES];
    size_t len;
    bool ended, failed;
};

struct program {
    struct loop *loop;
    struct listener *listener;
    struct echo echoes[64];
    size_t count;
    int64_t wrote_when_full; /* times that a write was not taken whole */
};

static struct program *program;

static void echo_ready(void *peer, __attribute__((unused)) unsigned what)
{
    struct echo *x = peer;

    if (x->len < ECHO_BYTES && !x->ended) {
        long n = socket_read(x->socket, x->bytes + x->len, ECHO_BYTES - x->len);

        if (n > 0)
            x->len += (size_t)n;
        x->ended = n == SOCKET_EOF;
        x->failed |= n == SOCKET_FAILED;
    }

    struct iovec part = { x->bytes, x->len };
    long n = x->len > 0 && !x->failed ? socket_writev(x->socket, &part, 1) : 0;

    x->failed |= n < 0;
    if (n > 0) {
        program->wrote_when_full += (size_t)n < x->len;
        memmove(x->bytes, x->bytes + n, x->len - (size_t)n);
        x->len -= (size_t)n;
    }
    if (x->failed || (x->ended && x->len == 0)) {
        socket_close(x->socket, false);
        x->socket = NULL;
        return;
    }
    socket_watch(x->socket, (x->len < ECHO_BYTES && !x->ended ? (unsigned)SOCKET_READ : 0) |
                                (x->len > 0 ? (unsigned)SOCKET_WRITE : 0));
}

static void program_accept(__attribute__((unused)) void *peer, struct accepted *a)
{
    struct echo *x = &program->echoes[program->count++];

    x->socket = accepted_adopt(a, program->loop, echo_ready, x);
    socket_watch(x->socket, SOCKET_READ);
}

static void program_start(struct test *t, uint64_t seed)
{
    struct address where = at("127.0.0.1:8045");
    struct error e;

    sim_world_new(seed);
    program = arena_new(&t->arena, struct program);
    program->loop = loop_new();
    program->listener = listener_open(program->loop, &where, program_accept, NULL, &e);
    CHECK(program->listener != NULL);
}

static void program_end(void)
{
    for (size_t i = 0; i < program->count; i++)
        if (program->echoes[i].socket != NULL)
            socket_close(program->echoes[i].socket, false);
    listener_close(program->listener);
    loop_free(program->loop);
    sim_world_free();
}

static struct str noise(struct test *t, size_t len)
{
    char *bytes = arena_alloc(&t->arena, len);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 2654435761u >> 9);
    return (struct str){ bytes, len };
}

/* --- the network */

TEST(what_is_sent_comes_back_whole_with_every_seed)
{
    struct str sent = noise(t, 300000);

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct address to = at("127.0.0.1:8045");

        program_start(t, seed);
        if (seed % 2 == 0)
            sim_set_chunk(1 + seed * 50);

        struct sim_peer *p = sim_connect(&to);

        CHECK(!sim_is_connected(p));
        sim_send(p, sent);
        sim_shut(p);
        sim_run_until_idle();
        CHECK(sim_is_connected(p), "seed %" PRIu64, seed);
        CHECK(str_eq(sim_take(p), sent), "seed %" PRIu64, seed);
        CHECK(sim_has_ended(p), "seed %" PRIu64, seed);
        program_end();
    }
}

static uint64_t digest_of_run(struct test *t, uint64_t seed)
{
    struct sim_peer *peers[20];
    struct address to = at("127.0.0.1:8045");
    uint64_t digest;

    program_start(t, seed);
    for (size_t i = 0; i < COUNT(peers); i++) {
        peers[i] = sim_connect(&to);
        sim_send(peers[i], noise(t, 1 + (size_t)(sim_random() % 20000)));
        if (i % 3 == 0)
            sim_shut(peers[i]);
    }
    sim_advance(1000);
    sim_reset(peers[1]);
    sim_run_until_idle();
    digest = sim_digest() ^ random_u64();
    program_end();
    return digest;
}

TEST(the_same_seed_is_the_same_run_and_another_is_another)
{
    uint64_t first = digest_of_run(t, 7);

    CHECK(digest_of_run(t, 7) == first);
    CHECK(digest_of_run(t, 8) != first);
}

TEST(a_peer_that_does_not_take_stops_the_program_until_it_does)
{
    struct address to = at("127.0.0.1:8045");
    struct str sent = noise(t, 500000);

    program_start(t, 3);
    sim_set_buffers(1000, 2000);

    struct sim_peer *p = sim_connect(&to);
    size_t got = 0;

    sim_window(p, 500);
    sim_send(p, sent);
    sim_shut(p);
    for (size_t i = 0; got < sent.len && i < 100000; i++) {
        sim_run_until_idle();
        CHECK(sim_waiting(p) <= 500);
        CHECK(i > 0 || sim_unsent(p) > 0);

        struct str bytes = sim_take(p);

        CHECK(str_eq(bytes, (struct str){ sent.at + got, bytes.len }), "at %zu", got);
        got += bytes.len;
    }
    sim_run_until_idle();
    CHECK_INT(sim_unsent(p), 0);
    CHECK_INT(got, sent.len);
    CHECK(program->wrote_when_full > 0);
    CHECK(sim_has_ended(p));
    program_end();
}

TEST(resets_and_ends_reach_the_other_side)
{
    struct address to = at("127.0.0.1:8045");

    program_start(t, 4);

    struct sim_peer *resets = sim_connect(&to), *closes = sim_connect(&to),
                    *stalled = sim_connect(&to), *breaks = sim_connect(&to);

    sim_run_until_idle();
    CHECK_INT(program->count, 4);
    sim_stall(stalled, true);
    sim_send(stalled, STR("lost for now"));
    sim_reset(resets);
    sim_send(closes, STR("answer me"));
    sim_close(closes); /* the answer will find nobody */
    sim_reset_after_received(breaks, 10);
    sim_send(breaks, STR("more than ten bytes"));
    sim_run_until_idle();
    CHECK_INT(sim_waiting(stalled), 0);
    CHECK_INT(sim_waiting(breaks), 10);
    CHECK(sim_was_reset(breaks) && !sim_was_reset(resets));
    sim_stall(stalled, false);
    sim_run_until_idle();
    CHECK_STR(sim_take(stalled), "lost for now");

    size_t open = 0;

    for (size_t i = 0; i < program->count; i++)
        open += program->echoes[i].socket != NULL;
    CHECK_INT(open, 1, "only the stalled one is left");
    program_end();
}

TEST(nobody_listens_is_refused)
{
    struct address to = at("127.0.0.1:9");

    program_start(t, 5);

    struct sim_peer *p = sim_connect(&to);

    sim_run_until_idle();
    CHECK(sim_was_reset(p) && !sim_is_connected(p));
    program_end();
}

/* --- the program as a client */

struct outgoing {
    struct test *t;
    struct loop *loop;
    struct socket *socket;
    struct tls_client *tls;
    bool tls_begun;
    char got[64];
    size_t len;
    long last;
    enum status connected;
    struct error e;
};

static void outgoing_ready(void *peer, unsigned what)
{
    struct outgoing *o = peer;
    struct iovec part = { (char[]){ "ping" }, 4 };

    if (o->last == 0) {
        o->connected = socket_connected(o->socket, &o->e);
        if (o->connected == OK && o->tls != NULL && !o->tls_begun) {
            o->tls_begun = true;
            socket_start_tls(o->socket, o->tls, STR("api.example"), 443);
            return;
        }
        o->last = SOCKET_AGAIN;
        if (o->connected != OK)
            return;

        struct test *t = o->t;
        size_t sent = 0;

        CHECK_INT(what, SOCKET_WRITE);

        while (sent < part.iov_len) {
            struct iovec rest = { (char *)part.iov_base + sent, part.iov_len - sent };

            sent += (size_t)socket_writev(o->socket, &rest, 1);
        }
        CHECK_INT(sent, 4);
        socket_watch(o->socket, SOCKET_READ);
        return;
    }
    o->last = socket_read(o->socket, o->got + o->len, sizeof(o->got) - o->len);
    if (o->last > 0)
        o->len += (size_t)o->last;
    else
        socket_watch(o->socket, 0);
}

static void outgoing_start(struct test *t, struct outgoing *o, const char *to,
                           struct tls_client *tls)
{
    struct address a = at(to);

    *o = (struct outgoing){ .t = t, .loop = loop_new(), .tls = tls };
    o->socket = socket_connect(o->loop, &a, outgoing_ready, o, &o->e);
}

static void outgoing_end(struct outgoing *o)
{
    if (o->socket != NULL)
        socket_close(o->socket, false);
    loop_free(o->loop);
}

static void upstream_data(void *arg, struct sim_peer *p)
{
    struct test *t = arg;

    if (sim_waiting(p) < 4)
        return;
    CHECK_STR(sim_take(p), "ping");
    sim_send(p, STR("pong"));
    sim_shut(p);
}

TEST(the_program_reaches_a_listener_of_the_test)
{
    struct outgoing o, again;
    struct address up = at("10.0.0.1:443");
    struct sim_hooks hooks = { .on_data = upstream_data, .arg = t };

    sim_world_new(6);

    struct sim_listener *l = sim_listen(&up, &hooks);
    struct tls_client *tls = tls_client_new(&(struct tls_options){ .insecure = false }, NULL);

    outgoing_start(t, &o, "10.0.0.1:443", tls);
    sim_run_until_idle();
    CHECK_INT(o.connected, OK, "%s", o.e.text);
    CHECK_STRS(((struct str){ o.got, o.len }), STR("pong"));
    CHECK_INT(o.last, SOCKET_EOF);
    CHECK(!socket_tls_resumed(o.socket));
    CHECK_INT(sim_accepted(l), 1);

    outgoing_start(t, &again, "10.0.0.1:443", tls);
    sim_run_until_idle();
    CHECK(socket_tls_resumed(again.socket));
    outgoing_end(&o);
    outgoing_end(&again);
    tls_client_free(tls);
    sim_world_free();
}

TEST(faults_of_connecting_are_told_with_their_reasons)
{
    static const struct {
        const char *name, *want;
        enum sim_reach reach;
        bool listens, tls;
    } cases[] = {
        { "nobody listens", "connection refused", SIM_OPEN, false, false },
        { "refused", "connection refused", SIM_REFUSED, true, false },
        { "certificate", "certificate has expired", SIM_OPEN, true, true },
        { "silent", "still connecting", SIM_SILENT, true, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct outgoing o;
        struct address up = at("10.0.0.1:443");

        sim_world_new(i);

        struct tls_client *tls = tls_client_new(&(struct tls_options){ .insecure = false }, NULL);

        if (cases[i].listens)
            sim_listen(&up, NULL);
        sim_set_reach(&up, cases[i].reach);
        sim_tls_refuse(STR("api.example"), "certificate has expired");
        outgoing_start(t, &o, "10.0.0.1:443", cases[i].tls ? tls : NULL);
        sim_advance(60000);
        CHECK_INT(socket_connected(o.socket, &o.e), E_IO, "%s", cases[i].name);
        CHECK(str_find(str_c(o.e.text), str_c(cases[i].want)) != SIZE_MAX, "%s: %s", cases[i].name,
              o.e.text);
        outgoing_end(&o);
        tls_client_free(tls);
        sim_world_free();
    }
}

TEST(without_descriptors_no_connection_begins)
{
    struct outgoing o;

    sim_world_new(1);
    sim_no_descriptors(true);
    outgoing_start(t, &o, "10.0.0.1:443", NULL);
    CHECK(o.socket == NULL);
    outgoing_end(&o);
    sim_world_free();
}

/* --- time */

struct notes {
    char text[64];
    size_t len;
    struct loop *loop;
    struct timer *again;
};

static void note_timer(void *peer, __attribute__((unused)) int64_t now_ms)
{
    struct notes *n = peer;

    n->text[n->len++] = 't';
}

static void note_later(void *peer)
{
    struct notes *n = peer;

    n->text[n->len++] = 'l';
}

TEST(time_passes_only_when_told_and_from_timer_to_timer)
{
    struct notes n = { .len = 0 };
    struct timer hour, minute;

    sim_world_new(1);
    n.loop = loop_new();
    timer_init(&hour, n.loop, note_timer, &n);
    timer_init(&minute, n.loop, note_timer, &n);
    timer_start(&hour, 3600000);
    timer_start(&minute, 60000);

    int64_t began_ms = sim_now(), unix_ms = clock_unix_ms();

    sim_run_until_idle();
    CHECK_INT(sim_now(), began_ms);
    CHECK_INT(n.len, 0);
    sim_advance(59999);
    CHECK_INT(n.len, 0);
    loop_later(n.loop, note_later, &n);
    sim_advance(1);
    CHECK_STR(str_c(n.text), "lt");
    timer_start(&minute, 10);
    timer_stop(&minute);
    sim_advance(3600000 - 60000);
    CHECK_STR(str_c(n.text), "ltt");
    CHECK_INT(clock_unix_ms() - unix_ms, 3600000);
    loop_free(n.loop);
    sim_world_free();
}

static void stop_loop(void *peer, __attribute__((unused)) int64_t now_ms)
{
    loop_stop(peer);
}

TEST(loop_run_lets_time_pass_by_itself)
{
    struct timer timer;

    sim_world_new(1);

    struct loop *l = loop_new();
    int64_t began_ms = loop_now(l);

    timer_init(&timer, l, stop_loop, l);
    timer_start(&timer, 5000);
    loop_run(l);
    CHECK_INT(loop_now(l) - began_ms, 5000);
    loop_free(l);
    sim_world_free();
}

/* --- the rest */

struct asked {
    size_t answers, count;
    struct address first;
    char why[64];
};

static void answered(void *peer, const struct address *found, size_t count, const char *why)
{
    struct asked *a = peer;

    a->answers++;
    a->count = count;
    a->first = count > 0 ? found[0] : (struct address){ 0 };
    snprintf(a->why, sizeof(a->why), "%s", why != NULL ? why : "");
}

TEST(names_are_what_the_test_says)
{
    struct asked known = { 0 }, slow = { 0 }, never = { 0 }, unknown = { 0 }, cancelled = { 0 };
    struct address a = at("10.0.0.7:0");
    char text[ADDRESS_TEXT_MAX];

    sim_world_new(1);

    struct loop *l = loop_new();
    struct dns *d = dns_new(l);

    sim_set_name(STR("known.example"), &a, 1, 0);
    sim_set_name(STR("slow.example"), &a, 1, 2000);
    sim_set_name(STR("never.example"), &a, 1, SIM_NEVER);
    dns_resolve(d, STR("known.example"), 443, 5000, answered, &known);
    dns_resolve(d, STR("slow.example"), 443, 5000, answered, &slow);
    dns_resolve(d, STR("never.example"), 443, 5000, answered, &never);
    dns_resolve(d, STR("unknown.example"), 443, 5000, answered, &unknown);
    dns_cancel(dns_resolve(d, STR("known.example"), 443, 5000, answered, &cancelled));
    CHECK_INT(known.answers, 0);
    sim_run_until_idle();
    CHECK_STR(address_text(&known.first, text), "10.0.0.7:443");
    CHECK(unknown.answers == 1 && unknown.count == 0 && unknown.why[0] != '\0');
    CHECK_INT(slow.answers, 0);
    sim_advance(2000);
    CHECK_INT(slow.count, 1);
    sim_advance(2999);
    CHECK_INT(never.answers, 0);
    sim_advance(1);
    CHECK_INT(never.answers, 1);
    CHECK_STR(str_c(never.why), "the name server did not answer in time");
    CHECK_INT(cancelled.answers, 0);
    dns_free(d);
    loop_free(l);
    sim_world_free();
}

static void count_call(void *peer)
{
    ++*(size_t *)peer;
}

TEST(files_live_in_memory)
{
    struct error e;
    struct buf b;
    struct str bytes;
    struct file_lock *lock, *second;
    struct file_append *f;
    size_t changes = 0;

    sim_world_new(1);

    struct loop *l = loop_new();
    struct file_watch *w = file_watch_new(l, "/etc/config", count_call, &changes);

    buf_init(&b, 8);
    CHECK_INT(file_read("/etc/config", &b, &e), E_ABSENT);
    CHECK_INT(file_write("/etc/config", STR("one"), true, &e), OK);
    CHECK_INT(file_write("/etc/config", STR("two"), true, &e), OK);
    CHECK_INT(file_read("/etc/config", &b, &e), OK);
    CHECK_STR(buf_str(&b), "two");
    CHECK(sim_file_get("/etc/config.bak", &bytes));
    CHECK_STR(bytes, "one");
    sim_file_put("/etc/config", STR("123456789"));
    buf_clear(&b);
    CHECK_INT(file_read("/etc/config", &b, &e), E_LIMIT);
    sim_file_fail("/etc/config", true);
    CHECK_INT(file_write("/etc/config", STR("three"), true, &e), E_IO);
    sim_advance(1000);
    CHECK_INT(changes, 1);

    CHECK_INT(file_append_open("/log", &f, &e), OK);
    CHECK_INT(file_append_bytes(f, STR("a"), &e), OK);
    CHECK_INT(file_append_bytes(f, STR("b"), &e), OK);
    file_append_close(f);
    CHECK(sim_file_get("/log", &bytes));
    CHECK_STR(bytes, "ab");
    CHECK_INT(file_lock_take("/lock", &lock, &e), OK);
    CHECK_INT(file_lock_take("/lock", &second, &e), E_CONFLICT);
    file_lock_drop(lock);
    file_watch_free(w);
    loop_free(l);
    sim_world_free();
}

/* From box to box until there is none; counts. */
struct chain {
    struct mailbox *boxes[3];
    size_t at;
};

static void send_on(void *message)
{
    struct chain *c = message;
    struct mailbox *next = c->boxes[++c->at];

    if (next != NULL) {
        bool sent = mailbox_send(next, send_on, c);

        assert(sent);
    }
}

static void ask_to_stop(void *peer)
{
    *(int *)peer = 1;
}

static void ask_to_reload(void *peer)
{
    *(int *)peer = 2;
}

TEST(messages_signals_and_the_environment_work_between_loops)
{
    struct loop *a, *b;
    struct chain chain = { .at = 0 };
    int asked = 0;

    sim_world_new(1);
    a = loop_new();
    b = loop_new();
    chain.boxes[0] = mailbox_new(b);
    chain.boxes[1] = mailbox_new(a);
    CHECK(mailbox_send(chain.boxes[0], send_on, &chain));
    sim_run_until_idle();
    CHECK_INT(chain.at, 2);
    mailbox_free(chain.boxes[0]);
    mailbox_free(chain.boxes[1]);

    struct signals *s = signals_new(a, ask_to_stop, ask_to_reload, &asked);

    sim_signal(true);
    sim_run_until_idle();
    CHECK_INT(asked, 2);
    sim_signal(false);
    sim_run_until_idle();
    CHECK_INT(asked, 1);
    signals_free(s);

    CHECK_STR(environment_get("HTTPS_PROXY"), "");
    sim_set_environment("HTTPS_PROXY", "http://proxy:3128");
    CHECK_STR(environment_get("HTTPS_PROXY"), "http://proxy:3128");
    sim_set_environment("HTTPS_PROXY", NULL);
    CHECK_STR(environment_get("HTTPS_PROXY"), "");
    loop_free(a);
    loop_free(b);
    sim_world_free();
}

TEST(digests_and_sealing_are_the_real_ones_on_random_bytes_of_the_seed)
{
    uint8_t key[SEAL_KEY_BYTES] = { 1, 2, 3 };
    struct buf first, second;
    struct secret opened = { 0 };

    buf_init(&first, 100);
    buf_init(&second, 100);
    sim_world_new(9);
    CHECK(seal(key, STR("text"), STR("row"), &first));
    CHECK(seal_open(key, buf_str(&first), STR("row"), &opened));
    sim_world_free();
    sim_world_new(9);
    CHECK(seal(key, STR("text"), STR("row"), &second));
    sim_world_free();
    CHECK_STRS(buf_str(&first), buf_str(&second));
    secret_clear(&opened);
    buf_clear(&first);
    buf_clear(&second);
}
