/* tests/unit/http/test_forwarded.c - whose word on a client's address counts. */
#include "http/forwarded.h"

#include "test.h"

#define FIELDS 3

static const struct {
    const char *what, *peer;
    const char *forwarded[FIELDS]; /* fields in their order */
    const char *real;
    const char *client;
} cases[] = {
    { "nobody is trusted who is not named",
      "203.0.113.9:1",
      { "10.1.2.3" },
      "10.1.2.4",
      "203.0.113.9" },
    { "loopback is not implied", "127.0.0.1:1", { "10.1.2.3" }, NULL, "127.0.0.1" },
    { "the proxy's word", "192.0.2.1:1", { "10.1.2.3" }, NULL, "10.1.2.3" },
    { "what the client wrote before it does not count",
      "192.0.2.1:1",
      { "10.0.0.1, 203.0.113.9" },
      NULL,
      "203.0.113.9" },
    { "two proxies", "192.0.2.1:1", { "10.0.0.1, 203.0.113.9, 192.0.2.7" }, NULL, "203.0.113.9" },
    { "several fields are one list",
      "192.0.2.1:1",
      { "10.0.0.1", "203.0.113.9", "192.0.2.7" },
      NULL,
      "203.0.113.9" },
    { "all of them proxies: the first",
      "192.0.2.1:1",
      { "192.0.2.9,192.0.2.7" },
      NULL,
      "192.0.2.9" },
    { "IPv6", "[2001:db8::1]:1", { "2001:db8:1::5" }, NULL, "2001:db8:1::5" },
    { "in brackets", "192.0.2.1:1", { "[2001:db8:1::5]" }, NULL, "2001:db8:1::5" },
    { "with its port", "192.0.2.1:1", { "[2001:db8:1::5]:4711" }, NULL, "2001:db8:1::5" },
    { "IPv4 with its port", "192.0.2.1:1", { "10.1.2.3:4711" }, NULL, "10.1.2.3" },
    { "blanks", "192.0.2.1:1", { "  10.9.9.9 ,\t10.1.2.3  " }, NULL, "10.1.2.3" },
    { "what is no address ends the way",
      "192.0.2.1:1",
      { "10.1.2.3, unknown" },
      NULL,
      "192.0.2.1" },
    { "… behind a proxy", "192.0.2.1:1", { "10.1.2.3, _hidden, 192.0.2.7" }, NULL, "192.0.2.7" },
    { "empty", "192.0.2.1:1", { "" }, NULL, "192.0.2.1" },
    { "an empty hop", "192.0.2.1:1", { "10.1.2.3," }, NULL, "192.0.2.1" },
    { "X-Real-IP where there is nothing else", "192.0.2.1:1", { NULL }, "10.1.2.3", "10.1.2.3" },
    { "… and not beside it", "192.0.2.1:1", { "10.1.2.3" }, "10.4.5.6", "10.1.2.3" },
    { "… and only an address", "192.0.2.1:1", { NULL }, "me", "192.0.2.1" },
    { "nothing told", "192.0.2.1:1", { NULL }, NULL, "192.0.2.1" },
};

TEST(only_what_a_trusted_proxy_wrote_counts)
{
    static const struct str trusted[] = { STR("192.0.2.0/24"), STR("2001:db8::1") };

    for (size_t i = 0; i < COUNT(cases); i++) {
        static struct http_head head;
        struct address peer, want = { .port = 0 }, got;

        head = (struct http_head){ .field_count = 0 };
        for (size_t k = 0; k < FIELDS && cases[i].forwarded[k] != NULL; k++)
            head.fields[head.field_count++] =
                (struct http_field){ STR("X-Forwarded-For"), str_c(cases[i].forwarded[k]) };
        if (cases[i].real != NULL)
            head.fields[head.field_count++] =
                (struct http_field){ STR("X-Real-IP"), str_c(cases[i].real) };
        CHECK(address_read(str_c(cases[i].peer), &peer), "%s", cases[i].what);
        CHECK(address_from_ip(str_c(cases[i].client), 0, &want), "%s", cases[i].what);
        got = forwarded_client(&head, trusted, COUNT(trusted), &peer);
        CHECK(memcmp(got.ip, want.ip, sizeof(got.ip)) == 0, "%s", cases[i].what);
        CHECK_INT(got.port, peer.port, "%s", cases[i].what);
    }
}
