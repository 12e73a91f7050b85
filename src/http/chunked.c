#include "parse_int.h"

/* Byte by byte over the lines, in runs over the data. The states stand in the order in which a
 * message passes them; the size line and the data repeat. */
enum chunked_state {
    STATE_SIZE, /* a zeroed struct starts here */
    STATE_EXTENSION,
    STATE_SIZE_LF,
    STATE_DATA,
    STATE_DATA_CR,
    STATE_DATA_LF,
    STATE_TRAILER_START, /* of a field line, or the empty line that ends the message */
    STATE_TRAILER_NAME,
    STATE_TRAILER_VALUE,
    STATE_TRAILER_LF,
    STATE_END_LF,
    STATE_END,
    STATE_BAD,
};

static const char *size_byte(struct chunked *c, char byte)
{
    int digit = http_hex(byte);

    if (digit >= 0) {
        if (c->digits == CHUNKED_DIGITS_MAX)
            return "chunk size too long";
        c->digits++;
        c->left = c->left << 4 | (unsigned)digit;
        return NULL;
    }
    if (c->digits == 0 || (byte != '\r' && byte != ';'))
        return byte == '\n' ? "bare LF in a chunk line" : "bad chunk size";
    c->line_bytes = 0;
    c->state = byte == '\r' ? STATE_SIZE_LF : STATE_EXTENSION;
    if (byte == ';') { /* counts as its first byte */
        c->line_bytes = 1;
        c->extension_bytes++;
    }
    return c->extension_bytes > CHUNKED_EXTENSIONS_MAX ? "chunk extensions too long" : NULL;
}

static const char *extension_byte(struct chunked *c, char byte)
{
    if (byte == '\r') {
        c->state = STATE_SIZE_LF;
        return NULL;
    }
    if (!http_byte_is(byte, HTTP_BYTE_VALUE))
        return byte == '\n' ? "bare LF in a chunk line" : "control byte in a chunk extension";
    c->line_bytes++;
    c->extension_bytes++;
    if (c->line_bytes > CHUNKED_EXTENSION_MAX || c->extension_bytes > CHUNKED_EXTENSIONS_MAX)
        return "chunk extensions too long";
    return NULL;
}

/* Field lines are held to the same grammar as those of a head, and forgotten. */
static const char *trailer_byte(struct chunked *c, char byte)
{
    if (c->state == STATE_TRAILER_START && byte == '\r') {
        c->state = STATE_END_LF;
        return NULL;
    }
    if (++c->trailer_bytes > CHUNKED_TRAILERS_MAX)
        return "trailers too long";
    if (c->state == STATE_TRAILER_LF) {
        c->state = STATE_TRAILER_START;
        return byte == '\n' ? NULL : "bare CR in a trailer";
    }
    if (c->state == STATE_TRAILER_VALUE) {
        if (byte == '\r')
            c->state = STATE_TRAILER_LF;
        else if (!http_byte_is(byte, HTTP_BYTE_VALUE))
            return byte == '\n' ? "bare LF in a trailer" : "control byte in a trailer";
        return NULL;
    }
    if (c->state == STATE_TRAILER_NAME && byte == ':')
        c->state = STATE_TRAILER_VALUE;
    else if (http_byte_is(byte, HTTP_BYTE_TOKEN))
        c->state = STATE_TRAILER_NAME;
    else
        return byte == '\n' ? "bare LF in a trailer" : "bad trailer name";
    return NULL;
}

/* One byte that is no data. What is wrong with it, or NULL. */
static const char *line_byte(struct chunked *c, char byte)
{
    switch ((enum chunked_state)c->state) {
    case STATE_SIZE:
        return size_byte(c, byte);
    case STATE_EXTENSION:
        return extension_byte(c, byte);
    case STATE_SIZE_LF:
        c->digits = 0;
        c->state = c->left > 0 ? STATE_DATA : STATE_TRAILER_START;
        return byte == '\n' ? NULL : "bare CR in a chunk line";
    case STATE_DATA_CR:
        c->state = STATE_DATA_LF;
        return byte == '\r' ? NULL : "no CRLF after the data of a chunk";
    case STATE_DATA_LF:
        c->state = STATE_SIZE;
        return byte == '\n' ? NULL : "no CRLF after the data of a chunk";
    case STATE_TRAILER_START:
    case STATE_TRAILER_NAME:
    case STATE_TRAILER_VALUE:
    case STATE_TRAILER_LF:
        return trailer_byte(c, byte);
    case STATE_END_LF:
        c->state = STATE_END;
        return byte == '\n' ? NULL : "bare CR in a trailer";
    case STATE_DATA:
    case STATE_END:
    case STATE_BAD:
        break;
    }
    assert(false); /* chunked_next() gives no bytes to these */
    return NULL;
}

static void take_data(struct chunked *c, struct str *in, struct str *out)
{
    *out = str_take(*in, c->left < in->len ? (size_t)c->left : in->len);
    *in = str_drop(*in, out->len);
    c->left -= out->len;
    if (c->left == 0)
        c->state = STATE_DATA_CR;
}

enum chunked_result chunked_next(struct chunked *c, struct str *in, struct str *out,
                                 struct http_fault *fault)
{
    const char *what = "the body was bad before";

    assert(c->state <= STATE_BAD);
    while (c->state != STATE_END && c->state != STATE_BAD && in->len > 0) {
        if (c->state == STATE_DATA) {
            take_data(c, in, out);
            return CHUNKED_DATA;
        }
        what = line_byte(c, in->at[0]);
        if (what != NULL)
            c->state = STATE_BAD;
        else
            *in = str_drop(*in, 1);
    }
    if (c->state == STATE_BAD) {
        *fault = (struct http_fault){ 400, what };
        return CHUNKED_BAD;
    }
    return c->state == STATE_END ? CHUNKED_END : CHUNKED_MORE;
}
