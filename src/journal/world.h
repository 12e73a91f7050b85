/* journal/world.h - providers as replay imagines them: limits, quotas, prompt caches, time.
 *
 * Each account has, like those of real providers, a rate of requests and of tokens a minute
 * (buckets that fill evenly), an allowance of tokens for each window of hours, and a prompt cache
 * that keeps the beginning of each conversation for a while after its last use. A refusal names its
 * time, as providers do. What a cache hit saves is neither counted against the tokens a minute nor
 * waited for.
 * Whether a turn meets a fault depends on the seed, the turn and the attempt alone: so every policy
 * meets the same bad luck. Threads: own, pure.   Memory: world_free(). */
#ifndef PENSTOCK_JOURNAL_WORLD_H
#define PENSTOCK_JOURNAL_WORLD_H

#include "journal/turns.h"

struct world_account {
    struct str label;
    enum tier tier;
    uint32_t concurrency_max; /* 0: no limit; ours, not the provider's */
    const struct str *models; /* patterns; none: any */
    size_t model_count;
    int64_t requests_per_minute, tokens_per_minute; /* 0: no limit */
    int64_t quota_tokens, quota_window_ms;          /* 0: no limit */
};

struct world_options {
    uint64_t seed;
    int64_t cache_ms;         /* a prompt lives so long after its last use */
    int64_t cache_tokens_min; /* shorter prompts are not kept */
    int64_t base_ms;          /* of an answer's time to its first byte */
    int64_t prompt_token_us;  /* for each token that is not in the cache */
    int64_t cached_token_us;  /* for each that is */
    int64_t answer_token_us;  /* for each that is made */
    uint32_t faults_permille; /* attempts that fail with a server error */
    const struct world_account *accounts;
    uint32_t account_count;
};

extern const struct world_options world_options_default;

struct world;
/* E_LIMIT: so many accounts times conversations are more than the caches of one world. */
MUST_USE enum status world_new(const struct world_options *options, uint32_t sessions,
                               struct world **out, struct error *e);
void world_free(struct world *w);

struct world_answer {
    struct verdict verdict;
    int64_t takes_ms;
    int64_t tokens_cached, tokens_new; /* of the prompt; of a success */
    int32_t quota_permille;            /* what is left of the window's allowance; -1 no quota */
    int64_t quota_reset_ms;            /* when the window ends; 0 none */
};

/* Asks account `account` at `now_ms`; `attempt` counts those of the turn. */
struct world_answer world_ask(struct world *w, uint32_t account, const struct turn *t,
                              uint32_t turn, uint32_t attempt, int64_t now_ms);
/* The answer has ended well: the conversation is in the account's cache now. */
void world_end(struct world *w, uint32_t account, const struct turn *t, int64_t now_ms);

#endif
