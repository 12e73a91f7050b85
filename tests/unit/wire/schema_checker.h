/* tests/unit/wire/schema_checker.h - may this schema go out in this form?
 *
 * Written from the providers' documents and independent of src/wire/schema.c: it knows which
 * keywords a form has and what must stand beside what, not how a schema gets there. Used by the
 * unit tests and by fuzz/fuzz_schema_ref.c. */
#ifndef PENSTOCK_TESTS_SCHEMA_CHECKER_H
#define PENSTOCK_TESTS_SCHEMA_CHECKER_H

#include "wire/schema.h"

struct schema_check {
    struct json doc;
    enum schema_form form;
    bool tool;
    struct arena *a;
    const char *broken;
};

static inline void breaks(struct schema_check *c, const char *what)
{
    if (c->broken == NULL)
        c->broken = what;
}

static inline bool one_of(struct str s, const char *words)
{
    struct str list = str_c(words), word;

    while (list.len > 0) {
        (void)str_cut(list, ' ', &word, &list);
        if (str_eq(word, s))
            return true;
    }
    return false;
}

static inline uint32_t check_member(struct schema_check *c, uint32_t node, const char *name)
{
    return json_member(&c->doc, node, str_c(name), NULL);
}

static inline bool check_is(struct schema_check *c, uint32_t node, enum json_type type)
{
    return node != JSON_NONE && json_type(&c->doc, node) == type;
}

/* Keywords that a node of the form may have; NULL: any. */
static inline const char *check_keywords(enum schema_form form)
{
    switch (form) {
    case SCHEMA_OPENAI_STRICT:
        return "type properties required items anyOf enum const $ref $defs format description "
               "title "
               "additionalProperties minimum maximum exclusiveMinimum exclusiveMaximum multipleOf "
               "pattern minItems maxItems";
    case SCHEMA_ANTHROPIC_FORMAT:
        return "type properties required items anyOf enum const format description title default "
               "additionalProperties minItems";
    case SCHEMA_GEMINI_JSON:
        return "type properties required items prefixItems anyOf enum $ref $defs $id $anchor "
               "format "
               "description title additionalProperties minimum maximum minItems maxItems "
               "propertyOrdering";
    case SCHEMA_GEMINI_OPENAPI:
        return "type nullable properties required items anyOf enum format description title "
               "minimum "
               "maximum minLength maxLength pattern minItems maxItems minProperties maxProperties "
               "propertyOrdering";
    case SCHEMA_OPENAI:
    case SCHEMA_ANTHROPIC:
    case SCHEMA_FORMS:
        break;
    }
    return NULL;
}

static inline void check_type_word(struct schema_check *c, uint32_t node)
{
    const char *words = c->form == SCHEMA_GEMINI_OPENAPI
                            ? "NULL BOOLEAN INTEGER NUMBER STRING ARRAY OBJECT"
                            : "null boolean integer number string array object";
    if (!check_is(c, node, JSON_STRING) || !one_of(json_inside(&c->doc, node), words))
        breaks(c, "a type that the form does not have");
}

static inline bool check_has_type(struct schema_check *c, uint32_t type, const char *word)
{
    if (check_is(c, type, JSON_STRING))
        return json_says(&c->doc, type, str_c(word));
    if (check_is(c, type, JSON_ARRAY))
        for (uint32_t i = json_first(&c->doc, type); i != JSON_NONE;
             i = json_after(&c->doc, type, i))
            if (json_says(&c->doc, i, str_c(word)))
                return true;
    return false;
}

static inline void check_required(struct schema_check *c, uint32_t node, uint32_t properties)
{
    uint32_t required = check_member(c, node, "required");
    bool strict = c->form == SCHEMA_OPENAI_STRICT;

    if (required == JSON_NONE) {
        if (strict)
            breaks(c, "strict: an object without required");
        return;
    }
    if (!check_is(c, required, JSON_ARRAY)) {
        breaks(c, "required is no list");
        return;
    }
    bool loose = c->form == SCHEMA_OPENAI || c->form == SCHEMA_ANTHROPIC;

    if (!check_is(c, properties, JSON_OBJECT)) {
        if (!loose && c->doc.nodes[required].count > 0)
            breaks(c, "required without properties");
        return;
    }
    uint32_t count = 0;

    for (uint32_t i = json_first(&c->doc, required); i != JSON_NONE;
         i = json_after(&c->doc, required, i)) {
        struct str name;

        count++;
        if (!json_text(&c->doc, i, c->a, &name) ||
            json_member(&c->doc, properties, name, NULL) == JSON_NONE)
            breaks(c, "required names what is not there");
    }
    if (strict && count != c->doc.nodes[properties].count)
        breaks(c, "strict: a property that is not required");
}

static inline void check_node(struct schema_check *c, uint32_t node, bool root);

static inline void check_list(struct schema_check *c, uint32_t list)
{
    if (!check_is(c, list, JSON_ARRAY) || c->doc.nodes[list].count == 0) {
        breaks(c, "a list of schemas that is none, or empty");
        return;
    }
    for (uint32_t i = json_first(&c->doc, list); i != JSON_NONE; i = json_after(&c->doc, list, i))
        check_node(c, i, false);
}

static inline void check_map(struct schema_check *c, uint32_t map)
{
    if (!check_is(c, map, JSON_OBJECT)) {
        breaks(c, "a map of schemas that is none");
        return;
    }
    for (uint32_t i = json_first(&c->doc, map); i != JSON_NONE; i = json_after(&c->doc, map, i)) {
        i = json_after(&c->doc, map, i);
        check_node(c, i, false);
    }
}

static inline void check_ref(struct schema_check *c, uint32_t node, uint32_t ref)
{
    struct str text, name;
    bool lonely = c->form == SCHEMA_OPENAI_STRICT || c->form == SCHEMA_GEMINI_JSON;

    if (!check_is(c, ref, JSON_STRING) || !json_text(&c->doc, ref, c->a, &text)) {
        breaks(c, "$ref is no text");
        return;
    }
    if (!lonely)
        return; /* it led somewhere in the source, and nothing moved */
    if (c->doc.nodes[node].count != 1)
        breaks(c, "$ref does not stand alone");
    if (c->form == SCHEMA_OPENAI_STRICT && str_eq(text, STR("#")))
        return;
    name = str_drop(text, 8);
    uint32_t defs = check_member(c, 0, "$defs");

    if (!str_starts(text, STR("#/$defs/")) || !check_is(c, defs, JSON_OBJECT) ||
        (memchr(name.at, '~', name.len) == NULL && memchr(name.at, '%', name.len) == NULL &&
         json_member(&c->doc, defs, name, NULL) == JSON_NONE))
        breaks(c, "$ref leads nowhere");
}

static inline void check_enum(struct schema_check *c, uint32_t list, uint32_t type)
{
    if (!check_is(c, list, JSON_ARRAY)) {
        breaks(c, "enum is no list");
        return;
    }
    for (uint32_t i = json_first(&c->doc, list); i != JSON_NONE; i = json_after(&c->doc, list, i)) {
        enum json_type what = json_type(&c->doc, i);

        if (c->form == SCHEMA_GEMINI_OPENAPI &&
            (what != JSON_STRING || json_inside(&c->doc, i).len == 0 ||
             !check_has_type(c, type, "STRING")))
            breaks(c, "gemini: enum of what is no text");
        if (c->form == SCHEMA_GEMINI_JSON && what != JSON_STRING && what != JSON_NUMBER &&
            what != JSON_NULL)
            breaks(c, "gemini: enum of truth values, lists or objects");
    }
}

static inline void check_node(struct schema_check *c, uint32_t node, bool root)
{
    const char *known = check_keywords(c->form);
    bool openapi = c->form == SCHEMA_GEMINI_OPENAPI, strict = c->form == SCHEMA_OPENAI_STRICT;
    bool closed = strict || c->form == SCHEMA_ANTHROPIC_FORMAT;

    if (c->broken != NULL)
        return;
    if (!check_is(c, node, JSON_OBJECT)) {
        breaks(c, "a schema that is no object");
        return;
    }
    uint32_t type = check_member(c, node, "type"), any = check_member(c, node, "anyOf");
    uint32_t properties = check_member(c, node, "properties"), at;

    for (uint32_t i = json_first(&c->doc, node); i != JSON_NONE; i = json_after(&c->doc, node, i)) {
        struct str name;

        (void)json_text(&c->doc, i, c->a, &name);
        if (known != NULL && !one_of(name, known))
            breaks(c, "a keyword that the form does not have");
        if (root && c->tool && one_of(name, "anyOf oneOf allOf enum not const $ref"))
            breaks(c, "a combination at the root of a tool");
        if (!openapi && one_of(name, "nullable $schema"))
            breaks(c, "a keyword of another language");
        i = json_after(&c->doc, node, i);
    }
    if (check_is(c, type, JSON_ARRAY) && !openapi)
        for (uint32_t i = json_first(&c->doc, type); i != JSON_NONE;
             i = json_after(&c->doc, type, i))
            check_type_word(c, i);
    else if (type != JSON_NONE)
        check_type_word(c, type);
    bool object = check_has_type(c, type, openapi ? "OBJECT" : "object");

    if (root && c->tool && (!check_is(c, type, JSON_STRING) || !object))
        breaks(c, "the root of a tool is no object");
    if (root && c->tool && !openapi && !check_is(c, properties, JSON_OBJECT))
        breaks(c, "the root of a tool has no properties");
    uint32_t ref = check_member(c, node, "$ref");

    if ((openapi || strict) && type == JSON_NONE && any == JSON_NONE && ref == JSON_NONE)
        breaks(c, "a node without a type");
    if (openapi && any != JSON_NONE && c->doc.nodes[node].count != 1)
        breaks(c, "gemini: something stands beside anyOf");
    if (openapi && check_has_type(c, type, "ARRAY") && check_member(c, node, "items") == JSON_NONE)
        breaks(c, "gemini: an array without items");
    if (closed && object) {
        at = check_member(c, node, "additionalProperties");
        if (!check_is(c, at, JSON_FALSE))
            breaks(c, "an object that is not closed");
    }
    if (strict && object && !check_is(c, properties, JSON_OBJECT))
        breaks(c, "strict: an object without properties");
    if (object || properties != JSON_NONE)
        check_required(c, node, properties);
    if (ref != JSON_NONE)
        check_ref(c, node, ref);
    if ((at = check_member(c, node, "enum")) != JSON_NONE)
        check_enum(c, at, type);
    if (properties != JSON_NONE)
        check_map(c, properties);
    if (any != JSON_NONE)
        check_list(c, any);
    if ((at = check_member(c, node, "items")) != JSON_NONE) {
        if (check_is(c, at, JSON_ARRAY) && known == NULL) {
            if (c->doc.nodes[at].count > 0)
                check_list(c, at);
        } else if (known != NULL || !(check_is(c, at, JSON_TRUE) || check_is(c, at, JSON_FALSE))) {
            check_node(c, at, false);
        }
    }
    if ((at = check_member(c, node, "$defs")) != JSON_NONE)
        check_map(c, at);
}

/* NULL when all is well, else the rule that is broken. */
static inline const char *schema_breaks(struct str schema, enum schema_form form, bool tool,
                                        struct arena *a)
{
    struct schema_check c = { .form = form, .tool = tool, .a = a };

    if (schema.len > SCHEMA_BYTES_MAX)
        return "larger than a schema may be";
    if (!json_parse(&c.doc, schema, NULL, a, NULL))
        return "no JSON";
    check_node(&c, 0, true);
    return c.broken;
}

#endif
