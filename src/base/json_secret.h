/* base/json_secret.h - a secret out of a JSON text. Threads: any. */
#ifndef PENSTOCK_BASE_JSON_SECRET_H
#define PENSTOCK_BASE_JSON_SECRET_H

#include "json.h"
#include "secret.h"

/* A string's text, decoded, that leaves no copy behind but the one that is given; of anything else,
 * and of JSON_NONE, an empty one. */
struct secret json_secret(const struct json *doc, uint32_t node);

#endif
