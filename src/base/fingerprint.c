#include "fingerprint.h"

#if defined(__x86_64__) && !defined(FINGERPRINT_PLAIN_C)
#include <immintrin.h>
#endif

/* digits of pi: any odd numbers without pattern would do */
#define K0 UINT64_C(0x243f6a8885a308d3)
#define K1 UINT64_C(0x13198a2e03707345)
#define K2 UINT64_C(0xa4093822299f31d1)
#define K3 UINT64_C(0x082efa98ec4e6c89)

#define PIECE 16
/* A long text goes through many lanes of 64 bits, which do not wait for each other. */
#define WIDE_LANES 16
#define WIDE_BYTES ((size_t)8 * WIDE_LANES)

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

/* The last bytes of a text that has at least 8, from 1 to 8 of them, with those before shifted out.
 */
static inline uint64_t load_last(const char *end, size_t len)
{
    return load(end - 8, 8) >> 8 * (8 - len);
}

/* Both halves of the product stay, and what was multiplied is added: a factor that happens to be
 * zero wipes nothing out. */
static inline struct lane mix(struct lane l, uint64_t x, uint64_t y)
{
    unsigned __int128 product = (unsigned __int128)(l.a ^ x) * (l.b ^ y);

    return (struct lane){ (uint64_t)product + y, (uint64_t)(product >> 64) + x };
}

/* One round of a lane: its two halves are multiplied after the text has changed them, and what came
 * in is added from the neighbour's place, so that neither a zero nor a changed order goes unseen.
 */
static void wide_plain(uint64_t lanes[WIDE_LANES], const char *at, size_t rounds)
{
    for (; rounds > 0; rounds--, at += WIDE_BYTES)
        for (size_t i = 0; i < WIDE_LANES; i++) {
            uint64_t k = load(at + 8 * i, 8) ^ lanes[i];

            lanes[i] = (k & UINT32_MAX) * (k >> 32) + (lanes[i] << 32 | lanes[i] >> 32) +
                       load(at + 8 * (i ^ 1), 8);
        }
}

#if defined(__x86_64__) && !defined(FINGERPRINT_PLAIN_C)

/* The same, four lanes at a time. */
__attribute__((target("avx2"))) static void wide_avx2(uint64_t lanes[WIDE_LANES], const char *at,
                                                      size_t rounds)
{
    __m256i l[WIDE_LANES / 4];

#pragma GCC unroll 4
    for (size_t i = 0; i < COUNT(l); i++)
        l[i] = _mm256_loadu_si256((const __m256i *)(const void *)(lanes + 4 * i));
    for (; rounds > 0; rounds--, at += WIDE_BYTES)
#pragma GCC unroll 4
        for (size_t i = 0; i < COUNT(l); i++) {
            __m256i in = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32 * i));
            __m256i k = _mm256_xor_si256(in, l[i]);
            __m256i product = _mm256_mul_epu32(k, _mm256_srli_epi64(k, 32));
            __m256i turned = _mm256_shuffle_epi32(l[i], _MM_SHUFFLE(2, 3, 0, 1));
            __m256i neighbour = _mm256_shuffle_epi32(in, _MM_SHUFFLE(1, 0, 3, 2));

            l[i] = _mm256_add_epi64(product, _mm256_add_epi64(turned, neighbour));
        }
#pragma GCC unroll 4
    for (size_t i = 0; i < COUNT(l); i++)
        _mm256_storeu_si256((__m256i *)(void *)(lanes + 4 * i), l[i]);
}

static void wide(uint64_t lanes[WIDE_LANES], const char *at, size_t rounds)
{
    if (__builtin_cpu_supports("avx2"))
        wide_avx2(lanes, at, rounds);
    else
        wide_plain(lanes, at, rounds);
}

#else

static void wide(uint64_t lanes[WIDE_LANES], const char *at, size_t rounds)
{
    wide_plain(lanes, at, rounds);
}

#endif

void fingerprint_add(struct fingerprint *f, struct str text)
{
    struct lane all = { f->lane[0] ^ K0 ^ text.len, f->lane[1] ^ K1 };
    const char *at = text.at;
    size_t left = text.len, rounds = text.len / WIDE_BYTES;

    if (rounds > 1) {
        uint64_t lanes[WIDE_LANES];

        for (size_t i = 0; i < WIDE_LANES; i++)
            lanes[i] = K2 + i * K3;
        wide(lanes, at, rounds);
        for (size_t i = 0; i < WIDE_LANES; i += 2)
            all = mix(all, lanes[i], lanes[i + 1]);
        at += rounds * WIDE_BYTES;
        left -= rounds * WIDE_BYTES;
    }
    for (; left >= PIECE; left -= PIECE, at += PIECE)
        all = mix(all, load(at, 8), load(at + 8, 8));
    if (left > 8)
        all = mix(all, load(at, 8), load_last(at + left, left - 8));
    else if (left > 0)
        all = mix(all, text.len < 8 ? load(at, left) : load_last(at + left, left), 0);
    all = mix(all, K2, K3);
    all = mix(all, K0, K1);
    /* the high half of a product is thin at its top: folded with the low one it is not */
    f->lane[0] = all.a ^ all.b;
    all = mix(all, K3, K2);
    f->lane[1] = all.a ^ all.b;
}

void fingerprint_bytes(const struct fingerprint *f, uint8_t out[16])
{
    for (size_t i = 0; i < 2; i++) {
        uint64_t half = order(f->lane[i]);

        memcpy(out + 8 * i, &half, sizeof(half));
    }
}
