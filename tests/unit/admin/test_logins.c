#include "admin/logins.h"
#include "test.h"

TEST(a_login_is_found_by_its_token_and_by_no_other)
{
    struct logins l;
    struct login_view begun, found, other;
    char token[LOGIN_TOKEN_TEXT], second[LOGIN_TOKEN_TEXT];

    logins_init(&l);
    login_begin(&l, LOGIN_BY_LINK, 1000, token, &begun);
    login_begin(&l, LOGIN_BY_PASSWORD, 1000, second, &other);
    CHECK(login_find(&l, str_c(token), 2000, &found));
    CHECK_INT(found.number, begun.number);
    CHECK_STR(str_c(found.csrf), begun.csrf);
    CHECK_INT(found.ends_ms, 1000 + LOGIN_LIFE_MS);
    CHECK(login_find(&l, str_c(second), 2000, &found) && found.by == LOGIN_BY_PASSWORD);
    CHECK(strcmp(token, second) != 0 && strcmp(begun.csrf, other.csrf) != 0);
    CHECK(!login_find(&l, str_c(begun.csrf), 2000, &found), "the CSRF token opens nothing");
    CHECK(!login_find(&l, STR(""), 2000, &found));
    CHECK(!login_find(&l, str_drop_last(str_c(token), 1), 2000, &found));
    token[5] ^= 1;
    CHECK(!login_find(&l, str_c(token), 2000, &found));
    for (size_t i = 0; i < LOGINS_MAX; i++)
        CHECK(memcmp(l.of[i].digest, second, 32) != 0, "tokens are kept as digests");
    logins_clear(&l);
}

TEST(a_login_ends_when_it_is_idle_and_at_the_latest_after_twelve_hours)
{
    struct logins l;
    struct login_view v;
    char token[LOGIN_TOKEN_TEXT];
    int64_t now_ms = 5000;

    logins_init(&l);
    login_begin(&l, LOGIN_BY_LINK, now_ms, token, &v);
    CHECK(login_find(&l, str_c(token), now_ms + LOGIN_IDLE_MS - 1, &v));
    CHECK(!login_find(&l, str_c(token), now_ms + 2 * LOGIN_IDLE_MS - 1, &v), "idle");
    CHECK(!login_use(&l, v.number, now_ms + 2 * LOGIN_IDLE_MS - 1));

    login_begin(&l, LOGIN_BY_LINK, now_ms, token, &v);
    int64_t end_ms = now_ms + LOGIN_LIFE_MS;

    for (int64_t at_ms = now_ms; at_ms < end_ms; at_ms += LOGIN_IDLE_MS - 1)
        CHECK(login_use(&l, v.number, at_ms), "after %lld ms", (long long)(at_ms - now_ms));
    CHECK(login_find(&l, str_c(token), end_ms - 1, &v));
    CHECK(!login_find(&l, str_c(token), end_ms, &v), "twelve hours");
    CHECK(!login_use(&l, v.number, end_ms));
    logins_clear(&l);
}

TEST(shorter_times_hold_for_those_that_are_there)
{
    struct logins l;
    struct login_view v;
    char token[LOGIN_TOKEN_TEXT];

    logins_init(&l);
    login_begin(&l, LOGIN_BY_LINK, 1000, token, &v);
    logins_set_times(&l, 60000, 3600000);
    CHECK(login_find(&l, str_c(token), 60999, &v) && v.ends_ms == 3601000);
    CHECK(!login_find(&l, str_c(token), 60999 + 60000, &v));
    for (int64_t at_ms = 60999; at_ms < 3601000; at_ms += 59999)
        CHECK(login_use(&l, v.number, at_ms));
    CHECK(!login_use(&l, v.number, 3601000));
    logins_clear(&l);
}

TEST(a_login_ends_when_it_is_told_to)
{
    struct logins l;
    struct login_view one, two;
    char first[LOGIN_TOKEN_TEXT], second[LOGIN_TOKEN_TEXT], link[LOGIN_TOKEN_TEXT];

    logins_init(&l);
    login_begin(&l, LOGIN_BY_LINK, 1000, first, &one);
    login_begin(&l, LOGIN_BY_LINK, 1000, second, &two);
    login_end(&l, one.number);
    login_end(&l, one.number);
    login_end(&l, 0);
    CHECK(!login_find(&l, str_c(first), 1000, &one) && login_find(&l, str_c(second), 1000, &two));
    login_link_new(&l, 1000, link);
    logins_end_all(&l);
    CHECK(!login_find(&l, str_c(second), 1000, &two));
    CHECK(!login_link_take(&l, str_c(link), 1000),
          "links made before the password changed end too");
    logins_clear(&l);
}

TEST(the_login_used_longest_ago_makes_room)
{
    struct logins l;
    struct login_view v, kept;
    char first[LOGIN_TOKEN_TEXT], second[LOGIN_TOKEN_TEXT], token[LOGIN_TOKEN_TEXT];

    logins_init(&l);
    login_begin(&l, LOGIN_BY_LINK, 1000, first, &v);
    login_begin(&l, LOGIN_BY_LINK, 1001, second, &v);
    for (int i = 2; i < LOGINS_MAX; i++)
        login_begin(&l, LOGIN_BY_LINK, 1000 + i, token, &v);
    CHECK(login_find(&l, str_c(first), 5000, &kept), "there is room for all");
    login_begin(&l, LOGIN_BY_LINK, 5001, token, &v);
    CHECK(login_find(&l, str_c(first), 5002, &kept), "it was used since");
    CHECK(!login_find(&l, str_c(second), 5002, &kept));
    logins_clear(&l);
}

TEST(a_link_serves_once_and_not_for_long)
{
    struct logins l;
    char token[LOGIN_TOKEN_TEXT], last[LOGIN_TOKEN_TEXT];

    logins_init(&l);
    login_link_new(&l, 1000, token);
    CHECK(!login_link_take(&l, STR("x"), 1000));
    CHECK(login_link_take(&l, str_c(token), 1000 + LOGIN_LINK_MS - 1));
    CHECK(!login_link_take(&l, str_c(token), 1000 + LOGIN_LINK_MS - 1), "used");
    login_link_new(&l, 1000, token);
    CHECK(!login_link_take(&l, str_c(token), 1000 + LOGIN_LINK_MS), "too late");
    login_link_new(&l, 1000, token);
    for (int i = 1; i <= LOGIN_LINKS_MAX; i++)
        login_link_new(&l, 1000 + i, last);
    CHECK(!login_link_take(&l, str_c(token), 2000), "the oldest makes room");
    CHECK(login_link_take(&l, str_c(last), 2000));
    logins_clear(&l);
}

TEST(a_cookie_is_found_among_others)
{
    static const struct {
        const char *field;
        size_t n;
        const char *want; /* NULL: not there */
    } cases[] = {
        { "", 0, NULL },        { "p=1", 0, "1" },
        { "p=1", 1, NULL },     { "a=0; p=1;q=2", 0, "1" },
        { "p=1; p=2", 1, "2" }, { "pp=1; xp=2; P=3", 0, NULL },
        { "p", 0, NULL },       { "; ;=;p=", 0, "" },
        { "p=a=b", 0, "a=b" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str value = STR("");
        bool found = cookie_find(str_c(cases[i].field), STR("p"), cases[i].n, &value);

        CHECK(found == (cases[i].want != NULL), "%s", cases[i].field);
        if (found && cases[i].want != NULL)
            CHECK_STR(value, cases[i].want, "%s", cases[i].field);
    }
}
