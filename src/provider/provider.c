/* provider/provider.c - an account's configuration becomes its `struct upstream`, and requests get
 * their heads. */
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "provider/provider_int.h"

#define FIELDS_MAX ((size_t)16 << 10) /* configured headers of one account, in all */
#define KEY_MAX 8192
#define AUTH_MAX ((size_t)KEY_MAX + 64)

static const struct provider *const providers[] = {
    &provider_antigravity, &provider_codex,  &provider_copilot,    &provider_openai,
    &provider_anthropic,   &provider_gemini, &provider_compatible, &provider_simulator,
};
static const struct dialect *const dialects[] = { &dialect_openai, &dialect_anthropic,
                                                  &dialect_gemini, &dialect_cloudcode,
                                                  &dialect_simulator };

static const struct provider *provider_find(struct str name)
{
    for (size_t i = 0; i < COUNT(providers); i++)
        if (str_eq(providers[i]->name, name))
            return providers[i];
    return NULL;
}

struct str provider_name(const struct provider *p)
{
    return p->name;
}

bool provider_exists(struct str name)
{
    return provider_find(name) != NULL;
}

const struct signin_settings *provider_signin(const struct provider_options *o, struct str name)
{
    static const struct signin_settings none = { .listen_count = 0 };

    for (size_t i = 0; i < o->of_count; i++)
        if (str_eq(o->of[i].name, name))
            return &o->of[i].oauth;
    return &none;
}

bool provider_signs_in(struct str name)
{
    const struct provider *p = provider_find(name);

    return p != NULL && p->signs_in;
}

const char *provider_word(size_t i)
{
    return i < COUNT(providers) ? providers[i]->name.at : NULL; /* a literal */
}

void provider_each_name(void (*fn)(void *peer, struct str name), void *peer)
{
    for (size_t i = 0; i < COUNT(providers); i++)
        fn(peer, providers[i]->name);
}

static const struct dialect *dialect_of(uint32_t wires)
{
    for (size_t i = 0; i < COUNT(dialects); i++)
        if ((dialects[i]->wires & wires) == wires)
            return dialects[i];
    assert(false); /* the wires of an account are of one dialect */
    return NULL;
}

/* --- making an upstream ------------------------------------------------------------------------
 */

struct making {
    const struct account_spec *spec;
    const struct provider_options *options;
    const struct header_pair *headers; /* of `providers.<name>` */
    size_t header_count;
    const struct facts_source *facts; /* it is where the account's usage is asked for */
    const struct str *more_urls;      /* likewise: of the addresses behind this one */
    size_t more_url_count;
    struct upstream *up;
    struct buf auth, lines;    /* the credential's line, and those that all requests have */
    bool own_accept, own_type; /* Accept, Content-Type are among the configured headers */
    struct error *error;
};

static enum status make_wires(struct making *m)
{
    const struct provider *p = m->up->provider;
    enum wire wire = WIRES;

    if (m->spec->wire.len == 0 && p->own_wire)
        return fail(m->error, E_SYNTAX, "wire: an account of %.*s must say what it speaks",
                    STR_ARG(p->name));
    m->up->wires = p->wires;
    if (m->spec->wire.len > 0) {
        if (!wire_from_name(m->spec->wire, &wire) || (p->wires & WIRE_BIT(wire)) == 0)
            return fail(m->error, E_SYNTAX, "wire: %.*s does not speak `%.*s`", STR_ARG(p->name),
                        STR_ARG(m->spec->wire));
        m->up->wires = WIRE_BIT(wire);
    }
    m->up->dialect = m->facts != NULL     ? m->facts->dialect
                     : p->dialect != NULL ? p->dialect
                                          : dialect_of(m->up->wires);
    if (m->spec->project.len > 0 && (m->up->wires & WIRE_BIT(WIRE_CLOUDCODE)) == 0)
        return fail(m->error, E_SYNTAX, "project: is for accounts that speak cloudcode only");
    m->up->project = arena_copy(&m->up->arena, m->spec->project);
    for (size_t i = 0; i < PASSED_FIELDS_MAX; i++)
        if (m->up->dialect->passed[i].start.len > 0)
            m->up->passed_lengths |= UINT64_C(1)
                                     << (passed_name(&m->up->dialect->passed[i]).len & 63);
    return OK;
}

static void timeout_take(int64_t *to, int64_t own_ms)
{
    if (own_ms > 0)
        *to = own_ms;
}

/* The general settings, and over them those of `providers.<name>`. */
static void make_settings(struct making *m, struct str *base_url)
{
    const struct provider_options *o = m->options;
    struct call_timeouts *t = &m->up->timeouts;

    *t = o->timeouts;
    *base_url = m->up->provider->base_url;
    for (size_t i = 0; i < o->of_count; i++) {
        if (!str_eq(o->of[i].name, m->up->provider->name))
            continue;
        m->headers = o->of[i].headers;
        m->header_count = o->of[i].header_count;
        if (o->of[i].base_url.len > 0)
            *base_url = o->of[i].base_url;
        m->more_urls = o->of[i].more_urls;
        m->more_url_count = o->of[i].more_url_count;
        timeout_take(&t->dns_ms, o->of[i].timeouts.dns_ms);
        timeout_take(&t->connect_ms, o->of[i].timeouts.connect_ms);
        timeout_take(&t->tls_ms, o->of[i].timeouts.tls_ms);
        timeout_take(&t->write_ms, o->of[i].timeouts.write_ms);
        timeout_take(&t->first_byte_ms, o->of[i].timeouts.first_byte_ms);
        timeout_take(&t->idle_ms, o->of[i].timeouts.idle_ms);
        timeout_take(&t->total_ms, o->of[i].timeouts.total_ms);
    }
    if (m->spec->grant.api_url.len > 0)
        *base_url = m->spec->grant.api_url;
    if (m->spec->base_url.len > 0) {
        *base_url = m->spec->base_url;
        m->more_url_count = 0;
    }
}

static enum status make_origin(struct making *m, struct str base_url)
{
    struct upstream *u = m->up;
    struct error e = { .status = OK };
    struct str path = STR("");

    if (base_url.len == 0)
        return fail(m->error, E_SYNTAX, "base_url: an account of %.*s must give one",
                    STR_ARG(u->provider->name));
    enum status st =
        origin_make(base_url, &m->options->proxy, m->spec->proxy, &u->arena, &u->origin, &path, &e);

    if (st != OK) {
        bool of_proxy = str_find(str_c(e.text), STR("proxy")) != SIZE_MAX;

        return fail(m->error, st, "%s: %s", of_proxy ? "proxy" : "base_url", e.text);
    }
    u->base_path = base_path_mend(u->dialect, path, !u->provider->own_wire, &u->arena);
    if (!str_eq(u->base_path, path))
        log_info("version segment of a base URL corrected", F_STR("account", m->spec->label),
                 F_STR("host", u->origin.authority), F_STR("given", path),
                 F_STR("used", u->base_path));
    return OK;
}

static enum status make_auth(struct making *m)
{
    struct str key = str_trim(secret_reveal(m->facts != NULL && m->facts->by_renewal
                                                ? &m->spec->grant.refresh
                                                : account_credential(m->spec)));
    const struct provider *p = m->up->provider;
    const struct dialect *d = m->up->dialect;

    m->up->renews = secret_is_empty(&m->spec->api_key) && !secret_is_empty(&m->spec->grant.refresh);
    if (account_has_grant(m->spec) && !p->signs_in)
        return fail(m->error, E_SYNTAX,
                    "provider: an account of %.*s has a key, it does not sign in",
                    STR_ARG(p->name));
    if (key.len == 0 && m->spec->disabled)
        return OK; /* that may be why */
    if (key.len == 0 && p->signs_in && !account_has_grant(m->spec))
        return fail(m->error, E_SYNTAX,
                    "provider: accounts of %.*s sign in, and nobody has signed in to this one",
                    STR_ARG(p->name));
    if (key.len == 0 && !p->keyless && !p->signs_in)
        return fail(m->error, E_SYNTAX, "api_key: an account of %.*s needs one",
                    STR_ARG(m->up->provider->name));
    m->up->bare = key.len == 0;
    if (m->up->bare)
        return OK;
    if (key.len > KEY_MAX)
        return fail(m->error, E_SYNTAX, "api_key: is longer than %d bytes", KEY_MAX);
    for (size_t i = 0; i < key.len; i++)
        if (key.at[i] <= ' ' || key.at[i] >= 0x7f)
            return fail(m->error, E_SYNTAX, "api_key: holds a byte that no header can carry");

    bool fits = buf_add(&m->auth, d->auth_name) && buf_add(&m->auth, STR(": ")) &&
                buf_add(&m->auth, d->auth_before) && buf_add(&m->auth, key) &&
                buf_add(&m->auth, STR("\r\n"));
    assert(fits); /* room for the longest key */
    return OK;
}

/* Fields that frame or route the request are ours alone. */
static bool field_is_ours(struct str name)
{
    static const char *const ours[] = { "Host",
                                        "Content-Length",
                                        "Transfer-Encoding",
                                        "Connection",
                                        "Keep-Alive",
                                        "Expect",
                                        "TE",
                                        "Trailer",
                                        "Upgrade",
                                        "Proxy-Authorization",
                                        "Proxy-Connection" };

    for (size_t i = 0; i < COUNT(ours); i++)
        if (str_ieq(str_c(ours[i]), name))
            return true;
    return false;
}

/* So are those that tell the provider what a request is. */
static bool field_is_computed(const struct dialect *d, struct str name)
{
    for (size_t i = 0; i < COUNT(d->computed); i++)
        if (d->computed[i].len > 0 && str_ieq(d->computed[i], name))
            return true;
    return false;
}

static bool header_named(const struct header_pair *headers, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_ieq(headers[i].name, name))
            return true;
    return false;
}

/* One configured header: into the prepared lines, or kept for where it meets the client's. */
static enum status make_field(struct making *m, const struct header_pair *h)
{
    struct upstream *u = m->up;
    size_t before = m->lines.len;

    if (field_is_ours(h->name) || field_is_computed(u->dialect, h->name))
        return fail(m->error, E_SYNTAX, "headers.%.*s: is not for settings", STR_ARG(h->name));
    if (!http_put_field(&m->lines, h->name, h->value))
        return fail(m->error, E_SYNTAX, "headers.%.*s: cannot stand in a header, or is too long",
                    STR_ARG(h->name));
    for (size_t i = 0; i < PASSED_FIELDS_MAX; i++)
        if (str_ieq(passed_name(&u->dialect->passed[i]), h->name)) {
            u->passed[i] = arena_copy(&u->arena, h->value);
            m->lines.len = before;
        }
    if (str_ieq(h->name, u->dialect->auth_name))
        m->auth.len = 0; /* the configured one is the credential */
    m->own_accept = m->own_accept || str_ieq(h->name, STR("Accept"));
    m->own_type = m->own_type || str_ieq(h->name, STR("Content-Type"));
    return OK;
}

/* A field of ours, unless the settings have one of that name. */
static enum status make_standard(struct making *m, const struct header_pair *h)
{
    if (header_named(m->spec->headers, m->spec->header_count, h->name) ||
        header_named(m->headers, m->header_count, h->name))
        return OK;
    return make_field(m, h);
}

static enum status make_fields(struct making *m)
{
    static const struct header_pair standard[] = {
        { TEXT("User-Agent"), TEXT("penstock/" PENSTOCK_VERSION) },
        { TEXT("Accept-Encoding"), TEXT("identity") },
    };
    const struct header_pair *family = m->up->provider->standard;
    const struct dialect *dialect = m->up->dialect;
    const struct account_spec *spec = m->spec;
    enum status st = OK;

    if (!buf_add(&m->lines, STR(" HTTP/1.1\r\n")) ||
        !http_put_field(&m->lines, STR("Host"), m->up->origin.authority))
        st = fail(m->error, E_SYNTAX, "base_url: its host cannot stand in a header");
    for (size_t i = 0; i < COUNT(standard) && st == OK; i++)
        st = make_standard(m, &standard[i]);
    for (size_t i = 0; i < COUNT(m->up->provider->standard) && st == OK; i++)
        if (family[i].name.len > 0)
            st = make_standard(m, &family[i]);
    if (st == OK && dialect->account_name.len > 0 && spec->grant.account.len > 0)
        st = make_standard(m, &(struct header_pair){ dialect->account_name, spec->grant.account });
    for (size_t i = 0; i < spec->header_count && st == OK; i++)
        st = make_field(m, &spec->headers[i]);
    for (size_t i = 0; i < m->header_count && st == OK; i++)
        if (!header_named(spec->headers, spec->header_count, m->headers[i].name))
            st = make_field(m, &m->headers[i]);
    return st;
}

/* The three shapes: all lines, the credential, and what is asked for. */
static void make_lines(struct making *m)
{
    static const struct {
        struct str accept;
        bool body, json;
    } shapes[UPSTREAM_SHAPES] = {
        [SHAPE_STREAM] = { TEXT("Accept: text/event-stream\r\n"), true, true },
        [SHAPE_WHOLE] = { TEXT("Accept: application/json\r\n"), true, true },
        [SHAPE_FORM] = { TEXT("Accept: */*\r\n"), true, false },
        [SHAPE_GET] = { TEXT("Accept: application/json\r\n"), false, false },
    };
    size_t common;
    bool fits = buf_add(&m->lines, buf_str(&m->auth));

    assert(fits); /* room for the longest lines and the longest credential */
    common = m->lines.len;
    for (size_t i = 0; i < UPSTREAM_SHAPES; i++) {
        bool body = shapes[i].body;

        m->lines.len = common;
        fits = (m->own_accept || buf_add(&m->lines, shapes[i].accept)) &&
               (!shapes[i].json || m->own_type ||
                buf_add(&m->lines, STR("Content-Type: application/json\r\n"))) &&
               (!body || buf_add(&m->lines, STR("Content-Length: ")));
        assert(fits);
        m->up->lines[i] = secret_copy(buf_str(&m->lines));
        m->up->starts[i] = arena_printf(&m->up->arena, "%s %.*s", body ? "POST" : "GET",
                                        (int)m->up->base_path.len, m->up->base_path.at);
    }
}

/* A GitHub token is exchanged without one. */
static bool lacks_client(const struct making *m)
{
    const struct signin_family *f = signin_family(m->spec->provider);

    return f != NULL && !f->exchanges && account_has_grant(m->spec) &&
           provider_signin(m->options, m->spec->provider)->client_id.len == 0;
}

/* Accounts that go to the same place the same way share its faults. */
static void make_means(const struct making *m)
{
    struct upstream *up = m->up;
    const struct origin *o = &up->origin;

    up->means = (struct account_means){
        .wires = up->wires | (up->dialect == &dialect_openai ? WIRE_MEDIA : 0),
        .upstream = up,
        .upstream_free = upstream_free,
        .host = o->proxy == PROXY_NONE
                    ? o->authority
                    : arena_printf(&up->arena, "%.*s by %.*s:%u", STR_ARG(o->authority),
                                   STR_ARG(o->proxy_host), o->proxy_port),
        .group = up->provider->quota_group,
        .lacks_client = lacks_client(m),
    };
}

const struct account_means *upstream_means(const struct upstream *u)
{
    return &u->means;
}

/* Reserved at once, so that growing leaves no copy of a credential behind. */
static void secret_buf_init(struct buf *b, size_t max)
{
    buf_init(b, max);
    char *room = buf_reserve(b, max);
    assert(room != NULL);
}

static void secret_buf_clear(struct buf *b)
{
    wipe(b->at, b->cap);
    buf_clear(b);
}

/* At one address. */
static enum status make_one(struct making *m, struct str base_url, struct upstream **out)
{
    m->auth.len = m->lines.len = 0;
    m->lines.max = FIELDS_MAX;
    m->own_accept = m->own_type = false;
    enum status st = make_wires(m);

    if (st == OK)
        st = make_origin(m, base_url);
    if (st == OK)
        st = make_auth(m);
    if (st == OK)
        st = make_fields(m);
    m->lines.max = FIELDS_MAX + AUTH_MAX + 256;
    if (st == OK)
        make_lines(m);
    if (st == OK)
        st = capabilities_read(m->up, m->spec->capabilities, m->error);
    if (st == OK) {
        make_means(m);
        *out = m->up;
    } else {
        upstream_free(m->up);
    }
    return st;
}

static struct upstream *blank(const struct provider *p)
{
    struct upstream *u = must_calloc(1, sizeof(*u));

    u->provider = p;
    return u;
}

static struct upstream *blank_like(const struct upstream *u)
{
    struct upstream *other = blank(u->provider);

    other->timeouts = u->timeouts;
    return other;
}

/* `https://host:port` of a URL. */
static struct str origin_part(struct str url)
{
    size_t host = str_find(url, STR("://"));
    size_t path = host == SIZE_MAX ? SIZE_MAX : str_find(str_drop(url, host + 3), STR("/"));

    return path == SIZE_MAX ? url : str_take(url, host + 3 + path);
}

/* Where the account's usage is asked for, when that is another place or wants another credential.
 */
static enum status make_facts(struct making *m, struct str base_url, struct upstream *of)
{
    const struct facts_source *source = of->provider->facts;

    if (source == NULL || (source->by_renewal && secret_is_empty(&m->spec->grant.refresh)))
        return OK;
    if (source->base_url.len > 0) {
        struct str exchange = provider_signin(m->options, of->provider->name)->urls.exchange;

        base_url = exchange.len > 0 ? exchange : source->base_url;
    }
    while (str_ends(base_url, STR("/")))
        base_url = str_drop_last(base_url, 1);
    if (str_ends(base_url, source->drop))
        base_url = str_drop_last(base_url, source->drop.len);
    else if (source->by_renewal)
        base_url = origin_part(base_url);
    m->facts = source;
    m->up = blank_like(of);
    return make_one(m, base_url, &of->facts);
}

enum status upstream_new(const struct account_spec *spec, const struct provider_options *options,
                         struct upstream **out, struct error *e)
{
    const struct provider *p = provider_find(spec->provider);
    struct making m = { .spec = spec, .options = options, .error = e };
    struct str base_url = STR("");
    struct upstream *first = NULL, **last = &first;

    if (p == NULL)
        return fail(e, E_SYNTAX, "provider: there is no `%.*s`", STR_ARG(spec->provider));
    secret_buf_init(&m.auth, AUTH_MAX);
    secret_buf_init(&m.lines, FIELDS_MAX + AUTH_MAX + 256);
    m.up = blank(p);
    make_settings(&m, &base_url);
    enum status st = make_one(&m, base_url, last);

    for (size_t i = 0; st == OK && i < m.more_url_count; i++) {
        last = &(*last)->next;
        m.up = blank_like(first);
        st = make_one(&m, m.more_urls[i], last);
    }
    if (st == OK)
        st = make_facts(&m, base_url, first);
    secret_buf_clear(&m.auth);
    secret_buf_clear(&m.lines);
    if (st == OK)
        *out = first;
    else
        upstream_free(first);
    return st;
}

void upstream_free(void *upstream)
{
    struct upstream *u = upstream;

    if (u == NULL)
        return;
    upstream_free(u->next);
    upstream_free(u->facts);
    origin_clear(&u->origin);
    for (size_t i = 0; i < UPSTREAM_SHAPES; i++)
        secret_clear(&u->lines[i]);
    arena_free(&u->arena);
    free(u);
}

/* --- request heads ------------------------------------------------------------------------------
 */

/* Adds the value to the field's line, which it begins when it is the first. The value needs no
 * look: the settings' were checked when the upstream was made, and the client's parser lets no
 * control byte into a field. */
static bool put_value(const struct passed_field *p, struct str value, bool *begun, struct buf *out)
{
    bool first = !*begun;

    *begun = true;
    return (first ? buf_add(out, p->start) : buf_add_char(out, ',')) && buf_add(out, value);
}

/* A run of the client's fields. */
struct field_run {
    const struct http_field *at, *end;
};

/* The part of the client's fields that can hold one to pass: told by the length of its name alone,
 * so that the usual head of two dozen is looked at once, and not once for each name. */
static struct field_run fields_to_search(const struct upstream *u, const struct http_head *client)
{
    const uint64_t lengths = u->passed_lengths;

    if (client == NULL || lengths == 0)
        return (struct field_run){ NULL, NULL };
    const struct http_field *at = client->fields, *end = at + client->field_count;

    while (at < end && (lengths >> (at->name.len & 63) & 1) == 0)
        at++;
    while (at < end && (lengths >> (end[-1].name.len & 63) & 1) == 0)
        end--;
    return (struct field_run){ at, end };
}

static bool put_passed(const struct passed_field *p, struct str configured, struct field_run run,
                       struct str standard, struct buf *out)
{
    struct str name = passed_name(p);
    bool begun = false;

    if (configured.len > 0 && !put_value(p, configured, &begun, out))
        return false;
    for (const struct http_field *f = run.at; f < run.end && (!begun || p->list); f++) {
        if (f->name.len != name.len || f->value.len == 0)
            continue;
        /* most clients spell it as we do */
        if (memcmp(f->name.at, name.at, name.len) != 0 && !str_ieq(f->name, name))
            continue;
        if (!put_value(p, f->value, &begun, out))
            return false;
    }
    if (!begun && standard.len > 0 && !put_value(p, standard, &begun, out))
        return false;
    return !begun || buf_add(out, STR("\r\n"));
}

static enum upstream_shape shape_of(enum upstream_op op)
{
    switch (op) {
    case OP_STREAM:
        return SHAPE_STREAM;
    case OP_GENERATE:
    case OP_COUNT:
    case OP_COMPACT:
    case OP_EMBED:
    case OP_EMBED_BATCH:
    case OP_IMAGE:
    case OP_IMAGE_EDIT:
    case OP_TRANSCRIBE:
    case OP_LOAD:
    case OP_ONBOARD:
    case OP_AVAILABLE:
        return SHAPE_WHOLE;
    case OP_USAGE:
    case OP_MODELS:
        return SHAPE_GET;
    }
    return SHAPE_WHOLE;
}

static bool put_head(const struct upstream *u, const struct upstream_ask *ask, struct buf *out)
{
    const struct dialect *d = u->dialect;
    enum upstream_shape shape = ask->content_type.len > 0 ? SHAPE_FORM : shape_of(ask->op);

    if (!buf_add(out, u->starts[shape]) || !d->put_path(ask, out) ||
        !buf_add(out, secret_reveal(&u->lines[shape])))
        return false;
    if (shape != SHAPE_GET && (!buf_add_u64(out, ask->body_bytes) || !buf_add(out, STR("\r\n"))))
        return false;
    if (shape == SHAPE_FORM && !(buf_add(out, STR("Content-Type: ")) &&
                                 buf_add(out, ask->content_type) && buf_add(out, STR("\r\n"))))
        return false;
    struct field_run run = fields_to_search(u, ask->client);

    for (size_t i = 0; i < PASSED_FIELDS_MAX && d->passed[i].start.len > 0; i++) {
        struct str standard = ask->default_version ? d->passed[i].standard : STR("");

        if (standard.len > 0 && ask->version.len > 0)
            standard = ask->version;
        if (!put_passed(&d->passed[i], u->passed[i], run, standard, out))
            return false;
    }
    if (ask->traceparent.len > 0 && !http_put_field(out, STR("traceparent"), ask->traceparent))
        return false;
    return (d->put_fields == NULL || d->put_fields(ask, out)) && buf_add(out, STR("\r\n"));
}

bool upstream_put_head(const struct upstream *u, const struct upstream_ask *ask, struct buf *out)
{
    size_t before = out->len;

    assert((u->wires & WIRE_BIT(ask->wire)) != 0);
    if (put_head(u, ask, out))
        return true;
    out->len = before;
    return false;
}

enum wire upstream_first_wire(const struct upstream *u)
{
    unsigned w = 0;

    while ((u->wires & WIRE_BIT(w)) == 0)
        w++;
    return (enum wire)w;
}

bool upstream_has_models(const struct upstream *u)
{
    return u->provider != &provider_simulator && u->dialect != &dialect_cloudcode &&
           !(u->bare && u->provider->signs_in);
}

enum wire_dialect upstream_dialect(const struct upstream *u)
{
    return u->provider->speaks;
}

bool upstream_keeps(const struct upstream *u)
{
    return u->provider == &provider_openai;
}

void upstream_target(const struct upstream *u, struct facts_cache *facts, enum wire wire,
                     struct str model, struct wire_target *out)
{
    *out = (struct wire_target){
        .wire = wire,
        .model = model,
        .facts = model_facts_kept(facts, wire, model),
        .lacks = u->lacks,
        .extras = u->extras,
        .dialect = u->provider->speaks,
        .project = u->project,
        .own_service = !u->provider->own_wire && u->provider != &provider_simulator,
    };
}
