#include "journal/world.h"

#include <stdlib.h>

#define CACHES_MAX ((uint64_t)16 << 20) /* accounts times conversations */
#define REFUSAL_MS 150                  /* to be told no */
#define FAULT_MS 2000
#define MINUTE_MS 60000

const struct world_options world_options_default = {
    .seed = 1,
    .cache_ms = 5 * MINUTE_MS,
    .cache_tokens_min = 1024,
    .base_ms = 400,
    .prompt_token_us = 150,
    .cached_token_us = 10,
    .answer_token_us = 15000,
    .faults_permille = 2,
};

/* Fills evenly up to what a minute allows. Counted in units of 1/60000, so that nothing is lost to
 * rounding. */
struct bucket {
    int64_t level, at_ms;
};

struct cached {
    int64_t tokens, until_ms;
};

struct world_state {
    struct bucket requests, tokens;
    int64_t window_began_ms, window_used; /* of the quota; began 0: not yet */
};

struct world {
    struct world_options o;
    uint32_t sessions;
    struct world_state *states;
    struct cached *caches; /* of account a and conversation s: a * sessions + s */
};

enum status world_new(const struct world_options *options, uint32_t sessions, struct world **out,
                      struct error *e)
{
    uint64_t caches = (uint64_t)options->account_count * sessions;

    if (caches > CACHES_MAX)
        return fail(e, E_LIMIT, "%u accounts and %u conversations are too many for one replay",
                    options->account_count, sessions);
    struct world *w = must_calloc(1, sizeof(*w));

    w->o = *options;
    w->sessions = sessions;
    w->states = must_calloc(options->account_count + 1, sizeof(w->states[0]));
    w->caches = must_calloc(caches + 1, sizeof(w->caches[0]));
    for (uint32_t i = 0; i < options->account_count; i++) {
        /* full at the beginning */
        w->states[i].requests.level = options->accounts[i].requests_per_minute * MINUTE_MS;
        w->states[i].tokens.level = options->accounts[i].tokens_per_minute * MINUTE_MS;
    }
    *out = w;
    return OK;
}

void world_free(struct world *w)
{
    if (w == NULL)
        return;
    free(w->states);
    free(w->caches);
    free(w);
}

/* --- limits */

static void bucket_fill(struct bucket *b, int64_t per_minute, int64_t now_ms)
{
    int64_t full = per_minute * MINUTE_MS, level;

    if (__builtin_mul_overflow(now_ms - b->at_ms, per_minute, &level) ||
        __builtin_add_overflow(level, b->level, &level) || level > full)
        level = full;
    b->level = level;
    b->at_ms = now_ms;
}

/* How long until `amount` may be taken; 0: now. One that is larger than the bucket needs it full,
 * and then empties it. */
static int64_t bucket_wait_ms(const struct bucket *b, int64_t per_minute, int64_t amount)
{
    int64_t wanted = (amount < per_minute ? amount : per_minute) * MINUTE_MS;

    return wanted <= b->level ? 0 : (wanted - b->level + per_minute - 1) / per_minute;
}

static void bucket_take(struct bucket *b, int64_t amount)
{
    b->level -= amount * MINUTE_MS;
    if (b->level < 0)
        b->level = 0;
}

static struct world_answer refused(enum verdict_kind kind, int64_t delay_ms)
{
    /* providers name whole seconds */
    return (struct world_answer){
        .verdict = { .kind = kind, .status = 429, .delay_ms = (delay_ms + 999) / 1000 * 1000 },
        .takes_ms = REFUSAL_MS,
        .quota_permille = -1,
    };
}

static int64_t quota_left(const struct world_account *a, const struct world_state *s)
{
    return a->quota_tokens > s->window_used ? a->quota_tokens - s->window_used : 0;
}

/* --- caches */

static struct cached *cache_of(struct world *w, uint32_t account, const struct turn *t)
{
    return t->session == TURN_NONE ? NULL
                                   : &w->caches[(uint64_t)account * w->sessions + t->session];
}

static int64_t cached_tokens(struct world *w, uint32_t account, const struct turn *t,
                             int64_t now_ms)
{
    const struct cached *c = cache_of(w, account, t);

    if (c == NULL || c->until_ms <= now_ms)
        return 0;
    /* a conversation that was shortened shares only its beginning: as much as there is of it */
    return c->tokens < t->tokens_prompt ? c->tokens : t->tokens_prompt;
}

void world_end(struct world *w, uint32_t account, const struct turn *t, int64_t now_ms)
{
    struct cached *c = cache_of(w, account, t);
    int64_t tokens = t->tokens_prompt + t->tokens_out;

    assert(account < w->o.account_count);
    if (c != NULL && tokens >= w->o.cache_tokens_min)
        *c = (struct cached){ tokens, now_ms + w->o.cache_ms };
}

/* --- a request */

static bool is_faulty(const struct world *w, uint32_t turn, uint32_t attempt)
{
    return turns_random(w->o.seed ^ UINT64_C(0xfa017), turn, attempt) % 1000 < w->o.faults_permille;
}

struct world_answer world_ask(struct world *w, uint32_t account, const struct turn *t,
                              uint32_t turn, uint32_t attempt, int64_t now_ms)
{
    assert(account < w->o.account_count);
    const struct world_account *a = &w->o.accounts[account];
    struct world_state *s = &w->states[account];
    int64_t cached = cached_tokens(w, account, t, now_ms), fresh = t->tokens_prompt - cached;
    int64_t counted = fresh + t->tokens_out, wait_ms;

    bucket_fill(&s->requests, a->requests_per_minute, now_ms);
    bucket_fill(&s->tokens, a->tokens_per_minute, now_ms);
    if (a->quota_tokens > 0 &&
        (s->window_began_ms == 0 || now_ms >= s->window_began_ms + a->quota_window_ms)) {
        s->window_began_ms = now_ms; /* a window begins with its first request */
        s->window_used = 0;
    }
    int64_t reset_ms = a->quota_tokens > 0 ? s->window_began_ms + a->quota_window_ms : 0;

    if (a->quota_tokens > 0 && quota_left(a, s) == 0)
        return refused(VERDICT_QUOTA_EXHAUSTED, reset_ms - now_ms);
    if (a->requests_per_minute > 0 &&
        (wait_ms = bucket_wait_ms(&s->requests, a->requests_per_minute, 1)) > 0)
        return refused(VERDICT_RATE_LIMITED, wait_ms);
    if (a->tokens_per_minute > 0 &&
        (wait_ms = bucket_wait_ms(&s->tokens, a->tokens_per_minute, counted)) > 0)
        return refused(VERDICT_RATE_LIMITED, wait_ms);
    if (is_faulty(w, turn, attempt))
        return (struct world_answer){
            .verdict = { .kind = VERDICT_SERVER_ERROR, .status = 500, .delay_ms = -1 },
            .takes_ms = FAULT_MS,
            .quota_permille = -1,
        };
    bucket_take(&s->requests, 1);
    bucket_take(&s->tokens, counted);
    s->window_used += counted;
    return (struct world_answer){
        .verdict = { .kind = VERDICT_SUCCESS, .status = 200, .delay_ms = -1 },
        .takes_ms = w->o.base_ms + (fresh * w->o.prompt_token_us + cached * w->o.cached_token_us +
                                    t->tokens_out * w->o.answer_token_us) /
                                       1000,
        .tokens_cached = cached,
        .tokens_new = fresh,
        .quota_permille =
            a->quota_tokens > 0 ? (int32_t)(quota_left(a, s) * 1000 / a->quota_tokens) : -1,
        .quota_reset_ms = reset_ms,
    };
}
