/* A chunked body decodes to the same bytes and the same end however it is cut; and what it decoded
 * to, coded again in another way, decodes to itself. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct buf body;
    enum chunked_result end;
    size_t left; /* bytes not taken */
    const char *what;
};

/* `step` bytes at a time, 0: sizes drawn from `seed`. */
static void decode(struct str in, size_t step, uint64_t seed, struct outcome *o)
{
    struct chunked c = { 0 };
    struct http_fault fault = { 0 };
    struct str out = STR("");

    *o = (struct outcome){ .end = CHUNKED_MORE };
    buf_init(&o->body, SIZE_MAX);
    while (o->end == CHUNKED_MORE && in.len > 0) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        struct str piece =
            str_take(in, step > 0 ? step : 1 + (size_t)(seed >> 33) % (in.len / 4 + 4));
        /* memory of its own, so that a read beyond it is seen */
        char *copy = memcpy(must_alloc(piece.len), piece.at, piece.len);
        struct str rest = { copy, piece.len };

        while ((o->end = chunked_next(&c, &rest, &out, &fault)) == CHUNKED_DATA) {
            assert(out.len > 0);
            bool fits = buf_add(&o->body, out);

            assert(fits);
        }
        assert(o->end != CHUNKED_MORE || rest.len == 0);
        in = str_drop(in, piece.len - rest.len);
        free(copy);
    }
    o->left = in.len;
    o->what = fault.what;
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    assert(a->end == b->end);
    assert(a->left == b->left);
    assert(a->what == b->what);
    assert(str_eq(buf_str(&a->body), buf_str(&b->body)));
}

static void check_recoded(struct str body)
{
    struct outcome again;
    struct buf coded;
    bool fits = true;

    buf_init(&coded, SIZE_MAX);
    for (size_t n = 1; body.len > 0; n = n * 3 + 1) {
        struct str piece = str_take(body, n);

        fits = fits && buf_printf(&coded, "%zX;x\r\n", piece.len) && buf_add(&coded, piece) &&
               buf_add(&coded, STR("\r\n"));
        body = str_drop(body, piece.len);
    }
    fits = fits && buf_add(&coded, STR("0\r\nA: b\r\n\r\nrest"));
    assert(fits);
    decode(buf_str(&coded), 7, 0, &again);
    assert(again.end == CHUNKED_END && again.left == 4);
    buf_clear(&coded);
    buf_clear(&again.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = { (const char *)data, size };
    struct outcome whole, pieces;

    if (size == 0)
        return 0;
    decode(in, size, 0, &whole);
    assert(whole.body.len <= size);
    if (size <= 500) {
        decode(in, 1, 0, &pieces);
        check_same(&pieces, &whole);
        buf_clear(&pieces.body);
    }
    decode(in, 0, size * 2654435761u + data[size / 2], &pieces);
    check_same(&pieces, &whole);
    check_recoded(buf_str(&whole.body));
    buf_clear(&pieces.body);
    buf_clear(&whole.body);
    return 0;
}
