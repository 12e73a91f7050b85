#include "base/base64.h"

#include "test.h"

static const struct {
    const char *plain, *standard, *url;
} pairs[] = {
    { "", "", "" },
    { "f", "Zg==", "Zg" },
    { "fo", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg==", "Zm9vYg" },
    { "fooba", "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
    { "\xFB\xEF\xBE", "++++", "----" },
    { "\xFF\xFF\xFF", "////", "____" },
    { "\xFF\xFE", "//4=", "__4" },
};

TEST(base64_writes_both_alphabets)
{
    for (size_t i = 0; i < COUNT(pairs); i++)
        for (int kind = BASE64_STANDARD; kind <= BASE64_URL; kind++) {
            struct str want = str_c(kind == BASE64_URL ? pairs[i].url : pairs[i].standard);

            for (size_t max = 1; max <= want.len + 2; max++) {
                struct buf out;

                buf_init(&out, max);
                buf_add(&out, STR("."));
                bool fits = base64_put(&out, str_c(pairs[i].plain), (enum base64_kind)kind);
                CHECK_INT(fits, max > want.len, "%s, max %zu", want.at, max);
                CHECK_STRS(str_drop(buf_str(&out), 1), fits ? want : STR(""), "%s", want.at);
                buf_clear(&out);
            }
        }
}

TEST(base64_reads_both_alphabets_padded_or_not)
{
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct str bare = str_c(pairs[i].standard);
        struct buf out;

        while (str_ends(bare, STR("=")))
            bare = str_drop_last(bare, 1);
        struct str forms[] = { str_c(pairs[i].standard), str_c(pairs[i].url), bare };

        for (size_t j = 0; j < COUNT(forms); j++) {
            buf_init(&out, 10);
            CHECK(base64_get(&out, forms[j]), "%s", pairs[i].standard);
            CHECK_STR(buf_str(&out), pairs[i].plain, "%s", pairs[i].standard);
            buf_clear(&out);
        }
    }
}

TEST(base64_refuses_what_no_writer_writes)
{
    static const char *const bad[] = {
        "A",     "AAAAA",  "=",       "==",       "A===",     "AA=",      "AAA==",
        "AAAA=", "AAAA==", "AAAA===", "Zg===",    "Z=g=",     "Zg==Zg==", "Zg= =",
        " Zg==", "Zg==\n", "Zm 9v",   "Zm\n9v",   "Zm9*",     "Zm9\x80",  "Zh==",
        "Zn",    "Zm9=",   "Zm9",     "Z\xFFg==", "Zm9v====", "-_-_=",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct buf out;

        buf_init(&out, 100);
        buf_add(&out, STR("."));
        CHECK(!base64_get(&out, str_c(bad[i])), "%s", bad[i]);
        CHECK_STR(buf_str(&out), ".", "%s", bad[i]);
        buf_clear(&out);
    }
}

TEST(base64_read_stops_at_a_full_buffer)
{
    for (size_t max = 2; max <= 4; max++) {
        struct buf out;

        buf_init(&out, max);
        CHECK_INT(base64_get(&out, STR("Zm9v")), max >= 3, "max %zu", max);
        CHECK_INT(out.len, max >= 3 ? 3 : 0, "max %zu", max);
        buf_clear(&out);
    }
}

TEST(base64_and_hex_give_back_all_bytes)
{
    for (size_t round = 0; round < 500; round++) {
        char bytes[40];
        struct str plain = { bytes, test_below(t, sizeof(bytes)) };
        struct buf text, back;

        for (size_t i = 0; i < plain.len; i++)
            bytes[i] = (char)test_below(t, 256);
        for (int kind = 0; kind < 3; kind++) {
            buf_init(&text, 100);
            buf_init(&back, 100);
            CHECK(kind == 2 ? hex_put(&text, plain)
                            : base64_put(&text, plain, (enum base64_kind)kind));
            CHECK(kind == 2 ? hex_get(&back, buf_str(&text)) : base64_get(&back, buf_str(&text)));
            CHECK_STRS(buf_str(&back), plain, "kind %d", kind);
            buf_clear(&text);
            buf_clear(&back);
        }
    }
}

TEST(hex_of_four_bytes_is_that_of_any)
{
    for (int round = 0; round < 1000; round++) {
        uint8_t bytes[4];
        char four[8];
        struct buf all = { .max = sizeof(four) };

        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)test_below(t, 256);
        hex_put4(four, (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                           (uint32_t)bytes[3] << 24);
        CHECK(hex_put(&all, (struct str){ (const char *)bytes, sizeof(bytes) }));
        CHECK_STRS(((struct str){ four, sizeof(four) }), buf_str(&all));
        buf_clear(&all);
    }
}

TEST(hex_reads_both_cases_and_nothing_else)
{
    static const struct {
        const char *text;
        bool good;
        const char *want;
    } cases[] = {
        { "", true, "" },          { "00ff", true, NULL }, { "6162", true, "ab" },
        { "4A4b", true, "JK" },    { "6", false, "" },     { "616", false, "" },
        { "6g", false, "" },       { "g6", false, "" },    { " 6", false, "" },
        { "0x61", false, "" },     { "61 62", false, "" }, { "6162\n", false, "" },
        { "\xC3\xA9", false, "" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;

        buf_init(&out, 10);
        CHECK_INT(hex_get(&out, str_c(cases[i].text)), cases[i].good, "%s", cases[i].text);
        if (cases[i].want != NULL)
            CHECK_STR(buf_str(&out), cases[i].want, "%s", cases[i].text);
        buf_clear(&out);
    }
    for (size_t max = 3; max <= 5; max++) {
        struct buf out;

        buf_init(&out, max);
        CHECK_INT(hex_put(&out, STR("\x01\xAF")), max >= 4, "max %zu", max);
        CHECK_STR(buf_str(&out), max >= 4 ? "01af" : "", "max %zu", max);
        buf_clear(&out);
    }
}
