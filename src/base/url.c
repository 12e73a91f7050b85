#include "url.h"

#define HOST_MAX 253 /* RFC 1035 */

static const struct {
    const char *name;
    int port;
} schemes[] = { { "http", 80 }, { "https", 443 }, { "socks5", 1080 }, { "socks5h", 1080 } };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = char_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(char c)
{
    return is_digit(c) || (char_lower(c) >= 'a' && char_lower(c) <= 'z') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

/* --- addresses ------------------------------------------------------------------------------- */

/* 0 to 255, without leading zeros (some resolvers read those as octal) */
static bool octet_read(struct str s, uint8_t *out)
{
    uint64_t n;

    if (s.len > 3 || !str_to_u64(s, &n) || n > 255 || (s.len > 1 && s.at[0] == '0'))
        return false;
    *out = (uint8_t)n;
    return true;
}

static bool ip4_read(struct str text, uint8_t out[4])
{
    for (size_t i = 0; i < 4; i++) {
        struct str part;
        bool dot = str_cut(text, '.', &part, &text);

        if (dot != (i < 3) || !octet_read(part, &out[i]))
            return false;
    }
    return true;
}

static bool group_read(struct str s, uint8_t out[2])
{
    unsigned n = 0;

    if (s.len < 1 || s.len > 4)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = hex_value(s.at[i]);

        if (digit < 0)
            return false;
        n = n << 4 | (unsigned)digit;
    }
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)(n & 0xFF);
    return true;
}

/* Groups between colons, a dotted quad perhaps for the last two. Gives the number of bytes, at most
 * `max`, or -1. */
static int groups_read(struct str s, bool quad_allowed, uint8_t *out, int max)
{
    int len = 0;
    bool more = s.len > 0;

    while (more) {
        struct str group;

        more = str_cut(s, ':', &group, &s);
        if (!more && quad_allowed && len + 4 <= max && ip4_read(group, out + len))
            return len + 4;
        if (len + 2 > max || !group_read(group, out + len))
            return -1;
        len += 2;
    }
    return len;
}

static bool ip6_read(struct str text, uint8_t out[16])
{
    size_t gap = str_find(text, STR("::"));
    uint8_t tail[16];

    memset(out, 0, 16);
    if (gap == SIZE_MAX)
        return groups_read(text, true, out, 16) == 16;

    /* the gap stands for one group at least */
    int front = groups_read(str_take(text, gap), false, out, 14);
    int back = front < 0 ? -1 : groups_read(str_drop(text, gap + 2), true, tail, 14 - front);

    if (back < 0)
        return false;
    memcpy(out + 16 - back, tail, (size_t)back);
    return true;
}

static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };

bool ip_read(struct str text, uint8_t out[16], bool *is_v4)
{
    uint8_t ip[16];
    bool quad = ip4_read(text, ip + 12);

    if (quad)
        memcpy(ip, mapped, sizeof(mapped));
    else if (!ip6_read(text, ip))
        return false;
    memcpy(out, ip, sizeof(ip));
    if (is_v4 != NULL)
        *is_v4 = quad;
    return true;
}

bool ip_in_cidr(const uint8_t ip[16], struct str cidr)
{
    struct str address, bits_text;
    uint8_t net[16], bits = 128;
    bool is_v4;
    bool slash = str_cut(cidr, '/', &address, &bits_text);

    if (!ip_read(address, net, &is_v4))
        return false;
    if (slash) {
        if (!octet_read(bits_text, &bits) || bits > (is_v4 ? 32 : 128))
            return false;
        bits = (uint8_t)(bits + (is_v4 ? 96 : 0));
    }
    size_t whole = bits / 8;
    unsigned rest = bits % 8;

    return memcmp(ip, net, whole) == 0 &&
           (rest == 0 || (ip[whole] ^ net[whole]) >> (8 - rest) == 0);
}

bool ip_is_loopback(const uint8_t ip[16])
{
    static const uint8_t one[16] = { [15] = 1 };

    return memcmp(ip, one, sizeof(one)) == 0 ||
           (memcmp(ip, mapped, sizeof(mapped)) == 0 && ip[12] == 127);
}

/* --- URLs ------------------------------------------------------------------------------------ */

/* Each of these gives NULL, or what is wrong. */

static const char *bytes_check(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.at[i];

        if (c <= ' ' || c >= 0x7F)
            return "a blank, control byte or byte beyond ASCII";
        if (c == '#')
            return "a fragment";
        if (c == '\\')
            return "a backslash";
    }
    return NULL;
}

static const char *scheme_take(struct str *text, struct url *u)
{
    size_t end = str_find(*text, STR("://"));

    for (size_t i = 0; end != SIZE_MAX && i < COUNT(schemes); i++)
        if (str_ieq(str_take(*text, end), str_c(schemes[i].name))) {
            u->scheme = str_take(*text, end);
            u->port = schemes[i].port;
            *text = str_drop(*text, end + 3);
            return NULL;
        }
    return "no scheme of http, https, socks5, socks5h";
}

static const char *user_take(struct str *authority, struct url *u)
{
    struct str user, rest;

    if (!str_cut(*authority, '@', &user, &rest))
        return NULL;
    for (size_t i = 0; i < user.len; i++)
        if (!is_unreserved(user.at[i]) && strchr(":%!$&'()*+,;=", user.at[i]) == NULL)
            return "a byte in the user part that must be percent-encoded";
    *authority = rest; /* a second @ is no part of a host, and found there */
    (void)str_cut(user, ':', &u->user, &u->password);
    return NULL;
}

static const char *port_check(struct str text, struct url *u)
{
    uint64_t port;

    if (text.len == 0)
        return NULL; /* `host:` is the scheme's port (RFC 3986 §3.2.3) */
    if (!str_to_u64(text, &port) || port < 1 || port > 65535)
        return "a port that is not 1 to 65535";
    u->port = (int)port;
    u->port_given = true;
    return NULL;
}

static const char *name_check(struct str host)
{
    if (host.len == 0)
        return "no host";
    if (host.len > HOST_MAX)
        return "a host name that is too long";
    for (size_t i = 0; i < host.len; i++)
        if (!is_unreserved(host.at[i]) || host.at[i] == '~')
            return "a byte that no host name has";
    if (host.at[0] == '.' || str_find(host, STR("..")) != SIZE_MAX)
        return "an empty part in the host name";

    /* what ends in a number is an address to resolvers, in forms nobody expects */
    struct str front, last;
    struct str bare = str_ends(host, STR(".")) ? str_drop_last(host, 1) : host;
    uint8_t ip[4];

    if (!str_cut_last(bare, '.', &front, &last))
        last = bare;
    if (is_digit(last.at[0])) {
        bool hex = str_istarts(last, STR("0x"));
        size_t i = hex ? 2 : 0;

        while (i < last.len && (hex ? hex_value(last.at[i]) >= 0 : is_digit(last.at[i])))
            i++;
        if (i == last.len && !ip4_read(host, ip))
            return "a bad IPv4 address";
    }
    return NULL;
}

static const char *host_take(struct str authority, struct url *u)
{
    struct str port = STR("");
    uint8_t ip[16];

    if (str_starts(authority, STR("["))) {
        if (!str_cut(str_drop(authority, 1), ']', &u->host, &port) || !ip6_read(u->host, ip))
            return "a bad IPv6 address";
        if (port.len > 0 && port.at[0] != ':')
            return "text behind the IPv6 address";
        return port_check(str_drop(port, 1), u);
    }
    (void)str_cut(authority, ':', &u->host, &port);
    const char *wrong = name_check(u->host);

    return wrong != NULL ? wrong : port_check(port, u);
}

static struct str until_any(struct str s, const char *stops)
{
    size_t n = 0;

    while (n < s.len && strchr(stops, s.at[n]) == NULL)
        n++;
    return str_take(s, n);
}

bool url_read(struct str text, struct url *u, const char **what)
{
    struct url got = { .user = STR(""), .password = STR("") };
    struct str authority = STR("");
    const char *wrong = bytes_check(text);

    if (wrong == NULL)
        wrong = scheme_take(&text, &got);
    if (wrong == NULL) {
        authority = until_any(text, "/?");
        text = str_drop(text, authority.len);
        wrong = user_take(&authority, &got);
    }
    if (wrong == NULL)
        wrong = host_take(authority, &got);
    if (wrong != NULL) {
        if (what != NULL)
            *what = wrong;
        return false;
    }
    (void)str_cut(text, '?', &got.path, &got.query);
    *u = got;
    return true;
}

/* --- percent coding -------------------------------------------------------------------------- */

bool percent_put(struct buf *out, struct str text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = out->len;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        uint8_t byte = (uint8_t)c;
        char escape[3] = { '%', digits[byte >> 4], digits[byte & 15] };
        bool plain = is_unreserved(c) || (keep_slash && c == '/');

        if (!buf_add(out, plain ? (struct str){ &c, 1 } : (struct str){ escape, 3 })) {
            out->len = len;
            return false;
        }
    }
    return true;
}

/* The byte at `*at`, an escape perhaps; -1 when it is a bad one. */
static int percent_take(struct str s, size_t *at)
{
    if (s.at[*at] != '%')
        return (uint8_t)s.at[(*at)++];
    if (s.len - *at < 3)
        return -1;
    int high = hex_value(s.at[*at + 1]), low = hex_value(s.at[*at + 2]);

    *at += 3;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool percent_get(struct buf *out, struct str text, bool plus_is_blank)
{
    size_t len = out->len;

    for (size_t at = 0; at < text.len;) {
        bool blank = plus_is_blank && text.at[at] == '+';
        int byte = percent_take(text, &at);

        if (byte < 0 || !buf_add_char(out, blank ? ' ' : (char)byte)) {
            out->len = len;
            return false;
        }
    }
    return true;
}

bool url_put_shown(struct buf *out, struct str text)
{
    struct url u;

    if (!url_read(text, &u, NULL) || u.user.len + u.password.len == 0)
        return buf_add(out, text);
    bool six = memchr(u.host.at, ':', u.host.len) != NULL;

    return buf_printf(out, "%.*s://…@%s%.*s%s:%d", STR_ARG(u.scheme), six ? "[" : "",
                      STR_ARG(u.host), six ? "]" : "", u.port);
}
