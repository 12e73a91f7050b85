/* tests/unit/store/test_master_key.c - where the key comes from, and what an account does without
 * it. */
#include "store_rig.h"

#include <sys/stat.h>
#include <unistd.h>

static bool keys_equal(const struct master_key *a, const struct master_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool contains(struct str text, const char *part)
{
    return str_find(text, str_c(part)) != SIZE_MAX;
}

static bool load(struct test *t, const struct rig *r, const char *environment,
                 struct master_key *key)
{
    struct error e = { 0 };

    return CHECK_INT(master_key_load(r->folder, str_c(environment), key, &e), OK, "`%s`: %s",
                     environment, e.text);
}

TEST(a_key_file_is_made_once_for_its_owner_only_whatever_the_umask)
{
    static const mode_t masks[] = { 0, 022, 0777 };

    for (size_t i = 0; i < COUNT(masks); i++) {
        struct rig r;
        struct master_key first, second, none = { 0 };
        mode_t before;

        rig_start(t, &r);
        before = umask(masks[i]);
        if (load(t, &r, "", &first) && load(t, &r, "", &second)) {
            CHECK_INT(rig_mode(t, &r, "master.key"), 0600, "umask %03o", masks[i]);
            CHECK_INT(rig_bytes(t, &r, "master.key").len, 32, "umask %03o", masks[i]);
            CHECK(keys_equal(&first, &second), "the same the next time");
            CHECK(!keys_equal(&first, &none));
        }
        umask(before);
        rig_end(&r);
    }
}

TEST(two_folders_have_two_keys)
{
    struct rig r, other;
    struct master_key first, second;

    rig_start(t, &r);
    rig_start(t, &other);
    if (load(t, &r, "", &first) && load(t, &other, "", &second))
        CHECK(!keys_equal(&first, &second));
    rig_end(&other);
    rig_end(&r);
}

TEST(a_key_file_of_another_length_is_refused_and_left_alone)
{
    static const size_t lengths[] = { 0, 31, 33, 64 };
    static const char zeros[64];

    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct rig r;
        struct master_key key;
        struct error e = { 0 };

        rig_start(t, &r);
        rig_overwrite(t, &r, "master.key", (struct str){ zeros, lengths[i] });
        CHECK(master_key_load(r.folder, STR(""), &key, &e) != OK, "%zu bytes", lengths[i]);
        CHECK(contains(str_c(e.text), "master.key"), "%s", e.text);
        CHECK_INT(rig_bytes(t, &r, "master.key").len, lengths[i]);
        rig_end(&r);
    }
}

TEST(a_key_file_that_is_a_symbolic_link_is_refused)
{
    struct rig r;
    struct master_key key;
    struct error e = { 0 };

    rig_start(t, &r);
    rig_overwrite(t, &r, "elsewhere", STR("0123456789abcdef0123456789abcdef"));
    CHECK_INT(symlink("elsewhere", rig_path(t, &r, "master.key")), 0);
    CHECK_INT(master_key_load(r.folder, STR(""), &key, &e), E_REFUSED, "%s", e.text);
    rig_end(&r);
}

#define HEX "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"
#define HEX_UPPER "00112233445566778899AABBCCDDEEFF0123456789ABCDEF0123456789ABCDEF"

TEST(sixty_four_hex_digits_in_the_environment_are_the_key_and_no_file_is_made)
{
    static const uint8_t want[] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
                                    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
    struct rig r;
    struct master_key key;

    rig_start(t, &r);
    if (load(t, &r, HEX, &key))
        CHECK(memcmp(key.bytes, want, sizeof(want)) == 0);
    if (load(t, &r, HEX_UPPER, &key))
        CHECK(memcmp(key.bytes, want, sizeof(want)) == 0, "upper case");
    CHECK_INT(rig_mode(t, &r, "master.key"), 0xffff);
    rig_end(&r);
}

TEST(the_environment_goes_before_the_file)
{
    struct rig r;
    struct master_key from_file, from_environment, again;

    rig_start(t, &r);
    if (load(t, &r, "", &from_file) && load(t, &r, HEX, &from_environment) &&
        load(t, &r, "", &again)) {
        CHECK(!keys_equal(&from_file, &from_environment));
        CHECK(keys_equal(&from_file, &again), "and leaves the file as it is");
    }
    rig_end(&r);
}

TEST(a_short_passphrase_is_refused)
{
    static const char *const texts[] = { "x", "1234567", " 1234567 " };
    struct rig r;

    rig_start(t, &r);
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct master_key key;
        struct error e = { 0 };

        CHECK_INT(master_key_load(r.folder, str_c(texts[i]), &key, &e), E_SYNTAX, "`%s`", texts[i]);
        CHECK(strstr(e.text, "at least 8 bytes") != NULL, "%s", e.text);
    }
    rig_end(&r);
}

TEST(other_text_is_a_passphrase_stretched_with_the_salt_of_the_folder)
{
    /* one digit short, one too many, and one that is none: not keys in hex */
    static const char *const texts[] = {
        "correct horse battery staple",
        "0112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef",
        HEX "0",
        "g0112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef",
    };
    struct master_key keys[COUNT(texts)], again;
    struct rig r, other;

    rig_start(t, &r);
    rig_start(t, &other);
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (!load(t, &r, texts[i], &keys[i]))
            break;
        for (size_t k = 0; k < i; k++)
            CHECK(!keys_equal(&keys[i], &keys[k]), "`%s` and `%s`", texts[i], texts[k]);
    }
    if (load(t, &r, texts[0], &again))
        CHECK(keys_equal(&again, &keys[0]), "the same words give the same key");
    if (load(t, &other, texts[0], &again))
        CHECK(!keys_equal(&again, &keys[0]), "another folder has another salt");
    CHECK_INT(rig_mode(t, &r, "master.key"), 0xffff);
    rig_end(&other);
    rig_end(&r);
}

TEST(what_a_passphrase_sealed_opens_with_it_the_next_time)
{
    struct rig r;

    rig_start(t, &r);
    if (load(t, &r, "correct horse", &r.key) && rig_open(t, &r)) {
        (void)rig_add(t, &r, "ada", "sk-one");
        rig_close(&r);
        wipe(&r.key, sizeof(r.key));
        if (load(t, &r, "correct horse", &r.key) && rig_open(t, &r) && rig_take(t, &r) &&
            CHECK_INT(r.taken_count, 1)) {
            CHECK(!r.taken[0]->disabled);
            CHECK_STR(secret_reveal(&r.taken[0]->api_key), "sk-one");
        }
    }
    rig_end(&r);
}

/* --- the wrong one */

static struct account_spec *spec_with(const char *label, const char *key, const char *proxy,
                                      bool header)
{
    static struct header_pair headers[] = { { { "x-key", 5 }, { "secret", 6 } } };
    struct account_spec *spec = rig_spec(label, key);

    spec->proxy = str_c(proxy);
    spec->headers = header ? headers : NULL;
    spec->header_count = header ? 1 : 0;
    return spec;
}

TEST(with_another_master_key_accounts_come_disabled_and_nothing_is_lost)
{
    struct rig r;
    struct error e = { 0 };
    struct account_spec *specs[] = {
        spec_with("key", "sk-one", "", false),
        spec_with("proxy", "", "http://u:p@127.0.0.1:8080", false),
        spec_with("header", "", "", true),
        spec_with("all", "sk-two", "http://u:p@127.0.0.1:8080", true),
    };
    struct account_spec *open = spec_with("nothing sealed", "", "", false);

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        for (size_t i = 0; i < COUNT(specs); i++)
            CHECK_INT(store_account_add(r.store, specs[i], 1, &e), OK, "%s", e.text);
        CHECK_INT(store_account_add(r.store, open, 1, &e), OK, "%s", e.text);
        rig_close(&r);
        r.key.bytes[31] ^= 1;
        if (rig_open(t, &r) && rig_take(t, &r) && CHECK_INT(r.taken_count, COUNT(specs) + 1)) {
            for (size_t i = 0; i < COUNT(specs); i++) {
                const struct account_spec *got = r.taken[i];

                CHECK(got->disabled, "%s", specs[i]->label.at);
                CHECK(contains(got->disabled_reason, "cannot be opened"), "%s: %.*s",
                      specs[i]->label.at, STR_ARG(got->disabled_reason));
                CHECK(contains(got->disabled_reason, "master key"), "%s", specs[i]->label.at);
                CHECK(secret_is_empty(&got->api_key), "%s", specs[i]->label.at);
                CHECK_STRS(got->label, specs[i]->label);
            }
            CHECK(!r.taken[COUNT(specs)]->disabled, "without anything sealed it works as before");
        }
        rig_close(&r);
        r.key.bytes[31] ^= 1;
        if (rig_open(t, &r) && rig_take(t, &r))
            for (size_t i = 0; i < COUNT(specs); i++) {
                CHECK(!r.taken[i]->disabled, "%s, with its own key again", specs[i]->label.at);
                CHECK_STRS(secret_reveal(&r.taken[i]->api_key), secret_reveal(&specs[i]->api_key));
            }
    }
    for (size_t i = 0; i < COUNT(specs); i++)
        account_spec_free(specs[i]);
    account_spec_free(open);
    rig_end(&r);
}

TEST(a_sealed_value_does_not_open_in_another_place)
{
    static const struct {
        const char *name, *sql;
    } moves[] = {
        { "to another account",
          "UPDATE account SET secret = (SELECT secret FROM account WHERE label = 'ada')" },
        { "to another column", "UPDATE account SET secret = proxy WHERE label = 'ben'" },
        { "cut short", "UPDATE account SET secret = x'00' WHERE label = 'ben'" },
        { "a byte changed", "UPDATE account SET secret = CAST(substr(secret, 1, length(secret) - "
                            "1) || x'00' || x'01' AS BLOB)"
                            " WHERE label = 'ben'" },
        { "in clear", "UPDATE account SET secret = CAST('a key in clear that is long enough'"
                      " AS BLOB) WHERE label = 'ben'" },
    };

    for (size_t i = 0; i < COUNT(moves); i++) {
        struct rig r;
        struct error e = { 0 };
        struct account_spec *ben = spec_with("ben", "sk-ben", "http://u:p@127.0.0.1:8080", false);

        rig_start(t, &r);
        if (rig_open(t, &r) && rig_add(t, &r, "ada", "sk-ada") > 0 &&
            CHECK_INT(store_account_add(r.store, ben, 1700000000001, &e), OK, "%s", e.text)) {
            rig_close(&r);
            rig_sql(t, &r, moves[i].sql);
            if (rig_open(t, &r) && rig_take(t, &r) && CHECK_INT(r.taken_count, 2)) {
                CHECK(!r.taken[0]->disabled, "%s", moves[i].name);
                CHECK(r.taken[1]->disabled, "%s", moves[i].name);
                CHECK(secret_is_empty(&r.taken[1]->api_key), "%s", moves[i].name);
            }
        }
        account_spec_free(ben);
        rig_end(&r);
    }
}

TEST(another_key_seals_everything_anew_or_nothing)
{
    struct rig r;
    struct error e = { 0 };
    struct master_key old, next = { { 7 } };

    rig_start(t, &r);
    old = r.key;
    if (rig_open(t, &r) && rig_add(t, &r, "ada", "sk-ada") > 0 &&
        rig_add(t, &r, "ben", "sk-ben") > 0) {
        struct account_grant g = { .access = secret_copy(STR("at")), .series = 3 };

        CHECK_INT(store_grant_put(r.store, -7, &(struct grant_change){ .grant = &g }, &e), OK, "%s",
                  e.text);
        CHECK_INT(store_rotate(r.store, &next, &e), OK, "%s", e.text);
        CHECK_INT(rig_add(t, &r, "cy", "sk-cy") > 0, true, "it goes on under the new one");
        rig_close(&r);
        r.key = next;
        if (rig_open(t, &r) && rig_take(t, &r) && CHECK_INT(r.taken_count, 3)) {
            CHECK_STR(secret_reveal(&r.taken[0]->api_key), "sk-ada");
            CHECK_STR(secret_reveal(&r.taken[2]->api_key), "sk-cy");
        }
        struct account_spec *spec = rig_spec("of the file", "");

        spec->id = -7;
        spec->grant.series = 3;
        CHECK_INT(store_account_override(r.store, spec, &e), OK, "%s", e.text);
        CHECK_STR(secret_reveal(&spec->grant.access), "at");
        account_spec_free(spec);
        rig_close(&r);
        /* one that does not open keeps the others as they are */
        rig_sql(t, &r, "UPDATE account SET secret = zeroblob(60) WHERE label = 'ben'");
        if (rig_open(t, &r)) {
            CHECK_INT(store_rotate(r.store, &old, &e), E_REFUSED);
            CHECK(str_find(str_c(e.text), STR("master key")) != SIZE_MAX, "%s", e.text);
            if (rig_take(t, &r) && CHECK_INT(r.taken_count, 3)) {
                CHECK_STR(secret_reveal(&r.taken[0]->api_key), "sk-ada");
                CHECK(r.taken[1]->disabled);
            }
        }
        grant_clear(&g);
    }
    rig_end(&r);
}
