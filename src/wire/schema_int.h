/* wire/schema_int.h - what the files of the schema writer share.
 *
 *   schema_table.c   what each form does with each keyword
 *   schema_view.c    references, objects read as one, types
 *   schema_parts.c   descriptions, objects, arrays
 *   schema_values.c  types, enums, constants, formats
 *   schema.c         combinations, a node, the whole
 *
 * A node is looked at through a *view*: the object itself and what is merged into it (the target of
 * a $ref that is written out, the parts of an allOf), so that merging is reading from several
 * objects at once and nothing is built in between. */
#ifndef PENSTOCK_WIRE_SCHEMA_INT_H
#define PENSTOCK_WIRE_SCHEMA_INT_H

#include "wire/canonical.h"
#include "wire/schema.h"

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

struct schema_keyword {
    struct str name;
    uint8_t on[SCHEMA_FORMS]; /* enum action */
};
extern const struct schema_keyword schema_keywords[];
extern const uint8_t schema_unknown[SCHEMA_FORMS]; /* of what is in no row */

struct form {
    bool merges;       /* allOf is written out, oneOf is anyOf */
    bool inlines;      /* every $ref is written out */
    bool lonely_ref;   /* a $ref stands alone, and only into $defs */
    bool root_ref;     /* $ref "#" may stand */
    bool closed;       /* additionalProperties: false on every object */
    bool all_required; /* … and all properties required; what may be absent may be null */
    bool tuples;       /* prefixItems, or an array of items */
    bool typed;        /* each node says its type */
    bool openapi;
};
extern const struct form schema_forms[SCHEMA_FORMS];

enum type { T_NULL, T_BOOLEAN, T_INTEGER, T_NUMBER, T_STRING, T_ARRAY, T_OBJECT, TYPES };
#define TYPE(t) (1u << T_##t)
#define TYPES_SCALAR (TYPE(STRING) | TYPE(NUMBER) | TYPE(BOOLEAN) | TYPE(NULL))

struct schema_type_name {
    const char *json, *openapi;
};
extern const struct schema_type_name schema_type_names[TYPES];

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

#define SCHEMA_HINTS_MAX 1200 /* bytes of what is said in words of one node */
#define VIEW_MAX 32           /* objects read as one; more are left out, in words */

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

static inline bool schema_fault(struct walk *k, const char *what)
{
    if (k->fault == NULL)
        k->fault = what;
    return false;
}

static inline bool is_object(const struct walk *k, uint32_t node)
{
    return node != JSON_NONE && json_type(k->doc, node) == JSON_OBJECT;
}

static inline bool is_array(const struct walk *k, uint32_t node)
{
    return node != JSON_NONE && json_type(k->doc, node) == JSON_ARRAY;
}

static inline bool is_string(const struct walk *k, uint32_t node)
{
    return node != JSON_NONE && json_type(k->doc, node) == JSON_STRING;
}

static inline bool is_true(const struct walk *k, uint32_t node)
{
    return node != JSON_NONE && json_is_true(k->doc, node);
}

static inline bool is_false(const struct walk *k, uint32_t node)
{
    return node != JSON_NONE && json_type(k->doc, node) == JSON_FALSE;
}

static inline struct str raw_of(const struct walk *k, uint32_t node)
{
    return json_raw(k->doc, node);
}

/* schema_table.c */
/* The keyword of this name; -1 without one. */
int schema_keyword_named(struct str name);
int schema_keyword_of(const struct walk *k, uint32_t key);

/* schema_same.c: the schema as it stands, but for `$schema`, when the form takes it so; else empty.
 */
struct str schema_same(struct str raw, enum schema_form form, bool tool, struct arena *a);

/* schema_view.c */
uint32_t schema_resolve(struct walk *k, uint32_t ref);
struct str schema_def_name(struct walk *k, uint32_t ref);
bool schema_is_idle(const struct walk *k, int kw, uint32_t value);
void schema_view_add(struct walk *k, struct view *v, uint32_t node, bool optional);
void schema_view_init(struct view *v, const struct view *up);
uint32_t schema_type_bit(const struct walk *k, uint32_t node);
uint32_t schema_list_types(const struct walk *k, uint32_t list);
uint32_t schema_types_said(const struct walk *k, uint32_t node);
bool schema_any_stands(const struct walk *k, const struct view *v, int kw);
bool schema_is_combined(const struct walk *k, const struct view *v);
void schema_view_types(struct walk *k, struct view *v);
bool schema_may_be(const struct walk *k, const struct view *v, uint32_t type);

/* schema_parts.c */
void schema_hint(struct walk *k, struct buf *hints, struct str name, uint32_t value);
void schema_put_description(struct walk *k, const struct view *v, const struct buf *hints);
void schema_properties_collect(struct walk *k, const struct view *v, struct properties *p);
void schema_put_properties(struct walk *k, const struct view *v, struct properties *p);
void schema_put_required(struct walk *k, const struct view *v, const struct properties *p);
void schema_put_additional(struct walk *k, const struct view *v);
void schema_put_any(struct walk *k);
uint32_t schema_list_len(const struct walk *k, uint32_t list);
void schema_put_list(struct walk *k, const struct view *v, const char *name, uint32_t list);
void schema_put_items(struct walk *k, const struct view *v);

/* schema_values.c */
bool schema_enum_fits(const struct walk *k, uint32_t list);
void schema_put_enum(struct walk *k, const struct view *v, bool null_too);
bool schema_const_fits(const struct walk *k, const struct view *v);
void schema_put_const(struct walk *k, const struct view *v);
bool schema_format_fits(const struct walk *k, const struct view *v, struct str format);
void schema_put_format(struct walk *k, const struct view *v);
void schema_put_type(struct walk *k, const struct view *v, bool null_too);
void schema_put_plain(struct walk *k, uint32_t key, uint32_t value, int kw);

/* schema.c */
void schema_put_node(struct walk *k, const struct view *up, uint32_t node, bool add_null);

#endif
