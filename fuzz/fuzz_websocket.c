/* What a client sends as frames means the same however it is cut; what was understood, framed again
 * in another way, is understood again. */
#include <stdlib.h>

#include "base/arena.h"
#include "http/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_MAX 4096

/* All that happened, one letter for each event and its bytes. */
static void follow(struct str in, size_t step, struct buf *seen)
{
    struct websocket w = { 0 };
    struct buf message = { .max = MESSAGE_MAX };
    bool over = false;

    while (in.len > 0 && !over) {
        struct str piece = str_take(in, step);
        /* memory of its own, so that a read beyond it is seen */
        char *copy = memcpy(must_alloc(piece.len), piece.at, piece.len);
        struct str rest = { copy, piece.len };
        enum websocket_event ev;

        while (!over && (ev = websocket_next(&w, &rest, &message)) != WEBSOCKET_MORE) {
            struct str control = { (const char *)w.control, w.control_len };
            bool said = buf_printf(seen, "%d:", (int)ev);

            assert(said && message.len <= MESSAGE_MAX);
            over = ev == WEBSOCKET_CLOSE || ev == WEBSOCKET_BAD;
            if (over)
                said = buf_printf(seen, "%d", (int)w.code);
            else if (ev == WEBSOCKET_MESSAGE)
                said = buf_add(seen, buf_str(&message));
            else if (ev != WEBSOCKET_BEGINS)
                said = buf_add(seen, control);
            assert(said);
            if (ev == WEBSOCKET_MESSAGE)
                message.len = 0;
            assert(ev != WEBSOCKET_BAD || w.what != NULL);
        }
        assert(over || rest.len == 0);
        in = str_drop(in, piece.len);
        free(copy);
    }
    buf_clear(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = { (const char *)data, size };
    struct buf whole, pieces;

    buf_init(&whole, SIZE_MAX);
    buf_init(&pieces, SIZE_MAX);
    if (size > 0)
        follow(in, size, &whole);
    for (size_t step = 1; step < 16; step = step * 3 + 1) {
        pieces.len = 0;
        follow(in, step, &pieces);
        assert(str_eq(buf_str(&pieces), buf_str(&whole)));
    }
    buf_clear(&whole);
    buf_clear(&pieces);
    return 0;
}
