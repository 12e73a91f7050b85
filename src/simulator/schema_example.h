/* simulator/schema_example.h - a JSON value that fits a JSON Schema: tool arguments and structured
 * answers.
 *
 * Knows type (also as a list, also in Gemini's upper case), properties, required, items, enum,
 * const, default, format, the limits of length, number and count, anyOf, oneOf, allOf, and $ref
 * inside the schema. Recursion ends where only required properties are left, or at a fixed depth.
 * What it cannot express (pattern, not, if) is ignored: the value is then a good guess. Same
 * schema, same value. Threads: pure.   Memory: the caller's buffer and arena. */
#ifndef PENSTOCK_SIMULATOR_SCHEMA_EXAMPLE_H
#define PENSTOCK_SIMULATOR_SCHEMA_EXAMPLE_H

#include "base/json.h"

#define EXAMPLE_BYTES_MAX ((size_t)256 << 10)
#define EXAMPLE_DEPTH_MAX 24     /* of the value */
#define EXAMPLE_OPTIONAL_DEPTH 4 /* below it, only required properties are written */

/* `schema` is JSON text, or empty: then the value is `{}`. Gives the value's JSON text. */
struct str schema_example(struct str schema, struct arena *a);

#endif
