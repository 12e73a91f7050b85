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

/* What a sign-in gave: a credential that is renewed. Times are of the day. Slices live in the arena
 * of the spec. */
struct account_grant {
    struct secret access;  /* what requests carry; empty until it is renewed for the first time */
    struct secret refresh; /* what renews it: a refresh token, at copilot GitHub's own token; empty:
                              nothing does */
    int64_t expires_unix_ms; /* of `access`; 0: nobody said */
    int64_t series; /* the sign-in that it comes from, however often it was renewed since; 0: there
                       is no grant */
    bool lost;      /* its provider renews it no more: somebody must sign in again */
    struct str email, scopes; /* may be empty, like all that follows */
    struct str account;       /* codex: the ChatGPT account that requests name */
    struct str plan;          /* as the provider names it */
    struct str api_url;       /* copilot: where its token exchange says the API is */
    struct str source;        /* another program's file, read again when it changes */
};

/* Copies into `a`; the secrets are the copy's own. */
struct account_grant grant_copy(const struct account_grant *g, struct arena *a);
void grant_clear(struct account_grant *g);

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
    struct secret api_key; /* may be empty for compatible, and where there is a grant */
    struct account_grant grant;
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

static inline bool account_has_grant(const struct account_spec *s)
{
    return s->grant.series != 0;
}
/* What its requests carry: the key, or the grant's access token. May be empty. */
const struct secret *account_credential(const struct account_spec *s);
/* Is it the same account at the same place, as far as what was learned of it goes? A grant that was
 * renewed is the same one, a new sign-in is not. */
bool account_same_credential(const struct account_spec *a, const struct account_spec *b);
/* Does its provider's list say something that the settings leave open: all of it, or which names
 * their patterns stand for? */
bool account_wants_list(const struct account_spec *s);

struct account_spec *account_spec_new(void);
void account_spec_free(struct account_spec *s); /* NULL is fine; wipes key and grant */
/* A deep copy with an arena of its own. */
struct account_spec *account_spec_copy(const struct account_spec *s);

#endif
