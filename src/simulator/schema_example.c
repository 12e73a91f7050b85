/* simulator/schema_example.c - walks the schema once and writes as it goes. */
#include "simulator/schema_example.h"

#include "base/json_write.h"

#define REFS_MAX 64 /* references followed for one value before giving up */
#define ITEMS_MAX 16
#define LENGTH_MAX 1024

struct example {
    struct json doc;
    struct arena *arena;
    struct json_writer w;
    uint32_t depth;
    uint32_t steps; /* values written: a bound on wide recursion */
};
#define STEPS_MAX 4096

static void value_put(struct example *x, uint32_t schema, struct str name);

static uint32_t member(const struct example *x, uint32_t object, const char *name)
{
    if (object == JSON_NONE || json_type(&x->doc, object) != JSON_OBJECT)
        return JSON_NONE;
    return json_member(&x->doc, object, str_c(name), NULL);
}

static int64_t number(const struct example *x, uint32_t schema, const char *name, int64_t otherwise)
{
    uint32_t node = member(x, schema, name);
    int64_t n = otherwise;
    struct str text;

    if (node == JSON_NONE)
        return otherwise;
    if (json_text(&x->doc, node, x->arena, &text)) /* Gemini writes int64 as strings */
        return str_to_i64(text, &n) ? n : otherwise;
    return json_i64(&x->doc, node, &n) ? n : otherwise;
}

static bool is(const struct example *x, uint32_t schema, const char *name, struct str value)
{
    uint32_t node = member(x, schema, name);
    struct str text;

    return node != JSON_NONE && json_text(&x->doc, node, x->arena, &text) && str_ieq(text, value);
}

static uint32_t first_of(const struct example *x, uint32_t array)
{
    return array != JSON_NONE && json_type(&x->doc, array) == JSON_ARRAY
               ? json_first(&x->doc, array)
               : JSON_NONE;
}

/* `#`, `#/$defs/node`: one step for each part, `~1` and `~0` being `/` and `~`. */
static uint32_t pointer_find(const struct example *x, struct str pointer)
{
    uint32_t at = 0;
    struct str part, rest;

    if (str_eq(pointer, STR("#")))
        return 0;
    if (!str_starts(pointer, STR("#/")))
        return JSON_NONE;
    rest = str_drop(pointer, 2);
    for (bool more = true; more && at != JSON_NONE;) {
        char name[256];
        size_t len = 0;

        more = str_cut(rest, '/', &part, &rest);
        for (size_t i = 0; i < part.len && len < sizeof(name); i++) {
            bool escaped = part.at[i] == '~' && i + 1 < part.len;

            name[len++] = !escaped ? part.at[i] : part.at[i + 1] == '1' ? '/' : '~';
            i += escaped ? 1 : 0;
        }
        at = json_type(&x->doc, at) == JSON_OBJECT
                 ? json_member(&x->doc, at, (struct str){ name, len }, NULL)
                 : JSON_NONE;
    }
    return at;
}

static bool is_null_schema(const struct example *x, uint32_t schema)
{
    return is(x, schema, "type", STR("null"));
}

/* The first alternative that is not null. */
static uint32_t alternative(const struct example *x, uint32_t list)
{
    uint32_t first = first_of(x, list);

    for (uint32_t n = first; n != JSON_NONE; n = json_after(&x->doc, list, n))
        if (!is_null_schema(x, n))
            return n;
    return first;
}

/* Follows references and alternatives to a schema that says something itself. */
static uint32_t resolve(const struct example *x, uint32_t schema)
{
    for (int i = 0; i < REFS_MAX && schema != JSON_NONE; i++) {
        static const char *const lists[] = { "anyOf", "any_of", "oneOf" };
        uint32_t ref = member(x, schema, "$ref"), next = JSON_NONE;
        struct str pointer;

        if (ref != JSON_NONE && json_text(&x->doc, ref, x->arena, &pointer)) {
            schema = pointer_find(x, pointer);
            continue;
        }
        for (size_t k = 0; k < COUNT(lists) && next == JSON_NONE; k++)
            next = alternative(x, member(x, schema, lists[k]));
        if (next == JSON_NONE || member(x, schema, "properties") != JSON_NONE)
            return schema;
        schema = next;
    }
    return JSON_NONE;
}

/* --- leaves --------------------------------------------------------------------------------------
 */

static const struct {
    const char *format, *value;
} formats[] = {
    { "date-time", "2026-01-01T00:00:00Z" },
    { "date", "2026-01-01" },
    { "time", "12:00:00Z" },
    { "duration", "PT1H" },
    { "email", "ada@example.com" },
    { "hostname", "example.com" },
    { "ipv4", "192.0.2.1" },
    { "ipv6", "2001:db8::1" },
    { "uri", "https://example.com/" },
    { "uuid", "00000000-0000-4000-8000-000000000000" },
};

/* The property's own name, which reads well; as long or short as the schema wants it. */
static void string_put(struct example *x, uint32_t schema, struct str name)
{
    char text[LENGTH_MAX];
    int64_t min = number(x, schema, "minLength", 0),
            max = number(x, schema, "maxLength", LENGTH_MAX);
    size_t len = 0;

    for (size_t i = 0; i < COUNT(formats); i++)
        if (is(x, schema, "format", str_c(formats[i].format))) {
            json_put_str(&x->w, str_c(formats[i].value));
            return;
        }
    for (size_t i = 0; i < name.len && len < 64; i++)
        text[len++] = (unsigned char)name.at[i] < 0x80 ? name.at[i] : '_';
    while (len < sizeof(text) && (int64_t)len < min)
        text[len++] = 'x';
    if (max >= 0 && (int64_t)len > max)
        len = (size_t)max;
    json_put_str(&x->w, (struct str){ text, len });
}

/* The smallest number that is allowed, or 1 where that may be. */
static void number_put(struct example *x, uint32_t schema)
{
    int64_t min = number(x, schema, "minimum", INT64_MIN),
            step = number(x, schema, "multipleOf", 1);
    int64_t above = number(x, schema, "exclusiveMinimum", INT64_MIN), n = 1;
    int64_t max = number(x, schema, "maximum", INT64_MAX);
    int64_t below = number(x, schema, "exclusiveMaximum", INT64_MAX);

    if (max < n)
        n = max;
    if (below <= n)
        n = below - (below > INT64_MIN ? 1 : 0);
    if (min > n)
        n = min;
    if (above >= n && above < INT64_MAX)
        n = above + 1;
    if (step > 1 && n % step != 0 && n <= INT64_MAX - step)
        n += n > 0 ? step - n % step : -(n % step);
    json_put_i64(&x->w, n);
}

/* --- containers ----------------------------------------------------------------------------------
 */

static bool is_required(const struct example *x, uint32_t schema, struct str name)
{
    uint32_t list = member(x, schema, "required");

    for (uint32_t n = first_of(x, list); n != JSON_NONE; n = json_after(&x->doc, list, n))
        if (json_type(&x->doc, n) == JSON_STRING && json_says(&x->doc, n, name))
            return true;
    return false;
}

static void properties_put(struct example *x, uint32_t schema)
{
    uint32_t properties = member(x, schema, "properties"), key, value;

    if (properties == JSON_NONE || json_type(&x->doc, properties) != JSON_OBJECT)
        return;
    for (key = json_first(&x->doc, properties); key != JSON_NONE;
         key = json_after(&x->doc, properties, value)) {
        struct str name = STR("");

        value = json_after(&x->doc, properties, key);
        (void)json_text(&x->doc, key, x->arena, &name);
        if (x->depth > EXAMPLE_OPTIONAL_DEPTH && !is_required(x, schema, name))
            continue;
        json_put_key(&x->w, name);
        value_put(x, value, name);
    }
}

static void object_put(struct example *x, uint32_t schema)
{
    uint32_t all = member(x, schema, "allOf"), part;

    json_put_object(&x->w);
    if (x->depth < EXAMPLE_DEPTH_MAX && x->steps < STEPS_MAX) {
        x->depth++;
        properties_put(x, schema);
        for (uint32_t n = first_of(x, all); n != JSON_NONE; n = json_after(&x->doc, all, n)) {
            part = resolve(x, n);
            if (part != JSON_NONE)
                properties_put(x, part);
        }
        x->depth--;
    }
    json_put_end(&x->w);
}

static void array_put(struct example *x, uint32_t schema, struct str name)
{
    int64_t min = number(x, schema, "minItems", 0), max = number(x, schema, "maxItems", ITEMS_MAX);
    int64_t count = min > 0 ? min : x->depth <= EXAMPLE_OPTIONAL_DEPTH ? 1 : 0;
    uint32_t items = member(x, schema, "items"), prefix = member(x, schema, "prefixItems");

    if (count > max)
        count = max;
    if (count > ITEMS_MAX)
        count = ITEMS_MAX;
    json_put_array(&x->w);
    if (x->depth < EXAMPLE_DEPTH_MAX && x->steps < STEPS_MAX) {
        x->depth++;
        for (uint32_t n = first_of(x, prefix); n != JSON_NONE; n = json_after(&x->doc, prefix, n))
            value_put(x, n, name);
        for (int64_t i = 0; i < count && first_of(x, prefix) == JSON_NONE; i++)
            value_put(x, items, name);
        x->depth--;
    }
    json_put_end(&x->w);
}

/* --- any value -----------------------------------------------------------------------------------
 */

/* The schema's own word: const, default, the first of enum, the first example. */
static uint32_t given(const struct example *x, uint32_t schema)
{
    static const char *const names[] = { "const", "default", "example" };
    static const char *const lists[] = { "enum", "examples" };
    uint32_t node = JSON_NONE;

    for (size_t i = 0; i < COUNT(names) && node == JSON_NONE; i++)
        node = member(x, schema, names[i]);
    for (size_t i = 0; i < COUNT(lists) && node == JSON_NONE; i++)
        node = first_of(x, member(x, schema, lists[i]));
    return node;
}

/* `type`, or the first of its list that is not null; `what` it must be when it is not said. */
static struct str type_of(const struct example *x, uint32_t schema)
{
    uint32_t type = member(x, schema, "type");
    struct str text = STR("");

    if (type != JSON_NONE && json_text(&x->doc, type, x->arena, &text))
        return text;
    for (uint32_t n = first_of(x, type); n != JSON_NONE; n = json_after(&x->doc, type, n))
        if (json_text(&x->doc, n, x->arena, &text) && !str_ieq(text, STR("null")))
            return text;
    if (member(x, schema, "properties") != JSON_NONE || member(x, schema, "allOf") != JSON_NONE)
        return STR("object");
    if (member(x, schema, "items") != JSON_NONE || member(x, schema, "prefixItems") != JSON_NONE)
        return STR("array");
    return text.len > 0 ? text : STR("string");
}

static void value_put(struct example *x, uint32_t schema, struct str name)
{
    struct str type;
    uint32_t own;

    x->steps++;
    schema = resolve(x, schema);
    if (schema == JSON_NONE || json_type(&x->doc, schema) != JSON_OBJECT) {
        json_put_str(&x->w, name); /* `true`, or nothing: any value will do */
        return;
    }
    own = given(x, schema);
    type = type_of(x, schema);
    if (own != JSON_NONE)
        json_put_raw(&x->w, json_raw(&x->doc, own));
    else if (str_ieq(type, STR("object")))
        object_put(x, schema);
    else if (str_ieq(type, STR("array")))
        array_put(x, schema, name);
    else if (str_ieq(type, STR("integer")) || str_ieq(type, STR("number")))
        number_put(x, schema);
    else if (str_ieq(type, STR("boolean")))
        json_put_bool(&x->w, true);
    else if (str_ieq(type, STR("null")))
        json_put_null(&x->w);
    else
        string_put(x, schema, name);
}

struct str schema_example(struct str schema, struct arena *a)
{
    struct example x = { .arena = a };
    struct str value = STR("{}");
    struct buf out;

    if (schema.len == 0 || !json_parse(&x.doc, schema, NULL, a, NULL))
        return value;
    buf_init(&out, EXAMPLE_BYTES_MAX);
    x.w = json_writer(&out);
    value_put(&x, 0, STR("value"));
    if (json_written(&x.w))
        value = arena_copy(a, buf_str(&out));
    buf_clear(&out);
    return value;
}
