#include "http/dial.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "http/proxy.h"
#include "http/socks.h"

#define HEAD_START_MS 250
/* for "%.*s": clipped so that the reason behind a name always fits into a fault's text */
#define HOST_ARG(s) (int)((s).len < 64 ? (s).len : 64), (s).at

enum dial_state {
    DIAL_RESOLVING_TARGET, /* SOCKS5 that is given addresses: the upstream's name first */
    DIAL_RESOLVING,        /* the name we connect to: the proxy's, or the upstream's */
    DIAL_CONNECTING,
    DIAL_PROXY_TLS, /* handshake with the proxy */
    DIAL_TUNNEL,    /* asking the proxy */
    DIAL_TLS,       /* handshake with the upstream */
    DIAL_OVER,
    DIAL_STATES,
};

#define TO(s) (1u << DIAL_##s)
static const uint32_t dial_next[DIAL_STATES] = {
    [DIAL_RESOLVING_TARGET] = TO(RESOLVING) | TO(OVER),
    [DIAL_RESOLVING] = TO(CONNECTING) | TO(OVER),
    [DIAL_CONNECTING] = TO(PROXY_TLS) | TO(TUNNEL) | TO(TLS) | TO(OVER),
    [DIAL_PROXY_TLS] = TO(TUNNEL) | TO(OVER),
    [DIAL_TUNNEL] = TO(TLS) | TO(OVER),
    [DIAL_TLS] = TO(OVER),
};

/* One attempt to connect to one address. */
struct lane {
    struct dial *dial;
    struct socket *socket; /* NULL: not begun, or failed */
};

struct dial {
    struct dial_options o;
    struct call_timeouts timeouts;
    enum dial_state state;
    struct timer timer;
    int64_t deadline_ms; /* of the state */
    struct dns_query *query;
    struct address target; /* of the upstream, for SOCKS5 with addresses */
    struct address found[DNS_ADDRESSES_MAX];
    struct lane lanes[DNS_ADDRESSES_MAX];
    size_t found_count, begun, open;
    struct error fault;    /* of the lane that failed last */
    struct socket *socket; /* once one lane has won */
    struct socks socks;
    struct buf out; /* what the proxy is to be told */
    struct buf in;  /* the proxy's head */
    size_t scanned; /* of it */
    uint32_t interim;
    struct http_head head;
};

static void dial_move(struct dial *d, enum dial_state to)
{
    assert(dial_next[d->state] & (1u << to));
    d->state = to;
}

/* The timer of the state; a head start may wake it earlier. */
static void dial_time(struct dial *d, int64_t ms)
{
    d->deadline_ms = loop_now(d->o.loop) + ms;
    timer_start(&d->timer, ms);
}

/* --- the end */

static void dial_free(void *at)
{
    struct dial *d = at;

    if (d->out.cap > 0)
        wipe(d->out.at, d->out.cap); /* may hold the proxy's login */
    buf_clear(&d->out);
    buf_clear(&d->in);
    free(d);
}

static void lanes_close(struct dial *d)
{
    for (size_t i = 0; i < d->begun; i++) {
        if (d->lanes[i].socket != NULL)
            socket_close(d->lanes[i].socket, false);
        d->lanes[i].socket = NULL;
    }
    d->open = 0;
}

/* Lets go of everything; hooks see a dial that is over. */
static void dial_over(struct dial *d)
{
    dial_move(d, DIAL_OVER);
    timer_stop(&d->timer);
    if (d->query != NULL)
        dns_cancel(d->query);
    d->query = NULL;
    lanes_close(d);
    loop_doom(d->o.loop, d, dial_free);
}

void dial_cancel(struct dial *d)
{
    if (d->state == DIAL_OVER)
        return;
    if (d->socket != NULL)
        socket_close(d->socket, false);
    d->socket = NULL;
    dial_over(d);
}

__attribute__((format(printf, 3, 4))) static void dial_fail(struct dial *d, enum call_cause cause,
                                                            const char *format, ...)
{
    char text[sizeof(((struct call_fault *)0)->text)];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    dial_cancel(d);
    d->o.hooks.on_fail(d->o.hooks.peer, cause, text);
}

static void dial_done(struct dial *d)
{
    struct socket *s = d->socket;

    d->socket = NULL;
    socket_watch(s, 0);
    dial_over(d);
    d->o.hooks.on_done(d->o.hooks.peer, s);
}

/* --- TLS to the upstream */

static void tls_start(struct dial *d, enum dial_state state, struct str host, uint16_t port)
{
    dial_move(d, state);
    dial_time(d, d->timeouts.tls_ms);
    socket_watch(d->socket, SOCKET_WRITE);
    socket_start_tls(d->socket, d->o.tls, host, port);
}

static void tunnel_is_open(struct dial *d)
{
    const struct origin *origin = d->o.origin;

    if (origin->tls)
        tls_start(d, DIAL_TLS, origin->host, origin->port);
    else
        dial_done(d);
}

static void tls_is_over(struct dial *d)
{
    struct error e;

    if (socket_connected(d->socket, &e) == OK)
        dial_done(d);
    else
        dial_fail(d, CALL_TLS, "TLS with %.*s: %s", HOST_ARG(d->o.origin->host), e.text);
}

/* --- a tunnel through the proxy */

/* Sends what is left in `out`. */
static void tunnel_write(struct dial *d)
{
    if (d->out.len > 0) {
        struct iovec part = { d->out.at, d->out.len };
        long n = socket_writev(d->socket, &part, 1);

        if (n < 0) {
            dial_fail(d, CALL_PROXY, "proxy %.*s: %s", HOST_ARG(d->o.origin->proxy_host),
                      socket_why(d->socket));
            return;
        }
        buf_drop(&d->out, (size_t)n);
    }
    socket_watch(d->socket, d->out.len > 0 ? SOCKET_READ | SOCKET_WRITE : SOCKET_READ);
}

/* `host:port`, with brackets for IPv6, as CONNECT wants it: the port always. */
static bool connect_put(struct dial *d)
{
    const struct origin *origin = d->o.origin;
    struct buf target = { .max = 512 };
    bool v6 = memchr(origin->host.at, ':', origin->host.len) != NULL;
    bool good =
        buf_printf(&target, v6 ? "[%.*s]:%u" : "%.*s:%u", (int)origin->host.len, origin->host.at,
                   (unsigned)origin->port) &&
        http_put_request_line(&d->out, STR("CONNECT"), buf_str(&target)) &&
        http_put_field(&d->out, STR("Host"), buf_str(&target)) &&
        (secret_is_empty(&origin->proxy_auth) ||
         http_put_field(&d->out, STR("Proxy-Authorization"), secret_reveal(&origin->proxy_auth))) &&
        http_put_end(&d->out);

    buf_clear(&target);
    return good;
}

static void tunnel_start(struct dial *d)
{
    const struct origin *origin = d->o.origin;
    struct str nothing = STR("");

    dial_move(d, DIAL_TUNNEL);
    dial_time(d, d->timeouts.connect_ms);
    if (origin->proxy == PROXY_SOCKS5) {
        d->socks = (struct socks){
            .name = origin->host,
            .ip = origin->proxy_names ? NULL : d->target.ip,
            .port = origin->port,
            .account = secret_reveal(&origin->proxy_auth),
        };
        (void)socks_next(&d->socks, &nothing, &d->out);
    } else if (!connect_put(d)) {
        dial_fail(d, CALL_PROXY, "proxy %.*s: its login cannot be said in HTTP",
                  HOST_ARG(origin->proxy_host));
        return;
    }
    tunnel_write(d);
}

static void proxy_tls_is_over(struct dial *d)
{
    struct error e;

    if (socket_connected(d->socket, &e) == OK)
        tunnel_start(d);
    else
        dial_fail(d, CALL_PROXY, "TLS with the proxy %.*s: %s", HOST_ARG(d->o.origin->proxy_host),
                  e.text);
}

static void tunnel_socks(struct dial *d, struct str in)
{
    switch (socks_next(&d->socks, &in, &d->out)) {
    case SOCKS_MORE:
        tunnel_write(d);
        return;
    case SOCKS_BAD:
        dial_fail(d, CALL_PROXY, "proxy %.*s refused: %s", HOST_ARG(d->o.origin->proxy_host),
                  d->socks.why);
        return;
    case SOCKS_DONE:
        break;
    }
    if (in.len > 0)
        dial_fail(d, CALL_PROXY, "proxy %.*s sent bytes that nobody asked for",
                  HOST_ARG(d->o.origin->proxy_host));
    else
        tunnel_is_open(d);
}

/* The head of the answer to CONNECT; whatever framing it claims, a 2xx has no body. */
static enum http_parse tunnel_head(struct dial *d, struct str *in, struct http_fault *fault)
{
    const struct client_limits *l = d->o.limits;
    const struct http_limits limits = { l->status_line_bytes, l->head_bytes, l->field_count };

    for (;;) {
        size_t used = 0;
        enum http_parse r = http_parse_response(*in, &d->scanned, &limits, &d->head, &used, fault);

        if (r != HTTP_PARSE_DONE)
            return r;
        *in = str_drop(*in, used);
        d->scanned = 0;
        if (d->head.status >= 200)
            return HTTP_PARSE_DONE;
        if (++d->interim > l->interim_heads) {
            fault->what = "too many interim heads";
            return HTTP_PARSE_BAD;
        }
    }
}

static void tunnel_connect(struct dial *d, struct str more)
{
    const struct origin *origin = d->o.origin;
    struct http_fault fault = { 0 };
    enum http_parse r = HTTP_PARSE_BAD;
    struct str in;

    fault.what = "head too large";
    if (buf_add(&d->in, more)) {
        in = buf_str(&d->in);
        r = tunnel_head(d, &in, &fault);
        buf_drop(&d->in, d->in.len - in.len);
    }
    if (r == HTTP_PARSE_MORE)
        return;
    if (r == HTTP_PARSE_BAD)
        dial_fail(d, CALL_PROXY, "proxy %.*s does not speak HTTP as we accept it: %s",
                  HOST_ARG(origin->proxy_host), fault.what);
    else if (d->head.status > 299)
        dial_fail(d, CALL_PROXY, "proxy %.*s refused the tunnel with %d",
                  HOST_ARG(origin->proxy_host), d->head.status);
    else if (d->in.len > 0)
        dial_fail(d, CALL_PROXY, "proxy %.*s sent bytes that nobody asked for",
                  HOST_ARG(origin->proxy_host));
    else
        tunnel_is_open(d);
}

static void tunnel_read(struct dial *d)
{
    char *scratch = loop_scratch(d->o.loop);
    long n = socket_read(d->socket, scratch, LOOP_SCRATCH);

    if (n == SOCKET_AGAIN)
        return;
    if (n < 0)
        dial_fail(d, CALL_PROXY, "proxy %.*s: %s", HOST_ARG(d->o.origin->proxy_host),
                  n == SOCKET_EOF ? "it closed the connection" : socket_why(d->socket));
    else if (d->o.origin->proxy == PROXY_SOCKS5)
        tunnel_socks(d, (struct str){ scratch, (size_t)n });
    else
        tunnel_connect(d, (struct str){ scratch, (size_t)n });
}

static void tunnel_ready(struct dial *d, unsigned what)
{
    if ((what & SOCKET_READ) != 0)
        tunnel_read(d);
    if ((what & SOCKET_WRITE) != 0 && d->state == DIAL_TUNNEL)
        tunnel_write(d);
}

static void dial_on_ready(void *peer, unsigned what)
{
    struct dial *d = peer;

    switch (d->state) {
    case DIAL_PROXY_TLS:
        proxy_tls_is_over(d);
        return;
    case DIAL_TUNNEL:
        tunnel_ready(d, what);
        return;
    case DIAL_TLS:
        tls_is_over(d);
        return;
    case DIAL_RESOLVING_TARGET:
    case DIAL_RESOLVING:
    case DIAL_CONNECTING:
    case DIAL_OVER:
    case DIAL_STATES:
        break;
    }
    assert(false && "a state in which the socket is watched");
}

/* --- connecting */

static void lane_on_ready(void *peer, unsigned what);

static void dial_connected(struct dial *d, struct lane *lane)
{
    const struct origin *origin = d->o.origin;

    d->socket = lane->socket;
    lane->socket = NULL;
    lanes_close(d);
    socket_own(d->socket, dial_on_ready, d);
    if (origin->proxy == PROXY_NONE)
        tunnel_is_open(d);
    else if (origin->proxy_tls)
        tls_start(d, DIAL_PROXY_TLS, origin->proxy_host, origin->proxy_port);
    else
        tunnel_start(d);
}

static struct str dial_host(const struct dial *d)
{
    const struct origin *origin = d->o.origin;

    return origin->proxy == PROXY_NONE ? origin->host : origin->proxy_host;
}

static void dial_connect_fail(struct dial *d, const char *why)
{
    bool proxy = d->o.origin->proxy != PROXY_NONE;

    dial_fail(d, proxy ? CALL_PROXY : CALL_CONNECT, "cannot connect to %s%.*s: %s",
              proxy ? "the proxy " : "", HOST_ARG(dial_host(d)), why);
}

/* Begins with the next address that can be begun with. */
static void lane_next(struct dial *d)
{
    while (d->begun < d->found_count) {
        struct lane *lane = &d->lanes[d->begun];

        lane->dial = d;
        lane->socket =
            socket_connect(d->o.loop, &d->found[d->begun], lane_on_ready, lane, &d->fault);
        d->begun++;
        if (lane->socket != NULL) {
            socket_watch(lane->socket, SOCKET_WRITE);
            d->open++;
            break;
        }
    }
    if (d->open == 0) {
        dial_connect_fail(d, d->fault.text);
        return;
    }
    int64_t left = d->deadline_ms - loop_now(d->o.loop);

    if (d->begun < d->found_count && left > HEAD_START_MS)
        left = HEAD_START_MS;
    timer_start(&d->timer, left > 0 ? left : 0);
}

static void lane_on_ready(void *peer, unsigned what)
{
    struct lane *lane = peer;
    struct dial *d = lane->dial;

    (void)what;
    assert(d->state == DIAL_CONNECTING);
    if (socket_connected(lane->socket, &d->fault) == OK) {
        dial_connected(d, lane);
        return;
    }
    socket_close(lane->socket, false);
    lane->socket = NULL;
    d->open--;
    lane_next(d);
}

/* --- names */

/* A name of the operator's that leads to the cloud's metadata service is as bad as its address. */
static size_t addresses_keep(const struct address *found, size_t count, struct address *out)
{
    size_t kept = 0;

    for (size_t i = 0; i < count && kept < DNS_ADDRESSES_MAX; i++)
        if (!origin_refuses(found[i].ip))
            out[kept++] = found[i];
    return kept;
}

static void resolve(struct dial *d, struct str host, uint16_t port);

static void dial_on_names(void *peer, const struct address *found, size_t count, const char *why)
{
    struct dial *d = peer;
    const struct origin *origin = d->o.origin;
    bool is_target = d->state == DIAL_RESOLVING_TARGET;
    struct str host = is_target ? origin->host : dial_host(d);

    d->query = NULL;
    d->found_count = addresses_keep(found, count, d->found);
    if (d->found_count == 0) {
        bool proxy = !is_target && origin->proxy != PROXY_NONE;

        dial_fail(d, proxy ? CALL_PROXY : CALL_DNS, "cannot resolve %s%.*s: %s",
                  proxy ? "the proxy " : "", HOST_ARG(host),
                  count > 0 ? "it leads to a cloud metadata address" : why);
        return;
    }
    if (is_target) {
        d->target = d->found[0];
        dial_move(d, DIAL_RESOLVING);
        resolve(d, origin->proxy_host, origin->proxy_port);
        return;
    }
    dial_move(d, DIAL_CONNECTING);
    dial_time(d, d->timeouts.connect_ms);
    lane_next(d);
}

static void resolve(struct dial *d, struct str host, uint16_t port)
{
    d->query = dns_resolve(d->o.dns, host, port, d->timeouts.dns_ms, dial_on_names, d);
}

/* --- time */

static void dial_on_timer(void *peer, int64_t now_ms)
{
    struct dial *d = peer;
    struct str proxy = d->o.origin->proxy_host;

    if (now_ms < d->deadline_ms) { /* the head start of the last address is over */
        assert(d->state == DIAL_CONNECTING);
        lane_next(d);
        return;
    }
    switch (d->state) {
    case DIAL_CONNECTING:
        dial_connect_fail(d, "no answer in time");
        return;
    case DIAL_PROXY_TLS:
    case DIAL_TUNNEL:
        dial_fail(d, CALL_PROXY, "proxy %.*s did not open the tunnel in time", HOST_ARG(proxy));
        return;
    case DIAL_TLS:
        dial_fail(d, CALL_TLS, "TLS with %.*s: not done in time", HOST_ARG(d->o.origin->host));
        return;
    case DIAL_RESOLVING_TARGET:
    case DIAL_RESOLVING: /* the query has a timeout of its own */
    case DIAL_OVER:
    case DIAL_STATES:
        break;
    }
    assert(false && "a state with a timer");
}

struct dial *dial_start(const struct dial_options *options)
{
    struct dial *d = must_calloc(1, sizeof(*d));
    const struct origin *origin = options->origin;

    d->o = *options;
    d->timeouts = *options->timeouts;
    d->o.timeouts = &d->timeouts;
    buf_init(&d->out, SOCKS_OUT_MAX + (size_t)options->limits->head_bytes);
    buf_init(&d->in, (size_t)options->limits->head_bytes + LOOP_SCRATCH);
    timer_init(&d->timer, d->o.loop, dial_on_timer, d);
    if (origin->proxy == PROXY_SOCKS5 && !origin->proxy_names) {
        d->state = DIAL_RESOLVING_TARGET;
        resolve(d, origin->host, origin->port);
    } else {
        d->state = DIAL_RESOLVING;
        resolve(d, dial_host(d), origin->proxy == PROXY_NONE ? origin->port : origin->proxy_port);
    }
    return d;
}
