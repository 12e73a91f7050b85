#include "provider/delay.h"

#include "base/timetext.h"

/* Larger numbers than these are no seconds from now, no unix seconds (the year 5138). */
#define DELTA_SECONDS_BELOW UINT64_C(10000000)
#define UNIX_SECONDS_MAX UINT64_C(100000000000)

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t delay_until(int64_t at_unix_ms, int64_t unix_ms)
{
    int64_t left = 0;

    if (__builtin_sub_overflow(at_unix_ms, unix_ms, &left) || left <= 0)
        return DELAY_NONE;
    return left;
}

static int64_t delay_from_duration(struct str text)
{
    int64_t ms = 0;

    return duration_read(text, &ms) ? ms : DELAY_NONE;
}

static bool is_decimal(struct str s)
{
    bool digit = false;

    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] != '.' && (s.at[i] < '0' || s.at[i] > '9'))
            return false;
        digit = digit || s.at[i] != '.';
    }
    return digit;
}

int64_t delay_from_number(struct str digits, int64_t unix_ms)
{
    struct str whole, part;
    uint64_t n = 0;

    if (!is_decimal(digits))
        return DELAY_NONE;
    (void)str_cut(digits, '.', &whole, &part);
    if (!str_to_u64(whole, &n))
        return DELAY_NONE;
    if (n < DELTA_SECONDS_BELOW)
        return delay_from_duration(digits);
    if (n > (uint64_t)INT64_MAX)
        return DELAY_NONE;
    return delay_until(n > UNIX_SECONDS_MAX ? (int64_t)n : (int64_t)n * 1000, unix_ms);
}

/* --- fields ---------------------------------------------------------------------------------- */

/* `1500`, `1500.5`: milliseconds. */
static int64_t delay_from_ms(struct str text)
{
    int64_t thousandfold = 0; /* read as seconds, so that decimals are rounded up by one rule */

    if (!is_decimal(text) || !duration_read(text, &thousandfold))
        return DELAY_NONE;
    return thousandfold / 1000 + (thousandfold % 1000 != 0 ? 1 : 0);
}

int64_t delay_retry_after(const struct http_head *head, int64_t unix_ms)
{
    int64_t at_ms = 0, date_ms = 0;
    int64_t delay = delay_from_ms(http_field_value(head, STR("retry-after-ms")));
    struct str after = http_field_value(head, STR("retry-after"));

    if (delay == DELAY_NONE && is_decimal(after))
        delay = delay_from_duration(after);
    if (delay == DELAY_NONE && date_read_http(after, &at_ms)) {
        if (!date_read_http(http_field_value(head, STR("date")), &date_ms))
            date_ms = unix_ms;
        delay = delay_until(at_ms, date_ms);
    }
    return delay;
}

int64_t delay_from_reset(struct str value, int64_t unix_ms)
{
    int64_t at_ms = 0;

    if (is_decimal(value))
        return delay_from_number(value, unix_ms);
    if (date_read_rfc3339(value, &at_ms))
        return delay_until(at_ms, unix_ms);
    return delay_from_duration(value);
}

/* The value of the field called `a`, `b` and `c` in one. */
static struct str field_joined(const struct http_head *head, struct str a, struct str b,
                               struct str c)
{
    char name[128];
    struct buf to = { .at = name, .cap = sizeof(name), .max = sizeof(name) };

    if (a.len + b.len + c.len > sizeof(name))
        return STR("");
    (void)(buf_add(&to, a) && buf_add(&to, b) && buf_add(&to, c)); /* room was checked */
    return http_field_value(head, buf_str(&to));
}

/* A counter that still has something left does not keep anybody away. */
static bool is_left(struct str remaining)
{
    uint64_t n = 0;

    return str_to_u64(remaining, &n) && n > 0;
}

/* `x-ratelimit-reset-requests`: OpenAI's names end in what is counted. */
static int64_t reset_openai(const struct http_head *head, const struct http_field *f,
                            int64_t unix_ms)
{
    const struct str prefix = STR("x-ratelimit-reset-");

    if (!str_istarts(f->name, prefix))
        return DELAY_NONE;
    struct str what = str_drop(f->name, prefix.len);

    if (is_left(field_joined(head, STR("x-ratelimit-remaining-"), what, STR(""))))
        return DELAY_NONE;
    return delay_from_reset(f->value, unix_ms);
}

/* `anthropic-ratelimit-input-tokens-reset`: Anthropic's stand in the middle. A unified window (of a
 * subscription) counts when it was rejected, others when nothing remains. */
static int64_t reset_anthropic(const struct http_head *head, const struct http_field *f,
                               int64_t unix_ms)
{
    const struct str suffix = STR("-reset");

    if (!str_istarts(f->name, STR("anthropic-")) || f->name.len <= suffix.len)
        return DELAY_NONE;
    struct str what = str_drop_last(f->name, suffix.len);

    if (!str_ieq(str_drop(f->name, what.len), suffix))
        return DELAY_NONE;
    if (str_istarts(what, STR("anthropic-ratelimit-unified"))) {
        struct str status = field_joined(head, what, STR("-status"), STR(""));

        return str_ieq(status, STR("rejected")) ? delay_from_reset(f->value, unix_ms) : DELAY_NONE;
    }
    if (is_left(field_joined(head, what, STR("-remaining"), STR(""))))
        return DELAY_NONE;
    return delay_from_reset(f->value, unix_ms);
}

/* `x-codex-primary-used-percent`, and further limits under names of their own. */
static int64_t reset_codex(const struct http_head *head, const struct http_field *f,
                           int64_t unix_ms)
{
    const struct str suffix = STR("-used-percent");
    struct str whole, part;
    uint64_t percent = 0;

    if (!str_istarts(f->name, STR("x-")) || f->name.len <= suffix.len)
        return DELAY_NONE;
    struct str window = str_drop_last(f->name, suffix.len);

    if (!str_ieq(str_drop(f->name, window.len), suffix))
        return DELAY_NONE;
    (void)str_cut(f->value, '.', &whole, &part);
    if (!str_to_u64(whole, &percent) || percent < 100)
        return DELAY_NONE;
    int64_t delay =
        delay_from_reset(field_joined(head, window, STR("-reset-at"), STR("")), unix_ms);

    if (delay != DELAY_NONE)
        return delay;
    return delay_from_reset(field_joined(head, window, STR("-reset-after-seconds"), STR("")),
                            unix_ms);
}

int64_t delay_from_head(const struct http_head *head, int64_t unix_ms)
{
    const struct str whole = STR("anthropic-ratelimit-unified-reset");
    int64_t delay = delay_retry_after(head, unix_ms), unified = DELAY_NONE;

    if (delay != DELAY_NONE)
        return delay;
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct http_field *f = &head->fields[i];

        if (str_ieq(f->name, whole)) { /* the sum of its windows: only for want of them */
            unified = reset_anthropic(head, f, unix_ms);
            continue;
        }
        delay = later(delay, reset_openai(head, f, unix_ms));
        delay = later(delay, reset_anthropic(head, f, unix_ms));
        delay = later(delay, reset_codex(head, f, unix_ms));
    }
    if (delay == DELAY_NONE)
        delay = unified;
    if (delay == DELAY_NONE && !is_left(http_field_value(head, STR("x-ratelimit-remaining"))))
        delay = delay_from_reset(http_field_value(head, STR("x-ratelimit-reset")), unix_ms);
    return delay;
}

/* --- words ----------------------------------------------------------------------------------- */

enum phrase_kind {
    PHRASE_DURATION, /* a duration in any form follows */
    PHRASE_UNIT,     /* … but a bare number would not do */
    PHRASE_DAYS,     /* … and only one that speaks of days */
    PHRASE_TIME,     /* a time follows */
};

static const struct {
    struct str lead;
    enum phrase_kind kind;
} phrases[] = {
#define PHRASE(lead, kind)                        \
    {                                             \
        { lead, sizeof(lead) - 1 }, PHRASE_##kind \
    }
    PHRASE("try again in", DURATION), PHRASE("retry in", DURATION),
    PHRASE("retry after", DURATION),  PHRASE("reset after", DURATION),
    PHRASE("resets after", DURATION), PHRASE("reset in", DURATION),
    PHRASE("resets in", DURATION),    PHRASE("wait", UNIT),
    PHRASE("reset at", TIME),         PHRASE("resets at", TIME),
    PHRASE("in about", UNIT),         PHRASE("in ", DAYS),
#undef PHRASE
};

static struct str skip_blanks(struct str s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t' || s.at[0] == '\n' || s.at[0] == '\r'))
        s = str_drop(s, 1);
    return s;
}

static int64_t time_at_front(struct str s, int64_t unix_ms)
{
    size_t len = 0;

    while (len < s.len && len < 64 && s.at[len] > ' ' && s.at[len] != ',' && s.at[len] != ')' &&
           s.at[len] != '"')
        len++;
    s = str_take(s, len);
    while (str_ends(s, STR(".")))
        s = str_drop_last(s, 1);
    return delay_from_reset(s, unix_ms);
}

static bool has_letter(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (char_lower(s.at[i]) >= 'a' && char_lower(s.at[i]) <= 'z')
            return true;
    return false;
}

/* What stands behind a phrase. */
static int64_t delay_at_front(struct str s, enum phrase_kind kind, int64_t unix_ms)
{
    const struct str about = STR("about ");
    int64_t ms = 0;
    size_t used = 0;

    s = skip_blanks(s);
    if (kind == PHRASE_TIME)
        return time_at_front(s, unix_ms);
    if (str_istarts(s, about))
        s = skip_blanks(str_drop(s, about.len));
    if (!duration_read_prefix(s, &ms, &used))
        return DELAY_NONE;
    if (kind == PHRASE_UNIT && !has_letter(str_take(s, used)))
        return DELAY_NONE;
    if (kind == PHRASE_DAYS && str_ifind(str_take(s, used), STR("day")) == SIZE_MAX)
        return DELAY_NONE;
    return ms;
}

int64_t delay_from_text(struct str text, int64_t unix_ms)
{
    char lower[DELAY_TEXT_MAX];

    text = str_take(text, sizeof(lower));
    for (size_t i = 0; i < text.len; i++)
        lower[i] = char_lower(text.at[i]);
    for (size_t i = 0; i < COUNT(phrases); i++) {
        struct str rest = { lower, text.len };
        size_t at = 0;

        while ((at = str_find(rest, phrases[i].lead)) != SIZE_MAX) {
            rest = str_drop(rest, at + phrases[i].lead.len);
            int64_t delay =
                delay_at_front(str_drop(text, text.len - rest.len), phrases[i].kind, unix_ms);

            if (delay != DELAY_NONE)
                return delay;
        }
    }
    return DELAY_NONE;
}
