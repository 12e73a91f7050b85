/* Text of others on a terminal: nothing of it is obeyed, and columns stay columns. */
#include "app/terminal.h"

#include "test.h"

TEST(what_a_terminal_would_obey_is_not_shown)
{
    static const struct {
        struct str text, shown;
    } cases[] = {
        { STR(""), STR("") },
        { STR("gpt-5 büro 日本 \xf0\x9f\x98\x80"), STR("gpt-5 büro 日本 \xf0\x9f\x98\x80") },
        { STR("a\x1b[31mb\nc\x7f"), STR("a?[31mb?c?") },
        { STR("a\xc2\x9b"
              "31m"),
          STR("a??31m") },
        { STR("\xe2\x80\xaeright"), STR("???right") },
        { STR("\xff\x9bx\xe2\x82"), STR("??x??") },
        { STR("\xef\xbf\xbd"), STR("\xef\xbf\xbd") },
    };
    struct arena a = { 0 };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STRS(terminal_plain(&a, cases[i].text), cases[i].shown, "%zu", i);
    CHECK(terminal_plain(&a, cases[1].text).at == cases[1].text.at);
    arena_free(&a);
}

TEST(a_cell_fills_the_columns_that_a_terminal_shows)
{
    CHECK_INT(terminal_fill(STR(""), 20), 20);
    CHECK_INT(terminal_fill(STR("laptop"), 20), 20);
    CHECK_INT(terminal_fill(STR("büro"), 20), 21);
    CHECK_INT(terminal_fill(STR("sk-\xe2\x80\xa6"
                                "abcd"),
                            12),
              14);
    CHECK_INT(terminal_fill(STR("日本"), 20), 22);
    CHECK_INT(terminal_fill(STR("e\xcc\x81"), 20), 22);
    CHECK_INT(terminal_fill(STR("\xff"), 20), 20);
    CHECK_INT(terminal_fill(STR("日本日本日本"), 2), 8);
}
