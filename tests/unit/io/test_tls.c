/* tests/unit/io/test_tls.c - the client's TLS against a blocking server of OpenSSL in a thread.
 *
 * Keys and certificates are made here, at each run. The server does for each connection what its
 * script says, and ends after a given number of them. */
#include "test.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/file.h"
#include "io/mailbox.h"
#include "io/socket.h"

/* --- certificates */

struct authority {
    EVP_PKEY *key;
    X509 *cert;
};

static void cert_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);

    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &context, nid, value);

    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
}

/* By `by`, or by itself. `names` is a subjectAltName; valid from two days ago until `days` from
 * now. */
static struct authority cert_new(const char *common_name, const char *names, long days,
                                 const struct authority *by)
{
    static long serial;
    struct authority made = { EVP_EC_gen("P-256"), X509_new() };
    X509 *issuer = by != NULL ? by->cert : made.cert;

    X509_set_version(made.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), -2 * 86400);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), days * 86400);
    X509_set_pubkey(made.cert, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)common_name, -1, -1, 0);
    X509_set_issuer_name(made.cert, X509_get_subject_name(issuer));
    if (names != NULL)
        cert_extend(made.cert, issuer, NID_subject_alt_name, names);
    else
        cert_extend(made.cert, issuer, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(made.cert, by != NULL ? by->key : made.key, EVP_sha256());
    return made;
}

static void authority_free(struct authority *a)
{
    EVP_PKEY_free(a->key);
    X509_free(a->cert);
}

/* --- the server */

enum script {
    ECHO,   /* what comes goes back, until the client has said goodbye */
    CUT,    /* three bytes, and the connection breaks without a goodbye */
    QUIET,  /* nothing, until the client leaves */
    NO_TLS, /* answers in plain text */
    DOUBLE, /* ECHO within a second layer of TLS */
};

struct server {
    SSL_CTX *ctx;
    int fd;
    enum script script;
    size_t connections; /* then it ends */
    struct thread *thread;
    struct address at;
};

static void server_echo(SSL *ssl)
{
    char block[20000];
    int n;

    while ((n = SSL_read(ssl, block, sizeof(block))) > 0)
        if (SSL_write(ssl, block, n) <= 0)
            return;
    SSL_shutdown(ssl);
}

static void server_wait(int fd)
{
    char byte;

    while (read(fd, &byte, 1) > 0)
        ;
}

static void server_double(SSL_CTX *ctx, SSL *outer)
{
    SSL *inner = SSL_new(ctx);
    BIO *through = BIO_new(BIO_f_ssl());

    BIO_set_ssl(through, outer, BIO_NOCLOSE);
    SSL_set_bio(inner, through, through);
    if (SSL_accept(inner) == 1)
        server_echo(inner);
    SSL_free(inner);
    SSL_shutdown(outer);
}

static void server_connection(struct server *s, int fd)
{
    if (s->script == NO_TLS) {
        (void)!write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
        return;
    }

    SSL *ssl = SSL_new(s->ctx);

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) != 1) {
        SSL_free(ssl);
        return;
    }
    switch (s->script) {
    case ECHO:
        server_echo(ssl);
        break;
    case CUT:
        SSL_write(ssl, "abc", 3);
        break;
    case DOUBLE:
        server_double(s->ctx, ssl);
        break;
    case QUIET:
    case NO_TLS:
        server_wait(fd);
        break;
    }
    SSL_free(ssl);
}

static void server_run(void *arg)
{
    struct server *s = arg;

    for (size_t i = 0; i < s->connections; i++) {
        int fd = accept(s->fd, NULL, NULL);

        server_connection(s, fd);
        shutdown(fd, SHUT_WR);
        server_wait(fd); /* what is closed with input unread is reset */
        close(fd);
    }
}

static void server_start(struct server *s, const struct authority *identity, enum script script,
                         size_t connections, int version_max)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(name);

    *s = (struct server){ .script = script, .connections = connections };
    s->ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(s->ctx, identity->cert);
    SSL_CTX_use_PrivateKey(s->ctx, identity->key);
    SSL_CTX_set_max_proto_version(s->ctx, version_max);
    if (version_max != 0 && version_max < TLS1_2_VERSION) {
        SSL_CTX_set_min_proto_version(s->ctx, version_max);
        SSL_CTX_set_cipher_list(s->ctx, "DEFAULT@SECLEVEL=0");
    }
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind(s->fd, (struct sockaddr *)&name, len);
    listen(s->fd, 16);
    getsockname(s->fd, (struct sockaddr *)&name, &len);
    s->at = (struct address){ .ip = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 },
                              .port = ntohs(name.sin_port),
                              .is_v4 = true };
    s->thread = thread_start(server_run, s);
}

static void server_end(struct server *s)
{
    thread_join(s->thread);
    close(s->fd);
    SSL_CTX_free(s->ctx);
}

/* --- everything together */

struct world {
    struct test *t;
    struct loop *loop;
    struct authority ca, good, expired, selfmade;
    struct tls_client *client;
    char ca_path[64];
};

static void world_start(struct test *t, struct world *w)
{
    struct error e = { 0 };
    BIO *pem = BIO_new(BIO_s_mem());
    char *at;

    signal(SIGPIPE, SIG_IGN);
    *w = (struct world){ .t = t, .loop = loop_new() };
    w->ca = cert_new("Test authority", NULL, 10, NULL);
    w->good = cert_new("good", "DNS:good.example,DNS:*.wild.example,IP:127.0.0.1", 10, &w->ca);
    w->expired = cert_new("expired", "DNS:good.example", -1, &w->ca);
    w->selfmade = cert_new("selfmade", "DNS:good.example", 10, NULL);

    PEM_write_bio_X509(pem, w->ca.cert);

    struct str text = { NULL, (size_t)BIO_get_mem_data(pem, &at) };

    text.at = at;
    snprintf(w->ca_path, sizeof(w->ca_path), "/tmp/penstock-ca-%ld.pem", (long)getpid());
    CHECK_INT(file_write(w->ca_path, text, false, &e), OK, "%s", e.text);
    BIO_free(pem);
    w->client = tls_client_new(&(struct tls_options){ .ca_file = str_c(w->ca_path) }, &e);
    CHECK(w->client != NULL, "%s", e.text);
}

static void world_end(struct world *w)
{
    tls_client_free(w->client);
    loop_free(w->loop);
    authority_free(&w->ca);
    authority_free(&w->good);
    authority_free(&w->expired);
    authority_free(&w->selfmade);
    unlink(w->ca_path);
}

/* One connection: handshake, `total` bytes there, and what comes until the end. */
struct talk {
    struct world *w;
    struct tls_client *client;
    const struct server *server;
    const char *host;
    int layers; /* of TLS, 1 at least */

    size_t total;      /* to be sent, and then a goodbye */
    size_t read_bytes; /* at each readiness */
    bool pauses;       /* stops watching between reads */
    bool ends_when_connected;

    struct socket *socket;
    struct timer timer;
    int started; /* layers */
    bool is_open, resumed;
    enum status connected;
    struct error e;
    size_t sent, got, differing, reads;
    long last_read;
    char why[160];
};

static char talk_byte(size_t at)
{
    return (char)(at * 2654435761u >> 11);
}

static void talk_write(struct talk *k)
{
    char block[3][9000];
    struct iovec parts[3];

    while (k->sent < k->total) {
        size_t at = k->sent;

        for (size_t i = 0; i < COUNT(parts); i++) {
            size_t want = i == 1 ? sizeof(block[i]) : i * 700 + 13; /* small, large, small */
            size_t n = want < k->total - at ? want : k->total - at;

            for (size_t b = 0; b < n; b++)
                block[i][b] = talk_byte(at + b);
            parts[i] = (struct iovec){ block[i], n };
            at += n;
        }

        long n = socket_writev(k->socket, parts, COUNT(parts));

        if (n <= 0) {
            socket_watch(k->socket, SOCKET_READ | SOCKET_WRITE);
            return;
        }
        k->sent += (size_t)n;
    }
    socket_watch(k->socket, SOCKET_READ);
    if (k->sent == k->total) {
        socket_shut_write(k->socket);
        k->sent++;
    }
}

static void talk_resume(void *peer, __attribute__((unused)) int64_t now_ms)
{
    struct talk *k = peer;

    socket_watch(k->socket, SOCKET_READ);
}

static void talk_read(struct talk *k)
{
    char *scratch = loop_scratch(k->w->loop);

    k->reads++;
    k->last_read = socket_read(k->socket, scratch, k->read_bytes);
    if (k->last_read == SOCKET_AGAIN)
        return;
    if (k->last_read < 0) {
        snprintf(k->why, sizeof(k->why), "%s", socket_why(k->socket));
        loop_stop(k->w->loop);
        return;
    }
    for (long i = 0; i < k->last_read; i++)
        k->differing += scratch[i] != talk_byte(k->got + (size_t)i);
    k->got += (size_t)k->last_read;
    if (k->pauses && k->sent > k->total && k->reads % 50 == 0) {
        socket_watch(k->socket, 0);
        timer_start(&k->timer, 1);
    }
}

static void talk_ready(void *peer, unsigned what)
{
    struct talk *k = peer;

    if (!k->is_open) {
        k->connected = socket_connected(k->socket, &k->e);
        if (k->connected != OK) {
            loop_stop(k->w->loop);
            return;
        }
        if (k->started < k->layers) {
            k->started++;
            socket_start_tls(k->socket, k->client, str_c(k->host), k->server->at.port);
            return;
        }
        k->is_open = true;
        k->resumed = socket_tls_resumed(k->socket);
        if (k->ends_when_connected) {
            loop_stop(k->w->loop);
            return;
        }
        socket_watch(k->socket, SOCKET_READ);
        talk_write(k);
        return;
    }
    if ((what & SOCKET_WRITE) != 0)
        talk_write(k);
    if ((what & SOCKET_READ) != 0)
        talk_read(k);
}

static void talk_start(struct talk *k, struct world *w, const struct server *s, const char *host)
{
    *k = (struct talk){ .w = w,
                        .client = w->client,
                        .server = s,
                        .host = host,
                        .layers = 1,
                        .read_bytes = LOOP_SCRATCH };
    timer_init(&k->timer, w->loop, talk_resume, k);
}

static void talk_run(struct talk *k)
{
    k->socket = socket_connect(k->w->loop, &k->server->at, talk_ready, k, &k->e);
    loop_run(k->w->loop);
}

static void talk_end(struct talk *k)
{
    timer_stop(&k->timer);
    socket_close(k->socket, false);
}

/* --- who the server is */

TEST(a_certificate_is_accepted_for_each_of_its_names)
{
    static const char *const hosts[] = { "good.example", "GOOD.example.", "127.0.0.1",
                                         "a.wild.example" };
    struct world w;
    struct server s;

    world_start(t, &w);
    server_start(&s, &w.good, ECHO, COUNT(hosts), 0);
    for (size_t i = 0; i < COUNT(hosts); i++) {
        struct talk k;

        talk_start(&k, &w, &s, hosts[i]);
        k.total = 100;
        talk_run(&k);
        CHECK_INT(k.connected, OK, "%s: %s", hosts[i], k.e.text);
        CHECK_INT(k.got, 100, "%s", hosts[i]);
        CHECK_INT(k.differing, 0, "%s", hosts[i]);
        CHECK_INT(k.last_read, SOCKET_EOF, "%s", hosts[i]);
        talk_end(&k);
    }
    server_end(&s);
    world_end(&w);
}

TEST(a_certificate_that_is_not_accepted_is_refused_with_its_reason)
{
    struct world w;

    world_start(t, &w);

    const struct {
        const char *name, *host, *want;
        const struct authority *identity;
        enum script script;
        int version_max;
    } cases[] = {
        { "another name", "bad.example", "hostname mismatch", &w.good, QUIET, 0 },
        { "another address", "127.0.0.2", "IP address mismatch", &w.good, QUIET, 0 },
        { "a name beside a wild card", "a.b.wild.example", "hostname mismatch", &w.good, QUIET, 0 },
        { "expired", "good.example", "certificate has expired", &w.expired, QUIET, 0 },
        { "expired, TLS 1.2", "good.example", "certificate has expired", &w.expired, QUIET,
          TLS1_2_VERSION },
        { "by itself", "good.example", "self-signed certificate", &w.selfmade, QUIET, 0 },
        { "no TLS", "good.example", "wrong version number", &w.good, NO_TLS, 0 },
        { "TLS 1.1", "good.example", "protocol", &w.good, QUIET, TLS1_1_VERSION },
        { "no host", "", "host name", &w.good, QUIET, 0 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct server s;
        struct talk k;

        server_start(&s, cases[i].identity, cases[i].script, 1, cases[i].version_max);
        talk_start(&k, &w, &s, cases[i].host);
        talk_run(&k);
        CHECK_INT(k.connected, E_IO, "%s", cases[i].name);
        CHECK(str_find(str_c(k.e.text), str_c(cases[i].want)) != SIZE_MAX, "%s: %s", cases[i].name,
              k.e.text);
        CHECK_INT(socket_read(k.socket, k.why, 1), SOCKET_FAILED, "%s", cases[i].name);
        talk_end(&k);
        server_end(&s);
    }
    world_end(&w);
}

TEST(without_verification_anybody_will_do)
{
    struct world w;
    struct server s;
    struct talk k;
    struct error e = { 0 };

    world_start(t, &w);

    struct tls_client *trusting = tls_client_new(&(struct tls_options){ .insecure = true }, &e);

    server_start(&s, &w.selfmade, ECHO, 1, 0);
    talk_start(&k, &w, &s, "other.example");
    k.client = trusting;
    k.total = 1;
    talk_run(&k);
    CHECK_INT(k.connected, OK, "%s", k.e.text);
    talk_end(&k);
    server_end(&s);
    tls_client_free(trusting);
    world_end(&w);
}

TEST(trust_anchors_that_cannot_be_read_are_an_error_that_names_the_file)
{
    struct error e;

    CHECK(tls_client_new(&(struct tls_options){ .ca_file = STR("/tmp/no-such.pem") }, &e) == NULL);
    CHECK(str_find(str_c(e.text), STR("no-such.pem")) != SIZE_MAX, "%s", e.text);

    struct tls_client *system = tls_client_new(&(struct tls_options){ .insecure = false }, &e);

    CHECK(system != NULL, "%s", e.text);
    tls_client_free(system);
}

/* --- resumption */

TEST(the_second_connection_resumes_the_first)
{
    static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };
    struct world w;

    world_start(t, &w);
    for (size_t v = 0; v < COUNT(versions); v++) {
        struct server s;

        server_start(&s, &w.good, ECHO, 6, versions[v]);
        for (int i = 0; i < 6; i++) {
            struct talk k;

            /* tickets are one host's, not another's at the same address */
            talk_start(&k, &w, &s, i == 3 ? "a.wild.example" : "good.example");
            k.total = 10;
            talk_run(&k);
            CHECK_INT(k.connected, OK, "%s", k.e.text);
            CHECK_INT(k.resumed, i != 0 && i != 3, "connection %d, version %x", i, versions[v]);
            talk_end(&k);
        }
        server_end(&s);
    }
    world_end(&w);
}

/* --- bytes */

#define BULK ((size_t)2 << 20)

static const struct {
    const char *name;
    size_t total, read_bytes;
    bool pauses;
    int layers;
} bulks[] = {
    { "one byte", 1, LOOP_SCRATCH, false, 1 },
    { "nothing", 0, LOOP_SCRATCH, false, 1 },
    { "much", BULK, LOOP_SCRATCH, false, 1 },
    { "much, in small reads", BULK / 4, 1000, false, 1 },
    { "much, in small reads and with pauses", BULK / 16, 1000, true, 1 },
    { "one byte in two layers", 1, LOOP_SCRATCH, false, 2 },
    { "much in two layers", BULK, LOOP_SCRATCH, false, 2 },
    { "much in two layers, in small reads and with pauses", BULK / 16, 1000, true, 2 },
};

TEST(what_is_sent_comes_back_whole_however_it_is_read)
{
    static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };
    struct world w;

    world_start(t, &w);
    for (size_t i = 0; i < COUNT(bulks) * COUNT(versions); i++) {
        size_t c = i / COUNT(versions);
        int version = versions[i % COUNT(versions)];
        struct server s;
        struct talk k;

        server_start(&s, &w.good, bulks[c].layers == 2 ? DOUBLE : ECHO, 1, version);
        talk_start(&k, &w, &s, "good.example");
        k.total = bulks[c].total;
        k.read_bytes = bulks[c].read_bytes;
        k.pauses = bulks[c].pauses;
        k.layers = bulks[c].layers;
        talk_run(&k);
        CHECK_INT(k.connected, OK, "%s: %s", bulks[c].name, k.e.text);
        CHECK_INT(k.got, bulks[c].total, "%s, version %x", bulks[c].name, version);
        CHECK_INT(k.differing, 0, "%s, version %x", bulks[c].name, version);
        CHECK_INT(k.last_read, SOCKET_EOF, "%s, version %x: %s", bulks[c].name, version, k.why);
        talk_end(&k);
        server_end(&s);
    }
    world_end(&w);
}

TEST(an_end_without_goodbye_is_a_failure_behind_the_bytes)
{
    struct world w;
    struct server s;
    struct talk k;

    world_start(t, &w);
    server_start(&s, &w.good, CUT, 1, 0);
    talk_start(&k, &w, &s, "good.example");
    talk_run(&k);
    CHECK_INT(k.got, 3);
    CHECK_INT(k.last_read, SOCKET_FAILED);
    CHECK_STR(str_c(k.why), "the connection was cut");
    CHECK(socket_has_input(k.socket));
    talk_end(&k);
    server_end(&s);
    world_end(&w);
}

static void stop_now(void *peer, __attribute__((unused)) int64_t now_ms)
{
    loop_stop(peer);
}

TEST(tickets_on_an_idle_connection_are_no_input)
{
    struct world w;
    struct server s;
    struct talk k;
    struct timer timer;

    world_start(t, &w);
    server_start(&s, &w.good, QUIET, 1, 0);
    talk_start(&k, &w, &s, "good.example");
    k.ends_when_connected = true;
    talk_run(&k);
    CHECK_INT(k.connected, OK, "%s", k.e.text);

    timer_init(&timer, w.loop, stop_now, w.loop);
    timer_start(&timer, 20); /* time for the tickets to come */
    loop_run(w.loop);
    CHECK(!socket_has_input(k.socket));
    talk_end(&k);
    server_end(&s);
    world_end(&w);
}
