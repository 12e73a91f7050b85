/* wire/schema.c - one walk that reads a schema and writes it in the form asked for.
 *
 * A node is looked at through a *view*: the object itself and what is merged into it (the target of
 * a $ref that is written out, the parts of an allOf), so that merging is reading from several
 * objects at once and nothing is built in between. Each keyword has a row in the table below; those
 * marked OWN have a function here.
 *
 * Sources: platform.openai.com (function calling; structured outputs, supported schemas),
 * docs.claude.com (tool use; structured outputs, JSON Schema limitations), ai.google.dev (function
 * calling; structured output, JSON Schema support; Schema object), and what the services answer. */
#include "wire/schema.h"

#include <stdlib.h>

#include "wire/canonical.h"

/* --- the table --------------------------------------------------------------------------------*/

enum action {
    KEEP, /* as it stands */
    HINT, /* in words, behind the description */
    DROP, /* says nothing to a model */
    OWN,  /* has a function */
};

enum keyword {
    K_TYPE,
    K_NULLABLE,
    K_PROPERTIES,
    K_REQUIRED,
    K_ITEMS,
    K_PREFIX_ITEMS,
    K_ADDITIONAL,
    K_ENUM,
    K_CONST,
    K_REF,
    K_DEFS,
    K_DEFINITIONS,
    K_ANY_OF,
    K_ONE_OF,
    K_ALL_OF,
    K_FORMAT,
    K_DESCRIPTION,
    K_MIN_LENGTH,
    K_MAX_LENGTH,
    K_MIN_ITEMS,
    K_MAX_ITEMS,
    K_MIN_PROPERTIES,
    K_MAX_PROPERTIES,
    K_NOT,
    K_PLAIN, /* from here on nothing needs to be found by its number */
};

#define NAME(lit)            \
    {                        \
        lit, sizeof(lit) - 1 \
    }
static const struct {
    struct str name;
    uint8_t on[SCHEMA_FORMS]; /* enum action */
} keywords[] = {
    /* clang-format off */
    /*                                                openai strict claude format gemini openapi */
    [K_TYPE] = { NAME("type"),                       { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_NULLABLE] = { NAME("nullable"),               { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_PROPERTIES] = { NAME("properties"),           { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_REQUIRED] = { NAME("required"),               { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_ITEMS] = { NAME("items"),                     { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_PREFIX_ITEMS] = { NAME("prefixItems"),        { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_ADDITIONAL] = { NAME("additionalProperties"), { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_ENUM] = { NAME("enum"),                       { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_CONST] = { NAME("const"),                     { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_REF] = { NAME("$ref"),                        { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_DEFS] = { NAME("$defs"),                      { OWN, OWN, OWN, DROP, OWN, DROP } },
    [K_DEFINITIONS] = { NAME("definitions"),         { OWN, OWN, OWN, DROP, OWN, DROP } },
    [K_ANY_OF] = { NAME("anyOf"),                    { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_ONE_OF] = { NAME("oneOf"),                    { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_ALL_OF] = { NAME("allOf"),                    { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_FORMAT] = { NAME("format"),                   { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_DESCRIPTION] = { NAME("description"),         { OWN, OWN, OWN, OWN, OWN, OWN } },
    [K_MIN_LENGTH] = { NAME("minLength"),            { KEEP, HINT, KEEP, HINT, HINT, KEEP } },
    [K_MAX_LENGTH] = { NAME("maxLength"),            { KEEP, HINT, KEEP, HINT, HINT, KEEP } },
    [K_MIN_ITEMS] = { NAME("minItems"),              { KEEP, KEEP, KEEP, OWN, KEEP, KEEP } },
    [K_MAX_ITEMS] = { NAME("maxItems"),              { KEEP, KEEP, KEEP, HINT, KEEP, KEEP } },
    [K_MIN_PROPERTIES] = { NAME("minProperties"),    { KEEP, HINT, KEEP, HINT, HINT, KEEP } },
    [K_MAX_PROPERTIES] = { NAME("maxProperties"),    { KEEP, HINT, KEEP, HINT, HINT, KEEP } },
    [K_NOT] = { NAME("not"),                         { OWN, HINT, OWN, HINT, HINT, HINT } },
    { NAME("title"),                                 { KEEP, KEEP, KEEP, KEEP, KEEP, KEEP } },
    { NAME("pattern"),                               { KEEP, KEEP, KEEP, HINT, HINT, KEEP } },
    { NAME("minimum"),                               { KEEP, KEEP, KEEP, HINT, KEEP, KEEP } },
    { NAME("maximum"),                               { KEEP, KEEP, KEEP, HINT, KEEP, KEEP } },
    { NAME("exclusiveMinimum"),                      { KEEP, KEEP, KEEP, HINT, HINT, HINT } },
    { NAME("exclusiveMaximum"),                      { KEEP, KEEP, KEEP, HINT, HINT, HINT } },
    { NAME("multipleOf"),                            { KEEP, KEEP, KEEP, HINT, HINT, HINT } },
    { NAME("uniqueItems"),                           { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("default"),                               { KEEP, HINT, KEEP, KEEP, HINT, HINT } },
    { NAME("examples"),                              { KEEP, DROP, KEEP, DROP, DROP, DROP } },
    { NAME("example"),                               { KEEP, DROP, KEEP, DROP, DROP, DROP } },
    { NAME("if"),                                    { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("then"),                                  { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("else"),                                  { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("contains"),                              { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("minContains"),                           { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("maxContains"),                           { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("additionalItems"),                       { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("patternProperties"),                     { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("propertyNames"),                         { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("dependencies"),                          { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("dependentRequired"),                     { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("dependentSchemas"),                      { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("unevaluatedProperties"),                 { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("unevaluatedItems"),                      { KEEP, HINT, KEEP, HINT, HINT, HINT } },
    { NAME("$schema"),                               { DROP, DROP, DROP, DROP, DROP, DROP } },
    { NAME("$id"),                                   { KEEP, DROP, KEEP, DROP, KEEP, DROP } },
    { NAME("$anchor"),                               { KEEP, DROP, KEEP, DROP, KEEP, DROP } },
    { NAME("propertyOrdering"),                      { DROP, DROP, DROP, DROP, KEEP, KEEP } },
    /* clang-format on */
};
/* What is in no row: $comment, x-…, deprecated, readOnly, enumDescriptions, and what is yet to
 * come. */
static const uint8_t unknown[SCHEMA_FORMS] = { KEEP, DROP, KEEP, DROP, DROP, DROP };

static const struct form {
    bool merges;       /* allOf is written out, oneOf is anyOf */
    bool inlines;      /* every $ref is written out */
    bool lonely_ref;   /* a $ref stands alone, and only into $defs */
    bool root_ref;     /* $ref "#" may stand */
    bool closed;       /* additionalProperties: false on every object */
    bool all_required; /* … and all properties required; what may be absent may be null */
    bool tuples;       /* prefixItems, or an array of items */
    bool typed;        /* each node says its type */
    bool openapi;
} forms[SCHEMA_FORMS] = {
    [SCHEMA_OPENAI] = { .tuples = true },
    [SCHEMA_OPENAI_STRICT] = { .merges = true,
                               .lonely_ref = true,
                               .root_ref = true,
                               .closed = true,
                               .all_required = true,
                               .typed = true },
    [SCHEMA_ANTHROPIC] = { .tuples = true },
    [SCHEMA_ANTHROPIC_FORMAT] = { .merges = true, .inlines = true, .closed = true },
    [SCHEMA_GEMINI_JSON] = { .merges = true, .lonely_ref = true, .tuples = true },
    [SCHEMA_GEMINI_OPENAPI] = { .merges = true, .inlines = true, .typed = true, .openapi = true },
};

enum type { T_NULL, T_BOOLEAN, T_INTEGER, T_NUMBER, T_STRING, T_ARRAY, T_OBJECT, TYPES };
#define TYPE(t) (1u << T_##t)
#define TYPES_SCALAR (TYPE(STRING) | TYPE(NUMBER) | TYPE(BOOLEAN) | TYPE(NULL))

static const struct {
    const char *json, *openapi;
} type_names[TYPES] = {
    { "null", "NULL" },     { "boolean", "BOOLEAN" }, { "integer", "INTEGER" },
    { "number", "NUMBER" }, { "string", "STRING" },   { "array", "ARRAY" },
    { "object", "OBJECT" },
};

/* --- the walk ---------------------------------------------------------------------------------*/

struct walk {
    const struct json *doc;
    struct json_writer *w;
    struct arena *a;
    enum schema_form form;
    const struct form *f;
    bool tool;
    bool changed;      /* what is written means something else, or says a part of it in words */
    bool respelt;      /* what is written differs, and means the same */
    const char *fault; /* NULL while all is well */
    uint32_t depth, nodes;
};

#define VIEW_MAX 32 /* objects read as one; more are left out, in words */

struct view {
    const struct view *up; /* what it stands in: for cycles */
    struct {
        uint32_t node;
        bool optional; /* a branch of anyOf that was merged: what it requires is not required */
    } parts[VIEW_MAX];
    uint32_t count;
    uint32_t targets[VIEW_MAX]; /* of references written out here */
    uint32_t target_count;
    bool split;              /* its anyOf has been taken apart: a branch is one of the parts */
    bool root;               /* of the whole schema */
    bool cut;                /* a reference back to what it stands in */
    uint32_t at[K_PLAIN];    /* value of each keyword, or JSON_NONE */
    uint32_t types;          /* bits; 0: none said */
    bool nullable;           /* null is allowed beside them */
    struct text description; /* of the node around it, when it has none itself */
};

static void put_schema(struct walk *k, struct view *v, bool add_null);

static bool fault(struct walk *k, const char *what)
{
    if (k->fault == NULL)
        k->fault = what;
    return false;
}

static bool is_object(const struct walk *k, uint32_t node)
{
    return node != JSON_NONE && json_type(k->doc, node) == JSON_OBJECT;
}

static bool is_array(const struct walk *k, uint32_t node)
{
    return node != JSON_NONE && json_type(k->doc, node) == JSON_ARRAY;
}

static bool is_string(const struct walk *k, uint32_t node)
{
    return node != JSON_NONE && json_type(k->doc, node) == JSON_STRING;
}

static bool is_true(const struct walk *k, uint32_t node)
{
    return node != JSON_NONE && json_is_true(k->doc, node);
}

static bool is_false(const struct walk *k, uint32_t node)
{
    return node != JSON_NONE && json_type(k->doc, node) == JSON_FALSE;
}

static struct str raw_of(const struct walk *k, uint32_t node)
{
    return json_raw(k->doc, node);
}

static int keyword_of(const struct walk *k, uint32_t key)
{
    uint32_t len = k->doc->nodes[key].len;
    bool escaped = k->doc->nodes[key].flags & JSON_ESCAPED;
    const char *at = k->doc->text.at + k->doc->nodes[key].at;

    for (size_t i = 0; i < COUNT(keywords); i++) {
        struct str name = keywords[i].name;

        if (escaped ? json_says(k->doc, key, name)
                    : name.len == len && name.at[0] == at[0] && memcmp(name.at, at, len) == 0)
            return (int)i;
    }
    return -1;
}

/* --- references -------------------------------------------------------------------------------*/

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One step of a JSON pointer, decoded: `%7e` and then `~0`, `~1`. */
static struct str pointer_step(struct walk *k, struct str raw)
{
    char *to = arena_alloc_raw(k->a, raw.len + 1);
    size_t n = 0, m = 0;

    for (size_t i = 0; i < raw.len; i++) {
        if (raw.at[i] == '%' && i + 2 < raw.len && hex_digit(raw.at[i + 1]) >= 0 &&
            hex_digit(raw.at[i + 2]) >= 0) {
            to[n++] = (char)(hex_digit(raw.at[i + 1]) * 16 + hex_digit(raw.at[i + 2]));
            i += 2;
        } else {
            to[n++] = raw.at[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        bool tilde = to[i] == '~' && i + 1 < n && (to[i + 1] == '0' || to[i + 1] == '1');

        to[m++] = tilde ? (to[++i] == '0' ? '~' : '/') : to[i];
    }
    return (struct str){ to, m };
}

/* The node that `$ref` means: an object or a truth value. JSON_NONE with a fault otherwise. */
static uint32_t resolve(struct walk *k, uint32_t ref)
{
    struct str text, step;
    uint32_t node = 0;
    uint64_t index;

    if (!json_text(k->doc, ref, k->a, &text) || text.len == 0 || text.at[0] != '#' ||
        (text.len > 1 && text.at[1] != '/')) {
        fault(k, "a $ref that is no JSON pointer into the schema itself");
        return JSON_NONE;
    }
    text = str_drop(text, 2);
    while (text.len > 0 && node != JSON_NONE) {
        (void)str_cut(text, '/', &step, &text);
        step = pointer_step(k, step);
        if (is_object(k, node)) {
            node = json_member(k->doc, node, step, NULL);
        } else if (is_array(k, node) && str_to_u64(step, &index) &&
                   index < k->doc->nodes[node].count) {
            uint32_t at = json_first(k->doc, node);

            while (at != JSON_NONE && index-- > 0)
                at = json_after(k->doc, node, at);
            node = at;
        } else {
            node = JSON_NONE;
        }
    }
    if (node == JSON_NONE || !(is_object(k, node) || is_true(k, node) || is_false(k, node))) {
        fault(k, "a $ref that leads nowhere");
        return JSON_NONE;
    }
    return node;
}

/* The name in `#/$defs/name` or `#/definitions/name`; empty for any other place. */
static struct str def_name(struct walk *k, uint32_t ref)
{
    static const struct str fronts[] = { { "#/$defs/", 8 }, { "#/definitions/", 14 } };
    struct str text;

    if (!json_text(k->doc, ref, k->a, &text))
        return STR("");
    for (size_t i = 0; i < COUNT(fronts); i++)
        if (str_starts(text, fronts[i])) {
            struct str name = str_drop(text, fronts[i].len);

            return name.len > 0 && memchr(name.at, '/', name.len) == NULL ? name : STR("");
        }
    return STR("");
}

static bool is_active(const struct view *v, uint32_t target)
{
    for (; v != NULL; v = v->up)
        for (uint32_t i = 0; i < v->target_count; i++)
            if (v->targets[i] == target)
                return true;
    return false;
}

/* --- views ------------------------------------------------------------------------------------*/

static void view_add(struct walk *k, struct view *v, uint32_t node, bool optional);

static void view_add_list(struct walk *k, struct view *v, uint32_t list, bool optional)
{
    if (!is_array(k, list))
        return;
    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE; i = json_after(k->doc, list, i))
        if (is_object(k, i))
            view_add(k, v, i, optional);
}

/* Does anything but the reference stand in this node that would be lost without it? */
static bool ref_has_company(const struct walk *k, uint32_t node)
{
    for (uint32_t i = json_first(k->doc, node); i != JSON_NONE; i = json_after(k->doc, node, i)) {
        int kw = keyword_of(k, i);

        if (kw != K_REF && kw != K_DEFS && kw != K_DEFINITIONS && kw >= 0 &&
            keywords[kw].on[k->form] != DROP)
            return true;
        i = json_after(k->doc, node, i);
    }
    return false;
}

/* Into what the root of a tool loses? */
static bool into_root_combination(struct walk *k, uint32_t ref)
{
    static const struct str fronts[] = { { "#/anyOf/", 8 }, { "#/oneOf/", 8 }, { "#/allOf/", 8 } };
    struct str text;

    for (size_t i = 0; i < COUNT(fronts); i++)
        if (json_text(k->doc, ref, k->a, &text) && str_starts(text, fronts[i]))
            return true;
    return false;
}

/* Can the reference stand as it is? Else its target is read together with the node. */
static bool ref_stands(struct walk *k, const struct view *v, uint32_t node, uint32_t ref)
{
    if (v->count > 1 || (v->root && (k->tool || k->f->lonely_ref)))
        return false;
    if (!k->f->lonely_ref)
        return !k->f->inlines && !(k->tool && into_root_combination(k, ref));
    if (k->f->root_ref && json_says(k->doc, ref, STR("#")))
        return true;
    if (def_name(k, ref).len == 0)
        return false;
    return !ref_has_company(k, node) || is_active(v, resolve(k, ref));
}

static void view_add_target(struct walk *k, struct view *v, uint32_t ref, bool optional)
{
    uint32_t target = resolve(k, ref);

    if (target == JSON_NONE)
        return;
    if (is_active(v, target)) {
        v->cut = true;
        return;
    }
    if (v->target_count < VIEW_MAX)
        v->targets[v->target_count++] = target;
    k->changed = true;
    if (is_object(k, target))
        view_add(k, v, target, optional);
}

/* A value that its keyword cannot have is as good as none. */
static bool is_idle(const struct walk *k, int kw, uint32_t value)
{
    switch (kw) {
    case K_ANY_OF:
    case K_ONE_OF:
    case K_ALL_OF:
        return !(is_array(k, value) && k->doc->nodes[value].count > 0);
    case K_PROPERTIES:
    case K_DEFS:
    case K_DEFINITIONS:
        return !is_object(k, value);
    case K_REQUIRED:
    case K_ENUM:
    case K_PREFIX_ITEMS:
        return !is_array(k, value);
    case K_ITEMS:
    case K_ADDITIONAL:
        return json_type(k->doc, value) == JSON_NULL || is_string(k, value) ||
               json_type(k->doc, value) == JSON_NUMBER ||
               (kw == K_ADDITIONAL && is_array(k, value));
    case K_REF:
    case K_DESCRIPTION:
    case K_FORMAT:
        return !is_string(k, value);
    default:
        return false;
    }
}

static void view_add(struct walk *k, struct view *v, uint32_t node, bool optional)
{
    uint32_t found[K_PLAIN];

    if (++k->nodes > SCHEMA_NODES_MAX) {
        fault(k, "more nodes than a schema may have");
        return;
    }
    if (v->count == VIEW_MAX) {
        k->changed = true;
        return;
    }
    for (uint32_t i = 0; i < v->count; i++)
        if (v->parts[i].node == node)
            return;
    v->parts[v->count].node = node;
    v->parts[v->count++].optional = optional;
    memset(found, 0xff, sizeof found);
    for (uint32_t i = json_first(k->doc, node); i != JSON_NONE; i = json_after(k->doc, node, i)) {
        int kw = keyword_of(k, i);

        i = json_after(k->doc, node, i);
        if (kw >= 0 && kw < K_PLAIN && !is_idle(k, kw, i))
            found[kw] = i;
    }
    for (int kw = 0; kw < K_PLAIN; kw++)
        if (v->at[kw] == JSON_NONE && found[kw] != JSON_NONE)
            v->at[kw] = found[kw];
    bool flat = v->root && k->tool; /* no combination at the root of a tool */

    if (is_string(k, found[K_REF]) && !ref_stands(k, v, node, found[K_REF])) {
        if (v->at[K_REF] == found[K_REF])
            v->at[K_REF] = JSON_NONE;
        view_add_target(k, v, found[K_REF], optional);
    }
    if (k->f->merges || flat) {
        k->changed = k->changed || found[K_ALL_OF] != JSON_NONE;
        view_add_list(k, v, found[K_ALL_OF], optional);
        v->at[K_ALL_OF] = JSON_NONE;
    }
    if (flat) {
        k->changed = k->changed || found[K_ANY_OF] != JSON_NONE || found[K_ONE_OF] != JSON_NONE;
        view_add_list(k, v, found[K_ANY_OF], true);
        view_add_list(k, v, found[K_ONE_OF], true);
        v->at[K_ANY_OF] = v->at[K_ONE_OF] = JSON_NONE;
    }
}

static void view_init(struct view *v, const struct view *up)
{
    *v = (struct view){ .up = up };
    memset(v->at, 0xff, sizeof v->at);
}

/* --- types ------------------------------------------------------------------------------------*/

static uint32_t type_bit(const struct walk *k, uint32_t node)
{
    for (int i = 0; i < TYPES; i++)
        if (is_string(k, node) && str_ieq(json_inside(k->doc, node), str_c(type_names[i].json)))
            return 1u << i;
    return 0;
}

static uint32_t value_type(const struct walk *k, uint32_t node)
{
    static const uint8_t of[] = {
        [JSON_NULL] = T_NULL,     [JSON_FALSE] = T_BOOLEAN, [JSON_TRUE] = T_BOOLEAN,
        [JSON_NUMBER] = T_NUMBER, [JSON_STRING] = T_STRING, [JSON_ARRAY] = T_ARRAY,
        [JSON_OBJECT] = T_OBJECT
    };

    return 1u << of[json_type(k->doc, node)];
}

static uint32_t list_types(const struct walk *k, uint32_t list)
{
    uint32_t types = 0;

    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE; i = json_after(k->doc, list, i))
        types |= value_type(k, i);
    return types;
}

static uint32_t types_said(const struct walk *k, uint32_t node)
{
    uint32_t types = 0;

    if (!is_array(k, node))
        return type_bit(k, node);
    for (uint32_t i = json_first(k->doc, node); i != JSON_NONE; i = json_after(k->doc, node, i))
        types |= type_bit(k, i);
    return types;
}

/* Only conditions, no values: `{"required": ["a"]}`. */
static bool is_condition(const struct walk *k, uint32_t node)
{
    if (!is_object(k, node))
        return true;
    for (uint32_t i = json_first(k->doc, node); i != JSON_NONE; i = json_after(k->doc, node, i)) {
        int kw = keyword_of(k, i);

        if (kw == K_TYPE || kw == K_PROPERTIES || kw == K_ITEMS || kw == K_PREFIX_ITEMS ||
            kw == K_ENUM || kw == K_CONST || kw == K_REF || kw == K_ANY_OF || kw == K_ONE_OF ||
            kw == K_ALL_OF)
            return false;
        i = json_after(k->doc, node, i);
    }
    return true;
}

static bool all_conditions(const struct walk *k, uint32_t list)
{
    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE; i = json_after(k->doc, list, i))
        if (!is_condition(k, i))
            return false;
    return true;
}

/* Does this anyOf or oneOf stand in the form, or is it said in words? */
static bool any_stands(const struct walk *k, const struct view *v, int kw)
{
    if (v->at[kw] == JSON_NONE)
        return false;
    return !k->f->merges ||
           !(all_conditions(k, v->at[kw]) || (kw == K_ONE_OF && v->at[K_ANY_OF] != JSON_NONE));
}

static bool is_combined(const struct walk *k, const struct view *v)
{
    return any_stands(k, v, K_ANY_OF) || any_stands(k, v, K_ONE_OF) ||
           v->at[K_ALL_OF] != JSON_NONE || v->at[K_REF] != JSON_NONE;
}

/* What the node is, said or to be seen from its other members. */
static void view_types(struct walk *k, struct view *v)
{
    uint32_t types = v->at[K_TYPE] != JSON_NONE ? types_said(k, v->at[K_TYPE]) : 0;

    v->nullable = is_true(k, v->at[K_NULLABLE]) || (types & TYPE(NULL) && types != TYPE(NULL));
    if (types == 0 && (k->f->typed || k->f->closed)) {
        if (is_object(k, v->at[K_PROPERTIES]) || is_object(k, v->at[K_ADDITIONAL]))
            types = TYPE(OBJECT);
        else if (v->at[K_ITEMS] != JSON_NONE || is_array(k, v->at[K_PREFIX_ITEMS]))
            types = TYPE(ARRAY);
        else if (is_array(k, v->at[K_ENUM]))
            types = list_types(k, v->at[K_ENUM]) & ~(TYPE(ARRAY) | TYPE(OBJECT));
        else if (v->at[K_CONST] != JSON_NONE)
            types = value_type(k, v->at[K_CONST]) & ~(TYPE(ARRAY) | TYPE(OBJECT));
        if (types & TYPE(NULL) && types != TYPE(NULL))
            v->nullable = true;
    }
    if (v->cut && types == 0)
        types = TYPE(OBJECT);
    if (v->root && (k->tool || (k->form == SCHEMA_OPENAI_STRICT && types & TYPE(OBJECT)))) {
        types = TYPE(OBJECT);
        v->nullable = false;
    }
    v->types = types;
}

/* Has what belongs to a type a place here? Where little is changed it stays, of whatever use. */
static bool may_be(const struct walk *k, const struct view *v, uint32_t type)
{
    return !k->f->merges || v->types == 0 || v->types & type;
}

/* --- hints ------------------------------------------------------------------------------------*/

#define HINT_MAX 200   /* bytes of one value */
#define HINTS_MAX 1200 /* of all of a node */

/* `; name: value` inside of a JSON string. */
static void hint(struct walk *k, struct buf *hints, struct str name, uint32_t value)
{
    struct str plain, shown;

    k->changed = true;
    if (!json_text(k->doc, value, k->a, &plain))
        plain = raw_of(k, value);
    shown = str_take(plain, HINT_MAX);
    while (shown.len < plain.len && shown.len > 0 && (plain.at[shown.len] & 0xc0) == 0x80)
        shown.len--;
    (void)(buf_add(hints, hints->len > 0 ? STR("; ") : STR("")) && buf_add(hints, name) &&
           buf_add(hints, STR(": ")) && buf_add(hints, text_from(k->a, shown).escaped) &&
           buf_add(hints, shown.len < plain.len ? STR("\xe2\x80\xa6") : STR("")));
}

static struct text description_of(const struct walk *k, const struct view *v)
{
    return is_string(k, v->at[K_DESCRIPTION]) ? text_of(k->doc, v->at[K_DESCRIPTION])
                                              : v->description;
}

static void put_description(struct walk *k, const struct view *v, const struct buf *hints)
{
    struct text said = description_of(k, v);
    struct str why = v->cut ? STR("recursive, not shown again") : STR("");

    if (text_is_empty(said) && hints->len == 0 && why.len == 0) {
        k->changed = k->changed || v->at[K_DESCRIPTION] != JSON_NONE;
        return;
    }
    json_put_key(k->w, STR("description"));
    if (hints->len == 0 && why.len == 0)
        json_put_inside(k->w, said.escaped);
    else
        json_put_inside(k->w,
                        arena_printf(k->a, "%.*s%s(%.*s%s%.*s)", (int)said.escaped.len,
                                     said.escaped.at, said.escaped.len > 0 ? " " : "", (int)why.len,
                                     why.at, why.len > 0 && hints->len > 0 ? "; " : "",
                                     (int)hints->len, buf_str(hints).at));
}

/* --- objects ----------------------------------------------------------------------------------*/

struct property {
    struct str name;
    uint32_t value, order;
    bool required, repeated;
};

struct properties {
    struct property *at; /* sorted by name */
    uint32_t count;
    uint32_t *in_order; /* indexes into `at` */
    bool moved;         /* the list of required names is not as the client wrote it */
};

static int by_name(const void *one, const void *two)
{
    const struct property *x = one, *y = two;
    int names = str_cmp(x->name, y->name);

    return names != 0 ? names : (x->order > y->order) - (x->order < y->order);
}

static struct property *property_find(struct properties *p, struct str name)
{
    uint32_t low = 0, high = p->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (str_cmp(p->at[mid].name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < p->count && str_eq(p->at[low].name, name) ? &p->at[low] : NULL;
}

/* The value of a keyword in one object of the view. */
static uint32_t part_member(const struct walk *k, const struct view *v, uint32_t part, int kw)
{
    uint32_t node = v->parts[part].node, found = JSON_NONE;

    for (uint32_t i = json_first(k->doc, node); i != JSON_NONE; i = json_after(k->doc, node, i)) {
        bool is_it = json_says(k->doc, i, keywords[kw].name);

        i = json_after(k->doc, node, i);
        if (is_it && !is_idle(k, kw, i))
            found = i;
    }
    return found;
}

static void properties_collect(struct walk *k, const struct view *v, struct properties *p)
{
    uint32_t n = 0, room = 0;

    *p = (struct properties){ .count = 0 };
    for (uint32_t i = 0; i < v->count; i++) {
        uint32_t list = part_member(k, v, i, K_PROPERTIES);

        if (is_object(k, list))
            room += k->doc->nodes[list].count;
    }
    if (room > SCHEMA_NODES_MAX) {
        fault(k, "more nodes than a schema may have");
        return;
    }
    p->at = arena_array(k->a, struct property, room + 1);
    for (uint32_t i = 0; i < v->count; i++) {
        uint32_t list = part_member(k, v, i, K_PROPERTIES);

        if (!is_object(k, list))
            continue;
        for (uint32_t key = json_first(k->doc, list); key != JSON_NONE;
             key = json_after(k->doc, list, key)) {
            struct property *one = &p->at[n];

            (void)json_text(k->doc, key, k->a, &one->name);
            key = json_after(k->doc, list, key);
            one->value = key;
            one->order = n++;
        }
    }
    p->count = n;
    qsort(p->at, n, sizeof *p->at, by_name);
    p->in_order = arena_array(k->a, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        struct property *one = &p->at[i];

        one->repeated = i > 0 && str_eq(one->name, p->at[i - 1].name);
        k->changed = k->changed || one->repeated;
        p->in_order[one->order] = i;
        if (is_object(k, one->value) && !one->repeated &&
            is_true(k, json_member(k->doc, one->value, STR("required"), NULL)))
            one->required = p->moved = true;
    }
    for (uint32_t i = 0; i < v->count; i++) {
        uint32_t list = part_member(k, v, i, K_REQUIRED);

        p->moved = p->moved || i > 0;
        if (!is_array(k, list) || v->parts[i].optional)
            continue;
        for (uint32_t name = json_first(k->doc, list); name != JSON_NONE;
             name = json_after(k->doc, list, name)) {
            struct str text;
            struct property *one =
                json_text(k->doc, name, k->a, &text) ? property_find(p, text) : NULL;

            if (one == NULL || one->required)
                p->moved = true;
            if (one != NULL)
                one->required = true;
        }
    }
}

/* A property that must not be there, in a form that has no `false`. */
static bool is_forbidden(const struct walk *k, const struct property *one)
{
    return is_false(k, one->value) && k->f->merges;
}

static void put_node(struct walk *k, const struct view *up, uint32_t node, bool add_null);

static void put_properties(struct walk *k, const struct view *v, struct properties *p)
{
    json_put_key(k->w, STR("properties"));
    json_put_object(k->w);
    for (uint32_t i = 0; i < p->count && k->fault == NULL; i++) {
        const struct property *one = &p->at[p->in_order[i]];

        if (one->repeated)
            continue;
        if (is_forbidden(k, one)) {
            k->changed = true;
            continue;
        }
        json_put_key(k->w, one->name);
        put_node(k, v, one->value, k->f->all_required && !one->required);
    }
    json_put_end(k->w);
}

static void put_required(struct walk *k, const struct view *v, const struct properties *p)
{
    uint32_t list = v->at[K_REQUIRED], count = 0;

    /* a branch may require what is declared around it */
    if (!p->moved && is_array(k, list) && !k->f->all_required) {
        json_put_member_raw(k->w, "required", raw_of(k, list));
        return;
    }
    if (!k->f->merges && v->at[K_PROPERTIES] == JSON_NONE && is_array(k, list) && v->count == 1 &&
        !v->root) {
        json_put_member_raw(k->w, "required", raw_of(k, list));
        return;
    }
    for (uint32_t i = 0; i < p->count; i++)
        count += (k->f->all_required || p->at[i].required) && !p->at[i].repeated &&
                 !is_forbidden(k, &p->at[i]);
    if (k->f->all_required ? !is_array(k, list) || count != k->doc->nodes[list].count
                           : is_array(k, list) || count > 0)
        k->changed = true;
    if (count == 0 && !k->f->all_required)
        return;
    json_put_key(k->w, STR("required"));
    json_put_array(k->w);
    for (uint32_t i = 0; i < p->count; i++) {
        const struct property *one = &p->at[p->in_order[i]];

        if ((k->f->all_required || one->required) && !one->repeated && !is_forbidden(k, one))
            json_put_str(k->w, one->name);
    }
    json_put_end(k->w);
}

static void put_additional(struct walk *k, const struct view *v)
{
    uint32_t node = v->at[K_ADDITIONAL];

    if (k->f->closed || k->f->openapi) {
        k->changed = k->changed || !k->f->closed || !is_false(k, node);
        return; /* written with the object, or none of the form's */
    }
    json_put_key(k->w, STR("additionalProperties"));
    if (is_object(k, node))
        put_node(k, v, node, false);
    else
        json_put_raw(k->w, raw_of(k, node));
}

/* --- arrays -----------------------------------------------------------------------------------*/

static void put_any(struct walk *k)
{
    k->changed = true;
    json_put_object(k->w);
    if (k->f->openapi) {
        json_put_member(k->w, "type", STR("STRING"));
    } else if (k->f->typed) {
        json_put_key(k->w, STR("type"));
        json_put_raw(k->w, STR("[\"string\",\"number\",\"boolean\",\"null\"]"));
    }
    if (k->f->typed)
        json_put_member(k->w, "description", STR("(any JSON value)"));
    json_put_end(k->w);
}

static uint32_t list_len(const struct walk *k, uint32_t list)
{
    return is_array(k, list) ? k->doc->nodes[list].count : 0;
}

/* A list of schemas as it is, one by one. */
static void put_list(struct walk *k, const struct view *v, const char *name, uint32_t list)
{
    json_put_key(k->w, str_c(name));
    json_put_array(k->w);
    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE && k->fault == NULL;
         i = json_after(k->doc, list, i))
        put_node(k, v, i, false);
    json_put_end(k->w);
}

static void put_items(struct walk *k, const struct view *v)
{
    uint32_t items = v->at[K_ITEMS], prefix = v->at[K_PREFIX_ITEMS];
    uint32_t tuple = is_array(k, prefix) ? prefix : items;

    if (is_array(k, tuple) && k->f->tuples) {
        bool renames = k->form == SCHEMA_GEMINI_JSON && tuple == items;

        k->changed = k->changed || renames;
        put_list(k, v, tuple == prefix || renames ? "prefixItems" : "items", tuple);
        if (tuple == prefix && is_object(k, items)) {
            json_put_key(k->w, STR("items"));
            put_node(k, v, items, false);
        } else if (tuple == prefix && items != JSON_NONE) {
            bool stands =
                (is_true(k, items) || is_false(k, items)) && k->form != SCHEMA_GEMINI_JSON;

            k->changed = k->changed || !stands;
            if (stands)
                json_put_member_raw(k->w, "items", raw_of(k, items));
        }
        return;
    }
    if (is_array(k, tuple)) { /* each element is one of them */
        k->changed = true;
        json_put_key(k->w, STR("items"));
        if (list_len(k, tuple) == 0) {
            put_any(k);
        } else if (list_len(k, tuple) == 1) {
            put_node(k, v, json_first(k->doc, tuple), false);
        } else {
            json_put_object(k->w);
            put_list(k, v, "anyOf", tuple);
            json_put_end(k->w);
        }
        return;
    }
    if (is_object(k, items) || is_true(k, items) || (is_false(k, items) && !k->f->merges)) {
        json_put_key(k->w, STR("items"));
        put_node(k, v, items, false);
    } else if (k->f->typed) {
        json_put_key(k->w, STR("items"));
        put_any(k);
    } else if (items != JSON_NONE) {
        k->changed = true;
    }
}

/* --- values -----------------------------------------------------------------------------------*/

static bool is_empty_string(const struct walk *k, uint32_t node)
{
    return is_string(k, node) && json_inside(k->doc, node).len == 0;
}

/* Is this list of values one that the form takes, but for nulls and what is left out? */
static bool enum_fits(const struct walk *k, uint32_t list)
{
    uint32_t types = list_types(k, list) & ~TYPE(NULL);

    if (k->f->openapi)
        return types == TYPE(STRING);
    if (k->form == SCHEMA_GEMINI_JSON)
        return types != 0 && (types & ~(TYPE(STRING) | TYPE(NUMBER))) == 0;
    return !k->f->closed || (types & (TYPE(ARRAY) | TYPE(OBJECT))) == 0;
}

static void put_enum(struct walk *k, const struct view *v, bool null_too)
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
    if (k->f->openapi && written < list_len(k, list))
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

static bool const_fits(const struct walk *k, const struct view *v)
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

static void put_const(struct walk *k, const struct view *v)
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

static bool format_fits(const struct walk *k, const struct view *v, struct str format)
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

static void put_format(struct walk *k, const struct view *v)
{
    uint32_t node = v->at[K_FORMAT];

    if (!is_string(k, node) || (json_says(k->doc, node, STR("enum")) && !k->f->openapi))
        k->changed = true; /* `enum`: Gemini's mark of a list of values */
    else
        json_put_member_raw(k->w, "format", raw_of(k, node));
}

/* Are these the words of JSON Schema, in lower case? */
static bool is_spelt_well(const struct walk *k, uint32_t node)
{
    if (!is_array(k, node)) {
        for (int t = 0; t < TYPES; t++)
            if (json_says(k->doc, node, str_c(type_names[t].json)))
                return true;
        return false;
    }
    for (uint32_t i = json_first(k->doc, node); i != JSON_NONE; i = json_after(k->doc, node, i))
        if (!is_string(k, i) || !is_spelt_well(k, i))
            return false;
    return true;
}

static void put_type(struct walk *k, const struct view *v, bool null_too)
{
    uint32_t node = v->at[K_TYPE], types = v->types;
    bool null = v->nullable || null_too;

    if (types == 0) {
        k->changed = k->changed || node != JSON_NONE;
        return;
    }
    if (k->f->openapi) {
        uint32_t one = types & ~TYPE(NULL) ? types & ~TYPE(NULL) : types;

        for (int i = 0; i < TYPES; i++)
            if (one == 1u << i) {
                k->changed = k->changed || node == JSON_NONE ||
                             !json_says(k->doc, node, str_c(type_names[i].openapi));
                json_put_member(k->w, "type", str_c(type_names[i].openapi));
            }
        if ((null && one != TYPE(NULL)) || is_true(k, v->at[K_NULLABLE]))
            json_put_member_bool(k->w, "nullable", true);
        k->changed = k->changed || (null && !is_true(k, v->at[K_NULLABLE]));
        return;
    }
    if (null)
        types |= TYPE(NULL);
    if (node != JSON_NONE && types_said(k, node) == types && is_spelt_well(k, node)) {
        json_put_member_raw(k->w, "type", raw_of(k, node));
        return;
    }
    k->changed = true;
    json_put_key(k->w, STR("type"));
    if ((types & (types - 1)) != 0)
        json_put_array(k->w);
    for (int i = TYPES - 1; i >= 0; i--) /* `null` last */
        if (types & 1u << i)
            json_put_str(k->w, str_c(type_names[i].json));
    if ((types & (types - 1)) != 0)
        json_put_end(k->w);
}

/* A count that stands in quotes, as Gemini's int64 may, becomes a number. */
static void put_plain(struct walk *k, uint32_t key, uint32_t value, int kw)
{
    bool counts = kw >= K_MIN_LENGTH && kw <= K_MAX_PROPERTIES;
    uint64_t number;

    if (kw >= 0) {
        json_put_key(k->w, keywords[kw].name);
    } else {
        struct str name;

        (void)json_text(k->doc, key, k->a, &name);
        json_put_key(k->w, name);
    }
    if (counts && is_string(k, value) && str_to_u64(json_inside(k->doc, value), &number)) {
        k->changed = true;
        json_put_i64(k->w, number > INT64_MAX ? INT64_MAX : (int64_t)number);
    } else {
        json_put_raw(k->w, raw_of(k, value));
    }
}

/* --- combinations -----------------------------------------------------------------------------*/

static bool says_null(const struct walk *k, uint32_t node)
{
    if (!is_object(k, node))
        return false;
    uint32_t type = json_member(k->doc, node, STR("type"), NULL);

    return type != JSON_NONE && is_string(k, type) && type_bit(k, type) == TYPE(NULL);
}

/* The node once for each branch, for a form in which nothing may stand beside anyOf. */
static void put_split(struct walk *k, const struct view *v, uint32_t list, bool null_too)
{
    bool null = null_too || v->nullable;
    uint32_t branches = 0;

    k->changed = true;
    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE; i = json_after(k->doc, list, i)) {
        null = null || says_null(k, i);
        branches += is_object(k, i) && !says_null(k, i);
    }
    if (branches > 1) {
        json_put_object(k->w);
        json_put_key(k->w, STR("anyOf"));
        json_put_array(k->w);
    }
    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE && k->fault == NULL;
         i = json_after(k->doc, list, i)) {
        struct view branch;

        if (!is_object(k, i) || says_null(k, i))
            continue;
        view_init(&branch, v);
        branch.root = v->root;
        view_add(k, &branch, i, false);
        uint32_t own[K_PLAIN];

        memcpy(own, branch.at, sizeof own);
        for (uint32_t p = 0; p < v->count && branch.count < VIEW_MAX; p++)
            branch.parts[branch.count++] = v->parts[p];
        for (int kw = 0; kw < K_PLAIN; kw++)
            if (branch.at[kw] == JSON_NONE)
                branch.at[kw] = v->at[kw];
        branch.at[K_ANY_OF] = own[K_ANY_OF];
        branch.at[K_ONE_OF] = own[K_ONE_OF];
        branch.description = v->description;
        put_schema(k, &branch, null);
    }
    if (branches > 1) {
        json_put_end(k->w);
        json_put_end(k->w);
    } else if (branches == 0) {
        put_any(k);
    }
}

/* The node once for each of its types, likewise. */
static void put_types_split(struct walk *k, const struct view *v, bool null_too)
{
    k->changed = true;
    json_put_object(k->w);
    json_put_key(k->w, STR("anyOf"));
    json_put_array(k->w);
    for (int i = TYPES - 1; i > T_NULL && k->fault == NULL; i--)
        if (v->types & 1u << i) {
            struct view branch = *v;

            branch.types = 1u << i;
            branch.split = true;
            branch.nullable = v->nullable || null_too;
            put_schema(k, &branch, false);
        }
    json_put_end(k->w);
    json_put_end(k->w);
}

static void put_any_of(struct walk *k, const struct view *v, uint32_t list, bool null_too)
{
    bool has_null = false, renames = list == v->at[K_ONE_OF] && k->f->merges;

    k->changed = k->changed || renames;
    json_put_key(k->w, list == v->at[K_ONE_OF] && !renames ? STR("oneOf") : STR("anyOf"));
    json_put_array(k->w);
    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE && k->fault == NULL;
         i = json_after(k->doc, list, i)) {
        if (is_false(k, i) && k->f->merges) {
            k->changed = true;
            continue;
        }
        has_null = has_null || says_null(k, i);
        put_node(k, v, i, false);
    }
    if (null_too && !has_null) {
        k->changed = true;
        json_put_object(k->w);
        json_put_member(k->w, "type", STR("null"));
        json_put_end(k->w);
    }
    json_put_end(k->w);
}

static void put_ref(struct walk *k, const struct view *v)
{
    struct str name = def_name(k, v->at[K_REF]);

    if (resolve(k, v->at[K_REF]) == JSON_NONE)
        return;
    if (k->f->lonely_ref && name.len > 0) {
        struct str text = arena_printf(k->a, "#/$defs/%.*s", (int)name.len, name.at);

        k->changed = k->changed || !json_says(k->doc, v->at[K_REF], text);
        json_put_member(k->w, "$ref", text);
    } else {
        json_put_member_raw(k->w, "$ref", raw_of(k, v->at[K_REF]));
    }
}

/* Definitions; of the two spellings, where the form has one only, both in one. */
static void put_defs(struct walk *k, const struct view *v, int which)
{
    uint32_t lists[] = { v->at[which], JSON_NONE };
    bool one = k->f->lonely_ref;

    if (one && !v->root) { /* nothing refers to them: what did is written out */
        k->changed = true;
        return;
    }
    if (one && v->at[K_DEFS] != JSON_NONE && v->at[K_DEFINITIONS] != JSON_NONE) {
        if (which == K_DEFINITIONS)
            return;
        lists[1] = v->at[K_DEFINITIONS];
    }
    k->changed = k->changed || (one && which == K_DEFINITIONS) || lists[1] != JSON_NONE;
    json_put_key(k->w, one ? STR("$defs") : keywords[which].name);
    json_put_object(k->w);
    for (size_t l = 0; l < COUNT(lists); l++) {
        if (!is_object(k, lists[l]))
            continue;
        for (uint32_t i = json_first(k->doc, lists[l]); i != JSON_NONE && k->fault == NULL;
             i = json_after(k->doc, lists[l], i)) {
            struct str name;
            struct view inside;

            (void)json_text(k->doc, i, k->a, &name);
            i = json_after(k->doc, lists[l], i);
            if (l == 1 && json_member(k->doc, lists[0], name, NULL) != JSON_NONE)
                continue;
            json_put_key(k->w, name);
            view_init(&inside, v);
            inside.targets[inside.target_count++] = i; /* it stands in itself */
            put_node(k, &inside, i, false);
        }
    }
    json_put_end(k->w);
}

/* --- a node -----------------------------------------------------------------------------------*/

/* What becomes of this member here, where the table alone does not decide. */
static enum action verdict(const struct walk *k, const struct view *v, int kw, uint32_t value)
{
    enum action act = kw < 0 ? unknown[k->form] : keywords[kw].on[k->form];
    bool tool_root = v->root && k->tool;
    int64_t least;

    if (act == HINT && (is_false(k, value) || json_type(k->doc, value) == JSON_NULL))
        return DROP; /* says nothing */
    if (act != OWN)
        return act;
    switch (kw) {
    case K_ADDITIONAL:
        return is_object(k, value) && (k->f->closed || k->f->openapi) ? HINT : OWN;
    case K_ENUM:
        if (tool_root || !is_array(k, value))
            return DROP;
        return enum_fits(k, value) && (!k->f->openapi || v->types & TYPE(STRING)) ? OWN : HINT;
    case K_CONST:
        return tool_root ? DROP : const_fits(k, v) ? OWN : HINT;
    case K_FORMAT:
        return is_string(k, value) && !json_says(k->doc, value, STR("enum")) &&
                       !format_fits(k, v, json_inside(k->doc, value))
                   ? HINT
                   : OWN;
    case K_MIN_ITEMS: /* anthropic format: 0 and 1 */
        return json_i64(k->doc, value, &least) && (least == 0 || least == 1) ? KEEP : HINT;
    case K_NOT:
        return tool_root ? HINT : KEEP;
    case K_ANY_OF:
    case K_ONE_OF:
        return any_stands(k, v, kw) ? OWN : HINT;
    default:
        return OWN;
    }
}

/* One member that has a function. */
static void put_own(struct walk *k, const struct view *v, int kw, struct properties *p,
                    bool null_too)
{
    bool object = may_be(k, v, TYPE(OBJECT)), array = may_be(k, v, TYPE(ARRAY));

    switch (kw) {
    case K_TYPE:
        put_type(k, v, null_too);
        break;
    case K_NULLABLE: /* written with the type */
        k->changed = k->changed || !k->f->openapi;
        break;
    case K_PROPERTIES:
        if (is_object(k, v->at[kw]) && object)
            put_properties(k, v, p);
        else
            k->changed = true;
        break;
    case K_REQUIRED:
        k->changed = k->changed || !object || !is_array(k, v->at[kw]);
        if (object)
            put_required(k, v, p);
        break;
    case K_ADDITIONAL:
        k->changed = k->changed || !object;
        if (object)
            put_additional(k, v);
        break;
    case K_ITEMS:
    case K_PREFIX_ITEMS:
        k->changed = k->changed || !array;
        if (array && !(kw == K_ITEMS && v->at[K_PREFIX_ITEMS] != JSON_NONE))
            put_items(k, v);
        break;
    case K_ENUM:
        put_enum(k, v, null_too || is_true(k, v->at[K_NULLABLE]));
        break;
    case K_CONST:
        put_const(k, v);
        break;
    case K_REF:
        put_ref(k, v);
        break;
    case K_DEFS:
    case K_DEFINITIONS:
        put_defs(k, v, kw);
        break;
    case K_ANY_OF:
    case K_ONE_OF:
        put_any_of(k, v, v->at[kw], null_too);
        break;
    case K_ALL_OF:
        put_list(k, v, "allOf", v->at[kw]);
        break;
    case K_FORMAT:
        put_format(k, v);
        break;
    default:
        break;
    }
}

/* Needs this member a type that the node has not? */
static bool belongs(const struct walk *k, const struct view *v, int kw)
{
    if (!k->f->openapi || v->types == 0)
        return true;
    if (kw == K_MIN_ITEMS || kw == K_MAX_ITEMS)
        return v->types & TYPE(ARRAY);
    if (kw == K_MIN_LENGTH || kw == K_MAX_LENGTH)
        return v->types & TYPE(STRING);
    if (kw == K_MIN_PROPERTIES || kw == K_MAX_PROPERTIES)
        return v->types & TYPE(OBJECT);
    return true;
}

/* Has an earlier part of the view said this? */
static bool said_before(const struct walk *k, const struct view *v, uint32_t part, uint32_t key)
{
    struct str name;
    int kw = part > 0 ? keyword_of(k, key) : -1;

    if (kw >= 0 && kw < K_PLAIN)
        return false; /* those are found by their number */
    for (uint32_t i = 0; i < part; i++) {
        if (!json_text(k->doc, key, k->a, &name))
            return false;
        if (json_member(k->doc, v->parts[i].node, name, NULL) != JSON_NONE)
            return true;
    }
    return false;
}

/* What the form cannot say, in words. */
static void collect_hints(struct walk *k, const struct view *v, struct buf *hints)
{
    for (uint32_t i = 0; i < v->count; i++) {
        uint32_t node = v->parts[i].node, value;

        for (uint32_t key = json_first(k->doc, node); key != JSON_NONE;
             key = json_after(k->doc, node, value)) {
            int kw = keyword_of(k, key);

            value = json_after(k->doc, node, key);
            if (kw < 0 || (kw < K_PLAIN && v->at[kw] != value) || !belongs(k, v, kw) ||
                verdict(k, v, kw, value) != HINT || said_before(k, v, i, key))
                continue;
            hint(k, hints,
                 kw == K_ENUM    ? STR("one of")
                 : kw == K_CONST ? STR("always")
                                 : keywords[kw].name,
                 value);
        }
    }
}

static void put_member(struct walk *k, const struct view *v, uint32_t key, uint32_t value,
                       struct properties *p, const struct buf *hints, bool null_too)
{
    int kw = keyword_of(k, key);

    if ((kw >= 0 && kw < K_PLAIN && v->at[kw] != value) || (kw >= 0 && !belongs(k, v, kw))) {
        k->changed = true; /* said by another part of the view, or of no use here */
        return;
    }
    if (kw == K_DESCRIPTION) {
        put_description(k, v, hints);
        return;
    }
    switch (verdict(k, v, kw, value)) {
    case KEEP:
        put_plain(k, key, value, kw);
        break;
    case HINT: /* is in the description */
        break;
    case DROP: /* which draft it is written in is no part of what it says */
        if (kw >= 0 && str_eq(keywords[kw].name, STR("$schema")))
            k->respelt = true;
        else
            k->changed = true;
        break;
    case OWN:
        put_own(k, v, kw, p, null_too);
        break;
    }
}

/* What the form wants of an object or array that the client did not say. */
static void put_rest(struct walk *k, const struct view *v, struct properties *p, bool null_too)
{
    bool object = v->types & TYPE(OBJECT);

    if (v->at[K_TYPE] == JSON_NONE && v->types != 0)
        put_type(k, v, null_too);
    if (object && !is_object(k, v->at[K_PROPERTIES]) &&
        (k->f->closed || (v->root && k->tool && !k->f->openapi))) {
        k->respelt = true;
        json_put_member_raw(k->w, "properties", STR("{}"));
    }
    if (object && v->at[K_REQUIRED] == JSON_NONE && (k->f->all_required || p->moved))
        put_required(k, v, p);
    if (object && k->f->closed) {
        k->changed = k->changed || !is_false(k, v->at[K_ADDITIONAL]);
        json_put_member_bool(k->w, "additionalProperties", false);
    }
    if (v->types & TYPE(ARRAY) && k->f->typed && v->at[K_ITEMS] == JSON_NONE &&
        v->at[K_PREFIX_ITEMS] == JSON_NONE)
        put_items(k, v);
}

static void put_body(struct walk *k, const struct view *v, bool null_too)
{
    struct properties p = { .count = 0 };
    struct buf hints;

    buf_init(&hints, HINTS_MAX);
    if (may_be(k, v, TYPE(OBJECT)))
        properties_collect(k, v, &p);
    json_put_object(k->w);
    if (k->f->lonely_ref && v->at[K_REF] != JSON_NONE) {
        k->changed = k->changed || k->doc->nodes[v->parts[0].node].count > 1;
        put_ref(k, v);
        json_put_end(k->w);
        return;
    }
    collect_hints(k, v, &hints);
    for (uint32_t i = 0; i < v->count && k->fault == NULL; i++) {
        uint32_t node = v->parts[i].node;

        for (uint32_t key = json_first(k->doc, node); key != JSON_NONE && k->fault == NULL;) {
            uint32_t value = json_after(k->doc, node, key);

            if (!said_before(k, v, i, key))
                put_member(k, v, key, value, &p, &hints, null_too);
            key = json_after(k->doc, node, value);
        }
    }
    put_rest(k, v, &p, null_too);
    if (v->at[K_DESCRIPTION] == JSON_NONE)
        put_description(k, v, &hints);
    json_put_end(k->w);
    buf_clear(&hints);
}

/* Both together, for a node whose own words cannot say that it may be null. */
static void put_or_null(struct walk *k, const struct view *v)
{
    k->changed = true;
    json_put_object(k->w);
    json_put_key(k->w, STR("anyOf"));
    json_put_array(k->w);
    put_body(k, v, false);
    json_put_object(k->w);
    json_put_member(k->w, "type", STR("null"));
    json_put_end(k->w);
    json_put_end(k->w);
    json_put_end(k->w);
}

static void put_schema(struct walk *k, struct view *v, bool add_null)
{
    int any = any_stands(k, v, K_ANY_OF) ? K_ANY_OF : any_stands(k, v, K_ONE_OF) ? K_ONE_OF : -1;

    if (k->fault != NULL || (k->depth >= SCHEMA_DEPTH_MAX && !fault(k, "nested too deep"))) {
        json_put_null(k->w);
        return;
    }
    if (k->w->full) {
        fault(k, "too large when written out");
        json_put_null(k->w);
        return;
    }
    k->depth++;
    if (!v->split)
        view_types(k, v);
    uint32_t kinds = v->types & ~TYPE(NULL);
    bool null = add_null && !v->nullable && !(v->types == TYPE(NULL));

    if (k->f->openapi && any >= 0) {
        put_split(k, v, v->at[any], add_null);
    } else if (k->f->openapi && kinds != 0 && (kinds & (kinds - 1)) != 0) {
        put_types_split(k, v, add_null);
    } else if (k->f->typed && v->types == 0 && !is_combined(k, v)) {
        v->types = k->f->openapi ? TYPE(STRING) : TYPES_SCALAR;
        k->changed = true;
        put_body(k, v, false);
    } else if (null && !k->f->openapi && (is_combined(k, v) || v->at[K_CONST] != JSON_NONE) &&
               any < 0) {
        put_or_null(k, v);
    } else {
        put_body(k, v, null);
    }
    k->depth--;
}

static void put_node(struct walk *k, const struct view *up, uint32_t node, bool add_null)
{
    struct view v;

    if (k->fault != NULL) {
        json_put_null(k->w);
        return;
    }
    if (!is_object(k, node)) {
        if (is_false(k, node) && !k->f->merges) {
            k->changed = true;
            json_put_raw(k->w, STR("{\"not\":{}}"));
        } else { /* `true`, or nothing that is a schema */
            put_any(k);
        }
        return;
    }
    view_init(&v, up);
    view_add(k, &v, node, false);
    put_schema(k, &v, add_null);
}

/* --- the whole --------------------------------------------------------------------------------*/

static struct str empty_schema(enum schema_form form)
{
    switch (form) {
    case SCHEMA_OPENAI:
    case SCHEMA_ANTHROPIC:
    case SCHEMA_GEMINI_JSON:
        return STR("{\"type\":\"object\",\"properties\":{}}");
    case SCHEMA_OPENAI_STRICT:
    case SCHEMA_ANTHROPIC_FORMAT:
        return STR("{\"type\":\"object\",\"properties\":{},\"required\":[],"
                   "\"additionalProperties\":false}");
    case SCHEMA_GEMINI_OPENAPI:
        return STR("{\"type\":\"OBJECT\"}");
    case SCHEMA_FORMS:
        break;
    }
    return STR("{}");
}

static bool put_root(struct walk *k)
{
    struct view v;

    view_init(&v, NULL);
    v.root = true;
    v.targets[v.target_count++] = 0; /* `#` is where we stand */
    view_add(k, &v, 0, false);
    if (k->form == SCHEMA_OPENAI_STRICT && !k->tool && k->fault == NULL) {
        view_types(k, &v);
        if (v.types != TYPE(OBJECT))
            return fault(k, "an answer's strict schema must be an object");
    }
    put_schema(k, &v, false);
    return k->fault == NULL;
}

enum schema_result schema_put(struct json_writer *w, struct str raw, bool from_openapi,
                              enum schema_form form, bool tool, struct arena *a, const char **what)
{
    struct json doc;
    struct json_fault bad = { 0 };
    struct buf out;
    struct json_writer inner;

    *what = NULL;
    if (raw.len > SCHEMA_BYTES_MAX) {
        *what = "larger than a schema may be";
        return SCHEMA_REFUSED;
    }
    if (raw.len == 0) {
        json_put_raw(w, empty_schema(form));
        return SCHEMA_SAME;
    }
    if (!json_parse(&doc, raw, NULL, a, &bad) || json_type(&doc, 0) != JSON_OBJECT) {
        *what = bad.limit ? "nested too deep" : "no JSON object";
        return SCHEMA_REFUSED;
    }
    if (from_openapi && form == SCHEMA_GEMINI_OPENAPI) { /* its own words */
        json_put_raw(w, raw);
        return SCHEMA_SAME;
    }
    if (doc.nodes[0].count == 0) {
        json_put_raw(w, empty_schema(form));
        return tool ? SCHEMA_SAME : SCHEMA_CHANGED; /* no parameters, or any JSON at all */
    }
    buf_init(&out, SCHEMA_BYTES_MAX);
    inner = json_writer(&out);
    struct walk k = {
        .doc = &doc, .w = &inner, .a = a, .form = form, .f = &forms[form], .tool = tool
    };

    if (!put_root(&k) || !json_written(&inner)) {
        *what = k.fault != NULL ? k.fault : "too large when written out";
        buf_clear(&out);
        return SCHEMA_REFUSED;
    }
    json_put_raw(w, k.changed || k.respelt ? buf_str(&out) : raw);
    buf_clear(&out);
    return k.changed ? SCHEMA_CHANGED : SCHEMA_SAME;
}

bool schema_is_bare(struct str raw, struct arena *a)
{
    struct json doc;

    if (raw.len == 0)
        return true;
    if (!json_parse(&doc, raw, NULL, a, NULL) || json_type(&doc, 0) != JSON_OBJECT)
        return false;
    for (uint32_t i = json_first(&doc, 0); i != JSON_NONE; i = json_after(&doc, 0, i)) {
        bool type = json_says(&doc, i, STR("type")), empty = json_says(&doc, i, STR("properties"));
        bool idle = json_says(&doc, i, STR("required")) || json_says(&doc, i, STR("$schema")) ||
                    json_says(&doc, i, STR("additionalProperties"));

        i = json_after(&doc, 0, i);
        if (!type && !idle && !(empty && doc.nodes[i].count == 0))
            return false;
    }
    return true;
}
