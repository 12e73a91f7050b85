/* provider/provider.c - an account's configuration becomes its `struct upstream`, and requests get
 * their heads. */
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "provider/provider_int.h"

#define FIELDS_MAX ((size_t)16 << 10) /* configured headers of one account, in all */
#define KEY_MAX 8192

static const struct provider *const providers[] = { &provider_openai, &provider_anthropic,
                                                    &provider_gemini, &provider_compatible };
static const struct dialect *const dialects[] = { &dialect_openai, &dialect_anthropic,
                                                  &dialect_gemini };

static const struct provider *provider_find(struct str name)
{
    for (size_t i = 0; i < COUNT(providers); i++)
        if (str_eq(providers[i]->name, name))
            return providers[i];
    return NULL;
}

bool provider_exists(struct str name)
{
    return provider_find(name) != NULL;
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
    struct upstream *up;
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
    m->up->dialect = dialect_of(m->up->wires);
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
        timeout_take(&t->dns_ms, o->of[i].timeouts.dns_ms);
        timeout_take(&t->connect_ms, o->of[i].timeouts.connect_ms);
        timeout_take(&t->tls_ms, o->of[i].timeouts.tls_ms);
        timeout_take(&t->write_ms, o->of[i].timeouts.write_ms);
        timeout_take(&t->first_byte_ms, o->of[i].timeouts.first_byte_ms);
        timeout_take(&t->idle_ms, o->of[i].timeouts.idle_ms);
        timeout_take(&t->total_ms, o->of[i].timeouts.total_ms);
    }
    if (m->spec->base_url.len > 0)
        *base_url = m->spec->base_url;
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
    struct str key = str_trim(secret_reveal(&m->spec->api_key));
    const struct dialect *d = m->up->dialect;
    struct buf line = { .max = KEY_MAX + 64 };

    if (key.len == 0 && !m->up->provider->keyless)
        return fail(m->error, E_SYNTAX, "api_key: an account of %.*s needs one",
                    STR_ARG(m->up->provider->name));
    if (key.len == 0)
        return OK;
    if (key.len > KEY_MAX)
        return fail(m->error, E_SYNTAX, "api_key: is longer than %d bytes", KEY_MAX);
    for (size_t i = 0; i < key.len; i++)
        if (key.at[i] <= ' ' || key.at[i] >= 0x7f)
            return fail(m->error, E_SYNTAX, "api_key: holds a byte that no header can carry");

    bool fits = buf_reserve(&line, key.len + 64) != NULL && buf_add(&line, d->auth_name) &&
                buf_add(&line, STR(": ")) && buf_add(&line, d->auth_before) &&
                buf_add(&line, key) && buf_add(&line, STR("\r\n"));
    assert(fits); /* reserved at once, so that growing leaves no copy of the key behind */
    m->up->auth = secret_copy(buf_str(&line));
    wipe(line.at, line.len);
    buf_clear(&line);
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

static bool header_named(const struct header_pair *headers, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_ieq(headers[i].name, name))
            return true;
    return false;
}

/* One configured header: into the prepared lines, or kept for where it meets the client's. */
static enum status make_field(struct making *m, const struct header_pair *h, struct buf *lines)
{
    struct upstream *u = m->up;
    size_t before = lines->len;

    if (field_is_ours(h->name))
        return fail(m->error, E_SYNTAX, "headers.%.*s: is not for settings", STR_ARG(h->name));
    if (!http_put_field(lines, h->name, h->value))
        return fail(m->error, E_SYNTAX, "headers.%.*s: cannot stand in a header, or is too long",
                    STR_ARG(h->name));
    for (size_t i = 0; i < PASSED_FIELDS_MAX; i++)
        if (str_ieq(u->dialect->passed[i].name, h->name)) {
            u->passed[i] = arena_copy(&u->arena, h->value);
            lines->len = before;
        }
    if (str_ieq(h->name, u->dialect->auth_name))
        secret_clear(&u->auth); /* the configured one is the credential */
    u->own_accept = u->own_accept || str_ieq(h->name, STR("Accept"));
    u->own_type = u->own_type || str_ieq(h->name, STR("Content-Type"));
    return OK;
}

static enum status make_fields(struct making *m)
{
    static const struct header_pair standard[] = {
        { TEXT("User-Agent"), TEXT("penstock/" PENSTOCK_VERSION) },
        { TEXT("Accept-Encoding"), TEXT("identity") },
    };
    const struct account_spec *spec = m->spec;
    struct buf lines = { .max = FIELDS_MAX };
    enum status st = OK;

    if (!http_put_field(&lines, STR("Host"), m->up->origin.authority))
        st = fail(m->error, E_SYNTAX, "base_url: its host cannot stand in a header");
    for (size_t i = 0; i < COUNT(standard) && st == OK; i++)
        if (!header_named(spec->headers, spec->header_count, standard[i].name) &&
            !header_named(m->headers, m->header_count, standard[i].name))
            st = make_field(m, &standard[i], &lines);
    for (size_t i = 0; i < spec->header_count && st == OK; i++)
        st = make_field(m, &spec->headers[i], &lines);
    for (size_t i = 0; i < m->header_count && st == OK; i++)
        if (!header_named(spec->headers, spec->header_count, m->headers[i].name))
            st = make_field(m, &m->headers[i], &lines);
    if (st == OK)
        m->up->fields = arena_copy(&m->up->arena, buf_str(&lines));
    if (lines.cap > 0)
        wipe(lines.at, lines.cap); /* a configured header may be a credential */
    buf_clear(&lines);
    return st;
}

/* What the account's owner says the upstream cannot do: `{"stream_options": false}`. */
static enum status make_capabilities(struct making *m)
{
    struct json doc;
    struct json_fault fault = { 0 };
    struct str text = str_trim(m->spec->capabilities);

    if (text.len == 0)
        return OK;
    if (!json_parse(&doc, text, NULL, &m->up->arena, &fault) || json_type(&doc, 0) != JSON_OBJECT)
        return fail(m->error, E_SYNTAX, "capabilities: is no JSON object");
    uint32_t node = json_member(&doc, 0, STR("stream_options"), NULL);

    if (node == JSON_NONE)
        return OK;
    if (json_type(&doc, node) != JSON_TRUE && json_type(&doc, node) != JSON_FALSE)
        return fail(m->error, E_SYNTAX, "capabilities.stream_options: is neither true nor false");
    m->up->lacks.no_stream_options = !json_is_true(&doc, node);
    return OK;
}

enum status upstream_new(const struct account_spec *spec, const struct provider_options *options,
                         struct upstream **out, struct error *e)
{
    const struct provider *p = provider_find(spec->provider);
    struct making m = { .spec = spec, .options = options, .error = e };
    struct str base_url = STR("");

    if (p == NULL)
        return fail(e, E_SYNTAX, "provider: there is no `%.*s`", STR_ARG(spec->provider));
    m.up = must_calloc(1, sizeof(*m.up));
    m.up->provider = p;
    enum status st = make_wires(&m);

    make_settings(&m, &base_url);
    if (st == OK)
        st = make_origin(&m, base_url);
    if (st == OK)
        st = make_auth(&m);
    if (st == OK)
        st = make_fields(&m);
    if (st == OK)
        st = make_capabilities(&m);
    if (st == OK)
        *out = m.up;
    else
        upstream_free(m.up);
    return st;
}

void upstream_free(void *upstream)
{
    struct upstream *u = upstream;

    if (u == NULL)
        return;
    origin_clear(&u->origin);
    secret_clear(&u->auth);
    arena_free(&u->arena);
    free(u);
}

/* --- request heads ------------------------------------------------------------------------------
 */

/* The client's parser let no line break in; this is the second lock on that door. */
static bool value_is_one_line(struct str value)
{
    return memchr(value.at, '\r', value.len) == NULL && memchr(value.at, '\n', value.len) == NULL &&
           memchr(value.at, '\0', value.len) == NULL;
}

/* Adds the value to the field's line, which it begins when it is the first. */
static bool put_value(const struct passed_field *p, struct str value, bool *begun, struct buf *out)
{
    bool first = !*begun;

    *begun = true;
    return (!first || buf_add(out, p->name)) && buf_add(out, first ? STR(": ") : STR(",")) &&
           buf_add(out, value);
}

static bool put_passed(const struct passed_field *p, struct str configured,
                       const struct upstream_ask *ask, struct buf *out)
{
    const struct http_head *client = ask->client;
    bool begun = false;

    if (configured.len > 0 && !put_value(p, configured, &begun, out))
        return false;
    for (uint32_t i = 0; client != NULL && i < client->field_count && (!begun || p->list); i++) {
        const struct http_field *f = &client->fields[i];

        if (f->name.len != p->name.len || f->value.len == 0 || !str_ieq(f->name, p->name))
            continue;
        if (!value_is_one_line(f->value) || !put_value(p, f->value, &begun, out))
            return false;
    }
    if (!begun && ask->default_version && p->standard.len > 0 &&
        !put_value(p, p->standard, &begun, out))
        return false;
    return !begun || buf_add(out, STR("\r\n"));
}

static bool put_head(const struct upstream *u, const struct upstream_ask *ask, struct buf *out)
{
    const struct dialect *d = u->dialect;
    bool get = ask->op == OP_MODELS, stream = ask->op == OP_STREAM;

    if (!buf_add(out, get ? STR("GET ") : STR("POST ")) || !buf_add(out, u->base_path) ||
        !d->put_path(ask, out) || !buf_add(out, STR(" HTTP/1.1\r\n")) || !buf_add(out, u->fields) ||
        !buf_add(out, secret_reveal(&u->auth)))
        return false;
    if (!u->own_accept && !buf_add(out, stream ? STR("Accept: text/event-stream\r\n")
                                               : STR("Accept: application/json\r\n")))
        return false;
    for (size_t i = 0; i < PASSED_FIELDS_MAX; i++)
        if (d->passed[i].name.len > 0 && !put_passed(&d->passed[i], u->passed[i], ask, out))
            return false;
    if (get)
        return buf_add(out, STR("\r\n"));
    if (!u->own_type && !buf_add(out, STR("Content-Type: application/json\r\n")))
        return false;
    return buf_add(out, STR("Content-Length: ")) && buf_add_u64(out, ask->body_bytes) &&
           buf_add(out, STR("\r\n\r\n"));
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
