/* wire/schema_view.c - what a node is: its references, what is read together with it, its types. */
#include "wire/schema_int.h"

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
uint32_t schema_resolve(struct walk *k, uint32_t ref)
{
    struct str text, step;
    uint32_t node = 0;
    uint64_t index;

    if (!json_text(k->doc, ref, k->a, &text) || text.len == 0 || text.at[0] != '#' ||
        (text.len > 1 && text.at[1] != '/')) {
        schema_fault(k, "a $ref that is no JSON pointer into the schema itself");
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
        schema_fault(k, "a $ref that leads nowhere");
        return JSON_NONE;
    }
    return node;
}

/* The name in `#/$defs/name` or `#/definitions/name`; empty for any other place. */
struct str schema_def_name(struct walk *k, uint32_t ref)
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

static void view_add_list(struct walk *k, struct view *v, uint32_t list, bool optional)
{
    if (!is_array(k, list))
        return;
    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE; i = json_after(k->doc, list, i))
        if (is_object(k, i))
            schema_view_add(k, v, i, optional);
}

/* Does anything but the reference stand in this node that would be lost without it? */
static bool ref_has_company(const struct walk *k, uint32_t node)
{
    for (uint32_t i = json_first(k->doc, node); i != JSON_NONE; i = json_after(k->doc, node, i)) {
        int kw = schema_keyword_of(k, i);

        if (kw != K_REF && kw != K_DEFS && kw != K_DEFINITIONS && kw >= 0 &&
            schema_keywords[kw].on[k->form] != DROP)
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
    if (schema_def_name(k, ref).len == 0)
        return false;
    return !ref_has_company(k, node) || is_active(v, schema_resolve(k, ref));
}

static void view_add_target(struct walk *k, struct view *v, uint32_t ref, bool optional)
{
    uint32_t target = schema_resolve(k, ref);

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
        schema_view_add(k, v, target, optional);
}

/* A value that its keyword cannot have is as good as none. */
bool schema_is_idle(const struct walk *k, int kw, uint32_t value)
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

void schema_view_add(struct walk *k, struct view *v, uint32_t node, bool optional)
{
    uint32_t found[K_PLAIN];

    if (++k->nodes > SCHEMA_NODES_MAX) {
        schema_fault(k, "more nodes than a schema may have");
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
        int kw = schema_keyword_of(k, i);

        i = json_after(k->doc, node, i);
        if (kw >= 0 && kw < K_PLAIN && !schema_is_idle(k, kw, i))
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

void schema_view_init(struct view *v, const struct view *up)
{
    *v = (struct view){ .up = up };
    memset(v->at, 0xff, sizeof v->at);
}

/* --- types ------------------------------------------------------------------------------------*/

uint32_t schema_type_bit(const struct walk *k, uint32_t node)
{
    for (int i = 0; i < TYPES; i++)
        if (is_string(k, node) &&
            str_ieq(json_inside(k->doc, node), str_c(schema_type_names[i].json)))
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

uint32_t schema_list_types(const struct walk *k, uint32_t list)
{
    uint32_t types = 0;

    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE; i = json_after(k->doc, list, i))
        types |= value_type(k, i);
    return types;
}

uint32_t schema_types_said(const struct walk *k, uint32_t node)
{
    uint32_t types = 0;

    if (!is_array(k, node))
        return schema_type_bit(k, node);
    for (uint32_t i = json_first(k->doc, node); i != JSON_NONE; i = json_after(k->doc, node, i))
        types |= schema_type_bit(k, i);
    return types;
}

/* Only conditions, no values: `{"required": ["a"]}`. */
static bool is_condition(const struct walk *k, uint32_t node)
{
    if (!is_object(k, node))
        return true;
    for (uint32_t i = json_first(k->doc, node); i != JSON_NONE; i = json_after(k->doc, node, i)) {
        int kw = schema_keyword_of(k, i);

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
bool schema_any_stands(const struct walk *k, const struct view *v, int kw)
{
    if (v->at[kw] == JSON_NONE)
        return false;
    return !k->f->merges ||
           !(all_conditions(k, v->at[kw]) || (kw == K_ONE_OF && v->at[K_ANY_OF] != JSON_NONE));
}

bool schema_is_combined(const struct walk *k, const struct view *v)
{
    return schema_any_stands(k, v, K_ANY_OF) || schema_any_stands(k, v, K_ONE_OF) ||
           v->at[K_ALL_OF] != JSON_NONE || v->at[K_REF] != JSON_NONE;
}

/* What the node is, said or to be seen from its other members. */
void schema_view_types(struct walk *k, struct view *v)
{
    uint32_t types = v->at[K_TYPE] != JSON_NONE ? schema_types_said(k, v->at[K_TYPE]) : 0;

    v->nullable = is_true(k, v->at[K_NULLABLE]) || (types & TYPE(NULL) && types != TYPE(NULL));
    if (types == 0 && (k->f->typed || k->f->closed)) {
        if (is_object(k, v->at[K_PROPERTIES]) || is_object(k, v->at[K_ADDITIONAL]))
            types = TYPE(OBJECT);
        else if (v->at[K_ITEMS] != JSON_NONE || is_array(k, v->at[K_PREFIX_ITEMS]))
            types = TYPE(ARRAY);
        else if (is_array(k, v->at[K_ENUM]))
            types = schema_list_types(k, v->at[K_ENUM]) & ~(TYPE(ARRAY) | TYPE(OBJECT));
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
bool schema_may_be(const struct walk *k, const struct view *v, uint32_t type)
{
    return !k->f->merges || v->types == 0 || v->types & type;
}
