#include "http/inflate.h"

#include "base/buf.h"
#include "gzip.h"
#include "test.h"

#define NO_LIMIT UINT64_MAX

/* Inflates `in` in pieces of `step` bytes through a window of `cap`; gives the last verdict. */
static enum inflate_result inflate_all(struct inflate *z, struct str in, size_t step, size_t cap,
                                       struct buf *out)
{
    char window[4096];
    enum inflate_result r = INFLATE_MORE;

    assert(cap <= sizeof(window));
    do {
        struct str piece = str_take(in, step);
        size_t len;

        in = str_drop(in, step);
        while ((r = inflate_next(z, &piece, window, cap, &len)) == INFLATE_DATA)
            if (out != NULL)
                (void)buf_add(out, (struct str){ window, len });
        if (r == INFLATE_MORE && piece.len > 0)
            return INFLATE_BAD; /* MORE means that all was taken */
    } while (r == INFLATE_MORE && in.len > 0);
    return r;
}

static struct str noise(struct test *t, size_t len)
{
    char *at = arena_alloc(&t->arena, len);

    for (size_t i = 0; i < len; i++)
        at[i] = (char)test_random(t);
    return (struct str){ at, len };
}

static struct str joined(struct test *t, struct str a, struct str b)
{
    char *at = arena_alloc(&t->arena, a.len + b.len + 1);

    memcpy(at, a.at, a.len);
    memcpy(at + a.len, b.at, b.len);
    return (struct str){ at, a.len + b.len };
}

TEST(gzip_comes_back_however_it_is_cut)
{
    static const size_t steps[] = { 1, 2, 7, 100, 1u << 20 }, caps[] = { 1, 13, 4096 };
    struct str plain = joined(t, noise(t, 3000), zeros(&t->arena, 3000));
    struct str coded = gzip(&t->arena, plain);

    for (size_t i = 0; i < COUNT(steps); i++)
        for (size_t k = 0; k < COUNT(caps); k++) {
            struct inflate z;
            struct buf out = { .max = 1 << 20 };

            inflate_init(&z, 200, NO_LIMIT);
            CHECK_INT(inflate_all(&z, coded, steps[i], caps[k], &out), INFLATE_MORE,
                      "step %zu, cap %zu", steps[i], caps[k]);
            CHECK(inflate_is_whole(&z), "step %zu, cap %zu", steps[i], caps[k]);
            CHECK_STRS(buf_str(&out), plain, "step %zu, cap %zu", steps[i], caps[k]);
            inflate_clear(&z);
            buf_clear(&out);
        }
}

TEST(a_gzip_cut_at_any_byte_is_not_whole)
{
    struct str coded = gzip(&t->arena, STR("a text of some length, a text of some length"));

    for (size_t cut = 0; cut < coded.len; cut++) {
        struct inflate z;

        inflate_init(&z, 200, NO_LIMIT);
        CHECK_INT(inflate_all(&z, str_take(coded, cut), 5, 64, NULL), INFLATE_MORE, "cut at %zu",
                  cut);
        CHECK(!inflate_is_whole(&z), "cut at %zu", cut);
        inflate_clear(&z);
    }
}

TEST(members_that_follow_one_another_are_one_text)
{
    struct str coded = joined(t, gzip(&t->arena, STR("one, ")), gzip(&t->arena, STR("")));
    struct inflate z;
    struct buf out = { .max = 100 };

    coded = joined(t, coded, gzip(&t->arena, STR("two")));
    inflate_init(&z, 200, NO_LIMIT);
    CHECK_INT(inflate_all(&z, coded, 3, 2, &out), INFLATE_MORE);
    CHECK(inflate_is_whole(&z));
    CHECK_STR(buf_str(&out), "one, two");
    inflate_clear(&z);
    buf_clear(&out);
}

TEST(what_is_not_gzip_is_refused)
{
    struct str good = gzip(&t->arena, STR("some text"));
    char *broken = arena_alloc(&t->arena, good.len);
    memcpy(broken, good.at, good.len);
    broken[good.len - 5] ^= 1; /* in its checksum and length */
    const struct {
        const char *name;
        struct str in;
    } cases[] = {
        { "plain text", STR("some text") },
        { "zlib", zip(&t->arena, STR("some text"), WINDOW_ZLIB) },
        { "raw deflate", zip(&t->arena, STR("some text"), WINDOW_RAW) },
        { "wrong checksum", { broken, good.len } },
        { "rubbish behind it", joined(t, good, STR("rubbish")) },
        { "a zero byte behind it", joined(t, good, STR("\0\0\0")) },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct inflate z;

        inflate_init(&z, 200, NO_LIMIT);
        CHECK_INT(inflate_all(&z, cases[i].in, 100, 100, NULL), INFLATE_BAD, "%s", cases[i].name);
        CHECK(!inflate_is_whole(&z), "%s", cases[i].name);
        CHECK_INT(inflate_all(&z, good, 100, 100, NULL), INFLATE_BAD, "%s: it stays refused",
                  cases[i].name);
        inflate_clear(&z);
    }
}

TEST(inflate_gives_its_limit_of_bytes_and_not_one_more)
{
    for (size_t over = 0; over <= 2; over++) {
        struct str coded = gzip(&t->arena, noise(t, 9999 + over));
        struct inflate z;

        inflate_init(&z, 200, 10000);
        CHECK_INT(inflate_all(&z, coded, 512, 512, NULL),
                  over <= 1 ? INFLATE_MORE : INFLATE_TOO_BIG, "%zu bytes", 9999 + over);
        inflate_clear(&z);
    }
}

static enum inflate_result inflate_at_ratio(struct str coded, uint32_t ratio)
{
    struct inflate z;

    inflate_init(&z, ratio, NO_LIMIT);
    enum inflate_result r = inflate_all(&z, coded, coded.len, 4096, NULL);
    inflate_clear(&z);
    return r;
}

TEST(inflate_allows_its_ratio_and_not_one_more)
{
    struct str plain = zeros(&t->arena, 1 << 20), coded = gzip(&t->arena, plain);
    uint32_t ratio = (uint32_t)(plain.len / coded.len);

    /* judged on the way, where the ratio is a little above that of the whole */
    while (inflate_at_ratio(coded, ratio) == INFLATE_RATIO && ratio < 1100)
        ratio++;
    CHECK(ratio < 1100, "deflate cannot do better than 1032");
    CHECK_INT(inflate_at_ratio(coded, ratio - 1), INFLATE_RATIO, "limit %u", ratio - 1);
    CHECK_INT(inflate_at_ratio(coded, ratio), INFLATE_MORE, "limit %u", ratio);
    CHECK_INT(inflate_at_ratio(coded, ratio + 1), INFLATE_MORE, "limit %u", ratio + 1);
}

TEST(a_bomb_is_seen_while_it_goes_off)
{
    struct str coded = gzip(&t->arena, zeros(&t->arena, 64 << 20));
    struct inflate z;

    inflate_init(&z, 200, NO_LIMIT);
    CHECK_INT(inflate_all(&z, coded, coded.len, 4096, NULL), INFLATE_RATIO);
    CHECK(z.given < 2 * INFLATE_SMALL, "given %" PRIu64, z.given);
    inflate_clear(&z);
}

TEST(a_small_text_is_no_bomb_whatever_its_ratio)
{
    struct str coded = gzip(&t->arena, zeros(&t->arena, INFLATE_SMALL));
    struct inflate z;

    CHECK(coded.len * 200 < INFLATE_SMALL, "the case needs a ratio above the limit");
    inflate_init(&z, 200, NO_LIMIT);
    CHECK_INT(inflate_all(&z, coded, coded.len, 4096, NULL), INFLATE_MORE);
    CHECK(inflate_is_whole(&z));
    inflate_clear(&z);
}

TEST(nothing_at_all_is_not_whole)
{
    struct inflate z;
    struct str nothing = STR("");
    char out[8];
    size_t len;

    inflate_init(&z, 200, NO_LIMIT);
    CHECK_INT(inflate_next(&z, &nothing, out, sizeof(out), &len), INFLATE_MORE);
    CHECK(!inflate_is_whole(&z));
    inflate_clear(&z);
}
