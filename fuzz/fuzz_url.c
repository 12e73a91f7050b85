/* URLs: the parts lie in the text, in order, and put together they read as the same again.
 * Addresses are read as the C library reads them. Percent coding goes both ways. */
#include <arpa/inet.h>

#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parts_put(struct buf *out, const struct url *u)
{
    bool user = u->user.len + u->password.len > 0, ip6 = memchr(u->host.at, ':', u->host.len);
    bool fits = buf_printf(out, "%.*s://", (int)u->scheme.len, u->scheme.at) &&
                (!user || (buf_add(out, u->user) && buf_add_char(out, ':') &&
                           buf_add(out, u->password) && buf_add_char(out, '@'))) &&
                (!ip6 || buf_add_char(out, '[')) && buf_add(out, u->host) &&
                (!ip6 || buf_add_char(out, ']')) && buf_printf(out, ":%d", u->port) &&
                buf_add(out, u->path) && buf_add_char(out, '?') && buf_add(out, u->query);

    assert(fits);
}

static void check_url(struct str in)
{
    const char *what = NULL;
    struct url u, again;
    struct buf text;

    if (!url_read(in, &u, &what)) {
        assert(what != NULL);
        return;
    }
    assert(u.port >= 1 && u.port <= 65535);
    assert(u.host.len > 0);
    assert(u.path.len == 0 || u.path.at[0] == '/');
    buf_init(&text, SIZE_MAX);
    parts_put(&text, &u);
    assert(url_read(buf_str(&text), &again, NULL));
    assert(str_eq(again.scheme, u.scheme) && str_eq(again.host, u.host));
    assert(str_eq(again.user, u.user) && str_eq(again.password, u.password));
    assert(str_eq(again.path, u.path) && str_eq(again.query, u.query));
    assert(again.port == u.port && again.port_given);
    buf_clear(&text);
}

static void check_ip(struct str in)
{
    uint8_t got[16], want[16] = { [10] = 0xFF, [11] = 0xFF };
    char text[64];
    bool is_v4;

    if (in.len >= sizeof(text) || memchr(in.at, 0, in.len) != NULL)
        return;
    memcpy(text, in.at, in.len);
    text[in.len] = '\0';
    bool four = inet_pton(AF_INET, text, want + 12) == 1;
    bool good = four || inet_pton(AF_INET6, text, want) == 1;

    assert(ip_read(in, got, &is_v4) == good);
    if (!good)
        return;
    assert(is_v4 == four);
    assert(memcmp(got, want, sizeof(got)) == 0);
    assert(ip_in_cidr(got, in));
    assert(ip_in_cidr(got, STR("::/0")));
}

static void check_percent(struct str in)
{
    struct buf coded, back;

    for (int slash = 0; slash < 2; slash++) {
        buf_init(&coded, SIZE_MAX);
        buf_init(&back, SIZE_MAX);
        assert(percent_put(&coded, in, slash == 1));
        assert(percent_get(&back, buf_str(&coded), slash == 1));
        assert(str_eq(buf_str(&back), in));
        buf_clear(&coded);
        buf_clear(&back);
    }
    buf_init(&back, SIZE_MAX);
    if (percent_get(&back, in, true))
        assert(back.len <= in.len);
    else
        assert(back.len == 0);
    buf_clear(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = { size > 0 ? (const char *)data : "", size }, left, right;

    check_url(in);
    check_ip(in);
    check_percent(in);
    if (str_cut(in, ' ', &left, &right)) {
        uint8_t ip[16];

        if (ip_read(left, ip, NULL)) {
            (void)ip_in_cidr(ip, right);
            (void)ip_is_loopback(ip);
        }
    }
    return 0;
}
