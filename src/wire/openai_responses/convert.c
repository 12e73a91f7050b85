#include "wire/openai_responses/convert_int.h"

const struct converter convert_openai_responses = {
    .read = responses_read,
    .write = responses_write,
    .decode = { .state_bytes = sizeof(struct responses_decoder),
                .event = responses_decode_event,
                .done = responses_decode_done,
                .whole = responses_decode_whole,
                .clear = responses_decode_clear },
    .encode = { .state_bytes = sizeof(struct responses_encoder),
                .event = responses_encode_event,
                .whole = responses_encode_whole,
                .clear = responses_encode_clear,
                .repeats = true },
};
