/* app/settings_provider.c - `providers.<name>`: where a provider is, headers and times for all its
 * accounts.
 *
 * Names of providers that come later are kept and left alone. */
#include "app/settings_int.h"

#define TIME_MS_MAX ((int64_t)24 * 3600 * 1000)

const struct member_doc provider_docs[] = {
    { "base_url", "string, or list of strings",
      "Where it is. Of a list (4 at most) the next one is asked when one cannot be reached or "
      "answers with 404, 408 or 5xx." },
    { "headers", "object of strings", "Headers added to each request; an account's own go first." },
    { "timeouts", "object",
      "`dns_ms`, `connect_ms`, `tls_ms`, `write_ms`, `first_byte_ms`, "
      "`idle_ms`, `total_ms`: as in `timeouts`, for this provider." },
    { "oauth", "object",
      "`antigravity`, `codex`, `copilot`: the client to sign in with, see below." },
    { NULL, NULL, NULL },
};

static const struct {
    const char *name;
    size_t offset;
} times[] = {
    { "dns_ms", offsetof(struct call_timeouts, dns_ms) },
    { "connect_ms", offsetof(struct call_timeouts, connect_ms) },
    { "tls_ms", offsetof(struct call_timeouts, tls_ms) },
    { "write_ms", offsetof(struct call_timeouts, write_ms) },
    { "first_byte_ms", offsetof(struct call_timeouts, first_byte_ms) },
    { "idle_ms", offsetof(struct call_timeouts, idle_ms) },
    { "total_ms", offsetof(struct call_timeouts, total_ms) },
};

struct provider_place {
    struct reading *r;
    const struct place *at;
    uint32_t node;
    size_t slot; /* in provider_options.of */
};

static bool read_url(const struct provider_place *p, const struct place *at, uint32_t node,
                     struct str *out)
{
    const char *wrong;

    if (!settings_read_text(p->r, at, node, SETTINGS_TEXT_MAX, &p->r->s->arena, out))
        return false;
    wrong = check_base_url(&p->r->s->arena, out);
    return wrong == NULL || settings_refuse(p->r, at, node, "%s", wrong);
}

static bool read_base_url(const struct provider_place *p, uint32_t node)
{
    const struct place at = { p->at, STR("base_url"), 0 };
    struct str *to = &p->r->s->provider.of[p->slot].base_url;
    struct str *more = p->r->s->provider.of[p->slot].more_urls;
    const struct json *doc = p->r->doc;
    size_t n = 0;

    if (json_type(doc, node) == JSON_STRING)
        return read_url(p, &at, node, to);
    if (!settings_want(p->r, &at, node, JSON_ARRAY, "a string or a list of strings"))
        return false;
    for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_after(doc, node, i)) {
        const struct place item = { &at, STR(""), n };

        if (n > MORE_URLS_MAX)
            return settings_refuse(p->r, &at, node, "has more than %d entries", MORE_URLS_MAX + 1);
        if (!read_url(p, &item, i, n == 0 ? to : &more[n - 1]))
            return false;
        n++;
    }
    p->r->s->provider.of[p->slot].more_url_count = n > 0 ? n - 1 : 0;
    return n > 0 || settings_refuse(p->r, &at, node, "is an empty list");
}

static bool read_times(const struct provider_place *p, uint32_t node)
{
    const struct place at = { p->at, STR("timeouts"), 0 };
    char *to = (char *)&p->r->s->provider.of[p->slot].timeouts;

    if (!settings_want(p->r, &at, node, JSON_OBJECT, "an object"))
        return false;
    for (size_t i = 0; i < COUNT(times); i++) {
        const struct place item = { &at, str_c(times[i].name), 0 };
        uint32_t member;
        int64_t ms;

        if (!settings_member(p->r, &at, node, item.name, &member))
            return false;
        if (member == JSON_NONE)
            continue;
        if (!settings_read_integer(p->r, &item, member, 1, TIME_MS_MAX, false, &ms))
            return false;
        memcpy(to + times[i].offset, &ms, sizeof(ms));
    }
    return true;
}

/* An upstream of an account that says nothing itself shows whether headers and URL are good. */
static bool provider_try(const struct provider_place *p)
{
    struct provider_options options = p->r->s->provider;
    struct account_spec probe = { .provider = options.of[p->slot].name,
                                  .api_key = secret_copy(STR("probe")) };
    struct upstream *up = NULL;
    struct error e = { .status = OK };

    options.proxy = (struct proxy_settings){ .global = STR("direct") };
    if (str_eq(probe.provider, STR("compatible"))) {
        probe.wire = STR("openai-chat");
        if (options.of[p->slot].base_url.len == 0)
            probe.base_url = STR("http://127.0.0.1/v1");
    }
    enum status st = upstream_new(&probe, &options, &up, &e);

    upstream_free(up);
    secret_clear(&probe.api_key);
    return st == OK || settings_refuse_member(p->r, p->at, p->node, &e);
}

static bool read_provider(struct provider_place *p, struct str name)
{
    struct reading *r = p->r;
    struct provider_options *o = &r->s->provider;
    uint32_t base_url, headers, timeouts, oauth;
    struct header_pair *list = NULL;

    if (!settings_want(r, p->at, p->node, JSON_OBJECT, "an object") ||
        !settings_member(r, p->at, p->node, STR("base_url"), &base_url) ||
        !settings_member(r, p->at, p->node, STR("headers"), &headers) ||
        !settings_member(r, p->at, p->node, STR("timeouts"), &timeouts) ||
        !settings_member(r, p->at, p->node, STR("oauth"), &oauth))
        return false;
    const struct place oauth_at = { p->at, STR("oauth"), 0 };

    if (oauth != JSON_NONE && !settings_want(r, &oauth_at, oauth, JSON_OBJECT, "an object"))
        return false;
    if (!provider_exists(name))
        return true;
    assert(o->of_count < COUNT(o->of)); /* each provider at most once, and there are fewer */
    p->slot = o->of_count++;
    o->of[p->slot].name = arena_copy(&r->s->arena, name);
    if (base_url != JSON_NONE && !read_base_url(p, base_url))
        return false;
    if (headers != JSON_NONE &&
        !settings_read_headers(r, &(struct place){ p->at, STR("headers"), 0 }, headers,
                               &r->s->arena, &list, &o->of[p->slot].header_count))
        return false;
    o->of[p->slot].headers = list;
    if (oauth != JSON_NONE && !provider_signs_in(name))
        return settings_refuse(r, &oauth_at, oauth, "accounts of %.*s have keys and do not sign in",
                               STR_ARG(name));
    if (oauth != JSON_NONE && !settings_read_oauth(r, &oauth_at, oauth, &o->of[p->slot].oauth))
        return false;
    return (timeouts == JSON_NONE || read_times(p, timeouts)) && provider_try(p);
}

static bool read_providers(struct reading *r, __attribute__((unused)) const struct key_row *row,
                           const struct place *at, uint32_t node)
{
    if (!settings_want(r, at, node, JSON_OBJECT, "an object"))
        return false;
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE; i = json_after(r->doc, node, i)) {
        struct str name;
        bool twice = false, is_string = json_text(r->doc, i, r->scratch, &name);

        assert(is_string);
        const struct place here = { at, name.len > 0 ? name : STR("\"\""), 0 };
        uint32_t key = i;

        i = json_after(r->doc, node, i);
        if (provider_exists(name)) /* of others nothing is read */
            (void)json_member(r->doc, node, name, &twice);
        if (twice)
            return settings_refuse(r, &here, key, "stands there twice");
        struct provider_place p = { r, &here, i, 0 };

        if (!read_provider(&p, name))
            return false;
    }
    return true;
}

static void put_base_url(const struct settings *s, size_t slot, struct json_writer *w)
{
    size_t more = s->provider.of[slot].more_url_count;

    if (s->provider.of[slot].base_url.len == 0)
        return;
    if (more == 0) {
        json_put_member(w, "base_url", s->provider.of[slot].base_url);
        return;
    }
    json_put_key(w, STR("base_url"));
    json_put_array(w);
    json_put_str(w, s->provider.of[slot].base_url);
    for (size_t i = 0; i < more; i++)
        json_put_str(w, s->provider.of[slot].more_urls[i]);
    json_put_end(w);
}

static void put_providers(const struct settings *s,
                          __attribute__((unused)) const struct key_row *row, struct json_writer *w)
{
    json_put_object(w);
    for (size_t i = 0; i < s->provider.of_count; i++) {
        const char *set = (const char *)&s->provider.of[i].timeouts;

        json_put_key(w, s->provider.of[i].name);
        json_put_object(w);
        put_base_url(s, i, w);
        json_put_key(w, STR("headers"));
        settings_put_headers(s->provider.of[i].headers, s->provider.of[i].header_count, w);
        json_put_key(w, STR("timeouts"));
        json_put_object(w);
        for (size_t k = 0; k < COUNT(times); k++) {
            int64_t ms;

            memcpy(&ms, set + times[k].offset, sizeof(ms));
            if (ms > 0)
                json_put_member_i64(w, times[k].name, ms);
        }
        json_put_end(w);
        if (settings_has_oauth(&s->provider.of[i].oauth)) {
            json_put_key(w, STR("oauth"));
            settings_put_oauth(&s->provider.of[i].oauth, w);
        }
        json_put_end(w);
    }
    json_put_end(w);
}

const struct key_kind kind_providers = { "object of objects", read_providers, put_providers };
