/* app/settings_account.c - `accounts`: a list of objects, each member with its own reader.
 *
 * What an account's members mean together (does this provider need a key, is this base URL one) is
 * for the provider to say: an upstream is made of each account and thrown away. Only an account
 * whose key is not there (its environment variable is unset) stays untried, and disabled. */
#include "app/settings_account.h"

#include <stdio.h>

#include "app/settings_int.h"
#include "base/map.h"
#include "base/url.h"
#include "http/proxy.h"
#include "io/crypto.h"

#define LABEL_MAX 128
#define NAME_TEXT_MAX 512 /* providers, wires, URLs are shorter still where it matters */
#define PATTERN_MAX 256
#define MODELS_MAX 10000
#define HEADERS_MAX 100
#define CONCURRENCY_MAX 100000

struct account_reading {
    struct reading *r;
    const struct place *at; /* of the account */
    uint32_t node;
    struct account_spec *spec;
    struct str key_variable, token_variable;
};

/* --- pieces */

static bool header_stands_twice(const struct header_pair *list, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_ieq(list[i].name, name))
            return true;
    return false;
}

bool settings_read_headers(const struct reading *r, const struct place *at, uint32_t node,
                           struct arena *a, struct header_pair **headers, size_t *count)
{
    size_t n = 0, all;

    if (!settings_open(r, at, node, JSON_OBJECT, 0, HEADERS_MAX, &all))
        return false;
    struct header_pair *list = arena_array(a, struct header_pair, all + 1);

    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE; i = json_after(r->doc, node, i)) {
        struct header_pair *h = &list[n];

        if (!settings_read_text(r, at, i, NAME_TEXT_MAX, a, &h->name))
            return false;
        const struct place item = { at, h->name.len > 0 ? h->name : STR("\"\""), 0 };

        if (header_stands_twice(list, n, h->name))
            return settings_refuse(r, &item, i, "stands there twice");
        i = json_after(r->doc, node, i);
        if (json_type(r->doc, i) == JSON_NULL) /* absent, as everywhere */
            continue;
        if (!settings_read_text(r, &item, i, SETTINGS_TEXT_MAX, a, &h->value))
            return false;
        n++;
    }
    *headers = list;
    *count = n;
    return true;
}

/* Values may be credentials: names only. */
void settings_put_headers(const struct header_pair *headers, size_t count, struct json_writer *w)
{
    json_put_object(w);
    for (size_t i = 0; i < count; i++) {
        json_put_key(w, headers[i].name);
        json_put_str(w, STR("…"));
    }
    json_put_end(w);
}

void settings_put_proxy(struct str proxy, struct json_writer *w)
{
    struct buf shown = { .max = proxy.len + 64 };

    if (proxy.len > 0 && url_put_shown(&shown, proxy))
        json_put_str(w, buf_str(&shown));
    else
        json_put_null(w);
    buf_clear(&shown);
}

/* From 1 on. */
static int64_t number_of(struct str text)
{
    uint8_t digest[SHA256_BYTES];
    uint64_t n = 0;

    sha256(text, digest);
    for (size_t i = 0; i < 8; i++)
        n = n << 8 | digest[i];
    n &= INT64_MAX;
    return n == 0 ? 1 : (int64_t)n;
}

/* Programs whose numbers are doubles must be able to say it: 53 bits. */
#define ID_MAX (((int64_t)1 << 53) - 1)

int64_t settings_account_id(struct str label)
{
    return -(number_of(label) % ID_MAX + 1);
}

/* Another token in the file is another sign-in. */
static int64_t grant_series(struct str refresh)
{
    return refresh.len > 0 ? number_of(refresh) : 0;
}

/* --- members of an account */

static bool take_text(struct account_reading *a, const char *name, uint32_t node, size_t len_max,
                      struct str *to)
{
    const struct place at = { a->at, str_c(name), 0 };

    return settings_read_text(a->r, &at, node, len_max, &a->spec->arena, to);
}

static bool read_label(struct account_reading *a, uint32_t node)
{
    if (!take_text(a, "label", node, LABEL_MAX, &a->spec->label))
        return false;
    return a->spec->label.len > 0 ||
           settings_refuse(a->r, &(struct place){ a->at, STR("label"), 0 }, node, "is empty");
}

static void add_name(void *peer, struct str name)
{
    struct buf *all = peer;

    (void)((all->len == 0 || buf_add(all, STR(", "))) && buf_add(all, name));
}

static bool read_provider(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("provider"), 0 };
    struct str *name = &a->spec->provider;
    struct buf all = { .max = 256 };

    if (!take_text(a, "provider", node, NAME_TEXT_MAX, name))
        return false;
    if (provider_exists(*name))
        return true;
    provider_each_name(add_name, &all);
    (void)settings_refuse(a->r, &at, node, "\"%.*s\" is none of %.*s", STR_ARG(str_take(*name, 60)),
                          STR_ARG(buf_str(&all)));
    buf_clear(&all);
    return false;
}

static bool read_wire(struct account_reading *a, uint32_t node)
{
    return take_text(a, "wire", node, NAME_TEXT_MAX, &a->spec->wire);
}

static bool read_base_url(struct account_reading *a, uint32_t node)
{
    return take_text(a, "base_url", node, SETTINGS_TEXT_MAX, &a->spec->base_url);
}

static bool read_project(struct account_reading *a, uint32_t node)
{
    return take_text(a, "project", node, NAME_TEXT_MAX, &a->spec->project);
}

static bool read_api_key(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("api_key"), 0 };

    return settings_read_secret(a->r, &at, node, &a->spec->api_key);
}

static bool take_variable(struct account_reading *a, const char *name, uint32_t node,
                          struct str *to)
{
    const struct place at = { a->at, str_c(name), 0 };
    const char *wrong;

    if (!take_text(a, name, node, NAME_TEXT_MAX, to))
        return false;
    wrong = check_variable_name(*to);
    return wrong == NULL || settings_refuse(a->r, &at, node, "%s", wrong);
}

static bool read_api_key_env(struct account_reading *a, uint32_t node)
{
    return take_variable(a, "api_key_env", node, &a->key_variable);
}

static bool read_refresh_token(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("refresh_token"), 0 };

    return settings_read_secret(a->r, &at, node, &a->spec->grant.refresh);
}

static bool read_refresh_token_env(struct account_reading *a, uint32_t node)
{
    return take_variable(a, "refresh_token_env", node, &a->token_variable);
}

static bool read_account_id(struct account_reading *a, uint32_t node)
{
    return take_text(a, "account_id", node, NAME_TEXT_MAX, &a->spec->grant.account);
}

static bool read_tier(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("tier"), 0 };
    struct str word;

    if (!settings_read_text(a->r, &at, node, NAME_TEXT_MAX, a->r->scratch, &word))
        return false;
    return tier_from_word(word, &a->spec->tier) ||
           settings_refuse(a->r, &at, node, "\"%.*s\" is none of ULTRA, PRO, FREE",
                           STR_ARG(str_take(word, 60)));
}

static bool read_models(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("models"), 0 };
    const struct json *doc = a->r->doc;
    struct account_spec *spec = a->spec;
    size_t count;

    if (!settings_open(a->r, &at, node, JSON_ARRAY, 0, MODELS_MAX, &count))
        return false;
    spec->models = count > 0 ? arena_array(&spec->arena, struct str, count) : NULL;
    for (uint32_t i = json_first(doc, node); i != JSON_NONE; i = json_after(doc, node, i)) {
        const struct place item = { &at, STR(""), spec->model_count };
        struct str *pattern = &spec->models[spec->model_count];

        assert(spec->model_count < count);
        if (!settings_read_text(a->r, &item, i, PATTERN_MAX, &spec->arena, pattern))
            return false;
        if (pattern->len == 0)
            return settings_refuse(a->r, &item, i, "is empty");
        spec->model_count++;
    }
    return true;
}

static bool read_max_concurrency(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("max_concurrency"), 0 };
    int64_t n;

    if (!settings_read_integer(a->r, &at, node, 0, CONCURRENCY_MAX, false, &n))
        return false;
    a->spec->concurrency_max = (uint32_t)n;
    return true;
}

static bool read_headers(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("headers"), 0 };

    return settings_read_headers(a->r, &at, node, &a->spec->arena, &a->spec->headers,
                                 &a->spec->header_count);
}

static bool read_proxy(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("proxy"), 0 };
    const char *wrong;

    if (!take_text(a, "proxy", node, SETTINGS_TEXT_MAX, &a->spec->proxy))
        return false;
    wrong = check_proxy(&a->spec->arena, &a->spec->proxy);
    return wrong == NULL || settings_refuse(a->r, &at, node, "%s", wrong);
}

static bool read_capabilities(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("capabilities"), 0 };

    if (!settings_want(a->r, &at, node, JSON_OBJECT, "an object"))
        return false;
    a->spec->capabilities = arena_copy(&a->spec->arena, json_raw(a->r->doc, node));
    return true;
}

static bool read_disabled(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("disabled"), 0 };

    return settings_read_bool(a->r, &at, node, &a->spec->disabled);
}

static bool read_proxy_disabled(struct account_reading *a, uint32_t node)
{
    const struct place at = { a->at, STR("proxy_disabled"), 0 };

    return settings_read_bool(a->r, &at, node, &a->spec->proxy_disabled);
}

const struct member_doc account_docs[] = {
    { "label", "string, required", "Its name: unique, 1 to 128 bytes." },
    { "provider", "string, required",
      "`openai`, `anthropic`, `gemini`, `compatible`, `antigravity`, `codex` or `copilot`." },
    { "wire", "string",
      "`compatible` only, required there: what it speaks: `openai-chat`, "
      "`openai-responses`, `anthropic`, `gemini` or `cloudcode`." },
    { "base_url", "string", "Where it is; `compatible` must say so, others have their own." },
    { "project", "string", "`cloudcode` only: the project that the requests belong to." },
    { "api_key", "string", "Its key. Better not in this file: see `api_key_env`." },
    { "api_key_env", "string",
      "The environment variable that holds the key. While it is unset, the "
      "account is disabled." },
    { "refresh_token", "string",
      "`antigravity`, `codex`, `copilot`: what signing in gave, for containers; of `copilot` "
      "GitHub's "
      "own token. Renewed tokens are kept, sealed, in the database." },
    { "refresh_token_env", "string", "The environment variable that holds it." },
    { "account_id", "string", "`codex`: the ChatGPT account that requests name." },
    { "tier", "string", "`ULTRA`, `PRO` or `FREE`: higher ones are used first." },
    { "models", "list of strings",
      "Models it offers, with `*` for any text; without it: what the "
      "provider's own list says, and any model while that cannot be read." },
    { "max_concurrency", "integer", "Requests at one time; 0: no limit." },
    { "headers", "object of strings", "Headers added to each request." },
    { "proxy", "string", "A proxy URL of its own, or `direct`." },
    { "capabilities", "object", "What it lacks, as `{\"stream_options\": false}`." },
    { "disabled", "true or false", "Not used at all." },
    { "proxy_disabled", "true or false", "Kept fresh, but not used." },
    { NULL, NULL, NULL },
};

/* In the order of account_docs. */
static bool (*const account_readers[])(struct account_reading *a, uint32_t node) = {
    read_label,           read_provider,      read_wire,
    read_base_url,        read_project,       read_api_key,
    read_api_key_env,     read_refresh_token, read_refresh_token_env,
    read_account_id,      read_tier,          read_models,
    read_max_concurrency, read_headers,       read_proxy,
    read_capabilities,    read_disabled,      read_proxy_disabled,
};
_Static_assert(COUNT(account_readers) + 1 == COUNT(account_docs), "a reader for each member");

bool settings_has_member(const struct member_doc *docs, struct str name)
{
    for (size_t i = 0; docs[i].name != NULL; i++)
        if (str_eq(str_c(docs[i].name), name))
            return true;
    return false;
}

/* --- an account as a whole */

static bool refuse_account(const struct account_reading *a, const char *name, const char *why)
{
    const struct place at = { a->at, str_c(name), 0 };
    uint32_t node = json_member(a->r->doc, a->node, at.name, NULL);

    return settings_refuse(a->r, &at, node != JSON_NONE ? node : a->node, "%s", why);
}

/* A key that is not there disables the account; anything else about it is still checked. */
static bool account_find_secret(struct account_reading *a, const char *member, struct str name,
                                struct secret *to)
{
    struct account_spec *spec = a->spec;
    struct str key;

    if (name.len == 0)
        return true;
    if (!secret_is_empty(to))
        return refuse_account(a, member, "excludes the member of its name without `_env`");
    char text[129];

    snprintf(text, sizeof(text), "%.*s", STR_ARG(name));
    key = a->r->sources == NULL ? STR("") : str_trim(a->r->sources->environment(text));
    if (key.len > 0) {
        *to = secret_copy(key);
        return true;
    }
    spec->disabled = true;
    spec->disabled_reason =
        arena_printf(&spec->arena, "the environment variable %.*s is not set", STR_ARG(name));
    return true;
}

/* The environment's proxies are left out: what is wrong with them is not the file's fault. */
static bool account_try(const struct account_reading *a)
{
    struct provider_options options = a->r->s->provider;
    struct account_spec tried = *a->spec;
    struct upstream *up = NULL;
    struct error e = { .status = OK };

    options.proxy = (struct proxy_settings){ .global = options.proxy.global };
    bool keyless = secret_is_empty(account_credential(&tried)) &&
                   (a->key_variable.len > 0 || a->token_variable.len > 0);

    if (keyless)
        tried.api_key = secret_copy(STR("unset"));
    enum status st = upstream_new(&tried, &options, &up, &e);

    if (keyless)
        secret_clear(&tried.api_key);
    upstream_free(up);
    return st == OK || settings_refuse_member(a->r, a->at, a->node, &e);
}

static bool account_check(struct account_reading *a)
{
    const struct account_spec *spec = a->spec;
    bool compatible = str_eq(spec->provider, STR("compatible"));

    if (spec->label.len == 0)
        return refuse_account(a, "label", "is missing");
    if (spec->provider.len == 0)
        return refuse_account(a, "provider", "is missing");
    if (compatible && spec->wire.len == 0)
        return refuse_account(a, "wire", "is missing: what a compatible provider speaks");
    if (!compatible && spec->wire.len > 0)
        return refuse_account(a, "wire", "is for accounts of the provider `compatible` only");
    if (!account_find_secret(a, "api_key_env", a->key_variable, &a->spec->api_key) ||
        !account_find_secret(a, "refresh_token_env", a->token_variable, &a->spec->grant.refresh))
        return false;
    if (!secret_is_empty(&spec->grant.refresh) && !secret_is_empty(&spec->api_key))
        return refuse_account(a, "refresh_token", "and api_key exclude each other");
    a->spec->grant.series = grant_series(secret_reveal(&spec->grant.refresh));
    return account_try(a);
}

static struct account_spec *account_read(struct reading *r, const struct place *at, uint32_t node)
{
    struct account_reading a = { .r = r, .at = at, .node = node, .spec = account_spec_new() };
    bool good = settings_want(r, at, node, JSON_OBJECT, "an object");

    for (size_t i = 0; good && account_docs[i].name != NULL; i++) {
        uint32_t member;

        good = settings_member(r, at, node, str_c(account_docs[i].name), &member);
        if (good && member != JSON_NONE)
            good = account_readers[i](&a, member);
    }
    if (good && account_check(&a))
        return a.spec;
    account_spec_free(a.spec);
    return NULL;
}

bool settings_account_read(struct str text, const struct settings_sources *sources,
                           struct account_spec **out, struct settings_fault *fault)
{
    struct arena scratch = { 0 };
    struct settings *defaults = NULL;
    struct json doc;
    struct json_fault wrong = { 0 };
    struct account_spec *spec = NULL;
    bool good = settings_read(STR("{}"), sources, &defaults, fault);

    if (!good)
        return false;
    struct reading r = { defaults, &doc, sources, fault, &scratch };

    if (!json_parse(&doc, text, NULL, &scratch, &wrong)) {
        json_fault_place(&wrong, text);
        *fault = (struct settings_fault){ .line = wrong.line, .col = wrong.col };
        snprintf(fault->text, sizeof(fault->text), "%s", wrong.what);
        goto out;
    }
    for (uint32_t i = json_type(&doc, 0) == JSON_OBJECT ? json_first(&doc, 0) : JSON_NONE;
         i != JSON_NONE; i = json_after(&doc, 0, i)) {
        struct str name;
        bool is_string = json_text(&doc, i, &scratch, &name);

        assert(is_string);
        if (!settings_has_member(account_docs, name)) {
            settings_refuse(&r, &(struct place){ NULL, name.len > 0 ? name : STR("\"\""), 0 }, i,
                            "is no member of an account");
            goto out;
        }
        i = json_after(&doc, 0, i);
    }
    spec = account_read(&r, NULL, 0);
    if (spec != NULL)
        *out = spec;
out:
    arena_free(&scratch);
    settings_unref(defaults);
    return spec != NULL;
}

static bool accounts_fill(struct reading *r, const struct place *at, uint32_t node,
                          struct map *labels)
{
    struct settings *s = r->s;

    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE; i = json_after(r->doc, node, i)) {
        const struct place item = { at, STR(""), s->account_count };
        struct account_spec *spec = account_read(r, &item, i);

        if (spec == NULL)
            return false;
        spec->from_file = true;
        spec->id = settings_account_id(spec->label);
        spec->created_unix_ms = (int64_t)s->account_count;
        s->accounts[s->account_count++] = spec;
        if (map_put(labels, spec->label, spec) != NULL)
            return settings_refuse(r, &(struct place){ &item, STR("label"), 0 },
                                   json_member(r->doc, i, STR("label"), NULL),
                                   "\"%.*s\" is the label of another account, too",
                                   STR_ARG(spec->label));
    }
    return true;
}

static bool read_accounts(struct reading *r, const struct key_row *row, const struct place *at,
                          uint32_t node)
{
    const uint64_t key[2] = { random_u64(), random_u64() };
    struct map labels;
    size_t count;

    if (!settings_open(r, at, node, JSON_ARRAY, row->min, row->max, &count))
        return false;
    r->s->accounts = arena_array(&r->s->arena, struct account_spec *, count + 1);
    map_init(&labels, key);
    bool good = accounts_fill(r, at, node, &labels);

    map_clear(&labels);
    return good;
}

static void put_secret_hint(const struct secret *key, struct json_writer *w)
{
    char hint[SECRET_HINT_MAX];

    if (secret_is_empty(key)) {
        json_put_null(w);
        return;
    }
    secret_hint(key, hint);
    json_put_str(w, str_c(hint));
}

static void put_account(const struct account_spec *a, struct json_writer *w)
{
    json_put_object(w);
    json_put_key(w, STR("label"));
    json_put_str(w, a->label);
    json_put_key(w, STR("provider"));
    json_put_str(w, a->provider);
    if (a->wire.len > 0)
        json_put_member(w, "wire", a->wire);
    if (a->base_url.len > 0)
        json_put_member(w, "base_url", a->base_url);
    if (a->project.len > 0)
        json_put_member(w, "project", a->project);
    json_put_key(w, STR("api_key"));
    put_secret_hint(&a->api_key, w);
    json_put_member(w, "tier", str_c(tier_word(a->tier)));
    json_put_key(w, STR("models"));
    json_put_array(w);
    for (size_t i = 0; i < a->model_count; i++)
        json_put_str(w, a->models[i]);
    json_put_end(w);
    json_put_member_i64(w, "max_concurrency", a->concurrency_max);
    json_put_key(w, STR("headers"));
    settings_put_headers(a->headers, a->header_count, w);
    json_put_key(w, STR("proxy"));
    settings_put_proxy(a->proxy, w);
    if (a->capabilities.len > 0)
        json_put_member_raw(w, "capabilities", a->capabilities);
    json_put_member_bool(w, "disabled", a->disabled);
    json_put_member_bool(w, "proxy_disabled", a->proxy_disabled);
    json_put_end(w);
}

static void put_accounts(const struct settings *s,
                         __attribute__((unused)) const struct key_row *row, struct json_writer *w)
{
    json_put_array(w);
    for (size_t i = 0; i < s->account_count; i++)
        put_account(s->accounts[i], w);
    json_put_end(w);
}

const struct key_kind kind_accounts = { "list of objects", read_accounts, put_accounts };
