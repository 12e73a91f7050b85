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

static bool says(struct test *t, const char *const fields[][2], size_t count, const char *session)
{
    static struct http_head head;
    struct wire_request r = { .user_id = STR("") };
    struct session_key key, wanted;

    (void)t;
    head.field_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        head.fields[i] = (struct http_field){ str_c(fields[i][0]), str_c(fields[i][1]) };
    if (!session_key_make(&head, &r, NULL, &key))
        return session == NULL;
    if (session == NULL)
        return false;
    session_key_named(str_c(session), &wanted);
    return memcmp(&key, &wanted, sizeof(key)) == 0;
}

TEST(fields_name_a_session_in_their_order_whatever_the_head_s)
{
    static const char *const names[] = { "X-Session-Id", "x-claude-code-session-id",
                                         "x-session-affinity", "session-id", "Thread-ID" };

    for (size_t i = 0; i < COUNT(names); i++) {
        const char *one[][2] = { { "user-agent", "x" }, { names[i], "mine" } };

        CHECK(says(t, one, 2, "mine"), "%s", names[i]);
        CHECK(says(t, one, 1, NULL));
        for (size_t k = 0; k < i; k++) {
            const char *both[][2] = { { names[i], "later" }, { names[k], "first" } };
            const char *empty[][2] = { { names[k], "" }, { names[i], "later" } };
            const char *twice[][2] = { { names[k], "first" }, { names[k], "second" } };

            CHECK(says(t, both, 2, "first"), "%s and %s", names[k], names[i]);
            CHECK(says(t, empty, 2, "later"), "%s and %s", names[k], names[i]);
            CHECK(says(t, twice, 2, "first"), "%s", names[k]);
        }
    }
    const char *like[][2] = { { "y-session-id", "x" },
                              { "thread_id", "x" },
                              { "session-ix", "x" } };

    CHECK(says(t, like, 3, NULL));
}
