#include "base/utf8.h"

#include "test.h"

/* Is `s` one whole character? Straight from the definition: decode the bits, then look whether the
 * code point is allowed and needs this many bytes. */
static bool is_character(struct str s)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t first = (uint8_t)s.at[0];
    size_t len = first < 0x80             ? 1
                 : (first & 0xE0) == 0xC0 ? 2
                 : (first & 0xF0) == 0xE0 ? 3
                 : (first & 0xF8) == 0xF0 ? 4
                                          : 0;

    if (len != s.len)
        return false;
    uint32_t point = len == 1 ? first : first & (0x7Fu >> len);

    for (size_t i = 1; i < len; i++) {
        if (((uint8_t)s.at[i] & 0xC0) != 0x80)
            return false;
        point = point << 6 | ((uint8_t)s.at[i] & 0x3F);
    }
    return point >= least[len] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

TEST(utf8_takes_each_code_point_and_gives_it_back)
{
    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        char bytes[4];
        size_t used = 0;

        if (point >= 0xD800 && point <= 0xDFFF)
            continue;
        struct str s = { bytes, utf8_put(bytes, point) };

        if (!CHECK(is_character(s) && utf8_valid(s) == s.len, "U+%04X", point) ||
            !CHECK(utf8_get(s, &used) == point && used == s.len, "U+%04X", point))
            return;
    }
}

TEST(utf8_agrees_with_the_definition_on_all_kinds_of_sequences)
{
    /* the ends of every range that matters, and something from the middle */
    static const uint8_t kinds[] = { 0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                     0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0,
                                     0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFC, 0xFE, 0xFF };
    const size_t n = COUNT(kinds);

    for (size_t i = 0; i < n * n * n * n; i++) {
        char bytes[4] = { (char)kinds[i % n], (char)kinds[i / n % n], (char)kinds[i / n / n % n],
                          (char)kinds[i / n / n / n] };
        struct str s = { bytes, 4 };
        size_t want = 0;

        for (bool more = true; more && want < 4;) {
            more = false;
            for (size_t len = 1; len <= 4 - want && !more; len++)
                if (is_character((struct str){ bytes + want, len })) {
                    want += len;
                    more = true;
                }
        }
        if (utf8_valid(s) != want) {
            CHECK_INT(utf8_valid(s), want, "%02x %02x %02x %02x", (uint8_t)bytes[0],
                      (uint8_t)bytes[1], (uint8_t)bytes[2], (uint8_t)bytes[3]);
            return;
        }
    }
}

TEST(utf8_agrees_with_the_definition_on_all_pairs_and_triples)
{
    for (uint32_t i = 0; i < 1u << 24; i++) {
        char bytes[3] = { (char)(i >> 16), (char)(i >> 8 & 0xFF), (char)(i & 0xFF) };
        uint8_t first = (uint8_t)bytes[0];

        if (first < 0xC0 || first >= 0xF0)
            continue; /* one byte, or four: seen above */
        struct str two = { bytes, 2 }, three = { bytes, 3 };
        size_t got = utf8_valid(three);
        bool pair = is_character(two), triple = is_character(three);

        size_t want = triple ? 3 : !pair ? 0 : (uint8_t)bytes[2] < 0x80 ? 3 : 2;

        if (got != want) {
            CHECK_INT(got, want, "%02x %02x %02x", first, (uint8_t)bytes[1], (uint8_t)bytes[2]);
            return;
        }
    }
}

TEST(utf8_finds_the_first_bad_byte_wherever_it_stands)
{
    char text[100];

    for (size_t len = 0; len <= sizeof(text); len++)
        for (size_t bad = 0; bad <= len; bad++) {
            memset(text, 'a', sizeof(text));
            if (bad < len)
                text[bad] = '\x80';
            CHECK_INT(utf8_valid((struct str){ text, len }), bad, "%zu of %zu", bad, len);
        }
}

TEST(utf8_mends_what_is_broken)
{
#define R "\xEF\xBF\xBD"
    static const struct {
        const char *name, *in, *want;
    } cases[] = {
        { "nothing", "", "" },
        { "all valid", "a\xC3\xA9\xF0\x9F\x98\x80", "a\xC3\xA9\xF0\x9F\x98\x80" },
        { "lone continuation", "a\x80z", "a" R "z" },
        { "two of them", "\x80\xBF", R R },
        { "never used bytes", "\xC0\xAF\xFF", R R R },
        { "beginning of two", "\xC3", R },
        { "beginning of four", "a\xF0\x9F\x98", "a" R },
        { "beginning of four, then text", "\xF0\x9F\x98z", R "z" },
        { "beginning, then a character", "\xE2\x82\xC3\xA9", R "\xC3\xA9" },
        { "overlong", "\xE0\x80\x80", R R R },
        { "surrogate", "\xED\xA0\x80", R R R },
        { "too large", "\xF4\x90\x80\x80", R R R R },
        { "from the Unicode book", "a\xF1\x80\x80\xE1\x80\xC2z\x80y\x80\xBFx",
          "a" R R R "z" R "y" R R "x" },
    };
#undef R
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str want = str_c(cases[i].want);

        for (size_t max = 0; max <= want.len + 2; max++) {
            struct buf out;

            buf_init(&out, max);
            bool fits = buf_add(&out, STR(".")) && utf8_mend(&out, str_c(cases[i].in));
            CHECK_INT(fits, max > want.len, "%s, max %zu", cases[i].name, max);
            if (fits)
                CHECK_STRS(str_drop(buf_str(&out), 1), want, "%s", cases[i].name);
            else
                CHECK(out.len <= 1, "%s, max %zu", cases[i].name, max);
            buf_clear(&out);
        }
    }
}

TEST(utf8_clip_cuts_no_character)
{
    static const struct {
        const char *in;
        size_t max, want;
    } cases[] = {
        { "abc", 5, 3 },
        { "abc", 3, 3 },
        { "abc", 2, 2 },
        { "abc", 0, 0 },
        { "", 0, 0 },
        { "a\xC3\xA9z", 1, 1 },
        { "a\xC3\xA9z", 2, 1 },
        { "a\xC3\xA9z", 3, 3 },
        { "\xF0\x9F\x98\x80", 0, 0 },
        { "\xF0\x9F\x98\x80", 1, 0 },
        { "\xF0\x9F\x98\x80", 3, 0 },
        { "\xF0\x9F\x98\x80", 4, 4 },
        { "\xE2\x82\xAC\xE2\x82\xAC", 5, 3 },
        { "\xE2\x82\xAC\xE2\x82\xAC", 6, 6 },
        { "\x80\x80\x80\x80\x80\x80\x80", 5, 2 },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(utf8_clip(str_c(cases[i].in), cases[i].max).len, cases[i].want, "case %zu", i);
}
