/* gzip inflated whole and the same inflated in pieces gives the same bytes and verdict, and never
 * more than its ceilings allow. The first bytes of the input choose pieces and ceilings. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/inflate.h"

#define CHOICES 4
#define ROOM 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct buf text;
    enum inflate_result last;
    bool whole;
};

static void inflate_all(struct str in, uint32_t ratio_max, uint64_t bytes_max, size_t step,
                        size_t cap, struct outcome *o)
{
    char room[ROOM];
    struct inflate z;

    assert(cap <= sizeof(room));
    *o = (struct outcome){ .last = INFLATE_MORE };
    buf_init(&o->text, SIZE_MAX);
    inflate_init(&z, ratio_max, bytes_max);
    while (in.len > 0 && o->last == INFLATE_MORE) {
        struct str piece = str_take(in, step);
        /* memory of its own, so that a read beyond it or after it is seen */
        char *copy = must_alloc(piece.len);
        struct str rest = { copy, piece.len };
        size_t len;

        memcpy(copy, piece.at, piece.len);
        while ((o->last = inflate_next(&z, &rest, room, cap, &len)) == INFLATE_DATA) {
            bool fits = buf_add(&o->text, (struct str){ room, len });

            assert(fits);
            assert(len > 0 && len <= cap);
        }
        assert(o->last != INFLATE_MORE || rest.len == 0);
        free(copy);
        in = str_drop(in, step);
    }
    o->whole = o->last == INFLATE_MORE && inflate_is_whole(&z);
    assert(o->text.len <= bytes_max);
    assert(z.given <= bytes_max || z.given - bytes_max <= cap);
    assert(o->text.len <= INFLATE_SMALL || o->text.len <= (uint64_t)ratio_max * z.taken);
    inflate_clear(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CHOICES)
        return 0;
    struct str in = { (const char *)data + CHOICES, size - CHOICES };
    struct outcome whole, pieces;

    /* deflate knows no higher ratio than 1032: with 2000 only the total limits */
    inflate_all(in, 2000, 1 << 20, in.len, ROOM, &whole);
    inflate_all(in, 2000, 1 << 20, (size_t)1 + data[0], (size_t)1 + data[1], &pieces);
    if (whole.last != INFLATE_TOO_BIG && pieces.last != INFLATE_TOO_BIG) {
        assert(whole.last == pieces.last);
        assert(whole.whole == pieces.whole);
        /* of damaged input the last bytes before the fault may be given or not */
        assert(whole.last == INFLATE_BAD || str_eq(buf_str(&whole.text), buf_str(&pieces.text)));
    }
    buf_clear(&whole.text);
    buf_clear(&pieces.text);
    inflate_all(in, (uint32_t)1 + data[2], (uint64_t)data[3] * 64, (size_t)1 + data[0], ROOM,
                &pieces);
    buf_clear(&pieces.text);
    return 0;
}
