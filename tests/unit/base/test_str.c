#include "base/str.h"
#include "base/short_text.h"

#include "test.h"

TEST(str_cut_splits_at_the_first_separator_only)
{
    struct str head, tail;

    CHECK(str_cut(STR("a:b:c"), ':', &head, &tail));
    CHECK_STR(head, "a");
    CHECK_STR(tail, "b:c");
    CHECK(!str_cut(STR("abc"), ':', &head, &tail));
    CHECK_STR(head, "abc");
    CHECK_STR(tail, "");
    CHECK(str_cut_last(STR("a:b:c"), ':', &head, &tail));
    CHECK_STR(head, "a:b");
    CHECK_STR(tail, "c");
}

TEST(str_numbers_refuse_what_is_not_all_digits_or_too_big)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "007", true, 7 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "+1", false, 0 },
        { " 1", false, 0 },
        { "1x", false, 0 },
        { "99999999999999999999999", false, 0 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t got = 0;

        CHECK_INT(str_to_i64(str_c(cases[i].text), &got), cases[i].good, "%s", cases[i].text);
        CHECK_INT(got, cases[i].value, "%s", cases[i].text);
    }
}

TEST(str_patterns_match_runs_of_any_bytes)
{
    static const struct {
        const char *text, *pattern;
        bool want;
    } cases[] = {
        { "claude-x", "claude-*", true },
        { "claude-", "claude-*", true },
        { "claude", "claude-*", false },
        { "", "*", true },
        { "", "", true },
        { "a", "", false },
        { "abcbd", "a*b*d", true },
        { "abcbd", "a*b*c", false },
        { "aaa", "*a", true },
        { "gpt-4o", "gpt-4o", true },
        { "gpt-4o-mini", "gpt-4o", false },
        { "xayb", "*a*b*", true },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(str_matches(str_c(cases[i].text), str_c(cases[i].pattern)), cases[i].want,
                  "%s ~ %s", cases[i].text, cases[i].pattern);
}

TEST(str_finds_first_places)
{
    CHECK_INT(str_find(STR("abcabc"), STR("ca")), 2);
    CHECK_INT(str_find(STR("abc"), STR("")), 0);
    CHECK(str_find(STR("ab"), STR("abc")) == SIZE_MAX);
    CHECK_INT(str_ifind(STR("xTRY Again"), STR("try again")), 1);
    CHECK(str_ifind(STR("no"), STR("try")) == SIZE_MAX);
    CHECK_INT(str_ifind(STR("tTRtry"), STR("TRY")), 3);
    CHECK_INT(str_ifind(STR("x"), STR("")), 0);
    CHECK_INT(str_ifind(STR(""), STR("")), 0);
    CHECK_STRS(str_trim(STR(" \t a b\r\n")), STR("a b"));
    CHECK(str_cmp(STR("a"), STR("ab")) < 0);
    CHECK(str_cmp(STR("b"), STR("ab")) > 0);
}

TEST(short_texts_are_equal_byte_for_byte)
{
    char a[40], b[40];

    memset(a, 'a', sizeof(a));
    memset(b, 'a', sizeof(b));
    for (size_t len = 0; len < sizeof(a); len++) {
        struct str one = { a, len }, other = { b, len };

        CHECK(short_eq(one, other), "%zu bytes", len);
        CHECK(!short_eq(one, (struct str){ b, len + 1 }), "%zu bytes", len);
        CHECK(short_ends(one) == short_ends(other), "%zu bytes", len);
        for (size_t i = 0; i < len; i++) {
            b[i] = 'b';
            CHECK(!short_eq(one, other), "byte %zu of %zu", i, len);
            b[i] = 'a';
        }
    }
}

TEST(letters_alone_are_equal_in_either_case)
{
    char a[20], b[20];

    for (size_t len = 1; len <= sizeof(a); len++)
        for (size_t at = 0; at<len; at += len> 3 ? 3 : 1)
            for (int x = 0; x < 256; x++)
                for (int y = 0; y < 256; y++) {
                    bool same = char_lower((char)x) == char_lower((char)y);

                    memset(a, 'q', sizeof(a));
                    memset(b, 'Q', sizeof(b));
                    a[at] = (char)x;
                    b[at] = (char)y;
                    if (!CHECK_INT(str_ieq((struct str){ a, len }, (struct str){ b, len }), same,
                                   "%02x and %02x at %zu of %zu", x, y, at, len))
                        return;
                }
}
