/* app/settings_oauth.c - `providers.<name>.oauth`: the user's own OAuth client, and where a
 * provider signs in; and what the environment lays over it. */
#include <stdio.h>

#include "app/settings_int.h"
#include "base/url.h"
#include "io/socket.h"

#define CLIENT_ID_MAX 512

static const struct {
    const char *name;
    size_t offset;
} urls[] = {
    { "authorize_url", offsetof(struct signin_urls, authorize) },
    { "token_url", offsetof(struct signin_urls, token) },
    { "device_url", offsetof(struct signin_urls, device) },
    { "user_url", offsetof(struct signin_urls, user) },
    { "exchange_url", offsetof(struct signin_urls, exchange) },
};

static struct str *url_in(struct signin_urls *u, size_t i)
{
    return (struct str *)((char *)u + urls[i].offset);
}

const struct member_doc oauth_docs[] = {
    { "client_id", "string",
      "The OAuth client to sign in with; there is none built in. `PENSTOCK_<PROVIDER>_CLIENT_ID` "
      "in "
      "the environment goes first." },
    { "client_secret", "string",
      "Its secret, where it has one. Better not in this file: "
      "`PENSTOCK_<PROVIDER>_CLIENT_SECRET`." },
    { "scopes", "string, or list of strings", "In place of the provider's usual ones." },
    { "listen", "string, or list of strings",
      "Where the browser's return is waited for while somebody signs in: addresses, or "
      "`ADDRESS:PORT`; `127.0.0.1` and `[::1]` when absent." },
    { "authorize_url", "string", "Where the browser is sent." },
    { "token_url", "string", "Where codes are exchanged and grants are renewed." },
    { "device_url", "string", "Where device codes are had from." },
    { "user_url", "string", "Where it is asked who signed in." },
    { "exchange_url", "string", "`copilot`: where GitHub's token is exchanged." },
    { NULL, NULL, NULL },
};

/* --- reading --------------------------------------------------------------------------------- */

/* A string, or a list of them joined by blanks. */
static bool read_scopes(struct reading *r, const struct place *at, uint32_t node, struct str *out)
{
    struct buf all = { .max = SETTINGS_TEXT_MAX };
    bool good = true;
    size_t n = 0;

    if (json_type(r->doc, node) == JSON_STRING)
        return settings_read_text(r, at, node, SETTINGS_TEXT_MAX, &r->s->arena, out);
    if (!settings_want(r, at, node, JSON_ARRAY, "a string or a list of strings"))
        return false;
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE && good;
         i = json_after(r->doc, node, i)) {
        struct str one;

        good = settings_read_text(r, &(struct place){ at, STR(""), n++ }, i, SETTINGS_TEXT_MAX,
                                  r->scratch, &one);
        if (good && !((all.len == 0 || buf_add(&all, STR(" "))) && buf_add(&all, one)))
            good = settings_refuse(r, at, node, "is too long");
    }
    *out = arena_copy(&r->s->arena, buf_str(&all));
    buf_clear(&all);
    return good;
}

/* `127.0.0.1`, `[::1]`, either with a port. */
static bool is_address(struct str text)
{
    char with_port[ADDRESS_TEXT_MAX + 8];
    struct address a;

    if (text.len >= ADDRESS_TEXT_MAX)
        return false;
    int len = snprintf(with_port, sizeof(with_port), "%.*s:1", STR_ARG(text));

    return address_read(text, &a) || address_read((struct str){ with_port, (size_t)len }, &a);
}

static bool read_address(struct reading *r, const struct place *at, uint32_t node,
                         struct signin_settings *s)
{
    struct str *to = &s->listen[s->listen_count];

    if (!settings_read_text(r, at, node, SETTINGS_TEXT_MAX, &r->s->arena, to))
        return false;
    if (!is_address(*to))
        return settings_refuse(r, at, node, "is no address, as 127.0.0.1, [::1] or 0.0.0.0:51121");
    s->listen_count++;
    return true;
}

static bool read_listen(struct reading *r, const struct place *at, uint32_t node,
                        struct signin_settings *s)
{
    size_t n = 0;

    if (json_type(r->doc, node) == JSON_STRING)
        return read_address(r, at, node, s);
    if (!settings_want(r, at, node, JSON_ARRAY, "a string or a list of strings"))
        return false;
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE; i = json_after(r->doc, node, i)) {
        if (n == SIGNIN_LISTEN_MAX)
            return settings_refuse(r, at, node, "has more than %d entries", SIGNIN_LISTEN_MAX);
        if (!read_address(r, &(struct place){ at, STR(""), n++ }, i, s))
            return false;
    }
    return true;
}

static bool read_url(struct reading *r, const struct place *at, uint32_t node, struct str *out)
{
    const char *wrong;

    if (!settings_read_text(r, at, node, SETTINGS_TEXT_MAX, &r->s->arena, out))
        return false;
    wrong = check_base_url(&r->s->arena, out);
    return wrong == NULL || settings_refuse(r, at, node, "%s", wrong);
}

bool settings_read_oauth(struct reading *r, const struct place *at, uint32_t node,
                         struct signin_settings *s)
{
    uint32_t id, secret, scopes, listen, url;

    if (!settings_want(r, at, node, JSON_OBJECT, "an object") ||
        !settings_member(r, at, node, STR("client_id"), &id) ||
        !settings_member(r, at, node, STR("client_secret"), &secret) ||
        !settings_member(r, at, node, STR("scopes"), &scopes) ||
        !settings_member(r, at, node, STR("listen"), &listen))
        return false;
    if (id != JSON_NONE && !settings_read_text(r, &(struct place){ at, STR("client_id"), 0 }, id,
                                               CLIENT_ID_MAX, &r->s->arena, &s->client_id))
        return false;
    if (secret != JSON_NONE &&
        !settings_read_secret(r, &(struct place){ at, STR("client_secret"), 0 }, secret,
                              &s->client_secret))
        return false;
    if (scopes != JSON_NONE &&
        !read_scopes(r, &(struct place){ at, STR("scopes"), 0 }, scopes, &s->scopes))
        return false;
    if (listen != JSON_NONE && !read_listen(r, &(struct place){ at, STR("listen"), 0 }, listen, s))
        return false;
    for (size_t i = 0; i < COUNT(urls); i++) {
        const struct place here = { at, str_c(urls[i].name), 0 };

        if (!settings_member(r, at, node, here.name, &url) ||
            (url != JSON_NONE && !read_url(r, &here, url, url_in(&s->urls, i))))
            return false;
    }
    return true;
}

void settings_put_oauth(const struct signin_settings *s, struct json_writer *w)
{
    struct signin_urls copy = s->urls;
    char hint[SECRET_HINT_MAX];

    secret_hint(&s->client_secret, hint);
    json_put_object(w);
    if (s->client_id.len > 0)
        json_put_member(w, "client_id", s->client_id);
    if (!secret_is_empty(&s->client_secret))
        json_put_member(w, "client_secret", str_c(hint));
    if (s->scopes.len > 0)
        json_put_member(w, "scopes", s->scopes);
    for (size_t i = 0; i < COUNT(urls); i++)
        if (url_in(&copy, i)->len > 0)
            json_put_member(w, urls[i].name, *url_in(&copy, i));
    if (s->listen_count > 0) {
        json_put_key(w, STR("listen"));
        json_put_array(w);
        for (size_t i = 0; i < s->listen_count; i++)
            json_put_str(w, s->listen[i]);
        json_put_end(w);
    }
    json_put_end(w);
}

bool settings_has_oauth(const struct signin_settings *s)
{
    struct signin_urls copy = s->urls;
    bool any = s->client_id.len > 0 || !secret_is_empty(&s->client_secret) || s->scopes.len > 0 ||
               s->listen_count > 0;

    for (size_t i = 0; i < COUNT(urls); i++)
        any = any || url_in(&copy, i)->len > 0;
    return any;
}

/* --- the environment ------------------------------------------------------------------------- */

struct laying {
    struct reading *r;
    bool good;
};

static struct str variable_of(const struct reading *r, struct str provider, const char *what)
{
    char name[80];
    size_t n = 0;

    n += (size_t)snprintf(name, sizeof(name), "PENSTOCK_");
    for (size_t i = 0; i < provider.len && n < 60; i++)
        name[n++] = (char)(provider.at[i] - ('a' - 'A'));
    snprintf(name + n, sizeof(name) - n, "_%s", what);
    return str_trim(r->sources->environment(name));
}

static struct signin_settings *settings_of(struct provider_options *o, struct str provider)
{
    for (size_t i = 0; i < o->of_count; i++)
        if (str_eq(o->of[i].name, provider))
            return &o->of[i].oauth;
    assert(o->of_count < COUNT(o->of));
    o->of[o->of_count].name = provider; /* static */
    return &o->of[o->of_count++].oauth;
}

static void lay_provider(void *peer, struct str name)
{
    struct laying *l = peer;
    const struct signin_family *f = signin_family(name);

    if (f == NULL)
        return;
    struct str id = variable_of(l->r, name, "CLIENT_ID"),
               secret = variable_of(l->r, name, "CLIENT_SECRET");

    if (id.len == 0 && secret.len == 0)
        return;
    struct signin_settings *s = settings_of(&l->r->s->provider, f->provider);

    if (id.len > 0)
        s->client_id = arena_copy(&l->r->s->arena, id);
    if (secret.len > 0) {
        secret_clear(&s->client_secret);
        s->client_secret = secret_copy(secret);
    }
}

bool settings_lay_oauth(struct reading *r)
{
    static const char *const redirects[] = { "PENSTOCK_OAUTH_REDIRECT_URL",
                                             "ANTI_API_OAUTH_REDIRECT_URL" };
    struct laying l = { r, true };

    if (r->sources == NULL)
        return true;
    provider_each_name(lay_provider, &l);
    for (size_t i = 0; i < COUNT(redirects); i++) {
        struct str url = str_trim(r->sources->environment(redirects[i]));

        if (url.len == 0)
            continue;
        if (check_base_url(&r->s->arena, &url) != NULL)
            return settings_refuse(r, NULL, JSON_NONE,
                                   "the environment variable %s is no http or https URL",
                                   redirects[i]);
        r->s->provider.redirect_url = arena_copy(&r->s->arena, url);
        break;
    }
    return true;
}
