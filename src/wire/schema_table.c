/* wire/schema_table.c - what each form does with each keyword.
 *
 * Sources: platform.openai.com (function calling; structured outputs, supported schemas),
 * docs.claude.com (tool use; structured outputs, JSON Schema limitations), ai.google.dev (function
 * calling; structured output, JSON Schema support; Schema object), and what the services answer. */
#include "wire/schema_int.h"

/* --- the table --------------------------------------------------------------------------------*/

#define NAME(lit)            \
    {                        \
        lit, sizeof(lit) - 1 \
    }
const struct schema_keyword schema_keywords[] = {
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
const uint8_t schema_unknown[SCHEMA_FORMS] = { KEEP, DROP, KEEP, DROP, DROP, DROP };

const struct form schema_forms[SCHEMA_FORMS] = {
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

const struct schema_type_name schema_type_names[TYPES] = {
    { "null", "NULL" },     { "boolean", "BOOLEAN" }, { "integer", "INTEGER" },
    { "number", "NUMBER" }, { "string", "STRING" },   { "array", "ARRAY" },
    { "object", "OBJECT" },
};

int schema_keyword_named(struct str name)
{
    for (size_t i = 0; i < COUNT(schema_keywords); i++) {
        struct str known = schema_keywords[i].name;

        if (known.len == name.len && known.at[0] == name.at[0] &&
            memcmp(known.at, name.at, name.len) == 0)
            return (int)i;
    }
    return -1;
}

int schema_keyword_of(const struct walk *k, uint32_t key)
{
    if ((k->doc->nodes[key].flags & JSON_ESCAPED) == 0)
        return schema_keyword_named(json_inside(k->doc, key));
    for (size_t i = 0; i < COUNT(schema_keywords); i++)
        if (json_says(k->doc, key, schema_keywords[i].name))
            return (int)i;
    return -1;
}
