#include "http/host.h"
#include "http/peers.h"

#include "test.h"

static const struct {
    const char *host, *local, *name;
    bool allowed;
} cases[] = {
    /* loopback names, with the port of the connection or none */
    { "127.0.0.1", "127.0.0.1:8045", "", true },
    { "127.0.0.1:8045", "127.0.0.1:8045", "", true },
    { "localhost", "127.0.0.1:8045", "", true },
    { "LocalHost:8045", "127.0.0.1:8045", "", true },
    { "[::1]:8045", "[::1]:8045", "", true },
    { "[::1]", "[::1]:8045", "", true },
    { "localhost:8045", "10.0.0.5:8045", "", true },
    { "localhost:8044", "127.0.0.1:8045", "", false },
    { "127.0.0.1:80", "127.0.0.1:8045", "", false },
    { "[::1]:1", "[::1]:8045", "", false },
    /* what means the same to a resolver */
    { "localhost.", "127.0.0.1:8045", "", false },
    { "localhost.:8045", "127.0.0.1:8045", "", false },
    { "127.1", "127.0.0.1:8045", "", false },
    { "127.0.1", "127.0.0.1:8045", "", false },
    { "2130706433", "127.0.0.1:8045", "", false },
    { "0x7f000001", "127.0.0.1:8045", "", false },
    { "0x7f.0.0.1", "127.0.0.1:8045", "", false },
    { "0177.0.0.1", "127.0.0.1:8045", "", false },
    { "127.000.000.001", "127.0.0.1:8045", "", false },
    { "127.0.0.1.", "127.0.0.1:8045", "", false },
    { "127.0.0.2", "127.0.0.1:8045", "", false },
    { "0.0.0.0", "127.0.0.1:8045", "", false },
    { "0", "127.0.0.1:8045", "", false },
    { "[::ffff:127.0.0.1]", "127.0.0.1:8045", "", false },
    { "[::ffff:10.0.0.5]", "10.0.0.5:8045", "", false },
    { "::1", "[::1]:8045", "", false },
    { "localhost.evil.example", "127.0.0.1:8045", "", false },
    { "evil.example", "127.0.0.1:8045", "", false },
    { "localhost@evil.example", "127.0.0.1:8045", "", false },
    { "evil.example#localhost", "127.0.0.1:8045", "", false },
    { "", "127.0.0.1:8045", "", false },
    { ":8045", "127.0.0.1:8045", "", false },
    { "localhost:", "127.0.0.1:8045", "", false },
    { "localhost:08045", "127.0.0.1:8045", "", false },
    /* the address that the connection came in by */
    { "10.0.0.5", "10.0.0.5:8045", "", true },
    { "10.0.0.5:8045", "10.0.0.5:8045", "", true },
    { "10.0.0.5:8046", "10.0.0.5:8045", "", false },
    { "10.0.0.6", "10.0.0.5:8045", "", false },
    { "[fd00::5]:8045", "[fd00::5]:8045", "", true },
    { "[FD00:0::5]:8045", "[fd00::5]:8045", "", true },
    { "[fd00::6]:8045", "[fd00::5]:8045", "", false },
    /* names of the operator's */
    { "gate.example", "10.0.0.5:8045", "gate.example", true },
    { "GATE.example:443", "10.0.0.5:8045", "gate.example", true },
    { "gate.example.", "10.0.0.5:8045", "gate.example", false },
    { "a.gate.example", "10.0.0.5:8045", "gate.example", false },
    { "gate.example:443", "10.0.0.5:8045", "gate.example:443", true },
    { "gate.example:444", "10.0.0.5:8045", "gate.example:443", false },
    { "gate.example", "10.0.0.5:8045", "gate.example:443", false },
    { "localhost:9000", "127.0.0.1:8045", "localhost:9000", true },
};

TEST(host_is_ours_only_under_names_that_a_page_elsewhere_cannot_have)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str names[2] = { STR("other.example"), str_c(cases[i].name) };
        struct address local;

        CHECK(address_read(str_c(cases[i].local), &local), "%s", cases[i].local);
        CHECK_INT(host_allowed(str_c(cases[i].host), &local, names, cases[i].name[0] != 0 ? 2 : 1),
                  cases[i].allowed, "\"%s\" at %s", cases[i].host, cases[i].local);
    }
}

TEST(an_address_has_as_many_connections_as_its_limit_says)
{
    struct peers *p = peers_new();
    struct address a, b;

    CHECK(address_read(STR("192.0.2.1:1000"), &a) && address_read(STR("[2001:db8::1]:7"), &b));
    for (uint32_t max = 1; max < 5; max++) {
        for (uint32_t i = 0; i < max; i++) {
            a.port = (uint16_t)i; /* of no account */
            CHECK(peers_take(p, &a, max), "%u of %u", i, max);
        }
        CHECK(!peers_take(p, &a, max), "limit %u", max);
        CHECK(peers_take(p, &b, max), "another address");
        peers_return(p, &a);
        CHECK(peers_take(p, &a, max), "a place was given back");
        for (uint32_t i = 0; i < max; i++)
            peers_return(p, &a);
        peers_return(p, &b);
    }
    CHECK(!peers_take(p, &a, 0));
    peers_free(p);
}
