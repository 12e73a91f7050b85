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

struct client_key {
    struct key_id id;
    struct str name;
    uint8_t digest[SHA256_BYTES];
};

struct door_rules {
    const struct client_key *keys;
    size_t key_count;
    bool require_keys;
    const struct str *cors_origins;
    size_t cors_origin_count;
};

/* True when the client may come in; `key` is the one it showed (NULL when none was needed). Else
 * `f` says why. */
bool door_admit(const struct door_rules *rules, const struct request *r,
                const struct door_target *t, const struct client_key **key, struct fault *f);

/* The configured origin that may read answers to this request, or the empty slice (then no CORS
 * field is sent). */
struct str door_cors_origin(const struct door_rules *rules, const struct http_head *head);

#endif
