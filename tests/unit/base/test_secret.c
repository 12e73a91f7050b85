#include "base/secret.h"

#include "test.h"

TEST(secret_hints_show_at_most_the_last_four)
{
    static const struct {
        const char *plain, *want;
    } cases[] = {
        { "", "" },
        { "short", "…" },
        { "elevenbytes", "…" },
        { "sk-ant-0123456789abcd", "sk-…abcd" },
        { "AIzaSyA-0123456789wxyz", "…wxyz" },
        { "0123456789wxyz", "…wxyz" },
        { "gsk-0123456789wxyz", "gsk-…wxyz" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct secret s = secret_copy(str_c(cases[i].plain));
        char hint[SECRET_HINT_MAX];

        secret_hint(&s, hint);
        CHECK_STR(str_c(hint), cases[i].want, "%s", cases[i].plain);
        secret_clear(&s);
        CHECK(secret_is_empty(&s));
    }
}

TEST(secret_comparison_sees_every_byte)
{
    CHECK(equal_in_constant_time(STR("abc"), STR("abc")));
    CHECK(!equal_in_constant_time(STR("abc"), STR("abd")));
    CHECK(!equal_in_constant_time(STR("abc"), STR("ab")));
    CHECK(equal_in_constant_time(STR(""), STR("")));
}
