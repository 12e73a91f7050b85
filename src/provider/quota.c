#include "provider/quota.h"

#include <stdio.h>

#include "base/json.h"
#include "provider/delay.h"
#include "provider/provider_int.h"

/* Most providers spell their fields as we do. */
static bool says(struct str text, struct str word)
{
    return text.len == word.len && (memcmp(text.at, word.at, word.len) == 0 || str_ieq(text, word));
}

static bool begins(struct str text, struct str lead)
{
    return text.len > lead.len && char_lower(text.at[0]) == lead.at[0] &&
           (memcmp(text.at, lead.at, lead.len) == 0 || str_istarts(text, lead));
}

/* --- numbers ----------------------------------------------------------------------------------*/

#define NUMBER_MAX INT64_C(1000000000000) /* of whole ones: more than any allowance */

bool quota_number(struct str text, unsigned places, int64_t *out)
{
    int64_t n = 0;
    bool point = false, digit = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        digit = true;
        if (point && places == 0)
            continue;
        n = n * 10 + (c - '0');
        places -= point;
        if (n > NUMBER_MAX * 1000)
            return false;
    }
    for (; places > 0; places--)
        n *= 10;
    *out = n;
    return digit && n <= NUMBER_MAX * 1000;
}

struct str quota_window_name(int64_t minutes, char out[QUOTA_NAME_MAX])
{
    int len;

    if (minutes == 7 * 24 * 60)
        return STR("weekly");
    if (minutes > 0 && minutes % (24 * 60) == 0)
        len = snprintf(out, QUOTA_NAME_MAX, "%lldd", (long long)(minutes / (24 * 60)));
    else if (minutes > 0 && minutes % 60 == 0)
        len = snprintf(out, QUOTA_NAME_MAX, "%lldh", (long long)(minutes / 60));
    else
        len = snprintf(out, QUOTA_NAME_MAX, "%lldm", (long long)minutes);
    return (struct str){ out, (size_t)len };
}

void quota_add(struct quota_said *said, struct str name, int64_t remaining_permille,
               int64_t reset_in_ms, const struct moment *now)
{
    struct quota_window *w = NULL;

    remaining_permille = remaining_permille < 0      ? 0
                         : remaining_permille > 1000 ? 1000
                                                     : remaining_permille;
    if (said->count < QUOTA_WINDOWS_MAX) {
        w = &said->windows[said->count++];
    } else {
        w = &said->windows[0];
        for (uint32_t i = 1; i < QUOTA_WINDOWS_MAX; i++)
            if (said->windows[i].remaining_permille > w->remaining_permille)
                w = &said->windows[i];
        if (w->remaining_permille <= remaining_permille)
            return;
    }
    *w = (struct quota_window){ .remaining_permille = (int32_t)remaining_permille,
                                .reset_ms =
                                    reset_in_ms == DELAY_NONE ? 0 : now->loop_ms + reset_in_ms };
    name = str_take(name, sizeof(w->name) - 1);
    for (size_t i = 0; i < name.len; i++)
        w->name[i] = char_lower(name.at[i]);
    said->seen_ms = now->loop_ms;
}

/* --- heads ------------------------------------------------------------------------------------*/

/* What fields said of one window. */
struct window_reading {
    struct str name;
    int64_t limit, remaining, remaining_permille, minutes; /* -1: not said */
    int64_t reset_in_ms;
};
#define READINGS_MAX 8

struct head_reading {
    const struct moment *now;
    struct window_reading at[READINGS_MAX];
    size_t count;
};

static struct window_reading *window_named(struct head_reading *r, struct str name)
{
    for (size_t i = 0; i < r->count; i++)
        if (says(r->at[i].name, name))
            return &r->at[i];
    if (r->count == READINGS_MAX)
        return NULL;
    r->at[r->count] = (struct window_reading){ name, -1, -1, -1, -1, DELAY_NONE };
    return &r->at[r->count++];
}

static void take_number(struct str value, unsigned places, int64_t *to)
{
    int64_t n;

    if (quota_number(value, places, &n))
        *to = n;
}

static void take_word(struct head_reading *r, struct str window, struct str word, struct str value)
{
    struct window_reading *w = window_named(r, window);

    if (w == NULL)
        return;
    if (says(word, STR("limit"))) {
        take_number(value, 0, &w->limit);
    } else if (says(word, STR("remaining"))) {
        take_number(value, 0, &w->remaining);
    } else if (says(word, STR("reset"))) {
        w->reset_in_ms = delay_from_reset(value, r->now->unix_ms);
    }
}

/* `x-ratelimit-remaining-tokens`, and without what is counted: `X-RateLimit-Remaining`. */
static void read_openai(struct head_reading *r, struct str rest, struct str value)
{
    struct str word, window;

    if (!str_cut(rest, '-', &word, &window))
        window = STR("requests");
    take_word(r, window, word, value);
}

/* `anthropic-ratelimit-input-tokens-remaining`, `anthropic-ratelimit-unified-5h-utilization` */
static void read_anthropic(struct head_reading *r, struct str rest, struct str value)
{
    struct str window, word;
    int64_t used;

    if (!str_cut_last(rest, '-', &window, &word))
        return;
    if (!begins(window, STR("unified-"))) {
        if (!says(window, STR("unified")))
            take_word(r, window, word, value);
        return;
    }
    window = str_drop(window, 8);
    if (says(word, STR("utilization")) && quota_number(value, 3, &used)) {
        struct window_reading *w = window_named(r, window);

        if (w != NULL)
            w->remaining_permille = used > 1000 ? 0 : 1000 - used;
    } else {
        take_word(r, window, word, value);
    }
}

/* `x-codex-primary-used-percent`; other limits than the account's two windows are left alone. */
static void read_codex(struct head_reading *r, struct str rest, struct str value)
{
    struct str window, word;
    int64_t used;

    if (!str_cut(rest, '-', &window, &word) ||
        (!says(window, STR("primary")) && !says(window, STR("secondary"))))
        return;
    struct window_reading *w = window_named(r, window);

    if (w == NULL)
        return;
    if (says(word, STR("used-percent")) && quota_number(value, 1, &used))
        w->remaining_permille = used > 1000 ? 0 : 1000 - used;
    else if (says(word, STR("window-minutes")))
        take_number(value, 0, &w->minutes);
    else if (says(word, STR("reset-at")))
        w->reset_in_ms = delay_from_number(value, r->now->unix_ms);
    else if (says(word, STR("reset-after-seconds")) && w->reset_in_ms == DELAY_NONE)
        w->reset_in_ms = delay_from_reset(value, r->now->unix_ms);
}

/* `x-quota-snapshot-premium_interactions: ent=300&ov=0.0&ovPerm=false&rem=98.5&rst=2026-…`, which
 * is also called `-premium_models`. */
static void read_copilot(struct head_reading *r, struct str rest, struct str value)
{
    char text[64];
    size_t len;
    int64_t n;
    struct window_reading *w;

    if ((!says(rest, STR("premium_interactions")) && !says(rest, STR("premium_models"))) ||
        (w = window_named(r, STR("premium"))) == NULL)
        return;
    if (http_query_get(value, STR("rem"), text, sizeof(text), &len) &&
        quota_number((struct str){ text, len }, 1, &n))
        w->remaining_permille = n;
    if (http_query_get(value, STR("rst"), text, sizeof(text), &len))
        w->reset_in_ms = delay_from_reset((struct str){ text, len }, r->now->unix_ms);
    if (http_query_get(value, STR("ent"), text, sizeof(text), &len) &&
        str_eq((struct str){ text, len }, STR("-1")))
        w->remaining_permille = 1000; /* unlimited */
}

static const struct head_form {
    const struct dialect *dialect;
    struct str lead;
    void (*read)(struct head_reading *r, struct str rest, struct str value);
} forms[] = {
    { &dialect_openai, TEXT("x-ratelimit-"), read_openai },
    { &dialect_anthropic, TEXT("anthropic-ratelimit-"), read_anthropic },
    { &dialect_codex, TEXT("x-codex-"), read_codex },
    { &dialect_copilot, TEXT("x-quota-snapshot-"), read_copilot },
};

/* Each answer tells of premium requests, whether it cost one or not. */
struct str quota_head_group(const struct upstream *u)
{
    return u->dialect == &dialect_copilot ? quota_group_copilot(STR("")) : STR("");
}

static const struct head_form *form_of(const struct upstream *u)
{
    for (size_t i = 0; i < COUNT(forms); i++)
        if (forms[i].dialect == u->dialect)
            return &forms[i];
    return NULL;
}

static void window_take(const struct window_reading *w, const struct moment *now,
                        struct quota_said *out)
{
    char text[QUOTA_NAME_MAX];
    int64_t remaining = w->remaining_permille;

    if (remaining < 0 && w->limit > 0 && w->remaining >= 0)
        remaining = w->remaining * 1000 / w->limit;
    if (remaining < 0)
        return;
    quota_add(out, w->minutes > 0 ? quota_window_name(w->minutes, text) : w->name, remaining,
              w->reset_in_ms, now);
}

bool quota_from_head(const struct upstream *u, const struct http_head *head,
                     const struct moment *now, struct quota_said *out)
{
    const struct head_form *form = form_of(u);
    struct head_reading r;

    if (form == NULL)
        return false;
    r.now = now;
    r.count = 0; /* the places need no zeroes */
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct http_field *f = &head->fields[i];

        if (begins(f->name, form->lead))
            form->read(&r, str_drop(f->name, form->lead.len), f->value);
    }
    if (r.count == 0)
        return false;
    out->count = 0;
    for (size_t i = 0; i < r.count; i++)
        window_take(&r.at[i], now, out);
    return out->count > 0;
}

/* --- Codex' windows as JSON ------------------------------------------------------------------*/

bool quota_number_in(const struct json *doc, uint32_t object, const char *name, unsigned places,
                     int64_t *out)
{
    uint32_t node = object == JSON_NONE || json_type(doc, object) != JSON_OBJECT
                        ? JSON_NONE
                        : json_member(doc, object, str_c(name), NULL);

    if (node == JSON_NONE)
        return false;
    if (json_type(doc, node) == JSON_NUMBER)
        return quota_number(json_raw(doc, node), places, out);
    return json_type(doc, node) == JSON_STRING && quota_number(json_inside(doc, node), places, out);
}

void quota_add_codex(const struct json *doc, uint32_t window, struct str name,
                     const struct moment *now, struct quota_said *said)
{
    int64_t used, minutes = 0, reset = DELAY_NONE;
    char text[QUOTA_NAME_MAX];

    if (!quota_number_in(doc, window, "used_percent", 1, &used))
        return;
    if (quota_number_in(doc, window, "reset_at", 0, &reset))
        reset = delay_until(reset * 1000, now->unix_ms);
    else if (quota_number_in(doc, window, "reset_after_seconds", 0, &reset))
        reset *= 1000;
    if (quota_number_in(doc, window, "limit_window_seconds", 0, &minutes))
        minutes = (minutes + 59) / 60;
    else
        (void)quota_number_in(doc, window, "window_minutes", 0, &minutes);
    if (minutes > 0)
        name = quota_window_name(minutes, text);
    quota_add(said, name, used > 1000 ? 0 : 1000 - used, reset, now);
}

bool quota_from_event(const struct upstream *u, struct str data, struct arena *a,
                      const struct moment *now, struct quota_said *out)
{
    static const char *const names[] = { "primary", "secondary" };
    struct json doc;
    uint32_t limits;

    out->count = 0;
    if (u->dialect != &dialect_codex || !json_parse(&doc, data, NULL, a, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT)
        return false;
    limits = json_member(&doc, 0, STR("rate_limits"), NULL);
    for (size_t i = 0; i < COUNT(names) && limits != JSON_NONE; i++)
        if (json_type(&doc, limits) == JSON_OBJECT)
            quota_add_codex(&doc, json_member(&doc, limits, str_c(names[i]), NULL), str_c(names[i]),
                            now, out);
    return out->count > 0;
}
