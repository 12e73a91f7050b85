/* tests/unit/wire/gemini/rig.h - requests and answers through the translator, for this folder's
 * tests. */
#ifndef PENSTOCK_TEST_GEMINI_RIG_H
#define PENSTOCK_TEST_GEMINI_RIG_H

#include "test.h"
#include <stdlib.h>

#include "wire/translate.h"

#define BODY_MAX ((size_t)16 << 20)

struct rig_target {
    enum wire wire;
    const char *model;
    bool count, own_service;
    struct wire_lacks lacks;
    const char *project;
};

/* The upstream's body; on refusal `param: message`. Losses behind a line break when there are any.
 */
static inline struct str rig_request(struct test *t, enum wire protocol, const char *body,
                                     const struct rig_target *target, struct str *lost)
{
    struct canon_request r;
    struct wire_complaint why = { .too_large = false };
    struct translated out;
    struct wire_target to = {
        .wire = target->wire,
        .model = str_c(target->model),
        .facts = model_facts_find(target->wire, str_c(target->model)),
        .lacks = target->lacks,
        .count = target->count,
        .own_service = target->own_service,
        .project = str_c(target->project),
    };
    struct str text, model = protocol == WIRE_GEMINI ? str_c(target->model) : STR("");
    struct buf b;

    *lost = STR("");
    if (!translate_read(protocol, str_c(body), model, false, &t->arena, &r, &why))
        return arena_printf(&t->arena, "read: %.*s: %.*s", STR_ARG(why.param),
                            STR_ARG(why.message));
    if (!translate_write(&r, &to, BODY_MAX, &t->arena, &out, &why)) {
        translated_clear(&out);
        return arena_printf(&t->arena, "write: %.*s: %.*s", STR_ARG(why.param),
                            STR_ARG(why.message));
    }
    buf_init(&b, 4096);
    losses_put(&r.unread, &out.losses, &b, 1024);
    *lost = arena_copy(&t->arena, buf_str(&b));
    buf_clear(&b);
    text = arena_copy(&t->arena, buf_str(&out.body));
    translated_clear(&out);
    return text;
}

/* What the client of `protocol` reads: events are the data of the upstream's, one after another. */
static inline struct str rig_answer(struct test *t, enum wire wire, enum wire protocol,
                                    const char *const *events, size_t count, bool array, bool shown,
                                    enum translation *last)
{
    struct canon_request r = { .protocol = protocol, .n = 1 };
    struct translated asked = { .stop_count = 0 };
    struct encode_options o = {
        .protocol = protocol,
        .request = &r,
        .names = &asked.names,
        .model = STR("m"),
        .id = STR("r1"),
        .created_unix_s = 1700000000,
        .json_array = array,
        .show_thinking = shown,
        .bytes_max = BODY_MAX,
    };
    struct translator x;
    struct arena scratch = { 0 };
    struct buf out;

    buf_init(&out, BODY_MAX);
    translator_init(&x, wire, &o, &asked, false);
    *last = TRANSLATION_MORE;
    for (size_t i = 0; i < count && *last == TRANSLATION_MORE; i++) {
        *last = translator_event(&x, STR(""), str_c(events[i]), &scratch, &out);
        arena_reset(&scratch);
    }
    if (*last == TRANSLATION_MORE)
        *last = translator_finish(&x, true, &scratch, &out);
    struct str text = arena_copy(&t->arena, buf_str(&out));

    translator_clear(&x);
    arena_free(&scratch);
    buf_clear(&out);
    return text;
}

#endif
