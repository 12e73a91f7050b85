/* fuzz/fuzz_xlate_stream.c - any bytes of an upstream, for a client of another protocol.
 *
 * The first byte chooses wire and protocol, the second the client's wishes, the rest is what the
 * upstream sends, to several requests where it pauses. The client's stream keeps its grammar and
 * ends as what it was; pieces of other sizes give the same bytes. */
#include <stdlib.h>

#include "translation_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition) ((condition) ? (void)0 : abort())

static size_t small(void *peer, size_t left)
{
    size_t *n = peer;

    *n = *n % 7 + 1;
    return *n < left ? *n : left;
}

/* The client's request: with or without what changes the answer. */
static const char *ask(enum wire protocol, uint8_t wishes)
{
    static const char *const bare[PROTOCOLS] = {
        [WIRE_OPENAI_CHAT] = "{\"model\":\"m\",\"stream\":true,\"stop\":[\"stop\",\"e\"],"
                             "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        [WIRE_OPENAI_RESPONSES] = "{\"model\":\"m\",\"stream\":true,\"input\":\"hi\"}",
        [WIRE_ANTHROPIC] = "{\"model\":\"m\",\"stream\":true,\"max_tokens\":9,\"stop_sequences\":["
                           "\"stop\"],\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        [WIRE_GEMINI] = "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}],\"generationConfig\":{"
                        "\"stopSequences\":[\"stop\"]}}",
    };

    return wishes & 1 ? bare[protocol] : rig_ask(protocol);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct rig_request asked;
    struct rig_answer answer, again;
    struct seen_stream seen;
    size_t n = 0;

    if (size < 2)
        return 0;
    enum wire wire = data[0] % WIRES, protocol = data[0] / WIRES % PROTOCOLS;
    struct str bytes = { (const char *)data + 2, size - 2 };
    struct text stop = TEXT_LIT("stop");

    rig_read(protocol, ask(protocol, data[1]), &a, &asked);
    if (data[1] & 2) { /* a stop sequence that the upstream does not know */
        asked.out.stops = &stop;
        asked.out.stop_count = 1;
    }
    struct rig_options o = {
        .wire = wire,
        .asked = &asked,
        .json_array = protocol == WIRE_GEMINI && data[1] & 4,
        .one_piece = data[1] & 8,
        .whole = data[1] & 16,
        .pauses = data[1] & 32 ? 2 : 0,
    };
    struct grammar_options grammar = rig_grammar(&o);

    rig_feed(&o, bytes, &a, &answer);
    if (o.whole) {
        HOLDS(!answer.done || answer_breaks(&grammar, answer.bytes, &a, &seen) == NULL);
    } else {
        HOLDS(stream_breaks(&grammar, answer.bytes, &a, &seen) == NULL);
        HOLDS(seen.end == (answer.done ? SEEN_DONE : SEEN_ERROR));
    }
    if (!o.one_piece) {
        o.next = small;
        o.peer = &n;
        rig_feed(&o, bytes, &a, &again);
        HOLDS(again.done == answer.done && str_eq(again.bytes, answer.bytes));
    }
    arena_free(&a);
    return 0;
}
