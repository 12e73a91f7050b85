/* fuzz/fuzz_schema_ref.c - a schema of a client, written in every form.
 *
 * The first byte chooses form and kind; the rest is the schema, a value of a body that was read: so
 * it is JSON. Whatever is written is JSON, is what the form takes, is bounded, and may be written
 * again; a refusal writes nothing. */
#include <stdlib.h>

#include "schema_checker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition) ((condition) ? (void)0 : abort())

static struct str put(struct str raw, bool openapi, enum schema_form form, bool tool,
                      struct arena *a, enum schema_result *result)
{
    struct buf out;
    const char *what;

    buf_init(&out, SCHEMA_BYTES_MAX * 2);
    struct json_writer w = json_writer(&out);

    *result = schema_put(&w, raw, openapi, form, tool, a, &what);
    HOLDS((*result == SCHEMA_REFUSED) == (what != NULL));
    HOLDS(*result != SCHEMA_REFUSED ? json_written(&w) : out.len == 0);
    struct str text = arena_copy(a, buf_str(&out));

    buf_clear(&out);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    enum schema_result result;
    struct json doc;

    if (size == 0)
        return 0;
    enum schema_form form = data[0] % SCHEMA_FORMS;
    bool tool = data[0] & 32, openapi = data[0] & 64;
    struct str raw = { (const char *)data + 1, size - 1 };

    if (raw.len > 0 && !json_parse(&doc, raw, NULL, &a, NULL)) {
        arena_free(&a);
        return 0;
    }
    struct str out = put(raw, openapi, form, tool, &a, &result);

    (void)schema_is_bare(raw, &a);
    /* in Gemini's own words it is passed on, not read */
    if (result != SCHEMA_REFUSED && !(openapi && form == SCHEMA_GEMINI_OPENAPI)) {
        HOLDS(schema_breaks(out, form, tool, &a) == NULL);
        out = put(out, false, form, tool, &a, &result);
        HOLDS(result != SCHEMA_REFUSED && schema_breaks(out, form, tool, &a) == NULL);
    }
    arena_free(&a);
    return 0;
}
