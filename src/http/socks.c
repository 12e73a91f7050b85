#include "http/socks.h"

enum { SOCKS_VERSION = 5, SOCKS_LOGIN_VERSION = 1 };
enum { SOCKS_NO_LOGIN = 0, SOCKS_PASSWORD = 2 };
enum { SOCKS_CONNECT = 1 };
enum { SOCKS_IPV4 = 1, SOCKS_NAME = 3, SOCKS_IPV6 = 4 };
enum { SOCKS_SUCCEEDED = 0 };

enum socks_state { SOCKS_BEGIN, SOCKS_GREETED, SOCKS_LOGGING_IN, SOCKS_ASKED, SOCKS_OVER };

static const char *const socks_replies[] = {
    [1] = "general failure",       [2] = "not allowed by its rules",   [3] = "network unreachable",
    [4] = "host unreachable",      [5] = "connection refused",         [6] = "time to live expired",
    [7] = "command not supported", [8] = "address type not supported",
};

static void put_byte(struct buf *out, unsigned byte)
{
    bool fits = buf_add_char(out, (char)(uint8_t)byte);
    assert(fits); /* SOCKS_OUT_MAX is more than all our messages */
}

static void put_bytes(struct buf *out, struct str bytes)
{
    bool fits = buf_add(out, bytes);
    assert(fits);
}

/* One length byte, then the text. */
static void put_short(struct buf *out, struct str text)
{
    assert(text.len > 0);
    assert(text.len <= 255);
    put_byte(out, (unsigned)text.len);
    put_bytes(out, text);
}

bool socks_account_fits(struct str account)
{
    struct str user, password;

    return str_cut(account, ':', &user, &password) && user.len >= 1 && user.len <= 255 &&
           password.len >= 1 && password.len <= 255;
}

static void put_greeting(const struct socks *s, struct buf *out)
{
    bool login = s->account.len > 0;

    put_byte(out, SOCKS_VERSION);
    put_byte(out, login ? 2 : 1);
    put_byte(out, SOCKS_NO_LOGIN);
    if (login)
        put_byte(out, SOCKS_PASSWORD);
}

static void put_login(const struct socks *s, struct buf *out)
{
    struct str user, password;

    (void)str_cut(s->account, ':', &user, &password);
    put_byte(out, SOCKS_LOGIN_VERSION);
    put_short(out, user);
    put_short(out, password);
}

static void put_ask(const struct socks *s, struct buf *out)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    put_byte(out, SOCKS_VERSION);
    put_byte(out, SOCKS_CONNECT);
    put_byte(out, 0);
    if (s->ip == NULL) {
        put_byte(out, SOCKS_NAME);
        put_short(out, s->name);
    } else if (memcmp(s->ip, mapped, sizeof(mapped)) == 0) {
        put_byte(out, SOCKS_IPV4);
        put_bytes(out, (struct str){ (const char *)s->ip + 12, 4 });
    } else {
        put_byte(out, SOCKS_IPV6);
        put_bytes(out, (struct str){ (const char *)s->ip, 16 });
    }
    put_byte(out, s->port >> 8);
    put_byte(out, s->port & 0xff);
}

static enum socks_result socks_bad(struct socks *s, const char *why)
{
    s->state = SOCKS_OVER;
    s->why = why;
    return SOCKS_BAD;
}

/* Takes bytes until the message has `want` of them. */
static bool socks_take(struct socks *s, struct str *in, size_t want)
{
    assert(want <= sizeof(s->message));
    while (s->have < want && in->len > 0) {
        s->message[s->have++] = (uint8_t)in->at[0];
        *in = str_drop(*in, 1);
    }
    return s->have >= want;
}

static enum socks_result socks_greeted(struct socks *s, struct buf *out)
{
    s->have = 0;
    if (s->message[0] != SOCKS_VERSION)
        return socks_bad(s, "it does not speak SOCKS5");
    if (s->message[1] == SOCKS_NO_LOGIN) {
        put_ask(s, out);
        s->state = SOCKS_ASKED;
        return SOCKS_MORE;
    }
    if (s->message[1] != SOCKS_PASSWORD || s->account.len == 0)
        return socks_bad(s, "it wants a login that we do not have");
    put_login(s, out);
    s->state = SOCKS_LOGGING_IN;
    return SOCKS_MORE;
}

static enum socks_result socks_logged_in(struct socks *s, struct buf *out)
{
    s->have = 0;
    if (s->message[0] != SOCKS_LOGIN_VERSION || s->message[1] != SOCKS_SUCCEEDED)
        return socks_bad(s, "it refused user and password");
    put_ask(s, out);
    s->state = SOCKS_ASKED;
    return SOCKS_MORE;
}

/* The reply names an address of the proxy's own, which is of no interest but must be skipped. */
static bool socks_reply_length(const struct socks *s, size_t *len)
{
    switch (s->message[3]) {
    case SOCKS_IPV4:
        *len = 4 + 4 + 2;
        return true;
    case SOCKS_IPV6:
        *len = 4 + 16 + 2;
        return true;
    default:
        return false;
    }
}

static enum socks_result socks_replied(struct socks *s, struct str *in)
{
    size_t want;

    if (!socks_take(s, in, 4))
        return SOCKS_MORE;
    unsigned reply = s->message[1];
    if (s->message[0] != SOCKS_VERSION)
        return socks_bad(s, "it does not speak SOCKS5");
    if (reply != SOCKS_SUCCEEDED)
        return socks_bad(s, reply < COUNT(socks_replies) ? socks_replies[reply]
                                                         : "refused for a reason of its own");
    if (s->message[3] == SOCKS_NAME) {
        if (!socks_take(s, in, 5))
            return SOCKS_MORE;
        want = (size_t)4 + 1 + s->message[4] + 2;
    } else if (!socks_reply_length(s, &want)) {
        return socks_bad(s, "its reply has an unknown address type");
    }
    if (!socks_take(s, in, want))
        return SOCKS_MORE;
    s->state = SOCKS_OVER;
    return SOCKS_DONE;
}

enum socks_result socks_next(struct socks *s, struct str *in, struct buf *out)
{
    for (;;) {
        enum socks_result r;

        switch ((enum socks_state)s->state) {
        case SOCKS_BEGIN:
            put_greeting(s, out);
            s->state = SOCKS_GREETED;
            return SOCKS_MORE;
        case SOCKS_GREETED:
            if (!socks_take(s, in, 2))
                return SOCKS_MORE;
            r = socks_greeted(s, out);
            break;
        case SOCKS_LOGGING_IN:
            if (!socks_take(s, in, 2))
                return SOCKS_MORE;
            r = socks_logged_in(s, out);
            break;
        case SOCKS_ASKED:
            return socks_replied(s, in);
        case SOCKS_OVER:
            return SOCKS_BAD;
        default:
            assert(false && "a state of SOCKS5");
            return SOCKS_BAD;
        }
        if (r != SOCKS_MORE || in->len == 0)
            return r;
    }
}
