/* Instances of JSON Schemas. */
#include "simulator/schema_example.h"

#include "test.h"

static const struct {
    const char *name, *schema, *want;
} cases[] = {
    { "no schema", "", "{}" },
    { "no JSON", "{", "{}" },
    { "anything", "true", "\"value\"" },
    { "an empty object", "{\"type\":\"object\"}", "{}" },
    { "properties",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
      "\"integer\"},\"c\":{\"type\":\"boolean\"},\"d\":{\"type\":\"null\"}}}",
      "{\"a\":\"a\",\"b\":1,\"c\":true,\"d\":null}" },
    { "types left out", "{\"properties\":{\"list\":{\"items\":{\"type\":\"number\"}}}}",
      "{\"list\":[1]}" },
    { "upper case and int64 as text",
      "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"ARRAY\",\"minItems\":\"2\",\"items\":"
      "{\"type\":\"STRING\"}}}}",
      "{\"a\":[\"a\",\"a\"]}" },
    { "a list of types", "{\"type\":[\"null\",\"integer\"]}", "1" },
    { "const", "{\"const\":{\"a\":[1]}}", "{\"a\":[1]}" },
    { "enum", "{\"enum\":[\"x\",\"y\"]}", "\"x\"" },
    { "default", "{\"type\":\"string\",\"default\":\"d\"}", "\"d\"" },
    { "format", "{\"type\":\"string\",\"format\":\"date\"}", "\"2026-01-01\"" },
    { "shortest", "{\"type\":\"string\",\"minLength\":7}", "\"valuexx\"" },
    { "longest", "{\"type\":\"string\",\"maxLength\":2}", "\"va\"" },
    { "least", "{\"type\":\"integer\",\"minimum\":5}", "5" },
    { "more than", "{\"type\":\"integer\",\"exclusiveMinimum\":5}", "6" },
    { "most", "{\"type\":\"integer\",\"maximum\":-5}", "-5" },
    { "less than", "{\"type\":\"integer\",\"exclusiveMaximum\":0}", "-1" },
    { "a multiple", "{\"type\":\"integer\",\"minimum\":5,\"multipleOf\":4}", "8" },
    { "no items", "{\"type\":\"array\",\"maxItems\":0,\"items\":{}}", "[]" },
    { "a tuple", "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"},{\"const\":2}]}",
      "[1,2]" },
    { "a choice", "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]}", "1" },
    { "all of them",
      "{\"allOf\":[{\"properties\":{\"a\":{\"const\":1}}},{\"properties\":{\"b\":{\"const\":2}}}]}",
      "{\"a\":1,\"b\":2}" },
    { "a reference", "{\"$ref\":\"#/$defs/x~1y\",\"$defs\":{\"x/y\":{\"const\":3}}}", "3" },
    { "a reference to nothing", "{\"$ref\":\"#/nowhere\"}", "\"value\"" },
    { "a reference to itself", "{\"$ref\":\"#\"}", "\"value\"" },
    { "a circle of references",
      "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"$ref\":"
      "\"#/$defs/a\"}}}",
      "\"value\"" },
};

TEST(examples_fit_their_schemas)
{
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(schema_example(str_c(cases[i].schema), &t->arena), cases[i].want, "%s",
                  cases[i].name);
}

TEST(recursion_ends)
{
    static const char *const schemas[] = {
        /* only optional: it ends soon */
        "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"},\"v\":{\"const\":1}}}",
        /* required: it ends at the fixed depth */
        "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"}},\"required\":[\"next\"]}",
        /* wide and deep: it ends at the count of values */
        ("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"},\"b\":{\"$ref\":\"#\"},\"c\":"
         "{\"$ref\":\"#\"}},\"required\":[\"a\",\"b\",\"c\"]}"),
        "{\"type\":\"array\",\"minItems\":16,\"items\":{\"$ref\":\"#\"}}",
    };

    for (size_t i = 0; i < COUNT(schemas); i++) {
        struct str value = schema_example(str_c(schemas[i]), &t->arena);
        struct json doc;

        CHECK(json_parse(&doc, value, NULL, &t->arena, NULL), "schema %zu", i);
        CHECK(value.len > 2, "schema %zu", i);
    }
}
