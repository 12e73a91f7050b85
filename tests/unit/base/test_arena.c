#include "base/arena.h"

#include "test.h"

TEST(arena_pieces_are_zeroed_aligned_and_apart)
{
    char *last = NULL;

    for (size_t size = 1; size < 9000; size = size * 3 / 2 + 1) {
        char *at = arena_alloc(&t->arena, size);

        CHECK_INT((uintptr_t)at % 16, 0);
        for (size_t i = 0; i < size; i++)
            if (!CHECK(at[i] == 0, "byte %zu of %zu", i, size))
                return;
        memset(at, 0x5a, size);
        CHECK(last == NULL || last[0] == 0x5a);
        last = at;
    }
}

TEST(arena_copies_end_in_a_nul_that_does_not_count)
{
    struct str s = arena_copy(&t->arena, (struct str){ "a\0b", 3 });

    CHECK_INT(s.len, 3);
    CHECK_INT(s.at[3], 0);
    CHECK_STR(arena_printf(&t->arena, "%d-%s", 7, "x"), "7-x");
}

TEST(arena_is_usable_after_it_was_freed)
{
    struct arena a = { 0 };

    arena_alloc(&a, 100000);
    arena_free(&a);
    CHECK_INT(a.total, 0);
    arena_alloc(&a, 16);
    CHECK_INT(a.total, 16);
    arena_free(&a);
}

TEST(arena_pieces_that_were_given_last_change_where_they_are)
{
    struct arena a = { 0 };
    char *first = arena_alloc(&a, 100), *second = arena_alloc(&a, 100);

    memset(second, 0x5a, 100);
    CHECK(!arena_resize(&a, first, 100, 50), "another piece lies behind it");
    if (arena_resize(&a, second, 100, 200)) { /* never while each piece has its own malloc */
        CHECK_INT(a.total, 112 + 208);
        CHECK(arena_resize(&a, second, 200, 20));
        CHECK_INT(a.total, 112 + 32);
        CHECK((char *)arena_alloc(&a, 16) == second + 32);
        CHECK_INT(second[19], 0x5a);
        char *third = arena_alloc(&a, 1000);

        CHECK(!arena_resize(&a, third, 1000, 5000), "its block has no such room");
        CHECK(arena_resize(&a, third, 1000, 0));
    }
    arena_free(&a);
}

TEST(arena_with_little_more_than_a_block_takes_little_more)
{
    struct arena a = { 0 };
    size_t pieces = 0;

    /* what a large piece leaves at the end of a block is used by small ones behind it */
    arena_alloc(&a, 3500);
    char *large = arena_alloc(&a, 800), *small = arena_alloc(&a, 400);

    CHECK_INT((uintptr_t)small % 16, 0);
    memset(large, 1, 800);
    memset(small, 2, 400);
    CHECK(large[799] == 1 && large[0] == 1);
    for (; a.total < 3 * ARENA_BLOCK_MAX; pieces++)
        memset(arena_alloc(&a, 3000), 3, 3000);
    CHECK(large[799] == 1 && small[399] == 2);
    CHECK(pieces > 200);
    arena_free(&a);
}
