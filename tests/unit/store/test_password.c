/* tests/unit/store/test_password.c - the dashboard's password: kept as a salt and what scrypt makes
 * of it. */
#include "store/password.h"
#include "store_rig.h"

static bool is_none(const struct password_mark *m)
{
    static const struct password_mark none = { { 0 } };

    return memcmp(m, &none, sizeof(none)) == 0;
}

TEST(a_password_is_checked_changed_and_removed)
{
    struct rig r;
    struct error e;
    struct password_mark none, first, second;

    rig_start(t, &r);
    if (!rig_open(t, &r))
        return;
    CHECK(store_password_mark(r.store, &none, &e) == OK && is_none(&none));
    CHECK_INT(store_password_check(r.store, STR(""), &e), E_ABSENT);
    CHECK_INT(store_password_set(r.store, STR("first password"), &e), OK);
    CHECK_INT(store_password_check(r.store, STR("first password"), &e), OK);
    CHECK_INT(store_password_check(r.store, STR("first passwore"), &e), E_REFUSED);
    CHECK_INT(store_password_check(r.store, STR(""), &e), E_REFUSED);
    CHECK(store_password_mark(r.store, &first, &e) == OK && !is_none(&first));
    CHECK_INT(store_password_set(r.store, STR("first password"), &e), OK);
    CHECK(store_password_mark(r.store, &second, &e) == OK);
    CHECK(memcmp(&first, &second, sizeof(first)) != 0, "each time another salt");
    rig_close(&r);
    if (!rig_open(t, &r))
        return;
    CHECK_INT(store_password_check(r.store, STR("first password"), &e), OK, "after a restart");
    CHECK(str_find(rig_bytes(t, &r, "penstock.db"), STR("first password")) == SIZE_MAX);
    CHECK_INT(store_password_set(r.store, STR(""), &e), OK);
    CHECK_INT(store_password_check(r.store, STR("first password"), &e), E_ABSENT);
    rig_end(&r);
}

TEST(a_password_has_ten_to_1024_bytes)
{
    char text[PASSWORD_LEN_MAX + 1];
    struct rig r;
    struct error e;

    memset(text, 'p', sizeof(text));
    rig_start(t, &r);
    if (!rig_open(t, &r))
        return;
    CHECK_INT(store_password_set(r.store, (struct str){ text, PASSWORD_LEN_MIN - 1 }, &e),
              E_SYNTAX);
    CHECK_INT(store_password_set(r.store, (struct str){ text, PASSWORD_LEN_MIN }, &e), OK);
    CHECK_INT(store_password_set(r.store, (struct str){ text, PASSWORD_LEN_MAX }, &e), OK);
    CHECK_INT(store_password_set(r.store, (struct str){ text, PASSWORD_LEN_MAX + 1 }, &e),
              E_SYNTAX);
    CHECK_INT(store_password_check(r.store, (struct str){ text, PASSWORD_LEN_MAX }, &e), OK,
              "what was refused changed nothing");
    CHECK_INT(store_password_check(r.store, (struct str){ text, PASSWORD_LEN_MAX + 1 }, &e),
              E_REFUSED);
    rig_end(&r);
}

TEST(a_damaged_row_is_told_and_never_a_password)
{
    struct rig r;
    struct error e;
    struct password_mark mark;

    rig_start(t, &r);
    if (!rig_open(t, &r))
        return;
    CHECK_INT(store_password_set(r.store, STR("first password"), &e), OK);
    rig_sql(t, &r, "UPDATE meta SET value = x'00' WHERE name = 'admin_password'");
    CHECK_INT(store_password_check(r.store, STR("first password"), &e), E_STORE);
    CHECK_INT(store_password_mark(r.store, &mark, &e), E_STORE);
    rig_end(&r);
}
