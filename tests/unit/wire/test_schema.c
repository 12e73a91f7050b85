#include "schema_checker.h"

#include "test.h"

static const char *const form_names[SCHEMA_FORMS] = { "openai", "strict",      "anthropic",
                                                      "format", "gemini json", "gemini openapi" };

struct written {
    enum schema_result result;
    struct str text;
    const char *what;
};

static struct written put(struct test *t, struct str raw, enum schema_form form, bool tool)
{
    struct written out = { 0 };
    struct buf b;

    buf_init(&b, SCHEMA_BYTES_MAX * 2);
    struct json_writer w = json_writer(&b);

    out.result = schema_put(&w, raw, false, form, tool, &t->arena, &out.what);
    if (out.result != SCHEMA_REFUSED)
        CHECK(json_written(&w), "%.*s", STR_ARG(raw));
    out.text = arena_copy(&t->arena, buf_str(&b));
    buf_clear(&b);
    return out;
}

/* Cases whose schema is written otherwise and says the same, in all forms or in one. */
static bool is_respelt(const char *name, enum schema_form form)
{
    static const struct {
        const char *name;
        enum schema_form form, not ;
    } cases[] = {
        { "empty", SCHEMA_FORMS, SCHEMA_FORMS },
        { "empty, openapi", SCHEMA_FORMS, SCHEMA_FORMS },
        { "object without properties", SCHEMA_FORMS, SCHEMA_FORMS },
        { "$schema goes", SCHEMA_FORMS, SCHEMA_FORMS },
        { "upper case", SCHEMA_FORMS, SCHEMA_FORMS },
        { "counts in quotes", SCHEMA_FORMS, SCHEMA_ANTHROPIC_FORMAT },
        { "string", SCHEMA_GEMINI_OPENAPI, SCHEMA_FORMS },
        { "string or null", SCHEMA_GEMINI_OPENAPI, SCHEMA_FORMS },
        { "pattern and lengths", SCHEMA_GEMINI_OPENAPI, SCHEMA_FORMS },
        { "properties named like keywords", SCHEMA_GEMINI_OPENAPI, SCHEMA_FORMS },
        { "array", SCHEMA_GEMINI_OPENAPI, SCHEMA_FORMS },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        if (str_eq(str_c(name), str_c(cases[i].name)))
            return (cases[i].form == SCHEMA_FORMS || cases[i].form == form) && cases[i].not != form;
    return false;
}

static void check_form(struct test *t, const char *name, enum schema_form form, bool tool,
                       const char *in, const char *want)
{
    struct written got = put(t, str_c(in), form, tool);

    if (want == NULL) {
        CHECK_INT(got.result, SCHEMA_REFUSED, "%s, %s", name, form_names[form]);
        CHECK(got.text.len == 0, "%s, %s", name, form_names[form]);
        return;
    }
    if (!CHECK(got.result != SCHEMA_REFUSED, "%s, %s: %s", name, form_names[form], got.what))
        return;
    CHECK_STR(got.text, want, "%s, %s", name, form_names[form]);
    if (in[0] != '\0')
        CHECK_INT(got.result == SCHEMA_SAME, str_eq(got.text, str_c(in)) || is_respelt(name, form),
                  "%s, %s", name, form_names[form]);
    const char *broken = schema_breaks(got.text, form, tool, &t->arena);

    CHECK(broken == NULL, "%s, %s: %s in %.*s", name, form_names[form], broken, STR_ARG(got.text));
}

#define SAME "="

/* One property `p` of a tool, in each form; `=`: as it was. */
TEST(each_keyword_is_said_in_each_form)
{
    static const struct {
        const char *name, *in, *want[SCHEMA_FORMS];
    } cases[] = {
        { "string",
          "{\"type\":\"string\"}",
          { SAME, SAME, SAME, SAME, SAME, "{\"type\":\"STRING\"}" } },
        { "upper case",
          "{\"type\":\"STRING\"}",
          { "{\"type\":\"string\"}", "{\"type\":\"string\"}", "{\"type\":\"string\"}",
            "{\"type\":\"string\"}", "{\"type\":\"string\"}", SAME } },
        { "string or null",
          "{\"type\":[\"string\",\"null\"]}",
          { SAME, SAME, SAME, SAME, SAME, "{\"type\":\"STRING\",\"nullable\":true}" } },
        { "two types",
          "{\"type\":[\"string\",\"integer\"],\"description\":\"d\"}",
          { SAME, SAME, SAME, SAME, SAME,
            "{\"anyOf\":[{\"type\":\"STRING\",\"description\":\"d\"},"
            "{\"type\":\"INTEGER\",\"description\":\"d\"}]}" } },
        { "nullable",
          "{\"type\":\"STRING\",\"nullable\":true,\"format\":\"enum\",\"enum\":[\"a\"]}",
          { "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}",
            "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}",
            "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}",
            "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}",
            "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}", SAME } },
        { "constant",
          "{\"const\":\"a\"}",
          { SAME, "{\"const\":\"a\",\"type\":\"string\"}", SAME,
            "{\"const\":\"a\",\"type\":\"string\"}", "{\"enum\":[\"a\"]}",
            "{\"enum\":[\"a\"],\"type\":\"STRING\"}" } },
        { "numbers to choose from",
          "{\"type\":\"integer\",\"enum\":[1,2]}",
          { SAME, SAME, SAME, SAME, SAME,
            "{\"type\":\"INTEGER\",\"description\":\"(one of: [1,2])\"}" } },
        { "truth to choose from",
          "{\"type\":\"boolean\",\"enum\":[true]}",
          { SAME, SAME, SAME, SAME, "{\"type\":\"boolean\",\"description\":\"(one of: [true])\"}",
            "{\"type\":\"BOOLEAN\",\"description\":\"(one of: [true])\"}" } },
        { "texts and null to choose from",
          "{\"enum\":[\"a\",\"\",null]}",
          { SAME, "{\"enum\":[\"a\",\"\",null],\"type\":[\"string\",\"null\"]}", SAME,
            "{\"enum\":[\"a\",\"\",null],\"type\":[\"string\",\"null\"]}", SAME,
            "{\"enum\":[\"a\"],\"type\":\"STRING\",\"nullable\":true}" } },
        { "one of",
          "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
          { SAME, "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}", SAME,
            "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
            "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
            "{\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"NUMBER\"}]}" } },
        { "any of, with company",
          "{\"description\":\"d\",\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
          { SAME, SAME, SAME, SAME, SAME,
            "{\"type\":\"STRING\",\"nullable\":true,\"description\":\"d\"}" } },
        { "all of",
          "{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
          "\"required\":[\"a\"]},{\"properties\":{\"b\":{\"type\":\"string\"}},"
          "\"required\":[\"b\"]}]}",
          { SAME,
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
            "\"string\"}},\"required\":[\"a\",\"b\"],\"additionalProperties\":false}",
            SAME,
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
            "\"string\"}},\"required\":[\"a\",\"b\"],\"additionalProperties\":false}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
            "\"string\"}},\"required\":[\"a\",\"b\"]}",
            "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"},\"b\":{\"type\":"
            "\"STRING\"}},\"required\":[\"a\",\"b\"]}" } },
        { "map",
          "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}",
          { SAME,
            "{\"type\":\"object\",\"properties\":{},\"required\":[],\"additionalProperties\":false,"
            "\"description\":\"(additionalProperties: {\\\"type\\\":\\\"string\\\"})\"}",
            SAME,
            "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false,"
            "\"description\":\"(additionalProperties: {\\\"type\\\":\\\"string\\\"})\"}",
            SAME,
            "{\"type\":\"OBJECT\",\"description\":\"(additionalProperties: "
            "{\\\"type\\\":\\\"string\\\"})\"}" } },
        { "pair",
          "{\"type\":\"array\",\"items\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
          { SAME,
            "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]"
            "}"
            "}",
            SAME,
            "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]"
            "}"
            "}",
            "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
            "{\"type\":\"ARRAY\",\"items\":{\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"NUMBER\"}]"
            "}"
            "}" } },
        { "array of anything",
          "{\"type\":\"array\"}",
          { SAME,
            "{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"number\",\"boolean\",\"null\"],"
            "\"description\":\"(any JSON value)\"}}",
            SAME, SAME, SAME,
            "{\"type\":\"ARRAY\",\"items\":{\"type\":\"STRING\",\"description\":\"(any JSON "
            "value)\"}}" } },
        { "pattern and lengths",
          "{\"type\":\"string\",\"description\":\"d\",\"pattern\":\"^\\\"a+$\",\"minLength\":2}",
          { SAME,
            "{\"type\":\"string\",\"description\":\"d (minLength: 2)\",\"pattern\":\"^\\\"a+$\"}",
            SAME, "{\"type\":\"string\",\"description\":\"d (pattern: ^\\\"a+$; minLength: 2)\"}",
            "{\"type\":\"string\",\"description\":\"d (pattern: ^\\\"a+$; minLength: 2)\"}",
            "{\"type\":\"STRING\",\"description\":\"d\",\"pattern\":\"^\\\"a+$\",\"minLength\":"
            "2}" } },
        { "numbers keep their spelling",
          "{\"type\":\"number\",\"minimum\":1.0,\"maximum\":1e400,\"multipleOf\":0.10}",
          { SAME, SAME, SAME,
            "{\"type\":\"number\",\"description\":\"(minimum: 1.0; maximum: 1e400; multipleOf: "
            "0.10)\"}",
            "{\"type\":\"number\",\"minimum\":1.0,\"maximum\":1e400,\"description\":\"(multipleOf: "
            "0.10)\"}",
            "{\"type\":\"NUMBER\",\"minimum\":1.0,\"maximum\":1e400,\"description\":\"(multipleOf: "
            "0.10)\"}" } },
        { "counts in quotes",
          "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":\"1\",\"maxItems\":"
          "\"5\"}",
          { "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":5}",
            "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":5}",
            "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":5}",
            "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"(minItems: 1; "
            "maxItems: 5)\"}",
            "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":5}",
            "{\"type\":\"ARRAY\",\"items\":{\"type\":\"STRING\"},\"minItems\":1,\"maxItems\":"
            "5}" } },
        { "formats",
          "{\"type\":\"string\",\"format\":\"uri\"}",
          { SAME, "{\"type\":\"string\",\"description\":\"(format: uri)\"}", SAME, SAME, SAME,
            "{\"type\":\"STRING\",\"description\":\"(format: uri)\"}" } },
        { "default and examples",
          "{\"type\":\"integer\",\"default\":5,\"examples\":[1],\"x-a\":1}",
          { SAME, "{\"type\":\"integer\",\"description\":\"(default: 5)\"}", SAME,
            "{\"type\":\"integer\",\"default\":5}",
            "{\"type\":\"integer\",\"description\":\"(default: 5)\"}",
            "{\"type\":\"INTEGER\",\"description\":\"(default: 5)\"}" } },
        { "conditions",
          "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],"
          "\"additionalProperties\":false,\"not\":{\"type\":\"null\"},\"anyOf\":[{\"required\":["
          "\"a\"]}]}",
          { SAME,
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]"
            ","
            "\"additionalProperties\":false,\"description\":\"(not: {\\\"type\\\":\\\"null\\\"}; "
            "anyOf: [{\\\"required\\\":[\\\"a\\\"]}])\"}",
            SAME,
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]"
            ","
            "\"additionalProperties\":false,\"description\":\"(not: {\\\"type\\\":\\\"null\\\"}; "
            "anyOf: [{\\\"required\\\":[\\\"a\\\"]}])\"}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]"
            ","
            "\"additionalProperties\":false,\"description\":\"(not: {\\\"type\\\":\\\"null\\\"}; "
            "anyOf: [{\\\"required\\\":[\\\"a\\\"]}])\"}",
            "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}},\"required\":[\"a\"]"
            ","
            "\"description\":\"(not: {\\\"type\\\":\\\"null\\\"}; anyOf: "
            "[{\\\"required\\\":[\\\"a\\\"]}])\"}" } },
        { "anything",
          "{}",
          { SAME, "{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}", SAME, SAME, SAME,
            "{\"type\":\"STRING\"}" } },
        { "true",
          "true",
          { "{}",
            "{\"type\":[\"string\",\"number\",\"boolean\",\"null\"],\"description\":\"(any JSON "
            "value)\"}",
            "{}", "{}", "{}", "{\"type\":\"STRING\",\"description\":\"(any JSON value)\"}" } },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (enum schema_form form = 0; form < SCHEMA_FORMS; form++) {
            static const char *const fronts[SCHEMA_FORMS] = {
                [SCHEMA_GEMINI_OPENAPI] = "{\"type\":\"OBJECT\",\"properties\":{\"p\":"
            };
            static const char *const backs[SCHEMA_FORMS] = {
                [SCHEMA_OPENAI_STRICT] = "},\"required\":[\"p\"],\"additionalProperties\":false}",
                [SCHEMA_ANTHROPIC_FORMAT] =
                    "},\"required\":[\"p\"],\"additionalProperties\":false}",
            };
            const char *front =
                fronts[form] != NULL ? fronts[form] : "{\"type\":\"object\",\"properties\":{\"p\":";
            const char *back = backs[form] != NULL ? backs[form] : "},\"required\":[\"p\"]}";
            const char *want = cases[i].want[form];

            if (strcmp(want, SAME) == 0)
                want = cases[i].in;
            check_form(t, cases[i].name, form, true,
                       arena_printf(&t->arena, "%s%s%s", front, cases[i].in, back).at,
                       arena_printf(&t->arena, "%s%s%s", front, want, back).at);
        }
}

TEST(whole_schemas_of_tools)
{
    static const struct {
        const char *name;
        enum schema_form form;
        const char *in, *want;
    } cases[] = {
        { "none", SCHEMA_OPENAI, "", "{\"type\":\"object\",\"properties\":{}}" },
        { "empty", SCHEMA_ANTHROPIC, "{}", "{\"type\":\"object\",\"properties\":{}}" },
        { "empty, openapi", SCHEMA_GEMINI_OPENAPI, "{}", "{\"type\":\"OBJECT\"}" },
        { "no type", SCHEMA_ANTHROPIC, "{\"properties\":{\"a\":{}}}",
          "{\"properties\":{\"a\":{}},\"type\":\"object\"}" },
        { "an array", SCHEMA_OPENAI, "{\"type\":\"array\",\"items\":{}}",
          "{\"type\":\"object\",\"items\":{},\"properties\":{}}" },
        { "object without properties", SCHEMA_OPENAI, "{\"type\":\"object\"}",
          "{\"type\":\"object\",\"properties\":{}}" },
        { "$schema goes", SCHEMA_OPENAI,
          "{\"$schema\":\"x\",\"type\":\"object\",\"properties\":{}}",
          "{\"type\":\"object\",\"properties\":{}}" },
        { "properties named like keywords", SCHEMA_GEMINI_OPENAPI,
          "{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"},\"format\":{"
          "\"type\":"
          "\"string\"},\"$ref\":{\"type\":\"string\"},\"const\":{\"type\":\"string\"},"
          "\"additionalProperties\":{\"type\":\"string\"}},\"required\":[\"title\",\"const\"]}",
          "{\"type\":\"OBJECT\",\"properties\":{\"title\":{\"type\":\"STRING\"},\"format\":{"
          "\"type\":"
          "\"STRING\"},\"$ref\":{\"type\":\"STRING\"},\"const\":{\"type\":\"STRING\"},"
          "\"additionalProperties\":{\"type\":\"STRING\"}},\"required\":[\"title\",\"const\"]}" },
        { "required that is not there", SCHEMA_OPENAI,
          "{\"type\":\"object\",\"properties\":{\"a\":{}},\"required\":[\"a\",\"b\"]}",
          "{\"type\":\"object\",\"properties\":{\"a\":{}},\"required\":[\"a\"]}" },
        { "required inside of the property", SCHEMA_ANTHROPIC,
          "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"required\":true},"
          "\"b\":{\"type\":\"string\",\"required\":false}}}",
          "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
          "\"string\"}},\"required\":[\"a\"]}" },
        { "any of at the root", SCHEMA_ANTHROPIC,
          "{\"type\":\"object\",\"anyOf\":[{\"properties\":{\"a\":{\"type\":\"string\"}},"
          "\"required\":[\"a\"]},{\"properties\":{\"b\":{\"type\":\"string\"}}}]}",
          "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
          "\"string\"}}}" },
        { "a reference at the root", SCHEMA_OPENAI,
          "{\"$ref\":\"#/definitions/"
          "A\",\"definitions\":{\"A\":{\"type\":\"object\",\"properties\":"
          "{\"n\":{\"$ref\":\"#/definitions/A\"}}}}}",
          "{\"definitions\":{\"A\":{\"type\":\"object\",\"properties\":{\"n\":{\"$ref\":"
          "\"#/definitions/A\"}}}},\"type\":\"object\",\"properties\":{\"n\":{\"$ref\":"
          "\"#/definitions/A\"}}}" },
        { "references written out", SCHEMA_GEMINI_OPENAPI,
          "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/T\"},\"b\":{\"$ref\":"
          "\"#/$defs/T\",\"description\":\"mine\"}},\"$defs\":{\"T\":{\"type\":\"string\","
          "\"description\":\"text\"}}}",
          "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\",\"description\":"
          "\"text\"}"
          ",\"b\":{\"description\":\"mine\",\"type\":\"STRING\"}}}" },
        { "a cycle, written out once", SCHEMA_GEMINI_OPENAPI,
          "{\"type\":\"object\",\"properties\":{\"t\":{\"$ref\":\"#/$defs/T\"}},\"$defs\":{\"T\":{"
          "\"type\":\"object\",\"properties\":{\"kids\":{\"type\":\"array\",\"items\":{\"$ref\":"
          "\"#/$defs/T\"}}}}}}",
          "{\"type\":\"OBJECT\",\"properties\":{\"t\":{\"type\":\"OBJECT\",\"properties\":{"
          "\"kids\":"
          "{\"type\":\"ARRAY\",\"items\":{\"type\":\"OBJECT\",\"description\":\"(recursive, not "
          "shown "
          "again)\"}}}}}}" },
        { "a cycle that may stand", SCHEMA_GEMINI_JSON,
          "{\"type\":\"object\",\"properties\":{\"t\":{\"$ref\":\"#/definitions/T\"}},"
          "\"definitions\":{\"T\":{\"type\":\"object\",\"properties\":{\"kid\":{\"$ref\":"
          "\"#/definitions/T\",\"description\":\"d\"}}}}}",
          "{\"type\":\"object\",\"properties\":{\"t\":{\"$ref\":\"#/$defs/T\"}},\"$defs\":{\"T\":{"
          "\"type\":\"object\",\"properties\":{\"kid\":{\"$ref\":\"#/$defs/T\"}}}}}" },
        { "the root in itself", SCHEMA_GEMINI_OPENAPI,
          "{\"type\":\"object\",\"properties\":{\"me\":{\"$ref\":\"#\"}}}",
          "{\"type\":\"OBJECT\",\"properties\":{\"me\":{\"type\":\"OBJECT\",\"description\":"
          "\"(recursive, not shown again)\"}}}" },
        { "a reference to itself alone", SCHEMA_GEMINI_OPENAPI, "{\"$ref\":\"#\"}",
          "{\"type\":\"OBJECT\",\"description\":\"(recursive, not shown again)\"}" },
        { "a path into properties", SCHEMA_GEMINI_JSON,
          "{\"type\":\"object\",\"properties\":{\"a/b\":{\"type\":\"string\"},\"c\":{\"$ref\":"
          "\"#/properties/a~1b\"}}}",
          "{\"type\":\"object\",\"properties\":{\"a/b\":{\"type\":\"string\"},\"c\":{\"type\":"
          "\"string\"}}}" },
        { "strict", SCHEMA_OPENAI_STRICT,
          "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
          "\"integer\"},\"c\":{\"enum\":[\"x\"]},\"d\":{\"$ref\":\"#/$defs/D\"},\"e\":{\"anyOf\":[{"
          "\"type\":\"string\"},{\"type\":\"number\"}]}},\"required\":[\"a\"],\"$defs\":{\"D\":{"
          "\"type\":\"object\"}}}",
          "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":["
          "\"integer\",\"null\"]},\"c\":{\"enum\":[\"x\",null],\"type\":[\"string\",\"null\"]},"
          "\"d\":"
          "{\"anyOf\":[{\"$ref\":\"#/$defs/D\"},{\"type\":\"null\"}]},\"e\":{\"anyOf\":[{\"type\":"
          "\"string\"},{\"type\":\"number\"},{\"type\":\"null\"}]}},\"required\":[\"a\",\"b\","
          "\"c\","
          "\"d\",\"e\"],\"$defs\":{\"D\":{\"type\":\"object\",\"properties\":{},\"required\":[],"
          "\"additionalProperties\":false}},\"additionalProperties\":false}" },
        { "any of beside properties, openapi", SCHEMA_GEMINI_OPENAPI,
          "{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"object\",\"properties\":{\"k\":{"
          "\"type\":\"string\"}},\"anyOf\":[{\"properties\":{\"a\":{\"type\":\"string\"}}},{"
          "\"properties\":{\"b\":{\"type\":\"string\"}}}]}}}",
          "{\"type\":\"OBJECT\",\"properties\":{\"p\":{\"anyOf\":[{\"properties\":{\"a\":{\"type\":"
          "\"STRING\"},\"k\":{\"type\":\"STRING\"}},\"type\":\"OBJECT\"},{\"properties\":{\"b\":{"
          "\"type\":\"STRING\"},\"k\":{\"type\":\"STRING\"}},\"type\":\"OBJECT\"}]}}}" },
        { "to nowhere", SCHEMA_GEMINI_OPENAPI,
          "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/X\"}}}", NULL },
        { "to another place", SCHEMA_OPENAI,
          "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"https://x/y.json\"}}}", NULL },
        { "no object", SCHEMA_OPENAI, "[]", NULL },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_form(t, cases[i].name, cases[i].form, true, cases[i].in, cases[i].want);
}

TEST(schemas_of_answers_keep_their_root)
{
    check_form(t, "any of", SCHEMA_ANTHROPIC_FORMAT, false,
               "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
               "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}");
    check_form(t, "array", SCHEMA_GEMINI_OPENAPI, false,
               "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
               "{\"type\":\"ARRAY\",\"items\":{\"type\":\"STRING\"}}");
    check_form(t, "array", SCHEMA_OPENAI_STRICT, false,
               "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", NULL);
    check_form(t, "reference", SCHEMA_GEMINI_JSON, false,
               "{\"$ref\":\"#/$defs/A\",\"$defs\":{\"A\":{\"type\":\"string\"}}}",
               "{\"$defs\":{\"A\":{\"type\":\"string\"}},\"type\":\"string\"}");
}

/* `levels` objects in each other. */
static struct str nested(struct test *t, size_t levels)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < levels; i++)
        (void)buf_add(&b, STR("{\"type\":\"object\",\"properties\":{\"p\":"));
    (void)buf_add(&b, STR("{\"type\":\"string\"}"));
    for (size_t i = 0; i < levels; i++)
        (void)buf_add(&b, STR("}}"));
    struct str out = arena_copy(&t->arena, buf_str(&b));

    buf_clear(&b);
    return out;
}

TEST(depth_nodes_and_bytes_of_schemas_are_bounded)
{
    struct buf b;

    /* depth: the innermost text counts too */
    for (size_t levels = SCHEMA_DEPTH_MAX - 2; levels <= SCHEMA_DEPTH_MAX; levels++) {
        struct written got = put(t, nested(t, levels), SCHEMA_GEMINI_JSON, true);

        CHECK_INT(got.result, levels + 1 > SCHEMA_DEPTH_MAX ? SCHEMA_REFUSED : SCHEMA_SAME,
                  "%zu levels: %s", levels, got.what);
    }
    /* nodes: the root and its properties */
    for (size_t nodes = SCHEMA_NODES_MAX - 1; nodes <= SCHEMA_NODES_MAX + 1; nodes++) {
        buf_init(&b, 1 << 20);
        (void)buf_add(&b, STR("{\"type\":\"object\",\"properties\":{"));
        for (size_t i = 1; i < nodes; i++)
            (void)buf_printf(&b, "%s\"%zu\":{}", i > 1 ? "," : "", i);
        (void)buf_add(&b, STR("}}"));
        struct written got = put(t, buf_str(&b), SCHEMA_OPENAI, true);

        CHECK_INT(got.result, nodes > SCHEMA_NODES_MAX ? SCHEMA_REFUSED : SCHEMA_SAME,
                  "%zu nodes: %s", nodes, got.what);
        buf_clear(&b);
    }
    /* bytes: of what comes, and of what would be written */
    for (size_t more = 0; more <= 1; more++) {
        buf_init(&b, 1 << 20);
        (void)buf_add(&b, STR("{\"type\":\"object\",\"properties\":{},\"description\":\""));
        while (b.len < SCHEMA_BYTES_MAX - 2 + more)
            (void)buf_add_char(&b, 'x');
        (void)buf_add(&b, STR("\"}"));
        struct written got = put(t, buf_str(&b), SCHEMA_OPENAI, true);

        CHECK_INT(got.result, more > 0 ? SCHEMA_REFUSED : SCHEMA_SAME, "%zu bytes more: %s", more,
                  got.what);
        buf_clear(&b);
    }
    /* each definition holds the one before twice: 2^60 nodes when written out */
    buf_init(&b, 1 << 20);
    (void)buf_add(&b, STR("{\"$ref\":\"#/$defs/d60\",\"$defs\":{\"d0\":{\"type\":\"string\"}"));
    for (int i = 1; i <= 60; i++)
        (void)buf_printf(&b,
                         ",\"d%d\":{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/"
                         "d%d\"},\"b\":{\"$ref\":\"#/$defs/d%d\"}}}",
                         i, i - 1, i - 1);
    (void)buf_add(&b, STR("}}"));
    struct written got = put(t, buf_str(&b), SCHEMA_GEMINI_OPENAPI, true);

    CHECK_INT(got.result, SCHEMA_REFUSED, "doubling");
    got = put(t, buf_str(&b), SCHEMA_GEMINI_JSON, true);
    CHECK(got.result != SCHEMA_REFUSED, "doubling that may stand: %s", got.what);
    buf_clear(&b);
}

TEST(a_tool_without_arguments_is_known)
{
    static const struct {
        const char *raw;
        bool bare;
    } cases[] = {
        { "", true },
        { "{}", true },
        { "{\"type\":\"object\"}", true },
        { "{\"type\":\"object\",\"properties\":{},\"required\":[],\"additionalProperties\":false}",
          true },
        { "{\"type\":\"object\",\"properties\":{\"a\":{}}}", false },
        { "{\"$ref\":\"#/$defs/A\",\"$defs\":{\"A\":{}}}", false },
        { "{\"anyOf\":[{\"properties\":{\"a\":{}}}]}", false },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(schema_is_bare(str_c(cases[i].raw), &t->arena) == cases[i].bare, "%s", cases[i].raw);
}

/* --- any schema -------------------------------------------------------------------------------*/

static void generate(struct test *t, struct buf *b, int depth);

static void generate_list(struct test *t, struct buf *b, int depth)
{
    size_t n = test_below(t, 3) + 1;

    for (size_t i = 0; i < n; i++) {
        (void)buf_add(b, i > 0 ? STR(",") : STR(""));
        generate(t, b, depth);
    }
}

static void generate_member(struct test *t, struct buf *b, int depth)
{
    static const char *const plain[] = {
        "\"type\":\"string\"",
        "\"type\":\"object\"",
        "\"type\":\"array\"",
        "\"type\":[\"integer\",\"null\"]",
        "\"type\":[\"string\",\"array\",\"object\"]",
        "\"type\":\"INTEGER\"",
        "\"type\":\"any\"",
        "\"type\":\"null\"",
        "\"nullable\":true",
        "\"nullable\":false",
        "\"enum\":[\"a\",\"b\"]",
        "\"enum\":[1,2.50]",
        "\"enum\":[true,null,\"\"]",
        "\"enum\":[{\"a\":1}]",
        "\"enum\":7",
        "\"const\":\"c\"",
        "\"const\":7",
        "\"const\":{\"a\":[]}",
        "\"format\":\"date-time\"",
        "\"format\":\"int32\"",
        "\"format\":\"enum\"",
        "\"format\":9",
        "\"description\":\"says \\\"x\\\"\"",
        "\"description\":\"\"",
        "\"minLength\":\"3\"",
        "\"minItems\":7",
        "\"maxItems\":9",
        "\"minimum\":0.10",
        "\"exclusiveMaximum\":5",
        "\"uniqueItems\":true",
        "\"pattern\":\"^\\\\d+$\"",
        "\"default\":[1]",
        "\"examples\":[{}]",
        "\"$schema\":\"http://x\"",
        "\"$id\":\"x\"",
        "\"x-thing\":{\"$ref\":9}",
        "\"deprecated\":true",
        "\"required\":[\"a\",\"z\"]",
        "\"required\":true",
        "\"additionalProperties\":false",
        "\"additionalProperties\":true",
        "\"propertyOrdering\":[\"a\"]",
        "\"$ref\":\"#\"",
        "\"$ref\":\"#/$defs/A\"",
        "\"$ref\":\"#/$defs/B\"",
        "\"$ref\":\"#/definitions/C\"",
        "\"$ref\":\"#/properties/a\"",
        "\"items\":true",
        "\"items\":false",
        "\"items\":[]",
        "\"anyOf\":[]",
        "\"anyOf\":7",
        "\"allOf\":{}",
        "\"properties\":7",
        "\"if\":{\"type\":\"string\"}",
        "\"unevaluatedProperties\":false",
    };
    static const char *const lists[] = { "anyOf", "oneOf", "allOf", "prefixItems", "items" };
    static const char *const nodes[] = { "items", "additionalProperties", "not" };

    if (depth <= 0 || test_below(t, 3) > 0) {
        (void)buf_add(b, str_c(plain[test_below(t, COUNT(plain))]));
    } else if (test_below(t, 3) == 0) {
        (void)buf_printf(b, "\"%s\":[", lists[test_below(t, COUNT(lists))]);
        generate_list(t, b, depth - 1);
        (void)buf_add(b, STR("]"));
    } else if (test_below(t, 3) == 0) {
        (void)buf_printf(b, "\"%s\":", nodes[test_below(t, COUNT(nodes))]);
        generate(t, b, depth - 1);
    } else {
        static const char *const names[] = { "a", "b", "type", "required", "$ref", "\\u00e4\\\"" };

        (void)buf_add(b, STR("\"properties\":{"));
        for (size_t i = 0, n = test_below(t, 4); i < n; i++) {
            (void)buf_printf(b, "%s\"%s\":", i > 0 ? "," : "", names[(i * 5 + n) % COUNT(names)]);
            generate(t, b, depth - 1);
        }
        (void)buf_add(b, STR("}"));
    }
}

static void generate(struct test *t, struct buf *b, int depth)
{
    if (test_below(t, 20) == 0) {
        (void)buf_add(b, test_below(t, 2) == 0 ? STR("true") : STR("false"));
        return;
    }
    (void)buf_add(b, STR("{"));
    for (size_t i = 0, n = test_below(t, 5); i < n; i++) {
        (void)buf_add(b, i > 0 ? STR(",") : STR(""));
        generate_member(t, b, depth);
    }
    (void)buf_add(b, STR("}"));
}

static void generate_root(struct test *t, struct buf *b)
{
    (void)buf_add(b, STR("{\"$defs\":{\"A\":"));
    generate(t, b, 2);
    (void)buf_add(b, STR(",\"B\":"));
    generate(t, b, 1);
    (void)buf_add(b, STR("},\"definitions\":{\"C\":"));
    generate(t, b, 2);
    (void)buf_add(b, STR("},\"properties\":{\"a\":"));
    generate(t, b, 3);
    (void)buf_add(b, STR("}"));
    for (size_t i = 0, n = test_below(t, 5); i < n; i++) {
        (void)buf_add(b, STR(","));
        generate_member(t, b, 4);
    }
    (void)buf_add(b, STR("}"));
}

/* `nullable` at the root is left out, and keeps the schema from the short way of those that stay as
 * they are. */
TEST(the_short_way_writes_what_the_walk_would)
{
    static const enum schema_form with_short_way[] = { SCHEMA_OPENAI, SCHEMA_ANTHROPIC,
                                                       SCHEMA_GEMINI_JSON };
    static const char *const fronts[] = {
        "{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"},\"a\":",
        "{\"$schema\":\"http://x\",\"type\":\"object\",\"properties\":{\"a\":",
        "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":",
        "{\"type\":\"object\",\"required\":[\"b\"],\"properties\":{\"a\":",
        "{\"type\":\"object\",\"required\":[\"a\",\"a\"],\"properties\":{\"a\":",
        "{\"type\":\"object\",\"properties\":{\"a\":{},\"a\":",
    };
    static const char *const backs[] = { "}", "},\"$schema\":\"x\"", "},\"title\":\"T\"" };
    size_t same = 0;

    for (int round = 0; round < 6000 && t->failures == 0; round++) {
        struct buf inner = { .max = 1 << 20 };
        const char *front = fronts[test_below(t, COUNT(fronts))];
        const char *back = backs[test_below(t, COUNT(backs))];
        enum schema_form form = with_short_way[test_below(t, COUNT(with_short_way))];
        bool tool = test_below(t, 2) == 0;

        generate(t, &inner, 3);
        struct str node = buf_str(&inner);
        struct str in = arena_printf(&t->arena, "%s%.*s%s}", front, (int)node.len, node.at, back);
        struct str walked = arena_printf(&t->arena, "%s%.*s%s,\"nullable\":false}", front,
                                         (int)node.len, node.at, back);
        struct written one = put(t, in, form, tool), two = put(t, walked, form, tool);

        CHECK_INT(one.result == SCHEMA_REFUSED, two.result == SCHEMA_REFUSED, "%.*s", (int)in.len,
                  in.at);
        CHECK_STRS(one.text, two.text, "%.*s", (int)in.len, in.at);
        same += one.result == SCHEMA_SAME;
        buf_clear(&inner);
        arena_free(&t->arena);
    }
    CHECK(same > 500, "%zu stayed the same", same);
}

/* Valid in the form, also when written twice, and told whether anything changed. */
TEST(any_schema_becomes_one_of_the_form)
{
    struct buf b;
    size_t refused = 0, written = 0;

    buf_init(&b, 1 << 20);
    for (int round = 0; round < 4000 && t->failures == 0; round++) {
        b.len = 0;
        generate_root(t, &b);
        for (enum schema_form form = 0; form < SCHEMA_FORMS; form++)
            for (int tool = 0; tool <= 1 && t->failures == 0; tool++) {
                struct str in = buf_str(&b);
                struct written got = put(t, in, form, tool);

                if (got.result == SCHEMA_REFUSED) {
                    refused++;
                    continue;
                }
                written++;
                const char *broken = schema_breaks(got.text, form, tool, &t->arena);

                CHECK(broken == NULL, "%s: %s\n  in  %.*s\n  out %.*s", form_names[form], broken,
                      (int)in.len, in.at, (int)got.text.len, got.text.at);
                CHECK(got.result == SCHEMA_SAME || !str_eq(got.text, in), "%s", form_names[form]);
                struct written again = put(t, got.text, form, tool);

                CHECK(again.result != SCHEMA_REFUSED &&
                          schema_breaks(again.text, form, tool, &t->arena) == NULL,
                      "%s, again: %s\n  in  %.*s\n  out %.*s\n  and %.*s", form_names[form],
                      again.what, (int)in.len, in.at, (int)got.text.len, got.text.at,
                      (int)again.text.len, again.text.at);
            }
        arena_free(&t->arena);
    }
    CHECK(written > refused, "%zu written, %zu refused", written, refused);
    buf_clear(&b);
}
