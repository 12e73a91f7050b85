/* io/tls.c - the client's side of TLS on a socket, by OpenSSL.
 *
 * OpenSSL reads and writes the descriptor itself; what we add is readiness. A read may have to wait
 * until the socket can be written, and the other way round: then the poll's mask is turned while
 * the owner's wish stays. And input may lie decrypted in memory while the descriptor is silent:
 * then the owner is told at the end of the turn.
 *
 * What is handed to SSL_write() and does not go out must be handed over again, unchanged. No owner
 * should have to know that, so such a record is held here and counts as taken, as if it lay in the
 * kernel's buffer.
 *
 * A socket may be under two layers: an HTTPS proxy's, and within it that of the server behind it.
 * The inner one then reads from and writes to the outer one. */
#include "io/socket_int.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"

#define RECORD_BYTES 16384
#define HOSTS_MAX 256
#define TICKETS_MAX 4 /* a TLS 1.3 server gives two for each connection, and each is used once */
#define NAME_MAX_BYTES 253
#define KEY_MAX (NAME_MAX_BYTES + sizeof(":65535"))

struct tickets {
    char key[KEY_MAX];            /* host:port; empty: a free place */
    SSL_SESSION *at[TICKETS_MAX]; /* newest last */
    uint32_t count;
    uint64_t used; /* by the client's count of uses */
};

struct tls_client {
    SSL_CTX *ctx;
    bool insecure;
    bool trusting; /* the trust anchors are loaded */
    uint64_t uses;
    struct tickets *hosts;     /* HOSTS_MAX, made with the first ticket */
    char gather[RECORD_BYTES]; /* small parts on their way into one record */
};

struct tls {
    SSL *ssl;
    struct tls *outer; /* NULL: speaks to the descriptor */
    struct tls_client *client;
    unsigned handshake_wants; /* SOCKET_READ or SOCKET_WRITE */
    bool read_wants_write;
    bool write_wants_read;
    bool more;        /* there may be input in here */
    bool failed;      /* OpenSSL forbids any further use */
    bool untold;      /* the handshake ended where the owner could not be told */
    bool shut_wanted; /* once what is held has gone */
    bool shut_sent;
    char *held; /* a record that did not go out */
    size_t held_len;
    char key[KEY_MAX];
    char why[160]; /* empty: nothing has failed */
};

/* --- tickets */

static struct tickets *tickets_find(struct tls_client *c, const char *key)
{
    for (size_t i = 0; c->hosts != NULL && i < HOSTS_MAX; i++)
        if (strcmp(c->hosts[i].key, key) == 0)
            return &c->hosts[i];
    return NULL;
}

static void tickets_drop(struct tickets *t)
{
    while (t->count > 0)
        SSL_SESSION_free(t->at[--t->count]);
}

/* An empty place for a new key: a free one, or that of the host unused for longest. */
static struct tickets *tickets_make(struct tls_client *c, const char *key)
{
    if (c->hosts == NULL)
        c->hosts = must_calloc(HOSTS_MAX, sizeof(c->hosts[0]));

    struct tickets *place = &c->hosts[0];

    for (size_t i = 1; i < HOSTS_MAX; i++) /* a free place was never used */
        if (c->hosts[i].used < place->used)
            place = &c->hosts[i];
    tickets_drop(place);
    memcpy(place->key, key, strlen(key) + 1);
    return place;
}

/* Takes `session`. */
static void tickets_put(struct tls_client *c, const char *key, SSL_SESSION *session)
{
    struct tickets *t = tickets_find(c, key);

    if (t == NULL)
        t = tickets_make(c, key);
    t->used = ++c->uses;
    if (SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION)
        tickets_drop(t); /* one serves any number of connections */
    if (t->count == TICKETS_MAX) {
        SSL_SESSION_free(t->at[0]);
        memmove(t->at, t->at + 1, (TICKETS_MAX - 1) * sizeof(t->at[0]));
        t->count--;
    }
    t->at[t->count++] = session;
}

static bool ticket_is_fresh(const SSL_SESSION *session)
{
    return SSL_SESSION_is_resumable(session) &&
           clock_unix_ms() / 1000 <
               (int64_t)SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session);
}

/* The newest one that is still good, for the caller to free; or NULL. */
static SSL_SESSION *tickets_take(struct tls_client *c, const char *key)
{
    struct tickets *t = tickets_find(c, key);

    if (t == NULL)
        return NULL;
    t->used = ++c->uses;
    while (t->count > 0) {
        SSL_SESSION *session = t->at[t->count - 1];
        bool fresh = ticket_is_fresh(session);

        if (fresh && SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) {
            SSL_SESSION_up_ref(session);
            return session;
        }
        t->count--;
        if (fresh)
            return session;
        SSL_SESSION_free(session);
    }
    return NULL;
}

/* 1: we keep the reference. */
static int ticket_came(SSL *ssl, SSL_SESSION *session)
{
    const struct tls *t = SSL_get_app_data(ssl);

    tickets_put(t->client, t->key, session);
    return 1;
}

/* --- the client */

static const char *openssl_why(void)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());

    return why != NULL ? why : "OpenSSL does not say why";
}

/* A file that the operator named. */
static enum status trust_load(SSL_CTX *ctx, struct str ca_file, struct error *e)
{
    char path[4096];

    if (ca_file.len >= sizeof(path))
        return fail(e, E_SYNTAX, "the path of the certificate file is too long");
    memcpy(path, ca_file.at, ca_file.len);
    path[ca_file.len] = '\0';
    if (SSL_CTX_load_verify_file(ctx, path) != 1)
        return fail(e, E_IO, "certificates in %s: %s", path, openssl_why());
    return OK;
}

/* Where OpenSSL looks, which the environment may name. */
static const char *trusted_at(const char *variable, const char *standard)
{
    const char *set = getenv(variable);

    return set != NULL ? set : standard;
}

enum status tls_trust_check(const struct tls_options *options, struct error *e)
{
    const char *file = trusted_at(X509_get_default_cert_file_env(), X509_get_default_cert_file());
    const char *folder = trusted_at(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
    SSL_CTX *ctx;
    enum status st;

    if (options->ca_file.len == 0) {
        if (access(file, R_OK) == 0 || access(folder, R_OK | X_OK) == 0)
            return OK;
        return fail(e, E_ABSENT, "neither %s nor %s can be read", file, folder);
    }
    ERR_clear_error();
    ctx = SSL_CTX_new(TLS_client_method());
    st = ctx != NULL ? trust_load(ctx, options->ca_file, e)
                     : fail(e, E_IO, "OpenSSL: %s", openssl_why());
    SSL_CTX_free(ctx);
    return st;
}

struct tls_client *tls_client_new(const struct tls_options *options, struct error *e)
{
    /* Some fronts take a client that offers nothing for one of the last century. */
    static const unsigned char alpn[] = "\x08http/1.1";
    struct tls_client *c = must_calloc(1, sizeof(*c));

    ERR_clear_error();
    c->insecure = options->insecure;
    c->ctx = SSL_CTX_new(TLS_client_method());
    if (c->ctx == NULL) {
        (void)fail(e, E_IO, "OpenSSL: %s", openssl_why());
        goto failed;
    }
    SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    /* idle connections keep no buffers; a record and the next one's head come in one read */
    SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(c->ctx, 1);
    SSL_CTX_set_alpn_protos(c->ctx, alpn, sizeof(alpn) - 1);
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->ctx, ticket_came);
    SSL_CTX_set_verify(c->ctx, c->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (c->insecure)
        log_warn("certificates of upstreams are NOT verified: this is for tests only");
    else if (options->ca_file.len > 0 && trust_load(c->ctx, options->ca_file, e) != OK)
        goto failed;
    c->trusting = c->insecure || options->ca_file.len > 0;
    return c;
failed:
    tls_client_free(c);
    return NULL;
}

void tls_client_free(struct tls_client *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; c->hosts != NULL && i < HOSTS_MAX; i++)
        tickets_drop(&c->hosts[i]);
    free(c->hosts);
    SSL_CTX_free(c->ctx);
    free(c);
}

/* --- failures */

/* What OpenSSL said after `result`, in a sentence. Nothing more can be done with this layer. */
static void tls_fail(struct socket *s, int result)
{
    struct tls *t = s->tls;
    int fault = errno;
    int kind = SSL_get_error(t->ssl, result);
    long verified = SSL_get_verify_result(t->ssl);
    unsigned long code = ERR_peek_error();
    bool cut = ERR_GET_LIB(code) == ERR_LIB_SSL &&
               ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;

    t->failed = true;
    if (s->state == SOCKET_HANDSHAKING && !t->client->insecure && verified != X509_V_OK)
        snprintf(t->why, sizeof(t->why), "the certificate is not accepted: %s",
                 X509_verify_cert_error_string(verified));
    else if (code != 0 && !cut)
        snprintf(t->why, sizeof(t->why), "%s", openssl_why());
    else if (kind == SSL_ERROR_SYSCALL && fault != 0 && !cut)
        snprintf(t->why, sizeof(t->why), "%s", uv_strerror(-fault));
    else
        snprintf(t->why, sizeof(t->why), "the connection was cut");
    ERR_clear_error();
}

const char *tls_why(const struct socket *s)
{
    return s->tls->why[0] != '\0' ? s->tls->why : NULL;
}

/* --- readiness */

unsigned tls_mask(const struct socket *s)
{
    const struct tls *t = s->tls;
    unsigned mask = 0;

    if (s->state == SOCKET_HANDSHAKING)
        return t->handshake_wants;
    if (s->state == SOCKET_BROKEN || t->failed)
        return s->wished;
    if ((s->wished & SOCKET_READ) != 0)
        mask |= t->read_wants_write ? SOCKET_WRITE : SOCKET_READ;
    if ((s->wished & SOCKET_WRITE) != 0 || t->held != NULL)
        mask |= t->write_wants_read ? SOCKET_READ : SOCKET_WRITE;
    return mask;
}

static bool layers_have_input(const struct tls *t)
{
    for (; t != NULL; t = t->outer)
        if (SSL_has_pending(t->ssl))
            return true;
    return false;
}

/* Input has come to lie in here, or is watched from now on: the descriptor may stay silent. */
static void tls_nudge_for_input(struct socket *s)
{
    if (s->tls->more && (s->wished & SOCKET_READ) != 0)
        socket_nudge(s);
}

void tls_wish_changed(struct socket *s)
{
    tls_nudge_for_input(s);
}

/* SOCKET_WRITE when the handshake is over, else 0. */
static unsigned tls_handshake(struct socket *s)
{
    struct tls *t = s->tls;

    ERR_clear_error();
    errno = 0;

    int result = SSL_do_handshake(t->ssl);

    if (result == 1) {
        s->state = SOCKET_OPEN;
        t->more = layers_have_input(t);
        tls_nudge_for_input(s);
        return SOCKET_WRITE;
    }
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        t->handshake_wants = SOCKET_READ;
        return 0;
    case SSL_ERROR_WANT_WRITE:
        t->handshake_wants = SOCKET_WRITE;
        return 0;
    default:
        tls_fail(s, result);
        s->state = SOCKET_BROKEN;
        return SOCKET_WRITE;
    }
}

static bool tls_flush(struct socket *s);

unsigned tls_events(struct socket *s, unsigned what)
{
    struct tls *t = s->tls;
    unsigned tell = 0;

    if (t->untold) {
        t->untold = false;
        return SOCKET_WRITE;
    }
    if (s->state == SOCKET_HANDSHAKING)
        return what != 0 ? tls_handshake(s) : 0;
    if (s->state == SOCKET_BROKEN || t->failed)
        return what & s->wished;

    bool can_read = (what & (t->read_wants_write ? SOCKET_WRITE : SOCKET_READ)) != 0;
    bool can_write = (what & (t->write_wants_read ? SOCKET_READ : SOCKET_WRITE)) != 0;

    if (can_write && t->held != NULL)
        can_write = tls_flush(s);
    if (can_read || t->more)
        tell |= SOCKET_READ;
    if (can_write)
        tell |= SOCKET_WRITE;
    if (t->failed)
        tell = SOCKET_READ | SOCKET_WRITE;
    tls_nudge_for_input(s);
    return tell & s->wished;
}

/* --- bytes */

long tls_read(struct socket *s, char *at, size_t len)
{
    struct tls *t = s->tls;
    size_t total = 0;
    int n;

    if (s->state != SOCKET_OPEN || t->failed)
        return SOCKET_FAILED;
    len = len < INT_MAX ? len : INT_MAX;
    ERR_clear_error();
    errno = 0;
    do {
        n = SSL_read(t->ssl, at + total, (int)(len - total));
        total += n > 0 ? (size_t)n : 0;
    } while (n > 0 && total < len && SSL_has_pending(t->ssl));

    int kind = n > 0 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, n);
    bool again = kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE;
    bool wants_write = kind == SSL_ERROR_WANT_WRITE;

    /* an end or a failure behind the bytes read now is told by the next read */
    t->more = n > 0 ? layers_have_input(t) : !again;
    tls_nudge_for_input(s);
    if (wants_write != t->read_wants_write) {
        t->read_wants_write = wants_write;
        socket_arm(s);
    }
    if (total > 0)
        return (long)total;
    if (again)
        return SOCKET_AGAIN;
    if (kind == SSL_ERROR_ZERO_RETURN)
        return SOCKET_EOF;
    tls_fail(s, n);
    return SOCKET_FAILED;
}

/* Bytes that went out, 0 when it must wait, or SOCKET_FAILED. */
static long tls_put(struct socket *s, const char *at, size_t len)
{
    struct tls *t = s->tls;

    assert(len > 0 && len <= RECORD_BYTES);
    ERR_clear_error();
    errno = 0;

    int n = SSL_write(t->ssl, at, (int)len);

    if (n > 0) {
        t->write_wants_read = false;
        return n;
    }
    switch (SSL_get_error(t->ssl, n)) {
    case SSL_ERROR_WANT_WRITE:
        t->write_wants_read = false;
        return 0;
    case SSL_ERROR_WANT_READ:
        t->write_wants_read = true;
        return 0;
    default:
        tls_fail(s, n);
        return SOCKET_FAILED;
    }
}

static void tls_shut_now(struct socket *s)
{
    struct tls *t = s->tls;

    for (struct tls *layer = t; layer != NULL; layer = layer->outer)
        if (!layer->failed && !layer->shut_sent && SSL_is_init_finished(layer->ssl)) {
            ERR_clear_error();
            (void)SSL_shutdown(layer->ssl);
            layer->shut_sent = true;
        }
    ERR_clear_error();
}

/* True when nothing is held any more and writing may go on. */
static bool tls_flush(struct socket *s)
{
    struct tls *t = s->tls;
    size_t gone = 0;

    while (gone < t->held_len) {
        long n = tls_put(s, t->held + gone, t->held_len - gone);

        if (n <= 0)
            break;
        gone += (size_t)n;
    }
    t->held_len -= gone;
    if (t->held_len > 0) {
        memmove(t->held, t->held + gone, t->held_len);
        return false;
    }
    free(t->held);
    t->held = NULL;
    if (t->shut_wanted) {
        tls_shut_now(s);
        shutdown(s->fd, SHUT_WR);
    }
    return true;
}

static void tls_hold(struct tls *t, const char *at, size_t len)
{
    assert(t->held == NULL);
    t->held = must_alloc(len);
    t->held_len = len;
    memcpy(t->held, at, len);
}

/* A place in a list of parts. */
struct cursor {
    const struct iovec *part;
    int count; /* parts left, this one included */
    size_t at; /* bytes of it behind us */
};

static void cursor_skip_empty(struct cursor *c)
{
    while (c->count > 0 && c->at == c->part->iov_len) {
        c->part++;
        c->count--;
        c->at = 0;
    }
}

/* The next record's bytes: as they lie when one part fills it or is the last, else gathered. */
static struct str cursor_record(struct cursor *c, char gather[RECORD_BYTES])
{
    size_t filled = 0;

    cursor_skip_empty(c);
    if (c->count == 0)
        return STR("");

    struct str rest = { (const char *)c->part->iov_base + c->at, c->part->iov_len - c->at };

    if (rest.len >= RECORD_BYTES || c->count == 1) {
        rest = str_take(rest, RECORD_BYTES);
        c->at += rest.len;
        return rest;
    }
    while (c->count > 0 && filled < RECORD_BYTES) {
        size_t left = c->part->iov_len - c->at;
        size_t n = left < RECORD_BYTES - filled ? left : RECORD_BYTES - filled;

        memcpy(gather + filled, (const char *)c->part->iov_base + c->at, n);
        filled += n;
        c->at += n;
        cursor_skip_empty(c);
    }
    return (struct str){ gather, filled };
}

long tls_writev(struct socket *s, const struct iovec *parts, int count)
{
    struct tls *t = s->tls;
    struct cursor c = { parts, count, 0 };
    struct str record;
    long total = 0;

    if (s->state != SOCKET_OPEN || t->failed)
        return SOCKET_FAILED;
    assert(!t->shut_sent && !t->shut_wanted);
    if (t->held != NULL && !tls_flush(s))
        return t->failed ? SOCKET_FAILED : 0;

    while ((record = cursor_record(&c, t->client->gather)).len > 0) {
        long n = tls_put(s, record.at, record.len);

        if (n == SOCKET_FAILED)
            return SOCKET_FAILED;
        total += (long)record.len;
        if ((size_t)n < record.len) {
            tls_hold(t, record.at + n, record.len - (size_t)n);
            break;
        }
    }
    socket_arm(s);
    return total;
}

void tls_shut_write(struct socket *s)
{
    if (s->tls->held != NULL) {
        s->tls->shut_wanted = true;
        return;
    }
    tls_shut_now(s);
    shutdown(s->fd, SHUT_WR);
}

bool tls_has_input(struct socket *s)
{
    struct tls *t = s->tls;
    char byte;

    if (s->state != SOCKET_OPEN || t->failed || t->more)
        return true;
    ERR_clear_error();

    /* not a peek at the descriptor: the server's tickets are no input of the owner's */
    int n = SSL_peek(t->ssl, &byte, 1);

    t->more = n > 0 || SSL_get_error(t->ssl, n) != SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return t->more;
}

bool socket_tls_resumed(const struct socket *s)
{
    return s->tls != NULL && SSL_session_reused(s->tls->ssl);
}

/* --- beginning and end */

/* Who the certificate must be for; by a name the server is told as well. */
static bool tls_set_host(SSL *ssl, char *host)
{
    struct address a;

    if (address_from_ip(str_c(host), 0, &a))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* `host:port` in lower case into `key`, the host alone into `name`. */
static bool tls_set_names(struct tls *t, struct str host, uint16_t port,
                          char name[NAME_MAX_BYTES + 1])
{
    if (str_ends(host, STR("."))) /* an absolute name; no certificate is written like that */
        host = str_drop_last(host, 1);
    if (host.len == 0 || host.len > NAME_MAX_BYTES || memchr(host.at, '\0', host.len) != NULL)
        return false;
    for (size_t i = 0; i < host.len; i++)
        name[i] = char_lower(host.at[i]);
    name[host.len] = '\0';
    snprintf(t->key, sizeof(t->key), "%s:%u", name, port);
    return true;
}

static void tls_attach(struct socket *s, struct tls *t)
{
    if (t->outer == NULL) {
        SSL_set_fd(t->ssl, s->fd);
        return;
    }

    BIO *through = BIO_new(BIO_f_ssl());

    BIO_set_ssl(through, t->outer->ssl, BIO_NOCLOSE);
    SSL_set_bio(t->ssl, through, through);
}

/* The system's anchors are loaded with the first connection that needs them: where they are one
 * file, reading it takes tens of milliseconds, which a start without such a connection need not
 * wait for. When that fails, no chain is found to end in one of them, and the handshake says so. */
static void trust_system(struct tls_client *c)
{
    if (!c->trusting && SSL_CTX_set_default_verify_paths(c->ctx) != 1)
        log_warn("the system's certificates cannot be read", F_C("why", openssl_why()));
    c->trusting = true;
}

void socket_start_tls(struct socket *s, struct tls_client *c, struct str host, uint16_t port)
{
    assert(s->state == SOCKET_OPEN);
    assert(s->tls == NULL || s->tls->held == NULL);

    struct tls *t = must_calloc(1, sizeof(*t));
    char name[NAME_MAX_BYTES + 1];

    trust_system(c);
    t->client = c;
    t->outer = s->tls;
    t->ssl = SSL_new(c->ctx);
    if (t->ssl == NULL)
        abort(); /* out of memory */
    s->tls = t;
    s->state = SOCKET_HANDSHAKING;
    SSL_set_app_data(t->ssl, t);
    tls_attach(s, t);
    SSL_set_connect_state(t->ssl);

    if (!tls_set_names(t, host, port, name) || !tls_set_host(t->ssl, name)) {
        snprintf(t->why, sizeof(t->why), "no certificate can be for that host name");
        t->failed = true;
        s->state = SOCKET_BROKEN;
        t->untold = true;
    } else {
        SSL_SESSION *session = tickets_take(c, t->key);

        if (session != NULL) {
            SSL_set_session(t->ssl, session);
            SSL_SESSION_free(session);
        }
        t->untold = tls_handshake(s) != 0;
    }
    if (t->untold)
        socket_nudge(s);
    socket_arm(s);
}

void tls_end(struct socket *s, bool reset)
{
    /* a goodbye behind a record that is half out would be no TLS */
    if (!reset && s->state == SOCKET_OPEN && s->tls->held == NULL)
        tls_shut_now(s);
    while (s->tls != NULL) {
        struct tls *t = s->tls;

        /* A connection that ends without both goodbyes makes OpenSSL call its session bad, and then
         * its tickets are never resumed. We only free: whoever answers in full is no attacker. */
        if (!t->failed)
            SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(t->ssl);
        s->tls = t->outer;
        free(t->held);
        free(t);
    }
    ERR_clear_error();
}
