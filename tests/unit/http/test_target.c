#include "http/parse.h"
#include "test.h"

/* `path?query` with a `?` always, or `BAD`. */
static struct str split(struct test *t, struct str target)
{
    char *path = arena_alloc_raw(&t->arena, target.len + 1);
    size_t path_len = 0;
    struct str query;
    struct http_fault fault = { 0 };

    if (!http_target_split(target, path, &path_len, &query, &fault)) {
        CHECK_INT(fault.status, 400);
        CHECK(fault.what != NULL);
        return STR("BAD");
    }
    CHECK(path_len <= target.len);
    return arena_printf(&t->arena, "%.*s?%.*s", (int)path_len, path, STR_ARG(query));
}

static const struct {
    const char *name, *target, *want;
} targets[] = {
    { "root", "/", "/?" },
    { "path", "/v1/chat/completions", "/v1/chat/completions?" },
    { "query", "/a?b=c&d", "/a?b=c&d" },
    { "empty query", "/a?", "/a?" },
    { "second question mark", "/a?b?c", "/a?b?c" },
    { "star", "*", "*?" },
    { "escapes", "/%61%2Fb%20c", "/a/b c?" },
    { "escapes in both cases", "/%e2%82%AC", "/\xe2\x82\xac?" },
    { "decoded once", "/%2561", "/%61?" },
    { "escaped question mark is path", "/a%3Fb?c", "/a?b?c" },
    { "plus in a path stays", "/a+b", "/a+b?" },
    { "query stays encoded", "/a?b=%20+%2e%2e/..", "/a?b=%20+%2e%2e/.." },
    { "two slashes stay", "//a//b/", "//a//b/?" },
    { "parameters stay", "/a;x=y/b", "/a;x=y/b?" },
    { "trailing dot stays", "/a./b.", "/a./b.?" },
    { "case stays", "/V1/Models", "/V1/Models?" },
    { "three dots are a name", "/.../a", "/.../a?" },
    { "dots within names", "/a..b/.c/d..", "/a..b/.c/d..?" },
    { "dot with a parameter is no dot", "/..;x/a", "/..;x/a?" },
    { "colon", "/v1beta/models/gemini:generateContent", "/v1beta/models/gemini:generateContent?" },
    { "absolute", "http://example.com/a?b", "/a?b" },
    { "absolute, https, port", "HTTPS://example.com:443/a", "/a?" },
    { "absolute without path", "http://example.com", "/?" },
    { "absolute, query at once", "http://example.com?b", "/?b" },
    { "absolute, IPv6", "http://[::1]:80/a", "/a?" },
    { "absolute in a path", "/http://a/../b", "BAD" },
    { "colon and slashes in a path", "/http://a/b", "/http://a/b?" },

    { "empty", "", "BAD" },
    { "no slash", "a", "BAD" },
    { "query only", "?a", "BAD" },
    { "two stars", "**", "BAD" },
    { "star and query", "*?a", "BAD" },
    { "escape cut after %", "/a%", "BAD" },
    { "escape cut after one digit", "/a%2", "BAD" },
    { "escape without digits", "/a%zz", "BAD" },
    { "escape with a bad second digit", "/a%2g", "BAD" },
    { "escape with a sign", "/a%+1", "BAD" },
    { "escape of %u", "/a%u0041", "BAD" },
    { "escape across the question mark", "/a%2?0", "BAD" },
    { "NUL", "/a%00", "BAD" },
    { "NUL in the query", "/a?b=%00", "BAD" },
    { "line break", "/a%0d%0aSet-Cookie:x", "BAD" },
    { "escape of DEL", "/a%7f", "BAD" },
    { "bad escape in the query", "/a?b=%", "BAD" },
    { "bad escape at the query's end", "/a?b=%4", "BAD" },
    { "dot", "/.", "BAD" },
    { "dot segment", "/a/./b", "BAD" },
    { "dots", "/..", "BAD" },
    { "dots segment", "/a/../b", "BAD" },
    { "dots at the end", "/a/..", "BAD" },
    { "dot with a slash", "/./", "BAD" },
    { "escaped dots", "/%2e%2e/a", "BAD" },
    { "half escaped dots", "/.%2E/a", "BAD" },
    { "escaped dot", "/a/%2e", "BAD" },
    { "dots behind an escaped slash", "/a%2f..", "BAD" },
    { "dots before an escaped slash", "/..%2Fa", "BAD" },
    { "dots before the query", "/a/..?b", "BAD" },
    { "absolute with dots", "http://example.com/..", "BAD" },
    { "absolute without host", "http:///a", "BAD" },
    { "absolute with user", "http://me@example.com/a", "BAD" },
    { "absolute with a bad port", "http://example.com:0/a", "BAD" },
    { "absolute, other scheme", "ftp://example.com/a", "BAD" },
    { "fragment", "/a#b", "BAD" },
    { "backslash", "/a\\b", "BAD" },
    { "blank", "/a b", "BAD" },
    { "control byte", "/a\x01", "BAD" },
    { "DEL", "/a\x7f", "BAD" },
    { "high byte", "/a\xc3\xa4", "BAD" },
    { "blank in the query", "/a?b c", "BAD" },
};

TEST(targets_are_split_and_decoded_once)
{
    for (size_t i = 0; i < COUNT(targets); i++)
        CHECK_STR(split(t, str_c(targets[i].target)), targets[i].want, "%s", targets[i].name);
    CHECK_STR(split(t, (struct str){ "/a\0b", 4 }), "BAD", "NUL byte");
}

TEST(a_path_that_is_accepted_never_holds_a_dot_segment_or_a_control_byte)
{
    for (int round = 0; round < 20000; round++) {
        static const char *const parts[] = {
            "/", ".", "..", "%2e", "%2F", "a", "%", "25", ";", "?"
        };
        struct str target = STR("/");

        for (size_t n = test_below(t, 8); n > 0; n--)
            target = arena_printf(&t->arena, "%s%s", target.at, parts[test_below(t, COUNT(parts))]);
        char path[64];
        size_t path_len;
        struct str query, segment;
        struct http_fault fault;

        if (!http_target_split(target, path, &path_len, &query, &fault))
            continue;
        struct str rest = { path, path_len };

        for (bool more = true; more;) {
            more = str_cut(rest, '/', &segment, &rest);
            CHECK(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")), "%s", target.at);
        }
    }
}

/* --- hosts ------------------------------------------------------------------------------------ */

static struct str host(struct test *t, struct str text)
{
    struct str name = STR("untouched");
    int port = -7;

    if (!http_host_split(text, &name, &port)) {
        CHECK_STR(name, "untouched", "outputs are written on success only");
        CHECK_INT(port, -7);
        return STR("BAD");
    }
    return arena_printf(&t->arena, "%.*s %d", STR_ARG(name), port);
}

static const struct {
    const char *text, *want;
} hosts[] = {
    { "localhost", "localhost -1" },
    { "localhost:8317", "localhost 8317" },
    { "LOCALHOST", "LOCALHOST -1" },
    { "a", "a -1" },
    { "a:1", "a 1" },
    { "a:65535", "a 65535" },
    { "api.example.com", "api.example.com -1" },
    { "my_host-1.example", "my_host-1.example -1" },
    { "xn--bcher-kva.example:443", "xn--bcher-kva.example 443" },
    { "127.0.0.1", "127.0.0.1 -1" },
    { "127.0.0.1:80", "127.0.0.1 80" },
    /* other spellings of addresses are names like any other: they equal no name that we allow */
    { "2130706433", "2130706433 -1" },
    { "0x7f000001", "0x7f000001 -1" },
    { "0x7f.0.0.1", "0x7f.0.0.1 -1" },
    { "127.1", "127.1 -1" },
    { "0177.0.0.1:80", "0177.0.0.1 80" },
    { "127.000.000.001", "127.000.000.001 -1" },
    { "999.999.999.999", "999.999.999.999 -1" },
    { "localhost.", "localhost. -1" },
    { "localhost.:80", "localhost. 80" },
    { "127.0.0.1.", "127.0.0.1. -1" },
    { "[::1]", "[::1] -1" },
    { "[::1]:8317", "[::1] 8317" },
    { "[::]", "[::] -1" },
    { "[2001:db8::1]", "[2001:db8::1] -1" },
    { "[2001:DB8:0:0:0:0:0:1]:1", "[2001:DB8:0:0:0:0:0:1] 1" },
    { "[::ffff:127.0.0.1]", "[::ffff:127.0.0.1] -1" },
    { "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8] -1" },
    { "[1:2:3:4:5:6:1.2.3.4]:9", "[1:2:3:4:5:6:1.2.3.4] 9" },

    { "", "BAD" },
    { ":", "BAD" },
    { ":80", "BAD" },
    { "a:", "BAD" },
    { "a:0", "BAD" },
    { "a:00", "BAD" },
    { "a:080", "BAD" },
    { "a:65536", "BAD" },
    { "a:99999", "BAD" },
    { "a:100000", "BAD" },
    { "a:4294967376", "BAD" },
    { "a:18446744073709551696", "BAD" },
    { "a:+80", "BAD" },
    { "a:-80", "BAD" },
    { "a:8 0", "BAD" },
    { "a: 80", "BAD" },
    { "a :80", "BAD" },
    { "a:80 ", "BAD" },
    { "a:http", "BAD" },
    { "a:0x50", "BAD" },
    { "a:80:80", "BAD" },
    { "a:80/", "BAD" },
    { "a b", "BAD" },
    { " a", "BAD" },
    { "a\t", "BAD" },
    { "a,b", "BAD" },
    { "a/b", "BAD" },
    { "a?b", "BAD" },
    { "a#b", "BAD" },
    { "a\\b", "BAD" },
    { "a%41", "BAD" },
    { "a*", "BAD" },
    { "a!", "BAD" },
    { "a;b", "BAD" },
    { "a=b", "BAD" },
    { "a&b", "BAD" },
    { "'a'", "BAD" },
    { "(a)", "BAD" },
    { "<a>", "BAD" },
    { "{a}", "BAD" },
    { "a\x7f", "BAD" },
    { "\xc3\xa4", "BAD" },
    { "me@a", "BAD" },
    { "me:pw@a", "BAD" },
    { "@a", "BAD" },
    { "http://a", "BAD" },
    { "//a", "BAD" },
    { "::1", "BAD" },
    { "fe80::1", "BAD" },
    { "[", "BAD" },
    { "[]", "BAD" },
    { "[]:80", "BAD" },
    { "[::1", "BAD" },
    { "::1]", "BAD" },
    { "[::1]]", "BAD" },
    { "[[::1]]", "BAD" },
    { "[::1]80", "BAD" },
    { "[::1].", "BAD" },
    { "[::1]:", "BAD" },
    { "[::1]:0", "BAD" },
    { "[::1]:65536", "BAD" },
    { "[::1%eth0]", "BAD" },
    { "[fe80::1%25eth0]", "BAD" },
    { "[v1.a:b]", "BAD" },
    { "[127.0.0.1]", "BAD" },
    { "[localhost]", "BAD" },
    { "[:]", "BAD" },
    { "[:::]", "BAD" },
    { "[::1::2]", "BAD" },
    { "[1:2:3:4:5:6:7]", "BAD" },
    { "[1:2:3:4:5:6:7:8:9]", "BAD" },
    { "[12345::1]", "BAD" },
    { "[::g]", "BAD" },
    { "[::1 ]", "BAD" },
    { "[::256.0.0.1]", "BAD" },
    { "[::1.2.3]", "BAD" },
    { "[1.2.3.4::]", "BAD" },
    { "x[::1]", "BAD" },
};

TEST(a_target_is_split_as_if_one_of_its_letters_were_escaped)
{
    for (int round = 0; round < 20000; round++) {
        char rest[48];
        size_t len = test_below(t, sizeof(rest));

        for (size_t i = 0; i < len; i++)
            rest[i] = "abcxyzABCXYZ059/-_~:@"[test_below(t, 21)];
        if (len > 0 && round % 2 == 1)
            rest[test_below(t, len)] = (char)test_below(t, 256);
        struct str tail = { rest, len };
        struct str plain = arena_printf(&t->arena, "/a%.*s", STR_ARG(tail));
        struct str escaped = arena_printf(&t->arena, "/%%61%.*s", STR_ARG(tail));

        if (memchr(rest, '\0', len) == NULL) /* where printf ends */
            CHECK(str_eq(split(t, plain), split(t, escaped)), "%.*s", STR_ARG(plain));
    }
}

TEST(hosts_are_split_by_white_list)
{
    for (size_t i = 0; i < COUNT(hosts); i++)
        CHECK_STR(host(t, str_c(hosts[i].text)), hosts[i].want, "%s", hosts[i].text);
    CHECK_STR(host(t, (struct str){ "a\0b", 3 }), "BAD", "NUL");
    CHECK_STR(host(t, (struct str){ "a\r\n", 3 }), "BAD", "CRLF");
}

/* --- queries ---------------------------------------------------------------------------------- */

TEST(parameters_of_a_query_are_found_and_decoded)
{
    static const struct {
        const char *query, *name, *want; /* NULL: absent */
    } cases[] = {
        { "key=abc", "key", "abc" },
        { "a=b&key=abc&c=d", "key", "abc" },
        { "key=first&key=second", "key", "first" },
        { "xkey=1&keyx=2&key=3", "key", "3" },
        { "key=", "key", "" },
        { "key", "key", "" },
        { "&&key=a&", "key", "a" },
        { "key=a=b", "key", "a=b" },
        { "key=a+b%2Bc%20d", "key", "a b+c d" },
        { "k%65y=a", "key", "a" },
        { "a+b=c", "a b", "c" },
        { "key=%e2%82%ac", "key", "\xe2\x82\xac" },
        { "key=12345678", "key", "12345678" },
        { "key=123456789", "key", NULL }, /* longer than the room */
        { "key=%4", "key", NULL },
        { "key=%zz", "key", NULL },
        { "key=%00", "key", NULL },
        { "%zz=1&key=a", "key", "a" },
        { "KEY=a", "key", NULL },
        { "a=key", "key", NULL },
        { "", "key", NULL },
        { "&", "key", NULL },
        { "=a", "key", NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[8];
        size_t len = 0;
        bool found =
            http_query_get(str_c(cases[i].query), str_c(cases[i].name), out, sizeof(out), &len);

        if (CHECK_INT(found, cases[i].want != NULL, "%s", cases[i].query) && found)
            CHECK_STR(((struct str){ out, len }), cases[i].want, "%s", cases[i].query);
    }
}
