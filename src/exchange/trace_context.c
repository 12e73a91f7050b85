#include "exchange/trace_context.h"

#include "base/fingerprint.h"

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower case only, as the recommendation has it. */
static bool hex_read(const char *at, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        int high = hex_digit(at[2 * i]), low = hex_digit(at[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool all_zero(const uint8_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (at[i] != 0)
            return false;
    return true;
}

bool trace_context_read(struct str t, struct trace_context *out)
{
    struct trace_context c = { .has_parent = true };
    uint8_t version, flags;

    if (t.len < TRACEPARENT_LEN || t.at[2] != '-' || t.at[35] != '-' || t.at[52] != '-' ||
        !hex_read(t.at, 1, &version) || !hex_read(t.at + 3, 16, c.trace) ||
        !hex_read(t.at + 36, 8, c.parent) || !hex_read(t.at + 53, 1, &flags))
        return false;
    if (version == 0xff || all_zero(c.trace, 16) || all_zero(c.parent, 8))
        return false;
    /* a later version may say more behind a dash */
    if (t.len > TRACEPARENT_LEN && (version == 0 || t.at[TRACEPARENT_LEN] != '-'))
        return false;
    c.sampled = (flags & 1) != 0;
    *out = c;
    return true;
}

void trace_context_new(struct str request_id, uint32_t permille, struct trace_context *out)
{
    struct fingerprint f = { .lane = { 0 } };

    fingerprint_add(&f, request_id);
    *out = (struct trace_context){ .sampled = f.lane[0] % 1000 < permille };
    fingerprint_bytes(&f, out->trace);
    out->trace[0] |= 1; /* never all zero */
}

void trace_span_id(struct str request_id, uint32_t attempt, uint8_t out[8])
{
    struct fingerprint f = { .lane = { attempt + 1, 0 } };
    uint8_t bytes[16];

    fingerprint_add(&f, request_id);
    fingerprint_bytes(&f, bytes);
    memcpy(out, bytes + 8, 8);
    out[0] |= 1;
}

void trace_hex(const uint8_t *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}

struct str trace_context_put(const struct trace_context *c, const uint8_t span[8],
                             char out[TRACEPARENT_LEN + 1])
{
    memcpy(out, "00-", 3);
    trace_hex(c->trace, 16, out + 3);
    out[35] = '-';
    trace_hex(span, 8, out + 36);
    memcpy(out + 52, c->sampled ? "-01" : "-00", 4);
    return (struct str){ out, TRACEPARENT_LEN };
}
