/* provider/signin.h - how the accounts of a provider are signed in to: addresses, the shape of the
 * flow, and what its answers say.
 *
 * It is the user who brings the OAuth client: none is built in. Every address can be set, so that a
 * simulator can stand in. Sources: docs/providers/<name>.md.
 * Threads: pure.   Memory: families are static; what is read lives in the arena it is given. */
#ifndef PENSTOCK_PROVIDER_SIGNIN_H
#define PENSTOCK_PROVIDER_SIGNIN_H

#include "base/arena.h"
#include "base/secret.h"
#include "pool/account.h"

enum signin_kind {
    SIGNIN_CODE,   /* authorization code with PKCE, and a callback on this machine (RFC 8252) */
    SIGNIN_DEVICE, /* a code that the user types in at the provider (RFC 8628) */
};

/* The addresses of a flow; in settings an empty one stands for the family's own. */
struct signin_urls {
    struct str authorize, token, device;
    struct str user;     /* who signed in */
    struct str exchange; /* copilot: GitHub's token for one of the API */
};

struct signin_family {
    struct str provider;
    enum signin_kind kind;
    struct signin_urls urls;
    struct str scopes;
    uint16_t port;                        /* of the callback */
    struct str path;                      /* likewise */
    const struct header_pair *parameters; /* of the authorize address, beside those of the RFC */
    size_t parameter_count;
    bool exchanges;   /* what is signed in for renews; requests carry what it is exchanged for */
    struct str where; /* where a client is had from, for who has none */
};

/* NULL: its accounts do not sign in. */
const struct signin_family *signin_family(struct str provider);

#define SIGNIN_LISTEN_MAX 4

/* `providers.<name>.oauth`, the environment laid over it. */
struct signin_settings {
    struct str client_id;
    struct secret client_secret; /* may be empty */
    struct str scopes;           /* empty: the family's */
    struct signin_urls urls;
    struct str listen[SIGNIN_LISTEN_MAX]; /* `127.0.0.1`, `[::1]:51121`; none: both loopbacks */
    size_t listen_count;
};

/* What is in force: the family's where the settings say nothing. */
struct signin_urls signin_urls(const struct signin_family *f, const struct signin_settings *s);
struct str signin_scopes(const struct signin_family *f, const struct signin_settings *s);

/* What to enter and where it is had from, for a client that is missing. */
struct str signin_explain(const struct signin_family *f, struct arena *a);

/* --- what the answers say -------------------------------------------------------------------- */

/* Of the token address: an access token, or an error. Secrets are the caller's to clear. */
struct token_answer {
    struct secret access, refresh;   /* `refresh` may be empty */
    int64_t lifetime_ms;             /* of `access`, from now on; 0: nobody said */
    struct str scopes, error;        /* `error` is the provider's own word; empty: none */
    struct str api_url;              /* of an exchange */
    struct str email, account, plan; /* of an id_token */
    int64_t interval_ms;             /* slow_down: the new interval; 0: nobody said */
};
/* False: it is no JSON object that says either. */
bool token_answer_read(struct str body, struct arena *a, struct token_answer *out);
void token_answer_clear(struct token_answer *t);
/* The answer of a token exchange. */
bool exchange_answer_read(struct str body, int64_t unix_ms, struct arena *a,
                          struct token_answer *out);

struct device_answer {
    struct secret device_code;
    struct str user_code, verification_url;
    int64_t interval_ms, lifetime_ms;
};
bool device_answer_read(struct str body, struct arena *a, struct device_answer *out);

/* Who signed in: an e-mail address, else a name. Empty: it does not say. */
struct str user_answer_read(struct str body, struct arena *a);

/* The claims that matter of a JSON Web Token, which came from the token address itself. False: it
 * is none. */
bool id_token_read(struct str token, struct arena *a, struct token_answer *out);

/* When a JSON Web Token expires; 0: it is none, or does not say. */
int64_t token_expires_unix_ms(struct str token);

/* Does this error of the token address mean that the grant is gone for good? */
bool token_error_is_final(struct str error, int status);
/* … that the client is wrong, not the grant? */
bool token_error_is_of_client(struct str error);

#endif
