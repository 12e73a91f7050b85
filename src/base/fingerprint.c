#include "fingerprint.h"

/* digits of pi: any odd numbers without pattern would do */
#define K0 UINT64_C(0x243f6a8885a308d3)
#define K1 UINT64_C(0x13198a2e03707345)
#define K2 UINT64_C(0xa4093822299f31d1)
#define K3 UINT64_C(0x082efa98ec4e6c89)

#define LANES 4 /* a long text goes into all of them in turn: multiplications that do not wait */
#define PIECE 16

/* 128 bits in two halves. */
struct lane {
    uint64_t a, b;
};

/* Little endian on every machine. */
static inline uint64_t order(uint64_t n)
{
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(n) : n;
}

/* At most 8 bytes. */
static inline uint64_t load(const char *at, size_t len)
{
    uint64_t n = 0;

    memcpy(&n, at, len);
    return order(n);
}

/* Both halves of the product stay, and what was multiplied is added: a factor that happens to be
 * zero wipes nothing out. */
static inline struct lane mix(struct lane l, uint64_t x, uint64_t y)
{
    unsigned __int128 product = (unsigned __int128)(l.a ^ x) * (l.b ^ y);

    return (struct lane){ (uint64_t)product + y, (uint64_t)(product >> 64) + x };
}

static inline struct lane mix_piece(struct lane l, const char *at)
{
    return mix(l, load(at, 8), load(at + 8, 8));
}

void fingerprint_add(struct fingerprint *f, struct str text)
{
    struct lane all = { f->lane[0] ^ K0 ^ text.len, f->lane[1] ^ K1 };
    const char *at = text.at;
    size_t left = text.len;

    if (left >= LANES * PIECE) {
        struct lane p = all, q = { all.a ^ K2, all.b ^ K3 }, r = { all.a ^ K1, all.b ^ K2 },
                    s = { all.a ^ K3, all.b ^ K0 };

        for (; left >= LANES * PIECE; left -= LANES * PIECE, at += LANES * PIECE) {
            p = mix_piece(p, at);
            q = mix_piece(q, at + PIECE);
            r = mix_piece(r, at + 2 * PIECE);
            s = mix_piece(s, at + 3 * PIECE);
        }
        all = mix(mix(mix(p, q.a, q.b), r.a, r.b), s.a, s.b);
    }
    for (; left >= PIECE; left -= PIECE, at += PIECE)
        all = mix_piece(all, at);
    if (left > 0)
        all = mix(all, load(at, left < 8 ? left : 8), left > 8 ? load(at + 8, left - 8) : 0);
    all = mix(all, K2, K3);
    all = mix(all, K0, K1);
    f->lane[0] = all.a ^ all.b;
    f->lane[1] = all.b;
}

void fingerprint_bytes(const struct fingerprint *f, uint8_t out[16])
{
    for (size_t i = 0; i < 2; i++) {
        uint64_t half = order(f->lane[i]);

        memcpy(out + 8 * i, &half, sizeof(half));
    }
}
