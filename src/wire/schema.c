/* wire/schema.c - combinations, one node, and the whole schema. */
#include "wire/schema_int.h"

static void put_schema(struct walk *k, struct view *v, bool add_null);

/* --- combinations -----------------------------------------------------------------------------*/

static bool says_null(const struct walk *k, uint32_t node)
{
    if (!is_object(k, node))
        return false;
    uint32_t type = json_member(k->doc, node, STR("type"), NULL);

    return type != JSON_NONE && is_string(k, type) && schema_type_bit(k, type) == TYPE(NULL);
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
        schema_view_init(&branch, v);
        branch.root = v->root;
        schema_view_add(k, &branch, i, false);
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
        schema_put_any(k);
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
        schema_put_node(k, v, i, false);
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
    struct str name = schema_def_name(k, v->at[K_REF]);

    if (schema_resolve(k, v->at[K_REF]) == JSON_NONE)
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
    json_put_key(k->w, one ? STR("$defs") : schema_keywords[which].name);
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
            schema_view_init(&inside, v);
            inside.targets[inside.target_count++] = i; /* it stands in itself */
            schema_put_node(k, &inside, i, false);
        }
    }
    json_put_end(k->w);
}

/* --- a node -----------------------------------------------------------------------------------*/

/* What becomes of this member here, where the table alone does not decide. */
static enum action verdict(const struct walk *k, const struct view *v, int kw, uint32_t value)
{
    enum action act = kw < 0 ? schema_unknown[k->form] : schema_keywords[kw].on[k->form];
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
        return schema_enum_fits(k, value) && (!k->f->openapi || v->types & TYPE(STRING)) ? OWN
                                                                                         : HINT;
    case K_CONST:
        return tool_root ? DROP : schema_const_fits(k, v) ? OWN : HINT;
    case K_FORMAT:
        return is_string(k, value) && !json_says(k->doc, value, STR("enum")) &&
                       !schema_format_fits(k, v, json_inside(k->doc, value))
                   ? HINT
                   : OWN;
    case K_MIN_ITEMS: /* anthropic format: 0 and 1 */
        return json_i64(k->doc, value, &least) && (least == 0 || least == 1) ? KEEP : HINT;
    case K_NOT:
        return tool_root ? HINT : KEEP;
    case K_ANY_OF:
    case K_ONE_OF:
        return schema_any_stands(k, v, kw) ? OWN : HINT;
    default:
        return OWN;
    }
}

/* One member that has a function. */
static void put_own(struct walk *k, const struct view *v, int kw, struct properties *p,
                    bool null_too)
{
    bool object = schema_may_be(k, v, TYPE(OBJECT)), array = schema_may_be(k, v, TYPE(ARRAY));

    switch (kw) {
    case K_TYPE:
        schema_put_type(k, v, null_too);
        break;
    case K_NULLABLE: /* written with the type */
        k->respelt = true;
        break;
    case K_PROPERTIES:
        if (is_object(k, v->at[kw]) && object)
            schema_put_properties(k, v, p);
        else
            k->changed = true;
        break;
    case K_REQUIRED:
        k->changed = k->changed || !object || !is_array(k, v->at[kw]);
        if (object)
            schema_put_required(k, v, p);
        break;
    case K_ADDITIONAL:
        k->changed = k->changed || !object;
        if (object)
            schema_put_additional(k, v);
        break;
    case K_ITEMS:
    case K_PREFIX_ITEMS:
        k->changed = k->changed || !array;
        if (array && !(kw == K_ITEMS && v->at[K_PREFIX_ITEMS] != JSON_NONE))
            schema_put_items(k, v);
        break;
    case K_ENUM:
        schema_put_enum(k, v, null_too || is_true(k, v->at[K_NULLABLE]));
        break;
    case K_CONST:
        schema_put_const(k, v);
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
        schema_put_list(k, v, "allOf", v->at[kw]);
        break;
    case K_FORMAT:
        schema_put_format(k, v);
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
    int kw = part > 0 ? schema_keyword_of(k, key) : -1;

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
            int kw = schema_keyword_of(k, key);

            value = json_after(k->doc, node, key);
            if (kw < 0 || (kw < K_PLAIN && v->at[kw] != value) || !belongs(k, v, kw) ||
                verdict(k, v, kw, value) != HINT || said_before(k, v, i, key))
                continue;
            schema_hint(k, hints,
                        kw == K_ENUM    ? STR("one of")
                        : kw == K_CONST ? STR("always")
                                        : schema_keywords[kw].name,
                        value);
        }
    }
}

static void put_member(struct walk *k, const struct view *v, uint32_t key, uint32_t value,
                       struct properties *p, const struct buf *hints, bool null_too)
{
    int kw = schema_keyword_of(k, key);

    if ((kw >= 0 && kw < K_PLAIN && v->at[kw] != value) || (kw >= 0 && !belongs(k, v, kw))) {
        k->changed = true; /* said by another part of the view, or of no use here */
        return;
    }
    if (kw == K_DESCRIPTION) {
        schema_put_description(k, v, hints);
        return;
    }
    switch (verdict(k, v, kw, value)) {
    case KEEP:
        schema_put_plain(k, key, value, kw);
        break;
    case HINT: /* is in the description */
        break;
    case DROP: /* which draft it is written in is no part of what it says */
        if (kw >= 0 && str_eq(schema_keywords[kw].name, STR("$schema")))
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
        schema_put_type(k, v, null_too);
    if (object && !is_object(k, v->at[K_PROPERTIES]) &&
        (k->f->closed || (v->root && k->tool && !k->f->openapi))) {
        k->respelt = true;
        json_put_member_raw(k->w, "properties", STR("{}"));
    }
    if (object && v->at[K_REQUIRED] == JSON_NONE && (k->f->all_required || p->moved))
        schema_put_required(k, v, p);
    if (object && k->f->closed) {
        k->changed = k->changed || !is_false(k, v->at[K_ADDITIONAL]);
        json_put_member_bool(k->w, "additionalProperties", false);
    }
    if (v->types & TYPE(ARRAY) && k->f->typed && v->at[K_ITEMS] == JSON_NONE &&
        v->at[K_PREFIX_ITEMS] == JSON_NONE)
        schema_put_items(k, v);
}

static void put_body(struct walk *k, const struct view *v, bool null_too)
{
    struct properties p = { .count = 0 };
    struct buf hints;

    buf_init(&hints, SCHEMA_HINTS_MAX);
    if (schema_may_be(k, v, TYPE(OBJECT)))
        schema_properties_collect(k, v, &p);
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
        schema_put_description(k, v, &hints);
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
    int any = schema_any_stands(k, v, K_ANY_OF)   ? K_ANY_OF
              : schema_any_stands(k, v, K_ONE_OF) ? K_ONE_OF
                                                  : -1;

    if (k->fault != NULL || (k->depth >= SCHEMA_DEPTH_MAX && !schema_fault(k, "nested too deep"))) {
        json_put_null(k->w);
        return;
    }
    if (k->w->full) {
        schema_fault(k, "too large when written out");
        json_put_null(k->w);
        return;
    }
    k->depth++;
    if (!v->split)
        schema_view_types(k, v);
    uint32_t kinds = v->types & ~TYPE(NULL);
    bool null = add_null && !v->nullable && !(v->types == TYPE(NULL));

    if (k->f->openapi && any >= 0) {
        put_split(k, v, v->at[any], add_null);
    } else if (k->f->openapi && kinds != 0 && (kinds & (kinds - 1)) != 0) {
        put_types_split(k, v, add_null);
    } else if (k->f->typed && v->types == 0 && !schema_is_combined(k, v)) {
        v->types = k->f->openapi ? TYPE(STRING) : TYPES_SCALAR;
        k->changed = true;
        put_body(k, v, false);
    } else if (null && !k->f->openapi &&
               (schema_is_combined(k, v) || v->at[K_CONST] != JSON_NONE) && any < 0) {
        put_or_null(k, v);
    } else {
        put_body(k, v, null);
    }
    k->depth--;
}

void schema_put_node(struct walk *k, const struct view *up, uint32_t node, bool add_null)
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
            schema_put_any(k);
        }
        return;
    }
    schema_view_init(&v, up);
    schema_view_add(k, &v, node, false);
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

    schema_view_init(&v, NULL);
    v.root = true;
    v.targets[v.target_count++] = 0; /* `#` is where we stand */
    schema_view_add(k, &v, 0, false);
    if (k->form == SCHEMA_OPENAI_STRICT && !k->tool && k->fault == NULL) {
        schema_view_types(k, &v);
        if (v.types != TYPE(OBJECT))
            return schema_fault(k, "an answer's strict schema must be an object");
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
    struct str same = schema_same(raw, form, tool, a);

    if (same.len > 0) {
        json_put_raw(w, same);
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
        .doc = &doc, .w = &inner, .a = a, .form = form, .f = &schema_forms[form], .tool = tool
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
