/* provider/provider.h - a family of upstreams: where it is, how a request to it looks, what its
 * answers mean.
 *
 * A provider *knows*; it does not act and holds no state. For each account it makes one `struct
 * upstream`: everything about the way to that account that can be prepared once, so that a request
 * costs two copies. Sources: docs/providers/<name>.md. Threads: pure; an upstream is immutable and
 * shared by the workers. */
#ifndef PENSTOCK_PROVIDER_PROVIDER_H
#define PENSTOCK_PROVIDER_PROVIDER_H

#include "base/error.h"
#include "http/client.h"
#include "http/proxy.h"
#include "pool/pool.h"
#include "provider/signin.h"
#include "wire/dialect.h"

struct provider;
struct dialect; /* how a family of wires is addressed; provider/ only */

#define PASSED_FIELDS_MAX 7 /* fields of a client that one dialect lets through */

/* What is asked of an upstream. */
enum upstream_op {
    OP_GENERATE,
    OP_STREAM,
    OP_MODELS,
    OP_COUNT,
    OP_COMPACT,
    OP_EMBED,
    OP_EMBED_BATCH,
    OP_IMAGE,
    OP_IMAGE_EDIT,
    OP_TRANSCRIBE,
    /* what is asked of an account's provider in the background (facts.h) */
    OP_LOAD,
    OP_ONBOARD,
    OP_AVAILABLE,
    OP_USAGE,
};

enum upstream_shape { SHAPE_STREAM, SHAPE_WHOLE, SHAPE_FORM, SHAPE_GET, UPSTREAM_SHAPES };

struct upstream {
    struct arena arena;
    const struct provider *provider;
    const struct dialect *dialect;
    struct origin origin;
    struct str base_path; /* path of the base URL, normalised: no slash at its end */
    /* Prepared, one for each shape of request: method and base path; and what follows the target:
     * version, Host, User-Agent, configured headers, credential and so on, up to the number of
     * Content-Length. A secret, because of the credential. */
    struct str starts[UPSTREAM_SHAPES];
    struct secret lines[UPSTREAM_SHAPES];
    struct str passed[PASSED_FIELDS_MAX]; /* configured values of fields that clients send too */
    uint64_t passed_lengths;              /* a bit for the length of each such field's name */
    struct call_timeouts timeouts;
    struct upstream *facts; /* where its usage is asked for; NULL: nowhere, or here */
    struct upstream *next;  /* the same at the provider's next address; NULL: there is none */
    uint32_t wires;         /* WIRE_BITs it speaks */
    struct str project;     /* cloudcode; may be empty */
    bool bare;              /* it has no credential (yet) */
    bool renews;            /* its credential is a grant that can be renewed */
    struct account_means means;
    struct wire_lacks lacks;
    struct wire_extras extras;
};

#define MORE_URLS_MAX 3 /* addresses of one provider beside the first */

/* General settings that go into every upstream. */
struct provider_options {
    struct proxy_settings proxy;
    struct call_timeouts timeouts;
    struct { /* providers.<name> of the settings */
        struct str name, base_url;
        struct str more_urls[MORE_URLS_MAX]; /* asked in order where the one before is broken */
        size_t more_url_count;
        const struct header_pair *headers;
        size_t header_count;
        struct call_timeouts timeouts; /* 0: the general one */
        struct signin_settings oauth;
    } of[16];
    size_t of_count;
    struct str redirect_url; /* where a provider sends the browser after signing in, when that is
                                not this machine; empty: it is */
};
/* The settings of one provider's sign-in; empty ones when there are none. */
const struct signin_settings *provider_signin(const struct provider_options *o, struct str name);

/* E_SYNTAX / E_REFUSED name the member of the account that is wrong. A missing or doubled version
 * segment of the base URL is corrected and logged. Nothing of `spec` or `options` is kept. */
MUST_USE enum status upstream_new(const struct account_spec *spec,
                                  const struct provider_options *options, struct upstream **out,
                                  struct error *e);
void upstream_free(void *upstream);
/* What the pool is to know of an account; the value lives in the upstream. */
const struct account_means *upstream_means(const struct upstream *u);

bool provider_exists(struct str name);
/* Its accounts are signed in to: they have a grant, or an access token of the user's own as key. */
bool provider_signs_in(struct str name);
/* The i-th name; NULL behind the last. */
const char *provider_word(size_t i);
struct str provider_name(const struct provider *p);
/* Calls `fn` with each name that accounts may have. */
void provider_each_name(void (*fn)(void *peer, struct str name), void *peer);

struct upstream_ask {
    enum wire wire;
    enum upstream_op op;
    struct str model; /* upstream model id */
    uint64_t body_bytes;
    const struct http_head *client; /* the client's head: fields of its protocol that pass
                                       (anthropic-version, anthropic-beta, OpenAI-Beta …) */
    bool default_version; /* anthropic: send anthropic-version 2023-06-01 when the client sent none
                           */
    struct str version;   /* … this one instead: of a body of ours; empty: that one */
    struct str content_type; /* of a form; empty: JSON */
    struct str session;      /* codex: the conversation, in our words; empty: none is known */
    struct turn turn;        /* copilot */
    struct str traceparent;  /* sent along when not empty */
    struct str page; /* OP_MODELS: which page, as the one before it says; empty: the first */
};

/* Writes the complete request head. Client Authorization, cookies and forwarding headers never
 * pass. False, and nothing written: `out` is full, the wire has no such operation, or the model's
 * id cannot stand in a path (empty, or with a `.` or `..` segment). */
bool upstream_put_head(const struct upstream *u, const struct upstream_ask *ask, struct buf *out);

/* Of those it speaks. */
enum wire upstream_first_wire(const struct upstream *u);
/* Does it have a list of models that says what it offers? Cloud Code has none for those who are not
 * signed in, and the simulator answers to any name, listed or not. */
bool upstream_has_models(const struct upstream *u);

/* How its wires are spoken. */
enum wire_dialect upstream_dialect(const struct upstream *u);
/* Does it keep the responses that it makes, for their account? */
bool upstream_keeps(const struct upstream *u);

/* What a request to it is translated for. `model` is borrowed. */
void upstream_target(const struct upstream *u, struct facts_cache *facts, enum wire wire,
                     struct str model, struct wire_target *out);

/* --- judging
 * --------------------------------------------------------------------------------------- */

#define JUDGE_BODY_MAX ((size_t)64 << 10)

/* What came back. Exactly one of `fault` (no usable answer) or `status` tells. */
struct judge_ask {
    enum wire wire;
    int status;                   /* of the answer; 200 with an error inside is judged too */
    const struct http_head *head; /* may be NULL */
    struct str body; /* body, or the data of the error event; at most JUDGE_BODY_MAX are read. Of a
                        200 that went well it need not be given */
    const struct call_fault *fault; /* transport failure, or NULL */
    bool stream_cut;  /* a 200 whose stream broke, or ended without an end, before content */
    bool refreshable; /* the credential can be renewed */
    int64_t unix_ms;  /* for dates in hints */
};

#define JUDGE_MESSAGE_MAX 512

/* What of the provider's own words the client may see when this is the final answer. Slices in the
 * arena. */
struct judge_words {
    struct str message; /* redacted, at most 512 bytes; empty when it said nothing fit to show */
    struct str type, code, param; /* as the provider's error form names them; empty when absent */
    struct str evidence; /* for the account's owner: the provider's link or words, redacted; or what
                            went wrong on the way to it */
};

/* The one classifier of whatever is not a plain success (docs/providers/signals.md). It looks at
 * the form of the answer more than at who sent it, a 402 apart: gateways wrap each other. `p` may
 * be NULL. `first_capacity` is left to the exchange. */
struct verdict provider_judge(const struct provider *p, const struct judge_ask *ask,
                              struct arena *a, struct judge_words *words);

#endif
