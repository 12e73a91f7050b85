/* pool/words.c - the words for modes, skips, reasons and layers, from their tables. */
#include "pool/pool.h"

static const struct {
    const char *word, *text;
} skips[SKIPS] = {
#define X(name, word, text) [SKIP_##name] = { word, text },
    SKIP_TABLE(X)
#undef X
}, reasons[PICK_REASONS] = {
#define X(name, word, text) [PICK_##name] = { word, text },
    PICK_TABLE(X)
#undef X
}, fates[LAYER_FATES] = {
#define X(name, word, text) [LAYER_##name] = { word, text },
    LAYER_TABLE(X)
#undef X
};

const char *skip_word(enum skip why)
{
    assert(why < SKIPS);
    return skips[why].word;
}

const char *skip_text(enum skip why)
{
    assert(why < SKIPS);
    return skips[why].text;
}

bool skip_from_word(struct str word, enum skip *why)
{
    for (unsigned i = 0; i < SKIPS; i++)
        if (str_eq(str_c(skips[i].word), word)) {
            *why = (enum skip)i;
            return true;
        }
    return false;
}

const char *pick_reason_word(enum pick_reason reason)
{
    assert(reason < PICK_REASONS);
    return reasons[reason].word;
}

const char *pick_reason_text(enum pick_reason reason)
{
    assert(reason < PICK_REASONS);
    return reasons[reason].text;
}

bool pick_reason_from_word(struct str word, enum pick_reason *reason)
{
    for (unsigned i = 0; i < PICK_REASONS; i++)
        if (str_eq(str_c(reasons[i].word), word)) {
            *reason = (enum pick_reason)i;
            return true;
        }
    return false;
}

const char *layer_fate_word(enum layer_fate fate)
{
    assert(fate < LAYER_FATES);
    return fates[fate].word;
}

const char *layer_fate_text(enum layer_fate fate)
{
    assert(fate < LAYER_FATES);
    return fates[fate].text;
}

static const char *const mode_words[] = {
    [MODE_BALANCE] = "Balance",
    [MODE_CACHE_FIRST] = "CacheFirst",
    [MODE_PERFORMANCE_FIRST] = "PerformanceFirst",
};

const char *pool_mode_word(enum pool_mode mode)
{
    assert(mode < COUNT(mode_words));
    return mode_words[mode];
}

bool pool_mode_from_word(struct str word, enum pool_mode *mode)
{
    for (unsigned i = 0; i < COUNT(mode_words); i++)
        if (str_eq(str_c(mode_words[i]), word)) {
            *mode = (enum pool_mode)i;
            return true;
        }
    return false;
}
