/* simulator/cache_model.h - the prompt cache of each account, as far as its bill shows it.
 *
 * A prompt may be cached up to a border between segments (the tools, a system text, a message).
 * What an account sent for a model is known from then on, up to each border that lies at
 * `tokens_min` or beyond; the next prompt that begins alike is charged as read up to the last
 * common border. OpenAI and Gemini know every border by themselves; Anthropic reads up to the last
 * block marked with `cache_control` and charges for what it writes there. Entries lapse `ttl_ms`
 * after their last use (0: never), and the oldest of a set makes room. Threads: own.   Memory: one
 * fixed table, cache_model_free(). */
#ifndef PENSTOCK_SIMULATOR_CACHE_MODEL_H
#define PENSTOCK_SIMULATOR_CACHE_MODEL_H

#include "simulator/ask.h"

#define CACHE_TOKENS_MIN 1024
#define CACHE_TTL_MS (INT64_C(300) * 1000)

struct cache_model;

struct cache_use {
    int64_t read, written; /* tokens */
};

struct cache_model *cache_model_new(uint64_t seed);
void cache_model_free(struct cache_model *c);
void cache_model_set(struct cache_model *c, int64_t tokens_min, int64_t ttl_ms);
int64_t cache_model_tokens_min(const struct cache_model *c);
int64_t cache_model_ttl_ms(const struct cache_model *c);
/* Forgets what an account sent, or all. */
void cache_model_forget(struct cache_model *c, struct str account);
void cache_model_forget_all(struct cache_model *c);

/* Looks the prompt up, and remembers it. */
struct cache_use cache_model_use(struct cache_model *c, struct str account, const struct ask *ask,
                                 int64_t now_ms);

#endif
