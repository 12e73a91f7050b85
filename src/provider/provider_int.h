/* provider/provider_int.h - what one file per family tells the shared code: tables, no behaviour
 * but the request target. */
#ifndef PENSTOCK_PROVIDER_PROVIDER_INT_H
#define PENSTOCK_PROVIDER_PROVIDER_INT_H

#include "provider/provider.h"

/* A slice of a literal for static tables, where STR() is no constant. */
#define TEXT(lit)               \
    {                           \
        "" lit, sizeof(lit) - 1 \
    }

/* A field of the client that goes on to the upstream. */
struct passed_field {
    struct str start;    /* of its line: `name: ` */
    struct str standard; /* sent when the caller wants a default and nobody gave a value */
    bool list;           /* a comma list: the values of all are joined; else the configured wins */
};

static inline struct str passed_name(const struct passed_field *p)
{
    return str_drop_last(p->start, 2);
}

/* How a family of wires is addressed: the protocol's side of a request head. */
struct dialect {
    uint32_t wires;
    struct str auth_name;    /* field of the credential */
    struct str auth_before;  /* what stands before it in the value: `Bearer ` */
    struct str account_name; /* field that names the account of a grant; empty: none does */
    bool version_in_base;    /* the base URL ends in the version segment */
    struct str versions[3];  /* version segments; the first one is added where it is missing */
    struct passed_field passed[PASSED_FIELDS_MAX];
    /* Writes the target's path (and query) behind the base path. */
    bool (*put_path)(const struct upstream_ask *ask, struct buf *out);
    /* Writes the fields that say something of this request; NULL: there are none. */
    bool (*put_fields)(const struct upstream_ask *ask, struct buf *out);
    struct str computed[2]; /* their names, where no setting may say otherwise */
};

/* Where a provider tells what is left of an account. */
struct facts_source {
    const struct dialect *dialect;
    struct str
        base_url;    /* in the settings that of the token exchange; empty: the account's own … */
    struct str drop; /* … in either case without this at its end; an exchange that does not end so:
                        its host */
    bool by_renewal; /* asked with what renews the credential, not with that */
};

struct provider {
    struct str name;
    struct str base_url; /* its own; empty: the account gives one */
    uint32_t wires;
    const struct dialect *dialect; /* NULL: that of the account's wires */
    bool own_wire;                 /* the account says which one of `wires` it speaks */
    bool keyless;                  /* an account may have no key */
    bool signs_in;                 /* … because it has a grant */
    bool quota_is_402; /* a 402 says that an allowance is used up, which comes back; else money
                          lacks */
    enum wire_dialect speaks;
    const struct facts_source *facts; /* NULL: it tells nothing, or at its own address */
    struct header_pair standard[2];   /* fields that it wants; configured ones stand over them */
    /* Models that share an allowance; NULL: each is its own. */
    struct str (*quota_group)(struct str model);
};

/* claude and gpt, gemini pro, gemini flash. */
struct str quota_group_antigravity(struct str model);
/* One for all. */
struct str quota_group_codex(struct str model);
/* Premium requests, or each model that costs none. */
struct str quota_group_copilot(struct str model);

extern const struct dialect dialect_openai, dialect_anthropic, dialect_gemini, dialect_cloudcode,
    dialect_simulator, dialect_codex, dialect_copilot;
extern const struct provider provider_openai, provider_anthropic, provider_gemini,
    provider_compatible, provider_simulator, provider_antigravity, provider_codex, provider_copilot;

/* The path of a base URL with its version segment put right: `path` itself, or a copy in `a`.
 * `strict`: the provider is known to want a version, so a path without one lacks it. */
struct str base_path_mend(const struct dialect *d, struct str path, bool strict, struct arena *a);

/* `text`: raw JSON object, or empty. E_SYNTAX names what is wrong. */
MUST_USE enum status capabilities_read(struct upstream *u, struct str text, struct error *e);

#endif
