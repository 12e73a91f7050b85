/* app/doctor_net.c - checks of the running gateway, of ports, and of the ways out. */
#include <inttypes.h>
#include <stdio.h>

#include "app/doctor.h"
#include "base/timetext.h"
#include "base/url.h"
#include "http/proxy.h"
#include "io/signals.h"
#include "provider/signin.h"

#define TRY_MS 3000
#define CLOCK_OFF_S 60
#define CLOCK_SANE_MS (INT64_C(1767225600) * 1000) /* 2026: older than this program */

/* --- the gateway */

void doctor_gateway(struct doctor *d)
{
    struct error e = { .status = OK };

    if (!d->running)
        return;
    enum status st = remote_open(&d->remote, d->folder, &e);

    if (st == OK) {
        d->remote.call_ms = TRY_MS;
        st = remote_call(&d->remote, "GET", STR("/api/status"), STR(""), &d->status, &e);
    }
    if (st == OK)
        st = remote_call(&d->remote, "GET", STR("/api/accounts"), STR(""), &d->live, &e);
    d->reached = st == OK;
    if (st != OK)
        found(d, FINDING_FAULT,
              "Look in its log; if it hangs, stop it (its process id is the first line of `lock`).",
              "a gateway holds %s but does not answer: %s", d->folder, e.text);
}

void doctor_version(struct doctor *d)
{
    struct str version = d->reached ? answer_text(&d->status, 0, "version") : STR("");

    if (version.len > 0 && !str_eq(version, STR(PENSTOCK_VERSION)))
        found(d, FINDING_WARNING, "Start the gateway again.",
              "the gateway is version %.*s, this program is " PENSTOCK_VERSION, STR_ARG(version));
}

void doctor_settings_in_force(struct doctor *d)
{
    struct str fault = d->reached ? answer_text(&d->status, 0, "settings_fault") : STR("");

    if (fault.len > 0)
        found(d, FINDING_FAULT, "Mend the file: the gateway takes it at once.",
              "the gateway keeps older settings, because of %.*s", (int)fault.len, fault.at);
}

void doctor_serving(struct doctor *d)
{
    if (d->reached && !answer_flag(&d->status, 0, "serving"))
        found(d, FINDING_WARNING, "penstock resume", "serving is paused: clients get 503");
    if (d->reached && answer_flag(&d->status, 0, "simulator"))
        found(d, FINDING_NOTE, "Add an account.",
              "the built-in simulator answers every request, not a model");
}

void doctor_lockouts(struct doctor *d)
{
    uint32_t all = d->reached ? answer_member(&d->live, 0, "accounts") : JSON_NONE;

    for (uint32_t i = all == JSON_NONE ? JSON_NONE : json_first(&d->live.doc, all); i != JSON_NONE;
         i = json_after(&d->live.doc, all, i)) {
        struct str label = answer_text(&d->live, i, "label");
        int64_t count = answer_number(&d->live, i, "lockout_count", 0);

        if (answer_flag(&d->live, i, "credential_refused"))
            found(d, FINDING_WARNING, "Put in a new key, or sign in again.",
                  "the provider refuses the credential of account `%.*s`", STR_ARG(label));
        else if (count > 0)
            found(d, FINDING_NOTE, "`penstock lockouts list` says why and until when.",
                  "account `%.*s` has %" PRId64 " lockout%s", STR_ARG(label), count,
                  count == 1 ? "" : "s");
    }
}

/* --- ports */

static void drop(void *peer, struct accepted *a)
{
    (void)peer;
    accepted_drop(a);
}

static enum status try_port(struct doctor *d, struct str text, struct error *e)
{
    struct address at;
    bool good = address_read(text, &at);

    assert(good); /* check_listen() has seen to it */
    struct listener *l = listener_open(d->loop, &at, drop, NULL, e);

    if (l == NULL)
        return e->status;
    listener_close(l);
    return OK;
}

void doctor_ports(struct doctor *d)
{
    const struct settings *s = d->settings;

    if (d->running || s == NULL)
        return; /* they are the gateway's */
    for (size_t i = 0; i < s->listen_count; i++) {
        struct error e = { .status = OK };
        bool v6 = str_starts(s->listen[i], STR("["));

        if (try_port(d, s->listen[i], &e) == OK || (v6 && e.status == E_IO))
            continue;
        found(d, FINDING_FAULT,
              "Stop the program that has it (`ss -ltnp`), or set another address in `listen`.",
              "%.*s cannot be listened at: %s", STR_ARG(s->listen[i]), e.text);
    }
}

void doctor_ipv6(struct doctor *d)
{
    struct error e = { .status = OK };

    if (try_port(d, STR("[::1]:0"), &e) != OK)
        found(d, FINDING_NOTE, "",
              "there is no IPv6 here: clients that try ::1 first are refused at once and go on");
}

void doctor_callback_ports(struct doctor *d)
{
    static const char *const families[] = { "antigravity", "codex" };

    for (size_t i = 0; i < COUNT(families); i++) {
        const struct signin_family *f = signin_family(str_c(families[i]));
        struct error e = { .status = OK };

        if (f == NULL || f->port == 0)
            continue;
        if (try_port(d, arena_printf(&d->arena, "127.0.0.1:%u", (unsigned)f->port), &e) != OK &&
            e.status == E_CONFLICT)
            found(d, FINDING_WARNING,
                  "Stop the program that has it while you sign in, or paste the address that the "
                  "browser ends at.",
                  "port %u, which sign-ins of %s come back to, is taken", (unsigned)f->port,
                  families[i]);
    }
}

/* --- ways out */

struct attempted {
    struct loop *loop;
    struct timer timer;
    struct socket *socket;
    struct dns_query *query;
    bool done, good;
    struct address at;
    char why[240];
};

static void attempted_end(struct attempted *t, bool good, const char *why)
{
    t->done = true;
    t->good = good;
    snprintf(t->why, sizeof(t->why), "%s", why);
    loop_stop(t->loop);
}

static void over(void *peer, int64_t now_ms)
{
    (void)now_ms;
    attempted_end(peer, false, "no answer within three seconds");
}

static void looked_up(void *peer, const struct address *found_at, size_t count, const char *why)
{
    struct attempted *t = peer;

    t->query = NULL;
    if (count > 0)
        t->at = found_at[0];
    attempted_end(t, count > 0, count > 0 ? "" : why);
}

static bool look_up(struct doctor *d, struct str host, uint16_t port, struct attempted *t)
{
    *t = (struct attempted){ .loop = d->loop };
    t->query = dns_resolve(d->dns, host, port, TRY_MS, looked_up, t);
    loop_run(d->loop);
    if (t->query != NULL)
        dns_cancel(t->query);
    return t->good;
}

static void ready(void *peer, unsigned what)
{
    struct attempted *t = peer;
    struct error e = { .status = OK };
    enum status st = socket_connected(t->socket, &e);

    (void)what;
    attempted_end(t, st == OK, e.text);
}

static bool connect_to(struct doctor *d, struct attempted *t)
{
    struct error e = { .status = OK };
    struct address at = t->at;

    *t = (struct attempted){ .loop = d->loop };
    t->socket = socket_connect(d->loop, &at, ready, t, &e);
    if (t->socket == NULL) {
        snprintf(t->why, sizeof(t->why), "%s", e.text);
        return false;
    }
    socket_watch(t->socket, SOCKET_WRITE);
    timer_init(&t->timer, d->loop, over, t);
    timer_start(&t->timer, TRY_MS);
    loop_run(d->loop);
    timer_stop(&t->timer);
    socket_close(t->socket, true);
    return t->good;
}

static void check_one_proxy(struct doctor *d, struct str text, const char *set_by)
{
    struct url u;
    struct attempted t;

    if (text.len == 0 || str_eq(text, STR("direct")))
        return;
    if (!url_read(text, &u, NULL)) {
        found(d, FINDING_FAULT, "Give it as http://HOST:PORT or socks5h://HOST:PORT.",
              "the proxy that %s names is no URL", set_by);
        return;
    }
    if (!look_up(d, u.host, (uint16_t)u.port, &t) || !connect_to(d, &t))
        found(d, FINDING_FAULT, "Start it, or take it out of there.",
              "the proxy %.*s:%d (%s) cannot be reached: %s", STR_ARG(u.host), u.port, set_by,
              t.why);
}

void doctor_proxy(struct doctor *d)
{
    const struct proxy_settings *p;

    if (d->settings == NULL)
        return;
    p = &d->settings->provider.proxy;
    if (p->global.len > 0) {
        check_one_proxy(d, p->global, "proxy.upstream_proxy");
    } else {
        check_one_proxy(d, p->https_proxy, "HTTPS_PROXY");
        if (!str_eq(p->http_proxy, p->https_proxy))
            check_one_proxy(d, p->http_proxy, "HTTP_PROXY");
        check_one_proxy(d, p->all_proxy, "ALL_PROXY");
    }
    for (size_t i = 0; i < d->account_count; i++)
        check_one_proxy(
            d, d->accounts[i]->proxy,
            arena_printf(&d->arena, "account `%.*s`", STR_ARG(d->accounts[i]->label)).at);
}

void doctor_trust(struct doctor *d)
{
    struct error e = { .status = OK };

    if (d->settings == NULL || d->settings->tls.insecure)
        return;
    if (tls_trust_check(&d->settings->tls, &e) != OK)
        found(d, FINDING_FAULT,
              d->settings->tls.ca_file.len > 0 ? "Mend `tls.ca_file`."
                                               : "Install the package ca-certificates.",
              "no upstream can be trusted: %s", e.text);
}

/* Of an account that a name leads to without a proxy; false: another one. */
static bool host_of(struct doctor *d, const struct account_spec *a, struct upstream **up)
{
    struct error e;
    uint8_t ip[16];

    *up = NULL;
    if (a->disabled || upstream_new(a, &d->settings->provider, up, &e) != OK)
        return false;
    return (*up)->origin.proxy == PROXY_NONE && !ip_read((*up)->origin.host, ip, NULL);
}

void doctor_names(struct doctor *d)
{
    struct str seen[64];
    size_t count = 0;

    for (size_t i = 0; d->settings != NULL && i < d->account_count && count < COUNT(seen); i++) {
        struct upstream *up;
        struct attempted t;
        bool named = host_of(d, d->accounts[i], &up), known = false;

        for (size_t k = 0; named && k < count; k++)
            known = known || str_eq(seen[k], up->origin.host);
        if (named && !known) {
            seen[count++] = arena_copy(&d->arena, up->origin.host);
            if (!look_up(d, up->origin.host, up->origin.port, &t))
                found(d, FINDING_FAULT,
                      "Look at /etc/resolv.conf and your network; behind a proxy set it.",
                      "the name %.*s of account `%.*s` cannot be looked up: %s",
                      STR_ARG(up->origin.host), STR_ARG(d->accounts[i]->label), t.why);
        }
        if (up != NULL)
            upstream_free(up);
    }
}

/* --- the clock */

struct asked_time {
    struct doctor *doctor;
    int64_t theirs_s; /* 0: not told */
    char why[160];
};

static void on_head(void *peer, const struct http_head *head)
{
    struct asked_time *t = peer;
    int64_t unix_ms;

    if (date_read_http(http_field_value(head, STR("date")), &unix_ms))
        t->theirs_s = unix_ms / 1000;
}

static void on_data(void *peer, struct str bytes)
{
    (void)peer;
    (void)bytes;
}

static void on_end(void *peer)
{
    struct asked_time *t = peer;

    loop_stop(t->doctor->loop);
}

static void on_fail(void *peer, const struct call_fault *fault)
{
    struct asked_time *t = peer;

    snprintf(t->why, sizeof(t->why), "%s", fault->text);
    loop_stop(t->doctor->loop);
}

static void compare(struct doctor *d, const struct origin *origin, struct str label)
{
    struct asked_time t = { .doctor = d };
    struct client_metrics metrics = { 0 };
    struct error e = { .status = OK };
    struct buf head = { .max = 4096 };
    struct call_timeouts timeouts = call_timeouts_default;
    struct client *client = client_new(&(struct client_options){ .loop = d->loop,
                                                                 .limits = client_limits_default,
                                                                 .tls = d->settings->tls,
                                                                 .metrics = &metrics },
                                       &e);

    if (client == NULL)
        return;
    timeouts.total_ms = TRY_MS;
    if (http_put_request_line(&head, STR("GET"), STR("/")) &&
        http_put_field(&head, STR("Host"), origin->authority) && http_put_end(&head)) {
        (void)client_send(
            client, &(struct call_options){ .origin = origin,
                                            .head = buf_str(&head),
                                            .timeouts = timeouts,
                                            .hooks = { on_head, on_data, on_end, on_fail, &t } });
        loop_run(d->loop);
    }
    client_free(client);
    buf_clear(&head);
    int64_t off_s = clock_unix_ms() / 1000 - t.theirs_s;

    if (t.theirs_s == 0)
        found(d, FINDING_NOTE, "", "the provider of account `%.*s` did not tell the time%s%s",
              STR_ARG(label), t.why[0] != '\0' ? ": " : "", t.why);
    else if (off_s > CLOCK_OFF_S || off_s < -CLOCK_OFF_S)
        found(d, FINDING_FAULT, "Set the clock (`timedatectl set-ntp true`): sign-ins fail else.",
              "the clock is %" PRId64 " s off what the provider of account `%.*s` says", off_s,
              STR_ARG(label));
}

void doctor_clock(struct doctor *d)
{
    if (clock_unix_ms() < CLOCK_SANE_MS)
        found(d, FINDING_FAULT, "Set the clock (`timedatectl set-ntp true`).",
              "the clock says a time before this program was written");
    for (size_t i = 0; d->online && d->settings != NULL && i < d->account_count; i++) {
        struct upstream *up = NULL;
        struct error e;

        if (!d->accounts[i]->disabled &&
            upstream_new(d->accounts[i], &d->settings->provider, &up, &e) == OK) {
            compare(d, &up->origin, d->accounts[i]->label);
            upstream_free(up);
            return; /* one is enough */
        }
    }
}
