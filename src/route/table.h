/* route/table.h - who serves a model's name: the user's mapping, flows and account routes,
 * compiled.
 *
 * A name goes through these, in this order: the mapping (exact before wildcard, then the longest
 * literal part, ties by order in the file); `route:<flow>`; the account route of an official id; a
 * flow of that bare name; else the pool. A flow or an account route becomes a list of steps; flows
 * that are named by entries are written out in their place.
 * Threads: immutable once made.   Memory: the arena it was made in; what the spec holds is
 * borrowed.
 */
#ifndef PENSTOCK_ROUTE_TABLE_H
#define PENSTOCK_ROUTE_TABLE_H

#include "pool/pool.h"
#include "route/background.h"
#include "route/image_id.h"

#define ROUTE_STEPS_MAX 64 /* of one route, with those of the flows it names */
#define ROUTE_PREFIX STR("route:")

/* --- what the user wrote --------------------------------------------------------------------- */

struct mapping_spec {
    struct str from, to; /* `from` may hold `*`; `to` may be `route:<flow>` */
};

enum route_wants { WANTS_EITHER, WANTS_WITH, WANTS_WITHOUT };

/* Which requests an entry is for. A zeroed one: all. */
struct route_when {
    enum route_wants images, tools, thinking;
    int64_t context_tokens_max; /* 0: any */
    int from_minute, to_minute; /* of the local day; the same: all day; may go over midnight */
    const struct route_when *further; /* another condition that must hold, too; NULL: none */
};

struct route_entry {
    struct str flow;     /* this flow's entries; then provider, account and model are empty */
    struct str provider; /* empty: any */
    struct str account;  /* a label; empty: any */
    struct str model;    /* what is asked for; empty: the account route's own */
    struct route_when when;
};

struct route_spec {
    struct str name; /* of the flow, or the official id */
    const struct route_entry *entries;
    size_t entry_count;
    bool smart_switch; /* account route: behind the entries all accounts that offer the model */
    bool rotates;      /* account route: who was asked longest ago goes first */
};

struct routing_spec {
    const struct mapping_spec *mapping; /* in the order of the file */
    const struct route_spec *flows;
    const struct route_spec *accounts; /* one without entries and smart switch is none */
    size_t mapping_count, flow_count, account_count;
    struct background_spec background;
};

/* --- compiled -------------------------------------------------------------------------------- */

/* Where a request may go, if the conditions hold. */
struct route_step {
    struct str provider, account, model; /* as in the entry; a model is always there */
    struct image_id image;               /* of the model's id */
    const struct route_when *when;       /* NULL: always */
    bool by_age; /* the oldest account first, in place of the pool's order */
    bool spends_reserve;
};

struct route {
    enum pick_reason by; /* PICK_FLOW, PICK_ROUTE */
    struct str name;
    const struct route_step *steps;
    size_t step_count;
    bool rotates;     /* … all steps that name an account */
    bool conditional; /* some step has conditions */
    bool by_request;  /* … about the request's content */
};

struct route_table;

enum route_list {
    ROUTE_FAULT_MAPPING,
    ROUTE_FAULT_FLOW,
    ROUTE_FAULT_ACCOUNT,
    ROUTE_FAULT_BACKGROUND, /* the index is a kind's, BACKGROUND_KINDS for `model` */
};

/* Where in the spec something is wrong, and what. */
struct route_fault {
    enum route_list list;
    size_t index, entry; /* entry SIZE_MAX: the flow or account route itself */
    const char *member;  /* of the entry; NULL: the entry itself */
    char text[160];
};

/* NULL: `fault` says why. */
const struct route_table *route_compile(const struct routing_spec *spec, struct arena *a,
                                        struct route_fault *fault);
const struct routing_spec *route_table_spec(const struct route_table *t);

/* What became of a name. */
struct route_found {
    struct str model;                  /* the name behind the mapping */
    const struct mapping_spec *mapped; /* the rule that gave it; NULL: none */
    const struct route *route;         /* NULL: the pool decides */
    struct str id;         /* the upstream id the pool is asked for; image ids without their tail */
    struct image_id image; /* … and what the tail says */
    bool unknown_flow;     /* `route:x`, and there is no flow x: nobody serves it */
    struct str known_as;   /* the route's own name when an alias led to it; else empty */
};

/* Threads: any. */
void route_find(const struct route_table *t, struct str name, struct route_found *out);
/* The same behind the mapping: the user named this model for the purpose. */
void route_find_named(const struct route_table *t, struct str name, struct route_found *out);

const struct route *route_flow(const struct route_table *t, struct str name);
/* All flows, then all account routes. */
size_t route_count(const struct route_table *t);
const struct route *route_at(const struct route_table *t, size_t i);

/* What conditions ask of a request. */
struct route_facts {
    bool images, tools, thinking;
    int64_t context_tokens;
    int minute; /* of the local day */
};
bool route_when_holds(const struct route_when *when, const struct route_facts *f);
/* Is it the time for which the entry is, whatever the request? `minute` is the local day's. */
bool route_when_is_now(const struct route_when *when, int minute);

#endif
