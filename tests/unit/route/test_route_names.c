/* Names and patterns: what is found equals what a plain look at all of them would find. */
#include "route/names.h"
#include "test.h"

static struct names names_of(struct test *t, const char *const *list)
{
    struct names n;
    uint32_t count = 0;

    while (list[count] != NULL)
        count++;
    names_init(&n, count, &t->arena);
    for (uint32_t i = 0; i < count; i++)
        CHECK(names_add(&n, str_c(list[i]), i));
    names_settle(&n, &t->arena);
    return n;
}

TEST(exact_comes_before_wildcard_and_the_longest_literal_part_wins)
{
    static const char *const list[] = { "claude-*", "claude-opus-*", "*",
                                        "gpt-4o",   "gpt-*",         "*-mini",
                                        "*4o*",     "gpt-*-mini",    "g*t-4o",
                                        NULL };
    static const struct {
        const char *name;
        uint32_t want;
    } cases[] = {
        { "claude-opus-4", 1 }, { "claude-x", 0 },     { "gpt-4o", 3 },
        { "gpt-5", 4 },         { "gpt-5-mini", 7 },   { "o4-mini", 5 },
        { "xx4oyy", 6 },        { "llama", 2 },        { "", 2 },
        { "claude-", 0 },       { "claude-opus-", 1 }, { "gt-4o", 8 },
    };
    struct names n = names_of(t, list);

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(names_match(&n, str_c(cases[i].name)), cases[i].want, "%s", cases[i].name);
}

TEST(ties_go_to_the_one_that_stands_first)
{
    static const char *const list[] = { "a*c", "ab*", "*bc", NULL };
    static const char *const other[] = { "*bc", "ab*", "a*c", NULL };
    struct names n = names_of(t, list), m = names_of(t, other);

    CHECK_INT(names_match(&n, STR("abc")), 0);
    CHECK_INT(names_match(&m, STR("abc")), 0);
    CHECK_INT(names_match(&n, STR("xbc")), 2);
}

TEST(nothing_is_found_where_nothing_fits)
{
    static const char *const list[] = { "a", "b*", NULL }, *const none[] = { NULL };
    struct names n = names_of(t, list), empty = names_of(t, none);

    CHECK_INT(names_match(&n, STR("c")), NAME_NONE);
    CHECK_INT(names_find(&n, STR("b*")), NAME_NONE, "a pattern is no name");
    CHECK_INT(names_match(&empty, STR("c")), NAME_NONE);
    CHECK_INT(names_find(&empty, STR("")), NAME_NONE);
}

TEST(a_name_that_is_there_is_not_added_again)
{
    struct names n;

    names_init(&n, 4, &t->arena);
    CHECK(names_add(&n, STR("a*"), 1));
    CHECK(!names_add(&n, STR("a*"), 2));
    CHECK(names_add(&n, STR("a"), 3));
    CHECK(!names_add(&n, STR("a"), 4));
    names_settle(&n, &t->arena);
    CHECK_INT(names_match(&n, STR("ab")), 1);
    CHECK_INT(names_match(&n, STR("a")), 3);
}

/* Short texts over three letters meet each other often. */
static struct str random_text(struct test *t, size_t max, bool pattern)
{
    char text[512];
    size_t len = test_below(t, max + 1);

    for (size_t i = 0; i < len; i++)
        text[i] = "ab-*"[test_below(t, pattern ? 4 : 3)];
    return arena_copy(&t->arena, (struct str){ text, len });
}

static size_t literal(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += s.at[i] != '*';
    return n;
}

static uint32_t look_at_all(const struct names *n, struct str name)
{
    const struct name_row *best = NULL;

    for (uint32_t i = 0; i < n->count; i++) {
        const struct name_row *row = &n->rows[i];

        if (str_eq(row->name, name) && memchr(name.at, '*', name.len) == NULL)
            return row->value;
        if (literal(row->name) < row->name.len && str_matches(name, row->name) &&
            (best == NULL || literal(row->name) > literal(best->name)))
            best = row;
    }
    return best == NULL ? NAME_NONE : best->value;
}

TEST(what_is_found_is_what_a_look_at_all_of_them_finds)
{
    for (int round = 0; round < 300; round++) {
        uint32_t count = (uint32_t)test_below(t, 40);
        size_t longest = round % 10 == 0 ? 300 : 8;
        struct names n;

        names_init(&n, count, &t->arena);
        for (uint32_t i = 0; i < count; i++)
            (void)names_add(&n, random_text(t, longest, true), i);
        names_settle(&n, &t->arena);
        for (int k = 0; k < 50; k++) {
            struct str name = random_text(t, longest + 2, false);

            CHECK_INT(names_match(&n, name), look_at_all(&n, name), "round %d: %.*s", round,
                      STR_ARG(name));
        }
    }
}
