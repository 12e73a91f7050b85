/* tests/sim/upkeep_world.h - one provider for all accounts on a simulated clock, and what upkeep
 * needs on the gateway's side: a loop, a client, a pool. */
#ifndef PENSTOCK_TESTS_SIM_UPKEEP_WORLD_H
#define PENSTOCK_TESTS_SIM_UPKEEP_WORLD_H

#include "test.h"

#include "io_sim.h"
#include "provider/provider.h"

#define MINUTE_MS 60000
#define ACCOUNTS 9

struct world {
    struct test *t;
    struct loop *loop;
    struct client *client;
    struct client_metrics metrics;
    struct pool *pool;
    struct provider_options options;
    const char *answer; /* body; NULL: it says nothing */
    int status;
    unsigned asked;
    int64_t asked_ms; /* the last time */
    unsigned running, running_most;
    struct sim_peer *waiting[64]; /* those it has not answered */
    /* what is tested: one of the two */
    struct model_lists *lists;
    struct quotas *quotas;
    unsigned told;  /* quotas: how often there were facts … */
    enum tier tier; /* … and which tier the last ones named */
};

/* The provider is `provider.test`, port 9000, and gives `answer` with status 200. */
void world_begin(struct world *w, struct test *t, const char *answer,
                 const struct pool_options *options);
/* What is tested was freed before. */
void world_end(struct world *w);
void world_put(struct world *w, const struct account_spec *spec);
void world_answer(struct world *w, struct sim_peer *p);

#endif
