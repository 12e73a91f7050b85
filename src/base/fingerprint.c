#include "fingerprint.h"

/* digits of pi: any odd numbers without pattern would do */
#define K0 UINT64_C(0x243f6a8885a308d3)
#define K1 UINT64_C(0x13198a2e03707345)
#define K2 UINT64_C(0xa4093822299f31d1)
#define K3 UINT64_C(0x082efa98ec4e6c89)

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Little endian on every machine; at most 8 bytes. */
static uint64_t load(const char *at, size_t len)
{
    uint64_t n = 0;

    memcpy(&n, at, len);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    n = __builtin_bswap64(n);
#endif
    return n;
}

void fingerprint_add(struct fingerprint *f, struct str text)
{
    uint64_t a = f->lane[0] ^ K0 ^ text.len, b = f->lane[1] ^ K1 ^ (text.len << 1);
    const char *at = text.at;
    size_t left = text.len;

    for (; left >= 16; left -= 16, at += 16) {
        uint64_t x = load(at, 8), y = load(at + 8, 8);

        a = fold(a ^ x, K2 ^ y);
        b = fold(b ^ y, K3 ^ x) + a;
    }
    if (left > 0) {
        uint64_t x = load(at, left < 8 ? left : 8), y = left > 8 ? load(at + 8, left - 8) : 0;

        a = fold(a ^ x, K2 ^ y);
        b = fold(b ^ y, K3 ^ x) + a;
    }
    f->lane[0] = fold(a ^ K3, b ^ K0);
    f->lane[1] = fold(b ^ K2, f->lane[0] ^ K1);
}

void fingerprint_bytes(const struct fingerprint *f, uint8_t out[16])
{
    for (size_t i = 0; i < 16; i++)
        out[i] = (uint8_t)(f->lane[i / 8] >> (8 * (i % 8)));
}
