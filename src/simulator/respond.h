/* simulator/respond.h - a request in, a reply with all its bytes out: the simulator without
 * sockets.
 *
 * Same request, same state, same reply. The state is what the simulator remembers between requests:
 * rules and their counters, quotas, the prompt caches. Threads: own.   Memory: respond_clear() for
 * what the reply holds. */
#ifndef PENSTOCK_SIMULATOR_RESPOND_H
#define PENSTOCK_SIMULATOR_RESPOND_H

#include "simulator/oauth.h"
#include "simulator/reply.h"
#include "simulator/rules.h"
#include "simulator/tell.h"

struct world {
    uint64_t seed;
    struct rules *rules;
    struct cache_model *cache;
    struct tells *tells;
    struct oauth *oauth;
};

struct call {
    enum http_method method;
    struct str path, query, body;
    const struct http_head *head;
    int64_t now_ms, now_unix_ms; /* wall time only for hints that are dates */
};

struct response {
    struct reply reply;
    struct directives directives; /* what steers its pace; without effect on refusals */
    struct str account, model;
    enum wire wire;
    bool is_call; /* for a model, as opposed to lists and unknown paths */
};

MUST_USE enum status world_init(struct world *w, uint64_t seed, struct str script, struct error *e);
void world_clear(struct world *w);

/* Who calls: the key in whichever place it was shown; empty when in none. */
struct str call_account(const struct call *c, struct arena *a);
/* All but the control API. */
void respond(struct world *w, const struct call *c, struct arena *a, struct response *out);
void respond_clear(struct response *out);

#endif
