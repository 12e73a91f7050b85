/* store/store.h - penstock.db: accounts added by command or dashboard, and overrides of the file's
 * accounts.
 *
 * SQLite in WAL mode with synchronous=FULL: what was acknowledged is on the disk. Secrets are
 * sealed (AES-256-GCM under `master.key`, bound to table, column and row). A damaged database is
 * never moved aside: opening it fails and says how to restore. Schema versions go forward only.
 * Threads: one thread at a time per handle (worker 0 or the store thread; commands open their own).
 */
#ifndef PENSTOCK_STORE_STORE_H
#define PENSTOCK_STORE_STORE_H

#include "base/error.h"
#include "io/crypto.h"
#include "pool/account.h"

struct store;

#define PASSPHRASE_BYTES_MIN 8

/* The key that seals secrets: PENSTOCK_MASTER_KEY (64 hex digits, or a passphrase stretched with
 * the salt in the database), else the file `master.key` (32 random bytes, 0600), made on first use.
 */
struct master_key {
    uint8_t bytes[SEAL_KEY_BYTES];
};
MUST_USE enum status master_key_load(const char *folder, struct str from_environment,
                                     struct master_key *key, struct error *e);

/* Looks whether a database (its path) is whole, and changes nothing. E_ABSENT: there is none. */
MUST_USE enum status database_check(const char *path, struct error *e);
/* A new random one in the place of the file `master.key`; what is sealed is sealed anew. Nobody
 * else may have the database open. */
MUST_USE enum status master_key_rotate(const char *folder, struct store *s, struct error *e);
/* Seals everything anew under another key, or nothing. */
MUST_USE enum status store_rotate(struct store *s, const struct master_key *next, struct error *e);

MUST_USE enum status store_open(const char *folder, const struct master_key *key,
                                struct store **out, struct error *e);
void store_close(struct store *s);

/* Calls `take` with each account (which becomes the callee's) in order of creation. One whose
 * secret cannot be opened comes disabled, with the reason. */
MUST_USE enum status store_accounts(struct store *s,
                                    void (*take)(void *peer, struct account_spec *spec), void *peer,
                                    struct error *e);
/* Fills spec->id and created. E_CONFLICT when the label is taken. */
MUST_USE enum status store_account_add(struct store *s, struct account_spec *spec, int64_t unix_ms,
                                       struct error *e);
MUST_USE enum status store_account_remove(struct store *s, int64_t id, struct error *e);
/* What is to be changed of an account. */
enum {
    ACCOUNT_DISABLED = 1, /* with its reason; a grant that was lost is tried once more */
    ACCOUNT_PROXY_DISABLED = 2,
    ACCOUNT_TIER = 4,
    ACCOUNT_CONCURRENCY = 8,
    ACCOUNT_LABEL = 16,
    ACCOUNT_MODELS = 32,
    ACCOUNT_PROXY = 64,
};
struct account_change {
    uint32_t members; /* of the above */
    bool disabled, proxy_disabled;
    struct str reason;
    enum tier tier;
    uint32_t concurrency_max;
    struct str label;
    const struct str *models;
    size_t model_count;
    struct str proxy; /* empty: the general rule */
};
/* All of it or nothing. Of a file account (negative id) it is kept as an override; its label,
 * models and proxy are the file's. E_ABSENT: no such account; E_CONFLICT: the label is taken. */
MUST_USE enum status store_account_change(struct store *s, int64_t id,
                                          const struct account_change *c, struct error *e);
struct grant_change {
    const struct account_grant *grant;
    bool fresh; /* a new sign-in: takes the place of the one before and enables the account. Else it
                   must be of the sign-in that is there */
    struct str lost; /* not empty: it cannot be renewed any more, and the account is disabled with
                        this reason */
};
/* On the disk when this is OK (synchronous=FULL): a token is never used before. Of a file account
 * it is kept as an override. E_ABSENT: no such account; E_CONFLICT: somebody has signed in again.
 */
MUST_USE enum status store_grant_put(struct store *s, int64_t id, const struct grant_change *c,
                                     struct error *e);

/* Somebody has signed in: the account of the same provider and person gets the new grant and is
 * enabled, else there is a new account. Its label is spec->label, else the e-mail address or the
 * provider's name, with a number behind it where that is taken; `taken` tells of labels that are
 * not in the database. Sets id and label. */
MUST_USE enum status store_sign_in(struct store *s, struct account_spec *spec, int64_t unix_ms,
                                   bool (*taken)(void *peer, struct str label), void *peer,
                                   struct error *e);

/* A grant as a JSON object with its secrets in clear, for what is sealed as a whole. Reading gives
 * false for what is none; what it gives lives in `a`, but for the secrets. */
struct json;
struct json_writer;
void grant_write(const struct account_grant *g, struct json_writer *w);
bool grant_read(const struct json *doc, uint32_t object, struct arena *a,
                struct account_grant *out);

/* What a provider told of an account; what nobody said is empty, or unknown. */
struct account_fact {
    struct str provider, project;
    enum tier tier;
};
MUST_USE enum status store_fact_put(struct store *s, int64_t id, const struct account_fact *fact,
                                    struct error *e);
/* There may be none. */
MUST_USE enum status store_fact_remove(struct store *s, int64_t id, struct error *e);
/* Calls `take` for each; what it gets dies with the call. */
MUST_USE enum status
store_facts(struct store *s, void (*take)(void *peer, int64_t id, const struct account_fact *fact),
            void *peer, struct error *e);

/* Lays the overrides kept for a file account over its spec. */
MUST_USE enum status store_account_override(struct store *s, struct account_spec *spec,
                                            struct error *e);

/* Counts up with every change that was committed by any process: to notice what commands did. */
MUST_USE enum status store_version(struct store *s, int64_t *version, struct error *e);

#endif
