#include "client_rig.h"
#include "gzip.h"
#include "http/proxy.h"

/* --- proxies */

static void through_proxy(struct bench *b, bool socks)
{
    b->origin.host = STR("api.example");
    b->origin.port = 443;
    b->origin.authority = STR("api.example");
    b->origin.proxy = socks ? PROXY_SOCKS5 : PROXY_HTTP;
    b->origin.proxy_host = STR("127.0.0.1");
    b->origin.proxy_port = b->upstream.port;
    b->origin.proxy_names = true;
}

#define TUNNEL_OPEN "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"

TEST(a_tunnel_through_an_http_proxy_carries_the_call)
{
    static const struct {
        const char *name;
        struct step script[6];
    } cases[] = {
        { "at once", { ASK, SAY(TUNNEL_OPEN), ASK, SAY(OK_2), ASK, SAY(OK_2) } },
        { "byte by byte", { ASK, DRIP(TUNNEL_OPEN, 1), ASK, SAY(OK_2), ASK, SAY(OK_2) } },
        { "with a length that means nothing",
          { ASK, SAY("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), ASK, SAY(OK_2), ASK,
            SAY(OK_2) } },
        { "after an interim head",
          { ASK, SAY("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204 OK\r\n\r\n"), ASK, SAY(OK_2), ASK,
            SAY(OK_2) } },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h;

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, COUNT(cases[i].script));
        bench_client(&b);
        through_proxy(&b, false);
        b.origin.proxy_auth = secret_copy(STR("Basic abc="));
        for (int k = 0; k < 2; k++) {
            ask(&b, &h);
            CHECK_HEARD(&h, "200|hi|end", "%s: %s", cases[i].name, h.fault.text);
            CHECK_INT(h.reused, k, "%s", cases[i].name);
            heard_clear(&h);
        }
        CHECK_STR(buf_str(&b.upstream.heads),
                  "CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n"
                  "Proxy-Authorization: Basic abc=\r\n\r\n" GET GET);
        origin_clear(&b.origin);
        bench_close(&b);
    }
}

#define INTERIM "HTTP/1.1 102 Wait\r\n\r\n"

TEST(a_proxy_that_opens_no_tunnel_is_a_fault_of_the_proxy)
{
    static const struct {
        const char *name;
        struct step script[3];
        const char *word;
    } cases[] = {
        { "407", { ASK, SAY("HTTP/1.1 407 Who\r\nContent-Length: 5\r\n\r\nhello"), ASK }, "407" },
        { "502", { ASK, SAY("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n"), ASK }, "502" },
        { "a redirect", { ASK, SAY("HTTP/1.1 302 There\r\n\r\n"), ASK }, "302" },
        { "rubbish", { ASK, SAY("SSH-2.0-OpenSSH\r\n"), ASK }, "HTTP" },
        { "more than its head", { ASK, SAY(TUNNEL_OPEN "x"), ASK }, "nobody asked" },
        { "nothing", { ASK, HANG_UP }, "closed" },
        { "half a head", { ASK, SAY("HTTP/1.1 200 OK\r\n"), HANG_UP }, "closed" },
        { "silence", { ASK, WAIT(60000) }, "in time" },
        { "nine interim heads",
          { ASK,
            SAY(INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM
                    TUNNEL_OPEN),
            ASK },
          "interim" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h = { 0 };

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, COUNT(cases[i].script));
        bench_client(&b);
        through_proxy(&b, false);
        b.origin.proxy_auth = secret_copy(STR("Basic abc="));
        struct call_options o = options_of(&b, &h, STR(GET));

        o.timeouts.connect_ms = 100;
        send_options(&b, &h, &o);
        bench_run(&b);
        CHECK_INT(h.fault.cause, CALL_PROXY, "%s: %s", cases[i].name, h.fault.text);
        CHECK(strstr(h.fault.text, cases[i].word) != NULL, "%s: %s", cases[i].name, h.fault.text);
        CHECK(strstr(h.fault.text, "abc") == NULL, "%s: %s", cases[i].name, h.fault.text);
        CHECK(!h.fault.sent, "%s: the request itself was not sent", cases[i].name);
        CHECK_INT(count_read(&b.metrics.failed_proxy), 1, "%s", cases[i].name);
        heard_clear(&h);
        origin_clear(&b.origin);
        bench_close(&b);
    }
}

TEST(a_tunnel_head_cut_at_any_byte_opens_nothing)
{
    struct bench b;
    struct step script[] = { ASK, SAY(""), HANG_UP };

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    through_proxy(&b, false);
    for (size_t cut = 0; cut < strlen(TUNNEL_OPEN); cut++) {
        struct heard h;

        script[1].bytes = str_take(str_c(TUNNEL_OPEN), cut);
        ask(&b, &h);
        CHECK_INT(h.fault.cause, CALL_PROXY, "cut at %zu: %s", cut, h.fault.text);
        heard_clear(&h);
    }
    bench_close(&b);
}

TEST(a_tunnel_through_a_socks_proxy_carries_the_call)
{
    static const struct step plain[] = {
        TAKE(3), SAY("\5\0"), TAKE(4 + 1 + 11 + 2), SAY("\5\0\0\1\0\0\0\0\0\0"), ASK, SAY(OK_2)
    };
    static const struct step login[] = { TAKE(4),
                                         SAY("\5\2"),
                                         TAKE(3 + 3 + 6),
                                         SAY("\1\0"),
                                         TAKE(4 + 1 + 11 + 2),
                                         DRIP("\5\0\0\1\0\0\0\0\0\0", 1),
                                         ASK,
                                         SAY(OK_2) };
    static const struct step address[] = {
        TAKE(3), SAY("\5\0"), TAKE(4 + 4 + 2), SAY("\5\0\0\1\0\0\0\0\0\0"), ASK, SAY(OK_2)
    };
    static const struct step refused[] = { TAKE(3), SAY("\5\0"), TAKE(18),
                                           SAY("\5\5\0\1\0\0\0\0\0\0") };
    static const struct step talkative[] = { TAKE(3), SAY("\5\0"), TAKE(18),
                                             SAY("\5\0\0\1\0\0\0\0\0\0x") };
    static const struct {
        const char *name;
        const struct step *script;
        size_t steps;
        const char *auth, *host, *want;
        bool names;
    } cases[] = {
        { "without login", plain, COUNT(plain), "", "api.example", "200|hi|end", true },
        { "with login", login, COUNT(login), "ada:secret", "api.example", "200|hi|end", true },
        { "an address we resolved", address, COUNT(address), "", "192.0.2.7", "200|hi|end", false },
        { "refused", refused, COUNT(refused), "", "api.example", "|fail connection refused", true },
        { "bytes behind its reply", talkative, COUNT(talkative), "", "api.example",
          "|fail nobody asked", true },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h;

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, cases[i].steps);
        bench_client(&b);
        through_proxy(&b, true);
        b.origin.host = str_c(cases[i].host);
        b.origin.proxy_names = cases[i].names;
        b.origin.proxy_auth = secret_copy(str_c(cases[i].auth));
        ask(&b, &h);
        if (h.failed) {
            CHECK_INT(h.fault.cause, CALL_PROXY, "%s", cases[i].name);
            CHECK(strstr(h.fault.text, cases[i].want + strlen("|fail ")) != NULL, "%s: %s",
                  cases[i].name, h.fault.text);
        } else {
            CHECK_HEARD(&h, cases[i].want, "%s", cases[i].name);
        }
        heard_clear(&h);
        origin_clear(&b.origin);
        bench_close(&b);
    }
}

TEST(a_login_that_would_break_the_head_is_not_sent)
{
    static const struct step script[] = { ASK };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    through_proxy(&b, false);
    b.origin.proxy_auth = secret_copy(STR("Basic s3cret\r\nX: y"));
    ask(&b, &h);
    CHECK_INT(h.fault.cause, CALL_PROXY);
    CHECK(strstr(h.fault.text, "s3cret") == NULL, "%s", h.fault.text);
    CHECK_INT(b.upstream.requests, 0);
    heard_clear(&h);
    origin_clear(&b.origin);
    bench_close(&b);
}

TEST(a_proxy_that_cannot_be_reached_is_a_fault_of_the_proxy)
{
    static const struct {
        const char *name, *host, *word;
        bool tls;
    } cases[] = {
        { "nobody listens", "127.0.0.1",
          "cannot connect to the proxy 127.0.0.1: 127.0.0.1:", false },
        { "no such name", "no-such-host.invalid", "cannot resolve the proxy", false },
        { "no TLS", "127.0.0.1", "TLS with the proxy", true },
    };
    static const struct step no_tls[] = { TAKE(20), SAY("HTTP/1.1 400 What\r\n\r\n") };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h = { 0 };

        bench_open(&b, t);
        upstream_script(&b.upstream, no_tls, COUNT(no_tls));
        bench_client(&b);
        through_proxy(&b, false);
        b.origin.proxy_host = str_c(cases[i].host);
        b.origin.proxy_tls = cases[i].tls;
        if (!cases[i].tls)
            b.origin.proxy_port = 1; /* tcpmux: nobody has that any more */
        struct call_options o = options_of(&b, &h, STR(GET));

        o.timeouts.dns_ms = 100;
        send_options(&b, &h, &o);
        bench_run(&b);
        CHECK_INT(h.fault.cause, CALL_PROXY, "%s: %s", cases[i].name, h.fault.text);
        CHECK(strstr(h.fault.text, cases[i].word) != NULL, "%s: %s", cases[i].name, h.fault.text);
        heard_clear(&h);
        bench_close(&b);
    }
}

/* --- TLS */

TEST(an_upstream_that_does_not_speak_tls_is_a_fault_of_tls)
{
    static const struct {
        const char *name;
        struct step script[3];
    } cases[] = {
        { "it answers in plain HTTP", { TAKE(20), SAY("HTTP/1.1 400 What\r\n\r\n"), WAIT(60000) } },
        { "it hangs up", { TAKE(20), HANG_UP } },
        { "it is silent", { TAKE(20), WAIT(60000) } },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h = { 0 };

        bench_open(&b, t);
        upstream_script(&b.upstream, cases[i].script, COUNT(cases[i].script));
        bench_client(&b);
        b.origin.tls = true;
        struct call_options o = options_of(&b, &h, STR(GET));

        o.timeouts.tls_ms = 100;
        send_options(&b, &h, &o);
        bench_run(&b);
        CHECK_INT(h.fault.cause, CALL_TLS, "%s: %s", cases[i].name, h.fault.text);
        CHECK(!h.fault.sent, "%s", cases[i].name);
        CHECK_INT(count_read(&b.metrics.failed_tls), 1, "%s", cases[i].name);
        heard_clear(&h);
        bench_close(&b);
    }
}

TEST(an_upstream_under_tls_is_spoken_to_like_any_other)
{
    static const struct step script[] = {
        TLS, ASK, SAY(OK_2), ASK, SAY(OK_LINE "Connection: close\r\n\r\nhello"), HANG_UP
    };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    b.insecure = true;
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    b.origin.tls = true;
    for (int i = 0; i < 4; i++) {
        ask(&b, &h);
        CHECK_HEARD(&h, i % 2 == 0 ? "200|hi|end" : "200|hello|end", "call %d: %s", i,
                    h.fault.text);
        CHECK_INT(h.reused, i % 2, "call %d", i);
        heard_clear(&h);
    }
    CHECK_INT(b.upstream.connections, 2);
    CHECK_INT(count_read(&b.metrics.tls_resumed), 1);
    bench_close(&b);
}

TEST(a_large_body_goes_out_under_tls)
{
    static const struct step script[] = { TLS, ASK, SAY(OK_2) };
    struct str body = zeros(&t->arena, 3 << 20);
    struct bench b;
    struct heard h = { 0 };

    bench_open(&b, t);
    b.insecure = true;
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    b.origin.tls = true;
    struct call_options o =
        options_of(&b, &h, STR("POST / HTTP/1.1\r\nContent-Length: 3145728\r\n\r\n"));

    o.body = &body;
    o.body_parts = 1;
    send_options(&b, &h, &o);
    bench_run(&b);
    CHECK_HEARD(&h, "200|hi|end", "%s", h.fault.text);
    CHECK_INT(b.upstream.body_bytes, body.len);
    heard_clear(&h);
    bench_close(&b);
}

TEST(an_answer_up_to_the_close_that_is_cut_under_tls_is_no_short_success)
{
    static const struct step script[] = { TLS, ASK, SAY(OK_LINE "\r\nhello"), CUT };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    b.insecure = true;
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    b.origin.tls = true;
    ask(&b, &h);
    CHECK_INT(h.fault.cause, CALL_CUT, "%s", h.fault.text);
    CHECK_HEARD(&h, "200|hello|fail");
    heard_clear(&h);
    bench_close(&b);
}

TEST(a_stale_connection_under_tls_is_replaced_unseen)
{
    static const struct step stale[] = { TLS, ASK, SAY(OK_2), ASK, CUT };
    static const struct step fresh[] = { TLS, ASK, SAY(OK_2) };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    b.insecure = true;
    upstream_script(&b.upstream, stale, COUNT(stale));
    upstream_script(&b.upstream, fresh, COUNT(fresh));
    bench_client(&b);
    b.origin.tls = true;
    for (int i = 0; i < 2; i++) {
        ask(&b, &h);
        CHECK_HEARD(&h, "200|hi|end", "%s", h.fault.text);
        heard_clear(&h);
    }
    CHECK_INT(count_read(&b.metrics.connections_stale), 1);
    bench_close(&b);
}

TEST(a_certificate_that_is_not_trusted_is_a_fault_of_tls_and_says_why)
{
    static const struct step script[] = { TLS, ASK, SAY(OK_2) };
    struct bench b;
    struct heard h;

    bench_open(&b, t);
    upstream_script(&b.upstream, script, COUNT(script));
    bench_client(&b);
    b.origin.tls = true;
    ask(&b, &h);
    CHECK_INT(h.fault.cause, CALL_TLS);
    CHECK(strstr(h.fault.text, "certificate") != NULL, "%s", h.fault.text);
    CHECK_INT(b.upstream.requests, 0);
    heard_clear(&h);
    bench_close(&b);
}

TEST(an_upstream_under_tls_is_reached_through_a_tunnel)
{
    static const struct step plain[] = {
        ASK, SAY(TUNNEL_OPEN), TLS, ASK, SAY(OK_2), ASK, SAY(OK_2)
    };
    static const struct step socks[] = {
        TAKE(3),   SAY("\5\0"), TAKE(18), SAY("\5\0\0\1\0\0\0\0\0\0"), TLS, ASK,
        SAY(OK_2), ASK,         SAY(OK_2)
    };
    static const struct step secure[] = {
        TLS, ASK, SAY(TUNNEL_OPEN), ASK, SAY(OK_2), ASK, SAY(OK_2)
    };
    static const struct {
        const char *name;
        const struct step *script;
        size_t steps;
        bool socks, proxy_tls, tls;
    } cases[] = {
        { "of an HTTP proxy", plain, COUNT(plain), false, false, true },
        { "of a SOCKS5 proxy", socks, COUNT(socks), true, false, true },
        { "of a proxy under TLS, itself without", secure, COUNT(secure), false, true, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench b;
        struct heard h;

        bench_open(&b, t);
        b.insecure = true;
        upstream_script(&b.upstream, cases[i].script, cases[i].steps);
        bench_client(&b);
        through_proxy(&b, cases[i].socks);
        b.origin.proxy_tls = cases[i].proxy_tls;
        b.origin.tls = cases[i].tls;
        for (int k = 0; k < 2; k++) {
            ask(&b, &h);
            CHECK_HEARD(&h, "200|hi|end", "%s: %s", cases[i].name, h.fault.text);
            CHECK_INT(h.reused, k, "%s", cases[i].name);
            heard_clear(&h);
        }
        bench_close(&b);
    }
}
