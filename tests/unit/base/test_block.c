#include "base/block.h"

#include "base/buf.h"
#include "test.h"

TEST(usual_sizes_are_powers_of_two)
{
    static const struct {
        size_t bytes, size;
    } cases[] = {
        { 0, 0 },       { 1, 1 },       { 1000, 1000 },   { 1024, 1024 },   { 1025, 2048 },
        { 4000, 4096 }, { 4096, 4096 }, { 16383, 16384 }, { 16384, 16384 }, { 16385, 16385 },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(block_size(cases[i].bytes), BLOCK_ALONE ? cases[i].bytes : cases[i].size);
}

TEST(a_block_that_was_given_back_comes_again)
{
    char *first = block_take(2048), *second = block_take(2048), *other = block_take(4096);

    memset(first, 1, 2048);
    memset(second, 2, 2048);
    memset(other, 3, 4096);
    block_give(first, 2048);
    block_give(other, 4096);
    if (!BLOCK_ALONE) {
        CHECK(block_take(4096) == (void *)other);
        CHECK(block_take(2048) == (void *)first);
        block_give(first, 2048);
        block_give(other, 4096);
    }
    block_give(second, 2048);
    block_give(NULL, 2048);
    block_give(block_take(777), 777); /* no usual size: it is not kept */
    blocks_end_thread();
}

TEST(buffers_take_blocks_and_never_more_than_they_may)
{
    for (size_t max = 500; max < 40000; max = max * 5 / 4) {
        struct buf b = { .max = max };
        char piece[100];

        for (size_t n = 0; n + sizeof(piece) <= max; n += sizeof(piece)) {
            memset(piece, (int)(n / sizeof(piece)), sizeof(piece));
            CHECK(buf_add(&b, (struct str){ piece, sizeof(piece) }));
            CHECK(b.cap <= max, "%zu of %zu", b.cap, max);
        }
        CHECK(!buf_add(&b, (struct str){ piece, sizeof(piece) }));
        for (size_t i = 0; i < b.len; i++)
            if (!CHECK((unsigned char)b.at[i] == (unsigned char)(i / sizeof(piece)), "byte %zu", i))
                break;
        buf_clear(&b);
    }
    blocks_end_thread();
}
