#include "route/alias.h"

/* Short names and retired ids; the first that is offered serves. */
static const struct {
    struct str name;
    struct str to[4];
} known[] = {
#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }
    { S("sonnet"), { S("claude-sonnet-4-6"), S("claude-sonnet-4-5") } },
    { S("claude-sonnet"), { S("claude-sonnet-4-6"), S("claude-sonnet-4-5") } },
    { S("opus"),
      { S("claude-opus-4-6"), S("claude-opus-4-6-thinking"), S("claude-opus-4-5"),
        S("claude-opus-4-5-thinking") } },
    { S("claude-opus"),
      { S("claude-opus-4-6"), S("claude-opus-4-6-thinking"), S("claude-opus-4-5"),
        S("claude-opus-4-5-thinking") } },
    { S("haiku"), { S("claude-haiku-4-5") } },
    { S("claude-haiku"), { S("claude-haiku-4-5") } },
    { S("claude-3-5-sonnet"), { S("claude-sonnet-4-5"), S("claude-sonnet-4-6") } },
    { S("claude-3-7-sonnet"), { S("claude-sonnet-4-5"), S("claude-sonnet-4-6") } },
    { S("claude-3-sonnet"), { S("claude-sonnet-4-5"), S("claude-sonnet-4-6") } },
    { S("claude-3-haiku"), { S("claude-haiku-4-5") } },
    { S("claude-3-5-haiku"), { S("claude-haiku-4-5") } },
    { S("claude-3-opus"), { S("claude-opus-4-5"), S("claude-opus-4-5-thinking") } },
    { S("claude-sonnet-4"), { S("claude-sonnet-4-5"), S("claude-sonnet-4-6") } },
    { S("claude-opus-4"),
      { S("claude-opus-4-5"), S("claude-opus-4-5-thinking"), S("claude-opus-4-6"),
        S("claude-opus-4-6-thinking") } },
    { S("claude-opus-4-1"),
      { S("claude-opus-4-5"), S("claude-opus-4-5-thinking"), S("claude-opus-4-6"),
        S("claude-opus-4-6-thinking") } },
    { S("claude-haiku-4"), { S("claude-haiku-4-5") } },
    { S("claude-sonnet-4-5"), { S("claude-sonnet-4-6") } },
    { S("claude-opus-4-5"), { S("claude-opus-4-6"), S("claude-opus-4-6-thinking") } },
    { S("gemini-pro"),
      { S("gemini-3-pro-preview"), S("gemini-3-pro-high"), S("gemini-3-pro"),
        S("gemini-2.5-pro") } },
    { S("gemini-flash"),
      { S("gemini-3-flash"), S("gemini-3-flash-preview"), S("gemini-2.5-flash") } },
    { S("gemini-3-pro"), { S("gemini-3-pro-preview"), S("gemini-3-pro-high") } },
    { S("gemini-3-pro-preview"), { S("gemini-3-pro"), S("gemini-3-pro-high") } },
    { S("gemini-3.1-pro"), { S("gemini-3.1-pro-preview"), S("gemini-3.1-pro-high") } },
    { S("gemini-3-flash"), { S("gemini-3-flash-preview") } },
    { S("gemini-3-flash-preview"), { S("gemini-3-flash") } },
    { S("gemini-3-pro-image"), { S("gemini-3-pro-image-preview") } },
    { S("gemini-2.0-flash-exp"), { S("gemini-2.0-flash"), S("gemini-2.5-flash") } },
    { S("gemini-1.5-pro"), { S("gemini-2.5-pro") } },
    { S("gemini-1.5-flash"), { S("gemini-2.5-flash") } },
    { S("gpt-oss-120b"), { S("gpt-oss-120b-medium") } },
    { S("gpt-5.3-codex-spark"), { S("gpt-5.3-codex") } },
#undef S
};

static void add(struct aliases *out, struct str model, struct str name)
{
    if (out->count == ALIASES_MAX || name.len == 0 || str_eq(name, model))
        return;
    for (size_t i = 0; i < out->count; i++)
        if (str_eq(out->at[i], name))
            return;
    out->at[out->count++] = name;
}

static void add_made(struct aliases *out, struct str model, struct str head, struct str tail)
{
    char *to;

    if (out->count == ALIASES_MAX || head.len + tail.len > ALIAS_TEXT)
        return;
    to = out->text[out->count];
    memcpy(to, head.at, head.len);
    memcpy(to + head.len, tail.at, tail.len);
    add(out, model, (struct str){ to, head.len + tail.len });
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `-20250929`, `-2024-08-06`, `@20250929`. */
static size_t date_bytes(struct str s)
{
    static const char *const forms[] = { "-dddddddd", "@dddddddd", "-dddd-dd-dd" };

    for (size_t f = 0; f < COUNT(forms); f++) {
        struct str form = str_c(forms[f]);
        size_t i = 0;

        if (s.len <= form.len)
            continue;
        struct str tail = str_drop(s, s.len - form.len);

        while (i < form.len &&
               (form.at[i] == 'd' ? is_digit(tail.at[i]) : tail.at[i] == form.at[i]))
            i++;
        if (i == form.len)
            return form.len;
    }
    return 0;
}

static struct str undated(struct str s)
{
    static const struct str latest[] = { { "-latest", 7 }, { ":latest", 7 } };

    for (size_t i = 0; i < COUNT(latest); i++)
        if (str_ends(s, latest[i]) && s.len > latest[i].len)
            return str_drop_last(s, latest[i].len);
    return str_drop_last(s, date_bytes(s));
}

/* Vendors disagree on `claude-sonnet-4.5` and `claude-sonnet-4-5`. */
static void add_respelled(struct aliases *out, struct str model, struct str s)
{
    if (!str_starts(s, STR("claude-")) || out->count == ALIASES_MAX || s.len > ALIAS_TEXT)
        return;
    char *to = out->text[out->count];

    memcpy(to, s.at, s.len);
    for (size_t i = 1; i + 1 < s.len; i++)
        if (is_digit(s.at[i - 1]) && is_digit(s.at[i + 1]) && (s.at[i] == '.' || s.at[i] == '-') &&
            (i + 2 == s.len || !is_digit(s.at[i + 2])))
            to[i] = s.at[i] == '.' ? '-' : '.';
    add(out, model, (struct str){ to, s.len });
}

static void add_known(struct aliases *out, struct str model, struct str name)
{
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_eq(known[i].name, name))
            for (size_t k = 0; k < COUNT(known[i].to); k++)
                add(out, model, known[i].to[k]);
}

/* With and without thinking: some providers offer the one, some the other. */
static void add_thinking(struct aliases *out, struct str model, struct str name)
{
    static const struct str thinking = { "-thinking", 9 };

    if (str_ends(name, thinking))
        add(out, model, undated(str_drop_last(name, thinking.len)));
    else if (str_starts(name, STR("claude-")))
        add_made(out, model, name, thinking);
}

void aliases_of(struct str model, struct aliases *out)
{
    struct str plain = str_starts(model, STR("models/")) ? str_drop(model, 7) : model;

    out->count = out->spellings = 0;
    if (model.len > ALIAS_TEXT)
        return;
    add(out, model, plain);
    plain = undated(plain);
    add(out, model, plain);
    add_respelled(out, model, plain);
    out->spellings = out->count;
    add_thinking(out, model, model);
    for (size_t i = 0; i < out->spellings; i++)
        add_thinking(out, model, out->at[i]);
    for (size_t i = 0, n = out->count; i < n; i++)
        add_known(out, model, out->at[i]);
    add_known(out, model, model);
}
