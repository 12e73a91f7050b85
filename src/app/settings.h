/* app/settings.h - gui_config.json: the one table of keys, read strictly, written back with its
 * layout kept.
 *
 * One row of the key table gives a key's path, type, default, bounds and meaning; from it come
 * reading, validation (`proxy.scheduling.mode: "Fast" is none of Balance, CacheFirst,
 * PerformanceFirst`), the admin API, and docs/settings.md (generated, checked). Unknown keys are
 * kept and reported once, never refused. `struct settings` is an immutable snapshot: counted,
 * swapped whole on reload. Threads: snapshots any; the file: worker 0. */
#ifndef PENSTOCK_APP_SETTINGS_H
#define PENSTOCK_APP_SETTINGS_H

#include "base/error.h"
#include "exchange/kept.h"
#include "http/limits.h"
#include "pool/pool.h"
#include "provider/price.h"
#include "provider/provider.h"
#include "store/client_keys.h"
#include "route/table.h"

#define SETTINGS_BYTES_MAX ((size_t)16 << 20)

struct settings {
    _Atomic uint32_t refs;
    struct arena arena; /* all slices below */

    struct str *listen;
    size_t listen_count;
    struct str *admin_listen; /* for the dashboard and its API alone */
    size_t admin_listen_count;
    uint32_t workers; /* 0: as many as cores */
    bool require_keys, metrics_public;
    struct str *hosts;
    size_t host_count;
    struct str *trusted_proxies;
    size_t trusted_proxy_count;
    struct str *cors_origins; /* exact origins that may call inference routes; none by default */
    size_t cors_origin_count;

    struct pool_options scheduling; /* settings_pool_options() has all of it */
    struct routing_spec routing;    /* with proxy.custom_mapping */
    const struct route_table *routes;
    struct str routing_raw; /* `routing` as it stands in the file */
    int64_t request_deadline_ms, stream_head_after_ms;

    struct kept_limits kept; /* proxy.responses.* */

    struct server_limits server;
    struct client_limits client;
    uint64_t memory_bytes;  /* limits.memory_bytes, 256 MiB */
    uint64_t capture_bytes; /* logs.capture_bytes, 4 MiB: of the requests that are kept */
    uint64_t answer_bytes; /* limits.answer_bytes, 64 MiB: body of an answer that is not streamed */
    int64_t keep_alive_event_ms; /* timeouts.keep_alive_event_ms, 15 s: silence in a stream before a
                                    keep-alive */
    int64_t drain_ms;            /* timeouts.drain_ms, 30 s */
    struct tls_options tls;
    struct provider_options provider; /* proxy.upstream_proxy, providers.*, timeouts.* */

    /* switches together, so that they cost no padding */
    bool strict, websocket, chat_image_markdown, quota_auto_refresh, protection_enabled,
        breaker_enabled, tunnel_auto_start;
    bool auto_open, preload_routing, privacy, compact;
    bool usage_track, logs_capture, logs_bodies;
    enum log_format_setting { LOGS_TEXT, LOGS_JSON } logs_format;
    enum logs_access_setting { ACCESS_OFF, ACCESS_FILE, ACCESS_STDOUT } logs_access;
    struct str traces_endpoint; /* empty: no traces */
    struct str traces_service;
    struct header_pair *traces_headers;
    size_t traces_header_count;
    uint32_t traces_sample_permille;
    bool traces_forward;
    int64_t login_idle_ms, login_life_ms;
    int64_t quota_refresh_minutes;
    int64_t protection_percent;
    int64_t usage_days, usage_bytes; /* how long rows of requests are kept, and how many */
    struct price *prices;            /* of the user */
    size_t price_count;
    struct str *protection_models;
    size_t protection_model_count;
    int64_t *backoff_steps; /* seconds */
    size_t backoff_step_count;
    struct str tunnel_kind;

    struct client_key_spec *client_keys;
    size_t client_key_count;
    struct account_spec *
        *accounts; /* of the file, in its order; from_file set; created_unix_ms = position */
    size_t account_count;
};

/* What is wrong and where. `path` is the key's path with indexes: `accounts[2].base_url`. */
struct settings_fault {
    char path[160];
    char text[240];
    uint32_t line, col; /* 0 when not about a place in the text */
};

/* What there is of an account that a route names. */
enum named_account {
    NAMED_NOBODY,
    NAMED_ELSEWHERE, /* it is another provider's than the entry says */
    NAMED_GOOD,
};

/* Where values come from besides the text; replaced in tests. */
struct settings_sources {
    struct str (*environment)(const char *name);
    /* An account of this label (and provider, unless that is empty) besides those of the text.
     * NULL: routes may name any. */
    enum named_account (*named_account)(void *peer, struct str label, struct str provider);
    void *peer;
};

/* The defaults alone are settings_read(STR("{}"), …). On failure nothing is made. */
bool settings_read(struct str text, const struct settings_sources *sources, struct settings **out,
                   struct settings_fault *fault);
/* What they say to the pool. Borrows from the snapshot. */
struct pool_options settings_pool_options(const struct settings *s);
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);

/* A copy of `text` in which the key at `path` (`proxy.scheduling.mode`) has the JSON value `raw`:
 * only those bytes change; missing objects on the way are added in the file's own indentation.
 * Order, unknown keys, number spelling and layout stay. The result is validated before it is given.
 */
MUST_USE enum status settings_edit(struct str text, struct str path, struct str raw,
                                   struct buf *out, struct settings_fault *fault);

/* The same with any file that holds a JSON object, and without looking at what it means. */
MUST_USE enum status json_text_edit(struct str text, struct str path, struct str raw,
                                    struct buf *out, struct error *why);

/* What is odd about a text without being a fault. */
enum settings_oddity {
    SETTINGS_UNKNOWN,         /* a key that is not in the table: kept, not used */
    SETTINGS_SECRET_IN_CLEAR, /* a key written into the file itself */
};
/* Calls `fn` for each, with its path. `text` has been read without a fault. */
void settings_survey(struct str text,
                     void (*fn)(void *peer, enum settings_oddity kind, struct str path),
                     void *peer);

/* `routing` with this account under its new label, as JSON; all else byte for byte. False: no route
 * names it. */
bool settings_rename_account(const struct settings *s, struct str from, struct str to,
                             struct buf *out);

/* What is wrong with an address to listen at, or NULL: then `text` is one with a numeric host. */
const char *check_listen(struct arena *a, struct str *text);

/* What is wrong with a proxy of the user's, or NULL; none, and `direct`, are good. */
const char *settings_wrong_proxy(struct str text);

/* One key's value in a snapshot, as JSON: for the admin API. False: no such key in the table. */
bool settings_get(const struct settings *s, struct str path, struct buf *out);

/* The reference page, from the table (Markdown). */
void settings_reference(struct buf *out);

#endif
