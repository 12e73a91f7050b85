/* wire/schema_values.c - types, lists of values, constants and formats. */
#include "wire/schema_int.h"

/* --- values -----------------------------------------------------------------------------------*/

static bool is_empty_string(const struct walk *k, uint32_t node)
{
    return is_string(k, node) && json_inside(k->doc, node).len == 0;
}

/* Is this list of values one that the form takes, but for nulls and what is left out? */
bool schema_enum_fits(const struct walk *k, uint32_t list)
{
    uint32_t types = schema_list_types(k, list) & ~TYPE(NULL);

    if (k->f->openapi)
        return types == TYPE(STRING);
    if (k->form == SCHEMA_GEMINI_JSON)
        return types != 0 && (types & ~(TYPE(STRING) | TYPE(NUMBER))) == 0;
    return !k->f->closed || (types & (TYPE(ARRAY) | TYPE(OBJECT))) == 0;
}

void schema_put_enum(struct walk *k, const struct view *v, bool null_too)
{
    uint32_t list = v->at[K_ENUM], written = 0;
    bool has_null = false;

    if (!is_array(k, list)) {
        k->changed = true;
        return;
    }
    if (v->root && k->tool) {
        k->changed = true;
        return;
    }
    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE; i = json_after(k->doc, list, i)) {
        has_null = has_null || json_type(k->doc, i) == JSON_NULL;
        written += !k->f->openapi || (is_string(k, i) && !is_empty_string(k, i));
    }
    if (k->f->openapi && written < schema_list_len(k, list))
        k->changed = true;
    if (written == 0)
        return;
    json_put_key(k->w, STR("enum"));
    json_put_array(k->w);
    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE; i = json_after(k->doc, list, i))
        if (!k->f->openapi || (is_string(k, i) && !is_empty_string(k, i)))
            json_put_raw(k->w, raw_of(k, i));
    if (null_too && !has_null && !k->f->openapi) {
        k->changed = true;
        json_put_null(k->w);
    }
    json_put_end(k->w);
}

bool schema_const_fits(const struct walk *k, const struct view *v)
{
    uint32_t value = v->at[K_CONST];

    if (k->f->openapi)
        return is_string(k, value) && !is_empty_string(k, value) && v->types & TYPE(STRING) &&
               v->at[K_ENUM] == JSON_NONE;
    if (k->form == SCHEMA_GEMINI_JSON)
        return (is_string(k, value) || json_type(k->doc, value) == JSON_NUMBER) &&
               v->at[K_ENUM] == JSON_NONE;
    return !k->f->closed || json_type(k->doc, value) < JSON_ARRAY;
}

void schema_put_const(struct walk *k, const struct view *v)
{
    struct str value = raw_of(k, v->at[K_CONST]);

    if (v->root && k->tool) {
        k->changed = true;
    } else if (k->f->openapi || k->form == SCHEMA_GEMINI_JSON) {
        k->changed = true;
        json_put_key(k->w, STR("enum"));
        json_put_array(k->w);
        json_put_raw(k->w, value);
        json_put_end(k->w);
    } else {
        json_put_member_raw(k->w, "const", value);
    }
}

static bool word_in(struct str word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (str_eq(word, str_c(*words)))
            return true;
    return false;
}

bool schema_format_fits(const struct walk *k, const struct view *v, struct str format)
{
    static const char *const structured[] = { "date-time", "time", "date", "duration", "email",
                                              "hostname",  "ipv4", "ipv6", "uuid",     NULL };
    static const char *const strings[] = { "enum", "date-time", NULL };
    static const char *const numbers[] = { "float", "double", "int32", "int64", NULL };

    switch (k->form) {
    case SCHEMA_OPENAI:
    case SCHEMA_ANTHROPIC:
    case SCHEMA_GEMINI_JSON:
        return true;
    case SCHEMA_OPENAI_STRICT:
        return word_in(format, structured);
    case SCHEMA_ANTHROPIC_FORMAT:
        return word_in(format, structured) || str_eq(format, STR("uri"));
    case SCHEMA_GEMINI_OPENAPI:
        if (v->types & TYPE(STRING))
            return word_in(format, strings);
        return v->types & (TYPE(INTEGER) | TYPE(NUMBER)) && word_in(format, numbers);
    case SCHEMA_FORMS:
        break;
    }
    return false;
}

void schema_put_format(struct walk *k, const struct view *v)
{
    uint32_t node = v->at[K_FORMAT];

    if (!is_string(k, node))
        k->changed = true;
    else if (json_says(k->doc, node, STR("enum")) && !k->f->openapi)
        k->respelt = true; /* Gemini's mark of a list of values */
    else
        json_put_member_raw(k->w, "format", raw_of(k, node));
}

/* Are these the words of JSON Schema, in lower case? */
static bool is_spelt_well(const struct walk *k, uint32_t node)
{
    if (!is_array(k, node)) {
        for (int t = 0; t < TYPES; t++)
            if (json_says(k->doc, node, str_c(schema_type_names[t].json)))
                return true;
        return false;
    }
    for (uint32_t i = json_first(k->doc, node); i != JSON_NONE; i = json_after(k->doc, node, i))
        if (!is_string(k, i) || !is_spelt_well(k, i))
            return false;
    return true;
}

void schema_put_type(struct walk *k, const struct view *v, bool null_too)
{
    uint32_t node = v->at[K_TYPE], types = v->types;
    uint32_t said = node != JSON_NONE ? schema_types_said(k, node) : 0;
    bool null = v->nullable || null_too;

    if (types == 0) {
        k->changed = k->changed || node != JSON_NONE;
        return;
    }
    if (k->f->openapi) {
        uint32_t one = types & ~TYPE(NULL) ? types & ~TYPE(NULL) : types;

        for (int i = 0; i < TYPES; i++)
            if (one == 1u << i) {
                k->changed = k->changed || node == JSON_NONE;
                k->respelt = true;
                json_put_member(k->w, "type", str_c(schema_type_names[i].openapi));
            }
        if ((null && one != TYPE(NULL)) || is_true(k, v->at[K_NULLABLE]))
            json_put_member_bool(k->w, "nullable", true);
        k->changed = k->changed || (null && !v->nullable);
        return;
    }
    if (null)
        types |= TYPE(NULL);
    if (said == types && is_spelt_well(k, node)) {
        json_put_member_raw(k->w, "type", raw_of(k, node));
        return;
    }
    k->respelt = true;
    k->changed = k->changed || (said | (v->nullable ? TYPE(NULL) : 0)) != types;
    json_put_key(k->w, STR("type"));
    if ((types & (types - 1)) != 0)
        json_put_array(k->w);
    for (int i = TYPES - 1; i >= 0; i--) /* `null` last */
        if (types & 1u << i)
            json_put_str(k->w, str_c(schema_type_names[i].json));
    if ((types & (types - 1)) != 0)
        json_put_end(k->w);
}

/* A count that stands in quotes, as Gemini's int64 may, becomes a number. */
void schema_put_plain(struct walk *k, uint32_t key, uint32_t value, int kw)
{
    bool counts = kw >= K_MIN_LENGTH && kw <= K_MAX_PROPERTIES;
    uint64_t number;

    if (kw >= 0) {
        json_put_key(k->w, schema_keywords[kw].name);
    } else {
        struct str name;

        (void)json_text(k->doc, key, k->a, &name);
        json_put_key(k->w, name);
    }
    if (counts && is_string(k, value) && str_to_u64(json_inside(k->doc, value), &number)) {
        k->respelt = true;
        json_put_i64(k->w, number > INT64_MAX ? INT64_MAX : (int64_t)number);
    } else {
        json_put_raw(k->w, raw_of(k, value));
    }
}
