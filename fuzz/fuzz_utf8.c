/* Mended text is valid, valid text is not changed, and characters survive being taken apart. */
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Valid text, character by character, is what it was. */
static void check_characters(struct str s)
{
    while (s.len > 0) {
        char bytes[4];
        size_t used;
        uint32_t point = utf8_get(s, &used);

        assert(utf8_put(bytes, point) == used);
        assert(memcmp(bytes, s.at, used) == 0);
        s = str_drop(s, used);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = { (const char *)data, size };
    size_t good = utf8_valid(in);
    struct buf mended;

    assert(good <= size);
    assert(utf8_valid(str_take(in, good)) == good);
    check_characters(str_take(in, good));

    buf_init(&mended, SIZE_MAX);
    assert(utf8_mend(&mended, in));
    struct str text = buf_str(&mended);

    assert(utf8_valid(text) == text.len);
    assert(str_eq(text, in) == (good == size));
    assert(str_starts(text, str_take(in, good)));
    check_characters(text);

    size_t step = text.len / 16 + 1;

    for (size_t max = 0; max <= text.len; max += step) {
        struct str clipped = utf8_clip(text, max);

        assert(clipped.len <= max && max - clipped.len < 4);
        assert(utf8_valid(clipped) == clipped.len);
        assert(utf8_clip(in, max).len <= max);
    }
    buf_clear(&mended);
    return 0;
}
