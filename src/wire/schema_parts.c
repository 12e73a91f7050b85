/* wire/schema_parts.c - descriptions with what a form cannot say, objects and arrays. */
#include "wire/schema_int.h"

#include <stdlib.h>

/* --- hints ------------------------------------------------------------------------------------*/

#define HINT_MAX 200 /* bytes of one value */

/* `; name: value` inside of a JSON string. */
void schema_hint(struct walk *k, struct buf *hints, struct str name, uint32_t value)
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

void schema_put_description(struct walk *k, const struct view *v, const struct buf *hints)
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
        bool is_it = json_says(k->doc, i, schema_keywords[kw].name);

        i = json_after(k->doc, node, i);
        if (is_it && !schema_is_idle(k, kw, i))
            found = i;
    }
    return found;
}

void schema_properties_collect(struct walk *k, const struct view *v, struct properties *p)
{
    uint32_t n = 0, room = 0;

    *p = (struct properties){ .count = 0 };
    for (uint32_t i = 0; i < v->count; i++) {
        uint32_t list = part_member(k, v, i, K_PROPERTIES);

        if (is_object(k, list))
            room += k->doc->nodes[list].count;
    }
    if (room > SCHEMA_NODES_MAX) {
        schema_fault(k, "more nodes than a schema may have");
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

void schema_put_properties(struct walk *k, const struct view *v, struct properties *p)
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
        schema_put_node(k, v, one->value, k->f->all_required && !one->required);
    }
    json_put_end(k->w);
}

void schema_put_required(struct walk *k, const struct view *v, const struct properties *p)
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

void schema_put_additional(struct walk *k, const struct view *v)
{
    uint32_t node = v->at[K_ADDITIONAL];

    if (k->f->closed || k->f->openapi) {
        k->changed = k->changed || !k->f->closed || !is_false(k, node);
        return; /* written with the object, or none of the form's */
    }
    json_put_key(k->w, STR("additionalProperties"));
    if (is_object(k, node))
        schema_put_node(k, v, node, false);
    else
        json_put_raw(k->w, raw_of(k, node));
}

/* --- arrays -----------------------------------------------------------------------------------*/

void schema_put_any(struct walk *k)
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

uint32_t schema_list_len(const struct walk *k, uint32_t list)
{
    return is_array(k, list) ? k->doc->nodes[list].count : 0;
}

/* A list of schemas as it is, one by one. */
void schema_put_list(struct walk *k, const struct view *v, const char *name, uint32_t list)
{
    json_put_key(k->w, str_c(name));
    json_put_array(k->w);
    for (uint32_t i = json_first(k->doc, list); i != JSON_NONE && k->fault == NULL;
         i = json_after(k->doc, list, i))
        schema_put_node(k, v, i, false);
    json_put_end(k->w);
}

void schema_put_items(struct walk *k, const struct view *v)
{
    uint32_t items = v->at[K_ITEMS], prefix = v->at[K_PREFIX_ITEMS];
    uint32_t tuple = is_array(k, prefix) ? prefix : items;

    if (is_array(k, tuple) && k->f->tuples) {
        bool renames = k->form == SCHEMA_GEMINI_JSON && tuple == items;

        k->changed = k->changed || renames;
        schema_put_list(k, v, tuple == prefix || renames ? "prefixItems" : "items", tuple);
        if (tuple == prefix && is_object(k, items)) {
            json_put_key(k->w, STR("items"));
            schema_put_node(k, v, items, false);
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
        if (schema_list_len(k, tuple) == 0) {
            schema_put_any(k);
        } else if (schema_list_len(k, tuple) == 1) {
            schema_put_node(k, v, json_first(k->doc, tuple), false);
        } else {
            json_put_object(k->w);
            schema_put_list(k, v, "anyOf", tuple);
            json_put_end(k->w);
        }
        return;
    }
    if (is_object(k, items) || is_true(k, items) || (is_false(k, items) && !k->f->merges)) {
        json_put_key(k->w, STR("items"));
        schema_put_node(k, v, items, false);
    } else if (k->f->typed) {
        json_put_key(k->w, STR("items"));
        schema_put_any(k);
    } else if (items != JSON_NONE) {
        k->changed = true;
    }
}
