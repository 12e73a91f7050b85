/* http/websocket.h - frames of a WebSocket (RFC 6455), as a server sees them: bytes in, events out.
 *
 * No extensions and no subprotocols. Messages are texts; what a client masks is unmasked into the
 * message's buffer, so that a frame of any size needs no room of its own.
 * Threads: pure.   Memory: the caller's. */
#ifndef PENSTOCK_HTTP_WEBSOCKET_H
#define PENSTOCK_HTTP_WEBSOCKET_H

#include "base/buf.h"

#define WEBSOCKET_CONTROL_MAX 125 /* bytes of a ping, pong or close */
#define WEBSOCKET_HEAD_MAX 10     /* bytes before what a server sends */

/* Why a connection is closed: RFC 6455 section 7.4.1. */
enum websocket_close {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING_AWAY = 1001,
    WEBSOCKET_PROTOCOL = 1002,
    WEBSOCKET_NOT_TEXT = 1003,
    WEBSOCKET_NO_STATUS = 1005, /* never sent: a close frame that gave none */
    WEBSOCKET_BAD_TEXT = 1007,
    WEBSOCKET_POLICY = 1008,
    WEBSOCKET_TOO_BIG = 1009,
    WEBSOCKET_FAILED = 1011,
    WEBSOCKET_TRY_LATER = 1013,
};

enum websocket_event {
    WEBSOCKET_MORE,    /* all of the input was taken */
    WEBSOCKET_BEGINS,  /* a message begins: `message` may be refilled */
    WEBSOCKET_MESSAGE, /* `message` is whole */
    WEBSOCKET_PING,    /* answer with a pong of `control` */
    WEBSOCKET_PONG,
    WEBSOCKET_CLOSE, /* the client closes, for the reason `code`; nothing may follow */
    WEBSOCKET_BAD,   /* close for the reason `code` */
};

/* A zeroed one begins. */
struct websocket {
    uint8_t head[14]; /* of the frame at hand, as far as it is there */
    uint8_t head_len;
    bool in_frame;   /* the head is whole */
    bool in_message; /* a message has begun and not ended */
    uint64_t left;   /* bytes of the frame still to come */
    uint64_t masked; /* bytes of it that were unmasked: which byte of the mask is next */
    uint8_t control[WEBSOCKET_CONTROL_MAX];
    uint8_t control_len;
    enum websocket_close code; /* of CLOSE and BAD */
    const char *what;          /* of BAD: static */
};

/* Takes bytes off the front of `in` until something happened. `message` gets the bytes of the
 * message; what does not fit is BAD with TOO_BIG. */
enum websocket_event websocket_next(struct websocket *w, struct str *in, struct buf *message);

enum websocket_opcode {
    WEBSOCKET_OP_TEXT = 1,
    WEBSOCKET_OP_CLOSE = 8,
    WEBSOCKET_OP_PING = 9,
    WEBSOCKET_OP_PONG = 10,
};
/* The head of a whole frame of `len` bytes from a server. */
struct str websocket_head(enum websocket_opcode op, uint64_t len, char head[WEBSOCKET_HEAD_MAX]);

#endif
