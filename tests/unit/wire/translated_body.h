/* tests/unit/wire/translated_body.h - the whole body of a translated request in one piece. */
#ifndef PENSTOCK_TESTS_TRANSLATED_BODY_H
#define PENSTOCK_TESTS_TRANSLATED_BODY_H

#include "wire/translate.h"

static inline struct str translated_body(const struct translated *t, struct arena *a)
{
    struct str *parts;
    size_t bytes, count = translated_parts(t, &parts, &bytes);
    char *body = arena_alloc_raw(a, bytes + 1), *to = body;

    for (size_t i = 0; i < count; to += parts[i++].len)
        memcpy(to, parts[i].at, parts[i].len);
    assert((size_t)(to - body) == bytes);
    *to = '\0';
    return (struct str){ body, bytes };
}

#endif
