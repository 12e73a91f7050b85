#include "exchange/door.h"

#include "base/secret.h"
#include "base/url.h"
#include "http/host.h"

/* --- endpoints
 * ------------------------------------------------------------------------------------- */

static const struct {
    struct str path;
    enum endpoint endpoint;
    enum wire protocol;
    enum http_method method;
    enum door_ask ask;
} fixed_paths[] = {
    { STR("/v1/chat/completions"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_CHAT, HTTP_POST },
    { STR("/chat/completions"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_CHAT, HTTP_POST },
    { STR("/v1/responses"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_RESPONSES, HTTP_POST },
    { STR("/responses"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_RESPONSES, HTTP_POST },
    { STR("/v1/messages"), ENDPOINT_MODEL_CALL, WIRE_ANTHROPIC, HTTP_POST },
    { STR("/messages"), ENDPOINT_MODEL_CALL, WIRE_ANTHROPIC, HTTP_POST },
    { STR("/v1/models"), ENDPOINT_MODELS, WIRE_OPENAI_CHAT, HTTP_GET },
    { STR("/models"), ENDPOINT_MODELS, WIRE_OPENAI_CHAT, HTTP_GET },
    { STR("/v1beta/models"), ENDPOINT_MODELS, WIRE_GEMINI, HTTP_GET },
    { STR("/health"), ENDPOINT_HEALTH, WIRE_OPENAI_CHAT, HTTP_GET },
    { STR("/healthz"), ENDPOINT_HEALTH, WIRE_OPENAI_CHAT, HTTP_GET },
    { STR("/"), ENDPOINT_HOME, WIRE_OPENAI_CHAT, HTTP_GET },
    { STR("/v1/messages/count_tokens"), ENDPOINT_MODEL_CALL, WIRE_ANTHROPIC, HTTP_POST, ASK_COUNT },
    { STR("/messages/count_tokens"), ENDPOINT_MODEL_CALL, WIRE_ANTHROPIC, HTTP_POST, ASK_COUNT },
    { STR("/v1/responses/input_tokens"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_RESPONSES, HTTP_POST,
      ASK_COUNT },
    { STR("/responses/input_tokens"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_RESPONSES, HTTP_POST,
      ASK_COUNT },
    { STR("/v1/completions"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_CHAT, HTTP_POST, ASK_COMPLETE },
    { STR("/completions"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_CHAT, HTTP_POST, ASK_COMPLETE },
    { STR("/v1/embeddings"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_CHAT, HTTP_POST, ASK_EMBED },
    { STR("/embeddings"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_CHAT, HTTP_POST, ASK_EMBED },
    { STR("/v1/images/generations"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_CHAT, HTTP_POST, ASK_IMAGE },
    { STR("/v1/images/edits"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_CHAT, HTTP_POST, ASK_IMAGE_EDIT },
    { STR("/v1/audio/transcriptions"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_CHAT, HTTP_POST,
      ASK_TRANSCRIBE },
    { STR("/v1/responses/compact"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_RESPONSES, HTTP_POST,
      ASK_COMPACT },
    { STR("/responses/compact"), ENDPOINT_MODEL_CALL, WIRE_OPENAI_RESPONSES, HTTP_POST,
      ASK_COMPACT },
};

static bool has_field(const struct http_head *head, struct str name)
{
    return http_field_find(head, name) != NULL;
}

/* GET /v1/models is asked by clients of three protocols: what they send beside it tells them apart.
 */
static enum wire models_protocol(const struct http_head *head, enum wire of_path)
{
    if (of_path == WIRE_GEMINI || has_field(head, STR("x-goog-api-key")) ||
        has_field(head, STR("x-goog-api-client")))
        return WIRE_GEMINI;
    if (has_field(head, STR("anthropic-version")) ||
        (has_field(head, STR("x-api-key")) && !has_field(head, STR("authorization"))))
        return WIRE_ANTHROPIC;
    return WIRE_OPENAI_CHAT;
}

static void need_method(const struct http_head *head, enum http_method method,
                        struct door_target *t)
{
    bool get = method == HTTP_GET;

    if (head->method != method && !(get && head->method == HTTP_HEAD))
        t->allow = get ? "GET, HEAD" : "POST";
}

/* `/v1beta/models/{model}:method` and `/v1/models/{model}:method`; the model may hold slashes. */
static bool find_gemini(const struct http_head *head, struct str rest, struct str query,
                        struct door_target *t)
{
    struct str model, method;
    char alt[16];
    size_t alt_len = 0;

    if (!str_cut_last(rest, ':', &model, &method) || model.len == 0)
        return false;
    t->protocol = WIRE_GEMINI;
    t->model = model;
    if (str_eq(method, STR("generateContent"))) {
        t->endpoint = ENDPOINT_MODEL_CALL;
    } else if (str_eq(method, STR("streamGenerateContent"))) {
        t->endpoint = ENDPOINT_MODEL_CALL;
        t->stream = true;
        t->json_array = !(http_query_get(query, STR("alt"), alt, sizeof(alt), &alt_len) &&
                          str_eq((struct str){ alt, alt_len }, STR("sse")));
    } else if (str_eq(method, STR("countTokens"))) {
        t->endpoint = ENDPOINT_MODEL_CALL;
        t->ask = ASK_COUNT;
    } else if (str_eq(method, STR("embedContent"))) {
        t->endpoint = ENDPOINT_MODEL_CALL;
        t->ask = ASK_EMBED;
    } else if (str_eq(method, STR("batchEmbedContents"))) {
        t->endpoint = ENDPOINT_MODEL_CALL;
        t->ask = ASK_EMBED_BATCH;
    } else {
        return false;
    }
    need_method(head, HTTP_POST, t);
    return true;
}

static bool find_under_models(const struct http_head *head, struct str path, struct str query,
                              struct door_target *t)
{
    static const struct {
        struct str prefix;
        enum wire protocol;
    } prefixes[] = {
        { { "/v1beta/models/", 15 }, WIRE_GEMINI },
        { { "/v1/models/", 11 }, WIRE_OPENAI_CHAT },
        { { "/models/", 8 }, WIRE_OPENAI_CHAT },
    };

    for (size_t i = 0; i < COUNT(prefixes); i++) {
        if (!str_starts(path, prefixes[i].prefix))
            continue;

        struct str rest = str_drop(path, prefixes[i].prefix.len);
        if (rest.len == 0)
            return false;
        if (find_gemini(head, rest, query, t))
            return true;
        if (head->method == HTTP_POST && str_find(rest, STR(":")) != SIZE_MAX)
            return false; /* `:predict` and the like */
        t->endpoint = ENDPOINT_MODEL;
        t->protocol = models_protocol(head, prefixes[i].protocol);
        t->model = rest;
        need_method(head, HTTP_GET, t);
        return true;
    }
    return false;
}

/* `/v1/responses/{id}`, `…/input_items`, `…/cancel`. */
static void find_stored(const struct http_head *head, struct str path, struct door_target *t)
{
    static const struct str prefixes[] = { STR("/v1/responses/"), STR("/responses/") };

    for (size_t i = 0; i < COUNT(prefixes); i++) {
        if (!str_starts(path, prefixes[i]) || path.len == prefixes[i].len)
            continue;
        bool cancels = str_ends(path, STR("/cancel"));
        bool lists = str_ends(path, STR("/input_items"));

        t->endpoint = ENDPOINT_STORED;
        t->model = str_drop(path, prefixes[i].len);
        if (!(!cancels && !lists && head->method == HTTP_DELETE))
            need_method(head, cancels ? HTTP_POST : HTTP_GET, t);
        if (t->allow != NULL && !cancels && !lists)
            t->allow = "GET, HEAD, DELETE";
    }
}

/* Whose error form an unknown path gets: by its beginning. */
static enum wire protocol_of_path(const struct http_head *head, struct str path)
{
    if (str_starts(path, STR("/v1beta/")))
        return WIRE_GEMINI;
    if (str_starts(path, STR("/v1/messages")) || str_starts(path, STR("/messages")))
        return WIRE_ANTHROPIC;
    if (str_starts(path, STR("/v1/responses")) || str_starts(path, STR("/responses")))
        return WIRE_OPENAI_RESPONSES;
    return head == NULL ? WIRE_OPENAI_CHAT : models_protocol(head, WIRE_OPENAI_CHAT);
}

void door_find(const struct http_head *head, struct str path, struct str query,
               struct door_target *out)
{
    *out = (struct door_target){ .endpoint = ENDPOINT_NONE };
    for (size_t i = 0; i < COUNT(fixed_paths); i++) {
        if (!str_eq(path, fixed_paths[i].path))
            continue;
        out->endpoint = fixed_paths[i].endpoint;
        out->protocol = fixed_paths[i].protocol;
        out->ask = fixed_paths[i].ask;
        if (out->endpoint == ENDPOINT_MODELS)
            out->protocol = models_protocol(head, out->protocol);
        if (head->upgrade && head->method == HTTP_GET && out->ask == ASK_GENERATE &&
            out->protocol == WIRE_OPENAI_RESPONSES && out->endpoint == ENDPOINT_MODEL_CALL) {
            out->endpoint = ENDPOINT_SOCKET;
            return;
        }
        need_method(head, fixed_paths[i].method, out);
        return;
    }
    if (find_under_models(head, path, query, out))
        return;
    find_stored(head, path, out);
    out->protocol = protocol_of_path(head, path);
}

/* --- keys and origins
 * ------------------------------------------------------------------------------ */

static struct str bearer(const struct http_head *head)
{
    struct str value = http_field_value(head, STR("authorization"));

    return str_istarts(value, STR("bearer ")) ? str_trim(str_drop(value, 7)) : STR("");
}

/* The first credential that is there; the query only on Gemini paths. */
static struct str shown_key(const struct request *r, const struct door_target *t, char *query_key,
                            size_t cap)
{
    static const struct str names[] = { { "x-api-key", 9 }, { "x-goog-api-key", 14 } };
    struct str key = bearer(r->head);
    size_t len;

    for (size_t i = 0; i < COUNT(names) && key.len == 0; i++)
        key = http_field_value(r->head, names[i]);
    if (key.len == 0 && t->protocol == WIRE_GEMINI &&
        http_query_get(r->query, STR("key"), query_key, cap, &len))
        key = (struct str){ query_key, len };
    return key;
}

static uint32_t slot_of(const uint8_t digest[SHA256_BYTES])
{
    uint32_t slot;

    memcpy(&slot, digest, sizeof(slot));
    return slot;
}

void door_index(struct door_rules *rules, struct arena *a)
{
    uint32_t size = 16, *slots;

    while (size < rules->key_count * 2)
        size *= 2;
    slots = arena_array(a, uint32_t, size);
    rules->slot_mask = size - 1;
    rules->slots = slots;
    for (size_t i = 0; i < rules->key_count; i++) {
        uint32_t slot = slot_of(rules->keys[i].digest) & rules->slot_mask;

        while (slots[slot] != 0)
            slot = (slot + 1) & rules->slot_mask;
        slots[slot] = (uint32_t)i + 1;
    }
}

/* Found by its digest, of which nobody can choose the bytes: what the time tells of it leads to no
 * key. */
static const struct client_key *key_known(const struct door_rules *rules, struct str shown)
{
    uint8_t digest[SHA256_BYTES];

    if (shown.len == 0 || rules->key_count == 0)
        return NULL;
    sha256(shown, digest);
    for (uint32_t slot = slot_of(digest) & rules->slot_mask; rules->slots[slot] != 0;
         slot = (slot + 1) & rules->slot_mask) {
        const struct client_key *key = &rules->keys[rules->slots[slot] - 1];

        if (equal_in_constant_time((struct str){ (const char *)digest, sizeof(digest) },
                                   (struct str){ (const char *)key->digest, SHA256_BYTES }))
            return key;
    }
    return NULL;
}

/* A key that is switched off or over is like one that nobody knows. */
static bool key_holds(const struct client_key *key, int64_t unix_ms)
{
    return !key->limits.disabled &&
           (key->limits.expires_unix_ms == 0 || unix_ms < key->limits.expires_unix_ms);
}

static bool key_fits_address(const struct client_key *key, const struct address *peer)
{
    for (size_t i = 0; i < key->limits.address_count; i++)
        if (ip_in_cidr(peer->ip, key->limits.addresses[i]))
            return true;
    return key->limits.address_count == 0;
}

struct str door_cors_origin(const struct door_rules *rules, const struct http_head *head)
{
    if (rules->cors_origin_count == 0)
        return STR("");
    struct str origin = http_field_value(head, STR("origin"));

    for (size_t i = 0; i < rules->cors_origin_count; i++)
        if (origin.len > 0 && str_eq(origin, rules->cors_origins[i]))
            return rules->cors_origins[i];
    return STR("");
}

/* Files come in forms. A page could send one, too; but then with its origin, which was looked at.
 */
static bool is_form_call(const struct request *r, const struct door_target *t)
{
    return (t->ask == ASK_IMAGE_EDIT || t->ask == ASK_TRANSCRIBE) &&
           http_type_is(r->head->content_type, STR("multipart/form-data"));
}

/* Without keys, a page of another site in the user's browser could spend the user's quota: what
 * only a browser sends for one is refused. */
static bool looks_like_foreign_page(const struct door_rules *rules, const struct request *r,
                                    const struct door_target *t, const char **why)
{
    const struct http_field *origin = http_field_find(r->head, STR("origin"));
    const struct http_field *site = http_field_find(r->head, STR("sec-fetch-site"));

    if (door_cors_origin(rules, r->head).len > 0)
        return false;
    if (origin != NULL && !origin_is_own(origin->value, r->head->host)) {
        *why = "requests of other origins need a client key; see `require_keys` and `cors_origins`";
        return true;
    }
    if (site != NULL && !str_eq(site->value, STR("same-origin")) &&
        !str_eq(site->value, STR("none"))) {
        *why = "cross-site requests of a browser need a client key";
        return true;
    }
    if (t->endpoint == ENDPOINT_MODEL_CALL &&
        !http_type_is(r->head->content_type, STR("application/json")) && !is_form_call(r, t)) {
        *why = "Content-Type must be application/json";
        return true;
    }
    return false;
}

bool door_admit(const struct door_rules *rules, const struct request *r,
                const struct door_target *t, int64_t unix_ms, const struct client_key **key,
                struct fault *f)
{
    bool needed = rules->require_keys || rules->key_count > 0 || !address_is_loopback(&r->local);
    char query_key[512];
    const char *why = NULL;

    *key = NULL;
    if (t->endpoint == ENDPOINT_HEALTH || t->endpoint == ENDPOINT_HOME)
        return true;
    if (needed) {
        *key = key_known(rules, shown_key(r, t, query_key, sizeof(query_key)));
        wipe(query_key, sizeof(query_key));
        if (*key != NULL && !key_holds(*key, unix_ms))
            *key = NULL;
        if (*key == NULL) {
            *f = (struct fault){
                .class = FAULT_CLIENT_KEY,
                .message = STR(
                    "this gateway needs a client key, and the one shown is missing or not valid"),
            };
            return false;
        }
        if (!key_fits_address(*key, &r->peer)) {
            *f = (struct fault){
                .class = FAULT_FORBIDDEN,
                .message = STR("this client key may not be used from this address"),
            };
            return false;
        }
        return true;
    }
    if (looks_like_foreign_page(rules, r, t, &why)) {
        *f = (struct fault){
            .class = http_type_is(r->head->content_type, STR("application/json")) ||
                             t->endpoint != ENDPOINT_MODEL_CALL ||
                             http_field_find(r->head, STR("origin")) != NULL
                         ? FAULT_FORBIDDEN
                         : FAULT_MEDIA_TYPE,
            .message = str_c(why),
        };
        return false;
    }
    return true;
}
