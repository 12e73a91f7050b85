#include "base/url.h"

#include "test.h"

#include <arpa/inet.h>

TEST(urls_are_taken_apart)
{
    static const struct {
        const char *text, *scheme, *user, *password, *host, *path, *query;
        int port;
        bool given;
    } cases[] = {
        { "https://api.example.com", "https", "", "", "api.example.com", "", "", 443, false },
        { "https://api.example.com/", "https", "", "", "api.example.com", "/", "", 443, false },
        { "http://a/v1/b?x=1&y=/?z", "http", "", "", "a", "/v1/b", "x=1&y=/?z", 80, false },
        { "HTTP://A:8080/P", "HTTP", "", "", "A", "/P", "", 8080, true },
        { "http://a?q", "http", "", "", "a", "", "q", 80, false },
        { "http://a/?", "http", "", "", "a", "/", "", 80, false },
        { "http://a:/", "http", "", "", "a", "/", "", 80, false },
        { "http://a:443", "http", "", "", "a", "", "", 443, true },
        { "http://a:1", "http", "", "", "a", "", "", 1, true },
        { "http://a:65535", "http", "", "", "a", "", "", 65535, true },
        { "http://a:00080", "http", "", "", "a", "", "", 80, true },
        { "socks5://u:p@10.0.0.1:1081", "socks5", "u", "p", "10.0.0.1", "", "", 1081, true },
        { "socks5h://h", "socks5h", "", "", "h", "", "", 1080, false },
        { "http://u@h/", "http", "u", "", "h", "/", "", 80, false },
        { "http://@h/", "http", "", "", "h", "/", "", 80, false },
        { "http://:p@h/", "http", "", "p", "h", "/", "", 80, false },
        { "http://u:p:q@h/", "http", "u", "p:q", "h", "/", "", 80, false },
        { "http://u%40x:p%3A@h/", "http", "u%40x", "p%3A", "h", "/", "", 80, false },
        { "http://h/a@b:c", "http", "", "", "h", "/a@b:c", "", 80, false },
        { "http://[::1]/", "http", "", "", "::1", "/", "", 80, false },
        { "http://[fd00::1]:99", "http", "", "", "fd00::1", "", "", 99, true },
        { "http://u:p@[::ffff:1.2.3.4]:9/x", "http", "u", "p", "::ffff:1.2.3.4", "/x", "", 9,
          true },
        { "http://a_b-c.d.", "http", "", "", "a_b-c.d.", "", "", 80, false },
        { "http://1.2.3.4", "http", "", "", "1.2.3.4", "", "", 80, false },
        { "http://1a", "http", "", "", "1a", "", "", 80, false },
        { "http://0x1g", "http", "", "", "0x1g", "", "", 80, false },
        { "http://1.2.3.4.example", "http", "", "", "1.2.3.4.example", "", "", 80, false },
        { "http://h//x/../%2e%zz", "http", "", "", "h", "//x/../%2e%zz", "", 80, false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *what = "nothing";
        struct url u = { .port = -1 };

        if (!CHECK(url_read(str_c(cases[i].text), &u, &what), "%s: %s", cases[i].text, what))
            continue;
        CHECK_STR(u.scheme, cases[i].scheme, "%s", cases[i].text);
        CHECK_STR(u.user, cases[i].user, "%s", cases[i].text);
        CHECK_STR(u.password, cases[i].password, "%s", cases[i].text);
        CHECK_STR(u.host, cases[i].host, "%s", cases[i].text);
        CHECK_STR(u.path, cases[i].path, "%s", cases[i].text);
        CHECK_STR(u.query, cases[i].query, "%s", cases[i].text);
        CHECK_INT(u.port, cases[i].port, "%s", cases[i].text);
        CHECK_INT(u.port_given, cases[i].given, "%s", cases[i].text);
    }
}

TEST(urls_that_are_none_are_refused_with_a_reason)
{
    static const struct {
        const char *text, *what;
    } cases[] = {
        { "", "scheme" },
        { "a", "scheme" },
        { "/v1", "scheme" },
        { "//a/", "scheme" },
        { "http:", "scheme" },
        { "http:/a", "scheme" },
        { "http:a", "scheme" },
        { "://a", "scheme" },
        { "ftp://a", "scheme" },
        { "file:///etc/passwd", "scheme" },
        { "httpx://a", "scheme" },
        { "socks4://a", "scheme" },
        { "http://", "no host" },
        { "http:///x", "no host" },
        { "http://?x", "no host" },
        { "http://:80", "no host" },
        { "http://u@", "no host" },
        { "http://a#b", "fragment" },
        { "http://a/#", "fragment" },
        { " http://a", "blank" },
        { "http://a ", "blank" },
        { "http://a b", "blank" },
        { "http://a/\r\nx: y", "blank" },
        { "http://a/\x7F", "blank" },
        { "http://\xC3\xA9/", "blank" },
        { "http://a/\xC3\xA9", "blank" },
        { "http://a\\b", "backslash" },
        { "http://a/\\b", "backslash" },
        { "http://a@b@c/", "no host name has" },
        { "http://a%41/", "no host name has" },
        { "http://a~b/", "no host name has" },
        { "http://a!/", "no host name has" },
        { "http://<a>/", "no host name has" },
        { "http://a]/", "no host name has" },
        { "http://u[x]@h/", "user part" },
        { "http://u\"@h/", "user part" },
        { "http://.a/", "empty part" },
        { "http://a..b/", "empty part" },
        { "http://./", "empty part" },
        { "http://a:0", "port" },
        { "http://a:65536", "port" },
        { "http://a:-1", "port" },
        { "http://a:+1", "port" },
        { "http://a:8x", "port" },
        { "http://a:1:2", "port" },
        { "http://a:99999999999999999999", "port" },
        { "http://[::1", "IPv6" },
        { "http://[]", "IPv6" },
        { "http://[1.2.3.4]", "IPv6" },
        { "http://[::1%25eth0]/", "IPv6" },
        { "http://[v1.x]/", "IPv6" },
        { "http://[::1]x", "behind" },
        { "http://::1/", "no host" },
        { "http://[::1]:x", "port" },
        { "http://1", "IPv4" },
        { "http://127.1", "IPv4" },
        { "http://2130706433/", "IPv4" },
        { "http://0177.0.0.1/", "IPv4" },
        { "http://0x7f.0.0.1/", "IPv4" },
        { "http://0x7f000001/", "IPv4" },
        { "http://1.2.3.0x4/", "IPv4" },
        { "http://1.2.3.256/", "IPv4" },
        { "http://1.2.3.4.5/", "IPv4" },
        { "http://1.2.3.4./", "IPv4" },
        { "http://a.1/", "IPv4" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *what = "";
        struct url u = { .port = -1 };

        CHECK(!url_read(str_c(cases[i].text), &u, &what), "%s", cases[i].text);
        CHECK(strstr(what, cases[i].what) != NULL, "%s: %s", cases[i].text, what);
        CHECK_INT(u.port, -1, "%s", cases[i].text);
        CHECK(!url_read(str_c(cases[i].text), &u, NULL), "%s", cases[i].text);
    }
}

TEST(url_hosts_are_limited_in_length)
{
    for (size_t len = 252; len <= 254; len++) {
        char text[300] = "http://";
        struct url u;

        memset(text + 7, 'a', len);
        CHECK_INT(url_read((struct str){ text, 7 + len }, &u, NULL), len <= 253, "%zu", len);
    }
}

TEST(percent_coding_goes_both_ways)
{
    static const struct {
        const char *plain, *coded;
        bool keep_slash;
    } cases[] = {
        { "", "", false },
        { "azAZ09-._~", "azAZ09-._~", false },
        { "a b", "a%20b", false },
        { "a/b", "a%2Fb", false },
        { "a/b", "a/b", true },
        { "+&=?#%\"'()*", "%2B%26%3D%3F%23%25%22%27%28%29%2A", false },
        { "\xC3\xA9\x7F\x01", "%C3%A9%7F%01", false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str want = str_c(cases[i].coded);
        struct buf back;

        for (size_t max = 1; max <= want.len + 2; max++) {
            struct buf out;

            buf_init(&out, max);
            buf_add(&out, STR("."));
            bool fits = percent_put(&out, str_c(cases[i].plain), cases[i].keep_slash);
            CHECK_INT(fits, max > want.len, "%s, max %zu", want.at, max);
            CHECK_STRS(str_drop(buf_str(&out), 1), fits ? want : STR(""), "%s", want.at);
            buf_clear(&out);
        }
        buf_init(&back, 100);
        CHECK(percent_get(&back, want, false), "%s", want.at);
        CHECK_STR(buf_str(&back), cases[i].plain, "%s", want.at);
        buf_clear(&back);
    }
}

TEST(a_url_is_shown_without_who_logs_in)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "http://ada:p%20w@10.0.0.1:3128", "http://…@10.0.0.1:3128" },
        { "socks5h://ada@proxy.example", "socks5h://…@proxy.example:1080" },
        { "http://ada:pw@[fd00::1]:8080/", "http://…@[fd00::1]:8080" },
        { "http://proxy.example:3128", "http://proxy.example:3128" },
        { "direct", "direct" },
        { "", "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out = { .max = 256 };

        CHECK(url_put_shown(&out, str_c(cases[i].text)), "%s", cases[i].text);
        CHECK_STR(buf_str(&out), cases[i].want, "%s", cases[i].text);
        buf_clear(&out);
    }
}

TEST(percent_escapes_are_read_strictly)
{
    static const struct {
        const char *coded, *want;
        bool plus, good;
    } cases[] = {
        { "a%2fb%2Fc", "a/b/c", false, true },
        { "a+b", "a+b", false, true },
        { "a+b", "a b", true, true },
        { "a%2Bb", "a+b", true, true },
        { "%25%32%35", "%25", false, true },
        { "%", "", false, false },
        { "%2", "", false, false },
        { "ab%2", "", false, false },
        { "%2g", "", false, false },
        { "%g2", "", false, false },
        { "%%20", "", false, false },
        { "% 2", "", false, false },
        { "%+1", "", true, false },
        { "a%-1", "", false, false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;

        buf_init(&out, 100);
        CHECK_INT(percent_get(&out, str_c(cases[i].coded), cases[i].plus), cases[i].good, "%s",
                  cases[i].coded);
        CHECK_STR(buf_str(&out), cases[i].want, "%s", cases[i].coded);
        buf_clear(&out);
    }
    for (size_t max = 2; max <= 4; max++) {
        struct buf out;

        buf_init(&out, max);
        CHECK_INT(percent_get(&out, STR("a%20b"), false), max >= 3, "max %zu", max);
        CHECK_INT(out.len, max >= 3 ? 3 : 0, "max %zu", max);
        buf_clear(&out);
    }
    struct buf out;

    buf_init(&out, 4);
    CHECK(percent_get(&out, STR("%00"), false));
    CHECK_STRS(buf_str(&out), STR("\0"));
    buf_clear(&out);
}

/* What the C library makes of it, which is as strict. */
static bool ip_read_libc(const char *text, uint8_t out[16])
{
    memset(out, 0, 16);
    if (inet_pton(AF_INET, text, out + 12) == 1) {
        out[10] = out[11] = 0xFF;
        return true;
    }
    return inet_pton(AF_INET6, text, out) == 1;
}

static void check_ip(struct test *t, const char *text)
{
    uint8_t got[16] = { 0 }, want[16];
    bool is_v4 = false;
    bool good = ip_read_libc(text, want);

    if (!CHECK_INT(ip_read(str_c(text), got, &is_v4), good, "%s", text) || !good)
        return;
    CHECK(memcmp(got, want, 16) == 0, "%s", text);
    CHECK_INT(is_v4, strchr(text, ':') == NULL, "%s", text);
}

TEST(ip_addresses_are_read_as_the_c_library_reads_them)
{
    static const char *const texts[] = {
        "0.0.0.0",
        "1.2.3.4",
        "255.255.255.255",
        "256.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "01.2.3.4",
        "1.2.3.04",
        "1.2.3.00",
        "1.2.3.0",
        "0x1.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.+4",
        "1.2.3.-4",
        "1.2.3.1000",
        "1.2.3.a",
        "",
        "1",
        "127.1",
        ".",
        "...",
        ":",
        "::",
        ":::",
        "::::",
        "::1",
        "1::",
        "1::2",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        ":1",
        "1:",
        ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "1::3:4:5:6:7:8",
        "1::2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1::2::3",
        "::1::",
        "1:::2",
        "fd00::",
        "FE80::ABCD",
        "::ffff",
        "::10000",
        "::00001",
        "::0001",
        "::g",
        "::-1",
        "::1.2.3.4",
        "::ffff:1.2.3.4",
        "1:2:3:4:5:6:1.2.3.4",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        "1.2.3.4::",
        "::1.2.3.4:1",
        "::1.2.3",
        "::1.2.3.04",
        "::1.2.3.256",
        "1::1.2.3.4",
        "1:2:3:4:5::1.2.3.4",
        "1:2:3:4:5:6::1.2.3.4",
        "::1%eth0",
        "[::1]",
        "::1/128",
        "1 ::2",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        check_ip(t, texts[i]);
}

TEST(ip_addresses_of_random_letters_are_read_as_the_c_library_reads_them)
{
    static const char *const parts[] = { "0", "1", "9",  "25", "255", "a", "f",  "ffff", ":",
                                         ":", ":", "::", ".",  ".",   ".", "01", "1:2:", "1.2.3" };
    for (size_t round = 0; round < 100000; round++) {
        char text[80] = "";
        size_t len = 0;

        for (size_t n = test_below(t, 16); n > 0; n--)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s",
                                    parts[test_below(t, COUNT(parts))]);
        check_ip(t, text);
        if (t->failures > 0)
            return;
    }
}

TEST(ip_networks_hold_their_addresses)
{
    static const struct {
        const char *ip, *cidr;
        bool want;
    } cases[] = {
        { "10.0.0.0", "10.0.0.0/8", true },
        { "10.255.255.255", "10.0.0.0/8", true },
        { "11.0.0.0", "10.0.0.0/8", false },
        { "9.255.255.255", "10.0.0.0/8", false },
        { "10.1.2.3", "10.9.9.9/8", true },
        { "172.31.255.255", "172.16.0.0/12", true },
        { "172.32.0.0", "172.16.0.0/12", false },
        { "1.2.3.4", "1.2.3.4/32", true },
        { "1.2.3.5", "1.2.3.4/32", false },
        { "1.2.3.5", "1.2.3.4/31", true },
        { "1.2.3.4", "1.2.3.4", true },
        { "1.2.3.5", "1.2.3.4", false },
        { "1.2.3.4", "0.0.0.0/0", true },
        { "::1", "0.0.0.0/0", false },
        { "::ffff:1.2.3.4", "1.2.3.0/24", true },
        { "1.2.3.4", "::/0", true },
        { "1.2.3.4", "::ffff:0:0/96", true },
        { "fd12::1", "fd00::/8", true },
        { "fe00::1", "fd00::/8", false },
        { "fdff::", "fc00::/7", true },
        { "::1", "::1/128", true },
        { "::2", "::1/128", false },
        { "::3", "::2/127", true },
        { "::1", "::1", true },
        { "1.2.3.4", "1.2.3.4/33", false },
        { "1.2.3.4", "1.2.3.4/", false },
        { "1.2.3.4", "1.2.3.4/032", false },
        { "1.2.3.4", "1.2.3.4/-1", false },
        { "1.2.3.4", "1.2.3.4/8/8", false },
        { "1.2.3.4", "1.2.3.4/8 ", false },
        { "1.2.3.4", "/8", false },
        { "1.2.3.4", "1.2.3/8", false },
        { "1.2.3.4", "", false },
        { "1.2.3.4", "example.com", false },
        { "::1", "::1/129", false },
        { "::1", "::1/256", false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t ip[16];

        CHECK(ip_read(str_c(cases[i].ip), ip, NULL), "%s", cases[i].ip);
        CHECK_INT(ip_in_cidr(ip, str_c(cases[i].cidr)), cases[i].want, "%s in %s", cases[i].ip,
                  cases[i].cidr);
    }
}

TEST(ip_loopback_is_all_of_127_and_one_of_ipv6)
{
    static const struct {
        const char *ip;
        bool want;
    } cases[] = {
        { "127.0.0.1", true },    { "127.255.0.9", true }, { "126.0.0.1", false },
        { "128.0.0.1", false },   { "::1", true },         { "::2", false },
        { "::", false },          { "0.0.0.0", false },    { "::ffff:127.0.0.1", true },
        { "::127.0.0.1", false }, { "fe80::1", false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t ip[16];

        CHECK(ip_read(str_c(cases[i].ip), ip, NULL), "%s", cases[i].ip);
        CHECK_INT(ip_is_loopback(ip), cases[i].want, "%s", cases[i].ip);
    }
}
