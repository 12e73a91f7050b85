/* tests/unit/io/test_crypto.c - digests against published vectors, sealing against its own
 * promises. */
#include "test.h"

#include <stdio.h>

#include "io/crypto.h"

static struct str hex_of(struct test *t, const uint8_t *bytes, size_t len)
{
    char *out = arena_alloc(&t->arena, len * 2 + 1);

    for (size_t i = 0; i < len; i++)
        snprintf(out + i * 2, 3, "%02x", bytes[i]);
    return (struct str){ out, len * 2 };
}

/* FIPS 180-2, appendix B */
static const struct {
    const char *in, *want;
} digests[] = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

TEST(sha256_gives_the_published_digests)
{
    for (size_t i = 0; i < COUNT(digests); i++) {
        uint8_t out[SHA256_BYTES];

        sha256(str_c(digests[i].in), out);
        CHECK_STR(hex_of(t, out, sizeof(out)), digests[i].want, "of \"%s\"", digests[i].in);
    }
}

static const uint8_t key[SEAL_KEY_BYTES] = "thirty-two bytes of a key, more";

TEST(what_was_sealed_opens_to_the_same_bytes)
{
    for (size_t len = 0; len < 300; len = len * 2 + 1) {
        struct buf sealed;
        struct secret opened = { 0 };
        char *bytes = arena_alloc(&t->arena, len + 1);

        random_bytes(bytes, len);
        buf_init(&sealed, 1024);

        struct str plain = { bytes, len };

        CHECK(seal(key, plain, STR("account/7"), &sealed), "%zu bytes", len);
        CHECK_INT(sealed.len, len + SEAL_EXTRA, "%zu bytes", len);
        CHECK(seal_open(key, buf_str(&sealed), STR("account/7"), &opened), "%zu bytes", len);
        CHECK_STRS(secret_reveal(&opened), plain, "%zu bytes", len);
        secret_clear(&opened);
        buf_clear(&sealed);
    }
}

TEST(what_was_changed_or_bound_elsewhere_does_not_open)
{
    struct buf sealed;
    struct secret opened = { 0 };
    uint8_t other[SEAL_KEY_BYTES];

    buf_init(&sealed, 1024);
    CHECK(seal(key, STR("open sesame"), STR("account/7"), &sealed));
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.at[i] ^= 1;
        CHECK(!seal_open(key, buf_str(&sealed), STR("account/7"), &opened), "byte %zu", i);
        sealed.at[i] ^= 1;
        CHECK(!seal_open(key, str_take(buf_str(&sealed), i), STR("account/7"), &opened),
              "only %zu bytes", i);
    }
    memcpy(other, key, sizeof(other));
    other[0] ^= 1;
    CHECK(!seal_open(other, buf_str(&sealed), STR("account/7"), &opened));
    CHECK(!seal_open(key, buf_str(&sealed), STR("account/8"), &opened));
    CHECK(!seal_open(key, buf_str(&sealed), STR(""), &opened));
    CHECK(secret_is_empty(&opened));
    buf_clear(&sealed);
}

TEST(sealing_the_same_twice_gives_different_bytes_and_a_full_buffer_refuses)
{
    struct buf a, b, small;

    buf_init(&a, 100);
    buf_init(&b, 100);
    buf_init(&small, 4 + SEAL_EXTRA - 1);
    CHECK(seal(key, STR("four"), STR(""), &a));
    CHECK(seal(key, STR("four"), STR(""), &b));
    CHECK(!str_eq(buf_str(&a), buf_str(&b)));
    CHECK(!seal(key, STR("four"), STR(""), &small));
    CHECK_INT(small.len, 0);
    buf_clear(&a);
    buf_clear(&b);
    buf_clear(&small);
}

TEST(random_numbers_differ)
{
    CHECK(random_u64() != random_u64());
    random_bytes(NULL, 0);
}

TEST(a_passphrase_gives_the_key_of_its_salt)
{
    uint8_t a[SEAL_KEY_BYTES], b[SEAL_KEY_BYTES], c[SEAL_KEY_BYTES];

    passphrase_key(STR("correct horse"), STR("salt one"), a);
    passphrase_key(STR("correct horse"), STR("salt one"), b);
    passphrase_key(STR("correct horse"), STR("salt two"), c);
    CHECK(memcmp(a, b, sizeof(a)) == 0);
    CHECK(memcmp(a, c, sizeof(a)) != 0);
    /* by another implementation: hashlib.scrypt of Python, n=65536, r=8, p=1 */
    CHECK_STR(hex_of(t, a, sizeof(a)),
              "4521a3c310a404ccb942a6e10cf091692caa65dcb5570f9ad2a0b86802f0b889");
}
