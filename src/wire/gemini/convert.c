/* wire/gemini/convert.c - what this folder gives to the translation. */
#include "wire/gemini/gemini_int.h"

const struct converter convert_gemini = {
    .read = gemini_read,
    .write = gemini_write,
    .decode = {
        .state_bytes = sizeof(struct gemini_decoder),
        .event = gemini_decode_event,
        .again = gemini_decode_again,
        .done = gemini_decode_done,
        .whole = gemini_decode_whole,
        .clear = gemini_decode_clear,
    },
    .encode = {
        .state_bytes = sizeof(struct gemini_encoder),
        .event = gemini_encode_event,
        .whole = gemini_encode_whole,
        .clear = gemini_encode_clear,
    },
};
