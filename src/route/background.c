#include "route/background.h"

static const char *const words[BACKGROUND_KINDS] = { "title", "summary", "warmup", "topic" };

const char *background_word(enum background_kind kind)
{
    return words[kind];
}

bool background_from_word(struct str word, enum background_kind *kind)
{
    for (unsigned i = 0; i < BACKGROUND_KINDS; i++)
        if (str_eq(word, str_c(words[i]))) {
            *kind = (enum background_kind)i;
            return true;
        }
    return false;
}

#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }

/* What the agents' own prompts begin with, as of 2026-11. */
static const struct background_rule builtin[] = {
    /* Claude Code */
    { BACKGROUND_WARMUP, false, S("Warmup") },
    { BACKGROUND_WARMUP, false, S("quota") },
    { BACKGROUND_TOPIC, true, S("*Analyze if this message indicates a new conversation topic") },
    { BACKGROUND_TITLE, true, S("*Summarize this coding conversation in under 50 characters") },
    { BACKGROUND_TITLE, false, S("Please write a 5-10 word title") },
    { BACKGROUND_TITLE, true, S("*Generate a concise, sentence-case title") },
    { BACKGROUND_SUMMARY, true,
      S("You are a helpful AI assistant tasked with summarizing conversations") },
    /* Codex */
    { BACKGROUND_TITLE, true, S("*Generate a concise title for") },
    /* opencode */
    { BACKGROUND_TITLE, true, S("*You are a title generator") },
    { BACKGROUND_TITLE, false, S("Generate a title for this conversation") },
    /* Gemini CLI */
    { BACKGROUND_TOPIC, false,
      S("Analyze *only* the content and structure of your immediately preceding response") },
    { BACKGROUND_SUMMARY, false,
      S("Summarize the user's primary intent or goal in this conversation") },
};

const struct background_rule *background_builtin(size_t *count)
{
    *count = COUNT(builtin);
    return builtin;
}

/* The shortest way to say that more may follow: the pattern is met by some beginning of the text.
 */
static bool begins(struct str text, struct str pattern)
{
    struct str piece, rest = pattern;
    bool anywhere = false;

    for (bool more = true; more; anywhere = true) {
        more = str_cut(rest, '*', &piece, &rest);
        size_t at = anywhere ? str_find(text, piece) : str_starts(text, piece) ? 0 : SIZE_MAX;

        if (at == SIZE_MAX)
            return false;
        text = str_drop(text, at + piece.len);
    }
    return true;
}

/* A single word must be all of the text: users begin sentences with it, too. */
static bool fits(const struct background_rule *r, struct str system, struct str user)
{
    bool word = str_find(r->pattern, STR(" ")) == SIZE_MAX;
    struct str text = str_take(str_trim(r->in_system ? system : user), BACKGROUND_TEXT_MAX);

    if (text.len == 0)
        return false;
    return word ? str_matches(text, r->pattern) : begins(text, r->pattern);
}

struct str background_model(const struct background_spec *s, struct str system, struct str user)
{
    const struct background_rule *rules = s->rules;
    size_t count = s->rule_count;

    if (!s->enabled || user.len > BACKGROUND_USER_MAX)
        return STR("");
    if (rules == NULL)
        rules = background_builtin(&count);
    for (size_t i = 0; i < count; i++)
        if (fits(&rules[i], system, user))
            return s->models[rules[i].kind].len > 0 ? s->models[rules[i].kind] : s->model;
    return STR("");
}
