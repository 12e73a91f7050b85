#include "exchange/key_budget.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "io/zone.h"

#define MINUTE_US INT64_C(60000000)
#define OUTPUT_FIRST 4096 /* tokens, before anything is known of a key whose clients name none */
#define OUTPUT_LEAST 1024
#define LEARN_PART 8 /* a new answer counts for so much of what is known */
#define RATIO_MAX 4000

struct key_budget {
    pthread_mutex_t lock;
    int64_t full_us; /* of the loop clock: when the bucket of requests is full again */
    int64_t day_end_s, month_end_s;
    int64_t used_day, used_month;
    int64_t reserved;
    int64_t ratio_permille; /* of prompts as told to prompts as estimated */
    int64_t output;         /* what answers of this key have, about */
};

struct key_budgets {
    pthread_mutex_t lock;
    struct map map; /* by id */
};

struct key_budgets *key_budgets_new(void)
{
    const uint64_t key[2] = { random_u64(), random_u64() };
    struct key_budgets *b = must_calloc(1, sizeof(*b));

    pthread_mutex_init(&b->lock, NULL);
    map_init(&b->map, key);
    return b;
}

void key_budgets_free(struct key_budgets *b)
{
    const struct map_entry *e;

    if (b == NULL)
        return;
    for (uint32_t i = 0; (e = map_at(&b->map, &i)) != NULL;) {
        struct key_budget *k = e->value;

        pthread_mutex_destroy(&k->lock);
        free(k);
    }
    map_clear(&b->map);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

struct key_budget *key_budget_of(struct key_budgets *b, const struct key_id *id)
{
    struct str key = { (const char *)id->bytes, sizeof(id->bytes) };

    pthread_mutex_lock(&b->lock);
    struct key_budget *k = map_get(&b->map, key);

    if (k == NULL) {
        k = must_calloc(1, sizeof(*k));
        pthread_mutex_init(&k->lock, NULL);
        k->ratio_permille = 1000;
        k->output = OUTPUT_FIRST / 2;
        (void)map_put(&b->map, key, k);
    }
    pthread_mutex_unlock(&b->lock);
    return k;
}

/* Under the lock: is it another day or month? */
static void enter(struct key_budget *k, int64_t unix_ms)
{
    int64_t now_s = unix_ms / 1000;

    if (now_s < k->day_end_s && now_s < k->month_end_s)
        return;
    if (now_s >= k->day_end_s) {
        k->day_end_s = zone_day_after(now_s, 1);
        k->used_day = 0;
    }
    if (now_s >= k->month_end_s) {
        k->month_end_s = zone_month_after(now_s);
        k->used_month = 0;
    }
}

void key_budget_load(struct key_budget *k, int64_t unix_ms, int64_t day, int64_t month)
{
    pthread_mutex_lock(&k->lock);
    enter(k, unix_ms);
    k->used_day += day;
    k->used_month += month;
    pthread_mutex_unlock(&k->lock);
}

/* --- requests -------------------------------------------------------------------------------- */

int64_t key_budget_admit(struct key_budget *k, int64_t requests_minute, int64_t now_ms)
{
    int64_t each_us = MINUTE_US / requests_minute, now_us = now_ms * 1000, wait_ms = 0;

    pthread_mutex_lock(&k->lock);
    int64_t full_us = (k->full_us > now_us ? k->full_us : now_us) + each_us;

    if (full_us - now_us > each_us * requests_minute)
        wait_ms = (full_us - now_us - each_us * requests_minute + 999) / 1000;
    else
        k->full_us = full_us;
    pthread_mutex_unlock(&k->lock);
    return wait_ms;
}

/* --- tokens ---------------------------------------------------------------------------------- */

/* Under the lock. */
static int64_t expected(const struct key_budget *k, const struct key_reserve *r)
{
    int64_t prompt = r->prompt * (k->ratio_permille > 1000 ? k->ratio_permille : 1000) / 1000;
    int64_t output = r->output;

    if (output < 0)
        output = k->output * 2 > OUTPUT_LEAST ? k->output * 2 : OUTPUT_LEAST;
    return prompt + output;
}

/* Does it fit this limit? At most all of it is asked for. */
static bool fits(const struct key_budget *k, int64_t used, int64_t limit, int64_t tokens,
                 bool *spent)
{
    int64_t asked = tokens < limit ? tokens : limit;

    *spent = used + asked > limit;
    return used + k->reserved + asked <= limit;
}

enum key_refusal key_budget_reserve(struct key_budget *k, const struct key_reserve *r,
                                    int64_t *taken, int64_t *reset_unix_ms)
{
    enum key_refusal refusal = KEY_LETS;
    bool day_spent = false, month_spent = false, day_fits = true, month_fits = true;

    pthread_mutex_lock(&k->lock);
    enter(k, r->unix_ms);
    int64_t tokens = expected(k, r);

    if (r->tokens_day > 0) {
        tokens = tokens < r->tokens_day ? tokens : r->tokens_day;
        day_fits = fits(k, k->used_day, r->tokens_day, tokens, &day_spent);
    }
    if (r->tokens_month > 0) {
        tokens = tokens < r->tokens_month ? tokens : r->tokens_month;
        month_fits = fits(k, k->used_month, r->tokens_month, tokens, &month_spent);
    }
    *reset_unix_ms = 0;
    if (month_spent) {
        refusal = KEY_SPENT_MONTH;
        *reset_unix_ms = k->month_end_s * 1000;
    } else if (day_spent) {
        refusal = KEY_SPENT_DAY;
        *reset_unix_ms = k->day_end_s * 1000;
    } else if (!day_fits || !month_fits) {
        refusal = KEY_BUSY;
    } else {
        k->reserved += tokens;
        *taken = tokens;
    }
    pthread_mutex_unlock(&k->lock);
    return refusal;
}

static void learn(int64_t *known, int64_t seen)
{
    *known += (seen - *known) / LEARN_PART;
}

void key_budget_settle(struct key_budget *k, const struct key_settlement *s)
{
    pthread_mutex_lock(&k->lock);
    enter(k, s->unix_ms);
    assert(k->reserved >= s->taken);
    k->reserved -= s->taken;
    k->used_day += s->charged;
    k->used_month += s->charged;
    if (s->estimated > 0 && s->prompt >= 0) {
        int64_t ratio = s->prompt / s->estimated < RATIO_MAX / 1000
                            ? s->prompt * 1000 / s->estimated
                            : RATIO_MAX;

        learn(&k->ratio_permille, ratio);
    }
    if (s->output >= 0)
        learn(&k->output, s->output);
    pthread_mutex_unlock(&k->lock);
}

/* --- what is left ---------------------------------------------------------------------------- */

void key_budget_left(struct key_budget *k, const struct key_limits *limits, int64_t now_ms,
                     int64_t unix_ms, struct key_left *out)
{
    *out = (struct key_left){ .requests = -1, .tokens = -1, .tokens_limit = -1 };
    pthread_mutex_lock(&k->lock);
    enter(k, unix_ms);
    if (limits->requests_minute > 0) {
        int64_t each_us = MINUTE_US / limits->requests_minute, now_us = now_ms * 1000;
        int64_t behind_us = k->full_us > now_us ? k->full_us - now_us : 0;
        int64_t used = (behind_us + each_us - 1) / each_us;

        out->requests = used < limits->requests_minute ? limits->requests_minute - used : 0;
        out->requests_reset_ms = (behind_us + 999) / 1000;
    }
    out->used_day = k->used_day;
    out->used_month = k->used_month;
    out->reserved = k->reserved;
    if (limits->tokens_day > 0) {
        out->tokens = limits->tokens_day - k->used_day - k->reserved;
        out->tokens_limit = limits->tokens_day;
        out->tokens_reset_unix_ms = k->day_end_s * 1000;
    }
    if (limits->tokens_month > 0) {
        int64_t left = limits->tokens_month - k->used_month - k->reserved;

        if (limits->tokens_day == 0 || left < out->tokens) {
            out->tokens = left;
            out->tokens_limit = limits->tokens_month;
            out->tokens_reset_unix_ms = k->month_end_s * 1000;
        }
    }
    if (out->tokens_limit >= 0 && out->tokens < 0)
        out->tokens = 0;
    pthread_mutex_unlock(&k->lock);
}
