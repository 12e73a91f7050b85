#include "play.h"

struct str word_next(struct words *w)
{
    return w->next < w->count ? w->at[w->next++] : STR("");
}

bool word_is(struct words *w, const char *what)
{
    if (w->next < w->count && str_eq(w->at[w->next], str_c(what))) {
        w->next++;
        return true;
    }
    return false;
}

bool word_value(struct words *w, const char *name, struct str *value)
{
    struct str key, behind;

    if (w->next == w->count || !str_cut(w->at[w->next], '=', &key, &behind) ||
        !str_eq(key, str_c(name)))
        return false;
    *value = behind;
    w->next++;
    return true;
}

/* Is the character a quote that opens or closes? Within one kind the other is a character like
 * any. */
static bool quote_turns(char c, char *quoted)
{
    if ((c != '"' && c != '\'') || (*quoted != '\0' && *quoted != c))
        return false;
    *quoted = *quoted == '\0' ? c : '\0';
    return true;
}

void words_split(struct arena *a, struct str clause, struct words *w)
{
    *w = (struct words){ .count = 0 };
    clause = str_trim(clause);
    for (size_t i = 0; i < clause.len && w->count < WORDS_MAX;) {
        char *word = arena_alloc(a, clause.len + 1), quoted = '\0';
        size_t len = 0;

        for (; i < clause.len && (quoted != '\0' || clause.at[i] != ' '); i++)
            if (!quote_turns(clause.at[i], &quoted))
                word[len++] = clause.at[i];
        w->at[w->count++] = (struct str){ word, len };
        while (i < clause.len && clause.at[i] == ' ')
            i++;
    }
}

bool clause_next(struct str *rest, struct str *clause)
{
    char quoted = '\0';

    if (rest->len == 0)
        return false;
    for (size_t i = 0; i < rest->len; i++) {
        (void)quote_turns(rest->at[i], &quoted);
        if (quoted == '\0' && rest->at[i] == ',' && i + 1 < rest->len && rest->at[i + 1] == ' ') {
            *clause = str_take(*rest, i);
            *rest = str_drop(*rest, i + 2);
            return true;
        }
    }
    *clause = *rest;
    *rest = STR("");
    return true;
}

bool number_read(struct str s, uint64_t *n)
{
    return str_to_u64(s, n);
}

bool time_read(struct str s, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };

    if (str_starts(s, STR("+")))
        s = str_drop(s, 1);
    for (size_t i = 0; i < COUNT(units); i++) {
        struct str unit = str_c(units[i].unit);
        uint64_t n;

        if (str_ends(s, unit) && number_read(str_drop_last(s, unit.len), &n)) {
            *ms = (int64_t)n * units[i].ms;
            return true;
        }
    }
    return false;
}
