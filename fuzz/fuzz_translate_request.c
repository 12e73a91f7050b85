/* fuzz/fuzz_translate_request.c - a client's request of any protocol, written for any wire.
 *
 * Two bytes choose protocol, wire, dialect and model; the rest is the body. Whatever is written is
 * JSON and the same when it is written again; a refusal says why. */
#include <stdlib.h>

#include "wire/translate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition) ((condition) ? (void)0 : abort())
#define OUT_MAX ((size_t)8 << 20)

static const char *const models[] = { "gpt-5.3-codex", "gpt-4o",         "claude-opus-4-5",
                                      "claude-opus-5", "gemini-2.5-pro", "gemini-3-pro",
                                      "llama-4" };

static bool written(const struct canon_request *r, const struct wire_target *t, struct arena *a,
                    struct str *body)
{
    struct translated out;
    struct wire_complaint why = { 0 };
    bool good = translate_write(r, t, OUT_MAX, a, &out, &why);

    HOLDS(good || why.message.len > 0);
    *body = good ? arena_copy(a, buf_str(&out.body)) : STR("");
    translated_clear(&out);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct canon_request r;
    struct wire_complaint why = { 0 };

    if (size < 2)
        return 0;
    enum wire protocol = data[0] % PROTOCOLS, wire = data[0] / PROTOCOLS % WIRES;
    struct str model = str_c(models[data[1] % COUNT(models)]);
    struct wire_target t = {
        .wire = wire,
        .model = model,
        .facts = model_facts_find(wire, model),
        .own_service = data[1] & 64,
        .count = data[1] & 128,
        .stream = data[0] & 128,
    };

    t.dialect = wire == WIRE_OPENAI_RESPONSES && (data[0] & 64) ? DIALECT_CODEX : DIALECT_PLAIN;
    /* in memory of its own, so that a byte too many is seen */
    char *body = must_alloc(size - 1);

    memcpy(body, data + 2, size - 2);
    if (translate_can(protocol, wire) &&
        translate_read(protocol, (struct str){ body, size - 2 }, STR("m"), false, &a, &r, &why)) {
        struct str one, two;
        struct json doc;
        bool good = written(&r, &t, &a, &one);

        HOLDS(written(&r, &t, &a, &two) == good && str_eq(one, two));
        HOLDS(!good || (json_parse(&doc, one, &(struct json_limits){ .depth_kept = 1 }, &a, NULL) &&
                        json_type(&doc, 0) == JSON_OBJECT));
    } else if (translate_can(protocol, wire)) {
        HOLDS(why.message.len > 0);
    }
    free(body);
    arena_free(&a);
    return 0;
}
