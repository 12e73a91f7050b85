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
