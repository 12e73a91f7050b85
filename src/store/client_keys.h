/* store/client_keys.h - the client keys of penstock.db: who may call, and how much.
 *
 * A key is 256 random bits, shown once and kept as its SHA-256. Its id outlives its rotation: usage
 * and stored objects belong to that.
 * Threads: as store/store.h; a list is immutable and counted.   Memory: client_keys_unref(). */
#ifndef PENSTOCK_STORE_CLIENT_KEYS_H
#define PENSTOCK_STORE_CLIENT_KEYS_H

#include "base/arena.h"
#include "io/crypto.h"
#include "store/store.h"

#define CLIENT_KEYS_MAX 10000
#define CLIENT_KEY_NAME_MAX 128
#define CLIENT_KEY_LIST_MAX 1000 /* patterns of models, or addresses */

struct client_key_spec {
    uint8_t id[16];
    struct str name;
    uint8_t digest[SHA256_BYTES];
    char hint[SECRET_HINT_MAX];
    bool declared; /* in the settings file */
    bool disabled;
    int64_t created_unix_ms, rotated_unix_ms; /* 0: unknown, never */
    int64_t expires_unix_ms;                  /* 0: never */
    struct str *models;                       /* patterns; none: all */
    size_t model_count;
    struct str *addresses; /* addresses and networks; none: from anywhere */
    size_t address_count;
    int64_t requests_minute, tokens_day, tokens_month; /* 0: no limit */
};

struct client_keys {
    _Atomic uint32_t refs;
    struct arena arena;
    struct client_key_spec *at; /* in the order of their making */
    size_t count;
};

MUST_USE enum status client_keys_load(struct store *s, struct client_keys **out, struct error *e);
struct client_keys *client_keys_ref(struct client_keys *k);
void client_keys_unref(struct client_keys *k); /* NULL is fine */
/* NULL: none is called so. */
const struct client_key_spec *client_keys_find(const struct client_keys *k, struct str name);

/* E_CONFLICT when the name is taken, E_LIMIT when there are too many. */
MUST_USE enum status client_key_add(struct store *s, const struct client_key_spec *spec,
                                    struct error *e);
/* Everything but id and name, of the key with this id. E_ABSENT: there is none. */
MUST_USE enum status client_key_change(struct store *s, const struct client_key_spec *spec,
                                       struct error *e);
MUST_USE enum status client_key_remove(struct store *s, struct str name, struct error *e);

/* A new key for this spec: its digest and hint, and the key itself, `sk-ps-` and 43 letters of
 * base64url. */
#define CLIENT_KEY_TEXT 64
void client_key_make(struct client_key_spec *spec, struct secret *key);

#endif
