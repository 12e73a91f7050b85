#include "http/proxy.h"

#include "test.h"

static const struct {
    const char *name, *value;
} variables[] = {
    { "HTTPS_PROXY", "http://upper:1" }, { "https_proxy", "http://lower:1" },
    { "HTTP_PROXY", "http://upper:2" },  { "all_proxy", " http://lower:3 " },
    { "NO_PROXY", "a.example" },         { "no_proxy", "" },
};

static struct str get_variable(const char *name)
{
    for (size_t i = 0; i < COUNT(variables); i++)
        if (strcmp(variables[i].name, name) == 0)
            return str_c(variables[i].value);
    return STR("");
}

TEST(the_environment_is_read_in_both_cases_and_lower_wins)
{
    struct proxy_settings s = proxy_from_environment(get_variable);

    CHECK_STR(s.https_proxy, "http://lower:1");
    CHECK_STR(s.http_proxy, "http://upper:2");
    CHECK_STR(s.all_proxy, "http://lower:3");
    CHECK_STR(s.no_proxy, "a.example");
    CHECK_STR(s.global, "");
}

TEST(no_proxy_names_hosts_that_are_reached_directly)
{
    static const struct {
        const char *list, *host;
        int port;
        bool direct;
    } cases[] = {
        { "", "api.example", 443, false },
        { "*", "api.example", 443, true },
        { "other.example,*", "api.example", 443, true },
        { "api.example", "api.example", 443, true },
        { "API.Example", "api.example", 443, true },
        { "api.example", "API.EXAMPLE.", 443, true },
        { "api.example.", "api.example", 443, true },
        { "example", "api.example", 443, true },
        { ".example", "api.example", 443, true },
        { "*.example", "api.example", 443, true },
        { "*.example", "example", 443, true },
        { ".example", "example", 443, true },
        { "example", "myexample", 443, false },
        { ".example", "myexample", 443, false },
        { "ple", "api.example", 443, false },
        { "a,b , api.example", "api.example", 443, true },
        { "a b\tapi.example", "api.example", 443, true },
        { ",,", "api.example", 443, false },
        { ".", "api.example", 443, false },
        { "api.example:443", "api.example", 443, true },
        { "api.example:8443", "api.example", 443, false },
        { "*:443", "api.example", 443, true },
        { "*:80", "api.example", 443, false },
        { "192.0.2.7", "192.0.2.7", 443, true },
        { "192.0.2.7", "192.0.2.70", 443, false },
        { "2.7", "192.0.2.7", 443, false },
        { "192.0.2.0/24", "192.0.2.7", 443, true },
        { "192.0.2.0/24", "192.0.3.7", 443, false },
        { "192.0.2.0/24:443", "192.0.2.7", 443, true },
        { "192.0.2.0/24:80", "192.0.2.7", 443, false },
        { "192.0.2.0/24", "api.example", 443, false },
        { "10.0.0.0/33", "10.0.0.1", 443, false },
        { "2001:db8::1", "2001:db8::1", 443, true },
        { "2001:db8::1", "2001:db8:0:0::1", 443, true },
        { "[2001:db8::1]", "2001:db8::1", 443, true },
        { "[2001:db8::1]:443", "2001:db8::1", 443, true },
        { "[2001:db8::1]:80", "2001:db8::1", 443, false },
        { "2001:db8::/32", "2001:db8::1", 443, true },
        { "2001:db8::/32", "2001:db9::1", 443, false },
        { "[2001:db8::/32]:443", "2001:db8::1", 443, true },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct proxy_settings s = { .https_proxy = STR("http://p:1"),
                                    .no_proxy = str_c(cases[i].list) };
        struct str got =
            proxy_choose(&s, STR(""), true, str_c(cases[i].host), (uint16_t)cases[i].port);

        CHECK_STR(got, cases[i].direct ? "" : "http://p:1", "NO_PROXY='%s', %s", cases[i].list,
                  cases[i].host);
    }
}

TEST(the_account_decides_before_the_setting_and_the_setting_before_the_environment)
{
    static const struct {
        const char *account, *global, *https, *http, *all, *host;
        bool tls;
        const char *want;
    } cases[] = {
        { "http://acc:1", "http://glo:1", "http://env:1", "", "", "h", true, "http://acc:1" },
        { "", "http://glo:1", "http://env:1", "", "", "h", true, "http://glo:1" },
        { "", "", "http://env:1", "http://env:2", "http://env:3", "h", true, "http://env:1" },
        { "", "", "http://env:1", "http://env:2", "http://env:3", "h", false, "http://env:2" },
        { "", "", "", "http://env:2", "http://env:3", "h", true, "http://env:3" },
        { "", "", "", "", "", "h", true, "" },
        { "", "direct", "http://env:1", "", "", "h", true, "" },
        { "direct", "http://glo:1", "http://env:1", "", "", "h", true, "" },
        { "http://acc:1", "", "", "", "", "no.example", true, "http://acc:1" },
        { "http://acc:1", "http://glo:1", "http://env:1", "", "", "localhost", true, "" },
        { "http://acc:1", "http://glo:1", "http://env:1", "", "", "LOCALHOST.", true, "" },
        { "http://acc:1", "", "", "", "", "my.localhost", true, "" },
        { "http://acc:1", "", "", "", "", "127.0.0.1", true, "" },
        { "http://acc:1", "", "", "", "", "127.9.9.9", true, "" },
        { "http://acc:1", "", "", "", "", "::1", true, "" },
        { "http://acc:1", "", "", "", "", "::ffff:127.0.0.1", true, "" },
        { "http://acc:1", "", "", "", "", "localhost.example", true, "http://acc:1" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct proxy_settings s = {
            .https_proxy = str_c(cases[i].https),
            .http_proxy = str_c(cases[i].http),
            .all_proxy = str_c(cases[i].all),
            .no_proxy = STR("no.example"),
            .global = str_c(cases[i].global),
        };

        CHECK_STR(
            proxy_choose(&s, str_c(cases[i].account), cases[i].tls, str_c(cases[i].host), 443),
            cases[i].want, "case %zu, %s", i, cases[i].host);
    }
}

TEST(an_origin_is_made_of_a_base_url)
{
    static const struct {
        const char *url, *host, *authority, *path, *key;
        int port;
        bool tls;
    } cases[] = {
        { "https://api.example", "api.example", "api.example", "", "https api.example 443", 443,
          true },
        { "https://API.Example:443/v1/", "api.example", "api.example", "/v1",
          "https api.example 443", 443, true },
        { "http://api.example:8080/a/b", "api.example", "api.example:8080", "/a/b",
          "http api.example 8080", 8080, false },
        { "https://api.example:80", "api.example", "api.example:80", "", "https api.example 80", 80,
          true },
        { "http://[2001:DB8::1]/", "2001:db8::1", "[2001:db8::1]", "", "http 2001:db8::1 80", 80,
          false },
        { "http://[2001:db8::1]:81/x@y", "2001:db8::1", "[2001:db8::1]:81", "/x@y",
          "http 2001:db8::1 81", 81, false },
    };
    const struct proxy_settings none = { 0 };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct origin o;
        struct str path;
        struct error e = { 0 };

        if (!CHECK_INT(origin_make(str_c(cases[i].url), &none, STR(""), &t->arena, &o, &path, &e),
                       OK, "%s: %s", cases[i].url, e.text))
            continue;
        CHECK_STR(o.host, cases[i].host, "%s", cases[i].url);
        CHECK_STR(o.authority, cases[i].authority, "%s", cases[i].url);
        CHECK_STR(path, cases[i].path, "%s", cases[i].url);
        CHECK_STR(o.pool_key, cases[i].key, "%s", cases[i].url);
        CHECK_INT(o.port, cases[i].port, "%s", cases[i].url);
        CHECK_INT(o.tls, cases[i].tls, "%s", cases[i].url);
        CHECK_INT(o.proxy, PROXY_NONE, "%s", cases[i].url);
        origin_clear(&o);
    }
}

TEST(an_origin_is_not_made_of_this)
{
    static const struct {
        const char *url, *proxy;
        enum status want;
    } cases[] = {
        { "", "", E_SYNTAX },
        { "api.example", "", E_SYNTAX },
        { "ftp://api.example", "", E_SYNTAX },
        { "socks5://api.example", "", E_SYNTAX },
        { "https://", "", E_SYNTAX },
        { "https://api.example:0", "", E_SYNTAX },
        { "https://api.example:65536", "", E_SYNTAX },
        { "https://ada:s3cret@api.example", "", E_SYNTAX },
        { "https://@api.example", "", E_SYNTAX },
        { "https://api.example/?key=s3cret", "", E_SYNTAX },
        { "https://api.example?", "", E_SYNTAX },
        { "https://api.example/#x", "", E_SYNTAX },
        { "http://169.254.169.254/latest", "", E_REFUSED },
        { "http://[::ffff:169.254.169.254]/", "", E_REFUSED },
        { "http://[::ffff:a9fe:a9fe]/", "", E_REFUSED },
        { "http://100.100.100.200", "", E_REFUSED },
        { "http://[fd00:ec2::254]", "", E_REFUSED },
        { "http://[fd00:0ec2:0:0::254]", "", E_REFUSED },
        { "http://metadata.google.internal", "", E_REFUSED },
        { "http://Metadata.Google.Internal.:80/x", "", E_REFUSED },
        { "http://api.example", "http://169.254.169.254:80", E_REFUSED },
        { "http://api.example", "ftp://p:1", E_SYNTAX },
        { "http://api.example", "http://p:1/path", E_SYNTAX },
        { "http://api.example", "http://p:1/?q", E_SYNTAX },
        { "http://api.example", "http://ada:s3cret%zz@p:1", E_SYNTAX },
        { "http://api.example", "http://a%3Ada:s3cret@p:1", E_SYNTAX },
        { "http://api.example", "socks5://ada@p:1", E_SYNTAX },
        { "http://api.example", "socks5://:s3cret@p:1", E_SYNTAX },
    };
    const struct proxy_settings none = { 0 };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct origin o;
        struct str path;
        struct error e = { 0 };

        CHECK_INT(origin_make(str_c(cases[i].url), &none, str_c(cases[i].proxy), &t->arena, &o,
                              &path, &e),
                  cases[i].want, "%s by %s", cases[i].url, cases[i].proxy);
        CHECK(e.text[0] != '\0', "%s by %s", cases[i].url, cases[i].proxy);
        CHECK(strstr(e.text, "s3cret") == NULL, "%s by %s", cases[i].url, cases[i].proxy);
    }
}

TEST(an_origin_knows_its_proxy_and_login)
{
    static const struct {
        const char *proxy;
        int kind, port;
        bool tls, names;
        const char *host, *auth;
    } cases[] = {
        { "http://Proxy.Example:3128", PROXY_HTTP, 3128, false, false, "proxy.example", "" },
        { "proxy.example:3128", PROXY_HTTP, 3128, false, false, "proxy.example", "" },
        { "http://proxy.example", PROXY_HTTP, 80, false, false, "proxy.example", "" },
        { "https://proxy.example/", PROXY_HTTP, 443, true, false, "proxy.example", "" },
        { "http://Aladdin:open%20sesame@[2001:db8::9]:3128", PROXY_HTTP, 3128, false, false,
          "2001:db8::9", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
        { "http://ada@p:1", PROXY_HTTP, 1, false, false, "p", "Basic YWRhOg==" },
        { "socks5://p", PROXY_SOCKS5, 1080, false, false, "p", "" },
        { "socks5h://ada:s%3Acret@p:9", PROXY_SOCKS5, 9, false, true, "p", "ada:s:cret" },
    };
    const struct proxy_settings none = { 0 };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct origin o;
        struct str path;
        struct error e = { 0 };

        if (!CHECK_INT(origin_make(STR("http://api.example"), &none, str_c(cases[i].proxy),
                                   &t->arena, &o, &path, &e),
                       OK, "%s: %s", cases[i].proxy, e.text))
            continue;
        CHECK_INT(o.proxy, cases[i].kind, "%s", cases[i].proxy);
        CHECK_INT(o.proxy_port, cases[i].port, "%s", cases[i].proxy);
        CHECK_INT(o.proxy_tls, cases[i].tls, "%s", cases[i].proxy);
        CHECK_INT(o.proxy_names, cases[i].names, "%s", cases[i].proxy);
        CHECK_STR(o.proxy_host, cases[i].host, "%s", cases[i].proxy);
        CHECK_STR(secret_reveal(&o.proxy_auth), cases[i].auth, "%s", cases[i].proxy);
        CHECK(str_find(o.pool_key, STR("cret")) == SIZE_MAX, "%s", cases[i].proxy);
        origin_clear(&o);
    }
}

TEST(whatever_tells_two_origins_apart_is_in_the_pool_key)
{
    static const char *const cases[][2] = {
        { "https://api.example", "" },
        { "http://api.example", "" },
        { "http://api.example:443", "" },
        { "http://api2.example", "" },
        { "http://api.example", "http://p:1" },
        { "http://api.example", "http://p:2" },
        { "http://api.example", "http://p2:1" },
        { "http://api.example", "https://p:1" },
        { "http://api.example", "socks5://p:1" },
        { "http://api.example", "socks5h://p:1" },
        { "http://api.example", "http://ada:x@p:1" },
        { "http://api.example", "http://ada:y@p:1" },
        { "http://api.example", "socks5://ada:y@p:1" },
    };
    struct str keys[COUNT(cases)], path;
    const struct proxy_settings none = { 0 };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct origin o;
        struct error e;

        if (!CHECK_INT(origin_make(str_c(cases[i][0]), &none, str_c(cases[i][1]), &t->arena, &o,
                                   &path, &e),
                       OK, "%s by %s", cases[i][0], cases[i][1]))
            return;
        keys[i] = o.pool_key;
        origin_clear(&o);
        for (size_t k = 0; k < i; k++)
            CHECK(!str_eq(keys[i], keys[k]), "%s by %s has the key of %s by %s", cases[i][0],
                  cases[i][1], cases[k][0], cases[k][1]);
    }
}
