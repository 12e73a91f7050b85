#include "wire/openai_chat/chat_int.h"

const struct converter convert_openai_chat = {
    .read = chat_read,
    .write = chat_write,
    .decode = {
        .state_bytes = sizeof(struct chat_decoding),
        .event = chat_event,
        .again = chat_again,
        .done = chat_done,
        .whole = chat_whole,
        .clear = chat_decode_clear,
    },
    .encode = {
        .state_bytes = sizeof(struct chat_encoding),
        .event = chat_put_event,
        .whole = chat_put_whole,
        .clear = chat_encode_clear,
    },
};
