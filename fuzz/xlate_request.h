/* fuzz/xlate_request.h - a client's request body, written for every wire.
 *
 * The first byte chooses the models and what the upstreams lack; the rest is the body. What is read
 * is written for each wire, or refused with a sentence; what is written is a JSON object, the same
 * each time, and writing changes nothing of the request. */
#ifndef PENSTOCK_FUZZ_XLATE_REQUEST_H
#define PENSTOCK_FUZZ_XLATE_REQUEST_H

#include <stdlib.h>

#include "translation_rig.h"

#define HOLDS(condition) ((condition) ? (void)0 : abort())

static inline struct wire_target xlate_target(enum wire wire, uint8_t choice)
{
    static const char *const models[WIRES][4] = {
        [WIRE_OPENAI_CHAT] = { "gpt-4.1", "gpt-5.6", "o3", "some-llama" },
        [WIRE_OPENAI_RESPONSES] = { "gpt-5.4", "gpt-6-sol", "gpt-4o", "gpt-5.3-codex" },
        [WIRE_ANTHROPIC] = { "claude-opus-4-6", "claude-3-haiku", "claude-sonnet-5-5",
                             "claude-sonnet-4-5" },
        [WIRE_GEMINI] = { "gemini-3-pro", "gemini-2.5-flash", "gemini-3-pro-image", "gemma-3" },
        [WIRE_CLOUDCODE] = { "gemini-3-flash", "gemini-2.5-pro", "claude-opus-4-6", "gpt-oss" },
    };
    struct wire_target t = rig_target(wire, models[wire][choice & 3]);

    if (choice & 4) {
        t.own_service = false;
        t.lacks = (struct wire_lacks){ .stream_options = true,
                                       .max_completion_tokens = true,
                                       .developer_role = true,
                                       .parallel_tool_calls = true,
                                       .json_schema = true,
                                       .strict = true,
                                       .array_content = true,
                                       .null_content = true,
                                       .json_schema_parameters = true };
        t.extras = (struct wire_extras){ .replay_reasoning = true, .tool_id_len = 9 };
    }
    if (choice & 8)
        t.dialect = wire == WIRE_OPENAI_RESPONSES ? DIALECT_CODEX
                    : wire == WIRE_OPENAI_CHAT    ? DIALECT_COPILOT
                                                  : DIALECT_PLAIN;
    t.stream = choice & 16;
    t.keep_foreign_thinking = choice & 32;
    t.emulate_prefill = choice & 64;
    t.auto_cache = choice & 128;
    return t;
}

static inline int xlate_request(enum wire protocol, const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct json doc;

    if (size == 0)
        return 0;
    struct str body = { (const char *)data + 1, size - 1 };

    for (enum wire wire = 0; wire < WIRES; wire++) {
        struct wire_target target = xlate_target(wire, data[0]);
        struct rig_request first, again;

        rig_write(protocol, body, &target, &a, &first);
        HOLDS(first.written || first.why.message.len > 0);
        if (!first.read)
            break;
        if (first.written) {
            HOLDS(json_parse(&doc, first.body, NULL, &a, NULL));
            HOLDS(json_type(&doc, 0) == JSON_OBJECT);
        }
        rig_write(protocol, body, &target, &a, &again);
        HOLDS(again.written == first.written && str_eq(again.body, first.body));
        HOLDS(str_eq(again.losses, first.losses));
        target.count = true;
        rig_write(protocol, body, &target, &a, &again);
        HOLDS(!again.written || json_parse(&doc, again.body, NULL, &a, NULL));
        arena_reset(&a);
    }
    arena_free(&a);
    return 0;
}

#endif
