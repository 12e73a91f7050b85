#include "http/websocket.h"

#include "base/utf8.h"

#define OP_CONTINUES 0
#define OP_BINARY 2
#define FIN 0x80
#define RESERVED 0x70
#define MASKED 0x80

static enum websocket_event bad(struct websocket *w, enum websocket_close code, const char *what)
{
    w->code = code;
    w->what = what;
    return WEBSOCKET_BAD;
}

static uint8_t opcode(const struct websocket *w)
{
    return w->head[0] & 0x0f;
}

static bool is_control(const struct websocket *w)
{
    return opcode(w) >= WEBSOCKET_OP_CLOSE;
}

/* How long the head is, as far as its first two bytes tell. */
static uint8_t head_bytes(const struct websocket *w)
{
    uint8_t len = w->head[1] & 0x7f;

    if (w->head_len < 2)
        return 2;
    return (uint8_t)(2 + (len == 126 ? 2 : len == 127 ? 8 : 0) + 4);
}

/* What can be said of a frame by its first two bytes. */
static enum websocket_event look_at_start(struct websocket *w)
{
    uint8_t op = opcode(w), len = w->head[1] & 0x7f;

    if ((w->head[0] & RESERVED) != 0)
        return bad(w, WEBSOCKET_PROTOCOL, "no extension was agreed on");
    if ((w->head[1] & MASKED) == 0)
        return bad(w, WEBSOCKET_PROTOCOL, "a client must mask its frames");
    if (is_control(w)) {
        if (op > WEBSOCKET_OP_PONG)
            return bad(w, WEBSOCKET_PROTOCOL, "an unknown kind of frame");
        if ((w->head[0] & FIN) == 0 || len > WEBSOCKET_CONTROL_MAX)
            return bad(w, WEBSOCKET_PROTOCOL, "a control frame must be short and whole");
        return WEBSOCKET_MORE;
    }
    if (op == OP_BINARY)
        return bad(w, WEBSOCKET_NOT_TEXT, "messages must be text");
    if (op > OP_BINARY)
        return bad(w, WEBSOCKET_PROTOCOL, "an unknown kind of frame");
    if ((op == OP_CONTINUES) != w->in_message)
        return bad(w, WEBSOCKET_PROTOCOL,
                   w->in_message ? "a message begins inside of another"
                                 : "a message goes on that has not begun");
    return WEBSOCKET_MORE;
}

/* The length, which must be written as short as it can be. */
static bool read_length(struct websocket *w)
{
    uint8_t len = w->head[1] & 0x7f, bytes = len == 126 ? 2 : len == 127 ? 8 : 0;
    uint64_t n = 0;

    for (uint8_t i = 0; i < bytes; i++)
        n = n << 8 | w->head[2 + i];
    w->left = bytes == 0 ? len : n;
    return (bytes != 2 || n > 125) && (bytes != 8 || (n > UINT16_MAX && n <= INT64_MAX));
}

/* True when the head is whole. */
static bool take_head(struct websocket *w, struct str *in, enum websocket_event *ev)
{
    while (w->head_len < head_bytes(w)) {
        if (in->len == 0)
            return false;
        w->head[w->head_len++] = (uint8_t)in->at[0];
        *in = str_drop(*in, 1);
        if (w->head_len == 2) {
            *ev = look_at_start(w);
            if (*ev != WEBSOCKET_MORE)
                return false;
        }
    }
    if (!read_length(w)) {
        *ev = bad(w, WEBSOCKET_PROTOCOL, "a length that is not as short as it can be");
        return false;
    }
    w->masked = 0;
    w->in_frame = true;
    return true;
}

static void unmask(struct websocket *w, struct str from, uint8_t *to)
{
    const uint8_t *mask = w->head + w->head_len - 4;

    for (size_t i = 0; i < from.len; i++)
        to[i] = (uint8_t)((uint8_t)from.at[i] ^ mask[(w->masked + i) & 3]);
    w->masked += from.len;
    w->left -= from.len;
}

static enum websocket_event control_whole(struct websocket *w)
{
    struct str text = { (const char *)w->control, w->control_len };

    switch (opcode(w)) {
    case WEBSOCKET_OP_PING:
        return WEBSOCKET_PING;
    case WEBSOCKET_OP_PONG:
        return WEBSOCKET_PONG;
    default:
        break;
    }
    if (text.len == 1)
        return bad(w, WEBSOCKET_PROTOCOL, "half of a reason for closing");
    if (text.len >= 2) {
        unsigned code = (unsigned)(w->control[0] << 8 | w->control[1]);
        bool known =
            (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
            (code >= 3000 && code <= 4999);

        if (!known || utf8_valid(str_drop(text, 2)) != text.len - 2)
            return bad(w, WEBSOCKET_PROTOCOL, "a reason for closing that is none");
        w->code = (enum websocket_close)code;
    } else {
        w->code = WEBSOCKET_NO_STATUS;
    }
    return WEBSOCKET_CLOSE;
}

static enum websocket_event take_control(struct websocket *w, struct str *in)
{
    struct str bytes = str_take(*in, w->left);

    unmask(w, bytes, w->control + w->control_len);
    w->control_len = (uint8_t)(w->control_len + bytes.len);
    *in = str_drop(*in, bytes.len);
    if (w->left > 0)
        return WEBSOCKET_MORE;
    w->in_frame = false;
    w->head_len = 0;
    return control_whole(w);
}

static enum websocket_event take_data(struct websocket *w, struct str *in, struct buf *message)
{
    struct str bytes = str_take(*in, w->left);
    bool last = (w->head[0] & FIN) != 0;

    if (bytes.len > 0) {
        char *to = buf_reserve(message, bytes.len);

        assert(to != NULL);
        unmask(w, bytes, (uint8_t *)to);
        buf_commit(message, bytes.len);
        *in = str_drop(*in, bytes.len);
    }
    if (w->left > 0)
        return WEBSOCKET_MORE;
    w->in_frame = false;
    w->head_len = 0;
    w->in_message = !last;
    if (!last)
        return WEBSOCKET_MORE;
    if (utf8_valid(buf_str(message)) != message->len)
        return bad(w, WEBSOCKET_BAD_TEXT, "the message is not valid UTF-8");
    return WEBSOCKET_MESSAGE;
}

enum websocket_event websocket_next(struct websocket *w, struct str *in, struct buf *message)
{
    enum websocket_event ev = WEBSOCKET_MORE;

    while (w->in_frame || in->len > 0) {
        if (!w->in_frame) {
            if (!take_head(w, in, &ev))
                return ev;
            if (is_control(w)) {
                w->control_len = 0;
            } else if (!w->in_message) {
                w->in_message = true;
                return WEBSOCKET_BEGINS;
            }
        }
        if (!is_control(w) && w->left > message->max - message->len)
            return bad(w, WEBSOCKET_TOO_BIG, "the message is too large");

        bool waits = w->left > 0 && in->len == 0;

        if (waits)
            return WEBSOCKET_MORE;
        ev = is_control(w) ? take_control(w, in) : take_data(w, in, message);
        if (ev != WEBSOCKET_MORE)
            return ev;
    }
    return WEBSOCKET_MORE;
}

struct str websocket_head(enum websocket_opcode op, uint64_t len, char head[WEBSOCKET_HEAD_MAX])
{
    size_t at = 0;
    unsigned bytes = len > UINT16_MAX ? 8 : len > 125 ? 2 : 0;

    head[at++] = (char)(FIN | (unsigned)op);
    head[at++] = (char)(bytes == 8 ? 127 : bytes == 2 ? 126 : len);
    for (unsigned i = bytes; i-- > 0;)
        head[at++] = (char)(len >> (8 * i) & 0xff);
    return (struct str){ head, at };
}
