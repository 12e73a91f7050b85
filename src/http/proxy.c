#include "http/proxy.h"

#include "base/base64.h"
#include "base/url.h"
#include "http/socks.h"
#include "io/crypto.h"

/* --- the environment */

static struct str variable(struct str (*get)(const char *name), const char *lower,
                           const char *upper)
{
    struct str value = str_trim(get(lower));

    return value.len > 0 ? value : str_trim(get(upper));
}

struct proxy_settings proxy_from_environment(struct str (*get)(const char *name))
{
    return (struct proxy_settings){
        .https_proxy = variable(get, "https_proxy", "HTTPS_PROXY"),
        .http_proxy = variable(get, "http_proxy", "HTTP_PROXY"),
        .all_proxy = variable(get, "all_proxy", "ALL_PROXY"),
        .no_proxy = variable(get, "no_proxy", "NO_PROXY"),
        .global = STR(""),
    };
}

/* --- NO_PROXY */

/* The port behind an entry, taken off it; -1 for none. What cannot be told apart from an IPv6
 * address is one. */
static int entry_port(struct str *entry)
{
    struct str front, text;
    uint64_t port;

    if (!str_cut_last(*entry, ':', &front, &text) || !str_to_u64(text, &port) || port > 65535)
        return -1;
    bool brackets = str_starts(front, STR("[")) && str_ends(front, STR("]"));

    if (!brackets && str_find(front, STR(":")) != SIZE_MAX)
        return -1;
    *entry = front;
    return (int)port;
}

/* Is `host` the name, or does it lie below it? */
static bool name_is_below(struct str host, struct str name)
{
    if (host.len < name.len || name.len == 0)
        return false;
    size_t front = host.len - name.len;

    return str_ieq(str_drop(host, front), name) && (front == 0 || host.at[front - 1] == '.');
}

static bool entry_matches(struct str entry, struct str host, uint16_t port)
{
    uint8_t ip[16];
    bool is_v4;
    int wanted = entry_port(&entry);

    if (wanted >= 0 && wanted != port)
        return false;
    if (str_starts(entry, STR("[")) && str_ends(entry, STR("]")))
        entry = str_drop_last(str_drop(entry, 1), 1);
    if (str_eq(entry, STR("*")))
        return true;
    if (ip_read(host, ip, &is_v4))
        return ip_in_cidr(ip, entry);
    if (str_starts(entry, STR("*.")))
        entry = str_drop(entry, 1);
    if (str_starts(entry, STR(".")))
        entry = str_drop(entry, 1);
    if (str_ends(entry, STR(".")))
        entry = str_drop_last(entry, 1);
    return name_is_below(host, entry);
}

/* Entries are set apart by commas or blanks. */
static bool no_proxy_matches(struct str list, struct str host, uint16_t port)
{
    while (list.len > 0) {
        size_t len = 0;

        while (len < list.len && list.at[len] != ',' && list.at[len] != ' ' && list.at[len] != '\t')
            len++;
        if (len > 0 && entry_matches(str_take(list, len), host, port))
            return true;
        list = str_drop(list, len + 1);
    }
    return false;
}

/* --- the choice */

static struct str without_dot(struct str host)
{
    return str_ends(host, STR(".")) ? str_drop_last(host, 1) : host;
}

static bool host_is_loopback(struct str host)
{
    uint8_t ip[16];
    bool is_v4;

    if (ip_read(host, ip, &is_v4))
        return ip_is_loopback(ip);
    return name_is_below(host, STR("localhost"));
}

static bool is_direct(struct str proxy)
{
    return str_ieq(proxy, STR("direct"));
}

struct str proxy_choose(const struct proxy_settings *settings, struct str account_proxy, bool tls,
                        struct str host, uint16_t port)
{
    const struct str none = STR("");

    host = without_dot(host);
    if (host_is_loopback(host))
        return none;
    if (account_proxy.len > 0)
        return is_direct(account_proxy) ? none : account_proxy;
    if (settings->global.len > 0)
        return is_direct(settings->global) ? none : settings->global;
    if (no_proxy_matches(settings->no_proxy, host, port))
        return none;
    struct str own = tls ? settings->https_proxy : settings->http_proxy;

    return own.len > 0 ? own : settings->all_proxy;
}

/* --- origins */

bool origin_refuses(const uint8_t ip[16])
{
    static const char *const refused[] = { "169.254.169.254", "100.100.100.200", "fd00:ec2::254" };

    for (size_t i = 0; i < COUNT(refused); i++)
        if (ip_in_cidr(ip, str_c(refused[i])))
            return true;
    return false;
}

static bool host_is_refused(struct str host)
{
    uint8_t ip[16];
    bool is_v4;

    if (ip_read(host, ip, &is_v4))
        return origin_refuses(ip);
    return str_ieq(without_dot(host), STR("metadata.google.internal"));
}

static struct str lower_copy(struct arena *a, struct str s)
{
    struct str copy = arena_copy(a, s);
    char *at = (char *)(uintptr_t)copy.at; /* ours: made a line above */

    for (size_t i = 0; i < copy.len; i++)
        at[i] = char_lower(at[i]);
    return copy;
}

static struct str authority_text(struct arena *a, struct str host, uint16_t port, bool port_wanted)
{
    bool v6 = str_find(host, STR(":")) != SIZE_MAX;

    if (!port_wanted)
        return arena_printf(a, v6 ? "[%.*s]" : "%.*s", (int)host.len, host.at);
    return arena_printf(a, v6 ? "[%.*s]:%u" : "%.*s:%u", (int)host.len, host.at, (unsigned)port);
}

/* `Basic …` or `user:password`, from the URL's user part. NULL, or what is wrong with it. */
static const char *proxy_login(const struct url *u, bool socks, struct secret *out)
{
    struct buf plain = { .max = 1024 }, field = { .max = 2048 };
    const char *wrong = NULL;

    if (u->user.len == 0 && u->password.len == 0)
        return NULL;
    if (!percent_get(&plain, u->user, false))
        wrong = "a bad escape in its user part";
    else if (str_find(buf_str(&plain), STR(":")) != SIZE_MAX)
        wrong = "a colon in its user name";
    if (wrong == NULL && (!buf_add_char(&plain, ':') || !percent_get(&plain, u->password, false)))
        wrong = "a bad escape in its user part, or one that is too long";
    if (wrong == NULL && socks && !socks_account_fits(buf_str(&plain)))
        wrong = "a user or password that SOCKS5 cannot carry (1 to 255 bytes each)";
    if (wrong == NULL && socks) {
        *out = secret_copy(buf_str(&plain));
    } else if (wrong == NULL) {
        bool fits =
            buf_add(&field, STR("Basic ")) && base64_put(&field, buf_str(&plain), BASE64_STANDARD);
        assert(fits); /* 1024 bytes are 1368 of base64 */
        *out = secret_copy(buf_str(&field));
    }
    if (plain.cap > 0)
        wipe(plain.at, plain.cap);
    if (field.cap > 0)
        wipe(field.at, field.cap);
    buf_clear(&plain);
    buf_clear(&field);
    return wrong;
}

/* Fills the proxy's part of `o`. The URL may hold a password, so no error cites it. */
static enum status origin_proxy(struct str text, struct arena *a, struct origin *o, struct error *e)
{
    struct url u;
    const char *wrong = NULL;

    if (text.len == 0)
        return OK;
    if (str_find(text, STR("://")) == SIZE_MAX) /* `host:port`, as the environment often has it */
        text = arena_printf(a, "http://%.*s", (int)text.len, text.at);
    if (!url_read(text, &u, &wrong))
        return fail(e, E_SYNTAX, "the proxy URL has %s", wrong);
    if ((u.path.len > 0 && !str_eq(u.path, STR("/"))) || u.query.len > 0)
        return fail(e, E_SYNTAX, "the proxy URL has a path");
    if (host_is_refused(u.host))
        return fail(e, E_REFUSED, "the proxy is a cloud metadata address");
    bool socks = str_istarts(u.scheme, STR("socks"));

    o->proxy = socks ? PROXY_SOCKS5 : PROXY_HTTP;
    o->proxy_tls = str_ieq(u.scheme, STR("https"));
    o->proxy_names = str_ieq(u.scheme, STR("socks5h"));
    o->proxy_host = lower_copy(a, u.host);
    o->proxy_port = (uint16_t)u.port;
    wrong = proxy_login(&u, socks, &o->proxy_auth);
    return wrong == NULL ? OK : fail(e, E_SYNTAX, "the proxy URL has %s", wrong);
}

/* The login is in it as a digest, so that the key may be shown. */
static struct str pool_key(struct arena *a, const struct origin *o)
{
    static const char *const proxies[] = { "direct", "http", "socks5" };
    struct buf login = { .max = 2 * SHA256_BYTES };
    uint8_t digest[SHA256_BYTES];

    if (!secret_is_empty(&o->proxy_auth)) {
        sha256(secret_reveal(&o->proxy_auth), digest);
        bool fits = hex_put(&login, (struct str){ (char *)digest, sizeof(digest) });
        assert(fits);
    }
    struct str key = arena_printf(a, "%s %.*s %u", o->tls ? "https" : "http", (int)o->host.len,
                                  o->host.at, (unsigned)o->port);

    if (o->proxy != PROXY_NONE)
        key = arena_printf(a, "%.*s by %s%s%s %.*s %u %.*s", (int)key.len, key.at,
                           proxies[o->proxy], o->proxy_tls ? " tls" : "",
                           o->proxy_names ? " names" : "", (int)o->proxy_host.len, o->proxy_host.at,
                           (unsigned)o->proxy_port, (int)login.len, login.len > 0 ? login.at : "");
    buf_clear(&login);
    return key;
}

/* What the URL of an upstream must be, besides a URL. */
static enum status base_check(struct str text, const struct url *u, struct error *e)
{
    if (!str_ieq(u->scheme, STR("http")) && !str_ieq(u->scheme, STR("https")))
        return fail(e, E_SYNTAX, "the base URL is neither http nor https");
    if (memchr(text.at, '?', text.len) != NULL)
        return fail(e, E_SYNTAX, "the base URL has a query");
    if (memchr(text.at, '@', text.len - u->path.len) != NULL)
        return fail(e, E_SYNTAX,
                    "the base URL holds a user or password: credentials have a place "
                    "of their own");
    if (host_is_refused(u->host))
        return fail(e, E_REFUSED, "the base URL leads to a cloud metadata address: %.*s",
                    STR_ARG(u->host));
    return OK;
}

enum status origin_make(struct str base_url, const struct proxy_settings *settings,
                        struct str account_proxy, struct arena *a, struct origin *out,
                        struct str *path, struct error *e)
{
    struct origin o = { .proxy = PROXY_NONE };
    const char *wrong = NULL;
    struct url u;

    if (!url_read(base_url, &u, &wrong))
        return fail(e, E_SYNTAX, "the base URL has %s", wrong);
    enum status st = base_check(base_url, &u, e);

    if (st != OK)
        return st;
    o.tls = str_ieq(u.scheme, STR("https"));
    o.host = lower_copy(a, u.host);
    o.port = (uint16_t)u.port;
    o.authority = authority_text(a, o.host, o.port, o.port != (o.tls ? 443 : 80));
    st = origin_proxy(proxy_choose(settings, account_proxy, o.tls, o.host, o.port), a, &o, e);
    if (st != OK)
        return st;
    o.pool_key = pool_key(a, &o);
    *out = o;
    *path = arena_copy(a, str_ends(u.path, STR("/")) ? str_drop_last(u.path, 1) : u.path);
    return OK;
}

void origin_clear(struct origin *o)
{
    secret_clear(&o->proxy_auth);
}
