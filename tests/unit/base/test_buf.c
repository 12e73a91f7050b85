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
