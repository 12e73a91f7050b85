#include "upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"

struct upstream_conn {
    struct upstream *upstream;
    struct upstream_conn *next, *prev;
    struct socket *socket;
    struct timer timer;
    const struct step *step, *end;
    struct buf in;    /* of a head that is not whole */
    size_t sent;      /* of the step's bytes */
    SSL *tls;         /* over two memory BIOs; NULL: plain */
    struct buf out;   /* what TLS has to send */
    uint64_t to_come; /* of a body, or of STEP_BYTES */
    bool in_body;
};

uint64_t body_sum_add(uint64_t sum, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        sum = sum * 31 + (uint8_t)bytes.at[i] + 1;
    return sum;
}

static void conn_run(struct upstream_conn *c);

/* --- TLS */

static SSL_CTX *tls_make(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    const unsigned char *name = (const unsigned char *)"api.example";

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_sign(x, key, EVP_sha256());
    SSL_CTX_use_certificate(ctx, x);
    SSL_CTX_use_PrivateKey(ctx, key);
    X509_free(x);
    EVP_PKEY_free(key);
    return ctx;
}

static void tls_begin(struct upstream_conn *c)
{
    struct upstream *u = c->upstream;

    if (u->tls == NULL)
        u->tls = tls_make();
    c->tls = SSL_new(u->tls);
    SSL_set_bio(c->tls, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(c->tls);
}

/* Sends what TLS has ready. True when all of it went out. */
static bool tls_flush(struct upstream_conn *c)
{
    char bytes[4096];
    int n;

    while ((n = BIO_read(SSL_get_wbio(c->tls), bytes, sizeof(bytes))) > 0)
        (void)buf_add(&c->out, (struct str){ bytes, (size_t)n });
    if (c->out.len > 0) {
        struct iovec part = { c->out.at, c->out.len };
        long went = socket_writev(c->socket, &part, 1);

        buf_drop(&c->out, went < 0 ? c->out.len : (size_t)went);
    }
    return c->out.len == 0;
}

static long tls_recv(struct upstream_conn *c, char *at, size_t len)
{
    int n = SSL_read(c->tls, at, (int)len);

    (void)tls_flush(c); /* handshakes answer */
    if (n > 0)
        return n;
    return SSL_get_error(c->tls, n) == SSL_ERROR_ZERO_RETURN ? SOCKET_EOF : SOCKET_AGAIN;
}

/* Like socket_read() and socket_writev() of one part, under TLS if need be. */
static long conn_recv(struct upstream_conn *c, char *at, size_t len)
{
    char coded[4096];

    if (c->tls == NULL)
        return socket_read(c->socket, at, len);
    long n = tls_recv(c, at, len);

    if (n != SOCKET_AGAIN)
        return n;
    n = socket_read(c->socket, coded, sizeof(coded));
    if (n < 0)
        return n;
    BIO_write(SSL_get_rbio(c->tls), coded, (int)n);
    return tls_recv(c, at, len);
}

static long conn_send(struct upstream_conn *c, struct str bytes)
{
    struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.len };

    if (bytes.len == 0)
        return 0;
    if (c->tls == NULL)
        return socket_writev(c->socket, &part, 1);
    int n = SSL_write(c->tls, bytes.at, (int)bytes.len);
    (void)tls_flush(c);
    return n;
}

static void conn_free(void *at)
{
    free(at);
}

static void conn_end(struct upstream_conn *c, enum step_kind how)
{
    struct upstream *u = c->upstream;
    bool reset = how == STEP_RESET;

    if (c->tls != NULL && how == STEP_HANG_UP) {
        SSL_shutdown(c->tls);
        (void)tls_flush(c);
    }
    SSL_free(c->tls);
    buf_clear(&c->out);
    socket_close(c->socket, reset);
    c->socket = NULL;
    timer_stop(&c->timer);
    buf_clear(&c->in);
    if (c->next != NULL)
        c->next->prev = c->prev;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        u->open = c->next;
    loop_doom(u->loop, c, conn_free);
}

static void conn_on_timer(void *peer, int64_t now_ms)
{
    struct upstream_conn *c = peer;

    (void)now_ms;
    if (c->step->kind == STEP_WAIT)
        c->step++;
    conn_run(c);
}

/* --- what it is asked */

static uint64_t announced(struct str head)
{
    size_t at = str_ifind(head, STR("\r\nContent-Length: "));
    struct str line, rest;
    uint64_t length = 0;

    if (at == SIZE_MAX)
        return 0;
    (void)str_cut(str_drop(head, at + strlen("\r\nContent-Length: ")), '\r', &line, &rest);
    (void)str_to_u64(line, &length);
    return length;
}

static void body_take(struct upstream_conn *c, struct str *in)
{
    struct str run = str_take(*in, c->to_come < in->len ? (size_t)c->to_come : in->len);

    *in = str_drop(*in, run.len);
    c->to_come -= run.len;
    c->upstream->body_bytes += run.len;
    c->upstream->body_sum = body_sum_add(c->upstream->body_sum, run);
}

/* True when the request that is asked for is whole. */
static bool request_take(struct upstream_conn *c, struct str *in)
{
    if (!c->in_body) {
        (void)buf_add(&c->in, *in);
        size_t end = str_find(buf_str(&c->in), STR("\r\n\r\n"));

        if (end == SIZE_MAX) {
            *in = STR("");
            return false;
        }
        size_t behind = c->in.len - (end + 4);

        *in = str_drop(*in, in->len - behind);
        c->in.len = end + 4;
        c->to_come = announced(buf_str(&c->in));
        c->in_body = true;
        (void)buf_add(&c->upstream->heads, buf_str(&c->in));
        c->in.len = 0;
    }
    body_take(c, in);
    if (c->to_come > 0)
        return false;
    c->in_body = false;
    c->upstream->requests++;
    return true;
}

static void conn_read(struct upstream_conn *c)
{
    char bytes[16384];
    size_t most = c->upstream->read_bytes > 0 ? c->upstream->read_bytes : sizeof(bytes);
    long n = conn_recv(c, bytes, most < sizeof(bytes) ? most : sizeof(bytes));

    if (n == SOCKET_AGAIN)
        return;
    if (n < 0) {
        conn_end(c, STEP_HANG_UP);
        return;
    }
    struct str in = { bytes, (size_t)n };
    bool done = false;

    if (c->step < c->end && c->step->kind == STEP_ASK) {
        done = request_take(c, &in);
    } else if (c->step < c->end && c->step->kind == STEP_BYTES) {
        if (c->to_come == 0)
            c->to_come = c->step->number;
        body_take(c, &in);
        done = c->to_come == 0;
    }
    if (done) {
        c->step++;
        conn_run(c);
    }
}

/* --- what it does */

/* True when the step is over. */
static bool conn_say(struct upstream_conn *c, size_t most)
{
    struct str rest = str_take(str_drop(c->step->bytes, c->sent), most);
    long n = conn_send(c, rest);

    if (n < 0) { /* its client has gone, which the script did not foresee */
        c->step = c->end;
        return false;
    }
    c->sent += (size_t)n;
    if (c->sent < c->step->bytes.len)
        return false;
    c->sent = 0;
    return true;
}

static void conn_on_ready(void *peer, unsigned what)
{
    struct upstream_conn *c = peer;

    if ((what & SOCKET_WRITE) != 0)
        conn_run(c);
    if ((what & SOCKET_READ) != 0 && c->socket != NULL)
        do
            conn_read(c);
        while (c->socket != NULL && c->tls != NULL && BIO_pending(SSL_get_rbio(c->tls)) > 0);
}

/* Goes through the script as far as it goes without waiting. While something is said or awaited in
 * time, nothing is read: a script can so keep a sender waiting. */
static void conn_run(struct upstream_conn *c)
{
    while (c->step < c->end) {
        switch (c->step->kind) {
        case STEP_ASK:
        case STEP_BYTES:
            socket_watch(c->socket, SOCKET_READ);
            return;
        case STEP_SAY:
            if (!conn_say(c, SIZE_MAX)) {
                socket_watch(c->socket, SOCKET_WRITE);
                return;
            }
            break;
        case STEP_DRIP:
            if (!conn_say(c, 1)) {
                timer_start(&c->timer, (int64_t)c->step->number);
                socket_watch(c->socket, 0);
                return;
            }
            break;
        case STEP_WAIT:
            timer_start(&c->timer, (int64_t)c->step->number);
            socket_watch(c->socket, 0);
            return;
        case STEP_TLS:
            tls_begin(c);
            break;
        case STEP_HANG_UP:
        case STEP_CUT:
        case STEP_RESET:
            conn_end(c, c->step->kind);
            return;
        case STEP_SHUT:
            listener_close(c->upstream->listener);
            c->upstream->listener = NULL;
            break;
        }
        c->step++;
    }
    socket_watch(c->socket, SOCKET_READ);
}

/* --- life */

static void upstream_on_accepted(void *peer, struct accepted *a)
{
    struct upstream *u = peer;
    struct upstream_conn *c = must_calloc(1, sizeof(*c));
    size_t script = u->connections < u->script_count ? u->connections : u->script_count - 1;

    assert(u->script_count > 0);
    u->connections++;
    c->upstream = u;
    c->step = u->scripts[script].steps;
    c->end = c->step + u->scripts[script].count;
    buf_init(&c->in, 1 << 20);
    buf_init(&c->out, 1 << 24);
    timer_init(&c->timer, u->loop, conn_on_timer, c);
    c->socket = accepted_adopt(a, u->loop, conn_on_ready, c);
    assert(c->socket != NULL);
    c->next = u->open;
    if (u->open != NULL)
        u->open->prev = c;
    u->open = c;
    conn_run(c);
}

void upstream_open(struct upstream *u, struct loop *l)
{
    struct address at;
    struct error e;
    bool good = address_read(STR("127.0.0.1:0"), &at);

    assert(good);
    *u = (struct upstream){ .loop = l };
    buf_init(&u->heads, 1 << 20);
    u->listener = listener_open(l, &at, upstream_on_accepted, u, &e);
    assert(u->listener != NULL);
    u->port = listener_address(u->listener).port;
}

void upstream_script(struct upstream *u, const struct step *steps, size_t count)
{
    assert(u->script_count < SCRIPTS_MAX);
    u->scripts[u->script_count].steps = steps;
    u->scripts[u->script_count++].count = count;
}

void upstream_close(struct upstream *u)
{
    while (u->open != NULL)
        conn_end(u->open, STEP_HANG_UP);
    SSL_CTX_free(u->tls);
    if (u->listener != NULL)
        listener_close(u->listener);
    buf_clear(&u->heads);
}

void upstream_say(struct upstream *u, struct str bytes)
{
    long n = conn_send(u->open, bytes);

    assert(n == (long)bytes.len);
}

void upstream_hang_up(struct upstream *u)
{
    conn_end(u->open, STEP_HANG_UP);
}

/* --- nobody */

uint16_t deaf_open(struct deaf *d, const char *ip, uint16_t port)
{
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    bool is_v4 = inet_pton(AF_INET, ip, &v4.sin_addr) == 1;
    struct sockaddr *name = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
    socklen_t len = is_v4 ? sizeof(v4) : sizeof(v6);

    *d = (struct deaf){ .listener = socket(name->sa_family, SOCK_STREAM, 0),
                        .filler = { -1, -1, -1, -1 } };
    if ((!is_v4 && inet_pton(AF_INET6, ip, &v6.sin6_addr) != 1) ||
        bind(d->listener, name, len) != 0 || listen(d->listener, 0) != 0 ||
        getsockname(d->listener, name, &len) != 0)
        return 0;
    for (size_t i = 0; i < COUNT(d->filler); i++) {
        d->filler[i] = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(d->filler[i], name, len);
    }
    return ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
}

void deaf_close(struct deaf *d)
{
    for (size_t i = 0; i < COUNT(d->filler); i++)
        if (d->filler[i] >= 0)
            close(d->filler[i]);
    if (d->listener >= 0)
        close(d->listener);
}
