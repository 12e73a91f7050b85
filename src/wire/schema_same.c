/* wire/schema_same.c - schemas that stay as they are.
 *
 * Most schemas of tools say what every form takes as it stands. To see that takes one walk over the
 * text, without a tape; whatever is not plainly so is left to the walk of schema.c. */
#include "wire/schema_int.h"

#define SAME_DEPTH 16
#define SAME_NAMES 48 /* properties of one object */

struct same {
    struct json_cursor c;
    enum schema_form form;
    bool tool;
    uint32_t nodes;
    struct str draft; /* the member `$schema` of the root, which goes: its key and value */
};

/* The inside of a string, as it stands; empty for any other value. */
static struct str word_of(struct str raw)
{
    return raw.len > 2 && raw.at[0] == '"' ? (struct str){ raw.at + 1, raw.len - 2 } : STR("");
}

/* A name that holds an escape may be spelt otherwise elsewhere. */
static bool has_escape(struct str raw)
{
    return memchr(raw.at, '\\', raw.len) != NULL;
}

static uint32_t same_type(struct str word)
{
    for (int t = 0; t < TYPES && word.len > 0; t++)
        if (word.at[0] == schema_type_names[t].json[0] &&
            str_eq(word, str_c(schema_type_names[t].json)))
            return 1u << t;
    return 0;
}

/* `string`, or `["string","null"]`; 0 when it would be spelt otherwise. */
static uint32_t same_types(struct str raw)
{
    uint32_t types = 0, one;
    struct str word;

    if (raw.at[0] != '[')
        return same_type(word_of(raw));
    for (struct json_cursor c = json_open(raw); json_next(&c, &word); types |= one) {
        one = same_type(word_of(word));
        if (one == 0)
            return 0;
    }
    return types;
}

/* A list of words, which every form takes as values. */
static bool same_words(struct str raw)
{
    struct str word;
    uint32_t count = 0;

    if (raw.at[0] != '[')
        return false;
    for (struct json_cursor c = json_open(raw); json_next(&c, &word); count++)
        if (word.at[0] != '"')
            return false;
    return count > 0;
}

/* Are these all names of properties, each once? */
static bool same_required(struct str raw, const struct str *names, uint32_t count)
{
    struct str name;
    uint64_t seen = 0;

    if (raw.at[0] != '[')
        return false;
    for (struct json_cursor c = json_open(raw); json_next(&c, &name);) {
        uint32_t i = 0;

        while (i < count && !str_eq(names[i], name))
            i++;
        if (i == count || (seen >> i & 1) != 0)
            return false;
        seen |= UINT64_C(1) << i;
    }
    return true;
}

static bool is_name_new(struct str name, const struct str *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (str_eq(names[i], name))
            return false;
    return true;
}

static bool same_node(struct same *s, uint32_t depth);

static bool same_properties(struct same *s, uint32_t depth, struct str *names, uint32_t *count)
{
    if (json_peek(&s->c) != '{' || !json_enter(&s->c))
        return false;
    for (struct str name; json_next(&s->c, &name); names[(*count)++] = name)
        if (*count == SAME_NAMES || has_escape(name) || !is_name_new(name, names, *count) ||
            !same_node(s, depth + 1))
            return false;
    return true;
}

/* A member of which the table knows what becomes of it. */
static bool same_member(struct same *s, uint32_t depth, struct str key, int kw)
{
    struct str value;

    if ((kw < 0 ? schema_unknown[s->form] : schema_keywords[kw].on[s->form]) == KEEP) {
        bool counts = kw >= K_MIN_LENGTH && kw <= K_MAX_PROPERTIES;

        return json_next(&s->c, &value) && !(counts && value.at[0] == '"');
    }
    if (depth == 0 && kw >= 0 && str_eq(schema_keywords[kw].name, STR("$schema")) &&
        s->draft.len == 0 && json_next(&s->c, &value)) {
        s->draft = (struct str){ key.at, (size_t)(value.at + value.len - key.at) };
        return true;
    }
    return false;
}

/* The next value of the cursor is a schema that the walk would write as it stands. */
static bool same_node(struct same *s, uint32_t depth)
{
    struct str names[SAME_NAMES], key, value, required = STR("");
    uint32_t count = 0, types = 0;
    uint64_t seen = 0;
    bool root = depth == 0 && s->tool, object = false, array = false;

    if (depth == SAME_DEPTH || ++s->nodes > SCHEMA_NODES_MAX || json_peek(&s->c) != '{' ||
        !json_enter(&s->c))
        return false;
    while (json_next(&s->c, &key)) {
        struct str word = word_of(key);
        int kw = word.len > 0 ? schema_keyword_named(word) : -1;
        bool same;

        if (word.len == 0 || (kw < 0 && has_escape(word)) ||
            (kw >= 0 && kw < K_PLAIN && (seen >> kw & 1) != 0))
            return false;
        seen |= kw >= 0 && kw < K_PLAIN ? UINT64_C(1) << kw : 0;
        switch (kw) {
        case K_TYPE:
            same = json_next(&s->c, &value) && (types = same_types(value)) != 0;
            break;
        case K_DESCRIPTION:
            same = json_next(&s->c, &value) && value.len > 2 && value.at[0] == '"';
            break;
        case K_PROPERTIES:
            object = true;
            same = same_properties(s, depth, names, &count);
            break;
        case K_REQUIRED:
            object = true;
            same = json_next(&s->c, &required);
            break;
        case K_ADDITIONAL:
            object = true;
            same = json_next(&s->c, &value) && (value.at[0] == 't' || value.at[0] == 'f');
            break;
        case K_ITEMS:
            array = true;
            same = same_node(s, depth + 1);
            break;
        case K_ENUM:
            same = !root && json_next(&s->c, &value) && same_words(value);
            break;
        case K_FORMAT:
            same =
                json_next(&s->c, &value) && value.at[0] == '"' && !str_eq(value, STR("\"enum\""));
            break;
        default:
            same = same_member(s, depth, key, kw);
            break;
        }
        if (!same)
            return false;
    }
    if (depth == 0 && seen == 0)
        return false; /* it says nothing */
    if (root && (types != TYPE(OBJECT) || (seen >> K_PROPERTIES & 1) == 0))
        return false;
    return !(object && (types & TYPE(OBJECT)) == 0) && !(array && (types & TYPE(ARRAY)) == 0) &&
           (required.len == 0 || same_required(required, names, count));
}

/* Without the member at `gone`, and without the comma on one side of it; empty when it is the only
 * one. */
static struct str cut_out(struct str raw, struct str gone, struct arena *a)
{
    size_t from = (size_t)(gone.at - raw.at), to = from + gone.len, next = to;
    char *at;

    while (str_trim((struct str){ raw.at + next, 1 }).len == 0)
        next++;
    if (raw.at[next] == ',') {
        to = next + 1;
    } else {
        do
            from--;
        while (from > 0 && raw.at[from] != ',');
        if (from == 0)
            return STR("");
    }
    at = arena_alloc_raw(a, raw.len);
    memcpy(at, raw.at, from);
    memcpy(at + from, raw.at + to, raw.len - to);
    return (struct str){ at, raw.len - (to - from) };
}

struct str schema_same(struct str raw, enum schema_form form, bool tool, struct arena *a)
{
    struct same s = { .c = { .rest = raw }, .form = form, .tool = tool };

    if (form != SCHEMA_OPENAI && form != SCHEMA_ANTHROPIC && form != SCHEMA_GEMINI_JSON)
        return STR("");
    if (!same_node(&s, 0))
        return STR("");
    return s.draft.len > 0 ? cut_out(raw, s.draft, a) : raw;
}
