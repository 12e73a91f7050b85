/* journal/replay.h - the scheduler driven through turns in simulated time.
 *
 * The accounts are those of a real pool, asked and told by the very functions that the gateway uses
 * (pool_lease, lease_return) with a clock of its own; only providers and clients are imagined
 * (world.h, turns.h). The same input gives the same report, byte for byte.
 * Threads: own.   Memory: the report's lists live in the arena that is given. */
#ifndef PENSTOCK_JOURNAL_REPLAY_H
#define PENSTOCK_JOURNAL_REPLAY_H

#include "journal/turns.h"
#include "journal/world.h"

struct replay_options {
    struct pool_options pool;
    struct world_options world;
    int64_t deadline_ms; /* of one request */
    const char *fixed;   /* label of the fixed account; NULL: none */
};

struct replay_account {
    struct str label;
    uint64_t served, refused, failed; /* attempts */
    int64_t tokens_new, tokens_cached, tokens_out;
};

struct replay_report {
    uint64_t requests, completed, refused, failed; /* as clients saw them: 2xx, 429, the rest */
    uint64_t attempts, rotations; /* rotations: attempts behind the first of a request */
    uint64_t rebinds;             /* a conversation was served by another account than before */
    int64_t tokens_prompt, tokens_cached, tokens_out;
    uint64_t waits; /* requests that waited for an account */
    int64_t wait_ms_sum, wait_ms_p50, wait_ms_p95;
    int64_t took_ms_p50, took_ms_p95; /* of completed requests, waits included */
    int64_t ended_ms;                 /* when the last one ended */
    struct replay_account *accounts;
    uint32_t account_count;
};

MUST_USE enum status replay_run(const struct replay_options *options, const struct turns *turns,
                                struct arena *a, struct replay_report *out, struct error *e);

#endif
