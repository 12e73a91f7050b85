/* The simulator on a socket: framing, timing, cuts, and the control API. One loop has both ends. */
#include "simulator/simulator.h"

#include "http/parse.h"
#include "sim_rig.h"

#define PATIENCE_MS 10000

struct talk {
    struct test *t;
    struct loop *loop;
    struct simulator *sim;
    struct timer timer;
    struct socket *socket;
    struct str say;
    struct buf heard;
    size_t read_max; /* bytes of one read; 0: as many as there are */
    size_t leave_at; /* hangs up after so many bytes; 0: never */
    uint32_t reads;
    bool reset, ended, late;
};

static void talk_end(struct talk *k)
{
    socket_close(k->socket, k->leave_at > 0);
    k->socket = NULL;
    loop_stop(k->loop);
}

static void talk_on_socket(void *peer, unsigned what)
{
    struct talk *k = peer;
    char bytes[65536];

    if ((what & SOCKET_WRITE) != 0) {
        struct iovec part = { (void *)(uintptr_t)k->say.at, k->say.len };
        long n = k->say.len > 0 ? socket_writev(k->socket, &part, 1) : 0;

        k->say = str_drop(k->say, n > 0 ? (size_t)n : 0);
        socket_watch(k->socket, k->say.len > 0 ? SOCKET_READ | SOCKET_WRITE : SOCKET_READ);
        if ((what & SOCKET_READ) == 0)
            return;
    }
    long n =
        socket_read(k->socket, bytes,
                    k->read_max > 0 && k->read_max < sizeof(bytes) ? k->read_max : sizeof(bytes));

    if (n > 0) {
        (void)buf_add(&k->heard, (struct str){ bytes, (size_t)n });
        k->reads++;
    }
    if (n == SOCKET_EOF || n == SOCKET_FAILED) {
        k->ended = true;
        k->reset = n == SOCKET_FAILED;
        talk_end(k);
    } else if (k->leave_at > 0 && k->heard.len >= k->leave_at) {
        talk_end(k);
    }
}

static void talk_on_timer(void *peer, int64_t now_ms)
{
    struct talk *k = peer;

    (void)now_ms;
    k->late = true;
    if (k->socket != NULL)
        talk_end(k);
    else
        loop_stop(k->loop);
}

static void talk_open(struct talk *k, struct test *t, const char *script)
{
    struct simulator_options options = { .script = str_c(script), .seed = 7, .control = true };
    struct error e = { .text = "" };

    *k = (struct talk){ .t = t, .loop = loop_new() };
    options.loop = k->loop;
    (void)address_read(STR("127.0.0.1:0"), &options.listen);
    CHECK(simulator_new(&options, &k->sim, &e) == OK, "%s", e.text);
    timer_init(&k->timer, k->loop, talk_on_timer, k);
    buf_init(&k->heard, (size_t)512 << 20);
}

/* One turn of the loop and some more, for what is left to be done at the other end. */
static void talk_settle(struct talk *k)
{
    timer_start(&k->timer, 30);
    loop_run(k->loop);
}

static void talk_close(struct talk *k)
{
    simulator_free(k->sim);
    talk_settle(k);
    timer_stop(&k->timer);
    loop_free(k->loop);
    buf_clear(&k->heard);
}

/* Says `bytes` on a new connection and hears what comes until the end, or for `patience_ms`. */
static struct str talk_for(struct talk *k, struct str bytes, int64_t patience_ms)
{
    struct address at = simulator_address(k->sim);
    struct error e;

    k->say = bytes;
    k->heard.len = 0;
    k->reads = 0;
    k->reset = k->ended = k->late = false;
    k->socket = socket_connect(k->loop, &at, talk_on_socket, k, &e);
    assert(k->socket != NULL);
    socket_watch(k->socket, SOCKET_READ | SOCKET_WRITE);
    timer_start(&k->timer, patience_ms);
    loop_run(k->loop);
    timer_stop(&k->timer);
    return arena_copy(&k->t->arena, buf_str(&k->heard));
}

static struct str talk(struct talk *k, struct str bytes)
{
    struct test *t = k->t;
    struct str heard = talk_for(k, bytes, PATIENCE_MS);

    CHECK(!k->late, "nothing came to its end: %.*s", STR_ARG(bytes));
    return heard;
}

static struct str request(struct test *t, const char *method, const char *target,
                          const char *fields, struct str body)
{
    return arena_printf(&t->arena,
                        "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s"
                        "Content-Length: %zu\r\n\r\n%.*s",
                        method, target, fields, body.len, (int)body.len, body.at);
}

static struct str ask(struct talk *k, enum wire wire, bool stream, const char *prompt)
{
    return request(k->t, "POST", rig_target(wire, stream), "",
                   rig_ask(k->t, wire, stream, prompt, ""));
}

/* Head and body of an answer; the body without its chunks. `whole`: it came to its own end. */
static struct str body_of(struct test *t, struct str heard, struct http_head *head, bool *whole)
{
    const struct http_limits limits = { 8192, 65536, 100 };
    struct http_fault fault;
    struct chunked chunked = { 0 };
    struct buf body;
    struct str rest, out;
    size_t scanned = 0, used = 0;
    enum chunked_result got = CHUNKED_MORE;

    *whole = false;
    if (!CHECK(http_parse_response(heard, &scanned, &limits, head, &used, &fault) ==
                   HTTP_PARSE_DONE,
               "%.*s", STR_ARG(heard)))
        return STR("");
    rest = str_drop(heard, used);
    if (!head->chunked) {
        *whole = head->content_length == (int64_t)rest.len;
        return rest;
    }
    buf_init(&body, (size_t)512 << 20);
    while ((got = chunked_next(&chunked, &rest, &out, &fault)) == CHUNKED_DATA)
        (void)buf_add(&body, out);
    *whole = got == CHUNKED_END && rest.len == 0;
    rest = arena_copy(&t->arena, buf_str(&body));
    buf_clear(&body);
    return rest;
}

static const enum wire wires[] = { WIRE_OPENAI_CHAT, WIRE_OPENAI_RESPONSES, WIRE_ANTHROPIC,
                                   WIRE_GEMINI };

TEST(answers_of_all_wires_come_over_the_socket)
{
    struct talk k;

    talk_open(&k, t, "");
    for (size_t w = 0; w < COUNT(wires); w++)
        for (int stream = 0; stream < 2; stream++) {
            struct http_head *head = arena_new(&t->arena, struct http_head);
            struct heard h;
            bool whole;
            struct str body = body_of(
                t, talk(&k, ask(&k, wires[w], stream == 1, "[[sim: think=3 text=\"over here\"]]")),
                head, &whole);

            CHECK_INT(head->status, 200);
            CHECK(whole, "%s", wire_name(wires[w]).at);
            CHECK_INT(head->chunked, stream, "%s", wire_name(wires[w]).at);
            if (stream == 1)
                hear_stream(t, wires[w], body, &h);
            else
                hear_whole(t, wires[w], body, &h);
            CHECK_STR(h.fault, "", "%s", wire_name(wires[w]).at);
            CHECK_STR(h.text, "over here", "%s", wire_name(wires[w]).at);
            CHECK(h.ended, "%s", wire_name(wires[w]).at);
        }
    talk_close(&k);
}

TEST(pauses_and_pieces_change_nothing_in_the_bytes)
{
    static const char *const words[] = { "delay=5", "first=5",
                                         "gap=1",   "drip=0 split=100",
                                         "split=7", "delay=3 first=3 gap=1 split=50" };
    struct talk k;

    talk_open(&k, t, "");
    for (size_t i = 0; i < COUNT(words); i++)
        for (int stream = 0; stream < 2; stream++) {
            struct str prompt =
                arena_printf(&t->arena, "[[sim: text=\"one two three\" chunk=4 %s]]", words[i]);
            struct http_head *head = arena_new(&t->arena, struct http_head);
            struct heard h;
            bool whole;
            struct str body =
                body_of(t, talk(&k, ask(&k, WIRE_ANTHROPIC, stream == 1, prompt.at)), head, &whole);

            CHECK(whole, "%s", words[i]);
            if (stream == 1)
                hear_stream(t, WIRE_ANTHROPIC, body, &h);
            else
                hear_whole(t, WIRE_ANTHROPIC, body, &h);
            CHECK_STR(h.fault, "", "%s", words[i]);
            CHECK_STR(h.text, "one two three", "%s", words[i]);
        }
    talk_close(&k);
}

TEST(cuts_come_after_exactly_the_bytes_that_were_asked_for)
{
    static const char *const words[] = { "cut=0", "cut=1", "cut=100", "cut=9999999" };
    static const size_t most[] = { 0, 1, 100, SIZE_MAX };
    struct talk k;

    talk_open(&k, t, "");
    for (size_t i = 0; i < COUNT(words); i++)
        for (int stream = 0; stream < 2; stream++) {
            struct str prompt = arena_printf(&t->arena, "[[sim: words=50 %s]]", words[i]);
            struct http_head *head = arena_new(&t->arena, struct http_head);
            bool whole;
            struct str heard = talk(&k, ask(&k, WIRE_OPENAI_CHAT, stream == 1, prompt.at));
            struct str body = body_of(t, heard, head, &whole);

            CHECK_INT(head->status, 200);
            CHECK(!k.reset, "%s", words[i]);
            if (most[i] != SIZE_MAX)
                CHECK_INT(body.len, most[i], "%s", words[i]);
            /* all bytes of a length are the end; the last chunk of a stream is missing */
            CHECK_INT(whole, most[i] == SIZE_MAX && stream == 0, "%s", words[i]);
        }
    talk_close(&k);
}

TEST(a_reset_is_a_reset)
{
    struct talk k;

    talk_open(&k, t, "");
    for (int stream = 0; stream < 2; stream++) {
        struct str heard =
            talk(&k, ask(&k, WIRE_GEMINI, stream == 1, "[[sim: words=50 reset=20]]"));

        CHECK(k.reset, "stream %d", stream);
        CHECK(str_starts(heard, STR("HTTP/1.1 200 OK\r\n")), "stream %d", stream);
    }
    talk_close(&k);
}

TEST(a_stalled_answer_says_no_more_and_stays)
{
    static const struct {
        const char *words, *want;
    } cases[] = {
        { "stall=head", "" },
        { "stall=0", "HTTP/1.1 200 OK" },
        { "stall", "HTTP/1.1 200 OK" },
    };
    struct talk k;

    talk_open(&k, t, "");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str prompt =
            arena_printf(&t->arena, "[[sim: text=abcdef chunk=1 %s]]", cases[i].words);
        struct str heard = talk_for(&k, ask(&k, WIRE_ANTHROPIC, true, prompt.at), 100);

        CHECK(k.late && !k.ended, "%s", cases[i].words);
        CHECK(cases[i].want[0] == 0 ? heard.len == 0 : str_starts(heard, str_c(cases[i].want)),
              "%s: %.*s", cases[i].words, STR_ARG(heard));
        CHECK_INT(str_find(heard, STR("\"a\"")) != SIZE_MAX, i == 2, "%s", cases[i].words);
        CHECK(str_find(heard, STR("\"b\"")) == SIZE_MAX, "%s", cases[i].words);
    }
    talk_close(&k);
}

TEST(a_client_that_leaves_a_stalled_answer_is_noticed)
{
    struct talk k;
    struct http_head *head = arena_new(&t->arena, struct http_head);
    struct str body = rig_ask(t, WIRE_ANTHROPIC, true, "[[sim: stall]]", ""), told;
    bool whole;

    talk_open(&k, t, "");
    talk_for(&k,
             arena_printf(&t->arena,
                          "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
                          "Content-Length: %zu\r\n\r\n%.*s",
                          body.len, STR_ARG(body)),
             100); /* all of it is read by then: no reset tells */
    talk_settle(&k);
    told = body_of(t, talk(&k, request(t, "GET", "/_sim/requests", "", STR(""))), head, &whole);
    CHECK_STR(json_at(t, told, "requests.0.state"), "aborted");
    talk_close(&k);
}

TEST(framing_can_be_wrong)
{
    struct talk k;
    struct http_head *head = arena_new(&t->arena, struct http_head);
    struct str body, heard;
    bool whole;

    talk_open(&k, t, "");
    heard = talk(&k, ask(&k, WIRE_OPENAI_CHAT, true, "[[sim: garbage]]"));
    CHECK(heard.len > 10 && !str_starts(heard, STR("HTTP/")));

    body = body_of(t, talk(&k, ask(&k, WIRE_OPENAI_CHAT, false, "[[sim: length-off=5]]")), head,
                   &whole);
    CHECK_INT(head->content_length, (int64_t)body.len + 5);
    body = body_of(t, talk(&k, ask(&k, WIRE_OPENAI_CHAT, false, "[[sim: length-off=-5]]")), head,
                   &whole);
    CHECK_INT(head->content_length, (int64_t)body.len - 5);
    body = body_of(t, talk(&k, ask(&k, WIRE_OPENAI_CHAT, true, "[[sim: framing=close]]")), head,
                   &whole);
    CHECK(!head->chunked && head->content_length == -1);
    CHECK(str_ends(body, STR("data: [DONE]\n\n")));
    body = body_of(t, talk(&k, ask(&k, WIRE_OPENAI_CHAT, true, "[[sim: framing=length]]")), head,
                   &whole);
    CHECK(whole && !head->chunked);
    CHECK(str_ends(body, STR("data: [DONE]\n\n")));
    body = body_of(t, talk(&k, ask(&k, WIRE_OPENAI_CHAT, false, "[[sim: framing=chunked]]")), head,
                   &whole);
    CHECK(whole && head->chunked);
    talk_close(&k);
}

TEST(two_requests_on_one_connection_get_two_answers)
{
    struct talk k;
    struct str body = rig_ask(t, WIRE_ANTHROPIC, true, "[[sim: text=abc]]", ""), heard;

    talk_open(&k, t, "");
    heard = talk(&k, arena_printf(&t->arena,
                                  "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
                                  "Content-Length: %zu\r\n\r\n%.*s%.*s",
                                  body.len, (int)body.len, body.at,
                                  (int)ask(&k, WIRE_ANTHROPIC, true, "x").len,
                                  ask(&k, WIRE_ANTHROPIC, true, "x").at));
    CHECK(str_find(heard, STR("abc")) != SIZE_MAX);
    CHECK(str_find(heard, STR("You said: x")) != SIZE_MAX);
    talk_close(&k);
}

TEST(a_large_answer_to_a_slow_reader_arrives_whole)
{
    struct talk k;
    struct http_head *head = arena_new(&t->arena, struct http_head);
    struct heard h;
    bool whole;
    struct str body;

    talk_open(&k, t, "");
    k.read_max = 3000;
    body = body_of(t, talk(&k, ask(&k, WIRE_OPENAI_CHAT, true, "[[sim: events=40000]]")), head,
                   &whole);
    CHECK(whole);
    CHECK(body.len > 8000000);
    hear_stream(t, WIRE_OPENAI_CHAT, str_drop(body, body.len - 4000), &h);
    CHECK(h.ended);
    talk_close(&k);
}

TEST(the_control_api_tells_what_arrived)
{
    struct talk k;
    struct http_head *head = arena_new(&t->arena, struct http_head);
    struct str body;
    bool whole;

    talk_open(&k, t, "");
    talk(&k, request(t, "POST", "/v1/messages?beta=true", "X-Test: a  b\r\nx-api-key: k1\r\n",
                     rig_ask(t, WIRE_ANTHROPIC, true, "hello", "")));
    k.leave_at = 1;
    talk_for(&k, ask(&k, WIRE_ANTHROPIC, true, "[[sim: stall]]"), PATIENCE_MS);
    k.leave_at = 0;
    talk_settle(&k);
    body = body_of(t, talk(&k, request(t, "GET", "/_sim/requests", "", STR(""))), head, &whole);
    CHECK(whole && head->status == 200);
    CHECK_STR(json_at(t, body, "requests.0.path"), "/v1/messages");
    CHECK_STR(json_at(t, body, "requests.0.query"), "beta=true");
    CHECK_STR(json_at(t, body, "requests.0.account"), "k1");
    CHECK_STR(json_at(t, body, "requests.0.wire"), "anthropic");
    CHECK_STR(json_at(t, body, "requests.0.state"), "done");
    CHECK_STR(json_at(t, body, "requests.0.status"), "200");
    CHECK_STR(json_at(t, json_at(t, body, "requests.0.body"), "messages.0.content"), "hello");
    CHECK_STR(json_at(t, body, "requests.1.aborted"), "true");
    CHECK_STR(json_at(t, body, "requests.2"), "-", "the control API itself is not listed");

    body = body_of(t,
                   talk(&k, request(t, "PUT", "/_sim/accounts/k1", "",
                                    STR("{\"rules\":[\"status=429 retry-after=2 times=1\"]}"))),
                   head, &whole);
    CHECK_INT(head->status, 200, "%.*s", STR_ARG(body));
    body = body_of(t,
                   talk(&k, request(t, "POST", "/v1/messages", "Authorization: Bearer k1\r\n",
                                    rig_ask(t, WIRE_ANTHROPIC, true, "hello", ""))),
                   head, &whole);
    CHECK_INT(head->status, 429);
    CHECK_STR(http_field_value(head, STR("retry-after")), "2");
    talk_close(&k);
}

TEST(refusals_of_the_server_speak_the_wire_of_the_path)
{
    struct talk k;
    struct http_head *head = arena_new(&t->arena, struct http_head);
    struct str body;
    bool whole;

    talk_open(&k, t, "");
    body =
        body_of(t, talk(&k, STR("POST /v1/messages HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n")),
                head, &whole);
    CHECK(head->status >= 400);
    CHECK_STR(json_at(t, body, "type"), "error", "%.*s", STR_ARG(body));
    talk_close(&k);
}

TEST(a_wrong_script_or_a_taken_port_is_told)
{
    struct talk k;
    struct simulator_options options = { .script = STR("what") };
    struct simulator *other = NULL;
    struct error e = { .text = "" };

    talk_open(&k, t, "");
    options.loop = k.loop;
    options.listen = simulator_address(k.sim);
    CHECK_INT(simulator_new(&options, &other, &e), E_SYNTAX);
    CHECK(str_starts(str_c(e.text), STR("line 1: ")), "%s", e.text);
    options.script = STR("");
    CHECK_INT(simulator_new(&options, &other, &e), E_IO);
    CHECK(strlen(e.text) > 0);
    talk_close(&k);
}

TEST(it_stops_in_the_middle_of_everything)
{
    static const char *const words[] = { "stall",    "stall=head", "delay=9999",
                                         "gap=5000", "reset=10",   "events=20000" };

    for (size_t i = 0; i < COUNT(words); i++) {
        struct talk k;
        struct str prompt = arena_printf(&t->arena, "[[sim: %s]]", words[i]);

        talk_open(&k, t, "");
        k.read_max = 100;
        talk_for(&k, ask(&k, WIRE_OPENAI_RESPONSES, true, prompt.at), 5);
        talk_close(&k);
    }
}
