/* wire/schema.h - JSON Schemas of tools and answers in the part of the language a target takes.
 *
 * Meaning is kept where the target can say it, moved into the description where it cannot, and
 * never becomes an invalid schema. Names of properties are no keywords: the walk follows the
 * schema's structure. `$ref` is followed within the schema alone; depth, nodes visited and the
 * bytes written are bounded, cycles end. The table of schema.c says what each form does with each
 * keyword, docs/protocols/schemas.md the same for people.
 * Threads: pure.   Memory: the arena given. */
#ifndef PENSTOCK_WIRE_SCHEMA_H
#define PENSTOCK_WIRE_SCHEMA_H

#include "base/json_write.h"

enum schema_form {
    SCHEMA_OPENAI,           /* not strict: nearly everything */
    SCHEMA_OPENAI_STRICT,    /* additionalProperties false, all required */
    SCHEMA_ANTHROPIC,        /* input_schema: the root has type object */
    SCHEMA_ANTHROPIC_FORMAT, /* output_config.format */
    SCHEMA_GEMINI_JSON,      /* parametersJsonSchema, responseJsonSchema */
    SCHEMA_GEMINI_OPENAPI,   /* parameters, responseSchema */
    SCHEMA_FORMS,
};

#define SCHEMA_DEPTH_MAX 64
#define SCHEMA_NODES_MAX 10000
#define SCHEMA_BYTES_MAX ((size_t)256 << 10)

enum schema_result {
    SCHEMA_SAME,    /* said as it was, or in other words that mean the same */
    SCHEMA_CHANGED, /* something was said otherwise or moved into a description */
    SCHEMA_REFUSED, /* too deep, too large, a reference that leads nowhere; nothing was written */
};

/* Writes `raw` (a value of a body that was read, so valid JSON; empty for none) as a value in the
 * form. Gemini's own spelling (UPPERCASE types, nullable, numbers in strings) is understood whoever
 * wrote it; `from_openapi` says that the client's protocol has it. `what` says why it was refused.
 * The root of a tool is an object whatever the client said (`tool`). */
enum schema_result schema_put(struct json_writer *w, struct str raw, bool from_openapi,
                              enum schema_form form, bool tool, struct arena *a, const char **what);

/* Does this schema of a tool take no arguments at all? SCHEMA_GEMINI_OPENAPI leaves `parameters`
 * out then. */
bool schema_is_bare(struct str raw, struct arena *a);

#endif
