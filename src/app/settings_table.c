/* app/settings_table.c - every key of the settings, one row each, and the kinds of value they have.
 *
 * Reading, validation, the admin API and docs/settings.md all come from these rows. A row without a
 * default text has the default of the layer it belongs to (http/limits.c). */
#include "app/settings_int.h"
#include "base/url.h"

/* --- kinds */

static void *field_of(const struct reading *r, size_t offset)
{
    return (char *)r->s + offset;
}

static const void *field_in(const struct settings *s, size_t offset)
{
    return (const char *)s + offset;
}

static bool read_bool(struct reading *r, const struct key_row *row, const struct place *at,
                      uint32_t node)
{
    return settings_read_bool(r, at, node, field_of(r, row->offset));
}

static void put_bool(const struct settings *s, const struct key_row *row, struct json_writer *w)
{
    const bool *yes = field_in(s, row->offset);

    json_put_bool(w, *yes);
}

/* All integers are positive and fit: 4 bytes or 8, signed or not, is one to them. */
static bool read_integer(struct reading *r, const struct key_row *row, const struct place *at,
                         uint32_t node)
{
    void *to = field_of(r, row->offset);
    int64_t n;

    if (!settings_read_integer(r, at, node, row->min, row->max, row->ceiling, &n))
        return false;
    n *= row->scale;
    uint32_t small = (uint32_t)n;

    assert(row->size == sizeof(n) || (row->size == sizeof(small) && n <= UINT32_MAX));
    memcpy(to, row->size == sizeof(n) ? (void *)&n : (void *)&small, row->size);
    return true;
}

static void put_integer(const struct settings *s, const struct key_row *row, struct json_writer *w)
{
    const void *from = field_in(s, row->offset);
    int64_t n;
    uint32_t small;

    memcpy(row->size == sizeof(n) ? (void *)&n : (void *)&small, from, row->size);
    json_put_i64(w, (row->size == sizeof(n) ? n : small) / row->scale);
}

static bool read_word(struct reading *r, const struct key_row *row, const struct place *at,
                      uint32_t node)
{
    unsigned *to = field_of(r, row->offset);
    struct str word;
    struct buf all = { .max = 512 };

    if (!settings_read_text(r, at, node, SETTINGS_TEXT_MAX, r->scratch, &word))
        return false;
    for (unsigned i = 0; row->words[i] != NULL; i++) {
        if (str_eq(word, str_c(row->words[i]))) {
            *to = i;
            buf_clear(&all);
            return true;
        }
        (void)((i == 0 || buf_add(&all, STR(", "))) && buf_add(&all, str_c(row->words[i])));
    }
    (void)settings_refuse(r, at, node, "\"%.*s\" is none of %.*s", STR_ARG(str_take(word, 60)),
                          STR_ARG(buf_str(&all)));
    buf_clear(&all);
    return false;
}

static void put_word(const struct settings *s, const struct key_row *row, struct json_writer *w)
{
    const unsigned *at = field_in(s, row->offset);

    json_put_str(w, str_c(row->words[*at]));
}

/* One text, or null for none. */
static bool read_text(struct reading *r, const struct key_row *row, const struct place *at,
                      uint32_t node)
{
    struct str *to = field_of(r, row->offset), text = STR("");
    const char *wrong = NULL;

    if (json_type(r->doc, node) != JSON_NULL) {
        if (!settings_read_text(r, at, node, SETTINGS_TEXT_MAX, &r->s->arena, &text))
            return false;
        wrong = row->check != NULL ? row->check(&r->s->arena, &text) : NULL;
    }
    if (wrong != NULL)
        return settings_refuse(r, at, node, "\"%.*s\" %s", STR_ARG(str_take(text, 80)), wrong);
    *to = text;
    return true;
}

static void put_text(const struct settings *s, const struct key_row *row, struct json_writer *w)
{
    const struct str *text = field_in(s, row->offset);

    if (text->len == 0)
        json_put_null(w);
    else
        json_put_str(w, *text);
}

/* A proxy's URL may hold a password: what is wrong with it is said without showing it. */
static bool read_proxy(struct reading *r, const struct key_row *row, const struct place *at,
                       uint32_t node)
{
    struct str *to = field_of(r, row->offset), text = STR("");
    const char *wrong = NULL;

    if (json_type(r->doc, node) != JSON_NULL) {
        if (!settings_read_text(r, at, node, SETTINGS_TEXT_MAX, &r->s->arena, &text))
            return false;
        wrong = check_proxy(&r->s->arena, &text);
    }
    if (wrong != NULL)
        return settings_refuse(r, at, node, "%s", wrong);
    *to = text;
    return true;
}

static void put_proxy(const struct settings *s, const struct key_row *row, struct json_writer *w)
{
    settings_put_proxy(*(const struct str *)field_in(s, row->offset), w);
}

static bool read_texts(struct reading *r, const struct key_row *row, const struct place *at,
                       uint32_t node)
{
    struct str **to = field_of(r, row->offset), *list;
    size_t *to_count = field_of(r, row->count_offset), count, n = 0;

    if (!settings_open(r, at, node, JSON_ARRAY, row->min, row->max, &count))
        return false;
    list = arena_array(&r->s->arena, struct str, count + 1);
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE; i = json_after(r->doc, node, i)) {
        const struct place item = { at, STR(""), n };
        const char *wrong;

        if (!settings_read_text(r, &item, i, SETTINGS_TEXT_MAX, &r->s->arena, &list[n]))
            return false;
        wrong = row->check != NULL ? row->check(&r->s->arena, &list[n]) : NULL;
        if (wrong != NULL)
            return settings_refuse(r, &item, i, "\"%.*s\" %s", STR_ARG(str_take(list[n], 80)),
                                   wrong);
        n++;
    }
    *to = list;
    *to_count = n;
    return true;
}

static void put_texts(const struct settings *s, const struct key_row *row, struct json_writer *w)
{
    struct str *const *list = field_in(s, row->offset);
    const size_t *count = field_in(s, row->count_offset);

    json_put_array(w);
    for (size_t i = 0; i < *count; i++)
        json_put_str(w, (*list)[i]);
    json_put_end(w);
}

#define BACKOFF_SECONDS_MAX ((int64_t)31 * 24 * 3600)

static bool read_seconds(struct reading *r, const struct key_row *row, const struct place *at,
                         uint32_t node)
{
    int64_t **to = field_of(r, row->offset), *list;
    size_t *to_count = field_of(r, row->count_offset), count, n = 0;

    if (!settings_open(r, at, node, JSON_ARRAY, row->min, row->max, &count))
        return false;
    list = arena_array(&r->s->arena, int64_t, count + 1);
    for (uint32_t i = json_first(r->doc, node); i != JSON_NONE; i = json_after(r->doc, node, i)) {
        const struct place item = { at, STR(""), n };

        if (!settings_read_integer(r, &item, i, 1, BACKOFF_SECONDS_MAX, false, &list[n]))
            return false;
        n++;
    }
    *to = list;
    *to_count = n;
    return true;
}

static void put_seconds(const struct settings *s, const struct key_row *row, struct json_writer *w)
{
    int64_t *const *list = field_in(s, row->offset);
    const size_t *count = field_in(s, row->count_offset);

    json_put_array(w);
    for (size_t i = 0; i < *count; i++)
        json_put_i64(w, (*list)[i]);
    json_put_end(w);
}

static bool read_trace_headers(struct reading *r, __attribute__((unused)) const struct key_row *row,
                               const struct place *at, uint32_t node)
{
    return settings_read_headers(r, at, node, &r->s->arena, &r->s->traces_headers,
                                 &r->s->traces_header_count);
}

static void put_trace_headers(const struct settings *s,
                              __attribute__((unused)) const struct key_row *row,
                              struct json_writer *w)
{
    settings_put_headers(s->traces_headers, s->traces_header_count, w);
}

static const struct key_kind kind_trace_headers = { "object of strings", read_trace_headers,
                                                    put_trace_headers };
static const struct key_kind kind_bool = { "true or false", read_bool, put_bool },
                             kind_integer = { "integer", read_integer, put_integer },
                             kind_word = { "word", read_word, put_word },
                             kind_text = { "string or null", read_text, put_text },
                             kind_proxy = { "string or null", read_proxy, put_proxy },
                             kind_texts = { "list of strings", read_texts, put_texts },
                             kind_seconds = { "list of integers", read_seconds, put_seconds };

/* --- what some texts may say */

static const char *check_tunnel(__attribute__((unused)) struct arena *a, struct str *text)
{
    static const char *const kinds[] = { "", "ngrok", "cloudflared", "localtunnel" };

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_eq(*text, str_c(kinds[i])))
            return NULL;
    return "is none of ngrok, cloudflared, localtunnel";
}

static const char *check_collector(struct arena *a, struct str *text)
{
    struct url u;
    const char *wrong = text->len == 0 ? NULL : check_base_url(a, text);

    if (wrong == NULL && url_read(*text, &u, NULL) && u.user.len > 0)
        return "holds a user's name: put credentials into `traces.headers`";
    return wrong;
}

static const char *check_some(__attribute__((unused)) struct arena *a, struct str *text)
{
    return text->len > 0 ? NULL : "is empty";
}

/* --- the rows */

#define AT(member) \
    .offset = offsetof(struct settings, member), .size = sizeof(((struct settings *)0)->member)
#define FLAG(key, member, standard_, meaning_)                                                  \
    {                                                                                           \
        .path = key, .kind = &kind_bool, AT(member), .standard = standard_, .meaning = meaning_ \
    }
#define NUMBER(key, member, min_, max_, standard_, meaning_)                                  \
    {                                                                                         \
        .path = key, .kind = &kind_integer, AT(member), .min = min_, .max = max_, .scale = 1, \
        .standard = standard_, .meaning = meaning_                                            \
    }
#define SECONDS(key, member, min_, max_, standard_, meaning_)                                    \
    {                                                                                            \
        .path = key, .kind = &kind_integer, AT(member), .min = min_, .max = max_, .scale = 1000, \
        .standard = standard_, .meaning = meaning_                                               \
    }
#define CEILING(key, member, min_, max_, standard_, meaning_)                                 \
    {                                                                                         \
        .path = key, .kind = &kind_integer, AT(member), .min = min_, .max = max_, .scale = 1, \
        .ceiling = true, .standard = standard_, .meaning = meaning_                           \
    }
#define TIME(key, member, meaning_) NUMBER(key, member, 1, DAY_MS, NULL, meaning_)
#define WORD(key, member, words_, standard_, meaning_)                                       \
    {                                                                                        \
        .path = key, .kind = &kind_word, AT(member), .words = words_, .standard = standard_, \
        .meaning = meaning_                                                                  \
    }
#define TEXTS(key, list, count, min_, max_, check_, standard_, meaning_)            \
    {                                                                               \
        .path = key, .kind = &kind_texts, AT(list),                                 \
        .count_offset = offsetof(struct settings, count), .min = min_, .max = max_, \
        .check = check_, .standard = standard_, .meaning = meaning_                 \
    }

#define KIB ((int64_t)1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define DAY_S ((int64_t)24 * 3600)
#define DAY_MS (DAY_S * 1000)
#define WORKERS_MAX_SET 64

/* pool_mode_word() in the order of its enum; read_word() stores the index */
static const char *const mode_words[] = { "Balance", "CacheFirst", "PerformanceFirst", NULL };
static const char *const format_words[] = { "text", "json", NULL };
static const char *const access_words[] = { "off", "file", "stdout", NULL };
_Static_assert(sizeof(enum pool_mode) == sizeof(unsigned), "read_word() writes an unsigned");
_Static_assert(sizeof(enum log_format_setting) == sizeof(unsigned), "read_word() as well");
_Static_assert(sizeof(enum logs_access_setting) == sizeof(unsigned), "read_word() as well");
_Static_assert(MODE_BALANCE == 0 && MODE_CACHE_FIRST == 1 && MODE_PERFORMANCE_FIRST == 2,
               "the order of mode_words");

static const struct key_row rows[] = {
    TEXTS("listen", listen, listen_count, 1, 16, check_listen,
          "[\"127.0.0.1:8045\",\"[::1]:8045\"]",
          "Addresses to serve at, each `HOST:PORT` with a numeric host or `localhost`. An address "
          "that is not loopback needs a client key. Read at start."),
    TEXTS("admin_listen", admin_listen, admin_listen_count, 0, 16, check_listen, "[]",
          "More addresses, for dashboard and admin API. Those of `listen` that are not loopback "
          "serve these only while a password is set; these here do without one. Read at start."),
    NUMBER("workers", workers, 0, WORKERS_MAX_SET, "0",
           "Worker threads; 0: one for each core. Read at start."),
    FLAG("require_keys", require_keys, "false",
         "Ask for a client key on loopback, too, even while none is configured."),
    FLAG("metrics_public", metrics_public, "false",
         "`GET /metrics` over loopback without the admin token."),
    TEXTS("hosts", hosts, host_count, 0, 256, check_host, "[]",
          "More names that clients may call the gateway by (`name`, or `name:port`)."),
    TEXTS("trusted_proxies", trusted_proxies, trusted_proxy_count, 0, 256, check_network, "[]",
          "Addresses and networks of reverse proxies: what they say of a client's address "
          "(`X-Forwarded-For`, else `X-Real-IP`) counts for the addresses of client keys, "
          "and where wrong passwords and tokens are counted."),
    TEXTS("cors_origins", cors_origins, cors_origin_count, 0, 256, check_web_origin, "[]",
          "Exact web origins whose pages may call the inference endpoints."),
    { .path = "client_keys",
      .kind = &kind_client_keys,
      .max = SETTINGS_CLIENT_KEYS_MAX,
      .standard = "[]",
      .meaning = "Keys that clients may show. While there is none, loopback takes any." },

    WORD("proxy.scheduling.mode", scheduling.mode, mode_words, "\"Balance\"",
         "`CacheFirst` waits for the account that holds a conversation's cache, `Balance` goes on "
         "to another, `PerformanceFirst` binds nothing and takes the account with the fewest "
         "requests in flight."),
    SECONDS("proxy.scheduling.max_wait_seconds", scheduling.max_wait_ms, 0, DAY_S, "60",
            "`CacheFirst`: the longest wait for the bound account, or for any; 0 never waits."),
    SECONDS("proxy.scheduling.queue_wait_seconds", scheduling.queue_wait_ms, 0, DAY_S, "5",
            "The other modes: the longest wait while no account is free; 0 never waits."),
    FLAG("proxy.scheduling.optimize_quota_sorting", scheduling.optimize_quota_sorting, "true",
         "Within a tier, accounts with more quota left come first."),
    { .path = "proxy.custom_mapping",
      .kind = &kind_mapping,
      .is_object = true,
      .max = SETTINGS_MAPPING_MAX,
      .standard = "{}",
      .meaning =
          "Model names to replace: `\"from\": \"to\"`, where `from` may hold `*`, and `to` may be "
          "`route:<flow>`. Exact names come first, then the longest literal part, then the order "
          "here. See [routing](routing.md)." },
    FLAG("proxy.chat_image_markdown", chat_image_markdown, "false",
         "Clients of OpenAI Chat get pictures that a model of another protocol made also as "
         "markdown in the text, for those that do not know `images`."),
    CEILING("proxy.quota_reserve_percent", scheduling.quota_reserve_percent, 0, 50, "0",
            "Accounts at or below this part of their quota are spared, unless nobody else offers "
            "the model; 0 switches it off."),
    SECONDS("proxy.request_deadline_seconds", request_deadline_ms, 1, DAY_S, "600",
            "How long one request may take until its answer begins, all attempts together."),
    SECONDS("proxy.stream_head_after_seconds", stream_head_after_ms, 1, DAY_S, "15",
            "A stream without content for this long gets its head and keep-alives."),
    CEILING("proxy.responses.kept", kept.count_max, 0, KEPT_COUNT_MAX, "10000",
            "How many answers of OpenAI Responses are kept, so that clients may go on from them "
            "with any account; 0 keeps none."),
    NUMBER("proxy.responses.kept_bytes", kept.bytes_max, 1, INT64_C(1) << 40, "67108864",
           "Bytes that they may take together."),
    SECONDS("proxy.responses.kept_seconds", kept.unused_ms, 1, 30 * DAY_S, "3600",
            "How long an answer is kept that nobody goes on from."),
    FLAG(
        "proxy.responses.websocket", websocket, "true",
        "OpenAI Responses may come over a WebSocket, too; without it such clients (Codex) hear 426 "
        "and send plain requests."),
    FLAG("proxy.strict", strict, "false",
         "Refuse a request when something of it cannot be said to the account, in place of naming "
         "it in `X-Penstock-Dropped`. A client asks for it with `X-Penstock-Strict: 1`."),
    { .path = "proxy.upstream_proxy",
      .kind = &kind_proxy,
      AT(provider.proxy.global),
      .standard = "null",
      .meaning =
          "The proxy to all upstreams: a http, https, socks5 or socks5h URL, or `direct` for "
          "none. null: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` decide." },

    /* before the accounts, each of which is tried with them */
    { .path = "providers",
      .kind = &kind_providers,
      .is_object = true,
      .standard = "{}",
      .meaning = "Settings for all accounts of a provider, by its name." },
    { .path = "accounts",
      .kind = &kind_accounts,
      .max = POOL_ACCOUNTS_MAX,
      .standard = "[]",
      .meaning = "Accounts that this file owns. Others are kept in the database." },
    { .path = "routing",
      .kind = &kind_routing,
      .is_object = true,
      .standard = "{}",
      .meaning = "`flows` and `accounts`: objects of named flows and of account routes by model; "
                 "`background`: the cheaper model for background tasks. See "
                 "[routing](routing.md)." },

    FLAG("quota_protection.enabled", protection_enabled, "false",
         "Spare accounts whose quota for a monitored model is low."),
    NUMBER("quota_protection.threshold_percentage", protection_percent, 0, 100, "10",
           "Below this part of the quota an account is spared."),
    TEXTS("quota_protection.monitored_models", protection_models, protection_model_count, 0, 1000,
          check_some, "[\"claude\",\"gemini-3-pro-high\",\"gemini-3-flash\"]",
          "The models it is about: each name stands for all upstream ids that hold it, and may be "
          "a pattern with `*`."),
    FLAG("circuit_breaker.enabled", breaker_enabled, "true",
         "Lock accounts out for longer each time when their quota is exhausted and the provider "
         "names no time; switched off, for 60 s each time."),
    { .path = "circuit_breaker.backoff_steps",
      .kind = &kind_seconds,
      AT(backoff_steps),
      .count_offset = offsetof(struct settings, backoff_step_count),
      .min = 1,
      .max = BACKOFF_STEPS_MAX,
      .standard = "[60,300,1800,7200]",
      .meaning = "These times, in seconds, each at most 6 hours; the last one repeats." },

    FLAG("dashboard.auto_open", auto_open, "true", "Open the dashboard at start."),
    FLAG("dashboard.preload_routing", preload_routing, "true",
         "Load the routing page's data ahead."),
    FLAG(
        "dashboard.privacy", privacy, "false",
        "Mask names of accounts and client keys, e-mail addresses and addresses of clients: in the "
        "dashboard and all of the admin API, and in answers to clients, too."),
    FLAG("dashboard.compact", compact, "false", "The narrow layout."),
    { .path = "dashboard.login_idle_minutes",
      .kind = &kind_integer,
      AT(login_idle_ms),
      .min = 1,
      .max = 30,
      .scale = 60000,
      .ceiling = true,
      .standard = "30",
      .meaning =
          "A browser that asks for nothing so long has to log in again; an open page asks." },
    { .path = "dashboard.login_hours",
      .kind = &kind_integer,
      AT(login_life_ms),
      .min = 1,
      .max = 12,
      .scale = 3600000,
      .ceiling = true,
      .standard = "12",
      .meaning = "… and after so long in any case." },
    FLAG("quota.auto_refresh", quota_auto_refresh, "true",
         "Ask providers for quotas and lists of models by itself, again and again."),
    NUMBER("quota.refresh_minutes", quota_refresh_minutes, 1, 24 * 60, "10", "How often."),
    FLAG("usage.track", usage_track, "true",
         "Keep what each request used (metadata only): for usage, costs, and budgets of client "
         "keys that outlive a restart."),
    NUMBER("usage.retention_days", usage_days, 1, 3650, "90",
           "How long requests are kept, and their sums by hour; sums by day are kept for three "
           "years."),
    NUMBER("usage.bytes_max", usage_bytes, MIB, 1024 * GIB, "536870912",
           "The most that usage.db may hold; beyond, the oldest requests go."),
    { .path = "usage.prices",
      .kind = &kind_prices,
      .is_object = true,
      .max = 4096,
      .standard = "{}",
      .meaning = "What tokens cost, in US dollars for a million, by upstream model (`*` allowed). "
                 "Exact names come first, then the longest literal part; then what is built in." },
    FLAG("logs.capture", logs_capture, "true",
         "Keep recent requests with their decisions (metadata only), for `penstock why` and the "
         "log page."),
    NUMBER("logs.capture_bytes", capture_bytes, 0, GIB, "4194304",
           "Memory for them, about a kilobyte each; the oldest go first. Read at start."),
    FLAG("logs.bodies", logs_bodies, "false",
         "Allow bodies to be captured (`penstock capture start`), for 15 minutes at a time. They "
         "hold "
         "what users wrote."),
    WORD("logs.format", logs_format, format_words, "\"text\"",
         "Log lines for people, or as JSON for programs."),
    WORD("logs.access", logs_access, access_words, "\"off\"",
         "A line of JSON for every finished request: in `access.log` in the data directory (10 MiB "
         "each, the last five are kept), or on standard output."),

    { .path = "traces.endpoint",
      .kind = &kind_text,
      AT(traces_endpoint),
      .check = check_collector,
      .standard = "null",
      .meaning = "Where OpenTelemetry spans go: the URL of a collector that takes OTLP over HTTP "
                 "(`http://127.0.0.1:4318`; `/v1/traces` is added when it has no path), over the "
                 "same proxy as upstreams. null: no traces." },
    { .path = "traces.headers",
      .kind = &kind_trace_headers,
      .is_object = true,
      .standard = "{}",
      .meaning = "Headers for the collector." },
    NUMBER("traces.sample_permille", traces_sample_permille, 0, 1000, "1000",
           "Of a thousand requests so many are traced, when their client does not decide it with "
           "`traceparent`."),
    { .path = "traces.service_name",
      .kind = &kind_text,
      AT(traces_service),
      .check = check_some,
      .standard = "\"penstock\"",
      .meaning = "`service.name` of the spans." },
    FLAG("traces.forward", traces_forward, "false",
         "Name the attempt's span to the upstream, in `traceparent`."),
    FLAG("tunnel.auto_start", tunnel_auto_start, "false", "Open the tunnel at start."),
    { .path = "tunnel.kind",
      .kind = &kind_text,
      AT(tunnel_kind),
      .check = check_tunnel,
      .standard = "null",
      .meaning = "Which one: `ngrok`, `cloudflared` or `localtunnel`." },
    { .path = "tls.ca_file",
      .kind = &kind_text,
      AT(tls.ca_file),
      .standard = "null",
      .meaning = "Trusted certificates (PEM) for upstreams; null: the system's. Read at start." },
    FLAG("tls.insecure", tls.insecure, "false",
         "For tests: upstreams' certificates are not verified. Logged at every start."),

    CEILING("limits.line_bytes", server.line_bytes, 64, 64 * KIB, NULL, "The request line."),
    CEILING("limits.head_bytes", server.head_bytes, 256, 64 * KIB, NULL,
            "A request's line and headers together."),
    CEILING("limits.field_count", server.field_count, 1, HTTP_FIELDS_MAX, NULL,
            "Headers of a request."),
    CEILING("limits.body_bytes", server.body_bytes, 1, 256 * MIB, NULL,
            "A request's body, also after it was inflated."),
    NUMBER("limits.pipelined", server.pipelined, 1, 10000, NULL,
           "Requests that may wait behind the one served on their connection."),
    NUMBER("limits.connections", server.connections, 1, 1000000, NULL,
           "Connections of clients in all; fewer where few descriptors may be open (`ulimit -n`)."),
    NUMBER("limits.connections_peer", server.connections_peer, 1, 1000000, NULL,
           "Connections from one address that is not loopback."),
    NUMBER("limits.inflate_ratio", server.inflate_ratio, 1, 100000, NULL,
           "How many bytes one byte of a compressed request may become."),
    CEILING("limits.write_high_bytes", server.write_high_bytes, 1024, MIB, NULL,
            "Bytes waiting for a slow client at which its upstream is no longer read."),
    CEILING("limits.write_low_bytes", server.write_low_bytes, 1, MIB, NULL,
            "Bytes still waiting at which it is read again."),
    NUMBER("limits.body_bytes_per_second", server.body_bytes_s, 1, GIB, NULL,
           "A body may take `timeouts.body_ms` and the time it needs at this rate."),
    NUMBER("limits.linger_bytes", server.linger_bytes, 0, 64 * MIB, NULL,
           "Input that is thrown away after a refusal, so that its answer can be read."),
    NUMBER("limits.memory_bytes", memory_bytes, MIB, 1024 * GIB, "268435456",
           "Bodies and buffers of all requests together; above 80 % large requests are refused, "
           "above 95 % all. Read at start."),
    NUMBER("limits.answer_bytes", answer_bytes, 1, 4 * GIB - 1, "67108864",
           "The body of an answer that is not streamed, and one event of a stream."),
    NUMBER("limits.answer_inflate_bytes", client.inflate_bytes, 1, 4 * GIB - 1, NULL,
           "The body of a compressed answer, inflated."),
    NUMBER("limits.answer_inflate_ratio", client.inflate_ratio, 1, 100000, NULL,
           "How many bytes one byte of a compressed answer may become."),
    NUMBER("limits.answer_status_line_bytes", client.status_line_bytes, 64, MIB, NULL,
           "The status line of an answer."),
    NUMBER("limits.answer_head_bytes", client.head_bytes, 256, MIB, NULL,
           "An answer's status line and headers together."),
    CEILING("limits.answer_field_count", client.field_count, 1, HTTP_FIELDS_MAX, NULL,
            "Headers of an answer."),
    NUMBER("limits.answer_interim_heads", client.interim_heads, 0, 1000, NULL,
           "Interim answers (1xx) before the final one."),
    NUMBER("limits.idle_per_origin", client.idle_per_origin, 0, 10000, NULL,
           "Idle connections kept for each upstream, in each worker."),

    TIME("timeouts.dns_ms", provider.timeouts.dns_ms, "Upstream: looking its name up."),
    TIME("timeouts.connect_ms", provider.timeouts.connect_ms, "Upstream: connecting."),
    TIME("timeouts.tls_ms", provider.timeouts.tls_ms, "Upstream: the TLS handshake."),
    TIME("timeouts.write_ms", provider.timeouts.write_ms,
         "Upstream: no progress while the request is sent."),
    TIME("timeouts.first_byte_ms", provider.timeouts.first_byte_ms,
         "Upstream: from the sent request to the first byte of the answer."),
    TIME("timeouts.idle_ms", provider.timeouts.idle_ms,
         "Upstream: silence in the middle of an answer."),
    TIME("timeouts.total_ms", provider.timeouts.total_ms, "Upstream: one call in all."),
    TIME("timeouts.pool_idle_ms", client.idle_ms,
         "How long an idle connection to an upstream is kept."),
    TIME("timeouts.stale_ms", client.stale_ms,
         "A kept connection that dies so soon after a request was sent on it was dead before: the "
         "request is repeated on a new one, a GET at any time. Later it is a fault of the "
         "upstream."),
    TIME("timeouts.client_first_byte_ms", server.first_byte_ms,
         "Client: from connecting to the first byte of a request."),
    TIME("timeouts.head_ms", server.head_ms,
         "Client: from the first byte of a request to the end of its headers."),
    TIME("timeouts.body_ms", server.body_ms,
         "Client: the body, beside what `limits.body_bytes_per_second` allows."),
    TIME("timeouts.keep_alive_ms", server.keep_alive_ms,
         "Client: silence on a connection between requests."),
    TIME("timeouts.write_stall_ms", server.write_stall_ms,
         "Client: no progress while an answer is sent."),
    NUMBER("timeouts.linger_ms", server.linger_ms, 0, DAY_MS, NULL,
           "Client: how long input is thrown away after a refusal."),
    NUMBER("timeouts.keep_alive_event_ms", keep_alive_event_ms, 1, DAY_MS, "15000",
           "Client: silence in a stream before a keep-alive."),
    CEILING("timeouts.drain_ms", drain_ms, 0, 600000, "30000",
            "How long running requests may go on when the gateway is stopped."),
};

const struct key_row *settings_row(size_t i)
{
    return i < COUNT(rows) ? &rows[i] : NULL;
}

const struct key_row *settings_row_find(struct str path)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (str_eq(str_c(rows[i].path), path))
            return &rows[i];
    return NULL;
}

bool settings_path_below(struct str path, struct str group, struct str *rest)
{
    if (group.len == 0) {
        *rest = path;
        return true;
    }
    if (path.len <= group.len || !str_starts(path, group) || path.at[group.len] != '.')
        return false;
    *rest = str_drop(path, group.len + 1);
    return true;
}

bool settings_path_is_known(struct str path)
{
    struct str rest;

    for (size_t i = 0; i < COUNT(rows); i++)
        if (str_eq(str_c(rows[i].path), path) ||
            settings_path_below(str_c(rows[i].path), path, &rest))
            return true;
    return false;
}
