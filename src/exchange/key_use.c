/* exchange/key_use.c - a client key's limits on one request: what it may ask for, what is taken
 * before it is sent on, what it is charged in the end, and what its client is told of it.
 *
 * What a request may use is estimated only for keys whose tokens are limited: it means reading the
 * request whole. */
#include "exchange/exchange_int.h"
#include "exchange/key_budget.h"

#include "base/timetext.h"
#include "wire/estimate.h"

#define RETRY_MAX_S (INT64_C(24) * 3600) /* of what Retry-After says */
#define BUSY_RETRY_S 1
#define BYTES_OF_TOKEN 4
#define MEDIA_TOKENS 2000       /* pictures and recordings, before their answer tells */
#define EVENT_BYTES_OF_TOKEN 16 /* with what an event has around its text */

/* --- fields ----------------------------------------------------------------------------------- */

struct telling {
    struct arena *arena;
    struct http_field *out;
    size_t count, room;
};

static void tell(struct telling *t, struct str name, struct str value)
{
    if (t->count < t->room)
        t->out[t->count++] = (struct http_field){ name, value };
}

/* A number and its unit in front of `end`; gives where it begins. */
static char *digits(char *end, int64_t n, struct str unit)
{
    end -= unit.len;
    if (unit.len > 0)
        memcpy(end, unit.at, unit.len);
    return digits_u64(end, (uint64_t)n);
}

#define NUMBERS_MAX 64 /* bytes of three with their units */

static struct str number(struct telling *t, int64_t n)
{
    char text[NUMBERS_MAX], *end = text + sizeof(text), *at = digits(end, n > 0 ? n : 0, STR(""));

    return arena_copy(t->arena, (struct str){ at, (size_t)(end - at) });
}

/* `6m0s`, `350ms`: as OpenAI writes them. */
static struct str span(struct telling *t, int64_t ms)
{
    char text[NUMBERS_MAX], *end = text + sizeof(text), *at;
    int64_t s = ms / 1000;

    if (ms < 1000) {
        at = digits(end, ms > 0 ? ms : 0, STR("ms"));
    } else {
        at = digits(end, s < 60 ? s : s % 60, STR("s"));
        if (s >= 60)
            at = digits(at, s < 3600 ? s / 60 : s / 60 % 60, STR("m"));
        if (s >= 3600)
            at = digits(at, s / 3600, STR("h"));
    }
    return arena_copy(t->arena, (struct str){ at, (size_t)(end - at) });
}

static struct str moment(struct telling *t, int64_t unix_ms)
{
    struct buf b = { .max = 64 };

    (void)date_put_rfc3339(&b, unix_ms + 999);
    struct str text = arena_copy(t->arena, buf_str(&b));

    buf_clear(&b);
    return text;
}

size_t key_fields(const struct client_key *key, enum wire protocol, int64_t now_ms, struct arena *a,
                  struct http_field *out, size_t room)
{
    struct telling t = { a, out, 0, room };
    bool anthropic = protocol == WIRE_ANTHROPIC;
    int64_t unix_ms = clock_unix_ms();
    struct key_left left;

    key_budget_left(key->budget, &key->limits, now_ms, unix_ms, &left);
    if (left.requests >= 0) {
        tell(&t,
             anthropic ? STR("anthropic-ratelimit-requests-limit")
                       : STR("x-ratelimit-limit-requests"),
             number(&t, key->limits.requests_minute));
        tell(&t,
             anthropic ? STR("anthropic-ratelimit-requests-remaining")
                       : STR("x-ratelimit-remaining-requests"),
             number(&t, left.requests));
        tell(&t,
             anthropic ? STR("anthropic-ratelimit-requests-reset")
                       : STR("x-ratelimit-reset-requests"),
             anthropic ? moment(&t, unix_ms + left.requests_reset_ms)
                       : span(&t, left.requests_reset_ms));
    }
    if (left.tokens_limit >= 0) {
        tell(&t,
             anthropic ? STR("anthropic-ratelimit-tokens-limit") : STR("x-ratelimit-limit-tokens"),
             number(&t, left.tokens_limit));
        tell(&t,
             anthropic ? STR("anthropic-ratelimit-tokens-remaining")
                       : STR("x-ratelimit-remaining-tokens"),
             number(&t, left.tokens));
        tell(&t,
             anthropic ? STR("anthropic-ratelimit-tokens-reset") : STR("x-ratelimit-reset-tokens"),
             anthropic ? moment(&t, left.tokens_reset_unix_ms)
                       : span(&t, left.tokens_reset_unix_ms - unix_ms));
    }
    return t.count;
}

/* --- at the door ------------------------------------------------------------------------------ */

bool key_admit(struct exchange_env *env, const struct client_key *key, struct fault *f)
{
    int64_t wait_ms;

    if (key == NULL || key->limits.requests_minute == 0)
        return true;
    wait_ms = key_budget_admit(key->budget, key->limits.requests_minute, loop_now(env->loop));
    if (wait_ms == 0)
        return true;
    count_own(&env->metrics->refused_key_requests, 1);
    *f = (struct fault){ .class = FAULT_RATE_LIMITED,
                         .message = STR("this client key has made its requests of this minute"),
                         .retry_after_s = (wait_ms + 999) / 1000 };
    return false;
}

bool client_key_allows(const struct client_key *k, struct str model)
{
    for (size_t i = 0; i < k->limits.model_count; i++)
        if (str_matches(model, k->limits.models[i]))
            return true;
    return k->limits.model_count == 0;
}

/* --- before it is sent on --------------------------------------------------------------------- */

/* Is text generated, of which tokens can be told by its bytes? */
static bool generates(const struct exchange *x)
{
    return x->target.ask == ASK_GENERATE || x->target.ask == ASK_COMPLETE ||
           x->target.ask == ASK_COMPACT;
}

static bool is_of_media(const struct exchange *x)
{
    return x->target.ask == ASK_IMAGE || x->target.ask == ASK_IMAGE_EDIT ||
           x->target.ask == ASK_TRANSCRIBE;
}

/* The prompt, and the most that is generated (-1: the client does not say). */
static void estimate(struct exchange *x, struct key_reserve *r)
{
    struct wire_complaint why;

    r->prompt = is_of_media(x) ? MEDIA_TOKENS : (int64_t)(x->r->body.len / BYTES_OF_TOKEN);
    r->output = generates(x) ? -1 : 0;
    if (!generates(x) || x->target.ask == ASK_COMPACT || !canon_read(x, &why))
        return;
    r->prompt = estimate_request_quick(x->canon, &x->env->scratch);
    arena_reset(&x->env->scratch);
    if (x->canon->max_output > 0)
        r->output = x->canon->max_output * (x->canon->n > 1 ? x->canon->n : 1);
}

static bool refuse_spent(struct exchange *x, enum key_refusal why, int64_t reset_unix_ms,
                         int64_t unix_ms)
{
    int64_t seconds = (reset_unix_ms - unix_ms + 999) / 1000;
    bool busy = why == KEY_BUSY;

    count_own(&x->env->metrics->refused_key_tokens, 1);
    reply_fault(
        x,
        &(struct fault){
            .class = busy ? FAULT_RATE_LIMITED : FAULT_QUOTA,
            .message =
                busy ? STR("what is left of this client key's tokens is reserved for requests "
                           "that run")
                : why == KEY_SPENT_DAY
                    ? STR("this client key's tokens of today do not suffice for this request")
                    : STR("this client key's tokens of this month do not suffice for this request"),
            .retry_after_s = busy                    ? BUSY_RETRY_S
                             : seconds < RETRY_MAX_S ? seconds
                                                     : RETRY_MAX_S },
        ENDING_KEY_SPENT);
    return false;
}

bool key_begin(struct exchange *x)
{
    const struct client_key *key = x->key;
    struct key_reserve r;
    enum key_refusal refusal;
    int64_t reset_unix_ms;

    if (key == NULL)
        return true;
    if (!client_key_allows(key, x->request.model)) {
        count_own(&x->env->metrics->refused_key_models, 1);
        reply_fault(
            x,
            &(struct fault){ .class = FAULT_FORBIDDEN,
                             .message = arena_printf(&x->r->arena,
                                                     "this client key may not use the model `%.*s`",
                                                     STR_ARG(x->request.model)),
                             .param = STR("model") },
            ENDING_KEY_REFUSED);
        return false;
    }
    if ((key->limits.tokens_day == 0 && key->limits.tokens_month == 0) ||
        x->target.ask == ASK_COUNT)
        return true;
    r = (struct key_reserve){ .tokens_day = key->limits.tokens_day,
                              .tokens_month = key->limits.tokens_month,
                              .unix_ms = clock_unix_ms() };
    estimate(x, &r);
    x->key_prompt = r.prompt;
    refusal = key_budget_reserve(key->budget, &r, &x->key_taken, &reset_unix_ms);
    return refusal == KEY_LETS || refuse_spent(x, refusal, reset_unix_ms, r.unix_ms);
}

/* --- in the end ------------------------------------------------------------------------------- */

/* What an answer that broke off, or told nothing, has generated, about. */
static int64_t output_seen(const struct exchange *x)
{
    if (!generates(x))
        return 0;
    return (int64_t)x->bytes_out / (x->request.stream ? EVENT_BYTES_OF_TOKEN : BYTES_OF_TOKEN);
}

static int64_t charge(const struct exchange *x, enum ending ending)
{
    int64_t prompt = x->usage.in, output = x->usage.out, sum;
    /* who leaves before the answer has begun has had it made */
    bool served = ending == ENDING_COMPLETE || x->state == EXCHANGE_STREAMING ||
                  (ending == ENDING_CLIENT_LEFT && x->attempt_count > 0);

    if (!served || x->target.ask == ASK_COUNT)
        return 0;
    bool told = prompt >= 0 && output >= 0 && ending == ENDING_COMPLETE;

    if (prompt < 0)
        prompt = x->key_prompt;
    if (!told && output < output_seen(x))
        output = output_seen(x);
    sum = prompt + output;
    /* an estimate never takes more than was reserved; what was told is charged as it is */
    return !told && x->key_taken > 0 && sum > x->key_taken ? x->key_taken : sum;
}

int64_t key_end(struct exchange *x, enum ending ending)
{
    struct key_settlement s;

    if (x->key == NULL)
        return 0;
    s = (struct key_settlement){ .taken = x->key_taken,
                                 .charged = charge(x, ending),
                                 .estimated = x->key_prompt,
                                 .prompt = x->usage.in,
                                 .output = ending == ENDING_COMPLETE ? x->usage.out : -1,
                                 .unix_ms = clock_unix_ms() };
    x->key_taken = 0;
    if (s.taken > 0 || s.charged > 0)
        key_budget_settle(x->key->budget, &s);
    return s.charged;
}
