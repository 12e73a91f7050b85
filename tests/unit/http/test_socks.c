#include "http/socks.h"

#include "test.h"

#define BYTES(literal)               \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const uint8_t v4[16] = {
    [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 7
};
static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };

#define REPLY_OK "\5\0\0\1\0\0\0\0\0\0"
#define ASK_NAME "\5\1\0\3\7example\1\273"

static const struct {
    const char *name;
    const uint8_t *ip;
    const char *account;
    struct str in, out;
    enum socks_result want;
    const char *why;
    size_t rest;
} cases[] = {
    { "a name", NULL, "", BYTES("\5\0" REPLY_OK), BYTES("\5\1\0" ASK_NAME), SOCKS_DONE, "", 0 },
    { "an IPv4 address", v4, "", BYTES("\5\0" REPLY_OK), BYTES("\5\1\0\5\1\0\1\300\0\2\7\1\273"),
      SOCKS_DONE, "", 0 },
    { "an IPv6 address", v6, "", BYTES("\5\0" REPLY_OK),
      BYTES("\5\1\0\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\273"), SOCKS_DONE, "", 0 },
    { "a login that is not asked for", NULL, "ada:secret", BYTES("\5\0" REPLY_OK),
      BYTES("\5\2\0\2" ASK_NAME), SOCKS_DONE, "", 0 },
    { "a login", NULL, "ada:sec:ret", BYTES("\5\2\1\0" REPLY_OK),
      BYTES("\5\2\0\2\1\3ada\7sec:ret" ASK_NAME), SOCKS_DONE, "", 0 },
    { "a login that is refused", NULL, "ada:secret", BYTES("\5\2\1\1"),
      BYTES("\5\2\0\2\1\3ada\6secret"), SOCKS_BAD, "it refused user and password", 0 },
    { "a login asked for that we do not have", NULL, "", BYTES("\5\2"), BYTES("\5\1\0"), SOCKS_BAD,
      "it wants a login that we do not have", 0 },
    { "no method in common", NULL, "ada:secret", BYTES("\5\377"), BYTES("\5\2\0\2"), SOCKS_BAD,
      "it wants a login that we do not have", 0 },
    { "SOCKS4", NULL, "", BYTES("\4\0"), BYTES("\5\1\0"), SOCKS_BAD, "it does not speak SOCKS5",
      0 },
    { "HTTP", NULL, "", BYTES("HTTP/1.1 400"), BYTES("\5\1\0"), SOCKS_BAD,
      "it does not speak SOCKS5", 10 },
    { "refused by the upstream", NULL, "", BYTES("\5\0\5\5\0\1\0\0\0\0\0\0"),
      BYTES("\5\1\0" ASK_NAME), SOCKS_BAD, "connection refused", 8 },
    { "a reply nobody knows", NULL, "", BYTES("\5\0\5\t\0\1"), BYTES("\5\1\0" ASK_NAME), SOCKS_BAD,
      "refused for a reason of its own", 0 },
    { "a reply with a name", NULL, "", BYTES("\5\0\5\0\0\3\2ab\0\0"), BYTES("\5\1\0" ASK_NAME),
      SOCKS_DONE, "", 0 },
    { "a reply with an IPv6 address", NULL, "",
      BYTES("\5\0\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), BYTES("\5\1\0" ASK_NAME),
      SOCKS_DONE, "", 0 },
    { "a reply with an address of no kind", NULL, "", BYTES("\5\0\5\0\0\2"),
      BYTES("\5\1\0" ASK_NAME), SOCKS_BAD, "its reply has an unknown address type", 0 },
    { "bytes behind the reply", NULL, "", BYTES("\5\0" REPLY_OK "hello"), BYTES("\5\1\0" ASK_NAME),
      SOCKS_DONE, "", 5 },
    { "a reply of another version", NULL, "", BYTES("\5\0\4\0\0\1"), BYTES("\5\1\0" ASK_NAME),
      SOCKS_BAD, "it does not speak SOCKS5", 0 },
    { "an unfinished reply", NULL, "", BYTES("\5\0\5\0\0\1\0\0"), BYTES("\5\1\0" ASK_NAME),
      SOCKS_MORE, "", 0 },
};

TEST(socks_does_not_care_how_bytes_are_chunked)
{
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t step = 1; step <= cases[i].in.len; step++) {
            struct socks s = { .name = STR("example"),
                               .ip = cases[i].ip,
                               .port = 443,
                               .account = str_c(cases[i].account) };
            struct buf out = { .max = SOCKS_OUT_MAX };
            struct str rest = cases[i].in, nothing = STR("");
            enum socks_result r = socks_next(&s, &nothing, &out);

            while (r == SOCKS_MORE && rest.len > 0) {
                struct str piece = str_take(rest, step);
                size_t len = piece.len;

                r = socks_next(&s, &piece, &out);
                rest = str_drop(rest, len - piece.len);
                if (r == SOCKS_MORE && !CHECK(piece.len == 0, "%s", cases[i].name))
                    break;
            }
            CHECK_INT(r, cases[i].want, "%s, step %zu", cases[i].name, step);
            CHECK_STRS(buf_str(&out), cases[i].out, "%s, step %zu", cases[i].name, step);
            CHECK_STR(str_c(s.why), cases[i].why, "%s, step %zu", cases[i].name, step);
            if (cases[i].want == SOCKS_DONE)
                CHECK_INT(rest.len, cases[i].rest, "%s, step %zu", cases[i].name, step);
            buf_clear(&out);
        }
}

TEST(socks_says_what_login_it_can_carry)
{
    char long_user[300];

    memset(long_user, 'u', sizeof(long_user));
    for (size_t len = 0; len <= 256; len++) {
        bool fits = len >= 1 && len <= 255;
        struct str user = { long_user, len };

        if (len > 2 && len < 254)
            continue;
        CHECK_INT(socks_account_fits(arena_printf(&t->arena, "%.*s:p", (int)user.len, user.at)),
                  fits, "user of %zu", len);
        CHECK_INT(socks_account_fits(arena_printf(&t->arena, "u:%.*s", (int)user.len, user.at)),
                  fits, "password of %zu", len);
    }
    CHECK(!socks_account_fits(STR("no-colon")));
}
