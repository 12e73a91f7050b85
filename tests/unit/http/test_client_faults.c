#include "client_rig.h"
#include "gzip.h"

/* --- answers that are none */

TEST(an_answer_cut_at_any_byte_of_the_wire_is_never_a_short_success)
{
    static const struct {
        const char *name, *answer;
        bool to_close;
    } cases[] = {
        { "a length", OK_LINE "Content-Length: 5\r\n\r\nhello", false },
        { "chunks", OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false },
        { "up to the close", OK_LINE "\r\nhello", true },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        for (int reset = 0; reset <= 1; reset++) {
            struct str whole = str_c(cases[i].answer);
            size_t head_end = str_find(whole, STR("\r\n\r\n")) + 4;
            struct bench b;

            bench_open(&b, t);
            struct step script[] = { ASK, SAY(""), { .kind = reset ? STEP_RESET : STEP_HANG_UP } };
            upstream_script(&b.upstream, script, COUNT(script));
            bench_client(&b);
            for (size_t cut = 0; cut < whole.len; cut++) {
                struct heard h;
                bool legal = cases[i].to_close && cut >= head_end && !reset;

                script[1].bytes = str_take(whole, cut);
                ask(&b, &h);
                CHECK_INT(h.failed, !legal, "%s, cut at %zu, reset %d", cases[i].name, cut, reset);
                if (h.failed && !reset) { /* a reset may overtake the bytes before it */
                    CHECK_INT(h.fault.cause, cut == 0 ? CALL_RESET : CALL_CUT, "%s, cut at %zu",
                              cases[i].name, cut);
                    CHECK_INT(h.fault.head_seen, cut >= head_end, "%s, cut at %zu", cases[i].name,
                              cut);
                    CHECK(h.fault.sent, "%s, cut at %zu", cases[i].name, cut);
                }
                heard_clear(&h);
            }
            CHECK_INT(client_idle(b.client), 0, "%s", cases[i].name);
            bench_close(&b);
        }
}

TEST(an_answer_against_the_rules_ends_call_and_connection)
{
    static const struct {
        const char *name;
        struct step script[3];
        enum call_cause cause;
        bool head_seen;
    } cases[] = {
        { "rubbish", { ASK, SAY("220 smtp ready\r\n"), ASK }, CALL_PROTOCOL, false },
        { "length and chunks",
          { ASK, SAY(OK_LINE "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ASK },
          CALL_PROTOCOL,
          false },
        { "a negative length",
          { ASK, SAY(OK_LINE "Content-Length: -1\r\n\r\n"), ASK },
          CALL_PROTOCOL,
          false },
        { "101", { ASK, SAY("HTTP/1.1 101 Go\r\n\r\n"), ASK }, CALL_PROTOCOL, false },
        { "bad chunks",
          { ASK, SAY(OK_LINE "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nx\r\n"), ASK },
          CALL_PROTOCOL,
          true },
        { "brotli",
          { ASK, SAY(OK_LINE "Content-Encoding: br\r\nContent-Length: 2\r\n\r\nhi"), ASK },
          CALL_PROTOCOL,
          false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h;

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, COUNT(cases[i].script));
        bench_client(&b);
        ask(&b, &h);
        CHECK(h.failed, "%s", cases[i].name);
        CHECK_INT(h.fault.cause, cases[i].cause, "%s", cases[i].name);
        CHECK_INT(h.fault.head_seen, cases[i].head_seen, "%s", cases[i].name);
        CHECK(strstr(h.fault.text, "127.0.0.1") != NULL, "%s: %s", cases[i].name, h.fault.text);
        CHECK_INT(client_idle(b.client), 0, "%s", cases[i].name);
        CHECK_INT(count_read(&b.metrics.failed_protocol), 1, "%s", cases[i].name);
        heard_clear(&h);
        bench_close(&b);
    }
}

TEST(a_head_over_its_limit_is_too_large)
{
    struct bench b;
    struct heard h;
    char *head = arena_alloc(&t->arena, 100000);

    memset(head, 'x', 100000);
    memcpy(head, OK_LINE "X: ", strlen(OK_LINE "X: "));
    const struct step script[] = { ASK, { STEP_SAY, { head, 100000 }, 0 }, ASK };

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    ask(&b, &h);
    CHECK_INT(h.fault.cause, CALL_TOO_LARGE);
    heard_clear(&h);
    bench_close(&b);
}

TEST(an_inflated_body_over_its_limit_is_too_large)
{
    struct bench b;
    struct heard h;
    struct str coded = gzip(&t->arena, zeros(&t->arena, 8 << 20));
    struct str head = arena_printf(
        &t->arena, OK_LINE "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", coded.len);
    const struct step script[] = { ASK, { STEP_SAY, head, 0 }, { STEP_SAY, coded, 0 }, ASK };

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    ask(&b, &h);
    CHECK_INT(h.fault.cause, CALL_TOO_LARGE);
    CHECK(h.fault.head_seen);
    CHECK(h.body_bytes < (1 << 20), "%" PRIu64, h.body_bytes);
    heard_clear(&h);
    bench_close(&b);
}

TEST(interim_heads_are_not_seen)
{
    static const struct step script[] = {
        ASK,     SAY("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early"),
        WAIT(5), SAY(" Hints\r\nLink: x\r\n\r\n"),
        WAIT(5), SAY(OK_2)
    };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    ask(&b, &h);
    CHECK_HEARD(&h, "200|hi|end");
    heard_clear(&h);
    bench_close(&b);
}

TEST(an_answer_that_comes_byte_by_byte_is_the_same)
{
    static const struct step script[] = {
        ASK, DRIP(OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 1), ASK,
        SAY(OK_2)
    };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    ask(&b, &h);
    CHECK_HEARD(&h, "200|hello|end");
    heard_clear(&h);
    ask(&b, &h);
    CHECK_HEARD(&h, "200|hi|end");
    CHECK(h.reused);
    heard_clear(&h);
    bench_close(&b);
}

/* --- time */

TEST(each_time_that_runs_out_has_its_cause)
{
    static const struct step silent[] = { WAIT(60000) };
    static const struct step mute[] = { ASK };
    static const struct step halting[] = { ASK, SAY(OK_LINE "Content-Length: 5\r\n\r\nhe") };
    static const struct step dripping_head[] = { ASK, DRIP(OK_LINE "X: yyyyyyyyyyyyyyyyyyyyyyyyyy",
                                                           10) };
    static const struct step dripping_body[] = { ASK, SAY(OK_LINE "\r\n"),
                                                 DRIP("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
                                                      "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
                                                      10) };
    static const struct {
        const char *name;
        const struct step *script;
        size_t steps;
        size_t body_bytes;
        struct call_timeouts times; /* 0: patient */
        enum call_cause cause;
        bool sent, head_seen;
    } cases[] = {
        { "the request is not taken",
          silent,
          1,
          8 << 20,
          { .write_ms = 40 },
          CALL_WRITE,
          true,
          false },
        { "no answer", mute, 1, 0, { .first_byte_ms = 40 }, CALL_FIRST_BYTE, true, false },
        { "half a head",
          dripping_head,
          2,
          0,
          { .first_byte_ms = 60 },
          CALL_FIRST_BYTE,
          true,
          false },
        { "silence in the middle", halting, 2, 0, { .idle_ms = 40 }, CALL_IDLE, true, true },
        { "all in all, while it drips",
          dripping_body,
          3,
          0,
          { .total_ms = 100, .idle_ms = 90 },
          CALL_TOTAL,
          true,
          true },
        { "all in all, while nothing comes",
          mute,
          1,
          0,
          { .total_ms = 40 },
          CALL_TOTAL,
          true,
          false },
        { "all in all, while sending",
          silent,
          1,
          8 << 20,
          { .total_ms = 40 },
          CALL_TOTAL,
          true,
          false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h = { 0 };
        struct str body = zeros(&t->arena, cases[i].body_bytes + 1);

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, cases[i].steps);
        bench_client(&b);
        struct call_options o = options_of(&b, &h, STR(GET));
        const struct call_timeouts *c = &cases[i].times;

        body.len = cases[i].body_bytes;
        o.body = &body;
        o.body_parts = 1;
        o.timeouts.write_ms = c->write_ms > 0 ? c->write_ms : o.timeouts.write_ms;
        o.timeouts.idle_ms = c->idle_ms > 0 ? c->idle_ms : o.timeouts.idle_ms;
        o.timeouts.total_ms = c->total_ms > 0 ? c->total_ms : o.timeouts.total_ms;
        o.timeouts.first_byte_ms =
            c->first_byte_ms > 0 ? c->first_byte_ms : o.timeouts.first_byte_ms;
        send_options(&b, &h, &o);
        bench_run(&b);
        CHECK(h.failed, "%s", cases[i].name);
        CHECK_INT(h.fault.cause, cases[i].cause, "%s: %s", cases[i].name, h.fault.text);
        CHECK_INT(h.fault.sent, cases[i].sent, "%s", cases[i].name);
        CHECK_INT(h.fault.head_seen, cases[i].head_seen, "%s", cases[i].name);
        heard_clear(&h);
        bench_close(&b);
    }
}

TEST(a_time_that_is_restarted_by_progress_does_not_run_out)
{
    static const struct step drip[] = { ASK, SAY(OK_LINE "Content-Length: 20\r\n\r\n"),
                                        DRIP("yyyyyyyyyyyyyyyyyyyy", 10) };
    struct bench b;
    struct heard h = { 0 };

    bench_open(&b, t);
    upstream_script(&b.upstream, drip, COUNT(drip));
    bench_client(&b);
    struct call_options o = options_of(&b, &h, STR(GET));

    o.timeouts.idle_ms = 150; /* 200 ms in all, 10 between bytes */
    send_options(&b, &h, &o);
    bench_run(&b);
    CHECK_HEARD(&h, "200|yyyyyyyyyyyyyyyyyyyy|end");
    heard_clear(&h);
    bench_close(&b);
}

TEST(a_kept_connection_that_is_silent_runs_out_of_time_and_is_not_replaced)
{
    static const struct step silent[] = { ASK, SAY(OK_2), ASK };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, silent, COUNT(silent));
    bench_client(&b);
    ask(&b, &h);
    heard_clear(&h);
    h = (struct heard){ 0 };
    struct call_options o = options_of(&b, &h, STR(GET));

    o.timeouts.first_byte_ms = 40;
    send_options(&b, &h, &o);
    bench_run(&b);
    CHECK_INT(h.fault.cause, CALL_FIRST_BYTE);
    CHECK_INT(b.upstream.connections, 1);
    CHECK_INT(count_read(&b.metrics.failed_timeout), 1);
    heard_clear(&h);
    bench_close(&b);
}

TEST(where_nobody_answers_there_is_no_connection)
{
    static const struct {
        const char *name, *host;
        enum call_cause cause;
    } cases[] = {
        { "a name that does not exist", "no-such-host.invalid", CALL_DNS },
        { "an address without a way", "192.0.2.1", CALL_CONNECT },
        { "a port where nobody listens", "127.0.0.1", CALL_CONNECT },
        { "a metadata address", "169.254.169.254", CALL_DNS },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h = { 0 };

        bench_open(&b, t);
        listener_close(b.upstream.listener);
        b.upstream.listener = NULL;
        bench_client(&b);
        b.origin.host = str_c(cases[i].host);
        struct call_options o = options_of(&b, &h, STR(GET));

        o.timeouts.dns_ms = 100;
        o.timeouts.connect_ms = 100;
        send_options(&b, &h, &o);
        bench_run(&b);
        CHECK_INT(h.fault.cause, cases[i].cause, "%s: %s", cases[i].name, h.fault.text);
        CHECK(!h.fault.sent, "%s", cases[i].name);
        CHECK(strstr(h.fault.text, cases[i].host) != NULL, "%s: %s", cases[i].name, h.fault.text);
        heard_clear(&h);
        bench_close(&b);
    }
}

TEST(a_host_that_does_not_answer_is_waited_for_no_longer_than_allowed)
{
    struct bench b;
    struct deaf deaf;
    struct heard h = { 0 };

    bench_open(&b, t);
    bench_client(&b);
    b.origin.port = deaf_open(&deaf, "127.0.0.1", 0);
    CHECK(b.origin.port != 0);
    struct call_options o = options_of(&b, &h, STR(GET));

    o.timeouts.connect_ms = 50;
    send_options(&b, &h, &o);
    bench_run(&b);
    CHECK_INT(h.fault.cause, CALL_CONNECT);
    CHECK(strstr(h.fault.text, "no answer in time") != NULL, "%s", h.fault.text);
    heard_clear(&h);
    deaf_close(&deaf);
    bench_close(&b);
}

TEST(an_address_that_does_not_answer_is_overtaken_by_the_next)
{
    struct bench b;
    struct deaf deaf;
    struct heard h;

    /* where localhost has no ::1, there is only one address, and the case is an easy one */
    bench_open(&b, t);
    upstream_script(&b.upstream, answers_always, COUNT(answers_always));
    bench_client(&b);
    (void)deaf_open(&deaf, "::1", b.upstream.port);
    b.origin.host = STR("localhost");
    ask(&b, &h);
    CHECK_HEARD(&h, "200|hi|end", "%s", h.fault.text);
    heard_clear(&h);
    deaf_close(&deaf);
    bench_close(&b);
}

TEST(a_name_with_several_addresses_is_tried_until_one_answers)
{
    struct bench b;
    struct heard h;

    /* the upstream listens on 127.0.0.1 only; where localhost is ::1 as well, that one fails */
    bench_open(&b, t);
    upstream_script(&b.upstream, answers_always, COUNT(answers_always));
    bench_client(&b);
    b.origin.host = STR("localhost");
    ask(&b, &h);
    CHECK_HEARD(&h, "200|hi|end", "%s", h.fault.text);
    heard_clear(&h);
    bench_close(&b);
}
