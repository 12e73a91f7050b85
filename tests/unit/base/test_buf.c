#include "base/buf.h"

#include "test.h"

TEST(buf_is_full_at_its_maximum_and_not_a_byte_later)
{
    for (size_t max = 1; max < 1000; max = max * 2 + 1) {
        struct buf b;

        buf_init(&b, max);
        for (size_t i = 0; i < max; i++)
            CHECK(buf_add_char(&b, 'x'), "max %zu at %zu", max, i);
        CHECK(!buf_add_char(&b, 'y'), "max %zu", max);
        CHECK(!buf_printf(&b, "%d", 1), "max %zu", max);
        CHECK_INT(b.len, max);
        CHECK(buf_add(&b, STR("")), "nothing always fits");
        buf_clear(&b);
    }
}

TEST(buf_printf_fits_when_the_text_fits_to_the_byte)
{
    struct buf b;

    buf_init(&b, 5);
    CHECK(buf_printf(&b, "%s", "12345"));
    CHECK_STR(buf_str(&b), "12345");
    buf_drop(&b, 2);
    CHECK_STR(buf_str(&b), "345");
    CHECK(buf_add_u64(&b, 42));
    CHECK_STR(buf_str(&b), "34542");
    CHECK(!buf_add_u64(&b, 1));
    buf_clear(&b);
}

TEST(buf_reserve_refuses_sizes_that_overflow)
{
    struct buf b;

    buf_init(&b, SIZE_MAX);
    CHECK(buf_add(&b, STR("x")));
    CHECK(buf_reserve(&b, SIZE_MAX) == NULL);
    buf_clear(&b);
}

TEST(buffers_of_every_size_keep_what_they_hold_and_share_nothing)
{
    struct buf held[8] = { 0 };
    size_t lens[COUNT(held)] = { 0 };

    for (int round = 0; round < 2000; round++) {
        size_t i = (size_t)test_below(t, COUNT(held)), more = (size_t)test_below(t, 3000);
        struct buf *b = &held[i];

        if (b->max == 0)
            buf_init(b, 1000 + (size_t)test_below(t, 9000));
        if (test_below(t, 4) == 0) {
            buf_clear(b);
            lens[i] = 0;
        }
        char *at = buf_reserve(b, more);

        CHECK((at != NULL) == (more <= b->max - lens[i]));
        CHECK(b->cap <= b->max);
        if (at != NULL) {
            memset(at, (int)i, more);
            buf_commit(b, more);
            lens[i] += more;
        }
        for (size_t k = 0; k < COUNT(held); k++) {
            CHECK_INT(held[k].len, lens[k]);
            for (size_t n = 0; n < lens[k]; n += 97)
                CHECK_INT(held[k].at[n], k);
        }
    }
    for (size_t i = 0; i < COUNT(held); i++)
        buf_clear(&held[i]);
}
