#include "provider/price.h"

#define DOLLARS(n) ((int64_t)((n)*1000000))
#define CLAUDE(name, in, out, read, write)                                                        \
    {                                                                                             \
        { name, sizeof(name) - 1 }, { "anthropic", 9 }, DOLLARS(in), DOLLARS(out), DOLLARS(read), \
            DOLLARS(write)                                                                        \
    }

/* Without a price of its own for what is written to a cache. */
#define PLAIN(provider, name, in, out, read)                                                       \
    {                                                                                              \
        { name, sizeof(name) - 1 }, { provider, sizeof(provider) - 1 }, DOLLARS(in), DOLLARS(out), \
            DOLLARS(read), -1                                                                      \
    }
#define GPT(name, in, out, read) PLAIN("openai", name, in, out, read)
#define GEMINI(name, in, out, read) PLAIN("gemini", name, in, out, read)

/* platform.claude.com/docs/en/about-claude/pricing and the models' own pages there, read on
 * 2026-11-29: base input, output, cache hits, cache writes of five minutes. Models whose price
 * depends on the prompt's length are left out. */
static const struct price builtin[] = {
    CLAUDE("claude-fable-5-1*", 10, 50, 0.25, 12.5),
    CLAUDE("claude-mythos-5-1*", 10, 50, 0.25, 12.5),
    CLAUDE("claude-fable-5", 10, 50, 1, 12.5),
    CLAUDE("claude-mythos-5", 10, 50, 1, 12.5),
    CLAUDE("claude-opus-5-5*", 4, 20, 0.2, 5),
    CLAUDE("claude-opus-5", 5, 25, 0.5, 6.25),
    CLAUDE("claude-opus-4-8*", 5, 25, 0.5, 6.25),
    CLAUDE("claude-opus-4-7*", 5, 25, 0.5, 6.25),
    CLAUDE("claude-opus-4-6*", 5, 25, 0.5, 6.25),
    CLAUDE("claude-opus-4-5*", 5, 25, 0.5, 6.25),
    CLAUDE("claude-opus-4-1*", 15, 75, 1.5, 18.75),
    CLAUDE("claude-opus-4-20250514", 15, 75, 1.5, 18.75),
    CLAUDE("claude-sonnet-4-6*", 3, 15, 0.3, 3.75),
    CLAUDE("claude-sonnet-4-5*", 3, 15, 0.3, 3.75),
    CLAUDE("claude-sonnet-4-20250514", 3, 15, 0.3, 3.75),
    CLAUDE("claude-haiku-4-5*", 1, 5, 0.1, 1.25),
    CLAUDE("claude-3-5-haiku-*", 0.8, 4, 0.08, 1),

    /* developers.openai.com/api/docs/pricing, standard processing, as docs/usage.md tells. Models
     * whose price depends on the prompt's length, or on whether it is spoken, are left out. */
    GPT("gpt-5", 1.25, 10, 0.125),
    GPT("gpt-5-2025-08-07", 1.25, 10, 0.125),
    GPT("gpt-5-codex", 1.25, 10, 0.125),
    GPT("gpt-5-mini*", 0.25, 2, 0.025),
    GPT("gpt-5-nano*", 0.05, 0.4, 0.005),
    GPT("gpt-5.1", 1.25, 10, 0.125),
    GPT("gpt-5.1-2025-11-13", 1.25, 10, 0.125),
    GPT("gpt-5.1-codex", 1.25, 10, 0.125),
    GPT("gpt-5.1-codex-max", 1.25, 10, 0.125),
    GPT("gpt-5.1-codex-mini", 0.25, 2, 0.025),
    GPT("gpt-5.2", 1.75, 14, 0.175),
    GPT("gpt-5.2-2025-12-11", 1.75, 14, 0.175),
    GPT("gpt-5.2-codex", 1.75, 14, 0.175),
    GPT("gpt-5.3-codex", 1.75, 14, 0.175),
    GPT("gpt-5.4-mini*", 0.75, 4.5, 0.075),
    GPT("gpt-5.4-nano*", 0.2, 1.25, 0.02),
    GPT("gpt-4.1", 2, 8, 0.5),
    GPT("gpt-4.1-2025-04-14", 2, 8, 0.5),
    GPT("gpt-4.1-mini*", 0.4, 1.6, 0.1),
    GPT("gpt-4.1-nano*", 0.1, 0.4, 0.025),
    GPT("gpt-4o-mini", 0.15, 0.6, 0.075),
    GPT("gpt-4o-mini-2024-07-18", 0.15, 0.6, 0.075),
    GPT("o3", 2, 8, 0.5),
    GPT("o3-2025-04-16", 2, 8, 0.5),
    GPT("o3-mini*", 1.1, 4.4, 0.55),
    GPT("o4-mini", 1.1, 4.4, 0.275),
    GPT("o4-mini-2025-04-16", 1.1, 4.4, 0.275),

    /* ai.google.dev/gemini-api/docs/pricing, likewise. */
    GEMINI("gemini-3.5-flash", 1.5, 9, 0.15),
    GEMINI("gemini-3.5-flash-lite", 0.3, 2.5, 0.03),
};

const struct price *prices_builtin(size_t *count)
{
    *count = COUNT(builtin);
    return builtin;
}

static size_t literal_bytes(struct str pattern)
{
    size_t n = 0;

    for (size_t i = 0; i < pattern.len; i++)
        n += pattern.at[i] != '*';
    return n;
}

/* How well a price fits: 0 not at all. */
static size_t fit(const struct price *p, struct str provider, struct str model)
{
    bool exact = str_eq(p->model, model);

    if (p->provider.len > 0 && !str_eq(p->provider, provider))
        return 0;
    if (!exact && !str_matches(model, p->model))
        return 0;
    return ((exact ? (size_t)1 << 20 : literal_bytes(p->model)) + 1) * 2 + (p->provider.len > 0);
}

static const struct price *best_of(const struct price *prices, size_t count, struct str provider,
                                   struct str model)
{
    const struct price *best = NULL;
    size_t best_fit = 0;

    for (size_t i = 0; i < count; i++) {
        size_t f = fit(&prices[i], provider, model);

        if (f > best_fit) {
            best_fit = f;
            best = &prices[i];
        }
    }
    return best;
}

const struct price *price_find(const struct price *own, size_t count, struct str provider,
                               struct str model)
{
    const struct price *p = best_of(own, count, provider, model);

    if (p == NULL) {
        own = prices_builtin(&count);
        p = best_of(own, count, provider, model);
    }
    return p;
}

static int64_t or_else(int64_t price, int64_t other)
{
    return price >= 0 ? price : other;
}

int64_t price_cost(const struct price *p, const struct usage *u)
{
    int64_t read = u->cache_read > 0 ? u->cache_read : 0;
    int64_t written = u->cache_write > 0 ? u->cache_write : 0;
    int64_t plain = u->in - read - written;
    __int128 sum;

    if (u->in == 0 && u->out == 0)
        return 0;
    if (p == NULL || u->in < 0 || u->out < 0)
        return COST_UNKNOWN;
    /* tokens by millionths of a dollar for a million: millionths of a millionth of a dollar */
    sum = (__int128)(plain > 0 ? plain : 0) * p->input + (__int128)u->out * p->output +
          (__int128)read * or_else(p->cache_read, p->input) +
          (__int128)written * or_else(p->cache_write, p->input);
    if (sum <= INT64_MAX - 500) /* as good as always: a division of 128 bits costs many of 64 */
        sum = ((int64_t)sum + 500) / 1000;
    else
        sum = (sum + 500) / 1000;
    return sum > INT64_MAX / 1024 ? INT64_MAX / 1024 : (int64_t)sum;
}

/* Digits with at most one point among them: their number, and how many stand behind the point. */
static bool decimal_read(struct str text, int64_t *digits, int *places)
{
    struct str whole, rest;
    bool point = str_cut(text, '.', &whole, &rest);

    *digits = 0;
    *places = (int)rest.len;
    if (whole.len == 0 || whole.len > 7 || rest.len > 9 || (point && rest.len == 0))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '.' && i == whole.len)
            continue;
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *digits = *digits * 10 + (text.at[i] - '0');
    }
    return true;
}

bool price_read(struct str text, int64_t *micros)
{
    struct str mantissa, exponent;
    int64_t digits, shift = 0;
    int places;

    /* programs write small numbers as `1e-06` */
    if (!str_cut(text, 'e', &mantissa, &exponent))
        (void)str_cut(text, 'E', &mantissa, &exponent);
    if (str_starts(exponent, STR("+")))
        exponent = str_drop(exponent, 1);
    if (mantissa.len < text.len && (!str_to_i64(exponent, &shift) || shift < -12 || shift > 6))
        return false;
    if (!decimal_read(mantissa, &digits, &places))
        return false;
    for (shift += 6 - places; shift > 0; shift--) {
        if (digits > PRICE_MAX)
            return false;
        digits *= 10;
    }
    for (; shift < 0; shift++, digits /= 10)
        if (digits % 10 != 0)
            return false;
    if (digits > PRICE_MAX)
        return false;
    *micros = digits;
    return true;
}

void price_put(struct buf *out, int64_t units, unsigned places)
{
    char text[48];
    size_t at = sizeof(text);
    uint64_t n = (uint64_t)(units > 0 ? units : 0);
    bool any = false;

    for (unsigned i = 0; i < places; i++, n /= 10) {
        any = any || n % 10 != 0;
        if (any)
            text[--at] = (char)('0' + n % 10);
    }
    if (any)
        text[--at] = '.';
    char *from = digits_u64(text + at, n);

    (void)buf_add(out, (struct str){ from, (size_t)(text + sizeof(text) - from) });
}
