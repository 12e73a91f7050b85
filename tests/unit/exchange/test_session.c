#include "exchange/session.h"

#include "test.h"

static struct session_key key_of(struct test *t)
{
    struct session_key key;

    for (size_t i = 0; i < sizeof(key.digest); i++)
        key.digest[i] = (uint8_t)test_random(t);
    return key;
}

TEST(a_key_is_shown_by_its_first_half_and_told_by_all_of_it)
{
    for (int round = 0; round < 200; round++) {
        struct session_key key = key_of(t), back, other = key_of(t);
        char text[SESSION_TEXT], hex[SESSION_HEX];

        session_key_text(&key, text);
        session_key_hex(&key, hex);
        CHECK_INT(strlen(hex), 32);
        CHECK(str_starts(str_c(text), STR("sid-")) &&
              str_eq(str_drop(str_c(text), 4), str_take(str_c(hex), 16)));
        CHECK(session_key_from_hex(str_c(hex), &back) && memcmp(&back, &key, sizeof(key)) == 0);
        CHECK(session_key_is(&key, str_c(text)) && session_key_is(&key, str_c(hex)));
        CHECK(!session_key_is(&other, str_c(text)) && !session_key_is(&other, str_c(hex)));
    }
}

TEST(what_is_no_key_is_refused)
{
    static const char *const wrong[] = { "",
                                         "00",
                                         "sid-0011223344556677",
                                         "0011223344556677001122334455667",
                                         "001122334455667700112233445566778",
                                         "0011223344556677001122334455667x" };
    struct session_key key = { { 0 } };

    for (size_t i = 0; i < COUNT(wrong); i++)
        CHECK(!session_key_from_hex(str_c(wrong[i]), &key), "%s", wrong[i]);
    CHECK(session_key_from_hex(STR("00112233445566770011223344556677"), &key));
    CHECK(!session_key_is(&key, STR("sid-00112233445566")) && !session_key_is(&key, STR("")));
}
