#include "base/fingerprint.h"

#include "test.h"

#define FOX "The quick brown fox jumps over the lazy dog while the gate lets the water through."

static struct fingerprint of(struct str text)
{
    struct fingerprint f = { 0 };

    fingerprint_add(&f, text);
    return f;
}

static bool same(struct fingerprint a, struct fingerprint b)
{
    return a.lane[0] == b.lane[0] && a.lane[1] == b.lane[1];
}

TEST(fingerprints_are_the_same_in_every_run_and_on_every_machine)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "db4e815aa090056244db36c0c9226753" },
        { "hello", "d392ea1c6e53af91cc9ec13b0411495a" },
        { "0123456789abcdef0123456789abcdef!", "d31166b656d6b9ab94d45382d0311355" },
        { FOX, "0590833b38edc754da0b59ed1acdb446" },
        { FOX FOX FOX FOX, "c44d926e0fcca256ddd12c2acbf028bb" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fingerprint f = of(str_c(cases[i].text));
        uint8_t bytes[16];
        char hex[33];

        fingerprint_bytes(&f, bytes);
        for (size_t b = 0; b < 16; b++)
            snprintf(hex + 2 * b, 3, "%02x", bytes[b]);
        CHECK_STR(str_c(hex), cases[i].want, "%s", cases[i].text);
    }
}

TEST(fingerprints_differ_for_every_change_of_a_byte_and_every_length)
{
    char text[300]; /* two rounds of the long way, and a rest */

    for (size_t len = 0; len <= sizeof(text); len++) {
        memset(text, 0, sizeof(text));
        struct fingerprint f = of((struct str){ text, len });

        if (len > 0)
            CHECK(!same(f, of((struct str){ text, len - 1 })), "length %zu", len);
        for (size_t at = 0; at < len; at++)
            for (int bit = 0; bit < 8; bit++) {
                text[at] = (char)(1 << bit);
                CHECK(!same(f, of((struct str){ text, len })), "byte %zu of %zu", at, len);
                text[at] = 0;
            }
    }
}

TEST(fingerprints_of_long_texts_see_the_order_of_their_parts)
{
    char text[1024], turned[1024];
    struct fingerprint f;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)test_random(t);
    f = of((struct str){ text, sizeof(text) });
    for (size_t width = 8; width <= 256; width *= 2)
        for (size_t a = 0; a < sizeof(text); a += width)
            for (size_t b = a + width; b < sizeof(text); b += width) {
                memcpy(turned, text, sizeof(text));
                memcpy(turned + a, text + b, width);
                memcpy(turned + b, text + a, width);
                CHECK(!same(f, of((struct str){ turned, sizeof(turned) })), "%zu, %zu and %zu",
                      width, a, b);
            }
}

TEST(fingerprints_spread_over_all_bits)
{
    int ones[128] = { 0 };

    for (int n = 0; n < 4096; n++) {
        struct str text = n % 2 == 0 ? arena_printf(&t->arena, "conversation %d", n)
                                     : arena_printf(&t->arena, FOX FOX "%d" FOX FOX, n);
        struct fingerprint f = of(text);

        for (int bit = 0; bit < 128; bit++)
            ones[bit] += (int)(f.lane[bit / 64] >> (bit % 64) & 1);
    }
    for (int bit = 0; bit < 128; bit++)
        CHECK(ones[bit] > 1800 && ones[bit] < 2300, "bit %d: %d of 4096", bit, ones[bit]);
}

TEST(fingerprints_tell_where_one_text_ends_and_the_next_begins)
{
    struct fingerprint a = { 0 }, b = { 0 };

    fingerprint_add(&a, STR("ab"));
    fingerprint_add(&a, STR("c"));
    fingerprint_add(&b, STR("a"));
    fingerprint_add(&b, STR("bc"));
    CHECK(!same(a, b));
    CHECK(!same(a, of(STR("abc"))));
}
