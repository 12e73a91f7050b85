#include "client_rig.h"
#include "gzip.h"
#include "io/mailbox.h"

static bool is_none_kept(const void *peer)
{
    const struct bench *b = peer;

    return client_idle(b->client) == 0;
}

/* --- reuse */

TEST(a_kept_connection_serves_the_next_call)
{
    struct bench b;
    struct heard h[3];

    bench_open(&b, t);
    upstream_script(&b.upstream, answers_always, COUNT(answers_always));
    bench_client(&b);
    for (size_t i = 0; i < COUNT(h); i++) {
        ask(&b, &h[i]);
        CHECK_HEARD(&h[i], "200|hi|end", "call %zu", i);
        CHECK_INT(h[i].reused, i > 0, "call %zu", i);
        CHECK_INT(client_idle(b.client), 1, "call %zu", i);
        heard_clear(&h[i]);
    }
    CHECK_INT(b.upstream.connections, 1);
    CHECK_STR(buf_str(&b.upstream.heads), GET GET GET);
    CHECK_INT(count_read(&b.metrics.calls), 3);
    CHECK_INT(count_read(&b.metrics.connections_opened), 1);
    CHECK_INT(count_read(&b.metrics.connections_reused), 2);
    CHECK_INT(count_read(&b.metrics.connections_stale), 0);
    bench_close(&b);
}

TEST(a_call_sent_from_a_last_hook_finds_the_connection_free)
{
    struct bench b;
    struct heard second = { 0 }, first = { .then = SEND_AT_END, .next = &second };

    bench_open(&b, t);
    upstream_script(&b.upstream, answers_always, COUNT(answers_always));
    bench_client(&b);
    send_head(&b, &first, STR(GET));
    bench_run(&b);
    CHECK_HEARD(&second, "200|hi|end");
    CHECK(second.reused);
    CHECK_INT(b.upstream.connections, 1);
    heard_clear(&first);
    heard_clear(&second);
    bench_close(&b);
}

TEST(a_connection_is_kept_only_by_the_rules)
{
    static const struct {
        const char *name;
        struct step script[3];
        const char *head, *want;
        bool kept;
    } cases[] = {
        { "a length", { ASK, SAY(OK_2), ASK }, GET, "200|hi|end", true },
        { "chunks",
          { ASK, SAY(OK_LINE "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), ASK },
          GET,
          "200|hi|end",
          true },
        { "204", { ASK, SAY("HTTP/1.1 204 No Content\r\n\r\n"), ASK }, GET, "204||end", true },
        { "HEAD",
          { ASK, SAY(OK_LINE "Content-Length: 2\r\n\r\n"), ASK },
          "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n",
          "200||end",
          true },
        { "HTTP/1.0 that stays",
          { ASK, SAY("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"),
            ASK },
          GET,
          "200|hi|end",
          true },
        { "HTTP/1.0",
          { ASK, SAY("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"), ASK },
          GET,
          "200|hi|end",
          false },
        { "Connection: close",
          { ASK, SAY(OK_LINE "Connection: close\r\nContent-Length: 2\r\n\r\nhi"), ASK },
          GET,
          "200|hi|end",
          false },
        { "up to the close", { ASK, SAY(OK_LINE "\r\nhi"), HANG_UP }, GET, "200|hi|end", false },
        { "bytes behind the answer", { ASK, SAY(OK_2 "x"), ASK }, GET, "200|hi|end", false },
        { "a second answer behind the first",
          { ASK, SAY(OK_2 OK_2), ASK },
          GET,
          "200|hi|end",
          false },
        { "an error",
          { ASK, SAY("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), ASK },
          GET,
          "500||end",
          true },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h = { 0 }, again;

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, COUNT(cases[i].script));
        upstream_script(&b.upstream, answers_always, COUNT(answers_always));
        bench_client(&b);
        struct call_options o = options_of(&b, &h, str_c(cases[i].head));

        o.to_head = cases[i].head[0] == 'H';
        send_options(&b, &h, &o);
        bench_run(&b);
        CHECK_HEARD(&h, cases[i].want, "%s", cases[i].name);
        CHECK_INT(client_idle(b.client), cases[i].kept, "%s", cases[i].name);
        if (!cases[i].kept) {
            ask(&b, &again);
            CHECK_HEARD(&again, "200|hi|end", "%s", cases[i].name);
            CHECK_INT(b.upstream.connections, 2, "%s", cases[i].name);
            heard_clear(&again);
        }
        heard_clear(&h);
        bench_close(&b);
    }
}

TEST(an_idle_connection_that_speaks_or_ends_is_closed)
{
    static const struct {
        const char *name;
        struct step script[5];
    } cases[] = {
        { "it speaks", { ASK, SAY(OK_2), WAIT(5), SAY("HTTP/1.1 408 Too Late\r\n\r\n"), ASK } },
        { "it says one byte", { ASK, SAY(OK_2), WAIT(5), SAY("\n"), ASK } },
        { "it ends", { ASK, SAY(OK_2), WAIT(5), HANG_UP } },
        { "it is reset", { ASK, SAY(OK_2), WAIT(5), RESET } },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h;

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, COUNT(cases[i].script));
        upstream_script(&b.upstream, answers_always, COUNT(answers_always));
        bench_client(&b);
        ask(&b, &h);
        CHECK_INT(client_idle(b.client), 1, "%s", cases[i].name);
        heard_clear(&h);
        bench_until(&b, is_none_kept, &b);
        ask(&b, &h);
        CHECK_HEARD(&h, "200|hi|end", "%s", cases[i].name);
        CHECK(!h.reused, "%s", cases[i].name);
        CHECK_INT(count_read(&b.metrics.connections_stale), 0, "%s", cases[i].name);
        heard_clear(&h);
        bench_close(&b);
    }
}

TEST(what_an_idle_connection_said_unasked_is_never_taken_for_an_answer)
{
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, answers_always, COUNT(answers_always));
    bench_client(&b);
    for (int i = 0; i < 2; i++) {
        ask(&b, &h);
        CHECK_HEARD(&h, "200|hi|end", "round %d", i);
        heard_clear(&h);
        /* the loop has no chance to tell of it before the next call */
        if (i == 0)
            upstream_say(&b.upstream, STR("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"));
        else
            upstream_hang_up(&b.upstream);
        ask(&b, &h);
        CHECK_HEARD(&h, "200|hi|end", "round %d", i);
        CHECK(!h.reused, "round %d", i);
        heard_clear(&h);
    }
    CHECK_INT(b.upstream.connections, 3);
    CHECK_INT(count_read(&b.metrics.connections_stale), 0);
    bench_close(&b);
}

static void send_now(void *peer)
{
    struct heard *h = peer;

    send_head(h->bench, h, STR(GET));
}

TEST(what_comes_in_the_turn_of_a_call_but_before_it_is_not_its_answer)
{
    for (int i = 0; i < 2; i++) {
        struct bench b;
        struct heard h;

        bench_open(&b, t);
        upstream_script(&b.upstream, answers_always, COUNT(answers_always));
        bench_client(&b);
        struct mailbox *m = mailbox_new(b.loop);

        ask(&b, &h);
        heard_clear(&h);
        bench_idle(&b, 2);
        h = (struct heard){ .bench = &b };
        /* one look of the loop finds both: the call begins first, then the connection tells */
        CHECK(mailbox_send(m, send_now, &h));
        if (i == 0)
            upstream_say(&b.upstream, STR("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"));
        else
            upstream_hang_up(&b.upstream);
        while (!h.over)
            loop_run(b.loop);
        CHECK_HEARD(&h, "200|hi|end", "round %d", i);
        CHECK(!h.reused, "round %d", i);
        CHECK_INT(count_read(&b.metrics.connections_reused), 1, "round %d", i);
        CHECK_INT(count_read(&b.metrics.connections_stale), 1, "round %d", i);
        CHECK_INT(b.upstream.connections, 2, "round %d", i);
        heard_clear(&h);
        mailbox_free(m);
        bench_close(&b);
    }
}

TEST(a_connection_whose_end_came_with_the_answer_serves_no_call_of_the_same_turn)
{
    static const struct step script[] = { ASK, SAY(OK_2), HANG_UP };
    struct bench b;
    struct heard second = { 0 }, first = { .then = SEND_AT_END, .next = &second };

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    upstream_script(&b.upstream, answers_always, COUNT(answers_always));
    bench_client(&b);
    send_head(&b, &first, STR(GET));
    bench_run(&b);
    CHECK_HEARD(&first, "200|hi|end");
    CHECK_HEARD(&second, "200|hi|end");
    CHECK(!second.reused);
    CHECK_INT(b.upstream.connections, 2);
    CHECK_INT(count_read(&b.metrics.connections_stale), 0);
    heard_clear(&first);
    heard_clear(&second);
    bench_close(&b);
}

TEST(an_idle_connection_is_closed_after_its_time)
{
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, answers_always, COUNT(answers_always));
    b.limits.idle_ms = 30;
    bench_client(&b);
    ask(&b, &h);
    heard_clear(&h);
    CHECK_INT(client_idle(b.client), 1);
    bench_until(&b, is_none_kept, &b);
    bench_close(&b);
}

TEST(an_origin_keeps_its_limit_of_idle_connections_and_not_one_more)
{
    for (size_t calls = 2; calls <= 4; calls++) {
        struct bench b;
        struct heard h[4] = { 0 };

        bench_open(&b, t);
        upstream_script(&b.upstream, answers_always, COUNT(answers_always));
        b.limits.idle_per_origin = 3;
        bench_client(&b);
        for (size_t i = 0; i < calls; i++)
            send_head(&b, &h[i], STR(GET));
        bench_run(&b);
        CHECK_INT(b.upstream.connections, calls);
        CHECK_INT(client_idle(b.client), calls < 3 ? calls : 3, "%zu calls", calls);
        for (size_t i = 0; i < calls; i++) {
            CHECK_HEARD(&h[i], "200|hi|end", "%zu of %zu", i, calls);
            heard_clear(&h[i]);
        }
        bench_close(&b);
    }
}

TEST(origins_of_different_keys_share_no_connection)
{
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, answers_always, COUNT(answers_always));
    bench_client(&b);
    ask(&b, &h);
    heard_clear(&h);
    b.origin.pool_key = STR("another");
    ask(&b, &h);
    heard_clear(&h);
    CHECK(!h.reused);
    CHECK_INT(client_idle(b.client), 2);
    bench_close(&b);
}

/* --- kept connections that have died */

TEST(a_stale_connection_is_replaced_unseen)
{
    static const struct {
        const char *name;
        struct step script[4];
    } cases[] = {
        { "closed", { ASK, SAY(OK_2), ASK, HANG_UP } },
        { "reset", { ASK, SAY(OK_2), ASK, RESET } },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h;

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, COUNT(cases[i].script));
        upstream_script(&b.upstream, answers_always, COUNT(answers_always));
        bench_client(&b);
        ask(&b, &h);
        heard_clear(&h);
        ask(&b, &h);
        CHECK_HEARD(&h, "200|hi|end", "%s", cases[i].name);
        CHECK(!h.reused, "%s", cases[i].name);
        CHECK_INT(b.upstream.connections, 2, "%s", cases[i].name);
        CHECK_INT(b.upstream.requests, 3, "%s", cases[i].name);
        CHECK_INT(count_read(&b.metrics.connections_stale), 1, "%s", cases[i].name);
        heard_clear(&h);
        bench_close(&b);
    }
}

TEST(a_connection_that_ends_late_is_replaced_for_what_only_asks)
{
    static const struct step late[] = { ASK, SAY(OK_2), ASK, WAIT(60), HANG_UP };
    static const char *const heads[] = { GET, "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n" };

    for (size_t i = 0; i < COUNT(heads); i++) {
        struct bench b;
        struct heard h;

        bench_open(&b, t);
        b.limits.stale_ms = 20;
        upstream_script(&b.upstream, late, COUNT(late));
        upstream_script(&b.upstream, answers_always, COUNT(answers_always));
        bench_client(&b);
        ask(&b, &h);
        heard_clear(&h);
        h = (struct heard){ 0 };
        send_head(&b, &h, str_c(heads[i]));
        bench_run(&b);
        CHECK_HEARD(&h, i == 0 ? "200|hi|end" : "|fail", "%s", heads[i]);
        CHECK_INT(b.upstream.connections, i == 0 ? 2 : 1, "%s", heads[i]);
        heard_clear(&h);
        bench_close(&b);
    }
}

TEST(a_call_is_repeated_once_and_only_on_a_connection_that_was_kept)
{
    static const struct step stale[] = { ASK, SAY(OK_2), ASK, HANG_UP };
    static const struct step dead[] = { ASK, HANG_UP };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, stale, COUNT(stale));
    upstream_script(&b.upstream, dead, COUNT(dead));
    bench_client(&b);
    ask(&b, &h);
    heard_clear(&h);
    ask(&b, &h);
    CHECK_HEARD(&h, "|fail");
    CHECK_INT(h.fault.cause, CALL_RESET);
    CHECK(h.fault.sent);
    CHECK_INT(b.upstream.connections, 2, "the repeated call is not repeated");
    heard_clear(&h);
    ask(&b, &h);
    CHECK_INT(h.fault.cause, CALL_RESET);
    CHECK_INT(b.upstream.connections, 3, "a new connection that dies is not replaced");
    heard_clear(&h);
    bench_close(&b);
}

TEST(a_stale_connection_that_said_half_an_answer_is_not_replaced)
{
    static const struct step half[] = { ASK, SAY(OK_2), ASK, SAY("H"), HANG_UP };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, half, COUNT(half));
    bench_client(&b);
    ask(&b, &h);
    heard_clear(&h);
    ask(&b, &h);
    CHECK_INT(h.fault.cause, CALL_CUT);
    CHECK_INT(b.upstream.connections, 1);
    heard_clear(&h);
    bench_close(&b);
}

TEST(a_repeated_call_says_of_its_last_connection_whether_it_was_sent)
{
    static const struct step last[] = { ASK, SAY(OK_2), SHUT, ASK, HANG_UP };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, last, COUNT(last));
    bench_client(&b);
    ask(&b, &h);
    heard_clear(&h);
    ask(&b, &h);
    CHECK_INT(h.fault.cause, CALL_CONNECT);
    CHECK(!h.fault.sent);
    CHECK(!h.fault.head_seen);
    CHECK_INT(count_read(&b.metrics.failed_connect), 1);
    heard_clear(&h);
    bench_close(&b);
}

TEST(a_large_body_is_sent_whole_again_after_a_stale_connection)
{
    static const struct step stale[] = { ASK, SAY(OK_2), TAKE(100000), RESET };
    struct bench b;
    struct heard h;
    struct str body = zeros(&t->arena, 3 << 20);

    bench_open(&b, t);
    upstream_script(&b.upstream, stale, COUNT(stale));
    upstream_script(&b.upstream, answers_always, COUNT(answers_always));
    bench_client(&b);
    ask(&b, &h);
    heard_clear(&h);
    h = (struct heard){ 0 };
    struct call_options o = options_of(
        &b, &h,
        arena_printf(&t->arena, "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n", body.len));
    o.body = &body;
    o.body_parts = 1;
    b.upstream.body_bytes = 0;
    send_options(&b, &h, &o);
    bench_run(&b);
    CHECK_HEARD(&h, "200|hi|end");
    CHECK(b.upstream.body_bytes >= body.len + 100000 - 1000, "%" PRIu64, b.upstream.body_bytes);
    heard_clear(&h);
    bench_close(&b);
}

/* --- requests */

TEST(a_large_body_in_many_parts_arrives_whole_at_a_slow_reader)
{
    static const struct step script[] = { ASK, SAY(OK_2), ASK, SAY(OK_2) };
    struct bench b;
    struct heard h;
    struct str parts[300];
    uint64_t sum = 0;
    size_t total = 0;
    char *bytes = arena_alloc(&t->arena, 10 << 20);

    for (size_t i = 0; i < 10 << 20; i++)
        bytes[i] = (char)(i * 7 + (i >> 11));
    for (size_t i = 0; i < COUNT(parts); i++) { /* some are empty */
        size_t len = i == COUNT(parts) - 1 ? ((size_t)10 << 20) - total : i % 5 * 7000 * (i % 3);

        parts[i] = (struct str){ bytes + total, len };
        total += len;
        sum = body_sum_add(sum, parts[i]);
    }
    struct str head =
        arena_printf(&t->arena, "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n", total);

    bench_open(&b, t);
    b.upstream.read_bytes = 5000;
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    for (int i = 0; i < 2; i++) { /* on a new connection, and on a kept one */
        h = (struct heard){ 0 };
        b.upstream.body_sum = b.upstream.body_bytes = 0;
        struct call_options o = options_of(&b, &h, head);

        o.body = parts;
        o.body_parts = COUNT(parts);
        send_options(&b, &h, &o);
        bench_run(&b);
        CHECK_HEARD(&h, "200|hi|end", "%s", h.fault.text);
        CHECK_INT(b.upstream.body_bytes, total);
        CHECK(b.upstream.body_sum == sum);
        CHECK_INT(h.reused, i);
        heard_clear(&h);
    }
    bench_close(&b);
}

TEST(an_answer_before_the_request_is_out_is_given_and_ends_the_connection)
{
    static const struct {
        const char *name;
        struct step script[4];
    } cases[] = {
        { "it reads no further",
          { TAKE(1000), SAY("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"), WAIT(60000) } },
        { "it hangs up",
          { TAKE(1000), SAY("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"), WAIT(20),
            HANG_UP } },
        { "up to the close",
          { TAKE(1000),
            SAY("HTTP/1.1 413 No\r\nConnection: close\r\n"
                "Content-Length: 2\r\n\r\n"),
            WAIT(20), SAY("no") } },
        { "an interim head first",
          { TAKE(1000), SAY("HTTP/1.1 100 Continue\r\n\r\n"), WAIT(20),
            SAY("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno") } },
    };
    struct str body = zeros(&t->arena, 10 << 20);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h = { 0 };

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, COUNT(cases[i].script));
        bench_client(&b);
        struct call_options o =
            options_of(&b, &h, STR("POST / HTTP/1.1\r\nContent-Length: 10485760\r\n\r\n"));

        o.body = &body;
        o.body_parts = 1;
        send_options(&b, &h, &o);
        bench_run(&b);
        CHECK_HEARD(&h, "413|no|end", "%s: %s", cases[i].name, h.fault.text);
        CHECK_INT(client_idle(b.client), 0, "%s", cases[i].name);
        heard_clear(&h);
        bench_close(&b);
    }
}

TEST(half_an_answer_before_the_request_is_out_is_a_cut)
{
    static const struct step script[] = { TAKE(1000), SAY("HTTP/1.1 413 No\r\nContent-"), RESET };
    static const struct step orderly[] = { TAKE(1000), SAY("HTTP/1.1 413 No\r\nContent-"), WAIT(20),
                                           HANG_UP };
    struct str body = zeros(&t->arena, 10 << 20);

    for (int i = 0; i < 2; i++) {
        struct bench b;
        struct heard h = { 0 };

        bench_open(&b, t);
        upstream_script(&b.upstream, i == 0 ? script : orderly,
                        i == 0 ? COUNT(script) : COUNT(orderly));
        bench_client(&b);
        struct call_options o =
            options_of(&b, &h, STR("POST / HTTP/1.1\r\nContent-Length: 10485760\r\n\r\n"));

        o.body = &body;
        o.body_parts = 1;
        send_options(&b, &h, &o);
        bench_run(&b);
        CHECK(h.failed, "round %d", i);
        /* a reset may overtake the bytes before it */
        CHECK(h.fault.cause == CALL_CUT || i == 0, "cause %d: %s", h.fault.cause, h.fault.text);
        CHECK(!h.fault.head_seen, "round %d", i);
        heard_clear(&h);
        bench_close(&b);
    }
}

TEST(an_upstream_that_breaks_while_we_send_is_a_fault_of_sending)
{
    static const struct step script[] = { TAKE(1000), WAIT(20), RESET };
    struct bench b;
    struct heard h = { 0 };
    struct str body = zeros(&t->arena, 10 << 20);

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    struct call_options o =
        options_of(&b, &h, STR("POST / HTTP/1.1\r\nContent-Length: 10485760\r\n\r\n"));

    o.body = &body;
    o.body_parts = 1;
    send_options(&b, &h, &o);
    bench_run(&b);
    CHECK(h.fault.cause == CALL_WRITE || h.fault.cause == CALL_RESET, "cause %d: %s", h.fault.cause,
          h.fault.text);
    CHECK(h.fault.sent);
    heard_clear(&h);
    bench_close(&b);
}

/* --- pauses */

static struct str large_answer(struct test *t, size_t len, bool coded)
{
    char *body = arena_alloc(&t->arena, len);

    for (size_t i = 0; i < len; i++)
        body[i] = (char)('a' + i % 7 + i / 1000 % 11);
    struct str plain = { body, len }, sent = coded ? gzip(&t->arena, plain) : plain;
    struct str head = arena_printf(&t->arena, OK_LINE "%sContent-Length: %zu\r\n\r\n",
                                   coded ? "Content-Encoding: gzip\r\n" : "", sent.len);
    char *all = arena_alloc(&t->arena, head.len + sent.len);

    memcpy(all, head.at, head.len);
    memcpy(all + head.len, sent.at, sent.len);
    return (struct str){ all, head.len + sent.len };
}

TEST(a_paused_call_hears_nothing_and_misses_nothing)
{
    static const enum then kinds[] = { NOTHING, PAUSE_AT_HEAD, PAUSE_AT_DATA };
    uint64_t sums[2][COUNT(kinds)];

    for (int coded = 0; coded <= 1; coded++)
        for (size_t i = 0; i < COUNT(kinds); i++) {
            /* gzip of this text is about 40 times shorter: many runs come of one read */
            const struct step script[] = {
                ASK, { STEP_SAY, large_answer(t, 600000, coded), 0 }, ASK, SAY(OK_2)
            };
            struct bench b;
            struct heard h = { .then = kinds[i], .pause_ms = 3 }, again;

            bench_open(&b, t);
            b.limits.inflate_ratio = 1000;
            upstream_script(&b.upstream, script, COUNT(script));
            bench_client(&b);
            send_head(&b, &h, STR(GET));
            bench_run(&b);
            CHECK_INT(h.body_bytes, 600000, "kind %d, coded %d: %s", kinds[i], coded, h.fault.text);
            sums[coded][i] = h.body_sum;
            CHECK(sums[coded][i] == sums[0][0], "kind %d, coded %d", kinds[i], coded);
            CHECK(str_ends(buf_str(&h.text), STR("|end")), "kind %d, coded %d", kinds[i], coded);
            ask(&b, &again);
            CHECK(again.reused, "kind %d, coded %d", kinds[i], coded);
            heard_clear(&again);
            heard_clear(&h);
            bench_close(&b);
        }
}

TEST(silence_is_not_counted_while_paused)
{
    static const struct step script[] = { ASK, SAY(OK_LINE "Content-Length: 4\r\n\r\nhe"), WAIT(10),
                                          SAY("y!") };
    struct bench b;
    struct heard h = { .then = PAUSE_AT_HEAD, .pause_ms = 150 };

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    struct call_options o = options_of(&b, &h, STR(GET));

    o.timeouts.idle_ms = 50;
    send_options(&b, &h, &o);
    bench_run(&b);
    CHECK_HEARD(&h, "200|hey!|end", "%s", h.fault.text);
    heard_clear(&h);

    h = (struct heard){ .pause_ms = 150 };
    b.origin.pool_key = STR("not the connection that was kept");
    o = options_of(&b, &h, STR(GET));
    o.timeouts.first_byte_ms = 50;
    send_options(&b, &h, &o);
    heard_pause(&h); /* before there is a connection */
    bench_run(&b);
    CHECK_HEARD(&h, "200|hey!|end", "%s", h.fault.text);
    heard_clear(&h);
    bench_close(&b);
}

TEST(all_in_all_time_goes_on_while_paused)
{
    static const struct step script[] = { ASK, SAY(OK_LINE "Content-Length: 4\r\n\r\nhe") };
    struct bench b;
    struct heard h = { .then = PAUSE_AT_HEAD, .pause_ms = 60000 };

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    struct call_options o = options_of(&b, &h, STR(GET));

    o.timeouts.total_ms = 60;
    send_options(&b, &h, &o);
    bench_run(&b);
    CHECK_INT(h.fault.cause, CALL_TOTAL);
    heard_clear(&h);
    bench_close(&b);
}

/* --- cancelling */

TEST(a_cancelled_call_is_heard_of_no_more_whatever_it_was_doing)
{
    static const struct step silent[] = { WAIT(60000) };
    static const struct step mute[] = { ASK };
    static const struct step talking[] = { ASK, SAY(OK_LINE "Content-Length: 10\r\n\r\nhello"),
                                           WAIT(20), SAY("world") };
    static const struct {
        const char *name;
        const struct step *script;
        size_t steps, body_bytes;
        enum then then;
        int after_ms; /* -1: at once */
        bool tls;
        const char *host, *want;
    } cases[] = {
        { "at once", mute, 1, 0, NOTHING, -1, false, "127.0.0.1", "|cancelled" },
        { "while it resolves", mute, 1, 0, NOTHING, -1, false, "no-such-host.invalid",
          "|cancelled" },
        { "while it connects", mute, 1, 0, NOTHING, 1, false, "192.0.2.1", NULL },
        { "while it speaks TLS", silent, 1, 0, NOTHING, 20, true, "127.0.0.1", "|cancelled" },
        { "while it sends", silent, 1, 8 << 20, NOTHING, 30, false, "127.0.0.1", "|cancelled" },
        { "while it waits", mute, 1, 0, NOTHING, 30, false, "127.0.0.1", "|cancelled" },
        { "in on_head", talking, 4, 0, CANCEL_AT_HEAD, 0, false, "127.0.0.1", "200||cancelled" },
        { "in on_data", talking, 4, 0, CANCEL_AT_DATA, 0, false, "127.0.0.1",
          "200||cancelledhello" },
    };
    struct str body = zeros(&t->arena, 8 << 20);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h = { .then = cases[i].then };

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, cases[i].steps);
        bench_client(&b);
        b.origin.host = str_c(cases[i].host);
        b.origin.tls = cases[i].tls;
        struct call_options o = options_of(&b, &h, STR(GET));

        o.body = &body;
        o.body_parts = cases[i].body_bytes > 0 ? 1 : 0;
        send_options(&b, &h, &o);
        if (cases[i].after_ms < 0)
            heard_cancel(&h);
        else if (cases[i].after_ms > 0)
            timer_start(&h.timer, cases[i].after_ms);
        bench_run(&b);
        if (cases[i].want != NULL) /* without a network the address fails before it is cancelled */
            CHECK_HEARD(&h, cases[i].want, "%s: %s", cases[i].name, h.fault.text);
        bench_idle(&b, 40);
        CHECK_INT(client_idle(b.client), 0, "%s", cases[i].name);
        heard_clear(&h);
        bench_close(&b);
    }
}

static bool is_paused(const void *peer)
{
    const struct heard *h = peer;

    return h->is_paused;
}

TEST(a_cancelled_call_takes_its_paused_rest_with_it)
{
    static const struct step script[] = { ASK, SAY(OK_2) };
    struct bench b;
    struct heard h = { .then = PAUSE_AT_HEAD, .pause_ms = 60000 };

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    send_head(&b, &h, STR(GET));
    bench_until(&b, is_paused, &h);
    call_pause(h.call, false); /* what was held comes at the end of the turn … */
    heard_cancel(&h);          /* … but not after this */
    bench_idle(&b, 30);
    CHECK_HEARD(&h, "200||cancelled");
    heard_clear(&h);
    bench_close(&b);
}

/* Of three calls, whichever: one was answered, one has half of its answer, one waits for any. */
static bool are_in_all_phases(const void *peer)
{
    const struct heard *h = peer;
    size_t halves = 0;

    for (size_t i = 0; i < 3; i++)
        halves += !h[i].over && h[i].pieces > 0;
    return client_idle(h->bench->client) == 1 && halves == 1 && h->bench->upstream.requests == 3;
}

TEST(a_client_is_freed_with_calls_in_all_phases)
{
    static const struct step mute[] = { ASK };
    static const struct step answering[] = { ASK, SAY(OK_2) };
    static const struct step talking[] = { ASK, SAY(OK_LINE "\r\nhello") };
    struct bench b;
    struct heard h[4] = { 0 };

    bench_open(&b, t);
    upstream_script(&b.upstream, answering, COUNT(answering));
    upstream_script(&b.upstream, mute, COUNT(mute));
    upstream_script(&b.upstream, talking, COUNT(talking));
    bench_client(&b);
    for (size_t i = 0; i < 3; i++)
        send_head(&b, &h[i], STR(GET));
    bench_until(&b, are_in_all_phases, h);
    send_head(&b, &h[3], STR(GET));
    b.origin.pool_key = STR("a new one");
    bench_close(&b);
    for (size_t i = 0; i < COUNT(h); i++) {
        timer_stop(&h[i].timer);
        heard_clear(&h[i]);
    }
}
