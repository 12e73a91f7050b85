/* wire/anthropic/convert.c - Anthropic Messages as a protocol of clients and a wire of upstreams.
 */
#include "wire/anthropic/anthropic.h"

/* Causes of an end, and Anthropic's words for them; of several words for a cause the first is
 * written, of several causes for a word the first is read. */
static const struct {
    struct str word;
    enum stop_cause cause;
} stops[] = {
    { STR("end_turn"), STOP_DONE },
    { STR("max_tokens"), STOP_LENGTH },
    { STR("stop_sequence"), STOP_SEQUENCE },
    { STR("tool_use"), STOP_TOOL_USE },
    { STR("pause_turn"), STOP_PAUSE },
    { STR("refusal"), STOP_REFUSAL },
    { STR("refusal"), STOP_FILTER },
    { STR("refusal"), STOP_RECITATION },
    { STR("model_context_window_exceeded"), STOP_CONTEXT_FULL },
};

struct str anthropic_stop_word(enum stop_cause cause)
{
    for (size_t i = 0; i < COUNT(stops); i++)
        if (stops[i].cause == cause)
            return stops[i].word;
    return STR("end_turn");
}

enum stop_cause anthropic_stop_cause(const struct json *doc, uint32_t word)
{
    for (size_t i = 0; i < COUNT(stops); i++)
        if (json_says(doc, word, stops[i].word))
            return stops[i].cause;
    return STOP_OTHER;
}

const struct converter convert_anthropic = {
    .read = anthropic_read,
    .write = anthropic_write,
    .decode = {
        .state_bytes = sizeof(struct anthropic_decoding),
        .event = anthropic_decode_event,
        .done = anthropic_decode_done,
        .whole = anthropic_decode_whole,
        .clear = anthropic_decode_clear,
    },
    .encode = {
        .state_bytes = sizeof(struct anthropic_encoding),
        .event = anthropic_encode_event,
        .whole = anthropic_encode_whole,
        .clear = anthropic_encode_clear,
    },
};
