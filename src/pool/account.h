/* pool/account.h - an account as it is configured, and as the pool knows it.
 *
 * `struct account_spec` is what settings file, database and command line say; plain data. A
 * provider makes a `struct upstream` of it, which the pool carries without looking inside. The
 * configuration of an account is immutable: a change replaces it, attempts in flight keep the one
 * they began with. Threads: specs and configs are values, immutable once shared. */
#ifndef PENSTOCK_POOL_ACCOUNT_H
#define PENSTOCK_POOL_ACCOUNT_H

#include "base/arena.h"
#include "base/secret.h"

enum tier { TIER_UNKNOWN, TIER_FREE, TIER_PRO, TIER_ULTRA };
const char *tier_word(enum tier t); /* "ULTRA", "PRO", "FREE", "" */
bool tier_from_word(struct str word, enum tier *t);

struct header_pair {
    struct str name, value;
};

/* All slices live in `arena`, which the spec owns. */
struct account_spec {
    struct arena arena;
    int64_t id; /* row in the database; file accounts: negative, from the label's hash, so that it
                   is stable */
    struct str label;      /* unique, 1-128 bytes */
    struct str provider;   /* `openai`, `anthropic`, `gemini`, `compatible`, … */
    struct str wire;       /* compatible only: the wire it speaks; else empty */
    struct str base_url;   /* empty: the provider's own */
    struct str project;    /* cloudcode: the project that is billed; else empty */
    struct secret api_key; /* may be empty for compatible */
    enum tier tier;
    struct str *models; /* patterns; none: whatever the provider's list says, or anything */
    size_t model_count;
    uint32_t concurrency_max; /* 0: no limit */
    struct header_pair *headers;
    size_t header_count;
    struct str proxy;        /* empty: the general rule; `direct`: none */
    struct str capabilities; /* raw JSON object, or empty */
    bool disabled;           /* not used, not refreshed */
    bool proxy_disabled;     /* kept fresh, not used */
    struct str disabled_reason;
    int64_t created_unix_ms;
    bool from_file; /* declared in the settings file, which owns it */
};

struct account_spec *account_spec_new(void);
void account_spec_free(struct account_spec *s); /* NULL is fine; wipes the key */
/* A deep copy with an arena of its own. */
struct account_spec *account_spec_copy(const struct account_spec *s);

#endif
