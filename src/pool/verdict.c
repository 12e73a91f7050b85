#include "pool/verdict.h"

static const char *const words[VERDICT_KINDS] = {
#define X(name, word, text) [VERDICT_##name] = word,
    VERDICT_TABLE(X)
#undef X
};

static const char *const texts[VERDICT_KINDS] = {
#define X(name, word, text) [VERDICT_##name] = text,
    VERDICT_TABLE(X)
#undef X
};

enum { FREE = 1, ROTATES = 2 };

/* Zero for what concerns the request itself, or nobody. */
static const uint8_t traits[VERDICT_KINDS] = {
    [VERDICT_RATE_LIMITED] = FREE | ROTATES,
    [VERDICT_QUOTA_EXHAUSTED] = FREE | ROTATES,
    [VERDICT_CAPACITY] = FREE | ROTATES,
    [VERDICT_SERVER_ERROR] = ROTATES,
    [VERDICT_TIMEOUT] = ROTATES,
    [VERDICT_NETWORK] = ROTATES,
    [VERDICT_AUTH_EXPIRED] = FREE | ROTATES,
    [VERDICT_AUTH_INVALID] = FREE | ROTATES,
    [VERDICT_FORBIDDEN] = FREE | ROTATES,
    [VERDICT_NEEDS_ACTION] = FREE | ROTATES,
    [VERDICT_MODEL_MISSING] = FREE | ROTATES,
};

const char *verdict_word(enum verdict_kind kind)
{
    assert(kind < VERDICT_KINDS);
    return words[kind];
}

const char *verdict_text(enum verdict_kind kind)
{
    assert(kind < VERDICT_KINDS);
    return texts[kind];
}

bool verdict_from_word(struct str word, enum verdict_kind *kind)
{
    for (unsigned i = 0; i < VERDICT_KINDS; i++)
        if (str_eq(str_c(words[i]), word)) {
            *kind = (enum verdict_kind)i;
            return true;
        }
    return false;
}

bool verdict_is_free(enum verdict_kind kind)
{
    assert(kind < VERDICT_KINDS);
    return (traits[kind] & FREE) != 0;
}

bool verdict_is_short(const struct verdict *v)
{
    return v->kind == VERDICT_RATE_LIMITED && v->delay_ms >= 0 && v->delay_ms <= VERDICT_SHORT_MS;
}

bool verdict_rotates(enum verdict_kind kind)
{
    assert(kind < VERDICT_KINDS);
    return (traits[kind] & ROTATES) != 0;
}
