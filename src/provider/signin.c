#include "provider/signin.h"

#include "base/base64.h"
#include "base/json_secret.h"
#include "provider/provider_int.h"

/* --- families -------------------------------------------------------------------------------- */

static const struct header_pair google_parameters[] = {
    { TEXT("access_type"), TEXT("offline") }, /* a refresh token … */
    { TEXT("prompt"), TEXT("consent") },      /* … each time, not only the first */
};

static const struct header_pair openai_parameters[] = {
    { TEXT("id_token_add_organizations"), TEXT("true") }, /* the account's id is among its claims */
};

static const struct signin_family families[] = {
    {
        .provider = TEXT("antigravity"),
        .kind = SIGNIN_CODE,
        .urls = { .authorize = TEXT("https://accounts.google.com/o/oauth2/v2/auth"),
                  .token = TEXT("https://oauth2.googleapis.com/token"),
                  .user = TEXT("https://www.googleapis.com/oauth2/v2/userinfo") },
        .scopes = TEXT("openid https://www.googleapis.com/auth/cloud-platform "
                       "https://www.googleapis.com/auth/userinfo.email "
                       "https://www.googleapis.com/auth/userinfo.profile"),
        .port = 51121,
        .path = TEXT("/oauth-callback"),
        .parameters = google_parameters,
        .parameter_count = COUNT(google_parameters),
        .where =
            TEXT("make one of the type `Desktop app` at "
                 "https://console.cloud.google.com/apis/credentials, and enter its secret, too"),
    },
    {
        .provider = TEXT("codex"),
        .kind = SIGNIN_CODE,
        .urls = { .authorize = TEXT("https://auth.openai.com/oauth/authorize"),
                  .token = TEXT("https://auth.openai.com/oauth/token") },
        .scopes = TEXT("openid profile email offline_access"),
        .port = 1455,
        .path = TEXT("/auth/callback"),
        .parameters = openai_parameters,
        .parameter_count = COUNT(openai_parameters),
        .where =
            TEXT("use one that OpenAI has registered for you; who has signed in with the Codex "
                 "CLI can take that over instead: `penstock import codex`"),
    },
    {
        .provider = TEXT("copilot"),
        .kind = SIGNIN_DEVICE,
        .urls = { .token = TEXT("https://github.com/login/oauth/access_token"),
                  .device = TEXT("https://github.com/login/device/code"),
                  .user = TEXT("https://api.github.com/user"),
                  .exchange = TEXT("https://api.github.com/copilot_internal/v2/token") },
        .scopes = TEXT("read:user"),
        .exchanges = true,
        .where = TEXT("register an OAuth app with device flow at "
                      "https://github.com/settings/developers; it needs no secret"),
    },
};

const struct signin_family *signin_family(struct str provider)
{
    for (size_t i = 0; i < COUNT(families); i++)
        if (str_eq(families[i].provider, provider))
            return &families[i];
    return NULL;
}

static struct str or_else(struct str set, struct str own)
{
    return set.len > 0 ? set : own;
}

struct signin_urls signin_urls(const struct signin_family *f, const struct signin_settings *s)
{
    const struct signin_urls *set = &s->urls, *own = &f->urls;

    return (struct signin_urls){
        .authorize = or_else(set->authorize, own->authorize),
        .token = or_else(set->token, own->token),
        .device = or_else(set->device, own->device),
        .user = or_else(set->user, own->user),
        .exchange = or_else(set->exchange, own->exchange),
    };
}

struct str signin_scopes(const struct signin_family *f, const struct signin_settings *s)
{
    return or_else(s->scopes, f->scopes);
}

struct str signin_explain(const struct signin_family *f, struct arena *a)
{
    char upper[32];
    size_t n = 0;

    for (; n < f->provider.len && n < sizeof(upper) - 1; n++)
        upper[n] = (char)(f->provider.at[n] - ('a' - 'A'));
    upper[n] = '\0';
    return arena_printf(
        a,
        "signing in to %.*s needs an OAuth client of your own: %.*s. Enter its id as "
        "providers.%.*s.oauth.client_id in the settings, or as "
        "PENSTOCK_%s_CLIENT_ID in the environment",
        STR_ARG(f->provider), STR_ARG(f->where), STR_ARG(f->provider), upper);
}

/* --- answers --------------------------------------------------------------------------------- */

#define SECONDS_MAX (INT64_C(366) * 86400)
#define CLAIMS_MAX ((size_t)64 << 10)

static bool object_read(struct json *doc, struct str body, struct arena *a)
{
    return json_parse(doc, str_trim(body), &(struct json_limits){ .depth_max = 32 }, a, NULL) &&
           json_type(doc, 0) == JSON_OBJECT;
}

static struct str member_text(const struct json *doc, uint32_t object, const char *name,
                              struct arena *a)
{
    uint32_t node = json_member(doc, object, str_c(name), NULL);
    struct str text = STR("");

    if (node == JSON_NONE || !json_text(doc, node, a, &text))
        return STR("");
    return arena_copy(a, text); /* it outlives the body */
}

static struct secret member_secret(const struct json *doc, uint32_t object, const char *name)
{
    return json_secret(doc, json_member(doc, object, str_c(name), NULL));
}

/* Seconds as milliseconds; 0 when absent, negative or absurd. Some say them as a text. */
static int64_t member_ms(const struct json *doc, uint32_t object, const char *name, struct arena *a)
{
    uint32_t node = json_member(doc, object, str_c(name), NULL);
    struct str text;
    int64_t n = 0;

    if (node == JSON_NONE)
        return 0;
    if (!json_i64(doc, node, &n) && !(json_text(doc, node, a, &text) && str_to_i64(text, &n)))
        return 0;
    return n > 0 && n <= SECONDS_MAX ? n * 1000 : 0;
}

static bool claims_read(struct str token, struct buf *plain, struct arena *a, struct json *doc)
{
    struct str head, rest, claims, signature;

    return str_cut(token, '.', &head, &rest) && str_cut(rest, '.', &claims, &signature) &&
           base64_get(plain, claims) && object_read(doc, buf_str(plain), a);
}

int64_t token_expires_unix_ms(struct str token)
{
    struct buf plain = { .max = CLAIMS_MAX };
    struct arena a = { 0 };
    struct json doc;
    int64_t at_s = 0;

    if (claims_read(token, &plain, &a, &doc)) {
        uint32_t exp = json_member(&doc, 0, STR("exp"), NULL);

        if (exp == JSON_NONE || !json_i64(&doc, exp, &at_s) || at_s < 0 || at_s > INT64_MAX / 1000)
            at_s = 0;
    }
    buf_clear(&plain);
    arena_free(&a);
    return at_s * 1000;
}

bool id_token_read(struct str token, struct arena *a, struct token_answer *out)
{
    struct buf plain = { .max = CLAIMS_MAX };
    struct json doc;
    bool good = claims_read(token, &plain, a, &doc);

    if (good) {
        uint32_t own = json_member(&doc, 0, STR("https://api.openai.com/auth"), NULL);

        out->email = member_text(&doc, 0, "email", a);
        if (own != JSON_NONE && json_type(&doc, own) == JSON_OBJECT) {
            out->account = member_text(&doc, own, "chatgpt_account_id", a);
            out->plan = member_text(&doc, own, "chatgpt_plan_type", a);
        }
    }
    buf_clear(&plain);
    return good;
}

bool token_answer_read(struct str body, struct arena *a, struct token_answer *out)
{
    struct token_answer t = { .lifetime_ms = 0 };
    struct json doc;

    if (!object_read(&doc, body, a))
        return false;
    uint32_t error = json_member(&doc, 0, STR("error"), NULL);

    /* OpenAI puts an object there, with the word as its code */
    if (error != JSON_NONE && json_type(&doc, error) == JSON_OBJECT) {
        t.error = member_text(&doc, error, "code", a);
        if (t.error.len == 0)
            t.error = member_text(&doc, error, "type", a);
    } else {
        t.error = member_text(&doc, 0, "error", a);
    }
    t.access = member_secret(&doc, 0, "access_token");
    t.refresh = member_secret(&doc, 0, "refresh_token");
    t.lifetime_ms = member_ms(&doc, 0, "expires_in", a);
    t.interval_ms = member_ms(&doc, 0, "interval", a);
    t.scopes = member_text(&doc, 0, "scope", a);
    (void)id_token_read(member_text(&doc, 0, "id_token", a), a, &t);
    if (t.error.len == 0 && secret_is_empty(&t.access)) {
        token_answer_clear(&t);
        return false;
    }
    *out = t;
    return true;
}

void token_answer_clear(struct token_answer *t)
{
    secret_clear(&t->access);
    secret_clear(&t->refresh);
}

/* It says when to renew, for clocks that differ; that is a while before it expires. */
#define EXCHANGE_EARLY_MS (INT64_C(240) * 1000)

bool exchange_answer_read(struct str body, int64_t unix_ms, struct arena *a,
                          struct token_answer *out)
{
    struct token_answer t = { .lifetime_ms = 0 };
    struct json doc;

    if (!object_read(&doc, body, a))
        return false;
    uint32_t endpoints = json_member(&doc, 0, STR("endpoints"), NULL);
    uint32_t expires = json_member(&doc, 0, STR("expires_at"), NULL);
    int64_t at_s = 0, renew_ms = member_ms(&doc, 0, "refresh_in", a);

    t.access = member_secret(&doc, 0, "token");
    if (secret_is_empty(&t.access))
        return false;
    if (renew_ms > 0)
        t.lifetime_ms = renew_ms + EXCHANGE_EARLY_MS;
    else if (expires != JSON_NONE && json_i64(&doc, expires, &at_s) && at_s > unix_ms / 1000 &&
             at_s - unix_ms / 1000 <= SECONDS_MAX)
        t.lifetime_ms = at_s * 1000 - unix_ms;
    if (endpoints != JSON_NONE && json_type(&doc, endpoints) == JSON_OBJECT)
        t.api_url = member_text(&doc, endpoints, "api", a);
    t.plan = member_text(&doc, 0, "sku", a);
    *out = t;
    return true;
}

bool device_answer_read(struct str body, struct arena *a, struct device_answer *out)
{
    struct json doc;

    if (!object_read(&doc, body, a))
        return false;
    *out = (struct device_answer){
        .device_code = member_secret(&doc, 0, "device_code"),
        .user_code = member_text(&doc, 0, "user_code", a),
        .verification_url = member_text(&doc, 0, "verification_uri", a),
        .interval_ms = member_ms(&doc, 0, "interval", a),
        .lifetime_ms = member_ms(&doc, 0, "expires_in", a),
    };
    if (!secret_is_empty(&out->device_code) && out->user_code.len > 0 &&
        out->verification_url.len > 0)
        return true;
    secret_clear(&out->device_code);
    return false;
}

struct str user_answer_read(struct str body, struct arena *a)
{
    static const char *const names[] = { "email", "login", "name" };
    struct str who = STR("");
    struct json doc;

    if (!object_read(&doc, body, a))
        return who;
    for (size_t i = 0; i < COUNT(names) && who.len == 0; i++)
        who = member_text(&doc, 0, names[i], a);
    return who;
}

static bool is_one_of(struct str word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(word, str_c(list[i])))
            return true;
    return false;
}

bool token_error_is_of_client(struct str error)
{
    static const char *const words[] = { "invalid_client", "unauthorized_client",
                                         "incorrect_client_credentials" };

    return is_one_of(error, words, COUNT(words));
}

bool token_error_is_final(struct str error, int status)
{
    static const char *const words[] = { "invalid_grant",         "refresh_token_expired",
                                         "refresh_token_reused",  "refresh_token_invalidated",
                                         "invalid_refresh_token", "bad_refresh_token",
                                         "access_denied" };

    /* a 401 without a word that we know says it of the credential that was shown: the grant */
    return is_one_of(error, words, COUNT(words)) ||
           (status == 401 && !token_error_is_of_client(error));
}
