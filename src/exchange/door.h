/* exchange/door.h - who may come in, and to what: endpoints, client keys, origins.
 *
 * Pure decisions on the head of a request; the exchange acts on them.
 * Threads: pure, rules are immutable. */
#ifndef PENSTOCK_EXCHANGE_DOOR_H
#define PENSTOCK_EXCHANGE_DOOR_H

#include "base/arena.h"
#include "http/server.h"
#include "io/crypto.h"
#include "wire/fault.h"

enum endpoint {
    ENDPOINT_NONE,       /* no such path */
    ENDPOINT_MODEL_CALL, /* a question for a model: `ask` */
    ENDPOINT_MODELS,     /* the list */
    ENDPOINT_MODEL,      /* one of it */
    ENDPOINT_HEALTH,
    ENDPOINT_HOME,   /* `/` */
    ENDPOINT_STORED, /* an answer of before: `model` holds its id and what is below it */
    ENDPOINT_SOCKET, /* Responses over a WebSocket */
    ENDPOINT_LATER,  /* known paths that no account can serve in this version: 501 */
};

/* What is wanted of a model. */
enum door_ask {
    ASK_GENERATE,
    ASK_COMPLETE,    /* openai-chat: the legacy /v1/completions */
    ASK_COUNT,       /* tokens are to be counted, nothing generated */
    ASK_COMPACT,     /* openai-responses: a conversation is to be made shorter */
    ASK_EMBED,       /* vectors for texts */
    ASK_EMBED_BATCH, /* gemini: … for several */
    ASK_IMAGE,       /* openai: a picture made, … */
    ASK_IMAGE_EDIT,  /* … or changed */
    ASK_TRANSCRIBE,  /* openai: a recording written down */
};

struct door_target {
    enum endpoint endpoint;
    enum wire protocol; /* also of unknown paths: whose error form is used */
    const char *allow;  /* methods for 405; NULL when the method fits */
    struct str model;   /* of the path (gemini, /models/{id}, /responses/{id}); decoded */
    bool stream;        /* gemini: streamGenerateContent */
    bool json_array;    /* … without alt=sse */
    enum door_ask ask;
};

/* `path` is decoded once. */
void door_find(const struct http_head *head, struct str path, struct str query,
               struct door_target *out);

/* Who a client key is, over rotation and restart: what is kept for it is marked with that. All
 * zero: nobody, requests that showed no key. */
#define KEY_ID_BYTES 16
struct key_id {
    uint8_t bytes[KEY_ID_BYTES];
};

/* 0, or none: not limited. */
struct key_limits {
    int64_t requests_minute, tokens_day, tokens_month;
    int64_t expires_unix_ms;
    const struct str *models; /* patterns */
    size_t model_count;
    const struct str *addresses; /* and networks */
    size_t address_count;
    bool disabled;
};

struct key_budget;

struct client_key {
    struct key_id id;
    struct str name;
    uint8_t digest[SHA256_BYTES];
    struct key_limits limits;
    struct key_budget *budget; /* exchange/key_budget.h */
};

/* Does the key tell its clients what is left? */
static inline bool client_key_is_limited(const struct client_key *k)
{
    return k->limits.requests_minute > 0 || k->limits.tokens_day > 0 || k->limits.tokens_month > 0;
}

/* May the key's clients ask for this model, as they call it? */
bool client_key_allows(const struct client_key *k, struct str model);

struct door_rules {
    const struct client_key *keys;
    size_t key_count;
    /* Where a key stands, by the first bytes of its digest: number + 1, 0 none; open addressing.
     * `slot_mask` is one less than their number, a power of two. */
    const uint32_t *slots;
    uint32_t slot_mask;
    bool require_keys, keys_expire; /* some key expires: the time matters */
    const struct str *cors_origins;
    size_t cors_origin_count;
};

/* The slots for the keys of these rules, in `a`. */
void door_index(struct door_rules *rules, struct arena *a);

/* True when the client may come in at `unix_ms`; `key` is the one it showed (NULL when none was
 * needed). Else `f` says why. */
bool door_admit(const struct door_rules *rules, const struct request *r,
                const struct door_target *t, int64_t unix_ms, const struct client_key **key,
                struct fault *f);

/* The configured origin that may read answers to this request, or the empty slice (then no CORS
 * field is sent). */
struct str door_cors_origin(const struct door_rules *rules, const struct http_head *head);

#endif
